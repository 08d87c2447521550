//! From a file to arrays: tables, bindings and splits, right and wrong.

use kobai_fit::binding::{Binding, ColumnItem, Encoding, Scale, Scaling, Selection, Source};
use kobai_fit::error::DataError;
use kobai_fit::split::{HELD_OUT_FRACTION, SEED, split};
use kobai_fit::table::Table;

const SMALL: &str = "# from a paper\na,b,c,label\n1,10,5,0\n2,20,5,2\n4,60,5,1\n";

fn table(text: &str) -> Result<Table, DataError> {
    Table::parse("small.csv", text.as_bytes())
}

fn bind(text: &str, rows: &[usize]) -> Result<(Vec<usize>, Vec<f64>), DataError> {
    let table = table(SMALL)?;
    let array = Binding::parse(text)?.fit(&table, rows)?.apply(&table, rows)?;
    Ok((array.shape, array.data))
}

/// The code of an error, once its sentences are seen to be whole.
fn code<T>(result: Result<T, DataError>) -> &'static str {
    let error = result.err().expect("an error");
    let text = error.to_string();
    assert!(!text.contains('?') && !text.contains('{') && text.ends_with('.') && text.len() > 40, "{text}");
    error.code
}

#[test]
fn a_table_has_names_numbers_and_lines() {
    let table = table("\u{feff}# a comment\nx ,\"y, too\"\n\n1, -2.5e-3\n# another\n 3,4\n").unwrap();
    assert_eq!(table.names, ["x", "y, too"]);
    assert_eq!(table.columns, [[1.0, 3.0], [-2.5e-3, 4.0]]);
    assert_eq!((table.rows, &table.lines[..]), (2, &[4, 6][..]));
    let windows = Table::parse("small.csv", b"a,b\r\n1,2\r\n\r\n# c\r\n3,\"4\"\r\n5,6").unwrap();
    assert_eq!(windows.lines, [2, 5, 6]);
}

#[test]
fn a_bad_table_is_an_error_that_names_the_place() {
    let error = table("a,b\n1,2\n3,x\n").unwrap_err();
    assert_eq!(
        error.to_string(),
        "small.csv, line 3, column b: \"x\" is not a number: Cells hold decimal numbers such as 3, -0.5 or 1e-3. \
         Correct the cell, or code a category as the integers 0, 1, 2, …."
    );
    assert_eq!((error.slot("line"), error.slot("column")), (Some("3"), Some("b")));
    assert_eq!(code(table("a,b\n1,\n")), "csv-empty-cell");
    assert_eq!(code(table("a,b\n1,NaN\n")), "csv-nan");
    assert_eq!(code(table("a,b\n1,N/A\n")), "csv-nan");
    assert_eq!(code(table("a,b\n-inf,2\n")), "csv-infinite");
    assert_eq!(code(table("a,b\n1e999,2\n")), "csv-infinite");
    assert_eq!(code(table("a,b\n1,2,3\n")), "csv-ragged");
    assert_eq!(code(table("a,b\n1\n")), "csv-ragged");
    assert_eq!(code(table("")), "csv-empty");
    assert_eq!(code(table("a,b\n")), "csv-empty");
    assert_eq!(code(table("1,2\n3,4\n")), "csv-no-header");
    assert_eq!(code(table("a,\n3,4\n")), "csv-unnamed-column");
    assert_eq!(code(table("a,a\n3,4\n")), "csv-duplicate-column");
    assert_eq!(code(Table::parse("small.csv", b"a,b\n1,\xff\n")), "csv-malformed");
    assert_eq!(code(Table::read("no-such-file.csv")), "file-not-found");
    assert_eq!(code(Table::read(env!("CARGO_MANIFEST_DIR"))), "file-not-read");
}

#[test]
fn bindings_are_read() {
    let parsed = Binding::parse("  \\mathbf{x}=columns a, \"b c\"..d scaled by 1 / 16").unwrap();
    let items = vec![ColumnItem::Name("a".into()), ColumnItem::Range { first: "b c".into(), last: "d".into() }];
    let source = Source::Columns { selection: Selection::Listed(items), scaling: Scaling::By(0.0625) };
    assert_eq!(parsed, Binding { symbol: "\\mathbf{x}".into(), source });
    let parsed = Binding::parse("x = columns * except label, b standardised").unwrap();
    let selection = Selection::AllExcept(vec!["label".into(), "b".into()]);
    assert_eq!(parsed.source, Source::Columns { selection, scaling: Scaling::Standardised });
    let parsed = Binding::parse("t = one-hot label of 10").unwrap();
    assert_eq!(parsed.source, Source::OneHot { label: "label".into(), classes: Some(10) });
    assert_eq!(Binding::parse("y=index label").unwrap().source, Source::Index { label: "label".into() });
    let parsed = Binding::parse("x = columns v1.5..v1.9").unwrap();
    let range = ColumnItem::Range { first: "v1.5".into(), last: "v1.9".into() };
    assert_eq!(parsed.source, Source::Columns { selection: Selection::Listed(vec![range]), scaling: Scaling::None });
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
        "x = a",
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
        "t = column a, b",
        "ξ=…",
    ] {
        assert_eq!(code(Binding::parse(text)), "binding-syntax", "{text}");
    }
    for text in ["x = columns a scaled by 0", "x = columns a scaled by 1/0", "x = column a scaled by ten"] {
        assert_eq!(code(Binding::parse(text)), "binding-scale", "{text}");
    }
}

#[test]
fn arrays_are_made_of_the_bound_columns() {
    let bound = |text: &str| bind(text, &[0, 2]).unwrap();
    assert_eq!(bound("x = columns a..c"), (vec![2, 3], vec![1.0, 10.0, 5.0, 4.0, 60.0, 5.0]));
    assert_eq!(bound("x = columns b, a scaled by 1/2"), (vec![2, 2], vec![5.0, 0.5, 30.0, 2.0]));
    assert_eq!(bound("x = columns * except label, b"), (vec![2, 2], vec![1.0, 5.0, 4.0, 5.0]));
    assert_eq!(bound("t = column b"), (vec![2], vec![10.0, 60.0]));
    assert_eq!(bound("y = index label"), (vec![2], vec![0.0, 1.0]));
    // There are three classes although the label 2 is in no row that was asked for.
    assert_eq!(bound("t = one-hot label"), (vec![2, 3], vec![1.0, 0.0, 0.0, 0.0, 1.0, 0.0]));
    assert_eq!(bound("t = one-hot label of 4").0, [2, 4]);
}

#[test]
fn standardising_measures_the_training_rows_only() {
    let table = table(SMALL).unwrap();
    let fitted = Binding::parse("x = columns a..c standardised").unwrap().fit(&table, &[0, 1]).unwrap();
    let scale = Scale::Standardised { means: vec![1.5, 15.0, 5.0], deviations: vec![0.5, 5.0, 0.0] };
    assert_eq!(fitted.encoding, Encoding::Matrix(scale));
    assert_eq!(fitted.apply(&table, &[0, 1]).unwrap().data, [-1.0, -1.0, 0.0, 1.0, 1.0, 0.0]);
    assert_eq!(fitted.apply(&table, &[2]).unwrap().data, [5.0, 9.0, 0.0]);
    assert!(fitted.apply(&table, &[]).unwrap().data.is_empty());
}

#[test]
fn a_binding_that_does_not_fit_the_table_is_an_error() {
    let error = bind("x = columns a, lable", &[0]).unwrap_err();
    assert_eq!(error.fix(), "The nearest name is label.");
    assert_eq!(code(Err::<(), _>(error)), "binding-unknown-column");
    assert_eq!(code(bind("x = columns c..a", &[0])), "binding-range-reversed");
    assert_eq!(code(bind("x = columns a..c, b", &[0])), "binding-repeated-column");
    assert_eq!(code(bind("x = columns * except a, b, c, label", &[0])), "binding-no-columns");
    assert_eq!(code(bind("x = columns b scaled by 1e308", &[0])), "binding-overflow");
    assert_eq!(code(bind("t = one-hot label of 2", &[0])), "label-out-of-range");
    assert_eq!(code(bind("t = one-hot label of 999999999", &[0])), "label-too-many-classes");
    assert_eq!(code(bind("x = columns a", &[3])), "row-out-of-range");
    let fractions = table("label\n0\n1.5\n").unwrap();
    let error = Binding::parse("y = index label").unwrap().fit(&fractions, &[0]).unwrap_err();
    assert_eq!((error.code, error.slot("line")), ("label-not-an-integer", Some("3")));
    let mut fitted =
        Binding::parse("x = columns a, b standardised").unwrap().fit(&table(SMALL).unwrap(), &[0]).unwrap();
    fitted.columns.pop();
    assert_eq!(code(fitted.apply(&table(SMALL).unwrap(), &[0])), "binding-figures");
}

#[test]
fn a_split_is_whole_and_always_the_same() {
    let parts = split(1797, HELD_OUT_FRACTION, SEED).unwrap();
    assert_eq!((parts.training.len(), parts.held_out.len()), (1438, 359));
    let mut all = [parts.training.clone(), parts.held_out.clone()].concat();
    all.sort_unstable();
    assert!(all.into_iter().eq(0..1797));
    assert_eq!(split(1797, HELD_OUT_FRACTION, SEED).unwrap(), parts);
    assert_ne!(split(1797, HELD_OUT_FRACTION, SEED + 1).unwrap(), parts);
    assert!(split(5, 0.0, SEED).unwrap().held_out.is_empty());
    assert_eq!(code(split(5, 1.0, SEED)), "split-fraction");
    assert_eq!(code(split(5, f64::NAN, SEED)), "split-fraction");
    assert_eq!(code(split(0, 0.2, SEED)), "split-no-training-rows");
    assert_eq!(code(split(1, 0.9, SEED)), "split-no-training-rows");
}

#[test]
fn the_data_of_the_lessons_can_be_bound() {
    let read = |name: &str| Table::read(format!("{}/../data/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let digits = read("digits.csv");
    let rows: Vec<usize> = (0..digits.rows).collect();
    let bound = |table, text, rows: &[usize]| {
        Binding::parse(text).unwrap().fit(table, rows).unwrap().apply(table, rows).unwrap()
    };
    assert_eq!(bound(&digits, "x = columns pixel_0..pixel_63 scaled by 1/16", &rows).shape, [1797, 64]);
    assert_eq!(bound(&digits, "t = one-hot label", &rows).shape, [1797, 10]);
    let cancer = read("breast-cancer.csv");
    let rows: Vec<usize> = (0..cancer.rows).collect();
    assert_eq!(bound(&cancer, "x = columns * except malignant standardised", &rows).shape, [569, 30]);
    assert_eq!(bound(&cancer, "t = column malignant", &rows).data.iter().sum::<f64>(), 212.0);
}
