//! Options that contradict each other or make no sense, and places that cannot be written to.

use std::fs;

use crate::place::{Place, fails, json};

#[test]
fn unknown_commands_and_options() {
    let place = Place::new();
    place.refuses("mnits", &["'mnits'", "mnist"]);
    place.refuses("mnist --treads 2", &["'--treads'", "'--threads'"]);
    place.refuses("mnist images", &["'images'", "--help"]);
    place.refuses("mnist --preset huge", &["'huge'", "quick, full"]);
    place.refuses("mnist --seed -1", &["-1", "--help"]);
    place.refuses("mnist --seed 18446744073709551616", &["'18446744073709551616'", "--seed"]);
}

#[test]
fn numbers_of_threads_that_make_no_sense() {
    let place = Place::new();
    for (value, why) in [("0", "at least 1"), ("100000", "at most 1024"), ("two", "a number"), ("1.5", "a number")] {
        place.refuses(&format!("mnist --threads {value}"), &[&format!("'{value}'"), "--threads", why]);
        place.refuses(&format!("bench gemm --threads {value}"), &[&format!("'{value}'"), "--threads", why]);
    }
    place.refuses("bench gemm --steps 0", &["'0'", "--steps", "at least 1"]);
}

/// More threads than cores are slower by as much as one likes, and give the same bits: they have to be asked for twice.
#[test]
fn more_threads_than_cores_have_to_be_asked_for_twice() {
    let place = Place::with_images();
    let cores = std::thread::available_parallelism().unwrap().get();
    let line = format!("mnist --config tiny.yaml --json --threads {}", cores + 1);
    let (capped, stderr) = json(&mut place.command(&format!("{line} --out a")));
    assert_eq!(capped["threads"], cores);
    let words = format!("warning: --threads {}, but there are {cores} cores", cores + 1);
    assert!(stderr.contains(&words) && stderr.contains("--oversubscribe insists"), "{stderr}");
    let (insisted, stderr) = json(&mut place.command(&format!("{line} --oversubscribe --out b")));
    assert_eq!(insisted["threads"], cores + 1);
    assert!(stderr.contains("as asked for"), "{stderr}");
    assert_eq!(insisted["weights_sha256"], capped["weights_sha256"]);
    // The number that is there is nothing to speak of.
    let stderr = json(&mut place.command(&format!("mnist --config tiny.yaml --json --threads {cores} --out c"))).1;
    assert!(!stderr.contains("warning: --threads"), "{stderr}");
}

/// The command line has the last word about the images, also when it says what a preset says anyway.
#[test]
fn the_command_line_overrules_the_configuration() {
    let place = Place::with_images();
    place.write("synthetic.yaml", crate::place::TINY.replacen("source: images", "source: synthetic", 1));
    let run = |line: &str| {
        let mut command = place.command(line);
        command.env("NL_DATASETS", place.path("images"));
        json(&mut command).0["dataset"]["kind"].clone()
    };
    assert_eq!(run("mnist --config synthetic.yaml --data auto --out a --json"), "datasets");
    assert_eq!(run("mnist --config tiny.yaml --data auto --out b --json"), "datasets");
    assert_eq!(run("mnist --config tiny.yaml --out c --json"), "dir");
}

#[test]
fn a_resumed_run_has_its_settings_already() {
    let place = Place::new();
    for option in ["--preset full", "--config tiny.yaml", "--seed 1", "--out other"] {
        let name = option.split(' ').next().unwrap();
        place.refuses(&format!("mnist --resume run {option}"), &[name, "--resume", "cannot be used with"]);
    }
    place.refuses("mnist --preset full --config tiny.yaml", &["--preset", "--config", "cannot be used with"]);
}

#[test]
fn an_instruction_set_that_is_none() {
    let place = Place::new();
    for line in ["mnist --out run", "bench gemm", "fetch mnist"] {
        let words = ["NL_SIMD=nonsense", "portable, avx2 or avx512", "unset it"];
        place.refuses_command(place.command(line).env("NL_SIMD", "nonsense"), &words);
    }
}

#[test]
fn an_output_folder_that_is_in_use() {
    let place = Place::with_images();
    place.write("run/thesis.tex", "years of work");
    let line = "mnist --config tiny.yaml --out";
    place.refuses(&format!("{line} run"), &["`run` is not empty", "choose a new folder", "--resume"]);
    place.refuses(&format!("{line} images"), &["`images` is not empty"]);
}

#[test]
fn an_output_folder_that_cannot_be_made() {
    let place = Place::with_images();
    let line = "mnist --config tiny.yaml --out";
    place.refuses(&format!("{line} tiny.yaml"), &["cannot create the folder `tiny.yaml`", "a file of this name"]);
    let below = format!("{line} tiny.yaml/deep/run");
    place.refuses(&below, &["cannot create the folder `tiny.yaml/deep/run`", "is a file, not a folder"]);
    let long = "x".repeat(300);
    place.refuses(&format!("{line} new/{long}"), &["cannot create the folder `new/x", "name too long"]);
}

/// Not even root can make a folder there.
#[cfg(target_os = "linux")]
#[test]
fn an_output_folder_in_a_place_that_is_read_only() {
    let place = Place::with_images();
    let line = "mnist --config tiny.yaml --out";
    place.refuses(&format!("{line} /sys/run"), &["cannot create the folder `/sys/run`", "you may write to"]);
    assert!(!fs::exists("/sys/run").unwrap());
    // The default place, below a folder that takes nothing.
    let mut command = place.command("mnist --data synthetic");
    fails(command.current_dir("/proc"), &["cannot create the folder `experiments/mnist-quick-"]);
}

#[test]
fn resume_without_a_run() {
    let place = Place::with_images();
    place.refuses("mnist --resume nowhere", &["`nowhere` holds no run to resume", "config.yaml"]);
    place.refuses("mnist --resume images", &["`images` holds no run to resume", "config.yaml"]);
    place.write("run/config.yaml", crate::place::TINY);
    place.refuses("mnist --resume run", &["`run` holds no run to resume", "metrics.jsonl"]);
}
