//! Where a derivation holds: the domains of the functions met, as short as they can be said.

use super::conditions_of;
use crate::expr::{Context, Expr, Index, Node, Rational, Reduction, Symbol};
use crate::formula::Relation;
use crate::resolve::{Assumption, Definition};
use crate::rewrite::bounds::Knowledge;
use num_traits::{Signed, Zero};
use std::collections::HashMap;

/// Where the loss has a value and a derivative with respect to a symbol.
pub struct Domain<'a> {
    context: &'a mut Context,
    definitions: &'a [Definition],
    knowledge: Knowledge,
    /// What depends on the symbol.
    dependent: Vec<Symbol>,
    found: Vec<Expr>,
    /// The conditions found with all their indices bound, by which two that say the same are known.
    known: Vec<Expr>,
}

/// The conditions under which the loss can be differentiated by the symbol; what is always true is left out.
pub fn conditions(
    context: &mut Context,
    definitions: &[Definition],
    assumptions: &[Assumption],
    divisors: &[Expr],
    loss: Expr,
    symbol: Symbol,
) -> Vec<Expr> {
    let mut knowledge = Knowledge::default();
    assumptions.iter().for_each(|assumption| knowledge.assume(context, assumption.condition));
    let dependent = dependent(context, definitions, symbol);
    let (found, known) = (Vec::new(), Vec::new());
    let mut domain = Domain { context, definitions, knowledge, dependent, found, known };
    domain.scan(loss);
    for definition in domain.needed(loss) {
        domain.scan(definition);
    }
    for &divisor in divisors {
        domain.is_not_zero(divisor);
    }
    domain.without_the_implied()
}

/// The symbol and all defined symbols that hang on it; definitions need only earlier ones.
fn dependent(context: &Context, definitions: &[Definition], symbol: Symbol) -> Vec<Symbol> {
    let mut dependent = vec![symbol];
    for definition in definitions {
        if context.symbols_in(definition.value).iter().any(|used| dependent.contains(used)) {
            dependent.push(definition.symbol);
        }
    }
    dependent
}

impl Domain<'_> {
    /// The right sides that the loss needs.
    fn needed(&self, loss: Expr) -> Vec<Expr> {
        let mut symbols = self.context.symbols_in(loss);
        let mut values = Vec::new();
        for definition in self.definitions.iter().rev() {
            if symbols.contains(&definition.symbol) && definition.value != loss {
                symbols.extend(self.context.symbols_in(definition.value));
                values.push(definition.value);
            }
        }
        values.reverse();
        values
    }

    fn depends(&self, expr: Expr) -> bool {
        self.context.symbols_in(expr).iter().any(|used| self.dependent.contains(used))
    }

    /// Notes what every part of an expression asks for.
    fn scan(&mut self, expr: Expr) {
        let mut parts = Vec::new();
        self.context.rewrite_with(expr, &mut HashMap::new(), &mut |_, part| {
            parts.push(part);
            None
        });
        for part in parts {
            match self.context.node(part).clone() {
                Node::Call(function, arguments) if self.depends(part) => {
                    for condition in conditions_of(self.context, function, &arguments) {
                        self.note(condition);
                    }
                }
                Node::Power(base, exponent) => self.power(base, exponent),
                _ => {}
            }
        }
    }

    fn power(&mut self, base: Expr, exponent: Expr) {
        match self.context.as_number(exponent) {
            Some(value) if value.is_integer() && value.is_negative() => self.is_not_zero(base),
            Some(value) if value.is_integer() => {}
            // An odd root has negative arguments too, and no slope at 0.
            Some(value)
                if value.denom() % 2_u32 != Zero::zero()
                    && value < &Rational::from_integer(1.into())
                    && self.depends(base) =>
            {
                self.is_not_zero(base);
            }
            _ if self.depends(base) || self.depends(exponent) => {
                let zero = self.context.integer(0);
                let condition = self.context.compare(Relation::Greater, base, zero);
                self.note(condition);
            }
            _ => {}
        }
    }

    /// No factor of a divisor is 0.
    fn is_not_zero(&mut self, base: Expr) {
        match self.context.node(base).clone() {
            Node::Mul(factors) => factors.iter().for_each(|&factor| self.is_not_zero(factor)),
            Node::Power(inner, exponent) if self.context.as_number(exponent).is_some_and(Signed::is_positive) => {
                self.is_not_zero(inner);
            }
            _ => {
                let zero = self.context.integer(0);
                let condition = self.context.compare(Relation::NotEqual, base, zero);
                self.note(condition);
            }
        }
    }

    /// What is above 0 need not be said to be other than 0.
    fn without_the_implied(mut self) -> Vec<Expr> {
        let zero = self.context.integer(0);
        let found = std::mem::take(&mut self.found);
        let is_implied = |domain: &mut Domain, condition: Expr| {
            let Node::Compare(Relation::NotEqual, a, b) = *domain.context.node(condition) else { return false };
            let side = if a == zero { b } else { a };
            let positive = domain.context.compare(Relation::Greater, side, zero);
            let closed = domain.closed(positive);
            (a == zero || b == zero) && domain.known.contains(&closed)
        };
        found.into_iter().filter(|&condition| !is_implied(&mut self, condition)).collect()
    }

    /// A condition with all its indices bound.
    fn closed(&mut self, condition: Expr) -> Expr {
        let mut closed = condition;
        for index in self.context.free_indices_in_order(condition) {
            closed = self.context.reduce(Reduction::Product, index, closed);
        }
        closed
    }

    /// Notes a condition, unless it is always true or known.
    fn note(&mut self, condition: Expr) {
        let condition = self.simpler(condition);
        let written_out = self.written_out(condition);
        if self.context.as_number(condition).is_some() || self.knowledge.proves(self.context, written_out) {
            return;
        }
        let closed = self.closed(condition);
        if !self.known.contains(&closed) {
            self.known.push(closed);
            self.found.push(condition);
        }
    }

    /// The same in fewer words: x² > 0 is x ≠ 0, and positive factors do not matter.
    fn simpler(&mut self, condition: Expr) -> Expr {
        let Node::Compare(relation @ (Relation::Less | Relation::NotEqual), a, b) = *self.context.node(condition)
        else {
            return condition;
        };
        let zero = self.context.integer(0);
        // `0 < u` or `u ≠ 0`.
        let inside = match (a == zero, b == zero) {
            (true, _) => b,
            (_, true) if relation == Relation::NotEqual => a,
            _ => return condition,
        };
        match self.context.node(inside).clone() {
            Node::Power(base, exponent) => {
                let number = self.context.as_number(exponent).cloned();
                let integer = number.filter(|value| value.is_integer()).map(|value| value.to_integer());
                let Some(exponent) = integer else { return condition };
                let even = exponent % 2_i32 == Zero::zero();
                let relation = if even { Relation::NotEqual } else { relation };
                let condition = self.context.compare(relation, zero, base);
                self.simpler(condition)
            }
            Node::Mul(factors) => {
                let rest: Vec<Expr> = factors.iter().copied().filter(|&factor| !self.is_positive(factor)).collect();
                if rest.len() == factors.len() {
                    return condition;
                }
                let rest = self.context.mul(rest);
                let condition = self.context.compare(relation, zero, rest);
                self.simpler(condition)
            }
            Node::Add(terms) => self.linear(condition, relation, &terms),
            _ => condition,
        }
    }

    /// x − 1 ≠ 0 is x ≠ 1.
    fn linear(&mut self, condition: Expr, relation: Relation, terms: &[Expr]) -> Expr {
        match terms[..] {
            [number, rest] if self.context.as_number(number).is_some() => {
                let (coefficient, rest) = self.context.split_coefficient(rest);
                let (Some(rest), true) = (rest, coefficient.is_integer() && relation == Relation::NotEqual) else {
                    return condition;
                };
                let Node::Symbol(..) = self.context.node(rest) else { return condition };
                let scale = self.context.number(-coefficient);
                let bound = self.context.divide(number, scale);
                self.context.compare(relation, rest, bound)
            }
            _ => condition,
        }
    }

    fn is_positive(&mut self, factor: Expr) -> bool {
        let zero = self.context.integer(0);
        let condition = self.context.compare(Relation::Greater, factor, zero);
        let condition = self.written_out(condition);
        self.knowledge.proves(self.context, condition)
    }

    /// With every defined symbol replaced by its definition.
    fn written_out(&mut self, expr: Expr) -> Expr {
        let mut expr = expr;
        for definition in self.definitions.iter().rev() {
            let (symbol, indices): (Symbol, &[Index]) = (definition.symbol, &definition.indices);
            if !self.context.depends_on(expr, symbol) {
                continue;
            }
            let value = super::fold::recognise_sigmoid(self.context, definition.value);
            expr = self.context.rewrite_with(expr, &mut HashMap::new(), &mut |context, part| {
                let Node::Symbol(found, places) = context.node(part).clone() else { return None };
                if found != symbol {
                    return None;
                }
                let map =
                    indices.iter().zip(places.iter()).map(|(&index, &place)| (context.index(index), place)).collect();
                Some(context.substitute(value, &map))
            });
        }
        expr
    }
}
