//! Inputs made to be hard: large and small, tied, dominated by one entry, at the ends of what is allowed.

use super::domain::{Domain, GUESSES, Kind, domains};
use super::{Checker, Format, Verdict, assumptions};
use crate::eval::data::{Array, Inputs};
use crate::expr::Axis;
use crate::resolve::Program;
use crate::rewrite::bounds::Interval;
use crate::source::Diagnostic;
use std::collections::{BTreeMap, HashMap};

/// How inputs are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// Numbers of the size of 1.
    Ordinary,
    /// Thousandths.
    Small,
    /// Tens to tens of thousands.
    Large,
    /// All entries of an input equal.
    Ties,
    /// Entries that differ in their last digits.
    NearTies,
    /// One entry of 10 000 beside ordinary ones.
    Dominated,
    /// Entries of 10 000 and −10 000; probabilities near 0 and near 1.
    Opposed,
    /// 0, 1, numbers beside them, and the ends of what is allowed.
    Edges,
    /// −∞ in one entry.
    Masked,
    /// Axes with a single place.
    Single,
    /// Each input from a family of its own.
    Mixed,
}

impl Family {
    /// Every family, with its key.
    pub const ALL: [(Family, &'static str); 11] = [
        (Family::Ordinary, "ordinary"),
        (Family::Small, "small"),
        (Family::Large, "large"),
        (Family::Ties, "ties"),
        (Family::NearTies, "near-ties"),
        (Family::Dominated, "dominated"),
        (Family::Opposed, "opposed"),
        (Family::Edges, "edges"),
        (Family::Masked, "masked"),
        (Family::Single, "single"),
        (Family::Mixed, "mixed"),
    ];

    /// Its key.
    pub fn key(self) -> &'static str {
        Family::ALL.iter().find(|(family, _)| *family == self).map_or("", |(_, key)| key)
    }
}

/// Makes inputs for a formula, always the same for the same seed.
pub struct Adversary {
    domains: Vec<Domain>,
    /// Inputs that are given and kept.
    given: Inputs,
    sizes: BTreeMap<Axis, Option<usize>>,
    /// What the size of each axis is called.
    names: BTreeMap<Axis, String>,
    /// The axes whose sizes are inputs.
    stated: Vec<Axis>,
    /// Those that differ for these inputs.
    families: Vec<Family>,
    seed: u64,
}

/// So many draws may break an assumption before a case is given up.
const DRAWS: usize = 50;
/// So many ordinary draws show whether a formula is defined on a domain.
const TRIALS: u64 = 6;
/// Axes have at most so many places.
const LARGEST_SIZE: u64 = 4;

impl Adversary {
    /// Finds out where the inputs may lie. Those that are given are kept as they are.
    ///
    /// # Errors
    /// No domain was found on which the formula is defined.
    pub fn new(
        program: &mut Program,
        checker: &Checker,
        given: Inputs,
        seed: u64,
    ) -> Result<Adversary, Vec<Diagnostic>> {
        let mut domains = domains(program, checker.written.loss);
        domains.retain(|domain| !given.contains_key(&domain.name));
        let context = &program.context;
        let mut sizes: BTreeMap<Axis, Option<usize>> =
            (0..context.axes.len()).map(|number| (Axis(number as u32), context.axes[number].fixed)).collect();
        for information in &context.symbols {
            if let Some(array) = given.get(&information.name.plain) {
                sizes.extend(information.axes.iter().copied().zip(array.shape.iter().map(|&size| Some(size))));
            }
        }
        // The size of an axis that no input has is given by a number of its name.
        let carried = |axis: &Axis| context.symbols.iter().any(|symbol| !symbol.defined && symbol.axes.contains(axis));
        let named = |axis: &Axis| !context.axis(*axis).size_name.plain.is_empty();
        let stated = sizes.keys().filter(|axis| !carried(axis) && named(axis)).copied().collect();
        let names = sizes.keys().map(|&axis| (axis, context.axis(axis).size_name.plain.clone())).collect();
        let mut adversary = Adversary { domains, given, sizes, names, stated, families: Vec::new(), seed };
        adversary.find_domains(program, checker)?;
        let told = |family: &Family| adversary.domains.iter().any(|domain| domain.tells(*family));
        adversary.families = Family::ALL.into_iter().map(|(family, _)| family).filter(told).collect();
        Ok(adversary)
    }

    /// How the inputs of a case are made: each family in turn.
    pub fn family(&self, case: usize) -> Family {
        self.families.get(case % self.families.len().max(1)).copied().unwrap_or(Family::Ordinary)
    }

    /// What each input may be: its name, and a set.
    pub fn description(&self) -> Vec<(String, String)> {
        self.domains.iter().map(|domain| (domain.name.clone(), domain.description())).collect()
    }

    /// The inputs of a case. `None` if all draws break an assumption.
    pub fn draw(&self, program: &mut Program, case: usize, format: Format) -> Option<Inputs> {
        let family = self.family(case);
        let mut random = Random::new(self.seed, case as u64);
        for _ in 0..DRAWS {
            let inputs = self.inputs(family, &mut random, format);
            let verdicts = assumptions(program, &inputs);
            if !verdicts.iter().any(|verdict| matches!(verdict, Verdict::Broken(_))) {
                return Some(inputs);
            }
        }
        None
    }

    /// Narrows the inputs of which nothing is stated, each as little as possible, until the formula is defined.
    fn find_domains(&mut self, program: &mut Program, checker: &Checker) -> Result<(), Vec<Diagnostic>> {
        let unstated: Vec<usize> = (0..self.domains.len()).filter(|&number| !self.domains[number].stated).collect();
        let set = |adversary: &mut Adversary, numbers: &[usize], guess: Interval| {
            numbers.iter().for_each(|&number| adversary.domains[number].kind = Kind::Reals(guess));
        };
        let found = GUESSES.into_iter().find(|&guess| {
            set(self, &unstated, guess);
            self.is_defined(program, checker)
        });
        let Some(narrow) = found else { return Err(vec![Diagnostic::data_error("no-domain-found")]) };
        for &number in &unstated {
            let wider = GUESSES.into_iter().find(|&guess| {
                set(self, &[number], guess);
                guess == narrow || self.is_defined(program, checker)
            });
            set(self, &[number], wider.unwrap_or(narrow));
        }
        Ok(())
    }

    /// True if the formula has a finite value and gradient at some ordinary points, and no point without.
    fn is_defined(&self, program: &mut Program, checker: &Checker) -> bool {
        let (mut defined, mut broken) = (0, 0);
        for trial in 0..TRIALS {
            let mut random = Random::new(self.seed, u64::MAX - trial);
            let inputs = self.inputs(Family::Ordinary, &mut random, Format::F64);
            if assumptions(program, &inputs).iter().any(|verdict| matches!(verdict, Verdict::Broken(_))) {
                broken += 1;
                continue;
            }
            let Ok(found) = checker.naive(&program.context, &inputs, Format::F64) else { return false };
            let mut entries = found.gradients.iter().flat_map(|gradient| &gradient.data);
            if !found.value.is_finite() || !entries.all(|entry| entry.is_finite()) {
                return false;
            }
            defined += 1;
        }
        // Conditions that hardly any draw meets are met in the search for each case, or the case is left out.
        defined > 0 || broken == TRIALS
    }

    /// Ordinary inputs at these sizes of the axes: numbers of the size of 1 within what is stated of each input. Conditions
    /// that tie several inputs together are not looked at.
    pub fn ordinary(&self, sizes: &HashMap<Axis, usize>, format: Format) -> Inputs {
        let known = self.sizes.iter().map(|(&axis, &known)| (axis, known.or(sizes.get(&axis).copied()).unwrap_or(1)));
        self.inputs_at(&known.collect(), Family::Ordinary, &mut Random::new(self.seed, 0), format)
    }

    fn inputs(&self, family: Family, random: &mut Random, format: Format) -> Inputs {
        let (mut sizes, mut named) = (BTreeMap::new(), HashMap::new());
        for (&axis, &known) in &self.sizes {
            let drawn = if family == Family::Single { 1 } else { 2 + random.below(LARGEST_SIZE - 1) as usize };
            // Axes whose sizes have one name are drawn alike.
            let alike = *named.entry(&self.names[&axis]).or_insert(known.unwrap_or(drawn));
            sizes.insert(axis, known.unwrap_or(alike));
        }
        self.inputs_at(&sizes, family, random, format)
    }

    fn inputs_at(&self, sizes: &BTreeMap<Axis, usize>, family: Family, random: &mut Random, format: Format) -> Inputs {
        let mut inputs = self.given.clone();
        for axis in &self.stated {
            inputs.entry(self.names[axis].clone()).or_insert_with(|| Array::scalar(sizes[axis] as f64));
        }
        for domain in &self.domains {
            let shape: Vec<usize> = domain.axes.iter().map(|axis| sizes.get(axis).copied().unwrap_or(1)).collect();
            let own = match family {
                Family::Mixed => Family::ALL[random.below(Family::ALL.len() as u64 - 2) as usize].0,
                other => other,
            };
            let mut array = domain.draw(shape, own, random, sizes, format);
            array.data.iter_mut().for_each(|entry| *entry = format.round(*entry));
            inputs.insert(domain.name.clone(), array);
        }
        inputs
    }
}

impl Domain {
    /// True if a family makes other entries of this input than an ordinary draw.
    fn tells(&self, family: Family) -> bool {
        let tensor = !self.axes.is_empty();
        let real = matches!(self.kind, Kind::Reals(_));
        match family {
            Family::Ordinary | Family::Mixed => true,
            Family::Single => tensor,
            Family::Small | Family::Large | Family::Opposed | Family::Edges => real,
            Family::Ties | Family::NearTies | Family::Dominated => real && tensor,
            Family::Masked => tensor && self.kind == Kind::Reals(GUESSES[0]),
        }
    }

    fn description(&self) -> String {
        let set = match &self.kind {
            Kind::Integers(_) => "{0, 1, 2, …}".to_owned(),
            Kind::Values(values) => {
                format!("{{{}}}", values.iter().map(f64::to_string).collect::<Vec<_>>().join(", "))
            }
            Kind::Reals(interval) => {
                let end = |value: f64| match value {
                    f64::INFINITY => "∞".to_owned(),
                    f64::NEG_INFINITY => "−∞".to_owned(),
                    _ => value.to_string(),
                };
                let (left, right) =
                    (if interval.low_closed { "[" } else { "(" }, if interval.high_closed { "]" } else { ")" });
                format!("{left}{}, {}{right}", end(interval.low), end(interval.high))
            }
        };
        if self.sums_to_one.is_some() { format!("{set}, Σ = 1") } else { set }
    }

    fn draw(
        &self,
        shape: Vec<usize>,
        family: Family,
        random: &mut Random,
        sizes: &BTreeMap<Axis, usize>,
        format: Format,
    ) -> Array {
        let entries: usize = shape.iter().product();
        let data: Vec<f64> = match &self.kind {
            Kind::Integers(axis) => {
                let below = axis.and_then(|axis| sizes.get(&axis)).map_or(6, |&size| size as u64);
                (0..entries).map(|_| random.below(below) as f64).collect()
            }
            Kind::Values(values) => (0..entries).map(|_| values[random.below(values.len() as u64) as usize]).collect(),
            Kind::Reals(interval) => numbers(entries, interval, family, random, format),
        };
        let mut array = Array { shape, data, integer: matches!(self.kind, Kind::Integers(_)) };
        if let Some(place) = self.sums_to_one {
            self.normalise(&mut array, place, random);
        }
        array
    }

    /// Makes the entries along an axis add up to 1: a single 1 where they are 0 or 1, else by division.
    fn normalise(&self, array: &mut Array, place: usize, random: &mut Random) {
        let size = array.shape.get(place).copied().unwrap_or(1);
        let inner: usize = array.shape.iter().skip(place + 1).product();
        let one_of = matches!(self.kind, Kind::Values(_));
        for line in 0..array.data.len() / size.max(1) {
            let start = line / inner * inner * size + line % inner;
            let places = (0..size).map(|step| start + step * inner);
            let chosen = random.below(size.max(1) as u64) as usize;
            let total: f64 = places.clone().map(|place| array.data[place]).sum();
            for (step, place) in places.enumerate() {
                array.data[place] =
                    if one_of { f64::from(u8::from(step == chosen)) } else { array.data[place] / total };
            }
        }
    }
}

/// Entries of one input, in an interval.
fn numbers(entries: usize, interval: &Interval, family: Family, random: &mut Random, format: Format) -> Vec<f64> {
    let (below, above) = (interval.low.is_finite(), interval.high.is_finite());
    let one = |random: &mut Random, family: Family, chosen: bool| match (below, above) {
        (false, false) => real(random, family, chosen),
        (true, false) => interval.low + positive(random, family, chosen),
        (false, true) => interval.high - positive(random, family, chosen),
        (true, true) => {
            let part = fraction(random, family, chosen, format);
            interval.low + (interval.high - interval.low) * part
        }
    };
    let chosen = random.below(entries.max(1) as u64) as usize;
    let base = one(random, Family::Ordinary, false);
    let mut values: Vec<f64> = (0..entries)
        .map(|entry| match family {
            Family::Ties => base,
            Family::NearTies => base + base * 1e-10 * random.normal(),
            _ => one(random, family, entry == chosen),
        })
        .collect();
    let masked = family == Family::Masked && !below && !above && entries > 1;
    if masked {
        values[chosen] = f64::NEG_INFINITY;
    }
    if family == Family::Edges && entries > 0 {
        let ends = [(interval.low, interval.low_closed), (interval.high, interval.high_closed)];
        let closed: Vec<f64> = ends.into_iter().filter(|end| end.1 && end.0.is_finite()).map(|end| end.0).collect();
        if !closed.is_empty() {
            values[chosen] = closed[random.below(closed.len() as u64) as usize];
        }
    }
    values
}

fn real(random: &mut Random, family: Family, chosen: bool) -> f64 {
    match family {
        Family::Small => 1e-3 * random.normal(),
        Family::Large => random.sign() * random.power_of_ten(1.0, 4.0),
        Family::Dominated if chosen => random.sign() * 1e4,
        Family::Opposed => random.sign() * 1e4,
        Family::Edges => random.choice(&[0.0, 1.0, -1.0, 0.5, 2.0, 1e-30, -1e-30, 1e-8]),
        _ => random.normal(),
    }
}

fn positive(random: &mut Random, family: Family, chosen: bool) -> f64 {
    match family {
        Family::Small => random.power_of_ten(-4.0, -3.0),
        Family::Large => random.power_of_ten(1.0, 4.0),
        Family::Dominated if chosen => 1e4,
        Family::Opposed => random.choice(&[1e-4, 1e4]),
        Family::Edges => random.choice(&[1e-30, 1e-8, 0.5, 1.0, 2.0, 1e4]),
        _ => random.normal().exp(),
    }
}

/// Strictly between 0 and 1.
fn fraction(random: &mut Random, family: Family, chosen: bool, format: Format) -> f64 {
    let near_one = 1.0 - format.epsilon() / 2.0;
    match family {
        Family::Small => random.power_of_ten(-5.0, -3.0),
        Family::Large => 1.0 - random.power_of_ten(-5.0, -3.0),
        Family::Dominated if chosen => near_one,
        Family::Dominated => random.power_of_ten(-9.0, -6.0),
        Family::Opposed => random.choice(&[1e-4, 1.0 - 1e-4]),
        Family::Edges => random.choice(&[1e-30, 1e-8, 0.5, near_one]),
        _ => 0.02 + 0.96 * random.unit(),
    }
}

/// Random numbers, the same every time (SplitMix64: Steele, Lea & Flood 2014).
struct Random(u64);

impl Random {
    fn new(seed: u64, stream: u64) -> Random {
        Random(seed ^ stream.wrapping_mul(0xd134_2543_de82_ef95))
    }

    fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// In [0, 1).
    fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// A whole number below a bound.
    fn below(&mut self, bound: u64) -> u64 {
        self.bits() % bound.max(1)
    }

    fn sign(&mut self) -> f64 {
        if self.bits() & 1 == 0 { 1.0 } else { -1.0 }
    }

    /// Standard normal (Box & Muller 1958).
    fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.unit()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.unit()).cos()
    }

    fn power_of_ten(&mut self, low: f64, high: f64) -> f64 {
        10_f64.powf(low + (high - low) * self.unit())
    }

    fn choice(&mut self, values: &[f64]) -> f64 {
        values[self.below(values.len() as u64) as usize]
    }
}
