//! Looks by one reading statement in a database: `sqlite:PATH`, `postgresql://…`.
//!
//! This module must not know what the rows mean. A database that answers with an error (damaged, empty,
//! no such table) could not be looked at: an error here can never be taken for a value by a condition.

use std::collections::BTreeMap;

use seaworthy_model::{
    port::{Fut, LookOrder, Probe},
    process::Look,
    run::Observation,
    value::{Facts, OBSERVATION_BYTES_MAX, Value},
};

use crate::{
    expand::{expand, shown},
    sight::{Mask, observe},
};

mod postgres;
mod postgres_address;
mod postgres_tls;
mod postgres_value;
mod sqlite;

/// Rows kept of an answer; the rest is counted.
const ROWS_MAX: usize = 1_000;

pub(crate) struct SqlProbe;

impl Probe for SqlProbe {
    fn name(&self) -> &'static str {
        "sql"
    }

    fn takes(&self, look: &Look) -> bool {
        matches!(look, Look::Sql { .. })
    }

    fn look<'a>(&'a self, order: &'a LookOrder) -> Fut<'a, Result<Observation, String>> {
        Box::pin(async move {
            let Look::Sql { query, url, .. } = &order.look else {
                return Err("the sql probe was asked for another kind of look".into());
            };
            let mask = Mask::of(&order.hidden());
            observe(self.name(), order, &mask, async {
                let address = expand(url, order)?;
                let answer = if let Some(path) = address.strip_prefix("sqlite:") {
                    sqlite::ask(&order.folder.join(path), query, order.timeout, mask.clone()).await?
                } else if address.starts_with("postgresql://") || address.starts_with("postgres://") {
                    postgres::ask(&address, query, order, mask.clone()).await?
                } else {
                    return Err(format!(
                        "`{}` is not a database that can be looked at; write `sqlite:PATH` or `postgresql://…`",
                        shown(url)
                    ));
                };
                Ok(answer.facts())
            })
            .await
        })
    }
}

/// Collects rows up to the limits and counts the rest.
struct Answer {
    mask: Mask,
    value: Option<Value>,
    rows: Vec<Value>,
    /// Bytes of text in `rows`.
    bytes: usize,
    /// Bytes cut from texts.
    dropped: u64,
    rows_dropped: u64,
}

impl Answer {
    fn new(mask: Mask) -> Self {
        Self { mask, value: None, rows: vec![], bytes: 0, dropped: 0, rows_dropped: 0 }
    }

    /// No row after this one will be kept.
    fn is_full(&self) -> bool {
        self.rows.len() >= ROWS_MAX || self.rows_dropped > 0
    }

    /// Takes the next row: column names with values.
    fn push(&mut self, row: impl IntoIterator<Item = (String, Value)>) {
        if self.is_full() {
            self.rows_dropped += 1;
            return;
        }
        let (mut cells, mut bytes, mut cut_in_all) = (BTreeMap::new(), 0, 0);
        for (name, value) in row {
            // A first row of many long texts is cut too; later rows that do not fit are left out whole.
            let room = if self.rows.is_empty() { OBSERVATION_BYTES_MAX.saturating_sub(bytes) } else { usize::MAX };
            let (value, cut) = self.bounded(value, room);
            cut_in_all += cut;
            bytes += name.len() + weight(&value);
            if self.value.is_none() {
                self.value = Some(value.clone());
            }
            cells.insert(free_name(&cells, name), value);
        }
        if self.bytes + bytes > OBSERVATION_BYTES_MAX && !self.rows.is_empty() {
            self.rows_dropped += 1;
            return;
        }
        self.bytes += bytes;
        self.dropped += cut_in_all;
        self.rows.push(Value::Map(cells));
    }

    fn bounded(&self, value: Value, room: usize) -> (Value, u64) {
        match value {
            Value::Text(text) => {
                let (mut text, cut) = self.mask.text(&text);
                let end = text.floor_char_boundary(room.min(text.len()));
                let more = (text.len() - end) as u64;
                text.truncate(end);
                (Value::Text(text), cut + more)
            }
            other => (other, 0),
        }
    }

    /// `value` is the first column of the first row, null if there is no row. `rows_dropped` is there only
    /// when rows were left out; each of them counts as one among the dropped.
    fn facts(self) -> (Facts, u64) {
        let mut facts =
            Facts::from([("value".into(), self.value.unwrap_or(Value::Null)), ("rows".into(), Value::List(self.rows))]);
        if self.rows_dropped > 0 {
            facts.insert("rows_dropped".into(), Value::Int(i64::try_from(self.rows_dropped).unwrap_or(i64::MAX)));
        }
        (facts, self.dropped + self.rows_dropped)
    }
}

fn weight(value: &Value) -> usize {
    match value {
        Value::Text(text) => text.len(),
        _ => 8,
    }
}

/// Two columns of one name are both kept: `n`, `n_2`.
fn free_name(taken: &BTreeMap<String, Value>, name: String) -> String {
    if !taken.contains_key(&name) {
        return name;
    }
    let mut n = 2;
    while taken.contains_key(&format!("{name}_{n}")) {
        n += 1;
    }
    format!("{name}_{n}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(n: i64) -> Vec<(String, Value)> {
        vec![("n".into(), Value::Int(n)), ("n".into(), Value::Text("x".repeat(100)))]
    }

    #[test]
    fn rows_beyond_the_limit_are_counted() {
        let mut answer = Answer::new(Mask::of(&[]));
        for n in 0..2_000 {
            answer.push(row(n));
        }
        let (facts, dropped) = answer.facts();
        let Value::List(rows) = &facts["rows"] else { panic!("rows is a list") };
        assert_eq!(facts["value"], Value::Int(0));
        assert_eq!(facts["rows_dropped"], Value::Int(2_000 - rows.len() as i64));
        assert_eq!(dropped, 2_000 - rows.len() as u64);
        // 110 bytes of text and number in each row.
        assert!(rows.len() * 110 <= OBSERVATION_BYTES_MAX);
        assert!((rows.len() + 1) * 110 > OBSERVATION_BYTES_MAX || rows.len() == ROWS_MAX);
        let Value::Map(first) = &rows[0] else { panic!("a row is a map") };
        assert_eq!(first.keys().collect::<Vec<_>>(), ["n", "n_2"]);
    }

    #[test]
    fn no_row_is_an_answer_with_a_null() {
        let (facts, dropped) = Answer::new(Mask::of(&[])).facts();
        assert_eq!(facts["value"], Value::Null);
        assert_eq!(facts["rows"], Value::List(vec![]));
        assert_eq!(dropped, 0);
    }
}
