//! What a step does where that is neither a command nor a person: a request, statements, another process.
//!
//! This module must not know what is around the step.

use seaworthy_model::{
    deed::{Callee, Request, Statements},
    process::{Action, Effect},
    time::Span,
};

use crate::{source::Report, tree::Node};

use super::{map, text, texts};

/// Limit of a request.
const TIMEOUT_HTTP: Span = Span::seconds(60);
/// Redirects of a request that only reads.
const REDIRECTS: u32 = 5;
/// Limit of statements.
const TIMEOUT_SQL: Span = Span::seconds(3600);
/// Words that begin or end a transaction.
const OF_TRANSACTIONS: [&str; 7] = ["begin", "start", "commit", "end", "rollback", "abort", "savepoint"];
/// The header that carries our key; a file cannot set it.
const KEY_HEADER: &str = "Idempotency-Key";

/// What a step does, with the limit and the effect that it has if it says nothing.
pub struct Done {
    pub action: Action,
    pub timeout: Option<Span>,
    pub effect: Effect,
}

/// Reads what only these kinds know; `None`: it is another kind.
pub fn done(item: &Node, report: &mut Report<'_>) -> Option<Done> {
    request(item, report).or_else(|| statements(item, report)).or_else(|| callee(item))
}

fn callee(item: &Node) -> Option<Done> {
    let callee = Callee { process: text(item, "process")?, inputs: map(item, "inputs") };
    Some(Done { action: Action::Process(callee), timeout: None, effect: Effect::Once })
}

fn request(item: &Node, report: &mut Report<'_>) -> Option<Done> {
    let node = item.get("http")?;
    let url = text(item, "http")?;
    if !["http://", "https://", "$"].iter().any(|scheme| url.starts_with(scheme)) {
        report.error("bad-url", node.place, "this is not a URL of HTTP", "begin it with http:// or https://");
    }
    let method = text(item, "method").unwrap_or_else(|| "GET".to_owned());
    let reads = Request::only_reads(&method);
    for (name, value) in item.get("headers").map(Node::entries).unwrap_or_default() {
        if name.text().is_some_and(|name| name.eq_ignore_ascii_case(KEY_HEADER)) {
            let help = "take it out; it is RUN/STEP, the same for all attempts";
            report.error("reserved-header", name.place, format!("{KEY_HEADER} is set by us"), help);
        }
        clear_secret(item, &url, value, report);
    }
    if let Some(node) = item.get("redirects").filter(|_| !reads) {
        let message = format!("a redirect of {method} is not followed: it would become another request");
        report.error("redirect-acts", node.place, message, "name the last address itself, and take `redirects` out");
    }
    let redirects = text(item, "redirects").and_then(|n| n.parse().ok());
    let request = Request {
        headers: map(item, "headers"),
        body: text(item, "body"),
        status: texts(item, "status").iter().filter_map(|code| code.parse().ok()).collect(),
        redirects: if reads { redirects.unwrap_or(REDIRECTS) } else { 0 },
        url,
        method,
    };
    let effect = match request.method.as_str() {
        "POST" | "PATCH" => Effect::Once,
        _ if reads => Effect::Read,
        _ => Effect::Idempotent,
    };
    Some(Done { action: Action::Http(request), timeout: Some(TIMEOUT_HTTP), effect })
}

/// A secret of the step in a header that goes over the net in the clear.
fn clear_secret(item: &Node, url: &str, value: &Node, report: &mut Report<'_>) {
    let Some(rest) = url.strip_prefix("http://") else { return };
    let here = ["127.", "localhost", "[::1]"].iter().any(|host| rest.starts_with(host));
    let secrets = texts(item, "secrets");
    let named = value.text().is_some_and(|text| {
        secrets.iter().any(|name| text.contains(&format!("${name}")) || text.contains(&format!("${{{name}}}")))
    });
    if named && !here {
        let message = "this secret goes over the net where everybody between can read it";
        report.warning("secret-in-clear", value.place, message, "write https://");
    }
}

fn statements(item: &Node, report: &mut Report<'_>) -> Option<Done> {
    let node = item.get("sql")?;
    let url = text(item, "url")?;
    if !["postgresql://", "postgres://", "sqlite:", "$"].iter().any(|scheme| url.starts_with(scheme)) {
        let place = item.get("url").map_or(node.place, |url| url.place);
        report.error("bad-url", place, "this is not the URL of a database", "begin it with postgresql:// or sqlite:");
    }
    let alone = item.get("alone").is_some();
    if alone && node.items().len() > 1 {
        let help = "write each of them as a step of its own";
        report.error("not-alone", item.key_place("alone"), "several statements are not alone", help);
    }
    for one in node.items().iter().filter(|_| !alone) {
        let first = one.text().unwrap_or_default().split(|c: char| !c.is_alphabetic()).find(|word| !word.is_empty());
        if first.is_some_and(|word| OF_TRANSACTIONS.contains(&word.to_lowercase().as_str())) {
            let message = "all statements of a step are one transaction already";
            report.error("own-transaction", one.place, message, "take this one out");
        }
    }
    let statements = Statements { url, statements: texts(item, "sql"), params: texts(item, "params"), alone };
    Some(Done { action: Action::Sql(statements), timeout: Some(TIMEOUT_SQL), effect: Effect::Once })
}
