//! Evaluation to as many bits as asked for: the oracle that doubles and compiled programs are judged by.
//!
//! Elementary functions are `astro-float`'s. This module chooses forms without cancellation and works with guard bits,
//! so that a result is correct to the last bit or two of the precision. Its exponents reach from 2^−2147483648 to
//! 2^2147483647: e^−2000 is a number here, and so is e^−1000000.

use std::cmp::Ordering;

use astro_float::{BigFloat, Consts, INF_NEG, INF_POS, NAN, Radix, RoundingMode, Sign, WORD_BIT_SIZE, Word};
use num_bigint::{BigInt, Sign as IntegerSign};
use num_rational::BigRational;
use num_traits::{One, Signed, ToPrimitive};

use super::arithmetic::{Arithmetic, nearest_double};
use crate::function::Function;

/// Bits that intermediate results carry beyond the precision asked for.
pub(super) const GUARD: usize = 64;

/// Angles beyond 2^LARGEST_ANGLE have no sine here: reducing one takes as many digits of π.
const LARGEST_ANGLE: i32 = 1 << 16;

/// Intermediate results are cut, not rounded: their guard bits make up for it.
pub(super) const CUT: RoundingMode = RoundingMode::None;

/// Arithmetic with a chosen number of bits. It keeps the constants and Bernoulli numbers that it has worked out, so
/// use one for many evaluations.
#[derive(Debug)]
pub struct High {
    pub(super) precision: usize,
    pub(super) constants: Consts,
    pub(super) bernoulli: Vec<BigRational>,
    /// The state of the disturbance of last bits; `None` where results are rounded correctly.
    noise: Option<u64>,
    overflowed: bool,
    underflowed: bool,
}

/// How many of the last bits are random where results are disturbed.
const NOISE_BITS: u32 = 20;

/// Numbers beyond 10^LARGEST_POWER_OF_TEN are infinite here, and their reciprocals 0.
pub const LARGEST_POWER_OF_TEN: u64 = 646_456_992;

impl High {
    /// Arithmetic with this many bits, rounded up to whole machine words, from 64 to 2^20.
    pub fn new(precision: usize) -> High {
        High {
            precision: precision.clamp(64, 1 << 20).next_multiple_of(WORD_BIT_SIZE),
            constants: Consts::new().expect("memory for the table of constants"),
            bernoulli: Vec::new(),
            noise: None,
            overflowed: false,
            underflowed: false,
        }
    }

    /// Arithmetic in which the last 20 bits of every inexact result are random, and those of exact results are not.
    /// What two such evaluations have in common is what rounding has left of the truth: digits lost by cancellation
    /// differ, also where all are lost, while a 0 that is exact stays 0 (Vignes, "Discrete stochastic arithmetic",
    /// 2004).
    pub fn disturbed(precision: usize, seed: u64) -> High {
        High { noise: Some(seed | 1), ..High::new(precision) }
    }

    /// True if some finite operands had a result beyond 10^[`LARGEST_POWER_OF_TEN`], which then counts as infinite.
    pub fn has_overflowed(&self) -> bool {
        self.overflowed
    }

    /// True if some result that is not 0 was too small to be a number, and counts as 0.
    pub fn has_underflowed(&self) -> bool {
        self.underflowed
    }

    /// How many bits its numbers have.
    pub fn precision(&self) -> usize {
        self.precision
    }

    /// The number nearest to a decimal such as `-1.25e-869`, `inf` or `nan`; NaN for any other text.
    pub fn from_decimal(&mut self, text: &str) -> BigFloat {
        let text = text.trim();
        // The library reads a number and ignores what follows it, so the form is checked first.
        if text.parse::<f64>().is_err() {
            return NAN;
        }
        let value = BigFloat::parse(text, Radix::Dec, self.precision, RoundingMode::ToEven, &mut self.constants);
        self.rounded(value)
    }

    /// The number in scientific form with at most so many significant digits (at least one), without trailing zeros:
    /// `1.23e-45`; `inf`, `-inf` and `NaN`. Digits beyond the number's own precision are not invented.
    pub fn to_decimal(&mut self, value: &BigFloat, digits: usize) -> String {
        if value.is_nan() {
            return "NaN".into();
        }
        let sign = if value.is_negative() { "-" } else { "" };
        if value.is_inf() {
            return format!("{sign}inf");
        }
        let Ok((_, mut decimal, exponent)) =
            value.convert_to_radix(Radix::Dec, RoundingMode::ToEven, &mut self.constants)
        else {
            return "NaN".into();
        };
        let leading_zeros = decimal.iter().take_while(|digit| **digit == 0).count();
        decimal.drain(..leading_zeros);
        if decimal.is_empty() {
            return "0".into();
        }
        let mut exponent = i64::from(exponent) - 1 - leading_zeros as i64;
        if round_digits(&mut decimal, digits.max(1)) {
            exponent += 1;
        }
        let mut text: String = decimal.iter().map(|digit| char::from(b'0' + digit)).collect();
        if text.len() > 1 {
            text.insert(1, '.');
        }
        format!("{sign}{text}e{exponent}")
    }

    /// |a − b| / max(|b|, floor): the relative error of a, with a floor below which the error counts as absolute, such
    /// as `1e-300`. Equal numbers (also infinities) have error 0; with NaN the error is NaN.
    pub fn relative_error(&mut self, a: &BigFloat, b: &BigFloat, floor: &str) -> f64 {
        if a.cmp(b) == Some(0) {
            return 0.0;
        }
        let floor = self.from_decimal(floor);
        let magnitude = b.abs();
        let scale = if magnitude.cmp(&floor) < Some(0) && !magnitude.is_nan() { floor } else { magnitude };
        let difference = a.sub(b, self.precision + GUARD, CUT).abs();
        if b.is_inf() {
            return if difference.is_nan() { f64::NAN } else { f64::INFINITY };
        }
        self.to_double(&difference.div(&scale, self.precision, CUT))
    }

    /// A result cut down to the precision, ties to even; with its last bits disturbed if that is wanted.
    pub(super) fn rounded(&mut self, mut value: BigFloat) -> BigFloat {
        // What comes in is worked out with guard bits, and from here on it counts as the number that it is.
        let mut inexact = value.inexact();
        value.set_inexact(false);
        if value.mantissa_max_bit_len() != Some(self.precision) {
            if let Err(error) = value.set_precision(self.precision, RoundingMode::ToEven) {
                return BigFloat::nan(Some(error));
            }
            inexact |= value.inexact();
            value.set_inexact(false);
        }
        if inexact { self.with_noise(value) } else { value }
    }

    fn with_noise(&mut self, value: BigFloat) -> BigFloat {
        let (Some(state), Some((words, bits, sign, exponent, _))) = (&mut self.noise, value.as_raw_parts()) else {
            return value;
        };
        // Marsaglia's xorshift: it need only differ from one evaluation to the next.
        *state ^= *state << 13;
        *state ^= *state >> 7;
        *state ^= *state << 17;
        let mut words = words.to_vec();
        if let Some(last) = words.first_mut() {
            *last ^= (*state >> (64 - NOISE_BITS)) as Word;
        }
        BigFloat::from_raw_parts(&words, bits, sign, exponent, false)
    }

    /// Notes where a result of finite operands has left the range of numbers.
    fn noting_range(&mut self, value: BigFloat) -> BigFloat {
        self.overflowed |= value.is_inf();
        self.underflowed |= value.is_zero();
        value
    }

    /// A whole number, in a word.
    pub(super) fn small(value: u32) -> BigFloat {
        BigFloat::from_u32(value, WORD_BIT_SIZE)
    }

    /// A fraction to so many bits.
    pub(super) fn fraction(value: &BigRational, bits: usize) -> BigFloat {
        integer(value.numer()).div(&integer(value.denom()), bits, RoundingMode::ToEven)
    }
}

/// Rounds decimal digits to at most `length`, half up, and drops trailing zeros; true if a carry made them 1.
fn round_digits(digits: &mut Vec<u8>, length: usize) -> bool {
    let up = digits.get(length).is_some_and(|digit| *digit >= 5);
    digits.truncate(length);
    if up {
        while digits.last() == Some(&9) {
            digits.pop();
        }
        match digits.last_mut() {
            Some(digit) => *digit += 1,
            None => {
                digits.push(1);
                return true;
            }
        }
    }
    while digits.len() > 1 && digits.last() == Some(&0) {
        digits.pop();
    }
    false
}

/// A whole number, exactly.
fn integer(value: &BigInt) -> BigFloat {
    let bits = value.bits();
    let Ok(exponent) = i32::try_from(bits) else {
        return if value.is_negative() { INF_NEG } else { INF_POS };
    };
    if bits == 0 {
        return BigFloat::from_word(0, WORD_BIT_SIZE);
    }
    // The leading bit goes to the top of the last word.
    let length = (bits as usize).next_multiple_of(WORD_BIT_SIZE);
    let (sign, bytes) = (value << (length - bits as usize)).to_bytes_le();
    let words: Vec<Word> = bytes
        .chunks(WORD_BIT_SIZE / 8)
        .map(|chunk| chunk.iter().rev().fold(0, |word, byte| (word << 8) | Word::from(*byte)))
        .collect();
    let sign = if sign == IntegerSign::Minus { Sign::Neg } else { Sign::Pos };
    BigFloat::from_words(&words, sign, exponent)
}

impl Arithmetic for High {
    type Value = BigFloat;

    fn rational(&mut self, value: &BigRational) -> BigFloat {
        self.rounded(High::fraction(value, self.precision))
    }

    fn double(&mut self, value: f64) -> BigFloat {
        if !value.is_subnormal() {
            return BigFloat::from_f64(value, self.precision);
        }
        // The library (astro-float-num 0.3.7) takes subnormal doubles for half of what they are.
        let mut scaled = BigFloat::from_f64(value * 2_f64.powi(64), self.precision);
        scaled.set_exponent(scaled.exponent().unwrap_or(0) - 64);
        scaled
    }

    fn pi(&mut self) -> BigFloat {
        let pi = self.constants.pi(self.precision, RoundingMode::ToEven);
        self.rounded(pi)
    }

    fn infinity(&mut self, negative: bool) -> BigFloat {
        if negative { INF_NEG } else { INF_POS }
    }

    fn add(&mut self, a: &BigFloat, b: &BigFloat) -> BigFloat {
        self.rounded(a.add(b, self.precision, RoundingMode::ToEven))
    }

    fn subtract(&mut self, a: &BigFloat, b: &BigFloat) -> BigFloat {
        self.rounded(a.sub(b, self.precision, RoundingMode::ToEven))
    }

    fn multiply(&mut self, a: &BigFloat, b: &BigFloat) -> BigFloat {
        if a.is_zero() || b.is_zero() {
            return High::small(0);
        }
        let product = self.rounded(a.mul(b, self.precision, RoundingMode::ToEven));
        if a.is_inf() || b.is_inf() { product } else { self.noting_range(product) }
    }

    fn divide(&mut self, a: &BigFloat, b: &BigFloat) -> BigFloat {
        let quotient = self.rounded(a.div(b, self.precision, RoundingMode::ToEven));
        let ordinary = !a.is_zero() && !a.is_inf() && !b.is_zero() && !b.is_inf();
        if ordinary { self.noting_range(quotient) } else { quotient }
    }

    fn power(&mut self, base: &BigFloat, exponent: &BigFloat) -> BigFloat {
        let value = self.power_of(base, exponent);
        let value = self.rounded(value);
        let ordinary = !base.is_zero() && !base.is_inf() && !exponent.is_inf();
        if ordinary { self.noting_range(value) } else { value }
    }

    fn power_rational(&mut self, base: &BigFloat, exponent: &BigRational) -> BigFloat {
        let (numerator, denominator) = (exponent.numer(), exponent.denom());
        let bits = self.precision + GUARD;
        if denominator.is_one() {
            return self.power(base, &integer(numerator));
        }
        if base.is_zero() || base.is_inf() || base.is_nan() || (base.is_negative() && !denominator.bit(0)) {
            return root_of_special(base, exponent);
        }
        let magnitude = base.abs();
        let mut value = match (numerator.to_i32(), denominator.to_i32()) {
            (Some(1), Some(2)) => magnitude.sqrt(bits, CUT),
            (Some(1), Some(3)) => magnitude.cbrt(bits, CUT),
            _ => {
                let bits = bits + numerator.bits() as usize + WORD_BIT_SIZE;
                self.positive_power(&magnitude, &High::fraction(exponent, bits))
            }
        };
        if base.is_negative() && numerator.bit(0) {
            value.inv_sign();
        }
        let value = self.rounded(value);
        self.noting_range(value)
    }

    fn call(&mut self, function: Function, arguments: &[BigFloat]) -> BigFloat {
        let value = match (function.row().arity, arguments) {
            _ if arguments.iter().any(BigFloat::is_nan) => NAN,
            (1, [x]) => self.unary(function, x),
            (2, [x, y]) => self.binary(function, x, y),
            _ => NAN,
        };
        let value = self.rounded(value);
        // Of all functions only these leave the range elsewhere than at a pole or a root.
        let may_leave = matches!(
            function,
            Function::Exp
                | Function::Expm1
                | Function::Sigmoid
                | Function::Softplus
                | Function::Sinh
                | Function::Cosh
                | Function::NormalCdf
                | Function::InverseMills
        );
        let at_root = arguments.iter().any(|argument| argument.is_zero() || argument.is_inf());
        if may_leave && !at_root { self.noting_range(value) } else { value }
    }

    fn compare(&self, a: &BigFloat, b: &BigFloat) -> Option<Ordering> {
        a.cmp(b).map(|sign| sign.cmp(&0))
    }

    fn is_zero(&self, value: &BigFloat) -> bool {
        value.is_zero()
    }

    fn to_double(&self, value: &BigFloat) -> f64 {
        let negative = value.is_negative();
        if value.is_inf() {
            return if negative { f64::NEG_INFINITY } else { f64::INFINITY };
        }
        let (Some(words), Some(exponent)) = (value.mantissa_digits(), value.exponent()) else {
            return f64::NAN;
        };
        if value.is_zero() {
            return 0.0;
        }
        let leading_words = 64 / WORD_BIT_SIZE;
        let split = words.len().saturating_sub(leading_words);
        let leading = (0..leading_words).fold(0_u128, |bits, place| {
            let word = words.len().checked_sub(place + 1).map_or(0, |index| words[index]);
            (bits << WORD_BIT_SIZE) | u128::from(word)
        }) as u64;
        // Numbers whose leading bit is not set are far below the doubles.
        let more = words[..split].iter().any(|word| *word != 0);
        nearest_double(negative, leading, more, i64::from(exponent))
    }
}

/// A fractional power of 0, an infinity, NaN, or of a negative number that has no real one.
fn root_of_special(base: &BigFloat, exponent: &BigRational) -> BigFloat {
    let real = !base.is_negative() || exponent.denom().bit(0) || base.is_zero();
    if base.is_nan() || !real {
        NAN
    } else if base.is_zero() != exponent.is_negative() {
        High::small(0)
    } else if base.is_negative() && exponent.numer().bit(0) && base.is_inf() {
        INF_NEG
    } else {
        INF_POS
    }
}

impl High {
    fn unary(&mut self, function: Function, x: &BigFloat) -> BigFloat {
        let bits = self.precision + GUARD;
        match function {
            Function::Exp => self.exp(x, bits),
            Function::Log => self.log(x, bits),
            Function::Log1p => self.log1p(x, bits),
            Function::Expm1 => self.expm1(x, bits),
            Function::Log1mexp => self.log1mexp(x, bits),
            Function::Sigmoid => self.sigmoid(x, bits),
            Function::Softplus => self.softplus(x, bits),
            Function::Tanh => self.tanh(x, bits),
            Function::Sinh => x.sinh(bits, CUT, &mut self.constants),
            Function::Cosh => x.cosh(bits, CUT, &mut self.constants),
            Function::LogCosh => self.log_cosh(x, bits),
            Function::Sin | Function::Cos | Function::Tan if x.exponent() > Some(LARGEST_ANGLE) => NAN,
            Function::Sin => x.sin(bits, CUT, &mut self.constants),
            Function::Cos => x.cos(bits, CUT, &mut self.constants),
            Function::Tan => x.tan(bits, CUT, &mut self.constants),
            Function::Arcsin => x.asin(bits, CUT, &mut self.constants),
            Function::Arccos => x.acos(bits, CUT, &mut self.constants),
            Function::Arctan => x.atan(bits, CUT, &mut self.constants),
            Function::Abs => x.abs(),
            Function::Sign if x.is_zero() => High::small(0),
            Function::Sign => x.signum(),
            Function::Relu if !x.is_positive() || x.is_zero() => High::small(0),
            Function::Relu | Function::StopGradient => x.clone(),
            Function::Erf => self.erf(x, bits),
            Function::NormalCdf => self.normal_cdf(x, bits),
            Function::LogNormalCdf => self.log_normal_cdf(x, bits),
            Function::InverseMills => self.inverse_mills(x, bits),
            Function::LogGamma => self.log_gamma(x),
            Function::Digamma => self.digamma(x),
            Function::Trigamma => self.trigamma(x, bits),
            Function::LogBase | Function::Max | Function::Min => NAN,
        }
    }

    fn binary(&mut self, function: Function, x: &BigFloat, y: &BigFloat) -> BigFloat {
        match function {
            Function::LogBase => self.log_base(x, y),
            Function::Max if y.cmp(x) > Some(0) => y.clone(),
            Function::Min if y.cmp(x) < Some(0) => y.clone(),
            Function::Max | Function::Min => x.clone(),
            _ => NAN,
        }
    }
}
