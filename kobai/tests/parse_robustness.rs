//! No text makes the parser panic, and every place it names lies in the text.

use kobai::parse::{Syntax, detect, display_formulas, parse, parse_expression};
use kobai::source::Span;
use proptest::prelude::*;
use std::fs;
use std::path::PathBuf;

const TOKENS: &[&str] = &[
    r"\frac",
    r"\log",
    r"\sum",
    r"\sum_{i=1}^N",
    r"\max",
    r"\min_",
    r"\operatorname{softmax}",
    r"\operatorname*{arg\,min}",
    r"\text{if }",
    r"\mathbb{E}",
    r"\mathbb 1",
    r"\mathbf{w}",
    r"\hat",
    r"\sigma",
    r"\Gamma(",
    r"\delta_{ij}",
    r"\left(",
    r"\right)",
    r"\left|",
    r"\right|",
    r"\|",
    r"\lvert",
    r"\rvert",
    r"\langle",
    r"\rangle",
    r"\begin{cases}",
    r"\end{cases}",
    r"\begin{align}",
    r"\end{align}",
    r"\substack{",
    r"\\",
    r"\quad",
    r"\in",
    r"\mid",
    r"\ne",
    r"\le",
    r"\cdot",
    r"\top",
    r"[\![",
    r"]\!]",
    r"\{",
    r"\}",
    "{",
    "}",
    "(",
    ")",
    "[",
    "]",
    "|",
    "^",
    "_",
    "'",
    "!",
    "+",
    "-",
    "/",
    "*",
    "=",
    "<",
    ">",
    ",",
    ";",
    ":",
    ".",
    "..",
    "&",
    "%",
    "\n",
    "$$",
    "$",
    "`",
    "```latex\n",
    "1",
    "12",
    "1.5e3",
    "1e999999999",
    "x",
    "y_i",
    "T",
    "e",
    "H(",
    "D_{KL}(",
    "f(x)=",
    "sum(i)",
    "if(",
    "t[i,k]",
    "max(",
    "log",
    "where ",
    "損失",
    "ただし",
    "−",
    "é",
    "\u{0}",
    "\\",
    r"\,",
    r"\unknown",
];

fn texts() -> Vec<String> {
    let directory = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/data/conformance");
    let snippets = fs::read_to_string(directory.join("latex.json")).expect("the conformance data");
    let rows: Vec<serde_json::Value> = serde_json::from_str(&snippets).expect("valid JSON");
    let mut texts: Vec<String> = rows.iter().filter_map(|row| row["tex"].as_str()).map(str::to_owned).collect();
    let losses = fs::read_dir(directory).expect("the conformance data").flatten();
    texts.extend(losses.filter_map(|entry| fs::read_to_string(entry.path().join("loss.tex")).ok()));
    texts.sort();
    texts
}

fn lies_in(span: Span, text: &str) -> bool {
    span.start <= span.end && text.get(span.start..span.end).is_some()
}

fn check(text: &str) {
    for syntax in [Syntax::Latex, Syntax::Plain, Syntax::Document] {
        let parsed = parse(text, syntax);
        let places =
            parsed.diagnostics.iter().flat_map(|diagnostic| diagnostic.span.into_iter().chain(diagnostic.related));
        for span in places.chain(parsed.equations.iter().map(|equation| equation.span)) {
            assert!(lies_in(span, text), "{span:?} in {text:?}");
        }
        assert_eq!(parsed, parse(text, syntax));
        let has_error_node = format!("{:?}", parsed.equations).contains("kind: Error");
        let reported = parsed.diagnostics.iter().any(|diagnostic| diagnostic.is_error());
        assert!(!has_error_node || reported, "a part is lost without a word in {text:?} as {syntax:?}");
        assert!(!parsed.equations.is_empty() || reported, "nothing is said of {text:?} as {syntax:?}");
        let _ = parse_expression(text, syntax);
    }
    detect(text);
    for span in display_formulas(text) {
        assert!(lies_in(span, text));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_tokens(tokens in prop::collection::vec(prop::sample::select(TOKENS), 0..40), gaps in any::<u64>()) {
        let mut text = String::new();
        for (position, token) in tokens.iter().enumerate() {
            text.push_str(token);
            if gaps >> (position % 64) & 1 == 1 {
                text.push(' ');
            }
        }
        check(&text);
    }

    #[test]
    fn random_characters(text in "\\PC{0,60}") {
        check(&text);
    }

    #[test]
    fn mutated_losses(text in prop::sample::select(texts()), cut in any::<prop::sample::Index>(), length in 0..6_usize, token in prop::sample::select(TOKENS)) {
        let letters: Vec<char> = text.chars().collect();
        let at = cut.index(letters.len() + 1);
        let before: String = letters.iter().take(at).collect();
        let after: String = letters.iter().skip(at + length).collect();
        check(&format!("{before}{token}{after}"));
    }
}
