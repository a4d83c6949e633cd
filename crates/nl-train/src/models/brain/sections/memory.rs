//! What memory has to do with it: trust, recall, and where it had the last word.

use nl_report::plots::{BarGroup, Bars, Cards, Cell, Interval, Intervals, Match, Matched, Matches, Table};
use nl_report::text::{count, percent, thousands};
use nl_report::{Figure, Group, Section};

use super::answers::{Opinions, card, verdict};
use super::{Decisions, SHOWN};
use crate::models::brain::findings::{Findings, View, two_a_class};
use crate::models::brain::gate::Fitted;
use crate::page::picture;

/// Bins of the trust.
const BINS: usize = 20;

/// When the basal ganglia trust memory.
pub(super) fn trust(findings: &Findings, decisions: &Decisions<'_>) -> Section {
    let trust = &findings.decided.trust;
    if trust.is_empty() || findings.recall.is_none() {
        return Section::default();
    }
    let of = |right: bool| -> Vec<f64> {
        let all = trust.iter().zip(&decisions.right).filter(|(_, r)| **r == right);
        all.map(|(&t, _)| f64::from(t)).filter(|t| t.is_finite()).collect()
    };
    let (right, wrong) = (of(true), of(false));
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len().max(1) as f64;
    let mut text = "For each image the basal ganglia weigh memory (1) against cortex (0).".to_owned();
    if !right.is_empty() {
        text += &format!(" Mean trust is {:.2} where the decision was right", mean(&right));
        text +=
            &if wrong.is_empty() { ".".to_owned() } else { format!(" and {:.2} where it was wrong.", mean(&wrong)) };
    }
    let groups = [("right", &right), ("wrong", &wrong)].into_iter().filter(|group| !group.1.is_empty());
    let groups = groups.map(|(name, values)| BarGroup {
        name: format!("{name} ({})", count(values.len() as u64, "image")),
        bars: shares(values),
    });
    let histogram = Bars {
        x: "trust in memory, 0 to 1".into(),
        y: "share of its group, %".into(),
        width: 1.0 / BINS as f64,
        groups: groups.collect(),
        left_out: 0,
    };
    let rows = decisions.names.iter().enumerate().filter_map(|(class, name)| {
        let own = trust.iter().zip(decisions.truth).filter(|(t, c)| **c as usize == class && t.is_finite());
        spread(name, own.map(|(&t, _)| f64::from(t)).collect())
    });
    let rows: Vec<Interval> = rows.collect();
    // From 0 to the next tenth: trust is often small everywhere.
    let most = rows.iter().filter_map(|row| row.far).fold(0.0, |most: f64, far| most.max(far.1));
    let range = Some((0.0, (10.0 * most).ceil().clamp(1.0, 10.0) / 10.0));
    let by_class = Intervals { x: "trust in memory, 0 to 1".into(), rows, range };
    Section::new("When the basal ganglia trust memory", "Trust", text)
        .figures(findings.fitted.as_ref().map(chosen))
        .figure(Figure::new(
            "Right and wrong decisions",
            "Where the two shapes part, the trust itself says how hard an image is.",
            histogram,
        ))
        .figure(Figure::new(
            "By class",
            "Dot: the median. Thick bar: the middle half of the images. Thin bar: the middle 80 %.",
            by_class,
        ))
}

/// How the trust was chosen.
fn chosen(fitted: &Fitted) -> Figure {
    let text = format!(
        "On the {} images split off the training set, which neither cortex nor memory has learned; each was decided by what was \
         fitted to the others. The adviser that is right more often leads; the other joins in if the mixture is likelier and no \
         less often right.",
        thousands(fitted.images as u64)
    );
    Figure::new("How it was chosen", text, ways(fitted))
}

/// What each way to decide reached on held-out images.
fn ways(fitted: &Fitted) -> Table {
    let mut table = Table::new(&["way to decide", "correct", "share", "negative log-likelihood, nats", "used"]);
    for trial in &fitted.trials {
        table = table.row([
            trial.way.name().into(),
            Cell::number(thousands(trial.right as u64)),
            Cell::number(percent(trial.right as f64 / fitted.images.max(1) as f64, 2)),
            Cell::number(format!("{:.4}", trial.loss)),
            (if trial.way == fitted.way { "yes" } else { "" }).into(),
        ]);
    }
    table
}

/// The share of `values`, percent, in each bin of 0 to 1.
fn shares(values: &[f64]) -> Vec<(f64, f64)> {
    let mut bins = vec![0_usize; BINS];
    values.iter().for_each(|t| bins[((t.clamp(0.0, 1.0) * BINS as f64) as usize).min(BINS - 1)] += 1);
    let share = |n: usize| 100.0 * n as f64 / values.len().max(1) as f64;
    bins.into_iter().enumerate().map(|(b, n)| (b as f64 / BINS as f64, share(n))).collect()
}

/// Median, middle half and middle 80 %.
fn spread(name: &str, mut values: Vec<f64>) -> Option<Interval> {
    values.sort_by(f64::total_cmp);
    let last = values.len().checked_sub(1)?;
    let quantile = |q: f64| values[(q * last as f64).round() as usize];
    Some(Interval {
        name: name.to_owned(),
        value: quantile(0.5),
        text: format!("{:.2}", quantile(0.5)),
        near: (quantile(0.25), quantile(0.75)),
        far: Some((quantile(0.1), quantile(0.9))),
        colour: 0,
    })
}

/// What an image reminds it of: one a class, and then those on which the memories disagree most.
pub(super) fn recalls(run: &View<'_>, findings: &Findings, decisions: &Decisions<'_>) -> Section {
    let Some(recall) = &findings.recall else { return Section::default() };
    let (test, train) = (&run.data.split.test, &run.data.split.train);
    let k = recall.k;
    let row = |i: usize| {
        let slots = i * k..(i + 1) * k;
        let found = recall.slots[slots.clone()].iter().take_while(|&&slot| slot != u32::MAX).count().min(8);
        let truth = decisions.truth[i];
        let neighbour = |j: usize| {
            let class = recall.labels[slots.start + j];
            Match {
                picture: picture(train, recall.ids[slots.start + j] as usize),
                name: decisions.name(class).to_owned(),
                note: format!("{:.3}", recall.distances[slots.start + j]),
                other: class != truth,
            }
        };
        Matched {
            picture: picture(test, i),
            name: decisions.name(truth).to_owned(),
            found: (0..found).map(neighbour).collect(),
        }
    };
    let typical: Vec<usize> = two_a_class(test, SHOWN).into_iter().step_by(2).map(|i| i as usize).collect();
    let mut torn: Vec<usize> = (0..test.len()).collect();
    torn.sort_by(|&a, &b| recall.agreement[a].total_cmp(&recall.agreement[b]));
    torn.truncate(4);
    let matches = |wanted: &[usize]| Matches { rows: wanted.iter().map(|&i| row(i)).collect() };
    Section::new(
        "What an image reminds it of",
        "Memories",
        "First a test image, then the stored training images whose embeddings lie nearest, each with its class and distance. \
         Memories of another class are marked.",
    )
    .figure(Figure::new("One of each class", "", matches(&typical)))
    .figure(Figure::new("Where memory is torn", "The images about which the memories agree least.", matches(&torn)))
}

/// Where the cortex would have decided otherwise.
pub(super) fn overruled(run: &View<'_>, findings: &Findings, decisions: &Decisions<'_>) -> Section {
    if findings.recall.is_none() {
        return Section::default();
    }
    let opinions = Opinions::new(findings, decisions.names.len());
    let cortex: Vec<u32> = (0..decisions.truth.len()).map(|i| opinions.cortex(i).0).collect();
    let (helped, harmed, other) = outcomes(decisions.truth, &cortex, &decisions.decided);
    let all = helped.len() + harmed.len() + other.len();
    if all == 0 {
        return Section::default();
    }
    let group = |title: &str, images: &[usize]| {
        let title_of = |i: usize| {
            if decisions.right[i] {
                format!("{}, rightly", decisions.name(decisions.truth[i]))
            } else {
                verdict(decisions, i)
            }
        };
        let shown = images.iter().take(8);
        let cards = shown.map(|&i| card(run, findings, decisions, &opinions, i, title_of(i))).collect();
        let n = count(images.len() as u64, "image");
        let text = if images.len() > 8 { format!("{n}, of which 8 are shown.") } else { format!("{n}.") };
        Group { title: title.into(), text, figures: vec![Figure::new("", "", Cards { cards })], ..Group::default() }
    };
    let groups = [
        ("The cortex was wrong, and memory put it right", &helped),
        ("The cortex was right, and memory put it wrong", &harmed),
        ("Both were wrong", &other),
    ];
    Section {
        groups: groups.into_iter().filter(|g| !g.1.is_empty()).map(|(title, images)| group(title, images)).collect(),
        ..Section::new(
            "Where memory overruled the cortex",
            "Overruled",
            format!(
                "Of {} test images, the mixture decided {all} otherwise than the cortex alone would have: {} became right by it, \
                 {} became wrong.",
                decisions.truth.len(),
                helped.len(),
                harmed.len()
            ),
        )
    }
}

/// The images decided otherwise than by the cortex alone: those that became right, those that became wrong, and those that
/// stayed wrong.
fn outcomes(truth: &[u32], cortex: &[u32], decided: &[u32]) -> (Vec<usize>, Vec<usize>, Vec<usize>) {
    let (mut helped, mut harmed, mut other) = (Vec::new(), Vec::new(), Vec::new());
    for i in (0..truth.len()).filter(|&i| cortex[i] != decided[i]) {
        if decided[i] == truth[i] {
            helped.push(i);
        } else if cortex[i] == truth[i] {
            harmed.push(i);
        } else {
            other.push(i);
        }
    }
    (helped, harmed, other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_was_overruled_and_what_came_of_it() {
        let (truth, cortex, decided) = ([1, 1, 1, 1, 1], [1, 2, 1, 2, 2], [1, 1, 2, 3, 2]);
        assert_eq!(outcomes(&truth, &cortex, &decided), (vec![1], vec![2], vec![3]));
    }

    #[test]
    fn trust_is_counted_and_spread() {
        let bins = shares(&[0.0, 0.01, 0.99, 1.0]);
        assert_eq!((bins[0], bins[19].1, bins.iter().map(|b| b.1).sum::<f64>()), ((0.0, 50.0), 50.0, 100.0));
        let interval = spread("a", (0..=10).map(f64::from).collect()).unwrap();
        assert_eq!((interval.value, interval.near, interval.far), (5.0, (3.0, 8.0), Some((1.0, 9.0))));
        assert!(spread("a", Vec::new()).is_none());
    }
}
