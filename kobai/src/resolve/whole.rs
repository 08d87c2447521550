//! Functions of whole tensors: norms, divergences, the softmax of a row, traces.

use super::Resolver;
use super::tensor::Tensor;
use crate::expr::{Expr, Reduction};
use crate::formula::{Formula, Kind, Relation, ScriptPart, Spelling};
use crate::function::Function;
use crate::source::{Diagnostic, Span};
use num_traits::ToPrimitive;

/// What a norm adds up.
enum Order {
    /// (Σ |x|^p)^(1/p)
    Power(Expr),
    /// The largest |x|.
    Infinity,
    /// How many entries are not 0.
    Count,
}

impl Resolver<'_> {
    /// `\|x\|_p`, raised to a power if one follows.
    pub(super) fn norm(
        &mut self,
        inner: &Formula,
        order: Option<&Formula>,
        exponent: Option<&Formula>,
        span: Span,
    ) -> Expr {
        let tensor = self.tensor(inner);
        if tensor.rank() == 0 {
            self.demand(inner, None);
        }
        if tensor.rank() == 2 && order.is_some_and(|order| super::reduce::literal(order).is_some()) {
            self.report(Diagnostic::warning("matrix-norm", span));
        }
        let order = self.norm_order(order);
        let exponent = exponent.map(|exponent| self.expression(exponent));
        let one = self.context.integer(1);
        match order {
            Order::Power(order) => self.power_norm(tensor, order, exponent.unwrap_or(one)),
            Order::Infinity => {
                let size = self.context.apply(Function::Abs, tensor.value);
                let norm = self.reduce_axes(Reduction::Maximum, &tensor.axes, size);
                self.context.power(norm, exponent.unwrap_or(one))
            }
            Order::Count => {
                let zero = self.context.integer(0);
                let differs = self.context.compare(Relation::NotEqual, tensor.value, zero);
                let count = self.reduce_axes(Reduction::Sum, &tensor.axes, differs);
                self.context.power(count, exponent.unwrap_or(one))
            }
        }
    }

    /// The order below a norm; without one, and with the F of Frobenius, it is 2.
    fn norm_order(&mut self, order: Option<&Formula>) -> Order {
        let Some(order) = order else { return Order::Power(self.context.integer(2)) };
        match &order.kind {
            Kind::Infinity => return Order::Infinity,
            Kind::Name { base, subscripts, .. }
                if subscripts.is_empty() && ["F", "Fro", "fro", "HS"].contains(&base.plain.as_str()) =>
            {
                return Order::Power(self.context.integer(2));
            }
            Kind::Text(word) if ["F", "Fro", "fro", "HS"].contains(&word.as_str()) => {
                return Order::Power(self.context.integer(2));
            }
            Kind::Text(word) => {
                let error = Diagnostic::error("norm-not-known", order.span).with("name", word);
                return Order::Power(self.fail(error));
            }
            _ => {}
        }
        let tensor = self.tensor(order);
        if tensor.rank() > 0 {
            let error = Diagnostic::error("norm-not-known", order.span).with("name", "");
            return Order::Power(self.fail(error));
        }
        if self.context.is_integer(tensor.value, 0) { Order::Count } else { Order::Power(tensor.value) }
    }

    /// (Σ |x|^p)^(e/p); an even order needs no absolute value, and the norm of a number is its absolute value.
    fn power_norm(&mut self, tensor: Tensor, order: Expr, exponent: Expr) -> Expr {
        let even =
            |number: &crate::expr::Rational| number.is_integer() && number.numer().to_i64().is_some_and(|n| n % 2 == 0);
        let quotient = self.context.divide(exponent, order);
        if tensor.axes.is_empty() {
            let squared = self.context.as_number(exponent).is_some_and(even);
            let size = if squared { tensor.value } else { self.context.apply(Function::Abs, tensor.value) };
            return self.context.power(size, exponent);
        }
        let plain = self.context.as_number(order).is_some_and(even);
        let size = if plain { tensor.value } else { self.context.apply(Function::Abs, tensor.value) };
        let raised = self.context.power(size, order);
        let total = self.reduce_axes(Reduction::Sum, &tensor.axes, raised);
        self.context.power(total, quotient)
    }

    /// Functions whose argument is a whole tensor; `None` for any other.
    pub(super) fn whole_function(
        &mut self,
        function: &str,
        arguments: &[Formula],
        values: &[Tensor],
        wanted: usize,
        span: Span,
    ) -> Option<Tensor> {
        let least = match (function, values.len()) {
            ("kl", 2) | ("entropy", 1 | 2) | ("lse", 1) | ("mean" | "var" | "std" | "total" | "diag", 1) => 1,
            ("softmax" | "log_softmax", 1) => wanted.max(1),
            ("trace", 1) => 2,
            _ => return None,
        };
        for (argument, value) in arguments.iter().zip(values) {
            if value.rank() < least {
                self.demand(argument, Some(least));
                let error = Diagnostic::error("tensor-expected", argument.span);
                return Some(Tensor::scalar(self.fail(error.with("axes", least.to_string()))));
            }
        }
        let first = values[0].clone();
        let second = values.get(1).cloned();
        Some(match (function, second) {
            ("kl", Some(second)) => self.divergence(first, second, span),
            ("entropy", second) => self.entropy(first, second, span),
            ("softmax", _) => self.softmax(first, false),
            ("log_softmax", _) => self.softmax(first, true),
            ("lse", _) => self.over_last(Reduction::LogSumExp, first),
            ("trace", _) => self.trace(first, span),
            ("diag", _) => self.diagonal(first, span),
            (function, _) => Tensor::scalar(self.statistic(function, first)),
        })
    }

    /// A reduction over the last axis.
    fn over_last(&mut self, reduction: Reduction, mut tensor: Tensor) -> Tensor {
        match tensor.axes.pop() {
            Some(last) => Tensor { value: self.context.reduce(reduction, last, tensor.value), ..tensor },
            None => tensor,
        }
    }

    /// Σ p log(p/q) over the last axis.
    fn divergence(&mut self, first: Tensor, second: Tensor, span: Span) -> Tensor {
        let terms = self.elementwise(vec![first, second], span, &mut |context, values| {
            let quotient = context.divide(values[0], values[1]);
            let log = context.apply(Function::Log, quotient);
            context.mul(vec![values[0], log])
        });
        self.over_last(Reduction::Sum, terms)
    }

    /// −Σ p log p over the last axis; with a second distribution the cross-entropy −Σ p log q.
    fn entropy(&mut self, first: Tensor, second: Option<Tensor>, span: Span) -> Tensor {
        let second = second.unwrap_or_else(|| first.clone());
        let terms = self.elementwise(vec![first, second], span, &mut |context, values| {
            let log = context.apply(Function::Log, values[1]);
            let product = context.mul(vec![values[0], log]);
            context.negate(product)
        });
        self.over_last(Reduction::Sum, terms)
    }

    /// e^z / Σ e^z along the last axis.
    fn softmax(&mut self, tensor: Tensor, logarithm: bool) -> Tensor {
        let Some(&last) = tensor.axes.last() else { return tensor };
        let inner = self.context.fresh_index(last.axis);
        let other = self.context.replace_index(tensor.value, last, inner);
        let exponential = self.context.apply(Function::Exp, other);
        let total = self.context.reduce(Reduction::Sum, inner, exponential);
        let own = self.context.apply(Function::Exp, tensor.value);
        let quotient = self.context.divide(own, total);
        let value = if logarithm { self.context.apply(Function::Log, quotient) } else { quotient };
        Tensor { value, ..tensor }
    }

    /// Σ_i A_ii
    fn trace(&mut self, tensor: Tensor, span: Span) -> Tensor {
        let [first, second] = tensor.axes[..] else {
            let error = Diagnostic::error("matrix-expected", span).with("axes", tensor.rank().to_string());
            return Tensor::scalar(self.fail(error));
        };
        let value = self.identify(tensor.value, second, first, span);
        Tensor::scalar(self.context.reduce(Reduction::Sum, first, value))
    }

    /// The diagonal of a matrix, or the matrix with a vector on its diagonal.
    fn diagonal(&mut self, tensor: Tensor, span: Span) -> Tensor {
        match tensor.axes[..] {
            [only] => {
                let other = self.context.fresh_index(only.axis);
                let (a, b) = (self.context.index(only), self.context.index(other));
                let delta = self.context.delta(a, b);
                Tensor { value: self.context.mul(vec![delta, tensor.value]), axes: vec![only, other], row: false }
            }
            [first, second] => {
                let value = self.identify(tensor.value, second, first, span);
                Tensor { value, axes: vec![first], row: false }
            }
            _ => {
                let error = Diagnostic::error("matrix-expected", span).with("axes", tensor.rank().to_string());
                Tensor::scalar(self.fail(error))
            }
        }
    }

    /// The sum, mean, variance or standard deviation of all entries.
    fn statistic(&mut self, function: &str, tensor: Tensor) -> Expr {
        let Tensor { value, axes, .. } = tensor;
        match function {
            "total" => self.reduce_axes(Reduction::Sum, &axes, value),
            "mean" => self.mean(&axes, None, value),
            "var" => self.variance(&axes, None, value),
            _ => {
                let variance = self.variance(&axes, None, value);
                let half = self.context.ratio(1, 2);
                self.context.power(variance, half)
            }
        }
    }

    /// The identity matrix.
    pub(super) fn identity(&mut self) -> Tensor {
        let axis = self.new_axis();
        let (first, second) = (self.context.fresh_index(axis), self.context.fresh_index(axis));
        let (a, b) = (self.context.index(first), self.context.index(second));
        Tensor { value: self.context.delta(a, b), axes: vec![first, second], row: false }
    }

    /// A vector of ones, of the size named or of whatever length fits.
    pub(super) fn ones(&mut self, size: Option<&Spelling>) -> Tensor {
        let axis = match size {
            Some(size) => self.axis_of_size(size),
            None => self.new_axis(),
        };
        let index = self.context.fresh_index(axis);
        Tensor { value: self.context.integer(1), axes: vec![index], row: false }
    }

    /// Written indices after a bracket, as in `\operatorname{softmax}(z_i)_k`.
    pub(super) fn component(&mut self, tensor: Tensor, parts: &[ScriptPart], span: Span) -> Tensor {
        let mut places = Vec::new();
        for part in parts {
            match super::name::letters_of(&part.formula) {
                Some(letters) => {
                    for (letter, place) in letters {
                        places.push(self.letter_place(&letter, place));
                    }
                }
                None => places.push(self.integer_expression(&part.formula)),
            }
        }
        self.at_places(tensor, &places, span)
    }
}
