//! Elementary functions in high precision: the forms that lose no digits.
//!
//! Each takes the number of bits to work with and returns a result whose last few of them may be wrong.

use astro_float::{BigFloat, INF_NEG, INF_POS, NAN};

use super::high::{CUT, GUARD, High};

impl High {
    /// e^x; 0 and ∞ beyond the range of exponents.
    pub(super) fn exp(&mut self, x: &BigFloat, bits: usize) -> BigFloat {
        x.exp(bits, CUT, &mut self.constants)
    }

    /// log x; −∞ at 0, NaN below.
    pub(super) fn log(&mut self, x: &BigFloat, bits: usize) -> BigFloat {
        x.ln(bits, CUT, &mut self.constants)
    }

    /// log(1 + x) = 2 artanh(x / (2 + x)) near 0.
    pub(super) fn log1p(&mut self, x: &BigFloat, bits: usize) -> BigFloat {
        if x.is_zero() {
            return x.clone();
        }
        if x.exponent() >= Some(0) || x.is_inf() {
            let sum = x.add(&High::small(1), bits, CUT);
            return self.log(&sum, bits);
        }
        let ratio = x.div(&x.add(&High::small(2), bits, CUT), bits, CUT);
        let half = ratio.atanh(bits, CUT, &mut self.constants);
        half.mul(&High::small(2), bits, CUT)
    }

    /// e^x − 1 = 2 e^(x/2) sinh(x/2) near 0.
    pub(super) fn expm1(&mut self, x: &BigFloat, bits: usize) -> BigFloat {
        if x.is_zero() {
            return x.clone();
        }
        if x.exponent() > Some(1) || x.is_inf() {
            return self.exp(x, bits).sub(&High::small(1), bits, CUT);
        }
        let half = x.div(&High::small(2), bits, CUT);
        let sinh = half.sinh(bits, CUT, &mut self.constants);
        let product = self.exp(&half, bits).mul(&sinh, bits, CUT);
        product.mul(&High::small(2), bits, CUT)
    }

    /// log(1 − e^x) for x < 0, −∞ at 0. The two forms meet at −1/2, on either side of which none cancels.
    pub(super) fn log1mexp(&mut self, x: &BigFloat, bits: usize) -> BigFloat {
        if x.exponent() < Some(0) && !x.is_inf() {
            let complement = self.expm1(x, bits).neg();
            return self.log(&complement, bits);
        }
        let exp = self.exp(x, bits).neg();
        self.log1p(&exp, bits)
    }

    /// 1 / (1 + e^−x) through e^−|x|.
    pub(super) fn sigmoid(&mut self, x: &BigFloat, bits: usize) -> BigFloat {
        let small = self.exp(&x.abs().neg(), bits);
        let one = High::small(1);
        let numerator = if x.is_negative() { &small } else { &one };
        numerator.div(&small.add(&one, bits, CUT), bits, CUT)
    }

    /// log(1 + e^x) = max(x, 0) + log1p(e^−|x|).
    pub(super) fn softplus(&mut self, x: &BigFloat, bits: usize) -> BigFloat {
        let small = self.exp(&x.abs().neg(), bits);
        let rest = self.log1p(&small, bits);
        if x.is_negative() { rest } else { x.add(&rest, bits, CUT) }
    }

    /// tanh x = sinh x / cosh x near 0, and beyond (1 − e^(−2|x|)) / (1 + e^(−2|x|)) with the sign of x.
    pub(super) fn tanh(&mut self, x: &BigFloat, bits: usize) -> BigFloat {
        if x.exponent() < Some(0) && !x.is_inf() {
            let cosh = x.cosh(bits, CUT, &mut self.constants);
            return x.sinh(bits, CUT, &mut self.constants).div(&cosh, bits, CUT);
        }
        let one = High::small(1);
        let small = self.exp(&x.abs().mul(&High::small(2), bits, CUT).neg(), bits);
        let value = one.sub(&small, bits, CUT).div(&one.add(&small, bits, CUT), bits, CUT);
        if x.is_negative() { value.neg() } else { value }
    }

    /// log cosh x: log1p(2 sinh²(x/2)) for |x| < 1, else |x| + log1p(e^(−2|x|)) − log 2.
    pub(super) fn log_cosh(&mut self, x: &BigFloat, bits: usize) -> BigFloat {
        let (x, two) = (x.abs(), High::small(2));
        if x.exponent() <= Some(0) && !x.is_inf() {
            let sinh = x.div(&two, bits, CUT).sinh(bits, CUT, &mut self.constants);
            let excess = sinh.mul(&sinh, bits, CUT).mul(&two, bits, CUT);
            return self.log1p(&excess, bits);
        }
        let small = self.exp(&x.mul(&two, bits, CUT).neg(), bits);
        let rest = self.log1p(&small, bits).sub(&self.constants.ln_2(bits, CUT), bits, CUT);
        x.add(&rest, bits, CUT)
    }

    /// log_a x; NaN for x < 0, a < 0, a = 1 and where both are 0 or ∞.
    pub(super) fn log_base(&mut self, a: &BigFloat, x: &BigFloat) -> BigFloat {
        let bits = self.precision + GUARD;
        let negative = |v: &BigFloat| v.is_negative() && !v.is_zero();
        if negative(a) || negative(x) || a.cmp(&High::small(1)) == Some(0) {
            return NAN;
        }
        let (numerator, denominator) = (self.log(x, bits), self.log(a, bits));
        numerator.div(&denominator, bits, CUT)
    }

    /// base^exponent, not yet rounded, with the special values of IEEE 754's pow (but 0 has no sign).
    pub(super) fn power_of(&mut self, base: &BigFloat, exponent: &BigFloat) -> BigFloat {
        let one = High::small(1);
        if exponent.is_zero() || base.cmp(&one) == Some(0) {
            return one;
        }
        if base.is_nan() || exponent.is_nan() {
            return NAN;
        }
        let magnitude = base.abs();
        if base.is_zero() || base.is_inf() || exponent.is_inf() {
            let grows = match magnitude.cmp(&one) {
                Some(0) => return one,
                order => (order > Some(0)) != exponent.is_negative(),
            };
            return match (grows, base.is_inf_neg() && is_odd(exponent)) {
                (true, true) => INF_NEG,
                (true, false) => INF_POS,
                (false, _) => High::small(0),
            };
        }
        let whole = exponent.is_int();
        if base.is_negative() && !whole {
            return NAN;
        }
        let value = match small_integer(exponent) {
            Some(count) if whole => self.integer_power(&magnitude, count, exponent.is_negative()),
            _ => self.positive_power(&magnitude, exponent),
        };
        if base.is_negative() && is_odd(exponent) { value.neg() } else { value }
    }

    /// By repeated squaring: exact where the result fits.
    fn integer_power(&mut self, base: &BigFloat, count: usize, reciprocal: bool) -> BigFloat {
        let bits = self.precision + GUARD;
        let power = base.powi(count, bits, CUT);
        if reciprocal { power.reciprocal(bits, CUT) } else { power }
    }

    /// e^(exponent · log base) for a finite base > 0, with as many more bits as the product has before its point.
    pub(super) fn positive_power(&mut self, base: &BigFloat, exponent: &BigFloat) -> BigFloat {
        let log_size = base.exponent().map_or(0, |e| (i64::from(e).unsigned_abs() + 1).ilog2() as usize + 1);
        let before_point = log_size + exponent.exponent().map_or(0, |e| e.clamp(0, 128) as usize);
        let bits = self.precision + GUARD + before_point;
        let product = self.log(base, bits).mul(exponent, bits, CUT);
        self.exp(&product, bits)
    }
}

/// Whether a number is an odd integer: it is one, and its half is none.
fn is_odd(value: &BigFloat) -> bool {
    let half = value.div(&High::small(2), value.mantissa_max_bit_len().unwrap_or(64), CUT);
    value.is_int() && !half.is_int()
}

/// The absolute value of an integer below 2^31.
fn small_integer(value: &BigFloat) -> Option<usize> {
    let exponent = u32::try_from(value.exponent()?).ok().filter(|exponent| *exponent <= 31)?;
    let words = value.mantissa_digits()?;
    let leading = words.last()? >> (astro_float::WORD_BIT_SIZE as u32 - 32);
    Some((leading >> (32 - exponent)) as usize)
}
