//! What is known of the curvature before the first step, for L-BFGS to begin its approximation with.
//!
//! A quasi-Newton method learns the curvature along its steps. Where features differ much in size, or go together, it has much
//! to learn; what the products of the features say of the curvature spares it that (Nocedal and Wright, *Numerical
//! Optimization*, 2nd edition, section 7.2, on the choice of H₀).

use super::vector::{add_multiple, dot};
use kobai_cpu::vector::{Work, dispatch};

/// What the Hessian of a function is like: in each block about c·M + P, the same for every column, where c is not known.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Metric {
    /// The blocks, which have no parameter in common and all of them together.
    pub blocks: Vec<Block>,
}

/// Parameters that are weights of the same features: a matrix of features and columns.
#[derive(Debug, Clone, PartialEq)]
pub struct Block {
    /// M: the products of each two features, summed over data; features × features, row-major.
    pub moments: Vec<f64>,
    /// The diagonal of P, what penalties add; one for each feature.
    pub penalties: Vec<f64>,
    /// Which parameter is the weight: features × columns, row-major.
    pub places: Vec<usize>,
}

/// What M's diagonal is raised by, in parts of it, so that features which are sums of others leave it positive definite.
const RIDGE: f64 = 1e-6;

/// How far c may move before the matrix is factorised anew.
const FACTOR: f64 = 4.0;

impl Block {
    /// A block with room for its moments made positive definite. A feature without moments, which no row has shown, gets the
    /// mean of the others.
    pub fn new(mut moments: Vec<f64>, penalties: Vec<f64>, places: Vec<usize>) -> Block {
        let features = penalties.len();
        let trace: f64 = (0..features).map(|feature| moments[feature * (features + 1)]).sum();
        let mean = trace / features.max(1) as f64;
        for feature in 0..features {
            let own = &mut moments[feature * (features + 1)];
            *own = if *own > 0.0 { *own * (1.0 + RIDGE) } else { mean };
        }
        Block { moments, penalties, places }
    }

    fn features(&self) -> usize {
        self.penalties.len()
    }

    /// The block's part of a vector: column by column.
    fn gather(&self, vector: &[f64]) -> Vec<f64> {
        self.places_by_column().map(|place| vector[place]).collect()
    }

    fn places_by_column(&self) -> impl Iterator<Item = usize> {
        let columns = self.places.len() / self.features().max(1);
        (0..columns).flat_map(move |column| self.places.chunks(columns).map(move |feature| feature[column]))
    }

    /// c so that c·M + P has the curvature seen along a step: sᵀ(y − P s) / sᵀM s.
    fn scale(&self, step: &[f64], difference: &[f64]) -> f64 {
        let (step, difference) = (self.gather(step), self.gather(difference));
        // Without features there is nothing to go through.
        let features = self.features().max(1);
        let (mut known, mut open) = (0.0, 0.0);
        for (step, difference) in step.chunks(features).zip(difference.chunks(features)) {
            let rows = self.moments.chunks(features).zip(step);
            known += rows.map(|(moments, element)| element * dot(moments, step)).sum::<f64>();
            let penalised = step.iter().zip(&self.penalties).map(|(element, penalty)| element * element * penalty);
            open += dot(step, difference) - penalised.sum::<f64>();
        }
        open / known
    }

    /// L with L Lᵀ = c·M + P (Golub and Van Loan, *Matrix Computations*, 4th edition, section 4.2); none where rounding has left
    /// that indefinite.
    fn factorised(&self, scale: f64) -> Option<Factor> {
        let features = self.features();
        let mut factor = vec![0.0; features * features];
        for row in 0..features {
            let (above, own) = factor.split_at_mut(row * features);
            for column in 0..=row {
                let moment = scale * self.moments[row * features + column];
                if column == row {
                    let pivot = moment + self.penalties[row] - dot(&own[..row], &own[..row]);
                    own[row] = Some(pivot.sqrt()).filter(|pivot| pivot.is_normal())?;
                } else {
                    let other = &above[column * features..];
                    own[column] = (moment - dot(&own[..column], &other[..column])) / other[column];
                }
            }
        }
        Some(Factor::new(factor, features))
    }
}

/// A lower triangle, and the upper one that it becomes when turned: both are gone through row by row.
#[derive(Debug, Default, PartialEq)]
struct Factor {
    lower: Vec<f64>,
    upper: Vec<f64>,
    features: usize,
}

impl Factor {
    fn new(lower: Vec<f64>, features: usize) -> Factor {
        let mut upper = vec![0.0; lower.len()];
        for (at, &entry) in lower.iter().enumerate() {
            upper[at % features * features + at / features] = entry;
        }
        Factor { lower, upper, features }
    }
}

/// Each column ← (L Lᵀ)⁻¹ column
struct Solve<'a> {
    factor: &'a Factor,
    columns: &'a mut [f64],
}

impl Work for Solve<'_> {
    type Output = ();

    #[inline(always)]
    fn run<const FMA: bool>(self) {
        let features = self.factor.features.max(1);
        // Row by row for all columns, which wait for one another less than for themselves.
        for (row, entries) in self.factor.upper.chunks_exact(features).enumerate() {
            for column in self.columns.chunks_exact_mut(features) {
                let (own, after) = column[row..].split_at_mut(1);
                own[0] /= entries[row];
                add_multiple(after, -own[0], &entries[row + 1..]);
            }
        }
        for (row, entries) in self.factor.lower.chunks_exact(features).enumerate().rev() {
            for column in self.columns.chunks_exact_mut(features) {
                let (before, own) = column.split_at_mut(row);
                own[0] /= entries[row];
                add_multiple(before, -own[0], &entries[..row]);
            }
        }
    }
}

/// A metric with what is known of c.
pub(super) struct Preconditioner {
    metric: Metric,
    /// c of each block, and the factor of c·M + P; 0 and nothing before the first step.
    known: Vec<(f64, Factor)>,
}

impl Preconditioner {
    /// Knows nothing of c.
    pub fn new(metric: Metric) -> Preconditioner {
        let known = metric.blocks.iter().map(|_| Default::default()).collect();
        Preconditioner { metric, known }
    }

    /// Learns from a step and the difference of gradients along it.
    pub fn learn(&mut self, step: &[f64], difference: &[f64]) {
        for (block, known) in self.metric.blocks.iter().zip(&mut self.known) {
            // Without a penalty a factor is as good as another, since the length of steps is found apart.
            if known.0 > 0.0 && block.penalties.iter().all(|&penalty| penalty == 0.0) {
                continue;
            }
            let scale = block.scale(step, difference);
            if !scale.is_normal() || scale < 0.0 || (FACTOR.recip()..FACTOR).contains(&(scale / known.0)) {
                continue;
            }
            if let Some(factor) = block.factorised(scale) {
                *known = (scale, factor);
            }
        }
    }

    /// Whether all blocks are known.
    pub fn is_ready(&self) -> bool {
        self.known.iter().all(|(scale, _)| *scale > 0.0)
    }

    /// vector ← (c·M + P)⁻¹ vector
    pub fn solve(&self, vector: &mut [f64]) {
        for (block, (_, factor)) in self.metric.blocks.iter().zip(&self.known) {
            let mut columns = block.gather(vector);
            dispatch(Solve { factor, columns: &mut columns });
            block.places_by_column().zip(columns).for_each(|(place, element)| vector[place] = element);
        }
    }

    /// c of each block.
    pub fn scales(&self) -> Vec<f64> {
        self.known.iter().map(|(scale, _)| *scale).collect()
    }

    /// Takes c back, and factorises with it as it did before.
    pub fn restore(&mut self, scales: &[f64]) -> Option<()> {
        if scales.len() != self.known.len() {
            return None;
        }
        for ((block, known), &scale) in self.metric.blocks.iter().zip(&mut self.known).zip(scales) {
            *known = if scale > 0.0 { (scale, block.factorised(scale)?) } else { Default::default() };
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three features of very different size, two of which go together, for two columns that lie one after the other.
    fn block() -> Block {
        let moments = vec![4.0e4, 150.0, 0.0, 150.0, 1.0, 0.25, 0.0, 0.25, 0.5];
        Block::new(moments, vec![0.0, 0.5, 2.0], vec![0, 3, 1, 4, 2, 5])
    }

    /// (c·M + P) times a vector.
    fn product(block: &Block, scale: f64, vector: &[f64]) -> Vec<f64> {
        let mut product = vec![0.0; vector.len()];
        for column in 0..2 {
            for row in 0..3 {
                let place = |feature: usize| block.places[2 * feature + column];
                product[place(row)] = block.penalties[row] * vector[place(row)]
                    + (0..3).map(|other| scale * block.moments[3 * row + other] * vector[place(other)]).sum::<f64>();
            }
        }
        product
    }

    #[test]
    fn a_step_tells_the_scale_and_solving_undoes_the_curvature() {
        let metric = Metric { blocks: vec![block()] };
        let mut preconditioner = Preconditioner::new(metric.clone());
        assert!(!preconditioner.is_ready());
        let step = [0.3, -1.0, 2.0, 0.1, 0.5, -0.7];
        let difference = product(&metric.blocks[0], 0.125, &step);
        preconditioner.learn(&step, &difference);
        assert!((preconditioner.scales()[0] / 0.125 - 1.0).abs() < 1e-14, "{:?}", preconditioner.scales());
        let mut solved = difference;
        preconditioner.solve(&mut solved);
        for (solved, step) in solved.iter().zip(step) {
            // The condition of the matrix is 10⁵.
            assert!((solved - step).abs() < 1e-10, "{solved} {step}");
        }
        let mut again = Preconditioner::new(metric);
        assert_eq!(again.restore(&preconditioner.scales()), Some(()));
        assert_eq!(again.known, preconditioner.known);
    }

    #[test]
    fn negative_curvature_is_not_learnt_and_a_missing_feature_is_as_large_as_others() {
        let mut preconditioner = Preconditioner::new(Metric { blocks: vec![block()] });
        let step = [1.0; 6];
        preconditioner.learn(&step, &step.map(|element| -element));
        assert!(!preconditioner.is_ready());
        let block = Block::new(vec![3.0, 0.0, 0.0, 0.0], vec![0.0; 2], vec![0, 1]);
        assert_eq!(block.moments[3], 1.5);
    }
}
