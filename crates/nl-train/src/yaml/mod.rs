//! Configurations as located trees: where each value stands, what is wrong with it, and what was meant.
//!
//! | file | what |
//! |---|---|
//! | [`tree`] | a [`Node`] knows its [`Place`]; `--set a.b=value`; JSON |
//! | `parse` | YAML text to a [`Node`], with limits |
//! | [`schema`] | a tree against a JSON Schema: every fault with its place |
//! | [`nearest`] | the name that was meant, the name that a thing has now |
//! | [`help`] | the whole configuration with its comments, from the schema |

pub mod help;
pub mod nearest;
mod parse;
pub mod schema;
pub mod tree;

pub use parse::read;
pub use tree::{Fault, Key, Node, Place, Value};
