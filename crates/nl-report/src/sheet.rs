//! What a page is made of, as plain data. Empty parts leave no trace.

use serde::{Deserialize, Serialize};

use crate::Plot;

/// All that a page is made of.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Sheet {
    /// The title: `"A brain on MNIST"`.
    pub title: String,
    /// The result in one figure.
    pub headline: Headline,
    /// A sentence above everything else, in a box: which data this is about.
    pub banner: Option<Banner>,
    /// Further figures.
    pub tiles: Vec<Tile>,
    /// The figures.
    pub sections: Vec<Section>,
    /// What was run, when, and how to run it again.
    pub provenance: Provenance,
}

/// The result in one figure.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Headline {
    /// The number: `"99.43"`.
    pub value: String,
    /// Its unit: `"%"`.
    pub unit: String,
    /// What it says, in a sentence that goes on from it.
    pub lead: String,
    /// What is to be kept in mind about it, in smaller print.
    pub hint: String,
    /// A figure beside it.
    pub figure: Option<Figure>,
}

/// A box above everything else.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Banner {
    /// Whether it is a warning.
    pub warning: bool,
    /// Its first words.
    pub strong: String,
    /// The others.
    pub text: String,
}

/// A figure among others: name, value, what it means.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tile {
    /// Its name.
    pub name: String,
    /// Its value, with unit.
    pub value: String,
    /// What it means, in half a sentence.
    pub note: String,
}

impl Tile {
    /// A tile.
    #[must_use]
    pub fn new(name: &str, value: impl Into<String>, note: &str) -> Self {
        Self { name: name.into(), value: value.into(), note: note.into() }
    }
}

/// A part of the page.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Section {
    /// Its title.
    pub title: String,
    /// A word or two for the list of contents; empty: it is not listed.
    pub short: String,
    /// What is to be seen, for somebody who sees such a figure for the first time.
    pub text: String,
    /// Its figures.
    pub figures: Vec<Figure>,
    /// Figures that belong together under a title of their own.
    pub groups: Vec<Group>,
}

impl Section {
    /// A section without figures yet.
    #[must_use]
    pub fn new(title: &str, short: &str, text: impl Into<String>) -> Self {
        Self { title: title.into(), short: short.into(), text: text.into(), ..Self::default() }
    }

    /// With one more figure.
    #[must_use]
    pub fn figure(mut self, figure: Figure) -> Self {
        self.figures.push(figure);
        self
    }

    /// With some more figures.
    #[must_use]
    pub fn figures(mut self, figures: impl IntoIterator<Item = Figure>) -> Self {
        self.figures.extend(figures);
        self
    }
}

/// Figures that belong together.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Group {
    /// A word above the title: `"Stage 1"`.
    pub over: String,
    /// The title.
    pub title: String,
    /// A sentence or two.
    pub text: String,
    /// The figures.
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

impl Figure {
    /// A figure.
    #[must_use]
    pub fn new(title: &str, text: impl Into<String>, plot: impl Into<Plot>) -> Self {
        Self { title: title.into(), text: text.into(), plot: plot.into() }
    }
}

/// Where a result comes from, and how to get it again.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provenance {
    /// Name of the experiment: `"mnist-quick"`.
    pub name: String,
    /// Start, as text: `"2026-11-21 19:55 UTC"`.
    pub started: String,
    /// The program and its version.
    pub program: String,
    /// The seed of all randomness.
    pub seed: u64,
    /// Threads used.
    pub threads: usize,
    /// Further words on how it was computed: `"AVX-512"`.
    pub computed: String,
    /// The command that repeats the run.
    pub command: String,
    /// What is to be known about that command.
    pub repeat: String,
    /// Name and value of what a repetition has to agree with: hashes, counts.
    pub facts: Vec<(String, String)>,
    /// The whole configuration.
    pub config: String,
}
