//! Derivatives as they are written: `\frac{d}{dx} f`, `\frac{\partial L}{\partial z_{ik}}`, `\frac{d^2 y}{dx^2}`.

use super::parser::Parser;
use super::token::{Token, TokenKind};
use crate::formula::{Formula, Kind};
use num_traits::ToPrimitive;

/// Derivatives of a higher order are not written with numbers.
const HIGHEST_ORDER: usize = 9;

impl<'a> Parser<'a, '_> {
    /// A derivative whose `\frac` was read; `None` if it is a fraction like any other.
    pub fn derivative(&mut self, command: Token<'a>) -> Option<Formula> {
        let sign = self.differential_ahead()?;
        let (start, errors) = (self.position, self.diagnostics.len());
        let Some((body, variables)) = self.quotient_of_differentials(sign) else {
            self.position = start;
            self.diagnostics.truncate(errors);
            return None;
        };
        let body = match body {
            Some(body) => body,
            None if self.at_start() => self.product(false),
            None => self.missing("missing-argument", "name", self.written(command.span), command.span),
        };
        let span = self.since(command.span);
        let differentiate = |body: Formula, variable: Formula| {
            Formula::new(Kind::Derivative(Box::new(body), Some(Box::new(variable))), span)
        };
        // The one that stands last is carried out first.
        Some(variables.into_iter().rev().fold(body, differentiate))
    }

    /// The sign of differentiation that begins both the numerator and the denominator.
    fn differential_ahead(&self) -> Option<&'a str> {
        let sign = |token: Option<Token<'a>>| {
            let token = token?;
            let upright = matches!(token.kind, TokenKind::Roman | TokenKind::Operator) && token.text == "d";
            let letter = token.kind == TokenKind::Letter && token.text == "d";
            let round = token.kind == TokenKind::Command && token.text == r"\partial";
            (upright || letter || round).then_some(token.text)
        };
        let first = sign(self.peek_at(1)).filter(|_| self.at("{"))?;
        let close = self.matching_close()? + 1 - self.position;
        let open = self.peek_at(close).is_some_and(|token| token.text == "{");
        let known = first == "d" && self.known.names.contains("d");
        (open && !known && sign(self.peek_at(close + 1)) == Some(first)).then_some(first)
    }

    /// What is differentiated, if it stands in the numerator, and the variables, one for each differentiation.
    fn quotient_of_differentials(&mut self, sign: &str) -> Option<(Option<Formula>, Vec<Formula>)> {
        self.accept("{")?;
        self.advance()?;
        let order = if self.accept("^").is_some() { order_of(&self.script_argument())? } else { 1 };
        let body = if self.at("}") { None } else { Some(self.product(false)) };
        self.accept("}")?;
        self.accept("{")?;
        let mut variables = Vec::new();
        while self.peek().is_some_and(|token| token.text == sign) {
            self.advance();
            match self.factor() {
                Formula { kind: Kind::Power(variable, times), .. } => {
                    variables.extend(std::iter::repeat_n(*variable, order_of(&times)?));
                }
                variable => variables.push(variable),
            }
        }
        self.accept("}")?;
        let names = variables.iter().all(|variable| matches!(variable.kind, Kind::Name { .. }));
        (names && !variables.is_empty() && variables.len() == order).then_some((body, variables))
    }
}

fn order_of(formula: &Formula) -> Option<usize> {
    let Kind::Number(value) = &formula.kind else { return None };
    value.is_integer().then(|| value.to_integer().to_usize())?.filter(|order| (1..=HIGHEST_ORDER).contains(order))
}
