//! Characters that people type in place of commands: they read as the command would, or are refused.

mod parse_show;

use kobai::parse::{Syntax, parse};
use parse_show::read;

#[test]
fn characters_read_as_what_they_look_like() {
    let rows = [
        (Syntax::Plain, "x² + y³", "x^2 + y^3"),
        (Syntax::Plain, "x⁻¹", "x^(-1)"),
        (Syntax::Plain, "xᵢ tᵢₖ", "x[i] t[i,k]"),
        (Syntax::Plain, "√2 + √(x + 1) + √x", "sqrt(2) + sqrt(x + 1) + sqrt(x)"),
        (Syntax::Plain, "√12", "sqrt(12)"),
        (Syntax::Plain, "a × b · c − d ÷ 2", "a * b \\cdot c - d/2"),
        (Syntax::Plain, "x ≤ y", "x <= y"),
        (Syntax::Plain, "x ≥ y", "x >= y"),
        (Syntax::Plain, "x ≠ y", "x != y"),
        (Syntax::Plain, "∑(i=1..N) x[i]", "sum(i=1..N) x[i]"),
        (Syntax::Plain, "∏(i) x[i]", "prod(i) x[i]"),
        (Syntax::Plain, "（x ＋ 1）＊y", "(x + 1)*y"),
        (Syntax::Plain, "2α + xβ", "2 alpha + x beta"),
        (Syntax::Latex, "x² + y_i³", "x^{2} + y_{i}^{3}"),
        (Syntax::Latex, "xᵢ tᵢₖ", "x_{i} t_{ik}"),
        (Syntax::Latex, "x₁", "x_1"),
        (Syntax::Latex, "wᵀ x", r"w^{\top} x"),
        (Syntax::Latex, "√2 + √(x + 1)", r"\sqrt{2} + \sqrt{x + 1}"),
        (Syntax::Latex, "∑_i σ(xᵢ) ⋅ α", r"\sum_i \sigma(x_{i}) \cdot \alpha"),
        (Syntax::Latex, "‖x‖ ≤ ∞", r"\|x\| \le \infty"),
        (Syntax::Latex, "ℓ（x） − ｜y｜", r"\ell(x) - |y|"),
    ];
    for (syntax, typed, spelt) in rows {
        assert_eq!(read(typed, syntax), read(spelt, syntax), "{typed}");
    }
}

#[test]
fn what_could_mislead_is_refused() {
    for syntax in [Syntax::Plain, Syntax::Latex] {
        for text in ["x１２", "ｘ + 1", "10¹²", "x₁₂", "a ＠ b"] {
            let parsed = parse(text, syntax);
            assert!(parsed.diagnostics.iter().any(|error| error.code == "unknown-character"), "{text}: {parsed:?}");
        }
    }
}

#[test]
fn a_name_that_is_nearly_known_is_suggested() {
    for (text, suggestion) in [(r"\fracc{1}{2}", r"\frac"), (r"\sigmma(x)", r"\sigma"), (r"\leqq 2", r"\leq")] {
        let parsed = parse(text, Syntax::Latex);
        let error = parsed.diagnostics.iter().find(|error| error.code == "misspelt-command");
        let slots = error.map(|error| error.slots.clone()).unwrap_or_default();
        assert!(slots.contains(&("suggestion", suggestion.to_owned())), "{text}: {parsed:?}");
    }
}

#[test]
fn an_operator_inside_an_argument_binds_nothing_outside() {
    let rows = [
        ("max(a, sum(k=1..K) b[k]) x", r"\max(a, \sum_{k=1}^{K} b_{k}) x"),
        ("min(sum(k) b[k], 1) x", r"\min(\sum_{k} b_{k}, 1) x"),
    ];
    for (plain, latex) in rows {
        assert_eq!(read(plain, Syntax::Plain), read(latex, Syntax::Latex), "{plain}");
    }
}
