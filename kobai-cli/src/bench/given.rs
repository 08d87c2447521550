//! The inputs to measure with: those that are given, the others drawn.

use super::Compiled;
use crate::eval::Element;
use crate::message::Failure;
use crate::source::Source;
use kobai::check::adversary::Adversary;
use kobai::check::{Checker, Format};
use kobai::eval::data::Inputs;
use kobai::plan::Role;

/// Inputs as the executor takes them.
pub struct Complete<T> {
    /// The entries by name.
    pub arrays: Vec<(String, Vec<T>)>,
    /// The name of each input that was drawn, and the set it is from.
    pub description: Vec<(String, String)>,
}

/// Draws what is not given.
pub fn complete<T: Element>(
    compiled: &mut Compiled,
    mut given: Inputs,
    seed: u64,
    source: &Source,
) -> Result<Complete<T>, Failure> {
    let inputs = compiled.plan.tensors.iter().filter(|tensor| matches!(tensor.role, Role::Input(_)));
    let names: Vec<String> = inputs.map(|tensor| tensor.name.clone()).collect();
    let mut description = Vec::new();
    if names.iter().any(|name| !given.contains_key(name)) {
        // To find out where the formula is defined takes many evaluations: with numbers that are given, without arrays.
        let numbers = given.iter().filter(|(_, array)| array.shape.is_empty());
        let numbers: Inputs = numbers.map(|(name, array)| (name.clone(), array.clone())).collect();
        let program = &mut compiled.program;
        let checker = Checker::new(program, &compiled.wrt);
        let adversary = Adversary::new(program, &checker, numbers, seed);
        let adversary = adversary.map_err(|errors| source.failed(program.located(errors)))?;
        let is_drawn = |name: &String| names.contains(name) && !given.contains_key(name);
        description = adversary.description();
        description.retain(|(name, _)| is_drawn(name));
        let mut drawn = adversary.ordinary(&compiled.plan.sizes, Format::F64);
        drawn.retain(|name, _| is_drawn(name));
        given.extend(drawn);
    }
    let mut arrays = Vec::new();
    for name in names {
        // One after the other, so that no more than one stands in memory twice.
        if let Some(array) = given.remove(&name) {
            arrays.push((name, array.data.into_iter().map(T::from_double).collect()));
        }
    }
    Ok(Complete { arrays, description })
}
