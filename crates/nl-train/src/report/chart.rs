//! The charts of the page.

use super::data::{EmbeddingMap, MapPoint, TrustSample};
use super::svg::{Axis, Svg, coordinate, polyline, shorten};

/// How a line is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    Faint,
    Solid,
    Dots,
}

/// One line of a [`line_chart`]; an empty name keeps it out of the legend.
pub(super) struct Series<'a> {
    pub(super) name: &'a str,
    pub(super) points: Vec<(f64, f64)>,
    pub(super) colour: usize,
    pub(super) style: Style,
}

/// Lines over a common x. Values that are not finite are left out.
pub(super) fn line_chart(label: &str, x_label: &str, y_label: &str, log_y: bool, series: &[Series<'_>]) -> String {
    let (width, height, left, right, top, bottom) = (360.0, 250.0, 44.0, 352.0, 40.0, 212.0);
    let mut svg = Svg::new(width, height, "chart", label);
    let points = || series.iter().flat_map(|s| &s.points).filter(|p| p.0.is_finite() && p.1.is_finite());
    // Steps end just short of a whole epoch: the axis does not.
    let end = points().map(|p| p.0).fold(0.0, f64::max);
    let end = if end.ceil() - end < 0.05 * end { end.ceil() } else { end };
    let x = Axis::over([0.0, end].into_iter(), false, left, right);
    let y = Axis::over(points().map(|p| p.1), log_y, bottom, top).rounded(5);
    frame(&mut svg, &x, &y, (left, right, top, bottom), x_label, y_label);
    let mut legend = left;
    for s in series {
        let drawn = s.points.iter().filter(|p| p.0.is_finite() && p.1.is_finite() && (!log_y || p.1 > 0.0));
        let drawn: Vec<(f64, f64)> = drawn.map(|p| (x.at(p.0), y.at(p.1))).collect();
        let class = match s.style {
            Style::Faint => "ln faint",
            Style::Solid => "ln",
            Style::Dots => "ln thin",
        };
        svg.path(&polyline(&drawn), &format!("{class} s{}", s.colour));
        if s.style == Style::Dots {
            for (at, p) in drawn.iter().zip(&s.points) {
                let title = format!("{} {:.4} at {:.1}", s.name, p.1, p.0);
                svg.circle(*at, 3.2, &format!("f{}", s.colour), &title);
            }
        }
        if !s.name.is_empty() {
            match s.style {
                Style::Dots => svg.circle((legend + 7.0, 28.0), 3.2, &format!("f{}", s.colour), ""),
                _ => svg.line((legend, 28.0), (legend + 14.0, 28.0), &format!("ln s{}", s.colour)),
            }
            svg.text((legend + 19.0, 32.0), "t", s.name);
            legend += 36.0 + 6.6 * s.name.chars().count() as f64;
        }
    }
    svg.finish()
}

/// Grid, ticks and labels.
fn frame(svg: &mut Svg, x: &Axis, y: &Axis, edges: (f64, f64, f64, f64), x_label: &str, y_label: &str) {
    let (left, right, top, bottom) = edges;
    for (value, label) in y.ticks(5) {
        svg.line((left, y.at(value)), (right, y.at(value)), "grid");
        svg.text((left - 6.0, y.at(value) + 4.0), "t e", &label);
    }
    for (value, label) in x.ticks(6) {
        svg.line((x.at(value), bottom), (x.at(value), bottom + 4.0), "axis");
        svg.text((x.at(value), bottom + 17.0), "t m", &label);
    }
    svg.line((left, bottom), (right, bottom), "axis");
    svg.text((right, bottom + 34.0), "t l e", x_label);
    svg.text((0.0, top - 27.0), "t l", y_label);
}

/// One bar of a [`bar_chart`].
pub(super) struct Bar {
    pub(super) left: f64,
    pub(super) height: f64,
}

/// A histogram: bars of one width.
pub(super) fn bar_chart(label: &str, x_label: &str, y_label: &str, width: f64, bars: &[Bar]) -> String {
    let (left, right, top, bottom) = (44.0, 352.0, 40.0, 212.0);
    let mut svg = Svg::new(360.0, 250.0, "chart", label);
    let edges = bars.iter().flat_map(|bar| [bar.left, bar.left + width]).filter(|x| x.is_finite());
    let x = Axis::over(edges, false, left, right);
    let heights = bars.iter().map(|bar| bar.height).filter(|h| h.is_finite());
    let y = Axis::over(heights.chain([0.0]), false, bottom, top).rounded(5);
    frame(&mut svg, &x, &y, (left, right, top, bottom), x_label, y_label);
    for bar in bars.iter().filter(|bar| bar.left.is_finite() && bar.height.is_finite()) {
        let (from, to) = (x.at(bar.left), x.at(bar.left + width));
        let high = y.at(bar.height);
        let title = format!("{:.4}: {:.4}", bar.left, bar.height);
        svg.rect((from, high), ((to - from - 0.6).max(0.4), bottom - high), "f0", 1.0, &title);
    }
    svg.finish()
}

/// A spike raster: a dot for each (time, neuron) of each named group.
pub(super) fn raster_chart(label: &str, x_label: &str, neurons: u32, groups: &[(&str, &[(f64, u32)])]) -> String {
    let (left, right, top, bottom) = (44.0, 352.0, 40.0, 252.0);
    let mut svg = Svg::new(360.0, 290.0, "chart", label);
    let times = groups.iter().flat_map(|(_, dots)| dots.iter().map(|d| d.0)).filter(|t| t.is_finite());
    let x = Axis::over(times, false, left, right);
    let y = Axis::over([0.0, f64::from(neurons)].into_iter(), false, bottom, top);
    frame(&mut svg, &x, &y, (left, right, top, bottom), x_label, "neuron");
    let mut legend = left + 60.0;
    for (colour, (name, dots)) in groups.iter().enumerate() {
        let mut data = String::new();
        for (t, neuron) in dots.iter().filter(|d| d.0.is_finite()) {
            // A line of no length with round ends is a dot; one path holds them all.
            data += &format!("M{} {}h0", coordinate(x.at(*t)), coordinate(y.at(f64::from(*neuron))));
        }
        svg.path(&data, &format!("spikes s{}", colour % 10));
        svg.rect((legend, 23.0), (12.0, 9.0), &format!("f{}", [0, 1, 2, 6][colour % 4]), 1.0, "");
        svg.text((legend + 17.0, 32.0), "t", name);
        legend += 42.0 + 6.6 * name.chars().count() as f64;
    }
    svg.finish()
}

/// One measured share with its 95 % interval, all in percent.
pub(super) struct Score {
    pub(super) name: &'static str,
    pub(super) value: f64,
    pub(super) low: f64,
    pub(super) high: f64,
    pub(super) colour: usize,
}

/// Dots with whiskers, one row each.
pub(super) fn score_chart(label: &str, x_label: &str, scores: &[Score]) -> String {
    let (left, right, top, row) = (8.0, 352.0, 8.0, 44.0);
    let bottom = top + row * scores.len() as f64;
    let mut svg = Svg::new(360.0, bottom + 42.0, "chart", label);
    let x = Axis::over(scores.iter().flat_map(|s| [s.low, s.high]), false, left + 4.0, right - 4.0).rounded(5);
    for (value, text) in x.ticks(5) {
        svg.line((x.at(value), top), (x.at(value), bottom), "grid");
        svg.text((x.at(value).clamp(14.0, 340.0), bottom + 16.0), "t m", &text);
    }
    svg.text((right, bottom + 34.0), "t l e", x_label);
    for (i, s) in scores.iter().enumerate() {
        let y = top + row * i as f64;
        svg.text((left, y + 15.0), "t i", s.name);
        svg.text((right, y + 15.0), "t e b", &format!("{:.2} %", s.value));
        svg.line((x.at(s.low), y + 29.0), (x.at(s.high), y + 29.0), &format!("whisker s{}", s.colour));
        let title = format!("{} {:.2} %, 95 % interval {:.2} to {:.2} %", s.name, s.value, s.low, s.high);
        svg.circle((x.at(s.value), y + 29.0), 5.5, &format!("f{}", s.colour), &title);
    }
    svg.finish()
}

/// Truth (rows) against decision (columns): the diagonal in one hue, mistakes in another, each on its own scale.
pub(super) fn confusion_chart(label: &str, counts: &[Vec<u64>], names: &[String]) -> String {
    let n = counts.len();
    let (left, top, cell) = (56.0, 50.0, 340.0 / n.max(1) as f64);
    let size = cell * n as f64;
    let mut svg = Svg::new(left + size + 4.0, top + size + 4.0, "heat", label);
    svg.text((left + size / 2.0, 14.0), "t l m", "decision →");
    svg.text((0.0, top - 8.0), "t l", "truth ↓");
    let worst = (0..n).flat_map(|t| (0..n).filter(move |&p| p != t).map(move |p| counts[t][p])).max().unwrap_or(0);
    let (with_names, with_counts) = (n <= 26, n <= 12);
    for (t, row) in counts.iter().enumerate() {
        let (y, support) = (top + cell * t as f64, row.iter().sum::<u64>().max(1) as f64);
        if with_names {
            svg.text((left - 7.0, y + cell / 2.0 + 4.0), "t e", &shorten(&names[t], 6));
            svg.text((left + cell * (t as f64 + 0.5), top - 7.0), "t m", &shorten(&names[t], 4));
        }
        for (p, &count) in row.iter().enumerate() {
            let title = format!("{} decided as {}: {count}", names[t], names[p]);
            let (class, strength) = match (count, t == p) {
                (0, _) => ("cell none", 1.0),
                (_, true) => ("cell good", 0.08 + 0.36 * count as f64 / support),
                (_, false) => ("cell bad", 0.18 + 0.82 * count as f64 / worst.max(1) as f64),
            };
            let at = (left + cell * p as f64, y);
            svg.rect((at.0 + 0.5, at.1 + 0.5), (cell - 1.0, cell - 1.0), class, strength, &title);
            if with_counts && count > 0 {
                let class = if t != p && strength > 0.6 { "n m on" } else { "n m" };
                svg.text((at.0 + cell / 2.0, at.1 + cell / 2.0 + 4.0), class, &count.to_string());
            }
        }
    }
    svg.finish()
}

/// Rows of values on one scale, with the scale drawn below.
pub(super) fn heat_map(label: &str, rows: &[Vec<f32>], names: &[String], x_label: &str, unit: &str) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0).max(1);
    let (left, top, width) = (56.0, 34.0, 440.0);
    let (w, h) = (width / columns as f64, (340.0 / rows.len().max(1) as f64).clamp(6.0, 26.0));
    let bottom = top + h * rows.len() as f64;
    let finite = || rows.iter().flatten().copied().filter(|v| v.is_finite()).map(f64::from);
    let (low, high) = finite().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)));
    let (low, high) = if low <= high { (low, high) } else { (0.0, 1.0) };
    let strength = |v: f64| 0.05 + 0.95 * (v - low) / (high - low).max(1e-12);
    let mut svg = Svg::new(left + width + 4.0, bottom + 48.0, "heat gates", label);
    svg.text((left + width, 12.0), "t l e", &format!("{x_label} →"));
    for (r, row) in rows.iter().enumerate() {
        let y = top + h * r as f64;
        if rows.len() <= 26 {
            svg.text((left - 7.0, y + h / 2.0 + 4.0), "t e", &shorten(&names[r], 6));
        }
        for (c, value) in row.iter().enumerate().filter(|(_, v)| v.is_finite()) {
            let title = format!("{}, {x_label} {c}: {value:.3}", names[r]);
            let at = (left + w * c as f64 + 0.5, y + 0.5);
            svg.rect(at, (w - 1.0, h - 1.0), "cell hot", strength(f64::from(*value)), &title);
        }
    }
    let step = columns.div_ceil(16);
    for c in (0..columns).step_by(step) {
        svg.text((left + w * (c as f64 + 0.5), top - 7.0), "t m", &c.to_string());
    }
    let decimals = if high - low < 0.05 { 4 } else { 2 };
    svg.text((left, bottom + 38.0), "t", &format!("{low:.decimals$}"));
    for i in 0..20 {
        let share = f64::from(i) / 19.0;
        svg.rect((left + 50.0 + 8.0 * f64::from(i), bottom + 26.0), (8.0, 14.0), "hot", 0.05 + 0.95 * share, "");
    }
    svg.text((left + 218.0, bottom + 38.0), "t", &format!("{high:.decimals$}   {unit}"));
    svg.finish()
}

/// Share of right and of wrong decisions over trust.
pub(super) fn trust_histogram(label: &str, samples: &[TrustSample]) -> String {
    const BINS: usize = 20;
    let (left, right, top, bottom) = (44.0, 352.0, 40.0, 212.0);
    let shares = |right: bool| -> (usize, Vec<f64>) {
        let mut bins = vec![0_usize; BINS];
        for s in samples.iter().filter(|s| s.right == right && s.trust.is_finite()) {
            bins[((s.trust.clamp(0.0, 1.0) * BINS as f32) as usize).min(BINS - 1)] += 1;
        }
        let n: usize = bins.iter().sum();
        (n, bins.into_iter().map(|b| 100.0 * b as f64 / n.max(1) as f64).collect())
    };
    let groups = [("right", 0, shares(true)), ("wrong", 1, shares(false))];
    let mut svg = Svg::new(360.0, 250.0, "chart", label);
    let x = Axis::over([0.0, 1.0].into_iter(), false, left, right);
    let heights = groups.iter().flat_map(|g| g.2.1.iter().copied()).chain([0.0]);
    let y = Axis::over(heights, false, bottom, top).rounded(5);
    frame(&mut svg, &x, &y, (left, right, top, bottom), "trust in memory, 0 to 1", "share of its group, %");
    for (i, (name, colour, (n, bins))) in groups.iter().enumerate().filter(|(_, g)| g.2.0 > 0) {
        let mut outline = vec![(left, bottom)];
        for (b, &share) in bins.iter().enumerate() {
            outline.push((x.at(b as f64 / BINS as f64), y.at(share)));
            outline.push((x.at((b + 1) as f64 / BINS as f64), y.at(share)));
        }
        outline.push((right, bottom));
        svg.path(&polyline(&outline), &format!("area s{colour} f{colour}"));
        let at = left + 150.0 * i as f64;
        svg.rect((at, 23.0), (12.0, 9.0), &format!("f{colour}"), 1.0, "");
        svg.text((at + 17.0, 32.0), "t", &format!("{name} ({n} images)"));
    }
    svg.finish()
}

/// Trust by class: the middle 80 % as a thin bar, the middle half as a thick one, the median as a dot.
pub(super) fn trust_by_class(label: &str, samples: &[TrustSample], names: &[String]) -> String {
    let mut groups: Vec<Vec<f32>> = vec![Vec::new(); names.len()];
    for s in samples.iter().filter(|s| s.trust.is_finite()) {
        if let Some(group) = groups.get_mut(s.class as usize) {
            group.push(s.trust.clamp(0.0, 1.0));
        }
    }
    let row = (180.0 / names.len().max(1) as f64).clamp(9.0, 22.0);
    let (left, right, top) = (56.0, 346.0, 24.0);
    let bottom = top + row * names.len() as f64 + 4.0;
    let mut svg = Svg::new(360.0, bottom + 40.0, "chart", label);
    let x = Axis::over([0.0, 1.0].into_iter(), false, left, right);
    for (value, text) in x.ticks(5) {
        svg.line((x.at(value), top - 4.0), (x.at(value), bottom), "grid");
        svg.text((x.at(value), bottom + 16.0), "t m", &text);
    }
    svg.text((0.0, 13.0), "t l", "class");
    svg.text((right, bottom + 34.0), "t l e", "trust in memory, 0 to 1");
    for (class, group) in groups.iter_mut().enumerate() {
        group.sort_by(f32::total_cmp);
        let y = top + row * (class as f64 + 0.5);
        svg.text((left - 8.0, y + 4.0), "t e", &shorten(&names[class], 6));
        if group.is_empty() {
            continue;
        }
        let quantile = |q: f64| f64::from(group[(q * (group.len() - 1) as f64).round() as usize]);
        let title = format!(
            "{}: median {:.2}, middle half {:.2} to {:.2}",
            names[class],
            quantile(0.5),
            quantile(0.25),
            quantile(0.75)
        );
        svg.line((x.at(quantile(0.1)), y), (x.at(quantile(0.9)), y), "whisker thin s0");
        svg.line((x.at(quantile(0.25)), y), (x.at(quantile(0.75)), y), "whisker s0");
        svg.circle((x.at(quantile(0.5)), y), 4.0, "f1", &title);
    }
    svg.finish()
}

/// Points in the plane, coloured by class, each class named at the middle of its points.
pub(super) fn map_chart(label: &str, map: &EmbeddingMap, names: &[String]) -> String {
    let size = 400.0;
    let mut svg = Svg::new(size, size, "map", label);
    let finite = || map.points.iter().filter(|p| p.x.is_finite() && p.y.is_finite());
    // One scale for both axes: distances mean the same in every direction.
    let range = |get: fn(&MapPoint) -> f32| {
        finite().map(|p| f64::from(get(p))).fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)))
    };
    let ((x0, x1), (y0, y1)) = (range(|p| p.x), range(|p| p.y));
    let scale = (size - 28.0) / (x1 - x0).max(y1 - y0).max(1e-9);
    let at = |p: &MapPoint| {
        let x = size / 2.0 + (f64::from(p.x) - (x0 + x1) / 2.0) * scale;
        (x, size / 2.0 - (f64::from(p.y) - (y0 + y1) / 2.0) * scale)
    };
    let mut labels = Vec::new();
    for class in 0..names.len() {
        let points: Vec<(f64, f64)> = finite().filter(|p| p.class as usize == class).map(at).collect();
        if points.is_empty() {
            continue;
        }
        let dots: String = points.iter().map(|p| format!("M{} {}h0", coordinate(p.0), coordinate(p.1))).collect();
        svg.path(&dots, &format!("dots s{}", class % 10));
        let median = |mut values: Vec<f64>| {
            values.sort_by(f64::total_cmp);
            values[values.len() / 2]
        };
        let middle = (median(points.iter().map(|p| p.0).collect()), median(points.iter().map(|p| p.1).collect()));
        labels.push((middle, &names[class]));
    }
    for ((x, y), name) in labels.into_iter().filter(|_| names.len() <= 26) {
        svg.text((x, y + 6.0), "halo m", &shorten(name, 10));
    }
    svg.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(n: usize) -> Vec<String> {
        (0..n).map(|i| format!("c{i}")).collect()
    }

    #[test]
    fn lines_leave_out_what_cannot_be_drawn() {
        let points = vec![(0.0, 1.0), (1.0, f64::NAN), (2.0, 0.5), (f64::INFINITY, 0.1)];
        let series = [Series { name: "loss", points, colour: 1, style: Style::Dots }];
        let svg = line_chart("a", "epochs", "nats", false, &series);
        // Two dots and the one of the legend.
        assert_eq!(svg.matches("<circle").count(), 3);
        assert!(svg.contains(">epochs<") && svg.contains(">nats<") && svg.contains(">loss<"));
        let empty = line_chart("a", "x", "y", true, &[]);
        assert!(empty.contains("grid") && !empty.contains("NaN"));
    }

    #[test]
    fn confusion_cells_say_what_they_count() {
        let svg = confusion_chart("a", &[vec![5, 1], vec![0, 4]], &names(2));
        assert!(svg.contains("<title>c0 decided as c1: 1</title>"));
        let cells = |kind| svg.matches(&format!("cell {kind}")).count();
        assert_eq!((cells("good"), cells("bad"), cells("none")), (2, 1, 1));
    }

    #[test]
    fn the_heat_map_names_its_range() {
        let svg = heat_map("a", &[vec![0.25, 0.5], vec![f32::NAN, 0.75]], &names(2), "channel", "gate");
        assert!(svg.contains(">0.25<") && svg.contains(">0.75   gate<"));
        assert_eq!(svg.matches("cell hot").count(), 3);
        let flat = heat_map("a", &[vec![0.5, 0.501]], &names(1), "channel", "gate");
        assert!(flat.contains(">0.5000<") && flat.contains(">0.5010   gate<"));
    }

    #[test]
    fn trust_is_counted_by_group_and_by_class() {
        let sample = |trust, class, right| TrustSample { trust, class, right };
        let samples = [sample(0.0, 0, true), sample(1.0, 0, true), sample(0.5, 0, true), sample(2.0, 1, false)];
        let svg = trust_histogram("a", &samples);
        assert!(svg.contains("right (3 images)") && svg.contains("wrong (1 images)"));
        assert!(!trust_histogram("a", &samples[..3]).contains("wrong"));
        let svg = trust_by_class("a", &samples, &names(3));
        assert!(svg.contains("c0: median 0.50") && svg.contains("c1: median 1.00"));
        assert_eq!(svg.matches("<circle").count(), 2);
    }

    #[test]
    fn the_map_keeps_every_point_inside_and_proportions() {
        let at = |x, y, class| MapPoint { x, y, class };
        let points = vec![at(-300.0, 0.0, 0), at(100.0, 0.0, 0), at(0.0, 100.0, 1), at(0.0, f32::NAN, 1)];
        let map = EmbeddingMap { points, ..EmbeddingMap::default() };
        let svg = map_chart("a", &map, &names(2));
        assert_eq!(svg.matches("h0").count(), 3);
        // 400 units wide and 100 high: the same scale on both axes.
        assert!(svg.contains("M14 246.5h0") && svg.contains("M386 246.5h0") && svg.contains("M293 153.5h0"), "{svg}");
    }
}
