//! PostgreSQL: one statement, in a transaction that cannot write, with a deadline that the server keeps too.
//!
//! This module must not know conditions. Rows come through a cursor, so that a statement with a billion
//! rows costs us the ones we keep.

use seaworthy_model::port::LookOrder;
use tokio_postgres::{CancelToken, Client, SimpleQueryMessage, types::Type};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::{Answer, ROWS_MAX, postgres_address::Address, postgres_tls::client_config, postgres_value::value};
use crate::sight::Mask;

/// Rows asked for at a time.
const BATCH_ROWS: usize = 50;
/// Statements that a cursor can hold; the others that read are answered in a few rows.
const CURSOR_WORDS: [&str; 4] = ["select", "with", "values", "table"];
const SHORT_WORDS: [&str; 2] = ["show", "explain"];

/// Asks once. Dropping the future cancels the statement on the server.
pub(super) async fn ask(url: &str, query: &str, order: &LookOrder, mask: Mask) -> Result<Answer, String> {
    let address = Address::of(url, order)?;
    let tls = MakeRustlsConnect::new(client_config(address.trust, address.roots.as_deref())?);
    let shown = &address.shown;
    let (client, connection) = address
        .config
        .connect(tls.clone())
        .await
        .map_err(|error| format!("PostgreSQL at {shown} cannot be reached: {}", said(&error)))?;
    // Ends by itself when the client is dropped; whatever goes wrong in it, the client says too.
    let connection = AbortOnDrop(tokio::spawn(async move {
        let _ = connection.await;
    }));
    let mut cancel = CancelOnDrop { token: Some((client.cancel_token(), tls)), _connection: connection };
    let answer = read(&client, query, order, Answer::new(mask)).await;
    cancel.token = None;
    answer.map_err(|reason| format!("PostgreSQL at {shown}: {reason}"))
}

async fn read(client: &Client, query: &str, order: &LookOrder, mut answer: Answer) -> Result<Answer, String> {
    let limit_ms = order.timeout.millis_up();
    let begin = format!(
        "BEGIN TRANSACTION READ ONLY; SET LOCAL statement_timeout = {limit_ms}; SET LOCAL intervalstyle = 'postgres'"
    );
    client.batch_execute(&begin).await.map_err(|error| said(&error))?;
    // Prepared for its types and because only one statement can be: what follows goes as text.
    let statement = client.prepare(query).await.map_err(|error| said(&error))?;
    if !statement.params().is_empty() {
        return Err("this statement has parameters, and a look has none to give".into());
    }
    let types: Vec<Type> = statement.columns().iter().map(|column| column.type_().clone()).collect();
    match first_word(query).as_str() {
        word if CURSOR_WORDS.contains(&word) => {
            let declare = format!("DECLARE look NO SCROLL CURSOR FOR {query}");
            client.batch_execute(&declare).await.map_err(|error| said(&error))?;
            while !answer.is_full() {
                let batch = format!("FETCH {} FROM look", BATCH_ROWS.min(ROWS_MAX));
                if take(client, &batch, &types, &mut answer).await? == 0 {
                    break;
                }
            }
            if answer.is_full() {
                let rest = client.simple_query("MOVE FORWARD ALL IN look").await.map_err(|error| said(&error))?;
                answer.rows_dropped += rest.iter().map(moved).sum::<u64>();
            }
        }
        word if SHORT_WORDS.contains(&word) => {
            take(client, query, &types, &mut answer).await?;
        }
        _ => return Err("a look is a statement that reads: select, with, values, table, show or explain".into()),
    }
    client.batch_execute("ROLLBACK").await.map_err(|error| said(&error))?;
    Ok(answer)
}

async fn take(client: &Client, query: &str, types: &[Type], answer: &mut Answer) -> Result<usize, String> {
    let mut count = 0;
    for message in client.simple_query(query).await.map_err(|error| said(&error))? {
        let SimpleQueryMessage::Row(row) = message else { continue };
        count += 1;
        answer.push(
            row.columns()
                .iter()
                .enumerate()
                .map(|(i, column)| (column.name().to_owned(), value(types.get(i).unwrap_or(&Type::TEXT), row.get(i)))),
        );
    }
    Ok(count)
}

fn moved(message: &SimpleQueryMessage) -> u64 {
    match message {
        SimpleQueryMessage::CommandComplete(rows) => *rows,
        _ => 0,
    }
}

/// First word in small letters, after comments and opening brackets.
fn first_word(query: &str) -> String {
    let mut rest = query.trim_start_matches(|c: char| c.is_whitespace() || c == '(');
    loop {
        let after = match (rest.strip_prefix("--"), rest.strip_prefix("/*")) {
            (Some(comment), _) => comment.split_once('\n').map_or("", |(_, after)| after),
            (_, Some(comment)) => comment.split_once("*/").map_or("", |(_, after)| after),
            _ => break,
        };
        rest = after.trim_start_matches(|c: char| c.is_whitespace() || c == '(');
    }
    rest.chars().take_while(char::is_ascii_alphabetic).collect::<String>().to_ascii_lowercase()
}

/// The server's own words with their code, else the cause below the library's general sentence.
fn said(error: &tokio_postgres::Error) -> String {
    if let Some(server) = error.as_db_error() {
        return format!("{} ({})", server.message(), server.code().code());
    }
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}

struct AbortOnDrop(tokio::task::JoinHandle<()>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Cancels the statement on the server when the look is given up. The server's own statement timeout ends
/// it too, should the cancellation not arrive.
struct CancelOnDrop {
    token: Option<(CancelToken, MakeRustlsConnect)>,
    _connection: AbortOnDrop,
}

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        /// Nobody waits for it; it must only not stay for ever.
        const CANCEL_WITHIN: std::time::Duration = std::time::Duration::from_secs(1);
        if let Some((token, tls)) = self.token.take()
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            runtime.spawn(tokio::time::timeout(CANCEL_WITHIN, async move { token.cancel_query(tls).await }));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_word_is_found_behind_comments_and_brackets() {
        for (query, word) in [
            ("select 1", "select"),
            ("  -- why\n/* and */ (SELECT 1)", "select"),
            ("WITH a AS (select 1) table a", "with"),
            ("-- only this", ""),
        ] {
            assert_eq!(first_word(query), word, "{query}");
        }
    }
}
