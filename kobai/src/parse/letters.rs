//! Tables of letters, accents and fonts.

/// Greek letters: command, and the letter itself.
const GREEK: &[(&str, &str)] = &[
    (r"\alpha", "α"),
    (r"\beta", "β"),
    (r"\gamma", "γ"),
    (r"\delta", "δ"),
    (r"\epsilon", "ϵ"),
    (r"\varepsilon", "ε"),
    (r"\zeta", "ζ"),
    (r"\eta", "η"),
    (r"\theta", "θ"),
    (r"\vartheta", "ϑ"),
    (r"\iota", "ι"),
    (r"\kappa", "κ"),
    (r"\lambda", "λ"),
    (r"\mu", "μ"),
    (r"\nu", "ν"),
    (r"\xi", "ξ"),
    (r"\pi", "π"),
    (r"\varpi", "ϖ"),
    (r"\rho", "ρ"),
    (r"\varrho", "ϱ"),
    (r"\sigma", "σ"),
    (r"\varsigma", "ς"),
    (r"\tau", "τ"),
    (r"\upsilon", "υ"),
    (r"\phi", "ϕ"),
    (r"\varphi", "φ"),
    (r"\chi", "χ"),
    (r"\psi", "ψ"),
    (r"\omega", "ω"),
    (r"\Gamma", "Γ"),
    (r"\Delta", "Δ"),
    (r"\Theta", "Θ"),
    (r"\Lambda", "Λ"),
    (r"\Xi", "Ξ"),
    (r"\Pi", "Π"),
    (r"\Sigma", "Σ"),
    (r"\Upsilon", "Υ"),
    (r"\Phi", "Φ"),
    (r"\Psi", "Ψ"),
    (r"\Omega", "Ω"),
];

/// Commands other than Greek letters that spell a name.
const NAME_COMMANDS: &[&str] = &[r"\ell", r"\hbar", r"\imath", r"\jmath", r"\aleph", r"\Re", r"\Im", r"\wp"];

/// The name in plain text that a command spells.
pub(super) fn name_of_command(command: &str) -> Option<&str> {
    let known = GREEK.iter().any(|(greek, _)| *greek == command) || NAME_COMMANDS.contains(&command);
    known.then(|| command.trim_start_matches('\\'))
}

/// The command of a Greek letter written as itself.
pub(super) fn greek_command(letter: &str) -> Option<&'static str> {
    GREEK.iter().find(|(_, greek)| *greek == letter).map(|(command, _)| *command)
}

/// Accents, which are part of a name.
const ACCENTS: &[&str] = &[
    r"\hat",
    r"\bar",
    r"\tilde",
    r"\dot",
    r"\ddot",
    r"\vec",
    r"\check",
    r"\breve",
    r"\acute",
    r"\grave",
    r"\mathring",
    r"\underline",
];

/// The accent that a command sets, in plain text.
pub(super) fn accent(command: &str) -> Option<&str> {
    ACCENTS.contains(&command).then(|| command.trim_start_matches('\\'))
}

/// Fonts, which drop in plain text.
const FONTS: &[&str] = &[
    r"\mathbf",
    r"\mathcal",
    r"\mathscr",
    r"\mathfrak",
    r"\mathbb",
    r"\mathbbm",
    r"\mathds",
    r"\mathit",
    r"\mathnormal",
    r"\boldsymbol",
    r"\bm",
    r"\pmb",
    r"\symbf",
    r"\mathrm",
    r"\mathsf",
    r"\mathtt",
    r"\mathbfit",
    r"\mathsfit",
];

/// True for a command that sets a font.
pub(super) fn is_font(command: &str) -> bool {
    FONTS.contains(&command)
}

/// Every command of these tables.
pub(super) fn letter_commands() -> impl Iterator<Item = &'static str> {
    let lists = [NAME_COMMANDS, ACCENTS, FONTS];
    GREEK.iter().map(|row| row.0).chain(lists.into_iter().flatten().copied())
}
