//! `kobai predict`

use crate::Answer;
use crate::message::Failure;
use crate::options::Predict;
use crate::source::{Source, language};
use kobai_fit::error::DataError;
use kobai_fit::metrics::largest;
use kobai_fit::model::FitError;
use kobai_fit::model_file::ModelFile;
use kobai_fit::predict::{Predictor, Shown};
use kobai_fit::replace::{not_written, replace};
use kobai_fit::source::Source as Rows;
use serde_json::{Map, Value, json};
use std::fs::File;
use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::Path;

/// Predicts and writes.
pub fn run(arguments: &Predict) -> Result<Answer, Failure> {
    let file = ModelFile::read(&arguments.model)?;
    let source = Source {
        name: arguments.model.display().to_string(),
        text: file.document.clone(),
        language: language(&arguments.lang)?,
    };
    let ends_so = |path: &Path| path.extension().is_some_and(|extension| extension == "jsonl");
    let as_json = arguments.json || arguments.out.as_deref().is_some_and(ends_so);
    let predicted = (|| {
        let mut predictor = Predictor::new(&file, &arguments.show)?;
        let table = Rows::open(&arguments.table.data, arguments.table.format)?;
        match &arguments.out {
            None => predict(&mut predictor, &table, as_json, io::stdout().lock(), Path::new("standard output")),
            Some(path) => replace(path, |temporary| {
                let out = File::create(temporary).map_err(|error| not_written(path, &error))?;
                predict(&mut predictor, &table, as_json, out, path)
            }),
        }
    })();
    match predicted {
        Ok(()) => Ok(Answer::Yes),
        // A reader that has gone away, as `head` does, is no error.
        Err(FitError::Data(error)) if error.code == READER_GONE => Ok(Answer::Yes),
        Err(error) => Err(Failure::of_fit(error, &source)),
    }
}

/// Whoever reads the output reads no more.
const READER_GONE: &str = "reader-gone";

/// Writes the quantities of each row of a table.
fn predict(
    predictor: &mut Predictor,
    table: &Rows,
    as_json: bool,
    out: impl Write,
    path: &Path,
) -> Result<(), FitError> {
    let error = |error: io::Error| match error.kind() {
        ErrorKind::BrokenPipe => DataError::new(READER_GONE),
        _ => not_written(path, &error),
    };
    let mut out = BufWriter::with_capacity(1 << 16, out);
    if !as_json {
        let mut heads: Vec<&str> = Vec::new();
        for shown in predictor.shown() {
            heads.extend(shown.heads.iter().map(String::as_str));
            heads.extend(shown.classes.iter().map(|_| "class"));
        }
        let heads: Vec<String> = heads.into_iter().map(quoted).collect();
        writeln!(out, "{}", heads.join(",")).map_err(error)?;
    }
    predictor.each(table, &mut |rows, shown, values| {
        for row in 0..rows {
            let line = if as_json { object(shown, values, row) } else { cells(shown, values, row) };
            writeln!(out, "{line}").map_err(error)?;
        }
        Ok(())
    })?;
    out.flush().map_err(error)?;
    Ok(())
}

/// The entries of a quantity in a row.
fn entries<'a>(shown: &Shown, values: &'a [f64], row: usize) -> &'a [f64] {
    &values[row * shown.heads.len()..(row + 1) * shown.heads.len()]
}

/// The name of the class with the largest entry, of equals the first.
fn class<'a>(classes: &'a [String], entries: &[f64]) -> &'a str {
    classes.get(largest(entries)).map_or("", String::as_str)
}

fn cells(shown: &[Shown], values: &[Vec<f64>], row: usize) -> String {
    let mut cells = Vec::new();
    for (shown, values) in shown.iter().zip(values) {
        let entries = entries(shown, values, row);
        cells.extend(entries.iter().map(|&entry| number(entry)));
        cells.extend(shown.classes.iter().map(|classes| quoted(class(classes, entries))));
    }
    cells.join(",")
}

fn object(shown: &[Shown], values: &[Vec<f64>], row: usize) -> String {
    let mut object = Map::new();
    for (shown, values) in shown.iter().zip(values) {
        let entries = entries(shown, values, row);
        let value = match (&shown.classes, entries) {
            (Some(classes), entries) => {
                let shares = classes.iter().zip(entries).map(|(name, &entry)| (name.clone(), json!(entry)));
                Value::Object(shares.collect())
            }
            (None, [entry]) => json!(entry),
            (None, entries) => json!(entries),
        };
        object.insert(shown.name().to_owned(), value);
        if let Some(classes) = &shown.classes {
            object.insert("class".to_owned(), json!(class(classes, entries)));
        }
    }
    Value::Object(object).to_string()
}

/// A number that reads back as the same, without rows of zeros.
fn number(value: f64) -> String {
    let size = value.abs();
    if size != 0.0 && !(1e-4..1e15).contains(&size) { format!("{value:e}") } else { value.to_string() }
}

/// A cell of CSV: in quotes where it holds what stands between cells.
fn quoted(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_owned() }
}
