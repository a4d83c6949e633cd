//! The page as a whole: complete, well-formed, self-contained, and safe against hostile names.

#[allow(dead_code)]
#[path = "../examples/page.rs"]
mod every;

use nl_report::plots::{Draw, Lines, Table};
use nl_report::{Error, Figure, Group, Section, Sheet, render};

fn page() -> String {
    render(&every::sheet()).unwrap()
}

/// Checks that tags close in the order in which they open, and that no attribute is unquoted.
fn well_formed(html: &str) -> Result<(), String> {
    const VOID: [&str; 3] = ["meta", "img", "br"];
    let mut open: Vec<&str> = Vec::new();
    let mut rest = html.strip_prefix("<!doctype html>").ok_or("no doctype")?;
    while let Some(start) = rest.find('<') {
        if rest[..start].contains('>') && open.last() != Some(&"style") {
            return Err(format!("a bare > in text: {:?}", &rest[..start]));
        }
        let end = start + rest[start..].find('>').ok_or("an unclosed tag")?;
        let tag = &rest[start + 1..end];
        if let Some(name) = tag.strip_prefix('/') {
            let expected = open.pop();
            if expected != Some(name) {
                return Err(format!("</{name}> closes {expected:?}"));
            }
        } else {
            if tag.matches('"').count() % 2 != 0 || tag.contains('<') {
                return Err(format!("a broken tag: {tag}"));
            }
            let name = tag.split([' ', '/', '\n']).next().unwrap_or_default();
            if !tag.ends_with('/') && !VOID.contains(&name) {
                open.push(name);
            }
        }
        rest = &rest[end + 1..];
    }
    if open.is_empty() { Ok(()) } else { Err(format!("never closed: {open:?}")) }
}

#[test]
fn the_page_has_every_section_and_is_well_formed() {
    let html = page();
    well_formed(&html).unwrap();
    for id in ["result", "lines", "events", "classes", "pictures", "plans", "repeat"] {
        assert_eq!(html.matches(&format!("<section id=\"{id}\"")).count(), 1, "section {id}");
        assert!(html.contains(&format!("href=\"#{id}\"")), "link to {id}");
    }
    for text in ["99.58", "Synthetic data.", "AVX-512", "9f86d081884c7d65", "noise: 0.25", "Stage 1"] {
        assert!(html.contains(text), "{text}");
    }
    // The configuration is there to be unfolded.
    assert!(html.contains("<details><summary>The whole configuration") && !html.contains("<details open"));
    assert_eq!(html, page(), "the same sheet gives the same page");
}

#[test]
fn a_sheet_can_be_stored() {
    let sheet = every::sheet();
    let json = serde_json::to_string(&sheet).unwrap();
    let back: Sheet = serde_json::from_str(&json).unwrap();
    assert_eq!(render(&back).unwrap(), page());
}

#[test]
fn the_page_needs_nothing_from_outside() {
    let html = page();
    for outside in ["http:", "https:", "//", "<script", "<link", "@import", "url(", "<iframe"] {
        let found = html.match_indices(outside).find(|(at, _)| {
            // Two slashes may occur inside the base64 of a picture.
            let before = &html[..*at];
            before.rfind("data:image/png;base64,").is_none_or(|start| before[start..].contains('"'))
        });
        assert_eq!(found, None);
    }
    assert!(html.len() < 400_000, "{} bytes", html.len());
}

#[test]
fn every_picture_and_chart_is_described() {
    let html = page();
    for tag in html.split('<').filter(|tag| tag.starts_with("img ")) {
        assert!(tag.contains("alt=\"") && !tag.contains("alt=\"\""), "{tag}");
    }
    for tag in html.split('<').filter(|tag| tag.starts_with("svg ") && !tag.contains("aria-hidden=\"true\"")) {
        assert!(tag.contains("role=\"img\" aria-label=\"") && tag.contains("viewBox="), "{tag}");
    }
    assert!(html.contains("<html lang=\"en\">") && html.contains("width=device-width"));
}

/// Every text of a sheet replaced, wherever it stands.
#[test]
fn hostile_names_stay_text() {
    let attack = "</title></text></code><script>alert(1)</script><img src=x onerror='alert(2)'>\"'&{{ 7 * 7 }}";
    fn replace(value: &mut serde_json::Value, attack: &str) {
        match value {
            serde_json::Value::String(text) => attack.clone_into(text),
            serde_json::Value::Array(items) => items.iter_mut().for_each(|item| replace(item, attack)),
            serde_json::Value::Object(fields) => {
                for (key, field) in fields {
                    // What names a kind of plot or a box is no text of the page.
                    let keep = ["kind", "style", "route", "id", "from", "to", "exits"].contains(&key.as_str());
                    if !(keep && (field.is_string() || key == "exits")) {
                        replace(field, attack);
                    }
                }
            }
            _ => {}
        }
    }
    let mut json = serde_json::to_value(every::sheet()).unwrap();
    replace(&mut json, attack);
    let html = render(&serde_json::from_value(json).unwrap()).unwrap();
    assert!(!html.contains("<script") && !html.contains("<img src=x"));
    assert!(html.contains("{{ 7 * 7 }}"), "names are not templates");
    well_formed(&html).unwrap();
}

#[test]
fn an_empty_sheet_leaves_everything_out() {
    let html = render(&Sheet::default()).unwrap();
    well_formed(&html).unwrap();
    for part in ["<figure", "class=\"banner", "<dl", "<pre", "<details", "class=\"big\""] {
        assert!(!html.contains(part), "{part}");
    }
}

#[test]
fn what_contradicts_names_its_figure() {
    let wrong = || Figure::new("Times", "", Table::new(&["a"]).row(["x".into(), "y".into()]));
    let group = Group { figures: vec![wrong()], ..Group::default() };
    let section = Section::new("One", "", "");
    let mut hero = Sheet::default();
    hero.headline.figure = Some(wrong());
    let sections = |section| Sheet { sections: vec![section], ..Sheet::default() };
    for sheet in [hero, sections(section.clone().figure(wrong())), sections(Section { groups: vec![group], ..section })]
    {
        let error = render(&sheet).unwrap_err();
        assert!(matches!(error, Error::Figure { .. }));
        assert_eq!(error.to_string(), "figure \"Times\": table: row 1 has 2 cells, but there are 1 columns");
    }
}

/// Paper is white, whatever scheme the screen had; it shows no contents and no configuration, and a section may be broken
/// where a figure may not (sections that may not leave pages blank).
#[test]
fn paper_is_not_the_screen() {
    let style = nl_report::STYLE;
    let (screen, print) = style.split_once("@media print {").unwrap();
    let dark: Vec<&str> = screen.lines().filter(|line| line.contains("prefers-color-scheme: dark")).collect();
    assert_eq!(dark, ["@media screen and (prefers-color-scheme: dark) {"]);
    for rule in ["--paper: #fff;", "nav, .skip, details { display: none; }", "figure, article, .match, .strip,"] {
        assert!(print.contains(rule), "{rule}");
    }
    let kept = |line: &&str| line.contains("break-inside: avoid") || line.contains("break-after: avoid");
    assert!(!print.lines().filter(kept).any(|line| line.trim_start().starts_with("section")));
    assert!(print.contains("h1, h2, h3, .intro, .step, .rows, figcaption { break-after: avoid;"));
}

#[test]
fn what_was_left_out_is_said_on_the_page() {
    let lines = Lines::new("x", "y").line("a", vec![(0.0, f64::NAN), (1.0, 2.0)]);
    let note = lines.draw("t").unwrap().notes.remove(0);
    let section = Section::new("One", "", "").figure(Figure::new("t", "", lines));
    assert!(render(&Sheet { sections: vec![section], ..Sheet::default() }).unwrap().contains(&note));
}

proptest::proptest! {
    /// Any numbers are drawn, within the frame, or left out; never a panic, never a "NaN" in the markup.
    #[test]
    fn any_numbers_are_drawn(values in proptest::collection::vec((proptest::num::f64::ANY, proptest::num::f64::ANY), 0..20)) {
        use nl_report::plots::{Bars, Interval, Intervals, Raster, RasterGroup};
        let ys: Vec<f64> = values.iter().map(|v| v.1).collect();
        let mut all = Bars::histogram("x", "y", &ys, 7).draw("t").unwrap().html;
        for log_y in [false, true] {
            let lines = Lines { log_y, ..Lines::new("x", "y").line("a", values.clone()) };
            all += &lines.draw("t").unwrap().html;
        }
        let dots = values.iter().map(|v| (v.0, 0)).collect();
        let groups = vec![RasterGroup { name: "a".into(), dots }];
        all += &Raster { rows: 1, groups, ..Raster::default() }.draw("t").unwrap().html;
        let row = |v: &(f64, f64)| Interval { value: v.1, near: (v.1, v.1), ..Interval::default() };
        let rows = values.iter().map(row).collect();
        all += &Intervals { x: "x".into(), rows, range: None }.draw("t").unwrap().html;
        proptest::prop_assert!(!all.contains("NaN") && !all.contains("inf"));
    }
}
