//! A small plan allocates nothing once it has run.

mod execute_support;

use execute_support::{cross_entropy, run};
use kobai_cpu::{Executor, Inputs};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

/// Counts what each thread asks for.
struct Counting;

#[allow(unsafe_code)] // An allocator is unsafe to implement.
// SAFETY: everything is handed on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.with(|count| count.set(count.get() + 1));
        // SAFETY: by the caller.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: by the caller.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn a_small_loss_allocates_nothing_when_run_again() {
    for (samples, classes) in [(64, 10), (5, 300), (200, 3)] {
        let case = cross_entropy(samples, classes);
        let mut executor: Executor<f64> = case.executor(None);
        run(&mut executor, &case.arrays).expect("a result");
        let mut inputs = Inputs::new();
        let labels: Vec<i64> = case.arrays["y"].data.iter().map(|&label| label as i64).collect();
        inputs.numbers("z", &case.arrays["z"].data).integers("y", &labels);
        executor.run(&inputs).expect("a result");
        let before = ALLOCATIONS.with(Cell::get);
        executor.run(&inputs).expect("a result");
        assert_eq!(ALLOCATIONS.with(Cell::get) - before, 0, "{samples} × {classes}");
    }
}
