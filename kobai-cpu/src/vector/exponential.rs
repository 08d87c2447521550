//! eˣ and eˣ − 1.
//!
//! x = n·ln 2 + r with |r| ≤ ln 2 / 2 (Cody and Waite's reduction: ln 2 in two parts), then eˣ = 2ⁿ·(1 + r + tail),
//! where the tail is r²/2 + r³·P(r). The sum is kept unrounded, as a pair, until the last step, so that the result's own
//! rounding is nearly the whole error.

use super::float::{Float, fast_two_sum, polynomial, two_sum};
use super::map::{Kernel, wide};
#[cfg(target_arch = "x86_64")]
use super::{lanes::Lanes, wide_functions};

/// eˣ = 2ⁿ·(1 + r + tail).
#[derive(Clone, Copy)]
struct Reduced<T> {
    /// `T::ROUNDER` + n.
    rounded: T,
    r: T,
    tail: T,
}

/// (`T::ROUNDER` + n, r, r_low) with x = n·ln 2 + r + r_low, for an x between `T::EXP_MIN` and `T::EXP_MAX`, or NaN.
#[inline(always)]
fn parts<T: Float, const FMA: bool>(x: T) -> (T, T, T) {
    let rounded = x.multiply_add::<FMA>(T::LOG2_E, T::ROUNDER);
    let n = rounded - T::ROUNDER;
    let high = (-n).multiply_add::<FMA>(T::LN_2_HIGH, x);
    let r = (-n).multiply_add::<FMA>(T::LN_2_LOW, high);
    (rounded, r, (-n).multiply_add::<FMA>(T::LN_2_LOW, high - r))
}

/// e^(n·ln 2 + r + r_low).
#[inline(always)]
fn join<T: Float, const FMA: bool>((rounded, r, r_low): (T, T, T)) -> Reduced<T> {
    // e^(r + r_low) = eʳ + r_low·eʳ, of which r_low·(1 + r) matters.
    let correction = r_low.multiply_add::<FMA>(r, r_low);
    // r²/2 + r³·P, the half last: its rounding is the tail's only one of size.
    let square = r * r;
    let cubic = r * polynomial::<T, FMA>(T::EXP_POLYNOMIAL, r);
    let tail = square.multiply_add::<FMA>(T::HALF, square.multiply_add::<FMA>(cubic, correction));
    Reduced { rounded, r, tail }
}

/// Reduces an x between `T::EXP_MIN` and `T::EXP_MAX`, or NaN.
#[inline(always)]
fn reduce<T: Float, const FMA: bool>(x: T) -> Reduced<T> {
    join::<T, FMA>(parts::<T, FMA>(x))
}

/// x, but no less than `low`; NaN stays NaN.
#[inline(always)]
fn at_least<T: Float>(x: T, low: T) -> T {
    if x < low { low } else { x }
}

/// x, but no more than `high`; NaN stays NaN.
#[inline(always)]
fn at_most<T: Float>(x: T, high: T) -> T {
    if x > high { high } else { x }
}

/// What was reduced, as a rounded value and what the rounding lost.
#[inline(always)]
fn value_pair<T: Float>(Reduced { rounded, r, tail }: Reduced<T>) -> (T, T) {
    let (high, low) = fast_two_sum(T::ONE, r);
    let (high, low) = fast_two_sum(high, low + tail);
    // Twice by half the power: 2ⁿ itself may lie outside the normal numbers where eˣ does not.
    let (first, second) = T::powers(rounded);
    (high * first * second, low * first * second)
}

/// eˣ as a rounded value and what the rounding lost.
#[inline(always)]
pub(super) fn exp_pair<T: Float, const FMA: bool>(x: T) -> (T, T) {
    value_pair(reduce::<T, FMA>(at_most(at_least(x, T::EXP_MIN), T::EXP_MAX)))
}

/// e^(x + low) as a rounded value and what the rounding lost, for a `low` of the size of a rounding of x.
#[inline(always)]
pub(super) fn exp_of_pair<T: Float, const FMA: bool>(x: T, low: T) -> (T, T) {
    let (rounded, r, r_low) = parts::<T, FMA>(at_most(at_least(x, T::EXP_MIN), T::EXP_MAX));
    let (r, r_low) = two_sum(r, r_low + low);
    value_pair(join::<T, FMA>((rounded, r, r_low)))
}

/// eˣ − 1 as a rounded value and what the rounding lost.
#[inline(always)]
pub(super) fn expm1_pair<T: Float, const FMA: bool>(x: T) -> (T, T) {
    let Reduced { rounded, r, tail } = reduce::<T, FMA>(at_most(at_least(x, T::EXPM1_MIN), T::EXP_MAX));
    // 2ⁿ·((1 − 2⁻ⁿ) + r + tail): for n = 0 the bracket's first term is 0, for every other n it outweighs r.
    let (less_one, less_one_low) = two_sum(T::ONE, -T::inverse_power(rounded));
    let (high, low) = fast_two_sum(less_one, r);
    let (high, low) = fast_two_sum(high, low + (less_one_low + tail));
    let (first, second) = T::powers(rounded);
    (high * first * second, low * first * second)
}

/// eˣ and 1 − eˣ, for x ≤ 0, each as a rounded value and what the rounding lost.
#[inline(always)]
pub(super) fn exp_and_complement<T: Float, const FMA: bool>(x: T) -> ((T, T), (T, T)) {
    let Reduced { rounded, r, tail } = reduce::<T, FMA>(at_least(x, T::EXP_MIN));
    let (first, second) = T::powers(rounded);
    let (high, low) = fast_two_sum(T::ONE, r);
    let (high, low) = fast_two_sum(high, low + tail);
    let power = (high * first * second, low * first * second);
    // Here 2ⁿ may underflow: 1 − eˣ is 1 by then. For n = 0 the first term is 0, for every other n it outweighs
    // 2ⁿ·r.
    let scale = first * second;
    let (high, low) = fast_two_sum(T::ONE - scale, -(scale * r));
    (power, fast_two_sum(high, low - scale * tail))
}

/// The kernel of eˣ.
#[derive(Clone, Copy)]
pub(super) struct Exp;

impl<T: Float> Kernel<T> for Exp {
    #[inline(always)]
    fn apply<const FMA: bool>(&self, x: T) -> T {
        exp_pair::<T, FMA>(x).0
    }

    wide!(|self, x| wide_functions::exp(x));
}

/// The kernel of e^(x − shift).
#[derive(Clone, Copy)]
pub(super) struct ExpShifted<T>(pub T);

impl<T: Float> Kernel<T> for ExpShifted<T> {
    #[inline(always)]
    fn apply<const FMA: bool>(&self, x: T) -> T {
        exp_pair::<T, FMA>(x - self.0).0
    }

    wide!(|self, x| wide_functions::exp(x - T::Wide::splat(self.0)));
}

/// The kernel of eˣ − 1.
#[derive(Clone, Copy)]
pub(super) struct Expm1;

impl<T: Float> Kernel<T> for Expm1 {
    #[inline(always)]
    fn apply<const FMA: bool>(&self, x: T) -> T {
        // Only the sign of zero could be wrong: 0 + (−0) is +0.
        expm1_pair::<T, FMA>(x).0.with_sign_of(x)
    }
}
