//! Keeping parameters in a safetensors file, with what is needed to use them again.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::io::{self, ErrorKind, Write};
use std::path::Path;

use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView};
use serde_json::{Map, Value, json};

use crate::array::Array;
use crate::error::DataError;
use crate::replace::{not_written, replace};

/// What a file of parameters holds.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Saved {
    /// The arrays by name: quantities as F64, integer arrays as I64. Reading gives them in the order they are stored.
    pub arrays: Vec<(String, Array)>,
    /// Facts about them, such as the lesson, the loss, a coefficient, means and deviations.
    pub metadata: BTreeMap<String, String>,
}

/// Writes a safetensors file. It replaces one of the same name only when it is whole.
///
/// # Errors
/// `saved-name` for a name given twice or taken by the form, `saved-shape`, `file-not-written`.
pub fn save(path: impl AsRef<Path>, saved: &Saved) -> Result<(), DataError> {
    let path = path.as_ref();
    let header = header(path, saved)?;
    replace(path, |temporary| write(temporary, &header, saved).map_err(|error| not_written(path, &error)))
}

/// Reads a safetensors file of F64 and I64 arrays.
///
/// # Errors
/// `file-not-found`, `file-not-read`, `saved-malformed`, `saved-element-type`.
pub fn load(path: impl AsRef<Path>) -> Result<Saved, DataError> {
    let path = path.as_ref();
    let error = |code| DataError::new(code).with("file", path.display());
    let bytes = fs::read(path).map_err(|reason| match reason.kind() {
        ErrorKind::NotFound => error("file-not-found"),
        _ => error("file-not-read").with("reason", reason),
    })?;
    let malformed = |reason| error("saved-malformed").with("reason", reason);
    let tensors = SafeTensors::deserialize(&bytes).map_err(malformed)?;
    let (_, header) = SafeTensors::read_metadata(&bytes).map_err(malformed)?;
    let mut arrays = Vec::new();
    for name in header.offset_keys() {
        let tensor = tensors.tensor(&name).map_err(malformed)?;
        let array = array(&tensor).ok_or_else(|| {
            error("saved-element-type").with("name", &name).with("found", format!("{:?}", tensor.dtype()))
        })?;
        arrays.push((name, array));
    }
    Ok(Saved { arrays, metadata: header.metadata().clone().unwrap_or_default().into_iter().collect() })
}

/// The first part of the file, padded to a multiple of 8 bytes. It is made here, in the order of names, because the
/// library keeps metadata in an order that changes from run to run, and equal parameters should be equal files.
fn header(path: &Path, saved: &Saved) -> Result<String, DataError> {
    let mut header = Map::new();
    if !saved.metadata.is_empty() {
        header.insert("__metadata__".to_string(), json!(saved.metadata));
    }
    let mut names = HashSet::from(["__metadata__"]);
    let mut start = 0;
    for (name, array) in &saved.arrays {
        let error = |code| DataError::new(code).with("file", path.display()).with("name", name);
        if !names.insert(name) {
            return Err(error("saved-name"));
        }
        let elements = array.shape.iter().try_fold(1usize, |product, &length| product.checked_mul(length));
        if elements != Some(array.data.len()) {
            return Err(error("saved-shape")
                .with("found", array.data.len())
                .with("shape", format!("{:?}", array.shape)));
        }
        let end = start + 8 * array.data.len();
        let element_type = if array.integer { "I64" } else { "F64" };
        let entry = json!({ "dtype": element_type, "shape": array.shape, "data_offsets": [start, end] });
        header.insert(name.clone(), entry);
        start = end;
    }
    let mut text = Value::Object(header).to_string();
    text.push_str(&" ".repeat(text.len().next_multiple_of(8) - text.len()));
    Ok(text)
}

/// Writes the length of the header, the header and the elements, all little-endian.
fn write(path: &Path, header: &str, saved: &Saved) -> io::Result<()> {
    let mut file = io::BufWriter::new(fs::File::create(path)?);
    file.write_all(&(header.len() as u64).to_le_bytes())?;
    file.write_all(header.as_bytes())?;
    for (_, array) in &saved.arrays {
        for &element in &array.data {
            file.write_all(&if array.integer { (element as i64).to_le_bytes() } else { element.to_le_bytes() })?;
        }
    }
    file.flush()
}

/// An array of the elements of a tensor, or none where they are of another type.
fn array(tensor: &TensorView) -> Option<Array> {
    let (elements, _) = tensor.data().as_chunks::<8>();
    let data = match tensor.dtype() {
        Dtype::F64 => elements.iter().map(|bytes| f64::from_le_bytes(*bytes)).collect(),
        Dtype::I64 => elements.iter().map(|bytes| i64::from_le_bytes(*bytes) as f64).collect(),
        _ => return None,
    };
    Some(Array { shape: tensor.shape().to_vec(), data, integer: tensor.dtype() == Dtype::I64 })
}
