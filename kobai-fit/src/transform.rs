//! Parameters that are not free: the free numbers that stand for them while a solver looks for the optimum.
//!
//! A parameter above a is a + eᵘ, one below b is b − eᵘ, one between a and b is a + (b − a) σ(u), and numbers that are not
//! negative and sum to one are a softmax of u. The solver sees u, whose every value is allowed, and the gradient by u, which
//! follows by the chain rule. Boundaries that belong to the domain are for a solver with bounds: no u reaches them.

/// How free numbers stand for a parameter's entries.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Transform {
    /// They are the entries.
    Identity,
    /// a + eᵘ
    Above(f64),
    /// b − eᵘ
    Below(f64),
    /// a + (b − a) σ(u)
    Between(f64, f64),
    /// eᵘ / Σ eᵘ over an axis of this size, whose neighbours lie `stride` entries apart.
    Simplex {
        /// The size of the axis.
        size: usize,
        /// The number of entries from one place of the axis to the next.
        stride: usize,
    },
}

impl Transform {
    /// The entries that free numbers stand for.
    pub fn apply(&self, free: &[f64], entries: &mut [f64]) {
        match *self {
            Transform::Identity => entries.copy_from_slice(free),
            Transform::Above(low) => each(free, entries, |u| low + u.exp()),
            Transform::Below(high) => each(free, entries, |u| high - u.exp()),
            Transform::Between(low, high) => each(free, entries, |u| low + (high - low) * logistic(u)),
            Transform::Simplex { size, stride } => {
                for rows in places(free.len(), size, stride) {
                    let largest = rows.iter().fold(f64::NEG_INFINITY, |largest, &place| largest.max(free[place]));
                    let total: f64 = rows.iter().map(|&place| (free[place] - largest).exp()).sum();
                    rows.iter().for_each(|&place| entries[place] = (free[place] - largest).exp() / total);
                }
            }
        }
    }

    /// The gradient by the free numbers, from that by the entries, in its place.
    pub fn pull_back(&self, free: &[f64], entries: &[f64], gradient: &mut [f64]) {
        match *self {
            Transform::Identity => {}
            Transform::Above(_) => each_gradient(gradient, free, |u| u.exp()),
            Transform::Below(_) => each_gradient(gradient, free, |u| -u.exp()),
            Transform::Between(low, high) => {
                each_gradient(gradient, free, |u| (high - low) * logistic(u) * logistic(-u));
            }
            Transform::Simplex { size, stride } => {
                for rows in places(free.len(), size, stride) {
                    let mean: f64 = rows.iter().map(|&place| entries[place] * gradient[place]).sum();
                    rows.iter().for_each(|&place| gradient[place] = entries[place] * (gradient[place] - mean));
                }
            }
        }
    }

    /// Free numbers that stand for these entries, which are inside of the domain; NaN or infinite for others.
    pub fn invert(&self, entries: &[f64], free: &mut [f64]) {
        match *self {
            Transform::Identity => free.copy_from_slice(entries),
            Transform::Above(low) => each(entries, free, |x| (x - low).ln()),
            Transform::Below(high) => each(entries, free, |x| (high - x).ln()),
            Transform::Between(low, high) => each(entries, free, |x| (x - low).ln() - (high - x).ln()),
            Transform::Simplex { .. } => each(entries, free, f64::ln),
        }
    }

    /// What it is, in words, with the name of the free numbers; none for the identity.
    pub fn words(&self, name: &str) -> Option<String> {
        let beside = |number: f64| match number {
            0.0 => String::new(),
            number => format!("{number} + "),
        };
        match *self {
            Transform::Identity => None,
            Transform::Above(low) => Some(format!("{name} = {}exp(u)", beside(low))),
            Transform::Below(high) => Some(format!("{name} = {high} − exp(u)")),
            Transform::Between(low, high) if high - low == 1.0 => Some(format!("{name} = {}σ(u)", beside(low))),
            Transform::Between(low, high) => Some(format!("{name} = {}{} σ(u)", beside(low), high - low)),
            Transform::Simplex { .. } => Some(format!("{name} = softmax(u)")),
        }
    }
}

fn each(from: &[f64], to: &mut [f64], function: impl Fn(f64) -> f64) {
    to.iter_mut().zip(from).for_each(|(to, from)| *to = function(*from));
}

fn each_gradient(gradient: &mut [f64], free: &[f64], slope: impl Fn(f64) -> f64) {
    gradient.iter_mut().zip(free).for_each(|(gradient, free)| *gradient *= slope(*free));
}

fn logistic(u: f64) -> f64 {
    1.0 / (1.0 + (-u).exp())
}

/// The places along an axis, for every place of the other axes.
fn places(entries: usize, size: usize, stride: usize) -> impl Iterator<Item = Vec<usize>> {
    let block = (size * stride).max(1);
    let start = move |line: usize| line / stride.max(1) * block + line % stride.max(1);
    let lines = entries.checked_div(size).unwrap_or(0);
    (0..lines).map(move |line| (0..size).map(|place| start(line) + place * stride).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Transform; 6] = [
        Transform::Identity,
        Transform::Above(-0.5),
        Transform::Below(2.0),
        Transform::Between(-1.0, 3.0),
        Transform::Simplex { size: 3, stride: 2 },
        Transform::Simplex { size: 6, stride: 1 },
    ];
    const FREE: [f64; 6] = [0.3, -1.2, 0.7, 2.0, -0.4, 0.1];

    #[test]
    fn the_gradient_is_the_slope_of_the_entries() {
        let weights = [1.5, -0.3, 0.2, 0.9, -1.1, 0.4];
        let value = |transform: Transform, free: &[f64]| {
            let mut entries = [0.0; 6];
            transform.apply(free, &mut entries);
            entries.iter().zip(weights).map(|(entry, weight)| entry * weight).sum::<f64>()
        };
        for transform in ALL {
            let (mut entries, mut gradient) = ([0.0; 6], weights);
            transform.apply(&FREE, &mut entries);
            transform.pull_back(&FREE, &entries, &mut gradient);
            for place in 0..6 {
                let moved = |by: f64| {
                    let mut free = FREE;
                    free[place] += by;
                    value(transform, &free)
                };
                // Richardson's extrapolation of central differences: the error is of the fourth order in the step.
                let slope = |step: f64| (moved(step) - moved(-step)) / (2.0 * step);
                let expected = (4.0 * slope(5e-4) - slope(1e-3)) / 3.0;
                assert!((gradient[place] - expected).abs() < 1e-11, "{transform:?} at {place}");
            }
        }
    }

    #[test]
    fn what_stands_for_entries_gives_them_back() {
        for transform in ALL {
            let (mut entries, mut free, mut again) = ([0.0; 6], [0.0; 6], [0.0; 6]);
            transform.apply(&FREE, &mut entries);
            transform.invert(&entries, &mut free);
            transform.apply(&free, &mut again);
            for (entry, again) in entries.iter().zip(again) {
                assert!((entry - again).abs() <= 1e-15 * entry.abs().max(1.0), "{transform:?}");
            }
        }
    }

    #[test]
    fn shares_sum_to_one_along_their_axis() {
        let mut entries = [0.0; 6];
        Transform::Simplex { size: 3, stride: 2 }.apply(&FREE, &mut entries);
        for column in 0..2 {
            let sum: f64 = entries.iter().skip(column).step_by(2).sum();
            assert!((sum - 1.0).abs() < 1e-15, "{sum}");
        }
    }
}
