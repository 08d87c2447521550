//! A quantity that a document defines for each row, worked out for the rows of a table.

use std::ops::ControlFlow;

use kobai::expr::{Axis, Index};
use kobai::plan::Output;
use kobai::resolve::Definition;

use crate::encoding::FittedBinding;
use crate::model::{FitError, Model, Parameter, Runner};
use crate::part::Part;

/// The most rows worked out at a time.
const ROWS: usize = 1 << 14;

/// A quantity with the rows as its first axis.
pub struct Quantity {
    /// Its name.
    pub name: String,
    /// The axes beside the rows.
    pub axes: Vec<Axis>,
    output: Output,
    row: Index,
}

/// The axis of the rows: the first of every array made of columns.
pub fn row_axis(model: &Model, bindings: &[FittedBinding]) -> Option<Axis> {
    let symbols = &model.program.context.symbols;
    let own = |binding: &FittedBinding| symbols.iter().find(|symbol| symbol.name.plain == binding.symbol);
    bindings.iter().find_map(|binding| own(binding)?.axes.first().copied())
}

/// The definitions of quantities for rows, in their order.
pub fn definitions(model: &Model, row: Axis) -> Vec<Definition> {
    let context = &model.program.context;
    let of_rows =
        |definition: &&Definition| context.symbol(definition.symbol).axes.first().is_some_and(|&axis| axis == row);
    model.program.definitions.iter().filter(of_rows).cloned().collect()
}

impl Quantity {
    /// A definition of a quantity for rows, ready to be worked out.
    pub fn new(model: &mut Model, definition: &Definition) -> Quantity {
        let output = model.quantity(definition);
        let axes = model.program.context.symbol(definition.symbol).axes[1..].to_vec();
        Quantity { name: output.name.clone(), axes, row: definition.indices[0], output }
    }

    /// The names of the inputs that it is made of.
    pub fn inputs(&self, model: &Model) -> Vec<String> {
        let context = &model.program.context;
        context.symbols_in(self.output.value).iter().map(|&symbol| context.symbol(symbol).name.plain.clone()).collect()
    }

    /// Whether it looks at other rows, such as a mean over all of them does.
    pub fn looks_at_other_rows(&self, model: &Model) -> bool {
        model.looks_at_other_rows(self.output.value, &self.row)
    }

    /// The sizes of its axes beside the rows, as parameters and bindings tell them.
    pub fn sizes(&self, model: &Model, bindings: &[FittedBinding]) -> Vec<usize> {
        let context = &model.program.context;
        let of_parameter = |axis: Axis| {
            let sizes = |parameter: &Parameter| {
                let axes = &context.symbol(parameter.symbol).axes;
                axes.iter().zip(&parameter.shape).find(|(own, _)| **own == axis).map(|(_, &size)| size)
            };
            model.parameters.iter().find_map(sizes)
        };
        let of_binding = |axis: Axis| {
            let size = |binding: &FittedBinding| {
                let symbol = context.symbols.iter().find(|symbol| symbol.name.plain == binding.symbol)?;
                symbol.axes.iter().zip(binding.shape(0)).skip(1).find(|(own, _)| **own == axis).map(|(_, size)| size)
            };
            bindings.iter().find_map(size)
        };
        self.axes.iter().map(|&axis| of_parameter(axis).or_else(|| of_binding(axis)).unwrap_or(1)).collect()
    }

    /// Works it out for all rows of a part, in order: `work` is given the first row, and the entries of the rows from there
    /// on, row-major.
    ///
    /// # Errors
    /// An input that is missing or of another rank, a label outside of its axis, and what `work` says.
    pub fn each<E: From<FitError>>(
        &self,
        model: &mut Model,
        part: &Part,
        parameters: &[(&str, &[f64])],
        work: &mut impl FnMut(usize, &[f64]) -> Result<(), E>,
    ) -> Result<(), E> {
        let most = if self.looks_at_other_rows(model) { part.rows } else { ROWS };
        let mut runner: Option<Runner> = None;
        let mut first = 0;
        while first < part.rows {
            let rows = most.min(part.rows - first);
            let planned = match runner.take().filter(|runner| runner.rows() == rows) {
                Some(planned) => planned,
                None => model.runner(std::slice::from_ref(&self.output), part, rows, None)?,
            };
            let planned = runner.insert(planned);
            let go_on = |_| ControlFlow::Continue(());
            planned.run(model, (part, first), parameters, &go_on).map_err(FitError::from)?;
            work(first, planned.output(&self.output.name))?;
            first += rows;
        }
        Ok(())
    }
}
