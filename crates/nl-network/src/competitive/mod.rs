//! A layer of spiking neurons that compete for each input and learn without labels: Diehl & Cook (2015).
//!
//! Spikes of the inputs ([`Stimulus`]) charge leaky neurons; whoever reaches its adaptive threshold first wins, silences
//! all others, and moves its weights towards what it has just seen.
//!
//! ```
//! use nl_network::competitive::{CompetitiveConfig, CompetitiveNetwork, CompetitiveRule, Presentation, Stimulus};
//! use nl_random::Streams;
//!
//! let rule = CompetitiveRule::DiehlCook { x_tar: 0.6, w_max: 1.0, mu: 1.0 }; // four weights of norm 1 are large
//! let config = CompetitiveConfig { inputs: 4, neurons: 3, rule, ..CompetitiveConfig::default() };
//! let mut network = CompetitiveNetwork::new(config, &Streams::new(1))?;
//! let mut stimulus = Stimulus::new(4)?;
//! for _ in 0..100 {
//!     stimulus.push_step(&[0, 2])?; // inputs 0 and 2 spike in every step
//! }
//! let mut presentation = Presentation::new(&network);
//! network.learn(&stimulus, 0.0, &mut presentation)?; // 0.0: at the start of training
//! let first = presentation.spikes()[0];
//! assert!(network.weights_of(first.neuron as usize)?[0] > network.weights_of(first.neuron as usize)?[1]);
//! # Ok::<(), nl_units::Error>(())
//! ```
//!
//! # The step
//! V rests at 0 mV; a presentation starts with V = 0 and traces x = 0. In each step of dt:
//!
//! 1. V_j ← V_j e^(−dt/τ_m) + Σ_{i spikes} w_ij (a spike of weight 1 is 1 mV)
//! 2. if any V_j > v_th + θ_j: the one that exceeds it most spikes, of equals the first
//! 3. x_i = Σ e^(−(t − t_i)/τ_x) over all past spikes of input i, those of this step included
//! 4. the winner's weights follow the [`CompetitiveRule`]; then their Euclidean norm is 1
//! 5. θ_winner ← θ_winner + θ₊; V_winner = 0; all others V = `loser`
//! 6. all are held for t_ref (input is ignored)
//!
//! After it, θ_j ← θ_j e^(−(T + rest)/τ_θ) for all. η and θ₊ fall exponentially over training ([`Anneal`]).
//!
//! # What differs from the paper, and why
//! | paper | here | why |
//! |---|---|---|
//! | conductances, dt 0.5 ms | V jumps by w, dt 1 ms | a step is one sum of rows; BindsNET does the same |
//! | an inhibitory neuron for each, 1 to 1, that inhibits all others | the spike itself resets all others, and all are held for t_ref | the layer passes the spike on within 1 ms; what it enforces (one winner at a time) is kept exactly |
//! | several neurons may spike in one step | one does, the most excited | else they would learn the same pattern |
//! | Σ_i w_ij = 78.4 | Σ_i w_ij² = 1 | then w·x is largest for the weights most like x; a sum favours weights that are few and large |
//! | each pixel its own Poisson process, rate raised until 5 spikes | the same total rate for every image, drawn as one process (`nl_encoding::encode::SuperposedPoisson`) | thick and thin digits excite alike; nothing is shown twice |
//! | θ₊ and η constant | both fall exponentially | with few presentations: θ₊ first spreads the wins over all neurons, then lets them settle |
//! | θ decays while shown | θ decays once after each image | it loses 1 in 2000 or less in that time |
//! | 150 ms of silence between images | V and x set to 0, θ decays for 150 ms more | the same to within e^(−1.5) of V |
//! | weights bounded by w_max | bounded before they are normalised | a neuron's largest weight may exceed w_max until its next update |

mod block;
mod config;
mod network;
mod stimulus;

pub use config::{Anneal, CompetitiveConfig, CompetitiveRule};
pub use network::{CompetitiveNetwork, CompetitiveState, OutputSpike, Presentation};
pub use stimulus::Stimulus;
