//! What it sees: filters, feature maps, embeddings, drawings, gates.

use nl_data::{Augment, Corruption};
use nl_report::plots::{Heat, Map, Mosaic, Strip, StripItem};
use nl_report::{Figure, Picture, Section};

use super::{Decisions, SHOWN};
use crate::Error;
use crate::models::brain::SHARD;
use crate::models::brain::evaluator::{Evaluator, FeatureMaps};
use crate::models::brain::findings::{EmbeddingMap, Findings, View, two_a_class};
use crate::page::picture;

/// Feature maps shown of each region.
const MAPS: usize = 64;

/// Its filters, and one image on its way through.
pub(super) fn section(run: &View<'_>, findings: &Findings) -> Section {
    let mut section = Section::new(
        "What it looks for, and what it sees",
        "Filters",
        "Filters are what learning has made of random numbers. Below them, one image on its way through the regions: each \
         picture is the answer of one feature map, white where it answers most.",
    );
    section.figures.extend(filters(run, "cortex/retina/weight").map(|(plot, count)| {
        let text = format!(
            "{count} filters of the image. White adds, black takes away, grey does neither; full white and black from 2.5 \
             standard deviations on."
        );
        Figure::new("Filters of the retina", text, plot)
    }));
    section.figures.extend(filters(run, "cortex/v1/weight").map(|(plot, count)| {
        let text = format!(
            "{count} filters: a column for each cell of V1, a row for each channel of the retina; white, grey and black as above."
        );
        Figure::new("Filters of V1", text, plot)
    }));
    let image = StripItem { pictures: vec![picture(&run.data.split.test, 0)], caption: String::new() };
    section.figures.push(Figure::new(
        "The image",
        "The first of the test images.",
        Strip { rows: vec!["the image".into()], items: vec![image] },
    ));
    for FeatureMaps { name, shape, values } in &findings.features {
        let &[channels, height, width] = shape;
        let (shown, area) = (channels.min(MAPS), height * width);
        let tile = |map: &[f32]| Picture::brightest(width, height, map);
        let silent = values.chunks_exact(area.max(1)).filter(|map| map.iter().all(|&v| v <= 0.0)).count();
        let of =
            if shown < channels { format!("The first {shown} of {channels} maps") } else { format!("{channels} maps") };
        let still = match silent {
            0 => "",
            1 => " One of them does not answer to this image.",
            n => &format!(" {n} of them do not answer to this image."),
        };
        let text = format!("{of} of {height} × {width}, each brightest where it answers most.{still}");
        let tiles = values.chunks_exact(area.max(1)).take(shown).map(tile).collect();
        let zoom = (56 / width.max(1)).clamp(1, 8);
        section.figures.push(Figure::new(name, text, Mosaic { tiles, across: 16, zoom }));
    }
    section
}

/// The filters under `path` as they are after all learning, a column for each cell (in rows of 16 where there is but one
/// input); and their number.
fn filters(run: &View<'_>, path: &str) -> Option<(Mosaic, usize)> {
    let entry = run.model.parameters.entries().iter().find(|entry| entry.path == path)?;
    let &[cells, inputs, height, width] = &entry.shape[..] else { return None };
    let weights = &run.model.parameters.values()[entry.range()];
    let square: f64 = weights.iter().map(|&w| f64::from(w) * f64::from(w)).sum();
    let scale = 2.5 * (square / weights.len().max(1) as f64).sqrt() as f32;
    let tile = |input: usize, cell: usize| {
        let at = (cell * inputs + input) * height * width;
        Picture::signed(width, height, &weights[at..at + height * width], scale)
    };
    let tiles = (0..inputs).flat_map(|input| (0..cells).map(move |cell| (input, cell)));
    let tiles = tiles.map(|(input, cell)| tile(input, cell)).collect();
    let (across, zoom) = if inputs == 1 { (cells.min(16), 8) } else { (cells, 6) };
    Some((Mosaic { tiles, across, zoom }, cells * inputs))
}

/// The embeddings in the plane.
pub(super) fn map(findings: &Findings, decisions: &Decisions<'_>) -> Section {
    let figure = |map: &EmbeddingMap| {
        let plot = Map { points: map.points.clone(), classes: decisions.names.clone() };
        Figure::new(map.title, map.method.as_str(), plot)
    };
    Section::new(
        "A map of what it sees",
        "Map",
        "Every mark is an image that was not trained on. Images whose embeddings are alike lie side by side, so an island of \
         one kind of mark is a class the brain tells apart; the plane has no axes and no unit.",
    )
    .figures(findings.maps.iter().map(figure))
}

/// Two images a class, what stage 1 made of each (if it distorts), and what the cerebellum then drew from that.
pub(super) fn reconstructions(
    run: &View<'_>,
    findings: &Findings,
    decisions: &Decisions<'_>,
) -> Result<Section, Error> {
    let (Some(kept), Some((_, config)), Some(parameters)) = (&findings.drawn, run.reconstruct(), run.reconstructed()?)
    else {
        return Ok(Section::default());
    };
    let test = &run.data.split.test;
    let (h, w, area) = (test.height(), test.width(), test.area());
    let chosen = two_a_class(test, SHOWN);
    let originals = test.select(&chosen);
    let distorts = config.augment != Augment::default() || config.corruption != Corruption::None;
    let shown = if distorts { Some(run.distorted(&originals)?) } else { None };
    let drawn = match &shown {
        Some(shown) => Evaluator::new(SHARD).reconstruct(&run.model.brain, &parameters, shown)?,
        None => chosen.iter().flat_map(|&i| &kept.images[i as usize * area..][..area]).copied().collect(),
    };
    let item = |i: usize| {
        let mut pictures = vec![picture(&originals, i)];
        pictures.extend(shown.as_ref().map(|shown| picture(shown, i)));
        pictures.push(Picture::from_unit(w, h, &drawn[i * area..][..area]));
        StripItem { pictures, caption: decisions.name(u32::from(originals.labels()[i])).to_owned() }
    };
    let (rows, text) = if shown.is_some() {
        (
            vec![
                "the image",
                "what the retina was shown instead, distorted as in stage 1",
                "what the cerebellum drew from the embedding of that",
            ],
            "The image at the top was not shown to it; what differs below is what the brain has learned to overlook.",
        )
    } else {
        (
            vec!["the image", "what the cerebellum drew back from the embedding alone"],
            "What is missing below did not fit through the embedding.",
        )
    };
    let strip =
        Strip { rows: rows.into_iter().map(str::to_owned).collect(), items: (0..originals.len()).map(item).collect() };
    Ok(Section::new("What it remembers of an image", "Reconstructions", text).figure(Figure::new("", "", strip)))
}

/// What the thalamus lets through.
pub(super) fn gates(findings: &Findings, decisions: &Decisions<'_>) -> Section {
    let values = class_means(&findings.gates, decisions.truth, decisions.names.len());
    let finite = || values.iter().flatten().copied().filter(|v| v.is_finite());
    let (low, high) = finite().fold((f32::INFINITY, f32::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)));
    if low > high {
        return Section::default();
    }
    let (rows, values) = decisions.names.iter().cloned().zip(values).filter(|row| !row.1.is_empty()).unzip();
    let heat = Heat { rows, columns: "channel".into(), unit: "mean gate, 0 closed to 1 open".into(), values };
    Section::new(
        "What the thalamus lets through",
        "Gates",
        format!(
            "Each column is one channel of the retina, each row the mean over the images of one class. A gate could lie anywhere \
             between 0 (closed) and 1 (open); these means lie between {low:.2} and {high:.2}, and the colours span just that \
             range: strong colour means more open than other channels, not open. A column that changes from row to row carries \
             something about the class; a column of one shade does not."
        ),
    )
    .figure(Figure::new("", "", heat))
}

/// The mean row of each class; empty, if there is no image of it.
fn class_means(rows: &[f32], truth: &[u32], classes: usize) -> Vec<Vec<f32>> {
    let width = rows.len() / truth.len().max(1);
    let mut sums = vec![vec![0.0_f64; width]; classes];
    let mut counts = vec![0_u64; classes];
    for (row, &class) in rows.chunks_exact(width.max(1)).zip(truth) {
        counts[class as usize] += 1;
        for (sum, &x) in sums[class as usize].iter_mut().zip(row) {
            *sum += f64::from(x);
        }
    }
    let mean = |(sum, &n): (&Vec<f64>, &u64)| {
        if n == 0 { Vec::new() } else { sum.iter().map(|s| (s / n as f64) as f32).collect() }
    };
    sums.iter().zip(&counts).map(mean).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn means_are_of_each_class() {
        let rows = [1.0, 2.0, 3.0, 6.0, 5.0, 7.0];
        assert_eq!(class_means(&rows, &[0, 0, 2], 3), [vec![2.0, 4.0], vec![], vec![5.0, 7.0]]);
        assert_eq!(class_means(&[], &[], 1), [Vec::<f32>::new()]);
    }
}
