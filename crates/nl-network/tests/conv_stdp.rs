//! The convolutional STDP layer against its equations, written as loops; states.

use approx::assert_abs_diff_eq;
use nl_network::conv_stdp::{Activity, ConvStdp, ConvStdpConfig, Grid, RewardConfig, RewardStdp};
use nl_neuron::SpikeTrain;
use nl_random::Streams;
use proptest::prelude::*;

/// First-spike bins of inputs; `None`: silent.
type Bins = Vec<Option<usize>>;

fn train(bins: &Bins, steps: usize) -> SpikeTrain {
    let events: Vec<(usize, u32)> = bins.iter().zip(0..).filter_map(|(bin, i)| bin.map(|bin| (bin, i))).collect();
    SpikeTrain::from_events(bins.len(), steps, &events).unwrap()
}

/// The equations of the module's documentation, place by place; V in the order of the sums: bin, then input.
struct Naive<'a> {
    layer: &'a ConvStdp,
    bins: &'a Bins,
    steps: usize,
}

impl Naive<'_> {
    /// V after each bin: `[bin][place][map]`.
    fn potentials(&self) -> Vec<Vec<Vec<f32>>> {
        let (config, input, output) = (self.layer.config(), self.layer.input(), self.layer.output());
        let mut v = vec![vec![0.0_f32; config.maps]; output.height * output.width];
        let mut all = Vec::new();
        for bin in 0..self.steps {
            for oy in 0..output.height {
                for ox in 0..output.width {
                    for map in 0..config.maps {
                        let sum = &mut v[oy * output.width + ox][map];
                        for ky in 0..config.kernel {
                            for kx in 0..config.kernel {
                                for c in 0..input.channels {
                                    let (y, x) = (oy + ky, ox + kx);
                                    let p = config.padding;
                                    if y < p || x < p || y - p >= input.height || x - p >= input.width {
                                        continue;
                                    }
                                    let i = ((y - p) * input.width + x - p) * input.channels + c;
                                    if self.bins[i] == Some(bin) {
                                        *sum += self.layer.weight(map, c, ky, kx);
                                    }
                                }
                            }
                        }
                    }
                }
            }
            all.push(v.clone());
        }
        all
    }

    /// Earliness `[place][map]`.
    fn infer(&self) -> Vec<u8> {
        let (config, output) = (self.layer.config(), self.layer.output());
        let mut earliness = vec![0_u8; output.len()];
        for (bin, v) in self.potentials().iter().enumerate() {
            for (place, v) in v.iter().enumerate() {
                let row = &mut earliness[place * config.maps..][..config.maps];
                let mut crossing: Vec<usize> =
                    (0..config.maps).filter(|&m| row[m] == 0 && v[m] >= config.threshold).collect();
                crossing.sort_by(|&a, &b| v[b].total_cmp(&v[a]).then(a.cmp(&b)));
                let room = config.keep.unwrap_or(usize::MAX) - row.iter().filter(|&&e| e > 0).count();
                for &m in crossing.iter().take(room) {
                    row[m] = (self.steps - bin) as u8;
                }
            }
        }
        earliness
    }

    /// (map, y, x, bin) of the winners.
    fn winners(&self) -> Vec<(usize, usize, usize, usize)> {
        let (config, output) = (self.layer.config(), self.layer.output());
        let mut winners: Vec<(usize, usize, usize, usize)> = Vec::new();
        let mut spiked = vec![false; output.height * output.width];
        for (bin, v) in self.potentials().iter().enumerate() {
            let mut offers = Vec::new();
            for (place, v) in v.iter().enumerate() {
                let map = (0..config.maps).fold(0, |best, m| if v[m] > v[best] { m } else { best });
                if !spiked[place] && v[map] >= config.threshold {
                    spiked[place] = true;
                    offers.push((v[map], place, map));
                }
            }
            while let Some(best) = (0..offers.len()).reduce(|a, b| if offers[b].0 > offers[a].0 { b } else { a }) {
                let (_, place, map) = offers.remove(best);
                let (y, x) = (place / output.width, place % output.width);
                let near = |w: &(usize, usize, usize, usize)| {
                    w.1.abs_diff(y) <= config.radius && w.2.abs_diff(x) <= config.radius
                };
                let free = winners.iter().all(|w| w.0 != map) && (config.radius == 0 || !winners.iter().any(near));
                if free && winners.len() < config.winners {
                    winners.push((map, y, x, bin));
                }
            }
        }
        winners
    }

    /// Weights after one image, `[map][channel][ky][kx]`.
    fn learned(&self) -> Vec<f32> {
        let (config, input) = (self.layer.config(), self.layer.input());
        let rate = config.rate_after(self.layer.seen() + 1);
        let winners = self.winners();
        let mut weights = Vec::new();
        for map in 0..config.maps {
            for c in 0..input.channels {
                for ky in 0..config.kernel {
                    for kx in 0..config.kernel {
                        let mut w = self.layer.weight(map, c, ky, kx);
                        for &(_, y, x, bin) in winners.iter().filter(|winner| winner.0 == map) {
                            let (y, x) = (y + ky, x + kx);
                            let p = config.padding;
                            let inside = y >= p && x >= p && y - p < input.height && x - p < input.width;
                            let at = |(y, x): (usize, usize)| ((y - p) * input.width + x - p) * input.channels + c;
                            let early = inside && self.bins[at((y, x))].is_some_and(|b| b <= bin);
                            let a = if early { rate } else { -config.depression * rate };
                            w = (w + a * w * (1.0 - w)).clamp(0.0, 1.0);
                        }
                        weights.push(w);
                    }
                }
            }
        }
        weights
    }
}

/// Small layers of any shape, and what they receive.
fn cases() -> impl Strategy<Value = (ConvStdpConfig, Grid, Vec<Bins>, usize, u64)> {
    let sizes = (1_usize..7, 1_usize..7, 1_usize..4, 1_usize..20, 1_usize..5, 0_usize..4, 1_usize..6);
    let rest = (1_usize..6, 0_usize..3, prop_oneof![Just(None), (1_usize..4).prop_map(Some)], 0.3_f32..6.0);
    (sizes, rest, 0_u64..1000).prop_flat_map(|((height, width, channels, maps, kernel, padding, steps), rest, seed)| {
        let (winners, radius, keep, threshold) = rest;
        let padding = padding.min(kernel - 1).max(kernel.saturating_sub(height.min(width)).div_ceil(2));
        let (rate, double_every) = (0.1, 2);
        let base = ConvStdpConfig { std: 0.3, mean: 0.5, rate, largest_rate: 0.3, double_every, ..Default::default() };
        let config = ConvStdpConfig { maps, kernel, padding, threshold, keep, winners, radius, ..base };
        let input = Grid { height, width, channels };
        let bins = prop::collection::vec(prop::option::weighted(0.6, 0..steps), input.len());
        (Just(config), Just(input), prop::collection::vec(bins, 1..5), Just(steps), Just(seed))
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn spikes_winners_and_weights_are_those_of_the_equations((config, input, images, steps, seed) in cases()) {
        let mut layer = ConvStdp::new(config, input, &mut Streams::new(seed).rng("init", 0, 0)).unwrap();
        let mut activity = Activity::default();
        for bins in &images {
            let train = train(bins, steps);
            let naive = Naive { layer: &layer, bins, steps };
            let (earliness, winners, learned) = (naive.infer(), naive.winners(), naive.learned());
            layer.infer(&train, &mut activity).unwrap();
            prop_assert_eq!(activity.earliness(), &earliness[..]);
            layer.learn(&train, &mut activity).unwrap();
            let won: Vec<_> = activity
                .winners()
                .iter()
                .map(|w| (w.map as usize, w.y as usize, w.x as usize, w.bin as usize))
                .collect();
            prop_assert_eq!(won, winners);
            prop_assert_eq!(layer.state().weights, learned);
        }
        prop_assert_eq!(layer.seen(), images.len() as u64);
        prop_assert!((0.0..=0.25).contains(&layer.convergence()));
    }

    #[test]
    fn a_state_goes_on_bit_for_bit((config, input, images, steps, seed) in cases()) {
        let new = |seed| ConvStdp::new(config.clone(), input, &mut Streams::new(seed).rng("init", 0, 0)).unwrap();
        let (mut whole, mut activity) = (new(seed), Activity::default());
        let mut resumed = new(seed + 1);
        for bins in &images {
            let train = train(bins, steps);
            let state = serde_json::to_string(&whole.state()).unwrap();
            resumed.restore(&serde_json::from_str(&state).unwrap()).unwrap();
            whole.learn(&train, &mut activity).unwrap();
            resumed.learn(&train, &mut activity).unwrap();
            prop_assert_eq!(&whole, &resumed);
        }
    }
}

/// A layer of real size, and an image.
fn large() -> (ConvStdp, SpikeTrain) {
    let input = Grid { height: 28, width: 28, channels: 2 };
    let config = ConvStdpConfig { keep: Some(2), ..ConvStdpConfig::default() };
    let layer = ConvStdp::new(config, input, &mut Streams::new(7).rng("init", 0, 0)).unwrap();
    let bins: Bins = (0..input.len()).map(|i| (i * i % 7 == 1).then_some(i * 31 % 15)).collect();
    (layer, train(&bins, 15))
}

#[test]
fn a_second_image_allocates_nothing() {
    let ((mut layer, train), mut activity) = (large(), Activity::default());
    layer.infer(&train, &mut activity).unwrap();
    layer.learn(&train, &mut activity).unwrap();
    let again = allocation_counter::measure(|| {
        layer.infer(&train, &mut activity).unwrap();
        layer.learn(&train, &mut activity).unwrap();
    });
    assert_eq!(again.count_total, 0);
}

#[test]
fn maps_specialise_on_what_they_are_shown() {
    let input = Grid { height: 3, width: 3, channels: 1 };
    let config =
        ConvStdpConfig { maps: 2, kernel: 3, padding: 0, threshold: 1.0, depression: 1.3, ..ConvStdpConfig::default() };
    let mut layer = ConvStdp::new(config, input, &mut Streams::new(3).rng("init", 0, 0)).unwrap();
    let bar = |rows: [usize; 3]| train(&(0..9).map(|i| rows.contains(&i).then_some(0)).collect(), 1);
    let bars = [bar([0, 1, 2]), bar([6, 7, 8])];
    let mut activity = Activity::default();
    let mut last = [0; 2];
    for i in 0..6000 {
        layer.learn(&bars[i % 2], &mut activity).unwrap();
        last[i % 2] = activity.winners()[0].map;
    }
    assert_ne!(last[0], last[1], "each bar has its map");
    assert!(layer.convergence() < 0.01, "{}", layer.convergence());
    for (bar, map) in last.iter().enumerate() {
        for ky in 0..3 {
            let expected = if ky == 2 * bar { 1.0 } else { 0.0 };
            // On its way to 0 or 1, which it never reaches.
            assert_abs_diff_eq!(layer.weight(*map as usize, 0, ky, 1), expected, epsilon = 0.05);
        }
    }
}

/// One place, one map a class, two inputs: every step by hand.
#[test]
fn reward_and_punishment_follow_the_published_rule() {
    let input = Grid { height: 1, width: 1, channels: 2 };
    let config = RewardConfig {
        maps_per_class: 1,
        kernel: 1,
        padding: 0,
        adapt_every: 2,
        std: 0.0,
        mean: 0.5,
        ..RewardConfig::default()
    };
    let mut layer = RewardStdp::new(config, input, 2, &mut Streams::new(1).rng("init", 0, 0)).unwrap();
    let mut activity = Activity::default();
    let first = train(&vec![Some(0), None], 1);
    let close = |layer: &RewardStdp, expected: [f32; 4]| {
        for (w, e) in layer.state().weights.iter().zip(expected) {
            assert_abs_diff_eq!(*w, e, epsilon = 1e-6);
        }
    };
    // Equal potentials: the first map. Wrong, at a share of hits of 0.1.
    assert_eq!(layer.learn(&first, 1, &mut activity).unwrap(), Some(0));
    close(&layer, [0.5 - 0.0004, 0.5 + 0.00005, 0.5, 0.5]);
    // Now the other is more excited. Right, at a share of misses of 0.9.
    assert_eq!(layer.learn(&first, 1, &mut activity).unwrap(), Some(1));
    close(&layer, [0.4996, 0.50005, 0.5 + 0.0036, 0.5 - 0.0027]);
    // One hit and one miss in two images: both shares are a half from here on.
    assert_eq!(layer.learn(&first, 0, &mut activity).unwrap(), Some(1));
    close(&layer, [0.4996, 0.50005, 0.5036 - 0.002, 0.4973 + 0.00025]);
    // Silence decides nothing and changes nothing.
    let (silence, before) = (train(&vec![None, None], 1), layer.state().weights);
    assert_eq!(layer.learn(&silence, 0, &mut activity).unwrap(), None);
    assert_eq!(layer.state().weights, before);
    for _ in 0..3000 {
        layer.learn(&first, 1, &mut activity).unwrap();
    }
    assert!(layer.state().weights.iter().all(|w| (0.2..=0.8).contains(w)), "bounded");
}

#[test]
fn hostile_trains_states_and_parameters_are_refused() {
    let (mut layer, _) = large();
    let mut activity = Activity::default();
    for bad in [SpikeTrain::new(5), train(&vec![None; 28 * 28 * 2], 255)] {
        assert!(layer.infer(&bad, &mut activity).is_err() && layer.learn(&bad, &mut activity).is_err());
    }
    let good = layer.state();
    let mut states = vec![good.clone(); 3];
    states[0].weights.pop();
    states[1].weights[3] = f32::NAN;
    states[2].wins.push(0);
    for state in states {
        assert!(layer.restore(&state).is_err());
        assert_eq!(layer.state(), good, "a refused state changes nothing");
    }
    let grid = Grid { height: 4, width: 4, channels: 1 };
    let ok = RewardConfig::default();
    for config in [
        RewardConfig { maps_per_class: 0, ..ok.clone() },
        RewardConfig { kernel: 99, ..ok.clone() },
        RewardConfig { reward: (f32::NAN, 0.0), ..ok.clone() },
        RewardConfig { punishment: (0.0, f32::INFINITY), ..ok.clone() },
        RewardConfig { bounds: (0.8, 0.2), ..ok.clone() },
        RewardConfig { bounds: (f32::NAN, 1.0), ..ok.clone() },
    ] {
        assert!(RewardStdp::new(config, grid, 10, &mut Streams::new(1).rng("init", 0, 0)).is_err());
    }
    assert!(RewardStdp::new(ok, grid, 0, &mut Streams::new(1).rng("init", 0, 0)).is_err(), "no classes");
}
