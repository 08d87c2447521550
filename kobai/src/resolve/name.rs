//! Names: indices or words in a subscript, sizes, constants, definitions, inputs.

use super::tensor::Tensor;
use super::{Local, Resolver};
use crate::expr::{Constant, Expr, Index, Node, Symbol, SymbolInformation};
use crate::formula::{Formula, Join, Kind, ScriptPart, Spelling};
use crate::function::Function;
use crate::source::{Diagnostic, Span};

/// What a part of a script turned out to be.
enum Part {
    /// Index expressions, one for each place.
    Places(Vec<Expr>),
    /// A part of the name.
    Word(Spelling),
}

impl Resolver<'_> {
    /// A name with its scripts: an entry of a tensor, or a number.
    pub(super) fn name(
        &mut self,
        base: &Spelling,
        subscripts: &[ScriptPart],
        superscripts: &[ScriptPart],
        span: Span,
    ) -> Tensor {
        if subscripts.is_empty() && superscripts.is_empty() {
            return self.bare_name(base, span);
        }
        if base.plain == "1"
            && let [size] = subscripts
        {
            return self.ones(super::reduce::size_name(&size.formula).as_ref());
        }
        let parts: Vec<&ScriptPart> = subscripts.iter().chain(superscripts).collect();
        let (name, places) = self.split_scripts(base, &parts);
        if places.is_empty() {
            if parts.iter().any(|part| matches!(letters_of(&part.formula), Some(letters) if letters.len() <= 2)) {
                self.note_word(&name, span);
            }
            return self.bare_name(&name, span);
        }
        if let Some(Local::Value(value)) = self.lookup(&name.plain).filter(|local| local.rank() > 0) {
            let value = value.clone();
            let value = self.renewed(value);
            return self.at_places(value, &places, span);
        }
        self.entry(&name, places, span)
    }

    /// The named tensor at places, which come before the axes that stay open; joins the axes of plain indices with those
    /// of the tensor.
    pub(super) fn entry(&mut self, name: &Spelling, mut places: Vec<Expr>, span: Span) -> Tensor {
        let written = places.len();
        let most = self.found.written.entry(name.plain.clone()).or_default();
        *most = written.max(*most);
        let defined = self.definition_with(name, written);
        if let Some(kind) = self.inputs.get(&name.plain)
            && kind.rank < written
            && defined.is_none()
        {
            let error = Diagnostic::error("rank-mismatch", span).with("name", &name.plain);
            let error = error.with("written", written.to_string()).with("given", kind.rank.to_string());
            return Tensor::scalar(self.fail(error));
        }
        let symbol = defined.unwrap_or_else(|| self.symbol(name, self.input_rank(name, written), span));
        let axes = self.context.symbol(symbol).axes.clone();
        if axes.len() < written {
            return Tensor::scalar(self.fail(Diagnostic::error("ranks-not-settled", span)));
        }
        let open: Vec<Index> = axes[written..].iter().map(|&axis| self.context.fresh_index(axis)).collect();
        if !open.is_empty() {
            self.note_whole(name, written, open.len(), span);
        }
        places.extend(open.iter().map(|&index| self.context.index(index)).collect::<Vec<_>>());
        for (place, &expr) in places.iter().enumerate() {
            let axis = self.context.symbol(symbol).axes[place];
            if let Node::Index(index) = *self.context.node(expr) {
                self.join(axis, index.axis, span);
            } else if let Some(index) = self.context.neighbour(expr) {
                self.neighbours.push((axis, index.axis, span));
            }
        }
        Tensor { value: self.context.entry(symbol, places), axes: open, row: false }
    }

    /// The definition that a name with so many indices means: the one with as many on its left side, else one that has
    /// enough axes.
    fn definition_with(&self, name: &Spelling, written: usize) -> Option<Symbol> {
        let rank = |symbol: &Symbol| self.context.symbol(*symbol).axes.len();
        let exact = self.defined.get(&(name.plain.clone(), written)).filter(|symbol| rank(symbol) >= written);
        if exact.is_some() || self.inputs.contains_key(&name.plain) {
            return exact.copied();
        }
        let others = self.defined.iter().filter(|((plain, _), symbol)| *plain == name.plain && rank(symbol) >= written);
        others.map(|(_, &symbol)| symbol).min()
    }

    /// The symbol of a name and rank, declared when first seen.
    pub(super) fn symbol(&mut self, name: &Spelling, rank: usize, span: Span) -> Symbol {
        let key = (name.plain.clone(), rank);
        // A definition may have turned out to have other axes than it was declared with.
        if let Some(&symbol) = self.symbols.get(&key).filter(|symbol| self.context.symbol(**symbol).axes.len() == rank)
        {
            return symbol;
        }
        let axes = (0..rank).map(|_| self.new_axis()).collect();
        let integer = self.inputs.get(&name.plain).is_some_and(|kind| kind.integer && kind.rank == rank);
        let information = SymbolInformation { name: name.clone(), axes, integer, defined: false };
        let symbol = self.context.declare_symbol(information);
        self.symbols.insert(key, symbol);
        self.symbol_spans.insert(symbol, span);
        symbol
    }

    fn bare_name(&mut self, name: &Spelling, span: Span) -> Tensor {
        match self.lookup(&name.plain).cloned() {
            Some(Local::Value(value)) => return self.renewed(value),
            Some(Local::Index { index, first }) => {
                let (index, first) = (self.context.index(index), self.context.integer(first));
                return Tensor::scalar(self.context.add(vec![index, first]));
            }
            None => {}
        }
        let known = self.defined.contains_key(&(name.plain.clone(), 0)) || self.inputs.contains_key(&name.plain);
        if known || self.symbols.contains_key(&(name.plain.clone(), 0)) {
            return self.entry(name, Vec::new(), span);
        }
        if self.is_size(name) {
            let axis = self.axis_of_size(name);
            return Tensor::scalar(self.context.size(axis));
        }
        match name.plain.as_str() {
            "e" => {
                let one = self.context.integer(1);
                Tensor::scalar(self.context.apply(Function::Exp, one))
            }
            "pi" => Tensor::scalar(self.context.constant(Constant::Pi)),
            "1" => self.ones(None),
            plain if (plain == "I" || plain.starts_with("I_")) && self.input_rank(name, 0) == 2 => self.identity(),
            _ => self.entry(name, Vec::new(), span),
        }
    }

    /// True if the name is the size of an axis.
    pub(super) fn is_size(&self, name: &Spelling) -> bool {
        self.size_names.contains_key(&name.plain) || self.means.values().any(|size| size.plain == name.plain)
    }

    /// True if the base of a power is Euler's number.
    pub(super) fn is_euler(&self, formula: &Formula) -> bool {
        let Kind::Name { base, subscripts, superscripts, .. } = &formula.kind else { return false };
        base.plain == "e"
            && subscripts.is_empty()
            && superscripts.is_empty()
            && self.lookup("e").is_none()
            && !self.inputs.contains_key("e")
            && !self.defined.contains_key(&("e".into(), 0))
            && !self.symbols.contains_key(&("e".into(), 0))
    }

    /// Splits scripts into places and parts of the name.
    pub(super) fn split_scripts(&mut self, base: &Spelling, parts: &[&ScriptPart]) -> (Spelling, Vec<Expr>) {
        let letters: usize =
            parts.iter().map(|part| letters_of(&part.formula).map_or(1, |letters| letters.len())).sum();
        let indexed = self.ranks.contains(&(base.plain.clone(), letters))
            || self.inputs.get(&base.plain).is_some_and(|kind| kind.rank == letters && letters > 0);
        let mut name = base.clone();
        let mut places = Vec::new();
        for part in parts {
            match self.script_part(part, indexed) {
                Part::Places(found) => places.extend(found),
                Part::Word(word) => name = with_word(&name, &word),
            }
        }
        (name, places)
    }

    fn script_part(&mut self, part: &ScriptPart, indexed: bool) -> Part {
        let word = Part::Word(part.spelling.clone());
        match &part.formula.kind {
            Kind::Text(_) | Kind::Number(_) | Kind::Error => word,
            _ => match letters_of(&part.formula) {
                Some(letters) => self.letters_part(part, &letters, indexed),
                None => {
                    let place = self.integer_expression(&part.formula);
                    Part::Places(vec![place])
                }
            },
        }
    }

    /// A run of letters: indices if all are bound, a word if none is; a mixture lacks a binder.
    fn letters_part(&mut self, part: &ScriptPart, letters: &[(Spelling, Span)], indexed: bool) -> Part {
        let bound = letters.iter().filter(|(letter, _)| self.is_index_like(&letter.plain)).count();
        if bound == 0 && !indexed {
            return Part::Word(part.spelling.clone());
        }
        let places = letters.iter().map(|(letter, span)| self.letter_place(letter, *span)).collect();
        Part::Places(places)
    }

    fn is_index_like(&self, letter: &str) -> bool {
        match self.lookup(letter) {
            Some(Local::Index { .. }) => true,
            Some(Local::Value(_)) => false,
            None => self.inputs.get(letter).is_some_and(|kind| kind.integer && kind.rank == 0),
        }
    }

    pub(super) fn letter_place(&mut self, letter: &Spelling, span: Span) -> Expr {
        match self.lookup(&letter.plain).cloned() {
            Some(Local::Index { index, .. }) => self.context.index(index),
            Some(Local::Value(value)) => self.number_of(value, span),
            None if self.inputs.get(&letter.plain).is_some_and(|kind| kind.integer) => {
                let tensor = self.entry(letter, Vec::new(), span);
                let expr = self.number_of(tensor, span);
                self.mark_integers(expr);
                expr
            }
            None => self.fail(Diagnostic::error("undefined-index", span).with("index", &letter.plain)),
        }
    }

    /// An integer expression in a place: an entry of an integer tensor, or arithmetic on indices (from 0).
    pub(super) fn integer_expression(&mut self, formula: &Formula) -> Expr {
        match &formula.kind {
            Kind::Name { base, subscripts, superscripts, .. } if subscripts.is_empty() && superscripts.is_empty() => {
                self.letter_place(base, formula.span)
            }
            Kind::Number(value) => self.context.number(value.clone()),
            Kind::Sum(terms) => {
                let terms: Vec<Expr> = terms
                    .iter()
                    .map(|(negative, term)| {
                        let value = self.integer_expression(term);
                        if *negative { self.context.negate(value) } else { value }
                    })
                    .collect();
                self.context.add(terms)
            }
            Kind::Group(_, inner) => self.integer_expression(inner),
            _ => {
                let value = self.expression(formula);
                self.mark_integers(value);
                value
            }
        }
    }

    /// Marks the tensors of a gather as holding integers.
    fn mark_integers(&mut self, expr: Expr) {
        if let Node::Symbol(symbol, _) = *self.context.node(expr) {
            self.context.symbols[symbol.0 as usize].integer = true;
        }
    }
}

/// The letters of a script part that is a run of plain letters (`ik`, `i\,k`, `j'`).
pub(super) fn letters_of(formula: &Formula) -> Option<Vec<(Spelling, Span)>> {
    match &formula.kind {
        Kind::Name { base, subscripts, superscripts, opaque: false }
            if subscripts.is_empty() && superscripts.is_empty() =>
        {
            Some(vec![(base.clone(), formula.span)])
        }
        Kind::Product(factors) => {
            let mut letters = Vec::new();
            for (join, factor) in factors {
                if *join != Join::Juxtaposed {
                    return None;
                }
                letters.extend(letters_of(factor)?);
            }
            Some(letters)
        }
        _ => None,
    }
}

/// A name with a word of its subscript.
pub(super) fn with_word(name: &Spelling, word: &Spelling) -> Spelling {
    let latex = match name.latex.strip_suffix('}').filter(|_| name.latex.contains("_{")) {
        Some(open) => format!("{open},{}}}", word.latex),
        None => format!("{}_{{{}}}", name.latex, word.latex),
    };
    Spelling { plain: format!("{}_{}", name.plain, word.plain), latex }
}
