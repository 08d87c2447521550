//! From text to tokens.

use super::Syntax;
use super::commands::{self, RawArgument};
use super::letters;
use super::token::{Token, TokenKind};
use crate::source::Span;
use std::collections::HashMap;

/// The tokens of a part of a text. Spaces, comments and what means nothing are left out.
pub(super) fn tokens<'a>(source: &'a str, region: Span, syntax: Syntax) -> Vec<Token<'a>> {
    let end = region.end.min(source.len());
    let mut lexer = Lexer {
        source,
        position: region.start,
        end,
        latex: syntax != Syntax::Plain,
        matching: HashMap::new(),
        tokens: Vec::new(),
    };
    lexer.match_braces();
    while lexer.step() {}
    lexer.tokens
}

struct Lexer<'a> {
    source: &'a str,
    position: usize,
    end: usize,
    latex: bool,
    /// The closing brace of each opening one, so that braces inside braces take no second look.
    matching: HashMap<usize, usize>,
    tokens: Vec<Token<'a>>,
}

/// Symbols of two characters in plain text and their like.
const PAIRS: &[&str] = &["==", "!=", "<=", ">=", ":=", ".."];

impl<'a> Lexer<'a> {
    fn rest(&self) -> &'a str {
        self.source.get(self.position..self.end).unwrap_or_default()
    }

    fn push(&mut self, kind: TokenKind, text: &'a str, start: usize) {
        self.tokens.push(Token { kind, text, span: Span::new(start, self.position) });
    }

    /// Reads one token; false at the end.
    fn step(&mut self) -> bool {
        let rest = self.rest();
        let Some(first) = rest.chars().next() else {
            return false;
        };
        let start = self.position;
        match first {
            '\n' => {
                self.position += 1;
                self.push(TokenKind::Newline, "\n", start);
            }
            '~' | '$' if self.latex => self.position += 1,
            '%' if self.latex => self.position += rest.find('\n').map_or(rest.len(), |end| end + 1),
            '\\' => self.command(),
            _ if script_of(first).is_some() => self.script_characters(),
            _ if is_full_width(first) => self.full_width(),
            '0'..='9' => self.number(),
            '.' if rest.chars().nth(1).is_some_and(|next| next.is_ascii_digit()) => self.number(),
            _ if first.is_whitespace() => self.position += first.len_utf8(),
            _ if first.is_alphabetic() => self.letters(first),
            _ => self.symbol(first),
        }
        true
    }

    fn symbol(&mut self, first: char) {
        let start = self.position;
        let rest = self.rest();
        let text = match rest.get(..2).filter(|pair| PAIRS.contains(pair)) {
            Some(pair) => pair,
            None if rest.starts_with(r"[\![") => r"[\![",
            None if rest.starts_with(r"]\!]") => r"]\!]",
            None => rest.get(..first.len_utf8()).unwrap_or_default(),
        };
        self.position += text.len();
        let canonical = match text {
            r"[\![" => r"\llbracket",
            r"]\!]" => r"\rrbracket",
            _ => commands::canonical(text),
        };
        let kind = match canonical {
            _ if canonical.starts_with('\\') => TokenKind::Command,
            _ if canonical == ".." || "+-*/=<>()[]{}|!,;:&^_'.".contains(canonical) => TokenKind::Symbol,
            _ => TokenKind::Unknown,
        };
        self.push(kind, canonical, start);
    }

    /// `²`, `ᵢ` and their like: a script. Several digits side by side are refused, for they would read as a product.
    fn script_characters(&mut self) {
        let rest = self.rest();
        let Some((_, find)) = rest.chars().next().and_then(script_of) else { return };
        let of = |character: char| find(character.encode_utf8(&mut [0; 4]));
        let length = rest.find(|character| of(character).is_none()).unwrap_or(rest.len());
        let characters = rest.get(..length).unwrap_or_default();
        let start = self.position;
        let is_digit = |character: Option<char>| {
            character.and_then(of).is_some_and(|text| text.starts_with(|digit: char| digit.is_ascii_digit()))
        };
        let pairs = characters.chars().zip(characters.chars().skip(1));
        if pairs.into_iter().any(|(first, second)| is_digit(Some(first)) && is_digit(Some(second))) {
            self.position += length;
            self.push(TokenKind::Unknown, characters, start);
            return;
        }
        let lowered = rest.chars().next().and_then(script_of).is_some_and(|(lowered, _)| lowered);
        let (open, close) = if lowered && !self.latex { (None, ("[", "]")) } else { (Some(lowered), ("{", "}")) };
        if let Some(lowered) = open {
            self.push(TokenKind::Symbol, if lowered { "_" } else { "^" }, start);
        }
        self.push(TokenKind::Symbol, close.0, start);
        for (number, character) in characters.chars().enumerate() {
            let Some(text) = of(character) else { continue };
            if number > 0 && !self.latex && lowered {
                self.push(TokenKind::Symbol, ",", self.position);
            }
            let begin = self.position;
            self.position += character.len_utf8();
            let kind = match text.chars().next() {
                Some('\\') => TokenKind::Command,
                Some(digit) if digit.is_ascii_digit() => TokenKind::Number,
                Some(letter) if letter.is_alphabetic() && self.latex => TokenKind::Letter,
                Some(letter) if letter.is_alphabetic() => TokenKind::Word,
                _ => TokenKind::Symbol,
            };
            self.push(kind, text, begin);
        }
        self.push(TokenKind::Symbol, close.1, self.position);
    }

    /// Digits, a fraction, an exponent; a point without a digit after it ends a sentence.
    fn number(&mut self) {
        let start = self.position;
        let bytes = self.rest().as_bytes();
        let digits = |from: usize| bytes.iter().skip(from).take_while(|byte| byte.is_ascii_digit()).count();
        let mut length = digits(0);
        if bytes.get(length) == Some(&b'.') && digits(length + 1) > 0 {
            length += 1 + digits(length + 1);
        }
        if matches!(bytes.get(length), Some(b'e' | b'E')) {
            let sign = usize::from(matches!(bytes.get(length + 1), Some(b'+' | b'-')));
            let exponent = digits(length + 1 + sign);
            if exponent > 0 {
                length += 1 + sign + exponent;
            }
        }
        let text = self.rest().get(..length).unwrap_or_default();
        self.position += length;
        self.push(TokenKind::Number, text, start);
    }

    fn letters(&mut self, first: char) {
        let start = self.position;
        let rest = self.rest();
        if let Some(words) = self.lead_in() {
            self.position += words.len();
            self.push(TokenKind::Text, words, start);
            return;
        }
        let letter = rest.get(..first.len_utf8()).unwrap_or_default();
        if letter == "ℓ" {
            self.position += letter.len();
            self.push(TokenKind::Command, r"\ell", start);
        } else if let Some(command) = letters::greek_command(letter) {
            self.position += letter.len();
            self.push(TokenKind::Command, command, start);
        } else if self.latex {
            self.position += letter.len();
            self.push(if first.is_ascii() { TokenKind::Letter } else { TokenKind::Unknown }, letter, start);
        } else {
            let word = run(rest, is_word_letter);
            self.position += word.len();
            self.push(TokenKind::Word, word, start);
        }
    }

    /// Digits and letters in full width would read as names of their own.
    fn full_width(&mut self) {
        let start = self.position;
        let characters = run(self.rest(), is_full_width);
        self.position += characters.len();
        self.push(TokenKind::Unknown, characters, start);
    }

    /// `where` and its like at the start of a line.
    fn lead_in(&self) -> Option<&'a str> {
        let line_start = self
            .tokens
            .last()
            .is_none_or(|last| matches!(last.kind, TokenKind::Newline | TokenKind::RowBreak | TokenKind::Begin));
        if !line_start {
            return None;
        }
        let run = run(self.rest(), char::is_alphabetic);
        let after = self.rest().get(run.len()..).and_then(|rest| rest.chars().next());
        let apart = after.is_none_or(|next| next.is_whitespace() || next == ',' || !run.is_ascii());
        (apart && run.len() > 1 && commands::is_lead_in(run)).then_some(run)
    }

    fn command(&mut self) {
        let start = self.position;
        let rest = self.rest();
        let after = rest.get(1..).unwrap_or_default();
        let letters = after.bytes().take_while(u8::is_ascii_alphabetic).count();
        let length = if letters > 0 { letters } else { after.chars().next().map_or(0, char::len_utf8) };
        let text = rest.get(..=length).unwrap_or(rest);
        self.position += text.len();
        match text {
            r"\\" => self.row_break(start),
            "\\\n" | "\\\t" | "\\" => {}
            r"\quad" | r"\qquad" => self.push(TokenKind::Quad, text, start),
            _ if commands::is_silent(text) => {}
            _ if commands::size_command(text).is_some() => self.delimiter(commands::size_command(text).flatten()),
            _ => match commands::raw_argument(text) {
                Some(argument) => self.raw_argument(argument, text, start),
                None => self.spelt(commands::canonical(text), start),
            },
        }
    }

    /// A command, or the symbol that it is another spelling of.
    fn spelt(&mut self, canonical: &'a str, start: usize) {
        let kind = if canonical.starts_with('\\') { TokenKind::Command } else { TokenKind::Symbol };
        self.push(kind, canonical, start);
    }

    /// `\\`, perhaps with a star or a length, `\\[2pt]`.
    fn row_break(&mut self, start: usize) {
        let rest = self.rest();
        if let Some(inside) = rest.strip_prefix('[')
            && let Some(end) = inside.bytes().take(12).position(|byte| byte == b']')
        {
            let unit = inside.get(..end).unwrap_or_default().trim();
            if ["pt", "ex", "em", "mm", "cm", "in"].iter().any(|known| unit.ends_with(known)) {
                self.position += end + 2;
            }
        }
        self.push(TokenKind::RowBreak, r"\\", start);
    }

    /// The delimiter after `\left` and its like. A point there is no delimiter at all.
    fn delimiter(&mut self, opens: Option<bool>) {
        let rest = self.rest();
        self.position += rest.len() - rest.trim_start().len();
        let first_new = self.tokens.len();
        if self.rest().starts_with('.') {
            self.position += 1;
            return;
        }
        self.step();
        if let (Some(token), Some(opens)) = (self.tokens.get_mut(first_new), opens)
            && let Some(text) = commands::sided(token.text, opens)
        {
            token.kind = TokenKind::Command;
            token.text = text;
        }
    }

    /// A command whose braces hold something other than mathematics.
    fn raw_argument(&mut self, argument: RawArgument, command: &'a str, start: usize) {
        let before = self.position;
        let rest = self.rest();
        let trimmed = rest.strip_prefix('*').unwrap_or(rest).trim_start();
        self.position += rest.len() - trimmed.len();
        let Some(&close) = self.matching.get(&self.position) else {
            self.position = before;
            self.push(TokenKind::Command, command, start);
            return;
        };
        let inside = self.source.get(self.position + 1..close).unwrap_or_default();
        let kind = match argument {
            RawArgument::Dropped => None,
            RawArgument::Text => Some(TokenKind::Text),
            RawArgument::Operator => Some(TokenKind::Operator),
            RawArgument::Roman if inside.chars().all(|letter| letter.is_alphanumeric() || " _-".contains(letter)) => {
                Some(TokenKind::Roman)
            }
            RawArgument::Roman => {
                self.position = before;
                self.push(TokenKind::Command, command, start);
                return;
            }
            RawArgument::Begin => Some(TokenKind::Begin),
            RawArgument::End => Some(TokenKind::End),
        };
        self.position = close + 1;
        if let Some(kind) = kind {
            self.push(kind, inside.trim().trim_end_matches('*'), start);
        }
    }

    /// Finds the closing brace of every opening one.
    fn match_braces(&mut self) {
        let mut open = Vec::new();
        let mut bytes = self.rest().bytes().enumerate();
        while let Some((offset, byte)) = bytes.next() {
            match byte {
                b'\\' => {
                    bytes.next();
                }
                b'%' => {
                    for (_, next) in bytes.by_ref() {
                        if next == b'\n' {
                            break;
                        }
                    }
                }
                b'{' => open.push(self.position + offset),
                b'}' => {
                    if let Some(start) = open.pop() {
                        self.matching.insert(start, self.position + offset);
                    }
                }
                _ => {}
            }
        }
    }
}

/// Finds what a raised or lowered character stands for.
type ScriptTable = fn(&str) -> Option<&'static str>;

/// Whether a character is lowered, and the table that it stands in; `None` if it stands on the line.
fn script_of(character: char) -> Option<(bool, ScriptTable)> {
    if character.is_ascii() {
        return None;
    }
    let mut buffer = [0; 4];
    let text = character.encode_utf8(&mut buffer);
    if commands::superscript(text).is_some() {
        Some((false, commands::superscript))
    } else {
        commands::subscript(text).map(|_| (true, commands::subscript as ScriptTable))
    }
}

/// Digits and letters as wide as a Japanese character.
fn is_full_width(character: char) -> bool {
    matches!(character, '０'..='９' | 'Ａ'..='Ｚ' | 'ａ'..='ｚ')
}

/// What a word of plain text is made of. A Greek letter is a name of its own.
fn is_word_letter(character: char) -> bool {
    if character.is_ascii() {
        return character.is_ascii_alphanumeric() || character == '_';
    }
    let greek = letters::greek_command(character.encode_utf8(&mut [0; 4])).is_some();
    character.is_alphabetic() && !greek && script_of(character).is_none() && !is_full_width(character)
}

/// The letters at the start of a text.
fn run(text: &str, keep: fn(char) -> bool) -> &str {
    text.get(..text.find(|letter| !keep(letter)).unwrap_or(text.len())).unwrap_or(text)
}
