//! The true value and gradients: evaluations with more and more bits, until two in a row agree.

use super::deviation::{Deviation, Format};
use super::{Doubles, Expressions, INTERRUPTED, Monitor, Stage, evaluate};
use crate::eval::Tensor;
use crate::eval::arithmetic::Arithmetic;
use crate::eval::data::Bound;
use crate::eval::high::High;
use crate::expr::Context;
use crate::source::Diagnostic;

/// Precisions to try, in bits. Each evaluation rounds in its own way (see [`High::disturbed`]), so that a zero or an
/// agreement that rounding has made does not repeat itself.
const PRECISIONS: [usize; 8] = [128, 256, 640, 1_280, 2_048, 4_096, 10_240, 20_480];
/// How well two evaluations must agree.
const AGREEMENT: f64 = 1e-25;
/// Errors are relative to the truth, or to this if the truth is smaller.
pub const FLOOR: &str = "1e-300";

/// A number of many digits.
pub type Number = <High as Arithmetic>::Value;

/// What was evaluated to find a truth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Basis {
    /// The formula as written.
    AsWritten,
    /// The stable form, since numbers on the way through the formula as written leave even the range of high precision.
    StableForm,
}

/// The true value and gradients.
pub struct Truth {
    /// The value.
    pub value: Number,
    /// The gradients, in the order asked for.
    pub gradients: Vec<Tensor<Number>>,
    /// The precision in bits at which they were found.
    pub precision: usize,
    /// What was evaluated.
    pub basis: Basis,
    /// False if no two precisions agreed, because the digits ran out or the computation was stopped.
    pub confirmed: bool,
    /// True if some number is beyond even the range of high precision, and counts as infinite.
    pub beyond: bool,
    /// Set if the value is 0 because its terms cancel, as far as can be seen: it is at most this.
    pub cancelled_value: Option<Number>,
    /// The same for the entries of each gradient.
    pub cancelled_entries: Vec<Vec<bool>>,
    /// Along how many directions the gradient is held against differences of values.
    pub directions: usize,
    /// The worst relative difference between the gradient along a direction and a difference of values; `None` if a
    /// value beside the point is not finite.
    pub direction_error: Option<f64>,
}

/// Evaluates the formula as written, or where that leaves the range of high precision, the stable form.
pub(super) fn find(
    context: &Context,
    bound: &Bound,
    [written, stable]: [&Expressions; 2],
    monitor: &mut Monitor<'_>,
) -> Result<Truth, Diagnostic> {
    match climb(context, bound, written, Basis::AsWritten, monitor)? {
        Some(truth) => Ok(truth),
        None => climb(context, bound, stable, Basis::StableForm, monitor)?
            .ok_or_else(|| Diagnostic::data_error("nothing-to-evaluate")),
    }
}

/// Goes up the precisions; `None` if the formula as written leaves the range of numbers.
fn climb(
    context: &Context,
    bound: &Bound,
    expressions: &Expressions,
    basis: Basis,
    monitor: &mut Monitor<'_>,
) -> Result<Option<Truth>, Diagnostic> {
    let mut last: Option<Truth> = None;
    for (seed, precision) in PRECISIONS.into_iter().enumerate() {
        (monitor.stage)(Stage::Precision(precision));
        let mut high = High::disturbed(precision, 0x9e37_79b9_7f4a_7c15 ^ (seed as u64) << 32);
        let (value, gradients) = match evaluate(context, bound, expressions, &mut high, monitor.interrupted) {
            Err(error) if error.code == INTERRUPTED && last.is_some() => return Ok(last),
            found => found?,
        };
        if basis == Basis::AsWritten && (high.has_overflowed() || high.has_underflowed()) {
            return Ok(None);
        }
        let mut here = Truth::new(value, gradients, precision, basis);
        here.beyond = high.has_overflowed();
        if let Some(before) = &last
            && before.agrees_with(&here, &mut high)
        {
            here.note_cancelled(before, &mut high);
            here.confirmed = true;
            return Ok(Some(here));
        }
        last = Some(here);
    }
    Ok(last)
}

impl Truth {
    fn new(value: Number, gradients: Vec<Tensor<Number>>, precision: usize, basis: Basis) -> Truth {
        Truth {
            value,
            cancelled_entries: gradients.iter().map(|gradient| vec![false; gradient.data.len()]).collect(),
            gradients,
            precision,
            basis,
            confirmed: false,
            beyond: false,
            cancelled_value: None,
            directions: 0,
            direction_error: None,
        }
    }

    fn agrees_with(&self, other: &Truth, high: &mut High) -> bool {
        let pairs = self.gradients.iter().zip(&other.gradients).flat_map(|(a, b)| a.data.iter().zip(&b.data));
        std::iter::once((&self.value, &other.value)).chain(pairs).all(|(a, b)| {
            let error = high.relative_error(a, b, FLOOR);
            // Both infinite, or both undefined, is agreement too: there are no digits to tell apart.
            error <= AGREEMENT || error.is_nan() && high.to_double(a).to_bits() == high.to_double(b).to_bits()
        })
    }

    /// Numbers that agree only in that they are far below the floor are noise about a 0.
    fn note_cancelled(&mut self, before: &Truth, high: &mut High) {
        let mut is_noise = |a: &Number, b: &Number| !a.is_zero() && high.relative_error(b, a, "0") > AGREEMENT;
        if is_noise(&self.value, &before.value) {
            let bound = if before.value.abs().cmp(&self.value.abs()) > Some(0) { &before.value } else { &self.value };
            self.cancelled_value = Some(bound.abs());
            self.value = Number::from_f64(0.0, self.precision);
        }
        let marks = self.cancelled_entries.iter_mut().flatten();
        let others = before.gradients.iter().flat_map(|gradient| &gradient.data);
        for ((entry, other), mark) in
            self.gradients.iter_mut().flat_map(|gradient| &mut gradient.data).zip(others).zip(marks)
        {
            if is_noise(entry, other) {
                *mark = true;
                *entry = Number::from_f64(0.0, self.precision);
            }
        }
    }

    /// True if the value and every entry of the gradients is a number.
    pub fn is_finite(&self) -> bool {
        let finite = |number: &Number| !number.is_nan() && !number.is_inf();
        finite(&self.value) && self.gradients.iter().flat_map(|gradient| &gradient.data).all(finite)
    }

    /// How far a value and each gradient entry are from the truth.
    pub fn deviations(&self, found: &Doubles, format: Format) -> (Deviation, Vec<Vec<Deviation>>) {
        let mut high = High::new(self.precision);
        let value =
            Deviation::new(&mut high, found.value, &self.value, format).with_cancelled(self.cancelled_value.is_some());
        let gradients = found.gradients.iter().zip(&self.gradients).zip(&self.cancelled_entries);
        let gradients = gradients.map(|((found, truth), cancelled)| {
            let entries = found.data.iter().zip(&truth.data).zip(cancelled);
            entries
                .map(|((&found, truth), &cancelled)| {
                    Deviation::new(&mut high, found, truth, format).with_cancelled(cancelled)
                })
                .collect()
        });
        (value, gradients.collect())
    }
}
