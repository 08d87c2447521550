//! Products: a sign, a fraction, and tall factors behind it.

use super::build::{Builder, decimal};
use super::tree::{Level, Tree};
use crate::expr::{Expr, Node, Rational};
use crate::function::Function;
use num_traits::{One, Signed};

/// The factors over and under the bar.
#[derive(Default)]
struct Parts {
    numerator: Vec<Tree>,
    denominator: Vec<Tree>,
}

impl Builder<'_> {
    /// A product with its sign apart.
    pub(super) fn product(&mut self, factors: &[Expr]) -> (bool, Tree) {
        let mut parts = Parts::default();
        let mut negative = false;
        let is_growing = |&factor: &Expr| self.exponent(factor).is_some_and(|exponent| !self.is_negative(exponent));
        let growing = factors.iter().any(is_growing);
        for &factor in factors {
            match self.context.node(factor) {
                Node::Number(value) => {
                    negative ^= value.is_negative();
                    parts.coefficient(&value.abs(), &|tree| self.mark(factor, tree));
                }
                Node::Power(base, exponent) => {
                    match self.context.as_number(*exponent).filter(|value| value.is_negative()) {
                        Some(value) => {
                            let divisor = self.numeric_power(*base, &-value);
                            let divisor = self.mark(factor, divisor);
                            parts.denominator.push(divisor);
                        }
                        None => parts.numerator.push(self.expression(factor)),
                    }
                }
                // e^a e^{-b} is how a ratio of exponentials is kept; on the page it is one again.
                _ if growing && self.exponent(factor).is_some_and(|exponent| self.is_negative(exponent)) => {
                    let divisor = self.reciprocal_exponential(factor);
                    parts.denominator.push(divisor);
                }
                _ => parts.numerator.push(self.expression(factor)),
            }
        }
        (negative, parts.arrange())
    }

    /// u in e^u.
    fn exponent(&self, factor: Expr) -> Option<Expr> {
        match self.context.node(factor) {
            Node::Call(Function::Exp, arguments) => arguments.first().copied(),
            _ => None,
        }
    }

    fn is_negative(&self, expr: Expr) -> bool {
        match self.context.node(expr) {
            Node::Number(value) => value.is_negative(),
            Node::Mul(factors) => {
                factors.first().is_some_and(|&first| self.context.as_number(first).is_some_and(Rational::is_negative))
            }
            _ => false,
        }
    }

    /// e^u for e^{-u}.
    fn reciprocal_exponential(&mut self, factor: Expr) -> Tree {
        let Some(exponent) = self.exponent(factor) else {
            return Tree::Ellipsis;
        };
        let (_, exponent) = self.term(exponent);
        let tree = self.exponential(exponent);
        self.mark(factor, tree)
    }
}

impl Parts {
    fn coefficient(&mut self, value: &Rational, mark: &dyn Fn(Tree) -> Tree) {
        if let Some(decimal) = decimal(value) {
            self.numerator.push(mark(decimal));
            return;
        }
        if !value.numer().is_one() {
            self.numerator.push(mark(Tree::digits(value.numer())));
        }
        if !value.denom().is_one() {
            self.denominator.push(mark(Tree::digits(value.denom())));
        }
    }

    /// One fraction, unless the numerator has tall factors that stand better behind a short one.
    fn arrange(self) -> Tree {
        let Parts { numerator, denominator } = self;
        if denominator.is_empty() {
            return side_by_side(numerator, false);
        }
        let split = !denominator.iter().any(Tree::is_tall);
        let (behind, front): (Vec<_>, Vec<_>) = numerator.into_iter().partition(|factor| split && factor.is_tall());
        let denominator = Box::new(side_by_side(denominator, true));
        let fraction = Tree::Fraction(Box::new(side_by_side(front, true)), denominator);
        if behind.is_empty() {
            return fraction;
        }
        let mut factors = vec![fraction];
        factors.extend(behind);
        side_by_side(factors, false)
    }
}

/// Factors in a row, those that take in what follows at the end. `fenced` if the place itself keeps them together.
fn side_by_side(mut factors: Vec<Tree>, fenced: bool) -> Tree {
    factors.sort_by_key(|factor| match (factor.level(), factor.unmarked()) {
        (Level::Open, Tree::Log { .. }) => 1,
        (Level::Open, _) => 2,
        _ => 0,
    });
    let Some(last) = factors.pop() else {
        return Tree::digits(1);
    };
    if factors.is_empty() {
        return if fenced { last } else { last.into_factor(true) };
    }
    let mut row: Vec<Tree> = factors.into_iter().map(|factor| factor.into_factor(false)).collect();
    row.push(last.into_factor(true));
    Tree::Product(row)
}
