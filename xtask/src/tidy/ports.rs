//! Ports stay small: an adapter and its double must be a day's work.

use super::Finding;
use crate::{
    scan::is_word,
    tree::{File, Tree},
};

/// A port has fewer methods than this.
const METHODS_LIMIT: usize = 12;

pub fn check(tree: &Tree) -> Vec<Finding> {
    tree.rust().filter(|file| file.path.ends_with("/port.rs") || file.path.contains("/port/")).flat_map(ports).collect()
}

fn ports(file: &File) -> Vec<Finding> {
    let code = &file.scan.code;
    let mut findings = Vec::new();
    for (at, _) in code.match_indices("pub trait ") {
        let name: String = code[at + 10..].chars().take_while(|c| is_word(*c)).collect();
        // A trait at the top level ends with the first brace at the margin, as rustfmt writes it.
        let body = code[at..].split("\n}").next().unwrap_or("");
        let methods = body.lines().filter(|line| line.trim_start().starts_with("fn ")).count();
        if methods >= METHODS_LIMIT {
            let line = code[..at].matches('\n').count() + 1;
            let message = format!("the port `{name}` has {methods} methods, the limit is {}", METHODS_LIMIT - 1);
            findings.push(Finding::at(
                &file.path,
                line,
                message,
                "split it by who asks, or let one method take a query",
            ));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn port(name: &str, methods: usize) -> String {
        format!("pub trait {name}: Send {{\n{}}}\n", "    /// Does.\n    fn f(&self);\n".repeat(methods))
    }

    #[test]
    fn a_port_with_too_many_methods_is_found_and_its_small_neighbour_passes() {
        let text = format!("//! Ports of the house.\n{}{}", port("Small", 11), port("Large", 12));
        let found = check(&Tree::of([("crates/seaworthy-model/src/port.rs", text)]));
        assert_eq!(found.len(), 1);
        assert!(found[0].message.contains("`Large` has 12"), "{}", found[0].message);
        assert_eq!(found[0].line, 26, "1 line of opening, 24 of Small");
    }
}
