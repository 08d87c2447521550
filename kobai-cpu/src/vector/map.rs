//! A function of one number, over a slice.

use super::float::Float;
#[cfg(target_arch = "x86_64")]
use super::lanes::Lanes;
use super::level::{Work, dispatch};

/// A function of one number, free of branches so that a loop over it becomes vector instructions. `apply` must be
/// `#[inline(always)]`.
pub(super) trait Kernel<T: Float>: Copy {
    /// The function's value; `FMA` says whether fused multiply-add is one instruction.
    fn apply<const FMA: bool>(&self, x: T) -> T;

    /// Whether there is an `apply_wide`.
    #[cfg(target_arch = "x86_64")]
    const IS_WIDE: bool = false;

    /// The function's values for a vector of AVX-512; see [`wide!`]. Without one the compiler makes vectors of `apply`.
    #[cfg(target_arch = "x86_64")]
    #[inline(always)]
    fn apply_wide(&self, x: T::Wide) -> T::Wide {
        x
    }
}

/// Gives a kernel its values for a vector of AVX-512.
macro_rules! wide {
    (|$self:ident, $x:ident| $value:expr) => {
        #[cfg(target_arch = "x86_64")]
        const IS_WIDE: bool = true;

        #[cfg(target_arch = "x86_64")]
        #[inline(always)]
        fn apply_wide(&$self, $x: T::Wide) -> T::Wide {
            $value
        }
    };
}
pub(super) use wide;

/// Makes kernels of functions that are worked in `f64` alone.
macro_rules! kernels {
    ($($(#[$doc:meta])* $kernel:ident: $function:ident;)*) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Copy)]
            pub(super) struct $kernel;

            impl<T: Float> super::map::Kernel<T> for $kernel {
                #[inline(always)]
                fn apply<const FMA: bool>(&self, x: T) -> T {
                    T::from_f64($function::<FMA>(x.to_f64()))
                }
            }
        )*
    };
}
pub(super) use kernels;

/// A kernel to apply to each element of a slice, which holds whole vectors.
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

    #[cfg(target_arch = "x86_64")]
    #[inline(always)]
    fn run_wide(self) {
        if !K::IS_WIDE {
            return self.run::<true>();
        }
        for values in self.values.chunks_exact_mut(T::LANES) {
            self.kernel.apply_wide(T::Wide::load(values)).store(values);
        }
    }
}

/// A kernel to apply from slice to slice, which hold whole vectors.
struct MapTo<'a, T, K> {
    kernel: K,
    values: &'a [T],
    output: &'a mut [T],
}

impl<T: Float, K: Kernel<T>> Work for MapTo<'_, T, K> {
    type Output = ();

    #[inline(always)]
    fn run<const FMA: bool>(self) {
        for (output, &value) in self.output.iter_mut().zip(self.values) {
            *output = self.kernel.apply::<FMA>(value);
        }
    }

    #[cfg(target_arch = "x86_64")]
    #[inline(always)]
    fn run_wide(self) {
        if !K::IS_WIDE {
            return self.run::<true>();
        }
        let vectors = self.output.chunks_exact_mut(T::LANES).zip(self.values.chunks_exact(T::LANES));
        for (output, values) in vectors {
            self.kernel.apply_wide(T::Wide::load(values)).store(output);
        }
    }
}

/// Where the whole vectors of a slice end.
pub(super) fn whole<T: Float>(values: &[T]) -> usize {
    values.len() - values.len() % T::LANES
}

/// The kernel's values at the last elements, fewer than a vector: they are worked in a vector filled up with ones, since a
/// loop's own handling of a remainder would take them one by one.
fn map_rest<T: Float, K: Kernel<T>>(kernel: K, values: &[T]) -> [T; 16] {
    // As many as LANES can be, of which the first LANES are used: an array's length cannot depend on T.
    let mut padded = [T::ONE; 16];
    padded[..values.len()].copy_from_slice(values);
    dispatch(Map { kernel, values: &mut padded[..T::LANES] });
    padded
}

/// Replaces each value by the kernel's value.
pub(super) fn map<T: Float, K: Kernel<T>>(kernel: K, values: &mut [T]) {
    let (values, rest) = values.split_at_mut(whole(values));
    if !values.is_empty() {
        dispatch(Map { kernel, values });
    }
    if !rest.is_empty() {
        rest.copy_from_slice(&map_rest(kernel, rest)[..rest.len()]);
    }
}

/// Writes the kernel's value at each of `values` to `output`.
pub(super) fn map_to<T: Float, K: Kernel<T>>(kernel: K, values: &[T], output: &mut [T]) {
    assert_eq!(values.len(), output.len(), "the input and the output of a vector function differ in length");
    let (values, rest) = values.split_at(whole(values));
    let (output, output_rest) = output.split_at_mut(values.len());
    if !values.is_empty() {
        dispatch(MapTo { kernel, values, output });
    }
    if !rest.is_empty() {
        output_rest.copy_from_slice(&map_rest(kernel, rest)[..rest.len()]);
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

    #[cfg(target_arch = "x86_64")]
    #[inline(always)]
    fn run_wide(self) -> T {
        if !K::IS_WIDE {
            return self.run::<true>();
        }
        let mut values = [self.value; 16];
        let lanes = &mut values[..T::LANES];
        self.kernel.apply_wide(T::Wide::load(lanes)).store(lanes);
        values[0]
    }
}

/// The kernel's value at one number.
pub(super) fn one<T: Float, K: Kernel<T>>(kernel: K, value: T) -> T {
    dispatch(One { kernel, value })
}
