//! Short names of shipped configurations: `mnist`, `stdp`, `conv-stdp`, `sim`.

use anyhow::Context;
use nl_train::Document;
use nl_train::models::competitive_network;

use crate::cli::{Common, ConvStdp, Mnist, Preset, Sim, SimModel, Stdp};
use crate::train::{Order, preset, read};

/// The file asked for, or the preset; none for a run that goes on.
fn document(common: &Common, preset: impl FnOnce() -> anyhow::Result<Document>) -> anyhow::Result<Option<Document>> {
    Ok(match (&common.resume, &common.config) {
        (Some(_), _) => None,
        (None, Some(file)) => Some(read(file)?),
        (None, None) => Some(preset()?),
    })
}

pub(crate) fn mnist(options: &Mnist) -> anyhow::Result<()> {
    let (name, time) = match options.preset {
        Preset::Quick => ("mnist-quick", "about a minute on two cores"),
        Preset::Full => ("mnist-full", "seven to ten minutes on two cores"),
    };
    let what = "learns to see without labels, then with them, and writes a report";
    let document = document(&options.common, || preset(name))?;
    let data = options.data.data.as_ref();
    Order { command: "mnist", what, time, document, data, kind: Some("brain") }.run(&options.common, |summary| summary)
}

pub(crate) fn stdp(options: &Stdp) -> anyhow::Result<()> {
    let (name, time) = match options.preset {
        Preset::Quick => ("stdp-quick", "some seconds on two cores"),
        Preset::Full => (
            "stdp-full",
            "about ten seconds for 400 neurons on two cores, half a minute for 1600, three minutes for 6400",
        ),
    };
    let what = "learns images without labels by spikes, and writes a report";
    let document = document(&options.common, || {
        let mut document = preset(name)?;
        if options.neurons.is_some() || options.rule.is_some() {
            let neurons = options.neurons.map_or(400, std::num::NonZeroUsize::get);
            let network = competitive_network(neurons, options.rule.as_deref())?;
            document.set("--neurons, --rule", "model.network", serde_json::to_value(network)?)?;
        }
        Ok(document)
    })?;
    let data = options.data.data.as_ref();
    let kind = Some("competitive");
    Order { command: "stdp", what, time, document, data, kind }.run(&options.common, |summary| summary)
}

pub(crate) fn conv_stdp(options: &ConvStdp) -> anyhow::Result<()> {
    let time = match options.preset {
        Preset::Quick => "some seconds on two cores",
        Preset::Full => "about a quarter of a minute on two cores, a second layer a minute more",
    };
    let what = "learns features by STDP, reads them out, and writes a report";
    let document = document(&options.common, || {
        preset(match (options.preset, options.layers) {
            (Preset::Quick, 1) => "conv-stdp-quick",
            (Preset::Full, 1) => "conv-stdp",
            (Preset::Quick, 2) => "conv-stdp-two-layers-quick",
            (Preset::Full, 2) => "conv-stdp-two-layers",
            (_, layers) => anyhow::bail!("{layers} layers; the presets have 1 or 2"),
        })
    })?;
    let data = options.data.data.as_ref();
    let kind = Some("conv-stdp");
    Order { command: "conv-stdp", what, time, document, data, kind }.run(&options.common, |summary| summary)
}

pub(crate) fn sim(options: &Sim) -> anyhow::Result<()> {
    let what = "builds a network, simulates it, and writes a report";
    let time = "some seconds for a second of each published network";
    let mut document = document(&options.common, || {
        let model =
            options.model.context("which network? cargo xtask sim cuba|coba|cobahh|brunel, or --config FILE")?;
        preset(match model {
            SimModel::Cuba => "cuba",
            SimModel::Coba => "coba",
            SimModel::Cobahh => "cobahh",
            SimModel::Brunel => "brunel",
        })
    })?;
    if let Some(document) = &mut document {
        if let Some(seconds) = options.seconds {
            let number = serde_json::Number::from_f64(seconds);
            let number = number.with_context(|| format!("--seconds is {seconds}, but must be a number"))?;
            document.set("--seconds", "stages[0].seconds", number)?;
        }
        if let Some(neurons) = options.neurons {
            document.set("--neurons", "model.network.neurons", neurons)?;
        }
    }
    Order { command: "sim", what, time, document, data: None, kind: Some("simulation") }.run(
        &options.common,
        |mut summary| {
            // Here the model is the network.
            if let Some(network) = summary.details.get("network").and_then(|network| network.as_str()) {
                summary.model = network.to_owned();
            }
            summary
        },
    )
}
