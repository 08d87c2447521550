//! The commands that the parser knows, as tables.

use crate::formula::{BigOperator, Relation};

/// Greek letters and other single symbols that are names.
pub const LETTERS: &[&str] = &[
    "alpha", "beta", "gamma", "delta", "epsilon", "varepsilon", "zeta", "eta", "theta", "vartheta", "iota", "kappa", "lambda", "mu",
    "nu", "xi", "omicron", "pi", "varpi", "rho", "varrho", "sigma", "varsigma", "tau", "upsilon", "phi", "varphi", "chi", "psi",
    "omega", "Gamma", "Delta", "Theta", "Lambda", "Xi", "Pi", "Sigma", "Upsilon", "Phi", "Psi", "Omega", "ell", "hbar", "nabla",
    "partial",
];

/// Fonts: the name inside is what counts.
pub const FONTS: &[&str] = &["mathbf", "boldsymbol", "bm", "mathcal", "mathsf", "mathit", "mathfrak", "mathscr", "mathtt", "pmb", "bold"];

/// Upright words.
pub const WORDS: &[&str] = &["mathrm", "text", "textrm", "textit", "textbf", "mbox", "operatorname", "rm"];

/// Accents and the suffix that they give a name in data files.
pub const ACCENTS: &[(&str, &str)] = &[
    ("hat", "hat"), ("widehat", "hat"), ("bar", "bar"), ("overline", "bar"), ("tilde", "tilde"), ("widetilde", "tilde"),
    ("dot", "dot"), ("ddot", "ddot"), ("vec", "vec"), ("check", "check"), ("breve", "breve"),
];

/// Functions by their LaTeX command or operator name, and their plain name.
pub const FUNCTIONS: &[(&str, &str)] = &[
    ("log", "log"), ("ln", "log"), ("lg", "log"), ("exp", "exp"), ("tanh", "tanh"), ("sinh", "sinh"), ("cosh", "cosh"), ("sin", "sin"),
    ("cos", "cos"), ("tan", "tan"), ("arcsin", "arcsin"), ("arccos", "arccos"), ("arctan", "arctan"), ("asin", "arcsin"),
    ("acos", "arccos"), ("atan", "arctan"), ("erf", "erf"), ("softplus", "softplus"), ("relu", "relu"), ("ReLU", "relu"),
    ("sigmoid", "sigmoid"), ("expm1", "expm1"), ("log1p", "log1p"), ("log1mexp", "log1mexp"), ("log_cosh", "log_cosh"),
    ("logcosh", "log_cosh"), ("sign", "sign"), ("sgn", "sign"), ("abs", "abs"), ("sg", "sg"), ("stopgrad", "sg"), ("clip", "clip"),
    ("KL", "kl"), ("loggamma", "loggamma"), ("digamma", "digamma"), ("trigamma", "trigamma"), ("softmax", "softmax"), ("sqrt", "sqrt"),
    ("gamma", "gamma"), ("log_base", "log_base"), ("entropy", "entropy"), ("kl", "kl"), ("stopgradient", "sg"),
];

/// Letters that are functions when a bracket follows and the text does not define them.
pub const LETTER_FUNCTIONS: &[(&str, &str)] =
    &[("sigma", "sigmoid"), ("Phi", "Phi"), ("Gamma", "gamma"), ("psi", "digamma"), ("H", "entropy")];

/// Operators that bind an index.
pub const OPERATORS: &[(&str, BigOperator)] = &[
    ("sum", BigOperator::Sum), ("prod", BigOperator::Product), ("max", BigOperator::Maximum), ("min", BigOperator::Minimum),
    ("lse", BigOperator::LogSumExp), ("logsumexp", BigOperator::LogSumExp), ("LSE", BigOperator::LogSumExp),
    ("mean", BigOperator::Mean), ("var", BigOperator::Variance), ("Var", BigOperator::Variance),
    ("std", BigOperator::StandardDeviation), ("softmax", BigOperator::Softmax),
];

/// Relations.
pub const RELATIONS: &[(&str, Relation)] = &[
    ("=", Relation::Equal), ("ne", Relation::NotEqual), ("neq", Relation::NotEqual), ("<", Relation::Less), ("lt", Relation::Less),
    ("le", Relation::LessOrEqual), ("leq", Relation::LessOrEqual), ("leqslant", Relation::LessOrEqual), (">", Relation::Greater),
    ("gt", Relation::Greater), ("ge", Relation::GreaterOrEqual), ("geq", Relation::GreaterOrEqual),
    ("geqslant", Relation::GreaterOrEqual), ("equiv", Relation::Equal), ("triangleq", Relation::Equal), ("coloneqq", Relation::Equal),
];

/// Commands that mean nothing here.
pub const SPACING: &[&str] = &[
    ",", ";", ":", "!", " ", ">", "quad", "qquad", "left", "right", "middle", "big", "Big", "bigg", "Bigg", "bigl", "bigr", "Bigl",
    "Bigr", "biggl", "biggr", "Biggl", "Biggr", "bigm", "displaystyle", "textstyle", "scriptstyle", "limits", "nolimits", "nonumber",
    "notag", "hspace", "thinspace", "enspace", "mathop",
];

/// Commands with an argument that mean nothing here.
pub const SILENT: &[&str] = &["tag", "label", "hspace", "vspace", "phantom", "eqref", "ref"];

/// Everything else that has a meaning of its own.
pub const OTHERS: &[&str] = &[
    "frac", "dfrac", "tfrac", "sqrt", "cdot", "times", "odot", "circ", "ast", "in", "infty", "lbrack", "rbrack", "lvert", "rvert", "vert",
    "lVert", "rVert", "Vert", "langle", "rangle", "top", "intercal", "prime", "mid", "mathbb", "mathbbm", "begin", "end", "substack",
    "arg", "argmin", "argmax", "lbrace", "rbrace", "llbracket", "rrbracket", "otherwise", "to", "div", "colon", "dots", "ldots", "cdots",
];

/// The known command nearest to an unknown one, if one or two letters tell them apart.
pub fn nearest(name: &str) -> Option<&'static str> {
    let functions = FUNCTIONS.iter().map(|(name, _)| *name).chain(OPERATORS.iter().map(|(name, _)| *name));
    let all = functions.chain(LETTERS.iter().copied()).chain(OTHERS.iter().copied()).chain(FONTS.iter().copied());
    all.map(|known| (distance(name, known), known)).filter(|(distance, known)| *distance <= 2 && *distance < known.len()).min().map(|(_, known)| known)
}

/// The number of letters to insert, remove or change.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, &y) in b.iter().enumerate() {
            let above = row[j + 1];
            row[j + 1] = (diagonal + usize::from(x != y)).min(above + 1).min(row[j] + 1);
            diagonal = above;
        }
    }
    row.last().copied().unwrap_or(0)
}
