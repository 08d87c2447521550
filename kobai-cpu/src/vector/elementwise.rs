//! Plain arithmetic over slices, compiled for each level: what a loop over elements is when the operation is a few
//! instructions.
//!
//! An operation that rounds as IEEE 754 says (+ − × ÷ √, comparisons, selections) has the same bits at every level, since
//! no level fuses what is written apart.

use super::float::Float;
use super::level::{Work, dispatch};

/// An operand of an elementwise operation.
#[derive(Clone, Copy, Debug)]
pub enum Operand<'a, T> {
    /// The same number everywhere.
    Same(T),
    /// A number for each element, as many as the output has.
    Each(&'a [T]),
}

impl<T: Copy> Operand<'_, T> {
    /// The number for an element.
    pub fn at(&self, place: usize) -> T {
        match self {
            Operand::Same(value) => *value,
            Operand::Each(values) => values[place],
        }
    }

    pub(super) fn assert_length(&self, length: usize) {
        if let Operand::Each(values) = self {
            assert_eq!(values.len(), length, "an operand and the output of an elementwise operation differ in length");
        }
    }
}

/// `out[i] = operation(x[i])`.
struct One<'a, T, F> {
    out: &'a mut [T],
    x: &'a [T],
    operation: F,
}

impl<T: Float, F: Fn(T) -> T> Work for One<'_, T, F> {
    type Output = ();

    #[inline(always)]
    fn run<const FMA: bool>(self) {
        self.out.iter_mut().zip(self.x).for_each(|(out, &x)| *out = (self.operation)(x));
    }
}

/// `out[i] = operation(a[i], b[i])`.
struct Two<'a, T, F> {
    out: &'a mut [T],
    a: &'a [T],
    b: &'a [T],
    operation: F,
}

impl<T: Float, F: Fn(T, T) -> T> Work for Two<'_, T, F> {
    type Output = ();

    #[inline(always)]
    fn run<const FMA: bool>(self) {
        let operands = self.a.iter().zip(self.b);
        self.out.iter_mut().zip(operands).for_each(|(out, (&a, &b))| *out = (self.operation)(a, b));
    }
}

/// `out[i] = operation(a[i], b[i], c[i])`.
struct Three<'a, T, F> {
    out: &'a mut [T],
    a: &'a [T],
    b: &'a [T],
    c: &'a [T],
    operation: F,
}

impl<T: Float, F: Fn(T, T, T) -> T> Work for Three<'_, T, F> {
    type Output = ();

    #[inline(always)]
    fn run<const FMA: bool>(self) {
        let operands = self.a.iter().zip(self.b).zip(self.c);
        self.out.iter_mut().zip(operands).for_each(|(out, ((&a, &b), &c))| *out = (self.operation)(a, b, c));
    }
}

/// Writes an operation on each number of `x` to `out`.
///
/// # Panics
/// If an operand's length is not that of `out`.
#[inline]
pub fn unary<T: Float>(out: &mut [T], x: Operand<T>, operation: impl Fn(T) -> T) {
    x.assert_length(out.len());
    match x {
        Operand::Same(x) => out.fill(operation(x)),
        Operand::Each(x) => dispatch(One { out, x, operation }),
    }
}

/// Writes an operation on each pair of numbers of `a` and `b` to `out`.
///
/// # Panics
/// If an operand's length is not that of `out`.
#[inline]
pub fn binary<T: Float>(out: &mut [T], a: Operand<T>, b: Operand<T>, operation: impl Fn(T, T) -> T) {
    a.assert_length(out.len());
    b.assert_length(out.len());
    match (a, b) {
        (Operand::Each(a), Operand::Each(b)) => dispatch(Two { out, a, b, operation }),
        (Operand::Each(x), Operand::Same(b)) => dispatch(One { out, x, operation: |a| operation(a, b) }),
        (Operand::Same(a), Operand::Each(x)) => dispatch(One { out, x, operation: |b| operation(a, b) }),
        (Operand::Same(a), Operand::Same(b)) => out.fill(operation(a, b)),
    }
}

/// Writes an operation on each three numbers of `a`, `b` and `c` to `out`.
///
/// # Panics
/// If an operand's length is not that of `out`.
#[inline]
pub fn ternary<T: Float>(out: &mut [T], a: Operand<T>, b: Operand<T>, c: Operand<T>, operation: impl Fn(T, T, T) -> T) {
    match (a, b, c) {
        (Operand::Same(a), ..) => binary(out, b, c, |b, c| operation(a, b, c)),
        (_, Operand::Same(b), _) => binary(out, a, c, |a, c| operation(a, b, c)),
        (.., Operand::Same(c)) => binary(out, a, b, |a, b| operation(a, b, c)),
        (Operand::Each(x), Operand::Each(y), Operand::Each(z)) => {
            [a, b, c].iter().for_each(|operand| operand.assert_length(out.len()));
            dispatch(Three { out, a: x, b: y, c: z, operation });
        }
    }
}

/// Writes `then` where the condition is not 0, and `otherwise` where it is, to `out`. (NaN is not 0.)
///
/// # Panics
/// If an operand's length is not that of `out`.
pub fn select<T: Float>(out: &mut [T], condition: Operand<T>, then: Operand<T>, otherwise: Operand<T>) {
    let pick = |condition: T, then: T, otherwise: T| if condition != T::ZERO { then } else { otherwise };
    match condition {
        Operand::Same(condition) => unary(out, if condition != T::ZERO { then } else { otherwise }, |x| x),
        Operand::Each(_) => ternary(out, condition, then, otherwise, pick),
    }
}

/// As many elements as are worked on at once where a number that is the same everywhere is written out.
pub(super) const PIECE: usize = 256;

/// The elements from `start` on, as many as asked for: of the slice, or of `same`.
pub(super) fn piece<'a, T>(operand: Operand<'a, T>, same: &'a [T], start: usize, length: usize) -> &'a [T] {
    match operand {
        Operand::Same(_) => &same[..length],
        Operand::Each(values) => &values[start..][..length],
    }
}

/// Does work that takes two slices, piece by piece.
pub(super) fn both<T: Float>(out: &mut [T], a: Operand<T>, b: Operand<T>, work: impl Fn(&mut [T], &[T], &[T])) {
    a.assert_length(out.len());
    b.assert_length(out.len());
    let written_out = |operand: Operand<T>| match operand {
        Operand::Same(value) => [value; PIECE],
        Operand::Each(_) => [T::ZERO; PIECE],
    };
    let (same_a, same_b) = (written_out(a), written_out(b));
    for (index, out) in out.chunks_mut(PIECE).enumerate() {
        let (start, length) = (index * PIECE, out.len());
        work(out, piece(a, &same_a, start, length), piece(b, &same_b, start, length));
    }
}
