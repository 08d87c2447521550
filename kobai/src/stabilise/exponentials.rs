//! Sums of exponentials that a row cannot say: masks, weights of unknown sign, factors that belong inside.

use crate::expr::{Constant, Context, Expr, Node, Reduction};
use crate::formula::Relation;
use crate::function::Function;
use crate::rewrite::bounds::{Knowledge, place_in_body};
use crate::rewrite::simplify::expand;

/// f(−(x − y)) = f(y − x), so that equal arguments are the same expression.
pub(super) fn sign_into_sum(context: &mut Context, _: &Knowledge, expr: Expr) -> Option<Expr> {
    let Node::Call(function, arguments) = context.node(expr).clone() else { return None };
    let [argument] = arguments[..] else { return None };
    let Node::Mul(factors) = context.node(argument) else { return None };
    let [number, sum] = factors[..] else { return None };
    if context.as_number(number).is_none() || !matches!(context.node(sum), Node::Add(_)) {
        return None;
    }
    let distributed = expand(context, argument);
    Some(context.apply(function, distributed))
}

/// Σ [c] e^f = Σ e^{f where c, else −∞}: the mask goes into the exponent, where a log-sum-exp can take it.
pub(super) fn masked(context: &mut Context, _: &Knowledge, expr: Expr) -> Option<Expr> {
    let Node::Reduce(Reduction::Sum, ..) = context.node(expr) else { return None };
    let opened = context.open(expr)?;
    let (condition, exponent) = masked_exponent(context, opened.body)?;
    let never = context.constant(Constant::NegativeInfinity);
    let exponent = context.select(condition, exponent, never);
    let exponential = context.apply(Function::Exp, exponent);
    Some(context.reduce(Reduction::Sum, opened.index, exponential))
}

/// The condition and the exponent of e^f where c, else 0, written as a selection or as a product with an indicator.
fn masked_exponent(context: &mut Context, body: Expr) -> Option<(Expr, Expr)> {
    match context.node(body).clone() {
        Node::Select(condition, then, otherwise) if context.is_integer(otherwise, 0) => {
            Some((condition, exponent_of(context, then)?))
        }
        Node::Mul(factors) => {
            let (conditions, others): (Vec<Expr>, Vec<Expr>) =
                factors.iter().partition(|&&factor| is_indicator(context, factor));
            let [only] = others[..] else { return None };
            let exponent = exponent_of(context, only)?;
            Some((context.mul(conditions), exponent))
        }
        _ => None,
    }
}

fn is_indicator(context: &Context, expr: Expr) -> bool {
    matches!(context.node(expr), Node::Compare(..) | Node::Delta(..))
}

fn exponent_of(context: &Context, expr: Expr) -> Option<Expr> {
    match context.node(expr) {
        Node::Call(Function::Exp, arguments) => Some(arguments[0]),
        _ => None,
    }
}

/// e^a Σ e^f g = Σ e^{a + f} g: alone, each of the two may leave the range of the numbers.
pub(super) fn into_sum(context: &mut Context, _: &Knowledge, expr: Expr) -> Option<Expr> {
    let Node::Mul(factors) = context.node(expr).clone() else { return None };
    for (first, &factor) in factors.iter().enumerate() {
        let Some(exponent) = exponent_of(context, factor).or_else(|| exponent_of_power(context, factor)) else {
            continue;
        };
        for (second, &sum) in factors.iter().enumerate() {
            if first == second || !matches!(context.node(sum), Node::Reduce(Reduction::Sum, ..)) {
                continue;
            }
            if let Some(product) = times_exponential(context, sum, exponent) {
                let rest = (0..factors.len()).filter(|&place| place != first && place != second);
                let mut rest: Vec<Expr> = rest.map(|place| factors[place]).collect();
                rest.push(product);
                return Some(context.mul(rest));
            }
        }
    }
    None
}

/// p log E, if the factor is a power E^p of a sum with exponentials in it.
fn exponent_of_power(context: &mut Context, factor: Expr) -> Option<Expr> {
    let Node::Power(base, exponent) = *context.node(factor) else { return None };
    let Node::Add(terms) = context.node(base).clone() else { return None };
    let any = terms.iter().any(|&term| has_exponential(context, term));
    if !any {
        return None;
    }
    let logarithm = context.apply(Function::Log, base);
    Some(context.mul(vec![exponent, logarithm]))
}

fn has_exponential(context: &mut Context, expr: Expr) -> bool {
    let zero = context.integer(0);
    times_exponential(context, expr, zero).is_some()
}

/// e^a times the expression, where every term of it has an exponential that takes the a in.
fn times_exponential(context: &mut Context, expr: Expr, exponent: Expr) -> Option<Expr> {
    match context.node(expr).clone() {
        Node::Call(Function::Exp, arguments) => {
            let sum = context.add(vec![arguments[0], exponent]);
            Some(context.apply(Function::Exp, sum))
        }
        Node::Mul(factors) => {
            let mut factors = factors.to_vec();
            let takes = |factor: &Expr| !matches!(context.node(*factor), Node::Reduce(..));
            let (position, product) = (0..factors.len())
                .filter(|&position| takes(&factors[position]))
                .collect::<Vec<_>>()
                .into_iter()
                .find_map(|position| Some((position, times_exponential(context, factors[position], exponent)?)))?;
            factors[position] = product;
            Some(context.mul(factors))
        }
        Node::Add(terms) => {
            let terms: Option<Vec<Expr>> =
                terms.iter().map(|&term| times_exponential(context, term, exponent)).collect();
            Some(context.add(terms?))
        }
        Node::Select(condition, then, otherwise) if context.is_integer(otherwise, 0) => {
            let then = times_exponential(context, then, exponent)?;
            Some(context.select(condition, then, otherwise))
        }
        Node::Reduce(Reduction::Sum, ..) => {
            let opened = context.open(expr)?;
            let body = times_exponential(context, opened.body, exponent)?;
            Some(context.reduce(Reduction::Sum, opened.index, body))
        }
        _ => None,
    }
}

/// log(1 + x) = softplus(log x), where x is a positive product with exponentials in it, or in a sum in it.
pub(super) fn log_of_one_plus_product(context: &mut Context, knowledge: &Knowledge, expr: Expr) -> Option<Expr> {
    let Node::Call(Function::Log, arguments) = context.node(expr).clone() else { return None };
    let Node::Add(terms) = context.node(arguments[0]).clone() else { return None };
    let [one, product] = terms[..] else { return None };
    let Node::Mul(factors) = context.node(product).clone() else { return None };
    if !context.is_integer(one, 1)
        || !factors.iter().any(|&factor| has_exponential(context, factor))
        || !knowledge.interval(context, product).is_positive()
    {
        return None;
    }
    let logarithm = context.apply(Function::Log, product);
    Some(context.apply(Function::Softplus, logarithm))
}

/// log Σ w e^f = lse f + log Σ w e^{f − lse f}, where the sign of a weight is not known.
pub(super) fn log_of_weighted_sum(context: &mut Context, knowledge: &Knowledge, expr: Expr) -> Option<Expr> {
    let Node::Call(Function::Log, arguments) = context.node(expr).clone() else { return None };
    let Node::Reduce(Reduction::Sum, ..) = context.node(arguments[0]) else { return None };
    let opened = context.open(arguments[0])?;
    let Node::Mul(factors) = context.node(opened.body).clone() else { return None };
    let position = factors.iter().position(|&factor| exponent_of(context, factor).is_some())?;
    let exponent = exponent_of(context, factors[position])?;
    let mut weights = factors.to_vec();
    weights.remove(position);
    let weight = context.mul(weights);
    let bounded = knowledge.interval(context, exponent).high <= 0.0;
    if bounded || knowledge.interval(context, weight).is_nonnegative() {
        return None;
    }
    let whole = context.reduce(Reduction::LogSumExp, opened.index, exponent);
    let share = context.subtract(exponent, whole);
    let share = context.apply(Function::Exp, share);
    let weighted = context.mul(vec![weight, share]);
    let sum = context.reduce(Reduction::Sum, opened.index, weighted);
    let logarithm = context.apply(Function::Log, sum);
    Some(context.add(vec![whole, logarithm]))
}

/// f_p − lse f = −softplus(lse of the others − f_p), where f reads a tensor at places that another one names: there the
/// adjoints p − 1 of the entries meet only after they have lost their digits.
pub(super) fn log_softmax_of_gather(context: &mut Context, _: &Knowledge, expr: Expr) -> Option<Expr> {
    let Node::Add(terms) = context.node(expr).clone() else { return None };
    for &term in terms.iter() {
        let (coefficient, Some(whole)) = context.split_coefficient(term) else { continue };
        if !matches!(context.node(whole), Node::Reduce(Reduction::LogSumExp, ..)) || !gathers_by_index(context, whole) {
            continue;
        }
        let others = terms.iter().copied().filter(|&other| other != term).collect();
        let others = context.add(others);
        let opposite = context.number(-coefficient.recip());
        let own = context.mul(vec![opposite, others]);
        let Some(place) = place_in_body(context, whole, own) else { continue };
        let opened = context.open(whole)?;
        let index = context.index(opened.index);
        let elsewhere = context.compare(Relation::NotEqual, index, place);
        let never = context.constant(Constant::NegativeInfinity);
        let masked = context.select(elsewhere, opened.body, never);
        let rest = context.reduce(Reduction::LogSumExp, opened.index, masked);
        let odds = context.subtract(rest, own);
        let softplus = context.apply(Function::Softplus, odds);
        let coefficient = context.number(coefficient);
        return Some(context.mul(vec![coefficient, softplus]));
    }
    None
}

/// True if the bound index stands inside a place of a tensor, as k in s[y_k].
fn gathers_by_index(context: &mut Context, reduce: Expr) -> bool {
    let Some(opened) = context.open(reduce) else { return false };
    let index = opened.index;
    context.any(opened.body, &|node| match node {
        Node::Symbol(_, places) => {
            places.iter().any(|&place| context.mentions(place, index) && !matches!(context.node(place), Node::Index(_)))
        }
        _ => false,
    })
}
