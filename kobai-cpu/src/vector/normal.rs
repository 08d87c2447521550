//! The error function and the normal distribution.
//!
//! All of them stand on g(a) = e^(a²/2)·erfc(a/√2) for a ≥ 0, of which (1 + a)·g(a) is a polynomial in (a − 4)/(a + 4)
//! (Shepherd and Laframboise, "Chebyshev approximation of (1 + 2x) exp(x²) erfc x in 0 ≤ x < ∞", 1981). An `f32` is worked
//! in `f64`.

use super::exponential::exp_of_pair;
use super::float::{Float, fast_two_sum, polynomial, product_error, two_sum};
use super::logarithm::{log_of_sum, log_pair};
use super::map::kernels;

/// (1 + a)·g(a) as a polynomial in (a − 4)/(a + 4), highest power first, all but the constant term. The error is 2^−59.
const TAIL: [f64; 26] = [
    1.1057903213845573e-11,
    3.9537435361883835e-10,
    2.8581020224516994e-10,
    -3.823836653015733e-09,
    -5.030701719337227e-09,
    1.7745449777121427e-08,
    4.017273000277379e-08,
    -4.667659580834518e-08,
    -2.2856848836258556e-07,
    8.531658304437867e-09,
    1.1094006217872747e-06,
    8.059501476317727e-07,
    -5.2286871490166945e-06,
    -6.863297443444839e-06,
    2.725474520100962e-05,
    4.2499826717886735e-05,
    -0.00017570659754599787,
    -0.00018886046311500644,
    0.0013897942422998475,
    -0.0005712462005919476,
    -0.010004757184891102,
    0.035872194959625466,
    -0.06439567485605001,
    0.05720072810709367,
    0.02799926944884877,
    -0.19340695465305155,
];
/// The constant term.
const TAIL_CONSTANT: f64 = 0.9441064130196893;

/// erf(x)/x − 1 as a polynomial in x², for |x| ≤ 1, highest power first. The error is 2^−62.
const NEAR_ZERO: [f64; 13] = [
    5.945251776252554e-11,
    -1.1365659971744475e-09,
    1.4657878275519642e-08,
    -1.6350024988863905e-07,
    1.6460972795125932e-06,
    -1.4925593505556598e-05,
    0.00012055331036846821,
    -0.0008548326978740891,
    0.005223977624780848,
    -0.026866170645072893,
    0.11283791670954857,
    -0.3761263890318375,
    0.1283791670955126,
];

/// √(2/π), in two parts.
const ROOT_TWO_OVER_PI: (f64, f64) = (0.7978845608028654, -4.98465440455546e-17);

/// g(a) as a rounded value and what the rounding lost, for 0 ≤ a < ∞.
#[inline(always)]
fn tail<const FMA: bool>(a: f64) -> (f64, f64) {
    let t = (a - 4.0) / (a + 4.0);
    let rest = polynomial::<f64, FMA>(&TAIL, t);
    let linear = t * rest;
    let (high, low) = fast_two_sum(TAIL_CONSTANT, linear);
    let low = low + product_error::<f64, FMA>(t, rest, linear);
    let divisor = two_sum(1.0, a);
    let quotient = high / divisor.0;
    let product = quotient * divisor.0;
    let remainder = (high - product) - product_error::<f64, FMA>(quotient, divisor.0, product);
    (quotient, (remainder + (low - quotient * divisor.1)) / divisor.0)
}

/// e^(−a²/2) as a rounded value and what the rounding lost, for 0 ≤ a ≤ 40.
#[inline(always)]
fn bell<const FMA: bool>(a: f64) -> (f64, f64) {
    let square = 0.5 * a * a;
    exp_of_pair::<f64, FMA>(-square, -product_error::<f64, FMA>(0.5 * a, a, square))
}

/// Φ(−a), in two parts, for a ≥ 0.
#[inline(always)]
fn lower<const FMA: bool>(a: f64) -> (f64, f64) {
    // Φ(−40) is 0 to any double.
    let a = if a > 40.0 { 40.0 } else { a };
    let (power, tail) = (bell::<FMA>(a), tail::<FMA>(a));
    let product = 0.5 * power.0 * tail.0;
    let error = product_error::<f64, FMA>(0.5 * power.0, tail.0, product);
    fast_two_sum(product, error + 0.5 * (power.0 * tail.1 + power.1 * tail.0))
}

#[inline(always)]
fn erf<const FMA: bool>(x: f64) -> f64 {
    let a = x.abs();
    let near = x.multiply_add::<FMA>(polynomial::<f64, FMA>(&NEAR_ZERO, x * x), x);
    let capped = if a > 8.0 { 8.0 } else { a };
    let square = capped * capped;
    let power = exp_of_pair::<f64, FMA>(-square, -product_error::<f64, FMA>(capped, capped, square));
    let far = 1.0 - power.0 * tail::<FMA>(capped * std::f64::consts::SQRT_2).0;
    if a < 1.0 { near } else { far.copysign(x) }
}

#[inline(always)]
fn normal_cdf<const FMA: bool>(x: f64) -> f64 {
    let (value, error) = lower::<FMA>(x.abs());
    let (upper, upper_error) = fast_two_sum(1.0, -value);
    if x > 0.0 { upper + (upper_error - error) } else { value }
}

#[inline(always)]
fn log_normal_cdf<const FMA: bool>(x: f64) -> f64 {
    let a = x.abs();
    // Beyond it the square is ∞, and so is the value's magnitude.
    let bounded = if a > 1e154 { 1e154 } else { a };
    let tail = tail::<FMA>(bounded);
    let square = 0.5 * bounded * bounded;
    let error = product_error::<f64, FMA>(0.5 * bounded, bounded, square);
    let (log, log_low) = log_pair::<f64, FMA>(0.5 * tail.0);
    let (sum, sum_error) = two_sum(-square, log);
    let negative = sum + (sum_error + (log_low - error + tail.1 / tail.0));
    let negative = if a > 1e154 { -0.5 * a * a } else { negative };
    let lower = lower::<FMA>(a);
    let (upper, upper_error) = fast_two_sum(1.0, -lower.0);
    let (log, log_low) = log_of_sum::<f64, FMA>((upper, upper_error - lower.1), (-lower.0, -lower.1));
    if x > 0.0 { -(log + log_low).abs() } else { negative }
}

#[inline(always)]
fn inverse_mills<const FMA: bool>(x: f64) -> f64 {
    // √(2/π)/g(−x) below 0; above it ½√(2/π)·e^(−x²/2)/(1 − Φ(−x)).
    let a = x.abs();
    let below = tail::<FMA>(if a > 1e300 { 1e300 } else { a });
    let bell = bell::<FMA>(if a > 40.0 { 40.0 } else { a });
    let density = 0.5 * bell.0 * ROOT_TWO_OVER_PI.0;
    let density_low = product_error::<f64, FMA>(0.5 * bell.0, ROOT_TWO_OVER_PI.0, density)
        + 0.5 * (bell.0 * ROOT_TWO_OVER_PI.1 + bell.1 * ROOT_TWO_OVER_PI.0);
    let lower = lower::<FMA>(a);
    let (above, above_low) = fast_two_sum(1.0, -lower.0);
    let positive = x > 0.0;
    let numerator = if positive { (density, density_low) } else { ROOT_TWO_OVER_PI };
    let divisor = if positive { (above, above_low - lower.1) } else { below };
    let quotient = numerator.0 / divisor.0;
    let product = quotient * divisor.0;
    let remainder = (numerator.0 - product) - product_error::<f64, FMA>(quotient, divisor.0, product);
    let value = quotient + (remainder + (numerator.1 - quotient * divisor.1)) / divisor.0;
    let value = if x == -f64::INFINITY { f64::INFINITY } else { value };
    if x == f64::INFINITY { 0.0 } else { value }
}

kernels! {
    /// The kernel of erf x.
    Erf: erf;
    /// The kernel of Φ(x).
    NormalCdf: normal_cdf;
    /// The kernel of log Φ(x).
    LogNormalCdf: log_normal_cdf;
    /// The kernel of φ(x)/Φ(x).
    InverseMills: inverse_mills;
}
