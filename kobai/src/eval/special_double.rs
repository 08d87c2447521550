//! Functions in doubles that need more than a composition: logarithms to any base, the normal distribution, and the
//! gamma family.

use std::f64::consts::{FRAC_1_SQRT_2, FRAC_2_SQRT_PI, LN_2, PI};

/// log 2 − LN_2, for sums in two parts.
const LN_2_REST: f64 = 2.319046813846299_6e-17;

/// A number in two parts: the double nearest to it, and the rest.
#[derive(Clone, Copy)]
struct Pair {
    high: f64,
    rest: f64,
}

impl Pair {
    /// a + b exactly, where |a| ≥ |b| (Dekker, "A floating-point technique for extending the available precision", 1971).
    fn sum(a: f64, b: f64) -> Pair {
        let high = a + b;
        Pair { high, rest: b - (high - a) }
    }

    /// a · b exactly.
    fn product(a: f64, b: f64) -> Pair {
        let high = a * b;
        Pair { high, rest: a.mul_add(b, -high) }
    }
}

/// log_a x, almost always the nearest double: exact where the result is one, so log_2 8 = 3 and log_9 27 = 3/2. NaN for
/// x < 0, a < 0, a = 1 and where both are 0 or ∞.
pub(super) fn log_base(a: f64, x: f64) -> f64 {
    if a.is_nan() || x.is_nan() || a < 0.0 || x < 0.0 || a == 1.0 {
        return f64::NAN;
    }
    let ordinary = |v: f64| v > 0.0 && v.is_finite();
    if !ordinary(a) || !ordinary(x) {
        return x.ln() / a.ln();
    }
    let (numerator, denominator) = (log_pair(x), log_pair(a));
    let quotient = numerator.high / denominator.high;
    let remainder =
        (-quotient).mul_add(denominator.high, numerator.high) + numerator.rest - quotient * denominator.rest;
    quotient + remainder / denominator.high
}

/// log x to about 64 bits, x > 0 and finite: x = 2^k m with m in [√½, √2], and log m = 2 artanh s, s = (m−1)/(m+1).
fn log_pair(x: f64) -> Pair {
    let (mantissa, exponent) = libm::frexp(x);
    let (m, k) = if mantissa < FRAC_1_SQRT_2 {
        (2.0 * mantissa, f64::from(exponent - 1))
    } else {
        (mantissa, f64::from(exponent))
    };
    let numerator = m - 1.0; // exact (Sterbenz)
    let denominator = if m >= 1.0 { Pair::sum(m, 1.0) } else { Pair::sum(1.0, m) };
    let s = numerator / denominator.high;
    let s_rest = ((-s).mul_add(denominator.high, numerator) - s * denominator.rest) / denominator.high;
    // artanh s = s + s³/3 + s⁵/5 + …: s³/3 in two parts, the rest (below 2^−12 s) in one.
    let square = Pair::product(s, s);
    let cube = Pair::product(s, square.high);
    let third = cube.high / 3.0;
    let third_rest = ((-3.0_f64).mul_add(third, cube.high) + cube.rest + s * square.rest) / 3.0 + square.high * s_rest;
    let tail = (2..=14).rev().fold(0.0, |inner, n| inner * square.high + 1.0 / f64::from(2 * n + 1));
    let lower = Pair::sum(s, third);
    let rest = lower.rest + (third_rest + s_rest + s * (square.high * square.high * tail));
    let two_artanh = Pair::sum(2.0 * lower.high, 2.0 * rest);
    if k == 0.0 {
        return two_artanh;
    }
    let shift = Pair::product(k, LN_2);
    let sum = Pair::sum(shift.high, two_artanh.high);
    Pair::sum(sum.high, sum.rest + (shift.rest + k * LN_2_REST + two_artanh.rest))
}

/// The standard normal's distribution function, erfc(−x/√2)/2. In the far tail erfc multiplies the rounding of its
/// argument by x², so the argument's rest is carried to first order: erfc(z + d) = erfc z − d (2/√π) e^(−z²).
pub(super) fn normal_cdf(x: f64) -> f64 {
    // 1/√2 − FRAC_1_SQRT_2
    const REST: f64 = -4.833646656726457e-17;
    if x.abs() > 40.0 {
        return if x > 0.0 { 1.0 } else { 0.0 };
    }
    let z = Pair::product(-x, FRAC_1_SQRT_2);
    let rest = z.rest - x * REST;
    let slope = FRAC_2_SQRT_PI * (-z.high * z.high).exp();
    0.5 * (libm::erfc(z.high) - rest * slope)
}

/// Below this Φ leaves the range of the doubles, and a few terms of its asymptotic series have all digits.
const FAR_TAIL: f64 = -37.0;
/// log √(2π)
const LOG_ROOT_TWO_PI: f64 = 0.918_938_533_204_672_8;

/// −x Φ(x) / φ(x) for x far below 0: 1 − 1/x² + 3/x⁴ − 15/x⁶ + … (Abramowitz & Stegun 1964, 26.2.12).
fn tail_series(x: f64) -> f64 {
    let inverse = 1.0 / x / x;
    (1..=8).rev().fold(1.0, |inner, n| 1.0 - f64::from(2 * n - 1) * inverse * inner)
}

/// log Φ(x)
pub(super) fn log_normal_cdf(x: f64) -> f64 {
    if x >= 0.0 {
        (-normal_cdf(-x)).ln_1p()
    } else if x >= FAR_TAIL {
        normal_cdf(x).ln()
    } else {
        -0.5 * x * x - ((-x).ln() + LOG_ROOT_TWO_PI) + tail_series(x).ln()
    }
}

/// φ(x) / Φ(x)
pub(super) fn inverse_mills(x: f64) -> f64 {
    if x < FAR_TAIL {
        return -x / tail_series(x);
    }
    // The square's rounding error would be an error of the exponent, and so a relative one of the density.
    let square = Pair::product(x, x);
    let density = (-0.5 * square.high).exp() * (FRAC_1_SQRT_2 * 0.5 * FRAC_2_SQRT_PI);
    let corrected = if square.high.is_finite() { density - density * (0.5 * square.rest) } else { density };
    corrected / normal_cdf(x)
}

/// log |Γ(x)|; NaN at the poles 0, −1, −2, …
pub(super) fn log_gamma(x: f64) -> f64 {
    if is_pole(x) { f64::NAN } else { libm::lgamma(x) }
}

/// Whether Γ has a pole at x.
fn is_pole(x: f64) -> bool {
    x <= 0.0 && x == x.floor()
}

/// From here on the asymptotic series of the gamma family have all their digits.
const ASYMPTOTIC: f64 = 10.0;

/// B₂ₖ/(2k) for k = 1, 2, …
const DIGAMMA_SERIES: [f64; 8] =
    [1.0 / 12.0, -1.0 / 120.0, 1.0 / 252.0, -1.0 / 240.0, 1.0 / 132.0, -691.0 / 32760.0, 1.0 / 12.0, -3617.0 / 8160.0];

/// B₂ₖ for k = 1, 2, …
const BERNOULLI: [f64; 8] =
    [1.0 / 6.0, -1.0 / 30.0, 1.0 / 42.0, -1.0 / 30.0, 5.0 / 66.0, -691.0 / 2730.0, 7.0 / 6.0, -3617.0 / 510.0];

/// c₁ t + c₂ t² + …
fn series(coefficients: &[f64], t: f64) -> f64 {
    coefficients.iter().rev().fold(0.0, |inner, c| (inner + c) * t)
}

/// ψ(x); NaN at the poles 0, −1, −2, …
///
/// DLMF 5.11.2 (asymptotic series), 5.5.2 (recurrence) and 5.5.4 (reflection). For x < 0 the accuracy is relative to
/// the larger term of the reflection, not to a root's neighbourhood.
pub(super) fn digamma(x: f64) -> f64 {
    if is_pole(x) {
        f64::NAN
    } else if x < 0.0 {
        digamma(1.0 - x) - PI / (PI * (x - x.round())).tan()
    } else if x < 0.5 {
        digamma_from_root(x + 1.0) - 1.0 / x
    } else if x < ASYMPTOTIC {
        digamma_from_root(x)
    } else {
        let inverse = 1.0 / x;
        x.ln() - (0.5 * inverse + series(&DIGAMMA_SERIES, inverse * inverse))
    }
}

/// ψ(x) for 1/2 ≤ x ≤ 10 as the difference from its root r, where it is 0: with g = x − r,
/// ψ(x) = g Σₖ 1/((x+k)(r+k)) + ψ(x+n) − ψ(r+n), and the asymptotic series' difference has the factor g in each term.
/// Nothing cancels, so the accuracy is relative next to the root as well.
fn digamma_from_root(x: f64) -> f64 {
    const ROOT: f64 = 1.4616321449683622;
    const ROOT_REST: f64 = 9.549995429965697e-17;
    let g = (x - ROOT) - ROOT_REST;
    let (far, far_root) = (x + ASYMPTOTIC, ROOT + ASYMPTOTIC);
    let (t, t_root) = (1.0 / (far * far), 1.0 / (far_root * far_root));
    // first = t_root − t; difference = t_root^k − t^k; power = t_root^(k−1)
    let first = g * (far + far_root) * t * t_root;
    let (mut difference, mut power, mut tail) = (first, 1.0, 0.0);
    for coefficient in DIGAMMA_SERIES {
        tail += coefficient * difference;
        power *= t_root;
        difference = difference * t + power * first;
    }
    tail += g / (2.0 * far * far_root);
    tail += (g / far_root).ln_1p();
    let steps = ASYMPTOTIC as u32;
    let sum = (0..steps).rev().map(f64::from).fold(0.0, |sum, k| sum + 1.0 / ((x + k) * (ROOT + k)));
    g * sum + tail
}

/// ψ′(x); NaN at the poles 0, −1, −2, …
///
/// DLMF 5.15.8 (asymptotic series), 5.15.5 (recurrence) and 5.15.6 (reflection).
pub(super) fn trigamma(x: f64) -> f64 {
    if is_pole(x) {
        return f64::NAN;
    }
    if x < 0.0 {
        let ratio = PI / (PI * (x - x.round())).sin();
        return ratio * ratio - trigamma(1.0 - x);
    }
    let steps = (ASYMPTOTIC - x).ceil().max(0.0) as u32;
    let inverse = 1.0 / (x + f64::from(steps));
    let square = inverse * inverse;
    let tail = inverse + (0.5 * square + inverse * series(&BERNOULLI, square));
    // What each addition rounds away is collected and added at the end.
    let (mut sum, mut rest) = (tail, 0.0);
    for k in (0..steps).rev().map(f64::from) {
        // Squared last: the square of a tiny x would lose digits as a subnormal number.
        let root = 1.0 / (x + k);
        let term = root * root;
        let partial = Pair::sum(sum.max(term), sum.min(term));
        (sum, rest) = (partial.high, rest + partial.rest);
    }
    // An infinite sum leaves NaN as its rest.
    if sum.is_finite() { sum + rest } else { sum }
}
