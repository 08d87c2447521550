//! How predicted means fit observed counts.

use serde_json::{Value, json};
use twofloat::TwoFloat;

use super::{check_lengths, json_number, json_option};
use crate::error::DataError;

/// Accumulates rows of observed counts and predicted means of a Poisson distribution.
#[derive(Debug, Clone, PartialEq)]
pub struct CountMetrics {
    rows: u64,
    /// Σ d(observed, predicted) where it is finite, d being [`half_deviance`].
    deviance: TwoFloat,
    /// Rows whose count is impossible with the mean that was predicted.
    impossible: u64,
    /// The mean of what was observed.
    mean: TwoFloat,
    /// Σ d(observed, mean)
    spread: TwoFloat,
}

/// What the rows of a [`CountMetrics`] come to.
#[derive(Debug, Clone, PartialEq)]
pub struct CountSummary {
    /// How many rows.
    pub rows: u64,
    /// The mean of 2 (t log (t ÷ p) − t + p), with t the count and p the mean predicted (McCullagh and Nelder 1989,
    /// section 2.3); infinite where a count was impossible.
    pub mean_deviance: f64,
    /// How many counts are impossible with the mean predicted for them: a positive one with the mean 0, or any with a
    /// mean that is negative or infinite.
    pub impossible: u64,
    /// 1 − the deviance ÷ that of predicting the mean of all counts; none where all counts are equal.
    pub deviance_explained: Option<f64>,
}

impl Default for CountMetrics {
    fn default() -> CountMetrics {
        let zero = TwoFloat::from(0.0);
        CountMetrics { rows: 0, deviance: zero, impossible: 0, mean: zero, spread: zero }
    }
}

impl CountMetrics {
    /// Adds rows: the count observed and the mean predicted, equally many. Counts need not be whole.
    ///
    /// # Errors
    /// `metrics-shape` where they are not equally many, `metrics-count` for a count that is negative or not finite;
    /// nothing is added then.
    pub fn push(&mut self, observed: &[f64], predicted: &[f64]) -> Result<(), DataError> {
        check_lengths(observed.len(), predicted.len())?;
        if let Some(row) = observed.iter().position(|count| !(0.0..f64::INFINITY).contains(count)) {
            let error = DataError::new("metrics-count").with("row", self.rows + row as u64 + 1);
            return Err(error.with("found", observed[row]));
        }
        for (&observed, &predicted) in observed.iter().zip(predicted) {
            let deviance = half_deviance(observed, predicted);
            let impossible = deviance == f64::INFINITY;
            self.merge(CountMetrics {
                rows: 1,
                deviance: if impossible { 0.0 } else { deviance }.into(),
                impossible: u64::from(impossible),
                mean: observed.into(),
                spread: 0.0.into(),
            });
        }
        Ok(())
    }

    /// Adds the rows of another. Spreads are joined by how far the joint mean is from both means, as Chan, Golub and
    /// LeVeque (1979) join those of squares: for each Bregman divergence the mean is what the distances add up about
    /// (Banerjee et al. 2005, equation 3).
    pub fn merge(&mut self, other: CountMetrics) {
        let rows = self.rows + other.rows;
        if other.rows > 0 {
            let mean = self.mean + (other.mean - self.mean) * other.rows as f64 / rows as f64;
            let away = |part: &CountMetrics| match part.rows {
                0 => 0.0,
                rows => rows as f64 * half_deviance(part.mean.into(), mean.into()),
            };
            self.spread += other.spread + away(self) + away(&other);
            self.mean = mean;
        }
        self.rows = rows;
        self.deviance += other.deviance;
        self.impossible += other.impossible;
    }

    /// What the rows come to.
    pub fn summary(&self) -> CountSummary {
        let infinite = self.impossible > 0;
        let explained = if infinite { f64::NEG_INFINITY } else { f64::from(1.0 - self.deviance / self.spread) };
        let mean = f64::from(self.deviance * 2.0 / self.rows as f64);
        CountSummary {
            rows: self.rows,
            mean_deviance: if infinite { f64::INFINITY } else { mean },
            impossible: self.impossible,
            deviance_explained: (f64::from(self.spread) > 0.0).then_some(explained),
        }
    }
}

impl CountSummary {
    /// For machines.
    pub fn to_json(&self) -> Value {
        json!({
            "rows": self.rows,
            "mean_deviance": json_number(self.mean_deviance),
            "impossible": self.impossible,
            "deviance_explained": json_option(self.deviance_explained),
        })
    }
}

/// t log (t ÷ p) − t + p, half the deviance of a count t from a mean p, in the form of Loader (2000), "Fast and accurate
/// computation of binomial probabilities", which has no large terms that cancel where t and p are near to each other:
/// with v = (t − p) ÷ (t + p) it is (t − p) v + 2 t (v³ ÷ 3 + v⁵ ÷ 5 + …).
fn half_deviance(count: f64, mean: f64) -> f64 {
    if mean.is_nan() {
        return mean;
    }
    if mean < 0.0 || mean == f64::INFINITY || (mean == 0.0 && count > 0.0) {
        return f64::INFINITY;
    }
    if count == 0.0 {
        return mean;
    }
    let apart = count - mean;
    if apart.abs() >= 0.1 * (count + mean) {
        return count * (count / mean).ln() - apart;
    }
    let ratio = apart / (count + mean);
    let (mut sum, mut power) = (apart * ratio, 2.0 * count * ratio);
    for exponent in (3..).step_by(2) {
        power *= ratio * ratio;
        let longer = sum + power / f64::from(exponent);
        if longer == sum {
            break;
        }
        sum = longer;
    }
    sum
}
