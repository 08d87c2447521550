//! A function of one number, over a slice.

use super::float::Float;
use super::level::{Work, dispatch};

/// A function of one number, free of branches so that a loop over it becomes vector instructions. `apply` must be
/// `#[inline(always)]`.
pub(super) trait Kernel<T>: Copy {
    /// The function's value; `FMA` says whether fused multiply-add is one instruction.
    fn apply<const FMA: bool>(self, x: T) -> T;
}

/// Elements copied at a time into the output: few enough to be still in the first-level cache when they are worked on.
pub(super) const CHUNK: usize = 1024;

/// A kernel to apply to each element of a slice.
struct Map<'a, T, K> {
    kernel: K,
    values: &'a mut [T],
}

impl<T: Float, K: Kernel<T>> Work for Map<'_, T, K> {
    type Output = ();

    #[inline(always)]
    fn run<const FMA: bool>(self) {
        for value in self.values {
            *value = self.kernel.apply::<FMA>(*value);
        }
    }
}

/// Replaces each value by the kernel's value.
///
/// The loop only ever sees whole vectors: the last elements are worked in a vector filled up with ones, since a loop's
/// own handling of a remainder would take them one by one.
pub(super) fn map<T: Float, K: Kernel<T>>(kernel: K, values: &mut [T]) {
    let (whole, rest) = values.split_at_mut(values.len() - values.len() % T::LANES);
    if !whole.is_empty() {
        dispatch(Map { kernel, values: whole });
    }
    if !rest.is_empty() {
        // As many as LANES can be, of which the first LANES are used: an array's length cannot depend on T.
        let mut padded = [T::ONE; 16];
        padded[..rest.len()].copy_from_slice(rest);
        dispatch(Map { kernel, values: &mut padded[..T::LANES] });
        rest.copy_from_slice(&padded[..rest.len()]);
    }
}

/// Writes the kernel's value at each of `values` to `output`.
pub(super) fn map_to<T: Float, K: Kernel<T>>(kernel: K, values: &[T], output: &mut [T]) {
    assert_eq!(values.len(), output.len(), "the input and the output of a vector function differ in length");
    for (values, output) in values.chunks(CHUNK).zip(output.chunks_mut(CHUNK)) {
        output.copy_from_slice(values);
        map(kernel, output);
    }
}

/// A kernel to apply to one number.
struct One<T, K> {
    kernel: K,
    value: T,
}

impl<T: Float, K: Kernel<T>> Work for One<T, K> {
    type Output = T;

    #[inline(always)]
    fn run<const FMA: bool>(self) -> T {
        self.kernel.apply::<FMA>(self.value)
    }
}

/// The kernel's value at one number.
pub(super) fn one<T: Float, K: Kernel<T>>(kernel: K, value: T) -> T {
    dispatch(One { kernel, value })
}
