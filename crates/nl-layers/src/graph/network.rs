//! A network built from a list of layers.

use std::collections::HashMap;

use nl_autodiff::{Scalar, Var};

use super::{Built, Form, LayerConfig, LayerEntry, Node};
use crate::{Builder, Context, Error, Layer};

/// The most values that a network keeps for later layers at a time, and that one layer joins.
const MOST: usize = 32;
/// The network's input, as `from` says it.
pub(super) const INPUT: &str = "input";

/// A network of layers in a row, with branches where layers name what they are given.
///
/// Shapes follow from the input's; each layer's parameters lie under its name. A layer's output is recorded under its name in a
/// context that [records](Context::with_recording).
///
/// ```
/// use nl_autodiff::{Tape, Tensor};
/// use nl_layers::graph::{Form, Graph, LayerEntry};
/// use nl_layers::{Builder, Context, Layer, Mode, Parameters};
/// use nl_random::Streams;
///
/// let layers: Vec<LayerEntry> = serde_json::from_str(
///     r#"[
///         {"kind": "linear", "units": 8, "name": "stem"},
///         {"kind": "activation", "function": "tanh"},
///         {"kind": "linear", "units": 8},
///         {"kind": "add", "from": ["stem", "linear-2"]},
///         {"kind": "linear", "units": 3}
///     ]"#,
/// )?;
/// let builder = Builder::new(Streams::new(1));
/// let graph = Graph::<f32>::new(&layers, &Form::features(4), &builder)?;
/// let parameters: Parameters<f32> = builder.finish();
/// assert_eq!(graph.output(), &Form::features(3));
/// assert_eq!(graph.lines()[0].parameters, 4 * 8 + 8);
///
/// let tape = Tape::new();
/// let x = tape.constant(Tensor::full(&[5, 4], 0.5)?);
/// let y = graph.forward(x, &mut Context::new(&tape, &parameters, Mode::Eval))?;
/// assert_eq!(y.shape().dims(), [5, 3]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Graph<S> {
    pub(super) places: Vec<Place<S>>,
    lines: Vec<Line>,
    output: Form,
}

/// A layer, and where its inputs and its output lie.
pub(super) struct Place<S> {
    pub(super) node: Node<S>,
    /// Where what it is given is kept; empty: it is given what came before it.
    from: Vec<usize>,
    /// Where its output is kept for later layers.
    keep: Option<usize>,
    /// What its output is recorded as.
    pub(super) record: String,
}

/// What is known of one layer of a network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Its name.
    pub name: String,
    /// Its kind.
    pub kind: &'static str,
    /// The layers that it is given.
    pub from: Vec<String>,
    /// The form of its output.
    pub output: Form,
    /// Numbers that are learned, and statistics that are kept.
    pub parameters: usize,
    /// Multiplications with an addition, for one sample.
    pub macs: u64,
}

impl Line {
    /// Bytes of its output for one sample, in single precision.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        (self.output.len() as u64).saturating_mul(4)
    }
}

impl<S: Scalar> Graph<S> {
    /// The network of `layers` for samples of the form `input`, with its parameters declared at `builder`.
    ///
    /// # Errors
    /// [`Error::Hyperparameter`] for a name that is taken, that cannot be one, or that no layer before has; the layers' own,
    /// each with the layer's name.
    pub fn new(layers: &[LayerEntry], input: &Form, builder: &Builder) -> Result<Self, Error> {
        Self::build(layers, input, builder, |name, _| name.to_owned())
    }

    /// A network within a layer: its layers' outputs are recorded under their paths, since names are its own.
    pub(crate) fn nested(layers: &[LayerEntry], input: &Form, builder: &Builder) -> Result<Self, Error> {
        Self::build(layers, input, builder, |_, at| at.path().to_owned())
    }

    fn build(
        layers: &[LayerEntry],
        input: &Form,
        builder: &Builder,
        record: fn(&str, &Builder) -> String,
    ) -> Result<Self, Error> {
        let names = names(layers, builder)?;
        let mut values = Values::new(input);
        let (mut places, mut lines) = (Vec::<Place<S>>::new(), Vec::new());
        for (entry, name) in layers.iter().zip(names) {
            let at = builder.child(&name)?;
            let given = values.sources(entry, &at)?;
            let forms: Vec<Form> = given.iter().map(|&i| values.forms[i].clone()).collect();
            let before = builder.declared();
            let Built { node, output, macs } = entry.layer.build(&at, &forms)?;
            if output.is_empty() {
                return Err(Error::hyperparameter(at.path(), format!("leaves nothing of {}", forms[0])));
            }
            let direct = given[..] == [values.forms.len() - 1];
            let from = if direct { Vec::new() } else { given.iter().map(|&i| values.kept(i)).collect() };
            if values.slots > MOST || from.len() > MOST {
                return Err(Error::hyperparameter(at.path(), format!("more than {MOST} values are named in `from`")));
            }
            lines.push(Line {
                name: name.clone(),
                kind: entry.layer.name(),
                from: given.iter().map(|&i| values.names[i].clone()).collect(),
                output: output.clone(),
                parameters: builder.declared() - before,
                macs,
            });
            places.push(Place { node, from, keep: None, record: record(&name, &at) });
            values.push(name, output);
        }
        for (place, keep) in places.iter_mut().zip(&values.keep[1..]) {
            place.keep = *keep;
        }
        let output = values.forms.pop().unwrap_or_else(|| input.clone());
        Ok(Self { places, lines, output })
    }

    /// The layers, in order.
    #[must_use]
    pub fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// The form of the output.
    #[must_use]
    pub fn output(&self) -> &Form {
        &self.output
    }
}

impl<S: Scalar> Graph<S> {
    /// The output, and that of the layer at place `also` of the list.
    pub(crate) fn forward_with<'t>(
        &self,
        x: Var<'t, S>,
        ctx: &mut Context<'t, S>,
        also: usize,
    ) -> Result<(Var<'t, S>, Var<'t, S>), Error> {
        // On the stack: a step allocates nothing. The input is in every slot at first, so in its own.
        let mut kept = [x; MOST];
        let (mut value, mut wanted) = (x, x);
        for (i, place) in self.places.iter().enumerate() {
            let mut inputs = [value; MOST];
            for (input, &slot) in inputs.iter_mut().zip(&place.from) {
                *input = kept[slot];
            }
            let output = match &place.node {
                Node::Layer(layer) => layer.forward(inputs[0], ctx)?,
                Node::Join(join) => join.join(&inputs[..place.from.len().max(1)], ctx)?,
            };
            value = ctx.relay(&place.record, output)?;
            if let Some(slot) = place.keep {
                kept[slot] = value;
            }
            if i == also {
                wanted = value;
            }
        }
        Ok((value, wanted))
    }
}

impl<S: Scalar> Layer<S> for Graph<S> {
    fn forward<'t>(&self, x: Var<'t, S>, ctx: &mut Context<'t, S>) -> Result<Var<'t, S>, Error> {
        Ok(self.forward_with(x, ctx, usize::MAX)?.0)
    }
}

/// The values that a layer can be given while the list is read: the input, then each layer's output.
struct Values {
    names: Vec<String>,
    forms: Vec<Form>,
    /// Where each is kept, if a later layer names it.
    keep: Vec<Option<usize>>,
    slots: usize,
}

impl Values {
    fn new(input: &Form) -> Self {
        Self { names: vec![INPUT.to_owned()], forms: vec![input.clone()], keep: vec![None], slots: 0 }
    }

    fn push(&mut self, name: String, form: Form) {
        self.names.push(name);
        self.forms.push(form);
        self.keep.push(None);
    }

    /// The slot of value `i`.
    fn kept(&mut self, i: usize) -> usize {
        let next = self.slots;
        let slot = *self.keep[i].get_or_insert(next);
        self.slots += usize::from(slot == next);
        slot
    }

    /// The values that `entry` is given.
    fn sources(&self, entry: &LayerEntry, at: &Builder) -> Result<Vec<usize>, Error> {
        if entry.from.is_empty() {
            return Ok(vec![self.names.len() - 1]);
        }
        let find = |name: &String| {
            self.names.iter().position(|known| known == name).ok_or_else(|| {
                let known = self.names.join(", ");
                Error::hyperparameter(at.path(), format!("from names {name:?}; before it there are {known}"))
            })
        };
        entry.from.iter().map(find).collect()
    }
}

/// The name of each layer: its own, or its kind and the number among the layers of its kind.
fn names(layers: &[LayerEntry], builder: &Builder) -> Result<Vec<String>, Error> {
    let mut counts: HashMap<&'static str, usize> = HashMap::new();
    let mut names: Vec<String> = Vec::with_capacity(layers.len());
    for entry in layers {
        let kind = entry.layer.name();
        let count = counts.entry(kind).or_default();
        *count += 1;
        let name = entry.name.clone().unwrap_or_else(|| format!("{kind}-{count}"));
        let at = || if builder.path().is_empty() { "layers".to_owned() } else { builder.path().to_owned() };
        if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_')) {
            return Err(Error::hyperparameter(&at(), format!("name {name:?}: use letters, digits, '-' and '_'")));
        }
        if name == INPUT || names.contains(&name) {
            return Err(Error::hyperparameter(&at(), format!("name {name:?} is taken; give each layer its own")));
        }
        names.push(name);
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use nl_autodiff::{Tape, Tensor};
    use nl_random::Streams;

    use super::*;
    use crate::{Mode, Parameters};

    fn graph(layers: &str, input: &Form) -> Result<(Graph<f64>, Parameters<f64>), Error> {
        let layers: Vec<LayerEntry> = serde_json::from_str(layers).unwrap();
        let builder = Builder::new(Streams::new(1));
        let graph = Graph::new(&layers, input, &builder)?;
        Ok((graph, builder.finish().convert()))
    }

    fn output(layers: &str, x: &[f64]) -> Vec<f64> {
        let (graph, parameters) = graph(layers, &Form::features(x.len())).unwrap();
        let tape = Tape::new();
        let x = tape.constant(Tensor::new(&[1, x.len()], x.to_vec()).unwrap());
        let y = graph.forward(x, &mut Context::new(&tape, &parameters, Mode::Eval)).unwrap();
        y.value().as_slice().to_vec()
    }

    #[test]
    fn branches_are_given_what_they_name() {
        let twice = r#"[{"kind": "add", "from": ["input", "input"]}]"#;
        assert_eq!(output(twice, &[1.0, -2.0]), [2.0, -4.0]);
        let layers = r#"[
            {"kind": "activation", "function": "relu", "name": "up"},
            {"kind": "multiply", "from": ["up", "input"], "name": "square"},
            {"kind": "concat", "from": ["input", "square", "up"]},
            {"kind": "add", "from": ["concat-1", "concat-1"]}
        ]"#;
        assert_eq!(output(layers, &[3.0, -2.0]), [6.0, -4.0, 18.0, 0.0, 6.0, 0.0]);
    }

    #[test]
    fn a_list_that_cannot_be_a_network_is_refused() {
        let refused = |layers: &str| match graph(layers, &Form::features(3)) {
            Err(error) => error.to_string(),
            Ok(_) => panic!("{layers} was taken"),
        };
        let unknown = refused(r#"[{"kind": "flatten"}, {"kind": "add", "from": ["flatten-1", "flaten"]}]"#);
        assert_eq!(unknown, "add-1: from names \"flaten\"; before it there are input, flatten-1");
        let taken = refused(r#"[{"kind": "flatten", "name": "a"}, {"kind": "flatten", "name": "a"}]"#);
        assert_eq!(taken, "layers: name \"a\" is taken; give each layer its own");
        let slash = refused(r#"[{"kind": "flatten", "name": "a/b"}]"#);
        assert_eq!(slash, "layers: name \"a/b\": use letters, digits, '-' and '_'");
        let two =
            refused(r#"[{"kind": "flatten", "name": "a"}, {"kind": "linear", "units": 2, "from": ["a", "input"]}]"#);
        assert!(two.starts_with("linear-1: takes one input, not 2"), "{two}");
        let image = refused(r#"[{"kind": "conv2d", "channels": 2, "kernel": 3}]"#);
        assert!(image.contains("expected an input of shape [B, C, H, W], got [1, 3]"), "{image}");
    }
}
