//! A layer as a configuration describes it.

use nl_autodiff::{Scalar, Var};
use serde::{Deserialize, Serialize};

use super::Form;
use crate::{Builder, Context, Error, Layer};

/// The hyper-parameters of a layer, from which it is built once it is known what it is given.
///
/// Implemented by the configuration of each kind of layer, in the file of the layer.
pub trait LayerConfig {
    /// The layer for inputs of these forms, with its parameters declared at `at`.
    ///
    /// # Errors
    /// [`Error::Input`] for forms it cannot take (or too few or too many of them), [`Error::Hyperparameter`] for a value out of
    /// its range.
    fn build<S: Scalar>(&self, at: &Builder, inputs: &[Form]) -> Result<Built<S>, Error>;
}

/// A layer that was built, and what is known of it.
pub struct Built<S> {
    /// What computes.
    pub node: Node<S>,
    /// The form of its output.
    pub output: Form,
    /// Multiplications with an addition, for one sample.
    pub macs: u64,
}

/// What computes at one place of a network.
pub enum Node<S> {
    /// From one value.
    Layer(Box<dyn Layer<S>>),
    /// From several.
    Join(Box<dyn Join<S>>),
}

/// A differentiable function of several values: a sum, a concatenation, attention from one to another.
pub trait Join<S: Scalar>: Send + Sync {
    /// The output for `inputs`, in the order of the configuration.
    ///
    /// # Errors
    /// As [`Layer::forward`].
    fn join<'t>(&self, inputs: &[Var<'t, S>], ctx: &mut Context<'t, S>) -> Result<Var<'t, S>, Error>;
}

impl<S: Scalar> Built<S> {
    /// A layer of one input.
    pub fn layer(layer: impl Layer<S> + 'static, output: Form, macs: u64) -> Self {
        Self { node: Node::Layer(Box::new(layer)), output, macs }
    }

    /// A layer of several inputs.
    pub fn join(join: impl Join<S> + 'static, output: Form, macs: u64) -> Self {
        Self { node: Node::Join(Box::new(join)), output, macs }
    }
}

/// The only input.
///
/// # Errors
/// [`Error::Hyperparameter`] for none or several.
pub(crate) fn only<'a>(at: &Builder, inputs: &'a [Form]) -> Result<&'a Form, Error> {
    match inputs {
        [form] => Ok(form),
        _ => Err(Error::hyperparameter(
            at.path(),
            format!("takes one input, not {}; name one in `from`, or join them first (add, concat)", inputs.len()),
        )),
    }
}

/// The only input, an image: channels, height, width.
///
/// # Errors
/// As [`only`], or [`Error::Input`] if it is no image.
pub(crate) fn image(at: &Builder, inputs: &[Form]) -> Result<[usize; 3], Error> {
    let form = only(at, inputs)?;
    form.as_image().ok_or_else(|| {
        Error::input(at.path(), "[B, C, H, W]", &form.batched(1), "this layer takes images; place it before `flatten`")
    })
}

/// The only input, a sequence: steps, features.
///
/// # Errors
/// As [`only`], or [`Error::Input`] if it is no sequence.
pub(crate) fn sequence(at: &Builder, inputs: &[Form]) -> Result<[usize; 2], Error> {
    let form = only(at, inputs)?;
    form.as_sequence().ok_or_else(|| {
        Error::input(
            at.path(),
            "[T, B, F]",
            &form.batched(1),
            "this layer takes sequences; make one of an image by `rows` or `patches`",
        )
    })
}

/// Height and width, written as one number for both or as `[height, width]`.
///
/// ```
/// use nl_layers::graph::Size;
/// let [square, oblong]: [Size; 2] = serde_json::from_str("[3, [1, 5]]")?;
/// assert_eq!((square.pair(), oblong.pair()), ([3, 3], [1, 5]));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum Size {
    /// Both.
    Both(usize),
    /// Height and width.
    Pair([usize; 2]),
}

impl Size {
    /// Height and width.
    #[must_use]
    pub const fn pair(self) -> [usize; 2] {
        match self {
            Self::Both(n) => [n, n],
            Self::Pair(pair) => pair,
        }
    }

    pub(crate) const fn zero() -> Self {
        Self::Both(0)
    }

    pub(crate) const fn one() -> Self {
        Self::Both(1)
    }
}

/// Height and width of what a window of `kernel` sees of `size` pixels, at each `stride` of them, with `padding` on each side.
///
/// # Errors
/// [`Error::Hyperparameter`] for a stride of 0, or a window that finds no place.
pub(crate) fn windows(
    at: &Builder,
    size: [usize; 2],
    kernel: [usize; 2],
    stride: [usize; 2],
    padding: [usize; 2],
) -> Result<[usize; 2], Error> {
    let mut out = [0; 2];
    for axis in 0..2 {
        let room = padding[axis].checked_mul(2).and_then(|padding| size[axis].checked_add(padding));
        let rest = room.and_then(|room| room.checked_sub(kernel[axis]));
        let (Some(rest), true) = (rest, stride[axis] > 0 && kernel[axis] > 0) else {
            let [height, width] = size;
            return Err(Error::hyperparameter(
                at.path(),
                format!(
                    "kernel {kernel:?}, stride {stride:?}, padding {padding:?} find no place in {height} x {width} pixels; \
                     use sizes of at least 1 and a kernel that is not larger than the padded image"
                ),
            ));
        };
        out[axis] = rest / stride[axis] + 1;
    }
    Ok(out)
}

/// The product of sizes; saturates.
pub(crate) fn product(sizes: &[usize]) -> u64 {
    sizes.iter().fold(1, |all, &n| all.saturating_mul(n as u64))
}
