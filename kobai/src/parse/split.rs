//! From the tokens of a block to the tokens of its equations.

use super::commands;
use super::token::{Token, TokenKind};
use crate::source::{Diagnostic, Span};

/// The tokens of one equation.
pub(super) type Piece<'a> = Vec<Token<'a>>;

/// Splits the tokens of one block; two blocks are never one equation.
pub(super) fn pieces<'a>(tokens: &[Token<'a>], diagnostics: &mut Vec<Diagnostic>) -> Vec<Piece<'a>> {
    let mut splitter = Splitter::default();
    for (position, token) in tokens.iter().enumerate() {
        splitter.next(*token, tokens.get(position + 1));
    }
    splitter.finish();
    diagnostics.append(&mut splitter.diagnostics);
    splitter.pieces
}

/// What stands between the last token and the next one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Break {
    None,
    /// A line's end, which a continuation bridges.
    Line,
    /// The end of the equation.
    Equation,
}

struct Splitter<'a> {
    pieces: Vec<Piece<'a>>,
    current: Piece<'a>,
    pending: Break,
    /// Open brackets and braces, and open environments that the parser reads.
    depth: usize,
    environments: usize,
    /// Layout environments that are open.
    layouts: Vec<Token<'a>>,
    /// `&` seen in this row.
    columns: usize,
    relation_seen: bool,
    /// What an index runs over was read, and names behind a comma belong to it.
    range_open: bool,
    /// The last token was a newline, so another one makes a blank line.
    after_newline: bool,
    diagnostics: Vec<Diagnostic>,
}

impl Default for Splitter<'_> {
    fn default() -> Self {
        Splitter {
            pieces: Vec::new(),
            current: Vec::new(),
            pending: Break::None,
            depth: 0,
            environments: 0,
            layouts: Vec::new(),
            columns: 0,
            relation_seen: false,
            range_open: false,
            after_newline: false,
            diagnostics: Vec::new(),
        }
    }
}

impl<'a> Splitter<'a> {
    fn next(&mut self, token: Token<'a>, following: Option<&Token<'a>>) {
        let outside = self.depth == 0 && self.environments == 0;
        if self.after_newline && token.kind == TokenKind::Newline && self.environments == 0 {
            // A blank line ends whatever bracket was left open, so that one slip does not take the whole text with it.
            self.depth = 0;
            self.wait(Break::Line);
        }
        self.after_newline = token.kind == TokenKind::Newline;
        match token.kind {
            TokenKind::Newline if outside => self.wait(Break::Line),
            TokenKind::RowBreak if outside => {
                self.columns = 0;
                self.wait(Break::Line);
            }
            TokenKind::Newline | TokenKind::Quad => {}
            TokenKind::Begin | TokenKind::End if commands::layout(token.text).is_some() => self.layout(token),
            TokenKind::Begin => {
                self.push(token);
                self.environments += 1;
            }
            TokenKind::End => {
                self.push(token);
                self.environments = self.environments.saturating_sub(1);
            }
            TokenKind::Text if outside && commands::is_lead_in(token.text) => self.wait(Break::Equation),
            TokenKind::Text | TokenKind::Command if outside && is_quantifier(&token) => {
                self.wait(Break::Equation);
                self.push(token);
            }
            TokenKind::Symbol if outside && token.text == "&" => self.column(),
            TokenKind::Symbol if outside && token.text == ";" => self.wait(Break::Equation),
            TokenKind::Symbol if outside && token.text == "," && self.comma_ends(following) => {
                self.wait(Break::Equation)
            }
            _ => self.push(token),
        }
    }

    fn wait(&mut self, pending: Break) {
        self.pending = self.pending.max(pending);
    }

    /// A comma ends an equation before `\quad`, after a relation, and in what says what an index runs over.
    fn comma_ends(&self, following: Option<&Token<'a>>) -> bool {
        let range =
            self.range_open || self.current.first().is_some_and(|first| first.text == r"\dots" || is_quantifier(first));
        self.relation_seen
            || range
            || self.follows_relation()
            || following.is_none_or(|next| next.kind == TokenKind::Quad)
    }

    /// In `i = 1, 2, \dots, N` the comma after the 2.
    fn follows_relation(&self) -> bool {
        self.current.len() == 1 && self.pieces.last().is_some_and(|piece| piece.iter().any(|token| token.text == "="))
    }

    /// The first `&` of a row aligns; the second parts two equations.
    fn column(&mut self) {
        self.columns += 1;
        if self.columns.is_multiple_of(2) && self.relation_seen {
            self.wait(Break::Equation);
        }
    }

    fn layout(&mut self, token: Token<'a>) {
        if commands::layout(token.text) == Some(true) {
            self.wait(Break::Equation);
        }
        self.columns = 0;
        if token.kind == TokenKind::Begin {
            self.layouts.push(token);
            return;
        }
        match self.layouts.pop() {
            Some(open) if open.text == token.text => {}
            Some(open) => {
                let error = Diagnostic::error("mismatched-environment", token.span).related(open.span);
                self.diagnostics.push(error.with("opened", open.text).with("closed", token.text));
            }
            None => self.diagnostics.push(
                Diagnostic::error("stray-closing", token.span).with("symbol", format!("\\end{{{}}}", token.text)),
            ),
        }
    }

    fn push(&mut self, token: Token<'a>) {
        let continues = self.pending == Break::Line
            && (starts_continuation(&token) || self.current.last().is_some_and(awaits_continuation));
        if self.pending != Break::None && !continues {
            self.flush();
            self.range_open &= self.pending == Break::Equation;
        }
        self.pending = Break::None;
        if token.kind == TokenKind::Symbol || token.kind == TokenKind::Command {
            if commands::closing(token.text).is_some() {
                self.depth += 1;
            } else if commands::is_closing(token.text) {
                self.depth = self.depth.saturating_sub(1);
            }
            self.relation_seen |= self.depth == 0 && (commands::relation(token.text).is_some() || token.text == r"\in");
        }
        self.current.push(token);
    }

    fn flush(&mut self) {
        while self.current.last().is_some_and(|last| last.kind == TokenKind::Symbol && [",", "."].contains(&last.text))
        {
            self.current.pop();
        }
        let piece = std::mem::take(&mut self.current);
        let dots = piece.iter().all(|token| token.text == r"\dots");
        match piece.first() {
            None => {}
            Some(_) if dots => self.drop_range(),
            Some(first) if is_quantifier(first) => self.range_open = true,
            Some(_) if self.range_open && !self.relation_seen => {}
            Some(_) => {
                self.range_open = false;
                self.pieces.push(piece);
            }
        }
        self.depth = 0;
        self.environments = 0;
        self.relation_seen = false;
    }

    /// `i = 1, 2, \dots, N` only says what the free index `i` runs over.
    fn drop_range(&mut self) {
        let begins = |piece: &Piece<'a>| piece.len() <= 4 && piece.iter().any(|token| token.text == "=");
        while let Some(piece) = self.pieces.pop_if(|piece| piece.len() == 1 || begins(piece)) {
            if begins(&piece) {
                break;
            }
        }
        self.range_open = true;
    }

    fn finish(&mut self) {
        self.flush();
        for open in std::mem::take(&mut self.layouts) {
            self.diagnostics.push(Diagnostic::error("unclosed-environment", open.span).with("environment", open.text));
        }
    }
}

/// True for what at the start of a line continues the line before.
fn starts_continuation(token: &Token<'_>) -> bool {
    !token.is_verbatim()
        && (["+", "-"].contains(&token.text)
            || commands::join(token.text).is_some()
            || commands::relation(token.text).is_some())
}

/// True for what at the end of a line waits for the next one.
fn awaits_continuation(token: &Token<'_>) -> bool {
    starts_continuation(token) || token.text == r"\in"
}

/// True for what begins "for all i", which only says what the free indices of the equation before it are.
fn is_quantifier(token: &Token<'_>) -> bool {
    token.text == r"\forall" || (token.kind == TokenKind::Text && commands::is_quantifier(token.text))
}

/// The place of an equation.
pub(super) fn place(piece: &[Token<'_>]) -> Span {
    match (piece.first(), piece.last()) {
        (Some(first), Some(last)) => first.span.to(last.span),
        _ => Span::default(),
    }
}
