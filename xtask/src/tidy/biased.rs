//! The loops choose in a fixed order: `tokio::select!` draws lots unless it says `biased;`, and then a seed of the simulation
//! would not give the same history twice.

use super::Finding;
use crate::tree::Tree;

pub fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.rust().filter(|f| matches!(f.crate_name(), Some("seaworthy-runtime" | "seaworthy-sim"))) {
        let lines: Vec<(usize, &str)> = file.product_lines().collect();
        for (n, (line, code)) in lines.iter().enumerate() {
            let Some((_, rest)) = code.split_once("select!") else { continue };
            let rest = rest.trim_start().trim_start_matches(['{', '(']).trim_start();
            let rest = std::iter::once(rest).chain(lines[n + 1..].iter().map(|(_, code)| code.trim()));
            if !rest.into_iter().find(|code| !code.is_empty()).is_some_and(|code| code.starts_with("biased;")) {
                let help = "begin it with `biased;`, and put first what must win when several are ready";
                findings.push(Finding::at(&file.path, *line, "a loop chooses by chance".into(), help));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(path: &str, text: &str) -> Vec<usize> {
        check(&Tree::of([(path, text)])).iter().map(|f| f.line).collect()
    }

    #[test]
    fn a_choice_by_chance_is_found_in_the_loops_and_free_elsewhere() {
        let text = "//! L\nasync fn f() {\n    tokio::select! {\n        () = a() => {}\n    }\n    tokio::select! { () = b() => {} }\n}\n";
        assert_eq!(lines("crates/seaworthy-runtime/src/a.rs", text), [3, 6]);
        assert!(lines("crates/seaworthy-web/src/a.rs", text).is_empty());
    }

    #[test]
    fn a_fixed_order_passes() {
        let text = "//! L\nasync fn f() {\n    tokio::select! {\n        // first\n        biased;\n        () = a() => {}\n    }\n    select! { biased; () = b() => {} }\n}\n";
        assert!(lines("crates/seaworthy-runtime/src/a.rs", text).is_empty());
    }
}
