//! Long sums for a small result: the sum is cut into pieces, which may run at once, each with a result of its own.
//!
//! The gradient by the weights of a layer with few outputs sums over all rows of the data, and gives no other work to share.
//! The pieces depend on the shape alone, and are joined in their order: the bits are the same for any number of threads.

use super::panels::{Offsets, Product};
use crate::buffers::{Aligned, Pool};
use crate::vector::Lanes;
use rayon::prelude::*;
use std::mem::take;
use std::ops::Range;

/// Turns of a piece, at least.
const PIECE: usize = 1024;
/// Pieces at most.
const MOST_PIECES: usize = 64;
/// A larger result is not kept several times, and has parts enough.
const LARGEST_RESULT: usize = 1 << 14;

impl<V: Lanes> Product<'_, V> {
    /// How many turns a piece has, if the sum is cut.
    pub(super) fn piece(&self) -> Option<usize> {
        let (result, turns) = (self.rows.count() * self.columns.count(), self.contracted.count());
        let pieces = (turns / PIECE).min(MOST_PIECES);
        (result <= LARGEST_RESULT && pieces > 1).then(|| turns.div_ceil(pieces))
    }

    /// Works out the pieces, of so many turns each, and joins them.
    pub(super) fn run_in_pieces(&mut self, piece: usize, pool: &Pool<V::Element>) {
        let (rows, columns, turns) = (self.rows.count(), self.columns.count(), self.contracted.count());
        let mut results: Aligned<V::Element> = pool.with(|scratch| take(&mut scratch.pieces));
        let pieces = results.room(turns.div_ceil(piece) * rows * columns);
        let (row, column) = if self.columns.stride() == 1 { (columns, 1) } else { (1, rows) };
        let whole = &*self;
        pieces.par_chunks_mut(rows * columns).enumerate().with_max_len(1).for_each(|(number, out)| {
            let (contracted, (left, right)) = whole.contracted.part(number * piece..((number + 1) * piece).min(turns));
            let (rows, columns) = (whole.rows.with_first(row), whole.columns.with_first(column));
            let (left, right) = (&whole.left[left..], &whole.right[right..]);
            Product::<V> { out, left, right, rows, columns, contracted, accumulate: false, far: whole.far }
                .run_alone(pool);
        });
        for (number, sums) in pieces.chunks(rows * columns).enumerate() {
            let add = self.accumulate || number > 0;
            for (at_row, at_column) in (0..rows).flat_map(|row| (0..columns).map(move |column| (row, column))) {
                let out = &mut self.out[self.rows.first(at_row) + self.columns.first(at_column)];
                let sum = sums[at_row * row + at_column * column];
                *out = if add { *out + sum } else { sum };
            }
        }
        pool.with(|scratch| scratch.pieces = results);
    }
}

impl Offsets {
    /// The same turns with the places of the first matrix so far apart.
    fn with_first(&self, stride: usize) -> Offsets {
        match self {
            Offsets::Even((count, _, second)) => Offsets::Even((*count, stride, *second)),
            Offsets::Table(table) => {
                Offsets::Table(table.iter().enumerate().map(|(turn, &(_, second))| (turn * stride, second)).collect())
            }
        }
    }

    /// Some of the turns, and from where on in both matrices.
    fn part(&self, turns: Range<usize>) -> (Offsets, (usize, usize)) {
        match self {
            Offsets::Even((_, first, second)) => {
                (Offsets::Even((turns.len(), *first, *second)), (turns.start * first, turns.start * second))
            }
            Offsets::Table(table) => (Offsets::Table(table[turns].iter().copied().collect()), (0, 0)),
        }
    }
}
