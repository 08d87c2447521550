//! Reductions of a slice to one number.
//!
//! Their shape depends on the length alone: element i goes to lane i mod 32; a lane adds up the elements of one chunk of
//! 1024, then the chunks; the lanes are joined by halves. So the bits are the same at every level, and the error of a sum
//! is at most about n/1024 + 37 roundings of the sum of magnitudes, whatever the length n.

use super::exponential::ExpShifted;
use super::float::Float;
use super::level::{Work, dispatch};
use super::map::{Kernel, map_to};
#[cfg(target_arch = "x86_64")]
use super::{lanes::Lanes, wide::Wide};
use std::marker::PhantomData;

/// Partial results kept apart.
const LANES: usize = 32;

/// As many vectors as the lanes of f64 take; f32 uses the first half.
#[cfg(target_arch = "x86_64")]
const VECTORS: usize = LANES / <f64 as Float>::LANES;

/// Elements whose sum is formed before it joins the sum of those before them.
const CHUNK: usize = 1024;

/// The lanes joined by halves.
#[inline(always)]
fn join<T: Float>(mut lanes: [T; LANES], combine: impl Fn(T, T) -> T) -> T {
    let mut width = LANES / 2;
    while width > 0 {
        for lane in 0..width {
            lanes[lane] = combine(lanes[lane], lanes[lane + width]);
        }
        width /= 2;
    }
    lanes[0]
}

/// The larger of two numbers, or NaN if either is.
#[inline(always)]
pub(crate) fn larger<T: Float>(a: T, b: T) -> T {
    // `a` stays if it is NaN; `b` is taken if it is.
    #[allow(clippy::eq_op)]
    if b > a || b != b { b } else { a }
}

/// What is done to a lane with the numbers of two slices at its place.
trait Lanewise<T: Float> {
    /// What a lane is at first.
    fn start() -> T;

    fn join(lane: T, left: T, right: T) -> T;

    #[cfg(target_arch = "x86_64")]
    fn join_wide(lane: T::Wide, left: T::Wide, right: T::Wide) -> T::Wide;
}

macro_rules! lanewise {
    ($(#[$doc:meta])* $name:ident from $start:expr, $number:expr, $vector:expr) => {
        $(#[$doc])*
        struct $name;

        impl<T: Float> Lanewise<T> for $name {
            #[inline(always)]
            fn start() -> T {
                $start
            }

            #[inline(always)]
            fn join(lane: T, left: T, right: T) -> T {
                let join: fn(T, T, T) -> T = $number;
                join(lane, left, right)
            }

            #[cfg(target_arch = "x86_64")]
            #[inline(always)]
            fn join_wide(lane: T::Wide, left: T::Wide, right: T::Wide) -> T::Wide {
                let join: fn(T::Wide, T::Wide, T::Wide) -> T::Wide = $vector;
                join(lane, left, right)
            }
        }
    };
}

lanewise!(
    /// Adds up the numbers of the first slice.
    Adding from T::ZERO, |sum, left, _| sum + left, |sum, left, _| sum + left
);
lanewise!(
    /// Adds up the products; not fused, to have the same bits at every level: the loads are the limit, not the arithmetic.
    AddingProducts from T::ZERO, |sum, left, right| sum + left * right, |sum, left, right| sum + left * right
);
lanewise!(
    /// NaN if a number of the first slice is not finite, else 0: a product of 0 with an infinity or NaN is NaN, and stays.
    Finite from T::ZERO, |sum, left, _| sum + left * T::ZERO, |sum, left, _| sum + left * T::Wide::splat(T::ZERO)
);

/// Goes through blocks of two slices, each lane by itself.
struct Fold<'a, T, L> {
    left: &'a [[T; LANES]],
    right: &'a [[T; LANES]],
    join: PhantomData<L>,
}

impl<T: Float, L: Lanewise<T>> Work for Fold<'_, T, L> {
    type Output = [T; LANES];

    #[inline(always)]
    fn run<const FMA: bool>(self) -> [T; LANES] {
        let mut lanes = [L::start(); LANES];
        for (left, right) in self.left.iter().zip(self.right) {
            for lane in 0..LANES {
                lanes[lane] = L::join(lanes[lane], left[lane], right[lane]);
            }
        }
        lanes
    }

    #[cfg(target_arch = "x86_64")]
    #[inline(always)]
    fn run_wide(self) -> [T; LANES] {
        let mut vectors = [T::Wide::splat(L::start()); VECTORS];
        for (left, right) in self.left.iter().zip(self.right) {
            let numbers = left.chunks_exact(T::LANES).zip(right.chunks_exact(T::LANES));
            for (vector, (left, right)) in vectors.iter_mut().zip(numbers) {
                *vector = L::join_wide(*vector, T::Wide::load(left), T::Wide::load(right));
            }
        }
        let mut lanes = [T::ZERO; LANES];
        lanes.chunks_exact_mut(T::LANES).zip(vectors).for_each(|(lanes, vector)| vector.store(lanes));
        lanes
    }
}

/// Goes through one slice in blocks; what is left behind them comes last, and numbers that change no lane.
fn fold<T: Float, L: Lanewise<T>>(values: &[T]) -> ([T; LANES], [T; LANES]) {
    let (blocks, rest) = values.as_chunks();
    let mut last = [L::start(); LANES];
    last[..rest.len()].copy_from_slice(rest);
    (dispatch(Fold::<T, L> { left: blocks, right: blocks, join: PhantomData }), last)
}

/// Numbers that the search for the largest takes at once.
const GROUP: usize = 2 * LANES;

/// The largest number of some groups, or NaN if there is one.
struct Largest<'a, T> {
    groups: [&'a [[T; GROUP]]; 2],
}

impl<T: Float> Work for Largest<'_, T> {
    type Output = T;

    #[inline(always)]
    fn run<const FMA: bool>(self) -> T {
        let mut lanes = [-T::INFINITY; LANES];
        for groups in self.groups {
            for values in groups.as_flattened().as_chunks::<LANES>().0 {
                for lane in 0..LANES {
                    lanes[lane] = larger(lanes[lane], values[lane]);
                }
            }
        }
        largest_lane(lanes)
    }

    #[cfg(target_arch = "x86_64")]
    #[inline(always)]
    fn run_wide(self) -> T {
        let mut largest = [T::Wide::splat(-T::INFINITY); 4];
        let mut unordered = 0;
        for groups in self.groups {
            for values in groups.as_flattened().chunks_exact(4 * T::LANES) {
                let mut vectors = [T::Wide::splat(T::ZERO); 4];
                for (vector, values) in vectors.iter_mut().zip(values.chunks_exact(T::LANES)) {
                    *vector = T::Wide::load(values);
                }
                // One comparison sees the NaN of two vectors.
                unordered |= vectors[0].unordered(vectors[1]) | vectors[2].unordered(vectors[3]);
                for (largest, vector) in largest.iter_mut().zip(vectors) {
                    *largest = largest.maximum(vector);
                }
            }
        }
        let [a, b, c, d] = largest;
        if unordered == 0 { a.maximum(b).maximum(c.maximum(d)).largest() } else { T::NAN }
    }
}

/// The largest of the lanes. Apart, since the compiler makes no vectors of the loop before it if it sees both.
#[inline(never)]
fn largest_lane<T: Float>(lanes: [T; LANES]) -> T {
    join(lanes, larger)
}

/// The largest of the values: NaN if one of them is NaN, −∞ if there are none. Which zero comes out of zeros of both
/// signs depends on their places.
pub fn max<T: Float>(values: &[T]) -> T {
    let (groups, rest) = values.as_chunks();
    let mut last = [-T::INFINITY; GROUP];
    last[..rest.len()].copy_from_slice(rest);
    let last: &[_] = if rest.is_empty() { &[] } else { &[last] };
    dispatch(Largest { groups: [groups, last] })
}

/// Where a number first stands among the values.
pub fn first_place<T: Float>(values: &[T], wanted: T) -> Option<usize> {
    // Whole pieces, which take vectors; then the one that has it.
    const PIECE: usize = 64;
    let has = |values: &[T]| values.iter().fold(false, |found, &value| found | (value == wanted));
    let start = values.chunks(PIECE).position(has)? * PIECE;
    values[start..].iter().position(|&value| value == wanted).map(|place| start + place)
}

/// Whether all values are finite.
pub fn all_finite<T: Float>(values: &[T]) -> bool {
    // In pieces, so that the first of many that is not ends it.
    values.chunks(1 << 14).all(|values| {
        let (lanes, last) = fold::<T, Finite>(values);
        lanes.into_iter().zip(last).fold(T::ZERO, |sum, (lane, last)| sum + (lane + last * T::ZERO)) == T::ZERO
    })
}

/// The sum of the values, 0 if there are none. (A sum of negative zeros is +0.)
pub fn sum<T: Float>(values: &[T]) -> T {
    let mut lanes = [T::ZERO; LANES];
    for values in values.chunks(CHUNK) {
        let (partial, last) = fold::<T, Adding>(values);
        (0..LANES).for_each(|lane| lanes[lane] = lanes[lane] + (partial[lane] + last[lane]));
    }
    join(lanes, |a, b| a + b)
}

/// The sum of the products of elements at equal places.
///
/// # Panics
/// If the slices differ in length.
pub fn dot<T: Float>(left: &[T], right: &[T]) -> T {
    assert_eq!(left.len(), right.len(), "the factors of a dot product differ in length");
    let mut lanes = [T::ZERO; LANES];
    for (left, right) in left.chunks(CHUNK).zip(right.chunks(CHUNK)) {
        let ((left, left_rest), (right, right_rest)) = (left.as_chunks(), right.as_chunks());
        let partial = dispatch(Fold::<T, AddingProducts> { left, right, join: PhantomData });
        let mut last = [T::ZERO; LANES];
        for (last, (&left, &right)) in last.iter_mut().zip(left_rest.iter().zip(right_rest)) {
            *last = left * right;
        }
        (0..LANES).for_each(|lane| lanes[lane] = lanes[lane] + (partial[lane] + last[lane]));
    }
    join(lanes, |a, b| a + b)
}

/// Numbers to read, as many as there are lanes, and where to write what is made of them, if anywhere.
trait Block<T> {
    fn input(&self) -> &[T; LANES];
    fn write(&mut self, powers: &[T]);
}

/// Nothing is written.
impl<T: Copy> Block<T> for &[T; LANES] {
    #[inline(always)]
    fn input(&self) -> &[T; LANES] {
        self
    }

    #[inline(always)]
    fn write(&mut self, _powers: &[T]) {}
}

/// Written over what was read.
impl<T: Copy> Block<T> for &mut [T; LANES] {
    #[inline(always)]
    fn input(&self) -> &[T; LANES] {
        self
    }

    #[inline(always)]
    fn write(&mut self, powers: &[T]) {
        self.copy_from_slice(powers);
    }
}

/// Written elsewhere.
impl<T: Copy> Block<T> for (&[T; LANES], &mut [T; LANES]) {
    #[inline(always)]
    fn input(&self) -> &[T; LANES] {
        self.0
    }

    #[inline(always)]
    fn write(&mut self, powers: &[T]) {
        self.1.copy_from_slice(powers);
    }
}

/// The lanes' sums of e^(x − shift), chunk by chunk. `last` has the powers of what is left behind the blocks, and zeros.
struct SumPowers<T, B> {
    kernel: ExpShifted<T>,
    blocks: B,
    chunks: usize,
    last: [T; LANES],
}

impl<T: Float, B: Iterator<Item: Block<T>>> Work for SumPowers<T, B> {
    type Output = [T; LANES];

    #[inline(always)]
    fn run<const FMA: bool>(mut self) -> [T; LANES] {
        let mut lanes = [T::ZERO; LANES];
        for chunk in 1..=self.chunks {
            let mut partial = [T::ZERO; LANES];
            for mut block in self.blocks.by_ref().take(CHUNK / LANES) {
                let mut powers = *block.input();
                for power in &mut powers {
                    *power = self.kernel.apply::<FMA>(*power);
                }
                for (partial, &power) in partial.iter_mut().zip(&powers) {
                    *partial = *partial + power;
                }
                block.write(&powers);
            }
            let last = if chunk == self.chunks { self.last } else { [T::ZERO; LANES] };
            for ((lane, partial), last) in lanes.iter_mut().zip(partial).zip(last) {
                *lane = *lane + (partial + last);
            }
        }
        lanes
    }

    #[cfg(target_arch = "x86_64")]
    #[inline(always)]
    fn run_wide(mut self) -> [T; LANES] {
        let mut sums = [T::Wide::splat(T::ZERO); VECTORS];
        for chunk in 1..=self.chunks {
            let mut partial = [T::Wide::splat(T::ZERO); VECTORS];
            for mut block in self.blocks.by_ref().take(CHUNK / LANES) {
                let mut powers = [T::ZERO; LANES];
                let vectors = block.input().chunks_exact(T::LANES).zip(powers.chunks_exact_mut(T::LANES));
                for ((x, power), partial) in vectors.zip(&mut partial) {
                    let value = self.kernel.apply_wide(T::Wide::load(x));
                    *partial = *partial + value;
                    value.store(power);
                }
                block.write(&powers);
            }
            let last = if chunk == self.chunks { self.last } else { [T::ZERO; LANES] };
            for ((sum, partial), last) in sums.iter_mut().zip(partial).zip(last.chunks_exact(T::LANES)) {
                *sum = *sum + (partial + T::Wide::load(last));
            }
        }
        let mut lanes = [T::ZERO; LANES];
        lanes.chunks_exact_mut(T::LANES).zip(sums).for_each(|(lanes, sum)| sum.store(lanes));
        lanes
    }
}

/// The sum over blocks, and the values behind them, whose powers are at hand.
fn sum_powers<T: Float>(blocks: impl Iterator<Item: Block<T>>, length: usize, shift: T, last: [T; LANES]) -> T {
    let work = SumPowers { kernel: ExpShifted(shift), blocks, chunks: length.div_ceil(CHUNK), last };
    join(dispatch(work), |a, b| a + b)
}

/// The powers of the values behind the blocks of a chunk, and zeros.
fn last_powers<T: Float>(values: &[T], shift: T) -> [T; LANES] {
    let mut last = [T::ZERO; LANES];
    map_to(ExpShifted(shift), values, &mut last[..values.len()]);
    last
}

/// The sum of e^(x − shift) over the values x, with the bits that [`exp_then_sum`] gives, and nothing stored.
///
/// The shift is for the caller to choose finite: with x = shift = −∞ the difference is NaN.
pub fn sum_exp<T: Float>(values: &[T], shift: T) -> T {
    let (blocks, rest) = values.as_chunks();
    sum_powers(blocks.iter(), values.len(), shift, last_powers(rest, shift))
}

/// Replaces each x by e^(x − shift) and returns the [`sum`] of these, in one pass.
///
/// x − shift is rounded to the type before the exponential, as everywhere where the difference is formed first.
pub fn exp_then_sum<T: Float>(values: &mut [T], shift: T) -> T {
    let length = values.len();
    let (blocks, rest) = values.as_chunks_mut();
    let last = last_powers(rest, shift);
    rest.copy_from_slice(&last[..rest.len()]);
    sum_powers(blocks.iter_mut(), length, shift, last)
}

/// Writes e^(x − shift) for each x of `values` to `output` and returns their [`sum`], in one pass.
///
/// # Panics
/// If the slices differ in length.
pub fn exp_then_sum_to<T: Float>(values: &[T], output: &mut [T], shift: T) -> T {
    assert_eq!(values.len(), output.len(), "the input and the output of a vector function differ in length");
    let ((blocks, rest), (output, output_rest)) = (values.as_chunks(), output.as_chunks_mut());
    let last = last_powers(rest, shift);
    output_rest.copy_from_slice(&last[..rest.len()]);
    sum_powers(blocks.iter().zip(output), values.len(), shift, last)
}
