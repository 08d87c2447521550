//! Functions to minimise, whose minima are known or found by another way.

use std::convert::Infallible;

use kobai_fit::random::SplitMix64;
use kobai_fit::solver::Objective;

/// Rows of a table and targets, the loss a mean over rows; batches are rows in turn.
#[derive(Clone)]
pub struct Rows {
    pub x: Vec<Vec<f64>>,
    pub t: Vec<f64>,
    pub batches: usize,
    /// Whether the loss is log(1 + e^{−t z}) with t = ±1, or else ½ (z − t)².
    pub logistic: bool,
    /// ½ `penalty` |w|².
    pub penalty: f64,
}

/// Numbers from −1 to 1.
pub fn numbers(seed: u64, count: usize) -> Vec<f64> {
    let mut random = SplitMix64::new(seed);
    (0..count).map(|_| (random.next_bits() >> 11) as f64 / (1u64 << 52) as f64 - 1.0).collect()
}

impl Rows {
    /// Rows whose columns are correlated, and targets that `weights` explain but for a part of `noise`.
    pub fn new(rows: usize, weights: &[f64], noise: f64) -> Rows {
        let columns = weights.len();
        let mut x: Vec<Vec<f64>> = numbers(1, rows * columns).chunks(columns).map(<[f64]>::to_vec).collect();
        for row in &mut x {
            for j in 1..columns {
                row[j] = 0.6 * row[j - 1] + 0.8 * row[j];
            }
        }
        let errors = numbers(2, rows);
        let t = x.iter().zip(errors).map(|(x, error)| z(x, weights) + noise * error).collect();
        Rows { x, t, batches: 1, logistic: false, penalty: 0.0 }
    }

    /// The signs of the targets for targets.
    pub fn logistic(mut self, penalty: f64) -> Rows {
        self.t.iter_mut().for_each(|t| *t = t.signum());
        (self.logistic, self.penalty) = (true, penalty);
        self
    }

    fn over(&self, rows: impl Iterator<Item = usize>, w: &[f64], gradient: &mut [f64]) -> f64 {
        gradient.fill(0.0);
        let (mut sum, mut count) = (0.0, 0.0);
        for row in rows {
            let (x, t) = (&self.x[row], self.t[row]);
            let z = z(x, w);
            let (value, slope) = if self.logistic {
                let margin = t * z;
                ((-margin.abs()).exp().ln_1p() + (-margin).max(0.0), -t / (1.0 + margin.exp()))
            } else {
                (0.5 * (z - t) * (z - t), z - t)
            };
            sum += value;
            count += 1.0;
            gradient.iter_mut().zip(x).for_each(|(g, x)| *g += slope * x);
        }
        gradient.iter_mut().zip(w).for_each(|(g, w)| *g = *g / count + self.penalty * w);
        sum / count + 0.5 * self.penalty * w.iter().map(|w| w * w).sum::<f64>()
    }
}

/// x · w.
pub fn z(x: &[f64], w: &[f64]) -> f64 {
    x.iter().zip(w).map(|(x, w)| x * w).sum()
}

impl Objective for Rows {
    type Error = Infallible;

    fn evaluate(&mut self, w: &[f64], gradient: &mut [f64]) -> Result<f64, Infallible> {
        Ok(self.over(0..self.x.len(), w, gradient))
    }

    fn hessian_product(&mut self, w: &[f64], v: &[f64], product: &mut [f64]) -> Result<(), Infallible> {
        product.fill(0.0);
        for x in &self.x {
            let curvature = if self.logistic { 0.25 / (0.5 * z(x, w)).cosh().powi(2) } else { 1.0 };
            let along = curvature * z(x, v) / self.x.len() as f64;
            product.iter_mut().zip(x).for_each(|(product, x)| *product += along * x);
        }
        product.iter_mut().zip(v).for_each(|(product, v)| *product += self.penalty * v);
        Ok(())
    }

    fn batches(&self) -> usize {
        self.batches
    }

    fn evaluate_batch(&mut self, batch: usize, w: &[f64], gradient: &mut [f64]) -> Result<f64, Infallible> {
        Ok(self.over((batch..self.x.len()).step_by(self.batches), w, gradient))
    }
}
