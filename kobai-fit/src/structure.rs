//! What the text and the data say of the parameters and of the loss as a function of them: domains, convexity, and absolute
//! values that a solver treats by itself.

use std::ops::ControlFlow;

use kobai::convexity::{absolute_terms, curvature, sums_to_one};
use kobai::plan::Output;
use kobai::rewrite::bounds::{Interval, Knowledge};
use kobai::stabilise::knowledge;

use crate::dataset::Dataset;
use crate::encoding::Encoding;
use crate::model::{FitError, Model, Parameter};
use crate::objective::{blocks, by_name};
use crate::part::Part;
use crate::solver::Constraints;
use crate::transform::Transform;

/// How the parameters are to be found.
pub(crate) struct Structure {
    /// How free numbers stand for each parameter.
    pub transforms: Vec<Transform>,
    /// Bounds and absolute values.
    pub constraints: Constraints,
    /// The constraints in words.
    pub words: Vec<String>,
    /// Whether the loss is proved to be convex in the free numbers.
    pub convex: bool,
}

/// Looks for structure. Absolute values that the solver treats are taken out of the loss that it evaluates.
pub(crate) fn structure(model: &mut Model, dataset: &Dataset) -> Result<Structure, FitError> {
    let known = known(model, dataset);
    let loss = model.loss();
    let symbols = model.program.parameters.clone();
    let transforms = transforms(model, &known);
    let (mut constraints, mut words) = bounds(model, &known, &transforms);
    let bends = curvature(&mut model.program.context, &known, &symbols, loss);
    let is_free = |symbol| {
        let own = model.parameters.iter().zip(&transforms).find(|(parameter, _)| parameter.symbol == symbol);
        own.is_some_and(|(_, transform)| *transform == Transform::Identity)
    };
    let free: Vec<_> = symbols.into_iter().filter(|&symbol| is_free(symbol)).collect();
    let parted = absolute_terms(&mut model.program.context, &known, &free, loss);
    if !parted.terms.is_empty() {
        constraints.absolute = vec![0.0; model.entries()];
        for &(symbol, coefficient) in &parted.terms {
            let weight = value(model, &dataset.training, coefficient)?;
            let parameters = model.parameters.clone();
            for (block, _) in blocks(&parameters).zip(&parameters).filter(|(_, other)| other.symbol == symbol) {
                constraints.absolute[block].iter_mut().for_each(|own| *own += weight);
                let name = model.shown_name(symbol);
                words.push(format!("{weight} Σ |{name}| is minimised by proximal steps, which end at exact zeros"));
            }
        }
        model.set_smooth_loss(parted.smooth);
    }
    let convex = bends.is_convex() && transforms.iter().all(|transform| *transform == Transform::Identity);
    Ok(Structure { transforms, constraints, words, convex })
}

/// What the text states, the numbers given, and where the data lie.
fn known(model: &Model, dataset: &Dataset) -> Knowledge {
    let mut known = knowledge(&model.program);
    let context = &model.program.context;
    for (number, symbol) in context.symbols.iter().enumerate() {
        let (own, name) = (kobai::expr::Symbol(number as u32), symbol.name.plain.as_str());
        if let Some(&number) = model.numbers.get(name) {
            known.between(own, number, number);
        }
        let Some(binding) = dataset.bindings.iter().find(|binding| binding.symbol == name) else { continue };
        let array = &dataset.training.arrays[name];
        match &binding.encoding {
            Encoding::OneHot { .. } => known.between(own, 0.0, 1.0),
            Encoding::Vector(_) => {
                let ends = (f64::INFINITY, f64::NEG_INFINITY);
                let (low, high) = array.iter().fold(ends, |(low, high), &value| (low.min(value), high.max(value)));
                known.between(own, low, high);
                array.release_before(dataset.training.rows);
            }
            _ => {}
        }
    }
    known
}

/// For each parameter what keeps it inside of an open domain.
fn transforms(model: &Model, known: &Knowledge) -> Vec<Transform> {
    let shares = sums_to_one(&model.program);
    let transform = |parameter: &Parameter| {
        let own = known.of_symbol(parameter.symbol);
        if let Some((_, place)) = shares.iter().find(|(symbol, _)| *symbol == parameter.symbol) {
            let stride = parameter.shape[place + 1..].iter().product();
            return Transform::Simplex { size: parameter.shape[*place], stride };
        }
        let Interval { low, low_closed, high, high_closed } = own;
        match (low.is_finite(), high.is_finite()) {
            (true, false) if !low_closed => Transform::Above(low),
            (false, true) if !high_closed => Transform::Below(high),
            (true, true) if !low_closed && !high_closed => Transform::Between(low, high),
            _ => Transform::Identity,
        }
    };
    model.parameters.iter().map(transform).collect()
}

/// The bounds that belong to the domain of a parameter, and the same in words.
fn bounds(model: &Model, known: &Knowledge, transforms: &[Transform]) -> (Constraints, Vec<String>) {
    let (mut constraints, mut words) = (Constraints::default(), Vec::new());
    for ((parameter, block), transform) in model.parameters.iter().zip(blocks(&model.parameters)).zip(transforms) {
        let own = known.of_symbol(parameter.symbol);
        if *transform != Transform::Identity || (own.low.is_infinite() && own.high.is_infinite()) {
            continue;
        }
        if constraints.lower.is_empty() {
            constraints.lower = vec![f64::NEG_INFINITY; model.entries()];
            constraints.upper = vec![f64::INFINITY; model.entries()];
        }
        constraints.lower[block.clone()].fill(own.low);
        constraints.upper[block].fill(own.high);
        let name = model.shown_name(parameter.symbol);
        let ends = match (own.low.is_finite(), own.high.is_finite()) {
            (true, true) => format!("{} ≤ {name} ≤ {}", own.low, own.high),
            (true, false) => format!("{name} ≥ {}", own.low),
            _ => format!("{name} ≤ {}", own.high),
        };
        words.push(format!("{ends} is kept by projection"));
    }
    (constraints, words)
}

/// The value of an expression without parameters and indices, at all rows of a part.
pub(crate) fn value(model: &mut Model, part: &Part, value: kobai::expr::Expr) -> Result<f64, FitError> {
    let output = Output { name: "value".into(), indices: Vec::new(), value };
    let mut runner = model.runner(&[output], part, part.rows, None)?;
    let entries = vec![0.0; model.entries()];
    runner.run(model, (part, 0), &by_name(&model.parameters, &entries), &|_| ControlFlow::Continue(()))?;
    Ok(runner.output("value").first().copied().unwrap_or(0.0))
}
