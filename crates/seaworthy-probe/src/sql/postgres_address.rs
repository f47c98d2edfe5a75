//! Where a PostgreSQL server is: the URL first, then the `PG…` names of the environment, as libpq does.
//!
//! This module must not connect. Of libpq's many ways it knows: `host`, `port`, `user`, `password`, `dbname`,
//! `sslmode` and `sslrootcert`, each in the URL or the environment. It reads no password file and no service
//! file: a look sees only what its process names.

use std::{path::PathBuf, str::FromStr as _};

use seaworthy_model::{port::LookOrder, time::Span};
use tokio_postgres::{Config, config::SslMode};

use crate::expand::value_of;

/// Where Debian's and most packages' servers have their socket.
const SOCKET_FOLDER: &str = "/var/run/postgresql";
const PORT_DEFAULT: u16 = 5432;

/// How much of TLS is asked for; the words and their meaning are libpq's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trust {
    /// No TLS.
    Disable,
    /// TLS if the server offers it; anybody may be at the other end. libpq's default, and ours.
    Prefer,
    /// TLS or nothing; anybody may be at the other end. Against listeners only.
    Require,
    /// And the certificate comes from a trusted root.
    VerifyCa,
    /// And it names the host. The only one that proves who answers.
    VerifyFull,
}

/// Where and how to connect.
pub(super) struct Address {
    pub(super) config: Config,
    pub(super) trust: Trust,
    /// PEM file with the only trusted roots; the host's own without one.
    pub(super) roots: Option<PathBuf>,
    /// `HOST:PORT/DATABASE`, for sentences.
    pub(super) shown: String,
}

impl Address {
    /// Reads an expanded URL. Errors never repeat it: it may hold a password.
    pub(super) fn of(url: &str, order: &LookOrder) -> Result<Self, String> {
        let given = |name: &str| value_of(name, order).map(|value| value.into_owned()).filter(|v| !v.is_empty());
        let (url, mut mode) = take_parameter(url, "sslmode");
        let (url, mut roots) = take_parameter(&url, "sslrootcert");
        mode = mode.or_else(|| given("PGSSLMODE"));
        roots = roots.or_else(|| given("PGSSLROOTCERT"));
        let port = given("PGPORT").map(|text| text.parse::<u16>().map_err(|_| "PGPORT is not a port".to_owned()));
        let port = port.transpose()?.unwrap_or(PORT_DEFAULT);
        let mut config = Config::from_str(&with_port(&url, port))
            .map_err(|error| format!("the URL of the database is not one: {}", without_text(&error)))?;

        if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            match given("PGHOST") {
                Some(host) => config.host(&host),
                None if std::path::Path::new(SOCKET_FOLDER).is_dir() => config.host_path(SOCKET_FOLDER),
                None => config.host("localhost"),
            };
        }
        if config.get_ports().is_empty() {
            config.port(port);
        }
        if config.get_user().is_none() {
            // As libpq: whoever we are. A server has no other name to offer than that of its environment.
            let user = given("PGUSER").or_else(|| std::env::var("USER").ok()).unwrap_or_else(|| "postgres".into());
            config.user(user);
        }
        if config.get_password().is_none()
            && let Some(password) = given("PGPASSWORD")
        {
            config.password(password);
        }
        if config.get_dbname().is_none() {
            let name = given("PGDATABASE").or_else(|| config.get_user().map(str::to_owned)).unwrap_or_default();
            config.dbname(name);
        }
        let trust = trust(mode.as_deref())?;
        // What the library needs to know: whether to ask for TLS at all. Who may answer is said by `trust`.
        config.ssl_mode(match trust {
            _ if on_sockets_only(&config) => SslMode::Disable,
            Trust::Disable => SslMode::Disable,
            Trust::Prefer => SslMode::Prefer,
            Trust::Require | Trust::VerifyCa | Trust::VerifyFull => SslMode::Require,
        });
        config.connect_timeout(order.timeout.max(Span::from_millis(1)).to_std());
        if config.get_application_name().is_none() {
            config.application_name("seaworthy-probe");
        }
        let shown = shown(&config);
        Ok(Self { config, trust, roots: roots.map(|path| order.folder.join(path)), shown })
    }
}

fn trust(mode: Option<&str>) -> Result<Trust, String> {
    match mode.unwrap_or("prefer") {
        "disable" => Ok(Trust::Disable),
        "allow" | "prefer" => Ok(Trust::Prefer),
        "require" => Ok(Trust::Require),
        "verify-ca" => Ok(Trust::VerifyCa),
        "verify-full" => Ok(Trust::VerifyFull),
        other => {
            Err(format!("`{other}` is not an sslmode; write disable, prefer, require, verify-ca or, best, verify-full"))
        }
    }
}

fn on_sockets_only(config: &Config) -> bool {
    use tokio_postgres::config::Host;
    !config.get_hosts().is_empty() && config.get_hosts().iter().all(|host| matches!(host, Host::Unix(_)))
}

fn shown(config: &Config) -> String {
    use tokio_postgres::config::Host;
    let host = match config.get_hosts().first() {
        Some(Host::Tcp(host)) => host.clone(),
        Some(Host::Unix(folder)) => folder.display().to_string(),
        None => config.get_hostaddrs().first().map(ToString::to_string).unwrap_or_default(),
    };
    let port = config.get_ports().first().copied().unwrap_or(PORT_DEFAULT);
    format!("{host}:{port}/{}", config.get_dbname().unwrap_or_default())
}

/// Gives a port to a host that has none. The library would take the usual one and not say that it did.
fn with_port(url: &str, port: u16) -> String {
    let start = url.find("://").map_or(0, |at| at + 3);
    let end = url[start..].find(['/', '?']).map_or(url.len(), |at| start + at);
    let host = url[start..end].rsplit('@').next().unwrap_or_default();
    // An address in brackets has colons of its own; lists of hosts say their ports themselves.
    let has_port = host.rsplit(']').next().unwrap_or_default().contains(':');
    if host.is_empty() || has_port || host.contains(',') {
        return url.to_owned();
    }
    format!("{}:{port}{}", &url[..end], &url[end..])
}

/// Takes `name=value` out of the URL's query; the library does not know these values.
fn take_parameter(url: &str, name: &str) -> (String, Option<String>) {
    let Some((front, query)) = url.split_once('?') else { return (url.to_owned(), None) };
    let mut value = None;
    let rest: Vec<&str> = query
        .split('&')
        .filter(|pair| match pair.split_once('=') {
            Some((key, text)) if key == name => {
                value = Some(percent_decode(text));
                false
            }
            _ => true,
        })
        .collect();
    let url = if rest.is_empty() { front.to_owned() } else { format!("{front}?{}", rest.join("&")) };
    (url, value)
}

fn percent_decode(text: &str) -> String {
    let (bytes, mut out, mut at) = (text.as_bytes(), Vec::with_capacity(text.len()), 0);
    while at < bytes.len() {
        let decoded = (bytes[at] == b'%').then(|| text.get(at + 1..at + 3)).flatten();
        match decoded.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                out.push(byte);
                at += 3;
            }
            None => {
                out.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// The library's sentence; its source says which part of the URL is wrong, by name.
fn without_text(error: &tokio_postgres::Error) -> String {
    std::error::Error::source(error).map_or_else(|| "it cannot be read".to_owned(), ToString::to_string)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_without_a_port_gets_the_port_of_the_environment() {
        for (url, whole) in [
            ("postgresql://db1/orders", "postgresql://db1:7/orders"),
            ("postgresql://u:p%40@db1?a=b", "postgresql://u:p%40@db1:7?a=b"),
            ("postgresql://[::1]/x", "postgresql://[::1]:7/x"),
            ("postgresql://[::1]:5/x", "postgresql://[::1]:5/x"),
            ("postgresql://db1:5/x", "postgresql://db1:5/x"),
            ("postgresql:///x", "postgresql:///x"),
            ("postgresql://a,b:5/x", "postgresql://a,b:5/x"),
        ] {
            assert_eq!(with_port(url, 7), whole);
        }
    }

    #[test]
    fn a_parameter_is_taken_out_and_decoded() {
        let url = "postgresql:///x?sslmode=require&sslrootcert=%2Fa%20b&application_name=c";
        let (url, mode) = take_parameter(url, "sslmode");
        let (url, roots) = take_parameter(&url, "sslrootcert");
        assert_eq!(url, "postgresql:///x?application_name=c");
        assert_eq!((mode.as_deref(), roots.as_deref()), (Some("require"), Some("/a b")));
        assert_eq!(percent_decode("100%"), "100%");
    }
}
