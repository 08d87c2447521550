//! Which entries of which tensors a step reads and writes.

use crate::plan::tape::{Operation, Place, Tape};
use crate::plan::{Operand, Plan, Step, TensorId};
use std::collections::{BTreeMap, BTreeSet};

/// What stands in a place of a tensor, as its step sees it.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Seen {
    /// A loop.
    Loop(usize),
    /// An entry that another tensor, or arithmetic, names; it differs with these loops.
    Named(BTreeSet<usize>),
}

/// A tensor that a step reads or writes, with what stands in its places.
#[derive(Clone, Debug)]
pub(super) struct Touch {
    pub tensor: TensorId,
    pub places: Vec<Seen>,
    /// True if only an exception of a map reads it.
    pub apart: bool,
}

impl Touch {
    fn of_operand(operand: &Operand) -> Touch {
        let places = operand.places.iter().map(|&one| Seen::Loop(one)).collect();
        Touch { tensor: operand.tensor, places, apart: false }
    }

    /// The loops that decide which entry it is.
    pub fn loops(&self) -> BTreeSet<usize> {
        let of = |place: &Seen| match place {
            Seen::Loop(one) => BTreeSet::from([*one]),
            Seen::Named(loops) => loops.clone(),
        };
        self.places.iter().flat_map(of).collect()
    }
}

/// What a step reads; an entry that is loaded twice counts once.
pub(super) fn read(step: &Step) -> Vec<Touch> {
    let mut found = match step {
        Step::MatrixProduct { left, right, .. } => vec![Touch::of_operand(left), Touch::of_operand(right)],
        Step::Map { tape, exceptions, .. } => {
            let apart = exceptions.iter().flat_map(|one| [&one.index, &one.value]).flat_map(loaded);
            loaded(tape).into_iter().chain(apart.map(|touch| Touch { apart: true, ..touch })).collect()
        }
        Step::Reduce { tape, .. } => loaded(tape),
    };
    let mut seen: Vec<Touch> = Vec::new();
    found.retain(|touch| {
        let new = seen.iter().all(|known| known.tensor != touch.tensor || known.places != touch.places);
        seen.push(touch.clone());
        new
    });
    found
}

/// What a step writes; a log-sum-exp writes two tensors.
pub(super) fn written(step: &Step) -> Vec<Touch> {
    let in_order =
        |tensor: TensorId, count: usize| Touch { tensor, places: (0..count).map(Seen::Loop).collect(), apart: false };
    match step {
        Step::MatrixProduct { out, .. } => vec![Touch::of_operand(out)],
        Step::Map { out, loops, .. } => vec![in_order(*out, loops.len())],
        Step::Reduce { out, rest, loops, .. } => {
            [Some(*out), *rest].into_iter().flatten().map(|tensor| in_order(tensor, loops.len() - 1)).collect()
        }
    }
}

/// The loads of a tape.
fn loaded(tape: &Tape) -> Vec<Touch> {
    // The loops that each operation differs with.
    let mut differs: Vec<BTreeSet<usize>> = Vec::new();
    let mut found = Vec::new();
    for operation in &tape.operations {
        let of = |operands: &[usize]| operands.iter().flat_map(|&one| differs[one].clone()).collect();
        let loops = match operation {
            Operation::Constant(_) | Operation::Size(_) => BTreeSet::new(),
            Operation::Index(one) => BTreeSet::from([*one]),
            Operation::Load(tensor, places) => {
                let seen = |place: &Place| match *place {
                    Place::Loop(one) => Seen::Loop(one),
                    Place::Value(value) => Seen::Named(differs[value].clone()),
                };
                let touch = Touch { tensor: *tensor, places: places.iter().map(seen).collect(), apart: false };
                let loops = touch.loops();
                found.push(touch);
                loops
            }
            Operation::PowerRational(a, ..) => of(&[*a]),
            Operation::Add(a, b)
            | Operation::Subtract(a, b)
            | Operation::Multiply(a, b)
            | Operation::MultiplyFinite(a, b)
            | Operation::Divide(a, b)
            | Operation::Power(a, b)
            | Operation::Compare(_, a, b) => of(&[*a, *b]),
            Operation::RoundingError { terms: (a, b), sum, .. } => of(&[*a, *b, *sum]),
            Operation::Select(a, b, c) => of(&[*a, *b, *c]),
            Operation::Call(_, operands) => of(operands),
        };
        differs.push(loops);
    }
    found
}

impl Plan {
    /// The entries that a step reads and writes in so many runs, each of which goes over one chunk of the streamed loop.
    pub(super) fn touched(&self, step: &Step, runs: usize) -> f64 {
        let loops = step.loops();
        let entries = |touch: &Touch| -> f64 {
            let places = touch.loops();
            let again = if places.iter().any(|&one| loops[one].streamed) { 1 } else { runs };
            let points: f64 = places.iter().map(|&one| self.size(loops[one].axis) as f64).product();
            let whole = self.tensors[touch.tensor.0].axes.iter().map(|&axis| self.size(axis) as f64).product::<f64>();
            points.min(whole) * again as f64
        };
        // Different entries of one tensor are at most all of it.
        let mut by_tensor: BTreeMap<TensorId, f64> = BTreeMap::new();
        for touch in read(step) {
            *by_tensor.entry(touch.tensor).or_default() += entries(&touch);
        }
        let limit = |(tensor, entries): (&TensorId, &f64)| {
            let whole = self.tensors[tensor.0].axes.iter().map(|&axis| self.size(axis) as f64).product::<f64>();
            entries.min(whole * runs as f64)
        };
        let read: f64 = by_tensor.iter().map(limit).sum();
        let times = if step.accumulates() { 2.0 } else { 1.0 };
        read + times * written(step).iter().map(entries).sum::<f64>()
    }
}
