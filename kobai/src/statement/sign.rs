//! Where a product of linear factors is positive: p/(1 − p) > 0 is 0 < p < 1.

use super::conditions::linear;
use crate::expr::{Context, Expr, Node, Rational};
use crate::formula::Relation;
use num_traits::{One, Signed, Zero};

/// The condition that the product is positive, as bounds of the one expression in its factors; `None` if it is another
/// kind of condition, or if the values do not form one interval.
pub(super) fn as_bounds(context: &mut Context, condition: Expr) -> Option<Vec<Expr>> {
    let Node::Compare(Relation::Less, a, b) = *context.node(condition) else { return None };
    let (product, positive) = match (context.is_integer(a, 0), context.is_integer(b, 0)) {
        (true, _) => (b, true),
        (_, true) => (a, false),
        _ => return None,
    };
    let (inside, sign, roots) = sign_and_roots(context, product)?;
    let (low, high) = interval(&roots, sign == positive)?;
    let bounds = [(low, Relation::Greater), (high, Relation::Less)];
    let found = bounds.into_iter().filter_map(|(bound, relation)| {
        let bound = context.number(bound?);
        Some(context.compare(relation, inside, bound))
    });
    Some(found.collect())
}

/// The one expression in the factors, whether the product is positive beyond all roots, and the roots in order.
fn sign_and_roots(context: &mut Context, product: Expr) -> Option<(Expr, bool, Vec<Rational>)> {
    let Node::Mul(factors) = context.node(product).clone() else { return None };
    let (mut only, mut positive, mut roots) = (None, true, Vec::new());
    for &factor in factors.iter() {
        if let Some(number) = context.as_number(factor) {
            positive ^= number.is_negative();
            continue;
        }
        let (base, exponent) = match *context.node(factor) {
            Node::Power(base, exponent) => (base, context.as_number(exponent)?.clone()),
            _ => (factor, Rational::one()),
        };
        // An even power has no sign to change, but is 0 at its root.
        if !exponent.is_integer() || !exponent.numer().bit(0) {
            return None;
        }
        let (inside, slope, constant) = linear(context, base)?;
        if *only.get_or_insert(inside) != inside {
            return None;
        }
        positive ^= slope.is_negative();
        roots.push(-constant / slope);
    }
    roots.sort();
    Some((only?, positive, roots))
}

/// The interval between two roots on which the sign is the wanted one, if it is the only one.
fn interval(roots: &[Rational], wanted_beyond_all: bool) -> Option<(Option<Rational>, Option<Rational>)> {
    let mut found = Vec::new();
    for gap in (0..=roots.len()).rev() {
        // Each root passed changes the sign.
        if (roots.len() - gap).is_multiple_of(2) == wanted_beyond_all {
            let low = gap.checked_sub(1).map(|low| roots[low].clone());
            let high = roots.get(gap).cloned();
            let empty = matches!((&low, &high), (Some(low), Some(high)) if (high - low).is_zero());
            found.extend((!empty).then_some((low, high)));
        }
    }
    match &found[..] {
        [only] => Some(only.clone()),
        _ => None,
    }
}
