//! What is new on the page: the parts of a formula that the formula before it does not have.

use super::tree::{Big, Tree};

/// The second tree with its new parts marked; nothing is marked where nothing or everything is new.
pub(super) fn marked(before: &Tree, after: Tree) -> Tree {
    let result = compare(before, after.clone());
    if matches!(result, Tree::Marked(_)) { after } else { result }
}

fn compare(before: &Tree, after: Tree) -> Tree {
    if *before == after {
        return after;
    }
    match (before, after) {
        (Tree::Sum(old), Tree::Sum(new)) => terms(old, new),
        (Tree::Product(old), Tree::Product(new)) => factors(old, new),
        (old, Tree::Product(new)) if new.contains(old) => factors(std::slice::from_ref(old), new),
        (Tree::Fraction(a, b), Tree::Fraction(c, d)) if a == &c || b == &d || is_large(b) => {
            Tree::Fraction(boxed(a, *c), boxed(b, *d))
        }
        (Tree::Power(a, b), Tree::Power(c, d)) if a == &c || b == &d => Tree::Power(boxed(a, *c), boxed(b, *d)),
        (Tree::Bracket(old), Tree::Bracket(new)) => Tree::Bracket(boxed(old, *new)),
        (Tree::Big(old), Tree::Big(new)) if same_operator(old, &new) => {
            let body = compare(&old.body, new.body);
            Tree::Big(Box::new(Big { body, ..*new }))
        }
        (Tree::Cases(old, otherwise), Tree::Cases(new, last)) if old.len() == new.len() => {
            let rows = old.iter().zip(new).map(|(old, new)| (compare(&old.0, new.0), new.1)).collect();
            Tree::Cases(rows, boxed(otherwise, *last))
        }
        (_, after) => Tree::Marked(Box::new(after)),
    }
}

fn boxed(before: &Tree, after: Tree) -> Box<Tree> {
    Box::new(compare(before, after))
}

/// A denominator that is more than a letter is worth looking into.
fn is_large(tree: &Tree) -> bool {
    matches!(tree, Tree::Product(_) | Tree::Power(..) | Tree::Sum(_) | Tree::Big(_))
}

fn same_operator(old: &Big, new: &Big) -> bool {
    (old.reduction, &old.index, &old.lower, &old.upper, &old.set, &old.conditions)
        == (new.reduction, &new.index, &new.lower, &new.upper, &new.set, &new.conditions)
}

/// Terms that were there stay as they are; a single new one is held against the single one that is gone.
fn terms(old: &[(bool, Tree)], new: Vec<(bool, Tree)>) -> Tree {
    let gone: Vec<&Tree> = old.iter().filter(|term| !new.contains(term)).map(|(_, tree)| tree).collect();
    let fresh = new.iter().filter(|term| !old.contains(term)).count();
    if fresh == new.len() && (fresh > 1 || gone.len() != 1) {
        return Tree::Marked(Box::new(Tree::Sum(new)));
    }
    let mark = |(negative, tree): (bool, Tree)| {
        if old.contains(&(negative, tree.clone())) {
            return (negative, tree);
        }
        (negative, beside(&gone, fresh, tree))
    };
    Tree::Sum(new.into_iter().map(mark).collect())
}

fn factors(old: &[Tree], new: Vec<Tree>) -> Tree {
    let gone: Vec<&Tree> = old.iter().filter(|factor| !new.contains(factor)).collect();
    let fresh = new.iter().filter(|factor| !old.contains(factor)).count();
    if fresh == new.len() && gone.len() != 1 {
        return Tree::Marked(Box::new(Tree::Product(new)));
    }
    let mark = |tree: Tree| if old.contains(&tree) { tree } else { beside(&gone, fresh, tree) };
    Tree::Product(new.into_iter().map(mark).collect())
}

/// A new part, held against what is gone if there is one of each.
fn beside(gone: &[&Tree], fresh: usize, tree: Tree) -> Tree {
    match gone {
        [gone] if fresh == 1 => compare(gone, tree),
        _ => Tree::Marked(Box::new(tree)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letter(text: &str) -> Tree {
        Tree::Digits(text.to_owned())
    }

    #[test]
    fn only_the_new_factor_is_marked() {
        let before = Tree::Product(vec![letter("a"), letter("b")]);
        let after = Tree::Product(vec![letter("a"), letter("c")]);
        let expected = Tree::Product(vec![letter("a"), Tree::Marked(Box::new(letter("c")))]);
        assert_eq!(marked(&before, after), expected);
    }

    #[test]
    fn what_is_new_as_a_whole_is_not_marked() {
        let after = Tree::Sum(vec![(false, letter("c")), (false, letter("d"))]);
        assert_eq!(marked(&letter("a"), after.clone()), after);
    }
}
