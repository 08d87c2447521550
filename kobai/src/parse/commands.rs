//! Tables of what commands and words mean, as rows of data.

use crate::formula::{BigOperator, Join, Relation};
use crate::function::ROWS;

/// Other spellings of a token, in LaTeX and in plain text, and the one that the parser knows.
const ALIASES: &[(&str, &str)] = &[
    (r"\lbrack", "["),
    (r"\rbrack", "]"),
    (r"\lparen", "("),
    (r"\rparen", ")"),
    (r"\lbrace", r"\{"),
    (r"\rbrace", r"\}"),
    (r"\vert", "|"),
    (r"\Vert", r"\|"),
    (r"\parallel", r"\|"),
    (r"\leq", r"\le"),
    (r"\leqslant", r"\le"),
    ("<=", r"\le"),
    ("≤", r"\le"),
    (r"\geq", r"\ge"),
    (r"\geqslant", r"\ge"),
    (">=", r"\ge"),
    ("≥", r"\ge"),
    (r"\neq", r"\ne"),
    ("!=", r"\ne"),
    ("≠", r"\ne"),
    (r"\lt", "<"),
    (r"\gt", ">"),
    ("==", "="),
    (":=", "="),
    (r"\equiv", "="),
    (r"\triangleq", "="),
    (r"\coloneqq", "="),
    (r"\doteq", "="),
    (r"\colon", ":"),
    (r"\ast", "*"),
    (r"\dfrac", r"\frac"),
    (r"\tfrac", r"\frac"),
    (r"\cfrac", r"\frac"),
    (r"\ln", r"\log"),
    (r"\intercal", r"\top"),
    (r"\ldots", r"\dots"),
    (r"\cdots", r"\dots"),
    ("…", r"\dots"),
    (r"\widehat", r"\hat"),
    (r"\overline", r"\bar"),
    (r"\widetilde", r"\tilde"),
    (r"\isin", r"\in"),
    ("∈", r"\in"),
    ("∞", r"\infty"),
    ("∑", r"\sum"),
    ("∏", r"\prod"),
    ("−", "-"),
    ("×", r"\times"),
    ("·", r"\cdot"),
    ("⋅", r"\cdot"),
    ("∙", r"\cdot"),
    ("⊙", r"\odot"),
    ("∘", r"\circ"),
    ("÷", r"\div"),
    ("∗", "*"),
    ("√", r"\sqrt"),
    ("‖", r"\|"),
    ("∥", r"\|"),
    ("⟨", r"\langle"),
    ("⟩", r"\rangle"),
    ("⊤", r"\top"),
    ("′", "'"),
    ("≡", "="),
    ("≔", "="),
    ("（", "("),
    ("）", ")"),
    ("［", "["),
    ("］", "]"),
    ("＋", "+"),
    ("－", "-"),
    ("＝", "="),
    ("＜", "<"),
    ("＞", ">"),
    ("＊", "*"),
    ("／", "/"),
    ("＾", "^"),
    ("＿", "_"),
    ("，", ","),
    ("、", ","),
    ("；", ";"),
    ("：", ":"),
    ("！", "!"),
    ("｜", "|"),
    (r"\bullet", r"\cdot"),
    (r"\star", "*"),
    (r"\argmin", r"\arg\min"),
    (r"\argmax", r"\arg\max"),
];

/// The spelling that the parser knows.
pub(super) fn canonical(text: &str) -> &str {
    find(ALIASES, text).unwrap_or(text)
}

/// Raised characters and what they are a power of, or with.
const SUPERSCRIPTS: &[(&str, &str)] = &[
    ("⁰", "0"),
    ("¹", "1"),
    ("²", "2"),
    ("³", "3"),
    ("⁴", "4"),
    ("⁵", "5"),
    ("⁶", "6"),
    ("⁷", "7"),
    ("⁸", "8"),
    ("⁹", "9"),
    ("⁺", "+"),
    ("⁻", "-"),
    ("⁽", "("),
    ("⁾", ")"),
    ("ⁱ", "i"),
    ("ⁿ", "n"),
    ("ᵀ", r"\top"),
];

/// Lowered characters and the index or the word that they are.
const SUBSCRIPTS: &[(&str, &str)] = &[
    ("₀", "0"),
    ("₁", "1"),
    ("₂", "2"),
    ("₃", "3"),
    ("₄", "4"),
    ("₅", "5"),
    ("₆", "6"),
    ("₇", "7"),
    ("₈", "8"),
    ("₉", "9"),
    ("₊", "+"),
    ("₋", "-"),
    ("ₐ", "a"),
    ("ₑ", "e"),
    ("ₕ", "h"),
    ("ᵢ", "i"),
    ("ⱼ", "j"),
    ("ₖ", "k"),
    ("ₗ", "l"),
    ("ₘ", "m"),
    ("ₙ", "n"),
    ("ₒ", "o"),
    ("ₚ", "p"),
    ("ᵣ", "r"),
    ("ₛ", "s"),
    ("ₜ", "t"),
    ("ᵤ", "u"),
    ("ᵥ", "v"),
    ("ₓ", "x"),
];

/// What a raised character stands for.
pub(super) fn superscript(character: &str) -> Option<&'static str> {
    find(SUPERSCRIPTS, character)
}

/// What a lowered character stands for.
pub(super) fn subscript(character: &str) -> Option<&'static str> {
    find(SUBSCRIPTS, character)
}

/// Commands that mean nothing.
const SILENT: &[&str] = &[
    r"\,",
    r"\;",
    r"\:",
    r"\!",
    r"\>",
    r"\ ",
    r"\/",
    r"\-",
    r"\nonumber",
    r"\notag",
    r"\displaystyle",
    r"\textstyle",
    r"\scriptstyle",
    r"\limits",
    r"\nolimits",
    r"\allowbreak",
    r"\nobreak",
    r"\hfill",
    r"\centering",
    r"\relax",
    r"\strut",
    r"\mathstrut",
    r"\thinspace",
    r"\medspace",
    r"\thickspace",
    r"\negthinspace",
    r"\mathopen",
    r"\mathclose",
    r"\[",
    r"\]",
    r"\(",
    r"\)",
    r"\mathrel",
    r"\mathbin",
    r"\mathop",
    r"\mathord",
    r"\ensuremath",
];

/// True for a command that means nothing.
pub(super) fn is_silent(command: &str) -> bool {
    SILENT.contains(&command)
}

/// What a command does with the braces after it, whose inside is not mathematics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RawArgument {
    /// It means nothing, with its argument.
    Dropped,
    /// Words.
    Text,
    /// The name of an operator.
    Operator,
    /// A word in upright letters, if it is a word.
    Roman,
    /// The start of an environment.
    Begin,
    /// The end of an environment.
    End,
}

const RAW_ARGUMENTS: &[(&str, RawArgument)] = &[
    (r"\label", RawArgument::Dropped),
    (r"\tag", RawArgument::Dropped),
    (r"\hspace", RawArgument::Dropped),
    (r"\vspace", RawArgument::Dropped),
    (r"\phantom", RawArgument::Dropped),
    (r"\hphantom", RawArgument::Dropped),
    (r"\vphantom", RawArgument::Dropped),
    (r"\color", RawArgument::Dropped),
    (r"\text", RawArgument::Text),
    (r"\mbox", RawArgument::Text),
    (r"\textrm", RawArgument::Text),
    (r"\textit", RawArgument::Text),
    (r"\textbf", RawArgument::Text),
    (r"\textsf", RawArgument::Text),
    (r"\texttt", RawArgument::Text),
    (r"\textsc", RawArgument::Text),
    (r"\textnormal", RawArgument::Text),
    (r"\intertext", RawArgument::Text),
    (r"\operatorname", RawArgument::Operator),
    (r"\DeclareMathOperator", RawArgument::Operator),
    (r"\mathrm", RawArgument::Roman),
    (r"\mathsf", RawArgument::Roman),
    (r"\mathtt", RawArgument::Roman),
    (r"\rm", RawArgument::Roman),
    (r"\begin", RawArgument::Begin),
    (r"\end", RawArgument::End),
];

/// What a command does with the braces after it, if their inside is not mathematics.
pub(super) fn raw_argument(command: &str) -> Option<RawArgument> {
    find(RAW_ARGUMENTS, command)
}

/// Commands that size the delimiter after them, and whether it then opens (`Some(true)`) or closes.
const SIZES: &[(&str, Option<bool>)] = &[
    (r"\left", Some(true)),
    (r"\right", Some(false)),
    (r"\bigl", Some(true)),
    (r"\Bigl", Some(true)),
    (r"\biggl", Some(true)),
    (r"\Biggl", Some(true)),
    (r"\bigr", Some(false)),
    (r"\Bigr", Some(false)),
    (r"\biggr", Some(false)),
    (r"\Biggr", Some(false)),
    (r"\middle", None),
    (r"\bigm", None),
    (r"\Bigm", None),
    (r"\big", None),
    (r"\Big", None),
    (r"\bigg", None),
    (r"\Bigg", None),
];

/// Whether a command sizes the delimiter after it, and which side that then is.
pub(super) fn size_command(command: &str) -> Option<Option<bool>> {
    find(SIZES, command)
}

/// A delimiter that looks alike on both sides, as it is when its side is known: opening, closing.
const SIDED: &[(&str, &str, &str)] = &[
    ("|", r"\lvert", r"\rvert"),
    (r"\|", r"\lVert", r"\rVert"),
    ("<", r"\langle", r"\rangle"),
    (">", r"\langle", r"\rangle"),
];

/// A delimiter whose side is known.
pub(super) fn sided(delimiter: &str, opens: bool) -> Option<&'static str> {
    SIDED.iter().find(|row| row.0 == delimiter).map(|row| if opens { row.1 } else { row.2 })
}

/// Brackets that group or enclose: opening and closing.
pub(super) const BRACKETS: &[(&str, &str)] = &[
    ("(", ")"),
    ("[", "]"),
    (r"\{", r"\}"),
    ("{", "}"),
    (r"\lvert", r"\rvert"),
    (r"\lVert", r"\rVert"),
    (r"\langle", r"\rangle"),
    (r"\llbracket", r"\rrbracket"),
    (r"\lfloor", r"\rfloor"),
    (r"\lceil", r"\rceil"),
];

/// The bracket that closes an opening one.
pub(super) fn closing(open: &str) -> Option<&'static str> {
    find(BRACKETS, open)
}

/// True for a closing bracket.
pub(super) fn is_closing(text: &str) -> bool {
    BRACKETS.iter().any(|(_, close)| *close == text)
}

/// Environments that only lay out their equations, and whether they are displays of their own.
const LAYOUTS: &[(&str, bool)] = &[
    ("equation", true),
    ("align", true),
    ("alignat", true),
    ("gather", true),
    ("multline", true),
    ("flalign", true),
    ("eqnarray", true),
    ("displaymath", true),
    ("math", true),
    ("aligned", false),
    ("alignedat", false),
    ("gathered", false),
    ("split", false),
    ("subequations", true),
];

/// Whether an environment only lays out its equations; then, whether it is a display of its own.
pub(super) fn layout(environment: &str) -> Option<bool> {
    find(LAYOUTS, environment)
}

/// Environments of cases.
pub(super) const CASES: &[&str] = &["cases", "dcases", "rcases"];

/// Words before an equation that mean nothing.
const LEAD_INS: &[&str] =
    &["where", "with", "for", "and", "let", "such that", "s.t.", "subject to", "ただし", "ここで", "および", "また"];

/// True for words before an equation that mean nothing.
pub(super) fn is_lead_in(words: &str) -> bool {
    let words = words.trim().trim_end_matches([',', ':', '、', '，']).trim_end();
    LEAD_INS.iter().any(|known| known.eq_ignore_ascii_case(words))
}

/// Words that say what an equation holds for.
const QUANTIFIERS: &[&str] = &["for all", "for every", "for each", "for any"];

/// True for words that say what an equation holds for.
pub(super) fn is_quantifier(words: &str) -> bool {
    QUANTIFIERS.iter().any(|known| known.eq_ignore_ascii_case(words.trim()))
}

/// Words that stand for "in all other cases".
const OTHERWISE: &[&str] = &["otherwise", "else", "それ以外", "その他", "その他の場合", "それ以外の場合"];

/// True for words that stand for "in all other cases".
pub(super) fn is_otherwise(words: &str) -> bool {
    let words = words.trim().trim_end_matches(['.', ',', '。', '、']).trim_end();
    OTHERWISE.iter().any(|known| known.eq_ignore_ascii_case(words))
}

/// Words before or after a condition that mean nothing.
const CONDITION_WORDS: &[&str] = &["if", "when", "for", "where", "のとき", "の場合", "ならば", "もし"];

/// True for words beside a condition that mean nothing.
pub(super) fn is_condition_word(words: &str) -> bool {
    let words = words.trim().trim_end_matches(['.', ',', '。', '、']).trim_end();
    words.is_empty() || CONDITION_WORDS.iter().any(|known| known.eq_ignore_ascii_case(words))
}

const RELATIONS: &[(&str, Relation)] = &[
    ("=", Relation::Equal),
    (r"\ne", Relation::NotEqual),
    ("<", Relation::Less),
    (r"\le", Relation::LessOrEqual),
    (">", Relation::Greater),
    (r"\ge", Relation::GreaterOrEqual),
];

/// The relation that a token spells.
pub(super) fn relation(text: &str) -> Option<Relation> {
    find(RELATIONS, text)
}

/// Relations that have no meaning here, which an error names.
pub(super) const OTHER_RELATIONS: &[&str] =
    &[r"\approx", r"\propto", r"\sim", r"\simeq", r"\cong", r"\to", r"\mapsto", r"\ll", r"\gg"];

const JOINS: &[(&str, Join)] = &[
    (r"\cdot", Join::Dot),
    (r"\times", Join::Times),
    ("*", Join::Times),
    (r"\odot", Join::Elementwise),
    (r"\circ", Join::Elementwise),
    ("/", Join::Divide),
    (r"\div", Join::Divide),
];

/// How a token joins two factors.
pub(super) fn join(text: &str) -> Option<Join> {
    find(JOINS, text)
}

/// Big operators by command and by name.
const BIG_OPERATORS: &[(&str, BigOperator)] = &[
    (r"\sum", BigOperator::Sum),
    (r"\prod", BigOperator::Product),
    (r"\max", BigOperator::Maximum),
    (r"\min", BigOperator::Minimum),
    ("sum", BigOperator::Sum),
    ("prod", BigOperator::Product),
    ("max", BigOperator::Maximum),
    ("min", BigOperator::Minimum),
    ("lse", BigOperator::LogSumExp),
    ("LSE", BigOperator::LogSumExp),
    ("logsumexp", BigOperator::LogSumExp),
    ("mean", BigOperator::Mean),
    ("avg", BigOperator::Mean),
    ("var", BigOperator::Variance),
    ("Var", BigOperator::Variance),
    ("std", BigOperator::StandardDeviation),
    ("softmax", BigOperator::Softmax),
    ("Softmax", BigOperator::Softmax),
];

/// The big operator that a command or a name spells.
pub(super) fn big_operator(text: &str) -> Option<BigOperator> {
    find(BIG_OPERATORS, text)
}

/// Functions by command, with their names in plain text.
const FUNCTION_COMMANDS: &[(&str, &str)] = &[
    (r"\exp", "exp"),
    (r"\log", "log"),
    (r"\lg", "log"),
    (r"\tanh", "tanh"),
    (r"\sinh", "sinh"),
    (r"\cosh", "cosh"),
    (r"\sin", "sin"),
    (r"\cos", "cos"),
    (r"\tan", "tan"),
    (r"\arctan", "arctan"),
    (r"\arccos", "arccos"),
    (r"\arcsin", "arcsin"),
];

/// The function that a command spells, in plain text.
pub(super) fn function_command(command: &str) -> Option<&'static str> {
    find(FUNCTION_COMMANDS, command)
}

/// Letters that name a function if a bracket follows and the text does not define them.
const FUNCTION_LETTERS: &[(&str, &str)] =
    &[("sigma", "sigmoid"), ("Phi", "Phi"), ("Gamma", "gamma"), ("psi", "digamma"), ("H", "entropy")];

/// The function that a letter names before a bracket, if the text does not define it.
pub(super) fn function_letter(plain: &str) -> Option<&'static str> {
    find(FUNCTION_LETTERS, plain)
}

/// Names of functions beside those of the table of functions.
const FUNCTION_NAMES: &[(&str, &str)] = &[
    ("ln", "log"),
    ("logcosh", "log_cosh"),
    ("logGamma", "loggamma"),
    ("lgamma", "loggamma"),
    ("gamma", "gamma"),
    ("sg", "stopgrad"),
    ("stopgradient", "stopgrad"),
    ("stop_gradient", "stopgrad"),
    ("clip", "clip"),
    ("clamp", "clip"),
    ("softmax", "softmax"),
    ("Softmax", "softmax"),
    ("ReLU", "relu"),
    ("sgn", "sign"),
    ("KL", "kl"),
    ("kl", "kl"),
    ("entropy", "entropy"),
    ("logistic", "sigmoid"),
    ("logit", "logit"),
    ("lse", "lse"),
    ("mean", "mean"),
    ("var", "var"),
    ("std", "std"),
    ("sum", "total"),
    ("tr", "trace"),
    ("Tr", "trace"),
    ("trace", "trace"),
    ("diag", "diag"),
    ("Diag", "diag"),
    ("log_softmax", "log_softmax"),
    ("logsoftmax", "log_softmax"),
    ("LogSoftmax", "log_softmax"),
];

/// The function of a name, in plain text.
pub(super) fn function_name(name: &str) -> Option<&'static str> {
    find(FUNCTION_NAMES, name).or_else(|| ROWS.iter().find(|row| row.plain == name).map(|row| row.plain))
}

/// Names of operators that ask for the best parameters, and whether they maximise.
const OBJECTIVES: &[(&str, bool)] = &[
    (r"\arg\min", false),
    (r"\arg\max", true),
    ("argmin", false),
    ("argmax", true),
    ("arg_min", false),
    ("arg_max", true),
    ("minimize", false),
    ("minimise", false),
    ("maximize", true),
    ("maximise", true),
];

/// Whether a name asks for the best parameters; then, whether it maximises.
pub(super) fn objective(name: &str) -> Option<bool> {
    find(OBJECTIVES, name)
}

/// Commands that the parser knows by themselves.
const OTHER_COMMANDS: &[&str] = &[
    r"\frac",
    r"\sqrt",
    r"\infty",
    r"\left",
    r"\right",
    r"\mid",
    r"\in",
    r"\top",
    r"\prime",
    r"\arg",
    r"\substack",
    r"\underset",
    r"\quad",
    r"\qquad",
    r"\forall",
    r"\dots",
    r"\partial",
    r"\lim",
];

/// The known command nearest to an unknown one, if it is at most two edits away, or one from a short one.
pub(super) fn nearest_command(unknown: &str) -> Option<&'static str> {
    // A long command is near to none, and measuring it would take time.
    if unknown.len() > 24 {
        return None;
    }
    known_commands()
        .filter(|command| command.len() > 2)
        .map(|command| (edit_distance(unknown, command), command))
        .filter(|(distance, _)| *distance <= if unknown.len() > 5 { 2 } else { 1 })
        .min()
        .map(|(_, command)| command)
}

/// True for a command that has some meaning.
pub(super) fn is_known(command: &str) -> bool {
    known_commands().any(|known| known == command)
}

fn known_commands() -> impl Iterator<Item = &'static str> {
    let lists = [OTHER_COMMANDS, OTHER_RELATIONS];
    ALIASES
        .iter()
        .map(|row| row.0)
        .chain(RAW_ARGUMENTS.iter().map(|row| row.0))
        .chain(RELATIONS.iter().map(|row| row.0))
        .chain(JOINS.iter().map(|row| row.0))
        .chain(super::letters::letter_commands())
        .chain(BIG_OPERATORS.iter().map(|row| row.0))
        .chain(FUNCTION_COMMANDS.iter().map(|row| row.0))
        .chain(BRACKETS.iter().flat_map(|row| [row.0, row.1]))
        .chain(lists.into_iter().flatten().copied())
        .filter(|command| command.starts_with('\\'))
}

/// How many letters to add, drop or change to come from one word to another.
fn edit_distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (line, letter) in from.chars().enumerate() {
        let mut next = vec![line + 1];
        let mut last = line + 1;
        for (other, pair) in to.iter().zip(row.windows(2)) {
            if let [diagonal, above] = pair {
                last = (last + 1).min(above + 1).min(diagonal + usize::from(*other != letter));
                next.push(last);
            }
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

/// The value of a key in a table.
pub(super) fn find<V: Copy>(table: &[(&str, V)], key: &str) -> Option<V> {
    table.iter().find(|(name, _)| *name == key).map(|(_, value)| *value)
}
