//! What people read when a condition cannot be read: the place, what is wrong, what to write instead.

use expect_test::expect;

use super::{artifact, command, diagnostic::check};

#[test]
fn signs_and_words_of_other_languages_are_explained() {
    let sources = [
        "size = 5",
        "size > 1MiB and age < 1h or not size == 0",
        "size > 20% of usual.size && size > 5%",
        "size & 1 | 2 === {}",
        "size ≥ 1MiB && sha256 == “abc”",
        r##"$size > 1 && sha256 == "abc"##,
        "size ++ 1 > 2",
        "size > 1 ; age < 1",
    ];
    check(
        &artifact(),
        &sources,
        &expect![[r#"
        size = 5
             ^ `=` is not an operator here
             help: write ==
        size > 1MiB and age < 1h or not size == 0
                    ^^^ `and` is not an operator here
                    help: write &&
                                 ^^ `or` is not an operator here
                                 help: write ||
                                    ^^^ `not` is not an operator here
                                    help: write !(condition)
        size > 20% of usual.size && size > 5%
                 ^ `%` is the remainder of a division and needs a number behind it
                 help: write a share as a factor, such as 0.2 * usual.size
                                            ^ `%` is the remainder of a division and needs a number behind it
                                            help: write a share as a factor, such as 0.05 * usual.size
        size & 1 | 2 === {}
        ^^^^ each side of `&&` must be a yes or no, and this is a whole number
        help: compare it, such as size > 0
             ^ `&` is not an operator here
             help: write && for `and`
               ^ each side of `&&` must be a yes or no, and this is a whole number
               help: compare it, such as 1 > 0
                 ^ `|` is not an operator here
                 help: write || for `or`
                     ^^^ `===` is not an operator here
                     help: write ==
                         ^ maps in braces are not part of this language
                         help: compare fields one by one
                          ^ maps in braces are not part of this language
                          help: compare fields one by one
        size ≥ 1MiB && sha256 == “abc”
             ^ `≥` is not an operator here
             help: write >=
                                 ^ `“` is a printer's quotation mark
                                 help: write straight quotes: "…"
                                     ^ `”` is a printer's quotation mark
                                     help: write straight quotes: "…"
        $size > 1 && sha256 == "abc
        ^ `$` has no meaning here
        help: write the name alone, such as size
                               ^ this text is not closed
                               help: write " at its end
        size ++ 1 > 2
              ^ a name or a value is missing before `+`
              help: write one here
        size > 1 ; age < 1
                 ^ `;` has no meaning here
                 help: remove it
    "#]],
    );
}

#[test]
fn wrong_numbers_units_and_texts_are_explained() {
    let sources = [
        "size > 1MIB && age < 10min && size < 1_000 && size < 5u",
        "size > 1 MiB",
        "size > 99999999999999999999 && size > 1e999 && size > 99999999TiB && age < 999999w",
        r##"sha256 == "\d" && sha256 == "\xZZ""##,
    ];
    check(
        &artifact(),
        &sources,
        &expect![[r#"
        size > 1MIB && age < 10min && size < 1_000 && size < 5u
               ^^^^ `MIB` is not a unit
               help: write 1MiB
                             ^^^^^ `min` is not a unit
                             help: write 10m
                                             ^^^^^ `1_000` is not a number
                                             help: write 1000
                                                             ^^ `5u`: numbers without sign are not part of this language
                                                             help: write 5
        size > 1 MiB
               ^^^^^ a unit stands directly behind its number
               help: write 1MiB
        size > 99999999999999999999 && size > 1e999 && size > 99999999TiB && age < 999999w
               ^^^^^^^^^^^^^^^^^^^^ `99999999999999999999` does not fit into 64 bits
               help: write it as decimal: 99999999999999999999.0
                                              ^^^^^ `1e999` is out of range
                                              help: write a number below 1e308
                                                              ^^^^^^^^^^^ `99999999TiB` is more bytes than 64 bits can count
                                                              help: write a smaller size
                                                                                   ^^^^^^^ `999999w` is longer than 292 years
                                                                                   help: write a shorter length of time
        sha256 == "\d" && sha256 == "\xZZ"
                   ^^ `\d` is not an escape
                   help: write \\ for a backslash, or r"…" for a text without escapes
                                     ^^^^ `\xZZ` is not an escape
                                     help: write \\ for a backslash, or r"…" for a text without escapes
    "#]],
    );
}

#[test]
fn what_is_missing_or_too_much_is_explained() {
    let sources = [
        "(size > 1MiB && age < 1h",
        "size > 1MiB) && age < 1h",
        "size > 1MiB age < 1h",
        "size > && age < 1h",
        "size > 1MiB &&",
        "",
        "size > (1 + ] && age < 1h",
        "size in [1, 2",
    ];
    check(
        &artifact(),
        &sources,
        &expect![[r#"
            (size > 1MiB && age < 1h
            ^ this `(` is not closed
            help: write ) at its end
            size > 1MiB) && age < 1h
                       ^ no `(` belongs to this `)`
                       help: remove it, or write ( before
            size > 1MiB age < 1h
                        ^^^ the condition ends before this
                        help: join two conditions with && or ||
            size > && age < 1h
                   ^^ a name or a value is missing before `&&`
                   help: write one here
            size > 1MiB &&
                          ^ something is missing at the end
                          help: write a name or a value, or remove the operator

            ^ the condition is empty
            help: write one, such as size > 1MiB or exit == 0
            size > (1 + ] && age < 1h
                        ^ a name or a value is missing before `]`
                        help: write one here
            size in [1, 2
                    ^ this `[` is not closed
                    help: write ] at its end
        "#]],
    );
}

#[test]
fn wrong_patterns_and_macros_are_explained() {
    let sources = [
        "stdout.",
        "stdout. && exit == 0",
        r##"exit == 0 ? stdout == "a""##,
        r##"stdout.matches("(a") && stdout.matches("a\d") && stdout.matches(stderr)"##,
        r##"stdout.lines().all(l == "a") && stdout.lines().all(l, 1, 2)"##,
        "stdout.lines().all(a, stdout.lines().all(b, stdout.lines().all(c, true)))",
    ];
    check(
        &command(),
        &sources,
        &expect![[r#"
        stdout.
               ^ a name is missing after `.`
               help: write a field or a method, such as .size()
        stdout. && exit == 0
                ^^ a name is missing after `.`
                help: write a field or a method, such as .size()
        exit == 0 ? stdout == "a"
                  ^ `?` without its `:`
                  help: write condition ? this : that
        stdout.matches("(a") && stdout.matches("a\d") && stdout.matches(stderr)
                       ^^^^ this is not a regular expression: found open group without closing ')'
                       help: write a simpler one; backslashes need r"…" or \\
                                                 ^^ `\d` is not an escape
                                                 help: write \\ for a backslash, or r"…" for a text without escapes
                                                                        ^^^^^^ a pattern is written out in quotes, so that it is checked at load
                                                                        help: write stdout.matches(r"…"), or use contains
        stdout.lines().all(l == "a") && stdout.lines().all(l, 1, 2)
                           ^ `all` needs a name for each item first
                           help: write .all(x, condition on x)
                                                       ^^^ `all` takes a name and one condition
                                                       help: write .all(l, condition on l)
        stdout.lines().all(a, stdout.lines().all(b, stdout.lines().all(c, true)))
                                                                   ^^^ more than 2 macros inside one another
                                                                   help: filter first, or split it into several checks
    "#]],
    );
}
