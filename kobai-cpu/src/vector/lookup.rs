//! Where the entries lie that indices look up, in vectors.

use super::float::Float;
use super::level::{Work, dispatch};

/// The place of what is looked up outside of its axis.
pub const NOWHERE: usize = usize::MAX;

/// Indices whose places are worked out at once.
const BLOCK: usize = 128;
/// Added to an integer below it, the integer stands in the low bits of the sum: doubles from here on are 1 apart.
const UNIT_SPACED: f64 = (1_u64 << 52) as f64;

/// A tensor as one index sees it.
#[derive(Clone, Copy, Debug)]
pub struct Lookup {
    /// The entry that an index of 0 looks up in the first lane.
    pub first: usize,
    /// From a lane to the next.
    pub step: usize,
    /// The size of the axis that is looked up.
    pub size: usize,
    /// From an entry to the next along that axis.
    pub stride: usize,
    /// Whether an index that is no integer looks up nothing; otherwise it is cut to one towards 0.
    pub exact: bool,
}

impl Lookup {
    /// The place of the entry that an index looks up in a lane, or [`NOWHERE`].
    #[inline(always)]
    pub fn place(&self, lane: usize, index: f64) -> usize {
        // Places are below 2⁵², so products and sums of them are exact.
        let [first, step, size, stride] = [self.first, self.step, self.size, self.stride].map(|number| number as f64);
        let cut = index.trunc();
        // NaN is above nothing.
        let is_inside = (index > -1.0) & (cut < size) & (!self.exact | (cut == index));
        let entry = first + lane as i32 as f64 * step + cut * stride;
        let bits = (entry + UNIT_SPACED).to_bits() & (UNIT_SPACED as u64 - 1);
        if is_inside { bits as usize } else { NOWHERE }
    }
}

/// Indices from a lane on, and their places.
struct Places<'a, T> {
    indices: &'a [T],
    lane: usize,
    lookup: Lookup,
    places: &'a mut [usize; BLOCK],
}

impl<T: Float> Work for Places<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<const FMA: bool>(self) {
        let Lookup { first, step, .. } = self.lookup;
        let lookup = Lookup { first: first + self.lane * step, ..self.lookup };
        for (lane, (place, &index)) in self.places.iter_mut().zip(self.indices).enumerate() {
            *place = lookup.place(lane, index.to_f64());
        }
    }
}

/// Gives for each lane, in order, its number and the place of the entry that its index looks up, or [`NOWHERE`].
pub fn look_up<T: Float>(indices: &[T], lookup: Lookup, mut take: impl FnMut(usize, usize)) {
    let mut places = [NOWHERE; BLOCK];
    for (block, indices) in indices.chunks(BLOCK).enumerate() {
        let lane = block * BLOCK;
        dispatch(Places { indices, lane, lookup, places: &mut places });
        places[..indices.len()].iter().enumerate().for_each(|(number, &place)| take(lane + number, place));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// At the processor's level and as portable code, beside arithmetic on integers.
    #[test]
    fn every_level_finds_the_places_of_integers_and_of_nothing_else() {
        let hard = [-0.0, 0.5, -0.5, -1.0, -1.5, 6.0, 6.5, 7.0, 1e300, -1e300];
        let hard = hard.into_iter().chain([f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::MIN_POSITIVE]);
        let indices: Vec<f64> = hard.chain((0..300).map(|number| f64::from(number % 9) - 1.0)).collect();
        for (first, exact) in [(0, true), (5, false), ((1 << 52) - 100_000, true)] {
            let lookup = Lookup { first, step: 21, size: 7, stride: 3, exact };
            let expected = |lane: usize| {
                let integer = (0..7_i32).rev().find(|&place| f64::from(place) == indices[lane].trunc());
                let integer = integer.filter(|&place| !exact || f64::from(place) == indices[lane]);
                // What is cut to −0 was above −1.
                integer.map_or(NOWHERE, |place| first + lane * 21 + 3 * place as usize)
            };
            let mut lanes = 0;
            look_up(&indices, lookup, |lane, place| {
                assert_eq!((lane, place), (lanes, expected(lane)), "{}, exact: {exact}", indices[lane]);
                lanes += 1;
            });
            assert_eq!(lanes, indices.len());
            let mut places = [0; BLOCK];
            Places { indices: &indices[3..100], lane: 3, lookup, places: &mut places }.run::<false>();
            (3..100).for_each(|lane| assert_eq!(places[lane - 3], expected(lane), "{}", indices[lane]));
        }
    }
}
