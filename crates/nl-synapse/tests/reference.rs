//! Short-term plasticity against NEST and Brian2: numbers and the script that made them are in `tests/reference`.

use approx::{assert_abs_diff_eq, assert_relative_eq};
use nl_synapse::{TsodyksMarkram, TsodyksMarkramParameters};
use nl_units::Ms;
use serde_json::Value;

#[test]
fn tsodyks_markram_transmits_what_nest_and_brian2_transmit() {
    let reference: Value = serde_json::from_str(include_str!("reference/short_term_plasticity.json")).unwrap();
    let cases = reference["cases"].as_array().unwrap();
    assert!(cases.len() >= 9);
    for case in cases {
        let p = &case["parameters"];
        let number = |name: &str| p[name].as_f64().unwrap();
        let parameters = TsodyksMarkramParameters {
            utilisation: number("U"),
            tau_rec: Ms(number("tau_rec_ms")),
            tau_fac: Ms(number("tau_fac_ms")),
        };
        let weight = case["weight"].as_f64().unwrap();
        let dt = Ms(case["dt_ms"].as_f64().unwrap());
        let synapses = TsodyksMarkram::<f64>::new(parameters, dt).unwrap();
        let single = TsodyksMarkram::<f32>::new(parameters, dt).unwrap();
        let (mut state, mut state_single) = (synapses.state(1).unwrap(), single.state(1).unwrap());
        let (mut scale, mut scale_single) = (Vec::new(), Vec::new());
        let (steps, amplitudes) = (case["pre_steps"].as_array().unwrap(), case["amplitudes"].as_array().unwrap());
        assert_eq!(steps.len(), amplitudes.len());
        for (step, amplitude) in steps.iter().zip(amplitudes) {
            let (step, expected) = (step.as_u64().unwrap(), amplitude.as_f64().unwrap());
            synapses.release(&mut state, step, &[0], &mut scale).unwrap();
            single.release(&mut state_single, step, &[0], &mut scale_single).unwrap();
            let got = weight * scale[0];
            assert_relative_eq!(got, expected, max_relative = 1e-12); // roundings of a train in f64
            // f32: a few roundings of 6e-8 relative to the 1 that x is computed from.
            let got = weight * f64::from(scale_single[0]);
            assert_abs_diff_eq!(got, expected, epsilon = 1e-6 * weight);
        }
    }
}
