//! Safetensors: tensors by name.

use std::path::Path;

use half::{bf16, f16};
use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView};

use super::{Opened, malformed, not_read};
use crate::array::Array;
use crate::error::DataError;

/// Opens a file of tensors.
pub(super) fn open(path: &Path) -> Result<Opened, DataError> {
    let bytes = std::fs::read(path).map_err(|error| not_read(path, &error))?;
    let tensors = SafeTensors::deserialize(&bytes).map_err(|error| malformed(path, "safetensors", error))?;
    let mut arrays = Vec::new();
    for (name, tensor) in tensors.iter() {
        let array = array(&tensor).ok_or_else(|| {
            let error = DataError::new("column-type").with("file", path.display()).with("column", name);
            error.with("found", format!("{:?}", tensor.dtype())).with("wanted", "numbers")
        })?;
        arrays.push((name.to_owned(), array));
    }
    // The library gives them in an order of its own.
    arrays.sort_by(|(one, _), (other, _)| one.cmp(other));
    super::npy::in_memory(path, arrays)
}

/// A tensor's entries as doubles, or none where they are no numbers.
fn array(tensor: &TensorView) -> Option<Array> {
    let bytes = tensor.data();
    macro_rules! numbers {
        ($type:ty, $convert:expr) => {{
            let (entries, _) = bytes.as_chunks::<{ size_of::<$type>() }>();
            entries.iter().map(|bytes| $convert(<$type>::from_le_bytes(*bytes))).collect()
        }};
    }
    let data: Vec<f64> = match tensor.dtype() {
        Dtype::F64 => numbers!(f64, |value| value),
        Dtype::F32 => numbers!(f32, f64::from),
        Dtype::F16 => numbers!(f16, f16::to_f64),
        Dtype::BF16 => numbers!(bf16, bf16::to_f64),
        Dtype::I64 => numbers!(i64, |value| value as f64),
        Dtype::I32 => numbers!(i32, f64::from),
        Dtype::I16 => numbers!(i16, f64::from),
        Dtype::I8 => numbers!(i8, f64::from),
        Dtype::U64 => numbers!(u64, |value| value as f64),
        Dtype::U32 => numbers!(u32, f64::from),
        Dtype::U16 => numbers!(u16, f64::from),
        Dtype::U8 | Dtype::BOOL => numbers!(u8, f64::from),
        _ => return None,
    };
    let integer = !matches!(tensor.dtype(), Dtype::F64 | Dtype::F32 | Dtype::F16 | Dtype::BF16);
    Some(Array { shape: tensor.shape().to_vec(), data, integer })
}
