//! What a fit is worth: the loss on rows held out, and how its predictions fit what was observed.

use kobai::expr::Axis;
use kobai::resolve::Definition;

use crate::dataset::Dataset;
use crate::encoding::{Encoding, FittedBinding};
use crate::metrics::{ClassMetrics, ClassSummary, CountMetrics, CountSummary, NumberMetrics, NumberSummary};
use crate::model::{FitError, Model};
use crate::objective::{by_name, loss_of, loss_runner};
use crate::part::{Part, PartArray};
use crate::quantity::{Quantity, definitions, row_axis};

/// What is known of a fit.
#[derive(Debug, Clone, PartialEq)]
pub struct Judged {
    /// The loss on the rows held out.
    pub held_out_loss: Option<f64>,
    /// What is predicted: the definition and the data that it is held against.
    pub predicted: Option<(String, String)>,
    /// The names of the classes.
    pub classes: Vec<String>,
    /// How the predictions fit on the rows that train.
    pub training: Option<Summary>,
    /// How they fit on the rows held out.
    pub held_out: Option<Summary>,
}

/// How predictions fit.
#[derive(Debug, Clone, PartialEq)]
pub enum Summary {
    /// Classes.
    Classes(ClassSummary),
    /// Numbers; and, where all that was observed are counts and all predictions are positive, how well they do as means of
    /// Poisson distributions.
    Numbers(NumberSummary, Option<CountSummary>),
}

/// Works out the loss on the rows held out, and the metrics of both parts.
pub(crate) fn judge(model: &mut Model, dataset: &Dataset, entries: &[f64]) -> Result<Judged, FitError> {
    let mut judged = Judged {
        held_out_loss: held_out_loss(model, &dataset.held_out, entries)?,
        predicted: None,
        classes: Vec::new(),
        training: None,
        held_out: None,
    };
    let Some(target) = Target::find(model, dataset) else { return Ok(judged) };
    judged.predicted = Some((target.prediction.name.clone(), target.symbol.clone()));
    judged.classes = target.classes.clone();
    judged.training = target.judge(model, &dataset.training, entries)?;
    judged.held_out = target.judge(model, &dataset.held_out, entries)?;
    Ok(judged)
}

fn held_out_loss(model: &mut Model, part: &Part, entries: &[f64]) -> Result<Option<f64>, FitError> {
    if part.rows == 0 {
        return Ok(None);
    }
    let mut runner = loss_runner(model, part, None)?;
    loss_of(&mut runner, model, part, entries).map(Some)
}

/// Data that a definition predicts.
struct Target {
    symbol: String,
    classes: Vec<String>,
    /// Whether it is classes, and not numbers.
    is_class: bool,
    prediction: Quantity,
}

impl Target {
    /// The first of the data that the loss compares with a definition of the same axes: classes first, then a column of
    /// zeros and ones, then the only column of numbers.
    fn find(model: &mut Model, dataset: &Dataset) -> Option<Target> {
        let row = row_axis(model, &dataset.bindings)?;
        let bindings = &dataset.bindings;
        let two = || vec!["0".to_owned(), "1".to_owned()];
        let classes = bindings.iter().filter_map(|binding| Some((binding, binding.classes()?.to_vec(), true)));
        let vectors = || bindings.iter().filter(|binding| matches!(binding.encoding, Encoding::Vector(_)));
        let zeros_and_ones = |binding: &&FittedBinding| {
            let array = dataset.training.arrays.get(&binding.symbol);
            array.is_some_and(|array| array.iter().all(|&value| value == 0.0 || value == 1.0))
        };
        let shares = vectors().filter(zeros_and_ones).map(|binding| (binding, two(), true));
        let numbers = vectors().map(|binding| (binding, Vec::new(), false));
        let only = vectors().count() == 1;
        for (binding, classes, is_class) in classes.chain(shares).chain(numbers.filter(|_| only)) {
            let Some(definition) = predicting(model, binding, row) else { continue };
            let prediction = Quantity::new(model, &definition);
            return Some(Target { symbol: binding.symbol.clone(), classes, is_class, prediction });
        }
        None
    }

    /// How many predictions a row has.
    fn width(&self) -> usize {
        if self.prediction.axes.is_empty() { 1 } else { self.classes.len() }
    }

    /// How the predictions fit on a part; none without rows, and where numbers beside zeros and ones are no probabilities.
    fn judge(&self, model: &mut Model, part: &Part, entries: &[f64]) -> Result<Option<Summary>, FitError> {
        let Some(observed) = part.arrays.get(&self.symbol).filter(|_| part.rows > 0) else { return Ok(None) };
        let parameters = model.parameters.clone();
        let inputs = by_name(&parameters, entries);
        let mut classes = ClassMetrics::new(self.classes.len());
        let (mut numbers, mut counts) = (NumberMetrics::default(), CountMetrics::default());
        let (mut are_shares, mut are_counts) = (true, true);
        self.prediction.each(model, part, &inputs, &mut |first, predicted| -> Result<(), FitError> {
            let width = self.width();
            let rows = first..first + predicted.len() / width;
            are_shares &= width > 1 || predicted.iter().all(|share| (0.0..=1.0).contains(share));
            if self.is_class {
                classes.push(&labels(observed, rows), predicted)?;
            } else {
                let observed = observed.rows(rows);
                numbers.push(observed, predicted)?;
                are_counts &= observed.iter().all(|&count| count >= 0.0 && count.fract() == 0.0);
                are_counts &= predicted.iter().all(|&mean| mean > 0.0);
                if are_counts {
                    counts.push(observed, predicted)?;
                }
            }
            Ok(())
        })?;
        Ok(match self.is_class {
            true => are_shares.then(|| Summary::Classes(classes.summary())),
            false => Some(Summary::Numbers(numbers.summary(), are_counts.then(|| counts.summary()))),
        })
    }
}

/// The numbers of the classes of rows, whatever their encoding.
fn labels(observed: &PartArray, rows: std::ops::Range<usize>) -> Vec<usize> {
    match observed.width() {
        1 => observed.rows(rows).iter().map(|&label| label as usize).collect(),
        width => {
            let place = |row: &[f64]| row.iter().position(|&entry| entry == 1.0).unwrap_or(0);
            observed.rows(rows).chunks(width).map(place).collect()
        }
    }
}

/// The definition that predicts data: of the same axes as the data, or as the table that an index looks up, and read by the
/// loss itself if there are several.
fn predicting(model: &mut Model, binding: &FittedBinding, row: Axis) -> Option<Definition> {
    let indexed = model.indexed_axes();
    let context = &model.program.context;
    let mut axes = context.symbols.iter().find(|symbol| symbol.name.plain == binding.symbol)?.axes.clone();
    if binding.is_index() {
        axes.push(indexed.iter().find(|(name, _)| *name == binding.symbol)?.1);
    }
    let of_axes = |definition: &Definition| context.symbol(definition.symbol).axes == axes;
    let candidates: Vec<Definition> = definitions(model, row).into_iter().filter(of_axes).collect();
    let read = context.symbols_in(model.program.loss);
    let direct = candidates.iter().rev().find(|definition| read.contains(&definition.symbol));
    direct.or(candidates.last()).cloned()
}
