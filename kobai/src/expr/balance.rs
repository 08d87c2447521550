//! The order in which the factors of a product are multiplied, so that nothing on the way leaves the range of the numbers.
//!
//! x²/σ² is x · (1/σ) · x · (1/σ): with σ near 10⁻²⁰⁰, σ² would be 0 where the quotient is an ordinary number.

use super::{Context, Expr, Node};
use num_traits::{One, Signed, ToPrimitive};

/// A factor of a balanced product.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unit {
    /// What is multiplied, or its root or reciprocal.
    pub base: Expr,
    /// −1 for a reciprocal, else 1.
    pub sign: i32,
    /// 2 for a square root, else 1.
    pub root: u32,
}

/// Higher powers are left as they are.
const MOST_REPEATS: i64 = 8;

impl Context {
    /// The factors taken apart into first powers and square roots, multiplied and divided by turns; `None` where the
    /// product has no quotient with a power in it.
    pub fn balanced(&self, factors: &[Expr]) -> Option<Vec<Unit>> {
        let mut parts: Vec<(Unit, usize)> = factors.iter().map(|&factor| self.units(factor)).collect();
        // What can be large or small first, and of that the highest powers, so that they meet each other.
        parts.sort_by_key(|(unit, repeats)| (self.is_moderate(unit.base), std::cmp::Reverse(*repeats)));
        let repeated = parts.iter().any(|(unit, repeats)| unit.sign < 0 && *repeats > 1);
        let numerator = parts.iter().any(|(unit, _)| unit.sign > 0 && self.as_number(unit.base).is_none());
        if !repeated || !numerator {
            return None;
        }
        let all = parts.into_iter().flat_map(|(unit, repeats)| std::iter::repeat_n(unit, repeats));
        let (above, below): (Vec<Unit>, Vec<Unit>) = all.partition(|unit| unit.sign > 0);
        let longer = above.len().max(below.len());
        Some((0..longer).flat_map(|place| [above.get(place), below.get(place)]).flatten().copied().collect())
    }

    /// True for what is hardly ever far from 1, other than 0.
    fn is_moderate(&self, expr: Expr) -> bool {
        matches!(
            self.node(expr),
            Node::Number(_)
                | Node::Constant(_)
                | Node::Size(_)
                | Node::Delta(..)
                | Node::Compare(..)
                | Node::Select(..)
        )
    }

    /// True for what is no sum, and no selection of sums: its value is not rounded by an addition.
    pub fn is_one_term(&self, expr: Expr) -> bool {
        match *self.node(expr) {
            Node::Add(_) => false,
            Node::Select(_, then, otherwise) => self.is_one_term(then) && self.is_one_term(otherwise),
            _ => true,
        }
    }

    fn units(&self, factor: Expr) -> (Unit, usize) {
        let whole = (Unit { base: factor, sign: 1, root: 1 }, 1);
        let Node::Power(base, exponent) = *self.node(factor) else { return whole };
        let Some(value) = self.as_number(exponent) else { return whole };
        let root = if value.denom().is_one() { 1 } else { 2 };
        let small = value.denom().to_u32().is_some_and(|denominator| denominator <= 2);
        match value.numer().to_i64() {
            Some(repeats) if small && repeats.abs() <= MOST_REPEATS => {
                let sign = if value.is_negative() { -1 } else { 1 };
                (Unit { base, sign, root }, repeats.unsigned_abs() as usize)
            }
            _ => whole,
        }
    }
}
