//! What is refused when a network is declared, because it cannot be meant.

use nl_neuron::InputChannel;
use nl_plasticity::{Activity, PlasticityRule};
use nl_synapse::Dense;

use crate::NetworkError;
use crate::builder::Declared;
use crate::projection::Receptor;

fn refuse<T>(message: String) -> Result<T, NetworkError> {
    Err(NetworkError::Invalid(message))
}

impl Declared {
    /// The number of a receptor.
    pub(super) fn receptor(&self, receptor: Receptor) -> Result<usize, NetworkError> {
        find(&self.name, self.blueprint.receptors(), receptor)
    }

    /// `Ok` if spikes of this weight (the lowest of them) may arrive at the receptor; `held` says that they are meant to be
    /// a current for one step.
    pub(super) fn takes(&self, receptor: usize, weight: Option<f32>, held: bool) -> Result<(), NetworkError> {
        let channel = self.blueprint.receptors()[receptor];
        if !channel.takes_spikes() && !held {
            return refuse(format!(
                "{}: spikes arrive at `{channel}`, which is a current held over the step: one spike would be a current for \
                 a single dt, and its charge would depend on dt; use a model with synaptic receptors or \
                 `Drive::Jump`, or say `Projection::as_current` if that is what you mean",
                self.name
            ));
        }
        sign(&self.name, channel, weight)
    }

    /// `Ok` if the neurons have what `rule` needs: it is shown one silent step of one synapse, with and without potentials.
    pub(super) fn serves<R: PlasticityRule<f32>>(&self, rule: &R) -> Result<(), NetworkError> {
        let try_with = |v_post: &[f32]| -> Result<(), nl_plasticity::Error> {
            let mut state = rule.state(1, 1, 1)?;
            let mut synapse = Dense::new(1, 1, vec![0.0])?;
            rule.step(&mut state, &Activity { v_post, ..Activity::spikes(0, &[], &[]) }, &mut synapse)
        };
        let Err(without) = try_with(&[]) else { return Ok(()) };
        if try_with(&[-70.0]).is_err() {
            return refuse(format!("{}: {without}; no network provides it", rule.name()));
        }
        if self.blueprint.cells(0..1, 0)?.variables().contains(&"v") {
            return Ok(());
        }
        refuse(format!(
            "{}: the rule looks at the potential of the postsynaptic neurons, but those of {} have no variable `v`; let \
             it end on a population of a model that has one",
            rule.name(),
            self.name
        ))
    }
}

/// The number of a receptor among those of a population.
pub(super) fn find(name: &str, receptors: &[InputChannel], receptor: Receptor) -> Result<usize, NetworkError> {
    let number = match receptor {
        Receptor::Number(number) => Some(number).filter(|&number| number < receptors.len()),
        Receptor::Name(name) => receptors.iter().position(|channel| channel.name == name),
    };
    let Some(number) = number else {
        let known: Vec<String> = receptors.iter().enumerate().map(|(k, channel)| format!("{k}: {channel}")).collect();
        return refuse(format!("{name}: receptor {receptor} does not exist; there are [{}]", known.join(", ")));
    };
    Ok(number)
}

/// `Ok` if the receptor can be given `weight`, the lowest of several.
pub(super) fn sign(name: &str, channel: InputChannel, weight: Option<f32>) -> Result<(), NetworkError> {
    match weight {
        Some(weight) if weight < 0.0 && !channel.may_be_negative() => refuse(format!(
            "{name}: {weight} onto `{channel}`, a conductance, which is never negative; whether it excites or inhibits is \
             its reversal potential's affair: use a positive value, and the receptor that inhibits"
        )),
        _ => Ok(()),
    }
}
