//! Tapes: elementwise expressions as straight-line code over the loops of a step.

use super::TensorId;
use super::lower::Body;
use crate::expr::{Axis, Constant, Context, Expr, Index, Node, Rational, Symbol, Unit};
use crate::formula::Relation;
use crate::function::Function;
use num_traits::{One, ToPrimitive, Zero};
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

/// A term of a sum.
#[derive(Clone, Copy)]
struct Term {
    /// How many loops it turns with.
    loops: usize,
    /// Whether it is subtracted.
    negative: bool,
    value: usize,
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
            Node::Call(function @ (Function::Sigmoid | Function::Softplus), arguments) => {
                let argument = self.either_sign(arguments[0]);
                self.push(Operation::Call(function, vec![argument]))
            }
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

    /// The value of a sum, or of minus a sum, by way of the one of the two whose first term, in structural order, is added: a
    /// logistic function at x and one at −x then share x.
    fn either_sign(&mut self, argument: Expr) -> usize {
        let (mut negative, mut sum) = match self.context.split_coefficient(argument) {
            (coefficient, Some(rest)) if coefficient == -Rational::one() => (true, rest),
            _ => (false, argument),
        };
        let Node::Add(terms) = self.context.node(sum).clone() else { return self.value(argument) };
        let split: Vec<_> = terms.iter().map(|&term| self.context.split_coefficient(term)).collect();
        let parts = split.iter().filter_map(|(coefficient, rest)| Some((coefficient, (*rest)?)));
        let first = parts.min_by(|(_, a), (_, b)| self.context.compare_structure(*a, *b));
        if first.is_some_and(|(coefficient, _)| *coefficient < Rational::zero()) {
            let opposite = terms.iter().map(|&term| self.context.negate(term)).collect();
            (negative, sum) = (!negative, self.context.add(opposite));
        }
        let value = self.value(sum);
        if !negative {
            return value;
        }
        let minus_one = self.push(Operation::Constant(-1.0));
        self.push(Operation::MultiplyFinite(minus_one, value))
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

    /// Of a plain product, the factors that turn with fewer loops come first: what they make is worked out less often.
    fn product(&mut self, factors: &[Expr]) -> usize {
        let mut product: Option<(usize, bool)> = None;
        let units = self.context.balanced(factors).unwrap_or_else(|| {
            let mut factors = factors.to_vec();
            factors.sort_by_key(|&factor| self.loops_of(&[factor]));
            factors.into_iter().map(|base| Unit { base, sign: 1, root: 1 }).collect()
        });
        for Unit { base: factor, sign, root } in units {
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
        let own_sum = (!own.is_empty()).then(|| (false, self.sum(&own)));
        let compensated = first.len() + usize::from(own_sum.is_some()) > 2;
        let mut signed: Vec<Term> = Vec::with_capacity(first.len() + 1);
        signed.extend(own_sum.map(|(negative, value)| Term { loops: self.loops_of(&own), negative, value }));
        signed.extend(first.into_iter().map(|term| self.term(term)).collect::<Vec<_>>());
        // A positive term first, so that what is subtracted needs no negation of its own; before that, of many terms, what
        // turns with fewer loops, since its sum is worked out less often.
        signed.sort_by_key(|term| (if compensated { term.loops } else { 0 }, term.negative));
        let mut rests = Vec::new();
        let mut total: Option<Term> = None;
        for term in signed {
            let sum = self.joined(total, term);
            if let Some(so_far) = total.filter(|_| compensated) {
                let (terms, loops) = ((so_far.value, term.value), sum.loops);
                let lost = Operation::RoundingError { terms, subtracted: term.negative, sum: sum.value };
                rests.push(Term { loops, negative: false, value: self.push(lost) });
            }
            total = Some(sum);
        }
        rests.extend(last.into_iter().map(|term| self.term(term)).collect::<Vec<_>>());
        for rest in self.with_fewer_loops_joined(rests) {
            total = Some(self.joined(total, rest));
        }
        total.map_or_else(|| self.push(Operation::Constant(0.0)), |total| total.value)
    }

    /// Of several terms those that turn with fewer loops than others as one.
    fn with_fewer_loops_joined(&mut self, mut terms: Vec<Term>) -> Vec<Term> {
        let most = terms.iter().map(|term| term.loops).max().unwrap_or(0);
        terms.sort_by_key(|term| term.loops == most);
        let fewer = terms.iter().filter(|term| term.loops < most).count();
        if fewer < 2 {
            return terms;
        }
        terms[..fewer].sort_by_key(|term| term.negative);
        let joined = terms.drain(..fewer).fold(None, |total, term| Some(self.joined(total, term)));
        joined.into_iter().chain(terms).collect()
    }

    /// How many loops the terms turn with.
    fn loops_of(&self, terms: &[Expr]) -> usize {
        terms.iter().map(|&term| self.context.free_indices(term).len()).max().unwrap_or(0)
    }

    /// A term without its sign.
    fn term(&mut self, term: Expr) -> Term {
        let (negative, value) = self.signed(term);
        Term { loops: self.loops_of(&[term]), negative, value }
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

    /// A total and one term more.
    fn joined(&mut self, total: Option<Term>, term: Term) -> Term {
        let value = match total {
            None if term.negative => {
                let zero = self.push(Operation::Constant(0.0));
                self.push(Operation::Subtract(zero, term.value))
            }
            None => term.value,
            Some(so_far) if term.negative => self.push(Operation::Subtract(so_far.value, term.value)),
            Some(so_far) => self.push(Operation::Add(so_far.value, term.value)),
        };
        Term { loops: term.loops.max(total.map_or(0, |total| total.loops)), negative: false, value }
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
        let negative = coefficient < Rational::zero();
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
        tapes.into_iter().for_each(|tape| drop(joined.add(tape)));
        joined
    }

    /// Adds a tape behind what there is; tells which operation each of its own has become.
    pub fn add(&mut self, tape: &Tape) -> Vec<usize> {
        let mut places: Vec<usize> = Vec::with_capacity(tape.operations.len());
        for operation in &tape.operations {
            let moved = operation.with_operands(|operand| places[operand]);
            let known = self.operations.iter().position(|known| *known == moved);
            places.push(known.unwrap_or_else(|| {
                self.operations.push(moved);
                self.operations.len() - 1
            }));
        }
        self.values.extend(places.last());
        places
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
