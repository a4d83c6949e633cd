//! Draws a page with every kind of plot, of made-up data:
//! `cargo run --release -p nl-report --example page [FILE]`.
//!
//! Without a file it goes into the folder for temporary files. Takes no time; the page is always the same.

use std::f64::consts::TAU;
use std::path::PathBuf;

use nl_report::plots::*;
use nl_report::{Banner, Figure, Group, Headline, Picture, Provenance, Section, Sheet, Tile};

/// Numbers from 0 to 1 that look random: the fractional parts of a line through the golden ratio.
fn noise(i: usize) -> f64 {
    (i as f64 * 0.618_033_988_749_895 + (i * i % 97) as f64 * 0.0103).fract()
}

/// A ring, a disc or a cross of 16 × 16 pixels.
fn picture(kind: usize, seed: usize) -> Picture {
    let side = 16;
    let value = |i: usize| {
        let (x, y) = ((i % side) as f64 - 7.5, (i / side) as f64 - 7.5);
        let r = x.hypot(y) + noise(seed) - 0.5;
        let inside = match kind % 3 {
            0 => (r - 5.0).abs() < 1.5,
            1 => r < 5.0,
            _ => x.abs() < 1.6 || y.abs() < 1.6,
        };
        (if inside { 0.9 } else { 0.08 }) + 0.1 * noise(seed + i) - 0.05
    };
    Picture::from_unit(side, side, &(0..side * side).map(|i| value(i) as f32).collect::<Vec<f32>>())
}

fn classes(n: usize) -> Vec<String> {
    let names = ["ring", "disc", "cross", "leaf", "kite", "star", "boat", "fish", "bird", "tree", "cup", "key"];
    (0..n).map(|i| names.get(i).map_or_else(|| format!("class {i}"), |name| (*name).to_owned())).collect()
}

fn lines() -> Section {
    let loss = |t: f64| 0.02 + 0.6 * (-5.0 * t).exp();
    let steps: Vec<(f64, f64)> = (0..300).map(|i| f64::from(i) / 100.0).map(|t| (t, loss(t / 3.0))).collect();
    let single = steps.iter().enumerate().map(|(i, p)| (p.0, p.1 * (0.7 + 0.6 * noise(i)))).collect();
    let held_out = (1..=3).map(|e| (f64::from(e), 1.04 * loss(f64::from(e) / 3.0))).collect();
    let curves = Lines { log_y: true, ..Lines::new("epochs", "loss, nats") }
        .styled("", single, LineStyle::Faint)
        .line("training", steps)
        .styled("validation", held_out, LineStyle::Dots);
    let rate = |t: f64| 8.0 + 3.0 * (TAU * t / 400.0).sin();
    let activity = (0..200).map(|i| 5.0 * f64::from(i)).map(|t| (t, rate(t))).collect();
    let rates: Vec<f64> = (0..500).map(|i| 30.0 * noise(i) * noise(i + 7)).collect();
    let scores = ["both", "cortex", "memory"].iter().enumerate().map(|(i, name)| {
        let value = 99.6 - 0.15 * i as f64;
        let text = format!("{value:.2} %");
        Interval { name: (*name).into(), value, text, near: (value - 0.12, value + 0.1), far: None, colour: 2 * i }
    });
    let spread = classes(10).into_iter().enumerate().map(|(i, name)| {
        let value = 0.2 + 0.5 * noise(i);
        Interval {
            name,
            value,
            near: (value - 0.08, value + 0.1),
            far: Some((value - 0.15, value + 0.25)),
            ..Interval::default()
        }
    });
    let shape = |name: &str, at: f64| BarGroup {
        name: name.into(),
        bars: (0..20).map(|b| 0.05 * f64::from(b)).map(|x| (x, 30.0 * (-30.0 * (x - at).powi(2)).exp())).collect(),
    };
    let groups = vec![shape("right", 0.3), shape("wrong", 0.7)];
    let bars = Bars { x: "trust, 0 to 1".into(), y: "share, %".into(), width: 0.05, groups, left_out: 0 };
    Section {
        groups: vec![Group {
            over: "Stage 1".into(),
            title: "A stage".into(),
            text: "Figures that belong together.".into(),
            figures: vec![Figure::new("Loss", "On a logarithmic axis.", curves)],
        }],
        ..Section::new("Lines, bars and intervals", "Lines", "What most results need.")
            .figure(Figure::new(
                "Activity",
                "From zero, as a rate should.",
                Lines::new("time, ms", "rate, Hz").line("all", activity),
            ))
            .figure(Figure::new("Rates", "How many are how fast.", Bars::histogram("rate, Hz", "neurons", &rates, 30)))
            .figure(Figure::new("Two groups", "Outlines over each other.", bars))
            .figure(Figure::new(
                "Scores",
                "With their 95 % intervals.",
                Intervals { x: "accuracy, %".into(), rows: scores.collect(), range: None },
            ))
            .figure(Figure::new(
                "By class",
                "Median, middle half, middle 80 %.",
                Intervals { x: "trust".into(), rows: spread.collect(), range: Some((0.0, 1.0)) },
            ))
    }
}

fn events() -> Section {
    let group = |name: &str, from: u32, to: u32, every: f64| RasterGroup {
        name: name.into(),
        dots: (from..to)
            .flat_map(|n| (0..40).map(move |k| (700.0 + every * (f64::from(k) + noise((n * 40 + k) as usize)), n)))
            .filter(|dot| dot.0 < 1000.0)
            .collect(),
    };
    let groups = vec![group("excitatory", 0, 80, 40.0), group("inhibitory", 80, 100, 22.0)];
    let raster = Raster {
        x: "time, ms".into(),
        y: "neuron".into(),
        rows: 100,
        groups,
        range: Some((700.0, 1000.0)),
        moments: vec![(800.0, "light".into())],
    };
    Section::new("Events", "Events", "Spikes, for example.").figure(Figure::new("Spikes", "A dot for each.", raster))
}

fn by_class() -> Section {
    let n = 47;
    let point = |i: usize| {
        let (class, angle) = (i % n, TAU * (i % n) as f64 / n as f64 * 5.0);
        let radius = 2.0 + (class % 7) as f64;
        let x = radius * angle.cos() + noise(i) - 0.5;
        MapPoint { x: x as f32, y: (radius * angle.sin() + noise(i + 31) - 0.5) as f32, class: class as u32 }
    };
    let map = Map { points: (0..1200).map(point).collect(), classes: classes(n) };
    let count = |t: usize, d: usize| if t == d { 180 } else { (6.0 * noise(13 * t + 7 * d)).powi(2) as u64 / 9 };
    let confusion = |n: usize| Confusion {
        classes: classes(n),
        counts: (0..n).map(|t| (0..n).map(|d| count(t, d)).collect()).collect(),
    };
    let values = (0..10).map(|r| (0..16).map(|c| (0.45 + 0.11 * noise(16 * r + c)) as f32).collect()).collect();
    let heat = Heat { rows: classes(10), columns: "channel".into(), unit: "mean gate".into(), values };
    let table = Table::new(&["class", "images", "precision", "share"])
        .row(["ring".into(), Cell::number("1,032"), Cell::number("99.1 %"), Cell::Share(0.62)])
        .row(["disc".into(), Cell::number("968"), Cell::number("98.4 %"), Cell::Share(0.38)]);
    Section::new("Classes", "Classes", "Two kinds, ten or forty-seven.")
        .figure(Figure::new("A map", "Every class has a mark of its own.", map))
        .figure(Figure::new("Ten classes", "Truth against decision.", confusion(10)))
        .figure(Figure::new("Forty-seven classes", "The same for many.", confusion(n)))
        .figure(Figure::new("A heat map", "On its own scale.", heat))
        .figure(Figure::new("A table", "Numbers at the right.", table))
}

fn pictures() -> Section {
    let item = |i: usize| StripItem { pictures: vec![picture(i, i), picture(i, i + 90)], caption: format!("{i}") };
    let strip = Strip { rows: vec!["the image".into(), "as it was drawn".into()], items: (0..9).map(item).collect() };
    let mosaic = Mosaic { tiles: (0..23).map(|i| picture(i, i)).collect(), across: 10, zoom: 3 };
    let facts = || vec![("confidence".to_owned(), "91 %".to_owned()), ("trust".to_owned(), "0.31".to_owned())];
    let card = |i: usize| Card { picture: picture(i, i), title: "ring taken for disc".into(), facts: facts() };
    let found = |i: usize| Match {
        picture: picture(i, i),
        name: classes(3)[i % 3].clone(),
        note: format!("{:.3}", noise(i)),
        other: !i.is_multiple_of(3),
    };
    let matched = Matched { picture: picture(0, 5), name: "ring".into(), found: (0..8).map(found).collect() };
    Section::new("Pictures", "Pictures", "In strips, as a mosaic, with facts, with what is like them.")
        .figure(Figure::new("A strip", "", strip))
        .figure(Figure::new("A mosaic", "Its last row is not full.", mosaic))
        .figure(Figure::new("Cards", "", Cards { cards: (0..4).map(card).collect() }))
        .figure(Figure::new("Matches", "", Matches { rows: vec![matched] }))
}

fn plans() -> Section {
    let block = |id: &str, tint: Option<usize>, wide: (f64, f64), tall: (f64, f64)| Block {
        id: id.into(),
        name: id.into(),
        detail: "8 × 4 × 4".into(),
        about: format!("{id}: a box"),
        tint,
        stack: tint == Some(1),
        wide,
        tall,
    };
    let wire = |from: &str, to: &str, route, kind| Wire { from: from.into(), to: to.into(), route, kind, words: None };
    let wiring = Wiring {
        about: "the eye leads to the maps, they to memory and choice; drawings come back.".into(),
        wide: (720.0, 280.0),
        tall: (360.0, 420.0),
        half_wide: (52.0, 27.0),
        half_tall: (72.0, 24.0),
        blocks: vec![
            block("image", None, (60.0, 90.0), (90.0, 40.0)),
            block("maps", Some(1), (220.0, 90.0), (90.0, 140.0)),
            block("memory", Some(2), (400.0, 40.0), (90.0, 270.0)),
            block("cortex", Some(0), (400.0, 150.0), (270.0, 270.0)),
            block("choice", Some(3), (580.0, 90.0), (180.0, 380.0)),
            block("drawing", None, (60.0, 240.0), (270.0, 110.0)),
        ],
        wires: vec![
            wire("image", "maps", Route::Straight, WireKind::Flow),
            wire("maps", "memory", Route::Fork, WireKind::Flow),
            wire("maps", "cortex", Route::Fork, WireKind::Flow),
            wire("memory", "choice", Route::Join, WireKind::Flow),
            wire("cortex", "choice", Route::Join, WireKind::Flow),
            wire("maps", "drawing", Route::Return, WireKind::Back),
            Wire {
                words: Some(("compared".into(), "compared".into())),
                ..wire("drawing", "image", Route::Up, WireKind::Compare)
            },
        ],
        exits: vec![("choice".into(), "class".into())],
    };
    Section::new("Plans", "Plans", "Boxes and arrows, drawn across on a desk and down on a phone.")
        .figure(Figure::new("Wiring", "", wiring))
}

pub(crate) fn sheet() -> Sheet {
    let score = Interval {
        name: "all".into(),
        value: 99.58,
        text: "99.58 %".into(),
        near: (99.4, 99.7),
        ..Interval::default()
    };
    let hero = Intervals { x: "accuracy, %".into(), rows: vec![score], range: None };
    Sheet {
        title: "Every plot".into(),
        headline: Headline {
            value: "99.58".into(),
            unit: "%".into(),
            lead: "of the test images are recognised.".into(),
            hint: "All of these numbers are made up.".into(),
            figure: Some(Figure::new("With its interval", "", hero)),
        },
        banner: Some(Banner { warning: true, strong: "Synthetic data.".into(), text: "Made by a program.".into() }),
        tiles: (0..5)
            .map(|i| Tile::new(&format!("measure {i}"), format!("{i}.5 ms"), "what it means, in half a sentence"))
            .collect(),
        sections: vec![lines(), events(), by_class(), pictures(), plans()],
        provenance: Provenance {
            name: "example".into(),
            started: "2026-11-21 19:55 UTC".into(),
            program: "nl-report".into(),
            seed: 1,
            threads: 2,
            computed: "AVX-512".into(),
            command: "cargo run --release -p nl-report --example page".into(),
            repeat: "The same command gives the same page.".into(),
            facts: vec![("SHA-256".into(), "9f86d081884c7d65".into())],
            config: "seed: 1\nnoise: 0.25\n".into(),
        },
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args_os().nth(1).map_or_else(|| std::env::temp_dir().join("page.html"), PathBuf::from);
    let html = nl_report::render(&sheet())?;
    std::fs::write(&path, &html)?;
    println!("{}: {} kB", path.display(), html.len() / 1000);
    Ok(())
}
