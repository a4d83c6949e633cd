//! Runs that end on the same bits whatever happens to them: other numbers of threads, kills, Ctrl-C, torn checkpoints,
//! disks that are full.

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;
use std::thread::sleep;
use std::time::Duration;

use serde_json::Value;

use crate::place::{Place, TINY, fails, json};

const START: &str = "mnist --config tiny.yaml --out run --json";
const RESUME: &str = "mnist --resume run --json";

/// A run that nothing happened to: its summary, metrics.jsonl and the bytes of its largest checkpoint.
struct Whole {
    summary: Value,
    metrics: String,
    checkpoint: u64,
}

static WHOLE: LazyLock<Whole> = LazyLock::new(|| {
    let place = Place::with_images();
    let summary = json(&mut place.command(&format!("{START} --threads 1"))).0;
    let sizes = place.names("run/checkpoints").into_iter().map(|name| size(&place, &format!("run/checkpoints/{name}")));
    Whole { summary, metrics: metrics(&place), checkpoint: sizes.max().unwrap() }
});

fn size(place: &Place, name: &str) -> u64 {
    fs::metadata(place.path(name)).unwrap().len()
}

fn metrics(place: &Place) -> String {
    fs::read_to_string(place.path("run/metrics.jsonl")).unwrap_or_default()
}

fn checkpoints(place: &Place) -> Vec<PathBuf> {
    let whole = |name: &String| name.starts_with("checkpoint-");
    let names = place.names("run/checkpoints").into_iter().filter(whole);
    names.map(|name| place.path("run/checkpoints").join(name)).collect()
}

/// What must not depend on anything but configuration and images.
fn assert_same(place: &Place, summary: &Value) {
    for key in ["seed", "test_accuracy", "ssl", "weights_sha256"] {
        assert_eq!(summary[key], WHOLE.summary[key], "{key}");
    }
    assert_eq!(metrics(place), WHOLE.metrics);
    let stray = |name: &String| name.starts_with(".writing");
    assert!(!place.names("run").iter().any(stray) && !place.names("run/checkpoints").iter().any(stray));
}

/// Starts the command, and waits until `moment` has come.
fn until(place: &Place, line: &str, moment: impl Fn(&Place) -> bool) -> Child {
    let mut child = place.command(line).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    while !moment(place) {
        if child.try_wait().unwrap().is_some() {
            panic!("the run ended before the moment had come: {:?}", child.wait_with_output().unwrap());
        }
        sleep(Duration::from_millis(1));
    }
    child
}

#[test]
fn every_documented_key_is_there() {
    let place = Place::with_images();
    let (summary, stderr) = json(&mut place.command(&format!("{START} --threads 2 --oversubscribe")));
    assert_same(&place, &summary);
    assert_eq!((&summary["seed"], &summary["threads"]), (&5.into(), &2.into()));
    assert_eq!(WHOLE.summary["threads"], 1);
    for (group, keys) in [
        ("test_accuracy", &["cortex", "memory", "mixed"][..]),
        ("ssl", &["knn_accuracy", "linear_probe_accuracy", "reconstruction_mse"]),
    ] {
        for key in keys {
            assert!(summary[group][key].as_f64().is_some_and(|x| (0.0..=1.0).contains(&x)), "{group}.{key}: {summary}");
        }
    }
    for (group, keys) in [("images_per_second", &["ssl", "sup", "infer"][..]), ("seconds", &["total"])] {
        for key in keys {
            assert!(summary[group][key].as_f64().is_some_and(|x| x > 0.0), "{group}.{key}: {summary}");
        }
    }
    assert!(summary["dataset"]["text"].as_str().unwrap().contains("from images"), "{summary}");
    assert_eq!(summary["weights_sha256"].as_str().unwrap().len(), 64);
    assert!(place.path(summary["report"].as_str().unwrap()).is_file());
    let kept: Value = serde_json::from_slice(&fs::read(place.path("run/summary.json")).unwrap()).unwrap();
    assert_eq!(kept, summary);
    assert!(stderr.contains("data: ") && stderr.contains("folder: run"), "{stderr}");
    // The folder is taken now.
    place.refuses(START, &["`run` is not empty", "--resume"]);
}

#[test]
fn killed_at_three_moments_and_resumed() {
    let place = Place::with_images();
    place.write("tiny.yaml", format!("{TINY}checkpoint: {{every: 0 s}}\n"));
    // Before the first checkpoint; in the middle of the second stage; towards its end.
    let moments: [fn(&Place) -> bool; 3] = [
        |place| metrics(place).lines().count() > 2,
        |place| metrics(place).lines().filter(|line| line.contains("\"Supervised\"")).count() > 40,
        |place| metrics(place).lines().filter(|line| line.contains("\"Supervised\"")).count() > 80,
    ];
    for (number, moment) in moments.into_iter().enumerate() {
        let line = if number == 0 { format!("{START} --threads 2") } else { format!("{RESUME} --threads 2") };
        let mut child = until(&place, &line, moment);
        if number == 1 {
            // Nobody else may go on with it, nor start there, while it runs.
            fails(&mut place.command(RESUME), &["another process is writing to `run`", "wait for it to end"]);
            fails(&mut place.command(START), &["`run` is not empty"]);
        }
        child.kill().unwrap();
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.signal(), Some(9), "{output:?}");
        assert!(output.stdout.is_empty());
        assert!(!place.path("run/summary.json").exists());
        // As if it had been in the middle of a checkpoint.
        place.write("run/checkpoints/.writing-x", "half");
    }
    // Other images are no way to go on, nor are none.
    nl_data::save_idx_dir(&nl_data::synthetic::digits(300, 60, 4), place.path("other")).unwrap();
    let before = metrics(&place);
    fails(&mut place.command("mnist --resume run --data other"), &["the run was started on", "the same --data"]);
    fails(&mut place.command("mnist --resume run --data nowhere"), &["nowhere: no such folder"]);
    assert_eq!(metrics(&place), before);

    let (summary, stderr) = json(&mut place.command(&format!("{RESUME} --threads 1")));
    assert!(stderr.contains("of them done before"), "{stderr}");
    assert_same(&place, &summary);
}

/// Ctrl-C, and what a system that shuts down or a batch queue sends.
#[test]
fn ctrl_c_and_a_request_to_end_leave_a_checkpoint() {
    for signal in ["-INT", "-TERM"] {
        let place = Place::with_images();
        let child = until(&place, START, |place| metrics(place).lines().count() > 16);
        let killed = Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap();
        assert!(killed.success());
        let output = child.wait_with_output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(130), "{signal}: {stderr}");
        let said = "stopped as asked, with a checkpoint; this goes on:\n  cargo xtask mnist --resume run --json\n";
        assert!(stderr.ends_with(said) && !stderr.contains("error"), "{signal}: {stderr}");
        assert!(output.stdout.is_empty());
        assert!(!checkpoints(&place).is_empty());

        let summary = json(&mut place.command(RESUME)).0;
        assert_same(&place, &summary);
    }
}

/// Lines that are lost are no reason to lose the run.
#[test]
fn metrics_that_were_deleted_are_missed_and_nothing_else() {
    let place = Place::with_images();
    json(&mut place.command(START));
    place.write("run/metrics.jsonl", "");
    let (summary, stderr) = json(&mut place.command(RESUME));
    assert_eq!(summary["weights_sha256"], WHOLE.summary["weights_sha256"]);
    assert!(stderr.contains("warning: metrics.jsonl has lost its last lines"), "{stderr}");
}

#[test]
fn torn_checkpoints_are_passed_over_or_refused() {
    let place = Place::with_images();
    json(&mut place.command(START));
    let [earlier, newest] = checkpoints(&place).try_into().unwrap();
    let good = fs::read(&newest).unwrap();
    let mut flipped = good.clone();
    flipped[good.len() / 2] ^= 1;
    fs::write(&newest, &flipped).unwrap();
    let (summary, stderr) = json(&mut place.command(RESUME));
    assert!(stderr.contains("warning: checkpoint `run/checkpoints/"), "{stderr}");
    assert!(stderr.contains("was changed after it was written"), "{stderr}");
    assert_same(&place, &summary);
    assert!(fs::read(&newest).unwrap() != flipped, "what was torn is replaced on the way");

    // None is left: nothing is guessed, and nothing touched.
    fs::write(&newest, &good[..good.len() - 1]).unwrap();
    fs::write(&earlier, "PK\x03\x04").unwrap();
    let words = ["no usable checkpoint in `run/checkpoints`", "is torn", "is not a NeuraLearn checkpoint", "a new run"];
    place.refuses(RESUME, &words);
    place.write("run/config.yaml", "name: [");
    place.refuses(RESUME, &["run/config.yaml:1"]);
}

/// A limit on the size of files is met as a full disk is: a write that fails half-way. `blocks` of 512 bytes.
fn limited(place: &Place, blocks: u64, line: &str) -> Command {
    let mut command = place.shell("sh");
    let script = "trap '' XFSZ; ulimit -f \"$0\"; exec \"$@\"";
    command.args(["-c", script, &blocks.to_string(), env!("CARGO_BIN_EXE_xtask")]).args(line.split(' '));
    command
}

#[test]
fn a_disk_that_is_full() {
    let place = Place::with_images();
    // Not even the configuration fits.
    place.refuses_command(&mut limited(&place, 0, START), &["cannot write `run/config.yaml`", "too large"]);
    // The first checkpoint does not.
    let blocks = WHOLE.checkpoint / 512 / 2;
    fails(&mut limited(&place, blocks, START), &["cannot write `run/checkpoints/checkpoint-", "too large"]);
    assert_eq!(place.names("run"), [".lock", "checkpoints", "config.yaml", "metrics.jsonl"]);
    assert!(place.names("run/checkpoints").is_empty());
    // With room again, the run ends as if nothing had been.
    let summary = json(&mut place.command(RESUME)).0;
    assert_same(&place, &summary);

    // Everything fits but the report.
    let blocks = size(&place, "run/report.html") / 512;
    for name in ["report.html", "summary.json", "weights.safetensors"] {
        fs::remove_file(place.path("run").join(name)).unwrap();
    }
    fails(&mut limited(&place, blocks, RESUME), &["cannot write `run/report.html`", "too large"]);
    let left = place.names("run");
    assert_eq!(
        left,
        [".lock", "checkpoints", "config.yaml", "hippocampus.nlm", "metrics.jsonl", "weights.safetensors"]
    );
    let summary = json(&mut place.command(RESUME)).0;
    assert_same(&place, &summary);
}

/// Results that cannot be printed are an error, and still in the folder.
#[cfg(target_os = "linux")]
#[test]
fn a_stdout_that_takes_nothing() {
    let place = Place::with_images();
    json(&mut place.command(START));
    fs::remove_file(place.path("run/summary.json")).unwrap();
    let full = || fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let output = place.command(RESUME).stdout(full()).stderr(Stdio::piped()).spawn().unwrap();
    let output = output.wait_with_output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(stderr.contains("error: cannot write to stdout: No space left"), "{stderr}");
    assert!(place.path("run/summary.json").is_file());
    // Messages that cannot be printed are no reason to fail.
    let output = place.command(RESUME).stderr(full()).output().unwrap();
    assert!(output.status.success() && !output.stdout.is_empty());
}
