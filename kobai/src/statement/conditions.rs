//! Where an expression is defined, said as briefly as a person would.

use crate::differentiate::conditions_of;
use crate::expr::{Context, Expr, Node};
use crate::formula::Relation;
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
        Some(value) if value.is_integer() && value.is_negative() => Relation::NotEqual,
        Some(value) if value.is_integer() => return Vec::new(),
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
        let condition = solved(&mut program.context, condition);
        if !left.contains(&condition) && program.context.as_number(condition).is_none() {
            left.push(condition);
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

/// f(u) ≠ c is u ≠ g(c), with g the inverse from the function's row.
fn solved(context: &mut Context, condition: Expr) -> Expr {
    let Node::Compare(Relation::NotEqual, a, b) = *context.node(condition) else { return condition };
    let (number, other) = if context.as_number(a).is_some() { (a, b) } else { (b, a) };
    if context.as_number(number).is_none() {
        return condition;
    }
    let Node::Call(function, arguments) = context.node(other).clone() else { return condition };
    match (crate::differentiate::inverse_of(context, function, &arguments, number), arguments.last()) {
        (Some(value), Some(&argument)) if context.as_number(value).is_some() => {
            context.compare(Relation::NotEqual, argument, value)
        }
        _ => condition,
    }
}
