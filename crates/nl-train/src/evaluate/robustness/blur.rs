//! A Gaussian filter.

/// Smooths `[height, width]` in place by a Gaussian of standard deviation `sigma` pixels; pixels of the edge go on beyond it.
///
/// wᵢ ∝ exp(−i²/2σ²) for |i| ≤ ⌊4σ + ½⌋, Σ w = 1, along rows and then along columns: as `scipy.ndimage.gaussian_filter` with
/// `mode="nearest"`. In f64.
pub(super) fn blur(image: &mut [f32], height: usize, width: usize, sigma: f32) {
    let sigma = f64::from(sigma);
    // Beyond the image, pixels repeat; a radius larger than the image only costs time.
    let radius = ((4.0 * sigma + 0.5) as usize).min(4 * height.max(width));
    let weight = |i: usize| (-((i as f64 / sigma).powi(2)) / 2.0).exp();
    let half: Vec<f64> = (1..=radius).map(weight).collect();
    let total = 1.0 + 2.0 * half.iter().sum::<f64>();
    let along = |line: &[f64], at: usize| {
        let last = line.len() - 1;
        let both = |(i, w): (usize, &f64)| w * (line[at.saturating_sub(i + 1)] + line[(at + i + 1).min(last)]);
        (line[at] + half.iter().enumerate().map(both).sum::<f64>()) / total
    };
    let mut line = Vec::with_capacity(height.max(width));
    for row in image.chunks_exact_mut(width) {
        line.clear();
        line.extend(row.iter().map(|&x| f64::from(x)));
        row.iter_mut().enumerate().for_each(|(at, x)| *x = along(&line, at) as f32);
    }
    for column in 0..width {
        line.clear();
        line.extend((0..height).map(|row| f64::from(image[row * width + column])));
        (0..height).for_each(|row| image[row * width + column] = along(&line, row) as f32);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flat_image_stays_and_a_point_becomes_a_bell() {
        let mut flat = [0.5; 20];
        blur(&mut flat, 4, 5, 2.0);
        assert!(flat.iter().all(|&x| (x - 0.5).abs() < 1e-6));
        let mut point = [0.0; 49];
        point[24] = 1.0;
        blur(&mut point, 7, 7, 0.7);
        assert!((point.iter().sum::<f32>() - 1.0).abs() < 1e-6);
        assert!(point[24] > point[25] && point[25] > point[26] && point[25] == point[23] && point[17] == point[25]);
        // No more than f32 can tell from nothing.
        let mut same = [0.1, 0.9];
        blur(&mut same, 1, 2, 0.05);
        assert_eq!(same, [0.1, 0.9]);
    }
}
