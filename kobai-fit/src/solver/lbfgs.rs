//! L-BFGS: Nocedal and Wright, *Numerical Optimization*, 2nd edition, algorithms 7.4 (the two loops) and 7.5.

use super::line_search::{Trial, search};
use super::pairs::Pairs;
use super::state::State;
use super::vector::{dot, norm};
use super::{Around, Iterate, Moved, Objective, Point, Stop};

/// L-BFGS between two iterations.
pub(super) struct Lbfgs {
    pairs: Pairs,
    size: Size,
}

impl Lbfgs {
    pub fn new(memory: usize) -> Lbfgs {
        Lbfgs { pairs: Pairs::new(memory), size: Size::default() }
    }
}

impl<O: Objective> Iterate<O> for Lbfgs {
    fn iterate(
        &mut self,
        objective: &mut O,
        point: &mut Point,
        around: &mut Around,
    ) -> Result<Option<Moved>, Stop<O::Error>> {
        self.size.begin(around.last.value);
        let moved = self.advance(objective, point, around)?;
        if moved.is_some() || self.pairs.is_empty() {
            return Ok(moved);
        }
        // Where the remembered curvature leads nowhere, the gradient may still lead on.
        self.pairs.clear();
        self.advance(objective, point, around)
    }

    fn store(&self, state: &mut State) {
        self.pairs.store(state);
        self.size.store(state);
    }

    fn restore(&mut self, state: &State, parameters: usize) -> Option<()> {
        self.size = Size::restore(state)?;
        self.pairs.restore(state, parameters)
    }
}

impl Lbfgs {
    /// Goes one step along the direction that the remembered curvature gives; none where no step brings progress.
    fn advance<O: Objective>(
        &mut self,
        objective: &mut O,
        point: &mut Point,
        around: &mut Around,
    ) -> Result<Option<Moved>, Stop<O::Error>> {
        let mut direction = self.pairs.direction(&point.gradient);
        let mut slope = dot(&direction, &point.gradient);
        if slope >= 0.0 || !slope.is_finite() {
            self.pairs.clear();
            direction = self.pairs.direction(&point.gradient);
            slope = dot(&direction, &point.gradient);
        }
        if slope >= 0.0 || !slope.is_finite() {
            return Ok(None);
        }
        // A quasi-Newton direction has its own length; a gradient says nothing about how far to go.
        let first_step = if self.pairs.is_empty() { (1.0 / around.last.gradient_norm).min(1.0) } else { 1.0 };
        let Some((reached, after)) = along(objective, point, around, (&direction, slope, first_step), &self.size)?
        else {
            return Ok(None);
        };
        self.pairs.remember((&after.parameters, &point.parameters), (&after.gradient, &point.gradient));
        *point = after;
        self.size.add(reached.value);
        Ok(Some(Moved { value: reached.value, gradient_norm: norm(&point.gradient), step: reached.step }))
    }
}

/// Searches along a direction of this slope for a step, and gives the point reached.
pub(super) fn along<O: Objective>(
    objective: &mut O,
    from: &Point,
    around: &mut Around,
    (direction, slope, first_step): (&[f64], f64, f64),
    size: &Size,
) -> Result<Option<(Trial, Point)>, Stop<O::Error>> {
    let start = Trial { step: 0.0, value: around.last.value, slope };
    let slack = size.slack(around.settings.relative_rounding);
    let mut after = Point { parameters: vec![0.0; direction.len()], gradient: vec![0.0; direction.len()] };
    let found = search(start, first_step, slack, |step| {
        for ((parameter, from), along) in after.parameters.iter_mut().zip(&from.parameters).zip(direction) {
            *parameter = from + step * along;
        }
        let value = around.evaluate(objective, &after.parameters, &mut after.gradient)?;
        let slope = dot(direction, &after.gradient);
        let finite = value.is_finite() && slope.is_finite() && after.gradient.iter().all(|element| element.is_finite());
        Ok(Trial { step, value: if finite { value } else { f64::INFINITY }, slope })
    })?;
    Ok(found.map(|reached| (reached, after)))
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
