//! Explanations as a page for a browser: MathML, no scripts, nothing loaded from elsewhere.

use super::format::{has_instance, lists, threads};
use super::speaker::{in_sentence, inner};
use super::{ExplainedStep, ExplainedTable, Explanation, Language};
use crate::print::Notation;
use std::fmt::Write;

const STYLE: &str = "
:root { color-scheme: light dark; --quiet: #666; --new: #fff1b8; --line: #ddd; }
@media (prefers-color-scheme: dark) { :root { --quiet: #aaa; --new: #5a4a00; --line: #444; } }
body { font: 1.05rem/1.6 Georgia, 'Noto Serif', 'Noto Serif CJK JP', 'Hiragino Mincho ProN', serif;
  max-width: 52rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.3rem; margin-top: 2.5rem; }
h2 { font-size: 1.05rem; margin: 1.8rem 0 .4rem; border-bottom: 1px solid var(--line); }
ol { padding-left: 1.6rem; } li { margin: .7rem 0; }
math { font-size: 1.1em; } math[display=block] { margin: .5rem 0; overflow-x: auto; overflow-y: hidden; }
.changed { background: var(--new); }
.result { border: 1px solid var(--line); border-radius: .4rem; padding: .3rem 1rem; }
details { border-left: 3px solid var(--line); padding-left: .8rem; margin: .4rem 0; }
summary { cursor: pointer; color: var(--quiet); }
.remark { color: var(--quiet); }
table { border-collapse: collapse; margin: .6rem 0; } td, th { padding: .1rem .9rem .1rem 0; text-align: left;
  font-variant-numeric: tabular-nums; }
";

/// A whole page. The explanations are in MathML.
pub fn html(explanations: &[Explanation], language: Language) -> String {
    let body: String = explanations.iter().map(|explanation| article(explanation, language)).collect();
    document(&language.say("heading.page", &[]), &body, language)
}

/// A page with this title and body.
pub(super) fn document(title: &str, body: &str, language: Language) -> String {
    let code = Language::ALL[language as usize].1;
    format!(
        "<!DOCTYPE html>\n<html lang=\"{code}\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n{body}</body>\n</html>\n"
    )
}

/// The formulas alone, one `math` element a line: the given equations, then each line of the derivation.
pub fn mathml(explanations: &[Explanation]) -> String {
    let mut out = String::new();
    for explanation in explanations {
        let mut lines = explanation.given.clone();
        lines.push(first_line(explanation));
        lines.extend(explanation.steps.iter().map(|step| match step.left.as_str() {
            "" => continued(&step.whole),
            left => equals(left, &step.whole),
        }));
        out += &(lines.join("\n") + "\n");
    }
    out
}

fn article(explanation: &Explanation, language: Language) -> String {
    let mut out = String::from("<article>\n");
    if let Some(title) = &explanation.title {
        let _ = writeln!(out, "<h1>{title}</h1>");
    }
    for line in &explanation.given {
        let _ = writeln!(out, "{line}");
    }
    for remark in &explanation.remarks {
        let _ = writeln!(out, "<p class=\"remark\">{remark}</p>");
    }
    let _ = writeln!(out, "{}", first_line(explanation));
    let (differentiating, simplifying) = threads(&explanation.steps);
    for (heading, steps, first) in
        [("heading.differentiate", differentiating, 1), ("heading.simplify", simplifying, differentiating.len() + 1)]
    {
        if !steps.is_empty() {
            if explanation.title.is_none() {
                let _ = writeln!(out, "<h2>{}</h2>", language.say(heading, &[]));
            }
            list(&mut out, steps, first, language);
        }
    }
    explanation.tables.iter().for_each(|table| numbers(&mut out, table));
    if let Some(result) = &explanation.result {
        let equation = equals(&explanation.question, result);
        let _ =
            writeln!(out, "<h2>{}</h2>\n<div class=\"result\">{equation}</div>", language.say("heading.result", &[]));
    }
    if let Some(before) = &explanation.without_supposition {
        let _ = writeln!(out, "<p>{}</p>\n{before}", language.say("heading.without-supposition", &[]));
    }
    for (heading, conditions) in lists(explanation) {
        let conditions: Vec<String> =
            conditions.iter().map(|condition| in_sentence(condition.clone(), Notation::MathMl)).collect();
        let _ = writeln!(out, "<p>{} {}</p>", language.say(heading, &[]), conditions.join(", "));
    }
    if !explanation.verdict.is_empty() {
        let _ = writeln!(out, "<p class=\"remark\">{}</p>", explanation.verdict);
    }
    out + "</article>\n"
}

fn numbers(out: &mut String, table: &ExplainedTable) {
    let head = table.head.clone().map(|formula| in_sentence(formula, Notation::MathMl));
    let _ = writeln!(out, "<p>{}</p>\n<table><tr><th>{}</th><th>{}</th></tr>", table.caption, head[0], head[1]);
    for (left, right) in &table.rows {
        let _ = writeln!(out, "<tr><td>{left}</td><td>{right}</td></tr>");
    }
    out.push_str("</table>\n");
}

fn list(out: &mut String, steps: &[ExplainedStep], first: usize, language: Language) {
    let _ = writeln!(out, "<ol start=\"{first}\">");
    for step in steps {
        let _ = writeln!(out, "<li data-rule=\"{}\">{}", step.rule, step.sentence);
        if !step.substeps.is_empty() {
            let summary = language.say("word.substeps", &[]);
            let _ = writeln!(out, "<details><summary>{summary}</summary>");
            list(out, &step.substeps, 1, language);
            let _ = writeln!(out, "</details>");
        }
        if has_instance(step) {
            let _ = writeln!(out, "{}", equals(&step.before, &step.after));
        }
        let line = if step.left.is_empty() { continued(&step.marked) } else { equals(&step.left, &step.marked) };
        let _ = writeln!(out, "{line}");
        if let Some(remark) = &step.unchecked {
            let _ = writeln!(out, "<p class=\"remark\">{remark}</p>");
        }
        let _ = writeln!(out, "</li>");
    }
    let _ = writeln!(out, "</ol>");
}

fn first_line(explanation: &Explanation) -> String {
    if explanation.question == explanation.target {
        return explanation.target.clone();
    }
    equals(&explanation.question, &explanation.target)
}

fn equals(left: &str, right: &str) -> String {
    format!("<math display=\"block\"><mrow>{}<mo>=</mo>{}</mrow></math>", inner(left), inner(right))
}

fn continued(right: &str) -> String {
    format!("<math display=\"block\"><mrow><mo>=</mo>{}</mrow></math>", inner(right))
}
