//! A trained model that is asked about samples: whole, and with parts of it cut out.

use nl_autodiff::{Tape, Var};
use nl_layers::{Context, Lesion, Parameters};

use crate::Error;
use crate::data::Set;

/// A model that names the classes of samples.
pub(crate) trait Asked {
    /// What it is asked about.
    type Set: Set;

    /// Its weights.
    fn parameters(&self) -> &Parameters<f32>;

    /// Number of classes.
    fn classes(&self) -> usize;

    /// Some of a set, as the model is shown them: `[N, …]`.
    fn input<'t>(&self, tape: &'t Tape<f32>, set: &Self::Set, samples: &[u32]) -> Result<Var<'t, f32>, Error>;

    /// Log-probabilities of its decisions, `[N, classes]`, with these parts cut out.
    fn log_probs(&self, set: &Self::Set, lesions: &[Lesion<f32>]) -> Result<Vec<f32>, Error>;

    /// A score for each class, `[N, classes]`, as a function on the tape of an [`input`](Self::input); none if its outputs are no
    /// scores of classes.
    fn scores<'t>(&self, input: Var<'t, f32>, ctx: &mut Context<'t, f32>) -> Result<Option<Var<'t, f32>>, Error>;
}
