//! An article's formulas, in displays and in the running text, each read by itself in the light of all definitions.

use super::split::{Piece, place};
use super::token::{Token, TokenKind};
use super::{Syntax, commands, document, equation, lexer, split};
use crate::formula::Equation;
use crate::source::{Diagnostic, Span};

/// What joins two relations, or a value and its rounded form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Connective {
    /// `\iff`
    Equivalent,
    /// `\implies`
    Implies,
    /// `\approx`
    Approximately,
}

/// One formula of an article.
#[derive(Clone, Debug, PartialEq)]
pub struct ArticleFormula {
    /// Where it stands.
    pub span: Span,
    /// True in the running text, false in a display.
    pub inline: bool,
    /// What stands between the connectives.
    pub parts: Vec<Equation>,
    /// The connectives, one fewer than the parts.
    pub connectives: Vec<Connective>,
    /// What is wrong with it.
    pub diagnostics: Vec<Diagnostic>,
}

const CONNECTIVES: &[(&str, Connective)] = &[
    (r"\iff", Connective::Equivalent),
    (r"\Leftrightarrow", Connective::Equivalent),
    (r"\Longleftrightarrow", Connective::Equivalent),
    (r"\leftrightarrow", Connective::Equivalent),
    (r"\longleftrightarrow", Connective::Equivalent),
    ("⇔", Connective::Equivalent),
    ("⟺", Connective::Equivalent),
    (r"\implies", Connective::Implies),
    (r"\Rightarrow", Connective::Implies),
    (r"\Longrightarrow", Connective::Implies),
    ("⇒", Connective::Implies),
    (r"\approx", Connective::Approximately),
    (r"\simeq", Connective::Approximately),
    (r"\fallingdotseq", Connective::Approximately),
    ("≈", Connective::Approximately),
    ("≒", Connective::Approximately),
];

fn connective(token: &Token<'_>) -> Option<Connective> {
    let symbol = matches!(token.kind, TokenKind::Command | TokenKind::Symbol | TokenKind::Unknown);
    CONNECTIVES.iter().find(|row| symbol && row.0 == token.text).map(|row| row.1)
}

/// A block of mathematics.
struct Block {
    span: Span,
    inline: bool,
}

/// Every formula of a text, in order, and what is wrong between them, such as a display without end.
pub fn formulas(text: &str, syntax: Syntax) -> (Vec<ArticleFormula>, Vec<Diagnostic>) {
    let (blocks, mut outside) = match syntax {
        Syntax::Document => blocks(text),
        _ => (vec![Block { span: Span::new(0, text.len()), inline: false }], Vec::new()),
    };
    let mut pieces: Vec<(Piece<'_>, bool, Vec<Diagnostic>)> = Vec::new();
    for block in blocks {
        let tokens = lexer::tokens(text, block.span, syntax);
        let mut faults = Vec::new();
        let found = joined(split::pieces(&tokens, &mut faults));
        match found.len() {
            0 => outside.append(&mut faults),
            // What is wrong with the block as a whole is told with its first formula.
            _ => pieces.extend(found.into_iter().map(|piece| (piece, block.inline, std::mem::take(&mut faults)))),
        }
    }
    let all: Vec<Piece<'_>> = pieces.iter().flat_map(|(piece, ..)| cut(piece).0).collect();
    let known = equation::known(text, syntax, &all);
    let read = |(piece, inline, mut diagnostics): (Piece<'_>, bool, Vec<Diagnostic>)| {
        let span = place(&piece);
        let (parts, connectives) = cut(&piece);
        let parts =
            parts.into_iter().map(|part| equation::equation(text, syntax, &known, part, &mut diagnostics)).collect();
        diagnostics.sort_by_key(|diagnostic| diagnostic.span);
        ArticleFormula { span, inline, parts, connectives, diagnostics }
    };
    (pieces.into_iter().map(read).collect(), outside)
}

fn blocks(text: &str) -> (Vec<Block>, Vec<Diagnostic>) {
    let found = document::displays(text);
    let displays = found.blocks.into_iter().map(|span| Block { span, inline: false });
    let inline = found.inline.into_iter().map(|span| Block { span, inline: true });
    let mut blocks: Vec<Block> = displays.chain(inline).collect();
    blocks.sort_by_key(|block| block.span);
    (blocks, found.diagnostics)
}

/// A line that begins with a connective goes on with the line before.
fn joined(pieces: Vec<Piece<'_>>) -> Vec<Piece<'_>> {
    let mut joined: Vec<Piece<'_>> = Vec::new();
    for mut piece in pieces {
        match joined.last_mut() {
            Some(before) if piece.first().is_some_and(|token| connective(token).is_some()) => before.append(&mut piece),
            _ => joined.push(piece),
        }
    }
    joined
}

/// A piece cut at the connectives outside of its brackets. Dots after the digits of a number say that there are more.
fn cut<'a>(piece: &[Token<'a>]) -> (Vec<Piece<'a>>, Vec<Connective>) {
    let (mut parts, mut connectives, mut depth) = (vec![Piece::new()], Vec::new(), 0_usize);
    if let [before @ .., equal, number, dots] = piece
        && (equal.text, number.kind, dots.text) == ("=", TokenKind::Number, r"\dots")
    {
        (parts, connectives) = cut(before);
        parts.push(vec![*number]);
        connectives.push(Connective::Approximately);
        return (parts, connectives);
    }
    for token in piece {
        if !token.is_verbatim() && commands::closing(token.text).is_some() {
            depth += 1;
        } else if !token.is_verbatim() && commands::is_closing(token.text) {
            depth = depth.saturating_sub(1);
        }
        match connective(token).filter(|_| depth == 0) {
            Some(connective) => {
                connectives.push(connective);
                parts.push(Piece::new());
            }
            None => parts.last_mut().into_iter().for_each(|part| part.push(*token)),
        }
    }
    (parts, connectives)
}
