//! What a terminal shows after some bytes: as little of a terminal as the command needs.

/// The rows of a terminal of `columns` after `text`, blanks at their ends cut off. It wraps at its edge, and knows `\r`,
/// `\n` and how to erase a line; any other control is an error.
pub(crate) fn shown(text: &str, columns: usize) -> Vec<String> {
    let (mut rows, mut column) = (vec![Vec::new()], 0);
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if let Some(after) = rest.strip_prefix("\x1b[2K") {
            *rows.last_mut().unwrap() = Vec::new();
            rest = after;
            continue;
        }
        rest = &rest[c.len_utf8()..];
        match c {
            '\r' => column = 0,
            '\n' => {
                rows.push(Vec::new());
                column = 0;
            }
            c => {
                assert!(!c.is_control(), "{c:?}");
                if column == columns {
                    rows.push(Vec::new());
                    column = 0;
                }
                let row = rows.last_mut().unwrap();
                if row.len() <= column {
                    row.resize(column + 1, ' ');
                }
                row[column] = c;
                column += 1;
            }
        }
    }
    rows.into_iter().map(|row| row.into_iter().collect::<String>().trim_end().to_owned()).collect()
}

#[test]
fn a_line_that_wraps_cannot_be_erased() {
    assert_eq!(shown("abcdef\r\x1b[2Kx", 4), ["abcd", "x"]);
    assert_eq!(shown("abc\r\x1b[2Kx\r\ny", 4), ["x", "y"]);
    assert_eq!(shown("abcd\rx", 4), ["xbcd"]);
}
