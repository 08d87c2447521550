//! The normal distribution and the gamma family, against 160 bits.

use astro_float::BigFloat;
use kobai::eval::arithmetic::Arithmetic;
use kobai::eval::high::High;
use kobai::function::Function as Row;
use kobai_cpu::vector::{self, Float};

use super::Worst;
use super::functions::*;
use super::oracle::{big, error};

type Unary<T> = fn(&mut [T]);

/// The functions, where to look, and the documented bound.
fn rows<T: Float>() -> [(Row, Unary<T>, f64); 6] {
    [
        (Row::Erf, vector::erf, 1.0),
        (Row::NormalCdf, vector::normal_cdf, 2.0),
        (Row::LogNormalCdf, vector::log_normal_cdf, 2.0),
        (Row::InverseMills, vector::inverse_mills, 2.0),
        (Row::LogGamma, vector::log_gamma, 2.0),
        (Row::Digamma, vector::digamma, 2.0),
    ]
}

/// Numbers next to the zeros and the seams of the functions, of every size, and in between.
fn input(random: &mut Random, row: Row) -> f64 {
    let centres = [0.5, 1.0, 1.4616321449683622, 1.5, 2.0, 2.5, 8.0, 0.0, 3.0];
    let x = match random.next() % 6 {
        0 => {
            let centre = centres[random.next() as usize % centres.len()];
            centre + (random.unit() - 0.5) * (-40.0 * random.unit()).exp2()
        }
        1 => random.unit() * 12.0,
        2 => random.unit() * 40.0,
        3 => (random.unit() - 0.5) * 3.0,
        4 => (600.0 * (random.unit() - 0.5)).exp2(),
        _ => random.unit() * 3.0,
    };
    let x = if random.next().is_multiple_of(2) { -x } else { x };
    match row {
        Row::LogGamma | Row::Digamma => x.abs(),
        // Beyond, the value is 0 or 1; the oracle takes long to find out.
        Row::NormalCdf | Row::InverseMills | Row::LogNormalCdf if x > 38.0 => x % 38.0,
        Row::NormalCdf if x < -38.4 => x % 38.4,
        Row::Erf => x % 7.0,
        _ if x < -1e6 => x % 1e6,
        _ => x,
    }
}

#[test]
fn special_functions_of_f64_are_within_their_bounds() {
    let mut high = High::new(160);
    for (row, function, bound) in rows::<f64>() {
        let mut random = Random(67);
        let inputs: Vec<f64> = (0..3000).map(|_| input(&mut random, row)).filter(|&x| x != 0.0).collect();
        let exact: Vec<BigFloat> = inputs.iter().map(|&x| high.call(row, &[big(x, 192)])).collect();
        at_each_level(|level| {
            let mut outputs = inputs.clone();
            function(&mut outputs);
            let mut worst = Worst::default();
            for ((&x, exact), &y) in inputs.iter().zip(&exact).zip(&outputs) {
                worst.see(error(exact, y), x);
            }
            println!("{level:?} f64 {row:?}: {:.3} at {:e}", worst.units, worst.at);
            assert!(worst.units <= bound, "{level:?} {row:?}: {} at {:e}", worst.units, worst.at);
        });
    }
}

#[test]
fn special_functions_of_f32_are_those_of_f64_rounded() {
    let singles = rows::<f32>();
    for ((row, double, _), (_, single, _)) in rows::<f64>().into_iter().zip(singles) {
        let mut random = Random(71);
        let inputs: Vec<f32> = (0..10_001).map(|_| input(&mut random, row) as f32).collect();
        at_each_level(|_| {
            let (mut narrow, mut wide) = (inputs.clone(), inputs.iter().map(|&x| f64::from(x)).collect::<Vec<f64>>());
            single(&mut narrow);
            double(&mut wide);
            assert!(
                narrow.iter().zip(&wide).all(|(&narrow, &wide)| narrow == wide as f32 || narrow.is_nan()),
                "{row:?}"
            );
        });
    }
}

#[test]
fn special_values_of_special_functions() {
    const INF: f64 = f64::INFINITY;
    let nan = f64::NAN;
    let half_log = -std::f64::consts::LN_2;
    let mills = (2.0 / std::f64::consts::PI).sqrt();
    type Values<'a> = &'a [(f64, f64)];
    let rows: [(Unary<f64>, Values); 6] = [
        (
            vector::erf,
            &[(0.0, 0.0), (-0.0, -0.0), (INF, 1.0), (-INF, -1.0), (1e300, 1.0), (5e-324, 5e-324), (nan, nan)],
        ),
        (vector::normal_cdf, &[(0.0, 0.5), (INF, 1.0), (-INF, 0.0), (1e300, 1.0), (-1e300, 0.0), (nan, nan)]),
        (
            vector::log_normal_cdf,
            &[(0.0, half_log), (INF, -0.0), (-INF, -INF), (-1e200, -INF), (100.0, -0.0), (nan, nan)],
        ),
        (vector::inverse_mills, &[(0.0, mills), (INF, 0.0), (-INF, INF), (1e300, 0.0), (-1e300, 1e300), (nan, nan)]),
        (vector::log_gamma, &[(1.0, 0.0), (2.0, 0.0), (INF, INF), (1e306, INF), (0.0, nan), (-1.5, nan), (nan, nan)]),
        (vector::digamma, &[(INF, INF), (1e-310, -INF), (0.0, nan), (-1.5, nan), (nan, nan)]),
    ];
    at_each_level(|level| {
        for (row, (function, values)) in rows.iter().enumerate() {
            for &(x, expected) in *values {
                let mut y = [x];
                function(&mut y);
                let same = y[0] == expected && y[0].is_sign_negative() == expected.is_sign_negative();
                assert!(same || (y[0].is_nan() && expected.is_nan()), "{level:?}, row {row} at {x:e}: {:e}", y[0]);
            }
        }
    });
}
