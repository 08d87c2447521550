//! How well predictions fit what was observed, row by row: nothing but sums is kept, so that rows may come in parts.

use serde_json::{Value, json};

/// Rows whose probabilities miss a sum of one by more than this are scores, not probabilities.
const SUM_TOLERANCE: f64 = 1e-6;

/// How predicted classes fit the true ones.
#[derive(Debug, Clone, PartialEq)]
pub struct ClassMetrics {
    classes: usize,
    /// confusion[true · K + predicted]
    confusion: Vec<u64>,
    /// Σ −log p of the true class, while all rows were probabilities.
    log_loss: Option<f64>,
    /// The score of the second of two classes and whether it is the true one.
    scores: Vec<(f64, bool)>,
}

/// The summary of a [`ClassMetrics`].
#[derive(Debug, Clone, PartialEq)]
pub struct ClassSummary {
    /// How many rows.
    pub rows: u64,
    /// How many rows have the class that was predicted.
    pub right: u64,
    /// The mean of −log p of the true class, where probabilities were predicted; infinite where one was zero.
    pub log_loss: Option<f64>,
    /// For two classes: how often a row of the second class has the higher score than a row of the first, ties counted half
    /// (the statistic of Mann and Whitney 1947). None where all rows are of one class.
    pub area_under_curve: Option<f64>,
    /// How many rows of each true class (first axis) were predicted as each class.
    pub confusion: Vec<Vec<u64>>,
}

impl ClassMetrics {
    /// No rows yet, of so many classes.
    pub fn new(classes: usize) -> ClassMetrics {
        ClassMetrics { classes, confusion: vec![0; classes * classes], log_loss: Some(0.0), scores: Vec::new() }
    }

    /// Adds rows: the number of the true class of each, and its predictions: one for each class, or for two classes the
    /// probability of the second alone.
    pub fn add(&mut self, labels: &[usize], predictions: &[f64]) {
        let width = predictions.len() / labels.len().max(1);
        for (&label, row) in labels.iter().zip(predictions.chunks(width.max(1))) {
            let (predicted, probability) = match row {
                &[second] => (
                    usize::from(second >= 0.5),
                    is_share(second).then_some(if label == 1 { second } else { 1.0 - second }),
                ),
                row => (largest(row), are_shares(row).then(|| row.get(label).copied().unwrap_or(0.0))),
            };
            if let (Some(sum), Some(probability)) = (self.log_loss, probability) {
                self.log_loss = Some(sum - probability.ln());
            } else {
                self.log_loss = None;
            }
            if self.classes == 2 {
                let score = if let &[second] = row { second } else { row[1] - row[0] };
                self.scores.push((score, label == 1));
            }
            if let Some(count) = self.confusion.get_mut(label * self.classes + predicted) {
                *count += 1;
            }
        }
    }

    /// What the rows come to.
    pub fn summary(mut self) -> ClassSummary {
        let rows: u64 = self.confusion.iter().sum();
        let right = (0..self.classes).map(|class| self.confusion[class * (self.classes + 1)]).sum();
        ClassSummary {
            rows,
            right,
            log_loss: self.log_loss.filter(|_| rows > 0).map(|sum| sum / rows as f64),
            area_under_curve: area_under_curve(&mut self.scores),
            confusion: self.confusion.chunks(self.classes.max(1)).map(<[u64]>::to_vec).collect(),
        }
    }
}

impl ClassSummary {
    /// The share of rows that have the class that was predicted.
    pub fn accuracy(&self) -> f64 {
        self.right as f64 / self.rows as f64
    }

    /// For machines.
    pub fn to_json(&self) -> Value {
        json!({
            "rows": self.rows,
            "accuracy": self.accuracy(),
            "log_loss": self.log_loss,
            "area_under_curve": self.area_under_curve,
            "confusion": self.confusion,
        })
    }
}

/// Whether a number may be a probability.
fn is_share(number: f64) -> bool {
    (0.0..=1.0).contains(&number)
}

fn are_shares(row: &[f64]) -> bool {
    row.iter().all(|&number| is_share(number)) && (row.iter().sum::<f64>() - 1.0).abs() <= SUM_TOLERANCE
}

/// The place of the largest entry, of equals the first.
fn largest(row: &[f64]) -> usize {
    let best = row.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1).then(b.0.cmp(&a.0)));
    best.map_or(0, |(place, _)| place)
}

/// The area under the receiver operating characteristic, by the ranks of the scores: equal scores share their mean rank.
fn area_under_curve(scores: &mut [(f64, bool)]) -> Option<f64> {
    scores.sort_by(|one, other| one.0.total_cmp(&other.0));
    let positive = scores.iter().filter(|(_, positive)| *positive).count();
    let negative = scores.len() - positive;
    if positive == 0 || negative == 0 {
        return None;
    }
    let (mut ranks, mut first) = (0.0, 0);
    for group in scores.chunk_by(|one, other| one.0 == other.0) {
        let mean = first as f64 + (group.len() + 1) as f64 / 2.0;
        ranks += mean * group.iter().filter(|(_, positive)| *positive).count() as f64;
        first += group.len();
    }
    let (positive, negative) = (positive as f64, negative as f64);
    Some((ranks - positive * (positive + 1.0) / 2.0) / (positive * negative))
}

/// How predicted numbers fit the observed ones.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct NumberMetrics {
    rows: f64,
    mean: f64,
    /// Σ (observed − mean)²
    spread: f64,
    /// Σ (observed − predicted)²
    squares: f64,
    /// Σ |observed − predicted|
    absolute: f64,
}

/// The summary of a [`NumberMetrics`].
#[derive(Debug, Clone, PartialEq)]
pub struct NumberSummary {
    /// How many rows.
    pub rows: u64,
    /// 1 − Σ (observed − predicted)² ÷ Σ (observed − mean)²; none where all observed are equal.
    pub r_squared: Option<f64>,
    /// The square root of the mean squared difference.
    pub root_mean_squared_error: f64,
    /// The mean absolute difference.
    pub mean_absolute_error: f64,
}

impl NumberMetrics {
    /// Adds rows.
    pub fn add(&mut self, observed: &[f64], predicted: &[f64]) {
        for (observed, predicted) in observed.iter().zip(predicted) {
            // The recurrence of Welford 1962 keeps the digits of a spread beside a large mean.
            self.rows += 1.0;
            let apart = observed - self.mean;
            self.mean += apart / self.rows;
            self.spread += apart * (observed - self.mean);
            self.squares += (observed - predicted) * (observed - predicted);
            self.absolute += (observed - predicted).abs();
        }
    }

    /// What the rows come to.
    pub fn summary(&self) -> NumberSummary {
        NumberSummary {
            rows: self.rows as u64,
            r_squared: (self.spread > 0.0).then(|| 1.0 - self.squares / self.spread),
            root_mean_squared_error: (self.squares / self.rows).sqrt(),
            mean_absolute_error: self.absolute / self.rows,
        }
    }
}

impl NumberSummary {
    /// For machines.
    pub fn to_json(&self) -> Value {
        json!({
            "rows": self.rows,
            "r_squared": self.r_squared,
            "root_mean_squared_error": self.root_mean_squared_error,
            "mean_absolute_error": self.mean_absolute_error,
        })
    }
}
