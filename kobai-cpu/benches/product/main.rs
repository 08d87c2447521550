//! Matrix products of a plan beside the `gemm` crate, shape by shape, in `f32`.
//!
//! `cargo bench -p kobai-cpu --bench product`, or only those of a name: `cargo bench -p kobai-cpu --bench product -- square`.
//! The shapes are those of the losses in `docs/benchmarks.md`: what a linear layer, its gradient by the input and its gradient by
//! the weights ask for, a matrix of similarities, chunks of a hundred rows, ten classes, and a square for comparison. Either side
//! writes into a buffer that it has had before. Medians of a second each, on one thread and on all.
#![allow(unsafe_code)] // gemm takes pointers and strides.

#[path = "../../tests/execute_support/mod.rs"]
mod execute_support;

use execute_support::Case;
use kobai_cpu::machine::time;
use kobai_cpu::{Executor, Inputs};
use std::convert::Infallible;
use std::hint::black_box;
use std::time::Duration;

/// Σ_d left[n, d] right[d, k], each factor perhaps stored with its axes the other way round.
struct Shape {
    what: &'static str,
    rows: usize,
    columns: usize,
    contracted: usize,
    left_across: bool,
    right_across: bool,
}

const fn shape(what: &'static str, sizes: [usize; 3], left_across: bool, right_across: bool) -> Shape {
    let [rows, columns, contracted] = sizes;
    Shape { what, rows, columns, contracted, left_across, right_across }
}

const SHAPES: [Shape; 13] = [
    shape("square", [2048, 2048, 2048], false, false),
    shape("logits", [1024, 32000, 768], false, false),
    shape("gradient by the input", [1024, 768, 32000], false, true),
    shape("gradient by the weights", [768, 32000, 1024], true, false),
    shape("logits", [512, 128256, 512], false, false),
    shape("gradient by the input", [512, 512, 128256], false, true),
    shape("gradient by the weights", [512, 128256, 512], true, false),
    shape("similarities", [4096, 4096, 256], false, true),
    shape("a hundred rows", [98, 128256, 512], false, false),
    shape("a hundred rows", [130, 32000, 768], false, false),
    shape("a hundred rows, a long sum", [130, 768, 32000], false, true),
    shape("few turns", [512, 128256, 64], true, false),
    shape("ten classes", [1797, 10, 64], false, false),
];

/// From row to row and from column to column of a matrix with this many rows and columns, stored so or turned.
const fn strides(rows: usize, columns: usize, across: bool) -> (isize, isize) {
    if across { (1, rows as isize) } else { (columns as isize, 1) }
}

/// The plan of a product.
fn executor(shape: &Shape) -> Executor<f32> {
    let mut case = Case::default();
    // Only the sizes count: the case's own numbers are left empty.
    let (n, k, d) = (case.axis("N", shape.rows), case.axis("K", shape.columns), case.axis("D", shape.contracted));
    let (i, j, m) = (case.index("i", n), case.index("k", k), case.index("d", d));
    let (left_axes, left_places) = if shape.left_across { ([d, n], [m, i]) } else { ([n, d], [i, m]) };
    let (right_axes, right_places) = if shape.right_across { ([k, d], [j, m]) } else { ([d, k], [m, j]) };
    let left = case.given("left", &left_axes, Vec::new(), false);
    let right = case.given("right", &right_axes, Vec::new(), false);
    let (left, right) = (case.context.entry_at(left, &left_places), case.context.entry_at(right, &right_places));
    let product = case.context.mul(vec![left, right]);
    let sum = case.sum(m, product);
    case.output("value", &[i, j], sum);
    case.executor(None)
}

/// The median time of the plan and of `gemm`, in seconds; they must agree.
fn times(shape: &Shape) -> (f64, f64) {
    let (m, n, k) = (shape.rows, shape.columns, shape.contracted);
    let numbers = |count: usize| -> Vec<f32> { (0..count).map(|at| (at * 31 % 97) as f32 / 97.0 - 0.5).collect() };
    let (left, right, mut out) = (numbers(m * k), numbers(k * n), vec![0.0_f32; m * n]);
    let mut executor = executor(shape);
    let mut inputs = Inputs::new();
    inputs.numbers("left", &left).numbers("right", &right);
    let limit = Duration::from_secs(1);
    let own = time(limit, 3, || executor.run(&inputs)).expect("a product of finite numbers");
    let parallelism = match rayon::current_num_threads() {
        1 => gemm::Parallelism::None,
        threads => gemm::Parallelism::Rayon(threads),
    };
    let ((left_row, left_column), (right_row, right_column)) =
        (strides(m, k, shape.left_across), strides(k, n, shape.right_across));
    let peer = time(limit, 3, || {
        // SAFETY: the three slices hold m × k, k × n and m × n numbers, with these strides.
        unsafe {
            gemm::gemm(
                m,
                n,
                k,
                out.as_mut_ptr(),
                1,
                n as isize,
                false,
                left.as_ptr(),
                left_column,
                left_row,
                right.as_ptr(),
                right_column,
                right_row,
                0.0_f32,
                1.0_f32,
                false,
                false,
                false,
                parallelism,
            );
        }
        black_box(&mut out);
        Ok::<(), Infallible>(())
    });
    let found = executor.output("value").expect("the product");
    let largest = out.iter().fold(0.0_f32, |largest, value| largest.max(value.abs()));
    let differ = found.iter().zip(&out).any(|(a, b)| (a - b).abs() > 1e-4 * largest);
    assert!(!differ, "{}: the two products differ", shape.what);
    (own.median, peer.expect("no error").median)
}

fn main() {
    println!("{:26}{:>22}{:>9}{:>12}{:>12}{:>9}", "", "rows × columns × sum", "threads", "GFLOP/s", "gemm", "ratio");
    let wanted: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    let is_wanted = |shape: &&Shape| wanted.is_empty() || wanted.iter().any(|name| shape.what.contains(name));
    let all = rayon::current_num_threads();
    for threads in [1, all] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a thread pool");
        for shape in SHAPES.iter().filter(is_wanted) {
            let (own, peer) = pool.install(|| times(shape));
            let operations = 2.0 * (shape.rows * shape.columns * shape.contracted) as f64;
            println!(
                "{:26}{:>22}{threads:>9}{:>12.0}{:>12.0}{:>9.2}",
                shape.what,
                format!("{} × {} × {}", shape.rows, shape.columns, shape.contracted),
                operations / own * 1e-9,
                operations / peer * 1e-9,
                own / peer,
            );
        }
        if all == 1 {
            break;
        }
    }
}
