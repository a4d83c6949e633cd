//! Colours and shapes: as many different marks as there are classes, and never the same one twice unsaid.

/// Colours of the style sheet, `--c0` to `--c9`; they differ in hue and in lightness, in both colour schemes.
pub(crate) const COLOURS: usize = 10;
/// Marks that differ: ten colours by six shapes.
pub const DISTINCT: usize = COLOURS * Shape::ALL.len();

/// The shape of a dot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// ●
    Disc,
    /// ■
    Square,
    /// ▲
    Triangle,
    /// ◆
    Diamond,
    /// +
    Plus,
    /// ×
    Cross,
}

impl Shape {
    /// In the order in which they are used.
    pub const ALL: [Self; 6] = [Self::Disc, Self::Square, Self::Triangle, Self::Diamond, Self::Plus, Self::Cross];
}

/// What tells one class of things from another: a colour and a shape.
///
/// ```
/// use nl_report::{DISTINCT, Mark};
/// let marks: Vec<Mark> = (0..47).map(Mark::of).collect();
/// assert!((1..47).all(|i| !marks[..i].contains(&marks[i])));
/// assert_eq!(Mark::of(DISTINCT), Mark::of(0));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    /// Number of its colour.
    pub colour: usize,
    /// Its shape.
    pub shape: Shape,
}

impl Mark {
    /// The mark of class `index`: first all colours as discs, then as squares, and so on; after [`DISTINCT`] from the
    /// beginning again.
    #[must_use]
    pub fn of(index: usize) -> Self {
        let index = index % DISTINCT;
        Self { colour: index % COLOURS, shape: Shape::ALL[index / COLOURS] }
    }

    /// The CSS classes of a path of such marks.
    pub(crate) fn class(self) -> String {
        let (kind, paint) = match self.shape {
            Shape::Disc => ("dots", 's'),
            Shape::Square => ("dots square", 's'),
            Shape::Triangle | Shape::Diamond => ("solid", 'f'),
            Shape::Plus | Shape::Cross => ("crossed", 's'),
        };
        format!("{kind} {paint}{}", self.colour)
    }

    /// One mark of about `r` units in radius at `(x, y)`, as a piece of path data. A disc or square is a line of no length
    /// with wide ends, so that one path holds thousands of them.
    pub(crate) fn at(self, (x, y): (f64, f64), r: f64) -> String {
        use crate::svg::coordinate as c;
        match self.shape {
            Shape::Disc | Shape::Square => format!("M{} {}h0", c(x), c(y)),
            Shape::Triangle => format!("M{} {}l{} {}h{}z", c(x), c(y - 1.2 * r), c(1.1 * r), c(2.0 * r), c(-2.2 * r)),
            Shape::Diamond => {
                let d = 1.3 * r;
                format!("M{} {}l{d} {d}l{m} {d}l{m} {m}z", c(x), c(y - d), d = c(d), m = c(-d))
            }
            Shape::Plus => format!("M{} {}h{d}M{} {}v{d}", c(x - r), c(y), c(x), c(y - r), d = c(2.0 * r)),
            Shape::Cross => {
                let (d, s) = (c(2.0 * r), r);
                format!("M{} {}l{d} {d}M{} {}l{} {d}", c(x - s), c(y - s), c(x + s), c(y - s), c(-2.0 * s))
            }
        }
    }
}

/// What to say when `n` classes need more marks than there are.
pub(crate) fn note(n: usize) -> Option<String> {
    (n > DISTINCT)
        .then(|| format!("There are {DISTINCT} different marks; from the {}th class on they repeat.", DISTINCT + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_differ_as_long_as_they_can() {
        let drawn: Vec<(String, String)> =
            (0..DISTINCT).map(|i| (Mark::of(i).class(), Mark::of(i).at((10.0, 20.0), 2.0))).collect();
        for i in 1..DISTINCT {
            assert!(!drawn[..i].contains(&drawn[i]), "{i}: {:?}", drawn[i]);
        }
        assert_eq!(note(DISTINCT), None);
        assert!(note(DISTINCT + 1).is_some_and(|text| text.contains("repeat")));
    }
}
