//! What stabilising does to a loss, in words: each rewriting, the numbers that call for it, and what was left alone.

use super::Language;
use crate::expr::{Context, Expr};
use crate::motivation::{Motivation, motivation};
use crate::print::{Notation, print, print_condition, print_name};
use crate::resolve::Program;
use crate::rewrite::Fired;
use crate::rewrite::rules::Hazard;
use crate::stabilise::{Unproved, stabilise, unproved, written_out};
use std::fmt::Write;

/// The way from the formula as written to the one that runs.
#[derive(Clone, Debug, PartialEq)]
pub struct Stability {
    /// The loss as written.
    pub written: String,
    /// The rewritings, each once.
    pub steps: Vec<StabilityStep>,
    /// The loss as it runs.
    pub stable: String,
    /// Numbers that show the difference between the two; empty if none were found.
    pub numbers: String,
    /// What would be rewritten if a condition were known to hold.
    pub missing: Vec<String>,
}

/// A rewriting in words and formulas.
#[derive(Clone, Debug, PartialEq)]
pub struct StabilityStep {
    /// The rule's key.
    pub rule: &'static str,
    /// The key of what it removes, such as `overflow`.
    pub hazard: &'static str,
    /// What the rule is and what it is for.
    pub sentence: String,
    /// The part before.
    pub before: String,
    /// The part after.
    pub after: String,
    /// Numbers that show the difference; empty if none were found.
    pub numbers: String,
}

impl Hazard {
    /// The key of its word.
    fn key(self) -> &'static str {
        match self {
            Hazard::Overflow => "overflow",
            Hazard::Underflow => "underflow",
            Hazard::Cancellation => "cancellation",
            Hazard::None => "form",
        }
    }
}

/// Stabilises a program's loss and tells how.
pub fn stability(program: &mut Program, language: Language, notation: Notation) -> Stability {
    let written = print(&program.context, program.loss, notation);
    let before = written_out(program);
    let stable = stabilise(program);
    let whole = Fired { rule: "", hazard: Hazard::Overflow, before, after: stable.loss };
    let mut steps: Vec<StabilityStep> = Vec::new();
    for fired in &stable.fired {
        let step = step(program, fired, language, notation);
        if !steps.iter().any(|known| known.rule == step.rule && known.before == step.before) {
            steps.push(step);
        }
    }
    let mut missing: Vec<String> = Vec::new();
    for left in unproved(program, stable.loss) {
        let line = left_alone(&program.context, &left, language, notation);
        if !missing.contains(&line) {
            missing.push(line);
        }
    }
    Stability {
        written,
        steps,
        stable: print(&program.context, stable.loss, notation),
        numbers: numbers(program, &whole, language, notation),
        missing,
    }
}

fn step(program: &Program, fired: &Fired, language: Language, notation: Notation) -> StabilityStep {
    StabilityStep {
        rule: fired.rule,
        hazard: fired.hazard.key(),
        sentence: language.say(&format!("stable.{}", fired.rule), &[]),
        before: print(&program.context, fired.before, notation),
        after: print(&program.context, fired.after, notation),
        numbers: numbers(program, fired, language, notation),
    }
}

fn numbers(program: &Program, fired: &Fired, language: Language, notation: Notation) -> String {
    let found = motivation(program, fired);
    found.map(|found| in_numbers(&program.context, &found, language, notation)).unwrap_or_default()
}

fn in_numbers(context: &Context, found: &Motivation, language: Language, notation: Notation) -> String {
    let value = |(symbol, entries): &(crate::expr::Symbol, Vec<f64>)| {
        let name = print_name(&context.symbol(*symbol).name, notation);
        let entries: Vec<String> = entries.iter().map(|&entry| number(entry)).collect();
        match &entries[..] {
            [only] => format!("{name} = {only}"),
            _ => format!("{name} = ({})", entries.join(", ")),
        }
    };
    let values: Vec<String> = found.inputs.iter().map(value).collect();
    let slots = [("values", values.join(", ")), ("before", number(found.before)), ("after", number(found.after))];
    language.say("word.stable-numbers", &slots)
}

/// A double as one writes it by hand.
fn number(value: f64) -> String {
    if value.is_nan() {
        return "NaN".into();
    }
    if value.is_infinite() {
        return if value > 0.0 { "∞".into() } else { "−∞".into() };
    }
    let shown = if value == 0.0 || (1e-4..1e6).contains(&value.abs()) {
        let digits = format!("{value:.6}");
        digits.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        let text = format!("{value:.5e}");
        match text.split_once('e') {
            Some((digits, exponent)) => format!("{}e{exponent}", digits.trim_end_matches('0').trim_end_matches('.')),
            None => text,
        }
    };
    shown.replace('-', "−")
}

fn left_alone(context: &Context, left: &Unproved, language: Language, notation: Notation) -> String {
    let show = |expr: Expr| print(context, expr, notation);
    let slots = [("part", show(left.part)), ("condition", print_condition(context, left.condition, notation))];
    language.say("word.stable-missing", &slots)
}

impl Stability {
    /// For a terminal.
    pub fn text(&self, language: Language) -> String {
        let say = |key: &str| language.say(key, &[]);
        let mut out = format!("{}\n  {}\n", say("heading.stable-written"), self.written);
        for (number, step) in self.steps.iter().enumerate() {
            let hazard = say(&format!("word.hazard-{}", step.hazard));
            let _ = write!(out, "\n{}. {hazard}: {}\n", number + 1, step.sentence);
            let _ = writeln!(out, "     {}\n   = {}", step.before, step.after);
            if !step.numbers.is_empty() {
                let _ = writeln!(out, "   {}", step.numbers);
            }
        }
        if self.steps.is_empty() {
            let _ = write!(out, "\n{}\n", say("word.stable-already"));
        }
        let _ = write!(out, "\n{}\n  {}\n", say("heading.stable-result"), self.stable);
        if !self.numbers.is_empty() {
            let _ = writeln!(out, "  {}", self.numbers);
        }
        if !self.missing.is_empty() {
            let _ = write!(out, "\n{}\n", say("heading.stable-missing"));
            self.missing.iter().for_each(|line| {
                let _ = writeln!(out, "  {line}");
            });
        }
        out
    }
}
