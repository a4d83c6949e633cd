//! What the hippocampus stores and recalls by, and how many labels there are to store.

#[path = "common/brain.rs"]
mod brain;
mod common;

use brain::{data, images, toy};
use common::{assert_same, divided, start, stopped_everywhere, whole};
use nl_train::models::BrainModel;
use nl_train::models::brain::{BrainStage, Cortex, Region, RememberConfig};
use nl_train::{ConfigOf, Silent, Trained};

fn remembering(region: Region, cortex: Cortex) -> ConfigOf<BrainModel> {
    let mut config = toy();
    config.stages[2] = BrainStage::Remember(RememberConfig { region, cortex });
    config
}

const REGIONS: [Region; 6] =
    [Region::Inferotemporal, Region::V4, Region::V2, Region::V1, Region::Retina, Region::Image];

/// The cortex decides as ever; the memory decides otherwise; what is opened again decides as the run did.
#[test]
fn a_memory_of_each_region_is_asked_by_what_it_stored() {
    let dir = tempfile::tempdir().unwrap();
    let usual = whole::<BrainModel>(&toy(), Some(&data(&toy())), &dir.path().join("usual"), 2);
    let mut memories = Vec::new();
    for (i, region) in REGIONS.into_iter().enumerate() {
        for (j, cortex) in [Cortex::Now, Cortex::Unlabelled].into_iter().enumerate() {
            let (config, path) = (remembering(region, cortex), dir.path().join(format!("{i}{j}")));
            let data = data(&config);
            let summary = whole::<BrainModel>(&config, Some(&data), &path, 1 + j);
            assert_eq!(summary.scores["cortex"], usual.scores["cortex"], "{region:?} {cortex:?}");
            let again = Trained::<BrainModel>::open(&path).unwrap().evaluate(&data, &mut Silent).unwrap();
            for score in ["cortex", "memory", "mixed"] {
                assert_eq!(again.scores[score], summary.scores[score], "{score} of {region:?} {cortex:?}");
            }
            memories.push(std::fs::read(path.join("hippocampus.nlm")).unwrap());
        }
    }
    // The image is the same whatever the cortex knows, all else is a memory of its own; the first is the usual one.
    assert_eq!(memories[10], memories[11]);
    memories.pop();
    assert_eq!(memories[0], std::fs::read(dir.path().join("usual/hippocampus.nlm")).unwrap());
    for i in 0..memories.len() {
        assert!(!memories[..i].contains(&memories[i]), "memory {i} is one of those before it");
    }
}

#[test]
fn the_same_bits_wherever_it_is_interrupted() {
    let dir = tempfile::tempdir().unwrap();
    let mut config = remembering(Region::V4, Cortex::Unlabelled);
    let own = config.data.as_mut().unwrap();
    (own.labelled, own.label_noise) = (Some(60), 0.2);
    let data = data(&config);
    let path = dir.path().join("whole");
    let straight = whole::<BrainModel>(&config, Some(&data), &path, 2);
    let three = whole::<BrainModel>(&config, Some(&data), &dir.path().join("three"), 3);
    assert_same(&straight, &three, "three threads");
    stopped_everywhere::<BrainModel>(&config, Some(&data), (&straight, &path), 3);
}

#[test]
fn only_what_has_a_label_is_classified_and_remembered() {
    let mut config = toy();
    config.data.as_mut().unwrap().labelled = Some(50);
    let own = data(&config);
    assert_eq!((own.learn.len(), own.labelled.len(), own.with_labels().len()), (120, 50, 50));
    assert!(own.labelled.iter().all(|i| own.learn.contains(i) && !own.validation.contains(i)));
    let dir = tempfile::tempdir().unwrap();
    let summary = whole::<BrainModel>(&config, Some(&own), &dir.path().join("few"), 2);
    let page = std::fs::read_to_string(&summary.report).unwrap();
    assert!(page.contains("120 training (50 of them with a label), 20 validation"), "the banner counts labels");
    assert!(page.contains("nearest of 50 episodes"), "the hippocampus has as many");
    // As many as there are, or more, is all.
    config.data.as_mut().unwrap().labelled = Some(10_000);
    assert_eq!(data(&config).labelled, data(&toy()).labelled);
}

#[test]
fn a_share_of_wrong_labels_leaves_test_images_alone() {
    let mut config = toy();
    config.data.as_mut().unwrap().label_noise = 0.5;
    let (noisy, (clean, _)) = (data(&config), images());
    let changed = noisy.split.train.labels().iter().zip(clean.train.labels()).filter(|(a, b)| a != b).count();
    assert!((45..95).contains(&changed), "{changed} of 140");
    assert_eq!(noisy.split.test.labels(), clean.test.labels());
    // Which are held out does not depend on what they are called now.
    assert_eq!(noisy.validation, data(&toy()).validation);
}

#[test]
fn what_cannot_be_remembered_is_refused_before_anything_is_learned() {
    let dir = tempfile::tempdir().unwrap();
    let mut config = remembering(Region::V4, Cortex::Unlabelled);
    config.stages.remove(0);
    let error = start::<BrainModel>(&config, Some(&data(&config)), &dir.path().join("a")).err().unwrap().to_string();
    assert!(error.contains("stages[1]: cortex is unlabelled, but no stage `reconstruct` comes before"), "{error}");
    for (labelled, noise, message) in [
        (Some(0), 0.0, "data.labelled is 0"),
        (None, 1.0, "data.label_noise is 1, but must be in [0, 1)"),
        (None, f64::NAN, "data.label_noise is NaN"),
    ] {
        let mut config = toy();
        let own = config.data.as_mut().unwrap();
        (own.labelled, own.label_noise) = (labelled, noise);
        let data = divided::<BrainModel>(&toy(), images());
        let error = start::<BrainModel>(&config, Some(&data), &dir.path().join("b")).err().unwrap().to_string();
        assert!(error.contains(message), "{error}");
    }
}
