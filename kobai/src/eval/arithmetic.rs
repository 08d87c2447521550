//! What an evaluation asks of the numbers it works with.
//!
//! The same walk over an expression gives a fast answer with [`Double`](super::double::Double) and a trusted one with
//! [`High`](super::high::High), because both are an [`Arithmetic`]. The conventions that the notation fixes (a factor
//! that is exactly 0 removes its term, 0^0 = 1, what lies outside a domain is NaN) are stated here once and hold for
//! both.

use std::cmp::Ordering;

use num_bigint::{BigInt, Sign};
use num_rational::BigRational;
use num_traits::{Signed, ToPrimitive, Zero};

use crate::function::Function;

/// Numbers in which an expression can be evaluated.
///
/// No operation panics. What has no real value is NaN, and NaN spreads, except through a factor 0 and a power 0.
pub trait Arithmetic {
    /// One number.
    type Value: Clone + std::fmt::Debug;

    /// The number nearest to a fraction.
    fn rational(&mut self, value: &BigRational) -> Self::Value;
    /// The number that a double is, exactly; infinities and NaN are themselves.
    fn double(&mut self, value: f64) -> Self::Value;
    /// π, correctly rounded.
    fn pi(&mut self) -> Self::Value;
    /// +∞, or −∞.
    fn infinity(&mut self, negative: bool) -> Self::Value;
    /// a + b, correctly rounded; ∞ − ∞ is NaN.
    fn add(&mut self, a: &Self::Value, b: &Self::Value) -> Self::Value;
    /// a − b, correctly rounded; ∞ − ∞ is NaN.
    fn subtract(&mut self, a: &Self::Value, b: &Self::Value) -> Self::Value;
    /// a · b, correctly rounded. A factor that is exactly 0 removes the other, whatever it is (also ∞ and NaN):
    /// information theory's 0 log 0 = 0.
    fn multiply(&mut self, a: &Self::Value, b: &Self::Value) -> Self::Value;
    /// a / b, correctly rounded; 0/0 and ∞/∞ are NaN, another number over 0 is an infinity.
    fn divide(&mut self, a: &Self::Value, b: &Self::Value) -> Self::Value;
    /// The base to the power of the exponent. x^0 = 1 for every x (also 0, ∞ and NaN) and 1^y = 1 for every y; a
    /// negative base takes integer exponents, with the exact sign, and is NaN with any other.
    fn power(&mut self, base: &Self::Value, exponent: &Self::Value) -> Self::Value;
    /// The base to the power of a fraction p/q in lowest terms. As [`power`](Self::power), but a negative base has a
    /// real root where q is odd: (−8)^(1/3) = −2, (−8)^(2/3) = 4.
    fn power_rational(&mut self, base: &Self::Value, exponent: &BigRational) -> Self::Value;
    /// A function of as many arguments as its row says; NaN outside its domain and with too few arguments.
    ///
    /// log Γ, ψ and ψ₁ go on to x < 0 by reflection (log |Γ|) and are NaN at their poles 0, −1, −2, …
    fn call(&mut self, function: Function, arguments: &[Self::Value]) -> Self::Value;
    /// How two numbers compare; `None` if either is NaN.
    fn compare(&self, a: &Self::Value, b: &Self::Value) -> Option<Ordering>;
    /// True for 0 itself; a number too small for a double is none.
    fn is_zero(&self, value: &Self::Value) -> bool;
    /// The nearest double, ties to even, through the subnormal numbers to 0 and beyond the largest to ∞.
    fn to_double(&self, value: &Self::Value) -> f64;
}

/// The double nearest to ±0.b₁b₂b₃… · 2^exponent, ties to even.
///
/// `leading` holds b₁ (which is 1) to b₆₄, and `more` says whether any later bit is 1. Subnormal results are rounded
/// once, at the place where their digits end.
pub(crate) fn nearest_double(negative: bool, leading: u64, more: bool, exponent: i64) -> f64 {
    let sign = u64::from(negative) << 63;
    if exponent > 1024 {
        return f64::from_bits(sign | f64::INFINITY.to_bits());
    }
    // A normal number keeps 53 bits; a subnormal one ends at 2^−1074.
    let kept = (exponent + 1074).min(53);
    if kept < 0 {
        return f64::from_bits(sign);
    }
    let dropped = 64 - kept as u32;
    let leading = u128::from(leading);
    let mut digits = (leading >> dropped) as u64;
    let rest = leading & ((1_u128 << dropped) - 1);
    let half = 1_u128 << (dropped - 1);
    if rest > half || (rest == half && (more || digits & 1 == 1)) {
        digits += 1;
    }
    // The leading bit of a normal number carries into the exponent's field, and so does a rounding up to the next
    // power of two, as far as infinity.
    let field = if kept == 53 { (exponent + 1021) as u64 } else { 0 };
    f64::from_bits(sign | ((field << 52) + digits))
}

/// The double nearest to a fraction, ties to even.
pub(crate) fn rational_to_double(value: &BigRational) -> f64 {
    if value.is_zero() {
        return 0.0;
    }
    let (numerator, denominator) = (value.numer().abs(), value.denom());
    // Scaled so that the quotient has 64 or 65 bits.
    let shift = 65 - (numerator.bits() as i64 - denominator.bits() as i64);
    let (numerator, denominator) =
        if shift >= 0 { (numerator << shift, denominator.clone()) } else { (numerator, denominator << -shift) };
    let quotient = &numerator / &denominator;
    let remains = &quotient * &denominator != numerator;
    let excess = quotient.bits() as i64 - 64;
    let leading: BigInt = &quotient >> excess;
    let more = remains || (&leading << excess) != quotient;
    let negative = value.numer().sign() == Sign::Minus;
    nearest_double(negative, leading.to_u64().unwrap_or(u64::MAX), more, 64 + excess - shift)
}
