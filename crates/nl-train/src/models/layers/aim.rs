//! What a stage learns of each sample, and what a network then answers.

use nl_data::{Samples, Targets as Given};
use nl_layers::loss::{Answer, LossKind, Spread, TargetForm};

use super::LayersModel;
use super::config::SuperviseTarget;
use super::rotation;
use crate::Error;
use crate::config::Normalization;
use crate::data::TargetKind;
use crate::models::standard::Standard;
use crate::run::Setting;

/// What is to be learned of each sample.
#[derive(Debug, Clone)]
pub(super) struct Aim {
    pub(super) form: TargetForm,
    /// A name for each class or value.
    pub(super) names: Vec<String>,
    /// Pictures are turned by up to so many degrees, and the angle is to be told.
    pub(super) degrees: Option<f32>,
    /// In which unit values are learned.
    pub(super) standard: Standard,
}

impl Aim {
    /// That of a stage with this target.
    pub(super) fn of(target: &SuperviseTarget, setting: Setting<'_, LayersModel>) -> Result<Self, Error> {
        let data = setting.dataset()?;
        let (train, learn) = (&data.split.train, &data.learn);
        let normalize = setting.config.data.as_ref().map_or(Normalization::Auto, |data| data.normalize);
        let sample = crate::data::Set::form(train);
        let known = sample.targets.names();
        if let SuperviseTarget::Rotation(turned) = target {
            if sample.picture().is_none() {
                let size = sample.size();
                return Err(Error::config(format!(
                    "target: only pictures can be turned, and these are samples of {size}"
                )));
            }
            let standard = match normalize {
                Normalization::None => Standard::default(),
                // The deviation of what is uniform in ±d.
                _ => Standard::known(0.0, f64::from(turned.degrees) / 3.0_f64.sqrt()),
            };
            let (form, names) = (TargetForm::Values(1), vec![rotation::NAME.to_owned()]);
            return Ok(Self { form, names, degrees: Some(turned.degrees), standard });
        }
        Ok(match &sample.targets {
            TargetKind::Classes { classes, .. } => {
                Self { form: TargetForm::Classes(*classes), names: known, degrees: None, standard: Standard::default() }
            }
            TargetKind::Values { width, .. } => {
                let standard = match (normalize, train.targets()) {
                    (Normalization::Auto | Normalization::Standard, Given::Values { width, values, .. })
                        if !learn.is_empty() =>
                    {
                        let row = |i: usize, to: &mut [f32]| {
                            to.copy_from_slice(&values[learn[i] as usize * width..][..*width]);
                        };
                        Standard::of(learn.len(), *width, *width, row)
                    }
                    _ => Standard::default(),
                };
                Self { form: TargetForm::Values(*width), names: known, degrees: None, standard }
            }
        })
    }

    /// Values of a sample; 0 for classes.
    pub(super) fn values(&self) -> usize {
        if let TargetForm::Values(width) = self.form { width } else { 0 }
    }

    /// Log-probabilities of the classes, `[N, classes]`: what the outputs mean by the loss they were learned with.
    pub(super) fn log_probabilities(&self, loss: &LossKind, outputs: &[f32]) -> Result<Vec<f32>, Error> {
        match loss.answer(outputs, &self.form)? {
            // The smallest positive number has a logarithm.
            Answer::Classes(p) => Ok(p.iter().map(|p| p.max(f32::MIN_POSITIVE).ln()).collect()),
            _ => Err(Error::config(format!("loss {} names no classes", loss.name()))),
        }
    }

    /// The values that outputs mean, `[N, values]`, in the unit of the data, and how sure they are.
    pub(super) fn estimates(&self, loss: &LossKind, outputs: &[f32]) -> Result<(Vec<f32>, Spread), Error> {
        let Answer::Values { mut values, mut spread } = loss.answer(outputs, &self.form)? else {
            return Err(Error::config(format!("loss {} gives no values", loss.name())));
        };
        self.standard.undo(&mut values, 1);
        match &mut spread {
            Spread::Deviations(deviations) => self.standard.undo_deviations(deviations),
            Spread::Quantiles { levels, values } => self.standard.undo(values, levels.len()),
            _ => {}
        }
        Ok((values, spread))
    }

    /// The samples with what is to be learned of them: those turned, each by an angle of its own from `stream`, if that is it.
    pub(super) fn set<'s>(
        &self,
        samples: &'s Samples,
        streams: &nl_random::Streams,
        stream: &str,
    ) -> Result<std::borrow::Cow<'s, Samples>, Error> {
        Ok(match self.degrees {
            Some(degrees) => std::borrow::Cow::Owned(rotation::turned(samples, degrees, streams, stream)?),
            None => std::borrow::Cow::Borrowed(samples),
        })
    }
}

/// The values to be learned, `[N, width]`.
pub(super) fn truth(samples: &Samples) -> Result<&[f32], Error> {
    match samples.targets() {
        Given::Values { values, .. } => Ok(values),
        Given::Classes { .. } => Err(Error::config("these samples have classes, but the network learned values")),
    }
}

/// The class of each sample.
pub(super) fn labels(samples: &Samples) -> Result<&[u32], Error> {
    samples.labels().ok_or_else(|| Error::config("these samples have values, but the network learned classes"))
}
