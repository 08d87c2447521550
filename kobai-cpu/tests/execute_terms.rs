//! Products and sums of several values, which one pass works out, against the interpreter and against exact values.

mod execute_support;

use execute_support::Case;
use kobai::expr::Expr;
use kobai_cpu::vector::Level;

/// Does it with the instructions of every level that there is.
fn at_every_level(test: impl Fn()) {
    let best = Level::current();
    for level in [Level::Portable, Level::Avx2, Level::Avx512] {
        if level.force() {
            test();
        }
    }
    assert!(best.force(), "the level that was in use");
}

/// Numbers of every kind, with these as the smallest and the largest finite ones.
fn kinds(smallest: f64, largest: f64) -> [f64; 10] {
    [0.0, 1.5, f64::INFINITY, -0.7, f64::NEG_INFINITY, smallest, -0.0, largest, 0.1, f64::NAN]
}

/// Ten numbers, of which any four come together at some of 10,000 places.
fn fours(values: [f64; 10], position: u32) -> Vec<f64> {
    (0..10_000_usize).map(|place| values[place / 10_usize.pow(position) % 10]).collect()
}

/// Both NaN, or apart by no more than a few units in the last place.
fn are_close(found: f64, expected: f64) -> bool {
    let difference = (found - expected).abs();
    found == expected || found.is_nan() && expected.is_nan() || difference <= 4.0 * f64::EPSILON * expected.abs()
}

/// aᵢ bᵢ + cᵢ dᵢ, aᵢ bᵢ − cᵢ dᵢ and −aᵢ bᵢ − cᵢ dᵢ are what the products are one by one, to the last bit: a factor of 0 removes the
/// other, whatever it is.
#[test]
fn two_products_in_a_sum() {
    let values = kinds(1e-300, 1e300);
    for name in ["sum", "difference", "negative"] {
        let mut case = Case::default();
        let n = case.axis("N", 10_000);
        let i = case.index("i", n);
        let factors = ["a", "b", "c", "d"].into_iter().zip(0..).map(|(name, position)| {
            let factor = case.given(name, &[n], fours(values, position), false);
            case.context.entry_at(factor, &[i])
        });
        let factors: Vec<_> = factors.collect();
        let (first, second) = (case.context.mul(factors[..2].to_vec()), case.context.mul(factors[2..].to_vec()));
        let minus_first = case.context.negate(first);
        let value = match name {
            "sum" => case.context.add(vec![first, second]),
            "difference" => case.context.subtract(first, second),
            _ => case.context.subtract(minus_first, second),
        };
        case.output("value", &[i], value);
        let (found, expected) = (&case.run(None).expect("a result")["value"], &case.expected()["value"]);
        for (place, (found, expected)) in found.iter().zip(expected).enumerate() {
            let same = found == expected || found.is_nan() && expected.is_nan();
            assert!(same, "{name}, {place}: {found:e}, not {expected:e}");
        }
    }
}

/// tᵢ x_{a i} + uᵢ vᵢ at t = 0, where x has no row a: a factor of 0 removes what is not there, in a sum of two products too.
#[test]
fn a_product_with_an_entry_that_is_not_there() {
    for rows in [0, 2] {
        let mut case = Case::default();
        let (m, n) = (case.axis("M", rows), case.axis("N", 1100));
        let i = case.index("i", n);
        let (x, u, v) = (case.numbers("x", &[m, n]), case.numbers("u", &[n]), case.numbers("v", &[n]));
        let t = case.given("t", &[n], vec![0.0; 1100], false);
        let a = case.given("a", &[], vec![5.0], true);
        let (a, i_place) = (case.context.entry_at(a, &[]), case.context.index(i));
        let x_ai = case.context.entry(x, vec![a, i_place]);
        let [t_i, u_i, v_i] = [t, u, v].map(|symbol| case.context.entry_at(symbol, &[i]));
        let products = [(t_i, x_ai), (u_i, v_i)].map(|(one, other)| case.context.mul(vec![one, other]));
        let sum = case.context.add(products.to_vec());
        case.output("value", &[i], sum);
        let product = case.context.mul(vec![u_i, v_i]);
        case.output("expected", &[i], product);
        let found = case.run(None).expect("no entry is wanted that is not there");
        assert_eq!(found["value"], found["expected"], "{rows} rows");
    }
}

/// u aᵢ bᵢ cᵢ dᵢ and shorter products, with what is the same everywhere and without: a factor of 0 removes the others, whatever
/// they are.
#[test]
fn products_of_several() {
    let values = kinds(1e-70, 1e70);
    at_every_level(|| {
        for (count, shared) in [(3, None), (4, None), (2, Some(2.5)), (3, Some(-0.5)), (4, Some(0.0)), (4, Some(3.0))] {
            let mut case = Case::default();
            let n = case.axis("N", 10_000);
            let i = case.index("i", n);
            let mut factors: Vec<Expr> = Vec::new();
            if let Some(shared) = shared {
                let u = case.given("u", &[], vec![shared], false);
                factors.push(case.context.entry_at(u, &[]));
            }
            for (name, position) in ["a", "b", "c", "d"].into_iter().zip(0..count) {
                let factor = case.given(name, &[n], fours(values, position), false);
                factors.push(case.context.entry_at(factor, &[i]));
            }
            let product = case.context.mul(factors);
            case.output("value", &[i], product);
            let found = &case.run(None).expect("a result")["value"];
            for (place, &found) in found.iter().enumerate() {
                let own = (0..count).map(|position| values[place / 10_usize.pow(position) % 10]);
                let all: Vec<f64> = shared.into_iter().chain(own).collect();
                let expected = if all.contains(&0.0) { 0.0 } else { all.iter().product() };
                assert!(are_close(found, expected), "{all:?}: {found:e}, not {expected:e}");
            }
        }
    });
}

/// v (aᵢ/N) bᵢ ± (cᵢ/N) dᵢ: a factor that all lanes share is in the same pass.
#[test]
fn two_products_with_a_shared_factor() {
    let values = kinds(1e-70, 1e70);
    at_every_level(|| {
        for (shared, sign) in [(0.25, 1.0), (0.25, -1.0), (0.0, 1.0), (f64::INFINITY, -1.0)] {
            let mut case = Case::default();
            let n = case.axis("N", 10_000);
            let i = case.index("i", n);
            let u = case.given("u", &[], vec![shared], false);
            let u = case.context.entry_at(u, &[]);
            let factors = ["a", "b", "c", "d"].into_iter().zip(0..).map(|(name, position)| {
                let factor = case.given(name, &[n], fours(values, position), false);
                case.context.entry_at(factor, &[i])
            });
            let factors: Vec<_> = factors.collect();
            let first = case.context.mul(vec![u, factors[0], factors[1]]);
            let second = case.context.mul(vec![u, factors[2], factors[3]]);
            let value = match sign {
                1.0 => case.context.add(vec![first, second]),
                _ => case.context.subtract(first, second),
            };
            case.output("value", &[i], value);
            let found = &case.run(None).expect("a result")["value"];
            for (place, &found) in found.iter().enumerate() {
                let [a, b, c, d] = [0, 1, 2, 3].map(|position| values[place / 10_usize.pow(position) % 10]);
                let product = |one: f64, other: f64| {
                    if [shared, one, other].contains(&0.0) { 0.0 } else { shared * one * other }
                };
                let expected = product(a, b) + sign * product(c, d);
                assert!(are_close(found, expected), "{shared} {a} {b} {c} {d}: {found:e}, not {expected:e}");
            }
        }
    });
}

/// aᵢ ± bᵢ ± cᵢ (± dᵢ), where the largest terms cancel each other: what rounding takes from each addition comes back.
#[test]
fn sums_that_cancel() {
    // Small integers times powers of two, so that the exact sums are known.
    let large = [0.0, 1.0, -3.0, 5.0, -7.0].map(|value| value * 2.0_f64.powi(60));
    let small = [1.0, -2.0, 3.0, 0.5, -11.0, 0.0, 1024.0];
    at_every_level(|| {
        for signs in [[1.0, 1.0, 1.0, 1.0], [1.0, -1.0, 1.0, -1.0], [1.0, 1.0, -1.0, 0.0], [1.0, -1.0, -1.0, 0.0]] {
            let mut case = Case::default();
            let n = case.axis("N", 1300);
            let i = case.index("i", n);
            // Beside a large term, which the third takes away again, nothing is left of the second.
            let terms: Vec<[f64; 4]> = (0..1300)
                .map(|place| {
                    let one = large[place % 5];
                    let [b, c, d] = [place / 5 % 7, place / 35 % 7, place / 245 % 7].map(|place| small[place]);
                    [one, b, -signs[2] * (one + 4096.0 * c), d]
                })
                .collect();
            let count = if signs[3] == 0.0 { 3 } else { 4 };
            let symbols = ["a", "b", "c", "d"].into_iter().zip(0..count).map(|(name, position)| {
                let entries = terms.iter().map(|terms| terms[position]).collect();
                let term = case.given(name, &[n], entries, false);
                let term = case.context.entry_at(term, &[i]);
                if signs[position] < 0.0 { case.context.negate(term) } else { term }
            });
            let symbols: Vec<_> = symbols.collect();
            let sum = case.context.add(symbols);
            case.output("value", &[i], sum);
            let found = &case.run(None).expect("a result")["value"];
            for (&found, terms) in found.iter().zip(&terms) {
                // In integers, and halves of them: exact.
                let exact: i128 = terms.iter().zip(signs).map(|(term, sign)| (2.0 * term * sign) as i128).sum();
                assert_eq!(found, exact as f64 / 2.0, "{terms:?}");
            }
        }
    });
}

/// u − v + aᵢ − bᵢ, where lanes share u, v and what rounding takes from their difference.
#[test]
fn sums_with_shared_terms() {
    let large = 2.0_f64.powi(60);
    at_every_level(|| {
        for (u, v) in [(large, 1.0), (-3.0 * large, 5.0), (large, -7.0), (2.0, 1.0)] {
            let mut case = Case::default();
            let n = case.axis("N", 1300);
            let i = case.index("i", n);
            let a: Vec<f64> = (0..1300).map(|place| -u + 4096.0 * (place % 7) as f64).collect();
            let b: Vec<f64> = (0..1300).map(|place| (place / 7 % 5) as f64 - 2.0).collect();
            let scalars = [("u", u), ("v", v)].map(|(name, value)| {
                let symbol = case.given(name, &[], vec![value], false);
                case.context.entry_at(symbol, &[])
            });
            let entries = [("a", a.clone()), ("b", b.clone())].map(|(name, values)| {
                let symbol = case.given(name, &[n], values, false);
                case.context.entry_at(symbol, &[i])
            });
            let [minus_v, minus_b] = [scalars[1], entries[1]].map(|term| case.context.negate(term));
            let sum = case.context.add(vec![scalars[0], minus_v, entries[0], minus_b]);
            case.output("value", &[i], sum);
            let found = &case.run(None).expect("a result")["value"];
            for ((&found, a), b) in found.iter().zip(a).zip(b) {
                // Integers.
                let exact = u as i128 - v as i128 + a as i128 - b as i128;
                assert_eq!(found, exact as f64, "{u} {v} {a} {b}");
            }
        }
    });
}

/// A term that is infinite, or no number, among three and four.
#[test]
fn sums_with_infinities() {
    let values = kinds(1e-300, 1e300);
    for count in [3, 4] {
        let mut case = Case::default();
        let n = case.axis("N", 10_000);
        let i = case.index("i", n);
        let terms = ["a", "b", "c", "d"].into_iter().zip(0..count).map(|(name, position)| {
            let term = case.given(name, &[n], fours(values, position), false);
            case.context.entry_at(term, &[i])
        });
        let terms: Vec<_> = terms.collect();
        let sum = case.context.add(terms);
        case.output("value", &[i], sum);
        let (found, expected) = (&case.run(None).expect("a result")["value"], &case.expected()["value"]);
        for (place, (&found, &expected)) in found.iter().zip(expected).enumerate() {
            assert!(are_close(found, expected), "{count} terms, {place}: {found:e}, not {expected:e}");
        }
    }
}
