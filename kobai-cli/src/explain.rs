//! `kobai explain`

use crate::message::Failure;
use crate::options::{Colour, Explain, Format, Method};
use crate::source::{Source, default_symbols, read, symbols};
use crate::{Answer, print};
use kobai::audit::audit;
use kobai::derivation::Derivation;
use kobai::differentiate::readable::{self, derive_by, has_logarithmic_form};
use kobai::differentiate::second::{SecondDerivation, derive_second};
use kobai::eval::data::Inputs;
use kobai::explain::stability::{Stability, StabilityStep, stability};
use kobai::explain::{ExplainedStep, ExplainedTable, Explanation, Language, explain, explain_way, format, page};
use kobai::expr::{Expr, Symbol, SymbolInformation};
use kobai::formula::Spelling;
use kobai::foundations::{Way, euler, ways};
use kobai::function::Function;
use kobai::print::Notation;
use kobai::resolve::Program;
use kobai::source::Diagnostic;
use serde_json::{Map, Value, json};
use std::io::IsTerminal;

/// What is to be put into words.
enum Account {
    /// By the rules.
    Derivation(Derivation),
    /// From the limit or by the inverse function, with where it holds.
    Way(Way, Vec<Expr>),
}

/// Derives, checks with numbers, and prints.
pub fn run(arguments: &Explain) -> Result<Answer, Failure> {
    let mut source = read(&arguments.common)?;
    let mut names = arguments.wrt.clone();
    if let Some((formula, letters)) = function_alone(&source.text) {
        source.text = formula;
        if names.is_empty() {
            names = letters;
        }
    }
    let mut program = source.program(&Inputs::new())?;
    if arguments.stable {
        return stable(&mut program, &source, arguments);
    }
    let accounts = accounts(&mut program, &names, arguments, &source)?;
    print(&render(&mut program, &accounts, &source, arguments))?;
    Ok(Answer::Yes)
}

/// How the loss becomes one that runs.
fn stable(program: &mut Program, source: &Source, arguments: &Explain) -> Result<Answer, Failure> {
    let form = if arguments.json { Format::Json } else { arguments.format };
    let output = match form {
        Format::Text => stability(program, source.language, Notation::Terminal).text(source.language),
        Format::Json => {
            let account = stability(program, source.language, Notation::Latex);
            serde_json::to_string_pretty(&stability_as_json(&account)).unwrap_or_default() + "\n"
        }
        _ => return Err(source.failed(vec![Diagnostic::data_error("stable-format")])),
    };
    print(&output)?;
    Ok(Answer::Yes)
}

fn stability_as_json(account: &Stability) -> Value {
    let step = |step: &StabilityStep| {
        json!({
            "rule": step.rule,
            "hazard": step.hazard,
            "sentence": step.sentence,
            "before": step.before,
            "after": step.after,
            "numbers": step.numbers,
        })
    };
    json!({
        "written": account.written,
        "steps": account.steps.iter().map(step).collect::<Value>(),
        "stable": account.stable,
        "numbers": account.numbers,
        "missing": account.missing,
    })
}

/// A function's bare name is a question about the function: the formula, and what to differentiate by.
fn function_alone(text: &str) -> Option<(String, Vec<String>)> {
    let name = text.trim().trim_start_matches('\\');
    let letters = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    match name {
        // Unadorned, it is the logarithm to any base.
        "log" => Some((r"\log_a x".to_owned(), letters(&["x", "a"]))),
        "ln" => Some((r"\ln x".to_owned(), letters(&["x"]))),
        _ => {
            let row = Function::from_plain(name)?.row();
            (row.arity == 1).then(|| (format!("{name}(x)"), letters(&["x"])))
        }
    }
}

fn accounts(
    program: &mut Program,
    names: &[String],
    arguments: &Explain,
    source: &Source,
) -> Result<Vec<Account>, Failure> {
    let method = match arguments.method {
        _ if arguments.from_limit => return from_limit(program, names, source),
        Method::Rules => readable::Method::Rules,
        Method::Logarithmic if !has_logarithmic_form(program) => {
            return Err(source.failed(vec![Diagnostic::data_error("logarithm-does-not-help")]));
        }
        Method::Logarithmic => readable::Method::Logarithmic,
    };
    let wanted = wanted(program, names)?;
    let derivations: Vec<Derivation> = if arguments.order == 2 {
        second_derivations(program, &wanted)
    } else {
        wanted.into_iter().map(|symbol| derive_by(program, symbol, method)).collect()
    };
    Ok(derivations.into_iter().map(|derivation| checked(program, derivation)).collect())
}

/// For each pair of symbols, what the gradient is and how its derivative comes about.
fn second_derivations(program: &mut Program, symbols: &[Symbol]) -> Vec<Derivation> {
    let mut found = Vec::new();
    for (position, &first) in symbols.iter().enumerate() {
        for (place, &second) in symbols[position..].iter().enumerate() {
            let SecondDerivation { mut gradient, hessian } = derive_second(program, first, second);
            if place == 0 {
                gradient.steps.clear();
                found.push(gradient);
            }
            found.push(hessian);
        }
    }
    found
}

fn from_limit(program: &mut Program, names: &[String], source: &Source) -> Result<Vec<Account>, Failure> {
    if let Some(way) = euler(program) {
        return Ok(vec![Account::Way(way, Vec::new())]);
    }
    let mut accounts = Vec::new();
    for symbol in wanted(program, names)? {
        let conditions = derive_by(program, symbol, readable::Method::Rules).conditions;
        accounts.extend(ways(program, symbol).into_iter().map(|way| Account::Way(way, conditions.clone())));
    }
    if accounts.is_empty() {
        return Err(source.failed(vec![Diagnostic::data_error("no-way-from-limit")]));
    }
    Ok(accounts)
}

/// A derivation that numbers have looked at.
fn checked(program: &mut Program, mut derivation: Derivation) -> Account {
    audit(program, &mut derivation);
    Account::Derivation(derivation)
}

/// The symbols to differentiate by. A formula without any letter is a constant, whatever the name.
fn wanted(program: &mut Program, names: &[String]) -> Result<Vec<Symbol>, Failure> {
    if names.is_empty() {
        return Ok(default_symbols(program));
    }
    if program.context.symbols_in(program.loss).is_empty() && program.context.symbols.is_empty() {
        let declare = |name: &String| {
            let name = Spelling { plain: name.clone(), latex: name.clone() };
            let information = SymbolInformation { name, axes: Vec::new(), integer: false, defined: false };
            program.context.declare_symbol(information)
        };
        return Ok(names.iter().map(declare).collect());
    }
    symbols(program, names)
}

fn render(program: &mut Program, accounts: &[Account], source: &Source, arguments: &Explain) -> String {
    let language = source.language;
    let reading = crate::echo::reading(program, language);
    let mut explain_all = |notation: Notation| -> Vec<Explanation> {
        let explained = accounts.iter().map(|account| match account {
            Account::Derivation(derivation) => explain(program, derivation, language, notation),
            Account::Way(way, conditions) => explain_way(&program.context, way, conditions, language, notation),
        });
        explained.collect()
    };
    let joined = |parts: Vec<String>| parts.join("\n");
    match if arguments.json { Format::Json } else { arguments.format } {
        Format::Text => {
            let colour = arguments.color.is_on();
            let mut all = explain_all(Notation::Terminal);
            // The reading has said them.
            all.iter_mut().for_each(|explanation| explanation.given.clear());
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
        "title": latex.title,
        "tables": latex.tables.iter().map(table_as_json).collect::<Value>(),
    })
}

fn table_as_json(table: &ExplainedTable) -> Value {
    let rows: Value = table.rows.iter().map(|(left, right)| json!([left, right])).collect();
    json!({ "caption": table.caption, "head": table.head, "rows": rows })
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
    if !latex.left.is_empty() {
        step.insert("left".into(), formula(&latex.left, &plain.left));
    }
    step.insert("whole".into(), formula(&latex.whole, &plain.whole));
    step.insert("checked".into(), latex.unchecked.is_none().into());
    step.insert("substeps".into(), steps_as_json(&latex.substeps, &plain.substeps));
    Value::Object(step)
}
