//! The conventions of writing: order of terms, signs, fractions, brackets.

use super::Notation;
use super::letters::{Letters, bound_index};
use crate::expr::{Constant, Context, Expr, Node, Rational, Reduction, Symbol};
use crate::formula::Relation;
use crate::function::Function;
use num_traits::{One, Signed, ToPrimitive, Zero};

/// How tightly a text holds together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Tightness {
    /// Terms with signs between them.
    Sum,
    /// A product, or an operator whose body reaches to the right.
    Product,
    /// A function without a bracket around its argument: nothing may follow it.
    OpenCall,
    /// A factor that may stand beside others.
    Factor,
    /// Something that an exponent may be put on.
    Atom,
}

/// A text with how tightly it holds together.
struct Text {
    text: String,
    tightness: Tightness,
}

impl Text {
    fn new(text: impl Into<String>, tightness: Tightness) -> Text {
        Text { text: text.into(), tightness }
    }
}

/// Writes one expression.
pub struct Printer<'a> {
    context: &'a Context,
    notation: Notation,
    letters: Letters,
}

impl<'a> Printer<'a> {
    /// A printer for an expression.
    pub fn new(context: &'a Context, notation: Notation, expr: Expr) -> Printer<'a> {
        Printer { context, notation, letters: Letters::new(context, expr) }
    }

    /// The expression's text.
    pub fn top(&mut self, expr: Expr) -> String {
        self.text(expr).text
    }

    fn at_least(&mut self, expr: Expr, tightness: Tightness) -> String {
        let text = self.text(expr);
        if text.tightness >= tightness { text.text } else { self.notation.bracket(&text.text) }
    }

    fn text(&mut self, expr: Expr) -> Text {
        match self.context.node(expr).clone() {
            Node::Number(value) => self.number(&value),
            Node::Constant(constant) => Text::new(self.constant(constant), Tightness::Atom),
            Node::Size(axis) => Text::new(self.notation.name(&self.context.axis(axis).size_name), Tightness::Atom),
            Node::Index(index) => {
                let letter = self.notation.name(&self.letters.of(index));
                Text::new(format!("{letter} {} 1", self.notation.minus()), Tightness::Sum)
            }
            Node::Symbol(symbol, places) => self.entry(symbol, &places),
            Node::Delta(a, b) => self.delta(a, b),
            Node::Compare(..) => {
                let condition = self.condition(expr);
                Text::new(self.notation.indicator(&condition), Tightness::Factor)
            }
            Node::Power(base, exponent) => self.power(expr, base, exponent),
            Node::Call(function, arguments) => self.call(function, &arguments),
            Node::Mul(_) => self.product(expr),
            Node::Add(terms) => self.sum(&terms),
            Node::Reduce(reduction, _, body) => self.reduction(expr, reduction, body),
            Node::Select(condition, then, otherwise) => {
                let (condition, then, otherwise) = (self.condition(condition), self.top(then), self.top(otherwise));
                Text::new(self.notation.cases(&condition, &then, &otherwise), Tightness::Factor)
            }
            Node::Derivative(body, target) => self.derivative(body, target),
        }
    }

    fn number(&mut self, value: &Rational) -> Text {
        if value.is_negative() {
            let positive = self.number(&-value);
            return Text::new(format!("{}{}", self.notation.minus(), positive.text), Tightness::Sum);
        }
        if value.is_integer() {
            return Text::new(value.to_string(), Tightness::Atom);
        }
        if let Some(decimal) = decimal(value) {
            return Text::new(decimal, Tightness::Atom);
        }
        let (above, below) = (value.numer().to_string(), value.denom().to_string());
        let tightness = if self.notation == Notation::Latex { Tightness::Factor } else { Tightness::Product };
        Text::new(self.notation.fraction((&above, true), (&below, true)), tightness)
    }

    fn constant(&self, constant: Constant) -> String {
        let (latex, plain, terminal) = match constant {
            Constant::Pi => ("\\pi", "pi", "π"),
            Constant::Infinity => ("\\infty", "inf", "∞"),
            Constant::NegativeInfinity => ("-\\infty", "-inf", "−∞"),
        };
        match self.notation {
            Notation::Latex => latex,
            Notation::Plain => plain,
            Notation::Terminal => terminal,
        }
        .to_owned()
    }

    fn entry(&mut self, symbol: Symbol, places: &[Expr]) -> Text {
        let name = self.notation.name(&self.context.symbol(symbol).name);
        let letters_only = places.iter().all(|&place| matches!(self.context.node(place), Node::Index(_)));
        let places: Vec<String> = places.iter().map(|&place| self.place(place)).collect();
        Text::new(self.notation.entry(&name, &places, letters_only), Tightness::Atom)
    }

    /// What stands in a place: counted from 0, but written as the author counts.
    fn place(&mut self, place: Expr) -> String {
        match self.context.node(place).clone() {
            Node::Index(index) => self.notation.name(&self.letters.of(index)),
            Node::Add(terms) => {
                let mut text = String::new();
                let (numbers, others): (Vec<Expr>, Vec<Expr>) = terms.iter().partition(|&&term| self.context.as_number(term).is_some());
                for (position, &term) in others.iter().chain(&numbers).enumerate() {
                    let part = self.place(term);
                    if position > 0 && !part.starts_with(['-', '−']) {
                        text.push('+');
                    }
                    text += &part;
                }
                text
            }
            _ => self.top(place),
        }
    }

    fn delta(&mut self, a: Expr, b: Expr) -> Text {
        let letters_only = [a, b].iter().all(|&side| matches!(self.context.node(side), Node::Index(_)));
        let (a, b) = (self.place(a), self.place(b));
        Text::new(self.notation.delta(&a, &b, letters_only), Tightness::Factor)
    }

    /// A condition, as it stands under an operator.
    pub fn condition(&mut self, expr: Expr) -> String {
        match self.context.node(expr).clone() {
            Node::Compare(relation, a, b) => {
                // A bound is read with the name on the left: x > 0, not 0 < x.
                let (relation, a, b) = match relation {
                    Relation::Less if self.context.as_number(a).is_some() => (Relation::Greater, b, a),
                    Relation::LessOrEqual if self.context.as_number(a).is_some() => (Relation::GreaterOrEqual, b, a),
                    Relation::Equal | Relation::NotEqual if self.context.as_number(a).is_some() => (relation, b, a),
                    _ => (relation, a, b),
                };
                let (a, b) = (self.condition_side(a), self.condition_side(b));
                format!("{a} {} {b}", self.notation.relation(relation))
            }
            Node::Delta(a, b) => {
                let (a, b) = (self.place(a), self.place(b));
                format!("{a} {} {b}", self.notation.relation(Relation::Equal))
            }
            Node::Mul(parts) => parts.iter().map(|&part| self.condition(part)).collect::<Vec<_>>().join(", "),
            _ => self.top(expr),
        }
    }

    fn condition_side(&mut self, side: Expr) -> String {
        match self.context.node(side) {
            Node::Index(_) => self.place(side),
            _ => self.top(side),
        }
    }

    fn power(&mut self, whole: Expr, base: Expr, exponent: Expr) -> Text {
        if let Some(number) = self.context.as_number(exponent).cloned() {
            if number.is_negative() {
                return self.product(whole);
            }
            if number.numer().is_one()
                && let Some(degree) = number.denom().to_u32()
            {
                let radicand = self.top(base);
                return Text::new(self.notation.root(degree, &radicand), Tightness::Factor);
            }
        }
        let base = self.at_least(base, Tightness::Atom);
        let raised = self.text(exponent);
        Text::new(self.notation.power(&base, &raised.text, raised.tightness == Tightness::Atom), Tightness::Factor)
    }

    fn call(&mut self, function: Function, arguments: &[Expr]) -> Text {
        let latex = self.notation == Notation::Latex;
        match (function, arguments) {
            (Function::Exp, &[argument]) if self.notation != Notation::Plain => self.exponential(argument),
            (Function::Log, &[argument]) => self.logarithm(None, argument),
            (Function::LogBase, &[base, argument]) => self.logarithm(Some(base), argument),
            (Function::Abs, &[argument]) if self.notation != Notation::Plain => {
                let inner = self.top(argument);
                Text::new(if latex { format!("\\lvert {inner} \\rvert") } else { format!("|{inner}|") }, Tightness::Factor)
            }
            _ => {
                let name = match self.notation {
                    Notation::Latex => function.row().latex,
                    Notation::Terminal if function == Function::Sigmoid => "σ",
                    _ => function.row().plain,
                };
                let inner: Vec<String> = arguments.iter().map(|&argument| self.top(argument)).collect();
                Text::new(format!("{name}{}", self.notation.bracket(&inner.join(", "))), Tightness::Factor)
            }
        }
    }

    fn exponential(&mut self, argument: Expr) -> Text {
        if self.context.is_integer(argument, 1) {
            return Text::new("e", Tightness::Atom);
        }
        let inner = self.text(argument);
        let tall = inner.text.contains("\\frac") || inner.text.contains("\\sum") || inner.text.contains("\\operatorname");
        if tall {
            return Text::new(format!("\\exp{}", self.notation.bracket(&inner.text)), Tightness::Factor);
        }
        let single = inner.tightness == Tightness::Atom;
        Text::new(self.notation.power("e", &inner.text, single), Tightness::Factor)
    }

    fn logarithm(&mut self, base: Option<Expr>, argument: Expr) -> Text {
        let latex = self.notation == Notation::Latex;
        let inner = self.text(argument);
        if self.notation == Notation::Plain {
            let text = match base {
                Some(base) => format!("log({}, base={})", inner.text, self.top(base)),
                None => format!("log({})", inner.text),
            };
            return Text::new(text, Tightness::Factor);
        }
        let mut name = String::from(if latex { "\\log" } else { "log" });
        if let Some(base) = base {
            let base = self.text(base);
            name += &if latex { format!("_{{{}}}", base.text) } else { format!("_{}", base.text) };
        }
        let bare = inner.tightness == Tightness::Atom || matches!(self.context.node(argument), Node::Reduce(Reduction::Sum, ..));
        if bare {
            return Text::new(format!("{name} {}", inner.text), Tightness::OpenCall);
        }
        Text::new(format!("{name}{}", self.notation.bracket(&inner.text)), Tightness::Factor)
    }

    fn sum(&mut self, terms: &[Expr]) -> Text {
        let (positive, negative): (Vec<Expr>, Vec<Expr>) = terms.iter().partition(|&&term| !self.is_negative(term));
        let mut text = String::new();
        for (position, &term) in positive.iter().enumerate() {
            if position > 0 {
                text += " + ";
            }
            text += &self.at_least(term, Tightness::Product);
        }
        for (position, &term) in negative.iter().enumerate() {
            let minus = self.notation.minus();
            text += &if position == 0 && positive.is_empty() { minus.to_owned() } else { format!(" {minus} ") };
            text += &self.without_sign(term);
        }
        Text::new(text, Tightness::Sum)
    }

    fn is_negative(&self, term: Expr) -> bool {
        let first = match self.context.node(term) {
            Node::Mul(factors) => factors[0],
            _ => term,
        };
        self.context.as_number(first).is_some_and(Signed::is_negative)
    }

    fn without_sign(&mut self, term: Expr) -> String {
        match self.context.node(term).clone() {
            Node::Number(value) => self.number(&-value).text,
            Node::Mul(factors) => {
                let coefficient = self.context.as_number(factors[0]).cloned().unwrap_or_else(Rational::one);
                let text = self.factors(&-coefficient, &factors[1..]);
                if text.tightness >= Tightness::Product { text.text } else { self.notation.bracket(&text.text) }
            }
            _ => self.at_least(term, Tightness::Product),
        }
    }

    fn product(&mut self, expr: Expr) -> Text {
        let factors = match self.context.node(expr).clone() {
            Node::Mul(factors) => factors.to_vec(),
            _ => vec![expr],
        };
        let (coefficient, rest) = match factors.first().and_then(|&first| self.context.as_number(first)) {
            Some(value) => (value.clone(), &factors[1..]),
            None => (Rational::one(), &factors[..]),
        };
        if coefficient.is_negative() {
            let positive = self.factors(&-coefficient, rest);
            let text = if positive.tightness >= Tightness::Product { positive.text } else { self.notation.bracket(&positive.text) };
            return Text::new(format!("{}{text}", self.notation.minus()), Tightness::Sum);
        }
        self.factors(&coefficient, rest)
    }

    /// A positive coefficient and factors: those with negative exponents go below a fraction line; big operators, and
    /// derivatives not yet carried out, stand behind it.
    fn factors(&mut self, coefficient: &Rational, factors: &[Expr]) -> Text {
        let mut above: Vec<Expr> = Vec::new();
        let mut below: Vec<(Expr, Rational)> = Vec::new();
        let mut behind: Vec<Expr> = Vec::new();
        for &factor in factors {
            match *self.context.node(factor) {
                Node::Power(base, exponent) => match self.context.as_number(exponent) {
                    Some(number) if number.is_negative() => below.push((base, -number)),
                    _ => above.push(factor),
                },
                Node::Reduce(..) | Node::Derivative(..) => behind.push(factor),
                _ => above.push(factor),
            }
        }
        if !behind.is_empty() {
            // Sums stand behind what they are multiplied by.
            let (sums, plain): (Vec<Expr>, Vec<Expr>) = above.iter().partition(|&&factor| matches!(self.context.node(factor), Node::Add(_)));
            above = plain;
            behind = sums.into_iter().chain(behind).collect();
        }
        let front = self.fraction(coefficient, &above, &below);
        self.with_behind(front, &behind)
    }

    fn with_behind(&mut self, front: Option<Text>, behind: &[Expr]) -> Text {
        let Some((&last, others)) = behind.split_last() else {
            return front.unwrap_or_else(|| Text::new("1", Tightness::Atom));
        };
        let alone = front.is_none() && others.is_empty();
        if alone {
            return self.text(last);
        }
        let mut parts: Vec<String> = front.into_iter().map(|front| if front.tightness >= Tightness::Product { front.text } else { self.notation.bracket(&front.text) }).collect();
        for &other in others {
            parts.push(self.at_least(other, Tightness::Factor));
        }
        parts.push(self.at_least(last, Tightness::Product));
        Text::new(parts.join(" "), Tightness::Product)
    }

    /// The part of a product that is written as one fraction or as factors side by side.
    fn fraction(&mut self, coefficient: &Rational, above: &[Expr], below: &[(Expr, Rational)]) -> Option<Text> {
        let decimal = decimal(coefficient);
        let (numerator, denominator) = match &decimal {
            Some(_) => (coefficient.clone(), Rational::one()),
            None => (Rational::from_integer(coefficient.numer().clone()), Rational::from_integer(coefficient.denom().clone())),
        };
        if below.is_empty() && denominator.is_one() {
            return self.side_by_side(&numerator, above);
        }
        let single_above = above.len() + usize::from(!numerator.is_one()) <= 1;
        let over = match above {
            [only] if numerator.is_one() => self.text(*only),
            _ => self.side_by_side(&numerator, above).unwrap_or_else(|| Text::new("1", Tightness::Atom)),
        };
        let under = self.denominator(&denominator, below);
        let above_single = over.tightness >= Tightness::Factor && single_above;
        let below_single = under.tightness == Tightness::Atom;
        let text = self.notation.fraction((&over.text, above_single), (&under.text, below_single));
        let tightness = if self.notation == Notation::Latex { Tightness::Factor } else { Tightness::Product };
        Some(Text::new(text, tightness))
    }

    fn denominator(&mut self, number: &Rational, below: &[(Expr, Rational)]) -> Text {
        let mut parts = Vec::new();
        for (base, exponent) in below {
            parts.push(self.positive_power(*base, exponent));
        }
        match (&parts[..], number.is_one()) {
            ([_], true) => parts.remove(0),
            ([], _) => self.number(number),
            _ => {
                let mut texts: Vec<String> = if number.is_one() { Vec::new() } else { vec![self.number(number).text] };
                let count = parts.len();
                for (position, part) in parts.into_iter().enumerate() {
                    let enough = if position + 1 == count { Tightness::OpenCall } else { Tightness::Factor };
                    texts.push(if part.tightness >= enough { part.text } else { self.notation.bracket(&part.text) });
                }
                Text::new(texts.join(" "), Tightness::Product)
            }
        }
    }

    fn positive_power(&mut self, base: Expr, exponent: &Rational) -> Text {
        if exponent.is_one() {
            return self.text(base);
        }
        if exponent.numer().is_one()
            && let Some(degree) = exponent.denom().to_u32()
        {
            let radicand = self.top(base);
            return Text::new(self.notation.root(degree, &radicand), Tightness::Factor);
        }
        let base = self.at_least(base, Tightness::Atom);
        let raised = self.number(exponent);
        Text::new(self.notation.power(&base, &raised.text, raised.tightness == Tightness::Atom), Tightness::Factor)
    }

    fn side_by_side(&mut self, number: &Rational, factors: &[Expr]) -> Option<Text> {
        if number.is_one() {
            match *factors {
                [] => return None,
                [only] => return Some(self.text(only)),
                _ => {}
            }
        }
        // Sums come after names, and a function without a bracket comes last, for its argument reaches as far as it can.
        let mut ordered: Vec<Expr> = factors.to_vec();
        ordered.sort_by_key(|&factor| match self.context.node(factor) {
            Node::Add(_) => 1,
            Node::Call(Function::Log | Function::LogBase, _) => 2,
            _ => 0,
        });
        let mut parts: Vec<String> = if number.is_one() { Vec::new() } else { vec![self.number(number).text] };
        let count = ordered.len();
        for (position, factor) in ordered.into_iter().enumerate() {
            let last = position + 1 == count;
            let part = self.at_least(factor, if last { Tightness::OpenCall } else { Tightness::Factor });
            let digits = part.starts_with(|c: char| c.is_ascii_digit()) && !parts.is_empty();
            match (digits, self.notation) {
                (true, Notation::Latex) => parts.push(format!("\\cdot {part}")),
                (true, _) => parts.push(format!("* {part}")),
                _ => parts.push(part),
            }
        }
        let single = parts.len() == 1;
        Some(Text::new(parts.join(" "), if single { Tightness::Factor } else { Tightness::Product }))
    }

    fn reduction(&mut self, expr: Expr, reduction: Reduction, body: Expr) -> Text {
        let Some(index) = bound_index(self.context, expr) else { return Text::new("?", Tightness::Atom) };
        self.letters.bind(self.context, index);
        let letter = self.notation.name(&self.letters.of(index));
        let (condition, body) = self.condition_of_body(reduction, body);
        let words = match reduction {
            Reduction::Sum => ("\\sum", "sum", "Σ"),
            Reduction::Product => ("\\prod", "prod", "Π"),
            Reduction::Maximum => ("\\max", "max", "max"),
            Reduction::Minimum => ("\\min", "min", "min"),
            Reduction::LogSumExp => ("\\operatorname{lse}", "lse", "lse"),
        };
        let axis = self.context.axis(index.axis);
        let size = match axis.fixed {
            Some(size) => size.to_string(),
            None => self.notation.name(&axis.size_name),
        };
        let front = self.notation.operator(words, &letter, condition.as_deref(), &size);
        let short = !matches!(reduction, Reduction::Sum | Reduction::Product);
        let inner = self.text(body);
        let bracketed = short || inner.tightness < Tightness::Product;
        let inner = if bracketed { self.notation.bracket(&inner.text) } else { inner.text };
        self.letters.release();
        Text::new(format!("{front} {inner}"), if short { Tightness::Factor } else { Tightness::Product })
    }

    /// The condition of a masked reduction is written under its operator.
    fn condition_of_body(&mut self, reduction: Reduction, body: Expr) -> (Option<String>, Expr) {
        let Node::Select(condition, then, otherwise) = *self.context.node(body) else { return (None, body) };
        let neutral = match (reduction, self.context.node(otherwise)) {
            (Reduction::Sum, Node::Number(value)) => value.is_zero(),
            (Reduction::Product, Node::Number(value)) => value.is_one(),
            (Reduction::Maximum | Reduction::LogSumExp, Node::Constant(Constant::NegativeInfinity)) => true,
            (Reduction::Minimum, Node::Constant(Constant::Infinity)) => true,
            _ => false,
        };
        if neutral { (Some(self.condition(condition)), then) } else { (None, body) }
    }

    fn derivative(&mut self, body: Expr, target: Expr) -> Text {
        let target = self.top(target);
        if matches!(self.context.node(body), Node::Symbol(..)) {
            let entry = self.top(body);
            return Text::new(self.notation.derivative(None, Some(&entry), &target), Tightness::Factor);
        }
        let inner = self.at_least(body, Tightness::Product);
        Text::new(self.notation.derivative(Some(&inner), None, &target), Tightness::Product)
    }
}

/// A rational that is a short decimal: hundredths and the like, not halves and quarters.
fn decimal(value: &Rational) -> Option<String> {
    let denominator = value.denom().to_u64()?;
    let digits = (1..=9).find(|&digits| 10_u64.checked_pow(digits).is_some_and(|power| power % denominator == 0))?;
    if denominator <= 9 || denominator % 5 != 0 {
        return None;
    }
    let float = value.to_f64()?;
    Some(format!("{float:.*}", digits as usize))
}
