//! How the brain is wired: the plan of its regions, and what each does.

use nl_brain::Brain;
use nl_report::plots::{Block, Cell, Route, Table, Wire, WireKind, Wiring};
use nl_report::text::thousands;
use nl_report::{Figure, Section};

use crate::models::brain::findings::View;
use crate::models::brain::keys;

/// A region as the page tells of it.
struct Region {
    id: &'static str,
    name: &'static str,
    role: String,
    output: String,
    parameters: u64,
}

/// A box of the plan: region id (or the name of what is not a region), short name, tint, and its middle on the wide and on
/// the tall drawing.
type Place = (&'static str, &'static str, Option<usize>, (f64, f64), (f64, f64));

/// The ventral stream in a line, memory and classifier side by side, the decoder on its way back.
const PLACES: [Place; 12] = [
    ("image", "Image", None, (58.0, 122.0), (88.0, 30.0)),
    ("retina", "Retina", Some(0), (178.0, 122.0), (88.0, 106.0)),
    ("thalamus", "Thalamus", Some(0), (298.0, 122.0), (88.0, 182.0)),
    ("v1", "V1", Some(1), (418.0, 122.0), (88.0, 258.0)),
    ("v2", "V2", Some(1), (538.0, 122.0), (88.0, 334.0)),
    ("v4", "V4", Some(1), (658.0, 122.0), (88.0, 410.0)),
    ("it", "IT cortex", Some(1), (778.0, 122.0), (88.0, 486.0)),
    ("hippocampus", "Hippocampus", Some(2), (926.0, 44.0), (88.0, 582.0)),
    ("pfc", "Prefrontal", Some(3), (926.0, 200.0), (272.0, 582.0)),
    ("basal_ganglia", "Basal ganglia", Some(3), (1074.0, 122.0), (180.0, 664.0)),
    ("cerebellum", "Cerebellum", Some(4), (538.0, 264.0), (272.0, 300.0)),
    ("drawing", "Drawing", None, (58.0, 264.0), (272.0, 106.0)),
];

const WIRES: [(&str, &str, Route, WireKind); 13] = [
    ("image", "retina", Route::Straight, WireKind::Flow),
    ("retina", "thalamus", Route::Straight, WireKind::Flow),
    ("thalamus", "v1", Route::Straight, WireKind::Flow),
    ("v1", "v2", Route::Straight, WireKind::Flow),
    ("v2", "v4", Route::Straight, WireKind::Flow),
    ("v4", "it", Route::Straight, WireKind::Flow),
    ("it", "hippocampus", Route::Fork, WireKind::Flow),
    ("it", "pfc", Route::Fork, WireKind::Flow),
    ("hippocampus", "basal_ganglia", Route::Join, WireKind::Flow),
    ("pfc", "basal_ganglia", Route::Join, WireKind::Flow),
    ("it", "cerebellum", Route::Return, WireKind::Back),
    ("cerebellum", "drawing", Route::Straight, WireKind::Back),
    ("drawing", "image", Route::Up, WireKind::Compare),
];

pub(super) fn section(run: &View<'_>) -> Section {
    let regions = regions(run, run.model.hippocampus.as_ref().map_or(0, |hippocampus| hippocampus.memory().len()));
    let mut table = Table::new(&["region", "what it does here", "output", "parameters"]);
    for region in &regions {
        let output = Cell::number(region.output.as_str());
        table = table.row([
            region.name.into(),
            region.role.as_str().into(),
            output,
            Cell::number(thousands(region.parameters)),
        ]);
    }
    Section::new(
        "How the brain is wired",
        "Wiring",
        "An image travels from the eye through ever more abstract maps to one short list of numbers, the embedding. Memory and \
         cortex each propose a class from it, and the basal ganglia decide whom to trust; the cerebellum draws the image back \
         from the embedding, which is how the brain learns before anyone names a class.",
    )
    .figure(Figure::new("", "", plan(&regions, run.model.remembered.region)))
    .figure(Figure::new("Its regions", "", table))
}

fn plan(regions: &[Region], remembered: keys::Region) -> Wiring {
    let block = |(id, name, tint, wide, tall): Place| {
        let region = regions.iter().find(|region| region.id == id);
        let detail = region.map_or(String::new(), |region| region.output.clone());
        // Maps of features are drawn as a stack, one map is not.
        let stack = detail.matches('×').count() == 2 && !detail.starts_with("1 ");
        let about = region.map_or(String::new(), |region| format!("{}: {}", region.name, region.role));
        Block { id: id.into(), name: name.into(), detail, about, tint, stack, wide, tall }
    };
    let wire = |(from, to, route, kind): (&str, &str, Route, WireKind)| {
        let (from, route) = match (to, remembered.block()) {
            ("hippocampus", Some(from)) => (from, Route::Past),
            _ => (from, route),
        };
        let words = (kind == WireKind::Compare).then(|| ("compared: the error of stage 1".into(), "compared".into()));
        Wire { from: from.into(), to: to.into(), route, kind, words }
    };
    Wiring {
        about: "the image passes retina, thalamus, V1, V2, V4 and inferotemporal cortex; hippocampus and prefrontal cortex each \
                propose a class; the basal ganglia mix the two. The cerebellum draws the image from the inferotemporal \
                embedding."
            .into(),
        wide: (1190.0, 306.0),
        tall: (360.0, 696.0),
        half_wide: (52.0, 27.0),
        half_tall: (72.0, 24.0),
        blocks: PLACES.map(block).into(),
        wires: WIRES.map(wire).into(),
        exits: vec![("basal_ganglia".into(), "class".into())],
    }
}

fn regions(run: &View<'_>, stored: usize) -> Vec<Region> {
    let c = run.model.brain.config();
    let [[h, w], [h2, w2], [h4, w4]] = c.pyramid();
    let count = |prefix: &str| {
        run.model
            .parameters
            .entries()
            .iter()
            .filter(|entry| entry.is_under(prefix))
            .map(|entry| entry.len() as u64)
            .sum()
    };
    let region = |id, name, role: String, output: String, prefix: Option<&str>| Region {
        id,
        name,
        role,
        output,
        parameters: prefix.map_or(0, count),
    };
    let conv3 = |pool: &str| format!("3 × 3 convolution, ReLU{pool}");
    let (k, neighbours) = (c.retina_kernel, run.config.hippocampus.neighbours);
    let remembered = run.model.remembered;
    let by = match (remembered.region, remembered.cortex) {
        (keys::Region::Inferotemporal, keys::Cortex::Now) => String::new(),
        (region, keys::Cortex::Now) => format!(" by the {}", region.name()),
        (region, keys::Cortex::Unlabelled) => format!(" by the {} of the cortex before any label", region.name()),
    };
    let classes = format!("{} classes", c.classes);
    vec![
        region(
            "retina",
            "Retina",
            format!("{k} × {k} convolution, ReLU"),
            format!("{} × {h} × {w}", c.retina),
            Some("cortex/retina"),
        ),
        region(
            "thalamus",
            "Thalamus",
            "gates each channel by attention".into(),
            format!("{} gates", c.retina),
            Some("cortex/thalamus"),
        ),
        region("v1", "V1", conv3(", 2 × 2 max-pool"), format!("{} × {h2} × {w2}", c.v1), Some("cortex/v1")),
        region("v2", "V2", conv3(", 2 × 2 max-pool"), format!("{} × {h4} × {w4}", c.v2), Some("cortex/v2")),
        region("v4", "V4", conv3(""), format!("{} × {h4} × {w4}", c.v4), Some("cortex/v4")),
        region(
            "it",
            "Inferotemporal cortex",
            if c.both_sides { "compact embedding, the mean of both sides" } else { "compact embedding" }.into(),
            format!("{} units", c.embedding),
            Some("cortex/it"),
        ),
        region("pfc", "Prefrontal cortex", "names the class".into(), classes.clone(), Some(Brain::PREFRONTAL)),
        region(
            "hippocampus",
            "Hippocampus",
            format!("recalls the {neighbours} nearest of {} episodes{by}", thousands(stored as u64)),
            classes,
            None,
        ),
        region(
            "basal_ganglia",
            "Basal ganglia",
            "trust in memory against cortex".into(),
            "1 gate".into(),
            Some(Brain::BASAL_GANGLIA),
        ),
        region(
            "cerebellum",
            "Cerebellum",
            "draws the image from the embedding".into(),
            format!("{} × {h} × {w}", c.channels),
            Some(Brain::CEREBELLUM),
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use nl_report::Draw;

    #[test]
    fn the_plan_is_drawn_with_every_region() {
        let known = PLACES.iter().filter(|place| place.2.is_some());
        let regions: Vec<Region> = known
            .map(|place| Region {
                id: place.0,
                name: place.1,
                role: String::new(),
                output: "8 × 4 × 4".into(),
                parameters: 1,
            })
            .collect();
        let html = plan(&regions, keys::Region::V2).draw("Wiring").unwrap().html;
        for place in PLACES {
            assert_eq!(html.matches(&format!(">{}</text>", place.1)).count(), 2, "{}: across and down", place.1);
        }
        assert_eq!(html.matches("class=\"wire ").count(), 2 * (WIRES.len() + 1));
        // No two boxes overlap.
        for (i, a) in PLACES.iter().enumerate() {
            for b in &PLACES[..i] {
                assert!((a.3.0 - b.3.0).abs() >= 104.0 || (a.3.1 - b.3.1).abs() >= 54.0, "{} {}", a.0, b.0);
                assert!((a.4.0 - b.4.0).abs() >= 144.0 || (a.4.1 - b.4.1).abs() >= 48.0, "{} {}", a.0, b.0);
            }
        }
    }
}
