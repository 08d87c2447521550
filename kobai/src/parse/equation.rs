//! Equations: what the left sides define, and what each equation says.

use super::Syntax;
use super::commands;
use super::function::identifier;
use super::operator::index_of;
use super::parser::{Known, MOST_ERRORS, Parser};
use super::script::full_name;
use super::split::{Piece, place};
use super::token::{Token, TokenKind};
use crate::formula::{Equation, Formula, Kind, Relation, Statement};
use crate::source::{Diagnostic, Span};

/// How far the scripts of an operator are searched for the letter `T`.
const LONGEST_SCRIPT: usize = 64;

/// What the left sides of all equations define.
pub(super) fn known(source: &str, syntax: Syntax, pieces: &[Piece<'_>]) -> Known {
    let nothing = Known::default();
    let mut known = Known::default();
    for piece in pieces {
        known.value_t |= uses_t(piece);
        let Some(left) = left_side(piece) else {
            continue;
        };
        let mut parser = Parser::new(source, syntax, &nothing, left.to_vec(), place(left));
        parser.left_side = true;
        parser.objective(false);
        let name = parser.factor();
        let Kind::Name { base, subscripts, superscripts, opaque: false } = name.kind else {
            continue;
        };
        if parser.peek().is_none() && subscripts.is_empty() && superscripts.is_empty() {
            known.names.insert(base.plain);
        } else if parser.parameters() {
            known.functions.insert(full_name(&base, &subscripts));
        } else if base.plain == "delta" {
            known.names.insert(base.plain);
        }
    }
    known
}

/// The tokens before the first `=` outside of brackets.
fn left_side<'t, 'a>(piece: &'t [Token<'a>]) -> Option<&'t [Token<'a>]> {
    let mut depth = 0_usize;
    for (position, token) in piece.iter().enumerate() {
        if token.is_verbatim() {
            continue;
        }
        if commands::closing(token.text).is_some() {
            depth += 1;
        } else if commands::is_closing(token.text) {
            depth = depth.saturating_sub(1);
        } else if token.text == "=" && depth == 0 {
            return piece.get(..position);
        }
    }
    None
}

/// True if `T` is used other than in `x^T`.
fn uses_t(piece: &[Token<'_>]) -> bool {
    let is_t = |token: &Token<'_>| matches!(token.kind, TokenKind::Letter | TokenKind::Word) && token.text == "T";
    let text = |position: usize| piece.get(position).map_or("", |token| token.text);
    piece.iter().enumerate().any(|(position, token)| {
        if commands::big_operator(token.text).is_some() && text(position + 1) == "_" {
            let script = piece.iter().enumerate().skip(position + 2).take(LONGEST_SCRIPT);
            let upper = script.into_iter().find(|(_, token)| token.text == "^").map_or(position, |(at, _)| at + 1);
            return piece.get(upper + usize::from(text(upper) == "{")).is_some_and(is_t);
        }
        let before = |back: usize| position.checked_sub(back).map_or("", text);
        is_t(token) && before(1) != "^" && !(before(1) == "{" && before(2) == "^" && text(position + 1) == "}")
    })
}

/// What one equation says.
pub(super) fn equation<'a>(
    source: &'a str,
    syntax: Syntax,
    known: &Known,
    piece: Piece<'a>,
    diagnostics: &mut Vec<Diagnostic>,
) -> Equation {
    let span = place(&piece);
    let mut parser = Parser::new(source, syntax, known, piece, span);
    let statement = parser.statement();
    parser.rest_of_equation();
    diagnostics.append(&mut reported(parser.diagnostics));
    Equation { statement, span }
}

/// Too deep a nesting makes every other complaint of its equation an echo.
pub(super) fn reported(mut diagnostics: Vec<Diagnostic>) -> Vec<Diagnostic> {
    if diagnostics.iter().any(|diagnostic| diagnostic.code == "nesting-too-deep") {
        diagnostics.retain(|diagnostic| diagnostic.code == "nesting-too-deep");
        diagnostics.truncate(1);
    }
    let mut errors = 0;
    diagnostics.retain(|diagnostic| {
        errors += usize::from(diagnostic.is_error());
        !diagnostic.is_error() || errors <= MOST_ERRORS
    });
    diagnostics
}

/// An operator that asks for the best parameters.
struct Objective {
    maximise: bool,
    parameters: Vec<Formula>,
}

impl<'a> Parser<'a, '_> {
    fn statement(&mut self) -> Statement {
        if let Some(objective) = self.objective(false) {
            return self.objective_of(objective, None);
        }
        let first = self.sum();
        let Some(relation) =
            commands::relation(self.text()).filter(|relation| *relation == Relation::Equal && names_something(&first))
        else {
            let formula = self.relation_after(first);
            return match formula.kind {
                Kind::Relation(..) | Kind::Member(..) => Statement::Assumption(formula),
                _ => Statement::Expression(formula),
            };
        };
        self.advance();
        if let Some(objective) = self.objective(!is_best(&first)) {
            return self.objective_of(objective, Some(first));
        }
        self.bound = indices_of(&first);
        let right = self.sum();
        let claims = self.claims(relation);
        Statement::Definition { left: first, right, claims }
    }

    /// `= …` after the defining form.
    fn claims(&mut self, relation: Relation) -> Vec<Formula> {
        let mut claims = Vec::new();
        while let Some(next) = commands::relation(self.text()) {
            let place = self.here();
            self.advance();
            let claim = self.sum();
            if next == relation {
                claims.push(claim);
            } else {
                self.diagnostics.push(
                    Diagnostic::error("definition-with-inequality", place.to(claim.span))
                        .with("symbol", self.written(place)),
                );
            }
        }
        claims
    }

    /// `\min_{W,b}`, `\arg\min_\theta` and their like. After the name of a number, only what asks for an argument, or
    /// names that no index goes by.
    fn objective(&mut self, after_value: bool) -> Option<Objective> {
        let (start, errors) = (self.position, self.diagnostics.len());
        let found = self.objective_operator().and_then(|(maximise, argument)| {
            let parameters = self.parameters_below()?;
            let index =
                |name: &Formula| index_of(name).is_some_and(|(name, _)| self.reads_as_index(&name.plain, after_value));
            (argument || !parameters.iter().any(index)).then_some(Objective { maximise, parameters })
        });
        if found.is_none() {
            self.position = start;
            self.diagnostics.truncate(errors);
        }
        found
    }

    /// Whether the operator maximises, and whether it asks for the argument.
    fn objective_operator(&mut self) -> Option<(bool, bool)> {
        let token = self.advance()?;
        match (token.kind, token.text) {
            (TokenKind::Command, r"\min") => Some((false, false)),
            (TokenKind::Command, r"\max") => Some((true, false)),
            (TokenKind::Command, r"\arg") => match self.advance()?.text {
                r"\min" => Some((false, true)),
                r"\max" => Some((true, true)),
                _ => None,
            },
            (TokenKind::Command | TokenKind::Text | TokenKind::Roman | TokenKind::Operator | TokenKind::Word, text) => {
                let name = if token.kind == TokenKind::Command { text.to_owned() } else { identifier(text) };
                commands::objective(&name).map(|maximise| (maximise, true))
            }
            _ => None,
        }
    }

    /// The names under the operator; in plain text, in brackets after it.
    fn parameters_below(&mut self) -> Option<Vec<Formula>> {
        let script = self.accept("_").is_some();
        if script && !self.at("{") {
            let name = self.script_argument();
            return is_name(&name).then(|| vec![name]);
        }
        let word = !script && self.plain();
        let open = self.accept(if word { "(" } else { "{" }).filter(|_| word || script)?;
        let mut names = vec![self.factor()];
        while self.accept(",").is_some() {
            names.push(self.factor());
        }
        self.accept(commands::closing(open.text)?)?;
        names.iter().all(is_name).then_some(names)
    }

    /// True if a name under `\min` is an index: a small Latin letter that stands in a subscript later on. A value that is
    /// defined by `\max_j` names an index in any case, if its letter is one that indices go by.
    fn reads_as_index(&self, name: &str, after_value: bool) -> bool {
        let small = name.len() == 1 && name.chars().all(|letter| letter.is_ascii_lowercase());
        if !small {
            return false;
        }
        let mut subscript = 0_usize;
        let rest = self.tokens.get(self.position..).unwrap_or_default();
        let used = rest.iter().zip(rest.get(1..).unwrap_or_default()).any(|(token, next)| {
            match token.text {
                "_" if next.text == "{" => subscript = 1,
                "_" if next.text == name => return true,
                "{" if subscript > 1 => subscript += 1,
                "{" if subscript == 1 => subscript = 2,
                "}" if subscript > 0 => subscript = if subscript == 2 { 0 } else { subscript - 1 },
                text => return subscript > 0 && text == name,
            }
            false
        });
        used || (after_value && ('i'..='n').any(|letter| name.starts_with(letter)))
    }

    fn objective_of(&mut self, objective: Objective, mut name: Option<Formula>) -> Statement {
        let Objective { maximise, parameters } = objective;
        self.accept(":");
        if !self.at_operand() && self.peek().is_none_or(|token| !["+", "-"].contains(&token.text)) {
            let span = self.last();
            let body = self.missing("empty-objective", "name", if maximise { "max" } else { "min" }, span);
            return Statement::Objective { parameters, maximise, name, body };
        }
        let mut body = self.sum();
        if self.at("=") && name.is_none() && names_something(&body) {
            self.advance();
            let value = self.sum();
            name = Some(std::mem::replace(&mut body, value));
        }
        Statement::Objective { parameters, maximise, name, body }
    }

    /// Reports what is left of an equation, and reads on behind it for further errors.
    pub fn rest_of_equation(&mut self) {
        while let Some(token) = self.peek() {
            if self.diagnostics.len() > MOST_ERRORS {
                return;
            }
            self.unexpected(token);
            self.advance();
            if self.at_operand() {
                self.relation();
            }
        }
    }

    /// True if all that is left is names in a bracket.
    fn parameters(&mut self) -> bool {
        let Some(open) = self.accept("(") else {
            return false;
        };
        let parameters = self.list();
        let closed = commands::closing(open.text).is_some_and(|close| self.accept(close).is_some());
        closed && self.peek().is_none() && self.diagnostics.is_empty() && parameters.iter().all(is_name)
    }
}

fn is_name(formula: &Formula) -> bool {
    matches!(formula.kind, Kind::Name { opaque: false, .. })
}

/// True for what may stand on the left of a definition.
fn names_something(left: &Formula) -> bool {
    match &left.kind {
        Kind::Name { .. } => true,
        Kind::Apply { subscript: None, power: None, arguments, component, .. } => {
            component.is_empty() && arguments.iter().all(is_name)
        }
        _ => false,
    }
}

/// True for a name such as `\theta^*` or `\hat w`, which the best parameters go by.
fn is_best(left: &Formula) -> bool {
    matches!(&left.kind, Kind::Name { base, .. } if base.plain.contains("_star") || base.plain.contains("_hat"))
}

/// The letters in the scripts of a left side, which are bound on the right.
fn indices_of(left: &Formula) -> Vec<String> {
    let Kind::Name { subscripts, superscripts, .. } = &left.kind else {
        return Vec::new();
    };
    let mut letters = Vec::new();
    for part in subscripts.iter().chain(superscripts) {
        match &part.formula.kind {
            Kind::Product(factors) => {
                letters.extend(factors.iter().filter_map(|(_, factor)| index_of(factor)).map(|(index, _)| index.plain))
            }
            _ => letters.extend(index_of(&part.formula).map(|(index, _)| index.plain)),
        }
    }
    letters
}

/// The error of a text without an equation.
pub(super) fn empty(text: &str) -> Diagnostic {
    Diagnostic::error("empty-input", Span::new(0, text.len()))
}
