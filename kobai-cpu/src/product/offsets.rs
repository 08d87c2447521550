//! The loops of a product, as the two matrices that have each see it.

use smallvec::SmallVec;

/// A loop as both of its tensors see it: how long it is, and the strides in either.
pub(super) type Dimension = (usize, usize, usize);

/// Few of them.
pub(super) type Dimensions = SmallVec<[Dimension; 4]>;

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
