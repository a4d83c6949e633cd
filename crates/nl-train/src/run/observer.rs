//! What a long run tells while it runs. The library reports; whoever called it prints (or does not).

use std::path::PathBuf;

use super::Measures;

/// Something that happened during a run, in the order it happened.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// A stage begins: `total` units of work (`unit`: `"images"`), of which `done` were done before a resume.
    StageStarted {
        /// What is done, with a capital letter: `"Self-supervised"`, `"Hippocampus"`, `"Evaluation"` …
        stage: String,
        /// Units already done.
        done: u64,
        /// Units in all.
        total: u64,
        /// The name of a unit, in the plural.
        unit: &'static str,
    },
    /// One piece of work.
    Step {
        /// Units done in this stage, this step included.
        done: u64,
        /// Units in all.
        total: u64,
        /// What was measured: the loss of this step's batch.
        measures: Measures,
        /// Throughput since the last step, units per second.
        per_second: f64,
    },
    /// Something worth a line was measured: the end of an epoch.
    Milestone {
        /// When: `"epoch 1 of 2"`, `"after 4,000 images"`.
        place: String,
        /// What, in the order in which it should be shown.
        measures: Measures,
    },
    /// A checkpoint is safely on disk.
    CheckpointWritten {
        /// Where.
        path: PathBuf,
    },
    /// Something to know that does not stop the run.
    Warning {
        /// One sentence.
        message: String,
    },
    /// Something to know, once: the dataset in use, the folder of the run.
    Note {
        /// One sentence.
        message: String,
    },
    /// The stage begun last is over.
    StageEnded {
        /// Its name, as at its start.
        stage: String,
        /// Wall time of the stage in this process, seconds.
        seconds: f64,
    },
}

/// Whoever wants to know how a run is going: a terminal, a log, a test.
///
/// Every `FnMut(&Event)` is an observer:
/// ```
/// use nl_train::{Event, Observer};
///
/// let mut warnings = Vec::new();
/// let mut collect = |event: &Event| {
///     if let Event::Warning { message } = event {
///         warnings.push(message.clone());
///     }
/// };
/// collect.on_event(&Event::Warning { message: "no network".to_owned() });
/// assert_eq!(warnings, ["no network"]);
/// ```
pub trait Observer {
    /// Called on the training thread: return quickly.
    fn on_event(&mut self, event: &Event);

    /// Asked after each step; `true` ends the run cleanly with a checkpoint.
    fn stop_requested(&self) -> bool {
        false
    }
}

impl<F: FnMut(&Event)> Observer for F {
    fn on_event(&mut self, event: &Event) {
        self(event);
    }
}

/// Ignores every event.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Observer for Silent {
    fn on_event(&mut self, _: &Event) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closures_and_silent_are_observers() {
        let mut seen = 0;
        let mut count = |_: &Event| seen += 1;
        let observers: [&mut dyn Observer; 2] = [&mut count, &mut Silent];
        for observer in observers {
            observer.on_event(&Event::Note { message: String::new() });
            assert!(!observer.stop_requested());
        }
        assert_eq!(seen, 1);
    }
}
