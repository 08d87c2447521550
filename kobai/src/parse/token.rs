//! Tokens: the smallest parts of a text that mean something.

use crate::source::Span;

/// The kinds of token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TokenKind {
    /// `\frac`, `\{`; the text keeps its backslash.
    Command,
    /// One letter in LaTeX.
    Letter,
    /// A word in plain text.
    Word,
    /// Digits, perhaps with a fraction and an exponent.
    Number,
    /// `+`, `(`, `{` and their like.
    Symbol,
    /// `\text{…}`; the text is what is inside.
    Text,
    /// `\operatorname{…}`; the text is what is inside.
    Operator,
    /// `\mathrm{…}` around a word; the text is what is inside.
    Roman,
    /// `\begin{…}`; the text is the environment.
    Begin,
    /// `\end{…}`; the text is the environment.
    End,
    /// `\\`.
    RowBreak,
    /// The end of a line.
    Newline,
    /// `\quad`.
    Quad,
    /// A character that has no meaning.
    Unknown,
}

/// A token with its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Token<'a> {
    /// What it is.
    pub kind: TokenKind,
    /// Its text, in the spelling that the parser knows.
    pub text: &'a str,
    /// Where it stands.
    pub span: Span,
}

impl Token<'_> {
    /// True for words, whether upright or not, which a script takes as a word.
    pub fn is_words(&self) -> bool {
        matches!(self.kind, TokenKind::Text | TokenKind::Operator | TokenKind::Roman)
    }

    /// True for what has its text from a name inside braces or from a person's words, which no symbol may match.
    pub fn is_verbatim(&self) -> bool {
        self.is_words() || matches!(self.kind, TokenKind::Begin | TokenKind::End | TokenKind::Unknown)
    }
}
