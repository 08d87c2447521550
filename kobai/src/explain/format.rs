//! An explanation as text for a terminal, as Markdown and as LaTeX.

use super::{ExplainedStep, Explanation, Language};
use std::fmt::Write;

/// How far each level of substeps is moved to the right.
const INDENT: usize = 4;

/// For a terminal.
pub fn text(explanation: &Explanation, language: Language) -> String {
    let mut out = format!("{}\n", explanation.target);
    text_steps(&mut out, &explanation.steps, 0);
    let _ =
        writeln!(out, "\n{}\n  {} = {}", language.say("heading.result", &[]), explanation.target, explanation.result);
    if let Some(before) = &explanation.without_supposition {
        let _ = writeln!(out, "{}\n  {}", language.say("heading.without-supposition", &[]), before);
    }
    for (heading, list) in lists(explanation) {
        let _ = writeln!(out, "{}\n  {}", language.say(heading, &[]), list.join(", "));
    }
    out
}

fn text_steps(out: &mut String, steps: &[ExplainedStep], level: usize) {
    let margin = " ".repeat(level * INDENT);
    for (number, step) in steps.iter().enumerate() {
        let _ = writeln!(out, "\n{margin}{}. {}", number + 1, step.sentence);
        if !step.substeps.is_empty() {
            text_steps(out, &step.substeps, level + 1);
            let _ = writeln!(out);
        }
        if step.before != step.whole && step.after != step.whole {
            let _ = writeln!(out, "{margin}     {} = {}", step.before, step.after);
        }
        let _ = writeln!(out, "{margin}   = {}", step.whole);
    }
}

/// For a document.
pub fn markdown(explanation: &Explanation, language: Language) -> String {
    let mut out = format!("$${}$$\n", explanation.target);
    markdown_steps(&mut out, &explanation.steps, 0);
    let heading = language.say("heading.result", &[]);
    let _ = writeln!(out, "\n**{heading}**\n\n$${} = {}$$", explanation.target, explanation.result);
    if let Some(before) = &explanation.without_supposition {
        let _ = writeln!(out, "\n{}\n\n$${before}$$", language.say("heading.without-supposition", &[]));
    }
    for (heading, list) in lists(explanation) {
        let formulas: Vec<String> = list.iter().map(|formula| format!("${formula}$")).collect();
        let _ = writeln!(out, "\n{} {}", language.say(heading, &[]), formulas.join(", "));
    }
    out
}

fn markdown_steps(out: &mut String, steps: &[ExplainedStep], level: usize) {
    let margin = " ".repeat(level * INDENT);
    for (number, step) in steps.iter().enumerate() {
        let _ = writeln!(out, "\n{margin}{}. {}", number + 1, step.sentence);
        markdown_steps(out, &step.substeps, level + 1);
        if step.before != step.whole && step.after != step.whole {
            let _ = writeln!(out, "\n{margin}    $${} = {}$$", step.before, step.after);
        }
        let _ = writeln!(out, "\n{margin}    $$= {}$$", step.whole);
    }
}

/// A document that LaTeX compiles (Japanese with LuaLaTeX).
pub fn latex(explanations: &[Explanation], language: Language) -> String {
    let mut out = String::from("\\documentclass{article}\n\\usepackage{amsmath,amssymb}\n");
    if language == Language::Japanese {
        out += "\\usepackage{luatexja}\n";
    }
    out += "\\begin{document}\n";
    for explanation in explanations {
        latex_one(&mut out, explanation, language);
    }
    out + "\\end{document}\n"
}

fn latex_one(out: &mut String, explanation: &Explanation, language: Language) {
    let _ = writeln!(out, "\\[ {} \\]", explanation.target);
    latex_steps(out, &explanation.steps);
    let heading = language.say("heading.result", &[]);
    let _ = writeln!(out, "\\paragraph{{{heading}}}\n\\[ {} = {} \\]", explanation.target, explanation.result);
    if let Some(before) = &explanation.without_supposition {
        let _ = writeln!(out, "{}\n\\[ {before} \\]", language.say("heading.without-supposition", &[]));
    }
    for (heading, list) in lists(explanation) {
        let formulas: Vec<String> = list.iter().map(|formula| format!("${formula}$")).collect();
        let _ = writeln!(out, "\n{} {}", language.say(heading, &[]), formulas.join(", "));
    }
}

fn latex_steps(out: &mut String, steps: &[ExplainedStep]) {
    if steps.is_empty() {
        return;
    }
    out.push_str("\\begin{enumerate}\n");
    for step in steps {
        let _ = writeln!(out, "\\item {}", step.sentence);
        latex_steps(out, &step.substeps);
        if step.before != step.whole && step.after != step.whole {
            let _ = writeln!(out, "\\[ {} = {} \\]", step.before, step.after);
        }
        let _ = writeln!(out, "\\[ = {} \\]", step.whole);
    }
    out.push_str("\\end{enumerate}\n");
}

/// The conditions, each kind under its heading, those without members left out.
fn lists(explanation: &Explanation) -> impl Iterator<Item = (&'static str, &Vec<String>)> {
    [
        ("heading.conditions", &explanation.conditions),
        ("heading.assumed", &explanation.assumed),
        ("heading.supposed", &explanation.supposed),
    ]
    .into_iter()
    .filter(|(_, list)| !list.is_empty())
}
