//! The trained network is asked: without one layer at a time, and about single images.

use nl_autodiff::{Tape, Var};
use nl_data::Samples;
use nl_layers::graph::Line;
use nl_layers::loss::LossKind;
use nl_layers::{Context, Lesion, Mode, Parameters};
use nl_report::Section;
use serde_json::json;

use super::aim::{Aim, labels};
use super::findings::Decided;
use super::input::Input;
use super::network::unlabelled;
use super::supervise::Ask;
use super::{LayersModel, loss};
use crate::Error;
use crate::data::{Dataset, spread};
use crate::evaluate::{Ablation, Tempered};
use crate::metrics::{accuracy, argmax};
use crate::models::ablate::{MEAN_OF, Part, ablate};
use crate::models::asking::Asked;
use crate::models::saliency::{Look, looks, pictures, section};
use crate::models::shown::{activations, filters};
use crate::run::{Findings, Progress, Setting, Shown, Tensor};

/// Layers cut out, at most: those with the most parameters.
const CUT: usize = 32;
/// Images whose answers TensorBoard is shown.
const SHOWN: usize = 64;

/// The network with what its outputs mean.
struct Meant<'a> {
    ask: Ask<'a>,
    loss: &'a LossKind,
    aim: &'a Aim,
}

impl Asked for Meant<'_> {
    type Set = Samples;

    fn parameters(&self) -> &Parameters<f32> {
        self.ask.parameters
    }

    fn classes(&self) -> usize {
        self.aim.names.len()
    }

    fn input<'t>(&self, tape: &'t Tape<f32>, set: &Samples, samples: &[u32]) -> Result<Var<'t, f32>, Error> {
        Input { samples: set, standard: self.ask.inputs }.plain(tape, samples)
    }

    fn log_probs(&self, set: &Samples, lesions: &[Lesion<f32>]) -> Result<Vec<f32>, Error> {
        self.aim.log_probabilities(self.loss, &self.ask.outputs_without(set, lesions)?)
    }

    fn scores<'t>(&self, input: Var<'t, f32>, ctx: &mut Context<'t, f32>) -> Result<Option<Var<'t, f32>>, Error> {
        let outputs = self.ask.network.forward(input, ctx)?;
        Ok((self.ask.network.outputs() == self.classes()).then_some(outputs))
    }
}

/// What is known besides the scores.
pub(super) struct Parts {
    ablation: Option<Ablation>,
    looks: Vec<Look>,
    pub(super) tempered: Option<Tempered>,
}

impl Parts {
    pub(super) fn of(
        model: &LayersModel,
        setting: Setting<'_, LayersModel>,
        outcome: &Decided,
        progress: &mut Progress<'_>,
    ) -> Result<Self, Error> {
        let (data, config) = (setting.dataset()?, &setting.config.model.evaluate);
        let (aim, loss) = model.aim.as_ref().zip(loss(&setting)).ok_or_else(unlabelled)?;
        let asked = Meant { ask: model.ask(), loss, aim };
        let test = &data.split.test;
        let ablation = progress.timed("Ablation", |progress| ablation(&asked, data, config.ablation, progress))?;
        let looks = progress.timed("Saliency", |progress| {
            looks(&asked, test, &outcome.log_probs, config.saliency, &mut || progress.check())
        })?;
        let tempered = if config.temperature {
            let held_out = data.held_out();
            let fitted = asked.log_probs(&held_out, &[])?;
            let from = (&fitted[..], labels(&held_out)?);
            Some(Tempered::of(from, (&outcome.log_probs, labels(test)?), asked.classes())?)
        } else {
            None
        };
        Ok(Self { ablation, looks, tempered })
    }

    /// Sections of the page.
    pub(super) fn sections(&self, names: &[String]) -> Vec<Section> {
        let text = "One layer at a time is cut out of the trained network, and nothing learns anew. What other layers can stand \
                    in for costs little: the results do not add up.";
        let ablation = self.ablation.iter().filter(|it| !it.cuts.is_empty());
        let cut = ablation.map(|it| Section::new("What each layer adds", "Ablation", text).figure(it.figure()));
        let seen = section(&self.looks, names);
        cut.chain((!seen.figures.is_empty()).then_some(seen)).collect()
    }

    /// Scores, details and pictures.
    pub(super) fn tell(&self, said: &mut Findings) {
        if let Some(ablation) = &self.ablation {
            said.details.insert("ablation".into(), json!(ablation));
        }
        if let Some(tempered) = &self.tempered {
            said.details.insert("temperature".into(), tempered.fit.temperature.into());
            said.scores.extend(tempered.scores().map(|(name, value)| (name.to_owned(), value)));
        }
        said.pictures = pictures(&self.looks);
    }
}

/// The accuracy without each layer; none if it was not asked for.
fn ablation(
    asked: &Meant<'_>,
    data: &Dataset<Samples>,
    most: usize,
    progress: &Progress<'_>,
) -> Result<Option<Ablation>, Error> {
    if most == 0 {
        return Ok(None);
    }
    let test = data.split.test.select(&spread(data.split.test.len(), most));
    let seen = data.some_learned(MEAN_OF);
    let part = |line: &Line| Part {
        name: line.name.clone(),
        path: line.name.clone(),
        axis: usize::from(line.output.steps.is_some()),
        halves: false,
    };
    let parts: Vec<Part> = chosen(asked.ask.network.listed(), CUT).into_iter().map(part).collect();
    let cuts = ablate(asked, &parts, (&seen, &test), &mut || progress.check())?;
    let rows = asked.log_probs(&test, &[])?;
    let whole = accuracy(&argmax(&rows, asked.classes()), labels(&test)?).unwrap_or(0.0);
    Ok(Some(Ablation { images: test.len(), mean_of: seen.len(), whole, cuts }))
}

/// At most `most` layers: those with the most parameters, of equals the earlier, in the order of the network.
fn chosen(lines: &[Line], most: usize) -> Vec<&Line> {
    let mut order: Vec<usize> = (0..lines.len()).collect();
    order.sort_by_key(|&i| (std::cmp::Reverse(lines[i].parameters), i));
    order.truncate(most);
    order.sort_unstable();
    order.into_iter().map(|i| &lines[i]).collect()
}

/// What the layers answer to some images, and the filters of the first layer.
pub(super) fn shown(model: &LayersModel, data: &Dataset<Samples>) -> Result<Shown, Error> {
    let samples = data.some_held_out(SHOWN);
    let tape = Tape::new();
    let pause = tape.stop_recording();
    let mut ctx = Context::new(&tape, &model.parameters, Mode::Eval).with_recording();
    let all: Vec<u32> = (0..samples.len() as u32).collect();
    let input = Input { samples: &samples, standard: &model.inputs };
    model.network.embed(input.plain(&tape, &all)?, &mut ctx)?;
    let activations = activations(&ctx.into_recording());
    drop(pause);
    let size = model.form.picture().map_or((0, 0), |[_, height, width]| (height, width));
    let first =
        Tensor::of(&model.parameters).into_iter().find_map(|tensor| Some((filters(&tensor, size)?, tensor.name)));
    let pictures = first.map(|(picture, name)| (format!("filters/{name}"), picture)).into_iter().collect();
    Ok(Shown { activations, pictures })
}

#[cfg(test)]
mod tests {
    use super::*;
    use nl_layers::graph::Form;

    #[test]
    fn of_many_layers_those_with_most_parameters_are_cut_out() {
        let line = |parameters: usize| Line {
            name: parameters.to_string(),
            kind: "linear",
            from: Vec::new(),
            output: Form::features(1),
            parameters,
            macs: 0,
        };
        let lines: Vec<Line> = [3, 0, 5, 3, 9].map(line).into();
        let names = |most| chosen(&lines, most).into_iter().map(|line| line.parameters).collect::<Vec<_>>();
        assert_eq!(names(3), [3, 5, 9]);
        assert_eq!(names(10), [3, 0, 5, 3, 9]);
    }
}
