//! Logarithms that a row cannot say: of numbers, of even powers, to any base.

use crate::expr::{Context, Expr, Node, Rational};
use crate::function::Function;
use crate::rewrite::bounds::Knowledge;
use num_traits::{One, Signed, Zero};

/// log_a x of numbers, where it is rational: log_2 8 = 3, log_9 27 = 3/2.
pub(super) fn exact(context: &mut Context, _: &Knowledge, expr: Expr) -> Option<Expr> {
    let Node::Call(Function::LogBase, arguments) = context.node(expr) else { return None };
    let (base, argument) = (context.as_number(arguments[0])?, context.as_number(arguments[1])?);
    let value = rational_logarithm(base.clone(), argument.clone(), MOST_QUOTIENTS)?;
    Some(context.number(value))
}

/// Rational logarithms with longer continued fractions are left to the numbers.
const MOST_QUOTIENTS: usize = 32;

/// A rational logarithm is found long before its remainders grow to so many bits.
const MOST_BITS: u64 = 4_096;
/// As are those with an exponent above this.
const LARGEST_QUOTIENT: u32 = 4_096;

/// The exponent by Euclid's algorithm on logarithms, with divisions in place of subtractions.
fn rational_logarithm(base: Rational, argument: Rational, left: usize) -> Option<Rational> {
    let one = Rational::one();
    let long = |value: &Rational| value.numer().bits().max(value.denom().bits()) > MOST_BITS;
    if left == 0 || long(&base) || long(&argument) || !base.is_positive() || !argument.is_positive() || base == one {
        return None;
    }
    if argument == one {
        return Some(Rational::zero());
    }
    if base < one {
        return rational_logarithm(base.recip(), argument, left).map(|value| -value);
    }
    if argument < one {
        return rational_logarithm(base, argument.recip(), left).map(|value| -value);
    }
    if argument < base {
        return rational_logarithm(argument, base, left - 1).map(|value| value.recip());
    }
    let (mut rest, mut quotient) = (argument, Rational::zero());
    while rest >= base {
        rest /= &base;
        quotient += &one;
        if quotient > Rational::from_integer(LARGEST_QUOTIENT.into()) {
            return None;
        }
    }
    rational_logarithm(base, rest, left - 1).map(|value| quotient + value)
}

/// log_a x = log x / log a, where x is more than a name: the natural logarithm has the stability rules.
pub(super) fn change_of_base(context: &mut Context, _: &Knowledge, expr: Expr) -> Option<Expr> {
    let Node::Call(Function::LogBase, arguments) = context.node(expr).clone() else { return None };
    if matches!(context.node(arguments[1]), Node::Symbol(..) | Node::Number(_) | Node::Constant(_)) {
        return None;
    }
    let (argument, base) = (context.apply(Function::Log, arguments[1]), context.apply(Function::Log, arguments[0]));
    Some(context.divide(argument, base))
}

/// log x^n = n log |x| for an even n, whatever the sign of x.
pub(super) fn of_even_power(context: &mut Context, _: &Knowledge, expr: Expr) -> Option<Expr> {
    let Node::Call(Function::Log, arguments) = context.node(expr).clone() else { return None };
    let Node::Power(base, exponent) = *context.node(arguments[0]) else { return None };
    let value = context.as_number(exponent)?;
    if !value.is_integer() || !(value.to_integer() % 2_i32).is_zero() {
        return None;
    }
    let magnitude = context.apply(Function::Abs, base);
    let logarithm = context.apply(Function::Log, magnitude);
    Some(context.mul(vec![exponent, logarithm]))
}
