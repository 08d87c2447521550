//! The one place that speaks a human language: derivations, errors and plans in words.
//!
//! Sentences are `key = text` lines of `explain/en.txt` and `explain/ja.txt`, with slots in braces. A test demands that
//! both files hold the same keys with the same slots.

pub mod format;

use crate::derivation::{Derivation, Slot, Step};
use crate::expr::{Context, Expr};
use crate::function::{Function, ROWS};
use crate::print::{Notation, print, print_condition, print_name};
use crate::source::Diagnostic;
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
    /// What is asked for.
    pub target: String,
    /// The steps.
    pub steps: Vec<ExplainedStep>,
    /// The final form.
    pub result: String,
    /// Where it holds.
    pub conditions: Vec<String>,
    /// Stated conditions that were used.
    pub assumed: Vec<String>,
    /// Conditions that were used and not stated.
    pub supposed: Vec<String>,
    /// The form that needs no supposition.
    pub without_supposition: Option<String>,
}

/// A step in words and formulas.
#[derive(Clone, Debug, PartialEq)]
pub struct ExplainedStep {
    /// The rule's key.
    pub rule: &'static str,
    /// What the rule is and does here.
    pub sentence: String,
    /// The part before.
    pub before: String,
    /// The part after.
    pub after: String,
    /// The whole after the step.
    pub whole: String,
    /// The derivation of the part.
    pub substeps: Vec<ExplainedStep>,
}

/// Puts a derivation into words.
pub fn explain(context: &Context, derivation: &Derivation, language: Language, notation: Notation) -> Explanation {
    let speaker = Speaker { context, language, notation };
    let show_all = |exprs: &[Expr]| exprs.iter().map(|&expr| print_condition(context, expr, notation)).collect();
    Explanation {
        target: speaker.show(derivation.target),
        steps: derivation.steps.iter().map(|step| speaker.step(step)).collect(),
        result: speaker.show(derivation.result),
        conditions: show_all(&derivation.conditions),
        assumed: show_all(&derivation.assumed),
        supposed: show_all(&derivation.supposed),
        without_supposition: derivation.without_supposition.map(|expr| speaker.show(expr)),
    }
}

struct Speaker<'a> {
    context: &'a Context,
    language: Language,
    notation: Notation,
}

impl Speaker<'_> {
    fn show(&self, expr: Expr) -> String {
        print(self.context, expr, self.notation)
    }

    /// A formula inside a sentence.
    fn inline(&self, expr: Expr) -> String {
        self.in_sentence(self.show(expr))
    }

    fn in_sentence(&self, formula: String) -> String {
        if matches!(self.notation, Notation::Latex) { format!("${formula}$") } else { formula }
    }

    fn step(&self, step: &Step) -> ExplainedStep {
        let mut slots: Vec<(&str, String)> = step.slots.iter().map(|(slot, value)| (*slot, self.slot(value))).collect();
        let key = match Function::from_plain(step.rule) {
            Some(function) => {
                slots.push(("name", self.in_sentence(ROWS[function as usize].latex_or_plain(self.notation))));
                slots.push(("general", self.in_sentence(general_rule(function, self.notation))));
                let own = format!("rule.{}", step.rule);
                if self.language.sentences().contains_key(own.as_str()) { own } else { "rule.function".to_owned() }
            }
            None => format!("rule.{}", step.rule),
        };
        ExplainedStep {
            rule: step.rule,
            sentence: self.language.say(&key, &slots),
            before: self.show(step.before),
            after: self.show(step.after),
            whole: self.show(step.whole),
            substeps: step.substeps.iter().map(|step| self.step(step)).collect(),
        }
    }

    fn slot(&self, slot: &Slot) -> String {
        match slot {
            Slot::Formula(expr) => self.inline(*expr),
            Slot::Condition(expr) => self.in_sentence(print_condition(self.context, *expr, self.notation)),
            Slot::Name(symbol) => {
                let name = &self.context.symbol(*symbol).name;
                self.in_sentence(print_name(name, self.notation))
            }
        }
    }
}

impl crate::function::Row {
    fn latex_or_plain(&self, notation: Notation) -> String {
        if matches!(notation, Notation::Latex) { self.latex.to_owned() } else { self.plain.to_owned() }
    }
}

/// `(\log x)' = \frac{1}{x}`, from the function's row.
fn general_rule(function: Function, notation: Notation) -> String {
    let Some((left, right)) = crate::differentiate::general_rule(function) else { return String::new() };
    let (context, left) = left;
    format!("{} = {}", print(&context, left, notation), print(&context, right, notation))
}
