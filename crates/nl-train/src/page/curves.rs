//! How a stage that learns by gradient went.

use nl_report::Figure;
use nl_report::plots::{Line, LineStyle, Lines};

use crate::run::StageHistory;

/// Loss, accuracy and learning rate of a stage, as far as they were measured; `loss` is the loss with its unit, `apart` says why
/// the training loss lies above the validation loss, and is said if it does.
pub(crate) fn figures(stage: &StageHistory, loss: &str, apart: &str) -> Vec<Figure> {
    let losses = stage.curve("loss");
    let line = |name: &str, points, style, colour| Line { name: name.into(), points, style, colour: Some(colour) };
    let mut figures = Vec::new();
    let mut lines = Vec::new();
    if !losses.is_empty() {
        lines.push(line("", bins(&losses, 300), LineStyle::Faint, 0));
        lines.push(line("training", bins(&losses, 40), LineStyle::Solid, 0));
    }
    let held_back = stage.curve("validation_loss");
    if !held_back.is_empty() {
        lines.push(line("validation", held_back, LineStyle::Dots, 1));
    }
    if !lines.is_empty() {
        let values = lines.iter().flat_map(|line| &line.points).map(|p| p.1).filter(|v| *v > 0.0 && v.is_finite());
        let (low, high) = values.fold((f64::INFINITY, 0.0_f64), |(l, h), v| (l.min(v), h.max(v)));
        // On a linear axis, what has fallen to an eighth lies on the ground.
        let log_y = high > 8.0 * low;
        let apart = if above(&lines) { apart } else { "" };
        figures.push(Figure::new("Loss", apart, Lines { lines, log_y, ..Lines::new("epochs", loss) }));
    }
    let accuracy: Vec<_> = stage.curve("validation_accuracy").into_iter().map(|(x, a)| (x, 100.0 * a)).collect();
    if !accuracy.is_empty() {
        let lines = vec![line("validation", accuracy, LineStyle::Dots, 1)];
        let plot = Lines { lines, ..Lines::new("epochs", "validation accuracy, %") };
        figures.push(Figure::new("Accuracy", "On images held back from training, at the end of each epoch.", plot));
    }
    let rates = stage.curve("learning_rate");
    if !rates.is_empty() {
        let lines = vec![line("learning rate", thin(&rates, 300), LineStyle::Solid, 2)];
        let plot = Lines { lines, from_zero: true, ..Lines::new("epochs", "learning rate") };
        figures.push(Figure::new("Learning rate", "The size of a step.", plot));
    }
    figures
}

/// Whether training ends above validation.
fn above(lines: &[Line]) -> bool {
    let last = |name: &str| Some(lines.iter().find(|line| line.name == name)?.points.last()?.1);
    last("training").zip(last("validation")).is_some_and(|(training, validation)| training > validation)
}

/// Means over at most `count` equal runs of points.
fn bins(points: &[(f64, f64)], count: usize) -> Vec<(f64, f64)> {
    let size = points.len().div_ceil(count).max(1);
    let mean = |chunk: &[(f64, f64)]| {
        let n = chunk.len() as f64;
        (chunk.iter().map(|p| p.0).sum::<f64>() / n, chunk.iter().map(|p| p.1).sum::<f64>() / n)
    };
    points.chunks(size).map(mean).collect()
}

/// At most about `count` of the points, the last among them.
fn thin(points: &[(f64, f64)], count: usize) -> Vec<(f64, f64)> {
    let step = points.len().div_ceil(count).max(1);
    let last = points.last().filter(|_| !points.len().saturating_sub(1).is_multiple_of(step));
    points.iter().step_by(step).chain(last).copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thinning_keeps_means_and_ends() {
        let points: Vec<(f64, f64)> = (0..10).map(|i| (f64::from(i), f64::from(i))).collect();
        assert_eq!(bins(&points, 5), [(0.5, 0.5), (2.5, 2.5), (4.5, 4.5), (6.5, 6.5), (8.5, 8.5)]);
        assert_eq!(thin(&points, 3), [(0.0, 0.0), (4.0, 4.0), (8.0, 8.0), (9.0, 9.0)]);
        assert_eq!(thin(&points, 100), points);
        assert!(bins(&[], 5).is_empty() && thin(&[], 5).is_empty());
    }
}
