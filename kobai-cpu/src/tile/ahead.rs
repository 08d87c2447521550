//! What the next tile reads is asked for while this one is worked out: the processor's own look-ahead ends with the page,
//! and a tile is about a page long.

use crate::vector::prefetch;
use smallvec::SmallVec;

/// Tensors of more bytes are asked for ahead: smaller ones are in the second-level cache anyway.
const LARGE: usize = 1 << 20;

/// Tapes of fewer operations wait for memory anyway: there the processor's own look-ahead does better (measured: Σ log x takes
/// a fifth more with this; `kobai bench` of two builds in turns).
const FEWEST_OPERATIONS: usize = 8;

/// Entries of large tensors, asked for piece by piece: all at once would fill the processor's queue, and what is then
/// worked on would wait.
pub(super) struct Ahead<'a, T> {
    entries: SmallVec<[&'a [T]; 4]>,
    /// How many at a time; 0 for never.
    piece: usize,
}

impl<'a, T> Ahead<'a, T> {
    /// Nothing yet, for tiles of so many entries and tapes of so many operations, before each of which it may be asked. Half as
    /// many times suffice for all of a tile: not every operation asks, and the last piece is to come before the next tile.
    pub fn new(lanes: usize, operations: usize) -> Ahead<'a, T> {
        let line = 64 / size_of::<T>();
        let piece = (2 * lanes).div_ceil(operations.max(1)).next_multiple_of(line);
        let piece = if operations < FEWEST_OPERATIONS { 0 } else { piece };
        Ahead { entries: SmallVec::new(), piece }
    }

    /// The tile of a tensor that lies after this one, if it is large.
    pub fn add(&mut self, tensor: &'a [T], tile: std::ops::Range<usize>) {
        if self.piece > 0 {
            self.entries.extend(next(tensor, tile));
        }
    }

    /// Asks for a piece of each.
    #[inline]
    pub fn ask(&mut self) {
        for entries in &mut self.entries {
            let (now, later) = entries.split_at(self.piece.min(entries.len()));
            prefetch(now);
            *entries = later;
        }
    }
}

/// As many entries as the tile has after it, if the tensor is large and has them.
pub(super) fn next<T>(tensor: &[T], tile: std::ops::Range<usize>) -> Option<&[T]> {
    let large = size_of_val(tensor) > LARGE;
    tensor.get(tile.end..tile.end + tile.len()).filter(|_| large)
}
