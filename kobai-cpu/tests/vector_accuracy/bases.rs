//! Logarithms to any base.

use astro_float::{BigFloat, Consts, RoundingMode};
use core_math as correctly_rounded;
use kobai_cpu::vector::{LogBase, log_base, scalar};

use super::functions::*;
use super::oracle::{big, error};
use super::{Errors, Worst};

/// Bases next to 1, tiny, huge, and of every size between.
fn bases(random: &mut Random, count: usize) -> Vec<f64> {
    let next_to_one = [1.0000001, 0.9999999, 1.0 + f64::from(f32::EPSILON), 1.0 - 1e-12, 1.0 + f64::EPSILON];
    let extreme = [5e-324, 1e-310, f64::MIN_POSITIVE, 1e-45, 1e-38, 3.4e38, 1e300, f64::MAX];
    let usual = [0.5, 1.5, 2.0, std::f64::consts::E, 3.0, 7.0, 10.0, 16.0, 1000.0];
    let fixed = next_to_one.into_iter().chain(extreme).chain(usual);
    let random = std::iter::from_fn(|| {
        Some(match random.next() % 4 {
            0 => 1.0 + (random.unit() - 0.5) * (-50.0 * random.unit()).exp2(),
            1 => (2000.0 * (random.unit() - 0.5)).exp2(),
            _ => 20.0 * random.unit(),
        })
    });
    fixed.chain(random.filter(|&base| base > 0.0 && base != 1.0)).take(count).collect()
}

/// The worst error in `f32` over so many bases, with so many numbers each.
fn check_single(bases_count: usize, count: usize) {
    at_each_level(|level| {
        let mut random = Random(43);
        let mut errors = Errors::default();
        let mut worst_base = 0.0;
        for base in bases(&mut random, bases_count) {
            let inputs: Vec<f32> = random.inputs(Log, count);
            let mut outputs = inputs.clone();
            log_base(&mut outputs, &LogBase::new(base));
            let before = errors.0[0].units;
            for (&x, &y) in inputs.iter().zip(&outputs) {
                let exact = correctly_rounded::log(f64::from(x)) / correctly_rounded::log(base);
                errors.see_single(exact, x, y);
            }
            worst_base = if errors.0[0].units > before { base } else { worst_base };
        }
        println!("{level:?} f32, {bases_count} bases, worst in base {worst_base:e}");
        errors.0[0].report(Log, &format!("{level:?} f32, any base,"), 1.0);
    });
}

/// The worst error in `f64` over so many bases, with so many numbers each.
fn check_double(bases_count: usize, count: usize) {
    let mut constants = Consts::new().expect("constants");
    let mut ln = |x: f64| big(x, 160).ln(160, RoundingMode::ToEven, &mut constants);
    let mut random = Random(47);
    let cases: Vec<(f64, Vec<(f64, BigFloat)>)> = bases(&mut random, bases_count)
        .into_iter()
        .map(|base| {
            let divisor = ln(base);
            let inputs: Vec<f64> = random.inputs(Log, count);
            let values = inputs.into_iter().map(|x| (x, ln(x).div(&divisor, 160, RoundingMode::ToEven)));
            (base, values.collect())
        })
        .collect();
    at_each_level(|level| {
        let mut worst = Worst::default();
        for (base, values) in &cases {
            let base = LogBase::new(*base);
            for (x, exact) in values {
                worst.see(error(exact, scalar::log_base(*x, &base)), *x);
            }
        }
        worst.report(Log, &format!("{level:?} f64, any base,"), 1.0);
    });
}

#[test]
fn any_base_is_within_a_unit() {
    check_single(150, 20_000);
    check_double(100, 60);
}

/// `cargo test --release -p kobai-cpu --test vector_accuracy -- --ignored --nocapture`
#[test]
#[ignore = "takes minutes"]
fn many_bases_are_within_a_unit() {
    check_single(5000, 100_000);
    check_double(3000, 100);
}

#[test]
fn powers_of_a_base_are_exact() {
    at_each_level(|_| {
        for base in 2..=50 {
            let base = f64::from(base);
            let (prepared, reciprocal) = (LogBase::new(base), LogBase::new(1.0 / base));
            let (mut power, mut exponent) = (1.0f64, 0.0);
            while power <= 2f64.powi(53) {
                assert_eq!(scalar::log_base(power, &prepared), exponent);
                if power <= 2f64.powi(24) {
                    assert_eq!(scalar::log_base(power as f32, &prepared), exponent as f32);
                }
                // Where the base's reciprocal is exact.
                if base.log2().fract() == 0.0 {
                    assert_eq!(scalar::log_base(power, &reciprocal), -exponent);
                }
                (power, exponent) = (power * base, exponent + 1.0);
            }
        }
    });
}

#[test]
fn what_is_no_base_gives_nan() {
    for base in [0.0, -0.0, -2.0, 1.0, f64::INFINITY, f64::NAN] {
        for x in [0.0, 0.5, 2.0, f64::INFINITY] {
            at_each_level(|level| {
                assert!(scalar::log_base(x, &LogBase::new(base)).is_nan(), "{level:?} base {base}, {x}");
                assert!(scalar::log_base(x as f32, &LogBase::new(base)).is_nan(), "{level:?} base {base}, {x}");
            });
        }
    }
}
