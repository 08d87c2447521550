//! Derivations from the limit and by the inverse function, in words and formulas.

use super::speaker::{in_sentence, inner, say};
use super::{ExplainedStep, ExplainedTable, Explanation, Language};
use crate::derivation::Slot;
use crate::expr::{Context, Expr, Node};
use crate::foundations::{Line, Table, Way};
use crate::function::Function;
use crate::print::{Notation, print, print_condition};

/// Puts a way to a derivative into words. The conditions say where it holds.
pub fn explain_way(
    context: &Context,
    way: &Way,
    conditions: &[Expr],
    language: Language,
    notation: Notation,
) -> Explanation {
    let teller = Teller { context, language, notation };
    let natural = context.any(way.question, &|node| matches!(node, Node::Call(Function::Log, _)))
        || way.lines.iter().any(|line| context.any(line.body, &|node| matches!(node, Node::Call(Function::Log, _))));
    let question = teller.show(way.question);
    Explanation {
        notation,
        title: Some(teller.say(way.heading, &[])),
        given: Vec::new(),
        remarks: if natural { vec![teller.say("word.natural-logarithm", &[])] } else { Vec::new() },
        question: question.clone(),
        target: question,
        steps: way.lines.iter().map(|line| teller.line(line)).collect(),
        tables: way.table.iter().map(|table| teller.table(table)).collect(),
        result: (way.result != way.question).then(|| teller.show(way.result)),
        conditions: conditions.iter().map(|&condition| print_condition(context, condition, notation)).collect(),
        assumed: Vec::new(),
        supposed: Vec::new(),
        without_supposition: None,
        verdict: teller.say("word.checked-ways", &[]),
    }
}

struct Teller<'a> {
    context: &'a Context,
    language: Language,
    notation: Notation,
}

impl Teller<'_> {
    fn show(&self, expr: Expr) -> String {
        print(self.context, expr, self.notation)
    }

    fn say(&self, key: &str, slots: &[(&str, String)]) -> String {
        let template = self.language.sentences().get(key).copied().unwrap_or(key);
        say(template, slots, self.notation, &[])
    }

    fn line(&self, line: &Line) -> ExplainedStep {
        let slots: Vec<(&str, String)> = line
            .slots
            .iter()
            .filter_map(|(slot, value)| match value {
                Slot::Formula(expr) => Some((*slot, in_sentence(self.show(*expr), self.notation))),
                _ => None,
            })
            .collect();
        let whole = self.under_limit(line);
        ExplainedStep {
            rule: line.rule,
            simplifies: false,
            sentence: self.say(&format!("rule.{}", line.rule), &slots),
            before: String::new(),
            after: String::new(),
            left: line.left.map(|left| self.show(left)).unwrap_or_default(),
            marked: whole.clone(),
            whole,
            unchecked: None,
            substeps: Vec::new(),
        }
    }

    /// `front lim_{h → 0} body`
    fn under_limit(&self, line: &Line) -> String {
        let body = self.show(line.body);
        let Some(variable) = line.limit else {
            return match self.context.is_integer(line.front, 1) {
                true => body,
                false => self.beside(&self.show(line.front), &body),
            };
        };
        let variable = self.show(variable);
        let is_sum = matches!(self.context.node(line.body), Node::Add(_));
        let (body, limit) = match self.notation {
            Notation::Latex => {
                (if is_sum { format!(r"\left( {body} \right)") } else { body }, format!(r"\lim_{{{variable} \to 0}}"))
            }
            Notation::MathMl => (
                if is_sum {
                    format!("<mrow><mo>(</mo>{}<mo>)</mo></mrow>", inner(&body))
                } else {
                    inner(&body).to_owned()
                },
                format!(
                    "<munder><mo movablelimits=\"false\">lim</mo><mrow>{}<mo>→</mo><mn>0</mn></mrow></munder>",
                    inner(&variable)
                ),
            ),
            Notation::Plain => (if is_sum { format!("({body})") } else { body }, format!("lim({variable} -> 0)")),
            Notation::Terminal => (if is_sum { format!("({body})") } else { body }, format!("lim_{{{variable}→0}}")),
        };
        let front = match self.context.is_integer(line.front, 1) {
            true => String::new(),
            false => inner(&self.show(line.front)).to_owned(),
        };
        match self.notation {
            Notation::MathMl => format!("<math display=\"block\"><mrow>{front}{limit}{body}</mrow></math>"),
            _ => format!("{front} {limit} {body}").trim_start().to_owned(),
        }
    }

    /// A product of two formulas, neither of which is a sum.
    fn beside(&self, front: &str, body: &str) -> String {
        match self.notation {
            Notation::MathMl => {
                format!("<math display=\"block\"><mrow>{}<mo>⋅</mo>{}</mrow></math>", inner(front), inner(body))
            }
            Notation::Latex => format!(r"{front} \cdot {body}"),
            Notation::Plain => format!("{front} * {body}"),
            Notation::Terminal => format!("{front} · {body}"),
        }
    }

    fn table(&self, table: &Table) -> ExplainedTable {
        ExplainedTable {
            caption: self.say("word.table-of-e", &[]),
            head: [self.show(table.variable), self.show(table.formula)],
            rows: table.rows.clone(),
        }
    }
}
