//! Maps with few exceptions: where a comparison k = e holds at one place of a long axis only, the map is worked out as if it
//! held nowhere, and that one entry is worked out apart. So p − t with a class index costs what p costs, and no one-hot.

use crate::expr::{Context, Expr, Index, Node};
use crate::formula::Relation;
use std::collections::{BTreeSet, HashMap};

/// A map and its exceptions.
#[derive(Clone, Debug)]
pub struct Patched {
    /// The value where no comparison holds.
    pub usual: Expr,
    /// What holds elsewhere.
    pub exceptions: Vec<Exception>,
}

/// The value at one place of an axis.
#[derive(Clone, Debug)]
pub struct Exception {
    /// Which place, in the other indices. Outside of the axis there is no exception.
    pub place: Expr,
    /// The value there, in the other indices.
    pub value: Expr,
}

/// Takes apart a map at the places where `index` is equal to something that does not depend on it; `None` if it never is
/// compared so.
pub fn patched(context: &mut Context, value: Expr, index: Index) -> Option<Patched> {
    let equalities = equalities(context, value, index);
    if equalities.is_empty() {
        return None;
    }
    let nowhere: HashMap<Expr, Expr> =
        equalities.iter().map(|&(_, node, when_apart)| (node, context.integer(when_apart))).collect();
    let usual = context.substitute(value, &nowhere);
    let places: BTreeSet<Expr> = equalities.iter().map(|&(place, ..)| place).collect();
    let exceptions = places.into_iter().map(|place| Exception { place, value: at(context, value, index, place) });
    Some(Patched { usual, exceptions: exceptions.collect() })
}

/// Comparisons of the index with something else: what with, the node, and its value where they differ.
fn equalities(context: &Context, value: Expr, index: Index) -> Vec<(Expr, Expr, i64)> {
    let mut found = Vec::new();
    let (mut seen, mut stack) = (BTreeSet::new(), vec![value]);
    while let Some(part) = stack.pop() {
        if !seen.insert(part) {
            continue;
        }
        let sides = match *context.node(part) {
            Node::Delta(a, b) | Node::Compare(Relation::Equal, a, b) => Some((a, b, 0)),
            Node::Compare(Relation::NotEqual, a, b) => Some((a, b, 1)),
            _ => None,
        };
        let is_index = |side: Expr| *context.node(side) == Node::Index(index);
        match sides {
            Some((a, b, apart)) if is_index(a) && !context.mentions(b, index) => found.push((b, part, apart)),
            Some((a, b, apart)) if is_index(b) && !context.mentions(a, index) => found.push((a, part, apart)),
            _ => stack.extend(context.children(part)),
        }
    }
    found
}

/// The value at a place. Outside of the axis nothing is read.
fn at(context: &mut Context, value: Expr, index: Index, place: Expr) -> Expr {
    let own = context.index(index);
    let there = context.substitute(value, &HashMap::from([(own, place)]));
    if matches!(context.node(place), Node::Index(other) if other.axis == index.axis) {
        return there;
    }
    let (zero, size) = (context.integer(0), context.size(index.axis));
    let not_before = context.compare(Relation::GreaterOrEqual, place, zero);
    let not_after = context.compare(Relation::Less, place, size);
    let inside = context.mul(vec![not_before, not_after]);
    context.select(inside, there, zero)
}
