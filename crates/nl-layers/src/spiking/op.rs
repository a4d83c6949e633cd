//! A neuron's equation over a sequence, as an operation of a tape.

use nl_autodiff::{CustomOp, Error, Operand, Scalar, Shape};
use nl_kernels::Scratch;
use nl_neuron::dynamics::{Dynamics, RecurrentGrad, RecurrentScan, Scan, ScanGrad, Sequence};

const NAME: &str = "spiking";

/// Inputs: x `[T, B, n]`; P parameters, `[1]` or `[n]`; with `recurrent`, U `[n, n]`. Output: spikes `[T, B, n]`.
pub(super) struct SpikingOp<D> {
    pub(super) dynamics: D,
    pub(super) scan: Scan,
    pub(super) recurrent: bool,
}

#[allow(clippy::needless_pass_by_value, reason = "as `map_err` hands it")]
fn failed(error: nl_neuron::Error) -> Error {
    Error::Value { op: NAME, message: error.to_string() }
}

/// `[T, B, n]` of a shape.
fn sequence(shape: Shape) -> Result<Sequence, Error> {
    match *shape.dims() {
        [steps, batch, neurons] => Ok(Sequence { steps, batch, neurons }),
        _ => Err(Error::Value { op: NAME, message: format!("{shape} is no sequence [T, B, n]") }),
    }
}

/// The gradient of a parameter `[1]` or `[n]` of that of each neuron's: their sum, or each.
pub(super) fn gather<S: Scalar>(of: &[S], to: &mut [S]) {
    match to {
        [sum] => *sum = of.iter().fold(S::ZERO, |sum, &x| sum + x),
        each => each.copy_from_slice(of),
    }
}

macro_rules! spiking_op {
    ($($dynamics:ty: $n:literal, $p:literal;)*) => {$(
        impl<S: Scalar> CustomOp<S> for SpikingOp<$dynamics> {
            fn name(&self) -> &'static str {
                NAME
            }

            fn shape(&self, inputs: &[Shape]) -> Result<Shape, Error> {
                Ok(inputs[0])
            }

            fn sparse(&self) -> bool {
                !self.scan.smooth
            }

            fn forward(&self, inputs: &[Operand<'_, S>], y: &mut [S], scratch: &mut Scratch) -> Result<(), Error> {
                forward::<S, _, $n, $p>(self, inputs, y, scratch)
            }

            fn backward(
                &self,
                inputs: &[Operand<'_, S>],
                y: &[S],
                dy: &[S],
                gradients: &mut [Option<&mut [S]>],
                scratch: &mut Scratch,
            ) -> Result<(), Error> {
                backward::<S, _, $n, $p>(self, inputs, (y, dy), gradients, scratch)
            }
        }
    )*};
}

spiking_op! {
    nl_neuron::LifDynamics: 1, 5;
    nl_neuron::CubaLifDynamics: 2, 6;
    nl_neuron::AlifDynamics: 2, 7;
}

fn forward<S: Scalar, D: Dynamics<N, 1, P>, const N: usize, const P: usize>(
    op: &SpikingOp<D>,
    inputs: &[Operand<'_, S>],
    y: &mut [S],
    scratch: &mut Scratch,
) -> Result<(), Error> {
    let SpikingOp { dynamics, scan, recurrent } = op;
    let size = sequence(inputs[0].shape)?;
    let (x, p) = (inputs[0].values, core::array::from_fn::<_, P, _>(|k| inputs[1 + k].values));
    if *recurrent {
        let weight = inputs[1 + P].values;
        return RecurrentScan(*scan).forward(dynamics, size, p, ([x], weight), y, scratch).map_err(failed);
    }
    scan.forward(dynamics, size, p, [x], y).map_err(failed)
}

fn backward<S: Scalar, D: Dynamics<N, 1, P>, const N: usize, const P: usize>(
    op: &SpikingOp<D>,
    inputs: &[Operand<'_, S>],
    (y, dy): (&[S], &[S]),
    gradients: &mut [Option<&mut [S]>],
    scratch: &mut Scratch,
) -> Result<(), Error> {
    let SpikingOp { dynamics, scan, recurrent } = op;
    let size = sequence(inputs[0].shape)?;
    let (x, p) = (inputs[0].values, core::array::from_fn::<_, P, _>(|k| inputs[1 + k].values));
    let wanted = gradients[1..=P].iter().any(Option::is_some);
    // Room for what nobody asked for, where the scan gives it all the same.
    let spare = if gradients[0].is_some() { 0 } else { size.len() };
    let rows = if wanted { P * size.neurons } else { 0 };
    let spare_weight = match (*recurrent, &gradients.get(1 + P)) {
        (true, Some(None)) => inputs[1 + P].values.len(),
        _ => 0,
    };
    let mut dp = scratch.take::<S>(rows)?;
    let mut spare = scratch.take::<S>(spare)?;
    let mut spare_weight = scratch.take::<S>(spare_weight)?;
    dp.fill(S::ZERO);
    let (first, others) = gradients.split_at_mut(1);
    let dx = first[0].as_deref_mut().unwrap_or(spare.as_mut_slice());
    let (of_parameters, of_weight) = others.split_at_mut(P);
    {
        let mut parts = dp.as_mut_slice().chunks_exact_mut(size.neurons.max(1));
        let parameters = wanted.then(|| core::array::from_fn::<_, P, _>(|_| parts.next().unwrap_or_default()));
        let result = if *recurrent {
            let weight = of_weight[0].as_deref_mut().unwrap_or(spare_weight.as_mut_slice());
            let grad = RecurrentGrad { inputs: [dx], weight, parameters };
            let x = ([x], inputs[1 + P].values);
            RecurrentScan(*scan).backward(dynamics, size, p, x, (y, dy), grad, scratch)
        } else {
            scan.backward(dynamics, size, p, [x], dy, ScanGrad { inputs: [dx], parameters }, scratch)
        };
        result.map_err(failed)?;
    }
    for (k, gradient) in of_parameters.iter_mut().enumerate() {
        if let Some(gradient) = gradient {
            gather(&dp[k * size.neurons..][..size.neurons], gradient);
        }
    }
    scratch.give(dp);
    scratch.give(spare);
    scratch.give(spare_weight);
    Ok(())
}
