//! Expressions, by recursive descent.

use super::commands::{FUNCTIONS, LETTER_FUNCTIONS, nearest};
use super::equation::{Known, relation};
use super::lexer::{Kind as T, Token};
use super::script::name_formula;
use crate::formula::{Bracket, Formula, Join, Kind, ScriptPart, Spelling};
use crate::source::{Diagnostic, Span};
use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{One, Signed, Zero};

/// Deeper nesting is refused.
const DEEPEST: usize = 200;
/// Larger exponents of a literal are refused: they would make a number that no memory holds.
const LARGEST_EXPONENT: i64 = 5_000;

/// Reads the tokens of one equation.
pub struct Parser<'a> {
    tokens: Vec<Token>,
    at: usize,
    known: &'a Known,
    diagnostics: &'a mut Vec<Diagnostic>,
    depth: usize,
    /// How many bars wait for their partner.
    bars: usize,
    quiet: bool,
    /// Set when nesting went too deep: nothing more is read.
    stopped: bool,
}

impl<'a> Parser<'a> {
    /// A parser for these tokens.
    pub fn new(tokens: &[Token], known: &'a Known, diagnostics: &'a mut Vec<Diagnostic>) -> Parser<'a> {
        let tokens = tokens.to_vec();
        Parser { tokens, at: 0, known, diagnostics, depth: 0, bars: 0, quiet: false, stopped: false }
    }

    pub(super) fn peek(&self) -> Option<&Token> {
        self.peek_at(0)
    }

    pub(super) fn peek_at(&self, offset: usize) -> Option<&Token> {
        if self.stopped { None } else { self.tokens.get(self.at + offset) }
    }

    pub(super) fn advance(&mut self) {
        self.at += 1;
    }

    pub(super) fn position(&self) -> usize {
        self.at
    }

    pub(super) fn rewind(&mut self, position: usize) {
        self.at = position;
    }

    pub(super) fn slice(&self, first: usize) -> &[Token] {
        self.tokens.get(first..self.at.min(self.tokens.len())).unwrap_or(&[])
    }

    pub(super) fn report(&mut self, diagnostic: Diagnostic) {
        if !self.quiet && !self.stopped {
            self.diagnostics.push(diagnostic);
        }
    }

    pub(super) fn eat(&mut self, sign: char) -> bool {
        let found = self.peek().is_some_and(|token| token.is(sign));
        self.at += usize::from(found);
        found
    }

    /// The place of the next token, or the end.
    pub(super) fn place(&self) -> Span {
        match (self.tokens.get(self.at), self.tokens.last()) {
            (Some(token), _) => token.span,
            (None, Some(last)) => Span::new(last.span.end, last.span.end),
            (None, None) => Span::default(),
        }
    }

    /// Where what was just read ends.
    fn since(&self, start: Span) -> Span {
        let last = self.at.checked_sub(1).and_then(|at| self.tokens.get(at));
        last.map_or(start, |token| start.to(token.span))
    }

    pub(super) fn close(&mut self, sign: char, open: Span) {
        if !self.eat(sign) {
            let code = if sign == '}' { "unclosed-brace" } else { "unclosed-bracket" };
            self.report(Diagnostic::error(code, open).with("bracket", sign.to_string()));
        }
    }

    /// Takes the first digit of a number: `\frac12` is a half, `x_12` has the subscript 1.
    pub(super) fn take_digit(&mut self) {
        let Some(Token { kind: T::Number(digits), span }) = self.tokens.get_mut(self.at) else { return };
        if digits.len() > 1 && !digits.contains('.') {
            digits.remove(0);
            span.start += 1;
        } else {
            self.at += 1;
        }
    }

    /// What is left over has no place here.
    pub(super) fn expect_end(&mut self) {
        while let Some(token) = self.peek().cloned() {
            if token.is(',') || token.is('.') || token.is('&') {
                self.advance();
                continue;
            }
            let code = if matches!(token.kind, T::Sign(')' | ']' | '}')) { "unexpected-closing" } else { "unexpected" };
            let text = token_text(&token);
            self.report(Diagnostic::error(code, token.span).with("bracket", text.clone()).with("text", text));
            return;
        }
    }

    /// A sum that may not be one; what is wrong with it is not reported.
    pub(super) fn sum_quietly(&mut self) -> Option<Formula> {
        let was = std::mem::replace(&mut self.quiet, true);
        let formula = self.sum();
        self.quiet = was;
        (formula.kind != Kind::Error).then_some(formula)
    }

    /// Sides with relations between them.
    pub(super) fn relation(&mut self) -> Formula {
        let first = self.sum();
        let start = first.span;
        if self.peek().is_some_and(|token| token.command() == Some("in")) {
            return self.membership(first);
        }
        let mut links = Vec::new();
        loop {
            self.eat('&');
            // `:=`
            if self.peek().is_some_and(|token| token.is(':')) && self.peek_at(1).is_some_and(|token| token.is('=')) {
                self.advance();
            }
            let Some(found) = self.peek().and_then(relation) else { break };
            self.advance();
            self.eat('&');
            links.push((found, self.sum()));
        }
        if links.is_empty() { first } else { Formula::new(Kind::Relation(Box::new(first), links), self.since(start)) }
    }

    /// `x \in \{0, 1\}`
    fn membership(&mut self, element: Formula) -> Formula {
        self.advance();
        let open = self.place();
        let elements = if matches!(self.peek().and_then(Token::command), Some("{" | "lbrace")) {
            self.advance();
            let elements = self.arguments('\0');
            if matches!(self.peek().and_then(Token::command), Some("}" | "rbrace")) {
                self.advance();
            } else {
                self.report(Diagnostic::error("unclosed-bracket", open).with("bracket", "\\}"));
            }
            elements
        } else {
            self.report(Diagnostic::error("set-expected", open));
            self.at = self.tokens.len();
            Vec::new()
        };
        let span = self.since(element.span);
        Formula::new(Kind::Member(Box::new(element), elements), span)
    }

    /// Formulas separated by commas, up to a closing bracket.
    pub(super) fn arguments(&mut self, closing: char) -> Vec<Formula> {
        let mut arguments = Vec::new();
        if self.peek().is_none_or(|token| token.is(closing)) {
            return arguments;
        }
        loop {
            arguments.push(self.relation());
            if !self.eat(',') {
                return arguments;
            }
        }
    }

    /// Terms with signs.
    pub(super) fn sum(&mut self) -> Formula {
        self.depth += 1;
        let result = if self.depth > DEEPEST { self.too_deep() } else { self.sum_inner() };
        self.depth -= 1;
        result
    }

    fn too_deep(&mut self) -> Formula {
        let place = self.place();
        self.report(Diagnostic::error("nesting-too-deep", place));
        self.stopped = true;
        Formula::new(Kind::Error, place)
    }

    fn sum_inner(&mut self) -> Formula {
        let start = self.place();
        let mut terms = Vec::new();
        let mut negative = false;
        while let Some(sign) = self.sign() {
            negative ^= sign;
        }
        terms.push((negative, self.term()));
        loop {
            self.skip_alignment();
            let Some(mut negative) = self.sign() else { break };
            while let Some(again) = self.sign() {
                negative ^= again;
            }
            terms.push((negative, self.term()));
        }
        match terms.pop() {
            Some((false, only)) if terms.is_empty() => only,
            Some(last) => {
                terms.push(last);
                Formula::new(Kind::Sum(terms), self.since(start))
            }
            None => Formula::new(Kind::Error, start),
        }
    }

    /// An alignment mark in front of an operator means nothing.
    fn skip_alignment(&mut self) {
        let operator = self.peek_at(1).is_some_and(|token| matches!(token.kind, T::Sign('+' | '-')));
        if operator {
            self.eat('&');
        }
    }

    fn sign(&mut self) -> Option<bool> {
        if self.eat('-') {
            Some(true)
        } else if self.eat('+') {
            Some(false)
        } else {
            None
        }
    }

    /// A term with the signs in front of it.
    pub(super) fn signed_term(&mut self) -> Formula {
        let start = self.place();
        let mut negative = false;
        while let Some(sign) = self.sign() {
            negative ^= sign;
        }
        let term = self.term();
        if negative { Formula::new(Kind::Sum(vec![(true, term)]), self.since(start)) } else { term }
    }

    /// Factors.
    fn term(&mut self) -> Formula {
        let start = self.place();
        if !self.starts_factor() {
            self.report_missing_operand(start);
            return Formula::new(Kind::Error, start);
        }
        let mut factors = vec![(Join::Juxtaposed, self.factor())];
        loop {
            let join = match self.peek() {
                Some(token) if token.is('*') => Join::Times,
                Some(token) if token.is('/') => Join::Divide,
                Some(token) => match token.command() {
                    Some("cdot") => Join::Dot,
                    Some("times" | "ast") => Join::Times,
                    Some("odot" | "circ") => Join::Elementwise,
                    Some("div") => Join::Divide,
                    _ if self.starts_factor() => Join::Juxtaposed,
                    _ => break,
                },
                None => break,
            };
            if join != Join::Juxtaposed {
                self.advance();
                if !self.starts_factor() {
                    let place = self.place();
                    self.report_missing_operand(place);
                    break;
                }
            }
            let divided = factors.last().is_some_and(|(join, _)| *join == Join::Divide);
            let place = self.place();
            if divided && join == Join::Juxtaposed {
                self.report(Diagnostic::warning("division-then-product", place));
            }
            let factor = self.factor();
            if join == Join::Divide && is_zero(&factor) {
                self.report(Diagnostic::error("division-by-zero", factor.span));
            }
            factors.push((join, factor));
        }
        match factors.pop() {
            Some((_, only)) if factors.is_empty() => only,
            Some(last) => {
                factors.push(last);
                Formula::new(Kind::Product(factors), self.since(start))
            }
            None => Formula::new(Kind::Error, start),
        }
    }

    fn report_missing_operand(&mut self, place: Span) {
        match self.peek().cloned() {
            Some(token) => match token.command().map(str::to_owned) {
                Some(name) if !is_known_command(&name) => self.unknown_command(&name, token.span),
                _ => self.report(Diagnostic::error("missing-operand", place)),
            },
            None => self.report(Diagnostic::error("missing-operand", place)),
        }
    }

    pub(super) fn unknown_command(&mut self, name: &str, span: Span) {
        let mut error = Diagnostic::error("unknown-command", span).with("name", name);
        if let Some(known) = nearest(name) {
            error.code = "unknown-command-like";
            error = error.with("suggestion", known);
        }
        self.report(error);
    }

    /// True if a factor can start here.
    pub(super) fn starts_factor(&self) -> bool {
        let Some(token) = self.peek() else { return false };
        match &token.kind {
            T::Number(_) | T::Word(_) | T::Upright(..) => true,
            T::Sign('(' | '[' | '{') => true,
            T::Sign('|') => self.bars == 0,
            T::Command(name) => match name.as_str() {
                "|" | "Vert" | "vert" => self.bars == 0,
                _ => starts_with_command(name),
            },
            _ => false,
        }
    }

    /// An atom with its scripts.
    pub(super) fn factor(&mut self) -> Formula {
        self.depth += 1;
        let result = if self.depth > DEEPEST {
            self.too_deep()
        } else {
            let atom = self.atom();
            self.scripts(atom)
        };
        self.depth -= 1;
        result
    }

    fn atom(&mut self) -> Formula {
        let Some(token) = self.peek().cloned() else { return Formula::new(Kind::Error, self.place()) };
        if let Some(operator) = self.big_operator_here() {
            return self.big_operator(operator);
        }
        if let Some(function) = self.function_here() {
            return self.function(function);
        }
        match &token.kind {
            T::Number(digits) => {
                self.advance();
                self.number(digits, token.span)
            }
            T::Sign('(') => self.group('(', ')', Bracket::Round),
            T::Sign('[') => self.group('[', ']', Bracket::Square),
            T::Sign('{') => self.group('{', '}', Bracket::Invisible),
            T::Sign('|') => self.absolute(),
            T::Command(name) => self.command(name, token.span),
            _ => self.name(token.span),
        }
    }

    fn group(&mut self, open: char, close: char, bracket: Bracket) -> Formula {
        let start = self.place();
        self.eat(open);
        let bars = std::mem::take(&mut self.bars);
        if bracket == Bracket::Invisible && self.eat(close) {
            self.bars = bars;
            return Formula::new(Kind::Group(bracket, Box::new(Formula::new(Kind::Number(BigRational::one()), start))), start);
        }
        let inner = self.relation();
        self.close(close, start);
        self.bars = bars;
        Formula::new(Kind::Group(bracket, Box::new(inner)), self.since(start))
    }

    fn absolute(&mut self) -> Formula {
        let start = self.place();
        self.advance();
        self.bars += 1;
        let inner = self.sum();
        self.bars -= 1;
        let closes = self.peek().is_some_and(|token| token.is('|') || matches!(token.command(), Some("vert" | "rvert")));
        if closes {
            self.advance();
        } else {
            self.report(Diagnostic::error("unclosed-bracket", start).with("bracket", "|"));
        }
        Formula::new(Kind::Absolute(Box::new(inner)), self.since(start))
    }

    fn norm(&mut self, start: Span) -> Formula {
        self.advance();
        self.bars += 1;
        let inner = self.sum();
        self.bars -= 1;
        if matches!(self.peek().and_then(Token::command), Some("|" | "Vert" | "rVert")) {
            self.advance();
        } else {
            self.report(Diagnostic::error("unclosed-bracket", start).with("bracket", "\\|"));
        }
        let order = self.eat('_').then(|| self.script_parts().into_iter().next().map(|part| Box::new(part.formula))).flatten();
        Formula::new(Kind::Norm(Box::new(inner), order), self.since(start))
    }

    /// An atom that a command starts.
    fn command(&mut self, name: &str, span: Span) -> Formula {
        match name {
            "frac" | "dfrac" | "tfrac" => self.fraction(name, span),
            "sqrt" => self.root(span),
            "infty" => {
                self.advance();
                Formula::new(Kind::Infinity, span)
            }
            "lvert" | "vert" => self.absolute(),
            "lVert" | "Vert" | "|" => self.norm(span),
            "{" | "lbrace" => self.curly(&["}", "rbrace"], Bracket::Curly),
            "lbrack" => self.curly(&["rbrack"], Bracket::Square),
            "llbracket" => self.iverson(span),
            "langle" => self.inner_product(span),
            "mathbb" | "mathbbm" => self.blackboard(span),
            "begin" => self.cases(span),
            _ => self.name(span),
        }
    }

    fn curly(&mut self, closing: &[&str], bracket: Bracket) -> Formula {
        let start = self.place();
        self.advance();
        let bars = std::mem::take(&mut self.bars);
        let inner = self.relation();
        self.bars = bars;
        if self.peek().and_then(Token::command).is_some_and(|name| closing.contains(&name)) || closing.contains(&"rbrack") && self.peek().is_some_and(|token| token.is(']')) {
            self.advance();
        } else {
            self.report(Diagnostic::error("unclosed-bracket", start).with("bracket", closing[0]));
        }
        Formula::new(Kind::Group(bracket, Box::new(inner)), self.since(start))
    }

    fn iverson(&mut self, start: Span) -> Formula {
        self.advance();
        let condition = self.relation();
        if self.peek().and_then(Token::command) == Some("rrbracket") {
            self.advance();
        } else {
            self.report(Diagnostic::error("unclosed-bracket", start).with("bracket", "]\\!]"));
        }
        Formula::new(Kind::Indicator(Box::new(condition)), self.since(start))
    }

    fn inner_product(&mut self, start: Span) -> Formula {
        self.advance();
        let left = self.sum();
        if !self.eat(',') {
            self.report(Diagnostic::error("missing-operand", start));
        }
        let right = self.sum();
        if self.peek().and_then(Token::command) == Some("rangle") {
            self.advance();
        } else {
            self.report(Diagnostic::error("unclosed-bracket", start).with("bracket", "\\rangle"));
        }
        Formula::new(Kind::Inner(Box::new(left), Box::new(right)), self.since(start))
    }

    /// `\mathbb{E}_i`, `\mathbb{1}[c]`, or a letter.
    fn blackboard(&mut self, start: Span) -> Formula {
        self.advance();
        let braced = self.eat('{');
        let symbol = self.peek().map(|token| token.kind.clone());
        match symbol {
            Some(T::Number(digits)) if digits.starts_with('1') => {
                self.take_digit();
                if braced {
                    self.close('}', start);
                }
                self.indicator(start)
            }
            Some(T::Word(letter)) => {
                self.advance();
                if braced {
                    self.close('}', start);
                }
                if letter == "E" {
                    return self.expectation(start);
                }
                let name = Spelling { latex: format!("\\mathbb{{{letter}}}"), plain: letter };
                name_formula(name, self.since(start))
            }
            _ => {
                self.report(Diagnostic::error("missing-argument", start).with("command", "\\mathbb"));
                Formula::new(Kind::Error, start)
            }
        }
    }

    /// The condition of an indicator: `[c]`, `_{c}`, `_{[c]}`, `_{\{c\}}`.
    fn indicator(&mut self, start: Span) -> Formula {
        let open = self.place();
        let subscript = self.eat('_');
        let braced = subscript && self.eat('{');
        let condition = if self.peek().is_some_and(|token| matches!(token.kind, T::Sign('[' | '(')) || matches!(token.command(), Some("{" | "lbrace" | "lbrack"))) {
            self.atom()
        } else {
            self.relation()
        };
        if braced {
            self.close('}', open);
        }
        let condition = match condition.kind {
            Kind::Group(_, inner) => *inner,
            kind => Formula::new(kind, condition.span),
        };
        Formula::new(Kind::Indicator(Box::new(condition)), self.since(start))
    }

    fn fraction(&mut self, name: &str, start: Span) -> Formula {
        self.advance();
        let numerator = self.argument(name);
        let denominator = self.argument(name);
        if is_zero(&denominator) {
            self.report(Diagnostic::error("division-by-zero", denominator.span));
        }
        Formula::new(Kind::Fraction(Box::new(numerator), Box::new(denominator)), self.since(start))
    }

    fn root(&mut self, start: Span) -> Formula {
        self.advance();
        let open = self.place();
        let degree = self.eat('[').then(|| {
            let degree = self.sum();
            self.close(']', open);
            Box::new(degree)
        });
        let radicand = self.argument("sqrt");
        Formula::new(Kind::Root(degree, Box::new(radicand)), self.since(start))
    }

    /// An argument by TeX's rule: a brace group or a single token.
    fn argument(&mut self, command: &str) -> Formula {
        let place = self.place();
        match self.peek().map(|token| token.kind.clone()) {
            Some(T::Sign('{')) => self.group('{', '}', Bracket::Invisible),
            Some(T::Sign('(')) if command == "sqrt" => self.group('(', ')', Bracket::Round),
            Some(T::Number(digits)) => {
                let digit = digits.chars().next().map(String::from).unwrap_or_default();
                self.take_digit();
                self.number(&digit, place)
            }
            Some(T::Word(_) | T::Command(_)) if self.starts_factor() => self.atom(),
            _ => {
                self.report(Diagnostic::error("missing-argument", place).with("command", format!("\\{command}")));
                Formula::new(Kind::Error, place)
            }
        }
    }

    /// A literal, exact.
    pub(super) fn number(&mut self, digits: &str, span: Span) -> Formula {
        match decimal(digits) {
            Some(value) => Formula::new(Kind::Number(value), span),
            None => {
                self.report(Diagnostic::error("number-out-of-range", span).with("number", digits));
                Formula::new(Kind::Error, span)
            }
        }
    }

    fn cases(&mut self, start: Span) -> Formula {
        self.advance();
        let Some(T::Upright(_, name)) = self.peek().map(|token| token.kind.clone()) else {
            self.report(Diagnostic::error("missing-argument", start).with("command", "\\begin"));
            return Formula::new(Kind::Error, start);
        };
        self.advance();
        if name != "cases" {
            self.report(Diagnostic::error("unknown-environment", start).with("name", name));
            self.at = self.tokens.len();
            return Formula::new(Kind::Error, start);
        }
        let mut rows = Vec::new();
        loop {
            while self.peek().is_some_and(|token| matches!(token.kind, T::Row | T::Newline)) {
                self.advance();
            }
            if self.peek().is_none_or(|token| token.command() == Some("end")) {
                break;
            }
            let before = self.at;
            let value = self.sum();
            self.eat(',');
            let condition = self.eat('&').then(|| self.case_condition()).flatten();
            rows.push((value, condition));
            self.eat(',');
            self.eat('.');
            if self.at == before {
                self.advance();
            }
        }
        if self.peek().is_some() {
            self.advance();
            self.advance();
        }
        Formula::new(Kind::Cases(rows), self.since(start))
    }

    /// The condition of a case; `otherwise` is none.
    fn case_condition(&mut self) -> Option<Formula> {
        let word = match self.peek().map(|token| &token.kind) {
            Some(T::Upright(_, word)) => Some(word.trim().to_lowercase()),
            _ => None,
        };
        match word.as_deref() {
            Some("otherwise" | "else" | "その他") => {
                self.advance();
                None
            }
            Some(_) => {
                self.advance();
                Some(self.relation())
            }
            None => Some(self.relation()),
        }
    }

    /// The function that starts here, by its plain name, with the tokens that name it.
    fn function_here(&self) -> Option<(String, usize)> {
        let token = self.peek()?;
        let next = self.peek_at(1);
        let bracket = next.is_some_and(is_opening);
        let named = |name: &str| FUNCTIONS.iter().find(|(known, _)| *known == name).map(|(_, plain)| (*plain).to_owned());
        match &token.kind {
            T::Command(name) if name == "sqrt" => None,
            T::Command(name) if matches!(name.as_str(), "max" | "min") => Some((name.clone(), 1)),
            T::Command(name) => {
                if name == "log" && next.and_then(Token::command) == Some("Gamma") && self.peek_at(2).is_some_and(is_opening) {
                    return Some(("loggamma".into(), 2));
                }
                let letter = LETTER_FUNCTIONS.iter().find(|(known, _)| known == name).map(|(_, plain)| (*plain).to_owned());
                let free = !self.known.names.contains(name.as_str());
                letter.filter(|_| bracket && free).or_else(|| named(name).filter(|_| name != "gamma")).map(|plain| (plain, 1)).or_else(|| self.defined_function(name, bracket))
            }
            T::Upright(_, word) => {
                let word = word.replace([' ', '\\', ','], "");
                if matches!(word.as_str(), "max" | "min") && bracket {
                    return Some((word, 1));
                }
                named(&word).filter(|plain| plain != "gamma" || bracket).map(|plain| (plain, 1))
            }
            T::Word(word) => {
                let kl = word == "D" && next.is_some_and(|token| token.is('_')) && self.kl_subscript();
                if kl {
                    return Some(("kl".into(), 1));
                }
                let entropy = word == "H" && bracket && !self.known.names.contains("H") && !self.known.functions.contains("H");
                if entropy {
                    return Some(("entropy".into(), 1));
                }
                let long = word.chars().count() > 1 && bracket;
                let plain = matches!(word.as_str(), "max" | "min").then(|| word.clone()).or_else(|| named(word)).or_else(|| crate::function::Function::from_plain(word).map(|_| word.clone()));
                plain.filter(|_| long).or_else(|| (long && matches!(word.as_str(), "if" | "ind" | "delta")).then(|| word.clone())).map(|plain| (plain, 1)).or_else(|| self.defined_function(word, bracket))
            }
            _ => None,
        }
    }

    fn defined_function(&self, name: &str, bracket: bool) -> Option<(String, usize)> {
        (bracket && self.known.functions.contains(name)).then(|| (name.to_owned(), 1))
    }

    fn kl_subscript(&self) -> bool {
        let mut letters = String::new();
        for offset in 2..7 {
            match self.peek_at(offset).map(|token| &token.kind) {
                Some(T::Word(word)) => letters += word,
                Some(T::Upright(_, word)) => letters += word,
                Some(T::Sign('{')) => {}
                _ => break,
            }
        }
        letters == "KL"
    }

    fn function(&mut self, (function, count): (String, usize)) -> Formula {
        let start = self.place();
        let base_ten = self.peek().and_then(Token::command) == Some("lg");
        for _ in 0..count {
            self.advance();
        }
        let name_span = self.since(start);
        let (mut subscript, mut power) = (None, None);
        loop {
            if subscript.is_none() && self.peek().is_some_and(|token| token.is('_')) {
                self.advance();
                subscript = self.script_parts().into_iter().next().map(|part| Box::new(part.formula));
            } else if power.is_none() && self.peek().is_some_and(|token| token.is('^')) {
                self.advance();
                power = self.function_power(&function);
            } else {
                break;
            }
        }
        if function == "kl" {
            subscript = None;
        }
        if base_ten {
            subscript = Some(Box::new(Formula::new(Kind::Number(BigRational::from_integer(10.into())), name_span)));
        }
        let (arguments, bracketed) = self.function_arguments(&function, name_span);
        self.check_logarithm(&function, &arguments);
        if function == "log" && bracketed && self.peek().is_some_and(|token| token.is('^')) {
            let place = self.place();
            self.report(Diagnostic::warning("log-square", place));
        }
        let component = if bracketed && function == "softmax" && self.eat('_') { self.script_parts() } else { Vec::new() };
        let span = self.since(start);
        plain_form(&function, arguments, subscript, power, component, name_span, span)
    }

    /// The exponent of `\log^2`; −1 could mean two things.
    fn function_power(&mut self, function: &str) -> Option<Box<Formula>> {
        let place = self.place();
        let power = self.script_parts().into_iter().next()?.formula;
        let negative = matches!(&power.kind, Kind::Sum(terms) if matches!(terms[..], [(true, _)]));
        if negative {
            self.report(Diagnostic::error("inverse-power-ambiguous", place).with("name", function));
        }
        Some(Box::new(power))
    }

    fn function_arguments(&mut self, function: &str, name_span: Span) -> (Vec<Formula>, bool) {
        let Some(token) = self.peek().cloned() else {
            self.report(Diagnostic::error("missing-argument", name_span).with("command", function));
            return (vec![Formula::new(Kind::Error, name_span)], false);
        };
        if is_opening(&token) {
            return (self.bracketed_arguments(function), true);
        }
        (vec![self.open_argument(function, name_span)], false)
    }

    fn bracketed_arguments(&mut self, function: &str) -> Vec<Formula> {
        let open = self.place();
        let closing: &[&str] = match self.peek().map(|token| token.kind.clone()) {
            Some(T::Sign('(')) => &[")"],
            Some(T::Sign('[')) => &["]"],
            Some(T::Command(name)) if name == "lbrack" => &["rbrack", "]"],
            _ => &["}", "rbrace"],
        };
        self.advance();
        let bars = std::mem::replace(&mut self.bars, usize::from(function == "kl"));
        let mut arguments = vec![self.relation()];
        loop {
            let separator = self.peek().is_some_and(|token| token.is(',') || (function == "kl" && (token.is('|') || matches!(token.command(), Some("|" | "Vert" | "mid")))));
            if !separator {
                break;
            }
            self.advance();
            if function == "kl" && self.peek().is_some_and(|token| token.is('|')) {
                self.advance();
            }
            arguments.push(self.relation());
        }
        self.bars = bars;
        let closed = self.peek().is_some_and(|token| match &token.kind {
            T::Sign(sign) => closing.contains(&sign.to_string().as_str()) && *sign != '}',
            T::Command(name) => closing.contains(&name.as_str()),
            _ => false,
        });
        if closed {
            self.advance();
        } else {
            self.report(Diagnostic::error("unclosed-bracket", open).with("bracket", closing[0]));
        }
        arguments
    }

    /// An argument without a bracket: the juxtaposed product up to the next named operator.
    fn open_argument(&mut self, function: &str, name_span: Span) -> Formula {
        let start = self.place();
        if !self.starts_factor() {
            self.report(Diagnostic::error("missing-argument", name_span).with("command", function));
            return Formula::new(Kind::Error, name_span);
        }
        let first_is_function = self.function_here().is_some();
        let first_is_operator = self.big_operator_here().is_some();
        let mut factors = vec![(Join::Juxtaposed, self.factor())];
        let ends = first_is_operator || first_is_function;
        while !ends && self.starts_factor() && self.function_here().is_none() && self.big_operator_here().is_none() {
            factors.push((Join::Juxtaposed, self.factor()));
        }
        if factors.len() == 1
            && let Some((_, only)) = factors.pop()
        {
            return only;
        }
        let span = self.since(start);
        if function == "log" {
            self.report(Diagnostic::warning("log-argument-product", span));
        }
        Formula::new(Kind::Product(factors), span)
    }

    fn check_logarithm(&mut self, function: &str, arguments: &[Formula]) {
        if function != "log" {
            return;
        }
        if let Some(argument) = arguments.first().filter(|argument| is_negative_literal(argument)) {
            self.report(Diagnostic::error("logarithm-of-negative", argument.span));
        }
    }

    /// A name; a command that is none is reported.
    fn name(&mut self, span: Span) -> Formula {
        if let Some(T::Upright(_, word)) = self.peek().map(|token| token.kind.clone())
            && word.trim().contains(' ')
        {
            self.advance();
            return Formula::new(Kind::Text(word), span);
        }
        match self.base_name() {
            Some(base) => self.opaque_or_plain(base, span),
            None => {
                if let Some(name) = self.peek().and_then(Token::command).map(str::to_owned) {
                    if is_known_command(&name) {
                        self.report(Diagnostic::error("missing-operand", span));
                    } else {
                        self.unknown_command(&name, span);
                    }
                }
                self.advance();
                Formula::new(Kind::Error, span)
            }
        }
    }

    /// `\pi_\theta(y \mid x)`: a bracket with a bar in it belongs to the name.
    fn opaque_or_plain(&mut self, base: Spelling, span: Span) -> Formula {
        let after_script = self.after_subscript();
        if self.peek_at(after_script).is_some_and(|token| token.is('('))
            && let Some(length) = self.bracket_with_bar(after_script)
        {
            let first = self.at;
            self.at += length;
            let mut name = base;
            for token in self.slice(first) {
                let text = token_text(token);
                name.plain += match text.as_str() {
                    "\\mid" => "|",
                    other => other.trim_start_matches('\\'),
                };
                name.latex += &text;
                if text.starts_with('\\') {
                    name.latex.push(' ');
                }
            }
            name.plain.retain(|c| c != '{' && c != '}');
            let kind = Kind::Name { base: name, subscripts: Vec::new(), superscripts: Vec::new(), opaque: true };
            return Formula::new(kind, self.since(span));
        }
        name_formula(base, self.since(span))
    }

    /// How many tokens a subscript here takes.
    fn after_subscript(&self) -> usize {
        if !self.peek().is_some_and(|token| token.is('_')) {
            return 0;
        }
        if !self.peek_at(1).is_some_and(|token| token.is('{')) {
            return 2;
        }
        let mut offset = 2;
        while self.peek_at(offset).is_some_and(|token| !token.is('}')) {
            offset += 1;
        }
        offset + 1
    }

    fn bracket_with_bar(&self, start: usize) -> Option<usize> {
        let (mut depth, mut bar, mut offset) = (0, false, start);
        loop {
            let token = self.peek_at(offset)?;
            match &token.kind {
                T::Sign('(') => depth += 1,
                T::Sign(')') => depth -= 1,
                T::Sign('|') if depth == 1 => bar = true,
                T::Command(name) if name == "mid" && depth == 1 => bar = true,
                _ => {}
            }
            offset += 1;
            if depth == 0 {
                return (bar && self.bars == 0).then_some(offset);
            }
        }
    }

    /// Subscripts, superscripts, primes, factorials.
    fn scripts(&mut self, atom: Formula) -> Formula {
        let start = atom.span;
        let mut result = atom;
        let mut subscripted = false;
        let mut pending: Option<Formula> = None;
        loop {
            let Some(token) = self.peek().cloned() else { break };
            if token.is('_') {
                self.advance();
                if subscripted {
                    self.report(Diagnostic::error("double-subscript", token.span));
                }
                subscripted = true;
                result = self.subscript(result, start);
            } else if token.is('[') && matches!(&result.kind, Kind::Name { subscripts, .. } if subscripts.is_empty()) && self.is_plain_text() && token.span.start == result.span.end {
                self.advance();
                let parts = self.parts_until(&[']']);
                self.close(']', token.span);
                result = with_subscripts(result, parts, self.since(start));
            } else if token.is('^') {
                self.advance();
                if pending.is_some() {
                    self.report(Diagnostic::error("double-superscript", token.span));
                }
                match self.superscript(result, start) {
                    (formula, Some(exponent)) => {
                        result = formula;
                        pending = Some(exponent);
                    }
                    (formula, None) => result = formula,
                }
            } else if token.is('\'') && matches!(result.kind, Kind::Name { .. }) {
                result = self.late_prime(result);
            } else if token.is('!') {
                self.advance();
                result = Formula::new(Kind::Factorial(Box::new(result)), self.since(start));
            } else {
                break;
            }
        }
        match pending {
            Some(exponent) => Formula::new(Kind::Power(Box::new(result), Box::new(exponent)), self.since(start)),
            None => result,
        }
    }

    fn is_plain_text(&self) -> bool {
        self.tokens.iter().any(|token| matches!(&token.kind, T::Word(word) if word.len() > 1)) || !self.tokens.iter().any(|token| matches!(token.kind, T::Command(_)))
    }

    fn late_prime(&mut self, formula: Formula) -> Formula {
        let Formula { kind: Kind::Name { base, subscripts, superscripts, opaque }, span } = formula else { return formula };
        let base = self.primes(base);
        Formula::new(Kind::Name { base, subscripts, superscripts, opaque }, self.since(span))
    }

    fn subscript(&mut self, formula: Formula, start: Span) -> Formula {
        if let Kind::Name { base, .. } = &formula.kind
            && base.plain == "delta"
            && !self.known.names.contains("delta")
        {
            let parts = self.script_parts();
            return delta(parts, formula, self.since(start));
        }
        if self.peek().is_some_and(|token| token.is('+')) && matches!(formula.kind, Kind::Group(..)) {
            self.advance();
            let zero = Formula::new(Kind::Number(BigRational::zero()), start);
            let inner = match formula.kind {
                Kind::Group(_, inner) => *inner,
                kind => Formula::new(kind, formula.span),
            };
            return apply("max", vec![inner, zero], start, self.since(start));
        }
        let parts = self.script_parts();
        match formula.kind {
            Kind::Name { .. } => with_subscripts(formula, parts, self.since(start)),
            _ => {
                let place = self.since(start);
                self.report(Diagnostic::error("subscript-of-expression", place));
                formula
            }
        }
    }

    /// A superscript: part of a name, a transpose, or an exponent, which is handed back.
    fn superscript(&mut self, formula: Formula, start: Span) -> (Formula, Option<Formula>) {
        let is_name = matches!(formula.kind, Kind::Name { .. });
        let braced = self.peek().is_some_and(|token| token.is('{'));
        let first = self.peek_at(usize::from(braced)).cloned();
        let second = self.peek_at(usize::from(braced) + 1).cloned();
        let alone = !braced || second.as_ref().is_some_and(|token| token.is('}'));
        let Some(first) = first else {
            self.report(Diagnostic::error("missing-argument", start).with("command", "^"));
            return (formula, None);
        };
        let transpose = alone && (matches!(first.command(), Some("top" | "intercal")) || first.kind == T::Word("T".into()) && !self.known.names.contains("T") && is_matrix(&formula) || first.kind == T::Upright("mathrm".into(), "T".into()));
        if transpose || (alone && is_name && (first.is('*') || matches!(first.command(), Some("prime" | "star")))) {
            self.at += if braced { 3 } else { 1 };
            let span = self.since(start);
            if transpose {
                return (Formula::new(Kind::Transpose(Box::new(formula)), span), None);
            }
            let suffix = if first.command() == Some("prime") { ("_prime", "'") } else { ("_star", "^{*}") };
            return (renamed(formula, suffix, span), None);
        }
        if braced && is_name && first.is('(') && self.peek_at(2).is_some() && self.closes_at_once() {
            self.advance();
            self.advance();
            let parts = self.parts_until(&[')']);
            self.close(')', first.span);
            self.close('}', first.span);
            let span = self.since(start);
            return (with_superscripts(formula, parts, span), None);
        }
        match self.script_parts().into_iter().next() {
            Some(part) => (formula, Some(part.formula)),
            None => (formula, None),
        }
    }

    /// True for `{( … )}`: the bracket is the whole superscript.
    fn closes_at_once(&self) -> bool {
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
                return self.peek_at(offset).is_some_and(|token| token.is('}'));
            }
        }
        false
    }
}

/// Forms of plain text that LaTeX writes otherwise.
fn plain_form(
    function: &str,
    mut arguments: Vec<Formula>,
    subscript: Option<Box<Formula>>,
    power: Option<Box<Formula>>,
    component: Vec<ScriptPart>,
    name_span: Span,
    span: Span,
) -> Formula {
    match (function, arguments.len()) {
        ("if", 3) => {
            let otherwise = arguments.remove(2);
            let then = arguments.remove(1);
            Formula::new(Kind::Cases(vec![(then, Some(arguments.remove(0))), (otherwise, None)]), span)
        }
        ("ind", 1) => Formula::new(Kind::Indicator(Box::new(arguments.remove(0))), span),
        ("delta", 2) => {
            let right = arguments.remove(1);
            Formula::new(Kind::Delta(Box::new(arguments.remove(0)), Box::new(right)), span)
        }
        ("log", 2) => {
            let base = match arguments.remove(1) {
                Formula { kind: Kind::Relation(_, mut links), .. } if links.len() == 1 => links.remove(0).1,
                other => other,
            };
            let kind = Kind::Apply { function: "log".into(), name_span, subscript: Some(Box::new(base)), power, arguments, component };
            Formula::new(kind, span)
        }
        _ => {
            let function = function.to_owned();
            Formula::new(Kind::Apply { function, name_span, subscript, power, arguments, component }, span)
        }
    }
}

fn apply(function: &str, arguments: Vec<Formula>, name_span: Span, span: Span) -> Formula {
    plain_form(function, arguments, None, None, Vec::new(), name_span, span)
}

fn with_subscripts(formula: Formula, parts: Vec<ScriptPart>, span: Span) -> Formula {
    let Formula { kind: Kind::Name { base, mut subscripts, superscripts, opaque }, .. } = formula else { return formula };
    subscripts.extend(parts);
    Formula::new(Kind::Name { base, subscripts, superscripts, opaque }, span)
}

fn with_superscripts(formula: Formula, parts: Vec<ScriptPart>, span: Span) -> Formula {
    let Formula { kind: Kind::Name { base, subscripts, mut superscripts, opaque }, .. } = formula else { return formula };
    superscripts.extend(parts);
    Formula::new(Kind::Name { base, subscripts, superscripts, opaque }, span)
}

fn renamed(formula: Formula, (plain, latex): (&str, &str), span: Span) -> Formula {
    let Formula { kind: Kind::Name { mut base, subscripts, superscripts, opaque }, .. } = formula else { return formula };
    base.plain += plain;
    base.latex += latex;
    Formula::new(Kind::Name { base, subscripts, superscripts, opaque }, span)
}

/// `\delta_{ij}` is a Kronecker delta, with any other subscript a name.
fn delta(mut parts: Vec<ScriptPart>, formula: Formula, span: Span) -> Formula {
    let pair = match &mut parts[..] {
        [one] => match &one.formula.kind {
            Kind::Product(factors) => match &factors[..] {
                [(_, left), (_, right)] => Some((left.clone(), right.clone())),
                _ => None,
            },
            _ => None,
        },
        [left, right] => Some((left.formula.clone(), right.formula.clone())),
        _ => None,
    };
    match pair {
        Some((left, right)) => Formula::new(Kind::Delta(Box::new(left), Box::new(right)), span),
        None => with_subscripts(formula, parts, span),
    }
}

/// A capital or bold name, a bracket or a norm: what `^T` transposes.
fn is_matrix(formula: &Formula) -> bool {
    match &formula.kind {
        Kind::Name { base, subscripts, .. } => {
            subscripts.is_empty() && (base.plain.starts_with(char::is_uppercase) || base.latex.starts_with("\\mathbf") || base.latex.starts_with("\\b"))
        }
        _ => false,
    }
}

fn is_zero(formula: &Formula) -> bool {
    match &formula.kind {
        Kind::Number(value) => value.is_zero(),
        Kind::Group(_, inner) => is_zero(inner),
        _ => false,
    }
}

fn is_negative_literal(formula: &Formula) -> bool {
    match &formula.kind {
        Kind::Group(_, inner) => is_negative_literal(inner),
        Kind::Sum(terms) => matches!(&terms[..], [(true, term)] if matches!(&term.kind, Kind::Number(value) if value.is_positive())),
        Kind::Number(value) => value.is_zero(),
        _ => false,
    }
}

fn is_opening(token: &Token) -> bool {
    matches!(token.kind, T::Sign('(' | '[')) || matches!(token.command(), Some("{" | "lbrace" | "lbrack"))
}

fn starts_with_command(name: &str) -> bool {
    use super::commands::{ACCENTS, FONTS, LETTERS, OPERATORS};
    const ATOMS: [&str; 17] = [
        "frac", "dfrac", "tfrac", "sqrt", "infty", "lvert", "lVert", "{", "lbrace", "lbrack", "llbracket", "langle", "mathbb", "mathbbm",
        "begin", "vert", "Vert",
    ];
    ATOMS.contains(&name)
        || LETTERS.contains(&name)
        || FONTS.contains(&name)
        || ACCENTS.iter().any(|(accent, _)| *accent == name)
        || FUNCTIONS.iter().any(|(function, _)| *function == name)
        || OPERATORS.iter().any(|(operator, _)| *operator == name)
}

fn is_known_command(name: &str) -> bool {
    use super::commands::{OTHERS, RELATIONS};
    starts_with_command(name) || OTHERS.contains(&name) || RELATIONS.iter().any(|(known, _)| *known == name) || matches!(name, "|" | "}")
}

/// A token as it was written.
fn token_text(token: &Token) -> String {
    match &token.kind {
        T::Number(text) | T::Word(text) => text.clone(),
        T::Command(name) => format!("\\{name}"),
        T::Upright(_, word) => word.clone(),
        T::Sign(sign) => sign.to_string(),
        T::Row => "\\\\".to_owned(),
        T::Newline | T::Quad => String::new(),
    }
}

/// The exact value of a decimal literal.
fn decimal(text: &str) -> Option<BigRational> {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().ok()?),
        None => (text, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits: BigInt = format!("{whole}{fraction}").parse().ok()?;
    let exponent = exponent - fraction.len() as i64;
    if exponent.abs() > LARGEST_EXPONENT {
        return None;
    }
    let ten = BigRational::from_integer(10.into());
    Some(BigRational::from_integer(digits) * ten.pow(exponent as i32))
}
