//! The error function and the normal distribution in high precision.

use astro_float::BigFloat;

use super::arithmetic::Arithmetic;
use super::high::{CUT, GUARD, High};

impl High {
    /// erf x to so many bits.
    pub(super) fn erf(&mut self, x: &BigFloat, bits: usize) -> BigFloat {
        let magnitude = x.abs();
        let value = if square_is_below(x, 0.7 * bits as f64 + 20.0) {
            self.erf_series(&magnitude, bits)
        } else {
            // erfc is below 2^−bits.
            High::small(1).sub(&self.erfc(&magnitude, bits), bits, CUT)
        };
        if x.is_negative() { value.neg() } else { value }
    }

    /// erfc x to so many bits, relative accuracy in the far tail as well.
    pub(super) fn erfc(&mut self, x: &BigFloat, bits: usize) -> BigFloat {
        let one = High::small(1);
        if x.is_negative() {
            return one.add(&self.erf(&x.abs(), bits), bits, CUT);
        }
        // The asymptotic series stops improving at e^(−x²), so it needs x² > bits · log 2.
        if !square_is_below(x, 0.7 * bits as f64 + 20.0) {
            return self.erfc_asymptotic(x, bits);
        }
        // 1 − erf x loses x² / log 2 bits.
        let x_double = x.exponent().filter(|e| *e > -2).map_or(0.0, |_| self.to_double(x));
        let lost = (x_double * x_double * std::f64::consts::LOG2_E) as usize + x_double as usize;
        let bits = bits + lost + GUARD / 2;
        one.sub(&self.erf_series(x, bits), bits, CUT)
    }

    /// Φ(x) = erfc(−x/√2) / 2.
    pub(super) fn normal_cdf(&mut self, x: &BigFloat, bits: usize) -> BigFloat {
        // erfc multiplies the relative error of a large argument by twice its square. Beyond 2^40 it is 0 or 2.
        let size = x.exponent().unwrap_or(40).clamp(0, 40) as usize;
        let bits = bits + 2 * size;
        let root = High::small(2).sqrt(bits, CUT);
        let z = x.neg().div(&root, bits, CUT);
        self.erfc(&z, bits).div(&High::small(2), bits, CUT)
    }

    /// log Φ(x)
    pub(super) fn log_normal_cdf(&mut self, x: &BigFloat, bits: usize) -> BigFloat {
        if x.is_inf() {
            return if x.is_negative() { x.clone() } else { High::small(0) };
        }
        if !x.is_negative() {
            let beyond = self.normal_cdf(&x.neg(), bits).neg();
            return self.log1p(&beyond, bits);
        }
        if !is_far_tail(x) {
            let value = self.normal_cdf(x, bits);
            return self.log(&value, bits);
        }
        let half_square = x.mul(x, bits, CUT).div(&High::small(2), bits, CUT);
        let (size, series) = (self.log(&x.neg(), bits), self.tail_series(x, bits));
        let two_pi = self.constants.pi(bits, CUT).mul(&High::small(2), bits, CUT);
        let (root, series) = (self.log(&two_pi, bits).div(&High::small(2), bits, CUT), self.log(&series, bits));
        series.sub(&half_square, bits, CUT).sub(&size, bits, CUT).sub(&root, bits, CUT)
    }

    /// φ(x) / Φ(x)
    pub(super) fn inverse_mills(&mut self, x: &BigFloat, bits: usize) -> BigFloat {
        if x.is_inf() {
            return if x.is_negative() { x.neg() } else { High::small(0) };
        }
        if is_far_tail(x) {
            return x.neg().div(&self.tail_series(x, bits), bits, CUT);
        }
        let half_square = x.mul_full_prec(x).div(&High::small(2), 2 * bits + GUARD, CUT).neg();
        let density = self.exp(&half_square, bits);
        let two_pi = self.constants.pi(bits, CUT).mul(&High::small(2), bits, CUT);
        let density = density.div(&two_pi.sqrt(bits, CUT), bits, CUT);
        density.div(&self.normal_cdf(x, bits), bits, CUT)
    }

    /// −x Φ(x) / φ(x) = 1 − 1/x² + 3/x⁴ − 15/x⁶ + … for x far below 0 (Abramowitz & Stegun 1964, 26.2.12).
    fn tail_series(&mut self, x: &BigFloat, bits: usize) -> BigFloat {
        let square = x.mul(x, bits, CUT);
        let (mut term, mut sum, mut odd) = (High::small(1), High::small(1), 1_u32);
        while term.exponent() >= Some(-(bits as i32)) && !term.is_zero() {
            term = term.mul(&High::small(odd), bits, CUT).div(&square, bits, CUT).neg();
            sum = sum.add(&term, bits, CUT);
            odd += 2;
        }
        sum
    }

    /// erf x = 2/√π e^(−x²) Σ 2ⁿ x^(2n+1) / (2n+1)!! for x ≥ 0 (DLMF 7.6.2): every term positive.
    fn erf_series(&mut self, x: &BigFloat, bits: usize) -> BigFloat {
        let twice_square = x.mul(x, bits, CUT).mul(&High::small(2), bits, CUT);
        let (mut term, mut sum, mut odd) = (x.clone(), x.clone(), 1_u32);
        while term.exponent() >= sum.exponent().map(|e| e.saturating_sub(bits as i32)) && !term.is_zero() {
            odd += 2;
            term = term.mul(&twice_square, bits, CUT).div(&High::small(odd), bits, CUT);
            sum = sum.add(&term, bits, CUT);
        }
        let scale = self.exp_of_negative_square(x, bits).mul(&High::small(2), bits, CUT);
        sum.mul(&scale, bits, CUT).div(&self.root_of_pi(bits), bits, CUT)
    }

    /// erfc x = e^(−x²) / (x√π) Σ (−1)ⁿ (2n−1)!! / (2x²)ⁿ for large x (DLMF 7.12.1).
    fn erfc_asymptotic(&mut self, x: &BigFloat, bits: usize) -> BigFloat {
        let scale = self.exp_of_negative_square(x, bits);
        if scale.is_zero() {
            return scale;
        }
        let twice_square = x.mul(x, bits, CUT).mul(&High::small(2), bits, CUT);
        let (mut term, mut sum, mut odd) = (High::small(1), High::small(1), 1_u32);
        while term.exponent() >= Some(-(bits as i32)) && !term.is_zero() {
            term = term.mul(&High::small(odd), bits, CUT).div(&twice_square, bits, CUT).neg();
            sum = sum.add(&term, bits, CUT);
            odd += 2;
        }
        let denominator = x.mul(&self.root_of_pi(bits), bits, CUT);
        sum.mul(&scale, bits, CUT).div(&denominator, bits, CUT)
    }

    /// e^(−x²) from the square without rounding, since e^… turns an absolute error into a relative one.
    fn exp_of_negative_square(&mut self, x: &BigFloat, bits: usize) -> BigFloat {
        let square = x.mul_full_prec(x).neg();
        self.exp(&square, bits)
    }

    fn root_of_pi(&mut self, bits: usize) -> BigFloat {
        self.constants.pi(bits, CUT).sqrt(bits, CUT)
    }
}

/// Whether x < −2^14: there the tail's series has thousands of digits, and soon Φ(x) leaves the range of the numbers.
fn is_far_tail(x: &BigFloat) -> bool {
    x.is_negative() && !x.is_inf() && x.exponent().is_some_and(|exponent| exponent > 14)
}

/// Whether x² < bound, for a bound of ordinary size.
fn square_is_below(x: &BigFloat, bound: f64) -> bool {
    let root = BigFloat::from_f64(bound.sqrt(), 64);
    !x.is_inf() && x.abs().cmp(&root) < Some(0)
}
