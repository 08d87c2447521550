//! Constructors. Each brings its node into canonical form, so that there is no other way to make one.

use super::{Axis, Constant, Context, Expr, Index, Node, Rational, Reduction, Symbol, Variable};
use crate::formula::Relation;
use crate::function::Function;
use num_bigint::BigInt;
use num_traits::{One, Signed, ToPrimitive, Zero};
use rustc_hash::FxHashMap;

/// Numbers with more bits than this are left as powers.
const LARGEST_FOLDED_BITS: u64 = 4096;

/// What belongs to each expression met, in the order in which they were met first.
struct Collected<T> {
    entries: Vec<(Expr, T)>,
    positions: FxHashMap<Expr, usize>,
}

impl<T> Default for Collected<T> {
    fn default() -> Self {
        Collected { entries: Vec::new(), positions: FxHashMap::default() }
    }
}

impl<T: Default> Collected<T> {
    fn entry(&mut self, expr: Expr) -> &mut T {
        let position = *self.positions.entry(expr).or_insert(self.entries.len());
        if position == self.entries.len() {
            self.entries.push((expr, T::default()));
        }
        &mut self.entries[position].1
    }
}

impl Context {
    /// An exact number.
    pub fn number(&mut self, value: Rational) -> Expr {
        let parts = value.into_raw();
        if let Some(&known) = self.numbers.get(&parts) {
            return known;
        }
        let (numerator, denominator) = parts.clone();
        let number = self.intern(Node::Number(Rational::new_raw(numerator, denominator)));
        self.numbers.insert(parts, number);
        number
    }

    /// An integer.
    pub fn integer(&mut self, value: i64) -> Expr {
        self.number(Rational::from_integer(BigInt::from(value)))
    }

    /// A quotient of integers; the denominator is not 0.
    pub fn ratio(&mut self, numerator: i64, denominator: i64) -> Expr {
        self.number(Rational::new(BigInt::from(numerator), BigInt::from(denominator)))
    }

    /// π or an infinity.
    pub fn constant(&mut self, constant: Constant) -> Expr {
        self.intern(Node::Constant(constant))
    }

    /// The size of an axis as a number.
    pub fn size(&mut self, axis: Axis) -> Expr {
        match self.axis(axis).fixed {
            Some(size) => self.integer(size as i64),
            None => self.intern(Node::Size(axis)),
        }
    }

    /// An index as an expression.
    pub fn index(&mut self, index: Index) -> Expr {
        self.intern(Node::Index(index))
    }

    /// An entry of a tensor.
    pub fn entry(&mut self, symbol: Symbol, places: Vec<Expr>) -> Expr {
        self.intern(Node::Symbol(symbol, places.into()))
    }

    /// An entry of a tensor at plain indices.
    pub fn entry_at(&mut self, symbol: Symbol, indices: &[Index]) -> Expr {
        let places = indices.iter().map(|&index| self.index(index)).collect();
        self.entry(symbol, places)
    }

    /// 1 where two integer expressions are equal.
    pub fn delta(&mut self, a: Expr, b: Expr) -> Expr {
        if a == b {
            return self.integer(1);
        }
        let (a, b) = if self.compare_structure(a, b).is_gt() { (b, a) } else { (a, b) };
        self.intern(Node::Delta(a, b))
    }

    /// 1 where the relation holds.
    pub fn compare(&mut self, relation: Relation, a: Expr, b: Expr) -> Expr {
        if let (Some(x), Some(y)) = (self.as_number(a), self.as_number(b)) {
            let holds = relation.holds(x.cmp(y));
            return self.integer(holds.into());
        }
        if a == b {
            return self.integer(relation.holds(std::cmp::Ordering::Equal).into());
        }
        let (relation, a, b) = match relation {
            Relation::Greater => (Relation::Less, b, a),
            Relation::GreaterOrEqual => (Relation::LessOrEqual, b, a),
            Relation::Equal | Relation::NotEqual if self.compare_structure(a, b).is_gt() => (relation, b, a),
            _ => (relation, a, b),
        };
        self.intern(Node::Compare(relation, a, b))
    }

    /// The second where the first is not 0, else the third.
    pub fn select(&mut self, condition: Expr, then: Expr, otherwise: Expr) -> Expr {
        if then == otherwise {
            return then;
        }
        match self.as_number(condition) {
            Some(value) if value.is_zero() => otherwise,
            Some(_) => then,
            None => self.intern(Node::Select(condition, then, otherwise)),
        }
    }

    /// A derivative not yet carried out.
    pub fn derivative(&mut self, body: Expr, target: Expr) -> Expr {
        self.intern(Node::Derivative(body, target))
    }

    /// A function of its arguments; values that the function's row lists as exact are taken at once.
    pub fn call(&mut self, function: Function, arguments: Vec<Expr>) -> Expr {
        if let [argument] = arguments[..]
            && let Some(value) = self.as_number(argument)
        {
            let found = function.row().exact.iter().find(|(at, _)| exact(at).is_some_and(|at| at == *value));
            if let Some(result) = found.and_then(|(_, result)| exact(result)) {
                return self.number(result);
            }
        }
        self.intern(Node::Call(function, arguments.into()))
    }

    /// A function of one argument.
    pub fn apply(&mut self, function: Function, argument: Expr) -> Expr {
        self.call(function, vec![argument])
    }

    /// Binds a free index of the body.
    pub fn reduce(&mut self, reduction: Reduction, index: Index, body: Expr) -> Expr {
        let neutral = match reduction {
            Reduction::Sum => Some(0),
            Reduction::Product => Some(1),
            _ => None,
        };
        if neutral.is_some_and(|value| self.is_integer(body, value)) {
            return body;
        }
        let bound = Index { variable: Variable::Bound(self.height(body) + 1), axis: index.axis };
        let body = self.rename(body, index, bound, &mut FxHashMap::default());
        self.intern(Node::Reduce(reduction, index.axis, body))
    }

    /// Gives an index another name that occurs nowhere in the expression, such as a bound one's. Nothing can join or cancel,
    /// so operands only find their new order. Binders inside are not opened: their bodies keep their heights.
    pub(super) fn rename(&mut self, expr: Expr, from: Index, to: Index, done: &mut FxHashMap<Expr, Expr>) -> Expr {
        if !self.mentions(expr, from) {
            return expr;
        }
        if let Some(&known) = done.get(&expr) {
            return known;
        }
        let result = match self.node(expr).clone() {
            Node::Index(_) => self.index(to),
            Node::Reduce(reduction, axis, body) => {
                let body = self.rename(body, from, to, done);
                self.intern(Node::Reduce(reduction, axis, body))
            }
            Node::Mul(factors) => {
                let factors = self.renamed_operands(&factors, from, to, done);
                self.intern(Node::Mul(factors))
            }
            Node::Add(terms) => {
                let terms = self.renamed_operands(&terms, from, to, done);
                self.intern(Node::Add(terms))
            }
            _ => self.rebuild(expr, &mut |context, part| context.rename(part, from, to, done)),
        };
        done.insert(expr, result);
        result
    }

    /// A number stays in front.
    fn renamed_operands(
        &mut self,
        operands: &[Expr],
        from: Index,
        to: Index,
        done: &mut FxHashMap<Expr, Expr>,
    ) -> Box<[Expr]> {
        let mut operands: Vec<Expr> = operands.iter().map(|&operand| self.rename(operand, from, to, done)).collect();
        let first = usize::from(self.as_number(operands[0]).is_some());
        operands[first..].sort_by(|&a, &b| self.compare_structure(a, b));
        operands.into()
    }

    /// The sum of terms: flattened, numbers and like terms collected, in structural order.
    pub fn add(&mut self, terms: Vec<Expr>) -> Expr {
        let mut collected: Collected<Rational> = Collected::default();
        let mut constant = Rational::zero();
        let mut stack: Vec<(Expr, Rational)> = terms.into_iter().rev().map(|term| (term, Rational::one())).collect();
        while let Some((term, scale)) = stack.pop() {
            let (coefficient, rest) = self.split_coefficient(term);
            let scale = scale * coefficient;
            match (rest, rest.map(|rest| self.node(rest))) {
                (Some(_), Some(Node::Add(inner))) => {
                    stack.extend(inner.iter().rev().map(|&part| (part, scale.clone())));
                }
                (Some(rest), _) => *collected.entry(rest) += scale,
                (None, _) => constant += scale,
            }
        }
        let mut operands = Vec::new();
        if !constant.is_zero() {
            operands.push(self.number(constant));
        }
        for (rest, coefficient) in collected.entries {
            if !coefficient.is_zero() {
                operands.push(self.scale(coefficient, rest));
            }
        }
        match operands[..] {
            [] => self.integer(0),
            [only] => only,
            _ => {
                operands.sort_by(|&a, &b| self.compare_structure(a, b));
                self.intern(Node::Add(operands.into()))
            }
        }
    }

    /// A term's rational factor and what remains; `None` if nothing does.
    pub fn split_coefficient(&mut self, term: Expr) -> (Rational, Option<Expr>) {
        match self.node(term).clone() {
            Node::Number(value) => (value, None),
            Node::Mul(factors) => match self.as_number(factors[0]).cloned() {
                Some(value) => match factors[1..] {
                    [only] => (value, Some(only)),
                    _ => {
                        let rest = self.intern(Node::Mul(factors[1..].into()));
                        (value, Some(rest))
                    }
                },
                None => (Rational::one(), Some(term)),
            },
            _ => (Rational::one(), Some(term)),
        }
    }

    fn scale(&mut self, coefficient: Rational, rest: Expr) -> Expr {
        if coefficient.is_one() {
            return rest;
        }
        let number = self.number(coefficient);
        self.mul(vec![number, rest])
    }

    /// −x
    pub fn negate(&mut self, expr: Expr) -> Expr {
        self.scale(-Rational::one(), expr)
    }

    /// a − b
    pub fn subtract(&mut self, a: Expr, b: Expr) -> Expr {
        let b = self.negate(b);
        self.add(vec![a, b])
    }

    /// a / b
    pub fn divide(&mut self, a: Expr, b: Expr) -> Expr {
        let b = self.reciprocal(b);
        self.mul(vec![a, b])
    }

    /// 1 / x
    pub fn reciprocal(&mut self, expr: Expr) -> Expr {
        let exponent = self.integer(-1);
        self.power(expr, exponent)
    }

    /// The product of factors: flattened, numbers multiplied, powers of one base joined, in structural order. A
    /// coefficient of 0 removes everything, as in NOTATION.md.
    pub fn mul(&mut self, factors: Vec<Expr>) -> Expr {
        let (mut coefficient, one) = (Rational::one(), self.integer(1));
        let mut collected: Collected<Vec<Expr>> = Collected::default();
        let mut stack: Vec<Expr> = factors.into_iter().rev().collect();
        while let Some(factor) = stack.pop() {
            let (base, exponent) = match self.node(factor) {
                Node::Number(value) => {
                    coefficient *= value;
                    continue;
                }
                Node::Mul(inner) => {
                    stack.extend(inner.iter().rev());
                    continue;
                }
                Node::Power(base, exponent) => (*base, *exponent),
                Node::Call(Function::Exp, arguments) => {
                    let argument = arguments[0];
                    self.signed_exponential(argument)
                }
                _ => (factor, one),
            };
            collected.entry(base).push(exponent);
        }
        if coefficient.is_zero() {
            return self.integer(0);
        }
        let mut operands = Vec::new();
        for (base, exponents) in collected.entries {
            let exponent = if let [only] = exponents[..] { only } else { self.add(exponents) };
            let power = self.power(base, exponent);
            match self.node(power) {
                Node::Number(value) => coefficient *= value,
                Node::Mul(inner) => operands.extend(inner.iter().copied()),
                _ => operands.push(power),
            }
        }
        self.finish_product(coefficient, operands)
    }

    /// e^u as the power 1 or −1 of whichever of e^u and e^{−u} stands first, so that the two cancel.
    fn signed_exponential(&mut self, argument: Expr) -> (Expr, Expr) {
        let opposite = self.negate(argument);
        let (base, exponent) =
            if self.compare_structure(argument, opposite).is_le() { (argument, 1) } else { (opposite, -1) };
        (self.apply(Function::Exp, base), self.integer(exponent))
    }

    fn finish_product(&mut self, coefficient: Rational, mut operands: Vec<Expr>) -> Expr {
        if operands.is_empty() {
            return self.number(coefficient);
        }
        operands.sort_by(|&a, &b| self.compare_structure(a, b));
        if !coefficient.is_one() {
            let number = self.number(coefficient);
            operands.insert(0, number);
        }
        match operands[..] {
            [only] => only,
            _ => self.intern(Node::Mul(operands.into())),
        }
    }

    /// A power. Numbers are folded where the result is rational, integer powers go into products and powers, and powers of
    /// e^u into the exponent.
    pub fn power(&mut self, base: Expr, exponent: Expr) -> Expr {
        if self.is_integer(exponent, 0) || self.is_integer(base, 1) {
            return self.integer(1);
        }
        if self.is_integer(exponent, 1) {
            return base;
        }
        let number = self.as_number(exponent).cloned();
        let whole = number.as_ref().is_some_and(|value| value.is_integer());
        match self.node(base).clone() {
            Node::Number(value) => {
                if let Some(result) = number.as_ref().and_then(|exponent| fold_power(&value, exponent)) {
                    return self.number(result);
                }
            }
            Node::Call(Function::Exp, arguments) if number.is_some() => {
                let argument = self.mul(vec![exponent, arguments[0]]);
                return self.apply(Function::Exp, argument);
            }
            Node::Power(inner, first) if whole => {
                let exponent = self.mul(vec![first, exponent]);
                return self.power(inner, exponent);
            }
            Node::Mul(factors) if whole => {
                let powers = factors.iter().map(|&factor| self.power(factor, exponent)).collect();
                return self.mul(powers);
            }
            _ => {}
        }
        self.intern(Node::Power(base, exponent))
    }
}

impl Relation {
    /// True if the relation holds between two values of this order.
    pub fn holds(self, order: std::cmp::Ordering) -> bool {
        match self {
            Relation::Equal => order.is_eq(),
            Relation::NotEqual => order.is_ne(),
            Relation::Less => order.is_lt(),
            Relation::LessOrEqual => order.is_le(),
            Relation::Greater => order.is_gt(),
            Relation::GreaterOrEqual => order.is_ge(),
        }
    }
}

/// Reads a rational from a row of the function table.
fn exact(text: &str) -> Option<Rational> {
    text.parse().ok()
}

/// base^exponent, if it is rational and not too long.
pub(crate) fn fold_power(base: &Rational, exponent: &Rational) -> Option<Rational> {
    let power = exponent.numer().to_i64()?;
    let degree = exponent.denom().to_u32()?;
    if base.is_zero() {
        return power.is_positive().then(Rational::zero);
    }
    if base.is_negative() && degree > 1 {
        return None;
    }
    let bits = base.numer().bits().max(base.denom().bits());
    if bits.saturating_mul(power.unsigned_abs()) > LARGEST_FOLDED_BITS {
        return None;
    }
    let root = |value: &BigInt| {
        let root = value.nth_root(degree);
        (root.pow(degree) == *value).then_some(root)
    };
    let base = Rational::new(root(base.numer())?, root(base.denom())?);
    Some(base.pow(power.to_i32()?))
}
