//! The two arithmetics against each other, against identities and against values worked out elsewhere.

use astro_float::BigFloat;
use kobai::eval::arithmetic::Arithmetic;
use kobai::eval::double::Double;
use kobai::eval::high::High;
use kobai::function::{Function, ROWS};
use num_bigint::BigInt;
use num_rational::BigRational;
use std::f64::consts::{LN_2, PI, SQRT_2};

/// The largest error of `Double`, in units in the last place, that each function may show.
const BOUNDS: &[(Function, f64)] = &[
    (Function::Exp, 1.0),
    (Function::Log, 1.0),
    (Function::LogBase, 0.51),
    (Function::Log1p, 1.0),
    (Function::Expm1, 1.0),
    (Function::Log1mexp, 1.75),
    (Function::Sigmoid, 2.0),
    (Function::Softplus, 2.0),
    (Function::Tanh, 2.0),
    (Function::Sinh, 2.0),
    (Function::Cosh, 1.5),
    (Function::LogCosh, 3.0),
    (Function::Sin, 1.0),
    (Function::Cos, 1.0),
    (Function::Tan, 1.0),
    (Function::Arcsin, 1.0),
    (Function::Arccos, 1.0),
    (Function::Arctan, 1.0),
    (Function::Abs, 0.0),
    (Function::Sign, 0.0),
    (Function::Max, 0.0),
    (Function::Min, 0.0),
    (Function::Relu, 0.0),
    (Function::Erf, 1.0),
    (Function::NormalCdf, 3.0),
    (Function::LogNormalCdf, 3.0),
    (Function::InverseMills, 5.0),
    (Function::LogGamma, 3.0),
    (Function::Digamma, 3.0),
    (Function::Trigamma, 3.0),
    (Function::StopGradient, 0.0),
];

/// Evenly distributed numbers, the same every time (SplitMix64).
struct Random(u64);

impl Random {
    fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * (self.bits() >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// The last is the double closest to a multiple of π/2.
#[rustfmt::skip]
const POINTS: &[f64] = &[
    0.0, f64::INFINITY, 5e-324, 1e-310, f64::MIN_POSITIVE, 1e-300, 1e-20, f64::EPSILON, 1e-8, 0.1, 0.25, 0.5, 1.0,
    1.5, 2.0, 3.0, 4.0, 10.0, 27.0, 28.0, 36.0, 37.0, 38.0, 100.0, 700.0, 709.0, 709.78, 710.0, 710.4, 744.0, 745.0,
    746.0, 1e4, 1e10, 1e16, 1e22, 1e100, 1e300, f64::MAX, LN_2, PI,
    std::f64::consts::FRAC_PI_2, SQRT_2, 1.461_632_144_968_362_3, 1.000_000_000_000_909_5,
    5.319372648326541e255,
];

/// Numbers of every size and sign, numbers that are hard for some function, and random ones.
fn points(count: usize) -> Vec<f64> {
    let mut points = POINTS.to_vec();
    for centre in [0.5, 1.0, 2.0, LN_2, PI, 1.461_632_144_968_362_3, 10.0] {
        points.extend((1..=45).step_by(4).flat_map(|k| [centre + 0.5_f64.powi(k), centre - 0.5_f64.powi(k)]));
        points.extend([centre.next_up(), centre.next_down()]);
    }
    let mut random = Random(1);
    for _ in 0..count {
        points.push(random.between(0.0, 3.0));
        points.push(random.between(0.0, 40.0));
        points.push(random.between(0.0, 750.0));
        points.push(10_f64.powf(random.between(-320.0, 308.0)));
        points.push(10_f64.powf(random.between(-17.0, 2.0)));
    }
    let negative: Vec<f64> = points.iter().map(|x| -x).collect();
    points.extend(negative);
    points
}

/// The arguments a function is tested with: those of its domain for the gamma family, all points for the others.
fn arguments(function: Function, count: usize) -> Vec<Vec<f64>> {
    let all = points(count);
    match function {
        Function::LogGamma | Function::Digamma | Function::Trigamma => {
            all.into_iter().filter(|x| *x > 0.0).map(|x| vec![x]).collect()
        }
        _ if function.row().arity == 1 => all.into_iter().map(|x| vec![x]).collect(),
        _ => {
            let mut random = Random(2);
            let length = all.len() as u64;
            let bases =
                [2.0, 10.0, 3.0, 0.5, 1.000_000_000_000_909_5, 1.0_f64.next_down(), 1e300, 1e-300, 5e-324, -1.0];
            let mut pairs: Vec<Vec<f64>> = bases.iter().flat_map(|a| all.iter().map(|x| vec![*a, *x])).collect();
            pairs.extend(
                (0..length)
                    .map(|_| vec![all[(random.bits() % length) as usize], all[(random.bits() % length) as usize]]),
            );
            pairs
        }
    }
}

fn exact_arguments(high: &mut High, arguments: &[f64]) -> Vec<BigFloat> {
    arguments.iter().map(|x| high.double(*x)).collect()
}

/// The distance of a double from a result, in units in the last place of the double nearest to the result.
fn error_in_ulp(high: &mut High, got: f64, expected: &BigFloat) -> f64 {
    let nearest = high.to_double(expected);
    if got == nearest || (got.is_nan() && nearest.is_nan()) {
        if !nearest.is_finite() {
            return 0.0;
        }
    } else if !got.is_finite() || !nearest.is_finite() {
        return if nearest.abs() == f64::MAX || got.abs() == f64::MAX { 1.0 } else { f64::INFINITY };
    }
    let unit = nearest.abs().next_up() - nearest.abs();
    let unit = if unit.is_finite() { unit } else { 2_f64.powi(971) };
    let (got, unit) = (high.double(got), high.double(unit));
    let difference = high.subtract(&got, expected);
    let ratio = high.divide(&difference, &unit);
    high.to_double(&ratio).abs()
}

#[test]
fn doubles_keep_their_bounds() {
    let mut high = High::new(320);
    for &(function, bound) in BOUNDS {
        let (mut worst, mut place) = (0.0, Vec::new());
        for arguments in arguments(function, 300) {
            let exact = exact_arguments(&mut high, &arguments);
            let expected = high.call(function, &exact);
            let error = error_in_ulp(&mut high, Double.call(function, &arguments), &expected);
            if error > worst {
                (worst, place) = (error, arguments);
            }
        }
        println!("{:12} {worst:8.3} at {place:?}", function.row().plain);
        assert!(worst <= bound, "{}: {worst} ulp at {place:?}", function.row().plain);
    }
}

#[test]
fn every_function_has_a_bound() {
    for row in ROWS {
        assert!(BOUNDS.iter().any(|(function, _)| *function == row.function), "{}", row.plain);
    }
}

/// Arguments that no double is: next to a root or a pole by 2^−100 and 2^−200, tiny and huge.
fn hard_points(high: &mut High) -> Vec<BigFloat> {
    let mut hard: Vec<BigFloat> =
        ["1e-5000", "1e-100000", "1e5000", "1e9", "123456.789", "1.4616321449683623412626595423"]
            .iter()
            .map(|text| high.from_decimal(text))
            .collect();
    for centre in [0.5, 1.0, 2.0, 0.0, 3.0] {
        let centre = high.double(centre);
        for distance in [2_f64.powi(-100), -(2_f64.powi(-100)), 2_f64.powi(-200), -(2_f64.powi(-200)), 2_f64.powi(-40)]
        {
            let distance = high.double(distance);
            hard.push(high.add(&centre, &distance));
        }
    }
    let negative: Vec<BigFloat> = hard.iter().map(BigFloat::neg).collect();
    hard.extend(negative);
    hard
}

#[test]
fn more_bits_change_only_the_last_ones() {
    let (mut low, mut high) = (High::new(256), High::new(640));
    let hard = hard_points(&mut low);
    for row in ROWS {
        let mut cases: Vec<Vec<BigFloat>> = arguments(row.function, 4)
            .iter()
            .step_by(if row.arity == 1 { 1 } else { 7 })
            .map(|arguments| exact_arguments(&mut low, arguments))
            .collect();
        let partner = low.double(2.5);
        cases.extend(hard.iter().map(
            |x| {
                if row.arity == 1 { vec![x.clone()] } else { vec![partner.clone(), x.clone()] }
            },
        ));
        let mut worst = 0.0_f64;
        for case in cases {
            let (got, expected) = (low.call(row.function, &case), high.call(row.function, &case));
            assert_eq!(got.is_nan(), expected.is_nan(), "{} at {case:?}", row.plain);
            if got.is_nan() {
                continue;
            }
            let error = high.relative_error(&got, &expected, "0");
            assert!(
                error < 2_f64.powi(-250),
                "{} at {}: {error:e}",
                row.plain,
                low.to_decimal(&case[row.arity - 1], 30)
            );
            worst = worst.max(error);
        }
        println!("{:12} 2^{:.1}", row.plain, worst.log2());
    }
}

fn fraction(numerator: i64, denominator: i64) -> BigRational {
    BigRational::new(BigInt::from(numerator), BigInt::from(denominator))
}

const INF: f64 = f64::INFINITY;
const NAN: f64 = f64::NAN;

// Two arguments and the result.
#[rustfmt::skip]
const PRODUCTS: &[(f64, f64, f64)] = &[
    (0.0, INF, 0.0), (INF, 0.0, 0.0), (0.0, NAN, 0.0), (-INF, 2.0, -INF), (3.0, 4.0, 12.0),
];

#[rustfmt::skip]
const QUOTIENTS: &[(f64, f64, f64)] = &[
    (1.0, 0.0, INF), (0.0, 0.0, NAN), (INF, INF, NAN), (1.0, INF, 0.0), (1.0, 4.0, 0.25),
];

#[rustfmt::skip]
const POWERS: &[(f64, f64, f64)] = &[
    (0.0, 0.0, 1.0), (NAN, 0.0, 1.0), (INF, 0.0, 1.0), (1.0, NAN, 1.0), (0.0, 2.0, 0.0), (0.0, -1.0, INF),
    (0.0, 0.5, 0.0), (INF, -1.0, 0.0), (-INF, 3.0, -INF), (-INF, 2.0, INF), (-2.0, 3.0, -8.0), (-2.0, -2.0, 0.25),
    (-2.0, 0.5, NAN), (2.0, 0.5, SQRT_2), (0.5, INF, 0.0), (2.0, INF, INF), (2.0, -INF, 0.0),
    (-1.0, 1e300, 1.0), (-1.0, 9_007_199_254_740_991.0, -1.0), (2.0, 1e300, INF), (0.5, 1e300, 0.0), (-1.0, INF, 1.0),
];

#[rustfmt::skip]
const ROOTS: &[(f64, (i64, i64), f64)] = &[
    (2.0, (1, 2), SQRT_2), (-8.0, (1, 3), -2.0), (-8.0, (2, 3), 4.0), (-8.0, (-1, 3), -0.5),
    (-4.0, (1, 2), NAN), (4.0, (-1, 1), 0.25), (-3.0, (3, 1), -27.0), (0.0, (1, 3), 0.0), (0.0, (-1, 3), INF),
    (0.0, (0, 1), 1.0), (INF, (-1, 2), 0.0), (-INF, (1, 3), -INF), (-INF, (2, 3), INF), (INF, (1, 2), INF),
    (32.0, (3, 5), 8.0), (1e-320, (1, 2), 9.99994433575849e-161), (NAN, (1, 3), NAN),
];

#[rustfmt::skip]
const LOGARITHMS: &[(f64, f64, f64)] = &[
    (2.0, 8.0, 3.0), (10.0, 1000.0, 3.0), (9.0, 27.0, 1.5), (8.0, 2.0, 1.0 / 3.0), (10.0, 1e-5, -5.0),
    (0.5, 8.0, -3.0), (2.0, 5e-324, -1074.0), (1.0, 2.0, NAN), (2.0, 0.0, -INF), (-2.0, 4.0, NAN),
];

/// What the notation fixes, the same for every arithmetic; each line is an expression and the double it must give.
fn conventions<A: Arithmetic>(arithmetic: &mut A) -> Vec<(String, f64, f64)> {
    let mut results = Vec::new();
    for &(a, b, expected) in PRODUCTS {
        let (x, y) = (arithmetic.double(a), arithmetic.double(b));
        let got = arithmetic.multiply(&x, &y);
        results.push((format!("{a} · {b}"), arithmetic.to_double(&got), expected));
    }
    for &(a, b, expected) in QUOTIENTS {
        let (x, y) = (arithmetic.double(a), arithmetic.double(b));
        let got = arithmetic.divide(&x, &y);
        results.push((format!("{a} / {b}"), arithmetic.to_double(&got), expected));
    }
    for &(a, b, expected) in POWERS {
        let (x, y) = (arithmetic.double(a), arithmetic.double(b));
        let got = arithmetic.power(&x, &y);
        results.push((format!("{a} ^ {b}"), arithmetic.to_double(&got), expected));
    }
    for &(a, (p, q), expected) in ROOTS {
        let x = arithmetic.double(a);
        let got = arithmetic.power_rational(&x, &fraction(p, q));
        results.push((format!("{a} ^ {p}/{q}"), arithmetic.to_double(&got), expected));
    }
    for &(a, x, expected) in LOGARITHMS {
        let (base, argument) = (arithmetic.double(a), arithmetic.double(x));
        let got = arithmetic.call(Function::LogBase, &[base, argument]);
        results.push((format!("log_{a} {x}"), arithmetic.to_double(&got), expected));
    }
    for pole in [0.0, -1.0, -7.0] {
        for function in [Function::LogGamma, Function::Digamma, Function::Trigamma] {
            let x = arithmetic.double(pole);
            let got = arithmetic.call(function, &[x]);
            results.push((format!("{function:?} {pole}"), arithmetic.to_double(&got), f64::NAN));
        }
    }
    let got = arithmetic.call(Function::Max, &[]);
    results.push(("max of nothing".into(), arithmetic.to_double(&got), f64::NAN));
    results
}

#[test]
fn both_arithmetics_keep_the_conventions() {
    let mut all = conventions(&mut Double);
    all.extend(conventions(&mut High::new(256)));
    for (expression, got, expected) in all {
        assert!(got == expected || (got.is_nan() && expected.is_nan()), "{expression} = {got}, not {expected}");
    }
}

#[test]
fn fractions_and_high_numbers_become_the_nearest_double() {
    let mut high = High::new(1024);
    for text in [
        "0.1",
        "5e-324",
        "2.4703282292062328e-324",
        "2.47e-324",
        "1.7976931348623158e308",
        "1.7976931348623159e308",
        "2.2250738585072011e-308",
        "-3.3e-310",
        "9007199254740993",
        "123456789012345678901234567890",
        "0",
    ] {
        let nearest: f64 = text.parse().unwrap();
        let value = high.from_decimal(text);
        assert_eq!(high.to_double(&value), nearest, "{text}");
    }
    let mut random = Random(3);
    for _ in 0..2000 {
        let x = f64::from_bits(random.bits());
        if let Some(exact) = BigRational::from_float(x) {
            assert_eq!(Double.rational(&exact), x);
            let value = high.double(x);
            assert_eq!(high.to_double(&value), x);
            let third = exact / BigInt::from(3);
            let value = high.rational(&third);
            assert_eq!(Double.rational(&third), high.to_double(&value), "{x}/3");
        }
    }
}

#[test]
fn fractional_powers_of_doubles_are_accurate() {
    let (mut high, mut random) = (High::new(320), Random(4));
    for _ in 0..500 {
        let x = 10_f64.powf(random.between(-300.0, 300.0));
        let exact = high.double(x);
        for (p, q) in [(1, 2), (1, 3), (2, 3), (-1, 2), (3, 2), (5, 7), (-1, 3)] {
            let expected = high.power_rational(&exact, &fraction(p, q));
            let error = error_in_ulp(&mut high, Double.power_rational(&x, &fraction(p, q)), &expected);
            assert!(error < 1.5, "{x}^({p}/{q}): {error} ulp");
        }
    }
}

#[test]
fn decimals_are_read_and_written() {
    let mut high = High::new(256);
    for (text, digits, expected) in [
        ("1.288267936480574826095075e-869", 25, "1.288267936480574826095075e-869"),
        ("9.9996", 4, "1e1"),
        ("-0.1", 40, "-1e-1"),
        ("123456", 4, "1.235e5"),
        ("1e-99999999999", 5, "0"),
        ("-inf", 5, "-inf"),
        ("1abc", 5, "NaN"),
        ("", 5, "NaN"),
        ("7", 0, "7e0"),
    ] {
        let value = high.from_decimal(text);
        assert_eq!(high.to_decimal(&value, digits), expected, "{text}");
    }
}

/// Values from tables (DLMF, OEIS) and closed forms, to 30 digits.
#[test]
fn known_values() {
    let mut high = High::new(256);
    for (function, argument, expected) in [
        (Function::Exp, "1", "2.71828182845904523536028747135e0"),
        (Function::Exp, "-2000", "2.576535872961149652190150499507e-869"),
        (Function::Log, "2", "6.93147180559945309417232121458e-1"),
        (Function::LogGamma, "0.5", "5.7236494292470008707171367567653e-1"),
        (Function::Digamma, "1", "-5.77215664901532860606512090082e-1"),
        (Function::Trigamma, "1", "1.64493406684822643647241516665e0"),
        (Function::Trigamma, "0.5", "4.93480220054467930941724549994e0"),
        (Function::Erf, "1", "8.42700792949714869341220635083e-1"),
        (Function::NormalCdf, "0", "0.5"),
        (Function::LogNormalCdf, "0", "-6.93147180559945309417232121458e-1"),
        (Function::InverseMills, "0", "7.97884560802865355879892119869e-1"),
    ] {
        let (x, value) = (high.from_decimal(argument), high.from_decimal(expected));
        let got = high.call(function, &[x]);
        let error = high.relative_error(&got, &value, "0");
        assert!(error < 1e-29, "{function:?}({argument}): {}", high.to_decimal(&got, 31));
    }
}

/// Equations between functions that share no code, at arguments of both signs.
#[test]
fn identities() {
    let mut high = High::new(256);
    let mut random = Random(5);
    for _ in 0..100 {
        let value = random.between(-8.0, 8.0);
        let (x, one) = (high.double(value), high.double(1.0));
        let call = |high: &mut High, function, x: &BigFloat| high.call(function, std::slice::from_ref(x));
        let above = high.add(&x, &one);
        let check = |high: &mut High, name: &str, a: &BigFloat, b: &BigFloat| {
            let error = high.relative_error(a, b, "1");
            assert!(error < 2_f64.powi(-240), "{name} at {value}: {error:e}");
        };

        // ψ(x + 1) − ψ(x) = 1/x, ψ₁(x) − ψ₁(x + 1) = 1/x², log |Γ(x + 1)| − log |Γ(x)| = log |x|
        let reciprocal = high.divide(&one, &x);
        let (a, b) = (call(&mut high, Function::Digamma, &above), call(&mut high, Function::Digamma, &x));
        let difference = high.subtract(&a, &b);
        check(&mut high, "digamma", &difference, &reciprocal);
        let (a, b) = (call(&mut high, Function::Trigamma, &above), call(&mut high, Function::Trigamma, &x));
        let (difference, square) = (high.subtract(&b, &a), high.multiply(&reciprocal, &reciprocal));
        check(&mut high, "trigamma", &difference, &square);
        let (a, b) = (call(&mut high, Function::LogGamma, &above), call(&mut high, Function::LogGamma, &x));
        let (difference, magnitude) = (high.subtract(&a, &b), x.abs());
        let log = call(&mut high, Function::Log, &magnitude);
        check(&mut high, "loggamma", &difference, &log);

        // log Φ and φ/Φ in the far tail, where they are series, against their definitions
        let far = high.double(-33_000.0 + value);
        let (log, ratio) =
            (call(&mut high, Function::LogNormalCdf, &far), call(&mut high, Function::InverseMills, &far));
        let (below, above) = (high.double(-33_000.0 + value - 1e-3), high.double(-33_000.0 + value + 1e-3));
        let (a, b) = (call(&mut high, Function::LogNormalCdf, &above), call(&mut high, Function::LogNormalCdf, &below));
        let (rise, run) = (high.subtract(&a, &b), high.subtract(&above, &below));
        let slope = high.divide(&rise, &run);
        assert!(high.relative_error(&slope, &ratio, "0") < 1e-12, "the slope of log Φ at {far:?}");
        assert!(high.to_double(&log) < -5.4e8 && high.to_double(&log) > -5.5e8);

        // Φ(x) + Φ(−x) = 1, σ(x) + σ(−x) = 1, softplus(x) − softplus(−x) = x, log1mexp twice is the identity
        let negative = x.neg();
        for function in [Function::NormalCdf, Function::Sigmoid] {
            let (a, b) = (call(&mut high, function, &x), call(&mut high, function, &negative));
            let sum = high.add(&a, &b);
            check(&mut high, function.row().plain, &sum, &one);
        }
        let (a, b) = (call(&mut high, Function::Softplus, &x), call(&mut high, Function::Softplus, &negative));
        let difference = high.subtract(&a, &b);
        check(&mut high, "softplus", &difference, &x);
        let below_zero = magnitude.neg();
        let once = call(&mut high, Function::Log1mexp, &below_zero);
        let twice = call(&mut high, Function::Log1mexp, &once);
        check(&mut high, "log1mexp", &twice, &below_zero);
        let power = call(&mut high, Function::Expm1, &x);
        let back = call(&mut high, Function::Log1p, &power);
        check(&mut high, "log1p(expm1)", &back, &x);
        let cosh = call(&mut high, Function::Cosh, &x);
        let (log, direct) = (call(&mut high, Function::Log, &cosh), call(&mut high, Function::LogCosh, &x));
        check(&mut high, "log_cosh", &direct, &log);
    }
}
