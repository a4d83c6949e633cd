//! What is seen on a terminal: any width, terminals that cannot redraw a line, no colours, Ctrl-C.

use std::fs::{self, File, OpenOptions};
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;
use std::process::{Command, Stdio};
use std::thread::{self, JoinHandle, sleep};
use std::time::Duration;

use rustix::fs::OFlags;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

use crate::place::Place;
use crate::shown::shown;

/// Gives `command` a terminal of `columns` for stderr; what is written to it comes when the last writer is gone.
fn on_terminal(command: &mut Command, columns: u16) -> JoinHandle<String> {
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&master).unwrap();
    unlockpt(&master).unwrap();
    tcsetwinsize(&master, Winsize { ws_row: 50, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 }).unwrap();
    let name = ptsname(&master, Vec::new()).unwrap();
    let flags = i32::try_from(OFlags::NOCTTY.bits()).unwrap();
    let slave = OpenOptions::new().read(true).write(true).custom_flags(flags).open(name.to_str().unwrap()).unwrap();
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(slave);
    thread::spawn(move || {
        let (mut master, mut bytes, mut some) = (File::from(master), Vec::new(), [0; 4096]);
        // Linux says EIO, others the end of the file, once nobody has the terminal open.
        while let Ok(n) = master.read(&mut some) {
            if n == 0 {
                break;
            }
            bytes.extend_from_slice(&some[..n]);
        }
        String::from_utf8(bytes).unwrap()
    })
}

/// Exit code, stdout and the bytes that went to a terminal of `columns`.
fn run(mut command: Command, columns: u16) -> (i32, String, String) {
    let terminal = on_terminal(&mut command, columns);
    let child = command.spawn().unwrap();
    // The terminal stays open for as long as anybody has it, the command's description included.
    drop(command);
    let output = child.wait_with_output().unwrap();
    (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap(), terminal.join().unwrap())
}

fn training(place: &Place, term: Option<&str>, out: &str) -> Command {
    let mut command = place.command(&format!("mnist --config tiny.yaml --out {out}"));
    command.env("LC_ALL", "C.UTF-8").env_remove("TERM");
    command.envs(term.map(|term| ("TERM", term)));
    command
}

const STAGES: [&str; 4] = ["Self-supervised", "Supervised", "Basal ganglia", "Evaluation"];

#[test]
fn every_width_shows_every_message_and_nothing_else() {
    let place = Place::with_images();
    for columns in [40, 80, 200] {
        let out = format!("run-{columns}");
        let (code, stdout, bytes) = run(training(&place, Some("xterm"), &out), columns);
        assert_eq!(code, 0, "{bytes}");
        assert!(bytes.contains(" left") && (bytes.contains('╌') || columns < 80), "{bytes}");
        let rows = shown(&bytes, columns.into());
        for beginning in ["mnist: learns", "data: ", &format!("folder: {out}")] {
            assert!(rows.iter().any(|row| row.starts_with(beginning)), "{beginning}: {rows:#?}");
        }
        for stage in STAGES {
            let done = rows.iter().filter(|row| row.starts_with(&format!("{stage}: done in"))).count();
            assert_eq!(done, 1, "{stage}: {rows:#?}");
        }
        // Nothing is left of a status line.
        let status = |row: &String| ['━', '╌', '…'].iter().any(|&c| row.contains(c)) || row.contains(" left");
        assert!(!rows.iter().any(status), "{rows:#?}");
        assert!(stdout.lines().all(|line| line.chars().count() <= 80 || line.starts_with("  report")), "{stdout}");
    }
}

#[test]
fn a_terminal_that_cannot_redraw_gets_plain_lines() {
    let place = Place::with_images();
    for (term, out) in [(Some("dumb"), "a"), (None, "b"), (Some(""), "c")] {
        let (code, _, bytes) = run(training(&place, term, out), 80);
        assert_eq!(code, 0, "{bytes}");
        assert!(!bytes.contains('\x1b'), "{bytes}");
        for stage in STAGES {
            assert!(bytes.contains(&format!("{stage}: done in")), "{stage}: {bytes}");
        }
        assert!(bytes.contains(&format!("folder: {out}")), "{bytes}");
    }
}

#[test]
fn colours_can_be_refused() {
    let place = Place::new();
    for (refused, coloured) in [(false, true), (true, false)] {
        let mut command = place.command("mnist --treads 2");
        command.env("TERM", "xterm").env_remove("NO_COLOR").env_remove("CLICOLOR").env_remove("CLICOLOR_FORCE");
        command.envs(refused.then_some(("NO_COLOR", "1")));
        let (code, _, bytes) = run(command, 80);
        assert_eq!(code, 2);
        assert!(bytes.contains("--threads"), "{bytes}");
        assert_eq!(bytes.contains('\x1b'), coloured, "{bytes}");
    }
}

#[test]
fn ctrl_c_is_answered_above_the_status() {
    let place = Place::with_images();
    for columns in [40, 80] {
        let out = format!("run-{columns}");
        let mut command = training(&place, Some("xterm"), &out);
        let terminal = on_terminal(&mut command, columns);
        let mut child = command.spawn().unwrap();
        drop(command);
        let metrics = || fs::read_to_string(place.path(&out).join("metrics.jsonl")).unwrap_or_default();
        while metrics().lines().count() < 16 {
            assert!(child.try_wait().unwrap().is_none(), "the run ended before it could be stopped");
            sleep(Duration::from_millis(1));
        }
        let killed = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
        assert!(killed.success());
        let output = child.wait_with_output().unwrap();
        let rows = shown(&terminal.join().unwrap(), columns.into());
        assert_eq!(output.status.code(), Some(130), "{rows:#?}");
        assert!(output.stdout.is_empty());
        let text = rows.join(" ").split_whitespace().collect::<Vec<_>>().join(" ");
        for said in [
            "stopping with a checkpoint after this step; Ctrl-C again ends at once",
            &format!("stopped as asked, with a checkpoint; this goes on: cargo xtask mnist --resume {out}"),
        ] {
            assert!(text.contains(said), "{said:?}: {rows:#?}");
        }
        assert!(!text.contains("error") && !text.contains('╌') && !text.contains(" left"), "{rows:#?}");
    }
}
