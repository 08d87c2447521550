//! What was printed reads back as the same expression.

mod common;

use kobai::eval::data::kinds;
use kobai::expr::{Axis, AxisInformation, Context, Expr, Index, Node, Reduction, Symbol, SymbolInformation, Variable};
use kobai::formula::{Relation, Spelling};
use kobai::function::Function;
use kobai::parse::{Syntax, parse};
use kobai::print::{Notation, print, print_symbol};
use kobai::resolve::{InputKind, InputKinds, Program, resolve};
use num_traits::Signed;
use proptest::prelude::*;

const BOTH: [(Notation, Syntax); 2] = [(Notation::Latex, Syntax::Latex), (Notation::Plain, Syntax::Plain)];

/// A program as text, an equation a line.
fn write(program: &Program, notation: Notation) -> String {
    let context = &program.context;
    let mut lines: Vec<String> = program
        .definitions
        .iter()
        .map(|definition| {
            let left = print_symbol(context, definition.symbol, &definition.indices, notation);
            format!("{left} = {}", print(context, definition.value, notation))
        })
        .collect();
    if !program.definitions.iter().any(|definition| definition.value == program.loss) {
        let name = program.loss_name.as_ref().map_or("", |_| "L = ");
        lines.push(format!("{name}{}", print(context, program.loss, notation)));
    }
    lines.join("\n")
}

fn read(text: &str, syntax: Syntax, inputs: &InputKinds) -> Result<Program, String> {
    resolve(&parse(text, syntax), inputs).map_err(|errors| format!("{text}\n{errors:#?}"))
}

/// An expression spelt out so that neither the numbering of symbols and axes nor the order of operands shows.
fn canonical(context: &Context, expr: Expr) -> String {
    let node = context.node(expr);
    let mut parts: Vec<String> = context.children(expr).iter().map(|&part| canonical(context, part)).collect();
    let head = match node {
        Node::Number(value) => value.to_string(),
        Node::Constant(constant) => format!("{constant:?}"),
        Node::Size(axis) => context.axis(*axis).size_name.plain.clone(),
        Node::Index(index) => match index.variable {
            Variable::Bound(height) => format!("#{height}"),
            Variable::Free(_) => context.index_name(*index).map_or("?", |name| &name.plain).to_owned(),
        },
        Node::Symbol(symbol, _) => context.symbol(*symbol).name.plain.clone(),
        Node::Call(function, _) => format!("{function:?}"),
        Node::Reduce(reduction, axis, _) => {
            let axis = context.axis(*axis);
            let size = axis.fixed.map_or_else(|| axis.size_name.plain.clone(), |size| size.to_string());
            format!("{reduction:?} {size}")
        }
        Node::Compare(relation, ..) => format!("{relation:?}"),
        Node::Delta(..) => "delta".into(),
        Node::Power(..) => "^".into(),
        Node::Mul(_) => "*".into(),
        Node::Add(_) => "+".into(),
        Node::Select(..) => "select".into(),
        Node::Derivative(..) => "derivative".into(),
    };
    let symmetric = matches!(node, Node::Mul(_) | Node::Add(_) | Node::Delta(..))
        || matches!(node, Node::Compare(Relation::Equal | Relation::NotEqual, ..));
    if symmetric {
        parts.sort();
    }
    format!("{head}({})", parts.join(", "))
}

fn assert_same(first: &Program, second: &Program, text: &str) {
    assert_eq!(canonical(&first.context, first.loss), canonical(&second.context, second.loss), "{text}");
    assert_eq!(first.definitions.len(), second.definitions.len(), "{text}");
    for one in &first.definitions {
        let name = |program: &Program, symbol| program.context.symbol(symbol).name.plain.clone();
        let other = second.definitions.iter().find(|other| {
            name(second, other.symbol) == name(first, one.symbol) && other.indices.len() == one.indices.len()
        });
        let other = other.expect("the definition is still there");
        assert_eq!(canonical(&first.context, one.value), canonical(&second.context, other.value), "{text}");
    }
}

/// Prints, reads back and compares; then the text must stay as it is.
fn round_trip(program: &Program, inputs: &InputKinds, notations: &[(Notation, Syntax)]) -> Result<(), String> {
    for &(notation, syntax) in notations {
        let text = write(program, notation);
        let again = read(&text, syntax, inputs)?;
        assert_same(program, &again, &text);
        let settled = write(&again, notation);
        let third = read(&settled, syntax, inputs)?;
        assert_eq!(write(&third, notation), settled, "first printed as\n{text}");
    }
    Ok(())
}

#[test]
fn every_conformance_loss_reads_back() {
    let mut failures = Vec::new();
    for loss in common::all_losses() {
        let name = loss.name;
        let inputs = kinds(&loss.cases[0].inputs);
        let program = match read(&loss.tex, Syntax::Latex, &inputs) {
            Ok(program) => program,
            Err(error) => {
                failures.push(format!("{name}: {error}"));
                continue;
            }
        };
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| round_trip(&program, &inputs, &BOTH)));
        match result {
            Ok(Ok(())) => {}
            Ok(Err(error)) => failures.push(format!("{name}: {error}")),
            Err(_) => failures.push(format!("{name}: differs")),
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// How to build a random expression of y[i, k], w[i] and the scalar a.
#[derive(Clone, Debug)]
enum Recipe {
    Leaf(u8),
    Number(i64, i64),
    Call(u8, Box<Recipe>),
    Both(u8, Box<Recipe>, Box<Recipe>),
    Reduce(u8, bool, Box<Recipe>),
}

fn recipes() -> impl Strategy<Value = Recipe> {
    let leaf =
        prop_oneof![(0..3_u8).prop_map(Recipe::Leaf), (-4..5_i64, 1..11_i64).prop_map(|(a, b)| Recipe::Number(a, b))];
    leaf.prop_recursive(5, 24, 2, |inner| {
        prop_oneof![
            (0..9_u8, inner.clone()).prop_map(|(which, x)| Recipe::Call(which, x.into())),
            (0..8_u8, inner.clone(), inner.clone()).prop_map(|(which, x, y)| Recipe::Both(which, x.into(), y.into())),
            (0..5_u8, any::<bool>(), inner).prop_map(|(which, sample, x)| Recipe::Reduce(which, sample, x.into())),
        ]
    })
}

/// A table with axes N and K and the symbols of the recipes.
struct Kitchen {
    context: Context,
    symbols: [Symbol; 3],
    axes: [Axis; 2],
}

impl Kitchen {
    fn new() -> Kitchen {
        let mut context = Context::new();
        let spelling = |text: &str| Spelling { plain: text.into(), latex: text.into() };
        let axes = [("N", "i"), ("K", "k")].map(|(size, letter)| {
            context.declare_axis(AxisInformation {
                size_name: spelling(size),
                letters: vec![spelling(letter)],
                fixed: None,
            })
        });
        let symbols = [("y", &axes[..]), ("w", &axes[..1]), ("a", &[])].map(|(name, axes)| {
            let axes = axes.to_vec();
            context.declare_symbol(SymbolInformation { name: spelling(name), axes, integer: false, defined: false })
        });
        Kitchen { context, symbols, axes }
    }

    fn cook(&mut self, recipe: &Recipe, indices: [Index; 2]) -> Expr {
        match recipe {
            Recipe::Leaf(which) => {
                let which = usize::from(*which);
                self.context.entry_at(self.symbols[which], &indices[..2 - which])
            }
            Recipe::Number(numerator, denominator) => self.context.ratio(*numerator, *denominator),
            Recipe::Call(which, inner) => {
                use Function::*;
                let functions = [Exp, Log, Sigmoid, Abs, Tanh, Softplus, StopGradient, LogGamma, Log1p];
                let inner = self.cook(inner, indices);
                let function = functions[usize::from(*which)];
                // The logarithm of a number that has none is refused, as it should be.
                let refused =
                    function == Log && self.context.as_number(inner).is_some_and(|value| !value.is_positive());
                if refused { inner } else { self.context.apply(function, inner) }
            }
            Recipe::Both(which, x, y) => {
                let (x, y) = (self.cook(x, indices), self.cook(y, indices));
                self.combine(*which, x, y)
            }
            Recipe::Reduce(which, sample, inner) => {
                use Reduction::*;
                let axis = usize::from(!sample);
                let index = self.context.fresh_index(self.axes[axis]);
                let mut inside = indices;
                inside[axis] = index;
                let body = self.cook(inner, inside);
                self.context.reduce([Sum, Product, Maximum, Minimum, LogSumExp][usize::from(*which)], index, body)
            }
        }
    }

    fn combine(&mut self, which: u8, x: Expr, y: Expr) -> Expr {
        let context = &mut self.context;
        match which {
            0 => context.add(vec![x, y]),
            1 => context.subtract(x, y),
            2 => context.mul(vec![x, y]),
            3 if !context.is_integer(y, 0) => context.divide(x, y),
            4 if !context.is_integer(x, 0) => context.power(x, y),
            5 => context.call(Function::Max, vec![x, y]),
            6 => context.compare(Relation::Less, x, y),
            7 => {
                let half = context.ratio(1, 2);
                let (condition, root) = (context.compare(Relation::LessOrEqual, x, y), context.power(x, half));
                context.select(condition, root, y)
            }
            _ => x,
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_expressions_read_back(recipe in recipes()) {
        let mut kitchen = Kitchen::new();
        let indices = [0, 1].map(|axis| kitchen.context.fresh_index(kitchen.axes[axis]));
        let mut loss = kitchen.cook(&recipe, indices);
        // The sum that gives every axis its tensor, whatever the recipe left out.
        let all = kitchen.symbols.map(|symbol| {
            let rank = kitchen.context.symbol(symbol).axes.len();
            kitchen.context.entry_at(symbol, &indices[..rank])
        });
        let anchor = kitchen.context.mul(all.to_vec());
        loss = kitchen.context.mul(vec![anchor, loss]);
        for index in indices {
            loss = kitchen.context.reduce(Reduction::Sum, index, loss);
        }
        let inputs = kitchen.context.symbols.iter();
        let inputs = inputs.map(|symbol| (symbol.name.plain.clone(), InputKind { rank: symbol.axes.len(), integer: false })).collect();
        let (notation, syntax) = BOTH[0];
        let text = format!("L = {}", print(&kitchen.context, loss, notation));
        // What the text says is settled once it is read: the context keeps −(a + b), the reader makes it −a − b.
        let program = match read(&text, syntax, &inputs) {
            // A recipe may divide by 0, which the reader rightly refuses.
            Err(error) if error.contains("division-by-zero") => return Ok(()),
            other => other.map_err(TestCaseError::fail)?,
        };
        round_trip(&program, &inputs, &BOTH).map_err(TestCaseError::fail)?;
    }
}
