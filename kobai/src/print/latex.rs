//! The tree as LaTeX.

use super::tree::{Big, Tree};
use crate::expr::Reduction;
use crate::formula::Relation;
use crate::function::Function;

/// Spells the tree.
pub(super) fn render(tree: &Tree) -> String {
    match tree {
        Tree::Digits(digits) => digits.clone(),
        Tree::Name(name) => name.latex.clone(),
        Tree::Entry(name, list) => with_script(&name.latex, &places(list)),
        Tree::Pi => r"\pi".into(),
        Tree::Euler => "e".into(),
        Tree::Infinity => r"\infty".into(),
        Tree::Fraction(above, below) => format!(r"\frac{{{}}}{{{}}}", render(above), render(below)),
        Tree::Root(None, radicand) => format!(r"\sqrt{{{}}}", render(radicand)),
        Tree::Root(Some(degree), radicand) => {
            format!(r"\sqrt[{}]{{{}}}", render(degree), render(radicand))
        }
        Tree::Power(base, exponent) => format!("{}^{{{}}}", render(base), render(exponent)),
        Tree::Exponential { exponent, named: false } => format!("e^{{{}}}", render(exponent)),
        Tree::Exponential { exponent, named: true } => format!(r"\exp{}", arguments(std::slice::from_ref(exponent))),
        Tree::Product(factors) => product(factors),
        Tree::Sum(terms) => sum(terms, " "),
        Tree::Log { base, argument, closed } => log(base.as_deref(), argument, *closed),
        Tree::Apply { function, arguments, spelt_out } => apply(*function, arguments, *spelt_out),
        Tree::Gamma(argument) => format!(r"\Gamma{}", arguments(std::slice::from_ref(argument))),
        Tree::Factorial(inner) => format!("{}!", render(inner)),
        Tree::Big(big) => reduction(big),
        Tree::Relation(relation, left, right) => {
            format!("{} {} {}", render(left), sign(*relation), render(right))
        }
        Tree::Indicator(condition) => format!(r"\mathbb{{1}}[{}]", render(condition)),
        Tree::Delta(sides) => format!(r"\delta_{{{}}}", places(sides.as_slice())),
        Tree::Cases(rows, otherwise) => cases(rows, otherwise),
        Tree::Derivative(body, target) => derivative(body, target),
        Tree::Bracket(inner) => format!(r"\left( {} \right)", render(inner)),
        Tree::Marked(inner) => format!(r"\underline{{{}}}", render(inner)),
        Tree::Ellipsis => r"\dots".into(),
    }
}

/// Puts places into the subscript that a name may already have, as in `\pi_{\text{ref},i}`.
fn with_script(name: &str, places: &str) -> String {
    match name.strip_suffix('}').filter(|_| name.contains("_{") && !name.contains('(')) {
        Some(open) => format!("{open},{places}}}"),
        None => format!("{name}_{{{places}}}"),
    }
}

/// Places side by side if each is a single letter, else with commas.
fn places(list: &[Tree]) -> String {
    let spelt: Vec<String> = list.iter().map(script).collect();
    let letters = list.iter().all(|place| matches!(place, Tree::Name(name) if name.latex.chars().count() == 1));
    spelt.join(if letters { "" } else { "," })
}

/// A part of a script, without space around its signs.
fn script(tree: &Tree) -> String {
    match tree {
        Tree::Sum(terms) => sum(terms, ""),
        // Names side by side would be several places.
        Tree::Product(factors) if !tree.starts_with_digit() => {
            factors.iter().map(render).collect::<Vec<_>>().join(r" \cdot ")
        }
        other => render(other),
    }
}

fn product(factors: &[Tree]) -> String {
    let mut text = String::new();
    for (position, factor) in factors.iter().enumerate() {
        if position > 0 {
            text.push_str(if factor.starts_with_digit() { r" \cdot " } else { " " });
        }
        text.push_str(&render(factor));
    }
    text
}

fn sum(terms: &[(bool, Tree)], space: &str) -> String {
    let mut text = String::new();
    for (position, (negative, term)) in terms.iter().enumerate() {
        let sign = if *negative { "-" } else { "+" };
        match (position, negative) {
            (0, false) => {}
            (0, true) => text.push('-'),
            _ => text.push_str(&format!("{space}{sign}{space}")),
        }
        text.push_str(&render(term));
    }
    text
}

fn log(base: Option<&Tree>, argument: &Tree, closed: bool) -> String {
    let name = base.map_or_else(|| r"\log".to_owned(), |base| format!(r"\log_{{{}}}", render(base)));
    if !closed && argument.is_bare_argument() {
        return format!("{name} {}", render(argument));
    }
    format!(r"{name} \left( {} \right)", render(argument))
}

fn apply(function: Function, list: &[Tree], spelt_out: bool) -> String {
    let row = function.row();
    match (function, list) {
        (Function::Abs, [inner]) => format!(r"\left\lvert {} \right\rvert", render(inner)),
        (Function::StopGradient, [inner]) => {
            format!(r"\operatorname{{sg}}\left[ {} \right]", render(inner))
        }
        _ if spelt_out => format!(r"\operatorname{{{}}}{}", row.plain, arguments(list)),
        _ => format!("{}{}", row.latex, arguments(list)),
    }
}

fn arguments(list: &[Tree]) -> String {
    let spelt: Vec<String> = list.iter().map(render).collect();
    let inside = spelt.join(", ");
    if list.iter().any(Tree::is_tall) {
        return format!(r"\left( {inside} \right)");
    }
    format!("({inside})")
}

fn reduction(big: &Big) -> String {
    let name = match big.reduction {
        Reduction::Sum => r"\sum",
        Reduction::Product => r"\prod",
        Reduction::Maximum => r"\max",
        Reduction::Minimum => r"\min",
        Reduction::LogSumExp => r"\operatorname{lse}",
    };
    let bounded = big.upper.is_some() || !matches!(&big.lower, Tree::Digits(one) if one == "1");
    let mut below = big.index.latex.clone();
    if let Some((set, list)) = &big.set {
        let list: Vec<String> = list.iter().map(render).collect();
        return format!(r"{name}_{{{below} \in {}({})}} {}", set.latex, list.join(", "), render(&big.body));
    }
    if bounded {
        below.push_str(&format!("={}", script(&big.lower)));
    }
    for (position, condition) in big.conditions.iter().enumerate() {
        below.push_str(if position == 0 && !bounded { " : " } else { ", " });
        below.push_str(&render(condition));
    }
    let above = big.upper.as_ref().map(|upper| format!("^{{{}}}", render(upper))).unwrap_or_default();
    format!("{name}_{{{below}}}{above} {}", render(&big.body))
}

fn sign(relation: Relation) -> &'static str {
    match relation {
        Relation::Equal => "=",
        Relation::NotEqual => r"\ne",
        Relation::Less => "<",
        Relation::LessOrEqual => r"\le",
        Relation::Greater => ">",
        Relation::GreaterOrEqual => r"\ge",
    }
}

fn cases(rows: &[(Tree, Tree)], otherwise: &Tree) -> String {
    let rows: String = rows
        .iter()
        .map(|(value, condition)| format!(r"{} & \text{{if }} {} \\ ", render(value), render(condition)))
        .collect();
    format!(r"\begin{{cases}} {rows}{} & \text{{otherwise}} \end{{cases}}", render(otherwise))
}

fn derivative(body: &Tree, target: &Tree) -> String {
    let (body_text, target) = (render(body), render(target));
    match body.unmarked() {
        Tree::Name(_) | Tree::Entry(..) => {
            format!(r"\frac{{\partial {body_text}}}{{\partial {target}}}")
        }
        _ => format!(r"\frac{{\partial}}{{\partial {target}}} {body_text}"),
    }
}
