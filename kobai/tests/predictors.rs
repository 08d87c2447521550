//! Linear predictors: what the data multiply in the losses of regressions, and that nothing is claimed of others.

use kobai::parse::{detect, parse};
use kobai::predictor::linear_model;
use kobai::print::{Notation, print, print_name};
use kobai::resolve::{InputKinds, resolve};
use kobai::stabilise::stabilise;

/// What is found in a loss: each predictor as parameters with their features, then the squares.
fn found(text: &str) -> Option<String> {
    let mut program =
        resolve(&parse(text, detect(text)), &InputKinds::new()).unwrap_or_else(|e| panic!("{text}: {e:?}"));
    let loss = stabilise(&mut program).loss;
    let model = linear_model(&mut program.context, &program.parameters.clone(), loss)?;
    let name = |symbol| print_name(&program.context.symbol(symbol).name, Notation::Terminal);
    let show = |expr| print(&program.context, expr, Notation::Terminal);
    let mut parts: Vec<String> = Vec::new();
    for predictor in &model.predictors {
        let terms = predictor.terms.iter().map(|term| {
            let place = term.summed.map_or_else(String::new, |(place, _)| format!("[{place}]"));
            format!("{}{place} · {}", name(term.parameter), show(term.feature))
        });
        parts.push(terms.collect::<Vec<_>>().join(" + "));
    }
    parts.extend(model.squares.iter().map(|&(symbol, weight)| format!("{}² · {}", name(symbol), show(weight))));
    Some(parts.join("; "))
}

const SCORES: &str = r"z_i = \sum_d x_{id} w_d + b, \quad ";
const LOGITS: &str = r"z_{ik} = \sum_d x_{id} W_{dk} + b_k, \quad ";

#[test]
fn regressions_have_linear_predictors() {
    let both = "w[0] · x_id + b · 1";
    let losses = [
        (SCORES, r"\min_{w, b} \frac{1}{N} \sum_{i=1}^N (z_i - y_i)^2", both.to_owned()),
        (SCORES, r"\min_{w, b} \sum_i (e^{z_i} - y_i z_i)", both.to_owned()),
        (
            SCORES,
            r"y_i = \frac{1}{1 + e^{-z_i}}, \quad \min_{w, b} -\sum_i [t_i \log y_i + (1 - t_i) \log(1 - y_i)]",
            both.to_owned(),
        ),
        (SCORES, r"\min_{w, b} \sum_i |z_i - y_i| + \frac{\lambda}{2} \sum_d w_d^2", format!("{both}; w² · λ/2")),
        // The sign and a number make no other predictor.
        (SCORES, r"\min_{w, b} \sum_i \log(1 + e^{-2 z_i}) + \sum_i \log(1 + e^{3 z_i})", both.to_owned()),
        (SCORES, r"\min_{w, b} \sum_i \max(0, 1 - y_i z_i)", "w[0] · x_id y_i + b · y_i".to_owned()),
        (
            LOGITS,
            r"y_{ik} = \frac{e^{z_{ik}}}{\sum_j e^{z_{ij}}}, \quad \min_{W, b} -\frac{1}{N} \sum_{i=1}^{N} \sum_k t_{ik} \log y_{ik} + \frac{1}{2} \sum_d \sum_k W_{dk}^2",
            "W[0] · x_id + b · 1; W² · 1/2".to_owned(),
        ),
        (
            "",
            r"\eta_i = \sum_d x_{id} \beta_d, \quad \min_{\beta} \sum_i \delta_i ( \log \sum_j [\tau_j \ge \tau_i] e^{\eta_j} - \eta_i )",
            "β[0] · x_id".to_owned(),
        ),
        ("", r"\min_{a, b} \sum_i (a u_i + b - v_i)^2", "a · u_i + b · 1".to_owned()),
        // Two predictors, as of a mean and a log-variance.
        (
            "",
            r"m_i = \sum_d x_{id} w_d, \quad s_i = \sum_d x_{id} v_d, \quad \min_{w, v} \sum_i [(y_i - m_i)^2 e^{-s_i} + s_i]",
            "w[0] · x_id; v[0] · x_id".to_owned(),
        ),
        // A penalty for each row is one for as many rows as there are.
        ("", r"\min_{w} \sum_{i=1}^{N} [(\sum_d x_{id} w_d - y_i)^2 + \sum_d w_d^2]", "w[0] · x_id; w² · N".to_owned()),
        // Of another penalty nothing is said.
        ("", r"\min_{w} \sum_i (\sum_d x_{id} w_d - y_i)^2 + \sum_d w_d^4", "w[0] · x_id".to_owned()),
    ];
    for (model, loss, expected) in losses {
        let text = format!("{model}{loss}");
        let same = |text: &str| {
            let mut parts: Vec<String> = text.split("; ").map(str::to_owned).collect();
            parts.sort();
            parts
        };
        let found = found(&text).unwrap_or_else(|| panic!("nothing is found in {text}"));
        assert_eq!(same(&found), same(&expected), "{text}");
    }
}

#[test]
fn nothing_is_claimed_of_other_losses() {
    let losses = [
        ("a hidden layer", r"\min_{A, w} \sum_i (y_i - \sum_h w_h \tanh(\sum_d x_{id} A_{dh}))^2"),
        ("factors", r"\min_{U, V} \sum_i \sum_j (r_{ij} - \sum_f U_{if} V_{jf})^2"),
        ("weights of its own for each row", r"\min_{u} \sum_i (y_i - u_i x_i)^2"),
        (
            "two kinds of features for one weight",
            r"\min_{w} \sum_i [(\sum_d x_{id} w_d)^2 + (\sum_d u_{id} w_d - y_i)^2]",
        ),
        ("features for each class", r"\min_{w} \sum_i [\log \sum_k e^{\sum_d x_{ikd} w_d} - s_i]"),
        ("no data", r"\min_{w} \log \sum_d e^{w_d}"),
        ("thresholds", r"\min_{w, c} \sum_i \sum_k \log(1 + e^{\sum_d x_{id} w_d - c_k})"),
        ("only in part linear", r"\min_{w, s} \sum_i (\sum_d x_{id} w_d - y_i)^2 / s^2 + \log s"),
    ];
    for (name, loss) in losses {
        assert_eq!(found(loss), None, "{name}");
    }
}
