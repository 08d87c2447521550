//! The formula as written: a tree that keeps the author's spelling and the place of every part.
//!
//! The tree settles grouping, precedence and how far a function's argument or a sum's body reaches. It does not
//! settle what a name is: whether `ik` in `t_{ik}` is two indices or a word is decided in `resolve`, which knows
//! what is bound and what is defined.

use crate::source::Span;
use num_rational::BigRational;

/// A part of a formula with its place in the text.
#[derive(Clone, Debug, PartialEq)]
pub struct Formula {
    /// What it is.
    pub kind: Kind,
    /// Where it stands.
    pub span: Span,
}

/// A name without its indices.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Spelling {
    /// As in data files: `tau`, `y_hat`, `t_prime`, `x_prime_prime`; fonts drop.
    pub plain: String,
    /// As in LaTeX: `\tau`, `\hat{y}`, `t'`.
    pub latex: String,
}

/// One part of a subscript (parts are separated by commas) or of a superscript in parentheses.
#[derive(Clone, Debug, PartialEq)]
pub struct ScriptPart {
    /// The part read as mathematics: `ik` is a [`Kind::Product`] of two names, `y_i` a name with a script, `k-1` a
    /// sum, `\text{ref}` a [`Kind::Text`].
    pub formula: Formula,
    /// The part read as a word, plain (`ref`, `ik`, `D`) and in LaTeX (`\text{ref}`).
    pub spelling: Spelling,
}

/// How two factors are joined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Join {
    /// Written side by side.
    Juxtaposed,
    /// `\cdot`.
    Dot,
    /// `\times` or `*`.
    Times,
    /// `\odot` or `\circ`.
    Elementwise,
    /// `/`: divides by this factor.
    Divide,
}

/// The kinds of brackets that group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bracket {
    /// `( )`
    Round,
    /// `[ ]`
    Square,
    /// `\{ \}`
    Curly,
    /// TeX braces `{ }`, which a reader does not see.
    Invisible,
}

/// A relation between two expressions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Relation {
    /// `=`
    Equal,
    /// `\ne`
    NotEqual,
    /// `<`
    Less,
    /// `\le`
    LessOrEqual,
    /// `>`
    Greater,
    /// `\ge`
    GreaterOrEqual,
}

/// Operators that bind an index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BigOperator {
    /// `\sum`
    Sum,
    /// `\prod`
    Product,
    /// `\max`
    Maximum,
    /// `\min`
    Minimum,
    /// `\operatorname{lse}`
    LogSumExp,
    /// `\operatorname{mean}` and `\mathbb{E}`
    Mean,
    /// `\operatorname{var}` (mean of squared deviations)
    Variance,
    /// `\operatorname{std}` (its root)
    StandardDeviation,
    /// `\operatorname{softmax}_k`: not a reduction of rank, but it names its axis as the others do
    Softmax,
}

/// One index that a big operator binds by name: `i`, `i=1`, `i \in S`, `p \in P(i)`.
#[derive(Clone, Debug, PartialEq)]
pub struct Binding {
    /// The index as written: a letter, perhaps with a prime.
    pub index: Spelling,
    /// Where it stands.
    pub span: Span,
    /// `1` in `i=1`, `i` in `j=i`.
    pub lower: Option<Formula>,
    /// What is over the operator, for the index that it belongs to (the last one).
    pub upper: Option<Formula>,
    /// `P(i)` in `p \in P(i)`: the set's name and its arguments.
    pub set: Option<(Spelling, Vec<Formula>)>,
}

/// The kinds of formula.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// A literal: `2`, `0.5`, `1e-3`, exact.
    Number(BigRational),
    /// `\infty`.
    Infinity,
    /// A name with its scripts.
    Name {
        /// The name without scripts, with accents and primes: `\hat y`, `t'`.
        base: Spelling,
        /// Subscript parts.
        subscripts: Vec<ScriptPart>,
        /// Parts of a superscript in parentheses, `x^{(n)}`, which may be an index.
        superscripts: Vec<ScriptPart>,
        /// Set for an opaque name with arguments such as `\pi_\theta(y_w \mid x)`, whose spelling holds it all.
        opaque: bool,
    },
    /// Words: `\text{ref}`, `\mathrm{otherwise}`.
    Text(String),
    /// `( … )` and its relatives.
    Group(Bracket, Box<Formula>),
    /// Terms, each with its sign: `true` for `-`.
    Sum(Vec<(bool, Formula)>),
    /// Factors from left to right; the first one's join is [`Join::Juxtaposed`].
    Product(Vec<(Join, Formula)>),
    /// `base^exponent`.
    Power(Box<Formula>, Box<Formula>),
    /// `\frac{…}{…}`.
    Fraction(Box<Formula>, Box<Formula>),
    /// `\sqrt[degree]{…}`.
    Root(Option<Box<Formula>>, Box<Formula>),
    /// A function applied: `\log_a^2 x`, `\exp(x)`, `\max(a, b)`, `f(x)`, `D_{KL}(p \| q)`.
    Apply {
        /// Its name in plain text: `log`, `exp`, `sigmoid`, `max`, `clip`, `kl`, `entropy`, `softmax`, or a defined `f`.
        function: String,
        /// Where the name stands.
        name_span: Span,
        /// The subscript of the name, as in `\log_a`.
        subscript: Option<Box<Formula>>,
        /// The superscript of the name, as in `\log^2 x`.
        power: Option<Box<Formula>>,
        /// The arguments.
        arguments: Vec<Formula>,
        /// Subscripts after the bracket, as in `\operatorname{softmax}(z)_{ik}`.
        component: Vec<ScriptPart>,
    },
    /// A big operator with its body.
    Reduce {
        /// Which one.
        operator: BigOperator,
        /// The indices bound by name. Empty for `\sum_{i<j}`, where `conditions` alone tells.
        bindings: Vec<Binding>,
        /// Conditions: `i<j`, `k \ne i`, `E_i = 1`, each a [`Kind::Relation`].
        conditions: Vec<Formula>,
        /// The product term that follows.
        body: Box<Formula>,
    },
    /// `a < b \le c`: the first part and what follows it.
    Relation(Box<Formula>, Vec<(Relation, Formula)>),
    /// `x \in \{0, 1\}` or an interval, with its elements.
    Member(Box<Formula>, Vec<Formula>),
    /// `\begin{cases}`: value and condition; the last condition may be absent ("otherwise").
    Cases(Vec<(Formula, Option<Formula>)>),
    /// `|x|`.
    Absolute(Box<Formula>),
    /// `\|x\|_p`; the order is 2 if absent.
    Norm(Box<Formula>, Option<Box<Formula>>),
    /// `\mathbb{1}[c]`, `[\![c]\!]`: 1 where the condition holds, else 0.
    Indicator(Box<Formula>),
    /// `\delta_{ij}`.
    Delta(Box<Formula>, Box<Formula>),
    /// `x^\top`.
    Transpose(Box<Formula>),
    /// `(Wx + b)_k`: written indices of what is in a bracket.
    Component(Box<Formula>, Vec<ScriptPart>),
    /// `\langle u, v \rangle`.
    Inner(Box<Formula>, Box<Formula>),
    /// `n!`
    Factorial(Box<Formula>),
    /// `\frac{d}{dx} f`, `\frac{\partial f}{\partial x_i}`: what is differentiated, and with respect to what; `(f)'` does
    /// not say with respect to what.
    Derivative(Box<Formula>, Option<Box<Formula>>),
    /// `\lim_{h \to 0} f`: f, h, and what h goes to: a number, a name or an infinity, or its negative.
    Limit(Box<Formula>, Box<Formula>, Box<Formula>),
    /// A part that could not be read; a diagnostic says why.
    Error,
}

/// What an equation says.
#[derive(Clone, Debug, PartialEq)]
pub enum Statement {
    /// `y_{ik} = …`, `f(x) = …`. The left side, then the first right side, which defines, then further forms, which claim.
    Definition {
        /// The left side: a [`Kind::Name`], or for a function a [`Kind::Apply`].
        left: Formula,
        /// The defining form.
        right: Formula,
        /// Further forms of the same thing.
        claims: Vec<Formula>,
    },
    /// `\min_{W,b} …`: parameters, and whether it is a maximum.
    Objective {
        /// The names under the operator.
        parameters: Vec<Formula>,
        /// `\max`: the loss is the negated body.
        maximise: bool,
        /// The name on the left, as in `W^* = \arg\min_W …`, or of the loss in `\min_W L = …`.
        name: Option<Formula>,
        /// What is minimised.
        body: Formula,
    },
    /// `x > 0`, `\sum_k t_{ik} = 1`: a [`Kind::Relation`] or [`Kind::Member`].
    Assumption(Formula),
    /// A lone expression.
    Expression(Formula),
}

/// One equation of a document.
#[derive(Clone, Debug, PartialEq)]
pub struct Equation {
    /// What it says.
    pub statement: Statement,
    /// Where it stands.
    pub span: Span,
}

impl Formula {
    /// A formula of a kind at a place.
    pub fn new(kind: Kind, span: Span) -> Formula {
        Formula { kind, span }
    }
}
