//! Training in stages, evaluation, metrics, checkpoints and reports.
