//! How values are written for people: sizes, ages, times, names, addresses.
//!
//! Pure. This module must not know pages nor HTML; escaping is the templates' work.

use seaworthy_model::time::{At, Span};

const NANOS: i64 = 1_000_000_000;
const DAY: i64 = 86_400;
const WEEKDAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// `0 B`, `812 B`, `12.4 MiB`: one decimal under 100.
pub fn bytes(n: u64) -> String {
    const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    if n < 1024 {
        return format!("{n} B");
    }
    let mut value = n as f64 / 1024.0;
    let mut unit = 0;
    while value >= 999.5 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    if value < 99.95 { format!("{value:.1} {}", UNITS[unit]) } else { format!("{value:.0} {}", UNITS[unit]) }
}

/// An address as a file writes it, without a password that somebody wrote into it.
pub fn address(url: &str) -> String {
    let start = url.find("://").map_or(0, |at| at + 3);
    let end = url[start..].find(['/', '?', '#']).map_or(url.len(), |at| start + at);
    let login = url[start..end].rfind('@').map_or("", |at| &url[start..start + at]);
    match login.split_once(':') {
        Some((user, _)) => format!("{}{user}:***{}", &url[..start], &url[start + login.len()..]),
        None => url.to_owned(),
    }
}

/// `1,234,567`.
pub fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() * 4 / 3);
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}

/// `1 process`, `2 processes`.
pub fn counted(n: usize, one: &str, many: &str) -> String {
    if n == 1 { format!("1 {one}") } else { format!("{} {many}", count(n as u64)) }
}

/// How long ago, as coarse as a glance needs: `4 s`, `12 min`, `3 h`, `2 d 8 h`, `41 d`.
pub fn age(span: Span) -> String {
    let s = span.0 / 1_000_000_000;
    match s {
        0..60 => format!("{s} s"),
        60..3_600 => format!("{} min", s / 60),
        3_600..86_400 => format!("{} h", s / 3_600),
        86_400..864_000 if !(s / 3_600).is_multiple_of(24) => format!("{} d {} h", s / 86_400, s / 3_600 % 24),
        _ => format!("{} d", s / 86_400),
    }
}

/// A civil time in UTC.
struct Civil {
    year: i64,
    month: usize,
    day: i64,
    weekday: usize,
    hour: i64,
    minute: i64,
    second: i64,
}

/// Days to year, month, day: the era method of Howard Hinnant's "chrono-compatible low-level date algorithms".
fn civil(at: At) -> Civil {
    let seconds = at.0.div_euclid(NANOS);
    let days = seconds.div_euclid(DAY);
    let second_of_day = seconds.rem_euclid(DAY);
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let doe = z.rem_euclid(146_097);
    let yoe = (doe - doe / 1_460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let month = if mp < 10 { mp + 3 } else { mp - 9 };
    Civil {
        year: yoe + era * 400 + i64::from(month <= 2),
        month: usize::try_from(month - 1).unwrap_or(0),
        day: doy - (153 * mp + 2) / 5 + 1,
        weekday: usize::try_from(days.rem_euclid(7)).unwrap_or(0),
        hour: second_of_day / 3_600,
        minute: second_of_day / 60 % 60,
        second: second_of_day % 60,
    }
}

/// `2026-11-22T23:40:10Z`, for machines and titles.
pub fn iso(at: At) -> String {
    let c = civil(at);
    format!("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", c.year, c.month + 1, c.day, c.hour, c.minute, c.second)
}

/// `23:40:10`.
pub fn clock(at: At) -> String {
    let c = civil(at);
    format!("{:02}:{:02}:{:02}", c.hour, c.minute, c.second)
}

/// As short as it can be seen from `now`: `23:40` today, `Sat 23:40` within six days, else `21 Nov 23:40`
/// or `21 Nov 2025`. UTC.
pub fn moment(at: At, now: At) -> String {
    let (c, n) = (civil(at), civil(now));
    let days = (at.0.div_euclid(NANOS * DAY) - now.0.div_euclid(NANOS * DAY)).abs();
    let clock = format!("{:02}:{:02}", c.hour, c.minute);
    match days {
        0 => clock,
        1..=6 => format!("{} {clock}", WEEKDAYS[c.weekday]),
        _ if c.year == n.year => format!("{} {} {clock}", c.day, MONTHS[c.month]),
        _ => format!("{} {} {}", c.day, MONTHS[c.month], c.year),
    }
}

/// Cuts in the middle, since the end of a name is what differs: `backup-fi…-0042`.
pub fn middle(name: &str, max: usize) -> String {
    let length = name.chars().count();
    if length <= max {
        return name.to_owned();
    }
    let tail = max / 2;
    let head = max - tail - 1;
    let start: String = name.chars().take(head).collect();
    let end: String = name.chars().skip(length - tail).collect();
    format!("{start}…{end}")
}

/// One segment of an address, percent-encoded (RFC 3986, unreserved characters stay).
pub fn segment(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(char::from(byte)),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    // A lone dot segment would be resolved away by the browser.
    match out.as_str() {
        "." => "%2E".to_owned(),
        ".." => "%2E%2E".to_owned(),
        _ => out,
    }
}

/// A name as part of an element id: letters, digits and `-`; others as their hex code, so that it stays unique.
pub fn anchor(text: &str) -> String {
    text.bytes().fold(String::new(), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || byte == b'-' {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("_{byte:02x}"));
        }
        out
    })
}

/// Output as text that a page can show: escape sequences of terminals removed, carriage returns of progress
/// bars as line ends, other control characters as `·`.
pub fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '\u{1b}' if rest.peek() == Some(&'[') => {
                rest.next();
                // A control sequence ends with a byte from 0x40 to 0x7e (ECMA-48).
                for end in rest.by_ref() {
                    if ('\u{40}'..='\u{7e}').contains(&end) {
                        break;
                    }
                }
            }
            '\r' if rest.peek() == Some(&'\n') => {}
            '\r' => out.push('\n'),
            '\n' | '\t' => out.push(c),
            c if c.is_control() => out.push('·'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> At {
        At(seconds * NANOS)
    }

    #[test]
    fn times_are_written_as_short_as_they_can_be_seen_from_now() {
        // 1763854810 is 2025-11-22T23:40:10Z (`date -u -d @1763854810`), a Saturday.
        let now = at(1_763_854_810);
        assert_eq!(iso(now), "2025-11-22T23:40:10Z");
        assert_eq!(moment(now, now), "23:40");
        assert_eq!(moment(at(1_763_854_810 - 86_400), now), "Fri 23:40");
        assert_eq!(moment(at(1_763_854_810 - 30 * 86_400), now), "23 Oct 23:40");
        assert_eq!(iso(at(951_782_400)), "2000-02-29T00:00:00Z");
        assert_eq!(iso(at(-1)), "1969-12-31T23:59:59Z");
    }

    #[test]
    fn sizes_counts_and_ages_are_short() {
        assert_eq!([0, 1023, 1024, 12_582_912].map(bytes), ["0 B", "1023 B", "1.0 KiB", "12.0 MiB"]);
        assert_eq!([0, 999, 1000, 1_234_567].map(count), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!(
            [4, 240, 10_800, 201_600, 8_640_000].map(|s| age(Span::seconds(s))),
            ["4 s", "4 min", "3 h", "2 d 8 h", "100 d"]
        );
    }

    #[test]
    fn names_are_cut_in_the_middle_because_their_ends_differ() {
        assert_eq!(middle("backup-files-0042", 11), "backu…-0042");
        assert_eq!(middle("short", 11), "short");
    }

    #[test]
    fn an_address_holds_no_character_that_means_something() {
        assert_eq!(segment("a/b?c#d e\"<ü"), "a%2Fb%3Fc%23d%20e%22%3C%C3%BC");
        assert_eq!(segment(".."), "%2E%2E");
    }

    #[test]
    fn terminal_colours_and_progress_bars_become_plain_lines() {
        assert_eq!(plain("\u{1b}[31mred\u{1b}[0m 10%\r20%\r\nend\u{0}"), "red 10%\n20%\nend·");
    }
}
