//! The built command as a user meets it: what it refuses and how it says so, what it leaves behind, and that a run which
//! was cut short ends on the same bits as one that was not.

mod config;
mod conv_stdp;
mod data;
mod fetch;
#[cfg(unix)]
mod interrupted;
mod options;
mod place;
mod repeat;
mod samples;
#[cfg(unix)]
mod shown;
mod sim;
mod stdp;
#[cfg(unix)]
mod terminal;
mod train;
