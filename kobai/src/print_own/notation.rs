//! What the parts of a formula look like in each notation.

use super::Notation;
use crate::formula::{Relation, Spelling};

impl Notation {
    /// A name.
    pub fn name(self, name: &Spelling) -> String {
        match self {
            Notation::Latex => name.latex.clone(),
            Notation::Plain => name.plain.clone(),
            Notation::Terminal => terminal_name(name),
        }
    }

    /// A bracket around something.
    pub(super) fn bracket(self, inner: &str) -> String {
        match self {
            Notation::Latex if is_tall(inner) => format!("\\left( {inner} \\right)"),
            _ => format!("({inner})"),
        }
    }

    /// A fraction; numerator and denominator say whether they are single.
    pub(super) fn fraction(self, (above, above_single): (&str, bool), (below, below_single): (&str, bool)) -> String {
        let single = |text: &str, single: bool| if single { text.to_owned() } else { self.bracket(text) };
        match self {
            Notation::Latex => format!("\\frac{{{above}}}{{{below}}}"),
            _ => format!("{}/{}", single(above, above_single), single(below, below_single)),
        }
    }

    /// A base with an exponent.
    pub(super) fn power(self, base: &str, exponent: &str, single: bool) -> String {
        match self {
            Notation::Latex => format!("{base}^{{{exponent}}}"),
            Notation::Terminal => match superscript(exponent) {
                Some(raised) => format!("{base}{raised}"),
                None if single => format!("{base}^{exponent}"),
                None => format!("{base}^({exponent})"),
            },
            Notation::Plain if single => format!("{base}^{exponent}"),
            Notation::Plain => format!("{base}^({exponent})"),
        }
    }

    /// A root.
    pub(super) fn root(self, degree: u32, radicand: &str) -> String {
        match (self, degree) {
            (Notation::Latex, 2) => format!("\\sqrt{{{radicand}}}"),
            (Notation::Latex, _) => format!("\\sqrt[{degree}]{{{radicand}}}"),
            (Notation::Terminal, 2) => format!("√({radicand})"),
            (_, 2) => format!("sqrt({radicand})"),
            _ => format!("({radicand})^(1/{degree})"),
        }
    }

    /// A name with the letters or expressions in its places.
    pub(super) fn entry(self, name: &str, places: &[String], letters_only: bool) -> String {
        let joined = places.join(if letters_only && self != Notation::Plain { "" } else { "," });
        match self {
            _ if places.is_empty() => name.to_owned(),
            Notation::Plain => format!("{name}[{joined}]"),
            Notation::Latex => attach_subscript(name, &joined),
            Notation::Terminal if letters_only => format!("{name}_{joined}"),
            Notation::Terminal => format!("{name}[{joined}]"),
        }
    }

    /// A big operator with its bounds, in front of its body.
    pub(super) fn operator(self, words: (&str, &str, &str), letter: &str, condition: Option<&str>, size: &str) -> String {
        let (latex, plain, terminal) = words;
        match self {
            Notation::Latex => {
                let below = condition.map_or_else(|| format!("{letter}=1"), |condition| format!("{letter}=1, {condition}"));
                format!("{latex}_{{{below}}}^{{{size}}}")
            }
            Notation::Plain => {
                let below = condition.map_or_else(String::new, |condition| format!(": {condition}"));
                format!("{plain}({letter}=1..{size}{below})")
            }
            Notation::Terminal => match condition {
                Some(condition) => format!("{terminal}[{condition}]"),
                None => format!("{terminal}_{letter}"),
            },
        }
    }

    /// A relation's sign.
    pub(super) fn relation(self, relation: Relation) -> &'static str {
        let (latex, plain, terminal) = match relation {
            Relation::Equal => ("=", if self == Notation::Plain { "==" } else { "=" }, "="),
            Relation::NotEqual => ("\\ne", "!=", "≠"),
            Relation::Less => ("<", "<", "<"),
            Relation::LessOrEqual => ("\\le", "<=", "≤"),
            Relation::Greater => (">", ">", ">"),
            Relation::GreaterOrEqual => ("\\ge", ">=", "≥"),
        };
        match self {
            Notation::Latex => latex,
            Notation::Plain => plain,
            Notation::Terminal => terminal,
        }
    }

    /// The minus sign.
    pub(super) fn minus(self) -> &'static str {
        if self == Notation::Terminal { "−" } else { "-" }
    }

    /// 1 where a condition holds.
    pub(super) fn indicator(self, condition: &str) -> String {
        match self {
            Notation::Latex => format!("\\mathbb{{1}}[{condition}]"),
            Notation::Plain => format!("ind({condition})"),
            Notation::Terminal => format!("[{condition}]"),
        }
    }

    /// A Kronecker delta.
    pub(super) fn delta(self, a: &str, b: &str, letters_only: bool) -> String {
        match self {
            Notation::Latex if letters_only => format!("\\delta_{{{a}{b}}}"),
            Notation::Latex => format!("\\delta_{{{a},{b}}}"),
            Notation::Plain => format!("delta({a}, {b})"),
            Notation::Terminal if letters_only => format!("δ_{a}{b}"),
            Notation::Terminal => format!("δ[{a},{b}]"),
        }
    }

    /// A derivative not yet carried out.
    pub(super) fn derivative(self, body: Option<&str>, entry: Option<&str>, target: &str) -> String {
        match (self, body, entry) {
            (Notation::Latex, _, Some(entry)) => format!("\\frac{{\\partial {entry}}}{{\\partial {target}}}"),
            (Notation::Latex, Some(body), None) => format!("\\frac{{\\partial}}{{\\partial {target}}} {body}"),
            (_, _, Some(entry)) => format!("∂{entry}/∂{target}"),
            (_, Some(body), None) => format!("∂/∂{target} {body}"),
            (_, None, None) => format!("∂/∂{target}"),
        }
    }

    /// A choice between values.
    pub(super) fn cases(self, condition: &str, then: &str, otherwise: &str) -> String {
        match self {
            Notation::Latex => {
                format!("\\begin{{cases}} {then} & \\text{{if }} {condition} \\\\ {otherwise} & \\text{{otherwise}} \\end{{cases}}")
            }
            Notation::Plain => format!("if({condition}, {then}, {otherwise})"),
            Notation::Terminal => format!("{{{then} if {condition}; else {otherwise}}}"),
        }
    }
}

fn is_tall(text: &str) -> bool {
    ["\\frac", "\\sum", "\\prod", "\\begin"].iter().any(|mark| text.contains(mark))
}

/// `t_{ref}` with indices becomes `t_{ref,ik}`.
fn attach_subscript(name: &str, indices: &str) -> String {
    match name.strip_suffix('}').filter(|_| name.contains("_{")) {
        Some(open) => format!("{open},{indices}}}"),
        None => format!("{name}_{{{indices}}}"),
    }
}

const GREEK: &[(&str, &str)] = &[
    ("alpha", "α"), ("beta", "β"), ("gamma", "γ"), ("delta", "δ"), ("epsilon", "ε"), ("varepsilon", "ε"), ("zeta", "ζ"), ("eta", "η"),
    ("theta", "θ"), ("iota", "ι"), ("kappa", "κ"), ("lambda", "λ"), ("mu", "μ"), ("nu", "ν"), ("xi", "ξ"), ("pi", "π"), ("rho", "ρ"),
    ("sigma", "σ"), ("tau", "τ"), ("upsilon", "υ"), ("phi", "φ"), ("chi", "χ"), ("psi", "ψ"), ("omega", "ω"), ("Gamma", "Γ"),
    ("Delta", "Δ"), ("Theta", "Θ"), ("Lambda", "Λ"), ("Phi", "Φ"), ("Psi", "Ψ"), ("Omega", "Ω"), ("ell", "ℓ"),
];

fn terminal_name(name: &Spelling) -> String {
    let greek = |word: &str| GREEK.iter().find(|(known, _)| *known == word).map_or_else(|| word.to_owned(), |(_, sign)| (*sign).to_owned());
    let (word, primes) = match name.plain.split_once("_prime") {
        Some((word, rest)) => (word, 1 + rest.matches("_prime").count()),
        None => (name.plain.as_str(), 0),
    };
    let accented = match word.rsplit_once('_') {
        Some((word, "hat")) => format!("{}\u{302}", greek(word)),
        Some((word, "bar")) => format!("{}\u{304}", greek(word)),
        Some((word, "tilde")) => format!("{}\u{303}", greek(word)),
        Some((word, rest)) => format!("{}_{}", greek(word), greek(rest)),
        None => greek(word),
    };
    accented + &"′".repeat(primes)
}

/// A small exponent in raised digits.
fn superscript(exponent: &str) -> Option<String> {
    const RAISED: [char; 10] = ['⁰', '¹', '²', '³', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹'];
    let digit = |c: char| c.to_digit(10).map(|digit| RAISED[digit as usize]).or((c == '−').then_some('⁻'));
    exponent.chars().map(digit).collect()
}
