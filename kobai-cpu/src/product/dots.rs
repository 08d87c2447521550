//! A matrix times a vector, where the rows of the matrix lie side by side: each entry of the result is a dot product along a
//! row. Tiles would use one lane of a vector, or turn the matrix first.
//!
//! As many rows as a vector has lanes are summed up at once, each in lanes of its own; these are turned, and added up.

use crate::vector::{Float, Wide, Work, dispatch, prefetch};
use rayon::prelude::*;

/// Rows that are worth a task.
const TASK_ROWS: usize = 1024;
/// Multiplications that are worth a second thread.
const PARALLEL_WORK: usize = 1 << 18;

/// out[row] (+)= Σ matrix[row, turn] · vector[turn]
pub(super) struct Dots<'a, T> {
    /// The result, as long as there are rows.
    pub out: &'a mut [T],
    /// The matrix, the entries of a row side by side.
    pub matrix: &'a [T],
    /// From row to row.
    pub stride: usize,
    /// The vector, with zeros behind it up to a whole number of vectors.
    pub vector: &'a [T],
    /// The length of a row.
    pub length: usize,
    /// Whether the result is added to.
    pub accumulate: bool,
}

impl<T: Float> Dots<'_, T> {
    /// Works them out. The processor must have AVX-512.
    ///
    /// # Panics
    /// If the matrix or the vector is shorter than said.
    pub fn run(self) {
        let Dots { out, matrix, stride, vector, length, accumulate } = self;
        let rows = |(number, out)| {
            let matrix = &matrix[number * TASK_ROWS * stride..];
            dispatch(Dots { out, matrix, stride, vector, length, accumulate });
        };
        if out.len() * length < PARALLEL_WORK {
            out.chunks_mut(TASK_ROWS).enumerate().for_each(rows);
        } else {
            out.par_chunks_mut(TASK_ROWS).enumerate().for_each(rows);
        }
    }
}

impl<T: Float> Work for Dots<'_, T> {
    type Output = ();

    fn run<const FMA: bool>(self) {
        unreachable!("rows are summed up so for AVX-512");
    }

    #[inline(always)]
    fn run_wide(self) {
        for (block, out) in self.out.chunks_mut(T::LANES).enumerate() {
            let first = block * T::LANES;
            // As many as LANES can be, of which the first LANES are used.
            let mut sums = [T::Wide::splat(T::ZERO); 16];
            for (lane, sum) in sums[..T::LANES].iter_mut().enumerate() {
                // Behind the last row its sum is made again, and not used.
                let row = (first + lane).min(first + out.len() - 1);
                let numbers = &self.matrix[row * self.stride..][..self.length];
                // The processor sees short rows, and asks for none of them.
                let next = (row + T::LANES) * self.stride;
                prefetch(self.matrix.get(next..next + self.length).unwrap_or_default());
                *sum = along(numbers, self.vector);
            }
            T::Wide::transpose(&mut sums[..T::LANES]);
            let mut count = T::LANES;
            while count > 1 {
                count /= 2;
                for lane in 0..count {
                    sums[lane] = sums[lane] + sums[lane + count];
                }
            }
            (if self.accumulate { T::Wide::load_first(out) + sums[0] } else { sums[0] }).store_first(out);
        }
    }
}

/// The sums of the products of numbers and a vector, lane by lane.
#[inline(always)]
fn along<T: Float>(numbers: &[T], vector: &[T]) -> T::Wide {
    // Two, since one would wait for itself.
    let mut sums = [T::Wide::splat(T::ZERO); 2];
    let (pairs, factors) = (numbers.chunks_exact(2 * T::LANES), vector.chunks(2 * T::LANES));
    let mut rest = pairs.remainder();
    for (numbers, factors) in pairs.zip(factors) {
        for (lane, sum) in sums.iter_mut().enumerate() {
            let place = lane * T::LANES..(lane + 1) * T::LANES;
            *sum = T::Wide::load(&numbers[place.clone()]).multiply_add(T::Wide::load(&factors[place]), *sum);
        }
    }
    let mut factors = &vector[numbers.len() - rest.len()..];
    for sum in &mut sums {
        let (first, others) = rest.split_at(T::LANES.min(rest.len()));
        if !first.is_empty() {
            *sum = T::Wide::load_first(first).multiply_add(T::Wide::load(&factors[..T::LANES]), *sum);
            factors = &factors[T::LANES..];
        }
        rest = others;
    }
    sums[0] + sums[1]
}
