//! A model of one's own: a self-organising map (Kohonen 1982), trained by the driver that trains everything else. What the
//! driver promises (stops anywhere, any number of threads, metrics, weights, a page) holds for it without a line of its own.

mod common;

use std::collections::BTreeMap;
use std::path::Path;

use common::{assert_same, digits, divided, resume, stopped_everywhere, whole};
use nl_data::Batches;
use nl_random::Streams;
use nl_train::report::plots::Mosaic;
use nl_train::report::{Figure, Picture, Section};
use nl_train::{
    Advance, Error, Findings, Learner, Measures, Model, Moment, Plan, Progress, RunConfig, Setting, Settings, Silent,
    Stage, StageKind, Story, Tensor,
};
use rand::RngExt;
use serde::{Deserialize, Serialize};

const CONFIG: &str = "
name: som
seed: 3
data: {name: mnist, source: synthetic, validation: 30, validation_share: 0.5}
model: {kind: som, side: 6}
stages:
  - {kind: organise, epochs: 3, rate: 0.3, radius: 2.5}
";

/// Images between two looks at Ctrl-C.
const PIECE: usize = 50;

fn wrong(message: String) -> Error {
    Error::Config { message }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SomConfig {
    /// Units along a side of the map.
    side: usize,
}

impl Settings for SomConfig {
    fn check(&self) -> Result<(), Error> {
        if (2..=100).contains(&self.side) { Ok(()) } else { Err(wrong(format!("side is {}; use 2 to 100", self.side))) }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
enum SomStage {
    /// Units move towards images; rate and radius shrink to a hundredth and a tenth.
    Organise { epochs: u64, rate: f32, radius: f32 },
}

impl Settings for SomStage {
    fn check(&self) -> Result<(), Error> {
        let Self::Organise { rate, radius, .. } = self;
        let fine = *rate > 0.0 && *rate <= 1.0 && *radius > 0.0 && radius.is_finite();
        if fine {
            Ok(())
        } else {
            Err(wrong(format!("rate is {rate}, radius {radius}; use 0 < rate <= 1, radius > 0")))
        }
    }
}

impl Stage for SomStage {
    const KINDS: &'static [StageKind] = &[StageKind {
        kind: "organise",
        about: "units and their neighbours move towards images",
        needs: &[],
        gives: &[],
    }];

    fn kind(&self) -> &'static str {
        "organise"
    }
}

struct Som {
    side: usize,
    /// `[side * side, area]`, pixels from 0 to 1.
    weights: Vec<f32>,
}

impl Som {
    /// The nearest unit, and the mean squared distance of a pixel to it.
    fn nearest(&self, image: &[f32]) -> (usize, f32) {
        let distance = |unit: &[f32]| unit.iter().zip(image).map(|(w, x)| (w - x) * (w - x)).sum::<f32>();
        let units = self.weights.chunks_exact(image.len()).map(distance).enumerate();
        let (unit, distance) = units.min_by(|a, b| a.1.total_cmp(&b.1)).unwrap_or_default();
        (unit, distance / image.len() as f32)
    }

    /// Mean squared error of a pixel when images are replaced by their units.
    fn error(&self, images: &nl_data::Images) -> f64 {
        let error = |i: usize| f64::from(self.nearest(&unit_range(images.image(i))).1);
        (0..images.len()).map(error).sum::<f64>() / images.len().max(1) as f64
    }
}

fn unit_range(image: &[u8]) -> Vec<f32> {
    image.iter().map(|&byte| f32::from(byte) / 255.0).collect()
}

impl Model for Som {
    const KIND: &'static str = "som";
    const ABOUT: &'static str = "a self-organising map";
    type Set = nl_data::Images;
    type Config = SomConfig;
    type Stage = SomStage;
    type State = Vec<f32>;

    fn build(setting: Setting<'_, Self>) -> Result<Self, Error> {
        let side = setting.config.model.side;
        let mut rng = Streams::new(setting.config.seed).rng("init/som", 0, 0);
        let weights = (0..side * side * setting.images()?.split.train.area()).map(|_| rng.random()).collect();
        Ok(Self { side, weights })
    }

    fn learner<'a>(&self, stage: usize, setting: Setting<'a, Self>) -> Result<Box<dyn Learner<Self> + 'a>, Error> {
        Ok(Box::new(Organising { stage: &setting.config.stages[stage], setting, done: 0 }))
    }

    fn state(&mut self, _: &Path) -> Result<Vec<f32>, Error> {
        Ok(self.weights.clone())
    }

    fn restore(&mut self, state: Vec<f32>, _: &Path) -> Result<(), Error> {
        if state.len() != self.weights.len() {
            return Err(wrong(format!("the checkpoint has {} weights, not {}", state.len(), self.weights.len())));
        }
        self.weights = state;
        Ok(())
    }

    fn check_finite(&mut self, place: &str) -> Result<(), Error> {
        match self.weights.iter().find(|w| !w.is_finite()) {
            Some(&w) => Err(Error::NotFinite { what: "a weight".into(), value: w.into(), place: place.into() }),
            None => Ok(()),
        }
    }

    fn tensors(&self) -> Vec<Tensor> {
        let units = self.side * self.side;
        let shape = vec![units, self.weights.len() / units];
        vec![Tensor { name: "units".into(), shape, values: self.weights.clone() }]
    }

    fn findings(&mut self, setting: Setting<'_, Self>, _: Story<'_>, _: &mut Progress<'_>) -> Result<Findings, Error> {
        let test = &setting.images()?.split.test;
        let tiles = self.weights.chunks_exact(test.area()).map(|w| Picture::from_unit(test.width(), test.height(), w));
        let map = Mosaic { tiles: tiles.collect(), across: self.side, zoom: 2 };
        let text = "Each picture is a unit; neighbours have become alike.";
        Ok(Findings {
            scores: BTreeMap::from([("quantisation_error".into(), self.error(test))]),
            subject: "a map".into(),
            title: "A self-organising map".into(),
            sections: vec![Section::new("The map", "Map", text).figure(Figure::new("Units", "", map))],
            ..Findings::default()
        })
    }
}

struct Organising<'a> {
    stage: &'a SomStage,
    setting: Setting<'a, Som>,
    /// Images shown, all epochs together.
    done: u64,
}

impl Learner<Som> for Organising<'_> {
    fn plan(&self) -> Plan {
        let SomStage::Organise { epochs, .. } = self.stage;
        let n = self.setting.data.map_or(0, |data| data.learn.len());
        Plan { name: "Organise".into(), unit: "images", total: epochs * n as u64 }
    }

    fn done(&self, _: &Som) -> u64 {
        self.done
    }

    fn advance(&mut self, model: &mut Som, _: &mut Progress<'_>) -> Result<Advance, Error> {
        let (data, total) = (self.setting.images()?, self.plan().total);
        let SomStage::Organise { epochs, rate, radius } = *self.stage;
        let (n, streams) = (data.learn.len(), Streams::new(self.setting.config.seed));
        let (epoch, at) = (self.done / n as u64, (self.done % n as u64) as usize);
        let order = Batches::over(data.learn.clone(), n, true, &streams, epoch)?;
        for &sample in order.get(0).unwrap_or_default().iter().skip(at).take(PIECE) {
            let image = unit_range(data.split.train.image(sample as usize));
            let (winner, progress) = (model.nearest(&image).0, self.done as f32 / total as f32);
            let (rate, radius) = (rate * 0.01_f32.powf(progress), radius * 0.1_f32.powf(progress));
            let place = |unit: usize| ((unit % model.side) as f32, (unit / model.side) as f32);
            let near: Vec<f32> = (0..model.side * model.side)
                .map(|unit| {
                    let ((x, y), (wx, wy)) = (place(unit), place(winner));
                    rate * (-((x - wx).powi(2) + (y - wy).powi(2)) / (2.0 * radius * radius)).exp()
                })
                .collect();
            for (unit, near) in model.weights.chunks_exact_mut(image.len()).zip(near) {
                unit.iter_mut().zip(&image).for_each(|(w, x)| *w += near * (x - *w));
            }
            self.done += 1;
        }
        let record = self.done.is_multiple_of(n as u64).then(|| Moment {
            unit: "epoch",
            at: (epoch + 1) as f64,
            measures: Measures::of("validation_error", model.error(&data.held_out())),
            told: Some(format!("epoch {} of {epochs}", epoch + 1)),
        });
        Ok(Advance { done: self.done, finished: self.done >= total, record, ..Advance::default() })
    }

    fn state(&self) -> Result<Vec<u8>, Error> {
        Ok(self.done.to_le_bytes().to_vec())
    }

    fn restore(&mut self, _: &mut Som, state: &[u8]) -> Result<(), Error> {
        let state = state.try_into().map_err(|_| wrong("the checkpoint is of another stage".into()))?;
        self.done = u64::from_le_bytes(state);
        Ok(())
    }
}

#[test]
fn a_model_of_ones_own_is_trained_stopped_and_resumed() {
    let place = tempfile::tempdir().unwrap();
    let config = RunConfig::of::<Som>(CONFIG).unwrap();
    let data = divided::<Som>(&config, digits(530, 60));
    let path = place.path().join("straight");
    let straight = whole::<Som>(&config, Some(&data), &path, 1);
    // Grey everywhere is the mean's error at best; 36 units do better than one.
    let mean: Vec<f32> = {
        let learned = data.learned();
        let mut mean = vec![0.0; learned.area()];
        for i in 0..learned.len() {
            mean.iter_mut().zip(unit_range(learned.image(i))).for_each(|(m, x)| *m += x / learned.len() as f32);
        }
        mean
    };
    let one = Som { side: 1, weights: mean }.error(&data.split.test);
    let error = straight.scores["quantisation_error"];
    assert!(error < 0.8 * one, "{error} of 36 units, {one} of one");
    let page = std::fs::read_to_string(&straight.report).unwrap();
    assert!(page.contains("<section id=\"map\"") && page.contains("A self-organising map"));
    let weights = nl_train::read_weights(&path.join("weights.safetensors")).unwrap();
    assert_eq!(weights["units"].0, [36, 784]);

    let questions = stopped_everywhere::<Som>(&config, Some(&data), (&straight, &path), 1);
    assert!(questions >= 12, "{questions}");
    // A finished run that is resumed says the same again.
    assert_same(&straight, &resume::<Som>(Some(&data), &path).unwrap().run(&mut Silent).unwrap(), "again");
}

#[test]
fn its_configuration_is_checked_like_any_other() {
    for (from, to, part) in [
        ("side: 6", "side: 1", "model: side is 1"),
        ("rate: 0.3", "rate: 3", "stages[0]: rate is 3"),
        ("kind: organise", "kind: reorganise", "reorganise"),
        ("kind: som", "kind: brain", "model.kind: it is \"brain\""),
        ("side: 6", "side: 6, depth: 2", "depth"),
    ] {
        let error = RunConfig::of::<Som>(&CONFIG.replacen(from, to, 1)).map(drop).unwrap_err().to_string();
        assert!(error.contains(part), "{part}: {error}");
    }
}
