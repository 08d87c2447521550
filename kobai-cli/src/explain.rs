//! `kobai explain`

use crate::message::Failure;
use crate::options::{Explain, Format};
use crate::source::{default_symbols, read, symbols};
use crate::{Answer, print};
use kobai::differentiate::readable::derive;
use kobai::eval::data::Inputs;
use kobai::explain::{ExplainedStep, Explanation, explain, format};
use kobai::print::Notation;
use serde_json::{Value, json};

/// Derives and prints.
pub fn run(arguments: &Explain) -> Result<Answer, Failure> {
    let source = read(&arguments.common)?;
    let mut program = source.program(&Inputs::new())?;
    let wanted =
        if arguments.wrt.is_empty() { default_symbols(&mut program) } else { symbols(&program, &arguments.wrt)? };
    let form = if arguments.json { Format::Json } else { arguments.format };
    let notation = if form == Format::Text { Notation::Terminal } else { Notation::Latex };
    let mut explanations = Vec::new();
    for symbol in wanted {
        let derivation = derive(&mut program, symbol);
        explanations.push(explain(&program.context, &derivation, source.language, notation));
    }
    let render = |explanation: &Explanation| match form {
        Format::Text => format::text(explanation, source.language),
        Format::Markdown => format::markdown(explanation, source.language),
        Format::Latex | Format::Json => String::new(),
    };
    let output = match form {
        Format::Json => pretty(&Value::Array(explanations.iter().map(as_json).collect())),
        Format::Latex => format::latex(&explanations, source.language),
        _ => explanations.iter().map(render).collect::<Vec<_>>().join("\n"),
    };
    print(&output)?;
    Ok(Answer::Yes)
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default() + "\n"
}

fn as_json(explanation: &Explanation) -> Value {
    json!({
        "target": explanation.target,
        "steps": explanation.steps.iter().map(step_as_json).collect::<Vec<_>>(),
        "result": explanation.result,
        "conditions": explanation.conditions,
        "assumed": explanation.assumed,
        "supposed": explanation.supposed,
        "without_supposition": explanation.without_supposition,
    })
}

fn step_as_json(step: &ExplainedStep) -> Value {
    json!({
        "rule": step.rule,
        "sentence": step.sentence,
        "before": step.before,
        "after": step.after,
        "whole": step.whole,
        "substeps": step.substeps.iter().map(step_as_json).collect::<Vec<_>>(),
    })
}
