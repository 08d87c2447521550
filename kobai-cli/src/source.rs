//! SOURCE: text on the command line, a file, or standard input.

use crate::message::{Failure, show};
use crate::options::Common;
use kobai::eval::data::{Inputs, kinds};
use kobai::explain::Language;
use kobai::expr::Symbol;
use kobai::parse::{Parsed, detect, parse};
use kobai::resolve::{Program, resolve};
use kobai::source::Diagnostic;
use std::io::Read;
use std::path::Path;

/// A text with the name it goes by in messages.
pub struct Source {
    /// A file's name, or what stands in for it.
    pub name: String,
    /// The text.
    pub text: String,
    /// The language to answer in.
    pub language: Language,
}

/// The language of this code.
pub fn language(code: &str) -> Result<Language, Failure> {
    Language::from_code(code).ok_or_else(|| {
        let known: Vec<&str> = Language::ALL.iter().map(|(_, code, _)| *code).collect();
        Failure::text(format!("there is no language `{code}`; choose one of {}", known.join(", ")))
    })
}

/// Reads SOURCE.
pub fn read(common: &Common) -> Result<Source, Failure> {
    let language = language(&common.lang)?;
    let source = common.source.as_str();
    let (name, text) = if source == "-" {
        let mut text = String::new();
        std::io::stdin()
            .read_to_string(&mut text)
            .map_err(|error| Failure::text(format!("cannot read standard input: {error}")))?;
        ("standard input".to_owned(), text)
    } else if looks_like_file(source) {
        let text = std::fs::read_to_string(source).map_err(|error| {
            Failure::text(format!(
                "cannot read `{source}`: {error}\n  fix: check the path, or give the formula itself in quotes"
            ))
        })?;
        (source.to_owned(), text)
    } else {
        ("formula".to_owned(), source.to_owned())
    };
    Ok(Source { name, text, language })
}

/// A name that ends as documents do, or that a file has, if it has no sign of mathematics.
fn looks_like_file(source: &str) -> bool {
    let extension = Path::new(source).extension().and_then(|extension| extension.to_str());
    let document = matches!(extension, Some("tex" | "md" | "markdown" | "txt" | "latex"));
    document && !source.contains('\n') || !source.contains(['\\', '\n', '^', '{']) && Path::new(source).is_file()
}

impl Source {
    /// Reads the text.
    pub fn parse(&self) -> Parsed {
        parse(&self.text, detect(&self.text))
    }

    /// Resolves the text, showing warnings.
    pub fn program(&self, inputs: &Inputs) -> Result<Program, Failure> {
        let program = resolve(&self.parse(), &kinds(inputs)).map_err(|errors| Failure::diagnostics(errors, self))?;
        for warning in &program.warnings {
            show(warning, &self.name, &self.text, self.language);
        }
        Ok(program)
    }

    /// Errors of a program at these data.
    pub fn failed(&self, diagnostics: Vec<Diagnostic>) -> Failure {
        Failure::diagnostics(diagnostics, self)
    }
}

/// The symbols of these names.
pub fn symbols(program: &Program, names: &[String]) -> Result<Vec<Symbol>, Failure> {
    let names = names.iter().map(|name| name.trim()).filter(|name| !name.is_empty());
    names.map(|name| symbol(program, name)).collect()
}

/// The symbol of this name.
pub fn symbol(program: &Program, name: &str) -> Result<Symbol, Failure> {
    let plain = name.trim_start_matches('\\');
    let table = &program.context.symbols;
    // The name with the most axes: ℓ_i rather than ℓ.
    let found = table
        .iter()
        .enumerate()
        .filter(|(_, symbol)| symbol.name.plain == plain)
        .max_by_key(|(_, symbol)| symbol.axes.len());
    match found {
        Some((number, _)) => Ok(Symbol(number as u32)),
        None => {
            let names: Vec<&str> = table.iter().map(|symbol| symbol.name.plain.as_str()).collect();
            Err(Failure::text(format!("the formula has no `{name}`\n  fix: choose among {}", names.join(", "))))
        }
    }
}

/// What to differentiate by if nothing is said: the parameters, else all real inputs.
pub fn default_symbols(program: &mut Program) -> Vec<Symbol> {
    if !program.parameters.is_empty() {
        return program.parameters.clone();
    }
    let loss = kobai::stabilise::written_out(program);
    let context = &program.context;
    context
        .symbols_in(loss)
        .into_iter()
        .filter(|&symbol| !context.symbol(symbol).integer || context.symbol(symbol).axes.is_empty())
        .collect()
}

/// Shows a warning for each condition of the text that the data break.
pub fn warn_of_assumptions(source: &Source, program: &mut Program, inputs: &Inputs) {
    for warning in kobai::check::broken_assumptions(program, inputs) {
        show(&warning, &source.name, &source.text, source.language);
    }
}
