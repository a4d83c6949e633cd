//! Every configuration that comes with the crate can be begun: its dry run builds the model and every stage.

use nl_data::Lookup;
use nl_train::models::Kind;
use nl_train::{Document, SHIPPED};

#[test]
fn every_shipped_configuration_can_be_begun() {
    for preset in SHIPPED {
        let mut document = Document::read(preset.name, preset.text).unwrap();
        let kind = Kind::of_document(&document).unwrap();
        if kind.learns_from.is_some() {
            for change in
                ["data.source=synthetic", "data.synthetic.train=300", "data.synthetic.test=40", "data.validation=30"]
            {
                document.assign(change).unwrap();
            }
        }
        let plan = kind.dry_run(&document, &Lookup::default()).unwrap_or_else(|e| panic!("{}: {e}", preset.name));
        assert_eq!(plan.kind, kind.kind);
        assert!(!plan.stages.is_empty(), "{}", preset.name);
        // Every stage that learns says how much; what waits for an earlier one is named at least.
        assert!(plan.stages.iter().all(|stage| !stage.0.is_empty()), "{}: {:?}", preset.name, plan.stages);
    }
    // The four ways of `without-backprop` are four stages of as many images as are asked for.
    let text = nl_train::shipped("without-backprop").unwrap();
    let mut document = Document::read("ways", text).unwrap();
    document.assign("data.source=synthetic").unwrap();
    let lookup = Lookup { train: 300, test: 40, ..Lookup::default() };
    let plan = Kind::of_document(&document).unwrap().dry_run(&document, &lookup).unwrap();
    assert_eq!(plan.stages.len(), 4);
    assert!(plan.stages.iter().all(|(_, unit, total)| *unit == "images" && *total > 0), "{:?}", plan.stages);
}
