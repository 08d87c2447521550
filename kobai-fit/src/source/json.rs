//! JSON: an array of objects, an object of arrays, or an object on each line.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Lines};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::arrays::{Cell, Cells, InMemory};
use super::{
    Batch, Batches, Column, InBatches, Kind, Opened, ReadRows, Reader, Wanted, cell, malformed, not_read, open_file,
};
use crate::error::DataError;

/// Opens an array of objects or an object of arrays.
pub(super) fn open(path: &Path) -> Result<Opened, DataError> {
    let text = std::fs::read_to_string(path).map_err(|error| not_read(path, &error))?;
    match serde_json::from_str(&text).map_err(|error| malformed(path, "JSON", error))? {
        Value::Array(rows) => of_rows(path, rows),
        Value::Object(columns) => of_columns(path, columns),
        _ => Err(malformed(path, "JSON", "a table is an array of objects, or an object of arrays")),
    }
}

fn of_rows(path: &Path, rows: Vec<Value>) -> Result<Opened, DataError> {
    let mut names: Vec<String> = Vec::new();
    let mut positions: HashMap<String, usize> = HashMap::new();
    let mut columns: Vec<Vec<Cell>> = Vec::new();
    let count = rows.len();
    for (row, object) in rows.into_iter().enumerate() {
        let Value::Object(object) = object else {
            return Err(malformed(path, "JSON", format!("row {} is no object", row + 1)));
        };
        for (name, value) in object {
            let position = *positions.entry(name.clone()).or_insert_with(|| {
                names.push(name);
                columns.push(Vec::new());
                columns.len() - 1
            });
            columns[position].resize(row, Cell::Missing);
            columns[position].push(of_value(path, &|| in_row(row), &names[position], value)?);
        }
    }
    columns.iter_mut().for_each(|column| column.resize(count, Cell::Missing));
    Ok(InMemory::opened(path, names, columns.into_iter().map(Cells::Mixed).collect(), count))
}

fn of_columns(path: &Path, object: Map<String, Value>) -> Result<Opened, DataError> {
    let mut names: Vec<String> = Vec::new();
    let mut columns: Vec<Vec<Cell>> = Vec::new();
    for (name, values) in object {
        let Value::Array(values) = values else {
            return Err(malformed(path, "JSON", format!("the column {name} is no array")));
        };
        let cells = values.into_iter().enumerate().map(|(row, value)| of_value(path, &|| in_row(row), &name, value));
        columns.push(cells.collect::<Result<_, _>>()?);
        if let (Some(first), Some(last)) = (columns.first(), columns.last())
            && first.len() != last.len()
        {
            return Err(DataError::new("array-rows")
                .with("file", path.display())
                .with("name", &name)
                .with("found", last.len())
                .with("expected", first.len())
                .with("other", &names[0]));
        }
        names.push(name);
    }
    let rows = columns.first().map_or(0, Vec::len);
    Ok(InMemory::opened(path, names, columns.into_iter().map(Cells::Mixed).collect(), rows))
}

/// Where a cell of an array stands.
fn in_row(row: usize) -> String {
    format!("row {}", row + 1)
}

fn of_value(path: &Path, place: &dyn Fn() -> String, column: &str, value: Value) -> Result<Cell, DataError> {
    match value {
        Value::Null => Ok(Cell::Missing),
        Value::Bool(value) => Ok(Cell::Number(f64::from(u8::from(value)))),
        Value::String(text) => Ok(Cell::Text(text)),
        Value::Number(number) => {
            let value = number.as_f64().unwrap_or(f64::NAN);
            let exact = number.as_i64().is_none_or(|integer| value as i128 == i128::from(integer));
            if exact { Ok(Cell::Number(value)) } else { Err(cell("cell-not-exact", path, &place(), column, number)) }
        }
        Value::Array(_) | Value::Object(_) => Err(cell("cell-not-a-number", path, &place(), column, value)),
    }
}

/// A file with an object on each line.
struct JsonLines {
    path: PathBuf,
    names: Vec<String>,
}

/// Opens a file with an object on each line. The first has all names.
pub(super) fn open_lines(path: &Path) -> Result<Opened, DataError> {
    let mut lines = BufReader::new(open_file(path)?).lines();
    let first = next_object(path, &mut lines, &mut 0)?;
    let names: Vec<String> = first.map(|object| object.keys().cloned().collect()).unwrap_or_default();
    let reader = JsonLines { path: path.to_path_buf(), names: names.clone() };
    Ok(Opened { names, rows: None, reader: Box::new(reader) })
}

/// The object on the next line that is not blank; `line` counts the lines read.
fn next_object(
    path: &Path,
    lines: &mut Lines<BufReader<File>>,
    line: &mut usize,
) -> Result<Option<Map<String, Value>>, DataError> {
    for text in lines {
        let text = text.map_err(|error| not_read(path, &error))?;
        *line += 1;
        if text.trim().is_empty() {
            continue;
        }
        let object = serde_json::from_str(&text);
        return object.map(Some).map_err(|error| malformed(path, "JSON", format!("line {line}: {error}")));
    }
    Ok(None)
}

impl Reader for JsonLines {
    fn batches(&self, wanted: &[Wanted], rows: usize) -> Result<Batches, DataError> {
        let lines = BufReader::new(open_file(&self.path)?).lines();
        let columns = wanted.iter().map(|wanted| (self.names[wanted.column].clone(), wanted.kind)).collect();
        Ok(InBatches::boxed(Objects { path: self.path.clone(), lines, columns, next: 0, line: 0 }, rows))
    }

    /// Blank lines do not count as rows, so the line is looked for.
    fn place(&self, row: usize) -> String {
        let lines = File::open(&self.path).ok().map(|file| BufReader::new(file).lines());
        let line = lines.and_then(|lines| {
            let filled = lines.enumerate().filter(|(_, text)| text.as_ref().is_ok_and(|text| !text.trim().is_empty()));
            filled.map(|(number, _)| number + 1).nth(row)
        });
        line.map_or_else(|| format!("row {}", row + 1), |line| format!("line {line}"))
    }
}

/// Batches of objects.
struct Objects {
    path: PathBuf,
    lines: Lines<BufReader<File>>,
    columns: Vec<(String, Kind)>,
    next: usize,
    line: usize,
}

impl ReadRows for Objects {
    fn read_rows(&mut self, rows: usize) -> Result<Batch, DataError> {
        let mut columns: Vec<Column> = self.columns.iter().map(|(_, kind)| Column::new(*kind)).collect();
        let first_row = self.next;
        while self.next < first_row + rows {
            let Some(object) = next_object(&self.path, &mut self.lines, &mut self.line)? else { break };
            for ((name, _), column) in self.columns.iter().zip(&mut columns) {
                let place = || format!("line {}", self.line);
                let error = |code, found: &str| cell(code, &self.path, &place(), name, found);
                let value = object.get(name).cloned().unwrap_or(Value::Null);
                match (of_value(&self.path, &place, name, value)?, column) {
                    (Cell::Missing, column) => column.push_number(f64::NAN),
                    (Cell::Number(value), column) => column.push_number(value),
                    (Cell::Text(text), Column::Labels(labels)) => labels.push(&text),
                    (Cell::Text(text), Column::Numbers(_)) => return Err(error("cell-not-a-number", &text)),
                }
            }
            self.next += 1;
        }
        Ok(Batch { first_row, rows: self.next - first_row, columns })
    }
}
