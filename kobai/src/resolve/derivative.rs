//! Derivatives that stand in a formula, as a statement about them does.

use super::Resolver;
use crate::expr::{Expr, Node};
use crate::formula::Formula;
use crate::source::{Diagnostic, Span};

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
