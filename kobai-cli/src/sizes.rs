//! `--size N=8192,K=32000`: how long each axis is.

use crate::message::Failure;
use crate::source::Source;
use kobai::expr::{Axis, Context, Expr, Node};
use kobai::source::Diagnostic;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// The size of every axis that the loss has: given by name, or fixed by the formula.
///
/// # Errors
/// A text without a number, a name that no axis has, an axis without a size.
pub fn sizes(
    context: &Context,
    given: &[String],
    source: &Source,
    loss: Expr,
) -> Result<HashMap<Axis, usize>, Failure> {
    let wanted = axes(context, loss);
    let name_of = |axis: Axis| context.axis(axis).size_name.plain.as_str();
    let fixed = |&axis: &Axis| Some((axis, context.axis(axis).fixed?));
    let mut sizes: HashMap<Axis, usize> = wanted.iter().filter_map(fixed).collect();
    for text in given {
        let (name, size) = text.split_once('=').unwrap_or((text, ""));
        let number: usize = size.trim().parse().map_err(|_| {
            Failure::text(format!("`--size {text}` gives no size\n  fix: write NAME=NUMBER, as in N=8192"))
        })?;
        let found: Vec<Axis> = wanted.iter().copied().filter(|&axis| name_of(axis) == name.trim()).collect();
        if found.is_empty() {
            let mut known: Vec<&str> = Vec::new();
            wanted.iter().map(|&axis| name_of(axis)).for_each(|name| add_once(&mut known, name));
            return Err(Failure::text(format!(
                "no axis has a size called `{}`\n  fix: the sizes are {}",
                name.trim(),
                known.join(", ")
            )));
        }
        sizes.extend(found.into_iter().map(|axis| (axis, number)));
    }
    let missing: Vec<Diagnostic> = wanted
        .iter()
        .filter(|axis| !sizes.contains_key(axis))
        .map(|&axis| Diagnostic::data_error("size-unknown").with("axis", name_of(axis)))
        .collect();
    if missing.is_empty() { Ok(sizes) } else { Err(source.failed(missing)) }
}

/// The axes of the inputs, and those that the loss counts or reduces.
fn axes(context: &Context, loss: Expr) -> BTreeSet<Axis> {
    let mut axes: BTreeSet<Axis> =
        context.symbols_in(loss).iter().flat_map(|&symbol| context.symbol(symbol).axes.clone()).collect();
    let (mut seen, mut waiting) = (HashSet::new(), vec![loss]);
    while let Some(expr) = waiting.pop() {
        if !seen.insert(expr) {
            continue;
        }
        if let Node::Size(axis) | Node::Reduce(_, axis, _) = context.node(expr) {
            axes.insert(*axis);
        }
        waiting.extend(context.children(expr));
    }
    axes
}

/// The sizes by name, in the order of the text; those that a number fixes have none.
pub fn in_order<'a>(context: &'a Context, sizes: &HashMap<Axis, usize>) -> Vec<(&'a str, usize)> {
    let sizes: BTreeMap<Axis, usize> = sizes.iter().map(|(&axis, &size)| (axis, size)).collect();
    let name = |axis: Axis| context.axis(axis).size_name.plain.as_str();
    let mut named = Vec::new();
    let sizes = sizes.into_iter().map(|(axis, size)| (name(axis), size)).filter(|(name, _)| !name.is_empty());
    sizes.for_each(|size| add_once(&mut named, size));
    named
}

/// Two axes may go by one name.
fn add_once<T: PartialEq>(known: &mut Vec<T>, one: T) {
    if !known.contains(&one) {
        known.push(one);
    }
}
