//! What one spike of weight 1 does over 40 ms through each kind of receptor, and what magnesium leaves of NMDA.
//!
//! `cargo run --release -p nl-synapse --example receptors`

use nl_synapse::{Error, Nmda, Receptor};
use nl_units::{Ms, Mv};

const DT: Ms = Ms(0.1);

/// The response to a spike at 0, as one character a half millisecond.
fn show(what: &str, receptor: &Receptor<f64>) -> Result<(), Error> {
    const LEVELS: [char; 9] = [' ', '.', ':', '-', '=', '+', '*', '#', '@'];
    let mut state = receptor.state(1)?;
    let (mut picture, mut peak, mut at) = (String::new(), 0.0, 0.0);
    for step in 0..400 {
        receptor.step(&mut state, &[if step == 0 { 1.0 } else { 0.0 }])?;
        let g = state.g()[0];
        if g > peak {
            (peak, at) = (g, f64::from(step) * DT.0);
        }
        if step % 5 == 0 {
            picture.push(LEVELS[(g * 8.0).round() as usize]);
        }
    }
    println!("{what:28} peak {peak:.3} at {at:4.1} ms |{picture}|");
    Ok(())
}

fn main() -> Result<(), Error> {
    show("exponential, 5 ms", &Receptor::exponential(Ms(5.0), DT)?)?;
    show("alpha, 5 ms", &Receptor::alpha(Ms(5.0), DT)?)?;
    show("AMPA: 0.5 and 2 ms", &Receptor::dual_exponential(Ms(0.5), Ms(2.0), DT)?)?;
    show("NMDA: 2 and 100 ms", &Receptor::dual_exponential(Ms(2.0), Ms(100.0), DT)?)?;
    println!("\npart of the NMDA channels that 1 mM of magnesium leaves open:");
    let nmda = Nmda::new(Mv(0.0), 1.0)?;
    for v in (-80..=40).step_by(20) {
        let open = nmda.unblocked(f64::from(v));
        println!("{v:4} mV  {open:.3} {}", "#".repeat((open * 50.0).round() as usize));
    }
    Ok(())
}
