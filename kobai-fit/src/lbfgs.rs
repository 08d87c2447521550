//! Minimising a smooth function by L-BFGS.
//!
//! The method is that of Nocedal and Wright, *Numerical Optimization*, 2nd edition, algorithms 7.4 (the two loops) and
//! 7.5. It is written here rather than taken from a library for two reasons: a loss gives its value and its gradient in
//! one pass over the data, so the solver must ask for both at once; and a fit is carried to gradients of 1e-8 and below,
//! where the values no longer change and a line search that compares values alone gives up.

use std::collections::VecDeque;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::line_search::{Point, search};

/// A function of a vector of parameters, with its gradient.
pub trait Objective {
    /// What may go wrong in evaluating.
    type Error;

    /// Writes the gradient at `parameters` to `gradient`, which has the same length, and returns the value. A value or a
    /// gradient that is not finite means that the point is too far; it is not an error.
    ///
    /// # Errors
    /// What keeps the function from being evaluated at all; the minimisation ends with it.
    fn evaluate(&mut self, parameters: &[f64], gradient: &mut [f64]) -> Result<f64, Self::Error>;
}

impl<F, E> Objective for F
where
    F: FnMut(&[f64], &mut [f64]) -> Result<f64, E>,
{
    type Error = E;

    fn evaluate(&mut self, parameters: &[f64], gradient: &mut [f64]) -> Result<f64, E> {
        self(parameters, gradient)
    }
}

/// When to stop, and how much to remember.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Converged when the 2-norm of the gradient is at most this.
    pub gradient_tolerance: f64,
    /// The most iterations.
    pub iteration_limit: usize,
    /// How many pairs of steps and gradient differences stand for the curvature; 0 gives steepest descent.
    pub memory: usize,
    /// How far rounding may move a value, in parts of it. A rise this small does not count as one.
    pub relative_rounding: f64,
}

impl Default for Settings {
    /// Gradient 1e-8, 1000 iterations, 10 pairs, and 1e-12, a hundred times the rounding of a long sum in `f64`.
    fn default() -> Settings {
        Settings { gradient_tolerance: 1e-8, iteration_limit: 1000, memory: 10, relative_rounding: 1e-12 }
    }
}

/// Where the minimisation stands after an iteration.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Progress {
    /// The number of iterations done; 0 at the start.
    pub iteration: usize,
    /// How many times the function was evaluated so far.
    pub evaluations: usize,
    /// The value.
    pub value: f64,
    /// The 2-norm of the gradient.
    pub gradient_norm: f64,
    /// The multiple of the direction that was gone; 0 at the start.
    pub step: f64,
}

/// Why the minimisation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// The gradient is within the tolerance.
    Converged,
    /// The most iterations were done.
    IterationLimit,
    /// The flag was raised.
    Interrupted,
    /// No step leads further down, as far as rounding lets one see.
    NoProgress,
}

/// What the minimisation came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// The parameters reached, the best so far but for rounding.
    pub parameters: Vec<f64>,
    /// The value there.
    pub value: f64,
    /// The 2-norm of the gradient there.
    pub gradient_norm: f64,
    /// The largest absolute element of the gradient there.
    pub gradient_maximum: f64,
    /// The number of iterations.
    pub iterations: usize,
    /// How many times the function was evaluated, value and gradient together.
    pub evaluations: usize,
    /// Why it ended.
    pub status: Status,
    /// The start and every iteration.
    pub history: Vec<Progress>,
}

/// Why a function could not be minimised.
#[derive(Debug, Clone, PartialEq)]
pub enum MinimiseError<E> {
    /// The function could not be evaluated.
    Objective(E),
    /// The value, or an element of the gradient, is not finite at the starting point.
    StartNotFinite {
        /// The value there.
        value: f64,
        /// The parameter whose derivative is not finite, where there is one.
        parameter: Option<usize>,
    },
}

impl<E: fmt::Display> fmt::Display for MinimiseError<E> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            MinimiseError::Objective(error) => error.fmt(formatter),
            MinimiseError::StartNotFinite { value, parameter: None } => {
                write!(formatter, "the value at the starting point is {value}: start from other parameters")
            }
            MinimiseError::StartNotFinite { parameter: Some(parameter), .. } => write!(
                formatter,
                "the derivative by parameter {parameter} is not finite at the starting point: start from others"
            ),
        }
    }
}

impl<E: fmt::Debug + fmt::Display> std::error::Error for MinimiseError<E> {}

/// Minimises a function from `start`. `progress` is called at the start and after every iteration; raising
/// `interrupted`, from another thread or a signal handler, ends it before the next evaluation with what was reached.
///
/// # Errors
/// What the function returns, or [`MinimiseError::StartNotFinite`].
pub fn minimise<O: Objective>(
    objective: &mut O,
    start: Vec<f64>,
    settings: &Settings,
    interrupted: &AtomicBool,
    progress: &mut dyn FnMut(&Progress),
) -> Result<Outcome, MinimiseError<O::Error>> {
    let mut minimiser = Minimiser::new(objective, start, settings, interrupted)?;
    let status = loop {
        progress(&minimiser.last);
        if let Some(status) = minimiser.finished() {
            break status;
        }
        match minimiser.iterate() {
            Ok(true) => {}
            Ok(false) => break Status::NoProgress,
            Err(Stop::Interrupted) => break Status::Interrupted,
            Err(Stop::Failed(error)) => return Err(MinimiseError::Objective(error)),
        }
    };
    Ok(minimiser.into_outcome(status))
}

/// Why an iteration was broken off.
enum Stop<E> {
    Interrupted,
    Failed(E),
}

/// The state between iterations.
struct Minimiser<'a, O> {
    objective: &'a mut O,
    settings: &'a Settings,
    interrupted: &'a AtomicBool,
    parameters: Vec<f64>,
    gradient: Vec<f64>,
    pairs: VecDeque<Pair>,
    /// An average of the size of the values that forgets, with its weight (Hager and Zhang 2005, section 3): rounding is
    /// measured by the terms of a sum, which may be larger than the sum is now.
    size: f64,
    size_weight: f64,
    /// Of the whole minimisation, those of a step that was given up included.
    evaluations: usize,
    last: Progress,
    history: Vec<Progress>,
}

/// One step and the difference of gradients along it.
struct Pair {
    step: Vec<f64>,
    difference: Vec<f64>,
    /// The scalar product of the two, positive.
    curvature: f64,
}

impl<'a, O: Objective> Minimiser<'a, O> {
    /// Evaluates the function at the starting point.
    fn new(
        objective: &'a mut O,
        start: Vec<f64>,
        settings: &'a Settings,
        interrupted: &'a AtomicBool,
    ) -> Result<Self, MinimiseError<O::Error>> {
        let mut gradient = vec![0.0; start.len()];
        let value = objective.evaluate(&start, &mut gradient).map_err(MinimiseError::Objective)?;
        let parameter = gradient.iter().position(|derivative| !derivative.is_finite());
        if !value.is_finite() || parameter.is_some() {
            return Err(MinimiseError::StartNotFinite { value, parameter });
        }
        let gradient_norm = norm(&gradient);
        let begun = Progress { iteration: 0, evaluations: 1, value, gradient_norm, step: 0.0 };
        Ok(Minimiser {
            objective,
            settings,
            interrupted,
            parameters: start,
            gradient,
            pairs: VecDeque::new(),
            size: value.abs(),
            size_weight: 1.0,
            evaluations: 1,
            last: begun,
            history: vec![begun],
        })
    }

    /// Whether there is a reason to end before another iteration.
    fn finished(&self) -> Option<Status> {
        if self.last.gradient_norm <= self.settings.gradient_tolerance {
            Some(Status::Converged)
        } else if self.interrupted.load(Ordering::Relaxed) {
            Some(Status::Interrupted)
        } else if self.last.iteration >= self.settings.iteration_limit {
            Some(Status::IterationLimit)
        } else {
            None
        }
    }

    /// One iteration; false where there is no way further down.
    fn iterate(&mut self) -> Result<bool, Stop<O::Error>> {
        if self.advance()? {
            return Ok(true);
        }
        // The curvature remembered may be what misleads; without it the way is straight down.
        if self.pairs.is_empty() {
            return Ok(false);
        }
        self.pairs.clear();
        self.advance()
    }

    /// Goes one step along the direction that the remembered curvature gives; false where no step brings progress.
    fn advance(&mut self) -> Result<bool, Stop<O::Error>> {
        let mut direction = self.direction();
        let mut slope = dot(&direction, &self.gradient);
        if slope >= 0.0 || !slope.is_finite() {
            self.pairs.clear();
            direction = self.direction();
            slope = dot(&direction, &self.gradient);
        }
        if slope >= 0.0 || !slope.is_finite() {
            return Ok(false);
        }
        // A quasi-Newton direction has its own length; a gradient says nothing about how far to go.
        let first_step = if self.pairs.is_empty() { (1.0 / self.last.gradient_norm).min(1.0) } else { 1.0 };
        let start = Point { step: 0.0, value: self.last.value, slope };
        let slack = self.settings.relative_rounding * self.size;
        let mut parameters = vec![0.0; self.parameters.len()];
        let mut gradient = vec![0.0; self.parameters.len()];
        let found = search(start, first_step, slack, |step| {
            if self.interrupted.load(Ordering::Relaxed) {
                return Err(Stop::Interrupted);
            }
            for ((parameter, from), along) in parameters.iter_mut().zip(&self.parameters).zip(&direction) {
                *parameter = from + step * along;
            }
            self.evaluations += 1;
            let value = self.objective.evaluate(&parameters, &mut gradient).map_err(Stop::Failed)?;
            let slope = dot(&direction, &gradient);
            let finite = value.is_finite() && slope.is_finite() && gradient.iter().all(|element| element.is_finite());
            Ok(Point { step, value: if finite { value } else { f64::INFINITY }, slope })
        })?;
        let Some(reached) = found else {
            return Ok(false);
        };
        self.remember(&parameters, &gradient);
        self.parameters = parameters;
        self.gradient = gradient;
        self.record(&reached);
        Ok(true)
    }

    /// The direction −H·gradient, where H is the inverse curvature that the pairs stand for (algorithm 7.4).
    fn direction(&self) -> Vec<f64> {
        let mut direction: Vec<f64> = self.gradient.iter().map(|derivative| -derivative).collect();
        let mut weights = Vec::with_capacity(self.pairs.len());
        for pair in self.pairs.iter().rev() {
            let weight = dot(&pair.step, &direction) / pair.curvature;
            add_multiple(&mut direction, -weight, &pair.difference);
            weights.push(weight);
        }
        if let Some(latest) = self.pairs.back() {
            let scale = latest.curvature / dot(&latest.difference, &latest.difference);
            direction.iter_mut().for_each(|element| *element *= scale);
        }
        for (pair, weight) in self.pairs.iter().zip(weights.into_iter().rev()) {
            let back = dot(&pair.difference, &direction) / pair.curvature;
            add_multiple(&mut direction, weight - back, &pair.step);
        }
        direction
    }

    /// Adds the pair from where we are to a new point, if it shows positive curvature beyond rounding.
    fn remember(&mut self, parameters: &[f64], gradient: &[f64]) {
        let minus =
            |to: &[f64], from: &[f64]| -> Vec<f64> { to.iter().zip(from).map(|(to, from)| to - from).collect() };
        let step = minus(parameters, &self.parameters);
        let difference = minus(gradient, &self.gradient);
        let curvature = dot(&step, &difference);
        let positive = curvature > f64::EPSILON * norm(&step) * norm(&difference) && curvature.is_normal();
        if positive && self.settings.memory > 0 {
            if self.pairs.len() == self.settings.memory {
                self.pairs.pop_front();
            }
            self.pairs.push_back(Pair { step, difference, curvature });
        }
    }

    /// Notes an iteration that reached this point.
    fn record(&mut self, reached: &Point) {
        // The forgetting is that of Hager and Zhang, Δ = 0.7.
        self.size_weight = 1.0 + 0.7 * self.size_weight;
        self.size += (reached.value.abs() - self.size) / self.size_weight;
        self.last = Progress {
            iteration: self.last.iteration + 1,
            evaluations: self.evaluations,
            value: reached.value,
            gradient_norm: norm(&self.gradient),
            step: reached.step,
        };
        self.history.push(self.last);
    }

    fn into_outcome(self, status: Status) -> Outcome {
        Outcome {
            parameters: self.parameters,
            value: self.last.value,
            gradient_norm: self.last.gradient_norm,
            gradient_maximum: maximum(&self.gradient),
            iterations: self.last.iteration,
            evaluations: self.evaluations,
            status,
            history: self.history,
        }
    }
}

/// The scalar product.
fn dot(left: &[f64], right: &[f64]) -> f64 {
    left.iter().zip(right).map(|(left, right)| left * right).sum()
}

/// target ← target + multiple · vector.
fn add_multiple(target: &mut [f64], multiple: f64, vector: &[f64]) {
    for (target, element) in target.iter_mut().zip(vector) {
        *target += multiple * element;
    }
}

/// The largest absolute element, 0 for none; the elements are finite.
fn maximum(vector: &[f64]) -> f64 {
    vector.iter().fold(0.0, |largest, element| largest.max(element.abs()))
}

/// The 2-norm, scaled so that the squares neither overflow nor vanish.
fn norm(vector: &[f64]) -> f64 {
    let largest = maximum(vector);
    if largest == 0.0 {
        return 0.0;
    }
    largest * vector.iter().map(|element| (element / largest) * (element / largest)).sum::<f64>().sqrt()
}
