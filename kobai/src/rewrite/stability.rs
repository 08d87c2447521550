//! The stability rules, one row each.
//!
//! Each lowers the number of exponentials, logarithms and differences that can fail, so that the rewriting ends. A
//! condition that is not proved keeps its row from firing.

use super::rules::{Hazard, Row};

macro_rules! rows {
    ($($hazard:ident $key:literal $from:literal => $to:literal [$($condition:literal),*] $source:literal;)*) => {
        /// Every row; where several match, the first is taken.
        pub const STABILITY: &[Row] = &[$(Row {
            key: $key, from: $from, to: $to, conditions: &[$($condition),*], hazard: Hazard::$hazard, source: $source,
        }),*];
    };
}

rows! {
    // Exponentials and logarithms undo each other.
    Overflow "log-of-exponential" r"\log e^{x}" => "x" [] "definition of the logarithm";
    None "exponential-of-log" r"\exp(\log x)" => "x" ["x > 0"] "definition of the logarithm";
    Overflow "log-base-of-power" r"\log_a (a^{x})" => "x" [] "definition of the logarithm";

    Overflow "product-of-exponentials" r"e^{x} e^{y}" => r"\exp(x + y)" [] "law of exponents";

    // Sums of exponentials, with weights or without.
    Overflow "log-of-sum-of-exponentials" r"\log \sum_i e^{f_i}" => r"\operatorname{lse}_i (f_i)" []
        "Blanchard, Higham & Higham 2021, eq. 1.1";
    Overflow "log-of-weighted-sum-of-exponentials" r"\log \sum_i w_i e^{f_i}" => r"\operatorname{lse}_i (\log w_i + f_i)"
        [r"w_i \ge 0"] "w e^f = e^{f + log w}; a weight of 0 is an exponent of −∞";
    Overflow "power-of-sum-of-exponentials" r"(\sum_i e^{f_i})^{a}" => r"\exp(a \operatorname{lse}_i (f_i))" []
        "Blanchard, Higham & Higham 2021, eq. 1.2";
    Overflow "log-of-one-plus-exponential" r"\log (1 + e^{x})" => r"\operatorname{softplus}(x)" []
        "Mächler 2012, eq. 10";
    Overflow "log-of-one-plus-sum-of-exponentials" r"\log (1 + \sum_i e^{f_i})" =>
        r"\operatorname{softplus}(\operatorname{lse}_i (f_i))" [] "the exponent 0 joins the sum";
    Overflow "log-of-exponential-plus" r"\log (e^{x} + y)" => r"x + \operatorname{softplus}(\log y - x)" ["y > 0"]
        "e^x + y = e^x (1 + e^{log y − x})";

    // The logistic function, and shares of a sum.
    Overflow "sigmoid" r"\frac{1}{1 + e^{x}}" => r"\operatorname{sigmoid}(-x)" []
        "definition of the logistic function";
    Overflow "sigmoid-of-sum-of-exponentials" r"\frac{1}{1 + \sum_i e^{f_i}}" =>
        r"\operatorname{sigmoid}(-\operatorname{lse}_i (f_i))" [] "definition of the logistic function";
    Overflow "share-of-exponential" r"\frac{e^{x}}{e^{x} + y}" => r"\operatorname{sigmoid}(x - \log y)" ["y > 0"]
        "a share is the logistic function of its log-odds";
    Overflow "share-of-sum-of-exponentials" r"\frac{\sum_i e^{f_i}}{y + \sum_i e^{f_i}}" =>
        r"\operatorname{sigmoid}(\operatorname{lse}_i (f_i) - \log y)" ["y > 0"]
        "a share is the logistic function of its log-odds";
    Overflow "exponential-over-exponential-plus" r"\frac{e^{z}}{e^{x} + y}" => r"\exp(z - \log(e^{x} + y))" ["y > 0"]
        "law of exponents";
    Overflow "exponential-times-sigmoid" r"e^{x} \operatorname{sigmoid}(-x)" => r"\operatorname{sigmoid}(x)" []
        "e^x / (1 + e^x)";
    Overflow "exponential-times-another-sigmoid" r"e^{x} \operatorname{sigmoid}(y)" =>
        r"\exp(x - \operatorname{softplus}(-y))" [] "σ(y) = e^{−softplus(−y)}";
    Underflow "log-of-sigmoid" r"\log \operatorname{sigmoid}(x)" => r"-\operatorname{softplus}(-x)" []
        "log σ(x) = −log(1 + e^{−x})";
    Cancellation "complement-of-sigmoid" r"1 - \operatorname{sigmoid}(x)" => r"\operatorname{sigmoid}(-x)" []
        "symmetry of the logistic function";
    Cancellation "sigmoid-less-one" r"\operatorname{sigmoid}(x) - 1" => r"-\operatorname{sigmoid}(-x)" []
        "symmetry of the logistic function";
    Cancellation "difference-of-softplus" r"\operatorname{softplus}(x) - \operatorname{softplus}(-x)" => "x" []
        "the log-odds of σ(x) are x";

    // Differences with 1, and of exponentials.
    Cancellation "one-minus-exponential" r"1 - e^{x}" => r"-\operatorname{expm1}(x)" [] "Kahan 1987";
    Cancellation "exponential-less-one" r"e^{x} - 1" => r"\operatorname{expm1}(x)" [] "Kahan 1987";
    Cancellation "log-of-one-minus-exponential" r"\log (-\operatorname{expm1}(x))" => r"\operatorname{log1mexp}(x)"
        ["x < 0"] "Mächler 2012, eq. 7";
    Cancellation "log-of-one-plus" r"\log (1 + x)" => r"\operatorname{log1p}(x)" [] "Kahan 1987";
    Overflow "hyperbolic-sine" r"e^{x} - e^{-x}" => r"2 \sinh(x)" [] "definition of the hyperbolic sine";
    Overflow "hyperbolic-cosine" r"e^{x} + e^{-x}" => r"2 \cosh(x)" [] "definition of the hyperbolic cosine";
    Overflow "hyperbolic-tangent" r"\frac{\sinh(x)}{\cosh(x)}" => r"\tanh(x)" []
        "definition of the hyperbolic tangent";
    Overflow "exponential-over-hyperbolic-cosine" r"\frac{e^{x}}{\cosh(x)}" => r"2 \operatorname{sigmoid}(2 x)" []
        "e^x / (e^x + e^{−x}) = 1 / (1 + e^{−2x})";
    Overflow "log-cosh" r"\log \cosh(x)" => r"\operatorname{log_cosh}(x)" []
        "log cosh x = |x| + log1p(e^{−2|x|}) − log 2";
    Cancellation "complement-of-squared-tanh" r"1 - \tanh^2(x)" =>
        r"4 \operatorname{sigmoid}(2 x) \operatorname{sigmoid}(-2 x)" [] "1 ± tanh x = 2 σ(±2x)";
    Cancellation "one-plus-tanh" r"1 + \tanh(x)" => r"2 \operatorname{sigmoid}(2 x)" [] "1 ± tanh x = 2 σ(±2x)";
    Cancellation "one-minus-tanh" r"1 - \tanh(x)" => r"2 \operatorname{sigmoid}(-2 x)" [] "1 ± tanh x = 2 σ(±2x)";
    Cancellation "one-minus-cosine" r"1 - \cos(x)" => r"2 \sin^2(\frac{x}{2})" [] "half-angle formula";

    // Laws of exponents and logarithms.
    Overflow "power-of-exponential" r"(e^{x})^{a}" => r"\exp(a x)" [] "law of exponents";
    Underflow "log-of-product" r"\log (x y)" => r"\log x + \log y" ["x > 0"] "law of logarithms";
    Overflow "log-of-reciprocal" r"\log \frac{1}{x}" => r"-\log x" [] "law of logarithms";
    Underflow "log-of-power" r"\log (x^{a})" => r"a \log x" [r"x \ge 0"] "law of logarithms";
    Underflow "log-of-product-over-an-axis" r"\log \prod_i f_i" => r"\sum_i \log f_i" [r"f_i \ge 0"]
        "law of logarithms";
    None "absolute-value-of-nonnegative" r"\lvert x \rvert" => "x" [r"x \ge 0"] "definition of the absolute value";

    // The normal distribution.
    Cancellation "complement-of-normal-distribution" r"1 - \Phi(x)" => r"\Phi(-x)" [] "symmetry of the normal density";
    Underflow "log-of-normal-distribution" r"\log \Phi(x)" => r"\operatorname{log_normal_cdf}(x)" []
        "Abramowitz & Stegun 1964, 26.2.12 for the far tail";
}
