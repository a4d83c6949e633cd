//! YAML text to a located tree, within limits: whatever the text is, it is read or refused at one place.

use std::collections::HashMap;
use std::sync::Arc;

use serde_saphyr::granit_parser::{ErrorKind, Event, Marker, Options, Parser, ScalarStyle, ScanError, StrInput, Tag};

use super::tree::{Fault, Key, Node, Place, Value};

/// Bytes of a configuration.
const MOST_BYTES: usize = 1 << 20;
/// Values of a configuration, and bytes of its texts, after each `*alias` has become what it stands for.
const MOST_NODES: usize = 100_000;
const MOST_TEXT: usize = 1 << 22;
/// Lists and maps in one another.
const DEEPEST: usize = 64;

/// Reads one YAML document; `origin` is its name in messages. No text at all is [`Value::Null`].
///
/// # Errors
/// One fault: where the text is not YAML, and why; a name that stands twice in a map; `*alias` without its `&anchor`; a
/// second document; a tag such as `!include`; a number that is not finite; more than 1 MiB, 64 levels or 100,000 values
/// (aliases expanded); bytes that are not UTF-8, and control characters.
pub fn read(origin: &str, bytes: &[u8]) -> Result<Node, Fault> {
    let origin: Arc<str> = origin.into();
    let top = Place { origin: Arc::clone(&origin), line: 1, column: 1 };
    if bytes.len() > MOST_BYTES {
        let message = format!("this is {} bytes long; a configuration has at most {MOST_BYTES}", bytes.len());
        return Err(Fault::new(&top, "", message));
    }
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return Err(Fault::new(&top, "", "this is UTF-16; save it as UTF-8"));
    }
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let good = std::str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or_default();
        let message = format!("the byte 0x{:02x} is not UTF-8; save the file as UTF-8", bytes[error.valid_up_to()]);
        Fault::new(&after(good, &origin), "", message)
    })?;
    // The mark that some editors put in front is no part of the text.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let control = |c: char| (c.is_control() && !matches!(c, '\t' | '\n' | '\r' | '\u{85}')) || c == '\u{feff}';
    if let Some((at, c)) = text.char_indices().find(|(_, c)| control(*c)) {
        let message = format!("the character U+{:04X} cannot stand in a configuration; take it out", u32::from(c));
        return Err(Fault::new(&after(&text[..at], &origin), "", message));
    }
    let mut options = Options::default();
    options.disallow_directives = true;
    options.flow_nesting_limit = DEEPEST + 1;
    options.block_nesting_limit = DEEPEST + 1;
    options.set_emit_comments(false);
    let parser = Parser::new_from_str_with_options(text, options);
    Reader { parser, origin, anchors: HashMap::new(), nodes: 0, text: 0 }.document()
}

/// The place of what follows `text`.
fn after(text: &str, origin: &Arc<str>) -> Place {
    let (mut line, mut column, mut before) = (1, 1, ' ');
    for c in text.chars() {
        // "\r\n" is one end of a line.
        if c == '\r' || (c == '\n' && before != '\r') {
            (line, column) = (line + 1, 1);
        } else if c != '\n' {
            column += 1;
        }
        before = c;
    }
    Place { origin: Arc::clone(origin), line, column }
}

struct Reader<'a> {
    parser: Parser<'a, StrInput<'a>>,
    origin: Arc<str>,
    /// What each `&anchor` stands for, how many values that is, and how many bytes of text.
    anchors: HashMap<usize, (Node, usize, usize)>,
    nodes: usize,
    text: usize,
}

impl<'a> Reader<'a> {
    fn place(&self, at: Marker) -> Place {
        let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        // Columns are counted from 0 there.
        Place { origin: Arc::clone(&self.origin), line: number(at.line()), column: number(at.col()).saturating_add(1) }
    }

    fn next(&mut self) -> Result<(Event<'a>, Place), Fault> {
        match self.parser.next_event() {
            Some(Ok((event, span))) => Ok((event, self.place(span.start))),
            Some(Err(error)) => Err(self.refuse(&error)),
            None => Ok((Event::StreamEnd, self.place(Marker::new(0, 1, 0)))),
        }
    }

    fn refuse(&self, error: &ScanError) -> Fault {
        Fault::new(&self.place(*error.marker()), "", words(error.kind()))
    }

    fn document(mut self) -> Result<Node, Fault> {
        let mut node = None;
        loop {
            let (event, place) = self.next()?;
            match event {
                Event::StreamStart | Event::DocumentEnd => {}
                Event::DocumentStart(..) if node.is_some() => {
                    let message = "a second document begins here; a configuration is one, without `---` in between";
                    return Err(Fault::new(&place, "", message));
                }
                Event::DocumentStart(..) => {
                    let (event, place) = self.next()?;
                    node = Some(self.node(event, place, 0)?);
                }
                Event::StreamEnd => break,
                _ => return Err(Fault::new(&place, "", words(&ErrorKind::ExpectedDocumentStart))),
            }
        }
        let top = Place { origin: Arc::clone(&self.origin), line: 1, column: 1 };
        Ok(node.unwrap_or(Node { place: top, value: Value::Null }))
    }

    fn count(&mut self, place: &Place, nodes: usize, text: usize) -> Result<(), Fault> {
        (self.nodes, self.text) = (self.nodes + nodes, self.text + text);
        if self.nodes > MOST_NODES || self.text > MOST_TEXT {
            let message = format!(
                "with every `*alias` written out this is more than {MOST_NODES} values or {MOST_TEXT} bytes of text; \
                 make it shorter"
            );
            return Err(Fault::new(place, "", message));
        }
        Ok(())
    }

    fn node(&mut self, event: Event<'a>, place: Place, depth: usize) -> Result<Node, Fault> {
        if depth > DEEPEST {
            return Err(Fault::new(&place, "", format!("lists and maps lie in one another more than {DEEPEST} deep")));
        }
        let before = (self.nodes, self.text);
        let (value, anchor) = match event {
            Event::Scalar(text, style, anchor, tag) => {
                self.count(&place, 1, text.len())?;
                (scalar(&text, style, tag.as_deref()).map_err(|message| Fault::new(&place, "", message))?, anchor)
            }
            Event::SequenceStart(_, anchor, tag) => {
                self.count(&place, 1, 0)?;
                self.collection(tag.as_deref(), "seq", &place)?;
                (self.list(depth)?, anchor)
            }
            Event::MappingStart(_, anchor, tag) => {
                self.count(&place, 1, 0)?;
                self.collection(tag.as_deref(), "map", &place)?;
                (self.map(depth)?, anchor)
            }
            Event::Alias(anchor) => {
                let Some((_, nodes, text)) = self.anchors.get(&anchor) else {
                    return Err(Fault::new(&place, "", "this `*alias` stands inside of what it stands for"));
                };
                let (nodes, text) = (*nodes, *text);
                self.count(&place, nodes, text)?;
                let value = self.anchors.get(&anchor).map_or(Value::Null, |(node, ..)| node.value.clone());
                return Ok(Node { place, value });
            }
            _ => return Err(Fault::new(&place, "", words(&ErrorKind::ExpectedNodeContent))),
        };
        let node = Node { place, value };
        if anchor > 0 {
            self.anchors.insert(anchor, (node.clone(), self.nodes - before.0, self.text - before.1));
            // The copy that is kept counts as well.
            self.count(&node.place, self.nodes - before.0, self.text - before.1)?;
        }
        Ok(node)
    }

    /// Refuses a tag other than that of its own kind.
    fn collection(&self, tag: Option<&Tag>, own: &str, place: &Place) -> Result<(), Fault> {
        match tag {
            Some(tag) if tag.suffix() != own => Err(Fault::new(place, "", unknown_tag(tag))),
            _ => Ok(()),
        }
    }

    fn list(&mut self, depth: usize) -> Result<Value, Fault> {
        let mut items = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd, _) => return Ok(Value::List(items)),
                (event, place) => items.push(self.node(event, place, depth + 1)?),
            }
        }
    }

    fn map(&mut self, depth: usize) -> Result<Value, Fault> {
        let mut entries: Vec<(Key, Node)> = Vec::new();
        let mut seen: HashMap<String, usize> = HashMap::new();
        let mut merged: Vec<(Place, Node)> = Vec::new();
        loop {
            let (event, place) = self.next()?;
            let (name, plain) = match event {
                Event::MappingEnd => break,
                Event::Scalar(name, style, anchor, tag) if tag.is_none() => {
                    self.count(&place, 1, name.len())?;
                    if anchor > 0 {
                        let node = Node { place: place.clone(), value: Value::Text(name.clone().into_owned()) };
                        self.anchors.insert(anchor, (node, 1, name.len()));
                    }
                    (name.into_owned(), style == ScalarStyle::Plain)
                }
                Event::Alias(anchor) => match self.anchors.get(&anchor).map(|(node, ..)| &node.value) {
                    Some(Value::Text(name)) => (name.clone(), false),
                    _ => return Err(Fault::new(&place, "", "a name must be text")),
                },
                _ => return Err(Fault::new(&place, "", "a name must be plain text, without a tag")),
            };
            if plain && matches!(name.as_str(), "" | "~" | "null") {
                return Err(Fault::new(&place, "", "a name is missing before the colon"));
            }
            let (event, at) = self.next()?;
            let value = self.node(event, at, depth + 1)?;
            if plain && name == "<<" {
                merged.push((place, value));
                continue;
            }
            if let Some(&first) = seen.get(&name) {
                let first = &entries[first].0.place;
                let message = format!(
                    "{name:?} stands here a second time, after line {} column {}; take one of them out",
                    first.line, first.column
                );
                return Err(Fault::new(&place, "", message));
            }
            seen.insert(name.clone(), entries.len());
            entries.push((Key { name, place }, value));
        }
        for (place, value) in merged {
            for (key, value) in mergeable(&place, value)? {
                // What the map says itself counts, then what was merged first.
                if !seen.contains_key(&key.name) {
                    seen.insert(key.name.clone(), entries.len());
                    entries.push((key, value));
                }
            }
        }
        Ok(Value::Map(entries))
    }
}

/// The names and values of `<<: …`: of a map, or of a list of maps.
fn mergeable(place: &Place, node: Node) -> Result<Vec<(Key, Node)>, Fault> {
    match node.value {
        Value::Map(entries) => Ok(entries),
        Value::List(items) if items.iter().all(|item| matches!(item.value, Value::Map(_))) => {
            let maps = items.into_iter().map(|item| mergeable(place, item)).collect::<Result<Vec<_>, _>>()?;
            Ok(maps.into_iter().flatten().collect())
        }
        value => Err(Fault::new(place, "", format!("`<<` merges a map or a list of maps, not {}", value.shown()))),
    }
}

/// What a scalar is: YAML 1.2's core schema, so that `yes` and `on` are text, as are numbers with leading zeros.
fn scalar(text: &str, style: ScalarStyle, tag: Option<&Tag>) -> Result<Value, String> {
    let plain = if style == ScalarStyle::Plain { unquoted(text)? } else { Value::Text(text.to_owned()) };
    let Some(tag) = tag else { return Ok(plain) };
    if (tag.handle(), tag.suffix()) == ("!", "") || (tag.handle(), tag.suffix()) == ("", "!") {
        return Ok(Value::Text(text.to_owned()));
    }
    let core = tag.handle() == "tag:yaml.org,2002:";
    match (core, tag.suffix(), unquoted(text)?) {
        (true, "str", _) => Ok(Value::Text(text.to_owned())),
        (true, "null", Value::Null) => Ok(Value::Null),
        (true, "bool", it @ Value::Bool(_))
        | (true, "int", it @ Value::Int(_))
        | (true, "float", it @ Value::Float(_)) => Ok(it),
        (true, "float", Value::Int(it)) => Ok(Value::Float(it as f64)),
        (true, "bool" | "int" | "float" | "null", _) => {
            Err(format!("{text:?} is not what its tag !!{} says", tag.suffix()))
        }
        _ => Err(unknown_tag(tag)),
    }
}

fn unknown_tag(tag: &Tag) -> String {
    let handle = if tag.handle() == "tag:yaml.org,2002:" { "!!" } else { tag.handle() };
    format!("the tag {handle}{} means nothing here; take it out", tag.suffix())
}

fn unquoted(text: &str) -> Result<Value, String> {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Ok(Value::Null),
        "true" | "True" | "TRUE" => return Ok(Value::Bool(true)),
        "false" | "False" | "FALSE" => return Ok(Value::Bool(false)),
        _ => {}
    }
    let (sign, digits) = match text.as_bytes() {
        [b'-', ..] => (-1, &text[1..]),
        [b'+', ..] => (1, &text[1..]),
        _ => (1, text),
    };
    if [".inf", ".Inf", ".INF", ".nan", ".NaN", ".NAN"].contains(&digits) {
        return Err(format!("{text} is not a finite number, and nothing here may be other than finite"));
    }
    let whole = |digits: &str, radix| i128::from_str_radix(digits, radix).ok().map(|n| sign * n);
    let all = |digits: &str, good: fn(&char) -> bool| !digits.is_empty() && digits.chars().all(|c| good(&c));
    let number = if let Some(digits) = digits.strip_prefix("0x").filter(|it| all(it, char::is_ascii_hexdigit)) {
        whole(digits, 16)
    } else if let Some(digits) = digits.strip_prefix("0o").filter(|it| all(it, |c| ('0'..='7').contains(c))) {
        whole(digits, 8)
    } else if all(digits, char::is_ascii_digit) {
        if digits.len() > 1 && digits.starts_with('0') {
            return Ok(Value::Text(text.to_owned()));
        }
        whole(digits, 10)
    } else {
        None
    };
    if let Some(number) = number.filter(|n| (i128::from(i64::MIN)..=i128::from(u64::MAX)).contains(n)) {
        return Ok(Value::Int(number));
    }
    // Of what Rust reads as a float, `inf`, `nan` and `infinity` are text here.
    let begins = digits.as_bytes().iter().find(|b| **b != b'.').is_some_and(u8::is_ascii_digit);
    match digits.parse::<f64>() {
        Ok(it) if begins && it.is_finite() => Ok(Value::Float(if sign < 0 { -it } else { it })),
        Ok(_) if begins => Err(format!("{text} is larger than any number that can be held")),
        _ => Ok(Value::Text(text.to_owned())),
    }
}

/// Why a text is not YAML.
fn words(kind: &ErrorKind) -> String {
    let text = match kind {
        ErrorKind::RecursionLimitExceeded => {
            return format!("lists and maps lie in one another more than {DEEPEST} deep");
        }
        ErrorKind::UnclosedQuotedScalar | ErrorKind::InvalidQuotedScalarIndent => {
            "a quote before this has no end, or the text in it goes on here without being indented"
        }
        ErrorKind::UnclosedFlowCollection { .. } | ErrorKind::UnexpectedEof => "a bracket that opens here has no end",
        ErrorKind::MisplacedFlowCollectionEnd | ErrorKind::MismatchedFlowCollectionEnd { .. } => {
            "this bracket closes nothing that is open"
        }
        ErrorKind::TabInIndentation | ErrorKind::TabAtBlockScalarStart | ErrorKind::TabInPlainScalar => {
            "a tab; use spaces"
        }
        ErrorKind::MappingValueNotAllowed | ErrorKind::MappingKeyNotAllowed | ErrorKind::InvalidColonPlacement => {
            "a colon, and so a name, cannot stand here; put quotes around a text that holds one"
        }
        ErrorKind::BlockSequenceEntryNotAllowed | ErrorKind::BlockEntryInFlowCollection => "`- ` cannot stand here",
        ErrorKind::UnknownQuotedScalarEscape => "no such `\\` escape in double quotes; write `\\\\` for a backslash",
        ErrorKind::UnexpectedEofFlowSequence => "a list that begins with `[` has no `]`",
        ErrorKind::UnexpectedEofFlowMapping => "a map that begins with `{` has no `}`",
        ErrorKind::UnexpectedEofImplicitFlowMapping => "a value is missing here, or the end of what `[` begins",
        ErrorKind::ExpectedFlowMappingSeparator => "expected `,` or `}` here",
        ErrorKind::ExpectedFlowSequenceSeparator => "expected `,` or `]` here",
        ErrorKind::ExpectedBlockMappingKey => "expected a name with a colon, indented as those above it",
        ErrorKind::ExpectedBlockSequenceEntry => "expected `- ` here, indented as those above it",
        ErrorKind::UnknownAnchor => "no `&anchor` of this name stands before this `*alias`",
        ErrorKind::TabNotAllowed | ErrorKind::TabInBlockIndentation => "a tab; indent with spaces",
        ErrorKind::InvalidIndentation => "this is indented neither as the line above nor as what it belongs to",
        ErrorKind::SimpleKeyExpected | ErrorKind::InvalidSimpleKey => {
            "expected `name: value` here: a name on one line, with `: ` after it"
        }
        ErrorKind::UnexpectedCharacter { character } => {
            return format!("{character:?} cannot begin a value; put quotes around it");
        }
        ErrorKind::DirectiveDisallowed => "a directive (`%…`) means nothing here; take it out",
        ErrorKind::UndeclaredTagHandle => "this tag (`!…`) means nothing here; take it out",
        ErrorKind::CommentNotSeparated => "a comment needs a space before its `#`",
        ErrorKind::ExpectedWhitespace => "expected a space here",
        ErrorKind::InvalidDocumentEnd | ErrorKind::ExpectedDocumentStart => "expected the end of the document here",
        _ => "this cannot be read as YAML; look for an indentation, a quote, a bracket or a colon that is wrong",
    };
    text.to_owned()
}

#[cfg(test)]
#[path = "parse_tests.rs"]
mod tests;
