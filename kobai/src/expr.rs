//! Expressions in index notation, the only intermediate representation.
//!
//! A [`Context`] interns every node, so equal expressions are the same [`Expr`]. Bound indices are numbered by the
//! height of their binder (one more than the highest binder inside its body), which makes Σᵢ xᵢ and Σⱼ xⱼ one node and
//! lets a rewriting under a binder capture nothing. Operands of sums and products stand in a structural order, so that an
//! expression does not depend on how it was built.

mod balance;
mod build;
mod instance;
mod order;
mod verify;
mod walk;

pub use balance::Unit;

use crate::formula::{Relation, Spelling};
use crate::function::Function;
use indexmap::IndexSet;
use num_bigint::BigInt;
pub use num_rational::BigRational as Rational;
use num_traits::{One, ToPrimitive};
use rustc_hash::{FxBuildHasher, FxHashMap, FxHashSet};
use std::rc::Rc;

/// An interned expression: a handle into its [`Context`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Expr(u32);

/// An axis: what an index runs over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Axis(pub u32);

/// A named tensor: an input, or something defined.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Symbol(pub u32);

/// Who binds an index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Variable {
    /// A free index, with its number in the context's table of names.
    Free(u32),
    /// Bound by the enclosing reduction of this height.
    Bound(u16),
}

/// An index with the axis it runs over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Index {
    /// Who binds it.
    pub variable: Variable,
    /// What it runs over.
    pub axis: Axis,
}

/// Reductions over an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reduction {
    /// Σ; 0 over an empty axis.
    Sum,
    /// Π; 1 over an empty axis.
    Product,
    /// max; −∞ over an empty axis.
    Maximum,
    /// min; +∞ over an empty axis.
    Minimum,
    /// log Σ exp; −∞ over an empty axis.
    LogSumExp,
}

/// Numbers that are no rationals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Constant {
    /// 3.14…
    Pi,
    /// −∞, the value of a masked logit.
    NegativeInfinity,
    /// +∞
    Infinity,
}

/// What an expression is. The variants stand in the order in which operands are sorted.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Node {
    /// An exact number.
    Number(Rational),
    /// π or an infinity.
    Constant(Constant),
    /// The size of an axis, used as a number.
    Size(Axis),
    /// An index, used in a place of a symbol or as a number (counted from 0).
    Index(Index),
    /// A tensor's entry. Each place holds an integer expression: an index, an entry of an integer tensor (a gather), or
    /// arithmetic with these.
    Symbol(Symbol, Box<[Expr]>),
    /// 1 where two integer expressions are equal, else 0.
    Delta(Expr, Expr),
    /// 1 where the relation holds, else 0. Only `=`, `≠`, `<` and `≤` occur.
    Compare(Relation, Expr, Expr),
    /// A base and an exponent.
    Power(Expr, Expr),
    /// A function of its arguments.
    Call(Function, Box<[Expr]>),
    /// A reduction; its index occurs in the body as [`Variable::Bound`] with this node's height.
    Reduce(Reduction, Axis, Expr),
    /// Factors.
    Mul(Box<[Expr]>),
    /// Terms.
    Add(Box<[Expr]>),
    /// The second where the first is not 0, else the third; the one not taken contributes nothing.
    Select(Expr, Expr, Expr),
    /// The derivative of the first with respect to the second (an entry of a symbol), not yet carried out. Only
    /// derivations for reading contain it.
    Derivative(Expr, Expr),
}

/// What is known of a node without looking inside again.
#[derive(Clone, Debug)]
struct Facts {
    /// The height of the highest binder.
    height: u16,
    /// The number of nodes, as a tree, saturating.
    size: u32,
    /// The indices that nothing inside binds, sorted.
    free: Rc<[Index]>,
    /// True if a derivative not yet carried out is inside.
    derivative: bool,
}

/// What is known of an axis.
#[derive(Clone, Debug)]
pub struct AxisInformation {
    /// The name of its size: `N`.
    pub size_name: Spelling,
    /// The letters that the author lets run over it, in order of appearance.
    pub letters: Vec<Spelling>,
    /// Its size, if the text states one.
    pub fixed: Option<usize>,
}

/// What is known of a symbol.
#[derive(Clone, Debug)]
pub struct SymbolInformation {
    /// Its spelling.
    pub name: Spelling,
    /// The axis of each of its places.
    pub axes: Vec<Axis>,
    /// True if its entries are integers that index another tensor.
    pub integer: bool,
    /// True if an equation defines it, false if it is an input.
    pub defined: bool,
}

/// The table of all expressions, with the symbols, axes and index names that they mention.
#[derive(Clone, Default)]
pub struct Context {
    nodes: IndexSet<Node, FxBuildHasher>,
    facts: Vec<Facts>,
    /// Exact numbers by numerator and denominator: what a rational of this type hashes to takes divisions.
    numbers: FxHashMap<(BigInt, BigInt), Expr>,
    /// The functions that some node calls.
    called: FxHashSet<Function>,
    /// The symbols, by number, in the order of their first appearance.
    pub symbols: Vec<SymbolInformation>,
    /// The axes, by number.
    pub axes: Vec<AxisInformation>,
    index_names: Vec<Option<Spelling>>,
}

impl Context {
    /// An empty context.
    pub fn new() -> Context {
        Context::default()
    }

    /// The node of an expression.
    pub fn node(&self, expr: Expr) -> &Node {
        &self.nodes[expr.0 as usize]
    }

    /// The indices of an expression that nothing inside it binds, sorted.
    pub fn free_indices(&self, expr: Expr) -> Rc<[Index]> {
        self.facts[expr.0 as usize].free.clone()
    }

    /// True if the index occurs free in the expression.
    pub fn mentions(&self, expr: Expr, index: Index) -> bool {
        self.facts[expr.0 as usize].free.contains(&index)
    }

    /// The number of nodes of the expression as a tree, saturating.
    pub fn size_of(&self, expr: Expr) -> u32 {
        self.facts[expr.0 as usize].size
    }

    /// True if a derivative not yet carried out is inside.
    pub fn has_derivative(&self, expr: Expr) -> bool {
        self.facts[expr.0 as usize].derivative
    }

    pub(crate) fn height(&self, expr: Expr) -> u16 {
        self.facts[expr.0 as usize].height
    }

    /// Declares a symbol.
    pub fn declare_symbol(&mut self, information: SymbolInformation) -> Symbol {
        self.symbols.push(information);
        Symbol(self.symbols.len() as u32 - 1)
    }

    /// Declares an axis.
    pub fn declare_axis(&mut self, information: AxisInformation) -> Axis {
        self.axes.push(information);
        Axis(self.axes.len() as u32 - 1)
    }

    /// What is known of a symbol.
    pub fn symbol(&self, symbol: Symbol) -> &SymbolInformation {
        &self.symbols[symbol.0 as usize]
    }

    /// What is known of an axis.
    pub fn axis(&self, axis: Axis) -> &AxisInformation {
        &self.axes[axis.0 as usize]
    }

    /// A free index with the author's letter. Each call makes a new one.
    pub fn named_index(&mut self, name: Spelling, axis: Axis) -> Index {
        self.index_names.push(Some(name));
        Index { variable: Variable::Free(self.index_names.len() as u32 - 1), axis }
    }

    /// A free index that no one has named; a printer finds it a letter.
    pub fn fresh_index(&mut self, axis: Axis) -> Index {
        self.index_names.push(None);
        Index { variable: Variable::Free(self.index_names.len() as u32 - 1), axis }
    }

    /// The author's letter for a free index.
    pub fn index_name(&self, index: Index) -> Option<&Spelling> {
        match index.variable {
            Variable::Free(number) => self.index_names.get(number as usize)?.as_ref(),
            Variable::Bound(_) => None,
        }
    }

    /// The exact value of an expression that is a number.
    pub fn as_number(&self, expr: Expr) -> Option<&Rational> {
        match self.node(expr) {
            Node::Number(value) => Some(value),
            _ => None,
        }
    }

    /// True if the expression is this integer.
    pub fn is_integer(&self, expr: Expr, value: i64) -> bool {
        self.as_number(expr).is_some_and(|number| number.denom().is_one() && number.numer().to_i64() == Some(value))
    }

    fn intern(&mut self, node: Node) -> Expr {
        let (place, is_new) = self.nodes.insert_full(node);
        if is_new {
            let node = &self.nodes[place];
            if let Node::Call(function, _) = node {
                self.called.insert(*function);
            }
            self.facts.push(self.facts_of(node));
        }
        Expr(place as u32)
    }

    /// Whether an expression of this context calls the function.
    pub fn calls(&self, function: Function) -> bool {
        self.called.contains(&function)
    }

    fn facts_of(&self, node: &Node) -> Facts {
        let (mut height, mut size) = (0, 1_u32);
        let mut free: Vec<Index> = Vec::new();
        let mut derivative = matches!(node, Node::Derivative(..));
        if let Node::Index(index) = node {
            free.push(*index);
        }
        walk::for_each_child(node, |child| {
            let facts = &self.facts[child.0 as usize];
            height = height.max(facts.height);
            size = size.saturating_add(facts.size);
            free.extend(facts.free.iter().copied());
            derivative |= facts.derivative;
        });
        if let Node::Reduce(..) = node {
            height += 1;
            free.retain(|index| index.variable != Variable::Bound(height));
        }
        free.sort_unstable();
        free.dedup();
        Facts { height, size, free: free.into(), derivative }
    }
}
