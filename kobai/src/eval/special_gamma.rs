//! log Γ and its derivatives in high precision: Stirling's series far from 0, after a shift by the recurrence.

use astro_float::{BigFloat, INF_POS, NAN, RoundingMode};
use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::One;

use super::arithmetic::Arithmetic;
use super::high::{CUT, GUARD, High};

/// A result, and the binary exponent of the largest term that went into it: the difference tells what cancelled.
struct Cancelled {
    value: BigFloat,
    largest: i64,
}

impl High {
    /// log |Γ(x)|; NaN at the poles.
    pub(super) fn log_gamma(&mut self, x: &BigFloat) -> BigFloat {
        if x.is_inf_pos() || is_pole(x) {
            return if x.is_inf_pos() { INF_POS } else { NAN };
        }
        if x.cmp(&High::small(1)) == Some(0) || x.cmp(&High::small(2)) == Some(0) {
            return High::small(0);
        }
        self.with_enough_bits(|high, bits| {
            if !x.is_negative() {
                return high.log_gamma_positive(x, bits);
            }
            // DLMF 5.5.3
            let (sine, _) = high.sine_and_cosine_of_pi(x, bits);
            let ratio = high.constants.pi(bits, CUT).div(&sine.abs(), bits, CUT);
            let (log, mirrored) = (high.log(&ratio, bits), High::small(1).sub(x, bits, CUT));
            let other = high.log_gamma_positive(&mirrored, bits);
            let largest = other.largest.max(exponent(&log));
            Cancelled { value: log.sub(&other.value, bits, CUT), largest }
        })
    }

    /// ψ(x); NaN at the poles.
    pub(super) fn digamma(&mut self, x: &BigFloat) -> BigFloat {
        if x.is_inf_pos() || is_pole(x) {
            return if x.is_inf_pos() { INF_POS } else { NAN };
        }
        self.with_enough_bits(|high, bits| {
            if !x.is_negative() {
                return high.digamma_positive(x, bits);
            }
            // DLMF 5.5.4
            let (sine, cosine) = high.sine_and_cosine_of_pi(x, bits);
            let slope = high.constants.pi(bits, CUT).mul(&cosine, bits, CUT).div(&sine, bits, CUT);
            let other = high.digamma_positive(&High::small(1).sub(x, bits, CUT), bits);
            let largest = other.largest.max(exponent(&slope));
            Cancelled { value: other.value.sub(&slope, bits, CUT), largest }
        })
    }

    /// ψ′(x); NaN at the poles. No form of it cancels by more than a bit or two.
    pub(super) fn trigamma(&mut self, x: &BigFloat, bits: usize) -> BigFloat {
        if x.is_inf_pos() || is_pole(x) {
            return if x.is_inf_pos() { High::small(0) } else { NAN };
        }
        if !x.is_negative() {
            return self.trigamma_positive(x, bits);
        }
        // DLMF 5.15.6
        let (sine, _) = self.sine_and_cosine_of_pi(x, bits);
        let ratio = self.constants.pi(bits, CUT).div(&sine, bits, CUT);
        let other = self.trigamma_positive(&High::small(1).sub(x, bits, CUT), bits);
        ratio.mul(&ratio, bits, CUT).sub(&other, bits, CUT)
    }

    /// Works with more bits until those that cancelled are made up for: near the roots of log Γ and ψ.
    fn with_enough_bits(&mut self, compute: impl Fn(&mut High, usize) -> Cancelled) -> BigFloat {
        const ROUNDS: usize = 6;
        let mut bits = self.precision + GUARD;
        let mut result = compute(self, bits);
        for _ in 0..ROUNDS {
            let lost = if result.value.is_zero() { bits as i64 } else { result.largest - exponent(&result.value) };
            let lost = usize::try_from(lost).unwrap_or(0).min(bits);
            if bits >= self.precision + GUARD / 2 + lost || result.value.is_inf() || result.value.is_nan() {
                break;
            }
            bits = self.precision + GUARD + lost;
            result = compute(self, bits);
        }
        result.value
    }

    /// log Γ(x) = (X − ½) log X − X + ½ log 2π + Σ B₂ₖ / (2k(2k−1) X^(2k−1)) − log(x (x+1) … (X−1)), X = x + n
    /// (DLMF 5.11.1 and 5.5.1).
    fn log_gamma_positive(&mut self, x: &BigFloat, bits: usize) -> Cancelled {
        let (far, terms) = self.shifted(x, bits);
        let half = BigFloat::from_f64(0.5, 64);
        let main = far.sub(&half, bits, CUT).mul(&self.log(&far, bits), bits, CUT);
        let two_pi = self.constants.pi(bits, CUT).mul(&High::small(2), bits, CUT);
        let constant = self.log(&two_pi, bits).mul(&half, bits, CUT);
        let divisor = |k: i64| BigInt::from(2 * k * (2 * k - 1));
        let series = self.stirling(&far, bits, divisor).mul(&far, bits, CUT);
        let mut value = main.sub(&far, bits, CUT).add(&constant, bits, CUT).add(&series, bits, CUT);
        let mut largest = exponent(&main).max(exponent(&far));
        if !terms.is_empty() {
            let product = terms.iter().fold(High::small(1), |product, term| product.mul(term, bits, CUT));
            let log = self.log(&product, bits);
            largest = largest.max(exponent(&log));
            value = value.sub(&log, bits, CUT);
        }
        Cancelled { value, largest }
    }

    /// ψ(x) = log X − 1/(2X) − Σ B₂ₖ / (2k X^(2k)) − Σ 1/(x + j), X = x + n (DLMF 5.11.2 and 5.5.2).
    fn digamma_positive(&mut self, x: &BigFloat, bits: usize) -> Cancelled {
        let (far, terms) = self.shifted(x, bits);
        let one = High::small(1);
        let log = self.log(&far, bits);
        let first = one.div(&far.mul(&High::small(2), bits, CUT), bits, CUT);
        let series = self.stirling(&far, bits, |k| BigInt::from(2 * k));
        let zero = High::small(0);
        let sum = terms.iter().rev().fold(zero, |sum, term| sum.add(&one.div(term, bits, CUT), bits, CUT));
        let largest = exponent(&log).max(exponent(&sum));
        let value = log.sub(&first, bits, CUT).sub(&series, bits, CUT).sub(&sum, bits, CUT);
        Cancelled { value, largest }
    }

    /// ψ′(x) = 1/X + 1/(2X²) + Σ B₂ₖ / X^(2k+1) + Σ 1/(x + j)², X = x + n (DLMF 5.15.8 and 5.15.5).
    fn trigamma_positive(&mut self, x: &BigFloat, bits: usize) -> BigFloat {
        let (far, terms) = self.shifted(x, bits);
        let one = High::small(1);
        let inverse = one.div(&far, bits, CUT);
        let half = inverse.mul(&inverse, bits, CUT).div(&High::small(2), bits, CUT);
        let series = self.stirling(&far, bits, |_| BigInt::one()).mul(&inverse, bits, CUT);
        let start = inverse.add(&half, bits, CUT).add(&series, bits, CUT);
        terms.iter().rev().fold(start, |sum, term| {
            let inverse = one.div(term, bits, CUT);
            sum.add(&inverse.mul(&inverse, bits, CUT), bits, CUT)
        })
    }

    /// X = x + n with X ≥ bits/4, where Stirling's series reaches e^(−2πX) < 2^(−2 bits), and x, x+1, …, X−1.
    fn shifted(&mut self, x: &BigFloat, bits: usize) -> (BigFloat, Vec<BigFloat>) {
        let start = x.exponent().map_or(f64::INFINITY, |e| if e > 40 { f64::INFINITY } else { self.to_double(x) });
        let steps = (bits as f64 / 4.0 - start).ceil().max(0.0) as u32;
        let place = |j: u32| x.add(&High::small(j), bits, CUT);
        let terms = (0..steps).map(|j| if j == 0 { x.clone() } else { place(j) }).collect();
        (if steps == 0 { x.clone() } else { place(steps) }, terms)
    }

    /// Σ B₂ₖ / (d(k) X^(2k)) until its terms are below 2^−bits.
    fn stirling(&mut self, far: &BigFloat, bits: usize, divisor: impl Fn(i64) -> BigInt) -> BigFloat {
        let inverse_square = High::small(1).div(&far.mul(far, bits, CUT), bits, CUT);
        let (mut power, mut sum) = (inverse_square.clone(), High::small(0));
        for k in 1..=bits {
            let coefficient = self.bernoulli(k) / divisor(k as i64);
            let term = High::fraction(&coefficient, bits).mul(&power, bits, CUT);
            sum = sum.add(&term, bits, CUT);
            if term.is_zero() || term.exponent() < sum.exponent().map(|e| e.saturating_sub(bits as i32)) {
                break;
            }
            power = power.mul(&inverse_square, bits, CUT);
        }
        sum
    }

    /// B₂ₖ for k ≥ 1, from a table that doubles when it is used up.
    fn bernoulli(&mut self, k: usize) -> BigRational {
        if k > self.bernoulli.len() {
            self.bernoulli = bernoulli_numbers((2 * k).max(64));
        }
        self.bernoulli[k - 1].clone()
    }

    /// sin πx and cos πx up to a common sign, from x less its nearest integer, which is exact.
    fn sine_and_cosine_of_pi(&mut self, x: &BigFloat, bits: usize) -> (BigFloat, BigFloat) {
        let exact = bits.max(x.mantissa_max_bit_len().unwrap_or(0)) + GUARD;
        let rest =
            if x.exponent() < Some(0) { x.clone() } else { x.sub(&x.round(0, RoundingMode::ToEven), exact, CUT) };
        let angle = rest.mul(&self.constants.pi(bits, CUT), bits, CUT);
        (angle.sin(bits, CUT, &mut self.constants), angle.cos(bits, CUT, &mut self.constants))
    }
}

/// Whether Γ has a pole at x (−∞ counts as one).
fn is_pole(x: &BigFloat) -> bool {
    x.is_zero() || (x.is_negative() && (x.is_int() || x.is_inf()))
}

/// The binary exponent, far below all others for 0.
fn exponent(x: &BigFloat) -> i64 {
    x.exponent().filter(|_| !x.is_zero()).map_or(i64::from(i32::MIN), i64::from)
}

/// B₂, B₄, …, B₂ₙ through the tangent numbers: B₂ₖ = (−1)^(k−1) 2k Tₖ / (4^k (4^k − 1)). Brent and Harvey, "Fast
/// computation of Bernoulli, tangent and secant numbers" (2011), algorithm TangentNumbers.
fn bernoulli_numbers(count: usize) -> Vec<BigRational> {
    let mut tangent = vec![BigInt::one(); count];
    for k in 1..count {
        tangent[k] = &tangent[k - 1] * k;
    }
    for k in 1..count {
        for j in k..count {
            tangent[j] = &tangent[j - 1] * (j - k) + &tangent[j] * (j - k + 2);
        }
    }
    let number = |(index, tangent): (usize, BigInt)| {
        let k = index + 1;
        let four_to_k = BigInt::one() << (2 * k);
        let numerator = tangent * (2 * k);
        let numerator = if k % 2 == 1 { numerator } else { -numerator };
        BigRational::new(numerator, &four_to_k * (&four_to_k - 1))
    };
    tangent.into_iter().enumerate().map(number).collect()
}
