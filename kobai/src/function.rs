//! The table of functions: one row for each, in the project's own notation.
//!
//! A row says how a function is spelt, where it is defined, what its derivative and inverse are, which values are
//! exact, what range it has and how its graph bends. Formulas in a row use `x` for the argument (`x, y` for two) and, in
//! the two-argument logarithm, `a` for the base.

/// The closed set of functions. Everything else about them is in [`Function::row`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Function {
    /// e^x
    Exp,
    /// Natural logarithm.
    Log,
    /// log_a x, arguments (a, x).
    LogBase,
    /// log(1 + x)
    Log1p,
    /// e^x − 1
    Expm1,
    /// log(1 − e^x), x < 0
    Log1mexp,
    /// 1 / (1 + e^{−x})
    Sigmoid,
    /// log(1 + e^x)
    Softplus,
    /// Hyperbolic tangent.
    Tanh,
    /// Hyperbolic sine.
    Sinh,
    /// Hyperbolic cosine.
    Cosh,
    /// log cosh x
    LogCosh,
    /// Sine.
    Sin,
    /// Cosine.
    Cos,
    /// Tangent.
    Tan,
    /// Inverse sine.
    Arcsin,
    /// Inverse cosine.
    Arccos,
    /// Inverse tangent.
    Arctan,
    /// Absolute value.
    Abs,
    /// −1, 0 or 1.
    Sign,
    /// The larger of two; the first on a tie.
    Max,
    /// The smaller of two; the first on a tie.
    Min,
    /// max(x, 0)
    Relu,
    /// Error function.
    Erf,
    /// Distribution function of the standard normal.
    NormalCdf,
    /// Logarithm of the distribution function of the standard normal.
    LogNormalCdf,
    /// φ(x) / Φ(x), the derivative of log Φ.
    InverseMills,
    /// log Γ(x)
    LogGamma,
    /// ψ(x), the derivative of log Γ.
    Digamma,
    /// ψ′(x).
    Trigamma,
    /// The value of x, with derivative 0.
    StopGradient,
}

/// What the sign analysis may say of a function's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Range {
    /// Any real.
    Real,
    /// ≥ 0
    NonNegative,
    /// > 0
    Positive,
    /// in (0, 1)
    UnitInterval,
    /// in [−1, 1]
    Signed,
    /// ≤ 0
    NonPositive,
}

/// How a graph bends and where it goes, on the part of the domain that a row says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Convex and nowhere decreasing.
    ConvexIncreasing,
    /// Convex and nowhere increasing.
    ConvexDecreasing,
    /// Convex, going down and up.
    Convex,
    /// Concave and nowhere decreasing.
    ConcaveIncreasing,
    /// Concave and nowhere increasing.
    ConcaveDecreasing,
}

/// A part of a function's domain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// All of it.
    Whole,
    /// Arguments up to 0.
    BelowZero,
    /// Arguments from 0 on.
    FromZero,
}

/// One row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// Which function.
    pub function: Function,
    /// Its name in plain text, and the key of its rule.
    pub plain: &'static str,
    /// Its name in LaTeX.
    pub latex: &'static str,
    /// How many arguments.
    pub arity: usize,
    /// Where it is defined, each a condition; empty for all reals.
    pub domain: &'static [&'static str],
    /// Derivative with respect to each argument, in the order of the arguments.
    pub derivatives: &'static [&'static str],
    /// The inverse with respect to the last argument, in `y`; empty where there is none.
    pub inverse: &'static str,
    /// Exact values: argument and value.
    pub exact: &'static [(&'static str, &'static str)],
    /// Where the values lie.
    pub range: Range,
    /// How the graph bends: on the whole domain, or below 0 and from 0 on; for two arguments, in both jointly. Empty
    /// where neither can be said.
    pub shape: &'static [Shape],
}

macro_rules! rows {
    ($($function:ident $plain:literal $latex:literal $arity:literal [$($domain:literal),*] [$($derivative:literal),*]
       $inverse:literal [$($argument:literal => $value:literal),*] $range:ident $($shape:ident)|*;)*) => {
        /// Every row, in the order of [`Function`].
        pub const ROWS: &[Row] = &[$(Row {
            function: Function::$function, plain: $plain, latex: $latex, arity: $arity, domain: &[$($domain),*],
            derivatives: &[$($derivative),*], inverse: $inverse, exact: &[$(($argument, $value)),*],
            range: Range::$range, shape: &[$(Shape::$shape),*],
        }),*];
    };
}

rows! {
    Exp "exp" r"\exp" 1 [] [r"\exp(x)"] r"\log(y)" ["0" => "1"] Positive ConvexIncreasing;
    Log "log" r"\log" 1 ["x > 0"] [r"\frac{1}{x}"] r"\exp(y)" ["1" => "0"] Real ConcaveIncreasing;
    LogBase "log_base" r"\log" 2 ["x > 0", "a > 0", r"a \ne 1"] [r"-\frac{\log_a x}{a \log a}", r"\frac{1}{x \log a}"]
        r"a^{y}" ["1" => "0"] Real;
    Log1p "log1p" r"\operatorname{log1p}" 1 ["x > -1"] [r"\frac{1}{1 + x}"] r"\operatorname{expm1}(y)" ["0" => "0"] Real
        ConcaveIncreasing;
    Expm1 "expm1" r"\operatorname{expm1}" 1 [] [r"\exp(x)"] r"\operatorname{log1p}(y)" ["0" => "0"] Real
        ConvexIncreasing;
    Log1mexp "log1mexp" r"\operatorname{log1mexp}" 1 ["x < 0"] [r"\frac{1}{\operatorname{expm1}(x)} + 1"]
        r"\operatorname{log1mexp}(y)" [] NonPositive ConcaveDecreasing;
    Sigmoid "sigmoid" r"\sigma" 1 [] [r"\operatorname{sigmoid}(x) \operatorname{sigmoid}(-x)"] r"\log(y) - \operatorname{log1p}(-y)"
        ["0" => "1/2"] UnitInterval ConvexIncreasing | ConcaveIncreasing;
    Softplus "softplus" r"\operatorname{softplus}" 1 [] [r"\operatorname{sigmoid}(x)"] r"y + \operatorname{log1mexp}(-y)" [] Positive
        ConvexIncreasing;
    Tanh "tanh" r"\tanh" 1 [] [r"1 - \tanh^2(x)"] r"\frac{1}{2}(\operatorname{log1p}(y) - \operatorname{log1p}(-y))" ["0" => "0"] Signed
        ConvexIncreasing | ConcaveIncreasing;
    Sinh "sinh" r"\sinh" 1 [] [r"\cosh(x)"] r"\log(y + \sqrt{y^2 + 1})" ["0" => "0"] Real
        ConcaveIncreasing | ConvexIncreasing;
    Cosh "cosh" r"\cosh" 1 [] [r"\sinh(x)"] "" ["0" => "1"] Positive ConvexDecreasing | ConvexIncreasing;
    LogCosh "log_cosh" r"\operatorname{log\,cosh}" 1 [] [r"\tanh(x)"] "" ["0" => "0"] NonNegative
        ConvexDecreasing | ConvexIncreasing;
    Sin "sin" r"\sin" 1 [] [r"\cos(x)"] "" ["0" => "0"] Signed;
    Cos "cos" r"\cos" 1 [] [r"-\sin(x)"] "" ["0" => "1"] Signed;
    Tan "tan" r"\tan" 1 [r"\cos(x) \ne 0"] [r"1 + \tan^2(x)"] r"\arctan(y)" ["0" => "0"] Real;
    Arcsin "arcsin" r"\arcsin" 1 ["x > -1", "x < 1"] [r"\frac{1}{\sqrt{1 - x^2}}"] r"\sin(y)" ["0" => "0"] Real
        ConcaveIncreasing | ConvexIncreasing;
    Arccos "arccos" r"\arccos" 1 ["x > -1", "x < 1"] [r"-\frac{1}{\sqrt{1 - x^2}}"] r"\cos(y)" ["1" => "0"] NonNegative
        ConvexDecreasing | ConcaveDecreasing;
    Arctan "arctan" r"\arctan" 1 [] [r"\frac{1}{1 + x^2}"] r"\tan(y)" ["0" => "0"] Real
        ConvexIncreasing | ConcaveIncreasing;
    Abs "abs" r"\operatorname{abs}" 1 [] [r"\operatorname{sign}(x)"] "" ["0" => "0"] NonNegative
        ConvexDecreasing | ConvexIncreasing;
    Sign "sign" r"\operatorname{sign}" 1 [] ["0"] "" ["0" => "0"] Signed;
    Max "max" r"\max" 2 [] [r"\mathbb{1}[x \ge y]", r"\mathbb{1}[x < y]"] "" [] Real ConvexIncreasing;
    Min "min" r"\min" 2 [] [r"\mathbb{1}[x \le y]", r"\mathbb{1}[x > y]"] "" [] Real ConcaveIncreasing;
    Relu "relu" r"\operatorname{relu}" 1 [] [r"\mathbb{1}[x > 0]"] "" ["0" => "0"] NonNegative ConvexIncreasing;
    Erf "erf" r"\operatorname{erf}" 1 [] [r"\frac{2}{\sqrt{\pi}} \exp(-x^2)"] "" ["0" => "0"] Signed
        ConvexIncreasing | ConcaveIncreasing;
    NormalCdf "Phi" r"\Phi" 1 [] [r"\frac{1}{\sqrt{2 \pi}} \exp(-\frac{x^2}{2})"] "" ["0" => "1/2"] UnitInterval
        ConvexIncreasing | ConcaveIncreasing;
    LogNormalCdf "log_normal_cdf" r"\operatorname{log\,\Phi}" 1 [] [r"\operatorname{inverse_mills}(x)"] "" [] NonPositive
        ConcaveIncreasing;
    InverseMills "inverse_mills" r"\operatorname{inverse\_mills}" 1 [] [r"-\operatorname{inverse_mills}(x) (x + \operatorname{inverse_mills}(x))"] "" [] Positive
        ConvexDecreasing;
    LogGamma "loggamma" r"\log\Gamma" 1 ["x > 0"] [r"\operatorname{digamma}(x)"] "" ["1" => "0", "2" => "0"] Real
        Convex;
    Digamma "digamma" r"\psi" 1 ["x > 0"] [r"\operatorname{trigamma}(x)"] "" [] Real ConcaveIncreasing;
    Trigamma "trigamma" r"\psi_1" 1 ["x > 0"] [] "" [] Positive ConvexDecreasing;
    StopGradient "stopgrad" r"\operatorname{sg}" 1 [] ["0"] "" [] Real;
}

impl Row {
    /// How the graph bends on the whole domain, below 0 or from 0 on; `None` where that cannot be said.
    pub fn shape_on(&self, part: Part) -> Option<Shape> {
        match (self.shape, part) {
            ([below, _], Part::BelowZero) => Some(*below),
            ([_, above], Part::FromZero) => Some(*above),
            ([Shape::ConvexDecreasing, Shape::ConvexIncreasing], Part::Whole) => Some(Shape::Convex),
            ([whole], _) => Some(*whole),
            _ => None,
        }
    }
}

impl Function {
    /// The function's row.
    pub fn row(self) -> &'static Row {
        &ROWS[self as usize]
    }

    /// The function that is spelt so in plain text.
    pub fn from_plain(name: &str) -> Option<Function> {
        ROWS.iter().find(|row| row.plain == name).map(|row| row.function)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_stand_in_the_order_of_the_functions() {
        for (position, row) in ROWS.iter().enumerate() {
            assert_eq!(row.function as usize, position);
            assert_eq!(row.function.row().plain, row.plain);
        }
    }
}
