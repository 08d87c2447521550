//! The lessons end to end: from the document and the table to the optimum that an independent solver found.
//!
//! The optima come from Newton's method with the exact Hessian in NumPy f64, started at zero and run until the 2-norm of
//! the gradient was below 1e-13, on the same training rows, the same scaling and the same objective (printed in each
//! lesson): 0.260841570086 for the digits (λ = 0.001) and 0.106445252031 for the breast cancer data (λ = 0.01).

use kobai_fit::dataset::Options;
use kobai_fit::fit::{Request, Training, prepare};
use kobai_fit::judge::Summary;
use kobai_fit::lesson::front_matter;
use kobai_fit::solver::{From, Status};
use kobai_fit::source::Source;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::atomic::AtomicBool;

fn fit(lesson: &str, data: &str) -> (f64, f64, Status) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let text = std::fs::read_to_string(root.join(lesson)).expect("the lesson");
    let table = Source::open(root.join(data), None).expect("the table");
    let bindings = front_matter(&text).bindings;
    let options = Options::default();
    let request = Request { document: &text, bindings: &bindings, table: &table, test: None, options };
    let go_on = |_| ControlFlow::Continue(());
    let mut prepared = prepare(&request, &mut { go_on }).unwrap_or_else(|error| panic!("{error:?}"));
    let training = Training::default();
    let runners = prepared.plan(&training).unwrap_or_else(|error| panic!("{error:?}"));
    let (start, _) = prepared.start(&[], None, 1).unwrap_or_else(|error| panic!("{error:?}"));
    let rows = |_: std::ops::Range<usize>| ControlFlow::Continue(());
    let outcome = prepared
        .train(&training, runners, From::Parameters(start), &AtomicBool::new(false), (&rows, &mut |_, _| {}))
        .unwrap_or_else(|error| panic!("{error:?}"));
    let judged = prepared.judge(&outcome.parameters).unwrap_or_else(|error| panic!("{error:?}"));
    let Some(Summary::Classes(classes)) = judged.held_out else { panic!("no classes") };
    (outcome.value, classes.accuracy(), outcome.status)
}

#[test]
fn the_digits_reach_the_optimum() {
    let (loss, accuracy, status) = fit("book/softmax-regression.md", "data/digits.csv");
    assert_eq!(status, Status::Converged);
    assert!((loss - 0.260841570086).abs() < 1e-11, "{loss}");
    assert!(accuracy >= 0.95, "{accuracy}");
}

#[test]
fn breast_cancer_reaches_the_optimum() {
    let (loss, accuracy, status) = fit("book/logistic-regression.md", "data/breast-cancer.csv");
    assert_eq!(status, Status::Converged);
    assert!((loss - 0.106445252031).abs() < 1e-11, "{loss}");
    assert!(accuracy >= 0.95, "{accuracy}");
}
