//! The site file into the model.
//!
//! This module must not resolve a secret nor reach a route.

use std::collections::BTreeMap;

use seaworthy_model::site::{Outlet, Route, SecretPlace, Site, SmtpSecurity, SmtpServer, StoreKind, Team};

use crate::{conform::literal_secret, diagnostic::quoted, source::Report, tree::Node};

use super::{command, command_lint, text, texts};

/// The site of a document; `None` without a name. Use it only if the report has no error.
pub fn site(document: &Node, report: &mut Report<'_>) -> Option<Site> {
    let name = text(document, "site")?;
    let smtp = document.get("smtp").and_then(|node| smtp(node, document, report));
    let routes = named(document, "routes", |place, node| route(place, node, document, report));
    if let Some((key, _)) = entries(document, "routes").iter().find(|(_, route)| route.get("smtp").is_some())
        && document.get("smtp").is_none()
    {
        let message = "this route sends mail, but the site names no mail server";
        report.error("no-mail-server", key.place, message, "add `smtp:` with host, port and from");
    }
    let teams = named(document, "teams", |key, node| {
        let people = texts(node, "people");
        if people.len() == 1 {
            let message = format!("team `{}` has one person: nobody takes over", key.text().unwrap_or_default());
            report.finding("one-person", key.place, message, "add a second person");
        }
        Some(Team { people })
    });
    Some(Site {
        name,
        store: store(document, report)?,
        public_url: public_url(document, report),
        teams,
        routes,
        smtp,
        secrets: named(document, "secrets", |_, node| place(node)),
        blackouts: super::calendar::blackouts(document, "UTC", report),
        retention: super::keep::site(document),
        rights: super::rights::rights(document, report),
    })
}

/// PostgreSQL as the engine of many nodes has its words but no store behind it yet: it is read, warned of, and refused at the start.
fn store(document: &Node, report: &mut Report<'_>) -> Option<StoreKind> {
    let Some(node) = document.get("store").and_then(|store| store.get("postgres")) else {
        return Some(StoreKind::Sqlite);
    };
    report.warning(
        "not-built",
        node.place,
        "a store on PostgreSQL is not built yet: nothing will start",
        "write `store: sqlite`",
    );
    Some(StoreKind::Postgres(place(node)?))
}

fn entries<'n>(document: &'n Node, key: &str) -> &'n [(Node, Node)] {
    document.get(key).map(Node::entries).unwrap_or_default()
}

pub(super) fn named<T>(
    document: &Node,
    key: &str,
    mut build: impl FnMut(&Node, &Node) -> Option<T>,
) -> BTreeMap<String, T> {
    let pairs = entries(document, key).iter();
    pairs.filter_map(|(name, node)| Some((name.text()?.to_owned(), build(name, node)?))).collect()
}

fn place(node: &Node) -> Option<SecretPlace> {
    if let Some(name) = text(node, "env") {
        return Some(SecretPlace::Env(name));
    }
    if let Some(file) = text(node, "file") {
        return Some(SecretPlace::File(file));
    }
    command(node, "command").map(SecretPlace::Command)
}

fn route(key: &Node, node: &Node, document: &Node, report: &mut Report<'_>) -> Option<Route> {
    let mut outlets = Vec::new();
    let to = texts(node, "smtp");
    for address in node.get("smtp").map(Node::items).unwrap_or_default() {
        mail_address(address, report);
    }
    if !to.is_empty() {
        outlets.push(Outlet::Smtp { to });
    }
    if let Some(url) = text(node, "webhook") {
        if let Some(value) = node.get("webhook").filter(|_| !is_http(&url)) {
            report.error("bad-url", value.place, "this is not a URL of HTTP", "begin it with http:// or https://");
        }
        outlets.push(Outlet::Webhook { url, secret: secret_name(node, "secret", document, report) });
    } else if node.get("secret").is_some() {
        let message = "`secret` signs a webhook, and this route has none";
        report.error("unused-key", node.key_place("secret"), message, "add `webhook:`, or leave `secret` out");
    }
    if let Some(command) = command(node, "command") {
        command_lint(node, "command", report);
        outlets.push(Outlet::Command { command });
    }
    key.text()?;
    Some(Route { outlets })
}

fn is_http(url: &str) -> bool {
    url.starts_with("https://") || url.starts_with("http://")
}

fn mail_address(node: &Node, report: &mut Report<'_>) {
    let Some(address) = node.text().filter(|_| !node.is_nothing()) else { return };
    let parts = address.rsplit_once('@');
    let good = parts.is_some_and(|(local, host)| !local.is_empty() && !host.is_empty());
    if !good || address.chars().any(|c| c.is_whitespace() || c == ',') {
        let message = format!("{} is not a mail address", quoted(address));
        report.error("bad-address", node.place, message, "write one as `name@example.com`, several as a list");
    }
}

/// The name of a secret: known under `secrets:`, or written as environment variables are. Anything else is probably the
/// secret itself.
fn secret_name(node: &Node, key: &str, document: &Node, report: &mut Report<'_>) -> Option<String> {
    let value = node.get(key)?;
    let name = value.text().filter(|_| !value.is_nothing())?;
    let declared = document.get("secrets").is_some_and(|secrets| secrets.get(name).is_some());
    let capital = name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_');
    let well_formed = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if !declared && !capital && well_formed {
        literal_secret(value, report);
    }
    Some(name.to_owned())
}

fn smtp(node: &Node, document: &Node, report: &mut Report<'_>) -> Option<SmtpServer> {
    if let Some(from) = node.get("from") {
        mail_address(from, report);
    }
    let security = match text(node, "security").as_deref() {
        Some("none") => SmtpSecurity::None,
        Some("tls") => SmtpSecurity::Tls,
        _ => SmtpSecurity::Starttls,
    };
    // The ports of RFC 5321, RFC 6409 and RFC 8314.
    let usual = match security {
        SmtpSecurity::None => 25,
        SmtpSecurity::Starttls => 587,
        SmtpSecurity::Tls => 465,
    };
    let (user, password) = (text(node, "user"), secret_name(node, "password", document, report));
    if user.is_some() != password.is_some() {
        let (has, lacks) = if user.is_some() { ("user", "password") } else { ("password", "user") };
        let message = format!("`{has}` is there, but `{lacks}` is not");
        report.error("half-login", node.key_place(has), message, format!("add `{lacks}:`, or leave both out"));
    }
    if password.is_some() && security == SmtpSecurity::None {
        let message = "the password goes over the network in clear text";
        report.warning("clear-password", node.key_place("password"), message, "use `security: starttls` or `tls`");
    }
    Some(SmtpServer {
        host: text(node, "host")?,
        port: text(node, "port").and_then(|port| port.parse().ok()).unwrap_or(usual),
        from: text(node, "from")?,
        security,
        user,
        password,
        ca_file: text(node, "ca_file"),
    })
}

/// Without a slash at its end, so that messages can append paths.
fn public_url(document: &Node, report: &mut Report<'_>) -> Option<String> {
    let url = text(document, "public_url")?;
    if let Some(value) = document.get("public_url").filter(|_| !is_http(&url) || url.contains(['?', '#', ' '])) {
        let help = "write it as `https://example.com/base`";
        report.error("bad-url", value.place, "this is not the address of a site", help);
    }
    Some(url.trim_end_matches('/').to_owned())
}
