//! From a file to arrays: bindings, classes, missing values and splits, right and wrong.

use kobai_fit::binding::{Binding, ColumnItem, Meaning, Scaling, Selection};
use kobai_fit::dataset::{Dataset, Missing, Options, apply, load};
use kobai_fit::encoding::{Encoding, Scale};
use kobai_fit::error::DataError;
use kobai_fit::source::Source;
use kobai_fit::split::{HELD_OUT_FRACTION, LEFT_OUT, Role, SEED, split};
use std::ops::ControlFlow;

const SMALL: &str = "# from a paper\na,b,c,label\n1,10,5,0\n2,20,5,2\n4,60,5,1\n";

/// A table of this text, in a file that is removed with the folder.
fn table(text: &str) -> (tempfile::TempDir, Source) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("small.csv");
    std::fs::write(&path, text).unwrap();
    let source = Source::open(&path, None).unwrap();
    (folder, source)
}

fn loaded(text: &str, bindings: &[&str], options: &Options) -> Result<Dataset, DataError> {
    let (_folder, table) = table(text);
    let bindings: Vec<Binding> = bindings.iter().map(|binding| Binding::parse(binding)).collect::<Result<_, _>>()?;
    load(&table, &bindings, &[], options, &mut |_| ControlFlow::Continue(()))
}

/// The array of all rows of the small table.
fn bind(text: &str) -> Result<(Vec<usize>, Vec<f64>), DataError> {
    let dataset = loaded(SMALL, &[text], &Options { held_out: 0.0, ..Options::default() })?;
    let array = dataset.training.arrays.into_values().next().unwrap();
    Ok((array.shape.clone(), array.to_vec()))
}

/// The code of an error, once its sentences are seen to be whole.
fn code<T>(result: Result<T, DataError>) -> &'static str {
    let error = result.err().expect("an error");
    let text = error.to_string();
    assert!(!text.contains('?') && !text.contains('{') && text.ends_with('.') && text.len() > 40, "{text}");
    error.code
}

#[test]
fn bindings_are_read() {
    let parsed = Binding::parse("  \\mathbf{x}=columns a, \"b c\"..d scaled by 1 / 16").unwrap();
    let items = vec![ColumnItem::Name("a".into()), ColumnItem::Range { first: "b c".into(), last: "d".into() }];
    let meaning = Meaning::Columns { selection: Selection::Listed(items), scaling: Scaling::By(0.0625) };
    assert_eq!(parsed, Binding { symbol: "\\mathbf{x}".into(), meaning });
    let parsed = Binding::parse("x = columns * except label, b standardised").unwrap();
    let selection = Selection::AllExcept(vec!["label".into(), "b".into()]);
    assert_eq!(parsed.meaning, Meaning::Columns { selection, scaling: Scaling::Standardised });
    let parsed = Binding::parse("t = one-hot label of 10").unwrap();
    assert_eq!(parsed.meaning, Meaning::OneHot { label: "label".into(), classes: Some(10) });
    assert_eq!(Binding::parse("y=index label").unwrap().meaning, Meaning::Index { label: "label".into() });
    let parsed = Binding::parse("x = columns v1.5..v1.9").unwrap();
    let range = ColumnItem::Range { first: "v1.5".into(), last: "v1.9".into() };
    assert_eq!(parsed.meaning, Meaning::Columns { selection: Selection::Listed(vec![range]), scaling: Scaling::None });
}

#[test]
fn a_bad_binding_says_where() {
    let error = Binding::parse("x = columns a,").unwrap_err();
    assert_eq!(
        error.message(),
        "in the binding \"x = columns a,\", at character 15: expected the name of a column, found the end"
    );
    for text in [
        "",
        "x",
        "= columns a",
        "x y = columns a",
        "x =",
        "x = columns",
        "x = columns a b",
        "x = columns a..",
        "x = columns ..b",
        "x = columns \"a",
        "x = columns a scaled",
        "x = columns a scaled of 2",
        "x = columns a scaled by",
        "t = one-hot",
        "t = one-hot label of",
        "t = one-hot label of 0",
        "t = one-hot label of ten",
        "y = index label of 3",
        "x = columns * except",
        "x = columns a standardised b",
    ] {
        assert_eq!(code(Binding::parse(text)), "binding-syntax", "{text}");
    }
    for text in ["x = columns a scaled by 0", "x = columns a scaled by 1/0", "x = column a scaled by ten"] {
        assert_eq!(code(Binding::parse(text)), "binding-scale", "{text}");
    }
}

#[test]
fn functions_of_columns_are_read() {
    let same = |one: &str, other: &str| assert_eq!(Binding::parse(one), Binding::parse(other), "{one}");
    same("t = onehot(label)", "t = one-hot label");
    same("t=onehot( label , 10 )", "t = one-hot label of 10");
    same("y = index(label)", "y = index label");
    same("x = standardise(a, b..d)", "x = columns a, b..d standardised");
    same("x = standardise(* except label)", "x = columns * except label standardised");
    same("t = standardise(price)", "t = column price standardised");
    same("x = a, b scaled by 1/2", "x = columns a, b scaled by 1/2");
    same("t = price", "t = column price");
    let pattern = |text: &str| Selection::Listed(vec![ColumnItem::Pattern(text.into())]);
    let columns = |text: &str| Meaning::Columns { selection: pattern(text), scaling: Scaling::None };
    assert_eq!(Binding::parse("x=pixel_*").unwrap().meaning, columns("pixel_*"));
    assert_eq!(Binding::parse("lambda = 1/16").unwrap().meaning, Meaning::Number(0.0625));
    assert_eq!(code(Binding::parse("t = onehot(label, 0)")), "binding-syntax");
    assert_eq!(code(Binding::parse("t = onehot(label, 3, 4)")), "binding-syntax");
    assert_eq!(code(Binding::parse("y = index()")), "binding-syntax");
}

#[test]
fn arrays_are_made_of_the_bound_columns() {
    let bound = |text: &str| bind(text).unwrap();
    assert_eq!(bound("x = columns a..c"), (vec![3, 3], vec![1.0, 10.0, 5.0, 2.0, 20.0, 5.0, 4.0, 60.0, 5.0]));
    assert_eq!(bound("x = columns b, a scaled by 1/2"), (vec![3, 2], vec![5.0, 0.5, 10.0, 1.0, 30.0, 2.0]));
    assert_eq!(bound("x = columns * except label, b"), (vec![3, 2], vec![1.0, 5.0, 2.0, 5.0, 4.0, 5.0]));
    assert_eq!(bound("x = *a*"), (vec![3, 2], vec![1.0, 0.0, 2.0, 2.0, 4.0, 1.0]));
    assert_eq!(bound("t = column b"), (vec![3], vec![10.0, 20.0, 60.0]));
    assert_eq!(bound("y = index label"), (vec![3], vec![0.0, 2.0, 1.0]));
    assert_eq!(bound("t = one-hot label"), (vec![3, 3], vec![1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 1.0, 0.0]));
    assert_eq!(bound("t = onehot(label, 4)").0, [3, 4]);
}

#[test]
fn classes_have_names_and_an_order() {
    let classes = |text: &str| {
        let dataset = loaded(text, &["y = index(c)"], &Options { held_out: 0.0, ..Options::default() })?;
        let values = dataset.training.arrays["y"].to_vec();
        Ok::<_, DataError>((dataset.bindings[0].classes().unwrap().to_vec(), values))
    };
    let text = classes("c\nsetosa\nvirginica\nsetosa\nAster\n").unwrap();
    assert_eq!(text, (vec!["Aster".into(), "setosa".into(), "virginica".into()], vec![1.0, 2.0, 1.0, 0.0]));
    // Numbers from 0 keep their places, also those that do not occur; others are names and go by size.
    assert_eq!(
        classes("c\n3\n1.0\n1\n").unwrap(),
        (["0", "1", "2", "3"].map(String::from).to_vec(), vec![3.0, 1.0, 1.0])
    );
    assert_eq!(classes("c\n10\n-1\n2\n").unwrap(), (["-1", "2", "10"].map(String::from).to_vec(), vec![2.0, 0.0, 1.0]));
    let years = classes("c\n2010\n1960\n2010\n").unwrap();
    assert_eq!(years, (["1960", "2010"].map(String::from).to_vec(), vec![1.0, 0.0, 1.0]));
    assert_eq!(code(classes("c\n0\n1.5\n")), "label-not-an-integer");
}

#[test]
fn symbols_that_index_one_axis_have_the_same_classes() {
    let (_folder, table) = table("liked,other\nb,c\na,b\n");
    let bindings = ["p = index(liked)", "n = index(other)"].map(|text| Binding::parse(text).unwrap());
    let options = Options { held_out: 0.0, ..Options::default() };
    let shared = [vec!["p".to_owned(), "n".to_owned()]];
    let dataset = load(&table, &bindings, &shared, &options, &mut |_| ControlFlow::Continue(())).unwrap();
    assert_eq!(dataset.training.arrays["p"].to_vec(), [1.0, 0.0]);
    assert_eq!(dataset.training.arrays["n"].to_vec(), [2.0, 1.0]);
}

#[test]
fn standardising_measures_the_training_rows_only() {
    let text: String = (0..50).fold("a,b\n".into(), |text, row| format!("{text}{},7\n", row * row));
    let dataset = loaded(&text, &["x = standardise(a, b)"], &Options::default()).unwrap();
    let Encoding::Matrix(Scale::Standardised { means, deviations }) = &dataset.bindings[0].encoding else {
        panic!("no figures")
    };
    let roles = split(&[0; 50], HELD_OUT_FRACTION, SEED).unwrap();
    let training: Vec<f64> =
        (0..50).filter(|&row| roles[row] == Role::Training).map(|row| (row * row) as f64).collect();
    let mean = training.iter().sum::<f64>() / 40.0;
    let variance = training.iter().map(|value| (value - mean) * (value - mean)).sum::<f64>() / 40.0;
    assert!((means[0] / mean - 1.0).abs() < 1e-15 && (deviations[0] / variance.sqrt() - 1.0).abs() < 1e-14);
    assert_eq!((means[1], deviations[1]), (7.0, 0.0));
    let first = (training[0] - means[0]) / deviations[0];
    assert_eq!(dataset.training.arrays["x"][..2], [first, 0.0]);
    let sum: f64 = dataset.training.arrays["x"].iter().sum();
    assert!(sum.abs() < 1e-13, "{sum}");
}

#[test]
fn missing_values_are_an_error_or_left_out_or_the_mean() {
    let text = "a,label,unused\n1,x,\n,y,\n4,,\n7,x,\n";
    let with = |missing| Options { held_out: 0.0, missing, ..Options::default() };
    let bindings = ["x = columns a", "t = onehot(label)"];
    let error = loaded(text, &bindings, &with(Missing::Error)).err().unwrap();
    assert_eq!((error.code, error.slot("place"), error.slot("column")), ("missing-value", Some("line 3"), Some("a")));
    let dataset = loaded(text, &bindings, &with(Missing::Drop)).unwrap();
    assert_eq!((dataset.training.rows, dataset.left_out), (2, 2));
    assert_eq!(dataset.training.arrays["x"].to_vec(), [1.0, 7.0]);
    let dataset = loaded(text, &bindings[..1], &with(Missing::Mean)).unwrap();
    assert_eq!(dataset.training.arrays["x"].to_vec(), [1.0, 4.0, 4.0, 7.0]);
    assert_eq!(code(loaded(text, &bindings, &with(Missing::Mean))), "missing-value");
}

#[test]
fn what_was_fitted_is_applied_to_another_table() {
    let options = Options { held_out: 0.0, missing: Missing::Mean, ..Options::default() };
    let dataset = loaded("a,c\n1,x\n3,y\n", &["x = standardise(a)", "y = index(c)"], &options).unwrap();
    let (_folder, other) = table("c,a\ny,5\nx,\n");
    let part = apply(&other, &dataset.bindings, &options, &mut |_| ControlFlow::Continue(())).unwrap();
    assert_eq!((part.arrays["x"].to_vec(), part.arrays["y"].to_vec()), (vec![3.0, 0.0], vec![1.0, 0.0]));
    let (_folder, unseen) = table("c,a\ny,5\nz,1\n");
    let error = apply(&unseen, &dataset.bindings, &options, &mut |_| ControlFlow::Continue(())).err().unwrap();
    assert_eq!((error.code, error.slot("place"), error.slot("found")), ("label-unknown", Some("line 3"), Some("z")));
    let mut wrong = dataset.bindings.clone();
    wrong[0].columns.push("c".into());
    let (_folder, other) = table("c,a\ny,5\n");
    assert_eq!(code(apply(&other, &wrong, &options, &mut |_| ControlFlow::Continue(()))), "binding-figures");
}

#[test]
fn arrays_in_a_file_are_those_in_memory() {
    let text: String =
        (0..500).fold("a,b,label\n".into(), |text, row| format!("{text}{row},{},{}\n", row % 7, row % 3));
    let bindings = ["x = standardise(a, b)", "t = onehot(label)"];
    let in_memory = loaded(&text, &bindings, &Options::default()).unwrap();
    let in_file = loaded(&text, &bindings, &Options { memory: 1000, ..Options::default() }).unwrap();
    for (one, other) in [(&in_memory.training, &in_file.training), (&in_memory.held_out, &in_file.held_out)] {
        for (name, array) in &one.arrays {
            let other = &other.arrays[name];
            assert!(!array.is_in_file() && other.is_in_file());
            assert_eq!((&array.shape, &array[..]), (&other.shape, &other[..]));
            other.release_before(one.rows);
            assert_eq!(array[..], other[..], "after its pages were let go of");
        }
    }
    let nowhere = Options { memory: 1000, scratch: "/no/such/folder".into(), ..Options::default() };
    assert_eq!(code(loaded(&text, &bindings, &nowhere)), "scratch-not-written");
}

#[test]
fn a_binding_that_does_not_fit_the_table_is_an_error() {
    let error = bind("x = columns a, lable").unwrap_err();
    assert_eq!(error.fix(), "The nearest name is label.");
    assert_eq!(code(Err::<(), _>(error)), "binding-unknown-column");
    assert_eq!(code(bind("x = columns c..a")), "binding-range-reversed");
    assert_eq!(code(bind("x = columns a..c, b")), "binding-repeated-column");
    assert_eq!(code(bind("x = columns * except a, b, c, label")), "binding-no-columns");
    assert_eq!(code(bind("x = d*")), "binding-no-columns");
    assert_eq!(code(bind("x = columns b scaled by 1e308")), "binding-overflow");
    assert_eq!(code(bind("t = one-hot label of 2")), "label-out-of-range");
    assert_eq!(code(bind("t = one-hot label of 999999999")), "label-too-many");
    let many = format!("label\n{}", "0\n".repeat(300));
    assert_eq!(code(loaded(&many, &["t = onehot(label, 1000000)"], &Options::default())), "label-too-many-classes");
}

#[test]
fn a_split_is_whole_and_always_the_same() {
    let held_out = |roles: &[Role]| roles.iter().filter(|role| **role == Role::HeldOut).count();
    let one_class = vec![0; 1797];
    let roles = split(&one_class, HELD_OUT_FRACTION, SEED).unwrap();
    assert_eq!((roles.len(), held_out(&roles)), (1797, 359));
    assert_eq!(split(&one_class, HELD_OUT_FRACTION, SEED).unwrap(), roles);
    assert_ne!(split(&one_class, HELD_OUT_FRACTION, SEED + 1).unwrap(), roles);
    assert_eq!(held_out(&split(&[0; 5], 0.0, SEED).unwrap()), 0);
    assert_eq!(split(&[0, LEFT_OUT, 0, 0, 0], 0.2, SEED).unwrap()[1], Role::LeftOut);
    assert_eq!(code(split(&[0; 5], 1.0, SEED)), "split-fraction");
    assert_eq!(code(split(&[0; 5], f64::NAN, SEED)), "split-fraction");
    assert_eq!(code(split(&[], 0.2, SEED)), "split-no-training-rows");
    assert_eq!(code(split(&[0], 0.9, SEED)), "split-no-training-rows");
}

#[test]
fn a_split_keeps_the_shares_of_classes() {
    let classes: Vec<u32> = (0..1000).map(|row| [0, 0, 0, 0, 0, 0, 0, 1, 1, 2][row % 10]).collect();
    let roles = split(&classes, 0.25, SEED).unwrap();
    let held_out = |class: u32| (0..1000).filter(|&row| classes[row] == class && roles[row] == Role::HeldOut).count();
    assert_eq!([0, 1, 2].map(held_out), [175, 50, 25]);
    // 7/4, 2/4 and 1/4 of a row: the two rows go to the largest remainders after rounding down.
    let roles = split(&classes[..10], 0.25, SEED).unwrap();
    let held_out = |class: u32| (0..10).filter(|&row| classes[row] == class && roles[row] == Role::HeldOut).count();
    assert_eq!(held_out(0) + held_out(1), 3);
}

#[test]
fn the_data_of_the_lessons_can_be_bound() {
    let bound = |name: &str, text: &str| {
        let table = Source::open(format!("{}/../data/{name}", env!("CARGO_MANIFEST_DIR")), None).unwrap();
        let options = Options { held_out: 0.0, ..Options::default() };
        let bindings = [Binding::parse(text).unwrap()];
        let dataset = load(&table, &bindings, &[], &options, &mut |_| ControlFlow::Continue(())).unwrap();
        dataset.training.arrays.into_values().next().unwrap()
    };
    assert_eq!(bound("digits.csv", "x = columns pixel_0..pixel_63 scaled by 1/16").shape, [1797, 64]);
    assert_eq!(bound("digits.csv", "t = one-hot label").shape, [1797, 10]);
    assert_eq!(bound("breast-cancer.csv", "x = columns * except malignant standardised").shape, [569, 30]);
    assert_eq!(bound("breast-cancer.csv", "t = column malignant").iter().sum::<f64>(), 212.0);
}

#[test]
fn rows_are_shuffled_together() {
    let text: String =
        (0..100).fold("a,b,label\n".into(), |text, row| format!("{text}{row},{},{}\n", 2 * row, row / 50));
    let options = Options { held_out: 0.0, ..Options::default() };
    let bindings = ["x = columns a, b", "y = index(label)"];
    let mut part = loaded(&text, &bindings, &options).unwrap().training;
    part.shuffle(SEED, &options.scratch).unwrap();
    let (x, y) = (&part.arrays["x"], &part.arrays["y"]);
    let mut seen = vec![false; 100];
    for (row, label) in x.chunks(2).zip(y.iter()) {
        assert_eq!((row[1], *label), (2.0 * row[0], (row[0] / 50.0).floor()));
        seen[row[0] as usize] = true;
    }
    assert!(seen.into_iter().all(|seen| seen));
    let early = y[..50].iter().filter(|&&label| label == 0.0).count();
    assert!((15..35).contains(&early), "{early} of the first 50 rows are of the first class");
    let mut in_file = loaded(&text, &bindings, &Options { memory: 100, ..options.clone() }).unwrap().training;
    in_file.shuffle(SEED, &options.scratch).unwrap();
    assert!(in_file.arrays["x"].is_in_file() && in_file.arrays["x"][..] == x[..] && in_file.arrays["y"][..] == y[..]);
}
