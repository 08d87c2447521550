//! Each command, run as a stranger runs it.

use serde_json::{Value, json};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// The first formula as the article prints it.
const CATEGORICAL: &str = r"\ - \frac{1}{N} \sum_{i}^{N} \sum_{k}^{K} t_{ik} \log y_{ik} \tag{1}";

/// The second formula as the article prints it.
const BINARY: &str =
    r"\ - \frac{1}{N} \sum_{i}^{N} \lbrack t_{i} \log y_{i} + (1- t_{i}) \log (1- y_{i}) \rbrack \tag{2}";

const SOFTMAX_LOSS: &str = r"z_{ik} = \sum_{d=1}^{D} x_{id} W_{dk}
y_{ik} = \frac{e^{z_{ik}}}{\sum_{j=1}^{K} e^{z_{ij}}}
L = -\frac{1}{N} \sum_{i=1}^{N} \sum_{k=1}^{K} t_{ik} \log y_{ik}
";

struct Outcome {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Runs the command from the repository root, so that `book/…` and `data/…` are found.
fn kobai(arguments: &[&str]) -> Outcome {
    kobai_reading(arguments, "")
}

fn kobai_reading(arguments: &[&str], input: &str) -> Outcome {
    let mut child = Command::new(env!("CARGO_BIN_EXE_kobai"))
        .args(arguments)
        .current_dir(repository())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    // A command that does not read its standard input may have closed it.
    let _ = child.stdin.take().expect("piped").write_all(input.as_bytes());
    let output = child.wait_with_output().expect("the binary ends");
    let outcome = Outcome {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).expect("the output is UTF-8"),
        stderr: String::from_utf8(output.stderr).expect("the messages are UTF-8"),
    };
    assert!(!outcome.stderr.contains("panicked"), "{arguments:?}: {}", outcome.stderr);
    outcome
}

/// Runs a command that must succeed, and returns what it printed.
fn printed(arguments: &[&str]) -> String {
    let outcome = kobai(arguments);
    assert_eq!(outcome.code, Some(0), "{arguments:?}: {}{}", outcome.stdout, outcome.stderr);
    outcome.stdout
}

fn printed_json(arguments: &[&str]) -> Value {
    let text = printed(arguments);
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{arguments:?} printed no JSON, {error}: {text}"))
}

fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder for the test")
}

fn written(folder: &TempDir, name: &str, text: &str) -> String {
    let path = folder.path().join(name);
    fs::write(&path, text).expect("the test's file is written");
    path.to_str().expect("the path is UTF-8").to_owned()
}

fn place(folder: &TempDir, name: &str) -> String {
    folder.path().join(name).to_str().expect("the path is UTF-8").to_owned()
}

fn numbers(value: &Value) -> Vec<f64> {
    let list = value.as_array().unwrap_or_else(|| panic!("{value} is no list"));
    list.iter().map(|entry| entry.as_f64().unwrap_or_else(|| panic!("{entry} is no number"))).collect()
}

fn assert_near(found: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len(), "{found:?} against {expected:?}");
    for (&one, &other) in found.iter().zip(expected) {
        assert!((one - other).abs() <= tolerance * other.abs().max(1e-3), "{found:?} against {expected:?}");
    }
}

#[test]
fn eval_of_a_rational_logarithm_is_exact() {
    assert_eq!(printed(&["eval", r"\log_2(8)"]), "3\n");
    assert_eq!(printed_json(&["eval", r"\log_2(8)", "--json"])["exact"], json!("3"));
}

/// Softmax cross-entropy worked out here a second time, in the plainest way.
fn cross_entropy_by_hand(x: &[[f64; 2]], weights: &[[f64; 3]; 2], t: &[[f64; 3]]) -> (f64, Vec<f64>) {
    let samples = x.len() as f64;
    let (mut loss, mut gradient) = (0.0, vec![0.0; 6]);
    for (pixels, target) in x.iter().zip(t) {
        let score = |class: usize| pixels[0] * weights[0][class] + pixels[1] * weights[1][class];
        let exponentials: Vec<f64> = (0..3).map(|class| score(class).exp()).collect();
        let total: f64 = exponentials.iter().sum();
        for class in 0..3 {
            let probability = exponentials[class] / total;
            loss -= target[class] * probability.ln() / samples;
            for pixel in 0..2 {
                gradient[pixel * 3 + class] += pixels[pixel] * (probability - target[class]) / samples;
            }
        }
    }
    (loss, gradient)
}

#[test]
fn eval_of_a_file_gives_value_and_gradients() {
    let x = [[0.5, -1.0], [2.0, 0.25], [-0.75, 1.5]];
    let weights = [[0.1, -0.2, 0.3], [0.4, 0.5, -0.6]];
    let t = [[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, 1.0, 0.0]];
    let (loss, gradient) = cross_entropy_by_hand(&x, &weights, &t);
    let folder = folder();
    let source = written(&folder, "loss.tex", SOFTMAX_LOSS);
    // One input as nested lists, one with its shape beside it.
    let inputs = json!({
        "x": x,
        "W": { "shape": [2, 3], "dtype": "f64", "data": weights.concat() },
        "t": t,
    });
    let data = written(&folder, "inputs.json", &inputs.to_string());
    for (dtype, tolerance) in [("f64", 1e-14), ("f32", 1e-5)] {
        let found = printed_json(&["eval", &source, "--data", &data, "--wrt", "W,x", "--json", "--dtype", dtype]);
        assert_near(&[found["value"].as_f64().expect("a number")], &[loss], tolerance);
        assert_eq!(found["gradients"]["W"]["shape"], json!([2, 3]));
        assert_eq!(found["gradients"]["x"]["shape"], json!([3, 2]));
        assert_near(&numbers(&found["gradients"]["W"]["data"]), &gradient, tolerance);
    }
    let text = printed(&["eval", &source, "--data", &data, "--wrt", "W"]);
    assert!(text.contains("∂/∂W  (2 × 3)"), "{text}");
}

#[test]
fn f32_prints_the_shortest_form_of_an_f32() {
    assert_eq!(printed(&["eval", "x y", "--bind", "x = 0.1", "--bind", "y = 3", "--dtype", "f32"]), "0.3\n");
    assert_eq!(
        printed(&["eval", "x y", "--bind", "x = 0.1", "--bind", "y = 3"]),
        "0.30000000000000004\n",
        "f64 keeps every digit"
    );
}

#[test]
fn a_name_in_the_data_may_have_its_backslash() {
    assert_eq!(printed(&["eval", r"\lambda + 1", "--bind", r"\lambda = 3"]), "4\n");
    let folder = folder();
    let data = written(&folder, "inputs.json", r#"{"\\lambda": 3}"#);
    assert_eq!(printed(&["eval", r"\lambda^2", "--data", &data, "--wrt", r"\lambda"]), "9\n\n∂/∂lambda\n6\n");
}

#[test]
fn check_says_no_to_a_value_that_is_no_number() {
    let folder = folder();
    let data = written(&folder, "inputs.json", r#"{"x": [NaN, 1]}"#);
    let outcome = kobai(&["check", r"\sum_i x_i", "--data", &data]);
    assert_eq!(outcome.code, Some(1), "{}{}", outcome.stdout, outcome.stderr);
    assert!(outcome.stdout.contains("FAILED: the value is not a number"), "{}", outcome.stdout);
}

#[test]
fn small_and_large_numbers_have_exponents() {
    assert_eq!(printed(&["eval", "x^2", "--bind", "x = 1e-100"]), "1e-200\n");
    assert_eq!(printed(&["eval", "x^2", "--bind", "x = 1e100"]), "1e200\n");
}

#[test]
fn the_categorical_formula_as_an_article_prints_it() {
    let folder = folder();
    let t = [[0.0, 1.0], [1.0, 0.0], [0.0, 1.0]];
    let y = [[0.25, 0.75], [0.5, 0.5], [0.875, 0.125]];
    let data = written(&folder, "inputs.json", &json!({ "t": t, "y": y }).to_string());
    let found = printed_json(&["eval", CATEGORICAL, "--data", &data, "--wrt", "y", "--json"]);
    let value = -(0.75_f64.ln() + 0.5_f64.ln() + 0.125_f64.ln()) / 3.0;
    assert_near(&[found["value"].as_f64().expect("a number")], &[value], 1e-14);
    let gradient: Vec<f64> = t.concat().iter().zip(y.concat()).map(|(t, y)| -t / (3.0 * y)).collect();
    assert_near(&numbers(&found["gradients"]["y"]["data"]), &gradient, 1e-14);
    let text = printed(&["explain", CATEGORICAL, "--wrt", "y"]);
    assert!(text.contains("= −t_ik/(N y_ik)"), "{text}");
}

#[test]
fn the_binary_formula_as_an_article_prints_it() {
    let folder = folder();
    let (t, y) = ([1.0, 0.0, 1.0, 0.25], [0.75, 0.125, 0.5, 0.375]);
    let data = written(&folder, "inputs.json", &json!({ "t": t, "y": y }).to_string());
    let found = printed_json(&["eval", BINARY, "--data", &data, "--wrt", "y", "--json"]);
    let pairs = || t.iter().zip(&y);
    let value: f64 = pairs().map(|(t, y): (&f64, &f64)| -(t * y.ln() + (1.0 - t) * (1.0 - y).ln()) / 4.0).sum();
    assert_near(&[found["value"].as_f64().expect("a number")], &[value], 1e-14);
    let gradient: Vec<f64> = pairs().map(|(t, y)| (y - t) / (4.0 * y * (1.0 - y))).collect();
    assert_near(&numbers(&found["gradients"]["y"]["data"]), &gradient, 1e-13);
    let text = printed(&["explain", BINARY, "--wrt", "y"]);
    assert!(text.contains("Result:") && text.contains("t_i") && text.contains("1 − y_i > 0"), "{text}");
}

#[test]
fn both_formulas_differentiate_through_the_last_layer() {
    let softmax = format!(
        "$$y_{{ik}} = \\frac{{e^{{z_{{ik}}}}}}{{\\sum_j e^{{z_{{ij}}}}}}$$\n\n$$\\sum_k t_{{ik}} = 1$$\n\n$${CATEGORICAL}$$\n"
    );
    let logistic = format!("$$y_i = \\sigma(z_i)$$\n\n$${BINARY}$$\n");
    for (text, result) in [(softmax, "(y_ik − t_ik)/N"), (logistic, "(y_i − t_i)/N")] {
        let outcome = kobai_reading(&["explain", "-", "--wrt", "z"], &text);
        assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
        assert!(outcome.stdout.contains(result), "no {result} in:\n{}", outcome.stdout);
    }
}

#[test]
fn explain_states_where_a_logarithm_to_a_base_has_a_derivative() {
    let text = printed(&["explain", r"\log_a x", "--wrt", "x"]);
    for part in ["1/(x log a)", "x > 0", "a > 0", "a ≠ 1"] {
        assert!(text.contains(part), "no {part} in:\n{text}");
    }
}

#[test]
fn explain_differentiates_a_power_by_its_logarithm() {
    let text = printed(&["explain", "x^x", "--wrt", "x"]);
    for part in ["Logarithmic differentiation", "x^x (1 + log x)", "x > 0"] {
        assert!(text.contains(part), "no {part} in:\n{text}");
    }
}

#[test]
fn explain_of_a_bare_logarithm_takes_it_by_its_argument_and_by_its_base() {
    for name in ["log", r"\log"] {
        let text = printed(&["explain", name]);
        for part in ["= 1/(x log a)", "= −(log_a x)/(a log a)", "a ≠ 1", "natural logarithm"] {
            assert!(text.contains(part), "no {part} in:\n{text}");
        }
    }
    assert!(printed(&["explain", "tanh"]).contains("= 1 − (tanh(x))^2"));
}

#[test]
fn explain_derives_the_rule_of_the_logarithm_from_the_limit_and_by_its_inverse() {
    let text = printed(&["explain", "log", "--from-limit", "--lang", "ja"]);
    for part in ["lim_{h→0}", "log_a((1 + u)^(1/u))", "2.718280469", "∂x/∂y = a^y log a", "= 1/(x log a)"] {
        assert!(text.contains(part), "no {part} in:\n{text}");
    }
    assert!(printed(&["explain", "e", "--from-limit"]).contains("lim_{u→0} (1 + u)^(1/u)"));
    let outcome = kobai(&["explain", r"\sin(x)", "--from-limit"]);
    assert_eq!(outcome.code, Some(2));
    assert!(outcome.stderr.contains("no-way-from-limit") && outcome.stderr.contains("fix:"), "{}", outcome.stderr);
}

#[test]
fn explain_of_a_constant_is_zero() {
    let text = printed(&["explain", "5", "--wrt", "x"]);
    assert!(text.contains("does not depend") && text.contains("∂/∂x 5 = 0"), "{text}");
}

#[test]
fn explain_takes_products_apart_by_their_logarithm_where_asked() {
    let text = printed(&["explain", r"x^2 (x+1)^3", "--wrt", "x", "--method", "logarithmic"]);
    assert!(text.contains("2 log x + 3 log(1 + x)") && text.contains("2/x + 3/(1 + x)"), "{text}");
    let outcome = kobai(&["explain", "x + 1", "--method", "logarithmic"]);
    assert_eq!(outcome.code, Some(2));
    assert!(outcome.stderr.contains("logarithm-does-not-help"), "{}", outcome.stderr);
}

#[test]
fn explain_writes_pages_formulas_and_colours() {
    let page = printed(&["explain", "x^x", "--wrt", "x", "--format", "html", "--lang", "ja"]);
    assert!(page.starts_with("<!DOCTYPE html>\n<html lang=\"ja\">") && page.contains("対数微分法"), "{page}");
    assert!(!page.contains("<script") && !page.contains("http"), "{page}");
    let formulas = printed(&["explain", "x^x", "--wrt", "x", "--format", "mathml"]);
    assert!(formulas.lines().all(|line| line.starts_with("<math") && line.ends_with("</math>")), "{formulas}");
    assert!(printed(&["explain", "x^x", "--wrt", "x", "--color", "always"]).contains('\u{1b}'));
    // The output of a test is no terminal.
    assert!(!printed(&["explain", "x^x", "--wrt", "x"]).contains('\u{1b}'));
}

#[test]
fn explain_of_the_lesson_ends_at_the_textbook_form() {
    let lesson = "book/softmax-regression.md";
    let sum = r"\sum_{k=1}^{K} t_{ik} = 1";
    let fraction = r"\frac{y_{ik} - t_{ik}}{N}";
    for (language, states) in [("en", "The text states"), ("ja", "本文の条件")] {
        let explain = |format| printed(&["explain", lesson, "--wrt", "z", "--lang", language, "--format", format]);
        let text = explain("text");
        assert!(text.contains("(y_ik − t_ik)/N"), "{text}");
        assert!(text.contains("Σ_k t_ik = 1") && text.contains(states), "{text}");
        for format in ["latex", "markdown"] {
            let text = explain(format);
            assert!(text.contains(fraction) && text.contains(sum) && text.contains(states), "{text}");
        }
        assert!(explain("latex").contains(r"\documentclass"));
        let found: Value = serde_json::from_str(&explain("json")).expect("JSON");
        assert!(found[0]["result"].to_string().contains("y_{ik} - t_{ik}"), "{found}");
        assert!(found[0]["assumed"].to_string().contains("t_{ik}"), "{found}");
        assert!(found[0]["steps"].as_array().is_some_and(|steps| steps.len() > 3), "{found}");
    }
}

/// The extreme cases of the conformance set for cross-entropy, each with its inputs.
fn extreme_cases() -> (String, Vec<(String, Value)>) {
    let folder = repository().join("tests/data/conformance/cross-entropy");
    let text = fs::read_to_string(folder.join("case.json")).expect("the conformance set is here");
    let set: Value = serde_json::from_str(&text).expect("JSON");
    let cases = set["cases"].as_array().expect("cases").iter();
    let named = cases.map(|case| (case["name"].as_str().expect("a name").to_owned(), case["inputs"].clone()));
    let extreme = named.filter(|(name, _)| name.starts_with("extreme")).collect();
    (folder.join("loss.tex").to_str().expect("UTF-8").to_owned(), extreme)
}

#[test]
fn check_passes_where_the_formula_as_written_fails() {
    let folder = folder();
    let (source, cases) = extreme_cases();
    assert!(!cases.is_empty());
    let mut failures_as_written = 0;
    for (name, inputs) in cases {
        let data = written(&folder, &format!("{name}.json"), &inputs.to_string());
        let text = printed(&["check", &source, "--data", &data, "--wrt", "z"]);
        assert!(text.contains("passed: every error is at most"), "{name}: {text}");
        failures_as_written += usize::from(text.contains("the formula as written fails here"));
        let found = printed_json(&["check", &source, "--data", &data, "--wrt", "z", "--json"]);
        assert_eq!(found["passed"], json!(true), "{name}: {found}");
        if name == "extreme-large-logits" {
            assert!(text.contains("the formula as written fails here"), "{text}");
            let entries = printed(&["check", &source, "--data", &data, "--wrt", "z", "--entries"]);
            assert!(entries.contains("∂/∂z") && entries.contains("-435"), "{entries}");
        }
    }
    assert!(failures_as_written > 0);
}

#[test]
fn check_says_no_with_exit_code_1() {
    let folder = folder();
    let data = written(&folder, "inputs.json", r#"{"x": 0.3}"#);
    let outcome = kobai(&["check", r"\log(1 + e^x)", "--data", &data, "--tolerance", "1e-30"]);
    assert_eq!(outcome.code, Some(1), "{}{}", outcome.stdout, outcome.stderr);
    assert!(outcome.stdout.contains("FAILED"), "{}", outcome.stdout);
}

#[test]
fn plan_tells_passes_and_costs() {
    let sizes = "N=8192,K=32000,D=768";
    let text = printed(&["plan", "book/softmax-regression.md", "--size", sizes]);
    for part in
        ["streamed", "pass 1, for each chunk", "matrix product", "FLOP", "peak above inputs", "gradient_W[D, K]"]
    {
        assert!(text.contains(part), "no {part} in:\n{text}");
    }
    let found = printed_json(&["plan", "book/softmax-regression.md", "--size", sizes, "--json"]);
    // The forward product and the one for the gradient of W: two operations each for an entry.
    let products = 2.0 * 2.0 * 8192.0 * 32000.0 * 768.0;
    assert_near(&[found["product_operations"].as_f64().expect("a number")], &[products], 1e-12);
    let outcome = kobai(&["plan", "book/softmax-regression.md", "--size", "N=8192"]);
    assert_eq!(outcome.code, Some(2));
    assert!(outcome.stderr.contains("size-unknown") && outcome.stderr.contains("axis K"), "{}", outcome.stderr);
}

#[test]
fn fit_saves_parameters_and_draws_the_loss() {
    let folder = folder();
    let (parameters, curve, picture) =
        (place(&folder, "w.safetensors"), place(&folder, "l.svg"), place(&folder, "l.png"));
    let fit = |more: &[&str]| {
        let common = ["fit", "book/logistic-regression.md", "--data", "data/breast-cancer.csv"];
        printed(&[&common[..], more].concat())
    };
    let text = fit(&["--save", &parameters, "--plot", &curve]);
    for part in ["loss", "gradient", "iterations", "accuracy"] {
        assert!(text.contains(part), "no {part} in:\n{text}");
    }
    let saved = kobai_fit::saved::load(&parameters).expect("the parameters load");
    let shape = |wanted: &str| {
        let found = saved.arrays.iter().find(|(name, _)| name == wanted);
        found.unwrap_or_else(|| panic!("no {wanted} is saved")).1.shape.clone()
    };
    assert_eq!(shape("w"), [30]);
    assert_eq!(shape("b"), [0; 0]);
    assert!(fs::read_to_string(&curve).expect("the curve is drawn").contains("<svg"));
    fit(&["--plot", &picture]);
    assert!(fs::read(&picture).expect("the picture is drawn").starts_with(b"\x89PNG"));
}

#[test]
fn a_binding_on_the_command_line_overrides_the_lesson() {
    let loss = |more: &[&str]| {
        let common = ["fit", "book/logistic-regression.md", "--data", "data/breast-cancer.csv", "--json"];
        // An event a line; the last is the result.
        let text = printed(&[&common[..], more].concat());
        let last = text.lines().last().unwrap_or_default();
        let found: Value = serde_json::from_str(last).unwrap_or_else(|error| panic!("no JSON, {error}: {text}"));
        assert_eq!(found["event"], "result");
        found["loss"].as_f64().unwrap_or_else(|| panic!("no loss in {found}"))
    };
    let (weak, strong) = (loss(&[]), loss(&["--bind", "lambda = 1"]));
    assert!(strong > weak + 0.01, "{strong} against {weak}");
}

#[test]
fn every_command_has_examples_in_its_help() {
    for command in ["explain", "eval", "check", "plan", "bench", "fit", "predict"] {
        let text = printed(&[command, "--help"]);
        assert!(text.contains("Example") && text.contains(&format!("kobai {command} ")), "{text}");
    }
    assert!(printed(&["--help"]).contains("Exit codes"));
}

#[test]
fn a_hyphen_reads_standard_input() {
    let outcome = kobai_reading(&["eval", "-"], "\\frac{1}{2} + \\frac13\n");
    assert_eq!((outcome.code, outcome.stdout.as_str()), (Some(0), "5/6 = 0.8333333333333334\n"));
    let outcome = kobai_reading(&["eval", "-", "--bind", "x = 3", "--wrt", "x"], "L = x^2");
    assert_eq!((outcome.code, outcome.stdout.as_str()), (Some(0), "9\n\n∂/∂x\n6\n"));
}

#[test]
fn eval_takes_columns_of_a_table() {
    let folder = folder();
    let table = written(&folder, "table.csv", "a,b,kind\n1,2,0\n3,4,1\n5,6,0\n");
    let eval = |formula: &str, binding: &str| printed(&["eval", formula, "--data", &table, "--bind", binding]);
    assert_eq!(eval(r"\sum_i \sum_d x_{id}^2", "x = columns a..b"), "91\n");
    assert_eq!(eval(r"\frac1N \sum_{i=1}^N x_i", "x = column b"), "4\n");
    assert_eq!(eval(r"\sum_i \sum_k t_{ik}", "t = one-hot kind"), "3\n");
}

#[test]
fn plot_draws_functions_and_their_derivatives() {
    let folder = folder();
    let [svg, png] = ["plot.svg", "plot.png"].map(|name| place(&folder, name));
    for out in [&svg, &png] {
        let arguments = ["plot", r"a \ln x", "x^2", "--bind", "a = 2", "--from", "0", "--to", "2", "--derivative"];
        assert_eq!(printed(&[&arguments[..], &["--out", out]].concat()), format!("drawn: {out}\n"));
    }
    let drawn = fs::read_to_string(&svg).expect("a picture");
    for label in ["a log x", "∂/∂x (a log x)", "x^2", "∂/∂x (x^2)"] {
        assert!(drawn.contains(&format!("\n{label}\n")), "no {label} in:\n{drawn}");
    }
    assert!(fs::read(&png).expect("a picture").starts_with(b"\x89PNG"));
}

#[test]
fn plot_says_what_it_cannot_draw() {
    let folder = folder();
    let out = place(&folder, "plot.svg");
    for (formula, ends, words) in [
        ("a x", ["0", "1"], "is no function of one variable"),
        (r"\sum_i x_i", ["0", "1"], "is no function of one variable"),
        ("2", ["0", "1"], "is no function of one variable"),
        ("x", ["1", "1"], "nothing lies between"),
        (r"\ln x", ["-2", "-1"], "no graph to draw"),
    ] {
        let outcome = kobai(&["plot", formula, "--from", ends[0], "--to", ends[1], "--out", &out]);
        assert_eq!(outcome.code, Some(2), "{formula}: {}", outcome.stdout);
        assert!(outcome.stderr.contains(words) && outcome.stderr.contains("fix:"), "{formula}: {}", outcome.stderr);
        assert!(!Path::new(&out).exists(), "{formula} leaves a file");
    }
}
