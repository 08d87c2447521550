//! eˣ, the logarithm to any base, and what is made of them, as AVX-512 computes them: by tables of sixteen numbers, which
//! lie in registers.

use super::base::{LogBase, Prepared};
use super::float::{Float, two_sum};
use super::tables::{MOST_LOG_TERMS, Tables};
use super::wide::Wide;

/// The polynomial with the given coefficients, highest power first, at `x`.
#[inline(always)]
fn polynomial<W: Wide>(coefficients: &[W::Element], x: W) -> W {
    let mut value = W::splat(coefficients[0]);
    for &coefficient in &coefficients[1..] {
        value = value.multiply_add(x, W::splat(coefficient));
    }
    value
}

/// eˣ = 2^⌊n⌋·(high + low), `low` being the smaller and unrounded to the other.
struct Power<W> {
    n: W,
    high: W,
    low: W,
}

/// x = n·ln 2 + r, n being a multiple of 1/16 and |r| ≤ ln 2 / 32; eˣ = 2^⌊n⌋·(t + t·(eʳ − 1)), t being the table's
/// 2^(n − ⌊n⌋), in two parts. `terms` are the polynomial for (eʳ − 1 − r)/r². (Tang, "Table-driven implementation of the exponential function", 1989.)
#[inline(always)]
fn power<W: Wide>(x: W, terms: &[W::Element]) -> Power<W> {
    let x = x.clamp_to(W::Element::EXP_MIN, W::Element::EXP_MAX);
    let rounder = W::splat(W::Element::TABLE_ROUNDER);
    let rounded = x.multiply_add(W::splat(W::Element::LOG2_E), rounder);
    let n = rounded - rounder;
    let r = (-n).multiply_add(W::splat(W::Element::TABLE_LN_2_HIGH), x);
    let r = (-n).multiply_add(W::splat(W::Element::TABLE_LN_2_LOW), r);
    let less_one = (r * r).multiply_add(polynomial(terms, r), r);
    let high = rounded.lookup_by_lowest_bits(&W::Element::POWERS_HIGH);
    let low = high.multiply_add(less_one, rounded.lookup_by_lowest_bits(&W::Element::POWERS_LOW));
    Power { n, high, low }
}

/// eˣ.
#[inline(always)]
pub(super) fn exp<W: Wide>(x: W) -> W {
    let Power { n, high, low } = power(x, W::Element::EXP_TABLE_POLYNOMIAL);
    (high + low).scale(n)
}

/// eˣ and eˣ − 1, for x ≤ 0.
#[inline(always)]
pub(super) fn exp_and_expm1<W: Wide>(x: W) -> (W, W) {
    let Power { n, high, low } = power(x, W::Element::EXPM1_TABLE_POLYNOMIAL);
    // (high·2^⌊n⌋ − 1) + low·2^⌊n⌋. Where 2^⌊n⌋ is too small for a number, 1 is all that counts.
    let scale = W::splat(W::Element::ONE).scale(n);
    let minus_one = W::splat(-W::Element::ONE);
    let difference = high.multiply_add(scale, minus_one);
    let error = high.multiply_add(scale, minus_one - difference);
    ((high + low).scale(n), difference + low.multiply_add(scale, error))
}

/// A logarithm in three parts: the first two are its leading terms and what their sum's rounding lost, together with
/// smaller things; the last is what is left, a fraction of the first.
///
/// x = 2ᵏ·m with ¾ ≤ m < 1½. With the table's reciprocal c for m, and r = m·c − 1: log_b x = k·log_b 2 + log_b 1/c +
/// log_b(1 + r). The first two terms are exact in their high parts, and their sum is 0 next to x = 1. (Tang, "Table-driven
/// implementation of the logarithm function", 1990, with the base inside the table and the polynomial.) Where m < 1, `k`
/// is 1 less and the table log_b 2 more.
#[inline(always)]
fn log_parts<W: Wide>(x: W, base: &Prepared<W::Element>) -> (W, W, [W; 2]) {
    let (k, m) = x.split();
    let r = m.multiply_add(m.lookup_by_significand(&W::Element::RECIPROCALS), W::splat(-W::Element::ONE));
    let known = k.multiply_add(W::splat(base.two.0), m.lookup_by_significand(&base.high));
    let known_low = k.multiply_add(W::splat(base.two.1), m.lookup_by_significand(&base.low));
    // The sum of `known` and the linear term, and what its rounding lost: `known` is the larger, or 0.
    let factor = W::splat(base.factor);
    let sum = r.multiply_add(factor, known);
    let error = r.multiply_add(factor, known - sum);
    let rest = polynomial(&base.polynomial[MOST_LOG_TERMS - W::Element::LOG_TERMS..], r);
    (sum, error + known_low, [r, rest])
}

/// log_b x, for the base b as prepared.
#[inline(always)]
pub(super) fn log_to_base<W: Wide>(x: W, base: &Prepared<W::Element>) -> W {
    let (sum, low, [r, rest]) = log_parts(x, base);
    (sum + r.multiply_add(rest, low)).or_special_logarithm(x, base.infinity)
}

/// ln(1 + x).
#[inline(always)]
pub(super) fn log1p<W: Wide>(x: W) -> W {
    // ln(sum + error) = ln sum + error/sum.
    let (sum, error) = two_sum(W::splat(W::Element::ONE), x);
    let (high, low, [r, rest]) = log_parts(sum, W::Element::prepared(&LogBase::E));
    let value = high + r.multiply_add(rest, low + error / sum);
    value.with_sign_of(x).or_special_logarithm(sum, W::Element::INFINITY)
}

/// ln(1 + u) for 0 ≤ u ≤ 1.
///
/// With the table's reciprocal c for 1 + u, r = (1 + u)·c − 1 = u·c + (c − 1) is rounded once, and is u itself next to 0:
/// nothing is lost by adding 1 first.
#[inline(always)]
fn log_of_one_plus<W: Wide>(u: W) -> W {
    let one = W::splat(W::Element::ONE);
    // Which entry: 1 + u, but below 2 for u = 1.
    let place = u.multiply_add(W::splat(W::Element::BELOW_ONE), one);
    let reciprocal = place.lookup_by_significand(&W::Element::RECIPROCALS_TO_TWO);
    let r = u.multiply_add(reciprocal, reciprocal - one);
    let natural = &W::Element::prepared(&LogBase::E).polynomial;
    let rest = polynomial(&natural[MOST_LOG_TERMS - W::Element::LOG_TERMS..MOST_LOG_TERMS], r);
    let low = (r * r).multiply_add(rest, place.lookup_by_significand(&W::Element::LOGARITHMS_TO_TWO_LOW));
    place.lookup_by_significand(&W::Element::LOGARITHMS_TO_TWO_HIGH) + (r + low)
}

/// e^−|x|.
#[inline(always)]
pub(super) fn decay<W: Wide>(x: W) -> W {
    exp(-x.magnitude())
}

/// ln(1 + eˣ) and ln(1 + e⁻ˣ), which are max(±x, 0) + ln(1 + u) with u = e^−|x|.
#[inline(always)]
pub(super) fn softplus_pair<W: Wide>(x: W, decay: W) -> (W, W) {
    let logarithm = log_of_one_plus(decay);
    (x.positive_part() + logarithm, (-x).positive_part() + logarithm)
}

/// 1/(1 + e⁻ˣ) and 1/(1 + eˣ): with u = e^−|x| they are 1/(1 + u) and u/(1 + u), in the order of the sign.
#[inline(always)]
pub(super) fn sigmoid_pair<W: Wide>(x: W, decay: W) -> (W, W) {
    let (zero, one) = (W::splat(W::Element::ZERO), W::splat(W::Element::ONE));
    let sum = one + decay;
    let divisor = (sum, decay - (sum - one));
    let (large, small) = (quotient((one, zero), divisor), quotient((decay, zero), divisor));
    (small.where_negative(x, large), large.where_negative(x, small))
}

/// eˣ − 1 as a rounded value and what the rounding lost, for x ≤ 0.
#[inline(always)]
fn expm1_pair<W: Wide>(x: W) -> (W, W) {
    // As for `power`, with eʳ − 1 in two parts.
    let x = x.clamp_to(W::Element::EXPM1_MIN, W::Element::ZERO);
    let rounder = W::splat(W::Element::TABLE_ROUNDER);
    let rounded = x.multiply_add(W::splat(W::Element::LOG2_E), rounder);
    let n = rounded - rounder;
    let ln_2_low = W::splat(W::Element::TABLE_LN_2_LOW);
    let whole = (-n).multiply_add(W::splat(W::Element::TABLE_LN_2_HIGH), x);
    let r = (-n).multiply_add(ln_2_low, whole);
    let r_low = (-n).multiply_add(ln_2_low, whole - r);
    let square = r * r;
    let series = polynomial(W::Element::EXPM1_TABLE_POLYNOMIAL, r);
    let less_one = square.multiply_add(series, r);
    let less_one_low = square.multiply_add(series, r - less_one) + r_low;
    // With t the table's power times 2^⌊n⌋, exactly: (t − 1) + t·(eʳ − 1). The first is the larger, or 0.
    let (high, low) = (
        rounded.lookup_by_lowest_bits(&W::Element::POWERS_HIGH),
        rounded.lookup_by_lowest_bits(&W::Element::POWERS_LOW),
    );
    let (scale, minus_one) = (W::splat(W::Element::ONE).scale(n), W::splat(-W::Element::ONE));
    let (power, power_low) = (high * scale, low * scale);
    let difference = power + minus_one;
    let difference_low = power + (minus_one - difference);
    let sum = power.multiply_add(less_one, difference);
    let error = power.multiply_add(less_one, difference - sum);
    (sum, error + power.multiply_add(less_one_low, difference_low + power_low))
}

/// tanh x: with d = e^(−2|x|) − 1, tanh |x| = −d/(2 + d).
#[inline(always)]
pub(super) fn tanh<W: Wide>(x: W) -> W {
    let two = W::splat(W::Element::TWO);
    let (high, low) = expm1_pair(-(two * x.magnitude()));
    let sum = two + high;
    quotient((-high, -low), (sum, (high - (sum - two)) + low)).with_sign_of(x)
}

/// The quotient of two numbers given as pairs, for a divisor between 1 and 2 and a dividend no larger than it.
#[inline(always)]
fn quotient<W: Wide>(dividend: (W, W), divisor: (W, W)) -> W {
    let reciprocal = W::splat(W::Element::ONE) / divisor.0;
    let quotient = dividend.0 * reciprocal;
    let remainder = (-quotient).multiply_add(divisor.0, dividend.0) + (-quotient).multiply_add(divisor.1, dividend.1);
    remainder.multiply_add(reciprocal, quotient)
}
