//! Products against plain loops. The entries are small integers, so that every sum is exact and any order gives its bits.

use super::{Dimensions, Pool, Product, merged, offsets};
use crate::vector::{Float, Level};
use rayon::ThreadPoolBuilder;

/// The loops of a product: of rows and columns the sizes, of the contracted ones too.
struct Sizes {
    rows: &'static [usize],
    columns: &'static [usize],
    contracted: &'static [usize],
}

/// How a matrix lies in memory: whether its second group of loops is the outer one, and how many entries are skipped after
/// each turn of its outermost loop.
#[derive(Clone, Copy)]
struct Lie {
    turned: bool,
    gap: usize,
}

/// The strides of two groups of loops, and how many entries they reach over.
fn strides(first: &[usize], second: &[usize], lie: Lie) -> (Vec<usize>, Vec<usize>, usize) {
    let (outer, inner) = if lie.turned { (second, first) } else { (first, second) };
    let all: Vec<usize> = outer.iter().chain(inner).copied().collect();
    let mut strides = vec![1; all.len()];
    for place in (1..all.len()).rev() {
        strides[place - 1] = strides[place] * all[place] + if place == 1 { lie.gap } else { 0 };
    }
    let reach = all.iter().zip(&strides).map(|(size, stride)| (size.max(&1) - 1) * stride).sum::<usize>() + 1;
    let (outer, inner) = strides.split_at(outer.len());
    let (first, second) = if lie.turned { (inner, outer) } else { (outer, inner) };
    (first.to_vec(), second.to_vec(), reach)
}

fn dimensions(sizes: &[usize], first: &[usize], second: &[usize]) -> Dimensions {
    merged(sizes.iter().zip(first).zip(second).map(|((&size, &first), &second)| (size, first, second)))
}

/// Small integers with both signs.
fn entries<T: Float>(count: usize, seed: usize) -> Vec<T> {
    (0..count).map(|place| T::from_f64(((place * 7919 + seed * 104_729) % 17) as f64 - 8.0)).collect()
}

fn check<T: Float + std::fmt::Debug>(sizes: &Sizes, [out, left, right]: [Lie; 3], accumulate: bool, threads: usize) {
    let (out_rows, out_columns, out_reach) = strides(sizes.rows, sizes.columns, out);
    let (left_rows, left_turns, left_reach) = strides(sizes.rows, sizes.contracted, left);
    let (right_turns, right_columns, right_reach) = strides(sizes.contracted, sizes.columns, right);
    let (left, right) = (entries::<T>(left_reach, 1), entries::<T>(right_reach, 2));
    let rows = dimensions(sizes.rows, &out_rows, &left_rows);
    let columns = dimensions(sizes.columns, &out_columns, &right_columns);
    let contracted = dimensions(sizes.contracted, &left_turns, &right_turns);
    let mut expected = entries::<T>(out_reach, 3);
    let mut found = expected.clone();
    for (out_row, left_row) in offsets(&rows) {
        for &(out_column, right_column) in &offsets(&columns) {
            let terms = offsets(&contracted);
            let products = terms.iter().map(|(a, b)| left[left_row + a] * right[right_column + b]);
            let sum = products.fold(T::ZERO, |sum, term| sum + term);
            let entry = &mut expected[out_row + out_column];
            *entry = if accumulate { *entry + sum } else { sum };
        }
    }
    let pool = ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool of threads");
    let before = found.clone();
    let mut same = |run: &(dyn Fn(Product<T>) + Sync)| {
        found.copy_from_slice(&before);
        let (rows, columns, contracted) = (rows.clone(), columns.clone(), contracted.clone());
        let product = Product { out: &mut found, left: &left, right: &right, rows, columns, contracted, accumulate };
        pool.install(|| run(product));
        assert_eq!(found, expected);
    };
    same(&|product| product.run(true, &Pool::new()));
    // A processor of AVX-512 has the narrow vectors too, and one of AVX2 leaves large products to `gemm`.
    #[cfg(target_arch = "x86_64")]
    if Level::Avx2.is_available() {
        same(&|product| product.run_in_panels::<T::Narrow>(&Pool::new()));
    }
}

const STRAIGHT: Lie = Lie { turned: false, gap: 0 };

/// Every way for the three matrices to lie.
fn all_ways() -> impl Iterator<Item = [Lie; 3]> {
    (0..8).flat_map(|ways| [0, 5].map(|gap| [0, 1, 2].map(|matrix| Lie { turned: ways >> matrix & 1 == 1, gap })))
}

#[test]
fn products_of_matrices_however_they_lie() {
    let sizes = [
        (1, 1, 1),
        (1, 40, 3),
        (40, 1, 3),
        (15, 33, 193),
        (29, 17, 5),
        (3, 10, 400),
        (127, 130, 20),
        (10, 20, 2500),
        (70, 1, 100),
        (1, 2100, 130),
    ];
    for (rows, columns, contracted) in sizes {
        let leak = |size: usize| -> &'static [usize] { Vec::leak(vec![size]) };
        let sizes = Sizes { rows: leak(rows), columns: leak(columns), contracted: leak(contracted) };
        for lie in all_ways() {
            check::<f32>(&sizes, lie, false, 1);
            check::<f64>(&sizes, lie, true, 1);
        }
    }
}

#[test]
fn products_over_several_loops() {
    for contracted in [&[4, 30], &[4, 530]] {
        let sizes = Sizes { rows: &[3, 2, 7], columns: &[5, 9], contracted };
        for lie in all_ways() {
            check::<f32>(&sizes, lie, true, 1);
            check::<f64>(&sizes, lie, false, 1);
        }
    }
}

#[test]
fn large_products_on_several_threads() {
    let sizes = Sizes { rows: &[1050], columns: &[300], contracted: &[700] };
    for lie in [[STRAIGHT; 3], [Lie { turned: true, gap: 0 }; 3]] {
        for threads in [1, 3] {
            check::<f32>(&sizes, lie, true, threads);
        }
    }
}

#[test]
fn a_sum_over_nothing_is_written() {
    let sizes = Sizes { rows: &[4], columns: &[5], contracted: &[0] };
    check::<f64>(&sizes, [STRAIGHT; 3], false, 1);
    check::<f64>(&sizes, [STRAIGHT; 3], true, 1);
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    same_bits((130, 3000, 500));
    same_bits((64, 10, 9000));
}

fn same_bits((rows, columns, depth): (usize, usize, usize)) {
    let numbers =
        |count: usize, seed: f32| -> Vec<f32> { (0..count).map(|place| (place as f32 * seed).sin()).collect() };
    let (left, right) = (numbers(rows * depth, 0.37), numbers(depth * columns, 0.73));
    let found = [1, 2, 5].map(|threads| {
        let mut out = vec![0.0; rows * columns];
        let pool = ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool of threads");
        pool.install(|| {
            let product = Product {
                out: &mut out,
                left: &left,
                right: &right,
                rows: smallvec::smallvec![(rows, columns, depth)],
                columns: smallvec::smallvec![(columns, 1, 1)],
                contracted: smallvec::smallvec![(depth, 1, columns)],
                accumulate: false,
            };
            product.run(true, &Pool::new());
        });
        out.iter().map(|entry| entry.to_bits()).collect::<Vec<u32>>()
    });
    assert_eq!(found[0], found[1]);
    assert_eq!(found[0], found[2]);
}
