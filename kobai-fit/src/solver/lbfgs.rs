//! L-BFGS: Nocedal and Wright, *Numerical Optimization*, 2nd edition, algorithms 7.4 (the two loops) and 7.5.

use super::line_search::{Trial, search};
use super::quasi_newton::{Advance, Memory, Size};
use super::vector::{dot, norm};
use super::{Around, Moved, Objective, Point, Stop};

/// Steps that meet the strong Wolfe conditions along the direction that the memory gives.
pub(super) struct Lbfgs;

impl Advance for Lbfgs {
    fn advance<O: Objective>(
        memory: &mut Memory,
        objective: &mut O,
        point: &mut Point,
        around: &mut Around,
    ) -> Result<Option<Moved>, Stop<O::Error>> {
        let mut direction = memory.pairs.direction(&point.gradient);
        let mut slope = dot(&direction, &point.gradient);
        if slope >= 0.0 || !slope.is_finite() {
            memory.pairs.clear();
            direction = memory.pairs.direction(&point.gradient);
            slope = dot(&direction, &point.gradient);
        }
        if slope >= 0.0 || !slope.is_finite() {
            return Ok(None);
        }
        // A quasi-Newton direction has its own length; a gradient says nothing about how far to go.
        let first_step = if memory.pairs.is_empty() { (1.0 / around.last.gradient_norm).min(1.0) } else { 1.0 };
        let Some((reached, after)) = along(objective, point, around, (&direction, slope, first_step), &memory.size)?
        else {
            return Ok(None);
        };
        memory.pairs.remember((&after.parameters, &point.parameters), (&after.gradient, &point.gradient));
        *point = after;
        memory.size.add(reached.value);
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
