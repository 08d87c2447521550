//! How predicted numbers fit the observed ones.

use serde_json::{Value, json};
use twofloat::TwoFloat;

use super::{check_lengths, json_number, json_option};
use crate::error::DataError;

/// Accumulates rows of observed and predicted numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct NumberMetrics {
    rows: u64,
    /// The mean of what was observed.
    mean: TwoFloat,
    /// Σ (observed − mean)²
    spread: TwoFloat,
    /// Σ (observed − predicted)²
    squares: TwoFloat,
    /// Σ |observed − predicted|
    absolute: TwoFloat,
}

/// What the rows of a [`NumberMetrics`] come to. All figures are not a number where a prediction is not finite.
#[derive(Debug, Clone, PartialEq)]
pub struct NumberSummary {
    /// How many rows.
    pub rows: u64,
    /// 1 − Σ (observed − predicted)² ÷ Σ (observed − mean)²; none where all observed are equal.
    pub r_squared: Option<f64>,
    /// The square root of the mean squared difference, in the unit of what was observed.
    pub root_mean_squared_error: f64,
    /// The mean absolute difference, in the unit of what was observed.
    pub mean_absolute_error: f64,
}

impl Default for NumberMetrics {
    fn default() -> NumberMetrics {
        let zero = TwoFloat::from(0.0);
        NumberMetrics { rows: 0, mean: zero, spread: zero, squares: zero, absolute: zero }
    }
}

impl NumberMetrics {
    /// Adds rows: what was observed and what was predicted, equally many.
    ///
    /// # Errors
    /// `metrics-shape` where they are not equally many; nothing is added then.
    pub fn push(&mut self, observed: &[f64], predicted: &[f64]) -> Result<(), DataError> {
        check_lengths(observed.len(), predicted.len())?;
        for (&observed, &predicted) in observed.iter().zip(predicted) {
            let error = TwoFloat::new_sub(observed, predicted);
            self.merge(NumberMetrics {
                rows: 1,
                mean: observed.into(),
                spread: 0.0.into(),
                squares: error * error,
                absolute: error.abs(),
            });
        }
        Ok(())
    }

    /// Adds the rows of another. Spreads are joined by the distance of the means (Chan, Golub and LeVeque 1979, equation
    /// 2.1), which subtracts no large squares from each other.
    pub fn merge(&mut self, other: NumberMetrics) {
        let rows = self.rows + other.rows;
        if other.rows > 0 {
            let (part, whole) = (other.rows as f64, rows as f64);
            let apart = other.mean - self.mean;
            self.mean += apart * part / whole;
            self.spread += other.spread + apart * (self.rows as f64) * (apart * part / whole);
        }
        self.rows = rows;
        self.squares += other.squares;
        self.absolute += other.absolute;
    }

    /// What the rows come to.
    pub fn summary(&self) -> NumberSummary {
        let rows = self.rows as f64;
        let r_squared = || (TwoFloat::from(1.0) - self.squares / self.spread).into();
        NumberSummary {
            rows: self.rows,
            r_squared: (f64::from(self.spread) != 0.0).then(r_squared),
            root_mean_squared_error: f64::from(self.squares / rows).sqrt(),
            mean_absolute_error: (self.absolute / rows).into(),
        }
    }
}

impl NumberSummary {
    /// For machines.
    pub fn to_json(&self) -> Value {
        json!({
            "rows": self.rows,
            "r_squared": json_option(self.r_squared),
            "root_mean_squared_error": json_number(self.root_mean_squared_error),
            "mean_absolute_error": json_number(self.mean_absolute_error),
        })
    }
}
