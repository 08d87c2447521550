//! Reductions.

use kobai_cpu::vector::{self, scalar};

use super::functions::*;

#[test]
fn reductions_are_right() {
    at_each_level(|_| {
        let values: Vec<f64> = (1..=5000).map(f64::from).collect();
        for length in (0..100).chain([1024, 5000]) {
            let values = &values[..length];
            let n = length as f64;
            assert_eq!(vector::sum(values), n * (n + 1.0) / 2.0);
            assert_eq!(vector::dot(values, values), n * (n + 1.0) * (2.0 * n + 1.0) / 6.0);
            assert_eq!(vector::max(values), if length == 0 { f64::NEG_INFINITY } else { n });
        }
        for place in 0..130 {
            let mut values = vec![1.0f32; 130];
            values[place] = 2.0;
            assert_eq!(vector::max(&values), 2.0);
            values[place] = f32::NAN;
            assert!(vector::max(&values).is_nan() && vector::sum(&values).is_nan());
            let doubles: Vec<f64> = values.iter().map(|&value| f64::from(value)).collect();
            assert!(vector::max(&doubles).is_nan() && vector::sum(&doubles).is_nan());
        }
        assert_eq!(vector::max(&[f64::NEG_INFINITY; 40]), f64::NEG_INFINITY);
    });
}

#[test]
fn exponentials_sum_alike_whether_stored_or_not() {
    at_each_level(|_| {
        let mut random = Random(29);
        let values: Vec<f32> = (0..2100).map(|_| (random.unit() * 30.0) as f32).collect();
        for length in [0, 1, 31, 32, 33, 1024, 1025, 2100] {
            let values = &values[..length];
            let shift = vector::max(values);
            let powers: Vec<f32> = values.iter().map(|&x| scalar::exp(x - shift)).collect();
            let total = vector::sum(&powers);
            let mut in_place = values.to_vec();
            let mut output = vec![0.0; length];
            assert_eq!(vector::sum_exp(values, shift), total);
            assert_eq!(vector::exp_then_sum_to(values, &mut output, shift), total);
            assert_eq!(vector::exp_then_sum(&mut in_place, shift), total);
            assert!(in_place == powers && output == powers);
        }
    });
}
