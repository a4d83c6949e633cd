//! Learning by gradient: one engine, one learner, for training, probes and read-outs alike.

mod budget;
mod early_stopping;
mod engine;
mod learner;
mod probe;
mod rows;
mod stage;

pub(crate) use budget::hold_out;
pub use budget::{Budget, Wanted};
pub use early_stopping::{EarlyStopping, Watched};
pub(crate) use engine::Workspace;
pub use engine::{Engine, Objective, Shard};
pub(crate) use learner::check_finite;
pub use learner::{Gradient, LearnConfig, Stepped};
pub use probe::{Inputs, Probe};
pub use rows::RowEvaluator;
pub use stage::{GradientStage, Task};
