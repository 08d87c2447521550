//! Whole tensors: values with open axes, for what is written without indices. They become index notation here.

use super::Resolver;
use crate::expr::{Context, Expr, Index, Reduction};
use crate::formula::Formula;
use crate::source::{Diagnostic, Span};

/// A value with open axes: free indices that stand for the axes without a written index. A number has none.
#[derive(Clone)]
pub(super) struct Tensor {
    pub value: Expr,
    pub axes: Vec<Index>,
    /// A vector that was transposed: it stands as a row in a product.
    pub row: bool,
}

impl Tensor {
    /// A value without open axes.
    pub fn scalar(value: Expr) -> Tensor {
        Tensor { value, axes: Vec::new(), row: false }
    }

    /// How many axes are open.
    pub fn rank(&self) -> usize {
        self.axes.len()
    }
}

impl Resolver<'_> {
    /// The value of a formula that has to be a single number at each place.
    pub(super) fn expression(&mut self, formula: &Formula) -> Expr {
        let tensor = self.tensor(formula);
        self.number_of(tensor, formula.span)
    }

    /// The value, if no axis is open.
    pub(super) fn number_of(&mut self, tensor: Tensor, span: Span) -> Expr {
        if tensor.axes.is_empty() {
            return tensor.value;
        }
        self.fail(Diagnostic::error("number-expected", span).with("axes", tensor.rank().to_string()))
    }

    /// The tensor with open axes of its own, for a value that is used more than once.
    pub(super) fn renewed(&mut self, mut tensor: Tensor) -> Tensor {
        for axis in &mut tensor.axes {
            let fresh = self.context.fresh_index(axis.axis);
            tensor.value = self.context.replace_index(tensor.value, *axis, fresh);
            *axis = fresh;
        }
        tensor
    }

    /// Lets an open axis of a value run with another index.
    pub(super) fn identify(&mut self, value: Expr, from: Index, to: Index, span: Span) -> Expr {
        self.join(to.axis, from.axis, span);
        if from == to { value } else { self.context.replace_index(value, from, to) }
    }

    /// A function of the entries at the same places. A number goes with every entry, a vector with every row of a matrix.
    pub(super) fn elementwise(
        &mut self,
        tensors: Vec<Tensor>,
        span: Span,
        combine: &mut dyn FnMut(&mut Context, Vec<Expr>) -> Expr,
    ) -> Tensor {
        let widest = tensors.iter().max_by_key(|tensor| tensor.rank()).cloned();
        let (axes, row) = widest.map_or((Vec::new(), false), |widest| (widest.axes, widest.row));
        let mut values = Vec::new();
        for tensor in tensors {
            if tensor.rank() > 0 && tensor.rank() < axes.len() {
                self.report(Diagnostic::warning("vector-beside-matrix", span));
            }
            let last = &axes[axes.len() - tensor.rank()..];
            let pairs: Vec<(Index, Index)> = tensor.axes.iter().copied().zip(last.iter().copied()).collect();
            let value = pairs.into_iter().fold(tensor.value, |value, (own, to)| self.identify(value, own, to, span));
            values.push(value);
        }
        Tensor { value: combine(&mut self.context, values), axes, row }
    }

    /// A function of each entry.
    pub(super) fn each(&mut self, tensor: Tensor, apply: impl FnOnce(&mut Context, Expr) -> Expr) -> Tensor {
        Tensor { value: apply(&mut self.context, tensor.value), ..tensor }
    }

    /// A reduction over open axes.
    pub(super) fn reduce_axes(&mut self, reduction: Reduction, axes: &[Index], value: Expr) -> Expr {
        axes.iter().rev().fold(value, |body, &axis| self.context.reduce(reduction, axis, body))
    }

    /// A quotient; by a tensor it is one of entries, which a warning says.
    pub(super) fn quotient(&mut self, numerator: Tensor, denominator: Tensor, span: Span) -> Tensor {
        if denominator.rank() > 0 {
            self.report(Diagnostic::warning("division-of-entries", span));
        } else {
            self.divisors.push(denominator.value);
        }
        self.elementwise(vec![numerator, denominator], span, &mut |context, values| {
            context.divide(values[0], values[1])
        })
    }

    /// The transpose: a vector becomes a row, a matrix exchanges its axes.
    pub(super) fn transpose(&mut self, mut tensor: Tensor, span: Span) -> Tensor {
        match tensor.rank() {
            0 | 1 => Tensor { row: tensor.rank() == 1 && !tensor.row, ..tensor },
            2 => {
                tensor.axes.swap(0, 1);
                tensor
            }
            rank => {
                let value = self.fail(Diagnostic::error("matrix-expected", span).with("axes", rank.to_string()));
                Tensor::scalar(value)
            }
        }
    }

    /// Puts written indices in place of the first open axes.
    pub(super) fn at_places(&mut self, tensor: Tensor, places: &[Expr], span: Span) -> Tensor {
        if places.len() > tensor.rank() {
            let error = Diagnostic::error("more-indices-than-axes", span).with("axes", tensor.rank().to_string());
            return Tensor::scalar(self.fail(error.with("written", places.len().to_string())));
        }
        let mut value = tensor.value;
        for (&axis, &place) in tensor.axes.iter().zip(places) {
            value = match *self.context.node(place) {
                crate::expr::Node::Index(index) => self.identify(value, axis, index, span),
                _ => {
                    let open = self.context.index(axis);
                    self.context.substitute(value, &[(open, place)].into())
                }
            };
        }
        Tensor { value, axes: tensor.axes[places.len()..].to_vec(), row: false }
    }
}
