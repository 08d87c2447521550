//! Tapes that run as one loop: a loss and its gradient that need the same functions.

mod execute_support;

use execute_support::{Case, run, same_bits};
use kobai::expr::{Expr, Index};
use kobai::function::Function;
use kobai::plan::fuse::Segment;
use kobai_cpu::Executor;

/// −1/N Σᵢ [tᵢ (1 − σ(xᵢ))² log σ(xᵢ) + (1 − tᵢ) σ(xᵢ)² log(1 − σ(xᵢ))]: the focal loss, in its stable form.
fn focal(samples: usize) -> Case {
    let mut case = Case::default();
    let n = case.axis("N", samples);
    let i = case.index("i", n);
    let (x, t) = (case.numbers("x", &[n]), case.numbers("t", &[n]));
    let (x_i, t_i) = (case.context.entry_at(x, &[i]), case.context.entry_at(t, &[i]));
    let minus_x = case.context.negate(x_i);
    let one = case.context.integer(1);
    let rest = case.context.subtract(one, t_i);
    let mut term = |weight: Expr, at: Expr| {
        let (sigmoid, softplus) = (case.apply(Function::Sigmoid, at), case.apply(Function::Softplus, at));
        case.context.mul(vec![weight, sigmoid, sigmoid, softplus])
    };
    let (positive, negative) = (term(t_i, minus_x), term(rest, x_i));
    let both = case.context.add(vec![positive, negative]);
    let sum = case.sum(i, both);
    let loss = case.per(n, sum);
    case.loss(loss, &[x]);
    case
}

/// Σᵢ Σ_k [p softplus(u) + q softplus(−u)], p and q softmaxes of a and b, u = log p − log q: most of a Jensen–Shannon
/// divergence.
fn divergence(rows: usize, classes: usize) -> Case {
    let mut case = Case::default();
    let (n, k) = (case.axis("N", rows), case.axis("K", classes));
    let (i, j) = (case.index("i", n), case.index("k", k));
    let (a, b) = (case.numbers("a", &[n, k]), case.numbers("b", &[n, k]));
    let mut log_softmax = |symbol| -> Expr {
        let entry = case.context.entry_at(symbol, &[i, j]);
        let lse = case.lse(j, entry);
        case.context.subtract(entry, lse)
    };
    let (log_p, log_q) = (log_softmax(a), log_softmax(b));
    let mut side = |own: Expr, other: Expr, index: Index| -> Expr {
        let difference = case.context.subtract(other, own);
        let (power, softplus) = (case.apply(Function::Exp, own), case.apply(Function::Softplus, difference));
        let term = case.context.mul(vec![power, softplus]);
        case.sum(index, term)
    };
    let (first, second) = (side(log_p, log_q, j), side(log_q, log_p, j));
    let both = case.context.add(vec![first, second]);
    let loss = case.sum(i, both);
    case.loss(loss, &[a, b]);
    case
}

/// How many steps run in a loop with others.
fn joined(case: &Case) -> usize {
    let executor: Executor<f64> = case.executor(None);
    let segments = executor.plan().passes.iter().flat_map(|pass| &pass.segments);
    let groups = segments.flat_map(|segment| match segment {
        Segment::Strips(strips) => strips.groups.clone(),
        Segment::Step(_) => Vec::new(),
    });
    groups.map(|group| group.len()).filter(|&members| members > 1).sum()
}

/// The same bits where every step runs by itself.
fn assert_same_apart(case: &Case, what: &str) {
    let mut together: Executor<f64> = case.executor(None);
    let mut plan = together.plan().clone();
    for segment in plan.passes.iter_mut().flat_map(|pass| &mut pass.segments) {
        if let Segment::Strips(strips) = segment {
            strips.groups = strips.steps.clone().map(|step| step..step + 1).collect();
        }
    }
    let apart = run(&mut Executor::new(plan), &case.arrays).expect("a result");
    assert!(same_bits(&run(&mut together, &case.arrays).expect("a result"), &apart), "{what}");
}

#[test]
fn a_loss_and_its_gradient_share_their_functions() {
    for samples in [64, 1000, 5000] {
        let case = focal(samples);
        assert_eq!(joined(&case), 2, "the sum and the gradient");
        case.check(&format!("focal loss of {samples}"));
        assert_same_apart(&case, &format!("focal loss of {samples}"));
    }
}

#[test]
fn two_sides_of_a_divergence_share_their_functions() {
    for (rows, classes) in [(1, 64), (5, 130), (3, 1100)] {
        let case = divergence(rows, classes);
        assert_eq!(joined(&case), 4, "two sums and two gradients");
        assert_same_apart(&case, &format!("divergence {rows} × {classes}"));
    }
}

#[test]
fn short_loops_run_by_themselves() {
    let case = divergence(200, 5);
    assert_eq!(joined(&case), 0);
    case.check("divergence of five classes");
}

#[test]
fn the_number_of_threads_changes_no_bit_of_joined_tapes() {
    for case in [focal(300_000), divergence(150, 1100)] {
        let mut executor = case.executor(None);
        let mut in_pool = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
            pool.install(|| run(&mut executor, &case.arrays)).expect("a result")
        };
        let one = in_pool(1);
        assert!(same_bits(&one, &in_pool(2)) && same_bits(&one, &in_pool(3)));
    }
}

/// σ(xᵢ), σ(−xᵢ), softplus(xᵢ) and softplus(−xᵢ), any of them in any order: e^−|xᵢ| is worked out once for all. (Not at NaN,
/// whose sign has no meaning; `vector_accuracy` has it.)
#[test]
fn logistic_functions_in_any_order() {
    let functions = [
        (Function::Sigmoid, false),
        (Function::Sigmoid, true),
        (Function::Softplus, false),
        (Function::Softplus, true),
    ];
    let mut orders: Vec<Vec<usize>> = (0..4).map(|first| vec![first]).collect();
    for _ in 1..4 {
        let longer: Vec<Vec<usize>> = orders
            .iter()
            .flat_map(|order| (0..4).filter(|next| !order.contains(next)).map(|next| [&order[..], &[next]].concat()))
            .collect();
        orders.extend(longer);
    }
    orders.sort();
    orders.dedup();
    for order in orders.into_iter().filter(|order| order.len() > 1) {
        let mut case = Case::default();
        let n = case.axis("N", 1500);
        let i = case.index("i", n);
        let special = [0.0, -0.0, 1e4, -1e4, f64::INFINITY, f64::NEG_INFINITY, 1e-300];
        let x = (0..1500).map(|place| special.get(place % 50).copied().unwrap_or(place as f64 * 0.07 - 50.0)).collect();
        let x = case.given("x", &[n], x, false);
        let x_i = case.context.entry_at(x, &[i]);
        let minus_x = case.context.negate(x_i);
        for (place, &which) in order.iter().enumerate() {
            let (function, is_negative) = functions[which];
            let value = case.apply(function, if is_negative { minus_x } else { x_i });
            case.output(&format!("value {place}"), &[i], value);
        }
        assert_eq!(joined(&case), order.len(), "{order:?} run as one");
        assert_same_apart(&case, &format!("{order:?}"));
    }
}
