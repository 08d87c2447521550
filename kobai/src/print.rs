//! Expressions as LaTeX, as plain text and as MathML.
//!
//! One pass turns an expression into a small tree of fractions, scripts, fences and operators, in which every
//! convention of mathematical typesetting is settled once; a renderer for each notation only spells that tree.

mod build;
mod change;
mod glyph;
mod index;
mod latex;
mod letters;
mod mathml;
mod plain;
mod product;
mod tree;

use crate::expr::{Context, Expr, Index, Node, Symbol};
use crate::formula::{Relation, Spelling};
use crate::function::Function;
use build::Builder;
use letters::Letters;
use tree::Tree;

/// The notations that expressions are printed in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Notation {
    /// LaTeX, as in a paper; reads back as the same expression.
    #[default]
    Latex,
    /// ASCII; reads back as the same expression.
    Plain,
    /// Plain text with mathematical characters (Σ, ∂, α, −) for people to look at; it is not meant to be read back.
    Terminal,
    /// Presentation MathML, which browsers show without a script.
    MathMl,
}

/// How to print an expression.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// The notation.
    pub notation: Notation,
    /// A subexpression to mark as changed, wherever it occurs.
    pub emphasis: Option<Expr>,
}

/// Prints an expression.
pub fn print(context: &Context, expr: Expr, notation: Notation) -> String {
    print_with(context, expr, &Options { notation, ..Options::default() })
}

/// Prints an expression with options.
pub fn print_with(context: &Context, expr: Expr, options: &Options) -> String {
    let free = context.free_indices_in_order(expr);
    let tree = Builder::new(context, &free, options.emphasis).expression(expr);
    render(&tree, options.notation)
}

/// Indices that have their letters already, in the order in which they choose: those of a whole text, and the binders
/// around a part of it. So a part is printed with the letters that it has in the whole.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    /// The indices in scope.
    pub indices: Vec<Index>,
}

impl Scope {
    fn builder<'c>(&self, context: &'c Context, expr: Expr) -> Builder<'c> {
        let others = context.free_indices_in_order(expr);
        let letters = Letters::in_order(context, self.indices.iter().copied().chain(others));
        Builder::with_letters(context, letters)
    }
}

/// Prints an expression with the letters of a scope.
pub fn print_in(context: &Context, expr: Expr, scope: &Scope, notation: Notation) -> String {
    render(&scope.builder(context, expr).expression(expr), notation)
}

/// Prints the letter of an index, as it stands in a subscript.
pub fn print_place(context: &Context, index: Index, scope: &Scope, notation: Notation) -> String {
    let indices = scope.indices.iter().copied().chain([index]);
    let letters = Letters::in_order(context, indices);
    render(&Tree::Name(letters.letter(index)), notation)
}

/// Prints an expression that was made from another, with what is new in it marked.
pub fn print_changed(context: &Context, from: Expr, to: Expr, scope: &Scope, notation: Notation) -> String {
    let (before, after) = (scope.builder(context, from).expression(from), scope.builder(context, to).expression(to));
    render(&change::marked(&before, after), notation)
}

/// The name of a function, as it stands in a sentence.
pub fn print_function(function: Function, notation: Notation) -> String {
    match notation {
        Notation::Latex => function.row().latex.to_owned(),
        Notation::Plain => function.row().plain.to_owned(),
        Notation::Terminal => glyph::function(function),
        Notation::MathMl => format!("<math><mi>{}</mi></math>", glyph::function(function)),
    }
}

/// Prints a condition (a comparison, a delta, 1 where it holds) as a relation, without the brackets of an indicator.
/// Conditions that must all hold are separated by commas.
pub fn print_condition(context: &Context, condition: Expr, notation: Notation) -> String {
    if let Some((element, values)) = membership(context, condition) {
        let (open, close, sign) = match notation {
            Notation::Latex => ("\\{", "\\}", "\\in"),
            Notation::Plain => ("{", "}", "in"),
            Notation::Terminal | Notation::MathMl => ("{", "}", "∈"),
        };
        let values: Vec<String> = values.into_iter().map(|value| print(context, value, notation)).collect();
        return format!("{} {sign} {open}{}{close}", print(context, element, notation), values.join(", "));
    }
    match context.node(condition) {
        Node::Mul(parts)
            if parts.iter().all(|&part| matches!(context.node(part), Node::Compare(..) | Node::Delta(..))) =>
        {
            let parts: Vec<String> = parts.iter().map(|&part| print_condition(context, part, notation)).collect();
            parts.join(", ")
        }
        _ => {
            let free = context.free_indices_in_order(condition);
            let tree = Builder::new(context, &free, None).condition(condition, None);
            render(&tree, notation)
        }
    }
}

/// For 1 − [x ≠ a] [x ≠ b] …, which is how `x \in \{a, b\}` is kept: x and the values.
pub fn membership(context: &Context, condition: Expr) -> Option<(Expr, Vec<Expr>)> {
    let Node::Add(terms) = context.node(condition) else { return None };
    let [one, product] = terms[..] else { return None };
    let Node::Mul(factors) = context.node(product) else { return None };
    if !context.is_integer(one, 1) || !context.is_integer(factors[0], -1) {
        return None;
    }
    let (mut element, mut values) = (None, Vec::new());
    for &factor in &factors[1..] {
        let Node::Compare(Relation::NotEqual, a, b) = *context.node(factor) else { return None };
        let (value, other) = if context.as_number(a).is_some() { (a, b) } else { (b, a) };
        if element.is_some_and(|element| element != other) {
            return None;
        }
        element = Some(other);
        values.push(value);
    }
    Some((element?, values))
}

/// Prints a name.
pub fn print_name(name: &Spelling, notation: Notation) -> String {
    match notation {
        Notation::Latex => name.latex.clone(),
        Notation::Plain => name.plain.clone(),
        Notation::Terminal | Notation::MathMl => glyph::line(&name.latex),
    }
}

/// Prints an entry of a symbol at indices, as on the left of a definition.
pub fn print_symbol(context: &Context, symbol: Symbol, indices: &[Index], notation: Notation) -> String {
    let tree = Builder::new(context, indices, None).symbol_at(symbol, indices);
    render(&tree, notation)
}

fn render(tree: &Tree, notation: Notation) -> String {
    match notation {
        Notation::Latex => latex::render(tree),
        Notation::Plain => plain::render(tree, false),
        Notation::Terminal => plain::render(tree, true),
        Notation::MathMl => mathml::render(tree),
    }
}
