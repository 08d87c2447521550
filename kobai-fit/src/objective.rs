//! A model's loss over the rows that train, as a solver asks for it: in free numbers, whole or in batches.

use std::ops::{ControlFlow, Range};

use kobai::expr::SymbolInformation;
use kobai::formula::Spelling;
use kobai::plan::Output;
use kobai::stabilise::{stable_gradient, stable_hessian_vector_product};

use crate::model::{DIRECTION, FitError, Model, Parameter, RowWatch, Runner};
use crate::moments::{Moments, moments};
use crate::part::Part;
use crate::solver::metric::Metric;
use crate::solver::{Method, Objective, difference_product};
use crate::transform::Transform;

/// The name of the loss among the outputs; no parameter is named so.
const VALUE: &str = "value of the loss";

/// Plans for a loss and its gradient over rows.
#[derive(Default)]
pub struct Runners {
    whole: Option<Runner>,
    /// For batches of equal size, and for the rest.
    batches: Vec<Runner>,
    curvature: Option<Runner>,
    moments: Option<Moments>,
    /// For the loss of the rows held out.
    held_out: Option<Runner>,
}

impl Runners {
    /// Plans what a method asks for: the loss of all rows, or of `batch` rows at a time, and the product with its Hessian.
    ///
    /// # Errors
    /// An input that is missing or of another rank.
    pub fn new(
        model: &mut Model,
        part: &Part,
        method: Method,
        batch: usize,
        memory: Option<u64>,
    ) -> Result<Runners, FitError> {
        let loss = model.smooth_loss();
        let parameters = model.parameters.clone();
        let symbols: Vec<_> = parameters.iter().map(|parameter| parameter.symbol).collect();
        let gradients = stable_gradient(&mut model.program.context, loss, &symbols);
        let mut outputs = vec![Output { name: VALUE.into(), indices: Vec::new(), value: loss }];
        outputs.extend(named(&parameters, gradients.iter().map(|gradient| (gradient.indices.clone(), gradient.value))));
        if method.is_stochastic() {
            let batch = batch.clamp(1, part.rows.max(1));
            let sizes = [batch, part.rows % batch];
            let planned = sizes.into_iter().filter(|&rows| rows > 0);
            let batches = planned.map(|rows| model.runner(&outputs, part, rows, memory)).collect::<Result<_, _>>()?;
            return Ok(Runners { batches, ..Runners::default() });
        }
        let whole = Some(model.runner(&outputs, part, part.rows, memory)?);
        if method != Method::NewtonConjugateGradient {
            return Ok(Runners { whole, ..Runners::default() });
        }
        let context = &mut model.program.context;
        let mut directions = Vec::new();
        for parameter in &parameters {
            let spelling = format!("{DIRECTION}{}", parameter.name);
            let axes = context.symbol(parameter.symbol).axes.clone();
            let name = Spelling { plain: spelling.clone(), latex: spelling };
            directions.push(context.declare_symbol(SymbolInformation { name, axes, integer: false, defined: false }));
        }
        // A function without a second derivative leaves the curvature to differences of gradients.
        let curvature = match stable_hessian_vector_product(context, loss, &symbols, &directions) {
            Err(_) => None,
            Ok(products) => {
                let products = products.iter().map(|product| (product.indices.clone(), product.value));
                let outputs: Vec<Output> = named(&parameters, products).collect();
                Some(model.runner(&outputs, part, part.rows, memory)?)
            }
        };
        Ok(Runners { whole, curvature, ..Runners::default() })
    }

    /// Looks at the features for what they say of the curvature.
    ///
    /// # Errors
    /// An input that is missing or of another rank.
    pub fn look_at_features(&mut self, model: &mut Model, part: &Part) -> Result<(), FitError> {
        let operations = self.whole.as_ref().map_or(0.0, Runner::operations);
        self.moments = moments(model, part, operations)?;
        Ok(())
    }

    /// Plans the loss of rows held out, to be followed while the others train; of none there is nothing to follow.
    ///
    /// # Errors
    /// An input that is missing or of another rank.
    pub fn follow(&mut self, model: &mut Model, held_out: &Part, memory: Option<u64>) -> Result<(), FitError> {
        self.held_out = if held_out.rows > 0 { Some(loss_runner(model, held_out, memory)?) } else { None };
        Ok(())
    }

    /// How many rows the solver knows the products of the features of, if it begins with them.
    pub fn rows_known(&self) -> Option<usize> {
        self.moments.as_ref().map(|moments| moments.rows)
    }

    /// The bytes that the plans take together.
    pub fn bytes(&self) -> u64 {
        let training = self.whole.iter().chain(&self.batches).chain(&self.curvature);
        training.chain(&self.held_out).map(Runner::bytes).sum()
    }
}

/// A plan for the loss alone, of all rows of a part.
///
/// # Errors
/// An input that is missing or of another rank.
pub(crate) fn loss_runner(model: &mut Model, part: &Part, memory: Option<u64>) -> Result<Runner, FitError> {
    let value = [Output { name: VALUE.into(), indices: Vec::new(), value: model.loss() }];
    model.runner(&value, part, part.rows, memory)
}

/// What such a plan gives at these parameters.
///
/// # Errors
/// A label outside of its axis.
pub(crate) fn loss_of(runner: &mut Runner, model: &Model, part: &Part, entries: &[f64]) -> Result<f64, FitError> {
    runner.run(model, (part, 0), &by_name(&model.parameters, entries), &|_| ControlFlow::Continue(()))?;
    Ok(runner.output(VALUE).first().copied().unwrap_or(f64::NAN))
}

/// An output for each parameter, of its name.
fn named(
    parameters: &[Parameter],
    values: impl Iterator<Item = (Vec<kobai::expr::Index>, kobai::expr::Expr)>,
) -> impl Iterator<Item = Output> {
    parameters.iter().zip(values).map(|(parameter, (indices, value))| Output {
        name: parameter.name.clone(),
        indices,
        value,
    })
}

/// The loss as a function of free numbers.
pub struct TrainingLoss<'a> {
    model: &'a Model,
    part: &'a Part,
    held_out: &'a Part,
    runners: Runners,
    transforms: &'a [Transform],
    /// The parameters themselves.
    entries: Vec<f64>,
    watch: RowWatch<'a>,
}

impl<'a> TrainingLoss<'a> {
    /// The loss of a model over a part, and over another held out, with a transform for each of its parameters. `watch` is
    /// told of the rows read.
    pub fn new(
        model: &'a Model,
        (part, held_out): (&'a Part, &'a Part),
        runners: Runners,
        transforms: &'a [Transform],
        watch: RowWatch<'a>,
    ) -> TrainingLoss<'a> {
        let entries = vec![0.0; model.entries()];
        TrainingLoss { model, part, held_out, runners, transforms, entries, watch }
    }
}

/// Each parameter's own part of a vector of all.
pub(crate) fn blocks(parameters: &[Parameter]) -> impl Iterator<Item = Range<usize>> {
    let mut next = 0;
    parameters.iter().map(move |parameter| {
        let first = next;
        next += parameter.entries();
        first..next
    })
}

/// The entries that free numbers stand for.
pub(crate) fn entries_of(parameters: &[Parameter], transforms: &[Transform], free: &[f64], entries: &mut [f64]) {
    for (block, transform) in blocks(parameters).zip(transforms) {
        transform.apply(&free[block.clone()], &mut entries[block]);
    }
}

/// Parameters by name, as the inputs of a run.
pub(crate) fn by_name<'a>(parameters: &'a [Parameter], entries: &'a [f64]) -> Vec<(&'a str, &'a [f64])> {
    blocks(parameters).zip(parameters).map(|(block, parameter)| (parameter.name.as_str(), &entries[block])).collect()
}

impl TrainingLoss<'_> {
    /// Runs a plan over rows from this one on, and gives the value and the gradient by the free numbers.
    fn run(&mut self, batch: Option<usize>, free: &[f64], gradient: &mut [f64]) -> Result<f64, FitError> {
        let parameters = &self.model.parameters;
        entries_of(parameters, self.transforms, free, &mut self.entries);
        let (runner, first) = match batch {
            None => (self.runners.whole.as_mut(), 0),
            Some(batch) => {
                let rows = self.runners.batches.first().map_or(0, Runner::rows);
                let first = batch * rows;
                let place = usize::from(first + rows > self.part.rows);
                (self.runners.batches.get_mut(place), first)
            }
        };
        let Some(runner) = runner else { return Ok(f64::NAN) };
        runner.run(self.model, (self.part, first), &by_name(parameters, &self.entries), self.watch)?;
        for ((block, parameter), transform) in blocks(parameters).zip(parameters).zip(self.transforms) {
            let own = &mut gradient[block.clone()];
            own.copy_from_slice(runner.output(&parameter.name));
            transform.pull_back(&free[block.clone()], &self.entries[block], own);
        }
        Ok(runner.output(VALUE).first().copied().unwrap_or(f64::NAN))
    }
}

impl Objective for TrainingLoss<'_> {
    type Error = FitError;

    fn evaluate(&mut self, free: &[f64], gradient: &mut [f64]) -> Result<f64, FitError> {
        self.run(None, free, gradient)
    }

    fn metric(&self) -> Option<Metric> {
        self.runners.moments.as_ref().map(|moments| moments.metric.clone())
    }

    fn operations(&self) -> f64 {
        self.runners.whole.as_ref().map_or(0.0, Runner::operations)
    }

    fn hessian_product(&mut self, free: &[f64], vector: &[f64], product: &mut [f64]) -> Result<(), FitError> {
        let Some(runner) = self.runners.curvature.as_mut() else {
            return difference_product(self, free, vector, product);
        };
        let parameters = &self.model.parameters;
        let names: Vec<String> = parameters.iter().map(|parameter| format!("{DIRECTION}{}", parameter.name)).collect();
        let mut inputs = by_name(parameters, free);
        inputs.extend(blocks(parameters).zip(&names).map(|(block, name)| (name.as_str(), &vector[block])));
        runner.run(self.model, (self.part, 0), &inputs, self.watch)?;
        for (block, parameter) in blocks(parameters).zip(parameters) {
            product[block].copy_from_slice(runner.output(&parameter.name));
        }
        Ok(())
    }

    fn held_out(&mut self, free: &[f64]) -> Result<Option<f64>, FitError> {
        let Some(runner) = self.runners.held_out.as_mut() else { return Ok(None) };
        entries_of(&self.model.parameters, self.transforms, free, &mut self.entries);
        loss_of(runner, self.model, self.held_out, &self.entries).map(Some)
    }

    fn batches(&self) -> usize {
        let rows = self.runners.batches.first().map_or(0, Runner::rows);
        if rows == 0 { 1 } else { self.part.rows.div_ceil(rows) }
    }

    fn evaluate_batch(&mut self, batch: usize, free: &[f64], gradient: &mut [f64]) -> Result<f64, FitError> {
        self.run(Some(batch), free, gradient)
    }
}
