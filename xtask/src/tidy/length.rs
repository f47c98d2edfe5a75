//! Files and functions stay short enough to be read at once.

use super::Finding;
use crate::tree::Tree;

/// Hard limit of a file, tests included.
const FILE_LINES_MAX: usize = 400;

/// Hard limit of a function, from `fn` to its closing brace.
const FUNCTION_LINES_MAX: usize = 70;

pub fn files(tree: &Tree) -> Vec<Finding> {
    tree.rust()
        .map(|file| (file, file.text.lines().count()))
        .filter(|(_, lines)| *lines > FILE_LINES_MAX)
        .map(|(file, lines)| {
            let message = format!("the file has {lines} lines, the limit is {FILE_LINES_MAX}");
            let help = "split it by what its parts know; larger tests go to src/NAME/tests.rs or tests/";
            Finding { size: lines, ..Finding::at(&file.path, lines, message, help) }
        })
        .collect()
}

pub fn functions(tree: &Tree) -> Vec<Finding> {
    let all = tree.rust().flat_map(|file| file.scan.functions.iter().map(move |function| (file, function)));
    all.filter(|(_, function)| function.lines() > FUNCTION_LINES_MAX)
        .map(|(file, function)| {
            let lines = function.lines();
            let message = format!("`{}` has {lines} lines, the limit is {FUNCTION_LINES_MAX}", function.name);
            let subject = format!("{}::{}", file.path, function.name);
            let help = "parents before children: let it read as a list of steps, and name the steps";
            Finding { subject, size: lines, ..Finding::at(&file.path, function.first, message, help) }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_too_many_is_found_and_the_limit_itself_passes() {
        let long = |lines: usize| format!("//! A file.\n{}", "// x\n".repeat(lines - 1));
        let tree = Tree::of([("a/fits.rs", long(FILE_LINES_MAX)), ("a/long.rs", long(FILE_LINES_MAX + 1))]);
        let found = files(&tree);
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].path.as_str(), found[0].size), ("a/long.rs", 401));
    }

    #[test]
    fn a_long_function_is_found_where_it_begins_and_named_in_its_subject() {
        let function = |name: &str, lines: usize| format!("fn {name}() {{\n{}}}\n", "    x();\n".repeat(lines - 2));
        let text = format!("//! A file.\n{}{}", function("fits", 70), function("long", 71));
        let found = functions(&Tree::of([("a/f.rs", text)]));
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].line, found[0].subject.as_str(), found[0].size), (72, "a/f.rs::long", 71));
    }
}
