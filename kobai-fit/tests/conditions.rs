//! The conditions that a document states, held against all rows of a table.

use kobai::check::{Broken, Verdict};
use kobai_fit::dataset::Options;
use kobai_fit::fit::{Request, prepare};
use kobai_fit::source::Source;
use std::ops::ControlFlow;

const DOCUMENT: &str = r"
$$x_i > 0, \quad x_i \in \{1, 2\}, \quad p_i \ge 0, \quad \sum_{i} p_i = 1, \quad w > 0$$
$$\min_{w} \sum_{i=1}^{N} p_i (x_i - w)^2$$";

/// The verdicts on `x_i > 0`, `x_i ∈ {1, 2}`, `p_i ≥ 0`, `Σ p_i = 1` and `w > 0`, with these x and equal p that sum to `total`.
fn verdicts(x: &[f64], total: f64) -> Vec<Verdict> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("table.csv");
    let share = total / x.len() as f64;
    let rows: String = x.iter().map(|x| format!("{x},{share}\n")).collect();
    std::fs::write(&path, format!("x,p\n{rows}")).unwrap();
    let table = Source::open(&path, None).unwrap();
    let bindings = ["x=column x".to_owned(), "p=column p".to_owned()];
    let options = Options { held_out: 0.0, ..Options::default() };
    let request = Request { document: DOCUMENT, bindings: &bindings, table: &table, test: None, options };
    let prepared = prepare(&request, &mut |_| ControlFlow::Continue(()));
    prepared.unwrap_or_else(|error| panic!("{error:?}")).verdicts
}

/// Whether there are few rows or many, in which the first that breaks a condition comes late.
#[test]
fn the_first_of_all_rows_that_break_a_condition_is_found() {
    for (rows, first, second) in [(50, 20, 49), (40_000, 33_333, 39_999)] {
        let mut x = vec![1.0; rows];
        assert_eq!(verdicts(&x, 1.0)[..4], vec![Verdict::Holds; 4], "{rows} rows");
        (x[first], x[second]) = (-0.5, 3.0);
        let broken =
            |count| Broken { places: vec![("i".into(), first)], found: vec![("x_i".into(), -0.5)], count, total: rows };
        let expected = [
            Verdict::Broken(broken(1)),
            Verdict::Broken(broken(2)),
            Verdict::Holds,
            Verdict::Holds,
            Verdict::Unchecked,
        ];
        assert_eq!(verdicts(&x, 1.0), expected, "{rows} rows");
    }
}

#[test]
fn a_condition_on_all_rows_together_has_no_place() {
    for rows in [50, 40_000] {
        let verdict = &verdicts(&vec![1.0; rows], 1.5)[3];
        let Verdict::Broken(Broken { places, count: 1, total: 1, found }) = verdict else { panic!("{verdict:?}") };
        assert_eq!(places, &[]);
        assert!(found.len() == 1 && (found[0].1 - 1.5).abs() < 1e-12, "{found:?}");
    }
}
