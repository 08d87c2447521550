//! What vectors of every width have in common: arithmetic, and how they come from memory and go there.
#![allow(unsafe_code)] // Work is compiled for instructions that the processor may lack.

use std::ops::{Add, Div, Mul, Neg, Sub};

use super::float::Float;
use super::level::Level;

/// A vector of the processor.
///
/// Its operations are the processor's instructions. They are called only from `Work::run_wide`, `Work::run_narrow` and
/// [`LaneWork::run`], which run only where the processor was seen to have them; that is what every SAFETY comment of the
/// implementations stands on.
pub trait Lanes:
    Copy + Add<Output = Self> + Sub<Output = Self> + Mul<Output = Self> + Div<Output = Self> + Neg<Output = Self>
{
    /// The type of the numbers.
    type Element: Float;

    /// Which processors have it.
    const LEVEL: Level;

    /// How many numbers it has.
    const COUNT: usize;

    /// How many of them the processor has room for.
    const REGISTERS: usize;

    /// Does the work, compiled for the instructions of these vectors.
    ///
    /// # Safety
    /// The processor has them.
    unsafe fn do_work<W: LaneWork<Self>>(work: W);

    /// The same number in each lane.
    fn splat(value: Self::Element) -> Self;

    /// self·b + c, rounded once.
    fn multiply_add(self, b: Self, c: Self) -> Self;

    /// The numbers of a slice, which has as many as a vector.
    fn load(source: &[Self::Element]) -> Self;

    /// Writes the numbers to a slice, which has as many as a vector.
    fn store(self, target: &mut [Self::Element]);

    /// The numbers of a slice that has no more than a vector, and zeros.
    fn load_first(source: &[Self::Element]) -> Self;

    /// Writes the first numbers to a slice, which has no more than a vector.
    fn store_first(self, target: &mut [Self::Element]);

    /// Makes the columns of a square block its rows: as many vectors as a vector has numbers.
    fn transpose(rows: &mut [Self]);
}

/// Something to do with vectors of one width. `run` must be `#[inline(always)]`, to be compiled for their instructions.
pub trait LaneWork<V> {
    /// Does it.
    fn run(self);
}

/// Makes a vector of the processor's own type and its instructions, with functions that move a part of one.
macro_rules! implement_lanes {
    (
        $name:ident = $count:literal of $float:ident in $vector:ident, $level:ident with $registers:literal registers;
        $set1:ident $add:ident $sub:ident $mul:ident $div:ident $fmadd:ident $load:ident $store:ident;
        $load_some:ident $store_some:ident $transpose:ident
    ) => {
        #[doc = concat!(stringify!($count), " `", stringify!($float), "`.")]
        #[derive(Clone, Copy)]
        pub struct $name($vector);

        implement_lanes!(operator $name Add add $add);
        implement_lanes!(operator $name Sub sub $sub);
        implement_lanes!(operator $name Mul mul $mul);
        implement_lanes!(operator $name Div div $div);

        impl Neg for $name {
            type Output = $name;

            #[inline(always)]
            fn neg(self) -> $name {
                $name::splat(-0.0) - self
            }
        }

        impl Lanes for $name {
            type Element = $float;
            const LEVEL: Level = Level::$level;
            const COUNT: usize = $count;
            const REGISTERS: usize = $registers;

            unsafe fn do_work<W: LaneWork<$name>>(work: W) {
                // SAFETY: the caller's.
                unsafe { with_instructions(work) }
            }

            #[inline(always)]
            fn splat(value: $float) -> $name {
                // SAFETY: as for the trait.
                $name(unsafe { $set1(value) })
            }

            #[inline(always)]
            fn multiply_add(self, b: $name, c: $name) -> $name {
                // SAFETY: as for the trait.
                $name(unsafe { $fmadd(self.0, b.0, c.0) })
            }

            #[inline(always)]
            fn load(source: &[$float]) -> $name {
                assert_eq!(source.len(), $count);
                // SAFETY: as for the trait; the slice is as long as a vector.
                $name(unsafe { $load(source.as_ptr()) })
            }

            #[inline(always)]
            fn store(self, target: &mut [$float]) {
                assert_eq!(target.len(), $count);
                // SAFETY: as for the trait; the slice is as long as a vector.
                unsafe { $store(target.as_mut_ptr(), self.0) }
            }

            #[inline(always)]
            fn load_first(source: &[$float]) -> $name {
                // SAFETY: as for the trait; what the mask leaves out is not read.
                $name(unsafe { $load_some(source.as_ptr(), source.len().min($count)) })
            }

            #[inline(always)]
            fn store_first(self, target: &mut [$float]) {
                if let Some(whole) = target.get_mut(..$count) {
                    return self.store(whole);
                }
                // SAFETY: as for the trait; the slice is shorter than a vector.
                unsafe { $store_some(target.as_mut_ptr(), target.len(), self.0) }
            }

            #[inline(always)]
            fn transpose(rows: &mut [$name]) {
                assert_eq!(rows.len(), $count);
                // SAFETY: as for the trait.
                unsafe { $transpose(rows) }
            }
        }
    };
    (operator $name:ident $trait:ident $method:ident $instruction:ident) => {
        impl $trait for $name {
            type Output = $name;

            #[inline(always)]
            fn $method(self, other: $name) -> $name {
                // SAFETY: as for the trait.
                $name(unsafe { $instruction(self.0, other.0) })
            }
        }
    };
}

pub(super) use implement_lanes;

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers that are all different.
    fn numbers<T: Float>(count: usize) -> Vec<T> {
        (1..=count).map(|number| T::from_f64(number as f64)).collect()
    }

    /// Turns a block, and copies the first numbers of a vector, as many as are asked for.
    struct Moved;

    impl<V: Lanes> LaneWork<V> for Moved {
        #[inline(always)]
        fn run(self) {
            let source: Vec<V::Element> = numbers(V::COUNT * V::COUNT);
            let mut rows: Vec<V> = source.chunks(V::COUNT).map(V::load).collect();
            V::transpose(&mut rows);
            for (column, row) in rows.into_iter().enumerate() {
                let mut found = vec![V::Element::ZERO; V::COUNT];
                row.store(&mut found);
                let expected = source.iter().skip(column).step_by(V::COUNT);
                assert!(found.iter().eq(expected), "column {column} of {}", V::COUNT);
            }
            for count in 0..=V::COUNT {
                let mut found = vec![V::Element::ZERO; V::COUNT + 1];
                V::load_first(&source[..count]).store(&mut found[..V::COUNT]);
                assert!(
                    found[..count] == source[..count] && found[count..].iter().all(|&rest| rest == V::Element::ZERO)
                );
                found.fill(V::Element::ONE);
                V::load(&source[V::COUNT..2 * V::COUNT]).store_first(&mut found[..count]);
                assert!(found[..count] == source[V::COUNT..][..count], "{count} of {}", V::COUNT);
                assert!(found[count..].iter().all(|&rest| rest == V::Element::ONE), "{count} of {}", V::COUNT);
            }
        }
    }

    fn check<V: Lanes>() {
        if V::LEVEL.is_available() {
            // SAFETY: just seen.
            unsafe { V::do_work(Moved) };
        }
    }

    #[test]
    fn numbers_are_turned_and_moved_and_others_stay() {
        check::<<f32 as Float>::Narrow>();
        check::<<f64 as Float>::Narrow>();
        check::<<f32 as Float>::Wide>();
        check::<<f64 as Float>::Wide>();
    }
}
