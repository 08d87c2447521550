//! Names with accents, primes and scripts.

use super::commands::{ACCENTS, FONTS, LETTERS};
use super::expression::Parser;
use super::lexer::Kind as T;
use crate::formula::{Formula, Kind, ScriptPart, Spelling};
use crate::source::{Diagnostic, Span};

/// A spelling from its plain and LaTeX forms.
pub fn spelling(plain: impl Into<String>, latex: impl Into<String>) -> Spelling {
    Spelling { plain: plain.into(), latex: latex.into() }
}

impl Parser<'_> {
    /// A name without scripts, if one starts here.
    pub(super) fn base_name(&mut self) -> Option<Spelling> {
        let token = self.peek()?.clone();
        let name = match &token.kind {
            T::Word(word) => {
                self.advance();
                let latex = if word.chars().count() > 1 { format!("\\mathrm{{{word}}}") } else { word.clone() };
                spelling(word.clone(), latex)
            }
            T::Command(command) if LETTERS.contains(&command.as_str()) => {
                self.advance();
                spelling(command.clone(), format!("\\{command}"))
            }
            T::Command(command) if FONTS.contains(&command.as_str()) => {
                let command = command.clone();
                self.advance();
                let inner = self.name_argument()?;
                spelling(inner.plain, format!("\\{command}{{{}}}", inner.latex))
            }
            T::Command(command) => {
                let (_, suffix) = ACCENTS.iter().find(|(accent, _)| accent == command)?;
                let command = command.clone();
                self.advance();
                let inner = self.name_argument()?;
                spelling(format!("{}_{suffix}", inner.plain), format!("\\{command}{{{}}}", inner.latex))
            }
            T::Upright(_, word) if !word.trim().is_empty() => {
                let word = word.trim().to_owned();
                self.advance();
                spelling(word.clone(), format!("\\mathrm{{{word}}}"))
            }
            _ => return None,
        };
        Some(self.primes(name))
    }

    /// Primes are part of a name.
    pub(super) fn primes(&mut self, mut name: Spelling) -> Spelling {
        while self.peek().is_some_and(|token| token.is('\'')) {
            self.advance();
            name = spelling(format!("{}_prime", name.plain), format!("{}'", name.latex));
        }
        name
    }

    /// The argument of a font or an accent: a braced or single name.
    fn name_argument(&mut self) -> Option<Spelling> {
        if !self.eat('{') {
            return self.base_name();
        }
        let start = self.place();
        let mut whole: Option<Spelling> = None;
        while let Some(token) = self.peek() {
            if token.is('}') {
                break;
            }
            if matches!(&token.kind, T::Number(_)) {
                let T::Number(digits) = token.kind.clone() else { break };
                self.advance();
                whole = Some(join(whole, spelling(digits.clone(), digits)));
                continue;
            }
            let Some(name) = self.base_name() else { break };
            whole = Some(join(whole, name));
        }
        self.close('}', start);
        whole
    }

    /// A subscript or superscript's content: parts separated by commas.
    pub(super) fn script_parts(&mut self) -> Vec<ScriptPart> {
        let start = self.place();
        if self.eat('{') {
            let parts = self.parts_until(&['}']);
            self.close('}', start);
            return parts;
        }
        match self.single_token() {
            Some(part) => vec![part],
            None => {
                self.report(Diagnostic::error("missing-argument", start).with("command", "_"));
                Vec::new()
            }
        }
    }

    pub(super) fn parts_until(&mut self, closing: &[char]) -> Vec<ScriptPart> {
        let mut parts = Vec::new();
        loop {
            let before = self.position();
            let first = self.position();
            let formula = self.script_formula();
            let word = self.spelled(first);
            parts.push(ScriptPart { formula, spelling: word });
            if self.eat(',') {
                continue;
            }
            let done = self.peek().is_none_or(|token| closing.iter().any(|&sign| token.is(sign)));
            if done || self.position() == before {
                return parts;
            }
        }
    }

    /// A part as mathematics; words alone are text.
    fn script_formula(&mut self) -> Formula {
        if let Some(token) = self.peek().cloned()
            && let T::Upright(_, word) = &token.kind
        {
            let word = word.trim().to_owned();
            self.advance();
            return Formula::new(Kind::Text(word), token.span);
        }
        if let Some(token) = self.peek().cloned()
            && (token.is('*') || token.is('+') || token.is('-'))
            && self.peek_at(1).is_none_or(|next| next.is('}') || next.is(','))
        {
            self.advance();
            return Formula::new(Kind::Text(if token.is('*') { "star" } else if token.is('+') { "plus" } else { "minus" }.into()), token.span);
        }
        self.sum()
    }

    fn single_token(&mut self) -> Option<ScriptPart> {
        let first = self.position();
        let token = self.peek()?.clone();
        let formula = match &token.kind {
            T::Number(digits) => {
                let digit = digits.chars().next()?;
                self.take_digit();
                self.number(&digit.to_string(), token.span)
            }
            T::Upright(..) => self.script_formula(),
            T::Sign('*' | '+') => self.script_formula(),
            T::Sign(_) | T::Row | T::Newline | T::Quad => return None,
            _ => {
                let base = self.base_name()?;
                Formula::new(Kind::Name { base, subscripts: Vec::new(), superscripts: Vec::new(), opaque: false }, token.span)
            }
        };
        Some(ScriptPart { spelling: self.spelled(first), formula })
    }

    /// The tokens since `first` as a word.
    fn spelled(&self, first: usize) -> Spelling {
        let mut plain = String::new();
        let mut latex = String::new();
        for token in self.slice(first) {
            match &token.kind {
                T::Word(word) => {
                    plain += word;
                    latex += word;
                }
                T::Number(digits) => {
                    plain += digits;
                    latex += digits;
                }
                T::Command(command) => {
                    plain += command;
                    latex += &format!("\\{command} ");
                }
                T::Upright(_, word) => {
                    plain += word.trim();
                    latex += &format!("\\text{{{}}}", word.trim());
                }
                T::Sign('*') => {
                    plain += "star";
                    latex.push('*');
                }
                T::Sign(sign) => latex.push(*sign),
                T::Row | T::Newline | T::Quad => {}
            }
        }
        spelling(plain, latex.trim_end())
    }
}

fn join(first: Option<Spelling>, second: Spelling) -> Spelling {
    match first {
        Some(first) => spelling(first.plain + &second.plain, first.latex + &second.latex),
        None => second,
    }
}

/// A name as a formula.
pub fn name_formula(base: Spelling, span: Span) -> Formula {
    Formula::new(Kind::Name { base, subscripts: Vec::new(), superscripts: Vec::new(), opaque: false }, span)
}
