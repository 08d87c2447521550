//! One row: Kobai and the peer, each in a process of its own, in turns.

use crate::Options;
use crate::rows::Row;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What glibc is told so that the peer gets huge pages.
const HUGE_PAGES: (&str, &str) = ("GLIBC_TUNABLES", "glibc.malloc.hugetlb=1");
/// Values and norms of gradients may differ by so much, relative to the peer's: single precision, and the peer's own sums.
const TOLERANCE: f64 = 1e-4;

/// What is the same for all rows.
pub struct Setting<'a> {
    options: &'a Options,
    formulas: PathBuf,
}

/// One row, measured.
pub struct Found<'a> {
    /// Which.
    pub row: &'a Row,
    /// The best of our rounds.
    pub ours: Ours,
    /// The best of the peer's, and what it was run with.
    pub peer: Option<Peer>,
}

/// What Kobai has shown. Times are medians in seconds.
#[derive(Clone)]
pub struct Ours {
    pub reused: f64,
    pub fresh: f64,
    pub compile: f64,
    pub peak_bytes: Option<f64>,
    pub planned_bytes: f64,
    pub copy_rate: f64,
    pub product_rate: f64,
    pub share_of_copy: f64,
    pub share_of_product: f64,
    value: f64,
    norms: Vec<(String, f64)>,
}

/// What a peer has shown. Times in seconds.
#[derive(Clone)]
pub struct Peer {
    pub name: String,
    pub huge_pages: bool,
    pub median: f64,
    pub first_call: f64,
    pub peak_bytes: f64,
    value: f64,
    norms: Vec<(String, f64)>,
}

impl Found<'_> {
    /// What differs from the peer by more than single precision explains.
    pub fn disagreement(&self) -> Option<String> {
        let peer = self.peer.as_ref()?;
        let far = |ours: f64, theirs: f64| (ours - theirs).abs() > TOLERANCE * theirs.abs() || ours.is_nan();
        if far(self.ours.value, peer.value) {
            return Some(format!("value {}, not {}", self.ours.value, peer.value));
        }
        peer.norms.iter().find_map(|(name, theirs)| {
            let (_, ours) = self.ours.norms.iter().find(|(known, _)| known == name)?;
            far(*ours, *theirs).then(|| format!("norm of the gradient by {name} {ours}, not {theirs}"))
        })
    }
}

impl<'a> Setting<'a> {
    /// # Errors
    /// The script or the environment of the peer is not where it is said to be.
    pub fn new(options: &'a Options) -> Result<Setting<'a>, String> {
        if let Some(peers) = &options.peers {
            for path in [python(peers), options.peers_script.clone()] {
                if !path.exists() {
                    let fix = "give --peers and --peers-script, or leave --peers out to measure Kobai alone";
                    return Err(format!("there is no {}\n  fix: {fix}", path.display()));
                }
            }
        }
        Ok(Setting { options, formulas: PathBuf::from("kobai-cli/benches/goals/formulas") })
    }

    /// Measures a row.
    pub fn measure<'r>(&self, row: &'r Row) -> Result<Found<'r>, String> {
        let peers = self.options.peers.as_deref().filter(|_| row.peer);
        let kept = self.options.inputs.join(row.workload);
        let data = kept.join("inputs.npz");
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for _ in 0..self.options.rounds.max(1) {
            for huge_pages in [true, false] {
                for peer in &self.options.peer {
                    let Some(peers) = peers else { continue };
                    let save = Some(&kept).filter(|_| !data.exists());
                    theirs.push(self.peer(row, (peers, peer), huge_pages, save)?);
                }
                if huge_pages {
                    ours.push(self.ours(row, Some(data.as_path()).filter(|data| data.exists()))?);
                }
            }
        }
        let best = |a: &f64, b: &f64| a.total_cmp(b);
        let mut first = ours.iter().min_by(|a, b| best(&a.reused, &b.reused)).ok_or("no round")?.clone();
        first.fresh = ours.iter().map(|one| one.fresh).fold(f64::INFINITY, f64::min);
        let peer = theirs.into_iter().min_by(|a, b| best(&a.median, &b.median));
        Ok(Found { row, ours: first, peer })
    }

    fn ours(&self, row: &Row, data: Option<&Path>) -> Result<Ours, String> {
        let mut arguments: Vec<String> = vec![
            "bench".into(),
            self.formulas.join(format!("{}.tex", row.formula)).display().to_string(),
            format!("--size={}", row.size),
            format!("--wrt={}", row.wrt),
            format!("--threads={}", row.threads),
            format!("--seconds={}", self.options.seconds),
            "--dtype=f32".into(),
            "--json".into(),
        ];
        arguments.extend(row.bind.iter().map(|binding| format!("--bind={binding}")));
        arguments.extend(row.memory.map(|memory| format!("--memory={memory}")));
        arguments.extend(data.map(|data| format!("--data={}", data.display())));
        let found = json(pinned(row.threads, env!("CARGO_BIN_EXE_kobai")).args(&arguments))?;
        let measured = &found["measured"][0];
        Ok(Ours {
            reused: number(&measured["reused_seconds"]["median"])?,
            fresh: number(&measured["fresh_seconds"]["median"])?,
            compile: number(&found["compile_seconds"])?,
            peak_bytes: measured["peak_bytes"].as_f64(),
            planned_bytes: number(&found["planned_peak_bytes"])?,
            copy_rate: number(&measured["machine_copy_bytes_per_second"])?,
            product_rate: number(&measured["machine_product_operations_per_second"])?,
            share_of_copy: number(&measured["share_of_copy"])?,
            share_of_product: number(&measured["share_of_product"])?,
            value: found["value"].as_f64().unwrap_or(f64::NAN),
            norms: norms(&found["gradient_norms"]),
        })
    }

    fn peer(
        &self,
        row: &Row,
        (peers, name): (&Path, &str),
        huge_pages: bool,
        save: Option<&PathBuf>,
    ) -> Result<Peer, String> {
        let mut command = Command::new(python(peers));
        command.arg(&self.options.peers_script).args([row.workload, name]);
        command.args([format!("--threads={}", row.threads), format!("--seconds={}", self.options.seconds)]);
        command.args(save.map(|folder| format!("--save={}", folder.display())));
        if huge_pages {
            command.env(HUGE_PAGES.0, HUGE_PAGES.1);
        }
        let found = json(&mut command)?;
        Ok(Peer {
            name: name.to_owned(),
            huge_pages,
            median: number(&found["milliseconds"]["median"])? / 1e3,
            first_call: number(&found["first_call_s"])?,
            peak_bytes: number(&found["peak_mib_above_inputs"])? * f64::from(1 << 20),
            value: number(&found["value"])?,
            norms: norms(&found["gradient_norms"]),
        })
    }
}

fn python(peers: &Path) -> PathBuf {
    peers.join("bin/python")
}

/// A program on one processor if it is to have one thread, as the peer pins itself; where that can be asked for.
fn pinned(threads: usize, program: &str) -> Command {
    let has_taskset = threads == 1 && Command::new("taskset").arg("--version").output().is_ok();
    if !has_taskset {
        return Command::new(program);
    }
    let mut command = Command::new("taskset");
    command.args(["--cpu-list", "0", program]);
    command
}

/// The last line that a program prints.
fn json(command: &mut Command) -> Result<Value, String> {
    let output = command.output().map_err(|error| format!("{command:?} cannot be started: {error}"))?;
    if !output.status.success() {
        return Err(format!("{command:?} failed:\n{}", String::from_utf8_lossy(&output.stderr)));
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let line = text.lines().last().unwrap_or_default();
    serde_json::from_str(line).map_err(|error| format!("{command:?} printed `{line}`: {error}"))
}

fn number(value: &Value) -> Result<f64, String> {
    value.as_f64().ok_or_else(|| format!("`{value}` is no number"))
}

fn norms(value: &Value) -> Vec<(String, f64)> {
    let entries = value.as_object().into_iter().flatten();
    entries.map(|(name, norm)| (name.clone(), norm.as_f64().unwrap_or(f64::NAN))).collect()
}
