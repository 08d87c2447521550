//! `kobai fit` and `kobai predict` as an analyst uses them: stopped, resumed, limited in memory, given bad files.

use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;
use tempfile::TempDir;

const BINARY: &str = env!("CARGO_BIN_EXE_kobai");

/// Runs a command in the repository.
fn run(command: &mut Command) -> Output {
    let output = command.current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("..")).output().expect("it starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!said.contains("panicked"), "{said}");
    output
}

fn kobai(arguments: &[&str]) -> Output {
    run(Command::new(BINARY).args(arguments))
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("UTF-8")
}

fn said(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("UTF-8")
}

/// What a command that must succeed prints.
fn printed(arguments: &[&str]) -> String {
    let output = kobai(arguments);
    assert!(output.status.success(), "{arguments:?}: {}{}", out(&output), said(&output));
    out(&output)
}

/// What a command says of its input.
fn refused(arguments: &[&str], parts: &[&str]) {
    let output = kobai(arguments);
    assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}{}", out(&output), said(&output));
    for part in [parts, &["cause:", "fix:"]].concat() {
        assert!(said(&output).contains(part), "no {part} in: {}", said(&output));
    }
}

fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder")
}

fn place(folder: &TempDir, name: &str) -> String {
    folder.path().join(name).display().to_string()
}

fn written(folder: &TempDir, name: &str, text: &str) -> String {
    let path = place(folder, name);
    fs::write(&path, text).expect("it is written");
    path
}

const NETWORK: [&str; 4] = ["fit", "book/two-layer-network.md", "--data", "data/digits.csv"];

#[test]
fn a_training_that_is_killed_goes_on_bit_for_bit() {
    let folder = folder();
    for (name, more) in [("lbfgs", &["--iterations", "120"][..]), ("adamw", &["--solver", "adamw", "--epochs", "20"])] {
        let whole = place(&folder, &format!("{name}-whole.safetensors"));
        let again = place(&folder, &format!("{name}-again.safetensors"));
        let (kept, before) = (place(&folder, name), place(&folder, &format!("{name}-before")));
        let command = [&NETWORK[..], more].concat();
        kobai(&[&command[..], &["--checkpoint", &before, "--every", "0", "--save", &whole]].concat());
        let every = [&command[..], &["--checkpoint", &kept, "--every", "0", "--save", &again]].concat();
        let file = Path::new(&kept).join("checkpoint.safetensors");
        let mut killed = 0;
        for milliseconds in [0, 7, 23] {
            let before = fs::read(&file).ok();
            let resume: &[&str] = if before.is_some() { &["--resume"] } else { &[] };
            let mut child = Command::new(BINARY)
                .args([&every[..], resume].concat())
                .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(".."))
                .stdout(std::process::Stdio::null())
                .spawn()
                .expect("it starts");
            // Once it has gone on, it is killed wherever it may be.
            while fs::read(&file).ok() == before && child.try_wait().expect("a child").is_none() {
                std::thread::sleep(Duration::from_millis(1));
            }
            std::thread::sleep(Duration::from_millis(milliseconds));
            let _ = child.kill();
            killed += usize::from(child.wait().expect("it ends").code().is_none());
        }
        assert!(killed > 0, "{name}: it was done before it could be killed");
        let last = kobai(&[&every[..], &["--resume"]].concat());
        assert!(out(&last).contains("goes on from the checkpoint"), "{}{}", out(&last), said(&last));
        assert_eq!(fs::read(&whole).expect("a model"), fs::read(&again).expect("a model"), "{name}");
    }
}

#[cfg(unix)]
#[test]
fn an_interruption_saves_what_there_is_and_says_how_to_go_on() {
    let folder = folder();
    let kept = place(&folder, "kept");
    let command =
        [&NETWORK[..], &["--tolerance", "0", "--iterations", "100000", "--checkpoint", &kept, "--every", "0"]].concat();
    let child = Command::new(BINARY)
        .args(&command)
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(".."))
        .stdout(std::process::Stdio::piped())
        .spawn()
        .expect("it starts");
    // A first checkpoint is there once it trains; what listens to Ctrl-C was there before.
    let file = Path::new(&kept).join("checkpoint.safetensors");
    for _ in 0..60_000 {
        if file.exists() {
            break;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    let interrupt = Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("kill");
    assert!(interrupt.success());
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(1), "{}", out(&output));
    for part in ["interrupted", "give the same command with --resume to go on", "held-out accuracy"] {
        assert!(out(&output).contains(part), "no {part} in: {}", out(&output));
    }
    let shorter = [&NETWORK[..], &["--iterations", "1", "--checkpoint", &kept, "--resume"]].concat();
    assert!(printed(&shorter).contains("goes on from the checkpoint"));
}

#[cfg(unix)]
#[test]
fn a_checkpoint_outlives_a_full_disk() {
    let folder = folder();
    let (kept, whole, again) = (place(&folder, "kept"), place(&folder, "whole.st"), place(&folder, "again.st"));
    let command = [&NETWORK[..], &["--iterations", "30", "--tolerance", "1e-9"]].concat();
    kobai(&[&command[..], &["--save", &whole]].concat());
    // No file may be larger than the first checkpoints, which the pairs that L-BFGS remembers make larger: the system then
    // refuses to write, as it does where a disk is full.
    let script = "trap '' XFSZ; ulimit -f 400; exec \"$@\"";
    let shell = ["-c", script, "sh", BINARY];
    let limited = run(Command::new("sh").args(shell).args(&command).args(["--checkpoint", &kept, "--every", "0"]));
    assert_eq!(limited.status.code(), Some(2), "{}{}", out(&limited), said(&limited));
    assert!(said(&limited).contains("checkpoint.safetensors could not be written"), "{}", said(&limited));
    let files: Vec<_> = fs::read_dir(&kept).expect("the folder").collect();
    assert_eq!(files.len(), 1, "only the checkpoint before is left");
    let resumed = kobai(&[&command[..], &["--checkpoint", &kept, "--resume", "--save", &again]].concat());
    assert!(out(&resumed).contains("goes on from the checkpoint"), "{}{}", out(&resumed), said(&resumed));
    assert_eq!(fs::read(whole).expect("a model"), fs::read(again).expect("a model"));
}

#[test]
fn a_checkpoint_of_another_training_is_refused() {
    let folder = folder();
    let kept = place(&folder, "kept");
    let command = ["fit", "book/logistic-regression.md", "--data", "data/breast-cancer.csv", "--checkpoint", &kept];
    refused(&[&command[..], &["--resume"]].concat(), &["checkpoint-none"]);
    printed(&command);
    refused(&[&command[..], &["--resume", "--bind", "lambda = 0.5"]].concat(), &["checkpoint-other", "bindings"]);
    refused(&[&command[..], &["--resume", "--solver", "newton-cg"]].concat(), &["checkpoint-other", "solver"]);
    refused(&[&command[..], &["--resume", "--split", "0.5"]].concat(), &["checkpoint-other", "training rows"]);
    fs::write(Path::new(&kept).join("checkpoint.safetensors"), "half").expect("it is written");
    refused(&[&command[..], &["--resume"]].concat(), &["saved-malformed"]);
}

/// What is proved of the loss, the solver chosen and the order of the rows do not depend on where the numbers lie.
#[test]
fn data_beyond_memory_give_the_same_parameters() {
    let folder = folder();
    let (one, other) = (place(&folder, "one.safetensors"), place(&folder, "other.safetensors"));
    let softmax = ["fit", "book/softmax-regression.md", "--data", "data/digits.csv", "--iterations", "20"];
    let logistic = ["fit", "book/logistic-regression.md", "--data", "data/breast-cancer.csv", "--iterations", "5"];
    for (command, more, limit) in
        [(softmax, &[][..], "1MiB"), (logistic, &[], "200KiB"), (logistic, &["--solver", "adamw"], "200KiB")]
    {
        let command = [&command[..], more].concat();
        let free = printed(&[&command[..], &["--save", &one]].concat());
        let limited = printed(&[&command[..], &["--memory", limit, "--save", &other]].concat());
        assert!(limited.contains("lie in a temporary file"), "{limited}");
        let solver = |text: &str| text.split_once("Solver").map(|(_, rest)| rest.lines().nth(1).map(str::to_owned));
        assert_eq!(solver(&free), solver(&limited));
        let parameters = |path: &str| kobai_fit::saved::load(path).expect("a model").arrays;
        // Another limit is another chunk, which moves results by rounding only.
        for ((name, one), (_, other)) in parameters(&one).into_iter().zip(parameters(&other)) {
            for (one, other) in one.data.iter().zip(&other.data) {
                assert!((one - other).abs() < 1e-9, "{name}: {one} and {other}");
            }
        }
    }
}

/// A table of flowers: two measures and the species, with the names of columns as given.
fn flowers(names: &str) -> String {
    let rows = include_str!("../../data/iris.csv").lines().skip(1);
    std::iter::once(names.to_owned()).chain(rows.map(str::to_owned)).collect::<Vec<_>>().join("\n") + "\n"
}

const SOFTMAX: &str = r"z_{ik} = \sum_d x_{id} W_{dk} + b_k
y_{ik} = \frac{e^{z_{ik}}}{\sum_j e^{z_{ij}}}
\min_{W, b} -\frac{1}{N} \sum_{i=1}^{N} \sum_k t_{ik} \log y_{ik} + \frac{\lambda}{2} \sum_d \sum_k W_{dk}^2";

#[test]
fn a_model_predicts_with_the_names_of_its_classes() {
    let folder = folder();
    let table = written(&folder, "flowers.csv", &flowers("a,b,c,d,species"));
    let formula = written(&folder, "softmax.tex", SOFTMAX);
    let model = place(&folder, "model.safetensors");
    let bind = ["--bind", "x=standardise(a..d)", "--bind", "t=onehot(species)", "--bind", "lambda=0.01"];
    let text = printed(&[&["fit", &formula, "--data", &table, "--save", &model][..], &bind].concat());
    assert!(text.contains("3 classes: setosa, versicolor, virginica"), "{text}");
    assert!(text.contains("convex in W, b") && text.contains("Confusion matrix of the held-out rows"), "{text}");
    // Ten flowers of each species are held out.
    let held_out: usize = text
        .lines()
        .rev()
        .take(3)
        .flat_map(|line| line.split_whitespace().skip(1))
        .map(|count| count.replace('·', "0").parse::<usize>().expect("a count"))
        .sum();
    assert_eq!(held_out, 30, "{text}");

    // The label is not needed, nor is the order of the columns.
    let new = written(&folder, "new.csv", "d,c,extra,b,a\n0.2,1.4,?,3.5,5.1\n2.5,6.0,?,3.3,6.3\n");
    let predicted = printed(&["predict", &model, "--data", &new]);
    let lines: Vec<&str> = predicted.lines().collect();
    assert_eq!(lines[0], "y_setosa,y_versicolor,y_virginica,class");
    assert!(lines[1].ends_with(",setosa") && lines[2].ends_with(",virginica"), "{predicted}");
    let shares: f64 = lines[1].split(',').take(3).map(|share| share.parse::<f64>().expect("a number")).sum();
    assert!((shares - 1.0).abs() < 1e-12);

    let json = printed(&["predict", &model, "--data", &new, "--show", "z", "--show", "y", "--json"]);
    let first: Value = serde_json::from_str(json.lines().next().expect("a row")).expect("JSON");
    assert_eq!(first["class"], "setosa");
    assert!(first["z"]["setosa"].as_f64() > first["z"]["virginica"].as_f64());
    let file = place(&folder, "predictions.csv");
    assert_eq!(printed(&["predict", &model, "--data", &new, "--out", &file]), "");
    assert_eq!(fs::read_to_string(&file).expect("predictions"), predicted);

    refused(&["predict", &model, "--data", &new, "--show", "q"], &["quantity-unknown", "z, y"]);
    let ragged = written(&folder, "ragged.csv", "a,b,c,d\n1,2,3\n");
    refused(&["predict", &model, "--data", &ragged, "--out", &file], &["csv-ragged", "line 2"]);
    assert_eq!(fs::read_to_string(&file).expect("predictions"), predicted, "what was there is unchanged");
    let absent = written(&folder, "absent.csv", "a,b,c\n1,2,3\n");
    refused(&["predict", &model, "--data", &absent], &["binding-unknown-column", "column d"]);
    let text = written(&folder, "text.csv", "a,b,c,d\n1,2,3,4\n1,2,wide,4\n");
    refused(&["predict", &model, "--data", &text], &["cell-not-a-number", "line 3", "column c", "wide"]);
    let lost = written(&folder, "lost.csv", "a,b,c,d\n1,2,,4\n");
    refused(&["predict", &model, "--data", &lost], &["missing-value", "line 2", "column c"]);
    refused(&["predict", &formula, "--data", &new], &["saved-malformed"]);
}

#[test]
fn a_class_that_training_did_not_see_is_an_error() {
    let folder = folder();
    let table = written(&folder, "flowers.csv", &flowers("a,b,c,d,species"));
    let test = written(&folder, "test.csv", "a,b,c,d,species\n1,2,3,4,setosa\n1,2,3,4,tulip\n");
    let formula = written(&folder, "softmax.tex", SOFTMAX);
    let bind = ["--bind", "x=standardise(a..d)", "--bind", "t=onehot(species)", "--bind", "lambda=0.01"];
    let command = [&["fit", &formula, "--data", &table, "--test", &test][..], &bind].concat();
    refused(&command, &["label-unknown", "line 3", "column species", "tulip", "setosa, versicolor, virginica"]);
    let test = written(&folder, "test.csv", "a,b,c,d,species\n1,2,3,4,setosa\n");
    let text = printed(&[&["fit", &formula, "--data", &table, "--test", &test][..], &bind].concat());
    assert!(text.contains("150 rows to train") && text.contains("1 rows held out"), "{text}");
}

#[test]
fn another_fit_may_be_the_start() {
    let folder = folder();
    let model = place(&folder, "model.safetensors");
    let command = ["fit", "book/logistic-regression.md", "--data", "data/breast-cancer.csv"];
    printed(&[&command[..], &["--save", &model]].concat());
    let text = printed(&[&command[..], &["--init", &model]].concat());
    assert!(text.contains("iterations          0 (1 evaluations)") && text.contains("w = the file given"), "{text}");
    let text = printed(&[&command[..], &["--init", "w = normal(0.3)", "--init", "b = 2"]].concat());
    assert!(text.contains("w = normal(0.3000), b = 2") && text.contains("0.1064452520"), "{text}");
    refused(&[&command[..], &["--init", "v = 1"]].concat(), &["start-unknown", "w, b"]);
    refused(&[&command[..], &["--init", "w = often"]].concat(), &["start-syntax"]);
    let other = ["fit", "book/poisson-regression.md", "--data", "data/doctor-visits.csv", "--init", &model];
    refused(&other, &["model-other", "[30]", "[9]"]);
}

#[test]
fn every_solver_finds_the_optimum() {
    let command = ["fit", "book/logistic-regression.md", "--data", "data/breast-cancer.csv"];
    let loss = |more: &[&str]| {
        let output = kobai(&[&command[..], more, &["--json"]].concat());
        let last = out(&output).lines().last().map(str::to_owned).expect("a result");
        serde_json::from_str::<Value>(&last).expect("JSON")["loss"].as_f64().expect("a loss")
    };
    let best = 0.106_445_252_031;
    assert!((loss(&["--solver", "newton-cg"]) - best).abs() < 1e-11);
    for solver in ["adamw", "sgd"] {
        let near = loss(&["--solver", solver, "--learning-rate", "0.02", "--epochs", "200", "--batch", "65"]);
        assert!((near - best).abs() < 2e-3, "{solver}: {near}");
    }
    let text = printed(&[&command[..], &["--solver", "adamw", "--epochs", "1"]].concat());
    assert!(text.contains("batches of 256 rows drawn at random, 1 epochs"), "{text}");
    let text = printed(&[&command[..], &["--decrease", "1e-3"]].concat());
    assert!(text.contains("converged: the loss hardly changes any more"), "{text}");
    let few = ["fit", "book/matrix-factorisation.md", "--data", "data/fertility.csv", "--time", "0.05"];
    assert_eq!(kobai(&few).status.code(), Some(1), "no end that was asked for");
    printed(&[&command[..], &["--iterations", "3"]].concat());
    printed(&[&command[..], &["--bind", r"\lambda = 0.5"]].concat());
    let output = kobai(&[&command[..], &["--time", "0"]].concat());
    assert_eq!(output.status.code(), Some(1));
    assert!(out(&output).contains("stopped at the time limit"), "{}", out(&output));
}

#[test]
fn what_the_text_states_of_parameters_is_kept() {
    let folder = folder();
    let table = written(
        &folder,
        "counts.csv",
        "a,b,c,y\n1,0,1,2.1\n0,1,1,-0.9\n1,1,0,0.8\n2,1,0,3.2\n0,2,1,-2.1\n1,3,2,-1.2\n",
    );
    let fit = |formula: &str| {
        let source = written(&folder, "model.tex", formula);
        let model = place(&folder, "model.safetensors");
        let text = printed(&[
            "fit", &source, "--data", &table, "--split", "0", "--bind", "x=a..c", "--bind", "y=y", "--save", &model,
        ]);
        let saved = kobai_fit::saved::load(&model).expect("a model");
        (text, saved.arrays.into_iter().find(|(name, _)| name == "w").expect("w").1.data)
    };
    let squares = r"\min_{w} \sum_i (\sum_d x_{id} w_d - y_i)^2";
    let (_, free) = fit(squares);
    assert!(free[1] < -0.5, "{free:?}");
    let (text, bounded) = fit(&format!(r"w_d \ge 0, \quad {squares}"));
    assert!(text.contains("w ≥ 0 is kept by projection"), "{text}");
    assert!(bounded.iter().all(|&w| w >= 0.0) && bounded[1] == 0.0, "{bounded:?}");
    let (text, positive) = fit(&format!(r"w_d > 0, \quad {squares} - 0.1 \sum_d \log w_d"));
    assert!(text.contains("w = exp(u)"), "{text}");
    assert!(positive.iter().all(|&w| w > 0.0), "{positive:?}");
    let (text, shares) = fit(&format!(r"w_d \ge 0, \quad \sum_d w_d = 1, \quad {squares} - 0.1 \sum_d \log w_d"));
    assert!(text.contains("w = softmax(u)") && (shares.iter().sum::<f64>() - 1.0).abs() < 1e-14, "{shares:?}");
    let (text, sparse) = fit(&format!(r"{squares} + 4 \sum_d |w_d|"));
    assert!(text.contains("4 Σ |w| is minimised by proximal steps"), "{text}");
    assert!(sparse.contains(&0.0) && sparse.iter().any(|&w| w != 0.0), "{sparse:?}");
}

/// Whoever reads events sees each iteration, and the result last.
#[test]
fn events_are_an_object_a_line() {
    let text = printed(&["fit", "book/poisson-regression.md", "--data", "data/doctor-visits.csv", "--json"]);
    let events: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let (last, iterations) = events.split_last().expect("events");
    assert_eq!(last["event"], "result");
    for (number, event) in iterations.iter().enumerate() {
        assert_eq!((event["event"].as_str(), event["iteration"].as_u64()), (Some("iteration"), Some(number as u64)));
    }
    assert_eq!(iterations.len() as u64, last["iterations"].as_u64().expect("a count") + 1);
    assert!(last["held_out"]["r_squared"].as_f64().expect("R²") > 0.05);
    // The loss of held-out rows is followed, and is at the end what the result says.
    let held_out: Vec<f64> = iterations.iter().filter_map(|event| event["held_out_loss"].as_f64()).collect();
    assert_eq!((held_out.len(), held_out.last().copied()), (iterations.len(), last["held_out_loss"].as_f64()));
    assert!(held_out[0] > held_out[held_out.len() - 1]);
}

/// What a run that was stopped knew of held-out rows, the one that goes on knows too.
#[test]
fn the_loss_of_held_out_rows_is_followed_across_a_stop() {
    let folder = folder();
    let [whole, parted, checkpoint] = ["whole.svg", "parted.svg", "kept"].map(|name| place(&folder, name));
    let fit = |iterations: &str, plot: &str, more: &[&str]| {
        printed(&[&NETWORK[..], &["--iterations", iterations, "--plot", plot], more].concat());
    };
    fit("8", &whole, &[]);
    fit("3", &parted, &["--checkpoint", &checkpoint]);
    fit("8", &parted, &["--checkpoint", &checkpoint, "--resume"]);
    let [whole, parted] = [whole, parted].map(|path| fs::read_to_string(path).expect("a picture"));
    assert!(whole.contains("held out") && whole == parted);
    fit("3", &place(&folder, "alone.svg"), &["--split", "0"]);
    assert!(!fs::read_to_string(place(&folder, "alone.svg")).expect("a picture").contains("held out"));
}

#[test]
fn pictures_are_drawn_beside_each_other() {
    let folder = folder();
    let curve = place(&folder, "loss.svg");
    let text = printed(&["fit", "book/logistic-regression.md", "--data", "data/breast-cancer.csv", "--plot", &curve]);
    let confusion: PathBuf = folder.path().join("loss-confusion.svg");
    assert!(text.contains(&confusion.display().to_string()), "{text}");
    assert!(fs::read_to_string(confusion).expect("a picture").contains("predicted class"));
}
