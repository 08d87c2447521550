//! Rows in a random order, in memory or larger than it.
//!
//! Each row is dealt to one of several buckets, each bucket is put in a random order, and the buckets follow each other:
//! every order of the rows is equally likely (Rao, "Generation of random permutations of given number of elements using
//! random sampling numbers", 1961; Sandelius 1962). Rows in a file are only read and written one after another, and one
//! bucket at a time is in memory.

use std::io;
use std::path::Path;

use kobai_cpu::scratch_file::{ScratchFile, ScratchWriter};

use crate::random::SplitMix64;

/// What a bucket should take.
const BUCKET_BYTES: usize = 1 << 26;
/// Each bucket has a file while they are dealt to.
const MOST_BUCKETS: usize = 64;

/// An order of rows, which a seed decides; the same in memory and in a file.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shuffle {
    rows: usize,
    buckets: usize,
    seed: u64,
}

impl Shuffle {
    /// An order of so many rows, of which the largest array takes so many bytes.
    pub fn new(rows: usize, bytes: usize, seed: u64) -> Shuffle {
        Shuffle { rows, buckets: bytes.div_ceil(BUCKET_BYTES).clamp(1, MOST_BUCKETS), seed }
    }

    /// The bucket of each row.
    fn deal(&self) -> impl Iterator<Item = usize> + use<> {
        let (mut random, buckets) = (SplitMix64::new(!self.seed), self.buckets);
        (0..self.rows).map(move |_| random.below(buckets))
    }

    /// The order of so many rows in a bucket.
    fn order(&self, bucket: usize, rows: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..rows).collect();
        SplitMix64::new(self.seed.wrapping_add(bucket as u64)).shuffle(&mut order);
        order
    }

    /// Rows of this many entries in the order.
    pub fn in_memory(&self, entries: &[f64], width: usize) -> Vec<f64> {
        let mut buckets = vec![Vec::new(); self.buckets];
        self.deal().enumerate().for_each(|(row, bucket)| buckets[bucket].push(row));
        let mut shuffled = Vec::with_capacity(entries.len());
        for (number, rows) in buckets.iter().enumerate() {
            for place in self.order(number, rows.len()) {
                shuffled.extend_from_slice(&entries[rows[place] * width..][..width]);
            }
        }
        shuffled
    }

    /// The same with rows that lie in a file, which go to another one in this folder.
    ///
    /// # Errors
    /// What the system says, for a full disk above all.
    pub fn in_file(&self, entries: &ScratchFile<f64>, width: usize, folder: &Path) -> io::Result<ScratchFile<f64>> {
        let file = || tempfile::tempfile_in(folder).map(ScratchWriter::new);
        let mut buckets = (0..self.buckets).map(|_| file()).collect::<io::Result<Vec<ScratchWriter<f64>>>>()?;
        let mut released = 0;
        for (row, bucket) in self.deal().enumerate() {
            buckets[bucket].write(&entries[row * width..(row + 1) * width])?;
            if (row + 1 - released) * width * size_of::<f64>() >= BUCKET_BYTES {
                entries.release(released * width..(row + 1) * width);
                released = row + 1;
            }
        }
        let mut shuffled = file()?;
        for (number, bucket) in buckets.into_iter().enumerate() {
            let bucket = bucket.finish()?;
            for place in self.order(number, bucket.len() / width.max(1)) {
                shuffled.write(&bucket[place * width..(place + 1) * width])?;
            }
        }
        shuffled.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_is_the_same_in_memory_and_in_a_file_for_arrays_of_any_width() {
        let shuffle = Shuffle { rows: 1000, buckets: 7, seed: 3 };
        let numbers: Vec<f64> = (0..1000).map(f64::from).collect();
        let order = shuffle.in_memory(&numbers, 1);
        let mut sorted = order.clone();
        sorted.sort_by(f64::total_cmp);
        assert_eq!(sorted, numbers);
        let pairs: Vec<f64> = numbers.iter().flat_map(|&number| [number, -number]).collect();
        let mut writer = ScratchWriter::new(tempfile::tempfile().unwrap());
        writer.write(&pairs).unwrap();
        let in_file = shuffle.in_file(&writer.finish().unwrap(), 2, &std::env::temp_dir()).unwrap();
        let expected: Vec<f64> = order.iter().flat_map(|&number| [number, -number]).collect();
        assert_eq!(in_file[..], expected);
    }

    /// Over many seeds a row is as often in one place as in another: χ² with 24 degrees of freedom is below 51 in all but one
    /// of a thousand tries.
    #[test]
    fn every_place_is_equally_likely() {
        let numbers: Vec<f64> = (0..5).map(f64::from).collect();
        let mut counts = [[0.0; 5]; 5];
        for seed in 0..20_000 {
            let shuffle = Shuffle { rows: 5, buckets: 3, seed: seed * 7919 };
            for (place, number) in shuffle.in_memory(&numbers, 1).into_iter().enumerate() {
                counts[place][number as usize] += 1.0;
            }
        }
        let chi_squared: f64 = counts.iter().flatten().map(|count: &f64| (count - 4000.0).powi(2) / 4000.0).sum();
        assert!(chi_squared < 51.0, "{chi_squared}: {counts:?}");
    }
}
