//! The distal reward problem (Izhikevich 2007): one of 20 synapses is rewarded for driving its neuron, but a second or more
//! later, when many other spikes have passed. Its eligibility trace remembers; dopamine makes it count.
//! `cargo run --release -p nl-plasticity --example distal_reward`

use std::io::Write;

use nl_plasticity::{
    Activity, AmplitudeUnit, DopamineStdp, DopamineStdpParameters, Modulators, Ms, PlasticityRule, Weights,
};
use nl_random::Streams;
use nl_synapse::Dense;
use rand::RngExt;

const INPUTS: usize = 20;
const SECONDS: u64 = 1000;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let rule = DopamineStdp::<f32>::new(
        DopamineStdpParameters {
            // Shares of the way from 0 to 1 in a millisecond of dopamine 1. Less dopamine than the baseline weakens what is
            // eligible, so that pairs which have nothing to do with reward gain and lose alike.
            a_plus: 5e-4,
            a_minus: 7.5e-4,
            baseline: 0.012,
            amplitude_unit: AmplitudeUnit::Range,
            w_max: 1.0,
            ..DopamineStdpParameters::default()
        },
        Ms(1.0),
    )?;
    let mut weights = Dense::new(INPUTS, 1, vec![0.3; INPUTS])?;
    let mut state = rule.state(INPUTS, 1, INPUTS)?;
    let mut rng = Streams::new(1).rng("example", 0, 0);
    let (mut due_spikes, mut due_rewards, mut last_of_first) = (Vec::new(), Vec::new(), None);
    let (mut rewards, mut out) = (0, std::io::stdout());
    writeln!(out, "{:>6}  {:8}  {:>8}  {:>8}", "time", "rewards", "rewarded", "others")?;
    for now in 0..=SECONDS * 1000 {
        if now % (SECONDS * 100) == 0 {
            rule.settle(&mut state, now, &mut weights)?;
            let (first, others) = (weights.weights()[0], &weights.weights()[1..]);
            let mean = others.iter().sum::<f32>() / others.len() as f32;
            let bar = "#".repeat((first * 40.0) as usize);
            writeln!(out, "{:4} s  {rewards:8}  {first:8.3}  {mean:8.3}  {bar}", now / 1000)?;
        }
        // Each input fires at 1 Hz; its spike drives the neuron, 2 to 5 ms later, with a probability that is its weight.
        let pre: Vec<u32> = (0..INPUTS as u32).filter(|_| rng.random::<f64>() < 1e-3).collect();
        rule.settle_outgoing(&mut state, now.saturating_sub(1), &pre, &mut weights)?;
        for &i in &pre {
            if rng.random::<f32>() < weights.weights()[i as usize] {
                due_spikes.push(now + rng.random_range(2..=5_u64));
            }
            if i == 0 {
                last_of_first = Some(now);
            }
        }
        let fires = due_spikes.contains(&now) || rng.random::<f64>() < 1e-3;
        due_spikes.retain(|&due| due > now);
        // Input 0 and then the neuron within 10 ms: reward, in one to two seconds.
        if fires && last_of_first.is_some_and(|last| (1..=10).contains(&(now - last))) {
            due_rewards.push(now + rng.random_range(1000..2000_u64));
        }
        let released = due_rewards.iter().filter(|&&due| due == now).count();
        due_rewards.retain(|&due| due > now);
        rewards += released;
        if !pre.is_empty() || fires || released > 0 {
            let modulators = Modulators { dopamine: 0.1 * released as f64, ..Modulators::default() };
            let post: &[u32] = if fires { &[0] } else { &[] };
            rule.step(&mut state, &Activity::spikes(now, &pre, post).with_modulators(modulators), &mut weights)?;
        }
    }
    Ok(())
}
