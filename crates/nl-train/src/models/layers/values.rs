//! How far estimated values are from the truth: scores and sections of the page.

use std::collections::BTreeMap;

use nl_data::Samples;
use nl_layers::loss::Spread;
use nl_report::plots::{Bars, Cell, LineStyle, Lines, Strip, StripItem, Table};
use nl_report::text::{number, thousands};
use nl_report::{Figure, Group, Section};

use super::aim::{Aim, truth};
use crate::Error;
use crate::evaluate::{IntervalScore, QuantileScore, RegressionScores, figures, interval_score, quantile_scores};
use crate::page::sample_picture;
use crate::run::Estimate;

/// Points of a figure; of more samples, some, evenly spread.
const POINTS: usize = 1_000;
/// Samples shown whose error is largest.
const SHOWN: usize = 20;
/// Values of a sample that have figures of their own.
const GROUPS: usize = 8;
/// Bars of a histogram.
const BINS: usize = 40;

/// Scores of some values, each the mean over the values of a sample.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct ValueScores {
    /// Mean absolute error.
    pub(super) mae: f64,
    /// Root of the mean squared error.
    pub(super) rmse: f64,
    /// R²; none if one of the values does not vary.
    pub(super) r2: Option<f64>,
}

/// The scores of `values` beside `truth`, both `[N, width]`.
pub(super) fn scores(values: &[f32], truth: &[f32], width: usize) -> Result<ValueScores, Error> {
    Ok(mean(&by_value(values, truth, width)?))
}

fn mean(each: &[RegressionScores]) -> ValueScores {
    let mean = |of: fn(&RegressionScores) -> f64| each.iter().map(of).sum::<f64>() / each.len().max(1) as f64;
    let r2: Option<Vec<f64>> = each.iter().map(|scores| scores.r2).collect();
    ValueScores {
        mae: mean(|scores| scores.mean_absolute_error),
        rmse: mean(|scores| scores.root_mean_squared_error),
        r2: r2.map(|r2| r2.iter().sum::<f64>() / r2.len().max(1) as f64),
    }
}

/// The scores of each value of a sample.
fn by_value(values: &[f32], truth: &[f32], width: usize) -> Result<Vec<RegressionScores>, Error> {
    let column = |k| Ok(RegressionScores::of(&column(values, k, width), &column(truth, k, width), None)?);
    (0..width).map(column).collect()
}

/// Number `k` of each row of `width`.
fn column(rows: &[f32], k: usize, width: usize) -> Vec<f32> {
    rows.iter().skip(k).step_by(width.max(1)).copied().collect()
}

/// What the test showed.
pub(super) struct Estimated {
    /// In the unit of the data, `[N, values]`.
    values: Vec<f32>,
    /// The samples, with the truth.
    samples: Samples,
    pub(super) names: Vec<String>,
    pub(super) scores: BTreeMap<String, f64>,
    each: Vec<RegressionScores>,
    /// Of each value, the intervals that were promised and what they held.
    intervals: Vec<(f64, IntervalScore)>,
    quantiles: Vec<Vec<QuantileScore>>,
}

/// 95 % of a normal distribution lie within so many deviations.
const DEVIATIONS_95: f32 = 1.959_964;

impl Estimated {
    pub(super) fn new(aim: &Aim, samples: Samples, values: Vec<f32>, spread: &Spread) -> Result<Self, Error> {
        let (truth, width) = (truth(&samples)?.to_vec(), aim.values());
        let each = by_value(&values, &truth, width)?;
        let ValueScores { mae, rmse, r2 } = mean(&each);
        let (mut intervals, mut quantiles) = (Vec::new(), Vec::new());
        for k in 0..width {
            let truth = column(&truth, k, width);
            match spread {
                Spread::Deviations(deviations) => {
                    let (middle, deviation) = (column(&values, k, width), column(deviations, k, width));
                    let end = |sign: f32| -> Vec<f32> {
                        middle.iter().zip(&deviation).map(|(m, d)| m + sign * DEVIATIONS_95 * d).collect()
                    };
                    intervals.push((0.95, interval_score(&end(-1.0), &end(1.0), &truth)?));
                }
                Spread::Quantiles { levels, values } => {
                    let n = levels.len();
                    let rows: Vec<f32> =
                        values.chunks_exact(n * width).flat_map(|row| &row[k * n..(k + 1) * n]).copied().collect();
                    quantiles.push(quantile_scores(&rows, levels, &truth)?);
                    if let [low, .., high] = levels[..] {
                        let ends = interval_score(&column(&rows, 0, n), &column(&rows, n - 1, n), &truth)?;
                        intervals.push((high - low, ends));
                    }
                }
                _ => {}
            }
        }
        let over = |of: &dyn Fn(&(f64, IntervalScore)) -> f64| {
            (!intervals.is_empty()).then(|| intervals.iter().map(of).sum::<f64>() / intervals.len() as f64)
        };
        let pinball: Vec<f64> = quantiles.iter().flatten().map(|score| score.pinball).collect();
        let scores = [
            ("mae", Some(mae)),
            ("rmse", Some(rmse)),
            ("r2", r2),
            ("interval_coverage", over(&|(_, score)| score.coverage)),
            ("interval_width", over(&|(_, score)| score.width)),
            ("pinball", (!pinball.is_empty()).then(|| pinball.iter().sum::<f64>() / pinball.len() as f64)),
        ];
        let scores = scores.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect();
        Ok(Self { values, samples, names: aim.names.clone(), scores, each, intervals, quantiles })
    }

    /// Scores of each value, for the summary; empty where there is one.
    pub(super) fn by_name(&self) -> serde_json::Map<String, serde_json::Value> {
        if self.each.len() < 2 {
            return serde_json::Map::new();
        }
        let one = |scores: &RegressionScores| {
            let RegressionScores { mean_absolute_error: mae, root_mean_squared_error: rmse, r2, .. } = scores;
            serde_json::json!({"mae": mae, "rmse": rmse, "r2": r2})
        };
        self.names.iter().zip(&self.each).map(|(name, scores)| (name.clone(), one(scores))).collect()
    }

    /// The sections of the page.
    pub(super) fn sections(&self) -> Result<Vec<Section>, Error> {
        let text = "The values of the test samples as they are and as the network estimates them.";
        let mut section = Section::new("What it estimates", "Estimates", text).figure(self.table());
        let width = self.names.len();
        for k in 0..width.min(GROUPS) {
            let figures = [Some(self.beside_truth(k)?), Some(self.errors(k)?), self.promised(k)];
            let figures: Vec<Figure> = figures.into_iter().flatten().collect();
            section = match width {
                1 => section.figures(figures),
                _ => {
                    let (over, title, text) = (format!("Value {}", k + 1), self.names[k].clone(), String::new());
                    section.groups.push(Group { over, title, text, figures });
                    section
                }
            };
        }
        Ok(vec![section, self.worst()?])
    }

    fn table(&self) -> Figure {
        let mut table =
            Table::new(&["value", "mean absolute error", "root mean squared error", "R²", "interval", "held"]);
        let share = |share: f64| format!("{:.1} %", 100.0 * share);
        for (k, (name, scores)) in self.names.iter().zip(&self.each).enumerate() {
            let r2 = scores.r2.map_or_else(|| "–".to_owned(), |r2| format!("{r2:.4}"));
            let (promised, held) = match self.intervals.get(k) {
                Some((level, score)) => {
                    (format!("{} wide, {} promised", number(score.width), share(*level)), share(score.coverage))
                }
                None => ("–".to_owned(), "–".to_owned()),
            };
            table = table.row([
                name.as_str().into(),
                Cell::number(number(scores.mean_absolute_error)),
                Cell::number(number(scores.root_mean_squared_error)),
                Cell::number(r2),
                Cell::number(promised),
                Cell::number(held),
            ]);
        }
        let text = "Errors in the unit of the data. R² is the share of the variance that is explained: 1 is perfect, 0 is what \
                    the mean of the test samples would give.";
        Figure::new("Scores", text, table)
    }

    /// Places of some samples, evenly spread.
    fn some(&self) -> impl Iterator<Item = usize> {
        let (n, most) = (self.samples.len(), self.samples.len().min(POINTS));
        (0..most).map(move |i| (i as u64 * n as u64 / most.max(1) as u64) as usize)
    }

    fn beside_truth(&self, k: usize) -> Result<Figure, Error> {
        let (truth, width, name) = (truth(&self.samples)?, self.names.len(), &self.names[k]);
        let points: Vec<(f64, f64)> =
            self.some().map(|i| (truth[i * width + k].into(), self.values[i * width + k].into())).collect();
        let (low, high) = points.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), p| (l.min(p.0), h.max(p.0)));
        let plot = Lines::new(&format!("{name}, true"), &format!("{name}, estimated"))
            .styled("as they are", vec![(low, low), (high, high)], LineStyle::Dashed)
            .styled("estimated", points, LineStyle::Points);
        let text = format!(
            "{} test samples. On the dashed line, estimate and truth agree.",
            thousands(self.some().count() as u64)
        );
        Ok(Figure::new("Estimated beside true", text, plot))
    }

    fn errors(&self, k: usize) -> Result<Figure, Error> {
        let (truth, width) = (truth(&self.samples)?, self.names.len());
        let of = |i: usize| f64::from(self.values[i * width + k]) - f64::from(truth[i * width + k]);
        let errors: Vec<f64> = (0..self.samples.len()).map(of).collect();
        let plot = Bars::histogram(&format!("error of {}", self.names[k]), "samples", &errors, BINS);
        Ok(Figure::new("Errors", "Estimate less truth, of all test samples.", plot))
    }

    fn promised(&self, k: usize) -> Option<Figure> {
        self.quantiles.get(k).map(|scores| figures::quantiles(scores))
    }

    /// The samples whose error is largest, in units of the mean absolute error of each value.
    fn worst(&self) -> Result<Section, Error> {
        let (truth, width) = (truth(&self.samples)?, self.names.len());
        let size = |i: usize| {
            let of = |(k, scores): (usize, &RegressionScores)| {
                let error = f64::from(self.values[i * width + k]) - f64::from(truth[i * width + k]);
                error.abs() / scores.mean_absolute_error.max(f64::MIN_POSITIVE)
            };
            self.each.iter().enumerate().map(of).fold(0.0, f64::max)
        };
        let mut worst: Vec<(usize, f64)> = (0..self.samples.len()).map(|i| (i, size(i))).collect();
        worst.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        worst.truncate(SHOWN);
        let row = |rows: &[f32], i: usize| {
            rows[i * width..][..width.min(4)].iter().map(|&x| number(x.into())).collect::<Vec<_>>().join(", ")
        };
        let title = "The largest errors";
        let pictures: Option<Vec<_>> = worst.iter().map(|&(i, _)| sample_picture(&self.samples, i)).collect();
        let figure = match pictures {
            Some(pictures) => {
                let item = |(picture, &(i, _)): (_, &(usize, f64))| StripItem {
                    pictures: vec![picture],
                    caption: format!("{} for {}", row(&self.values, i), row(truth, i)),
                };
                let items = pictures.into_iter().zip(&worst).map(item).collect();
                let text = "Below each, the estimate and the truth.";
                Figure::new(title, text, Strip { rows: vec!["the sample".to_owned()], items })
            }
            None => {
                let mut table = Table::new(&["sample", "estimate", "truth"]);
                for &(i, _) in &worst {
                    let (estimate, truth) = (row(&self.values, i), row(truth, i));
                    table = table.row([Cell::number(i.to_string()), Cell::number(estimate), Cell::number(truth)]);
                }
                Figure::new(title, "Test samples are counted from 0.", table)
            }
        };
        let text = "Where it is furthest from the truth.";
        Ok(Section::new("What it gets wrong", "Largest errors", text).figure(figure))
    }
}

/// What is said about each sample, in the unit of the data.
pub(super) fn estimates(names: &[String], values: &[f32], spread: &Spread) -> Vec<Vec<Estimate>> {
    let width = names.len().max(1);
    let one = |at: usize, value: f32| {
        let (mut deviation, mut quantiles) = (None, Vec::new());
        match spread {
            Spread::Deviations(deviations) => deviation = deviations.get(at).copied().map(f64::from),
            Spread::Quantiles { levels, values } => {
                let own = values.get(at * levels.len()..(at + 1) * levels.len()).unwrap_or_default();
                quantiles = levels.iter().copied().zip(own.iter().map(|&x| f64::from(x))).collect();
            }
            _ => {}
        }
        Estimate { name: names[at % width].clone(), value: value.into(), deviation, quantiles }
    };
    let row = |(i, row): (usize, &[f32])| {
        row.iter().enumerate().map(|(k, &value)| one(i * width + k, value)).collect::<Vec<_>>()
    };
    values.chunks_exact(width).enumerate().map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two values a sample: each has its own errors, the scores are the means of theirs.
    #[test]
    fn scores_are_means_over_values() {
        let (truth, said) = ([0.0_f32, 10.0, 2.0, 30.0], [1.0_f32, 10.0, 1.0, 26.0]);
        let found = scores(&said, &truth, 2).unwrap();
        // Errors 1, −1 and 0, −4; Σ (t − t̄)² is 2 and 200.
        assert_eq!((found.mae, found.rmse), ((1.0 + 2.0) / 2.0, (1.0 + 8.0_f64.sqrt()) / 2.0));
        approx::assert_relative_eq!(found.r2.unwrap(), f64::midpoint(1.0 - 2.0 / 2.0, 1.0 - 16.0 / 200.0));
        assert_eq!(scores(&[1.0, 2.0], &[3.0, 3.0], 1).unwrap().r2, None);
    }

    #[test]
    fn estimates_have_their_spread() {
        let names = ["a", "b"].map(str::to_owned);
        let said = estimates(&names, &[1.0, 2.0, 3.0, 4.0], &Spread::Deviations(vec![0.1, 0.2, 0.3, 0.5]));
        assert_eq!((said.len(), said[1][1].name.as_str(), said[1][1].value), (2, "b", 4.0));
        assert_eq!(said[1][1].deviation, Some(0.5));
        let levels = vec![0.1, 0.9];
        let values = (0..8).map(|i| i as f32).collect();
        let said = estimates(&names, &[1.0, 2.0, 3.0, 4.0], &Spread::Quantiles { levels, values });
        assert_eq!(said[1][0].quantiles, [(0.1, 4.0), (0.9, 5.0)]);
    }
}
