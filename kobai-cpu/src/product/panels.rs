//! Matrix products in the vectors of AVX-512 or AVX2, for the shapes that losses have: a few hundred rows, a hundred thousand
//! columns, and a factor that lies across.
//!
//! The result is worked out in tiles of up to 14 × 2 vectors (6 × 2 of AVX2) that stay in registers (Goto & van de Geijn, "Anatomy of
//! high-performance matrix multiplication", 2008). The left factor is packed into panels of as many rows as a tile has; of
//! the right one, a block at a time into panels of as many columns as a tile has, when it is needed: it stays in the cache
//! while all rows go by, and nothing of its size is ever stored. Meanwhile the next block is asked for.
//!
//! An entry of the result adds up its products one by one in [`DEPTH`]s, whatever the size of the blocks and the number of
//! threads: they change no bit.
#![allow(unsafe_code)] // Tasks write different columns of the same rows.

use super::offsets::{Dimension, offsets};
use super::pack::{Lines, MOST_LINES, PANELS};
use super::tile::{self, FEW_ROWS, VECTORS, most_rows};
use crate::buffers::{Aligned, Pool};
use crate::tile::Scratch;
use crate::vector::{Float, Lanes};
use rayon::prelude::*;
use smallvec::SmallVec;
use std::ops::Range;

/// Contracted turns that are added up in registers: the more, the less often a tile of the result is read and written. A panel of
/// the left factor fits in a first-level cache, and one of the right factor comes from the second one as fast as it is used.
const DEPTH: usize = 256;
/// Rows of a part, whose left panels are packed at once: a block of the right factor is packed for each part again.
const PART_ROWS: usize = 1036;
/// Rows of a part at least, where rows are divided for the sake of threads.
const LEAST_ROWS: usize = 112;
/// Entries of the left factor that are packed at once.
const PACKED_ENTRIES: usize = 1 << 18;
/// Columns of a part at least, so that packing the left factor again for each part costs little.
const PART_COLUMNS: usize = 256;
/// A factor of fewer entries is not asked for ahead.
const FAR_ENTRIES: usize = 1 << 18;
/// Multiplications that are worth a second thread.
const PARALLEL_WORK: usize = 1 << 20;

/// The places in two matrices at all turns of some loops.
#[derive(Clone, Debug)]
pub(super) enum Offsets {
    /// As far apart at every turn.
    Even(Dimension),
    /// Several loops that are not one.
    Table(SmallVec<[(usize, usize); 4]>),
}

impl Offsets {
    /// The places at all turns, the last loop turning fastest.
    pub fn new(dimensions: &[Dimension]) -> Offsets {
        match *dimensions {
            [] => Offsets::Even((1, 1, 1)),
            [one] => Offsets::Even(one),
            _ => Offsets::Table(offsets(dimensions)),
        }
    }

    /// How many turns there are.
    pub fn count(&self) -> usize {
        match self {
            Offsets::Even((count, ..)) => *count,
            Offsets::Table(table) => table.len(),
        }
    }

    /// The place in the first matrix.
    #[inline(always)]
    pub fn first(&self, turn: usize) -> usize {
        match self {
            Offsets::Even((_, stride, _)) => turn * stride,
            Offsets::Table(table) => table[turn].0,
        }
    }

    /// The place in the second matrix.
    #[inline(always)]
    pub fn second(&self, turn: usize) -> usize {
        match self {
            Offsets::Even((_, _, stride)) => turn * stride,
            Offsets::Table(table) => table[turn].1,
        }
    }

    /// The largest places in both.
    pub fn largest(&self) -> (usize, usize) {
        let last = self.count().saturating_sub(1);
        match self {
            Offsets::Even((_, first, second)) => (last * first, last * second),
            Offsets::Table(table) => {
                table.iter().fold((0, 0), |(first, second), turn| (first.max(turn.0), second.max(turn.1)))
            }
        }
    }

    /// From turn to turn in the first matrix, where there is one loop.
    pub fn stride(&self) -> usize {
        self.strides().map_or(1, |(stride, _)| stride)
    }

    /// The strides, where there is one loop.
    pub fn strides(&self) -> Option<(usize, usize)> {
        match self {
            Offsets::Even((_, first, second)) => Some((*first, *second)),
            Offsets::Table(_) => None,
        }
    }
}

/// out[row, column] (+)= Σ left[row, turn] · right[turn, column]
pub(super) struct Product<'a, V: Lanes> {
    /// The result.
    pub out: &'a mut [V::Element],
    /// The factor with the rows.
    pub left: &'a [V::Element],
    /// The factor with the columns.
    pub right: &'a [V::Element],
    /// In the result and in the left factor.
    pub rows: Offsets,
    /// In the result and in the right factor.
    pub columns: Offsets,
    /// In the left and in the right factor.
    pub contracted: Offsets,
    /// Whether the result is added to.
    pub accumulate: bool,
    /// Whether no cache holds the left factor, and the right one: they are then asked for ahead.
    pub far: [bool; 2],
}

/// The result, of which each part writes its own entries.
#[derive(Clone, Copy)]
struct Target<T>(*mut T);

// SAFETY: parts write different entries.
unsafe impl<T: Send> Send for Target<T> {}
// SAFETY: as above.
unsafe impl<T: Send> Sync for Target<T> {}

/// Rows and columns of the result that are worked out at once.
struct Part {
    rows: Range<usize>,
    columns: Range<usize>,
}

/// A block of the right factor.
#[derive(Clone)]
struct Block {
    columns: Range<usize>,
    turns: Range<usize>,
}

/// Panels of the left factor, for some contracted turns: packed, or as they lie.
struct LeftPanels<'a, T> {
    entries: &'a [T],
    /// Where each row starts in the result.
    rows: [usize; PART_ROWS],
    count: usize,
    /// Of a panel; the last one may have fewer.
    height: usize,
    turns: Range<usize>,
    /// From row to row and from turn to turn, where they are not packed.
    lies: Option<(usize, usize)>,
    /// Whether no cache holds what lies there.
    is_far: bool,
}

impl<'a, T> LeftPanels<'a, T> {
    /// The panels at some of the turns.
    fn at(&self, turns: &Range<usize>) -> tile::Left<'a, T> {
        let (height, before) = (self.height, turns.start - self.turns.start);
        match self.lies {
            Some((row, turn)) => {
                let entries = &self.entries[before * turn..];
                tile::Left { entries, height, panel: height * row, row, turn, is_far: self.is_far }
            }
            None => {
                let entries = &self.entries[before * self.count.div_ceil(height) * height..];
                tile::Left { entries, height, panel: height * turns.len(), row: 1, turn: height, is_far: false }
            }
        }
    }
}

/// Whether a factor with so many entries is in no cache.
pub(super) fn is_far(entries: usize) -> bool {
    entries >= FAR_ENTRIES
}

impl<V: Lanes> Product<'_, V> {
    /// Works it out.
    ///
    /// # Panics
    /// If a matrix is longer than its slice, which no plan of the planner asks for.
    pub fn run(mut self, pool: &Pool<V::Element>) {
        let (rows, columns, depth) = (self.rows.count(), self.columns.count(), self.contracted.count());
        if rows == 0 || columns == 0 {
            return;
        }
        if depth == 0 {
            return self.clear();
        }
        if let Some(piece) = self.piece() {
            return self.run_in_pieces(piece, pool);
        }
        let threads = rayon::current_num_threads();
        if threads == 1 || rows.saturating_mul(columns).saturating_mul(depth) < PARALLEL_WORK {
            return self.run_alone(pool);
        }
        self.assert_reach();
        let target = Target(self.out.as_mut_ptr());
        let width = VECTORS * V::COUNT;
        let least = if self.right_lies(rows) { width } else { PART_COLUMNS };
        let (height, wide) = part_size((rows, columns), width, least, threads);
        let parts: Vec<Part> = parts(rows, columns, height, wide).collect();
        let product = &self;
        parts
            .into_par_iter()
            .with_max_len(1)
            .for_each(|part| pool.with(|scratch| product.part(target, &part, scratch)));
    }

    /// Works it out on this thread.
    pub(super) fn run_alone(self, pool: &Pool<V::Element>) {
        self.assert_reach();
        let (target, rows, columns) = (Target(self.out.as_mut_ptr()), self.rows.count(), self.columns.count());
        let parts = parts(rows, columns, rows.div_ceil(rows.div_ceil(PART_ROWS)), columns);
        pool.with(|scratch| parts.for_each(|part| self.part(target, &part, scratch)));
    }

    /// That every place lies in its slice and the processor has the vectors: the tiles rely on it.
    fn assert_reach(&self) {
        assert!(V::LEVEL.is_available(), "the processor lacks the vectors of a matrix product");
        let ((out_row, left_row), (out_column, right_column)) = (self.rows.largest(), self.columns.largest());
        let (left_turn, right_turn) = self.contracted.largest();
        assert!(out_row + out_column < self.out.len(), "the result of a matrix product is longer than its slice");
        assert!(left_row + left_turn < self.left.len(), "the left factor of a matrix product is longer than its slice");
        assert!(
            right_turn + right_column < self.right.len(),
            "the right factor of a matrix product is longer than its slice"
        );
    }

    /// A sum over nothing.
    fn clear(&mut self) {
        if self.accumulate {
            return;
        }
        for row in 0..self.rows.count() {
            for column in 0..self.columns.count() {
                self.out[self.rows.first(row) + self.columns.first(column)] = V::Element::ZERO;
            }
        }
    }

    /// Works out a part.
    fn part(&self, target: Target<V::Element>, part: &Part, scratch: &mut Scratch<V::Element>) {
        let [left, right] = &mut scratch.packed;
        let depth = self.contracted.count();
        let width = PANELS * VECTORS * V::COUNT;
        let packed = right.room(DEPTH.min(depth) * width);
        // What is read where it lies is gone through once, from turn to turn.
        let at_once = if self.right_lies(part.rows.len()) { 1 } else { PACKED_ENTRIES / part.rows.len() / DEPTH };
        let blocks_of = |turns: Range<usize>| {
            steps(part.columns.clone(), width).flat_map(move |columns| {
                steps(turns.clone(), DEPTH).map(move |turns| Block { columns: columns.clone(), turns })
            })
        };
        for turns in steps(0..depth, at_once.max(1) * DEPTH) {
            let panels = self.left_panels(part, turns.clone(), left);
            let mut blocks = blocks_of(turns.clone()).chain(blocks_of(turns.end..depth).take(1)).peekable();
            while let Some(block) = blocks.next().filter(|block| block.turns.end <= turns.end) {
                self.block(target, &panels, &block, blocks.peek(), packed);
            }
        }
    }

    /// The left factor in panels as even as they can be; one that few columns read, or that has few rows which lie side by
    /// side, is read where it lies.
    fn left_panels<'a>(
        &'a self,
        part: &Part,
        turns: Range<usize>,
        buffer: &'a mut Aligned<V::Element>,
    ) -> LeftPanels<'a, V::Element> {
        let count = part.rows.len();
        let panels = count.div_ceil(most_rows::<V>());
        let height = count.div_ceil(panels);
        let mut rows = [0; PART_ROWS];
        rows.iter_mut().zip(part.rows.clone()).for_each(|(start, row)| *start = self.rows.first(row));
        let few = part.columns.len() <= PANELS * V::COUNT;
        let strides = self.rows.strides().zip(self.contracted.strides());
        if let Some(((_, row), (turn, _))) =
            strides.filter(|((_, row), (turn, _))| few || count <= FEW_ROWS && (*row == 1 || *turn == 1))
        {
            let entries = &self.left[self.rows.second(part.rows.start) + self.contracted.first(turns.start)..];
            return LeftPanels { entries, rows, count, height, turns, lies: Some((row, turn)), is_far: self.far[0] };
        }
        // Block of turns after block of turns, so that tiles read one panel after the other.
        let packed = buffer.room(panels * height * turns.len());
        for (turns, block) in steps(turns.clone(), DEPTH).zip(packed.chunks_mut(panels * height * DEPTH)) {
            // Rows that lie side by side are read in long runs.
            let at_once = MOST_LINES / height * height;
            for (rows, panels) in steps(part.rows.clone(), at_once).zip(block.chunks_mut(at_once * turns.len())) {
                let lines = Lines::new(self.left, rows, |row| self.rows.second(row));
                lines.pack(turns.clone(), |turn| self.contracted.first(turn), panels, height);
            }
        }
        LeftPanels { entries: packed, rows, count, height, turns, lies: None, is_far: false }
    }

    /// Works out what a block of the right factor adds to all rows, and asks for the next block.
    fn block(
        &self,
        target: Target<V::Element>,
        left: &LeftPanels<V::Element>,
        block: &Block,
        next: Option<&Block>,
        packed: &mut [V::Element],
    ) {
        let (width, depth) = (VECTORS * V::COUNT, block.turns.len());
        let panels = || steps(block.columns.clone(), width);
        let few = left.count <= FEW_ROWS;
        let lies = self.right_turn().filter(|_| few || left.lies.is_none());
        // Lanes behind the last column are not used, but are read.
        let is_read_there = |columns: &Range<usize>| {
            let last = self.right_place(columns.start, block.turns.end - 1);
            last + columns.len().next_multiple_of(V::COUNT) <= self.right.len()
        };
        let tiles = panels().count() * left.count.div_ceil(left.height);
        let mut ahead = next.filter(|_| self.far[1]).map(|next| {
            let lines = self.right_lines(next.columns.clone());
            lines.runs(next.turns.clone(), |turn| self.contracted.second(turn)).asked_in(tiles)
        });
        for (columns, panel) in panels().zip(packed.chunks_mut(width * depth)) {
            let vectors = columns.len().div_ceil(V::COUNT);
            let wide = vectors * V::COUNT;
            let panel = &mut panel[..wide * depth];
            let (entries, turn, packed) = match lies.filter(|_| is_read_there(&columns)) {
                Some(turn) => {
                    let first = self.right_place(columns.start, block.turns.start);
                    (&self.right[first..], turn, (!few).then_some(panel))
                }
                None => {
                    let lines = self.right_lines(columns.clone());
                    lines.pack(block.turns.clone(), |turn| self.contracted.second(turn), panel, wide);
                    (&*panel, wide, None)
                }
            };
            let right = tile::Right { entries, turn, vectors, columns: columns.len(), depth };
            let tiles = tile::Target {
                // SAFETY: `assert_reach` has seen that all places lie in the result.
                out: unsafe { target.0.add(self.columns.first(columns.start)) },
                rows: &left.rows[..left.count],
                step: self.columns.stride(),
                add: self.accumulate || block.turns.start > 0,
            };
            // SAFETY: as above, also of the vectors; the result is borrowed mutably, and no other part has these rows and columns.
            unsafe { tile::run::<V>(left.at(&block.turns), right, tiles, packed, ahead.as_mut()) };
        }
    }

    /// From turn to turn of the right factor, if its columns lie side by side.
    fn right_turn(&self) -> Option<usize> {
        let ((_, column), (_, turn)) = (self.columns.strides()?, self.contracted.strides()?);
        (column == 1).then_some(turn)
    }

    /// Whether so few rows read the right factor that it is not packed.
    fn right_lies(&self, rows: usize) -> bool {
        rows <= FEW_ROWS && self.right_turn().is_some()
    }

    fn right_place(&self, column: usize, turn: usize) -> usize {
        self.columns.second(column) + self.contracted.second(turn)
    }

    fn right_lines(&self, columns: Range<usize>) -> Lines<'_, V::Element> {
        Lines::new(self.right, columns, |column| self.columns.second(column))
    }
}

/// A range in steps; the last one may be shorter.
fn steps(range: Range<usize>, step: usize) -> impl Iterator<Item = Range<usize>> + Clone {
    let end = range.end;
    range.step_by(step).map(move |start| start..(start + step).min(end))
}

/// How many rows and columns the parts of a result have, so that the threads are done soonest, if the last to be done has an
/// eighth of a part more to do. The columns are so many times `width`, at least `least`.
fn part_size((rows, columns): (usize, usize), width: usize, least: usize, threads: usize) -> (usize, usize) {
    /// What packing an entry of either factor takes, in multiplications: about what turning a vector in registers does.
    const PACKING: usize = 11;
    let most_parts = 8 * threads;
    let down = rows.div_ceil(PART_ROWS)..=rows.div_ceil(PART_ROWS).max(rows / LEAST_ROWS);
    let sizes = down.flat_map(|down| {
        let across = 1..=(most_parts / down).max(1);
        let wide = move |across| columns.div_ceil(across).next_multiple_of(width).max(least).min(columns);
        across.map(move |across| (rows.div_ceil(down), wide(across)))
    });
    let time = |&(height, wide): &(usize, usize)| {
        let rounds = (rows.div_ceil(height) * columns.div_ceil(wide)).div_ceil(threads);
        (8 * rounds + 1) * (height * wide + PACKING * (height + wide))
    };
    sizes.min_by_key(time).unwrap_or((rows, columns))
}

/// The parts of a result: so many rows, and so many columns.
fn parts(rows: usize, columns: usize, height: usize, wide: usize) -> impl Iterator<Item = Part> {
    steps(0..rows, height)
        .flat_map(move |rows| steps(0..columns, wide).map(move |columns| Part { rows: rows.clone(), columns }))
}
