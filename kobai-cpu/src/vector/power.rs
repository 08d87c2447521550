//! Powers.
//!
//! x^y = e^(y ln x), with ln x to about 66 bits, since an error of the logarithm counts y times over. An `f32` is worked in
//! `f64`, where the logarithm needs no care for it.

use super::elementwise::{Operand, both};
use super::exponential::{exp_of_pair, exp_pair};
use super::float::{Float, fast_two_sum, polynomial, product_error};
use super::level::{Work, dispatch};
use super::logarithm::log_pair;
use super::map::{Kernel, map_to, one};

/// a·b as a rounded value and what the rounding lost.
#[inline(always)]
fn product<const FMA: bool>(a: f64, b: f64) -> (f64, f64) {
    let rounded = a * b;
    (rounded, product_error::<f64, FMA>(a, b, rounded))
}

/// 1/3 in two parts.
const THIRD: (f64, f64) = (1.0 / 3.0, 1.850371707708594e-17);

/// (artanh(s)/s − 1 − s²/3)/s⁴ as a polynomial in s², for |s| ≤ (√2 − 1)/(√2 + 1), highest power first.
const ARTANH: [f64; 8] = [
    0.059945054885015045,
    0.058374094090078814,
    0.06668158700674316,
    0.07692278435756819,
    0.09090909435153237,
    0.11111111108768267,
    0.14285714285722556,
    0.1999999999999999,
];

/// ln x in two parts, to about 66 bits, for x positive and finite.
///
/// With s = (m − 1)/(m + 1): ln m = 2s·(1 + s²/3 + s⁴·…), of which all but the last are in two parts.
#[inline(always)]
fn long_logarithm<const FMA: bool>(x: f64) -> (f64, f64) {
    let (k, m) = x.split();
    let f = m - 1.0;
    let divisor = fast_two_sum(2.0, f);
    let s = f / divisor.0;
    let times = product::<FMA>(s, divisor.0);
    let s_low = ((f - times.0) - times.1 - s * divisor.1) / divisor.0;
    let square = product::<FMA>(s, s);
    let square_low = square.1 + 2.0 * s * s_low;
    let third = product::<FMA>(square.0, THIRD.0);
    let third_low = third.1 + (square.0 * THIRD.1 + square_low * THIRD.0);
    let series = square.0 * square.0 * polynomial::<f64, FMA>(&ARTANH, square.0);
    let (sum, sum_low) = fast_two_sum(third.0, series);
    let sum_low = sum_low + third_low;
    let times = product::<FMA>(2.0 * s, sum);
    let times_low = times.1 + 2.0 * (s * sum_low + s_low * sum);
    let (near_one, near_one_low) = fast_two_sum(2.0 * s, times.0);
    let near_one_low = near_one_low + (2.0 * s_low + times_low);
    let (high, low) = fast_two_sum(k * f64::LN_2_HIGH, near_one);
    fast_two_sum(high, low + k.multiply_add::<FMA>(f64::LN_2_LOW, near_one_low))
}

/// `log` = ln x for ordinary x; for x = 0 and ∞ what ln x is there, and NaN for NaN.
#[inline(always)]
fn or_infinite(x: f64, log: f64) -> f64 {
    let infinite = if x == 0.0 { -f64::INFINITY } else { x };
    if (x > 0.0) & (x < f64::INFINITY) { log } else { infinite }
}

/// x^(y + y_low) for x ≥ 0 or NaN, but the power 0.
#[inline(always)]
fn power_of_magnitude<const FMA: bool>(x: f64, (y, y_low): (f64, f64)) -> f64 {
    let (high, low) = long_logarithm::<FMA>(x);
    let high = or_infinite(x, high);
    let (exponent, error) = product::<FMA>(y, high);
    let error = error + (y * low + y_low * high);
    // Beyond it everything over- or underflows, and the error may be ∞ − ∞.
    let error = if exponent.abs() < 1000.0 { error } else { 0.0 };
    let power = exp_of_pair::<f64, FMA>(exponent, error).0;
    // Where y is infinite, 0·y is NaN.
    if x == 1.0 { 1.0 } else { power }
}

/// The same, to as many digits as an `f32` has and some more.
#[inline(always)]
fn short_power_of_magnitude<const FMA: bool>(x: f64, y: f64) -> f64 {
    let (high, low) = log_pair::<f64, FMA>(x);
    let power = exp_pair::<f64, FMA>(y * or_infinite(x, high + low)).0;
    if x == 1.0 { 1.0 } else { power }
}

/// x^(y + y_low) for x ≥ 0 or NaN, but the power 0, as accurate as the type asks.
#[inline(always)]
fn power_for<T: Float, const FMA: bool>(x: f64, y: (f64, f64)) -> f64 {
    if size_of::<T>() == 4 { short_power_of_magnitude::<FMA>(x, y.0) } else { power_of_magnitude::<FMA>(x, y) }
}

/// Whether a number that is not negative is an integer.
#[inline(always)]
fn is_integer(value: f64) -> bool {
    const INTEGERS: f64 = (1u64 << 52) as f64;
    (value >= INTEGERS) | ((value + INTEGERS) - INTEGERS == value)
}

/// x^y.
#[inline(always)]
fn power_of<T: Float, const FMA: bool>(x: f64, y: f64) -> f64 {
    let magnitude = power_for::<T, FMA>(x.abs(), (y, 0.0));
    let integer = is_integer(y.abs());
    let is_odd = integer & !is_integer(0.5 * y.abs());
    let is_negative = x.is_sign_negative();
    let signed = if is_negative & is_odd { -magnitude } else { magnitude };
    let value = if (x < 0.0) & (x > -f64::INFINITY) & !integer { f64::NAN } else { signed };
    let value = if x.is_nan() | y.is_nan() { f64::NAN } else { value };
    if (x == 1.0) | (y == 0.0) { 1.0 } else { value }
}

/// Slices to raise to powers.
struct Powers<'a, T> {
    out: &'a mut [T],
    x: &'a [T],
    y: &'a [T],
}

impl<T: Float> Work for Powers<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<const FMA: bool>(self) {
        for ((out, &x), &y) in self.out.iter_mut().zip(self.x).zip(self.y) {
            *out = T::from_f64(power_of::<T, FMA>(x.to_f64(), y.to_f64()));
        }
    }
}

/// Writes x^y for each pair of numbers to `out`, as IEEE 754-2019 says (`pow`): x⁰ = 1^y = 1 for NaN too, NaN for a negative
/// x and a y that is no integer.
///
/// Below 1 ULP.
///
/// # Panics
/// If an operand's length is not that of `out`.
pub fn power<T: Float>(out: &mut [T], x: Operand<T>, y: Operand<T>) {
    both(out, x, y, |out, x, y| dispatch(Powers { out, x, y }));
}

/// x^y, with the bits of [`power`].
pub fn power_one<T: Float>(x: T, y: T) -> T {
    let mut out = [T::ZERO];
    dispatch(Powers { out: &mut out, x: &[x], y: &[y] });
    out[0]
}

/// The exponent of a root of a power: a fraction in lowest terms, which a double may not hold.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fraction {
    /// The numerator over the denominator, in two parts.
    quotient: (f64, f64),
    /// Whether negative numbers have such a power, and whether it is negative.
    odd_root: bool,
    odd_power: bool,
}

impl Fraction {
    /// A fraction in lowest terms.
    pub fn new(numerator: i32, denominator: u32) -> Fraction {
        let (p, q) = (f64::from(numerator), f64::from(denominator));
        let nearest = p / q;
        // The remainder is exact; both are small integers times a power of 2.
        let remainder = -nearest.mul_add(q, -p);
        Fraction { quotient: (nearest, remainder / q), odd_root: denominator % 2 == 1, odd_power: numerator % 2 != 0 }
    }
}

/// The kernel of a power with one exponent.
#[derive(Clone, Copy)]
struct PowerOfFraction(Fraction);

impl<T: Float> Kernel<T> for PowerOfFraction {
    #[inline(always)]
    fn apply<const FMA: bool>(&self, x: T) -> T {
        let Fraction { quotient, odd_root, odd_power } = self.0;
        let x = x.to_f64();
        let magnitude = power_for::<T, FMA>(x.abs(), quotient);
        let is_negative = x.is_sign_negative();
        let signed = if is_negative & odd_root & odd_power { -magnitude } else { magnitude };
        T::from_f64(if (x < 0.0) & !odd_root { f64::NAN } else { signed })
    }
}

/// Writes x to the power of a fraction other than 0 for each x of `values` to `output`. Negative numbers have roots of odd
/// degree.
///
/// Below 1 ULP.
///
/// # Panics
/// If the slices differ in length.
pub fn power_of_fraction_to<T: Float>(values: &[T], output: &mut [T], exponent: Fraction) {
    map_to(PowerOfFraction(exponent), values, output);
}

/// [`power_of_fraction_to`] of one number.
pub fn power_of_fraction<T: Float>(x: T, exponent: Fraction) -> T {
    one(PowerOfFraction(exponent), x)
}
