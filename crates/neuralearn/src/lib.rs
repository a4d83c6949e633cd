//! Facade over the NeuraLearn crates, and a prelude.
