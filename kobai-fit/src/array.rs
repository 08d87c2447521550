//! Arrays of numbers: what a symbol is bound to.

/// A dense array, its elements in row-major order.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Array {
    /// The length of each axis; empty for a single number.
    pub shape: Vec<usize>,
    /// The elements, as many as the product of `shape`.
    pub data: Vec<f64>,
    /// Whether every element is an integer that selects something, such as a label, rather than a quantity.
    pub integer: bool,
}

impl Array {
    /// An array of real numbers of this shape, or none where the number of elements is not the product of the shape.
    pub fn real(shape: Vec<usize>, data: Vec<f64>) -> Option<Array> {
        let elements = shape
            .iter()
            .try_fold(1usize, |product, &length| product.checked_mul(length));
        (elements == Some(data.len())).then_some(Array {
            shape,
            data,
            integer: false,
        })
    }
}
