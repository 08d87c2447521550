//! The text a person wrote, places in it, and what can be wrong with it.
//!
//! A [`Diagnostic`] holds facts only: a code, a place and the values that its sentence needs. The sentences
//! (message, cause and fix, in English and in Japanese) live in the language files of `explain`.

/// A half-open range of bytes in the text a person wrote.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Span {
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
}

impl Span {
    /// The range from `start` up to, not including, `end`.
    pub fn new(start: usize, end: usize) -> Span {
        Span { start, end }
    }

    /// The smallest span that holds both.
    pub fn to(self, other: Span) -> Span {
        Span { start: self.start.min(other.start), end: self.end.max(other.end) }
    }
}

/// How grave a diagnostic is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Severity {
    /// The input cannot be used.
    Error,
    /// The input was read in a way that a person might not expect.
    Warning,
}

/// Something to tell the author of a text: a code, a place and the values for the sentence's slots.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Stable key, such as `unknown-command`; the language files hold `error.CODE`, `error.CODE.cause` and
    /// `error.CODE.fix`.
    pub code: &'static str,
    /// How grave it is.
    pub severity: Severity,
    /// Where it is in the user's text; `None` if it is about the data only.
    pub span: Option<Span>,
    /// A second place, such as the other size of an axis.
    pub related: Option<Span>,
    /// Values for the slots of the sentence, such as `("name", "x")`.
    pub slots: Vec<(&'static str, String)>,
}

impl Diagnostic {
    /// An error at a place.
    pub fn error(code: &'static str, span: Span) -> Diagnostic {
        Diagnostic { code, severity: Severity::Error, span: Some(span), related: None, slots: Vec::new() }
    }

    /// An error about the data, without a place in the text.
    pub fn data_error(code: &'static str) -> Diagnostic {
        Diagnostic { code, severity: Severity::Error, span: None, related: None, slots: Vec::new() }
    }

    /// A warning at a place.
    pub fn warning(code: &'static str, span: Span) -> Diagnostic {
        Diagnostic { severity: Severity::Warning, ..Diagnostic::error(code, span) }
    }

    /// Adds the value of a slot.
    pub fn with(mut self, slot: &'static str, value: impl Into<String>) -> Diagnostic {
        self.slots.push((slot, value.into()));
        self
    }

    /// Adds a second place.
    pub fn related(mut self, span: Span) -> Diagnostic {
        self.related = Some(span);
        self
    }

    /// True for an error, false for a warning.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}
