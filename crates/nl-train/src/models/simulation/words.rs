//! What is said of a network, and what was published of it beside what was measured here.

use super::config::Network;
use super::findings::Figures;

/// What the network is, in a few words.
pub(super) fn about(network: &Network) -> &'static str {
    match network {
        Network::Cuba(_) => "neurons with currents as synapses",
        Network::Coba(_) => "neurons with conductances as synapses",
        Network::Cobahh(_) => "Hodgkin-Huxley neurons",
        Network::Brunel(_) => "a sparse random network",
    }
}

/// What is compared with what: the source, the variant, the reference and the program it is from; and, if parameters were
/// changed, that the reference is of others.
pub(super) fn expectation(figures: &Figures) -> String {
    let text = match &figures.network {
        Network::Cuba(_) => "Brette et al. 2007, benchmark 2, with the parameters of Brian2's example CUBA; Brian2 2.9.0 gives about \
                             5.6 Hz (14 networks of 10 s: 5.4 to 6.0)."
            .to_owned(),
        Network::Coba(_) => {
            "Brette et al. 2007, benchmark 1, as a variant: the resting potential is −49 mV instead of −60, above the threshold, \
             so that the network stays active by itself. Brian2 gives about 21 Hz for this variant (version 2.9.0, 10 networks \
             of 5 s: 18.9 to 22.9); the benchmark itself is another network, with another rate."
                .into()
        }
        Network::Cobahh(_) => "Brette et al. 2007, benchmark 3, with the parameters of Brian2's example COBAHH; Brian2 2.9.0 gave \
                               38.3 Hz (4 networks of 2 to 5 s, standard deviation 3.5), this program 35.9 Hz (6 networks of 5 s: 30.3 to \
                               40.9). Rates differ that much from one random network to the next, and by time."
            .into(),
        Network::Brunel(network) => {
            let measured = match figures.cv_isi {
                Some(cv) if cv < 0.5 => format!(
                    " Here neurons fire rather regularly (CV {cv:.2}): the mean input takes a neuron to its threshold, and \
                     fluctuations have little part in when."
                ),
                Some(cv) => format!(" Here the CV is {cv:.2}."),
                None => String::new(),
            };
            let reset = if network.v_reset.0 == 0.0 { " (reset to 0 mV; the paper resets to 10 mV)" } else { "" };
            format!(
                "Brunel 2000. The reference is g = 5, η = 2, which his theory calls asynchronous and irregular, with the \
                 parameters of NEST's example{reset}: NEST 3.10.0 gives about 32 Hz for it at 12,500 neurons, with a CV of 0.18.\
                 {measured}"
            )
        }
    };
    let changed = changed(&figures.network);
    if changed.is_empty() {
        return text;
    }
    format!("{text} That is the network as published; here {}, and the rate may well be another.", changed.join(", "))
}

/// Parameters that are not as published: `"g is 3 (published: 5)"`.
fn changed(network: &Network) -> Vec<String> {
    let fields = |network: &Network| match serde_json::to_value(network) {
        Ok(serde_json::Value::Object(fields)) => fields,
        _ => serde_json::Map::new(),
    };
    let shown =
        |value: &serde_json::Value| value.as_f64().map_or("as others say".to_owned(), |value| value.to_string());
    let (now, before) = (fields(network), fields(&network.published()));
    let differ = now.iter().filter_map(|(name, value)| Some((name, value, before.get(name)?)));
    differ
        .filter(|(_, value, published)| value != published)
        .map(|(name, value, published)| format!("{name} is {} (published: {})", shown(value), shown(published)))
        .collect()
}

#[cfg(test)]
mod tests {
    use nl_network::published::{BrunelConfig, CubaConfig};

    use super::*;

    #[test]
    fn what_was_changed_is_said() {
        assert!(Network::all().iter().all(|network| changed(network).is_empty()));
        let brunel = Network::Brunel(BrunelConfig { g: 3.0, eta: 0.9, ..BrunelConfig::default() });
        assert_eq!(changed(&brunel), ["eta is 0.9 (published: 2)", "g is 3 (published: 5)"]);
        let cuba = Network::Cuba(CubaConfig { probability: Some(0.1), ..CubaConfig::default() });
        assert_eq!(changed(&cuba), ["probability is 0.1 (published: as others say)"]);
    }
}
