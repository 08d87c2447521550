//! The products of features over rows, which say much of the curvature of a loss that is a function of linear predictors.

use std::ops::ControlFlow;

use kobai::expr::{Expr, Index, Reduction, Symbol};
use kobai::plan::Output;
use kobai::predictor::{LinearModel, LinearPredictor, PredictorTerm, linear_model};

use crate::model::{FitError, Model, Parameter};
use crate::objective::blocks;
use crate::part::Part;
use crate::solver::metric::{Block, Metric};
use crate::structure::value;

/// Rows looked at for each feature at most: the products are a guess of the curvature, and more rows make it no better.
const ROWS_PER_FEATURE: usize = 16;
/// They are taken from so many places of the table, whose rows may be sorted.
const PLACES: usize = 8;
/// Up to so many operations a metric costs next to nothing.
const FEW_OPERATIONS: f64 = 1048576.0;

/// A metric, and of how many rows.
pub(crate) struct Moments {
    /// The metric.
    pub metric: Metric,
    /// The rows looked at.
    pub rows: usize,
}

/// What the features of a loss say of its curvature; none where the loss is no function of linear predictors, where it would
/// cost much beside an evaluation of so many operations, or where some rows have no such features.
///
/// # Errors
/// An input that is missing or of another rank.
pub(crate) fn moments(model: &mut Model, part: &Part, operations: f64) -> Result<Option<Moments>, FitError> {
    let (loss, symbols) = (model.smooth_loss(), model.program.parameters.clone());
    let Some(linear) = linear_model(&mut model.program.context, &symbols, loss) else { return Ok(None) };
    let shapes: Vec<Shape> = linear.predictors.iter().map(|predictor| Shape::new(model, predictor)).collect();
    let features = shapes.iter().map(|shape| shape.features).max().unwrap_or(0);
    let affordable = |shape: &Shape| shape.operations() <= operations.max(FEW_OPERATIONS) / 2.0;
    if part.rows == 0 || !shapes.iter().all(affordable) || !linear.predictors.iter().all(|one| goes_by_rows(model, one))
    {
        return Ok(None);
    }
    let rows = (ROWS_PER_FEATURE * features).div_ceil(PLACES).min(part.rows.div_ceil(PLACES));
    let outputs: Vec<Output> = linear.predictors.iter().flat_map(|predictor| products(model, predictor)).collect();
    let mut runner = model.runner(&outputs, part, rows, None)?;
    let mut sums: Vec<Vec<f64>> = vec![Vec::new(); outputs.len()];
    for place in 0..PLACES {
        let first = place * (part.rows - rows) / (PLACES - 1);
        // A feature of a row that has no neighbour, say, may stand where the loss does not look at it.
        if runner.run(model, (part, first), &[], &|_| ControlFlow::Continue(())).is_err() {
            return Ok(None);
        }
        for (sum, output) in sums.iter_mut().zip(&outputs) {
            let products = runner.output(&output.name);
            sum.resize(products.len(), 0.0);
            sum.iter_mut().zip(products).for_each(|(sum, product)| *sum += product);
        }
    }
    let mut sums = sums.into_iter();
    let mut found = Vec::new();
    for (predictor, shape) in linear.predictors.iter().zip(&shapes) {
        let moments = shape.assembled(&mut sums);
        let penalties = penalties(model, part, &linear, predictor, shape)?;
        found.push(Block::new(moments, penalties, shape.places.clone()));
    }
    let finite = found.iter().all(|block| block.moments.iter().chain(&block.penalties).all(|entry| entry.is_finite()));
    Ok(finite.then_some(Moments { metric: Metric { blocks: found }, rows: (rows * PLACES).min(part.rows) }))
}

/// The features of a predictor, and the parameters that are their weights.
struct Shape {
    features: usize,
    /// The features of each term.
    sizes: Vec<usize>,
    /// Features × columns.
    places: Vec<usize>,
}

impl Shape {
    fn new(model: &Model, predictor: &LinearPredictor) -> Shape {
        let (mut sizes, mut places) = (Vec::new(), Vec::new());
        for term in &predictor.terms {
            for (parameter, block) in model.parameters.iter().zip(blocks(&model.parameters)) {
                if parameter.symbol == term.parameter {
                    sizes.push(features(parameter, term));
                    places.extend(weights(parameter, term).into_iter().map(|entry| block.start + entry));
                }
            }
        }
        Shape { features: sizes.iter().sum(), sizes, places }
    }

    /// What a factorisation takes, or the solutions in an iteration, whichever is more.
    fn operations(&self) -> f64 {
        let features = self.features as f64;
        (features * features * features).max(4.0 * features * self.places.len() as f64)
    }

    /// The symmetric matrix of all features, from the products of each two terms.
    fn assembled(&self, products: &mut impl Iterator<Item = Vec<f64>>) -> Vec<f64> {
        let mut whole = vec![0.0; self.features * self.features];
        let starts = |term: usize| self.sizes[..term].iter().sum::<usize>();
        for (one, other) in pairs(self.sizes.len()) {
            let found = products.next().unwrap_or_default();
            for (number, product) in found.into_iter().enumerate() {
                let row = starts(one) + number / self.sizes[other];
                let column = starts(other) + number % self.sizes[other];
                whole[row * self.features + column] = product;
                whole[column * self.features + row] = product;
            }
        }
        whole
    }
}

/// Each two of so many terms, and each with itself.
fn pairs(count: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..count).flat_map(move |one| (one..count).map(move |other| (one, other)))
}

fn features(parameter: &Parameter, term: &PredictorTerm) -> usize {
    term.summed.map_or(1, |(place, _)| parameter.shape[place])
}

/// The entries of a parameter: feature by feature, those of all columns.
fn weights(parameter: &Parameter, term: &PredictorTerm) -> Vec<usize> {
    let size = features(parameter, term);
    let after: usize =
        term.summed.map_or(parameter.entries(), |(place, _)| parameter.shape[place + 1..].iter().product());
    let columns = parameter.entries().checked_div(size).unwrap_or(0);
    let entry = |feature: usize, column: usize| (column / after * size + feature) * after + column % after;
    (0..size).flat_map(|feature| (0..columns).map(move |column| entry(feature, column))).collect()
}

/// Whether the rows of a predictor are those of the table.
fn goes_by_rows(model: &Model, predictor: &LinearPredictor) -> bool {
    let context = &model.program.context;
    let features = predictor.terms.iter().map(|term| term.feature);
    let symbols: Vec<Symbol> = features.flat_map(|feature| context.symbols_in(feature)).collect();
    let is_number = |symbol: &Symbol| context.symbol(*symbol).axes.is_empty();
    symbols.iter().all(|symbol| is_number(symbol) || context.symbol(*symbol).axes[0] == predictor.row.axis)
}

/// Σᵢ φᵢ φᵢᵀ for each two terms.
fn products(model: &mut Model, predictor: &LinearPredictor) -> Vec<Output> {
    let context = &mut model.program.context;
    let product = |(one, other): (usize, usize)| {
        let [one, other] = [&predictor.terms[one], &predictor.terms[other]];
        let name = format!("products of the features of {:?} and {:?}", one.parameter, other.parameter);
        let mut indices: Vec<Index> = one.summed.iter().map(|(_, index)| *index).collect();
        let mut feature = other.feature;
        if let Some((_, index)) = other.summed {
            let second = context.fresh_index(index.axis);
            feature = context.replace_index(feature, index, second);
            indices.push(second);
        }
        let product = context.mul(vec![one.feature, feature]);
        Output { name, indices, value: context.reduce(Reduction::Sum, predictor.row, product) }
    };
    pairs(predictor.terms.len()).map(product).collect()
}

/// The second derivatives of squares of the parameters, for each feature.
fn penalties(
    model: &mut Model,
    part: &Part,
    linear: &LinearModel,
    predictor: &LinearPredictor,
    shape: &Shape,
) -> Result<Vec<f64>, FitError> {
    let mut penalties = Vec::with_capacity(shape.features);
    for (term, &size) in predictor.terms.iter().zip(&shape.sizes) {
        let own = linear.squares.iter().filter(|(symbol, _)| *symbol == term.parameter);
        let weights: Vec<Expr> = own.map(|(_, weight)| *weight).collect();
        let mut penalty = 0.0;
        for weight in weights {
            penalty += 2.0 * value(model, part, weight)?;
        }
        penalties.extend(std::iter::repeat_n(penalty, size));
    }
    Ok(penalties)
}
