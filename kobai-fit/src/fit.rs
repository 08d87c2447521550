//! From a document and a table to trained parameters.

use crate::array::Array;
use crate::binding::{Binding, Encoding, FittedBinding};
use crate::error::DataError;
use crate::lbfgs::{MinimiseError, Outcome, Progress, Settings, minimise};
use crate::saved::Saved;
use crate::split::{Split, split};
use crate::table::Table;
use kobai::check::{Verdict, assumptions};
use kobai::eval::data::{Inputs, bind, kinds};
use kobai::expr::{Context, Symbol};
use kobai::parse::{detect, parse};
use kobai::plan::{Options, Output, plan};
use kobai::resolve::{Program, resolve};
use kobai::source::Diagnostic;
use kobai::stabilise::{inline, stabilise, stabilise_expression, stable_gradient};
use kobai_cpu::{Executor, RunError};
use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::AtomicBool;

/// Why a fit cannot be done.
#[derive(Debug)]
pub enum FitError {
    /// The data, or a binding.
    Data(DataError),
    /// The formula.
    Formula(Vec<Diagnostic>),
    /// The run.
    Run(RunError),
}

impl From<DataError> for FitError {
    fn from(error: DataError) -> FitError {
        FitError::Data(error)
    }
}

impl From<RunError> for FitError {
    fn from(error: RunError) -> FitError {
        FitError::Run(error)
    }
}

/// A parameter to find.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// Its symbol.
    pub symbol: Symbol,
    /// Its name.
    pub name: String,
    /// The size of each axis.
    pub shape: Vec<usize>,
}

impl Parameter {
    /// How many numbers it has.
    pub fn entries(&self) -> usize {
        self.shape.iter().product()
    }
}

/// A document understood and its data bound, ready to train.
pub struct Prepared {
    /// The program.
    pub program: Program,
    /// Each binding with its source, as text.
    pub bindings: Vec<(String, String)>,
    /// The data of the training rows.
    pub training: Inputs,
    /// The data of the rows held out.
    pub held_out: Inputs,
    /// Which rows are which.
    pub split: Split,
    /// The parameters under `\min`.
    pub parameters: Vec<Parameter>,
    /// What the training data say of each condition stated.
    pub verdicts: Vec<Verdict>,
    fitted: Vec<FittedBinding>,
}

/// What a training gives.
#[derive(Debug)]
pub struct Fitted {
    /// How the solver ended.
    pub outcome: Outcome,
    /// The parameters, by name.
    pub arrays: Vec<(String, Array)>,
    /// The loss on the rows held out.
    pub held_out_loss: Option<f64>,
    /// The share of training rows whose class is predicted.
    pub training_accuracy: Option<f64>,
    /// The share of held-out rows whose class is predicted.
    pub held_out_accuracy: Option<f64>,
}

/// Reads a document, binds the table's columns and checks what the document assumes.
///
/// # Errors
/// What is wrong with the formula, a binding or the table.
pub fn prepare(text: &str, bindings: &[String], table: &Table, fraction: f64, seed: u64) -> Result<Prepared, FitError> {
    let split = split(table.rows, fraction, seed)?;
    let (mut training, mut held_out, mut fitted) = (Inputs::new(), Inputs::new(), Vec::new());
    let mut described = BTreeMap::new();
    for text in bindings {
        let (name, source) = text.split_once('=').unwrap_or((text, ""));
        described.insert(name.trim().to_owned(), source.trim().to_owned());
    }
    for (name, source) in &described {
        if let Ok(number) = source.parse::<f64>() {
            training.insert(name.clone(), Array::scalar(number));
            held_out.insert(name.clone(), Array::scalar(number));
            continue;
        }
        let binding = Binding::parse(&format!("{name} = {source}"))?.fit(table, &split.training)?;
        training.insert(name.clone(), binding.apply(table, &split.training)?);
        held_out.insert(name.clone(), binding.apply(table, &split.held_out)?);
        fitted.push(binding);
    }
    let parsed = parse(text, detect(text));
    let mut program = resolve(&parsed, &kinds(&training)).map_err(FitError::Formula)?;
    let parameters = parameters(&mut program, &training)?;
    let verdicts = assumptions(&mut program, &training);
    let bindings = described.into_iter().collect();
    Ok(Prepared { program, bindings, training, held_out, split, parameters, verdicts, fitted })
}

/// The parameters with their shapes, which the other inputs' axes tell.
fn parameters(program: &mut Program, inputs: &Inputs) -> Result<Vec<Parameter>, FitError> {
    if program.parameters.is_empty() {
        return Err(FitError::Formula(vec![Diagnostic::data_error("no-parameters")]));
    }
    let loss = kobai::stabilise::written_out(program);
    let context = &program.context;
    let mut needed = context.symbols_in(loss);
    needed.retain(|symbol| !program.parameters.contains(symbol));
    let bound = bind(context, &needed, inputs).map_err(FitError::Formula)?;
    program.parameters.iter().map(|&symbol| parameter(context, symbol, bound.sizes())).collect()
}

fn parameter(
    context: &Context,
    symbol: Symbol,
    sizes: &HashMap<kobai::expr::Axis, usize>,
) -> Result<Parameter, FitError> {
    let information = context.symbol(symbol);
    let size = |axis: &kobai::expr::Axis| {
        let name = &context.axis(*axis).size_name.plain;
        sizes
            .get(axis)
            .copied()
            .ok_or_else(|| FitError::Formula(vec![Diagnostic::data_error("size-unknown").with("axis", name)]))
    };
    let shape = information.axes.iter().map(size).collect::<Result<_, _>>()?;
    Ok(Parameter { symbol, name: information.name.plain.clone(), shape })
}

impl Prepared {
    /// Finds the parameters of least loss, from zeros.
    ///
    /// # Errors
    /// A label outside of its axis, or a loss that is not finite at the start.
    pub fn train(
        &mut self,
        settings: &Settings,
        interrupted: &AtomicBool,
        progress: &mut dyn FnMut(&Progress),
    ) -> Result<Fitted, FitError> {
        let loss = stabilise(&mut self.program).loss;
        let symbols: Vec<Symbol> = self.parameters.iter().map(|parameter| parameter.symbol).collect();
        let context = &mut self.program.context;
        let mut outputs = vec![Output { name: "value".into(), indices: Vec::new(), value: loss }];
        for (gradient, parameter) in stable_gradient(context, loss, &symbols).into_iter().zip(&self.parameters) {
            outputs.push(Output { name: parameter.name.clone(), indices: gradient.indices, value: gradient.value });
        }
        let mut runner = Runner::new(context, &outputs, &self.training, &self.parameters)?;
        let start = vec![0.0; self.parameters.iter().map(Parameter::entries).sum()];
        let mut objective = |point: &[f64], gradient: &mut [f64]| runner.evaluate(point, gradient);
        let outcome =
            minimise(&mut objective, start, settings, interrupted, progress).map_err(|error| match error {
                MinimiseError::Objective(error) => FitError::Run(error),
                MinimiseError::StartNotFinite { value, .. } => FitError::Formula(vec![
                    Diagnostic::data_error("loss-not-finite-at-start").with("value", value.to_string()),
                ]),
            })?;
        let point = &outcome.parameters;
        let value = [Output { name: "value".into(), indices: Vec::new(), value: loss }];
        let held_out_loss = self.on_held_out(&value, point)?.and_then(|values| values.first().copied());
        let training_accuracy = self.accuracy(false, point)?;
        let held_out_accuracy = self.accuracy(true, point)?;
        let arrays = self.arrays(point);
        Ok(Fitted { arrays, outcome, held_out_loss, training_accuracy, held_out_accuracy })
    }

    fn on_held_out(&mut self, outputs: &[Output], point: &[f64]) -> Result<Option<Vec<f64>>, FitError> {
        if self.split.held_out.is_empty() {
            return Ok(None);
        }
        let mut runner = Runner::new(&mut self.program.context, outputs, &self.held_out, &self.parameters)?;
        runner.run(point)?;
        Ok(runner.executor.output(&outputs[0].name).map(<[f64]>::to_vec))
    }

    /// Flat parameters as named arrays.
    fn arrays(&self, point: &[f64]) -> Vec<(String, Array)> {
        let mut rest = point;
        let mut arrays = Vec::new();
        for parameter in &self.parameters {
            let (own, others) = rest.split_at(parameter.entries());
            rest = others;
            arrays.push((
                parameter.name.clone(),
                Array { shape: parameter.shape.clone(), data: own.to_vec(), integer: false },
            ));
        }
        arrays
    }

    /// The share of rows whose class is predicted: the definition with the label's axes that the loss reads is the
    /// prediction, its largest entry (or whether it is above a half) the class.
    fn accuracy(&mut self, held_out: bool, point: &[f64]) -> Result<Option<f64>, FitError> {
        let Some((label, prediction)) = self.label_and_prediction() else { return Ok(None) };
        let data = if held_out { &self.held_out } else { &self.training };
        let Some(labels) = data.get(&label).filter(|labels| labels.shape.first().is_some_and(|&rows| rows > 0)) else {
            return Ok(None);
        };
        let context = &mut self.program.context;
        let mut runner = Runner::new(context, &[prediction], data, &self.parameters)?;
        runner.run(point)?;
        let Some(predicted) = runner.executor.output("prediction") else { return Ok(None) };
        let rows = labels.shape[0];
        let width = labels.data.len() / rows;
        let right = (0..rows).filter(|row| {
            let range = row * width..(row + 1) * width;
            class(&labels.data[range.clone()]) == class(&predicted[range])
        });
        Ok(Some(right.count() as f64 / rows as f64))
    }

    fn label_and_prediction(&mut self) -> Option<(String, Output)> {
        let labels = self.fitted.iter().filter(|binding| match &binding.encoding {
            Encoding::OneHot { .. } => true,
            Encoding::Vector(_) => self
                .training
                .get(&binding.symbol)
                .is_some_and(|array| array.data.iter().all(|&value| value == 0.0 || value == 1.0)),
            _ => false,
        });
        let label = labels.map(|binding| binding.symbol.clone()).next()?;
        let program = &mut self.program;
        let axes = &program.context.symbols.iter().find(|symbol| symbol.name.plain == label)?.axes;
        let read = program.context.symbols_in(program.loss);
        let same = |definition: &&kobai::resolve::Definition| {
            read.contains(&definition.symbol) && program.context.symbol(definition.symbol).axes == *axes
        };
        let definition = program.definitions.iter().find(same)?.clone();
        let mut values = HashMap::new();
        for known in &program.definitions {
            let value = inline(&mut program.context, known.value, &values);
            values.insert(known.symbol, (known.indices.clone(), value));
        }
        let written = values.get(&definition.symbol)?.1;
        let value = stabilise_expression(program, written).loss;
        Some((label, Output { name: "prediction".into(), indices: definition.indices, value }))
    }

    /// The parameters and what is needed to use them again.
    pub fn saved(&self, fitted: &Fitted) -> Saved {
        let mut metadata = BTreeMap::new();
        for (name, source) in &self.bindings {
            metadata.insert(format!("bind.{name}"), source.clone());
        }
        for binding in &self.fitted {
            if let Encoding::Matrix(scale) | Encoding::Vector(scale) = &binding.encoding
                && let crate::binding::Scale::Standardised { means, deviations } = scale
            {
                metadata.insert(format!("means.{}", binding.symbol), joined(means));
                metadata.insert(format!("deviations.{}", binding.symbol), joined(deviations));
            }
        }
        metadata.insert("loss".into(), fitted.outcome.value.to_string());
        metadata.insert("gradient_norm".into(), fitted.outcome.gradient_norm.to_string());
        Saved { arrays: fitted.arrays.clone(), metadata }
    }
}

fn joined(values: &[f64]) -> String {
    values.iter().map(f64::to_string).collect::<Vec<_>>().join(" ")
}

/// The class that a row says: the place of its largest entry, or of a single entry whether it is at least a half.
fn class(row: &[f64]) -> usize {
    if let [only] = row {
        return usize::from(*only >= 0.5);
    }
    let best = row.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1).then(b.0.cmp(&a.0)));
    best.map_or(0, |(place, _)| place)
}

/// Runs a plan at points of the parameter space.
struct Runner<'a> {
    executor: Executor<f64>,
    inputs: &'a Inputs,
    parameters: &'a [Parameter],
}

impl<'a> Runner<'a> {
    fn new(
        context: &mut Context,
        outputs: &[Output],
        inputs: &'a Inputs,
        parameters: &'a [Parameter],
    ) -> Result<Runner<'a>, FitError> {
        let mut needed: Vec<Symbol> = outputs.iter().flat_map(|output| context.symbols_in(output.value)).collect();
        needed.retain(|symbol| !parameters.iter().any(|parameter| parameter.symbol == *symbol));
        let bound = bind(context, &needed, inputs).map_err(FitError::Formula)?;
        let mut sizes = bound.sizes().clone();
        for parameter in parameters {
            for (&axis, &size) in context.symbol(parameter.symbol).axes.iter().zip(&parameter.shape) {
                sizes.entry(axis).or_insert(size);
            }
        }
        let plan = plan(context, outputs, &sizes, Options::default());
        Ok(Runner { executor: Executor::new(plan), inputs, parameters })
    }

    fn run(&mut self, point: &[f64]) -> Result<(), RunError> {
        let mut inputs = kobai_cpu::Inputs::new();
        for (name, array) in self.inputs {
            inputs.numbers(name, &array.data);
        }
        let mut rest = point;
        for parameter in self.parameters {
            let (own, others) = rest.split_at(parameter.entries());
            rest = others;
            inputs.numbers(&parameter.name, own);
        }
        self.executor.run(&inputs)
    }

    fn evaluate(&mut self, point: &[f64], gradient: &mut [f64]) -> Result<f64, RunError> {
        self.run(point)?;
        let mut rest = gradient;
        for parameter in self.parameters {
            let (own, others) = rest.split_at_mut(parameter.entries());
            rest = others;
            if let Some(found) = self.executor.output(&parameter.name) {
                own.copy_from_slice(found);
            }
        }
        Ok(self.executor.output("value").and_then(|value| value.first().copied()).unwrap_or(f64::NAN))
    }
}
