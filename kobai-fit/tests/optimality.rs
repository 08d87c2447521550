//! The solvers under constraints, and far from units that suit them, against optima found by another way.

mod problems;

use std::convert::Infallible;
use std::sync::atomic::AtomicBool;

use kobai_fit::solver::schedule::{Form, Schedule};
use kobai_fit::solver::{Constraints, From, Method, Objective, Outcome, Settings, Status, minimise};
use problems::{Rows, numbers, z};

fn run<O: Objective<Error = Infallible>>(
    objective: &mut O,
    start: &[f64],
    settings: Settings,
    constraints: Constraints,
) -> Outcome {
    let never = AtomicBool::new(false);
    minimise(objective, From::Parameters(start.to_vec()), (&settings, &constraints), &never, &mut |_, _| {}).unwrap()
}

fn all(length: usize, coefficient: f64) -> Constraints {
    Constraints { absolute: vec![coefficient; length], ..Constraints::default() }
}

fn assert_near(found: &[f64], expected: &[f64], tolerance: f64) {
    let far = found.iter().zip(expected).map(|(found, expected)| (found - expected).abs()).fold(0.0, f64::max);
    assert!(found.len() == expected.len() && far <= tolerance, "off by {far:e}: {found:?} is not {expected:?}");
}

/// The least of the mean of ½ (z − t)² plus Σ cⱼ |wⱼ| within bounds, by coordinate descent until nothing changes.
fn by_coordinates(table: &Rows, c: f64, lower: f64, upper: f64) -> Vec<f64> {
    let (rows, columns) = (table.x.len() as f64, table.x[0].len());
    let mut w = vec![0.0f64.clamp(lower, upper); columns];
    for _ in 0..200_000 {
        let mut moved = 0.0f64;
        for j in 0..columns {
            let square = table.x.iter().map(|x| x[j] * x[j]).sum::<f64>() / rows + table.penalty;
            let pull = table.x.iter().zip(&table.t).map(|(x, t)| x[j] * (t - z(x, &w) + x[j] * w[j])).sum::<f64>();
            let pull = pull / rows;
            let to = ((pull.abs() - c).max(0.0).copysign(pull) / square).clamp(lower, upper);
            moved = moved.max((to - w[j]).abs());
            w[j] = to;
        }
        if moved < 1e-15 {
            return w;
        }
    }
    panic!("coordinate descent does not end");
}

#[test]
fn many_correlated_parameters_within_a_box() {
    let weights = numbers(4, 40);
    let mut rows = Rows::new(120, &weights, 0.3);
    let expected = by_coordinates(&rows, 0.0, -0.25, 0.4);
    let constraints = Constraints { lower: vec![-0.25; 40], upper: vec![0.4; 40], ..Constraints::default() };
    let settings = Settings { gradient_tolerance: 1e-12, ..Settings::default() };
    let outcome = run(&mut rows, &[0.0; 40], settings, constraints);
    assert_eq!(outcome.status, Status::Converged, "{}", outcome.gradient_norm);
    assert_near(&outcome.parameters, &expected, 1e-10);
    let at_bounds = |w: &[f64]| w.iter().filter(|&&w| w == -0.25 || w == 0.4).count();
    assert!(at_bounds(&expected) > 10 && at_bounds(&outcome.parameters) == at_bounds(&expected));
}

#[test]
fn a_long_way_down_where_the_curvature_is_negative() {
    // w² / (1 + w²), which from 30 falls by 7e-5 a unit, and ever more steeply until 1/√3.
    let mut well = |w: &[f64], gradient: &mut [f64]| -> Result<f64, Infallible> {
        let below = 1.0 + w[0] * w[0];
        gradient[0] = 2.0 * w[0] / (below * below);
        Ok(w[0] * w[0] / below)
    };
    for constraints in
        [Constraints::default(), Constraints { lower: vec![-40.0], ..Constraints::default() }, all(1, 1e-6)]
    {
        let outcome = run(&mut well, &[30.0], Settings::default(), constraints);
        assert_eq!(outcome.status, Status::Converged);
        assert!(outcome.parameters[0].abs() < 1e-8 && outcome.evaluations < 60, "{}", outcome.evaluations);
    }
}

#[test]
fn a_correlated_lasso_against_coordinate_descent() {
    let mut weights = numbers(5, 40);
    (0..40).filter(|j| j % 3 != 0).for_each(|j| weights[j] = 0.0);
    let mut rows = Rows { penalty: 0.01, ..Rows::new(60, &weights, 0.2) };
    for (c, lower, upper) in [(0.02, f64::NEG_INFINITY, f64::INFINITY), (0.005, 0.0, 0.5), (0.03, -0.1, f64::INFINITY)]
    {
        let expected = by_coordinates(&rows, c, lower, upper);
        let constraints = Constraints { lower: vec![lower; 40], upper: vec![upper; 40], ..all(40, c) };
        let settings = Settings { gradient_tolerance: 1e-12, ..Settings::default() };
        let outcome = run(&mut rows, &[0.0; 40], settings, constraints);
        assert_eq!(outcome.status, Status::Converged, "{}", outcome.gradient_norm);
        assert_near(&outcome.parameters, &expected, 1e-9);
        let zeros = |w: &[f64]| w.iter().map(|&w| w == 0.0).collect::<Vec<_>>();
        assert_eq!(zeros(&outcome.parameters), zeros(&expected));
        assert!(zeros(&expected).iter().filter(|&&zero| zero).count() > 5);
    }
}

#[test]
fn stochastic_methods_go_to_the_minimum_of_the_penalised_function() {
    let mut weights = numbers(8, 10);
    (0..10).filter(|j| j % 2 == 0).for_each(|j| weights[j] = 0.0);
    let mut rows = Rows::new(80, &weights, 0.1);
    let expected = by_coordinates(&rows, 0.02, -0.15, 0.15);
    assert!(expected.contains(&0.0) && expected.contains(&0.15) && expected.contains(&-0.15), "{expected:?}");
    for (method, learning_rate, momentum) in
        [(Method::Sgd, 0.2, 0.0), (Method::Sgd, 0.2, 0.9), (Method::AdamW, 0.002, 0.0)]
    {
        let schedule = Schedule { form: Form::Constant, warm_up: 0.0 };
        let settings =
            Settings { method, learning_rate, momentum, schedule, iteration_limit: 4000, ..Settings::default() };
        let constraints = Constraints { lower: vec![-0.15; 10], upper: vec![0.15; 10], ..all(10, 0.02) };
        let outcome = run(&mut rows, &[0.1; 10], settings, constraints);
        assert_near(&outcome.parameters, &expected, 1e-9);
    }
}

#[test]
fn newton_does_not_take_a_small_unit_for_a_flat_function() {
    let mut rows = Rows::new(200, &numbers(3, 12), 0.5).logistic(0.0);
    rows.x.iter_mut().flatten().for_each(|x| *x *= 1e-8);
    let method = Method::NewtonConjugateGradient;
    let settings = Settings { method, gradient_tolerance: 1e-18, ..Settings::default() };
    let outcome = run(&mut rows, &[0.0; 12], settings, Constraints::default());
    assert!(outcome.status == Status::Converged && outcome.iterations < 20, "{:?}", outcome.status);
}
