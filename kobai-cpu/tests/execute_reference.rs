//! The executor against the reference evaluation, for every chunk size.

mod execute_support;

use execute_support::{Case, cross_entropy, info_nce, linear_cross_entropy};
use kobai::expr::{Constant, Reduction};
use kobai::formula::Relation;
use kobai::function::Function;

#[test]
fn a_sum() {
    for size in [0, 1, 2, 7, 700] {
        let mut case = Case::default();
        let n = case.axis("N", size);
        let i = case.index("i", n);
        let x = case.numbers("x", &[n]);
        let x_i = case.context.entry_at(x, &[i]);
        let exponential = case.apply(Function::Exp, x_i);
        let sum = case.sum(i, exponential);
        case.output("value", &[], sum);
        case.check("a sum");
    }
}

#[test]
fn softmax_cross_entropy() {
    let small = [(1, 1), (1, 5), (7, 1), (0, 3), (7, 3), (5, 40), (40, 5), (3, 1100), (70, 2)];
    // Rows that are gone through column by column, and the first that are not.
    let many_rows = [(130, 64), (257, 128), (259, 129)];
    for (samples, classes) in small.into_iter().chain(many_rows) {
        cross_entropy(samples, classes).check(&format!("cross-entropy {samples} × {classes}"));
    }
}

#[test]
fn linear_softmax_cross_entropy() {
    for (samples, features, classes) in
        [(1, 1, 1), (7, 4, 3), (9, 1, 5), (5, 0, 3), (6, 40, 35), (90, 3, 4), (210, 3, 100), (2700, 5, 10)]
    {
        linear_cross_entropy(samples, features, classes).check(&format!("linear {samples} × {features} × {classes}"));
    }
}

#[test]
fn contrastive() {
    for (samples, features) in [(1, 1), (5, 3), (7, 1), (40, 5), (70, 5)] {
        info_nce(samples, features).check(&format!("InfoNCE {samples} × {features}"));
    }
}

/// tᵢₖ (pᵢₖ − 1) + uᵢₖ pᵢₖ with p the softmax of zᵢₖ + bₖ, where one of t and u is 1: both are as exact as functions of their own,
/// also where p is 1 but for what rounding takes.
#[test]
fn a_softmax_and_the_same_less_one() {
    for (rows, columns) in [(1, 1), (7, 3), (300, 10), (2100, 3), (130, 64)] {
        let mut case = Case::default();
        let (n, k) = (case.axis("N", rows), case.axis("K", columns));
        let (i, j) = (case.index("i", n), case.index("k", k));
        let logit = |row: usize, column: usize| match (row % 6, column) {
            (0, 0) => 40.0,
            (1, 0) => 800.0,
            (2, 0 | 1) => 7.0,
            (3, 1) => f64::NEG_INFINITY,
            (4, 0) => 1e-17,
            (4, 1) => 0.0,
            _ => ((row * 37 + column * 101) % 251) as f64 / 40.0 - 3.0,
        };
        let entries = || (0..rows).flat_map(|row| (0..columns).map(move |column| (row, column)));
        let logits = entries().map(|(row, column)| logit(row, column)).collect();
        let wants_less: Vec<f64> = entries().map(|(row, column)| ((row + column) % 2) as f64).collect();
        let wants_share = wants_less.iter().map(|wanted| 1.0 - wanted).collect();
        let z = case.given("z", &[n, k], logits, false);
        let t = case.given("t", &[n, k], wants_less, false);
        let u = case.given("u", &[n, k], wants_share, false);
        let b = case.given("b", &[k], (0..columns).map(|column| (column % 2) as f64 / 8.0).collect(), false);
        let [z_ik, t_ik, u_ik] = [z, t, u].map(|symbol| case.context.entry_at(symbol, &[i, j]));
        let b_k = case.context.entry_at(b, &[j]);
        let body = case.context.add(vec![z_ik, b_k]);
        let lse = case.lse(j, body);
        let argument = case.context.subtract(body, lse);
        let (share, less) = (case.apply(Function::Exp, argument), case.apply(Function::Expm1, argument));
        let parts = [(t_ik, less), (u_ik, share)].map(|(flag, value)| case.context.mul(vec![flag, value]));
        let both = case.context.add(parts.to_vec());
        case.output("both", &[i, j], both);
        case.check("a softmax and the same less 1");
        let (found, expected) = (&case.run(None).expect("a result")["both"], &case.expected()["both"]);
        for (at, (found, expected)) in found.iter().zip(expected).enumerate() {
            // The reference rounds the exponent, which counts as much as the exponent is large.
            let bound = (4.0 + expected.abs().ln().abs()) * f64::EPSILON * expected.abs();
            let same = found == expected || (found - expected).abs() <= bound;
            assert!(same, "{rows} × {columns}, {at}: {found:e}, not {expected:e}");
        }
    }
}

/// Σᵢ exp(xᵢ − lse_j x_j) · xᵢ: the log-sum-exp runs over the streamed axis and is read again.
#[test]
fn a_log_sum_exp_over_the_streamed_axis_takes_two_passes() {
    for size in [1, 2, 7, 700] {
        let mut case = Case::default();
        let n = case.axis("N", size);
        let (i, j) = (case.index("i", n), case.index("j", n));
        let x = case.numbers("x", &[n]);
        let (x_i, x_j) = (case.context.entry_at(x, &[i]), case.context.entry_at(x, &[j]));
        let lse = case.lse(j, x_j);
        let difference = case.context.subtract(x_i, lse);
        let softmax = case.apply(Function::Exp, difference);
        let product = case.context.mul(vec![softmax, x_i]);
        let mean = case.sum(i, product);
        case.loss(mean, &[x]);
        assert!(case.executor::<f64>(None).plan().passes.len() >= 2);
        case.check("expectation under a softmax");
    }
}

/// lse over j < i of z_ij, where nothing is left for i = 0.
#[test]
fn masks() {
    for size in [1, 2, 5, 40] {
        let mut case = Case::default();
        let n = case.axis("N", size);
        let (i, j) = (case.index("i", n), case.index("j", n));
        let z = case.numbers("z", &[n, n]);
        let z_ij = case.context.entry_at(z, &[i, j]);
        let (place_i, place_j) = (case.context.index(i), case.context.index(j));
        let earlier = case.context.compare(Relation::Less, place_j, place_i);
        let never = case.context.constant(Constant::NegativeInfinity);
        let masked = case.context.select(earlier, z_ij, never);
        let lse = case.lse(j, masked);
        case.output("lse", &[i], lse);
        let upto = case.context.compare(Relation::LessOrEqual, place_j, place_i);
        let masked = case.context.select(upto, z_ij, never);
        let lse = case.lse(j, masked);
        let sum = case.sum(i, lse);
        case.loss(sum, &[z]);
        case.check("masks");
    }
}

/// The entry before the first one is in a branch that is not taken.
#[test]
fn a_neighbour_that_is_not_there_is_not_read() {
    for size in [1, 4, 600] {
        let mut case = Case::default();
        let n = case.axis("N", size);
        let i = case.index("i", n);
        let x = case.numbers("x", &[n]);
        let place = case.context.index(i);
        let (one, zero) = (case.context.integer(1), case.context.integer(0));
        let before = case.context.subtract(place, one);
        let x_before = case.context.entry(x, vec![before]);
        let first = case.context.compare(Relation::Equal, place, zero);
        let shifted = case.context.select(first, zero, x_before);
        case.output("shifted", &[i], shifted);
        let later = case.context.compare(Relation::Less, zero, place);
        let x_i = case.context.entry_at(x, &[i]);
        let step = case.context.subtract(x_i, x_before);
        let masked = case.context.mul(vec![step, step, later]);
        let steps = case.sum(i, masked);
        case.loss(steps, &[x]);
        case.check("a shift");
    }
}

/// Σ_{i≥1} (Σ_d x_{i−1,d} w_d)²: the inner sum is a tensor of its own, at every i.
#[test]
fn a_sum_over_a_neighbour_that_is_not_there_is_not_read() {
    for (size, features) in [(1, 3), (4, 1), (600, 3), (1500, 2)] {
        let mut case = Case::default();
        let (n, f) = (case.axis("N", size), case.axis("D", features));
        let (i, d) = (case.index("i", n), case.index("d", f));
        let (x, w) = (case.numbers("x", &[n, f]), case.numbers("w", &[f]));
        let (place, feature) = (case.context.index(i), case.context.index(d));
        let (one, two, zero) = (case.context.integer(1), case.context.integer(2), case.context.integer(0));
        let before = case.context.subtract(place, one);
        let (x_before, w_d) = (case.context.entry(x, vec![before, feature]), case.context.entry_at(w, &[d]));
        let product = case.context.mul(vec![x_before, w_d]);
        let sum = case.sum(d, product);
        let square = case.context.power(sum, two);
        let later = case.context.compare(Relation::LessOrEqual, one, place);
        let masked = case.context.select(later, square, zero);
        let squares = case.sum(i, masked);
        case.loss(squares, &[x, w]);
        case.check("a product with rows shifted by one");
    }
}

#[test]
fn products_and_extremes() {
    for (rows, columns) in [(3, 4), (40, 3), (3, 40), (1, 1), (2, 0)] {
        for reduction in
            [Reduction::Product, Reduction::Maximum, Reduction::Minimum, Reduction::Sum, Reduction::LogSumExp]
        {
            let mut case = Case::default();
            let (n, k) = (case.axis("N", rows), case.axis("K", columns));
            let (i, j) = (case.index("i", n), case.index("k", k));
            let x = case.numbers("x", &[n, k]);
            let x_ik = case.context.entry_at(x, &[i, j]);
            let square = case.context.mul(vec![x_ik, x_ik]);
            let by_row = case.context.reduce(reduction, j, square);
            case.output("rows", &[i], by_row);
            let by_column = case.context.reduce(reduction, i, square);
            case.output("columns", &[j], by_column);
            let all = case.context.reduce(reduction, i, by_row);
            case.output("all", &[], all);
            case.check(&format!("{reduction:?} {rows} × {columns}"));
        }
    }
}

#[test]
fn a_factor_of_zero_removes_infinity() {
    let mut case = Case::default();
    let (n, d, k) = (case.axis("N", 3), case.axis("D", 2), case.axis("K", 2));
    let (i, m, j) = (case.index("i", n), case.index("d", d), case.index("k", k));
    let x = case.given("x", &[n, d], vec![0.0, 1.0, 0.0, 2.0, 0.0, 3.0], false);
    let w = case.given("w", &[d, k], vec![f64::INFINITY, f64::NAN, 1.0, 2.0], false);
    let v = case.given("v", &[d], vec![f64::NEG_INFINITY, 5.0], false);
    let (x_id, w_dk, v_d) =
        (case.context.entry_at(x, &[i, m]), case.context.entry_at(w, &[m, j]), case.context.entry_at(v, &[m]));
    let product = case.context.mul(vec![x_id, w_dk]);
    let matrix = case.sum(m, product);
    case.output("matrix", &[i, j], matrix);
    let product = case.context.mul(vec![x_id, v_d]);
    let vector = case.sum(m, product);
    case.output("vector", &[i], vector);
    case.check("zero times infinity");
}

/// A few rows of every function of one argument, wherever the reference has a number.
#[test]
fn every_function() {
    for row in kobai::function::ROWS.iter().filter(|row| row.arity == 1) {
        let mut case = Case::default();
        let n = case.axis("N", 37);
        let i = case.index("i", n);
        let x = case.numbers("x", &[n]);
        let x_i = case.context.entry_at(x, &[i]);
        let value = case.apply(row.function, x_i);
        case.output("value", &[i], value);
        case.check(row.plain);
    }
}

/// Rows of a few entries are worked out a tile at a time: what is not finite in one row does nothing to the others.
#[test]
fn short_rows_beside_infinities() {
    let classes = 9;
    let mut case = cross_entropy(2100, classes);
    let logits = &mut case.arrays.get_mut("z").expect("the logits").data;
    let row = |row: usize| row * classes..(row + 1) * classes;
    logits[row(3)].fill(1.25);
    logits[row(4)].copy_from_slice(&[1e4, -1e4, 0.0, 1e4, 700.0, -700.0, 9999.0, 0.0, 1.0]);
    logits[row(5)][2..7].fill(f64::NEG_INFINITY);
    case.check("masked logits");
    let logits = &mut case.arrays.get_mut("z").expect("the logits").data;
    logits[row(1500)][0] = f64::INFINITY;
    logits[row(1600)][8] = f64::NAN;
    logits[row(1700)].fill(f64::NEG_INFINITY);
    case.check("logits that are not finite");
}

/// Σ_n Σ_m lse_k z_nmk: several tiles of short rows for each place of the streamed axis.
#[test]
fn short_rows_below_two_axes() {
    for (outer, rows, classes) in [(5, 70, 9), (3, 1100, 4)] {
        let mut case = Case::default();
        let (n, m, k) = (case.axis("N", outer), case.axis("M", rows), case.axis("K", classes));
        let (i, j, l) = (case.index("n", n), case.index("m", m), case.index("k", k));
        let z = case.numbers("z", &[n, m, k]);
        let entry = case.context.entry_at(z, &[i, j, l]);
        let lse = case.lse(l, entry);
        let by_row = case.sum(j, lse);
        let loss = case.sum(i, by_row);
        case.loss(loss, &[z]);
        case.check(&format!("{outer} × {rows} × {classes}"));
    }
}
