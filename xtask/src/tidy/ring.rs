//! The ring rule: words < decisions < hands < loops and faces < the binary.

use super::Finding;
use crate::tree::Tree;

/// Which crates of the house each crate may use. Development dependencies are free: tests may join what the product keeps apart.
const MAY_USE: &str = "
    model     :
    core      : model
    spec      : model core
    store     : model
    platform  : model
    probe     : model
    notify    : model
    identity  : model
    runtime   : model core spec
    web       : model core
    seaworthy : *
    sim       : *
    bench     : *
    xtask     :
";

/// Nothing is built on these: `*` is everything but them.
const TOP: [&str; 2] = ["seaworthy", "sim"];

/// Libraries that bring IO, chance or a runtime; a ring of words and decisions has no use for them.
const IMPURE: [&str; 12] = [
    "axum",
    "fastrand",
    "getrandom",
    "lettre",
    "libc",
    "rand",
    "reqwest",
    "rusqlite",
    "rustix",
    "tokio",
    "tokio-postgres",
    "tracing-subscriber",
];

/// Crates without IO, by short name.
pub const PURE: [&str; 3] = ["model", "core", "spec"];

pub fn check(tree: &Tree) -> Vec<Finding> {
    let manifests = tree.files.iter().filter(|f| f.path.ends_with("/Cargo.toml"));
    manifests.flat_map(|file| manifest(&file.path, file.crate_name().unwrap_or(""), &file.text)).collect()
}

fn manifest(path: &str, name: &str, text: &str) -> Vec<Finding> {
    let own = short(name);
    let Some(allowed) = allowed(own) else {
        let message = format!("the crate `{name}` has no place in the house");
        return vec![Finding::at(
            path,
            1,
            message,
            "give it a line in MAY_USE of xtask/src/tidy/ring.rs, or make it a folder",
        )];
    };
    let mut findings = Vec::new();
    for (line, dependency) in dependencies(text) {
        let other = short(&dependency);
        let of_house = dependency.starts_with("seaworthy");
        let free = allowed.contains(&"*") && !TOP.contains(&other);
        if of_house && !free && !allowed.contains(&other) {
            let message = format!("`{name}` must not use `{dependency}`: it is in the same ring or a higher one");
            findings.push(Finding::at(
                path,
                line,
                message,
                "speak to it through a port of seaworthy-model, or move the code",
            ));
        }
        if PURE.contains(&own) && IMPURE.contains(&dependency.as_str()) {
            let message = format!("`{name}` must not use `{dependency}`: it decides and does no IO");
            findings.push(Finding::at(path, line, message, "take what you need as an argument, or go through a port"));
        }
    }
    findings
}

fn short(name: &str) -> &str {
    name.strip_prefix("seaworthy-").unwrap_or(name)
}

fn allowed(own: &str) -> Option<Vec<&'static str>> {
    MAY_USE
        .lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.trim() == own)
        .map(|(_, list)| list.split_whitespace().collect())
}

/// Names under every `dependencies` and `build-dependencies` table, with their lines.
fn dependencies(text: &str) -> Vec<(usize, String)> {
    let (mut found, mut inside) = (Vec::new(), false);
    for (n, line) in text.lines().enumerate() {
        let line = line.trim();
        if let Some(table) = line.strip_prefix('[') {
            let table = table.trim_end_matches(']').trim_start_matches('[');
            let (head, last) = table.rsplit_once('.').unwrap_or(("", table));
            let lists = |name: &str| matches!(name.rsplit('.').next(), Some("dependencies" | "build-dependencies"));
            inside = lists(last);
            if lists(head) && !inside {
                found.push((n + 1, last.to_string()));
            }
        } else if inside && !line.starts_with('#') {
            let name: String = line.chars().take_while(|c| c.is_alphanumeric() || matches!(c, '-' | '_')).collect();
            if !name.is_empty() {
                found.push((n + 1, name));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, text: &str) -> Vec<usize> {
        check(&Tree::of([(path, text)])).iter().map(|f| f.line).collect()
    }

    #[test]
    fn an_edge_to_the_same_or_a_higher_ring_is_found_in_every_way_of_writing_it() {
        let probe = "crates/seaworthy-probe/Cargo.toml";
        assert_eq!(
            found(probe, "[dependencies]\nseaworthy-model.workspace = true\nseaworthy-core.workspace = true\n"),
            [3]
        );
        assert_eq!(found(probe, "[dependencies.seaworthy-notify]\nworkspace = true\n"), [1]);
        assert_eq!(found(probe, "[target.'cfg(unix)'.dependencies]\nseaworthy-store = { path = \"../s\" }\n"), [2]);
        assert_eq!(found(probe, "[build-dependencies]\nseaworthy-spec = \"0\"\n"), [2]);
        assert_eq!(
            found("crates/seaworthy-web/Cargo.toml", "[dependencies]\nseaworthy-runtime.workspace = true\n"),
            [2]
        );
    }

    #[test]
    fn nothing_is_built_on_the_binary_or_the_simulation() {
        let on_both = "[dependencies]\nseaworthy.workspace = true\nseaworthy-sim.workspace = true\n";
        for path in ["crates/seaworthy-sim/Cargo.toml", "crates/seaworthy/Cargo.toml", "bench/Cargo.toml"] {
            assert_eq!(found(path, on_both), [2, 3], "{path}");
        }
    }

    #[test]
    fn allowed_edges_and_development_dependencies_pass() {
        assert!(
            found("crates/seaworthy-spec/Cargo.toml", "[dependencies]\nseaworthy-core.workspace = true\n").is_empty()
        );
        assert!(found("crates/seaworthy/Cargo.toml", "[dependencies]\nseaworthy-store.workspace = true\n").is_empty());
        let tested =
            "[dependencies]\nseaworthy-model.workspace = true\n[dev-dependencies]\nseaworthy-store.workspace = true\n";
        assert!(found("crates/seaworthy-runtime/Cargo.toml", tested).is_empty());
    }

    #[test]
    fn a_decision_with_a_runtime_and_a_crate_without_a_place_are_found() {
        assert_eq!(found("crates/seaworthy-core/Cargo.toml", "[dependencies]\ntokio.workspace = true\n"), [2]);
        assert_eq!(found("crates/seaworthy-misc/Cargo.toml", "[dependencies]\n"), [1]);
    }
}
