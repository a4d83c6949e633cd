//! Trajectories equal to PyTorch's. The numbers: `tests/reference/optim.json` and `huge.json`, made by `optim.py` beside
//! them.

use approx::{abs_diff_eq, assert_relative_eq, relative_eq};
use nl_optim::{Algorithm, Mask, Optimizer, OptimizerConfig, Plateau, Schedule};
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
                    // A hundred steps of a few roundings each, in another order.
                    let near = relative_eq!(got, want, max_relative = 1e-5, epsilon = 1e-5);
                    assert!(near, "{config:?} step {step}: {got}, not {want}");
                }
            }
        }
        assert!(rows.next().is_none());
    }
}

#[derive(Deserialize)]
struct Huge {
    walks: Vec<Walk>,
}

/// One parameter from 0 at a learning rate of 1.
#[derive(Deserialize)]
struct Walk {
    algorithm: Algorithm,
    gradients: Vec<f32>,
    positions: Vec<f32>,
}

/// g · g is infinite in `f32` from 1.85e19 on; the average that it enters must not be.
#[test]
fn a_huge_gradient_is_followed_by_the_steps_of_the_reference() {
    let Huge { walks } = serde_json::from_str(include_str!("reference/huge.json")).unwrap();
    assert_eq!(walks.len(), 18);
    for Walk { algorithm, gradients, positions } in walks {
        let optimizer =
            Optimizer::new(OptimizerConfig::new(algorithm, Schedule::Constant { rate: 1.0 }), Mask::all()).unwrap();
        let mut p = [0.0];
        let mut state = optimizer.init(&p).unwrap();
        for (step, (g, want)) in (0..).zip(gradients.iter().zip(&positions)) {
            optimizer.step(&mut p, &mut [*g], &mut state, step).unwrap();
            // A few roundings a step, in another order; positions up to 60.
            assert_relative_eq!(p[0], *want, max_relative = 3e-6, epsilon = 3e-6);
        }
    }
}

#[test]
fn schedules_follow_the_reference() {
    for Rates { config, rates } in reference().schedules {
        assert_eq!((config.validate(), rates.len()), (Ok(()), 100));
        for (step, want) in (0..).zip(rates) {
            let got = config.rate(step);
            assert!(abs_diff_eq!(got, want, epsilon = 1e-12), "{config:?} step {step}: {got}, not {want}");
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
            assert!(abs_diff_eq!(got, want, epsilon = 1.1e-8), "{config:?}: {got}, not {want}");
        }
    }
}
