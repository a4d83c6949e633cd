//! What a model learns from that reads no data.

use std::path::Path;

use nl_data::{Lookup, Source, Split};

use super::{SampleForm, Set};
use crate::Error;
use crate::config::DataConfig;

/// No data: there is no value of it, so that a model that learns from nothing cannot be given any.
#[derive(Debug, Clone, Copy)]
pub enum Nothing {}

fn none<T>() -> Result<T, Error> {
    Err(Error::config("data: this model reads none"))
}

impl Set for Nothing {
    const WHAT: Option<&'static str> = None;

    fn find(_: &DataConfig, _: &Lookup) -> Result<(Split<Self>, Source), Error> {
        none()
    }

    fn find_test(_: &DataConfig, _: &Lookup, _: &SampleForm) -> Result<(Self, Source), Error> {
        none()
    }

    fn open(_: &Path, _: &SampleForm) -> Result<Self, Error> {
        none()
    }

    fn blank(_: &SampleForm) -> Result<Self, Error> {
        none()
    }

    fn form(&self) -> SampleForm {
        match *self {}
    }

    fn len(&self) -> usize {
        match *self {}
    }

    fn strata(&self) -> Vec<u32> {
        match *self {}
    }

    fn select(&self, _: &[u32]) -> Self {
        *self
    }

    fn with_labels(&self, _: Vec<u32>) -> Result<Self, Error> {
        match *self {}
    }

    fn pixels(&self) -> Result<(&[u8], [usize; 3]), Error> {
        match *self {}
    }

    fn with_pixels(&self, _: Vec<u8>) -> Result<Self, Error> {
        match *self {}
    }
}
