//! What equations, documents and plain text read as, and which errors are found.

mod parse_show;

use kobai::formula::Statement;
use kobai::parse::{Syntax, detect, display_formulas, parse, parse_expression};
use parse_show::{check, read, show};

#[test]
fn equations() {
    check(
        Syntax::Latex,
        &[
            (r"y_{ik} = x", "define y_{(product i k)} as x"),
            (r"y := x \\ p_i \equiv 2", "define y as x ; define p_{i} as 2"),
            (r"f(u) = u^2 \\ L = f(x)", "define (f u) as (power u 2) ; define L as (f x)"),
            (r"\mathcal{L}(\theta) = \theta^2", "define (L theta) as (power theta 2)"),
            (r"\sigma = 2 \\ L = \sigma(x)", "define sigma as 2 ; define L as (product sigma (group x))"),
            (r"\sigma(x) = x \\ L = \sigma(2)", "define (sigma x) as x ; define L as (sigma 2)"),
            (r"H = 2 \\ L = H(x)", "define H as 2 ; define L as (product H (group x))"),
            (r"\pi_\theta(y|x) = z", "define !pi_theta(y|x) as z"),
            ("a &= b \\\\\n&= c", "define a as b c"),
            ("a = b\n+ c", "define a as (sum +b +c)"),
            ("a = b +\nc", "define a as (sum +b +c)"),
            ("a = (b\n+ c\n) d", "define a as (product (group (sum +b +c)) d)"),
            (r"a = 1, \quad b = 2; c = 3", "define a as 1 ; define b as 2 ; define c as 3"),
            (r"L = x, \quad 0 < p_k < 1", "define L as x ; assume (relation 0 < p_{k} < 1)"),
            (r"t_{ik} \in \{0,1\}", "assume (member t_{(product i k)} 0 1)"),
            (r"p \in (0, 1]", "assume (relation 0 < p <= 1)"),
            (r"a \ne 1", "assume (relation a != 1)"),
            (r"\sum_k t_{k} = 1", "assume (relation (Sum [k] t_{k}) = 1)"),
            (r"\min_{W,b} W + b", "minimise over W b: (sum +W +b)"),
            (r"\max_\theta L(\theta) = \theta", "maximise (L theta) over theta: theta"),
            (r"\arg\min_\theta -\theta", "minimise over theta: (sum -theta)"),
            (
                r"\theta^* = \operatorname*{arg\,min}_{\theta} \theta^2",
                "minimise theta_star over theta: (power theta 2)",
            ),
            (r"\max_j z_{ij}", "(Max [j] z_{(product i j)})"),
            (r"L = \max_j z_j", "define L as (Max [j] z_{j})"),
            (r"L = u \\ \text{where } u = x", "define L as u ; define u as x"),
            ("L = u\nwhere u = x", "define L as u ; define u as x"),
            ("L = u\nただし u = x", "define L as u ; define u as x"),
            ("L = x % + 1\n+ c", "define L as (sum +x +c)"),
            (r"\ -x \tag{1}", "(sum -x)"),
            (r"y_i = x_i, \quad i = 1, \dots, N", "define y_{i} as x_{i}"),
            (r"y_i = x_i, i = 1, 2, \ldots, N; z = 2", "define y_{i} as x_{i} ; define z as 2"),
            (r"y_i = x_i \quad \forall i", "define y_{i} as x_{i}"),
            (r"y_i = x_i \text{ for all } i, z = 3", "define y_{i} as x_{i} ; define z as 3"),
            (r"a = b \text{ with } b = 2", "define a as b ; define b as 2"),
            (r"\begin{align} a &= b, & c &= d \end{align}", "define a as b ; define c as d"),
            (r"a < b = c", "assume (relation a < b = c)"),
            (r"a = b < c", "definition-with-inequality: define a as b"),
        ],
    );
}

#[test]
fn errors() {
    check(
        Syntax::Latex,
        &[
            (r"\frobnicate{x} + y", "unknown-command: (sum +ERROR +y)"),
            (r"L = x +", "missing-operand: define L as (sum +x +ERROR)"),
            (r"L = \frac{x}", "missing-argument: define L as (frac x ERROR)"),
            (r"( x + y", "unclosed-bracket: (group (sum +x +y))"),
            (r"\frac{1}{x", "unclosed-brace: (frac 1 x)"),
            (r"x )", "stray-closing: x"),
            (r"\frac{x}{0}", "division-by-zero: (frac x 0)"),
            (r"\log(-2)", "logarithm-of-negative: (log (sum -2))"),
            (r"x^2^3", "double-superscript: (power x 2)"),
            (r"x^-1", "script-needs-braces: (product (power x ERROR) 1)"),
            (r"\begin{cases} x & x > 0", "unclosed-environment: (cases (x if (relation x > 0)))"),
            (r"\begin{matrix} x \end{matrix} y", "unknown-environment: (product ERROR y)"),
            (r"a \approx b", "unsupported-relation: a"),
            (r"a @ b \foo + \bar", "unknown-character: unknown-command: missing-argument: a"),
            ("", "empty-input: "),
            ("% nothing here", "empty-input: "),
        ],
    );
    let nearest = parse(r"\simga", Syntax::Latex).diagnostics;
    assert!(nearest[0].slots.contains(&("suggestion", r"\sigma".into())), "{nearest:?}");
}

#[test]
fn plain_text() {
    check(
        Syntax::Plain,
        &[
            (
                "-1/N sum(i) sum(k) t[i,k] log(y[i,k])",
                "(sum -(product 1 /N (Sum [i] (Sum [k] (product t_{i,k} (log y_{i,k}))))))",
            ),
            ("log(x, base=a)", "(log_a x)"),
            ("x^2", "(power x 2)"),
            ("x^-1", "(power x (sum -1))"),
            ("e^(x + 1)", "(power e (sum +x +1))"),
            ("log(x)^2", "(log^2 x)"),
            ("sqrt(x) + root(x, 3)", "(sum +(root x) +(root_3 x))"),
            ("sum(i=1..N) x[i]", "(Sum [i=1..N] x_{i})"),
            ("sum(j: i != j) x[j]", "(Sum [j] (relation i != j) x_{j})"),
            ("sum(p in P(i)) x[p]", "(Sum [p in P i] x_{p})"),
            ("if(c > 0, a, b)", "(cases (a if (relation c > 0)) (b if else))"),
            ("ind(i == j) delta(i, j)", "(product (indicator (relation i = j)) (delta i j))"),
            ("max(j) z[i,j]", "(Max [j] z_{i,j})"),
            ("max(a, b)", "(max a b)"),
            ("max(a, b) c", "(product (max a b) c)"),
            ("lse(k) z[i,k]", "(Lse [k] z_{i,k})"),
            ("y_hat - tau", "(sum +y_hat -tau)"),
            ("a*b/c", "(product a *b /c)"),
            ("y[i,k] = x[i]\nL = sum(i, k) y[i,k]", "define y_{i,k} as x_{i} ; define L as (Sum [i k] y_{i,k})"),
            ("f(x) = x^2\nL = f(3)", "define (f x) as (power x 2) ; define L as (f 3)"),
            ("minimize(w, b) w + b", "minimise over w b: (sum +w +b)"),
            ("x[i] > 0", "assume (relation x_{i} > 0)"),
            ("pi_theta(y|x)", "!pi_theta(y|x)"),
            ("softmax(z)[i,k]", "(softmax z _{i,k})"),
            ("kl(p, q) + entropy(p)", "(sum +(kl p q) +(entropy p))"),
            ("sigmoid(x) abs(y) norm(z, 1)", "(product (sigmoid x) (abs y) (norm_1 z))"),
        ],
    );
}

#[test]
fn syntaxes_are_told_apart() {
    let rows = [
        ("x^x", Syntax::Latex),
        (r"\log x", Syntax::Latex),
        ("x_i^2", Syntax::Latex),
        ("sum(i) x[i]", Syntax::Plain),
        ("t[i,k]", Syntax::Plain),
        ("y_hat", Syntax::Plain),
        ("$$ x $$", Syntax::Document),
        ("\\[ x \\]", Syntax::Document),
        ("```latex\nx\n```", Syntax::Document),
        ("# A lesson\n\nSome words.", Syntax::Document),
        ("a = 1 \\\\[2pt] b = 2", Syntax::Latex),
    ];
    for (text, expected) in rows {
        assert_eq!(detect(text), expected, "{text}");
    }
}

#[test]
fn documents_hold_displays() {
    let text = "---\ntitle: $$no$$\n---\nWords $inline$ and `$$code$$`.\n\n$$ a = 1 $$\n\n```latex\nb = 2\n```\n\n```gradient\nc = 3\n```\n\n\\[ d = 4 \\]\n\\begin{align*} f &= 5 \\end{align*}\n";
    assert_eq!(read(text, Syntax::Document), "define a as 1 ; define b as 2 ; define d as 4 ; define f as 5");
    let inside: Vec<&str> = display_formulas(text).iter().map(|span| text[span.start..span.end].trim()).collect();
    assert_eq!(inside, ["a = 1", "b = 2", "d = 4", r"\begin{align*} f &= 5 \end{align*}"]);
    for equation in parse(text, Syntax::Document).equations {
        let Statement::Definition { left, .. } = &equation.statement else { panic!("a definition") };
        assert_eq!(text[left.span.start..left.span.end].len(), 1);
    }
}

#[test]
fn one_expression_reads_alone() {
    assert_eq!(parse_expression("x > 0", Syntax::Latex).map(|formula| show(&formula)), Ok("(relation x > 0)".into()));
    assert!(parse_expression("x +", Syntax::Latex).is_err());
    assert!(parse_expression("", Syntax::Latex).is_err());
    assert!(parse_expression("a \\\\ b", Syntax::Latex).is_err());
}
