//! The same bits wherever an element stands, and at each level as far as promised.

use kobai_cpu::vector::{self, Float, Level};

use super::functions::*;

/// The bits, every NaN being the same.
fn bits<T: Float>(value: T) -> u64 {
    if value.to_f64().is_nan() { f64::NAN.to_bits() } else { value.to_f64().to_bits() }
}

fn assert_same_bits_everywhere<T: Float>() {
    for function in FUNCTIONS {
        let mut random = Random(17);
        let narrow = size_of::<T>() == 4;
        let inputs: Vec<T> = (0..2500).map(|_| T::from_f64(random.input(narrow))).collect();
        let ones: Vec<u64> = inputs.iter().map(|&x| bits(function.one(x))).collect();
        for (start, end) in (0..70).map(|i| (i, 2500 - 3 * i)).chain((0..70).map(|i| (i, 2 * i))) {
            let mut in_place = inputs[start..end].to_vec();
            let mut output = in_place.clone();
            function.apply_to(&in_place, &mut output);
            function.apply(&mut in_place);
            for (i, (&a, &b)) in in_place.iter().zip(&output).enumerate() {
                let x = inputs[start + i].to_f64();
                assert!(bits(a) == ones[start + i] && bits(b) == ones[start + i], "{function:?}({x:e}), place {i}");
            }
        }
    }
}

#[test]
fn bits_do_not_depend_on_the_place() {
    at_each_level(|_| {
        assert_same_bits_everywhere::<f64>();
        assert_same_bits_everywhere::<f32>();
    });
}

/// The bits of fixed inputs' functions and reductions: those that AVX-512 computes in its own way, the other functions,
/// and sums, dot products and maxima.
fn all_bits<T: Float>() -> [Vec<u64>; 3] {
    let [mut own, mut functions, mut reductions] = [const { Vec::new() }; 3];
    for function in FUNCTIONS {
        let mut values: Vec<T> = Random(19).inputs(function, 3000);
        function.apply(&mut values);
        let bits = values.iter().map(|&value| bits(value));
        if matches!(function, Exp | Log | Log2 | Log10 | Log1p | Sigmoid | Softplus | Tanh) {
            own.extend(bits)
        } else {
            functions.extend(bits)
        }
    }
    let mut random = Random(23);
    let values: Vec<T> = (0..3000).map(|_| T::from_f64(random.unit() * 20.0 - 15.0)).collect();
    for length in (0..200).chain([1023, 1024, 1025, 2999]) {
        let values = &values[..length];
        own.push(bits(vector::sum_exp(values, T::ONE)));
        reductions.push(bits(vector::sum(values)));
        reductions.push(bits(vector::max(values)));
        reductions.push(bits(vector::dot(values, values)));
    }
    [own, functions, reductions]
}

#[test]
fn levels_agree() {
    let mut seen = Vec::new();
    at_each_level(|level| seen.push((level, all_bits::<f64>(), all_bits::<f32>())));
    for pair in seen.windows(2) {
        let ((_, wide, wide_f32), (level, narrow, narrow_f32)) = (&pair[0], &pair[1]);
        let agree = |kind: usize| wide[kind] == narrow[kind] && wide_f32[kind] == narrow_f32[kind];
        assert!(agree(2), "reductions differ at {level:?}");
        assert!(agree(1) || *level == Level::Portable, "functions differ at {level:?}");
    }
}

/// σ and softplus at x and −x, any of them together, are what they are apart.
#[test]
fn logistic_functions_are_what_they_are_apart() {
    fn check<T: Float>(level: Level) {
        let special = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 0.0, -0.0, 1e4, -1e4, 1e-40].map(T::from_f64);
        let mut values: Vec<T> = special.into_iter().chain(Random(29).inputs(Softplus, 2984)).collect();
        values.extend(special);
        let negative: Vec<T> = values.iter().map(|&value| -value).collect();
        let apart = [(Sigmoid, &values), (Sigmoid, &negative), (Softplus, &values), (Softplus, &negative)];
        for length in [0, 1, 15, 16, 17, 63, 65, 1000, 3000] {
            let apart = apart.map(|(function, values)| {
                let mut values = values[..length].to_vec();
                function.apply(&mut values);
                values
            });
            for wanted in 0..16 {
                let is_wanted = |function: usize| wanted >> function & 1 == 1;
                let mut together = [(); 4].map(|()| vec![T::ZERO; length]);
                let mut function = 0..4;
                let outputs = together
                    .each_mut()
                    .map(|output| function.next().filter(|&function| is_wanted(function)).map(|_| &mut output[..]));
                vector::logistic_to(&values[..length], outputs);
                for function in (0..4).filter(|&function| is_wanted(function)) {
                    let mut both = together[function].iter().zip(&apart[function]);
                    assert!(
                        both.all(|(&a, &b)| bits(a) == bits(b)),
                        "function {function} of {length} with {wanted:04b} wanted at {level:?}"
                    );
                }
            }
        }
    }
    at_each_level(|level| {
        check::<f64>(level);
        check::<f32>(level);
    });
}
