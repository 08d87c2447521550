//! The lessons' models on all rows, held to the coefficients that other programs find: tests/files/reference.py made them
//! with scikit-learn and statsmodels.

use std::ops::{ControlFlow, Range};
use std::path::Path;
use std::sync::atomic::AtomicBool;

use kobai_fit::dataset::Options;
use kobai_fit::fit::{Request, Training, prepare};
use kobai_fit::lesson::front_matter;
use kobai_fit::solver::{From, Outcome, Settings, Status};
use kobai_fit::source::Source;
use serde_json::Value;

fn reference() -> Value {
    serde_json::from_str(include_str!("files/reference.json")).expect("the reference")
}

/// The coefficients of a parameter of a model.
fn expected(model: &str, parameter: &str) -> Vec<f64> {
    match &reference()[model][parameter] {
        Value::Array(entries) => entries.iter().map(|entry| entry.as_f64().expect("a number")).collect(),
        entry => vec![entry.as_f64().expect("a number")],
    }
}

/// A lesson's optimum on all rows, with these bindings beside its own, and each parameter by name.
fn fit(lesson: &str, data: &str, more: &[&str]) -> (Outcome, Vec<(String, Vec<f64>)>) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let text = std::fs::read_to_string(root.join("book").join(lesson)).expect("the lesson");
    let table = Source::open(root.join("data").join(data), None).expect("the table");
    let mut bindings = front_matter(&text).bindings;
    bindings.extend(more.iter().map(|binding| (*binding).to_owned()));
    let options = Options { held_out: 0.0, ..Options::default() };
    let request = Request { document: &text, bindings: &bindings, table: &table, test: None, options };
    let mut prepared =
        prepare(&request, &mut |_| ControlFlow::Continue(())).unwrap_or_else(|error| panic!("{error:?}"));
    assert!(prepared.convex, "{lesson} is convex");
    let settings = Settings { gradient_tolerance: 1e-11, ..Settings::default() };
    let training = Training { settings, ..Training::default() };
    let runners = prepared.plan(&training).unwrap_or_else(|error| panic!("{error:?}"));
    let start = prepared.start(&[], None, 1).unwrap_or_else(|error| panic!("{error:?}")).free;
    assert!(start.iter().all(|&entry| entry == 0.0), "what is convex starts from zero");
    let go_on = |_: Range<usize>| ControlFlow::Continue(());
    let outcome = prepared
        .train(&training, runners, From::Parameters(start), &AtomicBool::new(false), (&go_on, &mut |_, _| {}))
        .unwrap_or_else(|error| panic!("{error:?}"));
    assert!(matches!(outcome.status, Status::Converged | Status::NoProgress), "{:?}", outcome.status);
    assert!(outcome.gradient_norm < 1e-9, "{}", outcome.gradient_norm);
    let file = prepared.model_file(&prepared.entries(&outcome.parameters), Default::default());
    let parameters = file.parameters.into_iter().map(|(name, array)| (name, array.data)).collect();
    (outcome, parameters)
}

fn assert_near(parameters: &[(String, Vec<f64>)], model: &str, tolerance: f64) {
    for (name, found) in parameters {
        let expected = expected(model, name);
        assert_eq!(found.len(), expected.len(), "{model}, {name}");
        for (place, (found, expected)) in found.iter().zip(expected).enumerate() {
            assert!((found - expected).abs() < tolerance, "{model}, {name}[{place}]: {found} instead of {expected}");
        }
    }
}

#[test]
fn poisson_regression_is_that_of_statsmodels() {
    let (_, parameters) = fit("poisson-regression.md", "doctor-visits.csv", &[]);
    assert_eq!(parameters.len(), 2);
    assert_near(&parameters, "poisson", 1e-8);
}

#[test]
fn cox_regression_is_that_of_statsmodels() {
    let (_, parameters) = fit("cox-regression.md", "recidivism.csv", &[]);
    assert_eq!(parameters.len(), 1);
    assert_near(&parameters, "cox", 1e-8);
}

#[test]
fn logistic_regression_is_that_of_scikit_learn() {
    // Their C = 1 is a penalty of ½ ‖w‖² beside the sum over 569 rows.
    let (_, parameters) = fit("logistic-regression.md", "breast-cancer.csv", &["lambda = 1/569"]);
    assert_near(&parameters, "logistic", 1e-8);
}

#[test]
fn softmax_regression_is_that_of_scikit_learn() {
    let (outcome, parameters) = fit("softmax-regression.md", "digits.csv", &["lambda = 1/1797"]);
    let (_, weights) = parameters.iter().find(|(name, _)| name == "W").expect("weights");
    // A number added to all weights of a pixel changes no probability; the penalty makes their mean zero.
    let expected = expected("softmax", "W");
    for (place, (found, expected)) in weights.iter().zip(&expected).enumerate() {
        assert!((found - expected).abs() < 1e-6, "W[{place}]: {found} instead of {expected}");
    }
    let penalty: f64 = weights.iter().map(|weight| weight * weight).sum::<f64>() / (2.0 * 1797.0);
    let mean = reference()["softmax"]["mean_loss"].as_f64().expect("a number");
    assert!((outcome.value - penalty - mean).abs() < 1e-9, "{} instead of {mean}", outcome.value - penalty);
}
