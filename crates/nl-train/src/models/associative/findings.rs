//! What the networks showed: means over networks, beside theory.

use std::collections::BTreeMap;

use nl_memory::hopfield::theory;
use serde_json::json;

use super::config::AssociativeStage;
use super::retrieve::{Digit, Trial, overlap};
use super::{AssociativeModel, sections};
use crate::Error;
use crate::run::{Findings, Progress, Setting};

/// A mean over networks, and its standard error; none of one network.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Mean {
    pub(super) value: f64,
    pub(super) error: Option<f64>,
}

impl Mean {
    fn of(values: &[f64]) -> Self {
        let n = values.len() as f64;
        let value = values.iter().sum::<f64>() / n;
        let square: f64 = values.iter().map(|x| (x - value).powi(2)).sum();
        Self { value, error: (values.len() > 1).then(|| (square / (n - 1.0) / n).sqrt()) }
    }
}

/// All networks of one load.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Row {
    pub(super) load: f64,
    pub(super) patterns: u32,
    pub(super) networks: usize,
    pub(super) cue: Mean,
    pub(super) first_errors: Mean,
    pub(super) overlap: Mean,
    pub(super) stable: Mean,
}

/// A row a load, in the order in which they were tried.
pub(super) fn rows(trials: &[Trial], stage: usize) -> Vec<Row> {
    let mut loads: Vec<(u32, Vec<Trial>)> = Vec::new();
    for trial in trials.iter().filter(|trial| trial.stage as usize == stage) {
        match loads.iter_mut().find(|it| it.0 == trial.patterns) {
            Some(it) => it.1.push(*trial),
            None => loads.push((trial.patterns, vec![*trial])),
        }
    }
    let row = |(patterns, trials): (u32, Vec<Trial>)| {
        let mean = |of: fn(&Trial) -> f64| Mean::of(&trials.iter().map(of).collect::<Vec<_>>());
        Row {
            load: trials[0].load,
            patterns,
            networks: trials.len(),
            cue: mean(|it| it.cue),
            first_errors: mean(|it| it.first_errors),
            overlap: mean(|it| it.overlap),
            stable: mean(|it| it.stable),
        }
    };
    loads.into_iter().map(row).collect()
}

/// Mean overlaps of digits: cue, classical, modern.
pub(super) fn overlaps(digits: &[Digit]) -> [f64; 3] {
    let n = digits.len().max(1) as f64;
    let mut sums = [0.0; 3];
    for digit in digits {
        let of = [&digit.cue, &digit.classical].map(|pixels| overlap(&digit.stored, pixels));
        for (sum, m) in sums.iter_mut().zip([of[0], of[1], overlap(&digit.stored, &digit.modern)]) {
            *sum += m / n;
        }
    }
    sums
}

pub(super) fn findings(
    model: &AssociativeModel,
    setting: Setting<'_, AssociativeModel>,
    progress: &mut Progress<'_>,
) -> Result<Findings, Error> {
    let config = setting.config;
    let (mut scores, mut lines, mut all) = (BTreeMap::new(), Vec::new(), Vec::new());
    for (i, stage) in config.stages.iter().enumerate() {
        let name = format!("stage_{}", i + 1);
        for row in rows(&model.trials, i) {
            let expected = theory::overlap(row.load).filter(|_| matches!(stage, AssociativeStage::Classical(_)));
            let load = row.load;
            scores.insert(format!("{name}_load_{load}_overlap"), row.overlap.value);
            let beside = expected.map_or(String::new(), |m| format!(", theory {m:.4}"));
            let error = row.overlap.error.map_or(String::new(), |error| format!(" ± {error:.4}"));
            let said = format!("{:.4}{error} from {:.2}{beside}", row.overlap.value, row.cue.value);
            lines.push((format!("stage {}, {}: overlap at load {load}", i + 1, crate::run::Stage::kind(stage)), said));
            let quantity = |mean: Mean| json!({"mean": mean.value, "standard_error": mean.error});
            all.push(json!({
                "stage": i,
                "kind": crate::run::Stage::kind(stage),
                "load": load,
                "patterns": row.patterns,
                "networks": row.networks,
                "cue_overlap": quantity(row.cue),
                "overlap": quantity(row.overlap),
                "first_errors": quantity(row.first_errors),
                "stable": quantity(row.stable),
                "theory_overlap": expected,
                "theory_first_errors": theory::first_errors(load),
            }));
        }
        for (_, digits) in model.digits.iter().filter(|it| it.0 as usize == i) {
            let [cue, classical, modern] = overlaps(digits);
            scores.insert(format!("{name}_classical_overlap"), classical);
            scores.insert(format!("{name}_modern_overlap"), modern);
            let said = format!("classical {classical:.4}, modern {modern:.4}, from {cue:.2}");
            lines.push((format!("stage {}, digits: overlap", i + 1), said));
        }
    }
    progress.check()?;
    let mut said = sections::page(model, config, &scores);
    lines.push(("time in all".into(), format!("{:.1} s", progress.timings().total())));
    said.details.insert("loads".into(), json!(all));
    said.details.insert("units".into(), config.model.units.into());
    (said.scores, said.rows) = (scores, lines);
    said.subject = format!("Hopfield networks of {} units, seed {}", config.model.units, config.seed);
    Ok(said)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn means_have_the_error_of_a_mean() {
        let mean = Mean::of(&[1.0, 2.0, 3.0]);
        assert_eq!((mean.value, mean.error), (2.0, Some((1.0_f64 / 3.0).sqrt())));
        assert_eq!(Mean::of(&[5.0]), Mean { value: 5.0, error: None });
    }

    #[test]
    fn loads_are_rows_and_stages_apart() {
        let trial = |stage, patterns: u32, overlap| Trial {
            stage,
            load: f64::from(patterns) / 100.0,
            patterns,
            cue: 1.0,
            first_errors: 0.0,
            overlap,
            stable: 1.0,
        };
        let trials = [trial(0, 5, 1.0), trial(0, 5, 0.5), trial(0, 2, 0.25), trial(1, 5, 0.0)];
        let found = rows(&trials, 0);
        assert_eq!(found.iter().map(|row| (row.patterns, row.networks)).collect::<Vec<_>>(), [(5, 2), (2, 1)]);
        assert_eq!((found[0].overlap.value, found[1].load), (0.75, 0.02));
        assert!(rows(&trials, 7).is_empty());
    }
}
