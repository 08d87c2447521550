//! Columns that are in memory: those of arrays by name, and those of JSON.

use std::path::{Path, PathBuf};

use super::{Batch, Batches, Column, Kind, Labels, Opened, Reader, Wanted, cell};
use crate::error::DataError;

/// An array of one or two axes; its columns are those of the table.
pub(super) struct NamedArray {
    pub name: String,
    pub shape: Vec<usize>,
}

/// The columns that arrays are together: an array of one axis is a column of its name, one of two axes as many columns as
/// its second axis is long, `name_0`, `name_1`, …
///
/// # Errors
/// `array-axes`, `array-rows`.
pub(super) fn columns_of(path: &Path, arrays: &[NamedArray]) -> Result<(Vec<String>, usize), DataError> {
    let mut names = Vec::new();
    let mut rows: Option<(usize, &str)> = None;
    for array in arrays {
        let error = |code| DataError::new(code).with("file", path.display()).with("name", &array.name);
        match array.shape[..] {
            [_] => names.push(array.name.clone()),
            [_, width] => names.extend((0..width).map(|column| format!("{}_{column}", array.name))),
            _ => return Err(error("array-axes").with("found", array.shape.len())),
        }
        let (known, first) = *rows.get_or_insert((array.shape[0], &array.name));
        if known != array.shape[0] {
            return Err(error("array-rows").with("found", array.shape[0]).with("expected", known).with("other", first));
        }
    }
    Ok((names, rows.map_or(0, |(rows, _)| rows)))
}

/// A cell that is in memory.
#[derive(Debug, Clone)]
pub(super) enum Cell {
    Missing,
    Number(f64),
    Text(String),
}

/// Columns in memory.
pub(super) struct InMemory {
    pub path: PathBuf,
    pub names: Vec<String>,
    /// Each of the same length.
    pub columns: Vec<Cells>,
}

/// The cells of a column.
pub(super) enum Cells {
    Numbers(Vec<f64>),
    Mixed(Vec<Cell>),
}

impl InMemory {
    /// A table of these columns of so many rows.
    pub fn opened(path: &Path, names: Vec<String>, columns: Vec<Cells>, rows: usize) -> Opened {
        let reader = InMemory { path: path.to_path_buf(), names: names.clone(), columns };
        Opened { names, rows: Some(rows), reader: Box::new(reader) }
    }

    fn column(&self, wanted: &Wanted) -> Result<Column, DataError> {
        let name = &self.names[wanted.column];
        let cells = &self.columns[wanted.column];
        let mut column = Column::new(wanted.kind);
        let number = |value: f64| if value.is_infinite() { Err("cell-infinite") } else { Ok(value) };
        let mut push = |row: usize, value: Result<f64, &'static str>, found: &dyn std::fmt::Display| {
            let error = |code| cell(code, &self.path, &self.place(row), name, found);
            value.map_err(error).map(|value| column.push_number(value))
        };
        match (cells, wanted.kind) {
            (Cells::Numbers(values), _) => {
                for (row, value) in values.iter().enumerate() {
                    push(row, number(*value), value)?;
                }
            }
            (Cells::Mixed(cells), Kind::Number) => {
                for (row, found) in cells.iter().enumerate() {
                    match found {
                        Cell::Missing => push(row, Ok(f64::NAN), &"")?,
                        Cell::Number(value) => push(row, number(*value), value)?,
                        Cell::Text(text) => push(row, Err("cell-not-a-number"), text)?,
                    }
                }
            }
            (Cells::Mixed(cells), Kind::Label) => {
                let mut labels = Labels::default();
                for found in cells {
                    match found {
                        Cell::Missing => labels.push(""),
                        Cell::Number(value) => labels.push(&value.to_string()),
                        Cell::Text(text) => labels.push(text),
                    }
                }
                column = Column::Labels(labels);
            }
        }
        Ok(column)
    }
}

impl Reader for InMemory {
    fn batches(&self, wanted: &[Wanted], _: usize) -> Result<Batches, DataError> {
        let columns = wanted.iter().map(|wanted| self.column(wanted)).collect::<Result<Vec<_>, _>>()?;
        let rows = match self.columns.first() {
            Some(Cells::Numbers(values)) => values.len(),
            Some(Cells::Mixed(cells)) => cells.len(),
            None => 0,
        };
        Ok(Box::new(std::iter::once(Ok(Batch { first_row: 0, rows, columns }))))
    }
}
