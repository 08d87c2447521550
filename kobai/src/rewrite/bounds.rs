//! What values an expression can take: intervals from the functions' rows and from the assumptions stated.

use crate::expr::{Constant, Context, Expr, Node, Reduction, Symbol, Variable};
use crate::formula::Relation;
use crate::function::{Function, Range};
use crate::print::membership;
use num_traits::ToPrimitive;
use rustc_hash::FxHashMap;
use std::collections::HashMap;

/// A set of reals between two ends, each of which may belong to it or not.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// Lower end.
    pub low: f64,
    /// True if the lower end belongs to it.
    pub low_closed: bool,
    /// Upper end.
    pub high: f64,
    /// True if the upper end belongs to it.
    pub high_closed: bool,
}

/// All reals.
const ALL: Interval = Interval::ALL;

impl Interval {
    /// All reals.
    pub const ALL: Interval =
        Interval { low: f64::NEG_INFINITY, low_closed: false, high: f64::INFINITY, high_closed: false };

    /// One number.
    pub fn point(value: f64) -> Interval {
        Interval::closed(value, value)
    }

    /// From one number to another, both included.
    pub fn closed(low: f64, high: f64) -> Interval {
        Interval { low, low_closed: true, high, high_closed: true }
    }

    fn at_least(low: f64, closed: bool) -> Interval {
        Interval { low, low_closed: closed, ..ALL }
    }

    fn open(low: f64, high: f64) -> Interval {
        Interval { low, low_closed: false, high, high_closed: false }
    }

    /// True if every value is above 0.
    pub fn is_positive(self) -> bool {
        self.low > 0.0 || (self.low == 0.0 && !self.low_closed)
    }

    /// True if every value is at least 0.
    pub fn is_nonnegative(self) -> bool {
        self.low >= 0.0
    }

    /// True if every value is at most 0.
    pub fn is_nonpositive(self) -> bool {
        self.high <= 0.0
    }

    fn is_zero(self) -> bool {
        self.low == 0.0 && self.high == 0.0
    }

    /// The values with the other sign.
    pub fn negate(self) -> Interval {
        Interval { low: -self.high, low_closed: self.high_closed, high: -self.low, high_closed: self.low_closed }
    }

    fn plus(self, other: Interval) -> Interval {
        Interval {
            low: self.low + other.low,
            low_closed: self.low_closed && other.low_closed,
            high: self.high + other.high,
            high_closed: self.high_closed && other.high_closed,
        }
    }

    /// Products are followed only where the signs are known. A factor of 0 removes the other.
    pub fn times(self, other: Interval) -> Interval {
        if self.is_zero() || other.is_zero() {
            return Interval::point(0.0);
        }
        if self.low < 0.0 && self.high <= 0.0 {
            return self.negate().times(other).negate();
        }
        if other.low < 0.0 && other.high <= 0.0 {
            return self.times(other.negate()).negate();
        }
        if self.is_nonnegative() && other.is_nonnegative() {
            let low = self.low * other.low;
            let high = self.high * other.high;
            return Interval {
                low: if low.is_nan() { 0.0 } else { low },
                low_closed: !(self.is_positive() && other.is_positive() && low == 0.0)
                    && self.low_closed
                    && other.low_closed
                    || (low == 0.0 && !(self.is_positive() && other.is_positive())),
                high: if high.is_nan() { f64::INFINITY } else { high },
                high_closed: self.high_closed && other.high_closed,
            };
        }
        ALL
    }

    fn hull(self, other: Interval) -> Interval {
        let (low, low_closed) = if self.low < other.low {
            (self.low, self.low_closed)
        } else if other.low < self.low {
            (other.low, other.low_closed)
        } else {
            (self.low, self.low_closed || other.low_closed)
        };
        let (high, high_closed) = if self.high > other.high {
            (self.high, self.high_closed)
        } else if other.high > self.high {
            (other.high, other.high_closed)
        } else {
            (self.high, self.high_closed || other.high_closed)
        };
        Interval { low, low_closed, high, high_closed }
    }

    /// What the larger of a value here and one there can be.
    fn larger(self, other: Interval) -> Interval {
        let (low, low_closed) = self.hull_inner(other);
        Interval { low, low_closed, ..self.hull(other) }
    }

    /// The values that both have.
    pub fn intersect(self, other: Interval) -> Interval {
        let negated = self.negate().hull_inner(other.negate());
        let raised = self.hull_inner(other);
        Interval { low: raised.0, low_closed: raised.1, high: -negated.0, high_closed: negated.1 }
    }

    /// The larger of two lower ends.
    fn hull_inner(self, other: Interval) -> (f64, bool) {
        if self.low > other.low {
            (self.low, self.low_closed)
        } else if other.low > self.low {
            (other.low, other.low_closed)
        } else {
            (self.low, self.low_closed && other.low_closed)
        }
    }
}

/// The intervals of expressions, by expression.
pub type Found = FxHashMap<Expr, Interval>;

/// What is stated about symbols.
#[derive(Clone, Debug, Default)]
pub struct Knowledge {
    symbols: HashMap<Symbol, Interval>,
}

impl Knowledge {
    /// Takes in a stated condition of the form `symbol < number` or `symbol ∈ {numbers}`, or products of such. What is
    /// stated of single entries, such as x_1 > 0, says nothing of the symbol.
    pub fn assume(&mut self, context: &Context, condition: Expr) {
        if let Some((element, values)) = membership(context, condition)
            && let Some(symbol) = every_entry(context, element)
        {
            let value = |expr: &Expr| context.as_number(*expr).and_then(ToPrimitive::to_f64);
            let all: Option<Vec<Interval>> = values.iter().map(|expr| value(expr).map(Interval::point)).collect();
            if let Some(hull) = all.and_then(|all| all.into_iter().reduce(Interval::hull)) {
                self.narrow(symbol, hull);
            }
            return;
        }
        match context.node(condition) {
            Node::Mul(parts) => parts.iter().for_each(|&part| self.assume(context, part)),
            Node::Compare(relation @ (Relation::Less | Relation::LessOrEqual), a, b) => {
                let closed = *relation == Relation::LessOrEqual;
                let value = |expr: Expr| context.as_number(expr).and_then(ToPrimitive::to_f64);
                if let (Some(symbol), Some(high)) = (every_entry(context, *a), value(*b)) {
                    self.narrow(symbol, Interval { high, high_closed: closed, ..ALL });
                }
                if let (Some(low), Some(symbol)) = (value(*a), every_entry(context, *b)) {
                    self.narrow(symbol, Interval::at_least(low, closed));
                }
            }
            _ => {}
        }
    }

    /// Takes in that all entries of a symbol lie between two numbers, both included.
    pub fn between(&mut self, symbol: Symbol, low: f64, high: f64) {
        self.narrow(symbol, Interval::closed(low, high));
    }

    /// What is known of every entry of a symbol.
    pub fn of_symbol(&self, symbol: Symbol) -> Interval {
        self.symbols.get(&symbol).copied().unwrap_or(ALL)
    }

    fn narrow(&mut self, symbol: Symbol, to: Interval) {
        self.symbols.insert(symbol, self.of_symbol(symbol).intersect(to));
    }

    /// True if the condition (a comparison) is proved for all values.
    pub fn proves(&self, context: &mut Context, condition: Expr) -> bool {
        match context.node(condition).clone() {
            Node::Number(value) => value != num_traits::Zero::zero(),
            Node::Mul(parts) => parts.iter().all(|&part| self.proves(context, part)),
            Node::Compare(relation, a, b) => {
                let difference = context.subtract(b, a);
                let range = self.interval(context, difference);
                match relation {
                    Relation::Less => range.is_positive(),
                    Relation::LessOrEqual => range.is_nonnegative(),
                    Relation::NotEqual => range.is_positive() || range.negate().is_positive(),
                    _ => false,
                }
            }
            _ => false,
        }
    }

    /// The values that an expression can take.
    pub fn interval(&self, context: &mut Context, expr: Expr) -> Interval {
        self.interval_within(context, expr, &mut FxHashMap::default())
    }

    /// The same with what was found of expressions before.
    pub fn interval_within(&self, context: &mut Context, expr: Expr, found: &mut Found) -> Interval {
        if let Some(&known) = found.get(&expr) {
            return known;
        }
        let interval = self.of_node(context, expr, found);
        found.insert(expr, interval);
        interval
    }

    fn of_node(&self, context: &mut Context, expr: Expr, found: &mut Found) -> Interval {
        match context.node(expr).clone() {
            Node::Number(value) => value.to_f64().map_or(ALL, Interval::point),
            Node::Constant(Constant::Pi) => Interval::point(std::f64::consts::PI),
            Node::Constant(_) | Node::Derivative(..) => ALL,
            Node::Size(_) => Interval::at_least(1.0, true),
            Node::Index(_) => Interval::at_least(0.0, true),
            Node::Symbol(symbol, _) => self.of_symbol(symbol),
            Node::Delta(..) | Node::Compare(..) => {
                Interval { low: 0.0, low_closed: true, high: 1.0, high_closed: true }
            }
            Node::Call(function, arguments) => self.of_call(context, function, &arguments, found),
            Node::Power(base, exponent) => self.of_power(context, base, exponent, found),
            Node::Add(terms) => self.of_sum(context, expr, &terms, found),
            Node::Mul(factors) => {
                let start = Interval::point(1.0);
                factors.iter().fold(start, |so_far, &factor| so_far.times(self.interval_within(context, factor, found)))
            }
            Node::Reduce(reduction, ..) => self.of_reduction(context, expr, reduction, found),
            Node::Select(_, then, otherwise) => {
                self.interval_within(context, then, found).hull(self.interval_within(context, otherwise, found))
            }
        }
    }

    fn of_call(&self, context: &mut Context, function: Function, arguments: &[Expr], found: &mut Found) -> Interval {
        if let (Function::Exp, &[argument]) = (function, arguments)
            && self.interval_within(context, argument, found).high <= 0.0
        {
            let strict = self.interval_within(context, argument, found).negate().is_positive();
            return Interval { low: 0.0, low_closed: false, high: 1.0, high_closed: !strict };
        }
        if let (Function::Max | Function::Min, &[a, b]) = (function, arguments) {
            let (a, b) = (self.interval_within(context, a, found), self.interval_within(context, b, found));
            return if function == Function::Max { a.larger(b) } else { a.negate().larger(b.negate()).negate() };
        }
        if let (Function::StopGradient, &[a]) = (function, arguments) {
            return self.interval_within(context, a, found);
        }
        match function.row().range {
            Range::Real => ALL,
            Range::NonNegative => Interval::at_least(0.0, true),
            Range::Positive => Interval::at_least(0.0, false),
            Range::UnitInterval => Interval::open(0.0, 1.0),
            Range::Signed => Interval { low: -1.0, low_closed: true, high: 1.0, high_closed: true },
            Range::NonPositive => Interval::at_least(0.0, true).negate(),
        }
    }

    fn of_power(&self, context: &mut Context, base: Expr, exponent: Expr, found: &mut Found) -> Interval {
        let range = self.interval_within(context, base, found);
        if range.is_positive() {
            return Interval::at_least(0.0, false);
        }
        let even = context
            .as_number(exponent)
            .is_some_and(|value| value.is_integer() && (value.to_integer() % 2_i32 == num_traits::Zero::zero()));
        if even || range.is_nonnegative() { Interval::at_least(0.0, true) } else { ALL }
    }

    fn of_sum(&self, context: &mut Context, expr: Expr, terms: &[Expr], found: &mut Found) -> Interval {
        let plain =
            terms.iter().map(|&term| self.interval_within(context, term, found)).reduce(Interval::plus).unwrap_or(ALL);
        if is_log_softmax(context, expr) {
            return plain.intersect(Interval { high: 0.0, high_closed: false, ..ALL });
        }
        plain
    }

    fn of_reduction(&self, context: &mut Context, expr: Expr, reduction: Reduction, found: &mut Found) -> Interval {
        let Some(opened) = context.open(expr) else { return ALL };
        let body = self.interval_within(context, opened.body, found);
        match reduction {
            Reduction::Sum | Reduction::Product if body.is_positive() => Interval::at_least(0.0, false),
            Reduction::Sum | Reduction::Product if body.is_nonnegative() => Interval::at_least(0.0, true),
            Reduction::Maximum | Reduction::Minimum => body,
            _ => ALL,
        }
    }
}

/// The symbol whose entry this is at plain indices, each of its own: what is stated of it holds for all entries.
pub fn every_entry(context: &Context, expr: Expr) -> Option<Symbol> {
    let Node::Symbol(symbol, places) = context.node(expr) else { return None };
    let plain = |(position, place): (usize, &Expr)| {
        matches!(context.node(*place), Node::Index(_)) && !places[..position].contains(place)
    };
    places.iter().enumerate().all(plain).then_some(*symbol)
}

/// True for f_k − lse_j f_j, the logarithm of a softmax: it is below 0, as there are other classes.
pub fn is_log_softmax(context: &mut Context, expr: Expr) -> bool {
    log_softmax_place(context, expr).is_some()
}

/// For f_k − lse_j f_j: the log-sum-exp, and what stands in the place of its index.
pub fn log_softmax_place(context: &mut Context, expr: Expr) -> Option<(Expr, Expr)> {
    let Node::Add(terms) = context.node(expr).clone() else { return None };
    for &term in terms.iter() {
        let (coefficient, Some(rest)) = context.split_coefficient(term) else { continue };
        if coefficient != -crate::expr::Rational::from_integer(1.into()) {
            continue;
        }
        let Node::Reduce(Reduction::LogSumExp, ..) = context.node(rest) else { continue };
        let others = context.add(vec![expr, rest]);
        if let Some(place) = place_in_body(context, rest, others) {
            return Some((rest, place));
        }
    }
    None
}

/// What stands in the place of the bound index, if `instance` is the body of the reduction at one place.
pub fn place_in_body(context: &mut Context, reduce: Expr, instance: Expr) -> Option<Expr> {
    let opened = context.open(reduce)?;
    let candidates = places_for(context, opened.body, opened.index, instance);
    candidates.into_iter().find(|&candidate| context.instantiate(reduce, candidate) == Some(instance))
}

/// Expressions that stand in `instance` where `body` has the index in a symbol's place.
pub fn places_for(context: &Context, body: Expr, index: crate::expr::Index, instance: Expr) -> Vec<Expr> {
    let mut slots = Vec::new();
    visit_entries(context, body, &mut |symbol, places| {
        for (position, &place) in places.iter().enumerate() {
            if *context.node(place) == Node::Index(index) {
                slots.push((symbol, position));
            }
        }
    });
    let mut found = Vec::new();
    visit_entries(context, instance, &mut |symbol, places| {
        for (position, &place) in places.iter().enumerate() {
            let bound_inside =
                context.free_indices(place).iter().any(|index| matches!(index.variable, Variable::Bound(_)));
            if slots.contains(&(symbol, position)) && !found.contains(&place) && !bound_inside {
                found.push(place);
            }
        }
    });
    found
}

fn visit_entries(context: &Context, expr: Expr, visit: &mut dyn FnMut(Symbol, &[Expr])) {
    let mut seen = std::collections::HashSet::new();
    let mut stack = vec![expr];
    while let Some(part) = stack.pop() {
        if !seen.insert(part) {
            continue;
        }
        if let Node::Symbol(symbol, places) = context.node(part) {
            visit(*symbol, places);
        }
        stack.extend(context.children(part));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_of_signs() {
        let [zero, two, minus] = [0.0, 2.0, -3.0].map(Interval::point);
        let (positive, some) = (Interval::open(0.0, f64::INFINITY), Interval::closed(-1.0, 4.0));
        for other in [zero, two, minus, positive, positive.negate(), some, ALL] {
            assert_eq!(zero.times(other), zero);
            assert_eq!(other.times(zero), zero);
        }
        assert_eq!(two.times(minus), Interval::point(-6.0));
        assert_eq!(minus.times(minus), Interval::point(9.0));
        assert_eq!(minus.times(positive), positive.negate());
        assert_eq!(minus.times(some), ALL);
        // What contradicts itself has no value at all; anything may be said of it, but said it must be.
        let none = Interval::open(1.0, 2.0).intersect(Interval::open(-2.0, -1.0));
        let _ = (none.times(two), none.times(minus), minus.times(none), none.times(none));
    }
}
