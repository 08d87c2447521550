//! A matrix times a vector, where the rows of the matrix lie side by side: each entry of the result is a dot product along a
//! row. Tiles would use one lane of a vector, or turn the matrix first.
//!
//! As many rows as a vector has lanes are summed up at once, each in lanes of its own; these are turned, and added up.
#![allow(unsafe_code)] // For vectors that the processor has to have.

use crate::vector::{Float, LaneWork, Lanes, prefetch};
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
    /// Works them out in these vectors.
    ///
    /// # Panics
    /// If the matrix or the vector is shorter than said, or the processor lacks the vectors.
    pub fn run<V: Lanes<Element = T>>(self) {
        assert!(V::LEVEL.is_available(), "the processor lacks the vectors of a matrix product");
        let Dots { out, matrix, stride, vector, length, accumulate } = self;
        let rows = |(number, out)| {
            let matrix = &matrix[number * TASK_ROWS * stride..];
            // SAFETY: the processor was seen to have the vectors.
            unsafe { V::do_work(Dots { out, matrix, stride, vector, length, accumulate }) };
        };
        if out.len() * length < PARALLEL_WORK {
            out.chunks_mut(TASK_ROWS).enumerate().for_each(rows);
        } else {
            out.par_chunks_mut(TASK_ROWS).enumerate().for_each(rows);
        }
    }
}

impl<T: Float, V: Lanes<Element = T>> LaneWork<V> for Dots<'_, T> {
    #[inline(always)]
    fn run(self) {
        for (block, out) in self.out.chunks_mut(V::COUNT).enumerate() {
            let first = block * V::COUNT;
            // As many as COUNT can be, of which the first COUNT are used.
            let mut sums = [V::splat(T::ZERO); 16];
            for (lane, sum) in sums[..V::COUNT].iter_mut().enumerate() {
                // Behind the last row its sum is made again, and not used.
                let row = (first + lane).min(first + out.len() - 1);
                let numbers = &self.matrix[row * self.stride..][..self.length];
                // The processor sees short rows, and asks for none of them.
                let next = (row + V::COUNT) * self.stride;
                prefetch(self.matrix.get(next..next + self.length).unwrap_or_default());
                *sum = along::<V>(numbers, self.vector);
            }
            V::transpose(&mut sums[..V::COUNT]);
            let mut count = V::COUNT;
            while count > 1 {
                count /= 2;
                for lane in 0..count {
                    sums[lane] = sums[lane] + sums[lane + count];
                }
            }
            (if self.accumulate { V::load_first(out) + sums[0] } else { sums[0] }).store_first(out);
        }
    }
}

/// The sums of the products of numbers and a vector, lane by lane.
#[inline(always)]
fn along<V: Lanes>(numbers: &[V::Element], vector: &[V::Element]) -> V {
    // Two, since one would wait for itself.
    let mut sums = [V::splat(V::Element::ZERO); 2];
    let (pairs, factors) = (numbers.chunks_exact(2 * V::COUNT), vector.chunks(2 * V::COUNT));
    let mut rest = pairs.remainder();
    for (numbers, factors) in pairs.zip(factors) {
        for (lane, sum) in sums.iter_mut().enumerate() {
            let place = lane * V::COUNT..(lane + 1) * V::COUNT;
            *sum = V::load(&numbers[place.clone()]).multiply_add(V::load(&factors[place]), *sum);
        }
    }
    let mut factors = &vector[numbers.len() - rest.len()..];
    for sum in &mut sums {
        let (first, others) = rest.split_at(V::COUNT.min(rest.len()));
        if !first.is_empty() {
            *sum = V::load_first(first).multiply_add(V::load(&factors[..V::COUNT]), *sum);
            factors = &factors[V::COUNT..];
        }
        rest = others;
    }
    sums[0] + sums[1]
}
