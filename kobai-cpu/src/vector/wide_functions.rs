//! eˣ and the logarithm to any base, as AVX-512 computes them: by tables of sixteen numbers, which lie in registers.

use super::base::{LogBase, Prepared};
use super::float::Float;
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

/// log_b x, for the base b as prepared.
///
/// x = 2ᵏ·m with ¾ ≤ m < 1½. With the table's reciprocal c for m, and r = m·c − 1: log_b x = k·log_b 2 + log_b 1/c +
/// log_b(1 + r). The first two terms are exact in their high parts, and their sum is 0 next to x = 1. (Tang, "Table-driven
/// implementation of the logarithm function", 1990, with the base inside the table and the polynomial.) Where m < 1, `k`
/// is 1 less and the table log_b 2 more.
#[inline(always)]
pub(super) fn log_to_base<W: Wide>(x: W, base: &Prepared<W::Element>) -> W {
    let (k, m) = x.split();
    let r = m.multiply_add(m.lookup_by_significand(&W::Element::RECIPROCALS), W::splat(-W::Element::ONE));
    let known = k.multiply_add(W::splat(base.two.0), m.lookup_by_significand(&base.high));
    let known_low = k.multiply_add(W::splat(base.two.1), m.lookup_by_significand(&base.low));
    // The sum of `known` and the linear term, and what its rounding lost: `known` is the larger, or 0.
    let factor = W::splat(base.factor);
    let sum = r.multiply_add(factor, known);
    let error = r.multiply_add(factor, known - sum);
    let rest = polynomial(&base.polynomial[MOST_LOG_TERMS - W::Element::LOG_TERMS..], r);
    (sum + r.multiply_add(rest, error + known_low)).or_special_logarithm(x, base.infinity)
}

/// 1/(1 + e⁻ˣ) and 1/(1 + eˣ): with e = e^−|x| they are 1/(1 + e) and e/(1 + e), in the order of the sign.
#[inline(always)]
pub(super) fn sigmoid_pair<W: Wide>(x: W) -> (W, W) {
    let power = exp(-x.magnitude());
    let one = W::splat(W::Element::ONE);
    let sum = one + power;
    let lost = power - (sum - one);
    let reciprocal = one.divide(sum);
    // A quotient by s + d, d being what rounding has taken from the sum, corrected by its remainder.
    let quotient = |dividend: W| {
        let quotient = dividend * reciprocal;
        let remainder = (-quotient).multiply_add(lost, (-quotient).multiply_add(sum, dividend));
        remainder.multiply_add(reciprocal, quotient)
    };
    let (large, small) = (quotient(one), quotient(power));
    (x.by_sign(small, large), x.by_sign(large, small))
}

/// ln(1 + eˣ) and ln(1 + e⁻ˣ), which are max(±x, 0) + ln(1 + e^−|x|).
#[inline(always)]
pub(super) fn softplus_pair<W: Wide>(x: W) -> (W, W) {
    let power = exp(-x.magnitude());
    let one = W::splat(W::Element::ONE);
    let sum = one + power;
    // What rounding has taken from the sum counts where the power is small: ln(s + d) = ln s + d/s but for d².
    let lost = (power - (sum - one)).divide(sum);
    let logarithm = log_to_base(sum, W::Element::prepared(&LogBase::E)) + lost;
    (x.positive_part() + logarithm, (-x).positive_part() + logarithm)
}
