//! How the brain is wired: one plan, drawn twice (across for wide screens, down for phones).

use super::data::Region;
use super::svg::{Svg, coordinate, polyline, shorten};

/// A box of the plan: region id (or the name of what is not a region), middle on the wide and on the tall drawing.
type Place = (&'static str, (f64, f64), (f64, f64));

const WIDE: (f64, f64) = (1190.0, 306.0);
const TALL: (f64, f64) = (360.0, 696.0);

/// The ventral stream in a line, memory and classifier side by side, the decoder on its way back.
const PLACES: [Place; 12] = [
    ("image", (58.0, 122.0), (88.0, 30.0)),
    ("retina", (178.0, 122.0), (88.0, 106.0)),
    ("thalamus", (298.0, 122.0), (88.0, 182.0)),
    ("v1", (418.0, 122.0), (88.0, 258.0)),
    ("v2", (538.0, 122.0), (88.0, 334.0)),
    ("v4", (658.0, 122.0), (88.0, 410.0)),
    ("it", (778.0, 122.0), (88.0, 486.0)),
    ("hippocampus", (926.0, 44.0), (88.0, 582.0)),
    ("pfc", (926.0, 200.0), (272.0, 582.0)),
    ("basal_ganglia", (1074.0, 122.0), (180.0, 664.0)),
    ("cerebellum", (538.0, 264.0), (272.0, 300.0)),
    ("drawing", (58.0, 264.0), (272.0, 106.0)),
];

/// The way a wire takes from box to box.
#[derive(Clone, Copy, PartialEq)]
enum Route {
    /// To a neighbour in the same row or column.
    Straight,
    /// From one box to one of two side by side.
    Fork,
    /// From one of two boxes side by side to the next.
    Join,
    /// Out of the embedding and round a corner, back to the decoder.
    Return,
}

const WIRES: [(&str, &str, Route); 12] = [
    ("image", "retina", Route::Straight),
    ("retina", "thalamus", Route::Straight),
    ("thalamus", "v1", Route::Straight),
    ("v1", "v2", Route::Straight),
    ("v2", "v4", Route::Straight),
    ("v4", "it", Route::Straight),
    ("it", "hippocampus", Route::Fork),
    ("it", "pfc", Route::Fork),
    ("hippocampus", "basal_ganglia", Route::Join),
    ("pfc", "basal_ganglia", Route::Join),
    ("it", "cerebellum", Route::Return),
    ("cerebellum", "drawing", Route::Straight),
];

const HALF: (f64, f64) = (52.0, 27.0);
const HALF_TALL: (f64, f64) = (72.0, 24.0);
const STACK: f64 = 6.0;

/// The wide drawing, then the tall one.
pub(super) fn wiring(regions: &[Region]) -> (String, String) {
    (draw(regions, false), draw(regions, true))
}

fn draw(regions: &[Region], tall: bool) -> String {
    let (size, half) = if tall { (TALL, HALF_TALL) } else { (WIDE, HALF) };
    let label = "Wiring: the image passes retina, thalamus, V1, V2, V4 and inferotemporal cortex; hippocampus and \
                 prefrontal cortex each propose a class; the basal ganglia mix the two. The cerebellum draws the image \
                 from the inferotemporal embedding.";
    let mut svg = Svg::new(size.0, size.1, if tall { "wiring tall" } else { "wiring across" }, label);
    let known = |id: &str| matches!(id, "image" | "drawing") || regions.iter().any(|region| region.id == id);
    let place = |id: &str| PLACES.iter().find(|p| p.0 == id).map_or((0.0, 0.0), |p| if tall { p.2 } else { p.1 });
    for (from, to, route) in WIRES.into_iter().filter(|wire| known(wire.0) && known(wire.1)) {
        let (start, mut end) = (place(from), place(to));
        if tall && is_stack(regions, to) {
            end.1 -= STACK;
        }
        let class = if from == "cerebellum" || route == Route::Return { "back" } else { "flow" };
        arrow(&mut svg, &corners(route, start, end, half, tall), class);
    }
    if known("cerebellum") {
        compare(&mut svg, place("image"), place("drawing"), half, tall);
    }
    if known("basal_ganglia") {
        let (x, y) = place("basal_ganglia");
        arrow(&mut svg, &[(x + half.0, y), (x + half.0 + 24.0, y)], "flow");
        svg.text((x + half.0 + 29.0, y + 4.0), "t b", "class");
    }
    for (id, ..) in PLACES.into_iter().filter(|p| known(p.0)) {
        node(&mut svg, id, place(id), half, regions);
    }
    svg.finish()
}

/// Maps of features are drawn as a stack, leaning to the upper right.
fn is_stack(regions: &[Region], id: &str) -> bool {
    let maps = |r: &Region| r.output.matches('×').count() == 2 && !r.output.starts_with("1 ");
    regions.iter().any(|r| r.id == id && maps(r))
}

fn node(svg: &mut Svg, id: &str, at: (f64, f64), half: (f64, f64), regions: &[Region]) {
    let region = regions.iter().find(|region| region.id == id);
    let (name, class) = match id {
        "image" => ("Image", "plain"),
        "drawing" => ("Drawing", "plain"),
        "retina" => ("Retina", "sense"),
        "thalamus" => ("Thalamus", "sense"),
        "v1" => ("V1", "cortex"),
        "v2" => ("V2", "cortex"),
        "v4" => ("V4", "cortex"),
        "it" => ("IT cortex", "cortex"),
        "pfc" => ("Prefrontal", "decide"),
        "hippocampus" => ("Hippocampus", "memory"),
        "basal_ganglia" => ("Basal ganglia", "decide"),
        _ => ("Cerebellum", "draw"),
    };
    let title = region.map_or(String::new(), |r| format!("{}: {}", r.name, r.role));
    let corner = (at.0 - half.0, at.1 - half.1);
    if is_stack(regions, id) {
        for shift in [STACK, STACK / 2.0] {
            let at = (corner.0 + shift, corner.1 - shift);
            svg.rect(at, (2.0 * half.0, 2.0 * half.1), &format!("box {class}"), 1.0, "");
        }
    }
    svg.rect(corner, (2.0 * half.0, 2.0 * half.1), &format!("box {class}"), 1.0, &title);
    let output = region.map_or("", |r| r.output.as_str());
    let lift = if output.is_empty() { 5.0 } else { -2.0 };
    svg.text((at.0, at.1 + lift), "t b m", name);
    svg.text((at.0, at.1 + 15.0), "t l m", &shorten(output, 18));
}

/// The corners of a wire between two boxes given by their middles; `half` is half the size of a box.
fn corners(route: Route, from: (f64, f64), to: (f64, f64), half: (f64, f64), tall: bool) -> Vec<(f64, f64)> {
    /// Room for the head of the arrow; distance between two wires that end in one box.
    const GAP: f64 = 3.0;
    const APART: f64 = 12.0;
    if tall && route != Route::Return {
        // The same ways with the axes exchanged.
        let swap = |p: (f64, f64)| (p.1, p.0);
        return corners(route, swap(from), swap(to), swap(half), false).into_iter().map(swap).collect();
    }
    let side = (to.0 - from.0).signum();
    let (start, end) = (from.0 + side * half.0, to.0 - side * (half.0 + GAP));
    let lane = f64::midpoint(start, end);
    match route {
        Route::Straight => vec![(start, from.1), (end, to.1)],
        Route::Fork if (from.1 - to.1).abs() < 1.0 => vec![(start, from.1), (end, to.1)],
        Route::Fork => vec![(start, from.1), (lane, from.1), (lane, to.1), (end, to.1)],
        Route::Join => {
            let landing = to.1 + APART * (from.1 - to.1).signum();
            vec![(start, from.1), (lane, from.1), (lane, landing), (end, landing)]
        }
        Route::Return if tall => vec![(start, from.1), (to.0, from.1), (to.0, to.1 + half.1 + GAP)],
        Route::Return => vec![(from.0, from.1 + half.1), (from.0, to.1), (to.0 + half.0 + GAP, to.1)],
    }
}

/// Image and drawing are compared: the error of learning without labels.
fn compare(svg: &mut Svg, image: (f64, f64), drawing: (f64, f64), half: (f64, f64), tall: bool) {
    if tall {
        let corner = (drawing.0, image.1);
        arrow(svg, &[(corner.0, drawing.1 - half.1), corner, (image.0 + half.0 + 3.0, image.1)], "compare");
        svg.text((drawing.0 - 6.0, image.1 - 8.0), "t l m", "compared");
    } else {
        arrow(svg, &[(drawing.0, drawing.1 - half.1), (image.0, image.1 + half.1 + 3.0)], "compare");
        svg.text((drawing.0 + 10.0, f64::midpoint(image.1, drawing.1) + 4.0), "t l", "compared: the error of stage 1");
    }
}

/// A line with a head at its end.
fn arrow(svg: &mut Svg, points: &[(f64, f64)], kind: &str) {
    svg.path(&polyline(points), &format!("wire {kind}"));
    let [.., before, end] = points else { return };
    let length = (end.0 - before.0).hypot(end.1 - before.1).max(1e-9);
    let (ux, uy) = ((end.0 - before.0) / length, (end.1 - before.1) / length);
    let corner = |side: f64| (end.0 - 7.0 * ux - side * 4.0 * uy, end.1 - 7.0 * uy + side * 4.0 * ux);
    let (a, b) = (corner(1.0), corner(-1.0));
    let [x0, y0, x1, y1, x2, y2] = [end.0, end.1, a.0, a.1, b.0, b.1].map(coordinate);
    svg.path(&format!("M{x0} {y0}L{x1} {y1}L{x2} {y2}Z"), &format!("head {kind}"));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn regions() -> Vec<Region> {
        let known = PLACES.iter().filter(|place| !matches!(place.0, "image" | "drawing"));
        known
            .map(|place| Region { id: place.0.to_owned(), output: "8 × 4 × 4".to_owned(), ..Region::default() })
            .collect()
    }

    #[test]
    fn every_wire_ends_at_its_box_and_runs_along_an_axis() {
        for tall in [false, true] {
            let half = if tall { HALF_TALL } else { HALF };
            let place = |id: &str| PLACES.iter().find(|p| p.0 == id).map(|p| if tall { p.2 } else { p.1 }).unwrap();
            for (from, to, route) in WIRES {
                let points = corners(route, place(from), place(to), half, tall);
                let outside = |p: (f64, f64), id: &str| {
                    let ((x, y), middle) = (p, place(id));
                    ((x - middle.0).abs() - half.0).max((y - middle.1).abs() - half.1)
                };
                let (first, last) = (points[0], points[points.len() - 1]);
                assert!(outside(first, from).abs() < 1e-9, "{from} to {to}: starts at {first:?}");
                assert!((outside(last, to) - 3.0).abs() < 1e-9, "{from} to {to}: ends at {last:?}");
                for pair in points.windows(2) {
                    let (dx, dy) = (pair[1].0 - pair[0].0, pair[1].1 - pair[0].1);
                    assert!(dx.abs() < 1e-9 || dy.abs() < 1e-9, "{from} to {to}: {pair:?}");
                    for other in PLACES.iter().filter(|p| p.0 != from && p.0 != to) {
                        let middle = (f64::midpoint(pair[0].0, pair[1].0), f64::midpoint(pair[0].1, pair[1].1));
                        assert!(outside(middle, other.0) > 0.0, "{from} to {to} crosses {}", other.0);
                    }
                }
            }
        }
    }

    #[test]
    fn a_region_that_is_missing_takes_its_wires_along() {
        let (full, _) = wiring(&regions());
        assert!(full.contains("Hippocampus") && full.contains("8 × 4 × 4"));
        let without: Vec<Region> = regions().into_iter().filter(|r| r.id != "hippocampus").collect();
        let (less, tall) = wiring(&without);
        assert!(!less.contains(">Hippocampus<") && !tall.contains(">Hippocampus<"));
        assert_eq!(full.matches("wire flow").count(), less.matches("wire flow").count() + 2);
    }
}
