//! A plan split over several devices along one axis: what each of them holds, and what they exchange.
//!
//! Every tensor with the axis is divided, every other one is on all devices. It follows from the steps alone what they
//! have to tell each other: a reduction over the axis gives each device a part, which they join; an entry looked up along
//! the axis lies on one device, which sends it or what it makes of it; and where two factors are divided over different
//! loops, one has to be on all devices.

use super::touch::{Seen, Touch, read, written};
use crate::expr::{Axis, Reduction};
use crate::plan::{Plan, Role, Step, TensorId};
use std::collections::BTreeSet;

/// A plan on several devices.
#[derive(Clone, Debug, PartialEq)]
pub struct Split {
    /// The axis that is divided.
    pub axis: Axis,
    /// How many devices there are.
    pub devices: usize,
    /// What each device holds of each tensor, in the plan's order.
    pub held: Vec<Held>,
    /// What the devices tell each other.
    pub exchanges: Vec<Exchange>,
}

/// A device's part of a tensor.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Held {
    /// The tensor.
    pub tensor: TensorId,
    /// The bytes that exist at once; 0 for one whose memory another takes over.
    pub bytes: f64,
    /// False if every device holds all of it.
    pub divided: bool,
}

/// Something that all devices exchange.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Exchange {
    /// The tensor that is joined or gathered, or of which entries are sent.
    pub tensor: TensorId,
    /// What is done with the parts.
    pub kind: Kind,
    /// The bytes of the result, over the whole run.
    pub bytes: f64,
    /// In how many messages: one, or one for each chunk.
    pub times: usize,
}

/// What is done with the devices' parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Joined by a reduction, and known to all afterwards.
    Reduce(Reduction),
    /// Put side by side, and known to all afterwards.
    Gather,
    /// Each entry sent by the one device that has it.
    Send,
}

impl Exchange {
    /// The bytes that each device sends in a ring (Patarasuk & Yuan 2009): twice for a reduction, which has to come back.
    pub fn sent_by_each(&self, devices: usize) -> f64 {
        let others = devices.saturating_sub(1) as f64 / devices.max(1) as f64;
        let times = if self.kind == Kind::Gather { 1.0 } else { 2.0 };
        times * others * self.bytes
    }
}

impl Split {
    /// The bytes that each device holds of the tensors of some roles.
    pub fn bytes(&self, plan: &Plan, role: impl Fn(&Role) -> bool) -> f64 {
        let held = self.held.iter().filter(|held| role(&plan.tensors[held.tensor.0].role));
        held.map(|held| held.bytes).sum()
    }
}

impl Plan {
    /// The plan on so many devices, each with its part of an axis.
    pub fn split(&self, axis: Axis, devices: usize, entry_bytes: usize) -> Split {
        let mut splitting = Splitting::new(self, axis, devices.max(1), entry_bytes);
        for pass in &self.passes {
            pass.before.iter().for_each(|step| splitting.step(step, 1));
            pass.chunk.iter().for_each(|step| splitting.step(step, self.chunks()));
        }
        let held = (0..self.tensors.len()).map(|tensor| splitting.held(TensorId(tensor))).collect();
        Split { axis, devices: devices.max(1), held, exchanges: splitting.exchanges }
    }

    fn full(&self, tensor: TensorId) -> f64 {
        self.tensors[tensor.0].axes.iter().map(|&axis| self.size(axis) as f64).product()
    }
}

struct Splitting<'a> {
    plan: &'a Plan,
    axis: Axis,
    devices: usize,
    entry_bytes: f64,
    /// The place in which each tensor is divided.
    divided: Vec<Option<usize>>,
    /// Tensors that are made already; a later pass that makes one again has the devices' parts still.
    made: BTreeSet<TensorId>,
    gathered: BTreeSet<TensorId>,
    exchanges: Vec<Exchange>,
}

impl<'a> Splitting<'a> {
    fn new(plan: &'a Plan, axis: Axis, devices: usize, entry_bytes: usize) -> Splitting<'a> {
        let of_input = |tensor: &crate::plan::TensorPlan| match tensor.role {
            Role::Input(_) => tensor.axes.iter().position(|&known| known == axis),
            _ => None,
        };
        let divided = plan.tensors.iter().map(of_input).collect();
        let (made, gathered) = (BTreeSet::new(), BTreeSet::new());
        Splitting {
            plan,
            axis,
            devices,
            entry_bytes: entry_bytes as f64,
            divided,
            made,
            gathered,
            exchanges: Vec::new(),
        }
    }

    fn step(&mut self, step: &Step, runs: usize) {
        if !self.made.insert(step.makes()) {
            return;
        }
        let reads = read(step);
        let own = self.divided_loop(step, &reads);
        for touch in &reads {
            self.gather(touch, own);
        }
        self.look_up(step, &reads, own, runs);
        for touch in written(step) {
            let place = touch.places.iter().position(|place| own.map(Seen::Loop).as_ref() == Some(place));
            self.divided[touch.tensor.0] = place;
            // Each device has reduced its own part of the loop.
            if own.is_some() && place.is_none() {
                let reduction = if let Step::Reduce { reduction, .. } = step { *reduction } else { Reduction::Sum };
                let times = if step.accumulates() { 1 } else { runs };
                let bytes = self.plan.full(touch.tensor) * self.entry_bytes;
                self.exchanges.push(Exchange { tensor: touch.tensor, kind: Kind::Reduce(reduction), bytes, times });
            }
        }
    }

    /// The loop of a step that the devices divide: that of the largest divided tensor it reads, else one of the result's.
    fn divided_loop(&self, step: &Step, reads: &[Touch]) -> Option<usize> {
        let wanted = reads.iter().filter_map(|touch| match touch.places[self.place(touch)?] {
            Seen::Loop(one) => Some((self.plan.full(touch.tensor), one)),
            Seen::Named(_) => None,
        });
        // The first of the largest.
        let largest = wanted.reduce(|best, next| if next.0 > best.0 { next } else { best });
        largest.map(|(_, one)| one).or_else(|| {
            let result = written(step).into_iter().next()?;
            let axis_of = |place: &Seen| match place {
                Seen::Loop(one) => (step.loops()[*one].axis == self.axis).then_some(*one),
                Seen::Named(_) => None,
            };
            result.places.iter().find_map(axis_of)
        })
    }

    /// The place in which a tensor that is read is divided.
    fn place(&self, touch: &Touch) -> Option<usize> {
        self.divided[touch.tensor.0].filter(|_| !self.gathered.contains(&touch.tensor))
    }

    /// Puts a tensor on all devices if it is divided over another loop than the step.
    fn gather(&mut self, touch: &Touch, own: Option<usize>) {
        let Some(Seen::Loop(one)) = self.place(touch).map(|place| &touch.places[place]) else { return };
        if own != Some(*one) {
            self.gathered.insert(touch.tensor);
            let bytes = self.plan.full(touch.tensor) * self.entry_bytes;
            self.exchanges.push(Exchange { tensor: touch.tensor, kind: Kind::Gather, bytes, times: 1 });
        }
    }

    /// What has to be sent because a step looks entries up along the axis: the entries, or what the device that has them
    /// makes of them, whichever is less.
    fn look_up(&mut self, step: &Step, reads: &[Touch], own: Option<usize>, runs: usize) {
        // An exception of a map is the business of the device that has its place.
        let own_exception = |touch: &Touch| touch.apart && own.is_some() && own == step.loops().len().checked_sub(1);
        let found = reads.iter().filter(|touch| !own_exception(touch)).filter_map(|touch| {
            let Seen::Named(loops) = &touch.places[self.place(touch)?] else { return None };
            let points: f64 = touch.loops().iter().map(|&one| self.local(step, one, own)).product();
            Some((touch.tensor, loops, points))
        });
        let found: Vec<_> = found.collect();
        let made: f64 = written(step).iter().map(|touch| self.plan.full(touch.tensor)).sum();
        let exchanges: Vec<Exchange> = match found[..] {
            // With one look-up, each turn of the loops belongs to one device, which can work out the whole of it.
            [(_, loops, points)] if own.is_none() && made < points => {
                let kind = match step {
                    Step::Reduce { reduction, loops: all, .. } if loops.contains(&(all.len() - 1)) => {
                        Kind::Reduce(*reduction)
                    }
                    _ => Kind::Send,
                };
                let times = if step.accumulates() { 1 } else { runs };
                vec![Exchange { tensor: step.makes(), kind, bytes: made * self.entry_bytes, times }]
            }
            _ => found
                .iter()
                .map(|&(tensor, _, points)| Exchange {
                    tensor,
                    kind: Kind::Send,
                    bytes: points * self.entry_bytes,
                    times: runs,
                })
                .collect(),
        };
        self.exchanges.extend(exchanges);
    }

    /// How many turns a loop has on a device.
    fn local(&self, step: &Step, one: usize, own: Option<usize>) -> f64 {
        let size = self.plan.size(step.loops()[one].axis);
        if own == Some(one) { size.div_ceil(self.devices) as f64 } else { size as f64 }
    }

    fn held(&self, id: TensorId) -> Held {
        let tensor = &self.plan.tensors[id.0];
        let divided = self.divided[id.0].filter(|_| !self.gathered.contains(&id));
        let length = |(place, &axis): (usize, &Axis)| {
            let size = self.plan.size(axis);
            let own = if divided == Some(place) { size.div_ceil(self.devices) } else { size };
            match tensor.streamed {
                Some(streamed) if streamed == place && !tensor.whole => {
                    tensor.strip.unwrap_or(self.plan.chunk).min(self.plan.chunk).min(own)
                }
                _ => own,
            }
        };
        let entries: f64 = tensor.axes.iter().enumerate().map(length).map(|length| length as f64).product();
        let taken_over = self.plan.tensors.iter().any(|other| other.replaces == Some(id));
        let bytes = if taken_over { 0.0 } else { entries * self.entry_bytes };
        Held { tensor: id, bytes, divided: divided.is_some() }
    }
}
