//! Faults in an article: what is a mistake, and what only goes beyond the notation.

use super::Status;
use crate::source::Diagnostic;

/// Faults that lie in the notation and not in the formula: it may be right, and cannot be checked here.
const BEYOND_THE_NOTATION: [&str; 22] = [
    "unknown-environment",
    "unsupported-relation",
    "words-in-formula",
    "whole-tensors-not-yet",
    "unknown-function",
    "set-not-readable",
    "set-not-a-name",
    "index-not-a-name",
    "expectation-over-distribution",
    "expectation-without-index",
    "accent-on-expression",
    "subscript-on-group",
    "undefined-index",
    "axis-without-size",
    "condition-expected",
    "derivative-variable",
    "derivative-variable-unclear",
    "derivative-of-what-does-not-depend",
    "objective-inside-expression",
    "upper-bound-not-a-size",
    "limit-not-readable",
    "definition-with-inequality",
];

/// Faults that are mistakes wherever they stand.
const MISTAKES: [&str; 17] = [
    "unclosed-bracket",
    "mismatched-bracket",
    "stray-closing",
    "unclosed-brace",
    "unclosed-environment",
    "mismatched-environment",
    "missing-operand",
    "missing-argument",
    "empty-sum-body",
    "double-subscript",
    "double-superscript",
    "script-needs-braces",
    "division-by-zero",
    "logarithm-of-negative",
    "function-argument-ambiguous",
    "sum-body-ambiguous",
    "unknown-command",
];

/// Commands of LaTeX that mean something, though nothing that can be computed here.
const COMMANDS: [&str; 65] = [
    r"\limsup",
    r"\liminf",
    r"\sup",
    r"\inf",
    r"\int",
    r"\iint",
    r"\oint",
    r"\nabla",
    r"\partial",
    r"\%",
    r"\cup",
    r"\cap",
    r"\bigcup",
    r"\bigcap",
    r"\subset",
    r"\subseteq",
    r"\supset",
    r"\setminus",
    r"\emptyset",
    r"\varnothing",
    r"\exists",
    r"\neg",
    r"\land",
    r"\lor",
    r"\wedge",
    r"\vee",
    r"\oplus",
    r"\otimes",
    r"\ast",
    r"\star",
    r"\perp",
    r"\parallel",
    r"\det",
    r"\dim",
    r"\ker",
    r"\gcd",
    r"\Re",
    r"\Im",
    r"\hbar",
    r"\binom",
    r"\overline",
    r"\underline",
    r"\underbrace",
    r"\overbrace",
    r"\overset",
    r"\stackrel",
    r"\xrightarrow",
    r"\rightarrow",
    r"\longrightarrow",
    r"\leftarrow",
    r"\hookrightarrow",
    r"\uparrow",
    r"\downarrow",
    r"\ni",
    r"\notin",
    r"\therefore",
    r"\because",
    r"\pm",
    r"\mp",
    r"\bmod",
    r"\pmod",
    r"\vdots",
    r"\ddots",
    r"\prec",
    r"\succ",
];

/// What the faults of a formula make of it. The first tells: the parser may stumble over what follows it.
pub(super) fn status(found: &[Diagnostic], inline: bool) -> Status {
    match found.iter().find(|fault| fault.is_error()) {
        Some(fault) if beyond(fault) => Status::Unchecked,
        // A fragment in the running text need not be a whole formula.
        Some(fault) if inline && !MISTAKES.contains(&fault.code) => Status::Unchecked,
        _ => Status::Error,
    }
}

fn beyond(fault: &Diagnostic) -> bool {
    let known = fault.slots.iter().any(|(slot, name)| *slot == "name" && COMMANDS.contains(&name.as_str()));
    BEYOND_THE_NOTATION.contains(&fault.code) || (fault.code == "unknown-command" && known)
}

/// True for a sign or an operator that is spoken of, such as `=`, `\log` or `\frac{d}{dx}`.
pub(super) fn is_operator_alone(written: &str, found: &[Diagnostic]) -> bool {
    let gap = |fault: &Diagnostic| fault.code.starts_with("missing-") || fault.code == "empty-sum-body";
    let short = written.chars().count() < 3 || (written.starts_with('\\') && !written.contains('='));
    let bound = written.starts_with('\\') && written.contains('_');
    (short || bound) && found.iter().all(gap)
}
