//! Arithmetic of vectors.

pub(super) use kobai_cpu::vector::dot;

/// target ← target + multiple · vector.
#[inline(always)]
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
