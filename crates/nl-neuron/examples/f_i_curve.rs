//! Firing rate against input current (f-I curve) of an integrate-and-fire, a leaky and an adaptive neuron.
//!
//! `cargo run --release -p nl-neuron --example f_i_curve`

use nl_neuron::{
    Alif, AlifParameters, Error, IntegrateAndFire, IntegrateAndFireParameters, Lif, LifParameters, Ms, Mv, NeuronModel,
    Pf, SpikeSet,
};

const DT: Ms = Ms(0.1);
const STEPS: usize = 20_000; // 2 s

/// Rates in Hz of a population in which neuron i receives currents\[i\].
fn rates<M: NeuronModel<f32>>(model: &M, currents: &[f32]) -> Result<Vec<f64>, Error> {
    let mut state = model.state(currents.len())?;
    let mut spikes = SpikeSet::new(currents.len());
    let mut counts = vec![0_u32; currents.len()];
    for _ in 0..STEPS {
        model.step(&mut state, currents, &mut spikes)?;
        for &i in spikes.indices() {
            counts[i as usize] += 1;
        }
    }
    let seconds = STEPS as f64 * DT.0 * 1e-3;
    Ok(counts.into_iter().map(|count| f64::from(count) / seconds).collect())
}

fn main() -> Result<(), Error> {
    let lif = LifParameters::default();
    let alif = AlifParameters {
        tau_m: lif.tau_m,
        c_m: lif.c_m,
        e_l: lif.e_l,
        v_th: lif.v_th,
        v_reset: lif.v_reset,
        beta: Mv(1.0),
        ..Default::default()
    };
    let perfect = IntegrateAndFireParameters { c_m: Pf(250.0), ..Default::default() };
    let currents: Vec<f32> = (0..=10).map(|i| 100.0 * i as f32).collect();
    let f = rates(&IntegrateAndFire::new(perfect, DT)?, &currents)?;
    let l = rates(&Lif::new(lif, DT)?, &currents)?;
    let a = rates(&Alif::new(alif, DT)?, &currents)?;
    println!("current (pA)   IF (Hz)   LIF (Hz)   theory   ALIF (Hz)");
    for (i, &current) in currents.iter().enumerate() {
        // f = 1/(t_ref + τ_m ln((RI + E_L − V_reset)/(RI + E_L − V_th))), Neuronal Dynamics eq. 1.22
        let drive = lif.tau_m.0 / lif.c_m.0 * f64::from(current);
        let above = drive + lif.e_l.0 - lif.v_th.0;
        let theory = if above > 0.0 { 1000.0 / (lif.t_ref.0 + lif.tau_m.0 * (drive / above).ln()) } else { 0.0 };
        println!("{current:12.0} {:9.1} {:10.1} {theory:8.1} {:11.1}", f[i], l[i], a[i]);
    }
    Ok(())
}
