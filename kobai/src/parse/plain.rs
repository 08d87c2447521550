//! Words of plain text: `sum(i=1..N)`, `t[i, k]`, `log(x)`, `if(c, a, b)`.

use super::commands;
use super::expression::ungrouped;
use super::letters;
use super::operator::Range;
use super::parser::Parser;
use super::primary::all_of;
use super::token::{Token, TokenKind};
use crate::formula::{BigOperator, Formula, Kind, ScriptPart, Spelling};
use crate::source::{Diagnostic, Span};

/// A construct that LaTeX has a sign for and plain text a word.
#[derive(Clone, Copy)]
enum Construct {
    If,
    Indicator,
    Delta,
    Root,
    Absolute,
    Norm,
    Inner,
    Transpose,
    Factorial,
}

/// Word, construct, least and greatest number of arguments.
const CONSTRUCTS: &[(&str, Construct, usize, usize)] = &[
    ("if", Construct::If, 3, 3),
    ("ind", Construct::Indicator, 1, usize::MAX),
    ("delta", Construct::Delta, 2, 2),
    ("sqrt", Construct::Root, 1, 1),
    ("root", Construct::Root, 2, 2),
    ("abs", Construct::Absolute, 1, 1),
    ("norm", Construct::Norm, 1, 2),
    ("inner", Construct::Inner, 2, 2),
    ("transpose", Construct::Transpose, 1, 1),
    ("factorial", Construct::Factorial, 1, 1),
];

impl<'a> Parser<'a, '_> {
    /// True if the word comes next.
    pub fn at_word(&self, word: &str) -> bool {
        self.peek().is_some_and(|token| token.kind == TokenKind::Word && token.text == word)
    }

    /// Takes the word if it comes next.
    pub fn accept_word(&mut self, word: &str) -> bool {
        let here = self.at_word(word);
        self.position += usize::from(here);
        here
    }

    /// A word: an operator, a function, a construct or a name.
    pub fn word(&mut self) -> Formula {
        let Some(token) = self.advance() else {
            return Formula::new(Kind::Error, self.end);
        };
        let defined = self.known.names.contains(token.text) || self.known.functions.contains(token.text);
        if self.at("(") && !self.left_side && !defined && !self.in_script {
            if let Some(operator) = commands::big_operator(token.text).filter(|_| self.binds()) {
                return self.plain_operator(operator, token);
            }
            if let Some(row) = CONSTRUCTS.iter().find(|row| row.0 == token.text) {
                return self.construct(token, row.1, (row.2, row.3));
            }
            if token.text == "E" && self.binds() {
                return self.plain_operator(BigOperator::Mean, token);
            }
        }
        if let Some(function) = self.plain_function(token, defined) {
            return self.applied(function, token.span, None, None);
        }
        if token.text == "inf" || token.text == "infinity" {
            return Formula::new(Kind::Infinity, token.span);
        }
        self.indexed(token)
    }

    /// The function that a word is, with a bracket or before an operand that can only be its argument.
    fn plain_function(&self, token: Token<'a>, defined: bool) -> Option<String> {
        if self.left_side || self.in_script {
            return None;
        }
        if self.at("(") && self.known.functions.contains(token.text) {
            return Some(token.text.to_owned());
        }
        let name = commands::function_name(token.text)
            .or_else(|| commands::function_letter(token.text))
            .filter(|_| !defined)?;
        let bare = commands::function_letter(token.text).is_none()
            && self.peek().is_some_and(|next| matches!(next.kind, TokenKind::Word | TokenKind::Number));
        (self.at("(") || bare).then(|| name.to_owned())
    }

    /// True if the bracket after an operator's name binds: `sum(i)`, `max(j) z[i, j]` but not `max(a, b)`.
    fn binds(&self) -> bool {
        let Some(close) = self.matching_close() else {
            return true;
        };
        let inside = self.tokens.get(self.position + 1..close).unwrap_or_default();
        let name = self.position.checked_sub(1).and_then(|at| self.tokens.get(at)).map_or("", |token| token.text);
        if ["sum", "prod"].contains(&name) {
            return true;
        }
        let outermost = outside_of_brackets(inside);
        let marked = outermost.iter().any(|token| ["=", ":"].contains(&token.text) || token.text == "in");
        let letters = inside.iter().all(|token| token.kind == TokenKind::Word || ["'", ","].contains(&token.text));
        let several = outermost.iter().any(|token| token.text == ",");
        let two = ["max", "min"].contains(&name) && several;
        let body = self.tokens.get(close + 1).is_some_and(|next| {
            matches!(next.kind, TokenKind::Word | TokenKind::Number | TokenKind::Command)
                || next.text == "("
                || next.text == "|"
        });
        (marked || (letters && !two)) && body
    }

    pub fn plain_operator(&mut self, operator: BigOperator, token: Token<'a>) -> Formula {
        let mut range = Range::default();
        if let Some(open) = self.accept("(") {
            self.clauses(&mut range);
            self.close(open, ")");
        }
        self.reduction(operator, range, token.span)
    }

    fn construct(&mut self, token: Token<'a>, construct: Construct, (least, most): (usize, usize)) -> Formula {
        let Some(open) = self.accept("(") else {
            return Formula::new(Kind::Error, token.span);
        };
        let arguments = self.inside(Parser::list);
        self.close(open, ")");
        let span = self.since(token.span);
        if arguments.len() < least {
            return self.missing("missing-argument", "name", token.text, span);
        }
        if arguments.len() > most {
            let error = Diagnostic::error("argument-count", token.span).with("name", token.text);
            return self.fail(error.with("wanted", most.to_string()).with("given", arguments.len().to_string()));
        }
        self.assemble(construct, arguments, span)
    }

    fn assemble(&mut self, construct: Construct, arguments: Vec<Formula>, span: Span) -> Formula {
        if let Construct::Indicator = construct {
            return all_of(arguments, span);
        }
        let mut rest = arguments.into_iter().map(Box::new);
        let (first, second, third) = (rest.next(), rest.next(), rest.next());
        let kind = match (construct, first, second, third) {
            (Construct::If, Some(condition), Some(value), Some(other)) => {
                Kind::Cases(vec![(*value, Some(*condition)), (*other, None)])
            }
            (Construct::Delta, Some(left), Some(right), _) => Kind::Delta(left, right),
            (Construct::Root, Some(radicand), degree, _) => Kind::Root(degree, radicand),
            (Construct::Absolute, Some(inner), ..) => Kind::Absolute(inner),
            (Construct::Norm, Some(inner), order, _) => Kind::Norm(inner, order),
            (Construct::Inner, Some(left), Some(right), _) => Kind::Inner(left, right),
            (Construct::Transpose, Some(inner), ..) => Kind::Transpose(inner),
            (Construct::Factorial, Some(inner), ..) => Kind::Factorial(inner),
            _ => Kind::Error,
        };
        Formula::new(kind, span)
    }

    /// A name with its indices, `t[i, k]`.
    fn indexed(&mut self, token: Token<'a>) -> Formula {
        let mut base = Spelling { plain: token.text.into(), latex: latex_of(token.text) };
        while self.accept("'").is_some() {
            base.plain.push_str("_prime");
            base.latex.push('\'');
        }
        let subscripts = self.index_list();
        self.bare_or_opaque(base, subscripts, token)
    }

    /// `[i, k]`, if it is there.
    pub fn index_list(&mut self) -> Vec<ScriptPart> {
        let mut parts = Vec::new();
        let Some(open) = self.accept("[") else {
            return parts;
        };
        let outer = std::mem::replace(&mut self.in_script, true);
        self.inside(|parser| {
            loop {
                let part = parser.script_part();
                parts.push(part);
                if parser.accept(",").is_none() {
                    break;
                }
            }
        });
        self.in_script = outer;
        self.close(open, "]");
        parts
    }

    fn bare_or_opaque(&mut self, base: Spelling, subscripts: Vec<ScriptPart>, token: Token<'a>) -> Formula {
        if subscripts.is_empty() && !self.left_side && self.at("(") && self.bracket_has_bar() {
            return self.opaque(token.span);
        }
        let span = self.since(token.span);
        Formula::new(Kind::Name { base, subscripts, superscripts: Vec::new(), opaque: false }, span)
    }

    /// The exponent after `^`: a sign, a primary, and a further power.
    pub fn plain_exponent(&mut self) -> Formula {
        self.nested(|parser| {
            let start = parser.here();
            let negative = parser.signs();
            let primary = parser.primary();
            let exponent = ungrouped(parser.postfix(primary));
            match negative {
                Some(true) => {
                    let span: Span = start.to(exponent.span);
                    Formula::new(Kind::Sum(vec![(true, exponent)]), span)
                }
                _ => exponent,
            }
        })
    }
}

/// The tokens that no bracket encloses.
fn outside_of_brackets<'t, 'a>(tokens: &'t [Token<'a>]) -> Vec<&'t Token<'a>> {
    let mut depth = 0_usize;
    let at_depth = |token: &&Token<'a>| {
        let opens = commands::closing(token.text).is_some();
        depth = if commands::is_closing(token.text) { depth.saturating_sub(1) } else { depth + usize::from(opens) };
        depth == 0 && !opens
    };
    tokens.iter().filter(at_depth).collect()
}

/// The LaTeX of a name in plain text: `y_hat` is `\hat{y}`, `tau` is `\tau`, `pi_ref` is `\pi_{\text{ref}}`.
fn latex_of(plain: &str) -> String {
    let mut parts = plain.split('_');
    let first = parts.next().unwrap_or_default();
    let mut latex = letter_latex(first);
    let mut words: Vec<String> = Vec::new();
    for part in parts.filter(|part| !part.is_empty()) {
        let accent = format!("\\{part}");
        if words.is_empty() && letters::accent(&accent).is_some() {
            latex = format!("{accent}{{{latex}}}");
        } else if words.is_empty() && part == "prime" {
            latex.push('\'');
        } else {
            words.push(letter_latex(part));
        }
    }
    if words.is_empty() { latex } else { format!("{latex}_{{{}}}", words.join(",")) }
}

fn letter_latex(word: &str) -> String {
    let command = format!("\\{word}");
    if letters::name_of_command(&command).is_some() {
        return command;
    }
    let mut letters = word.chars();
    let single = letters.next().is_some() && letters.all(|letter| letter.is_ascii_digit());
    if single { word.to_owned() } else { format!("\\text{{{word}}}") }
}
