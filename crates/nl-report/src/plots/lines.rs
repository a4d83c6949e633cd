//! Named lines over a common x.

use serde::{Deserialize, Serialize};

use super::{Draw, Drawing};
use crate::Error;
use crate::axis::{Axis, Frame};
use crate::palette::COLOURS;
use crate::svg::{Key, Svg, legend, polyline};
use crate::text::number;

/// How a line is drawn.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LineStyle {
    /// Behind the others: single values, of which another line is the mean.
    Faint,
    /// As it is.
    #[default]
    Solid,
    /// With a dot at each point: few values, each measured.
    Dots,
    /// Dashed: no measurement, but what is compared with.
    Dashed,
    /// Small dots that nothing joins: one a sample.
    Points,
}

/// One line; an empty name keeps it out of the legend.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// Its name.
    pub name: String,
    /// Its points, in the order in which they are joined.
    pub points: Vec<(f64, f64)>,
    /// How it is drawn.
    pub style: LineStyle,
    /// Number of its colour; without it, that of its place among the lines.
    pub colour: Option<usize>,
}

/// Named lines over a common x.
///
/// ```
/// use nl_report::plots::{Draw, Lines};
/// let lines = Lines::new("time, ms", "V, mV").line("a", vec![(0.0, -60.0), (1.0, -50.0)]);
/// assert!(lines.draw("Potential")?.html.contains("<svg"));
/// # Ok::<(), nl_report::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Lines {
    /// Name of the x axis, with unit.
    pub x: String,
    /// Name of the y axis, with unit.
    pub y: String,
    /// The lines.
    pub lines: Vec<Line>,
    /// Whether the y axis is logarithmic; values of 0 and less are then left out.
    pub log_y: bool,
    /// Whether the y axis starts at 0 even where little would be cut off.
    pub from_zero: bool,
    /// The ends of the x axis; without them, those of the points.
    pub x_range: Option<(f64, f64)>,
}

impl Lines {
    /// No lines yet.
    #[must_use]
    pub fn new(x: &str, y: &str) -> Self {
        Self { x: x.into(), y: y.into(), ..Self::default() }
    }

    /// With a solid line.
    #[must_use]
    pub fn line(self, name: &str, points: Vec<(f64, f64)>) -> Self {
        self.styled(name, points, LineStyle::Solid)
    }

    /// With a line in a style.
    #[must_use]
    pub fn styled(mut self, name: &str, points: Vec<(f64, f64)>, style: LineStyle) -> Self {
        self.lines.push(Line { name: name.into(), points, style, colour: None });
        self
    }
}

/// Dashes of lines that share a colour: ten lines each.
const DASHES: [&str; 4] = ["", " d1", " d2", " d3"];

impl Draw for Lines {
    fn draw(&self, label: &str) -> Result<Drawing, Error> {
        let frame = Frame::CHART;
        let can = |p: &&(f64, f64)| p.0.is_finite() && p.1.is_finite() && (!self.log_y || p.1 > 0.0);
        let points = || self.lines.iter().flat_map(|line| &line.points).filter(can);
        let all: usize = self.lines.iter().map(|line| line.points.len()).sum();
        let description = format!("{label}: {} over {}, {}.", self.y, self.x, self.named());
        let mut svg = Svg::new(360.0, 232.0, "chart", &description);
        let x = match self.x_range {
            Some((from, to)) => Axis::over([from, to].into_iter(), false, frame.left, frame.right),
            None => {
                let x = Axis::over(points().map(|p| p.0), false, frame.left, frame.right);
                x.zero_based(false).rounded_if_near(6)
            }
        };
        let y = Axis::over(points().map(|p| p.1), self.log_y, frame.bottom, frame.top);
        let y = y.zero_based(self.from_zero).rounded(5);
        frame.draw(&mut svg, &x, &y, &self.x, &self.y);
        let mut keys = Vec::new();
        for (i, line) in self.lines.iter().enumerate() {
            let number_of = line.colour.unwrap_or(i);
            let (colour, dash) = (number_of % COLOURS, DASHES[number_of / COLOURS % DASHES.len()]);
            let drawn: Vec<(f64, f64)> = line.points.iter().filter(can).map(|p| (x.at(p.0), y.at(p.1))).collect();
            let class = match line.style {
                LineStyle::Faint => "ln faint",
                LineStyle::Solid => "ln",
                LineStyle::Dots => "ln thin",
                LineStyle::Dashed => "ln dashed",
                LineStyle::Points => "",
            };
            if line.style != LineStyle::Points {
                svg.path(&polyline(&drawn), &format!("{class}{dash} s{colour}"));
            }
            let radius = match line.style {
                LineStyle::Dots => Some(3.2),
                LineStyle::Points => Some(1.6),
                _ => None,
            };
            if let Some(radius) = radius {
                for (at, p) in drawn.iter().zip(line.points.iter().filter(can)) {
                    let title = format!("{} {} at {}", line.name, number(p.1), number(p.0));
                    svg.circle(*at, radius, &format!("f{colour}"), title.trim_start());
                }
            }
            if !line.name.is_empty() {
                let class = match (line.style, dash) {
                    (LineStyle::Dashed, _) => "ln dashed",
                    (_, " d1") => "ln d1",
                    (_, " d2") => "ln d2",
                    (_, " d3") => "ln d3",
                    _ => "ln",
                };
                keys.push((Key::Line(colour, class), line.name.as_str()));
            }
        }
        // The only line is what the y axis says it is.
        let names = if keys.len() > 1 { legend(&keys) } else { String::new() };
        let many = self.lines.len() > COLOURS * DASHES.len();
        let repeat = many.then(|| format!("Colours and dashes repeat after {} lines.", COLOURS * DASHES.len()));
        let mut drawing = Drawing::narrow(svg.finish() + &names).with(repeat);
        let left_out = all - points().count();
        if left_out > 0 && self.log_y {
            drawing.notes.push(format!(
                "{left_out} points are 0, negative or no number, which a logarithmic axis has no place for."
            ));
            return Ok(drawing);
        }
        drawing = drawing.without(left_out, "point");
        Ok(drawing)
    }
}

impl Lines {
    fn named(&self) -> String {
        let names: Vec<&str> =
            self.lines.iter().map(|line| line.name.as_str()).filter(|name| !name.is_empty()).collect();
        if names.len() > 1 { format!("lines for {}", names.join(", ")) } else { "one line".to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_leave_out_what_cannot_be_drawn_and_say_so() {
        let points = vec![(0.0, 1.0), (1.0, f64::NAN), (2.0, 3.0), (f64::INFINITY, 1.0)];
        let drawing = Lines::new("x", "y").styled("a", points, LineStyle::Dots).draw("t").unwrap();
        assert_eq!(drawing.html.matches("<circle").count(), 2);
        assert_eq!(drawing.notes, ["2 points are no finite number and are not drawn."]);
        assert!(!drawing.html.contains("NaN") && !drawing.html.contains("inf"));
        let log = Lines { log_y: true, ..Lines::new("x", "y").line("a", vec![(0.0, 0.0), (1.0, 1.0)]) };
        assert!(log.draw("t").unwrap().notes[0].contains("logarithmic"));
        assert!(Lines::new("x", "y").draw("t").unwrap().notes.is_empty());
    }

    #[test]
    fn points_are_not_joined() {
        let points = vec![(0.0, 1.0), (1.0, 3.0), (0.5, 2.0)];
        let html = Lines::new("x", "y").styled("a", points, LineStyle::Points).draw("t").unwrap().html;
        assert!(html.matches("<circle").count() == 3 && !html.contains("class=\"ln"), "{html}");
    }

    #[test]
    fn lines_differ_in_colour_then_in_dash() {
        let many =
            (0..41).fold(Lines::new("x", "y"), |lines, i| lines.line(&format!("n{i}"), vec![(0.0, f64::from(i))]));
        let drawing = many.draw("t").unwrap();
        assert!(drawing.html.contains("class=\"ln s9\"") && drawing.html.contains("class=\"ln d1 s0\""));
        assert!(drawing.html.contains("class=\"ln d3 s9\""));
        assert_eq!(drawing.notes.len(), 1);
        assert_eq!(drawing.html.matches("<li>").count(), 41);
    }

    #[test]
    fn axes_reach_their_last_tick() {
        let html = Lines::new("x", "y").line("a", vec![(0.0, 20.0), (0.98, 60.0)]).draw("t").unwrap().html;
        assert!(html.contains(">1.0</text>") && html.contains(">0</text>") && html.contains(">60</text>"), "{html}");
        let exact = Lines { x_range: Some((700.0, 1000.0)), ..Lines::new("x", "y").line("a", vec![(710.0, 1.0)]) };
        let html = exact.draw("t").unwrap().html;
        assert!(html.contains(">700</text>") && html.contains(">1000</text>"), "{html}");
    }
}
