//! What people read when a name or a type is wrong: the place, what is wrong, what to write instead.

use expect_test::{Expect, expect};

use super::{artifact, command, http, problems, sql};
use crate::expect::{PROBLEMS_MAX, Scope};

/// Each source with a line of carets and of help for each of its problems.
pub(super) fn check(scope: &Scope, sources: &[&str], want: &Expect) {
    let mut shown = String::new();
    for source in sources {
        shown += &format!("{source}\n");
        for problem in problems(source, scope) {
            let before = " ".repeat(source[..problem.at].chars().count());
            let wide = source[problem.at..problem.at + problem.len].chars().count().max(1);
            shown += &format!("{before}{} {}\n{before}help: {}\n", "^".repeat(wide), problem.message, problem.help);
        }
    }
    want.assert_eq(&shown);
}

#[test]
fn a_wrong_name_or_type_about_an_artifact_is_explained() {
    let sources = [
        "sise > 1MiB",
        r##"stdout.contains("x")"##,
        r##"size > "1MiB""##,
        "size > usual.sise && age < usual.age",
        "size > usual",
        "size > 1h || age > 5 || 5 < age",
        "size",
        "age && sha256",
        "1 < size < 10",
        "size == null && size.mb > 1",
        r##"sise > 1 && agee < 5h && size > "x""##,
        r##"size > (true ? 1 : "a")"##,
        r##"-sha256 == "a" && !size && size * true > 1"##,
        "size == True && sha256 == abc",
        "[1].all(size, size == 1)",
    ];
    check(
        &artifact(),
        &sources,
        &expect![[r#"
        sise > 1MiB
        ^^^^ `sise` is not known for an artifact
        help: write size
        stdout.contains("x")
        ^^^^^^ `stdout` is not known for an artifact; it is what a command shows
        help: known here: age, sha256, size and usual.size
        size > "1MiB"
        ^^^^^^^^^^^^^ `>` cannot compare a whole number with text
        help: write 1MiB without quotes
        size > usual.sise && age < usual.age
               ^^^^^^^^^^ `usual.sise` is not known for an artifact
               help: write usual.size
                                   ^^^^^^^^^ `usual.age` is not known for an artifact
                                   help: known here: usual.size
        size > usual
               ^^^^^ `usual` is not a value itself
               help: write usual.size
        size > 1h || age > 5 || 5 < age
        ^^^^^^^^^ `>` cannot compare a whole number with a length of time
        help: compare a size with a size, such as 1MiB
                     ^^^^^^^ `>` cannot compare a length of time with a whole number
                     help: write a unit: age > 5s, or m, h, d
                                ^^^^^^^ `<` cannot compare a whole number with a length of time
                                help: write a unit: 5s < age, or m, h, d
        size
        ^^^^ the condition must be a yes or no, and this is a whole number
        help: compare it, such as size > 0
        age && sha256
        ^^^ each side of `&&` must be a yes or no, and this is a length of time
        help: compare it, such as age < 1h
               ^^^^^^ each side of `&&` must be a yes or no, and this is text
               help: compare it, such as sha256 == "…", or ask sha256.contains("…")
        1 < size < 10
        ^^^^^^^^^^^^^ comparisons cannot be chained
        help: write 1 < size && size < 10
        size == null && size.mb > 1
        ^^^^^^^^^^^^ `==` cannot compare a whole number with null
        help: it is never null; remove this comparison
                             ^^ a whole number has no field `mb`
                             help: write size alone
        sise > 1 && agee < 5h && size > "x"
        ^^^^ `sise` is not known for an artifact
        help: write size
                    ^^^^ `agee` is not known for an artifact
                    help: write age
                                 ^^^^^^^^^^ `>` cannot compare a whole number with text
                                 help: write a number instead of a text
        size > (true ? 1 : "a")
               ^^^^^^^^^^^^^^^^ the two sides of `:` differ: a whole number and text
               help: make both of one kind
        -sha256 == "a" && !size && size * true > 1
         ^^^^^^ `-` needs a number, and this is text
         help: remove the -
                           ^^^^ what `!` turns around must be a yes or no, and this is a whole number
                           help: compare it, such as size > 0
                                   ^^^^^^^^^^^ `*` cannot join a whole number and a yes or no
                                   help: join conditions with && or ||
        size == True && sha256 == abc
                ^^^^ `True` is not known
                help: write true
                                  ^^^ `abc` is not known for an artifact
                                  help: known here: age, sha256, size and usual.size; text stands in quotes
        [1].all(size, size == 1)
                ^^^^ `size` is already the name of a fact
                help: choose another name, such as x
    "#]],
    );
}

#[test]
fn a_wrong_type_about_a_command_is_explained() {
    let sources = [
        r##"exit == "0""##,
        "stdout > 42 && 42 == stdout",
        r##"stdout.includes("x") && stdout.len() > 3 && stdout.strip == "a" && stdout.startswith("a")"##,
        r##""x" in stdout && exit in (0) && "a" in [1, 2]"##,
        r##"stdout.contains(5) && stdout.trim(1) == "a" && stdout.contains()"##,
        r##"stdout.all(l, l == "a") && stdout[0] == "a""##,
        r##"stdout.lines().contains("a") && stdout.lines().trim() == "a" && stdout.lines() > 3"##,
    ];
    check(
        &command(),
        &sources,
        &expect![[r#"
        exit == "0"
        ^^^^^^^^^^^ `==` cannot compare a whole number with text
        help: write 0 without quotes
        stdout > 42 && 42 == stdout
        ^^^^^^^^^^^ `>` cannot compare text with a whole number
        help: write int(stdout.trim()) > 42
                       ^^^^^^^^^^^^ `==` cannot compare a whole number with text
                       help: write 42 == int(stdout.trim())
        stdout.includes("x") && stdout.len() > 3 && stdout.strip == "a" && stdout.startswith("a")
               ^^^^^^^^ `includes` is not a method
               help: write stdout.contains("…")
                                       ^^^ `len` is not a method
                                       help: write stdout.size()
                                                           ^^^^^ text has no field `strip`
                                                           help: write stdout.trim()
                                                                                  ^^^^^^^^^^ `startswith` is not a method
                                                                                  help: write stdout.startsWith("…")
        "x" in stdout && exit in (0) && "a" in [1, 2]
        ^^^^^^^^^^^^^ `in` looks into a list, and this is text
        help: write stdout.contains("x")
                         ^^^^^^^^^^^ `in` looks into a list, and this is a whole number
                         help: write a list: exit in [0]
                                        ^^^^^^^^^^^^^ this list has no text
                                        help: look for a whole number in it
        stdout.contains(5) && stdout.trim(1) == "a" && stdout.contains()
        ^^^^^^^^^^^^^^^^^^ `contains` takes one text in its parentheses
        help: write stdout.contains("…")
                              ^^^^^^^^^^^^^^ `trim` takes nothing in its parentheses
                              help: write stdout.trim()
                                                       ^^^^^^^^^^^^^^^^^ `contains` takes one text in its parentheses
                                                       help: write stdout.contains("…")
        stdout.all(l, l == "a") && stdout[0] == "a"
        ^^^^^^ a macro goes through a list, and this is text
        help: write stdout.lines() to go through its lines
                                   ^^^^^^ text has no items
                                   help: write stdout.lines()[0] for its first line
        stdout.lines().contains("a") && stdout.lines().trim() == "a" && stdout.lines() > 3
                       ^^^^^^^^ a list has no method `contains`
                       help: write "a" in stdout.lines()
                                                       ^^^^ a list has no method `trim`
                                                       help: ask each item: stdout.lines().exists(x, x.trim())
                                                                        ^^^^^^^^^^^^^^^^^^ `>` cannot compare a list with a whole number
                                                                        help: write stdout.lines().size() > 3
    "#]],
    );
}

#[test]
fn a_wrong_function_method_or_field_is_explained() {
    let sources = [
        "jsn(stdout).a == 1 && length(stdout) > 1 && foo(1) && json(exit) == 1 && json() == 1",
        "stdout.a == 1 && has(stdout) && has(stdout.a) && stdout.lines().a == 1",
        "exit.size() > 1 && exit[0] == 1 && [1][true] == 1",
        "stdout.frobnicate() || stdout.json().a == 1",
        "duration < 10 && duration % 2 == 0 && duration * duration > 1h",
    ];
    check(
        &command(),
        &sources,
        &expect![[r#"
        jsn(stdout).a == 1 && length(stdout) > 1 && foo(1) && json(exit) == 1 && json() == 1
        ^^^ `jsn` is not a function
        help: write json(stdout)
                              ^^^^^^ `length` is not a function
                              help: write stdout.size()
                                                    ^^^ `foo` is not a function
                                                    help: known: size, json, int, double, duration, has
                                                              ^^^^^^^^^^ `json` takes text, and this is a whole number
                                                              help: write exit alone
                                                                                 ^^^^^^ `json` takes one value
                                                                                 help: write json(…)
        stdout.a == 1 && has(stdout) && has(stdout.a) && stdout.lines().a == 1
               ^ text has no field `a`
               help: write json(stdout).a if it is JSON
                         ^^^ `has` asks whether a map has a field
                         help: write has(json(stdout).field)
                                            ^^^^^^ text has no fields
                                            help: has() asks for a field of json(…) or of a row
                                                                        ^ a list has no field `a`
                                                                        help: take one item first: stdout.lines()[0].a
        exit.size() > 1 && exit[0] == 1 && [1][true] == 1
             ^^^^ a whole number has no method `size`
             help: compare exit itself
                           ^^^^ a whole number has no items
                           help: remove the index
                                               ^^^^ an item is chosen by a whole number, and this is a yes or no
                                               help: write a whole number from 0, such as [0]
        stdout.frobnicate() || stdout.json().a == 1
               ^^^^^^^^^^ `frobnicate` is not a method
               help: known: contains, startsWith, endsWith, matches, size, trim, lines, all, exists, filter, map
                                      ^^^^ `json` is not a method
                                      help: write json(stdout)
        duration < 10 && duration % 2 == 0 && duration * duration > 1h
        ^^^^^^^^^^^^^ `<` cannot compare a length of time with a whole number
        help: write a unit: duration < 10s, or m, h, d
                         ^^^^^^^^^^^^ `%` cannot join a length of time and a whole number
                         help: `%` takes whole numbers; write a share as a factor, such as 0.2 *
                                              ^^^^^^^^^^^^^^^^^^^ `*` cannot join a length of time and a length of time
                                              help: write two values of one kind around *
    "#]],
    );
}

#[test]
fn wrong_conditions_on_a_query_are_explained() {
    let sources = ["value > 5 && rows > 3 && row[0] == 1 && value[1h] == 1"];
    check(
        &sql(),
        &sources,
        &expect![[r#"
        value > 5 && rows > 3 && row[0] == 1 && value[1h] == 1
                     ^^^^^^^^ `>` cannot compare a list with a whole number
                     help: write rows.size() > 3
                                 ^^^ `row` is not known for an SQL query
                                 help: write rows
                                                      ^^ an item is chosen by a whole number, and this is a length of time
                                                      help: write a whole number from 0, such as [0]
    "#]],
    );
}

#[test]
fn wrong_conditions_on_a_request_are_explained() {
    let sources = ["status == 200 && exit == 0 && body.code == 1 && usual.duration < 5 && status == 0x1G"];
    check(
        &http(),
        &sources,
        &expect![[r#"
        status == 200 && exit == 0 && body.code == 1 && usual.duration < 5 && status == 0x1G
                         ^^^^ `exit` is not known for an HTTP request; it is what a command shows
                         help: known here: body, duration, status and usual.duration
                                           ^^^^ text has no field `code`
                                           help: write json(body).code if it is JSON
                                                        ^^^^^^^^^^^^^^^^^^ `<` cannot compare a length of time with a whole number
                                                        help: write a unit: usual.duration < 5s, or m, h, d
                                                                                        ^^^^ `0x1G` is not a number
                                                                                        help: write digits and a to f
    "#]],
    );
}

#[test]
fn the_number_of_reported_problems_has_a_limit() {
    let source = vec!["sise > 1"; PROBLEMS_MAX + 5].join(" && ");
    assert_eq!(problems(&source, &artifact()).len(), PROBLEMS_MAX);
}
