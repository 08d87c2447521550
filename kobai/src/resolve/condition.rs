//! Conditions: relations under a big operator, in an indicator, in cases, in an assumption.

use super::tensor::Tensor;
use super::{Local, Resolver};
use crate::expr::{Context, Expr, Index, Node};
use crate::formula::{Formula, Kind, Relation};
use crate::source::Diagnostic;

impl Resolver<'_> {
    /// A condition as 0 or 1; a chain holds if each of its links does.
    pub(super) fn condition(&mut self, formula: &Formula) -> Tensor {
        match &formula.kind {
            Kind::Relation(first, links) => {
                let mut left: &Formula = first;
                let mut holds = Vec::new();
                for (relation, right) in links {
                    holds.push(self.link(left, *relation, right));
                    left = right;
                }
                self.elementwise(holds, formula.span, &mut Context::mul)
            }
            Kind::Member(element, values) => self.member(element, values),
            Kind::Group(_, inner) => self.condition(inner),
            _ => Tensor::scalar(self.fail(Diagnostic::error("condition-expected", formula.span))),
        }
    }

    /// A condition that has to be a single one.
    pub(super) fn single_condition(&mut self, formula: &Formula) -> Expr {
        let condition = self.condition(formula);
        self.number_of(condition, formula.span)
    }

    /// One of finitely many values: one minus the product of "differs".
    fn member(&mut self, element: &Formula, values: &[Formula]) -> Tensor {
        let differs: Vec<Tensor> = values.iter().map(|value| self.link(element, Relation::NotEqual, value)).collect();
        self.elementwise(differs, element.span, &mut |context, differs| {
            let (differs, one) = (context.mul(differs), context.integer(1));
            context.subtract(one, differs)
        })
    }

    fn link(&mut self, left: &Formula, relation: Relation, right: &Formula) -> Tensor {
        let (left_index, right_index) = (self.plain_index(left), self.plain_index(right));
        let literal = |formula: &Formula| matches!(formula.kind, Kind::Number(_));
        // An index beside another index or an integer tensor is a place, counted from 0; beside a number it counts as
        // the author counts.
        let places = match (left_index, right_index) {
            (Some(_), Some(_)) => true,
            (Some(_), None) => !literal(right),
            (None, Some(_)) => !literal(left),
            (None, None) => false,
        };
        if !places {
            let sides = vec![self.tensor(left), self.tensor(right)];
            return self.elementwise(sides, left.span.to(right.span), &mut |context, values| {
                context.compare(relation, values[0], values[1])
            });
        }
        if let (Some(a), Some(b)) = (left_index, right_index) {
            self.join(a.axis, b.axis, left.span.to(right.span));
        }
        let (a, b) = (self.integer_expression(left), self.integer_expression(right));
        Tensor::scalar(match relation {
            Relation::Equal => self.context.delta(a, b),
            _ => self.context.compare(relation, a, b),
        })
    }

    /// The index that a formula plainly is.
    pub(super) fn plain_index(&self, formula: &Formula) -> Option<Index> {
        match &formula.kind {
            Kind::Name { base, subscripts, superscripts, .. } if subscripts.is_empty() && superscripts.is_empty() => {
                match self.lookup(&base.plain) {
                    Some(Local::Index { index, .. }) => Some(*index),
                    _ => None,
                }
            }
            _ => None,
        }
    }

    /// A Kronecker delta.
    pub(super) fn kronecker(&mut self, left: &Formula, right: &Formula) -> Expr {
        let (a, b) = (self.integer_expression(left), self.integer_expression(right));
        if let (&Node::Index(x), &Node::Index(y)) = (self.context.node(a), self.context.node(b)) {
            self.join(x.axis, y.axis, left.span.to(right.span));
        }
        self.context.delta(a, b)
    }
}
