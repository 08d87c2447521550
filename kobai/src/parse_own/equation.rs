//! Equations: where one ends and the next begins, and what each says.

use super::Names;
use super::commands::RELATIONS;
use super::expression::Parser;
use super::lexer::{Kind as T, Token};
use crate::formula::{Bracket, Equation, Formula, Kind, Relation, Statement};
use crate::source::{Diagnostic, Span};

/// Environments whose rows are equations.
const ROWS: [&str; 8] = ["equation", "align", "gather", "multline", "eqnarray", "aligned", "split", "gathered"];
/// Words before an equation that mean nothing.
const LEADING_WORDS: [&str; 7] = ["where", "with", "for", "and", "ただし", "ここで", "s.t."];

/// Names that the text defines.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// Functions, as in `f(x) = …`.
    pub functions: Names,
    /// Plain names.
    pub names: Names,
}

impl Known {
    /// Looks at the left sides.
    pub fn collect(pieces: &[Vec<Token>]) -> Known {
        let mut known = Known::default();
        for tokens in pieces {
            let Some(equals) = tokens.iter().position(|token| relation(token) == Some(Relation::Equal)) else { continue };
            let mut ignored = Vec::new();
            let nothing = Known::default();
            let mut parser = Parser::new(&tokens[..equals], &nothing, &mut ignored);
            let Some(name) = parser.base_name() else { continue };
            match parser.peek() {
                None => {
                    known.names.insert(name.plain);
                }
                Some(token) if token.is('(') => {
                    let bar = |token: &Token| token.is('|') || token.command() == Some("mid");
                    if tokens[..equals].last().is_some_and(|token| token.is(')')) && !tokens[..equals].iter().any(bar) {
                        known.functions.insert(name.plain);
                    }
                }
                _ => {}
            }
        }
        known
    }
}

/// The relation that a token is.
pub fn relation(token: &Token) -> Option<Relation> {
    let name = match &token.kind {
        T::Sign('=') => "=",
        T::Sign('<') => "<",
        T::Sign('>') => ">",
        T::Command(name) => name.as_str(),
        _ => return None,
    };
    RELATIONS.iter().find(|(known, _)| *known == name).map(|(_, relation)| *relation)
}

/// Parts tokens into equations, and drops the environments around them.
pub fn split(tokens: Vec<Token>, diagnostics: &mut Vec<Diagnostic>) -> Vec<Vec<Token>> {
    let tokens = drop_environments(tokens, diagnostics);
    let mut pieces: Vec<Vec<Token>> = vec![Vec::new()];
    let (mut braces, mut brackets) = (0_i32, 0_i32);
    for (position, token) in tokens.iter().enumerate() {
        match &token.kind {
            T::Sign('{') => braces += 1,
            T::Sign('}') => braces -= 1,
            T::Sign('(' | '[') => brackets += 1,
            T::Sign(')' | ']') => brackets -= 1,
            T::Command(name) if name == "begin" => braces += 1,
            T::Command(name) if name == "end" => braces -= 1,
            _ => {}
        }
        let open = braces > 0 || brackets > 0;
        let ends = match &token.kind {
            T::Row | T::Sign(';') => braces <= 0,
            T::Newline => !open && !continues(&tokens, position),
            T::Quad => braces <= 0 && position > 0 && (tokens[position - 1].is(',') || tokens[position - 1].is(';')),
            _ => false,
        };
        if ends {
            brackets = 0;
            // A row that begins with an operator goes on with the equation before it.
            if !(token.kind == T::Row && continues(&tokens, position)) {
                pieces.push(Vec::new());
            }
        } else if !matches!(token.kind, T::Newline | T::Quad)
            && let Some(piece) = pieces.last_mut()
        {
            piece.push(token.clone());
        }
    }
    pieces.into_iter().map(trim).filter(|piece| !piece.is_empty()).collect()
}

/// True if the line after this place continues the one before it.
fn continues(tokens: &[Token], position: usize) -> bool {
    let operator = |token: &Token| {
        matches!(token.kind, T::Sign('+' | '-' | '=' | '*' | '/')) || matches!(token.command(), Some("cdot" | "times"))
    };
    let next = tokens[position + 1..].iter().find(|token| !token.is('&') && token.kind != T::Newline);
    let before = tokens[..position].iter().rev().find(|token| token.kind != T::Newline);
    let anything_before = before.is_some_and(|token| token.kind != T::Row);
    anything_before && (next.is_some_and(operator) || before.is_some_and(operator))
}

/// Takes `\begin{align}` and the like away; their ends part equations.
fn drop_environments(tokens: Vec<Token>, diagnostics: &mut Vec<Diagnostic>) -> Vec<Token> {
    let mut kept: Vec<Token> = Vec::new();
    let mut open: Vec<(String, Span)> = Vec::new();
    let mut position = 0;
    while position < tokens.len() {
        let token = &tokens[position];
        let edge = matches!(token.command(), Some("begin" | "end"));
        let Some((name, length)) = edge.then(|| environment_name(&tokens[position + 1..])).flatten() else {
            kept.push(token.clone());
            position += 1;
            continue;
        };
        let rows = ROWS.contains(&name.trim_end_matches('*'));
        if token.command() == Some("begin") {
            open.push((name.clone(), token.span));
        } else if open.last().is_some_and(|(known, _)| *known == name) {
            open.pop();
        } else {
            diagnostics.push(Diagnostic::error("unexpected-closing", token.span).with("bracket", format!("\\end{{{name}}}")));
        }
        if rows {
            kept.push(Token { kind: T::Row, span: token.span });
        } else {
            kept.push(token.clone());
            kept.push(Token { kind: T::Upright("environment".into(), name), span: token.span });
        }
        position += 1 + length;
    }
    for (name, span) in open {
        diagnostics.push(Diagnostic::error("unclosed-environment", span).with("name", name));
    }
    kept
}

fn environment_name(tokens: &[Token]) -> Option<(String, usize)> {
    if !tokens.first()?.is('{') {
        return None;
    }
    let close = tokens.iter().position(|token| token.is('}'))?;
    let mut name = String::new();
    for token in &tokens[1..close] {
        match &token.kind {
            T::Word(word) => name += word,
            T::Sign('*') => name.push('*'),
            _ => return None,
        }
    }
    Some((name, close + 1))
}

/// Takes what means nothing from both ends.
fn trim(mut tokens: Vec<Token>) -> Vec<Token> {
    tokens.retain(|token| token.kind != T::Row);
    while tokens.last().is_some_and(|token| token.is(',') || token.is('.') || token.is(';') || token.is('&')) {
        tokens.pop();
    }
    let leading = |token: &Token| match &token.kind {
        T::Sign('&' | ',') => true,
        T::Upright(_, word) => LEADING_WORDS.contains(&word.trim()),
        _ => false,
    };
    let count = tokens.iter().take_while(|token| leading(token)).count();
    tokens.drain(..count);
    tokens
}

/// Reads one equation.
pub fn read(tokens: &[Token], known: &Known, diagnostics: &mut Vec<Diagnostic>) -> Option<Equation> {
    let span = tokens.first()?.span.to(tokens.last()?.span);
    let mut parser = Parser::new(tokens, known, diagnostics);
    let statement = match objective(&mut parser) {
        Some(statement) => statement,
        None => statement(&mut parser),
    };
    parser.expect_end();
    Some(Equation { statement, span })
}

/// `\min_{W,b} …`, `\theta^* = \arg\min_\theta …`
fn objective(parser: &mut Parser) -> Option<Statement> {
    let start = parser.position();
    let mut name = None;
    let found = parser.objective_operator().or_else(|| {
        let left = parser.sum_quietly()?;
        if !parser.eat('=') {
            return None;
        }
        name = Some(left);
        parser.objective_operator()
    });
    let Some(maximise) = found else {
        parser.rewind(start);
        return None;
    };
    if !parser.eat('_') {
        parser.rewind(start);
        return None;
    }
    let parts = parser.script_parts();
    let parameters: Vec<Formula> = parts.into_iter().map(|part| part.formula).collect();
    let names_only = parameters.iter().all(|parameter| matches!(parameter.kind, Kind::Name { .. }));
    // `\max_j z_j` alone is a maximum over an index, unless nothing is indexed by it.
    let reduction = parameters.iter().any(|parameter| match &parameter.kind {
        Kind::Name { base, .. } => parser.rest_indexes(&base.plain),
        _ => false,
    });
    if !names_only || reduction {
        parser.rewind(start);
        return None;
    }
    let body = parser.relation();
    let (left, body) = match body.kind {
        Kind::Relation(left, mut links) if links.len() == 1 && links[0].0 == Relation::Equal => (Some(*left), links.remove(0).1),
        kind => (None, Formula::new(kind, body.span)),
    };
    Some(Statement::Objective { parameters, maximise, name: left.or(name.filter(|_| false)), body })
}

fn statement(parser: &mut Parser) -> Statement {
    let formula = parser.relation();
    match formula.kind {
        Kind::Relation(left, links) if links.iter().all(|(relation, _)| *relation == Relation::Equal) && is_name(&left) => {
            let mut sides = links.into_iter().map(|(_, side)| side);
            match sides.next() {
                Some(right) => Statement::Definition { left: strip(*left), right, claims: sides.collect() },
                None => Statement::Expression(*left),
            }
        }
        kind @ (Kind::Relation(..) | Kind::Member(..)) => Statement::Assumption(Formula::new(kind, formula.span)),
        kind => Statement::Expression(Formula::new(kind, formula.span)),
    }
}

/// True for what a definition may have on its left: a name, or a function with its parameters.
fn is_name(left: &Formula) -> bool {
    match &left.kind {
        Kind::Name { .. } => true,
        Kind::Apply { component, power: None, subscript: None, .. } => component.is_empty(),
        Kind::Group(Bracket::Invisible, inner) => is_name(inner),
        _ => false,
    }
}

fn strip(left: Formula) -> Formula {
    match left.kind {
        Kind::Group(Bracket::Invisible, inner) => strip(*inner),
        _ => left,
    }
}
