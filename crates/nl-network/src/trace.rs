//! What learning rules remember, read by the names of their pages.

use nl_plasticity::{TraceOf, TraceValues};

use crate::afferent::Route;
use crate::{Network, NetworkError, ProjectionId};

impl Network {
    /// The trace called `name` of a projection's rule at the end of the last step: a value for each pre or post neuron, each
    /// synapse, or the rule, as its page says.
    ///
    /// ```
    /// use nl_network::{NetworkBuilder, Projection};
    /// use nl_neuron::{Drive, Lif, LifParameters, SpikeTrain};
    /// use nl_units::Ms;
    /// use nl_plasticity::{PairStdp, PairStdpParameters};
    /// use nl_random::Streams;
    /// use nl_synapse::Dense;
    ///
    /// let dt = Ms(1.0);
    /// let mut train = SpikeTrain::new(2);
    /// train.push_step(&[1])?;
    /// let mut builder = NetworkBuilder::new(dt, Streams::new(1))?;
    /// let source = builder.spike_list("source", train)?;
    /// let lif = Lif::new(LifParameters { drive: Drive::Jump, ..LifParameters::default() }, dt)?;
    /// let cell = builder.population("cell", 1, lif)?;
    /// let rule = PairStdp::new(PairStdpParameters::default(), dt)?;
    /// let learnt = builder.connect_plastic(Projection::new(source, cell), Dense::new(2, 1, vec![0.5, 0.5])?, rule)?;
    /// let mut network = builder.build()?;
    /// network.run(dt)?;
    /// assert_eq!(network.trace(learnt, "x")?.values, [0.0, 1.0]); // the presynaptic trace
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// If the projection is of another network or not plastic, the rule has no trace of that name (the error lists those it
    /// has), or the trace belongs to neurons and the synapses have delays of their own: there is then one for each delay.
    pub fn trace(&self, projection: ProjectionId, name: &str) -> Result<TraceValues<f32>, NetworkError> {
        let refuse = |message: &str| Err(NetworkError::Invalid(format!("trace {name}: {message}")));
        let Some(synapses) = self.synapses.get(projection.0).filter(|synapses| synapses.plastic) else {
            return refuse("not a plastic projection of this network");
        };
        let last = self.now.saturating_sub(1);
        let [pre, post] = [synapses.pre, synapses.post].map(|p| self.populations[p].n);
        let mut whole: Option<TraceValues<f32>> = None;
        let (mut afferent, mut of_pieces) = (None, Vec::new());
        for piece in &self.pieces[self.populations[synapses.post].pieces.clone()] {
            for incoming in piece.wires.iter().filter(|incoming| incoming.projection == projection.0) {
                let Some(part) = incoming.wire.as_ref().map(|wire| wire.trace(last, name)).transpose()?.flatten()
                else {
                    continue;
                };
                let of_neurons = matches!(part.of, TraceOf::Pre | TraceOf::Post);
                if of_neurons && *afferent.get_or_insert(incoming.afferent) != incoming.afferent {
                    return refuse("the synapses have delays of their own, and the neurons a trace for each delay");
                }
                let n = match part.of {
                    TraceOf::Pre => pre,
                    TraceOf::Post => post,
                    TraceOf::Synapse => synapses.count,
                    TraceOf::Rule => part.values.len(),
                };
                let whole = whole.get_or_insert_with(|| TraceValues::new(part.name, part.of, vec![0.0; n]));
                let routed = matches!(self.afferents[incoming.afferent].route, Some(Route::Index(_)));
                match (part.of, &incoming.kept) {
                    (TraceOf::Post, _) => whole.values[piece.range.clone()].copy_from_slice(&part.values),
                    (TraceOf::Synapse, Some(kept)) => {
                        for (&synapse, value) in kept.iter().zip(part.values) {
                            whole.values[synapse as usize] = value;
                        }
                    }
                    // The piece numbers only those that reach it.
                    (TraceOf::Pre, _) if routed => {
                        of_pieces.resize(piece.number + 1, Vec::new());
                        of_pieces[piece.number] = part.values;
                    }
                    _ => whole.values.copy_from_slice(&part.values),
                }
            }
        }
        let Some(mut whole) = whole else { return refuse("no synapse, no trace") };
        if let Some(Route::Index(index)) = afferent.and_then(|afferent| self.afferents[afferent].route.as_ref())
            && whole.of == TraceOf::Pre
        {
            index.gather(&of_pieces, &mut whole.values);
        }
        Ok(whole)
    }
}
