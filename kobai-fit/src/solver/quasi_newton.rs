//! What quasi-Newton methods have in common: what they remember, and a second try by the gradient alone.

use std::marker::PhantomData;

use super::metric::Metric;
use super::pairs::Pairs;
use super::state::State;
use super::vector::{maximum, norm};
use super::{Around, Constraints, Iterate, Moved, Objective, Point, Stop};

/// What is remembered between two iterations.
pub(super) struct Memory {
    /// The curvature.
    pub pairs: Pairs,
    /// The size of the values.
    pub size: Size,
}

/// How a method goes on.
pub(super) trait Advance {
    /// Goes one step along the direction that the remembered curvature gives; none where no step brings progress.
    fn advance<O: Objective>(
        memory: &mut Memory,
        objective: &mut O,
        point: &mut Point,
        around: &mut Around,
    ) -> Result<Option<Moved>, Stop<O::Error>>;

    /// The norm and the largest element of the gradient as far as constraints leave it open.
    fn open_gradient(point: &Point, constraints: &Constraints) -> (f64, f64) {
        let _ = constraints;
        (norm(&point.gradient), maximum(&point.gradient))
    }
}

/// A quasi-Newton method between two iterations.
pub(super) struct QuasiNewton<A> {
    memory: Memory,
    method: PhantomData<A>,
}

impl<A> QuasiNewton<A> {
    /// Remembers so many pairs, and begins with what is known of the curvature.
    pub fn new(pairs: usize, metric: Option<Metric>) -> QuasiNewton<A> {
        QuasiNewton { memory: Memory { pairs: Pairs::new(pairs, metric), size: Size::default() }, method: PhantomData }
    }
}

impl<O: Objective, A: Advance> Iterate<O> for QuasiNewton<A> {
    fn iterate(
        &mut self,
        objective: &mut O,
        point: &mut Point,
        around: &mut Around,
    ) -> Result<Option<Moved>, Stop<O::Error>> {
        self.memory.size.begin(around.last.value);
        let moved = A::advance(&mut self.memory, objective, point, around)?;
        if moved.is_some() || self.memory.pairs.is_empty() {
            return Ok(moved);
        }
        // Where the remembered curvature leads nowhere, the gradient may still lead on.
        self.memory.pairs.clear();
        A::advance(&mut self.memory, objective, point, around)
    }

    fn open_gradient(&self, point: &Point, constraints: &Constraints) -> (f64, f64) {
        A::open_gradient(point, constraints)
    }

    fn store(&self, state: &mut State) {
        self.memory.pairs.store(state);
        self.memory.size.store(state);
    }

    fn restore(&mut self, state: &State, parameters: usize) -> Option<()> {
        self.memory.size = Size::restore(state)?;
        self.memory.pairs.restore(state, parameters)
    }
}

/// An average of the size of the values that forgets (Hager and Zhang 2005, section 3, Δ = 0.7): rounding is measured by the
/// terms of a sum, which may be larger than the sum is now.
#[derive(Default)]
pub(super) struct Size {
    average: f64,
    weight: f64,
}

impl Size {
    /// Begins with the value at the start.
    pub fn begin(&mut self, value: f64) {
        if self.weight == 0.0 {
            (self.average, self.weight) = (value.abs(), 1.0);
        }
    }

    pub fn add(&mut self, value: f64) {
        self.weight = 1.0 + 0.7 * self.weight;
        self.average += (value.abs() - self.average) / self.weight;
    }

    /// How far rounding may move a value, by the part of it that rounding may move.
    pub fn slack(&self, relative_rounding: f64) -> f64 {
        relative_rounding * self.average
    }

    pub fn store(&self, state: &mut State) {
        state.set_vector("size", vec![self.average, self.weight]);
    }

    pub fn restore(state: &State) -> Option<Size> {
        let &[average, weight] = state.vector("size")? else { return None };
        Some(Size { average, weight })
    }
}
