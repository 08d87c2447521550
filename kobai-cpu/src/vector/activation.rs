//! The logistic sigmoid, the hyperbolic tangent and softplus, each from the exponential of a number that is not
//! positive, so that nothing overflows.

use super::exponential::{exp_pair, expm1_pair};
use super::float::{Float, fast_two_sum, product_error, two_sum};
use super::logarithm::log_of_sum;
use super::map::{Kernel, wide};
#[cfg(target_arch = "x86_64")]
use super::wide_functions;

/// The quotient of two numbers given as pairs, for a divisor between 1 and 2 and a dividend no larger than it.
#[inline(always)]
fn quotient<T: Float, const FMA: bool>(dividend: (T, T), divisor: (T, T)) -> T {
    let reciprocal = T::ONE / divisor.0;
    let quotient = dividend.0 * reciprocal;
    let product = quotient * divisor.0;
    let remainder = (dividend.0 - product) - product_error::<T, FMA>(quotient, divisor.0, product);
    let remainder = remainder + (-quotient).multiply_add::<FMA>(divisor.1, dividend.1);
    remainder.multiply_add::<FMA>(reciprocal, quotient)
}

/// e^−|x| as a rounded value and what the rounding lost.
#[inline(always)]
pub(super) fn decay<T: Float, const FMA: bool>(x: T) -> (T, T) {
    exp_pair::<T, FMA>(-x.magnitude())
}

/// 1/(1 + e⁻ˣ): with u = e^−|x|, 1/(1 + u) for x ≥ 0 and u/(1 + u) below.
#[inline(always)]
pub(super) fn sigmoid<T: Float, const FMA: bool>(x: T, decay: (T, T)) -> T {
    let (sum, error) = fast_two_sum(T::ONE, decay.0);
    let negative = x < T::ZERO;
    let high = if negative { decay.0 } else { T::ONE };
    let low = if negative { decay.1 } else { T::ZERO };
    quotient::<T, FMA>((high, low), (sum, error + decay.1))
}

/// ln(1 + eˣ): with u = e^−|x|, max(x, 0) + ln(1 + u).
#[inline(always)]
pub(super) fn softplus<T: Float, const FMA: bool>(x: T, decay: (T, T)) -> T {
    let (sum, error) = fast_two_sum(T::ONE, decay.0);
    let (high, low) = log_of_sum::<T, FMA>((sum, error + decay.1), decay);
    let positive = if x > T::ZERO { x } else { T::ZERO };
    let (total, total_error) = two_sum(positive, high);
    let value = total + (total_error + low);
    // At +∞ the error of the sum is ∞ − ∞.
    if x == T::INFINITY { x } else { value }
}

/// The kernel of 1/(1 + e⁻ˣ).
#[derive(Clone, Copy)]
pub(super) struct Sigmoid;

impl<T: Float> Kernel<T> for Sigmoid {
    #[inline(always)]
    fn apply<const FMA: bool>(&self, x: T) -> T {
        sigmoid::<T, FMA>(x, decay::<T, FMA>(x))
    }

    wide!(|self, x| wide_functions::sigmoid_pair(x, wide_functions::decay(x)).0);
}

/// The kernel of tanh x.
#[derive(Clone, Copy)]
pub(super) struct Tanh;

impl<T: Float> Kernel<T> for Tanh {
    #[inline(always)]
    fn apply<const FMA: bool>(&self, x: T) -> T {
        // With d = e^(−2|x|) − 1: tanh |x| = −d/(2 + d).
        let less_one = expm1_pair::<T, FMA>(-T::TWO * x.magnitude());
        let (sum, error) = fast_two_sum(T::TWO, less_one.0);
        let value = quotient::<T, FMA>((-less_one.0, -less_one.1), (sum, error + less_one.1));
        value.with_sign_of(x)
    }

    wide!(|self, x| wide_functions::tanh(x));
}

/// The kernel of ln(1 + eˣ).
#[derive(Clone, Copy)]
pub(super) struct Softplus;

impl<T: Float> Kernel<T> for Softplus {
    #[inline(always)]
    fn apply<const FMA: bool>(&self, x: T) -> T {
        softplus::<T, FMA>(x, decay::<T, FMA>(x))
    }

    wide!(|self, x| wide_functions::softplus_pair(x, wide_functions::decay(x)).0);
}
