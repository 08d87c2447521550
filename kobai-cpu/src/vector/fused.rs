//! Several operations of a tape in one pass over its entries.

use super::exponential::exp_pair;
use super::float::{Float, two_sum};
use super::level::{Work, dispatch};
use super::map::{Kernel, map_to, wide};
#[cfg(target_arch = "x86_64")]
use super::{wide::Wide, wide_functions};

/// The kernel of e^((x − first) − second) · factor.
#[derive(Clone, Copy)]
struct ExpShiftedScaled<T> {
    first: T,
    second: T,
    factor: T,
}

impl<T: Float> Kernel<T> for ExpShiftedScaled<T> {
    #[inline(always)]
    fn apply<const FMA: bool>(&self, x: T) -> T {
        exp_pair::<T, FMA>((x - self.first) - self.second).0 * self.factor
    }

    wide!(|self, x| {
        let shifted = (x - T::Wide::splat(self.first)) - T::Wide::splat(self.second);
        wide_functions::exp(shifted) * T::Wide::splat(self.factor)
    });
}

/// Writes e^((x − first) − second) · factor for each x of `values`, each operation rounded as if it stood alone.
///
/// # Panics
/// If the slices differ in length.
pub fn exp_shifted_scaled_to<T: Float>(values: &[T], (first, second): (T, T), factor: T, output: &mut [T]) {
    map_to(ExpShiftedScaled { first, second, factor }, values, output);
}

/// Lanes of sums in two parts, and values to add.
struct AddToSums<'a, T> {
    high: &'a mut [T],
    low: &'a mut [T],
    values: &'a [T],
}

impl<T: Float> Work for AddToSums<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<const FMA: bool>(self) {
        for ((high, low), &value) in self.high.iter_mut().zip(self.low).zip(self.values) {
            let (sum, lost) = two_sum(*high, value);
            (*high, *low) = (sum, *low + lost);
        }
    }
}

/// Adds each value to the sum in its lane, which is kept in two parts: what is in reach of the type, and what rounding has
/// lost (Neumaier 1974).
///
/// # Panics
/// If the slices differ in length.
pub fn add_to_sums<T: Float>(high: &mut [T], low: &mut [T], values: &[T]) {
    let equal = high.len() == values.len() && low.len() == values.len();
    assert!(equal, "the sums and the values added to them differ in number");
    dispatch(AddToSums { high, low, values });
}

/// Lanes of log-sum-exps: the largest value, and the sum of the other exponentials relative to it, in two parts.
struct JoinExponentials<'a, T> {
    leading: &'a mut [T],
    rest: &'a mut [T],
    low: &'a mut [T],
    values: &'a [T],
    powers: &'a [T],
}

impl<T: Float> Work for JoinExponentials<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<const FMA: bool>(self) {
        let sums = self.leading.iter_mut().zip(self.rest).zip(self.low);
        for (((leading, rest), low), (&value, &power)) in sums.zip(self.values.iter().zip(self.powers)) {
            let smaller = value <= *leading;
            // A larger value displaces the largest one, which joins the others: beside ∞ and NaN these are nothing.
            let factor = if value.magnitude() < T::INFINITY { power } else { T::ZERO };
            let (scale, added) = if smaller { (T::ONE, power) } else { (factor, factor) };
            let (sum, lost) = two_sum(*rest * scale, added);
            let lost = *low * scale + lost;
            // −∞ adds nothing; beside ∞ or NaN nothing counts.
            // (NaN is not below ∞.)
            let counts = (value != -T::INFINITY) & (*leading < T::INFINITY);
            *rest = if counts { sum } else { *rest };
            *low = if counts { lost } else { *low };
            *leading = if counts & !smaller { value } else { *leading };
        }
    }
}

/// Joins e^value to the log-sum-exp of each lane: the largest value so far, and the sum of the other exponentials relative
/// to it, in two parts. One exponential, e^−|value − largest|, serves both the value that joins the others and the largest
/// that it displaces; these are worked out in `powers`.
///
/// # Panics
/// If the slices differ in length.
pub fn join_exponentials<T: Float>(
    (leading, rest, low): (&mut [T], &mut [T], &mut [T]),
    values: &[T],
    powers: &mut [T],
) {
    let equal = [leading.len(), rest.len(), low.len(), powers.len()].iter().all(|&length| length == values.len());
    assert!(equal, "the sums and the values joined to them differ in number");
    let difference = |a: T, b: T| -(a - b).magnitude();
    super::binary(powers, super::Operand::Each(values), super::Operand::Each(leading), difference);
    super::exp(powers);
    dispatch(JoinExponentials { leading, rest, low, values, powers });
}
