//! What the scanner keeps and what it blanks.

use super::*;

#[test]
fn comments_and_strings_are_not_code() {
    let scan = scan("let a = \"fn x() {\"; // fn y() {\n/* } /* } */ */ let b = r#\"say \"hi\" {\"#;\n");
    assert_eq!(scan.code.lines().count(), 2);
    assert!(!scan.code.contains("fn"), "{}", scan.code);
    assert!(!scan.code.contains('{'), "{}", scan.code);
    let texts: Vec<&str> = scan.strings.iter().map(|s| s.text.as_str()).collect();
    assert_eq!(texts, ["fn x() {", "say \"hi\" {"]);
    assert_eq!(scan.strings[1].line, 2);
}

#[test]
fn characters_are_blanked_and_lifetimes_are_kept() {
    let scan =
        scan("fn f<'a>(x: &'a str) -> char { match x { _ => '{' } }\nfn g() { let q = '\\''; let z = '\\u{7d}'; }\n");
    let lines: Vec<(&str, usize)> = scan.functions.iter().map(|f| (f.name.as_str(), f.lines())).collect();
    assert_eq!(lines, [("f", 1), ("g", 1)]);
    assert!(scan.code.contains("<'a>"));
}

#[test]
fn functions_are_measured_from_fn_to_the_closing_brace() {
    let scan =
        scan("impl A {\n    fn one(&self);\n    fn two<F: Fn(u8)>(\n        f: F,\n    ) {\n        f(1)\n    }\n}\n");
    assert_eq!(scan.functions, [Function { name: "two".into(), first: 3, last: 7, text_lines: 0 }]);
    assert_eq!(scan.functions[0].lines(), 5);
}

#[test]
fn a_long_text_in_a_function_is_no_code() {
    let scan = super::scan("fn f() {\n    check(\n        \"one\n        two\n        three\",\n    );\n}\n");
    assert_eq!(scan.functions[0].lines(), 5, "seven lines, two of which begin inside the text");
}

#[test]
fn test_items_are_known_by_their_attribute() {
    let scan = scan(
        "fn real() {}\n#[cfg(test)]\nmod tests {\n    fn x() {}\n}\n#[cfg(test)]\nmod cases;\nfn more() {}\n#[tokio::test(start_paused = true)]\nasync fn t() {\n}\n",
    );
    assert_eq!(scan.test_lines.iter().copied().collect::<Vec<_>>(), [2, 3, 4, 5, 6, 7, 9, 10, 11]);
    assert_eq!(scan.test_modules, ["cases"]);
}

#[test]
fn words_have_borders() {
    assert!(has_word("use std::fs;", "std::fs"));
    assert!(!has_word("MyHashMapper", "HashMap"));
    assert!(!has_word("eprintln!()", "println!"));
    assert!(has_word("println!(x)", "println!"));
    assert!(has_word("tokio::spawn", "tokio::"));
}
