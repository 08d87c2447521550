//! Features of any unit: what their products say of the curvature makes a fit go as fast as with standardised ones.

use kobai_fit::dataset::Options;
use kobai_fit::fit::{Request, Training, prepare};
use kobai_fit::solver::{From, Outcome, Settings, Status};
use kobai_fit::source::Source;
use std::fmt::Write;
use std::ops::ControlFlow;
use std::sync::atomic::AtomicBool;

/// Counts whose mean depends on three features of very different size, of which two go together, rows in an order that the
/// first one decides.
fn table() -> (tempfile::TempDir, Source) {
    let mut text = String::from("small,middle,large,count\n");
    for row in 0..400 {
        let t = f64::from(row) / 400.0;
        let (small, middle) = (1e-4 * t, (37.0 * t).sin());
        let large = 1e4 * (1.0 + 0.3 * t + 0.1 * (71.0 * t).cos());
        let count = ((1.0 + t + 0.5 * middle).exp() + 0.5 * (113.0 * t).sin()).round().max(0.0);
        let _ = writeln!(text, "{small},{middle},{large},{count}");
    }
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("counts.csv");
    std::fs::write(&path, text).expect("written");
    let source = Source::open(&path, None).expect("a table");
    (folder, source)
}

/// Poisson regression on some features, with a penalty.
fn fitted(table: &Source, x: &str, penalty: &str) -> Outcome {
    let document = format!(
        r"$$\eta_i = \sum_d x_{{id}} w_d + b$$
$$\min_{{w, b}} \; \frac{{1}}{{N}} \sum_{{i=1}}^{{N}} (e^{{\eta_i}} - v_i \eta_i) {penalty}$$"
    );
    let (outcome, knows) = trained(table, &document, &[format!("x = {x}"), "v = count".to_owned()]);
    assert!(knows, "the features say nothing");
    outcome
}

/// Trains from zero, and says whether the features showed the curvature.
fn trained(table: &Source, document: &str, bindings: &[String]) -> (Outcome, bool) {
    let options = Options { held_out: 0.0, ..Options::default() };
    let request = Request { document, bindings, table, test: None, options };
    let mut prepared =
        prepare(&request, &mut |_| ControlFlow::Continue(())).unwrap_or_else(|error| panic!("{error:?}"));
    let settings = Settings { gradient_tolerance: 0.0, maximum_tolerance: 1e-6, ..Settings::default() };
    let training = Training { settings, ..Training::default() };
    let runners = prepared.plan(&training).unwrap_or_else(|error| panic!("{error:?}"));
    let knows = runners.rows_known().is_some();
    let start = From::Parameters(vec![0.0; prepared.model.entries()]);
    let (go_on, flag) = (|_: std::ops::Range<usize>| ControlFlow::Continue(()), AtomicBool::new(false));
    let outcome = prepared.train(&training, runners, start, &flag, (&go_on, &mut |_, _| {}));
    (outcome.unwrap_or_else(|error| panic!("{error:?}")), knows)
}

#[test]
fn a_penalty_of_nothing_is_none() {
    let (_folder, table) = table();
    let bindings = |weight: &str| {
        let features = "x = standardise(small, middle, large)".to_owned();
        [features, "v = count".to_owned(), format!("lambda = {weight}")]
    };
    let document = r"$$\eta_i = \sum_d x_{id} w_d + b$$
$$\min_{w, b} \; \frac{1}{N} \sum_{i=1}^{N} (e^{\eta_i} - v_i \eta_i) + \frac{\lambda}{2} \sum_d w_d^2$$";
    let (without, knows) = trained(&table, document, &bindings("0"));
    assert!(knows, "the features say nothing");
    assert_eq!(without.status, Status::Converged);
    assert_eq!(without.parameters, fitted(&table, "standardise(small, middle, large)", "").parameters);
    let (penalised, _) = trained(&table, document, &bindings("0.1"));
    assert!(penalised.value > without.value, "{} and {}", penalised.value, without.value);
}

#[test]
fn features_need_not_be_standardised() {
    let (_folder, table) = table();
    let standardised = fitted(&table, "standardise(small, middle, large)", "");
    assert_eq!(standardised.status, Status::Converged);
    let raw = fitted(&table, "small, middle, large", "");
    assert!((raw.value - standardised.value).abs() < 1e-9, "{} {}", raw.value, standardised.value);
    assert!(raw.evaluations <= 2 * standardised.evaluations, "{} {}", raw.evaluations, standardised.evaluations);
}

/// A penalty is of another size than the data for each feature, and both count.
#[test]
fn a_penalty_of_one_size_for_features_of_all_sizes() {
    let (_folder, table) = table();
    let outcome = fitted(&table, "small, middle, large", r"+ \frac{1}{2} \sum_d w_d^2");
    assert_eq!(outcome.status, Status::Converged);
    assert!(outcome.evaluations <= 40, "{}", outcome.evaluations);
}

/// The first row has no row before it, and the loss does not look for one.
#[test]
fn a_feature_that_some_rows_lack_says_nothing_and_harms_nothing() {
    let (_folder, table) = table();
    let document = r"$$\min_{a, b} \; \frac{1}{N} \sum_{i=2}^{N} (u_i - a u_{i-1} - b)^2$$";
    let (outcome, knows) = trained(&table, document, &["u = middle".to_owned()]);
    assert_eq!((outcome.status, knows), (Status::Converged, false));
    // Of a sine in equal steps, each is the one before times almost 1.
    assert!((outcome.parameters[0] - 1.0).abs() < 0.01, "{:?}", outcome.parameters);
}
