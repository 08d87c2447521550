//! The arithmetic of tapes: on one number, and on a tile of them. Both give the same bits.

use crate::vector::{self, Float, Fraction, LogBase, scalar};
use kobai::eval::arithmetic::Arithmetic;
use kobai::eval::double::Double;
use kobai::formula::Relation;
use kobai::function::Function;
use std::cell::RefCell;
use std::f64::consts::E;

pub(super) use crate::vector::scalar::power;
pub(super) use crate::vector::{Operand, binary, power as power_tile, select, ternary, unary};

/// a · b, where a factor of exactly 0 removes the other.
#[inline(always)]
pub(crate) fn multiply<T: Float>(a: T, b: T) -> T {
    if (a != T::ZERO) & (b != T::ZERO) { a * b } else { T::ZERO }
}

#[inline(always)]
fn flag<T: Float>(holds: bool) -> T {
    if holds { T::ONE } else { T::ZERO }
}

/// 1 where the relation holds; nothing holds of NaN.
pub(super) fn compare<T: Float>(relation: Relation, a: T, b: T) -> T {
    flag(a.partial_cmp(&b).is_some_and(|order| relation.holds(order)))
}

/// The power of a fraction.
pub(super) fn power_rational<T: Float>(base: T, fraction: (i32, u32)) -> T {
    let mut out = [T::ZERO];
    power_rational_tile(&mut out, Operand::Same(base), fraction);
    out[0]
}

/// The power of a fraction, on a tile: products and square roots where these are as good. The fraction is looked at once.
pub(super) fn power_rational_tile<T: Float>(out: &mut [T], base: Operand<T>, fraction: (i32, u32)) {
    match (fraction, base) {
        ((-1, 1), _) => unary(out, base, |base| T::ONE / base),
        ((2, 1), _) => unary(out, base, |base| base * base),
        ((3, 1), _) => unary(out, base, |base| base * base * base),
        ((1, 2), _) => unary(out, base, |base| base.square_root()),
        ((-1, 2), _) => unary(out, base, |base| T::ONE / base.square_root()),
        ((0, _), _) => out.fill(T::ONE),
        ((numerator, denominator), Operand::Each(base)) => {
            vector::power_of_fraction_to(base, out, Fraction::new(numerator, denominator));
        }
        ((numerator, denominator), Operand::Same(base)) => {
            out.fill(scalar::power_of_fraction(base, Fraction::new(numerator, denominator)));
        }
    }
}

/// A kernel for one number and one for slices.
type Kernels<T> = (fn(T) -> T, fn(&[T], &mut [T]));

/// The vector kernels of a function, if there are.
fn kernels<T: Float>(function: Function) -> Option<Kernels<T>> {
    Some(match function {
        Function::Exp => (scalar::exp, vector::exp_to),
        Function::Log => (scalar::log, vector::log_to),
        Function::Log1p => (scalar::log1p, vector::log1p_to),
        Function::Expm1 => (scalar::expm1, vector::expm1_to),
        Function::Log1mexp => (scalar::log1mexp, vector::log1mexp_to),
        Function::Sigmoid => (scalar::sigmoid, vector::sigmoid_to),
        Function::Softplus => (scalar::softplus, vector::softplus_to),
        Function::Tanh => (scalar::tanh, vector::tanh_to),
        Function::Erf => (scalar::erf, vector::erf_to),
        Function::NormalCdf => (scalar::normal_cdf, vector::normal_cdf_to),
        Function::LogNormalCdf => (scalar::log_normal_cdf, vector::log_normal_cdf_to),
        Function::InverseMills => (scalar::inverse_mills, vector::inverse_mills_to),
        Function::LogGamma => (scalar::log_gamma, vector::log_gamma_to),
        Function::Digamma => (scalar::digamma, vector::digamma_to),
        _ => return None,
    })
}

thread_local! {
    /// The last base of logarithms: preparing one takes longer than a tile of logarithms, and a tape has few.
    static BASE: RefCell<(f64, LogBase)> = const { RefCell::new((E, LogBase::E)) };
}

/// Does work with a base of logarithms.
fn with_base<T: Float, R>(base: T, work: impl FnOnce(&LogBase) -> R) -> R {
    BASE.with_borrow_mut(|(known, prepared)| {
        if base.to_f64() != *known {
            (*known, *prepared) = (base.to_f64(), LogBase::new(base.to_f64()));
        }
        work(prepared)
    })
}

/// Whether the kernel leaves this number to the function in doubles: the gamma family's are for positive numbers.
#[inline(always)]
fn is_left_out<T: Float>(function: Function, x: T) -> bool {
    matches!(function, Function::LogGamma | Function::Digamma) && x < T::ZERO
}

/// A function of numbers.
pub(super) fn call<T: Float>(function: Function, arguments: &[T]) -> T {
    match (kernels::<T>(function), arguments) {
        (Some((one, _)), [x]) if !is_left_out(function, *x) => one(*x),
        (_, [x]) => T::from_f64(Double.call(function, &[x.to_f64()])),
        (_, [base, x]) if function == Function::LogBase => with_base(*base, |base| scalar::log_base(*x, base)),
        (_, [x, y]) => T::from_f64(Double.call(function, &[x.to_f64(), y.to_f64()])),
        _ => T::NAN,
    }
}

/// A function of one operand, on a tile.
pub(super) fn call_unary<T: Float>(out: &mut [T], function: Function, x: Operand<T>) {
    match (kernels::<T>(function), x, function) {
        (Some((_, many)), Operand::Each(x), _) => {
            many(x, out);
            if x.iter().any(|&x| is_left_out(function, x)) {
                let lanes = out.iter_mut().zip(x).filter(|(_, x)| is_left_out(function, **x));
                lanes.for_each(|(out, &x)| *out = call(function, &[x]));
            }
        }
        (None, Operand::Each(_), Function::Relu) => unary(out, x, |x| if x <= T::ZERO { T::ZERO } else { x }),
        (None, Operand::Each(_), Function::Abs) => unary(out, x, |x| x.magnitude()),
        (None, Operand::Each(_), Function::StopGradient) => unary(out, x, |x| x),
        _ => unary(out, x, |x| call(function, &[x])),
    }
}

/// A function of two operands, on a tile. Max and min are NaN if either operand is.
#[allow(clippy::eq_op)] // Only NaN differs from itself.
pub(super) fn call_binary<T: Float>(out: &mut [T], function: Function, x: Operand<T>, y: Operand<T>) {
    match (function, x, y) {
        (Function::LogBase, Operand::Same(base), Operand::Each(x)) => {
            with_base(base, |base| vector::log_base_to(x, out, base));
        }
        (Function::Max, ..) => binary(out, x, y, |x, y| if (y > x) | (y != y) { y } else { x }),
        (Function::Min, ..) => binary(out, x, y, |x, y| if (y < x) | (y != y) { y } else { x }),
        _ => binary(out, x, y, |x, y| call(function, &[x, y])),
    }
}

/// What rounding has taken from a + b, given rounded; 0 where that is no number.
#[inline(always)]
pub(super) fn rounding_error<T: Float>(a: T, b: T, sum: T) -> T {
    let of_b = sum - a;
    let error = (a - (sum - of_b)) + (b - of_b);
    // Only NaN differs from itself.
    #[allow(clippy::eq_op)]
    if error == error { error } else { T::ZERO }
}

/// The same on a tile, for a + b or a − b.
pub(super) fn rounding_error_tile<T: Float>(
    out: &mut [T],
    (a, b): (Operand<T>, Operand<T>),
    subtracted: bool,
    sum: Operand<T>,
) {
    if subtracted {
        ternary(out, a, b, sum, |a, b, sum| rounding_error(a, -b, sum));
    } else {
        ternary(out, a, b, sum, rounding_error);
    }
}

/// A comparison on a tile; the relation is looked at once.
pub(super) fn compare_tile<T: Float>(out: &mut [T], relation: Relation, a: Operand<T>, b: Operand<T>) {
    match relation {
        Relation::Equal => binary(out, a, b, |a, b| flag(a == b)),
        Relation::NotEqual => binary(out, a, b, |a, b| flag((a < b) | (a > b))),
        Relation::Less => binary(out, a, b, |a, b| flag(a < b)),
        Relation::LessOrEqual => binary(out, a, b, |a, b| flag(a <= b)),
        Relation::Greater => binary(out, a, b, |a, b| flag(a > b)),
        Relation::GreaterOrEqual => binary(out, a, b, |a, b| flag(a >= b)),
    }
}
