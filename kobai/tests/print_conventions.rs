//! What expressions look like on the page.

use kobai::expr::{Axis, AxisInformation, Constant, Context, Expr, Index, Reduction, Symbol, SymbolInformation};
use kobai::formula::{Relation, Spelling};
use kobai::function::Function;
use kobai::print::{Notation, Options, print, print_symbol, print_with};

fn spelling(plain: &str, latex: &str) -> Spelling {
    Spelling { plain: plain.into(), latex: latex.into() }
}

/// Samples i = 1 … N, classes k, j = 1 … K, and entries y[i, k], t[i, k], z[i, k], w[i], the integers c[i], the scalar λ.
struct Page {
    context: Context,
    samples: Axis,
    classes: Axis,
    i: Index,
    k: Index,
}

impl Page {
    fn new() -> Page {
        let mut context = Context::new();
        let mut axis = |size: &str, letters: &[&str]| {
            let letters = letters.iter().map(|letter| spelling(letter, letter)).collect();
            context.declare_axis(AxisInformation { size_name: spelling(size, size), letters, fixed: None })
        };
        let (samples, classes) = (axis("N", &["i"]), axis("K", &["k", "j"]));
        let i = context.named_index(spelling("i", "i"), samples);
        let k = context.named_index(spelling("k", "k"), classes);
        let mut page = Page { context, samples, classes, i, k };
        for name in ["y", "t", "z"] {
            page.declare(name, name, &[samples, classes], false);
        }
        page.declare("w", "w", &[samples], false);
        page.declare("c", "c", &[samples], true);
        page.declare("lambda", r"\lambda", &[], false);
        page
    }

    fn declare(&mut self, plain: &str, latex: &str, axes: &[Axis], integer: bool) -> Symbol {
        let name = spelling(plain, latex);
        self.context.declare_symbol(SymbolInformation { name, axes: axes.to_vec(), integer, defined: false })
    }

    fn symbol(&self, name: &str) -> Symbol {
        let found = self.context.symbols.iter().position(|symbol| symbol.name.plain == name);
        Symbol(found.expect("a declared symbol") as u32)
    }

    fn at(&mut self, name: &str, indices: &[Index]) -> Expr {
        let symbol = self.symbol(name);
        self.context.entry_at(symbol, indices)
    }

    /// y[i, k] and its like.
    fn ik(&mut self, name: &str) -> Expr {
        self.at(name, &[self.i, self.k])
    }

    fn sum(&mut self, index: Index, body: Expr) -> Expr {
        self.context.reduce(Reduction::Sum, index, body)
    }

    fn apply(&mut self, function: Function, argument: Expr) -> Expr {
        self.context.apply(function, argument)
    }

    fn half(&mut self) -> Expr {
        self.context.ratio(1, 2)
    }

    #[track_caller]
    fn shows(&self, expr: Expr, latex: &str, plain: &str) {
        assert_eq!(print(&self.context, expr, Notation::Latex), latex);
        assert_eq!(print(&self.context, expr, Notation::Plain), plain);
    }

    fn cross_entropy(&mut self) -> Expr {
        let (t, y) = (self.ik("t"), self.ik("y"));
        let log = self.apply(Function::Log, y);
        let term = self.context.mul(vec![t, log]);
        let classes = self.sum(self.k, term);
        let total = self.sum(self.i, classes);
        let size = self.context.size(self.samples);
        let mean = self.context.divide(total, size);
        self.context.negate(mean)
    }
}

#[test]
fn a_sum_follows_its_fraction() {
    let mut page = Page::new();
    let loss = page.cross_entropy();
    page.shows(
        loss,
        r"-\frac{1}{N} \sum_{i=1}^{N} \sum_{k=1}^{K} t_{ik} \log y_{ik}",
        "-1/N sum(i=1..N) sum(k=1..K) t[i,k] log(y[i,k])",
    );
    let options = Options { notation: Notation::Terminal, ..Options::default() };
    assert_eq!(print_with(&page.context, loss, &options), "−1/N Σ_i Σ_k t_ik log y_ik");
}

#[test]
fn one_fraction_where_nothing_is_tall() {
    let mut page = Page::new();
    let (y, t) = (page.ik("y"), page.ik("t"));
    let difference = page.context.subtract(y, t);
    let size = page.context.size(page.samples);
    let quotient = page.context.divide(difference, size);
    page.shows(quotient, r"\frac{y_{ik} - t_{ik}}{N}", "(y[i,k] - t[i,k])/N");
    let half = page.half();
    let scaled = page.context.mul(vec![half, y, t]);
    page.shows(scaled, r"\frac{y_{ik} t_{ik}}{2}", "y[i,k] t[i,k]/2");
}

#[test]
fn softmax() {
    let mut page = Page::new();
    let j = page.context.fresh_index(page.classes);
    let (own, other) = (page.ik("z"), page.at("z", &[page.i, j]));
    let (own, other) = (page.apply(Function::Exp, own), page.apply(Function::Exp, other));
    let total = page.sum(j, other);
    let softmax = page.context.divide(own, total);
    page.shows(softmax, r"\frac{e^{z_{ik}}}{\sum_{j=1}^{K} e^{z_{ij}}}", "exp(z[i,k])/(sum(j=1..K) exp(z[i,j]))");
    let log = page.apply(Function::Log, total);
    page.shows(log, r"\log \sum_{k=1}^{K} e^{z_{ik}}", "log(sum(k=1..K) exp(z[i,k]))");
    let y = page.ik("y");
    let product = page.context.mul(vec![log, y]);
    page.shows(product, r"y_{ik} \log \sum_{j=1}^{K} e^{z_{ij}}", "y[i,k] log(sum(j=1..K) exp(z[i,j]))");
}

#[test]
fn numbers() {
    let mut page = Page::new();
    for (numerator, denominator, latex, plain) in [
        (1, 2, r"\frac{1}{2}", "1/2"),
        (-3, 8, r"-\frac{3}{8}", "-3/8"),
        (1, 100, "0.01", "0.01"),
        (9, 10, "0.9", "0.9"),
        (-1203, 1000, "-1.203", "-1.203"),
        (1, 100_000_000, "10^{-8}", "10^(-8)"),
        (7, 1, "7", "7"),
    ] {
        let number = page.context.ratio(numerator, denominator);
        page.shows(number, latex, plain);
    }
    let least = page.context.constant(Constant::NegativeInfinity);
    page.shows(least, r"-\infty", "-inf");
}

#[test]
fn signs() {
    let mut page = Page::new();
    let (y, t, one) = (page.ik("y"), page.ik("t"), page.context.integer(1));
    let complement = page.context.subtract(one, y);
    page.shows(complement, "1 - y_{ik}", "1 - y[i,k]");
    let minus_one = page.context.subtract(y, one);
    page.shows(minus_one, "y_{ik} - 1", "y[i,k] - 1");
    let negated = page.context.negate(complement);
    let negated = page.context.mul(vec![negated, t]);
    page.shows(negated, r"-t_{ik} \left( 1 - y_{ik} \right)", "-t[i,k] (1 - y[i,k])");
    let sum = page.context.add(vec![y, t]);
    let total = page.sum(page.k, sum);
    page.shows(total, r"\sum_{k=1}^{K} \left( y_{ik} + t_{ik} \right)", "sum(k=1..K) (y[i,k] + t[i,k])");
    let minus = page.context.negate(y);
    let total = page.sum(page.k, minus);
    page.shows(total, r"\sum_{k=1}^{K} \left( -y_{ik} \right)", "sum(k=1..K) (-y[i,k])");
}

#[test]
fn powers_and_roots() {
    let mut page = Page::new();
    let (y, w) = (page.ik("y"), page.at("w", &[page.i]));
    let half = page.half();
    let root = page.context.power(y, half);
    page.shows(root, r"\sqrt{y_{ik}}", "sqrt(y[i,k])");
    let third = page.context.ratio(-1, 3);
    let cube = page.context.power(y, third);
    page.shows(cube, r"\frac{1}{\sqrt[3]{y_{ik}}}", "1/y[i,k]^(1/3)");
    let power = page.context.power(y, w);
    page.shows(power, r"y_{ik}^{w_{i}}", "y[i,k]^w[i]");
    let log = page.apply(Function::Log, y);
    let two = page.context.integer(2);
    let square = page.context.power(log, two);
    page.shows(square, r"\left( \log y_{ik} \right)^{2}", "(log(y[i,k]))^2");
    let inner = page.context.power(y, two);
    let log = page.apply(Function::Log, inner);
    page.shows(log, r"\log y_{ik}^{2}", "log(y[i,k]^2)");
    let exponential = page.context.power(two, y);
    let three = page.context.integer(3);
    let product = page.context.mul(vec![three, exponential]);
    page.shows(product, r"3 \cdot 2^{y_{ik}}", "3 * 2^y[i,k]");
}

#[test]
fn exponentials() {
    let mut page = Page::new();
    let (y, one) = (page.ik("y"), page.context.integer(1));
    let euler = page.apply(Function::Exp, one);
    page.shows(euler, "e", "e");
    let half = page.half();
    let halved = page.context.mul(vec![half, y]);
    let tall = page.apply(Function::Exp, halved);
    page.shows(tall, r"\exp\left( \frac{y_{ik}}{2} \right)", "exp(y[i,k]/2)");
    let minus = page.context.negate(y);
    let exponential = page.apply(Function::Exp, minus);
    page.shows(exponential, "e^{-y_{ik}}", "exp(-y[i,k])");
    page.declare("e", "e", &[], false);
    page.shows(exponential, r"\exp(-y_{ik})", "exp(-y[i,k])");
}

#[test]
fn functions() {
    let mut page = Page::new();
    let (y, t) = (page.ik("y"), page.ik("t"));
    let sum = page.context.add(vec![y, t]);
    let two = page.context.integer(2);
    let cases = [
        (page.apply(Function::Log, sum), r"\log \left( y_{ik} + t_{ik} \right)", "log(y[i,k] + t[i,k])"),
        (page.context.call(Function::LogBase, vec![two, y]), r"\log_{2} y_{ik}", "log(y[i,k], base=2)"),
        (page.apply(Function::Sigmoid, y), r"\sigma(y_{ik})", "sigmoid(y[i,k])"),
        (page.apply(Function::Abs, y), r"\left\lvert y_{ik} \right\rvert", "abs(y[i,k])"),
        (page.apply(Function::StopGradient, y), r"\operatorname{sg}\left[ y_{ik} \right]", "stopgrad(y[i,k])"),
        (page.apply(Function::LogGamma, y), r"\log\Gamma(y_{ik})", "loggamma(y[i,k])"),
        (page.context.call(Function::Max, vec![y, t]), r"\max(y_{ik}, t_{ik})", "max(y[i,k], t[i,k])"),
        (page.apply(Function::Softplus, y), r"\operatorname{softplus}(y_{ik})", "softplus(y[i,k])"),
    ];
    for (expr, latex, plain) in cases {
        page.shows(expr, latex, plain);
    }
    let logs = [page.apply(Function::Log, y), page.apply(Function::Log, t)];
    let product = page.context.mul(logs.to_vec());
    page.shows(product, r"\log \left( y_{ik} \right) \log t_{ik}", "log(y[i,k]) log(t[i,k])");
    page.declare("sigma", r"\sigma", &[], false);
    page.shows(cases[2].0, r"\operatorname{sigmoid}(y_{ik})", "sigmoid(y[i,k])");
}

#[test]
fn masks_stand_below_the_operator() {
    let mut page = Page::new();
    let j = page.context.fresh_index(page.classes);
    let (own, other) = (page.context.index(page.k), page.context.index(j));
    let (z, zero) = (page.at("z", &[page.i, j]), page.context.integer(0));
    let differs = page.context.compare(Relation::NotEqual, own, other);
    let masked = page.context.select(differs, z, zero);
    let total = page.sum(j, masked);
    page.shows(total, r"\sum_{j=1, j \ne k}^{K} z_{ij}", "sum(j=1..K: j != k) z[i,j]");
    let from = page.context.compare(Relation::LessOrEqual, own, other);
    let masked = page.context.select(from, z, zero);
    let total = page.sum(j, masked);
    page.shows(total, r"\sum_{j=k}^{K} z_{ij}", "sum(j=k..K) z[i,j]");
    let one = page.context.integer(1);
    let from_second = page.context.compare(Relation::LessOrEqual, one, other);
    let least = page.context.constant(Constant::NegativeInfinity);
    let masked = page.context.select(from_second, z, least);
    let lse = page.context.reduce(Reduction::LogSumExp, j, masked);
    page.shows(lse, r"\operatorname{lse}_{k=2}^{K} z_{ik}", "lse(k=2..K) z[i,k]");
    let set = page.declare("P", "P", &[page.samples, page.classes], false);
    let member = page.context.entry_at(set, &[page.i, j]);
    let masked = page.context.select(member, z, zero);
    let total = page.sum(j, masked);
    page.shows(total, r"\sum_{k \in P(i)} z_{ik}", "sum(k in P(i)) z[i,k]");
    let masked = page.context.select(differs, z, one);
    let total = page.sum(j, masked);
    page.shows(
        total,
        r"\sum_{j=1}^{K} \begin{cases} z_{ij} & \text{if } k \ne j \\ 1 & \text{otherwise} \end{cases}",
        "sum(j=1..K) if(k != j, z[i,j], 1)",
    );
}

#[test]
fn indicators_and_gathers() {
    let mut page = Page::new();
    let (y, t, target) = (page.ik("y"), page.ik("t"), page.at("c", &[page.i]));
    let less = page.context.compare(Relation::Less, y, t);
    page.shows(less, r"\mathbb{1}[y_{ik} < t_{ik}]", "ind(y[i,k] < t[i,k])");
    let (i, k) = (page.context.index(page.i), page.context.index(page.k));
    let delta = page.context.delta(i, k);
    page.shows(delta, r"\delta_{ik}", "delta(i, k)");
    let delta = page.context.delta(k, target);
    page.shows(delta, r"\delta_{k,c_{i}}", "delta(k, c[i])");
    let z = page.symbol("z");
    let gathered = page.context.entry(z, vec![i, target]);
    page.shows(gathered, "z_{i,c_{i}}", "z[i,c[i]]");
    let minus_one = page.context.integer(-1);
    let before = page.context.add(vec![k, minus_one]);
    let neighbour = page.context.entry(z, vec![i, before]);
    page.shows(neighbour, "z_{i,k-1}", "z[i,k-1]");
}

#[test]
fn an_index_as_a_number_counts_from_one() {
    let mut page = Page::new();
    let (k, one, y) = (page.context.index(page.k), page.context.integer(1), page.ik("y"));
    let number = page.context.add(vec![k, one]);
    page.shows(number, "k", "k");
    let shifted = page.context.add(vec![number, y]);
    page.shows(shifted, "k + y_{ik}", "k + y[i,k]");
    page.shows(k, "k - 1", "k - 1");
    let product = page.context.mul(vec![k, y]);
    page.shows(product, r"\left( k - 1 \right) y_{ik}", "(k - 1) y[i,k]");
}

#[test]
fn derivatives() {
    let mut page = Page::new();
    let j = page.context.named_index(spelling("j", "j"), page.classes);
    let (y, z) = (page.ik("y"), page.at("z", &[page.i, j]));
    let derivative = page.context.derivative(y, z);
    page.shows(derivative, r"\frac{\partial y_{ik}}{\partial z_{ij}}", "d y[i,k]/d z[i,j]");
    let log = page.apply(Function::Log, y);
    let derivative = page.context.derivative(log, z);
    page.shows(derivative, r"\frac{\partial}{\partial z_{ij}} \log y_{ik}", "d/d z[i,j] log(y[i,k])");
    let t = page.ik("t");
    let sum = page.context.add(vec![y, t]);
    let derivative = page.context.derivative(sum, z);
    let product = page.context.mul(vec![derivative, t]);
    page.shows(
        product,
        r"t_{ik} \frac{\partial}{\partial z_{ij}} \left( y_{ik} + t_{ik} \right)",
        "t[i,k] d/d z[i,j] (y[i,k] + t[i,k])",
    );
}

#[test]
fn letters_do_not_clash() {
    let mut page = Page::new();
    let twin = page.context.named_index(spelling("i", "i"), page.samples);
    let (w, other) = (page.at("w", &[page.i]), page.at("w", &[twin]));
    let product = page.context.mul(vec![w, other]);
    page.shows(product, "w_{i} w_{i'}", "w[i] w[i_prime]");
    let three: Vec<Index> = (0..3).map(|_| page.context.fresh_index(page.samples)).collect();
    let factors = three.iter().map(|&index| page.at("w", &[index])).collect();
    let mut nested = page.context.mul(factors);
    for index in three {
        nested = page.sum(index, nested);
    }
    let latex = print(&page.context, nested, Notation::Latex);
    assert_eq!(latex, r"\sum_{i=1}^{N} \sum_{i'=1}^{N} \sum_{j=1}^{N} w_{j} w_{i'} w_{i}");
}

#[test]
fn names_with_words_and_places() {
    let mut page = Page::new();
    let reference = page.declare("pi_ref", r"\pi_{\text{ref}}", &[page.samples], false);
    let index = page.i;
    assert_eq!(print_symbol(&page.context, reference, &[index], Notation::Latex), r"\pi_{\text{ref},i}");
    assert_eq!(print_symbol(&page.context, reference, &[index], Notation::Plain), "pi_ref[i]");
    let prime = page.declare("a_prime", "a'", &[page.samples], false);
    let (entry, two) = (page.context.entry_at(prime, &[index]), page.context.integer(2));
    let square = page.context.power(entry, two);
    page.shows(square, r"\left( a'_{i} \right)^{2}", "(a_prime[i])^2");
    let lambda = page.at("lambda", &[]);
    let options = Options { notation: Notation::Terminal, ..Options::default() };
    assert_eq!(print_with(&page.context, lambda, &options), "λ");
}

#[test]
fn emphasis() {
    let mut page = Page::new();
    let (y, t) = (page.ik("y"), page.ik("t"));
    let log = page.apply(Function::Log, y);
    let product = page.context.mul(vec![t, log]);
    let options = |notation| Options { notation, emphasis: Some(log) };
    assert_eq!(print_with(&page.context, product, &options(Notation::Latex)), r"t_{ik} \underline{\log y_{ik}}");
    assert_eq!(print_with(&page.context, product, &options(Notation::Plain)), "t[i,k] «log(y[i,k])»");
    let mathml = print_with(&page.context, product, &options(Notation::MathMl));
    assert!(mathml.contains(r#"<mrow class="changed"><mrow><mi>log</mi>"#), "{mathml}");
}

#[test]
fn mathml_is_well_formed_and_escaped() {
    let mut page = Page::new();
    let (y, t) = (page.ik("y"), page.ik("t"));
    let less = page.context.compare(Relation::Less, y, t);
    let text = print(&page.context, less, Notation::MathMl);
    assert_balanced(&text);
    assert!(text.contains("<mo>&lt;</mo>"), "{text}");
    let loss = page.cross_entropy();
    let text = print(&page.context, loss, Notation::MathMl);
    assert_balanced(&text);
    assert!(
        text.starts_with(r#"<math display="block"><mrow><mo>−</mo><mrow><mfrac><mn>1</mn><mi>N</mi></mfrac>"#),
        "{text}"
    );
    assert!(
        text.contains("<munderover><mo>∑</mo><mrow><mi>i</mi><mo>=</mo><mn>1</mn></mrow><mi>N</mi></munderover>"),
        "{text}"
    );
}

fn assert_balanced(text: &str) {
    let mut open = Vec::new();
    for tag in text.split('<').skip(1) {
        let name = tag.split(['>', ' ']).next().unwrap_or_default();
        match name.strip_prefix('/') {
            Some(closed) => assert_eq!(open.pop(), Some(closed), "{text}"),
            None => open.push(name),
        }
    }
    assert!(open.is_empty(), "{text}");
}

#[test]
fn the_order_of_building_does_not_show() {
    let mut page = Page::new();
    let (y, t, w) = (page.ik("y"), page.ik("t"), page.at("w", &[page.i]));
    let one = page.context.mul(vec![y, t, w]);
    let other = page.context.mul(vec![w, t, y]);
    let latex = |expr| print(&page.context, expr, Notation::Latex);
    assert_eq!(latex(one), latex(other));
}

#[test]
fn what_is_malformed_or_huge_prints_all_the_same() {
    let mut page = Page::new();
    let mut deep = page.ik("y");
    for _ in 0..3000 {
        deep = page.apply(Function::Sin, deep);
    }
    let mut wide = page.ik("y");
    for _ in 0..60 {
        let sine = page.apply(Function::Sin, wide);
        wide = page.context.call(Function::Max, vec![wide, sine]);
    }
    let stray = Index { variable: kobai::expr::Variable::Bound(7), axis: Axis(99) };
    let stray = page.at("w", &[stray]);
    let unknown = page.context.entry(Symbol(99), vec![]);
    let wrong = page.context.call(Function::Log, vec![]);
    for expr in [deep, wide, stray, unknown, wrong] {
        for notation in [Notation::Latex, Notation::Plain, Notation::MathMl] {
            assert!(!print(&page.context, expr, notation).is_empty());
        }
    }
}
