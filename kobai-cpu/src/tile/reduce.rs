//! Reductions, joined tile by tile, row by row and chunk by chunk.
//!
//! A sum is kept in two parts, what is in the type's reach and what rounding has lost (Neumaier 1974, in the branch-free
//! form of Knuth's two-sum), so that a loss over a million samples keeps its digits. A log-sum-exp is its maximum m and
//! r, the sum of the other exponentials e^(f − m), again in two parts; log1p is taken at the end. Two of them join, with
//! m₁ ≥ m₂, to (m₁, r₁ + e^(m₂ − m₁)(1 + r₂)); see Blanchard, Higham & Higham, "Accurately computing the log-sum-exp and
//! softmax functions" (2021), for the form with the maximum left out.

use super::kept::Columns;
use super::multiply;
use super::turned::SPACING;
use crate::buffers::Written;
use crate::vector::{self, Float, larger, scalar};
use kobai::expr::Reduction;

/// What a reduction over nothing is, to begin with. What stands beside it is a sum over nothing.
pub(crate) fn start<T: Float>(reduction: Reduction, out: &mut [T]) {
    out.fill(match reduction {
        Reduction::Sum => T::ZERO,
        Reduction::Product => T::ONE,
        Reduction::Maximum | Reduction::LogSumExp => -T::INFINITY,
        Reduction::Minimum => T::INFINITY,
    });
}

/// The same with what stands beside it.
pub(crate) fn start_all<T: Float>(reduction: Reduction, written: Written<T>) {
    start(reduction, written.out);
    written.rest.fill(T::ZERO);
    written.low.fill(T::ZERO);
}

/// Joins entries that were summed up apart: result, second part and what was lost of each.
pub(crate) fn merge<T: Float>(reduction: Reduction, to: (&mut [T], &mut [T], &mut [T]), from: (&[T], &[T], &[T])) {
    let (out, rest, low) = to;
    for (number, &value) in from.0.iter().enumerate() {
        let lost = from.2.get(number).copied().unwrap_or(T::ZERO);
        match reduction {
            Reduction::Sum => {
                add(&mut out[number], &mut low[number], value);
                low[number] = low[number] + lost;
            }
            Reduction::Product => out[number] = multiply(out[number], value),
            Reduction::Maximum => out[number] = larger(out[number], value),
            Reduction::Minimum => out[number] = -larger(-out[number], -value),
            Reduction::LogSumExp => {
                let others = (from.1[number], lost);
                merge_exponentials((&mut out[number], &mut rest[number], &mut low[number]), value, others);
            }
        }
    }
}

/// Joins a log-sum-exp, its maximum and the sum of its other exponentials in two parts, to another.
fn merge_exponentials<T: Float>((leading, rest, low): (&mut T, &mut T, &mut T), maximum: T, others: (T, T)) {
    // −∞ adds nothing.
    if maximum == -T::INFINITY {
        return;
    }
    if larger(*leading, maximum) == *leading {
        if is_finite(*leading) {
            let factor = scalar::exp(maximum - *leading);
            add(rest, low, factor);
            add(rest, low, factor * others.0);
            add(rest, low, factor * others.1);
        }
        return;
    }
    let factor = scalar::exp(*leading - maximum);
    rescale(leading, rest, low, maximum, factor);
    add(rest, low, others.0);
    add(rest, low, others.1);
}

/// Turns what was joined into the result.
pub(crate) fn finish<T: Float>(reduction: Reduction, written: Written<T>) {
    let close =
        |high: &mut [T], low: &[T]| high.iter_mut().zip(low).for_each(|(high, &low)| *high = closed(*high, low));
    match reduction {
        Reduction::Sum => close(written.out, written.low),
        Reduction::LogSumExp => {
            close(written.rest, written.low);
            vector::log1p(written.rest);
        }
        Reduction::Product | Reduction::Maximum | Reduction::Minimum => {}
    }
}

/// Joins a value to the entry of each lane. The scratch is as long as the values.
pub(crate) fn join_lanes<T: Float>(reduction: Reduction, written: Written<T>, values: &[T], scratch: &mut [T]) {
    let Written { out, rest, low } = written;
    match reduction {
        Reduction::Sum => vector::add_to_sums(out, low, values),
        Reduction::Product => each(out, values, multiply),
        Reduction::Maximum => each(out, values, larger),
        Reduction::Minimum => each(out, values, |least, value| -larger(-least, -value)),
        Reduction::LogSumExp => vector::join_exponentials((out, rest, low), values, scratch),
    }
}

fn each<T: Float>(out: &mut [T], values: &[T], join: impl Fn(T, T) -> T) {
    out.iter_mut().zip(values).for_each(|(out, &value)| *out = join(*out, value));
}

/// Joins all values to one entry. The shape of the sum depends on the number of values alone. The scratch is as long as the
/// values.
pub(crate) fn join_all<T: Float>(reduction: Reduction, written: Written<T>, values: &[T], scratch: &mut [T]) {
    let Written { out: [out, ..], rest, low } = written else {
        return;
    };
    match (reduction, rest, low) {
        (Reduction::Sum, _, [low, ..]) => add(out, low, vector::sum(values)),
        (Reduction::Product, ..) => *out = values.iter().fold(*out, |product, &value| multiply(product, value)),
        (Reduction::Maximum, ..) => *out = larger(*out, vector::max(values)),
        (Reduction::Minimum, ..) => *out = values.iter().fold(*out, |least, &value| -larger(-least, -value)),
        (Reduction::LogSumExp, [rest, ..], [low, ..]) => {
            join_exponential_sum((out, rest, low), values, scratch);
        }
        // Without room for its second part a reduction has no entry.
        (Reduction::Sum | Reduction::LogSumExp, ..) => {}
    }
}

/// The same for a log-sum-exp, which leaves the exponentials of the values, relative to the number that it returns.
pub(crate) fn join_and_keep<T: Float>(written: Written<T>, values: &[T], powers: &mut [T]) -> T {
    match written {
        Written { out: [out, ..], rest: [rest, ..], low: [low, ..] } => {
            join_exponential_sum((out, rest, low), values, powers)
        }
        _ => T::NAN,
    }
}

/// The log-sum-exps of columns, [`SPACING`] apart: leaves their exponentials relative to the largest, what makes them a
/// softmax, or NaN for all if that is of no use for one, and what the others than the largest are of it.
pub(crate) fn sum_and_keep<T: Float>(written: Written<T>, columns: Columns<T>) {
    let Written { out, rest, low } = written;
    vector::sum_columns((&mut *out, &mut *rest, &mut *low), columns.powers, SPACING);
    let (factors, others) = (&mut columns.factors[..out.len()], &mut columns.others[..out.len()]);
    let [rest, low] = [&*rest, &*low].map(vector::Operand::Each);
    vector::binary(factors, rest, low, |rest, low| T::ONE / (T::ONE + (rest + low)));
    vector::ternary(others, rest, low, vector::Operand::Each(factors), |rest, low, factor| (rest + low) * factor);
    if !vector::all_finite(out) {
        factors.fill(T::NAN);
    }
}

/// high + low, where low may have become NaN beside an infinity.
fn closed<T: Float>(high: T, low: T) -> T {
    if is_finite(high) { high + low } else { high }
}

fn is_finite<T: Float>(value: T) -> bool {
    value.magnitude() < T::INFINITY
}

/// Adds a value to a sum in two parts.
#[inline(always)]
fn add<T: Float>(high: &mut T, low: &mut T, value: T) {
    let sum = *high + value;
    let part = sum - *high;
    *low = *low + ((*high - (sum - part)) + (value - part));
    *high = sum;
}

/// Joins the log-sum-exp of values to one entry. Leaves e^(value − l) of each value, and returns l, the maximum so far; where
/// that is not finite, what is left is of no meaning.
fn join_exponential_sum<T: Float>((leading, rest, low): (&mut T, &mut T, &mut T), values: &[T], powers: &mut [T]) -> T {
    let maximum = vector::max(values);
    if larger(*leading, maximum) == *leading {
        // Beside ∞ nothing counts; without any number yet, all are −∞.
        if is_finite(*leading) {
            add(rest, low, vector::exp_then_sum_to(values, powers, *leading));
        }
        return *leading;
    }
    let mut others = T::ZERO;
    if is_finite(maximum)
        && let Some(first) = vector::first_place(values, maximum)
    {
        powers.copy_from_slice(values);
        powers[first] = -T::INFINITY;
        others = vector::exp_then_sum(powers, maximum);
        powers[first] = T::ONE;
    }
    let factor = scalar::exp(*leading - maximum);
    rescale(leading, rest, low, maximum, factor);
    add(rest, low, others);
    maximum
}

/// Takes a new, larger maximum (or ∞, or NaN): the old one is now one of the others, e^(old − new) times itself.
fn rescale<T: Float>(leading: &mut T, rest: &mut T, low: &mut T, maximum: T, factor: T) {
    let factor = if is_finite(maximum) { factor } else { T::ZERO };
    (*rest, *low) = (*rest * factor, *low * factor);
    add(rest, low, factor);
    *leading = maximum;
}
