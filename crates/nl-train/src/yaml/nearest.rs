//! The name that was meant.

/// Names of before, and what stands in their place now: shown where an unknown name is one of them.
///
/// The second of a pair is a sentence's end: "… is now called …".
pub const RENAMED: &[(&str, &str)] = &[
    ("self_supervised", "a stage of the list `stages`: `- kind: reconstruct`"),
    ("supervised", "a stage of the list `stages`: `- kind: classify`"),
    ("basal_ganglia", "a stage of the list `stages`: `- kind: trust`"),
];

/// Longer names are nobody's slip of the finger.
const LONGEST: usize = 64;

/// What a thing of before is called now, by [`RENAMED`].
#[must_use]
pub fn renamed(name: &str) -> Option<&'static str> {
    let name = plain(name);
    RENAMED.iter().find(|(old, _)| plain(old) == name).map(|(_, new)| *new)
}

/// The one of `known` that `name` was meant to be: the same but for `snake_case`, `CamelCase` or spaces, else the
/// nearest by insertions, deletions, changes and swaps of letters, if it is near.
///
/// ```
/// use nl_train::yaml::nearest::nearest;
/// let known = ["batch", "epochs", "weight_decay"];
/// assert_eq!(nearest("bach", known), Some("batch"));
/// assert_eq!(nearest("WeightDecay", known), Some("weight_decay"));
/// assert_eq!(nearest("colour", known), None);
/// ```
#[must_use]
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if name.len() > LONGEST {
        return None;
    }
    let name = plain(name);
    let distance = |other: &str| {
        let other = plain(other);
        if other == name {
            return Some((false, 0));
        }
        let longer = name.chars().count().max(other.chars().count());
        // A third of the letters may be wrong, of short names one; the beginning of a name is that name.
        let distance = strsim::osa_distance(&name, &other);
        let begins = name.len() >= 3 && other.starts_with(&name);
        let near = distance <= (longer / 3).max(1) && distance < longer;
        (begins || near).then_some((!begins, distance))
    };
    known.into_iter().filter_map(|other| Some((distance(other)?, other))).min_by_key(|(near, _)| *near).map(|it| it.1)
}

/// A name without its way of writing: `diehl_cook`, `DiehlCook`, `diehl cook` and `diehl-cook` are one.
fn plain(name: &str) -> String {
    let mut plain = String::with_capacity(name.len() + 4);
    let mut after_lower = false;
    for c in name.trim().chars() {
        if c.is_uppercase() && after_lower {
            plain.push('-');
        }
        after_lower = c.is_lowercase() || c.is_ascii_digit();
        match c {
            '_' | ' ' | '-' => plain.push('-'),
            c => plain.extend(c.to_lowercase()),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: [&str; 6] = ["one-cycle", "cosine", "cosine-restarts", "diehl-cook", "rate", "l2"];

    #[test]
    fn the_way_of_writing_does_not_matter() {
        for name in ["diehl_cook", "DiehlCook", "Diehl Cook", " diehl-cook", "DIEHL-COOK", "diehlcook"] {
            assert_eq!(nearest(name, KNOWN), Some("diehl-cook"), "{name}");
        }
        for name in ["OneCycle", "one_cycle", "oneCycle", "onecycle"] {
            assert_eq!(nearest(name, KNOWN), Some("one-cycle"), "{name}");
        }
    }

    #[test]
    fn the_nearest_is_found_and_a_far_one_is_not() {
        for (name, meant) in
            [("rat", "rate"), ("raet", "rate"), ("cosin", "cosine"), ("cosinus", "cosine"), ("l3", "l2")]
        {
            assert_eq!(nearest(name, KNOWN), Some(meant), "{name}");
        }
        // The beginning of a name, and the name itself before a longer one.
        assert_eq!(nearest("cosine-re", KNOWN), Some("cosine-restarts"));
        assert_eq!(nearest("cosine", KNOWN), Some("cosine"));
        for far in ["", "q", "colour", "ab", "momentum", &"x".repeat(1_000_000)] {
            assert_eq!(nearest(far, KNOWN), None, "{}", &far[..far.len().min(20)]);
        }
        assert_eq!(nearest("rate", []), None);
    }

    #[test]
    fn names_of_before_say_what_they_are_called_now() {
        assert!(renamed("self_supervised").unwrap().contains("reconstruct"));
        assert!(renamed("self-supervised").is_some());
        assert_eq!(renamed("stages"), None);
        for (i, (old, new)) in RENAMED.iter().enumerate() {
            assert!(plain(old) != plain(new), "{old} is new");
            assert!(RENAMED[..i].iter().all(|(other, _)| plain(other) != plain(old)), "{old} stands twice");
        }
    }
}
