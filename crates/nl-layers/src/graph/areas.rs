//! A network in a row as areas: pieces that can learn each for itself.

use std::ops::Range;

use nl_autodiff::{Scalar, Var};

use super::network::INPUT;
use super::{Graph, Node};
use crate::{Context, Error};

impl<S: Scalar> Graph<S> {
    /// The layers as areas, by their places in the list: each layer with parameters and those without behind it; what comes before
    /// the first layer with parameters belongs to it. Layers that all have none are no area.
    ///
    /// ```
    /// use nl_layers::Builder;
    /// use nl_layers::graph::{Form, Graph, LayerEntry};
    /// use nl_random::Streams;
    /// let layers: Vec<LayerEntry> = serde_json::from_str(
    ///     r#"[{"kind": "flatten"}, {"kind": "linear", "units": 8}, {"kind": "activation", "function": "tanh"}, {"kind": "linear", "units": 3}]"#,
    /// )?;
    /// let graph = Graph::<f32>::new(&layers, &Form::image(1, 4, 4), &Builder::new(Streams::new(1)))?;
    /// assert_eq!(graph.areas()?, [0..3, 3..4]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Hyperparameter`] with the first layer that is given something else than what the layer before it gives.
    pub fn areas(&self) -> Result<Vec<Range<usize>>, Error> {
        let lines = self.lines();
        let before = std::iter::once(INPUT).chain(lines.iter().map(|line| line.name.as_str()));
        for (line, before) in lines.iter().zip(before) {
            if line.from != [before] {
                let message = format!(
                    "is given {}, not {before}; areas are layers in a row, each given what the one before it gives: leave `from` out",
                    line.from.join(", ")
                );
                return Err(Error::hyperparameter(&line.name, message));
            }
        }
        let mut starts: Vec<usize> = (0..lines.len()).filter(|&i| lines[i].parameters > 0).collect();
        let Some(first) = starts.first_mut() else { return Ok(Vec::new()) };
        *first = 0;
        let ends = starts[1..].iter().copied().chain([lines.len()]);
        Ok(starts.iter().zip(ends).map(|(&start, end)| start..end).collect())
    }

    /// What the layers at these places give for `x`, which is what the layer before the first of them gives. Only for layers in a
    /// row, as [`areas`](Self::areas) checks.
    ///
    /// # Errors
    /// Those of the layers; [`Error::Hyperparameter`] for places beyond the list.
    pub fn run<'t>(&self, places: Range<usize>, x: Var<'t, S>, ctx: &mut Context<'t, S>) -> Result<Var<'t, S>, Error> {
        let of = self.places.len();
        let places = self.places.get(places.clone()).ok_or_else(|| {
            Error::hyperparameter("layers", format!("places {places:?} of a list of {of} layers; use those of `areas`"))
        })?;
        places.iter().try_fold(x, |x, place| {
            let value = match &place.node {
                Node::Layer(layer) => layer.forward(x, ctx)?,
                Node::Join(join) => join.join(&[x], ctx)?,
            };
            ctx.relay(&place.record, value)
        })
    }
}

#[cfg(test)]
mod tests {
    use nl_autodiff::{Tape, Tensor};
    use nl_random::Streams;

    use super::*;
    use crate::graph::{Form, LayerEntry};
    use crate::{Builder, Layer, Mode, Parameters};

    fn graph(layers: &str) -> (Graph<f32>, Parameters<f32>) {
        let layers: Vec<LayerEntry> = serde_json::from_str(layers).unwrap();
        let builder = Builder::new(Streams::new(3));
        (Graph::new(&layers, &Form::features(4), &builder).unwrap(), builder.finish())
    }

    /// Area by area is the network as a whole.
    #[test]
    fn areas_one_after_the_other_are_the_network() {
        let (graph, parameters) = graph(
            r#"[{"kind": "activation", "function": "tanh"}, {"kind": "linear", "units": 3}, {"kind": "layer-norm"},
                {"kind": "activation", "function": "relu"}, {"kind": "linear", "units": 2}]"#,
        );
        let areas = graph.areas().unwrap();
        assert_eq!(areas, [0..2, 2..4, 4..5]);
        let tape = Tape::new();
        let mut ctx = Context::new(&tape, &parameters, Mode::Eval).with_recording();
        let x = tape.constant(Tensor::new(&[2, 4], vec![0.5, -1.0, 2.0, 0.1, 3.0, 0.2, -0.7, 1.0]).unwrap());
        let whole = graph.forward(x, &mut ctx).unwrap().value();
        let last = areas.into_iter().fold(x, |x, area| graph.run(area, x, &mut ctx).unwrap());
        assert_eq!(last.value(), whole);
        assert!(graph.run(3..9, x, &mut ctx).is_err());
    }

    #[test]
    fn branches_are_no_areas() {
        let (branched, _) =
            graph(r#"[{"kind": "linear", "units": 4}, {"kind": "add", "from": ["input", "linear-1"]}]"#);
        let said = branched.areas().unwrap_err().to_string();
        assert!(said.starts_with("add-1: is given input, linear-1, not linear-1"), "{said}");
        let (named, _) =
            graph(r#"[{"kind": "linear", "units": 4, "name": "a"}, {"kind": "linear", "units": 4, "from": "a"}]"#);
        assert_eq!(named.areas().unwrap(), [0..1, 1..2]);
        let (nothing, _) = graph(r#"[{"kind": "activation", "function": "relu"}]"#);
        assert!(nothing.areas().unwrap().is_empty());
    }
}
