//! The passes as a tree, each step with what it costs.

use super::{Planned, scaled};
use kobai::plan::report::StepCosts;
use kobai::plan::{Pass, Role, Step, TensorId};
use serde_json::{Value, json};
use unicode_width::UnicodeWidthStr;

/// A line of the tree: three figures, or none, and the words.
type Line = ([String; 3], String);

impl Planned<'_> {
    /// The tree, and what all steps cost together.
    pub(super) fn tree(&self) -> (String, StepCosts) {
        let headings = ["FLOP".to_owned(), self.say("word.plan-bytes", &[]), "FLOP/B".to_owned()];
        let mut lines: Vec<Line> = vec![(headings, String::new())];
        let mut total = StepCosts::default();
        for (number, pass) in self.plan.passes.iter().enumerate() {
            let costs = self.plan.pass_costs(pass, self.entry_bytes);
            if !pass.before.is_empty() {
                let (key, pass_number) = match pass.chunk.is_empty() {
                    true => ("word.plan-after", number),
                    false => ("word.plan-before", number + 1),
                };
                self.branch(&mut lines, (key, pass_number), &pass.before, &costs.before);
            }
            if !pass.chunk.is_empty() {
                self.branch(&mut lines, ("word.plan-pass", number + 1), &pass.chunk, &costs.chunk);
            }
            costs.before.into_iter().chain(costs.chunk).for_each(|one| total += one);
        }
        (aligned(&lines), total)
    }

    fn branch(&self, lines: &mut Vec<Line>, (key, number): (&str, usize), steps: &[Step], costs: &[StepCosts]) {
        lines.push((Default::default(), self.say(key, &[("pass", number.to_string())])));
        for (position, (step, costs)) in steps.iter().zip(costs).enumerate() {
            let twig = if position + 1 == steps.len() { "└─" } else { "├─" };
            lines.push((figures(costs), format!("{twig} {}", self.step(step))));
        }
    }

    /// A step as an assignment.
    fn step(&self, step: &Step) -> String {
        let mut read: Vec<String> = Vec::new();
        for id in step.reads() {
            let text = self.tensor(id);
            if !read.contains(&text) {
                read.push(text);
            }
        }
        let read = ("read", read.join(", "));
        let what = match step {
            Step::MatrixProduct { .. } => self.say("word.plan-product", &[read]),
            Step::Map { tape, .. } => self.say("word.plan-map", &[("operations", tape.counts().0.to_string()), read]),
            Step::Reduce { reduction, loops, .. } => {
                let axis = loops.last().map_or("", |one| self.axis(one.axis));
                let slots = [("reduction", self.reduction(*reduction)), ("axis", axis.to_owned()), read];
                self.say("word.plan-reduction", &slots)
            }
        };
        format!("{} {} {what}", self.tensor(step.makes()), if step.accumulates() { "+=" } else { "=" })
    }

    /// A tensor with its axes.
    pub(super) fn tensor(&self, id: TensorId) -> String {
        let tensor = &self.plan.tensors[id.0];
        let part = |(place, &axis): (usize, &kobai::expr::Axis)| {
            let slots = [("axis", self.axis(axis).to_owned())];
            match tensor.streamed {
                Some(streamed) if streamed == place && !tensor.whole => {
                    let key = if tensor.strip.is_some() { "word.plan-strip-of" } else { "word.plan-chunk-of" };
                    self.say(key, &slots)
                }
                _ => self.axis(axis).to_owned(),
            }
        };
        let axes: Vec<String> = tensor.axes.iter().enumerate().map(part).collect();
        let name = self.name(id);
        if axes.is_empty() { name } else { format!("{name}[{}]", axes.join(", ")) }
    }

    /// A tensor's name; those of temporaries are numbered.
    pub(super) fn name(&self, id: TensorId) -> String {
        let tensor = &self.plan.tensors[id.0];
        if tensor.role == Role::Temporary { format!("{}.{}", tensor.name, id.0) } else { tensor.name.clone() }
    }

    pub(super) fn passes_json(&self) -> Vec<Value> {
        let steps = |steps: &[Step], costs: &[StepCosts]| -> Vec<Value> {
            let one = |(step, costs): (&Step, &StepCosts)| {
                json!({
                    "step": self.step(step),
                    "makes": self.name(step.makes()),
                    "operations": costs.operations(),
                    "bytes": costs.bytes,
                    "operations_per_byte": costs.operations() / costs.bytes.max(1.0),
                })
            };
            steps.iter().zip(costs).map(one).collect()
        };
        let pass = |pass: &Pass| {
            let costs = self.plan.pass_costs(pass, self.entry_bytes);
            json!({ "once": steps(&pass.before, &costs.before), "each_chunk": steps(&pass.chunk, &costs.chunk) })
        };
        self.plan.passes.iter().map(pass).collect()
    }
}

fn figures(costs: &StepCosts) -> [String; 3] {
    let short = |value: f64, step: f64, units: &[&str]| {
        let text = scaled(value, step, units);
        let (number, unit) = text.split_once(' ').unwrap_or((&text, ""));
        // Three digits are enough to compare by.
        let number =
            if number.contains('.') { number.get(..4).unwrap_or(number).trim_end_matches('.') } else { number };
        format!("{number} {unit}").trim_end().to_owned()
    };
    [
        short(costs.operations(), 1000.0, &["", "k", "M", "G", "T", "P"]),
        short(costs.bytes, 1024.0, &["B", "KiB", "MiB", "GiB", "TiB"]),
        format!("{:.1}", costs.operations() / costs.bytes.max(1.0)),
    ]
}

fn aligned(lines: &[Line]) -> String {
    let width = |column: usize| lines.iter().map(|(figures, _)| figures[column].width()).max().unwrap_or(0);
    let widths = [width(0), width(1), width(2)];
    let mut out = String::new();
    for (figures, words) in lines {
        let cells = figures.iter().zip(widths).map(|(text, width)| " ".repeat(width - text.width()) + text);
        out += format!("{}  {words}", cells.collect::<Vec<_>>().join("  ")).trim_end();
        out.push('\n');
    }
    out
}
