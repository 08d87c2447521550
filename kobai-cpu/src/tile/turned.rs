//! Short rows, turned: where the inner loop goes down a tensor whose rows are a few entries long, a tile of all its columns
//! is read at once, row by row, and written the same way. What goes down them then finds each column side by side.

use super::TILE;
use crate::buffers::Aligned;
use crate::vector::{Float, transpose};

/// Rows of more entries are read and written column by column.
pub(crate) const LONGEST: usize = 128;

/// From column to column. A multiple of a page apart, all columns would share the few places that a cache has for them.
pub(crate) const SPACING: usize = TILE + 32;

/// The columns of some rows of a tensor.
#[derive(Debug)]
pub(crate) struct Turned<T> {
    tensor: usize,
    /// The first entry of the first row.
    first: usize,
    rows: usize,
    length: usize,
    columns: Aligned<T>,
}

/// Columns that were turned for the steps of a strip, of each tensor one tile.
#[derive(Debug)]
pub(crate) struct TurnedTiles<T> {
    tiles: Vec<Turned<T>>,
    /// How many of them are of use.
    count: usize,
}

impl<T> Default for TurnedTiles<T> {
    fn default() -> TurnedTiles<T> {
        TurnedTiles { tiles: Vec::new(), count: 0 }
    }
}

impl<T: Float> TurnedTiles<T> {
    /// Forgets what was turned: tensors may have changed since.
    pub fn forget(&mut self) {
        self.count = 0;
    }

    /// Forgets what was turned of a tensor.
    pub fn forget_tensor(&mut self, tensor: usize) {
        while let Some(number) = self.tiles[..self.count].iter().position(|tile| tile.tensor == tensor) {
            self.count -= 1;
            self.tiles.swap(number, self.count);
        }
    }

    /// The entries `first`, `first + length`, … of a tensor, as many as `rows`, if its rows of this length are all there.
    pub fn column(
        &mut self,
        (tensor, entries): (usize, &[T]),
        first: usize,
        (rows, length): (usize, usize),
    ) -> Option<&[T]> {
        let (start, column) = (first - first % length, first % length);
        if length > LONGEST || rows < 2 || start + rows * length > entries.len() {
            return None;
        }
        let is_it =
            |tile: &Turned<T>| (tile.tensor, tile.first, tile.rows, tile.length) == (tensor, start, rows, length);
        let known = self.tiles[..self.count].iter().position(is_it);
        let number = known.unwrap_or_else(|| {
            let number = self.place(tensor, length);
            let tile = &mut self.tiles[number];
            (tile.first, tile.rows) = (start, rows);
            let columns = tile.columns.room(length * SPACING);
            transpose(entries, (rows, |row| start + row * length), length, columns, SPACING);
            number
        });
        Some(&self.tiles[number].columns[column * SPACING..][..rows])
    }

    /// The place of a tensor's tile: that of the tile before, or a new one.
    fn place(&mut self, tensor: usize, length: usize) -> usize {
        let same = |tile: &Turned<T>| (tile.tensor, tile.length) == (tensor, length);
        if let Some(known) = self.tiles[..self.count].iter().position(same) {
            return known;
        }
        if self.count == self.tiles.len() {
            self.tiles.push(Turned { tensor, first: 0, rows: 0, length, columns: Aligned::default() });
        }
        (self.tiles[self.count].tensor, self.tiles[self.count].length) = (tensor, length);
        self.count += 1;
        self.count - 1
    }
}
