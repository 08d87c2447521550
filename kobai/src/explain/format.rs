//! An explanation as text for a terminal, as Markdown and as LaTeX.

use super::{ExplainedStep, ExplainedTable, Explanation, Language};
use std::fmt::Write;

/// How far each level of substeps is moved to the right.
const INDENT: usize = 4;
/// What is new in a line, underlined.
const UNDERLINE: (&str, &str) = ("\u{1b}[4m", "\u{1b}[24m");
const BOLD: (&str, &str) = ("\u{1b}[1m", "\u{1b}[22m");
const DIM: (&str, &str) = ("\u{1b}[2m", "\u{1b}[22m");

/// For a terminal; with colour, what is new in each line is underlined.
pub fn text(explanation: &Explanation, language: Language, colour: bool) -> String {
    Text { language, colour, out: String::new() }.whole(explanation)
}

struct Text {
    language: Language,
    colour: bool,
    out: String,
}

impl Text {
    fn whole(mut self, explanation: &Explanation) -> String {
        if let Some(title) = &explanation.title {
            let title = self.styled(BOLD, title);
            self.line("", &title);
            self.line("", "");
        }
        for line in explanation.given.iter().chain(&explanation.remarks) {
            self.line("", line);
        }
        if !explanation.given.is_empty() || !explanation.remarks.is_empty() {
            self.line("", "");
        }
        self.line("", &first_line(explanation));
        let (differentiating, simplifying) = threads(&explanation.steps);
        if explanation.title.is_some() {
            self.steps(differentiating, 1, 0);
        } else {
            self.thread("heading.differentiate", differentiating, 1);
        }
        self.thread("heading.simplify", simplifying, differentiating.len() + 1);
        explanation.tables.iter().for_each(|table| self.table(table));
        if let Some(result) = &explanation.result {
            self.heading("heading.result");
            let line = format!("{} = {result}", explanation.question);
            self.line("  ", &self.styled(BOLD, &line));
        }
        if let Some(before) = &explanation.without_supposition {
            self.heading("heading.without-supposition");
            self.line("  ", before);
        }
        for (heading, list) in lists(explanation) {
            self.heading(heading);
            self.line("  ", &list.join(", "));
        }
        if !explanation.verdict.is_empty() {
            self.line("", "");
            let verdict = self.styled(DIM, &explanation.verdict);
            self.line("", &verdict);
        }
        self.out
    }

    fn thread(&mut self, heading: &str, steps: &[ExplainedStep], first: usize) {
        if !steps.is_empty() {
            self.heading(heading);
            self.steps(steps, first, 0);
        }
    }

    fn table(&mut self, table: &ExplainedTable) {
        let _ = writeln!(self.out, "\n{}\n", table.caption);
        let rows = table.rows.iter().map(|(left, right)| (left.as_str(), right.as_str()));
        for (left, right) in [(table.head[0].as_str(), table.head[1].as_str())].into_iter().chain(rows) {
            let _ = writeln!(self.out, "  {left:<10} {right}");
        }
    }

    fn heading(&mut self, key: &str) {
        let heading = self.language.say(key, &[]);
        let heading = self.styled(BOLD, &heading);
        let _ = writeln!(self.out, "\n{heading}");
    }

    fn steps(&mut self, steps: &[ExplainedStep], first: usize, level: usize) {
        let margin = " ".repeat(level * INDENT);
        for (number, step) in steps.iter().enumerate() {
            let _ = writeln!(self.out, "\n{margin}{}. {}", first + number, step.sentence);
            self.steps(&step.substeps, 1, level + 1);
            if !step.substeps.is_empty() {
                self.line("", "");
            }
            if has_instance(step) {
                self.line(&format!("{margin}     "), &format!("{} = {}", step.before, step.after));
            }
            let marked = self.marks(&step.marked);
            let left = if step.left.is_empty() { String::new() } else { format!("  {} ", step.left) };
            self.line(&format!("{margin}   {left}= "), &marked);
            if let Some(remark) = &step.unchecked {
                self.line(&format!("{margin}   "), remark);
            }
        }
    }

    fn line(&mut self, margin: &str, text: &str) {
        let _ = writeln!(self.out, "{margin}{text}");
    }

    fn styled(&self, (on, off): (&str, &str), text: &str) -> String {
        if self.colour { format!("{on}{text}{off}") } else { text.to_owned() }
    }

    /// The marks around what is new, as the terminal shows them.
    fn marks(&self, text: &str) -> String {
        let (on, off) = if self.colour { UNDERLINE } else { ("", "") };
        text.replace('«', on).replace('»', off)
    }
}

/// ∂L/∂z = ∂/∂z (…), or the second alone where the loss has no name.
pub(super) fn first_line(explanation: &Explanation) -> String {
    if explanation.question == explanation.target {
        return explanation.target.clone();
    }
    format!("{} = {}", explanation.question, explanation.target)
}

/// The steps that differentiate, and those after them that only simplify.
pub(super) fn threads(steps: &[ExplainedStep]) -> (&[ExplainedStep], &[ExplainedStep]) {
    let last = steps.iter().rposition(|step| !step.simplifies).map_or(0, |last| last + 1);
    steps.split_at(last)
}

/// True if the step says something about a part that the line after it does not say already.
pub(super) fn has_instance(step: &ExplainedStep) -> bool {
    !step.before.is_empty() && step.after != step.whole
}

/// For a document.
pub fn markdown(explanation: &Explanation, language: Language) -> String {
    let mut out = String::new();
    if let Some(title) = &explanation.title {
        let _ = writeln!(out, "## {title}\n");
    }
    for line in &explanation.given {
        let _ = writeln!(out, "$${line}$$\n");
    }
    for remark in &explanation.remarks {
        let _ = writeln!(out, "{remark}\n");
    }
    let _ = writeln!(out, "$${}$$", first_line(explanation));
    let (differentiating, simplifying) = threads(&explanation.steps);
    for (heading, steps, first) in
        [("heading.differentiate", differentiating, 1), ("heading.simplify", simplifying, differentiating.len() + 1)]
    {
        if !steps.is_empty() {
            if explanation.title.is_none() {
                let _ = writeln!(out, "\n**{}**", language.say(heading, &[]));
            }
            markdown_steps(&mut out, steps, first, 0);
        }
    }
    explanation.tables.iter().for_each(|table| markdown_table(&mut out, table));
    if let Some(result) = &explanation.result {
        let heading = language.say("heading.result", &[]);
        let _ = writeln!(out, "\n**{heading}**\n\n$${} = {result}$$", explanation.question);
    }
    if let Some(before) = &explanation.without_supposition {
        let _ = writeln!(out, "\n{}\n\n$${before}$$", language.say("heading.without-supposition", &[]));
    }
    for (heading, list) in lists(explanation) {
        let _ = writeln!(out, "\n{} {}", language.say(heading, &[]), in_dollars(list));
    }
    if !explanation.verdict.is_empty() {
        let _ = writeln!(out, "\n{}", explanation.verdict);
    }
    out
}

fn markdown_steps(out: &mut String, steps: &[ExplainedStep], first: usize, level: usize) {
    let margin = " ".repeat(level * INDENT);
    for (number, step) in steps.iter().enumerate() {
        let _ = writeln!(out, "\n{margin}{}. {}", first + number, step.sentence);
        markdown_steps(out, &step.substeps, 1, level + 1);
        if has_instance(step) {
            let _ = writeln!(out, "\n{margin}    $${} = {}$$", step.before, step.after);
        }
        let _ = writeln!(out, "\n{margin}    $${}= {}$$", left_side(step), step.marked);
        if let Some(remark) = &step.unchecked {
            let _ = writeln!(out, "\n{margin}    {remark}");
        }
    }
}

fn left_side(step: &ExplainedStep) -> String {
    if step.left.is_empty() { String::new() } else { format!("{} ", step.left) }
}

fn markdown_table(out: &mut String, table: &ExplainedTable) {
    let [left, right] = &table.head;
    let _ = writeln!(out, "\n{}\n\n| ${left}$ | ${right}$ |\n|---|---|", table.caption);
    for (left, right) in &table.rows {
        let _ = writeln!(out, "| {left} | {right} |");
    }
}

fn latex_table(out: &mut String, table: &ExplainedTable) {
    let [left, right] = &table.head;
    let _ = writeln!(out, "\n\\medskip\\noindent {}\n", table.caption);
    let _ = writeln!(out, "\\smallskip\\noindent\\begin{{tabular}}{{ll}}\n${left}$ & ${right}$ \\\\");
    for (left, right) in &table.rows {
        let _ = writeln!(out, "{left} & {right} \\\\");
    }
    out.push_str("\\end{tabular}\n");
}

fn in_dollars(list: &[String]) -> String {
    list.iter().map(|formula| format!("${formula}$")).collect::<Vec<_>>().join(", ")
}

/// A formula that is wider than the page is made smaller.
const FIT: &str = r"\newsavebox{\formula}
\newcommand{\fit}[1]{\par\smallskip\noindent\hfil\savebox{\formula}{$\displaystyle #1$}%
  \ifdim\wd\formula>\linewidth\resizebox{\linewidth}{!}{\usebox{\formula}}\else\usebox{\formula}\fi\hfil\par\smallskip}
";

/// A document that LaTeX compiles (Japanese with LuaLaTeX).
pub fn latex(explanations: &[Explanation], language: Language) -> String {
    let mut out = String::from("\\documentclass{article}\n");
    out += match language {
        Language::English => "\\usepackage[utf8]{inputenc}\n",
        Language::Japanese => "\\usepackage{luatexja}\n",
    };
    out += "\\usepackage{amsmath,amssymb,graphicx}\n";
    out += FIT;
    out += "\\begin{document}\n";
    for (number, explanation) in explanations.iter().enumerate() {
        if number > 0 {
            out += "\\newpage\n";
        }
        latex_one(&mut out, explanation, language);
    }
    out + "\\end{document}\n"
}

fn latex_one(out: &mut String, explanation: &Explanation, language: Language) {
    if let Some(title) = &explanation.title {
        let _ = writeln!(out, "\\section*{{{title}}}");
    }
    for line in &explanation.given {
        let _ = writeln!(out, "\\fit{{{line}}}");
    }
    for remark in &explanation.remarks {
        let _ = writeln!(out, "\\noindent {remark}\n");
    }
    let _ = writeln!(out, "\\fit{{{}}}", first_line(explanation));
    let (differentiating, simplifying) = threads(&explanation.steps);
    for (heading, steps, first) in
        [("heading.differentiate", differentiating, 1), ("heading.simplify", simplifying, differentiating.len() + 1)]
    {
        if !steps.is_empty() {
            if explanation.title.is_none() {
                let _ = writeln!(out, "\\section*{{{}}}", language.say(heading, &[]));
            }
            latex_steps(out, steps, first, 0);
        }
    }
    explanation.tables.iter().for_each(|table| latex_table(out, table));
    if let Some(result) = &explanation.result {
        let heading = language.say("heading.result", &[]);
        let _ = writeln!(out, "\\section*{{{heading}}}\n\\fit{{{} = {result}}}", explanation.question);
    }
    if let Some(before) = &explanation.without_supposition {
        let _ = writeln!(out, "\\noindent {}\n\\fit{{{before}}}", language.say("heading.without-supposition", &[]));
    }
    for (heading, list) in lists(explanation) {
        let _ = writeln!(out, "\n\\noindent {} {}", language.say(heading, &[]), in_dollars(list));
    }
    if !explanation.verdict.is_empty() {
        let _ = writeln!(out, "\n\\medskip\\noindent {}", explanation.verdict);
    }
}

/// LaTeX numbers its lists to a depth of four; deeper steps go on in the list that they belong to.
const DEEPEST_LIST: usize = 4;

fn latex_steps(out: &mut String, steps: &[ExplainedStep], first: usize, level: usize) {
    let nested = level < DEEPEST_LIST;
    if nested && !steps.is_empty() {
        let counter = ["enumi", "enumii", "enumiii", "enumiv"][level];
        let _ = writeln!(out, "\\begin{{enumerate}}\\setcounter{{{counter}}}{{{}}}", first - 1);
    }
    for step in steps {
        let _ = writeln!(out, "\\item {}", step.sentence);
        latex_steps(out, &step.substeps, 1, level + 1);
        if has_instance(step) {
            let _ = writeln!(out, "\\fit{{{} = {}}}", step.before, step.after);
        }
        let _ = writeln!(out, "\\fit{{{}= {}}}", left_side(step), step.marked);
        if let Some(remark) = &step.unchecked {
            let _ = writeln!(out, "{remark}");
        }
    }
    if nested && !steps.is_empty() {
        out.push_str("\\end{enumerate}\n");
    }
}

/// The conditions, each kind under its heading, those without members left out.
pub(super) fn lists(explanation: &Explanation) -> impl Iterator<Item = (&'static str, &Vec<String>)> {
    [
        ("heading.conditions", &explanation.conditions),
        ("heading.assumed", &explanation.assumed),
        ("heading.supposed", &explanation.supposed),
    ]
    .into_iter()
    .filter(|(_, list)| !list.is_empty())
}
