//! Factors of a matrix product, brought into the order in which tiles read them.

use super::tile::VECTORS;
use crate::vector::{Float, copy_rows, prefetch, transpose};
use std::ops::Range;

/// Panels of a block of the right factor.
pub(super) const PANELS: usize = 4;
/// Lines that are packed at once: vectors have at most 16 numbers.
pub(super) const MOST_LINES: usize = PANELS * VECTORS * 16;

/// Rows of the left factor, or columns of the right one.
pub(super) struct Lines<'a, T> {
    source: &'a [T],
    starts: [usize; MOST_LINES],
    count: usize,
}

/// Entries side by side, as many in each run.
pub(super) struct Runs<'a, T> {
    source: &'a [T],
    /// Where they start: at the first place and the places of the turns, or at each line's.
    starts: Vec<usize>,
    length: usize,
    at_once: usize,
    asked: usize,
}

impl<'a, T: Float> Lines<'a, T> {
    /// Lines of a factor, and where each starts.
    ///
    /// # Panics
    /// If there are more than [`MOST_LINES`].
    pub fn new(source: &'a [T], lines: Range<usize>, start: impl Fn(usize) -> usize) -> Lines<'a, T> {
        let (mut starts, count) = ([0; MOST_LINES], lines.len());
        lines.enumerate().for_each(|(number, line)| starts[number] = start(line));
        Lines { source, starts, count }
    }

    fn starts(&self) -> &[usize] {
        &self.starts[..self.count]
    }

    /// Whether the lines lie side by side at every turn.
    fn are_side_by_side(&self) -> bool {
        self.starts().windows(2).all(|pair| pair[1] == pair[0] + 1)
    }

    /// Writes panel after panel, each of so many lines, turn after turn the entries of its lines, `width` apart.
    pub fn pack(&self, turns: Range<usize>, place: impl Fn(usize) -> usize, packed: &mut [T], width: usize) {
        if self.are_side_by_side() {
            let start = |turn: usize| self.starts[0] + place(turn);
            return copy_rows(self.source, turns, start, self.count, packed, width);
        }
        let along = are_side_by_side(&turns, &place).then(|| &self.source[place(turns.start)..]);
        for (starts, panel) in self.starts().chunks(width).zip(packed.chunks_mut(width * turns.len())) {
            if let Some(source) = along {
                transpose(source, (starts.len(), |line| starts[line]), turns.len(), panel, width);
                continue;
            }
            for (packed, turn) in panel.chunks_exact_mut(width).zip(turns.clone()) {
                let place = place(turn);
                packed.iter_mut().zip(starts).for_each(|(packed, start)| *packed = self.source[start + place]);
            }
        }
    }

    /// What lies side by side of these lines and turns.
    pub fn runs(&self, turns: Range<usize>, place: impl Fn(usize) -> usize) -> Runs<'a, T> {
        let (starts, length) = if self.are_side_by_side() {
            (turns.map(|turn| self.starts[0] + place(turn)).collect(), self.count)
        } else if are_side_by_side(&turns, &place) {
            (self.starts().iter().map(|start| start + place(turns.start)).collect(), turns.len())
        } else {
            (Vec::new(), 0)
        };
        Runs { source: self.source, starts, length, at_once: 0, asked: 0 }
    }
}

/// Whether the turns lie side by side in each line.
fn are_side_by_side(turns: &Range<usize>, place: impl Fn(usize) -> usize) -> bool {
    turns.clone().skip(1).all(|turn| place(turn) == place(turn - 1) + 1)
}

impl<T> Runs<'_, T> {
    /// The same, to be asked for bit by bit.
    pub fn asked_in(self, times: usize) -> Self {
        Runs { at_once: self.starts.len().div_ceil(times.max(1)), ..self }
    }

    /// Asks for some more.
    pub fn ask(&mut self) {
        let end = (self.asked + self.at_once).min(self.starts.len());
        for &start in &self.starts[self.asked..end] {
            prefetch(&self.source[start..start + self.length]);
        }
        self.asked = end;
    }
}
