//! How often a law is tried.

/// How many cases a law is tried on, and from which seed they are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Config {
    /// Number of cases.
    pub cases: u32,
    /// Seed: the same cases each time.
    pub seed: u64,
    /// How often a counter-example may be tried smaller.
    pub shrinks: u32,
}

impl Config {
    /// So many cases, or as many as the environment variable `PROPTEST_CASES` says.
    ///
    /// ```
    /// use nl_laws::Config;
    /// let wanted = std::env::var("PROPTEST_CASES").ok().and_then(|text| text.parse().ok());
    /// assert_eq!(Config::of(64).cases, wanted.unwrap_or(64));
    /// ```
    #[must_use]
    pub fn of(cases: u32) -> Self {
        let wanted = std::env::var("PROPTEST_CASES").ok().and_then(|text| text.parse().ok());
        Self { cases: wanted.unwrap_or(cases), seed: 1, shrinks: 20_000 }
    }
}

impl Default for Config {
    /// 256 cases, or as many as the environment variable `PROPTEST_CASES` says.
    fn default() -> Self {
        Self::of(256)
    }
}

/// The number of cases on which a law held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cases(pub u64);
