//! What the functions should give.

use astro_float::{BigFloat, Consts, RoundingMode};
use core_math as correctly_rounded;

use super::functions::*;

impl Function {
    /// The value at x from f64 functions that are correctly rounded: within a few units of f64's last place.
    pub fn in_f64(self, x: f64) -> f64 {
        match self {
            Exp => correctly_rounded::exp(x),
            Expm1 => correctly_rounded::expm1(x),
            Log => correctly_rounded::log(x),
            Log1p => correctly_rounded::log1p(x),
            Log2 => correctly_rounded::log2(x),
            Log10 => correctly_rounded::log10(x),
            Log1mExp if x > -std::f64::consts::LN_2 => correctly_rounded::log(-correctly_rounded::expm1(x)),
            Log1mExp => correctly_rounded::log1p(-correctly_rounded::exp(x)),
            Sigmoid if x < 0.0 => correctly_rounded::exp(x) / (1.0 + correctly_rounded::exp(x)),
            Sigmoid => 1.0 / (1.0 + correctly_rounded::exp(-x)),
            Softplus => x.max(0.0) + correctly_rounded::log1p(correctly_rounded::exp(-x.abs())),
            Tanh => correctly_rounded::tanh(x),
        }
    }

    /// By how many numbers `in_f64` may itself differ from correct rounding: it composes some functions of others.
    pub fn slack(self) -> f64 {
        if matches!(self, Log1mExp | Sigmoid | Softplus) { 3.0 } else { 0.0 }
    }
}

/// log₂ of the distance between numbers of the binade of `value`: `digits` to a significand, none below 2^`lowest`.
pub fn unit_exponent(value: f64, digits: i32, lowest: i32) -> i32 {
    if value == 0.0 {
        return lowest;
    }
    // A subnormal f64 has the exponent field 0, and with it the lowest unit.
    let exponent = ((value.to_bits() >> 52) & 0x7ff) as i32 - 1023;
    (exponent - digits + 1).max(lowest)
}

const ROUND: RoundingMode = RoundingMode::ToEven;

/// Evaluates functions to 160 bits.
pub struct Oracle {
    pub constants: Consts,
}

/// The number, exactly. (`BigFloat::from_f64` itself misreads subnormal numbers.)
pub fn big(value: f64, bits: usize) -> BigFloat {
    if !value.is_subnormal() {
        return BigFloat::from_f64(value, bits);
    }
    let lifted = BigFloat::from_f64(value * 2f64.powi(200), bits);
    lifted.mul(&BigFloat::from_f64(2f64.powi(-200), bits), bits, ROUND)
}

impl Oracle {
    /// The value of the function at x.
    pub fn value(&mut self, function: Function, x: f64) -> BigFloat {
        const BITS: usize = 160;
        let c = &mut self.constants;
        let number = |value: f64| BigFloat::from_f64(value, BITS);
        let x_big = big(x, BITS);
        // ln(1 + t) = 2 artanh(t/(2 + t)), without cancellation for small t.
        let log1p = |t: &BigFloat, c: &mut Consts| {
            if *t > number(1.0) {
                return t.add(&number(1.0), BITS, ROUND).ln(BITS, ROUND, c);
            }
            let quotient = t.div(&t.add(&number(2.0), BITS, ROUND), BITS, ROUND);
            quotient.atanh(BITS, ROUND, c).mul(&number(2.0), BITS, ROUND)
        };
        // eˣ − 1 = 2 sinh(x/2) e^(x/2), likewise.
        let expm1 = |x: &BigFloat, c: &mut Consts| {
            let half = x.mul(&number(0.5), BITS, ROUND);
            let sinh = half.sinh(BITS, ROUND, c);
            sinh.mul(&half.exp(BITS, ROUND, c), BITS, ROUND).mul(&number(2.0), BITS, ROUND)
        };
        match function {
            Exp => x_big.exp(BITS, ROUND, c),
            // Far below, sinh would overflow.
            Expm1 if x < -100.0 => x_big.exp(BITS, ROUND, c).sub(&number(1.0), BITS, ROUND),
            Expm1 => expm1(&x_big, c),
            Log => x_big.ln(BITS, ROUND, c),
            Log2 => x_big.log2(BITS, ROUND, c),
            Log10 => x_big.log10(BITS, ROUND, c),
            Log1p => log1p(&x_big, c),
            Log1mExp if x > -0.7 => expm1(&x_big, c).neg().ln(BITS, ROUND, c),
            Log1mExp => log1p(&x_big.exp(BITS, ROUND, c).neg(), c),
            Sigmoid => {
                let power = x_big.neg().exp(BITS, ROUND, c);
                power.add(&number(1.0), BITS, ROUND).reciprocal(BITS, ROUND)
            }
            Softplus if x > 400.0 => x_big,
            Softplus => log1p(&x_big.exp(BITS, ROUND, c), c),
            Tanh => x_big.tanh(BITS, ROUND, c),
        }
    }
}

/// The error of `y` as a rounding of `exact`, in units of the last place of an f64.
pub fn error(exact: &BigFloat, y: f64) -> f64 {
    let magnitude = |value: &BigFloat| {
        let (words, _, _, exponent, _) = value.as_raw_parts().expect("a finite value");
        (words[words.len() - 1] as f64 / 2f64.powi(64), exponent)
    };
    if exact.is_zero() || exact.is_inf() {
        return if (exact.is_zero() && y == 0.0) || (exact.is_inf() && y.is_infinite()) { 0.0 } else { f64::NAN };
    }
    let unit = (magnitude(exact).1 - 53).max(-1074);
    if magnitude(exact).1 > 1024 {
        return if y.is_infinite() { 0.0 } else { f64::NAN };
    }
    // Here +∞ stands for the next power of two.
    let y = if y.is_infinite() { BigFloat::from_f64(2.0, 64).powi(1024, 64, ROUND) } else { big(y, 64) };
    let difference = exact.sub(&y, 160, ROUND);
    if difference.is_zero() {
        return 0.0;
    }
    let (fraction, exponent) = magnitude(&difference);
    fraction * 2f64.powi(exponent - unit)
}
