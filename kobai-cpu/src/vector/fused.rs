//! Several operations of a tape in one pass over its entries.

use super::exponential::{Exp, exp_pair};
use super::float::{Float, two_sum};
use super::level::{Work, dispatch};
use super::map::{Kernel, map_to, wide};
use super::reduce::larger;
#[cfg(target_arch = "x86_64")]
use super::{lanes::Lanes, wide::Wide, wide_functions};

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

/// Columns of values, whose lanes are log-sum-exps: the largest value, and the sum of the other exponentials relative to it,
/// in two parts.
struct SumColumns<'a, T> {
    leading: &'a mut [T],
    rest: &'a mut [T],
    low: &'a mut [T],
    values: &'a mut [T],
    spacing: usize,
}

/// Lanes that are worked on at once: as many as the widest vector has.
const BLOCK: usize = 16;

impl<T: Float> Work for SumColumns<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<const FMA: bool>(self) {
        for first in (0..self.leading.len()).step_by(BLOCK) {
            let mut leading = [-T::INFINITY; BLOCK];
            for column in self.values.chunks_exact(self.spacing) {
                for (leading, &value) in leading.iter_mut().zip(&column[first..first + BLOCK]) {
                    *leading = larger(*leading, value);
                }
            }
            let (mut rest, mut low, mut unseen) = ([T::ZERO; BLOCK], [T::ZERO; BLOCK], [T::ONE; BLOCK]);
            for column in self.values.chunks_exact_mut(self.spacing) {
                for (lane, value) in column[first..first + BLOCK].iter_mut().enumerate() {
                    let difference = *value - leading[lane];
                    *value = Exp.apply::<FMA>(difference);
                    // The first of the largest is none of the others.
                    let is_largest = difference == T::ZERO;
                    let added = if is_largest { T::ONE - unseen[lane] } else { *value };
                    unseen[lane] = if is_largest { T::ZERO } else { unseen[lane] };
                    let (sum, lost) = two_sum(rest[lane], added);
                    (rest[lane], low[lane]) = (sum, low[lane] + lost);
                }
            }
            for lane in 0..BLOCK {
                // Beside ∞ and NaN nothing counts; without any number all are −∞.
                let counts = leading[lane].magnitude() < T::INFINITY;
                rest[lane] = if counts { rest[lane] } else { T::ZERO };
                low[lane] = if counts { low[lane] } else { T::ZERO };
            }
            let count = BLOCK.min(self.leading.len() - first);
            for (target, found) in [(&mut *self.leading, leading), (&mut *self.rest, rest), (&mut *self.low, low)] {
                target[first..first + count].copy_from_slice(&found[..count]);
            }
        }
    }

    #[cfg(target_arch = "x86_64")]
    #[inline(always)]
    fn run_wide(self) {
        let [zero, one] = [T::ZERO, T::ONE].map(T::Wide::splat);
        for first in (0..self.leading.len()).step_by(T::LANES) {
            let lanes = first..first + T::LANES;
            let mut leading = T::Wide::splat(-T::INFINITY);
            for column in self.values.chunks_exact(self.spacing) {
                leading = leading.larger(T::Wide::load(&column[lanes.clone()]));
            }
            let (mut rest, mut low, mut unseen) = (zero, zero, one);
            for column in self.values.chunks_exact_mut(self.spacing) {
                let values = &mut column[lanes.clone()];
                let difference = T::Wide::load(values) - leading;
                let power = wide_functions::exp(difference);
                power.store(values);
                let added = (one - unseen).where_zero(difference, power);
                unseen = zero.where_zero(difference, unseen);
                let sum = rest + added;
                let part = sum - rest;
                low = low + ((rest - (sum - part)) + (added - part));
                rest = sum;
            }
            // Where the largest is not finite, it times 0 is NaN.
            let (beside, count) = (leading * zero, T::LANES.min(self.leading.len() - first));
            let parts = [(&mut *self.leading, leading), (&mut *self.rest, rest), (&mut *self.low, low)];
            for (number, (target, found)) in parts.into_iter().enumerate() {
                let found = if number == 0 { found } else { found.where_zero(beside, zero) };
                found.store_first(&mut target[first..first + count]);
            }
        }
    }
}

/// The log-sum-exps of the lanes of some columns, `spacing` apart: the largest value, and the sum of the other exponentials
/// relative to it, in two parts. Leaves e^(value − largest) in the columns; where the largest is not finite, what is left is
/// of no meaning, and so is what lies behind the last lane.
///
/// # Panics
/// If the sums differ in number, or `spacing` is not at least that number, rounded up to a multiple of 16.
pub fn sum_columns<T: Float>((leading, rest, low): (&mut [T], &mut [T], &mut [T]), values: &mut [T], spacing: usize) {
    assert!(rest.len() == leading.len() && low.len() == leading.len(), "the parts of the sums differ in number");
    assert!(leading.len().next_multiple_of(BLOCK) <= spacing, "the columns are shorter than the sums");
    dispatch(SumColumns { leading, rest, low, values, spacing });
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Sums of columns at the processor's level and as portable code, beside joining the columns one by one.
    fn assert_same_sums(lanes: usize, columns: usize, value: impl Fn(usize, usize) -> f64) {
        let spacing = lanes.next_multiple_of(BLOCK) + BLOCK;
        let mut values = vec![0.0; columns * spacing];
        for (column, lane) in (0..columns).flat_map(|column| (0..lanes).map(move |lane| (column, lane))) {
            values[column * spacing + lane] = value(column, lane);
        }
        let start = || [vec![f64::NEG_INFINITY; lanes], vec![0.0; lanes], vec![0.0; lanes]];
        let [mut leading, mut rest, mut low] = start();
        for column in values.chunks(spacing) {
            let mut powers = vec![0.0; lanes];
            join_exponentials((&mut leading, &mut rest, &mut low), &column[..lanes], &mut powers);
        }
        let mut found = [(values.clone(), start()), (values.clone(), start())];
        let [(wide, [a, b, c]), (portable, [d, e, f])] = &mut found;
        sum_columns((a, b, c), wide, spacing);
        SumColumns { leading: d, rest: e, low: f, values: portable, spacing }.run::<true>();
        for (powers, [own_leading, own_rest, own_low]) in found {
            for lane in 0..lanes {
                let (a, b) = (own_leading[lane], leading[lane]);
                assert!(a == b || a.is_nan() && b.is_nan(), "{lanes} × {columns}, lane {lane}: {a}, not {b}");
                if !a.is_finite() {
                    continue;
                }
                let (a, b) = (own_rest[lane] + own_low[lane], rest[lane] + low[lane]);
                assert!((a - b).abs() <= 4.0 * f64::EPSILON * b, "{lanes} × {columns}, lane {lane}: {a:e}, not {b:e}");
                for column in 0..columns {
                    let (power, exact) = (powers[column * spacing + lane], (value(column, lane) - leading[lane]).exp());
                    assert!((power - exact).abs() <= f64::EPSILON * exact, "{power:e}, not {exact:e}");
                }
            }
        }
    }

    #[test]
    fn columns_sum_up_as_if_joined_one_by_one() {
        for (lanes, columns) in [(1, 1), (3, 10), (16, 2), (41, 7), (1024, 3)] {
            let scattered = |column: usize, lane: usize| ((column * 37 + lane * 101) % 251) as f64 / 10.0 - 12.0;
            assert_same_sums(lanes, columns, scattered);
            assert_same_sums(lanes, columns, |_, _| -3.5);
            assert_same_sums(lanes, columns, |column, lane| match (lane % 5, column) {
                (0, _) => f64::NEG_INFINITY,
                (1, 0) => f64::NAN,
                (2, 1) => f64::INFINITY,
                (3, 0) => f64::NEG_INFINITY,
                (4, 0) => 1e4,
                _ => scattered(column, lane),
            });
        }
    }
}
