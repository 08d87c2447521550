//! Formulas, conditions and counterexamples as they are printed.

use crate::eval::data::Array;
use crate::expr::{Context, Expr, Index};
use crate::formula::{Relation, Spelling};
use crate::print::{Notation, print, print_condition, print_name, print_symbol};
use crate::resolve::statement::Stated;
use crate::resolve::{Definition, Program};
use crate::statement::{Counterexample, print_conditions};

/// A formula in each notation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shown {
    /// LaTeX.
    pub latex: String,
    /// ASCII.
    pub plain: String,
    /// For a terminal.
    pub terminal: String,
}

/// Values at which a statement does not hold.
#[derive(Clone, Debug)]
pub struct ShownCounterexample {
    /// Names and values.
    pub values: Vec<(Shown, String)>,
    /// Index letters and places, counted from 1.
    pub place: Vec<(Shown, usize)>,
    /// The relation that fails: its number in the chain, from 0.
    pub link: usize,
    /// The two sides as formulas.
    pub sides: [Shown; 2],
    /// The value of the left side.
    pub left: String,
    /// The value of the right side.
    pub right: String,
}

impl ShownCounterexample {
    pub(super) fn at_link(self, link: usize) -> ShownCounterexample {
        ShownCounterexample { link: self.link.max(link), ..self }
    }
}

impl Shown {
    fn by(show: impl Fn(Notation) -> String) -> Shown {
        Shown { latex: show(Notation::Latex), plain: show(Notation::Plain), terminal: show(Notation::Terminal) }
    }

    /// The author's own text.
    pub(super) fn as_written(text: &str) -> Shown {
        // Rows and columns are no part of a formula on one line.
        let text = text.replace(r"\\", " ").replace('&', " ");
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        Shown { latex: text.clone(), plain: text.clone(), terminal: text }
    }

    /// A name, perhaps with its arguments.
    pub(super) fn name(text: &str) -> Shown {
        let spelling = Spelling { plain: text.to_owned(), latex: text.to_owned() };
        Shown::by(|notation| print_name(&spelling, notation))
    }

    /// The formula, a sign, and another formula.
    pub(super) fn followed_by(self, sign: &str, other: &Shown) -> Shown {
        let (plain, terminal) = SIGNS.iter().find(|row| row.0 == sign).map_or((sign, sign), |row| (row.1, row.2));
        let join = |left: &str, sign: &str, right: &str| format!("{left} {sign} {right}");
        Shown {
            latex: join(&self.latex, sign, &other.latex),
            plain: join(&self.plain, plain, &other.plain),
            terminal: join(&self.terminal, terminal, &other.terminal),
        }
    }

    /// `\min_{W, b}` and the formula.
    pub(super) fn under(self, operator: &str, names: &str) -> Shown {
        let plain = names.replace('\\', "");
        Shown {
            latex: format!("\\{operator}_{{{names}}} {}", self.latex),
            plain: format!("{operator}({plain}) {}", self.plain),
            terminal: format!("{operator}_{{{plain}}} {}", self.terminal),
        }
    }

    /// What stands behind the last `=`.
    pub(super) fn last_side(&self) -> Shown {
        let last = |text: &str| text.rsplit(" = ").next().unwrap_or_default().to_owned();
        Shown { latex: last(&self.latex), plain: last(&self.plain), terminal: last(&self.terminal) }
    }
}

/// Signs between formulas: LaTeX, ASCII, terminal.
const SIGNS: [(&str, &str, &str); 8] = [
    (r"\ne", "!=", "≠"),
    (r"\le", "<=", "≤"),
    (r"\ge", ">=", "≥"),
    (r"\iff", "<=>", "⇔"),
    (r"\implies", "=>", "⇒"),
    (r"\approx", "~", "≈"),
    ("<", "<", "<"),
    (">", ">", ">"),
];

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

pub(super) fn shown(context: &Context, expr: Expr) -> Shown {
    Shown::by(|notation| print(context, expr, notation))
}

pub(super) fn condition(context: &Context, expr: Expr) -> Shown {
    Shown::by(|notation| print_condition(context, expr, notation))
}

pub(super) fn conditions(context: &Context, all: &[Expr]) -> Vec<Shown> {
    let [latex, plain, terminal] =
        [Notation::Latex, Notation::Plain, Notation::Terminal].map(|notation| print_conditions(context, all, notation));
    let rows = latex.into_iter().zip(plain).zip(terminal);
    rows.map(|((latex, plain), terminal)| Shown { latex, plain, terminal }).collect()
}

pub(super) fn definition(context: &Context, definition: &Definition) -> Shown {
    let left = Shown::by(|notation| print_symbol(context, definition.symbol, &definition.indices, notation));
    left.followed_by("=", &shown(context, definition.value))
}

/// The sides of a relation with the signs between them.
pub(super) fn joined_sides(context: &Context, stated: &Stated) -> Shown {
    let mut sides = stated.sides.iter();
    let Some(&first) = sides.next() else { return Shown::default() };
    if stated.relations.is_empty() {
        return condition(context, first);
    }
    let links = sides.zip(&stated.relations);
    links.fold(shown(context, first), |whole, (&side, &relation)| {
        whole.followed_by(sign(relation), &shown(context, side))
    })
}

/// A counterexample with the names of the program.
pub(super) fn counterexample(program: &Program, found: &Counterexample) -> ShownCounterexample {
    let context = &program.context;
    let stated = program.stated.as_ref();
    let side = |position: usize| {
        stated.and_then(|stated| stated.sides.get(position)).map(|&side| shown(context, side)).unwrap_or_default()
    };
    let symbols = context.symbols.iter().filter(|symbol| !symbol.defined);
    let mut values: Vec<(Shown, String)> = symbols
        .filter_map(|symbol| {
            Some((Shown::by(|notation| print_name(&symbol.name, notation)), found.values.get(&symbol.name.plain)?))
        })
        .map(|(name, array)| (name, nested(array)))
        .collect();
    if values.is_empty() {
        let sizes = context.axes.iter().filter(|axis| axis.fixed.is_none());
        values = sizes
            .filter_map(|axis| {
                let size = found.values.get(&axis.size_name.plain)?;
                Some((Shown::by(|notation| print_name(&axis.size_name, notation)), nested(size)))
            })
            .collect();
    }
    let letter = |index: &Index| {
        let name = context.index_name(*index).cloned();
        name.map(|name| Shown::by(|notation| print_name(&name, notation))).unwrap_or_default()
    };
    let indices = stated.map(|stated| &stated.indices[..]).unwrap_or_default();
    ShownCounterexample {
        values,
        place: indices.iter().map(letter).zip(found.place.iter().map(|place| place + 1)).collect(),
        link: found.link,
        sides: [side(found.link), side(found.link + 1)],
        left: found.left.clone(),
        right: found.right.clone(),
    }
}

/// `2`, `[1, 2]`, `[[1, 2], [3, 4]]`
fn nested(array: &Array) -> String {
    fn level(shape: &[usize], data: &[f64]) -> String {
        let Some((&size, rest)) = shape.split_first() else {
            return data.first().map(f64::to_string).unwrap_or_default();
        };
        let width = (data.len() / size.max(1)).max(1);
        let parts: Vec<String> = data.chunks(width).map(|part| level(rest, part)).collect();
        format!("[{}]", parts.join(", "))
    }
    level(&array.shape, &array.data)
}
