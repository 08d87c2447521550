//! Losses built by hand, and their values by the reference and by the executor.
#![allow(dead_code)] // Each test file uses what it needs.

use kobai::eval::Evaluator;
use kobai::eval::data::{Array, Inputs as Arrays, bind};
use kobai::eval::double::Double;
use kobai::expr::{Axis, AxisInformation, Context, Expr, Index, Reduction, Symbol, SymbolInformation};
use kobai::formula::Spelling;
use kobai::function::Function;
use kobai::plan::{Options, Output, plan};
use kobai::stabilise::stable_gradient;
use kobai_cpu::vector::Float;
use kobai_cpu::{Executor, Inputs, RunError};
use std::collections::HashMap;

fn spelling(text: &str) -> Spelling {
    Spelling { plain: text.into(), latex: text.into() }
}

/// Outputs of a plan with the inputs to run it at.
#[derive(Clone, Default)]
pub struct Case {
    pub context: Context,
    pub outputs: Vec<Output>,
    pub arrays: Arrays,
    pub inputs: Vec<Symbol>,
    pub sizes: HashMap<Axis, usize>,
    seed: u64,
}

impl Case {
    pub fn axis(&mut self, name: &str, size: usize) -> Axis {
        let axis =
            self.context.declare_axis(AxisInformation { size_name: spelling(name), letters: vec![], fixed: None });
        self.sizes.insert(axis, size);
        axis
    }

    pub fn index(&mut self, name: &str, axis: Axis) -> Index {
        self.context.named_index(spelling(name), axis)
    }

    /// A number in (−1, 1).
    fn random(&mut self) -> f64 {
        self.seed = self.seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.seed >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
    }

    pub fn given(&mut self, name: &str, axes: &[Axis], data: Vec<f64>, integer: bool) -> Symbol {
        let shape = axes.iter().map(|axis| self.sizes[axis]).collect();
        self.arrays.insert(name.to_owned(), Array { shape, data, integer });
        let information = SymbolInformation { name: spelling(name), axes: axes.to_vec(), integer, defined: false };
        let symbol = self.context.declare_symbol(information);
        self.inputs.push(symbol);
        symbol
    }

    /// An input of random numbers in (−3, 3).
    pub fn numbers(&mut self, name: &str, axes: &[Axis]) -> Symbol {
        let count: usize = axes.iter().map(|axis| self.sizes[axis]).product();
        let data = (0..count).map(|_| 3.0 * self.random()).collect();
        self.given(name, axes, data, false)
    }

    /// An input of labels into an axis.
    pub fn labels(&mut self, name: &str, axes: &[Axis], into: Axis) -> Symbol {
        let count: usize = axes.iter().map(|axis| self.sizes[axis]).product();
        let size = self.sizes[&into];
        let data = (0..count).map(|at| ((7 * at + 3) % size.max(1)) as f64).collect();
        self.given(name, axes, data, true)
    }

    pub fn sum(&mut self, index: Index, body: Expr) -> Expr {
        self.context.reduce(Reduction::Sum, index, body)
    }

    pub fn lse(&mut self, index: Index, body: Expr) -> Expr {
        self.context.reduce(Reduction::LogSumExp, index, body)
    }

    pub fn apply(&mut self, function: Function, argument: Expr) -> Expr {
        self.context.apply(function, argument)
    }

    /// body / size
    pub fn per(&mut self, axis: Axis, body: Expr) -> Expr {
        let size = self.context.size(axis);
        self.context.divide(body, size)
    }

    pub fn output(&mut self, name: &str, indices: &[Index], value: Expr) {
        self.outputs.push(Output { name: name.into(), indices: indices.to_vec(), value });
    }

    /// Outputs `value` and the gradients with respect to the symbols, by their names.
    pub fn loss(&mut self, loss: Expr, symbols: &[Symbol]) {
        self.output("value", &[], loss);
        for gradient in stable_gradient(&mut self.context, loss, symbols) {
            let name = format!("gradient {}", self.context.symbol(gradient.symbol).name.plain);
            self.output(&name, &gradient.indices, gradient.value);
        }
    }

    /// The outputs by the reference.
    pub fn expected(&self) -> HashMap<String, Vec<f64>> {
        let bound = bind(&self.context, &self.inputs, &self.arrays).expect("the inputs fit");
        let mut double = Double;
        let mut evaluator = Evaluator::new(&self.context, &bound, &mut double);
        let outputs = self.outputs.iter();
        outputs
            .map(|output| (output.name.clone(), evaluator.tensor(output.value, &output.indices).expect("a value").data))
            .collect()
    }

    pub fn executor<T: Float>(&self, chunk: Option<usize>) -> Executor<T> {
        Executor::new(plan(
            &mut self.context.clone(),
            &self.outputs,
            &self.sizes,
            Options { chunk, ..Options::default() },
        ))
    }

    pub fn run_on(&self, executor: &mut Executor<f64>) -> Result<HashMap<String, Vec<f64>>, RunError> {
        run(executor, &self.arrays)
    }

    pub fn run(&self, chunk: Option<usize>) -> Result<HashMap<String, Vec<f64>>, RunError> {
        self.run_on(&mut self.executor(chunk))
    }

    /// The executor agrees with the reference for every chunk size, and with itself when run again.
    pub fn check(&self, what: &str) {
        let expected = self.expected();
        for chunk in [Some(1), Some(2), Some(3), Some(1 << 20), None] {
            let mut executor = self.executor(chunk);
            let found = self.run_on(&mut executor).expect("a result");
            for (name, expected) in &expected {
                assert_close(
                    &found[name],
                    expected,
                    &format!("{what}, {name}, chunk {chunk:?}, {:#?}", executor.plan()),
                );
            }
            let again = self.run_on(&mut executor).expect("a result");
            assert!(same_bits(&found, &again), "{what} is another when run again");
        }
    }
}

/// All outputs of an executor at these inputs.
pub fn run(executor: &mut Executor<f64>, arrays: &Arrays) -> Result<HashMap<String, Vec<f64>>, RunError> {
    let integers: HashMap<&str, Vec<i64>> = arrays
        .iter()
        .filter(|(_, array)| array.integer)
        .map(|(name, array)| (name.as_str(), array.data.iter().map(|&value| value as i64).collect()))
        .collect();
    let mut inputs = Inputs::new();
    for (name, array) in arrays {
        match integers.get(name.as_str()) {
            Some(integers) => inputs.integers(name, integers),
            None => inputs.numbers(name, &array.data),
        };
    }
    executor.run(&inputs)?;
    let outputs = executor.plan().outputs.iter().map(|(name, _)| name);
    Ok(outputs.map(|name| (name.clone(), executor.output(name).expect("an output").to_vec())).collect())
}

/// 1e-13 relative to the entry or to a hundredth of the largest one, where terms of different signs have cancelled.
pub fn assert_close(found: &[f64], expected: &[f64], what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    let largest =
        expected.iter().filter(|value| value.is_finite()).fold(0.0_f64, |largest, value| largest.max(value.abs()));
    for (at, (&found, &expected)) in found.iter().zip(expected).enumerate() {
        let same = found == expected || (found.is_nan() && expected.is_nan());
        let bound = 1e-13 * expected.abs().max(1e-2 * largest);
        assert!(same || (found - expected).abs() <= bound, "entry {at}: {found:e}, not {expected:e}: {what}");
    }
}

pub fn same_bits(a: &HashMap<String, Vec<f64>>, b: &HashMap<String, Vec<f64>>) -> bool {
    let bits = |values: &HashMap<String, Vec<f64>>| {
        let mut bits: Vec<(String, Vec<u64>)> = values
            .iter()
            .map(|(name, values)| (name.clone(), values.iter().map(|value| value.to_bits()).collect()))
            .collect();
        bits.sort();
        bits
    };
    bits(a) == bits(b)
}

/// −1/N Σᵢ (z_{i,yᵢ} − lse_k z_ik), with given logits; without samples there is no mean, and the sum is taken.
pub fn cross_entropy(samples: usize, classes: usize) -> Case {
    let mut case = Case::default();
    let (n, k) = (case.axis("N", samples), case.axis("K", classes));
    let (i, j) = (case.index("i", n), case.index("k", k));
    let z = case.numbers("z", &[n, k]);
    let y = case.labels("y", &[n], k);
    let label = case.context.entry_at(y, &[i]);
    let place = case.context.index(i);
    let own = case.context.entry(z, vec![place, label]);
    let logit = case.context.entry_at(z, &[i, j]);
    let lse = case.lse(j, logit);
    let difference = case.context.subtract(lse, own);
    let sum = case.sum(i, difference);
    let loss = if samples > 0 { case.per(n, sum) } else { sum };
    case.loss(loss, &[z]);
    case
}

/// The same with z_ik = Σ_d x_id W_dk + b_k.
pub fn linear_cross_entropy(samples: usize, features: usize, classes: usize) -> Case {
    let mut case = Case::default();
    let (n, d, k) = (case.axis("N", samples), case.axis("D", features), case.axis("K", classes));
    let (i, m, j) = (case.index("i", n), case.index("d", d), case.index("k", k));
    let (x, w, b) = (case.numbers("x", &[n, d]), case.numbers("W", &[d, k]), case.numbers("b", &[k]));
    let y = case.labels("y", &[n], k);
    let (x_id, w_dk, b_k) =
        (case.context.entry_at(x, &[i, m]), case.context.entry_at(w, &[m, j]), case.context.entry_at(b, &[j]));
    let product = case.context.mul(vec![x_id, w_dk]);
    let product = case.sum(m, product);
    let logit = case.context.add(vec![product, b_k]);
    let lse = case.lse(j, logit);
    let label = case.context.entry_at(y, &[i]);
    let place = case.context.index(j);
    let own = case.context.substitute(logit, &HashMap::from([(place, label)]));
    let difference = case.context.subtract(lse, own);
    let sum = case.sum(i, difference);
    let loss = case.per(n, sum);
    case.loss(loss, &[x, w, b]);
    case
}

/// InfoNCE: 1/N Σᵢ (lse_j s_ij − s_ii), s_ij = Σ_d q_id k_jd.
pub fn info_nce(samples: usize, features: usize) -> Case {
    let mut case = Case::default();
    let (n, d) = (case.axis("N", samples), case.axis("D", features));
    let (i, j, m) = (case.index("i", n), case.index("j", n), case.index("d", d));
    let (q, k) = (case.numbers("q", &[n, d]), case.numbers("k", &[n, d]));
    let (q_id, k_jd) = (case.context.entry_at(q, &[i, m]), case.context.entry_at(k, &[j, m]));
    let product = case.context.mul(vec![q_id, k_jd]);
    let s_ij = case.sum(m, product);
    let lse = case.lse(j, s_ij);
    let s_ii = case.context.replace_index(s_ij, j, i);
    let difference = case.context.subtract(lse, s_ii);
    let sum = case.sum(i, difference);
    let loss = case.per(n, sum);
    case.loss(loss, &[q, k]);
    case
}
