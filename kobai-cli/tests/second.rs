//! Second derivatives on the command line: `explain --order 2` and `eval --hvp`.

use serde_json::{Value, json};
use std::process::Command;

const CROSS_ENTROPY: &str = r"y_{ik} = \frac{e^{z_{ik}}}{\sum_j e^{z_{ij}}} \\
    L = -\frac{1}{N} \sum_{i=1}^N \sum_{k=1}^K t_{ik} \log y_{ik}";

fn kobai(arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_kobai")).args(arguments).output().expect("the binary runs");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    let (out, messages) = (text(output.stdout), text(output.stderr));
    assert!(!messages.contains("panicked"), "{arguments:?}: {messages}");
    (output.status.code(), out, messages)
}

fn product(data: &Value, options: &[&str]) -> (Option<i32>, String, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("data.json");
    std::fs::write(&path, data.to_string()).expect("written");
    let data = path.to_str().expect("UTF-8");
    kobai(&[&["eval", CROSS_ENTROPY, "--data", data, "--hvp"], options].concat())
}

#[test]
fn the_order_is_that_of_the_derivative() {
    let (code, text, _) = kobai(&["explain", CROSS_ENTROPY, "--wrt", "z", "--order", "2"]);
    assert_eq!(code, Some(0));
    for part in ["(y_ik − t_ik)/N", "= y_ik δ_ij (δ_kl − y_il)/N", "block-diagonal over i", "where i and j differ"]
    {
        assert!(text.contains(part), "no `{part}`: {text}");
    }
    let (_, text, _) = kobai(&["explain", CROSS_ENTROPY, "--wrt", "z", "--order", "2", "--lang", "ja"]);
    assert!(text.contains("iについてブロック対角"), "{text}");
    let (code, _, messages) = kobai(&["explain", "x", "--order", "3"]);
    assert!(code == Some(2) && messages.contains("--order"), "{messages}");
}

#[test]
fn each_pair_of_names_has_its_block() {
    let formula = r"L = \sum_i (w x_i + b)^2";
    let (_, text, _) = kobai(&["explain", formula, "--wrt", "w,b", "--order", "2"]);
    for part in ["= 2 Σ_i x_i^2", "= 2 Σ_i x_i\n", "= 2 I"] {
        assert!(text.contains(part), "no `{part}`: {text}");
    }
}

#[test]
fn a_direction_in_the_data_gives_the_product_with_the_hessian() {
    let data = json!({ "z": [[0.0, 0.0]], "t": [[0.0, 1.0]], "v_z": [[1.0, -1.0]] });
    // H = ((1, −1), (−1, 1)) / 4
    let (code, text, _) = product(&data, &["--json"]);
    let found: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(code, Some(0));
    assert_eq!(found["hessian_vector_products"]["z"], json!({ "shape": [1, 2], "data": [0.5, -0.5] }));
    assert_eq!(product(&data, &["--wrt", "z", "--json"]).1, text);
    let (_, text, _) = product(&data, &[]);
    assert!(text.contains("Hessian · v, z  (1 × 2)\n0.5  -0.5"), "{text}");
}

#[test]
fn a_direction_that_is_missing_is_asked_for() {
    let data = json!({ "z": [[0.0, 0.0]], "t": [[0.0, 1.0]] });
    let (code, _, messages) = product(&data, &[]);
    assert!(code == Some(2) && messages.contains("v_NAME"), "{messages}");
    let (code, _, messages) = product(&data, &["--wrt", "z"]);
    assert!(code == Some(2) && messages.contains("v_z"), "{messages}");
}
