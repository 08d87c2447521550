//! Tapes: elementwise expressions as straight-line code over the loops of a step.

use super::TensorId;
use super::lower::Body;
use crate::expr::{Axis, Constant, Context, Expr, Index, Node, Symbol, Unit};
use crate::formula::Relation;
use crate::function::Function;
use num_traits::ToPrimitive;
use std::collections::HashMap;

/// What stands in a place of a tensor.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Place {
    /// The value of a loop, by its position.
    Loop(usize),
    /// The (integer) value of an earlier operation.
    Value(usize),
}

/// One operation; operands are positions on the tape.
#[derive(Clone, Debug, PartialEq)]
pub enum Operation {
    /// A number.
    Constant(f64),
    /// The size of an axis.
    Size(Axis),
    /// The value of a loop, counted from 0.
    Index(usize),
    /// An entry of a tensor.
    Load(TensorId, Vec<Place>),
    /// a + b
    Add(usize, usize),
    /// a − b
    Subtract(usize, usize),
    /// What rounding has taken from a sum or difference, 0 where that is no number (Knuth, The Art of Computer Programming,
    /// volume 2, section 4.2.2, theorem B).
    RoundingError {
        /// a and b
        terms: (usize, usize),
        /// True for a − b.
        subtracted: bool,
        /// a ± b, rounded
        sum: usize,
    },
    /// a · b, where a factor of exactly 0 removes the other.
    Multiply(usize, usize),
    /// a · b of numbers known to be finite.
    MultiplyFinite(usize, usize),
    /// a / b
    Divide(usize, usize),
    /// a^b
    Power(usize, usize),
    /// a^(numerator/denominator)
    PowerRational(usize, i32, u32),
    /// A function.
    Call(Function, Vec<usize>),
    /// 1 or 0.
    Compare(Relation, usize, usize),
    /// The second where the first is not 0, else the third.
    Select(usize, usize, usize),
}

/// Straight-line code; the value is the last operation's.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tape {
    /// The operations.
    pub operations: Vec<Operation>,
}

/// Turns an expression without reductions into a tape.
pub struct Builder<'a> {
    context: &'a mut Context,
    loops: &'a [Index],
    tensors: &'a HashMap<Symbol, TensorId>,
    /// Symbols that hold what a log-sum-exp has beyond its maximum: added last, so that z − max cancels exactly first.
    rests: &'a HashMap<Symbol, Body>,
    tape: Tape,
    known: HashMap<Expr, usize>,
}

impl<'a> Builder<'a> {
    /// A builder for a step with these loops.
    pub fn new(
        context: &'a mut Context,
        loops: &'a [Index],
        tensors: &'a HashMap<Symbol, TensorId>,
        rests: &'a HashMap<Symbol, Body>,
    ) -> Builder<'a> {
        Builder { context, loops, tensors, rests, tape: Tape::default(), known: HashMap::new() }
    }

    /// The tape of an expression.
    pub fn build(mut self, expr: Expr) -> Tape {
        let last = self.value(expr);
        if last + 1 != self.tape.operations.len() {
            let zero = self.push(Operation::Constant(0.0));
            self.push(Operation::Add(last, zero));
        }
        self.tape
    }

    fn push(&mut self, operation: Operation) -> usize {
        match self.tape.operations.iter().position(|known| *known == operation) {
            Some(position) => position,
            None => {
                self.tape.operations.push(operation);
                self.tape.operations.len() - 1
            }
        }
    }

    fn value(&mut self, expr: Expr) -> usize {
        if let Some(&known) = self.known.get(&expr) {
            return known;
        }
        let position = match self.context.node(expr).clone() {
            Node::Number(value) => self.push(Operation::Constant(value.to_f64().unwrap_or(f64::NAN))),
            Node::Constant(Constant::Pi) => self.push(Operation::Constant(std::f64::consts::PI)),
            Node::Constant(Constant::Infinity) => self.push(Operation::Constant(f64::INFINITY)),
            Node::Constant(Constant::NegativeInfinity) => self.push(Operation::Constant(f64::NEG_INFINITY)),
            Node::Size(axis) => self.push(Operation::Size(axis)),
            Node::Index(index) => {
                let position = self.loop_of(index);
                self.push(Operation::Index(position))
            }
            Node::Symbol(symbol, places) => self.load(symbol, &places),
            Node::Delta(a, b) => {
                let (a, b) = (self.value(a), self.value(b));
                self.push(Operation::Compare(Relation::Equal, a, b))
            }
            Node::Compare(relation, a, b) => {
                let (a, b) = (self.value(a), self.value(b));
                self.push(Operation::Compare(relation, a, b))
            }
            Node::Select(condition, then, otherwise) => {
                let (condition, then, otherwise) = (self.value(condition), self.value(then), self.value(otherwise));
                self.push(Operation::Select(condition, then, otherwise))
            }
            Node::Power(base, exponent) => self.power(base, exponent),
            Node::Call(function, arguments) => {
                let arguments = arguments.iter().map(|&argument| self.value(argument)).collect();
                self.push(Operation::Call(function, arguments))
            }
            Node::Mul(factors) => self.product(&factors),
            Node::Add(terms) => self.sum(&terms),
            // Lowering has made every reduction a tensor, and derivations never get here.
            Node::Reduce(..) | Node::Derivative(..) => self.push(Operation::Constant(f64::NAN)),
        };
        self.known.insert(expr, position);
        position
    }

    fn loop_of(&self, index: Index) -> usize {
        self.loops.iter().position(|known| *known == index).unwrap_or(0)
    }

    fn load(&mut self, symbol: Symbol, places: &[Expr]) -> usize {
        let places = places
            .iter()
            .map(|&place| match *self.context.node(place) {
                Node::Index(index) => Place::Loop(self.loop_of(index)),
                _ => Place::Value(self.value(place)),
            })
            .collect();
        match self.tensors.get(&symbol) {
            Some(&tensor) => self.push(Operation::Load(tensor, places)),
            None => self.push(Operation::Constant(f64::NAN)),
        }
    }

    fn power(&mut self, base: Expr, exponent: Expr) -> usize {
        let number = self.context.as_number(exponent).cloned();
        let small = number.as_ref().and_then(|value| Some((value.numer().to_i32()?, value.denom().to_u32()?)));
        let base = self.value(base);
        match small {
            Some((numerator, denominator)) => self.rational_power(base, numerator, denominator),
            None => {
                let exponent = self.value(exponent);
                self.push(Operation::Power(base, exponent))
            }
        }
    }

    fn rational_power(&mut self, base: usize, numerator: i32, denominator: u32) -> usize {
        if (numerator, denominator) == (-1, 1) {
            let one = self.push(Operation::Constant(1.0));
            return self.push(Operation::Divide(one, base));
        }
        self.push(Operation::PowerRational(base, numerator, denominator))
    }

    fn product(&mut self, factors: &[Expr]) -> usize {
        let mut product: Option<(usize, bool)> = None;
        let units = self.context.balanced(factors);
        let whole = |&base: &Expr| Unit { base, sign: 1, root: 1 };
        for Unit { base: factor, sign, root } in units.unwrap_or_else(|| factors.iter().map(whole).collect()) {
            let mut value = self.value(factor);
            if sign < 0 || root > 1 {
                value = self.rational_power(value, sign, root);
            }
            // A number is finite and not 0, so that the convention of the factor 0 cannot matter. (1/N may be infinite.)
            let plain = sign > 0 && matches!(self.context.node(factor), Node::Number(_));
            product = Some(match product {
                None => (value, plain),
                Some((so_far, was_plain)) if plain || was_plain => {
                    (self.push(Operation::MultiplyFinite(so_far, value)), plain && was_plain)
                }
                Some((so_far, _)) => (self.push(Operation::Multiply(so_far, value)), false),
            });
        }
        product.map_or_else(|| self.push(Operation::Constant(1.0)), |(position, _)| position)
    }

    /// From three terms on, what rounding takes from each addition is added at the end as well, as the interpreter does.
    /// The terms that a log-sum-exp has in its body are first added up among themselves, as they were there.
    fn sum(&mut self, terms: &[Expr]) -> usize {
        let instance = terms.iter().find_map(|&rest| self.body_among(rest, terms)).unwrap_or_default();
        let own: Vec<Expr> = instance.iter().map(|&position| terms[position]).collect();
        let others = terms.iter().filter(|term| !own.contains(term));
        let (last, first): (Vec<Expr>, Vec<Expr>) = others.partition(|&&term| self.is_rest(term));
        let own = (!own.is_empty()).then(|| (false, self.sum(&own)));
        // A positive term first, so that what is subtracted needs no negation of its own.
        let mut signed: Vec<(bool, usize)> = first.into_iter().map(|term| self.signed(term)).collect();
        signed.sort_by_key(|(negative, _)| *negative);
        let signed: Vec<(bool, usize)> = own.into_iter().chain(signed).collect();
        let compensated = signed.len() > 2;
        let mut rests = Vec::new();
        let mut total = None;
        for (negative, value) in signed {
            let sum = self.joined(total, negative, value);
            if let Some(so_far) = total.filter(|_| compensated) {
                let lost = Operation::RoundingError { terms: (so_far, value), subtracted: negative, sum };
                rests.push((false, self.push(lost)));
            }
            total = Some(sum);
        }
        rests.extend(last.into_iter().map(|term| self.signed(term)).collect::<Vec<_>>());
        for (negative, value) in rests {
            total = Some(self.joined(total, negative, value));
        }
        total.unwrap_or_else(|| self.push(Operation::Constant(0.0)))
    }

    /// For minus what a log-sum-exp has beyond its maximum: the positions of the terms that are its body, which has several,
    /// at one place.
    fn body_among(&mut self, rest: Expr, terms: &[Expr]) -> Option<Vec<usize>> {
        let Node::Mul(factors) = self.context.node(rest) else { return None };
        let [number, entry] = factors[..] else { return None };
        let Node::Symbol(symbol, places) = self.context.node(entry).clone() else { return None };
        if !self.context.is_integer(number, -1) {
            return None;
        }
        let body = self.rests.get(&symbol)?;
        let own = body.indices.iter().map(|&index| self.context.index(index));
        let map = own.collect::<Vec<_>>().into_iter().zip(places).collect();
        let value = self.context.substitute(body.value, &map);
        self.context.instance_among(value, body.index, terms).filter(|positions| !positions.is_empty())
    }

    fn joined(&mut self, total: Option<usize>, negative: bool, value: usize) -> usize {
        match total {
            None if negative => {
                let zero = self.push(Operation::Constant(0.0));
                self.push(Operation::Subtract(zero, value))
            }
            None => value,
            Some(so_far) if negative => self.push(Operation::Subtract(so_far, value)),
            Some(so_far) => self.push(Operation::Add(so_far, value)),
        }
    }

    fn is_rest(&self, term: Expr) -> bool {
        match self.context.node(term) {
            Node::Symbol(symbol, _) => self.rests.contains_key(symbol),
            Node::Mul(factors) => match factors[..] {
                [number, rest] => self.context.as_number(number).is_some() && self.is_rest(rest),
                _ => false,
            },
            _ => false,
        }
    }

    /// A term without its sign.
    fn signed(&mut self, term: Expr) -> (bool, usize) {
        let (coefficient, rest) = self.context.split_coefficient(term);
        let negative = coefficient < num_traits::Zero::zero();
        match rest {
            Some(_) if negative => {
                let positive = self.context.negate(term);
                (true, self.value(positive))
            }
            _ => (false, self.value(term)),
        }
    }
}

/// Several tapes over the same loops as one, in which what they have in common stands once.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct JoinedTape {
    /// The operations.
    pub operations: Vec<Operation>,
    /// For each of the tapes, the operation that is its value.
    pub values: Vec<usize>,
}

impl JoinedTape {
    /// Joins tapes.
    pub fn new<'a>(tapes: impl IntoIterator<Item = &'a Tape>) -> JoinedTape {
        let mut joined = JoinedTape::default();
        for tape in tapes {
            let mut places: Vec<usize> = Vec::with_capacity(tape.operations.len());
            for operation in &tape.operations {
                let moved = operation.with_operands(|operand| places[operand]);
                let known = joined.operations.iter().position(|known| *known == moved);
                places.push(known.unwrap_or_else(|| {
                    joined.operations.push(moved);
                    joined.operations.len() - 1
                }));
            }
            joined.values.extend(places.last());
        }
        joined
    }

    /// How many elementwise operations it has, and how many of these are functions or general powers.
    pub fn counts(&self) -> (usize, usize) {
        counts(&self.operations)
    }
}

impl Operation {
    /// The same operation with other operands in the place of its own.
    pub fn with_operands(&self, operand: impl Fn(usize) -> usize) -> Operation {
        match self {
            Operation::Constant(_) | Operation::Size(_) | Operation::Index(_) => self.clone(),
            Operation::Load(tensor, places) => {
                let place = |place: &Place| match *place {
                    Place::Loop(one) => Place::Loop(one),
                    Place::Value(value) => Place::Value(operand(value)),
                };
                Operation::Load(*tensor, places.iter().map(place).collect())
            }
            Operation::Add(a, b) => Operation::Add(operand(*a), operand(*b)),
            Operation::Subtract(a, b) => Operation::Subtract(operand(*a), operand(*b)),
            Operation::RoundingError { terms: (a, b), subtracted, sum } => {
                let terms = (operand(*a), operand(*b));
                Operation::RoundingError { terms, subtracted: *subtracted, sum: operand(*sum) }
            }
            Operation::Multiply(a, b) => Operation::Multiply(operand(*a), operand(*b)),
            Operation::MultiplyFinite(a, b) => Operation::MultiplyFinite(operand(*a), operand(*b)),
            Operation::Divide(a, b) => Operation::Divide(operand(*a), operand(*b)),
            Operation::Power(a, b) => Operation::Power(operand(*a), operand(*b)),
            Operation::PowerRational(a, numerator, denominator) => {
                Operation::PowerRational(operand(*a), *numerator, *denominator)
            }
            Operation::Call(function, arguments) => {
                Operation::Call(*function, arguments.iter().map(|&argument| operand(argument)).collect())
            }
            Operation::Compare(relation, a, b) => Operation::Compare(*relation, operand(*a), operand(*b)),
            Operation::Select(a, b, c) => Operation::Select(operand(*a), operand(*b), operand(*c)),
        }
    }
}

/// How many of the operations are elementwise, and how many of these are functions or general powers.
fn counts(operations: &[Operation]) -> (usize, usize) {
    let free = |operation: &&Operation| {
        !matches!(operation, Operation::Constant(_) | Operation::Size(_) | Operation::Index(_) | Operation::Load(..))
    };
    let function = |operation: &&Operation| matches!(operation, Operation::Call(..) | Operation::Power(..));
    (operations.iter().filter(free).count(), operations.iter().filter(function).count())
}

impl Tape {
    /// The tensors that it loads.
    pub fn loads(&self) -> Vec<TensorId> {
        let load = |operation: &Operation| match operation {
            Operation::Load(tensor, _) => Some(*tensor),
            _ => None,
        };
        self.operations.iter().filter_map(load).collect()
    }

    /// How many elementwise operations it has, and how many of these are functions or general powers.
    pub fn counts(&self) -> (usize, usize) {
        counts(&self.operations)
    }
}
