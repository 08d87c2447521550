//! Rows brought closer together, and rows as columns: how entries that lie side by side along one axis come to lie side by
//! side along another.

use super::float::Float;
#[cfg(target_arch = "x86_64")]
use super::lanes::Lanes;
use super::level::{Work, dispatch};

/// Lines of a source, each of so many numbers side by side, to become columns of a target.
struct Transpose<'a, T, F> {
    source: &'a [T],
    lines: usize,
    start: F,
    length: usize,
    target: &'a mut [T],
    spacing: usize,
}

impl<T: Float, F: Fn(usize) -> usize> Work for Transpose<'_, T, F> {
    type Output = ();

    #[inline(always)]
    fn run<const FMA: bool>(self) {
        for line in 0..self.lines {
            let numbers = &self.source[(self.start)(line)..][..self.length];
            for (number, target) in numbers.iter().zip(self.target[line..].chunks_mut(self.spacing)) {
                target[0] = *number;
            }
        }
    }

    #[cfg(target_arch = "x86_64")]
    #[inline(always)]
    fn run_wide(self) {
        self.run_in::<T::Wide>();
    }

    #[cfg(target_arch = "x86_64")]
    #[inline(always)]
    fn run_narrow(self) {
        self.run_in::<T::Narrow>();
    }
}

#[cfg(target_arch = "x86_64")]
impl<T: Float, F: Fn(usize) -> usize> Transpose<'_, T, F> {
    #[inline(always)]
    fn run_in<V: Lanes<Element = T>>(mut self) {
        let (whole, left) = (self.lines - self.lines % V::COUNT, self.lines % V::COUNT);
        for first in (0..whole).step_by(V::COUNT) {
            self.blocks::<V>(first, V::COUNT);
        }
        if left > 0 {
            self.blocks::<V>(whole, left);
        }
    }

    /// Turns so many lines, no more than a vector has numbers. Every place in the registers is known when this is compiled; for
    /// whole blocks the number of lines is as well.
    #[inline(always)]
    fn blocks<V: Lanes<Element = T>>(&mut self, first: usize, lines: usize) {
        for position in (0..self.length).step_by(V::COUNT) {
            let columns = V::COUNT.min(self.length - position);
            // As many as COUNT can be, of which the first COUNT are used.
            let mut rows = [V::splat(T::ZERO); 16];
            for (line, row) in rows[..V::COUNT].iter_mut().enumerate() {
                if line < lines {
                    let numbers = &self.source[(self.start)(first + line) + position..][..columns];
                    *row = if columns == V::COUNT { V::load(numbers) } else { V::load_first(numbers) };
                }
            }
            V::transpose(&mut rows[..V::COUNT]);
            for (column, row) in rows[..V::COUNT].iter().enumerate() {
                if column < columns {
                    let place = (position + column) * self.spacing + first;
                    let target = &mut self.target[place..place + lines];
                    if lines == V::COUNT { row.store(target) } else { row.store_first(target) }
                }
            }
        }
    }
}

/// Writes the number c of line l, which is `source[start(l) + c]`, to `target[c · spacing + l]`, for l below `lines` and c
/// below `length`.
///
/// # Panics
/// If there are more lines than `spacing`, or a place is outside of its slice.
pub fn transpose<T: Float>(
    source: &[T],
    (lines, start): (usize, impl Fn(usize) -> usize),
    length: usize,
    target: &mut [T],
    spacing: usize,
) {
    assert!(lines <= spacing, "there are more lines than fit between two columns");
    if lines == 0 || length == 0 {
        return;
    }
    assert!((length - 1) * spacing + lines <= target.len(), "the target of a transposition is too short");
    dispatch(Transpose { source, lines, start, length, target, spacing });
}

/// Rows of a source, each of so many numbers side by side, to become the rows of panels.
struct CopyRows<'a, T, F> {
    source: &'a [T],
    start: F,
    rows: std::ops::Range<usize>,
    length: usize,
    panels: &'a mut [T],
    width: usize,
}

impl<T: Float, F: Fn(usize) -> usize> CopyRows<'_, T, F> {
    /// Copies piece by piece, a row of a panel each.
    #[inline(always)]
    fn each(self, copy: impl Fn(&[T], &mut [T])) {
        let panel = self.width * self.rows.len();
        for (number, row) in self.rows.enumerate() {
            let row = &self.source[(self.start)(row)..][..self.length];
            let mut first = number * self.width;
            for piece in row.chunks(self.width) {
                copy(piece, &mut self.panels[first..first + piece.len()]);
                first += panel;
            }
        }
    }

    #[cfg(target_arch = "x86_64")]
    #[inline(always)]
    fn run_in<V: Lanes<Element = T>>(self) {
        self.each(|source, target| {
            let (vectors, rest) = (source.chunks_exact(V::COUNT), source.len() % V::COUNT);
            let (whole, after) = target.split_at_mut(source.len() - rest);
            for (target, source) in whole.chunks_exact_mut(V::COUNT).zip(vectors) {
                V::load(source).store(target);
            }
            if rest > 0 {
                V::load_first(&source[source.len() - rest..]).store_first(after);
            }
        });
    }
}

impl<T: Float, F: Fn(usize) -> usize> Work for CopyRows<'_, T, F> {
    type Output = ();

    #[inline(always)]
    fn run<const FMA: bool>(self) {
        self.each(|source, target| target.copy_from_slice(source));
    }

    #[cfg(target_arch = "x86_64")]
    #[inline(always)]
    fn run_wide(self) {
        self.run_in::<T::Wide>();
    }

    #[cfg(target_arch = "x86_64")]
    #[inline(always)]
    fn run_narrow(self) {
        self.run_in::<T::Narrow>();
    }
}

/// Writes `length` numbers of each row, which starts at `start(row)`, to panels that lie one behind the other, each with
/// `width` numbers of every row. Of the last one, what is behind a row's last number stays as it is. Faster than a copy of
/// each piece where they are short.
///
/// # Panics
/// If `width` is 0, or a place is outside of its slice.
pub fn copy_rows<T: Float>(
    source: &[T],
    rows: std::ops::Range<usize>,
    start: impl Fn(usize) -> usize,
    length: usize,
    panels: &mut [T],
    width: usize,
) {
    dispatch(CopyRows { source, start, rows, length, panels, width });
}

#[cfg(test)]
mod tests {
    use super::*;

    /// At the processor's level and as portable code: rows that are no whole number of vectors, and gaps that stay as they are.
    #[test]
    fn every_level_turns_and_copies_rows_alike() {
        let source: Vec<f32> = (0..2000_u16).map(f32::from).collect();
        for (lines, length, spacing) in [(1, 1, 1), (3, 40, 5), (17, 10, 33), (32, 31, 32), (40, 16, 41)] {
            let start = |line: usize| 5 + line * 47;
            let mut expected = vec![-1.0; length * spacing];
            for (line, column) in (0..lines).flat_map(|line| (0..length).map(move |column| (line, column))) {
                expected[column * spacing + line] = source[start(line) + column];
            }
            let (mut found, mut portable) = (vec![-1.0; length * spacing], vec![-1.0; length * spacing]);
            transpose(&source, (lines, start), length, &mut found, spacing);
            Transpose { source: &source, lines, start, length, target: &mut portable, spacing }.run::<false>();
            assert_eq!((&found, &portable), (&expected, &expected), "{lines} lines of {length} turned");

            for width in [length + 2, length, length.div_ceil(3), 1] {
                let panels = length.div_ceil(width);
                let mut expected = vec![-1.0; panels * lines * width];
                for (line, column) in (0..lines).flat_map(|line| (0..length).map(move |column| (line, column))) {
                    let place = (column / width * lines + line) * width + column % width;
                    expected[place] = source[start(line) + column];
                }
                let (mut found, mut portable) = (vec![-1.0; expected.len()], vec![-1.0; expected.len()]);
                copy_rows(&source, 0..lines, start, length, &mut found, width);
                CopyRows { source: &source, start, rows: 0..lines, length, panels: &mut portable, width }
                    .run::<false>();
                assert_eq!((&found, &portable), (&expected, &expected), "{lines} rows of {length} in {width}s");
            }
        }
    }
}
