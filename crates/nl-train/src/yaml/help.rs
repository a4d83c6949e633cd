//! The whole configuration with its comments, from its schema.

use std::fmt::Write as _;

use serde_json::{Map, Value as Json};

use super::schema::{alternatives, expected, resolved, tag, words};

/// Columns of a line.
const WIDTH: usize = 100;

/// Every name of a configuration by its JSON Schema: what it means, its type, its range and its default, as YAML.
///
/// What has a default stands with it, what is required is left open, and every `kind` but the first is a comment. A part
/// that was described before is not described again.
///
/// ```
/// let schema = serde_json::json!({
///     "type": "object", "required": ["name"],
///     "properties": {
///         "name": {"type": "string", "description": "Names the run."},
///         "batch": {"type": "integer", "minimum": 1, "default": 128, "description": "Images of a step."}
///     }
/// });
/// let text = nl_train::yaml::help::render(&schema);
/// assert!(text.contains("# Names the run. Text; required.\nname:\n"));
/// assert!(text.contains("# Images of a step. A whole number from 1; default: 128.\nbatch: 128\n"));
/// ```
#[must_use]
pub fn render(schema: &Json) -> String {
    let mut page = Page { root: schema, described: Vec::new() };
    let mut text = String::new();
    if let Some(about) = description(schema) {
        comment(&mut text, 0, WIDTH, &about);
        text.push('\n');
    }
    page.fields(&mut text, resolved(schema, schema), None, 0, WIDTH);
    text
}

struct Page<'a> {
    root: &'a Json,
    /// The `$ref`s that have been described, or are just being.
    described: Vec<&'a str>,
}

impl<'a> Page<'a> {
    /// The fields of an object, a tagged choice's fields by its kinds.
    fn fields(&mut self, text: &mut String, schema: &'a Json, default: Option<&'a Json>, indent: usize, width: usize) {
        if let Some((all, _)) = alternatives(self.root, schema) {
            return self.kinds(text, &all, default, indent, width);
        }
        let Some(properties) = schema.get("properties").and_then(Json::as_object) else { return };
        let required: Vec<&str> =
            schema.get("required").and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_str).collect();
        // What must be said comes first, in its own order.
        let first = required.iter().filter_map(|name| properties.get_key_value(*name));
        let others = properties.iter().filter(|(name, _)| !required.contains(&name.as_str()));
        let mut all: Vec<_> = first.chain(others).collect();
        all.sort_by_key(|(_, field)| field.get("const").is_none());
        for (name, field) in all {
            let default = default.and_then(|all| all.get(name)).or_else(|| field.get("default"));
            self.field(text, name, field, default, required.contains(&name.as_str()), indent, width);
        }
    }

    /// The first kind, or that of the default, as it stands; the others as comments.
    fn kinds(&mut self, text: &mut String, all: &[&'a Json], default: Option<&'a Json>, indent: usize, width: usize) {
        let Some((name, kinds)) = tag(all) else { return };
        let usual = default.and_then(|it| it.get(name)).and_then(Json::as_str);
        let shown = usual.and_then(|usual| kinds.iter().position(|kind| *kind == usual)).unwrap_or(0);
        self.fields(text, all[shown], default, indent, width);
        for (i, one) in all.iter().enumerate().filter(|(i, _)| *i != shown) {
            let mut other = String::new();
            self.fields(&mut other, one, None, 0, width.saturating_sub(indent + 2));
            comment(text, indent, width, &format!("Or {name} {}:", kinds[i]));
            commented(text, indent, &other);
        }
    }

    #[allow(clippy::too_many_arguments, reason = "a field is all of these")]
    fn field(
        &mut self,
        text: &mut String,
        name: &str,
        field: &'a Json,
        default: Option<&'a Json>,
        required: bool,
        indent: usize,
        width: usize,
    ) {
        let target = resolved(self.root, field);
        if let Some(word) = field.get("const") {
            line(text, indent, &format!("{name}: {}", inline(word)));
            return;
        }
        let (all, nullable) = alternatives(self.root, target).unwrap_or_default();
        // Of "this or nothing", this.
        let (target, nullable) = match all[..] {
            [only] => (only, nullable),
            _ => (target, nullable || target["type"].as_array().is_some_and(|all| all.iter().any(|one| one == "null"))),
        };
        let reference = reference(field);
        // A list within itself (layers of layers) would never end.
        let listed = target.get("items").filter(|items| has_names(self.root, items)).and_then(self::reference);
        let known = [reference, listed].into_iter().flatten().any(|it| self.described.contains(&it));
        self.about(text, field, target, default, (required, nullable, known), indent, width);
        let body = (!known).then(|| self.body(target, default, width.saturating_sub(indent + 4), reference)).flatten();
        match (body, default) {
            (Some(body), None | Some(Json::Object(_) | Json::Array(_))) if !nullable || default.is_some() => {
                line(text, indent, &format!("{name}:"));
                nested(text, indent + 2, &body);
            }
            (Some(body), _) => {
                line(text, indent, &format!("{name}: null"));
                commented(text, indent, &format!("{name}:\n{}", indented(&body, 2)));
            }
            (None, Some(default)) => line(text, indent, &format!("{name}: {}", inline(default))),
            (None, None) if required => line(text, indent, &format!("{name}:")),
            (None, None) => line(text, indent, &format!("# {name}:")),
        }
    }

    /// What stands below a name, at indentation 0; `None` if its value stands beside it.
    fn body(
        &mut self,
        target: &'a Json,
        default: Option<&'a Json>,
        width: usize,
        reference: Option<&'a str>,
    ) -> Option<String> {
        if words(self.root, target).is_some() {
            return None;
        }
        let mut body = String::new();
        self.described.extend(reference);
        if let Some(items) = target.get("items").filter(|items| items.is_object()) {
            let one = resolved(self.root, items);
            self.described.extend(self::reference(items));
            let kinds = alternatives(self.root, one).filter(|(all, _)| tag(all).is_some());
            let entries = kinds.map_or_else(|| vec![one], |(all, _)| all);
            for entry in entries {
                let mut fields = String::new();
                if let Some(about) = description(entry) {
                    comment(&mut fields, 0, width.saturating_sub(2), &about);
                }
                let before = fields.len();
                self.fields(&mut fields, entry, None, 0, width.saturating_sub(2));
                if fields.len() > before {
                    body.push_str("-\n");
                    nested(&mut body, 2, &fields);
                }
            }
        } else if let Some(others) = keyed(target) {
            let one = resolved(self.root, others);
            let mut fields = String::new();
            self.fields(&mut fields, one, None, 0, width.saturating_sub(4));
            if !fields.is_empty() {
                commented(&mut body, 0, &format!("NAME:\n{}", indented(&fields, 2)));
                // A map of nothing but comments is nothing.
                body.insert_str(0, "{}\n");
            }
        } else {
            self.fields(&mut body, target, default, 0, width);
        }
        (!body.is_empty()).then_some(body)
    }

    /// The comment above a name.
    #[allow(clippy::too_many_arguments, reason = "a field is all of these")]
    fn about(
        &self,
        text: &mut String,
        field: &Json,
        target: &Json,
        default: Option<&Json>,
        (required, nullable, known): (bool, bool, bool),
        indent: usize,
        width: usize,
    ) {
        let mut about = description(field).or_else(|| description(target)).unwrap_or_default();
        if !about.is_empty() && !about.ends_with(['.', '?', '!']) {
            about.push('.');
        }
        let kinds = alternatives(self.root, target).and_then(|(all, _)| Some((tag(&all)?, all)));
        let mut facts = Vec::new();
        if let Some(words) = words(self.root, target) {
            facts.push(format!("one of {}", words.join(", ")));
        } else if let Some(((name, values), _)) = &kinds {
            facts.push(format!("{name} is one of {}", values.join(", ")));
        } else if let Some(rules) = target.as_object() {
            facts.extend(type_of(rules));
        }
        if let (Some(unit), Some(fact)) = (target.get("x-unit").and_then(Json::as_str), facts.first_mut()) {
            let _ = write!(fact, " in {unit}");
        }
        match default {
            Some(Json::Null) => facts.push("left out unless given".to_owned()),
            Some(it @ (Json::Bool(_) | Json::Number(_) | Json::String(_))) => {
                facts.push(format!("default: {}", inline(it)));
            }
            _ if required => facts.push("required".to_owned()),
            None if nullable => facts.push("left out unless given".to_owned()),
            _ => {}
        }
        if known {
            facts.push("its names are described above".to_owned());
        }
        let facts = facts.join("; ");
        let mut letters = facts.chars();
        let facts = letters.next().map(|first| format!("{}{}.", first.to_uppercase(), letters.as_str()));
        comment(text, indent, width, &[about, facts.unwrap_or_default()].join(" "));
        // What each word or kind means.
        let each: Vec<(&str, &Json)> = match &kinds {
            Some(((_, values), all)) => values.iter().copied().zip(all.iter().copied()).collect(),
            None => {
                let all = alternatives(self.root, target).map(|(all, _)| all).unwrap_or_default();
                all.into_iter().filter_map(|one| Some((one.get("const")?.as_str()?, one))).collect()
            }
        };
        if !known {
            for (word, one) in each {
                if let Some(means) = description(one) {
                    comment(text, indent, width, &format!("- {word}: {means}"));
                }
            }
        }
    }
}

/// Whether there is something to describe: an object's fields, or kinds.
fn has_names(root: &Json, schema: &Json) -> bool {
    let one = resolved(root, schema);
    one.get("properties").is_some() || alternatives(root, one).is_some_and(|(all, _)| tag(&all).is_some())
}

/// The schema of the values of a map whose names are free.
fn keyed(schema: &Json) -> Option<&Json> {
    let patterns = schema.get("patternProperties").and_then(Json::as_object);
    let pattern = patterns.and_then(|all| all.values().next());
    pattern.or_else(|| schema.get("additionalProperties")).filter(|others| others.is_object())
}

/// The `$ref` of a field, be it in "this or nothing".
fn reference(field: &Json) -> Option<&str> {
    let own = |one: &'_ Json| one.get("$ref").and_then(Json::as_str).map(str::len).is_some();
    if own(field) {
        return field.get("$ref").and_then(Json::as_str);
    }
    let all = field.get("anyOf").and_then(Json::as_array)?;
    all.iter().find_map(|one| one.get("$ref").and_then(Json::as_str))
}

/// The types of a schema in words.
fn type_of(rules: &Map<String, Json>) -> Option<String> {
    let types: Vec<&str> = match rules.get("type")? {
        Json::String(one) => vec![one],
        Json::Array(all) => all.iter().filter_map(Json::as_str).filter(|one| *one != "null").collect(),
        _ => return None,
    };
    let said: Vec<String> = types.iter().filter(|one| **one != "object").map(|one| expected(one, rules)).collect();
    (!said.is_empty()).then(|| said.join(" or "))
}

/// The first paragraph of a description, as plain text: without links and without code.
fn description(schema: &Json) -> Option<String> {
    let text = schema.get("description").and_then(Json::as_str)?;
    let paragraph = text.split("\n\n").next()?.split("```").next()?;
    let joined = paragraph.split_whitespace().collect::<Vec<_>>().join(" ");
    let plain = unlinked(&joined);
    (!plain.is_empty()).then_some(plain)
}

/// `[`X`](path)` and `[`X`]` become `X`; `\[` becomes `[`.
fn unlinked(text: &str) -> String {
    let (mut plain, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(at) = rest.find(['[', '\\']) {
        plain.push_str(&rest[..at]);
        rest = &rest[at..];
        let link = rest.strip_prefix("[`").and_then(|inner| inner.split_once("`]"));
        if let Some((name, after)) = link.filter(|(name, _)| !name.contains(['[', '`'])) {
            plain.push_str(name);
            rest = after.strip_prefix('(').and_then(|target| target.split_once(')')).map_or(after, |(_, after)| after);
        } else {
            // A bracket that stands for itself, with or without its backslash.
            let kept = rest.strip_prefix('\\').filter(|it| it.starts_with(['[', ']'])).unwrap_or(rest);
            let first = kept.chars().next().map_or(0, char::len_utf8);
            plain.push_str(&kept[..first]);
            rest = &kept[first..];
        }
    }
    plain + rest
}

/// A value on one line: JSON is YAML, but words need no quotes.
fn inline(value: &Json) -> String {
    let bare = |word: &str| {
        word.starts_with(|c: char| c.is_ascii_alphabetic())
            && word.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '/'))
            && !["true", "false", "null"].contains(&word.to_lowercase().as_str())
    };
    match value {
        Json::String(word) if bare(word) => word.clone(),
        value => value.to_string(),
    }
}

fn line(text: &mut String, indent: usize, content: &str) {
    let _ = writeln!(text, "{:indent$}{content}", "");
}

/// A comment in lines of at most `width` columns, indentation included.
fn comment(text: &mut String, indent: usize, width: usize, about: &str) {
    let (mut row, room) = (String::new(), width.saturating_sub(indent + 2).max(20));
    let hang = if about.starts_with("- ") { "  " } else { "" };
    for word in about.split_whitespace() {
        let wide = row.chars().count() + 1 + word.chars().count();
        if !row.is_empty() && wide > room {
            line(text, indent, &format!("# {row}"));
            row = hang.to_owned() + word;
        } else {
            if !row.is_empty() {
                row.push(' ');
            }
            row.push_str(word);
        }
    }
    if !row.is_empty() {
        line(text, indent, &format!("# {row}"));
    }
}

/// `body`, each line behind `# `.
fn commented(text: &mut String, indent: usize, body: &str) {
    for row in body.lines() {
        line(text, indent, format!("# {row}").trim_end());
    }
}

fn indented(body: &str, indent: usize) -> String {
    let mut text = String::new();
    nested(&mut text, indent, body);
    text
}

fn nested(text: &mut String, indent: usize, body: &str) {
    for row in body.lines() {
        line(text, indent, row);
    }
}

#[cfg(test)]
#[path = "help_tests.rs"]
mod tests;
