//! Letters for indices: the author's where they are free, others where not.

use crate::expr::{Context, Expr, Index, Node, Variable};
use crate::formula::Spelling;

/// Letters to fall back on.
const SPARE: [&str; 10] = ["i", "j", "k", "l", "m", "n", "p", "q", "r", "s"];

/// The letters in use, outermost binder first.
pub struct Letters {
    used: Vec<(Index, Spelling)>,
    /// Names that an index may not take: those of scalars in the expression.
    taken: Vec<String>,
}

impl Letters {
    /// Letters for the free indices of an expression.
    pub fn new(context: &Context, expr: Expr) -> Letters {
        let scalars = context.symbols_in(expr).into_iter().map(|symbol| context.symbol(symbol));
        let taken = scalars.filter(|symbol| symbol.axes.is_empty()).map(|symbol| symbol.name.plain.clone()).collect();
        let mut letters = Letters { used: Vec::new(), taken };
        let free = context.free_indices_in_order(expr);
        // Those with a name of their own come first, so that no other takes it; among these the older ones, so that an
        // index keeps its letter from step to step.
        let (mut named, unnamed): (Vec<Index>, Vec<Index>) = free.into_iter().partition(|&index| context.index_name(index).is_some());
        named.sort();
        for index in named {
            match context.index_name(index).filter(|name| !letters.in_use(&name.plain)).cloned() {
                Some(name) => letters.used.push((index, name)),
                None => letters.bind(context, index),
            }
        }
        for index in unnamed {
            letters.bind(context, index);
        }
        letters
    }

    fn in_use(&self, letter: &str) -> bool {
        self.used.iter().any(|(_, name)| name.plain == letter) || self.taken.iter().any(|name| name == letter)
    }

    /// Finds a letter for an index.
    pub fn bind(&mut self, context: &Context, index: Index) {
        let own = &context.axis(index.axis).letters;
        let primed = own.iter().map(|letter| Spelling { plain: format!("{}_prime", letter.plain), latex: format!("{}'", letter.latex) });
        let spare = SPARE.iter().map(|letter| Spelling { plain: (*letter).to_owned(), latex: (*letter).to_owned() });
        let letter = own.iter().cloned().chain(primed).chain(spare).find(|letter| !self.in_use(&letter.plain));
        let letter = letter.unwrap_or_else(|| {
            let name = format!("i{}", self.used.len());
            Spelling { latex: format!("i_{{{}}}", self.used.len()), plain: name }
        });
        self.used.push((index, letter));
    }

    /// Ends the scope of the last index bound.
    pub fn release(&mut self) {
        self.used.pop();
    }

    /// The letter of an index.
    pub fn of(&self, index: Index) -> Spelling {
        let found = self.used.iter().rev().find(|(known, _)| *known == index);
        found.map_or_else(|| Spelling { plain: "?".into(), latex: "?".into() }, |(_, letter)| letter.clone())
    }
}

/// The index that a reduction binds, as it occurs in its body.
pub fn bound_index(context: &Context, expr: Expr) -> Option<Index> {
    match *context.node(expr) {
        Node::Reduce(_, axis, _) => Some(Index { variable: Variable::Bound(context.height_of(expr)), axis }),
        _ => None,
    }
}
