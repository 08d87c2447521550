//! How well predictions fit what was observed: against scikit-learn (`files/metrics.py`), and in the cases at the edge.

use kobai_fit::metrics::{AreaUnderCurve, ClassMetrics, ClassSummary, CountMetrics, NumberMetrics};
use serde_json::Value;

/// The part of the reference values of this name.
fn reference(name: &str) -> Value {
    let values: Value = serde_json::from_str(include_str!("files/metrics.json")).unwrap();
    values[name].clone()
}

fn numbers(values: &Value) -> Vec<f64> {
    values.as_array().unwrap().iter().map(|value| value.as_f64().unwrap()).collect()
}

fn labels(values: &Value) -> Vec<usize> {
    values.as_array().unwrap().iter().map(|value| value.as_u64().unwrap() as usize).collect()
}

#[track_caller]
fn near(found: f64, expected: &Value) {
    let expected = expected.as_f64().unwrap();
    assert!((found - expected).abs() <= 1e-14 * expected.abs(), "{found:e} where {expected:e} is expected");
}

/// The summary of rows given all at once.
fn classes(count: usize, labels: &[usize], predictions: &[f64]) -> ClassSummary {
    let mut metrics = ClassMetrics::new(count);
    metrics.push(labels, predictions).unwrap();
    metrics.summary()
}

#[test]
fn several_classes_have_the_figures_of_scikit_learn() {
    let reference = reference("four_classes");
    let probabilities: Vec<f64> = reference["probabilities"].as_array().unwrap().iter().flat_map(numbers).collect();
    let summary = classes(4, &labels(&reference["labels"]), &probabilities);
    near(summary.accuracy(), &reference["accuracy"]);
    near(summary.log_loss.unwrap(), &reference["log_loss"]);
    assert_eq!(summary.confusion.to_json(), reference["confusion"]);
    for (class, scores) in summary.scores.iter().enumerate() {
        near(scores.precision.unwrap(), &reference["precision"][class]);
        near(scores.recall.unwrap(), &reference["recall"][class]);
        near(scores.f1.unwrap(), &reference["f1"][class]);
    }
    assert_eq!(summary.area_under_curve, None);
}

#[test]
fn two_classes_have_the_figures_of_scikit_learn_by_one_probability_and_by_two() {
    let reference = reference("two_classes");
    let (labels, second) = (labels(&reference["labels"]), numbers(&reference["probabilities"]));
    let both: Vec<f64> = second.iter().flat_map(|second| [1.0 - second, *second]).collect();
    for predictions in [&second, &both] {
        let summary = classes(2, &labels, predictions);
        near(summary.log_loss.unwrap(), &reference["log_loss"]);
        near(summary.area_under_curve.unwrap(), &reference["area_under_curve"]);
    }
    near(classes(2, &labels, &second).accuracy(), &reference["accuracy"]);
}

#[test]
fn numbers_have_the_figures_of_scikit_learn_also_beside_a_large_mean() {
    for name in ["numbers", "large_mean"] {
        let reference = reference(name);
        let mut metrics = NumberMetrics::default();
        metrics.push(&numbers(&reference["observed"]), &numbers(&reference["predicted"])).unwrap();
        let summary = metrics.summary();
        near(summary.r_squared.unwrap(), &reference["r_squared"]);
        near(summary.root_mean_squared_error, &reference["root_mean_squared_error"]);
        near(summary.mean_absolute_error, &reference["mean_absolute_error"]);
    }
}

#[test]
fn counts_have_the_figures_of_scikit_learn() {
    let reference = reference("counts");
    let mut metrics = CountMetrics::default();
    metrics.push(&numbers(&reference["observed"]), &numbers(&reference["predicted"])).unwrap();
    near(metrics.summary().mean_deviance, &reference["mean_deviance"]);
    near(metrics.summary().deviance_explained.unwrap(), &reference["deviance_explained"]);
}

/// The rows of `columns`, each with so many entries a row, pushed in batches of every size: at once, and into metrics of
/// their own that are merged. All give one summary.
fn batches_do_not_matter<M, S: PartialEq + std::fmt::Debug>(
    rows: usize,
    new: impl Fn() -> M,
    push: impl Fn(&mut M, std::ops::Range<usize>),
    merge: impl Fn(&mut M, M),
    summary: impl Fn(M) -> S,
) {
    let mut whole = new();
    push(&mut whole, 0..rows);
    let expected = summary(whole);
    for batch in 1..=rows {
        let (mut pushed, mut merged) = (new(), new());
        for first in (0..rows).step_by(batch) {
            let range = first..(first + batch).min(rows);
            push(&mut pushed, range.clone());
            let mut part = new();
            push(&mut part, range);
            merge(&mut merged, part);
        }
        assert_eq!(summary(pushed), expected, "batches of {batch}");
        assert_eq!(summary(merged), expected, "merged batches of {batch}");
    }
}

#[test]
fn the_batches_that_rows_come_in_change_no_bit() {
    let reference = [reference("two_classes"), reference("large_mean"), reference("counts")];
    let (labels, shares) = (labels(&reference[0]["labels"]), numbers(&reference[0]["probabilities"]));
    batches_do_not_matter(
        labels.len(),
        || ClassMetrics::new(2),
        |metrics, rows| metrics.push(&labels[rows.clone()], &shares[rows]).unwrap(),
        ClassMetrics::merge,
        ClassMetrics::summary,
    );
    let (observed, predicted) = (numbers(&reference[1]["observed"]), numbers(&reference[1]["predicted"]));
    batches_do_not_matter(
        observed.len(),
        NumberMetrics::default,
        |metrics, rows| metrics.push(&observed[rows.clone()], &predicted[rows]).unwrap(),
        NumberMetrics::merge,
        |metrics| metrics.summary(),
    );
    let (observed, predicted) = (numbers(&reference[2]["observed"]), numbers(&reference[2]["predicted"]));
    // The distances of means are in `f64`, so the last bits of the share explained may differ.
    batches_do_not_matter(
        observed.len(),
        CountMetrics::default,
        |metrics, rows| metrics.push(&observed[rows.clone()], &predicted[rows]).unwrap(),
        CountMetrics::merge,
        |metrics| {
            let summary = metrics.summary();
            (summary.mean_deviance, (summary.deviance_explained.unwrap() * 1e14).round())
        },
    );
}

#[test]
fn the_first_of_equal_entries_is_the_class() {
    let summary = classes(3, &[0, 1, 2], &[0.4, 0.4, 0.2, 0.2, 0.4, 0.4, 0.0, -0.0, 0.0]);
    assert_eq!((summary.right, summary.confusion.count(2, 0)), (2, 1));
    // A single probability of a half is the second class.
    assert_eq!(classes(2, &[1, 0], &[0.5, 0.4999999]).right, 2);
}

#[test]
fn a_probability_of_zero_for_the_true_class_is_infinite_and_counted() {
    for predictions in [vec![0.0, 0.3], vec![1.0, 0.0, 0.7, 0.3]] {
        let summary = classes(2, &[1, 1], &predictions);
        assert_eq!((summary.log_loss, summary.zero_probability), (Some(f64::INFINITY), 1));
        assert_eq!(summary.to_json()["log_loss"], "Infinity");
        let text = summary.log_loss_text().unwrap();
        assert_eq!(text, "infinite: the true class of 1 of 2 rows has probability 0");
    }
    // A certain and right prediction costs nothing; beside it a small probability keeps its digits.
    assert_eq!(classes(2, &[0], &[0.0]).log_loss, Some(0.0));
    assert_eq!(classes(2, &[0], &[1e-20]).log_loss, Some(1e-20));
}

#[test]
fn scores_that_are_no_probabilities_have_no_log_loss() {
    assert_eq!(classes(2, &[0, 1], &[0.5, 0.5, 0.5, 0.6]).log_loss, None);
    assert_eq!(classes(2, &[0, 1], &[1.5, -0.5, 0.5, 0.5]).log_loss, None);
    assert_eq!(classes(2, &[1], &[1.5]).log_loss, None);
    assert!(classes(2, &[0, 1], &[0.5, 0.5, 0.4, 0.600_000_9]).log_loss.is_some());
    // Scores are ranked by their difference, and equal infinities tie.
    let infinite = f64::NEG_INFINITY;
    let summary = classes(2, &[0, 1, 0, 1], &[5.0, 4.0, 1.0, 3.0, 9.0, 9.0, infinite, infinite]);
    assert_eq!(summary.area_under_curve, Some(0.875));
}

#[test]
fn small_probabilities_are_ranked_apart() {
    assert_eq!(classes(2, &[0, 1], &[1.0, 1e-30, 1.0, 1e-20]).area_under_curve, Some(1.0));
}

#[test]
fn ties_count_half() {
    let area = |rows: &[(f64, bool)]| {
        let mut area = AreaUnderCurve::default();
        rows.iter().for_each(|&(score, is_positive)| area.push(score, is_positive));
        area.value()
    };
    assert_eq!(area(&[(0.3, true), (0.3, false)]), Some(0.5));
    assert_eq!(area(&[(0.0, true), (-0.0, false)]), Some(0.5));
    assert_eq!(area(&[(1.0, true), (1.0, false), (0.0, false), (0.5, true)]), Some(0.625));
    assert_eq!(area(&[(1.0, false), (0.0, true)]), Some(0.0));
    for rows in [vec![], vec![(0.1, true), (0.2, true)], vec![(0.1, false)], vec![(f64::NAN, true), (0.0, false)]] {
        assert_eq!(area(&rows), None, "{rows:?}");
    }
}

#[test]
fn a_single_class_has_an_accuracy_and_no_curve() {
    let summary = classes(2, &[1, 1, 1], &[0.9, 0.2, 0.6]);
    assert_eq!((summary.area_under_curve, summary.right), (None, 2));
    let [first, second] = summary.scores[..] else { panic!("two classes") };
    assert_eq!((first.precision, first.recall, first.f1), (Some(0.0), None, Some(0.0)));
    assert_eq!((second.precision, second.recall, second.f1), (Some(1.0), Some(2.0 / 3.0), Some(0.8)));
    let only = classes(1, &[0, 0], &[1.0, 1.0]);
    assert_eq!((only.right, only.log_loss), (2, Some(0.0)));
    assert!(ClassMetrics::new(2).summary().accuracy().is_nan());
}

#[test]
fn what_is_no_number_is_no_prediction() {
    let summary = classes(2, &[0, 1, 1], &[0.1, f64::NAN, 0.9]);
    assert_eq!((summary.rows, summary.right, summary.without_prediction), (3, 2, 1));
    assert_eq!((summary.log_loss, summary.area_under_curve), (None, None));
}

#[test]
fn rows_that_do_not_fit_are_errors_and_add_nothing() {
    let mut metrics = ClassMetrics::new(3);
    metrics.push(&[0], &[1.0, 0.0, 0.0]).unwrap();
    let error = metrics.push(&[2, 3], &[0.0; 6]).unwrap_err();
    assert_eq!((error.code, error.slot("row"), error.slot("found")), ("metrics-class", Some("3"), Some("3")));
    assert_eq!(metrics.push(&[2, 1], &[0.0; 2]).unwrap_err().code, "metrics-shape");
    assert_eq!(metrics.summary().rows, 1);
    assert_eq!(NumberMetrics::default().push(&[1.0], &[]).unwrap_err().code, "metrics-shape");
    for count in [-1.0, f64::NAN, f64::INFINITY] {
        let error = CountMetrics::default().push(&[1.0, count], &[1.0, 1.0]).unwrap_err();
        assert_eq!((error.code, error.slot("row")), ("metrics-count", Some("2")));
    }
}

#[test]
fn equal_numbers_leave_nothing_to_explain() {
    let mut numbers = NumberMetrics::default();
    numbers.push(&[0.1, 0.1, 0.1], &[0.1, 0.2, 0.1]).unwrap();
    assert_eq!(numbers.summary().r_squared, None);
    let mut counts = CountMetrics::default();
    counts.push(&[7.0, 7.0, 7.0], &[7.0, 6.0, 7.0]).unwrap();
    assert_eq!(counts.summary().deviance_explained, None);
    let mut numbers = NumberMetrics::default();
    numbers.push(&[1.0, 2.0], &[1.0, f64::INFINITY]).unwrap();
    assert!(numbers.summary().root_mean_squared_error.is_nan());
    assert_eq!(numbers.summary().to_json()["r_squared"], "NaN");
}

#[test]
fn an_impossible_count_is_infinite_and_counted() {
    for impossible in [0.0, -1.0, f64::INFINITY] {
        let mut counts = CountMetrics::default();
        counts.push(&[3.0, 1.0, 0.0], &[2.0, impossible, 0.0]).unwrap();
        let summary = counts.summary();
        assert_eq!((summary.mean_deviance, summary.impossible), (f64::INFINITY, 1));
        assert_eq!(summary.deviance_explained, Some(f64::NEG_INFINITY));
    }
}

#[test]
fn large_counts_keep_the_digits_of_a_small_deviance() {
    // d = 2 (t log (t ÷ p) − t + p) is (t − p)² ÷ p (1 − (t − p) ÷ 3 p + …); the terms that cancel are 10¹² times as large.
    let mut counts = CountMetrics::default();
    counts.push(&[1e12 + 1e3, 1e12 - 1e3], &[1e12, 1e12]).unwrap();
    let summary = counts.summary();
    assert!((summary.mean_deviance - 1e-6).abs() <= 1e-14 * 1e-6, "{:e}", summary.mean_deviance);
    assert!(summary.deviance_explained.unwrap().abs() <= 1e-14);
}

#[test]
fn the_matrix_is_aligned_also_for_wide_letters() {
    let names = ["猫", "chien", "x"].map(str::to_owned);
    let summary = classes(3, &[0, 0, 1, 2], &[3.0, 1.0, 0.0, 1.0, 2.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0]);
    let expected =
        "       predicted\ntrue   猫  chien  x\n猫      1      1  ·\nchien   ·      1  ·\nx       ·      ·  1\n";
    assert_eq!(summary.confusion.text(&names), expected);
    let expected = "class  rows  precision  recall      F1\n猫        2     1.0000  0.5000  0.6667\n";
    assert!(summary.text(&names).starts_with(expected), "{}", summary.text(&names));
}

#[test]
fn of_many_classes_the_most_frequent_confusions_are_printed() {
    let mut metrics = ClassMetrics::new(100_000);
    let mut push = |label: usize, predicted: usize, times: usize| {
        let mut row = vec![0.0; 100_000];
        row[predicted] = 1.0;
        (0..times).for_each(|_| metrics.push(&[label], &row).unwrap());
    };
    (0..11).for_each(|class| push(class, class + 1, 1));
    push(99_999, 7, 3);
    push(5, 5, 4);
    let summary = metrics.summary();
    let text = summary.confusion.text(&[]);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(
        lines[..3],
        ["the 10 most frequent of 12 confusions", "true   predicted  rows", "99999          7     3"]
    );
    assert_eq!((lines.len(), lines[11]), (12, "8              9     1"));
    assert_eq!(summary.to_json()["confusion"].as_array().unwrap().len(), 13);
    let right: Vec<f64> = (0..13).map(|class| f64::from(class == 1)).collect();
    assert_eq!(classes(13, &[1], &right).confusion.text(&[]), "no class was taken for another\n");
}
