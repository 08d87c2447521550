//! The tree as presentation MathML, with elements of MathML Core only.

use super::glyph;
use super::tree::{Big, Tree};
use crate::expr::Reduction;
use crate::formula::{Relation, Spelling};
use crate::function::Function;

/// Spells the tree.
pub(super) fn render(tree: &Tree) -> String {
    format!(r#"<math display="block">{}</math>"#, one(tree))
}

/// One element.
fn one(tree: &Tree) -> String {
    match tree {
        Tree::Digits(digits) => element("mn", digits),
        Tree::Name(name) => entry(name, ""),
        Tree::Entry(name, list) => entry(name, &places(list)),
        Tree::Pi => identifier("π"),
        Tree::Euler => identifier("e"),
        Tree::Infinity => identifier("∞"),
        Tree::Fraction(above, below) => wrap("mfrac", &(one(above) + &one(below))),
        Tree::Root(None, radicand) => wrap("msqrt", &one(radicand)),
        Tree::Root(Some(degree), radicand) => wrap("mroot", &(one(radicand) + &one(degree))),
        Tree::Power(base, exponent) => wrap("msup", &(one(base) + &one(exponent))),
        Tree::Exponential { exponent, named: false } => wrap("msup", &(identifier("e") + &one(exponent))),
        Tree::Exponential { exponent, named: true } => row(&(function_name("exp") + &fence("(", &one(exponent), ")"))),
        Tree::Product(factors) => product(factors),
        Tree::Sum(terms) => sum(terms),
        Tree::Log { base, argument, closed } => log(base.as_deref(), argument, *closed),
        Tree::Apply { function, arguments, spelt_out } => apply(*function, arguments, *spelt_out),
        Tree::Gamma(argument) => row(&(function_name("Γ") + &fence("(", &one(argument), ")"))),
        Tree::Factorial(inner) => row(&(one(inner) + &operator("!"))),
        Tree::Big(big) => reduction(big),
        Tree::Relation(relation, left, right) => row(&(one(left) + &operator(sign(*relation)) + &one(right))),
        Tree::Indicator(condition) => row(&(element("mn", "𝟙") + &fence("[", &one(condition), "]"))),
        Tree::Delta(sides) => wrap("msub", &(identifier("δ") + &places(sides.as_slice()))),
        Tree::Cases(rows, otherwise) => cases(rows, otherwise),
        Tree::Derivative(body, target) => derivative(body, target),
        Tree::Bracket(inner) => fence("(", &one(inner), ")"),
        Tree::Marked(inner) => format!(r#"<mrow class="changed">{}</mrow>"#, one(inner)),
        Tree::Ellipsis => operator("…"),
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn element(name: &str, text: &str) -> String {
    wrap(name, &escape(text))
}

fn wrap(name: &str, inner: &str) -> String {
    format!("<{name}>{inner}</{name}>")
}

fn row(inner: &str) -> String {
    wrap("mrow", inner)
}

/// A single letter is set in italics by every browser, a word upright; a prime would make a word of a letter.
fn identifier(text: &str) -> String {
    let letter = text.trim_end_matches('′');
    if letter.is_empty() || letter == text {
        return element("mi", text);
    }
    wrap("msup", &(element("mi", letter) + &operator(&text[letter.len()..])))
}

fn operator(text: &str) -> String {
    element("mo", text)
}

fn fence(left: &str, inner: &str, right: &str) -> String {
    row(&(operator(left) + inner + &operator(right)))
}

/// A function's name with the invisible sign of application.
fn function_name(name: &str) -> String {
    identifier(name) + &operator("\u{2061}")
}

/// Between a function's name and an argument without brackets.
const THIN_SPACE: &str = r#"<mspace width="0.167em"></mspace>"#;

/// A name with the words of its script and the places, if it has any.
fn entry(name: &Spelling, places: &str) -> String {
    let glyphs = glyph::glyphs(&name.latex);
    let base = identifier(&glyphs.base);
    let base = if glyphs.above.is_empty() { base } else { wrap("msup", &(base + &element("mtext", &glyphs.above))) };
    let word = if glyphs.below.is_empty() { String::new() } else { element("mtext", &glyphs.below) };
    match (word.is_empty(), places.is_empty()) {
        (true, true) => base,
        (false, true) => wrap("msub", &(base + &word)),
        (true, false) => wrap("msub", &(base + places)),
        (false, false) => wrap("msub", &(base + &row(&(word + &operator(",") + places)))),
    }
}

fn places(list: &[Tree]) -> String {
    let letters = list.iter().all(|place| matches!(place, Tree::Name(name) if name.latex.chars().count() == 1));
    let separator = operator(if letters { "\u{2063}" } else { "," });
    let spelt: Vec<String> = list.iter().map(one).collect();
    row(&spelt.join(&separator))
}

fn product(factors: &[Tree]) -> String {
    let mut inner = String::new();
    for (position, factor) in factors.iter().enumerate() {
        if position > 0 {
            inner.push_str(&operator(if factor.starts_with_digit() { "⋅" } else { "\u{2062}" }));
        }
        inner.push_str(&one(factor));
    }
    row(&inner)
}

fn sum(terms: &[(bool, Tree)]) -> String {
    let mut inner = String::new();
    for (position, (negative, term)) in terms.iter().enumerate() {
        match (position, negative) {
            (_, true) => inner.push_str(&operator("−")),
            (0, false) => {}
            (_, false) => inner.push_str(&operator("+")),
        }
        inner.push_str(&one(term));
    }
    row(&inner)
}

fn log(base: Option<&Tree>, argument: &Tree, closed: bool) -> String {
    let name = match base {
        Some(base) => wrap("msub", &(identifier("log") + &one(base))) + &operator("\u{2061}"),
        None => function_name("log"),
    };
    let bare = !closed && argument.is_bare_argument();
    let argument = if bare { THIN_SPACE.to_owned() + &one(argument) } else { fence("(", &one(argument), ")") };
    row(&(name + &argument))
}

fn apply(function: Function, arguments: &[Tree], spelt_out: bool) -> String {
    let plain = function.row().plain;
    let inside: Vec<String> = arguments.iter().map(one).collect();
    let inside = inside.join(&operator(","));
    let name = match function {
        Function::Abs => return fence("|", &inside, "|"),
        Function::StopGradient => return row(&(function_name("sg") + &fence("[", &inside, "]"))),
        Function::Sigmoid if !spelt_out => function_name("σ"),
        Function::NormalCdf if !spelt_out => function_name("Φ"),
        Function::Digamma if !spelt_out => function_name("ψ"),
        Function::LogGamma if !spelt_out => function_name("log") + &function_name("Γ"),
        _ => function_name(plain),
    };
    row(&(name + &fence("(", &inside, ")")))
}

fn reduction(big: &Big) -> String {
    let name = match big.reduction {
        Reduction::Sum => operator("∑"),
        Reduction::Product => operator("∏"),
        Reduction::Maximum => upright("max"),
        Reduction::Minimum => upright("min"),
        Reduction::LogSumExp => upright("lse"),
    };
    let bounded = big.upper.is_some() || !matches!(&big.lower, Tree::Digits(one) if one == "1");
    let mut below = entry(&big.index, "");
    if let Some((set, arguments)) = &big.set {
        let inside: Vec<String> = arguments.iter().map(one).collect();
        below += &(operator("∈") + &entry(set, "") + &fence("(", &inside.join(&operator(",")), ")"));
        return row(&(wrap("munder", &(name + &row(&below))) + &one(&big.body)));
    }
    if bounded {
        below += &(operator("=") + &one(&big.lower));
    }
    for (position, condition) in big.conditions.iter().enumerate() {
        below += &(operator(if position == 0 && !bounded { ":" } else { "," }) + &one(condition));
    }
    let below = row(&below);
    let scripts = match &big.upper {
        Some(upper) => wrap("munderover", &(name + &below + &one(upper))),
        None => wrap("munder", &(name + &below)),
    };
    row(&(scripts + &one(&big.body)))
}

/// A word that takes limits below and above it, as a sum sign does.
fn upright(word: &str) -> String {
    format!(r#"<mo movablelimits="false">{word}</mo>"#)
}

fn sign(relation: Relation) -> &'static str {
    match relation {
        Relation::Equal => "=",
        Relation::NotEqual => "≠",
        Relation::Less => "<",
        Relation::LessOrEqual => "≤",
        Relation::Greater => ">",
        Relation::GreaterOrEqual => "≥",
    }
}

fn cases(rows: &[(Tree, Tree)], otherwise: &Tree) -> String {
    let line = |value: &Tree, condition: String| wrap("mtr", &(wrap("mtd", &one(value)) + &wrap("mtd", &condition)));
    let mut lines: String = rows
        .iter()
        .map(|(value, condition)| line(value, row(&(element("mtext", "if\u{a0}") + &one(condition)))))
        .collect();
    lines += &line(otherwise, element("mtext", "otherwise"));
    row(&(operator("{") + &wrap("mtable", &lines)))
}

fn derivative(body: &Tree, target: &Tree) -> String {
    let d = identifier("∂");
    let below = row(&(d.clone() + &one(target)));
    match body.unmarked() {
        Tree::Name(_) | Tree::Entry(..) => wrap("mfrac", &(row(&(d + &one(body))) + &below)),
        _ => row(&(wrap("mfrac", &(d + &below)) + &one(body))),
    }
}
