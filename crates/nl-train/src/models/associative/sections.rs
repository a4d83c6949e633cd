//! The page: overlap against load with theory's curve, first errors, digits before and after.

use std::collections::BTreeMap;

use nl_memory::hopfield::theory;
use nl_report::plots::{Cell, Line, LineStyle, Lines, Strip, StripItem, Table};
use nl_report::text::thousands;
use nl_report::{Figure, Headline, Picture, Section, Tile};

use super::config::AssociativeStage;
use super::findings::{Mean, Row, overlaps, rows};
use super::retrieve::{Digit, SIDE};
use super::{AssociativeConfig, AssociativeModel};
use crate::config::RunConfig;
use crate::run::Findings;

type Config = RunConfig<AssociativeConfig, AssociativeStage>;

pub(super) fn page(model: &AssociativeModel, config: &Config, scores: &BTreeMap<String, f64>) -> Findings {
    let units = config.model.units;
    let mut sections = Vec::new();
    for (i, stage) in config.stages.iter().enumerate() {
        let found = rows(&model.trials, i);
        match stage {
            AssociativeStage::Classical(it) => sections.push(classical(i, &found, it.noise)),
            AssociativeStage::Modern(it) => sections.push(modern(i, &found, it.noise)),
            AssociativeStage::Digits(it) => {
                let digits = model.digits.iter().filter(|it| it.0 as usize == i);
                sections.extend(digits.map(|(_, digits)| drawn(i, digits, it.noise)));
            }
        }
    }
    Findings {
        title: "What Hopfield networks keep".into(),
        headline: Some(headline(model, config)),
        tiles: vec![
            Tile::new("units", thousands(units as u64), "each connected with each other"),
            Tile::new("networks", thousands(model.trials.len() as u64), "each with patterns of its own"),
            Tile::new("capacity", theory::CAPACITY.to_string(), "patterns per unit, of a classical network, by theory"),
            Tile::new("results", scores.len().to_string(), "overlaps in the summary"),
        ],
        sections,
        ..Findings::default()
    }
}

/// The largest load below capacity, or the first there is.
fn headline(model: &AssociativeModel, config: &Config) -> Headline {
    let classical = config.stages.iter().position(|stage| matches!(stage, AssociativeStage::Classical(_)));
    let found = classical.map(|stage| rows(&model.trials, stage)).unwrap_or_default();
    let below = found.iter().filter(|row| row.load < theory::CAPACITY);
    let Some(row) = below.max_by(|a, b| a.load.total_cmp(&b.load)) else { return Headline::default() };
    let expected = theory::overlap(row.load).map_or_else(|| "none".to_owned(), |m| format!("{m:.4}"));
    Headline {
        value: format!("{:.4}", row.overlap.value),
        unit: String::new(),
        lead: format!("is the overlap with what is stored, at {} patterns per unit; theory says {expected}.", row.load),
        hint: "1: every unit is right; 0: as good as a coin. Theory is that of Amit, Gutfreund and Sompolinsky (1985), of \
               infinitely many units without noise."
            .into(),
        figure: None,
    }
}

fn classical(stage: usize, found: &[Row], noise: f64) -> Section {
    let most = found.iter().map(|row| row.load).fold(theory::CAPACITY, f64::max);
    let loads: Vec<f64> = (1..=400).map(|i| most * f64::from(i) / 400.0).collect();
    let curve = loads.iter().filter_map(|&load| Some((load, theory::overlap(load)?))).collect();
    let errors = loads.iter().map(|&load| (load, 100.0 * theory::first_errors(load))).collect();
    let text = format!(
        "Random patterns of ±1 are stored by Hebb's rule, and cues of which {} % of the units are wrong are left to themselves. \
         Below {} patterns per unit, theory says, retrieval ends near what was stored; above, and in large networks, nowhere \
         near. A network of a thousand units does not know so sharp a border: just above it, it still keeps some.",
        100.0 * noise,
        theory::CAPACITY
    );
    let mut table = Table::new(&[
        "load",
        "patterns",
        "networks",
        "cue",
        "overlap",
        "theory",
        "wrong after one update, %",
        "theory",
        "at rest, %",
    ]);
    for row in found {
        table = table.row(cells(row).into_iter().chain([
            Cell::number(theory::overlap(row.load).map_or_else(|| "lost".to_owned(), |m| format!("{m:.4}"))),
            shown(row.first_errors, 100.0),
            Cell::number(format!("{:.4}", 100.0 * theory::first_errors(row.load))),
            at_rest(row),
        ]));
    }
    let overlap: Vec<(f64, Mean)> = found.iter().map(|row| (row.load, row.overlap)).collect();
    let wrong: Vec<(f64, Mean)> = found.iter().map(|row| (row.load, row.first_errors)).collect();
    Section::new(&format!("Classical networks (stage {})", stage + 1), "Classical", text)
        .figure(Figure::new(
            "Overlap against load",
            "Dots are means over networks, bars twice their standard error. Theory: m = erf(m / √(2αr)), with r = 1 / (1 − C)² and \
             C = √(2 / (παr)) e^(−m² / (2αr)).",
            against("overlap", curve, &overlap, 1.0),
        ))
        .figure(Figure::new(
            "Wrong after one update",
            "Of a stored pattern itself, the share of units that the crosstalk of the others turns. Theory: ½ erfc(1 / √(2α)).",
            against("units, %", errors, &wrong, 100.0),
        ))
        .figure(Figure::new("Loads", "Means over networks, ± their standard error.", table))
}

fn modern(stage: usize, found: &[Row], noise: f64) -> Section {
    let mut table = Table::new(&["load", "patterns", "networks", "cue", "overlap", "at rest, %"]);
    for row in found {
        table = table.row(cells(row).into_iter().chain([at_rest(row)]));
    }
    let text = format!(
        "The same patterns in networks whose states move to a softmax-weighted mean of what is stored (Ramsauer et al. 2021), \
         from cues of which {} % of the units are wrong. What they can tell apart grows exponentially with the number of units.",
        100.0 * noise
    );
    let cues = found.iter().map(|row| (row.load, row.cue.value)).collect();
    let overlap: Vec<(f64, Mean)> = found.iter().map(|row| (row.load, row.overlap)).collect();
    let mut lines = against("overlap", cues, &overlap, 1.0);
    lines.lines[0].name = "cue".into();
    Section::new(&format!("Modern networks (stage {})", stage + 1), "Modern", text)
        .figure(Figure::new(
            "Overlap against load",
            "Dots are means over networks, bars twice their standard error.",
            lines,
        ))
        .figure(Figure::new("Loads", "Means over networks, ± their standard error.", table))
}

/// Load, patterns, networks, cue and overlap.
fn cells(row: &Row) -> [Cell; 5] {
    [
        Cell::number(row.load.to_string()),
        Cell::number(row.patterns.to_string()),
        Cell::number(row.networks.to_string()),
        Cell::number(format!("{:.2}", row.cue.value)),
        shown(row.overlap, 1.0),
    ]
}

fn at_rest(row: &Row) -> Cell {
    Cell::number(format!("{:.0}", 100.0 * row.stable.value))
}

/// Dots with bars of two standard errors, and a dashed line to compare with.
fn against(y: &str, expected: Vec<(f64, f64)>, found: &[(f64, Mean)], unit: f64) -> Lines {
    let dots = found.iter().map(|(load, mean)| (*load, unit * mean.value)).collect();
    let mut lines = Lines { from_zero: true, ..Lines::new("load, patterns per unit", y) }
        .styled("theory", expected, LineStyle::Dashed)
        .styled("measured", dots, LineStyle::Dots);
    for (load, Mean { value, error }) in found {
        let Some(error) = error else { continue };
        // No overlap and no share is above 1.
        let points = vec![(*load, unit * (value - 2.0 * error)), (*load, unit * (value + 2.0 * error).min(1.0))];
        lines.lines.push(Line { name: String::new(), points, style: LineStyle::Solid, colour: Some(1) });
    }
    lines
}

fn shown(mean: Mean, unit: f64) -> Cell {
    let error = mean.error.map_or(String::new(), |error| format!(" ± {:.4}", unit * error));
    Cell::number(format!("{:.4}{error}", unit * mean.value))
}

/// Digits before and after.
fn drawn(stage: usize, digits: &[Digit], noise: f64) -> Section {
    let pixels =
        |state: &[i8]| Picture::signed(SIDE, SIDE, &state.iter().map(|&s| f32::from(s)).collect::<Vec<_>>(), 1.0);
    let item = |digit: &Digit| StripItem {
        pictures: vec![
            pixels(&digit.stored),
            pixels(&digit.cue),
            pixels(&digit.classical),
            Picture::signed(SIDE, SIDE, &digit.modern, 1.0),
        ],
        caption: digit.class.to_string(),
    };
    let names =
        ["what is stored", "the cue", "what the classical network made of it", "what the modern network made of it"];
    let strip = Strip { rows: names.map(str::to_owned).into(), items: digits.iter().map(item).collect() };
    let [cue, classical, modern] = overlaps(digits);
    let text = format!(
        "One drawn digit of each class in one network of {} units of each kind; {} % of a cue's pixels are wrong. Digits are alike, \
         and Hebb's rule adds up what they share: the classical network mixes them, although they are few. Overlaps: cue {cue:.3}, \
         classical {classical:.3}, modern {modern:.3}.",
        SIDE * SIDE,
        100.0 * noise
    );
    Section::new(&format!("Digits (stage {})", stage + 1), "Digits", text).figure(Figure::new("", "", strip))
}

#[cfg(test)]
mod tests {
    use super::*;
    use nl_report::Draw;

    #[test]
    fn errors_are_bars_beside_the_curve() {
        let found = [(0.1, Mean { value: 0.9, error: Some(0.01) }), (0.2, Mean { value: 0.5, error: None })];
        let lines = against("overlap", vec![(0.1, 0.95), (0.138, 0.9)], &found, 1.0);
        assert_eq!(lines.lines.len(), 3);
        assert_eq!(lines.lines[2].points, [(0.1, 0.88), (0.1, 0.92)]);
        assert!(lines.draw("Overlap").is_ok());
    }
}
