//! What was understood of a program: definitions, loss, symbols with shapes, parameters, assumptions.

use crate::source::Source;
use kobai::check::Verdict;
use kobai::eval::data::Inputs;
use kobai::explain::{Language, choices, equations};
use kobai::expr::{Context, Symbol};
use kobai::print::{Notation, print, print_condition, print_name, print_symbol};
use kobai::resolve::Program;
use std::fmt::Write;

/// How a text was read: its equations in LaTeX and in plain text, and the choices in words.
pub fn reading(program: &Program, language: Language) -> String {
    let mut out = format!("{}\n", language.say("heading.read-as", &[]));
    for notation in [Notation::Latex, Notation::Plain] {
        for equation in equations(program, notation) {
            let _ = writeln!(out, "  {equation}");
        }
    }
    out + &listed(&choices(program, language))
}

fn listed(sentences: &[String]) -> String {
    sentences.iter().map(|sentence| format!("  - {sentence}\n")).collect()
}

/// The echo of a program with its data and what the data say of its assumptions.
pub fn program(
    program: &Program,
    source: &Source,
    inputs: &Inputs,
    bindings: &[(String, String)],
    verdicts: &[Verdict],
) -> String {
    let say = |key: &str| source.language.say(key, &[]);
    let context = &program.context;
    let mut out = format!("{}\n", say("heading.definitions"));
    for definition in &program.definitions {
        let left = print_symbol(context, definition.symbol, &definition.indices, Notation::Terminal);
        let _ = writeln!(out, "  {left} = {}", print(context, definition.value, Notation::Terminal));
    }
    let _ = writeln!(out, "{}\n  {}", say("heading.loss"), print(context, program.loss, Notation::Terminal));
    let _ = writeln!(out, "{}", say("heading.symbols"));
    for (number, symbol) in context.symbols.iter().enumerate().filter(|(_, symbol)| !symbol.defined) {
        let parameter = program.parameters.contains(&Symbol(number as u32));
        let name = print_name(&symbol.name, Notation::Terminal);
        // A parameter's number is a starting point and says nothing; its shape does.
        let shape = match shape(context, Symbol(number as u32), inputs) {
            shape if parameter && shape.starts_with('=') => String::new(),
            shape => shape,
        };
        let binding =
            bindings.iter().find(|(name, _)| *name == symbol.name.plain).map_or("", |(_, source)| source.as_str());
        let role = if parameter { say("word.parameter") } else { String::new() };
        let _ = writeln!(out, "  {name:<4} {shape:<22} {role}{binding}");
    }
    let sentences = choices(program, source.language);
    if !sentences.is_empty() {
        let _ = write!(out, "{}\n{}", say("heading.read-as"), listed(&sentences));
    }
    if !program.assumptions.is_empty() {
        let _ = writeln!(out, "{}", say("heading.assumptions"));
    }
    for (assumption, verdict) in program.assumptions.iter().zip(verdicts) {
        let words = match verdict {
            Verdict::Holds => say("word.holds"),
            Verdict::Unchecked => say("word.unchecked"),
            Verdict::Broken(broken) => {
                let (place, values) = (broken.place(), broken.values());
                let parts: Vec<&str> =
                    [place.as_str(), values.as_str()].into_iter().filter(|part| !part.is_empty()).collect();
                format!("{} ({})", say("word.broken"), parts.join(": "))
            }
        };
        let _ = writeln!(out, "  {:<28} {words}", print_condition(context, assumption.condition, Notation::Terminal));
    }
    out
}

/// `N × D (1438 × 64)`; a number has none.
fn shape(context: &Context, symbol: Symbol, inputs: &Inputs) -> String {
    let information = context.symbol(symbol);
    if let Some([value]) =
        inputs.get(&information.name.plain).filter(|array| array.shape.is_empty()).map(|array| &array.data[..])
    {
        return format!("= {value}");
    }
    let names: Vec<&str> = information.axes.iter().map(|&axis| context.axis(axis).size_name.plain.as_str()).collect();
    let sizes = inputs
        .get(&information.name.plain)
        .map(|array| array.shape.iter().map(usize::to_string).collect::<Vec<_>>().join(" × "));
    match sizes {
        Some(sizes) => format!("{} ({sizes})", names.join(" × ")),
        None => names.join(" × "),
    }
}
