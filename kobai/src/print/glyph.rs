//! Names in LaTeX as characters, for MathML and for a terminal.

use crate::function::Function;

/// A name taken apart.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Glyphs {
    /// The base with its accents and primes.
    pub base: String,
    /// What stands below it.
    pub below: String,
    /// What stands above it.
    pub above: String,
}

/// The name on one line, as in `π_ref`.
pub(super) fn line(latex: &str) -> String {
    let Glyphs { mut base, below, above } = glyphs(latex);
    for (mark, script) in [('_', below), ('^', above)] {
        if !script.is_empty() {
            base.push(mark);
            base.push_str(&script);
        }
    }
    base
}

/// A function's name: its Greek letters if it has any, else the plain word.
pub(super) fn function(function: Function) -> String {
    let letters = line(function.row().latex);
    if letters.is_ascii() { function.row().plain.to_owned() } else { letters }
}

/// Takes a name apart. What is not known stands for itself.
pub(super) fn glyphs(latex: &str) -> Glyphs {
    let mut result = Glyphs::default();
    let mut rest = latex;
    // Scripts inside an argument list belong to it: `\pi_\theta(y_w \mid x)`.
    let mut inside = false;
    while let Some(first) = rest.chars().next() {
        if matches!(first, '_' | '^') {
            let (argument, after) = argument(&rest[1..]);
            match (first, inside) {
                (_, true) => result.base.push_str(&format!("{first}{}", text(argument))),
                ('_', _) => result.below.push_str(&text(argument)),
                _ => result.above.push_str(&text(argument)),
            }
            rest = after;
            continue;
        }
        let (piece, after) = piece(rest);
        if first == '(' && !(result.below.is_empty() && result.above.is_empty()) {
            // The scripts of the head come before the bracket.
            result.base = [("", &result.base), ("_", &result.below), ("^", &result.above)]
                .iter()
                .filter(|(_, part)| !part.is_empty())
                .map(|(mark, part)| format!("{mark}{part}"))
                .collect();
            result.below.clear();
            result.above.clear();
        }
        inside |= first == '(';
        result.base.push_str(&piece);
        rest = after;
    }
    result
}

/// A script or an argument as characters.
fn text(latex: &str) -> String {
    let mut result = String::new();
    let mut rest = latex;
    while !rest.is_empty() {
        let (piece, after) = piece(rest);
        result.push_str(&piece);
        rest = after;
    }
    result
}

/// The characters of what comes first, and what follows it.
fn piece(latex: &str) -> (String, &str) {
    let mut characters = latex.chars();
    match characters.next() {
        None => (String::new(), ""),
        Some('\\') => command(characters.as_str()),
        Some('\'') => ("′".into(), characters.as_str()),
        Some('{' | '}' | ' ' | '~') => (String::new(), characters.as_str()),
        Some(other) => (other.into(), characters.as_str()),
    }
}

fn command(after_backslash: &str) -> (String, &str) {
    let end = after_backslash.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(after_backslash.len());
    if end == 0 {
        // A single character: a space of some width, or an escaped sign.
        let mut characters = after_backslash.chars();
        let kept = characters.next().filter(|c| !matches!(c, ',' | ';' | ':' | '!' | ' '));
        return (kept.map(String::from).unwrap_or_default(), characters.as_str());
    }
    let (name, rest) = after_backslash.split_at(end);
    if let Some(accent) = accent(name) {
        let (argument, rest) = argument(rest);
        return (text(argument) + accent, rest);
    }
    if matches!(name, "mathbf" | "bm" | "boldsymbol") {
        let (argument, rest) = argument(rest);
        return (text(argument).chars().map(bold).collect(), rest);
    }
    if name.starts_with("math") || matches!(name, "text" | "operatorname" | "textrm") {
        let (argument, rest) = argument(rest);
        return (text(argument), rest);
    }
    (symbol(name).map_or_else(|| name.to_owned(), str::to_owned), rest)
}

/// The argument of a command or script: a group, a command or a character.
fn argument(latex: &str) -> (&str, &str) {
    let latex = latex.trim_start();
    if let Some(inner) = latex.strip_prefix('{') {
        let mut depth = 1;
        for (position, character) in inner.char_indices() {
            depth += match character {
                '{' => 1,
                '}' => -1,
                _ => 0,
            };
            if depth == 0 {
                return (&inner[..position], &inner[position + 1..]);
            }
        }
        return (inner, "");
    }
    let length = match latex.strip_prefix('\\') {
        Some(name) => 1 + name.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(name.len()),
        None => latex.chars().next().map_or(0, char::len_utf8),
    };
    latex.split_at(length)
}

/// The combining character of an accent.
fn accent(name: &str) -> Option<&'static str> {
    Some(match name {
        "hat" | "widehat" => "\u{302}",
        "bar" | "overline" => "\u{304}",
        "tilde" | "widetilde" => "\u{303}",
        "dot" => "\u{307}",
        "ddot" => "\u{308}",
        "vec" => "\u{20d7}",
        _ => return None,
    })
}

fn bold(character: char) -> char {
    let shifted = match character {
        'A'..='Z' => 0x1D400 + (character as u32 - 'A' as u32),
        'a'..='z' => 0x1D41A + (character as u32 - 'a' as u32),
        _ => return character,
    };
    char::from_u32(shifted).unwrap_or(character)
}

fn symbol(name: &str) -> Option<&'static str> {
    const SYMBOLS: &[(&str, &str)] = &[
        ("alpha", "α"),
        ("beta", "β"),
        ("gamma", "γ"),
        ("delta", "δ"),
        ("epsilon", "ϵ"),
        ("varepsilon", "ε"),
        ("zeta", "ζ"),
        ("eta", "η"),
        ("theta", "θ"),
        ("vartheta", "ϑ"),
        ("iota", "ι"),
        ("kappa", "κ"),
        ("lambda", "λ"),
        ("mu", "μ"),
        ("nu", "ν"),
        ("xi", "ξ"),
        ("omicron", "ο"),
        ("pi", "π"),
        ("rho", "ρ"),
        ("sigma", "σ"),
        ("tau", "τ"),
        ("upsilon", "υ"),
        ("phi", "ϕ"),
        ("varphi", "φ"),
        ("chi", "χ"),
        ("psi", "ψ"),
        ("omega", "ω"),
        ("Gamma", "Γ"),
        ("Delta", "Δ"),
        ("Theta", "Θ"),
        ("Lambda", "Λ"),
        ("Xi", "Ξ"),
        ("Pi", "Π"),
        ("Sigma", "Σ"),
        ("Phi", "Φ"),
        ("Psi", "Ψ"),
        ("Omega", "Ω"),
        ("ell", "ℓ"),
        ("mid", "∣"),
        ("prime", "′"),
        ("star", "⋆"),
        ("ast", "∗"),
        ("infty", "∞"),
        ("top", "⊤"),
        ("log", "log "),
        ("quad", ""),
    ];
    SYMBOLS.iter().find(|(known, _)| *known == name).map(|(_, glyph)| *glyph)
}

#[cfg(test)]
mod tests {
    use super::line;

    #[test]
    fn names_are_spelt_in_characters() {
        assert_eq!(line(r"\pi_{\text{ref}}"), "π_ref");
        assert_eq!(line(r"\hat{y}"), "y\u{302}");
        assert_eq!(line("a'"), "a′");
        assert_eq!(line(r"\mathbf{x}"), "𝐱");
        assert_eq!(line(r"\pi_\theta(y_w \mid x)"), "π_θ(y_w∣x)");
        for broken in [r"\", r"\hat", "_", "x_{", "é^", r"\hat é", "_}"] {
            line(broken);
        }
    }
}
