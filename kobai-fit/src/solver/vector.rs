//! Arithmetic of vectors.

/// Sums of a scalar product that go side by side: one alone would wait for itself.
const SUMS: usize = 8;

/// The scalar product.
pub(super) fn dot(left: &[f64], right: &[f64]) -> f64 {
    let ((left, left_rest), (right, right_rest)) = (left.as_chunks::<SUMS>(), right.as_chunks::<SUMS>());
    let mut sums = [0.0; SUMS];
    for (left, right) in left.iter().zip(right) {
        for lane in 0..SUMS {
            sums[lane] += left[lane] * right[lane];
        }
    }
    let rest: f64 = left_rest.iter().zip(right_rest).map(|(left, right)| left * right).sum();
    sums.iter().sum::<f64>() + rest
}

/// target ← target + multiple · vector.
pub(super) fn add_multiple(target: &mut [f64], multiple: f64, vector: &[f64]) {
    for (target, element) in target.iter_mut().zip(vector) {
        *target += multiple * element;
    }
}

/// to − from
pub(super) fn difference(to: &[f64], from: &[f64]) -> Vec<f64> {
    to.iter().zip(from).map(|(to, from)| to - from).collect()
}

/// The largest absolute element, 0 for none; the elements are finite.
pub(super) fn maximum(vector: &[f64]) -> f64 {
    vector.iter().fold(0.0, |largest, element| largest.max(element.abs()))
}

/// The 2-norm, scaled so that the squares neither overflow nor vanish.
pub(super) fn norm(vector: &[f64]) -> f64 {
    let largest = maximum(vector);
    if largest == 0.0 {
        return 0.0;
    }
    largest * vector.iter().map(|element| (element / largest) * (element / largest)).sum::<f64>().sqrt()
}
