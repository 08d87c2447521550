//! What a fit leaves behind: saved parameters and plots.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use kobai_fit::array::Array;
use kobai_fit::metrics::{ClassMetrics, ClassSummary};
use kobai_fit::plot::draw_loss_curve;
use kobai_fit::plot_confusion::draw_confusion;
use kobai_fit::saved::{Saved, load, save};
use kobai_fit::solver::Progress;

fn parameters() -> Saved {
    let weights = Array::real(vec![2, 3], vec![1.0, -0.0, f64::MIN_POSITIVE, 1e300, -1.5, 0.1]).unwrap();
    let labels = Array { shape: vec![2], data: vec![3.0, -1.0], integer: true };
    let number = Array::real(vec![], vec![0.01]).unwrap();
    let empty = Array::real(vec![0, 4], vec![]).unwrap();
    let arrays = vec![("W".into(), weights), ("y".into(), labels), ("\\lambda".into(), number), ("none".into(), empty)];
    let facts = [("lesson", "softmax"), ("loss", "-\\frac{1}{N} \"…\" 勾配"), ("a", "b")];
    Saved { arrays, metadata: facts.map(|(name, fact)| (name.to_string(), fact.to_string())).into() }
}

#[test]
fn parameters_come_back_as_they_were() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("fit.safetensors");
    for saved in [parameters(), Saved::default()] {
        save(&path, &saved).unwrap();
        let bytes = fs::read(&path).unwrap();
        let loaded = load(&path).unwrap();
        assert_eq!(loaded.metadata, saved.metadata);
        assert_eq!(
            BTreeMap::from_iter(loaded.arrays.into_iter().map(|(name, array)| (name, array.data))).len(),
            saved.arrays.len()
        );
        save(&path, &saved).unwrap();
        assert_eq!(fs::read(&path).unwrap(), bytes);
    }
    save(&path, &parameters()).unwrap();
    let loaded = load(&path).unwrap();
    for (name, array) in parameters().arrays {
        assert!(loaded.arrays.contains(&(name, array)));
    }
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1, "a temporary file is left");
}

#[test]
fn what_was_there_outlives_a_failure() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("fit.safetensors");
    save(&path, &parameters()).unwrap();
    let before = fs::read(&path).unwrap();
    let mut wrong = parameters();
    wrong.arrays[0].1.shape = vec![7];
    assert_eq!(save(&path, &wrong).unwrap_err().code, "saved-shape");
    wrong.arrays[0].1.shape = vec![usize::MAX, 2];
    assert_eq!(save(&path, &wrong).unwrap_err().code, "saved-shape");
    let mut wrong = parameters();
    wrong.arrays[1].0 = "W".into();
    assert_eq!(save(&path, &wrong).unwrap_err().code, "saved-name");
    assert_eq!(fs::read(&path).unwrap(), before);
    let nowhere = directory.path().join("no/such/place.safetensors");
    assert_eq!(save(nowhere, &parameters()).unwrap_err().code, "file-not-written");
}

#[test]
fn a_file_that_is_not_one_of_ours_is_an_error() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("fit.safetensors");
    assert_eq!(load(&path).unwrap_err().code, "file-not-found");
    save(&path, &parameters()).unwrap();
    let whole = fs::read(&path).unwrap();
    for length in 0..whole.len() {
        fs::write(&path, &whole[..length]).unwrap();
        assert_eq!(load(&path).unwrap_err().code, "saved-malformed", "{length}");
    }
    let header = r#"{"W":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}  "#;
    fs::write(&path, [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), &[0; 4]].concat()).unwrap();
    let error = load(&path).unwrap_err();
    assert_eq!((error.code, error.slot("found")), ("saved-element-type", Some("F32")));
}

fn curve(values: &[f64]) -> Vec<Progress> {
    let point = |(iteration, &value): (usize, &f64)| Progress {
        iteration,
        evaluations: iteration + 1,
        value,
        gradient_norm: 0.7 * 0.5f64.powi(iteration as i32),
        step: 1.0,
        held_out: None,
    };
    values.iter().enumerate().map(point).collect()
}

fn is_drawn(values: &[f64], path: &Path) {
    draw_loss_curve(&curve(values), "Softmax regression on digits", path).unwrap();
    let bytes = fs::read(path).unwrap();
    assert!(bytes.len() > 1000 && (bytes.starts_with(b"\x89PNG") || bytes.starts_with(b"<svg")));
}

#[test]
fn curves_of_every_kind_are_drawn() {
    let directory = tempfile::tempdir().unwrap();
    let falling: Vec<f64> = (0..30).map(|iteration| 0.25 + 2.05 * (-0.3 * f64::from(iteration)).exp()).collect();
    for name in ["curve.svg", "curve.PNG"] {
        let path = directory.path().join(name);
        is_drawn(&falling, &path);
        for values in [
            vec![1.0],
            vec![0.0, 0.0],
            vec![1e-300, 1e300],
            vec![-1e300, 1e300],
            vec![f64::INFINITY, f64::MAX, f64::NAN, 2.0, 1.0],
            vec![-3.0, -3.0000001],
        ] {
            is_drawn(&values, &path);
        }
    }
    let text = fs::read_to_string(directory.path().join("curve.svg")).unwrap();
    assert!(text.contains("iteration") && text.contains("norm of the gradient"));
}

#[test]
fn losses_of_held_out_rows_have_a_curve_and_a_legend() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("curve.svg");
    let drawn = |held_out: &[Option<f64>]| {
        let mut history = curve(&[2.0, 1.5, 1.0]);
        history.iter_mut().zip(held_out).for_each(|(progress, &loss)| progress.held_out = loss);
        draw_loss_curve(&history, "", &path).unwrap();
        fs::read_to_string(&path).unwrap()
    };
    let with = drawn(&[Some(2.25), None, Some(1.25)]);
    assert!(with.contains("held out") && with.contains("training"));
    // What is no number cannot be drawn.
    assert!(!drawn(&[None, None, Some(f64::NAN)]).contains("held out"));
}

/// A summary in which each class has `right` rows predicted rightly, and one more taken for the next class.
fn confused(classes: usize, right: usize) -> ClassSummary {
    let mut metrics = ClassMetrics::new(classes);
    for label in 0..classes {
        for row in 0..=right {
            let predicted = (label + usize::from(row == right)) % classes;
            let scores: Vec<f64> = (0..classes).map(|class| f64::from(u8::from(class == predicted))).collect();
            metrics.push(&[label], &scores).unwrap();
        }
    }
    metrics.summary()
}

#[test]
fn confusion_matrices_of_every_size_are_drawn() {
    let directory = tempfile::tempdir().unwrap();
    let names = ["malignant", "a & <b>", "猫", "a name much too long to stand beside a matrix"].map(str::to_owned);
    for classes in [1, 2, 10, 40, 300] {
        for name in ["matrix.svg", "matrix.png"] {
            draw_confusion(&confused(classes, 57), &names, "Digits", directory.path().join(name)).unwrap();
        }
        let text = fs::read_to_string(directory.path().join("matrix.svg")).unwrap();
        assert!(text.contains("malignant") && text.contains("predicted class") && text.contains("true class"));
        // The counts stand in the cells while there is room for them.
        assert_eq!(text.contains("\n57\n"), classes == 2 || classes == 10, "{classes} classes");
        let image = fs::read(directory.path().join("matrix.png")).unwrap();
        assert!(image.starts_with(b"\x89PNG"));
    }
}

#[test]
fn a_matrix_that_cannot_be_drawn_is_an_error() {
    let directory = tempfile::tempdir().unwrap();
    let code = |summary: &ClassSummary, name: &str| {
        draw_confusion(summary, &[], "", directory.path().join(name)).unwrap_err().code
    };
    assert_eq!(code(&ClassMetrics::new(2).summary(), "matrix.svg"), "plot-no-rows");
    assert_eq!(code(&confused(501, 0), "matrix.svg"), "plot-too-many-classes");
    assert_eq!(code(&confused(2, 1), "matrix.pdf"), "plot-extension");
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0, "a temporary file is left");
}

#[test]
fn a_plot_that_cannot_be_drawn_is_an_error() {
    let directory = tempfile::tempdir().unwrap();
    let code =
        |values: &[f64], name: &str| draw_loss_curve(&curve(values), "", directory.path().join(name)).unwrap_err().code;
    assert_eq!(code(&[1.0], "curve.pdf"), "plot-extension");
    assert_eq!(code(&[1.0], "curve"), "plot-extension");
    assert_eq!(code(&[], "curve.svg"), "plot-nothing-to-draw");
    assert_eq!(code(&[f64::NAN], "curve.svg"), "plot-nothing-to-draw");
    assert_eq!(code(&[1.0], "no/such/curve.svg"), "file-not-written");
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0, "a temporary file is left");
}
