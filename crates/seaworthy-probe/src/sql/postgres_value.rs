//! PostgreSQL's texts as values: each type comes out as what a condition can use.
//!
//! This module must not know connections. The text forms are those of PostgreSQL's manual, chapter 8, with
//! `intervalstyle` set to `postgres`.

use seaworthy_model::value::Value;
use tokio_postgres::types::Type;

/// One cell by its column's type: whole numbers, decimals, truth, and intervals as lengths of time; all
/// others (times, uuid, json, arrays …) stay the text that psql shows. A `numeric` that is whole and fits
/// becomes whole, so that `sum(bigint)` compares exactly.
pub(super) fn value(of: &Type, text: Option<&str>) -> Value {
    let Some(text) = text else { return Value::Null };
    let as_text = || Value::Text(text.to_owned());
    match *of {
        Type::BOOL => Value::Bool(text == "t"),
        Type::INT2 | Type::INT4 | Type::INT8 | Type::OID => text.parse().map_or_else(|_| as_text(), Value::Int),
        Type::NUMERIC => text.parse().map(Value::Int).unwrap_or_else(|_| decimal(text)),
        Type::FLOAT4 | Type::FLOAT8 => decimal(text),
        Type::INTERVAL => interval(text).map_or_else(as_text, Value::Duration),
        _ => as_text(),
    }
}

/// Not-a-number and infinity stay text: they cannot be recorded as numbers.
fn decimal(text: &str) -> Value {
    match text.parse::<f64>() {
        Ok(n) if n.is_finite() => Value::Decimal(n),
        _ => Value::Text(text.to_owned()),
    }
}

/// Nanoseconds of `3 days -04:05:06.789`. A month has no fixed length, so an interval with months or years
/// is none of these; a day counts as 24 hours.
fn interval(text: &str) -> Option<i64> {
    const DAY_SECONDS: i64 = 86_400;
    let (mut seconds, mut nanos) = (0i64, 0i64);
    let mut words = text.split(' ').peekable();
    while let Some(word) = words.next() {
        if let Some(&("day" | "days")) = words.peek() {
            words.next();
            seconds = seconds.checked_add(word.parse::<i64>().ok()?.checked_mul(DAY_SECONDS)?)?;
            continue;
        }
        let (sign, clock) = match word.strip_prefix('-') {
            Some(rest) => (-1, rest),
            None => (1, word.strip_prefix('+').unwrap_or(word)),
        };
        let mut parts = clock.split(':');
        let (hours, minutes, rest) = (parts.next()?, parts.next()?, parts.next()?);
        let (whole, fraction) = rest.split_once('.').unwrap_or((rest, ""));
        let part = hours.parse::<i64>().ok()?.checked_mul(3_600)?
            + minutes.parse::<i64>().ok()? * 60
            + whole.parse::<i64>().ok()?;
        seconds = seconds.checked_add(sign * part)?;
        nanos += sign * format!("{fraction:0<9}").parse::<i64>().ok()?;
    }
    seconds.checked_mul(1_000_000_000)?.checked_add(nanos)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_are_lengths_of_time_unless_they_have_months() {
        for (text, nanos) in [
            ("00:00:00", Some(0)),
            ("01:02:03.5", Some(3_723_500_000_000)),
            ("-00:00:01", Some(-1_000_000_000)),
            ("3 days -04:05:06.789", Some((3 * 86_400 - 14_706) * 1_000_000_000 - 789_000_000)),
            ("1 day", Some(86_400_000_000_000)),
            ("2 mons 1 day", None),
            ("1 year", None),
        ] {
            assert_eq!(interval(text), nanos, "{text}");
        }
    }

    #[test]
    fn numbers_that_cannot_be_recorded_stay_text() {
        assert_eq!(value(&Type::FLOAT8, Some("NaN")), Value::Text("NaN".into()));
        assert_eq!(value(&Type::NUMERIC, Some("12")), Value::Int(12));
        assert_eq!(value(&Type::NUMERIC, Some("12.50")), Value::Decimal(12.5));
        assert_eq!(value(&Type::NUMERIC, Some("99999999999999999999")), Value::Decimal(1e20));
        assert_eq!(value(&Type::INT4, None), Value::Null);
    }
}
