//! Inputs: named arrays bound to the symbols and axes of a program.

use crate::expr::{Axis, Context, Symbol};
use crate::resolve::{InputKind, InputKinds};
use crate::source::Diagnostic;
use rustc_hash::FxHashMap;
use std::collections::{BTreeMap, HashMap};

/// An array of numbers, row-major.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Array {
    /// The size of each axis; empty for a scalar.
    pub shape: Vec<usize>,
    /// The entries; integers are exact.
    pub data: Vec<f64>,
    /// True if the entries are indices.
    pub integer: bool,
}

impl Array {
    /// An array of reals; `None` where the number of entries is not the product of the shape.
    pub fn real(shape: Vec<usize>, data: Vec<f64>) -> Option<Array> {
        let entries = shape.iter().try_fold(1_usize, |product, &size| product.checked_mul(size));
        (entries == Some(data.len())).then_some(Array { shape, data, integer: false })
    }

    /// A single number.
    pub fn scalar(value: f64) -> Array {
        Array { shape: Vec::new(), data: vec![value], integer: false }
    }
}

/// Inputs by name in plain text.
pub type Inputs = BTreeMap<String, Array>;

/// The rank and kind of each input, for the resolution.
pub fn kinds(inputs: &Inputs) -> InputKinds {
    let kind = |array: &Array| InputKind { rank: array.shape.len(), integer: array.integer };
    inputs.iter().map(|(name, array)| (name.clone(), kind(array))).collect()
}

/// Inputs bound to a program: which array each symbol is, how long each axis is.
#[derive(Debug)]
pub struct Bound<'a> {
    arrays: FxHashMap<Symbol, &'a Array>,
    sizes: HashMap<Axis, usize>,
}

impl Bound<'_> {
    /// The size of every axis that has one.
    pub fn sizes(&self) -> &HashMap<Axis, usize> {
        &self.sizes
    }

    /// The size of an axis.
    pub fn size(&self, axis: Axis) -> Option<usize> {
        self.sizes.get(&axis).copied()
    }

    /// The array of an input.
    pub fn array(&self, symbol: Symbol) -> Option<&Array> {
        self.arrays.get(&symbol).copied()
    }
}

/// Binds inputs to the symbols needed. An axis that no input has may get its size from a number of its name.
///
/// # Errors
/// An input that is missing, of another rank, or that gives an axis a second size.
pub fn bind<'a>(context: &Context, needed: &[Symbol], inputs: &'a Inputs) -> Result<Bound<'a>, Vec<Diagnostic>> {
    let given = |name: &str| inputs.get(name).map(|array| Given { shape: &array.shape, entries: &array.data });
    let sizes = sizes(context, needed, &given)?;
    let array = |symbol: &Symbol| inputs.get(&context.symbol(*symbol).name.plain).map(|array| (*symbol, array));
    Ok(Bound { arrays: needed.iter().filter_map(array).collect(), sizes })
}

/// What is given for a symbol.
#[derive(Clone, Copy, Debug)]
pub struct Given<'a> {
    /// The size of each axis.
    pub shape: &'a [usize],
    /// The entries, row-major.
    pub entries: &'a [f64],
}

/// The sizes of the axes that what is given for the symbols needed tells. An axis that none of it has may get its size
/// from a number of its name.
///
/// # Errors
/// As those of [`bind`].
pub fn sizes<'a>(
    context: &Context,
    needed: &[Symbol],
    given: &dyn Fn(&str) -> Option<Given<'a>>,
) -> Result<HashMap<Axis, usize>, Vec<Diagnostic>> {
    let mut sizes: HashMap<Axis, usize> = HashMap::new();
    let mut first_use: HashMap<Axis, String> = HashMap::new();
    let mut errors = Vec::new();
    for (number, information) in context.axes.iter().enumerate() {
        if let Some(size) = information.fixed {
            sizes.insert(Axis(number as u32), size);
            first_use.insert(Axis(number as u32), "the formula".to_owned());
        }
    }
    for &symbol in needed {
        let information = context.symbol(symbol);
        let name = &information.name.plain;
        let Some(Given { shape, entries }) = given(name) else {
            errors.push(Diagnostic::data_error("missing-input").with("name", name));
            continue;
        };
        if shape.len() != information.axes.len() || entries.len() != shape.iter().product::<usize>() {
            let error = Diagnostic::data_error("rank-mismatch").with("name", name);
            let (written, given) = (information.axes.len().to_string(), shape.len().to_string());
            errors.push(error.with("written", written).with("given", given));
            continue;
        }
        for (&axis, &size) in information.axes.iter().zip(shape) {
            let known = *sizes.entry(axis).or_insert(size);
            let first = first_use.entry(axis).or_insert_with(|| name.clone());
            if known != size {
                let error = Diagnostic::data_error("axis-size-conflict-in-data")
                    .with("axis", &context.axis(axis).size_name.plain);
                let error = error.with("first", known.to_string()).with("second", size.to_string());
                errors.push(error.with("first_name", first.as_str()).with("second_name", name));
            }
        }
    }
    for (number, information) in context.axes.iter().enumerate() {
        if let Some([size]) = given(&information.size_name.plain).map(|given| given.entries) {
            sizes.entry(Axis(number as u32)).or_insert(*size as usize);
        }
    }
    if errors.is_empty() { Ok(sizes) } else { Err(errors) }
}
