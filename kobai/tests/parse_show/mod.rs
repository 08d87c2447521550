//! A small printer of formulas as s-expressions, for the tests of the parser.

// Each test file uses its own part of this.
#![allow(dead_code)]

use kobai::formula::{BigOperator, Binding, Bracket, Formula, Join, Kind, Relation, ScriptPart, Statement};
use kobai::parse::{Syntax, parse};

/// A formula as an s-expression.
pub fn show(formula: &Formula) -> String {
    match &formula.kind {
        Kind::Number(value) => value.to_string(),
        Kind::Infinity => "infinity".into(),
        Kind::Name { base, subscripts, superscripts, opaque } => {
            let mark = if *opaque { "!" } else { "" };
            format!("{mark}{}{}{}", base.plain, parts("_", subscripts), parts("^", superscripts))
        }
        Kind::Text(words) => format!("{words:?}"),
        Kind::Group(bracket, inner) => match bracket {
            Bracket::Round => format!("(group {})", show(inner)),
            Bracket::Square => format!("[group {}]", show(inner)),
            Bracket::Curly => format!("{{group {}}}", show(inner)),
            Bracket::Invisible => format!("(braces {})", show(inner)),
        },
        Kind::Sum(terms) => {
            let terms: Vec<String> = terms
                .iter()
                .map(|(negative, term)| format!("{}{}", if *negative { "-" } else { "+" }, show(term)))
                .collect();
            format!("(sum {})", terms.join(" "))
        }
        Kind::Product(factors) => format!(
            "(product{})",
            factors.iter().map(|(join, factor)| format!(" {}{}", joint(*join), show(factor))).collect::<String>()
        ),
        Kind::Power(base, exponent) => format!("(power {} {})", show(base), show(exponent)),
        Kind::Fraction(above, below) => format!("(frac {} {})", show(above), show(below)),
        Kind::Root(degree, inner) => format!("(root{} {})", option(degree), show(inner)),
        Kind::Apply { function, subscript, power, arguments, component, .. } => {
            let subscript = subscript.as_ref().map_or(String::new(), |formula| format!("_{}", show(formula)));
            let power = power.as_ref().map_or(String::new(), |formula| format!("^{}", show(formula)));
            format!("({function}{subscript}{power}{}{})", all(arguments), parts(" _", component))
        }
        Kind::Reduce { operator, bindings, conditions, body } => {
            let name = operator_name(*operator);
            let bindings: Vec<String> = bindings.iter().map(binding).collect();
            format!("({name} [{}]{} {})", bindings.join(" "), all(conditions), show(body))
        }
        Kind::Relation(first, links) => {
            format!(
                "(relation {}{})",
                show(first),
                links.iter().map(|(relation, side)| format!(" {} {}", sign(*relation), show(side))).collect::<String>()
            )
        }
        Kind::Member(element, values) => format!("(member {}{})", show(element), all(values)),
        Kind::Cases(branches) => {
            let branches: Vec<String> = branches
                .iter()
                .map(|(value, condition)| {
                    format!("({} if {})", show(value), condition.as_ref().map_or("else".into(), show))
                })
                .collect();
            format!("(cases {})", branches.join(" "))
        }
        Kind::Absolute(inner) => format!("(abs {})", show(inner)),
        Kind::Norm(inner, order) => format!("(norm{} {})", option(order), show(inner)),
        Kind::Indicator(inner) => format!("(indicator {})", show(inner)),
        Kind::Delta(left, right) => format!("(delta {} {})", show(left), show(right)),
        Kind::Transpose(inner) => format!("(transpose {})", show(inner)),
        Kind::Inner(left, right) => format!("(inner {} {})", show(left), show(right)),
        Kind::Derivative(body, variable) => format!("(derivative{} {})", option(variable), show(body)),
        Kind::Factorial(inner) => format!("(factorial {})", show(inner)),
        Kind::Component(inner, indices) => format!("(component {}{})", show(inner), parts(" _", indices)),
        Kind::Limit(body, variable, target) => {
            format!("(limit_{}->{} {})", show(variable), show(target), show(body))
        }
        Kind::Error => "ERROR".into(),
    }
}

fn all(formulas: &[Formula]) -> String {
    formulas.iter().map(|formula| format!(" {}", show(formula))).collect()
}

fn option(formula: &Option<Box<Formula>>) -> String {
    formula.as_ref().map_or(String::new(), |formula| format!("_{}", show(formula)))
}

fn parts(mark: &str, parts: &[ScriptPart]) -> String {
    if parts.is_empty() {
        return String::new();
    }
    let parts: Vec<String> = parts.iter().map(|part| show(&part.formula)).collect();
    format!("{mark}{{{}}}", parts.join(","))
}

fn binding(binding: &Binding) -> String {
    let lower = binding.lower.as_ref().map_or(String::new(), |lower| format!("={}", show(lower)));
    let upper = binding.upper.as_ref().map_or(String::new(), |upper| format!("..{}", show(upper)));
    let set =
        binding.set.as_ref().map_or(String::new(), |(name, arguments)| format!(" in {}{}", name.plain, all(arguments)));
    format!("{}{lower}{upper}{set}", binding.index.plain)
}

fn operator_name(operator: BigOperator) -> &'static str {
    match operator {
        BigOperator::Sum => "Sum",
        BigOperator::Product => "Prod",
        BigOperator::Maximum => "Max",
        BigOperator::Minimum => "Min",
        BigOperator::LogSumExp => "Lse",
        BigOperator::Mean => "Mean",
        BigOperator::Variance => "Var",
        BigOperator::StandardDeviation => "Std",
        BigOperator::Softmax => "Softmax",
    }
}

fn joint(join: Join) -> &'static str {
    match join {
        Join::Juxtaposed => "",
        Join::Dot => ".",
        Join::Times => "*",
        Join::Elementwise => "@",
        Join::Divide => "/",
    }
}

fn sign(relation: Relation) -> &'static str {
    match relation {
        Relation::Equal => "=",
        Relation::NotEqual => "!=",
        Relation::Less => "<",
        Relation::LessOrEqual => "<=",
        Relation::Greater => ">",
        Relation::GreaterOrEqual => ">=",
    }
}

fn statement(statement: &Statement) -> String {
    match statement {
        Statement::Definition { left, right, claims } => {
            format!("define {} as {}{}", show(left), show(right), all(claims))
        }
        Statement::Objective { parameters, maximise, name, body } => {
            let name = name.as_ref().map_or(String::new(), |name| format!(" {}", show(name)));
            format!("{}{name} over{}: {}", if *maximise { "maximise" } else { "minimise" }, all(parameters), show(body))
        }
        Statement::Assumption(condition) => format!("assume {}", show(condition)),
        Statement::Expression(body) => show(body),
    }
}

/// What a text says, its diagnostics' codes in front.
pub fn read(text: &str, syntax: Syntax) -> String {
    let parsed = parse(text, syntax);
    let codes: Vec<String> = parsed.diagnostics.iter().map(|diagnostic| format!("{}: ", diagnostic.code)).collect();
    let equations: Vec<String> = parsed.equations.iter().map(|equation| statement(&equation.statement)).collect();
    format!("{}{}", codes.concat(), equations.join(" ; "))
}

/// Checks what each text of a table reads as, and shows every one that reads otherwise.
pub fn check(syntax: Syntax, rows: &[(&str, &str)]) {
    let wrong: Vec<String> = rows
        .iter()
        .map(|(text, expected)| (text, expected, read(text, syntax)))
        .filter(|(_, expected, found)| *expected != found)
        .map(|(text, expected, found)| format!("{text}\n  expected {expected}\n  found    {found}"))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
