//! Every built-in rule obeys the laws, or says why not.

mod diehl_cook;
mod limits;
mod pair;
mod rates;
mod reward;
mod table;
mod triplet;
mod vogels;
mod voltage;
