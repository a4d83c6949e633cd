//! What a run keeps of its way, for pages and summaries: what was measured when, and where the time went.

use serde::{Deserialize, Serialize};

use super::Measures;

/// All stages that were begun, in order.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct History {
    /// One a stage.
    pub stages: Vec<StageHistory>,
}

/// How one stage went.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct StageHistory {
    /// Its place in the configuration's `stages`, from 0.
    pub stage: u64,
    /// What was measured, in order.
    pub records: Vec<Record>,
}

/// What was measured at one moment: a line of metrics.jsonl.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The moment, in the stage's own unit: epochs, images, steps.
    pub at: f64,
    /// Names and values.
    pub measures: Vec<(String, f64)>,
}

impl History {
    /// What is known of stage `stage` of the configuration, from 0.
    #[must_use]
    pub fn of(&self, stage: usize) -> Option<&StageHistory> {
        self.stages.iter().find(|history| history.stage == stage as u64)
    }

    pub(super) fn add(&mut self, stage: usize, at: f64, measures: &Measures) {
        let stage = stage as u64;
        let place = self.stages.iter().position(|history| history.stage == stage).unwrap_or_else(|| {
            self.stages.push(StageHistory { stage, records: Vec::new() });
            self.stages.len() - 1
        });
        let measures = measures.iter().map(|(name, value)| (name.to_owned(), value)).collect();
        self.stages[place].records.push(Record { at, measures });
    }
}

impl StageHistory {
    /// The curve of the measure called `name`: (moment, value).
    #[must_use]
    pub fn curve(&self, name: &str) -> Vec<(f64, f64)> {
        let value = |record: &Record| record.measures.iter().find(|m| m.0 == name).map(|m| (record.at, m.1));
        self.records.iter().filter_map(value).collect()
    }
}

/// Where the time went: wall time of the parts of a run, over all its processes.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Timings {
    /// In the order in which they first took any.
    pub parts: Vec<Timing>,
}

/// One part of a run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Timing {
    /// What was done: `"Self-supervised"`.
    pub name: String,
    /// Wall time, seconds.
    pub seconds: f64,
    /// Units worked through, if the part has any.
    pub units: Option<u64>,
}

impl Timings {
    /// Adds wall time (and units of work) to the part called `name`.
    pub(crate) fn add(&mut self, name: &str, seconds: f64, units: Option<u64>) {
        if let Some(part) = self.parts.iter_mut().find(|part| part.name == name) {
            part.seconds += seconds;
            part.units = part.units.zip(units).map(|(a, b)| a.saturating_add(b));
        } else {
            self.parts.push(Timing { name: name.to_owned(), seconds, units });
        }
    }

    /// Wall time of the part called `name`.
    #[must_use]
    pub fn seconds(&self, name: &str) -> f64 {
        self.parts.iter().find(|part| part.name == name).map_or(0.0, |part| part.seconds)
    }

    /// Wall time of all parts.
    #[must_use]
    pub fn total(&self) -> f64 {
        self.parts.iter().map(|part| part.seconds).sum()
    }

    /// Units a second of the part called `name`.
    #[must_use]
    pub fn throughput(&self, name: &str) -> Option<f64> {
        let part = self.parts.iter().find(|part| part.name == name)?;
        part.units.filter(|_| part.seconds > 0.0).map(|n| n as f64 / part.seconds)
    }

    /// Seconds by key (`self_supervised`), and `total`.
    #[must_use]
    pub fn by_key(&self) -> std::collections::BTreeMap<String, f64> {
        let key = |name: &str| name.to_lowercase().replace([' ', '-'], "_");
        let parts = self.parts.iter().map(|part| (key(&part.name), part.seconds));
        parts.chain([("total".to_owned(), self.total())]).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn curves_are_found_by_name() {
        let mut history = History::default();
        history.add(1, 0.5, &Measures::of("loss", 2.0).and("rate", 0.1));
        history.add(1, 1.0, &Measures::of("accuracy", 0.9));
        history.add(1, 1.5, &Measures::of("loss", 1.0));
        let stage = history.of(1).unwrap();
        assert_eq!(stage.curve("loss"), [(0.5, 2.0), (1.5, 1.0)]);
        assert_eq!(stage.curve("accuracy"), [(1.0, 0.9)]);
        assert!(history.of(0).is_none() && stage.curve("other").is_empty());
    }

    #[test]
    fn parts_add_up() {
        let mut timings = Timings::default();
        timings.add("Self-supervised", 1.5, Some(100));
        timings.add("Read-out", 1.0, None);
        timings.add("Self-supervised", 0.5, Some(60));
        assert_eq!(timings.throughput("Self-supervised"), Some(80.0));
        assert_eq!((timings.throughput("Read-out"), timings.seconds("other")), (None, 0.0));
        let keys = timings.by_key();
        assert_eq!((keys["self_supervised"], keys["read_out"], keys["total"]), (2.0, 1.0, 3.0));
    }
}
