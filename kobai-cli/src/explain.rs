//! `kobai explain`

use crate::message::Failure;
use crate::options::{Colour, Explain, Format};
use crate::source::{Source, default_symbols, read, symbols};
use crate::{Answer, print};
use kobai::audit::audit;
use kobai::derivation::Derivation;
use kobai::differentiate::readable::derive;
use kobai::eval::data::Inputs;
use kobai::explain::{ExplainedStep, Explanation, Language, explain, format, page};
use kobai::expr::Symbol;
use kobai::print::Notation;
use kobai::resolve::Program;
use serde_json::{Map, Value, json};
use std::io::IsTerminal;

/// Derives, checks with numbers, and prints.
pub fn run(arguments: &Explain) -> Result<Answer, Failure> {
    let source = read(&arguments.common)?;
    let mut program = source.program(&Inputs::new())?;
    let wanted = wanted(&mut program, &arguments.wrt)?;
    let derivations: Vec<Derivation> = wanted.into_iter().map(|symbol| checked(&mut program, symbol)).collect();
    let output = render(&mut program, &derivations, &source, arguments);
    print(&output)?;
    Ok(Answer::Yes)
}

/// A derivation that numbers have looked at.
fn checked(program: &mut Program, symbol: Symbol) -> Derivation {
    let mut derivation = derive(program, symbol);
    audit(program, &mut derivation);
    derivation
}

/// The symbols to differentiate by. In a formula without letters any name will do: it is a constant.
fn wanted(program: &mut Program, names: &[String]) -> Result<Vec<Symbol>, Failure> {
    if names.is_empty() {
        return Ok(default_symbols(program));
    }
    symbols(program, names)
}

fn render(program: &mut Program, derivations: &[Derivation], source: &Source, arguments: &Explain) -> String {
    let language = source.language;
    let reading = crate::echo::reading(program, language);
    let mut explain_all = |notation: Notation| -> Vec<Explanation> {
        derivations.iter().map(|derivation| explain(program, derivation, language, notation)).collect()
    };
    let joined = |parts: Vec<String>| parts.join("\n");
    match if arguments.json { Format::Json } else { arguments.format } {
        Format::Text => {
            let colour = arguments.color.is_on();
            let all = explain_all(Notation::Terminal);
            let texts = all.iter().map(|explanation| format::text(explanation, language, colour));
            joined(std::iter::once(reading).chain(texts).collect())
        }
        Format::Markdown => {
            let all = explain_all(Notation::Latex);
            joined(all.iter().map(|explanation| format::markdown(explanation, language)).collect())
        }
        Format::Latex => format::latex(&explain_all(Notation::Latex), language),
        Format::Html => page::html(&explain_all(Notation::MathMl), language),
        Format::Mathml => page::mathml(&explain_all(Notation::MathMl)),
        Format::Json => {
            let (latex, plain) = (explain_all(Notation::Latex), explain_all(Notation::Plain));
            let all = latex.iter().zip(&plain).map(|(latex, plain)| as_json(latex, plain, language)).collect();
            serde_json::to_string_pretty(&Value::Array(all)).unwrap_or_default() + "\n"
        }
    }
}

impl Colour {
    /// True if the output is to be coloured.
    fn is_on(self) -> bool {
        match self {
            Colour::Always => true,
            Colour::Never => false,
            Colour::Auto => {
                let unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
                std::io::stdout().is_terminal() && !unwanted
            }
        }
    }
}

/// A formula in both notations that can be read back.
fn formula(latex: &str, plain: &str) -> Value {
    json!({ "latex": latex, "plain": plain })
}

fn formulas(latex: &[String], plain: &[String]) -> Value {
    latex.iter().zip(plain).map(|(latex, plain)| formula(latex, plain)).collect()
}

fn optional(latex: &Option<String>, plain: &Option<String>) -> Value {
    match (latex, plain) {
        (Some(latex), Some(plain)) => formula(latex, plain),
        _ => Value::Null,
    }
}

fn as_json(latex: &Explanation, plain: &Explanation, language: Language) -> Value {
    json!({
        "language": Language::ALL[language as usize].1,
        "given": formulas(&latex.given, &plain.given),
        "question": formula(&latex.question, &plain.question),
        "target": formula(&latex.target, &plain.target),
        "steps": steps_as_json(&latex.steps, &plain.steps),
        "result": optional(&latex.result, &plain.result),
        "conditions": formulas(&latex.conditions, &plain.conditions),
        "assumed": formulas(&latex.assumed, &plain.assumed),
        "supposed": formulas(&latex.supposed, &plain.supposed),
        "without_supposition": optional(&latex.without_supposition, &plain.without_supposition),
        "verdict": plain.verdict,
    })
}

fn steps_as_json(latex: &[ExplainedStep], plain: &[ExplainedStep]) -> Value {
    latex.iter().zip(plain).map(|(latex, plain)| step_as_json(latex, plain)).collect()
}

fn step_as_json(latex: &ExplainedStep, plain: &ExplainedStep) -> Value {
    let mut step = Map::new();
    step.insert("rule".into(), latex.rule.into());
    step.insert("simplifies".into(), latex.simplifies.into());
    step.insert("sentence".into(), latex.sentence.clone().into());
    if !latex.before.is_empty() {
        step.insert("before".into(), formula(&latex.before, &plain.before));
        step.insert("after".into(), formula(&latex.after, &plain.after));
    }
    step.insert("whole".into(), formula(&latex.whole, &plain.whole));
    step.insert("checked".into(), latex.unchecked.is_none().into());
    step.insert("substeps".into(), steps_as_json(&latex.substeps, &plain.substeps));
    Value::Object(step)
}
