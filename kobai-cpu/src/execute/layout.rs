//! Where entries lie: tensors in their buffers, and tensors as the loops of a step see them.

use super::buffer_of;
use crate::tile::turned::LONGEST;
use kobai::expr::{Axis, Reduction};
use kobai::plan::{Loop, Plan, Step, TensorId};
use smallvec::SmallVec;
use std::ops::Range;

/// The part of the streamed axis at work: a chunk, or a strip of it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Chunk {
    /// Its first place.
    pub start: usize,
    /// The first place counted from the start of the chunk.
    pub within: usize,
    /// How many places it has.
    pub length: usize,
}

/// How much of the streamed axis a tensor has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extent {
    /// All of it, or it lacks the axis.
    Whole,
    /// One chunk.
    Chunk,
    /// One strip.
    Strip,
}

/// A loop of fewer turns does not pay for a tile.
const SHORT: usize = 32;

/// Entries between columns: a power of two apart, all would share the few places that a cache has for them.
const COLUMN_GAP: usize = 24;

/// Whether a loop of so many turns over this axis does not pay for a tile. A log-sum-exp does more for each row than other
/// steps, and what it reads is read by others the same way.
fn is_short(plan: &Plan, axis: Axis, size: usize) -> bool {
    let mut steps = plan.passes.iter().flat_map(|pass| pass.before.iter().chain(&pass.chunk));
    let sums_exponentials = |step: &Step| match step {
        Step::Reduce { reduction: Reduction::LogSumExp, loops, .. } => {
            loops.last().is_some_and(|last| last.axis == axis)
        }
        _ => false,
    };
    size < SHORT || size <= LONGEST && steps.any(sums_exponentials)
}

/// How the entries of a tensor lie in its buffer: row-major, or column after column.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    /// The size of each axis; of a chunked one the size of a full chunk, so that strides are the same for the last.
    pub extents: Vec<usize>,
    /// From an entry to the next one along each axis.
    pub strides: Vec<usize>,
    /// How much of the streamed axis it has.
    pub extent: Extent,
    /// The place where it has only this part; the streamed axis may be whole at another.
    part: Option<usize>,
    /// Whether the entries of a column lie side by side.
    pub by_columns: bool,
}

/// The layouts of all tensors of a plan.
pub(crate) fn layouts(plan: &Plan) -> Vec<Layout> {
    let by_columns: Vec<bool> =
        (0..plan.tensors.len()).map(|tensor| may_lie_by_columns(plan, TensorId(tensor))).collect();
    let shared = |tensor: usize| {
        let buffer = buffer_of(plan, TensorId(tensor));
        (0..by_columns.len()).filter(move |&other| buffer_of(plan, TensorId(other)) == buffer)
    };
    let layout = |tensor: usize| Layout::new(plan, TensorId(tensor), shared(tensor).all(|other| by_columns[other]));
    (0..plan.tensors.len()).map(layout).collect()
}

/// Whether a tensor may lie column after column: it has short rows, exists for a strip, and is made down its columns, which
/// is how tapes then read it too.
fn may_lie_by_columns(plan: &Plan, tensor: TensorId) -> bool {
    let description = &plan.tensors[tensor.0];
    let [rows, columns] = description.axes[..] else { return false };
    let loops = [Loop { axis: rows, streamed: true }, Loop { axis: columns, streamed: false }];
    let steps = plan.passes.iter().flat_map(|pass| pass.before.iter().chain(&pass.chunk));
    let mut makers = steps.filter(|step| step.makes() == tensor);
    description.strip.is_some()
        && description.streamed == Some(0)
        && Loops::new(plan, &loops).go_down()
        && makers.all(|step| !matches!(step, Step::Reduce { .. }))
}

impl Layout {
    /// The layout of a tensor of a plan.
    fn new(plan: &Plan, tensor: TensorId, by_columns: bool) -> Layout {
        let description = &plan.tensors[tensor.0];
        let chunked = description.streamed.filter(|_| !description.whole);
        let places = description.strip.unwrap_or(plan.chunk).min(plan.chunk);
        let extent = |(place, &axis)| match chunked {
            Some(chunked) if chunked == place => places.min(plan.size(axis)),
            _ => plan.size(axis),
        };
        let extents: Vec<usize> = description.axes.iter().enumerate().map(extent).collect();
        let mut strides = vec![1; extents.len()];
        for place in (1..extents.len()).rev() {
            // Not 0 for an empty axis: a stride of 0 means that a loop does not move.
            strides[place - 1] = strides[place] * extents[place].max(1);
        }
        if by_columns {
            strides = vec![1, extents[0] + COLUMN_GAP];
        }
        let extent = match (chunked, description.strip) {
            (None, _) => Extent::Whole,
            (Some(_), None) => Extent::Chunk,
            (Some(_), Some(_)) => Extent::Strip,
        };
        Layout { extents, strides, extent, part: chunked, by_columns }
    }

    /// How many entries the buffer has.
    pub fn entries(&self) -> usize {
        if self.by_columns { self.extents[1] * self.strides[1] } else { self.extents.iter().product() }
    }
}

/// The loops of a step.
#[derive(Clone, Debug)]
pub(crate) struct Loops {
    /// The turns of each; of the streamed one those of a full chunk.
    pub sizes: Vec<usize>,
    /// Which one runs over the current chunk.
    pub streamed: Option<usize>,
    /// Which do not pay for a tile.
    pub short: Vec<bool>,
}

impl Loops {
    /// The loops of a step of this plan.
    pub fn new(plan: &Plan, loops: &[Loop]) -> Loops {
        let size = |one: &Loop| {
            let size = plan.size(one.axis);
            if one.streamed { size.min(plan.chunk) } else { size }
        };
        Loops {
            sizes: loops.iter().map(size).collect(),
            streamed: loops.iter().position(|one| one.streamed),
            short: loops.iter().map(|one| is_short(plan, one.axis, size(one))).collect(),
        }
    }

    /// Whether the loop before the last fills the tiles, since the last is short, which then turns around them.
    pub fn go_down(&self) -> bool {
        match (&self.sizes[..], &self.short[..]) {
            (&[.., before, last], &[.., true]) => before > 2 * last && self.streamed != Some(self.sizes.len() - 1),
            _ => false,
        }
    }

    /// The turns of each loop for this chunk.
    pub fn lengths(&self, chunk: Chunk) -> SmallVec<[usize; 8]> {
        let mut lengths = SmallVec::from_slice(&self.sizes);
        if let Some(streamed) = self.streamed {
            lengths[streamed] = chunk.length;
        }
        lengths
    }
}

/// A tensor as the loops of a step see it: the offset of an entry is linear in the loops.
#[derive(Clone, Debug)]
pub(crate) struct View {
    /// The tensor.
    pub tensor: usize,
    /// For each loop, from an entry to that of the next turn.
    pub strides: Vec<usize>,
    /// What a place of the streamed axis adds, where the streamed loop stands in places that are whole.
    whole_stride: usize,
    /// The same where the tensor has only a part.
    part_stride: usize,
    extent: Extent,
}

impl View {
    /// A tensor with loops in some of its places, given as pairs of place and loop.
    pub fn new(layout: &Layout, loops: &Loops, tensor: usize, places: impl Iterator<Item = (usize, usize)>) -> View {
        let strides = vec![0; loops.sizes.len()];
        let mut view = View { tensor, strides, whole_stride: 0, part_stride: 0, extent: layout.extent };
        for (place, one) in places {
            view.strides[one] += layout.strides[place];
            if loops.streamed == Some(one) {
                let stride = if layout.part == Some(place) { &mut view.part_stride } else { &mut view.whole_stride };
                *stride += layout.strides[place];
            }
        }
        view
    }

    /// True if it sees other entries in each chunk.
    pub fn moves(&self) -> bool {
        self.whole_stride != 0 || self.part_stride != 0
    }

    /// The number of the entry at these turns, counted from the first of the tensor.
    pub fn offset(&self, at: &[usize], chunk: Chunk) -> usize {
        let turns: usize = at.iter().zip(&self.strides).map(|(turn, stride)| turn * stride).sum();
        let places = match self.extent {
            Extent::Whole => chunk.start,
            Extent::Chunk => chunk.within,
            Extent::Strip => 0,
        };
        turns + places * self.part_stride + chunk.start * self.whole_stride
    }
}

/// The part of a buffer that a step writes: contiguous pieces, which together hold the entries of the loops in order.
#[derive(Clone, Debug)]
pub(crate) struct Region {
    layout: Layout,
    streamed: Option<usize>,
}

impl Region {
    /// The region of a tensor whose places are the first loops in order.
    pub fn new(layout: &Layout, loops: &Loops) -> Region {
        let streamed = loops.streamed.filter(|&place| place < layout.extents.len());
        Region { layout: layout.clone(), streamed }
    }

    /// From column to column, where the entries of a column lie side by side; there then is one piece.
    pub fn column_spacing(&self) -> Option<usize> {
        self.layout.by_columns.then(|| self.layout.strides[1])
    }

    /// The pieces, in the order of the loops.
    pub fn pieces(&self, chunk: Chunk) -> impl Iterator<Item = Range<usize>> + use<> {
        let entries = self.layout.entries();
        let (count, step, first, length) = match self.streamed {
            Some(place) if entries > 0 && !self.layout.by_columns && chunk.length < self.layout.extents[place] => {
                let stride = self.layout.strides[place];
                let start = match self.layout.extent {
                    Extent::Whole => chunk.start,
                    Extent::Chunk => chunk.within,
                    Extent::Strip => 0,
                };
                let count = self.layout.extents[..place].iter().product();
                (count, stride * self.layout.extents[place], start * stride, chunk.length * stride)
            }
            _ => (1, 0, 0, entries),
        };
        (0..count).map(move |piece| first + piece * step..first + piece * step + length)
    }
}

/// Sets the turns of the first loops for the entry of this number, counted row-major over them.
pub(crate) fn place(mut number: usize, lengths: &[usize], at: &mut [usize]) {
    for (turn, &length) in at.iter_mut().zip(lengths).rev() {
        let length = length.max(1);
        *turn = number % length;
        number /= length;
    }
}
