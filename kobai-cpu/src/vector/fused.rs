//! Several operations of a tape in one pass over its entries.

use super::exponential::exp_pair;
use super::float::Float;
use super::map::{Kernel, map_to, wide};
#[cfg(target_arch = "x86_64")]
use super::{wide::Wide, wide_functions};

/// The kernel of e^((x − first) − second) · factor.
#[derive(Clone, Copy)]
struct ExpShiftedScaled<T> {
    first: T,
    second: T,
    factor: T,
}

impl<T: Float> Kernel<T> for ExpShiftedScaled<T> {
    #[inline(always)]
    fn apply<const FMA: bool>(&self, x: T) -> T {
        exp_pair::<T, FMA>((x - self.first) - self.second).0 * self.factor
    }

    wide!(|self, x| {
        let shifted = (x - T::Wide::splat(self.first)) - T::Wide::splat(self.second);
        wide_functions::exp(shifted) * T::Wide::splat(self.factor)
    });
}

/// Writes e^((x − first) − second) · factor for each x of `values`, each operation rounded as if it stood alone.
///
/// # Panics
/// If the slices differ in length.
pub fn exp_shifted_scaled_to<T: Float>(values: &[T], (first, second): (T, T), factor: T, output: &mut [T]) {
    map_to(ExpShiftedScaled { first, second, factor }, values, output);
}
