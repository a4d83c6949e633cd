//! A leaky integrator over a whole sequence, and back: a read-out that never spikes.

use super::Sequence;
use super::scan::check;
use crate::{Error, Float};

const NAME: &str = "leaky integrator";

/// The value for neuron `n`, of one for all or one each.
fn of<F: Copy>(p: &[F], n: usize) -> F {
    p[if p.len() == 1 { 0 } else { n }]
}

/// y\[t\] = decay y\[t − 1\] + gain x\[t\], y\[−1\] = 0: `[T, B, n]`; decay and gain are one value or one a neuron.
///
/// ```
/// use nl_neuron::dynamics::{Sequence, leak};
/// let mut y = [0.0; 3];
/// leak(Sequence { steps: 3, batch: 1, neurons: 1 }, [&[0.5], &[1.0]], &[1.0, 0.0, 0.0], &mut y)?;
/// assert_eq!(y, [1.0, 0.5, 0.25]);
/// # Ok::<(), nl_neuron::Error>(())
/// ```
///
/// # Errors
/// [`Error::Length`] if a slice does not fit.
pub fn leak<F: Float>(sequence: Sequence, p: [&[F]; 2], x: &[F], y: &mut [F]) -> Result<(), Error> {
    check(NAME, sequence, &p, [x.len(), y.len()].into_iter())?;
    let wide = sequence.batch * sequence.neurons;
    for t in 0..sequence.steps {
        let (past, now) = y.split_at_mut(t * wide);
        for (i, (y, &x)) in now[..wide].iter_mut().zip(&x[t * wide..]).enumerate() {
            let n = i % sequence.neurons;
            let before = if t > 0 { past[(t - 1) * wide + i] } else { F::ZERO };
            *y = of(p[0], n) * before + of(p[1], n) * x;
        }
    }
    Ok(())
}

/// The gradients that `dy` brings: of x (overwritten), and of decay and gain, `[n]` each (added to).
///
/// # Errors
/// [`Error::Length`] if a slice does not fit.
pub fn leak_grad<F: Float>(
    sequence: Sequence,
    p: [&[F]; 2],
    (x, y, dy): (&[F], &[F], &[F]),
    dx: &mut [F],
    [ddecay, dgain]: [&mut [F]; 2],
) -> Result<(), Error> {
    check(NAME, sequence, &p, [x.len(), y.len(), dy.len(), dx.len()].into_iter())?;
    for (name, d) in [("decay", &*ddecay), ("gain", &*dgain)] {
        Error::length(NAME, name, sequence.neurons, d.len())?;
    }
    let (wide, neurons) = (sequence.batch * sequence.neurons, sequence.neurons);
    // dx holds ∂/∂y[t] until it is weighed.
    for t in (0..sequence.steps).rev() {
        for i in 0..wide {
            let (at, n) = (t * wide + i, i % neurons);
            let later = if t + 1 < sequence.steps { of(p[0], n) * dx[at + wide] } else { F::ZERO };
            dx[at] = dy[at] + later;
            if t > 0 {
                ddecay[n] += dx[at] * y[at - wide];
            }
            dgain[n] += dx[at] * x[at];
        }
    }
    for (i, dx) in dx.iter_mut().enumerate() {
        *dx *= of(p[1], i % neurons);
    }
    Ok(())
}
