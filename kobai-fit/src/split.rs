//! Parting rows into those that train and those that are held out, the same way every time.

use crate::error::DataError;
use crate::random::SplitMix64;

/// The part that is held out unless said otherwise: one row in five.
pub const HELD_OUT_FRACTION: f64 = 0.2;

/// The seed of the shuffle unless said otherwise. Any number would do; this one is fixed so that a figure in a lesson is
/// the figure on the reader's machine.
pub const SEED: u64 = 20_250_101;

/// The class of a row that is left out.
pub const LEFT_OUT: u32 = u32::MAX;

/// What a row is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The parameters are fitted to it.
    Training,
    /// It only judges the fit.
    HeldOut,
    /// Neither, because a value is missing.
    LeftOut,
}

/// Holds out `fraction` of the rows, rounded to the nearest whole number, drawn by a shuffle that `seed` decides. `classes`
/// has one number a row, [`LEFT_OUT`] for a row that is for nothing. Of each class the same share is held out, but for
/// rounding: what is left after rounding down goes to the classes that lost most by it (the method of largest remainders).
///
/// The shuffle is that of Fisher and Yates (Knuth, *The Art of Computer Programming*, volume 2, algorithm 3.4.2 P), so the
/// rows are the same on every machine.
///
/// # Errors
/// `split-fraction` where the fraction is not in [0, 1), `split-no-training-rows` where nothing would be left to fit,
/// `split-too-many-rows` from 2³² rows on.
pub fn split(classes: &[u32], fraction: f64, seed: u64) -> Result<Vec<Role>, DataError> {
    if !(0.0..1.0).contains(&fraction) {
        return Err(DataError::new("split-fraction").with("found", fraction));
    }
    if u32::try_from(classes.len()).is_err() {
        return Err(DataError::new("split-too-many-rows").with("rows", classes.len()));
    }
    let mut order: Vec<u32> = (0..classes.len() as u32).filter(|&row| classes[row as usize] != LEFT_OUT).collect();
    let count = (order.len() as f64 * fraction).round() as usize;
    if count >= order.len() {
        return Err(DataError::new("split-no-training-rows").with("rows", order.len()).with("held_out", count));
    }
    let mut left = quotas(classes, fraction, count);
    SplitMix64::new(seed).shuffle(&mut order);
    let mut roles = vec![Role::LeftOut; classes.len()];
    for row in order {
        let left = &mut left[classes[row as usize] as usize];
        roles[row as usize] = if *left > 0 { Role::HeldOut } else { Role::Training };
        *left = left.saturating_sub(1);
    }
    Ok(roles)
}

/// How many rows of each class are held out, `count` in all.
fn quotas(classes: &[u32], fraction: f64, count: usize) -> Vec<usize> {
    let mut rows: Vec<usize> = Vec::new();
    for class in classes.iter().filter(|&&class| class != LEFT_OUT).map(|&class| class as usize) {
        if class >= rows.len() {
            rows.resize(class + 1, 0);
        }
        rows[class] += 1;
    }
    let exact: Vec<f64> = rows.iter().map(|&rows| rows as f64 * fraction).collect();
    let mut quotas: Vec<usize> = exact.iter().map(|exact| exact.floor() as usize).collect();
    let mut by_remainder: Vec<usize> = (0..rows.len()).collect();
    by_remainder.sort_by(|&a, &b| exact[b].fract().total_cmp(&exact[a].fract()).then(a.cmp(&b)));
    let missing = count.saturating_sub(quotas.iter().sum());
    by_remainder.into_iter().take(missing).for_each(|class| quotas[class] += 1);
    quotas
}
