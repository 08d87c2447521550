//! An operation of several operands in one pass, written once for a number and for a vector of AVX-512.
#![allow(unsafe_code)] // For vectors of slices whose lengths were looked at once.

use super::elementwise::{Operand, PIECE, piece};
use super::float::Float;
#[cfg(target_arch = "x86_64")]
use super::lanes::Lanes;
use super::level::{Work, dispatch};
use std::ops::{Add, Mul, Sub};

/// A number, or a vector of numbers.
pub trait Value: Copy + Add<Output = Self> + Sub<Output = Self> + Mul<Output = Self> {
    /// The type of the numbers.
    type Number;

    /// The same number everywhere.
    fn of(number: Self::Number) -> Self;

    /// `self` where none of the others is 0, else +0.
    fn unless_zero<const N: usize>(self, others: [Self; N]) -> Self;

    /// `self`, or 0 where it is no number.
    fn or_zero(self) -> Self;
}

macro_rules! number {
    ($($number:ident)*) => { $(
        impl Value for $number {
            type Number = $number;

            #[inline(always)]
            fn of(number: $number) -> $number {
                number
            }

            #[inline(always)]
            fn unless_zero<const N: usize>(self, others: [$number; N]) -> $number {
                let mut none = true;
                for other in others {
                    none &= other != 0.0;
                }
                if none { self } else { 0.0 }
            }

            #[inline(always)]
            fn or_zero(self) -> $number {
                if self.is_nan() { 0.0 } else { self }
            }
        }
    )* };
}
number! { f32 f64 }

/// An operation of so many operands. `apply` must be `#[inline(always)]`.
pub(crate) trait Several<T, const N: usize> {
    /// The operation's value.
    fn apply<V: Value<Number = T>>(&self, operands: [V; N]) -> V;
}

/// `out[i] = operation(a[i], b[i] …)`.
struct Pass<'a, T, const N: usize, O> {
    out: &'a mut [T],
    operands: [&'a [T]; N],
    operation: &'a O,
}

impl<T: Float, const N: usize, O: Several<T, N>> Work for Pass<'_, T, N, O> {
    type Output = ();

    #[inline(always)]
    fn run<const FMA: bool>(self) {
        let length = self.out.len();
        let mut operands = self.operands;
        for operand in &mut operands {
            *operand = &operand[..length];
        }
        for place in 0..length {
            let mut values = [T::ZERO; N];
            for (value, operand) in values.iter_mut().zip(operands) {
                *value = operand[place];
            }
            self.out[place] = self.operation.apply(values);
        }
    }

    #[cfg(target_arch = "x86_64")]
    #[inline(always)]
    fn run_wide(self) {
        assert!(self.operands.iter().all(|operand| operand.len() == self.out.len()));
        let whole = self.out.len() - self.out.len() % T::LANES;
        let (out, rest) = self.out.split_at_mut(whole);
        for (number, out) in out.chunks_exact_mut(T::LANES).enumerate() {
            let mut values = [T::Wide::splat(T::ZERO); N];
            for (value, operand) in values.iter_mut().zip(self.operands) {
                let place = number * T::LANES;
                // SAFETY: the operands are as long as what is written.
                *value = T::Wide::load(unsafe { operand.get_unchecked(place..place + T::LANES) });
            }
            self.operation.apply(values).store(out);
        }
        if !rest.is_empty() {
            let mut values = [T::Wide::splat(T::ZERO); N];
            for (value, operand) in values.iter_mut().zip(self.operands) {
                *value = T::Wide::load_first(&operand[whole..][..rest.len()]);
            }
            self.operation.apply(values).store_first(rest);
        }
    }
}

/// Writes an operation on each N numbers to `out`.
///
/// # Panics
/// If an operand's length is not that of `out`.
pub(crate) fn several<T: Float, const N: usize>(
    out: &mut [T],
    operands: [Operand<T>; N],
    operation: &impl Several<T, N>,
) {
    operands.iter().for_each(|operand| operand.assert_length(out.len()));
    let mut slices: [&[T]; N] = [&[]; N];
    let mut differ = true;
    for (slice, operand) in slices.iter_mut().zip(operands) {
        match operand {
            Operand::Each(values) => *slice = values,
            Operand::Same(_) => differ = false,
        }
    }
    if differ {
        dispatch(Pass { out, operands: slices, operation });
    } else {
        several_in_pieces(out, operands, operation);
    }
}

/// The same where some number is the same everywhere.
#[inline(never)]
fn several_in_pieces<T: Float, const N: usize>(
    out: &mut [T],
    operands: [Operand<T>; N],
    operation: &impl Several<T, N>,
) {
    let written_out = operands.map(|operand| match operand {
        Operand::Same(value) => [value; PIECE],
        Operand::Each(_) => [T::ZERO; PIECE],
    });
    for (number, out) in out.chunks_mut(PIECE).enumerate() {
        let mut slices: [&[T]; N] = [&[]; N];
        for ((slice, operand), same) in slices.iter_mut().zip(operands).zip(&written_out) {
            *slice = piece(operand, same, number * PIECE, out.len());
        }
        dispatch(Pass { out, operands: slices, operation });
    }
}
