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

/// Works out all rows of a panel of columns, and asks for other memory meanwhile.
///
/// # Panics
/// If a factor is shorter than its panels.
///
/// # Safety
/// The result may be written at `rows[r] + column · step` for all rows and columns, and by no one else meanwhile; the
/// processor has the vectors.
pub(super) unsafe fn run<V: Lanes>(
    left: Left<V::Element>,
    right: Right<V::Element>,
    target: Target<V::Element>,
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
    // SAFETY: the caller's.
    unsafe { V::do_work(Tiles { left, right, target, ahead }) };
}

struct Tiles<'a, 'b, T> {
    left: Left<'a, T>,
    right: Right<'a, T>,
    target: Target<'a, T>,
    ahead: Option<&'a mut Runs<'b, T>>,
}

impl<T: Float, V: Lanes<Element = T>> LaneWork<V> for Tiles<'_, '_, T> {
    #[inline(always)]
    fn run(self) {
        let Tiles { left, right, target, mut ahead } = self;
        for (panel, rows) in target.rows.chunks(left.height).enumerate() {
            if let Some(ahead) = &mut ahead {
                ahead.ask();
            }
            let left = Left { entries: &left.entries[panel * left.panel..], ..left };
            left.ask_for_next(right.depth);
            let target = Target { rows, ..target };
            macro_rules! with_rows {
                ($($rows:literal)*) => {
                    match (rows.len(), right.vectors) {
                        $(($rows, 1) => tile::<V, $rows, 1>(left, right, target),)*
                        $(($rows, 2) => tile::<V, $rows, 2>(left, right, target),)*
                        _ => {}
                    }
                };
            }
            if const { most_rows::<V>() == 14 } {
                with_rows!(1 2 3 4 5 6 7 8 9 10 11 12 13 14);
            } else {
                with_rows!(1 2 3 4 5 6);
            }
        }
    }
}

/// Works out a tile.
#[inline(always)]
fn tile<V: Lanes, const ROWS: usize, const VECTORS: usize>(
    left: Left<V::Element>,
    right: Right<V::Element>,
    target: Target<V::Element>,
) {
    let columns = right.columns;
    if target.step == 1 {
        for row in 0..ROWS {
            // SAFETY: by the caller of `run`.
            prefetch_to_write(unsafe { target.at(row, 0, columns) });
        }
    }
    // Packed panels, most of all, have strides that are known here, so that the loop computes no addresses.
    let packed = VECTORS * V::COUNT;
    let sums = if left.row == 1 && left.turn == ROWS && right.turn == packed {
        summed::<V, ROWS, VECTORS>(Left { row: 1, turn: ROWS, ..left }, Right { turn: packed, ..right })
    } else {
        summed::<V, ROWS, VECTORS>(left, right)
    };
    if target.step == 1 {
        for (row, sums) in sums.iter().enumerate() {
            for (vector, &sum) in sums.iter().enumerate() {
                let (first, count) = (vector * V::COUNT, V::COUNT.min(columns - vector * V::COUNT));
                // SAFETY: by the caller of `run`.
                let out = unsafe { target.at(row, first, count) };
                if count == V::COUNT {
                    (if target.add { V::load(out) + sum } else { sum }).store(out);
                } else {
                    (if target.add { V::load_first(out) + sum } else { sum }).store_first(out);
                }
            }
        }
        return;
    }
    if target.rows.windows(2).all(|pair| pair[1] == pair[0] + 1) {
        // SAFETY: by the caller of `run`.
        unsafe { target.put_turned(&sums, columns) };
        return;
    }
    // A copy, so that only it has to lie in memory, where its entries are looked up.
    let mut found = [[V::splat(V::Element::ZERO); VECTORS]; ROWS];
    for row in 0..ROWS {
        for vector in 0..VECTORS {
            found[row][vector] = sums[row][vector];
        }
    }
    for (row, sums) in found.iter().enumerate() {
        for (vector, sum) in sums.iter().enumerate() {
            let first = vector * V::COUNT;
            let count = V::COUNT.min(columns.saturating_sub(first));
            // SAFETY: by the caller of `run`.
            unsafe { target.put(*sum, row, first..first + count) };
        }
    }
}

/// The sums of a tile.
#[inline(always)]
fn summed<V: Lanes, const ROWS: usize, const VECTORS: usize>(
    left: Left<V::Element>,
    right: Right<V::Element>,
) -> [[V; VECTORS]; ROWS] {
    let mut sums = [[V::splat(V::Element::ZERO); VECTORS]; ROWS];
    for turn in 0..right.depth {
        let mut factors = [V::splat(V::Element::ZERO); VECTORS];
        for (vector, factor) in factors.iter_mut().enumerate() {
            // SAFETY: `run` has seen how long the right factor is.
            let lanes = unsafe { right.entries.get_unchecked(turn * right.turn + vector * V::COUNT..) };
            // SAFETY: as above.
            *factor = V::load(unsafe { lanes.get_unchecked(..V::COUNT) });
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
