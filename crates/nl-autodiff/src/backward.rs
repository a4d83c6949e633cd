//! Reverse-mode differentiation: one backward sweep over the tape.
//!
//! Every operation states its backward rule in operations on variables. With [`CreateGraph::Yes`] the rule is recorded
//! like any other computation, so that gradients have gradients. With [`CreateGraph::No`] the same rule runs with
//! recording off: the variables it makes are dropped, and their buffers reused, as soon as it ends; rules may then also
//! take the short cut of a fused kernel, and gradients are summed in place.

use std::sync::Arc;

use crate::ops::{self, CustomOp};
use crate::tape::{NO_SLOT, Pooled, Saved};
use crate::{Error, Scalar, Shape, Tape, Tensor, Var};
use nl_kernels::{Scratch, ShapeError};

/// Whether gradients are recorded, so that they can be differentiated again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CreateGraph {
    /// Gradients are plain numbers: the fast path of training.
    No,
    /// Gradients are variables on the tape: for second order (MAML, gradient penalties, Hessian-vector products).
    Yes,
}

/// What has flowed back to a node so far.
enum Gradient<S> {
    None,
    /// With `CreateGraph::No`.
    Value(Tensor<S>),
    /// With `CreateGraph::Yes`: the id of a variable.
    Node(u32),
}

/// Working memory of a sweep, kept from one to the next.
pub(crate) struct Sweep<S> {
    gradients: Vec<Gradient<S>>,
    /// Whether a node depends on a target.
    reaches: Vec<bool>,
    /// Whether a gradient was asked for and has not been delivered.
    wanted: Vec<bool>,
}

impl<S> Default for Sweep<S> {
    fn default() -> Self {
        Self { gradients: Vec::new(), reaches: Vec::new(), wanted: Vec::new() }
    }
}

/// The gradient of `loss` (one element) with respect to each of `wrt`, on the same tape. Zeros where `loss` does not
/// depend on it.
///
/// # Errors
/// [`Error::Shape`] if `loss` has not exactly one element; [`Error::Constant`] if one of `wrt` is a constant;
/// [`Error::DifferentTapes`].
///
/// ```
/// use nl_autodiff::{CreateGraph, Tape, Tensor, grad};
/// let tape = Tape::<f64>::new();
/// let x = tape.leaf(Tensor::new(&[2], vec![1.0, 2.0])?);
/// let dx = grad(x.exp()?.sum()?, &[x], CreateGraph::No)?[0];
/// assert_eq!(dx.value(), x.exp()?.value());
/// # Ok::<(), nl_autodiff::Error>(())
/// ```
pub fn grad<'t, S: Scalar>(
    loss: Var<'t, S>,
    wrt: &[Var<'t, S>],
    create_graph: CreateGraph,
) -> Result<Vec<Var<'t, S>>, Error> {
    let tape = loss.tape;
    let mut found: Vec<Option<Var<'t, S>>> = vec![None; wrt.len()];
    sweep(loss, Targets::Wrt("grad", wrt), create_graph, &mut |id, gradient| {
        let var = match gradient {
            Gradient::Node(id) => Var { tape, id: *id },
            Gradient::Value(value) => tape.record_constant(value.clone()),
            Gradient::None => return,
        };
        for (slot, _) in found.iter_mut().zip(wrt).filter(|(_, v)| v.id == id) {
            *slot = Some(var);
        }
    })?;
    found.into_iter().zip(wrt).map(|(found, v)| found.map_or_else(|| tape.zeros(v.shape()), Ok)).collect()
}

impl<S: Scalar> Tape<S> {
    /// Calls `sink(i, gradient)` once for each `wrt[i]`, in the order in which they become known; like [`grad`] with
    /// [`CreateGraph::No`], but allocates nothing and drops each gradient after its delivery.
    ///
    /// # Errors
    /// As [`grad`].
    pub fn backward(
        &self,
        loss: Var<'_, S>,
        wrt: &[Var<'_, S>],
        sink: &mut dyn FnMut(usize, &[S]),
    ) -> Result<(), Error> {
        self.check_same("backward", &[loss])?;
        sweep(loss, Targets::Wrt("backward", wrt), CreateGraph::No, &mut |id, gradient| {
            if let Gradient::Value(value) = gradient {
                for (i, _) in wrt.iter().enumerate().filter(|(_, v)| v.id == id) {
                    sink(i, value.as_slice());
                }
            }
        })?;
        for (i, v) in wrt.iter().enumerate() {
            if self.sweep.borrow().wanted[v.id as usize] {
                self.deliver_zeros(v.shape(), &mut |zeros| sink(i, zeros))?;
            }
        }
        Ok(())
    }

    /// Calls `sink(slot, gradient)` once for every parameter bound since the last reset (see [`Tape::bind`]), in the
    /// order in which the gradients become known.
    ///
    /// # Errors
    /// As [`grad`].
    pub fn backward_bound(&self, loss: Var<'_, S>, sink: &mut dyn FnMut(usize, &[S])) -> Result<(), Error> {
        self.check_same("backward_bound", &[loss])?;
        sweep(loss, Targets::Bound, CreateGraph::No, &mut |id, gradient| {
            let slot = self.graph.borrow().nodes[id as usize].slot;
            if let Gradient::Value(value) = gradient {
                sink(slot as usize, value.as_slice());
            }
        })?;
        for slot in 0.. {
            match self.bound_id(slot) {
                None => break,
                Some(Some(id)) if self.sweep.borrow().wanted[id as usize] => {
                    let shape = Var { tape: self, id }.shape();
                    self.deliver_zeros(shape, &mut |zeros| sink(slot, zeros))?;
                }
                Some(_) => {}
            }
        }
        Ok(())
    }

    fn deliver_zeros(&self, shape: Shape, sink: &mut dyn FnMut(&[S])) -> Result<(), Error> {
        let mut zeros = self.take("backward", shape)?;
        if let Some(elements) = zeros.as_unique_mut() {
            elements.fill(S::ZERO);
        }
        sink(zeros.as_slice());
        self.give(zeros);
        Ok(())
    }

    /// A constant of zeros.
    pub(crate) fn zeros(&self, shape: Shape) -> Result<Var<'_, S>, Error> {
        self.constant_with(shape.dims(), |x| x.fill(S::ZERO))
    }
}

/// What gradients are asked for.
#[derive(Clone, Copy)]
enum Targets<'a, 't, S> {
    Wrt(&'static str, &'a [Var<'t, S>]),
    Bound,
}

/// Calls `visit(id, gradient)` for each target that `loss` depends on; `Sweep::wanted` marks the others afterwards.
fn sweep<'t, S: Scalar>(
    loss: Var<'t, S>,
    targets: Targets<'_, '_, S>,
    create_graph: CreateGraph,
    visit: &mut dyn FnMut(u32, &Gradient<S>),
) -> Result<(), Error> {
    let tape = loss.tape;
    if loss.shape().len() != 1 {
        let advice = "a loss has one element; reduce it with sum() or mean(), or weigh it with a vector first";
        return Err(Error::shape("grad", loss.shape(), advice));
    }
    // Taken out of its cell: a rule or a sink may itself use the tape.
    let mut sweep = tape.sweep.take();
    let recording = tape.recording.get();
    let result = sweep.prepare(loss, &targets).and_then(|()| {
        tape.recording.set(create_graph == CreateGraph::Yes);
        sweep.run(loss, create_graph, visit)
    });
    tape.recording.set(recording);
    for gradient in sweep.gradients.drain(..) {
        if let Gradient::Value(value) = gradient {
            tape.give(value);
        }
    }
    tape.sweep.replace(sweep);
    result
}

impl<S: Scalar> Sweep<S> {
    /// Marks the targets and everything that depends on one of them.
    fn prepare(&mut self, loss: Var<'_, S>, targets: &Targets<'_, '_, S>) -> Result<(), Error> {
        let graph = loss.tape.graph.borrow();
        let nodes = &graph.nodes;
        self.wanted.clear();
        self.wanted.resize(nodes.len(), false);
        match *targets {
            Targets::Wrt(op, wrt) => {
                loss.tape.check_same(op, wrt)?;
                for (index, v) in wrt.iter().enumerate() {
                    if !nodes[v.id as usize].needs_grad {
                        return Err(Error::Constant { op, index });
                    }
                    self.wanted[v.id as usize] = true;
                }
            }
            Targets::Bound => {
                for (wanted, node) in self.wanted.iter_mut().zip(nodes) {
                    *wanted = node.slot != NO_SLOT;
                }
            }
        }
        self.reaches.clear();
        for (id, node) in nodes[..=loss.id as usize].iter().enumerate() {
            let edges = &graph.edges[node.first as usize..(node.first + node.inputs) as usize];
            let reaches = self.wanted[id] || edges.iter().any(|&i| self.reaches[i as usize]);
            self.reaches.push(reaches);
        }
        self.gradients.clear();
        self.gradients.resize_with(loss.id as usize + 1, || Gradient::None);
        Ok(())
    }

    fn run(
        &mut self,
        loss: Var<'_, S>,
        create_graph: CreateGraph,
        visit: &mut dyn FnMut(u32, &Gradient<S>),
    ) -> Result<(), Error> {
        let tape = loss.tape;
        let start = loss.id as usize;
        if self.reaches[start] {
            let one = tape.compute("grad", loss.shape(), [], |[], y, _| {
                y.fill(S::ONE);
                Ok(())
            })?;
            self.gradients[start] = match create_graph {
                CreateGraph::No => Gradient::Value(one),
                CreateGraph::Yes => Gradient::Node(tape.record_constant(one).id),
            };
        }
        for id in (0..=start).rev() {
            let gradient = core::mem::replace(&mut self.gradients[id], Gradient::None);
            if matches!(gradient, Gradient::None) {
                continue;
            }
            if self.wanted[id] {
                visit(id as u32, &gradient);
                self.wanted[id] = false;
            }
            let (op, first, inputs) = {
                let graph = tape.graph.borrow();
                let node = &graph.nodes[id];
                (node.op, node.first, node.inputs)
            };
            if inputs == 0 {
                if let Gradient::Value(value) = gradient {
                    tape.give(value);
                }
                continue;
            }
            let mark = tape.len();
            let dy = match gradient {
                Gradient::Value(value) => tape.record_constant(value),
                Gradient::Node(id) => Var { tape, id },
                Gradient::None => continue,
            };
            let mut rule = Backward { tape, id: id as u32, first, inputs, dy, create_graph, sweep: self };
            let result = ops::backward(op, &mut rule);
            if create_graph == CreateGraph::No {
                tape.truncate(mark);
            }
            result?;
        }
        Ok(())
    }
}

/// What a backward rule sees: the operation's inputs, its output, and the gradient of the loss with respect to it.
pub(crate) struct Backward<'t, 'a, S> {
    tape: &'t Tape<S>,
    id: u32,
    first: u32,
    inputs: u32,
    dy: Var<'t, S>,
    create_graph: CreateGraph,
    sweep: &'a mut Sweep<S>,
}

impl<'t, S: Scalar> Backward<'t, '_, S> {
    pub(crate) const fn tape(&self) -> &'t Tape<S> {
        self.tape
    }

    /// The output.
    pub(crate) const fn y(&self) -> Var<'t, S> {
        Var { tape: self.tape, id: self.id }
    }

    /// The gradient of the loss with respect to the output.
    pub(crate) const fn dy(&self) -> Var<'t, S> {
        self.dy
    }

    /// Number of inputs.
    pub(crate) const fn inputs(&self) -> usize {
        self.inputs as usize
    }

    /// Input `i`.
    pub(crate) fn x(&self, i: usize) -> Var<'t, S> {
        Var { tape: self.tape, id: self.input_id(i) }
    }

    fn input_id(&self, i: usize) -> u32 {
        self.tape.graph.borrow().edges[self.first as usize + i]
    }

    /// Whether anybody needs the gradient of input `i`.
    pub(crate) fn needs(&self, i: usize) -> bool {
        self.sweep.reaches[self.input_id(i) as usize]
    }

    /// Whether the gradient will not be differentiated, so that a fused kernel may be used.
    pub(crate) fn fused(&self) -> bool {
        self.create_graph == CreateGraph::No
    }

    /// The indices the operation saved.
    pub(crate) fn saved_indices(&self) -> Option<Pooled<u32>> {
        match &self.tape.graph.borrow().nodes[self.id as usize].saved {
            Saved::Indices(indices) | Saved::Both(indices, _) => Some(indices.clone()),
            _ => None,
        }
    }

    /// The bytes the operation saved.
    pub(crate) fn saved_bytes(&self) -> Option<Pooled<u8>> {
        match &self.tape.graph.borrow().nodes[self.id as usize].saved {
            Saved::Bytes(bytes) => Some(bytes.clone()),
            _ => None,
        }
    }

    /// The operation of somebody else.
    pub(crate) fn saved_custom(&self) -> Option<Arc<dyn CustomOp<S>>> {
        match &self.tape.graph.borrow().nodes[self.id as usize].saved {
            Saved::Custom(op) => Some(Arc::clone(op)),
            _ => None,
        }
    }

    /// The tensor the operation saved, as a constant.
    pub(crate) fn saved_values(&self) -> Option<Var<'t, S>> {
        let values = match &self.tape.graph.borrow().nodes[self.id as usize].saved {
            Saved::Values(values) | Saved::Both(_, values) => values.clone(),
            _ => return None,
        };
        Some(self.tape.record_constant(values))
    }

    /// A value from a fused kernel; only under [`fused`](Self::fused), because it is not recorded.
    pub(crate) fn kernel<const N: usize>(
        &self,
        shape: Shape,
        inputs: [Var<'t, S>; N],
        f: impl FnOnce([&[S]; N], &mut [S], &mut Scratch) -> Result<(), ShapeError>,
    ) -> Result<Var<'t, S>, Error> {
        debug_assert!(self.fused());
        Ok(self.tape.record_constant(self.tape.compute("backward", shape, inputs, f)?))
    }

    /// Adds `gradient` to what has flowed back to input `i`.
    pub(crate) fn give(&mut self, i: usize, gradient: Var<'t, S>) -> Result<(), Error> {
        let id = self.input_id(i) as usize;
        debug_assert_eq!(gradient.shape(), self.x(i).shape(), "a backward rule returned another shape");
        if !self.sweep.reaches[id] {
            return Ok(());
        }
        let sum = match (core::mem::replace(&mut self.sweep.gradients[id], Gradient::None), self.create_graph) {
            (Gradient::None, CreateGraph::No) => Gradient::Value(gradient.value()),
            (Gradient::None | Gradient::Value(_), CreateGraph::Yes) => Gradient::Node(gradient.id),
            (Gradient::Node(before), _) => Gradient::Node(Var { tape: self.tape, id: before }.add(gradient)?.id),
            (Gradient::Value(mut before), CreateGraph::No) => {
                if let Some(sum) = before.as_unique_mut() {
                    let graph = self.tape.graph.borrow();
                    ops::add_assign(graph.nodes[gradient.id as usize].value.as_slice(), sum);
                    Gradient::Value(before)
                } else {
                    // Shared with another gradient: the sum gets a buffer of its own.
                    let before = self.tape.record_constant(before);
                    Gradient::Value(before.add(gradient)?.value())
                }
            }
        };
        self.sweep.gradients[id] = sum;
        Ok(())
    }

    /// Adds to a part of what flows back to input `i`, in place: `f` must only add. Only under [`fused`](Self::fused).
    pub(crate) fn give_part(&mut self, i: usize, f: impl FnOnce(&[S], &mut [S])) -> Result<(), Error> {
        debug_assert!(self.fused());
        let id = self.input_id(i) as usize;
        if !self.sweep.reaches[id] {
            return Ok(());
        }
        let mut sum = match core::mem::replace(&mut self.sweep.gradients[id], Gradient::None) {
            Gradient::Value(sum) => sum,
            _ => self.tape.compute("backward", self.x(i).shape(), [], |[], y, _| {
                y.fill(S::ZERO);
                Ok(())
            })?,
        };
        if sum.as_unique_mut().is_none() {
            let source = self.tape.record_constant(sum);
            sum = self.tape.compute("backward", source.shape(), [source], |[x], y, _| {
                y.copy_from_slice(x);
                Ok(())
            })?;
        }
        if let Some(sum) = sum.as_unique_mut() {
            let graph = self.tape.graph.borrow();
            f(graph.nodes[self.dy.id as usize].value.as_slice(), sum);
        }
        self.sweep.gradients[id] = Gradient::Value(sum);
        Ok(())
    }
}
