//! What can go wrong in a run: only the data can.

use kobai::source::Diagnostic;
use std::fmt;

/// Why a run stopped. The outputs then hold nothing of use.
#[derive(Clone, Debug, PartialEq)]
pub enum RunError {
    /// The plan reads an input that was not given.
    MissingInput {
        /// The input's name.
        name: String,
    },
    /// An input has not as many entries as its axes say.
    WrongLength {
        /// The input's name.
        name: String,
        /// The product of the sizes of its axes.
        expected: usize,
        /// How many entries were given.
        given: usize,
    },
    /// An integer input has an entry that the element type cannot hold exactly.
    NotExact {
        /// The input's name.
        name: String,
        /// The entry.
        value: i64,
    },
    /// A label or neighbour lies outside of the axis that it indexes.
    IndexOutOfRange {
        /// The name of the tensor that is read.
        name: String,
        /// The index.
        value: f64,
        /// The size of the axis.
        size: usize,
    },
    /// What watches the run has ended it.
    Interrupted,
}

impl RunError {
    /// The code under which messages in each language are found.
    pub fn code(&self) -> &'static str {
        match self {
            RunError::MissingInput { .. } => "missing-input",
            RunError::WrongLength { .. } => "input-length-mismatch",
            RunError::NotExact { .. } => "integer-not-exact",
            RunError::IndexOutOfRange { .. } => "index-out-of-range",
            RunError::Interrupted => "run-interrupted",
        }
    }
}

impl From<RunError> for Diagnostic {
    fn from(error: RunError) -> Diagnostic {
        let diagnostic = Diagnostic::data_error(error.code());
        match error {
            RunError::MissingInput { name } => diagnostic.with("name", name),
            RunError::WrongLength { name, expected, given } => {
                diagnostic.with("name", name).with("expected", expected.to_string()).with("given", given.to_string())
            }
            RunError::NotExact { name, value } => diagnostic.with("name", name).with("value", value.to_string()),
            RunError::IndexOutOfRange { name, value, size } => {
                diagnostic.with("name", name).with("value", value.to_string()).with("size", size.to_string())
            }
            RunError::Interrupted => diagnostic,
        }
    }
}

impl fmt::Display for RunError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RunError::MissingInput { name } => write!(formatter, "the input {name} is missing"),
            RunError::WrongLength { name, expected, given } => {
                write!(formatter, "the input {name} has {given} entries, its axes ask for {expected}")
            }
            RunError::NotExact { name, value } => {
                write!(formatter, "the input {name} has the entry {value}, which the element type cannot hold exactly")
            }
            RunError::IndexOutOfRange { name, value, size } => {
                write!(formatter, "{name} is read at {value}, but the axis has {size} places, counted from 0")
            }
            RunError::Interrupted => write!(formatter, "the run was interrupted"),
        }
    }
}

impl std::error::Error for RunError {}
