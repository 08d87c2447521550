//! What a fitted model says of new rows.

use std::collections::BTreeSet;

use crate::binding::{Binding, Meaning};
use crate::dataset::each_batch;
use crate::encoding::FittedBinding;
use crate::error::DataError;
use crate::model::{FitError, Model, Parameter};
use crate::model_file::ModelFile;
use crate::quantity::{Quantity, definitions, row_axis};
use crate::source::Source;

/// A model ready to predict.
pub struct Predictor {
    model: Model,
    bindings: Vec<FittedBinding>,
    parameters: Vec<(String, Vec<f64>)>,
    shown: Vec<Shown>,
}

/// Is given rows: how many there are, what is shown, and the entries of each quantity, row-major.
pub type Work<'a> = &'a mut dyn FnMut(usize, &[Shown], &[Vec<f64>]) -> Result<(), FitError>;

/// A quantity that is shown, and the heads of its columns.
pub struct Shown {
    quantity: Quantity,
    /// One for each entry of a row.
    pub heads: Vec<String>,
    /// The names of the classes, if its entries are of classes.
    pub classes: Option<Vec<String>>,
}

impl Shown {
    /// The name of the quantity.
    pub fn name(&self) -> &str {
        &self.quantity.name
    }
}

impl Predictor {
    /// Makes a model ready to show quantities that it defines for rows; by default the last of them.
    ///
    /// # Errors
    /// `quantity-unknown`, `model-other`, and what is wrong with the formulas.
    pub fn new(file: &ModelFile, show: &[String]) -> Result<Predictor, FitError> {
        let bindings = file.bindings.iter().map(as_binding);
        let numbers = file
            .numbers
            .iter()
            .map(|(symbol, number)| Binding { symbol: symbol.clone(), meaning: Meaning::Number(*number) });
        let mut model = Model::read(&file.document, &bindings.chain(numbers).collect::<Vec<_>>())?;
        let mut parameters = Vec::new();
        for symbol in model.program.parameters.clone() {
            let name = model.program.context.symbol(symbol).name.plain.clone();
            let given = file.parameters.iter().find(|(known, _)| *known == name);
            let Some((_, array)) = given else {
                let cause = format!("It has no parameter {name}.");
                return Err(DataError::new("model-other").with("file", "The model").with("cause", cause).into());
            };
            model.parameters.push(Parameter { symbol, name: name.clone(), shape: array.shape.clone() });
            parameters.push((name, array.data.clone()));
        }
        let shown = shown(&mut model, &file.bindings, show)?;
        let needed: BTreeSet<String> = shown.iter().flat_map(|shown| shown.quantity.inputs(&model)).collect();
        let bindings = file.bindings.iter().filter(|binding| needed.contains(&binding.symbol)).cloned().collect();
        Ok(Predictor { model, bindings, parameters, shown })
    }

    /// What is shown.
    pub fn shown(&self) -> &[Shown] {
        &self.shown
    }

    /// Works the quantities out for all rows of a table, some rows at a time.
    ///
    /// # Errors
    /// What is wrong with the table, and what `work` says.
    pub fn each(&mut self, table: &Source, work: Work) -> Result<(), FitError> {
        let parameters: Vec<(&str, &[f64])> =
            self.parameters.iter().map(|(name, entries)| (name.as_str(), &entries[..])).collect();
        let (model, shown) = (&mut self.model, &self.shown);
        let together = shown.iter().any(|shown| shown.quantity.looks_at_other_rows(model));
        each_batch(table, &self.bindings, together, &mut |part| {
            let mut values = vec![Vec::new(); shown.len()];
            for (shown, values) in shown.iter().zip(&mut values) {
                shown.quantity.each(model, part, &parameters, &mut |_, entries| -> Result<(), FitError> {
                    values.extend_from_slice(entries);
                    Ok(())
                })?;
            }
            work(part.rows, shown, &values)
        })
    }
}

/// A binding as it would be written, for what the formulas must know of it.
fn as_binding(fitted: &FittedBinding) -> Binding {
    Binding { symbol: fitted.symbol.clone(), meaning: fitted.meaning() }
}

fn shown(model: &mut Model, bindings: &[FittedBinding], show: &[String]) -> Result<Vec<Shown>, FitError> {
    let row = row_axis(model, bindings);
    let known = row.map(|row| definitions(model, row)).unwrap_or_default();
    let name = |model: &Model, symbol| model.program.context.symbol(symbol).name.plain.clone();
    let names: Vec<String> = known.iter().map(|definition| name(model, definition.symbol)).collect();
    let asked = match (show, names.last()) {
        ([], Some(last)) => vec![last.clone()],
        _ => show.to_vec(),
    };
    let mut shown = Vec::new();
    for asked in asked {
        let place = names.iter().position(|name| *name == asked.trim_start_matches('\\'));
        let Some(definition) = place.map(|place| &known[place]) else {
            let error = DataError::new("quantity-unknown").with("name", asked);
            return Err(error.with("known", names.join(", ")).into());
        };
        let quantity = Quantity::new(model, definition);
        shown.push(headed(model, bindings, quantity));
    }
    Ok(shown)
}

/// A quantity with the heads of its columns: its name, and for further axes the class or the number of the place.
fn headed(model: &mut Model, bindings: &[FittedBinding], quantity: Quantity) -> Shown {
    let indexed = model.indexed_axes();
    let symbols = &model.program.context.symbols;
    let classes_of = |axis: kobai::expr::Axis| {
        bindings.iter().find_map(|binding| {
            let symbol = symbols.iter().find(|symbol| symbol.name.plain == binding.symbol)?;
            let looks_up = indexed.iter().any(|(name, other)| *name == binding.symbol && *other == axis);
            let own = symbol.axes.get(1) == Some(&axis) || looks_up;
            binding.classes().filter(|_| own).map(<[String]>::to_vec)
        })
    };
    let classes = match quantity.axes[..] {
        [axis] => classes_of(axis),
        _ => None,
    };
    let sizes = quantity.sizes(model, bindings);
    let mut heads = vec![quantity.name.clone()];
    for size in sizes {
        let places: Vec<String> = match &classes {
            Some(classes) if classes.len() == size => classes.clone(),
            _ => (0..size).map(|place| place.to_string()).collect(),
        };
        heads = heads.iter().flat_map(|head| places.iter().map(move |place| format!("{head}_{place}"))).collect();
    }
    Shown { quantity, heads, classes }
}
