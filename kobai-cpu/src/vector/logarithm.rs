//! ln x, ln(1 + x), logarithms to any base, and ln(1 − eˣ).
//!
//! x = 2ᵏ·(1 + f) with √½ ≤ 1 + f < √2. With s = f/(2 + f), ln(1 + f) = 2 artanh(s) = f − f²/2 + s·(f²/2 + s²·P(s²)),
//! in which f is exact and outweighs the rest. k·ln 2 + f is kept as a pair until the last step.

use super::base::{LogBase, Prepared};
use super::exponential::exp_and_complement;
use super::float::{Float, fast_two_sum, polynomial, product_error};
use super::map::{Kernel, wide};
#[cfg(target_arch = "x86_64")]
use super::wide_functions;

/// k·ln 2 + ln(1 + f) + `correction` as two numbers, the first not yet rounded to their sum.
#[inline(always)]
fn log_parts<T: Float, const FMA: bool>(k: T, f: T, correction: T) -> (T, T) {
    let s = f / (T::TWO + f);
    let z = s * s;
    let half_square = T::HALF * f * f;
    let series = z.multiply_add::<FMA>(polynomial::<T, FMA>(T::LOG_POLYNOMIAL, z), half_square);
    let rest = s.multiply_add::<FMA>(series, -half_square) + correction;
    let (high, low) = fast_two_sum(k * T::LN_2_HIGH, f);
    (high, low + k.multiply_add::<FMA>(T::LN_2_LOW, rest))
}

/// ln x as two numbers, for x positive and finite. Here f²/2 is kept in two parts as well.
#[inline(always)]
pub(super) fn log_pair<T: Float, const FMA: bool>(x: T) -> (T, T) {
    let (k, m) = x.split();
    let f = m - T::ONE;
    let s = f / (T::TWO + f);
    let z = s * s;
    let half = T::HALF * f;
    let half_square = half * f;
    let error = product_error::<T, FMA>(half, f, half_square);
    let rest = s * z.multiply_add::<FMA>(polynomial::<T, FMA>(T::LOG_POLYNOMIAL, z), half_square);
    let (high, low) = fast_two_sum(k * T::LN_2_HIGH, f);
    let (high, lower) = fast_two_sum(high, -half_square);
    (high, ((low + lower) - error) + k.multiply_add::<FMA>(T::LN_2_LOW, rest))
}

/// The logarithm of a sum as two numbers. `sum` = 1 + `term`, each given as a number and an error below half a unit in
/// the number's last place. Near 1 the sum has lost what `term` still knows.
#[inline(always)]
pub(super) fn log_of_sum<T: Float, const FMA: bool>(sum: (T, T), term: (T, T)) -> (T, T) {
    let (k, m) = sum.0.split();
    let near_one = k == T::ZERO;
    let f = if near_one { term.0 } else { m - T::ONE };
    let error = if near_one { term.1 } else { sum.1 };
    log_parts::<T, FMA>(k, f, error / sum.0)
}

/// `value` for 0 < x < ∞; else −`infinity` at 0, `infinity` at +∞, and NaN.
#[inline(always)]
fn or_special<T: Float>(x: T, value: T, infinity: T) -> T {
    let special = if x == T::ZERO {
        -infinity
    } else if x == T::INFINITY {
        infinity
    } else {
        T::NAN
    };
    if x > T::ZERO && x < T::INFINITY { value } else { special }
}

/// The kernel of ln x.
#[derive(Clone, Copy)]
pub(super) struct Log;

impl<T: Float> Kernel<T> for Log {
    #[inline(always)]
    fn apply<const FMA: bool>(&self, x: T) -> T {
        let (high, low) = log_pair::<T, FMA>(x);
        or_special(x, high + low, T::INFINITY)
    }

    wide!(|self, x| wide_functions::log_to_base(x, T::prepared(&LogBase::E)));
}

/// The kernel of ln(1 + x).
#[derive(Clone, Copy)]
pub(super) struct Log1p;

impl<T: Float> Kernel<T> for Log1p {
    #[inline(always)]
    fn apply<const FMA: bool>(&self, x: T) -> T {
        let sum = T::ONE + x;
        // What the rounding of 1 + x lost, the smaller taken from the larger.
        let error = if x < T::ONE { x - (sum - T::ONE) } else { T::ONE - (sum - x) };
        let (high, low) = log_of_sum::<T, FMA>((sum, error), (x, T::ZERO));
        // Only the sign of zero could be wrong.
        or_special(sum, (high + low).with_sign_of(x), T::INFINITY)
    }

    wide!(|self, x| wide_functions::log1p(x));
}

/// The kernel of log_b x.
#[derive(Clone, Copy)]
#[cfg_attr(not(target_arch = "x86_64"), allow(dead_code))]
pub(super) struct LogToBase<T> {
    /// 1/ln b in two parts.
    high: T,
    low: T,
    base: Prepared<T>,
}

impl<T: Float> LogToBase<T> {
    pub(super) fn new(base: &LogBase) -> LogToBase<T> {
        let high = T::from_f64(base.reciprocal.0);
        // In f32 the low part is what the high part's rounding left; in f64 that is nothing.
        let low = T::from_f64((base.reciprocal.0 - high.to_f64()) + base.reciprocal.1);
        LogToBase { high, low, base: *T::prepared(base) }
    }
}

impl<T: Float> Kernel<T> for LogToBase<T> {
    #[inline(always)]
    fn apply<const FMA: bool>(&self, x: T) -> T {
        let (high, low) = log_pair::<T, FMA>(x);
        let (high, low) = fast_two_sum(high, low);
        let product = high * self.high;
        let error = product_error::<T, FMA>(high, self.high, product);
        let error = high.multiply_add::<FMA>(self.low, low.multiply_add::<FMA>(self.high, error));
        or_special(x, product + error, T::INFINITY * self.high)
    }

    wide!(|self, x| wide_functions::log_to_base(x, &self.base));
}

/// The kernel of ln(1 − eˣ).
#[derive(Clone, Copy)]
pub(super) struct Log1mExp;

impl<T: Float> Kernel<T> for Log1mExp {
    #[inline(always)]
    fn apply<const FMA: bool>(&self, x: T) -> T {
        let (power, complement) = exp_and_complement::<T, FMA>(x);
        let (high, low) = log_of_sum::<T, FMA>(complement, (-power.0, -power.1));
        // −∞ is an ordinary number here. Only the sign of zero could be wrong.
        let special = if x == T::ZERO { -T::INFINITY } else { T::NAN };
        if x < T::ZERO { -(high + low).magnitude() } else { special }
    }
}
