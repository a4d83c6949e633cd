//! Learning that ends when what is held out is no longer learned better.

use nl_layers::Parameters;
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::run::Measures;

/// Ends a stage when a measure on what is held out has not become better for some epochs, and goes back to the weights that were
/// best.
///
/// Source: Prechelt, "Early stopping - but when?", in Neural Networks: Tricks of the Trade, 1998 (class UP, with the best weights).
///
/// ```
/// let stopping: nl_train::EarlyStopping = serde_json::from_str(r#"{"patience": 3}"#)?;
/// assert_eq!(stopping.min_delta, 0.0);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct EarlyStopping {
    /// Epochs without anything better, after which it ends; at least 1.
    #[cfg_attr(feature = "schema", schemars(range(min = 1)))]
    pub patience: u64,
    /// By how much a measure must be better to count as better, in its own unit.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(range(min = 0.0)))]
    pub min_delta: f64,
    /// What is watched.
    #[serde(default)]
    pub measure: Watched,
}

/// A measure on what is held out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Watched {
    /// `validation_loss`: less is better.
    #[default]
    ValidationLoss,
    /// `validation_accuracy`: more is better.
    ValidationAccuracy,
}

impl Watched {
    const fn name(self) -> &'static str {
        match self {
            Self::ValidationLoss => "validation_loss",
            Self::ValidationAccuracy => "validation_accuracy",
        }
    }
}

impl EarlyStopping {
    /// `Ok` if every value can be used.
    ///
    /// # Errors
    /// The first that cannot, and its range.
    pub fn check(&self) -> Result<(), Error> {
        let Self { patience, min_delta, .. } = *self;
        if patience == 0 {
            return Err(Error::config("patience is 0, but must be at least 1 epoch"));
        }
        if !(min_delta >= 0.0 && min_delta.is_finite()) {
            return Err(Error::config(format!("min_delta is {min_delta}, but must be 0 or above, and finite")));
        }
        Ok(())
    }
}

/// The best so far.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Best {
    epoch: u64,
    value: f64,
    weights: Vec<f32>,
}

/// Stopping under way.
pub(super) struct Watch {
    config: EarlyStopping,
    pub(super) best: Option<Best>,
    over: bool,
}

impl Watch {
    pub(super) const fn new(config: EarlyStopping) -> Self {
        Self { config, best: None, over: false }
    }

    /// Whether nothing has become better for long enough.
    pub(super) const fn is_over(&self) -> bool {
        self.over
    }

    /// After epoch `epoch` (from 1), with the weights that were measured.
    ///
    /// # Errors
    /// [`Error::Config`] if what is watched was not measured.
    pub(super) fn look(&mut self, epoch: u64, measures: &Measures, weights: &Parameters<f32>) -> Result<(), Error> {
        let EarlyStopping { patience, min_delta, measure } = self.config;
        let Some(value) = measures.get(measure.name()).filter(|value| value.is_finite()) else {
            return Err(Error::config(format!(
                "early_stopping watches {}, which this stage does not measure; watch another measure, and hold images out \
                 (data.validation)",
                measure.name()
            )));
        };
        let better = |best: &Best| match measure {
            Watched::ValidationLoss => value < best.value - min_delta,
            Watched::ValidationAccuracy => value > best.value + min_delta,
        };
        match &mut self.best {
            Some(best) if !better(best) => self.over = epoch.saturating_sub(best.epoch) >= patience,
            best => *best = Some(Best { epoch, value, weights: weights.values().to_vec() }),
        }
        Ok(())
    }

    /// The best weights.
    pub(super) fn weights(&self) -> Option<&[f32]> {
        self.best.as_ref().map(|best| &best.weights[..])
    }

    /// Takes the best of a checkpoint of a stage at `epoch`, of so many weights; false if it cannot be one.
    pub(super) fn restore(&mut self, best: Option<Best>, epoch: u64, len: usize) -> bool {
        let fits = best.as_ref().is_none_or(|best| {
            best.weights.len() == len
                && best.weights.iter().all(|w| w.is_finite())
                && best.value.is_finite()
                && (1..=epoch).contains(&best.epoch)
        });
        if fits {
            self.best = best;
        }
        fits
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nl_layers::{Entry, Role};

    fn weights(value: f32) -> Parameters<f32> {
        let entry = Entry { path: "w".into(), shape: vec![1], offset: 0, role: Role::Weight };
        Parameters::new(vec![value], vec![entry]).unwrap()
    }

    /// When it ends, and with the weights of which epoch.
    fn ends(config: EarlyStopping, name: &'static str, values: &[f64]) -> (Option<u64>, f32) {
        let mut watch = Watch::new(config);
        for (epoch, &value) in (1..).zip(values) {
            watch.look(epoch, &Measures::of(name, value), &weights(epoch as f32)).unwrap();
            if watch.is_over() {
                return (Some(epoch), watch.weights().unwrap()[0]);
            }
        }
        (None, watch.weights().unwrap()[0])
    }

    #[test]
    fn it_ends_after_so_many_epochs_without_anything_better() {
        let loss = EarlyStopping { patience: 2, min_delta: 0.0, measure: Watched::ValidationLoss };
        assert_eq!(ends(loss, "validation_loss", &[3.0, 2.0, 2.5, 2.0, 1.0]), (Some(4), 2.0));
        assert_eq!(ends(loss, "validation_loss", &[3.0, 2.0, 2.5, 1.9, 2.0]), (None, 4.0));
        let delta = EarlyStopping { min_delta: 0.5, ..loss };
        assert_eq!(ends(delta, "validation_loss", &[3.0, 2.6, 2.55, 1.0]), (Some(3), 1.0));
        let accuracy = EarlyStopping { patience: 1, measure: Watched::ValidationAccuracy, ..loss };
        assert_eq!(ends(accuracy, "validation_accuracy", &[0.5, 0.6, 0.6]), (Some(3), 2.0));
        // Not every epoch is looked at: patience counts epochs.
        let mut watch = Watch::new(EarlyStopping { patience: 5, ..loss });
        for (epoch, over) in [(4, false), (8, false), (9, true)] {
            watch.look(epoch, &Measures::of("validation_loss", 1.0), &weights(0.0)).unwrap();
            assert_eq!(watch.is_over(), over, "epoch {epoch}");
        }
    }

    #[test]
    fn what_cannot_be_watched_is_refused() {
        let config = EarlyStopping { patience: 1, min_delta: 0.0, measure: Watched::ValidationLoss };
        for measures in [Measures::none(), Measures::of("validation_loss", f64::NAN)] {
            let said = Watch::new(config).look(1, &measures, &weights(0.0)).unwrap_err().to_string();
            assert!(said.contains("watches validation_loss, which this stage does not measure"), "{said}");
        }
        assert!(EarlyStopping { patience: 0, ..config }.check().is_err());
        assert!(
            [-1.0, f64::NAN, f64::INFINITY]
                .iter()
                .all(|&min_delta| EarlyStopping { min_delta, ..config }.check().is_err())
        );
        let best = |epoch, value, weights| Some(Best { epoch, value, weights });
        let mut watch = Watch::new(config);
        assert!(watch.restore(best(2, 0.5, vec![1.0]), 3, 1) && watch.restore(None, 0, 1));
        for crooked in [
            best(0, 0.5, vec![1.0]),
            best(4, 0.5, vec![1.0]),
            best(2, f64::NAN, vec![1.0]),
            best(2, 0.5, vec![]),
            best(2, 0.5, vec![f32::NAN]),
        ] {
            assert!(!watch.restore(crooked, 3, 1));
        }
    }
}
