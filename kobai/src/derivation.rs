//! Derivations as data: which rule made what of what. Sentences live in the language files.

use crate::expr::{Expr, Index, Symbol};

/// A value for a slot of a step's sentence.
#[derive(Clone, Debug, PartialEq)]
pub enum Slot {
    /// A formula.
    Formula(Expr),
    /// A condition.
    Condition(Expr),
    /// A name.
    Name(Symbol),
}

/// What numbers say of a step: the whole before it against the whole after it, at random points.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// The two have the same values.
    Holds,
    /// Nobody has looked, or no point was found at which both have values.
    #[default]
    Unchecked,
    /// The two differ.
    Fails,
}

/// One step.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// The rule's key.
    pub rule: &'static str,
    /// The part before.
    pub before: Expr,
    /// The part after.
    pub after: Expr,
    /// The whole before the step.
    pub from: Expr,
    /// The whole after the step.
    pub whole: Expr,
    /// The indices of the binders in the whole around the part, from the outside inwards.
    pub scope: Vec<Index>,
    /// An index bound at the top of the part that the slots mention.
    pub opened: Option<Index>,
    /// Values for the sentence.
    pub slots: Vec<(&'static str, Slot)>,
    /// How the part came about, where that is a derivation of its own.
    pub substeps: Vec<Step>,
    /// What numbers say of it.
    pub verdict: Verdict,
}

/// A derivation from a derivative not yet carried out to its final form.
#[derive(Clone, Debug, PartialEq)]
pub struct Derivation {
    /// What is asked for: `∂ loss / ∂ symbol[indices]`.
    pub target: Expr,
    /// The steps.
    pub steps: Vec<Step>,
    /// The final form.
    pub result: Expr,
    /// Where it holds: comparisons, from the domains of the functions met.
    pub conditions: Vec<Expr>,
    /// Conditions used that the text states.
    pub assumed: Vec<Expr>,
    /// Conditions used that the text does not state: the final form holds under them.
    pub supposed: Vec<Expr>,
    /// The form before the last of these were used.
    pub without_supposition: Option<Expr>,
}

impl Step {
    /// A step on a whole, without slots and substeps.
    pub fn new(rule: &'static str, before: Expr, after: Expr, whole: Expr) -> Step {
        Step {
            rule,
            before,
            after,
            from: before,
            whole,
            scope: Vec::new(),
            opened: None,
            slots: Vec::new(),
            substeps: Vec::new(),
            verdict: Verdict::default(),
        }
    }

    /// True for a step that brings into another form what is differentiated already.
    pub fn simplifies(&self) -> bool {
        const SIMPLIFYING: [&str; 7] =
            ["collect", "delta-kills-sum", "delta-splits-sum", "simplify-sum", "fold", "assumption", "supposition"];
        SIMPLIFYING.contains(&self.rule)
    }
}
