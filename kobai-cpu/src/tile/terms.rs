//! Products and sums of several values that one pass over a tile works out.
//!
//! They are what one operation after the other gives, but for two things: what the additions of a sum have lost is added up
//! by itself before it is added to the sum, and a product that underflows to 0 on its way is no factor 0, so that times
//! infinity it is no number.

use super::Extra;
use super::arithmetic::Operand;
use crate::vector::{Float, Several, Value, several, two_sum};
use kobai::plan::tape::Operation;
use smallvec::SmallVec;

/// A product of two to four values that differ from lane to lane, from left to right: ((u·a)·b)·c …
#[derive(Clone, Debug)]
pub(super) struct ProductChain {
    /// u, which all lanes share, if there is one.
    pub shared: Option<usize>,
    /// a, b, c, d
    pub factors: SmallVec<[usize; 4]>,
    /// Whether no factor is infinite where another is 0.
    finite: bool,
}

/// ((u·a)·b)·c …; unless all are finite, 0 where a factor is 0.
struct Product<T, const FINITE: bool> {
    shared: T,
}

impl<T: Copy, const FINITE: bool> Product<T, FINITE> {
    #[inline(always)]
    fn of<V: Value<Number = T>, const N: usize>(&self, factors: [V; N]) -> V {
        let mut product = V::of(self.shared);
        for factor in factors {
            product = product * factor;
        }
        if FINITE { product } else { product.unless_zero(factors) }
    }
}

impl<T: Copy, const FINITE: bool, const N: usize> Several<T, N> for Product<T, FINITE> {
    #[inline(always)]
    fn apply<V: Value<Number = T>>(&self, factors: [V; N]) -> V {
        self.of(factors)
    }
}

impl ProductChain {
    /// Works it out for a tile.
    pub fn fill<T: Float>(&self, out: &mut [T], factors: &[Operand<T>], scalars: &[T]) {
        let shared = self.shared.map_or(T::ONE, |shared| scalars[shared]);
        if self.finite {
            fill_product(out, factors, &Product::<T, true> { shared });
        } else if shared == T::ZERO {
            out.fill(T::ZERO);
        } else {
            fill_product(out, factors, &Product::<T, false> { shared });
        }
    }
}

fn fill_product<T: Float, const FINITE: bool>(out: &mut [T], factors: &[Operand<T>], product: &Product<T, FINITE>) {
    match *factors {
        [a, b] => several(out, [a, b], product),
        [a, b, c] => several(out, [a, b, c], product),
        [a, b, c, d] => several(out, [a, b, c, d], product),
        _ => out.fill(T::NAN),
    }
}

/// How two products come together.
#[derive(Clone, Copy, Debug)]
enum Signs {
    /// a·b + c·d
    Sum,
    /// a·b − c·d
    Difference,
    /// (0 − a·b) − c·d
    Negative,
}

/// Two products in one sum, of factors that differ from lane to lane: (u·a)·b ± (v·c)·d.
#[derive(Clone, Copy, Debug)]
pub(super) struct TwoProducts {
    /// a, b, c, d
    pub factors: [usize; 4],
    /// u and v, which all lanes share, where there are such.
    pub shared: [Option<usize>; 2],
    /// Whether no factor is infinite where the one beside it is 0.
    finite: bool,
    signs: Signs,
}

/// The sum of two products, or, from 0 on, of 0 and both.
struct SumOfTwo<T, const FINITE: bool, const FROM_ZERO: bool>([Product<T, FINITE>; 2]);

impl<T: Float, const FINITE: bool, const FROM_ZERO: bool> Several<T, 4> for SumOfTwo<T, FINITE, FROM_ZERO> {
    #[inline(always)]
    fn apply<V: Value<Number = T>>(&self, [a, b, c, d]: [V; 4]) -> V {
        let [one, other] = [self.0[0].of([a, b]), self.0[1].of([c, d])];
        if FROM_ZERO { (V::of(T::ZERO) + one) + other } else { one + other }
    }
}

impl TwoProducts {
    /// Works it out for a tile.
    pub fn fill<T: Float>(&self, out: &mut [T], factors: [Operand<T>; 4], scalars: &[T]) {
        let mut factors = factors;
        let mut shared = self.shared.map(|shared| shared.map_or(T::ONE, |shared| scalars[shared]));
        for (pair, shared) in factors.chunks_mut(2).zip(&mut shared) {
            // What all lanes share is not looked at in each.
            if *shared == T::ZERO {
                (pair[0], *shared) = (Operand::Same(T::ZERO), T::ONE);
            }
        }
        let [u, v] = shared;
        match (self.finite, self.signs) {
            (true, Signs::Sum) => several(out, factors, &SumOfTwo::<T, true, false>(products(u, v))),
            (true, Signs::Difference) => several(out, factors, &SumOfTwo::<T, true, false>(products(u, -v))),
            (true, Signs::Negative) => several(out, factors, &SumOfTwo::<T, true, true>(products(-u, -v))),
            (false, Signs::Sum) => several(out, factors, &SumOfTwo::<T, false, false>(products(u, v))),
            (false, Signs::Difference) => several(out, factors, &SumOfTwo::<T, false, false>(products(u, -v))),
            (false, Signs::Negative) => several(out, factors, &SumOfTwo::<T, false, true>(products(-u, -v))),
        }
    }
}

fn products<T, const FINITE: bool>(u: T, v: T) -> [Product<T, FINITE>; 2] {
    [u, v].map(|shared| Product { shared })
}

/// A sum of three or four terms, to which is added at the end what rounding has taken from each addition.
#[derive(Clone, Debug)]
pub(super) struct CompensatedSum {
    /// The first term, if all lanes share it.
    pub start: Option<usize>,
    /// The terms that differ from lane to lane, and whether they are subtracted.
    pub terms: SmallVec<[(usize, bool); 4]>,
    /// What is added before what was lost, the same for all lanes, and whether it is subtracted.
    pub shared: Option<(usize, bool)>,
}

/// a ± b ± c …, what all lanes share, and what was lost.
struct Compensated<T> {
    start: Option<T>,
    /// 1 or −1 for each term.
    signs: [T; 4],
    shared: Option<T>,
}

impl<T: Float, const N: usize> Several<T, N> for Compensated<T> {
    #[inline(always)]
    fn apply<V: Value<Number = T>>(&self, terms: [V; N]) -> V {
        let (mut sum, from) = self.start.map_or((terms[0], 1), |start| (V::of(start), 0));
        let mut lost = V::of(T::ZERO);
        for (&term, &sign) in terms[from..].iter().zip(&self.signs[from..]) {
            let (total, error) = two_sum(sum, V::of(sign) * term);
            (sum, lost) = (total, lost + error);
        }
        let sum = self.shared.map_or(sum, |shared| sum + V::of(shared));
        // What is lost beside an infinity is no number.
        sum + lost.or_zero()
    }
}

impl CompensatedSum {
    /// Works it out for a tile.
    pub fn fill<T: Float>(&self, out: &mut [T], terms: &[Operand<T>], scalars: &[T]) {
        let signed = |value: T, subtracted: bool| if subtracted { -value } else { value };
        let mut signs = [T::ONE; 4];
        for (sign, (_, subtracted)) in signs.iter_mut().zip(&self.terms) {
            *sign = signed(T::ONE, *subtracted);
        }
        let start = self.start.map(|start| scalars[start]);
        let shared = self.shared.map(|(shared, subtracted)| signed(scalars[shared], subtracted));
        let sum = &Compensated { start, signs, shared };
        match *terms {
            [a, b] => several(out, [a, b], sum),
            [a, b, c] => several(out, [a, b, c], sum),
            [a, b, c, d] => several(out, [a, b, c, d], sum),
            _ => out.fill(T::NAN),
        }
    }
}

/// What the search looks at.
pub(super) struct Search<'a> {
    pub operations: &'a [Operation],
    pub uniform: &'a [bool],
    /// How often each operation is read.
    pub uses: &'a [usize],
}

/// Finds sums and products: the extras of their last operations say so, and the operations inside are marked.
pub(super) fn find(search: &Search, extras: &mut [Extra], inside: &mut [bool]) {
    let finders = [Search::compensated_sum, Search::two_products, Search::product_chain];
    for finder in finders {
        // The last operations first: a longer chain goes before its own beginning.
        for position in (0..search.operations.len()).rev() {
            let Some((done, extra)) = finder(search, position) else { continue };
            let is_free = |one: usize| !inside[one] && !search.uniform[one] && matches!(extras[one], Extra::None);
            if is_free(position) && done.iter().all(|&one| is_free(one)) {
                extras[position] = extra;
                done.into_iter().for_each(|one| inside[one] = true);
            }
        }
    }
}

/// The operations that are done along with the last one, and what it is then.
type Found = Option<(Vec<usize>, Extra)>;

impl Search<'_> {
    /// The factors of a product, and whether it is of finite ones.
    fn factors(&self, position: usize) -> Option<([usize; 2], bool)> {
        match self.operations[position] {
            Operation::Multiply(a, b) => Some(([a, b], false)),
            Operation::MultiplyFinite(a, b) => Some(([a, b], true)),
            _ => None,
        }
    }

    /// Whether an operation differs from lane to lane, and is read so often.
    fn is_read(&self, position: usize, times: usize) -> bool {
        !self.uniform[position] && self.uses[position] == times
    }

    /// A product of several values, which differs from lane to lane as they do.
    fn product_chain(&self, position: usize) -> Found {
        let (_, finite) = self.factors(position).filter(|_| !self.uniform[position])?;
        let (mut done, mut factors, mut shared, mut last) = (Vec::new(), SmallVec::<[usize; 4]>::new(), None, position);
        loop {
            let ([a, b], _) = self.factors(last)?;
            // The product that goes on, if one does, and what it is multiplied by: the order is of no account.
            let goes_on = |&(one, other): &(usize, usize)| {
                let same = self.factors(one).is_some_and(|(_, kind)| kind == finite);
                same && self.is_read(one, 1) && !self.uniform[other] && factors.len() < 3
            };
            if let Some((inner, factor)) = [(a, b), (b, a)].into_iter().find(goes_on) {
                factors.push(factor);
                done.push(inner);
                last = inner;
                continue;
            }
            let (one, other) = if self.uniform[a] { (b, a) } else { (a, b) };
            if self.uniform[other] {
                factors.push(one);
                shared = Some(other);
            } else if factors.len() < 3 {
                factors.extend([b, a]);
            } else {
                // They would be five: the innermost product stays one of its own.
                done.pop();
                factors.push(last);
            }
            break;
        }
        factors.reverse();
        (!done.is_empty()).then_some((done, Extra::ProductChain(ProductChain { shared, factors, finite })))
    }

    /// A sum or difference of two products of one kind.
    fn two_products(&self, position: usize) -> Found {
        let (mut done, terms, signs) = match self.operations[position] {
            Operation::Add(a, b) => (vec![a, b], [a, b], Signs::Sum),
            Operation::Subtract(a, b) => match self.operations[a] {
                Operation::Subtract(zero, c) if self.operations[zero] == Operation::Constant(0.0) => {
                    (vec![a, b, c], [c, b], Signs::Negative)
                }
                _ => (vec![a, b], [a, b], Signs::Difference),
            },
            _ => return None,
        };
        let [(first, finite), (second, other)] = [self.factors(terms[0])?, self.factors(terms[1])?];
        if finite != other || !done.iter().all(|&one| self.is_read(one, 1)) {
            return None;
        }
        let (mut factors, mut shared) = ([first[0], first[1], second[0], second[1]], [None; 2]);
        if factors.iter().any(|&factor| self.uniform[factor]) {
            return None;
        }
        for (pair, shared) in factors.chunks_mut(2).zip(&mut shared) {
            let scaled = (0..2).find_map(|place| {
                let ([a, b], kind) = self.factors(pair[place]).filter(|_| self.is_read(pair[place], 1))?;
                let (number, value) = if self.uniform[a] { (a, b) } else { (b, a) };
                (kind == finite && self.uniform[number]).then_some((place, number, value))
            });
            if let Some((place, number, value)) = scaled {
                done.push(pair[place]);
                (pair[place], *shared) = (value, Some(number));
                // The scaled factor first.
                pair.swap(0, place);
            }
        }
        Some((done, Extra::TwoProducts(TwoProducts { factors, shared, finite, signs })))
    }

    /// The two terms of an addition or subtraction, and whether the second is subtracted.
    fn terms(&self, position: usize) -> Option<(usize, usize, bool)> {
        match self.operations[position] {
            Operation::Add(a, b) => Some((a, b, false)),
            Operation::Subtract(a, b) => Some((a, b, true)),
            _ => None,
        }
    }

    /// A sum whose last additions bring back what rounding has taken.
    fn compensated_sum(&self, position: usize) -> Found {
        // From the end: what rounding has taken, the last addition's first.
        let (mut done, mut lost, mut last) = (Vec::new(), Vec::new(), position);
        while let Operation::Add(so_far, error) = self.operations[last]
            && matches!(self.operations[error], Operation::RoundingError { .. })
            && self.is_read(error, 1)
        {
            done.extend([so_far, error]);
            lost.push(error);
            last = so_far;
        }
        if !(2..=3).contains(&lost.len()) {
            return None;
        }
        // All but the last addition are read once, by the next.
        let added = done.iter().step_by(2).take(lost.len() - 1);
        if !added.into_iter().all(|&one| self.is_read(one, 1)) {
            return None;
        }
        let mut shared = None;
        if let Some((so_far, number, subtracted)) = self.terms(last)
            && self.uniform[number]
            && self.is_read(last, 1)
        {
            done.push(so_far);
            (shared, last) = (Some((number, subtracted)), so_far);
        }
        let mut terms: SmallVec<[(usize, bool); 4]> = SmallVec::new();
        for (number, &error) in lost.iter().enumerate() {
            let (so_far, term, subtracted) = self.terms(last)?;
            let own = Operation::RoundingError { terms: (so_far, term), subtracted, sum: last };
            // The sum is read by its own error and by what follows: the next sum and its error, or what is added last.
            let reads = if number == 0 { 2 } else { 3 };
            if self.operations[error] != own || !self.is_read(last, reads) || self.uniform[term] {
                return None;
            }
            terms.push((term, subtracted));
            last = so_far;
            done.push(last);
        }
        // The first term stands alone.
        done.pop();
        let start = self.uniform[last].then_some(last);
        if start.is_none() {
            terms.push((last, false));
        }
        terms.reverse();
        done.sort_unstable();
        done.dedup();
        Some((done, Extra::CompensatedSum(CompensatedSum { start, terms, shared })))
    }
}
