//! The one place that speaks a human language: derivations, errors and plans in words.
//!
//! Sentences are `key = text` lines of `explain/en.txt` and `explain/ja.txt`, with slots in braces. A test demands that
//! both files hold the same keys with the same slots.

mod choice;
pub mod format;
mod foundation;
mod markup;
pub mod page;
mod speaker;
pub mod stability;

pub use choice::{choices, equations};

use crate::derivation::Derivation;
use crate::print::Notation;
use crate::resolve::Program;
use crate::source::Diagnostic;
pub use foundation::explain_way;
use speaker::Speaker;
use std::collections::HashMap;
use std::sync::OnceLock;

/// A language to speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// English.
    English,
    /// Japanese.
    Japanese,
}

impl Language {
    /// All languages, with the code that a user writes and the file.
    pub const ALL: [(Language, &'static str, &'static str); 2] = [
        (Language::English, "en", include_str!("explain/en.txt")),
        (Language::Japanese, "ja", include_str!("explain/ja.txt")),
    ];

    /// The language of a code such as `ja`.
    pub fn from_code(code: &str) -> Option<Language> {
        Language::ALL.iter().find(|(_, known, _)| *known == code).map(|(language, ..)| *language)
    }

    /// The sentences, by key.
    pub fn sentences(self) -> &'static HashMap<&'static str, &'static str> {
        static TABLES: OnceLock<Vec<HashMap<&'static str, &'static str>>> = OnceLock::new();
        let tables = TABLES.get_or_init(|| Language::ALL.iter().map(|(_, _, text)| read(text)).collect());
        &tables[self as usize]
    }

    /// The sentence of a key with its slots filled; the key itself if there is none.
    pub fn say(self, key: &str, slots: &[(&str, String)]) -> String {
        let template = self.sentences().get(key).copied().unwrap_or(key);
        fill(template, slots)
    }
}

/// Fills slots in one pass: braces in a value, as in a LaTeX formula, are no slots.
fn fill(template: &str, slots: &[(&str, String)]) -> String {
    let mut out = String::new();
    let mut rest = template;
    while let Some(open) = rest.find('{') {
        out.push_str(&rest[..open]);
        rest = &rest[open..];
        let slot =
            slots.iter().find(|(slot, _)| rest[1..].strip_prefix(slot).is_some_and(|after| after.starts_with('}')));
        match slot {
            Some((slot, value)) => {
                out.push_str(value);
                rest = &rest[slot.len() + 2..];
            }
            None => {
                out.push('{');
                rest = &rest[1..];
            }
        }
    }
    out + rest
}

fn read(text: &'static str) -> HashMap<&'static str, &'static str> {
    let line = |line: &'static str| line.split_once(" = ").map(|(key, sentence)| (key.trim(), sentence.trim()));
    text.lines().filter(|line| !line.starts_with('#')).filter_map(line).collect()
}

/// A diagnostic in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// What is wrong.
    pub message: String,
    /// Why; empty if the message says it.
    pub cause: String,
    /// What to do.
    pub fix: String,
}

/// A diagnostic in words.
pub fn diagnostic(diagnostic: &Diagnostic, language: Language) -> Message {
    let slots: Vec<(&str, String)> = diagnostic.slots.iter().map(|(slot, value)| (*slot, value.clone())).collect();
    let part = |suffix: &str| {
        let key = format!("error.{}{suffix}", diagnostic.code);
        if language.sentences().contains_key(key.as_str()) { language.say(&key, &slots) } else { String::new() }
    };
    let message = part("");
    let message = if message.is_empty() { diagnostic.code.to_owned() } else { message };
    Message { message, cause: part(".cause"), fix: part(".fix") }
}

/// A derivation in words and formulas, in one notation.
#[derive(Clone, Debug, PartialEq)]
pub struct Explanation {
    /// The notation of its formulas.
    pub notation: Notation,
    /// What tells it from others, if there is more than one way.
    pub title: Option<String>,
    /// The equations that it starts from, and what is to be known about them.
    pub given: Vec<String>,
    /// Remarks on how these are read.
    pub remarks: Vec<String>,
    /// What is asked for, in short: `∂L/∂z`.
    pub question: String,
    /// What is asked for, with the loss written out.
    pub target: String,
    /// The steps.
    pub steps: Vec<ExplainedStep>,
    /// Numbers that show a limit.
    pub tables: Vec<ExplainedTable>,
    /// The final form; `None` if the derivation stopped short of it.
    pub result: Option<String>,
    /// Where it holds.
    pub conditions: Vec<String>,
    /// Stated conditions that were used.
    pub assumed: Vec<String>,
    /// Conditions that were used and not stated.
    pub supposed: Vec<String>,
    /// The form that needs no supposition.
    pub without_supposition: Option<String>,
    /// What numbers say of the whole.
    pub verdict: String,
}

/// A table of two columns.
#[derive(Clone, Debug, PartialEq)]
pub struct ExplainedTable {
    /// What it shows.
    pub caption: String,
    /// The formulas above the columns.
    pub head: [String; 2],
    /// The numbers.
    pub rows: Vec<(String, String)>,
}

/// A step in words and formulas.
#[derive(Clone, Debug, PartialEq)]
pub struct ExplainedStep {
    /// The rule's key.
    pub rule: &'static str,
    /// True if it only brings into another form what is differentiated already.
    pub simplifies: bool,
    /// What the rule is and does here.
    pub sentence: String,
    /// The part before; empty if the part is the whole.
    pub before: String,
    /// The part after.
    pub after: String,
    /// The left side of the whole, if it does not go on from the line before.
    pub left: String,
    /// The whole after the step.
    pub whole: String,
    /// The same with what is new in it marked.
    pub marked: String,
    /// A remark, if numbers could not be put in.
    pub unchecked: Option<String>,
    /// The derivation of the part.
    pub substeps: Vec<ExplainedStep>,
}

/// Puts a derivation into words. What numbers contradict is not shown.
pub fn explain(program: &mut Program, derivation: &Derivation, language: Language, notation: Notation) -> Explanation {
    Speaker::new(program, derivation, language, notation).explanation(derivation)
}
