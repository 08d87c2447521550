//! The table, on the terminal and as a page.

use crate::Options;
use crate::measure::Found;
use std::fmt::Write;
use std::process::Command;

const COLUMNS: [&str; 12] = [
    "row",
    "Kobai",
    "new buffers",
    "peer",
    "ratio",
    "ratio, new buffers",
    "peak Kobai / planned / peer (MiB)",
    "of the copy rate",
    "of the product rate",
    "compile",
    "peer's first call",
    "values",
];

/// The heads of the columns.
pub fn heading() -> String {
    let rule = COLUMNS.map(|_| "---").join("|");
    format!("| {} |\n|{rule}|", COLUMNS.join(" | "))
}

/// One row.
pub fn line(found: &Found) -> String {
    let ours = &found.ours;
    let none = || "–".to_owned();
    let peer = found.peer.as_ref();
    let against = |time: f64| peer.map_or_else(none, |peer| format!("{:.2}", time / peer.median));
    let peak = [ours.peak_bytes, Some(ours.planned_bytes), peer.map(|peer| peer.peak_bytes)];
    let peak = peak.map(|bytes| bytes.map_or_else(none, |bytes| format!("{:.0}", bytes / f64::from(1 << 20))));
    let cells = [
        found.row.name(),
        milliseconds(ours.reused),
        milliseconds(ours.fresh),
        peer.map_or_else(none, |peer| {
            let pages = if peer.huge_pages { ", huge pages" } else { "" };
            format!("{} ({}{pages})", milliseconds(peer.median), peer.name)
        }),
        against(ours.reused),
        against(ours.fresh),
        peak.join(" / "),
        format!("{:.0} %", 100.0 * ours.share_of_copy),
        if ours.share_of_product > 0.0 { format!("{:.0} %", 100.0 * ours.share_of_product) } else { none() },
        milliseconds(ours.compile),
        peer.map_or_else(none, |peer| milliseconds(peer.first_call)),
        match (peer, found.disagreement()) {
            (None, _) => none(),
            (_, None) => "agree".to_owned(),
            (_, Some(what)) => format!("DIFFER: {what}"),
        },
    ];
    format!("| {} |", cells.join(" | "))
}

/// The page.
pub fn page(found: &[Found], options: &Options) -> String {
    let mut out = String::from("# Benchmarks\n\n");
    let _ = writeln!(
        out,
        "Value and gradient in `f32`: Kobai, and {} on the same inputs in the same run. Made by\n\
         `cargo bench -p kobai-cli --bench goals` ([how](../kobai-cli/benches/goals/README.md)).\n",
        options.peer.join(" or ")
    );
    let _ = writeln!(out, "- Date: {}", said("date", &["-u", "+%F"]));
    let _ = writeln!(out, "- Processor: {}, {} threads", processor(), threads());
    let changed = if said("git", &["status", "--porcelain", "-uno"]).is_empty() { "" } else { ", with changes" };
    let _ = writeln!(out, "- Commit: {}{changed}", said("git", &["rev-parse", "--short=12", "HEAD"]));
    let python = options.peers.as_ref().map(|peers| peers.join("bin/python").display().to_string());
    for (python, peer) in python.iter().flat_map(|python| options.peer.iter().map(move |peer| (python, peer))) {
        let module = format!("import {0}; print({0}.__version__)", peer.split('-').next().unwrap_or_default());
        let _ = writeln!(out, "- Peer: {peer} {}", said(python, &["-c", &module]));
    }
    let fastest = |rate: fn(&Found) -> f64| found.iter().map(rate).fold(0.0_f64, f64::max) / 1e9;
    let _ = writeln!(
        out,
        "- Machine, best seen in the run: copy {:.0} GB/s (read and written), matrix product {:.0} GFLOP/s\n",
        fastest(|found| found.ours.copy_rate),
        fastest(|found| found.ours.product_rate)
    );
    let _ = writeln!(out, "{}", heading());
    for found in found {
        let _ = writeln!(out, "{}", line(found));
    }
    out + NOTES
}

const NOTES: &str = "
Times are medians in ms, the best of the rounds for either side. *Kobai*: buffers and gradients that are used again.
*New buffers*: an executor is made, and run once. *Peer*: the fastest of the peers, with glibc's ordinary or huge pages; it
makes its gradients anew in each run. *Ratio*: Kobai's time by the peer's; below 1 Kobai is faster. *Peak*: memory above the
inputs, gradients included. *Of the copy rate*: bytes read and written by bytes that a large copy moves in the same time; *of
the product rate*: the same for operations of matrix products. *Compile*: from the text to ready to run; the peer's first call
includes its first run. *Values*: loss and norms of the gradients within 10⁻⁴ of the peer's.
";

fn milliseconds(seconds: f64) -> String {
    match seconds * 1e3 {
        time if time >= 100.0 => format!("{time:.0}"),
        time if time >= 1.0 => format!("{time:.2}"),
        time => format!("{time:.4}"),
    }
}

fn processor() -> String {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    line.map_or_else(|| "unknown".to_owned(), |(_, name)| name.trim().to_owned())
}

fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// What a program prints, or nothing.
fn said(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    output.map_or_else(|_| String::new(), |output| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
