//! Big operators: what they bind, over which axis, under which conditions.

use super::tensor::Tensor;
use super::{Local, Resolver};
use crate::expr::{Constant, Expr, Index, Node, Reduction};
use crate::formula::{BigOperator, Binding, Formula, Join, Kind, Relation, Spelling};
use crate::function::Function;
use crate::source::{Diagnostic, Span};
use num_traits::ToPrimitive;

impl Resolver<'_> {
    /// A big operator with its body.
    pub(super) fn big_operator(
        &mut self,
        operator: BigOperator,
        bindings: &[Binding],
        conditions: &[Formula],
        body: &Formula,
        span: Span,
    ) -> Tensor {
        let depth = self.scope.len();
        let outside: Vec<Option<Index>> = bindings.iter().map(|binding| self.index_of(&binding.index.plain)).collect();
        let mut indices = Vec::new();
        let mut masks = Vec::new();
        for binding in bindings {
            indices.push(self.bind(binding, &mut masks));
        }
        if bindings.is_empty() {
            self.bind_from_conditions(conditions, &mut indices);
        }
        if indices.is_empty() {
            self.report(Diagnostic::error("operator-binds-nothing", span));
        }
        for condition in conditions {
            masks.push(self.single_condition(condition));
        }
        let body = self.tensor(body);
        self.scope.truncate(depth);
        if operator == BigOperator::Softmax {
            return self.softmax_along(&indices, &outside, masks, body, span);
        }
        Tensor { value: self.combine(operator, &indices, masks, body.value), ..body }
    }

    /// Brings one index into scope; bounds other than the whole axis become masks.
    fn bind(&mut self, binding: &Binding, masks: &mut Vec<Expr>) -> Index {
        let (axis, less_one) = self.axis_of_bounds(binding);
        if let Some((set, arguments)) = &binding.set {
            let index = self.context.named_index(binding.index.clone(), axis);
            self.scope_index(binding, index, 1);
            masks.push(self.membership(set, arguments, index, binding.span));
            return index;
        }
        let index = self.context.named_index(binding.index.clone(), axis);
        let lower = binding.lower.as_ref().and_then(literal);
        let mut from_zero = lower == Some(0);
        let mask = match (&binding.lower, lower) {
            (Some(_), Some(0)) if less_one => None,
            (Some(_), Some(1)) | (None, _) => None,
            (Some(_), Some(first)) => Some(self.context.integer(first - 1)),
            (Some(formula), None) => {
                if let Some(other) = self.plain_index(formula) {
                    self.join(axis, other.axis, formula.span);
                }
                let first = self.integer_expression(formula);
                // What begins after an index that counts from 0 counts as that one does.
                from_zero = self.scope.iter().any(|(_, local)| match local {
                    Local::Index { index, first: 0 } => self.context.mentions(first, *index),
                    _ => false,
                });
                Some(first)
            }
        };
        let place = self.context.index(index);
        if let Some(first) = mask {
            masks.push(self.context.compare(Relation::LessOrEqual, first, place));
        }
        if less_one && !from_zero {
            // The last place is left out.
            let (one, size) = (self.context.integer(1), self.context.size(axis));
            let next = self.context.add(vec![place, one]);
            masks.push(self.context.compare(Relation::Less, next, size));
        }
        self.scope_index(binding, index, if from_zero { 0 } else { 1 });
        index
    }

    fn scope_index(&mut self, binding: &Binding, index: Index, first: i64) {
        self.note_letter(index.axis, &binding.index, binding.span);
        self.scope.push((binding.index.plain.clone(), Local::Index { index, first }));
    }

    /// The axis that the upper bound names, and whether it names one place less than there are, so that a lower bound of 0
    /// makes it whole (as in 0 … K−1).
    fn axis_of_bounds(&mut self, binding: &Binding) -> (crate::expr::Axis, bool) {
        let Some(upper) = &binding.upper else {
            let axis = match self.means.get(&binding.span).cloned() {
                Some(size) => self.axis_of_size(&size),
                None => self.new_axis(),
            };
            return (axis, false);
        };
        if let Some(size) = literal(upper).filter(|&size| size >= 0) {
            let axis = self.new_axis();
            let from_zero = binding.lower.as_ref().and_then(literal) == Some(0);
            self.context.axes[axis.0 as usize].fixed = Some((size + i64::from(from_zero)) as usize);
            return (axis, from_zero);
        }
        if let Some(name) = size_name(upper) {
            return (self.axis_of_size(&name), false);
        }
        if let Some(name) = size_minus_one(upper) {
            return (self.axis_of_size(&name), true);
        }
        self.report(Diagnostic::error("upper-bound-not-a-size", upper.span));
        (self.new_axis(), false)
    }

    /// `\sum_{i<j}`: binds those of the names in the conditions that are not bound yet.
    fn bind_from_conditions(&mut self, conditions: &[Formula], indices: &mut Vec<Index>) {
        for condition in conditions {
            let Kind::Relation(first, links) = &condition.kind else { continue };
            for side in std::iter::once(first.as_ref()).chain(links.iter().map(|(_, side)| side)) {
                let Some(name) = size_name(side) else { continue };
                if self.lookup(&name.plain).is_some() {
                    continue;
                }
                let binding = Binding { index: name, span: side.span, lower: None, upper: None, set: None };
                indices.push(self.bind(&binding, &mut Vec::new()));
            }
        }
    }

    /// `p \in P(i)`: the entry P[i, p] of a 0/1 tensor.
    pub(super) fn membership(&mut self, set: &Spelling, arguments: &[Formula], index: Index, span: Span) -> Expr {
        let mut places: Vec<Expr> = arguments.iter().map(|argument| self.integer_expression(argument)).collect();
        places.push(self.context.index(index));
        let member = self.entry(set, places, span);
        let member = self.number_of(member, span);
        self.suppose_zero_or_one(member, span);
        member
    }

    /// What names a set holds 0 and 1 alone, which the data are held to.
    fn suppose_zero_or_one(&mut self, member: Expr, span: Span) {
        let Node::Symbol(symbol, _) = *self.context.node(member) else { return };
        if self.context.symbol(symbol).defined || !self.sets.insert(symbol) {
            return;
        }
        let axes = self.context.symbol(symbol).axes.clone();
        let indices: Vec<Index> = axes.into_iter().map(|axis| self.context.fresh_index(axis)).collect();
        let entry = self.context.entry_at(symbol, &indices);
        let [zero, one] = [0, 1].map(|value| self.context.integer(value));
        let [not_zero, not_one] = [zero, one].map(|value| self.context.compare(Relation::NotEqual, entry, value));
        let neither = self.context.mul(vec![not_zero, not_one]);
        let condition = self.context.subtract(one, neither);
        self.assumptions.push(super::Assumption { condition, indices, span });
    }

    fn combine(&mut self, operator: BigOperator, indices: &[Index], masks: Vec<Expr>, value: Expr) -> Expr {
        let mask = (!masks.is_empty()).then(|| self.context.mul(masks));
        match operator {
            BigOperator::Sum => self.reduce_all(Reduction::Sum, indices, mask, value),
            BigOperator::Product => self.reduce_all(Reduction::Product, indices, mask, value),
            BigOperator::Maximum => self.reduce_all(Reduction::Maximum, indices, mask, value),
            BigOperator::Minimum => self.reduce_all(Reduction::Minimum, indices, mask, value),
            BigOperator::LogSumExp => self.reduce_all(Reduction::LogSumExp, indices, mask, value),
            BigOperator::Mean => self.mean(indices, mask, value),
            BigOperator::Variance => self.variance(indices, mask, value),
            BigOperator::StandardDeviation => {
                let variance = self.variance(indices, mask, value);
                let half = self.context.ratio(1, 2);
                self.context.power(variance, half)
            }
            // It does not combine: each entry keeps its place.
            BigOperator::Softmax => value,
        }
    }

    fn index_of(&self, letter: &str) -> Option<Index> {
        match self.lookup(letter) {
            Some(Local::Index { index, .. }) => Some(*index),
            _ => None,
        }
    }

    /// `\operatorname{softmax}_k(z_{ik})`: the entry at the k that is bound outside; where none is, an axis stays open.
    fn softmax_along(
        &mut self,
        indices: &[Index],
        outside: &[Option<Index>],
        masks: Vec<Expr>,
        body: Tensor,
        span: Span,
    ) -> Tensor {
        let mask = (!masks.is_empty()).then(|| self.context.mul(masks));
        let exponential = self.context.apply(Function::Exp, body.value);
        let total = self.reduce_all(Reduction::Sum, indices, mask, exponential);
        let zero = self.context.integer(0);
        let mut own = mask.map_or(exponential, |mask| self.context.select(mask, exponential, zero));
        let mut axes = body.axes;
        for (&index, outside) in indices.iter().zip(outside) {
            match outside {
                Some(outside) => own = self.identify(own, index, *outside, span),
                None => axes.push(index),
            }
        }
        Tensor { value: self.context.divide(own, total), axes, row: false }
    }

    fn reduce_all(&mut self, reduction: Reduction, indices: &[Index], mask: Option<Expr>, value: Expr) -> Expr {
        let neutral = match reduction {
            Reduction::Sum => self.context.integer(0),
            Reduction::Product => self.context.integer(1),
            Reduction::Maximum | Reduction::LogSumExp => self.context.constant(Constant::NegativeInfinity),
            Reduction::Minimum => self.context.constant(Constant::Infinity),
        };
        let mut body = match mask {
            Some(mask) => self.context.select(mask, value, neutral),
            None => value,
        };
        for &index in indices.iter().rev() {
            body = self.context.reduce(reduction, index, body);
        }
        body
    }

    pub(super) fn mean(&mut self, indices: &[Index], mask: Option<Expr>, value: Expr) -> Expr {
        let total = self.reduce_all(Reduction::Sum, indices, mask, value);
        let count = match mask {
            Some(mask) => self.reduce_all(Reduction::Sum, indices, None, mask),
            None => {
                let sizes = indices.iter().map(|index| self.context.size(index.axis)).collect();
                self.context.mul(sizes)
            }
        };
        self.context.divide(total, count)
    }

    pub(super) fn variance(&mut self, indices: &[Index], mask: Option<Expr>, value: Expr) -> Expr {
        let mean = self.mean(indices, mask, value);
        let deviation = self.context.subtract(value, mean);
        let two = self.context.integer(2);
        let square = self.context.power(deviation, two);
        self.mean(indices, mask, square)
    }
}

/// A small integer written as a literal.
pub(super) fn literal(formula: &Formula) -> Option<i64> {
    match &formula.kind {
        Kind::Number(value) if value.is_integer() => value.to_integer().to_i64(),
        Kind::Group(_, inner) => literal(inner),
        _ => None,
    }
}

/// A plain name, as an upper bound or an index.
pub(super) fn size_name(formula: &Formula) -> Option<Spelling> {
    match &formula.kind {
        Kind::Name { base, subscripts, superscripts, opaque: false } => {
            let mut name = base.clone();
            if !superscripts.is_empty() {
                return None;
            }
            for part in subscripts {
                name = super::name::with_word(&name, &part.spelling);
            }
            Some(name)
        }
        Kind::Group(_, inner) => size_name(inner),
        _ => None,
    }
}

/// `K` in `K-1`.
pub(super) fn size_minus_one(formula: &Formula) -> Option<Spelling> {
    match &formula.kind {
        Kind::Sum(terms) => match &terms[..] {
            [(false, size), (true, one)] if literal(one) == Some(1) => size_name(size),
            _ => None,
        },
        Kind::Product(factors) => match &factors[..] {
            [(Join::Juxtaposed, only)] => size_minus_one(only),
            _ => None,
        },
        Kind::Group(_, inner) => size_minus_one(inner),
        _ => None,
    }
}
