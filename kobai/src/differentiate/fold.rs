//! Bringing names back: where a definition's right side appears, its name is written instead.

use super::reverse::instance_places;
use crate::expr::{Context, Expr, Node, Rational};
use crate::function::Function;
use crate::resolve::Definition;
use num_traits::Signed;
use std::collections::HashMap;

/// The expression with the definition's value (as `value`, perhaps rewritten) replaced by its name; `None` if it does not
/// occur.
pub fn fold_definition(context: &mut Context, definition: &Definition, value: Expr, expr: Expr) -> Option<Expr> {
    let folded = match context.node(value).clone() {
        Node::Mul(factors) => {
            let anchor = *factors.iter().max_by_key(|&&factor| context.free_indices(factor).len())?;
            let mut folder = Folder { definition, value, anchor };
            folder.fold(context, expr)
        }
        Node::Call(Function::Sigmoid, _) => fold_sigmoid(context, definition, value, expr),
        _ => {
            let mut done = HashMap::new();
            context.rewrite_with(expr, &mut done, &mut |context, part| named(context, definition, value, part))
        }
    };
    (folded != expr).then_some(folded)
}

/// The name's entry, if a part is an instance of the value.
fn named(context: &mut Context, definition: &Definition, value: Expr, part: Expr) -> Option<Expr> {
    let same_kind = std::mem::discriminant(context.node(part)) == std::mem::discriminant(context.node(value));
    let places = same_kind.then(|| instance_places(context, value, &definition.indices, part)).flatten()?;
    Some(context.entry(definition.symbol, places))
}

/// σ(u) becomes the name, σ(−u) one minus the name.
fn fold_sigmoid(context: &mut Context, definition: &Definition, value: Expr, expr: Expr) -> Expr {
    let mut done = HashMap::new();
    context.rewrite_with(expr, &mut done, &mut |context, part| {
        let Node::Call(Function::Sigmoid, arguments) = context.node(part).clone() else { return None };
        if let Some(entry) = named(context, definition, value, part) {
            return Some(entry);
        }
        let opposite = context.negate(arguments[0]);
        let opposite = context.apply(Function::Sigmoid, opposite);
        let entry = named(context, definition, value, opposite)?;
        let one = context.integer(1);
        Some(context.subtract(one, entry))
    })
}

/// Writes 1/(1 + e^{−u}) as σ(u).
pub fn recognise_sigmoid(context: &mut Context, expr: Expr) -> Expr {
    let mut done = HashMap::new();
    context.rewrite_with(expr, &mut done, &mut |context, part| {
        let Node::Power(base, exponent) = *context.node(part) else { return None };
        let Node::Add(terms) = context.node(base).clone() else { return None };
        let [one, exponential] = terms[..] else { return None };
        let Node::Call(Function::Exp, arguments) = context.node(exponential).clone() else { return None };
        if !context.is_integer(exponent, -1) || !context.is_integer(one, 1) {
            return None;
        }
        let argument = context.negate(arguments[0]);
        Some(context.apply(Function::Sigmoid, argument))
    })
}

/// Folds a definition that is a product, such as e^z / Σ e^z, out of larger products.
struct Folder<'a> {
    definition: &'a Definition,
    value: Expr,
    /// The factor that tells the indices.
    anchor: Expr,
}

impl Folder<'_> {
    fn fold(&mut self, context: &mut Context, expr: Expr) -> Expr {
        match context.node(expr).clone() {
            Node::Mul(_) => {
                let rebuilt = context.rebuild(expr, &mut |context, part| self.fold(context, part));
                self.fold_product(context, rebuilt)
            }
            _ => context.rebuild(expr, &mut |context, part| self.fold(context, part)),
        }
    }

    /// Divides the value out of a product for as long as that makes it smaller.
    fn fold_product(&mut self, context: &mut Context, product: Expr) -> Expr {
        let Node::Mul(factors) = context.node(product).clone() else { return product };
        for &factor in factors.iter() {
            let factor = base_of(context, factor);
            let Some(places) = instance_places(context, self.anchor, &self.definition.indices, factor) else {
                continue;
            };
            let map = self
                .definition
                .indices
                .iter()
                .zip(&places)
                .map(|(&index, &place)| (context.index(index), place))
                .collect();
            let instance = context.substitute(self.value, &map);
            let quotient = context.divide(product, instance);
            let entry = context.entry(self.definition.symbol, places);
            let folded = context.mul(vec![quotient, entry]);
            if context.size_of(folded) < context.size_of(product) {
                return self.fold_product(context, folded);
            }
        }
        // The value may hide in the terms of a sum among the factors.
        distribute_into_sum(context, product).map_or(product, |(outside, terms)| {
            let folded: Vec<Expr> = terms.iter().map(|&term| self.fold(context, term)).collect();
            let sum = context.add(folded);
            let whole = context.mul(vec![outside, sum]);
            if context.size_of(whole) < context.size_of(product) { whole } else { product }
        })
    }
}

fn base_of(context: &Context, factor: Expr) -> Expr {
    match *context.node(factor) {
        Node::Power(base, exponent) if context.as_number(exponent).is_some_and(Rational::is_positive) => base,
        _ => factor,
    }
}

/// A product with a sum among its factors: the numeric rest, and the other factors multiplied into each term.
fn distribute_into_sum(context: &mut Context, product: Expr) -> Option<(Expr, Vec<Expr>)> {
    let (coefficient, rest) = context.split_coefficient(product);
    let Node::Mul(factors) = context.node(rest?).clone() else { return None };
    let position = factors.iter().position(|&factor| matches!(context.node(factor), Node::Add(_)))?;
    let Node::Add(terms) = context.node(factors[position]).clone() else { return None };
    let mut others = factors.to_vec();
    others.remove(position);
    let terms = terms
        .iter()
        .map(|&term| {
            let mut all = others.clone();
            all.push(term);
            context.mul(all)
        })
        .collect();
    Some((context.number(coefficient), terms))
}
