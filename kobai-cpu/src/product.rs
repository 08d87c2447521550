//! Matrix products, through the `gemm` crate.
//!
//! The crate adds up in an order that depends on the shape alone, not on the number of threads (a test holds it to that).
//! It knows nothing of the rule that a factor of exactly 0 removes the other, which matters only next to ∞ and NaN: where
//! an operand is not finite, plain loops do the work.
#![allow(unsafe_code)] // gemm takes pointers and strides.

use crate::buffers::Store;
use crate::execute::buffer_of;
use crate::execute::layout::{Chunk, Layout, Loops, View};
use crate::tile::multiply;
use crate::vector::Float;
use kobai::expr::Reduction;
use kobai::plan::tape::{Operation, Place};
use kobai::plan::{Operand, Plan, Step};

/// Multiplications that are worth a second thread.
const PARALLEL_WORK: usize = 1 << 20;

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
    loops: Loops,
    rows: Vec<usize>,
    columns: Vec<usize>,
    contracted: usize,
}

/// A loop as both of its tensors see it: how long it is, and the strides in the result and in the factor.
type Dimension = (usize, usize, usize);

/// One matrix product in memory: m × n × k and the strides (row, column) of each matrix.
#[derive(Clone, Copy, Debug)]
struct Shape {
    rows: Dimension,
    columns: Dimension,
    /// Length, stride in the left factor, stride in the right one.
    contracted: Dimension,
}

impl ProductStep {
    /// A matrix product of a plan, or a sum of products of two entries that is one; `None` for other steps.
    pub fn new(plan: &Plan, layouts: &[Layout], step: &Step) -> Option<ProductStep> {
        match step {
            Step::MatrixProduct { out, left, right, loops, accumulate, .. } => {
                let bounds = Loops::new(plan, loops);
                let view = |operand: &Operand| {
                    let places = operand.places.iter().copied().enumerate();
                    View::new(&layouts[operand.tensor.0], &bounds, buffer_of(plan, operand.tensor), places)
                };
                ProductStep::of_views(view(out), view(left), view(right), bounds, *accumulate)
            }
            Step::Reduce { out, reduction: Reduction::Sum, loops, tape, accumulate, .. } => {
                let bounds = Loops::new(plan, loops);
                let free = loops.len().checked_sub(1).filter(|&free| free > 0)?;
                let view = |operation: &Operation| plain_view(plan, layouts, &bounds, operation);
                let [left, right, Operation::Multiply(0, 1) | Operation::MultiplyFinite(0, 1)] = &tape.operations[..]
                else {
                    return None;
                };
                let out = View::new(&layouts[out.0], &bounds, buffer_of(plan, *out), (0..free).map(|place| (place, place)));
                ProductStep::of_views(out, view(left)?, view(right)?, bounds, *accumulate)
            }
            _ => None,
        }
    }

    /// `None` unless each loop but the last is in exactly one factor, and the last in both.
    fn of_views(out: View, left: View, right: View, loops: Loops, accumulate: bool) -> Option<ProductStep> {
        let contracted = loops.sizes.len().checked_sub(1)?;
        let in_left = |one: &usize| left.strides[*one] != 0;
        let (rows, columns): (Vec<usize>, Vec<usize>) = (0..contracted).partition(in_left);
        let apart =
            rows.iter().all(|&one| right.strides[one] == 0) && columns.iter().all(|&one| right.strides[one] != 0);
        let shared = left.strides[contracted] != 0 && right.strides[contracted] != 0;
        (apart && shared).then_some(ProductStep { out, left, right, accumulate, loops, rows, columns, contracted })
    }

    /// Runs the product for a chunk into the whole buffer of its result.
    pub fn run<T: Float>(&self, store: Store<T>, chunk: Chunk, out: &mut [T], finite: bool) {
        let lengths = self.loops.lengths(chunk);
        let [left, right] = [&self.left, &self.right].map(|view| {
            let (entries, first) = store.tensor(view.tensor);
            (entries, view.offset(&[], chunk) - first)
        });
        let (first, written) = (self.out.offset(&[], chunk), out.len());
        let dimensions = |loops: &[usize], factor: &View| -> Vec<Dimension> {
            merged(loops.iter().map(|&one| (lengths[one], self.out.strides[one], factor.strides[one])))
        };
        let (mut rows, mut columns) = (dimensions(&self.rows, &self.left), dimensions(&self.columns, &self.right));
        let (row, column) = (take_longest(&mut rows), take_longest(&mut columns));
        let contracted = self.contracted;
        let contracted = (lengths[contracted], self.left.strides[contracted], self.right.strides[contracted]);
        let shape = Shape { rows: row, columns: column, contracted };
        for (out_row, left_row) in offsets(&rows) {
            for (out_column, right_column) in offsets(&columns) {
                let out = &mut out[(first + out_row + out_column).min(written)..];
                let left = &left.0[(left.1 + left_row).min(left.0.len())..];
                let right = &right.0[(right.1 + right_column).min(right.0.len())..];
                if finite {
                    shape.multiply(out, left, right, self.accumulate);
                } else {
                    shape.multiply_plainly(out, left, right, self.accumulate);
                }
            }
        }
    }

    /// True if every entry that the product reads of a factor in this chunk is finite.
    pub fn is_finite<T: Float>(&self, view: &View, store: Store<T>, chunk: Chunk) -> bool {
        let lengths = self.loops.lengths(chunk);
        let mut dimensions: Vec<Dimension> = (0..lengths.len())
            .filter(|&one| view.strides[one] != 0)
            .map(|one| (lengths[one], view.strides[one], 0))
            .collect();
        dimensions.sort_by_key(|&(_, stride, _)| std::cmp::Reverse(stride));
        let mut dimensions = merged(dimensions.into_iter());
        let last = dimensions.pop().unwrap_or((1, 1, 0));
        let (entries, before) = store.tensor(view.tensor);
        let first = view.offset(&[], chunk) - before;
        offsets(&dimensions).into_iter().all(|(offset, _)| {
            let entries = &entries[(first + offset).min(entries.len())..];
            if last.1 == 1 {
                return all_finite(&entries[..last.0]);
            }
            entries.iter().step_by(last.1).take(last.0).all(|&entry| all_finite(&[entry]))
        })
    }
}

/// An entry of a tensor at different loops.
fn plain_view(plan: &Plan, layouts: &[Layout], loops: &Loops, operation: &Operation) -> Option<View> {
    let Operation::Load(tensor, places) = operation else {
        return None;
    };
    let mut found: Vec<(usize, usize)> = Vec::new();
    for (place, what) in places.iter().enumerate() {
        match *what {
            Place::Loop(one) if found.iter().all(|(_, known)| *known != one) => found.push((place, one)),
            _ => return None,
        }
    }
    Some(View::new(&layouts[tensor.0], loops, buffer_of(plan, *tensor), found.into_iter()))
}

fn all_finite<T: Float>(entries: &[T]) -> bool {
    let is_finite = |entry: T| entry.magnitude() < T::INFINITY;
    entries.chunks(256).all(|entries| entries.iter().fold(true, |all, &entry| all & is_finite(entry)))
}

/// Neighbouring loops as one where they go through both tensors without a gap; loops of one turn left out.
fn merged(loops: impl Iterator<Item = Dimension>) -> Vec<Dimension> {
    let mut merged: Vec<Dimension> = Vec::new();
    for one in loops.filter(|one| one.0 != 1) {
        match merged.last_mut() {
            Some(last) if last.1 == one.0 * one.1 && last.2 == one.0 * one.2 => *last = (last.0 * one.0, one.1, one.2),
            _ => merged.push(one),
        }
    }
    merged
}

fn take_longest(dimensions: &mut Vec<Dimension>) -> Dimension {
    let longest = (0..dimensions.len()).max_by_key(|&one| dimensions[one].0);
    longest.map_or((1, 1, 1), |one| dimensions.remove(one))
}

/// The offsets in both tensors at all turns of loops.
fn offsets(dimensions: &[Dimension]) -> Vec<(usize, usize)> {
    let mut offsets = vec![(0, 0)];
    for &(length, first, second) in dimensions {
        let turn = |(a, b): (usize, usize)| (0..length).map(move |turn| (a + turn * first, b + turn * second));
        offsets = offsets.into_iter().flat_map(turn).collect();
    }
    offsets
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
