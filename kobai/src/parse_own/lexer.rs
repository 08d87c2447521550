//! Tokens with their places.

use super::Syntax;
use super::commands::{SILENT, SPACING};
use crate::source::{Diagnostic, Span};

/// What a token is.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// A literal.
    Number(String),
    /// A letter, or in plain text a word.
    Word(String),
    /// A command without its backslash.
    Command(String),
    /// The text in `\text{…}` and its relatives, with the command.
    Upright(String, String),
    /// A sign.
    Sign(char),
    /// `\\`
    Row,
    /// The end of a line.
    Newline,
    /// `\quad`: with a comma before it, it parts equations.
    Quad,
}

/// A token.
#[derive(Clone, Debug, PartialEq)]
pub struct Token {
    /// What it is.
    pub kind: Kind,
    /// Where it stands.
    pub span: Span,
}

impl Token {
    /// True for this sign.
    pub fn is(&self, sign: char) -> bool {
        self.kind == Kind::Sign(sign)
    }

    /// The command's name.
    pub fn command(&self) -> Option<&str> {
        match &self.kind {
            Kind::Command(name) => Some(name),
            _ => None,
        }
    }
}

struct Lexer<'a> {
    text: &'a str,
    position: usize,
    end: usize,
    syntax: Syntax,
    tokens: Vec<Token>,
}

/// The tokens of a range of a text.
pub fn tokens(text: &str, span: Span, syntax: Syntax, diagnostics: &mut Vec<Diagnostic>) -> Vec<Token> {
    let mut lexer = Lexer { text, position: span.start, end: span.end, syntax, tokens: Vec::new() };
    while let Some(character) = lexer.peek() {
        lexer.one(character, diagnostics);
    }
    lexer.tokens
}

impl Lexer<'_> {
    fn rest(&self) -> &str {
        &self.text[self.position..self.end]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn push(&mut self, kind: Kind, start: usize) {
        self.tokens.push(Token { kind, span: Span::new(start, self.position) });
    }

    fn one(&mut self, character: char, diagnostics: &mut Vec<Diagnostic>) {
        let start = self.position;
        if self.rest().starts_with("[\\![") || self.rest().starts_with("]\\!]") {
            self.position += 4;
            self.push(Kind::Command(if character == '[' { "llbracket" } else { "rrbracket" }.to_owned()), start);
            return;
        }
        match character {
            '\\' => self.command(start),
            '%' => self.comment(),
            '\n' => {
                self.position += 1;
                self.push(Kind::Newline, start);
            }
            '0'..='9' => self.number(start),
            '.' if self.rest()[1..].starts_with(|next: char| next.is_ascii_digit()) => self.number(start),
            _ if character.is_whitespace() || character == '~' => self.position += character.len_utf8(),
            _ if character.is_alphabetic() => self.word(character, start),
            _ => self.sign(character, start, diagnostics),
        }
    }

    fn sign(&mut self, character: char, start: usize, diagnostics: &mut Vec<Diagnostic>) {
        self.position += character.len_utf8();
        let mapped = match character {
            '−' => '-',
            '·' | '×' => '*',
            '≤' => return self.push(Kind::Command("le".into()), start),
            '≥' => return self.push(Kind::Command("ge".into()), start),
            '≠' => return self.push(Kind::Command("ne".into()), start),
            '∑' => return self.push(Kind::Command("sum".into()), start),
            '，' | '、' => ',',
            '。' => '.',
            other => other,
        };
        if self.syntax == Syntax::Plain {
            for (text, command) in [("<=", "le"), (">=", "ge"), ("!=", "ne"), ("==", "=")] {
                if self.text[start..self.end].starts_with(text) {
                    self.position = start + 2;
                    let kind = if command == "=" { Kind::Sign('=') } else { Kind::Command(command.into()) };
                    return self.push(kind, start);
                }
            }
        }
        if "+-*/=<>()[]{}|,.;:!'^_&\u{2032}".contains(mapped) {
            let mapped = if mapped == '\u{2032}' { '\'' } else { mapped };
            self.push(Kind::Sign(mapped), start);
        } else {
            let error = Diagnostic::error("unexpected-character", Span::new(start, self.position));
            diagnostics.push(error.with("character", character.to_string()));
        }
    }

    /// A comment takes the end of its line with it, as in TeX.
    fn comment(&mut self) {
        self.position += self.rest().find('\n').map_or(self.rest().len(), |newline| newline + 1);
    }

    fn number(&mut self, start: usize) {
        let rest = self.rest();
        let digits = |text: &str| text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let mut length = digits(rest);
        if rest[length..].starts_with('.') {
            let fraction = digits(&rest[length + 1..]);
            if fraction > 0 || length > 0 && !rest[length + 1..].trim_start().is_empty() && fraction > 0 {
                length += 1 + fraction;
            }
        }
        let exponent = &rest[length..];
        if let Some(tail) = exponent.strip_prefix(['e', 'E']) {
            let sign = usize::from(tail.starts_with(['+', '-']));
            let count = digits(&tail[sign..]);
            if count > 0 {
                length += 1 + sign + count;
            }
        }
        let literal = rest[..length].to_owned();
        self.position += length;
        self.push(Kind::Number(literal), start);
    }

    fn word(&mut self, character: char, start: usize) {
        if self.syntax == Syntax::Plain {
            let inside = |c: char| c.is_alphanumeric() || c == '_';
            let length = self.rest().find(|c: char| !inside(c)).unwrap_or(self.rest().len());
            let word = self.rest()[..length].to_owned();
            self.position += length;
            self.push(Kind::Word(word), start);
        } else {
            self.position += character.len_utf8();
            self.push(Kind::Word(character.to_string()), start);
        }
    }

    fn command(&mut self, start: usize) {
        let rest = &self.rest()[1..];
        let letters = rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len());
        let length = if letters > 0 { letters } else { rest.chars().next().map_or(0, char::len_utf8) };
        let name = rest[..length].to_owned();
        self.position += 1 + length;
        match name.as_str() {
            "\\" => self.row(start),
            "quad" | "qquad" => self.push(Kind::Quad, start),
            _ if SILENT.contains(&name.as_str()) => {
                self.braced();
            }
            _ if SPACING.contains(&name.as_str()) => {}
            "text" | "textrm" | "mathrm" | "operatorname" | "mbox" | "textit" | "textbf" => {
                if self.rest().starts_with('*') {
                    self.position += 1;
                }
                let content = self.braced().unwrap_or_default();
                self.push(Kind::Upright(name, content), start);
            }
            _ => self.push(Kind::Command(name), start),
        }
    }

    /// `\\`, perhaps with a distance.
    fn row(&mut self, start: usize) {
        if self.rest().starts_with('[')
            && let Some(end) = self.rest().find(']')
            && self.rest()[1..end].ends_with(['m', 't', 'x', 'n'])
        {
            self.position += end + 1;
        }
        self.push(Kind::Row, start);
    }

    /// The text of a brace group that follows.
    fn braced(&mut self) -> Option<String> {
        let skipped = self.rest().len() - self.rest().trim_start().len();
        let rest = self.rest()[skipped..].strip_prefix('{')?;
        let mut depth = 1;
        for (at, character) in rest.char_indices() {
            match character {
                '{' => depth += 1,
                '}' => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                let content = rest[..at].to_owned();
                self.position += skipped + 1 + at + 1;
                return Some(content);
            }
        }
        None
    }
}
