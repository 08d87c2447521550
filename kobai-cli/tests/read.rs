//! `kobai read`: an article, and single formulas, as an author has them proof-read.

use serde_json::Value;
use std::fs;
use std::process::Command;
use tempfile::TempDir;

/// An article on logarithms in losses, with one slip in it.
const ARTICLE: &str = r"# 対数から損失関数へ

この節では $a > 0$、$a \ne 1$ とします。真数 $x$ は正です。ノート一冊は $5 から $10 の間です。

対数は「何乗すればその数になるか」を表します。

$$ y = \log_a x $$

これは次の式を $y$ について解いたものです。

$$ a^y = x $$

たとえば

$$ \log_2 8 = 3, \quad \log_9 27 = \frac{3}{2} $$

積の対数は、対数の和になります。

\[ \log(uv) = \log u + \log v \]

ここで和の対数を次のように分けてはいけません。

$$ \log(u + v) = \log u + \log v $$

微分の公式は次のとおりです。

\begin{align}
\frac{d}{dx} \log_a x &= \frac{1}{x \ln a} \\
(\ln x)' &= \frac{1}{x}
\end{align}

とくに底が \(e\) のときは $\log_e x = \ln x$ です。

```latex
p_{ik} = \frac{e^{z_{ik}}}{\sum_{j=1}^{K} e^{z_{ij}}}
L = -\frac{1}{N} \sum_{i=1}^{N} \sum_{k=1}^{K} t_{ik} \log p_{ik}
```

ラベルは $\sum_{k} t_{ik} = 1$ を満たすので、勾配は

$$ \frac{\partial L}{\partial z_{ik}} = \frac{1}{N} (p_{ik} - t_{ik}) $$

です。二値のときの誤差は

$$ -\frac{1}{N} \sum_{i=1}^{N} [t_i \log y_i + (1 - t_i) \log(1 - y_i)] $$

と書けます。定数は $\ln 2 \fallingdotseq 0.6931$ です。
";

struct Outcome {
    code: Option<i32>,
    stdout: String,
}

fn kobai(arguments: &[&str]) -> Outcome {
    let output = Command::new(env!("CARGO_BIN_EXE_kobai")).args(arguments).output().expect("the binary runs");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(!stderr.contains("panicked"), "{arguments:?}: {stderr}");
    Outcome { code: output.status.code(), stdout: String::from_utf8(output.stdout).expect("UTF-8") }
}

fn formulas(text: &str) -> (Option<i32>, Vec<Value>) {
    let outcome = kobai(&["read", text, "--json"]);
    let whole: Value = serde_json::from_str(&outcome.stdout).unwrap_or_else(|error| panic!("{text}: {error}"));
    (outcome.code, whole["formulas"].as_array().expect("a list").clone())
}

/// The only formula of a text.
fn formula(text: &str) -> Value {
    let (_, found) = formulas(text);
    assert_eq!(found.len(), 1, "{text}: {found:?}");
    found.into_iter().next().expect("one")
}

fn article(text: &str) -> (TempDir, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("article.md");
    fs::write(&path, text).expect("written");
    let name = path.to_str().expect("UTF-8").to_owned();
    (folder, name)
}

fn words(formula: &Value) -> (&str, &str) {
    (formula["kind"].as_str().unwrap_or_default(), formula["status"].as_str().unwrap_or_default())
}

fn conditions(formula: &Value) -> Vec<&str> {
    formula["conditions"].as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

#[test]
fn an_article_is_proof_read() {
    let (_folder, path) = article(ARTICLE);
    let (code, found) = formulas(&path);
    assert_eq!(code, Some(1), "the article has a slip in it");
    let expected = [
        ("assumption", "ok"),
        ("assumption", "ok"),
        ("symbol", "ok"),
        ("definition", "ok"),
        ("symbol", "ok"),
        ("inverse pair", "holds"),
        ("statement", "holds"),
        ("statement", "holds"),
        ("statement", "holds"),
        ("statement", "false"),
        ("statement", "holds"),
        ("statement", "holds"),
        ("symbol", "ok"),
        ("statement", "holds"),
        ("definition", "ok"),
        ("loss", "ok"),
        ("assumption", "ok"),
        ("statement", "holds"),
        ("loss", "ok"),
        ("statement", "holds"),
    ];
    let got: Vec<(&str, &str)> = found.iter().map(words).collect();
    assert_eq!(got, expected, "{found:#?}");
}

#[test]
fn the_inverse_of_a_definition_says_where_it_holds() {
    let (_folder, path) = article(ARTICLE);
    let (_, found) = formulas(&path);
    let inverse = &found[5];
    assert_eq!(inverse["latex"], "a^{y} = x");
    assert_eq!(inverse["related"], serde_json::json!({ "as": "inverse", "formula": 4 }));
    for condition in ["a > 0", r"a \ne 1", "x > 0"] {
        assert!(conditions(inverse).contains(&condition), "{inverse}");
    }
    assert_eq!(inverse["line"], 11);
}

#[test]
fn a_wrong_statement_has_a_counterexample_that_one_can_follow() {
    let found = formula(r"\log(u + v) = \log u + \log v");
    assert_eq!(words(&found), ("statement", "false"));
    let example = &found["counterexample"];
    let (u, v) = (example["values"]["u"].as_f64().expect("u"), example["values"]["v"].as_f64().expect("v"));
    let left = example["left"]["value"].as_f64().expect("left");
    let right = example["right"]["value"].as_f64().expect("right");
    assert!((left - (u + v).ln()).abs() < 1e-9 && (right - (u.ln() + v.ln())).abs() < 1e-9, "{example}");
    assert!((left - right).abs() > 1e-6, "{example}");
}

#[test]
fn a_gradient_supposes_no_more_than_it_needs() {
    let (_folder, path) = article(ARTICLE);
    let (_, found) = formulas(&path);
    assert!(found[17].get("supposed").is_none(), "the article states that the labels sum to 1: {}", found[17]);
    let silent = ARTICLE.replace(r"$\sum_{k} t_{ik} = 1$ を満たす", "確率の");
    let (_folder, path) = article(&silent);
    let (_, found) = formulas(&path);
    assert_eq!(words(&found[16]), ("statement", "holds"));
    assert_eq!(found[16]["supposed"], serde_json::json!([r"\sum_{k=1}^{K} t_{ik} = 1"]));
    let wrong = ARTICLE.replace("(p_{ik} - t_{ik})", "(t_{ik} - p_{ik})");
    let (_folder, path) = article(&wrong);
    let (_, found) = formulas(&path);
    assert_eq!(words(&found[17]), ("statement", "false"));
    assert!(found[17]["counterexample"]["place"].get("k").is_some(), "{}", found[17]);
}

#[test]
fn statements_that_hold() {
    for text in [
        r"\log_2(8) = 3",
        r"\log_a x = \frac{\ln x}{\ln a}",
        r"\log_a x = \frac{\log_b x}{\log_b a}",
        r"\log_a a = 1",
        r"\log_a a^n = n",
        r"e^{\ln x} = x",
        r"a^{\log_a x} = x",
        r"x = e^{\ln x}",
        r"\frac{d}{dx} \ln x = \frac1x",
        r"\frac{d}{da} \log_a x = -\frac{\ln x}{a (\ln a)^2}",
        r"\frac{d^2}{dx^2} \ln x = -\frac{1}{x^2}",
        r"\frac{\partial}{\partial x} x^x = x^x (1 + \ln x)",
        r"\sigma'(x) = \sigma(x) (1 - \sigma(x))",
        r"\log \prod_{i=1}^{N} p_i = \sum_{i=1}^{N} \log p_i",
        r"\sum_{i=1}^{N} i = \frac{N(N+1)}{2}",
        r"\sin^2 x + \cos^2 x = 1",
        r"\log x \le x - 1",
        r"\log x > 0 \iff x > 1",
        r"\log_{10} 2 \approx 0.3010",
        r"e = 2.718\ldots",
        r"1 = \log_2 2 = \log_3 3",
        r"e = \lim_{n \to \infty} \left(1 + \frac{1}{n}\right)^n",
        r"\frac{d}{dx} \log_a x = \lim_{h \to 0} \frac{\log_a(x + h) - \log_a x}{h} = \frac{1}{x} \log_a e",
        r"\lim_{x \to 1} \frac{\ln x}{x - 1} = 1",
        r"\lim_{x \to +0} x \ln x = 0",
        "log(x*y) = log(x) + log(y)",
    ] {
        let outcome = kobai(&["read", text, "--json"]);
        let found = formula(text);
        assert_eq!((words(&found), outcome.code), (("statement", "holds"), Some(0)), "{text}: {found}");
    }
}

#[test]
fn statements_that_do_not_hold() {
    for text in [
        r"\log_2(8) = 4",
        r"\log_a a = 0",
        r"\log(x y) = \log x \cdot \log y",
        r"\frac{d}{dx} \log_a x = \frac{1}{x}",
        r"\frac{d}{dx} \log_a x = \frac{\ln a}{x}",
        r"\sqrt{x^2} = x",
        r"\log \sum_{i=1}^{N} p_i = \sum_{i=1}^{N} \log p_i",
        r"\log x \ge x",
        r"\log x > 0 \iff x > 2",
        r"\log_{10} 2 \approx 0.3110",
        r"3 = \log_2 8 = \log_3 9",
        r"e = \lim_{n \to \infty} \left(1 + \frac{2}{n}\right)^n",
        r"\lim_{h \to 0} \frac{\log_a(x + h) - \log_a x}{h} = \frac{1}{x}",
    ] {
        let outcome = kobai(&["read", text, "--json"]);
        let found = formula(text);
        assert_eq!((words(&found), outcome.code), (("statement", "false"), Some(1)), "{text}: {found}");
        assert!(found.get("counterexample").is_some(), "{text}: {found}");
    }
}

#[test]
fn conditions_are_those_of_the_functions() {
    let found = formula(r"\log(xy) = \log x + \log y");
    assert_eq!(conditions(&found), ["x > 0", "y > 0"]);
    let found = formula(r"\frac{d}{dx} \log_a x = \frac{1}{x \ln a}");
    let mut found = conditions(&found);
    found.sort_unstable();
    assert_eq!(found, ["a > 0", r"a \ne 1", "x > 0"]);
}

#[test]
fn a_further_form_of_a_definition_is_checked() {
    let (code, found) = formulas(r"y = \log(x^2) = 2 \log |x|");
    assert_eq!((code, words(&found[0])), (Some(0), ("definition", "holds")));
    let (code, found) = formulas(r"y = \log(x^2) = (\log x)^2");
    assert_eq!((code, words(&found[0])), (Some(1), ("definition", "false")));
}

#[test]
fn a_name_may_get_another_meaning() {
    let (code, found) =
        formulas("$$y = x^2$$ and $$y = 2x - x + x^2 - x$$ but then $$y = \\log x$$ so $$y' = \\frac{1}{x}$$");
    let got: Vec<_> = found.iter().map(words).collect();
    assert_eq!(got, [("definition", "ok"), ("statement", "holds"), ("definition", "ok"), ("statement", "holds")]);
    assert_eq!(found[1]["related"]["as"], "repeats");
    assert_eq!(found[2]["related"]["as"], "replaces");
    assert_eq!(code, Some(0));
}

#[test]
fn a_prime_is_the_derivative_of_what_was_defined() {
    let (code, found) =
        formulas(r"$y = x^x$, so $\frac{y'}{y} = \ln x + 1$, $y' = x^x (\ln x + 1)$, but $y' = x^x \ln x$ is wrong.");
    let got: Vec<_> = found.iter().map(|formula| words(formula).1).collect();
    assert_eq!((code, &got[..]), (Some(1), &["ok", "holds", "holds", "false"][..]), "{found:?}");
}

#[test]
fn derivatives_of_entries_keep_their_delta() {
    let softmax = r"$$y_k = \frac{e^{z_k}}{\sum_{j=1}^{K} e^{z_j}}$$";
    let (code, found) =
        formulas(&format!(r"{softmax} has $$\frac{{\partial y_k}}{{\partial z_j}} = y_k (\delta_{{kj}} - y_j)$$"));
    assert_eq!((code, words(&found[1])), (Some(0), ("statement", "holds")), "{found:?}");
    let (code, found) = formulas(&format!(r"{softmax} has $$\frac{{\partial y_k}}{{\partial z_j}} = y_k (1 - y_j)$$"));
    assert_eq!((code, words(&found[1])), (Some(1), ("statement", "false")), "{found:?}");
}

#[test]
fn a_rounded_value_is_told_to_say_so() {
    let outcome = kobai(&["read", r"\log_{10} 2 = 0.3010"]);
    assert_eq!(outcome.code, Some(1));
    assert!(outcome.stdout.contains(r"\approx says so"), "{}", outcome.stdout);
}

#[test]
fn numbers_given_as_an_example_do_not_spoil_what_follows() {
    let (_, found) =
        formulas(r"Take $x = 8$. Then $\log_2 x = 3$ holds, and so does $$\frac{d}{dx} \ln x = \frac{1}{x}.$$");
    let got: Vec<_> = found.iter().map(words).collect();
    assert_eq!(got, [("definition", "ok"), ("statement", "holds"), ("statement", "holds")]);
}

#[test]
fn the_inverse_may_come_first() {
    let (_, found) = formulas(r"$$a^y = x$$ means $$y = \log_a x$$");
    assert_eq!(words(&found[1]), ("inverse pair", "holds"), "{found:?}");
    let (code, found) = formulas(r"$$y = \log_a x$$ means $$a^x = y$$");
    assert_eq!((code, words(&found[1]).1), (Some(1), "false"), "{found:?}");
}

#[test]
fn what_is_beyond_the_notation_is_not_called_a_mistake() {
    for text in [r"写像 $x \mapsto x^2$ は", r"$W \in \mathbb{R}^{n \times m}$ とし", r"積分 $\int_0^1 f(x) dx$ は"]
    {
        let (code, found) = formulas(text);
        assert_eq!((code, words(&found[0]).1), (Some(0), "unchecked"), "{text}: {found:?}");
        assert!(found[0]["diagnostics"][0]["message"].as_str().is_some_and(|text| !text.is_empty()));
    }
}

#[test]
fn a_slip_of_the_pen_is_an_error_with_its_place() {
    let (_folder, path) = article("一行目\n\n対数は $\\log_2 (8 = 3$ です。\n");
    let (code, found) = formulas(&path);
    assert_eq!((code, words(&found[0]).1), (Some(1), "error"));
    assert_eq!(found[0]["diagnostics"][0]["place"]["line"], 3);
    let shown = kobai(&["read", &path, "--lang", "ja"]);
    assert!(shown.stdout.contains(":3:") && shown.stdout.contains("エラー"), "{}", shown.stdout);
}

#[test]
fn money_is_no_mathematics() {
    let (_, found) = formulas("It costs $5 or $10, 米は$5と$10です。ただし $x$ は別。");
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0]["latex"], "x");
}

#[test]
fn a_summary_ends_the_list() {
    let (_folder, path) = article(ARTICLE);
    let english = kobai(&["read", &path]).stdout;
    assert!(english.ends_with("20 formulas: 10 ok, 9 hold, 1 false\n"), "{english}");
    assert!(english.contains("statement: FALSE") && english.contains("log(u + v) = "), "{english}");
    let japanese = kobai(&["read", &path, "--lang", "ja"]).stdout;
    assert!(japanese.ends_with("数式 20 個: 可 10, 成立 9, 誤り 1\n"), "{japanese}");
}

#[test]
fn a_law_is_about_all_values_whatever_its_letters_stood_for_before() {
    let (_, found) =
        formulas(r"$y = \log_a x$ and $\log(x + y) = \log x + \log y$ and $\log_a(xy) = \log_a x + \log_a y$");
    let [_, wrong, right] = &found[..] else { panic!("{found:?}") };
    assert_eq!(words(wrong), ("statement", "false"));
    assert_eq!(words(right), ("statement", "holds"));
    assert_eq!(conditions(right), ["a > 0", r"a \ne 1", "x > 0", "y > 0"], "{right}");
}
