//! The laws bite: every deliberate mistake is caught, by the law that is named here and in `docs/laws.md`.

mod rate;
mod reward;
mod spiking;

use std::fmt::Write;

use nl_plasticity::laws::{Cases, Config, Law, Violation, principal_components, selectivity, sliding_threshold};

/// (mistake, law that catches it, in words).
const SPIKING: &[(spiking::Fault, Law, &str)] = {
    use spiking::Fault::*;
    &[
        (SwappedPreAndPost, Law::Window, "pre and post swapped"),
        (NoUpperBound, Law::Bounds, "clipped below only"),
        (NoLowerBound, Law::Bounds, "clipped above only"),
        (NoBounds, Law::Bounds, "never clipped"),
        (JumpTimesDt, Law::Refinement, "a trace jumps by dt instead of 1"),
        (EulerDecay, Law::Window, "1 - dt/τ in place of exp(-dt/τ)"),
        (DecayTwice, Law::Window, "decay applied twice"),
        (DepressionPotentiates, Law::Window, "sign of depression"),
        (OwnJumpRead, Law::Coincidence, "a trace read after the jump of the same step"),
        (TimeZeroSentinel, Law::TimeShift, "time of the last spike begins at 0"),
        (TimeInSinglePrecision, Law::TimeShift, "time kept in f32"),
        (SharedTrace, Law::Locality, "one trace for all neurons"),
        (LeakyNormalisation, Law::Copies, "normalisation over the whole connection"),
        (StateNotSaved, Law::Resume, "a trace left out of the saved state"),
        (SilentStepsUncounted, Law::Skipping, "decay by steps shown instead of time passed"),
        (PotentiationTimesWeight, Law::Window, "potentiation silently proportional to w"),
        (NearestAddsUp, Law::Pairs, "nearest neighbour implemented as all-to-all"),
        (Transposed, Law::Locality, "pre trace read at the post index"),
        (DenseNumbering, Law::Locality, "synapse number computed as if dense"),
        (WrongDelay, Law::AxonalDelay, "axonal delay applied to the post train"),
        (AxonalDelayTooLong, Law::AxonalDelay, "a delay one step too long"),
        (RateForgotten, Law::RateZero, "learning rate missing in depression"),
        (RateInTheTrace, Law::RateLinear, "learning rate in the trace as well"),
        (SpikesUnchecked, Law::Refusal, "spikes of unknown neurons ignored"),
        (DriftInSilence, Law::Silence, "weights decay in silence"),
        (EverySynapseDepressed, Law::Untouched, "a spike depresses synapses of other neurons"),
        (UnnamedModulator, Law::Gate, "listens to a modulator it does not name"),
        (TraceNeverDecays, Law::Forgetting, "a trace that never decays"),
        (TripletReadsOwnJump, Law::Window, "triplet: slow trace read after its own jump"),
        (InhibitoryAlphaSign, Law::Window, "Vogels: sign of α"),
    ]
};

const REWARD: &[(reward::Fault, Law, &str)] = {
    use reward::Fault::*;
    &[
        (EligibilityNeverDecays, Law::Forgetting, "eligibility never decays"),
        (DopamineNeedsNoEligibility, Law::Silence, "dopamine changes weights without eligibility"),
        (NoDopamineNeeded, Law::Gate, "weights change without dopamine"),
        (SettledAgain, Law::Settle, "what was due is applied at every settling"),
        (SettledWithOthers, Law::Locality, "a bound is met when another synapse's neuron spikes"),
    ]
};

/// (mistake, name of the law, the law, in words).
const RATE: &[(rate::Fault, &str, RateLaw, &str)] = {
    use rate::Fault::*;
    &[
        (OjaWithoutDecay, "principal_components", components, "Oja without the decay term"),
        (OjaDecayLinearInY, "principal_components", components, "Oja's decay by y instead of y²"),
        (SangerWithoutDeflation, "principal_components", components, "Sanger without deflation"),
        (BcmFixedThreshold, "sliding_threshold", threshold, "BCM with a fixed threshold"),
    ]
};

type RateLaw = fn(&rate::Rate) -> Result<Cases, Box<Violation>>;

fn components(rule: &rate::Rate) -> Result<Cases, Box<Violation>> {
    principal_components(rule, 2, 1.0, &Config::default())
}

fn threshold(rule: &rate::Rate) -> Result<Cases, Box<Violation>> {
    sliding_threshold(rule, 1000)
}

/// The violation that a mistake causes; panics if the law is blind to it.
fn caught(result: Result<Cases, Box<Violation>>, law: &str, words: &str) -> Box<Violation> {
    let violation = result.expect_err(&format!("{words}: not caught by {law}"));
    assert_eq!(violation.law, law, "{words}: {violation}");
    println!("{words}:\n{violation}\n");
    violation
}

#[test]
fn every_mistake_is_caught_by_the_law_that_is_named() {
    let drawn = |violation: Box<Violation>| {
        let text = violation.to_string();
        assert!(text.contains("\n    pre 0   ") && text.contains("\n    post 0  "), "no raster in\n{text}");
    };
    for &(fault, law, words) in SPIKING {
        drawn(caught(law.check(&spiking::broken(fault), &Config::default()), law.name(), words));
    }
    for &(fault, law, words) in REWARD {
        drawn(caught(law.check(&reward::broken(fault), &Config::default()), law.name(), words));
    }
    for &(fault, name, law, words) in RATE {
        caught(law(&rate::Rate(fault)), name, words);
    }
    // With a fixed threshold a neuron that starts below it falls silent.
    caught(
        selectivity(&rate::Rate(rate::Fault::BcmFixedThreshold), 40_000, &Config::default()),
        "selectivity",
        "fixed",
    );
}

#[test]
fn the_documentation_lists_every_mistake() {
    let spiking = SPIKING.iter().map(|(_, law, words)| (law.name(), words));
    let reward = REWARD.iter().map(|(_, law, words)| (law.name(), words));
    let rate = RATE.iter().map(|(_, name, _, words)| (*name, words));
    let mut expected = String::from("| mistake | caught by |\n| --- | --- |\n");
    for (law, words) in spiking.chain(reward).chain(rate) {
        writeln!(expected, "| {words} | `{law}` |").expect("a string");
    }
    let docs = include_str!("../../../../docs/laws.md");
    assert!(docs.contains(&expected), "docs/laws.md must contain\n{expected}");
}

/// So that it is the mistake that is caught.
#[test]
fn without_a_mistake_the_same_rules_obey_every_law() {
    for &law in Law::ALL {
        if let Err(violation) = law.check(&spiking::broken(spiking::Fault::None), &Config::default()) {
            panic!("{violation}");
        }
        if [Law::Window, Law::Pairs, Law::Coincidence].contains(&law) {
            continue; // the reward-modulated rule claims no window
        }
        if let Err(violation) = law.check(&reward::broken(reward::Fault::None), &Config::default()) {
            panic!("{violation}");
        }
    }
}

/// Where a pre and a post spike fall into one step, the message points at the option that rules it; else it does not.
#[test]
fn a_violation_hints_at_coincident_spikes() {
    let message =
        |fault, law: Law| law.check(&spiking::broken(fault), &Config::default()).expect_err("a mistake").to_string();
    let coincident = message(spiking::Fault::OwnJumpRead, Law::Coincidence);
    assert!(coincident.contains("coincide in step") && coincident.contains("`.coincidence(…)`"), "{coincident}");
    let apart = message(spiking::Fault::DepressionPotentiates, Law::Window);
    assert!(!apart.contains("hint"), "{apart}");
}

#[test]
fn a_violation_says_what_how_much_and_when() {
    let found = Law::Bounds.check(&spiking::broken(spiking::Fault::NoUpperBound), &Config::default());
    let expected = "\
law `bounds` is broken by the broken rule
  law:   weights that start within [w_min, w_max] are there after every step
  found: w(0→0) = 1.0095122942450072 after step 1, outside [0, 1]
  shortest example: dt = 1 ms, 1 pre, 1 post, at first w(0→0) = 1
    step    0    5
    pre 0   |.........
    post 0  .|........";
    assert_eq!(found.unwrap_err().to_string(), expected);
}
