//! `kobai explain --stable`: the rewritings, the numbers that call for them, and the conditions that are missing.

use serde_json::Value;
use std::process::Command;

fn stable(formula: &str, more: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_kobai"))
        .args(["explain", formula, "--stable"])
        .args(more)
        .output()
        .expect("the binary starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}

const CROSS_ENTROPY: &str =
    r"-\frac{1}{N}\sum_{i=1}^{N}\sum_{k=1}^{K} t_{ik} \log \frac{e^{z_{ik}}}{\sum_{j=1}^{K} e^{z_{ij}}}";

#[test]
fn cross_entropy_shows_where_it_fails_as_written() {
    let account: Value = serde_json::from_str(&stable(CROSS_ENTROPY, &["--json"])).expect("JSON");
    let rules: Vec<&str> =
        account["steps"].as_array().expect("steps").iter().filter_map(|s| s["rule"].as_str()).collect();
    assert_eq!(rules, ["power-of-sum-of-exponentials", "product-of-exponentials", "log-of-exponential"]);
    assert!(account["stable"].as_str().expect("LaTeX").contains(r"\operatorname{lse}"), "{account}");
    let numbers = account["numbers"].as_str().expect("numbers");
    assert!(numbers.contains("z = (1000, 0)") && numbers.contains("as written NaN"), "{numbers}");
}

#[test]
fn a_condition_that_is_not_known_is_named() {
    let text = stable(r"\log(x y)", &[]);
    assert!(text.contains("log(x y) needs x > 0"), "{text}");
    let text = stable("x > 0\nL = \\log(x y)", &[]);
    assert!(text.contains("log x + log y") && !text.contains("Left as it is"), "{text}");
}

#[test]
fn a_formula_that_needs_nothing_says_so() {
    assert!(stable("x^2 + 1", &[]).contains("Nothing is rewritten"));
}

#[test]
fn the_account_speaks_japanese() {
    let text = stable(CROSS_ENTROPY, &["--lang", "ja"]);
    assert!(text.contains("オーバーフロー対策") && text.contains("実行する式"), "{text}");
}

#[test]
fn a_sure_prediction_keeps_its_digits_where_logits_are_sums() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data.json");
    std::fs::write(&data, r#"{"z": [100.1, 0.3], "b": [0.7, 0.4], "t": [1, 0]}"#).expect("written");
    let loss = r"-\sum_{k=1}^{K} t_k \log \frac{e^{z_k + b_k}}{\sum_{j=1}^{K} e^{z_j + b_j}}";
    let output = Command::new(env!("CARGO_BIN_EXE_kobai"))
        .args(["check", loss, "--wrt", "z,b", "--data"])
        .arg(&data)
        .output()
        .expect("the binary starts");
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stdout));
}

#[test]
fn a_mask_that_is_0_or_1_goes_into_the_log_sum_exp() {
    let loss = r"L = -\sum_{i=1}^{N} \log \frac{\sum_{j=1}^{N} M_{ij} e^{s_{ij}}}{\sum_{j=1}^{N} e^{s_{ij}}}";
    let account = |text: &str| -> Value { serde_json::from_str(&stable(text, &["--json"])).expect("JSON") };
    let stated = account(&format!("{loss}\nM_{{ij}} \\in \\{{0, 1\\}}"));
    assert_eq!(stated["missing"].as_array().map(Vec::len), Some(0), "{stated}");
    assert!(stated["stable"].as_str().expect("LaTeX").contains(r"\log M_{ij}"), "{stated}");
    let silent = account(loss);
    assert_eq!(silent["missing"].as_array().map(Vec::len), Some(1), "{silent}");
}
