//! Derivatives that stand in a formula, as a statement about them does.

use super::Resolver;
use super::statement::Limit;
use crate::expr::{Constant, Expr, Node};
use crate::formula::{Formula, Kind};
use crate::source::{Diagnostic, Span};
use std::collections::HashMap;

impl Resolver<'_> {
    /// A derivative, not yet carried out. In a program it is refused: there the derivative is what Kobai finds.
    pub(super) fn derivative(&mut self, body: &Formula, variable: Option<&Formula>, span: Span) -> Expr {
        if !self.derivatives {
            return self.fail(Diagnostic::error("derivative-in-program", span));
        }
        let value = self.expression(body);
        let target = match variable {
            Some(variable) => self.expression(variable),
            None => match self.only_variable(value) {
                Some(variable) => variable,
                None => return self.fail(Diagnostic::error("derivative-variable-unclear", span)),
            },
        };
        match self.context.node(target) {
            Node::Symbol(..) => self.context.derivative(value, target),
            _ => self.fail(Diagnostic::error("derivative-variable", variable.map_or(span, |formula| formula.span))),
        }
    }

    /// The body of a limit, in which its variable is a name like any other; where the name goes is kept aside. As a
    /// derivative, it stands in statements only.
    pub(super) fn limit(&mut self, body: &Formula, variable: &Formula, target: &Formula, span: Span) -> Expr {
        if !self.derivatives {
            return self.fail(Diagnostic::error("derivative-in-program", span));
        }
        let negative = matches!(target.kind, Kind::Sum(_));
        let (target, name) = (self.expression(target), self.expression(variable));
        let Node::Symbol(symbol, _) = *self.context.node(name) else {
            return self.fail(Diagnostic::error("limit-not-readable", span));
        };
        let infinite = self.context.any(target, &|node| matches!(node, Node::Constant(Constant::Infinity)));
        let known = self.limits.iter().find(|limit| limit.symbol == symbol);
        match known.map(|limit| limit.infinite == infinite && limit.negative == negative) {
            Some(true) => {}
            Some(false) => return self.fail(Diagnostic::error("limit-not-readable", span)),
            None => self.limits.push(Limit { symbol, infinite, negative }),
        }
        let value = self.expression(body);
        if infinite {
            return value;
        }
        // x → a is a + x with x → 0.
        let moved = self.context.add(vec![target, name]);
        self.context.substitute(value, &HashMap::from([(name, moved)]))
    }

    /// What `(f)'` means: the only name in f, or x.
    fn only_variable(&mut self, value: Expr) -> Option<Expr> {
        let symbols = self.context.symbols_in(value);
        let named_x = symbols.iter().find(|&&symbol| self.context.symbol(symbol).name.plain == "x");
        let symbol = match symbols[..] {
            [only] => only,
            _ => *named_x?,
        };
        self.context.symbol(symbol).axes.is_empty().then(|| self.context.entry(symbol, Vec::new()))
    }
}
