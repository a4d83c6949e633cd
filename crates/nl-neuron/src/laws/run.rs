//! How a law is tried on many cases, and how a model is run on one.

pub(crate) use nl_laws::Title;
use nl_laws::{Cases, Config, Knobs};
use nl_random::Streams;

use super::violation::Example;
use super::{Case, Subject, Violation, cases};
use crate::{Ms, NeuronModel, PopulationState, Real, SpikeSet, SpikeTrain};

/// What is wrong, and spikes that show it.
#[derive(Debug)]
pub(crate) struct Broken {
    pub(crate) what: String,
    pub(crate) rasters: Vec<(String, SpikeTrain)>,
}

impl Broken {
    /// In words only.
    pub(crate) fn said(what: impl core::fmt::Display) -> Self {
        Self { what: what.to_string(), rasters: Vec::new() }
    }

    /// With the spikes of a run.
    pub(crate) fn with(mut self, heading: &str, train: &SpikeTrain) -> Self {
        self.rasters.push((heading.to_owned(), train.clone()));
        self
    }
}

/// What a law found: nothing, or what is wrong.
pub(crate) type Found = Result<(), Broken>;

/// Tries a law on `config.cases` random cases and shrinks the first that breaks it.
pub(crate) fn hold<F: Real, M: NeuronModel<F>>(
    title: Title,
    family: &impl Fn(&Knobs) -> Subject<F, M>,
    config: &Config,
    check: impl Fn(&Subject<F, M>, &Case) -> Found,
) -> Result<Cases, Box<Violation>> {
    let on = |case: &Case| check(&family(&case.knobs), case);
    let found = |case: &Case| on(case).map_err(|broken| broken.what);
    nl_laws::hold(title, &cases(family(&Knobs::default()).steps), config, found, |case| {
        let subject = family(&case.as_ref().map_or_else(Knobs::default, |case| case.knobs));
        let example = case.map(|case| {
            // Once more, for the spikes; a model that is not deterministic may not break the law twice.
            let rasters = on(&case).err().map_or_else(Vec::new, |broken| broken.rasters);
            Example { dt: subject.dt, input: describe(&subject, &case), rasters, case }
        });
        let model = (subject.build)(subject.dt).map_or_else(|e| e.to_string(), |model| model.name().to_owned());
        (model, example)
    })
}

fn describe<F: Real, M: NeuronModel<F>>(subject: &Subject<F, M>, case: &Case) -> Vec<String> {
    let receptors = (subject.build)(subject.dt).map_or(&[][..], |model| model.receptors());
    let line = |pulse: &super::Pulse| {
        let receptor = pulse.receptor % receptors.len();
        let (name, amplitude) = (receptors[receptor], subject.amplitude(receptor, pulse.part));
        let (first, last) = (pulse.start, (pulse.start + pulse.steps).min(subject.steps) - 1);
        format!("neuron {}, {name}: {amplitude} in steps {first} to {last}", pulse.neuron)
    };
    case.pulses.iter().map(line).collect()
}

/// A model in the middle of an experiment.
pub(crate) struct Bench<'a, F: Real, M: NeuronModel<F>> {
    pub(crate) subject: &'a Subject<F, M>,
    pub(crate) model: M,
    pub(crate) state: M::State,
    pub(crate) train: SpikeTrain,
    spikes: SpikeSet,
    input: Vec<F>,
}

impl<'a, F: Real, M: NeuronModel<F>> Bench<'a, F, M> {
    /// `n` neurons at rest.
    pub(crate) fn new(subject: &'a Subject<F, M>, dt: Ms, n: usize) -> Result<Self, Broken> {
        let model = (subject.build)(dt).map_err(Broken::said)?;
        let mut state = model.state(n).map_err(Broken::said)?;
        model.set_noise(&mut state, Streams::new(1), 0);
        let input = vec![F::ZERO; n * model.receptors().len()];
        Ok(Self { subject, model, state, train: SpikeTrain::new(n), spikes: SpikeSet::new(n), input })
    }

    /// One step with this input to each (receptor, neuron).
    pub(crate) fn step(&mut self, input: impl Fn(usize, usize) -> f64) -> Found {
        let n = self.state.len();
        for receptor in 0..self.model.receptors().len() {
            for neuron in 0..n {
                self.input[receptor * n + neuron] = F::from_f64(input(receptor, neuron));
            }
        }
        self.advance()
    }

    fn advance(&mut self) -> Found {
        self.model.step(&mut self.state, &self.input, &mut self.spikes).map_err(Broken::said)?;
        self.train.push_step(self.spikes.indices()).map_err(Broken::said)
    }

    /// `steps` steps with `current` to the current receptor of each neuron.
    pub(crate) fn constant(&mut self, steps: usize, current: impl Fn(usize) -> f64) -> Found {
        let receptor = self.subject.current;
        (0..steps).try_for_each(|_| self.step(|r, neuron| if r == receptor { current(neuron) } else { 0.0 }))
    }

    /// The steps of `range` of a case; neuron i takes the input of neuron `of(i)`.
    pub(crate) fn play(&mut self, case: &Case, range: core::ops::Range<usize>, of: impl Fn(usize) -> usize) -> Found {
        range.into_iter().try_for_each(|step| {
            let n = self.state.len();
            self.input.fill(F::ZERO);
            let receptors = self.model.receptors().len();
            for neuron in 0..n {
                let source = of(neuron);
                for receptor in 0..receptors {
                    let part = case.part(receptor, receptors, source, step);
                    self.input[receptor * n + neuron] = F::from_f64(self.subject.amplitude(receptor, part));
                }
            }
            self.advance()
        })
    }

    /// The whole state as text: equal if and only if every bit is.
    pub(crate) fn bits(&self) -> Result<String, Broken> {
        serde_json::to_string(&self.state).map_err(Broken::said)
    }

    /// The variable of that name of neuron `i`.
    pub(crate) fn value(&self, name: &str, i: usize) -> f64 {
        self.state.variable(name).and_then(|values| values.get(i)).map_or(f64::NAN, |value| value.to_f64())
    }
}

/// All steps of a case.
pub(crate) fn run<'a, F: Real, M: NeuronModel<F>>(
    subject: &'a Subject<F, M>,
    case: &Case,
) -> Result<Bench<'a, F, M>, Broken> {
    let mut bench = Bench::new(subject, subject.dt, case.neurons)?;
    bench.play(case, 0..subject.steps, |i| i)?;
    Ok(bench)
}

/// Spikes and states of two runs that ought to be equal.
pub(crate) fn same<F: Real, M: NeuronModel<F>>(
    (this, a): (&str, &Bench<'_, F, M>),
    (that, b): (&str, &Bench<'_, F, M>),
) -> Found {
    same_spikes((this, &a.train), (that, &b.train))?;
    if a.bits()? == b.bits()? {
        return Ok(());
    }
    let names = a.state.variables().iter();
    let differs = |name: &str, i| a.value(name, i).to_bits() != b.value(name, i).to_bits();
    let place = names.flat_map(|&name| (0..a.state.len()).map(move |i| (name, i))).find(|&(name, i)| differs(name, i));
    let what = match place {
        Some((name, i)) => {
            format!("{name} of neuron {i} ends at {} {this}, but at {} {that}", a.value(name, i), b.value(name, i))
        }
        None => format!("the states differ: {} {this}, but {} {that}", a.bits()?, b.bits()?),
    };
    Err(Broken::said(what).with(this, &a.train).with(that, &b.train))
}

/// Names the first spike that is not in both.
pub(crate) fn same_spikes((this, a): (&str, &SpikeTrain), (that, b): (&str, &SpikeTrain)) -> Found {
    let Some(step) = (0..a.steps().max(b.steps())).find(|&step| a.at(step) != b.at(step)) else { return Ok(()) };
    let what = format!("step {step}: {:?} spike {this}, but {:?} {that}", a.at(step), b.at(step));
    Err(Broken::said(what).with(this, a).with(that, b))
}
