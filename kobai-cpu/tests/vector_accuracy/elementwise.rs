//! Plain arithmetic over operands.

use kobai_cpu::vector::{Float, Operand, binary, select, unary};

use super::functions::*;

/// Operands of `length` numbers, zeros, infinities and NaN among them; a slice and one number.
fn operands<T: Float>(values: &[T], length: usize) -> [Operand<'_, T>; 2] {
    [Operand::Each(&values[..length]), Operand::Same(values[length])]
}

fn at<T: Float>(operand: Operand<T>, i: usize) -> T {
    match operand {
        Operand::Same(value) => value,
        Operand::Each(values) => values[i],
    }
}

fn assert_same<T: Float>(out: &[T], expected: impl Fn(usize) -> T) {
    for (i, value) in out.iter().enumerate() {
        let (value, expected) = (value.to_f64(), expected(i).to_f64());
        let same = value.to_bits() == expected.to_bits() || (value.is_nan() && expected.is_nan());
        assert!(same, "place {i} of {}: {value:e}, not {expected:e}", out.len());
    }
}

fn assert_operations_are_those_of_numbers<T: Float>() {
    let mut random = Random(31);
    let mut values = || -> Vec<T> {
        let special = [0.0, -0.0, f64::INFINITY, f64::NEG_INFINITY, f64::NAN, 1.0];
        (0..700)
            .map(|i| if i % 3 == 0 { special[random.next() as usize % 6] } else { random.input(true) })
            .map(T::from_f64)
            .collect()
    };
    let (a, b, c) = (values(), values(), values());
    for length in (0..40).chain([511, 512, 699]) {
        let mut out = vec![T::ONE; length];
        for a in operands(&a, length) {
            unary(&mut out, a, |a| T::ONE / a.square_root());
            assert_same(&out, |i| T::ONE / at(a, i).square_root());
            for b in operands(&b, length) {
                let operations: [fn(T, T) -> T; 5] = [
                    |a, b| a + b,
                    |a, b| a - b,
                    |a, b| a / b,
                    |a, b| if a == T::ZERO || b == T::ZERO { T::ZERO } else { a * b },
                    |a, b| if a < b { T::ONE } else { T::ZERO },
                ];
                for operation in operations {
                    binary(&mut out, a, b, operation);
                    assert_same(&out, |i| operation(at(a, i), at(b, i)));
                }
                for c in operands(&c, length) {
                    select(&mut out, a, b, c);
                    assert_same(&out, |i| if at(a, i) != T::ZERO { at(b, i) } else { at(c, i) });
                }
            }
        }
    }
}

#[test]
fn operations_on_operands_are_those_of_numbers() {
    at_each_level(|_| {
        assert_operations_are_those_of_numbers::<f64>();
        assert_operations_are_those_of_numbers::<f32>();
    });
}
