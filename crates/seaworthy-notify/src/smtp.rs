//! Tells people by mail, through the site's SMTP server.
//!
//! This module must not know why they are told. A server's 4xx, a broken connection and a certificate that
//! is not trusted are worth another try, since somebody else can mend them; its 5xx is not (RFC 5321
//! section 4.2.1).

use std::path::Path;

use lettre::{
    AsyncSmtpTransport, AsyncTransport as _, Tokio1Executor,
    transport::smtp::{
        Error,
        authentication::Credentials,
        client::{Certificate, Tls, TlsParameters},
    },
};
use seaworthy_model::{
    port::{Address, Fut, Message, Notifier, SendError},
    site::{Outlet, SmtpSecurity, SmtpServer},
};

use crate::{
    letter::letter,
    sentence::{chain, later, never, secret, within},
};

type Transport = AsyncSmtpTransport<Tokio1Executor>;

pub(crate) struct SmtpNotifier;

impl Notifier for SmtpNotifier {
    fn kind(&self) -> &'static str {
        "smtp"
    }

    fn send<'a>(&'a self, to: &'a Address, message: &'a Message) -> Fut<'a, Result<String, SendError>> {
        Box::pin(async move {
            let Outlet::Smtp { to: people } = &to.outlet else {
                return Err(never("the smtp notifier was given another kind of outlet"));
            };
            let Some(server) = &to.smtp else {
                return Err(never("the site file names no mail server; add `smtp:` with host, port and from"));
            };
            let place = format!("the mail server {}:{}", server.host, server.port);
            within(to, &place, deliver(server, &place, people, to, message)).await
        })
    }
}

/// One letter to all. If the server refuses it for good, one letter to each, so that one wrong address does
/// not keep the others from being told.
async fn deliver(
    server: &SmtpServer,
    place: &str,
    people: &[String],
    to: &Address,
    message: &Message,
) -> Result<String, SendError> {
    let transport = transport(server, place, to).await?;
    let all = letter(&server.from, people, message)?;
    let first = match transport.send(all).await {
        Ok(answer) => return Ok(receipt(place, people.len(), &answer.message().collect::<Vec<_>>().join(" "))),
        Err(error) => refused(place, &error),
    };
    if first.retry || people.len() < 2 || first.reason.contains(LOGIN_HELP) {
        return Err(first);
    }
    let mut told = 0;
    let mut refusals = vec![];
    for person in people {
        match transport.send(letter(&server.from, std::slice::from_ref(person), message)?).await {
            Ok(_) => told += 1,
            Err(error) => refusals.push(format!("{person}: {}", chain(&error))),
        }
    }
    let refusals = refusals.join("; ");
    if told == 0 {
        return Err(never(format!(
            "{place} refused the message for everybody: {refusals}; check the route's addresses"
        )));
    }
    Ok(format!("{place} took it for {told} of {}; refused: {refusals}", people.len()))
}

fn receipt(place: &str, people: usize, words: &str) -> String {
    format!("{place} took it for {people}: {words}")
}

const LOGIN_HELP: &str = "check the site file's `smtp.user` and `smtp.password`";

fn refused(place: &str, error: &Error) -> SendError {
    let said = chain(error);
    let code = error.status().map(u16::from);
    match code {
        // RFC 4954 section 6: about logging in, not about this message.
        Some(530 | 534 | 535 | 538) => never(format!("{place} refused the login: {said}; {LOGIN_HELP}")),
        Some(_) if error.is_permanent() => never(format!("{place} refused the message: {said}")),
        Some(_) => later(format!("{place} cannot take the message now: {said}")),
        None if error.is_tls() => {
            later(format!("{place} could not be trusted: {said}; check its certificate or `smtp.ca_file`"))
        }
        None if error.is_client() => never(format!("{place} cannot be used like this: {said}; check `smtp.security`")),
        None => later(format!("{place} could not be reached: {said}")),
    }
}

async fn transport(server: &SmtpServer, place: &str, to: &Address) -> Result<Transport, SendError> {
    let mut builder = Transport::builder_dangerous(&server.host).port(server.port).timeout(Some(to.timeout.to_std()));
    builder = match server.security {
        SmtpSecurity::None => builder,
        SmtpSecurity::Starttls => builder.tls(Tls::Required(parameters(server, place, &to.folder).await?)),
        SmtpSecurity::Tls => builder.tls(Tls::Wrapper(parameters(server, place, &to.folder).await?)),
    };
    if let Some(user) = &server.user {
        let password = match &server.password {
            Some(name) => secret(to, name)?,
            None => return Err(never(format!("{place} has a user and no password; name a secret in `smtp.password`"))),
        };
        builder = builder.credentials(Credentials::new(user.clone(), password.to_owned()));
    }
    Ok(builder.build())
}

/// The host's trusted roots and those of `ca_file`.
async fn parameters(server: &SmtpServer, place: &str, folder: &Path) -> Result<TlsParameters, SendError> {
    crate::install_tls();
    let mut builder = TlsParameters::builder(server.host.clone());
    if let Some(file) = &server.ca_file {
        let path = folder.join(file);
        let wrong = |error: &dyn std::fmt::Display| {
            never(format!("the trusted roots for {place} in {} cannot be read: {error}", path.display()))
        };
        let pem = tokio::fs::read(&path).await.map_err(|error| wrong(&error))?;
        builder = builder.add_root_certificate(Certificate::from_pem(&pem).map_err(|error| wrong(&error))?);
    }
    builder.build_rustls().map_err(|error| never(format!("TLS for {place} cannot be set up: {}", chain(&error))))
}
