//! Functions and how far their arguments reach.

use super::commands;
use super::expression::ungrouped;
use super::letters;
use super::parser::Parser;
use super::token::{Token, TokenKind};
use crate::formula::{Formula, Join, Kind, Spelling};
use crate::source::{Diagnostic, Span};
use num_rational::BigRational;
use num_traits::{FromPrimitive, Zero};

/// Functions of one argument whose reading without brackets a person should hear of.
const SEVERAL: &[&str] = &["max", "min", "clip", "kl"];

impl<'a> Parser<'a, '_> {
    /// True if a bracket that can hold arguments comes next.
    pub fn at_open_bracket(&self) -> bool {
        ["(", "[", r"\{"].contains(&self.text()) && !(self.plain() && self.at("["))
    }

    /// True if a named operator begins here, which ends the argument of a function before it.
    pub fn at_named_operator(&self) -> bool {
        let Some(token) = self.peek() else {
            return false;
        };
        let bracket = self.peek_at(1).is_some_and(|next| next.text == "(" || next.text == "[");
        match token.kind {
            TokenKind::Command => {
                let letter = letters::name_of_command(token.text).unwrap_or_default();
                let function = bracket
                    && (self.known.functions.contains(letter)
                        || (!self.known.names.contains(letter) && commands::function_letter(letter).is_some()));
                commands::function_command(token.text).is_some()
                    || commands::big_operator(token.text).is_some()
                    || function
            }
            TokenKind::Letter => bracket && self.known.functions.contains(token.text),
            TokenKind::Operator | TokenKind::Roman | TokenKind::Word => {
                let name = identifier(token.text);
                (token.kind == TokenKind::Operator || bracket)
                    && (commands::function_name(&name).is_some() || commands::big_operator(&name).is_some())
            }
            _ => false,
        }
    }

    /// `\log`, `\exp` and their like.
    pub fn function_command(&mut self, token: Token<'a>) -> Formula {
        self.advance();
        let function = commands::function_command(token.text).unwrap_or_default();
        let base = (token.text == r"\lg").then(|| {
            let ten = BigRational::from_i32(10).unwrap_or_else(BigRational::zero);
            Formula::new(Kind::Number(ten), token.span)
        });
        self.function(function.into(), token.span, base)
    }

    /// The scripts of a function's name, then its arguments.
    pub fn function(&mut self, function: String, name_span: Span, mut subscript: Option<Formula>) -> Formula {
        let mut power = None;
        loop {
            let place = self.here();
            if subscript.is_none() && self.accept("_").is_some() {
                subscript = Some(self.script_argument());
            } else if power.is_none() && self.accept("^").is_some() {
                let exponent = self.script_argument();
                let span = name_span.to(self.last());
                if is_negative(&exponent) {
                    self.diagnostics
                        .push(Diagnostic::error("inverse-power-ambiguous", span).with("name", self.written(name_span)));
                }
                power = Some(exponent);
            } else if self.at("_") || self.at("^") {
                let code = if self.at("_") { "double-subscript" } else { "double-superscript" };
                self.error(code, place);
                self.advance();
                self.script_argument();
            } else {
                break;
            }
        }
        self.applied(function, name_span, subscript, power)
    }

    /// A function whose name and scripts were read, with the arguments that follow.
    pub fn applied(
        &mut self,
        function: String,
        name_span: Span,
        subscript: Option<Formula>,
        power: Option<Formula>,
    ) -> Formula {
        let (subscript, power) = (subscript.map(Box::new), power.map(Box::new));
        let (arguments, base) = self.arguments(&function, name_span);
        let subscript = subscript.or(base.map(Box::new));
        let span = self.since(name_span);
        if function == "log" {
            if let [argument] = &arguments[..] {
                self.check_logarithm(argument);
            }
            if subscript.is_none() && power.is_none() {
                return log_gamma(arguments, name_span, span);
            }
        }
        Formula::new(Kind::Apply { function, name_span, subscript, power, arguments, component: Vec::new() }, span)
    }

    /// The arguments, and in plain text the base of a logarithm, `log(x, base=a)`.
    fn arguments(&mut self, function: &str, name_span: Span) -> (Vec<Formula>, Option<Formula>) {
        if let Some(open) = self.peek().filter(|_| self.at_open_bracket()) {
            self.advance();
            let closing = commands::closing(open.text).unwrap_or(")");
            if self.accept(closing).is_some() {
                let span = self.since(name_span);
                return (vec![self.missing("missing-argument", "name", function, span)], None);
            }
            let read = if function == "kl" { Parser::divergence_arguments } else { Parser::call_arguments };
            let (arguments, base) = self.inside(read);
            self.close(open, closing);
            if SEVERAL.contains(&function) && arguments.len() < 2 {
                let span = self.since(name_span);
                self.missing("missing-argument", "name", function, span);
            }
            return (arguments, base);
        }
        if SEVERAL.contains(&function) || !self.at_start() {
            return (vec![self.missing("missing-argument", "name", self.written(name_span), name_span)], None);
        }
        (vec![self.bare_argument(name_span)], None)
    }

    /// An argument without brackets: the juxtaposed product that follows, or what stands between bars.
    fn bare_argument(&mut self, name_span: Span) -> Formula {
        if ["|", r"\|", r"\lvert", r"\lVert", r"\llbracket"].contains(&self.text()) {
            return self.factor();
        }
        let argument = self.product(true);
        self.warn_grouping(name_span, &argument);
        if self.at("/") && !matches!(argument.kind, Kind::Apply { .. } | Kind::Reduce { .. }) {
            let span = name_span.to(self.here());
            let (name, inside) = (self.written(name_span), self.written(argument.span));
            let error = Diagnostic::error("function-argument-ambiguous", span).with("name", name);
            self.diagnostics.push(
                error.with("grouping", format!("{name}({inside}) / …")).with("other", format!("{name}({inside} / …)")),
            );
        }
        argument
    }

    /// `\log x y` is the logarithm of a product, which not everyone expects.
    fn warn_grouping(&mut self, name_span: Span, argument: &Formula) {
        let Kind::Product(factors) = &argument.kind else {
            return;
        };
        let call = matches!(&factors[..], [(_, name), (_, group)] if matches!((&name.kind, &group.kind), (Kind::Name { .. }, Kind::Group(..))));
        let coefficient = |(_, factor): &(Join, Formula)| match &factor.kind {
            Kind::Number(_) => true,
            Kind::Name { base, subscripts, .. } => base.plain == "pi" && subscripts.is_empty(),
            _ => false,
        };
        let plain_coefficients = factors.split_last().is_some_and(|(_, before)| before.iter().all(coefficient));
        if !call && !plain_coefficients {
            let grouping = format!("{}({})", self.written(name_span), self.written(argument.span));
            let warning = Diagnostic::warning("log-argument-product", name_span.to(argument.span));
            self.diagnostics.push(warning.with("name", self.written(name_span)).with("grouping", grouping));
        }
    }

    fn check_logarithm(&mut self, argument: &Formula) {
        let inner = ungrouped(argument.clone());
        if let Kind::Sum(terms) = &inner.kind
            && let [(true, number)] = &terms[..]
            && matches!(&number.kind, Kind::Number(value) if !value.is_zero())
        {
            self.error("logarithm-of-negative", argument.span);
        }
    }

    fn call_arguments(&mut self) -> (Vec<Formula>, Option<Formula>) {
        let mut arguments = vec![self.relation()];
        let mut base = None;
        while self.accept(",").is_some() || self.accept(";").is_some() {
            if self.plain() && self.at("base") && self.peek_at(1).is_some_and(|next| next.text == "=") {
                self.position += 2;
                base = Some(self.sum());
            } else {
                arguments.push(self.relation());
            }
        }
        (arguments, base)
    }

    /// `P \| Q`, also with `,`, `|` or `||` between.
    fn divergence_arguments(&mut self) -> (Vec<Formula>, Option<Formula>) {
        let close = self.tokens.get(self.position..).unwrap_or_default().iter().position(|token| token.text == r"\|");
        self.bars.push(if close.is_some() { r"\|" } else { "|" });
        let mut arguments = vec![self.sum()];
        self.bars.pop();
        let separated = [r"\|", ",", ";", r"\mid"].iter().any(|separator| self.accept(separator).is_some());
        if separated || self.accept("|").is_some() {
            self.accept("|");
            arguments.push(self.sum());
        }
        (arguments, None)
    }

    /// A name in upright letters: an operator, a function, or a name of several letters.
    pub fn named(&mut self) -> Formula {
        let Some(token) = self.advance() else {
            return Formula::new(Kind::Error, self.end);
        };
        let name = identifier(token.text);
        let upright = token.kind == TokenKind::Operator;
        let open = !self.left_side && !self.known.names.contains(&name);
        if let Some(formula) = open.then(|| self.named_operator(&name, token, upright)).flatten() {
            return formula;
        }
        let latex = self.written(token.span).to_owned();
        self.scripted(Spelling { plain: name, latex }, Vec::new(), Vec::new(), token.span)
    }

    /// What a name in upright letters means where it is known; `None` if it is a name like any other.
    fn named_operator(&mut self, name: &str, token: Token<'a>, upright: bool) -> Option<Formula> {
        if commands::objective(name).is_some() {
            return Some(
                self.fail(Diagnostic::error("objective-inside-expression", token.span).with("name", token.text)),
            );
        }
        if upright && name == "E" {
            return Some(self.expectation(token.span));
        }
        if let Some(operator) = commands::big_operator(name).filter(|_| self.at("_")) {
            return Some(self.big_operator(operator, token));
        }
        let bracket = self.at_open_bracket();
        let function = if self.known.functions.contains(name) { Some(name) } else { commands::function_name(name) };
        match function {
            Some(function) if bracket || upright => Some(self.function(function.to_owned(), token.span, None)),
            None if upright && bracket && !self.bracket_has_bar() => {
                let error = self.fail(Diagnostic::error("unknown-function", token.span).with("name", name));
                self.primary();
                Some(error)
            }
            _ => None,
        }
    }

    /// True for words that can be a name.
    pub fn is_name_words(&self, words: &str) -> bool {
        let single =
            !words.is_empty() && words.chars().all(|letter| letter.is_alphanumeric() || letter == '_' || letter == '-');
        let spoken = commands::is_condition_word(words) || commands::is_otherwise(words) || commands::is_lead_in(words);
        self.in_script || (single && !spoken)
    }
}

/// `log \Gamma(x)` is one function: the Gamma function alone would overflow.
fn log_gamma(mut arguments: Vec<Formula>, name_span: Span, span: Span) -> Formula {
    let component = Vec::new();
    if let [argument] = &arguments[..]
        && let Kind::Apply { function, power: None, arguments: inner, .. } = ungrouped(argument.clone()).kind
        && function == "gamma"
    {
        arguments = inner;
        return Formula::new(
            Kind::Apply { function: "loggamma".into(), name_span, subscript: None, power: None, arguments, component },
            span,
        );
    }
    Formula::new(
        Kind::Apply { function: "log".into(), name_span, subscript: None, power: None, arguments, component },
        span,
    )
}

fn is_negative(formula: &Formula) -> bool {
    matches!(&ungrouped(formula.clone()).kind, Kind::Sum(terms) if terms.iter().all(|(negative, _)| *negative))
}

/// A name as a word: `arg\,min` is `arg_min`, fonts and braces drop.
pub(super) fn identifier(text: &str) -> String {
    let mut word = String::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let command = rest.strip_prefix('\\').map(|after| after.bytes().take_while(u8::is_ascii_alphabetic).count());
        let length = match command {
            Some(0) => 2,
            Some(letters) => letters + 1,
            None => first.len_utf8(),
        };
        let gap = matches!(command, Some(0)) || first.is_whitespace();
        if gap && !word.is_empty() && !word.ends_with('_') {
            word.push('_');
        } else if command.is_none() && !gap && !"{}$".contains(first) {
            word.push(first);
        }
        rest = rest.get(length..).unwrap_or_default();
    }
    word.trim_end_matches('_').to_owned()
}
