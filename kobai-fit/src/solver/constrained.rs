//! L-BFGS with bounds on parameters and with Σ cⱼ |wⱼ| in the loss.
//!
//! Both are a function that is smooth but for places where a parameter meets a bound or zero, and are treated alike: by a
//! gradient that says which way is down from here, a direction among the parameters that are not held at such a place,
//! and a search along its projection. For absolute values this is OWL-QN (Andrew and Gao, "Scalable training of
//! L1-regularized log-linear models", 2007); for bounds it is the projected quasi-Newton method of Bertsekas ("Projected
//! Newton methods for optimization problems with simple constraints", 1982). A parameter that is zero at the optimum ends
//! at exactly zero.

use super::quasi_newton::{Advance, Memory};
use super::vector::{dot, maximum, norm};
use super::{Around, Constraints, Moved, Objective, Point, Stop};

/// The part of the decrease promised by the slope that a step must bring.
const DECREASE: f64 = 1e-4;

/// The most halvings of a step.
const TRIALS: usize = 60;

/// Steps along the projection of the direction that the memory gives.
pub(super) struct Constrained;

/// Moves parameters to the nearest that the bounds allow.
pub(super) fn clamp(parameters: &mut [f64], constraints: &Constraints) {
    parameters.iter_mut().zip(&constraints.lower).for_each(|(parameter, lower)| *parameter = parameter.max(*lower));
    parameters.iter_mut().zip(&constraints.upper).for_each(|(parameter, upper)| *parameter = parameter.min(*upper));
}

/// Σ cⱼ |wⱼ|
pub(super) fn penalty(parameters: &[f64], constraints: &Constraints) -> f64 {
    parameters.iter().zip(&constraints.absolute).map(|(parameter, weight)| weight * parameter.abs()).sum()
}

/// One parameter after a step of proximal gradient descent: the shrinking of its absolute value, then its bounds. `step` is
/// what the gradient of this parameter was multiplied by, in the long run.
pub(super) fn proximal(place: usize, parameter: f64, step: f64, constraints: &Constraints) -> f64 {
    let of = |vector: &[f64], none: f64| vector.get(place).copied().unwrap_or(none);
    let weight = of(&constraints.absolute, 0.0);
    let shrunk = if weight > 0.0 { (parameter.abs() - step * weight).max(0.0).copysign(parameter) } else { parameter };
    shrunk.max(of(&constraints.lower, f64::NEG_INFINITY)).min(of(&constraints.upper, f64::INFINITY))
}

/// The gradient of least size among those that hold at a point: the one-sided derivatives where the function has a kink,
/// and zero where a bound, or the kink, holds the parameter.
fn pseudo_gradient(point: &Point, constraints: &Constraints) -> Vec<f64> {
    let mut gradient = point.gradient.clone();
    for ((derivative, &parameter), &weight) in gradient.iter_mut().zip(&point.parameters).zip(&constraints.absolute) {
        *derivative = match parameter {
            0.0 => derivative.signum() * (derivative.abs() - weight).max(0.0),
            parameter => *derivative + weight * parameter.signum(),
        };
    }
    for ((derivative, parameter), lower) in gradient.iter_mut().zip(&point.parameters).zip(&constraints.lower) {
        if parameter <= lower && *derivative > 0.0 {
            *derivative = 0.0;
        }
    }
    for ((derivative, parameter), upper) in gradient.iter_mut().zip(&point.parameters).zip(&constraints.upper) {
        if parameter >= upper && *derivative < 0.0 {
            *derivative = 0.0;
        }
    }
    gradient
}

impl Advance for Constrained {
    fn advance<O: Objective>(
        memory: &mut Memory,
        objective: &mut O,
        point: &mut Point,
        around: &mut Around,
    ) -> Result<Option<Moved>, Stop<O::Error>> {
        let constraints = around.constraints;
        let gradient = pseudo_gradient(point, constraints);
        let free: Vec<bool> = gradient.iter().map(|&derivative| derivative != 0.0).collect();
        let mut direction = memory.pairs.direction_within(&gradient, &free);
        // No parameter goes up its own slope: beyond a kink the gradient is another.
        for (along, derivative) in direction.iter_mut().zip(&gradient) {
            if *along * derivative > 0.0 {
                *along = 0.0;
            }
        }
        if dot(&direction, &gradient) >= 0.0 {
            return Ok(None);
        }
        let mut step = if memory.pairs.is_empty() { (1.0 / norm(&gradient)).min(1.0) } else { 1.0 };
        let slack = memory.size.slack(around.settings.relative_rounding);
        let (mut best, mut shrinks) = (None, false);
        for _ in 0..TRIALS {
            let trial = trial(objective, point, around, (&direction, &gradient, step, slack))?;
            match trial {
                // Where the way is straight and hardly less steep, it leads further.
                Some(trial) if trial.steep && !shrinks => {
                    best = Some(trial);
                    step *= 4.0;
                }
                Some(trial) => return Ok(Some(accept(memory, point, trial))),
                None if best.is_some() => break,
                None => {
                    shrinks = true;
                    step *= 0.5;
                }
            }
        }
        Ok(best.map(|trial| accept(memory, point, trial)))
    }

    fn open_gradient(point: &Point, constraints: &Constraints) -> (f64, f64) {
        let gradient = pseudo_gradient(point, constraints);
        (norm(&gradient), maximum(&gradient))
    }
}

/// Goes to the point of a trial.
fn accept(memory: &mut Memory, point: &mut Point, trial: Trial) -> Moved {
    let Trial { after, moved, .. } = trial;
    memory.pairs.remember((&after.parameters, &point.parameters), (&after.gradient, &point.gradient));
    *point = after;
    memory.size.add(moved.value);
    moved
}

/// A point that brings progress.
struct Trial {
    after: Point,
    moved: Moved,
    /// Whether no parameter met a bound or zero on the way, and the function still falls nearly as it did.
    steep: bool,
}

/// The part of the slope that may remain (Nocedal and Wright's c₂ for quasi-Newton methods).
const CURVATURE: f64 = 0.9;

/// The point at a step, where it brings progress.
fn trial<O: Objective>(
    objective: &mut O,
    point: &Point,
    around: &mut Around,
    (direction, gradient, step, slack): (&[f64], &[f64], f64, f64),
) -> Result<Option<Trial>, Stop<O::Error>> {
    let constraints = around.constraints;
    let parameters = projected(point, direction, gradient, step, constraints);
    let mut after = Point { parameters, gradient: vec![0.0; gradient.len()] };
    let value =
        around.evaluate(objective, &after.parameters, &mut after.gradient)? + penalty(&after.parameters, constraints);
    let (mut promised, mut remaining, mut straight) = (0.0, 0.0, true);
    for (place, (&to, &from)) in after.parameters.iter().zip(&point.parameters).enumerate() {
        let side = if to == 0.0 { from } else { to };
        let weight = constraints.absolute.get(place).copied().unwrap_or(0.0);
        promised += (to - from) * gradient[place];
        remaining += (to - from) * (after.gradient[place] + weight * side.signum());
        straight &= to == from + step * direction[place];
    }
    if !value.is_finite() || after.gradient.iter().any(|element| !element.is_finite()) || promised >= 0.0 {
        return Ok(None);
    }
    let gradient_norm = norm(&pseudo_gradient(&after, constraints));
    let decreased = value <= around.last.value + DECREASE * promised;
    // Near the optimum the values agree but for rounding, and the gradient tells.
    let as_good = value <= around.last.value + slack && gradient_norm < norm(gradient);
    let steep = straight && remaining < CURVATURE * promised;
    Ok((decreased || as_good).then_some(Trial { after, moved: Moved { value, gradient_norm, step }, steep }))
}

/// The point a step along a direction, held within the bounds and, where there is an absolute value, on its side of zero.
fn projected(point: &Point, direction: &[f64], gradient: &[f64], step: f64, constraints: &Constraints) -> Vec<f64> {
    let mut parameters: Vec<f64> =
        point.parameters.iter().zip(direction).map(|(from, along)| from + step * along).collect();
    for (place, weight) in constraints.absolute.iter().enumerate() {
        let from = point.parameters[place];
        let side = if from == 0.0 { -gradient[place].signum() } else { from.signum() };
        if *weight > 0.0 && parameters[place] * side <= 0.0 {
            parameters[place] = 0.0;
        }
    }
    clamp(&mut parameters, constraints);
    parameters
}
