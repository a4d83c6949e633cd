//! A network as a list of layers: what a configuration says, the shapes that follow from it, and what it costs.

mod areas;
mod config;
mod entry;
mod form;
mod kind;
mod network;

pub use config::{Built, Join, LayerConfig, Node, Size};
pub(crate) use config::{image, only, product, sequence, windows};
pub use entry::LayerEntry;
pub use form::Form;
pub use kind::LayerKind;
pub use network::{Graph, Line};
