//! What L-BFGS remembers of the curvature: pairs of a step and the difference of gradients along it.

use std::collections::VecDeque;

use super::metric::{Metric, Preconditioner};
use super::state::State;
use super::vector::{add_multiple, difference, dot, norm};

/// As many pairs as L-BFGS is known by, and the most.
const USUAL: usize = 10;
const MOST: usize = 100;
/// Operations that a pair costs for a parameter, two scalar products and two multiples: from a cache, and from memory, where
/// reading four numbers takes as long as so many operations of an evaluation.
const COSTS: [f64; 2] = [8.0, 64.0];
/// Bytes that a second-level cache holds, and that more than the usual pairs may take at most.
const CACHE: usize = 1 << 20;
const BYTES: usize = 1 << 26;

/// How many pairs are worth remembering: the more, the fewer the evaluations, as long as a direction takes at most a quarter
/// of the time of one.
pub(super) fn worthwhile(operations: f64, parameters: usize) -> usize {
    let parameters = parameters.max(1);
    // A number too large, or none, becomes one of those between which it has to be.
    let [in_cache, in_memory] = COSTS.map(|cost| (operations / (4.0 * cost * parameters as f64)) as usize);
    let within = |bytes: usize| bytes / (2 * size_of::<f64>() * parameters);
    in_cache.min(within(CACHE)).max(in_memory.min(within(BYTES))).clamp(USUAL, MOST)
}

/// The pairs, the latest last, and what was known before them.
pub(super) struct Pairs {
    pairs: VecDeque<Pair>,
    most: usize,
    preconditioner: Option<Preconditioner>,
}

struct Pair {
    step: Vec<f64>,
    difference: Vec<f64>,
    /// The scalar product of the two, positive.
    curvature: f64,
}

impl Pairs {
    /// Room for so many, and what is known of the curvature without them.
    pub fn new(most: usize, metric: Option<Metric>) -> Pairs {
        Pairs { pairs: VecDeque::new(), most, preconditioner: metric.map(Preconditioner::new) }
    }

    pub fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }

    pub fn clear(&mut self) {
        self.pairs.clear();
    }

    /// The direction −H·gradient, where H is the inverse curvature that the pairs stand for (Nocedal and Wright, algorithm
    /// 7.4).
    pub fn direction(&self, gradient: &[f64]) -> Vec<f64> {
        let mut direction: Vec<f64> = gradient.iter().map(|derivative| -derivative).collect();
        let mut weights = Vec::with_capacity(self.pairs.len());
        for pair in self.pairs.iter().rev() {
            let weight = dot(&pair.step, &direction) / pair.curvature;
            add_multiple(&mut direction, -weight, &pair.difference);
            weights.push(weight);
        }
        if let Some(latest) = self.pairs.back() {
            self.begin(&mut direction, latest);
        }
        for (pair, weight) in self.pairs.iter().zip(weights.into_iter().rev()) {
            let back = dot(&pair.difference, &direction) / pair.curvature;
            add_multiple(&mut direction, weight - back, &pair.step);
        }
        direction
    }

    /// Multiplies by the inverse curvature that the pairs correct: that of the metric, or 1, in the scale of the latest pair.
    fn begin(&self, direction: &mut [f64], latest: &Pair) {
        let mut difference = latest.difference.clone();
        if let Some(preconditioner) = self.preconditioner.as_ref().filter(|known| known.is_ready()) {
            preconditioner.solve(direction);
            preconditioner.solve(&mut difference);
        }
        let scale = latest.curvature / dot(&latest.difference, &difference);
        direction.iter_mut().for_each(|element| *element *= scale);
    }

    /// The direction in the subspace of the parameters that are free: the pairs are taken as they look there, those that
    /// show no positive curvature in it left out.
    pub fn direction_within(&self, gradient: &[f64], free: &[bool]) -> Vec<f64> {
        let within = |vector: &[f64]| -> Vec<f64> {
            vector.iter().zip(free).map(|(&element, &free)| if free { element } else { 0.0 }).collect()
        };
        let mut own = Pairs::new(self.most, None);
        for pair in &self.pairs {
            own.push(within(&pair.step), within(&pair.difference));
        }
        own.direction(&within(gradient))
    }

    /// Adds the pair of a step and what it changed, if it shows positive curvature beyond rounding.
    pub fn remember(&mut self, (to, from): (&[f64], &[f64]), (gradient, before): (&[f64], &[f64])) {
        self.push(difference(to, from), difference(gradient, before));
    }

    fn push(&mut self, step: Vec<f64>, difference: Vec<f64>) {
        let curvature = dot(&step, &difference);
        let positive = curvature > f64::EPSILON * norm(&step) * norm(&difference) && curvature.is_normal();
        if positive && self.most > 0 {
            if let Some(preconditioner) = &mut self.preconditioner {
                preconditioner.learn(&step, &difference);
            }
            if self.pairs.len() == self.most {
                self.pairs.pop_front();
            }
            self.pairs.push_back(Pair { step, difference, curvature });
        }
    }

    pub fn store(&self, state: &mut State) {
        for (number, pair) in self.pairs.iter().enumerate() {
            state.set_vector(&format!("step {number}"), pair.step.clone());
            state.set_vector(&format!("difference {number}"), pair.difference.clone());
        }
        if let Some(preconditioner) = &self.preconditioner {
            state.set_vector("scales", preconditioner.scales());
        }
    }

    /// Takes the pairs of a state; none where they are of other vectors.
    pub fn restore(&mut self, state: &State, parameters: usize) -> Option<()> {
        self.pairs.clear();
        for number in 0.. {
            let (step, difference) =
                (state.vector(&format!("step {number}")), state.vector(&format!("difference {number}")));
            let (Some(step), Some(difference)) = (step, difference) else { break };
            if step.len() != parameters || difference.len() != parameters {
                return None;
            }
            let curvature = dot(step, difference);
            self.pairs.push_back(Pair { step: step.to_vec(), difference: difference.to_vec(), curvature });
        }
        match (&mut self.preconditioner, state.vector("scales")) {
            (Some(preconditioner), Some(scales)) => preconditioner.restore(scales),
            _ => Some(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{MOST, USUAL, worthwhile};

    /// As many as there is time and memory for: a loss that is cheap, or has very many parameters, gets the usual ones.
    #[test]
    fn pairs_are_as_many_as_are_worth_their_time() {
        assert_eq!(worthwhile(0.0, 0), USUAL);
        assert_eq!(worthwhile(0.0, 1000), USUAL);
        assert_eq!(worthwhile(f64::INFINITY, 31), MOST);
        assert_eq!(worthwhile(f64::INFINITY, 10_000_000), USUAL);
        // 1797 rows of 64 pixels and ten classes; the same with a hidden layer, where a cache holds no hundred pairs.
        assert_eq!(worthwhile(5e6, 650), MOST);
        assert!((USUAL + 1..MOST).contains(&worthwhile(2e7, 2410)));
    }
}
