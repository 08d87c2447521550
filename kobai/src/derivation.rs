//! Derivations as data: which rule made what of what. Sentences live in the language files.

use crate::expr::{Expr, Symbol};

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

/// One step.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// The rule's key.
    pub rule: &'static str,
    /// The part before.
    pub before: Expr,
    /// The part after.
    pub after: Expr,
    /// The whole after the step.
    pub whole: Expr,
    /// Values for the sentence.
    pub slots: Vec<(&'static str, Slot)>,
    /// How the part came about, where that is a derivation of its own.
    pub substeps: Vec<Step>,
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
    /// A step without slots and substeps.
    pub fn new(rule: &'static str, before: Expr, after: Expr, whole: Expr) -> Step {
        Step { rule, before, after, whole, slots: Vec::new(), substeps: Vec::new() }
    }
}
