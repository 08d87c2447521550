//! NumPy's arrays: one in an NPY file, several in an NPZ archive.
//!
//! The form is that of NumPy's "NPY format" (numpy.lib.format), versions 1 to 3: a few bytes that say what it is, a Python
//! dictionary with the type of the entries, their order and the shape, then the entries.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use half::f16;
use zip::ZipArchive;

use super::arrays::{Cells, InMemory, NamedArray, columns_of};
use super::{Batch, Batches, Column, Opened, Reader, Wanted, cell, malformed, open_file};
use crate::array::Array;
use crate::error::DataError;

/// What the head of an array says.
#[derive(Debug, Clone)]
struct Head {
    entry: Entry,
    /// Whether the first axis is the one whose neighbours lie side by side.
    columns_first: bool,
    shape: Vec<usize>,
}

/// The type of an entry.
#[derive(Debug, Clone, Copy)]
struct Entry {
    /// `f`, `i`, `u` or `b`.
    kind: u8,
    bytes: usize,
    big_endian: bool,
}

/// Why an array cannot be read.
enum Problem {
    /// It ends early, or the system cannot read it.
    Input(io::Error),
    /// Not the NPY format.
    Form,
    /// Entries that are no numbers that can be read.
    Entries(String),
}

impl From<io::Error> for Problem {
    fn from(error: io::Error) -> Problem {
        Problem::Input(error)
    }
}

impl Problem {
    /// The error about this file, or about the array of this name in it.
    fn error(self, path: &Path, name: Option<&str>) -> DataError {
        let array = name.map_or_else(String::new, |name| format!("the array {name}: "));
        match self {
            Problem::Input(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                malformed(path, "NumPy", format!("{array}it ends before its last entry"))
            }
            Problem::Input(error) => malformed(path, "NumPy", format!("{array}{error}")),
            Problem::Form => malformed(path, "NumPy", format!("{array}it does not begin as such a file does")),
            Problem::Entries(kind) => DataError::new("column-type")
                .with("file", path.display())
                .with("column", name.unwrap_or("column"))
                .with("found", kind)
                .with("wanted", "numbers"),
        }
    }
}

impl Entry {
    /// Reads a type as NumPy writes it: `<f8`, `|b1`, `>i4`.
    fn parse(written: &str) -> Result<Entry, Problem> {
        let unknown = || Problem::Entries(written.to_owned());
        let (order, rest) = written.split_at_checked(1).ok_or_else(unknown)?;
        let (kind, bytes) = rest.split_at_checked(1).ok_or_else(unknown)?;
        let bytes: usize = bytes.parse().map_err(|_| unknown())?;
        let known = matches!((kind, bytes), ("f", 2 | 4 | 8) | ("i" | "u", 1 | 2 | 4 | 8) | ("b", 1));
        if !known || !["<", ">", "|", "="].contains(&order) {
            return Err(unknown());
        }
        Ok(Entry { kind: kind.as_bytes()[0], bytes, big_endian: order == ">" })
    }

    /// The number that these bytes are, and whether it is exactly so.
    fn read(self, bytes: &[u8]) -> (f64, bool) {
        let mut own = [0_u8; 8];
        let own_bytes = &mut own[..self.bytes];
        own_bytes.copy_from_slice(&bytes[..self.bytes]);
        if self.big_endian {
            own_bytes.reverse();
        }
        let bits = u64::from_le_bytes(own);
        match (self.kind, self.bytes) {
            (b'f', 2) => (f16::from_bits(bits as u16).to_f64(), true),
            (b'f', 4) => (f64::from(f32::from_bits(bits as u32)), true),
            (b'f', _) => (f64::from_bits(bits), true),
            (b'i', _) => {
                let unused = 64 - 8 * self.bytes as u32;
                let value = ((bits << unused) as i64) >> unused;
                (value as f64, (value as f64) as i128 == i128::from(value))
            }
            _ => (bits as f64, (bits as f64) as u128 == u128::from(bits)),
        }
    }
}

impl Head {
    /// Reads the head, and leaves the reader at the first entry.
    fn read(reader: &mut impl Read) -> Result<Head, Problem> {
        let text = dictionary(reader)?;
        let kind = field(&text, "descr").ok_or(Problem::Form)?.trim_matches(['\'', '"']);
        let order = field(&text, "fortran_order").ok_or(Problem::Form)?;
        let shape = field(&text, "shape").ok_or(Problem::Form)?;
        let sizes = shape.trim_matches(['(', ')']).split(',').map(str::trim).filter(|size| !size.is_empty());
        let shape = sizes.map(|size| size.parse().map_err(|_| Problem::Form)).collect::<Result<Vec<usize>, _>>()?;
        let entries = shape.iter().try_fold(8_usize, |product, &size| product.checked_mul(size));
        entries.ok_or(Problem::Form)?;
        Ok(Head { entry: Entry::parse(kind)?, columns_first: order == "True", shape })
    }

    fn entries(&self) -> usize {
        self.shape.iter().product()
    }
}

/// The text between the first bytes and the entries: a Python dictionary.
fn dictionary(reader: &mut impl Read) -> Result<String, Problem> {
    let mut start = [0; 8];
    reader.read_exact(&mut start).map_err(|_| Problem::Form)?;
    let (magic, version) = start.split_at(6);
    if magic != b"\x93NUMPY" {
        return Err(Problem::Form);
    }
    let mut length = [0; 4];
    let bytes = if version[0] == 1 { 2 } else { 4 };
    reader.read_exact(&mut length[..bytes])?;
    let mut text = Vec::new();
    let length = u64::from(u32::from_le_bytes(length));
    if reader.take(length).read_to_end(&mut text)? as u64 != length {
        return Err(Problem::Form);
    }
    String::from_utf8(text).map_err(|_| Problem::Form)
}

/// What stands after a key of the dictionary: a quoted word, a name or a tuple.
fn field<'a>(header: &'a str, key: &str) -> Option<&'a str> {
    let (_, after) = header.split_once(&format!("'{key}':"))?;
    let after = after.trim_start();
    let end = if after.starts_with('(') { after.find(')')? + 1 } else { after.find([',', '}'])? };
    Some(after[..end].trim())
}

/// All arrays of an NPZ archive by name, row-major; labels beyond 2⁵³ are rounded.
///
/// # Errors
/// `file-not-found`, `file-not-read`, `table-malformed`, `column-type`.
pub fn read_archive(path: &Path) -> Result<Vec<(String, Array)>, DataError> {
    let mut archive =
        ZipArchive::new(BufReader::new(open_file(path)?)).map_err(|error| malformed(path, "NPZ", error))?;
    let mut arrays = Vec::new();
    for number in 0..archive.len() {
        let mut entry = archive.by_index(number).map_err(|error| malformed(path, "NPZ", error))?;
        let Some(name) = entry.name().strip_suffix(".npy").map(str::to_owned) else { continue };
        let array = read_array(&mut entry).map_err(|problem| problem.error(path, Some(&name)))?;
        arrays.push((name, array));
    }
    Ok(arrays)
}

/// An array, row-major. It is read in blocks, so that an archive which lies about its size cannot ask for memory.
fn read_array(reader: &mut impl Read) -> Result<Array, Problem> {
    const BLOCK: usize = 1 << 16;
    let head = Head::read(reader)?;
    let (width, entries) = (head.entry.bytes, head.entries());
    let mut data = Vec::new();
    let mut bytes = vec![0; BLOCK * width];
    while data.len() < entries {
        let bytes = &mut bytes[..BLOCK.min(entries - data.len()) * width];
        reader.read_exact(bytes)?;
        data.extend(bytes.chunks_exact(width).map(|bytes| head.entry.read(bytes).0));
    }
    if head.columns_first {
        data = row_major(&data, &head.shape);
    }
    Ok(Array { shape: head.shape, data, integer: matches!(head.entry.kind, b'i' | b'u') })
}

/// The entries of an array whose first axis is the one of neighbours, in the order of rows.
fn row_major(data: &[f64], shape: &[usize]) -> Vec<f64> {
    let mut places = vec![0_usize; shape.len()];
    let mut entries = Vec::with_capacity(data.len());
    for _ in 0..data.len() {
        let from = places.iter().zip(shape).rev().fold(0, |from, (place, size)| from * size + place);
        entries.push(data[from]);
        for (place, size) in places.iter_mut().zip(shape).rev() {
            *place += 1;
            if *place < *size {
                break;
            }
            *place = 0;
        }
    }
    entries
}

/// Opens an NPZ archive.
pub(super) fn open_archive(path: &Path) -> Result<Opened, DataError> {
    let arrays = read_archive(path)?;
    in_memory(path, arrays)
}

/// The columns of arrays.
pub(super) fn in_memory(path: &Path, arrays: Vec<(String, Array)>) -> Result<Opened, DataError> {
    let shapes: Vec<NamedArray> =
        arrays.iter().map(|(name, array)| NamedArray { name: name.clone(), shape: array.shape.clone() }).collect();
    let (names, rows) = columns_of(path, &shapes)?;
    let mut columns = Vec::new();
    for (_, array) in arrays {
        match array.shape[..] {
            [_, width] => columns.extend(
                (0..width)
                    .map(|column| Cells::Numbers(array.data.iter().skip(column).step_by(width).copied().collect())),
            ),
            _ => columns.push(Cells::Numbers(array.data)),
        }
    }
    Ok(InMemory::opened(path, names, columns, rows))
}

/// An NPY file with its head read.
#[derive(Clone)]
struct Npy {
    path: PathBuf,
    names: Vec<String>,
    head: Head,
    /// The place of the first entry in the file.
    start: u64,
    rows: usize,
    width: usize,
}

/// Opens an NPY file.
pub(super) fn open(path: &Path) -> Result<Opened, DataError> {
    let mut file = BufReader::new(open_file(path)?);
    let head = Head::read(&mut file).map_err(|problem| problem.error(path, None))?;
    let start = file.stream_position().map_err(|error| malformed(path, "NumPy", error))?;
    let length = file.get_ref().metadata().map_err(|error| malformed(path, "NumPy", error))?.len();
    let expected = start + (head.entries() * head.entry.bytes) as u64;
    if length < expected {
        let reason = format!("it has {length} bytes where its shape asks for {expected}");
        return Err(malformed(path, "NumPy", reason));
    }
    let (names, rows) = columns_of(path, &[NamedArray { name: "column".into(), shape: head.shape.clone() }])?;
    let npy = Npy { path: path.to_path_buf(), names: names.clone(), start, rows, width: names.len(), head };
    Ok(Opened { names, rows: Some(rows), reader: Box::new(npy) })
}

impl Reader for Npy {
    fn batches(&self, wanted: &[Wanted], rows: usize) -> Result<Batches, DataError> {
        let file = open_file(&self.path)?;
        Ok(Box::new(Rows { npy: self.clone(), file, wanted: wanted.to_vec(), rows, next: 0, bytes: Vec::new() }))
    }
}

/// Batches of rows.
struct Rows {
    npy: Npy,
    file: File,
    wanted: Vec<Wanted>,
    rows: usize,
    next: usize,
    bytes: Vec<u8>,
}

impl Iterator for Rows {
    type Item = Result<Batch, DataError>;

    fn next(&mut self) -> Option<Result<Batch, DataError>> {
        let rows = self.rows.min(self.npy.rows - self.next);
        if rows == 0 {
            return None;
        }
        let batch = self.batch(rows);
        self.next = if batch.is_ok() { self.next + rows } else { self.npy.rows };
        Some(batch)
    }
}

impl Rows {
    fn batch(&mut self, rows: usize) -> Result<Batch, DataError> {
        let (first_row, width) = (self.next, self.npy.width);
        let mut columns: Vec<Column> = self.wanted.iter().map(|wanted| Column::new(wanted.kind)).collect();
        if !self.npy.head.columns_first {
            self.read(first_row * width, rows * width)?;
        }
        for (wanted, column) in self.wanted.clone().into_iter().zip(&mut columns) {
            let (first, step) = if self.npy.head.columns_first {
                self.read(wanted.column * self.npy.rows + first_row, rows)?;
                (0, 1)
            } else {
                (wanted.column, width)
            };
            self.push(first_row, (first, step, rows), wanted, column)?;
        }
        Ok(Batch { first_row, rows, columns })
    }

    /// Reads so many entries of the file from this one on.
    fn read(&mut self, first: usize, entries: usize) -> Result<(), DataError> {
        let width = self.npy.head.entry.bytes;
        self.bytes.resize(entries * width, 0);
        let place = SeekFrom::Start(self.npy.start + (first * width) as u64);
        let read = self.file.seek(place).and_then(|_| self.file.read_exact(&mut self.bytes));
        read.map_err(|error| Problem::Input(error).error(&self.npy.path, None))
    }

    /// Adds the entries at these places of what was read to a column.
    fn push(
        &self,
        first_row: usize,
        (first, step, rows): (usize, usize, usize),
        wanted: Wanted,
        column: &mut Column,
    ) -> Result<(), DataError> {
        let entry = self.npy.head.entry;
        for row in 0..rows {
            let (value, exact) = entry.read(&self.bytes[(first + row * step) * entry.bytes..]);
            let problem =
                if value.is_infinite() { Some("cell-infinite") } else { (!exact).then_some("cell-not-exact") };
            if let Some(problem) = problem {
                let place = self.npy.place(first_row + row);
                return Err(cell(problem, &self.npy.path, &place, &self.npy.names[wanted.column], value));
            }
            column.push_number(value);
        }
        Ok(())
    }
}
