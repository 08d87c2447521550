//! Products: of numbers, of matrices and vectors in the order written, entry by entry, inner products.

use super::Resolver;
use super::tensor::Tensor;
use crate::expr::{Expr, Reduction};
use crate::formula::{Formula, Join};
use crate::source::{Diagnostic, Span};

/// A factor that was resolved, with its place.
struct Factor {
    join: Join,
    tensor: Tensor,
    span: Span,
}

impl Resolver<'_> {
    /// A product as written. What stands side by side is multiplied before `\odot`, `\cdot` and `\times` act, unless all
    /// are numbers, where it does not matter.
    pub(super) fn product(&mut self, factors: &[(Join, Formula)]) -> Tensor {
        let resolved: Vec<Factor> = factors
            .iter()
            .map(|(join, formula)| Factor { join: *join, tensor: self.tensor(formula), span: formula.span })
            .collect();
        if resolved.iter().all(|factor| factor.tensor.rank() == 0) {
            let product = self.product_of_numbers(&resolved);
            let span = resolved.iter().fold(resolved[0].span, |span, factor| span.to(factor.span));
            self.note_division(factors, product.value, span);
            return product;
        }
        self.demand_beside(factors, &resolved.iter().map(|factor| factor.tensor.clone()).collect::<Vec<_>>());
        let mut so_far: Option<(Tensor, Span)> = None;
        let mut rest = resolved.into_iter().peekable();
        while let Some(first) = rest.next() {
            let join = first.join;
            let mut group = vec![first];
            while let Some(next) = rest.next_if(|next| matches!(next.join, Join::Juxtaposed | Join::Divide)) {
                group.push(next);
            }
            let span = group.iter().fold(group[0].span, |span, factor| span.to(factor.span));
            let right = self.side_by_side(group);
            so_far = Some(match so_far {
                None => (right, span),
                Some((left, place)) => {
                    let span = place.to(span);
                    (self.joined(left, join, right, span), span)
                }
            });
        }
        so_far.map_or_else(|| Tensor::scalar(self.context.integer(1)), |(tensor, _)| tensor)
    }

    fn product_of_numbers(&mut self, factors: &[Factor]) -> Tensor {
        let values = factors
            .iter()
            .map(|factor| match factor.join {
                Join::Divide => self.divided_by(factor.tensor.value),
                _ => factor.tensor.value,
            })
            .collect();
        Tensor::scalar(self.context.mul(values))
    }

    fn divided_by(&mut self, divisor: Expr) -> Expr {
        self.divisors.push(divisor);
        self.context.reciprocal(divisor)
    }

    /// Numbers scale; a matrix before a vector acts on it first, which costs less than the product of two matrices and
    /// gives the same; the rest goes from left to right.
    fn side_by_side(&mut self, group: Vec<Factor>) -> Tensor {
        let mut numbers: Vec<Expr> = Vec::new();
        let mut tensors: Vec<(Tensor, Span)> = Vec::new();
        for factor in group {
            match (factor.tensor.rank(), factor.join) {
                (0, Join::Divide) => {
                    let reciprocal = self.divided_by(factor.tensor.value);
                    numbers.push(reciprocal);
                }
                (0, _) => numbers.push(factor.tensor.value),
                (_, Join::Divide) => {
                    let (dividend, place) = tensors.pop().unwrap_or_else(|| {
                        let number = self.context.mul(std::mem::take(&mut numbers));
                        (Tensor::scalar(number), factor.span)
                    });
                    let span = place.to(factor.span);
                    tensors.push((self.quotient(dividend, factor.tensor, span), span));
                }
                _ => tensors.push((factor.tensor, factor.span)),
            }
        }
        let acts = |pair: &[(Tensor, Span)]| pair[0].0.rank() == 2 && pair[1].0.rank() == 1 && !pair[1].0.row;
        while let Some(at) = tensors.windows(2).rposition(acts) {
            let (vector, place) = tensors.remove(at + 1);
            let span = tensors[at].1.to(place);
            let matrix = tensors[at].0.clone();
            tensors[at] = (self.matrix_product(matrix, vector, span), span);
        }
        let product = tensors.into_iter().reduce(|(left, place), (right, next)| {
            let span = place.to(next);
            (self.matrix_product(left, right, span), span)
        });
        let Some((product, _)) = product else { return Tensor::scalar(self.context.mul(numbers)) };
        numbers.push(product.value);
        Tensor { value: self.context.mul(numbers), ..product }
    }

    /// Two operands with a sign between them.
    fn joined(&mut self, left: Tensor, join: Join, right: Tensor, span: Span) -> Tensor {
        match (join, left.rank(), right.rank()) {
            (Join::Elementwise, ..) | (_, 0, _) | (_, _, 0) => {
                self.elementwise(vec![left, right], span, &mut |context, values| context.mul(values))
            }
            (Join::Dot, 1, 1) if !right.row => Tensor::scalar(self.inner_product(left, right, span)),
            (Join::Times, 1, 1) => Tensor::scalar(self.fail(Diagnostic::error("cross-product", span))),
            _ => self.matrix_product(left, right, span),
        }
    }

    /// The product of matrices and vectors: the last axis of the left one runs with the first of the right one.
    pub(super) fn matrix_product(&mut self, left: Tensor, right: Tensor, span: Span) -> Tensor {
        match (left.rank(), right.rank()) {
            (0, _) | (_, 0) => self.elementwise(vec![left, right], span, &mut |context, values| context.mul(values)),
            (1, 1) => match (left.row, right.row) {
                (true, false) => Tensor::scalar(self.inner_product(left, right, span)),
                (false, true) => Tensor {
                    value: self.context.mul(vec![left.value, right.value]),
                    axes: [left.axes, right.axes].concat(),
                    row: false,
                },
                _ => Tensor::scalar(self.fail(Diagnostic::error("product-of-vectors", span))),
            },
            (1 | 2, 1 | 2) => self.contracted(left, right, span),
            (a, b) => {
                let error = Diagnostic::error("matrix-expected", span);
                Tensor::scalar(self.fail(error.with("axes", a.max(b).to_string())))
            }
        }
    }

    fn contracted(&mut self, left: Tensor, right: Tensor, span: Span) -> Tensor {
        let mut axes = left.axes;
        let row = if right.rank() == 1 { right.row } else { left.row };
        let (Some(summed), Some((&first, others))) = (axes.pop(), right.axes.split_first()) else {
            return Tensor::scalar(self.context.mul(vec![left.value, right.value]));
        };
        let value = self.identify(right.value, first, summed, span);
        let product = self.context.mul(vec![left.value, value]);
        axes.extend(others);
        Tensor { value: self.context.reduce(Reduction::Sum, summed, product), row: row && axes.len() == 1, axes }
    }

    /// The sum over all axes of the products of entries.
    pub(super) fn inner_product(&mut self, left: Tensor, right: Tensor, span: Span) -> Expr {
        if left.rank() != right.rank() {
            let error = Diagnostic::error("inner-product-ranks", span).with("first", left.rank().to_string());
            return self.fail(error.with("second", right.rank().to_string()));
        }
        let product = self.elementwise(vec![left, right], span, &mut |context, values| context.mul(values));
        self.reduce_axes(Reduction::Sum, &product.axes, product.value)
    }
}
