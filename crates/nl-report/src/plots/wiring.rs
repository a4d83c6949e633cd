//! Boxes and arrows: one plan, drawn twice (across for wide screens, down for phones).

use serde::{Deserialize, Serialize};

use super::{Draw, Drawing};
use crate::Error;
use crate::svg::{Svg, coordinate, polyline};
use crate::text::shorten;

/// A box.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Block {
    /// What wires call it.
    pub id: String,
    /// Its name, as short as it is wide.
    pub name: String,
    /// A line below the name; may be empty.
    pub detail: String,
    /// Its tooltip; may be empty.
    pub about: String,
    /// One of five tints; none: dashed, for what is not part of the thing.
    pub tint: Option<usize>,
    /// Whether it is drawn as a stack of sheets.
    pub stack: bool,
    /// Its middle on the wide drawing.
    pub wide: (f64, f64),
    /// Its middle on the tall drawing.
    pub tall: (f64, f64),
}

/// The way a wire takes from box to box.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Route {
    /// To a neighbour in the same row (or column, on the tall drawing).
    #[default]
    Straight,
    /// From one box to one of two side by side.
    Fork,
    /// From one of two boxes side by side to the next.
    Join,
    /// Round a corner and back.
    Return,
    /// Past the boxes between: up and along; on the tall drawing, to the right and down.
    Past,
    /// Up to the box above it; on the tall drawing, round a corner to the left.
    Up,
}

/// How a wire looks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WireKind {
    /// What goes forward.
    #[default]
    Flow,
    /// What comes back.
    Back,
    /// What is compared: dashed.
    Compare,
}

/// An arrow.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wire {
    /// Id of the box it begins at.
    pub from: String,
    /// Id of the box it ends at.
    pub to: String,
    /// The way it takes.
    pub route: Route,
    /// How it looks.
    pub kind: WireKind,
    /// Words beside it, on the wide and on the tall drawing; of [`Route::Up`] only.
    pub words: Option<(String, String)>,
}

/// Boxes and arrows between them.
///
/// ```
/// use nl_report::plots::{Block, Draw, Wire, Wiring};
/// let block = |id: &str, x: f64| Block { id: id.into(), name: id.into(), wide: (x, 40.0), tall: (80.0, x), ..Block::default() };
/// let wire = Wire { from: "eye".into(), to: "brain".into(), ..Wire::default() };
/// let plot = Wiring {
///     about: "the eye leads to the brain".into(),
///     wide: (300.0, 80.0),
///     tall: (160.0, 300.0),
///     half_wide: (52.0, 27.0),
///     half_tall: (72.0, 24.0),
///     blocks: vec![block("eye", 60.0), block("brain", 220.0)],
///     wires: vec![wire],
///     exits: vec![("brain".into(), "class".into())],
/// };
/// assert!(plot.draw("Wiring")?.html.contains("wiring tall"));
/// # Ok::<(), nl_report::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Wiring {
    /// The whole in a sentence, for whoever cannot see it.
    pub about: String,
    /// Size of the wide drawing.
    pub wide: (f64, f64),
    /// Size of the tall drawing.
    pub tall: (f64, f64),
    /// Half the size of a box on the wide drawing.
    pub half_wide: (f64, f64),
    /// Half the size of a box on the tall drawing.
    pub half_tall: (f64, f64),
    /// The boxes.
    pub blocks: Vec<Block>,
    /// The arrows.
    pub wires: Vec<Wire>,
    /// Short arrows out of a box to the right: its id, and a word.
    pub exits: Vec<(String, String)>,
}

/// How far the sheets of a stack lean out.
const STACK: f64 = 6.0;
/// Room for the head of an arrow.
const GAP: f64 = 3.0;

impl Draw for Wiring {
    fn draw(&self, label: &str) -> Result<Drawing, Error> {
        self.check()?;
        let both = self.one(label, false)? + &self.one(label, true)?;
        Ok(Drawing::wide(format!("<div class=\"plate\">{both}</div>")))
    }
}

impl Wiring {
    fn check(&self) -> Result<(), Error> {
        let error = |what: String| Err(Error::shape("wiring", what));
        for (i, block) in self.blocks.iter().enumerate() {
            if self.blocks[..i].iter().any(|other| other.id == block.id) {
                return error(format!("two boxes are called {:?}", block.id));
            }
            for (middle, half, size) in
                [(block.wide, self.half_wide, self.wide), (block.tall, self.half_tall, self.tall)]
            {
                let inside = |at: f64, half: f64, size: f64| at - half >= 0.0 && at + half <= size;
                if !(inside(middle.0, half.0, size.0) && inside(middle.1, half.1, size.1)) {
                    let (w, h) = size;
                    return error(format!(
                        "box {:?} at ({}, {}) leaves the plan of {w} × {h}",
                        block.id, middle.0, middle.1
                    ));
                }
            }
        }
        Ok(())
    }

    fn block(&self, id: &str) -> Result<&Block, Error> {
        let found = self.blocks.iter().find(|block| block.id == id);
        found.ok_or_else(|| Error::shape("wiring", format!("a wire leads to {id:?}, but no box is called that")))
    }

    fn one(&self, label: &str, tall: bool) -> Result<String, Error> {
        let (size, half) = if tall { (self.tall, self.half_tall) } else { (self.wide, self.half_wide) };
        let class = if tall { "wiring tall" } else { "wiring across" };
        let mut svg = Svg::new(size.0, size.1, class, &format!("{label}: {}", self.about));
        let place = |block: &Block| if tall { block.tall } else { block.wide };
        for wire in &self.wires {
            let (from, to) = (self.block(&wire.from)?, self.block(&wire.to)?);
            let (start, mut end) = (place(from), place(to));
            if tall && to.stack && wire.route != Route::Up {
                end.1 -= STACK;
            }
            arrow(&mut svg, &corners(wire.route, start, end, half, tall), wire.kind);
            if let (Some((across, down)), Route::Up) = (&wire.words, wire.route) {
                if tall {
                    svg.text((start.0 - 6.0, end.1 - 8.0), "t l m", down);
                } else {
                    svg.text((start.0 + 10.0, f64::midpoint(start.1, end.1) + 4.0), "t l", across);
                }
            }
        }
        for (id, word) in &self.exits {
            let (x, y) = place(self.block(id)?);
            arrow(&mut svg, &[(x + half.0, y), (x + half.0 + 24.0, y)], WireKind::Flow);
            svg.text((x + half.0 + 29.0, y + 4.0), "t b", word);
        }
        for block in &self.blocks {
            node(&mut svg, block, place(block), half);
        }
        Ok(svg.finish())
    }
}

fn node(svg: &mut Svg, block: &Block, at: (f64, f64), half: (f64, f64)) {
    let class = block.tint.map_or("box plain".to_owned(), |tint| format!("box tint{}", tint % 5));
    let (corner, size) = ((at.0 - half.0, at.1 - half.1), (2.0 * half.0, 2.0 * half.1));
    if block.stack {
        for shift in [STACK, STACK / 2.0] {
            svg.rect((corner.0 + shift, corner.1 - shift), size, &class, 1.0, "");
        }
    }
    svg.rect(corner, size, &class, 1.0, &block.about);
    let lift = if block.detail.is_empty() { 5.0 } else { -2.0 };
    svg.text((at.0, at.1 + lift), "t b m", &block.name);
    svg.text((at.0, at.1 + 15.0), "t l m", &shorten(&block.detail, 18));
}

/// The corners of a wire between two boxes given by their middles; `half` is half the size of a box.
fn corners(route: Route, from: (f64, f64), to: (f64, f64), half: (f64, f64), tall: bool) -> Vec<(f64, f64)> {
    /// Distance between two wires that end in one box.
    const APART: f64 = 12.0;
    if tall && !matches!(route, Route::Return | Route::Up | Route::Past) {
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
        Route::Past if tall => {
            let lane = from.0.max(to.0) + half.0 + APART;
            vec![(from.0 + half.0, from.1), (lane, from.1), (lane, to.1), (to.0 + half.0 + GAP, to.1)]
        }
        Route::Past => vec![(from.0, from.1 - half.1), (from.0, to.1), (end, to.1)],
        Route::Up if tall => vec![(from.0, from.1 - half.1), (from.0, to.1), (to.0 + half.0 + GAP, to.1)],
        Route::Up => vec![(from.0, from.1 - half.1), (to.0, to.1 + half.1 + GAP)],
    }
}

/// A line with a head at its end.
fn arrow(svg: &mut Svg, points: &[(f64, f64)], kind: WireKind) {
    let kind = match kind {
        WireKind::Flow => "flow",
        WireKind::Back => "back",
        WireKind::Compare => "compare",
    };
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

    const HALF: (f64, f64) = (40.0, 20.0);

    #[test]
    fn every_way_leaves_and_reaches_its_boxes_along_an_axis() {
        let outside =
            |p: (f64, f64), middle: (f64, f64)| ((p.0 - middle.0).abs() - HALF.0).max((p.1 - middle.1).abs() - HALF.1);
        for (route, from, to, tall) in [
            (Route::Straight, (50.0, 100.0), (200.0, 100.0), false),
            (Route::Straight, (100.0, 50.0), (100.0, 200.0), true),
            (Route::Fork, (50.0, 100.0), (200.0, 200.0), false),
            (Route::Fork, (50.0, 100.0), (200.0, 100.0), false),
            (Route::Join, (50.0, 200.0), (200.0, 100.0), false),
            (Route::Join, (50.0, 100.0), (150.0, 250.0), true),
            (Route::Return, (300.0, 100.0), (150.0, 250.0), false),
            (Route::Return, (100.0, 300.0), (250.0, 150.0), true),
            (Route::Past, (50.0, 200.0), (300.0, 100.0), false),
            (Route::Past, (100.0, 50.0), (100.0, 300.0), true),
            (Route::Up, (100.0, 250.0), (100.0, 100.0), false),
            (Route::Up, (250.0, 250.0), (100.0, 100.0), true),
        ] {
            let points = corners(route, from, to, HALF, tall);
            let what = format!("{route:?}, tall: {tall}: {points:?}");
            assert!(outside(points[0], from).abs() < 1e-9, "{what}");
            assert!((outside(points[points.len() - 1], to) - GAP).abs() < 1e-9, "{what}");
            for pair in points.windows(2) {
                assert!((pair[1].0 - pair[0].0).abs() < 1e-9 || (pair[1].1 - pair[0].1).abs() < 1e-9, "{what}");
            }
        }
    }

    fn plot() -> Wiring {
        let block = |id: &str, x| Block { id: id.into(), wide: (x, 30.0), tall: (60.0, x), ..Block::default() };
        Wiring {
            wide: (300.0, 60.0),
            tall: (120.0, 300.0),
            half_wide: HALF,
            half_tall: HALF,
            blocks: vec![block("a", 50.0), block("b", 200.0)],
            wires: vec![Wire { from: "a".into(), to: "b".into(), ..Wire::default() }],
            ..Wiring::default()
        }
    }

    #[test]
    fn what_contradicts_is_refused() {
        assert!(plot().draw("t").is_ok());
        let change = |change: fn(&mut Wiring)| {
            let mut wiring = plot();
            change(&mut wiring);
            wiring.draw("t").unwrap_err().to_string()
        };
        assert!(change(|w| w.wires[0].to = "c".into()).contains("leads to \"c\", but no box"));
        assert!(change(|w| w.blocks[1].id = "a".into()).contains("two boxes are called \"a\""));
        assert!(change(|w| w.blocks[1].wide.0 = f64::NAN).contains("leaves the plan"));
        assert!(change(|w| w.exits.push(("z".into(), String::new()))).contains("leads to \"z\""));
    }
}
