//! The stage in which a layer learns its maps.

use nl_network::conv_stdp::Activity;
use nl_random::Streams;

use super::config::FeaturesConfig;
use super::{ConvStdpModel, shuffled};
use crate::Error;
use crate::data::Dataset;
use crate::run::{Advance, Learner, Measures, Moment, Plan, Progress};

/// Images between two looks at Ctrl-C.
const PIECE: u64 = 100;
/// Images between two looks at the convergence.
const LOOK: u64 = 1000;

/// The part of the run that the time goes to.
pub(super) const STDP: &str = "STDP";

/// A layer that learns.
pub(super) struct Learning<'a> {
    config: FeaturesConfig,
    data: &'a Dataset,
    streams: Streams,
    /// The order of a pass, and its number.
    order: Option<(u64, Vec<u32>)>,
    activity: Activity,
}

impl<'a> Learning<'a> {
    pub(super) fn new(config: FeaturesConfig, data: &'a Dataset, streams: Streams) -> Self {
        Self { config, data, streams, order: None, activity: Activity::default() }
    }

    /// The layer, from 0.
    fn layer(&self) -> usize {
        self.config.layer - 1
    }

    fn record(&self, model: &ConvStdpModel) -> Moment {
        let layer = &model.network.layers[self.layer()].layer;
        let measures = Measures::of("convergence", layer.convergence());
        Moment { unit: "images", at: layer.seen() as f64, measures, told: None }
    }
}

impl Learner<ConvStdpModel> for Learning<'_> {
    fn plan(&self) -> Plan {
        Plan { name: format!("STDP, layer {}", self.config.layer), unit: "images", total: self.config.images }
    }

    fn done(&self, model: &ConvStdpModel) -> u64 {
        model.network.layers[self.layer()].layer.seen()
    }

    fn advance(&mut self, model: &mut ConvStdpModel, _: &mut Progress<'_>) -> Result<Advance, Error> {
        let (l, images) = (self.layer(), self.config.images);
        let n = self.data.learn.len() as u64;
        let seen = model.network.layers[l].layer.seen();
        if seen == 0 && self.order.is_none() {
            // Where it begins.
            self.order = Some((0, Vec::new()));
            return Ok(Advance { done: 0, part: STDP, record: Some(self.record(model)), ..Advance::default() });
        }
        let (pass, at) = (seen / n, seen % n);
        let order = match &mut self.order {
            Some((number, order)) if *number == pass && !order.is_empty() => order,
            place => {
                let order = shuffled(n as u32, &self.streams, &format!("order/{}", l + 1), pass);
                &mut place.insert((pass, order)).1
            }
        };
        let most = (PIECE - seen % PIECE).min(n - at).min(images - seen);
        let samples: Vec<u32> =
            order[at as usize..(at + most) as usize].iter().map(|&i| self.data.learn[i as usize]).collect();
        let trains = model.network.trains(&self.data.split.train, &samples, l)?;
        let layer = &mut model.network.layers[l].layer;
        for train in &trains {
            layer.learn(train, &mut self.activity)?;
        }
        let (seen, convergence) = (layer.seen(), layer.convergence());
        let look = seen.is_multiple_of(LOOK);
        let finished = seen >= images || (look && convergence < self.config.converged);
        let record = (seen.is_multiple_of(PIECE) || seen == images).then(|| self.record(model));
        let measures = Measures::of("convergence", convergence);
        Ok(Advance { done: seen, finished, part: STDP, measures, record })
    }

    fn state(&self) -> Result<Vec<u8>, Error> {
        // Whether its beginning is recorded.
        Ok(vec![u8::from(self.order.is_some())])
    }

    fn restore(&mut self, _: &mut ConvStdpModel, state: &[u8]) -> Result<(), Error> {
        self.order = match state {
            [0] => None,
            [1] => Some((0, Vec::new())),
            _ => return Err(Error::config("the checkpoint is of another stage than `features`")),
        };
        Ok(())
    }

    fn finish(&mut self, model: &mut ConvStdpModel) -> Result<(), Error> {
        model.learned = model.learned.max(self.config.layer);
        model.rows = None;
        Ok(())
    }
}
