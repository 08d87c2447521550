//! The documented accuracy, special values and sameness of bits of the vector mathematics, at every level.
//!
//! Two oracles. `astro-float` at 160 bits gives the error in fractions of a unit in the last place; it is slow.
//! `core-math`, correctly rounded, allows a million inputs: in f64 a result may be at most one number away from its (a
//! few where the reference is composed of several functions); the functions of f32 are measured against those of f64.

mod bases;
mod bits;
mod elementwise;
mod exhaustive;
mod exp_and_expm1;
mod functions;
mod oracle;
mod powers;
mod reductions;
mod special;
mod values;

use astro_float::Consts;
use functions::*;
use kobai_cpu::vector::Level;
use oracle::{Oracle, error, unit_exponent};

/// The worst error seen, and where.
#[derive(Clone, Copy, Default)]
struct Worst {
    units: f64,
    at: f64,
}

impl Worst {
    fn see(&mut self, units: f64, at: f64) {
        if units.is_nan() || units > self.units {
            *self = Worst { units, at };
        }
    }

    fn join(&mut self, other: Worst) {
        self.see(other.units, other.at);
    }

    fn report(self, function: Function, what: &str, bound: f64) {
        let Worst { units, at } = self;
        println!("{what} {function:?}: {units:.3} at {at:e}");
        assert!(units <= bound, "{what} {function:?}: error of {units} at {at:e}, documented {bound}");
    }
}

/// The worst errors among normal and among subnormal results.
#[derive(Clone, Copy, Default)]
struct Errors([Worst; 2]);

impl Errors {
    fn see(&mut self, subnormal: bool, units: f64, at: f64) {
        self.0[usize::from(subnormal)].see(units, at);
    }

    fn join(&mut self, other: Errors) {
        self.0[0].join(other.0[0]);
        self.0[1].join(other.0[1]);
    }

    /// Looks at y = f(x), worked in `f32`, for an ordinary x with the given value.
    fn see_single(&mut self, exact: f64, x: f32, y: f32) {
        if exact.abs() > f64::from(f32::MAX) * (1.0 + 2f64.powi(-25)) {
            assert!(y.is_infinite() && f64::from(y).signum() == exact.signum(), "at {x:e}: {y:e}, not {exact:e}");
            return;
        }
        let unit = 2f64.powi(unit_exponent(exact, 24, -149));
        let subnormal = y.is_subnormal();
        let y = if y.is_infinite() { f64::from(y.signum()) * 2f64.powi(128) } else { f64::from(y) };
        self.see(subnormal, ((y - exact) / unit).abs(), f64::from(x));
    }

    fn report(self, function: Function, level: Level, what: &str) {
        let what = &format!("{level:?} {what}");
        self.0[0].report(function, what, function.bound(level, false));
        if self.0[1].units > 0.0 {
            self.0[1].report(function, &format!("{what} subnormal"), function.bound(level, true));
        }
    }
}

#[test]
fn f32_functions_are_within_their_bounds_of_f64_ones() {
    at_each_level(|level| {
        for function in FUNCTIONS {
            let inputs: Vec<f32> = Random(7).inputs(function, 1_000_000);
            let mut outputs = inputs.clone();
            function.apply(&mut outputs);
            let mut errors = Errors::default();
            for (&x, &y) in inputs.iter().zip(&outputs) {
                errors.see_single(function.in_f64(f64::from(x)), x, y);
            }
            errors.report(function, level, "f32");
        }
    });
}

#[test]
fn f64_functions_are_at_most_one_number_from_correct_rounding() {
    at_each_level(|level| {
        for function in FUNCTIONS {
            let inputs: Vec<f64> = Random(11).inputs(function, 1_000_000);
            let mut outputs = inputs.clone();
            function.apply(&mut outputs);
            let mut worst = Worst::default();
            let mut off = 0;
            for (&x, &y) in inputs.iter().zip(&outputs) {
                let exact = function.in_f64(x);
                assert_eq!(
                    y.is_sign_negative(),
                    exact.is_sign_negative(),
                    "{function:?}({x:e}) = {y:e}, not {exact:e}"
                );
                let distance = y.to_bits().abs_diff(exact.to_bits());
                off += usize::from(distance > 0);
                worst.see(distance as f64, x);
            }
            println!("{level:?} f64 {function:?}: {:.2} % not correctly rounded", off as f64 * 1e-4);
            worst.report(function, &format!("{level:?} f64, numbers away,"), 1.0 + function.slack());
        }
    });
}

#[test]
fn f64_functions_are_within_their_bounds() {
    let mut oracle = Oracle { constants: Consts::new().expect("constants") };
    for function in FUNCTIONS {
        let inputs: Vec<f64> = Random(13).inputs(function, 8_000);
        let exact: Vec<_> = inputs.iter().map(|&x| oracle.value(function, x)).collect();
        at_each_level(|level| {
            let mut outputs = inputs.clone();
            function.apply(&mut outputs);
            let mut errors = Errors::default();
            for ((&x, exact), &y) in inputs.iter().zip(&exact).zip(&outputs) {
                errors.see(y.is_subnormal(), error(exact, y), x);
            }
            errors.report(function, level, "f64");
        });
    }
}
