//! eˣ and eˣ − 1 at once.

use super::exponential::exp_and_complement;
use super::float::Float;
use super::level::{Work, dispatch};
use super::map::whole;
#[cfg(target_arch = "x86_64")]
use super::{lanes::Lanes, wide_functions};

/// Slices of equal length that hold whole vectors.
struct ExpAndExpm1<'a, T> {
    values: &'a [T],
    powers: &'a mut [T],
    less_one: &'a mut [T],
}

impl<T: Float> Work for ExpAndExpm1<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<const FMA: bool>(self) {
        for ((power, less_one), &x) in self.powers.iter_mut().zip(self.less_one).zip(self.values) {
            let (exp, complement) = exp_and_complement::<T, FMA>(x);
            (*power, *less_one) = (exp.0, -complement.0);
        }
    }

    #[cfg(target_arch = "x86_64")]
    #[inline(always)]
    fn run_wide(self) {
        let outputs = self.powers.chunks_exact_mut(T::LANES).zip(self.less_one.chunks_exact_mut(T::LANES));
        for ((power, less_one), x) in outputs.zip(self.values.chunks_exact(T::LANES)) {
            let (exp, expm1) = wide_functions::exp_and_expm1(T::Wide::load(x));
            exp.store(power);
            expm1.store(less_one);
        }
    }
}

/// Writes eˣ for each x ≤ 0 of `values` to `powers` and eˣ − 1, accurate near 0 too, to `less_one`, for little more than
/// the price of the first.
///
/// eˣ is below 0.6 ULP (0.8 where it is subnormal), eˣ − 1 below 1.5 ULP; it is a zero at ±0. For x > 0 neither is of use.
///
/// # Panics
/// If the slices differ in length.
pub fn exp_and_expm1_to<T: Float>(values: &[T], powers: &mut [T], less_one: &mut [T]) {
    let equal = values.len() == powers.len() && values.len() == less_one.len();
    assert!(equal, "the input and the outputs of a vector function differ in length");
    let whole = whole(values);
    let ((values, rest), (powers, powers_rest)) = (values.split_at(whole), powers.split_at_mut(whole));
    let (less_one, less_one_rest) = less_one.split_at_mut(whole);
    if whole > 0 {
        dispatch(ExpAndExpm1 { values, powers, less_one });
    }
    if !rest.is_empty() {
        let mut padded = [[T::ZERO; 16]; 3];
        padded[0][..rest.len()].copy_from_slice(rest);
        let [values, powers, less_one] = &mut padded;
        let work = ExpAndExpm1 {
            values: &values[..T::LANES],
            powers: &mut powers[..T::LANES],
            less_one: &mut less_one[..T::LANES],
        };
        dispatch(work);
        powers_rest.copy_from_slice(&powers[..rest.len()]);
        less_one_rest.copy_from_slice(&less_one[..rest.len()]);
    }
}
