//! CSV: text with a header, read record by record.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use super::{
    Batch, Batches, Column, InBatches, Opened, ReadRows, Reader, Wanted, cell, malformed, not_read, open_file,
};
use crate::error::DataError;

/// How other programs write a missing value, beside an empty cell.
const MISSING: [&str; 5] = ["nan", "na", "n/a", "null", "none"];

/// A CSV file with its header read.
struct Csv {
    path: PathBuf,
    names: Vec<String>,
    delimiter: u8,
}

/// Opens a CSV file: lines that start with `#` are passed over, then comes a header with the names of the columns.
pub(super) fn open(path: &Path) -> Result<Opened, DataError> {
    let delimiter = delimiter(path)?;
    let mut reader = reader(path, delimiter)?;
    let header = reader.headers().map_err(|error| broken(path, &error))?.clone();
    let at = |code| DataError::new(code).with("file", path.display());
    if header.is_empty() {
        return Err(at("table-empty"));
    }
    if header.iter().all(|cell| cell.parse::<f64>().is_ok()) {
        return Err(at("csv-no-header"));
    }
    let names: Vec<String> = header.iter().map(|name| name.trim_start_matches('\u{feff}').to_owned()).collect();
    let csv = Csv { path: path.to_path_buf(), names: names.clone(), delimiter };
    Ok(Opened { names, rows: None, reader: Box::new(csv) })
}

fn reader(path: &Path, delimiter: u8) -> Result<csv::Reader<BufReader<File>>, DataError> {
    let file = BufReader::with_capacity(1 << 20, open_file(path)?);
    let mut builder = csv::ReaderBuilder::new();
    builder.flexible(true).comment(Some(b'#')).trim(csv::Trim::All).delimiter(delimiter);
    Ok(builder.from_reader(file))
}

/// What stands between the cells: the one of comma, semicolon and tab that the header has most of.
fn delimiter(path: &Path) -> Result<u8, DataError> {
    let mut file = BufReader::new(open_file(path)?);
    let mut line = Vec::new();
    while file.read_until(b'\n', &mut line).map_err(|error| not_read(path, &error))? > 0 {
        if !line.starts_with(b"#") && !line.trim_ascii().is_empty() {
            break;
        }
        line.clear();
    }
    let count = |delimiter: u8| line.iter().filter(|&&byte| byte == delimiter).count();
    // Of equals the last is taken, so the comma stands last.
    Ok(*b"\t;,".iter().max_by_key(|&&delimiter| count(delimiter)).unwrap_or(&b','))
}

fn broken(path: &Path, error: &csv::Error) -> DataError {
    match error.kind() {
        csv::ErrorKind::Io(error) => not_read(path, error),
        _ => malformed(path, "CSV", error),
    }
}

impl Reader for Csv {
    fn batches(&self, wanted: &[Wanted], rows: usize) -> Result<Batches, DataError> {
        let csv = Csv { path: self.path.clone(), names: self.names.clone(), delimiter: self.delimiter };
        let reader = reader(&self.path, self.delimiter)?;
        Ok(InBatches::boxed(Records { csv, reader, wanted: wanted.to_vec(), next: 0 }, rows))
    }

    /// Found by reading the file once more: only errors ask for it.
    fn place(&self, row: usize) -> String {
        let line = reader(&self.path, self.delimiter).ok().and_then(|mut reader| {
            let record = reader.byte_records().nth(row)?.ok()?;
            let position = record.position()?;
            line_at(&self.path, position.byte(), position.line()).ok()
        });
        line.map_or_else(|| format!("row {}", row + 1), |line| format!("line {line}"))
    }
}

/// The line where a record stands, counted from 1. The reader gives the place where the last record ended; blank lines and
/// comments lie between that and the record itself.
fn line_at(path: &Path, byte: u64, mut line: u64) -> std::io::Result<u64> {
    let mut file = BufReader::new(File::open(path)?);
    file.seek(SeekFrom::Start(byte))?;
    let mut passed = Vec::new();
    loop {
        passed.clear();
        let mut first = [0];
        if file.read(&mut first)? == 0 {
            return Ok(line);
        }
        match first[0] {
            b'\n' => line += 1,
            b'\r' => {}
            b'#' => {
                file.read_until(b'\n', &mut passed)?;
                line += 1;
            }
            _ => return Ok(line),
        }
    }
}

/// Batches of records.
struct Records {
    csv: Csv,
    reader: csv::Reader<BufReader<File>>,
    wanted: Vec<Wanted>,
    next: usize,
}

impl ReadRows for Records {
    fn read_rows(&mut self, rows: usize) -> Result<Batch, DataError> {
        let mut columns: Vec<Column> = self.wanted.iter().map(|wanted| Column::new(wanted.kind)).collect();
        let first_row = self.next;
        let mut record = csv::ByteRecord::new();
        while self.next < first_row + rows {
            if !self.reader.read_byte_record(&mut record).map_err(|error| broken(&self.csv.path, &error))? {
                break;
            }
            if record.len() != self.csv.names.len() {
                return Err(DataError::new("csv-ragged")
                    .with("file", self.csv.path.display())
                    .with("place", self.csv.place(self.next))
                    .with("found", record.len())
                    .with("expected", self.csv.names.len()));
            }
            for (wanted, column) in self.wanted.iter().zip(&mut columns) {
                self.push(&record[wanted.column], wanted, column)?;
            }
            self.next += 1;
        }
        if self.next == 0 {
            return Err(DataError::new("table-empty").with("file", self.csv.path.display()));
        }
        Ok(Batch { first_row, rows: self.next - first_row, columns })
    }
}

impl Records {
    fn push(&self, bytes: &[u8], wanted: &Wanted, column: &mut Column) -> Result<(), DataError> {
        let error = |code, text: &str| {
            cell(code, &self.csv.path, &self.csv.place(self.next), &self.csv.names[wanted.column], text)
        };
        let Ok(text) = std::str::from_utf8(bytes) else {
            return Err(error("cell-not-text", &String::from_utf8_lossy(bytes)));
        };
        match column {
            Column::Numbers(values) => values.push(number(text, self.csv.delimiter).map_err(|code| error(code, text))?),
            Column::Labels(labels) => labels.push(if is_missing(text) { "" } else { text }),
        }
        Ok(())
    }
}

fn is_missing(text: &str) -> bool {
    text.is_empty() || (text.len() <= 4 && MISSING.iter().any(|missing| text.eq_ignore_ascii_case(missing)))
}

/// The number in a cell, NaN for what is missing, or the code of what is wrong with it.
fn number(text: &str, delimiter: u8) -> Result<f64, &'static str> {
    match text.parse::<f64>() {
        Ok(value) if !value.is_infinite() => Ok(value),
        Ok(_) => Err("cell-infinite"),
        Err(_) if is_missing(text) => Ok(f64::NAN),
        Err(_) if delimiter == b';' && text.replacen(',', ".", 1).parse::<f64>().is_ok() => Err("cell-decimal-comma"),
        Err(_) => Err("cell-not-a-number"),
    }
}
