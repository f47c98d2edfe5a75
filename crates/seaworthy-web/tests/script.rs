//! What script and forms of the pages must never hold. They are read as text: no browser is needed.

use std::{fs, path::Path};

const SCRIPTS: [(&str, &str); 2] =
    [("seaworthy.js", include_str!("../assets/seaworthy.js")), ("door.js", include_str!("../assets/door.js"))];

#[test]
fn script_keeps_nothing_runs_no_text_and_listens_to_no_window() {
    let never = [
        "localStorage",
        "sessionStorage",
        "indexedDB",
        "document.cookie",
        "caches.",
        "eval(",
        "new Function",
        "document.write",
        "outerHTML",
        "insertAdjacentHTML",
        "postMessage",
        "'message'",
        "onmessage",
    ];
    for (name, script) in SCRIPTS {
        assert!(script.contains("'use strict'"), "{name}");
        for word in never {
            assert!(!script.contains(word), "{name} has `{word}`");
        }
    }
    let markup = SCRIPTS.iter().map(|(_, script)| script.matches("innerHTML").count()).sum::<usize>();
    assert_eq!(markup, 1, "fragments of our own templates are set in one place");
}

#[test]
fn script_compares_strictly_and_gives_no_object_names_from_outside() {
    for (name, script) in SCRIPTS {
        for word in [" == ", " != ", "__proto__", ".prototype", "Object.assign", "setPrototypeOf"] {
            assert!(!script.contains(word), "{name} has `{word}`");
        }
    }
}

/// Every tag of this kind in all templates.
fn tags(folder: &Path, start: &str, found: &mut Vec<String>) {
    for item in fs::read_dir(folder).expect("templates are there") {
        let path = item.expect("it can be read").path();
        if path.is_dir() {
            tags(&path, start, found);
            continue;
        }
        let text = fs::read_to_string(&path).expect("a template is text");
        found.extend(text.split(start).skip(1).filter_map(|rest| rest.split('>').next()).map(str::to_owned));
    }
}

#[test]
fn fields_for_passwords_hide_what_is_typed_and_let_a_manager_fill_them_in() {
    let mut inputs = Vec::new();
    tags(&Path::new(env!("CARGO_MANIFEST_DIR")).join("templates"), "<input ", &mut inputs);
    let secret =
        |tag: &&String| ["password", "again", "new"].iter().any(|name| tag.contains(&format!(" name=\"{name}\"")));
    let secrets: Vec<&String> = inputs.iter().filter(secret).collect();
    assert!(secrets.len() >= 7, "{secrets:?}");
    for tag in secrets {
        assert!(tag.contains("type=\"password\""), "{tag}");
        assert!(
            tag.contains("autocomplete=\"current-password\"") || tag.contains("autocomplete=\"new-password\""),
            "{tag}"
        );
    }
    for tag in inputs {
        assert!(!tag.contains(" onpaste") && !tag.contains("autocomplete=\"off\" type=\"password\""), "{tag}");
    }
}
