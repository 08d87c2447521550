//! From an expression to the tree of what stands on the page.

use super::letters::Letters;
use super::tree::Tree;
use crate::expr::{Axis, Constant, Context, Expr, Index, Node, Rational, Symbol};
use crate::formula::Spelling;
use crate::function::Function;
use num_bigint::BigInt;
use num_traits::{One, Signed, ToPrimitive, Zero};

/// Deeper parts are left out: nobody could read them, and each level takes stack.
const DEEPEST: usize = 400;
/// As a tree a shared expression may be larger than any memory.
const MOST_NODES: usize = 100_000;
/// Decimals with more places are printed as powers of ten or as fractions.
const MOST_DECIMALS: usize = 4;

/// The state of one printing.
pub(super) struct Builder<'c> {
    pub(super) context: &'c Context,
    pub(super) letters: Letters<'c>,
    pub(super) emphasis: Option<Expr>,
    depth: usize,
    nodes: usize,
}

impl<'c> Builder<'c> {
    /// A builder with these free indices in scope.
    pub(super) fn new(context: &'c Context, free: &[Index], emphasis: Option<Expr>) -> Builder<'c> {
        Builder { context, letters: Letters::new(context, free), emphasis, depth: 0, nodes: 0 }
    }

    /// A builder with these letters in use.
    pub(super) fn with_letters(context: &'c Context, letters: Letters<'c>) -> Builder<'c> {
        Builder { context, letters, emphasis: None, depth: 0, nodes: 0 }
    }

    /// An expression with its sign.
    pub(super) fn expression(&mut self, expr: Expr) -> Tree {
        match self.term(expr) {
            (true, tree) => Tree::Sum(vec![(true, tree.into_term())]),
            (false, tree) => tree,
        }
    }

    /// An expression with its sign apart: `true` for a minus.
    pub(super) fn term(&mut self, expr: Expr) -> (bool, Tree) {
        if self.depth >= DEEPEST || self.nodes >= MOST_NODES {
            return (false, Tree::Ellipsis);
        }
        self.depth += 1;
        self.nodes += 1;
        let (negative, tree) = self.unmarked_term(expr);
        self.depth -= 1;
        (negative, self.mark(expr, tree))
    }

    /// Marks a tree if it stands for the expression to emphasise.
    pub(super) fn mark(&self, expr: Expr, tree: Tree) -> Tree {
        if self.emphasis == Some(expr) { Tree::Marked(Box::new(tree)) } else { tree }
    }

    fn unmarked_term(&mut self, expr: Expr) -> (bool, Tree) {
        let context = self.context;
        let tree = match context.node(expr) {
            Node::Number(value) => return (value.is_negative(), number(&value.abs())),
            Node::Constant(Constant::NegativeInfinity) => return (true, Tree::Infinity),
            Node::Constant(Constant::Infinity) => Tree::Infinity,
            Node::Constant(Constant::Pi) => Tree::Pi,
            Node::Mul(factors) => return self.product(factors),
            Node::Add(terms) => self.sum(terms),
            Node::Size(axis) => self.size(*axis),
            Node::Index(_) => self.sum(&[expr]),
            Node::Symbol(symbol, places) => self.entry(*symbol, places),
            Node::Delta(a, b) => Tree::Delta(Box::new(in_letter_order([self.place(*a), self.place(*b)]))),
            Node::Compare(relation, a, b) => Tree::Indicator(Box::new(self.relation(*relation, *a, *b, None))),
            Node::Power(base, exponent) => self.power(*base, *exponent),
            Node::Call(function, arguments) => self.call(*function, arguments),
            Node::Reduce(reduction, axis, body) => self.reduce(expr, *reduction, *axis, *body),
            Node::Select(..) => self.cases(expr),
            Node::Derivative(body, target) => {
                let (body, target) = (self.expression(*body), self.expression(*target));
                Tree::Derivative(Box::new(body.into_factor(true)), Box::new(target.into_base()))
            }
        };
        (false, tree)
    }

    /// The size of an axis: a number if the text states it, else its name.
    fn size(&self, axis: Axis) -> Tree {
        self.named_size(axis).unwrap_or_else(|| Tree::Name(Spelling { plain: "n".into(), latex: "n".into() }))
    }

    /// The size of an axis as it may stand over an operator.
    pub(super) fn named_size(&self, axis: Axis) -> Option<Tree> {
        let information = self.context.axes.get(axis.0 as usize)?;
        match information.fixed {
            Some(size) => Some(Tree::digits(size)),
            None if information.size_name.plain.is_empty() => None,
            None => Some(Tree::Name(information.size_name.clone())),
        }
    }

    /// A symbol at plain indices.
    pub(super) fn symbol_at(&mut self, symbol: Symbol, indices: &[Index]) -> Tree {
        let places = indices.iter().map(|&index| Tree::Name(self.letters.letter(index))).collect();
        self.entry_tree(symbol, places)
    }

    fn entry(&mut self, symbol: Symbol, places: &[Expr]) -> Tree {
        let places = places.iter().map(|&place| self.place(place)).collect();
        self.entry_tree(symbol, places)
    }

    fn entry_tree(&self, symbol: Symbol, places: Vec<Tree>) -> Tree {
        let Some(name) = self.symbol_name(symbol) else {
            return Tree::Ellipsis;
        };
        if places.is_empty() { Tree::Name(name) } else { Tree::Entry(name, places) }
    }

    /// The spelling of a symbol.
    pub(super) fn symbol_name(&self, symbol: Symbol) -> Option<Spelling> {
        self.context.symbols.get(symbol.0 as usize).map(|information| information.name.clone())
    }

    /// Terms, positive ones first. An index counts from 0 inside and from 1 on the page.
    fn sum(&mut self, terms: &[Expr]) -> Tree {
        let mut constant = Rational::zero();
        let mut signed = Vec::new();
        for &term in terms {
            if let Some(value) = self.context.as_number(term).filter(|_| self.emphasis != Some(term)) {
                constant += value;
                continue;
            }
            match self.scaled_index(term) {
                Some((scale, index)) => {
                    let letter = Tree::Name(self.letters.letter(index));
                    let size = scale.abs();
                    let tree = if size.is_one() { letter } else { Tree::Product(vec![number(&size), letter]) };
                    signed.push((scale.is_negative(), self.mark(term, tree)));
                    constant -= scale;
                }
                None => {
                    let (negative, tree) = self.term(term);
                    signed.push((negative, tree.into_term()));
                }
            }
        }
        let constant_first = !terms.iter().any(|&term| self.scaled_index(term).is_some());
        if !constant.is_zero() || signed.is_empty() {
            let position = if constant_first { 0 } else { signed.len() };
            signed.insert(position, (constant.is_negative(), number(&constant.abs())));
        }
        positive_first(signed)
    }

    /// The index and its factor in a term that is a multiple of an index.
    fn scaled_index(&self, term: Expr) -> Option<(Rational, Index)> {
        match self.context.node(term) {
            Node::Index(index) => Some((Rational::one(), *index)),
            Node::Mul(factors) => match factors[..] {
                [scale, index] => match (self.context.node(scale), self.context.node(index)) {
                    (Node::Number(scale), Node::Index(index)) => Some((scale.clone(), *index)),
                    _ => None,
                },
                _ => None,
            },
            _ => None,
        }
    }

    fn power(&mut self, base: Expr, exponent: Expr) -> Tree {
        match self.context.as_number(exponent) {
            Some(value) if value.is_negative() => {
                let denominator = self.numeric_power(base, &-value);
                Tree::Fraction(Box::new(Tree::digits(1)), Box::new(denominator))
            }
            Some(value) if self.emphasis != Some(exponent) => self.numeric_power(base, value),
            _ => {
                let (base, exponent) = (self.expression(base), self.expression(exponent));
                Tree::Power(Box::new(base.into_base()), Box::new(exponent))
            }
        }
    }

    /// A power with a positive number in the exponent: a root if it is 1/n.
    pub(super) fn numeric_power(&mut self, base: Expr, exponent: &Rational) -> Tree {
        let base = self.expression(base);
        if exponent.is_one() {
            return base;
        }
        if !exponent.numer().is_one() || exponent.is_integer() {
            return Tree::Power(Box::new(base.into_base()), Box::new(number(exponent)));
        }
        let degree = (*exponent.denom() != BigInt::from(2)).then(|| Box::new(Tree::digits(exponent.denom())));
        Tree::Root(degree, Box::new(base))
    }

    fn call(&mut self, function: Function, arguments: &[Expr]) -> Tree {
        if let (Function::Exp, &[exponent]) = (function, arguments)
            && let Some(tree) = self.gamma(exponent)
        {
            return tree;
        }
        let mut trees: Vec<Tree> = arguments.iter().map(|&argument| self.expression(argument)).collect();
        match (function, arguments) {
            (Function::Exp, &[_]) => self.exponential(trees.remove(0)),
            (Function::Log, &[inner]) => {
                let mut argument = trees.remove(0);
                // `log Γ(x)` would be read as one function.
                if let (Tree::Gamma(_), Node::Call(_, exponent)) = (argument.unmarked(), self.context.node(inner)) {
                    let exponent = self.expression(exponent[0]);
                    argument = Tree::Exponential { named: true, exponent: Box::new(exponent) };
                }
                Tree::Log { base: None, argument: Box::new(argument), closed: false }
            }
            (Function::LogBase, &[_, _]) => {
                let base = Some(Box::new(trees.remove(0)));
                Tree::Log { base, argument: Box::new(trees.remove(0)), closed: false }
            }
            _ => Tree::Apply { function, arguments: trees, spelt_out: self.is_symbol_taken(function) },
        }
    }

    /// Γ(u) for e^{log Γ(u)}, and k! for Γ(1 + k).
    fn gamma(&mut self, exponent: Expr) -> Option<Tree> {
        let context = self.context;
        let Node::Call(Function::LogGamma, arguments) = context.node(exponent) else { return None };
        if self.is_symbol_taken(Function::LogGamma) || self.emphasis == Some(exponent) {
            return None;
        }
        if let Node::Add(terms) = context.node(arguments[0])
            && let [one, letter] = terms[..]
            && context.is_integer(one, 1)
            && matches!(context.node(letter), Node::Symbol(..))
        {
            let letter = self.expression(letter).into_base();
            return Some(Tree::Factorial(Box::new(letter)));
        }
        Some(Tree::Gamma(Box::new(self.expression(arguments[0]))))
    }

    /// e with an exponent.
    pub(super) fn exponential(&self, exponent: Tree) -> Tree {
        let named = self.is_euler_taken();
        match &exponent {
            Tree::Digits(digits) if !named && digits == "1" => Tree::Euler,
            _ => Tree::Exponential { named: named || exponent.is_tall(), exponent: Box::new(exponent) },
        }
    }

    /// True if `e` is something of the author's.
    fn is_euler_taken(&self) -> bool {
        let scalar = self.context.symbols.iter().any(|symbol| symbol.name.plain == "e" && symbol.axes.is_empty());
        scalar || self.context.axes.iter().any(|axis| axis.letters.iter().any(|letter| letter.plain == "e"))
    }

    /// True if the function's Greek letter is something of the author's.
    fn is_symbol_taken(&self, function: Function) -> bool {
        let letter = match function {
            Function::Sigmoid => "sigma",
            Function::NormalCdf => "Phi",
            Function::Digamma => "psi",
            Function::LogGamma => "Gamma",
            _ => return false,
        };
        self.context.symbols.iter().any(|symbol| symbol.name.plain == letter)
    }

    fn cases(&mut self, expr: Expr) -> Tree {
        let mut rows = Vec::new();
        let mut rest = expr;
        while let Node::Select(condition, then, otherwise) = *self.context.node(rest) {
            // A marked inner selection must stay one piece.
            if rest != expr && self.emphasis == Some(rest) || rows.len() >= DEEPEST {
                break;
            }
            rows.push((self.expression(then), self.condition(condition, None)));
            rest = otherwise;
        }
        let otherwise = self.expression(rest);
        Tree::Cases(rows, Box::new(otherwise))
    }
}

/// Two letters of a delta, which has no order of its own, in that of the alphabet.
fn in_letter_order(sides: [Tree; 2]) -> [Tree; 2] {
    match sides {
        [Tree::Name(a), Tree::Name(b)] if a.plain > b.plain => [Tree::Name(b), Tree::Name(a)],
        sides => sides,
    }
}

/// Terms with a positive one in front, if there is one.
pub(super) fn positive_first(signed: Vec<(bool, Tree)>) -> Tree {
    let (mut terms, negative): (Vec<_>, Vec<_>) = signed.into_iter().partition(|(negative, _)| !negative);
    if negative.is_empty() && terms.len() == 1 {
        return terms.remove(0).1;
    }
    terms.extend(negative);
    Tree::Sum(terms)
}

/// A number that is not negative.
pub(super) fn number(value: &Rational) -> Tree {
    if value.is_integer() {
        return Tree::digits(value.numer());
    }
    if let Some(decimal) = decimal(value) {
        return decimal;
    }
    Tree::Fraction(Box::new(Tree::digits(value.numer())), Box::new(Tree::digits(value.denom())))
}

/// A number whose denominator in lowest terms is a power of ten: 0.01, 10^{-8}.
pub(super) fn decimal(value: &Rational) -> Option<Tree> {
    let places =
        value.denom().to_string().strip_prefix('1').filter(|zeros| zeros.bytes().all(|byte| byte == b'0'))?.len();
    if places == 0 {
        return None;
    }
    if places <= MOST_DECIMALS {
        let (whole, part) =
            (value.to_integer(), value.fract().numer() * BigInt::from(10).pow(places as u32) / value.fract().denom());
        return Some(Tree::Digits(format!("{whole}.{:0places$}", part.to_u64()?)));
    }
    let exponent = Tree::Sum(vec![(true, Tree::digits(places))]);
    value.numer().is_one().then(|| Tree::Power(Box::new(Tree::digits(10)), Box::new(exponent)))
}
