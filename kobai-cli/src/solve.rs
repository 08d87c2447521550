//! `kobai solve`

use crate::message::Failure;
use crate::options::{Solve, SolveFormat};
use crate::source::{Source, read, symbol};
use crate::{Answer, print};
use kobai::explain::Language;
use kobai::expr::{Context, Expr, SymbolInformation};
use kobai::formula::{Equation, Formula, Kind, Relation, Spelling, Statement};
use kobai::function::Function;
use kobai::print::{Notation, print as printed, print_name};
use kobai::resolve::Program;
use kobai::resolve::statement::resolve_statement;
use kobai::solve::{Solution, Step, solve};
use kobai::source::Diagnostic;
use kobai::statement::print_conditions;
use serde_json::{Value, json};
use std::fmt::Write;

/// Solves and prints.
pub fn run(arguments: &Solve) -> Result<Answer, Failure> {
    let source = read(&arguments.common)?;
    let mut program = stated(&source)?;
    let symbol = symbol(&program, arguments.name.trim())?;
    let solution = solve(&mut program, symbol).map_err(|error| source.failed(vec![error]))?;
    let shown = Shown { context: &program.context, solution: &solution, language: source.language };
    print(&match (arguments.json, arguments.format) {
        (true, _) => shown.as_json(),
        (false, SolveFormat::Text) => shown.as_text(),
        (false, SolveFormat::Latex) => shown.as_latex(),
    })?;
    Ok(Answer::Yes)
}

/// The last equation of the text, in the light of those before it.
fn stated(source: &Source) -> Result<Program, Failure> {
    let parsed = source.parse();
    if parsed.diagnostics.iter().any(Diagnostic::is_error) {
        return Err(source.failed(parsed.diagnostics));
    }
    let last = parsed.equations.iter().rposition(|equation| relation(equation).is_some());
    let Some((last, relation)) = last.and_then(|last| Some((last, relation(&parsed.equations[last])?))) else {
        return Err(source.failed(vec![Diagnostic::data_error("solve-no-equation")]));
    };
    let mut others = parsed.equations.clone();
    others.remove(last);
    others.retain(|equation| !matches!(equation.statement, Statement::Expression(_)));
    resolve_statement(&others, &relation).map_err(|errors| source.failed(errors))
}

/// An equation as two sides.
fn relation(equation: &Equation) -> Option<Formula> {
    match &equation.statement {
        Statement::Definition { left, right, .. } => {
            let kind = Kind::Relation(Box::new(left.clone()), vec![(Relation::Equal, right.clone())]);
            Some(Formula::new(kind, equation.span))
        }
        Statement::Assumption(relation) => match &relation.kind {
            Kind::Relation(_, links) if links.iter().all(|(relation, _)| *relation == Relation::Equal) => {
                Some(relation.clone())
            }
            _ => None,
        },
        _ => None,
    }
}

struct Shown<'a> {
    context: &'a Context,
    solution: &'a Solution,
    language: Language,
}

impl Shown<'_> {
    fn say(&self, key: &str, slots: &[(&str, String)]) -> String {
        self.language.say(key, slots)
    }

    fn equation(&self, left: Expr, right: Expr, notation: Notation) -> String {
        format!("{} = {}", printed(self.context, left, notation), printed(self.context, right, notation))
    }

    fn conditions(&self, notation: Notation) -> Vec<String> {
        print_conditions(self.context, &self.solution.conditions, notation)
    }

    /// The formula of a step, its branches joined by "or".
    fn whole(&self, step: &Step, notation: Notation) -> String {
        let joint = match notation {
            Notation::Latex => format!(r" \quad\text{{{}}}\quad ", self.say("word.solve-or", &[])),
            _ => format!("  {}  ", self.say("word.solve-or", &[])),
        };
        let branches: Vec<String> =
            step.rights.iter().map(|&right| self.equation(step.left, right, notation)).collect();
        branches.join(&joint)
    }

    fn sentence(&self, step: &Step, notation: Notation) -> String {
        let inline = |formula: String| if notation == Notation::Latex { format!("${formula}$") } else { formula };
        let mut slots = vec![("name", inline(printed(self.context, self.solution.variable, notation)))];
        slots.extend(step.with.map(|with| ("with", inline(printed(self.context, with, notation)))));
        if let Some(function) = step.function {
            let row = function.row();
            let spelling = Spelling { plain: row.plain.to_owned(), latex: row.latex.to_owned() };
            slots.push(("function", inline(print_name(&spelling, notation).trim().to_owned())));
            slots.extend(general(function, notation).map(|rule| ("general", inline(rule))));
        }
        self.say(&format!("word.{}", step.rule), &slots)
    }

    fn checked(&self) -> String {
        match self.solution.points {
            Some(points) => self.say("word.solve-points", &[("count", points.to_string())]),
            None => self.say("word.solve-exact", &[]),
        }
    }

    fn values(&self, notation: Notation) -> Vec<String> {
        let solution = self.solution;
        solution.values.iter().map(|&value| self.equation(solution.variable, value, notation)).collect()
    }

    fn solution_heading(&self) -> String {
        self.say(if self.solution.values.len() == 1 { "heading.solution" } else { "heading.solutions" }, &[])
    }

    fn heading(&self, notation: Notation) -> String {
        let [left, right] = self.solution.equation;
        let name = printed(self.context, self.solution.variable, notation);
        let equation = self.equation(left, right, notation);
        let inline = |formula: String| if notation == Notation::Latex { format!("${formula}$") } else { formula };
        self.say("heading.solve", &[("equation", inline(equation)), ("name", inline(name))])
    }

    fn as_text(&self) -> String {
        let mut out = self.heading(Notation::Terminal) + "\n\n";
        for (number, step) in self.solution.steps.iter().enumerate() {
            let _ = writeln!(out, "{:>3}. {}", number + 1, self.sentence(step, Notation::Terminal));
            let _ = writeln!(out, "     {}", self.whole(step, Notation::Terminal));
        }
        let _ = writeln!(out, "\n{}", self.solution_heading());
        for (terminal, latex) in self.values(Notation::Terminal).iter().zip(self.values(Notation::Latex)) {
            let _ = writeln!(out, "     {terminal}\n     {latex}");
        }
        let conditions = self.conditions(Notation::Terminal);
        if !conditions.is_empty() {
            let _ = writeln!(out, "     {}", self.say("word.solve-where", &[("conditions", conditions.join(", "))]));
        }
        out + "     " + &self.checked() + "\n"
    }

    fn as_latex(&self) -> String {
        let mut out = self.heading(Notation::Latex) + "\n\n";
        for step in &self.solution.steps {
            let (sentence, whole) = (self.sentence(step, Notation::Latex), self.whole(step, Notation::Latex));
            let _ = writeln!(out, "{sentence}\n\\[ {whole} \\]");
        }
        let conditions: Vec<String> =
            self.conditions(Notation::Latex).iter().map(|condition| format!("${condition}$")).collect();
        if !conditions.is_empty() {
            let _ = writeln!(out, "{}", self.say("word.solve-where", &[("conditions", conditions.join(", "))]));
        }
        out
    }

    fn as_json(&self) -> String {
        let steps: Vec<Value> = self.solution.steps.iter().map(|step| self.step_as_json(step)).collect();
        let values = self.solution.values.iter().map(|&value| {
            json!({
                "latex": printed(self.context, value, Notation::Latex),
                "plain": printed(self.context, value, Notation::Plain),
            })
        });
        let [left, right] = self.solution.equation;
        let whole = json!({
            "equation": self.equation(left, right, Notation::Latex),
            "variable": printed(self.context, self.solution.variable, Notation::Latex),
            "solutions": values.collect::<Vec<_>>(),
            "conditions": self.conditions(Notation::Latex),
            "steps": steps,
            "checked": match self.solution.points {
                Some(points) => json!({ "method": "sampled", "points": points }),
                None => json!({ "method": "exact" }),
            },
        });
        serde_json::to_string_pretty(&whole).unwrap_or_default() + "\n"
    }

    fn step_as_json(&self, step: &Step) -> Value {
        json!({
            "rule": step.rule.trim_start_matches("solve-"),
            "sentence": self.sentence(step, Notation::Terminal),
            "latex": self.whole(step, Notation::Latex),
            "plain": self.whole(step, Notation::Plain),
        })
    }
}

/// `y = \log_a x` means `x = a^{y}`, from the function's row.
fn general(function: Function, notation: Notation) -> Option<String> {
    let mut context = Context::new();
    let mut name = |plain: &str| {
        let name = Spelling { plain: plain.to_owned(), latex: plain.to_owned() };
        let symbol =
            context.declare_symbol(SymbolInformation { name, axes: Vec::new(), integer: false, defined: false });
        context.entry(symbol, Vec::new())
    };
    let (base, x, y) = (name("a"), name("x"), name("y"));
    let arguments = if function == Function::LogBase { vec![base, x] } else { vec![x] };
    let inverse = kobai::solve::inverse(&mut context, function, &arguments, y)?;
    let value = context.call(function, arguments);
    let sign = if notation == Notation::Latex { r"\iff" } else { "⇔" };
    let show = |expr: Expr| printed(&context, expr, notation);
    Some(format!("{} = {} {sign} {} = {}", show(y), show(value), show(x), show(inverse)))
}
