//! Tiles of a matrix product, in registers.
#![allow(unsafe_code)] // The result is written through a pointer, since parts write different columns of the same rows.

use super::pack::Runs;
use crate::vector::{Float, Wide, Work, dispatch, prefetch, prefetch_to_write};
use std::ops::Range;

/// Rows of a tile at most. 14 × 2 sums, two vectors of the right factor and one of the left: 31 of 32 registers.
pub(super) const MOST_ROWS: usize = 14;
/// Vectors of a row.
pub(super) const VECTORS: usize = 2;

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
/// processor has AVX-512.
pub(super) unsafe fn run<T: Float>(left: Left<T>, right: Right<T>, target: Target<T>, ahead: Option<&mut Runs<T>>) {
    let Some(last) = target.rows.len().checked_sub(1) else { return };
    let last = last / left.height * left.panel + last % left.height * left.row + (right.depth - 1) * left.turn;
    assert!(last < left.entries.len(), "the left factor is shorter than its panels");
    let width = right.vectors * T::LANES;
    assert!(
        (right.depth - 1) * right.turn + width <= right.entries.len(),
        "the right factor is shorter than its panel"
    );
    assert!(right.columns <= width && left.height <= MOST_ROWS && right.vectors <= VECTORS);
    dispatch(Tiles { left, right, target, ahead });
}

struct Tiles<'a, 'b, T> {
    left: Left<'a, T>,
    right: Right<'a, T>,
    target: Target<'a, T>,
    ahead: Option<&'a mut Runs<'b, T>>,
}

impl<T: Float> Work for Tiles<'_, '_, T> {
    type Output = ();

    fn run<const FMA: bool>(self) {
        unreachable!("tiles are for AVX-512");
    }

    #[inline(always)]
    fn run_wide(self) {
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
                        $(($rows, 1) => tile::<T, $rows, 1>(left, right, target),)*
                        $(($rows, 2) => tile::<T, $rows, 2>(left, right, target),)*
                        _ => {}
                    }
                };
            }
            with_rows!(1 2 3 4 5 6 7 8 9 10 11 12 13 14);
        }
    }
}

/// Works out a tile.
#[inline(always)]
fn tile<T: Float, const ROWS: usize, const VECTORS: usize>(left: Left<T>, right: Right<T>, target: Target<T>) {
    let columns = right.columns;
    if target.step == 1 {
        for row in 0..ROWS {
            // SAFETY: by the caller of `run`.
            prefetch_to_write(unsafe { target.at(row, 0, columns) });
        }
    }
    // Packed panels, most of all, have strides that are known here, so that the loop computes no addresses.
    let packed = VECTORS * T::LANES;
    let sums = if left.row == 1 && left.turn == ROWS && right.turn == packed {
        summed::<T, ROWS, VECTORS>(Left { row: 1, turn: ROWS, ..left }, Right { turn: packed, ..right })
    } else {
        summed::<T, ROWS, VECTORS>(left, right)
    };
    if target.step == 1 {
        for (row, sums) in sums.iter().enumerate() {
            for (vector, &sum) in sums.iter().enumerate() {
                let (first, count) = (vector * T::LANES, T::LANES.min(columns - vector * T::LANES));
                // SAFETY: by the caller of `run`.
                let out = unsafe { target.at(row, first, count) };
                if count == T::LANES {
                    (if target.add { T::Wide::load(out) + sum } else { sum }).store(out);
                } else {
                    (if target.add { T::Wide::load_first(out) + sum } else { sum }).store_first(out);
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
    let mut found = [[T::Wide::splat(T::ZERO); VECTORS]; ROWS];
    for row in 0..ROWS {
        for vector in 0..VECTORS {
            found[row][vector] = sums[row][vector];
        }
    }
    for (row, sums) in found.iter().enumerate() {
        for (vector, sum) in sums.iter().enumerate() {
            let first = vector * T::LANES;
            let count = T::LANES.min(columns.saturating_sub(first));
            // SAFETY: by the caller of `run`.
            unsafe { target.put(*sum, row, first..first + count) };
        }
    }
}

/// The sums of a tile.
#[inline(always)]
fn summed<T: Float, const ROWS: usize, const VECTORS: usize>(
    left: Left<T>,
    right: Right<T>,
) -> [[T::Wide; VECTORS]; ROWS] {
    let mut sums = [[T::Wide::splat(T::ZERO); VECTORS]; ROWS];
    for turn in 0..right.depth {
        let mut factors = [T::Wide::splat(T::ZERO); VECTORS];
        for (vector, factor) in factors.iter_mut().enumerate() {
            // SAFETY: `run` has seen how long the right factor is.
            let lanes = unsafe { right.entries.get_unchecked(turn * right.turn + vector * T::LANES..) };
            // SAFETY: as above.
            *factor = T::Wide::load(unsafe { lanes.get_unchecked(..T::LANES) });
        }
        for (row, sums) in sums.iter_mut().enumerate() {
            // SAFETY: `run` has seen how long the left factor is.
            let entry = T::Wide::splat(unsafe { *left.entries.get_unchecked(row * left.row + turn * left.turn) });
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
    unsafe fn put_turned<const ROWS: usize, const VECTORS: usize>(
        &self,
        sums: &[[T::Wide; VECTORS]; ROWS],
        columns: usize,
    ) {
        for first in (0..ROWS).step_by(T::LANES) {
            let count = T::LANES.min(ROWS - first);
            for vector in 0..VECTORS {
                // As many as LANES can be, of which the first LANES are used.
                let mut turned = [T::Wide::splat(T::ZERO); 16];
                for (turned, sums) in turned.iter_mut().zip(&sums[first..first + count]) {
                    *turned = sums[vector];
                }
                T::Wide::transpose(&mut turned[..T::LANES]);
                for (lane, &sum) in turned[..T::LANES].iter().enumerate() {
                    let column = vector * T::LANES + lane;
                    if column < columns {
                        let place = self.rows[first] + column * self.step;
                        // SAFETY: by the caller.
                        let out = unsafe { std::slice::from_raw_parts_mut(self.out.add(place), count) };
                        (if self.add { T::Wide::load_first(out) + sum } else { sum }).store_first(out);
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
    unsafe fn put(&self, sum: T::Wide, row: usize, columns: Range<usize>) {
        let mut lanes = [T::ZERO; 16];
        sum.store(&mut lanes[..T::LANES]);
        for (column, &lane) in columns.zip(&lanes) {
            // SAFETY: by the caller.
            let out = unsafe { &mut self.at(row, column, 1)[0] };
            *out = if self.add { *out + lane } else { lane };
        }
    }
}
