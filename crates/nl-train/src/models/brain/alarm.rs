//! A loud word when a trained brain is worth less than something simpler.

use crate::report::text::percent;

/// Which test images each way to decide named correctly, in the same order.
#[derive(Debug, Clone, Copy)]
pub struct Scores<'a> {
    /// The cortex.
    pub cortex: &'a [bool],
    /// The memory.
    pub memory: &'a [bool],
    /// Nearest neighbours in pixels, of the images at these places among the others.
    pub pixels: (&'a [u32], &'a [bool]),
    /// Share of the commonest class.
    pub commonest: f64,
}

/// Of what lies between guessing and knowing everything, a cortex that has learned something has more than this.
const SOMETHING: f64 = 0.1;
/// Shares that differ by less are alike for every purpose.
const MATTERS: f64 = 0.01;

/// What the reader has to be told, one sentence or two each; nothing if the cortex is well above chance and not clearly below
/// the others.
///
/// Near chance: accuracy below g + max(0.1 (1 − g), 3 √(g (1 − g) / n)), g the share of the commonest class. Clearly below
/// another: of the images on which they differ, it is wrong on more by two standard deviations, and on 1 % of all (McNemar,
/// Psychometrika 12, 1947).
///
/// ```
/// use nl_train::models::brain::alarm::{Scores, alarms};
/// let (cortex, memory) = ([false; 50], [true; 50]);
/// let words = alarms(Scores { cortex: &cortex, memory: &memory, pixels: (&[], &[]), commonest: 0.1 });
/// assert!(words[0].contains("next to nothing") && words[1].contains("memory"));
/// ```
#[must_use]
pub fn alarms(scores: Scores<'_>) -> Vec<String> {
    let share = |right: &[bool]| right.iter().filter(|&&right| right).count() as f64 / right.len().max(1) as f64;
    let Scores { cortex, memory, pixels: (places, pixels), commonest } = scores;
    let (n, reached) = (cortex.len().max(1) as f64, share(cortex));
    let mut words = Vec::new();
    let luck = 3.0 * (commonest * (1.0 - commonest) / n).sqrt();
    if reached < commonest + luck.max(SOMETHING * (1.0 - commonest)) {
        words.push(format!(
            "The cortex recognises {}, where naming the commonest class for every image would reach {}: it has learned next to \
             nothing. Give it more time (min_images of the stages that learn) or more images, and look whether the labels belong to the \
             images.",
            percent(reached, 1),
            percent(commonest, 1)
        ));
    }
    if clearly_below(cortex, memory) {
        words.push(format!(
            "The cortex ({}) is clearly below the memory ({}) that is made of its own embeddings: it has had too little time, or \
             its images were distorted too much. More of it (`learn.min_images` of the stage `classify`) may help.",
            percent(reached, 1),
            percent(share(memory), 1)
        ));
    }
    let beside: Vec<bool> = places.iter().filter_map(|&at| cortex.get(at as usize).copied()).collect();
    if clearly_below(&beside, pixels) {
        words.push(format!(
            "Plain nearest neighbours, pixel by pixel, recognise {} of {} test images, the cortex {}: on these images a simple \
             method does better. More time (min_images) or less distortion (augment) may help.",
            percent(share(pixels), 1),
            pixels.len(),
            percent(share(&beside), 1)
        ));
    }
    words
}

/// Whether `one` is right less often than `other`, by more than luck and by enough to matter.
fn clearly_below(one: &[bool], other: &[bool]) -> bool {
    let (mut won, mut lost) = (0.0_f64, 0.0_f64);
    for (one, other) in one.iter().zip(other) {
        match (one, other) {
            (true, false) => won += 1.0,
            (false, true) => lost += 1.0,
            _ => {}
        }
    }
    lost - won > (2.0 * (won + lost).sqrt()).max(MATTERS * one.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(right: usize, of: usize) -> Vec<bool> {
        (0..of).map(|i| i < right).collect()
    }

    fn said(cortex: usize, memory: usize, pixels: usize, commonest: f64) -> Vec<&'static str> {
        let places: Vec<u32> = (0..1_000).collect();
        let (cortex, memory, pixels) = (first(cortex, 1_000), first(memory, 1_000), first(pixels, 1_000));
        let scores = Scores { cortex: &cortex, memory: &memory, pixels: (&places, &pixels), commonest };
        let topic = |word: &String| {
            ["learned next to nothing", "clearly below the memory", "pixel by pixel"]
                .into_iter()
                .find(|topic| word.contains(topic))
                .unwrap()
        };
        alarms(scores).iter().map(topic).collect()
    }

    #[test]
    fn what_is_worth_a_word_is_said_and_nothing_else() {
        assert!(said(900, 905, 880, 0.1).is_empty());
        assert!(said(995, 1_000, 1_000, 0.1).is_empty(), "half a percent is no matter");
        assert_eq!(said(105, 105, 105, 0.1), ["learned next to nothing"]);
        assert_eq!(said(185, 185, 185, 0.1), ["learned next to nothing"]);
        assert!(said(200, 200, 200, 0.1).is_empty());
        // Nine of ten in one class.
        assert_eq!(said(905, 905, 905, 0.9), ["learned next to nothing"]);
        assert!(said(930, 930, 930, 0.9).is_empty());
        assert_eq!(said(880, 900, 880, 0.1), ["clearly below the memory"]);
        assert_eq!(said(880, 880, 930, 0.1), ["pixel by pixel"]);
        assert_eq!(said(100, 800, 800, 0.1).len(), 3);
    }

    /// 30 images for the one, 50 for the other: 20 more of 80, two standard deviations are 17.9.
    #[test]
    fn luck_is_told_from_less() {
        let pair = |won: usize, lost: usize| {
            let one: Vec<bool> = (0..1_000).map(|i| i < won || i >= won + lost).collect();
            let other: Vec<bool> = (0..1_000).map(|i| i >= won).collect();
            clearly_below(&one, &other)
        };
        assert!(pair(30, 50));
        assert!(!pair(35, 50) && !pair(50, 30) && !pair(0, 0) && !clearly_below(&[], &[]));
    }
}
