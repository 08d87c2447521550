//! Expressions: relations, sums, products, powers.

use super::commands;
use super::parser::Parser;
use super::token::TokenKind;
use crate::formula::{Bracket, Formula, Join, Kind, Relation, ScriptPart};
use crate::source::{Diagnostic, Span};
use num_traits::Zero;

impl<'a> Parser<'a, '_> {
    /// `a`, or `a < b \le c`, or `a \in \{0, 1\}`.
    pub fn relation(&mut self) -> Formula {
        let first = self.sum();
        self.relation_after(first)
    }

    /// The rest of a relation whose first part was read.
    pub fn relation_after(&mut self, first: Formula) -> Formula {
        if self.accept(r"\in").is_some() || self.accept_word("in") {
            return self.member(first);
        }
        let mut links: Vec<(Relation, Formula)> = Vec::new();
        while let Some(relation) = commands::relation(self.text()) {
            self.advance();
            let side = self.sum();
            links.push((relation, side));
        }
        match links.last() {
            Some((_, last)) => {
                let span = first.span.to(last.span);
                Formula::new(Kind::Relation(Box::new(first), links), span)
            }
            None => first,
        }
    }

    /// `\{0, 1\}` or an interval after `\in`.
    fn member(&mut self, element: Formula) -> Formula {
        let Some(open) =
            self.peek().filter(|token| ["(", "[", r"\{", "]"].contains(&token.text) && !token.is_verbatim())
        else {
            let here = self.here();
            return self.fail(Diagnostic::error("set-not-readable", here));
        };
        self.advance();
        let values = self.inside(|parser| parser.list());
        if !["]", ")", r"\}", "["].contains(&self.text()) {
            self.close(open, commands::closing(open.text).unwrap_or("]"));
        } else {
            self.advance();
        }
        if open.text == r"\{" {
            let span = self.since(element.span);
            return Formula::new(Kind::Member(Box::new(element), values), span);
        }
        self.interval(element, open.text == "[", values)
    }

    /// An interval says the same as two inequalities; infinite ends say nothing.
    fn interval(&mut self, element: Formula, low_included: bool, values: Vec<Formula>) -> Formula {
        let span = self.since(element.span);
        let high_included = self.written(self.last()) == "]";
        let mut ends = values.into_iter();
        let (Some(low), Some(high), None) = (ends.next(), ends.next(), ends.next()) else {
            return self.fail(Diagnostic::error("set-not-readable", span));
        };
        let relation = |included| {
            if included { Relation::LessOrEqual } else { Relation::Less }
        };
        let links = vec![(relation(low_included), element), (relation(high_included), high)];
        Formula::new(Kind::Relation(Box::new(low), links), span)
    }

    /// Relations between commas.
    pub fn list(&mut self) -> Vec<Formula> {
        let mut items = vec![self.relation()];
        while self.accept(",").is_some() || self.accept(";").is_some() {
            items.push(self.relation());
        }
        items
    }

    /// Terms, each with its sign.
    pub fn sum(&mut self) -> Formula {
        let start = self.here();
        let mut terms = Vec::new();
        let mut negative = self.signs();
        loop {
            let term = self.product(false);
            terms.push((negative.unwrap_or(false), term));
            if !["+", "-"].contains(&self.text()) {
                break;
            }
            negative = self.signs();
        }
        match (terms.len(), terms.pop()) {
            (1, Some((false, only))) => only,
            (_, Some(last)) => {
                let span = start.to(last.1.span);
                terms.push(last);
                Formula::new(Kind::Sum(terms), span)
            }
            (_, None) => Formula::new(Kind::Error, start),
        }
    }

    /// The signs before a term: whether they make it negative; `None` if there is none.
    pub fn signs(&mut self) -> Option<bool> {
        let mut negative = None;
        while ["+", "-"].contains(&self.text()) {
            negative = Some(negative.unwrap_or(false) ^ self.at("-"));
            self.advance();
        }
        negative
    }

    /// True if an operand can begin at the next token where one is due: there a bar opens.
    pub fn at_start(&self) -> bool {
        self.at_operand() || self.at("|") || self.at(r"\|")
    }

    /// True if another operand can begin at the next token.
    pub fn at_operand(&self) -> bool {
        let Some(token) = self.peek() else {
            return false;
        };
        match token.kind {
            TokenKind::Letter | TokenKind::Word | TokenKind::Number | TokenKind::Operator | TokenKind::Roman => {
                !self.at_word("in")
            }
            TokenKind::Text => self.is_name_words(token.text),
            TokenKind::Begin => true,
            TokenKind::Symbol => match token.text {
                "(" | "[" | "{" => true,
                "|" => self.bars.last() != Some(&"|"),
                _ => false,
            },
            TokenKind::Command => self.command_is_operand(token.text),
            _ => false,
        }
    }

    fn command_is_operand(&self, text: &str) -> bool {
        match text {
            r"\|" => self.bars.last() != Some(&r"\|"),
            r"\in" | r"\mid" | r"\top" | r"\prime" | r"\&" | r"\%" => false,
            _ => {
                !commands::is_closing(text)
                    && commands::relation(text).is_none()
                    && commands::join(text).is_none()
                    && !commands::OTHER_RELATIONS.contains(&text)
            }
        }
    }

    /// Factors from left to right. In a function's argument without brackets only what is written side by side counts,
    /// up to the next named operator.
    pub fn product(&mut self, argument: bool) -> Formula {
        let mut factors: Vec<(Join, Formula)> = Vec::new();
        let mut join = Join::Juxtaposed;
        loop {
            if argument && !factors.is_empty() && self.at_named_operator() {
                break;
            }
            let factor = self.operand(join);
            let named =
                argument && factors.is_empty() && matches!(factor.kind, Kind::Apply { .. } | Kind::Reduce { .. });
            self.check_division(&factors, join, &factor);
            factors.push((join, factor));
            join = match commands::join(self.text()) {
                Some(_) if argument => break,
                Some(next) => {
                    self.advance();
                    next
                }
                None if named || !self.at_operand() => break,
                None => Join::Juxtaposed,
            };
        }
        match (factors.len(), factors.pop()) {
            (1, Some((_, only))) => only,
            (_, Some(last)) => {
                let span = factors.first().map_or(last.1.span, |first| first.1.span).to(last.1.span);
                factors.push(last);
                Formula::new(Kind::Product(factors), span)
            }
            (_, None) => Formula::new(Kind::Error, self.end),
        }
    }

    /// One factor; after an explicit operator it may have a sign.
    fn operand(&mut self, join: Join) -> Formula {
        let start = self.here();
        let negative = if join == Join::Juxtaposed { None } else { self.signs() };
        let factor = self.factor();
        match negative {
            Some(true) => {
                let span = start.to(factor.span);
                Formula::new(Kind::Sum(vec![(true, factor)]), span)
            }
            _ => factor,
        }
    }

    /// `x/0`, and `a/bc`, which means (a/b)c and surprises.
    fn check_division(&mut self, before: &[(Join, Formula)], join: Join, factor: &Formula) {
        if join == Join::Divide && is_zero(factor) {
            self.error("division-by-zero", factor.span);
        }
        if join != Join::Juxtaposed || matches!(factor.kind, Kind::Reduce { .. } | Kind::Error) {
            return;
        }
        if let [.., (_, dividend), (Join::Divide, divisor)] = before
            && !matches!(divisor.kind, Kind::Group(..))
            && !matches!(factor.kind, Kind::Apply { .. } if self.plain())
        {
            let span = dividend.span.to(factor.span);
            let (a, b, c) = (self.written(dividend.span), self.written(divisor.span), self.written(factor.span));
            let warning = Diagnostic::warning("division-then-product", span).with("grouping", format!("({a}/{b}) {c}"));
            self.diagnostics.push(warning.with("other", format!("{a}/({b} {c})")));
        }
    }

    /// A primary with its postfix operators.
    pub fn factor(&mut self) -> Formula {
        self.nested(|parser| {
            let primary = parser.primary();
            parser.postfix(primary)
        })
    }

    /// Powers, transposes and factorials after a primary.
    pub fn postfix(&mut self, mut base: Formula) -> Formula {
        // A name has taken its own scripts.
        let mut raised = matches!(base.kind, Kind::Power(..) | Kind::Transpose(_)) && !self.plain();
        let mut factorial = false;
        loop {
            match self.text() {
                "^" if raised => {
                    let span = self.here();
                    self.advance();
                    self.error("double-superscript", span);
                    self.script_argument();
                }
                "^" => {
                    base = self.raise(base);
                    raised = true;
                }
                "_" => base = self.lowered(base),
                "[" if self.plain() && takes_component(&base) => {
                    let parts = self.index_list();
                    base = self.component(base, parts);
                }
                "'" if matches!(base.kind, Kind::Group(Bracket::Round | Bracket::Square, _)) => {
                    self.advance();
                    let span = self.since(base.span);
                    base = Formula::new(Kind::Derivative(Box::new(ungrouped(base)), None), span);
                }
                "!" if factorial => {
                    let span = self.here();
                    self.advance();
                    self.error("double-factorial", span);
                }
                "!" => {
                    self.advance();
                    factorial = true;
                    let span = self.since(base.span);
                    base = Formula::new(Kind::Factorial(Box::new(base)), span);
                }
                _ => return base,
            }
        }
    }

    /// `^` after something that is not a name, or after a name that the script does not belong to.
    fn raise(&mut self, base: Formula) -> Formula {
        self.advance();
        if self.transposes() {
            self.script_argument();
            let span = self.since(base.span);
            return Formula::new(Kind::Transpose(Box::new(base)), span);
        }
        if matches!(base.kind, Kind::Group(..)) && self.accept_plus_script() {
            return self.positive_part(base);
        }
        let exponent = if self.plain() { self.plain_exponent() } else { self.script_argument() };
        let span = self.since(base.span);
        self.power(base, exponent, span)
    }

    /// `f(x)^2` raises the value of the function, like `f^2(x)`.
    fn power(&mut self, base: Formula, exponent: Formula, span: Span) -> Formula {
        if let Kind::Apply { function, name_span, subscript, power: None, arguments, component } = base.kind {
            if function == "log" && !self.plain() {
                self.diagnostics.push(
                    Diagnostic::warning("log-square", span)
                        .with("grouping", format!("({})^{{{}}}", self.written(base.span), self.written(exponent.span))),
                );
            }
            let power = Some(Box::new(exponent));
            return Formula::new(Kind::Apply { function, name_span, subscript, power, arguments, component }, span);
        }
        Formula::new(Kind::Power(Box::new(base), Box::new(exponent)), span)
    }

    /// `_` after something that is not a name: `(x)_+`, or the components of a function's value.
    fn lowered(&mut self, base: Formula) -> Formula {
        let place = self.here();
        self.advance();
        if self.accept_plus_script() {
            return self.positive_part(base);
        }
        let parts = self.subscript_parts();
        if takes_component(&base) {
            return self.component(base, parts);
        }
        match base.kind {
            Kind::Group(Bracket::Round | Bracket::Square, _) => {
                let span = self.since(base.span);
                Formula::new(Kind::Component(Box::new(base), parts), span)
            }
            Kind::Name { .. } | Kind::Power(..) => self.fail(Diagnostic::error("double-subscript", place)),
            Kind::Error => base,
            _ => self.fail(Diagnostic::error("subscript-on-group", place)),
        }
    }

    /// The components of a function's value.
    fn component(&mut self, base: Formula, parts: Vec<ScriptPart>) -> Formula {
        let span = self.since(base.span);
        let Kind::Apply { function, name_span, subscript, power, arguments, .. } = base.kind else {
            return base;
        };
        Formula::new(Kind::Apply { function, name_span, subscript, power, arguments, component: parts }, span)
    }

    /// `+` or `{+}` as a script.
    fn accept_plus_script(&mut self) -> bool {
        if self.accept("+").is_some() {
            return true;
        }
        let texts = [self.peek(), self.peek_at(1), self.peek_at(2)].map(|token| token.map_or("", |token| token.text));
        if texts == ["{", "+", "}"] {
            self.position += 3;
            return true;
        }
        false
    }

    fn positive_part(&mut self, base: Formula) -> Formula {
        let span = self.since(base.span);
        let arguments = vec![ungrouped(base)];
        Formula::new(
            Kind::Apply {
                function: "relu".into(),
                name_span: span,
                subscript: None,
                power: None,
                arguments,
                component: Vec::new(),
            },
            span,
        )
    }
}

/// True for a function whose value may have components.
fn takes_component(base: &Formula) -> bool {
    matches!(&base.kind, Kind::Apply { component, .. } if component.is_empty())
}

/// What stands inside round or square brackets.
pub(super) fn ungrouped(formula: Formula) -> Formula {
    match formula.kind {
        Kind::Group(Bracket::Round | Bracket::Square | Bracket::Invisible, inner) => *inner,
        _ => formula,
    }
}

/// True for the literal 0, in brackets or not.
pub(super) fn is_zero(formula: &Formula) -> bool {
    match &formula.kind {
        Kind::Number(value) => value.is_zero(),
        Kind::Group(_, inner) => is_zero(inner),
        _ => false,
    }
}
