//! Words and tables as people read them, as wide as the place they go to; numbers are nl-report's.

use std::io::IsTerminal;

pub(crate) use nl_report::text::{duration, quoted, thousands};

/// Where nothing is known, and off a terminal.
const COLUMNS: usize = 80;
/// A table is no wider than this, however wide the terminal: the eye has to find the value that belongs to a name.
const WIDEST_TABLE: usize = 72;

/// The columns of `stream`, if it is a terminal that says so; else those of `$COLUMNS`, else 80.
pub(crate) fn columns(stream: &impl terminal::Handle) -> usize {
    terminal_size::terminal_size_of(stream).map_or_else(columns_said, |(width, _)| usize::from(width.0))
}

/// What [`terminal_size`] asks for its size.
pub(crate) mod terminal {
    #[cfg(unix)]
    pub(crate) use std::os::fd::AsFd as Handle;
    #[cfg(windows)]
    pub(crate) use std::os::windows::io::AsHandle as Handle;
}

fn columns_said() -> usize {
    let said = std::env::var("COLUMNS").ok().and_then(|text| text.parse().ok());
    said.filter(|&columns| columns > 0).unwrap_or(COLUMNS)
}

/// The columns of stdout for a table: those of the terminal, or 80 in a pipe or a file.
pub(crate) fn stdout_columns() -> usize {
    let out = std::io::stdout();
    if out.is_terminal() { columns(&out) } else { COLUMNS }
}

/// Columns that `text` takes; everything that is printed here is one column a character.
pub(crate) fn width(text: &str) -> usize {
    text.chars().count()
}

/// `text` cut to at most `columns`, with an ellipsis in the place of what is lost.
pub(crate) fn cut(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let kept: String = text.chars().take(columns.saturating_sub(1)).collect();
    if columns == 0 { kept } else { kept.trim_end().to_owned() + "…" }
}

/// `text` in lines of at most `columns`, broken at blanks; lines after the first begin with two blanks. A word that is
/// longer than a line (a path) stays whole, so that it can be copied.
pub(crate) fn wrap(text: &str, columns: usize) -> String {
    let mut out = String::new();
    for (number, line) in text.split('\n').enumerate() {
        if number > 0 {
            out.push('\n');
        }
        let indent = line.len() - line.trim_start_matches(' ').len();
        let mut used = indent;
        out.push_str(&line[..indent]);
        for (i, word) in line[indent..].split(' ').enumerate() {
            if i > 0 && used + 1 + width(word) > columns {
                out.push('\n');
                out.extend(std::iter::repeat_n(' ', indent + 2));
                used = indent + 2;
            } else if i > 0 {
                out.push(' ');
                used += 1;
            }
            out.push_str(word);
            used += width(word);
        }
    }
    out
}

/// A title, rows of name and value, and below them what is too long for a row (a hash, a path).
///
/// Values stand in a column at the right; where that does not fit into `columns`, a value stands below its name.
pub(crate) fn table(title: &str, rows: &[(&str, String)], below: &[(&str, String)], columns: usize) -> String {
    let longest = |side: &dyn Fn(&(&str, String)) -> usize| rows.iter().map(side).max().unwrap_or(0);
    let (names, values) = (longest(&|row| width(row.0)), longest(&|row| width(row.1.trim())));
    let room = columns.min(WIDEST_TABLE);
    let mut text = format!("\n{}\n", wrap(title, columns));
    for (name, value) in rows {
        let value = value.trim();
        if 2 + names + 2 + values <= room {
            let gap = room.min(2 + names + 2 + values.max(14)) - 2 - width(name);
            text += &format!("  {name}{value:>gap$}\n");
        } else {
            text += &format!("{}\n    {value}\n", wrap(&format!("  {name}"), columns));
        }
    }
    for (name, value) in below {
        text += &format!("  {name:7} {value}\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_break_at_blanks_and_long_words_stay_whole() {
        assert_eq!(wrap("one two three", 80), "one two three");
        assert_eq!(wrap("one two three", 7), "one two\n  three");
        assert_eq!(wrap("  one two three", 9), "  one two\n    three");
        assert_eq!(wrap("at /a/very/long/path now", 10), "at\n  /a/very/long/path\n  now");
        assert_eq!(wrap("a\n\nb c", 3), "a\n\nb c");
    }

    #[test]
    fn what_is_cut_says_so() {
        assert_eq!(cut("short", 5), "short");
        assert_eq!(cut("longer", 5), "long…");
        assert_eq!(cut("a longer", 3), "a…");
        assert_eq!(cut("x", 0), "");
    }

    #[test]
    fn tables_fit_their_place() {
        let rows = [("with labels: cortex", "99.28 %".to_owned()), ("time", " 68.0 s".to_owned())];
        let below = [("report", "a/report.html".to_owned())];
        let wide = "\nmnist, seed 1\n  with labels: cortex         99.28 %\n  time                         68.0 s\n  \
                    report  a/report.html\n";
        for columns in [200, 80, 40] {
            assert_eq!(table("mnist, seed 1", &rows, &below, columns), wide);
        }
        let narrow =
            "\nmnist, seed 1\n  with labels: cortex\n    99.28 %\n  time\n    68.0 s\n  report  a/report.html\n";
        assert_eq!(table("mnist, seed 1", &rows, &below, 24), narrow);
        for columns in [20, 28, 36, 40, 80] {
            let text = table("mnist, seed 1", &rows, &[], columns);
            assert!(text.lines().all(|line| width(line) <= columns.max(21)), "{columns}: {text}");
        }
    }
}
