//! The record of a computation: values in the order they were made, and where each came from.

use crate::backward::Sweep;
use crate::ops::{CustomOp, Op};
use crate::pool::Pool;
use crate::{Error, Scalar, Shape, Tensor, Var};
use core::cell::{Cell, RefCell};
use nl_kernels::{Scratch, ShapeError};
use std::sync::Arc;

/// No parameter slot.
pub(crate) const NO_SLOT: u32 = u32::MAX;

/// A tape: every operation on its [`Var`]s is computed at once and noted down, so that gradients can be found later.
///
/// Made for one shard of one training step and then [`reset`](Self::reset), which keeps all memory: the second of two
/// identical steps allocates nothing. A tape may be sent to another thread; its variables may not.
///
/// ```
/// use nl_autodiff::{CreateGraph, Tape, Tensor, grad};
/// let mut tape = Tape::<f64>::new();
/// let x = tape.leaf(Tensor::scalar(3.0));
/// let y = x.square()?.mul(x)?; // x³
/// let dx = grad(y, &[x], CreateGraph::Yes)?[0];
/// let ddx = grad(dx, &[x], CreateGraph::No)?[0];
/// assert_eq!((dx.item()?, ddx.item()?), (27.0, 18.0)); // 3x², 6x
/// tape.reset();
/// # Ok::<(), nl_autodiff::Error>(())
/// ```
pub struct Tape<S> {
    pub(crate) graph: RefCell<Graph<S>>,
    pub(crate) pools: RefCell<Pools<S>>,
    pub(crate) scratch: RefCell<Scratch>,
    pub(crate) sweep: RefCell<Sweep<S>>,
    pub(crate) recording: Cell<bool>,
}

/// The nodes of a tape, their inputs in one vector, and the parameter slots.
pub(crate) struct Graph<S> {
    pub(crate) nodes: Vec<Node<S>>,
    pub(crate) edges: Vec<u32>,
    slots: Vec<u32>,
}

/// One value and how it was made.
pub(crate) struct Node<S> {
    pub(crate) op: Op,
    pub(crate) value: Tensor<S>,
    pub(crate) saved: Saved<S>,
    /// Inputs: `edges[first..first + inputs]`.
    pub(crate) first: u32,
    pub(crate) inputs: u32,
    pub(crate) slot: u32,
    /// Whether a gradient can flow to or through this node.
    pub(crate) needs_grad: bool,
    /// Whether the buffer was made by the pool and returns to it.
    pooled: bool,
    /// Whether most elements are 0.
    pub(crate) sparse: bool,
}

/// What an operation keeps for its backward rule, besides its inputs and its output.
pub(crate) enum Saved<S> {
    Nothing,
    Indices(Pooled<u32>),
    Bytes(Pooled<u8>),
    Values(Tensor<S>),
    Both(Pooled<u32>, Tensor<S>),
    Custom(Arc<dyn CustomOp<S>>),
}

/// A pooled slice of integers.
#[derive(Clone)]
pub(crate) struct Pooled<T> {
    buffer: Arc<Vec<T>>,
    offset: usize,
    len: usize,
}

impl<T> Pooled<T> {
    pub(crate) fn as_slice(&self) -> &[T] {
        &self.buffer[self.offset..self.offset + self.len]
    }
}

/// Runs `fill` on a fresh buffer; no pool is borrowed meanwhile.
fn fill_pooled<T, R>(
    mut buffer: Arc<Vec<T>>,
    offset: usize,
    len: usize,
    fill: impl FnOnce(&mut [T]) -> R,
) -> (Pooled<T>, R) {
    let result = fill(Arc::get_mut(&mut buffer).map_or(&mut [], |all| &mut all[offset..offset + len]));
    (Pooled { buffer, offset, len }, result)
}

/// Free buffers of each element type.
pub(crate) struct Pools<S> {
    pub(crate) values: Pool<S>,
    indices: Pool<u32>,
    bytes: Pool<u8>,
}

impl<S: Scalar> Pools<S> {
    pub(crate) fn give_saved(&mut self, saved: Saved<S>) {
        match saved {
            Saved::Nothing | Saved::Custom(_) => {}
            Saved::Indices(p) => self.indices.give(p.buffer),
            Saved::Bytes(p) => self.bytes.give(p.buffer),
            Saved::Values(t) => self.values.give(t.buffer),
            Saved::Both(p, t) => {
                self.indices.give(p.buffer);
                self.values.give(t.buffer);
            }
        }
    }
}

impl<S: Scalar> Default for Tape<S> {
    fn default() -> Self {
        Self::new()
    }
}

impl<S: Scalar> Tape<S> {
    /// An empty tape.
    #[must_use]
    pub fn new() -> Self {
        Self {
            graph: RefCell::new(Graph { nodes: Vec::new(), edges: Vec::new(), slots: Vec::new() }),
            pools: RefCell::new(Pools { values: Pool::default(), indices: Pool::default(), bytes: Pool::default() }),
            scratch: RefCell::new(Scratch::new()),
            sweep: RefCell::new(Sweep::default()),
            recording: Cell::new(true),
        }
    }

    /// Forgets every variable and keeps the memory for the next step. Buffers of leaves and constants that came from
    /// outside are let go, so that their owner holds them alone again.
    pub fn reset(&mut self) {
        self.truncate(0);
        self.graph.get_mut().slots.clear();
        self.recording.set(true);
    }

    /// Number of values on the tape.
    #[must_use]
    pub fn len(&self) -> usize {
        self.graph.borrow().nodes.len()
    }

    /// Whether nothing is on the tape.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A variable that gradients can be asked for.
    pub fn leaf(&self, value: Tensor<S>) -> Var<'_, S> {
        self.push(Op::Leaf, &[], value, Saved::Nothing, true, false)
    }

    /// A variable that no gradient flows to: data, targets, masks.
    pub fn constant(&self, value: Tensor<S>) -> Var<'_, S> {
        self.push(Op::Leaf, &[], value, Saved::Nothing, false, false)
    }

    /// A constant in a recycled buffer, which `fill` must overwrite wholly (its contents are unspecified before).
    ///
    /// # Errors
    /// [`Error::Rank`] for more than six axes; [`Error::Memory`] if the memory is not there.
    pub fn constant_with(&self, dims: &[usize], fill: impl FnOnce(&mut [S])) -> Result<Var<'_, S>, Error> {
        let mut value = self.take("constant_with", Shape::new(dims)?)?;
        if let Some(elements) = value.as_unique_mut() {
            fill(elements);
        }
        Ok(self.push(Op::Leaf, &[], value, Saved::Nothing, false, true))
    }

    /// The leaf of parameter `slot`: made from `value` at the first call after a reset, the same variable afterwards.
    /// Slots are small numbers, counted from 0: they index a table.
    pub fn bind(&self, slot: usize, value: impl FnOnce() -> Tensor<S>) -> Var<'_, S> {
        if let Some(&id) = self.graph.borrow().slots.get(slot)
            && id != NO_SLOT
        {
            return Var { tape: self, id };
        }
        let var = self.leaf(value());
        let mut graph = self.graph.borrow_mut();
        if graph.slots.len() <= slot {
            graph.slots.resize(slot + 1, NO_SLOT);
        }
        graph.slots[slot] = var.id;
        graph.nodes[var.id as usize].slot = slot as u32;
        var
    }

    /// The variable bound to `slot` since the last reset.
    #[must_use]
    pub fn bound(&self, slot: usize) -> Option<Var<'_, S>> {
        let id = self.graph.borrow().slots.get(slot).copied().filter(|&id| id != NO_SLOT)?;
        Some(Var { tape: self, id })
    }

    /// The ids of all bound parameters, by slot.
    pub(crate) fn bound_id(&self, slot: usize) -> Option<Option<u32>> {
        self.graph.borrow().slots.get(slot).map(|&id| (id != NO_SLOT).then_some(id))
    }

    /// Stops noting down how values are made until the guard is dropped: for inference, and for parts that no gradient
    /// shall flow through. Values made meanwhile are constants.
    ///
    /// ```
    /// use nl_autodiff::{Tape, Tensor};
    /// let tape = Tape::<f32>::new();
    /// let x = tape.leaf(Tensor::scalar(2.0));
    /// let pause = tape.stop_recording();
    /// assert!(!x.square()?.needs_grad());
    /// drop(pause);
    /// assert!(x.square()?.needs_grad());
    /// # Ok::<(), nl_autodiff::Error>(())
    /// ```
    #[must_use = "recording resumes when the guard is dropped"]
    pub fn stop_recording(&self) -> Pause<'_> {
        Pause { recording: &self.recording, before: self.recording.replace(false) }
    }

    /// A recycled buffer of unspecified contents as a tensor that nobody else holds.
    pub(crate) fn take(&self, op: &'static str, shape: Shape) -> Result<Tensor<S>, Error> {
        let (buffer, offset) = self.pools.borrow_mut().values.take(op, shape.len())?;
        Ok(Tensor { shape, buffer, offset })
    }

    /// Returns a pooled buffer.
    pub(crate) fn give(&self, value: Tensor<S>) {
        self.pools.borrow_mut().values.give(value.buffer);
    }

    /// A pooled slice of indices, filled by `fill` (which must overwrite it wholly).
    pub(crate) fn indices<R>(
        &self,
        op: &'static str,
        len: usize,
        fill: impl FnOnce(&mut [u32]) -> R,
    ) -> Result<(Pooled<u32>, R), Error> {
        let (buffer, offset) = self.pools.borrow_mut().indices.take(op, len)?;
        Ok(fill_pooled(buffer, offset, len, fill))
    }

    /// A pooled slice of bytes, filled by `fill` (which must overwrite it wholly).
    pub(crate) fn bytes<R>(
        &self,
        op: &'static str,
        len: usize,
        fill: impl FnOnce(&mut [u8]) -> R,
    ) -> Result<(Pooled<u8>, R), Error> {
        let (buffer, offset) = self.pools.borrow_mut().bytes.take(op, len)?;
        Ok(fill_pooled(buffer, offset, len, fill))
    }

    /// A pooled copy of indices.
    pub(crate) fn copy_indices(&self, op: &'static str, indices: &[u32]) -> Result<Pooled<u32>, Error> {
        Ok(self.indices(op, indices.len(), |copy| copy.copy_from_slice(indices))?.0)
    }

    /// Computes a value of `shape` from the values of `inputs` with kernel `f`, which must overwrite all of it.
    pub(crate) fn compute<const N: usize>(
        &self,
        op: &'static str,
        shape: Shape,
        inputs: [Var<'_, S>; N],
        f: impl FnOnce([&[S]; N], &mut [S], &mut Scratch) -> Result<(), ShapeError>,
    ) -> Result<Tensor<S>, Error> {
        self.check_same(op, &inputs)?;
        let mut value = self.take(op, shape)?;
        let graph = self.graph.borrow();
        let inputs = inputs.map(|v| graph.nodes[v.id as usize].value.as_slice());
        let result = match value.as_unique_mut() {
            Some(out) => f(inputs, out, &mut self.scratch.borrow_mut()),
            None => {
                debug_assert!(false, "{op}: somebody holds a fresh buffer");
                Ok(())
            }
        };
        match result {
            Ok(()) => Ok(value),
            Err(error) => {
                self.give(value);
                Err(error.into())
            }
        }
    }

    /// [`compute`](Self::compute) and note down: the common case of an operation.
    pub(crate) fn apply<'t, const N: usize>(
        &'t self,
        name: &'static str,
        op: Op,
        shape: Shape,
        inputs: [Var<'t, S>; N],
        f: impl FnOnce([&[S]; N], &mut [S], &mut Scratch) -> Result<(), ShapeError>,
    ) -> Result<Var<'t, S>, Error> {
        let value = self.compute(name, shape, inputs, f)?;
        Ok(self.record(op, &inputs, value, Saved::Nothing))
    }

    /// Marks a value of which most elements are 0.
    pub(crate) fn mark_sparse(&self, id: u32) {
        self.graph.borrow_mut().nodes[id as usize].sparse = true;
    }

    /// Puts a computed value on the tape; if no gradient flows through it, as a constant.
    pub(crate) fn record(&self, op: Op, inputs: &[Var<'_, S>], value: Tensor<S>, saved: Saved<S>) -> Var<'_, S> {
        let needs_grad = self.recording.get() && {
            let graph = self.graph.borrow();
            inputs.iter().any(|v| graph.nodes[v.id as usize].needs_grad)
        };
        if needs_grad {
            self.push(op, inputs, value, saved, true, true)
        } else {
            self.pools.borrow_mut().give_saved(saved);
            self.push(Op::Leaf, &[], value, Saved::Nothing, false, true)
        }
    }

    /// A pooled value on the tape that no gradient flows through.
    pub(crate) fn record_constant(&self, value: Tensor<S>) -> Var<'_, S> {
        self.push(Op::Leaf, &[], value, Saved::Nothing, false, true)
    }

    fn push(
        &self,
        op: Op,
        inputs: &[Var<'_, S>],
        value: Tensor<S>,
        saved: Saved<S>,
        needs_grad: bool,
        pooled: bool,
    ) -> Var<'_, S> {
        let mut graph = self.graph.borrow_mut();
        let first = graph.edges.len() as u32;
        graph.edges.extend(inputs.iter().map(|v| v.id));
        let id = graph.nodes.len() as u32;
        let inputs = inputs.len() as u32;
        graph.nodes.push(Node { op, value, saved, first, inputs, slot: NO_SLOT, needs_grad, pooled, sparse: false });
        Var { tape: self, id }
    }

    /// Drops the nodes from `len` on, newest first, and recycles their buffers.
    pub(crate) fn truncate(&self, len: usize) {
        let mut graph = self.graph.borrow_mut();
        let mut pools = self.pools.borrow_mut();
        let Graph { nodes, edges, .. } = &mut *graph;
        while nodes.len() > len {
            let Some(node) = nodes.pop() else { break };
            edges.truncate(node.first as usize);
            // Newest first: when a pooled buffer is shared by views, its maker is the last to let go of it.
            if node.pooled {
                pools.values.give(node.value.buffer);
            }
            pools.give_saved(node.saved);
        }
    }

    /// All variables belong to this tape.
    pub(crate) fn check_same(&self, op: &'static str, inputs: &[Var<'_, S>]) -> Result<(), Error> {
        if inputs.iter().all(|v| core::ptr::eq(v.tape, self)) { Ok(()) } else { Err(Error::DifferentTapes { op }) }
    }
}

/// While it lives, its tape records nothing; see [`Tape::stop_recording`].
pub struct Pause<'t> {
    recording: &'t Cell<bool>,
    before: bool,
}

impl Drop for Pause<'_> {
    fn drop(&mut self) {
        self.recording.set(self.before);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tape_can_be_sent_and_binds_once() -> Result<(), Error> {
        fn is_send<T: Send>(_: &T) {}
        let mut tape = Tape::<f32>::new();
        is_send(&tape);
        assert!(tape.is_empty() && tape.bound(2).is_none());
        let a = tape.bind(2, || Tensor::scalar(1.0));
        let b = tape.bind(2, || Tensor::scalar(2.0));
        assert_eq!((a.item()?, b.item()?, tape.len()), (1.0, 1.0, 1));
        tape.reset();
        assert!(tape.bound(2).is_none());
        Ok(())
    }

    #[test]
    fn reset_returns_foreign_buffers_to_their_owner() -> Result<(), Error> {
        let mut flat = Arc::new(vec![1.0f32; 64]);
        let mut tape = Tape::new();
        let w = tape.leaf(Tensor::view(flat.clone(), 8, Shape::new(&[4])?)?);
        w.reshape(&[2, 2])?.neg()?;
        assert!(Arc::get_mut(&mut flat).is_none());
        tape.reset();
        assert!(Arc::get_mut(&mut flat).is_some());
        Ok(())
    }

    #[test]
    fn variables_of_two_tapes_do_not_mix() {
        let (a, b) = (Tape::<f64>::new(), Tape::new());
        let (x, y) = (a.leaf(Tensor::scalar(1.0)), b.leaf(Tensor::scalar(1.0)));
        assert_eq!(x.add(y).err(), Some(Error::DifferentTapes { op: "add" }));
    }
}
