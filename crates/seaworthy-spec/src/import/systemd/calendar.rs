//! `OnCalendar` as five fields of cron, where cron can say it.
//!
//! systemd.time(7): days of the week and dates must both match, while cron takes either; seconds, years and steps that
//! do not begin at the start have no words in cron. This module must not know units.

use seaworthy_core::schedule::zone_exists;

/// Names for whole expressions.
const NICKNAMES: [(&str, &str); 10] = [
    ("minutely", "* * * * *"),
    ("hourly", "0 * * * *"),
    ("daily", "0 0 * * *"),
    ("monthly", "0 0 1 * *"),
    ("weekly", "0 0 * * 1"),
    ("yearly", "0 0 1 1 *"),
    ("annually", "0 0 1 1 *"),
    ("quarterly", "0 0 1 1,4,7,10 *"),
    ("semiannually", "0 0 1 1,7 *"),
    ("bi-annually", "0 0 1 1,7 *"),
];

const WEEKDAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// The cron text, and the zone if the expression names one.
///
/// # Errors
/// Why cron cannot say it.
pub fn cron(text: &str) -> Result<(String, Option<String>), String> {
    let mut words: Vec<&str> = text.split_whitespace().collect();
    let zone = words.last().filter(|word| words.len() > 1 && zone_exists(word).is_ok()).map(|zone| (*zone).to_owned());
    if zone.is_some() {
        words.pop();
    }
    if let [nickname] = words[..]
        && let Some((_, cron)) = NICKNAMES.iter().find(|(name, _)| name.eq_ignore_ascii_case(nickname))
    {
        return Ok(((*cron).to_owned(), zone));
    }
    let (mut week, mut date, mut time) = (None, None, None);
    for word in words {
        let slot = if word.contains(':') {
            &mut time
        } else if word.starts_with(|c: char| c.is_ascii_alphabetic()) {
            &mut week
        } else {
            &mut date
        };
        if slot.replace(word.trim_end_matches(',')).is_some() {
            return Err(format!("`{text}` is not an expression of systemd.time(7) that is known here"));
        }
    }
    let (minute, hour) = time.map_or(Ok(("0".to_owned(), "0".to_owned())), of_time)?;
    let (month, day) = date.map_or(Ok(("*".to_owned(), "*".to_owned())), of_date)?;
    let weekday = week.map_or(Ok("*".to_owned()), of_week)?;
    if day != "*" && weekday != "*" {
        return Err("a day of the month and a day of the week must both match, and cron takes either; look at the date in the command".into());
    }
    Ok((format!("{minute} {hour} {day} {month} {weekday}"), zone))
}

/// `HH:MM[:SS]` as minute and hour.
fn of_time(text: &str) -> Result<(String, String), String> {
    let mut parts = text.split(':');
    let (hour, minute) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let seconds = parts.next().unwrap_or("0");
    if parts.next().is_some() {
        return Err(format!("`{text}` is not a time of day"));
    }
    if !seconds.trim_matches('0').is_empty() {
        return Err(format!("`{text}` counts seconds, and a schedule here counts minutes"));
    }
    Ok((numbers(minute, 0, 59)?, numbers(hour, 0, 23)?))
}

/// `[YEAR-]MONTH-DAY` as month and day.
fn of_date(text: &str) -> Result<(String, String), String> {
    if text.contains('~') {
        return Err(format!("`{text}` counts from the end of the month; `L` is the last day in a schedule here"));
    }
    let parts: Vec<&str> = text.split('-').collect();
    let (year, month, day) = match parts[..] {
        [year, month, day] => (year, month, day),
        [month, day] => ("*", month, day),
        _ => return Err(format!("`{text}` is not a date")),
    };
    if year != "*" {
        return Err(format!("`{text}` names a year, and a schedule here comes back every year"));
    }
    Ok((numbers(month, 1, 12)?, numbers(day, 1, 31)?))
}

/// Days of the week by name, with ranges and lists.
fn of_week(text: &str) -> Result<String, String> {
    let day = |name: &str| {
        let short: String = name.to_ascii_lowercase().chars().take(3).collect();
        let number = WEEKDAYS.iter().position(|known| *known == short).map(|at| at + 1);
        number.ok_or_else(|| format!("`{name}` is not a day of the week"))
    };
    let mut items = Vec::new();
    for item in text.split(',').filter(|item| !item.is_empty()) {
        let range = item.split_once("..").or_else(|| item.split_once('-'));
        items.push(match range {
            None => day(item)?.to_string(),
            Some((from, to)) => match (day(from)?, day(to)?) {
                (from, to) if from <= to => format!("{from}-{to}"),
                (from, to) => format!("{from}-7,1-{to}"),
            },
        });
    }
    Ok(items.join(","))
}

/// Numbers with lists, ranges (`1..5`) and steps (`0/15`), as cron writes them.
fn numbers(text: &str, first: u32, last: u32) -> Result<String, String> {
    let wrong = || format!("`{text}` cannot be said in a field of cron");
    let value = |digits: &str| {
        let number = digits.parse::<u32>().ok().filter(|n| (first..=last).contains(n));
        number.ok_or_else(|| format!("`{digits}` is not a number from {first} to {last}"))
    };
    let mut items = Vec::new();
    for item in text.split(',') {
        let (range, step) = item.split_once('/').map_or((item, None), |(range, step)| (range, Some(step)));
        let step = step.map(|step| step.parse::<u32>().ok().filter(|n| *n > 0).ok_or_else(wrong)).transpose()?;
        let range = match (range, range.split_once("..")) {
            ("*", _) => "*".to_owned(),
            (_, Some((from, to))) => format!("{}-{}", value(from)?, value(to)?),
            (one, None) => match step {
                // From there to the end, in steps: only cron's `*` begins at the start by itself.
                Some(_) if value(one)? == first => "*".to_owned(),
                Some(_) => format!("{}-{last}", value(one)?),
                None => value(one)?.to_string(),
            },
        };
        items.push(step.map_or(range.clone(), |step| format!("{range}/{step}")));
    }
    Ok(items.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cron_can_say_is_said() {
        for (calendar, expected) in [
            ("daily", "0 0 * * *"),
            ("weekly", "0 0 * * 1"),
            ("*-*-* 6,18:00", "0 6,18 * * *"),
            ("Sun *-*-* 03:10:00", "10 3 * * 7"),
            ("Mon..Fri 02:30", "30 2 * * 1-5"),
            ("Sat,Sun 12:05", "5 12 * * 6,7"),
            ("Fri..Mon 01:00", "0 1 * * 5-7,1-1"),
            ("*:0/15", "*/15 * * * *"),
            ("*:5/15", "5-59/15 * * * *"),
            ("*-*-01 04:00:00", "0 4 1 * *"),
            ("01-01 00:00", "0 0 1 1 *"),
            ("hourly", "0 * * * *"),
        ] {
            assert_eq!(cron(calendar).as_ref().map(|(cron, _)| cron.as_str()), Ok(expected), "{calendar}");
        }
        let zoned = cron("*-*-* 02:00:00 Europe/Berlin").expect("it names a zone");
        assert_eq!(zoned, ("0 2 * * *".into(), Some("Europe/Berlin".into())));
    }

    #[test]
    fn what_cron_cannot_say_is_named() {
        for (calendar, why) in [
            ("Mon *-*-1..7 02:00", "both match"),
            ("*-*-* 02:00:30", "seconds"),
            ("2027-01-01", "year"),
            ("*-*~1 02:00", "end of the month"),
            ("Mon Tue 02:00", "systemd.time"),
            ("*-*-* 25:00", "from 0 to 23"),
            ("Foo 02:00", "day of the week"),
        ] {
            let said = cron(calendar).expect_err(calendar);
            assert!(said.contains(why), "{calendar}: {said}");
        }
    }
}
