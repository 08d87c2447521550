//! Each fault of the input: exit code 2, a code, the place, the cause or the fix, and never a panic.

use std::fs;
use std::io::Write;
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// Runs a command that must refuse its input, and returns what it said.
fn refused(arguments: &[&str]) -> String {
    refused_reading(arguments, b"")
}

fn refused_reading(arguments: &[&str], input: &[u8]) -> String {
    let mut child = Command::new(env!("CARGO_BIN_EXE_kobai"))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    // A command that refuses its options does not read its standard input.
    let _ = child.stdin.take().expect("piped").write_all(input);
    let output = child.wait_with_output().expect("the binary ends");
    let said = String::from_utf8(output.stderr).expect("the messages are UTF-8");
    assert!(!said.contains("panicked"), "{said}");
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(output.stdout.is_empty(), "an answer beside an error: {}", String::from_utf8_lossy(&output.stdout));
    said
}

#[track_caller]
fn assert_says(said: &str, parts: &[&str]) {
    for part in parts {
        assert!(said.contains(part), "no `{part}` in:\n{said}");
    }
}

/// The message shows the formula's line with a mark under the place.
#[track_caller]
fn assert_shows_place(said: &str, line: &str, column: usize) {
    assert_says(said, &[line, &format!(":1:{column} ]")]);
    // The line that is drawn under the text.
    assert!(said.contains("╰─"), "nothing is marked in:\n{said}");
}

struct Files(TempDir);

impl Files {
    fn new() -> Files {
        Files(tempfile::tempdir().expect("a folder for the test"))
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        let path = self.0.path().join(name);
        fs::write(&path, content).expect("the test's file is written");
        path.to_str().expect("the path is UTF-8").to_owned()
    }
}

#[test]
fn unbalanced_braces() {
    let said = refused(&["eval", r"\frac{1}{2"]);
    assert_says(&said, &["unclosed-brace", "not closed"]);
    assert_shows_place(&said, r"\frac{1}{2", 9);
    refused(&["eval", r"\frac{1}{2}}"]);
    refused(&["eval", r"\left( x"]);
}

#[test]
fn unknown_command() {
    let said = refused(&["eval", r"1 + \foo x"]);
    assert_says(&said, &["unknown-command", r"\foo"]);
    assert_shows_place(&said, r"1 + \foo x", 5);
}

#[test]
fn undefined_index() {
    let formula = r"L = \sum_i x_{ij}";
    let said = refused(&["explain", formula, "--wrt", "x"]);
    assert_says(&said, &["index", "`j`"]);
    assert!(said.contains('['), "{said}");
}

#[test]
fn two_sizes_for_one_axis() {
    let files = Files::new();
    let data = files.write("inputs.json", r#"{"x": [1, 2, 3], "y": [1, 2]}"#);
    let said = refused(&["eval", r"\sum_i x_i y_i", "--data", &data]);
    assert_says(&said, &["axis-size-conflict", "3 in x", "2 in y", "fix"]);
}

#[test]
fn missing_input() {
    let files = Files::new();
    let data = files.write("inputs.json", r#"{"x": [1, 2, 3]}"#);
    let said = refused(&["eval", r"\sum_i x_i y_i", "--data", &data]);
    assert_says(&said, &["missing-input", "`y`", "fix"]);
    assert_says(&refused(&["check", r"\sum_i x_i y_i", "--data", &data]), &["missing-input", "`y`"]);
}

#[test]
fn wrong_shape_in_the_data() {
    let files = Files::new();
    let data = files.write("inputs.json", r#"{"x": [[1, 2], [3, 4]], "y": [1, 2]}"#);
    let said = refused(&["eval", r"\sum_i x_i y_{ij}", "--data", &data]);
    assert_says(&said, &["rank-mismatch", "`y`"]);
    assert_shows_place(&said, r"\sum_i x_i y_{ij}", 12);
    let data = files.write("shape.json", r#"{"x": {"shape": [2, 2], "data": [1, 2, 3]}}"#);
    assert_says(&refused(&["eval", r"\sum_i x_i", "--data", &data]), &["`x`", "3 entries", "4", "fix"]);
}

#[test]
fn not_a_number_in_a_table() {
    let files = Files::new();
    for cell in ["nan", "NaN", "", "n/a"] {
        let table = files.write("table.csv", format!("a,b\n1,2\n3,{cell}\n"));
        let said = refused(&["eval", r"\sum_i \sum_d x_{id}", "--data", &table, "--bind", "x = columns a..b"]);
        assert_says(&said, &["error[missing-value]", "line 3", "column b", "fix"]);
    }
}

#[test]
fn label_out_of_range() {
    let files = Files::new();
    for label in ["2", "-1"] {
        let data = files.write("inputs.json", format!(r#"{{"p": [[0.2, 0.8], [0.5, 0.5]], "y": [0, {label}]}}"#));
        let said = refused(&["eval", r"L = \frac1N \sum_{i=1}^N \log p_{i,y_i}", "--data", &data]);
        assert_says(&said, &["index-out-of-range", label, "`p`", "fix"]);
    }
}

#[test]
fn unreadable_file() {
    assert_says(&refused(&["eval", "no-such-file.tex"]), &["no-such-file.tex", "fix"]);
    assert_says(&refused(&["eval", "x", "--data", "no-such-file.json"]), &["no-such-file.json", "fix"]);
    assert_says(
        &refused(&["eval", "x", "--data", "no-such-file.csv", "--bind", "x = column a"]),
        &["no-such-file.csv"],
    );
}

#[test]
fn faulty_json() {
    let files = Files::new();
    let said = |content: &str| refused(&["eval", "x", "--data", &files.write("inputs.json", content)]);
    assert_says(&said("{bad"), &["inputs.json", "no JSON", "line 1", "fix"]);
    assert_says(&said("[1, 2]"), &["no object", "fix"]);
    assert_says(&said(r#"{"x": "one"}"#), &["`x`", "no number", "fix"]);
    assert_says(&said(r#"{"x": null}"#), &["`x`", "no number", "fix"]);
    assert_says(&said(r#"{"x": {"data": [1]}}"#), &["`x`", "shape", "fix"]);
    assert_says(&said(r#"{"x": {"shape": [1], "dtype": "f7", "data": [1]}}"#), &["`x`", "f7", "fix"]);
    said("");
    said(&"[".repeat(100_000));
}

#[test]
fn ragged_lists() {
    let files = Files::new();
    for content in [
        r#"{"x": [[1, 2], [3]]}"#,
        r#"{"x": [[1], 2]}"#,
        r#"{"x": [1, [2]]}"#,
        r#"{"x": [[], [1]]}"#,
        r#"{"x": [[[1]], [2]]}"#,
        r#"{"x": [[1], [[2]]]}"#,
    ] {
        let data = files.write("inputs.json", content);
        assert_says(&refused(&["eval", r"\sum_i \sum_j x_{ij}", "--data", &data]), &["`x`", "fix"]);
    }
}

#[test]
fn a_shape_too_large_for_its_machine() {
    let files = Files::new();
    let data = files.write("inputs.json", r#"{"x": {"shape": [4294967296, 4294967296, 2], "data": []}}"#);
    assert_says(&refused(&["eval", "x", "--data", &data]), &["`x`"]);
}

#[test]
fn unknown_names_in_options() {
    assert_says(&refused(&["eval", "x^2", "--bind", "x = 2", "--wrt", "q"]), &["`q`", "fix", "x"]);
    assert_says(&refused(&["explain", "x^2", "--wrt", "q"]), &["`q`", "fix", "x"]);
    assert_says(&refused(&["eval", "1", "--lang", "xx"]), &["`xx`", "en, ja"]);
    assert_says(&refused(&["plan", r"\sum_i x_i", "--size", "Q=2"]), &["`Q`", "fix"]);
    assert_says(&refused(&["plan", r"\sum_i x_i", "--size", "I=two"]), &["I=two", "fix"]);
    refused(&["eval", "1", "--no-such-option"]);
    refused(&["no-such-command"]);
}

#[test]
fn nothing_to_read() {
    assert_says(&refused(&["eval", ""]), &["empty-input", "formula"]);
    assert_says(&refused_reading(&["eval", "-"], b" \n\t"), &["empty-input"]);
    let files = Files::new();
    refused(&["eval", &files.write("empty.md", "# A page without a formula\n\nWords only.\n")]);
}

#[test]
fn bytes_that_are_no_text() {
    let files = Files::new();
    let junk: Vec<u8> = (0..4096_u32).map(|place| (place.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    assert_says(&refused(&["eval", &files.write("junk.tex", &junk)]), &["junk.tex"]);
    refused_reading(&["eval", "-"], &junk);
    // Text, but no formula: control characters and symbols of every kind.
    let symbols: String = (1..2000_u32).filter_map(|code| char::from_u32(code * 7)).collect();
    refused_reading(&["eval", "-"], symbols.as_bytes());
}

#[test]
fn a_place_far_along_a_line_is_shown_alone() {
    let formula = format!("{}\\foo{}", "x + ".repeat(400), " + x".repeat(400));
    let said = refused(&["eval", &formula]);
    assert_says(&said, &["unknown-command", "1:1601", "…", "x + \\foo + x", "fix"]);
    let lines: Vec<&str> = said.lines().collect();
    let mark = lines.iter().position(|line| line.trim() == "^").expect("a caret");
    let column = lines[mark].chars().count() - 1;
    assert_eq!(lines[mark - 1].chars().nth(column), Some('\\'), "{said}");
}

#[test]
fn messages_in_japanese() {
    let said = refused(&["eval", r"1 + \foo x", "--lang", "ja"]);
    assert_says(&said, &["エラー[unknown-command]", "╰─"]);
    assert!(!said.contains("Error") && !said.contains("Help") && !said.contains('\u{1b}'), "{said}");
    assert_says(&refused(&["eval", "x", "--lang", "ja"]), &["エラー[missing-input]", "対処"]);
}

#[test]
fn a_path_that_cannot_be_written_shows_before_training() {
    let files = Files::new();
    let table = files.write("table.csv", "a,t\n1,0\n2,1\n");
    let fit =
        |option: &str, path: &str| refused(&["fit", r"\min_w \sum_i (w x_i - t_i)^2", "--data", &table, option, path]);
    assert_says(&fit("--save", "no-such-folder/w.safetensors"), &["no-such-folder", "fix"]);
    assert_says(&fit("--plot", "loss.bmp"), &["loss.bmp", ".svg", "fix"]);
}

#[test]
fn deep_nesting() {
    for open in ["{", "(", r"\left(", r"\frac{", "x^{", r"\sqrt{", "[", r"\log "] {
        let said = refused_reading(&["eval", "-"], open.repeat(100_000).as_bytes());
        assert!(said.len() < 20_000, "{} bytes of message for one mistake", said.len());
    }
}
