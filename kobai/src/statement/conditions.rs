//! Where an expression is defined, said as briefly as a person would.

use crate::differentiate::{conditions_of, inverse_of};
use crate::expr::{Context, Expr, Node, Rational};
use crate::formula::Relation;
use crate::function::Function;
use crate::print::{Notation, print, print_condition};
use crate::resolve::Program;
use crate::rewrite::bounds::Knowledge;
use num_traits::Signed;

/// What the functions and powers in an expression ask of their arguments, each a condition.
pub fn domain(context: &mut Context, expr: Expr) -> Vec<Expr> {
    let mut found = Vec::new();
    collect(context, expr, &mut found);
    found
}

fn collect(context: &mut Context, expr: Expr, found: &mut Vec<Expr>) {
    let conditions = match context.node(expr).clone() {
        Node::Call(function, arguments) => conditions_of(context, function, &arguments),
        Node::Power(base, exponent) => power_conditions(context, base, exponent),
        _ => Vec::new(),
    };
    for condition in conditions {
        if !found.contains(&condition) && context.as_number(condition).is_none_or(|value| !value.is_positive()) {
            found.push(condition);
        }
    }
    match context.open(expr) {
        Some(opened) => collect(context, opened.body, found),
        // What a branch asks for holds only where it is taken, which its own condition says.
        None if matches!(context.node(expr), Node::Select(..)) => {}
        None => context.children(expr).into_iter().for_each(|part| collect(context, part, found)),
    }
}

fn power_conditions(context: &mut Context, base: Expr, exponent: Expr) -> Vec<Expr> {
    let zero = context.integer(0);
    let relation = match context.as_number(exponent) {
        // An odd root has a value for negative numbers too.
        Some(value) if value.denom().bit(0) && value.is_negative() => Relation::NotEqual,
        Some(value) if value.denom().bit(0) => return Vec::new(),
        Some(value) if value.is_negative() => Relation::Greater,
        Some(_) => Relation::GreaterOrEqual,
        None => Relation::Greater,
    };
    vec![context.compare(relation, base, zero)]
}

/// The same conditions without those that follow from the others.
pub fn simplified(program: &mut Program, conditions: &[Expr]) -> Vec<Expr> {
    let mut left: Vec<Expr> = Vec::new();
    for &condition in conditions {
        let bounds = super::sign::as_bounds(&mut program.context, condition).unwrap_or_else(|| vec![condition]);
        for condition in bounds {
            let condition = solved(&mut program.context, condition);
            if !left.contains(&condition) && program.context.as_number(condition).is_none() {
                left.push(condition);
            }
        }
    }
    let mut position = 0;
    while position < left.len() {
        let mut known = Knowledge::default();
        let others = left.iter().enumerate().filter(|(other, _)| *other != position).map(|(_, &condition)| condition);
        others.for_each(|condition| known.assume(&program.context, condition));
        if known.proves(&mut program.context, left[position]) {
            left.remove(position);
        } else {
            position += 1;
        }
    }
    left
}

/// A condition as one would write it: 3u + 1 > 0 is u > −1/3, and log a ≠ 0 is a ≠ 1.
fn solved(context: &mut Context, condition: Expr) -> Expr {
    let Node::Compare(relation, a, b) = *context.node(condition) else { return condition };
    let difference = context.subtract(b, a);
    let Some((inside, factor, constant)) = linear(context, difference) else { return condition };
    // factor · inside + constant has the sign of factor · (inside − bound).
    let bound = context.number(-constant / &factor);
    let (left, right) = if factor.is_negative() { (inside, bound) } else { (bound, inside) };
    match inverted(context, relation, inside, bound) {
        Some((argument, value)) if left == bound => context.compare(relation, value, argument),
        Some((argument, value)) => context.compare(relation, argument, value),
        None => context.compare(relation, left, right),
    }
}

/// f · u + c as (u, f, c), with numbers f and c, if there is a single term that is no number.
pub(super) fn linear(context: &mut Context, expr: Expr) -> Option<(Expr, Rational, Rational)> {
    let terms = match context.node(expr).clone() {
        Node::Add(terms) => terms.to_vec(),
        _ => vec![expr],
    };
    let (numbers, others): (Vec<Expr>, Vec<Expr>) =
        terms.into_iter().partition(|&term| context.as_number(term).is_some());
    let constant = numbers.iter().filter_map(|&number| context.as_number(number).cloned()).sum();
    let [only] = others[..] else { return None };
    let (factor, inside) = context.split_coefficient(only);
    Some((inside?, factor, constant))
}

/// f(u) ≠ c is u ≠ g(c), with g the inverse from the function's row; e^u > 1 is u > 0.
fn inverted(context: &mut Context, relation: Relation, call: Expr, bound: Expr) -> Option<(Expr, Expr)> {
    let Node::Call(function, arguments) = context.node(call).clone() else { return None };
    if relation != Relation::NotEqual && !matches!(function, Function::Exp | Function::Log) {
        return None;
    }
    let value = inverse_of(context, function, &arguments, bound)?;
    context.as_number(value)?;
    Some((*arguments.last()?, value))
}

/// Conditions as they are printed; two bounds of one expression as `-1 < y < 1`.
pub fn print_conditions(context: &Context, conditions: &[Expr], notation: Notation) -> Vec<String> {
    let mut shown = Vec::new();
    let mut joined: Vec<Expr> = Vec::new();
    for &condition in conditions {
        if joined.contains(&condition) {
            continue;
        }
        let above = lower_bound(context, condition).and_then(|(low, first, inside)| {
            let upper = |&other: &Expr| upper_bound(context, other, inside).map(|found| (other, found));
            let (other, (high, second)) = conditions.iter().find_map(upper)?;
            Some((other, [(low, first), (inside, second)], high))
        });
        match above {
            Some((other, parts, high)) => {
                let part =
                    |(expr, relation)| format!("{} {} ", print(context, expr, notation), sign(relation, notation));
                shown.push(parts.map(part).concat() + &print(context, high, notation));
                joined.push(other);
            }
            None => shown.push(print_condition(context, condition, notation)),
        }
    }
    shown
}

fn sign(relation: Relation, notation: Notation) -> &'static str {
    match (relation, notation) {
        (Relation::Less, _) => "<",
        (_, Notation::Latex) => r"\le",
        (_, Notation::Plain) => "<=",
        _ => "≤",
    }
}

/// number < expression
fn lower_bound(context: &Context, condition: Expr) -> Option<(Expr, Relation, Expr)> {
    match *context.node(condition) {
        Node::Compare(relation @ (Relation::Less | Relation::LessOrEqual), a, b) if is_constant(context, a) => {
            Some((a, relation, b))
        }
        _ => None,
    }
}

/// expression < number
fn upper_bound(context: &Context, condition: Expr, inside: Expr) -> Option<(Expr, Relation)> {
    match *context.node(condition) {
        Node::Compare(relation @ (Relation::Less | Relation::LessOrEqual), a, b)
            if a == inside && is_constant(context, b) =>
        {
            Some((b, relation))
        }
        _ => None,
    }
}

fn is_constant(context: &Context, expr: Expr) -> bool {
    context.symbols_in(expr).is_empty() && context.free_indices(expr).is_empty()
}
