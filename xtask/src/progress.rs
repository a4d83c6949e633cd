//! Says on stderr how a run is going: one status line with rate, time left and loss on a terminal, plain lines elsewhere.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use nl_train::{Event, Measures, Observer};

use crate::screen::{Screen, Status};
use crate::text::{cut, duration, thousands, width};

/// Time between two plain lines.
const PAUSE: Duration = Duration::from_secs(5);
/// Time between two drawings of the status line.
const FRAME: Duration = Duration::from_millis(100);
/// Weight of the newest step in the smoothed rate and loss.
const SMOOTHING: f64 = 0.05;
/// A bar of fewer columns tells nothing, one of more is no better.
const BAR: std::ops::RangeInclusive<usize> = 8..=40;

/// An observer for people.
pub(crate) struct Printer {
    screen: Arc<Mutex<Screen>>,
    stage: Stage,
    next: Instant,
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
    /// Glyphs beyond ASCII.
    unicode: bool,
}

impl Printer {
    /// Says it on `screen`; asks the run to stop once `stop` is set.
    pub(crate) fn new(screen: Arc<Mutex<Screen>>, stop: Arc<AtomicBool>) -> Self {
        Self { screen, stage: Stage::default(), next: Instant::now(), stop }
    }

    fn screen(&self) -> MutexGuard<'_, Screen> {
        self.screen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn say(&self, line: &str) {
        self.screen().say(line);
    }

    fn start(&mut self, stage: &str, done: u64, total: u64, unit: &'static str) {
        self.stage = Stage { name: named(stage), unit, done, total, unicode: unicode(), ..Stage::default() };
        if self.screen().is_live() {
            // The first step shows at once how fast it goes.
            self.next = Instant::now();
            self.screen().show(self.stage.clone());
        } else {
            self.next = Instant::now() + PAUSE;
            let resumed = if done > 0 { format!(", {} of them done before", thousands(done)) } else { String::new() };
            self.say(&format!("{}: {} {unit}{resumed}", self.stage.name, thousands(total)));
        }
    }

    fn step(&mut self, done: u64, total: u64, measures: &Measures, rate: f64) {
        self.stage.done = done;
        self.stage.total = total;
        if let Some(loss) = measures.get("loss") {
            self.stage.loss = smooth(self.stage.loss, loss);
        }
        self.stage.rate = smooth(self.stage.rate, rate);
        if Instant::now() < self.next {
            return;
        }
        if self.screen().is_live() {
            self.next = Instant::now() + FRAME;
            self.screen().show(self.stage.clone());
        } else {
            self.next = Instant::now() + PAUSE;
            self.say(&self.stage.line());
        }
    }
}

impl Observer for Printer {
    fn on_event(&mut self, event: &Event) {
        match event {
            Event::StageStarted { stage, done, total, unit } => self.start(stage, *done, *total, unit),
            Event::Step { done, total, measures, per_second } => self.step(*done, *total, measures, *per_second),
            Event::Milestone { place, measures } => {
                let said: Vec<String> = measures.iter().map(|(name, value)| measure(name, value)).collect();
                self.say(&format!("{}, {place}: {}", self.stage.name, said.join(", ")));
            }
            Event::Warning { message } => self.say(&format!("warning: {message}")),
            Event::Note { message } => self.say(message),
            Event::StageEnded { stage, seconds } => {
                self.screen().clear();
                self.say(&format!("{}: done in {}", named(stage), duration(*seconds)));
            }
            // Checkpoints are written often, and nobody waits for one; what is new shows once it is known here.
            _ => {}
        }
    }

    fn stop_requested(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}

impl Drop for Printer {
    /// Whatever is said after the run begins on a line of its own.
    fn drop(&mut self) {
        self.screen().clear();
    }
}

impl Stage {
    fn percent(&self) -> u64 {
        100 * self.done.min(self.total) / self.total.max(1)
    }

    /// `Supervised: 12,800 of 54,000 images (23 %), loss 0.1234, 3,874 images/s, 10 s left`
    fn line(&self) -> String {
        let (done, total) = (thousands(self.done), thousands(self.total));
        let details = [self.loss(), self.speed(), self.left()].into_iter().flatten();
        let text = format!("{}: {done} of {total} {} ({} %)", self.name, self.unit, self.percent());
        details.fold(text, |text, detail| format!("{text}, {detail}"))
    }

    fn loss(&self) -> Option<String> {
        self.loss.map(|loss| format!("loss {loss:.4}"))
    }

    fn speed(&self) -> Option<String> {
        self.rate.filter(|rate| *rate >= 1.0).map(|rate| format!("{} {}/s", thousands(rate.round() as u64), self.unit))
    }

    fn left(&self) -> Option<String> {
        let rate = self.rate.filter(|rate| *rate > 0.0)?;
        Some(format!("{} left", duration(self.total.saturating_sub(self.done) as f64 / rate)))
    }

    /// `columns` of a bar.
    fn bar(&self, columns: usize) -> String {
        let (full, empty) = if self.unicode { ('━', '╌') } else { ('#', '-') };
        let filled = (columns as u64 * self.done.min(self.total) / self.total.max(1)) as usize;
        (0..columns).map(|i| if i < filled { full } else { empty }).collect()
    }
}

impl Status for Stage {
    /// `Supervised ━━━━━━━━╌╌╌╌╌╌╌╌╌╌  23 %  loss 0.1234  3,874 images/s  10 s left`: in a narrow terminal first the speed
    /// goes, then the loss, then the bar, then the time left.
    fn draw(&self, columns: usize) -> String {
        if self.done == 0 {
            // Some stages are one piece of work, and say nothing before their end.
            return cut(&format!("{}: {} {} …", self.name, thousands(self.total), self.unit), columns);
        }
        let percent = format!("{:>3} %", self.percent());
        let (loss, speed, left) = (self.loss(), self.speed(), self.left());
        for (details, bar) in [
            (vec![&loss, &speed, &left], true),
            (vec![&loss, &left], true),
            (vec![&left], true),
            (vec![&left], false),
            (vec![], false),
        ] {
            let details: String = details.into_iter().flatten().map(|detail| format!("  {detail}")).collect();
            let rest = width(&self.name) + 1 + width(&percent) + width(&details);
            if !bar && rest <= columns {
                return format!("{} {percent}{details}", self.name);
            }
            if bar && rest + 2 + BAR.start() <= columns {
                let bar = self.bar((columns - rest - 2).min(*BAR.end()));
                return format!("{} {bar}  {percent}{details}", self.name);
            }
        }
        cut(&self.name, columns)
    }
}

/// `"validation accuracy 0.9910"`; a whole number as one.
fn measure(name: &str, value: f64) -> String {
    let name = name.replace('_', " ");
    if value.fract() == 0.0 && value.abs() >= 2.0 { format!("{name} {value}") } else { format!("{name} {value:.4}") }
}

/// Stages begin with a capital letter, whoever named them.
fn named(stage: &str) -> String {
    let mut letters = stage.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// Whether the locale has glyphs beyond ASCII.
fn unicode() -> bool {
    let said = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().filter_map(std::env::var_os).find(|value| !value.is_empty());
    said.is_some_and(|locale| {
        let locale = locale.to_string_lossy().to_lowercase();
        locale.contains("utf-8") || locale.contains("utf8")
    })
}

/// An exponential mean that starts at its first value; values that are not finite are passed over.
fn smooth(mean: Option<f64>, value: f64) -> Option<f64> {
    match mean {
        _ if !value.is_finite() => mean,
        None => Some(value),
        Some(mean) => Some(mean + SMOOTHING * (value - mean)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::screen::shown::shown;
    use crate::screen::tests::{Written, terminal};

    fn stage() -> Stage {
        let (loss, rate) = (Some(0.1234), Some(3874.0));
        Stage {
            name: "Self-supervised".to_owned(),
            unit: "images",
            done: 12_800,
            total: 54_000,
            loss,
            rate,
            unicode: true,
        }
    }

    fn printer(screen: Screen) -> Printer {
        Printer::new(Arc::new(Mutex::new(screen)), Arc::default())
    }

    #[test]
    fn off_a_terminal_there_are_plain_lines() {
        let out = Written::default();
        let mut printer = printer(Screen::new(Box::new(out.clone()), None));
        let stage = || "supervised".to_owned();
        printer.on_event(&Event::Note { message: "data: synthetic digits".to_owned() });
        printer.on_event(&Event::StageStarted { stage: stage(), done: 1280, total: 54_000, unit: "images" });
        // Too soon for a line; the next one is due.
        printer.on_event(&Event::Step {
            done: 1408,
            total: 54_000,
            measures: Measures::of("loss", 0.5),
            per_second: 2000.0,
        });
        printer.next = Instant::now();
        printer.on_event(&Event::Step {
            done: 14_000,
            total: 54_000,
            measures: Measures::of("loss", 0.5),
            per_second: 2000.0,
        });
        let measures = Measures::of("validation_accuracy", 0.991_234);
        printer.on_event(&Event::Milestone { place: "epoch 1 of 3".into(), measures });
        printer.on_event(&Event::Warning { message: "a checkpoint is torn".to_owned() });
        printer.on_event(&Event::StageEnded { stage: stage(), seconds: 83.2 });
        let expected = "data: synthetic digits\n\
                        Supervised: 54,000 images, 1,280 of them done before\n\
                        Supervised: 14,000 of 54,000 images (25 %), loss 0.5000, 2,000 images/s, 20 s left\n\
                        Supervised, epoch 1 of 3: validation accuracy 0.9912\n\
                        warning: a checkpoint is torn\n\
                        Supervised: done in 1 min 23 s\n";
        assert_eq!(out.text(), expected);
    }

    #[test]
    fn the_status_line_fits_every_width() {
        for columns in 0..=200 {
            let line = stage().draw(columns);
            assert!(width(&line) <= columns, "{columns}: {line}");
        }
        assert_eq!(stage().draw(77), "Self-supervised ━━━╌╌╌╌╌╌╌╌╌╌╌   23 %  loss 0.1234  3,874 images/s  11 s left");
        assert_eq!(stage().draw(37), "Self-supervised  23 %  11 s left");
        assert_eq!(stage().draw(47), "Self-supervised ━━━╌╌╌╌╌╌╌╌╌╌   23 %  11 s left");
        assert_eq!(stage().draw(10), "Self-supe…");
        let ascii = Stage { unicode: false, name: "Test".to_owned(), loss: None, rate: None, ..stage() };
        assert_eq!(ascii.draw(30), "Test ####--------------   23 %");
    }

    /// The whole of a stage on terminals of several widths: no line is left of a status that was, nothing said is lost.
    #[test]
    fn on_a_terminal_everything_said_stays() {
        for columns in [24, 40, 80, 120, 200] {
            let (screen, out) = terminal(columns);
            let mut printer = printer(screen);
            printer.on_event(&Event::StageStarted { stage: "ssl".into(), done: 0, total: 10, unit: "images" });
            for done in 1..=10 {
                printer.next = Instant::now();
                let measures = if done % 2 == 0 { Measures::none() } else { Measures::of("loss", 1e3) };
                printer.on_event(&Event::Step { done, total: 10, measures, per_second: 2e6 });
                if done == 5 {
                    printer.on_event(&Event::Warning { message: "half-way".into() });
                }
            }
            let rows = shown(&out.text(), columns);
            assert_eq!(rows.len(), 2, "{columns}: {rows:?}");
            assert_eq!(rows[0], "warning: half-way");
            assert!(rows[1].starts_with("Ssl ") && rows[1].contains("100 %"), "{rows:?}");
            printer.on_event(&Event::StageEnded { stage: "ssl".into(), seconds: 0.1 });
            assert_eq!(shown(&out.text(), columns), ["warning: half-way", "Ssl: done in 100 ms", ""]);
        }
    }

    /// A run that ends in the middle of a stage, as by Ctrl-C, leaves no half of a line.
    #[test]
    fn the_status_goes_with_the_printer() {
        let (screen, out) = terminal(80);
        let mut printer = printer(screen);
        printer.on_event(&Event::StageStarted { stage: "ssl".into(), done: 0, total: 10, unit: "images" });
        drop(printer);
        assert_eq!(shown(&out.text(), 80), [""]);
    }

    #[test]
    fn smoothing_starts_at_the_first_value() {
        assert_eq!(smooth(None, 2.0), Some(2.0));
        assert_eq!(smooth(Some(1.0), 2.0), Some(1.05));
        assert_eq!(smooth(Some(1.0), f64::NAN), Some(1.0));
    }
}
