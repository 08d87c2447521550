//! Evaluation in doubles: every function within two units in the last place or close to it.
//!
//! Elementary functions are the standard library's. sin, cos and tan are `libm`'s, because glibc's lose 8 units next to
//! a multiple of π/2 near 10^255, and so are erf, erfc and log Γ. What is composed here is composed
//! so that nothing overflows on the way to a finite answer and nothing cancels. The bounds, function by function, are
//! in the table of `kobai/tests/arithmetic.rs`, which measures them.

use std::cmp::Ordering;
use std::f64::consts::{LN_2, PI};

use num_rational::BigRational;
use num_traits::{One, Signed, ToPrimitive};

use super::arithmetic::{Arithmetic, rational_to_double};
use super::special_double::{digamma, inverse_mills, log_base, log_gamma, log_normal_cdf, normal_cdf, trigamma};
use crate::function::Function;

/// Arithmetic in IEEE doubles.
#[derive(Clone, Copy, Debug, Default)]
pub struct Double;

impl Arithmetic for Double {
    type Value = f64;

    fn rational(&mut self, value: &BigRational) -> f64 {
        rational_to_double(value)
    }

    fn double(&mut self, value: f64) -> f64 {
        value
    }

    fn pi(&mut self) -> f64 {
        PI
    }

    fn infinity(&mut self, negative: bool) -> f64 {
        if negative { f64::NEG_INFINITY } else { f64::INFINITY }
    }

    fn add(&mut self, a: &f64, b: &f64) -> f64 {
        a + b
    }

    fn subtract(&mut self, a: &f64, b: &f64) -> f64 {
        a - b
    }

    fn multiply(&mut self, a: &f64, b: &f64) -> f64 {
        if *a == 0.0 || *b == 0.0 { 0.0 } else { a * b }
    }

    fn divide(&mut self, a: &f64, b: &f64) -> f64 {
        a / b
    }

    fn power(&mut self, base: &f64, exponent: &f64) -> f64 {
        base.powf(*exponent)
    }

    fn power_rational(&mut self, base: &f64, exponent: &BigRational) -> f64 {
        if exponent.denom().is_one() {
            return base.powf(rational_to_double(exponent));
        }
        let odd_root = exponent.denom().bit(0);
        if *base < 0.0 && !odd_root {
            return f64::NAN;
        }
        let sign = if *base < 0.0 && exponent.numer().bit(0) { -1.0 } else { 1.0 };
        sign * positive_power(base.abs(), exponent)
    }

    fn call(&mut self, function: Function, arguments: &[f64]) -> f64 {
        match (function.row().arity, arguments) {
            (1, [x]) => unary(function, *x),
            (2, [x, y]) => binary(function, *x, *y),
            _ => f64::NAN,
        }
    }

    fn compare(&self, a: &f64, b: &f64) -> Option<Ordering> {
        a.partial_cmp(b)
    }

    fn is_zero(&self, value: &f64) -> bool {
        *value == 0.0
    }

    fn to_double(&self, value: &f64) -> f64 {
        *value
    }
}

/// base^exponent for base ≥ 0 and a fraction, which a double may not hold: with the double e and the rest d,
/// b^(e + d) = b^e (1 + d log b), since d log b < 10^−13.
fn positive_power(base: f64, exponent: &BigRational) -> f64 {
    let nearest = rational_to_double(exponent);
    if exponent.numer().is_one() && exponent.denom().to_u32() == Some(3) {
        return base.cbrt();
    }
    if nearest == 0.5 && base < f64::INFINITY {
        return base.sqrt();
    }
    let power = base.powf(nearest);
    let held = BigRational::from_float(nearest).unwrap_or_else(BigRational::one);
    let rest = rational_to_double(&(exponent - held));
    if rest == 0.0 || power == 0.0 || !power.is_finite() {
        return power;
    }
    power + power * (rest * base.ln())
}

fn unary(function: Function, x: f64) -> f64 {
    match function {
        Function::Exp => x.exp(),
        Function::Log => x.ln(),
        Function::Log1p => x.ln_1p(),
        Function::Expm1 => x.exp_m1(),
        Function::Log1mexp => log1mexp(x),
        Function::Sigmoid => sigmoid(x),
        Function::Softplus => softplus(x),
        Function::Tanh => x.tanh(),
        Function::Sinh => x.sinh(),
        Function::Cosh => x.cosh(),
        Function::LogCosh => log_cosh(x),
        Function::Sin => libm::sin(x),
        Function::Cos => libm::cos(x),
        Function::Tan => libm::tan(x),
        Function::Arcsin => x.asin(),
        Function::Arccos => x.acos(),
        Function::Arctan => x.atan(),
        Function::Abs => x.abs(),
        Function::Sign if x == 0.0 => 0.0,
        Function::Sign => x.signum(),
        Function::Relu if x <= 0.0 => 0.0,
        Function::Relu | Function::StopGradient => x,
        Function::Erf => libm::erf(x),
        Function::NormalCdf => normal_cdf(x),
        Function::LogNormalCdf => log_normal_cdf(x),
        Function::InverseMills => inverse_mills(x),
        Function::LogGamma => log_gamma(x),
        Function::Digamma => digamma(x),
        Function::Trigamma => trigamma(x),
        Function::LogBase | Function::Max | Function::Min => f64::NAN,
    }
}

fn binary(function: Function, x: f64, y: f64) -> f64 {
    match function {
        Function::LogBase => log_base(x, y),
        _ if x.is_nan() || y.is_nan() => f64::NAN,
        Function::Max if y > x => y,
        Function::Min if y < x => y,
        Function::Max | Function::Min => x,
        _ => f64::NAN,
    }
}

/// log(1 − e^x) for x < 0, −∞ at 0. Mächler, "Accurately computing log(1 − exp(−|a|))" (2012), equation (7): the two
/// forms meet where e^x = 1/2.
fn log1mexp(x: f64) -> f64 {
    if x > -LN_2 { (-x.exp_m1()).ln() } else { (-x.exp()).ln_1p() }
}

/// 1 / (1 + e^−x), written in e^−|x|, which cannot overflow.
fn sigmoid(x: f64) -> f64 {
    let small = (-x.abs()).exp();
    if x >= 0.0 { 1.0 / (1.0 + small) } else { small / (1.0 + small) }
}

/// log(1 + e^x) = max(x, 0) + log1p(e^−|x|).
fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p() + if x.is_nan() { x } else { 0.0 }
}

/// log cosh x: |x| + log1p(e^(−2|x|)) − log 2 for |x| ≥ 3/4, and below, where that cancels, log1p(cosh x − 1).
fn log_cosh(x: f64) -> f64 {
    // log 2 − LN_2
    const LN_2_REST: f64 = 2.319046813846299_6e-17;
    let x = x.abs();
    if x >= 0.75 {
        return (x - LN_2) + ((-2.0 * x).exp().ln_1p() - LN_2_REST);
    }
    // cosh x − 1 = x²/2 (1 + x²/(3·4) (1 + x²/(5·6) (1 + …))); the term left out is below 2^−60.
    let square = x * x;
    let series = (2..=8).rev().fold(1.0, |inner, k| {
        let k = f64::from(k);
        1.0 + inner * (square / ((2.0 * k - 1.0) * (2.0 * k)))
    });
    (0.5 * square * series).ln_1p()
}
