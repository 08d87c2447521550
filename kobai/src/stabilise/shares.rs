//! Shares of a sum: what is left of one, and what two of them add up to.

use crate::expr::{Context, Expr, Node};
use crate::function::Function;
use crate::rewrite::bounds::Knowledge;
use num_traits::Zero;

/// 1 − x / (x + y) = y / (x + y), where every term of the numerator stands in the denominator.
pub(super) fn complement(context: &mut Context, _: &Knowledge, expr: Expr) -> Option<Expr> {
    let Node::Add(terms) = context.node(expr).clone() else { return None };
    let constant = terms.iter().copied().find(|&term| context.as_number(term).is_some())?;
    for &term in terms.iter().filter(|&&term| term != constant) {
        let Node::Mul(factors) = context.node(term).clone() else { continue };
        let inverse = factors.iter().copied().find(|&factor| {
            matches!(*context.node(factor), Node::Power(base, exponent)
                if context.is_integer(exponent, -1) && matches!(context.node(base), Node::Add(_)))
        });
        let Some(inverse) = inverse else { continue };
        let whole = context.reciprocal(inverse);
        let share = context.divide(term, inverse);
        let scaled = context.mul(vec![constant, whole]);
        let rest = context.add(vec![scaled, share]);
        if !loses_terms(context, whole, rest) {
            continue;
        }
        let quotient = context.mul(vec![rest, inverse]);
        let mut sum: Vec<Expr> = terms.iter().copied().filter(|&other| other != term && other != constant).collect();
        sum.push(quotient);
        return Some(context.add(sum));
    }
    None
}

/// True if `rest` is made of some of the terms of `whole`, so that nothing is subtracted any more.
fn loses_terms(context: &mut Context, whole: Expr, rest: Expr) -> bool {
    let all = addends(context, whole);
    let left = addends(context, rest);
    left.len() < all.len()
        && left.iter().all(|(term, coefficient)| {
            all.iter().any(|(known, own)| known == term && (coefficient / own) > Zero::zero())
        })
}

fn addends(context: &mut Context, expr: Expr) -> Vec<(Option<Expr>, crate::expr::Rational)> {
    let terms = match context.node(expr) {
        Node::Add(terms) => terms.to_vec(),
        _ => vec![expr],
    };
    let split = |term| {
        let (coefficient, rest) = context.split_coefficient(term);
        (rest, coefficient)
    };
    let terms: Vec<_> = terms.into_iter().map(split).collect();
    if terms.len() == 1 && terms[0].1.is_zero() { Vec::new() } else { terms }
}

/// x − x σ(z) = x σ(−z) and x σ(z) + x σ(−z) = x, where all of it stands in one sum; and e^a σ(b − a) = e^b σ(a − b), so
/// that the two meet (both are e^a e^b / (e^a + e^b)).
pub(super) fn of_sigmoid(context: &mut Context, knowledge: &Knowledge, expr: Expr) -> Option<Expr> {
    match context.node(expr).clone() {
        Node::Mul(factors) => turned(context, knowledge, &factors),
        Node::Add(terms) => completed(context, &terms),
        _ => None,
    }
}

/// e^a σ(b − a), with the exponential that comes first in the structural order.
fn turned(context: &mut Context, knowledge: &Knowledge, factors: &[Expr]) -> Option<Expr> {
    for (first, &exponential) in factors.iter().enumerate() {
        let Node::Call(Function::Exp, exponent) = context.node(exponential).clone() else { continue };
        for (second, &share) in factors.iter().enumerate() {
            let Node::Call(Function::Sigmoid, odds) = context.node(share).clone() else { continue };
            let other = context.add(vec![exponent[0], odds[0]]);
            // Either form runs only where neither exponential can overflow.
            let bounded =
                [exponent[0], other].iter().all(|&exponent| knowledge.interval(context, exponent).high <= 0.0);
            if !bounded || context.compare_structure(other, exponent[0]).is_ge() {
                continue;
            }
            let opposite = context.negate(odds[0]);
            let mut factors = factors.to_vec();
            factors[first] = context.apply(Function::Exp, other);
            factors[second] = context.apply(Function::Sigmoid, opposite);
            return Some(context.mul(factors));
        }
    }
    None
}

fn completed(context: &mut Context, terms: &[Expr]) -> Option<Expr> {
    for &term in terms {
        let factors = match context.node(term) {
            Node::Mul(factors) => factors.to_vec(),
            _ => continue,
        };
        for &share in &factors {
            let Node::Call(Function::Sigmoid, odds) = context.node(share).clone() else { continue };
            let whole = context.divide(term, share);
            let opposite = context.negate(odds[0]);
            let rest = context.apply(Function::Sigmoid, opposite);
            let (missing, complement) = (context.negate(whole), context.mul(vec![whole, rest]));
            let (partner, result) = if terms.contains(&missing) {
                (missing, context.negate(complement))
            } else if terms.contains(&complement) {
                (complement, whole)
            } else {
                continue;
            };
            let mut sum: Vec<Expr> =
                terms.iter().copied().filter(|other| *other != term && *other != partner).collect();
            sum.push(result);
            return Some(context.add(sum));
        }
    }
    None
}
