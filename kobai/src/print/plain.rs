//! The tree as plain text: ASCII that reads back, or mathematical characters for a terminal.

use super::glyph;
use super::tree::{Big, Level, Tree};
use crate::expr::Reduction;
use crate::formula::{Relation, Spelling};
use crate::function::Function;

/// Spells the tree.
pub(super) fn render(tree: &Tree, unicode: bool) -> String {
    Plain { unicode }.tree(tree)
}

#[derive(Clone, Copy)]
struct Plain {
    unicode: bool,
}

impl Plain {
    fn pick(self, ascii: &'static str, unicode: &'static str) -> &'static str {
        if self.unicode { unicode } else { ascii }
    }

    fn tree(self, tree: &Tree) -> String {
        match tree {
            Tree::Digits(digits) => digits.clone(),
            Tree::Name(name) => self.name(name),
            Tree::Entry(name, places) if self.unicode && all_letters(places) => {
                format!("{}_{}", self.name(name), self.letters(places))
            }
            Tree::Entry(name, places) => format!("{}[{}]", self.name(name), self.places(places)),
            Tree::Pi => self.pick("pi", "π").into(),
            Tree::Euler => "e".into(),
            Tree::Infinity => self.pick("inf", "∞").into(),
            Tree::Fraction(above, below) => {
                format!("{}/{}", self.numerator(above), self.denominator(below))
            }
            Tree::Root(None, radicand) => {
                format!("{}({})", self.pick("sqrt", "√"), self.tree(radicand))
            }
            Tree::Root(Some(degree), radicand) => {
                format!("{}^(1/{})", self.base(radicand), self.tree(degree))
            }
            Tree::Power(base, exponent) => {
                format!("{}^{}", self.base(base), self.exponent(exponent))
            }
            Tree::Exponential { exponent, .. } if self.unicode => match exponent.unmarked() {
                Tree::Name(_) | Tree::Entry(..) | Tree::Digits(_) => format!("e^{}", self.tree(exponent)),
                _ => format!("e^({})", self.tree(exponent)),
            },
            Tree::Exponential { exponent, .. } => format!("exp({})", self.tree(exponent)),
            Tree::Product(factors) => self.product(factors),
            Tree::Sum(terms) => self.sum(terms, " "),
            Tree::Log { base, argument, closed } => self.log(base.as_deref(), argument, *closed),
            Tree::Apply { function, arguments, spelt_out } => self.apply(*function, arguments, *spelt_out),
            Tree::Gamma(argument) => format!("{}({})", self.pick("gamma", "Γ"), self.tree(argument)),
            Tree::Factorial(inner) => format!("{}!", self.tree(inner)),
            Tree::Big(big) => self.reduction(big),
            Tree::Relation(relation, left, right) => {
                format!("{} {} {}", self.tree(left), self.sign(*relation), self.tree(right))
            }
            Tree::Indicator(condition) => {
                format!("{}({})", self.pick("ind", "𝟙"), self.tree(condition))
            }
            Tree::Delta(sides) => {
                let [left, right] = &**sides;
                if self.unicode && all_letters(&**sides) {
                    return format!("δ_{}", self.letters(&**sides));
                }
                format!("{}({}, {})", self.pick("delta", "δ"), self.place(left), self.place(right))
            }
            Tree::Cases(rows, otherwise) => self.cases(rows, otherwise),
            Tree::Derivative(body, target) => self.derivative(body, target),
            Tree::Bracket(inner) => format!("({})", self.tree(inner)),
            Tree::Marked(inner) => format!("«{}»", self.tree(inner)),
            Tree::Ellipsis => self.pick("...", "…").into(),
        }
    }

    fn name(self, name: &Spelling) -> String {
        if self.unicode { glyph::line(&name.latex) } else { name.plain.clone() }
    }

    fn places(self, places: &[Tree]) -> String {
        places.iter().map(|place| self.place(place)).collect::<Vec<_>>().join(",")
    }

    /// Letters side by side, as in a subscript.
    fn letters(self, places: &[Tree]) -> String {
        places.iter().map(|place| self.tree(place)).collect()
    }

    fn place(self, place: &Tree) -> String {
        match place {
            Tree::Sum(terms) => self.sum(terms, ""),
            other => self.tree(other),
        }
    }

    fn fenced(self, tree: &Tree, bare: bool) -> String {
        let text = self.tree(tree);
        if bare { text } else { format!("({text})") }
    }

    fn numerator(self, tree: &Tree) -> String {
        self.fenced(tree, matches!(self.level(tree), Level::Atom | Level::Call | Level::Power | Level::Product))
    }

    fn denominator(self, tree: &Tree) -> String {
        self.fenced(tree, matches!(self.level(tree), Level::Atom | Level::Call | Level::Power))
    }

    fn exponent(self, tree: &Tree) -> String {
        let bare = match tree.unmarked() {
            Tree::Digits(_) | Tree::Entry(..) => true,
            Tree::Name(name) => self.unicode || !is_word(name),
            _ => false,
        };
        self.fenced(tree, bare)
    }

    fn base(self, tree: &Tree) -> String {
        self.fenced(tree, self.level(tree) == Level::Atom)
    }

    /// How tightly the text of a tree holds together, where it differs from two-dimensional notation.
    fn level(self, tree: &Tree) -> Level {
        match tree.unmarked() {
            Tree::Root(None, _) | Tree::Exponential { .. } | Tree::Cases(..) => Level::Call,
            Tree::Root(Some(_), _) => Level::Power,
            Tree::Log { .. } if !self.unicode => Level::Call,
            other => other.level(),
        }
    }

    fn product(self, factors: &[Tree]) -> String {
        let mut text = String::new();
        for (position, factor) in factors.iter().enumerate() {
            if position > 0 {
                let joined = factor.starts_with_digit() || self.calls(&factors[position - 1]);
                text.push_str(if joined { self.pick(" * ", " · ") } else { " " });
            }
            // `a/b c` is easily read as `a/(b c)`; before a sum sign nobody does.
            let clear = factors.get(position + 1).is_none_or(|next| matches!(next.unmarked(), Tree::Big(_)));
            text.push_str(&self.fenced(factor, factor.level() != Level::Fraction || clear && position == 0));
        }
        text
    }

    /// True if what follows a factor might be read as its argument.
    fn calls(self, factor: &Tree) -> bool {
        matches!(factor.unmarked(), Tree::Name(name) if !self.unicode && is_word(name))
    }

    fn sum(self, terms: &[(bool, Tree)], space: &str) -> String {
        let minus = self.pick("-", "−");
        let mut text = String::new();
        for (position, (negative, term)) in terms.iter().enumerate() {
            match (position, negative) {
                (0, false) => {}
                (0, true) => text.push_str(minus),
                (_, false) => text.push_str(&format!("{space}+{space}")),
                (_, true) => text.push_str(&format!("{space}{minus}{space}")),
            }
            text.push_str(&self.tree(term));
        }
        text
    }

    fn log(self, base: Option<&Tree>, argument: &Tree, closed: bool) -> String {
        let inside = self.tree(argument);
        match base {
            Some(base) if !self.unicode => format!("log({inside}, base={})", self.tree(base)),
            _ => {
                let name = base.map_or_else(|| "log".to_owned(), |base| format!("log_{}", self.base(base)));
                let bare = self.unicode && !closed && matches!(self.level(argument), Level::Atom | Level::Open);
                if bare { format!("{name} {inside}") } else { format!("{name}({inside})") }
            }
        }
    }

    fn apply(self, function: Function, arguments: &[Tree], spelt_out: bool) -> String {
        let inside = arguments.iter().map(|argument| self.tree(argument)).collect::<Vec<_>>().join(", ");
        match function {
            Function::Abs if self.unicode => format!("|{inside}|"),
            _ if self.unicode && !spelt_out => format!("{}({inside})", glyph::function(function)),
            _ => format!("{}({inside})", function.row().plain),
        }
    }

    fn reduction(self, big: &Big) -> String {
        let name = match big.reduction {
            Reduction::Sum => self.pick("sum", "Σ"),
            Reduction::Product => self.pick("prod", "Π"),
            Reduction::Maximum => "max",
            Reduction::Minimum => "min",
            Reduction::LogSumExp => "lse",
        };
        let below = self.below(big);
        let below = match below.chars().count() {
            _ if !self.unicode => format!("({below})"),
            1 => format!("_{below}"),
            _ => format!("_{{{below}}}"),
        };
        format!("{name}{below} {}", self.tree(&big.body))
    }

    fn below(self, big: &Big) -> String {
        let mut below = self.name(&big.index);
        if let Some((set, arguments)) = &big.set {
            let inside = arguments.iter().map(|argument| self.tree(argument)).collect::<Vec<_>>().join(", ");
            return format!("{below} {} {}({inside})", self.pick("in", "∈"), self.name(set));
        }
        let from_one = matches!(&big.lower, Tree::Digits(one) if one == "1");
        match &big.upper {
            // For people the letter says enough.
            Some(upper) if !self.unicode || !from_one => {
                below.push_str(&format!("={}..{}", self.place(&big.lower), self.tree(upper)));
            }
            None if !from_one => below.push_str(&format!("={}", self.place(&big.lower))),
            _ => {}
        }
        for (position, condition) in big.conditions.iter().enumerate() {
            below.push_str(if position == 0 { ": " } else { ", " });
            below.push_str(&self.tree(condition));
        }
        below
    }

    fn sign(self, relation: Relation) -> &'static str {
        match relation {
            Relation::Equal => "=",
            Relation::NotEqual => self.pick("!=", "≠"),
            Relation::Less => "<",
            Relation::LessOrEqual => self.pick("<=", "≤"),
            Relation::Greater => ">",
            Relation::GreaterOrEqual => self.pick(">=", "≥"),
        }
    }

    /// `if(c, a, if(d, b, e))`
    fn cases(self, rows: &[(Tree, Tree)], otherwise: &Tree) -> String {
        let mut text = String::new();
        for (value, condition) in rows {
            text.push_str(&format!("if({}, {}, ", self.tree(condition), self.tree(value)));
        }
        text + &self.tree(otherwise) + &")".repeat(rows.len())
    }

    fn derivative(self, body: &Tree, target: &Tree) -> String {
        let d = self.pick("d ", "∂");
        let (text, target) = (self.tree(body), self.tree(target));
        match body.unmarked() {
            Tree::Name(_) | Tree::Entry(..) => format!("{d}{text}/{d}{target}"),
            _ => format!("{}/{d}{target} {text}", d.trim_end()),
        }
    }
}

/// True for places that are letters all.
fn all_letters(places: &[Tree]) -> bool {
    places.iter().all(|place| matches!(place.unmarked(), Tree::Name(_)))
}

/// True for a name that may be that of a function: `gamma`, `sg`, and the entropy `H` and expectation `E`.
fn is_word(name: &Spelling) -> bool {
    name.plain.chars().count() > 1 || ["H", "E"].contains(&name.plain.as_str())
}
