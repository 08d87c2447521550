//! The gradient held against (L(x + hv) − L(x − hv)) / 2h along random directions v.

use super::truth::{Basis, FLOOR, Number, Truth};
use super::{Expressions, INTERRUPTED, Monitor, Stage};
use crate::eval::Evaluator;
use crate::eval::arithmetic::Arithmetic;
use crate::eval::data::Bound;
use crate::eval::high::High;
use crate::expr::{Context, Symbol};
use crate::function::Function;
use crate::source::Diagnostic;
use std::collections::HashMap;

/// How many random directions the gradient is held against: two, or one where that takes long. Each goes through all
/// entries at once.
pub(super) fn count(truth: &Truth) -> usize {
    const FEW_ENTRIES: usize = 256;
    let entries: usize = truth.gradients.iter().map(|gradient| gradient.data.len()).sum();
    if entries <= FEW_ENTRIES { 2 } else { 1 }
}

/// The worst relative difference; `None` if a value beside the point is not finite.
pub(super) fn error(
    context: &Context,
    bound: &Bound,
    written: &Expressions,
    symbols: &[Symbol],
    truth: &Truth,
    monitor: &mut Monitor<'_>,
) -> Result<Option<f64>, Diagnostic> {
    if truth.basis != Basis::AsWritten || !truth.is_finite() {
        return Ok(None);
    }
    let mut high = High::new(truth.precision * 2);
    // Halving the exponent of the precision balances the truncation of the difference against its rounding.
    let step = power_of_two(&mut high, -(truth.precision as f64) / 2.0);
    // Below this a gradient is nothing beside the rounding of the values that are subtracted.
    let rounding = power_of_two(&mut high, -(truth.precision as f64) / 4.0);
    let rounding = high.multiply(&rounding, &truth.value);
    let least = [high.call(Function::Abs, &[rounding]), high.from_decimal(FLOOR)];
    let mut worst: f64 = 0.0;
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    for direction in 1..=count(truth) {
        (monitor.stage)(Stage::Direction(direction));
        if monitor.is_interrupted() {
            return Err(Diagnostic::data_error(INTERRUPTED));
        }
        let mut sides: [HashMap<Symbol, Vec<Number>>; 2] = [HashMap::new(), HashMap::new()];
        let (mut expected, mut scale) = (high.double(0.0), high.double(0.0));
        for (&symbol, gradient) in symbols.iter().zip(&truth.gradients) {
            let array = bound.array(symbol).map_or(&[][..], |array| &array.data);
            for (&entry, slope) in array.iter().zip(&gradient.data) {
                // In proportion to the entry, so that the step is not lost beside it.
                let direction = high.double(random_sign(&mut random) * entry.abs().clamp(1.0, 1e300));
                let part = high.multiply(&direction, slope);
                expected = high.add(&expected, &part);
                let size = high.call(Function::Abs, &[part]);
                scale = high.add(&scale, &size);
                let centre = high.double(entry);
                let shift = high.multiply(&direction, &step);
                sides[0].entry(symbol).or_default().push(high.add(&centre, &shift));
                sides[1].entry(symbol).or_default().push(high.subtract(&centre, &shift));
            }
        }
        let [above, below] = sides.map(|inputs| {
            let evaluator = Evaluator::new(context, bound, &mut high).stopped_by(monitor.interrupted);
            evaluator.with_values(inputs).literally().scalar(written.loss)
        });
        let difference = high.subtract(&above?, &below?);
        let twice = high.add(&step, &step);
        let found = high.divide(&difference, &twice);
        let difference = high.subtract(&found, &expected);
        let scale = least.iter().fold(scale, |most, floor| high.call(Function::Max, &[most, floor.clone()]));
        let error = high.divide(&difference, &scale);
        let error = high.to_double(&error).abs();
        if !error.is_finite() {
            return Ok(None);
        }
        worst = worst.max(error);
    }
    Ok(Some(worst))
}

/// 2 to the power of an exponent.
pub(super) fn power_of_two(high: &mut High, exponent: f64) -> Number {
    let (two, exponent) = (high.double(2.0), high.double(exponent));
    high.power(&two, &exponent)
}

/// A number between 1 and 2, or −1 and −2: Marsaglia's xorshift is random enough to keep errors from cancelling.
fn random_sign(state: &mut u64) -> f64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    let size = 1.0 + (*state >> 40) as f64 / (1_u64 << 24) as f64;
    if *state & 1 == 0 { size } else { -size }
}
