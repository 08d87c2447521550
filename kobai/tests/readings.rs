//! Every reading of the conformance set gives its value, and every faulty text is refused with a place and a fix.

mod common;

use common::{data_folder, read_inputs};
use kobai::eval::Evaluator;
use kobai::eval::data::{Array, Inputs, bind, kinds};
use kobai::eval::double::Double;
use kobai::explain::{Language, choices, diagnostic};
use kobai::expr::Symbol;
use kobai::parse::{detect, parse};
use kobai::print::{Notation, print};
use kobai::resolve::{Program, resolve};
use kobai::source::Diagnostic;
use kobai::stabilise::{stabilise, stable_gradient, written_out};
use serde_json::Value;
use std::collections::BTreeMap;

fn rows() -> Vec<Value> {
    let text = std::fs::read_to_string(data_folder().join("latex.json")).expect("the conformance data");
    serde_json::from_str(&text).expect("valid JSON")
}

fn text_of(row: &Value) -> String {
    let Some(repeat) = row.get("tex_repeat") else { return row["tex"].as_str().unwrap_or_default().to_owned() };
    let part = |name: &str| repeat[name].as_str().unwrap_or_default();
    let times = repeat["times"].as_u64().unwrap_or_default() as usize;
    format!("{}{}{}", part("open").repeat(times), part("inside"), part("close").repeat(times))
}

fn read(text: &str, inputs: &Inputs) -> Result<Program, Vec<Diagnostic>> {
    resolve(&parse(text, detect(text)), &kinds(inputs))
}

/// The value as written and in the stable form.
fn values(program: &mut Program, inputs: &Inputs) -> Result<[f64; 2], Vec<Diagnostic>> {
    let (plain, stable) = (written_out(program), stabilise(program).loss);
    let needed = program.context.symbols_in(plain);
    let bound = bind(&program.context, &needed, inputs).map_err(|errors| program.located(errors))?;
    let value = |expr| Evaluator::new(&program.context, &bound, &mut Double).scalar(expr);
    let pair = value(plain).and_then(|plain| Ok([plain, value(stable)?]));
    pair.map_err(|error| program.located(vec![error]))
}

#[test]
fn readings_give_their_values() {
    let mut wrong = Vec::new();
    let all = rows();
    let readings: Vec<&Value> = all.iter().filter(|row| row.get("construct").is_some()).collect();
    assert!(readings.len() >= 82);
    for row in readings {
        let (text, inputs) = (text_of(row), read_inputs(&row["inputs"]));
        let truth: f64 = row["value"].as_str().expect("a value").parse().expect("a number");
        let found = read(&text, &inputs).and_then(|mut program| values(&mut program, &inputs));
        match found {
            Ok(values) => {
                for value in values {
                    let close = (value - truth).abs() <= 1e-12 * truth.abs();
                    if !close {
                        wrong.push(format!("{} {text}: {value:e} instead of {truth:e}", row["id"]));
                    }
                }
            }
            Err(errors) => wrong.push(format!("{} {text}: {errors:?}", row["id"])),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn faulty_texts_are_refused_with_a_place_and_a_fix() {
    for row in rows().iter().filter(|row| row.get("error").is_some()) {
        let (text, inputs) = (text_of(row), read_inputs(&row["inputs"]));
        let found = read(&text, &inputs).and_then(|mut program| values(&mut program, &inputs));
        let errors = match found {
            Err(errors) => errors,
            Ok(value) => panic!("{} {text} is accepted: {value:?}", row["id"]),
        };
        let error = errors.iter().find(|error| error.is_error()).expect("an error");
        let span = error.span.unwrap_or_else(|| panic!("{} {error:?} has no place", row["id"]));
        assert!(span.start <= span.end && span.end <= text.len(), "{}", row["id"]);
        for (language, ..) in Language::ALL {
            let message = diagnostic(error, language);
            assert!(message.message != error.code && !message.fix.is_empty(), "{}: {error:?}", row["id"]);
        }
    }
}

/// The shape of an input, by name.
type Shape = (&'static str, &'static [usize]);

/// What is written without indices, the same with indices, and the shapes of the inputs.
const WHOLE: &[(&str, &str, &[Shape])] = &[
    (r"L = \|Wx+b-t\|_2^2", r"\sum_k (\sum_d W_{kd} x_d + b_k - t_k)^2", LINEAR),
    (r"L = \lVert W x + b - t \rVert_1", r"\sum_k |\sum_d W_{kd} x_d + b_k - t_k|", LINEAR),
    (r"L = \|Wx + b\|_\infty", r"\max_k |\sum_d W_{kd} x_d + b_k|", LINEAR),
    (r"L = \frac12 \|w\|_2^2", r"\frac12 \sum_d w_d^2", &[("w", &[3])]),
    (r"L = \|w\|", r"\sqrt{\sum_d w_d^2}", &[("w", &[3])]),
    (r"L = \|w\|_p^p", r"\sum_d |w_d|^p", &[("w", &[3]), ("p", &[])]),
    (r"L = -\log\sigma(w^\top x)", r"-\log\sigma(\sum_d w_d x_d)", &[("w", &[3]), ("x", &[3])]),
    (r"L = u^\top W v", r"\sum_{i,j} u_i W_{ij} v_j", &[("u", &[2]), ("W", &[2, 3]), ("v", &[3])]),
    (r"L = u^T W^T v", r"\sum_{i,j} u_i W_{ji} v_j", &[("u", &[3]), ("W", &[2, 3]), ("v", &[2])]),
    (r"L = D_{KL}(P\|Q)", r"\sum_k P_k \log \frac{P_k}{Q_k}", &[("P", &[3]), ("Q", &[3])]),
    (r"L = \mathrm{KL}\left(p \,\middle\|\, q\right)", r"\sum_k p_k \log \frac{p_k}{q_k}", &[("p", &[3]), ("q", &[3])]),
    (
        r"L = \sum_i D_{\mathrm{KL}}(p_i \,\|\, q_i)",
        r"\sum_{i,k} p_{ik} \log \frac{p_{ik}}{q_{ik}}",
        &[("p", &[2, 3]), ("q", &[2, 3])],
    ),
    (r"L = H(p) + H(p, q)", r"-\sum_k p_k \log p_k - \sum_k p_k \log q_k", &[("p", &[3]), ("q", &[3])]),
    (
        r"L = \frac{u^\top v}{\|u\|\|v\|}",
        r"\frac{\sum_i u_i v_i}{\sqrt{\sum_i u_i^2} \sqrt{\sum_i v_i^2}}",
        &[("u", &[3]), ("v", &[3])],
    ),
    (
        r"L = \frac{u \cdot v}{\|u\| \cdot \|v\|}",
        r"\frac{\sum_i u_i v_i}{\sqrt{\sum_i u_i^2} \sqrt{\sum_i v_i^2}}",
        &[("u", &[3]), ("v", &[3])],
    ),
    (r"L = \lambda \|W\|_F^2", r"\lambda \sum_{d,k} W_{dk}^2", &[("W", &[2, 3]), ("lambda", &[])]),
    (r"L = \|W^\top W - I\|_F^2", r"\sum_{j,k} (\sum_d W_{dj} W_{dk} - \delta_{jk})^2", &[("W", &[3, 2])]),
    (r"L = \operatorname{tr}(A^\top B)", r"\sum_{i,j} A_{ij} B_{ij}", &[("A", &[2, 3]), ("B", &[2, 3])]),
    (r"L = \langle A, B \rangle", r"\sum_{i,j} A_{ij} B_{ij}", &[("A", &[2, 3]), ("B", &[2, 3])]),
    (r"L = \mathbf{1}^\top x", r"\sum_i x_i", &[("x", &[3])]),
    (r"L = \mathbf 1_N^\top x / N", r"\frac1N \sum_{i=1}^N x_i", &[("x", &[3])]),
    (r"L = \mathbf{1}^\top \exp(z)", r"\sum_i e^{z_i}", &[("z", &[3])]),
    (r"L = \|e^{z}\|_1 + \|\exp(z)\|^2", r"\sum_i e^{z_i} + \sum_i e^{2 z_i}", &[("z", &[3])]),
    (r"L = \|u \odot v - w\|^2", r"\sum_i (u_i v_i - w_i)^2", &[("u", &[3]), ("v", &[3]), ("w", &[3])]),
    (
        r"L = -\sum_k t_k \log \operatorname{softmax}(Wx + b)_k",
        r"-\sum_k t_k \log \frac{e^{\sum_d W_{kd} x_d + b_k}}{\sum_j e^{\sum_d W_{jd} x_d + b_j}}",
        LINEAR,
    ),
    (
        r"L = -t^\top \log \operatorname{softmax}(Wx + b)",
        r"-\sum_k t_k \log \frac{e^{\sum_d W_{kd} x_d + b_k}}{\sum_j e^{\sum_d W_{jd} x_d + b_j}}",
        LINEAR,
    ),
    (
        r"p = \operatorname{softmax}(Wx + b) \\ L = -\sum_k t_k \log p_k",
        r"-\sum_k t_k \log \frac{e^{\sum_d W_{kd} x_d + b_k}}{\sum_j e^{\sum_d W_{jd} x_d + b_j}}",
        LINEAR,
    ),
    (
        r"L = -\sum_k t_k \log p_k \\ p = \operatorname{softmax}(h) \\ h = Wx + b",
        r"-\sum_k t_k \log \frac{e^{\sum_d W_{kd} x_d + b_k}}{\sum_j e^{\sum_d W_{jd} x_d + b_j}}",
        LINEAR,
    ),
    (
        r"L = \frac1N \sum_{i=1}^N \|W x_i + b - y_i\|_2^2",
        r"\frac1N \sum_{i=1}^N \sum_k (\sum_d W_{kd} x_{id} + b_k - y_{ik})^2",
        BATCH,
    ),
    (
        r"h_i = \tanh(W x_i + b) \\ L = \sum_i \|h_i - y_i\|^2",
        r"\sum_i \sum_k (\tanh(\sum_d W_{kd} x_{id} + b_k) - y_{ik})^2",
        BATCH,
    ),
    (r"L = \|x W^\top + \mathbf{1} b^\top - y\|_F^2", r"\sum_i \sum_k (\sum_d W_{kd} x_{id} + b_k - y_{ik})^2", BATCH),
    (r"L = \|x W^\top + b - y\|_F^2", r"\sum_i \sum_k (\sum_d W_{kd} x_{id} + b_k - y_{ik})^2", BATCH),
    (
        r"L = \frac{1}{2n} \|Xw - y\|_2^2 + \lambda \|w\|_1",
        r"\frac{1}{2n} \sum_i (\sum_d X_{id} w_d - y_i)^2 + \lambda \sum_d |w_d|",
        &[("X", &[4, 3]), ("w", &[3]), ("y", &[4]), ("lambda", &[]), ("n", &[])],
    ),
    (r"L = (y - Xw)^\top (y - Xw)", r"\sum_i (\sum_d X_{id} w_d - y_i)^2", &[("X", &[4, 3]), ("w", &[3]), ("y", &[4])]),
    (
        r"L = (x-\mu)^\top \Lambda (x-\mu)",
        r"\sum_{i,j} (x_i - \mu_i) \Lambda_{ij} (x_j - \mu_j)",
        &[("x", &[3]), ("mu", &[3]), ("Lambda", &[3, 3])],
    ),
    (
        r"L = \left\|\operatorname{softmax}\left(\frac{QK^\top}{\sqrt{d}}\right)V - Y\right\|_F^2",
        r"s_{ij} = \frac{1}{\sqrt d} \sum_c Q_{ic} K_{jc} \\ L = \sum_{i,r} \left(\sum_j \frac{e^{s_{ij}}}{\sum_m e^{s_{im}}} V_{jr} - Y_{ir}\right)^2",
        &[("Q", &[2, 3]), ("K", &[4, 3]), ("V", &[4, 2]), ("Y", &[2, 2]), ("d", &[])],
    ),
    (
        r"L = -\frac1N \sum_{i=1}^N \log \frac{\exp(q_i \cdot k_i / \tau)}{\sum_{j=1}^N \exp(q_i \cdot k_j / \tau)}",
        r"-\frac1N \sum_{i=1}^N \log \frac{\exp(\sum_d q_{id} k_{id} / \tau)}{\sum_{j=1}^N \exp(\sum_d q_{id} k_{jd} / \tau)}",
        &[("q", &[3, 2]), ("k", &[3, 2]), ("tau", &[])],
    ),
    (
        r"\mathrm{sim}(u, v) = \frac{u^\top v}{\|u\| \|v\|} \\ L = -\sum_i \log \frac{e^{\mathrm{sim}(z_i, c_i)/\tau}}{\sum_j e^{\mathrm{sim}(z_i, c_j)/\tau}}",
        r"n_i = \sqrt{\sum_d z_{id}^2} \\ m_i = \sqrt{\sum_d c_{id}^2} \\ s_{ij} = \frac{\sum_d z_{id} c_{jd}}{n_i m_j} \\ L = -\sum_i \log \frac{e^{s_{ii}/\tau}}{\sum_j e^{s_{ij}/\tau}}",
        &[("z", &[3, 2]), ("c", &[3, 2]), ("tau", &[])],
    ),
    (
        r"L = \sum_i \max(0, \|a_i - p_i\|_2^2 - \|a_i - n_i\|_2^2 + \alpha)",
        r"\sum_i \max(0, \sum_d (a_{id} - p_{id})^2 - \sum_d (a_{id} - n_{id})^2 + \alpha)",
        &[("a", &[3, 2]), ("p", &[3, 2]), ("n", &[3, 2]), ("alpha", &[])],
    ),
    (
        r"L = \sum_i \log(1 + \exp(-y_i \mathbf{w}^\top \mathbf{x}_i))",
        r"\sum_i \log(1 + \exp(-y_i \sum_d w_d x_{id}))",
        &[("w", &[2]), ("x", &[3, 2]), ("y", &[3])],
    ),
    (
        r"L = -\log \operatorname{softmax}(W h)_{y}",
        r"-\log \frac{e^{\sum_d W_{yd} h_d}}{\sum_k e^{\sum_d W_{kd} h_d}}",
        &[("W", &[3, 2]), ("h", &[2]), ("y", &[])],
    ),
    (
        r"L = \operatorname{lse}(Wh) - \operatorname{mean}(h)",
        r"\log \sum_k e^{\sum_d W_{kd} h_d} - \frac{1}{2} \sum_d h_d",
        &[("W", &[3, 2]), ("h", &[2])],
    ),
    (r"L = \sum_i (Wx + b)_i^2", r"\sum_k (\sum_d W_{kd} x_d + b_k)^2", LINEAR),
    (
        r"L = \|\sigma(W_2 \tanh(W_1 x))\|^2",
        r"\sum_i \sigma(\sum_j W_{2,ij} \tanh(\sum_d W_{1,jd} x_d))^2",
        &[("W_1", &[2, 3]), ("W_2", &[2, 2]), ("x", &[3])],
    ),
    (r"L = w^\top (A + A^\top) w", r"\sum_{i,j} w_i (A_{ij} + A_{ji}) w_j", &[("A", &[3, 3]), ("w", &[3])]),
    (r"L = \|x x^\top - A\|_F^2", r"\sum_{i,j} (x_i x_j - A_{ij})^2", &[("A", &[3, 3]), ("x", &[3])]),
    (
        r"L = \operatorname{tr}(A B C)",
        r"\sum_{i,j,k} A_{ij} B_{jk} C_{ki}",
        &[("A", &[2, 3]), ("B", &[3, 2]), ("C", &[2, 2])],
    ),
    (r"L = x^\top \operatorname{diag}(d) x", r"\sum_i d_i x_i^2", &[("x", &[3]), ("d", &[3])]),
    (
        r"L = \frac{\|x - y\|}{\|x\| + \|y\|}",
        r"\frac{\sqrt{\sum_i (x_i - y_i)^2}}{\sqrt{\sum_i x_i^2} + \sqrt{\sum_i y_i^2}}",
        &[("x", &[3]), ("y", &[3])],
    ),
    ("-1/N sum(i) sum(k) t[i,k] log(y[i,k])", r"-\frac1N \sum_{i=1}^N \sum_{k=1}^K t_{ik} \log y_{ik}", TARGETS),
    (
        r"L = -\frac1N \sum_i \sum_k t_{ik} \log y_{ik}",
        r"-\frac1N \sum_{i=1}^N \sum_{k=1}^K t_{ik} \log y_{ik}",
        TARGETS,
    ),
    (r"L = \frac{\sum_i x_i}{2N}", r"\frac{1}{2N} \sum_{i=1}^N x_i", &[("x", &[3])]),
    ("norm(W x + b - t)^2", r"\sum_k (\sum_d W_{kd} x_d + b_k - t_k)^2", LINEAR),
];

const LINEAR: &[(&str, &[usize])] = &[("W", &[3, 2]), ("x", &[2]), ("b", &[3]), ("t", &[3])];
const TARGETS: &[(&str, &[usize])] = &[("t", &[3, 2]), ("y", &[3, 2])];
const BATCH: &[(&str, &[usize])] = &[("W", &[3, 2]), ("x", &[4, 2]), ("b", &[3]), ("y", &[4, 3])];

/// Positive numbers that look like none in particular; names of one axis or more that index are not among them.
fn inputs(shapes: &[(&str, &[usize])]) -> Inputs {
    let mut state = 7_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        0.2 + f64::from(state >> 16) / 65_536.0
    };
    shapes
        .iter()
        .map(|(name, shape)| {
            let integer = *name == "y" && shape.is_empty();
            let count = shape.iter().product();
            let data = (0..count).map(|_| if integer { 1.0 } else { next() }).collect();
            (name.to_string(), Array { shape: shape.to_vec(), data, integer })
        })
        .collect()
}

/// The stable value and every gradient.
fn value_and_gradients(text: &str, inputs: &Inputs) -> Result<Vec<f64>, Vec<Diagnostic>> {
    let mut program = read(text, inputs)?;
    let loss = stabilise(&mut program).loss;
    // By name, for the order of the symbols is that of the text.
    let context = &program.context;
    let mut symbols: Vec<Symbol> = context.symbols_in(loss);
    symbols.retain(|&symbol| !context.symbol(symbol).integer);
    symbols.sort_by_key(|&symbol| context.symbol(symbol).name.plain.clone());
    let gradients = stable_gradient(&mut program.context, loss, &symbols);
    let needed = program.context.symbols_in(loss);
    let bound = bind(&program.context, &needed, inputs)?;
    let mut double = Double;
    let mut evaluator = Evaluator::new(&program.context, &bound, &mut double);
    let mut all = vec![evaluator.scalar(loss).map_err(|error| vec![error])?];
    for gradient in &gradients {
        all.extend(evaluator.tensor(gradient.value, &gradient.indices).map_err(|error| vec![error])?.data);
    }
    Ok(all)
}

#[test]
fn what_is_written_without_indices_reads_as_its_sums() {
    let mut wrong = Vec::new();
    for (whole, indexed, shapes) in WHOLE {
        let inputs = inputs(shapes);
        match (value_and_gradients(whole, &inputs), value_and_gradients(indexed, &inputs)) {
            (Ok(found), Ok(truth)) => {
                let close = |(a, b): (&f64, &f64)| (a - b).abs() <= 1e-12 * b.abs().max(1e-3);
                if found.len() != truth.len() || !found.iter().zip(&truth).all(close) {
                    wrong.push(format!("{whole}\n  {found:?}\n  {truth:?}"));
                }
            }
            (found, truth) => wrong.push(format!("{whole}\n  {found:?}\n  {truth:?}")),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Texts without data: what is written without indices, and the axes that each name then has.
const INFERRED: &[(&str, &[(&str, usize)])] = &[
    (r"L = \|Wx+b-t\|_2^2", &[("W", 2), ("x", 1), ("b", 1), ("t", 1)]),
    (r"L = -\log\sigma(w^\top x + b)", &[("w", 1), ("x", 1), ("b", 0)]),
    (r"L = \sum_{i=1}^N \log(1+\exp(-y_i (w^\top x_i + b)))", &[("w", 1), ("x", 2), ("b", 0), ("y", 1)]),
    (r"L = \frac1N\sum_{i=1}^N \|W x_i + b - y_i\|^2", &[("W", 2), ("x", 2), ("b", 1), ("y", 2)]),
    (r"h = \tanh(Wx + b) \\ L = \|h - y\|^2", &[("W", 2), ("x", 1), ("b", 1), ("y", 1), ("h", 1)]),
    (r"L = \|Xw - y\|_2^2 + C \|w\|^2", &[("X", 2), ("w", 1), ("y", 1), ("C", 0)]),
    (r"L = x^\top A x + \lambda \|W\|_F^2", &[("A", 2), ("x", 1), ("W", 2), ("lambda", 0)]),
    (r"L = C \sum_i \max(0, 1 - y_i f_i)", &[("C", 0), ("y", 1), ("f", 1)]),
    (r"-\sum_i \log\sigma(w^\top x_i) a c", &[("w", 1), ("x", 2), ("a", 0), ("c", 0)]),
    (r"L = D_{KL}(P\|Q) + H(p)", &[("P", 1), ("Q", 1), ("p", 1)]),
    (r"L = -\sum_k t_k \log \operatorname{softmax}(\mathbf{W} \mathbf{x})_k", &[("W", 2), ("x", 1), ("t", 1)]),
    (
        r"L = -\log \frac{\exp(q \cdot k_+ / \tau)}{\sum_{i} \exp(q \cdot k_i / \tau)}",
        &[("q", 0), ("k", 1), ("tau", 0)],
    ),
    (
        r"L = -\log \frac{\exp(\mathbf{q} \cdot \mathbf{k}_+ / \tau)}{\sum_{i} \exp(\mathbf{q} \cdot \mathbf{k}_i / \tau)}",
        &[("q", 1), ("k", 2), ("k_plus", 1)],
    ),
    (r"L = \sum_i \|x_i - \mu_{c_i}\|^2", &[("x", 2), ("mu", 2), ("c", 1)]),
];

#[test]
fn without_data_letters_and_their_places_tell_the_ranks() {
    for (text, ranks) in INFERRED {
        let program = read(text, &Inputs::new()).unwrap_or_else(|errors| panic!("{text}: {errors:?}"));
        let found: BTreeMap<&str, usize> =
            program.context.symbols.iter().map(|symbol| (symbol.name.plain.as_str(), symbol.axes.len())).collect();
        for (name, rank) in *ranks {
            assert_eq!(found.get(name), Some(rank), "{name} in {text}: {found:?}");
        }
    }
}

/// What a mathematician would ask back about, with the code of the answer.
const AMBIGUOUS: &[(&str, &str)] = &[
    (r"(x-\mu)^\top \Sigma^{-1} (x-\mu)", "matrix-inverse"),
    (r"\mathbf{u} \mathbf{v}", "product-of-vectors"),
    (r"\mathbf{u} \times \mathbf{v}", "cross-product"),
    (r"\mathbf{x}^2", "power-of-tensor"),
    (r"|\mathbf{x}|", "absolute-value-of-tensor"),
    (r"\|W\|_*", "norm-not-known"),
    (r"L = \mathbf{W}\mathbf{x}", "loss-not-a-number"),
    (r"\sum_i \langle \mathbf{A}, \mathbf{x} \rangle", "inner-product-ranks"),
    (r"\sum_{i : \mathbf{x} > 0} y_i", "number-expected"),
];

#[test]
fn what_has_several_meanings_is_refused() {
    for (text, code) in AMBIGUOUS {
        match read(text, &Inputs::new()) {
            Err(errors) => assert!(errors.iter().any(|error| error.code == *code), "{text}: {errors:?}"),
            Ok(_) => panic!("{text} is accepted"),
        }
    }
}

/// The sentences about what was chosen.
fn sentences(text: &str) -> Vec<String> {
    let program = read(text, &Inputs::new()).unwrap_or_else(|errors| panic!("{text}: {errors:?}"));
    choices(&program, Language::English)
}

#[test]
fn a_missing_index_is_told_where_it_is_missing() {
    for text in [r"L = \sum_i x_i y_i", r"\sum_i x_i y_i", r"\min_b \sum_i x_i y_i b"] {
        let inputs = inputs(&[("x", &[3, 2]), ("y", &[3]), ("b", &[])]);
        let errors = read(text, &inputs).err().unwrap_or_else(|| panic!("{text} is accepted"));
        assert_eq!(errors.iter().map(|error| error.code).collect::<Vec<_>>(), ["rank-mismatch"], "{text}");
        let place = errors[0].span.expect("a place");
        assert_eq!(&text[place.start..place.end], "x_i");
    }
}

#[test]
fn choices_are_told() {
    let rows: &[(&str, &[&str])] = &[
        (
            r"L = -\frac1N \sum_{i=1}^N \sum_k t_{ik} \log y_{ik}",
            &[
                "log is the natural logarithm.",
                "i: from 1 to N, the size of axis 1 of t.",
                "k: from 1 to K, the size of axis 2 of t.",
            ],
        ),
        (
            r"y_i = \sigma(z_i) \\ L = -\sum_i \log_2 y_i",
            &["L is the loss.", "σ( ) is the logistic function.", "i: from 1 to I, the size of axis 1 of z."],
        ),
        (
            r"\log a b + c_n",
            &[
                "log is the natural logarithm.",
                "The function takes the whole product after it: log(a b).",
                "c_n is one name: nothing binds its subscript as an index.",
            ],
        ),
        (r"a/b c", &["A quotient ends where the next factor begins: a c/b."]),
        (r"u = a + b \\ v = u^2", &["v is the loss, as the last definition that is a single number."]),
        (r"\|Wx - t\|^2 + \sum_{m=1}^3 m", &["Whole matrices: W.", "Whole vectors: x, t.", "m: from 1 to 3."]),
        (r"\sum_{i=1}^N i", &["i: from 1 to N, a number that has to be given."]),
    ];
    for (text, wanted) in rows {
        assert_eq!(sentences(text), *wanted, "{text}");
    }
}

#[test]
fn one_name_with_two_numbers_of_indices_is_warned_of() {
    let program = read(r"\ell_i = x_i^2 \\ \ell = \sum_i \ell_i", &Inputs::new()).expect("a loss");
    assert_eq!(program.warnings.iter().map(|warning| warning.code).collect::<Vec<_>>(), ["name-of-two-things"]);
}

/// Typical slips, each with the code of its only error, the place shown, and a second place where there are two.
const SLIPS: &[(&str, &str, &str, Option<&str>)] = &[
    (r"L = x \\ L = y", "defined-twice", "L", Some("L")),
    (r"p = \operatorname{softmax}(\mathbf{z}) \\ p_k = z_k \\ L = \sum_k p_k", "defined-twice", "p_k", Some("p")),
    (r"\mathrm{sim}(u, v)", "several-values-in-bracket", ",", None),
    (r"\sum_i", "empty-sum-body", r"\sum_i", None),
    (r"\sum_{i=1}^{3} x_i + \sum_{j=1}^{4} x_j", "axis-size-conflict", "x_j", Some("i")),
    (r"x + １２", "unknown-character", "１２", None),
    (r"\sum_i x_{ij}", "undefined-index", "j", None),
    (r"N = 3 \\ L = \sum_{i=1}^N x_i", "size-and-definition", "N", Some("N")),
];

#[test]
fn a_slip_is_one_error_at_its_place() {
    for (text, code, place, second) in SLIPS {
        let errors = read(text, &Inputs::new()).err().unwrap_or_else(|| panic!("{text} is accepted"));
        let written = |span: kobai::source::Span| &text[span.start..span.end];
        let told: Vec<_> = errors.iter().filter(|error| error.is_error()).collect();
        assert_eq!(told.iter().map(|error| error.code).collect::<Vec<_>>(), [*code], "{text}");
        assert_eq!(told[0].span.map(written), Some(*place), "{text}");
        assert_eq!(told[0].related.map(written), *second, "{text}");
    }
}

/// Texts with one character left out, with and without data: whatever is wrong with them, resolving gives an answer.
#[test]
fn resolving_never_panics() {
    let mut resolved = 0;
    let whole = WHOLE.iter().map(|(whole, _, shapes)| (whole.to_string(), inputs(shapes)));
    let readings = rows().into_iter().filter(|row| row.get("tex_repeat").is_none());
    let texts = whole.chain(readings.map(|row| (text_of(&row), read_inputs(&row["inputs"]))));
    for (text, inputs) in texts {
        for (at, left_out) in text.char_indices() {
            let slip = format!("{}{}", &text[..at], &text[at + left_out.len_utf8()..]);
            let answers = [&inputs, &Inputs::new()].map(|inputs| {
                let attempt = || read(&slip, inputs).is_ok();
                std::panic::catch_unwind(attempt).unwrap_or_else(|_| panic!("{slip}"))
            });
            resolved += answers.into_iter().filter(|ok| *ok).count();
        }
    }
    assert!(resolved > 1000, "{resolved}");
}

/// Places without commas, where one of them is an entry, and the same with commas.
const SIDE_BY_SIDE: &[(&str, &str)] = &[
    (r"-\frac1N \sum_{i=1}^N \log p_{i y_i}", r"-\frac1N \sum_{i=1}^N \log p_{i,y_i}"),
    (r"\sum_{i=1}^N z_{i\,y_i}", r"\sum_{i=1}^N z_{i,y_i}"),
    (r"\sum_{n=1}^N \sum_{f=1}^F P_{u_n f} Q_{v_n f}", r"\sum_{n=1}^N \sum_{f=1}^F P_{u_n,f} Q_{v_n,f}"),
    (r"\sum_{i=1}^N \sum_{j=1}^M T_{ij y_j}", r"\sum_{i=1}^N \sum_{j=1}^M T_{i,j,y_j}"),
    (r"\sum_{i=1}^N \pi_{ref y_i}", r"\sum_{i=1}^N \pi_{ref,y_i}"),
    (r"\sum_{b=1}^B \sum_{t=1}^T \log p_{bt y_{bt}}", r"\sum_{b=1}^B \sum_{t=1}^T \log p_{b,t,y_{b,t}}"),
    (r"\sum_{i=1}^N x_{2i}", r"\sum_{i=1}^N x_{2 \cdot i}"),
];

#[test]
fn places_side_by_side_are_those_with_commas() {
    let printed = |text: &str, notation| {
        let program = read(text, &Inputs::new()).unwrap_or_else(|errors| panic!("{text}: {errors:?}"));
        print(&program.context, program.loss, notation)
    };
    for (without, with) in SIDE_BY_SIDE {
        assert_eq!(printed(without, Notation::Plain), printed(with, Notation::Plain), "{without}");
    }
    // With a sign it is a product.
    let product = r"\sum_{i=1}^{N} x_{y_{i} \cdot i}";
    assert_eq!(printed(product, Notation::Latex), product);
}
