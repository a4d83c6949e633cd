//! The report of a run: plain data in, one HTML file out.

mod data;

pub use data::{
    DataInfo, EmbeddingMap, EpochPoint, MapPoint, Mistake, Neighbour, Picture, RecallExample, Reconstruction, Region,
    Report, RunInfo, Scores, StageCurve, StepPoint, Timing, TrustSample,
};
