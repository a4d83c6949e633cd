#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

pub mod plots;
pub mod text;

mod axis;
mod error;
mod page;
mod palette;
mod picture;
mod sheet;
mod svg;

pub use error::Error;
pub use page::{STYLE, render};
pub use palette::{DISTINCT, Mark, Shape};
pub use picture::Picture;
pub use plots::{Draw, Drawing, Plot};
pub use sheet::{Banner, Figure, Group, Headline, Provenance, Section, Sheet, Tile};
