//! Scheduling: which axis is streamed, in which pass each tensor is made, what is kept and what is made again.

use super::lower::{How, Lowered, Made};
use super::patch::patched;
use super::tape::{Builder, Tape};
use super::{Loop, MapException, Operand, Options, Pass, Plan, Role, Step, TensorId, TensorPlan};
use super::{fuse, memory};
use crate::expr::{Axis, Context, Expr, Index, Node, Symbol};
use rustc_hash::{FxHashMap, FxHashSet};
use std::collections::{BTreeSet, HashMap};

/// An axis of fewer places is worked out whole where one place of it is different.
const LONG_AXIS: usize = 8;

/// How a tensor stands to the streamed axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Streaming {
    /// Made once.
    Apart,
    /// Made chunk by chunk, with the streamed axis in this place.
    Along(usize),
    /// Made chunk by chunk, but kept in full, because a later step reads it across chunks.
    Kept(usize),
    /// Reduced over the streamed axis, which is this loop.
    Accumulated(usize),
}

struct Assignment {
    streaming: Vec<Streaming>,
    stages: Vec<usize>,
}

/// Entries of temporaries beyond which a plan is not chosen for being less work, where nothing is said about memory.
const MANY_ENTRIES: u128 = 1 << 28;
/// What temporaries of a chunk take, in entries.
const CHUNK_ENTRIES: u128 = 1 << 24;

/// A way to stream: the axis, and what becomes of each tensor.
struct Candidate {
    axis: Option<Axis>,
    assignment: Assignment,
}

/// Schedules the tensors. Of the ways to stream, the one with the least work that takes no more memory than it may.
pub fn schedule(context: &mut Context, lowered: &Lowered, sizes: &HashMap<Axis, usize>, options: Options) -> Plan {
    let mut candidates = candidates(context, lowered, sizes);
    if options.memory.is_none() {
        candidates.truncate(1);
    }
    let mut best: Option<Plan> = None;
    for candidate in candidates {
        let plan = Scheduler::new(context, lowered, candidate.assignment, sizes).finish(candidate.axis, options);
        let bytes = plan.peak_bytes(options.entry_bytes);
        if options.memory.is_none_or(|memory| bytes <= memory) {
            return plan;
        }
        if best.as_ref().is_none_or(|best| bytes < best.peak_bytes(options.entry_bytes)) {
            best = Some(plan);
        }
    }
    best.unwrap_or_else(|| unreachable!("there is always a way not to stream"))
}

/// The ways to stream, best first: along each axis, with what a later pass reads made again, or kept.
fn candidates(context: &Context, lowered: &Lowered, sizes: &HashMap<Axis, usize>) -> Vec<Candidate> {
    let axes: BTreeSet<Axis> =
        lowered.made.iter().flat_map(|made| space(made).into_iter().map(|index| index.axis)).collect();
    let mut scored = Vec::new();
    for axis in axes {
        let again = assign(context, lowered, axis, vec![false; lowered.made.len()]);
        let several = made_several_times(context, lowered, &again);
        if several.contains(&true) {
            let kept = assign(context, lowered, axis, several);
            scored.push((cost(context, lowered, &kept, axis, sizes), axis, kept));
        }
        scored.push((cost(context, lowered, &again, axis, sizes), axis, again));
    }
    scored.sort_by_key(|(cost, axis, _)| (*cost, *axis));
    if scored.is_empty() {
        let count = lowered.made.len();
        let assignment = Assignment { streaming: vec![Streaming::Apart; count], stages: vec![0; count] };
        return vec![Candidate { axis: None, assignment }];
    }
    scored.into_iter().map(|(_, axis, assignment)| Candidate { axis: Some(axis), assignment }).collect()
}

/// Which tensors several passes would make.
fn made_several_times(context: &Context, lowered: &Lowered, assignment: &Assignment) -> Vec<bool> {
    let last = assignment.stages.iter().max().copied().unwrap_or(0);
    let mut times = vec![0; lowered.made.len()];
    for stage in 0..=last {
        members(context, lowered, assignment, stage).into_iter().for_each(|position| times[position] += 1);
    }
    times.into_iter().map(|times| times > 1).collect()
}

/// All indices of the loops of a tensor's step.
fn space(made: &Made) -> Vec<Index> {
    let mut indices = made.indices.clone();
    match &made.how {
        How::Map(_) => {}
        How::Reduce { index, .. } => indices.push(*index),
        How::Product { contracted, .. } => indices.extend(contracted),
    }
    indices
}

fn reads(context: &Context, made: &Made) -> Vec<Expr> {
    match &made.how {
        How::Map(value) => entries(context, &[*value]),
        How::Reduce { body, .. } => entries(context, &[*body]),
        How::Product { left, right, .. } => entries(context, &[*left, *right]),
    }
}

fn entries(context: &Context, roots: &[Expr]) -> Vec<Expr> {
    let mut found = Vec::new();
    let mut seen = FxHashSet::default();
    let mut stack = roots.to_vec();
    while let Some(part) = stack.pop() {
        if seen.insert(part) {
            if matches!(context.node(part), Node::Symbol(..)) {
                found.push(part);
            }
            stack.extend(context.children(part));
        }
    }
    found
}

/// Which tensor of the lowered program a symbol is; a log-sum-exp has two.
fn makers(lowered: &Lowered) -> FxHashMap<Symbol, usize> {
    let mut makers = FxHashMap::default();
    for (position, made) in lowered.made.iter().enumerate() {
        makers.insert(made.symbol, position);
        if let How::Reduce { rest: Some(rest), .. } = made.how {
            makers.insert(rest, position);
        }
    }
    makers
}

fn assign(context: &Context, lowered: &Lowered, axis: Axis, mut kept: Vec<bool>) -> Assignment {
    let makers = makers(lowered);
    let count = lowered.made.len();
    // Each round may find that a tensor is read across chunks and has to be kept, which changes what reads it.
    loop {
        let mut streaming = Vec::with_capacity(count);
        let mut stages = Vec::with_capacity(count);
        let mut newly_kept = Vec::new();
        for (position, made) in lowered.made.iter().enumerate() {
            let mut wanted: Option<Index> = None;
            let mut stage = 0;
            for entry in reads(context, made) {
                let Node::Symbol(symbol, places) = context.node(entry) else { continue };
                let Some(&maker) = makers.get(symbol) else { continue };
                match streaming[maker] {
                    Streaming::Apart => stage = stage.max(stages[maker]),
                    Streaming::Accumulated(_) | Streaming::Kept(_) => stage = stage.max(stages[maker] + 1),
                    Streaming::Along(place) => {
                        stage = stage.max(stages[maker]);
                        match *context.node(places[place]) {
                            Node::Index(index) if wanted.is_none_or(|wanted| wanted == index) => wanted = Some(index),
                            _ => newly_kept.push(maker),
                        }
                    }
                }
            }
            // The loop that runs over the chunk: that by which chunked entries are read, else the first along the axis.
            let space = space(made);
            let streamed = match wanted {
                Some(wanted) => space.iter().position(|known| *known == wanted),
                None => space.iter().position(|index| index.axis == axis),
            };
            let here = match streamed {
                Some(place) if place < made.indices.len() => Streaming::Along(place),
                Some(place) => Streaming::Accumulated(place),
                None => Streaming::Apart,
            };
            streaming.push(match here {
                Streaming::Along(place) if kept[position] => Streaming::Kept(place),
                other => other,
            });
            stages.push(stage);
        }
        if newly_kept.is_empty() {
            return Assignment { streaming, stages };
        }
        newly_kept.into_iter().for_each(|position| kept[position] = true);
    }
}

/// What a way to stream costs: more entries at once than many, then work, then passes, then entries, then the shortness of
/// the axis.
type Cost = (u128, u128, usize, u128, std::cmp::Reverse<usize>);

fn cost(
    context: &Context,
    lowered: &Lowered,
    assignment: &Assignment,
    axis: Axis,
    sizes: &HashMap<Axis, usize>,
) -> Cost {
    let outputs: BTreeSet<Symbol> = lowered.outputs.iter().map(|(_, symbol)| *symbol).collect();
    let length = size_of(context, sizes, axis).max(1);
    let (mut whole, mut per_place): (u128, u128) = (0, 0);
    for (made, streaming) in lowered.made.iter().zip(&assignment.streaming) {
        let entries: u128 = made.indices.iter().map(|index| size_of(context, sizes, index.axis) as u128).product();
        match streaming {
            _ if outputs.contains(&made.symbol) => {}
            Streaming::Along(_) => per_place += entries / length as u128,
            _ => whole += entries,
        }
    }
    let chunk = (CHUNK_ENTRIES / per_place.max(1)).clamp(1, memory::LARGEST_CHUNK as u128).min(length as u128);
    let entries = whole + per_place * chunk;
    let many = entries.saturating_sub(MANY_ENTRIES);
    let chunked = assignment.streaming.iter().zip(&assignment.stages).filter(|(how, _)| **how != Streaming::Apart);
    let passes = chunked.map(|(_, stage)| stage).collect::<BTreeSet<_>>().len();
    (many, work(context, lowered, assignment, sizes), passes, entries, std::cmp::Reverse(length))
}

/// The points of all loops, over all passes: what is made again in a later pass counts again.
fn work(context: &Context, lowered: &Lowered, assignment: &Assignment, sizes: &HashMap<Axis, usize>) -> u128 {
    let last = assignment.stages.iter().max().copied().unwrap_or(0);
    let points =
        |made: &Made| space(made).iter().map(|index| size_of(context, sizes, index.axis) as u128).product::<u128>();
    (0..=last).flat_map(|stage| members(context, lowered, assignment, stage)).map(|at| points(&lowered.made[at])).sum()
}

/// The tensors of a stage, and those for one chunk only that have to be made again for it.
fn members(context: &Context, lowered: &Lowered, assignment: &Assignment, stage: usize) -> BTreeSet<usize> {
    let mut needed: BTreeSet<usize> = (0..lowered.made.len()).filter(|&at| assignment.stages[at] == stage).collect();
    let makers = makers(lowered);
    let mut pending: Vec<usize> = needed.iter().copied().collect();
    while let Some(position) = pending.pop() {
        for entry in reads(context, &lowered.made[position]) {
            let Node::Symbol(symbol, _) = context.node(entry) else { continue };
            let Some(&maker) = makers.get(symbol) else { continue };
            if matches!(assignment.streaming[maker], Streaming::Along(_)) && needed.insert(maker) {
                pending.push(maker);
            }
        }
    }
    needed
}

fn size_of(context: &Context, sizes: &HashMap<Axis, usize>, axis: Axis) -> usize {
    context.axis(axis).fixed.or_else(|| sizes.get(&axis).copied()).unwrap_or(1)
}

struct Scheduler<'a> {
    context: &'a mut Context,
    lowered: &'a Lowered,
    assignment: Assignment,
    sizes: &'a HashMap<Axis, usize>,
    tensors: Vec<TensorPlan>,
    ids: HashMap<Symbol, TensorId>,
}

impl<'a> Scheduler<'a> {
    fn new(
        context: &'a mut Context,
        lowered: &'a Lowered,
        assignment: Assignment,
        sizes: &'a HashMap<Axis, usize>,
    ) -> Scheduler<'a> {
        let mut scheduler = Scheduler { context, lowered, assignment, sizes, tensors: Vec::new(), ids: HashMap::new() };
        scheduler.declare_tensors();
        scheduler
    }

    fn declare_tensors(&mut self) {
        for (position, made) in self.lowered.made.iter().enumerate() {
            for entry in reads(self.context, made) {
                if let Node::Symbol(symbol, _) = *self.context.node(entry) {
                    self.declare_input(symbol);
                }
            }
            let output = self.lowered.outputs.iter().position(|(_, symbol)| *symbol == made.symbol);
            let role = output.map_or(Role::Temporary, Role::Output);
            self.declare(made.symbol, role, self.assignment.streaming[position]);
            if let How::Reduce { rest: Some(rest), .. } = made.how {
                self.declare(rest, Role::Temporary, self.assignment.streaming[position]);
            }
        }
    }

    fn declare_input(&mut self, symbol: Symbol) {
        let is_input = !self.ids.contains_key(&symbol) && !makers(self.lowered).contains_key(&symbol);
        if is_input {
            self.declare(symbol, Role::Input(symbol), Streaming::Apart);
        }
    }

    fn declare(&mut self, symbol: Symbol, role: Role, streaming: Streaming) {
        let information = self.context.symbol(symbol);
        let (streamed, kept) = match streaming {
            Streaming::Along(place) => (Some(place), false),
            Streaming::Kept(place) => (Some(place), true),
            Streaming::Apart | Streaming::Accumulated(_) => (None, true),
        };
        let whole = kept || matches!(role, Role::Output(_));
        self.ids.insert(symbol, TensorId(self.tensors.len()));
        self.tensors.push(TensorPlan {
            name: information.name.plain.clone(),
            axes: information.axes.clone(),
            role,
            streamed,
            whole,
            strip: None,
            replaces: None,
        });
    }

    fn finish(mut self, streamed: Option<Axis>, options: Options) -> Plan {
        let last = self.assignment.stages.iter().max().copied().unwrap_or(0);
        let mut passes = Vec::new();
        for stage in 0..=last {
            passes.push(self.pass(stage));
        }
        let outputs = self.lowered.outputs.iter().map(|(name, symbol)| (name.clone(), self.ids[symbol])).collect();
        let mut sizes = self.sizes.clone();
        for (number, information) in self.context.axes.iter().enumerate() {
            if let Some(size) = information.fixed {
                sizes.insert(Axis(number as u32), size);
            }
        }
        let mut plan = Plan { tensors: self.tensors, streamed, chunk: 1, passes, outputs, sizes };
        plan.mark_local();
        plan.mark_replaced();
        plan.choose_chunk(options);
        plan
    }

    /// The steps of a stage: what belongs to it, and again what it reads that lives for one chunk only.
    fn pass(&mut self, stage: usize) -> Pass {
        let needed = members(self.context, self.lowered, &self.assignment, stage);
        let (before, chunk): (Vec<usize>, Vec<usize>) =
            needed.into_iter().partition(|&position| self.assignment.streaming[position] == Streaming::Apart);
        let before = before.into_iter().map(|position| self.step(position)).collect();
        let steps: Vec<Step> = chunk.into_iter().map(|position| self.step(position)).collect();
        let alone = self.alone(&steps);
        let mut chunk = self.in_order(steps, &alone);
        let size = |axis| size_of(self.context, self.sizes, axis);
        let segments = fuse::segments(&mut chunk, |step| alone.contains(&step.makes()), size);
        Pass { before, chunk, segments }
    }

    /// What is made by steps that do not run in strips. Where one product does not, none does: a product between two segments
    /// would have all others wait for whole chunks.
    fn alone(&self, steps: &[Step]) -> Vec<TensorId> {
        let size = |axis| size_of(self.context, self.sizes, axis);
        let is_alone = |step: &&Step| !fuse::runs_in_strips(step, |tensor| self.entries(tensor), size);
        let is_product = |step: &&Step| matches!(step, Step::MatrixProduct { .. });
        let some_product = steps.iter().filter(is_product).any(|step| is_alone(&step));
        let alone = steps.iter().filter(|step| is_alone(step) || some_product && is_product(step));
        alone.map(Step::makes).collect()
    }

    /// Each step after those that it reads from; tapes together, and products together, which come first where they can. Of
    /// tapes the one that writes least, so that what reads a large tensor comes before what may write over it.
    fn in_order(&self, mut steps: Vec<Step>, alone: &[TensorId]) -> Vec<Step> {
        let mut ordered: Vec<Step> = Vec::with_capacity(steps.len());
        while !steps.is_empty() {
            let waits = |step: &Step| {
                let reads = step.reads();
                steps
                    .iter()
                    .any(|other| !std::ptr::eq(step, other) && other.written().any(|made| reads.contains(&made)))
            };
            let is_alone = |step: &Step| alone.contains(&step.makes());
            let alone_before = ordered.last().is_none_or(is_alone);
            let key = |&position: &usize| {
                let step = &steps[position];
                let alone = is_alone(step);
                (waits(step), alone != alone_before, if alone { 0 } else { self.entries(step.makes()) }, position)
            };
            let next = (0..steps.len()).min_by_key(key).unwrap_or(0);
            ordered.push(steps.remove(next));
        }
        ordered
    }

    fn entries(&self, tensor: TensorId) -> usize {
        self.tensors[tensor.0].axes.iter().map(|&axis| size_of(self.context, self.sizes, axis)).product()
    }

    fn step(&mut self, position: usize) -> Step {
        let lowered = self.lowered;
        let made = &lowered.made[position];
        let indices = space(made);
        let streaming = self.assignment.streaming[position];
        let streamed_loop = match streaming {
            Streaming::Along(place) | Streaming::Kept(place) | Streaming::Accumulated(place) => Some(place),
            Streaming::Apart => None,
        };
        let loops: Vec<Loop> = indices
            .iter()
            .enumerate()
            .map(|(at, index)| Loop { axis: index.axis, streamed: streamed_loop == Some(at) })
            .collect();
        let accumulate = matches!(streaming, Streaming::Accumulated(_));
        let out = self.ids[&made.symbol];
        match &made.how {
            How::Map(value) => self.map(out, &indices, loops, *value),
            How::Reduce { reduction, body, rest, .. } => Step::Reduce {
                out,
                rest: rest.map(|rest| self.ids[&rest]),
                reduction: *reduction,
                tape: self.tape(&indices, *body),
                loops,
                accumulate,
            },
            How::Product { left, right, .. } => self.matrix_product(made, &indices, loops, *left, *right, accumulate),
        }
    }

    /// A map. Entries at a looked-up place of a long last axis are worked out apart.
    fn map(&mut self, out: TensorId, indices: &[Index], loops: Vec<Loop>, value: Expr) -> Step {
        let long = |last: &Loop| !last.streamed && size_of(self.context, self.sizes, last.axis) >= LONG_AXIS;
        let apart = match (indices, loops.last().is_some_and(long)) {
            ([others @ .., last], true) => patched(self.context, value, *last).map(|patched| (others, patched)),
            _ => None,
        };
        let Some((others, patched)) = apart else {
            return Step::Map { out, loops, tape: self.tape(indices, value), exceptions: Vec::new() };
        };
        let mut exceptions = Vec::new();
        for one in patched.exceptions {
            exceptions.push(MapException { index: self.tape(others, one.place), value: self.tape(others, one.value) });
        }
        Step::Map { out, loops, tape: self.tape(indices, patched.usual), exceptions }
    }

    fn tape(&mut self, indices: &[Index], value: Expr) -> Tape {
        Builder::new(self.context, indices, &self.ids, &self.lowered.rests).build(value)
    }

    /// Puts the loops in the order rows, columns, contracted.
    fn matrix_product(
        &self,
        made: &Made,
        indices: &[Index],
        loops: Vec<Loop>,
        left: Expr,
        right: Expr,
        accumulate: bool,
    ) -> Step {
        let free = made.indices.len();
        let is_row = |at: &usize| self.context.mentions(left, indices[*at]);
        let mut order: Vec<usize> = (0..free).filter(is_row).collect();
        let rows = order.len();
        order.extend((0..free).filter(|at| !is_row(at)));
        let columns = order.len() - rows;
        order.extend(free..indices.len());
        let position = |at: usize| order.iter().position(|&known| known == at).unwrap_or(0);
        let operand = |expr: Expr| {
            let Node::Symbol(symbol, places) = self.context.node(expr) else {
                return Operand { tensor: TensorId(0), places: Vec::new() };
            };
            let place = |place: &Expr| {
                indices.iter().position(|&index| *self.context.node(*place) == Node::Index(index)).map_or(0, position)
            };
            Operand { tensor: self.ids[symbol], places: places.iter().map(place).collect() }
        };
        let out = Operand { tensor: self.ids[&made.symbol], places: (0..made.indices.len()).map(position).collect() };
        let loops = order.iter().map(|&at| loops[at]).collect();
        Step::MatrixProduct { out, left: operand(left), right: operand(right), loops, rows, columns, accumulate }
    }
}
