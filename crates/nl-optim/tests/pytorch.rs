//! Trajectories equal to PyTorch's. The numbers: `tests/reference/optim.json`, made by `optim.py` beside it.

use nl_optim::{Mask, Optimizer, OptimizerConfig, Plateau, Schedule};
use serde::Deserialize;

#[derive(Deserialize)]
struct Reference {
    start: Vec<f32>,
    curvature: Vec<f32>,
    noise: Vec<Vec<f32>>,
    recorded: Vec<usize>,
    optimizers: Vec<Trajectory>,
    schedules: Vec<Rates>,
    plateaus: Vec<Scales>,
}

#[derive(Deserialize)]
struct Trajectory {
    config: OptimizerConfig,
    trajectory: Vec<Vec<f32>>,
}

#[derive(Deserialize)]
struct Rates {
    config: Schedule,
    rates: Vec<f64>,
}

#[derive(Deserialize)]
struct Scales {
    config: Plateau,
    metrics: Vec<f64>,
    scales: Vec<f64>,
}

fn reference() -> Reference {
    serde_json::from_str(include_str!("reference/optim.json")).unwrap()
}

#[test]
fn optimisers_follow_the_reference_for_100_steps() {
    let reference = reference();
    assert!(reference.optimizers.len() >= 19 && reference.noise.len() == 100);
    for Trajectory { config, trajectory } in &reference.optimizers {
        let optimizer = Optimizer::new(config.clone(), Mask::all()).unwrap();
        let mut params = reference.start.clone();
        let mut state = optimizer.init(&params).unwrap();
        let mut rows = reference.recorded.iter().zip(trajectory).peekable();
        for (step, noise) in reference.noise.iter().enumerate() {
            let pull = params.iter().zip(&reference.curvature).map(|(p, c)| c * p);
            let mut grads: Vec<f32> = pull.zip(noise).map(|(pull, noise)| pull + noise).collect();
            optimizer.step(&mut params, &mut grads, &mut state, step as u64).unwrap();
            if let Some((_, want)) = rows.next_if(|row| *row.0 == step) {
                for (got, want) in params.iter().zip(want) {
                    let error = (got - want).abs();
                    assert!(error <= 1e-5 * want.abs().max(1.0), "{config:?} step {step}: {got}, not {want}");
                }
            }
        }
        assert!(rows.next().is_none());
    }
}

#[test]
fn schedules_follow_the_reference() {
    for Rates { config, rates } in reference().schedules {
        assert_eq!((config.validate(), rates.len()), (Ok(()), 100));
        for (step, want) in (0..).zip(rates) {
            let got = config.rate(step);
            assert!((got - want).abs() <= 1e-12, "{config:?} step {step}: {got}, not {want}");
        }
    }
}

#[test]
fn plateaus_follow_the_reference() {
    for Scales { config, metrics, scales } in reference().plateaus {
        config.validate().unwrap();
        let mut state = config.init();
        assert!(scales.last() < Some(&0.5), "the reference never dropped");
        for (metric, want) in metrics.into_iter().zip(scales) {
            config.observe(&mut state, metric);
            let got = state.scale();
            // PyTorch ignores drops of less than 1e-8.
            assert!((got - want).abs() <= 1.1e-8, "{config:?}: {got}, not {want}");
        }
    }
}
