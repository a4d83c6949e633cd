//! Optimisers, schedules, penalties and clipping as composable transforms of a gradient slice.
