//! A dot for each event of each of many: spikes.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use super::{Draw, Drawing};
use crate::Error;
use crate::axis::{Axis, Frame};
use crate::palette::COLOURS;
use crate::svg::{Key, Svg, coordinate, legend};
use crate::text::{count, shorten};
use crate::{Mark, Shape};

/// Some of the rows of a [`Raster`], with a name and a colour.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct RasterGroup {
    /// Its name.
    pub name: String,
    /// (time, row) of each of its dots.
    pub dots: Vec<(f64, u32)>,
}

/// Spikes: a dot for each, time to the right, rows upwards.
///
/// Groups that keep to rows of their own are named at the right, beside them.
///
/// ```
/// use nl_report::plots::{Draw, Raster, RasterGroup};
/// let groups = vec![RasterGroup { name: "excitatory".into(), dots: vec![(0.5, 0), (1.5, 3)] }];
/// let raster = Raster { x: "time, ms".into(), y: "neuron".into(), rows: 4, groups, ..Raster::default() };
/// assert!(raster.draw("Spikes")?.html.contains("h0"));
/// # Ok::<(), nl_report::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Raster {
    /// Name of the time axis, with unit.
    pub x: String,
    /// What a row is: `"neuron"`.
    pub y: String,
    /// Rows in all.
    pub rows: u32,
    /// The dots.
    pub groups: Vec<RasterGroup>,
    /// The ends of the time axis; without them, those of the dots.
    pub range: Option<(f64, f64)>,
    /// Moments with a name each, drawn as a line from top to bottom.
    pub moments: Vec<(f64, String)>,
}

/// Characters of a name beside its rows.
const ROOM: usize = 7;

impl Draw for Raster {
    fn draw(&self, label: &str) -> Result<Drawing, Error> {
        for group in &self.groups {
            if let Some((_, row)) = group.dots.iter().find(|dot| dot.1 >= self.rows) {
                let what = format!("group {:?} has a dot in row {row}, but there are {} rows", group.name, self.rows);
                return Err(Error::shape("raster", what));
            }
        }
        let bands = self.bands();
        let frame =
            Frame { right: if bands.is_empty() { Frame::CHART.right } else { 312.0 }, bottom: 234.0, ..Frame::CHART };
        let all: usize = self.groups.iter().map(|group| group.dots.len()).sum();
        let finite = || self.groups.iter().flat_map(|g| &g.dots).filter(|dot| dot.0.is_finite());
        let description = format!("{label}: {} of {}.", count(all as u64, "dot"), count(self.rows.into(), "row"));
        let mut svg = Svg::new(360.0, 272.0, "chart", &description);
        let x = match self.range {
            Some((from, to)) => Axis::over([from, to].into_iter(), false, frame.left, frame.right),
            None => Axis::over(finite().map(|dot| dot.0), false, frame.left, frame.right).rounded_if_near(6),
        };
        let y = Axis::over([0.0, f64::from(self.rows)].into_iter(), false, frame.bottom, frame.top);
        frame.draw(&mut svg, &x, &y, &self.x, &self.y);
        for (at, name) in self.moments.iter().filter(|moment| moment.0.is_finite()) {
            svg.line((x.at(*at), frame.top), (x.at(*at), frame.bottom), "moment");
            svg.text((x.at(*at) + 3.0, frame.top - 2.0), "t l", &shorten(name, 8));
        }
        let mut keys = Vec::new();
        for (i, group) in self.groups.iter().enumerate() {
            let mark = Mark { colour: i % COLOURS, shape: Shape::Disc };
            let mut data = String::new();
            for (t, row) in group.dots.iter().filter(|dot| dot.0.is_finite()) {
                let _ = write!(data, "M{} {}h0", coordinate(x.at(*t)), coordinate(y.at(f64::from(*row) + 0.5)));
            }
            svg.path(&data, &format!("spikes s{}", mark.colour));
            keys.push((Key::Mark(mark), group.name.as_str()));
        }
        let mut last = f64::INFINITY;
        for (middle, name) in &bands {
            let at = y.at(*middle);
            // From below upwards; a name that would touch the one before is left to the legend.
            if last - at >= 11.0 {
                svg.text((frame.right + 6.0, at + 4.0), "t", &shorten(name, ROOM));
                last = at;
            }
        }
        let names = if keys.len() > 1 { legend(&keys) } else { String::new() };
        let many = self.groups.len() > COLOURS;
        let beside = if bands.is_empty() { "" } else { "; names stand beside their rows" };
        let repeat = many.then(|| format!("Colours repeat after {COLOURS} groups{beside}."));
        Ok(Drawing::narrow(svg.finish() + &names).with(repeat).without(all - finite().count(), "dot"))
    }
}

impl Raster {
    /// The middle row and the name of each group, from below, if no two groups share rows.
    fn bands(&self) -> Vec<(f64, &str)> {
        let span = |group: &RasterGroup| {
            let rows = || group.dots.iter().map(|dot| dot.1);
            Some((rows().min()?, rows().max()?))
        };
        let mut bands: Vec<((u32, u32), &str)> =
            self.groups.iter().filter_map(|group| Some((span(group)?, group.name.as_str()))).collect();
        bands.sort_unstable();
        // Long names of few groups stand whole in the legend.
        let cut = self.groups.len() <= COLOURS && bands.iter().any(|(_, name)| name.chars().count() > ROOM);
        if cut || bands.len() < 2 || bands.windows(2).any(|pair| pair[0].0.1 >= pair[1].0.0) {
            return Vec::new();
        }
        bands.into_iter().map(|((from, to), name)| (f64::midpoint(from.into(), to.into()) + 0.5, name)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raster(groups: &[(&str, &[(f64, u32)])]) -> Raster {
        let groups = groups.iter().map(|(n, d)| RasterGroup { name: (*n).into(), dots: d.to_vec() }).collect();
        Raster { x: "time, ms".into(), y: "neuron".into(), rows: 100, groups, ..Raster::default() }
    }

    #[test]
    fn the_legends_colours_are_the_dots() {
        let names: Vec<String> = (0..12).map(|i| format!("c{i}")).collect();
        let dots: Vec<[(f64, u32); 2]> = (0..12).map(|i| [(1.0, 8 * i), (2.0, 8 * i + 3)]).collect();
        let groups: Vec<(&str, &[(f64, u32)])> = names.iter().zip(&dots).map(|(n, d)| (n.as_str(), &d[..])).collect();
        let drawing = raster(&groups).draw("t").unwrap();
        let colours = |class: &str| -> Vec<String> {
            let begin = format!("class=\"{class} ");
            let parts = drawing.html.split(begin.as_str()).skip(1);
            parts.filter_map(|rest| rest.split('"').next()).map(str::to_owned).collect()
        };
        let spikes = colours("spikes");
        assert_eq!(spikes.len(), 12);
        assert_eq!(spikes, colours("dots"));
        assert!(spikes[..10].iter().enumerate().all(|(i, c)| !spikes[..i].contains(c)));
        assert!(drawing.notes[0].contains("repeat after 10"));
        // Each is named beside its rows too.
        assert!(names.iter().all(|name| drawing.html.contains(&format!(">{name}</text>"))), "{}", drawing.html);
    }

    #[test]
    fn groups_that_share_rows_are_in_the_legend_only() {
        let html = raster(&[("one", &[(0.0, 1), (1.0, 50)]), ("two", &[(0.5, 20)])]).draw("t").unwrap().html;
        assert!(!html.contains(">one</text>") && html.contains("one</li>"));
    }

    #[test]
    fn what_contradicts_is_refused_and_what_is_not_finite_is_said() {
        let error = raster(&[("one", &[(0.0, 100)])]).draw("t").unwrap_err().to_string();
        assert_eq!(error, "raster: group \"one\" has a dot in row 100, but there are 100 rows");
        let drawing = raster(&[("one", &[(f64::NAN, 1), (1.0, 2)])]).draw("t").unwrap();
        assert_eq!(drawing.notes, ["1 dot is no finite number and is not drawn."]);
        let ends = Raster { range: Some((700.0, 1000.0)), ..raster(&[("one", &[(710.0, 2)])]) }.draw("t").unwrap().html;
        assert!(ends.contains(">700</text>") && ends.contains(">1000</text>"));
    }
}
