//! From a sheet to HTML: plots drawn, everything else put into the template, which escapes it.

use std::collections::BTreeSet;

use minijinja::{Environment, Value};
use serde::Serialize;

use crate::plots::Draw;
use crate::{Error, Figure, Group, Section, Sheet};

/// The style sheet of a page: what the classes of a drawing look like in light, in dark and on paper. For whoever puts a
/// single drawing into a page of their own.
pub const STYLE: &str = include_str!("page.css");

/// The template's variables. Markup is only what the plots made; all other text is escaped by the template.
#[derive(Serialize)]
struct Page<'a> {
    sheet: &'a Sheet,
    hero: Option<Drawn<'a>>,
    sections: Vec<DrawnSection<'a>>,
}

#[derive(Serialize)]
struct DrawnSection<'a> {
    id: String,
    title: &'a str,
    short: &'a str,
    text: &'a str,
    figures: Vec<Drawn<'a>>,
    groups: Vec<DrawnGroup<'a>>,
}

#[derive(Serialize)]
struct DrawnGroup<'a> {
    over: &'a str,
    title: &'a str,
    text: &'a str,
    figures: Vec<Drawn<'a>>,
}

#[derive(Serialize)]
struct Drawn<'a> {
    title: &'a str,
    text: &'a str,
    wide: bool,
    html: Value,
    notes: Vec<String>,
}

/// Draws `sheet` as one self-contained HTML page: it needs no network, no script and no font of its own, follows the
/// reader's light or dark scheme, and is made for phones and paper as well as for desks. The same sheet gives the same page.
///
/// ```
/// let sheet = nl_report::Sheet { title: "digits <1>".into(), ..Default::default() };
/// let html = nl_report::render(&sheet)?;
/// assert!(html.starts_with("<!doctype html>") && html.contains("digits &lt;1&gt;"));
/// # Ok::<(), nl_report::Error>(())
/// ```
///
/// # Errors
/// [`Error::Figure`] if the data of a figure contradict themselves.
pub fn render(sheet: &Sheet) -> Result<String, Error> {
    let mut ids: BTreeSet<String> = ["result", "repeat"].map(str::to_owned).into();
    let section = |section| draw_section(section, &mut ids);
    let page = Page {
        sheet,
        hero: sheet.headline.figure.as_ref().map(|figure| draw(figure, &sheet.title)).transpose()?,
        sections: sheet.sections.iter().map(section).collect::<Result<_, Error>>()?,
    };
    let failed = |error: minijinja::Error| Error::Template(format!("{error:#}"));
    let mut templates = Environment::new();
    templates.add_template("page.html", include_str!("page.html")).map_err(failed)?;
    templates.add_template("page.css", STYLE).map_err(failed)?;
    templates.get_template("page.html").and_then(|page_| page_.render(minijinja::value::Serde(page))).map_err(failed)
}

fn draw_section<'a>(section: &'a Section, ids: &mut BTreeSet<String>) -> Result<DrawnSection<'a>, Error> {
    let group = |group: &'a Group| {
        let over = if group.title.is_empty() { &section.title } else { &group.title };
        let figures = group.figures.iter().map(|figure| draw(figure, over)).collect::<Result<_, _>>()?;
        Ok(DrawnGroup { over: &group.over, title: &group.title, text: &group.text, figures })
    };
    Ok(DrawnSection {
        id: id(if section.short.is_empty() { &section.title } else { &section.short }, ids),
        title: &section.title,
        short: &section.short,
        text: &section.text,
        figures: section.figures.iter().map(|figure| draw(figure, &section.title)).collect::<Result<_, _>>()?,
        groups: section.groups.iter().map(group).collect::<Result<_, Error>>()?,
    })
}

/// A word that a link can name, of letters, digits and hyphens; none is given twice.
fn id(title: &str, ids: &mut BTreeSet<String>) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    let word: String = title.chars().map(plain).collect();
    let word: Vec<&str> = word.split('-').filter(|part| !part.is_empty()).collect();
    let word = if word.is_empty() { "section".to_owned() } else { word.join("-") };
    let mut id = word.clone();
    let mut number = 2;
    while !ids.insert(id.clone()) {
        id = format!("{word}-{number}");
        number += 1;
    }
    id
}

/// `over` is the title above it: what a figure without one is called.
fn draw<'a>(figure: &'a Figure, over: &str) -> Result<Drawn<'a>, Error> {
    let title = if figure.title.is_empty() { over } else { &figure.title };
    let drawing = figure.plot.draw(title).map_err(|error| {
        let what = error.to_string();
        Error::Figure { figure: title.to_owned(), what }
    })?;
    let html = Value::from_safe_string(drawing.html);
    Ok(Drawn { title: &figure.title, text: &figure.text, wide: drawing.wide, html, notes: drawing.notes })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_without_a_title_is_called_by_the_one_above_it() {
        let lines = crate::plots::Lines::new("x", "y");
        let section = Section::new("One", "", "").figure(Figure::new("", "", lines));
        let html = render(&Sheet { sections: vec![section], ..Sheet::default() }).unwrap();
        assert!(html.contains("aria-label=\"One: y over x"), "{html}");
    }

    #[test]
    fn ids_are_words_and_differ() {
        let mut ids = BTreeSet::new();
        let all = ["What it sees", "What it sees!", "", "—", "<b>"].map(|title| id(title, &mut ids));
        assert_eq!(all, ["what-it-sees", "what-it-sees-2", "section", "section-2", "b"]);
    }
}
