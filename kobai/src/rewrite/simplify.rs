//! Simplifications that a row cannot say: sums over Kronecker deltas, factors that leave a sum, common factors.
//!
//! Each function has an example pair in the tests below.

use crate::expr::{Context, Expr, Index, Node, Reduction};
use rustc_hash::FxHashMap;
use std::collections::HashMap;

/// Σ over an index, simplified: a delta kills the sum, factors without the index leave it, a body without the index is
/// multiplied by the size of the axis.
pub fn sum_over(context: &mut Context, index: Index, body: Expr) -> Expr {
    if !context.mentions(body, index) {
        let size = context.size(index.axis);
        return context.mul(vec![size, body]);
    }
    match context.node(body).clone() {
        Node::Add(terms) if terms.iter().any(|&term| delta_value(context, index, term).is_some()) => {
            let (with, without): (Vec<Expr>, Vec<Expr>) =
                terms.iter().partition(|&&term| delta_value(context, index, term).is_some());
            let mut sums: Vec<Expr> = with.into_iter().map(|term| sum_over(context, index, term)).collect();
            let rest = context.add(without);
            sums.push(sum_over(context, index, rest));
            context.add(sums)
        }
        Node::Mul(_) | Node::Delta(..) | Node::Select(..) => sum_of_product(context, index, body),
        _ => context.reduce(Reduction::Sum, index, body),
    }
}

fn sum_of_product(context: &mut Context, index: Index, body: Expr) -> Expr {
    if let Some(value) = delta_value(context, index, body) {
        return remove_delta(context, index, body, value);
    }
    let factors = match context.node(body) {
        Node::Mul(factors) => factors.to_vec(),
        _ => vec![body],
    };
    let (inside, mut outside): (Vec<Expr>, Vec<Expr>) =
        factors.into_iter().partition(|&factor| context.mentions(factor, index));
    let inside = context.mul(inside);
    let sum = context.reduce(Reduction::Sum, index, inside);
    outside.push(sum);
    context.mul(outside)
}

/// What a delta among the factors of a term says that the index is.
pub fn delta_value(context: &Context, index: Index, term: Expr) -> Option<Expr> {
    let of_factor = |factor: Expr| match *context.node(factor) {
        Node::Delta(a, b) => delta_side(context, index, a, b).or_else(|| delta_side(context, index, b, a)),
        _ => None,
    };
    match context.node(term) {
        Node::Mul(factors) => factors.iter().find_map(|&factor| of_factor(factor)),
        _ => of_factor(term),
    }
}

fn delta_side(context: &Context, index: Index, side: Expr, other: Expr) -> Option<Expr> {
    let same = *context.node(side) == Node::Index(index);
    // Arithmetic such as k − 1 may lie outside the axis, where the delta is 0 and the sum has no term.
    let inside = matches!(context.node(other), Node::Index(_) | Node::Symbol(..));
    let within = match *context.node(other) {
        Node::Index(other) => other.axis == index.axis,
        _ => true,
    };
    (same && inside && within && !context.mentions(other, index)).then_some(other)
}

fn remove_delta(context: &mut Context, index: Index, term: Expr, value: Expr) -> Expr {
    let own = context.index(index);
    let delta = context.delta(own, value);
    let factors = match context.node(term) {
        Node::Mul(factors) => factors.iter().copied().filter(|&factor| factor != delta).collect(),
        _ => Vec::new(),
    };
    let rest = context.mul(factors);
    context.substitute(rest, &HashMap::from([(own, value)]))
}

/// Brings every sum in an expression into the form that [`sum_over`] gives.
pub fn simplify_sums(context: &mut Context, expr: Expr) -> Expr {
    simplify_sums_with(context, expr, &mut FxHashMap::default())
}

/// The same with what is known from expressions simplified before.
pub fn simplify_sums_with(context: &mut Context, expr: Expr, done: &mut FxHashMap<Expr, Expr>) -> Expr {
    if context.height_of(expr) == 0 {
        return expr;
    }
    if let Some(&result) = done.get(&expr) {
        return result;
    }
    let result = match *context.node(expr) {
        Node::Reduce(Reduction::Sum, ..) => match context.open(expr) {
            Some(opened) => {
                let body = simplify_sums_with(context, opened.body, done);
                sum_over(context, opened.index, body)
            }
            None => expr,
        },
        _ => context.rebuild(expr, &mut |context, part| simplify_sums_with(context, part, done)),
    };
    done.insert(expr, result);
    result
}

/// Products that would have more terms than this are left as they are.
const MOST_TERMS: usize = 256;

/// Multiplies products over sums out, in the whole expression outside of functions and reductions.
pub fn expand(context: &mut Context, expr: Expr) -> Expr {
    expand_inner(context, expr, &mut FxHashMap::default())
}

fn expand_inner(context: &mut Context, expr: Expr, done: &mut FxHashMap<Expr, Expr>) -> Expr {
    if let Some(&result) = done.get(&expr) {
        return result;
    }
    let result = match context.node(expr).clone() {
        Node::Add(terms) => {
            let terms = terms.iter().map(|&term| expand_inner(context, term, done)).collect();
            context.add(terms)
        }
        Node::Mul(factors) => {
            let factors: Vec<Expr> = factors.iter().map(|&factor| expand_inner(context, factor, done)).collect();
            expand_product(context, &factors).unwrap_or(expr)
        }
        _ => expr,
    };
    done.insert(expr, result);
    result
}

/// A product of sums as a sum of products; `None` if that would have too many terms.
fn expand_product(context: &mut Context, factors: &[Expr]) -> Option<Expr> {
    let terms_of = |context: &Context, factor: Expr| match context.node(factor) {
        Node::Add(terms) => terms.to_vec(),
        _ => vec![factor],
    };
    let sums: Vec<Vec<Expr>> = factors.iter().map(|&factor| terms_of(context, factor)).collect();
    let count = sums.iter().try_fold(1_usize, |count, terms| count.checked_mul(terms.len()));
    count.filter(|&count| count <= MOST_TERMS)?;
    let mut products = vec![Vec::new()];
    for terms in sums {
        products = products
            .iter()
            .flat_map(|product: &Vec<Expr>| terms.iter().map(|&term| [&product[..], &[term]].concat()))
            .collect();
    }
    let products = products.into_iter().map(|product| context.mul(product)).collect();
    Some(context.add(products))
}

/// Takes factors that all terms of a sum share out of it.
pub fn factor_common(context: &mut Context, expr: Expr) -> Expr {
    let Node::Add(terms) = context.node(expr).clone() else { return expr };
    let lists: Vec<Vec<Expr>> = terms.iter().map(|&term| factors_of(context, term)).collect();
    let Some((first, others)) = lists.split_first() else { return expr };
    let mut common: Vec<Expr> =
        first.iter().copied().filter(|factor| others.iter().all(|list| list.contains(factor))).collect();
    if let Some(coefficient) = common_coefficient(context, &terms) {
        common.push(coefficient);
    }
    if common.is_empty() {
        return expr;
    }
    let whole = context.mul(common);
    let inverse = context.reciprocal(whole);
    let rest = terms.iter().map(|&term| context.mul(vec![inverse, term])).collect();
    let rest = context.add(rest);
    context.mul(vec![whole, rest])
}

fn factors_of(context: &mut Context, term: Expr) -> Vec<Expr> {
    match context.split_coefficient(term).1 {
        Some(rest) => match context.node(rest) {
            Node::Mul(factors) => factors.to_vec(),
            _ => vec![rest],
        },
        None => Vec::new(),
    }
}

/// The rational that all coefficients are ± times: a third in x/3 − y/3.
fn common_coefficient(context: &mut Context, terms: &[Expr]) -> Option<Expr> {
    use num_traits::{One, Signed};
    let coefficients: Vec<_> = terms.iter().map(|&term| context.split_coefficient(term).0).collect();
    let first = coefficients.first()?.abs();
    let same = coefficients.iter().all(|coefficient| coefficient.abs() == first);
    (same && !first.is_one()).then(|| context.number(first))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expr::{AxisInformation, SymbolInformation};
    use crate::formula::Spelling;

    fn spelling(text: &str) -> Spelling {
        Spelling { plain: text.into(), latex: text.into() }
    }

    #[test]
    fn a_delta_kills_its_sum() {
        let mut context = Context::new();
        let axis = context.declare_axis(AxisInformation { size_name: spelling("N"), letters: vec![], fixed: None });
        let x = context.declare_symbol(SymbolInformation {
            name: spelling("x"),
            axes: vec![axis],
            integer: false,
            defined: false,
        });
        let (i, j) = (context.named_index(spelling("i"), axis), context.named_index(spelling("j"), axis));
        let (place_i, place_j) = (context.index(i), context.index(j));
        let delta = context.delta(place_i, place_j);
        let (x_i, x_j) = (context.entry(x, vec![place_i]), context.entry(x, vec![place_j]));
        let product = context.mul(vec![delta, x_i]);
        assert_eq!(sum_over(&mut context, i, product), x_j);
    }

    #[test]
    fn factors_without_the_index_leave_the_sum() {
        let mut context = Context::new();
        let axis = context.declare_axis(AxisInformation { size_name: spelling("N"), letters: vec![], fixed: None });
        let x = context.declare_symbol(SymbolInformation {
            name: spelling("x"),
            axes: vec![axis],
            integer: false,
            defined: false,
        });
        let c = context.declare_symbol(SymbolInformation {
            name: spelling("c"),
            axes: vec![],
            integer: false,
            defined: false,
        });
        let i = context.named_index(spelling("i"), axis);
        let (x_i, c) = (context.entry_at(x, &[i]), context.entry(c, vec![]));
        let body = context.mul(vec![c, x_i]);
        let inner = context.reduce(Reduction::Sum, i, x_i);
        let expected = context.mul(vec![c, inner]);
        assert_eq!(sum_over(&mut context, i, body), expected);
    }

    #[test]
    fn products_expand_and_common_factors_leave() {
        let mut context = Context::new();
        let names = ["x", "y", "z"].map(|name| {
            let symbol = context.declare_symbol(SymbolInformation {
                name: spelling(name),
                axes: vec![],
                integer: false,
                defined: false,
            });
            context.entry(symbol, vec![])
        });
        let [x, y, z] = names;
        let sum = context.add(vec![x, y]);
        let product = context.mul(vec![z, sum]);
        let expanded = expand(&mut context, product);
        let (zx, zy) = (context.mul(vec![z, x]), context.mul(vec![z, y]));
        assert_eq!(expanded, context.add(vec![zx, zy]));
        assert_eq!(factor_common(&mut context, expanded), product);
    }
}
