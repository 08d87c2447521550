//! Reading a CSV file into columns of numbers.

use std::collections::HashSet;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::error::DataError;

/// A table of finite numbers, stored column by column.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    /// The file it was read from, for messages.
    pub file: PathBuf,
    /// The names of the columns, all different, in the order of the file.
    pub names: Vec<String>,
    /// The columns in the same order, each of length `rows`.
    pub columns: Vec<Vec<f64>>,
    /// The number of rows, the header not counted.
    pub rows: usize,
    /// For each row the line of the file where it stands, counted from 1.
    pub lines: Vec<u64>,
}

impl Table {
    /// Reads a CSV file: lines that start with `#` are passed over, then comes a header with the names of the columns,
    /// then rows of numbers. Spaces around a cell do not count.
    ///
    /// # Errors
    /// `file-not-found`, `file-not-read`, `csv-malformed`, `csv-empty`, `csv-no-header`, `csv-unnamed-column`,
    /// `csv-duplicate-column`, `csv-ragged`, `csv-empty-cell`, `csv-nan`, `csv-infinite`, `csv-not-a-number`.
    pub fn read(path: impl AsRef<Path>) -> Result<Table, DataError> {
        let path = path.as_ref();
        let bytes = fs::read(path).map_err(|error| match error.kind() {
            ErrorKind::NotFound => DataError::new("file-not-found").with("file", path.display()),
            _ => DataError::new("file-not-read").with("file", path.display()).with("reason", error),
        })?;
        Table::parse(path, &bytes)
    }

    /// The same from the contents of a file; `path` is for messages only.
    ///
    /// # Errors
    /// Those of [`Table::read`] but for the two about files.
    pub fn parse(path: impl AsRef<Path>, bytes: &[u8]) -> Result<Table, DataError> {
        let path = path.as_ref();
        // A byte order mark, as spreadsheets write it, is no part of the first name.
        let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .comment(Some(b'#'))
            .trim(csv::Trim::All)
            .from_reader(bytes);
        let mut records = reader.records();
        let header = match records.next() {
            Some(record) => record.map_err(|error| malformed(path, bytes, &error))?,
            None => return Err(empty(path)),
        };
        let mut table = Table::with_header(path, &header, line_of(bytes, header.position()))?;
        for record in records {
            let record = record.map_err(|error| malformed(path, bytes, &error))?;
            table.push(&record, line_of(bytes, record.position()))?;
        }
        if table.rows == 0 {
            return Err(empty(path));
        }
        Ok(table)
    }

    /// The position of the column of this name, where there is one.
    pub fn position(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|other| other == name)
    }

    /// A table with the names in a header at this line of the file, and no rows.
    fn with_header(path: &Path, header: &csv::StringRecord, line: u64) -> Result<Table, DataError> {
        let at = |code| DataError::new(code).with("file", path.display()).with("line", line);
        if header.iter().all(|cell| cell.parse::<f64>().is_ok()) {
            return Err(at("csv-no-header"));
        }
        let mut seen = HashSet::new();
        for (position, name) in header.iter().enumerate() {
            if name.is_empty() {
                return Err(at("csv-unnamed-column").with("number", position + 1));
            }
            if !seen.insert(name) {
                return Err(at("csv-duplicate-column").with("column", name));
            }
        }
        Ok(Table {
            file: path.to_path_buf(),
            names: header.iter().map(str::to_string).collect(),
            columns: vec![Vec::new(); header.len()],
            rows: 0,
            lines: Vec::new(),
        })
    }

    /// Appends one row, which stands at this line of the file.
    fn push(&mut self, record: &csv::StringRecord, line: u64) -> Result<(), DataError> {
        if record.len() != self.names.len() {
            return Err(DataError::new("csv-ragged")
                .with("file", self.file.display())
                .with("line", line)
                .with("found", record.len())
                .with("expected", self.names.len()));
        }
        for ((cell, name), column) in record.iter().zip(&self.names).zip(&mut self.columns) {
            let value = number(cell).map_err(|code| {
                DataError::new(code)
                    .with("file", self.file.display())
                    .with("line", line)
                    .with("column", name)
                    .with("found", cell)
            })?;
            column.push(value);
        }
        self.rows += 1;
        self.lines.push(line);
        Ok(())
    }
}

/// The number in a cell, or the code of what is wrong with it.
fn number(cell: &str) -> Result<f64, &'static str> {
    match cell.parse::<f64>() {
        Ok(value) if value.is_finite() => Ok(value),
        Ok(value) if value.is_nan() => Err("csv-nan"),
        Ok(_) => Err("csv-infinite"),
        Err(_) if cell.is_empty() => Err("csv-empty-cell"),
        // How other programs write a missing value.
        Err(_) if ["na", "n/a", "null", "none"].contains(&cell.to_ascii_lowercase().as_str()) => Err("csv-nan"),
        Err(_) => Err("csv-not-a-number"),
    }
}

/// The line where a record stands, counted from 1. The reader gives the place where the last record ended; blank lines
/// and comments lie between that and the record itself.
fn line_of(bytes: &[u8], position: Option<&csv::Position>) -> u64 {
    let Some(position) = position else { return 0 };
    let start = usize::try_from(position.byte()).unwrap_or(usize::MAX);
    let mut rest = bytes.get(start..).unwrap_or(&[]);
    let mut line = position.line();
    while let Some(b'\n' | b'\r' | b'#') = rest.first() {
        let passed = match rest.first() {
            Some(b'#') => rest.iter().position(|&byte| byte == b'\n').map_or(rest.len(), |end| end + 1),
            _ => 1,
        };
        line += u64::from(rest[passed - 1] == b'\n');
        rest = &rest[passed..];
    }
    line
}

/// The error for a file without rows.
fn empty(path: &Path) -> DataError {
    DataError::new("csv-empty").with("file", path.display())
}

/// The error for bytes that are not CSV text in UTF-8.
fn malformed(path: &Path, bytes: &[u8], error: &csv::Error) -> DataError {
    DataError::new("csv-malformed")
        .with("file", path.display())
        .with("line", line_of(bytes, error.position()))
        .with("reason", error)
}
