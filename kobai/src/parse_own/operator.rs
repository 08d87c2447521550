//! Big operators and what stands under them.

use super::commands::{LETTERS, OPERATORS};
use super::equation::relation;
use super::expression::Parser;
use super::lexer::{Kind as T, Token};
use crate::formula::{BigOperator, Binding, Formula, Kind, Spelling};
use crate::source::{Diagnostic, Span};

/// Bindings and conditions.
type Under = (Vec<Binding>, Vec<Formula>);

impl Parser<'_> {
    /// The big operator that starts here, if what follows makes it one.
    pub(super) fn big_operator_here(&self) -> Option<BigOperator> {
        let name = match &self.peek()?.kind {
            T::Command(name) => name.as_str(),
            T::Upright(_, name) => name.trim(),
            T::Word(word) if self.plain_operator(word) => word.as_str(),
            _ => return None,
        };
        let operator = OPERATORS.iter().find(|(known, _)| *known == name).map(|(_, operator)| *operator)?;
        let scripted = self.peek_at(1).is_some_and(|next| next.is('_') || next.is('^'));
        let always = matches!(operator, BigOperator::Sum | BigOperator::Product);
        let plain = matches!(self.peek()?.kind, T::Word(_));
        (always || scripted || plain).then_some(operator)
    }

    /// In plain text, `sum(i=1..N) …`: a bracket whose first part binds an index.
    fn plain_operator(&self, word: &str) -> bool {
        OPERATORS.iter().any(|(known, _)| *known == word)
            && self.peek_at(1).is_some_and(|token| token.is('('))
            && matches!(self.peek_at(2).map(|token| &token.kind), Some(T::Word(_)))
            && self.peek_at(3).is_some_and(|token| token.is('=') || token.is(')') || token.is(':'))
            && (matches!(word, "sum" | "prod") || !self.ends_after_bracket())
    }

    /// True if nothing that could be a body follows the bracket after this word.
    fn ends_after_bracket(&self) -> bool {
        let mut depth = 0;
        let mut offset = 1;
        while let Some(token) = self.peek_at(offset) {
            match token.kind {
                T::Sign('(') => depth += 1,
                T::Sign(')') => depth -= 1,
                _ => {}
            }
            offset += 1;
            if depth == 0 {
                break;
            }
        }
        !self.peek_at(offset).is_some_and(|token| matches!(token.kind, T::Word(_) | T::Number(_)) || token.is('('))
    }

    /// A big operator with its scripts and body.
    pub(super) fn big_operator(&mut self, operator: BigOperator) -> Formula {
        let start = self.place();
        let plain = self.peek().is_some_and(|token| matches!(token.kind, T::Word(_)));
        self.advance();
        let (mut bindings, conditions) = if plain { self.plain_under() } else { (Vec::new(), Vec::new()) };
        let mut conditions = conditions;
        loop {
            if self.eat('_') {
                let (found, masks) = self.under();
                bindings.extend(found);
                conditions.extend(masks);
            } else if self.eat('^') {
                let upper = self.script_parts().into_iter().next().map(|part| part.formula);
                let last = bindings.iter().rposition(|binding| binding.lower.is_some()).or(bindings.len().checked_sub(1));
                if let (Some(upper), Some(last)) = (upper, last) {
                    bindings[last].upper = Some(upper);
                }
            } else {
                break;
            }
        }
        let body = self.operator_body(operator, start);
        let span = start.to(body.span);
        Formula::new(Kind::Reduce { operator, bindings, conditions, body: Box::new(body) }, span)
    }

    /// The body: the rest of the product term, with a sign before it. Other than for sums and products a bracket ends it.
    fn operator_body(&mut self, operator: BigOperator, start: Span) -> Formula {
        let short = !matches!(operator, BigOperator::Sum | BigOperator::Product);
        if !self.starts_factor() && !self.peek().is_some_and(|token| token.is('-') || token.is('+')) {
            self.report(Diagnostic::error("empty-body", start));
            return Formula::new(Kind::Error, start);
        }
        if short && self.peek().is_some_and(|token| token.is('(') || token.is('[') || self.is_open_brace(token)) {
            return self.factor();
        }
        self.signed_term()
    }

    fn is_open_brace(&self, token: &Token) -> bool {
        matches!(token.command(), Some("{" | "lbrace" | "lbrack"))
    }

    /// What stands under an operator.
    fn under(&mut self) -> Under {
        let start = self.place();
        let (mut bindings, mut conditions) = (Vec::new(), Vec::new());
        if !self.eat('{') {
            if let Some(name) = self.base_name() {
                bindings.push(binding(name, start));
            }
            return (bindings, conditions);
        }
        let stacked = self.peek().is_some_and(|token| token.command() == Some("substack"));
        if stacked {
            self.advance();
            self.eat('{');
        }
        loop {
            let before = self.position();
            self.under_part(&mut bindings, &mut conditions);
            let separator = self.peek().is_some_and(|token| token.is(',') || token.is(':') || token.is(';') || token.kind == T::Row || token.command() == Some("mid"));
            if separator {
                self.advance();
            } else if self.peek().is_none_or(|token| token.is('}')) || self.position() == before {
                break;
            }
        }
        if stacked {
            self.close('}', start);
        }
        self.close('}', start);
        (bindings, conditions)
    }

    fn under_part(&mut self, bindings: &mut Vec<Binding>, conditions: &mut Vec<Formula>) {
        let start = self.position();
        let place = self.place();
        let name = self.base_name();
        let next = self.peek().cloned();
        match (name, next) {
            (Some(name), None) => bindings.push(binding(name, place)),
            (Some(name), Some(token)) if token.is(',') || token.is('}') || token.is(':') || token.kind == T::Row || token.is(')') => {
                bindings.push(binding(name, place));
            }
            (Some(name), Some(token)) if token.is('=') && !bindings.iter().any(|known| known.index == name) => {
                self.advance();
                let lower = self.sum();
                bindings.push(Binding { lower: Some(lower), ..binding(name, place) });
            }
            (Some(name), Some(token)) if token.command() == Some("in") => {
                self.advance();
                self.member_binding(name, place, bindings);
            }
            (Some(name), Some(token)) if is_letter(&token) => {
                bindings.push(binding(name, place));
                self.under_part(bindings, conditions);
            }
            _ => {
                self.rewind(start);
                let condition = self.relation();
                conditions.push(condition);
            }
        }
    }

    /// `p \in P(i)` or `i \in S`
    fn member_binding(&mut self, name: Spelling, place: Span, bindings: &mut Vec<Binding>) {
        let set = self.base_name();
        let open = self.place();
        let arguments = if self.eat('(') {
            let arguments = self.arguments(')');
            self.close(')', open);
            arguments
        } else if self.eat('_') {
            self.script_parts().into_iter().map(|part| part.formula).collect()
        } else {
            Vec::new()
        };
        bindings.push(Binding { set: set.map(|set| (set, arguments)), ..binding(name, place) });
    }

    /// `(i=1..N)`, `(i: i != j)`, `(i)`
    fn plain_under(&mut self) -> Under {
        let open = self.place();
        self.eat('(');
        let (mut bindings, mut conditions): Under = (Vec::new(), Vec::new());
        loop {
            let before = self.position();
            self.under_part(&mut bindings, &mut conditions);
            if self.peek().is_some_and(|token| token.is('.')) {
                while self.eat('.') {}
                let upper = self.sum();
                if let Some(last) = bindings.last_mut() {
                    last.upper = Some(upper);
                }
            }
            let separator = self.peek().is_some_and(|token| token.is(',') || token.is(':'));
            if separator {
                self.advance();
            } else if self.peek().is_none_or(|token| token.is(')')) || self.position() == before {
                break;
            }
        }
        self.close(')', open);
        (bindings, conditions)
    }

    /// `\min`, `\arg\min`, `\max` and their relatives: true for a maximum.
    pub(super) fn objective_operator(&mut self) -> Option<bool> {
        let start = self.position();
        if self.peek().and_then(Token::command) == Some("arg") {
            self.advance();
        }
        let name = match &self.peek()?.kind {
            T::Command(name) => name.clone(),
            T::Upright(_, name) => name.replace([' ', '\\', ',', ';'], ""),
            _ => {
                self.rewind(start);
                return None;
            }
        };
        let maximise = match name.as_str() {
            "min" | "argmin" | "minimize" | "minimise" => false,
            "max" | "argmax" | "maximize" | "maximise" => true,
            _ => {
                self.rewind(start);
                return None;
            }
        };
        self.advance();
        Some(maximise)
    }

    /// True if a subscript further on holds this letter, which then is an index.
    pub(super) fn rest_indexes(&self, letter: &str) -> bool {
        let mut offset = 0;
        while let Some(token) = self.peek_at(offset) {
            if token.is('_') {
                let mut inner = offset + 1;
                let braced = self.peek_at(inner).is_some_and(|token| token.is('{'));
                loop {
                    match self.peek_at(inner).map(|token| &token.kind) {
                        Some(T::Word(word)) if word == letter => return true,
                        Some(T::Sign('}')) | None => break,
                        _ if !braced => break,
                        _ => inner += 1,
                    }
                }
            }
            offset += 1;
        }
        false
    }

    /// The mean: `\mathbb{E}_i[…]`.
    pub(super) fn expectation(&mut self, start: Span) -> Formula {
        if !self.eat('_') {
            self.report(Diagnostic::error("expectation-without-index", start));
            return Formula::new(Kind::Error, start);
        }
        let (bindings, conditions) = self.under();
        let body = self.operator_body(BigOperator::Mean, start);
        let span = start.to(body.span);
        Formula::new(Kind::Reduce { operator: BigOperator::Mean, bindings, conditions, body: Box::new(body) }, span)
    }

    /// True if a relation stands here.
    pub(super) fn at_relation(&self) -> bool {
        self.peek().is_some_and(|token| relation(token).is_some() || token.command() == Some("in"))
    }
}

fn binding(index: Spelling, span: Span) -> Binding {
    Binding { index, span, lower: None, upper: None, set: None }
}

fn is_letter(token: &Token) -> bool {
    match &token.kind {
        T::Word(_) => true,
        T::Command(name) => LETTERS.contains(&name.as_str()),
        _ => false,
    }
}

