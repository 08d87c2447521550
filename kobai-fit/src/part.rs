//! The rows of a table that are for one thing, as arrays in memory or in a file.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::ops::{Deref, Range};
use std::path::Path;

use kobai::eval::data::Array;
use kobai_cpu::scratch_file::ScratchFile;

use crate::error::DataError;
use crate::filling::not_written;
use crate::shuffle::Shuffle;

/// The rows of one role as arrays.
#[derive(Default)]
pub struct Part {
    /// How many rows.
    pub rows: usize,
    /// The arrays of the columns by symbol, each with the rows as its first axis.
    pub arrays: BTreeMap<String, PartArray>,
}

impl Part {
    /// Puts the rows in an order that the seed decides, so that a batch of neighbouring rows is one of all rows. Rows that
    /// lie in a file go to another one in this folder.
    ///
    /// # Errors
    /// `scratch-not-written`.
    pub fn shuffle(&mut self, seed: u64, folder: &Path) -> Result<(), DataError> {
        let bytes = self.arrays.values().map(|array| size_of_val(&**array)).max().unwrap_or(0);
        let shuffle = Shuffle::new(self.rows, bytes, seed);
        for array in self.arrays.values_mut() {
            let width = array.width();
            array.values = match &array.values {
                Values::Memory(values) => Values::Memory(shuffle.in_memory(values, width)),
                Values::File(file) => {
                    let shuffled = shuffle.in_file(file, width, folder);
                    Values::File(shuffled.map_err(|reason| not_written(folder, &reason))?)
                }
            };
        }
        Ok(())
    }
}

/// An array, in memory or in a file.
pub struct PartArray {
    /// The size of each axis.
    pub shape: Vec<usize>,
    /// True for integers that index another array.
    pub integer: bool,
    values: Values,
    /// Up to which row it was let go of, in this pass over it.
    released: Cell<usize>,
}

/// Where entries lie.
pub(crate) enum Values {
    Memory(Vec<f64>),
    File(ScratchFile<f64>),
}

/// Memory is let go of so many bytes at a time: each time costs a call of the system.
const RELEASED_BYTES: usize = 8 << 20;

impl PartArray {
    pub(crate) fn new(shape: Vec<usize>, values: Values, integer: bool) -> PartArray {
        PartArray { shape, integer, values, released: Cell::new(0) }
    }

    /// The entries of one row.
    pub fn width(&self) -> usize {
        self.shape.iter().skip(1).product()
    }

    /// The entries of these rows.
    pub fn rows(&self, rows: Range<usize>) -> &[f64] {
        &self[rows.start * self.width()..rows.end * self.width()]
    }

    /// Whether it lies in a file.
    pub fn is_in_file(&self) -> bool {
        matches!(self.values, Values::File(_))
    }

    /// Lets go of the memory that the reading of the rows before this one took, where they lie in a file. It is told again
    /// and again in a pass over the rows.
    pub fn release_before(&self, row: usize) {
        let Values::File(file) = &self.values else { return };
        let first = if row < self.released.get() { 0 } else { self.released.get() };
        let width = self.width();
        let last = self.shape.first() == Some(&row);
        if last || (row - first) * width * size_of::<f64>() >= RELEASED_BYTES {
            file.release(first * width..row * width);
            self.released.set(row);
        }
    }

    /// Some rows as an array of the compiler's.
    pub fn part_of(&self, rows: Range<usize>) -> Array {
        let shape = [rows.len()].into_iter().chain(self.shape.iter().skip(1).copied()).collect();
        Array { shape, data: self.rows(rows).to_vec(), integer: self.integer }
    }
}

impl Deref for PartArray {
    type Target = [f64];

    fn deref(&self) -> &[f64] {
        match &self.values {
            Values::Memory(values) => values,
            Values::File(file) => file,
        }
    }
}
