//! Lines that stay and one status line below them, on a terminal; plain lines everywhere else.
//!
//! The status line is never wider than the terminal: a line that wraps cannot be erased, and what it leaves behind eats
//! the messages around it. Whoever has something to say while it is shown says it here.

use std::ffi::OsStr;
use std::io::{self, IsTerminal, Write};

use crate::text;

/// Columns that stay free at the right: a cursor, and the `^C` that terminals echo.
const FREE: usize = 3;
/// To the first column, and erase the line.
const ERASE: &str = "\r\x1b[2K";

/// A status that can be drawn in any width.
pub(crate) trait Status: Send {
    /// At most `columns` characters, without a line break.
    fn draw(&self, columns: usize) -> String;
}

/// Where messages go.
pub(crate) struct Screen {
    out: Box<dyn Write + Send>,
    /// The width of a terminal that can redraw a line, asked each time: windows are resized.
    columns: Option<Box<dyn Fn() -> usize + Send>>,
    status: Option<Box<dyn Status>>,
}

impl Screen {
    /// Stderr.
    pub(crate) fn stderr() -> Self {
        let live = io::stderr().is_terminal() && redraws(std::env::var_os("TERM").as_deref());
        let columns = || text::columns(&io::stderr());
        Self::new(Box::new(io::stderr()), live.then(|| Box::new(columns) as _))
    }

    /// Any writer; `columns` only if it is a terminal that can redraw a line.
    pub(crate) fn new(out: Box<dyn Write + Send>, columns: Option<Box<dyn Fn() -> usize + Send>>) -> Self {
        Self { out, columns, status: None }
    }

    /// Whether there is a status line; without one, progress has to be said in lines.
    pub(crate) fn is_live(&self) -> bool {
        self.columns.is_some()
    }

    /// A line that stays, above the status. A stderr that is closed is no reason to end a run.
    pub(crate) fn say(&mut self, line: &str) {
        let text = match &self.columns {
            Some(columns) => {
                let erase = if self.status.is_some() { ERASE } else { "" };
                format!("{erase}{}\n{}", text::wrap(line, columns()), self.drawn())
            }
            None => format!("{line}\n"),
        };
        self.put(&text);
    }

    /// Shows `status` in the place of the last one; nothing off a terminal.
    pub(crate) fn show(&mut self, status: impl Status + 'static) {
        if self.columns.is_some() {
            self.status = Some(Box::new(status));
            let text = format!("{ERASE}{}", self.drawn());
            self.put(&text);
        }
    }

    /// Takes the status line away.
    pub(crate) fn clear(&mut self) {
        if self.status.take().is_some() {
            self.put(ERASE);
        }
    }

    fn drawn(&self) -> String {
        let columns = self.columns.as_ref().map_or(0, |columns| columns());
        self.status.as_ref().map_or_else(String::new, |status| status.draw(columns.saturating_sub(FREE)))
    }

    fn put(&mut self, text: &str) {
        let _ = self.out.write_all(text.as_bytes()).and_then(|()| self.out.flush());
    }
}

/// Whether a terminal of this name can redraw a line. Terminals of Windows have no name.
fn redraws(term: Option<&OsStr>) -> bool {
    match term {
        Some(name) => !name.is_empty() && name != "dumb",
        None => cfg!(windows),
    }
}

#[cfg(test)]
#[path = "../tests/cli/shown.rs"]
pub(crate) mod shown;

#[cfg(test)]
pub(crate) mod tests {
    use super::shown::shown;
    use super::*;
    use std::sync::{Arc, Mutex};

    /// What was written, to be read again.
    #[derive(Clone, Default)]
    pub(crate) struct Written(Arc<Mutex<Vec<u8>>>);

    impl Written {
        pub(crate) fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    impl Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// A terminal of `columns`, and what is written to it.
    pub(crate) fn terminal(columns: usize) -> (Screen, Written) {
        let out = Written::default();
        (Screen::new(Box::new(out.clone()), Some(Box::new(move || columns))), out)
    }

    struct Words(&'static str);

    impl Status for Words {
        fn draw(&self, columns: usize) -> String {
            text::cut(self.0, columns)
        }
    }

    #[test]
    fn what_is_said_stays_and_the_status_is_drawn_once() {
        for columns in [20, 40, 80, 200] {
            let (mut screen, out) = terminal(columns);
            screen.say("folder: run");
            screen.show(Words("a status of more than thirty characters"));
            screen.say("warning: two words");
            screen.show(Words("another status"));
            screen.say("stopping");
            assert_eq!(
                shown(&out.text(), columns),
                ["folder: run", "warning: two words", "stopping", "another status"],
                "{columns}"
            );
            screen.clear();
            screen.say("the end");
            let end = ["folder: run", "warning: two words", "stopping", "the end", ""];
            assert_eq!(shown(&out.text(), columns), end);
        }
    }

    #[test]
    fn a_long_message_breaks_between_words() {
        let (mut screen, out) = terminal(24);
        screen.show(Words("status"));
        screen.say("a message that is longer than the terminal is wide");
        let rows = ["a message that is longer", "  than the terminal is", "  wide", "status"];
        assert_eq!(shown(&out.text(), 24), rows);
    }

    #[test]
    fn elsewhere_there_are_lines_only() {
        let out = Written::default();
        let mut screen = Screen::new(Box::new(out.clone()), None);
        screen.show(Words("status"));
        screen.say("a message that is longer than a terminal may be wide, as no terminal reads it");
        screen.clear();
        assert_eq!(out.text(), "a message that is longer than a terminal may be wide, as no terminal reads it\n");
    }

    #[test]
    fn terminals_that_cannot_redraw() {
        assert!(redraws(Some(OsStr::new("xterm-256color"))));
        assert!(!redraws(Some(OsStr::new("dumb"))) && !redraws(Some(OsStr::new(""))));
        assert_eq!(redraws(None), cfg!(windows));
    }
}
