//! Every solver on problems whose solution is known, stopped anywhere and gone on with the same bits.

use std::convert::Infallible;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use kobai_fit::saved::{Saved, load, save};
use kobai_fit::solver::schedule::{Form, Schedule};
use kobai_fit::solver::state::State;
use kobai_fit::solver::{
    Constraints, From, METHODS, Method, MinimiseError, Objective, Outcome, Settings, Status, minimise,
};

/// ½ Σᵢ (Σⱼ xᵢⱼ wⱼ − yᵢ)² ÷ rows, in batches of two rows.
#[derive(Clone)]
struct LeastSquares {
    x: Vec<[f64; 3]>,
    y: Vec<f64>,
}

impl LeastSquares {
    fn new() -> LeastSquares {
        let row = |i: usize| [1.0, (i as f64 * 0.7).sin(), (i as f64 * 1.3).cos()];
        let x: Vec<[f64; 3]> = (0..12).map(row).collect();
        let noise = |i: usize| 0.1 * ((i * i) as f64).sin();
        let y = x.iter().enumerate().map(|(i, x)| 0.5 * x[0] - 2.0 * x[1] + 0.02 * x[2] + noise(i)).collect();
        LeastSquares { x, y }
    }

    fn over(&self, rows: std::ops::Range<usize>, w: &[f64], gradient: &mut [f64]) -> f64 {
        gradient.fill(0.0);
        let count = rows.len() as f64;
        let mut value = 0.0;
        for row in rows {
            let rest: f64 = self.x[row].iter().zip(w).map(|(x, w)| x * w).sum::<f64>() - self.y[row];
            value += 0.5 * rest * rest / count;
            gradient.iter_mut().zip(self.x[row]).for_each(|(g, x)| *g += rest * x / count);
        }
        value
    }

    /// The optimum of the sum with Σ cⱼ |wⱼ|, by descent along one coordinate after another, which is exact in each.
    fn lasso(&self, weights: &[f64; 3]) -> [f64; 3] {
        let rows = self.x.len() as f64;
        let mut w = [0.0_f64; 3];
        for _ in 0..10_000 {
            for j in 0..3 {
                let square: f64 = self.x.iter().map(|x| x[j] * x[j]).sum::<f64>() / rows;
                let mut along = 0.0;
                for (x, y) in self.x.iter().zip(&self.y) {
                    let others: f64 = (0..3).filter(|&k| k != j).map(|k| x[k] * w[k]).sum();
                    along += x[j] * (y - others) / rows;
                }
                w[j] = along.signum() * (along.abs() - weights[j]).max(0.0) / square;
            }
        }
        w
    }
}

impl Objective for LeastSquares {
    type Error = Infallible;

    fn evaluate(&mut self, w: &[f64], gradient: &mut [f64]) -> Result<f64, Infallible> {
        Ok(self.over(0..self.x.len(), w, gradient))
    }

    fn batches(&self) -> usize {
        self.x.len() / 2
    }

    fn evaluate_batch(&mut self, batch: usize, w: &[f64], gradient: &mut [f64]) -> Result<f64, Infallible> {
        Ok(self.over(2 * batch..2 * batch + 2, w, gradient))
    }
}

fn run<O: Objective>(
    objective: &mut O,
    from: From,
    settings: &Settings,
    constraints: &Constraints,
) -> Result<Outcome, MinimiseError<O::Error>> {
    minimise(objective, from, (settings, constraints), &AtomicBool::new(false), &mut |_, _| {})
}

fn solved(method: Method, constraints: &Constraints) -> Outcome {
    let settings = Settings { method, gradient_tolerance: 1e-12, ..Settings::default() };
    run(&mut LeastSquares::new(), From::Parameters(vec![0.0; 3]), &settings, constraints).unwrap()
}

fn assert_near(found: &[f64], expected: &[f64], tolerance: f64) {
    let near = found.iter().zip(expected).all(|(found, expected)| (found - expected).abs() <= tolerance);
    assert!(near && found.len() == expected.len(), "{found:?} instead of {expected:?}");
}

#[test]
fn absolute_values_end_at_exact_zeros() {
    for weights in [[0.0, 0.0, 0.05], [0.1, 0.2, 0.1], [0.0, 0.5, 0.5], [1.0, 1.0, 1.0]] {
        let expected = LeastSquares::new().lasso(&weights);
        let outcome = solved(Method::Lbfgs, &Constraints { absolute: weights.to_vec(), ..Constraints::default() });
        assert_eq!(outcome.status, Status::Converged, "{weights:?}: {}", outcome.gradient_norm);
        assert_near(&outcome.parameters, &expected, 1e-11);
        for (found, expected) in outcome.parameters.iter().zip(expected) {
            assert_eq!(*found == 0.0, expected == 0.0, "{weights:?}: {found} instead of {expected}");
        }
    }
}

#[test]
fn bounds_hold_and_the_rest_is_at_its_best() {
    // With w₁ held at its bound, the others are the least squares of what is left: the conditions of Karush, Kuhn and
    // Tucker hold if the open gradient vanishes and the held one points outwards.
    let constraints = Constraints {
        lower: vec![f64::NEG_INFINITY, -1.0, 0.1],
        upper: vec![0.25, f64::INFINITY, 9.0],
        ..Constraints::default()
    };
    let outcome = solved(Method::Lbfgs, &constraints);
    assert_eq!(outcome.status, Status::Converged, "{}", outcome.gradient_norm);
    let mut gradient = [0.0; 3];
    LeastSquares::new().evaluate(&outcome.parameters, &mut gradient).unwrap();
    let [a, b, c] = outcome.parameters[..] else { panic!("three parameters") };
    assert_eq!((a, b, c), (0.25, -1.0, 0.1), "all three are at their bounds");
    assert!(gradient[0] < 0.0 && gradient[1] > 0.0 && gradient[2] > 0.0, "{gradient:?}");
    let free = Constraints { lower: vec![-9.0; 3], upper: vec![9.0, -1.9, 9.0], ..Constraints::default() };
    let (within, without) = (solved(Method::Lbfgs, &free), solved(Method::Lbfgs, &Constraints::default()));
    assert_near(&within.parameters, &without.parameters, 1e-11);
}

#[test]
fn a_start_outside_of_the_bounds_is_moved_into_them() {
    let constraints = Constraints { lower: vec![1.0], upper: vec![2.0], ..Constraints::default() };
    let mut square = |x: &[f64], gradient: &mut [f64]| -> Result<f64, Infallible> {
        assert!((1.0..=2.0).contains(&x[0]), "{} is outside", x[0]);
        gradient[0] = 2.0 * x[0];
        Ok(x[0] * x[0])
    };
    let outcome = run(&mut square, From::Parameters(vec![7.0]), &Settings::default(), &constraints).unwrap();
    assert_eq!((outcome.status, outcome.parameters[0]), (Status::Converged, 1.0));
}

#[test]
fn newtons_method_ends_in_a_few_steps() {
    let outcome = solved(Method::NewtonConjugateGradient, &Constraints::default());
    assert_eq!(outcome.status, Status::Converged, "{}", outcome.gradient_norm);
    assert_near(&outcome.parameters, &LeastSquares::new().lasso(&[0.0; 3]), 1e-10);
    let mut rosenbrock = |x: &[f64], gradient: &mut [f64]| -> Result<f64, Infallible> {
        let (valley, rest) = (x[1] - x[0] * x[0], 1.0 - x[0]);
        gradient[0] = -400.0 * valley * x[0] - 2.0 * rest;
        gradient[1] = 200.0 * valley;
        Ok(100.0 * valley * valley + rest * rest)
    };
    let settings = Settings { method: Method::NewtonConjugateGradient, ..Settings::default() };
    let outcome = run(&mut rosenbrock, From::Parameters(vec![-1.2, 1.0]), &settings, &Constraints::default()).unwrap();
    assert_eq!(outcome.status, Status::Converged, "{}", outcome.gradient_norm);
    // Along the valley each step is short; in it two or three end the way.
    assert!(outcome.iterations < 90, "{}", outcome.iterations);
    let norms: Vec<f64> = outcome.history.iter().rev().take(3).map(|progress| progress.gradient_norm).collect();
    assert!(norms[0] < 1e-2 * norms[1] && norms[1] < 0.3 * norms[2], "{norms:?}");
    let bounded = Constraints { lower: vec![0.0; 2], upper: vec![1.0; 2], ..Constraints::default() };
    let error = run(&mut rosenbrock, From::Parameters(vec![0.5; 2]), &settings, &bounded).unwrap_err();
    assert_eq!(error, MinimiseError::ConstraintsNotSupported(Method::NewtonConjugateGradient));
}

#[test]
fn the_first_step_after_a_batch_is_that_of_the_paper() {
    let constant = Schedule { form: Form::Constant, warm_up: 0.0 };
    let mut slope = |_: &[f64], gradient: &mut [f64]| -> Result<f64, Infallible> {
        gradient.copy_from_slice(&[4.0, -0.5]);
        Ok(1.0)
    };
    let base = Settings { iteration_limit: 1, learning_rate: 0.1, schedule: constant, ..Settings::default() };
    // Adam's first step is the sign of the gradient; the decay is apart from it.
    let adam = Settings { method: Method::AdamW, weight_decay: 0.5, ..base.clone() };
    let outcome = run(&mut slope, From::Parameters(vec![2.0, 0.0]), &adam, &Constraints::default()).unwrap();
    assert_near(&outcome.parameters, &[2.0 - 0.1 - 0.1 * 0.5 * 2.0, 0.1], 1e-8);
    // Nesterov's first step is the gradient and, ahead of time, the part that the next one keeps.
    let sgd = Settings { method: Method::Sgd, momentum: 0.5, ..base };
    let outcome = run(&mut slope, From::Parameters(vec![2.0, 0.0]), &sgd, &Constraints::default()).unwrap();
    assert_near(&outcome.parameters, &[2.0 - 0.1 * 6.0, 0.1 * 0.75], 1e-15);
}

#[test]
fn batches_come_near_the_optimum() {
    let expected = LeastSquares::new().lasso(&[0.0; 3]);
    for (method, learning_rate) in [(Method::AdamW, 0.05), (Method::Sgd, 0.05)] {
        let settings = Settings { method, learning_rate, iteration_limit: 2000, ..Settings::default() };
        let outcome = run(&mut LeastSquares::new(), From::Parameters(vec![0.0; 3]), &settings, &Constraints::default());
        let outcome = outcome.unwrap();
        assert_eq!((outcome.status, outcome.iterations), (Status::IterationLimit, 2000));
        assert_near(&outcome.parameters, &expected, 2e-3);
    }
}

#[test]
fn a_run_that_was_stopped_goes_on_with_the_same_bits() {
    let absolute = Constraints { absolute: vec![0.0, 0.1, 0.05], ..Constraints::default() };
    for &(name, method, _) in METHODS {
        for constraints in [Constraints::default(), absolute.clone()] {
            if method == Method::NewtonConjugateGradient && !constraints.is_empty() {
                continue;
            }
            let settings = Settings { method, iteration_limit: 12, gradient_tolerance: 1e-13, ..Settings::default() };
            let mut states: Vec<State> = Vec::new();
            let whole = minimise(
                &mut LeastSquares::new(),
                From::Parameters(vec![0.3, -0.1, 0.2]),
                (&settings, &constraints),
                &AtomicBool::new(false),
                &mut |_, state| states.push(state()),
            )
            .unwrap();
            for (iteration, state) in states.into_iter().enumerate() {
                // By way of a file, as a checkpoint does.
                let folder = tempfile::tempdir().unwrap();
                let (mut saved, path) = (Saved::default(), folder.path().join("state.safetensors"));
                state.add_to(&mut saved);
                save(&path, &saved).unwrap();
                let state = State::take_from(&mut load(&path).unwrap()).unwrap();
                let again = run(&mut LeastSquares::new(), From::State(state), &settings, &constraints).unwrap();
                assert_eq!(again, whole, "{name}, stopped after iteration {iteration}");
            }
        }
    }
}

#[test]
fn a_state_of_another_run_is_refused() {
    let outcome = solved(Method::Lbfgs, &Constraints::default());
    let adam = Settings { method: Method::AdamW, ..Settings::default() };
    let from = From::State(outcome.state);
    let error = run(&mut LeastSquares::new(), from, &adam, &Constraints::default()).unwrap_err();
    assert_eq!(error, MinimiseError::OtherState);
    let from = From::State(State::default());
    let error = run(&mut LeastSquares::new(), from, &adam, &Constraints::default()).unwrap_err();
    assert_eq!(error, MinimiseError::OtherState);
}

/// Least squares of which one batch has no value from an epoch on.
struct Breaks {
    inner: LeastSquares,
    calls: usize,
}

impl Objective for Breaks {
    type Error = Infallible;

    fn evaluate(&mut self, w: &[f64], gradient: &mut [f64]) -> Result<f64, Infallible> {
        self.inner.evaluate(w, gradient)
    }

    fn batches(&self) -> usize {
        self.inner.batches()
    }

    fn evaluate_batch(&mut self, batch: usize, w: &[f64], gradient: &mut [f64]) -> Result<f64, Infallible> {
        self.calls += 1;
        let value = self.inner.evaluate_batch(batch, w, gradient)?;
        Ok(if self.calls > 20 && batch == 4 { f64::NAN } else { value })
    }
}

#[test]
fn a_loss_that_is_no_number_any_more_keeps_the_last_good_point() {
    for method in [Method::AdamW, Method::Sgd] {
        let settings = Settings { method, ..Settings::default() };
        let mut breaks = Breaks { inner: LeastSquares::new(), calls: 0 };
        let mut kept = Vec::new();
        let outcome = minimise(
            &mut breaks,
            From::Parameters(vec![0.0; 3]),
            (&settings, &Constraints::default()),
            &AtomicBool::new(false),
            &mut |_, state| kept.push(state()),
        )
        .unwrap();
        // The start is one call, and an epoch six.
        assert_eq!((outcome.status, outcome.iterations), (Status::NotFinite { batch: 4 }, 3));
        assert_eq!(kept[3].vector("parameters"), Some(&outcome.parameters[..]));
        assert!(outcome.parameters.iter().all(|parameter| parameter.is_finite()));
    }
}

#[test]
fn each_end_says_why() {
    let start = || From::Parameters(vec![0.0; 3]);
    let none = Constraints::default();
    let end = |settings: &Settings| run(&mut LeastSquares::new(), start(), settings, &none).unwrap();
    let slow = Settings { memory: Some(0), gradient_tolerance: 0.0, ..Settings::default() };
    assert_eq!(end(&Settings { iteration_limit: 2, ..slow.clone() }).status, Status::IterationLimit);
    assert_eq!(end(&Settings { time_limit: Some(Duration::ZERO), ..slow.clone() }).status, Status::TimeLimit);
    let small = end(&Settings { decrease_tolerance: 1e-3, ..slow.clone() });
    assert_eq!(small.status, Status::SmallDecrease);
    let [.., before, last] = &small.history[..] else { panic!("two iterations") };
    assert!(before.value - last.value <= 1e-3 * before.value);
    let largest = end(&Settings { maximum_tolerance: 1e-4, ..slow.clone() });
    assert!(largest.status == Status::Converged && largest.gradient_maximum <= 1e-4);
    let interrupted = AtomicBool::new(false);
    let outcome = minimise(&mut LeastSquares::new(), start(), (&slow, &none), &interrupted, &mut |progress, _| {
        interrupted.store(progress.iteration == 3, Ordering::Relaxed);
    });
    let outcome = outcome.unwrap();
    assert_eq!((outcome.status, outcome.iterations), (Status::Interrupted, 3));
}
