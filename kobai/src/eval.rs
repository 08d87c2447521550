//! The reference: an expression's value entry by entry, in f64 or in high precision.
//!
//! Nothing here is fast. It is plain, so that it can be trusted, and generic in the arithmetic, so that what runs in f64
//! and what proves it run through the same lines.

pub mod arithmetic;
pub mod data;
pub mod double;
pub mod high;
mod memory;
pub mod single;
mod special_double;
mod special_elementary;
mod special_error;
mod special_gamma;

use crate::expr::{Axis, Constant, Context, Expr, Index, Node, Rational, Reduction, Symbol, Unit, Variable};
use crate::source::Diagnostic;
use arithmetic::Arithmetic;
use data::Bound;
use memory::Memory;
use num_traits::Signed;
use rustc_hash::FxHashMap;
use std::cmp::Ordering;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::atomic::{self, AtomicBool};

/// A tensor of values, row-major.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor<V> {
    /// The size of each axis.
    pub shape: Vec<usize>,
    /// The entries.
    pub data: Vec<V>,
}

/// Evaluates expressions at bound inputs.
pub struct Evaluator<'a, A: Arithmetic> {
    context: &'a Context,
    bound: &'a Bound<'a>,
    arithmetic: &'a mut A,
    /// By the number of the axis.
    sizes: Vec<Option<usize>>,
    environment: Vec<(Index, usize)>,
    memory: Memory<Parts<A::Value>>,
    numbers: FxHashMap<Expr, A::Value>,
    /// Values of inputs that stand in for the bound ones.
    values: FxHashMap<Symbol, Vec<A::Value>>,
    interrupted: Option<&'a AtomicBool>,
    literal: bool,
    /// By the terms of the sum.
    groups: HashMap<Vec<Expr>, Groups>,
}

/// The terms of a sum that a log-sum-exp has as well, and the others.
type Groups = Option<Rc<(Vec<Expr>, Vec<Expr>)>>;

/// A value as a sum of two: the maximum and the rest of a log-sum-exp, or a sum so far and what is to be added to it at
/// the end; elsewhere the second part is absent.
#[derive(Clone)]
struct Parts<V> {
    leading: V,
    trailing: Option<V>,
}

impl<'a, A: Arithmetic> Evaluator<'a, A> {
    /// An evaluator of expressions of this context at these inputs.
    pub fn new(context: &'a Context, bound: &'a Bound<'a>, arithmetic: &'a mut A) -> Evaluator<'a, A> {
        Evaluator {
            context,
            bound,
            arithmetic,
            sizes: (0..context.axes.len()).map(|number| bound.size(Axis(number as u32))).collect(),
            environment: Vec::new(),
            memory: Memory::default(),
            numbers: FxHashMap::default(),
            values: FxHashMap::default(),
            interrupted: None,
            literal: false,
            groups: HashMap::new(),
        }
    }

    /// The same with other values for some of the inputs, row-major.
    pub fn with_values(mut self, values: HashMap<Symbol, Vec<A::Value>>) -> Self {
        self.values = values.into_iter().collect();
        self
    }

    /// The same, ending soon with the error `interrupted` once the flag is set.
    pub fn stopped_by(mut self, interrupted: &'a AtomicBool) -> Self {
        self.interrupted = Some(interrupted);
        self
    }

    /// The same, each operation as it stands: products in their order, sums without compensation.
    pub fn literally(mut self) -> Self {
        self.literal = true;
        self
    }

    /// The value of a scalar expression.
    ///
    /// # Errors
    /// A label or neighbour outside of its axis.
    pub fn scalar(&mut self, expr: Expr) -> Result<A::Value, Diagnostic> {
        self.value(expr)
    }

    /// The values of an expression for all values of its indices.
    ///
    /// # Errors
    /// A label or neighbour outside of its axis.
    pub fn tensor(&mut self, expr: Expr, indices: &[Index]) -> Result<Tensor<A::Value>, Diagnostic> {
        let shape = indices.iter().map(|index| self.size(index.axis)).collect::<Result<Vec<_>, _>>()?;
        let mut data = Vec::new();
        self.fill(expr, indices, &shape, &mut data)?;
        Ok(Tensor { shape, data })
    }

    fn fill(
        &mut self,
        expr: Expr,
        indices: &[Index],
        shape: &[usize],
        data: &mut Vec<A::Value>,
    ) -> Result<(), Diagnostic> {
        let (Some((&index, indices)), Some((&size, shape))) = (indices.split_first(), shape.split_first()) else {
            data.push(self.value(expr)?);
            return Ok(());
        };
        for place in 0..size {
            self.environment.push((index, place));
            let result = self.fill(expr, indices, shape, data);
            self.environment.pop();
            result?;
        }
        Ok(())
    }

    fn size(&self, axis: Axis) -> Result<usize, Diagnostic> {
        self.sizes.get(axis.0 as usize).copied().flatten().ok_or_else(|| {
            Diagnostic::data_error("size-unknown").with("axis", &self.context.axis(axis).size_name.plain)
        })
    }

    fn value(&mut self, expr: Expr) -> Result<A::Value, Diagnostic> {
        if !self.is_remembered(expr) {
            return self.fresh_value(expr);
        }
        let place = self.place_in_memory(expr)?;
        if let Some(known) = place.and_then(|place| self.memory.get(expr, place)) {
            return Ok(known.leading.clone());
        }
        let value = self.fresh_value(expr)?;
        if let Some(place) = place {
            self.memory.put(expr, place, Parts { leading: value.clone(), trailing: None });
        }
        Ok(value)
    }

    /// Functions and powers are dear, and what has fewer indices than the place where it stands will be asked for again.
    /// (Reductions are remembered with both their parts.)
    fn is_remembered(&self, expr: Expr) -> bool {
        match self.context.node(expr) {
            Node::Call(..) | Node::Power(..) => true,
            Node::Add(_) | Node::Mul(_) => self.context.free_indices(expr).len() < self.environment.len(),
            _ => false,
        }
    }

    /// Where the value at the present places of the indices is kept; `None` if there would be too many.
    fn place_in_memory(&mut self, expr: Expr) -> Result<Option<usize>, Diagnostic> {
        let (mut offset, mut entries) = (0, 1_usize);
        for &index in self.context.free_indices(expr).iter() {
            let size = self.size(index.axis)?;
            offset = offset * size + self.place_of(index);
            entries = entries.saturating_mul(size);
        }
        Ok((entries <= memory::MOST_ENTRIES).then(|| {
            self.memory.make_room(expr, entries);
            offset
        }))
    }

    fn number(&mut self, expr: Expr, value: &Rational) -> A::Value {
        if let Some(known) = self.numbers.get(&expr) {
            return known.clone();
        }
        let value = self.arithmetic.rational(value);
        self.numbers.insert(expr, value.clone());
        value
    }

    fn fresh_value(&mut self, expr: Expr) -> Result<A::Value, Diagnostic> {
        Ok(match self.context.node(expr) {
            Node::Number(value) => self.number(expr, value),
            Node::Constant(Constant::Pi) => self.arithmetic.pi(),
            Node::Constant(Constant::Infinity) => self.arithmetic.infinity(false),
            Node::Constant(Constant::NegativeInfinity) => self.arithmetic.infinity(true),
            Node::Size(axis) => {
                let size = self.size(*axis)?;
                self.arithmetic.double(size as f64)
            }
            Node::Index(index) => {
                let place = self.place_of(*index);
                self.arithmetic.double(place as f64)
            }
            Node::Symbol(symbol, places) => self.entry(*symbol, places)?,
            Node::Delta(a, b) => {
                let equal = self.integer(*a)? == self.integer(*b)?;
                self.arithmetic.double(f64::from(u8::from(equal)))
            }
            Node::Compare(relation, a, b) => {
                let (a, b) = (self.value(*a)?, self.value(*b)?);
                let holds = self.arithmetic.compare(&a, &b).is_some_and(|order| relation.holds(order));
                self.arithmetic.double(f64::from(u8::from(holds)))
            }
            Node::Power(base, exponent) => self.power(*base, *exponent)?,
            Node::Call(function, arguments) => {
                let arguments =
                    arguments.iter().map(|&argument| self.value(argument)).collect::<Result<Vec<_>, _>>()?;
                self.arithmetic.call(*function, &arguments)
            }
            Node::Mul(factors) => self.product(factors)?,
            Node::Add(terms) => self.sum(terms)?,
            Node::Select(condition, then, otherwise) => {
                let condition = self.value(*condition)?;
                let taken = !self.arithmetic.is_zero(&condition);
                self.value(if taken { *then } else { *otherwise })?
            }
            Node::Reduce(..) => {
                let parts = self.reduction(expr)?;
                match parts.trailing {
                    Some(trailing) => self.arithmetic.add(&parts.leading, &trailing),
                    None => parts.leading,
                }
            }
            Node::Derivative(..) => return Err(Diagnostic::data_error("derivative-not-carried-out")),
        })
    }

    fn place_of(&self, index: Index) -> usize {
        self.environment.iter().rev().find(|(known, _)| *known == index).map_or(0, |(_, place)| *place)
    }

    fn integer(&mut self, expr: Expr) -> Result<i64, Diagnostic> {
        if let Node::Index(index) = self.context.node(expr) {
            return Ok(self.place_of(*index) as i64);
        }
        let value = self.value(expr)?;
        Ok(self.arithmetic.to_double(&value) as i64)
    }

    fn entry(&mut self, symbol: Symbol, places: &[Expr]) -> Result<A::Value, Diagnostic> {
        let array = self.bound.array(symbol).ok_or_else(|| {
            Diagnostic::data_error("missing-input").with("name", &self.context.symbol(symbol).name.plain)
        })?;
        let mut offset = 0;
        for (&place, &size) in places.iter().zip(&array.shape) {
            let at = self.integer(place)?;
            match usize::try_from(at).ok().filter(|&at| at < size) {
                Some(at) => offset = offset * size + at,
                None => {
                    let error = Diagnostic::data_error("index-out-of-range").with("value", at.to_string());
                    let name = &self.context.symbol(symbol).name.plain;
                    return Err(error.with("name", name).with("size", size.to_string()));
                }
            }
        }
        if let Some(value) = self.values.get(&symbol).and_then(|values| values.get(offset)) {
            return Ok(value.clone());
        }
        let value = array.data.get(offset).copied().unwrap_or(f64::NAN);
        Ok(self.arithmetic.double(value))
    }

    fn power(&mut self, base: Expr, exponent: Expr) -> Result<A::Value, Diagnostic> {
        let base = self.value(base)?;
        if let Some(exponent) = self.context.as_number(exponent) {
            return Ok(self.arithmetic.power_rational(&base, exponent));
        }
        let exponent = self.value(exponent)?;
        Ok(self.arithmetic.power(&base, &exponent))
    }

    /// A factor of exactly 0 removes the others, wherever it stands: an entry that is not there need not be. The 0 of
    /// 1/∞ is no such factor: with another ∞ it makes NaN.
    fn product(&mut self, factors: &[Expr]) -> Result<A::Value, Diagnostic> {
        let units = if self.literal { None } else { self.context.balanced(factors) };
        let whole = |&base: &Expr| Unit { base, sign: 1, root: 1 };
        let mut product: Option<A::Value> = None;
        let mut outside: Option<Diagnostic> = None;
        for place in 0..units.as_ref().map_or(factors.len(), Vec::len) {
            let Unit { base, sign, root } = units.as_ref().map_or_else(|| whole(&factors[place]), |units| units[place]);
            let mut value = match self.value(base) {
                Err(error) if error.code == "index-out-of-range" => {
                    outside.get_or_insert(error);
                    continue;
                }
                value => value?,
            };
            if sign > 0 && self.arithmetic.is_zero(&value) && !self.is_reciprocal(base) {
                return Ok(self.arithmetic.double(0.0));
            }
            if sign < 0 || root > 1 {
                value = self.arithmetic.power_rational(&value, &Rational::new(sign.into(), root.into()));
            }
            product = Some(match product {
                Some(so_far) if self.is_undefined(&so_far, &value) => self.arithmetic.double(f64::NAN),
                Some(so_far) => self.arithmetic.multiply(&so_far, &value),
                None => value,
            });
        }
        match outside {
            Some(error) => Err(error),
            None => Ok(product.unwrap_or_else(|| self.arithmetic.double(1.0))),
        }
    }

    fn is_reciprocal(&self, expr: Expr) -> bool {
        matches!(*self.context.node(expr), Node::Power(_, exponent)
            if self.context.as_number(exponent).is_some_and(Signed::is_negative))
    }

    /// True for 0 · ∞.
    fn is_undefined(&mut self, a: &A::Value, b: &A::Value) -> bool {
        let zero = |arithmetic: &A, value: &A::Value| arithmetic.is_zero(value);
        zero(self.arithmetic, a) && self.is_infinite(b) || zero(self.arithmetic, b) && self.is_infinite(a)
    }

    /// Terms in order; what a log-sum-exp has beyond its maximum comes last, so that z − max cancels exactly first. From
    /// three terms on, what rounding takes from each addition is added at the end as well, so that small terms outlive
    /// large ones that cancel (Knuth, The Art of Computer Programming, volume 2, section 4.2.2, theorem B).
    fn sum(&mut self, terms: &[Expr]) -> Result<A::Value, Diagnostic> {
        let mut sum = Parts { leading: self.arithmetic.double(0.0), trailing: None };
        if self.literal || terms.len() < 3 {
            for &term in terms {
                let parts = self.parts(term)?;
                self.add_up(&mut sum, parts, false);
            }
        } else if let Some(groups) = self.beside_its_log_sum_exp(terms) {
            let (instance, others) = &*groups;
            let own = Parts { leading: self.sum(instance)?, trailing: None };
            self.add_up(&mut sum, own, true);
            for &term in others {
                let parts = self.parts(term)?;
                self.add_up(&mut sum, parts, true);
            }
        } else {
            for &term in terms {
                let parts = self.parts(term)?;
                self.add_up(&mut sum, parts, true);
            }
        }
        Ok(match sum.trailing {
            Some(trailing) => self.arithmetic.add(&sum.leading, &trailing),
            None => sum.leading,
        })
    }

    fn add_up(&mut self, sum: &mut Parts<A::Value>, parts: Parts<A::Value>, compensated: bool) {
        let total = self.arithmetic.add(&sum.leading, &parts.leading);
        let lost = compensated.then(|| self.rounding_error(&sum.leading, &parts.leading, &total));
        sum.leading = total;
        for part in lost.into_iter().flatten().chain(parts.trailing) {
            sum.trailing = Some(match &sum.trailing {
                Some(so_far) => self.arithmetic.add(so_far, &part),
                None => part,
            });
        }
    }

    /// For a sum with −lse of several terms, and the terms of its body at one place: these, and all others. They are to be
    /// rounded here as they were there, so that z − max is 0 where z is the maximum.
    fn beside_its_log_sum_exp(&mut self, terms: &[Expr]) -> Groups {
        let has_sum = |&term: &Expr| self.subtracted_log_sum_exp(term).is_some();
        if !terms.iter().any(has_sum) {
            return None;
        }
        if let Some(known) = self.groups.get(terms) {
            return known.clone();
        }
        let found = terms.iter().find_map(|&term| {
            let (reduce, body) = self.subtracted_log_sum_exp(term)?;
            let Node::Reduce(_, axis, _) = *self.context.node(reduce) else { return None };
            let index = Index { variable: Variable::Bound(self.context.height_of(reduce)), axis };
            let positions = self.context.instance_among(body, index, terms)?;
            let instance = positions.iter().map(|&position| terms[position]).collect();
            let others = (0..terms.len()).filter(|position| !positions.contains(position));
            Some(Rc::new((instance, others.map(|position| terms[position]).collect())))
        });
        self.groups.insert(terms.to_vec(), found.clone());
        found
    }

    /// For −lse: the log-sum-exp and its body, if that has several terms.
    fn subtracted_log_sum_exp(&self, term: Expr) -> Option<(Expr, Expr)> {
        let Node::Mul(factors) = self.context.node(term) else { return None };
        let [number, reduce] = factors[..] else { return None };
        match *self.context.node(reduce) {
            Node::Reduce(Reduction::LogSumExp, _, body)
                if self.context.is_integer(number, -1) && !self.context.is_one_term(body) =>
            {
                Some((reduce, body))
            }
            _ => None,
        }
    }

    /// a + b less its rounded value, which is exact in floating-point arithmetic; none where the sum is infinite.
    fn rounding_error(&mut self, a: &A::Value, b: &A::Value, sum: &A::Value) -> Option<A::Value> {
        let second = self.arithmetic.subtract(sum, a);
        let first = self.arithmetic.subtract(sum, &second);
        let (of_a, of_b) = (self.arithmetic.subtract(a, &first), self.arithmetic.subtract(b, &second));
        let error = self.arithmetic.add(&of_a, &of_b);
        (!self.arithmetic.to_double(&error).is_nan()).then_some(error)
    }

    /// A term of a sum in two parts: c · lse keeps its maximum and its rest apart.
    fn parts(&mut self, term: Expr) -> Result<Parts<A::Value>, Diagnostic> {
        match self.context.node(term) {
            Node::Reduce(Reduction::LogSumExp, ..) => self.reduction(term),
            Node::Mul(factors) => {
                if let [number, rest] = factors[..]
                    && let (Some(coefficient), Node::Reduce(Reduction::LogSumExp, ..)) =
                        (self.context.as_number(number).cloned(), self.context.node(rest))
                {
                    let parts = self.reduction(rest)?;
                    let coefficient = self.arithmetic.rational(&coefficient);
                    return Ok(Parts {
                        leading: self.arithmetic.multiply(&coefficient, &parts.leading),
                        trailing: parts.trailing.map(|part| self.arithmetic.multiply(&coefficient, &part)),
                    });
                }
                Ok(Parts { leading: self.product(factors)?, trailing: None })
            }
            _ => Ok(Parts { leading: self.value(term)?, trailing: None }),
        }
    }

    fn reduction(&mut self, expr: Expr) -> Result<Parts<A::Value>, Diagnostic> {
        let place = self.place_in_memory(expr)?;
        if let Some(known) = place.and_then(|place| self.memory.get(expr, place)) {
            return Ok(known.clone());
        }
        let Node::Reduce(reduction, axis, body) = *self.context.node(expr) else {
            return Ok(Parts { leading: self.value(expr)?, trailing: None });
        };
        let index = Index { variable: Variable::Bound(self.context.height_of(expr)), axis };
        if self.interrupted.is_some_and(|flag| flag.load(atomic::Ordering::Relaxed)) {
            return Err(Diagnostic::data_error("interrupted"));
        }
        let size = self.size(axis)?;
        let parts = match reduction {
            Reduction::Sum => self.accumulate(index, size, body, 0.0, |arithmetic, a, b| arithmetic.add(a, b))?,
            Reduction::Product => {
                self.accumulate(index, size, body, 1.0, |arithmetic, a, b| arithmetic.multiply(a, b))?
            }
            _ => {
                let mut values = Vec::with_capacity(size);
                for place in 0..size {
                    values.push(self.value_at(body, index, place)?);
                }
                match reduction {
                    Reduction::LogSumExp => self.log_sum_exp(&values),
                    Reduction::Minimum => Parts { leading: self.extremum(&values, Ordering::Less), trailing: None },
                    _ => Parts { leading: self.extremum(&values, Ordering::Greater), trailing: None },
                }
            }
        };
        if let Some(place) = place {
            self.memory.put(expr, place, parts.clone());
        }
        Ok(parts)
    }

    fn value_at(&mut self, body: Expr, index: Index, place: usize) -> Result<A::Value, Diagnostic> {
        self.environment.push((index, place));
        let value = self.value(body);
        self.environment.pop();
        value
    }

    fn accumulate(
        &mut self,
        index: Index,
        size: usize,
        body: Expr,
        start: f64,
        join: impl Fn(&mut A, &A::Value, &A::Value) -> A::Value,
    ) -> Result<Parts<A::Value>, Diagnostic> {
        let mut so_far = self.arithmetic.double(start);
        for place in 0..size {
            let value = self.value_at(body, index, place)?;
            so_far = join(self.arithmetic, &so_far, &value);
        }
        Ok(Parts { leading: so_far, trailing: None })
    }

    /// The best of the values; NaN if one of them is.
    fn extremum(&mut self, values: &[A::Value], better: Ordering) -> A::Value {
        let mut best = self.arithmetic.infinity(better == Ordering::Greater);
        for value in values {
            match self.arithmetic.compare(value, &best) {
                Some(order) if order != better => {}
                Some(_) => best = value.clone(),
                None => return value.clone(),
            }
        }
        best
    }

    /// max + log1p of the sum of the other exponentials (Blanchard, Higham & Higham 2021, algorithm 4.1).
    fn log_sum_exp(&mut self, values: &[A::Value]) -> Parts<A::Value> {
        let maximum = self.extremum(values, Ordering::Greater);
        if !self.arithmetic.to_double(&maximum).is_finite() && self.is_infinite(&maximum) {
            return Parts { leading: maximum, trailing: None };
        }
        let mut skipped = false;
        let mut rest = self.arithmetic.double(0.0);
        for value in values {
            if !skipped && self.arithmetic.compare(value, &maximum) == Some(Ordering::Equal) {
                skipped = true;
                continue;
            }
            let difference = self.arithmetic.subtract(value, &maximum);
            let exponential = self.arithmetic.call(crate::function::Function::Exp, &[difference]);
            rest = self.arithmetic.add(&rest, &exponential);
        }
        let trailing = self.arithmetic.call(crate::function::Function::Log1p, &[rest]);
        Parts { leading: maximum, trailing: Some(trailing) }
    }

    fn is_infinite(&mut self, value: &A::Value) -> bool {
        let (above, below) = (self.arithmetic.infinity(false), self.arithmetic.infinity(true));
        self.arithmetic.compare(value, &above) == Some(Ordering::Equal)
            || self.arithmetic.compare(value, &below) == Some(Ordering::Equal)
    }
}
