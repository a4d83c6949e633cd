//! Every rule that the laws run on: the exemptions as data, the number of cases, and what docs/laws.md says about both.

use std::fmt::Write;

use nl_plasticity::RuleKind;
use nl_plasticity::laws::{Cases, Config, Law, Violation};

type Check = fn(Law) -> Result<Cases, Box<Violation>>;
type Exemptions = &'static [(Law, &'static str)];

macro_rules! table {
    ($($title:literal => $file:ident::$module:ident;)*) => {
        &[$(($title, crate::$file::$module::EXEMPT, crate::$file::$module::check)),*]
    };
}

const TABLE: &[(&str, Exemptions, Check)] = table! {
    "pair STDP, all-to-all" => pair::all_to_all;
    "pair STDP, all-to-all, f32" => pair::all_to_all_f32;
    "pair STDP, nearest symmetric" => pair::nearest_symmetric;
    "pair STDP, presynaptic-centred" => pair::presynaptic_centred;
    "pair STDP, restricted" => pair::restricted;
    "pair STDP, multiplicative" => pair::multiplicative;
    "pair STDP, van Rossum" => pair::van_rossum;
    "pair STDP, Gütig" => pair::guetig;
    "pair STDP, power law" => pair::power_law;
    "triplet STDP, four fits" => triplet::all_fits;
    "Vogels inhibitory STDP" => vogels::inhibitory_stdp;
    "Diehl-Cook, pre and post" => diehl_cook::pre_and_post;
    "Diehl-Cook, post only" => diehl_cook::post_only_form;
    "Diehl-Cook, published program" => diehl_cook::published_program;
    "Clopath STDP" => voltage::clopath_stdp;
    "Clopath STDP with homeostasis" => voltage::clopath_with_homeostasis;
    "dopamine STDP, release" => reward::dopamine_released;
    "dopamine STDP, concentration" => reward::dopamine_held;
    "dopamine STDP, narrow bounds" => reward::dopamine_with_narrow_bounds;
    "MSTDP" => reward::mstdp_rewarded_at_times;
    "MSTDP, constant reward" => reward::mstdp_at_constant_reward;
    "MSTDPET" => reward::mstdpet_rewarded_at_times;
    "MSTDPET, constant reward" => reward::mstdpet_at_constant_reward;
    "MSTDPET, narrow bounds" => reward::mstdpet_with_narrow_bounds;
    "e-prop, LIF" => voltage::eprop_lif;
    "e-prop, ALIF" => voltage::eprop_alif;
    "pair STDP behind a gate" => reward::gated_pair;
};

const DOCS: &str = include_str!("../../../../docs/laws.md");

#[test]
fn the_documentation_lists_every_exemption() {
    let mut expected = String::from("| rule | exempt from | why |\n| --- | --- | --- |\n");
    for (title, exempt, _) in TABLE {
        for (law, reason) in *exempt {
            writeln!(expected, "| {title} | `{}` | {reason} |", law.name()).expect("a string");
        }
    }
    assert!(DOCS.contains(&expected), "docs/laws.md must contain\n{expected}");
}

#[test]
fn the_documentation_states_every_law() {
    for law in Law::ALL {
        assert!(DOCS.contains(&format!("| `{}` |", law.name())), "docs/laws.md does not state `{}`", law.name());
    }
}

#[test]
fn every_spike_rule_of_the_table_of_rules_is_here() {
    let here = |start: &str| TABLE.iter().any(|(title, ..)| title.to_lowercase().starts_with(start));
    for name in RuleKind::NAMES {
        // "pair-stdp" is here as "pair STDP, …", "eprop" as "e-prop, …".
        let start = if *name == "eprop" { "e-prop" } else { name.split('-').next().expect("a name") };
        assert!(here(start), "{name} does not run the laws");
    }
}

#[test]
fn count_of_cases() {
    let start = std::time::Instant::now();
    let mut cases = 0;
    for (title, exempt, check) in TABLE {
        for &law in Law::ALL {
            let Cases(held) = check(law).unwrap_or_else(|violation| panic!("{title}: {violation}"));
            assert_eq!(held == 0, exempt.iter().any(|(exempt, _)| *exempt == law), "{title}: {}", law.name());
            cases += held;
        }
    }
    let exempt: usize = TABLE.iter().map(|(_, exempt, _)| exempt.len()).sum();
    let checks = TABLE.len() * Law::ALL.len() - exempt;
    println!("{} rules, {checks} laws checked, {exempt} exempt: {cases} cases, {:.1?}", TABLE.len(), start.elapsed());
    assert_eq!(cases, checks as u64 * u64::from(Config::default().cases));
    assert!(checks >= 450, "{checks} checks");
}
