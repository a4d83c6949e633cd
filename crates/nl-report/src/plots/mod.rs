//! What a figure draws: one plot, one file, with its data, its checks and its tests.
//!
//! A plot is plain data; [`Draw::draw`] checks it and makes markup of it. Numbers that are not finite are left out of the
//! drawing, and the drawing says how many were. Colours are classes of the style sheet ([`crate::STYLE`]), so that one
//! drawing serves light, dark and paper.

mod bars;
mod cards;
mod confusion;
mod heat;
mod intervals;
mod lines;
mod map;
mod matches;
mod mosaic;
mod raster;
mod strip;
mod table;
mod wiring;

pub use bars::{BarGroup, Bars};
pub use cards::{Card, Cards};
pub use confusion::Confusion;
pub use heat::Heat;
pub use intervals::{Interval, Intervals};
pub use lines::{Line, LineStyle, Lines};
pub use map::{Map, MapPoint};
pub use matches::{Match, Matched, Matches};
pub use mosaic::Mosaic;
pub use raster::{Raster, RasterGroup};
pub use strip::{Strip, StripItem};
pub use table::{Cell, Table};
pub use wiring::{Block, Route, Wire, WireKind, Wiring};

use serde::{Deserialize, Serialize};

use crate::Error;
use crate::text::count;

/// Markup, and what has to be said beside it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Drawing {
    /// SVG or HTML; every text in it is escaped.
    pub html: String,
    /// Sentences for the reader: how many values could not be drawn, that marks repeat.
    pub notes: Vec<String>,
    /// Whether it wants the whole width of the page.
    pub wide: bool,
}

impl Drawing {
    fn narrow(html: String) -> Self {
        Self { html, notes: Vec::new(), wide: false }
    }

    fn wide(html: String) -> Self {
        Self { html, notes: Vec::new(), wide: true }
    }

    /// Says that `n` values were left out.
    fn without(mut self, n: usize, what: &str) -> Self {
        if n > 0 {
            let is = if n == 1 { "is" } else { "are" };
            self.notes.push(format!("{} {is} no finite number and {is} not drawn.", count(n as u64, what)));
        }
        self
    }

    fn with(mut self, note: Option<String>) -> Self {
        self.notes.extend(note);
        self
    }
}

/// A plot: data that can be drawn.
pub trait Draw {
    /// The markup; `label` begins its description for whoever cannot see it.
    ///
    /// # Errors
    /// [`Error::Shape`] if sizes or names contradict each other.
    fn draw(&self, label: &str) -> Result<Drawing, Error>;
}

/// The table of plots: for each its variant, its `From` and its arm of `draw`.
macro_rules! plots {
    ($($(#[$about:meta])* $name:ident,)+) => {
        /// What a figure draws.
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        #[serde(tag = "kind", content = "data", rename_all = "kebab-case")]
        #[non_exhaustive]
        pub enum Plot { $($(#[$about])* $name($name),)+ }

        impl Draw for Plot {
            fn draw(&self, label: &str) -> Result<Drawing, Error> {
                match self { $(Self::$name(plot) => plot.draw(label),)+ }
            }
        }

        $(impl From<$name> for Plot {
            fn from(plot: $name) -> Self { Self::$name(plot) }
        })+
    };
}

plots! {
    /// Named lines over a common x.
    Lines,
    /// A dot for each event: time to the right, who upwards.
    Raster,
    /// Histograms.
    Bars,
    /// Values with their intervals.
    Intervals,
    /// Rows and columns of text and numbers.
    Table,
    /// Numbers as shades.
    Heat,
    /// Truth against decision.
    Confusion,
    /// Points in the plane, by class.
    Map,
    /// Columns of pictures.
    Strip,
    /// Many small pictures as one.
    Mosaic,
    /// Pictures with facts beside them.
    Cards,
    /// Pictures, and those that were found to be like them.
    Matches,
    /// Boxes and arrows.
    Wiring,
}
