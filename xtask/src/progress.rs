//! Prints the events of a run to stderr: a bar with rate, time left and loss on a terminal, plain lines elsewhere.

use std::io::{self, IsTerminal, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use nl_train::{Event, Observer};

/// Time between two plain lines.
const PAUSE: Duration = Duration::from_secs(5);
/// Weight of the newest step in the smoothed rate and loss.
const SMOOTHING: f64 = 0.05;

/// An observer for people.
pub(crate) struct Printer {
    out: Box<dyn Write + Send>,
    /// Only on a terminal, and only during a stage.
    bar: Option<ProgressBar>,
    terminal: bool,
    stage: Stage,
    next_line: Instant,
    stop: Arc<AtomicBool>,
}

/// What is known of the stage that runs.
#[derive(Debug, Clone, Default)]
struct Stage {
    name: String,
    unit: &'static str,
    done: u64,
    total: u64,
    loss: Option<f64>,
    rate: Option<f64>,
}

impl Printer {
    /// Prints to stderr; asks the run to stop once `stop` is set.
    pub(crate) fn new(stop: Arc<AtomicBool>) -> Self {
        Self { stop, ..Self::to(Box::new(io::stderr()), io::stderr().is_terminal()) }
    }

    fn to(out: Box<dyn Write + Send>, terminal: bool) -> Self {
        let (bar, stage, next_line) = (None, Stage::default(), Instant::now());
        Self { out, bar, terminal, stage, next_line, stop: Arc::default() }
    }

    /// A line that stays, above the bar if there is one. A stderr that is closed is no reason to end a run.
    fn say(&mut self, line: &str) {
        match &self.bar {
            Some(bar) => bar.println(line),
            None => {
                let _ = writeln!(self.out, "{line}");
            }
        }
    }

    fn start(&mut self, stage: &str, done: u64, total: u64, unit: &'static str) {
        self.stage = Stage { name: stage.to_owned(), unit, done, total, ..Stage::default() };
        self.next_line = Instant::now() + PAUSE;
        if self.terminal {
            let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr());
            let template = "{prefix:>20} {bar:32} {percent:>3} %  {msg}";
            bar.set_style(ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()));
            bar.set_prefix(stage.to_owned());
            bar.set_position(done);
            self.bar = Some(bar);
        } else {
            let resumed = if done > 0 { format!(", {} of them done before", thousands(done)) } else { String::new() };
            self.say(&format!("{stage}: {} {unit}{resumed}", thousands(total)));
        }
    }

    fn step(&mut self, done: u64, total: u64, loss: f64, rate: f64) {
        self.stage.done = done;
        self.stage.total = total;
        self.stage.loss = smooth(self.stage.loss, loss);
        self.stage.rate = smooth(self.stage.rate, rate);
        match &self.bar {
            Some(bar) => {
                bar.set_position(done);
                bar.set_message(self.stage.details());
            }
            None if Instant::now() >= self.next_line => {
                self.next_line = Instant::now() + PAUSE;
                let line = self.stage.line();
                self.say(&line);
            }
            None => {}
        }
    }
}

impl Observer for Printer {
    fn on_event(&mut self, event: &Event) {
        match event {
            Event::StageStarted { stage, done, total, unit } => self.start(stage, *done, *total, unit),
            Event::Step { done, total, loss, images_per_second } => {
                self.step(*done, *total, *loss, *images_per_second);
            }
            Event::EpochEnded { epoch, epochs, metrics } => {
                let metrics: Vec<String> = metrics.iter().map(|(name, value)| format!("{name} {value:.4}")).collect();
                self.say(&format!("{} epoch {epoch}/{epochs}: {}", self.stage.name, metrics.join(", ")));
            }
            Event::Warning { message } => self.say(&format!("warning: {message}")),
            Event::Note { message } => self.say(message),
            Event::StageEnded { stage, seconds } => {
                if let Some(bar) = self.bar.take() {
                    bar.finish_and_clear();
                }
                self.say(&format!("{stage}: done in {}", duration(*seconds)));
            }
            // Checkpoints are written often, and nobody waits for one; what is new shows once it is known here.
            _ => {}
        }
    }

    fn stop_requested(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}

impl Stage {
    /// `supervised: 12,800 of 54,000 images (23 %), loss 0.1234, 3,874 images/s, 10 s left`
    fn line(&self) -> String {
        let percent = 100 * self.done / self.total.max(1);
        let (done, total) = (thousands(self.done), thousands(self.total));
        format!("{}: {done} of {total} {} ({percent} %), {}", self.name, self.unit, self.details())
    }

    fn details(&self) -> String {
        let mut parts = Vec::new();
        if let Some(loss) = self.loss {
            parts.push(format!("loss {loss:.4}"));
        }
        if let Some(rate) = self.rate.filter(|rate| *rate >= 1.0) {
            parts.push(format!("{} {}/s", thousands(rate.round() as u64), self.unit));
            parts.push(format!("{} left", duration(self.total.saturating_sub(self.done) as f64 / rate)));
        }
        parts.join(", ")
    }
}

/// An exponential mean that starts at its first value; values that are not finite are passed over.
fn smooth(mean: Option<f64>, value: f64) -> Option<f64> {
    match mean {
        _ if !value.is_finite() => mean,
        None => Some(value),
        Some(mean) => Some(mean + SMOOTHING * (value - mean)),
    }
}

/// `12,345`
fn thousands(value: u64) -> String {
    let digits = value.to_string();
    let mut out = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `0.4 s`, `48 s`, `7 min 5 s`, `2 h 3 min`
fn duration(seconds: f64) -> String {
    let whole = seconds.round() as u64;
    match whole {
        0..10 => format!("{seconds:.1} s"),
        10..60 => format!("{whole} s"),
        60..3600 => format!("{} min {} s", whole / 60, whole % 60),
        _ => format!("{} h {} min", whole / 3600, whole / 60 % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    #[derive(Clone, Default)]
    struct Shared(Arc<Mutex<Vec<u8>>>);

    impl Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn off_a_terminal_there_are_plain_lines() {
        let out = Shared::default();
        let mut printer = Printer::to(Box::new(out.clone()), false);
        let stage = || "supervised".to_owned();
        printer.on_event(&Event::Note { message: "data: synthetic digits".to_owned() });
        printer.on_event(&Event::StageStarted { stage: stage(), done: 1280, total: 54_000, unit: "images" });
        // Too soon for a line; the next one is due.
        printer.on_event(&Event::Step { done: 1408, total: 54_000, loss: 0.5, images_per_second: 2000.0 });
        printer.next_line = Instant::now();
        printer.on_event(&Event::Step { done: 14_000, total: 54_000, loss: 0.5, images_per_second: 2000.0 });
        let metrics = vec![("validation accuracy".to_owned(), 0.991_234)];
        printer.on_event(&Event::EpochEnded { epoch: 1, epochs: 3, metrics });
        printer.on_event(&Event::Warning { message: "a checkpoint is torn".to_owned() });
        printer.on_event(&Event::StageEnded { stage: stage(), seconds: 83.2 });
        let expected = "data: synthetic digits\n\
                        supervised: 54,000 images, 1,280 of them done before\n\
                        supervised: 14,000 of 54,000 images (25 %), loss 0.5000, 2,000 images/s, 20 s left\n\
                        supervised epoch 1/3: validation accuracy 0.9912\n\
                        warning: a checkpoint is torn\n\
                        supervised: done in 1 min 23 s\n";
        assert_eq!(String::from_utf8(out.0.lock().unwrap().clone()).unwrap(), expected);
    }

    #[test]
    fn a_bar_takes_every_event() {
        let mut printer = Printer::to(Box::new(io::sink()), true);
        let stage = || "ssl".to_owned();
        printer.on_event(&Event::StageStarted { stage: stage(), done: 0, total: 10, unit: "images" });
        printer.on_event(&Event::Step { done: 5, total: 10, loss: f64::NAN, images_per_second: 2.0 });
        let bar = printer.bar.clone().unwrap();
        assert_eq!((bar.position(), bar.message()), (5, "2 images/s, 2.5 s left".to_owned()));
        printer.on_event(&Event::StageEnded { stage: stage(), seconds: 0.1 });
        assert!(printer.bar.is_none() && bar.is_finished());
    }

    #[test]
    fn times_and_counts_as_text() {
        assert_eq!(
            [0.42, 9.4, 48.2, 425.0, 7380.0].map(duration),
            ["0.4 s", "9.4 s", "48 s", "7 min 5 s", "2 h 3 min"]
        );
        assert_eq!([7, 1000, 1_234_567].map(thousands), ["7", "1,000", "1,234,567"]);
        assert_eq!(smooth(Some(1.0), 2.0), Some(1.05));
        assert_eq!(smooth(Some(1.0), f64::NAN), Some(1.0));
    }
}
