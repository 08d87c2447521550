//! NPZ: a ZIP archive of NumPy arrays. The form of an array is NumPy's "NPY format" (numpy.lib.format), versions 1 to 3.

use crate::message::Failure;
use kobai::eval::data::{Array, Inputs};
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;
use zip::ZipArchive;

/// The arrays of an archive by their names.
pub fn read(path: &Path) -> Result<Inputs, Failure> {
    let name = path.display();
    let file = File::open(path)
        .map_err(|error| Failure::text(format!("cannot read `{name}`: {error}\n  fix: check the path")))?;
    let no_archive = |error: &dyn std::fmt::Display| {
        Failure::text(format!("`{name}` is no NPZ archive: {error}\n  fix: write it with numpy.savez"))
    };
    let mut archive = ZipArchive::new(BufReader::new(file)).map_err(|error| no_archive(&error))?;
    let mut inputs = Inputs::new();
    for number in 0..archive.len() {
        let mut entry = archive.by_index(number).map_err(|error| no_archive(&error))?;
        let Some(input) = entry.name().strip_suffix(".npy").map(str::to_owned) else { continue };
        let array = array(&mut entry)
            .map_err(|problem| Failure::text(format!("the array `{input}` of `{name}` {}", problem.said())))?;
        inputs.insert(super::plain(&input).to_owned(), array);
    }
    Ok(inputs)
}

/// Why an array cannot be read.
enum Problem {
    /// Not the NPY format, or it ends early.
    Form,
    /// Columns before rows.
    Columns,
    /// Entries that are no numbers that can be read.
    Entries(String),
}

impl Problem {
    fn said(self) -> String {
        let (problem, fix) = match self {
            Problem::Form => ("is no NumPy array".to_owned(), "write the archive with numpy.savez".to_owned()),
            Problem::Columns => {
                let fix = "make it row-major with numpy.ascontiguousarray before numpy.savez";
                ("is stored column by column".to_owned(), fix.to_owned())
            }
            Problem::Entries(kind) => {
                let fix = "convert it with astype to float64, float32, an integer type up to 64 bits, or bool";
                (format!("has entries of the type `{kind}`"), fix.to_owned())
            }
        };
        format!("{problem}\n  fix: {fix}")
    }
}

impl From<std::io::Error> for Problem {
    fn from(_: std::io::Error) -> Problem {
        Problem::Form
    }
}

fn array(reader: &mut impl Read) -> Result<Array, Problem> {
    let header = header(reader)?;
    let kind = field(&header, "descr").ok_or(Problem::Form)?.trim_matches(['\'', '"']).to_owned();
    if field(&header, "fortran_order").ok_or(Problem::Form)? == "True" {
        return Err(Problem::Columns);
    }
    let shape = field(&header, "shape").ok_or(Problem::Form)?;
    let sizes = shape.trim_matches(['(', ')']).split(',').map(str::trim).filter(|size| !size.is_empty());
    let shape = sizes.map(|size| size.parse().map_err(|_| Problem::Form)).collect::<Result<Vec<usize>, Problem>>()?;
    let entries = shape.iter().try_fold(1_usize, |product, &size| product.checked_mul(size)).ok_or(Problem::Form)?;
    let data = numbers(reader, &kind, entries)?;
    Ok(Array { shape, data, integer: kind.contains(['i', 'u']) })
}

/// The text between the magic bytes and the entries: a Python dictionary.
fn header(reader: &mut impl Read) -> Result<String, Problem> {
    let mut start = [0; 8];
    reader.read_exact(&mut start)?;
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

/// The entries as doubles; labels beyond 2⁵³ are none that an axis has.
fn numbers(reader: &mut impl Read, kind: &str, entries: usize) -> Result<Vec<f64>, Problem> {
    macro_rules! read_as {
        ($type:ty) => {{
            const WIDTH: usize = size_of::<$type>();
            read_entries::<WIDTH>(reader, entries, |bytes| <$type>::from_le_bytes(bytes) as f64)
        }};
    }
    match kind {
        "<f8" => read_as!(f64),
        "<f4" => read_as!(f32),
        "<i8" => read_as!(i64),
        "<i4" => read_as!(i32),
        "<i2" => read_as!(i16),
        "|i1" => read_as!(i8),
        "<u8" => read_as!(u64),
        "<u4" => read_as!(u32),
        "<u2" => read_as!(u16),
        "|u1" | "|b1" => read_as!(u8),
        _ => Err(Problem::Entries(kind.to_owned())),
    }
}

/// Reads entries of so many bytes in blocks, so that an archive which lies about its size cannot ask for memory.
fn read_entries<const WIDTH: usize>(
    reader: &mut impl Read,
    entries: usize,
    convert: impl Fn([u8; WIDTH]) -> f64,
) -> Result<Vec<f64>, Problem> {
    const BLOCK: usize = 1 << 16;
    let mut data = Vec::new();
    let mut bytes = vec![0; BLOCK * WIDTH];
    while data.len() < entries {
        let bytes = &mut bytes[..BLOCK.min(entries - data.len()) * WIDTH];
        reader.read_exact(bytes)?;
        let (chunks, _) = bytes.as_chunks::<WIDTH>();
        data.extend(chunks.iter().map(|&entry| convert(entry)));
    }
    Ok(data)
}
