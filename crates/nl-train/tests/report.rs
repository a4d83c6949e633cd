//! The report page as a whole: complete, well-formed, self-contained, and safe against hostile names.

mod fixture;

use nl_train::report::{Picture, Report, ReportError, render};

fn page() -> String {
    render(&fixture::report()).unwrap()
}

/// Checks that tags close in the order in which they open, and that no attribute appears twice or unquoted.
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
    let sections = [
        "result",
        "wiring",
        "learning",
        "map",
        "reconstructions",
        "confusion",
        "gates",
        "trust",
        "memories",
        "mistakes",
        "time",
        "repeat",
    ];
    for id in sections {
        assert_eq!(html.matches(&format!("<section id=\"{id}\"")).count(), 1, "section {id}");
        assert!(html.contains(&format!("href=\"#{id}\"")), "link to {id}");
    }
    for text in ["99.58", "9,985", "Real data: MNIST.", "54,000 training", "AVX-512", "9f86d081884c7d65", "noise: 0.25"]
    {
        assert!(html.contains(text), "{text}");
    }
    assert_eq!(html, page(), "the same report gives the same page");
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
    for tag in html.split('<').filter(|tag| tag.starts_with("svg ")) {
        assert!(tag.contains("role=\"img\" aria-label=\"") && tag.contains("viewBox="), "{tag}");
    }
    assert!(html.contains("<html lang=\"en\">") && html.contains("width=device-width"));
}

#[test]
fn hostile_names_stay_text() {
    let attack = "</title></text></code><script>alert(1)</script><img src=x onerror='alert(2)'>\"'&{{ 7 * 7 }}";
    let mut report = fixture::report();
    report.data.classes = vec![attack.to_owned(); 10];
    for text in [
        &mut report.run.name,
        &mut report.run.started,
        &mut report.run.version,
        &mut report.run.command,
        &mut report.run.simd,
        &mut report.run.weights_sha256,
        &mut report.data.name,
        &mut report.data.source,
        &mut report.config,
    ] {
        attack.clone_into(text);
    }
    for region in &mut report.regions {
        attack.clone_into(&mut region.name);
        attack.clone_into(&mut region.role);
        attack.clone_into(&mut region.output);
    }
    for stage in &mut report.stages {
        attack.clone_into(&mut stage.name);
        attack.clone_into(&mut stage.loss);
        attack.clone_into(&mut stage.explanation);
    }
    for map in &mut report.maps {
        attack.clone_into(&mut map.title);
        attack.clone_into(&mut map.method);
    }
    report.timings.iter_mut().for_each(|timing| attack.clone_into(&mut timing.name));
    let html = render(&report).unwrap();
    assert!(!html.contains("<script") && !html.contains("<img src=x"));
    assert!(html.contains("{{ 7 * 7 }}"), "names are not templates");
    well_formed(&html).unwrap();
}

#[test]
fn synthetic_data_is_said_loudly() {
    let mut report = fixture::report();
    report.data.synthetic = true;
    let html = render(&report).unwrap();
    assert!(html.contains("<strong>Synthetic data: MNIST.</strong>") && html.contains("do not compare"));
    assert!(!page().contains("do not compare"));
}

#[test]
fn an_empty_report_leaves_sections_out() {
    let html = render(&Report::default()).unwrap();
    well_formed(&html).unwrap();
    for id in ["wiring", "learning", "map", "reconstructions", "confusion", "gates", "trust", "memories", "mistakes"] {
        assert!(!html.contains(&format!("id=\"{id}\"")), "section {id}");
    }
}

#[test]
fn odd_values_are_drawn_or_refused_but_never_panic() {
    let mut report = fixture::report();
    report.stages[0].steps.iter_mut().step_by(3).for_each(|step| step.loss = f64::NAN);
    report.stages[1].steps.iter_mut().for_each(|step| step.loss = f64::INFINITY);
    report.stages[1].epochs.clear();
    report.scores.ssl_knn = Some(f64::NAN);
    report.scores.mixed = 1.0;
    report.gates[0][0] = f32::NAN;
    report.gates[1].clear();
    report.trust.iter_mut().for_each(|sample| sample.class = 77);
    report.maps[0].points.iter_mut().for_each(|point| point.x = f32::NAN);
    report.maps[1].points.truncate(1);
    report.mistakes[0].truth = 4_000_000_000;
    report.run.seconds = 0.0;
    report.data.test = 0;
    let html = render(&report).unwrap();
    well_formed(&html).unwrap();
    assert!(!html.contains("NaN") && !html.contains("inf "));

    let mut many = fixture::report();
    many.confusion = vec![vec![1; 62]; 62];
    well_formed(&render(&many).unwrap()).unwrap();

    let mut crooked = fixture::report();
    crooked.confusion[3].pop();
    let error = render(&crooked).unwrap_err();
    assert!(matches!(error, ReportError::Shape(_)));
    assert_eq!(error.to_string(), "report: the confusion matrix has 10 rows, but one of 9 columns");

    let mut torn = fixture::report();
    torn.mistakes[0].picture = Picture { width: 28, height: usize::MAX, pixels: vec![0; 28] };
    assert!(render(&torn).unwrap_err().to_string().contains("has 28 pixels"));
}
