//! Patterns are stored and asked for.

use nl_data::synthetic;
use nl_memory::hopfield::{HopfieldNetwork, ModernHopfield, Update};
use nl_random::Streams;
use rand::RngExt;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::config::{ClassicalConfig, DigitsConfig, ModernConfig, patterns};
use crate::Error;

/// What one network showed; overlaps are m = (1/N) Σ ξ_i s_i, means over its cues.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct Trial {
    /// The stage, from 0.
    pub(super) stage: u32,
    /// Patterns per unit.
    pub(super) load: f64,
    /// P
    pub(super) patterns: u32,
    /// Of the cues.
    pub(super) cue: f64,
    /// Share of units that are wrong after one update of a stored pattern itself.
    pub(super) first_errors: f64,
    /// Where retrieval ended.
    pub(super) overlap: f64,
    /// Share of retrievals that came to rest.
    pub(super) stable: f64,
}

/// One digit, stored and asked for; pixels are ±1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Digit {
    pub(super) class: u8,
    pub(super) stored: Vec<i8>,
    pub(super) cue: Vec<i8>,
    pub(super) classical: Vec<i8>,
    pub(super) modern: Vec<f32>,
}

/// Side of a drawn digit.
pub(super) const SIDE: usize = 28;
/// Units of the networks that store digits.
pub(super) const PIXELS: usize = SIDE * SIDE;
/// Sweeps and updates for a digit, at most.
const SWEEPS: usize = 100;

/// The random numbers of one network.
#[derive(Clone, Copy)]
pub(super) struct Draw {
    pub(super) streams: Streams,
    /// Different for every network of a run.
    pub(super) number: u64,
}

impl Draw {
    fn pattern(self, units: usize, index: usize) -> Vec<i8> {
        let mut rng = self.streams.rng("hopfield/pattern", self.number, index as u64);
        (0..units).map(|_| if rng.random::<bool>() { 1 } else { -1 }).collect()
    }

    /// `pattern` with round(noise · N) of its units turned.
    fn cue(self, pattern: &[i8], noise: f64, index: usize) -> Vec<i8> {
        let mut rng = self.streams.rng("hopfield/cue", self.number, index as u64);
        let (n, mut cue) = (pattern.len(), pattern.to_vec());
        let mut order: Vec<usize> = (0..n).collect();
        for i in 0..((noise * n as f64).round() as usize).min(n) {
            order.swap(i, rng.random_range(i..n));
            cue[order[i]] = -cue[order[i]];
        }
        cue
    }
}

/// m = (1/N) Σ ξ_i s_i
pub(super) fn overlap<T: Copy + Into<f64>>(pattern: &[i8], state: &[T]) -> f64 {
    let sum: f64 = pattern.iter().zip(state).map(|(&a, &b)| f64::from(a) * b.into()).sum();
    sum / pattern.len().max(1) as f64
}

/// Cue, share of wrong units after one update, overlap at the end, whether it rests.
type Asked = (f64, f64, f64, bool);

fn trial(load: f64, count: usize, asked: &[Asked]) -> Trial {
    let mean = |of: fn(&Asked) -> f64| asked.iter().map(of).sum::<f64>() / asked.len().max(1) as f64;
    Trial {
        stage: 0,
        load,
        patterns: count as u32,
        cue: mean(|it| it.0),
        first_errors: mean(|it| it.1),
        overlap: mean(|it| it.2),
        stable: mean(|it| f64::from(u8::from(it.3))),
    }
}

/// A classical network of `load`.
pub(super) fn classical(config: &ClassicalConfig, load: f64, units: usize, draw: Draw) -> Result<Trial, Error> {
    let count = patterns(load, units);
    let mut network = HopfieldNetwork::new(units)?;
    for i in 0..count {
        network.store(&draw.pattern(units, i))?;
    }
    let one = |i: usize| -> Result<Asked, Error> {
        let pattern = draw.pattern(units, i);
        let mut once = pattern.clone();
        network.retrieve(&mut once, Update::Synchronous, 1)?;
        let mut state = draw.cue(&pattern, config.noise, i);
        let cue = overlap(&pattern, &state);
        let update = match config.update {
            Update::Asynchronous { seed } => Update::Asynchronous { seed: seed.wrapping_add(i as u64) },
            Update::Synchronous => Update::Synchronous,
        };
        let end = network.retrieve(&mut state, update, config.sweeps)?;
        Ok((cue, 0.5 * (1.0 - overlap(&pattern, &once)), overlap(&pattern, &state), end.stable))
    };
    let asked: Vec<Asked> = (0..config.cues.min(count)).into_par_iter().map(one).collect::<Result<_, _>>()?;
    Ok(trial(count as f64 / units as f64, count, &asked))
}

/// A modern network of `load`.
pub(super) fn modern(config: &ModernConfig, load: f64, units: usize, draw: Draw) -> Result<Trial, Error> {
    let count = patterns(load, units);
    let mut network = ModernHopfield::new(units, config.beta.unwrap_or(1.0 / (units as f64).sqrt()))?;
    for i in 0..count {
        network.store(&reals(&draw.pattern(units, i)))?;
    }
    let one = |i: usize| -> Result<Asked, Error> {
        let pattern = draw.pattern(units, i);
        let mut once = reals(&pattern);
        network.retrieve(&mut once, 1)?;
        let wrong = once.iter().zip(&pattern).filter(|(s, p)| **s * f32::from(**p) <= 0.0).count();
        let cue = draw.cue(&pattern, config.noise, i);
        let mut state = reals(&cue);
        let end = network.retrieve(&mut state, config.updates)?;
        Ok((overlap(&pattern, &cue), wrong as f64 / units as f64, overlap(&pattern, &state), end.stable))
    };
    let asked: Vec<Asked> = (0..config.cues.min(count)).into_par_iter().map(one).collect::<Result<_, _>>()?;
    Ok(trial(count as f64 / units as f64, count, &asked))
}

fn reals(pattern: &[i8]) -> Vec<f32> {
    pattern.iter().map(|&s| f32::from(s)).collect()
}

/// The first drawn digit of each class, in a network of each kind.
pub(super) fn digits(config: &DigitsConfig, seed: u64, draw: Draw) -> Result<Vec<Digit>, Error> {
    let images = synthetic::digits(200, 1, seed).train;
    let mut found: Vec<Digit> = Vec::new();
    for class in 0..images.classes() as u8 {
        let Some(i) = images.labels().iter().position(|&label| label == class) else { continue };
        let stored: Vec<i8> = images.image(i).iter().map(|&pixel| if pixel > 127 { 1 } else { -1 }).collect();
        let cue = draw.cue(&stored, config.noise, usize::from(class));
        let modern = reals(&cue);
        found.push(Digit { class, stored, classical: cue.clone(), modern, cue });
    }
    let units = images.area();
    let mut classical = HopfieldNetwork::new(units)?;
    let mut modern = ModernHopfield::new(units, config.beta.unwrap_or(1.0 / (units as f64).sqrt()))?;
    for digit in &found {
        classical.store(&digit.stored)?;
        modern.store(&reals(&digit.stored))?;
    }
    for digit in &mut found {
        classical.retrieve(&mut digit.classical, Update::Asynchronous { seed: u64::from(digit.class) }, SWEEPS)?;
        modern.retrieve(&mut digit.modern, SWEEPS)?;
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use nl_memory::hopfield::theory;

    fn draw(number: u64) -> Draw {
        Draw { streams: Streams::new(3), number }
    }

    #[test]
    fn a_cue_has_as_many_wrong_units_as_it_should() {
        let pattern = draw(1).pattern(200, 0);
        for (noise, wrong) in [(0.0, 0), (0.1, 20), (0.49, 98)] {
            let cue = draw(1).cue(&pattern, noise, 4);
            assert_eq!(pattern.iter().zip(&cue).filter(|(a, b)| a != b).count(), wrong);
            assert!((overlap(&pattern, &cue) - (1.0 - 2.0 * wrong as f64 / 200.0)).abs() < 1e-12);
        }
        assert_ne!(draw(1).pattern(200, 1), pattern);
        assert_ne!(draw(2).pattern(200, 0), pattern);
    }

    /// Small networks of low load are as theory says; the modern one keeps what a classical one cannot.
    #[test]
    fn loads_are_as_theory_says() {
        let config = ClassicalConfig { cues: 20, ..ClassicalConfig::default() };
        let found = classical(&config, 0.1, 500, draw(1)).unwrap();
        assert_eq!((found.patterns, found.load, found.cue), (50, 0.1, 1.0));
        let expected = theory::overlap(0.1).unwrap();
        assert!((found.overlap - expected).abs() < 0.01, "{found:?} {expected}");
        // Five standard errors of a share of 20 x 500 units.
        let errors = theory::first_errors(0.1);
        assert!((found.first_errors - errors).abs() < 5.0 * (errors / 10_000.0).sqrt() + 0.1 * errors, "{found:?}");

        let beyond = ModernConfig::default();
        let found = modern(&beyond, 1.0, 400, draw(2)).unwrap();
        assert!((found.cue - 0.6).abs() < 1e-12);
        assert!(found.overlap > 0.999 && found.stable == 1.0, "{found:?}");
        let lost = classical(&ClassicalConfig { noise: 0.2, ..config }, 0.5, 400, draw(3)).unwrap();
        assert!(lost.overlap < 0.6, "{lost:?}");
    }

    #[test]
    fn digits_are_kept_apart_by_the_modern_network_only() {
        let found = digits(&DigitsConfig::default(), 1, draw(4)).unwrap();
        assert_eq!(found.len(), 10);
        assert!(found.iter().all(|digit| digit.stored.len() == PIXELS));
        let mean = |of: fn(&Digit) -> f64| found.iter().map(of).sum::<f64>() / 10.0;
        let (modern, classical) = (mean(|d| overlap(&d.stored, &d.modern)), mean(|d| overlap(&d.stored, &d.classical)));
        assert!(modern > 0.99 && classical < modern, "{modern} {classical}");
    }
}
