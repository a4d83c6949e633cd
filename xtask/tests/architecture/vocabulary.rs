//! One vocabulary: every name that can stand in a configuration is kebab-case, and a choice with data is told by its `kind`.

use crate::house::packages;
use crate::source::{Token, at, contains, files, read, shipped, tokens};

/// Enums that no configuration holds, each with the reason why it is written otherwise.
const STATE_ONLY: &[(&str, &str)] = &[
    ("Size", "a height and a width: one number, or two"),
    ("Names", "the names of layers: one, or a list"),
    ("AlgorithmState", "an optimiser's state: bincode in checkpoints, which cannot hold a tag beside the fields"),
    ("AnyState", "a rule's state: bincode in checkpoints and snapshots"),
    ("Choice", "is written as text: `auto`, `synthetic` or a folder"),
    ("Plot", "a figure of a page, with its data apart from its kind"),
    ("SpikeFiles", "one format or a list of them, which are kebab-case"),
    ("Learned", "names fields of a neuron, and is written as they are"),
    ("Cell", "a cell of a table of a page, externally tagged so that a number is a pair"),
];

/// What one enum says about its names.
#[derive(Debug, PartialEq, Eq)]
struct Vocabulary {
    name: String,
    kebab: bool,
    has_data: bool,
    tagged_by_kind: bool,
    closed: bool,
}

/// Every enum of the code that derives `Deserialize`.
fn enums(code: &[Token]) -> Vec<Vocabulary> {
    let mut found = Vec::new();
    for i in 0..code.len() {
        let (true, Some(Token::Word(name))) = (at(code, i, &["enum"]), code.get(i + 1)) else { continue };
        // Back over visibility and attributes to what came before them.
        let before =
            code[..i].iter().rposition(|token| matches!(token, Token::Sign(';' | '{' | '}'))).map_or(0, |at| at + 1);
        let attributes = &code[before..i];
        if !contains(attributes, &["derive"]) || !contains(attributes, &["Deserialize"]) {
            continue;
        }
        let says = |key: &str, value: &str| {
            let text = Token::Text(value.to_owned());
            (0..attributes.len()).any(|j| at(attributes, j, &[key, "="]) && attributes.get(j + 2) == Some(&text))
        };
        found.push(Vocabulary {
            name: name.clone(),
            kebab: says("rename_all", "kebab-case"),
            has_data: has_data(&code[i + 2..]),
            tagged_by_kind: says("tag", "kind") && !contains(attributes, &["content"]),
            closed: contains(attributes, &["deny_unknown_fields"]),
        });
    }
    found
}

/// Whether a variant of the enum whose generics or body begin here holds something.
fn has_data(code: &[Token]) -> bool {
    let Some(open) = code.iter().position(|token| *token == Token::Sign('{')) else { return false };
    let (mut depth, mut attribute) = (0_u32, 0_u32);
    for token in &code[open..] {
        match token {
            Token::Sign('[') => attribute += 1,
            Token::Sign(']') => attribute -= 1,
            Token::Sign('(' | '{') if attribute == 0 && depth == 1 => return true,
            Token::Sign('{') if attribute == 0 => depth += 1,
            Token::Sign('}') if attribute == 0 => return false,
            _ => {}
        }
    }
    false
}

/// What is wrong with an enum, if anything is.
fn fault(it: &Vocabulary) -> Option<String> {
    let name = &it.name;
    if STATE_ONLY.iter().any(|(known, _)| known == name) {
        return None;
    }
    if !it.kebab {
        return Some(format!("{name}: give it #[serde(rename_all = \"kebab-case\")], or a reason in STATE_ONLY"));
    }
    let open = it.has_data && !(it.tagged_by_kind && it.closed);
    open.then(|| format!("{name} holds data: give it #[serde(tag = \"kind\", deny_unknown_fields)] as well"))
}

#[test]
fn every_name_of_a_configuration_is_kebab_case() {
    let (mut wrong, mut seen) = (Vec::new(), Vec::new());
    for package in packages() {
        for path in files(&package.dir.join("src")) {
            for found in enums(&shipped(&read(&path))) {
                wrong.extend(fault(&found).map(|what| format!("{}: {what}", path.display())));
                seen.push(found.name);
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    // The lists hold nothing that is gone, and the search finds what stands in a macro, too.
    let known = STATE_ONLY.iter().map(|(name, _)| *name);
    for name in known.chain(["RuleKind", "SurrogateKind", "Schedule"]) {
        assert!(seen.iter().any(|found| found == name), "{name} is nowhere");
    }
}

#[test]
fn a_wrong_vocabulary_is_seen() {
    let of =
        |source: &str| enums(&tokens(source)).iter().map(|found| fault(found).unwrap_or_default()).collect::<Vec<_>>();
    let plain = "#[derive(Debug, Deserialize)] pub enum A { One, Two }";
    assert!(of(plain)[0].contains("A: give it #[serde(rename_all"));
    let snake = r#"#[derive(Deserialize)] #[serde(rename_all = "snake_case")] enum B { One }"#;
    assert!(of(snake)[0].starts_with("B: give"));
    let untagged = r#"#[derive(Deserialize)] #[serde(rename_all = "kebab-case")] enum C { One { x: f32 }, Two(u8) }"#;
    assert!(of(untagged)[0].starts_with("C holds data"));
    let open = r#"#[derive(Deserialize)] #[serde(tag = "kind", rename_all = "kebab-case")] enum D { One { x: f32 } }"#;
    assert!(of(open)[0].starts_with("D holds data"));
    let right = r#"
        struct Before;
        #[derive(Deserialize)] #[serde(rename_all = "kebab-case")] enum E { #[default] One, #[serde(alias = "three")] Two }
        #[derive(Deserialize)] #[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
        pub enum F { One { x: f32 }, Two(G) }
        #[derive(Debug)] enum NotRead { One(u8) }
    "#;
    assert_eq!(of(right), ["", ""]);
}
