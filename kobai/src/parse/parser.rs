//! The parser's state: its place among the tokens, and how it reports and recovers.

use super::Syntax;
use super::commands;
use super::token::{Token, TokenKind};
use crate::formula::{Formula, Kind};
use crate::source::{Diagnostic, Span};
use std::collections::HashSet;

/// Deeper nesting is refused: every later stage walks the tree by recursion.
const DEEPEST: usize = 256;

/// More errors than these in one equation say nothing new.
pub(super) const MOST_ERRORS: usize = 20;

/// What the left sides of a text define, which decides how its right sides read.
#[derive(Default)]
pub(super) struct Known {
    /// Names without scripts: a defined `\sigma` is no function.
    pub names: HashSet<String>,
    /// Functions.
    pub functions: HashSet<String>,
    /// `T` is used as a value, so `x^T` is a power.
    pub value_t: bool,
}

/// Reads one equation, or a part of one.
pub(super) struct Parser<'a, 'k> {
    pub source: &'a str,
    pub syntax: Syntax,
    pub known: &'k Known,
    pub tokens: Vec<Token<'a>>,
    pub position: usize,
    /// Where the tokens end in the text.
    pub end: Span,
    pub diagnostics: Vec<Diagnostic>,
    /// Bars that are open: each is the token that closes it.
    pub bars: Vec<&'static str>,
    /// Indices bound where the parser is.
    pub bound: Vec<String>,
    /// Inside a script, where words are words and no names.
    pub in_script: bool,
    /// Reading a left side before it is known what is defined: no name is a function.
    pub left_side: bool,
    depth: usize,
}

impl<'a, 'k> Parser<'a, 'k> {
    /// A parser at the start of the tokens.
    pub fn new(
        source: &'a str,
        syntax: Syntax,
        known: &'k Known,
        tokens: Vec<Token<'a>>,
        place: Span,
    ) -> Parser<'a, 'k> {
        let end = Span::new(place.end, place.end);
        Parser {
            source,
            syntax,
            known,
            tokens,
            position: 0,
            end,
            diagnostics: Vec::new(),
            bars: Vec::new(),
            bound: Vec::new(),
            in_script: false,
            left_side: false,
            depth: 0,
        }
    }

    pub fn plain(&self) -> bool {
        self.syntax == Syntax::Plain
    }

    /// The next token.
    pub fn peek(&self) -> Option<Token<'a>> {
        self.tokens.get(self.position).copied()
    }

    /// The token that is so many places ahead.
    pub fn peek_at(&self, ahead: usize) -> Option<Token<'a>> {
        self.tokens.get(self.position + ahead).copied()
    }

    /// The text of the next token, if it is no word of a person.
    pub fn text(&self) -> &'a str {
        self.peek().filter(|token| !token.is_verbatim()).map_or("", |token| token.text)
    }

    pub fn at(&self, text: &str) -> bool {
        self.text() == text
    }

    pub fn advance(&mut self) -> Option<Token<'a>> {
        let token = self.peek()?;
        self.position += 1;
        Some(token)
    }

    /// Takes the next token if it is this one.
    pub fn accept(&mut self, text: &str) -> Option<Token<'a>> {
        if self.at(text) { self.advance() } else { None }
    }

    /// Where the next token stands, or where the text ends.
    pub fn here(&self) -> Span {
        self.peek().map_or(self.end, |token| token.span)
    }

    /// Where the last token taken stands.
    pub fn last(&self) -> Span {
        self.position.checked_sub(1).and_then(|last| self.tokens.get(last)).map_or(self.end, |token| token.span)
    }

    /// From a place up to the last token taken.
    pub fn since(&self, start: Span) -> Span {
        Span::new(start.start, self.last().end.max(start.end))
    }

    pub fn error(&mut self, code: &'static str, span: Span) {
        self.diagnostics.push(Diagnostic::error(code, span));
    }

    /// Reports, and stands in for what could not be read.
    pub fn fail(&mut self, diagnostic: Diagnostic) -> Formula {
        let span = diagnostic.span.unwrap_or(self.end);
        self.diagnostics.push(diagnostic);
        Formula::new(Kind::Error, span)
    }

    /// The error of something that was to come next and did not.
    pub fn missing(&mut self, code: &'static str, slot: &'static str, value: &str, span: Span) -> Formula {
        self.fail(Diagnostic::error(code, span).with(slot, value))
    }

    /// Reads a part one level deeper; too deep, it reports once and gives the equation up.
    pub fn nested(&mut self, read: impl FnOnce(&mut Self) -> Formula) -> Formula {
        if self.depth >= DEEPEST {
            let here = self.here();
            self.position = self.tokens.len();
            // What fails on the way out only repeats this.
            self.diagnostics.retain(|diagnostic| diagnostic.code != "nesting-too-deep");
            return self.fail(Diagnostic::error("nesting-too-deep", here).with("deepest", DEEPEST.to_string()));
        }
        self.depth += 1;
        let formula = read(self);
        self.depth -= 1;
        formula
    }

    /// Reads a bracket's inside, where the bars outside are out of sight.
    pub fn inside<T>(&mut self, read: impl FnOnce(&mut Self) -> T) -> T {
        let bars = std::mem::take(&mut self.bars);
        let result = read(self);
        self.bars = bars;
        result
    }

    /// Takes the bracket that closes `open`, or says what is wrong and recovers behind the next one.
    pub fn close(&mut self, open: Token<'a>, closing: &str) {
        if self.accept(closing).is_some() {
            return;
        }
        match self.peek() {
            None => self.unclosed(open),
            Some(token)
                if !token.is_verbatim() && commands::is_closing(token.text) && closing != "}" && token.text != "}" =>
            {
                let error = Diagnostic::error("mismatched-bracket", token.span).related(open.span);
                self.diagnostics.push(error.with("opened", open.text).with("closed", token.text));
                self.advance();
            }
            Some(token) if !token.is_verbatim() && commands::is_closing(token.text) => self.unclosed(open),
            Some(token) => {
                self.unexpected(token);
                self.skip_to_close();
                if self.accept(closing).is_none() {
                    self.unclosed(open);
                }
            }
        }
    }

    fn unclosed(&mut self, open: Token<'a>) {
        let code = if open.text == "{" { "unclosed-brace" } else { "unclosed-bracket" };
        let closing = commands::closing(open.text).unwrap_or(open.text);
        self.diagnostics.push(Diagnostic::error(code, open.span).with("opened", open.text).with("closing", closing));
    }

    /// Reports a token that cannot stand where it stands.
    pub fn unexpected(&mut self, token: Token<'a>) -> Formula {
        let diagnostic = match token.kind {
            TokenKind::Unknown => Diagnostic::error("unknown-character", token.span).with("symbol", token.text),
            TokenKind::Text => Diagnostic::error("words-in-formula", token.span).with("words", token.text),
            TokenKind::End => {
                Diagnostic::error("stray-closing", token.span).with("symbol", format!("\\end{{{}}}", token.text))
            }
            TokenKind::Command if !commands::is_known(token.text) => {
                return self.unknown_command(token);
            }
            _ if commands::is_closing(token.text) => {
                Diagnostic::error("stray-closing", token.span).with("symbol", token.text)
            }
            _ if commands::OTHER_RELATIONS.contains(&token.text) => {
                Diagnostic::error("unsupported-relation", token.span).with("symbol", token.text)
            }
            _ => Diagnostic::error("unexpected-symbol", token.span).with("symbol", token.text),
        };
        self.fail(diagnostic)
    }

    /// Reports a command that nothing is known of, with the nearest one that is known.
    pub fn unknown_command(&mut self, token: Token<'a>) -> Formula {
        // A text of nothing but unknown commands gets no advice on each.
        let near = if self.diagnostics.len() < MOST_ERRORS { commands::nearest_command(token.text) } else { None };
        self.fail(match near {
            Some(near) => {
                let error = Diagnostic::error("misspelt-command", token.span).with("name", token.text);
                error.with("suggestion", near)
            }
            None => Diagnostic::error("unknown-command", token.span).with("name", token.text),
        })
    }

    /// Goes to the bracket that closes the one the parser is in, or to the end.
    pub fn skip_to_close(&mut self) {
        let mut depth = 0_usize;
        while let Some(token) = self.peek() {
            if !token.is_verbatim() {
                if commands::closing(token.text).is_some() {
                    depth += 1;
                } else if commands::is_closing(token.text) {
                    if depth == 0 {
                        return;
                    }
                    depth -= 1;
                }
            }
            self.position += 1;
        }
    }

    /// The place of the bracket that closes the one at the position, without moving.
    pub fn matching_close(&self) -> Option<usize> {
        let mut depth = 0_usize;
        for (offset, token) in self.tokens.get(self.position..)?.iter().enumerate() {
            if token.is_verbatim() {
                continue;
            }
            if commands::closing(token.text).is_some() {
                depth += 1;
            } else if commands::is_closing(token.text) {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return Some(self.position + offset);
                }
            }
        }
        None
    }

    /// The author's text of a place.
    pub fn written(&self, span: Span) -> &'a str {
        self.source.get(span.start..span.end).unwrap_or_default().trim()
    }
}
