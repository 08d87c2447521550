//! What must hold of an expression after every pass: ranks and axes of entries, scopes of bound indices, free indices.

use super::{Context, Expr, Index, Node, Variable};

impl Context {
    /// True if the expression is well formed and has no free index but these. Passes assert it of what they give, in
    /// builds with debug assertions.
    pub fn is_well_formed(&self, expr: Expr, free: &[Index]) -> bool {
        self.free_indices(expr).iter().all(|index| free.contains(index)) && self.parts_fit(expr)
    }

    /// Every entry has as many places as its symbol has axes, and a plain index stands only where its axis does.
    fn parts_fit(&self, expr: Expr) -> bool {
        let misfit = |node: &Node| match node {
            Node::Symbol(symbol, places) => {
                let axes = &self.symbol(*symbol).axes;
                let fits = |(&place, axis): (&Expr, &super::Axis)| match self.node(place) {
                    Node::Index(index) => index.axis == *axis,
                    _ => true,
                };
                places.len() != axes.len() || !places.iter().zip(axes).all(fits)
            }
            _ => false,
        };
        !self.any(expr, &misfit)
            && self.free_indices(expr).iter().all(|index| matches!(index.variable, Variable::Free(_)))
    }
}
