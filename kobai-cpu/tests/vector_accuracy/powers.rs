//! Powers.

use astro_float::{BigFloat, Consts, RoundingMode};
use core_math as correctly_rounded;
use kobai_cpu::vector::{Fraction, Operand, power, power_of_fraction_to, scalar};

use super::functions::*;
use super::oracle::{big, error};
use super::{Errors, Worst};

// Powers are taken without rounding, since for an exact power the oracle would never find out which way to round.

/// Bases and exponents whose powers are numbers, many of them near the ends of the range and near 1.
fn cases(random: &mut Random, narrow: bool, count: usize) -> Vec<(f64, f64)> {
    let largest = if narrow { 150.0 } else { 1080.0 };
    std::iter::from_fn(|| {
        let x = random.input(narrow).abs();
        let logarithm = x.log2();
        let y = match random.next() % 4 {
            0 => random.input(narrow),
            1 => (random.next() % 41) as f64 - 20.0,
            _ => largest * (2.0 * random.unit() - 1.0) / logarithm,
        };
        Some(if narrow { (f64::from(x as f32), f64::from(y as f32)) } else { (x, y) })
    })
    .filter(|&(x, y)| x > 0.0 && x.is_finite() && y.is_finite() && (y * x.log2()).abs() < largest)
    .take(count)
    .collect()
}

#[test]
fn powers_of_f32_are_within_a_unit() {
    let cases = cases(&mut Random(53), true, 500_000);
    let (x, y): (Vec<f32>, Vec<f32>) = cases.iter().map(|&(x, y)| (x as f32, y as f32)).unzip();
    at_each_level(|level| {
        let mut out = vec![0.0; x.len()];
        power(&mut out, Operand::Each(&x), Operand::Each(&y));
        let mut errors = Errors::default();
        for ((&(x, y), &out), &narrow) in cases.iter().zip(&out).zip(&x) {
            errors.see_single(correctly_rounded::pow(x, y), narrow, out);
        }
        println!("{level:?} f32 power: {:.3}, subnormal {:.3}", errors.0[0].units, errors.0[1].units);
        assert!(errors.0.iter().all(|worst| worst.units < 1.0));
    });
}

#[test]
fn powers_of_f64_are_within_a_unit() {
    let cases = cases(&mut Random(59), false, 500_000);
    let (x, y): (Vec<f64>, Vec<f64>) = cases.iter().copied().unzip();
    let mut constants = Consts::new().expect("constants");
    at_each_level(|level| {
        let mut out = vec![0.0; x.len()];
        power(&mut out, Operand::Each(&x), Operand::Each(&y));
        let mut worst = Worst::default();
        for (&(x, y), &out) in cases.iter().zip(&out) {
            // What is correctly rounded is off by half a unit at most.
            if out != correctly_rounded::pow(x, y) {
                let exact = big(x, 256).pow(&big(y, 256), 256, RoundingMode::None, &mut constants);
                worst.see(error(&exact, out), x);
            }
        }
        println!("{level:?} f64 power: {:.3} at {:e}", worst.units, worst.at);
        assert!(worst.units < 1.0);
    });
}

#[test]
fn special_powers_are_those_of_the_standard() {
    const INF: f64 = f64::INFINITY;
    const NAN: f64 = f64::NAN;
    let values = [
        0.0,
        -0.0,
        1.0,
        -1.0,
        0.5,
        -0.5,
        2.0,
        -2.0,
        3.0,
        -3.0,
        1.5,
        -1.5,
        INF,
        -INF,
        NAN,
        5e-324,
        -5e-324,
        1e300,
        -1e300,
        f64::MAX,
        9007199254740991.0,
        -9007199254740991.0,
        9007199254740992.0,
        4503599627370497.0,
        0.9999999999999999,
    ];
    at_each_level(|level| {
        for x in values {
            for y in values {
                let (ours, exact) = (scalar::power(x, y), x.powf(y));
                let is_near = ours == exact || ((ours - exact) / exact).abs() < 3e-16;
                let same = is_near && ours.is_sign_negative() == exact.is_sign_negative();
                assert!(same || (ours.is_nan() && exact.is_nan()), "{level:?} {x:e}^{y:e} = {ours:e}, not {exact:e}");
            }
        }
        for n in 0..=20 {
            assert_eq!(scalar::power(3.0, f64::from(n)), 3f64.powi(n));
            assert_eq!(scalar::power(-2.0f32, n as f32), (-2f32).powi(n));
        }
    });
}

#[test]
fn powers_of_fractions_are_within_a_unit() {
    let mut constants = Consts::new().expect("constants");
    let mut power_of = |x: f64, (p, q): (i32, u32)| -> BigFloat {
        let exponent = BigFloat::from_i32(p, 192).div(&BigFloat::from_u32(q, 192), 192, RoundingMode::ToEven);
        big(x, 192).pow(&exponent, 192, RoundingMode::None, &mut constants)
    };
    let mut random = Random(61);
    for (p, q) in [(1, 3), (-1, 3), (2, 3), (3, 2), (-3, 2), (5, 7), (-7, 5), (4, 1), (-5, 1), (1, 1000)] {
        let inputs: Vec<f64> = random.inputs(Log, 400);
        let exact: Vec<BigFloat> = inputs.iter().map(|&x| power_of(x, (p, q))).collect();
        at_each_level(|level| {
            let mut out = inputs.clone();
            let fraction = Fraction::new(p, q);
            power_of_fraction_to(&inputs, &mut out, fraction);
            let mut worst = Worst::default();
            for ((&x, &out), exact) in inputs.iter().zip(&out).zip(&exact) {
                worst.see(error(exact, out), x);
                let negative = scalar::power_of_fraction(-x, fraction);
                let expected = if p % 2 == 0 { out } else { -out };
                assert!(if q % 2 == 0 { negative.is_nan() } else { negative == expected });
            }
            assert!(worst.units < 1.0, "{level:?} {p}/{q}: {} at {:e}", worst.units, worst.at);
            assert_eq!(scalar::power_of_fraction(1.0, fraction), 1.0);
        });
    }
    assert_eq!(scalar::power_of_fraction(27.0, Fraction::new(1, 3)), 3.0);
    assert_eq!(scalar::power_of_fraction(-8f32, Fraction::new(2, 3)), 4.0);
}
