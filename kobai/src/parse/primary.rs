//! Primaries: numbers, brackets, bars, fractions, roots, cases, indicators.

use super::commands;
use super::expression::{is_zero, ungrouped};
use super::letters;
use super::parser::Parser;
use super::token::{Token, TokenKind};
use crate::formula::{Bracket, Formula, Join, Kind, Spelling};
use crate::source::{Diagnostic, Span};
use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::pow::Pow;

/// Exponents and lengths of literals beyond these would make numbers that no one meant.
const LARGEST_EXPONENT: i64 = 1_000;
const LONGEST_NUMBER: usize = 1_000;

impl<'a> Parser<'a, '_> {
    /// One primary. It takes at least one token, if [`Parser::at_operand`] holds.
    pub fn primary(&mut self) -> Formula {
        let Some(token) = self.peek().filter(|_| self.at_start()) else {
            return self.missing_operand();
        };
        match token.kind {
            TokenKind::Number => {
                self.advance();
                self.number_value(token.text, token.span)
            }
            TokenKind::Letter => self.letter(),
            TokenKind::Word => self.word(),
            TokenKind::Text | TokenKind::Roman if self.in_script => {
                self.advance();
                Formula::new(Kind::Text(token.text.into()), token.span)
            }
            TokenKind::Text | TokenKind::Roman | TokenKind::Operator => self.named(),
            TokenKind::Begin => self.environment(token),
            TokenKind::Symbol => self.bracket(token),
            _ => self.command(token),
        }
    }

    fn missing_operand(&mut self) -> Formula {
        let Some(token) = self.peek() else {
            let (place, after) = (self.last(), self.written(self.last()));
            return self.missing("missing-operand", "after", after, place);
        };
        if matches!(token.kind, TokenKind::Unknown | TokenKind::Text) {
            self.advance();
            return self.unexpected(token);
        }
        let after = self.position.checked_sub(1).map_or("", |_| self.written(self.last()));
        self.missing("missing-operand", "after", after, token.span)
    }

    fn command(&mut self, token: Token<'a>) -> Formula {
        match token.text {
            r"\frac" => self.fraction(token),
            r"\sqrt" => self.root(token),
            r"\lim" => self.limit(token),
            r"\infty" => {
                self.advance();
                Formula::new(Kind::Infinity, token.span)
            }
            r"\{" | r"\lvert" | r"\lVert" | r"\|" | r"\langle" | r"\llbracket" => self.bracket(token),
            r"\arg\min" | r"\arg\max" | r"\arg" => {
                self.advance();
                self.fail(Diagnostic::error("objective-inside-expression", token.span).with("name", token.text))
            }
            r"\mathbb" | r"\mathbf" | r"\mathbbm" | r"\mathds" | r"\bm" | r"\boldsymbol" => self.blackboard(token),
            text if commands::big_operator(text).is_some() => self.operator_command(token),
            text if commands::function_command(text).is_some() => self.function_command(token),
            text if self.is_name(token) || text.is_empty() => self.letter(),
            text if letters::is_font(text) || letters::accent(text).is_some() => self.nested(Parser::decorated),
            _ => {
                self.advance();
                let error = self.unexpected(token);
                // What an unknown command takes is unknown too; reading on inside it would only add noise.
                while let Some(open) = self.peek().filter(|next| next.kind == TokenKind::Symbol && next.text == "{") {
                    self.advance();
                    self.skip_to_close();
                    self.close(open, "}");
                }
                error
            }
        }
    }

    /// Brackets that group, and those that mean something by themselves.
    fn bracket(&mut self, open: Token<'a>) -> Formula {
        self.advance();
        let Some(closing) = commands::closing(open.text).or(match open.text {
            "|" => Some("|"),
            r"\|" => Some(r"\|"),
            _ => None,
        }) else {
            return self.unexpected(open);
        };
        if closing == "|" || closing == r"\|" {
            return self.bars(open, closing);
        }
        if open.text == r"\langle" {
            return self.inner_product(open);
        }
        let inner = self.inside(Parser::relation);
        if open.text == "(" && self.at(",") {
            let comma = self.here();
            self.error("several-values-in-bracket", comma);
            self.skip_to_close();
        }
        self.close(open, closing);
        let span = self.since(open.span);
        let kind = match open.text {
            "(" => Kind::Group(Bracket::Round, Box::new(inner)),
            "[" if matches!(inner.kind, Kind::Relation(..) | Kind::Member(..)) => Kind::Indicator(Box::new(inner)),
            "[" => Kind::Group(Bracket::Square, Box::new(inner)),
            r"\{" => Kind::Group(Bracket::Curly, Box::new(inner)),
            r"\llbracket" => Kind::Indicator(Box::new(inner)),
            r"\lvert" => Kind::Absolute(Box::new(inner)),
            r"\lVert" => return self.norm(inner, span),
            _ => return self.braces(inner, span),
        };
        Formula::new(kind, span)
    }

    /// TeX's braces: around one thing they are not there.
    fn braces(&mut self, inner: Formula, span: Span) -> Formula {
        match inner.kind {
            Kind::Name { base, subscripts, superscripts, opaque: false } if !self.at_open_bracket() => {
                self.scripted(base, subscripts, superscripts, span)
            }
            Kind::Sum(_) | Kind::Product(_) | Kind::Power(..) | Kind::Reduce { .. } | Kind::Relation(..) => {
                Formula::new(Kind::Group(Bracket::Invisible, Box::new(inner)), span)
            }
            kind => Formula::new(kind, span),
        }
    }

    /// Bars that look alike on both sides: one where an operand is due opens, the next one at its depth closes.
    fn bars(&mut self, open: Token<'a>, closing: &'static str) -> Formula {
        self.bars.push(closing);
        let inner = self.sum();
        self.bars.pop();
        if self.accept(closing).is_none() {
            self.close(open, closing);
        }
        let span = self.since(open.span);
        if closing == r"\|" {
            return self.norm(inner, span);
        }
        Formula::new(Kind::Absolute(Box::new(inner)), span)
    }

    /// The order of a norm, after its bars.
    fn norm(&mut self, inner: Formula, span: Span) -> Formula {
        let order = self.accept("_").map(|_| Box::new(self.script_argument()));
        let span = self.since(span);
        Formula::new(Kind::Norm(Box::new(inner), order), span)
    }

    fn inner_product(&mut self, open: Token<'a>) -> Formula {
        let (left, right) = self.inside(|parser| {
            let left = parser.sum();
            let comma = parser.accept(",").is_some();
            (left, comma.then(|| parser.sum()))
        });
        let Some(right) = right else {
            let place = self.here();
            self.close(open, r"\rangle");
            return self.missing("missing-argument", "name", r"\langle", place);
        };
        self.close(open, r"\rangle");
        let span = self.since(open.span);
        Formula::new(Kind::Inner(Box::new(left), Box::new(right)), span)
    }

    /// An argument of a command by TeX's rule, missing ones reported.
    pub fn command_argument(&mut self, command: Token<'a>) -> Formula {
        let present = self.at("{") || self.at_start();
        if present {
            self.script_argument()
        } else {
            self.missing("missing-argument", "name", command.text, command.span)
        }
    }

    fn fraction(&mut self, command: Token<'a>) -> Formula {
        self.advance();
        if let Some(derivative) = self.derivative(command) {
            return derivative;
        }
        let numerator = self.command_argument(command);
        let denominator = self.command_argument(command);
        if is_zero(&denominator) {
            self.error("division-by-zero", denominator.span);
        }
        let span = self.since(command.span);
        Formula::new(Kind::Fraction(Box::new(numerator), Box::new(denominator)), span)
    }

    fn root(&mut self, command: Token<'a>) -> Formula {
        self.advance();
        let degree = self.accept("[").map(|open| {
            let degree = self.inside(Parser::sum);
            self.close(open, "]");
            Box::new(degree)
        });
        // The sign √ has no braces: it takes a whole number, a name or a bracket.
        let sign = !self.written(command.span).starts_with('\\');
        let radicand = if sign && self.at_start() {
            ungrouped(self.nested(Parser::primary))
        } else {
            self.command_argument(command)
        };
        let span = self.since(command.span);
        Formula::new(Kind::Root(degree, Box::new(radicand)), span)
    }

    /// `\begin{cases}`.
    fn environment(&mut self, begin: Token<'a>) -> Formula {
        self.advance();
        if !commands::CASES.contains(&begin.text) {
            let error = self.fail(Diagnostic::error("unknown-environment", begin.span).with("name", begin.text));
            self.skip_environment();
            return error;
        }
        let mut branches = Vec::new();
        self.inside(|parser| {
            while parser.peek().is_some_and(|token| token.kind != TokenKind::End) {
                let branch = parser.branch();
                branches.push(branch);
                if parser.peek().is_none_or(|token| token.kind != TokenKind::RowBreak) {
                    break;
                }
                parser.advance();
            }
        });
        match self.peek() {
            Some(end) if end.kind == TokenKind::End => {
                self.advance();
                if end.text != begin.text {
                    let error = Diagnostic::error("mismatched-environment", end.span).related(begin.span);
                    self.diagnostics.push(error.with("opened", begin.text).with("closed", end.text));
                }
            }
            Some(other) => {
                self.unexpected(other);
                self.skip_environment();
            }
            None => self
                .diagnostics
                .push(Diagnostic::error("unclosed-environment", begin.span).with("environment", begin.text)),
        }
        let span = self.since(begin.span);
        if branches.is_empty() {
            return self.fail(Diagnostic::error("cases-empty", span));
        }
        Formula::new(Kind::Cases(branches), span)
    }

    fn skip_environment(&mut self) {
        let mut depth = 0_usize;
        while let Some(token) = self.advance() {
            match token.kind {
                TokenKind::Begin => depth += 1,
                TokenKind::End if depth == 0 => return,
                TokenKind::End => depth -= 1,
                _ => {}
            }
        }
    }

    /// A row of cases: value and condition.
    fn branch(&mut self) -> (Formula, Option<Formula>) {
        let value = self.sum();
        self.accept(",");
        self.accept("&");
        let mut otherwise = false;
        while let Some(words) = self.peek().filter(|token| token.kind == TokenKind::Text) {
            otherwise |= commands::is_otherwise(words.text);
            if !otherwise && !commands::is_condition_word(words.text) {
                break;
            }
            self.advance();
        }
        let ends = self.peek().is_none_or(|token| matches!(token.kind, TokenKind::RowBreak | TokenKind::End))
            || self.at(".")
            || self.at(",");
        let condition = (!otherwise && !ends).then(|| self.relation());
        while self.peek().is_some_and(|token| token.kind == TokenKind::Text && commands::is_condition_word(token.text))
        {
            self.advance();
        }
        if self.accept(",").is_none() {
            self.accept(".");
        }
        (value, condition)
    }

    /// A letter in a blackboard or bold font, which may be an indicator or an expectation.
    fn blackboard(&mut self, token: Token<'a>) -> Formula {
        let texts: [&str; 3] = std::array::from_fn(|ahead| self.peek_at(ahead + 1).map_or("", |next| next.text));
        let (letter, count) = if texts[0] == "{" && texts[2] == "}" { (texts[1], 4) } else { (texts[0], 2) };
        let double = token.text != r"\mathbf" && token.text != r"\bm" && token.text != r"\boldsymbol";
        match letter {
            "1" => {
                self.position += count;
                self.indicator(token)
            }
            "I" if double && self.peek_at(count).is_some_and(|next| ["_", "(", "[", r"\{"].contains(&next.text)) => {
                self.position += count;
                self.indicator(token)
            }
            "E" if double => {
                self.position += count;
                let span = self.since(token.span);
                self.expectation(span)
            }
            _ => self.nested(Parser::decorated),
        }
    }

    /// What follows the one of an indicator: `[c]`, `_{c}`, `_{\{c\}}`.
    fn indicator(&mut self, start: Token<'a>) -> Formula {
        if let Some(ones) = self.vector_of_ones(start) {
            return ones;
        }
        let script = self.accept("_").is_some();
        let Some(open) =
            self.peek().filter(|token| ["(", "[", r"\{"].contains(&token.text) || (script && token.text == "{"))
        else {
            let span = self.since(start.span);
            return self.fail(Diagnostic::error("indicator-without-condition", span));
        };
        self.advance();
        let conditions = self.inside(Parser::list);
        self.close(open, commands::closing(open.text).unwrap_or(")"));
        let span = self.since(start.span);
        all_of(conditions, span)
    }

    /// `\mathbf{1}` without a condition, or with the name of its size below, as in `\mathbf{1}_N`.
    fn vector_of_ones(&mut self, start: Token<'a>) -> Option<Formula> {
        let conditional = ["(", "[", r"\{", r"\llbracket"].contains(&self.text());
        let sized = self.at("_") && {
            self.position += 1;
            let sized = self.short_script().is_some_and(|(token, _)| token.kind == TokenKind::Letter);
            self.position -= 1;
            sized
        };
        if conditional || (self.at("_") && !sized) {
            return None;
        }
        let span = self.since(start.span);
        let base = Spelling { plain: "1".into(), latex: self.written(span).into() };
        Some(self.scripted(base, Vec::new(), Vec::new(), span))
    }

    /// The value of a literal.
    pub fn number_value(&mut self, text: &str, span: Span) -> Formula {
        match exact(text) {
            Some(value) => Formula::new(Kind::Number(value), span),
            None => self.fail(Diagnostic::error("number-too-large", span)),
        }
    }
}

/// The indicator of several conditions is the product of theirs.
pub(super) fn all_of(conditions: Vec<Formula>, span: Span) -> Formula {
    let mut factors: Vec<(Join, Formula)> = conditions
        .into_iter()
        .map(|condition| {
            let inner = match condition.kind {
                // Brackets inside braces only set the condition apart.
                Kind::Indicator(inner) => *inner,
                Kind::Group(Bracket::Curly, inner) => *inner,
                _ => ungrouped(condition),
            };
            (Join::Juxtaposed, Formula::new(Kind::Indicator(Box::new(inner)), span))
        })
        .collect();
    match (factors.len(), factors.pop()) {
        (1, Some((_, only))) => only,
        (_, Some(last)) => {
            factors.push(last);
            Formula::new(Kind::Product(factors), span)
        }
        (_, None) => Formula::new(Kind::Error, span),
    }
}

/// A literal as an exact number; `None` if it is unreasonably long or large.
fn exact(text: &str) -> Option<BigRational> {
    if text.len() > LONGEST_NUMBER {
        return None;
    }
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits: BigInt = format!("0{whole}{fraction}").parse().ok()?;
    let exponent: i64 = exponent.parse().ok()?;
    if exponent.abs() > LARGEST_EXPONENT {
        return None;
    }
    let shift = exponent - i64::try_from(fraction.len()).ok()?;
    let power = Pow::pow(BigInt::from(10), shift.unsigned_abs());
    Some(if shift < 0 { BigRational::new(digits, power) } else { BigRational::from_integer(digits * power) })
}
