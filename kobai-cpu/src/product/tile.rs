//! Tiles of a matrix product, in registers.
#![allow(unsafe_code)] // The result is written through a pointer, since parts write different columns of the same rows.

use super::pack::Runs;
use crate::vector::{Float, LaneWork, Lanes, prefetch, prefetch_to_write};
use std::ops::Range;

/// Vectors of a row.
pub(super) const VECTORS: usize = 2;

/// Rows of a tile at most: sums, the vectors of a row of the right factor and one of the left have a register each. Of 32
/// registers 14 × 2 + 3 are used, of 16 it is 6 × 2 + 3.
pub(super) const fn most_rows<V: Lanes>() -> usize {
    (V::REGISTERS - 1) / VECTORS - 1
}

/// So few rows read the right factor where it lies, and are read there: packing takes longer than it saves.
pub(super) const FEW_ROWS: usize = 14;

/// Panels of the left factor.
#[derive(Clone, Copy)]
pub(super) struct Left<'a, T> {
    /// The entries, from the first one on.
    pub entries: &'a [T],
    /// Rows of a panel; the last one may have fewer.
    pub height: usize,
    /// From panel to panel.
    pub panel: usize,
    /// From row to row in a panel.
    pub row: usize,
    /// From turn to turn.
    pub turn: usize,
    /// Whether no cache holds them.
    pub is_far: bool,
}

impl<T> Left<'_, T> {
    /// Asks for the next panel, if its turns lie side by side: the processor sees many short rows, and asks for none of them.
    #[inline(always)]
    fn ask_for_next(&self, depth: usize) {
        if !self.is_far || self.turn != 1 {
            return;
        }
        for row in 0..self.height {
            let first = self.panel + row * self.row;
            prefetch(self.entries.get(first..first + depth).unwrap_or_default());
        }
    }
}

/// A panel of the right factor.
#[derive(Clone, Copy)]
pub(super) struct Right<'a, T> {
    /// The entries: at each turn those of all columns side by side.
    pub entries: &'a [T],
    /// From turn to turn.
    pub turn: usize,
    /// How many vectors a turn has, at most [`VECTORS`].
    pub vectors: usize,
    /// How many columns count.
    pub columns: usize,
    /// How many turns there are.
    pub depth: usize,
}

/// Where the tiles of a panel of columns go.
#[derive(Clone, Copy)]
pub(super) struct Target<'a, T> {
    /// The first column of the result.
    pub out: *mut T,
    /// Where each row starts.
    pub rows: &'a [usize],
    /// From column to column.
    pub step: usize,
    /// Whether the result is added to.
    pub add: bool,
}

/// Works out all rows of a panel of columns, and asks for other memory meanwhile. A right factor that is to be packed is packed
/// while the first rows read it where it lies: that takes less time than a copy of its own.
///
/// # Panics
/// If a factor is shorter than its panels, or where it is to be packed is.
///
/// # Safety
/// The result may be written at `rows[r] + column · step` for all rows and columns, and by no one else meanwhile; the
/// processor has the vectors.
pub(super) unsafe fn run<V: Lanes>(
    left: Left<V::Element>,
    right: Right<V::Element>,
    target: Target<V::Element>,
    packed: Option<&mut [V::Element]>,
    ahead: Option<&mut Runs<V::Element>>,
) {
    let Some(last) = target.rows.len().checked_sub(1) else { return };
    let last = last / left.height * left.panel + last % left.height * left.row + (right.depth - 1) * left.turn;
    assert!(last < left.entries.len(), "the left factor is shorter than its panels");
    let width = right.vectors * V::COUNT;
    assert!(
        (right.depth - 1) * right.turn + width <= right.entries.len(),
        "the right factor is shorter than its panel"
    );
    assert!(right.columns <= width && left.height <= most_rows::<V>() && right.vectors <= VECTORS);
    assert!(packed.as_ref().is_none_or(|packed| packed.len() >= right.depth * width));
    // SAFETY: the caller's.
    unsafe { V::do_work(Tiles { left, right, target, packed, ahead }) };
}

struct Tiles<'a, 'b, T> {
    left: Left<'a, T>,
    right: Right<'a, T>,
    target: Target<'a, T>,
    packed: Option<&'a mut [T]>,
    ahead: Option<&'a mut Runs<'b, T>>,
}

impl<T: Float, V: Lanes<Element = T>> LaneWork<V> for Tiles<'_, '_, T> {
    #[inline(always)]
    fn run(self) {
        let Tiles { left, mut right, target, mut packed, mut ahead } = self;
        for (panel, rows) in target.rows.chunks(left.height).enumerate() {
            if let Some(ahead) = &mut ahead {
                ahead.ask();
            }
            let left = Left { entries: &left.entries[panel * left.panel..], ..left };
            left.ask_for_next(right.depth);
            let target = Target { rows, ..target };
            let packed_now = packed.take();
            macro_rules! with_rows {
                ($($rows:literal)*) => {
                    match (rows.len(), right.vectors) {
                        $(($rows, 1) => tile::<V, $rows, 1>(left, right, packed_now, target),)*
                        $(($rows, 2) => tile::<V, $rows, 2>(left, right, packed_now, target),)*
                        _ => None,
                    }
                };
            }
            let entries = if const { most_rows::<V>() == 14 } {
                with_rows!(1 2 3 4 5 6 7 8 9 10 11 12 13 14)
            } else {
                with_rows!(1 2 3 4 5 6)
            };
            if let Some(entries) = entries {
                right = Right { entries, turn: right.vectors * V::COUNT, ..right };
            }
        }
    }
}

/// Works out a tile, and returns the right factor's panel if it has packed it.
#[inline(always)]
fn tile<'a, V: Lanes, const ROWS: usize, const VECTORS: usize>(
    left: Left<V::Element>,
    right: Right<V::Element>,
    packed: Option<&'a mut [V::Element]>,
    target: Target<V::Element>,
) -> Option<&'a [V::Element]> {
    if target.step == 1 {
        for row in 0..ROWS {
            // SAFETY: by the caller of `run`.
            prefetch_to_write(unsafe { target.at(row, 0, right.columns) });
        }
    }
    // Packed panels, most of all, have strides that are known here, so that the loop computes no addresses.
    let width = VECTORS * V::COUNT;
    let left_is_packed = left.row == 1 && left.turn == ROWS;
    let left_packed = Left { row: 1, turn: ROWS, ..left };
    let (sums, packed) = match packed {
        Some(packed) if left_is_packed => {
            (summed::<V, ROWS, VECTORS, true>(left_packed, right, packed), Some(&*packed))
        }
        _ if left_is_packed && right.turn == width => {
            (summed::<V, ROWS, VECTORS, false>(left_packed, Right { turn: width, ..right }, &mut []), None)
        }
        _ => (summed::<V, ROWS, VECTORS, false>(left, right, &mut []), None),
    };
    target.write(&sums, right.columns);
    packed
}

/// The sums of a tile. With `PACK` the right factor's panel is written to `packed`.
#[inline(always)]
fn summed<V: Lanes, const ROWS: usize, const VECTORS: usize, const PACK: bool>(
    left: Left<V::Element>,
    right: Right<V::Element>,
    packed: &mut [V::Element],
) -> [[V; VECTORS]; ROWS] {
    let mut sums = [[V::splat(V::Element::ZERO); VECTORS]; ROWS];
    for turn in 0..right.depth {
        let mut factors = [V::splat(V::Element::ZERO); VECTORS];
        for (vector, factor) in factors.iter_mut().enumerate() {
            // SAFETY: `run` has seen how long the right factor is.
            let lanes = unsafe { right.entries.get_unchecked(turn * right.turn + vector * V::COUNT..) };
            // SAFETY: as above.
            *factor = V::load(unsafe { lanes.get_unchecked(..V::COUNT) });
            if PACK {
                let first = (turn * VECTORS + vector) * V::COUNT;
                // SAFETY: `run` has seen that the panel fits.
                factor.store(unsafe { packed.get_unchecked_mut(first..first + V::COUNT) });
            }
        }
        for (row, sums) in sums.iter_mut().enumerate() {
            // SAFETY: `run` has seen how long the left factor is.
            let entry = V::splat(unsafe { *left.entries.get_unchecked(row * left.row + turn * left.turn) });
            for (sum, factor) in sums.iter_mut().zip(factors) {
                *sum = entry.multiply_add(factor, *sum);
            }
        }
    }
    sums
}

impl<T: Float> Target<'_, T> {
    /// Writes or adds a tile.
    #[inline(always)]
    fn write<V: Lanes<Element = T>, const ROWS: usize, const VECTORS: usize>(
        &self,
        sums: &[[V; VECTORS]; ROWS],
        columns: usize,
    ) {
        let width = VECTORS * V::COUNT;
        if self.step == 1 && columns == width {
            // Every place in it is known when this is compiled, so that the sums go from registers to the result.
            for (row, sums) in sums.iter().enumerate() {
                // SAFETY: by the caller of `run`.
                let out = unsafe { self.at(row, 0, width) };
                for (out, &sum) in out.chunks_exact_mut(V::COUNT).zip(sums) {
                    (if self.add { V::load(out) + sum } else { sum }).store(out);
                }
            }
            return;
        }
        if self.step != 1 && self.rows.windows(2).all(|pair| pair[1] == pair[0] + 1) {
            // SAFETY: by the caller of `run`.
            unsafe { self.put_turned(sums, columns) };
            return;
        }
        // A copy, so that only it has to lie in memory, where its entries are looked up.
        let mut found = [[V::splat(T::ZERO); VECTORS]; ROWS];
        for row in 0..ROWS {
            for vector in 0..VECTORS {
                found[row][vector] = sums[row][vector];
            }
        }
        for (row, sums) in found.iter().enumerate() {
            for (vector, &sum) in sums.iter().enumerate() {
                let first = vector * V::COUNT;
                let count = V::COUNT.min(columns.saturating_sub(first));
                if self.step == 1 {
                    // SAFETY: by the caller of `run`.
                    let out = unsafe { self.at(row, first, count) };
                    (if self.add { V::load_first(out) + sum } else { sum }).store_first(out);
                } else {
                    // SAFETY: by the caller of `run`.
                    unsafe { self.put(sum, row, first..first + count) };
                }
            }
        }
    }

    /// Numbers of a row that lie side by side.
    ///
    /// # Safety
    /// They may be read and written.
    #[inline(always)]
    unsafe fn at<'a>(&self, row: usize, column: usize, count: usize) -> &'a mut [T] {
        // SAFETY: by the caller.
        unsafe { std::slice::from_raw_parts_mut(self.out.add(self.rows[row] + column * self.step), count) }
    }

    /// Writes or adds a tile whose rows lie side by side in each column.
    ///
    /// # Safety
    /// The columns may be read and written.
    #[inline(always)]
    unsafe fn put_turned<V: Lanes<Element = T>, const ROWS: usize, const VECTORS: usize>(
        &self,
        sums: &[[V; VECTORS]; ROWS],
        columns: usize,
    ) {
        for first in (0..ROWS).step_by(V::COUNT) {
            let count = V::COUNT.min(ROWS - first);
            for vector in 0..VECTORS {
                // As many as COUNT can be, of which the first COUNT are used.
                let mut turned = [V::splat(T::ZERO); 16];
                for (turned, sums) in turned.iter_mut().zip(&sums[first..first + count]) {
                    *turned = sums[vector];
                }
                V::transpose(&mut turned[..V::COUNT]);
                for (lane, &sum) in turned[..V::COUNT].iter().enumerate() {
                    let column = vector * V::COUNT + lane;
                    if column < columns {
                        let place = self.rows[first] + column * self.step;
                        // SAFETY: by the caller.
                        let out = unsafe { std::slice::from_raw_parts_mut(self.out.add(place), count) };
                        (if self.add { V::load_first(out) + sum } else { sum }).store_first(out);
                    }
                }
            }
        }
    }

    /// Writes the first numbers of a vector to columns of a row that do not lie side by side, or adds them.
    ///
    /// # Safety
    /// These may be read and written.
    #[inline(always)]
    unsafe fn put<V: Lanes<Element = T>>(&self, sum: V, row: usize, columns: Range<usize>) {
        let mut lanes = [T::ZERO; 16];
        sum.store(&mut lanes[..V::COUNT]);
        for (column, &lane) in columns.zip(&lanes) {
            // SAFETY: by the caller.
            let out = unsafe { &mut self.at(row, column, 1)[0] };
            *out = if self.add { *out + lane } else { lane };
        }
    }
}
