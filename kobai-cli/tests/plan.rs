//! `kobai plan`: memory limits, types, devices.

use serde_json::Value;
use std::process::Command;

const LINEAR: &str = r"z_{ik} = \sum_{d=1}^{D} x_{id} W_{dk}
L = -\frac{1}{N} \sum_{i=1}^{N} \log \frac{e^{z_{i,t_i}}}{\sum_{k=1}^{K} e^{z_{ik}}}";

const SIZES: &str = "N=8192,D=512,K=32000";

/// Exit code, standard output, standard error.
fn kobai(more: &[&str]) -> (Option<i32>, String, String) {
    let arguments = [&["plan", LINEAR, "--size", SIZES, "--wrt", "x,W"], more].concat();
    let output = Command::new(env!("CARGO_BIN_EXE_kobai")).args(arguments).output().expect("the binary starts");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    (output.status.code(), text(output.stdout), text(output.stderr))
}

fn printed(more: &[&str]) -> String {
    let (code, out, error) = kobai(more);
    assert_eq!(code, Some(0), "{more:?}: {out}{error}");
    out
}

fn planned(more: &[&str]) -> Value {
    serde_json::from_str(&printed(&[&["--json"], more].concat())).expect("JSON")
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))
}

#[test]
fn a_type_has_its_bytes() {
    let inputs = |dtype: &str| number(&planned(&["--dtype", dtype])["input_bytes"]);
    let entries = (8192 * 512 + 512 * 32000 + 8192) as f64;
    assert_eq!([inputs("f64"), inputs("f32"), inputs("bf16")], [8.0 * entries, 4.0 * entries, 2.0 * entries]);
}

#[test]
fn a_limit_of_memory_makes_smaller_chunks() {
    let free = planned(&["--dtype", "f32"]);
    let outputs = number(&free["output_bytes"]);
    let limit = outputs + 24e6;
    let tight = planned(&["--dtype", "f32", "--memory", &format!("{limit}B")]);
    assert!(number(&free["peak_bytes_above_inputs"]) > limit, "{free}");
    assert!(number(&tight["peak_bytes_above_inputs"]) <= limit, "{tight}");
    assert!(number(&tight["chunk"]) < number(&free["chunk"]));
    assert_eq!(tight["product_operations"], free["product_operations"]);
}

/// What lives for a strip takes memory as well: where rows are short it is a large part.
#[test]
fn every_limit_that_can_be_kept_is_kept_and_used() {
    let peak = |sizes: &str, limit: &[&str]| {
        let arguments = ["plan", LINEAR, "--size", sizes, "--wrt", "W", "--json"];
        let output =
            Command::new(env!("CARGO_BIN_EXE_kobai")).args(arguments).args(limit).output().expect("the binary starts");
        assert!(output.status.success(), "{limit:?}: {}", String::from_utf8_lossy(&output.stderr));
        let found: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        number(&found["peak_bytes_above_inputs"])
    };
    for sizes in ["N=1000000,D=100,K=10", "N=1000000,D=1000,K=40"] {
        let free = peak(sizes, &[]);
        for share in [0.4, 0.6, 0.8, 0.95] {
            let limit = (share * free).floor();
            let found = peak(sizes, &["--memory", &format!("{limit}B")]);
            assert!(found <= limit && found > 0.9 * limit, "{found} of {limit}, {free} without a limit");
        }
    }
}

#[test]
fn a_limit_that_nothing_keeps_is_refused() {
    let (code, _, error) = kobai(&["--dtype", "f32", "--memory", "1MiB"]);
    assert_eq!(code, Some(2), "{error}");
    let (_, wanted) = error.split_once("--memory ").expect("what to allow");
    let wanted = wanted.split(',').next().expect("a size").trim().to_owned();
    printed(&["--dtype", "f32", "--memory", &wanted]);
    let (code, _, error) = kobai(&["--memory", "3 furlongs"]);
    assert!(code == Some(2) && error.contains("256MiB"), "{error}");
}

#[test]
fn units_of_memory_are_those_of_the_trade() {
    let chunk = |memory: &str| number(&planned(&["--dtype", "f32", "--memory", memory])["chunk"]);
    assert_eq!(chunk("120 MiB"), chunk("122880kib"));
    assert_eq!(chunk("0.12GB"), chunk("120000000"));
    assert_eq!(chunk("1TiB"), chunk("2TB"));
}

#[test]
fn steps_have_operations_bytes_and_intensity() {
    let found = planned(&["--dtype", "f32"]);
    let passes = found["passes"].as_array().expect("passes");
    let steps = passes.iter().flat_map(|pass| [&pass["once"], &pass["each_chunk"]]);
    let steps: Vec<&Value> = steps.flat_map(|steps| steps.as_array().expect("steps")).collect();
    let total: f64 = steps.iter().map(|step| number(&step["operations"])).sum();
    assert_eq!(total, number(&found["product_operations"]) + number(&found["elementwise_operations"]));
    assert!(steps.iter().all(|step| number(&step["bytes"]) > 0.0), "{steps:?}");
    let full = number(&found["in_full"]["peak_bytes_above_inputs"]);
    assert!(full - number(&found["peak_bytes_above_inputs"]) > 1.5 * 8192.0 * 32000.0 * 4.0, "{found}");
}

#[test]
fn devices_hold_parts_and_exchange_the_rest() {
    let found = planned(&["--dtype", "bf16", "--devices", "8"]);
    assert_eq!(found["devices"]["count"], 8);
    let splits = found["devices"]["splits"].as_array().expect("splits");
    let split = |axis: &str| splits.iter().find(|split| split["axis"] == axis).expect("a split by this axis");
    let weights = (512 * 32000 * 2) as f64;
    let of = |axis: &str, tensor: &str| -> f64 {
        let exchanges = split(axis)["exchanges"].as_array().expect("exchanges");
        exchanges.iter().filter(|one| one["tensor"] == tensor).map(|one| number(&one["bytes"])).sum()
    };
    assert_eq!(of("N", "gradient_W"), weights);
    assert_eq!(of("K", "gradient_W"), 0.0);
    let held = |axis: &str| {
        let held = split(axis)["held"].as_array().expect("a list");
        number(&held.iter().find(|held| held["tensor"] == "gradient_W").expect("the gradient")["bytes"])
    };
    assert_eq!([held("N"), held("K")], [weights, weights / 8.0]);
}

#[test]
fn the_tables_are_in_both_languages() {
    let english = printed(&["--devices", "4"]);
    for part in
        ["each of 4 devices", "split by N", "split by K", "gradient_W: sum over the devices", "FLOP/B", "all in full"]
    {
        assert!(english.contains(part), "no {part} in:\n{english}");
    }
    let japanese = printed(&["--devices", "4", "--lang", "ja"]);
    for part in ["4 台それぞれ", "N で分割", "すべて全体を保持"] {
        assert!(japanese.contains(part), "no {part} in:\n{japanese}");
    }
}
