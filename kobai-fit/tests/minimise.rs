//! L-BFGS on functions whose minimum is known, and on those that make a line search fail.

use std::convert::Infallible;
use std::sync::atomic::{AtomicBool, Ordering};

use kobai_fit::solver::state::State;
use kobai_fit::solver::{Constraints, From, MinimiseError, Objective, Outcome, Progress, Settings, Status, minimise};

/// Minimises without constraints.
fn free<O: Objective>(
    objective: &mut O,
    start: &[f64],
    settings: &Settings,
    interrupted: &AtomicBool,
    watch: &mut dyn FnMut(&Progress, &dyn Fn() -> State),
) -> Result<Outcome, MinimiseError<O::Error>> {
    minimise(objective, From::Parameters(start.to_vec()), (settings, &Constraints::default()), interrupted, watch)
}

fn run(objective: &mut impl Objective<Error = Infallible>, start: &[f64], settings: &Settings) -> Outcome {
    free(objective, start, settings, &AtomicBool::new(false), &mut |_, _| {}).unwrap()
}

fn tolerance(gradient_tolerance: f64) -> Settings {
    Settings { gradient_tolerance, ..Settings::default() }
}

/// ½ Σ cᵢ (xᵢ − 1)² with c from 1 to `condition`.
fn quadratic(condition: f64) -> impl FnMut(&[f64], &mut [f64]) -> Result<f64, Infallible> {
    move |x, gradient| {
        let mut value = 0.0;
        for (i, &x_i) in x.iter().enumerate() {
            let c = condition.powf(i as f64 / (x.len() - 1) as f64);
            value += 0.5 * c * (x_i - 1.0) * (x_i - 1.0);
            gradient[i] = c * (x_i - 1.0);
        }
        Ok(value)
    }
}

fn rosenbrock(x: &[f64], gradient: &mut [f64]) -> Result<f64, Infallible> {
    gradient.fill(0.0);
    let mut value = 0.0;
    for i in 0..x.len() - 1 {
        let (valley, rest) = (x[i + 1] - x[i] * x[i], 1.0 - x[i]);
        value += 100.0 * valley * valley + rest * rest;
        gradient[i] -= 400.0 * valley * x[i] + 2.0 * rest;
        gradient[i + 1] += 200.0 * valley;
    }
    Ok(value)
}

#[test]
fn an_ill_conditioned_quadratic() {
    // With room for every direction the curvature is learned soon; with less it is a long way, but it ends.
    for (memory, iteration_limit) in [(30, 1000), (10, 20_000)] {
        let settings = Settings { memory: Some(memory), iteration_limit, ..Settings::default() };
        let outcome = run(&mut quadratic(1e6), &[0.0; 20], &settings);
        assert_eq!(outcome.status, Status::Converged, "{} after {}", outcome.gradient_norm, outcome.iterations);
        assert!(outcome.parameters.iter().all(|x| (x - 1.0).abs() < 1e-7));
        assert!(outcome.gradient_maximum <= outcome.gradient_norm && outcome.gradient_norm <= 1e-8);
    }
}

#[test]
fn rosenbrocks_valley() {
    for dimensions in [2, 10] {
        let outcome = run(&mut rosenbrock, &vec![-1.2; dimensions], &tolerance(1e-10));
        assert_eq!(outcome.status, Status::Converged, "{}", outcome.gradient_norm);
        assert!(outcome.value < 1e-18 && outcome.evaluations < 200, "{}", outcome.evaluations);
    }
}

#[test]
fn a_value_with_a_large_constant_still_gives_a_small_gradient() {
    // Near the minimum the values are all 1000 but for rounding; the gradients are not.
    let mut objective = |x: &[f64], gradient: &mut [f64]| rosenbrock(x, gradient).map(|value| value + 1000.0);
    let outcome = run(&mut objective, &[-1.2, 1.0, -1.2, 1.0], &tolerance(1e-11));
    assert_eq!(outcome.status, Status::Converged, "{}", outcome.gradient_norm);
}

/// The mean cross-entropy of a linear classifier with three classes, and ½ λ Σ W²; its bias is not penalised.
fn cross_entropy(x: &[[f64; 2]], labels: &[usize], lambda: f64, w: &[f64], gradient: &mut [f64]) -> f64 {
    let mut value = 0.0;
    gradient.fill(0.0);
    for (x, &label) in x.iter().zip(labels) {
        let z = [0, 1, 2].map(|k| x[0] * w[k] + x[1] * w[3 + k] + w[6 + k]);
        let largest = z.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let total: f64 = z.iter().map(|z| (z - largest).exp()).sum();
        value += largest + total.ln() - z[label];
        for (k, z) in z.into_iter().enumerate() {
            let residual = (z - largest).exp() / total - f64::from(u8::from(k == label));
            for (place, factor) in [(k, x[0]), (3 + k, x[1]), (6 + k, 1.0)] {
                gradient[place] += residual * factor / labels.len() as f64;
            }
        }
    }
    for k in 0..6 {
        gradient[k] += lambda * w[k];
    }
    value / labels.len() as f64 + 0.5 * lambda * w[..6].iter().map(|w| w * w).sum::<f64>()
}

#[test]
fn multinomial_logistic_regression_to_the_rounding_level() {
    let x = [[0.0, 0.1], [0.2, -0.3], [2.0, 0.4], [1.7, -0.2], [0.3, 2.1], [-0.2, 1.8], [1.0, 1.0], [0.9, 0.2]];
    let labels = [0, 0, 1, 1, 2, 2, 1, 0];
    let mut objective = |w: &[f64], gradient: &mut [f64]| Ok(cross_entropy(&x, &labels, 0.01, w, gradient));
    let outcome = run(&mut objective, &[0.0; 9], &tolerance(1e-13));
    assert_eq!(outcome.status, Status::Converged, "{}", outcome.gradient_norm);
    assert!((outcome.history[0].value - 3f64.ln()).abs() < 1e-15);
    // At the optimum of an unpenalised bias, the mean residual of each class is zero; the biases sum to what they began.
    assert!(outcome.parameters[6..].iter().sum::<f64>().abs() < 1e-12);
    assert!(outcome.history.windows(2).all(|pair| pair[1].value <= pair[0].value * (1.0 + 1e-12)));
}

#[test]
fn a_tolerance_out_of_reach_ends_at_the_rounding_level() {
    let x = [[0.0, 0.1], [0.2, -0.3], [2.0, 0.4], [1.7, -0.2]];
    let mut objective = |w: &[f64], gradient: &mut [f64]| Ok(cross_entropy(&x, &[0, 2, 1, 1], 0.1, w, gradient));
    let outcome = run(&mut objective, &[0.0; 9], &tolerance(0.0));
    assert!(matches!(outcome.status, Status::NoProgress | Status::Converged | Status::IterationLimit));
    assert!(outcome.gradient_norm < 1e-14, "{}", outcome.gradient_norm);
}

#[test]
fn points_that_are_too_far_are_backed_away_from() {
    // x − ln x, which is not a number for x < 0, from where the first step goes there.
    for (scale, start) in [(1.0, 1e-3), (1e3, 5.0)] {
        let mut objective = |x: &[f64], gradient: &mut [f64]| -> Result<f64, Infallible> {
            gradient[0] = scale * (1.0 - 1.0 / x[0]);
            Ok(scale * (x[0] - x[0].ln()))
        };
        let outcome = run(&mut objective, &[start], &tolerance(1e-10));
        assert_eq!(outcome.status, Status::Converged, "{}", outcome.gradient_norm);
        assert!((outcome.parameters[0] - 1.0).abs() < 1e-8);
    }
    // A finite value whose gradient is not finite is too far as well.
    let mut objective = |x: &[f64], gradient: &mut [f64]| -> Result<f64, Infallible> {
        gradient[0] = if x[0] > 2.0 { f64::NAN } else { 1e3 * (x[0] - 1.9) };
        Ok(500.0 * (x[0] - 1.9) * (x[0] - 1.9))
    };
    assert_eq!(run(&mut objective, &[-7.0], &tolerance(1e-10)).status, Status::Converged);
}

#[test]
fn a_function_without_a_minimum_ends() {
    let mut objective = |x: &[f64], gradient: &mut [f64]| -> Result<f64, Infallible> {
        gradient[0] = -1.0;
        Ok(-x[0])
    };
    let outcome = run(&mut objective, &[0.0], &Settings::default());
    assert!(matches!(outcome.status, Status::IterationLimit | Status::NoProgress));
    assert!(outcome.value < 0.0);
}

#[test]
fn no_parameters() {
    let outcome = run(&mut |_: &[f64], _: &mut [f64]| Ok(7.0), &[], &Settings::default());
    assert_eq!((outcome.status, outcome.value, outcome.evaluations), (Status::Converged, 7.0, 1));
}

#[test]
fn the_iteration_limit() {
    let settings = Settings { iteration_limit: 3, ..Settings::default() };
    let outcome = run(&mut rosenbrock, &[-1.2, 1.0], &settings);
    assert_eq!((outcome.status, outcome.iterations, outcome.history.len()), (Status::IterationLimit, 3, 4));
    assert!(outcome.value < outcome.history[0].value);
}

#[test]
fn an_interruption_returns_what_was_reached() {
    let interrupted = AtomicBool::new(false);
    let mut events = Vec::new();
    let outcome = free(&mut rosenbrock, &[-1.2, 1.0], &Settings::default(), &interrupted, &mut |progress, _| {
        events.push(*progress);
        interrupted.store(progress.iteration == 4, Ordering::Relaxed);
    })
    .unwrap();
    assert_eq!((outcome.status, outcome.iterations), (Status::Interrupted, 4));
    assert_eq!(events, outcome.history);
    let mut gradient = [0.0; 2];
    assert_eq!(rosenbrock(&outcome.parameters, &mut gradient), Ok(outcome.value));
}

#[test]
fn errors_and_a_start_without_a_value_are_returned() {
    let flag = AtomicBool::new(false);
    let mut fails = |_: &[f64], _: &mut [f64]| Err::<f64, _>("out of memory");
    let error = free(&mut fails, &[0.0], &Settings::default(), &flag, &mut |_, _| {}).unwrap_err();
    assert_eq!(error, MinimiseError::Objective("out of memory"));
    let mut not_finite = |_: &[f64], gradient: &mut [f64]| -> Result<f64, Infallible> {
        gradient[1] = f64::NAN;
        Ok(1.0)
    };
    let error = free(&mut not_finite, &[0.0; 2], &Settings::default(), &flag, &mut |_, _| {}).unwrap_err();
    assert!(matches!(error, MinimiseError::StartNotFinite { parameter: Some(1), .. }));
}

#[test]
fn the_same_input_gives_the_same_bits() {
    let once = run(&mut rosenbrock, &[-1.2, 1.0, 3.0], &tolerance(1e-10));
    assert_eq!(once, run(&mut rosenbrock, &[-1.2, 1.0, 3.0], &tolerance(1e-10)));
}
