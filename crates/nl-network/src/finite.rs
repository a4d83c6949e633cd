//! A look at every number that a network keeps.

use crate::piece::{Incoming, Piece};
use crate::{Network, NetworkError};

impl Network {
    /// `Ok` if every variable of every neuron and every plastic weight is a finite number. The loops themselves do not look,
    /// since that would cost more than the step: call it now and then, and at the end of a run.
    ///
    /// ```
    /// use nl_network::NetworkBuilder;
    /// use nl_neuron::{Izhikevich, IzhikevichParameters};
    /// use nl_units::Ms;
    /// use nl_random::Streams;
    /// let mut builder = NetworkBuilder::new(Ms(0.5), Streams::new(1))?;
    /// let model = Izhikevich::new(IzhikevichParameters::default(), Ms(0.5))?;
    /// let cells = builder.population("cells", 2, model)?;
    /// builder.constant_input(cells, "current", &[10.0, 1e38])?; // a slip
    /// let mut network = builder.build()?;
    /// network.run(Ms(100.0))?;
    /// let error = network.check_finite().unwrap_err().to_string();
    /// assert!(error.contains("neuron 1 of `cells`") && error.contains("steps 0 to 199"), "{error}");
    /// # Ok::<(), nl_network::NetworkError>(())
    /// ```
    ///
    /// # Errors
    /// [`NetworkError::NotFinite`]: variable, neuron and population, or synapse and projection, and the steps in which it
    /// can have happened.
    pub fn check_finite(&mut self) -> Result<(), NetworkError> {
        let found = self.populations.iter().find_map(|population| {
            let unsound = |piece: &Piece| Some((piece.range.start, piece.cells.first_not_finite()?));
            let (first, found) = self.pieces[population.pieces.clone()].iter().find_map(unsound)?;
            let neuron = first + found.index;
            Some(format!("{} of neuron {neuron} of `{}` became {}", found.variable, population.name, found.value))
        });
        if let Some(what) = found {
            let help = "look for input out of range, a negative conductance, or a dt too long for the model";
            return Err(self.not_finite(what, help));
        }
        let unsound = |incoming: &Incoming| {
            let weights = incoming.wire.as_ref()?.weights()?;
            let place = weights.iter().position(|w| !w.is_finite())?;
            let synapse = incoming.kept.as_ref().map_or(place, |kept| kept[place] as usize);
            Some((incoming.projection, synapse, weights[place]))
        };
        let mut wires = self.pieces.iter().flat_map(|piece| &piece.wires);
        if let Some((projection, synapse, weight)) = wires.find_map(unsound) {
            let synapses = &self.synapses[projection];
            let [pre, post] = [synapses.pre, synapses.post].map(|p| &self.populations[p].name);
            let what = format!("the weight of synapse {synapse} from `{pre}` to `{post}` became {weight}");
            return Err(self.not_finite(what, "look at the rule's amplitudes, its bounds and its learning rate"));
        }
        self.finite = self.now;
        Ok(())
    }

    fn not_finite(&self, what: String, help: &'static str) -> NetworkError {
        let last = self.now.saturating_sub(1);
        NetworkError::NotFinite { what, first: self.finite.min(last), last, help }
    }
}
