//! Matrix products: in vectors of AVX-512, and those that are not large in vectors of AVX2 ([`panels`]), else through the
//! `gemm` crate.
//!
//! Both add up in an order that depends on the shape alone, not on the number of threads (a test holds them to that).
//! Neither knows of the rule that a factor of exactly 0 removes the other, which matters only next to ∞ and NaN: where
//! an operand is not finite, plain loops do the work.
#![allow(unsafe_code)] // gemm takes pointers and strides.

#[cfg(target_arch = "x86_64")]
mod dots;
mod offsets;
#[cfg(target_arch = "x86_64")]
mod pack;
#[cfg(target_arch = "x86_64")]
mod panels;
#[cfg(target_arch = "x86_64")]
mod split;
#[cfg(test)]
mod tests;
#[cfg(target_arch = "x86_64")]
mod tile;

use crate::buffers::{Pool, Store};
use crate::execute::buffer_of;
use crate::execute::layout::{Chunk, Layout, Loops, View};
use crate::execute::strips::Accumulation;
use crate::tile::multiply;
#[cfg(target_arch = "x86_64")]
use crate::vector::Lanes;
use crate::vector::{self, Float};
use kobai::expr::Reduction;
use kobai::plan::{Operand, Plan, Step};
use offsets::{Dimension, Dimensions, merged, offsets};
use rayon::prelude::*;
use smallvec::smallvec;

/// Multiplications that are worth a second thread.
const PARALLEL_WORK: usize = 1 << 20;
/// Multiplications from which on `gemm` is faster than tiles in vectors of AVX2 (measured on a processor without AVX-512).
#[cfg(target_arch = "x86_64")]
const LARGE_WORK: usize = 1 << 27;

/// out[rows, columns] (+)= Σ left[rows, contracted] · right[contracted, columns]
#[derive(Debug)]
pub(crate) struct ProductStep {
    /// The tensor written.
    pub out: View,
    /// The factor with the rows.
    pub left: View,
    /// The other one.
    pub right: View,
    /// True if chunks add up.
    pub accumulate: bool,
    /// The buffer of what the sum over tasks has lost so far, where tasks have sums of their own.
    pub low: Option<usize>,
    loops: Loops,
    rows: Vec<usize>,
    columns: Vec<usize>,
    contracted: Vec<usize>,
}

/// One matrix product in memory: m × n × k and the strides (row, column) of each matrix.
#[derive(Clone, Copy, Debug)]
struct Shape {
    rows: Dimension,
    columns: Dimension,
    /// Length, stride in the left factor, stride in the right one.
    contracted: Dimension,
}

impl ProductStep {
    /// A matrix product of a plan; `None` for other steps, and for one in which a loop is not where its kind has it.
    pub fn new(plan: &Plan, layouts: &[Layout], step: &Step) -> Option<ProductStep> {
        let Step::MatrixProduct { out, left, right, loops, rows, columns, accumulate } = step else { return None };
        let bounds = Loops::new(plan, loops);
        let view = |operand: &Operand| {
            let places = operand.places.iter().copied().enumerate();
            View::new(&layouts[operand.tensor.0], &bounds, buffer_of(plan, operand.tensor), places)
        };
        let (out, left, right) = (view(out), view(left), view(right));
        let free = rows + columns;
        let fits = |one: usize| {
            (left.strides[one] != 0, right.strides[one] != 0) == (one < *rows || one >= free, one >= *rows)
        };
        (0..loops.len()).all(fits).then(|| ProductStep {
            out,
            left,
            right,
            accumulate: *accumulate,
            low: None,
            rows: (0..*rows).collect(),
            columns: (*rows..free).collect(),
            contracted: (free..loops.len()).collect(),
            loops: bounds,
        })
    }

    /// What is summed up over chunks, and joined if tasks do it.
    pub fn accumulation(&self) -> Option<Accumulation> {
        let places = [Some(self.out.tensor), None, self.low];
        self.accumulate.then_some(Accumulation { reduction: Reduction::Sum, places, tasks_know_lost: false })
    }

    /// Runs the product for a chunk into the buffer of its result, or a part of it whose first entry has the number `before`.
    pub fn run<T: Float>(
        &self,
        store: Store<T>,
        chunk: Chunk,
        (out, before): (&mut [T], usize),
        finite: bool,
        pool: &Pool<T>,
    ) {
        let lengths = self.loops.lengths(chunk);
        let [left, right] = [&self.left, &self.right].map(|view| {
            let (entries, first) = store.tensor(view.tensor);
            &entries[(view.offset(&[], chunk) - first).min(entries.len())..]
        });
        let first = (self.out.offset(&[], chunk) - before).min(out.len());
        let dimensions = |loops: &[usize], factor: &View| -> Dimensions {
            merged(loops.iter().map(|&one| (lengths[one], self.out.strides[one], factor.strides[one])))
        };
        let both = |&one: &usize| (lengths[one], self.left.strides[one], self.right.strides[one]);
        let mut contracted = merged(self.contracted.iter().map(both));
        // A sum over nothing is still written.
        if contracted.iter().any(|one| one.0 == 0) {
            contracted = smallvec![(0, 1, 1)];
        }
        let product = Product {
            out: &mut out[first..],
            left,
            right,
            rows: dimensions(&self.rows, &self.left),
            columns: dimensions(&self.columns, &self.right),
            contracted,
            accumulate: self.accumulate,
        };
        product.run(finite, pool);
    }

    /// How many entries of a factor or of the result belong to this chunk.
    pub fn count(&self, view: &View, chunk: Chunk) -> usize {
        let lengths = self.loops.lengths(chunk);
        (0..lengths.len()).filter(|&one| view.strides[one] != 0).map(|one| lengths[one]).product()
    }

    /// True if every entry of a factor or of the result that belongs to this chunk is finite. Of `entries` the first one has
    /// the number `before`.
    pub fn is_finite<T: Float>(&self, view: &View, (entries, before): (&[T], usize), chunk: Chunk) -> bool {
        let lengths = self.loops.lengths(chunk);
        let mut dimensions: Dimensions = (0..lengths.len())
            .filter(|&one| view.strides[one] != 0)
            .map(|one| (lengths[one], view.strides[one], 0))
            .collect();
        dimensions.sort_by_key(|&(_, stride, _)| std::cmp::Reverse(stride));
        let mut dimensions = merged(dimensions.into_iter());
        let last = dimensions.pop().unwrap_or((1, 1, 0));
        let first = view.offset(&[], chunk) - before;
        offsets(&dimensions).into_iter().all(|(offset, _)| {
            let entries = &entries[(first + offset).min(entries.len())..];
            if last.1 == 1 {
                return all_finite(&entries[..last.0]);
            }
            entries.iter().step_by(last.1).take(last.0).all(|entry| entry.magnitude() < T::INFINITY)
        })
    }
}

/// Whether all entries are finite; many are looked at by several threads.
fn all_finite<T: Float>(entries: &[T]) -> bool {
    if entries.len() < PARALLEL_WORK {
        return vector::all_finite(entries);
    }
    entries.par_chunks(PARALLEL_WORK / 4).all(vector::all_finite)
}

fn take_longest(dimensions: &mut Dimensions) -> Dimension {
    let longest = (0..dimensions.len()).max_by_key(|&one| dimensions[one].0);
    longest.map_or((1, 1, 1), |one| dimensions.remove(one))
}

/// One product in memory. For rows, columns and contracted turns the loops: of the first two the strides in the result and
/// in the factor, of the last those in both factors.
struct Product<'a, T> {
    out: &'a mut [T],
    left: &'a [T],
    right: &'a [T],
    rows: Dimensions,
    columns: Dimensions,
    contracted: Dimensions,
    accumulate: bool,
}

impl<T: Float> Product<'_, T> {
    fn run(self, finite: bool, pool: &Pool<T>) {
        #[cfg(target_arch = "x86_64")]
        match vector::Level::current() {
            vector::Level::Avx512 if finite => return self.run_in_panels::<T::Wide>(pool),
            vector::Level::Avx2 if finite && self.multiplications() < LARGE_WORK => {
                return self.run_in_panels::<T::Narrow>(pool);
            }
            _ => {}
        }
        // `gemm` has memory of its own.
        let _ = pool;
        let Product { out, left, right, mut rows, mut columns, mut contracted, accumulate } = self;
        let (row, column) = (take_longest(&mut rows), take_longest(&mut columns));
        let shape = Shape { rows: row, columns: column, contracted: take_longest(&mut contracted) };
        for (out_row, left_row) in offsets(&rows) {
            for &(out_column, right_column) in &offsets(&columns) {
                for (number, &(left_next, right_next)) in offsets(&contracted).iter().enumerate() {
                    let out = tail(out, out_row + out_column);
                    let (left, right) = (from(left, left_row + left_next), from(right, right_column + right_next));
                    let accumulate = accumulate || number > 0;
                    if finite {
                        shape.multiply(out, left, right, accumulate);
                    } else {
                        shape.multiply_plainly(out, left, right, accumulate);
                    }
                }
            }
        }
    }

    #[cfg(target_arch = "x86_64")]
    fn multiplications(&self) -> usize {
        [&self.rows, &self.columns, &self.contracted].into_iter().map(count).fold(1, usize::saturating_mul)
    }

    /// The columns are the loops that fill vectors the better; else the loop whose entries lie side by side in the result, or
    /// the longer one. What turns beside it is gone through one by one.
    #[cfg(target_arch = "x86_64")]
    fn run_in_panels<V: Lanes<Element = T>>(mut self, pool: &Pool<T>) {
        if self.run_along_rows::<V>(pool) {
            return;
        }
        let Product { out, left, right, rows, columns, contracted, accumulate } = self;
        let along = |loops: &Dimensions| {
            loops.iter().map(|&(length, stride, _)| (stride == 1, length)).max().unwrap_or((true, 1))
        };
        let (straight, across) = (vectors::<V>(&rows, &columns), vectors::<V>(&columns, &rows));
        let turned = if across.max(straight) > across.min(straight) * 5 / 4 {
            across < straight
        } else {
            along(&rows) > along(&columns)
        };
        let contracted = match turned {
            true => contracted.into_iter().map(|(length, left, right)| (length, right, left)).collect(),
            false => contracted,
        };
        let (left, right, rows, mut columns) =
            if turned { (right, left, columns, rows) } else { (left, right, rows, columns) };
        let longest = (0..columns.len()).max_by_key(|&one| (columns[one].1 == 1, columns[one].0));
        let column = longest.map_or((1, 1, 1), |one| columns.remove(one));
        let far = [left, right].map(|factor| panels::is_far(factor.len()));
        for (out_column, right_column) in offsets(&columns) {
            let product = panels::Product::<V> {
                out: tail(out, out_column),
                left,
                right: from(right, right_column),
                rows: panels::Offsets::new(&rows),
                columns: panels::Offsets::new(&[column]),
                contracted: panels::Offsets::new(&contracted),
                accumulate,
                far,
            };
            product.run(pool);
        }
    }
}

/// How many turns some loops have together.
#[cfg(target_arch = "x86_64")]
fn count(loops: &Dimensions) -> usize {
    loops.iter().map(|one| one.0).product()
}

/// What a turn of the sums costs with these loops as rows and as columns, in operations on vectors: those of the tiles, and
/// those of packing columns, which are turned in registers unless they lie side by side, and read where they lie if there are
/// few rows.
#[cfg(target_arch = "x86_64")]
fn vectors<V: Lanes>(rows: &Dimensions, columns: &Dimensions) -> usize {
    /// What turning a vector takes, with its reads from rows that lie apart (measured on a processor of AVX-512).
    const TURNING: usize = 11;
    let longest = columns.iter().max_by_key(|one| (one.1 == 1, one.0)).copied().unwrap_or((1, 1, 1));
    let vectors = longest.0.div_ceil(V::COUNT) * (count(columns) / longest.0.max(1));
    let packing = match longest.2 {
        1 if count(rows) <= tile::FEW_ROWS => 0,
        1 => 1,
        _ => TURNING,
    };
    vectors * (count(rows) + packing)
}

#[cfg(target_arch = "x86_64")]
impl<T: Float> Product<'_, T> {
    /// Runs it if it is a matrix whose rows lie side by side, times a vector, and says whether it is.
    fn run_along_rows<V: Lanes<Element = T>>(&mut self, pool: &Pool<T>) -> bool {
        let (matrix, stride, vector, step, rows, length) =
            match (&self.rows[..], &self.columns[..], &self.contracted[..]) {
                // A sum over nothing has no rows.
                (.., &[(0, ..)]) => return false,
                (&[(rows, 1, stride)], [], &[(length, 1, step)]) => (self.left, stride, self.right, step, rows, length),
                ([], &[(rows, 1, stride)], &[(length, step, 1)]) => (self.right, stride, self.left, step, rows, length),
                _ => return false,
            };
        pool.with(|scratch| {
            let packed = scratch.packed[0].room(length.next_multiple_of(V::COUNT));
            packed.iter_mut().enumerate().for_each(|(turn, number)| {
                *number = if turn < length { vector[turn * step] } else { T::ZERO };
            });
            let (out, accumulate) = (&mut self.out[..rows], self.accumulate);
            dots::Dots { out, matrix, stride, vector: packed, length, accumulate }.run::<V>();
        });
        true
    }
}

/// The entries from one on, or none.
fn from<T>(entries: &[T], first: usize) -> &[T] {
    &entries[first.min(entries.len())..]
}

/// The same, to write.
fn tail<T>(entries: &mut [T], first: usize) -> &mut [T] {
    let length = entries.len();
    &mut entries[first.min(length)..]
}

/// How many entries lie between the first one and the last one, both counted.
fn reach(dimensions: [(usize, usize); 2]) -> usize {
    if dimensions.iter().any(|(length, _)| *length == 0) {
        return 0;
    }
    1 + dimensions.iter().map(|(length, stride)| (length - 1) * stride).sum::<usize>()
}

impl Shape {
    /// # Panics
    /// If a matrix is longer than its slice, which no plan of the planner asks for.
    fn multiply<T: Float>(&self, out: &mut [T], left: &[T], right: &[T], accumulate: bool) {
        let ((m, out_row, left_row), (n, out_column, right_column)) = (self.rows, self.columns);
        let (k, left_next, right_next) = self.contracted;
        let out = &mut out[..reach([(m, out_row), (n, out_column)])];
        let left = &left[..reach([(m, left_row), (k, left_next)])];
        let right = &right[..reach([(k, right_next), (n, right_column)])];
        let parallel = m.saturating_mul(n).saturating_mul(k) >= PARALLEL_WORK;
        let parallelism = if parallel { gemm::Parallelism::Rayon(0) } else { gemm::Parallelism::None };
        let signed = |stride: usize| stride as isize;
        // SAFETY: every index that the shape reaches lies in the three slices cut just now, the result's entries have
        // different offsets, and its slice is borrowed mutably, so that it overlaps neither of the factors.
        unsafe {
            gemm::gemm(
                m,
                n,
                k,
                out.as_mut_ptr(),
                signed(out_column),
                signed(out_row),
                accumulate,
                left.as_ptr(),
                signed(left_next),
                signed(left_row),
                right.as_ptr(),
                signed(right_column),
                signed(right_next),
                T::ONE,
                T::ONE,
                false,
                false,
                false,
                parallelism,
            );
        }
    }

    /// The same with the rule that a factor of exactly 0 removes the other.
    fn multiply_plainly<T: Float>(&self, out: &mut [T], left: &[T], right: &[T], accumulate: bool) {
        let ((m, out_row, left_row), (n, out_column, right_column)) = (self.rows, self.columns);
        let (k, left_next, right_next) = self.contracted;
        for row in 0..m {
            for column in 0..n {
                let term = |at: usize| {
                    let (left, right) =
                        (left[row * left_row + at * left_next], right[at * right_next + column * right_column]);
                    multiply(left, right)
                };
                let sum = (0..k).fold(T::ZERO, |sum, at| sum + term(at));
                let out = &mut out[row * out_row + column * out_column];
                *out = if accumulate { *out + sum } else { sum };
            }
        }
    }
}
