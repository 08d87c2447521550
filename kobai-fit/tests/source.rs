//! Tables in files of every format: the same columns come out, whatever the size of a batch, and what is wrong is said with
//! its place.

use kobai_fit::error::DataError;
use kobai_fit::source::{Batch, Column, Format, Kind, Source, Wanted};
use std::fs;
use std::path::{Path, PathBuf};

/// A column as the tests compare it; NaN is equal to itself.
#[derive(Debug, PartialEq)]
enum Cells {
    Numbers(Vec<String>),
    Labels(Vec<String>),
}

fn files(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/files").join(name)
}

/// All rows of these columns, read so many at a time.
fn read(source: &Source, wanted: &[(&str, Kind)], rows: usize) -> Result<Vec<Cells>, DataError> {
    let wanted: Vec<Wanted> =
        wanted.iter().map(|(name, kind)| Wanted { column: source.position(name).unwrap(), kind: *kind }).collect();
    let batches = source.batches(&wanted, rows)?.collect::<Result<Vec<Batch>, _>>()?;
    let mut next = 0;
    let mut cells: Vec<Cells> = Vec::new();
    for batch in batches {
        assert_eq!(batch.first_row, next, "batches follow each other");
        next += batch.rows;
        for (place, column) in batch.columns.iter().enumerate() {
            let own = match column {
                Column::Numbers(values) => Cells::Numbers(values.iter().map(f64::to_string).collect()),
                Column::Labels(labels) => {
                    Cells::Labels(labels.codes.iter().map(|&code| labels.names[code as usize].clone()).collect())
                }
            };
            match (cells.get_mut(place), own) {
                (None, own) => cells.push(own),
                (Some(Cells::Numbers(all)), Cells::Numbers(own)) | (Some(Cells::Labels(all)), Cells::Labels(own)) => {
                    all.extend(own);
                }
                _ => panic!("a column changes its kind"),
            }
        }
    }
    Ok(cells)
}

fn numbers(values: &[f64]) -> Cells {
    Cells::Numbers(values.iter().map(f64::to_string).collect())
}

fn labels(values: &[&str]) -> Cells {
    Cells::Labels(values.iter().map(|&value| value.to_owned()).collect())
}

/// The code of an error, once its sentences are seen to be whole.
fn code<T>(result: Result<T, DataError>) -> &'static str {
    let error = result.err().expect("an error");
    let text = error.to_string();
    assert!(!text.contains('{') && text.ends_with('.') && text.len() > 40, "{text}");
    error.code
}

fn written(name: &str, bytes: &[u8]) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    fs::write(&path, bytes).unwrap();
    (folder, path)
}

#[test]
fn a_table_with_text_and_missing_values_is_the_same_in_every_format() {
    // Made by tests/files/make.py: x, count, name and flag, five rows, one value of x and one name missing.
    let wanted = [
        ("x", Kind::Number),
        ("count", Kind::Number),
        ("count", Kind::Label),
        ("name", Kind::Label),
        ("flag", Kind::Number),
    ];
    let expected = || {
        vec![
            numbers(&[1.5, f64::NAN, -2.25e-3, 1e300, 0.0]),
            numbers(&[3.0, 1.0, 4.0, 1.0, 5.0]),
            labels(&["3", "1", "4", "1", "5"]),
            labels(&["red", "green", "", "red", "blue, or so"]),
            numbers(&[1.0, 0.0, 0.0, 1.0, 1.0]),
        ]
    };
    let names = [
        "table.csv",
        "table.tsv",
        "table.json",
        "columns.json",
        "table.jsonl",
        "plain.parquet",
        "snappy.parquet",
        "gzip.parquet",
        "zstd.parquet",
        "lz4.parquet",
        "brotli.parquet",
        "dictionary.parquet",
    ];
    for name in names {
        let source = Source::open(files(name), None).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(source.names()[..4], ["x", "count", "name", "flag"], "{name}");
        for rows in [1, 2, 3, 1000] {
            let found = read(&source, &wanted, rows).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_eq!(found, expected(), "{name}, {rows} rows at a time");
        }
    }
}

#[test]
fn arrays_are_columns() {
    let first = || numbers(&[0.0, 3.0, 6.0, 9.0]);
    let last = || numbers(&[2.0, 5.0, 8.0, 11.0]);
    for (name, column) in [
        ("matrix.npy", "column"),
        ("matrix-columns-first.npy", "column"),
        ("matrix-f32.npy", "column"),
        ("matrix-f16.npy", "column"),
        ("matrix-i8-big-endian.npy", "column"),
        ("arrays.npz", "m"),
        ("arrays.safetensors", "m"),
    ] {
        let source = Source::open(files(name), None).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(source.rows(), Some(4), "{name}");
        let wanted = [(format!("{column}_0"), Kind::Number), (format!("{column}_2"), Kind::Number)];
        let wanted: Vec<(&str, Kind)> = wanted.iter().map(|(name, kind)| (name.as_str(), *kind)).collect();
        for rows in [1, 3, 1000] {
            assert_eq!(read(&source, &wanted, rows).unwrap(), [first(), last()], "{name}, {rows} rows at a time");
        }
    }
    for name in ["arrays.npz", "arrays.safetensors"] {
        let source = Source::open(files(name), None).unwrap();
        assert_eq!(read(&source, &[("y", Kind::Label)], 9).unwrap(), [labels(&["2", "0", "1", "2"])], "{name}");
    }
}

#[test]
fn the_place_of_a_row_is_the_line_where_it_stands() {
    let text = "\u{feff}# a comment\nx ,\"y, too\"\n\n1, -2.5e-3\n# another\n 3,4\n";
    let (_folder, path) = written("a.csv", text.as_bytes());
    let source = Source::open(&path, None).unwrap();
    assert_eq!(source.names(), ["x", "y, too"]);
    assert_eq!(read(&source, &[("y, too", Kind::Number)], 9).unwrap(), [numbers(&[-2.5e-3, 4.0])]);
    assert_eq!([0, 1].map(|row| source.place(row)), ["line 4", "line 6"]);
    let (_folder, path) = written("a.csv", b"a,b\r\n1,2\r\n\r\n# c\r\n3,\"4\"\r\n5,6");
    let source = Source::open(&path, None).unwrap();
    assert_eq!([0, 1, 2].map(|row| source.place(row)), ["line 2", "line 5", "line 6"]);
    let (_folder, path) = written("a.jsonl", b"{\"a\": 1}\n\n{\"a\": 2}\n");
    assert_eq!(Source::open(&path, None).unwrap().place(1), "line 3");
}

#[test]
fn a_bad_cell_is_an_error_that_names_its_place() {
    let number = |text: &str| {
        let (_folder, path) = written("small.csv", text.as_bytes());
        let source = Source::open(&path, None)?;
        let column = source.names()[1].clone();
        read(&source, &[(&column, Kind::Number)], 9)
    };
    let error = number("a,b\n1,2\n3,x\n").unwrap_err();
    assert!(error.message().ends_with("small.csv, line 3, column b: \"x\" is not a number"), "{error}");
    assert_eq!(code(Err::<(), _>(error)), "cell-not-a-number");
    assert_eq!(
        number("a,b\n1,2\nx,\n").unwrap(),
        [numbers(&[2.0, f64::NAN])],
        "a column that is not wanted is not looked at"
    );
    for missing in ["", "NaN", "N/A", "null"] {
        assert_eq!(number(&format!("a,b\n1,{missing}\n")).unwrap(), [numbers(&[f64::NAN])], "{missing}");
    }
    assert_eq!(code(number("a,b\n1,inf\n")), "cell-infinite");
    assert_eq!(code(number("a,b\n1,1e999\n")), "cell-infinite");
    assert_eq!(code(number("a;b\n1;2,5\n")), "cell-decimal-comma");
    assert_eq!(code(number("a,b\n1,2,3\n")), "csv-ragged");
    assert_eq!(code(number("a,b\n1\n")), "csv-ragged");
    assert_eq!(code(number("a,b\n")), "table-empty");
    assert_eq!(code(number("1,2\n3,4\n")), "csv-no-header");
    assert_eq!(code(number("a,\n3,4\n")), "table-unnamed-column");
    assert_eq!(code(number("a,a\n3,4\n")), "table-duplicate-column");
    let (_folder, path) = written("small.csv", b"a,b\n1,\xff\n");
    assert_eq!(code(read(&Source::open(&path, None).unwrap(), &[("b", Kind::Label)], 9)), "cell-not-text");
    let (_folder, path) = written("small.json", br#"[{"a": 1}, {"a": "x"}]"#);
    let error = read(&Source::open(&path, None).unwrap(), &[("a", Kind::Number)], 9).unwrap_err();
    assert_eq!((error.code, error.slot("place")), ("cell-not-a-number", Some("row 2")));
    let (_folder, path) = written("small.jsonl", b"{\"a\": 9007199254740993}\n");
    let error = read(&Source::open(&path, None).unwrap(), &[("a", Kind::Number)], 9).unwrap_err();
    assert_eq!((error.code, error.slot("place")), ("cell-not-exact", Some("line 1")));
}

#[test]
fn a_file_that_is_not_what_it_should_be_is_an_error() {
    let open = |name: &str, bytes: &[u8]| {
        let (_folder, path) = written(name, bytes);
        Source::open(&path, None).map(|_| ())
    };
    assert_eq!(code(Source::open("no-such-file.csv", None)), "file-not-found");
    assert_eq!(code(Source::open(env!("CARGO_MANIFEST_DIR"), Some(Format::Csv))), "file-not-read");
    assert_eq!(code(open("table.xls", b"")), "format-unknown");
    assert_eq!(code(open("table.csv", b"")), "table-empty");
    assert_eq!(code(open("table.json", b"{")), "table-malformed");
    assert_eq!(code(open("table.json", b"3")), "table-malformed");
    assert_eq!(code(open("table.json", br#"{"a": [1, 2], "b": [1]}"#)), "array-rows");
    assert_eq!(code(open("table.jsonl", b"x\n")), "table-malformed");
    for name in ["plain.parquet", "matrix.npy", "arrays.npz", "arrays.safetensors"] {
        let bytes = fs::read(files(name)).unwrap();
        for length in [0, 4, bytes.len() / 2, bytes.len() - 1] {
            let result = open(name, &bytes[..length]);
            assert_eq!(code(result), "table-malformed", "{name} cut to {length} bytes");
        }
    }
    assert_eq!(code(Source::open(files("three-axes.npy"), None)), "array-axes");
    let source = Source::open(files("nested.parquet"), None).unwrap();
    let nested = source.names()[1].clone();
    assert_eq!(code(read(&source, &[(&nested, Kind::Number)], 9)), "column-type");
    assert_eq!(code(read(&source, &[("day", Kind::Number)], 9)), "column-type");
    let source = Source::open(files("plain.parquet"), None).unwrap();
    assert_eq!(code(read(&source, &[("name", Kind::Number)], 9)), "column-type");
}
