//! What ten spikes at 20 Hz and one more, half a second later, transmit through synapses that tire or that warm up.
//!
//! `cargo run --release -p nl-synapse --example short_term_plasticity`

use nl_synapse::{Connection, Csr, Error, TsodyksMarkram, TsodyksMarkramParameters, Uniform};
use nl_units::Ms;

const DT: Ms = Ms(1.0);

/// The current that each spike of a train adds, as a bar: w u x of full w.
fn show(what: &str, parameters: TsodyksMarkramParameters) -> Result<(), Error> {
    let synapses = Uniform::new(Csr::from_edges(1, 1, &[(0, 0)])?, 1.0_f32)?;
    let plasticity = TsodyksMarkram::new(parameters, DT)?;
    let mut state = plasticity.state(1)?;
    let mut scale = Vec::new();
    let TsodyksMarkramParameters { utilisation, tau_rec, tau_fac } = parameters;
    println!("{what}: U {utilisation}, recovery {tau_rec}, facilitation {tau_fac}");
    for step in (0..10).map(|k| 50 * k).chain([950]) {
        let mut input = [0.0];
        plasticity.release(&mut state, step, &[0], &mut scale)?;
        synapses.deliver_scaled(&[0], &scale, &mut input)?;
        let bar = "#".repeat((input[0] * 100.0).round() as usize);
        println!("{step:5} ms  u {:.2}  x {:.2}  {:.3} {bar}", state.u()[0], state.x()[0], input[0]);
    }
    println!();
    Ok(())
}

fn main() -> Result<(), Error> {
    show("depressing", TsodyksMarkramParameters::depressing())?;
    show("facilitating", TsodyksMarkramParameters::facilitating())?;
    show("neither", TsodyksMarkramParameters { utilisation: 0.3, tau_rec: Ms(0.0), tau_fac: Ms(0.0) })
}
