//! A loop of a product, or several, as the two matrices that have it see it.

use smallvec::SmallVec;

/// A loop as both of its tensors see it: how long it is, and the strides in either.
pub(super) type Dimension = (usize, usize, usize);

/// Few of them.
pub(super) type Dimensions = SmallVec<[Dimension; 4]>;

/// The places in two matrices at all turns of some loops.
#[derive(Clone, Debug)]
pub(crate) enum Offsets {
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

/// Neighbouring loops as one where they go through both tensors without a gap; loops of one turn left out.
pub(super) fn merged(loops: impl Iterator<Item = Dimension>) -> Dimensions {
    let mut merged = Dimensions::new();
    for one in loops.filter(|one| one.0 != 1) {
        match merged.last_mut() {
            Some(last) if last.1 == one.0 * one.1 && last.2 == one.0 * one.2 => *last = (last.0 * one.0, one.1, one.2),
            _ => merged.push(one),
        }
    }
    merged
}

/// The offsets in both tensors at all turns of loops.
pub(super) fn offsets(dimensions: &[Dimension]) -> SmallVec<[(usize, usize); 4]> {
    let mut offsets: SmallVec<[(usize, usize); 4]> = smallvec::smallvec![(0, 0)];
    for &(length, first, second) in dimensions {
        let turn = |(a, b): (usize, usize)| (0..length).map(move |turn| (a + turn * first, b + turn * second));
        offsets = offsets.into_iter().flat_map(turn).collect();
    }
    offsets
}
