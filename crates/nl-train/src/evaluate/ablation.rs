//! What each part of a model adds: the score without it.

use nl_report::Figure;
use nl_report::plots::{Interval, Intervals};
use nl_report::text::{percent, thousands};
use serde::{Deserialize, Serialize};

use crate::metrics::wilson_interval;

/// How often a model is right with one of its parts cut out at a time, everything else as it was learned.
///
/// What stands in for the part is said with each result, since it is a choice: 0 is what is left when all weights and biases of
/// rectified units are set to 0 (Meyes et al. 2019); the mean over training images takes away only what a part says about an
/// image. A part that others can stand in for costs little alone: results do not add up.
///
/// Source: Meyes, Lu, Waubert de Puiseau & Meisen, "Ablation studies in artificial neural networks", arXiv:1901.08644, 2019.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ablation {
    /// Test images, evenly spread over all of them.
    pub images: usize,
    /// Training images that means are taken over.
    pub mean_of: usize,
    /// Accuracy of the whole model on these images.
    pub whole: f64,
    /// One part after the other, from the input on.
    pub cuts: Vec<Ablated>,
}

/// The accuracy without a part.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ablated {
    /// The layer or region.
    pub part: String,
    /// What stands in for it: `"0"`, `"mean"`.
    pub instead: String,
    /// The accuracy that remains.
    pub accuracy: f64,
}

impl Ablation {
    /// A row for each cut, with its 95 % interval, over one axis.
    ///
    /// ```
    /// use nl_train::evaluate::{Ablated, Ablation};
    /// let cut = Ablated { part: "V1".into(), instead: "mean".into(), accuracy: 0.2 };
    /// let ablation = Ablation { images: 100, mean_of: 50, whole: 0.9, cuts: vec![cut] };
    /// assert!(ablation.figure().text.contains("100 test images"));
    /// ```
    #[must_use]
    pub fn figure(&self) -> Figure {
        let n = self.images as u64;
        let row = |name: String, value: f64, colour| {
            let (low, high) = wilson_interval((value * n as f64).round() as u64, n);
            let near = (100.0 * low, 100.0 * high);
            Interval { name, value: 100.0 * value, text: percent(value, 1), near, far: None, colour }
        };
        let cut = |cut: &Ablated| {
            let colour = match cut.instead.as_str() {
                "mean" => 2,
                "0" => 6,
                _ => 4,
            };
            row(format!("{}: {}", cut.part, cut.instead), cut.accuracy, colour)
        };
        let whole = row("nothing cut out".into(), self.whole, 0);
        let rows = std::iter::once(whole).chain(self.cuts.iter().map(cut)).collect();
        let text = format!(
            "The share of {} test images (evenly spread) that is still recognised with one part cut out: its output is 0, or its \
             mean over {} training images, whatever the image. Bars are 95 % intervals.",
            thousands(n),
            thousands(self.mean_of as u64)
        );
        Figure::new("What each part adds", text, Intervals { x: "right, %".into(), rows, range: Some((0.0, 100.0)) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nl_report::{Draw, Plot};

    #[test]
    fn each_cut_is_a_row_with_its_interval() {
        let cut = |instead: &str, accuracy| Ablated { part: "V1".into(), instead: instead.into(), accuracy };
        let cuts = vec![cut("0", 0.1), cut("mean", 0.5), cut("every second map 0", 0.75)];
        let figure = Ablation { images: 40, mean_of: 16, whole: 1.0, cuts }.figure();
        let Plot::Intervals(plot) = &figure.plot else { panic!("no intervals") };
        assert_eq!(plot.rows.len(), 4);
        assert_eq!((plot.rows[2].name.as_str(), plot.rows[2].value), ("V1: mean", 50.0));
        let (low, high) = wilson_interval(20, 40);
        assert_eq!(plot.rows[2].near, (100.0 * low, 100.0 * high));
        assert!(figure.plot.draw("cuts").unwrap().html.contains("V1: every second map 0"));
    }
}
