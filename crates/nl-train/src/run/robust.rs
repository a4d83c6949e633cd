//! How a trained model bears images that are spoilt.

use std::collections::BTreeMap;
use std::path::PathBuf;

use nl_data::Split;
use nl_random::Streams;
use nl_report::{Figure, Headline, Section};

use super::{Model, Observer, Progress, Setting, Timings, Trained, write_atomic};
use crate::data::{Dataset, Set};
use crate::evaluate::{Robustness, RobustnessTable, figures};
use crate::run::Findings;
use crate::{Error, page};

/// What was found, by the name of the score, and the page about it.
#[derive(Debug, Clone, PartialEq)]
pub struct Robust {
    /// One a score: `cortex`, `memory`, `mixed`.
    pub tables: BTreeMap<String, RobustnessTable>,
    /// The page, in the folder of the run.
    pub page: PathBuf,
}

const PAGE: &str = "robustness.html";

impl<M: Model> Trained<M> {
    /// The scores on the test images of `data` as they are and under each perturbation, and a page of curves in the folder of
    /// the run.
    ///
    /// # Errors
    /// [`Error::Stopped`], images that do not fit, samples that are no images of bytes, a model that names no classes,
    /// or a folder that cannot be written.
    pub fn robustness(
        &self,
        data: &Dataset<M::Set>,
        tried: &Robustness,
        observer: &mut (dyn Observer + Send),
    ) -> Result<Robust, Error> {
        let test = &data.split.test;
        let (pixels, size) = test.pixels()?;
        if self.estimates() {
            let what = "accuracies are compared, and this model names no class; leave out --robustness";
            return Err(Error::config(format!("robustness: {what}")));
        }
        let mut timings = Timings::default();
        let mut progress = Progress::new(observer, &mut timings, self.folder());
        let table = tried.measure_bytes(pixels, size, Streams::new(self.config().seed), |pixels| {
            let data = Dataset {
                split: Split { train: data.split.train.select(&[0]), test: test.with_pixels(pixels.to_vec())? },
                source: data.source.clone(),
                learn: Vec::new(),
                labelled: Vec::new(),
                validation: Vec::new(),
            };
            let setting = Setting { config: self.config(), data: Some(&data) };
            self.model().evaluate(setting, &mut progress)
        })?;
        let names = M::ACCURACIES.iter().filter(|&&name| table.clean.contains_key(name));
        let of = |name: &str| table.map(|scores| scores.get(name).copied().unwrap_or(0.0));
        let tables: BTreeMap<String, RobustnessTable> = names.map(|&name| (name.to_owned(), of(name))).collect();
        let config = self.config();
        let sheet = page::sheet(
            &said(&tables, data),
            page::Run {
                name: &config.name,
                started: &super::utc_text(std::time::SystemTime::now()),
                seed: config.seed,
                threads: rayon::current_num_threads(),
                folder: self.folder(),
                source: Some(&data.source),
                weights_sha256: self.weights_sha256(),
                config: crate::config::yaml::<M>(config)?,
                asked: Some("eval --robustness --run"),
            },
        );
        let path = self.folder().join(PAGE);
        write_atomic(&path, nl_report::render(&sheet)?.as_bytes())?;
        Ok(Robust { tables, page: path })
    }
}

/// Headline and curves.
fn said<S: Set>(tables: &BTreeMap<String, RobustnessTable>, data: &Dataset<S>) -> Findings {
    let best = tables.iter().filter_map(|(name, table)| Some((name, table.mean()?))).max_by(|a, b| a.1.total_cmp(&b.1));
    let headline = best.map(|(name, mean)| Headline {
        value: format!("{:.2}", 100.0 * mean),
        unit: "%".into(),
        lead: format!("of the spoilt images are recognised ({}), the mean over all damage.", name.replace('_', " ")),
        hint: "Six kinds of damage, each at five severities, on the test images; the model has learned nothing more."
            .into(),
        figure: None,
    });
    let text = "Each kind of damage at growing severity; 0 is the images as they are.";
    let figures = tables.iter().map(|(name, table)| {
        let name = name.replace('_', " ");
        Figure { title: format!("Robustness: {name}"), ..figures::robustness(table, &name) }
    });
    Findings {
        title: format!("Robustness on {}", page::data_name(&data.source)),
        headline,
        banner: Some(page::banner(data)),
        sections: vec![Section::new("Images that are spoilt", "Robustness", text).figures(figures)],
        ..Findings::default()
    }
}
