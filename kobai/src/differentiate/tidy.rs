//! The form in which a textbook prints a result: the smallest found by distributing, collecting and factoring.

use super::reverse::instance_places;
use crate::expr::{Context, Expr, Index, Node, Reduction, Symbol, Variable};
use crate::formula::Relation;
use crate::rewrite::simplify::{expand, factor_common, simplify_sums_with};
use num_traits::Signed;
use rustc_hash::{FxHashMap, FxHashSet};
use std::collections::{BTreeSet, HashMap};

/// A search that goes on for longer than this has nothing more to gain.
const MOST_ROUNDS: usize = 12;

/// What a search has found out already: the candidates share most of their parts.
#[derive(Default)]
struct Known {
    simplified: FxHashMap<Expr, Expr>,
    spread: FxHashMap<Expr, Expr>,
    /// Sums with the smallest form of their bodies.
    within: FxHashMap<Expr, Expr>,
    /// What no candidate makes smaller.
    settled: FxHashSet<Expr>,
}

/// The smallest form found, with its signs as one would write them.
pub fn smallest(context: &mut Context, expr: Expr) -> Expr {
    smallest_with(context, expr, &mut Known::default())
}

fn smallest_with(context: &mut Context, expr: Expr, known: &mut Known) -> Expr {
    let mut best = simplify_sums_with(context, expr, &mut known.simplified);
    // What is factored inside a sum may let a delta out, which then kills the sum around it.
    for _ in 0..MOST_ROUNDS {
        let outside = smaller(context, best, known);
        let within = inside(context, outside, known);
        let next = simplify_sums_with(context, within, &mut known.simplified);
        if next == best {
            break;
        }
        best = next;
    }
    orient(context, best)
}

/// The smallest form by the candidates for the outside of sums.
fn smaller(context: &mut Context, expr: Expr, known: &mut Known) -> Expr {
    let mut best = expr;
    for _ in 0..MOST_ROUNDS {
        if known.settled.contains(&best) {
            break;
        }
        let candidates = candidates(context, best, known);
        let better = candidates.into_iter().min_by_key(|&candidate| context.size_of(candidate));
        match better {
            Some(candidate) if context.size_of(candidate) < context.size_of(best) => best = candidate,
            _ => {
                known.settled.insert(best);
            }
        }
    }
    best
}

fn candidates(context: &mut Context, expr: Expr, known: &mut Known) -> Vec<Expr> {
    let mut found = vec![expr, expand(context, expr), factor_common(context, expr)];
    found.extend(distributions(context, expr));
    let transforms: [fn(&mut Context, Expr, &mut Known) -> Expr; 3] =
        [|context, expr, _| expand(context, expr), spread_sums, |context, expr, _| factor_common(context, expr)];
    for transform in transforms {
        let before: BTreeSet<Expr> = found.iter().copied().collect();
        for candidate in before {
            let after = transform(context, candidate, known);
            if !found.contains(&after) {
                found.push(after);
            }
        }
    }
    found
}

/// A product multiplied into the terms of one of its sums, the others left whole so that they can cancel.
fn distributions(context: &mut Context, expr: Expr) -> Vec<Expr> {
    let Node::Mul(factors) = context.node(expr).clone() else { return Vec::new() };
    let mut found = Vec::new();
    for (position, &factor) in factors.iter().enumerate() {
        let Node::Add(terms) = context.node(factor).clone() else { continue };
        let mut others = factors.to_vec();
        others.remove(position);
        let terms = terms.iter().map(|&term| context.mul([&others[..], &[term]].concat())).collect();
        found.push(context.add(terms));
    }
    found
}

/// Σ (a + b) = Σ a + Σ b, and products inside are multiplied out, so that deltas find their sums.
fn spread_sums(context: &mut Context, expr: Expr, known: &mut Known) -> Expr {
    if context.height_of(expr) == 0 {
        return expr;
    }
    let mut done = FxHashMap::default();
    let spread = context.rewrite_with(expr, &mut done, &mut |context, part| {
        let Node::Reduce(Reduction::Sum, ..) = context.node(part) else { return None };
        if let Some(&spread) = known.spread.get(&part) {
            return Some(spread);
        }
        let spread = spread_sum(context, part, known)?;
        known.spread.insert(part, spread);
        Some(spread)
    });
    simplify_sums_with(context, spread, &mut known.simplified)
}

fn spread_sum(context: &mut Context, sum: Expr, known: &mut Known) -> Option<Expr> {
    let opened = context.open(sum)?;
    let inner = spread_sums(context, opened.body, known);
    let body = expand(context, inner);
    let Node::Add(terms) = context.node(body).clone() else {
        return Some(context.reduce(Reduction::Sum, opened.index, inner));
    };
    let sums = terms.iter().map(|&term| context.reduce(Reduction::Sum, opened.index, term)).collect();
    Some(context.add(sums))
}

/// The same inside sums that remain.
fn inside(context: &mut Context, expr: Expr, known: &mut Known) -> Expr {
    if let Some(&within) = known.within.get(&expr) {
        return within;
    }
    match *context.node(expr) {
        Node::Reduce(Reduction::Sum, ..) => match context.open(expr) {
            Some(opened) => {
                let body = smallest_with(context, opened.body, known);
                let within = context.reduce(Reduction::Sum, opened.index, body);
                known.within.insert(expr, within);
                within
            }
            None => expr,
        },
        Node::Mul(_) | Node::Add(_) => context.rebuild(expr, &mut |context, part| inside(context, part, known)),
        _ => expr,
    }
}

/// −c (t − y) is written c (y − t).
fn orient(context: &mut Context, expr: Expr) -> Expr {
    match context.node(expr).clone() {
        Node::Mul(factors) => {
            let factors: Vec<Expr> = factors.iter().map(|&factor| orient(context, factor)).collect();
            let negative = factors.first().and_then(|&first| context.as_number(first)).is_some_and(Signed::is_negative);
            let sum = factors.iter().position(|&factor| matches!(context.node(factor), Node::Add(_)));
            let inner =
                factors.iter().position(|&factor| matches!(context.node(factor), Node::Reduce(Reduction::Sum, ..)));
            let mut factors = factors;
            let flipped = match (negative, sum, inner) {
                (true, Some(position), _) => Some((position, negate_terms(context, factors[position]))),
                (true, None, Some(position)) => oriented_sum(context, factors[position]).map(|sum| (position, sum)),
                _ => None,
            };
            if let Some((position, flipped)) = flipped {
                factors[position] = flipped;
                factors.push(context.integer(-1));
            }
            context.mul(factors)
        }
        Node::Add(_) => context.rebuild(expr, &mut orient),
        _ => expr,
    }
}

/// −Σ x (t − y) as Σ x (y − t), if that has no sign in front.
fn oriented_sum(context: &mut Context, sum: Expr) -> Option<Expr> {
    let opened = context.open(sum)?;
    let negated = context.negate(opened.body);
    let body = orient(context, negated);
    let signless = !context.split_coefficient(body).0.is_negative();
    signless.then(|| context.reduce(Reduction::Sum, opened.index, body))
}

fn negate_terms(context: &mut Context, sum: Expr) -> Expr {
    let Node::Add(terms) = context.node(sum).clone() else { return context.negate(sum) };
    let terms = terms.iter().map(|&term| context.negate(term)).collect();
    context.add(terms)
}

/// Replaces instances of the left side of a stated equation by its right side; `None` if there is none.
pub fn apply_assumption(context: &mut Context, condition: Expr, indices: &[Index], expr: Expr) -> Option<Expr> {
    let Node::Compare(Relation::Equal, a, b) = *context.node(condition) else { return None };
    let (left, right) = if context.as_number(b).is_some() { (a, b) } else { (b, a) };
    context.as_number(right)?;
    let mut done = HashMap::new();
    let after = context.rewrite_with(expr, &mut done, &mut |context, part| {
        let same = std::mem::discriminant(context.node(part)) == std::mem::discriminant(context.node(left));
        same.then(|| instance_places(context, left, indices, part)).flatten().map(|_| right)
    });
    (after != expr).then_some(after)
}

/// An input whose sum over its last axis occurs, as Σₖ tᵢₖ of labels and probabilities. Not the one differentiated by.
pub fn summed_input(context: &mut Context, expr: Expr, symbol: Symbol) -> Option<(Symbol, usize)> {
    let mut found = None;
    let mut done = HashMap::new();
    context.rewrite_with(expr, &mut done, &mut |context, part| {
        if let Some((other, place)) = sum_of_entry(context, part)
            && other != symbol
            && !context.symbol(other).defined
            && place > 0
            && place + 1 == context.symbol(other).axes.len()
        {
            found = Some((other, place));
        }
        None
    });
    found
}

/// The symbol and the place summed over, for a sum of a plain entry.
fn sum_of_entry(context: &Context, part: Expr) -> Option<(Symbol, usize)> {
    let Node::Reduce(Reduction::Sum, _, body) = *context.node(part) else { return None };
    let Node::Symbol(symbol, places) = context.node(body) else { return None };
    let bound = Variable::Bound(context.height_of(part));
    let place = places
        .iter()
        .position(|&place| matches!(context.node(place), Node::Index(index) if index.variable == bound))?;
    Some((*symbol, place))
}

/// Replaces every sum of the symbol over the place by 1.
pub fn suppose_sums_to_one(context: &mut Context, expr: Expr, symbol: Symbol, place: usize) -> Expr {
    let mut done = HashMap::new();
    context.rewrite_with(expr, &mut done, &mut |context, part| {
        (sum_of_entry(context, part) == Some((symbol, place))).then(|| context.integer(1))
    })
}

/// Σ over the place of the symbol = 1, for all other indices.
pub fn sums_to_one(context: &mut Context, symbol: Symbol, place: usize) -> Expr {
    let axes = context.symbol(symbol).axes.clone();
    let indices: Vec<Index> = axes.into_iter().map(|axis| context.fresh_index(axis)).collect();
    let entry = context.entry_at(symbol, &indices);
    let sum = context.reduce(Reduction::Sum, indices[place], entry);
    let one = context.integer(1);
    context.compare(Relation::Equal, sum, one)
}
