//! Division by the local mean.

/// Keeps 0 / 0 at 0.
const EPSILON: f32 = 1e-12;

/// x := x / (mean over the (2ρ + 1)² window, zeros outside, + 1e-12), by a table of sums in double precision.
pub(super) fn divide_by_mean(x: &mut [f32], height: usize, width: usize, radius: usize, sums: &mut Vec<f64>) {
    let stride = width + 1;
    sums.clear();
    sums.resize((height + 1) * stride, 0.0);
    for y in 0..height {
        let mut row = 0.0;
        for i in 0..width {
            row += f64::from(x[y * width + i]);
            sums[(y + 1) * stride + i + 1] = sums[y * stride + i + 1] + row;
        }
    }
    let side = (2 * radius + 1) as f64;
    for y in 0..height {
        let (top, bottom) = (y.saturating_sub(radius) * stride, (y + radius + 1).min(height) * stride);
        for i in 0..width {
            let (left, right) = (i.saturating_sub(radius), (i + radius + 1).min(width));
            let sum = sums[bottom + right] - sums[top + right] - sums[bottom + left] + sums[top + left];
            let value = &mut x[y * width + i];
            // A window of nothing but zeros may sum to a rounding error below 0.
            *value = if *value > 0.0 { *value / ((sum / (side * side)) as f32 + EPSILON) } else { 0.0 };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_window_is_the_whole_of_a_small_image() {
        let mut x = [1.0, 0.0, 2.0, 6.0];
        divide_by_mean(&mut x, 2, 2, 1, &mut Vec::new());
        assert_eq!(x, [1.0, 0.0, 2.0, 6.0], "the sum is 9, the window 9 places");
        let mut zeros = [0.0; 4];
        divide_by_mean(&mut zeros, 2, 2, 1, &mut Vec::new());
        assert_eq!(zeros, [0.0; 4]);
    }

    #[test]
    fn a_lone_place_is_divided_by_its_share() {
        let mut x = [0.0; 35];
        x[17] = 5.0;
        divide_by_mean(&mut x, 5, 7, 2, &mut Vec::new());
        assert_eq!(x[17], 25.0);
    }
}
