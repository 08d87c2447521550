//! Kronecker deltas under sums, one at a time, so that a reader sees which index takes which value.

use crate::derivation::{Slot, Step};
use crate::expr::{Axis, Context, Expr, Index, Node, Rational, Reduction};
use crate::rewrite::simplify::{delta_value, sum_over};
use num_traits::Signed;
use std::collections::HashMap;

/// A sum that a delta ended.
struct Killed {
    rule: &'static str,
    axis: Axis,
    value: Expr,
    before: Expr,
    after: Expr,
    scope: Vec<Index>,
    index: Index,
}

/// The next step that ends a sum by a delta; `None` if no sum has one. Sums that end in the same way go together.
pub fn kill_one(context: &mut Context, whole: Expr) -> Option<Step> {
    for rule in ["delta-kills-sum", "delta-splits-sum"] {
        let mut search = Search { rule, killed: None, scope: Vec::new() };
        let after = search.go(context, whole);
        if let Some(killed) = search.killed {
            let index = context.index(killed.index);
            let delta = context.delta(index, killed.value);
            let mut step = Step::new(killed.rule, killed.before, killed.after, after);
            step.from = whole;
            step.scope = killed.scope;
            step.opened = Some(killed.index);
            step.slots = vec![
                ("delta", Slot::Formula(delta)),
                ("index", Slot::Formula(index)),
                ("value", Slot::Formula(killed.value)),
            ];
            return Some(step);
        }
    }
    None
}

struct Search {
    rule: &'static str,
    killed: Option<Killed>,
    scope: Vec<Index>,
}

impl Search {
    /// Outer sums first; below a sum that ended nothing else is touched.
    fn go(&mut self, context: &mut Context, expr: Expr) -> Expr {
        if context.height_of(expr) == 0 || !context.any(expr, &|node| matches!(node, Node::Delta(..))) {
            return expr;
        }
        let Node::Reduce(reduction, ..) = *context.node(expr) else {
            return context.rebuild(expr, &mut |context, part| self.go(context, part));
        };
        let Some(opened) = context.open(expr) else { return expr };
        if reduction == Reduction::Sum
            && let Some((value, after)) = self.end(context, opened.index, opened.body)
        {
            self.killed.get_or_insert_with(|| Killed {
                rule: self.rule,
                axis: opened.index.axis,
                value,
                before: expr,
                after,
                scope: self.scope.clone(),
                index: opened.index,
            });
            return after;
        }
        self.scope.push(opened.index);
        let body = self.go(context, opened.body);
        self.scope.pop();
        context.reduce(reduction, opened.index, body)
    }

    /// The value at which a delta ends the sum, and what is left, if it is the kind of end looked for.
    fn end(&self, context: &mut Context, index: Index, body: Expr) -> Option<(Expr, Expr)> {
        let (value, after) = match self.rule {
            "delta-kills-sum" => {
                let value = only_value(context, index, body)?;
                (value, put_in(context, index, body, value))
            }
            _ => split_sum(context, index, body)?,
        };
        let same = |killed: &Killed| killed.axis == index.axis && killed.value == value;
        self.killed.as_ref().is_none_or(same).then_some((value, after))
    }
}

fn put_in(context: &mut Context, index: Index, body: Expr, value: Expr) -> Expr {
    let index = context.index(index);
    context.substitute(body, &HashMap::from([(index, value)]))
}

/// The one value of the index at which the expression is not 0, as its deltas say.
fn only_value(context: &mut Context, index: Index, expr: Expr) -> Option<Expr> {
    if !context.mentions(expr, index) {
        return None;
    }
    match context.node(expr).clone() {
        Node::Delta(..) => delta_value(context, index, expr),
        Node::Mul(factors) => factors.iter().find_map(|&factor| only_value(context, index, factor)),
        Node::Add(terms) => common_value(context, index, &terms),
        Node::Select(_, then, otherwise) => {
            let branches: Vec<Expr> =
                [then, otherwise].into_iter().filter(|&branch| !context.is_integer(branch, 0)).collect();
            common_value(context, index, &branches)
        }
        Node::Power(base, exponent) if context.as_number(exponent).is_some_and(Rational::is_positive) => {
            only_value(context, index, base)
        }
        Node::Reduce(Reduction::Sum, ..) => {
            let opened = context.open(expr)?;
            only_value(context, index, opened.body).filter(|&value| !context.mentions(value, opened.index))
        }
        _ => None,
    }
}

fn common_value(context: &mut Context, index: Index, parts: &[Expr]) -> Option<Expr> {
    let (&first, rest) = parts.split_first()?;
    let value = only_value(context, index, first)?;
    rest.iter().all(|&part| only_value(context, index, part) == Some(value)).then_some(value)
}

/// Σ (δ a + b) as a at the delta's value, and Σ b, for the first value that a delta among the terms gives.
fn split_sum(context: &mut Context, index: Index, body: Expr) -> Option<(Expr, Expr)> {
    let parts = split(context, index, body);
    let value = parts.iter().find_map(|&part| only_value(context, index, part))?;
    let (with, without): (Vec<Expr>, Vec<Expr>) =
        parts.iter().partition(|&&part| only_value(context, index, part) == Some(value));
    let with = context.add(with);
    let without = context.add(without);
    let ended = put_in(context, index, with, value);
    let rest = if context.is_integer(without, 0) { without } else { sum_over(context, index, without) };
    Some((value, context.add(vec![ended, rest])))
}

/// The terms of an expression, multiplied out as far as deltas of the index ask for it.
fn split(context: &mut Context, index: Index, expr: Expr) -> Vec<Expr> {
    split_product(context, index, vec![expr])
}

/// The same for a product. Its factors are multiplied at the end only, so that all of them can cancel at once.
fn split_product(context: &mut Context, index: Index, factors: Vec<Expr>) -> Vec<Expr> {
    let ended = factors.iter().any(|&factor| only_value(context, index, factor).is_some());
    let parts = factors.iter().enumerate().find_map(|(position, &factor)| {
        let parts = if ended { None } else { parts_of(context, index, factor) };
        Some((position, parts?))
    });
    let Some((position, parts)) = parts else { return vec![context.mul(factors)] };
    let mut others = factors;
    others.remove(position);
    parts.into_iter().flat_map(|part| split_product(context, index, [&others[..], &part].concat())).collect()
}

/// A factor as a sum of products, if some of its terms have a delta of the index.
fn parts_of(context: &mut Context, index: Index, factor: Expr) -> Option<Vec<Vec<Expr>>> {
    if !context.mentions(factor, index) || !context.any(factor, &|node| matches!(node, Node::Delta(..))) {
        return None;
    }
    match context.node(factor).clone() {
        Node::Add(terms) => Some(terms.iter().map(|&term| vec![term]).collect()),
        Node::Mul(factors) => Some(vec![factors.to_vec()]),
        Node::Select(condition, then, otherwise) if context.is_integer(otherwise, 0) => {
            let parts = split(context, index, then);
            let selected = |part| vec![context.select(condition, part, otherwise)];
            (parts.len() > 1).then(|| parts.into_iter().map(selected).collect())
        }
        Node::Reduce(Reduction::Sum, ..) => {
            let opened = context.open(factor)?;
            let parts = split(context, index, opened.body);
            let summed = |part| vec![context.reduce(Reduction::Sum, opened.index, part)];
            (parts.len() > 1).then(|| parts.into_iter().map(summed).collect())
        }
        _ => None,
    }
}
