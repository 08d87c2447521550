//! From expressions to a plan: which tensors are made, in which passes over which axis, with which steps.
//!
//! Every reduction becomes a tensor of its own ([`lower`]); an axis is streamed in chunks, and the stage of a tensor is one
//! more than the deepest reduction over the streamed axis that it waits for ([`schedule`]). A step is a matrix product, or a
//! tape of elementwise operations ([`tape`]) mapped or reduced over its loops; neighbouring tapes run together over strips
//! of a chunk that stay in the cache ([`fuse`]). No loss has a step of its own.

pub mod fuse;
mod guard;
mod join;
pub mod lower;
mod memory;
pub mod patch;
pub mod report;
pub mod schedule;
pub mod tape;

use crate::expr::{Axis, Context, Expr, Index, Reduction, Symbol};
use fuse::Segment;
use std::collections::HashMap;
use tape::Tape;

/// What a caller wants: named expressions with their indices.
#[derive(Clone, Debug)]
pub struct Output {
    /// `value`, or the name of the symbol that a gradient is with respect to.
    pub name: String,
    /// The indices, one for each axis of the result.
    pub indices: Vec<Index>,
    /// The expression, in inputs.
    pub value: Expr,
}

/// A tensor of a plan.
#[derive(Clone, Debug)]
pub struct TensorPlan {
    /// Its name, for reports.
    pub name: String,
    /// Its axes.
    pub axes: Vec<Axis>,
    /// Where it comes from.
    pub role: Role,
    /// The place of the streamed axis, if it is made chunk by chunk.
    pub streamed: Option<usize>,
    /// True if it exists in full: inputs, outputs, what a reduction over the streamed axis gives.
    pub whole: bool,
    /// If only the steps of one segment touch it: the places of the streamed axis that it has, those of one strip.
    pub strip: Option<usize>,
    /// The tensor whose memory it takes over, entry by entry.
    pub replaces: Option<TensorId>,
}

/// Where a tensor comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Given.
    Input(Symbol),
    /// Made by a step.
    Temporary,
    /// Made by a step and handed out.
    Output(usize),
}

/// The number of a tensor in its plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TensorId(pub usize);

/// A loop of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Loop {
    /// What it runs over.
    pub axis: Axis,
    /// True if it runs over the current chunk only.
    pub streamed: bool,
}

/// A matrix operand: a tensor read with the loops of the step in its places.
#[derive(Clone, Debug, PartialEq)]
pub struct Operand {
    /// The tensor.
    pub tensor: TensorId,
    /// The loop in each of its places.
    pub places: Vec<usize>,
}

/// One step of a pass.
#[derive(Clone, Debug)]
pub enum Step {
    /// out[rows…, columns…] (+)= Σ left[rows…, contracted…] · right[contracted…, columns…], in whatever order the operands
    /// store their axes. Loops: rows, then columns, then the contracted ones.
    MatrixProduct {
        /// The result, with its loops.
        out: Operand,
        /// The factor with the row loops.
        left: Operand,
        /// The factor with the column loops.
        right: Operand,
        /// All loops.
        loops: Vec<Loop>,
        /// How many of the loops are rows.
        rows: usize,
        /// How many of the loops are columns.
        columns: usize,
        /// True if a contracted loop is the streamed one: chunks add up.
        accumulate: bool,
    },
    /// `out[loops] = tape`, but for the exceptions.
    Map {
        /// The result; its places are the loops in order.
        out: TensorId,
        /// The loops.
        loops: Vec<Loop>,
        /// The value.
        tape: Tape,
        /// Entries with a value of their own. Where two are the same entry, so are their values.
        exceptions: Vec<MapException>,
    },
    /// out[all loops but the last] = reduction of the tape over the last loop.
    Reduce {
        /// The result.
        out: TensorId,
        /// For a log-sum-exp: log1p of the sum of the other exponentials, beside the maximum in `out`.
        rest: Option<TensorId>,
        /// Which reduction.
        reduction: Reduction,
        /// The loops; the last one is reduced.
        loops: Vec<Loop>,
        /// The body.
        tape: Tape,
        /// True if the reduced loop is the streamed one: chunks are joined.
        accumulate: bool,
    },
}

/// One entry for all turns of the other loops: `out[loops with index in the last place] = value`.
#[derive(Clone, Debug)]
pub struct MapException {
    /// The place, in all loops but the last. Outside of the axis there is no such entry.
    pub index: Tape,
    /// The value, likewise.
    pub value: Tape,
}

/// Steps that run over the same chunks.
#[derive(Clone, Debug, Default)]
pub struct Pass {
    /// Run once, before the chunks.
    pub before: Vec<Step>,
    /// Run for each chunk.
    pub chunk: Vec<Step>,
    /// How the steps of a chunk are run: all of them, in order.
    pub segments: Vec<Segment>,
}

/// What to run.
#[derive(Clone, Debug)]
pub struct Plan {
    /// All tensors.
    pub tensors: Vec<TensorPlan>,
    /// The streamed axis; `None` if nothing is large.
    pub streamed: Option<Axis>,
    /// How many places of the streamed axis make a chunk.
    pub chunk: usize,
    /// The passes, in order.
    pub passes: Vec<Pass>,
    /// The tensors handed out, by name.
    pub outputs: Vec<(String, TensorId)>,
    /// The size of each axis.
    pub sizes: HashMap<Axis, usize>,
}

/// What a plan may be told.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// The chunk size; chosen if absent.
    pub chunk: Option<usize>,
    /// How many bytes of inputs a chunk may read where nothing else makes it short: what watches a run is told after each.
    pub input_bytes: Option<usize>,
    /// How many bytes outputs and temporaries may take together. The plan stays within them if it can
    /// ([`Plan::peak_bytes`] says what it takes), and else takes as little as it can.
    pub memory: Option<u64>,
    /// Bytes of an entry: 4 for `f32`, 8 for `f64`.
    pub entry_bytes: usize,
}

impl Default for Options {
    fn default() -> Options {
        Options { chunk: None, input_bytes: None, memory: None, entry_bytes: 8 }
    }
}

/// Plans the evaluation of the outputs at these sizes of the axes.
pub fn plan(context: &mut Context, outputs: &[Output], sizes: &HashMap<Axis, usize>, options: Options) -> Plan {
    let outputs = guard::guard(context, outputs);
    let lowered = lower::lower(context, &outputs);
    schedule::schedule(context, &lowered, sizes, options)
}
