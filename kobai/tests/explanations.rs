//! Whole explanations as a reader sees them, so that their quality does not drift: the files in `explanations/`. After a
//! change for the better, `UPDATE_EXPLANATIONS=1 cargo test -p kobai --test explanations` writes them again; read them.

mod common;

use kobai::audit::{audit, verdict};
use kobai::derivation::{Derivation, Verdict};
use kobai::differentiate::readable::{Method, derive, derive_by};
use kobai::eval::data::kinds;
use kobai::explain::{Explanation, Language, explain, explain_way, format, page};
use kobai::expr::{Node, Symbol};
use kobai::parse::{detect, parse};
use kobai::print::Notation;
use kobai::resolve::{Program, resolve};
use std::path::PathBuf;

fn program(text: &str) -> Program {
    resolve(&parse(text, detect(text)), &Default::default()).unwrap_or_else(|errors| panic!("{text}: {errors:?}"))
}

fn symbol(program: &Program, name: &str) -> Symbol {
    let found = program.context.symbols.iter().position(|symbol| symbol.name.plain == name && !symbol.defined);
    Symbol(found.unwrap_or_else(|| panic!("no {name}")) as u32)
}

fn derived(program: &mut Program, name: &str) -> Derivation {
    let symbol = symbol(program, name);
    let mut derivation = derive(program, symbol);
    audit(program, &mut derivation);
    derivation
}

fn explanation(text: &str, name: &str, language: Language, notation: Notation) -> Explanation {
    let mut program = program(text);
    let derivation = derived(&mut program, name);
    explain(&mut program, &derivation, language, notation)
}

/// Holds a text against the file of this name.
fn golden(name: &str, text: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/explanations").join(name);
    if std::env::var_os("UPDATE_EXPLANATIONS").is_some() {
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("the folder is made");
        std::fs::write(&path, text).expect("the file is written");
    }
    let known = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(known == text, "{name} differs from:\n{text}");
}

/// Formulas with the name that each is derived by.
const FORMULAS: [(&str, &str, &str); 7] = [
    ("logarithm-to-a-base", r"\log_a x", "x"),
    ("logarithm-by-its-base", r"\log_a x", "a"),
    ("logarithm-of-a-line", r"\log_2(3x + 1)", "x"),
    ("power-of-itself", "x^x", "x"),
    ("gamma", r"\Gamma(x) k!", "x"),
    ("factorial", r"\log k!", "k"),
    ("quotient", r"\frac{(x - 1)^2}{x - 1} + \frac{\sin x}{x}", "x"),
];

const LOSSES: [(&str, &str); 3] = [("cross-entropy", "z"), ("binary-cross-entropy", "z"), ("bradley-terry", "r")];

#[test]
fn explanations_read_as_they_did() {
    let losses = LOSSES.map(|(name, wrt)| (name, common::read_loss(name.to_owned()).tex, wrt));
    let formulas = FORMULAS.map(|(name, text, wrt)| (name, text.to_owned(), wrt));
    for (name, text, wrt) in losses.into_iter().chain(formulas) {
        for (language, code, _) in Language::ALL {
            let explained = explanation(&text, wrt, language, Notation::Terminal);
            golden(&format!("{name}.{code}.txt"), &format::text(&explained, language, false));
        }
    }
}

#[test]
fn other_forms_read_as_they_did() {
    let text = common::read_loss("cross-entropy".to_owned()).tex;
    for (language, code, _) in Language::ALL {
        let latex = explanation(&text, "z", language, Notation::Latex);
        golden(&format!("cross-entropy.{code}.tex"), &format::latex(std::slice::from_ref(&latex), language));
        golden(&format!("cross-entropy.{code}.md"), &format::markdown(&latex, language));
        let mathml = explanation(&text, "z", language, Notation::MathMl);
        golden(&format!("cross-entropy.{code}.html"), &page::html(&[mathml], language));
    }
}

#[test]
fn the_logarithm_takes_products_apart() {
    let mut program = program(r"\frac{x^3 \sqrt{x + 1}}{(x - 2)^5} e^{2x}");
    let symbol = symbol(&program, "x");
    let mut derivation = derive_by(&mut program, symbol, Method::Logarithmic);
    audit(&mut program, &mut derivation);
    for (language, code, _) in Language::ALL {
        let explained = explain(&mut program, &derivation, language, Notation::Terminal);
        golden(&format!("logarithmic.{code}.txt"), &format::text(&explained, language, false));
    }
    assert!(derivation.steps.iter().all(|step| verdict(step) == Verdict::Holds));
}

/// From the limit and by the inverse function, one text.
fn foundations(text: &str, name: &str, language: Language, notation: Notation) -> Vec<Explanation> {
    let mut program = program(text);
    let symbol = symbol(&program, name);
    let conditions = derive(&mut program, symbol).conditions;
    let ways = kobai::foundations::ways(&mut program, symbol);
    ways.iter().map(|way| explain_way(&program.context, way, &conditions, language, notation)).collect()
}

#[test]
fn foundations_read_as_they_did() {
    let formulas = [
        ("logarithm", r"\log_a x", "x", 2),
        ("natural-logarithm", r"\ln x", "x", 2),
        ("exponential", "e^x", "x", 2),
        ("power", "a^x", "x", 1),
        ("square", "x^2", "x", 1),
        ("cubic", "2x^3 - x + 1", "x", 1),
        ("root", r"\sqrt{x}", "x", 1),
        ("reciprocal", "1/x", "x", 1),
        ("hyperbolic-tangent", r"\tanh x", "x", 1),
    ];
    for (name, text, wrt, count) in formulas {
        for (language, code, _) in Language::ALL {
            let ways = foundations(text, wrt, language, Notation::Terminal);
            assert_eq!(ways.len(), count, "{text}");
            let text: Vec<String> = ways.iter().map(|way| format::text(way, language, false)).collect();
            golden(&format!("foundations-{name}.{code}.txt"), &text.join("\n"));
        }
    }
    let latex = foundations(r"\log_a x", "x", Language::English, Notation::Latex);
    golden("foundations-logarithm.en.tex", &format::latex(&latex, Language::English));
    let mathml = foundations(r"\log_a x", "x", Language::English, Notation::MathMl);
    golden("foundations-logarithm.en.html", &page::html(&mathml, Language::English));
}

#[test]
fn e_is_a_limit() {
    let mut program = program("e");
    let way = kobai::foundations::euler(&mut program).expect("a limit");
    let table = way.table.as_ref().expect("a table");
    assert_eq!(table.rows.first().map(|row| row.1.as_str()), Some("2.000000000"));
    assert_eq!(table.rows.last().map(|row| row.1.as_str()), Some("2.718280469"));
    let text = format::text(
        &explain_way(&program.context, &way, &[], Language::English, Notation::Terminal),
        Language::English,
        false,
    );
    assert!(text.contains("= lim_{u→0} (1 + u)^(1/u)"), "{text}");
}

/// Every step of every conformance loss is held against numbers, and none is left with a delta that a sum would end.
#[test]
fn every_step_of_the_conformance_losses_is_true() {
    let (mut checked, mut doubtful) = (0, Vec::new());
    for loss in common::all_losses() {
        let kinds = loss.cases.first().map(|case| kinds(&case.inputs)).unwrap_or_default();
        let syntax = detect(&loss.tex);
        let Ok(mut program) = resolve(&parse(&loss.tex, syntax), &kinds) else { continue };
        let Ok(symbols) = common::symbols(&program.context, &loss.wrt) else { continue };
        for symbol in symbols {
            let mut derivation = derive(&mut program, symbol);
            audit(&mut program, &mut derivation);
            for step in &derivation.steps {
                checked += 1;
                if verdict(step) != Verdict::Holds {
                    doubtful.push(format!("{} {:?} {}", loss.name, verdict(step), step.rule));
                }
            }
            if program.context.has_derivative(derivation.result) {
                doubtful.push(format!("{}: derivatives left", loss.name));
            }
        }
    }
    assert!(checked > 300, "only {checked} steps");
    assert!(doubtful.is_empty(), "{} of {checked}:\n{}", doubtful.len(), doubtful.join("\n"));
}

/// The conditions in words.
fn conditions(text: &str, name: &str) -> String {
    explanation(text, name, Language::English, Notation::Terminal).conditions.join(", ")
}

#[test]
fn conditions_are_short_and_not_trivial() {
    for (text, expected) in [
        (r"\log(x^2)", "x ≠ 0"),
        (r"\frac{(x - 1)^2}{x - 1}", "x ≠ 1"),
        (r"\frac{1}{\log x}", "log x ≠ 0, x > 0"),
        (r"\frac{1}{x \sqrt{x}}", "x > 0"),
        (r"\log \frac{e^x}{1 + e^x}", ""),
        (r"\log(1 - \sigma(x))", ""),
        ("x^x", "x > 0"),
        (r"\sqrt[3]{x}", "x ≠ 0"),
    ] {
        assert_eq!(conditions(text, "x"), expected, "{text}");
    }
}

/// A wrong step is found, and neither it nor what follows is shown.
#[test]
fn a_wrong_step_is_not_shown() {
    let mut program = program(r"x^2 + \sin x");
    let mut derivation = derived(&mut program, "x");
    let step = derivation.steps.last_mut().expect("steps");
    let Node::Add(terms) = program.context.node(step.whole).clone() else { panic!("a sum of two terms") };
    step.whole = terms[0];
    derivation.result = terms[0];
    audit(&mut program, &mut derivation);
    assert_eq!(derivation.steps.last().map(verdict), Some(Verdict::Fails));
    let shown = explain(&mut program, &derivation, Language::English, Notation::Terminal);
    assert_eq!(shown.steps.len(), derivation.steps.len() - 1);
    assert!(shown.result.is_none() && shown.verdict.contains("Kobai stops here"), "{shown:?}");
}

/// What compiles with pdflatex has no characters beyond ASCII.
#[test]
fn latex_in_english_is_ascii() {
    for loss in common::all_losses() {
        let parsed = parse(&loss.tex, detect(&loss.tex));
        let Ok(mut program) = resolve(&parsed, &Default::default()) else { continue };
        let Ok(symbols) = common::symbols(&program.context, &loss.wrt) else { continue };
        for symbol in symbols {
            let derivation = derive(&mut program, symbol);
            let explained = explain(&mut program, &derivation, Language::English, Notation::Latex);
            let text = format::latex(&[explained], Language::English);
            let strange: Vec<char> = text.chars().filter(|c| !c.is_ascii()).collect();
            assert!(strange.is_empty(), "{}: {strange:?}", loss.name);
        }
    }
}
