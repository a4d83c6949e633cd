//! A page for any experiment: a headline, tiles, and sections of figures; what the brain's own page has in common with
//! others, without the brain.

use minijinja::Value;
use serde::{Deserialize, Serialize};

use super::chart::{Bar, Series, Style, bar_chart, line_chart, raster_chart};
use super::data::{Picture, RunInfo};
use super::picture::data_uri;
use super::{ReportError, templates};

/// All that the page of an experiment is made of.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Sheet {
    /// What was run, when, and how to run it again.
    pub run: RunInfo,
    /// The result in one figure, and its unit: `("91.2", "%")`.
    pub headline: (String, String),
    /// What the headline says, in a sentence.
    pub lead: String,
    /// Which data, loudly; `true`: made by a program. Empty: none.
    pub data: (bool, String),
    /// Further figures: name, value, what it means.
    pub tiles: Vec<(String, String, String)>,
    /// The figures.
    pub sections: Vec<Section>,
    /// The whole configuration, as YAML.
    pub config: String,
}

/// A part of the page.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Section {
    /// Its title.
    pub title: String,
    /// What is to be seen, for somebody who sees such a figure for the first time.
    pub text: String,
    /// Its figures.
    pub figures: Vec<Figure>,
}

/// A figure: title, what it shows, and the content.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Figure {
    /// Its title.
    pub title: String,
    /// One sentence.
    pub text: String,
    /// What is drawn.
    pub plot: Plot,
}

/// What a figure draws.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Plot {
    /// Named lines over a common x.
    Lines {
        /// Name of the x axis, with unit.
        x: String,
        /// Name of the y axis, with unit.
        y: String,
        /// Name and points of each line.
        lines: Vec<(String, Vec<(f64, f64)>)>,
    },
    /// Spikes: a dot for each, time to the right, neurons upwards.
    Raster {
        /// Name of the time axis, with unit.
        x: String,
        /// Neurons in all.
        neurons: u32,
        /// Name of each population and its (time, neuron) dots.
        groups: Vec<(String, Vec<(f64, u32)>)>,
    },
    /// A histogram: left edge and height of each bar, all of one width.
    Bars {
        /// Name of the x axis, with unit.
        x: String,
        /// Name of the y axis, with unit.
        y: String,
        /// Width of a bar.
        width: f64,
        /// (left edge, height)
        bars: Vec<(f64, f64)>,
    },
    /// A picture.
    Image(Picture),
    /// A table: its head, and its rows.
    Table(Vec<String>, Vec<Vec<String>>),
}

#[derive(Serialize)]
struct Page<'a> {
    sheet: &'a Sheet,
    sections: Vec<DrawnSection<'a>>,
}

#[derive(Serialize)]
struct DrawnSection<'a> {
    title: &'a str,
    text: &'a str,
    figures: Vec<Drawn<'a>>,
}

#[derive(Serialize)]
struct Drawn<'a> {
    title: &'a str,
    text: &'a str,
    chart: Option<Value>,
    image: Option<String>,
    table: Option<(&'a [String], &'a [Vec<String>])>,
}

/// Draws `sheet` as one self-contained HTML page.
///
/// ```
/// use nl_train::report::{Figure, Plot, Section, Sheet, render_sheet};
/// let mut sheet = Sheet::default();
/// sheet.run.name = "cuba".into();
/// let plot = Plot::Lines { x: "time, ms".into(), y: "V, mV".into(), lines: vec![("a".into(), vec![(0.0, 1.0)])] };
/// let figure = Figure { title: "Potential".into(), text: String::new(), plot };
/// sheet.sections.push(Section { title: "Traces".into(), text: String::new(), figures: vec![figure] });
/// assert!(render_sheet(&sheet)?.contains("<svg"));
/// # Ok::<(), nl_train::report::ReportError>(())
/// ```
///
/// # Errors
/// [`ReportError::Picture`] if a picture has not as many pixels as its size says.
pub fn render_sheet(sheet: &Sheet) -> Result<String, ReportError> {
    let sections = sheet.sections.iter().map(|section| {
        let figures = section.figures.iter().map(draw).collect::<Result<_, _>>()?;
        Ok(DrawnSection { title: &section.title, text: &section.text, figures })
    });
    let page = Page { sheet, sections: sections.collect::<Result<_, ReportError>>()? };
    Ok(templates()?.get_template("sheet.html")?.render(minijinja::value::Serde(page))?)
}

fn draw(figure: &Figure) -> Result<Drawn<'_>, ReportError> {
    let mut drawn = Drawn { title: &figure.title, text: &figure.text, chart: None, image: None, table: None };
    let label = &figure.title;
    match &figure.plot {
        Plot::Lines { x, y, lines } => {
            let series: Vec<Series<'_>> = lines
                .iter()
                .enumerate()
                .map(|(i, (name, points))| Series { name, points: points.clone(), colour: i % 10, style: Style::Solid })
                .collect();
            drawn.chart = Some(Value::from_safe_string(line_chart(label, x, y, false, &series)));
        }
        Plot::Raster { x, neurons, groups } => {
            let groups: Vec<(&str, &[(f64, u32)])> = groups.iter().map(|(n, p)| (n.as_str(), &p[..])).collect();
            drawn.chart = Some(Value::from_safe_string(raster_chart(label, x, *neurons, &groups)));
        }
        Plot::Bars { x, y, width, bars } => {
            let bars: Vec<Bar> = bars.iter().map(|&(left, height)| Bar { left, height }).collect();
            drawn.chart = Some(Value::from_safe_string(bar_chart(label, x, y, *width, &bars)));
        }
        Plot::Image(picture) => {
            if picture.pixels.len() != picture.width * picture.height || picture.pixels.is_empty() {
                let message = format!("{} pixels for {} x {}", picture.pixels.len(), picture.width, picture.height);
                return Err(ReportError::Picture(message));
            }
            drawn.image = Some(data_uri(picture).map_err(|e| ReportError::Picture(e.to_string()))?);
        }
        Plot::Table(head, rows) => drawn.table = Some((head, rows)),
    }
    Ok(drawn)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(plot: Plot) -> Result<String, ReportError> {
        let figure = Figure { title: "<b>".into(), text: "a & b".into(), plot };
        let section = Section { title: "one".into(), text: String::new(), figures: vec![figure] };
        render_sheet(&Sheet { sections: vec![section], ..Sheet::default() })
    }

    #[test]
    fn every_plot_is_drawn_and_nothing_becomes_markup() {
        let groups = vec![("E".to_owned(), vec![(1.0, 0), (2.5, 9)]), ("I".to_owned(), vec![(1.5, 10)])];
        let plots = [
            Plot::Lines { x: "t".into(), y: "v".into(), lines: vec![("v".into(), vec![(0.0, 1.0), (1.0, 2.0)])] },
            Plot::Raster { x: "t, ms".into(), neurons: 11, groups },
            Plot::Bars { x: "rate".into(), y: "neurons".into(), width: 1.0, bars: vec![(0.0, 3.0), (1.0, 5.0)] },
            Plot::Image(Picture { width: 2, height: 1, pixels: vec![0, 255] }),
            Plot::Table(vec!["a".into()], vec![vec!["<i>".into()]]),
        ];
        for plot in plots {
            let html = page(plot.clone()).unwrap();
            assert!(!html.contains("<b>") && !html.contains("<i>"), "{plot:?}");
            assert!(html.contains("a &amp; b"));
        }
        let wrong = Picture { width: 2, height: 2, pixels: vec![0] };
        assert!(page(Plot::Image(wrong)).is_err());
    }
}
