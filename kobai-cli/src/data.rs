//! `--data`: JSON or NPZ by name, or a table whose columns are bound.

use crate::message::Failure;
use crate::options::Inputs as Arguments;
use kobai::eval::data::{Array, Inputs};
use kobai_fit::binding::{Binding, Meaning};
use kobai_fit::dataset::{Options, load};
use kobai_fit::lesson::front_matter;
use kobai_fit::metrics::json_number;
use kobai_fit::source::{Format, Source, npy};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::Path;

/// Reads the inputs. Bindings in the front matter of the text hold for a table unless `--bind` says otherwise.
pub fn read(arguments: &Arguments, text: &str) -> Result<Inputs, Failure> {
    let Some(path) = &arguments.data else { return bound(&arguments.bind, None) };
    let by_name = match Format::of_path(path) {
        Some(Format::Npz) => Some(npy::read_archive(path)?.into_iter().collect()),
        None | Some(Format::Json) => Some(json(path)?),
        Some(_) => None,
    };
    if let Some(arrays) = by_name {
        let mut inputs: Inputs = arrays;
        inputs = inputs.into_iter().map(|(name, array)| (plain(&name).to_owned(), array)).collect();
        inputs.extend(bound(&arguments.bind, None)?);
        return Ok(inputs);
    }
    let table = Source::open(path, None)?;
    let bindings = merged(&front_matter(text).bindings, &arguments.bind);
    if bindings.is_empty() {
        return Err(Failure::text(
            "no column of the table is bound\n  fix: add --bind 'x = columns a..b', or a `bind:` list to the front matter",
        ));
    }
    bound(&bindings, Some(&table))
}

/// The bindings of the document, those of the command line in place of theirs for the same name.
pub fn merged(document: &[String], command: &[String]) -> Vec<String> {
    let name = |binding: &String| binding.split('=').next().unwrap_or_default().trim().to_owned();
    let mut merged: BTreeMap<String, String> =
        document.iter().map(|binding| (name(binding), binding.clone())).collect();
    merged.extend(command.iter().map(|binding| (name(binding), binding.clone())));
    merged.into_values().collect()
}

fn bound(bindings: &[String], table: Option<&Source>) -> Result<Inputs, Failure> {
    let mut inputs = Inputs::new();
    let mut columns = Vec::new();
    for text in bindings {
        let binding = Binding::parse(text)?;
        match (&binding.meaning, table) {
            (Meaning::Number(number), _) => {
                _ = inputs.insert(plain(&binding.symbol).to_owned(), Array::scalar(*number))
            }
            (_, Some(_)) => columns.push(binding),
            (_, None) => {
                return Err(Failure::text(format!(
                    "`--bind {text}` names columns, but --data is no table\n  fix: give a table, or a number as in 'a = 2'"
                )));
            }
        }
    }
    if let Some(table) = table {
        let options = Options { held_out: 0.0, ..Options::default() };
        let dataset = load(table, &columns, &[], &options, &mut |_| ControlFlow::Continue(()))?;
        let arrays = dataset.training.arrays.iter();
        inputs.extend(arrays.map(|(name, array)| (name.clone(), array.part_of(0..dataset.training.rows))));
    }
    Ok(inputs)
}

/// Names in data have no backslash; who writes one means the same name.
pub fn plain(name: &str) -> &str {
    name.trim().trim_start_matches('\\')
}

/// An array as [`read`] reads it.
pub fn array_json(array: &Array) -> Value {
    let data: Vec<Value> = array.data.iter().map(|&value| json_number(value)).collect();
    let mut object = json!({ "shape": array.shape, "data": data });
    if array.integer {
        object["dtype"] = json!("i64");
    }
    object
}

fn json(path: &Path) -> Result<Inputs, Failure> {
    let name = path.display();
    let text = std::fs::read_to_string(path)
        .map_err(|error| Failure::text(format!("cannot read `{name}`: {error}\n  fix: check the path")))?;
    let value: Value = serde_json::from_str(&quoted_specials(&text)).map_err(|error| {
        Failure::text(format!(
            "`{name}` is no JSON: {error}\n  fix: give an object such as {{\"x\": [1, 2], \"a\": 0.5}}"
        ))
    })?;
    let Value::Object(object) = value else {
        return Err(Failure::text(format!(
            "`{name}` holds no object\n  fix: give the inputs by name, as in {{\"x\": [1, 2], \"a\": 0.5}}"
        )));
    };
    object.iter().map(|(key, value)| Ok((plain(key).to_owned(), array(key, value)?))).collect()
}

/// Bare `NaN` and `Infinity`, which some programs write and JSON does not have, as strings.
fn quoted_specials(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let (mut inside, mut escaped) = (false, false);
    let mut rest = text;
    while let Some(character) = rest.chars().next() {
        let special = ["-Infinity", "Infinity", "NaN"].into_iter().find(|word| !inside && rest.starts_with(word));
        if let Some(word) = special {
            out += &format!("\"{word}\"");
            rest = &rest[word.len()..];
            continue;
        }
        inside ^= character == '"' && !escaped;
        escaped = inside && character == '\\' && !escaped;
        out.push(character);
        rest = &rest[character.len_utf8()..];
    }
    out
}

fn array(name: &str, value: &Value) -> Result<Array, Failure> {
    match value {
        Value::Object(object) => described(name, object),
        _ => {
            let mut array = Array::default();
            nested(name, value, 0, &mut array)?;
            // A single whole number may stand as an index (`z_y`); whether it does, the formula says.
            array.integer = matches!(value, Value::Number(number) if number.is_i64());
            Ok(array)
        }
    }
}

fn described(name: &str, object: &Map<String, Value>) -> Result<Array, Failure> {
    let list = |key: &str| object.get(key).and_then(Value::as_array);
    let (Some(shape), Some(data)) = (list("shape"), list("data")) else {
        return Err(Failure::text(format!(
            "the input `{name}` lacks \"shape\" or \"data\"\n  fix: write {{\"shape\": [2, 3], \"dtype\": \"f64\", \"data\": […]}}"
        )));
    };
    let shape: Option<Vec<usize>> = shape.iter().map(|size| size.as_u64().map(|size| size as usize)).collect();
    let Some(shape) = shape else {
        return Err(Failure::text(format!(
            "the shape of `{name}` is no list of sizes\n  fix: write sizes such as [2, 3]"
        )));
    };
    let dtype = object.get("dtype").and_then(Value::as_str).unwrap_or("f64");
    if !["f64", "f32", "i64", "i32", "bool"].contains(&dtype) {
        return Err(Failure::text(format!(
            "the input `{name}` has the unknown dtype `{dtype}`\n  fix: write f64, f32 or i64"
        )));
    }
    let data = data.iter().map(|entry| number(name, entry)).collect::<Result<Vec<f64>, Failure>>()?;
    let given = data.len();
    // Sizes whose product overflows ask for more entries than there can be.
    let wanted = shape.iter().try_fold(1_usize, |product, &size| product.checked_mul(size));
    let array = wanted.filter(|&wanted| wanted == given).and_then(|_| Array::real(shape, data));
    let Some(mut array) = array else {
        let wanted = wanted.map_or_else(|| "more than fit in memory".to_owned(), |wanted| wanted.to_string());
        return Err(Failure::text(format!(
            "the input `{name}` has {given} entries, but its shape asks for {wanted}\n  fix: correct the shape or the data"
        )));
    };
    array.integer = dtype.starts_with('i');
    Ok(array)
}

fn nested(name: &str, value: &Value, depth: usize, array: &mut Array) -> Result<(), Failure> {
    let Value::Array(items) = value else {
        array.data.push(number(name, value)?);
        return Ok(());
    };
    let first = array.shape.len() == depth && array.data.is_empty();
    if first {
        array.shape.push(items.len());
    }
    let known = array.shape.get(depth).copied();
    let mixed = items.iter().any(Value::is_array) && !items.iter().all(Value::is_array);
    if known != Some(items.len())
        || mixed
        || (!first && !items.iter().any(Value::is_array) && depth + 1 != array.shape.len())
    {
        return Err(Failure::text(format!(
            "the lists of `{name}` have different lengths\n  fix: give every row the same number of entries"
        )));
    }
    items.iter().try_for_each(|item| nested(name, item, depth + 1, array))
}

fn number(name: &str, value: &Value) -> Result<f64, Failure> {
    let word = |text: &str| match text {
        "NaN" | "nan" => Some(f64::NAN),
        "Infinity" | "inf" => Some(f64::INFINITY),
        "-Infinity" | "-inf" => Some(f64::NEG_INFINITY),
        _ => None,
    };
    let found = match value {
        Value::Bool(value) => Some(f64::from(u8::from(*value))),
        Value::String(text) => word(text),
        _ => value.as_f64(),
    };
    found.ok_or_else(|| {
        Failure::text(format!("the input `{name}` has an entry that is no number: {value}\n  fix: give numbers only"))
    })
}

/// A number for a person: shortest form that reads back, with an exponent where that is shorter.
pub fn shown(value: f64) -> String {
    let text = format!("{value:?}");
    text.strip_suffix(".0").map(str::to_owned).unwrap_or(text)
}
