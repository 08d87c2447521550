//! The rows of the table.

/// A loss at sizes.
pub struct Row {
    /// The workload, in the words of the peers' script.
    pub workload: &'static str,
    /// The formula's file.
    pub formula: &'static str,
    /// The sizes of its axes.
    pub size: &'static str,
    /// What the gradient is by.
    pub wrt: &'static str,
    /// The numbers that the formula leaves open.
    pub bind: &'static [&'static str],
    /// How many threads.
    pub threads: usize,
    /// What outputs and temporaries may take, if that is limited.
    pub memory: Option<&'static str>,
    /// Whether the peers' script has it.
    pub peer: bool,
}

impl Row {
    /// The workload, the threads and the memory.
    pub fn name(&self) -> String {
        let memory = self.memory.map_or_else(String::new, |memory| format!("-{memory}"));
        format!("{}-{}t{memory}", self.workload, self.threads)
    }
}

const fn row(
    workload: &'static str,
    formula: &'static str,
    size: &'static str,
    wrt: &'static str,
    bind: &'static [&'static str],
    threads: usize,
) -> Row {
    Row { workload, formula, size, wrt, bind, threads, memory: None, peer: true }
}

const fn alone(row: Row) -> Row {
    Row { peer: false, ..row }
}

const fn within(memory: &'static str, row: Row) -> Row {
    Row { memory: Some(memory), ..row }
}

/// All of them.
pub const ROWS: &[Row] = &[
    row("cross-entropy-4096x32000", "cross-entropy", "N=4096,K=32000", "z", &[], 2),
    row("cross-entropy-1024x128256", "cross-entropy", "N=1024,K=128256", "z", &[], 2),
    row("cross-entropy-65536x10", "cross-entropy", "N=65536,K=10", "z", &[], 1),
    alone(row("cross-entropy-64x10", "cross-entropy", "N=64,K=10", "z", &[], 1)),
    row("label-smoothing-4096x32000", "label-smoothing", "N=4096,K=32000", "z", &["epsilon = 0.1"], 2),
    row("jensen-shannon-2048x32000", "jensen-shannon", "N=2048,K=32000", "a,b", &[], 2),
    row("bce-logits-10m", "bce-logits", "N=10000000", "x", &[], 1),
    row("bce-logits-10m", "bce-logits", "N=10000000", "x", &[], 2),
    row("bce-probabilities-10m", "bce-probabilities", "N=10000000", "y", &[], 1),
    row("bce-probabilities-10m", "bce-probabilities", "N=10000000", "y", &[], 2),
    row("focal-10m", "focal", "N=10000000", "x", &["alpha = 0.25"], 1),
    row("focal-10m", "focal", "N=10000000", "x", &["alpha = 0.25"], 2),
    row("sum-log-64m", "sum-log", "N=67108864", "x", &[], 2),
    row("info-nce-4096x256", "info-nce", "N=4096,D=256", "q,k", &["tau = 0.07"], 2),
    row("linear-1024x768x32000", "linear-cross-entropy", "N=1024,D=768,K=32000", "x,W,b", &[], 1),
    row("linear-1024x768x32000", "linear-cross-entropy", "N=1024,D=768,K=32000", "x,W,b", &[], 2),
    within("130MiB", row("linear-1024x768x32000", "linear-cross-entropy", "N=1024,D=768,K=32000", "x,W,b", &[], 2)),
    row("linear-512x512x128256", "linear-cross-entropy", "N=512,D=512,K=128256", "x,W,b", &[], 1),
    row("linear-512x512x128256", "linear-cross-entropy", "N=512,D=512,K=128256", "x,W,b", &[], 2),
    within("300MiB", row("linear-512x512x128256", "linear-cross-entropy", "N=512,D=512,K=128256", "x,W,b", &[], 2)),
    row("linear-1797x64x10", "linear-cross-entropy", "N=1797,D=64,K=10", "x,W,b", &[], 1),
    alone(row("logistic-regression-569x30", "logistic-regression", "N=569,D=30", "w,b", &[], 1)),
    row("dpo-8x2x512x512x32000", "dpo", "B=8,M=512,D=512,K=32000", "h,W", &["beta = 0.1"], 2),
    within("150MiB", row("dpo-8x2x512x512x32000", "dpo", "B=8,M=512,D=512,K=32000", "h,W", &["beta = 0.1"], 2)),
];
