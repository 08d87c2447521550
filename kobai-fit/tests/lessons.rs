//! The lessons end to end: from the document and the table to the optimum that an independent solver found.
//!
//! The optima come from Newton's method with the exact Hessian in NumPy f64, started at zero and run until the 2-norm of
//! the gradient was below 1e-13, on the same training rows, the same scaling and the same objective (printed in each
//! lesson): 0.260274730103 for the digits (λ = 0.001) and 0.106445252031 for the breast cancer data (λ = 0.01).

use kobai_fit::fit::prepare;
use kobai_fit::lbfgs::{Settings, Status};
use kobai_fit::lesson::front_matter;
use kobai_fit::split::{HELD_OUT_FRACTION, SEED};
use kobai_fit::table::Table;
use std::path::Path;
use std::sync::atomic::AtomicBool;

fn fit(lesson: &str, data: &str) -> (f64, f64, Status) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let text = std::fs::read_to_string(root.join(lesson)).expect("the lesson");
    let table = Table::read(root.join(data)).expect("the table");
    let bindings = front_matter(&text).bindings;
    let mut prepared =
        prepare(&text, &bindings, &table, HELD_OUT_FRACTION, SEED).unwrap_or_else(|error| panic!("{error:?}"));
    let fitted = prepared
        .train(&Settings::default(), &AtomicBool::new(false), &mut |_| {})
        .unwrap_or_else(|error| panic!("{error:?}"));
    (fitted.outcome.value, fitted.held_out_accuracy.expect("a label"), fitted.outcome.status)
}

#[test]
fn the_digits_reach_the_optimum() {
    let (loss, accuracy, status) = fit("book/softmax-regression.md", "data/digits.csv");
    assert_eq!(status, Status::Converged);
    assert!((loss - 0.260274730103).abs() < 1e-11, "{loss}");
    assert!(accuracy >= 0.95, "{accuracy}");
}

#[test]
fn breast_cancer_reaches_the_optimum() {
    let (loss, accuracy, status) = fit("book/logistic-regression.md", "data/breast-cancer.csv");
    assert_eq!(status, Status::Converged);
    assert!((loss - 0.106445252031).abs() < 1e-11, "{loss}");
    assert!(accuracy >= 0.95, "{accuracy}");
}
