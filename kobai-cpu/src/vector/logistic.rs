//! The logistic sigmoid and softplus at x and at −x together, which share e^−|x|.

use super::activation::{Sigmoid, Softplus};
use super::float::Float;
use super::level::{Work, dispatch};
use super::map::Kernel;
#[cfg(target_arch = "x86_64")]
use super::{lanes::Lanes, wide_functions};

/// A function at x and at −x.
trait PairKernel<T: Float> {
    /// The two values; `FMA` says whether fused multiply-add is one instruction.
    fn apply<const FMA: bool>(x: T) -> (T, T);

    /// The same for vectors of AVX-512.
    #[cfg(target_arch = "x86_64")]
    fn apply_wide(x: T::Wide) -> (T::Wide, T::Wide);
}

struct SigmoidPair;

impl<T: Float> PairKernel<T> for SigmoidPair {
    #[inline(always)]
    fn apply<const FMA: bool>(x: T) -> (T, T) {
        (Sigmoid.apply::<FMA>(x), Sigmoid.apply::<FMA>(-x))
    }

    #[cfg(target_arch = "x86_64")]
    #[inline(always)]
    fn apply_wide(x: T::Wide) -> (T::Wide, T::Wide) {
        wide_functions::sigmoid_pair(x)
    }
}

struct SoftplusPair;

impl<T: Float> PairKernel<T> for SoftplusPair {
    #[inline(always)]
    fn apply<const FMA: bool>(x: T) -> (T, T) {
        (Softplus.apply::<FMA>(x), Softplus.apply::<FMA>(-x))
    }

    #[cfg(target_arch = "x86_64")]
    #[inline(always)]
    fn apply_wide(x: T::Wide) -> (T::Wide, T::Wide) {
        wide_functions::softplus_pair(x)
    }
}

/// Slices of equal length that hold whole vectors.
struct MapPair<'a, T, K> {
    values: &'a [T],
    plus: &'a mut [T],
    minus: &'a mut [T],
    kernel: std::marker::PhantomData<K>,
}

impl<T: Float, K: PairKernel<T>> Work for MapPair<'_, T, K> {
    type Output = ();

    #[inline(always)]
    fn run<const FMA: bool>(self) {
        for ((plus, minus), &x) in self.plus.iter_mut().zip(self.minus).zip(self.values) {
            (*plus, *minus) = K::apply::<FMA>(x);
        }
    }

    #[cfg(target_arch = "x86_64")]
    #[inline(always)]
    fn run_wide(self) {
        let outputs = self.plus.chunks_exact_mut(T::LANES).zip(self.minus.chunks_exact_mut(T::LANES));
        for ((plus, minus), x) in outputs.zip(self.values.chunks_exact(T::LANES)) {
            let (at_plus, at_minus) = K::apply_wide(T::Wide::load(x));
            at_plus.store(plus);
            at_minus.store(minus);
        }
    }
}

fn map_pair<T: Float, K: PairKernel<T>>(values: &[T], plus: &mut [T], minus: &mut [T]) {
    let equal = values.len() == plus.len() && values.len() == minus.len();
    assert!(equal, "the input and the outputs of a vector function differ in length");
    let kernel = std::marker::PhantomData::<K>;
    let whole = values.len() - values.len() % T::LANES;
    let ((values, rest), (plus, plus_rest)) = (values.split_at(whole), plus.split_at_mut(whole));
    let (minus, minus_rest) = minus.split_at_mut(whole);
    if whole > 0 {
        dispatch(MapPair { values, plus, minus, kernel });
    }
    if !rest.is_empty() {
        let [mut values, mut plus, mut minus] = [[T::ZERO; 16]; 3];
        values[..rest.len()].copy_from_slice(rest);
        let (plus, minus) = (&mut plus[..T::LANES], &mut minus[..T::LANES]);
        dispatch(MapPair { values: &values[..T::LANES], plus: &mut *plus, minus: &mut *minus, kernel });
        plus_rest.copy_from_slice(&plus[..rest.len()]);
        minus_rest.copy_from_slice(&minus[..rest.len()]);
    }
}

/// Writes σ(x) for each x of `values` to `plus` and σ(−x) to `minus`, with the bits of [`sigmoid`](super::sigmoid).
///
/// # Panics
/// If the slices differ in length.
pub fn sigmoid_pair_to<T: Float>(values: &[T], plus: &mut [T], minus: &mut [T]) {
    map_pair::<T, SigmoidPair>(values, plus, minus);
}

/// Writes ln(1 + eˣ) for each x of `values` to `plus` and ln(1 + e⁻ˣ) to `minus`, with the bits of
/// [`softplus`](super::softplus).
///
/// # Panics
/// If the slices differ in length.
pub fn softplus_pair_to<T: Float>(values: &[T], plus: &mut [T], minus: &mut [T]) {
    map_pair::<T, SoftplusPair>(values, plus, minus);
}
