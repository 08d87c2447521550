//! Derivatives by the inverse function: with y = f(x) and x = g(y), ∂y/∂x is 1 over ∂x/∂y.

use super::{Line, Way, difference_quotient, is_variable, letter, put};
use crate::derivation::Slot;
use crate::differentiate::reverse::gradient;
use crate::differentiate::{argument_names, derivative_of};
use crate::expr::{Context, Expr, Node};
use crate::function::Function;
use crate::rewrite::pattern::{Bindings, read};
use std::collections::HashMap;

/// The derivative of a function of the variable by its inverse row.
pub(super) fn way(context: &mut Context, formula: Expr, x: Expr) -> Option<Way> {
    let Node::Call(function, arguments) = context.node(formula).clone() else { return None };
    if !is_variable(context, *arguments.last()?, x) {
        return None;
    }
    let y = letter(context, "y");
    let inverse = inverse_of(context, function, &arguments, y)?;
    let slope = slope(context, inverse, y)?;
    let (x_by_y, y_by_x) = (context.derivative(x, y), context.derivative(y, x));
    let over = context.reciprocal(slope);
    let result = in_x(context, over, inverse, formula, x, y);
    let one = context.integer(1);
    let mut lines = Vec::new();
    let mut line = |rule: &'static str, left: Option<Expr>, body: Expr, same_as: Expr| {
        lines.push(Line { rule, left, front: one, limit: None, body, slots: Vec::new(), same_as, check_at: None });
    };
    // For the numbers y is f(x), and slopes are difference quotients.
    let at = |context: &mut Context, expr: Expr| put(context, expr, y, formula);
    let of_inverse = difference_quotient(context, inverse, y);
    let of_inverse = at(context, of_inverse);
    let of_formula = difference_quotient(context, formula, x);
    line("name-the-value", Some(y), formula, formula);
    line("solve-for-x", Some(x), inverse, x);
    line("differentiate-inverse", Some(x_by_y), slope, of_inverse);
    line("inverse-function", Some(y_by_x), over, of_formula);
    if result != over {
        line("back-to-x", None, result, of_formula);
    }
    // The row's own form, where it is shorter.
    let known = derivative_of(context, function, arguments.len() - 1, &arguments)?;
    let shorter = context.size_of(known) < context.size_of(result);
    let result = if shorter { known } else { result };
    if shorter {
        line("simplify-slope", None, known, of_formula);
    }
    lines[1].slots = vec![("x", Slot::Formula(x))];
    for line in &mut lines {
        line.check_at = Some((y, formula));
    }
    let question = context.derivative(formula, x);
    Some(Way { heading: "heading.by-inverse", question, lines, result, table: None })
}

/// The inverse row of a function in terms of y.
fn inverse_of(context: &mut Context, function: Function, arguments: &[Expr], y: Expr) -> Option<Expr> {
    let row = function.row();
    if row.inverse.is_empty() {
        return None;
    }
    let reading = read(&format!("F = {}", row.inverse))?;
    let pattern = reading.formulas.get("F")?;
    let mut bindings = Bindings::default();
    bindings.bind(*reading.names.get("y")?, y);
    for (name, &argument) in argument_names(function).iter().zip(arguments) {
        if let Some(&symbol) = reading.names.get(*name) {
            bindings.bind(symbol, argument);
        }
    }
    let inverse = pattern.instantiate(context, &bindings)?;
    Some(in_plain_functions(context, inverse))
}

/// log(1 + y) for log1p(y), which is a matter of digits and not of mathematics.
fn in_plain_functions(context: &mut Context, expr: Expr) -> Expr {
    context.rewrite_with(expr, &mut HashMap::new(), &mut |context, part| {
        let Node::Call(function, arguments) = context.node(part).clone() else { return None };
        let one = context.integer(1);
        match function {
            Function::Log1p => {
                let sum = context.add(vec![one, arguments[0]]);
                Some(context.apply(Function::Log, sum))
            }
            Function::Expm1 => {
                let exponential = context.apply(Function::Exp, arguments[0]);
                Some(context.subtract(exponential, one))
            }
            Function::Log1mexp => {
                let exponential = context.apply(Function::Exp, arguments[0]);
                let difference = context.subtract(one, exponential);
                Some(context.apply(Function::Log, difference))
            }
            _ => None,
        }
    })
}

/// ∂g/∂y
fn slope(context: &mut Context, inverse: Expr, y: Expr) -> Option<Expr> {
    let Node::Symbol(symbol, _) = *context.node(y) else { return None };
    Some(gradient(context, inverse, &[symbol], &|_, expr| expr).remove(0).value)
}

/// g(y) is x, and any y left is f(x).
fn in_x(context: &mut Context, expr: Expr, inverse: Expr, formula: Expr, x: Expr, y: Expr) -> Expr {
    let (below, over) = (context.reciprocal(inverse), context.reciprocal(x));
    let expr = context.substitute(expr, &HashMap::from([(inverse, x), (below, over)]));
    put(context, expr, y, formula)
}
