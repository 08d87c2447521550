//! `kobai bench`, and NPZ archives as data.

use serde_json::Value;
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

const CROSS_ENTROPY: &str = r"-\frac{1}{N} \sum_{i=1}^{N} \log \frac{e^{z_{i,t_i}}}{\sum_{k=1}^{K} e^{z_{ik}}}";

/// Exit code, standard output, standard error.
fn kobai(arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_kobai")).args(arguments).output().expect("the binary starts");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    (output.status.code(), text(output.stdout), text(output.stderr))
}

fn printed(arguments: &[&str]) -> String {
    let (code, out, error) = kobai(arguments);
    assert_eq!(code, Some(0), "{arguments:?}: {out}{error}");
    out
}

fn measured(more: &[&str]) -> Value {
    let text = printed(&[&["bench", CROSS_ENTROPY, "--seconds", "0", "--json"], more].concat());
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{more:?} printed no JSON, {error}: {text}"))
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))
}

/// A file of NumPy's, with a type and shape as NumPy writes them.
fn array(kind: &str, shape: &str, entries: &[u8]) -> Vec<u8> {
    let header = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}\n");
    let length = u16::try_from(header.len()).expect("a short header");
    [b"\x93NUMPY\x01\x00", &length.to_le_bytes()[..], header.as_bytes(), entries].concat()
}

fn archive(folder: &TempDir, name: &str, arrays: &[(&str, Vec<u8>)], method: CompressionMethod) -> String {
    let path = folder.path().join(name);
    let mut archive = ZipWriter::new(File::create(&path).expect("a new file"));
    for (name, bytes) in arrays {
        let options = SimpleFileOptions::default().compression_method(method);
        archive.start_file(format!("{name}.npy"), options).expect("a new entry");
        archive.write_all(bytes).expect("the entry is written");
    }
    archive.finish().expect("the archive is written");
    path.to_str().expect("UTF-8").to_owned()
}

/// Two rows of three logits, and their classes.
fn logits() -> [(&'static str, Vec<u8>); 2] {
    let z: Vec<u8> = [2.0_f32, 1.0, 0.0, 0.5, -0.5, 3.0].iter().flat_map(|entry| entry.to_le_bytes()).collect();
    let t: Vec<u8> = [0_i64, 1].iter().flat_map(|entry| entry.to_le_bytes()).collect();
    [("z", array("<f4", "(2, 3)", &z)), ("t", array("<i8", "(2,)", &t))]
}

/// The loss at these logits by the definition.
fn expected() -> f64 {
    let row = |row: [f64; 3], class: usize| row.iter().map(|entry| entry.exp()).sum::<f64>().ln() - row[class];
    (row([2.0, 1.0, 0.0], 0) + row([0.5, -0.5, 3.0], 1)) / 2.0
}

#[test]
fn inputs_are_drawn_for_sizes() {
    let found = measured(&["--size", "N=64,K=10", "--dtype", "f32", "--threads", "1,2", "--wrt", "z"]);
    assert_eq!(found["dtype"], "f32");
    assert_eq!(found["sizes"], serde_json::json!({ "N": 64, "K": 10 }));
    assert!(found["drawn"]["t"].is_string() && found["drawn"]["z"].is_string(), "{found}");
    assert!((0.5..10.0).contains(&number(&found["value"])), "{found}");
    assert!(number(&found["gradient_norms"]["z"]) > 0.0, "{found}");
    for key in ["compile_seconds", "operations", "bytes_moved", "planned_peak_bytes"] {
        assert!(number(&found[key]) > 0.0, "{key}: {found}");
    }
    assert_eq!(number(&found["largest_tensor_entries"]), 640.0);
    let measured = found["measured"].as_array().expect("a list");
    assert_eq!(measured.iter().map(|one| number(&one["threads"])).collect::<Vec<_>>(), [1.0, 2.0]);
    for one in measured {
        for timing in [&one["reused_seconds"], &one["fresh_seconds"]] {
            assert!(number(&timing["median"]) >= number(&timing["fastest"]), "{one}");
        }
        for key in ["nanoseconds_per_entry", "operations_per_second", "bytes_per_second", "share_of_copy"] {
            assert!(number(&one[key]) > 0.0, "{key}: {one}");
        }
        for key in ["machine_copy_bytes_per_second", "machine_product_operations_per_second"] {
            assert!(number(&one[key]) > 1e8, "{key}: {one}");
        }
    }
}

#[test]
fn a_seed_gives_the_same_value_again() {
    let value = |seed: &str| number(&measured(&["--size", "N=8,K=3", "--threads", "1", "--seed", seed])["value"]);
    assert_eq!(value("7"), value("7"));
    assert_ne!(value("7"), value("8"));
}

#[test]
fn archives_are_read_stored_and_compressed() {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, method) in [("a.npz", CompressionMethod::Stored), ("b.npz", CompressionMethod::Deflated)] {
        let data = archive(&folder, name, &logits(), method);
        let found = measured(&["--data", &data, "--wrt", "z", "--threads", "1"]);
        assert!((number(&found["value"]) - expected()).abs() < 1e-14, "{found}");
        let text = printed(&["eval", CROSS_ENTROPY, "--data", &data]);
        assert!((text.trim().parse::<f64>().expect("a number") - expected()).abs() < 1e-14, "{text}");
    }
}

#[test]
fn with_sizes_data_are_taken_row_by_row() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = archive(&folder, "a.npz", &logits(), CompressionMethod::Stored);
    let formula =
        r"-\frac{1}{B C} \sum_{b=1}^{B} \sum_{c=1}^{C} \log \frac{e^{z_{bc,t_{bc}}}}{\sum_{k=1}^{K} e^{z_{bck}}}";
    let arguments = ["bench", formula, "--size", "B=2,C=1,K=3", "--data", &data, "--json", "--seconds", "0"];
    let found: Value = serde_json::from_str(&printed(&arguments)).expect("JSON");
    assert!((number(&found["value"]) - expected()).abs() < 1e-14, "{found}");
}

#[test]
fn the_value_alone_is_measured_on_request() {
    let found = measured(&["--size", "N=8,K=3", "--threads", "1", "--value-only"]);
    assert_eq!(found["gradient_norms"], serde_json::json!({}));
}

#[test]
fn a_person_is_told_in_both_languages() {
    let text = |language: &str| {
        let size = ["--size", "N=8,K=3", "--seconds", "0", "--threads", "1", "--lang", language];
        printed(&[&["bench", CROSS_ENTROPY], &size[..]].concat())
    };
    let english = text("en");
    for part in ["N = 8, K = 3", "compiled in", "GFLOP/s", "GB/s", "a large copy here", "peak above the inputs"] {
        assert!(english.contains(part), "no {part} in:\n{english}");
    }
    let japanese = text("ja");
    for part in ["N = 8, K = 3", "コンパイル時間", "スレッド数 1"] {
        assert!(japanese.contains(part), "no {part} in:\n{japanese}");
    }
}

#[test]
fn what_is_wrong_is_said_with_a_fix() {
    let folder = tempfile::tempdir().expect("a folder");
    let logits = archive(&folder, "a.npz", &logits(), CompressionMethod::Stored);
    let entries = archive(&folder, "b.npz", &[("z", array("<c8", "(1,)", &[0; 8]))], CompressionMethod::Stored);
    let early = archive(&folder, "c.npz", &[("z", array("<f8", "(9,)", &[0; 8]))], CompressionMethod::Stored);
    let no_archive = folder.path().join("d.npz");
    std::fs::write(&no_archive, "no archive").expect("the file is written");
    let no_archive = no_archive.to_str().expect("UTF-8");
    let cases: [(&[&str], &str); 10] = [
        (&[], "size-unknown"),
        (&["--size", "N=8"], "axis K"),
        (&["--size", "N=8,K=3", "--wrt", "q"], "`q`"),
        (&["--size", "N=8,K=3", "--threads", "0"], "threads"),
        (&["--size", "N=8,K=3", "--memory", "1B"], "fix: allow"),
        (&["--size", "N=1000000000,K=1000000"], "--size"),
        (&["--size", "N=3,K=3", "--data", &logits], "input-length-mismatch"),
        (&["--data", &entries], "<c8"),
        (&["--data", &early], "ends before its last entry"),
        (&["--data", no_archive], "table-malformed"),
    ];
    for (more, expected) in cases {
        let (code, out, error) = kobai(&[&["bench", CROSS_ENTROPY, "--seconds", "0"], more].concat());
        assert_eq!(code, Some(2), "{more:?}: {out}{error}");
        assert!(error.contains(expected), "no {expected} in: {error}");
    }
}

#[test]
fn the_formulas_of_the_table_of_goals_can_be_planned() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/goals/formulas");
    let mut count = 0;
    for entry in std::fs::read_dir(folder).expect("the formulas") {
        let path = entry.expect("a file").path();
        let text = std::fs::read_to_string(&path).expect("the formula");
        let sizes = ["N", "K", "D", "B", "M"].into_iter().filter(|letter| text.contains(&format!("^{{{letter}}}")));
        let sizes = sizes.map(|letter| format!("{letter}=3")).collect::<Vec<_>>().join(",");
        printed(&["plan", path.to_str().expect("UTF-8"), "--size", &sizes]);
        count += 1;
    }
    assert!(count >= 10, "only {count}");
}
