//! A spiking convolutional layer whose feature maps compete and learn without labels: Kheradpisheh et al. (2018).
//!
//! Inputs spike at most once, in one of T bins ([`SpikeTrain`](nl_neuron::SpikeTrain), neuron (y W + x) C + c). Neurons
//! do not leak, spike at most once, and share weights within a map m:
//!
//! 1. V_m(y, x) += Σ w_m(c, ky, kx) over the inputs (y + ky − p, x + kx − p, c) that spike in bin b
//! 2. a neuron with V ≥ θ at the end of bin b spikes in b: its first spike
//! 3. competition, while learning only: in each bin, a place whose first spike this is offers its map of highest V (of
//!    equals the first) and is closed; of the offers, highest V first (of equals the first place), those win whose map
//!    has not won yet and that have no winner within radius r; after k winners the image is over
//! 4. each winner's map: w += a w (1 − w) for inputs that spiked in its bin or before, else w −= d a w (1 − w)
//! 5. a doubles after every `double_every` images, up to `largest_rate`; learning has converged when
//!    C = mean w (1 − w) is small ([`ConvStdp::convergence`])
//!
//! What leaves the layer is earliness, T − b of each neuron's spike, 0 for silence ([`ConvStdp::infer`]): the number of
//! bins with V ≥ θ, since V only grows. [`earliest`] pools it; [`spikes`] makes a train of it for the next layer.
//!
//! ```
//! use nl_network::conv_stdp::{Activity, ConvStdp, ConvStdpConfig, Grid, earliest};
//! use nl_neuron::SpikeTrain;
//! use nl_random::Streams;
//!
//! let config = ConvStdpConfig { maps: 4, kernel: 3, padding: 1, threshold: 2.0, ..ConvStdpConfig::default() };
//! let input = Grid { height: 6, width: 6, channels: 1 };
//! let mut layer = ConvStdp::new(config, input, &mut Streams::new(1).rng("init", 0, 0))?;
//! let mut bar = SpikeTrain::new(input.len()); // a vertical bar, then a dot
//! bar.push_step(&[2, 8, 14, 20, 26, 32])?;
//! bar.push_step(&[23])?;
//! let mut activity = Activity::default();
//! let before = layer.convergence();
//! for _ in 0..2000 {
//!     layer.learn(&bar, &mut activity)?;
//! }
//! assert!(layer.convergence() < before); // the winners' weights are on their way to 0 and 1
//! layer.infer(&bar, &mut activity)?;
//! let mut pooled = Vec::new();
//! assert_eq!(earliest(activity.earliness(), layer.output(), 2, &mut pooled)?.len(), 3 * 3 * 4);
//! # Ok::<(), nl_units::Error>(())
//! ```
//!
//! Sources: Kheradpisheh, Ganjtabesh, Thorpe & Masquelier, "STDP-based spiking deep convolutional neural networks for
//! object recognition", Neural Networks 99, 2018, eqs. 1 to 4; the loop over bins, one winner a map, radius and rates
//! that double as in SpykeTorch (Mozafari et al. 2019). The paper lets a spike inhibit all other maps at its place also
//! at inference; that is `keep: 1`. [`RewardStdp`] is the reward-modulated form of Mozafari et al.

mod compete;
mod config;
mod kernels;
mod layer;
mod pool;
mod reward;

pub use compete::Winner;
pub use config::{ConvStdpConfig, Grid};
pub use layer::{Activity, ConvStdp, ConvStdpState};
pub use pool::{earliest, spikes};
pub use reward::{RewardConfig, RewardStdp, RewardStdpState};

const NAME: &str = "conv stdp";
