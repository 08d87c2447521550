//! Tables in files of several formats, read batch by batch and only in the columns that are wanted.
//!
//! [`Source::open`] reads a header or a schema; [`Source::batches`] goes over the rows, as often as is asked for. CSV,
//! Parquet and NPY are never in memory whole; NPZ, safetensors and JSON hold arrays one after another, and their wanted
//! columns are.

mod arrays;
mod csv;
mod json;
pub mod npy;
mod parquet;
mod safetensors;

use std::collections::HashMap;
use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::error::DataError;

/// The form of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Text with commas, semicolons or tabs between the cells, and a header.
    Csv,
    /// Apache Parquet.
    Parquet,
    /// One NumPy array of one or two axes.
    Npy,
    /// An archive of NumPy arrays, each a column or a matrix of columns.
    Npz,
    /// Tensors by name, each a column or a matrix of columns.
    Safetensors,
    /// An array of objects or an object of arrays.
    Json,
    /// An object on each line.
    JsonLines,
}

/// Each format by its name, with the endings of its files.
const FORMATS: &[(&str, Format, &[&str])] = &[
    ("csv", Format::Csv, &["csv", "tsv", "txt"]),
    ("parquet", Format::Parquet, &["parquet", "pq"]),
    ("npy", Format::Npy, &["npy"]),
    ("npz", Format::Npz, &["npz"]),
    ("safetensors", Format::Safetensors, &["safetensors"]),
    ("json", Format::Json, &["json"]),
    ("jsonl", Format::JsonLines, &["jsonl", "ndjson"]),
];

impl Format {
    /// The format of this name.
    pub fn named(name: &str) -> Option<Format> {
        FORMATS.iter().find(|(known, ..)| *known == name).map(|(_, format, _)| *format)
    }

    /// The format that the ending of a file's name tells.
    pub fn of_path(path: &Path) -> Option<Format> {
        let ending = path.extension()?.to_str()?.to_ascii_lowercase();
        FORMATS.iter().find(|(.., endings)| endings.contains(&ending.as_str())).map(|(_, format, _)| *format)
    }

    /// The names of all formats.
    pub fn names() -> impl Iterator<Item = &'static str> {
        FORMATS.iter().map(|(name, ..)| *name)
    }
}

/// A table in a file: its columns are known, its rows are not read yet.
pub struct Source {
    file: PathBuf,
    names: Vec<String>,
    rows: Option<usize>,
    reader: Box<dyn Reader>,
}

/// What reads one format.
trait Reader: Send + Sync {
    /// All rows from the first on.
    fn batches(&self, wanted: &[Wanted], rows: usize) -> Result<Batches, DataError>;

    /// Where a row stands, counted from 0, as a person finds it.
    fn place(&self, row: usize) -> String {
        format!("row {}", row + 1)
    }
}

/// A table's columns, the number of its rows where that is known, and what reads it.
struct Opened {
    names: Vec<String>,
    rows: Option<usize>,
    reader: Box<dyn Reader>,
}

/// A column to read, and as what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    /// Its position.
    pub column: usize,
    /// What its cells are.
    pub kind: Kind,
}

/// What the cells of a column are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Quantities.
    Number,
    /// Names of classes, or their numbers.
    Label,
}

/// Batches, one after another.
pub type Batches = Box<dyn Iterator<Item = Result<Batch, DataError>> + Send>;

/// Some rows of a table that follow each other.
#[derive(Debug, Clone, PartialEq)]
pub struct Batch {
    /// The number of the first, counted from 0.
    pub first_row: usize,
    /// How many there are.
    pub rows: usize,
    /// The wanted columns, in the order wanted.
    pub columns: Vec<Column>,
}

/// The cells of a column in a batch.
#[derive(Debug, Clone, PartialEq)]
pub enum Column {
    /// Finite numbers, and NaN for what is missing.
    Numbers(Vec<f64>),
    /// Labels.
    Labels(Labels),
}

/// Labels, each by its number in a list of those that occur.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Labels {
    /// The different labels as written; an empty text for what is missing.
    pub names: Vec<String>,
    /// For each row the number of its label.
    pub codes: Vec<u32>,
    numbers: HashMap<String, u32>,
}

impl Labels {
    /// Adds the label of one more row.
    pub fn push(&mut self, name: &str) {
        let code = self.numbers.get(name).copied().unwrap_or_else(|| {
            let next = self.names.len() as u32;
            self.names.push(name.to_owned());
            self.numbers.insert(name.to_owned(), next);
            next
        });
        self.codes.push(code);
    }
}

impl Column {
    /// A column without rows.
    fn new(kind: Kind) -> Column {
        match kind {
            Kind::Number => Column::Numbers(Vec::new()),
            Kind::Label => Column::Labels(Labels::default()),
        }
    }

    /// Adds a number, as a quantity or as the number of a class.
    fn push_number(&mut self, value: f64) {
        match self {
            Column::Numbers(values) => values.push(value),
            Column::Labels(labels) if value.is_nan() => labels.push(""),
            Column::Labels(labels) => labels.push(&value.to_string()),
        }
    }
}

impl Source {
    /// Opens a file of this format, or of the one that its name's ending tells.
    ///
    /// # Errors
    /// `format-unknown`, `file-not-found`, `file-not-read`, and what is wrong with a header or a schema.
    pub fn open(path: impl AsRef<Path>, format: Option<Format>) -> Result<Source, DataError> {
        let path = path.as_ref();
        let known = || Format::names().collect::<Vec<_>>().join(", ");
        let unknown = || DataError::new("format-unknown").with("file", path.display()).with("formats", known());
        let opened = match format.or_else(|| Format::of_path(path)).ok_or_else(unknown)? {
            Format::Csv => csv::open(path),
            Format::Parquet => parquet::open(path),
            Format::Npy => npy::open(path),
            Format::Npz => npy::open_archive(path),
            Format::Safetensors => safetensors::open(path),
            Format::Json => json::open(path),
            Format::JsonLines => json::open_lines(path),
        }?;
        let error = |code| DataError::new(code).with("file", path.display());
        if opened.rows == Some(0) || opened.names.is_empty() {
            return Err(error("table-empty"));
        }
        for (position, name) in opened.names.iter().enumerate() {
            if name.is_empty() {
                return Err(error("table-unnamed-column").with("number", position + 1));
            }
            if opened.names[..position].contains(name) {
                return Err(error("table-duplicate-column").with("column", name));
            }
        }
        Ok(Source { file: path.to_path_buf(), names: opened.names, rows: opened.rows, reader: opened.reader })
    }

    /// The file.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// The names of the columns, all different, in the order of the file.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The position of the column of this name.
    pub fn position(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|other| other == name)
    }

    /// How many rows there are, where the file tells without being read to its end.
    pub fn rows(&self) -> Option<usize> {
        self.rows
    }

    /// Where a row stands, counted from 0, as a person finds it: `line 7` or `row 6`.
    pub fn place(&self, row: usize) -> String {
        self.reader.place(row)
    }

    /// All rows from the first on, at most so many at a time.
    ///
    /// # Errors
    /// Here or in a batch: `file-not-read`, what is wrong with the file, `cell-not-a-number`, `cell-infinite`,
    /// `cell-not-exact`, `column-type`.
    pub fn batches(&self, wanted: &[Wanted], rows: usize) -> Result<Batches, DataError> {
        self.reader.batches(wanted, rows.max(1))
    }
}

/// What reads a text row by row.
trait ReadRows {
    /// At most so many of the next rows: fewer only at the end.
    fn read_rows(&mut self, rows: usize) -> Result<Batch, DataError>;
}

/// The batches of a text: the last is shorter than the others, and none comes after an error.
struct InBatches<R> {
    reader: R,
    rows: usize,
    over: bool,
}

impl<R: ReadRows + Send + 'static> InBatches<R> {
    /// Batches of so many rows.
    fn boxed(reader: R, rows: usize) -> Batches {
        Box::new(InBatches { reader, rows, over: false })
    }
}

impl<R: ReadRows> Iterator for InBatches<R> {
    type Item = Result<Batch, DataError>;

    fn next(&mut self) -> Option<Result<Batch, DataError>> {
        if self.over {
            return None;
        }
        let result = self.reader.read_rows(self.rows);
        self.over = !matches!(&result, Ok(batch) if batch.rows == self.rows);
        // A table without any row is for the reader to refuse.
        Some(result).filter(|result| !matches!(result, Ok(batch) if batch.rows == 0))
    }
}

/// Opens a file.
fn open_file(path: &Path) -> Result<File, DataError> {
    File::open(path).map_err(|error| not_read(path, &error))
}

/// What keeps a file from being read.
fn not_read(path: &Path, error: &std::io::Error) -> DataError {
    match error.kind() {
        ErrorKind::NotFound => DataError::new("file-not-found").with("file", path.display()),
        _ => DataError::new("file-not-read").with("file", path.display()).with("reason", error),
    }
}

/// What a file is not: whole, and of its format.
fn malformed(path: &Path, format: &str, reason: impl std::fmt::Display) -> DataError {
    DataError::new("table-malformed").with("file", path.display()).with("format", format).with("reason", reason)
}

/// An error about a cell.
fn cell(code: &'static str, path: &Path, place: &str, column: &str, found: impl std::fmt::Display) -> DataError {
    let error = DataError::new(code).with("file", path.display()).with("place", place);
    error.with("column", column).with("found", found)
}
