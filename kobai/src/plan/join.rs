//! Joining: which tapes of a segment run as one loop, in which what they have in common is worked out once.
//!
//! A loss and its gradient, or two terms of a loss, often need the same functions of the same entries. Where neither reads
//! what the other makes and their loops are the same, one loop gives both: for the focal loss and its gradient four functions
//! of x instead of eight.

use super::tape::{JoinedTape, Operation, Place, Tape};
use super::{Loop, Step};
use crate::expr::Axis;
use crate::function::Function;
use std::ops::Range;

/// A loop of fewer turns is not worth a group.
const SHORTEST_LOOP: usize = 64;

/// Puts steps that gain from it side by side, and tells the groups, in order.
pub fn groups(steps: &mut [Step], range: Range<usize>, size: impl Fn(Axis) -> usize) -> Vec<Range<usize>> {
    let mut groups: Vec<Range<usize>> = Vec::new();
    let mut start = range.start;
    while start < range.end {
        let mut end = start + 1;
        let mut candidate = end;
        while candidate < range.end {
            if joins(&steps[start..end], &steps[candidate], &size) && may_move(&steps[start..=candidate]) {
                steps[end..=candidate].rotate_right(1);
                end += 1;
            }
            candidate += 1;
        }
        groups.push(start..end);
        start = end;
    }
    groups
}

/// Whether the last step reads nothing that the others make.
fn may_move(steps: &[Step]) -> bool {
    let Some((last, others)) = steps.split_last() else { return false };
    let read = last.reads();
    others.iter().flat_map(Step::written).all(|made| !read.contains(&made))
}

/// Whether a step gains from running with those of a group.
fn joins(group: &[Step], step: &Step, size: impl Fn(Axis) -> usize) -> bool {
    let Some((tape, loops)) = joinable(step) else { return false };
    let Some(members) = group.iter().map(joinable).collect::<Option<Vec<_>>>() else { return false };
    let long = loops.last().is_some_and(|last| size(last.axis) >= SHORTEST_LOOP);
    if !long || members.iter().any(|(_, other)| *other != loops) {
        return false;
    }
    let mut joined = JoinedTape::new(members.iter().map(|(tape, _)| *tape));
    let (known, functions) = (logistic_arguments(&joined.operations), joined.counts().1);
    let places = joined.add(tape);
    let mut arguments = logistic_arguments(&tape.operations).into_iter().map(|argument| places[argument]);
    joined.counts().1 < functions + tape.counts().1 || arguments.any(|argument| known.contains(&argument))
}

/// The tape and the loops of a step that may run with others: one that works out nothing apart, and reads along its last
/// loop. A log-sum-exp leaves its exponentials to the maps after it, and stays by itself.
fn joinable(step: &Step) -> Option<(&Tape, &[Loop])> {
    let (tape, loops) = match step {
        Step::Map { tape, loops, exceptions, .. } if exceptions.is_empty() => (tape, loops),
        Step::Reduce { tape, loops, rest: None, .. } => (tape, loops),
        _ => return None,
    };
    let last = Place::Loop(loops.len().checked_sub(1)?);
    let along = |operation: &Operation| match operation {
        Operation::Load(_, places) => places.iter().rev().skip(1).all(|place| *place != last),
        _ => true,
    };
    tape.operations.iter().all(along).then_some((tape, loops))
}

/// What logistic functions are of, up to its sign: at x and at −x they share an exponential.
fn logistic_arguments(operations: &[Operation]) -> Vec<usize> {
    let is_minus_one = |position: usize| operations[position] == Operation::Constant(-1.0);
    let arguments = operations.iter().filter_map(|operation| match operation {
        Operation::Call(Function::Sigmoid | Function::Softplus, arguments) => arguments.first().copied(),
        _ => None,
    });
    let without_sign = |argument: usize| match operations[argument] {
        Operation::Multiply(a, b) | Operation::MultiplyFinite(a, b) if is_minus_one(a) => b,
        Operation::Multiply(a, b) | Operation::MultiplyFinite(a, b) if is_minus_one(b) => a,
        _ => argument,
    };
    arguments.map(without_sign).collect()
}
