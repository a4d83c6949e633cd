//! Laws of random connectivity.

use core::fmt;

use nl_laws::proptest::prelude::*;
use nl_random::{Rng, Streams};

use super::run::{Found, Title, ensure, hold, said};
use super::{Cases, Config, Violation};
use crate::connectivity::{Autapses, Multapses, Pairs};
use crate::{Csr, Error};

pub(super) const IN_DEGREE: Title =
    ("in_degree", "each post neuron has exactly the in-degree asked for, autapses and multapses as allowed");
pub(super) const OUT_DEGREE: Title =
    ("out_degree", "each pre neuron has exactly the out-degree asked for, autapses and multapses as allowed");
pub(super) const PROBABILITY: Title =
    ("probability", "the number of synapses lies within 5 standard deviations of p times the pairs");

/// What a builder is asked for.
#[derive(Debug, Clone)]
struct Request {
    pre: usize,
    post: usize,
    autapses: Option<Autapses>,
    multapses: Multapses,
    degree: usize,
    p: f64,
    seed: u64,
}

impl Request {
    fn pairs(&self) -> Pairs {
        self.autapses.map_or(Pairs::between(self.pre, self.post), |autapses| Pairs::recurrent(self.pre, autapses))
    }

    fn rng(&self) -> Rng {
        Streams::new(self.seed).rng("laws/degrees", 0, 0)
    }

    /// `Ok` if no pair is there that should not be.
    fn check(&self, csr: &Csr, multapses: Multapses) -> Found {
        let pairs = self.pairs();
        ensure((csr.pre(), csr.post()) == (pairs.pre(), pairs.post()), || {
            format!("built for {} to {} neurons", csr.pre(), csr.post())
        })?;
        for i in 0..csr.pre() as u32 {
            let row = csr.row(i);
            let own = self.autapses == Some(Autapses::Forbid) && row.contains(&i);
            ensure(!own, || format!("neuron {i} reaches itself"))?;
            let doubled = multapses == Multapses::Forbid && row.windows(2).any(|w| w[0] == w[1]);
            ensure(!doubled, || format!("neuron {i} reaches somebody twice: {row:?}"))?;
        }
        Ok(())
    }
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { multapses, degree, p, seed, .. } = self;
        writeln!(f, "  {:?}, degree {degree}, p {p}, multapses {multapses:?}, seed {seed}", self.pairs())
    }
}

fn requests() -> impl Strategy<Value = Request> {
    let autapses = prop_oneof![Just(None), Just(Some(Autapses::Allow)), Just(Some(Autapses::Forbid))];
    let multapses = prop_oneof![Just(Multapses::Forbid), Just(Multapses::Allow)];
    let p = prop_oneof![Just(0.1), Just(0.0), Just(1.0), 0.0..=1.0];
    (1..=12_usize, 1..=12_usize, autapses, multapses, 0..=12_usize, p, 0..1000_u64).prop_map(
        |(pre, post, autapses, multapses, degree, p, seed)| Request { pre, post, autapses, multapses, degree, p, seed },
    )
}

/// |{i : i → j}| = degree for each j (rows = false), or |{j : i → j}| for each i.
fn degree(
    title: Title,
    family: &impl Fn(Pairs, usize, Multapses, &mut Rng) -> Result<Csr, Error>,
    config: &Config,
    rows: bool,
) -> Result<Cases, Box<Violation>> {
    hold(title, "a builder", &requests(), config, |request| {
        let pairs = request.pairs();
        let own = usize::from(request.autapses == Some(Autapses::Forbid));
        let candidates = if rows { pairs.post() } else { pairs.pre() } - own;
        let possible = request.degree <= if request.multapses == Multapses::Allow { 12 } else { candidates }
            && (candidates > 0 || request.degree == 0);
        let built = family(pairs, request.degree, request.multapses, &mut request.rng());
        if !possible {
            return ensure(built.is_err(), || format!("{candidates} candidates are enough for it"));
        }
        let csr = built.map_err(said)?;
        request.check(&csr, request.multapses)?;
        let mut degrees = vec![0; if rows { csr.pre() } else { csr.post() }];
        for (i, j) in csr.edges() {
            degrees[if rows { i } else { j } as usize] += 1;
        }
        ensure(degrees.iter().all(|&d| d == request.degree), || format!("degrees {degrees:?}"))
    })
}

/// |{i : i → j}| = degree for each j; an error if there are too few candidates.
///
/// # Errors
/// The violation, with its smallest example.
pub fn in_degree(
    family: &impl Fn(Pairs, usize, Multapses, &mut Rng) -> Result<Csr, Error>,
    config: &Config,
) -> Result<Cases, Box<Violation>> {
    degree(IN_DEGREE, family, config, false)
}

/// |{j : i → j}| = degree for each i; an error if there are too few candidates.
///
/// # Errors
/// The violation, with its smallest example.
pub fn out_degree(
    family: &impl Fn(Pairs, usize, Multapses, &mut Rng) -> Result<Csr, Error>,
    config: &Config,
) -> Result<Cases, Box<Violation>> {
    degree(OUT_DEGREE, family, config, true)
}

/// |synapses − p · pairs| ≤ 5 √(p (1 − p) pairs), over 40 networks of the same kind together; no pair twice.
///
/// # Errors
/// The violation, with its smallest example.
pub fn probability(
    family: &impl Fn(Pairs, f64, &mut Rng) -> Result<Csr, Error>,
    config: &Config,
) -> Result<Cases, Box<Violation>> {
    const NETWORKS: u32 = 40;
    hold(PROBABILITY, "a builder", &requests(), config, |request| {
        let (pairs, mut rng) = (request.pairs(), request.rng());
        let mut synapses = 0;
        for _ in 0..NETWORKS {
            let csr = family(pairs, request.p, &mut rng).map_err(said)?;
            request.check(&csr, Multapses::Forbid)?;
            synapses += csr.synapses();
        }
        let trials = f64::from(NETWORKS) * pairs.count() as f64;
        let mean = trials * request.p;
        // Rare events are Poisson: 5 standard deviations and a few more for its longer tail.
        let margin = 5.0 * (mean * (1.0 - request.p)).sqrt() + 5.0 * f64::from(request.p > 0.0 && request.p < 1.0);
        ensure((synapses as f64 - mean).abs() <= margin, || {
            format!("{synapses} synapses in {NETWORKS} networks, expected {mean} within {margin}")
        })
    })
}
