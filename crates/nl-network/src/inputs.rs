//! Input that changes between two runs: rates, currents, neuromodulators.

use nl_plasticity::Modulators;
use nl_units::Hz;

use crate::builder::PoissonInputId;
use crate::checks::{find, sign};
use crate::{Network, NetworkError, PopulationId, Receptor};

impl Network {
    /// The rate of a Poisson population from now on.
    ///
    /// # Errors
    /// If it is of another network or no Poisson population, or the rate is negative or above one spike a step.
    pub fn set_rate(&mut self, population: PopulationId, rate: Hz) -> Result<(), NetworkError> {
        let pieces = self.population(population)?.pieces.clone();
        self.pieces[pieces].iter_mut().try_for_each(|piece| piece.cells.set_rate(rate))
    }

    /// The rate of a Poisson input from now on.
    ///
    /// # Errors
    /// If it is of another network, or the rate is negative or beyond 1000 jumps a step.
    pub fn set_poisson_rate(&mut self, input: PoissonInputId, rate: Hz) -> Result<(), NetworkError> {
        let pieces = self.population(input.population)?.pieces.clone();
        for piece in &mut self.pieces[pieces] {
            let missing = || NetworkError::Invalid("a Poisson input of another network".into());
            piece.poisson.get_mut(input.input).ok_or_else(missing)?.set_rate(rate)?;
        }
        Ok(())
    }

    /// The constant input of a receptor from now on, one value for each neuron of `post`, in place of what
    /// [`constant_input`](crate::NetworkBuilder::constant_input) or an earlier call said.
    ///
    /// # Errors
    /// If the population or the receptor does not exist, the length differs, or a value is not finite, or below 0 where it
    /// is a conductance.
    pub fn set_constant_input(
        &mut self,
        post: PopulationId,
        receptor: impl Into<Receptor>,
        values: &[f32],
    ) -> Result<(), NetworkError> {
        let population = self.population(post)?;
        let receptors = population.receptors.len();
        let receptor = find(&population.name, population.receptors, receptor.into())?;
        nl_units::Error::length("set_constant_input", "values", population.n, values.len())?;
        for &value in values {
            nl_units::Error::finite("set_constant_input", "value", f64::from(value))?;
            sign(&population.name, population.receptors[receptor], Some(value))?;
        }
        let pieces = population.pieces.clone();
        for piece in &mut self.pieces[pieces] {
            let n = piece.range.len();
            piece.constant.resize(receptors * n, 0.0);
            piece.constant[receptor * n..(receptor + 1) * n].copy_from_slice(&values[piece.range.clone()]);
            piece.touched[receptor] = true;
        }
        Ok(())
    }

    /// The level of the neuromodulators from now on; what is [released](Self::release) comes on top.
    ///
    /// # Errors
    /// If a concentration is not finite.
    pub fn set_modulators(&mut self, levels: Modulators) -> Result<(), NetworkError> {
        self.signals.hold(levels)
    }

    /// Releases neuromodulators in the step that comes next. They decay as the network's
    /// [`neuromodulation`](crate::NetworkBuilder::neuromodulation) says; without one they are gone in the step after, which
    /// is what [`DopamineInput::Release`](nl_plasticity::DopamineInput) wants: that rule has a decay of its own.
    ///
    /// # Errors
    /// If an amount is not finite.
    pub fn release(&mut self, amounts: Modulators) -> Result<(), NetworkError> {
        self.signals.release(self.now, amounts)
    }

    /// The neuromodulators that the next step will see.
    #[must_use]
    pub fn modulators(&self) -> Modulators {
        self.signals.at(self.now)
    }
}
