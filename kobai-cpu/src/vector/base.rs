//! Bases of logarithms.
//!
//! What the kernel needs of a base b, above all 1/ln b and log_b 2, is worked out once, in pairs of doubles (Dekker 1971):
//! a number and what its rounding lost, about 105 bits.

use super::float::{Float, fast_two_sum, two_sum};
use super::tables::{LN_2, LOGARITHMS, MOST_LOG_TERMS, Tables};

/// A number as the sum of two doubles, the second below half a unit in the first one's last place.
type Pair = (f64, f64);

/// A base of logarithms, ready for use: any number above 0 but 1. For other numbers every logarithm is NaN.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LogBase {
    /// 1/ln b.
    pub(super) reciprocal: Pair,
    pub(super) double: Prepared<f64>,
    pub(super) single: Prepared<f32>,
}

/// What AVX-512's kernel of a type needs of a base b.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(not(target_arch = "x86_64"), allow(dead_code))]
pub struct Prepared<T> {
    /// 1/ln b, rounded.
    pub(super) factor: T,
    /// log_b 2, as a number whose product with an exponent is exact, on the grid of `high` too, and what is left.
    pub(super) two: (T, T),
    /// log_b of 1/c for each c of the table of reciprocals, and log_b 2 more where the significands are below 1, on the
    /// grid of `two.0`.
    pub(super) high: [T; 16],
    /// What is left.
    pub(super) low: [T; 16],
    /// (log_b(1 + r) − r·factor)/r, highest power first, after zeros.
    pub(super) polynomial: [T; MOST_LOG_TERMS + 1],
    /// log_b ∞.
    pub(super) infinity: T,
}

macro_rules! prepare {
    ($name:ident, $float:ident) => {
        /// What the kernel of the type needs of the base with this 1/ln b.
        const fn $name(reciprocal: Pair) -> Prepared<$float> {
            let factor = reciprocal.0 as $float;
            let two = product(LN_2, reciprocal);
            // Adding and subtracting it rounds a double to a multiple of the last of as many bits of log_b 2 as leave
            // room for an exponent.
            let bits = $float::MANTISSA_DIGITS - $float::EXPONENT_BITS;
            let leading = f64::from_bits(two.0.to_bits() & f64::INFINITY.to_bits());
            let rounder = leading * 1.5 * (1u64 << (53 - bits)) as f64;
            let two_high = (two.0 + rounder) - rounder;
            let two_low = (two.0 - two_high) + two.1;
            let (mut high, mut low) = ([0.0; 16], [0.0; 16]);
            let mut entry = 0;
            while entry < 16 {
                let value = product(LOGARITHMS[entry], reciprocal);
                let rounded = (value.0 + rounder) - rounder;
                let more = if entry < 8 { (0.0, 0.0) } else { (two_high, two_low) };
                high[entry] = (rounded + more.0) as $float;
                low[entry] = ((value.0 - rounded) + value.1 + more.1) as $float;
                entry += 1;
            }
            let mut polynomial = [0.0; MOST_LOG_TERMS + 1];
            let mut term = 0;
            while term < MOST_LOG_TERMS {
                polynomial[term] = ($float::LOG_TABLE_POLYNOMIAL[term] * reciprocal.0) as $float;
                term += 1;
            }
            polynomial[MOST_LOG_TERMS] = ((reciprocal.0 - factor as f64) + reciprocal.1) as $float;
            Prepared {
                factor,
                two: (two_high as $float, two_low as $float),
                high,
                low,
                polynomial,
                infinity: $float::INFINITY * factor,
            }
        }
    };
}

prepare!(prepare_double, f64);
prepare!(prepare_single, f32);

impl LogBase {
    /// The base of the natural logarithm.
    pub const E: LogBase = LogBase::from_reciprocal((1.0, 0.0));
    /// The base 2.
    pub const TWO: LogBase = LogBase::from_reciprocal((std::f64::consts::LOG2_E, 2.0355273740931033e-17));
    /// The base 10.
    pub const TEN: LogBase = LogBase::from_reciprocal((std::f64::consts::LOG10_E, 1.098319650216765e-17));

    /// The base of the given value.
    pub fn new(base: f64) -> LogBase {
        if !(base > 0.0 && base < f64::INFINITY) {
            return LogBase::from_reciprocal((f64::NAN, 0.0));
        }
        LogBase::from_reciprocal(quotient((1.0, 0.0), logarithm(base)))
    }

    const fn from_reciprocal(reciprocal: Pair) -> LogBase {
        LogBase { reciprocal, double: prepare_double(reciprocal), single: prepare_single(reciprocal) }
    }
}

/// ln x for x positive and finite: k·ln 2 + 2 artanh((m − 1)/(m + 1)), for x = 2ᵏ·m with √½ ≤ m < √2.
fn logarithm(x: f64) -> Pair {
    let (k, m) = x.split();
    let s = quotient((m - 1.0, 0.0), two_sum(m, 1.0));
    let square = product(s, s);
    // s² < 2^−5: what is left out is below 2^−115.
    let series = (0..=22).rev().fold((0.0, 0.0), |series, i| {
        let term = quotient((1.0, 0.0), (f64::from(2 * i + 1), 0.0));
        sum(term, product(square, series))
    });
    sum(product((k, 0.0), LN_2), product((2.0 * s.0, 2.0 * s.1), series))
}

/// a + b, a small multiple of 2^−105 relative to the larger away.
fn sum(a: Pair, b: Pair) -> Pair {
    let (high, low) = two_sum(a.0, b.0);
    fast_two_sum(high, low + (a.1 + b.1))
}

/// a/b.
fn quotient(a: Pair, b: Pair) -> Pair {
    let first = a.0 / b.0;
    let times = product((first, 0.0), b);
    let rest = ((a.0 - times.0) - times.1) + a.1;
    fast_two_sum(first, rest / b.0)
}

/// a·b.
const fn product(a: Pair, b: Pair) -> Pair {
    let (high, low) = exact_product(a.0, b.0);
    let low = low + (a.0 * b.1 + a.1 * b.0);
    let rounded = high + low;
    (rounded, low - (rounded - high))
}

/// a·b, exactly, by Veltkamp's and Dekker's halves: a constant is to be worked out without fused operations.
const fn exact_product(a: f64, b: f64) -> Pair {
    const SPLITTER: f64 = f64::SPLITTER;
    let (a_high, b_high) = (a * SPLITTER - (a * SPLITTER - a), b * SPLITTER - (b * SPLITTER - b));
    let (a_low, b_low) = (a - a_high, b - b_high);
    let high = a * b;
    (high, ((a_high * b_high - high) + a_high * b_low + a_low * b_high) + a_low * b_low)
}
