//! Gradients of a softmax: p − t, where p is near 1, without the cancellation.

use crate::expr::{Context, Expr, Node, Reduction};
use crate::function::Function;
use crate::rewrite::bounds::log_softmax_place;
use crate::rewrite::simplify::factor_common;

/// Rewrites p·C − t, where p is a softmax, so that p → 1 cancels symbolically: with f the part of C that t takes away,
/// p Σf − f = f (p − 1) + p (Σf − f), and p − 1 is expm1 of the log-softmax.
pub(super) fn softmax_residual(context: &mut Context, expr: Expr) -> Expr {
    let Node::Add(terms) = context.node(expr).clone() else { return expr };
    for &term in terms.iter() {
        for (exponent, place) in softmax_factors(context, term) {
            let weight = without_softmax(context, term, exponent);
            let others: Vec<Expr> = terms.iter().copied().filter(|&other| other != term).collect();
            let rewritten = residual_of_sum(context, exponent, place, weight, &others)
                .or_else(|| residual_of_delta(context, exponent, place, weight, &others));
            if let Some(rewritten) = rewritten {
                return softmax_residual(context, rewritten);
            }
        }
    }
    expr
}

/// The softmax factors of a term: the exponent z_k − lse z, and k where it is a plain index.
fn softmax_factors(context: &mut Context, term: Expr) -> Vec<(Expr, Expr)> {
    let factors = match context.node(term) {
        Node::Mul(factors) => factors.to_vec(),
        _ => vec![term],
    };
    let mut found = Vec::new();
    for factor in factors {
        if let Node::Call(Function::Exp, arguments) = context.node(factor).clone()
            && let Some((_, place)) = log_softmax_place(context, arguments[0])
            && matches!(context.node(place), Node::Index(_))
        {
            found.push((arguments[0], place));
        }
    }
    found
}

/// The other factors. (A division by e^x would become a factor e^{−x}.)
fn without_softmax(context: &mut Context, term: Expr, exponent: Expr) -> Expr {
    let softmax = context.apply(Function::Exp, exponent);
    let mut factors = match context.node(term) {
        Node::Mul(factors) => factors.to_vec(),
        _ => vec![term],
    };
    if let Some(position) = factors.iter().position(|&factor| factor == softmax) {
        factors.remove(position);
    }
    context.mul(factors)
}

/// p c Σₖ fₖ − c f_j
fn residual_of_sum(context: &mut Context, exponent: Expr, place: Expr, weight: Expr, others: &[Expr]) -> Option<Expr> {
    let factors = match context.node(weight) {
        Node::Mul(factors) => factors.to_vec(),
        _ => vec![weight],
    };
    for &sum in &factors {
        let Node::Reduce(Reduction::Sum, ..) = context.node(sum) else { continue };
        let constant = context.divide(weight, sum);
        let own = context.instantiate(sum, place)?;
        let parts = match context.node(own) {
            Node::Add(parts) => parts.to_vec(),
            _ => vec![own],
        };
        let minus = context.integer(-1);
        let wanted: Vec<Expr> = parts.iter().map(|&part| context.mul(vec![minus, constant, part])).collect();
        if !wanted.iter().all(|part| others.contains(part)) {
            continue;
        }
        let mut terms: Vec<Expr> = others.iter().copied().filter(|other| !wanted.contains(other)).collect();
        let (softmax, complement) = (context.apply(Function::Exp, exponent), context.apply(Function::Expm1, exponent));
        terms.push(context.mul(vec![constant, own, complement]));
        let rest = sum_of_the_others(context, own, place)?;
        terms.push(context.mul(vec![softmax, constant, rest]));
        return Some(context.add(terms));
    }
    None
}

/// Σₖ fₖ − f_j, as c (Σₖ gₖ − g_j) where every factor of g has the index. So the sum adds up what is then taken away,
/// operation by operation the same, and where all other terms are 0 the difference is 0 exactly.
fn sum_of_the_others(context: &mut Context, own: Expr, place: Expr) -> Option<Expr> {
    let Node::Index(index) = *context.node(place) else { return None };
    let factored = factor_common(context, own);
    let factors = match context.node(factored) {
        Node::Mul(factors) => factors.to_vec(),
        _ => vec![factored],
    };
    let (inside, mut outside): (Vec<Expr>, Vec<Expr>) =
        factors.into_iter().partition(|&factor| context.mentions(factor, index));
    let inside = context.mul(inside);
    let other = context.fresh_index(index.axis);
    let term = context.replace_index(inside, index, other);
    let sum = context.reduce(Reduction::Sum, other, term);
    outside.push(context.subtract(sum, inside));
    Some(context.mul(outside))
}

/// p C − c δ_{jy}
fn residual_of_delta(
    context: &mut Context,
    exponent: Expr,
    place: Expr,
    weight: Expr,
    others: &[Expr],
) -> Option<Expr> {
    let (position, delta) =
        others.iter().enumerate().find_map(|(position, &other)| Some((position, delta_at(context, other, place)?)))?;
    let constant = context.divide(others[position], delta);
    let constant = context.negate(constant);
    if context.any(constant, &|node| matches!(node, Node::Delta(..)))
        || context.any(weight, &|node| matches!(node, Node::Delta(..)))
    {
        return None;
    }
    let mut terms = others.to_vec();
    terms.remove(position);
    let (softmax, complement) = (context.apply(Function::Exp, exponent), context.apply(Function::Expm1, exponent));
    let one = context.integer(1);
    let elsewhere = context.subtract(one, delta);
    terms.push(context.mul(vec![elsewhere, softmax, weight]));
    let excess = context.subtract(weight, constant);
    terms.push(context.mul(vec![delta, softmax, excess]));
    terms.push(context.mul(vec![delta, constant, complement]));
    Some(context.add(terms))
}

/// The delta factor of a term that has the place on one side.
fn delta_at(context: &Context, term: Expr, place: Expr) -> Option<Expr> {
    let is_delta = |factor: Expr| matches!(*context.node(factor), Node::Delta(a, b) if a == place || b == place);
    match context.node(term) {
        Node::Mul(factors) => factors.iter().copied().find(|&factor| is_delta(factor)),
        _ => is_delta(term).then_some(term),
    }
}
