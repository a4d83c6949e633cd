//! Data sets unlike MNIST, to try a trainer on: small, tiny, oblong, of two and of two hundred classes, noisy.
//!
//! `cargo run --release -p nl-data --example own_sets` writes each as a folder of IDX files, the same bytes each time, below
//! the folder that is named behind `--`, else below a temporary one. Those made of digits and of clothes need MNIST and
//! Fashion-MNIST below `$NL_DATASETS`; without them, they are made of procedural digits.

use std::error::Error;
use std::path::Path;

use nl_data::{Images, Limits, Split, load_idx_dir, save_idx_dir, synthetic};
use nl_random::{Rng, Streams};
use rand::RngExt;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args_os().nth(1).map_or_else(|| std::env::temp_dir().join("own-sets"), Into::into);
    let known = |name: &str| {
        let dir = std::env::var_os("NL_DATASETS").map(|dir| Path::new(&dir).join(name));
        dir.and_then(|dir| load_idx_dir(dir, &Limits::default()).ok())
            .unwrap_or_else(|| synthetic::digits(8_000, 2_000, 1))
    };
    let (digits, clothes) = (known("mnist"), known("fashion-mnist"));
    let sets = [
        ("digits-8x8-300", resized(&digits, [8, 8], 300, 1)?),
        ("digits-8x8-3000", resized(&digits, [8, 8], 3_000, 2)?),
        ("digits-20x12-1000", resized(&digits, [20, 12], 1_000, 3)?),
        ("digits-64x64-600", resized(&digits, [64, 64], 600, 4)?),
        ("digits-noisy-2000", noisy(&resized(&digits, [28, 28], 2_000, 5)?, 90.0)?),
        ("clothes-14x14-1000", resized(&clothes, [14, 14], 1_000, 6)?),
        ("clothes-28x28-3000", resized(&clothes, [28, 28], 3_000, 7)?),
        ("clothes-32x32-3000", resized(&clothes, [32, 32], 3_000, 8)?),
        ("strokes-2-16x16-300", strokes(2, [16, 16], 300, 60.0, 9)?),
        ("strokes-47-24x24-2350", strokes(47, [24, 24], 2_350, 40.0, 10)?),
        ("strokes-100-20x20-3000", strokes(100, [20, 20], 3_000, 30.0, 11)?),
        ("strokes-200-16x16-4000", strokes(200, [16, 16], 4_000, 20.0, 12)?),
        ("strokes-200-16x16-300", strokes(200, [16, 16], 300, 5.0, 13)?),
        ("gratings-6-8x40-1000", gratings(6, [8, 40], 1_000, 14)?),
        ("chance-4-16x16-1000", chance(4, [16, 16], 1_000, 15)?),
    ];
    for (name, split) in &sets {
        save_idx_dir(split, folder.join(name))?;
        let (n, m) = (split.train.len(), split.test.len());
        println!("{name}: {n} + {m} images, {} classes", split.train.classes());
    }
    println!("in {}", folder.display());
    Ok(())
}

/// Test images of a set made here.
const TEST: usize = 1_000;

/// The first images of a set, drawn by `seed`, each pixel the mean of the area of the original that it covers.
fn resized(split: &Split, to: [usize; 2], train: usize, seed: u64) -> Result<Split, Box<dyn Error>> {
    let part = |images: &Images, n: usize, epoch| -> Result<Images, Box<dyn Error>> {
        let mut rng = Streams::new(seed).rng("choose", epoch, 0);
        let mut order: Vec<u32> = (0..images.len() as u32).collect();
        for i in 0..n.min(order.len()) {
            let j = rng.random_range(i as u32..order.len() as u32) as usize;
            order.swap(i, j);
        }
        order.truncate(n);
        let chosen = images.select(&order);
        let mut pixels = Vec::with_capacity(n * to[0] * to[1]);
        for i in 0..chosen.len() {
            let from = [chosen.height(), chosen.width()];
            for y in 0..to[0] {
                let rows = covered(y, to[0], from[0]);
                for x in 0..to[1] {
                    let columns = covered(x, to[1], from[1]);
                    let (mut sum, mut weight) = (0.0, 0.0);
                    for &(v, a) in &rows {
                        for &(u, b) in &columns {
                            sum += a * b * f64::from(chosen.image(i)[v * from[1] + u]);
                            weight += a * b;
                        }
                    }
                    pixels.push((sum / weight).round() as u8);
                }
            }
        }
        Ok(Images::new(pixels, chosen.labels().to_vec(), to[0], to[1], images.classes())?)
    };
    Ok(Split { train: part(&split.train, train, 0)?, test: part(&split.test, TEST, 1)? })
}

/// The old pixels under new pixel `i` of `to`, each with the length that is covered.
fn covered(i: usize, to: usize, from: usize) -> Vec<(usize, f64)> {
    let side = from as f64 / to as f64;
    let (start, end) = (i as f64 * side, (i + 1) as f64 * side);
    let last = (end.ceil() as usize).min(from);
    (start as usize..last).map(|p| (p, (end.min(p as f64 + 1.0) - start.max(p as f64)).max(1e-9))).collect()
}

/// A value between 0 and 255.
fn byte(x: f64) -> u8 {
    x.round().clamp(0.0, 255.0) as u8
}

/// About normal: mean 0, standard deviation 1.
fn normal(rng: &mut Rng) -> f64 {
    (0..12).map(|_| f64::from(rng.random::<f32>())).sum::<f64>() - 6.0
}

/// The same images under normal noise.
fn noisy(split: &Split, deviation: f64) -> Result<Split, Box<dyn Error>> {
    let part = |images: &Images, epoch| -> Result<Images, Box<dyn Error>> {
        let mut rng = Streams::new(77).rng("noise", epoch, 0);
        let pixels = images.pixels().iter().map(|&p| byte(f64::from(p) + deviation * normal(&mut rng))).collect();
        let labels = images.labels().to_vec();
        Ok(Images::new(pixels, labels, images.height(), images.width(), images.classes())?)
    };
    Ok(Split { train: part(&split.train, 0)?, test: part(&split.test, 1)? })
}

/// `n` training and 1,000 test images, as even as possible over the classes; `draw(class, rng)` gives the pixels.
fn made(
    classes: usize,
    [height, width]: [usize; 2],
    n: usize,
    seed: u64,
    draw: impl Fn(usize, &mut Rng) -> Vec<u8>,
) -> Result<Split, Box<dyn Error>> {
    let part = |n: usize, epoch| -> Result<Images, Box<dyn Error>> {
        let mut pixels = Vec::with_capacity(n * height * width);
        for i in 0..n {
            pixels.extend(draw(i % classes, &mut Streams::new(seed).rng("draw", epoch, i as u64)));
        }
        Ok(Images::new(pixels, (0..n).map(|i| (i % classes) as u8).collect(), height, width, classes)?)
    };
    Ok(Split { train: part(n, 0)?, test: part(TEST, 1)? })
}

/// A class is three strokes; an image of it is moved, turned and drawn anew, under noise.
fn strokes(classes: usize, size: [usize; 2], n: usize, noise: f64, seed: u64) -> Result<Split, Box<dyn Error>> {
    let class_strokes: Vec<[[f64; 4]; 3]> = (0..classes)
        .map(|class| {
            let mut rng = Streams::new(seed).rng("class", 0, class as u64);
            [(); 3].map(|()| [(); 4].map(|()| 0.12 + 0.76 * f64::from(rng.random::<f32>())))
        })
        .collect();
    made(classes, size, n, seed, |class, rng| {
        let mut within = |limit: f64| limit * (2.0 * f64::from(rng.random::<f32>()) - 1.0);
        let (dx, dy, turn, grow) = (within(0.1), within(0.1), within(0.3), 1.0 + within(0.2));
        let wobble = [(); 12].map(|()| within(0.1));
        let (sin, cos) = turn.sin_cos();
        let place = |x: f64, y: f64| {
            let (x, y) = (grow * (x - 0.5), grow * (y - 0.5));
            (cos * x - sin * y + 0.5 + dx, sin * x + cos * y + 0.5 + dy)
        };
        let lines: Vec<[f64; 4]> = class_strokes[class]
            .iter()
            .zip(wobble.chunks_exact(4))
            .map(|(s, w)| {
                let ((x0, y0), (x1, y1)) = (place(s[0] + w[0], s[1] + w[1]), place(s[2] + w[2], s[3] + w[3]));
                [x0, y0, x1, y1]
            })
            .collect();
        let mut pixels = Vec::with_capacity(size[0] * size[1]);
        for row in 0..size[0] {
            for column in 0..size[1] {
                let at = [(column as f64 + 0.5) / size[1] as f64, (row as f64 + 0.5) / size[0] as f64];
                let nearest = lines.iter().map(|line| distance(at, line)).fold(f64::INFINITY, f64::min);
                let ink = (1.0 - (nearest - 0.03) * 16.0).clamp(0.0, 1.0);
                pixels.push(byte(230.0 * ink + noise * normal(rng)));
            }
        }
        pixels
    })
}

/// From a point to a line segment.
fn distance([x, y]: [f64; 2], &[x0, y0, x1, y1]: &[f64; 4]) -> f64 {
    let (dx, dy) = (x1 - x0, y1 - y0);
    let t = (((x - x0) * dx + (y - y0) * dy) / (dx * dx + dy * dy).max(1e-12)).clamp(0.0, 1.0);
    (x - x0 - t * dx).hypot(y - y0 - t * dy)
}

/// Grey gratings: a class is an orientation and a wavelength, the phase is anything.
fn gratings(classes: usize, size: [usize; 2], n: usize, seed: u64) -> Result<Split, Box<dyn Error>> {
    made(classes, size, n, seed, |class, rng| {
        let share = class as f64 / classes as f64;
        let angle = std::f64::consts::PI * (share + 0.03 * normal(rng));
        let (phase, length) = (6.3 * f64::from(rng.random::<f32>()), 4.0 + (class % 2) as f64 * 2.0);
        let mut pixels = Vec::with_capacity(size[0] * size[1]);
        for row in 0..size[0] {
            for column in 0..size[1] {
                let along = angle.cos() * column as f64 + angle.sin() * row as f64;
                let wave = (std::f64::consts::TAU * along / length + phase).sin();
                pixels.push(byte(128.0 + 60.0 * wave + 90.0 * normal(rng)));
            }
        }
        pixels
    })
}

/// Noise, whose label nothing in it tells: no method can do better than guess.
fn chance(classes: usize, size: [usize; 2], n: usize, seed: u64) -> Result<Split, Box<dyn Error>> {
    made(classes, size, n, seed, |_, rng| (0..size[0] * size[1]).map(|_| byte(128.0 + 50.0 * normal(rng))).collect())
}
