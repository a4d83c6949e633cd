//! A neuron model as the laws see it.

use core::ops::RangeInclusive;

use crate::{Error, Ms, NeuronModel, Real};

/// How the subthreshold state at a fixed time depends on dt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Convergence {
    /// Not at all, but for rounding: exact integration.
    Exact,
    /// Its error shrinks like dt^p.
    Order(u32),
}

/// The ranges of input, one a receptor.
#[derive(Debug, Clone, PartialEq)]
pub struct Drive(pub(crate) Vec<RangeInclusive<f64>>);

impl From<RangeInclusive<f64>> for Drive {
    fn from(range: RangeInclusive<f64>) -> Self {
        Self(vec![range])
    }
}

impl<const N: usize> From<[RangeInclusive<f64>; N]> for Drive {
    fn from(ranges: [RangeInclusive<f64>; N]) -> Self {
        Self(ranges.to_vec())
    }
}

/// A model, how to build it for a time step, and what it claims about itself.
///
/// Only `new` is needed; each claim makes a law sharper.
pub struct Subject<F, M> {
    pub(crate) build: Box<dyn Fn(Ms) -> Result<M, Error>>,
    pub(crate) drive: Vec<RangeInclusive<f64>>,
    pub(crate) current: usize,
    pub(crate) dt: Ms,
    pub(crate) steps: usize,
    pub(crate) t_ref: Ms,
    pub(crate) quiet: f64,
    pub(crate) convergence: Convergence,
    pub(crate) lateness: f64,
    scalar: core::marker::PhantomData<F>,
}

impl<F: Real, M: NeuronModel<F>> Subject<F, M> {
    /// The model that `build` makes for a time step, and the range of input that each receptor (or all of them) is meant
    /// for; 0 must be in it.
    ///
    /// Laws of dt build it with steps from dt / 16 to 4 dt: put a t_ref that is not on all of their grids there in
    /// `build`, with [`Ms::on_grid`].
    pub fn new(build: impl Fn(Ms) -> Result<M, Error> + 'static, drive: impl Into<Drive>) -> Self {
        let drive = drive.into().0;
        Self {
            quiet: drive.first().map_or(0.0, |range| range.end() / 100.0),
            build: Box::new(build),
            drive,
            current: 0,
            dt: Ms(0.1),
            steps: 400,
            t_ref: Ms(0.0),
            convergence: Convergence::Order(1),
            lateness: 3.0,
            scalar: core::marker::PhantomData,
        }
    }

    /// Which receptor takes a constant current; the first unless said otherwise. Call it before `quiet`.
    #[must_use]
    pub fn current(self, receptor: usize) -> Self {
        let quiet = self.range(receptor).end() / 100.0;
        Self { current: receptor, quiet, ..self }
    }

    /// The time step; 0.1 ms unless said otherwise.
    #[must_use]
    pub fn dt(self, dt: Ms) -> Self {
        Self { dt, ..self }
    }

    /// The number of steps of an experiment; 400 unless said otherwise.
    #[must_use]
    pub fn steps(self, steps: usize) -> Self {
        Self { steps, ..self }
    }

    /// The absolute refractory period; none unless said otherwise.
    #[must_use]
    pub fn t_ref(self, t_ref: Ms) -> Self {
        Self { t_ref, ..self }
    }

    /// Currents from 0 to `quiet` never make it spike; a hundredth of its drive unless said otherwise.
    #[must_use]
    pub fn quiet(self, quiet: f64) -> Self {
        Self { quiet, ..self }
    }

    /// How it is integrated; at least of order 1 unless said otherwise.
    #[must_use]
    pub fn convergence(self, convergence: Convergence) -> Self {
        Self { convergence, ..self }
    }

    /// By how many steps an interval between spikes may be off because dt is not 0; 3 unless said otherwise.
    #[must_use]
    pub fn lateness(self, steps: f64) -> Self {
        Self { lateness: steps, ..self }
    }

    /// The range of input of a receptor.
    pub(crate) fn range(&self, receptor: usize) -> &RangeInclusive<f64> {
        const NONE: &RangeInclusive<f64> = &(0.0..=0.0);
        self.drive.get(receptor).or(self.drive.last()).unwrap_or(NONE)
    }

    /// `part` in [−1, 1] of the way from 0 to the upper (or lower) end of a receptor's range.
    pub(crate) fn amplitude(&self, receptor: usize, part: f64) -> f64 {
        let range = self.range(receptor);
        if part >= 0.0 { part * range.end() } else { -part * range.start() }
    }
}
