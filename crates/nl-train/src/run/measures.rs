//! Named numbers, without an allocation: a step may report some of them a hundred times a second.

/// The most measures of one report.
const MOST: usize = 8;

/// Up to eight named numbers, in the order in which they should be shown. Names are those of metrics.jsonl:
/// `validation_accuracy`.
///
/// ```
/// let measures = nl_train::Measures::of("loss", 0.25).and("learning_rate", 1e-3);
/// assert_eq!(measures.get("loss"), Some(0.25));
/// assert_eq!(measures.iter().count(), 2);
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Measures {
    items: [(&'static str, f64); MOST],
    len: usize,
}

impl Measures {
    /// None.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// One.
    #[must_use]
    pub fn of(name: &'static str, value: f64) -> Self {
        Self::none().and(name, value)
    }

    /// One more; a ninth is left out.
    #[must_use]
    pub fn and(mut self, name: &'static str, value: f64) -> Self {
        if let Some(item) = self.items.get_mut(self.len) {
            *item = (name, value);
            self.len += 1;
        }
        self
    }

    /// One more, if it is known.
    #[must_use]
    pub fn and_some(self, name: &'static str, value: Option<f64>) -> Self {
        match value {
            Some(value) => self.and(name, value),
            None => self,
        }
    }

    /// The number called `name`.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<f64> {
        self.iter().find(|item| item.0 == name).map(|item| item.1)
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, f64)> + '_ {
        self.items[..self.len].iter().copied()
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_keep_their_order_and_a_ninth_is_left_out() {
        let names = ["a", "b", "c", "d", "e", "f", "g", "h", "i"];
        let all = names.iter().zip(0..).fold(Measures::none(), |all, (name, i)| all.and(name, f64::from(i)));
        assert_eq!(all.iter().map(|item| item.0).collect::<Vec<_>>(), names[..8]);
        assert_eq!((all.get("h"), all.get("i")), (Some(7.0), None));
        assert!(Measures::none().and_some("a", None).is_empty());
    }
}
