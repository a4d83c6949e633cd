//! The report of a run: plain data in, one self-contained HTML file out.
//!
//! The page needs no network, no script and no font of its own, follows the reader's light or dark scheme, and is made
//! for phones as well as desks. [`Report`] holds what it shows; [`render`] draws it.

mod chart;
mod data;
mod page;
mod picture;
mod sheet;
mod svg;
mod wiring;

pub use data::{
    DataInfo, EmbeddingMap, EpochPoint, MapPoint, Mistake, Neighbour, Picture, RecallExample, Reconstruction, Region,
    Report, RunInfo, Scores, StageCurve, StepPoint, Timing, TrustSample,
};

pub use sheet::{Figure, Plot, Section, Sheet, render_sheet};

/// A report could not be drawn.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// Sizes contradict each other.
    #[error("report: {0}")]
    Shape(String),
    /// A picture cannot be encoded.
    #[error("report: cannot encode a picture: {0}")]
    Picture(String),
    /// The template failed.
    #[error("report: {0:#}")]
    Template(#[from] minijinja::Error),
}

/// Draws `report` as one HTML page.
///
/// ```
/// let mut report = nl_train::report::Report::default();
/// report.run.name = "digits <1>".to_owned();
/// let html = nl_train::report::render(&report)?;
/// assert!(html.starts_with("<!doctype html>") && html.contains("digits &lt;1&gt;"));
/// # Ok::<(), nl_train::report::ReportError>(())
/// ```
///
/// # Errors
/// [`ReportError::Shape`] if the confusion matrix is not square or a picture has not as many pixels as its size says.
pub fn render(report: &Report) -> Result<String, ReportError> {
    let page = minijinja::value::Serde(page::Page::new(report)?);
    Ok(templates()?.get_template("report.html")?.render(page)?)
}

fn templates() -> Result<minijinja::Environment<'static>, ReportError> {
    let mut templates = minijinja::Environment::new();
    templates.add_template("report.html", include_str!("report.html"))?;
    templates.add_template("sheet.html", include_str!("sheet.html"))?;
    templates.add_template("report.css", include_str!("report.css"))?;
    Ok(templates)
}
