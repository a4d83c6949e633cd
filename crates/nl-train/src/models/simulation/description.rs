//! What the network is, as tables: model summary, populations, connectivity, neuron and synapse, input, measurements.
//!
//! The form is that of Nordlie, Gewaltig & Plesser, PLoS Comput. Biol. 2009.

use nl_network::published::{BrunelConfig, CobaConfig, CobahhConfig, CubaConfig};
use nl_report::plots::{Cell, Table};
use nl_report::text::thousands;
use nl_report::{Figure, Section};
use nl_units::Ms;

use super::SimulationConfig;
use super::config::Network;

/// A parameter: symbol and name in the configuration, meaning, value, unit.
type Row = (&'static str, &'static str, f64, &'static str);

/// The tables; `synapses` that excitatory and inhibitory neurons make, `sizes` of the two populations.
pub(super) fn section(config: &SimulationConfig, sizes: [usize; 2], synapses: [usize; 2]) -> Section {
    let summary = words(&config.network)
        .into_iter()
        .fold(Table::new(&[]), |table, (part, text)| table.row([part.into(), Cell::from(text)]))
        .row(["Measurements".into(), "All spikes; potentials of some excitatory neurons each millisecond.".into()]);
    let populations = ["excitatory (E)", "inhibitory (I)"].into_iter().enumerate();
    let populations =
        populations.fold(Table::new(&["population", "neurons", "synapses they make"]), |table, (k, name)| {
            table.row([
                name.into(),
                Cell::number(thousands(sizes[k] as u64)),
                Cell::number(thousands(synapses[k] as u64)),
            ])
        });
    let parameters = parameters(config).into_iter().fold(
        Table::new(&["symbol (name in the configuration)", "meaning", "value", "unit"]),
        |table, (symbol, meaning, value, unit)| {
            table.row([symbol.into(), meaning.into(), Cell::number(shown(value)), unit.into()])
        },
    );
    Section::new(
        "The network",
        "Network",
        "What was simulated, in the form of Nordlie, Gewaltig & Plesser 2009; every parameter can be set in the configuration.",
    )
    .figure(Figure::new("Model summary", "", summary))
    .figure(Figure::new("Populations", "Synapses were drawn; these are those that were.", populations))
    .figure(Figure::new("Parameters", "As they were used, those that follow from others included.", parameters))
}

/// A value without zeros at its end.
pub(super) fn shown(value: f64) -> String {
    let text = format!("{value:.6}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// The model in words: each part, and what it is.
fn words(network: &Network) -> [(&'static str, &'static str); 6] {
    let two = "Two: excitatory (four fifths of the neurons) and inhibitory.";
    let pairs = "Each pair of neurons with one probability, all four projections; one delay.";
    match network {
        Network::Cuba(_) => [
            ("Populations", two),
            ("Connectivity", pairs),
            (
                "Neuron model",
                "Leaky integrate-and-fire, fixed threshold, reset, absolute refractory time: τ_m V' = g_e + g_i − (V − E_L).",
            ),
            ("Synapse model", "A jump of a current, which decays exponentially: τ_e g_e' = −g_e, τ_i g_i' = −g_i."),
            ("Plasticity", "None."),
            ("Input", "None: E_L above V_th keeps neurons active. V starts uniform between V_r and V_th."),
        ],
        Network::Coba(_) => [
            ("Populations", two),
            ("Connectivity", pairs),
            (
                "Neuron model",
                "Leaky integrate-and-fire, fixed threshold, reset, absolute refractory time: C_m V' = −g_L (V − E_L) − g_e (V − E_e) − g_i (V − E_i).",
            ),
            ("Synapse model", "A jump of a conductance, which decays exponentially: τ_e g_e' = −g_e, τ_i g_i' = −g_i."),
            ("Plasticity", "None."),
            ("Input", "None: E_L above V_th keeps neurons active. V starts uniform between V_r and V_th."),
        ],
        Network::Cobahh(_) => [
            ("Populations", two),
            ("Connectivity", pairs),
            (
                "Neuron model",
                "Hodgkin-Huxley with Traub & Miles' kinetics: C_m V' = −g_Na m³h (V − E_Na) − g_K n⁴ (V − E_K) − g_L (V − E_L) − g_e (V − E_e) − g_i (V − E_i); no reset.",
            ),
            ("Synapse model", "A jump of a conductance, which decays exponentially: τ_e g_e' = −g_e, τ_i g_i' = −g_i."),
            ("Plasticity", "None."),
            (
                "Input",
                "None. V starts at E_L + N(−5, 5) mV, g_e at 10 N(4, 1.5) nS, g_i at 10 N(20, 12) nS, gates at 0.",
            ),
        ],
        Network::Brunel(_) => [
            ("Populations", two),
            (
                "Connectivity",
                "Each neuron receives C_E excitatory and C_I inhibitory synapses; partners are drawn, with replacement; one delay.",
            ),
            (
                "Neuron model",
                "Leaky integrate-and-fire, fixed threshold, reset, absolute refractory time: τ V' = −V + input.",
            ),
            (
                "Synapse model",
                "A jump of the potential: J from excitatory neurons and from outside, −g J from inhibitory ones.",
            ),
            ("Plasticity", "None."),
            ("Input", "Independent Poisson spikes to each neuron, at the rate η ν_thr C_E."),
        ],
    }
}

/// Every parameter as it was used.
fn parameters(config: &SimulationConfig) -> Vec<Row> {
    let mut rows = match &config.network {
        Network::Cuba(network) => cuba(network, config.dt),
        Network::Coba(network) => coba(network, config.dt),
        Network::Cobahh(network) => cobahh(network, config.dt),
        Network::Brunel(network) => brunel(network),
    };
    rows.push(("h (dt)", "time step of the simulation", config.dt.0, "ms"));
    rows
}

/// What CUBA, COBA and COBAHH have in common.
fn pairs(neurons: usize, probability: f64, delay: Ms) -> Vec<Row> {
    vec![
        ("N (neurons)", "neurons", neurons as f64, ""),
        ("p (probability)", "probability of a synapse", probability, ""),
        ("D (delay)", "delay of every synapse", delay.0, "ms"),
    ]
}

fn cuba(c: &CubaConfig, dt: Ms) -> Vec<Row> {
    let mut rows = pairs(c.neurons, c.probability(), c.delay.unwrap_or(dt));
    rows.extend([
        ("w_e (w_ex)", "weight of an excitatory synapse", c.w_ex.0, "mV"),
        ("w_i (w_in)", "weight of an inhibitory synapse", c.w_in.0, "mV"),
        ("τ_m (tau_m)", "membrane time constant", c.tau_m.0, "ms"),
        ("E_L (e_l)", "leak reversal potential", c.e_l.0, "mV"),
        ("V_th (v_th)", "threshold", c.v_th.0, "mV"),
        ("V_r (v_reset)", "potential after a spike", c.v_reset.0, "mV"),
        ("t_ref", "absolute refractory period", c.t_ref.0, "ms"),
        ("τ_e (tau_syn_ex)", "time constant of the excitatory current", c.tau_syn_ex.0, "ms"),
        ("τ_i (tau_syn_in)", "time constant of the inhibitory current", c.tau_syn_in.0, "ms"),
    ]);
    rows
}

fn coba(c: &CobaConfig, dt: Ms) -> Vec<Row> {
    let mut rows = pairs(c.neurons, c.probability(), c.delay.unwrap_or(dt));
    rows.extend([
        ("w_e (w_ex)", "weight of an excitatory synapse", c.w_ex.0, "nS"),
        ("w_i (w_in)", "weight of an inhibitory synapse", c.w_in.0, "nS"),
        ("C_m (c_m)", "membrane capacitance", c.c_m.0, "pF"),
        ("g_L (g_l)", "leak conductance", c.g_l.0, "nS"),
        ("E_L (e_l)", "leak reversal potential", c.e_l.0, "mV"),
        ("E_e (e_ex)", "excitatory reversal potential", c.e_ex.0, "mV"),
        ("E_i (e_in)", "inhibitory reversal potential", c.e_in.0, "mV"),
        ("V_th (v_th)", "threshold", c.v_th.0, "mV"),
        ("V_r (v_reset)", "potential after a spike", c.v_reset.0, "mV"),
        ("t_ref", "absolute refractory period", c.t_ref.0, "ms"),
        ("τ_e (tau_syn_ex)", "time constant of the excitatory conductance", c.tau_syn_ex.0, "ms"),
        ("τ_i (tau_syn_in)", "time constant of the inhibitory conductance", c.tau_syn_in.0, "ms"),
    ]);
    rows
}

fn cobahh(c: &CobahhConfig, dt: Ms) -> Vec<Row> {
    let mut rows = pairs(c.neurons, c.probability(), c.delay.unwrap_or(dt));
    rows.extend([
        ("w_e (w_ex)", "weight of an excitatory synapse", c.w_ex.0, "nS"),
        ("w_i (w_in)", "weight of an inhibitory synapse", c.w_in.0, "nS"),
        ("C_m (c_m)", "membrane capacitance", c.c_m.0, "pF"),
        ("g_Na (g_na)", "sodium conductance", c.g_na.0, "nS"),
        ("g_K (g_k)", "potassium conductance", c.g_k.0, "nS"),
        ("g_L (g_l)", "leak conductance", c.g_l.0, "nS"),
        ("E_Na (e_na)", "sodium reversal potential", c.e_na.0, "mV"),
        ("E_K (e_k)", "potassium reversal potential", c.e_k.0, "mV"),
        ("E_L (e_l)", "leak reversal potential", c.e_l.0, "mV"),
        ("V_T (v_t)", "shift of the kinetics", c.v_t.0, "mV"),
        ("E_e (e_ex)", "excitatory reversal potential", c.e_ex.0, "mV"),
        ("E_i (e_in)", "inhibitory reversal potential", c.e_in.0, "mV"),
        ("V_th (v_th)", "level whose upward crossing is a spike", c.v_th.0, "mV"),
        ("t_ref", "time after a spike in which no other is counted", c.t_ref.0, "ms"),
        ("τ_e (tau_syn_ex)", "time constant of the excitatory conductance", c.tau_syn_ex.0, "ms"),
        ("τ_i (tau_syn_in)", "time constant of the inhibitory conductance", c.tau_syn_in.0, "ms"),
    ]);
    rows
}

fn brunel(c: &BrunelConfig) -> Vec<Row> {
    let [excitatory, inhibitory] = c.degrees();
    vec![
        ("N (neurons)", "neurons", c.neurons as f64, ""),
        ("ε (epsilon)", "part of each population that reaches a neuron", c.epsilon, ""),
        ("C_E", "excitatory synapses of a neuron: ε N_E", excitatory as f64, ""),
        ("C_I", "inhibitory synapses of a neuron: ε N_I", inhibitory as f64, ""),
        ("J (j)", "weight of an excitatory synapse", c.j.0, "mV"),
        ("g", "inhibition over excitation: inhibitory synapses weigh −g J", c.g, ""),
        ("η (eta)", "external rate over the rate that takes a neuron to its threshold", c.eta, ""),
        ("η ν_thr C_E", "rate of all external spikes of a neuron: η θ / (J τ)", c.external_rate().0, "Hz"),
        ("D (delay)", "delay of every synapse", c.delay.0, "ms"),
        ("τ (tau_m)", "membrane time constant", c.tau_m.0, "ms"),
        ("θ (v_th)", "threshold above rest", c.v_th.0, "mV"),
        ("V_r (v_reset)", "potential after a spike, above rest", c.v_reset.0, "mV"),
        ("τ_rp (t_ref)", "absolute refractory period", c.t_ref.0, "ms"),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every field of a network's configuration stands in its table, with the value that is used.
    #[test]
    fn the_table_has_every_parameter() {
        for network in Network::all() {
            let fields = serde_json::to_value(network).unwrap();
            let rows = parameters(&SimulationConfig::new(network));
            for (name, value) in fields.as_object().unwrap().iter().filter(|(name, _)| *name != "kind") {
                let named = |symbol: &str| symbol == name || symbol.ends_with(&format!("({name})"));
                let row = rows.iter().find(|row| named(row.0)).unwrap_or_else(|| panic!("{}: {name}", network.name()));
                // Those that are not given follow from others.
                assert!(value.is_null() || value.as_f64() == Some(row.2), "{name}: {value}, {}", row.2);
            }
        }
    }

    #[test]
    fn values_are_short() {
        assert_eq!([0.1, -49.0, 20_000.0, 0.006_400, 0.0].map(shown), ["0.1", "-49", "20000", "0.0064", "0"]);
    }
}
