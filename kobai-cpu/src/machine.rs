//! What this machine can do: how fast it copies memory and multiplies matrices, and how much memory this process takes.
//!
//! The rates are for comparison with a plan's own, measured in the same run. The threads are those of the rayon pool in
//! which a function is called.
#![allow(unsafe_code)] // gemm takes pointers and strides.

use crate::vector::Float;
use rayon::prelude::*;
use std::hint::black_box;
use std::time::{Duration, Instant};

/// Bytes of each of the two arrays of a copy: beyond every cache.
const COPIED_BYTES: usize = 256 << 20;
/// Rows, columns and contracted length of the product: long enough that packing costs next to nothing.
const PRODUCT_SIZE: usize = 2048;
/// The times of something that was done again and again.
#[derive(Clone, Debug, PartialEq)]
pub struct Timing {
    /// The middle one, in seconds.
    pub median: f64,
    /// The shortest one, in seconds.
    pub fastest: f64,
    /// How many there are.
    pub runs: usize,
}

/// Does something again and again for about this time, at least `fewest` times. To drop what it gives is not timed.
///
/// # Errors
/// The first error of the work.
pub fn time<R, E>(limit: Duration, fewest: usize, mut work: impl FnMut() -> Result<R, E>) -> Result<Timing, E> {
    let began = Instant::now();
    let mut times = Vec::new();
    while times.len() < fewest.max(1) || began.elapsed() < limit {
        let start = Instant::now();
        let made = work()?;
        times.push(start.elapsed().as_secs_f64());
        drop(made);
    }
    times.sort_by(f64::total_cmp);
    Ok(Timing { median: times[times.len() / 2], fastest: times[0], runs: times.len() })
}

/// Bytes read and written in a second by the best copy of a large array, by one thread or by all of them, of those that
/// fit in this time; at least one of each is made.
pub fn copy_rate(limit: Duration) -> f64 {
    let from = vec![1_u8; COPIED_BYTES];
    let mut to = vec![0_u8; COPIED_BYTES];
    let threads = rayon::current_num_threads();
    let mut rate = |parts: usize| {
        let length = COPIED_BYTES.div_ceil(parts);
        let seconds = best(limit, || {
            let pairs = to.par_chunks_mut(length).zip(from.par_chunks(length));
            pairs.for_each(|(to, from)| to.copy_from_slice(black_box(from)));
            black_box(&mut to);
        });
        2.0 * COPIED_BYTES as f64 / seconds
    };
    if threads == 1 { rate(1) } else { rate(1).max(rate(threads)) }
}

/// Floating-point operations in a second of the best large matrix product of those that fit in this time; at least one.
pub fn product_rate<T: Float>(limit: Duration) -> f64 {
    let count = PRODUCT_SIZE * PRODUCT_SIZE;
    let (left, right) = (vec![T::HALF; count], vec![T::TWO; count]);
    let mut out = vec![T::ZERO; count];
    let seconds = best(limit, || multiply_square(PRODUCT_SIZE, &mut out, black_box(&left), black_box(&right)));
    2.0 * (PRODUCT_SIZE as f64).powi(3) / seconds
}

/// out = left · right, three square matrices of this size.
fn multiply_square<T: Float>(size: usize, out: &mut [T], left: &[T], right: &[T]) {
    let needed = size * size;
    assert!(out.len() == needed && left.len() == needed && right.len() == needed, "three square matrices");
    let (row, column) = (size as isize, 1);
    // SAFETY: with these strides every index lies below size², which is the length of each slice; the result is borrowed
    // mutably, so that it overlaps neither of the factors.
    unsafe {
        gemm::gemm(
            size,
            size,
            size,
            out.as_mut_ptr(),
            column,
            row,
            false,
            left.as_ptr(),
            column,
            row,
            right.as_ptr(),
            column,
            row,
            T::ZERO,
            T::ONE,
            false,
            false,
            false,
            gemm::Parallelism::Rayon(0),
        );
    }
}

/// The shortest time, after one run that counts for nothing.
fn best(limit: Duration, mut work: impl FnMut()) -> f64 {
    work();
    let timed = time(limit, 1, || -> Result<(), std::convert::Infallible> {
        work();
        Ok(())
    });
    match timed {
        Ok(timing) => timing.fastest,
        Err(never) => match never {},
    }
}

/// The memory of this process from now on, where the system tells it (Linux).
#[derive(Clone, Copy, Debug)]
pub struct Memory {
    resident: u64,
}

impl Memory {
    /// Starts anew: the peak so far is forgotten. `None` where the system does not tell.
    pub fn start() -> Option<Memory> {
        // Linux, proc_pid_clear_refs(5): 5 resets the peak resident set size.
        std::fs::write("/proc/self/clear_refs", "5").ok()?;
        Some(Memory { resident: status("VmRSS:")? })
    }

    /// Bytes that the process held at its peak since the start, above what it held at the start.
    pub fn peak(self) -> Option<u64> {
        Some(status("VmHWM:")?.saturating_sub(self.resident))
    }
}

/// Bytes that this machine can still give to programs, where the system tells it (Linux).
pub fn available_memory() -> Option<u64> {
    line_of("/proc/meminfo", "MemAvailable:")
}

/// Bytes that this process held at its peak, where the system tells it (Linux).
pub fn peak_memory() -> Option<u64> {
    status("VmHWM:")
}

fn status(key: &str) -> Option<u64> {
    line_of("/proc/self/status", key)
}

/// What a line of such a file says in kB, in bytes.
fn line_of(path: &str, key: &str) -> Option<u64> {
    let text = std::fs::read_to_string(path).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(key))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_of_at_least_so_many_runs_is_told() {
        let mut runs = 0;
        let timing = time(Duration::ZERO, 3, || -> Result<(), ()> {
            runs += 1;
            Ok(())
        });
        let timing = timing.expect("the work has no error");
        assert_eq!((timing.runs, runs), (3, 3));
        assert!(timing.fastest <= timing.median);
    }

    #[test]
    fn an_error_ends_the_runs() {
        assert_eq!(time(Duration::ZERO, 3, || Err::<(), _>("no")), Err("no"));
    }

    #[test]
    fn the_peak_counts_what_is_touched() {
        let Some(memory) = Memory::start() else { return };
        let touched = black_box(vec![1_u8; 64 << 20]);
        let peak = memory.peak().expect("the start was told");
        assert!(peak >= 32 << 20, "{peak}");
        drop(touched);
    }
}
