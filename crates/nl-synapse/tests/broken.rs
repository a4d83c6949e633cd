//! The laws bite: connections, delays and builders that are wrong in one way each are caught by the law named here.

use nl_random::Rng;
use nl_synapse::connectivity::{Multapses, Pairs, fixed_in_degree, fixed_out_degree, fixed_probability};
use nl_synapse::laws::{self, Case, Cases, Config, Release, Subject, Violation};
use nl_synapse::{Connection, Csr, Delay, DelayLine, Delayed, Error, Sparse, TsodyksMarkramParameters, Weights};
use nl_units::Ms;
use rand::RngExt;
use serde::{Deserialize, Serialize};

/// What is wrong with a [`Broken`] connection.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
enum Fault {
    /// Spikes travel from post to pre.
    Transposed,
    /// Of several synapses of a pair only one counts.
    DuplicatesLost,
    /// input = instead of input +=.
    Overwrites,
    /// The last synapse of each row is left out.
    LastLost,
    /// Neuron 0 never delivers.
    FirstNeuronMute,
    /// Factors are ignored.
    ScaleIgnored,
    /// Indices out of range are skipped.
    RangeUnchecked,
    /// A part has the weights in another order.
    CutShifted,
    /// Columns number the synapses as rows do.
    ColumnsMisnumbered,
    /// Weights set by column are forgotten.
    ColumnsAreCopies,
    /// The list of all weights ends before the last.
    ListTooShort,
    /// Weights are written with one digit.
    WrittenRoughly,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Broken {
    fault: Fault,
    inner: Sparse<f64>,
}

impl Connection<f64> for Broken {
    fn pre(&self) -> usize {
        self.inner.pre()
    }

    fn post(&self) -> usize {
        self.inner.post()
    }

    fn synapses(&self) -> usize {
        self.inner.synapses()
    }

    fn deliver(&self, spikes: &[u32], input: &mut [f64]) -> Result<(), Error> {
        let csr = self.inner.csr();
        let all: Vec<_> = csr.edges().zip(self.inner.weights()).map(|((i, j), &w)| (i, j, w)).collect();
        let of = |i: u32| all.iter().filter(move |s| s.0 == i);
        match self.fault {
            Fault::Transposed => {
                self.inner.deliver(spikes, &mut input.to_vec())?;
                for &(i, j, w) in &all {
                    if spikes.contains(&j) && (i as usize) < input.len() {
                        input[i as usize] += w;
                    }
                }
                Ok(())
            }
            Fault::DuplicatesLost => {
                self.inner.deliver(spikes, &mut input.to_vec())?;
                for &spike in spikes {
                    let mut last = None;
                    for &(_, j, w) in of(spike) {
                        if last != Some(j) {
                            input[j as usize] += w;
                        }
                        last = Some(j);
                    }
                }
                Ok(())
            }
            Fault::Overwrites => {
                self.inner.deliver(spikes, &mut input.to_vec())?;
                for &spike in spikes {
                    for &(_, j, w) in of(spike) {
                        input[j as usize] = w;
                    }
                }
                Ok(())
            }
            Fault::LastLost => {
                self.inner.deliver(spikes, &mut input.to_vec())?;
                for &spike in spikes {
                    for &(_, j, w) in of(spike).take(csr.row(spike).len().saturating_sub(1)) {
                        input[j as usize] += w;
                    }
                }
                Ok(())
            }
            Fault::FirstNeuronMute => {
                let rest: Vec<u32> = spikes.iter().copied().filter(|&i| i > 0).collect();
                self.inner.deliver(&rest, input)
            }
            Fault::RangeUnchecked => {
                let known: Vec<u32> = spikes.iter().copied().filter(|&i| (i as usize) < self.pre()).collect();
                self.inner.deliver(&known, input)
            }
            _ => self.inner.deliver(spikes, input),
        }
    }

    fn deliver_scaled(&self, spikes: &[u32], scale: &[f64], input: &mut [f64]) -> Result<(), Error> {
        if self.fault == Fault::ScaleIgnored {
            return self.inner.deliver_scaled(spikes, &vec![1.0; scale.len()], input);
        }
        self.inner.deliver_scaled(spikes, scale, input)
    }

    fn restrict(&self, range: core::ops::Range<usize>) -> Result<Option<(Self, Vec<u32>)>, Error> {
        let wrong = self.fault == Fault::CutShifted && range.start > 0 && range.end < self.post() + 1;
        let Some((mut inner, kept)) = self.inner.restrict(range)? else { return Ok(None) };
        if wrong {
            inner = Sparse::new(inner.csr().clone(), inner.weights().iter().rev().copied().collect())?;
        }
        Ok(Some((Self { fault: self.fault, inner }, kept)))
    }
}

impl Weights<f64> for Broken {
    fn for_outgoing(&mut self, pre: u32, f: impl FnMut(usize, u32, &mut f64)) {
        self.inner.for_outgoing(pre, f);
    }

    fn for_incoming(&mut self, post: u32, mut f: impl FnMut(usize, u32, &mut f64)) {
        match self.fault {
            Fault::ColumnsMisnumbered => {
                let mut next = 0;
                self.inner.for_incoming(post, |_, pre, w| {
                    f(next, pre, w);
                    next += 1;
                });
            }
            Fault::ColumnsAreCopies => self.inner.for_incoming(post, |number, pre, w| f(number, pre, &mut w.clone())),
            _ => self.inner.for_incoming(post, f),
        }
    }

    fn weights(&self) -> &[f64] {
        self.inner.weights()
    }

    fn weights_mut(&mut self) -> &mut [f64] {
        let short = usize::from(self.fault == Fault::ListTooShort);
        let weights = self.inner.weights_mut();
        let end = weights.len().saturating_sub(short);
        &mut weights[..end]
    }
}

/// Written as it is, except for the fault of writing.
#[derive(Debug, Clone)]
struct Written(Broken);

impl Serialize for Written {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let rough = self.0.inner.weights().iter().map(|w| (w * 4.0).round() / 4.0).collect();
        let inner = Sparse::new(self.0.inner.csr().clone(), rough).unwrap();
        Broken { fault: self.0.fault, inner }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Written {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Broken::deserialize(deserializer).map(Written)
    }
}

impl Connection<f64> for Written {
    fn pre(&self) -> usize {
        self.0.pre()
    }

    fn post(&self) -> usize {
        self.0.post()
    }

    fn synapses(&self) -> usize {
        self.0.synapses()
    }

    fn deliver(&self, spikes: &[u32], input: &mut [f64]) -> Result<(), Error> {
        self.0.deliver(spikes, input)
    }
}

fn broken(fault: Fault) -> impl Fn(&Case) -> Subject<f64, Broken> {
    move |case| {
        let csr = Csr::from_edges(case.pre, case.post, &case.edges()).unwrap();
        Subject::wired(case, Broken { fault, inner: Sparse::new(csr, case.weights()).unwrap() })
    }
}

/// The violation of `law` by a connection with this fault, which the document lists; it must show an example.
fn caught(law: &str, fault: &str, result: Result<Cases, Box<Violation>>) -> String {
    let document = include_str!("../../../docs/laws-of-synapses.md");
    let row = document.lines().find(|line| line.starts_with(&format!("| {fault} |")));
    assert!(row.is_some_and(|row| row.contains(&format!("`{law}`"))), "missing: | {fault} | `{law}` |");
    let violation = result.expect_err("not caught");
    assert_eq!(violation.law, law);
    let text = violation.to_string();
    assert!(text.contains(law) && violation.example.is_some() && !violation.found.is_empty(), "{text}");
    text
}

const CONFIG: Config = Config { cases: 512, seed: 3, shrinks: 20_000 };

#[test]
fn connections() {
    caught("naive", "spikes travel from post to pre", laws::naive(&broken(Fault::Transposed), &CONFIG));
    caught(
        "naive",
        "of several synapses of a pair only one counts",
        laws::naive(&broken(Fault::DuplicatesLost), &CONFIG),
    );
    caught("naive", "the last synapse of each row is left out", laws::naive(&broken(Fault::LastLost), &CONFIG));
    caught("naive", "input = instead of input +=", laws::naive(&broken(Fault::Overwrites), &CONFIG));
    caught("additive", "input = instead of input +=", laws::additive(&broken(Fault::Overwrites), &CONFIG));
    caught("permutation", "neuron 0 never delivers", laws::permutation(&broken(Fault::FirstNeuronMute), &CONFIG));
    caught("scaled", "factors are ignored", laws::scaled(&broken(Fault::ScaleIgnored), &CONFIG));
    caught("refusal", "indices out of range are skipped", laws::refusal(&broken(Fault::RangeUnchecked), &CONFIG));
    caught("cut", "a part has the weights in another order", laws::cut(&broken(Fault::CutShifted), &CONFIG));
    caught("views", "columns number the synapses as rows do", laws::views(&broken(Fault::ColumnsMisnumbered), &CONFIG));
    caught(
        "in_place",
        "weights set by column are forgotten",
        laws::in_place(&broken(Fault::ColumnsAreCopies), &CONFIG),
    );
    caught(
        "normalised",
        "weights set by column are forgotten",
        laws::normalised(&broken(Fault::ColumnsAreCopies), &CONFIG),
    );
    caught(
        "limits",
        "the list of all weights ends before the last",
        laws::limits(&broken(Fault::ListTooShort), &CONFIG),
    );
    let written = |case: &Case| {
        let subject = broken(Fault::WrittenRoughly)(case);
        Subject { connection: Written(subject.connection), synapses: subject.synapses }
    };
    caught("round_trip", "weights are written with one digit", laws::round_trip(&written, &CONFIG));
}

/// The smallest network in which a doubled synapse can be lost: two synapses of one pair and one spike.
#[test]
fn counter_examples_are_small_and_drawn() {
    let fault = "of several synapses of a pair only one counts";
    let text = caught("naive", fault, laws::naive(&broken(Fault::DuplicatesLost), &CONFIG));
    assert_eq!(text.lines().filter(|line| line.starts_with("    ") && line.contains(" -> ")).count(), 2, "{text}");
    assert_eq!(text.lines().filter(|line| line.starts_with("  pre")).flat_map(|l| l.matches('|')).count(), 1, "{text}");
    assert!(text.contains("pre  0  |......."), "{text}");
}

/// Synapses delivered `late` steps off, with these parts of their delay.
fn transport(part: fn(Delay) -> u32) -> impl Fn(&Case) -> laws::Transport {
    move |case| {
        let csr = Csr::from_edges(case.pre, case.post, &case.edges()).unwrap();
        let synapses = Delayed::split(&csr, &case.weights::<f64>(), &case.delays).unwrap();
        let mut line = DelayLine::new(20).unwrap();
        let post = case.post;
        Box::new(move |spikes| {
            let mut input = vec![0.0; post];
            for group in synapses.groups() {
                group.connection.deliver(line.ago(part(group.delay))?, &mut input)?;
            }
            line.push(spikes);
            Ok(input)
        })
    }
}

/// Spikes at the synapse, `parts` steps after those of (pre, post).
fn view(parts: fn(Delay) -> (u32, u32)) -> impl Fn(Delay) -> laws::AtSynapse {
    move |delay| {
        let (mut pre, mut post) = (DelayLine::new(20).unwrap(), DelayLine::new(20).unwrap());
        Box::new(move |now, post_now| {
            pre.push(now);
            post.push(post_now);
            let (a, b) = parts(delay);
            Ok((pre.ago(a + 1)?.to_vec(), post.ago(b + 1)?.to_vec()))
        })
    }
}

#[test]
fn delays() {
    caught("arrival", "a spike arrives one step late", laws::arrival(&transport(|d| d.total() + 1), &CONFIG));
    caught("arrival", "a spike arrives one step early", laws::arrival(&transport(|d| (d.total() - 1).max(1)), &CONFIG));
    caught(
        "arrival",
        "the dendritic part of a delay is left out",
        laws::arrival(&transport(|d| d.axonal().max(1)), &CONFIG),
    );
    // The wrong way round: the question of NEST issue 1604.
    caught(
        "at_synapse",
        "axonal and dendritic delay exchanged (NEST issue 1604)",
        laws::at_synapse(&view(|d| (d.dendritic(), d.axonal())), &CONFIG),
    );
    caught("at_synapse", "the whole delay taken for axonal", laws::at_synapse(&view(|d| (d.total(), 0)), &CONFIG));
    caught("at_synapse", "a rule sees post spikes at the soma", laws::at_synapse(&view(|d| (d.axonal(), 0)), &CONFIG));
    caught(
        "at_synapse",
        "a rule sees pre spikes one step late",
        laws::at_synapse(&view(|d| (d.axonal() + 1, d.dendritic())), &CONFIG),
    );
}

/// A way to get from (u, x) to the next spike's, given U and the two decays.
type Recursion = fn(f64, f64, f64, f64, f64) -> (f64, f64);

/// u, x by a recursion, and what a first spike finds.
fn recursion(next: Recursion, at_zero: bool) -> impl Fn(TsodyksMarkramParameters, Ms) -> Release {
    move |p, dt| {
        let decay = move |h: u64, tau: Ms| if tau.0 == 0.0 { 0.0 } else { (-(h as f64) * dt.0 / tau.0).exp() };
        let (mut u, mut x, mut last) = (p.utilisation, 1.0, at_zero.then_some(0));
        Box::new(move |step| {
            if let Some(last) = last {
                let h = step - last;
                (u, x) = next(u, x, p.utilisation, decay(h, p.tau_rec), decay(h, p.tau_fac));
            }
            last = Some(step);
            (u, x)
        })
    }
}

#[test]
fn short_term_plasticity() {
    let right: Recursion = |u, x, big_u, rec, fac| (big_u + u * (1.0 - big_u) * fac, 1.0 + (x - x * u - 1.0) * rec);
    assert!(laws::differential_form(&recursion(right, false), &CONFIG).is_ok());
    // u grows by U whatever it is: not bounded.
    let unbounded: Recursion = |u, x, big_u, rec, fac| (big_u + u * fac, 1.0 + (x - x * u - 1.0) * rec);
    caught("bounded", "u grows by U whatever it is", laws::bounded(&recursion(unbounded, false), &CONFIG));
    // Resources are taken twice from the sum.
    let overdrawn: Recursion = |u, x, big_u, rec, fac| (right_u(u, big_u, fac), 1.0 + (x - 2.0 * x * u - 1.0) * rec);
    caught("bounded", "a spike takes its resources twice", laws::bounded(&recursion(overdrawn, false), &CONFIG));
    // x uses up the next spike's u instead of the last one's.
    let new_u: Recursion = |u, x, big_u, rec, fac| {
        let u = right_u(u, big_u, fac);
        (u, 1.0 + (x - x * u - 1.0) * rec)
    };
    caught(
        "differential_form",
        "x loses what the next spike uses instead of the last",
        laws::differential_form(&recursion(new_u, false), &CONFIG),
    );
    // The two time constants exchanged.
    let swapped: Recursion = |u, x, big_u, rec, fac| (right_u(u, big_u, rec), 1.0 + (x - x * u - 1.0) * fac);
    caught("steady_state", "the two time constants exchanged", laws::steady_state(&recursion(swapped, false), &CONFIG));
    // Time 0 taken for a spike, as in early versions of NEST's synapse.
    caught("differential_form", "time 0 taken for a spike", laws::differential_form(&recursion(right, true), &CONFIG));
}

fn right_u(u: f64, big_u: f64, fac: f64) -> f64 {
    big_u + u * (1.0 - big_u) * fac
}

/// Draws autapses, too, and then leaves them out: those neurons get fewer.
fn autapses_counted(pairs: Pairs, degree: usize, multapses: Multapses, rng: &mut Rng) -> Result<Csr, Error> {
    let csr = fixed_in_degree(pairs, degree, multapses, rng)?;
    let edges: Vec<_> = csr.edges().filter(|(i, j)| i != j).collect();
    Csr::from_edges(csr.pre(), csr.post(), &edges)
}

/// Draws with replacement where that is forbidden.
fn replaced(pairs: Pairs, degree: usize, multapses: Multapses, rng: &mut Rng) -> Result<Csr, Error> {
    fixed_in_degree(pairs, degree, multapses, &mut rng.clone())?;
    fixed_in_degree(pairs, degree, Multapses::Allow, rng)
}

/// Out-degree where in-degree is asked for.
fn turned(pairs: Pairs, degree: usize, multapses: Multapses, rng: &mut Rng) -> Result<Csr, Error> {
    fixed_in_degree(pairs, degree, multapses, &mut rng.clone())?;
    fixed_out_degree(pairs, degree, Multapses::Allow, rng)
}

/// Gaps start at 1: no two neighbouring pairs are ever connected.
fn gaps_too_wide(pairs: Pairs, p: f64, rng: &mut Rng) -> Result<Csr, Error> {
    let csr = fixed_probability(pairs, p, rng)?;
    let mut last = None;
    let edges: Vec<_> = csr
        .edges()
        .filter(|&(i, j)| {
            let keep = last.is_none_or(|(a, b): (u32, u32)| a != i || b + 1 < j);
            if keep {
                last = Some((i, j));
            }
            keep
        })
        .collect();
    Csr::from_edges(csr.pre(), csr.post(), &edges)
}

/// As many synapses as expected, pairs drawn with replacement.
fn doubled(pairs: Pairs, p: f64, rng: &mut Rng) -> Result<Csr, Error> {
    let count = fixed_probability(pairs, p, rng)?.synapses();
    let (pre, post) = (pairs.pre() as u32, pairs.post() as u32);
    let edges: Vec<_> = (0..count).map(|_| (rng.random_range(0..pre), rng.random_range(0..post))).collect();
    Csr::from_edges(pairs.pre(), pairs.post(), &edges)
}

#[test]
fn builders() {
    caught("in_degree", "forbidden autapses are drawn and then left out", laws::in_degree(&autapses_counted, &CONFIG));
    caught("in_degree", "drawn with replacement where that is forbidden", laws::in_degree(&replaced, &CONFIG));
    caught("in_degree", "out-degree where in-degree is asked for", laws::in_degree(&turned, &CONFIG));
    caught("out_degree", "in-degree where out-degree is asked for", laws::out_degree(&fixed_in_degree, &CONFIG));
    caught("probability", "no two neighbouring pairs are ever connected", laws::probability(&gaps_too_wide, &CONFIG));
    caught(
        "probability",
        "as many synapses as expected, pairs drawn with replacement",
        laws::probability(&doubled, &CONFIG),
    );
}
