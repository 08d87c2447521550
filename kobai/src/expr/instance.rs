//! Finding in a sum the terms of a log-sum-exp's body at one place, so that both are added up, and rounded, alike.

use super::{Context, Expr, Index, Node};

impl Context {
    /// The positions of the terms that are the body's with one and the same thing in the place of the index, in the
    /// body's order; `None` if not all are there.
    pub fn instance_among(&self, body: Expr, index: Index, terms: &[Expr]) -> Option<Vec<usize>> {
        match *self.node(body) {
            // Where the selection is settled, what was selected stands alone.
            Node::Select(_, then, _) => self.instance_among(then, index, terms),
            _ => {
                let (mut place, mut used) = (None, Vec::new());
                for &part in self.terms(body) {
                    let position = (0..terms.len()).filter(|position| !used.contains(position)).find_map(|position| {
                        let mut found = place;
                        self.is_instance(part, terms[position], index, &mut found).then_some((position, found))
                    });
                    let (position, found) = position?;
                    place = found;
                    used.push(position);
                }
                Some(used)
            }
        }
    }

    fn terms(&self, body: Expr) -> &[Expr] {
        match self.node(body) {
            Node::Add(terms) => terms,
            _ => &[],
        }
    }

    /// Whether `instance` is the part with something in the place of the index, which is noted or compared.
    fn is_instance(&self, part: Expr, instance: Expr, index: Index, place: &mut Option<Expr>) -> bool {
        if !self.mentions(part, index) {
            return part == instance;
        }
        match (self.node(part), self.node(instance)) {
            (Node::Index(_), Node::Index(_) | Node::Symbol(..) | Node::Number(_)) => {
                *place.get_or_insert(instance) == instance
            }
            (Node::Symbol(a, x), Node::Symbol(b, y)) if a == b => self.are_instances(x, y, index, place),
            (Node::Call(f, x), Node::Call(g, y)) if f == g => self.are_instances(x, y, index, place),
            (Node::Reduce(f, a, x), Node::Reduce(g, b, y)) if (f, a) == (g, b) => {
                self.is_instance(*x, *y, index, place)
            }
            (Node::Power(a, b), Node::Power(x, y)) => self.are_instances(&[*a, *b], &[*x, *y], index, place),
            (Node::Compare(f, a, b), Node::Compare(g, x, y)) if f == g => {
                self.are_instances(&[*a, *b], &[*x, *y], index, place)
            }
            (Node::Select(a, b, c), Node::Select(x, y, z)) => {
                self.are_instances(&[*a, *b, *c], &[*x, *y, *z], index, place)
            }
            (Node::Mul(x), Node::Mul(y)) | (Node::Add(x), Node::Add(y)) => {
                self.are_instances_in_any_order(x, y, index, place)
            }
            _ => false,
        }
    }

    fn are_instances(&self, parts: &[Expr], instances: &[Expr], index: Index, place: &mut Option<Expr>) -> bool {
        parts.len() == instances.len()
            && parts.iter().zip(instances).all(|(&part, &instance)| self.is_instance(part, instance, index, place))
    }

    fn are_instances_in_any_order(
        &self,
        parts: &[Expr],
        instances: &[Expr],
        index: Index,
        place: &mut Option<Expr>,
    ) -> bool {
        let mut left: Vec<Expr> = instances.to_vec();
        parts.len() == instances.len()
            && parts.iter().all(|&part| {
                let position = left.iter().position(|&instance| {
                    let mut found = *place;
                    let fits = self.is_instance(part, instance, index, &mut found);
                    if fits {
                        *place = found;
                    }
                    fits
                });
                position.map(|position| left.swap_remove(position)).is_some()
            })
    }
}
