//! Tensors of more entries than 32 bits count.

mod execute_support;

use execute_support::Case;
use kobai::expr::SymbolInformation;
use kobai::formula::Spelling;
use kobai::plan::{Options, Output, plan};
use kobai_cpu::{Executor, Inputs};
use memmap2::{MmapMut, MmapOptions};

/// Zeros that take memory only where they are written to.
fn zeros(entries: usize) -> MmapMut {
    MmapOptions::new().len(entries * size_of::<f32>()).no_reserve_swap().map_anon().expect("addresses")
}

/// Σᵢ log Σₖ exp z_{rᵢ k} over three rows of a matrix of 2.8 · 10⁹ entries: the last row begins beyond 2³¹.
#[test]
fn rows_beyond_two_to_the_31_are_found() {
    let (rows, columns) = (70_000, 40_000);
    let mut matrix = zeros(rows * columns);
    let z: &mut [f32] = bytemuck::cast_slice_mut(&mut matrix);
    z[(rows - 1) * columns + columns - 1] = 20.0;
    z[53_687 * columns + 7] = 15.0;

    let mut case = Case::default();
    let (n, r, k) = (case.axis("N", 3), case.axis("R", rows), case.axis("K", columns));
    let (i, column) = (case.index("i", n), case.index("k", k));
    let declare = |name: &str, axes: &[_], integer| SymbolInformation {
        name: Spelling { plain: name.into(), latex: name.into() },
        axes: axes.to_vec(),
        integer,
        defined: false,
    };
    let context = &mut case.context;
    let (z_symbol, row) =
        (context.declare_symbol(declare("z", &[r, k], false)), context.declare_symbol(declare("row", &[n], true)));
    let (row_i, k_index) = (context.entry_at(row, &[i]), context.index(column));
    let entry = context.entry(z_symbol, vec![row_i, k_index]);
    let lse = case.lse(column, entry);
    let value = case.sum(i, lse);
    let outputs = [Output { name: "value".into(), indices: Vec::new(), value }];

    let options = Options { entry_bytes: size_of::<f32>(), ..Options::default() };
    let mut executor: Executor<f32> = Executor::new(plan(&mut case.context, &outputs, &case.sizes, options));
    let mut inputs = Inputs::new();
    let chosen = [rows as i64 - 1, 0, 53_687];
    inputs.numbers("z", bytemuck::cast_slice(&matrix)).integers("row", &chosen);
    executor.run(&inputs).expect("a result");

    let others = (columns - 1) as f64;
    let expected = (20_f64.exp() + others).ln() + (columns as f64).ln() + (15_f64.exp() + others).ln();
    let found = f64::from(executor.output("value").expect("a value")[0]);
    assert!((found / expected - 1.0).abs() < 2e-7, "{found} instead of {expected}");
}
