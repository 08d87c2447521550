//! What a run promises beside its values: errors for bad data, the same bits for any number of threads, digits kept.

mod execute_support;

use execute_support::{Case, cross_entropy, info_nce, linear_cross_entropy, run, same_bits};
use half::{bf16, f16};
use kobai::plan::fuse::Segment;
use kobai_cpu::scratch_file::ScratchWriter;
use kobai_cpu::{Executor, Inputs, RunError};
use std::cell::RefCell;
use std::ops::ControlFlow;

fn in_pool<R: Send>(threads: usize, work: impl FnOnce() -> R + Send) -> R {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool").install(work)
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    let cases = [
        ("cross-entropy", cross_entropy(130, 2500)),
        ("tall cross-entropy", cross_entropy(20_001, 7)),
        ("linear", linear_cross_entropy(151, 133, 211)),
        ("InfoNCE", info_nce(260, 65)),
        ("a column", linear_cross_entropy(1500, 1030, 1)),
    ];
    for (what, case) in cases {
        for chunk in [None, Some(64)] {
            let arrays = &case.arrays;
            let mut executor = case.executor(chunk);
            let one = in_pool(1, || run(&mut executor, arrays)).expect("a result");
            for threads in [2, 3] {
                let several = in_pool(threads, || run(&mut executor, arrays)).expect("a result");
                assert!(same_bits(&one, &several), "{what}: {threads} threads, chunk {chunk:?}");
            }
        }
    }
}

#[test]
fn a_label_out_of_range_is_an_error() {
    for bad in [3.0, -1.0, 1e15] {
        let mut case = cross_entropy(5, 3);
        case.arrays.get_mut("y").expect("labels").data[3] = bad;
        for chunk in [None, Some(1), Some(2)] {
            let error = case.run(chunk).expect_err("an error");
            assert_eq!(error, RunError::IndexOutOfRange { name: "z".into(), value: bad, size: 3 });
            assert_eq!(error.code(), "index-out-of-range");
        }
    }
}

#[test]
fn the_first_of_several_errors_is_given_for_any_number_of_threads() {
    let mut case = cross_entropy(100_000, 3);
    let labels = &mut case.arrays.get_mut("y").expect("labels").data;
    (labels[1_000], labels[99_000]) = (5.0, 7.0);
    let arrays = case.arrays.clone();
    let mut executor = case.executor(Some(100_000));
    for threads in [1, 2, 3] {
        let error = in_pool(threads, || run(&mut executor, &arrays)).expect_err("an error");
        assert_eq!(error, RunError::IndexOutOfRange { name: "z".into(), value: 5.0, size: 3 });
    }
}

#[test]
fn an_executor_is_of_use_after_an_error() {
    let case = cross_entropy(5, 3);
    let mut executor = case.executor(Some(2));
    let before = case.run_on(&mut executor).expect("a result");
    let mut bad = case.clone();
    bad.arrays.get_mut("y").expect("labels").data[3] = 9.0;
    assert!(bad.run_on(&mut executor).is_err());
    let after = case.run_on(&mut executor).expect("a result");
    assert!(same_bits(&before, &after));
}

#[test]
fn whoever_watches_is_told_of_each_chunk_and_may_end_the_run() {
    let case = cross_entropy(5, 3);
    let mut executor = case.executor(Some(2));
    let whole = case.run_on(&mut executor).expect("a result");
    let (z, y) = (&case.arrays["z"].data, &case.arrays["y"].data);
    let seen = RefCell::new(Vec::new());
    let watch = |chunk| {
        seen.borrow_mut().push(chunk);
        if seen.borrow().len() == 2 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let mut inputs = Inputs::new();
    inputs.numbers("z", z).numbers("y", y).watch(&watch);
    assert_eq!(executor.run(&inputs), Err(RunError::Interrupted));
    assert_eq!(*seen.borrow(), [0..2, 2..4]);
    assert!(same_bits(&whole, &case.run_on(&mut executor).expect("a result")));
}

#[test]
fn numbers_in_a_file_are_read_as_those_in_memory() {
    let case = cross_entropy(700, 30);
    let mut executor = case.executor(Some(64));
    let whole = case.run_on(&mut executor).expect("a result");
    let mut writer = ScratchWriter::new(tempfile::tempfile().expect("a file"));
    case.arrays["z"].data.chunks(1000).for_each(|part| writer.write(part).expect("room on the disk"));
    let file = writer.finish().expect("a file");
    assert_eq!(&file[..], &case.arrays["z"].data[..]);
    let watch = |chunk: std::ops::Range<usize>| {
        file.release(chunk.start * 30..chunk.end * 30);
        ControlFlow::Continue(())
    };
    let mut inputs = Inputs::new();
    inputs.numbers("z", &file).numbers("y", &case.arrays["y"].data).watch(&watch);
    for _ in 0..2 {
        executor.run(&inputs).expect("a result");
        for (name, values) in &whole {
            assert_eq!(executor.output(name), Some(&values[..]), "{name}");
        }
    }
    assert!(ScratchWriter::<f64>::new(tempfile::tempfile().expect("a file")).finish().expect("a file").is_empty());
}

#[test]
fn inputs_are_checked() {
    let case = cross_entropy(2, 2);
    let mut executor: Executor = case.executor(None);
    let mut inputs = Inputs::new();
    inputs.numbers("z", &[1.0, 2.0, 3.0, 4.0]);
    assert_eq!(executor.run(&inputs), Err(RunError::MissingInput { name: "y".into() }));
    inputs.integers("y", &[0, 1, 1]);
    assert_eq!(executor.run(&inputs), Err(RunError::WrongLength { name: "y".into(), expected: 2, given: 3 }));
    inputs.integers("y", &[0, i64::MAX]);
    assert_eq!(executor.run(&inputs), Err(RunError::NotExact { name: "y".into(), value: i64::MAX }));
    inputs.numbers("y", &[0.0, 1.0]);
    assert_eq!(executor.run(&inputs), Ok(()));
    assert_eq!(executor.output("nothing"), None);
}

#[test]
fn single_precision_agrees_to_its_digits() {
    let case = linear_cross_entropy(40, 30, 20);
    let expected = case.expected();
    let mut executor = case.executor::<f32>(Some(16));
    let single: Vec<(&String, Vec<f32>)> = case
        .arrays
        .iter()
        .map(|(name, array)| (name, array.data.iter().map(|&value| value as f32).collect()))
        .collect();
    let mut inputs = Inputs::new();
    for (name, values) in &single {
        inputs.numbers(name, values);
    }
    executor.run(&inputs).expect("a result");
    for (name, expected) in expected {
        let largest = expected.iter().fold(0.0_f64, |largest, value| largest.max(value.abs()));
        for (&found, expected) in executor.output(&name).expect("an output").iter().zip(expected) {
            assert!((f64::from(found) - expected).abs() <= 1e-5 * largest, "{name}: {found} {expected}");
        }
    }
}

/// A large sum with small terms: a plain sum would lose them all.
#[test]
fn a_long_sum_keeps_its_digits() {
    let count = 100_000;
    for chunk in [Some(1), Some(512), Some(count)] {
        let mut case = Case::default();
        let n = case.axis("N", count);
        let i = case.index("i", n);
        let mut data = vec![1e-16; count];
        data[0] = 1.0;
        let x = case.given("x", &[n], data, false);
        let x_i = case.context.entry_at(x, &[i]);
        let sum = case.sum(i, x_i);
        case.output("value", &[], sum);
        let found = case.run(chunk).expect("a result")["value"][0];
        let exact = 1.0 + (count - 1) as f64 * 1e-16;
        assert!((found - exact).abs() <= 1.2e-14 * exact, "{found} {exact} {chunk:?}");
    }
}

/// Inputs of half the bits give what the numbers that they are give.
#[test]
fn half_floats_are_the_numbers_that_they_are() {
    let case = cross_entropy(9, 70);
    let logits = &case.arrays["z"].data;
    let brain: Vec<bf16> = logits.iter().map(|&value| bf16::from_f64(value)).collect();
    let half: Vec<f16> = logits.iter().map(|&value| f16::from_f64(value)).collect();
    let labels: Vec<i64> = case.arrays["y"].data.iter().map(|&label| label as i64).collect();
    let exact = |values: Vec<f32>| {
        let mut executor: Executor<f32> = case.executor(None);
        executor.run(Inputs::new().numbers("z", &values).integers("y", &labels)).expect("a result");
        executor.output("gradient z").expect("a gradient").to_vec()
    };
    let mut executor: Executor<f32> = case.executor(None);
    executor.run(Inputs::new().brain_floats("z", &brain).integers("y", &labels)).expect("a result");
    assert_eq!(executor.output("gradient z"), Some(&exact(brain.iter().map(|value| value.to_f32()).collect())[..]));
    executor.run(Inputs::new().half_floats("z", &half).integers("y", &labels)).expect("a result");
    assert_eq!(executor.output("gradient z"), Some(&exact(half.iter().map(|value| value.to_f32()).collect())[..]));
}

/// A strip of one place that no cache holds would leave all but one thread idle, and keep exponentials in memory.
#[test]
fn a_place_too_large_for_a_cache_is_no_strip() {
    let strips = |classes: usize| {
        let mut case = Case::default();
        let axes = [("B", 2), ("M", 40), ("K", classes)].map(|(name, size)| case.axis(name, size));
        let [i, m, k] = [0, 1, 2].map(|place| case.index(["i", "m", "k"][place], axes[place]));
        let z = case.given("z", &axes, Vec::new(), false);
        let entry = case.context.entry_at(z, &[i, m, k]);
        let lse = case.lse(k, entry);
        let of_group = case.sum(m, lse);
        let square = case.context.mul(vec![of_group, of_group]);
        let loss = case.sum(i, square);
        case.loss(loss, &[z]);
        let executor: Executor = case.executor(Some(1));
        let segments = executor.plan().passes.iter().flat_map(|pass| &pass.segments);
        let largest = segments.filter_map(|segment| match segment {
            Segment::Strips(strips) => Some(strips.steps.clone()),
            Segment::Step(_) => None,
        });
        largest.map(|steps| steps.len()).sum::<usize>()
    };
    assert!(strips(30_000) < strips(20_000));
}
