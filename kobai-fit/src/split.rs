//! Parting rows into those that train and those that are held out, the same way every time.

use crate::error::DataError;

/// The part that is held out unless said otherwise: one row in five.
pub const HELD_OUT_FRACTION: f64 = 0.2;

/// The seed of the shuffle unless said otherwise. Any number would do; this one is fixed so that a figure in a lesson is
/// the figure on the reader's machine.
pub const SEED: u64 = 20_250_101;

/// Which rows train and which are held out: every row is in exactly one, and each is in the order of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Split {
    /// The rows that the parameters are fitted to, counted from 0.
    pub training: Vec<usize>,
    /// The rows that only judge the fit.
    pub held_out: Vec<usize>,
}

/// Holds out `fraction` of `rows` rows, rounded to the nearest whole number, drawn by a shuffle that `seed` decides.
///
/// The shuffle is that of Fisher and Yates (Knuth, *The Art of Computer Programming*, volume 2, algorithm 3.4.2 P) with
/// the generator SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014), so the rows
/// are the same on every machine.
///
/// # Errors
/// `split-fraction` where the fraction is not in [0, 1), `split-no-training-rows` where nothing would be left to fit.
pub fn split(rows: usize, fraction: f64, seed: u64) -> Result<Split, DataError> {
    if !(0.0..1.0).contains(&fraction) {
        return Err(DataError::new("split-fraction").with("found", fraction));
    }
    let count = (rows as f64 * fraction).round() as usize;
    if count >= rows {
        return Err(DataError::new("split-no-training-rows").with("rows", rows).with("held_out", count));
    }
    let mut order: Vec<usize> = (0..rows).collect();
    let mut random = SplitMix64 { state: seed };
    for last in (1..rows).rev() {
        order.swap(last, random.below(last + 1));
    }
    let mut training = order.split_off(count);
    let mut held_out = order;
    training.sort_unstable();
    held_out.sort_unstable();
    Ok(Split { training, held_out })
}

/// The generator SplitMix64.
struct SplitMix64 {
    state: u64,
}

impl SplitMix64 {
    /// The next 64 bits.
    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut bits = self.state;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        bits ^ (bits >> 31)
    }

    /// A number below `bound`: the upper half of a product, whose bias of `bound` in 2⁶⁴ no table of rows can show.
    fn below(&mut self, bound: usize) -> usize {
        ((u128::from(self.next()) * bound as u128) >> 64) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_generator_gives_the_published_sequence() {
        let mut random = SplitMix64 { state: 1_234_567 };
        assert_eq!(random.next(), 6_457_827_717_110_365_317);
        assert_eq!(random.next(), 3_203_168_211_198_807_973);
    }
}
