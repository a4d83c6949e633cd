//! Which instruction set the kernels use: detected once, or forced by `NL_SIMD`.

use std::sync::OnceLock;

/// An instruction-set level. Ordered: a CPU that has one has all below it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Level {
    /// Plain Rust; whatever the compiler's baseline vectorises to.
    Portable,
    /// AVX2 and FMA.
    Avx2,
    /// AVX-512 F, BW, DQ and VL.
    Avx512,
}

/// `NL_SIMD` names no level, or one this CPU has not got.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LevelError {
    /// Not one of the names.
    #[error("NL_SIMD={0}: unknown level; use portable, avx2 or avx512, or unset it")]
    Unknown(String),
    /// The CPU lacks the instructions.
    #[error("NL_SIMD={wanted}: this CPU offers at most {best}; choose that or a lower level, or unset NL_SIMD")]
    Unavailable {
        /// What was asked for.
        wanted: Level,
        /// The best level here.
        best: Level,
    },
}

impl core::fmt::Display for Level {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Portable => "portable",
            Self::Avx2 => "avx2",
            Self::Avx512 => "avx512",
        })
    }
}

impl Level {
    /// The best level of this CPU.
    #[must_use]
    pub fn detect() -> Self {
        #[cfg(target_arch = "x86_64")]
        {
            let avx2 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
            let avx512 = is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512dq")
                && is_x86_feature_detected!("avx512vl");
            if avx2 && avx512 {
                return Self::Avx512;
            }
            if avx2 {
                return Self::Avx2;
            }
        }
        Self::Portable
    }

    /// Every level this CPU can run, lowest first: what a test iterates over.
    #[must_use]
    pub fn available() -> Vec<Self> {
        let best = Self::detect();
        [Self::Portable, Self::Avx2, Self::Avx512].into_iter().filter(|&level| level <= best).collect()
    }

    /// The level that `NL_SIMD` asks for, or the best one if it is unset or empty.
    ///
    /// # Errors
    /// [`LevelError`] if the name is unknown or the CPU lacks the level.
    pub fn from_env() -> Result<Self, LevelError> {
        let best = Self::detect();
        let Some(name) = std::env::var_os("NL_SIMD").filter(|name| !name.is_empty()) else { return Ok(best) };
        let wanted = match name.to_str() {
            Some("portable") => Self::Portable,
            Some("avx2") => Self::Avx2,
            Some("avx512") => Self::Avx512,
            _ => return Err(LevelError::Unknown(name.to_string_lossy().into_owned())),
        };
        if wanted <= best { Ok(wanted) } else { Err(LevelError::Unavailable { wanted, best }) }
    }

    /// The level all kernels of this process use: [`from_env`](Self::from_env), asked once. A faulty `NL_SIMD` falls
    /// back to the best level here; programs that want it reported call `from_env` at start-up.
    #[must_use]
    pub fn current() -> Self {
        static CURRENT: OnceLock<Level> = OnceLock::new();
        *CURRENT.get_or_init(|| Self::from_env().unwrap_or_else(|_| Self::detect()))
    }
}
