//! What was understood of a text: its equations in canonical form, and the choices in words.

use super::Language;
use crate::formula::Spelling;
use crate::print::{Notation, print, print_name, print_symbol};
use crate::resolve::{Choice, ChoiceValue, Program};

/// The choices that reading a text took, one sentence each.
pub fn choices(program: &Program, language: Language) -> Vec<String> {
    program.choices.iter().map(|choice| sentence(program, choice, language)).collect()
}

/// The definitions and the loss as they were understood, in one notation.
pub fn equations(program: &Program, notation: Notation) -> Vec<String> {
    let context = &program.context;
    let show = |left: &str, value| format!("{left} = {}", print(context, value, notation));
    let is_loss = |name: &Spelling, indices: usize| {
        indices == 0 && program.loss_name.as_ref().is_some_and(|loss| loss.plain == name.plain)
    };
    let definitions = program
        .definitions
        .iter()
        .filter(|definition| !is_loss(&context.symbol(definition.symbol).name, definition.indices.len()));
    let mut lines: Vec<String> = definitions
        .map(|definition| {
            let left = print_symbol(context, definition.symbol, &definition.indices, notation);
            show(&left, definition.value)
        })
        .collect();
    lines.push(match &program.loss_name {
        Some(name) => show(&print_name(name, notation), program.loss),
        None => print(context, program.loss, notation),
    });
    lines
}

fn sentence(program: &Program, choice: &Choice, language: Language) -> String {
    let name = |name: &Spelling| print_name(name, Notation::Terminal);
    let slots: Vec<(&str, String)> = choice
        .slots
        .iter()
        .map(|(slot, value)| {
            let value = match value {
                ChoiceValue::Formula(expr) => print(&program.context, *expr, Notation::Terminal),
                ChoiceValue::Name(spelling) => name(spelling),
                ChoiceValue::Names(spellings) => spellings.iter().map(name).collect::<Vec<_>>().join(", "),
                ChoiceValue::Number(number) => number.to_string(),
            };
            (*slot, value)
        })
        .collect();
    language.say(&format!("choice.{}", choice.code), &slots)
}
