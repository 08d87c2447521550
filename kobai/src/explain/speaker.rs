//! From steps to sentences with their formulas.

use super::{ExplainedStep, Explanation, Language, fill, markup};
use crate::audit::verdict;
use crate::derivation::{Derivation, Slot, Step, Verdict};
use crate::differentiate::general_rule;
use crate::expr::{Context, Expr, Index, Node, Symbol};
use crate::function::Function;
use crate::print::{
    Notation, Scope, print, print_changed, print_condition, print_function, print_in, print_name, print_symbol,
};
use crate::resolve::Program;

/// Who puts a derivation into words.
pub(super) struct Speaker<'a> {
    program: &'a mut Program,
    language: Language,
    notation: Notation,
    /// The indices of what is asked for, which keep their letters throughout.
    target: Vec<Index>,
    /// Letters of the general formulas that the author uses for something else, and what stands for them.
    renamed: Vec<(char, char)>,
}

/// Letters of general formulas, and those that may stand in for them.
const GENERAL_LETTERS: [char; 2] = ['u', 'v'];
const OTHER_LETTERS: [char; 6] = ['f', 'g', 'h', 'p', 'q', 'r'];

impl<'a> Speaker<'a> {
    pub(super) fn new(
        program: &'a mut Program,
        derivation: &Derivation,
        language: Language,
        notation: Notation,
    ) -> Speaker<'a> {
        let context = &program.context;
        let target = context.free_indices_in_order(derivation.target);
        let renamed = renamed(context);
        Speaker { program, language, notation, target, renamed }
    }

    pub(super) fn explanation(mut self, derivation: &Derivation) -> Explanation {
        let named = self.named_loss(derivation.target);
        let scope = self.scope(&[]);
        let whole = &derivation.steps[..];
        let sound: Vec<&Step> = whole.iter().take_while(|step| verdict(step) != Verdict::Fails).collect();
        let left_over = self.program.context.has_derivative(derivation.result);
        let complete = sound.len() == whole.len() && !left_over;
        let all = |exprs: &[Expr]| if complete { exprs.to_vec() } else { Vec::new() };
        let (conditions, assumed, supposed) =
            (all(&derivation.conditions), all(&derivation.assumed), all(&derivation.supposed));
        let unchecked = sound.iter().any(|step| verdict(step) == Verdict::Unchecked);
        let key = match (complete, unchecked) {
            (false, _) if left_over => "word.stopped",
            (false, _) => "word.refuted",
            (true, true) => "word.unchecked-lines",
            (true, false) => "word.checked-lines",
        };
        let shown = |expr: Expr| print_in(&self.program.context, expr, &scope, self.notation);
        let show_all = |exprs: Vec<Expr>| -> Vec<String> {
            exprs.iter().map(|&expr| print_condition(&self.program.context, expr, self.notation)).collect()
        };
        Explanation {
            notation: self.notation,
            title: None,
            tables: Vec::new(),
            given: self.given(self.first_derivative(derivation.target)),
            remarks: self.remarks(derivation),
            question: shown(named.unwrap_or(derivation.target)),
            target: shown(derivation.target),
            steps: sound.into_iter().map(|step| self.step(step, &self.target)).collect(),
            result: complete.then(|| shown(derivation.result)),
            conditions: show_all(conditions),
            assumed: show_all(assumed),
            supposed: show_all(supposed),
            without_supposition: derivation.without_supposition.filter(|_| complete).map(shown),
            verdict: if whole.is_empty() { String::new() } else { self.say(key, &[]) },
        }
    }

    /// ∂L/∂z for ∂/∂z of what L is, and the same for a second derivative.
    fn named_loss(&mut self, target: Expr) -> Option<Expr> {
        let Node::Derivative(loss, variable) = *self.program.context.node(target) else { return None };
        let named = match (self.named_loss(loss), self.loss_symbol(loss)) {
            (Some(inner), _) => inner,
            (None, symbol) => self.program.context.entry(symbol?, Vec::new()),
        };
        Some(self.program.context.derivative(named, variable))
    }

    /// What is differentiated first, if there are several derivatives.
    fn first_derivative(&self, target: Expr) -> Expr {
        match *self.program.context.node(target) {
            Node::Derivative(inner, _) if matches!(self.program.context.node(inner), Node::Derivative(..)) => {
                self.first_derivative(inner)
            }
            _ => target,
        }
    }

    fn loss_symbol(&self, loss: Expr) -> Option<Symbol> {
        let named = |symbol: Symbol| self.program.context.symbol(symbol).axes.is_empty();
        let definition = self.program.definitions.iter().find(|known| known.value == loss && named(known.symbol))?;
        Some(definition.symbol)
    }

    /// The definitions that the loss needs, the loss first.
    fn given(&self, target: Expr) -> Vec<String> {
        let Node::Derivative(loss, variable) = *self.program.context.node(target) else { return Vec::new() };
        let context = &self.program.context;
        let mut needed = context.symbols_in(loss);
        let mut lines = Vec::new();
        let symbol = self.loss_symbol(loss);
        for definition in self.program.definitions.iter().rev() {
            let is_loss = Some(definition.symbol) == symbol;
            let is_variable = matches!(context.node(variable), Node::Symbol(own, _) if *own == definition.symbol);
            if is_variable || !is_loss && !needed.contains(&definition.symbol) {
                continue;
            }
            needed.extend(context.symbols_in(definition.value));
            let left = print_symbol(context, definition.symbol, &definition.indices, self.notation);
            let scope = Scope { indices: definition.indices.clone() };
            let right = print_in(context, definition.value, &scope, self.notation);
            lines.push(self.equation(&left, &right));
        }
        lines
    }

    fn remarks(&self, derivation: &Derivation) -> Vec<String> {
        let context = &self.program.context;
        let Node::Derivative(loss, variable) = *context.node(self.first_derivative(derivation.target)) else {
            return Vec::new();
        };
        let natural = |expr: Expr| context.any(expr, &|node| matches!(node, Node::Call(Function::Log, _)));
        let mut remarks = Vec::new();
        // In a terminal the choices of the reading stand above, and this may be one of them.
        let said = self.notation == Notation::Terminal
            && self.program.choices.iter().any(|choice| choice.code == "natural-logarithm");
        let occurs = natural(loss)
            || natural(derivation.result)
            || self.program.definitions.iter().any(|definition| natural(definition.value));
        if occurs && !said {
            remarks.push(self.say("word.natural-logarithm", &[]));
        }
        if !self.target.is_empty() && context.height_of(loss) > 0 {
            let entry = print_in(context, variable, &self.scope(&[]), self.notation);
            remarks.push(self.say("word.letters", &[("entry", self.in_sentence(entry))]));
        }
        remarks
    }

    fn equation(&self, left: &str, right: &str) -> String {
        match self.notation {
            Notation::MathMl => {
                format!("<math display=\"block\"><mrow>{}<mo>=</mo>{}</mrow></math>", inner(left), inner(right))
            }
            _ => format!("{left} = {right}"),
        }
    }

    /// The letters of a part whose indices are these, inside a chain of steps that keeps those before.
    fn scope(&self, further: &[Index]) -> Scope {
        Scope { indices: self.target.iter().chain(further).copied().collect() }
    }

    fn step(&self, step: &Step, kept: &[Index]) -> ExplainedStep {
        let context = &self.program.context;
        // The free indices of a chain keep their letters, whether or not a line mentions them.
        let mut indices = kept.to_vec();
        indices.extend(context.free_indices_in_order(step.from));
        let outer = Scope { indices: indices.clone() };
        indices.extend(&step.scope);
        let part = Scope { indices: indices.clone() };
        indices.extend(step.opened);
        let inside = Scope { indices };
        let is_part = step.before != step.from;
        let show = |expr: Expr| print_in(context, expr, &part, self.notation);
        let unchecked = verdict(step) == Verdict::Unchecked;
        let substeps = step.substeps.iter().scan(kept.to_vec(), |kept, substep| {
            let explained = self.step(substep, kept);
            let free = context.free_indices_in_order(substep.from);
            kept.extend(free);
            Some(explained)
        });
        ExplainedStep {
            rule: step.rule,
            simplifies: step.simplifies(),
            sentence: self.sentence(step, &inside),
            before: if is_part { show(step.before) } else { String::new() },
            after: if is_part { show(step.after) } else { String::new() },
            left: String::new(),
            whole: print_in(context, step.whole, &outer, self.notation),
            marked: print_changed(context, step.from, step.whole, &outer, self.notation),
            unchecked: unchecked.then(|| self.say("word.unchecked-line", &[])),
            substeps: substeps.collect(),
        }
    }

    fn sentence(&self, step: &Step, scope: &Scope) -> String {
        let mut slots: Vec<(&str, String)> =
            step.slots.iter().map(|(slot, value)| (*slot, self.slot(value, scope))).collect();
        let Some(function) = Function::from_plain(step.rule) else {
            return self.say(&format!("rule.{}", step.rule), &slots);
        };
        slots.push(("name", self.in_sentence(print_function(function, self.notation))));
        slots.push(("general", self.general(function)));
        let direct = if slots.iter().any(|(slot, _)| *slot == "u") { "" } else { "-direct" };
        let own = format!("rule.{}{direct}", step.rule);
        let known = self.language.sentences().contains_key(own.as_str());
        self.say(&if known { own } else { format!("rule.function{direct}") }, &slots)
    }

    fn slot(&self, slot: &Slot, scope: &Scope) -> String {
        let context = &self.program.context;
        match slot {
            Slot::Formula(expr) => {
                // An index stands for itself in a sentence, not for the number that it counts as.
                let text = match *context.node(*expr) {
                    Node::Index(index) => print_index(context, index, scope, self.notation),
                    _ => print_in(context, *expr, scope, self.notation),
                };
                self.in_sentence(text)
            }
            Slot::Condition(expr) => self.in_sentence(print_condition(context, *expr, self.notation)),
            Slot::Name(symbol) => {
                let name = print_name(&context.symbol(*symbol).name, self.notation);
                let letter = self.notation == Notation::MathMl;
                if letter { format!("<math><mi>{name}</mi></math>") } else { self.in_sentence(name) }
            }
        }
    }

    /// A sentence with its slots filled and its formulas in the notation.
    fn say(&self, key: &str, slots: &[(&str, String)]) -> String {
        let template = self.language.sentences().get(key).copied().unwrap_or(key);
        say(template, slots, self.notation, &self.renamed)
    }

    fn in_sentence(&self, formula: String) -> String {
        in_sentence(formula, self.notation)
    }

    /// `(\log x)' = \frac{1}{x}`, from the function's row.
    fn general(&self, function: Function) -> String {
        let Some(((context, call), value)) = general_rule(function) else { return String::new() };
        let (call, value) = (print(&context, call, self.notation), print(&context, value, self.notation));
        match self.notation {
            Notation::Latex => format!(r"$({call})' = {value}$"),
            Notation::MathMl => format!(
                "<math><mrow><msup><mrow><mo>(</mo>{}<mo>)</mo></mrow><mo>′</mo></msup><mo>=</mo>{}</mrow></math>",
                inner(&call),
                inner(&value)
            ),
            Notation::Plain | Notation::Terminal => format!("({call})′ = {value}"),
        }
    }
}

/// A template with its formulas in a notation and its slots filled.
pub(super) fn say(template: &str, slots: &[(&str, String)], notation: Notation, renamed: &[(char, char)]) -> String {
    let pieces = template.split('$').enumerate();
    pieces
        .map(
            |(place, piece)| {
                if place % 2 == 1 { markup::formula(piece, notation, renamed) } else { fill(piece, slots) }
            },
        )
        .collect()
}

/// A formula as it stands inside a sentence.
pub(super) fn in_sentence(formula: String, notation: Notation) -> String {
    match notation {
        Notation::Latex => format!("${formula}$"),
        Notation::MathMl => formula.replace(" display=\"block\"", ""),
        Notation::Plain | Notation::Terminal => formula,
    }
}

/// What stands inside a `math` element.
pub(super) fn inner(mathml: &str) -> &str {
    let inside = mathml.split_once('>').map_or(mathml, |(_, inside)| inside);
    inside.strip_suffix("</math>").unwrap_or(inside)
}

/// The letter of an index.
fn print_index(context: &Context, index: Index, scope: &Scope, notation: Notation) -> String {
    crate::print::print_place(context, index, scope, notation)
}

/// What stands for the letters of general formulas where the author has these.
fn renamed(context: &Context) -> Vec<(char, char)> {
    let used = |letter: char| {
        let is = |name: &str| name.split(['_', '\'']).next().is_some_and(|base| base == letter.to_string());
        context.symbols.iter().any(|symbol| is(&symbol.name.plain))
    };
    let mut others = OTHER_LETTERS.into_iter().filter(|&letter| !used(letter));
    GENERAL_LETTERS
        .into_iter()
        .filter(|&letter| used(letter))
        .filter_map(|letter| Some((letter, others.next()?)))
        .collect()
}
