//! The list of OWASP ASVS 5.0 in docs/security.md: each item of level 1 and 2 once, and what is claimed is shown by a test.
//!
//! An item is met (and a test says so), does not apply (and it is said why), or is open, in part or whole (and it is said
//! what is missing). How many are open may only shrink. Must not know what any item asks for.

use std::collections::BTreeMap;

use super::Finding;
use crate::tree::{File, Tree};

const PAGE: &str = "docs/security.md";

/// Every section of the standard (v5.0.0) with the level of each of its items in order: 1.1.1 and 1.1.2 are of level 2.
const LEVELS: &str = "1.1:22 1.2:1111122223 1.3:112222222223 1.4:222 1.5:123 2.1:122 2.2:112 2.3:12223 2.4:23 3.1:3 \
    3.2:113 3.3:12223 3.4:11222233 3.5:11122333 3.6:3 3.7:22333 4.1:12233 4.2:23333 4.3:22 4.4:1222 5.1:2 5.2:112333 \
    5.3:113 5.4:222 6.1:122 6.2:111111112222 6.3:11223333 6.4:112233 6.5:22222333 6.6:2223 6.7:33 6.8:2222 7.1:222 \
    7.2:1111 7.3:22 7.4:11222 7.5:223 7.6:22 8.1:1233 8.2:1123 8.3:133 8.4:23 9.1:111 9.2:1222 10.1:22 10.2:223 \
    10.3:22223 10.4:1111122222233333 10.5:22222 10.6:22 10.7:222 11.1:2233 11.2:22233 11.3:11233 11.4:1222 11.5:23 \
    11.6:23 11.7:33 12.1:12233 12.2:11 12.3:22223 13.1:2333 13.2:222223 13.3:2233 13.4:1222233 14.1:22 14.2:12223333 \
    14.3:122 15.1:12233 15.2:12233 15.3:1222222 15.4:3333 16.1:2 16.2:22222 16.3:2222 16.4:222 16.5:2223 17.1:23 \
    17.2:22223333 17.3:22";

/// Sections that ask for words: there a heading of the book is as good as a test.
const OF_WORDS: [&str; 10] = ["2.1", "5.1", "6.1", "7.1", "8.1", "11.1", "13.1", "14.1", "15.1", "16.1"];

pub fn check(tree: &Tree) -> Vec<Finding> {
    let Some(page) = tree.get(PAGE) else {
        let book = tree.get("docs/README.md").map(|_| ());
        let help = "write the list of items, and what meets each";
        return book
            .map(|()| Finding::at(PAGE, 1, "the book has no page on security".into(), help))
            .into_iter()
            .collect();
    };
    let (mut findings, mut seen, mut open) = (Vec::new(), BTreeMap::new(), Vec::new());
    let mut find = |line: usize, message: String, help| findings.push(Finding::at(PAGE, line, message, help));
    for (n, text) in page.text.lines().enumerate() {
        let Some(row) = Row::of(text) else { continue };
        let line = n + 1;
        let items = row.items();
        if items.is_empty() {
            find(line, format!("`{}` names no item of level 1 or 2", row.item), "name one, or `A.B.C to A.B.D`");
        }
        for item in &items {
            if let Some(first) = seen.insert(item.clone(), line) {
                find(line, format!("{item} is in line {first} already"), "say it once");
            }
        }
        for message in row.wrong(tree, &items) {
            find(line, message, "name a test that shows it as `CRATE FILE TEST`, or say plainly what is open");
        }
        if row.is_open() {
            open.extend(items);
        }
    }
    for item in wanted().into_iter().filter(|item| !seen.contains_key(item)) {
        find(1, format!("{item} is missing"), "say what meets it, why it does not apply, or what is open");
    }
    if !open.is_empty() {
        let message = format!("{} items are open: {}", open.len(), open.join(" "));
        let help = "close one; the number in xtask/tidy-exceptions.txt is that of today and may only shrink";
        let (subject, size) = (format!("{PAGE}::open"), open.len());
        findings.push(Finding { subject, size, ..Finding::at(PAGE, 1, message, help) });
    }
    findings
}

/// All items of level 1 and 2, in the order of the standard.
fn wanted() -> Vec<String> {
    let section = |text: &str| -> Vec<String> {
        let (section, levels) = text.split_once(':').expect("a section has levels");
        let counted = levels.chars().enumerate().filter(|(_, level)| *level != '3');
        counted.map(|(n, _)| format!("{section}.{}", n + 1)).collect()
    };
    LEVELS.split_whitespace().flat_map(section).collect()
}

/// One line of the table: item, what it asks for, what is here, what shows it.
struct Row<'t> {
    item: &'t str,
    here: &'t str,
    shown: Vec<&'t str>,
}

impl<'t> Row<'t> {
    fn of(line: &'t str) -> Option<Row<'t>> {
        let cells: Vec<&str> = line.strip_prefix("| ")?.trim_end().trim_end_matches('|').split(" | ").collect();
        let (item, here, shown) = (cells.first()?.trim(), *cells.get(2)?, *cells.get(3)?);
        let number = item.chars().next().is_some_and(|c| c.is_ascii_digit());
        let shown = shown.split('`').skip(1).step_by(2).collect();
        number.then_some(Row { item, here: here.trim(), shown })
    }

    /// The items of level 1 and 2 that the line is about; none if it names any other.
    fn items(&self) -> Vec<String> {
        let (first, last) = self.item.split_once(" to ").unwrap_or((self.item, self.item));
        let all = wanted();
        let at = |item: &str| all.iter().position(|one| one == item);
        match (at(first), at(last)) {
            (Some(from), Some(to)) if from <= to && section(first) == section(last) => all[from..=to].to_vec(),
            _ => vec![],
        }
    }

    fn is_open(&self) -> bool {
        self.here.starts_with("**partly:** ") || self.here.starts_with("**open:** ")
    }

    fn wrong(&self, tree: &Tree, items: &[String]) -> Vec<String> {
        let said = ["**met:** ", "**partly:** ", "**open:** ", "**does not apply:** "];
        let word = said.iter().find_map(|word| Some((*word, self.here.strip_prefix(word)?)));
        let words = items.iter().all(|item| OF_WORDS.contains(&section(item)));
        let mut wrong: Vec<String> = self.shown.iter().filter_map(|name| missing(tree, name, words)).collect();
        match word {
            Some((_, rest)) if rest.trim().len() > 3 => {}
            _ => wrong.push(format!("{} is neither met, partly, open nor does it not apply, in words", self.item)),
        }
        if self.here.starts_with("**met:** ") && self.shown.is_empty() {
            wrong.push(format!("{} is met by nothing that shows it", self.item));
        }
        wrong
    }
}

fn section(item: &str) -> &str {
    item.rsplit_once('.').map_or(item, |(section, _)| section)
}

/// What is wrong with a name of a test, of a look of the browser, or (where words are asked for) of a heading of the book.
fn missing(tree: &Tree, name: &str, words: bool) -> Option<String> {
    let mut parts = name.splitn(3, ' ');
    let (place, file, what) = (parts.next()?, parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let path = match place {
        "docs" | "e2e" | "xtask" => format!("{place}/{file}"),
        _ => format!("crates/{place}/{file}"),
    };
    let Some(found) = tree.get(&path) else { return Some(format!("`{name}`: there is no {path}")) };
    let there = match place {
        "docs" if !words => return Some(format!("`{name}`: this item asks for more than words")),
        "docs" => found.text.lines().any(|line| line.starts_with('#') && line.trim_start_matches(['#', ' ']) == what),
        "e2e" => found.text.contains(&format!("look(\"{what}\"")),
        _ => is_test(found, what),
    };
    (!there).then(|| format!("`{name}`: there is no such test in {path}"))
}

/// Whether a function of this name is a test by its attribute.
fn is_test(file: &File, name: &str) -> bool {
    let lines: Vec<&str> = file.text.lines().collect();
    file.scan.functions.iter().filter(|function| function.name == name).any(|function| {
        let above = lines[..function.first - 1].iter().rev().map(|line| line.trim());
        let mut attributes = above.take_while(|line| line.starts_with("#[") || line.starts_with("//"));
        attributes.any(|line| line.starts_with("#[test]") || line.starts_with("#[tokio::test"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEST: &str = "//! T\n#[test]\nfn it_holds() {}\n\n#[tokio::test(start_paused = true)]\nasync fn it_waits() {}\nfn helper() {}\n";

    /// The page with every item, but for those of these sections; the lines given are about those.
    fn found(without: &[&str], lines: &[&str]) -> Vec<String> {
        let rest = wanted().into_iter().filter(|item| !without.contains(&section(item)));
        let rest: Vec<String> = rest.map(|item| format!("| {item} | x | **does not apply:** none | |")).collect();
        let page = format!("# Security\n{}\n{}\n", rest.join("\n"), lines.join("\n"));
        let files = [
            (PAGE, page.as_str()),
            ("docs/README.md", "# Book\n"),
            ("docs/rights.md", "# Rights\n\n## What is asked\n"),
            ("crates/a/src/x.rs", TEST),
            ("e2e/door.mjs", "await look(\"a passkey is made\", f);\n"),
        ];
        check(&Tree::of(files)).into_iter().map(|finding| finding.message).collect()
    }

    #[test]
    fn the_items_are_those_of_the_standard() {
        let all = wanted();
        assert_eq!(
            (all.len(), all.first().map(String::as_str), all.last().map(String::as_str)),
            (253, Some("1.1.1"), Some("17.3.2"))
        );
        assert!(!all.contains(&"1.2.10".to_owned()) && all.contains(&"1.2.9".to_owned()), "level 3 is not asked for");
        assert!(found(&[], &[]).is_empty());
    }

    #[test]
    fn what_is_met_is_shown_by_a_test_that_exists() {
        let met = |shown: &str| {
            found(&["1.1"], &["| 1.1.1 to 1.1.2 | x | **met:** so it is | SHOWN |".replace("SHOWN", shown).as_str()])
        };
        for good in ["`a src/x.rs it_holds`", "`a src/x.rs it_waits`", "`e2e door.mjs a passkey is made`"] {
            assert_eq!(met(good), Vec::<String>::new(), "{good}");
        }
        for (bad, why) in [
            ("", "1.1.1 to 1.1.2 is met by nothing that shows it"),
            ("it_holds", "1.1.1 to 1.1.2 is met by nothing that shows it"),
            ("`a src/x.rs it_held`", "`a src/x.rs it_held`: there is no such test in crates/a/src/x.rs"),
            ("`a src/x.rs helper`", "`a src/x.rs helper`: there is no such test in crates/a/src/x.rs"),
            ("`a src/y.rs it_holds`", "`a src/y.rs it_holds`: there is no crates/a/src/y.rs"),
            ("`e2e door.mjs a key is made`", "`e2e door.mjs a key is made`: there is no such test in e2e/door.mjs"),
            ("`docs rights.md What is asked`", "`docs rights.md What is asked`: this item asks for more than words"),
        ] {
            assert_eq!(met(bad), [why], "{bad}");
        }
        let words = ["| 8.1.1 to 8.1.2 | x | **met:** the book says it | `docs rights.md What is asked` |"];
        assert_eq!(found(&["8.1"], &words), Vec::<String>::new());
    }

    #[test]
    fn an_item_that_is_missing_doubled_or_says_nothing_is_found() {
        let line = |item: &str, here: &str| format!("| {item} | x | {here} | |");
        let one = line("1.1.1", "**does not apply:** none");
        assert_eq!(found(&["1.1"], &[&one]), ["1.1.2 is missing"]);
        assert_eq!(found(&["1.1"], &[&one, &line("1.1.1 to 1.1.2", "**does not apply:** none")]).len(), 1);
        let level_3 = found(&[], &[&line("1.2.10", "**met:** so it is")]);
        assert!(level_3[0].contains("names no item of level 1 or 2"), "{level_3:?}");
        for silent in ["met", "**met:**", "**open:** ", "**perhaps:** so it is", ""] {
            let said = found(&["1.1"], &[&line("1.1.1 to 1.1.2", silent)]);
            assert!(said[0].contains("neither met"), "{silent}: {said:?}");
        }
    }

    #[test]
    fn what_is_open_is_counted_under_a_name_of_its_own() {
        let lines = [
            "| 1.1.1 | x | **open:** nobody looks | |",
            "| 1.1.2 | x | **partly:** half of it | `a src/x.rs it_holds` |",
        ];
        assert_eq!(found(&["1.1"], &lines), ["2 items are open: 1.1.1 1.1.2"]);
        let page = "# S\n| 1.1.1 | x | **open:** nobody looks | |\n";
        let all = check(&Tree::of([(PAGE, page)]));
        let open = all.iter().find(|finding| finding.subject == "docs/security.md::open").expect("it is counted");
        assert_eq!(open.size, 1);
        assert_eq!(all.iter().filter(|finding| finding.subject == PAGE).count(), 252, "the others are missing");
        assert_eq!(check(&Tree::of([("docs/README.md", "# Book\n")])).len(), 1, "the page cannot go unnoticed");
    }
}
