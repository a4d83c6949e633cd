//! Points in the plane, by class.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use super::{Draw, Drawing};
use crate::svg::{Key, Svg, legend};
use crate::text::{count, shorten};
use crate::{Error, Mark, palette};

/// One point.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct MapPoint {
    /// Position, arbitrary unit.
    pub x: f32,
    /// Position, arbitrary unit.
    pub y: f32,
    /// Its class.
    pub class: u32,
}

/// Points in the plane without axes, each class with a mark of its own, and its name at the middle of its points. Both
/// directions have one scale.
///
/// ```
/// use nl_report::plots::{Draw, Map, MapPoint};
/// let points = vec![MapPoint { x: 0.0, y: 1.0, class: 0 }, MapPoint { x: 2.0, y: 0.0, class: 1 }];
/// let map = Map { points, classes: vec!["cat".into(), "dog".into()] };
/// assert!(map.draw("Embedding")?.html.contains("dog"));
/// # Ok::<(), nl_report::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Map {
    /// The points.
    pub points: Vec<MapPoint>,
    /// Names of the classes.
    pub classes: Vec<String>,
}

impl Draw for Map {
    fn draw(&self, label: &str) -> Result<Drawing, Error> {
        let n = self.classes.len();
        if let Some(point) = self.points.iter().find(|point| point.class as usize >= n) {
            return Err(Error::shape("map", format!("a point of class {}, but there are {n} classes", point.class)));
        }
        let size = 400.0;
        let description =
            format!("{label}: {} in the plane, of {n} classes.", count(self.points.len() as u64, "point"));
        let mut svg = Svg::new(size, size, "map", &description);
        let finite = || self.points.iter().filter(|p| p.x.is_finite() && p.y.is_finite());
        let range = |get: fn(&MapPoint) -> f32| {
            let values = finite().map(|p| f64::from(get(p)));
            values.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)))
        };
        let ((x0, x1), (y0, y1)) = (range(|p| p.x), range(|p| p.y));
        let scale = (size - 28.0) / (x1 - x0).max(y1 - y0).max(1e-9);
        let at = |p: &MapPoint| {
            let x = size / 2.0 + (f64::from(p.x) - (x0 + x1) / 2.0) * scale;
            (x, size / 2.0 - (f64::from(p.y) - (y0 + y1) / 2.0) * scale)
        };
        let (mut names, mut keys) = (Vec::new(), Vec::new());
        for (class, name) in self.classes.iter().enumerate() {
            let mark = Mark::of(class);
            let points: Vec<(f64, f64)> = finite().filter(|p| p.class as usize == class).map(at).collect();
            if points.is_empty() {
                continue;
            }
            let mut data = String::new();
            for &point in &points {
                let _ = write!(data, "{}", mark.at(point, 2.3));
            }
            svg.path(&data, &mark.class());
            let median = |mut values: Vec<f64>| {
                values.sort_by(f64::total_cmp);
                values[values.len() / 2]
            };
            let middle = (median(points.iter().map(|p| p.0).collect()), median(points.iter().map(|p| p.1).collect()));
            names.push((middle, name));
            keys.push((Key::Mark(mark), name.as_str()));
        }
        let class = if n > 12 { "halo small m" } else { "halo m" };
        for ((x, y), name) in names {
            svg.text((x.clamp(20.0, size - 20.0), y + 6.0), class, &shorten(name, 12));
        }
        let left_out = self.points.len() - finite().count();
        Ok(Drawing::narrow(svg.finish() + &legend(&keys)).with(palette::note(n)).without(left_out, "point"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(n: usize) -> Vec<String> {
        (0..n).map(|i| format!("c{i}")).collect()
    }

    #[test]
    fn every_point_is_inside_and_proportions_are_kept() {
        let at = |x, y, class| MapPoint { x, y, class };
        let points = vec![at(-300.0, 0.0, 0), at(100.0, 0.0, 0), at(0.0, 100.0, 1), at(0.0, f32::NAN, 1)];
        let drawing = Map { points, classes: names(2) }.draw("t").unwrap();
        let drawn = drawing.html.split("<ul").next().unwrap();
        assert_eq!(drawn.matches("h0").count(), 3);
        // 400 units wide and 100 high: the same scale on both axes.
        assert!(drawn.contains("M14 246.5h0") && drawn.contains("M386 246.5h0") && drawn.contains("M293 153.5h0"));
        assert_eq!(drawing.notes, ["1 point is no finite number and is not drawn."]);
    }

    #[test]
    fn forty_seven_classes_have_forty_seven_marks() {
        let points = (0..47).map(|i| MapPoint { x: i as f32, y: (i * i) as f32, class: i }).collect();
        let drawing = Map { points, classes: names(47) }.draw("t").unwrap();
        let keys: Vec<&str> = drawing.html.split("<li>").skip(1).map(|li| li.split("</svg>").next().unwrap()).collect();
        assert_eq!(keys.len(), 47);
        for i in 1..47 {
            assert!(!keys[..i].contains(&keys[i]), "class {i} looks like another: {}", keys[i]);
        }
        assert!(drawing.notes.is_empty());
        let many = Map { points: Vec::new(), classes: names(61) }.draw("t").unwrap();
        assert!(many.notes[0].contains("repeat"));
    }

    #[test]
    fn a_class_that_is_not_there_is_refused() {
        let map = Map { points: vec![MapPoint { x: 0.0, y: 0.0, class: 2 }], classes: names(2) };
        assert_eq!(map.draw("t").unwrap_err().to_string(), "map: a point of class 2, but there are 2 classes");
        assert!(Map::default().draw("t").is_ok());
    }
}
