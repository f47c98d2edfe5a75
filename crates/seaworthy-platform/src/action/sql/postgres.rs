//! Statements on PostgreSQL.
//!
//! What the address leaves out comes from PGHOST, PGPORT, PGUSER, PGPASSWORD and PGDATABASE of the step's environment.
//! Must not know what the statements are for.

use std::{
    future::poll_fn,
    pin::pin,
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    time::Duration,
};

use futures_core::Stream as _;
use seaworthy_model::time::Span;
use serde_json::{Map, Value};
use tokio_postgres::{Client, Config, SimpleQueryMessage, config::SslMode, error::SqlState, types::Type};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::{Rows, Work, postgres_tls};
use crate::action::{Came, Trouble, expand::own};

/// Longest time until a connection is made.
const CONNECT_WITHIN: Duration = Duration::from_secs(10);
/// The longest that PostgreSQL takes.
const STATEMENT_MS_MAX: u128 = i32::MAX as u128;
/// Where a server of this host listens if nothing says where.
const SOCKETS: &str = "/var/run/postgresql";

pub(super) async fn carry(work: Work) -> Came {
    // From here on the server may have kept it, whatever is heard.
    let asked = AtomicBool::new(false);
    let ended = tokio::time::timeout(work.limit, all(&work, &asked)).await;
    ended.unwrap_or_else(|_| {
        let (shown, limit) =
            (&work.shown, Span::from_millis(u64::try_from(work.limit.as_millis()).unwrap_or(u64::MAX)));
        Err(match asked.load(Relaxed) {
            false => Trouble::NotDone(format!("{shown} took longer than {limit}; no commit was asked for")),
            true => Trouble::Unknown(format!("{shown} gave no answer within {limit}: look whether it is kept")),
        })
    })
}

async fn all(work: &Work, asked: &AtomicBool) -> Came {
    let shown = &work.shown;
    let (config, tls) = address(work).map_err(|why| Trouble::NotDone(format!("{shown}: {why}")))?;
    let (client, connection) = config
        .connect(tls)
        .await
        .map_err(|error| Trouble::NotDone(format!("{shown} cannot be reached: {}", said(&error))))?;
    // Ends with the client; whatever goes wrong in it, the client says too.
    tokio::spawn(async move {
        let _ = connection.await;
    });
    let limit = work.limit.as_millis().min(STATEMENT_MS_MAX);
    let begin = match work.alone {
        true => format!("SET statement_timeout = {limit}"),
        false => format!("BEGIN; SET LOCAL statement_timeout = {limit}"),
    };
    let not_begun = |error| Trouble::NotDone(format!("{shown} did not begin: {}", said(&error)));
    client.batch_execute(&begin).await.map_err(not_begun)?;
    let mut rows = Rows::default();
    for (at, text) in work.statements.iter().enumerate() {
        one(&client, work, at, text, asked, &mut rows).await?;
    }
    if !work.alone {
        asked.store(true, Relaxed);
        client.batch_execute("COMMIT").await.map_err(|error| {
            let refused = error.as_db_error().is_some_and(|said| !ending(said.code()));
            let why = said(&error);
            match refused {
                true => Trouble::NotDone(format!("{shown} refused the commit: {why}; nothing of it is kept")),
                false => Trouble::Unknown(format!(
                    "{shown} was asked to commit, and no answer came: {why}; look whether it is kept"
                )),
            }
        })?;
    }
    Ok(rows.handed)
}

/// Said by a server that is going away: whatever it did before, it does not say.
fn ending(code: &SqlState) -> bool {
    [SqlState::ADMIN_SHUTDOWN, SqlState::CRASH_SHUTDOWN].contains(code)
}

async fn one(
    client: &Client,
    work: &Work,
    at: usize,
    text: &str,
    asked: &AtomicBool,
    rows: &mut Rows,
) -> Result<(), Trouble> {
    let number = work.number(at);
    let fails = |why: String| {
        let kept = if work.alone { "" } else { "; nothing of the transaction is kept" };
        Trouble::NotDone(format!("{number} failed on {}: {why}{kept}", work.shown))
    };
    // For the types of its columns, and because only one statement can be prepared.
    let prepared = client.prepare(text).await.map_err(|error| fails(said(&error)))?;
    let types: Vec<Type> = prepared.columns().iter().map(|column| column.type_().clone()).collect();
    let values = work.values(at, prepared.params().len()).map_err(fails)?;
    let query = if values.is_empty() {
        text.to_owned()
    } else {
        let name = format!("seaworthy_{at}");
        client.batch_execute(&format!("PREPARE {name} AS {text}")).await.map_err(|error| fails(said(&error)))?;
        let values: Vec<String> = values.iter().map(|value| literal(value)).collect();
        format!("EXECUTE {name} ({})", values.join(", "))
    };
    if work.alone {
        asked.store(true, Relaxed);
    }
    let lost = |error: tokio_postgres::Error| {
        if !work.alone || error.as_db_error().is_some_and(|said| !ending(said.code())) {
            return fails(said(&error));
        }
        let text =
            format!("{} was sent {number}, and no answer came: {}; look whether it did it", work.shown, said(&error));
        Trouble::Unknown(text)
    };
    let mut answer = pin!(client.simple_query_raw(&query).await.map_err(lost)?);
    let mut changed = 0;
    while let Some(message) = poll_fn(|context| answer.as_mut().poll_next(context)).await {
        match message.map_err(lost)? {
            SimpleQueryMessage::Row(row) => {
                let cells = row.columns().iter().enumerate();
                let cell = |(n, column): (usize, &tokio_postgres::SimpleColumn)| {
                    (column.name().to_owned(), value(types.get(n).unwrap_or(&Type::TEXT), row.get(n)))
                };
                rows.push(cells.map(cell).collect::<Map<_, _>>());
            }
            SimpleQueryMessage::CommandComplete(count) => changed = count,
            _ => {}
        }
    }
    rows.end(work, at, changed);
    Ok(())
}

/// A text as PostgreSQL reads it whatever `standard_conforming_strings` says.
fn literal(text: &str) -> String {
    format!("E'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
}

fn value(of: &Type, text: Option<&str>) -> Value {
    let Some(text) = text else { return Value::Null };
    let own = || Value::from(text);
    match *of {
        Type::BOOL => (text == "t").into(),
        Type::INT2 | Type::INT4 | Type::INT8 | Type::OID => text.parse::<i64>().map_or_else(|_| own(), Value::from),
        Type::FLOAT4 | Type::FLOAT8 => text.parse::<f64>().map_or_else(|_| own(), Value::from),
        Type::JSON | Type::JSONB => serde_json::from_str(text).unwrap_or_else(|_| own()),
        // A decimal number stays as exact as it is.
        _ => own(),
    }
}

/// The address with what the environment adds, and how the connection is made safe.
fn address(work: &Work) -> Result<(Config, MakeRustlsConnect), String> {
    let (place, query) = work.address.split_once('?').unwrap_or((&work.address, ""));
    let (mut mode, mut roots, mut rest) = (None, None, Vec::new());
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        match pair.split_once('=') {
            Some(("sslmode", value)) => mode = Some(value.to_owned()),
            Some(("sslrootcert", value)) => roots = Some(value.to_owned()),
            _ => rest.push(pair),
        }
    }
    let address = format!("{place}?{}", rest.join("&"));
    // The reason may quote what it cannot read, and that may be a password.
    let mut config: Config = address.parse().map_err(|_| "this is not an address of PostgreSQL".to_owned())?;
    let mode = mode.or_else(|| own("PGSSLMODE")).unwrap_or_else(|| "prefer".to_owned());
    let strict = mode == "verify-full";
    config.ssl_mode(match mode.as_str() {
        "disable" => SslMode::Disable,
        "prefer" | "allow" => SslMode::Prefer,
        "require" | "verify-full" => SslMode::Require,
        _ => return Err(format!("sslmode={mode} is not known here: write disable, prefer, require or verify-full")),
    });
    if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
        config.host(own("PGHOST").unwrap_or_else(|| SOCKETS.to_owned()));
    }
    if let (true, Some(port)) = (config.get_ports().is_empty(), own("PGPORT").and_then(|port| port.parse().ok())) {
        config.port(port);
    }
    if let (None, Some(user)) = (config.get_user(), own("PGUSER")) {
        config.user(user);
    }
    if let (None, Some(password)) = (config.get_password(), own("PGPASSWORD")) {
        config.password(password.trim_end());
    }
    if let (None, Some(name)) = (config.get_dbname(), own("PGDATABASE")) {
        config.dbname(name);
    }
    config.connect_timeout(CONNECT_WITHIN.min(work.limit / 2));
    config.application_name(own("SEAWORTHY_KEY").unwrap_or_else(|| "seaworthy".into()));
    Ok((config, MakeRustlsConnect::new(postgres_tls::config(strict, roots.as_deref())?)))
}

/// The server's own words with their code, else the cause below the library's general sentence.
fn said(error: &tokio_postgres::Error) -> String {
    if let Some(server) = error.as_db_error() {
        return format!("{} ({})", server.message(), server.code().code());
    }
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(why) = cause {
        let words = why.to_string();
        if !text.contains(&words) {
            text = format!("{text}: {words}");
        }
        cause = why.source();
    }
    text
}
