//! From the files of the lessons to the optimum that Newton's method found in another program, to ten digits.

use std::convert::Infallible;
use std::ops::ControlFlow;
use std::sync::atomic::AtomicBool;

use kobai_fit::array::Array;
use kobai_fit::binding::Binding;
use kobai_fit::dataset::{Options, load};
use kobai_fit::solver::{Constraints, From, Outcome, Settings, Status, minimise};
use kobai_fit::source::Source;

/// The features and targets of the training rows, then of the held-out rows.
fn parts(file: &str, features: &str, targets: &str) -> [(Array, Array); 2] {
    let table = Source::open(format!("{}/../data/{file}", env!("CARGO_MANIFEST_DIR")), None).unwrap();
    let bindings = [features, targets].map(|text| Binding::parse(text).unwrap());
    let dataset = load(&table, &bindings, &[], &Options::default(), &mut |_| ControlFlow::Continue(())).unwrap();
    [&dataset.training, &dataset.held_out].map(|part| {
        let array = |name: &str| part.arrays[name].part_of(0..part.rows);
        (array(&bindings[0].symbol), array(&bindings[1].symbol))
    })
}

/// z = x W + b for one row, where the parameters are W [D, K], then b [K].
fn logits(x: &[f64], parameters: &[f64], classes: usize) -> Vec<f64> {
    let mut z = parameters[x.len() * classes..].to_vec();
    for (x_d, w_d) in x.iter().zip(parameters.chunks(classes)) {
        z.iter_mut().zip(w_d).for_each(|(z, w)| *z += x_d * w);
    }
    z
}

/// Adds x ⊗ residual and the residual itself to the gradient by W and b.
fn add_row(gradient: &mut [f64], x: &[f64], residual: &[f64]) {
    for (d, x_d) in x.iter().chain(&[1.0]).enumerate() {
        gradient[d * residual.len()..].iter_mut().zip(residual).for_each(|(g, r)| *g += x_d * r);
    }
}

/// Adds ½ λ Σ W² and its gradient to a sum over `rows` rows that becomes a mean.
fn finish(sum: f64, rows: usize, lambda: f64, parameters: &[f64], gradient: &mut [f64], penalised: usize) -> f64 {
    gradient.iter_mut().for_each(|g| *g /= rows as f64);
    gradient[..penalised].iter_mut().zip(parameters).for_each(|(g, w)| *g += lambda * w);
    sum / rows as f64 + 0.5 * lambda * parameters[..penalised].iter().map(|w| w * w).sum::<f64>()
}

fn fit(objective: impl FnMut(&[f64], &mut [f64]) -> Result<f64, Infallible>, parameters: usize) -> Outcome {
    let (mut objective, never) = (objective, AtomicBool::new(false));
    let how = (&Settings::default(), &Constraints::default());
    let outcome =
        minimise(&mut objective, From::Parameters(vec![0.0; parameters]), how, &never, &mut |_, _| {}).unwrap();
    assert_eq!(outcome.status, Status::Converged, "{}", outcome.gradient_norm);
    outcome
}

#[test]
fn softmax_regression_on_digits() {
    let [(x, t), (x_held_out, t_held_out)] =
        parts("digits.csv", "x = columns pixel_0..pixel_63 scaled by 1/16", "t = one-hot label");
    let objective = |parameters: &[f64], gradient: &mut [f64]| {
        gradient.fill(0.0);
        let mut sum = 0.0;
        for (x, t) in x.data.chunks(64).zip(t.data.chunks(10)) {
            let z = logits(x, parameters, 10);
            let largest = z.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let total: f64 = z.iter().map(|z| (z - largest).exp()).sum();
            let residual: Vec<f64> = z.iter().zip(t).map(|(z, t)| (z - largest).exp() / total - t).collect();
            sum += largest + total.ln() - z.iter().zip(t).map(|(z, t)| z * t).sum::<f64>();
            add_row(gradient, x, &residual);
        }
        Ok(finish(sum, 1438, 0.001, parameters, gradient, 640))
    };
    let outcome = fit(objective, 650);
    assert!((outcome.value - 0.260_841_570_086_37).abs() < 1e-12, "{}", outcome.value);
    let largest = |row: &[f64]| (0..row.len()).max_by(|&a, &b| row[a].total_cmp(&row[b]));
    let rows = x_held_out.data.chunks(64).zip(t_held_out.data.chunks(10));
    let right = rows.filter(|(x, t)| largest(&logits(x, &outcome.parameters, 10)) == largest(t)).count();
    assert_eq!((right, x_held_out.shape[0]), (348, 359));
}

#[test]
fn logistic_regression_on_breast_cancer() {
    let [(x, t), (x_held_out, t_held_out)] =
        parts("breast-cancer.csv", "x = columns * except malignant standardised", "t = column malignant");
    let objective = |parameters: &[f64], gradient: &mut [f64]| {
        gradient.fill(0.0);
        let mut sum = 0.0;
        for (x, t) in x.data.chunks(30).zip(&t.data) {
            let z = logits(x, parameters, 1)[0];
            sum += z.max(0.0) + (-z.abs()).exp().ln_1p() - t * z;
            add_row(gradient, x, &[1.0 / (1.0 + (-z).exp()) - t]);
        }
        Ok(finish(sum, 455, 0.01, parameters, gradient, 30))
    };
    let outcome = fit(objective, 31);
    assert!((outcome.value - 0.106_445_252_030_60).abs() < 1e-12, "{}", outcome.value);
    let rows = x_held_out.data.chunks(30).zip(&t_held_out.data);
    let right = rows.filter(|(x, t)| (logits(x, &outcome.parameters, 1)[0] > 0.0) == (**t == 1.0)).count();
    assert_eq!((right, t_held_out.shape[0]), (113, 114));
}
