//! How well scores tell two classes apart, whatever the threshold.

/// The area under the receiver operating characteristic of scores for two classes. It keeps each score, 16 bytes a row.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct AreaUnderCurve {
    /// The score of each row, and whether the row is of the positive class.
    scores: Vec<(f64, bool)>,
}

impl AreaUnderCurve {
    /// Adds a row: its score and whether it is of the positive class, the one that should have the higher scores.
    pub fn push(&mut self, score: f64, is_positive: bool) {
        self.scores.push((score, is_positive));
    }

    /// Adds the rows of another.
    pub fn merge(&mut self, other: AreaUnderCurve) {
        self.scores.extend(other.scores);
    }

    /// The share of pairs of a positive and a negative row in which the positive one has the higher score, ties counted
    /// half (Mann and Whitney 1947), counted in whole numbers. None where all rows are of one class or a score is not a
    /// number.
    pub fn value(mut self) -> Option<f64> {
        if self.scores.iter().any(|(score, _)| score.is_nan()) {
            return None;
        }
        self.scores.sort_unstable_by(|one, other| one.0.total_cmp(&other.0));
        let (mut positive, mut negative, mut twice_won) = (0u128, 0u128, 0u128);
        for tied in self.scores.chunk_by(|one, other| one.0 == other.0) {
            let positive_tied = tied.iter().filter(|(_, is_positive)| *is_positive).count() as u128;
            let negative_tied = tied.len() as u128 - positive_tied;
            twice_won += positive_tied * (2 * negative + negative_tied);
            positive += positive_tied;
            negative += negative_tied;
        }
        let pairs = positive * negative;
        (pairs > 0).then(|| twice_won as f64 / (2 * pairs) as f64)
    }
}
