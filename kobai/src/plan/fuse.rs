//! Fusion: which steps of a chunk run together, strip by strip, and what need not be stored for it.
//!
//! Neighbouring steps that run along the streamed axis form a segment: tapes, and matrix products with a factor that stays in
//! the cache. It is run over strips of a chunk, few places at a time, so that what one step leaves is still in the cache when
//! the next one reads it; a tensor that no other segment touches exists for one strip only. A segment is cut into tasks, which
//! may run at once. Strips and tasks depend on the plan alone, and what tasks sum up is joined in their order: the bits do not
//! depend on the number of threads.

use super::join;
use super::tape::{JoinedTape, Operation, Place, Tape};
use super::{Operand, Pass, Plan, Role, Step, TensorId, TensorPlan};
use crate::expr::Axis;
use std::collections::BTreeMap;
use std::ops::Range;

/// What the tensors of a strip should take, in bytes: they share the second-level cache with what streams through it.
const STRIP_BYTES: usize = 1 << 18;
/// The same with a matrix product: it gains from more places.
const PRODUCT_STRIP_BYTES: usize = 1 << 19;
/// Strips of more places than this are multiples of it, whole tiles, unless one is all.
const STRIP_MULTIPLE: usize = 512;
/// Operations that are worth a task.
const TASK_WORK: usize = 1 << 17;
/// More tasks than this gain nothing.
const MOST_TASKS: usize = 128;
/// What a function costs, in additions.
const FUNCTION_WORK: usize = 8;
/// Entries of the sums that tasks keep apart.
const TASK_ENTRIES: usize = 1 << 20;
/// A sum of more entries is not kept apart: it runs as a step of its own.
const LARGEST_SUM: usize = 1 << 15;
/// Entries of a matrix beyond which a product by it, or for it, gains more from many places at once than from a strip's.
const LARGEST_MATRIX: usize = 1 << 14;

/// Steps of a chunk that run together.
#[derive(Clone, Debug, PartialEq)]
pub enum Segment {
    /// One step over the whole chunk.
    Step(usize),
    /// Steps over strips.
    Strips(Strips),
}

/// Steps that run together.
#[derive(Clone, Debug, PartialEq)]
pub struct Strips {
    /// Which steps.
    pub steps: Range<usize>,
    /// The same in groups, in order: the tapes of a group run as one loop.
    pub groups: Vec<Range<usize>>,
    /// Places of the streamed axis in a strip.
    pub strip: usize,
    /// Places of the streamed axis in a task; whole strips.
    pub task: usize,
}

impl Segment {
    /// The steps.
    pub fn steps(&self) -> Range<usize> {
        match self {
            Segment::Step(step) => *step..step + 1,
            Segment::Strips(strips) => strips.steps.clone(),
        }
    }
}

/// Entries at one place of the streamed axis beyond which no cache holds a strip: all threads then share a step.
const LARGEST_PLACE: usize = 1 << 20;

/// Whether a step can run strip by strip: a tape along the streamed axis, by places of its first axis, or one that sums up
/// little over it; likewise a matrix product whose other factor, or whose result, is small. `size` is that of an axis.
pub fn runs_in_strips(step: &Step, entries: impl Fn(TensorId) -> usize, size: impl Fn(Axis) -> usize) -> bool {
    let others = step.loops().iter().filter(|one| !one.streamed).map(|one| size(one.axis));
    if others.fold(1, usize::saturating_mul) > LARGEST_PLACE {
        return false;
    }
    match step {
        Step::MatrixProduct { out, accumulate: true, .. } => entries(out.tensor) <= LARGEST_MATRIX,
        Step::MatrixProduct { out, left, right, loops, .. } => {
            let streamed = loops.iter().position(|one| one.streamed);
            let stays = |factor: &Operand| !factor.places.iter().any(|place| Some(*place) == streamed);
            let stays_and_is_small = |factor: &Operand| stays(factor) && entries(factor.tensor) <= LARGEST_MATRIX;
            streamed.is_some()
                && out.places.first().copied() == streamed
                && [left, right].into_iter().any(stays_and_is_small)
        }
        Step::Map { loops, .. } => loops.first().is_some_and(|first| first.streamed),
        Step::Reduce { loops, accumulate: false, .. } => {
            loops.len() > 1 && loops.first().is_some_and(|first| first.streamed)
        }
        Step::Reduce { out, accumulate: true, .. } => entries(*out) <= LARGEST_SUM,
    }
}

/// The segments of a chunk's steps, some of which run alone; strips are not measured yet. Tapes of a segment that gain from it
/// are put side by side, in groups.
pub fn segments(steps: &mut [Step], alone: impl Fn(&Step) -> bool, size: impl Fn(Axis) -> usize) -> Vec<Segment> {
    let mut segments: Vec<Segment> = Vec::new();
    for (number, step) in steps.iter().enumerate() {
        if alone(step) {
            segments.push(Segment::Step(number));
            continue;
        }
        match segments.last_mut() {
            Some(Segment::Strips(strips)) => strips.steps.end = number + 1,
            _ => segments.push(Segment::Strips(Strips {
                steps: number..number + 1,
                groups: Vec::new(),
                strip: 1,
                task: 1,
            })),
        }
    }
    for segment in &mut segments {
        if let Segment::Strips(strips) = segment {
            strips.groups = join::groups(steps, strips.steps.clone(), &size);
        }
    }
    segments
}

impl Plan {
    /// Marks the temporaries that only one segment touches.
    pub(super) fn mark_local(&mut self) {
        // For each tensor, the segment in each pass; `None` if there is more than one, or it is no segment of strips.
        let mut homes: BTreeMap<(TensorId, usize), Option<usize>> = BTreeMap::new();
        for (pass_number, pass) in self.passes.iter().enumerate() {
            for (number, segment) in pass.segments.iter().enumerate() {
                let home = matches!(segment, Segment::Strips(_)).then_some(number);
                for step in &pass.chunk[segment.steps()] {
                    for tensor in step.touches() {
                        let known = homes.entry((tensor, pass_number)).or_insert(home);
                        if *known != home {
                            *known = None;
                        }
                    }
                }
            }
        }
        for number in 0..self.tensors.len() {
            let id = TensorId(number);
            let mut own = homes.iter().filter(|((tensor, _), _)| *tensor == id).map(|(_, home)| home);
            let at_home = own.all(Option::is_some);
            let tensor = &mut self.tensors[number];
            let local = at_home && tensor.role == Role::Temporary && tensor.streamed == Some(0) && !tensor.whole;
            tensor.strip = local.then_some(1);
        }
    }

    /// Lets a map write over a temporary that nothing reads after it, entry for entry.
    pub(super) fn mark_replaced(&mut self) {
        for number in 0..self.tensors.len() {
            let makers = self.makers(TensorId(number));
            let Some(candidates) = makers.iter().map(|&(pass, step)| self.replaceable(pass, step)).reduce(common)
            else {
                continue;
            };
            let taken = |tensor: &TensorId| self.tensors.iter().any(|other| other.replaces == Some(*tensor));
            self.tensors[number].replaces = candidates.into_iter().find(|candidate| !taken(candidate));
        }
    }

    /// The steps that make a tensor: pass and step.
    fn makers(&self, tensor: TensorId) -> Vec<(usize, usize)> {
        let passes = self.passes.iter().enumerate();
        let steps = passes.flat_map(|(number, pass)| (0..pass.chunk.len()).map(move |step| (number, step)));
        steps.filter(|&(pass, step)| self.passes[pass].chunk[step].makes() == tensor).collect()
    }

    /// The temporaries that a step may write over.
    fn replaceable(&self, pass: usize, step: usize) -> Vec<TensorId> {
        let steps = &self.passes[pass].chunk;
        let Step::Map { out, loops, tape, exceptions } = &steps[step] else { return Vec::new() };
        // Other tapes of its group may read elsewhere.
        if self.passes[pass].group_of(step).is_some_and(|group| group.len() > 1) {
            return Vec::new();
        }
        let may = |tensor: &TensorPlan| tensor.role == Role::Temporary && tensor.streamed.is_some() && !tensor.whole;
        let result = &self.tensors[out.0];
        // What looks entries up, or copies, is left alone.
        if !may(result) || tape.looks_up() || tape.counts().0 == 0 {
            return Vec::new();
        }
        let same_form = |candidate: TensorId| {
            let candidate = &self.tensors[candidate.0];
            may(candidate)
                && candidate.axes == result.axes
                && candidate.streamed == result.streamed
                && candidate.strip.is_some() == result.strip.is_some()
        };
        let read_later = |candidate: TensorId| steps[step + 1..].iter().any(|later| later.reads().contains(&candidate));
        let made_before =
            |candidate: TensorId| steps[..step].iter().any(|earlier| earlier.touches().contains(&candidate));
        let mut found: Vec<TensorId> = tape.loads();
        found.retain(|&candidate| {
            same_form(candidate)
                && tape.loads_only_at(candidate, loops.len())
                && made_before(candidate)
                && !read_later(candidate)
                // The exceptions are worked out strip by strip: another row of the strip may be read.
                && exceptions.iter().all(|one| [&one.index, &one.value].iter().all(|tape| tape.loads_own_rows(candidate)))
        });
        found
    }

    /// Measures the strips and tasks of a segment.
    pub(super) fn measure_strips(&mut self, entry_bytes: usize) {
        self.tensors.iter_mut().for_each(|tensor| tensor.strip = tensor.strip.map(|_| 1));
        for pass in 0..self.passes.len() {
            for number in 0..self.passes[pass].segments.len() {
                if let Segment::Strips(strips) = &self.passes[pass].segments[number] {
                    let (strip, task) = self.measured(&self.passes[pass].chunk[strips.steps.clone()], entry_bytes);
                    let Strips { steps, groups, .. } = strips.clone();
                    for tensor in self.passes[pass].chunk[steps.clone()].iter().flat_map(Step::touches) {
                        let tensor = &mut self.tensors[tensor.0];
                        tensor.strip = tensor.strip.map(|known| known.max(strip));
                    }
                    self.passes[pass].segments[number] = Segment::Strips(Strips { steps, groups, strip, task });
                }
            }
        }
    }

    fn measured(&self, steps: &[Step], entry_bytes: usize) -> (usize, usize) {
        let mut touched: Vec<TensorId> = steps.iter().flat_map(Step::touches).collect();
        touched.sort_unstable();
        touched.dedup();
        let chunk = self.chunk.max(1);
        let bytes: usize =
            touched.iter().map(|&tensor| self.entries_along(tensor).map_or(0, |one| one * entry_bytes)).sum();
        let work: usize = steps.iter().map(|step| self.work_along(step)).sum::<usize>() * chunk;
        let sums = steps.iter().filter(|step| {
            matches!(step, Step::Reduce { accumulate: true, .. } | Step::MatrixProduct { accumulate: true, .. })
        });
        let apart: usize = sums.map(|step| self.entries(step.makes())).sum();
        let most = MOST_TASKS.min(TASK_ENTRIES / apart.max(1)).max(1);
        let tasks = (work / TASK_WORK).clamp(1, most);
        let has_product = steps.iter().any(|step| matches!(step, Step::MatrixProduct { .. }));
        let most_bytes = if has_product { PRODUCT_STRIP_BYTES } else { STRIP_BYTES };
        let mut strip = (most_bytes / bytes.max(1)).clamp(1, chunk);
        if strip > STRIP_MULTIPLE && (strip < chunk || tasks > 1) {
            strip -= strip % STRIP_MULTIPLE;
        }
        (strip, chunk.div_ceil(tasks).div_ceil(strip) * strip)
    }

    /// The entries of a tensor at one place of the streamed axis, if it has the axis.
    pub(super) fn entries_along(&self, tensor: TensorId) -> Option<usize> {
        let axes = &self.tensors[tensor.0].axes;
        let place = axes.iter().position(|axis| Some(*axis) == self.streamed)?;
        let others = axes.iter().enumerate().filter(|(at, _)| *at != place);
        Some(others.map(|(_, &axis)| self.size(axis)).product())
    }

    /// The operations of a step at one place of the streamed axis.
    fn work_along(&self, step: &Step) -> usize {
        let points: usize = step.loops().iter().filter(|one| !one.streamed).map(|one| self.size(one.axis)).product();
        let Some(tape) = step.tape() else { return points };
        let (operations, functions) = tape.counts();
        let reduced = matches!(step, Step::Reduce { rest: Some(_), .. });
        points * (1 + operations + FUNCTION_WORK * (functions + usize::from(reduced)))
    }
}

impl Pass {
    /// The group of a step of a chunk, if it runs in strips.
    pub fn group_of(&self, step: usize) -> Option<Range<usize>> {
        let groups = self.segments.iter().flat_map(|segment| match segment {
            Segment::Strips(strips) => &strips.groups[..],
            Segment::Step(_) => &[],
        });
        groups.into_iter().find(|group| group.contains(&step)).cloned()
    }

    /// How many of a step's elementwise operations, and of these functions, earlier steps of its group have as well.
    pub fn worked_out_before(&self, step: usize) -> (usize, usize) {
        let Some(group) = self.group_of(step).filter(|group| group.start < step) else { return (0, 0) };
        let tapes = |range: Range<usize>| JoinedTape::new(self.chunk[range].iter().filter_map(Step::tape)).counts();
        let (before, with) = (tapes(group.start..step), tapes(group.start..step + 1));
        let own = self.chunk[step].tape().map_or((0, 0), Tape::counts);
        (before.0 + own.0 - with.0, before.1 + own.1 - with.1)
    }
}

impl Step {
    /// The tensors that a step reads or makes.
    pub fn touches(&self) -> Vec<TensorId> {
        self.reads().into_iter().chain(self.written()).collect()
    }

    /// The tensors that a step makes; a log-sum-exp makes two.
    pub fn written(&self) -> impl Iterator<Item = TensorId> {
        let rest = if let Step::Reduce { rest, .. } = self { *rest } else { None };
        std::iter::once(self.makes()).chain(rest)
    }
}

impl Tape {
    /// Whether a tensor is read only at the entry that the first loops, in order, stand for.
    fn loads_only_at(&self, tensor: TensorId, loops: usize) -> bool {
        let own: Vec<Place> = (0..loops).map(Place::Loop).collect();
        self.operations.iter().all(|operation| match operation {
            Operation::Load(loaded, places) => *loaded != tensor || *places == own,
            _ => true,
        })
    }

    /// Whether some entry is read at a place that is worked out.
    fn looks_up(&self) -> bool {
        let worked_out = |place: &Place| matches!(place, Place::Value(_));
        let mut operations = self.operations.iter();
        operations.any(|one| matches!(one, Operation::Load(_, places) if places.iter().any(worked_out)))
    }

    /// Whether a tensor is read only at the turn of the first loop.
    fn loads_own_rows(&self, tensor: TensorId) -> bool {
        self.operations.iter().all(|operation| match operation {
            Operation::Load(loaded, places) => *loaded != tensor || places.first() == Some(&Place::Loop(0)),
            _ => true,
        })
    }
}

fn common(first: Vec<TensorId>, second: Vec<TensorId>) -> Vec<TensorId> {
    first.into_iter().filter(|tensor| second.contains(tensor)).collect()
}
