//! A document understood: its program, the numbers given for it, its parameters, and what runs it over rows of a table.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::{ControlFlow, Range};

use kobai::eval::data::{Given, sizes};
use kobai::expr::{Axis, Context, Expr, Index, Node, Symbol};
use kobai::parse::{detect, parse};
use kobai::plan::{Options, Output, plan};
use kobai::print::{Notation, print_name};
use kobai::resolve::{Definition, InputKind, Program, resolve};
use kobai::source::Diagnostic;
use kobai::stabilise::{inline, stabilise, stabilise_expression, written_out};
use kobai_cpu::{Executor, Inputs, RunError};

use crate::binding::{Binding, Meaning};
use crate::encoding::FittedBinding;
use crate::error::DataError;
use crate::part::Part;

/// Why a fit or a prediction cannot be done.
#[derive(Debug)]
pub enum FitError {
    /// The data, or a binding.
    Data(DataError),
    /// The formula.
    Formula(Vec<Diagnostic>),
    /// The run.
    Run(RunError),
}

impl From<DataError> for FitError {
    fn from(error: DataError) -> FitError {
        FitError::Data(error)
    }
}

impl From<RunError> for FitError {
    fn from(error: RunError) -> FitError {
        FitError::Run(error)
    }
}

impl FitError {
    /// One thing that is wrong with a formula and its data.
    pub(crate) fn formula(diagnostic: Diagnostic) -> FitError {
        FitError::Formula(vec![diagnostic])
    }
}

/// A parameter to find.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// Its symbol.
    pub symbol: Symbol,
    /// Its name.
    pub name: String,
    /// The size of each axis.
    pub shape: Vec<usize>,
}

impl Parameter {
    /// How many numbers it has.
    pub fn entries(&self) -> usize {
        self.shape.iter().product()
    }
}

/// A document understood.
pub struct Model {
    /// The program.
    pub program: Program,
    /// The numbers given for symbols.
    pub numbers: BTreeMap<String, f64>,
    /// The parameters under `\min`, once their shapes are known.
    pub parameters: Vec<Parameter>,
    /// The loss rewritten to run, once that was done.
    loss: Option<Expr>,
    /// The same without what the solver adds by itself.
    smooth: Option<Expr>,
}

impl Model {
    /// Reads a document whose symbols are bound like this.
    ///
    /// # Errors
    /// What is wrong with the formulas.
    pub fn read(text: &str, bindings: &[Binding]) -> Result<Model, FitError> {
        let kind = |binding: &Binding| {
            let integer = matches!(binding.meaning, Meaning::Index { .. });
            (binding.symbol.clone(), InputKind { rank: binding.rank(), integer })
        };
        let kinds = bindings.iter().map(kind).collect();
        let program = resolve(&parse(text, detect(text)), &kinds).map_err(FitError::Formula)?;
        if program.parameters.is_empty() {
            return Err(FitError::formula(Diagnostic::data_error("no-parameters")));
        }
        let number = |binding: &Binding| match binding.meaning {
            Meaning::Number(number) => Some((binding.symbol.clone(), number)),
            _ => None,
        };
        let numbers = bindings.iter().filter_map(number).collect();
        Ok(Model { program, numbers, parameters: Vec::new(), loss: None, smooth: None })
    }

    /// The axis that each array of integers indexes, in the loss and in all definitions.
    pub fn indexed_axes(&mut self) -> Vec<(String, Axis)> {
        let mut roots: Vec<Expr> = self.program.definitions.iter().map(|definition| definition.value).collect();
        roots.push(self.program.loss);
        let context = &self.program.context;
        let found = RefCell::new(Vec::new());
        let look = |node: &Node| {
            if let Node::Symbol(tensor, places) = node {
                for (&place, &axis) in places.iter().zip(&context.symbol(*tensor).axes) {
                    if let Node::Symbol(integers, _) = context.node(place) {
                        found.borrow_mut().push((context.symbol(*integers).name.plain.clone(), axis));
                    }
                }
            }
            false
        };
        roots.into_iter().for_each(|root| _ = context.any(root, &look));
        found.into_inner()
    }

    /// The names of symbols that index the same axis, and so have the same classes.
    pub fn shared_classes(&mut self) -> Vec<Vec<String>> {
        let mut groups: BTreeMap<Axis, Vec<String>> = BTreeMap::new();
        for (name, axis) in self.indexed_axes() {
            let group = groups.entry(axis).or_default();
            if !group.contains(&name) {
                group.push(name);
            }
        }
        groups.into_values().collect()
    }

    /// Settles the shapes of the parameters by the data: by the sizes of the arrays, and by how many classes an array of
    /// integers counts.
    ///
    /// # Errors
    /// An input that is missing or of another rank, a size that nothing tells.
    pub fn settle(&mut self, bindings: &[FittedBinding], part: &Part) -> Result<(), FitError> {
        let mut needed: HashSet<Symbol> = HashSet::new();
        let loss = written_out(&mut self.program);
        needed.extend(self.program.context.symbols_in(loss));
        let indexed = self.indexed_axes();
        let needed: Vec<Symbol> = sorted(needed, &self.program.parameters);
        let mut sizes = self.sizes(&needed, part, part.rows)?;
        for (name, axis) in indexed {
            let classes = bindings.iter().find(|binding| binding.symbol == name).and_then(FittedBinding::classes);
            classes.into_iter().for_each(|classes| _ = sizes.entry(axis).or_insert(classes.len()));
        }
        let context = &self.program.context;
        let parameters = self.program.parameters.iter().map(|&symbol| parameter(context, symbol, &sizes));
        self.parameters = parameters.collect::<Result<_, _>>()?;
        Ok(())
    }

    /// A symbol's name as a terminal shows it: λ.
    pub fn shown_name(&self, symbol: Symbol) -> String {
        print_name(&self.program.context.symbol(symbol).name, Notation::Terminal)
    }

    /// The number of entries of all parameters together.
    pub fn entries(&self) -> usize {
        self.parameters.iter().map(Parameter::entries).sum()
    }

    /// The loss in the form that runs, in inputs only.
    pub fn loss(&mut self) -> Expr {
        match self.loss {
            Some(loss) => loss,
            None => {
                let loss = stabilise(&mut self.program).loss;
                self.loss = Some(loss);
                loss
            }
        }
    }

    /// The loss that a solver evaluates: without the absolute values of parameters that the solver adds by itself.
    pub fn smooth_loss(&mut self) -> Expr {
        self.smooth.unwrap_or_else(|| self.loss())
    }

    /// Leaves something out of the loss that a solver evaluates, because the solver adds it by itself.
    pub(crate) fn set_smooth_loss(&mut self, smooth: Expr) {
        self.smooth = Some(smooth);
    }

    /// A defined quantity in the form that runs, in inputs only.
    pub fn quantity(&mut self, definition: &Definition) -> Output {
        let mut values = HashMap::new();
        for known in self.program.definitions.clone() {
            let value = inline(&mut self.program.context, known.value, &values);
            values.insert(known.symbol, (known.indices.clone(), value));
        }
        let written = values.get(&definition.symbol).map_or(definition.value, |(_, value)| *value);
        let value = stabilise_expression(&mut self.program, written).loss;
        let name = self.program.context.symbol(definition.symbol).name.plain.clone();
        Output { name, indices: definition.indices.clone(), value }
    }

    /// The sizes of the axes of symbols for so many rows of a part.
    fn sizes(&self, needed: &[Symbol], part: &Part, rows: usize) -> Result<HashMap<Axis, usize>, FitError> {
        let shapes: HashMap<&str, Vec<usize>> = part
            .arrays
            .iter()
            .map(|(name, array)| {
                (name.as_str(), [rows].into_iter().chain(array.shape.iter().skip(1).copied()).collect())
            })
            .collect();
        let given = |name: &str| match (shapes.get(name), self.numbers.get(name)) {
            (Some(shape), _) => Some(Given { shape, entries: part.arrays[name].rows(0..rows) }),
            (None, Some(number)) => Some(Given { shape: &[], entries: std::slice::from_ref(number) }),
            (None, None) => None,
        };
        sizes(&self.program.context, needed, &given).map_err(FitError::Formula)
    }

    /// Plans outputs for so many rows of a part at a time, within so many bytes if they are limited.
    ///
    /// # Errors
    /// An input that is missing or of another rank.
    pub fn runner(
        &mut self,
        outputs: &[Output],
        part: &Part,
        rows: usize,
        memory: Option<u64>,
    ) -> Result<Runner, FitError> {
        let context = &self.program.context;
        let read: HashSet<Symbol> = outputs.iter().flat_map(|output| context.symbols_in(output.value)).collect();
        let mut needed = sorted(read, &self.program.parameters);
        needed.retain(|symbol| !context.symbol(*symbol).name.plain.starts_with(DIRECTION));
        let mut sizes = self.sizes(&needed, part, rows)?;
        for parameter in &self.parameters {
            for (&axis, &size) in context.symbol(parameter.symbol).axes.iter().zip(&parameter.shape) {
                sizes.entry(axis).or_insert(size);
            }
        }
        let options = Options { memory, input_bytes: Some(TOLD_BYTES), ..Options::default() };
        let executor = Executor::new(plan(&mut self.program.context, outputs, &sizes, options));
        Ok(Runner { executor, rows })
    }

    /// Whether an expression in the index of a row looks at other rows too, so that rows cannot be taken in parts.
    pub fn looks_at_other_rows(&self, value: Expr, row: &Index) -> bool {
        let context = &self.program.context;
        context.any(value, &|node| match node {
            Node::Reduce(_, axis, _) | Node::Size(axis) => *axis == row.axis,
            _ => false,
        })
    }
}

/// How the names of directions begin, those that a Hessian is multiplied by.
pub(crate) const DIRECTION: &str = "direction of ";

/// Symbols but for the parameters, in the order of their declaration.
fn sorted(symbols: HashSet<Symbol>, parameters: &[Symbol]) -> Vec<Symbol> {
    let mut sorted: Vec<Symbol> = symbols.into_iter().filter(|symbol| !parameters.contains(symbol)).collect();
    sorted.sort_unstable();
    sorted
}

fn parameter(context: &Context, symbol: Symbol, sizes: &HashMap<Axis, usize>) -> Result<Parameter, FitError> {
    let information = context.symbol(symbol);
    let size = |axis: &Axis| {
        let name = &context.axis(*axis).size_name.plain;
        let missing = || FitError::formula(Diagnostic::data_error("size-unknown").with("axis", name));
        sizes.get(axis).copied().ok_or_else(missing)
    };
    let shape = information.axes.iter().map(size).collect::<Result<_, _>>()?;
    Ok(Parameter { symbol, name: information.name.plain.clone(), shape })
}

/// A plan that runs over rows of a part.
pub struct Runner {
    executor: Executor<f64>,
    rows: usize,
}

/// What is read between two looks at the clock, at Ctrl-C and at memory that may be let go of.
const TOLD_BYTES: usize = 1 << 25;

/// What a run is told of: rows that were read, in each pass of its plan. It may end the run.
pub type RowWatch<'a> = &'a dyn Fn(Range<usize>) -> ControlFlow<()>;

impl Runner {
    /// How many rows a run takes.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Runs at these rows of a part, as many as were planned, and at these parameters, one after another.
    ///
    /// # Errors
    /// A label outside of its axis, or `watch` has ended it.
    pub fn run(
        &mut self,
        model: &Model,
        (part, first): (&Part, usize),
        vectors: &[(&str, &[f64])],
        watch: RowWatch,
    ) -> Result<(), RunError> {
        let rows = first..first + self.rows;
        let mut inputs = Inputs::new();
        for (name, array) in &part.arrays {
            inputs.numbers(name, array.rows(rows.clone()));
        }
        for (name, number) in &model.numbers {
            inputs.numbers(name, std::slice::from_ref(number));
        }
        for (name, entries) in vectors {
            inputs.numbers(name, entries);
        }
        let streams_rows =
            self.executor.plan().streamed.is_some_and(|axis| self.executor.plan().size(axis) == self.rows);
        let after = |chunk: Range<usize>| {
            let done = if streams_rows { first + chunk.start..first + chunk.end } else { rows.clone() };
            part.arrays.values().for_each(|array| array.release_before(done.end));
            watch(done)
        };
        inputs.watch(&after);
        self.executor.run(&inputs)
    }

    /// The bytes that its outputs and temporaries take.
    pub fn bytes(&self) -> u64 {
        self.executor.plan().peak_bytes(size_of::<f64>())
    }

    /// The operations on numbers in a run.
    pub fn operations(&self) -> f64 {
        let costs = self.executor.plan().costs(size_of::<f64>());
        costs.product_operations + costs.elementwise_operations
    }

    /// The entries of an output, after a run.
    pub fn output(&self, name: &str) -> &[f64] {
        self.executor.output(name).unwrap_or_default()
    }
}
