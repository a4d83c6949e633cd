//! Every model answers the same question: what do you do when a current is switched on, and off again?
//!
//! All are silent without it but one: Traub-Miles with the benchmark's leak (E_L = −60 mV, its default) never rests and
//! fires by itself, before and after; with E_L = −70 mV it is silent, too.
//!
//! `cargo run --release -p nl-neuron --example zoo`

use nl_neuron::{
    AdEx, Alif, Coba, CubaAlpha, CubaExp, DiehlCook, Eif, Error, Gif, HodgkinHuxley, IntegrateAndFire, Izhikevich,
    IzhikevichPreset, Lif, Mat2, MorrisLecar, MorrisLecarParameters, Ms, Mv, NeuronModel, Qif, SpikeSet, Srm0,
    TraubMiles, TraubMilesParameters,
};

const DT: Ms = Ms(0.05);
/// Steps a column of the raster: 4 ms.
const COLUMN: usize = 80;

/// One neuron for 400 ms, with `current` in its last receptor from 40 to 320 ms: a character for 4 ms, how often it spiked.
fn show<M: NeuronModel<f32>>(what: &str, model: Result<M, Error>, current: f32) -> Result<(), Error> {
    let model = model?;
    let (mut state, mut spikes) = (model.state(1)?, SpikeSet::new(1));
    let mut input = vec![0.0; model.receptors().len()];
    let mut raster = String::new();
    for column in 0..100 {
        let last = input.len() - 1;
        input[last] = if (10..80).contains(&column) { current } else { 0.0 };
        let mut count = 0;
        for _ in 0..COLUMN {
            model.step(&mut state, &input, &mut spikes)?;
            count += spikes.len();
        }
        raster.push(match count {
            0 => '.',
            1 => '|',
            n => char::from_digit(n as u32, 36).unwrap_or('#'),
        });
    }
    let unit = model.receptors().last().map_or(String::new(), ToString::to_string);
    println!("{what:24} {current:6} {unit:18} {raster}");
    Ok(())
}

fn main() -> Result<(), Error> {
    show("perfect integrator", IntegrateAndFire::new(Default::default(), DT), 100.0)?;
    show("LIF", Lif::new(Default::default(), DT), 450.0)?;
    show("CUBA, exponential", CubaExp::new(Default::default(), DT), 450.0)?;
    show("CUBA, alpha", CubaAlpha::new(Default::default(), DT), 450.0)?;
    show("COBA", Coba::new(Default::default(), DT), 450.0)?;
    show("LIF, adaptive threshold", Alif::new(Default::default(), DT), 3.0)?;
    show("MAT2", Mat2::new(Default::default(), DT), 600.0)?;
    show("SRM0", Srm0::new(Default::default(), DT), 600.0)?;
    show("GIF", Gif::new(Default::default(), DT), 180.0)?;
    show("Diehl & Cook", DiehlCook::new(Default::default(), DT), 30.0)?;
    show("QIF", Qif::new(Default::default(), DT), 400.0)?;
    show("EIF", Eif::new(Default::default(), DT), 400.0)?;
    show("AdEx", AdEx::new(Default::default(), DT), 900.0)?;
    for preset in IzhikevichPreset::ALL {
        show(&format!("Izhikevich {preset:?}"), Izhikevich::new(preset.parameters(), DT), 8.0)?;
    }
    show("Hodgkin-Huxley", HodgkinHuxley::new(Default::default(), DT), 10.0)?;
    show("Traub-Miles, E_L -60 mV", TraubMiles::new(Default::default(), DT), 300.0)?;
    let resting = TraubMilesParameters { e_l: Mv(-70.0), ..Default::default() };
    show("Traub-Miles, E_L -70 mV", TraubMiles::new(resting, DT), 300.0)?;
    show("Morris-Lecar, type I", MorrisLecar::new(MorrisLecarParameters::type_1(), DT), 45.0)?;
    show("Morris-Lecar, type II", MorrisLecar::new(MorrisLecarParameters::type_2(), DT), 100.0)
}
