//! "Repeat this run": the command on a page, taken from it and given, ends on the same hash.

use std::process::Command;

use crate::place::{Place, json};
use crate::sim::simulation;
use crate::{conv_stdp, stdp};

/// The command that stands on the page, as its reader sees it.
fn command(page: &str) -> String {
    let markup = page.split("<pre class=\"command\"><code>").nth(1).and_then(|rest| rest.split("</code>").next());
    let text = markup.expect("a command");
    [("&#x27;", "'"), ("&#x2f;", "/"), ("&quot;", "\""), ("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")]
        .into_iter()
        .fold(text.to_owned(), |text, (entity, sign)| text.replace(entity, sign))
}

/// Runs `line`, then what its page says, and compares `hash`. In a folder whose name a shell would take apart.
fn repeats(place: &Place, line: &[&str], out: &str, hash: &str) {
    let mut first = place.shell(env!("CARGO_BIN_EXE_xtask"));
    let (first, _) = json(first.args(line).args(["--out", out, "--json"]));
    let page = std::fs::read_to_string(place.path(out).join("report.html")).unwrap();
    let command = command(&page);
    assert!(command.starts_with("cargo xtask train --config "), "{command}");
    let rest = command.strip_prefix("cargo xtask ").unwrap_or_else(|| panic!("{command}"));
    let here = place.path("");
    assert!(
        !page.contains(here.to_str().unwrap().trim_end_matches('/')),
        "an absolute path stands on the page: {command}"
    );
    let again = format!("exec \"$XTASK\" {rest} --threads 1 --out 'again {}' --json", line[0]);
    let mut shell: Command = place.shell("sh");
    let (second, _) = json(shell.env("XTASK", env!("CARGO_BIN_EXE_xtask")).args(["-c", &again]));
    assert!(first[hash].is_string() && first[hash] == second[hash], "{command}: {first} against {second}");
}

#[test]
fn the_line_of_every_model_repeats_its_run() {
    let place = Place::with_images();
    std::fs::rename(place.path("images"), place.path("my images")).unwrap();
    place.write("stdp.yaml", stdp::TINY.replace("epochs: 40", "epochs: 1"));
    place.write("conv.yaml", conv_stdp::TINY);
    let data = |line: &[&'static str]| [line, &["--data", "my images", "--seed", "7"]].concat();
    repeats(&place, &data(&["mnist", "--config", "tiny.yaml"]), "my runs/it's a brain", "weights_sha256");
    repeats(&place, &data(&["stdp", "--config", "stdp.yaml"]), "my runs/stdp", "weights_sha256");
    repeats(&place, &data(&["conv-stdp", "--config", "conv.yaml"]), "my runs/conv", "weights_sha256");
    let sim = ["sim", "cuba", "--neurons", "500", "--seconds", "0.3", "--seed", "7"];
    repeats(&place, &sim, "my runs/cuba", "spikes_sha256");
}

/// What only a configuration says: the time step and what is left out.
#[test]
fn a_simulation_of_another_time_step_is_repeated_with_it() {
    let place = Place::new();
    place.write(
        "sim.yaml",
        simulation("network: {kind: brunel, neurons: 400}, dt: 0.05, traces: 1", "seconds: 0.1, skip: 0.02"),
    );
    repeats(&place, &["sim", "--config", "sim.yaml", "--seed", "3"], "out", "spikes_sha256");
}
