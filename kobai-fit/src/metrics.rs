//! How well predictions fit what was observed.
//!
//! Each kind of prediction has an accumulator, fed batch by batch and merged with that of another part of the data, and a
//! summary for people and machines: classes ([`ClassMetrics`]), numbers ([`NumberMetrics`]) and counts
//! ([`CountMetrics`]). Sums have twice the digits of `f64` (the crate `twofloat`), so the batches that the rows came in
//! show in no figure, save in the last digit of the deviance explained, whose logarithms are in `f64`.

mod classes;
mod confusion;
mod counts;
mod numbers;
mod ranking;

use serde_json::{Value, json};

pub use classes::{ClassMetrics, ClassScores, ClassSummary, largest};
pub use confusion::ConfusionMatrix;
pub(crate) use confusion::class_name;
pub use counts::{CountMetrics, CountSummary};
pub use numbers::{NumberMetrics, NumberSummary};
pub use ranking::AreaUnderCurve;

use crate::error::DataError;

/// A number for machines. JSON has no number for what is not finite, so its name stands there, as a text.
pub fn json_number(value: f64) -> Value {
    match value {
        _ if value.is_finite() => json!(value),
        _ if value.is_nan() => json!("NaN"),
        _ => json!(if value > 0.0 { "Infinity" } else { "-Infinity" }),
    }
}

/// The same for what may be unknown.
fn json_option(value: Option<f64>) -> Value {
    value.map_or(Value::Null, json_number)
}

/// That predictions are as many as the rows that they are for.
fn check_lengths(rows: usize, predictions: usize) -> Result<(), DataError> {
    if rows == predictions {
        return Ok(());
    }
    Err(DataError::new("metrics-shape").with("rows", rows).with("expected", rows).with("found", predictions))
}
