//! Special values, and values that must be exact.

use core_math as correctly_rounded;
use kobai_cpu::vector::{Float, LogBase, scalar};

use super::functions::*;

/// Asserts the value at each place, the sign of zero included.
fn assert_values<T: Float>(function: Function, rows: &[(f64, f64)]) {
    for &(x, expected) in rows {
        let y = function.one(T::from_f64(x)).to_f64();
        let expected = T::from_f64(expected).to_f64();
        let same = y == expected && y.is_sign_negative() == expected.is_sign_negative();
        assert!(same || (y.is_nan() && expected.is_nan()), "{function:?}({x:e}) = {y:e}, not {expected:e}");
    }
}

fn assert_special_values<T: Float>() {
    const INF: f64 = f64::INFINITY;
    const NAN: f64 = f64::NAN;
    for function in FUNCTIONS {
        assert_values::<T>(function, &[(NAN, NAN)]);
    }
    assert_values::<T>(Exp, &[(0.0, 1.0), (-0.0, 1.0), (INF, INF), (-INF, 0.0), (1e4, INF), (-1e4, 0.0), (710.0, INF)]);
    assert_values::<T>(Expm1, &[(0.0, 0.0), (-0.0, -0.0), (INF, INF), (-INF, -1.0), (1e4, INF), (-1e4, -1.0)]);
    for log in [Log, Log2, Log10] {
        assert_values::<T>(log, &[(1.0, 0.0), (0.0, -INF), (-0.0, -INF), (INF, INF), (-1.0, NAN), (-INF, NAN)]);
        assert_values::<T>(log, &[(-1e-40, NAN)]);
    }
    assert_values::<T>(Log1p, &[(0.0, 0.0), (-0.0, -0.0), (-1.0, -INF), (INF, INF), (-1.5, NAN), (-INF, NAN)]);
    assert_values::<T>(Log1mExp, &[(0.0, -INF), (-0.0, -INF), (-INF, -0.0), (-1e4, -0.0), (1.0, NAN), (INF, NAN)]);
    assert_values::<T>(Sigmoid, &[(0.0, 0.5), (-0.0, 0.5), (INF, 1.0), (-INF, 0.0), (1e4, 1.0), (-1e4, 0.0)]);
    assert_values::<T>(Softplus, &[(INF, INF), (-INF, 0.0), (1e4, 1e4), (-1e4, 0.0), (-800.0, 0.0), (0.0, 2f64.ln())]);
    assert_values::<T>(Tanh, &[(0.0, 0.0), (-0.0, -0.0), (INF, 1.0), (-INF, -1.0), (1e4, 1.0), (-1e4, -1.0)]);
}

#[test]
fn special_values_are_exact() {
    at_each_level(|_| {
        assert_special_values::<f64>();
        assert_special_values::<f32>();
        // Subnormal in, subnormal out.
        let tiny = 5e-324;
        for function in [Expm1, Log1p, Tanh] {
            assert_values::<f64>(function, &[(tiny, tiny), (-tiny, -tiny), (1e-310, 1e-310)]);
            assert_values::<f32>(function, &[(1e-45, 1e-45), (-1e-45, -1e-45), (1e-40, 1e-40)]);
        }
        for function in [Exp, Sigmoid, Softplus] {
            assert_values::<f64>(function, &[(-745.0, tiny), (-740.0, correctly_rounded::exp(-740.0)), (-800.0, 0.0)]);
            assert_values::<f32>(
                function,
                &[(-103.0, correctly_rounded::exp(-103.0)), (-95.0, correctly_rounded::exp(-95.0)), (-104.0, 0.0)],
            );
        }
        assert_values::<f64>(
            Log1mExp,
            &[(-745.0, -tiny), (-740.0, -correctly_rounded::exp(-740.0)), (-tiny, correctly_rounded::log(tiny))],
        );
    });
}

#[test]
fn logarithms_of_powers_of_the_base_are_exact() {
    at_each_level(|_| {
        for k in -1074..1024 {
            let power = if k < -1022 { f64::from_bits(1 << (k + 1074)) } else { 2f64.powi(k) };
            assert_eq!(scalar::log_base(power, &LogBase::TWO), f64::from(k));
            if (-149..128).contains(&k) {
                assert_eq!(scalar::log_base(power as f32, &LogBase::TWO), k as f32);
            }
        }
        for k in 0..=22 {
            assert_eq!(scalar::log_base(10f64.powi(k), &LogBase::TEN), f64::from(k));
            assert!(k > 10 || scalar::log_base(10f32.powi(k), &LogBase::TEN) == k as f32);
        }
        // A base below 1 exchanges the infinities: here 1/2.
        let half = &LogBase::new(0.5);
        assert_eq!(scalar::log_base(8.0, half), -3.0);
        assert_eq!(scalar::log_base(0.0, half), f64::INFINITY);
        assert_eq!(scalar::log_base(f64::INFINITY, half), f64::NEG_INFINITY);
    });
}
