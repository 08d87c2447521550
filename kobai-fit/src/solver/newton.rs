//! Newton's method with directions from conjugate gradients: Nocedal and Wright, *Numerical Optimization*, 2nd edition,
//! algorithm 7.1 (line search Newton-CG).

use super::lbfgs::along;
use super::quasi_newton::Size;
use super::state::State;
use super::vector::{add_multiple, dot, norm};
use super::{Around, Iterate, Moved, Objective, Point, Stop};

/// Newton-CG; it remembers nothing between two iterations.
pub(super) struct NewtonConjugateGradient;

impl<O: Objective> Iterate<O> for NewtonConjugateGradient {
    fn iterate(
        &mut self,
        objective: &mut O,
        point: &mut Point,
        around: &mut Around,
    ) -> Result<Option<Moved>, Stop<O::Error>> {
        let direction = direction(objective, point, around)?;
        let slope = dot(&direction, &point.gradient);
        if slope >= 0.0 || !slope.is_finite() {
            return Ok(None);
        }
        let mut size = Size::default();
        size.begin(around.last.value);
        let found = along(objective, point, around, (&direction, slope, 1.0), &size)?;
        Ok(found.map(|(reached, after)| {
            *point = after;
            Moved { value: reached.value, gradient_norm: norm(&point.gradient), step: reached.step }
        }))
    }

    fn store(&self, _: &mut State) {}

    fn restore(&mut self, _: &State, _: usize) -> Option<()> {
        Some(())
    }
}

/// A direction in which the quadratic model falls: its minimum up to an error that shrinks with the gradient, so that the
/// convergence is superlinear, or what was reached before a direction of negative curvature.
fn direction<O: Objective>(objective: &mut O, point: &Point, around: &mut Around) -> Result<Vec<f64>, Stop<O::Error>> {
    let gradient_norm = norm(&point.gradient);
    let tolerance = gradient_norm.sqrt().min(0.5) * gradient_norm;
    let mut result = vec![0.0; point.gradient.len()];
    let mut residual = point.gradient.clone();
    let mut conjugate: Vec<f64> = residual.iter().map(|element| -element).collect();
    let mut product = vec![0.0; residual.len()];
    for number in 0..residual.len().max(1) {
        around.check()?;
        around.evaluations += 1;
        objective.hessian_product(&point.parameters, &conjugate, &mut product).map_err(|error| around.failed(error))?;
        let curvature = dot(&conjugate, &product);
        let size = norm(&conjugate) * norm(&product);
        if !curvature.is_finite() || curvature <= f64::EPSILON * size {
            return Ok(if number == 0 { conjugate } else { result });
        }
        let before = dot(&residual, &residual);
        add_multiple(&mut result, before / curvature, &conjugate);
        add_multiple(&mut residual, before / curvature, &product);
        if norm(&residual) <= tolerance {
            break;
        }
        let share = dot(&residual, &residual) / before;
        conjugate.iter_mut().zip(&residual).for_each(|(own, residual)| *own = share * *own - residual);
    }
    Ok(result)
}
