//! eˣ and eˣ − 1 at once.

use core_math as correctly_rounded;
use kobai_cpu::vector::{Float, exp_and_expm1_to};

use super::functions::*;
use super::oracle::unit_exponent;

/// An error in units of the last place of a significand of so many digits. In two steps: the unit may be subnormal.
fn units(value: f64, exact: f64, digits: i32, lowest: i32) -> f64 {
    let exponent = unit_exponent(exact, digits, lowest);
    (value - exact).abs() / 2f64.powi(exponent - exponent / 2) / 2f64.powi(exponent / 2)
}

/// The worst errors of both results, in units of the last place.
fn worst_errors<T: Float>(digits: i32, lowest: i32) -> [f64; 2] {
    let mut random = Random(37);
    let mut worst = [0.0f64; 2];
    for length in [0, 1, 7, 8, 15, 16, 17, 300_001] {
        let x: Vec<T> = (0..length).map(|_| T::from_f64(-random.input(digits == 24).abs().min(1e4))).collect();
        let (mut powers, mut less_one) = (x.clone(), x.clone());
        exp_and_expm1_to(&x, &mut powers, &mut less_one);
        for ((&x, &power), &less_one) in x.iter().zip(&powers).zip(&less_one).filter(|((x, _), _)| x.to_f64() <= 0.0) {
            let x = x.to_f64();
            let errors = [
                units(power.to_f64(), correctly_rounded::exp(x), digits, lowest),
                units(less_one.to_f64(), correctly_rounded::expm1(x), digits, lowest),
            ];
            // In f64 the reference itself is rounded.
            let slack = if digits == 53 { 0.5 } else { 0.0 };
            assert!(errors[0] <= 0.8 + slack && errors[1] <= 1.5 + slack, "{x:e}: {errors:?}");
            worst = [worst[0].max(errors[0]), worst[1].max(errors[1])];
        }
    }
    let special = [0.0, -0.0, f64::NEG_INFINITY, f64::NAN].map(T::from_f64);
    let (mut powers, mut less_one) = (special, special);
    exp_and_expm1_to(&special, &mut powers, &mut less_one);
    assert!(powers[..3] == [T::ONE, T::ONE, T::ZERO] && less_one[..3] == [T::ZERO, T::ZERO, -T::ONE]);
    assert!(powers[3].to_f64().is_nan() && less_one[3].to_f64().is_nan());
    worst
}

#[test]
fn both_results_are_accurate() {
    at_each_level(|level| {
        println!("{level:?} f64: {:.3?}, f32: {:.3?}", worst_errors::<f64>(53, -1074), worst_errors::<f32>(24, -149));
    });
}
