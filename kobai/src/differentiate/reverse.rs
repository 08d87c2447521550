//! Reverse mode in index notation: the gradient with respect to many parameters at the cost of a few evaluations.
//!
//! The loss is taken apart into families: each reduction, up to the names of its free indices, is one. Σ_d x_id W_dk and
//! Σ_d x_id W_dj are one family, and so is its instance Σ_d x_id W_{d,y_i}. From the outermost inwards each family gathers
//! what its uses contribute to its adjoint, as one expression in its own indices, before it passes it on; so each is
//! visited once, however often it is used (Griewank & Walther 2008, section 3.2, in index notation). The entries of a
//! direction v/|v| are a family too, which passes on to the vector at once.

use super::derivative_of;
use super::direction::{Direction, directions, written_out};
use crate::expr::{Axis, Constant, Context, Expr, Index, Node, Reduction, Symbol};
use crate::formula::Relation;
use crate::function::Function;
use crate::rewrite::bounds::places_for;
use crate::rewrite::simplify::{factor_common, simplify_sums, sum_over};
use rustc_hash::FxHashMap;
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

/// The gradient with respect to one symbol.
#[derive(Clone, Debug)]
pub struct Gradient {
    /// With respect to what.
    pub symbol: Symbol,
    /// An index for each place of the symbol.
    pub indices: Vec<Index>,
    /// `∂ loss / ∂ symbol[indices]`.
    pub value: Expr,
}

/// Something that a pass may do with each adjoint once it is complete.
pub type Tidy<'a> = &'a dyn Fn(&mut Context, Expr) -> Expr;

/// The gradient of a scalar expression in inputs with respect to each of the symbols.
pub fn gradient(context: &mut Context, loss: Expr, symbols: &[Symbol], tidy: Tidy) -> Vec<Gradient> {
    let (loss, directions) = directions(context, loss, symbols);
    let mut reverse = Reverse::new(context, symbols, directions, tidy);
    reverse.discover(loss);
    let one = reverse.context.integer(1);
    reverse.elementwise(loss, &[], one);
    while let Some(family) = reverse.next_family() {
        reverse.pass_on(family);
    }
    reverse.results()
}

/// A term of an adjoint: a value to be summed over extra indices.
struct Contribution {
    extra: Vec<Index>,
    value: Expr,
}

struct Family {
    /// The reduction, or the entry of a direction, in the family's own indices.
    key: Expr,
    indices: Vec<Index>,
    contributions: Vec<Contribution>,
    /// The height of the key with directions written out.
    height: u16,
    done: bool,
}

struct Target {
    symbol: Symbol,
    indices: Vec<Index>,
    contributions: Vec<Contribution>,
}

struct Reverse<'a> {
    context: &'a mut Context,
    targets: Vec<Target>,
    directions: Rc<[Direction]>,
    families: Vec<Family>,
    by_key: FxHashMap<Expr, usize>,
    /// The family's own indices, by position and axis.
    own_indices: FxHashMap<(usize, Axis), Index>,
    depends: FxHashMap<Expr, bool>,
    tidy: Tidy<'a>,
}

impl<'a> Reverse<'a> {
    fn new(context: &'a mut Context, symbols: &[Symbol], directions: Vec<Direction>, tidy: Tidy<'a>) -> Reverse<'a> {
        let targets = symbols
            .iter()
            .map(|&symbol| {
                let axes = context.symbol(symbol).axes.clone();
                let indices = axes.into_iter().map(|axis| context.fresh_index(axis)).collect();
                Target { symbol, indices, contributions: Vec::new() }
            })
            .collect();
        let (families, by_key, own_indices, depends) = Default::default();
        Reverse { context, targets, directions: directions.into(), families, by_key, own_indices, depends, tidy }
    }

    fn depends(&mut self, expr: Expr) -> bool {
        if let Some(&known) = self.depends.get(&expr) {
            return known;
        }
        let result = match self.context.node(expr) {
            Node::Symbol(symbol, _) => {
                self.targets.iter().any(|target| target.symbol == *symbol) || self.direction_of(expr).is_some()
            }
            // Places, comparisons and stopped gradients have no derivative.
            Node::Delta(..) | Node::Compare(..) | Node::Call(Function::StopGradient | Function::Sign, _) => false,
            _ => self.context.children(expr).into_iter().any(|child| self.depends(child)),
        };
        self.depends.insert(expr, result);
        result
    }

    /// Finds all families before any is asked for, so that an instance finds the family it belongs to.
    fn discover(&mut self, expr: Expr) {
        if !self.depends(expr) {
            return;
        }
        if let Node::Reduce(..) = self.context.node(expr) {
            let (key, indices, _) = self.abstracted(expr);
            if self.adds_family(key, indices)
                && let Some(opened) = self.context.open(key)
            {
                self.discover(opened.body);
            }
            return;
        }
        if let Some(direction) = self.direction_of(expr) {
            let direction = &Rc::clone(&self.directions)[direction];
            let key = direction.entry(self.context);
            if self.adds_family(key, direction.indices()) {
                self.discover(direction.vector);
            }
            return;
        }
        for child in self.context.children(expr) {
            self.discover(child);
        }
    }

    /// Adds a family, unless it is there.
    fn adds_family(&mut self, key: Expr, indices: Vec<Index>) -> bool {
        if self.by_key.contains_key(&key) {
            return false;
        }
        self.by_key.insert(key, self.families.len());
        let plain = written_out(self.context, key, &self.directions);
        let height = self.context.height_of(plain);
        self.families.push(Family { key, indices, contributions: Vec::new(), height, done: false });
        true
    }

    /// The direction that an expression is an entry of.
    fn direction_of(&self, expr: Expr) -> Option<usize> {
        let Node::Symbol(symbol, _) = *self.context.node(expr) else { return None };
        self.directions.iter().position(|direction| direction.symbol == symbol)
    }

    /// An expression with its free indices replaced by the family's own, and the indices replaced, in order.
    fn abstracted(&mut self, expr: Expr) -> (Expr, Vec<Index>, Vec<Index>) {
        let found = self.context.free_indices_in_order(expr);
        let mut own = Vec::new();
        let mut map = HashMap::new();
        for (position, &index) in found.iter().enumerate() {
            let key = (position, index.axis);
            let replacement = match self.own_indices.get(&key) {
                Some(&known) => known,
                None => {
                    let fresh = self.context.fresh_index(index.axis);
                    self.own_indices.insert(key, fresh);
                    fresh
                }
            };
            own.push(replacement);
            map.insert(self.context.index(index), self.context.index(replacement));
        }
        (self.context.substitute(expr, &map), own, found.to_vec())
    }

    /// The unfinished family with the highest binder: nothing unfinished contains it.
    fn next_family(&mut self) -> Option<usize> {
        let waiting = self.families.iter().enumerate().filter(|(_, family)| !family.done);
        let next = waiting
            .max_by_key(|(position, family)| (family.height, std::cmp::Reverse(*position)))
            .map(|(position, _)| position)?;
        self.families[next].done = true;
        Some(next)
    }

    fn pass_on(&mut self, family: usize) {
        let contributions = std::mem::take(&mut self.families[family].contributions);
        if contributions.is_empty() {
            return;
        }
        let (key, indices) = (self.families[family].key, self.families[family].indices.clone());
        let direction = self.direction_of(key);
        let adjoint = self.total(contributions, direction.is_some());
        if let Some(direction) = direction {
            let direction = &Rc::clone(&self.directions)[direction];
            let seed = direction.adjoint_of_vector(self.context, adjoint);
            self.elementwise(direction.vector, &indices, seed);
            return;
        }
        let Some(opened) = self.context.open(key) else { return };
        let local = self.reduction_derivative(key, opened.reduction, opened.index, opened.body);
        let seed = self.context.mul(vec![adjoint, local]);
        let mut environment = indices;
        environment.push(opened.index);
        self.elementwise(opened.body, &environment, seed);
    }

    /// ∂ reduction / ∂ body at the index.
    fn reduction_derivative(&mut self, key: Expr, reduction: Reduction, index: Index, body: Expr) -> Expr {
        match reduction {
            Reduction::Sum => self.context.integer(1),
            Reduction::LogSumExp => {
                let difference = self.context.subtract(body, key);
                self.context.apply(Function::Exp, difference)
            }
            Reduction::Product => self.product_of_the_others(index, body),
            Reduction::Maximum | Reduction::Minimum => self.first_extremum(key, index, body),
        }
    }

    /// Π of the other places. The whole product divided by the place would cost less, and lose it where an entry is 0 or
    /// where the whole leaves the range of the numbers.
    fn product_of_the_others(&mut self, index: Index, body: Expr) -> Expr {
        let other = self.context.fresh_index(index.axis);
        let there = self.context.replace_index(body, index, other);
        let (here, place) = (self.context.index(index), self.context.index(other));
        let elsewhere = self.context.compare(Relation::NotEqual, place, here);
        let one = self.context.integer(1);
        let masked = self.context.select(elsewhere, there, one);
        self.context.reduce(Reduction::Product, other, masked)
    }

    /// 1 at the first place where the body is the extremum. That place is the least of those, found once for all places.
    fn first_extremum(&mut self, key: Expr, index: Index, body: Expr) -> Expr {
        let attained = self.context.compare(Relation::Equal, body, key);
        let here = self.context.index(index);
        let nowhere = self.context.constant(Constant::Infinity);
        let place = self.context.select(attained, here, nowhere);
        let first = self.context.reduce(Reduction::Minimum, index, place);
        self.context.compare(Relation::Equal, here, first)
    }

    /// Passes an adjoint down through an expression outside of reductions, in an environment of free indices.
    fn elementwise(&mut self, root: Expr, environment: &[Index], seed: Expr) {
        let order = self.topological(root);
        let mut adjoints: HashMap<Expr, Vec<Expr>> = HashMap::from([(root, vec![seed])]);
        for &node in order.iter().rev() {
            let Some(terms) = adjoints.remove(&node) else { continue };
            let adjoint = self.context.add(terms);
            for (child, contribution) in self.local(node, adjoint, environment) {
                adjoints.entry(child).or_default().push(contribution);
            }
        }
    }

    /// The nodes that depend on a target, children before parents; reductions are leaves.
    fn topological(&mut self, root: Expr) -> Vec<Expr> {
        let mut order = Vec::new();
        let mut seen = std::collections::HashSet::new();
        let mut stack = vec![(root, false)];
        while let Some((node, leaving)) = stack.pop() {
            if leaving {
                order.push(node);
                continue;
            }
            if !seen.insert(node) || !self.depends(node) {
                continue;
            }
            stack.push((node, true));
            if !matches!(self.context.node(node), Node::Reduce(..) | Node::Symbol(..)) {
                stack.extend(self.context.children(node).into_iter().map(|child| (child, false)));
            }
        }
        order
    }

    /// What a node's adjoint contributes to its parts. Leaves hand it to their family or target.
    fn local(&mut self, node: Expr, adjoint: Expr, environment: &[Index]) -> Vec<(Expr, Expr)> {
        match self.context.node(node).clone() {
            Node::Add(terms) => terms.iter().map(|&term| (term, adjoint)).collect(),
            Node::Mul(factors) => (0..factors.len())
                .map(|place| {
                    let mut others = factors.to_vec();
                    others[place] = adjoint;
                    (factors[place], self.context.mul(others))
                })
                .collect(),
            Node::Power(base, exponent) => self.power(node, base, exponent, adjoint),
            Node::Call(function, arguments) => (0..arguments.len())
                .filter_map(|place| {
                    let derivative = derivative_of(self.context, function, place, &arguments)?;
                    Some((arguments[place], self.context.mul(vec![adjoint, derivative])))
                })
                .collect(),
            Node::Select(condition, then, otherwise) => {
                let zero = self.context.integer(0);
                let (taken, other) =
                    (self.context.select(condition, adjoint, zero), self.context.select(condition, zero, adjoint));
                vec![(then, taken), (otherwise, other)]
            }
            Node::Reduce(..) => {
                self.hand_to_family(node, adjoint, environment);
                Vec::new()
            }
            Node::Symbol(symbol, places) => {
                match self.direction_of(node) {
                    Some(direction) => self.hand_to_direction(direction, &places, adjoint, environment),
                    None => self.hand_to_target(symbol, &places, adjoint, environment),
                }
                Vec::new()
            }
            _ => Vec::new(),
        }
    }

    fn power(&mut self, node: Expr, base: Expr, exponent: Expr, adjoint: Expr) -> Vec<(Expr, Expr)> {
        let one = self.context.integer(1);
        let less = self.context.subtract(exponent, one);
        let lowered = self.context.power(base, less);
        let of_base = self.context.mul(vec![adjoint, exponent, lowered]);
        let mut parts = vec![(base, of_base)];
        if self.depends(exponent) {
            let log = self.context.apply(Function::Log, base);
            parts.push((exponent, self.context.mul(vec![adjoint, node, log])));
        }
        parts
    }

    fn hand_to_family(&mut self, node: Expr, adjoint: Expr, environment: &[Index]) {
        let (key, own, found) = self.abstracted(node);
        if let Some((family, places)) = self.family_of_instance(node, key) {
            let indices = self.families[family].indices.clone();
            self.families[family].contributions.extend(contribution(
                self.context,
                &indices,
                &places,
                adjoint,
                environment,
            ));
            return;
        }
        let Some(&family) = self.by_key.get(&key) else { return };
        let places: Vec<Expr> = found.iter().map(|&index| self.context.index(index)).collect();
        let term = contribution(self.context, &own, &places, adjoint, environment);
        self.families[family].contributions.extend(term);
    }

    /// A larger family that the reduction is an instance of, with what stands for each of its indices: the diagonal of a
    /// matrix, or the column that an integer tensor names.
    fn family_of_instance(&mut self, node: Expr, key: Expr) -> Option<(usize, Vec<Expr>)> {
        let rank = self.by_key.get(&key).map_or(0, |&own| self.families[own].indices.len());
        let height = self.context.height_of(node);
        for family in 0..self.families.len() {
            let candidate = &self.families[family];
            if self.context.height_of(candidate.key) != height
                || candidate.key == key
                || candidate.done
                || candidate.indices.len() < rank
            {
                continue;
            }
            if candidate.indices.len() == rank && self.context.has_gather(candidate.key) {
                continue;
            }
            let (pattern, indices) = (candidate.key, candidate.indices.clone());
            if let Some(places) = instance_places(self.context, pattern, &indices, node) {
                return Some((family, places));
            }
        }
        None
    }

    fn hand_to_direction(&mut self, direction: usize, places: &[Expr], adjoint: Expr, environment: &[Index]) {
        let key = self.directions[direction].entry(self.context);
        let Some(&family) = self.by_key.get(&key) else { return };
        let indices = self.directions[direction].indices();
        let term = contribution(self.context, &indices, places, adjoint, environment);
        self.families[family].contributions.extend(term);
    }

    fn hand_to_target(&mut self, symbol: Symbol, places: &[Expr], adjoint: Expr, environment: &[Index]) {
        let Some(target) = self.targets.iter().position(|target| target.symbol == symbol) else { return };
        let indices = self.targets[target].indices.clone();
        let term = contribution(self.context, &indices, places, adjoint, environment);
        self.targets[target].contributions.extend(term);
    }

    /// The sum of contributions. Those with extra indices over the same axes are joined under one sum, so that what
    /// cancels between them cancels before it is summed. If asked for, factors that they share are taken out of them
    /// there, which makes one matrix product of several.
    fn total(&mut self, contributions: Vec<Contribution>, factored: bool) -> Expr {
        let mut groups: BTreeMap<Vec<Axis>, (Vec<Index>, Vec<Expr>)> = BTreeMap::new();
        for Contribution { mut extra, value } in contributions {
            extra.sort_by_key(|index| (index.axis, index.variable));
            let axes: Vec<Axis> = extra.iter().map(|index| index.axis).collect();
            let context = &mut *self.context;
            let (indices, values) = groups
                .entry(axes)
                .or_insert_with_key(|axes| (axes.iter().map(|&axis| context.fresh_index(axis)).collect(), Vec::new()));
            let map =
                extra.iter().zip(&*indices).map(|(&from, &to)| (context.index(from), context.index(to))).collect();
            values.push(context.substitute(value, &map));
        }
        let plain = groups.len() == 1 && groups.contains_key(&Vec::new());
        let mut terms = Vec::new();
        for (indices, values) in groups.into_values() {
            let sum = self.context.add(values);
            let mut sum = (self.tidy)(self.context, sum);
            if factored {
                sum = factor_common(self.context, sum);
            }
            for &index in indices.iter().rev() {
                sum = sum_over(self.context, index, sum);
            }
            terms.push(sum);
        }
        let total = self.context.add(terms);
        // Without sums it has just been tidied.
        if plain { total } else { (self.tidy)(self.context, total) }
    }

    fn results(&mut self) -> Vec<Gradient> {
        let targets = std::mem::take(&mut self.targets);
        targets
            .into_iter()
            .map(|target| {
                let value = self.total(target.contributions, false);
                let value = written_out(self.context, value, &self.directions);
                let value = if self.directions.is_empty() { value } else { simplify_sums(self.context, value) };
                debug_assert!(
                    self.context.is_well_formed(value, &target.indices),
                    "a gradient has other indices than its symbol"
                );
                Gradient { symbol: target.symbol, indices: target.indices, value }
            })
            .collect()
    }
}

/// What a use at `places` contributes to the adjoint with these indices: a plain index is renamed, anything else becomes
/// a delta, and what remains of the environment is summed over.
fn contribution(
    context: &mut Context,
    indices: &[Index],
    places: &[Expr],
    adjoint: Expr,
    environment: &[Index],
) -> Option<Contribution> {
    if context.is_integer(adjoint, 0) {
        return None;
    }
    let mut map = HashMap::new();
    let mut pending = Vec::new();
    for (&target, &place) in indices.iter().zip(places) {
        let target = context.index(target);
        match *context.node(place) {
            Node::Index(index) if environment.contains(&index) && !map.contains_key(&place) => {
                map.insert(place, target);
            }
            _ => pending.push((place, target)),
        }
    }
    // The family's own indices may stand in the environment too, so what is summed over gets new ones.
    let mut extra = Vec::new();
    for &index in environment {
        let place = context.index(index);
        map.entry(place).or_insert_with(|| {
            let fresh = context.fresh_index(index.axis);
            extra.push(fresh);
            context.index(fresh)
        });
    }
    // For the same reason only what is in terms of the environment is renamed, and no target.
    let mut factors = vec![context.substitute(adjoint, &map)];
    for (place, target) in pending {
        let place = context.substitute(place, &map);
        factors.push(context.delta(place, target));
    }
    let value = context.mul(factors);
    Some(Contribution { extra, value })
}

/// What stands for each of the indices, if `instance` is the pattern with something in their places.
pub fn instance_places(context: &mut Context, pattern: Expr, indices: &[Index], instance: Expr) -> Option<Vec<Expr>> {
    let mut ways = vec![Vec::new()];
    for &index in indices {
        let candidates = places_for(context, pattern, index, instance);
        ways = ways
            .iter()
            .flat_map(|way: &Vec<Expr>| candidates.iter().map(|&candidate| [&way[..], &[candidate]].concat()))
            .take(64)
            .collect();
    }
    ways.into_iter().find(|way| {
        let map = indices.iter().zip(way).map(|(&index, &place)| (context.index(index), place)).collect();
        context.substitute(pattern, &map) == instance
    })
}
