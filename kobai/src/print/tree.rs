//! The tree of what stands on the page, independent of notation.

use crate::expr::Reduction;
use crate::formula::{Relation, Spelling};
use crate::function::Function;

/// What stands on the page. Brackets that every notation needs are nodes of their own; those that only a linear
/// notation needs (around the parts of a fraction, say) are its renderer's affair.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Tree {
    /// A number without a sign.
    Digits(String),
    /// A name without places: a scalar, a size, an index.
    Name(Spelling),
    /// A name with places, of which there is at least one.
    Entry(Spelling, Vec<Tree>),
    /// 3.14…
    Pi,
    /// e
    Euler,
    /// ∞
    Infinity,
    /// Numerator and denominator.
    Fraction(Box<Tree>, Box<Tree>),
    /// The degree, unless it is 2, and the radicand.
    Root(Option<Box<Tree>>, Box<Tree>),
    /// Base and exponent.
    Power(Box<Tree>, Box<Tree>),
    /// A power of e; `named` if it is to be written with `exp` even where `e` could carry an exponent.
    Exponential { exponent: Box<Tree>, named: bool },
    /// Factors.
    Product(Vec<Tree>),
    /// Terms, each with `true` for a minus. A single term stands here if it is negative.
    Sum(Vec<(bool, Tree)>),
    /// A logarithm; `closed` if something follows that its argument must not reach.
    Log { base: Option<Box<Tree>>, argument: Box<Tree>, closed: bool },
    /// A function with its arguments, and whether its symbol means something else here.
    Apply { function: Function, arguments: Vec<Tree>, spelt_out: bool },
    /// The Gamma function, which is kept as the exponential of its logarithm.
    Gamma(Box<Tree>),
    /// A factorial.
    Factorial(Box<Tree>),
    /// A reduction.
    Big(Box<Big>),
    /// A relation between two sides.
    Relation(Relation, Box<Tree>, Box<Tree>),
    /// 1 where a relation holds, else 0.
    Indicator(Box<Tree>),
    /// The Kronecker delta of two places.
    Delta(Box<[Tree; 2]>),
    /// Values with their conditions, then the value otherwise.
    Cases(Vec<(Tree, Tree)>, Box<Tree>),
    /// The derivative of the first with respect to the second; the first under the bar if it is an entry.
    Derivative(Box<Tree>, Box<Tree>),
    /// Round brackets.
    Bracket(Box<Tree>),
    /// A part to mark as changed.
    Marked(Box<Tree>),
    /// Stands for what is too long or too deep to print.
    Ellipsis,
}

/// A reduction with what stands below and above it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Big {
    /// Which reduction.
    pub reduction: Reduction,
    /// The letter of its index.
    pub index: Spelling,
    /// Where the index starts; with no `upper` it is not shown unless it says more than 1.
    pub lower: Tree,
    /// The size of the axis.
    pub upper: Option<Tree>,
    /// The set with its arguments in `p ∈ P(i)`, in place of bounds.
    pub set: Option<(Spelling, Vec<Tree>)>,
    /// Further conditions on the index.
    pub conditions: Vec<Tree>,
    /// What is reduced, in brackets where it needs them.
    pub body: Tree,
}

/// How tightly a tree holds together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Level {
    /// Carries an exponent and stands beside anything.
    Atom,
    /// A function with its arguments in brackets.
    Call,
    /// A base with an exponent.
    Power,
    /// A numerator over a denominator.
    Fraction,
    /// Factors side by side.
    Product,
    /// Takes in every factor that follows: a sum sign, a logarithm without brackets.
    Open,
    /// Rows of cases.
    Cases,
    /// Terms, or one with a minus.
    Sum,
}

impl Tree {
    /// A natural number.
    pub(super) fn digits(value: impl ToString) -> Tree {
        Tree::Digits(value.to_string())
    }

    /// The tree without a mark around it.
    pub(super) fn unmarked(&self) -> &Tree {
        match self {
            Tree::Marked(inner) => inner.unmarked(),
            other => other,
        }
    }

    /// How tightly it holds together.
    pub(super) fn level(&self) -> Level {
        match self {
            Tree::Marked(inner) => inner.level(),
            Tree::Sum(_) | Tree::Relation(..) => Level::Sum,
            Tree::Product(factors) => match factors.last().map(Tree::level) {
                Some(Level::Open) => Level::Open,
                _ => Level::Product,
            },
            Tree::Fraction(..) => Level::Fraction,
            Tree::Power(..) | Tree::Exponential { .. } => Level::Power,
            Tree::Log { closed: true, .. } | Tree::Apply { .. } | Tree::Indicator(_) | Tree::Delta(..) => Level::Call,
            Tree::Gamma(_) | Tree::Factorial(_) => Level::Call,
            Tree::Derivative(body, _) if matches!(body.unmarked(), Tree::Name(_) | Tree::Entry(..)) => Level::Fraction,
            Tree::Log { .. } | Tree::Big(_) | Tree::Derivative(..) => Level::Open,
            Tree::Cases(..) => Level::Cases,
            Tree::Digits(_) | Tree::Name(_) | Tree::Entry(..) | Tree::Pi | Tree::Euler | Tree::Infinity => Level::Atom,
            Tree::Root(..) | Tree::Bracket(_) | Tree::Ellipsis => Level::Atom,
        }
    }

    /// True if it stands higher than a line of text, so that a fraction bar over or under it looks crowded.
    pub(super) fn is_tall(&self) -> bool {
        match self {
            Tree::Fraction(..) | Tree::Big(_) | Tree::Cases(..) | Tree::Derivative(..) => true,
            Tree::Marked(inner) | Tree::Bracket(inner) | Tree::Root(_, inner) => inner.is_tall(),
            Tree::Power(base, exponent) => base.is_tall() || exponent.is_tall(),
            Tree::Exponential { exponent, named } => *named && exponent.is_tall(),
            Tree::Product(factors) => factors.iter().any(Tree::is_tall),
            Tree::Sum(terms) => terms.iter().any(|(_, term)| term.is_tall()),
            Tree::Log { argument, .. } | Tree::Gamma(argument) | Tree::Factorial(argument) => argument.is_tall(),
            Tree::Apply { arguments, .. } => arguments.iter().any(Tree::is_tall),
            Tree::Relation(_, left, right) => left.is_tall() || right.is_tall(),
            Tree::Indicator(inner) => inner.is_tall(),
            Tree::Digits(_) | Tree::Name(_) | Tree::Entry(..) | Tree::Pi | Tree::Euler | Tree::Infinity => false,
            Tree::Delta(..) | Tree::Ellipsis => false,
        }
    }

    /// The tree in round brackets.
    pub(super) fn bracketed(self) -> Tree {
        Tree::Bracket(Box::new(self))
    }

    /// As a term of a sum.
    pub(super) fn into_term(self) -> Tree {
        match self.level() {
            Level::Sum | Level::Cases => self.bracketed(),
            _ => self,
        }
    }

    /// As what a big operator or a derivative applies to.
    pub(super) fn into_body(self) -> Tree {
        match self.level() {
            Level::Sum => self.bracketed(),
            _ => self,
        }
    }

    /// As what a maximum and its like apply to: a bracket directly after them ends their reach, so what may begin with
    /// one, in any notation, stands in brackets as a whole.
    pub(super) fn into_short_body(self) -> Tree {
        match (self.level(), self.unmarked()) {
            (_, Tree::Product(_) | Tree::Root(Some(_), _)) => self.bracketed(),
            (Level::Atom | Level::Call | Level::Open, _) | (_, Tree::Exponential { .. }) => self,
            _ => self.bracketed(),
        }
    }

    /// As a factor; all but the last must not take in what follows.
    pub(super) fn into_factor(self, last: bool) -> Tree {
        match self.level() {
            Level::Sum | Level::Cases => self.bracketed(),
            Level::Open if !last => self.closed(),
            _ => self,
        }
    }

    fn closed(self) -> Tree {
        match self {
            Tree::Marked(inner) => Tree::Marked(Box::new(inner.closed())),
            Tree::Log { base, argument, .. } => Tree::Log { base, argument, closed: true },
            other => other.bracketed(),
        }
    }

    /// As the base of a power.
    pub(super) fn into_base(self) -> Tree {
        let bare = match self.unmarked() {
            // A prime is a superscript already, and TeX takes no second one.
            Tree::Name(name) | Tree::Entry(name, _) => !name.latex.contains(['\'', '^', '(']),
            Tree::Apply { function: Function::Abs, .. } => true,
            // A bare `e` with an exponent is the exponential function.
            Tree::Root(..) | Tree::Euler => false,
            other => other.level() == Level::Atom,
        };
        if bare { self } else { self.bracketed() }
    }

    /// True if a logarithm's argument needs no brackets in two-dimensional notation.
    pub(super) fn is_bare_argument(&self) -> bool {
        match self.unmarked() {
            Tree::Power(base, _) => matches!(base.unmarked(), Tree::Name(_) | Tree::Entry(..) | Tree::Digits(_)),
            Tree::Bracket(_) | Tree::Ellipsis => false,
            Tree::Exponential { named, .. } => !named,
            Tree::Apply { .. } | Tree::Factorial(_) => true,
            other => match other.level() {
                Level::Atom | Level::Fraction => true,
                Level::Open => matches!(other, Tree::Big(_)),
                _ => false,
            },
        }
    }

    /// True if it begins with a figure, which must not stand directly beside another.
    pub(super) fn starts_with_digit(&self) -> bool {
        match self {
            Tree::Digits(_) => true,
            Tree::Marked(inner) => inner.starts_with_digit(),
            Tree::Power(base, _) => base.starts_with_digit(),
            Tree::Product(factors) => factors.first().is_some_and(Tree::starts_with_digit),
            _ => false,
        }
    }
}
