//! `kobai eval`

use crate::data::{array_json, shown};
use crate::message::Failure;
use crate::options::{DataType, Eval};
use crate::source::{Source, read, symbols, warn_of_assumptions};
use crate::{Answer, data, print};
use kobai::check::{Doubles, broken_assumptions};
use kobai::differentiate::second::direction_for;
use kobai::eval::Tensor;
use kobai::eval::data::{Array, Inputs, bind};
use kobai::expr::{Rational, Symbol, SymbolInformation};
use kobai::formula::Spelling;
use kobai::plan::{Options, Output, plan};
use kobai::resolve::Program;
use kobai::source::{Diagnostic, Severity};
use kobai::stabilise::{stabilise, stable_gradient, stable_gradient_from, stable_hessian_vector_product};
use kobai_cpu::Executor;
use kobai_fit::metrics::json_number;
use serde_json::{Map, Value, json};

/// A value with its gradients.
pub struct Evaluated {
    /// The value: one number, or one for each place of the loss's free indices.
    pub value: Array,
    /// Set if the value is rational and known exactly.
    pub exact: Option<Rational>,
    /// Gradients by name.
    pub gradients: Vec<(String, Array)>,
    /// The Hessian times the direction, by name, if asked for.
    pub products: Vec<(String, Array)>,
}

impl Evaluated {
    /// A scalar value and the gradients, for a comparison.
    pub fn into_doubles(self) -> Doubles {
        let tensor = |(_, array): (String, Array)| Tensor { shape: array.shape, data: array.data };
        Doubles {
            value: self.value.data.first().copied().unwrap_or(f64::NAN),
            gradients: self.gradients.into_iter().map(tensor).collect(),
        }
    }
}

/// Evaluates and prints.
pub fn run(arguments: &Eval) -> Result<Answer, Failure> {
    let source = read(&arguments.common)?;
    let inputs = data::read(&arguments.inputs, &source.text)?;
    let mut program = source.program(&inputs)?;
    let mut wrt = symbols(&program, &arguments.wrt)?;
    if arguments.strict {
        let broken = broken_assumptions(&mut program, &inputs);
        if !broken.is_empty() {
            let errors = broken.into_iter().map(|warning| Diagnostic { severity: Severity::Error, ..warning });
            return Err(source.failed(errors.collect()));
        }
    }
    warn_of_assumptions(&source, &mut program, &inputs);
    let directions = if arguments.hvp { directions(&mut program, &inputs, &mut wrt)? } else { Vec::new() };
    let upstream = arguments.upstream.as_deref().map(|name| upstream(&mut program, name)).transpose()?;
    let along = Along { directions, upstream };
    let found = match arguments.dtype {
        DataType::F64 => evaluate_along::<f64>(&mut program, &source, &inputs, &wrt, &along)?,
        DataType::F32 => evaluate_along::<f32>(&mut program, &source, &inputs, &wrt, &along)?,
    };
    print(&if arguments.json { as_json(&found) } else { as_text(&found) })?;
    Ok(Answer::Yes)
}

/// The inputs that hold the directions; without names, by every input that the data hold a direction for.
fn directions(program: &mut Program, inputs: &Inputs, wrt: &mut Vec<Symbol>) -> Result<Vec<Symbol>, Failure> {
    let table = &program.context.symbols;
    let direction = |symbol: Symbol| format!("v_{}", table[symbol.0 as usize].name.plain);
    if wrt.is_empty() {
        let all = (0..table.len()).map(|place| Symbol(place as u32));
        let given = |symbol: &Symbol| inputs.contains_key(&direction(*symbol));
        wrt.extend(all.filter(|symbol| !program.context.symbol(*symbol).defined).filter(given));
    }
    if wrt.is_empty() {
        return Err(Failure::text("--hvp needs a direction\n  fix: add v_NAME to the data, of the shape of NAME"));
    }
    let taken = |name: &String| table.iter().any(|symbol| symbol.name.plain == *name);
    if let Some(name) = wrt.iter().map(|&symbol| direction(symbol)).find(taken) {
        return Err(Failure::text(format!(
            "`{name}` is a name of the formula, so it cannot hold a direction\n  fix: give it another name in the formula"
        )));
    }
    Ok(wrt.iter().map(|&symbol| direction_for(&mut program.context, symbol)).collect())
}

/// What derivatives are taken along, beside the symbols.
#[derive(Default)]
struct Along {
    /// The Hessian is multiplied by these, if there are any.
    directions: Vec<Symbol>,
    /// What the gradient comes from.
    upstream: Option<Symbol>,
}

/// The input that holds the gradient from above, with an entry for each of the value.
fn upstream(program: &mut Program, name: &str) -> Result<Symbol, Failure> {
    let context = &mut program.context;
    if context.symbols.iter().any(|symbol| symbol.name.plain == name) {
        return Err(Failure::text(format!(
            "`{name}` is a name of the formula, so it cannot hold the gradient from above\n  fix: give it another name in the data"
        )));
    }
    let spelling = Spelling { plain: name.to_owned(), latex: name.to_owned() };
    let axes = program.loss_indices.iter().map(|index| index.axis).collect();
    Ok(context.declare_symbol(SymbolInformation { name: spelling, axes, integer: false, defined: false }))
}

/// The element types of the executor, with their way from and to f64.
pub trait Element: kobai_cpu::vector::Float {
    /// Rounds.
    fn from_double(value: f64) -> Self;
    /// The f64 whose shortest form is that of this number.
    fn to_double(self) -> f64;
}

impl Element for f64 {
    fn from_double(value: f64) -> f64 {
        value
    }
    fn to_double(self) -> f64 {
        self
    }
}

impl Element for f32 {
    fn from_double(value: f64) -> f32 {
        value as f32
    }
    fn to_double(self) -> f64 {
        format!("{self:?}").parse().unwrap_or(f64::from(self))
    }
}

/// Runs the stable form.
pub fn evaluate<T: Element>(
    program: &mut Program,
    source: &Source,
    inputs: &Inputs,
    wrt: &[Symbol],
) -> Result<Evaluated, Failure> {
    evaluate_along::<T>(program, source, inputs, wrt, &Along::default())
}

/// Runs the stable form, with the Hessian times directions, or the gradient from above.
fn evaluate_along<T: Element>(
    program: &mut Program,
    source: &Source,
    inputs: &Inputs,
    wrt: &[Symbol],
    along: &Along,
) -> Result<Evaluated, Failure> {
    let (loss, directions) = (stabilise(program).loss, &along.directions[..]);
    let context = &mut program.context;
    let exact = context.as_number(loss).cloned();
    let mut outputs = vec![Output { name: "value".into(), indices: program.loss_indices.clone(), value: loss }];
    let gradients = match along.upstream {
        Some(upstream) => stable_gradient_from(context, (loss, &program.loss_indices), upstream, wrt),
        None => stable_gradient(context, loss, wrt),
    };
    for (gradient, &symbol) in gradients.into_iter().zip(wrt) {
        let name = context.symbol(symbol).name.plain.clone();
        outputs.push(Output { name: format!("gradient {name}"), indices: gradient.indices, value: gradient.value });
    }
    if !directions.is_empty() {
        let products = stable_hessian_vector_product(context, loss, wrt, directions).map_err(|function| {
            let name = function.row().plain;
            Failure::text(format!("the second derivative of this formula needs that of `{name}`, which is not known"))
        })?;
        for (product, &symbol) in products.into_iter().zip(wrt) {
            let name = context.symbol(symbol).name.plain.clone();
            outputs.push(Output { name: format!("product {name}"), indices: product.indices, value: product.value });
        }
    }
    let mut needed = context.symbols_in(loss);
    needed.extend(directions);
    needed.extend(along.upstream);
    needed.extend(wrt.iter().filter(|symbol| !context.symbol(**symbol).defined));
    let bound = match bind(context, &needed, inputs) {
        Ok(bound) => bound,
        Err(errors) => return Err(source.failed(program.located(errors))),
    };
    let sizes = bound.sizes().clone();
    let plan = plan(context, &outputs, &sizes, Options::default());
    let mut executor: Executor<T> = Executor::new(plan);
    let rounded: Vec<(&String, Vec<T>)> = inputs
        .iter()
        .map(|(name, array)| (name, array.data.iter().map(|&value| T::from_double(value)).collect()))
        .collect();
    let mut given = kobai_cpu::Inputs::new();
    for (name, values) in &rounded {
        given.numbers(name, values);
    }
    executor.run(&given).map_err(|error| source.failed(program.located(vec![error.into()])))?;
    let array = |output: &Output| {
        let shape = output.indices.iter().map(|index| sizes.get(&index.axis).copied().unwrap_or(0)).collect();
        let data = executor.output(&output.name).unwrap_or(&[]).iter().map(|value| value.to_double()).collect();
        Array { shape, data, integer: false }
    };
    let named = |kind: &str| {
        let of_kind = outputs.iter().filter_map(|output| Some((output.name.strip_prefix(kind)?.to_owned(), output)));
        of_kind.map(|(name, output)| (name, array(output))).collect()
    };
    Ok(Evaluated { value: array(&outputs[0]), exact, gradients: named("gradient "), products: named("product ") })
}

fn as_json(found: &Evaluated) -> String {
    let value = if found.value.shape.is_empty() {
        found.value.data.first().map_or(Value::Null, |&value| json_number(value))
    } else {
        array_json(&found.value)
    };
    let by_name = |arrays: &[(String, Array)]| -> Map<String, Value> {
        arrays.iter().map(|(name, array)| (name.clone(), array_json(array))).collect()
    };
    let mut object = json!({ "value": value, "gradients": by_name(&found.gradients) });
    if !found.products.is_empty() {
        object["hessian_vector_products"] = Value::Object(by_name(&found.products));
    }
    if let Some(exact) = &found.exact {
        object["exact"] = Value::String(exact.to_string());
    }
    object.to_string() + "\n"
}

fn as_text(found: &Evaluated) -> String {
    let mut out = match (&found.exact, &found.value.data[..]) {
        (Some(exact), _) if exact.is_integer() => format!("{exact}\n"),
        (Some(exact), &[value]) => format!("{exact} = {}\n", shown(value)),
        (_, &[value]) => format!("{}\n", shown(value)),
        _ => rows(&found.value),
    };
    let titled = |title: &str, arrays: &[(String, Array)]| -> String {
        arrays.iter().map(|(name, array)| format!("\n{title}{name}{}\n{}", shape(array), rows(array))).collect()
    };
    out += &titled("∂/∂", &found.gradients);
    out += &titled("Hessian · v, ", &found.products);
    out
}

fn shape(array: &Array) -> String {
    let sizes: Vec<String> = array.shape.iter().map(usize::to_string).collect();
    if sizes.is_empty() { String::new() } else { format!("  ({})", sizes.join(" × ")) }
}

/// A row of the last axis a line.
fn rows(array: &Array) -> String {
    let width = array.shape.last().copied().unwrap_or(1).max(1);
    let line = |row: &[f64]| row.iter().map(|&value| shown(value)).collect::<Vec<_>>().join("  ") + "\n";
    array.data.chunks(width).map(line).collect()
}
