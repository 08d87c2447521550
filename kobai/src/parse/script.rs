//! Names with their scripts, accents and fonts.

use super::commands;
use super::letters;
use super::parser::Parser;
use super::token::{Token, TokenKind};
use crate::formula::{Bracket, Formula, Join, Kind, ScriptPart, Spelling};
use crate::source::{Diagnostic, Span};

/// A name while its scripts are read.
struct Name {
    base: Spelling,
    subscripts: Vec<ScriptPart>,
    superscripts: Vec<ScriptPart>,
    exponent: Option<Formula>,
    transposed: bool,
    lowered: bool,
    raised: bool,
}

/// Scripts of one sign that are part of a name: sign, plain text.
const SIGNS: &[(&str, &str)] =
    &[("*", "star"), ("+", "plus"), ("-", "minus"), (r"\dagger", "dagger"), (r"\circ", "circ")];

impl<'a> Parser<'a, '_> {
    /// A name that begins with a letter or a command.
    pub fn letter(&mut self) -> Formula {
        let Some(token) = self.advance() else {
            return Formula::new(Kind::Error, self.end);
        };
        let plain = letters::name_of_command(token.text).unwrap_or(token.text);
        let base = Spelling { plain: plain.into(), latex: token.text.into() };
        self.scripted(base, Vec::new(), Vec::new(), token.span)
    }

    /// The scripts of a name, and what a bracket after it makes of it.
    pub fn scripted(
        &mut self,
        base: Spelling,
        subscripts: Vec<ScriptPart>,
        superscripts: Vec<ScriptPart>,
        start: Span,
    ) -> Formula {
        let (lowered, raised) = (!subscripts.is_empty(), !superscripts.is_empty());
        let mut name = Name { base, subscripts, superscripts, exponent: None, transposed: false, lowered, raised };
        loop {
            match self.text() {
                "'" => {
                    self.advance();
                    prime(&mut name.base);
                }
                "_" => self.lower_name(&mut name),
                "^" if !self.plain() && !self.raise_name(&mut name) => break,
                "^" if !self.plain() => {}
                _ => break,
            }
        }
        self.finish_name(name, start)
    }

    fn lower_name(&mut self, name: &mut Name) {
        let place = self.here();
        self.advance();
        if name.lowered {
            self.diagnostics.push(
                Diagnostic::error("double-subscript", place.to(self.here()))
                    .with("name", self.written(place.to(self.here()))),
            );
        }
        if let Some((token, count)) = self.short_script()
            && let Some((sign, plain)) = SIGNS.iter().find(|row| row.0 == token.text)
        {
            self.position += count;
            mark(&mut name.base, '_', sign, plain);
        } else {
            let parts = self.subscript_parts();
            if !name.lowered {
                name.subscripts = parts;
            }
        }
        name.lowered = true;
    }

    /// A superscript of a name; false if it is one too many, which is for the caller to report.
    fn raise_name(&mut self, name: &mut Name) -> bool {
        let start = self.position;
        self.advance();
        if let Some((token, count)) = self.short_script() {
            if token.text == r"\prime" {
                self.position += count;
                prime(&mut name.base);
                return true;
            }
            let adjoining = self
                .peek_at(count)
                .is_some_and(|next| next.kind == TokenKind::Number && next.span.start == token.span.end);
            if let Some((sign, plain)) = SIGNS.iter().find(|row| row.0 == token.text)
                && !adjoining
            {
                self.position += count;
                mark(&mut name.base, '^', sign, plain);
                return true;
            }
        }
        if name.raised {
            self.position = start;
            return false;
        }
        name.raised = true;
        if self.transposes() {
            self.script_argument();
            name.transposed = true;
            return true;
        }
        let first = self.position;
        let script = self.script_argument();
        match script.kind {
            Kind::Group(Bracket::Round, inner) if is_index(&inner) && name.base.plain != "e" => {
                let spelling = self.spelling_of(first, self.position);
                let plain = spelling.plain.trim_matches(['(', ')']).to_owned();
                name.superscripts = vec![ScriptPart { formula: *inner, spelling: Spelling { plain, ..spelling } }];
            }
            _ => name.exponent = Some(script),
        }
        true
    }

    fn finish_name(&mut self, name: Name, start: Span) -> Formula {
        let span = self.since(start);
        let Name { base, subscripts, superscripts, exponent, transposed, .. } = name;
        if !self.left_side && !transposed && self.at_open_bracket() && superscripts.is_empty() {
            if let Some(function) = self.function_of(&base, &subscripts, exponent.is_some()) {
                return self.applied(function, span, None, exponent);
            }
            if exponent.is_none() && self.bracket_has_bar() {
                return self.opaque(span);
            }
        }
        let unraised = exponent.is_none() && !transposed && superscripts.is_empty();
        if unraised
            && base.plain == "delta"
            && !self.known.names.contains("delta")
            && let Some((left, right)) = two_indices(&subscripts)
        {
            return Formula::new(Kind::Delta(Box::new(left), Box::new(right)), span);
        }
        let formula = Formula::new(Kind::Name { base, subscripts, superscripts, opaque: false }, span);
        match exponent {
            Some(exponent) => Formula::new(Kind::Power(Box::new(formula), Box::new(exponent)), span),
            None if transposed => Formula::new(Kind::Transpose(Box::new(formula)), span),
            None => formula,
        }
    }

    /// The function that a name before a bracket is, if it is one.
    fn function_of(&self, base: &Spelling, subscripts: &[ScriptPart], raised: bool) -> Option<String> {
        let full = full_name(base, subscripts);
        if self.known.functions.contains(&full) {
            return Some(full);
        }
        if raised {
            return None;
        }
        match full.as_str() {
            "D_KL" => return Some("kl".into()),
            "psi_1" => return Some("trigamma".into()),
            _ => {}
        }
        let undefined = subscripts.is_empty() && !self.known.names.contains(&base.plain);
        commands::function_letter(&base.plain).filter(|_| undefined).map(str::to_owned)
    }

    /// True if the bracket at the position has a lone bar inside, as in `p(x | z)`.
    pub fn bracket_has_bar(&self) -> bool {
        let Some(close) = self.matching_close().filter(|_| self.at("(")) else {
            return false;
        };
        let mut depth = 0_usize;
        let mut bars = 0_usize;
        for token in self.tokens.get(self.position + 1..close).unwrap_or_default() {
            if token.is_verbatim() {
                continue;
            }
            match token.text {
                r"\mid" if depth == 0 => return true,
                "|" if depth == 0 => bars += 1,
                text if commands::closing(text).is_some() => depth += 1,
                text if commands::is_closing(text) => depth = depth.saturating_sub(1),
                _ => {}
            }
        }
        bars % 2 == 1
    }

    /// One opaque name with its arguments.
    pub fn opaque(&mut self, start: Span) -> Formula {
        let first = self
            .tokens
            .iter()
            .take(self.position)
            .rposition(|token| token.span.start <= start.start)
            .unwrap_or(self.position);
        self.position = self.matching_close().map_or(self.tokens.len(), |close| close + 1);
        let base = Spelling { latex: self.written(self.since(start)).into(), ..self.spelling_of(first, self.position) };
        let span = self.since(start);
        Formula::new(Kind::Name { base, subscripts: Vec::new(), superscripts: Vec::new(), opaque: true }, span)
    }

    /// The parts of a subscript, after its `_`.
    pub fn subscript_parts(&mut self) -> Vec<ScriptPart> {
        let outer = std::mem::replace(&mut self.in_script, true);
        let mut parts = Vec::new();
        if let Some(open) = self.accept("{") {
            self.inside(|parser| {
                while !parser.at("}") && parser.peek().is_some() {
                    let first = parser.position;
                    let formula = parser.sum();
                    parts.extend(parser.side_by_side(formula, first));
                    if parser.accept(",").is_none() && parser.accept(";").is_none() {
                        break;
                    }
                }
            });
            self.close(open, "}");
        } else {
            let first = self.position;
            let formula = self.script_argument();
            let spelling = self.spelling_of(first, self.position);
            parts.push(ScriptPart { formula, spelling });
        }
        self.in_script = outer;
        parts
    }

    /// One part of a subscript in braces.
    pub fn script_part(&mut self) -> ScriptPart {
        let first = self.position;
        let formula = self.sum();
        ScriptPart { formula, spelling: self.spelling_of(first, self.position) }
    }

    /// The places that stand side by side in a part, as in `i y_i`, where one of them has a script: runs of letters, and
    /// entries. A part without scripts is a run of letters or a word as a whole, and one with a number is arithmetic.
    /// A part is spelt once it is known, since a group that is never closed goes to the end of the text at each of its depths.
    fn side_by_side(&self, formula: Formula, first: usize) -> Vec<ScriptPart> {
        let are_places = are_places(&formula);
        let factors = match formula.kind {
            Kind::Product(factors) if are_places => factors,
            _ => return vec![ScriptPart { formula, spelling: self.spelling_of(first, self.position) }],
        };
        let mut parts: Vec<Vec<(Join, Formula)>> = Vec::new();
        for factor in factors {
            let is_letter = !has_script(&factor.1);
            match parts.last_mut().filter(|run| run.last().is_some_and(|(_, before)| is_letter && !has_script(before)))
            {
                Some(letters) => letters.push(factor),
                None => parts.push(vec![factor]),
            }
        }
        parts.into_iter().map(|factors| self.part_of(factors)).collect()
    }

    /// Factors as a part of their own.
    fn part_of(&self, mut factors: Vec<(Join, Formula)>) -> ScriptPart {
        let ends = factors.first().zip(factors.last()).map(|((_, first), (_, last))| first.span.to(last.span));
        let span = ends.unwrap_or_default();
        let first = self.tokens.partition_point(|token| token.span.start < span.start);
        let end = self.tokens.partition_point(|token| token.span.end <= span.end);
        let formula = match factors.len() {
            1 => factors.remove(0).1,
            _ => Formula::new(Kind::Product(factors), span),
        };
        ScriptPart { formula, spelling: self.spelling_of(first, end) }
    }

    /// TeX's argument: a group in braces, or one token.
    pub fn script_argument(&mut self) -> Formula {
        let Some(token) = self.peek() else {
            return self.missing("missing-argument", "name", "", self.end);
        };
        match token.kind {
            TokenKind::Symbol if token.text == "{" => {
                self.advance();
                if self.at("}") {
                    let span = token.span.to(self.here());
                    self.advance();
                    return self.missing("missing-argument", "name", "{}", span);
                }
                let outer = std::mem::take(&mut self.bars);
                let inner = self.nested(Parser::relation);
                self.bars = outer;
                self.close(token, "}");
                inner
            }
            TokenKind::Number => self.digit(token),
            TokenKind::Letter | TokenKind::Command if self.is_name(token) => {
                self.advance();
                let plain = letters::name_of_command(token.text).unwrap_or(token.text);
                let base = Spelling { plain: plain.into(), latex: token.text.into() };
                Formula::new(
                    Kind::Name { base, subscripts: Vec::new(), superscripts: Vec::new(), opaque: false },
                    token.span,
                )
            }
            TokenKind::Symbol if ["+", "-"].contains(&token.text) => {
                self.advance();
                self.fail(Diagnostic::error("script-needs-braces", token.span).with("symbol", token.text))
            }
            _ if [r"\top", "*", r"\prime"].contains(&token.text) => {
                self.advance();
                Formula::new(Kind::Text(token.text.into()), token.span)
            }
            _ if self.at_operand() => self.nested(Parser::primary),
            _ => self.missing("missing-argument", "name", token.text, token.span),
        }
    }

    /// One digit of a number, as TeX takes it.
    fn digit(&mut self, token: Token<'a>) -> Formula {
        let text = token.text.get(..1).unwrap_or(token.text);
        let rest = token.text.get(1..).unwrap_or_default();
        let split = token.span.start + 1;
        match self.tokens.get_mut(self.position) {
            // What is left of `1.5` or `1e3` after a digit is another number only if it begins with a digit.
            Some(left) if rest.starts_with(|next: char| next.is_ascii_digit()) => {
                left.text = rest;
                left.span = Span::new(split, token.span.end);
                self.number_value(text, Span::new(token.span.start, split))
            }
            _ => {
                self.advance();
                self.number_value(token.text, token.span)
            }
        }
    }

    pub fn is_name(&self, token: Token<'a>) -> bool {
        token.kind == TokenKind::Letter || letters::name_of_command(token.text).is_some()
    }

    /// The one token of a script that matters, braces and fonts aside, with how many tokens the script takes.
    pub fn short_script(&self) -> Option<(Token<'a>, usize)> {
        let braced = self.at("{");
        let mut ahead = usize::from(braced);
        if self.peek_at(ahead).is_some_and(|token| letters::is_font(token.text)) {
            ahead += 1;
        }
        let token = self.peek_at(ahead)?;
        let ends = !braced || self.peek_at(ahead + 1).is_some_and(|close| close.text == "}");
        (ends && token.text != "{").then_some((token, ahead + 1 + usize::from(braced)))
    }

    /// True if the superscript at the position transposes.
    pub fn transposes(&self) -> bool {
        let Some((token, _)) = self.short_script() else {
            return false;
        };
        let value = self.known.value_t || self.known.names.contains("T");
        let letter = matches!(token.kind, TokenKind::Letter | TokenKind::Word) && token.text == "T";
        token.text == r"\top" || (token.kind == TokenKind::Roman && token.text == "T") || (letter && !value)
    }

    /// A name under an accent or in a font.
    pub fn decorated(&mut self) -> Formula {
        let Some(command) = self.advance() else {
            return Formula::new(Kind::Error, self.end);
        };
        let accent = letters::accent(command.text);
        let inner = self.script_argument();
        let written = self.written(inner.span);
        let span = self.since(command.span);
        let word = word_of(&inner);
        match (inner.kind, word) {
            (Kind::Name { base, subscripts, superscripts, opaque: false }, _) => {
                let plain = accent.map_or_else(|| base.plain.clone(), |accent| format!("{}_{accent}", base.plain));
                let base = Spelling { plain, latex: format!("{}{{{}}}", command.text, base.latex) };
                self.scripted(base, subscripts, superscripts, span)
            }
            (_, Some(word)) => {
                let plain = accent.map_or_else(|| word.clone(), |accent| format!("{word}_{accent}"));
                let base = Spelling { plain, latex: format!("{}{{{written}}}", command.text) };
                self.scripted(base, Vec::new(), Vec::new(), span)
            }
            (Kind::Error, _) => Formula::new(Kind::Error, span),
            (kind, None) if accent.is_none() => Formula::new(kind, span),
            _ => self.fail(Diagnostic::error("accent-on-expression", span).with("name", command.text)),
        }
    }

    /// How tokens read as a word: in plain text and in LaTeX.
    pub fn spelling_of(&self, first: usize, end: usize) -> Spelling {
        let tokens = self.tokens.get(first..end).unwrap_or_default();
        let place = match (tokens.first(), tokens.last()) {
            (Some(first), Some(last)) => first.span.to(last.span),
            _ => Span::default(),
        };
        if let [token] = tokens
            && token.kind == TokenKind::Number
        {
            // A lowered digit such as ₁ is that digit.
            return Spelling { plain: token.text.into(), latex: token.text.into() };
        }
        let braced = tokens.first().is_some_and(|token| token.text == "{");
        let written = self.written(place);
        let latex = if braced { written.trim_start_matches('{').trim_end_matches('}').trim() } else { written };
        Spelling { plain: plain_text(tokens), latex: latex.into() }
    }
}

/// Whether a part is names side by side of which one has a script.
fn are_places(part: &Formula) -> bool {
    let Kind::Product(factors) = &part.kind else { return false };
    let joined = factors.iter().skip(1).all(|(join, _)| *join == Join::Juxtaposed);
    let names = factors.iter().all(|(_, factor)| matches!(factor.kind, Kind::Name { .. }));
    joined && names && factors.iter().any(|(_, factor)| has_script(factor))
}

/// Whether a formula is a name with indices.
fn has_script(formula: &Formula) -> bool {
    matches!(&formula.kind, Kind::Name { subscripts, superscripts, .. } if !(subscripts.is_empty() && superscripts.is_empty()))
}

/// Tokens as one word of plain text: accents and primes follow their letter, fonts and braces drop.
fn plain_text(tokens: &[Token<'_>]) -> String {
    let mut plain = String::new();
    let mut depth = 0_usize;
    let mut accents: Vec<(usize, &str)> = Vec::new();
    for token in tokens {
        if let Some(accent) = letters::accent(token.text) {
            accents.push((depth, accent));
            continue;
        }
        match token.text {
            "{" => depth += 1,
            "}" => depth = depth.saturating_sub(1),
            "'" | r"\prime" => plain.push_str("_prime"),
            r"\mid" | r"\|" => plain.push('|'),
            text if letters::is_font(text) => continue,
            text if token.is_words() => plain.push_str(&text.replace(' ', "_")),
            text => plain.push_str(text.trim_start_matches('\\')),
        }
        if token.text != "{" {
            while let Some((_, accent)) = accents.pop_if(|(level, _)| *level == depth) {
                plain.push('_');
                plain.push_str(accent);
            }
        }
    }
    plain
}

/// A name and the words of its subscript, as one word.
pub(super) fn full_name(base: &Spelling, subscripts: &[ScriptPart]) -> String {
    subscripts.iter().fold(base.plain.clone(), |name, part| format!("{name}_{}", part.spelling.plain))
}

fn prime(base: &mut Spelling) {
    base.plain.push_str("_prime");
    base.latex.push('\'');
}

fn mark(base: &mut Spelling, script: char, sign: &str, plain: &str) {
    base.plain = format!("{}_{plain}", base.plain);
    base.latex = format!("{}{script}{{{sign}}}", base.latex);
}

/// What may stand as an index in a superscript in parentheses: a name, a number, a word, or a name and a number.
fn is_index(formula: &Formula) -> bool {
    match &formula.kind {
        Kind::Name { subscripts, superscripts, .. } => subscripts.is_empty() && superscripts.is_empty(),
        Kind::Number(_) | Kind::Text(_) => true,
        Kind::Sum(terms) => match &terms[..] {
            [(false, name), (_, number)] => {
                matches!(name.kind, Kind::Name { .. }) && matches!(number.kind, Kind::Number(_))
            }
            _ => false,
        },
        Kind::Product(factors) => {
            factors.iter().all(|(join, factor)| *join == Join::Juxtaposed && matches!(factor.kind, Kind::Name { .. }))
        }
        _ => false,
    }
}

/// The two indices of a Kronecker delta.
fn two_indices(subscripts: &[ScriptPart]) -> Option<(Formula, Formula)> {
    match subscripts {
        [left, right] => Some((left.formula.clone(), right.formula.clone())),
        [both] => match &both.formula.kind {
            Kind::Product(factors) => match &factors[..] {
                [(_, left), (Join::Juxtaposed, right)] => Some((left.clone(), right.clone())),
                _ => None,
            },
            _ => None,
        },
        _ => None,
    }
}

/// Letters side by side, as one word.
fn word_of(formula: &Formula) -> Option<String> {
    match &formula.kind {
        Kind::Product(factors) => {
            let letter = |(join, factor): &(Join, Formula)| match &factor.kind {
                Kind::Name { base, subscripts, superscripts, opaque: false }
                    if *join == Join::Juxtaposed && subscripts.is_empty() && superscripts.is_empty() =>
                {
                    Some(base.plain.clone())
                }
                _ => None,
            };
            factors.iter().map(letter).collect()
        }
        Kind::Text(word) => Some(word.clone()),
        _ => None,
    }
}
