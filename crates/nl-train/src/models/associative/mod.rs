//! Associative memories: patterns are stored in Hopfield networks and asked for by noisy cues.

mod config;
mod findings;
mod retrieve;
mod sections;

use std::path::Path;

use nl_random::Streams;
use serde::{Deserialize, Serialize};

pub use config::{AssociativeConfig, AssociativeStage, ClassicalConfig, DigitsConfig, ModernConfig};

use self::retrieve::{Digit, Draw, PIXELS, Trial};
use crate::Error;
use crate::data::Nothing;
use crate::run::{Advance, Findings, Learner, Measures, Model, Moment, Plan, Progress, Setting, Story, Tensor};

/// What networks of several loads have shown so far.
#[derive(Default)]
pub struct AssociativeModel {
    trials: Vec<Trial>,
    /// By stage, from 0.
    digits: Vec<(u32, Vec<Digit>)>,
}

/// What a checkpoint holds.
#[derive(Serialize, Deserialize)]
pub struct AssociativeState {
    trials: Vec<Trial>,
    digits: Vec<(u32, Vec<Digit>)>,
}

impl Model for AssociativeModel {
    const KIND: &'static str = "associative";
    const ABOUT: &'static str =
        "Hopfield networks, classical against theory and modern, that complete what is stored in them";
    type Set = Nothing;
    const SCHEMA: Option<&'static str> = Some(include_str!("../../../configs/schema/associative.json"));
    type Config = AssociativeConfig;
    type Stage = AssociativeStage;
    type State = AssociativeState;

    fn build(_: Setting<'_, Self>) -> Result<Self, Error> {
        Ok(Self::default())
    }

    fn learner<'a>(&self, stage: usize, setting: Setting<'a, Self>) -> Result<Box<dyn Learner<Self> + 'a>, Error> {
        let Some(config) = setting.config.stages.get(stage) else { return Err(Error::config("no such stage")) };
        let (units, seed) = (setting.config.model.units, setting.config.seed);
        Ok(Box::new(Retrieving { stage: stage as u32, config, units, seed }))
    }

    fn state(&mut self, _: &Path) -> Result<AssociativeState, Error> {
        Ok(AssociativeState { trials: self.trials.clone(), digits: self.digits.clone() })
    }

    fn restore(&mut self, state: AssociativeState, _: &Path) -> Result<(), Error> {
        let AssociativeState { trials, digits } = state;
        let whole = |digit: &Digit| {
            let Digit { stored, cue, classical, modern, .. } = digit;
            let black_or_white = |pixels: &Vec<i8>| pixels.len() == PIXELS && pixels.iter().all(|&s| s == 1 || s == -1);
            let between = modern.len() == PIXELS && modern.iter().all(|s| (-1.001..=1.001).contains(s));
            [stored, cue, classical].into_iter().all(black_or_white) && between
        };
        if !digits.iter().flat_map(|it| &it.1).all(whole) {
            return Err(Error::config("the checkpoint's digits are none that a network of digits can hold"));
        }
        let units = |value: f64| (-1.001..=1.001).contains(&value);
        let share = |value: f64| (0.0..=1.0).contains(&value);
        let known = |it: &Trial| {
            let load = (1e-5..=4.0).contains(&it.load);
            load && units(it.cue) && units(it.overlap) && share(it.first_errors) && share(it.stable)
        };
        if !trials.iter().all(known) {
            return Err(Error::config("the checkpoint's overlaps are none that a network can have"));
        }
        (self.trials, self.digits) = (trials, digits);
        Ok(())
    }

    fn check_finite(&mut self, place: &str) -> Result<(), Error> {
        for trial in &self.trials {
            let Trial { load, cue, first_errors, overlap, stable, .. } = *trial;
            if let Some(value) = [load, cue, first_errors, overlap, stable].into_iter().find(|value| !value.is_finite())
            {
                return Err(Error::NotFinite { what: "an overlap".into(), value, place: place.to_owned() });
            }
        }
        Ok(())
    }

    fn tensors(&self) -> Vec<Tensor> {
        Vec::new()
    }

    fn findings(
        &mut self,
        setting: Setting<'_, Self>,
        _: Story<'_>,
        progress: &mut Progress<'_>,
    ) -> Result<Findings, Error> {
        findings::findings(self, setting, progress)
    }
}

/// A stage: one network after the other.
struct Retrieving<'a> {
    stage: u32,
    config: &'a AssociativeStage,
    units: usize,
    seed: u64,
}

impl Retrieving<'_> {
    fn loads(&self) -> (&[f64], usize) {
        match self.config {
            AssociativeStage::Classical(config) => (&config.loads, config.networks),
            AssociativeStage::Modern(config) => (&config.loads, config.networks),
            AssociativeStage::Digits(_) => (&[], 1),
        }
    }

    fn total(&self) -> u64 {
        let (loads, networks) = self.loads();
        (loads.len() * networks).max(1) as u64
    }
}

impl Learner<AssociativeModel> for Retrieving<'_> {
    fn plan(&self) -> Plan {
        let name = match self.config {
            AssociativeStage::Classical(_) => "Classical",
            AssociativeStage::Modern(_) => "Modern",
            AssociativeStage::Digits(_) => "Digits",
        };
        Plan { name: name.into(), unit: "networks", total: self.total() }
    }

    fn done(&self, model: &AssociativeModel) -> u64 {
        let trials = model.trials.iter().filter(|trial| trial.stage == self.stage).count();
        let digits = model.digits.iter().filter(|it| it.0 == self.stage).count();
        (trials + digits) as u64
    }

    fn advance(&mut self, model: &mut AssociativeModel, _: &mut Progress<'_>) -> Result<Advance, Error> {
        let done = self.done(model);
        // Patterns of one stage are not those of another, nor those of one network another's.
        let draw = Draw { streams: Streams::new(self.seed), number: (u64::from(self.stage) << 32) + done };
        let (loads, networks) = self.loads();
        let load = loads.get(done as usize / networks.max(1)).copied();
        let trial = match (self.config, load) {
            (AssociativeStage::Classical(config), Some(load)) => retrieve::classical(config, load, self.units, draw)?,
            (AssociativeStage::Modern(config), Some(load)) => retrieve::modern(config, load, self.units, draw)?,
            (AssociativeStage::Digits(config), _) => {
                model.digits.push((self.stage, retrieve::digits(config, self.seed, draw)?));
                return Ok(Advance { done: done + 1, finished: true, ..Advance::default() });
            }
            (_, None) => return Ok(Advance { done, finished: true, ..Advance::default() }),
        };
        let measures =
            Measures::of("load", trial.load).and("overlap", trial.overlap).and("first_errors", trial.first_errors);
        model.trials.push(Trial { stage: self.stage, ..trial });
        let done = done + 1;
        let record = Some(Moment { unit: "network", at: done as f64, measures, told: None });
        Ok(Advance { done, finished: done >= self.total(), measures, record, ..Advance::default() })
    }

    fn restore(&mut self, model: &mut AssociativeModel, _: &[u8]) -> Result<(), Error> {
        let (done, total) = (self.done(model), self.total());
        if done <= total {
            return Ok(());
        }
        Err(Error::config(format!("the checkpoint has {done} networks of a stage of {total}")))
    }
}
