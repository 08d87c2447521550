//! Finding the parameters of least loss: several methods with one way to stop, to be watched, to be saved and to go on.
//!
//! A method goes from one iteration to the next. Between two iterations all that it knows is a [`State`], from which
//! another run goes on with the same bits. The methods are written here rather than taken from a library: a loss gives its
//! value and its gradient in one pass over the data, so a solver must ask for both at once; a fit is carried to gradients
//! of 1e-8 and below, where the values no longer change and a line search that compares values alone gives up; and none
//! of the libraries can be stopped and go on bit for bit.

mod constrained;
mod lbfgs;
mod line_search;
pub mod metric;
mod newton;
mod pairs;
mod quasi_newton;
pub mod schedule;
pub mod state;
mod stochastic;
mod vector;

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use constrained::Constrained;
use lbfgs::Lbfgs;
use metric::Metric;
use newton::NewtonConjugateGradient;
use pairs::worthwhile;
use quasi_newton::QuasiNewton;
use schedule::Schedule;
use state::State;
use stochastic::{AdamW, Momentum};
use vector::{maximum, norm};

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

    /// Writes the Hessian at `parameters` times `vector` to `product`. Only [`Method::NewtonConjugateGradient`] asks for it;
    /// where it is not written, central differences of the gradient stand for it.
    ///
    /// # Errors
    /// As [`evaluate`](Objective::evaluate).
    fn hessian_product(&mut self, parameters: &[f64], vector: &[f64], product: &mut [f64]) -> Result<(), Self::Error> {
        difference_product(self, parameters, vector, product)
    }

    /// How many operations an evaluation takes, as far as it is known: by it L-BFGS decides how much to remember.
    fn operations(&self) -> f64 {
        0.0
    }

    /// What is known of the curvature beforehand: L-BFGS without constraints begins with it.
    fn metric(&self) -> Option<Metric> {
        None
    }

    /// The value of the same function over rows that it is not minimised on, where that is to be followed.
    ///
    /// # Errors
    /// As [`evaluate`](Objective::evaluate).
    fn held_out(&mut self, parameters: &[f64]) -> Result<Option<f64>, Self::Error> {
        let _ = parameters;
        Ok(None)
    }

    /// How many batches all rows are parted into, for methods that take a step after each.
    fn batches(&self) -> usize {
        1
    }

    /// As [`evaluate`](Objective::evaluate), over the rows of one batch.
    ///
    /// # Errors
    /// As [`evaluate`](Objective::evaluate).
    fn evaluate_batch(&mut self, batch: usize, parameters: &[f64], gradient: &mut [f64]) -> Result<f64, Self::Error> {
        let _ = batch;
        self.evaluate(parameters, gradient)
    }
}

/// The Hessian times a vector by central differences of the gradient, whose error is about the rounding to the power of two
/// thirds.
///
/// # Errors
/// What the function returns.
pub fn difference_product<O: Objective + ?Sized>(
    objective: &mut O,
    parameters: &[f64],
    vector: &[f64],
    product: &mut [f64],
) -> Result<(), O::Error> {
    let step = f64::EPSILON.cbrt() * (1.0 + norm(parameters)) / norm(vector).max(f64::MIN_POSITIVE);
    let moved = |by: f64| -> Vec<f64> { parameters.iter().zip(vector).map(|(x, v)| x + by * v).collect() };
    let mut before = vec![0.0; product.len()];
    objective.evaluate(&moved(-step), &mut before)?;
    objective.evaluate(&moved(step), product)?;
    product.iter_mut().zip(before).for_each(|(after, before)| *after = (*after - before) / (2.0 * step));
    Ok(())
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

/// How the parameters are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Limited-memory quasi-Newton steps (Nocedal and Wright, *Numerical Optimization*, 2nd edition, chapter 7.2).
    Lbfgs,
    /// Newton steps by conjugate gradients (Nocedal and Wright, algorithm 7.1).
    NewtonConjugateGradient,
    /// Steps after each batch, of a size that adapts (Loshchilov and Hutter, "Decoupled weight decay regularization", 2019).
    AdamW,
    /// Steps after each batch, along a gradient that remembers (Sutskever et al., "On the importance of initialization and
    /// momentum in deep learning", 2013).
    Sgd,
}

/// Each method by the name that a user writes, and by the one that is shown.
pub const METHODS: &[(&str, Method, &str)] = &[
    ("lbfgs", Method::Lbfgs, "L-BFGS"),
    ("newton-cg", Method::NewtonConjugateGradient, "Newton-CG"),
    ("adamw", Method::AdamW, "AdamW"),
    ("sgd", Method::Sgd, "SGD"),
];

impl Method {
    /// The method of this name.
    pub fn named(name: &str) -> Option<Method> {
        METHODS.iter().find(|(known, ..)| *known == name).map(|(_, method, _)| *method)
    }

    /// The name that a user writes, and the one that is shown.
    pub fn names(self) -> (&'static str, &'static str) {
        METHODS.iter().find(|(_, method, _)| *method == self).map_or(("", ""), |(name, _, shown)| (name, shown))
    }

    /// Whether it takes a step after each batch, so that an iteration is an epoch.
    pub fn is_stochastic(self) -> bool {
        matches!(self, Method::AdamW | Method::Sgd)
    }
}

/// How a method goes, and when it stops.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// The method.
    pub method: Method,
    /// Converged when the 2-norm of the gradient is at most this.
    pub gradient_tolerance: f64,
    /// Converged when no element of the gradient is larger in size; 0 for never.
    pub maximum_tolerance: f64,
    /// Stops when an iteration makes the loss less by no more than this part of it; 0 for never.
    pub decrease_tolerance: f64,
    /// The most iterations, or epochs.
    pub iteration_limit: usize,
    /// The longest time of this run.
    pub time_limit: Option<Duration>,
    /// How many pairs of steps and gradient differences stand for the curvature; 0 gives steepest descent, and none as many
    /// as are worth their time, from 10 to 100.
    pub memory: Option<usize>,
    /// How far rounding may move a value, in parts of it. A rise this small does not count as one.
    pub relative_rounding: f64,
    /// The size of steps after batches.
    pub learning_rate: f64,
    /// How that size changes.
    pub schedule: Schedule,
    /// The part of the last step that the next one keeps, for [`Method::Sgd`].
    pub momentum: f64,
    /// What AdamW takes off each parameter, times the learning rate, in a step.
    pub weight_decay: f64,
    /// The seed of the order of batches.
    pub seed: u64,
}

impl Default for Settings {
    /// L-BFGS to a gradient of 1e-8, 1000 iterations, and 1e-12, a hundred times the rounding of a long sum in `f64`.
    fn default() -> Settings {
        Settings {
            method: Method::Lbfgs,
            gradient_tolerance: 1e-8,
            maximum_tolerance: 0.0,
            decrease_tolerance: 0.0,
            iteration_limit: 1000,
            time_limit: None,
            memory: None,
            relative_rounding: 1e-12,
            learning_rate: 1e-3,
            schedule: Schedule::default(),
            momentum: 0.9,
            weight_decay: 0.0,
            seed: crate::split::SEED,
        }
    }
}

/// What parameters may be, and an absolute value in the loss.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Constraints {
    /// The least that each parameter may be; none where no parameter has a bound.
    pub lower: Vec<f64>,
    /// The most.
    pub upper: Vec<f64>,
    /// cⱼ of a term Σ cⱼ |wⱼ| that the function leaves out; none where there is no such term.
    pub absolute: Vec<f64>,
}

impl Constraints {
    /// Whether there are any.
    pub fn is_empty(&self) -> bool {
        self.lower.is_empty() && self.upper.is_empty() && self.absolute.iter().all(|&weight| weight == 0.0)
    }
}

/// Where the minimisation stands after an iteration.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Progress {
    /// The number of iterations, or epochs, done; 0 at the start.
    pub iteration: usize,
    /// How many times the function was evaluated so far, over all rows or over a batch.
    pub evaluations: usize,
    /// The value: of all rows, or the mean over the batches of an epoch.
    pub value: f64,
    /// The 2-norm of the gradient; with constraints, of its part that they leave open; for batches, of the mean gradient.
    pub gradient_norm: f64,
    /// The multiple of the direction that was gone, or the learning rate; 0 at the start.
    pub step: f64,
    /// The value on rows held out, where it is followed.
    pub held_out: Option<f64>,
}

/// Why the minimisation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// The gradient is within the tolerance.
    Converged,
    /// The loss hardly changes any more.
    SmallDecrease,
    /// The most iterations were done.
    IterationLimit,
    /// The time is over.
    TimeLimit,
    /// The flag was raised.
    Interrupted,
    /// No step leads further down, as far as rounding lets one see.
    NoProgress,
    /// The loss or a gradient is no number any more, at this batch of the next epoch; the parameters are the last good ones.
    NotFinite {
        /// The batch, counted from 0.
        batch: usize,
    },
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
    /// From where another run can go on.
    pub state: State,
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
    /// The method cannot keep parameters within bounds or minimise an absolute value.
    ConstraintsNotSupported(Method),
    /// The state is not one of this method and this function.
    OtherState,
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
            MinimiseError::ConstraintsNotSupported(method) => {
                write!(formatter, "{} has neither bounds nor absolute values: take another method", method.names().1)
            }
            MinimiseError::OtherState => write!(formatter, "the state to go on from is of another minimisation"),
        }
    }
}

impl<E: fmt::Debug + fmt::Display> std::error::Error for MinimiseError<E> {}

/// Where to begin.
#[derive(Debug, Clone)]
pub enum From {
    /// At these parameters.
    Parameters(Vec<f64>),
    /// Where another run of the same method on the same function was.
    State(State),
}

/// Is told of the start and of every iteration, and may ask for the state to save it.
pub type Watch<'a> = &'a mut dyn FnMut(&Progress, &dyn Fn() -> State);

/// Why an iteration was broken off.
enum Stop<E> {
    Interrupted,
    NotFinite { batch: usize },
    Failed(E),
}

/// A point with the gradient of the function there.
struct Point {
    parameters: Vec<f64>,
    gradient: Vec<f64>,
}

/// What an iteration came to.
struct Moved {
    value: f64,
    gradient_norm: f64,
    step: f64,
}

/// What an iteration may look at.
struct Around<'a> {
    settings: &'a Settings,
    constraints: &'a Constraints,
    interrupted: &'a AtomicBool,
    /// Where it stands.
    last: Progress,
    evaluations: usize,
}

impl Around<'_> {
    /// Evaluates the function, unless the flag is raised.
    fn evaluate<O: Objective>(
        &mut self,
        objective: &mut O,
        parameters: &[f64],
        gradient: &mut [f64],
    ) -> Result<f64, Stop<O::Error>> {
        self.check()?;
        self.evaluations += 1;
        objective.evaluate(parameters, gradient).map_err(|error| self.failed(error))
    }

    /// An error after the flag was raised is the interruption of a long evaluation.
    fn failed<E>(&self, error: E) -> Stop<E> {
        if self.interrupted.load(Ordering::Relaxed) { Stop::Interrupted } else { Stop::Failed(error) }
    }

    fn check<E>(&self) -> Result<(), Stop<E>> {
        if self.interrupted.load(Ordering::Relaxed) { Err(Stop::Interrupted) } else { Ok(()) }
    }
}

/// A method between two iterations.
trait Iterate<O: Objective> {
    /// Goes to a better point; none where no step brings progress. After an error the point is as it was.
    fn iterate(
        &mut self,
        objective: &mut O,
        point: &mut Point,
        around: &mut Around,
    ) -> Result<Option<Moved>, Stop<O::Error>>;

    /// The norm and the largest element of the gradient as far as constraints leave it open.
    fn open_gradient(&self, point: &Point, constraints: &Constraints) -> (f64, f64) {
        let _ = constraints;
        (norm(&point.gradient), maximum(&point.gradient))
    }

    /// Adds what it knows beside the point.
    fn store(&self, state: &mut State);

    /// Takes it back; none where it is not all there.
    fn restore(&mut self, state: &State, parameters: usize) -> Option<()>;
}

fn method_of<O: Objective>(
    objective: &O,
    settings: &Settings,
    constraints: &Constraints,
    parameters: usize,
) -> Box<dyn Iterate<O>> {
    let pairs = || settings.memory.unwrap_or_else(|| worthwhile(objective.operations(), parameters));
    match settings.method {
        Method::Lbfgs if constraints.is_empty() => Box::new(QuasiNewton::<Lbfgs>::new(pairs(), objective.metric())),
        Method::Lbfgs => Box::new(QuasiNewton::<Constrained>::new(pairs(), None)),
        Method::NewtonConjugateGradient => Box::new(NewtonConjugateGradient),
        Method::AdamW => Box::new(AdamW::new(parameters)),
        Method::Sgd => Box::new(Momentum::new(parameters)),
    }
}

/// Minimises a function. `watch` is called at the start and after every iteration; raising `interrupted`, from another
/// thread or a signal handler, ends it before the next evaluation with what was reached.
///
/// # Errors
/// What the function returns, [`MinimiseError::StartNotFinite`], [`MinimiseError::ConstraintsNotSupported`],
/// [`MinimiseError::OtherState`].
pub fn minimise<O: Objective>(
    objective: &mut O,
    from: From,
    (settings, constraints): (&Settings, &Constraints),
    interrupted: &AtomicBool,
    watch: Watch,
) -> Result<Outcome, MinimiseError<O::Error>> {
    if settings.method == Method::NewtonConjugateGradient && !constraints.is_empty() {
        return Err(MinimiseError::ConstraintsNotSupported(settings.method));
    }
    let begun = Instant::now();
    let mut run = match from {
        From::Parameters(parameters) => Run::start(objective, parameters, settings, constraints)?,
        From::State(state) => Run::resume(objective, &state, settings, constraints).ok_or(MinimiseError::OtherState)?,
    };
    let status = loop {
        watch(&run.last, &|| run.state());
        if let Some(status) = run.finished(settings, constraints, interrupted, begun) {
            break status;
        }
        let mut around =
            Around { settings, constraints, interrupted, last: run.last, evaluations: run.last.evaluations };
        let moved = run.method.iterate(objective, &mut run.point, &mut around);
        let evaluations = around.evaluations;
        match moved {
            Ok(Some(moved)) => {
                let held_out = objective.held_out(&run.point.parameters).map_err(MinimiseError::Objective)?;
                run.record(&moved, evaluations, held_out);
            }
            Ok(None) => break run.stopped(Status::NoProgress, evaluations),
            Err(Stop::Interrupted) => break Status::Interrupted,
            Err(Stop::NotFinite { batch }) => break run.stopped(Status::NotFinite { batch }, evaluations),
            Err(Stop::Failed(error)) => return Err(MinimiseError::Objective(error)),
        }
    };
    let gradient_maximum = run.method.open_gradient(&run.point, constraints).1;
    Ok(Outcome {
        value: run.last.value,
        gradient_norm: run.last.gradient_norm,
        gradient_maximum,
        iterations: run.last.iteration,
        evaluations: run.last.evaluations,
        status,
        state: run.state(),
        parameters: run.point.parameters,
        history: run.history,
    })
}

/// A minimisation between two iterations.
struct Run<O: Objective> {
    method: Box<dyn Iterate<O>>,
    name: Method,
    point: Point,
    last: Progress,
    history: Vec<Progress>,
}

impl<O: Objective> Run<O> {
    /// Evaluates the function at the starting point.
    fn start(
        objective: &mut O,
        mut parameters: Vec<f64>,
        settings: &Settings,
        constraints: &Constraints,
    ) -> Result<Run<O>, MinimiseError<O::Error>> {
        constrained::clamp(&mut parameters, constraints);
        let mut gradient = vec![0.0; parameters.len()];
        let value = match settings.method.is_stochastic() {
            true => objective.evaluate_batch(0, &parameters, &mut gradient),
            false => objective.evaluate(&parameters, &mut gradient),
        };
        let value = value.map_err(MinimiseError::Objective)? + constrained::penalty(&parameters, constraints);
        let parameter = gradient.iter().position(|derivative| !derivative.is_finite());
        if !value.is_finite() || parameter.is_some() {
            return Err(MinimiseError::StartNotFinite { value, parameter });
        }
        let method = method_of(objective, settings, constraints, parameters.len());
        let point = Point { parameters, gradient };
        let gradient_norm = method.open_gradient(&point, constraints).0;
        let held_out = objective.held_out(&point.parameters).map_err(MinimiseError::Objective)?;
        let last = Progress { iteration: 0, evaluations: 1, value, gradient_norm, step: 0.0, held_out };
        Ok(Run { method, name: settings.method, point, last, history: vec![last] })
    }

    /// Goes on from a state of the same method.
    fn resume(objective: &O, state: &State, settings: &Settings, constraints: &Constraints) -> Option<Run<O>> {
        let (parameters, gradient) = (state.vector("parameters")?.to_vec(), state.vector("gradient")?.to_vec());
        if state.text("method")? != settings.method.names().0 || gradient.len() != parameters.len() {
            return None;
        }
        let mut method = method_of(objective, settings, constraints, parameters.len());
        method.restore(state, parameters.len())?;
        let history = state.history()?;
        let last = *history.last()?;
        Some(Run { method, name: settings.method, point: Point { parameters, gradient }, last, history })
    }

    fn state(&self) -> State {
        let mut state = State::default();
        state.set_text("method", self.name.names().0);
        state.set_vector("parameters", self.point.parameters.clone());
        state.set_vector("gradient", self.point.gradient.clone());
        state.set_history(&self.history);
        self.method.store(&mut state);
        state
    }

    fn finished(
        &self,
        settings: &Settings,
        constraints: &Constraints,
        interrupted: &AtomicBool,
        begun: Instant,
    ) -> Option<Status> {
        let (norm, maximum) = self.method.open_gradient(&self.point, constraints);
        let before = self.history.iter().rev().nth(1);
        let small = |before: &Progress| {
            let size = before.value.abs().max(self.last.value.abs());
            (before.value - self.last.value).abs() <= settings.decrease_tolerance * size
        };
        if norm <= settings.gradient_tolerance || maximum <= settings.maximum_tolerance {
            Some(Status::Converged)
        } else if settings.decrease_tolerance > 0.0 && before.is_some_and(small) {
            Some(Status::SmallDecrease)
        } else if interrupted.load(Ordering::Relaxed) {
            Some(Status::Interrupted)
        } else if self.last.iteration >= settings.iteration_limit {
            Some(Status::IterationLimit)
        } else {
            settings.time_limit.is_some_and(|limit| begun.elapsed() >= limit).then_some(Status::TimeLimit)
        }
    }

    fn record(&mut self, moved: &Moved, evaluations: usize, held_out: Option<f64>) {
        self.last = Progress {
            iteration: self.last.iteration + 1,
            evaluations,
            value: moved.value,
            gradient_norm: moved.gradient_norm,
            step: moved.step,
            held_out,
        };
        self.history.push(self.last);
    }

    /// Evaluations of an iteration that came to nothing count too.
    fn stopped(&mut self, status: Status, evaluations: usize) -> Status {
        self.last.evaluations = evaluations;
        status
    }
}
