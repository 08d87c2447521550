//! The logistic sigmoid and softplus at x and at −x together, which share e^−|x|.

use super::activation::{decay, sigmoid, softplus};
use super::float::Float;
use super::level::{Work, dispatch};
use super::map::whole;
#[cfg(target_arch = "x86_64")]
use super::{lanes::Lanes, wide_functions};

/// The functions, in the order of the outputs: σ(x), σ(−x), ln(1 + eˣ), ln(1 + e⁻ˣ).
const FUNCTIONS: usize = 4;
/// Numbers whose e^−|x| are worked out at once, so that each name is a loop of its own after it, which the compiler makes vectors
/// of.
const BLOCK: usize = 64;

/// Slices of equal length that hold whole vectors.
struct Logistic<'a, T> {
    values: &'a [T],
    outputs: [Option<&'a mut [T]>; FUNCTIONS],
}

/// Writes f(x, e^−|x|) and f(−x, e^−|x|) for each x, where they are wanted. The compiler sees what both have in common.
#[inline(always)]
fn write<T: Float>(outputs: [Option<&mut [T]>; 2], values: &[T], decays: &[(T, T)], f: impl Fn(T, (T, T)) -> T) {
    let numbers = values.iter().zip(decays);
    match outputs {
        [Some(plus), Some(minus)] => {
            for ((plus, minus), (&x, &decay)) in plus.iter_mut().zip(minus).zip(numbers) {
                (*plus, *minus) = (f(x, decay), f(-x, decay));
            }
        }
        [Some(plus), None] => plus.iter_mut().zip(numbers).for_each(|(plus, (&x, &decay))| *plus = f(x, decay)),
        [None, Some(minus)] => minus.iter_mut().zip(numbers).for_each(|(minus, (&x, &decay))| *minus = f(-x, decay)),
        [None, None] => {}
    }
}

impl<T: Float> Work for Logistic<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<const FMA: bool>(mut self) {
        let mut decays = [(T::ZERO, T::ZERO); BLOCK];
        for (number, values) in self.values.chunks(BLOCK).enumerate() {
            decays.iter_mut().zip(values).for_each(|(decayed, &x)| *decayed = decay::<T, FMA>(x));
            let first = number * BLOCK;
            let [a, b, c, d] = self.outputs.each_mut().map(|output| output.as_mut().map(|output| &mut output[first..]));
            write([a, b], values, &decays, |x, decay| sigmoid::<T, FMA>(x, decay));
            write([c, d], values, &decays, |x, decay| softplus::<T, FMA>(x, decay));
        }
    }

    #[cfg(target_arch = "x86_64")]
    #[inline(always)]
    fn run_wide(self) {
        let wants = |pair: [usize; 2]| pair.iter().any(|&function| self.outputs[function].is_some());
        match (wants([0, 1]), wants([2, 3])) {
            (true, true) => self.run_in_vectors::<true, true>(),
            (true, false) => self.run_in_vectors::<true, false>(),
            (false, true) => self.run_in_vectors::<false, true>(),
            (false, false) => {}
        }
    }
}

#[cfg(target_arch = "x86_64")]
impl<T: Float> Logistic<'_, T> {
    /// The functions in vectors of AVX-512: of those of one name both or none are worked out.
    #[inline(always)]
    fn run_in_vectors<const SIGMOIDS: bool, const SOFTPLUS: bool>(self) {
        let [mut a, mut b, mut c, mut d] = self.outputs;
        for (number, x) in self.values.chunks_exact(T::LANES).enumerate() {
            let x = T::Wide::load(x);
            let decay = wide_functions::decay(x);
            let store = |output: &mut Option<&mut [T]>, value: T::Wide| {
                if let Some(output) = output {
                    value.store(&mut output[number * T::LANES..(number + 1) * T::LANES]);
                }
            };
            if SIGMOIDS {
                let (plus, minus) = wide_functions::sigmoid_pair(x, decay);
                store(&mut a, plus);
                store(&mut b, minus);
            }
            if SOFTPLUS {
                let (plus, minus) = wide_functions::softplus_pair(x, decay);
                store(&mut c, plus);
                store(&mut d, minus);
            }
        }
    }
}

/// Writes σ(x), σ(−x), ln(1 + eˣ) and ln(1 + e⁻ˣ) for each x of `values` to those outputs that there are, with the bits of
/// [`sigmoid`](super::sigmoid) and [`softplus`](super::softplus).
///
/// # Panics
/// If the slices differ in length.
pub fn logistic_to<T: Float>(values: &[T], outputs: [Option<&mut [T]>; FUNCTIONS]) {
    let whole = whole(values);
    let (values, rest) = values.split_at(whole);
    let (mut wholes, mut rests) = ([const { None }; FUNCTIONS], [const { None }; FUNCTIONS]);
    for (output, (in_whole, in_rest)) in outputs.into_iter().zip(wholes.iter_mut().zip(&mut rests)) {
        let Some(output) = output else { continue };
        assert_eq!(output.len(), whole + rest.len(), "the input and an output of a vector function differ in length");
        let (first, last) = output.split_at_mut(whole);
        (*in_whole, *in_rest) = (Some(first), Some(last));
    }
    if whole > 0 {
        dispatch(Logistic { values, outputs: wholes });
    }
    if !rest.is_empty() {
        let (mut padded, mut found) = ([T::ZERO; 16], [[T::ZERO; 16]; FUNCTIONS]);
        padded[..rest.len()].copy_from_slice(rest);
        let outputs = found.each_mut().map(|found| Some(&mut found[..T::LANES]));
        dispatch(Logistic { values: &padded[..T::LANES], outputs });
        for (rest, found) in rests.into_iter().zip(&found) {
            rest.into_iter().for_each(|rest| rest.copy_from_slice(&found[..rest.len()]));
        }
    }
}
