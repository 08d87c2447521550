//! How each layer of an expression is undone, and what that asks of the other side.

use crate::differentiate::inverse_of;
use crate::expr::{Constant, Context, Expr, Node, Rational, Symbol};
use crate::formula::Relation;
use crate::function::Function;
use num_traits::Signed;

/// Applied to the other side: what it becomes, by branches.
type Undo = Box<dyn Fn(&mut Context, Expr) -> Vec<Expr>>;
/// Applied to the other side before: what must hold.
type Conditions = Box<dyn Fn(&mut Context, Expr) -> Vec<Expr>>;

/// How a layer is undone.
pub(super) struct Undone {
    pub rule: &'static str,
    pub with: Option<Expr>,
    pub function: Option<Function>,
    /// What is left inside of the layer.
    pub inside: Expr,
    pub undo: Undo,
    pub conditions: Conditions,
}

impl Undone {
    fn new(rule: &'static str, with: Option<Expr>, inside: Expr, undo: Undo, conditions: Conditions) -> Undone {
        Undone { rule, with, function: None, inside, undo, conditions }
    }

    /// inside + other
    pub fn sum(context: &mut Context, inside: Expr, other: Expr) -> Undone {
        let undo: Undo = Box::new(move |context, right| vec![context.subtract(right, other)]);
        let (rule, with) = match context.split_coefficient(other) {
            (factor, _) if factor.is_negative() => ("solve-add", context.negate(other)),
            _ => ("solve-subtract", other),
        };
        Undone::new(rule, Some(with), inside, undo, Box::new(|_, _| Vec::new()))
    }

    /// inside · other
    pub fn product(inside: Expr, other: Expr) -> Undone {
        let undo: Undo = Box::new(move |context, right| vec![context.divide(right, other)]);
        Undone::new(
            "solve-divide",
            Some(other),
            inside,
            undo,
            Box::new(move |context, _| vec![not_zero(context, other)]),
        )
    }

    /// inside^exponent
    pub fn power(context: &mut Context, inside: Expr, exponent: Expr) -> Undone {
        match context.as_number(exponent).cloned() {
            Some(number) if number == -Rational::from_integer(1.into()) => {
                let undo: Undo = Box::new(|context, right| vec![context.reciprocal(right)]);
                let conditions: Conditions = Box::new(|context, right| vec![not_zero(context, right)]);
                Undone::new("solve-reciprocal", None, inside, undo, conditions)
            }
            Some(number) => Undone::rational_power(inside, exponent, &number),
            None => {
                let undo: Undo = Box::new(move |context, right| vec![root(context, right, exponent)]);
                let conditions: Conditions = Box::new(move |context, right| {
                    let zero = context.integer(0);
                    vec![context.compare(Relation::Greater, right, zero), not_zero(context, exponent)]
                });
                Undone::new("solve-root", Some(exponent), inside, undo, conditions)
            }
        }
    }

    /// An even power has two roots, and is never negative; an even root is never negative either.
    fn rational_power(inside: Expr, exponent: Expr, number: &Rational) -> Undone {
        let (even, root_even, negative) = (!number.numer().bit(0), !number.denom().bit(0), number.is_negative());
        let undo: Undo = Box::new(move |context, right| {
            let root = root(context, right, exponent);
            if even { vec![root, context.negate(root)] } else { vec![root] }
        });
        let conditions: Conditions = Box::new(move |context, right| {
            let zero = context.integer(0);
            match (even || root_even, negative) {
                (true, true) => vec![context.compare(Relation::Greater, right, zero)],
                (true, false) => vec![context.compare(Relation::GreaterOrEqual, right, zero)],
                (false, true) => vec![not_zero(context, right)],
                (false, false) => Vec::new(),
            }
        });
        let key = if even { "solve-even-power" } else { "solve-root" };
        Undone::new(key, Some(exponent), inside, undo, conditions)
    }

    /// base^inside
    pub fn exponential(base: Expr, inside: Expr) -> Undone {
        let undo: Undo = Box::new(move |context, right| vec![context.call(Function::LogBase, vec![base, right])]);
        let conditions: Conditions = Box::new(move |context, right| {
            let (zero, one) = (context.integer(0), context.integer(1));
            vec![
                context.compare(Relation::Greater, base, zero),
                context.compare(Relation::NotEqual, base, one),
                context.compare(Relation::Greater, right, zero),
            ]
        });
        Undone::new("solve-logarithm", Some(base), inside, undo, conditions)
    }

    /// log_inside argument = right means inside^right = argument.
    pub fn base(inside: Expr, argument: Expr) -> Undone {
        let undo: Undo = Box::new(move |context, right| vec![root(context, argument, right)]);
        let conditions: Conditions = Box::new(|context, right| vec![not_zero(context, right)]);
        Undone::new("solve-base", Some(argument), inside, undo, conditions)
    }

    /// |inside|
    pub fn absolute(inside: Expr) -> Undone {
        let undo: Undo = Box::new(|context, right| vec![right, context.negate(right)]);
        let conditions: Conditions = Box::new(|context, right| {
            let zero = context.integer(0);
            vec![context.compare(Relation::GreaterOrEqual, right, zero)]
        });
        Undone::new("solve-absolute", None, inside, undo, conditions)
    }

    /// A function with an inverse in its row.
    pub fn function(function: Function, arguments: &[Expr], inside: Expr) -> Undone {
        let arguments = arguments.to_vec();
        let undo: Undo =
            Box::new(move |context, right| inverse_of(context, function, &arguments, right).into_iter().collect());
        let conditions: Conditions = Box::new(move |context, right| branch(context, function, inside, right));
        Undone { function: Some(function), ..Undone::new("solve-inverse", None, inside, undo, conditions) }
    }
}

fn not_zero(context: &mut Context, expr: Expr) -> Expr {
    let zero = context.integer(0);
    context.compare(Relation::NotEqual, expr, zero)
}

/// value^(1 / exponent)
fn root(context: &mut Context, value: Expr, exponent: Expr) -> Expr {
    let degree = context.reciprocal(exponent);
    context.power(value, degree)
}

/// Where an inverse of the circle's functions holds, which undoes one branch only.
fn branch(context: &mut Context, function: Function, inside: Expr, right: Expr) -> Vec<Expr> {
    let pi = context.constant(Constant::Pi);
    let half = context.ratio(1, 2);
    let quarter_turn = context.mul(vec![half, pi]);
    let opposite = context.negate(quarter_turn);
    let zero = context.integer(0);
    let (relation, low, value, high) = match function {
        Function::Tan => (Relation::Less, opposite, inside, quarter_turn),
        Function::Arctan => (Relation::Less, opposite, right, quarter_turn),
        Function::Arcsin => (Relation::LessOrEqual, opposite, right, quarter_turn),
        Function::Arccos => (Relation::LessOrEqual, zero, right, pi),
        _ => return Vec::new(),
    };
    vec![context.compare(relation, low, value), context.compare(relation, value, high)]
}

/// a x + b x + c with the terms of x gathered: (a + b) x + c.
pub(super) fn gathered(context: &mut Context, expr: Expr, symbol: Symbol) -> Expr {
    let Node::Add(terms) = context.node(expr).clone() else { return expr };
    let mut groups: Vec<(Expr, Vec<Expr>)> = Vec::new();
    let mut rest = Vec::new();
    for &term in terms.iter() {
        let factors = match context.node(term).clone() {
            Node::Mul(factors) => factors.to_vec(),
            _ => vec![term],
        };
        let (inside, others): (Vec<Expr>, Vec<Expr>) =
            factors.into_iter().partition(|&factor| context.depends_on(factor, symbol));
        if inside.is_empty() {
            rest.push(term);
            continue;
        }
        let (inside, others) = (context.mul(inside), context.mul(others));
        match groups.iter_mut().find(|(known, _)| *known == inside) {
            Some((_, coefficients)) => coefficients.push(others),
            None => groups.push((inside, vec![others])),
        }
    }
    for (inside, coefficients) in groups {
        let coefficient = context.add(coefficients);
        rest.push(context.mul(vec![coefficient, inside]));
    }
    context.add(rest)
}

/// An expression that is to be 0, multiplied by its denominators with the symbol in them.
pub(super) fn without_denominators(context: &mut Context, expr: Expr, symbol: Symbol) -> Expr {
    let Node::Add(terms) = context.node(expr).clone() else { return expr };
    let mut denominators: Vec<Expr> = Vec::new();
    for &term in terms.iter() {
        let factors = match context.node(term).clone() {
            Node::Mul(factors) => factors.to_vec(),
            _ => vec![term],
        };
        for factor in factors {
            let Node::Power(_, exponent) = *context.node(factor) else { continue };
            let negative = context.as_number(exponent).is_some_and(Signed::is_negative);
            if negative && context.depends_on(factor, symbol) && !denominators.contains(&factor) {
                denominators.push(factor);
            }
        }
    }
    let whole: Vec<Expr> = denominators.into_iter().map(|factor| context.reciprocal(factor)).collect();
    let terms = terms.iter().map(|&term| context.mul([&whole[..], &[term]].concat())).collect();
    context.add(terms)
}
