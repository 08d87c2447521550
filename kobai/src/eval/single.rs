//! Evaluation in single precision: each operation rounded to `f32`.
//!
//! A function's value is that of [`Double`] rounded once more, so it is as good as a library for `f32` can make it: what
//! goes wrong here goes wrong because of the formula.

use super::arithmetic::Arithmetic;
use super::double::Double;
use crate::function::Function;
use num_rational::BigRational;
use std::cmp::Ordering;

/// Arithmetic in IEEE single precision.
#[derive(Clone, Copy, Debug, Default)]
pub struct Single;

fn wide(value: &f32) -> f64 {
    f64::from(*value)
}

impl Arithmetic for Single {
    type Value = f32;

    fn rational(&mut self, value: &BigRational) -> f32 {
        Double.rational(value) as f32
    }

    fn double(&mut self, value: f64) -> f32 {
        value as f32
    }

    fn pi(&mut self) -> f32 {
        std::f32::consts::PI
    }

    fn infinity(&mut self, negative: bool) -> f32 {
        if negative { f32::NEG_INFINITY } else { f32::INFINITY }
    }

    fn add(&mut self, a: &f32, b: &f32) -> f32 {
        a + b
    }

    fn subtract(&mut self, a: &f32, b: &f32) -> f32 {
        a - b
    }

    fn multiply(&mut self, a: &f32, b: &f32) -> f32 {
        if *a == 0.0 || *b == 0.0 { 0.0 } else { a * b }
    }

    fn divide(&mut self, a: &f32, b: &f32) -> f32 {
        a / b
    }

    fn power(&mut self, base: &f32, exponent: &f32) -> f32 {
        Double.power(&wide(base), &wide(exponent)) as f32
    }

    fn power_rational(&mut self, base: &f32, exponent: &BigRational) -> f32 {
        Double.power_rational(&wide(base), exponent) as f32
    }

    fn call(&mut self, function: Function, arguments: &[f32]) -> f32 {
        let arguments: Vec<f64> = arguments.iter().map(wide).collect();
        Double.call(function, &arguments) as f32
    }

    fn compare(&self, a: &f32, b: &f32) -> Option<Ordering> {
        a.partial_cmp(b)
    }

    fn is_zero(&self, value: &f32) -> bool {
        *value == 0.0
    }

    fn to_double(&self, value: &f32) -> f64 {
        f64::from(*value)
    }
}
