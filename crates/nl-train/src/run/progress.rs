//! What a long piece of work says while it runs, and where it learns that it should stop.

use std::path::Path;
use std::time::Instant;

use super::{Event, Measures, Observer, Timings};
use crate::Error;

/// Tells the observer, keeps the time, and ends the work when it is asked to.
pub struct Progress<'a> {
    observer: &'a mut (dyn Observer + Send),
    timings: &'a mut Timings,
    folder: &'a Path,
    /// The part under way.
    part: Option<Part>,
}

struct Part {
    name: String,
    total: u64,
    started: Instant,
    /// Of the last step.
    last: (Instant, u64),
}

impl<'a> Progress<'a> {
    pub(crate) fn new(observer: &'a mut (dyn Observer + Send), timings: &'a mut Timings, folder: &'a Path) -> Self {
        Self { observer, timings, folder, part: None }
    }

    /// A part of the run begins: `total` units of work, of which `done` were done before.
    pub fn begin(&mut self, name: &str, done: u64, total: u64, unit: &'static str) {
        self.observer.on_event(&Event::StageStarted { stage: name.to_owned(), done, total, unit });
        let started = Instant::now();
        self.part = Some(Part { name: name.to_owned(), total, started, last: (started, done) });
    }

    /// So many units of the part are done.
    ///
    /// # Errors
    /// [`Error::Stopped`] if the run is asked to stop.
    pub fn step(&mut self, done: u64) -> Result<(), Error> {
        self.measured(done, Measures::none());
        self.check()
    }

    /// As [`step`](Self::step), with measures, and without a look at whether to stop.
    pub(crate) fn measured(&mut self, done: u64, measures: Measures) {
        let Some(part) = &mut self.part else { return };
        let (since, before) = part.last;
        let per_second = done.saturating_sub(before) as f64 / since.elapsed().as_secs_f64().max(1e-9);
        part.last = (Instant::now(), done);
        self.observer.on_event(&Event::Step { done, total: part.total, measures, per_second });
    }

    /// Asks whether to go on.
    ///
    /// # Errors
    /// [`Error::Stopped`] if not.
    pub fn check(&self) -> Result<(), Error> {
        if self.stop_requested() { Err(Error::Stopped { folder: self.folder.to_owned() }) } else { Ok(()) }
    }

    pub(crate) fn stop_requested(&self) -> bool {
        self.observer.stop_requested()
    }

    /// The part begun last is over; its time is kept under its name.
    pub fn end(&mut self, units: Option<u64>) {
        if let Some(part) = self.part.take() {
            let seconds = part.started.elapsed().as_secs_f64();
            self.timings.add(&part.name, seconds, units);
            self.observer.on_event(&Event::StageEnded { stage: part.name, seconds });
        }
    }

    /// The time of `f`, kept under `name`, without a word.
    ///
    /// # Errors
    /// Those of `f`.
    pub fn timed<T>(&mut self, name: &str, f: impl FnOnce(&mut Self) -> Result<T, Error>) -> Result<T, Error> {
        let started = Instant::now();
        let done = f(self);
        self.timings.add(name, started.elapsed().as_secs_f64(), None);
        done
    }

    /// Where the time went so far.
    #[must_use]
    pub fn timings(&self) -> &Timings {
        self.timings
    }

    pub(crate) fn timings_mut(&mut self) -> &mut Timings {
        self.timings
    }

    /// Something to know, once.
    pub fn note(&mut self, message: impl Into<String>) {
        self.tell(&Event::Note { message: message.into() });
    }

    /// Something to know that does not stop the run.
    pub fn warn(&mut self, message: impl Into<String>) {
        self.tell(&Event::Warning { message: message.into() });
    }

    pub(crate) fn tell(&mut self, event: &Event) {
        self.observer.on_event(event);
    }
}
