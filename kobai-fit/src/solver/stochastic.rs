//! Methods that take a step after each batch: AdamW, and gradient descent with momentum. An iteration is an epoch.

use super::constrained::{penalty, proximal};
use super::state::State;
use super::vector::norm;
use super::{Around, Iterate, Moved, Objective, Point, Stop};
use crate::random::SplitMix64;

/// AdamW's decay of the mean of gradients and of the mean of their squares, and what keeps its division from zero.
const BETAS: (f64, f64) = (0.9, 0.999);
const EPSILON: f64 = 1e-8;

/// What a step after a batch does.
trait Step {
    /// Moves the parameters by a gradient, with this learning rate, and within the constraints; `number` counts all steps
    /// from 1. The proximal step has the size that the gradient is multiplied by (Yun, Lozano and Yang, "Adaptive proximal
    /// gradient methods for structured neural networks", 2021), or else it would lead to another minimum.
    fn step(&mut self, parameters: &mut [f64], gradient: &[f64], rate: f64, number: usize, around: &Around);

    /// What it remembers, by name.
    fn memory(&mut self) -> Vec<(&'static str, &mut Vec<f64>)>;
}

/// Adam with decoupled weight decay: Loshchilov and Hutter 2019, algorithm 2.
#[derive(Clone)]
pub(super) struct AdamW {
    mean: Vec<f64>,
    square: Vec<f64>,
}

impl AdamW {
    pub fn new(parameters: usize) -> AdamW {
        AdamW { mean: vec![0.0; parameters], square: vec![0.0; parameters] }
    }
}

impl Step for AdamW {
    fn step(&mut self, parameters: &mut [f64], gradient: &[f64], rate: f64, number: usize, around: &Around) {
        let power = i32::try_from(number).unwrap_or(i32::MAX);
        let (mean_part, square_part) = (1.0 - BETAS.0.powi(power), 1.0 - BETAS.1.powi(power));
        let decay = rate * around.settings.weight_decay;
        let memory = self.mean.iter_mut().zip(&mut self.square);
        for (place, ((parameter, derivative), (mean, square))) in
            parameters.iter_mut().zip(gradient).zip(memory).enumerate()
        {
            *mean = BETAS.0 * *mean + (1.0 - BETAS.0) * derivative;
            *square = BETAS.1 * *square + (1.0 - BETAS.1) * derivative * derivative;
            let step = rate / ((*square / square_part).sqrt() + EPSILON);
            let moved = *parameter - (step * (*mean / mean_part) + decay * *parameter);
            *parameter = proximal(place, moved, step, around.constraints);
        }
    }

    fn memory(&mut self) -> Vec<(&'static str, &mut Vec<f64>)> {
        vec![("mean of gradients", &mut self.mean), ("mean of squares", &mut self.square)]
    }
}

/// Gradient descent with Nesterov's momentum, in the form of Sutskever et al. 2013.
#[derive(Clone)]
pub(super) struct Momentum {
    velocity: Vec<f64>,
}

impl Momentum {
    pub fn new(parameters: usize) -> Momentum {
        Momentum { velocity: vec![0.0; parameters] }
    }
}

impl Step for Momentum {
    fn step(&mut self, parameters: &mut [f64], gradient: &[f64], rate: f64, _: usize, around: &Around) {
        let momentum = around.settings.momentum;
        // A gradient that stays has later echoes through the momentum; so has the absolute value.
        let step = rate / (1.0 - momentum);
        for (place, ((parameter, derivative), velocity)) in
            parameters.iter_mut().zip(gradient).zip(&mut self.velocity).enumerate()
        {
            *velocity = momentum * *velocity + derivative;
            let moved = *parameter - rate * (derivative + momentum * *velocity);
            *parameter = proximal(place, moved, step, around.constraints);
        }
    }

    fn memory(&mut self) -> Vec<(&'static str, &mut Vec<f64>)> {
        vec![("velocity", &mut self.velocity)]
    }
}

impl<O: Objective, S: Step + Clone> Iterate<O> for S {
    /// An epoch: every batch once, in an order that the seed and the number of the epoch decide.
    fn iterate(
        &mut self,
        objective: &mut O,
        point: &mut Point,
        around: &mut Around,
    ) -> Result<Option<Moved>, Stop<O::Error>> {
        let (batches, epoch) = (objective.batches().max(1), around.last.iteration);
        let mut order: Vec<usize> = (0..batches).collect();
        SplitMix64::new(around.settings.seed ^ (epoch as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15))
            .shuffle(&mut order);
        let steps = around.settings.iteration_limit * batches;
        // The point and the memory stay what they were if the epoch is broken off.
        let (mut own, mut parameters) = (self.clone(), point.parameters.clone());
        let mut gradient = vec![0.0; parameters.len()];
        let (mut value, mut mean) = (0.0, vec![0.0; parameters.len()]);
        let mut rate = 0.0;
        for (place, &batch) in order.iter().enumerate() {
            around.check()?;
            around.evaluations += 1;
            let own_value =
                objective.evaluate_batch(batch, &parameters, &mut gradient).map_err(|error| around.failed(error))?
                    + penalty(&parameters, around.constraints);
            if !own_value.is_finite() || gradient.iter().any(|element| !element.is_finite()) {
                return Err(Stop::NotFinite { batch });
            }
            value += own_value / batches as f64;
            mean.iter_mut().zip(&gradient).for_each(|(mean, element)| *mean += element / batches as f64);
            let number = epoch * batches + place;
            rate = around.settings.learning_rate * around.settings.schedule.part(number, steps);
            own.step(&mut parameters, &gradient, rate, number + 1, around);
        }
        if parameters.iter().any(|parameter| !parameter.is_finite()) {
            return Err(Stop::NotFinite { batch: order[batches - 1] });
        }
        *self = own;
        point.parameters = parameters;
        point.gradient = mean;
        Ok(Some(Moved { value, gradient_norm: norm(&point.gradient), step: rate }))
    }

    fn store(&self, state: &mut State) {
        for (name, vector) in self.clone().memory() {
            state.set_vector(name, vector.clone());
        }
    }

    fn restore(&mut self, state: &State, parameters: usize) -> Option<()> {
        for (name, vector) in self.memory() {
            *vector = state.vector(name).filter(|stored| stored.len() == parameters)?.to_vec();
        }
        Some(())
    }
}
