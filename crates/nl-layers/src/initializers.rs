//! First values of parameters.

#[cfg(feature = "orthogonal")]
use nalgebra::DMatrix;
use nl_random::Rng;
use rand::RngExt;
use serde::{Deserialize, Serialize};

/// How many inputs feed one output, and how many outputs one input feeds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fans {
    /// Terms in the sum of one output.
    pub fan_in: usize,
    /// Outputs that one input takes part in.
    pub fan_out: usize,
}

impl Fans {
    /// Fans of a weight `[out, in, kernel …]`: fan_in = in · ∏kernel, fan_out = out · ∏kernel.
    ///
    /// Vectors `[n]` count as diagonal (fan_in = fan_out = 1).
    ///
    /// ```
    /// use nl_layers::Fans;
    /// assert_eq!(Fans::of(&[10, 128]), Fans { fan_in: 128, fan_out: 10 });
    /// assert_eq!(Fans::of(&[64, 32, 3, 3]), Fans { fan_in: 32 * 9, fan_out: 64 * 9 });
    /// ```
    #[must_use]
    pub fn of(shape: &[usize]) -> Self {
        let [out, input, kernel @ ..] = shape else { return Self { fan_in: 1, fan_out: 1 } };
        let field = kernel.iter().product::<usize>();
        Self { fan_in: input.saturating_mul(field), fan_out: out.saturating_mul(field) }
    }

    /// Fans of a transposed convolution's weight `[in, out, kernel …]`: fan_in = in · ∏⌈kernel / stride⌉ (the taps
    /// that reach one output pixel), fan_out = out · ∏kernel.
    ///
    /// PyTorch reads the same shape as `[out, in, …]`, which swaps the two and leaves the stride out.
    #[must_use]
    pub fn of_transposed(shape: &[usize], stride: [usize; 2]) -> Self {
        let &[input, out, height, width] = shape else { return Self { fan_in: 1, fan_out: 1 } };
        let taps = height.div_ceil(stride[0].max(1)) * width.div_ceil(stride[1].max(1));
        Self { fan_in: input.saturating_mul(taps), fan_out: out.saturating_mul(height * width) }
    }
}

/// Which of the two directions keeps its variance in He's initialisers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Fan {
    /// The forward pass.
    #[default]
    In,
    /// The backward pass.
    Out,
}

impl Fan {
    fn of(self, fans: Fans) -> usize {
        match self {
            Self::In => fans.fan_in,
            Self::Out => fans.fan_out,
        }
    }
}

/// A distribution of first values.
///
/// | | standard deviation σ | source |
/// |---|---|---|
/// | He | √(2 / fan) | He et al., "Delving Deep into Rectifiers", 2015, eq. 10 (in), eq. 14 (out) |
/// | Xavier | √(2 / (fan_in + fan_out)) | Glorot & Bengio, 2010, eq. 12 (normal), eq. 16 (uniform) |
/// | orthogonal | rows or columns orthonormal, times the gain | Saxe, McClelland & Ganguli, 2014 |
///
/// "Normal" draws from N(0, σ²), untruncated; "uniform" from U(−√3 σ, √3 σ), which has the same variance.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Initializer {
    /// 0
    Zeros,
    /// The same number everywhere.
    Constant {
        /// That number.
        value: f64,
    },
    /// N(0, 2 / fan), for layers followed by a ReLU.
    HeNormal {
        /// Which side is counted.
        #[serde(default)]
        fan: Fan,
    },
    /// U(−√(6 / fan), √(6 / fan)), for layers followed by a ReLU.
    HeUniform {
        /// Which side is counted.
        #[serde(default)]
        fan: Fan,
    },
    /// N(0, 2 / (fan_in + fan_out)), for linear, tanh and sigmoid layers.
    XavierNormal,
    /// U(−√(6 / (fan_in + fan_out)), √(6 / (fan_in + fan_out))), for linear, tanh and sigmoid layers.
    XavierUniform,
    /// The matrix `[out, rest]` uniformly distributed over those with orthonormal rows (or columns, if there are
    /// fewer of them), times the gain. With the feature `orthogonal`, which is on unless it is turned off.
    #[cfg(feature = "orthogonal")]
    Orthogonal {
        /// What the orthonormal matrix is multiplied by.
        gain: f64,
    },
}

impl Initializer {
    /// He's normal distribution with `Fan::In`.
    pub const HE_NORMAL: Self = Self::HeNormal { fan: Fan::In };

    /// Fills `out`, of shape `shape`; the error says what is wrong with this initialiser.
    #[cfg_attr(not(feature = "orthogonal"), expect(unused_variables, reason = "only orthogonality asks for the shape"))]
    pub(crate) fn fill(self, shape: &[usize], fans: Fans, rng: &mut Rng, out: &mut [f32]) -> Result<(), String> {
        let glorot = (fans.fan_in as f64 + fans.fan_out as f64) / 2.0;
        match self {
            Self::Zeros => out.fill(0.0),
            Self::Constant { value: x } if x.is_finite() => out.fill(x as f32),
            Self::Constant { value: x } => return Err(format!("cannot be initialised with {x}; give a finite number")),
            Self::HeNormal { fan } => normal((2.0 / fan.of(fans) as f64).sqrt(), rng, out),
            Self::HeUniform { fan } => uniform((6.0 / fan.of(fans) as f64).sqrt(), rng, out),
            Self::XavierNormal => normal(glorot.recip().sqrt(), rng, out),
            Self::XavierUniform => uniform((3.0 / glorot).sqrt(), rng, out),
            #[cfg(feature = "orthogonal")]
            Self::Orthogonal { gain } => {
                if shape.len() < 2 || !gain.is_finite() {
                    return Err(format!(
                        "an orthogonal parameter needs two or more axes and a finite gain, got the shape {shape:?} \
                         and the gain {gain}"
                    ));
                }
                orthogonal(gain, shape[0], rng, out);
            }
        }
        Ok(())
    }
}

fn uniform(bound: f64, rng: &mut Rng, out: &mut [f32]) {
    for x in out {
        *x = (bound * (2.0 * rng.random::<f64>() - 1.0)) as f32;
    }
}

fn normal(sigma: f64, rng: &mut Rng, out: &mut [f32]) {
    for pair in out.chunks_mut(2) {
        for (x, z) in pair.iter_mut().zip(standard_normal_pair(rng)) {
            *x = (sigma * z) as f32;
        }
    }
}

/// z₁, z₂ = √(−2 ln u₁) · (cos 2πu₂, sin 2πu₂), with u₁ in (0, 1], u₂ in [0, 1).
///
/// Source: Box & Muller, 1958, eq. 2.
pub(crate) fn standard_normal_pair(rng: &mut Rng) -> [f64; 2] {
    let radius = (-2.0 * (1.0 - rng.random::<f64>()).ln()).sqrt();
    let (sin, cos) = (std::f64::consts::TAU * rng.random::<f64>()).sin_cos();
    [radius * cos, radius * sin]
}

/// A = QR of a Gaussian matrix; Q · diag(sign r_ii) is uniform (Haar) over orthogonal matrices.
///
/// Without the signs, Q would depend on the convention of the decomposition: Mezzadri, "How to generate random
/// matrices from the classical compact groups", 2007, sec. 5.
#[cfg(feature = "orthogonal")]
fn orthogonal(gain: f64, rows: usize, rng: &mut Rng, out: &mut [f32]) {
    let cols = out.len() / rows;
    let (tall, wide) = (rows.max(cols), rows.min(cols));
    let mut gaussian = DMatrix::zeros(tall, wide);
    for pair in gaussian.as_mut_slice().chunks_mut(2) {
        for (x, z) in pair.iter_mut().zip(standard_normal_pair(rng)) {
            *x = z;
        }
    }
    let (q, r) = gaussian.qr().unpack();
    for row in 0..rows {
        for col in 0..cols {
            let (i, j) = if rows >= cols { (row, col) } else { (col, row) };
            out[row * cols + col] = (gain * q[(i, j)] * r[(j, j)].signum()) as f32;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nl_random::Streams;

    fn draw(initializer: Initializer, shape: &[usize]) -> Vec<f32> {
        let mut out = vec![f32::NAN; shape.iter().product()];
        let mut rng = Streams::new(5).rng("init/test", 0, 0);
        initializer.fill(shape, Fans::of(shape), &mut rng, &mut out).unwrap();
        out
    }

    /// Mean, variance and kurtosis (E z⁴ / σ⁴) of a sample.
    fn moments(x: &[f32]) -> (f64, f64, f64) {
        let n = x.len() as f64;
        let mean = x.iter().map(|&v| f64::from(v)).sum::<f64>() / n;
        let central = |p| x.iter().map(|&v| (f64::from(v) - mean).powi(p)).sum::<f64>() / n;
        (mean, central(2), central(4) / central(2).powi(2))
    }

    #[test]
    fn variances_and_shapes_of_the_distributions() {
        let shape = [60, 20, 5, 5];
        let (fan_in, fan_out) = (500.0, 1500.0);
        let (gaussian, flat) = (3.0, 1.8); // kurtosis of the normal and of the uniform distribution
        let table = [
            (Initializer::HeNormal { fan: Fan::In }, 2.0 / fan_in, gaussian),
            (Initializer::HeNormal { fan: Fan::Out }, 2.0 / fan_out, gaussian),
            (Initializer::HeUniform { fan: Fan::In }, 2.0 / fan_in, flat),
            (Initializer::HeUniform { fan: Fan::Out }, 2.0 / fan_out, flat),
            (Initializer::XavierNormal, 2.0 / (fan_in + fan_out), gaussian),
            (Initializer::XavierUniform, 2.0 / (fan_in + fan_out), flat),
        ];
        for (initializer, variance, kurtosis) in table {
            let x = draw(initializer, &shape);
            let n = x.len() as f64;
            let (mean, var, kurt) = moments(&x);
            // Five standard errors: of a mean σ/√n, of a variance at most σ²√(2/n), of a kurtosis at most √(24/n).
            assert!(mean.abs() < 5.0 * (variance / n).sqrt(), "{initializer:?}: mean {mean}");
            assert!((var / variance - 1.0).abs() < 5.0 * (2.0 / n).sqrt(), "{initializer:?}: variance {var}");
            assert!((kurt - kurtosis).abs() < 5.0 * (24.0 / n).sqrt(), "{initializer:?}: kurtosis {kurt}");
        }
    }

    #[test]
    fn uniform_stays_within_its_bounds_and_reaches_them() {
        let x = draw(Initializer::XavierUniform, &[100, 50]);
        let bound = (6.0_f32 / 150.0).sqrt();
        let largest = x.iter().fold(0.0_f32, |m, v| m.max(v.abs()));
        assert!(largest <= bound && largest > 0.99 * bound, "{largest} against {bound}");
    }

    #[test]
    fn orthogonal_rows_or_columns() {
        for shape in [vec![12, 12], vec![5, 20], vec![20, 5], vec![8, 3, 3, 3], vec![40, 2, 3, 3], vec![1, 4]] {
            let gain = 1.5;
            let x = draw(Initializer::Orthogonal { gain }, &shape);
            let (rows, cols) = (shape[0], x.len() / shape[0]);
            let at = |i: usize, j: usize| f64::from(x[i * cols + j]);
            let n = rows.min(cols);
            for a in 0..n {
                for b in 0..n {
                    let product: f64 = if rows <= cols {
                        (0..cols).map(|j| at(a, j) * at(b, j)).sum()
                    } else {
                        (0..rows).map(|i| at(i, a) * at(i, b)).sum()
                    };
                    let expected = if a == b { gain * gain } else { 0.0 };
                    // Entries are rounded to f32.
                    let near = approx::abs_diff_eq!(product, expected, epsilon = 1e-6);
                    assert!(near, "{shape:?}: <{a}, {b}> = {product}");
                }
            }
        }
    }

    /// The sign fix makes the distribution symmetric: without it, Householder's Q has a fixed sign on the diagonal.
    #[test]
    fn orthogonal_signs_are_balanced() {
        let streams = Streams::new(11);
        let positive = (0..400)
            .filter(|&i| {
                let mut out = [0.0; 9];
                orthogonal(1.0, 3, &mut streams.rng("signs", 0, i), &mut out);
                out[0] > 0.0
            })
            .count();
        // Five standard errors of a fair coin: 5 · √400 / 2 = 50.
        assert!((150..=250).contains(&positive), "{positive} of 400 positive");
    }

    #[test]
    fn fans_of_transposed_convolutions() {
        // kernel 4, stride 2: each output pixel is reached by 2 × 2 taps of each input channel.
        let fans = Fans::of_transposed(&[32, 16, 4, 4], [2, 2]);
        assert_eq!(fans, Fans { fan_in: 32 * 4, fan_out: 16 * 16 });
        assert_eq!(Fans::of(&[7]), Fans { fan_in: 1, fan_out: 1 });
    }

    #[test]
    fn what_cannot_be_filled_is_an_error() {
        let mut rng = Streams::new(1).rng("x", 0, 0);
        let mut fill = |i: Initializer, shape: &[usize]| i.fill(shape, Fans::of(shape), &mut rng, &mut [0.0; 4]);
        assert!(fill(Initializer::Orthogonal { gain: 1.0 }, &[4]).is_err());
        assert!(fill(Initializer::Orthogonal { gain: f64::NAN }, &[2, 2]).is_err());
        assert!(fill(Initializer::Constant { value: f64::INFINITY }, &[4]).is_err());
    }

    /// A changed number here is a changed start of every experiment: a decision, not an accident.
    #[test]
    fn value_stability() {
        let close = |got: Vec<f32>, pinned: [f32; 4]| {
            // Logarithm and sine may differ in the last bit from one system to another.
            approx::assert_abs_diff_eq!(got[..], pinned[..], epsilon = 1e-6);
        };
        close(draw(Initializer::HE_NORMAL, &[2, 2]), [1.0204244, -0.5748273, -0.5421299, -0.9035714]);
        close(draw(Initializer::XavierUniform, &[2, 2]), [-0.008974572, 1.0247474, -0.18119593, 0.4016949]);
        close(draw(Initializer::Orthogonal { gain: 1.0 }, &[2, 2]), [0.8712694, -0.49080503, -0.49080503, -0.8712694]);
    }

    /// As a configuration file has them; a name of before is refused with today's.
    #[test]
    fn initialisers_are_named_in_kebab_case() {
        for (text, initialiser) in [
            (r#"{"kind": "zeros"}"#, Initializer::Zeros),
            (r#"{"kind": "constant", "value": 2}"#, Initializer::Constant { value: 2.0 }),
            (r#"{"kind": "he-normal"}"#, Initializer::HE_NORMAL),
            (r#"{"kind": "he-uniform", "fan": "out"}"#, Initializer::HeUniform { fan: Fan::Out }),
            (r#"{"kind": "xavier-normal"}"#, Initializer::XavierNormal),
        ] {
            assert_eq!(serde_json::from_str::<Initializer>(text).unwrap(), initialiser, "{text}");
            let written = serde_json::to_string(&initialiser).unwrap();
            assert_eq!(serde_json::from_str::<Initializer>(&written).unwrap(), initialiser, "{written}");
        }
        let refused = |text| serde_json::from_str::<Initializer>(text).unwrap_err().to_string();
        assert!(refused(r#"{"kind": "he_normal"}"#).contains("`he-normal`"));
        assert!(refused(r#"{"kind": "he-normal", "fans": "in"}"#).contains("fans"));
    }
}
