//! Addresses that ask for no right: their list may only shrink. What each address needs is in `rights.txt`, which a test
//! holds against the router.

use super::Finding;
use crate::tree::Tree;

/// One line for each address.
const LIST: &str = "crates/seaworthy-web/tests/rights.txt";

pub fn check(tree: &Tree) -> Vec<Finding> {
    let text = tree.get(LIST).map_or("", |file| file.text.as_str());
    let help = "let it need a right (`Needs::Right`), or say in xtask/tidy-exceptions.txt why everybody may";
    let open = text.lines().enumerate().filter(|(_, line)| line.contains("  open: ") || line.contains("  secret: "));
    let mut findings: Vec<Finding> =
        open.map(|(n, line)| Finding::at(LIST, n + 1, format!("`{line}` needs no right"), help)).collect();
    let door = "crates/seaworthy-web/src/door/";
    for file in tree.rust().filter(|f| f.crate_name() == Some("seaworthy-web") && !f.path.starts_with(door)) {
        for (line, code) in file.product_lines() {
            if code.contains(".route(") || code.contains("MethodRouter::new") {
                let message = "an address that does not pass the door".to_owned();
                let help = "declare it (`Declared::get` …), so that it says what right it needs";
                findings.push(Finding::at(&file.path, line, message, help));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_without_a_right_and_one_beside_the_door_are_found() {
        let list = "GET /  see of AnyProcess\nGET /healthz  open: why\nPOST /hook/{name}  secret: why\n";
        let found = check(&Tree::of([(LIST, list)]));
        assert_eq!(found.iter().map(|f| f.line).collect::<Vec<_>>(), [2, 3]);
        let code = "//! P\nfn f() { Router::new().route(\"/x\", get(x)); }\n";
        assert_eq!(check(&Tree::of([("crates/seaworthy-web/src/page/x.rs", code)])).len(), 1);
        assert!(check(&Tree::of([("crates/seaworthy-web/src/door/mod.rs", code)])).is_empty());
    }
}
