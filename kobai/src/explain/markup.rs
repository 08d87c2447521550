//! The formulas inside sentences, which stand between dollar signs in a small part of LaTeX: letters, numbers, signs,
//! scripts, `\frac`, and commands that are one character or a word.

use crate::print::Notation;

/// A formula of a sentence in a notation. Some of its letters may go by others, where the author uses them.
pub fn formula(source: &str, notation: Notation, renamed: &[(char, char)]) -> String {
    let source: String = rename(source, renamed);
    match notation {
        Notation::Latex => format!("${source}$"),
        Notation::MathMl => {
            format!("<math>{}</math>", Reader::new(&source).all().iter().map(element).collect::<String>())
        }
        Notation::Plain | Notation::Terminal => Reader::new(&source).all().iter().map(characters).collect(),
    }
}

/// Letters that are not part of a command, renamed.
fn rename(source: &str, renamed: &[(char, char)]) -> String {
    let mut command = false;
    let letter = |c: char| {
        command = c == '\\' || command && c.is_ascii_alphabetic();
        let other = renamed.iter().find(|(from, _)| *from == c).filter(|_| !command);
        other.map_or(c, |(_, to)| *to)
    };
    source.chars().map(letter).collect()
}

/// A piece of a formula.
#[derive(Debug, PartialEq)]
enum Piece {
    Letter(String),
    Number(String),
    Sign(String),
    Space,
    Group(Vec<Piece>),
    Fraction(Box<Piece>, Box<Piece>),
    /// A base, and what stands above (true) or below it.
    Script(Box<Piece>, bool, Box<Piece>),
}

/// Commands: their characters, and true for those that are names.
const COMMANDS: [(&str, &str, bool); 14] = [
    ("log", "log", true),
    ("lim", "lim", true),
    ("delta", "δ", true),
    ("sigma", "σ", true),
    ("partial", "∂", true),
    ("infty", "∞", true),
    ("sum", "Σ", false),
    ("cdot", "·", false),
    ("to", "→", false),
    ("ne", "≠", false),
    ("Leftrightarrow", "⇔", false),
    ("approx", "≈", false),
    ("lvert", "|", false),
    ("rvert", "|", false),
];

struct Reader<'s> {
    rest: &'s str,
}

impl<'s> Reader<'s> {
    fn new(source: &'s str) -> Reader<'s> {
        Reader { rest: source }
    }

    fn all(mut self) -> Vec<Piece> {
        self.until_end()
    }

    fn until_end(&mut self) -> Vec<Piece> {
        let mut pieces: Vec<Piece> = Vec::new();
        while let Some(first) = self.rest.chars().next() {
            match first {
                '}' => {
                    self.rest = &self.rest[1..];
                    break;
                }
                '^' | '_' => {
                    self.rest = &self.rest[1..];
                    let base = pieces.pop().unwrap_or(Piece::Space);
                    let script = self.one();
                    pieces.push(Piece::Script(Box::new(base), first == '^', Box::new(script)));
                }
                _ => {
                    let piece = self.one();
                    pieces.push(piece);
                }
            }
        }
        pieces
    }

    /// One piece, as TeX takes an argument.
    fn one(&mut self) -> Piece {
        let Some(first) = self.rest.chars().next() else { return Piece::Space };
        let (head, after) = self.rest.split_at(first.len_utf8());
        self.rest = after;
        match first {
            '{' => Piece::Group(self.until_end()),
            '\\' => self.command(),
            ' ' => Piece::Space,
            '\'' => Piece::Sign("′".to_owned()),
            '-' => Piece::Sign("−".to_owned()),
            _ if first.is_ascii_digit() => Piece::Number(head.to_owned()),
            _ if first.is_alphabetic() => Piece::Letter(head.to_owned()),
            _ => Piece::Sign(head.to_owned()),
        }
    }

    fn command(&mut self) -> Piece {
        let end = self.rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(self.rest.len());
        let (name, after) = self.rest.split_at(end);
        let spaced = after.starts_with(' ');
        self.rest = after.trim_start();
        if name == "frac" {
            return Piece::Fraction(Box::new(self.one()), Box::new(self.one()));
        }
        match COMMANDS.iter().find(|(known, ..)| *known == name) {
            Some((_, text, true)) => {
                Piece::Letter(if spaced && text.len() > 2 { format!("{text} ") } else { (*text).to_owned() })
            }
            Some((_, text, false)) if spaced && *text != "|" => Piece::Sign(format!("{text} ")),
            Some((_, text, false)) => Piece::Sign((*text).to_owned()),
            None => Piece::Letter(name.to_owned()),
        }
    }
}

fn characters(piece: &Piece) -> String {
    match piece {
        Piece::Letter(text) | Piece::Number(text) | Piece::Sign(text) => text.clone(),
        Piece::Space => " ".to_owned(),
        Piece::Group(inner) => inner.iter().map(characters).collect(),
        Piece::Fraction(above, below) => format!("{}/{}", held_together(above), held_together(below)),
        Piece::Script(base, true, script) => {
            let (base, text) = (characters(base), characters(script));
            match text.chars().map(raised).collect::<Option<String>>() {
                Some(raised) => base + &raised,
                None => format!("{base}^{}", held_together(script)),
            }
        }
        Piece::Script(base, false, script) => {
            let text = characters(script);
            let text = if text.chars().count() > 2 { format!("({text})") } else { text };
            format!("{}_{text}", characters(base))
        }
    }
}

fn held_together(piece: &Piece) -> String {
    let text = characters(piece);
    let bare = !text.trim().contains([' ', '+', '−', '/']) || text.starts_with('(') && text.ends_with(')');
    if bare { text } else { format!("({text})") }
}

/// The character as a superscript.
fn raised(c: char) -> Option<char> {
    const RAISED: [(char, char); 18] = [
        ('0', '⁰'),
        ('1', '¹'),
        ('2', '²'),
        ('3', '³'),
        ('4', '⁴'),
        ('5', '⁵'),
        ('6', '⁶'),
        ('7', '⁷'),
        ('8', '⁸'),
        ('9', '⁹'),
        ('+', '⁺'),
        ('−', '⁻'),
        ('n', 'ⁿ'),
        ('x', 'ˣ'),
        ('h', 'ʰ'),
        ('c', 'ᶜ'),
        ('v', 'ᵛ'),
        ('g', 'ᵍ'),
    ];
    RAISED.iter().find(|(plain, _)| *plain == c).map(|(_, raised)| *raised)
}

fn element(piece: &Piece) -> String {
    match piece {
        Piece::Letter(text) => format!("<mi>{}</mi>", text.trim()),
        Piece::Number(text) => format!("<mn>{text}</mn>"),
        Piece::Sign(text) => {
            let sign = text.trim().replace('<', "&lt;").replace('>', "&gt;");
            let fence = if ["(", ")", "|", "′"].contains(&sign.as_str()) { " stretchy=\"false\"" } else { "" };
            format!("<mo{fence}>{sign}</mo>")
        }
        Piece::Space => String::new(),
        Piece::Group(inner) => format!("<mrow>{}</mrow>", inner.iter().map(element).collect::<String>()),
        Piece::Fraction(above, below) => format!("<mfrac>{}{}</mfrac>", element(above), element(below)),
        Piece::Script(base, true, script) => format!("<msup>{}{}</msup>", element(base), element(script)),
        Piece::Script(base, false, script) => format!("<msub>{}{}</msub>", element(base), element(script)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_formula_of_a_sentence_in_every_notation() {
        let rule = r"(u^n)' = n u^{n-1} u'";
        assert_eq!(formula(rule, Notation::Terminal, &[]), "(uⁿ)′ = n uⁿ⁻¹ u′");
        assert_eq!(formula(rule, Notation::Latex, &[('u', 'f')]), r"$(f^n)' = n f^{n-1} f'$");
        assert!(
            formula(rule, Notation::MathMl, &[])
                .contains("<msup><mi>u</mi><mrow><mi>n</mi><mo>−</mo><mn>1</mn></mrow></msup>")
        );
        assert_eq!(formula(r"\frac 1x", Notation::Terminal, &[]), "1/x");
        assert_eq!(formula(r"\log \sum e^f", Notation::Terminal, &[]), "log Σ e^f");
    }
}
