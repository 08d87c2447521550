//! The tile interpreter: a tape compiled for the loops of a step and evaluated many entries at a time.
//!
//! One loop, the inner one, runs in tiles of up to [`TILE`] turns. An operation that does not depend on it is worked out
//! once for a tile, as a number; an entry read in order is not copied; every other operation has a slot of scratch memory
//! that stays in the cache, and that a later operation takes over when no one needs it any more.

mod ahead;
mod arithmetic;
mod evaluate;
pub(crate) mod kept;
mod peephole;
pub(crate) mod reduce;
mod terms;
pub(crate) mod turned;

use crate::buffers::Aligned;
use crate::execute::buffer_of;
use crate::execute::layout::{Layout, Loops, View};
use crate::vector::Float;
use kept::{Kept, KeptUse};
use kobai::plan::Plan;
use kobai::plan::tape::{JoinedTape, Operation, Place, Tape};
use peephole::{Along, Exponential};
use terms::{CompensatedSum, ProductChain, TwoProducts};
use turned::{LONGEST, TurnedTiles};

pub(crate) use arithmetic::multiply;
pub(crate) use evaluate::Frame;

/// The turns of the inner loop that are evaluated at once.
pub(crate) const TILE: usize = 1024;

/// Where the value of an operation is.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    /// It does not depend on the inner loop: a number.
    Uniform,
    /// In this tensor, which it loads entry after entry.
    Direct(usize),
    /// In a slot of the scratch memory.
    Slot(usize),
    /// Nowhere: a later operation does it along with its own.
    Inside,
}

/// An index worked out on the tape.
#[derive(Clone, Debug)]
struct Gather {
    /// The operation that gives the index.
    operation: usize,
    /// From an entry to the next.
    stride: usize,
    /// The size of the axis.
    size: usize,
}

/// A load with its strides.
#[derive(Clone, Debug)]
struct Load {
    name: String,
    view: View,
    gathers: Vec<Gather>,
}

/// What an operation needs beside itself.
#[derive(Clone, Debug)]
enum Extra {
    None,
    Load(Load),
    /// An exponential with what stands around it.
    Exponential(Exponential),
    /// A product of several.
    ProductChain(ProductChain),
    /// A sum of two products.
    TwoProducts(TwoProducts),
    /// A sum with what rounding has taken.
    CompensatedSum(CompensatedSum),
    /// Later operations are done along with this one.
    Along(Along),
    /// Done along with this earlier one.
    Done(usize),
}

impl Extra {
    /// The operations whose lanes this one reads.
    fn reads(&self, operation: &Operation) -> Vec<usize> {
        match self {
            Extra::Exponential(exponential) => vec![exponential.argument],
            Extra::ProductChain(chain) => chain.factors.to_vec(),
            Extra::TwoProducts(products) => products.factors.to_vec(),
            Extra::CompensatedSum(sum) => sum.terms.iter().map(|(term, _)| *term).collect(),
            Extra::Along(along) => vec![along.argument],
            Extra::Done(along) => vec![*along],
            Extra::None | Extra::Load(_) => operands(operation),
        }
    }
}

/// What is wanted of a program.
struct Wanted {
    results: Vec<usize>,
    straight: Option<usize>,
}

/// A tape compiled for loops of which one is the inner one.
#[derive(Clone, Debug)]
pub(crate) struct TileProgram {
    operations: Vec<Operation>,
    extras: Vec<Extra>,
    kinds: Vec<Kind>,
    /// The operations that do not depend on the inner loop, and the others.
    uniform: Vec<usize>,
    varying: Vec<usize>,
    slots: usize,
    inner: Option<usize>,
    streamed: Option<usize>,
    /// The tensor that the values are written over.
    replaced: Option<usize>,
    /// The operations whose values are wanted: the last one, or those of several tapes.
    results: Vec<usize>,
    /// The operation whose values go where they are wanted, and not to a slot.
    straight: Option<usize>,
    /// Exponentials that log-sum-exps before it have worked out.
    kept: Vec<KeptUse>,
    /// The operations that are not needed where these are used.
    spared: Vec<bool>,
    /// With kept exponentials, how often each loop turns.
    row_sizes: Vec<usize>,
}

/// The values of an operation, aligned as [other scratch memory](Aligned) is.
#[derive(Debug)]
#[repr(align(4096))]
struct Tile<T>([T; TILE]);

/// A tile that operations take over from each other; nothing while one writes it.
type Slot<T> = Option<Box<Tile<T>>>;

/// The scratch memory of a thread.
#[derive(Debug)]
pub(crate) struct Scratch<T> {
    scalars: Vec<T>,
    offsets: Vec<usize>,
    slots: Vec<Slot<T>>,
    /// Lanes of the tile in which some index is out of its range.
    suspects: Vec<usize>,
    /// Whether an index that all lanes share is out of its range.
    all_suspect: bool,
    /// For the value of a tape that is not stored.
    pub values: Aligned<T>,
    /// For what stands beside a value that is not stored.
    pub beside: Aligned<T>,
    /// Short rows, turned.
    pub turned: TurnedTiles<T>,
    /// The values of a map that goes down short rows, before they are turned.
    pub columns: Aligned<T>,
    /// For the factors of a matrix product.
    #[cfg(target_arch = "x86_64")]
    pub packed: [Aligned<T>; 2],
    /// For the pieces of a matrix product.
    #[cfg(target_arch = "x86_64")]
    pub pieces: Aligned<T>,
    /// Tensors that exist for one strip.
    pub strips: Vec<Aligned<T>>,
    /// Whether the entries of a tensor that a strip reads are known to be finite or not: all of them, and those of the strip.
    pub finite: Vec<[Option<bool>; 2]>,
    /// What log-sum-exps leave for the maps after them.
    pub kept: Vec<Kept<T>>,
    /// Whether a program uses what is kept at these turns.
    uses_kept: bool,
    /// The exceptions of a map: where, and what.
    pub exceptions: Vec<(usize, T)>,
    /// The turns of the loops.
    pub at: Vec<usize>,
}

impl<T> Default for Scratch<T> {
    fn default() -> Self {
        Scratch {
            scalars: Vec::new(),
            offsets: Vec::new(),
            slots: Vec::new(),
            suspects: Vec::new(),
            all_suspect: false,
            values: Aligned::default(),
            beside: Aligned::default(),
            turned: TurnedTiles::default(),
            columns: Aligned::default(),
            #[cfg(target_arch = "x86_64")]
            packed: Default::default(),
            #[cfg(target_arch = "x86_64")]
            pieces: Aligned::default(),
            strips: Vec::new(),
            finite: Vec::new(),
            kept: Vec::new(),
            uses_kept: false,
            exceptions: Vec::new(),
            at: Vec::new(),
        }
    }
}

impl<T: Float> Scratch<T> {
    fn prepare(&mut self, program: &TileProgram) {
        let count = program.operations.len();
        if self.scalars.len() < count {
            self.scalars.resize(count, T::ZERO);
            self.offsets.resize(count, 0);
        }
        while self.slots.len() < program.slots {
            self.slots.push(Some(Box::new(Tile([T::ZERO; TILE]))));
        }
    }
}

impl TileProgram {
    /// Compiles a tape; its values may be written over the entries of `replaced`.
    pub fn new(
        plan: &Plan,
        layouts: &[Layout],
        loops: &Loops,
        tape: &Tape,
        (inner, replaced): (Option<usize>, Option<usize>),
    ) -> TileProgram {
        let last = tape.operations.len().checked_sub(1);
        let wanted = Wanted { results: last.into_iter().collect(), straight: last };
        TileProgram::compile(plan, layouts, loops, &tape.operations, (inner, replaced), wanted)
    }

    /// Compiles several tapes that run together; their values stay in slots.
    pub fn joined(
        plan: &Plan,
        layouts: &[Layout],
        loops: &Loops,
        tape: &JoinedTape,
        inner: Option<usize>,
    ) -> TileProgram {
        let wanted = Wanted { results: tape.values.clone(), straight: None };
        TileProgram::compile(plan, layouts, loops, &tape.operations, (inner, None), wanted)
    }

    fn compile(
        plan: &Plan,
        layouts: &[Layout],
        loops: &Loops,
        operations: &[Operation],
        (inner, replaced): (Option<usize>, Option<usize>),
        wanted: Wanted,
    ) -> TileProgram {
        let sized = |operation: &Operation| match operation {
            Operation::Size(axis) => Operation::Constant(plan.size(*axis) as f64),
            other => other.clone(),
        };
        let operations: Vec<Operation> = operations.iter().map(sized).collect();
        let extras: Vec<Extra> = operations.iter().map(|operation| extra(plan, layouts, loops, operation)).collect();
        let mut program = TileProgram {
            operations,
            extras,
            kinds: Vec::new(),
            uniform: Vec::new(),
            varying: Vec::new(),
            slots: 0,
            inner,
            streamed: loops.streamed,
            replaced,
            results: wanted.results,
            straight: wanted.straight,
            kept: Vec::new(),
            spared: Vec::new(),
            row_sizes: Vec::new(),
        };
        let uniform = program.find_uniform();
        peephole::find_families(&program.operations, &mut program.extras, &uniform);
        let inside = peephole::fuse(&program.operations, &mut program.extras, &uniform, &program.results);
        program.choose_kinds(&uniform, &inside);
        let positions = 0..program.operations.len();
        (program.uniform, program.varying) = positions.partition(|&position| program.kinds[position] == Kind::Uniform);
        program
    }

    /// How many operations it has.
    pub fn len(&self) -> usize {
        self.operations.len()
    }

    /// Of the loads, how many have the entries of this loop side by side, and how many read across.
    pub fn contiguity(plan: &Plan, layouts: &[Layout], loops: &Loops, tape: &Tape, one: usize) -> (usize, usize) {
        let strides = tape.operations.iter().filter_map(|operation| match extra(plan, layouts, loops, operation) {
            Extra::Load(load) if load.gathers.is_empty() => Some(load.view.strides[one]),
            _ => None,
        });
        let (near, far): (Vec<usize>, Vec<usize>) =
            strides.filter(|&stride| stride > 0).partition(|&stride| stride == 1);
        (near.len(), far.len())
    }

    fn choose_kinds(&mut self, uniform: &[bool], inside: &[bool]) {
        let count = self.operations.len();
        let mut last_use = vec![count; count];
        for position in (0..count).filter(|&position| !inside[position]) {
            for operand in self.read_by(position) {
                last_use[operand] = position;
            }
        }
        self.results.iter().for_each(|&result| last_use[result] = count);
        let mut free: Vec<usize> = Vec::new();
        let mut given = vec![None; count];
        for position in 0..count {
            let kind = if let Some(kind) = given[position] {
                kind
            } else if uniform[position] {
                Kind::Uniform
            } else if inside[position] {
                Kind::Inside
            } else if let Some(tensor) = self.direct(position) {
                Kind::Direct(tensor)
            } else {
                self.slot(&mut free)
            };
            self.kinds.push(kind);
            if let Extra::Along(along) = self.extras[position] {
                for other in along.operations.into_iter().flatten().filter(|&other| other != position) {
                    given[other] = Some(self.slot(&mut free));
                }
            }
            if kind == Kind::Inside {
                continue;
            }
            // Only now, so that no operation writes where it reads.
            let mut ended: Vec<usize> = self.read_by(position);
            ended.sort_unstable();
            ended.dedup();
            for operand in ended {
                if let Kind::Slot(slot) = self.kinds[operand]
                    && last_use[operand] == position
                {
                    free.push(slot);
                }
            }
        }
    }

    /// A free slot, or a new one.
    fn slot(&mut self, free: &mut Vec<usize>) -> Kind {
        Kind::Slot(free.pop().unwrap_or_else(|| {
            self.slots += 1;
            self.slots - 1
        }))
    }

    /// The operations whose lanes an operation reads.
    fn read_by(&self, position: usize) -> Vec<usize> {
        self.extras[position].reads(&self.operations[position])
    }

    /// Which operations do not depend on the inner loop.
    fn find_uniform(&self) -> Vec<bool> {
        let mut uniform = Vec::with_capacity(self.operations.len());
        for (operation, extra) in self.operations.iter().zip(&self.extras) {
            let varies = match (operation, extra) {
                (Operation::Index(one), _) => self.inner == Some(*one),
                (_, Extra::Load(load)) => self.inner_stride(load) != 0 || self.is_replaced(load),
                _ => false,
            };
            uniform.push(!varies && operands(operation).into_iter().all(|operand| uniform[operand]));
        }
        uniform
    }

    /// The tensor that a load reads entry after entry.
    fn direct(&self, position: usize) -> Option<usize> {
        let Extra::Load(load) = &self.extras[position] else { return None };
        let is_fixed = |gather: &Gather| self.kinds[gather.operation] == Kind::Uniform;
        let is_direct = self.inner_stride(load) == 1 && load.gathers.iter().all(is_fixed) && !self.is_replaced(load);
        is_direct.then_some(load.view.tensor)
    }

    /// Whether the values are written over a tensor, with whose entries a tile then begins.
    pub fn replaces(&self) -> bool {
        self.replaced.is_some()
    }

    /// Whether a load reads what is written over.
    fn is_replaced(&self, load: &Load) -> bool {
        self.replaced == Some(load.view.tensor)
    }

    /// Whether it reads columns of short rows, which are turned a tile at a time.
    pub fn turns(&self) -> bool {
        let is_turned = |extra: &Extra| match extra {
            Extra::Load(load) => load.gathers.is_empty() && self.is_turned(load),
            _ => false,
        };
        self.extras.iter().any(is_turned)
    }

    /// Whether a load goes down the columns of short rows, one column after the other: a single one is not worth turning all.
    fn is_turned(&self, load: &Load) -> bool {
        (2..=LONGEST).contains(&self.inner_stride(load)) && load.view.strides.contains(&1)
    }

    fn inner_stride(&self, load: &Load) -> usize {
        self.inner.map_or(0, |inner| load.view.strides[inner])
    }
}

fn extra(plan: &Plan, layouts: &[Layout], loops: &Loops, operation: &Operation) -> Extra {
    match operation {
        Operation::Load(tensor, places) => {
            let layout = &layouts[tensor.0];
            let fixed = places.iter().enumerate().filter_map(|(place, what)| match *what {
                Place::Loop(one) => Some((place, one)),
                Place::Value(_) => None,
            });
            let gathers = places.iter().enumerate().filter_map(|(place, what)| match *what {
                Place::Loop(_) => None,
                Place::Value(operation) => {
                    Some(Gather { operation, stride: layout.strides[place], size: layout.extents[place] })
                }
            });
            Extra::Load(Load {
                name: plan.tensors[tensor.0].name.clone(),
                view: View::new(layout, loops, buffer_of(plan, *tensor), fixed),
                gathers: gathers.collect(),
            })
        }
        _ => Extra::None,
    }
}

/// The positions that an operation reads.
fn operands(operation: &Operation) -> Vec<usize> {
    match operation {
        Operation::Constant(_) | Operation::Size(_) | Operation::Index(_) => Vec::new(),
        Operation::Load(_, places) => {
            let value = |place: &Place| match *place {
                Place::Value(position) => Some(position),
                Place::Loop(_) => None,
            };
            places.iter().filter_map(value).collect()
        }
        Operation::PowerRational(a, ..) => vec![*a],
        Operation::Add(a, b)
        | Operation::Subtract(a, b)
        | Operation::Multiply(a, b)
        | Operation::MultiplyFinite(a, b)
        | Operation::Divide(a, b)
        | Operation::Power(a, b)
        | Operation::Compare(_, a, b) => vec![*a, *b],
        Operation::Call(_, arguments) => arguments.clone(),
        Operation::Select(a, b, c) | Operation::RoundingError { terms: (a, b), sum: c, .. } => vec![*a, *b, *c],
    }
}
