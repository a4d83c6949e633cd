//! One variable of a population, starting on a cache line.

use core::ops::{Deref, DerefMut};

use nl_kernels::Buffer;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{Error, Real};

/// `[n]` values that start on a cache line; written and read like a `Vec`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Lane<F: Real>(Buffer<F>);

impl<F: Real> Lane<F> {
    /// `n` times `value`.
    pub(crate) fn filled(model: &'static str, value: F, n: usize) -> Result<Self, Error> {
        let bytes = n.saturating_mul(size_of::<F>());
        Buffer::filled(n, value).map(Self).map_err(|_| Error::Memory { model, bytes })
    }
}

impl<F: Real> Deref for Lane<F> {
    type Target = [F];

    fn deref(&self) -> &[F] {
        &self.0
    }
}

impl<F: Real> DerefMut for Lane<F> {
    fn deref_mut(&mut self) -> &mut [F] {
        &mut self.0
    }
}

impl<F: Real> Serialize for Lane<F> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.as_slice().serialize(serializer)
    }
}

impl<'de, F: Real> Deserialize<'de> for Lane<F> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let values = Vec::<F>::deserialize(deserializer)?;
        let mut lane = Buffer::filled(values.len(), F::ZERO).map_err(serde::de::Error::custom)?;
        lane.copy_from_slice(&values);
        Ok(Self(lane))
    }
}
