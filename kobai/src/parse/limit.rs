//! Limits: `\lim_{h \to 0} f`, `\lim_{n \to \infty} f`, `\lim_{x \to +0} f`.

use super::parser::Parser;
use super::token::{Token, TokenKind};
use crate::formula::{Formula, Kind, Spelling};
use crate::source::Diagnostic;

impl<'a> Parser<'a, '_> {
    /// A limit whose `\lim` is next: the variable, what it goes to, and the product term that follows.
    pub fn limit(&mut self, command: Token<'a>) -> Formula {
        self.advance();
        let Some((variable, target)) = self.approach() else {
            let span = self.since(command.span);
            return self.fail(Diagnostic::error("limit-not-readable", span));
        };
        if !self.at_start() {
            let span = self.since(command.span);
            return self.missing("empty-sum-body", "name", self.written(span), span);
        }
        let body = self.product(false);
        let span = self.since(command.span);
        Formula::new(Kind::Limit(Box::new(body), Box::new(variable), Box::new(target)), span)
    }

    /// `_{h \to 0}`
    fn approach(&mut self) -> Option<(Formula, Formula)> {
        self.accept("_")?;
        self.accept("{")?;
        let variable = self.factor();
        self.accept(r"\to").or_else(|| self.accept(r"\rightarrow"))?;
        let target = self.limit_target();
        self.accept("}")?;
        let name = matches!(&variable.kind, Kind::Name { subscripts, .. } if subscripts.is_empty());
        name.then_some((variable, target?))
    }

    /// A number, a name or an infinity; `0^+` and `+0` are 0 from above, `0^-` and `-0` are 0 from below.
    fn limit_target(&mut self) -> Option<Formula> {
        let start = self.here();
        let mut negative = self.signs().unwrap_or(false);
        let target = match self.peek()? {
            token if token.text == r"\infty" => {
                self.advance();
                Formula::new(Kind::Infinity, token.span)
            }
            token if token.kind == TokenKind::Number => {
                self.advance();
                self.number_value(token.text, token.span)
            }
            token if token.kind == TokenKind::Letter => {
                self.advance();
                let base = Spelling { plain: token.text.into(), latex: token.text.into() };
                let (subscripts, superscripts) = (Vec::new(), Vec::new());
                Formula::new(Kind::Name { base, subscripts, superscripts, opaque: false }, token.span)
            }
            _ => return None,
        };
        if self.accept("^").is_some() {
            let braced = self.accept("{").is_some();
            negative |= self.signs()?;
            if braced {
                self.accept("}")?;
            }
        }
        let span = self.since(start);
        Some(if negative { Formula::new(Kind::Sum(vec![(true, target)]), span) } else { target })
    }
}
