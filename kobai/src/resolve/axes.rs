//! Axes: which indices run over the same one, what their sizes are called.

use super::Resolver;
use crate::expr::{Axis, AxisInformation};
use crate::formula::Spelling;
use crate::source::{Diagnostic, Span};

impl Resolver<'_> {
    pub(super) fn new_axis(&mut self) -> Axis {
        let nameless = Spelling { plain: String::new(), latex: String::new() };
        let axis = self.context.declare_axis(AxisInformation { size_name: nameless, letters: Vec::new(), fixed: None });
        self.parents.push(axis.0);
        axis
    }

    /// The representative of an axis.
    pub(super) fn find(&self, axis: Axis) -> Axis {
        let mut number = axis.0;
        while self.parents[number as usize] != number {
            number = self.parents[number as usize];
        }
        Axis(number)
    }

    /// Makes two axes one. Two sizes stated in the text for one axis are an error.
    pub(super) fn join(&mut self, a: Axis, b: Axis, span: Span) {
        let (a, b) = (self.find(a), self.find(b));
        if a == b {
            return;
        }
        let (first, second) = (a.min(b), a.max(b));
        let other = |(axis, _, place): &&(Axis, Spelling, Span)| self.find(*axis) == first && *place != span;
        let place = self.letters.iter().find(other).map(|(.., place)| *place);
        let gone = self.context.axes[second.0 as usize].clone();
        let kept = &mut self.context.axes[first.0 as usize];
        let conflict = match (kept.fixed, gone.fixed) {
            (Some(x), Some(y)) if x != y => Some((x, y)),
            _ => None,
        };
        kept.fixed = kept.fixed.or(gone.fixed);
        if kept.size_name.plain.is_empty() {
            kept.size_name = gone.size_name;
        }
        self.parents[second.0 as usize] = first.0;
        if let Some((x, y)) = conflict {
            let mut error = Diagnostic::error("axis-size-conflict", span);
            error.related = place;
            self.report(error.with("first", x.to_string()).with("second", y.to_string()));
        }
    }

    /// The axis whose size has this name.
    pub(super) fn axis_of_size(&mut self, name: &Spelling) -> Axis {
        if let Some(&axis) = self.sizes.get(&name.plain) {
            return axis;
        }
        let axis = self.new_axis();
        self.context.axes[axis.0 as usize].size_name = name.clone();
        self.sizes.insert(name.plain.clone(), axis);
        axis
    }

    /// Notes that a letter runs over an axis.
    pub(super) fn note_letter(&mut self, axis: Axis, letter: &Spelling, span: Span) {
        self.letters.push((axis, letter.clone(), span));
    }
}
