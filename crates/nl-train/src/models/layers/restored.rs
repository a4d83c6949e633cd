//! What a stage `reconstruct` made of pictures, for the page.

use nl_data::{Samples, Values};
use nl_random::Streams;
use nl_report::plots::{Strip, StripItem};
use nl_report::{Figure, Picture, Section};

use super::reconstruct::restore;
use super::{LayersModel, LayersStage};
use crate::Error;
use crate::data::{Set, spread};
use crate::models::shown::summed;
use crate::run::Setting;

/// Pictures shown.
const SHOWN: usize = 12;

/// Test pictures as they are, as they were spoilt, and as the last stage `reconstruct` restores them; none without such a stage.
pub(super) fn section(model: &LayersModel, setting: Setting<'_, LayersModel>) -> Result<Option<Section>, Error> {
    let stages = setting.config.stages.iter().zip(&model.left).rev();
    let last = stages.into_iter().find_map(|(stage, left)| match stage {
        LayersStage::Reconstruct(config) => Some((config, left)),
        _ => None,
    });
    let (Some((config, left)), Some([channels, height, width])) = (last, model.form.picture()) else { return Ok(None) };
    let data = setting.dataset()?;
    let test = &data.split.test;
    let samples = test.select(&spread(test.len(), SHOWN));
    if samples.is_empty() {
        return Ok(None);
    }
    let episodes = model.recall_by(left, data)?;
    let ask = model.ask_with(left).reading(episodes.as_ref());
    let [plain, spoilt, restored] = restore(config, &ask, &samples, Streams::new(setting.config.seed))?;
    let range = range(&samples);
    let names = samples.form().targets.names();
    let area = channels * height * width;
    let picture = |values: &[f32], i: usize| {
        Picture::from_unit(width, height, &grey(&values[i * area..][..area], channels, range))
    };
    let item = |i: usize| StripItem {
        pictures: [&plain, &spoilt, &restored].into_iter().map(|values| picture(values, i)).collect(),
        caption: samples.labels().and_then(|labels| names.get(labels[i] as usize)).cloned().unwrap_or_default(),
    };
    let rows = ["as it is", "as it was shown", "as it was restored"].map(str::to_owned).to_vec();
    let strip = Strip { rows, items: (0..samples.len()).map(item).collect() };
    let text = if channels == 1 { "" } else { "Colours are shown as the mean of their channels." };
    let about = "Test pictures that nothing was learned from: what the network was shown, and what it made of it.";
    Ok(Some(Section::new("Restored", "Restored", about).figure(Figure::new("Pictures restored", text, strip))))
}

/// Mean of the channels, `range` as 0 to 1.
fn grey(values: &[f32], channels: usize, [low, high]: [f32; 2]) -> Vec<f32> {
    let area = values.len() / channels.max(1);
    let scale = if high > low { (high - low).recip() } else { 0.0 };
    summed(values, area).into_iter().map(|sum| (sum / channels as f32 - low) * scale).collect()
}

/// The least and the largest number of samples: 0 and 1 for bytes.
fn range(samples: &Samples) -> [f32; 2] {
    match samples.values() {
        Values::U8(_) => [0.0, 1.0],
        Values::F32(values) => {
            values.iter().fold([f32::INFINITY, f32::NEG_INFINITY], |[low, high], &x| [low.min(x), high.max(x)])
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_are_averaged_within_their_range() {
        assert_eq!(grey(&[2.0, 4.0, 4.0, 6.0], 2, [2.0, 6.0]), [0.25, 0.75]);
        assert_eq!(grey(&[2.0, 4.0], 1, [3.0, 3.0]), [0.0, 0.0], "of one value only");
    }
}
