//! The lints of this crate are those of the workspace, but for one: `unsafe` is argued here instead of forbidden.

use toml::{Table, Value};

/// Lints that stand in for `unsafe_code = "forbid"`.
const INSTEAD: [&str; 3] = ["unsafe_op_in_unsafe_fn", "undocumented_unsafe_blocks", "missing_safety_doc"];

fn table(text: &str, path: &[&str]) -> Table {
    let whole = text.parse::<Table>().expect("a manifest");
    let found = path.iter().try_fold(Value::Table(whole), |value, key| value.get(key).cloned());
    found.and_then(|value| value.as_table().cloned()).expect("a table of lints")
}

#[test]
fn lints_are_those_of_the_workspace_but_for_one() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../Cargo.toml");
    // A crate by itself (from a registry) has no workspace beside it.
    let Ok(workspace) = std::fs::read_to_string(root) else { return };
    let own = include_str!("../Cargo.toml");
    for tool in ["rust", "clippy"] {
        let mut want = table(&workspace, &["workspace", "lints", tool]);
        let mut found = table(own, &["lints", tool]);
        if tool == "rust" {
            let ban = want.remove("unsafe_code").expect("the workspace bans unsafe code");
            assert_eq!(ban.as_str(), Some("forbid"));
        }
        for name in INSTEAD {
            if let Some(level) = found.remove(name) {
                assert_eq!(level.as_str(), Some("deny"), "{name}");
            }
        }
        assert_eq!(found, want, "the {tool} lints of nl-kernels are not those of the workspace");
    }
    for name in INSTEAD {
        assert!(own.contains(&format!("{name} = \"deny\"")), "{name} is gone");
    }
}
