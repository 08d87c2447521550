//! From a document and a table to trained parameters.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use kobai::check::Verdict;
use kobai::source::Diagnostic;

use crate::array::Array;
use crate::binding::{Binding, Meaning};
use crate::conditions;
use crate::dataset::{Dataset, Options, apply, load};
use crate::error::DataError;
use crate::judge::{Judged, judge};
use crate::model::{FitError, Model, RowWatch};
use crate::model_file::ModelFile;
use crate::objective::{Runners, TrainingLoss, blocks, entries_of};
use crate::random::SplitMix64;
use crate::solver::{Constraints, From, Method, MinimiseError, Outcome, Settings, Watch, minimise};
use crate::source::Source;
use crate::start::Start;
use crate::structure::{Structure, structure};
use crate::transform::Transform;

/// What a fit begins with.
pub struct Request<'a> {
    /// The document or formula.
    pub document: &'a str,
    /// What its symbols stand for.
    pub bindings: &'a [String],
    /// The table.
    pub table: &'a Source,
    /// Another table whose rows are all held out; the first then trains whole.
    pub test: Option<&'a Source>,
    /// How the table becomes arrays.
    pub options: Options,
}

/// A document understood and its data bound, ready to train.
pub struct Prepared {
    /// The document's model.
    pub model: Model,
    /// The document.
    pub document: String,
    /// Each binding with its source, as text.
    pub bindings: Vec<(String, String)>,
    /// The rows.
    pub dataset: Dataset,
    /// What the training rows say of each condition stated.
    pub verdicts: Vec<Verdict>,
    /// How free numbers stand for each parameter.
    pub transforms: Vec<Transform>,
    /// What else parameters may be.
    pub constraints: Constraints,
    /// The same in words.
    pub constraints_in_words: Vec<String>,
    /// Whether the loss was proved to be convex in the parameters.
    pub convex: bool,
    /// How long the reading of the tables took.
    pub reading: Duration,
    /// Where arrays that do not fit in memory lie.
    scratch: PathBuf,
}

/// From so many rows on, a loss that is not convex is trained by batches: it takes many steps, and not exact ones.
const MANY_ROWS: usize = 50_000;

/// How to train.
#[derive(Debug, Clone, Default)]
pub struct Training {
    /// The solver.
    pub settings: Settings,
    /// How many rows a batch has.
    pub batch: usize,
    /// How many bytes the plans may take.
    pub memory: Option<u64>,
    /// Whether the loss on rows held out is worked out after each iteration.
    pub follow_held_out: bool,
}

/// Where a training begins.
#[derive(Debug, Clone, PartialEq)]
pub struct Beginning {
    /// The free numbers.
    pub free: Vec<f64>,
    /// What each parameter starts from, in words: its name and the start.
    pub told: Vec<(String, String)>,
}

/// Reads a document, binds the table's columns and checks what the document assumes. `watch` is told of the rows read.
///
/// # Errors
/// What is wrong with the formula, a binding or a table.
pub fn prepare(request: &Request, watch: &mut dyn FnMut(usize) -> ControlFlow<()>) -> Result<Prepared, FitError> {
    let mut described = BTreeMap::new();
    let mut bindings = BTreeMap::new();
    for text in request.bindings {
        let mut binding = Binding::parse(text)?;
        // Names in data have no backslash; who writes one means the same name.
        binding.symbol = binding.symbol.trim_start_matches('\\').to_owned();
        let source = text.split_once('=').map_or("", |(_, source)| source.trim());
        described.insert(binding.symbol.clone(), source.to_owned());
        bindings.insert(binding.symbol.clone(), binding);
    }
    let bindings: Vec<Binding> = bindings.into_values().collect();
    let mut model = Model::read(request.document, &bindings)?;
    if bindings.iter().all(|binding| matches!(binding.meaning, Meaning::Number(_))) {
        return Err(DataError::new("binding-none")
            .with("columns", crate::binding::Listed(request.table.names()))
            .into());
    }
    let held_out = if request.test.is_some() { 0.0 } else { request.options.held_out };
    let options = Options { held_out, ..request.options.clone() };
    let begun = Instant::now();
    let mut dataset = load(request.table, &bindings, &model.shared_classes(), &options, watch)?;
    if let Some(test) = request.test {
        dataset.held_out = apply(test, &dataset.bindings, &options, watch)?;
    }
    let reading = begun.elapsed();
    model.settle(&dataset.bindings, &dataset.training)?;
    let verdicts = conditions::verdicts(&mut model, &dataset.training)?;
    let Structure { transforms, constraints, words, convex } = structure(&mut model, &dataset)?;
    Ok(Prepared {
        model,
        document: request.document.to_owned(),
        bindings: described.into_iter().collect(),
        dataset,
        verdicts,
        transforms,
        constraints,
        constraints_in_words: words,
        convex,
        reading,
        scratch: options.scratch,
    })
}

impl Prepared {
    /// The free numbers to start from: by rule, or as `starts` and then `init`, parameters of another fit, say.
    ///
    /// # Errors
    /// `start-unknown`, `start-outside`, `model-other`.
    pub fn start(
        &self,
        starts: &[(String, Start)],
        init: Option<&ModelFile>,
        seed: u64,
    ) -> Result<Beginning, FitError> {
        let parameters = &self.model.parameters;
        let known = || parameters.iter().map(|parameter| parameter.name.as_str()).collect::<Vec<_>>().join(", ");
        if let Some((name, _)) = starts.iter().find(|(name, _)| parameters.iter().all(|other| other.name != *name)) {
            return Err(DataError::new("start-unknown").with("name", name).with("known", known()).into());
        }
        let mut random = SplitMix64::new(seed);
        let mut free = vec![0.0; self.model.entries()];
        let mut told = Vec::new();
        for ((parameter, block), transform) in parameters.iter().zip(blocks(parameters)).zip(&self.transforms) {
            let own = &mut free[block];
            let name = self.model.shown_name(parameter.symbol);
            let given = init.and_then(|file| file.parameters.iter().find(|(name, _)| *name == parameter.name));
            let asked = starts.iter().rev().find(|(name, _)| *name == parameter.name).map(|(_, start)| *start);
            let mut entries = vec![0.0; own.len()];
            match (given, asked) {
                (Some((_, array)), _) if array.shape == parameter.shape => {
                    transform.invert(&array.data, own);
                    told.push((name, "the file given".to_owned()));
                }
                (Some((_, array)), _) => {
                    let cause = format!(
                        "{} has the shape {:?} there, and {:?} here.",
                        parameter.name, array.shape, parameter.shape
                    );
                    return Err(DataError::new("model-other").with("file", "--init").with("cause", cause).into());
                }
                (None, Some(start)) => {
                    start.draw(&mut entries, &mut random);
                    transform.invert(&entries, own);
                    told.push((name, start.to_string()));
                }
                (None, None) => {
                    let start = Start::by_rule(&parameter.shape, self.convex);
                    start.draw(own, &mut random);
                    let name = if *transform == Transform::Identity { name } else { format!("u of {name}") };
                    told.push((name, start.to_string()));
                }
            }
            if own.iter().any(|number| !number.is_finite()) {
                return Err(DataError::new("start-outside").with("name", &parameter.name).into());
            }
        }
        Ok(Beginning { free, told })
    }

    /// The method that suits the loss and the rows, and why.
    pub fn suggested_method(&self) -> (Method, String) {
        let rows = self.dataset.training.rows;
        let shown = self.model.parameters.iter().map(|parameter| self.model.shown_name(parameter.symbol));
        let names: Vec<String> = shown.collect();
        let names = names.join(", ");
        if self.convex {
            return (Method::Lbfgs, format!("because the loss is convex in {names}: every minimum is the least"));
        }
        if rows > MANY_ROWS {
            let reason = format!("because the loss is not known to be convex in {names}, and there are {rows} rows");
            return (Method::AdamW, reason);
        }
        (Method::Lbfgs, "because all rows are few enough to be looked at in every step".to_owned())
    }

    /// Whether the arrays lie in a file.
    pub fn is_in_file(&self) -> bool {
        self.dataset.training.arrays.values().any(|array| array.is_in_file())
    }

    /// The bytes that the arrays take.
    pub fn bytes(&self) -> u64 {
        let parts = [&self.dataset.training, &self.dataset.held_out];
        let entries = parts.iter().flat_map(|part| part.arrays.values()).map(|array| array.len() as u64);
        entries.sum::<u64>() * size_of::<f64>() as u64
    }

    /// Plans the training. For a method that goes by batches the rows are put in an order that the seed decides.
    ///
    /// # Errors
    /// An input that is missing or of another rank; `scratch-not-written`.
    pub fn plan(&mut self, training: &Training) -> Result<Runners, FitError> {
        let method = training.settings.method;
        if method.is_stochastic() {
            self.dataset.training.shuffle(training.settings.seed, &self.scratch)?;
        }
        let part = &self.dataset.training;
        let mut runners = Runners::new(&mut self.model, part, method, training.batch, training.memory)?;
        if method == Method::Lbfgs && self.convex && self.constraints.is_empty() {
            runners.look_at_features(&mut self.model, part)?;
        }
        if training.follow_held_out {
            runners.follow(&mut self.model, &self.dataset.held_out, training.memory)?;
        }
        Ok(runners)
    }

    /// Finds the parameters of least loss. `rows` is told of rows read while the loss is evaluated, `watch` of iterations.
    ///
    /// # Errors
    /// A label outside of its axis, a loss that is not finite at the start, a state of another training.
    pub fn train(
        &mut self,
        training: &Training,
        runners: Runners,
        from: From,
        interrupted: &AtomicBool,
        (rows, watch): (RowWatch, Watch),
    ) -> Result<Outcome, FitError> {
        let parts = (&self.dataset.training, &self.dataset.held_out);
        let mut loss = TrainingLoss::new(&self.model, parts, runners, &self.transforms, rows);
        let how = (&training.settings, &self.constraints);
        minimise(&mut loss, from, how, interrupted, watch).map_err(|error| match error {
            MinimiseError::Objective(error) => error,
            MinimiseError::StartNotFinite { value, .. } => {
                FitError::formula(Diagnostic::data_error("loss-not-finite-at-start").with("value", value.to_string()))
            }
            MinimiseError::ConstraintsNotSupported(method) => {
                DataError::new("solver-constraints").with("solver", method.names().1).into()
            }
            MinimiseError::OtherState => DataError::new("checkpoint-state").into(),
        })
    }

    /// The parameters that free numbers stand for, one after another.
    pub fn entries(&self, free: &[f64]) -> Vec<f64> {
        let mut entries = vec![0.0; free.len()];
        entries_of(&self.model.parameters, &self.transforms, free, &mut entries);
        entries
    }

    /// How well parameters do on the rows that train and on those held out.
    ///
    /// # Errors
    /// A label outside of its axis.
    pub fn judge(&mut self, entries: &[f64]) -> Result<Judged, FitError> {
        judge(&mut self.model, &self.dataset, entries)
    }

    /// The model to save.
    pub fn model_file(&self, entries: &[f64], facts: BTreeMap<String, String>) -> ModelFile {
        let array = |(block, parameter): (std::ops::Range<usize>, &crate::model::Parameter)| {
            let array = Array { shape: parameter.shape.clone(), data: entries[block].to_vec(), integer: false };
            (parameter.name.clone(), array)
        };
        let parameters = &self.model.parameters;
        ModelFile {
            document: self.document.clone(),
            bindings: self.dataset.bindings.clone(),
            numbers: self.model.numbers.clone(),
            parameters: blocks(parameters).zip(parameters).map(array).collect(),
            facts,
        }
    }
}
