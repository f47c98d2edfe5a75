//! Text literals: quotes and the escapes of CEL.
//!
//! This module must not know the grammar.

use super::Problem;

/// Reads the literal that starts at `at` (at the `r` of a raw one). Gives its text, unless it was wrong, and the
/// bytes it takes in the source.
pub(super) fn read(source: &str, at: usize, raw: bool, problems: &mut Vec<Problem>) -> (Option<String>, usize) {
    let open = at + usize::from(raw);
    let quote = char::from(source.as_bytes()[open]);
    let mut text = String::new();
    let mut good = true;
    let mut place = open + 1;
    while let Some(c) = source[place..].chars().next() {
        if c == '\n' || c == '\r' {
            break;
        }
        if c == quote {
            return (good.then_some(text), place + 1 - at);
        }
        if c == '\\' && !raw {
            match escape(&source[place..]) {
                Ok((c, len)) => {
                    text.push(c);
                    place += len;
                }
                Err(len) => {
                    problems.push(Problem {
                        at: place,
                        len,
                        message: format!(
                            "`{}` is not an escape",
                            source[place..place + len].replace(char::is_control, " ")
                        ),
                        help: "write \\\\ for a backslash, or r\"…\" for a text without escapes".to_owned(),
                    });
                    good = false;
                    place += len;
                }
            }
            continue;
        }
        text.push(c);
        place += c.len_utf8();
    }
    let help = format!("write {quote} at its end");
    problems.push(Problem { at, len: open + 1 - at, message: "this text is not closed".to_owned(), help });
    // The rest of the line cannot be told from the text.
    (None, place - at)
}

/// The character that an escape stands for and the bytes it takes; `Err` has the bytes of a wrong one.
fn escape(rest: &str) -> Result<(char, usize), usize> {
    let Some(kind) = rest.chars().nth(1) else { return Err(1) };
    let plain = match kind {
        '\\' | '"' | '\'' | '`' | '?' => kind,
        'a' => '\u{7}',
        'b' => '\u{8}',
        'f' => '\u{c}',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'v' => '\u{b}',
        'x' | 'X' => return code(rest, 2, 2, 16),
        'u' => return code(rest, 2, 4, 16),
        'U' => return code(rest, 2, 8, 16),
        '0'..='3' => return code(rest, 1, 3, 8),
        _ => return Err(1 + kind.len_utf8()),
    };
    Ok((plain, 2))
}

fn code(rest: &str, from: usize, digits: usize, radix: u32) -> Result<(char, usize), usize> {
    let shown = rest.chars().take(from + digits).take_while(|c| !matches!(c, '"' | '\'' | '\n')).map(char::len_utf8);
    let wrong = shown.sum();
    let digits = rest.get(from..from + digits).ok_or(wrong)?;
    let valid = digits.chars().all(|c| c.is_digit(radix));
    let number = if valid { u32::from_str_radix(digits, radix).ok() } else { None };
    number.and_then(char::from_u32).map(|c| (c, from + digits.len())).ok_or(wrong)
}
