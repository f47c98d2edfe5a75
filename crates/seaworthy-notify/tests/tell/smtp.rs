//! Telling people by mail: a real mail server on loopback.

use std::time::Instant;

use seaworthy_model::{
    port::{Address, Message},
    site::{Outlet, SmtpSecurity, SmtpServer},
};

use crate::{
    kit::{Folder, message, secret, send, send_briefly, to},
    mail_server::MailServer,
};

fn letter_to(server: &MailServer, settings: SmtpServer, people: &[&str]) -> Address {
    let people = people.iter().map(|person| (*person).into()).collect();
    let mut to = to(&server.folder, Outlet::Smtp { to: people });
    to.smtp = Some(settings);
    to
}

fn plain(server: &MailServer) -> Address {
    letter_to(server, server.settings(SmtpSecurity::None), &["first@example.com"])
}

/// With user `sw` and this password.
fn login(mut to: Address, password: &str) -> Address {
    let smtp = to.smtp.as_mut().unwrap();
    (smtp.user, smtp.password) = (Some("sw".into()), Some("MAIL_PASSWORD".into()));
    to.secrets = vec![secret("MAIL_PASSWORD", password)];
    to
}

/// Mail ends lines with CR LF, messages with LF.
fn same_lines(letter: &serde_json::Value, text: &str) -> bool {
    letter["body"].as_str().unwrap().lines().eq(text.lines())
}

#[tokio::test]
async fn a_letter_arrives_as_written_and_a_repeat_is_recognisable() {
    let Some(server) = MailServer::start(&[]) else { return };
    let people = ["first@example.com", "Zweite Person <second@example.com>"];
    let to = letter_to(&server, server.settings(SmtpSecurity::None), &people);
    let receipt = send(&to, &message()).await.unwrap();
    assert!(receipt.contains(&format!("localhost:{}", server.port)) && receipt.contains("kept"), "{receipt}");
    send(&to, &message()).await.unwrap();
    let kept = server.kept();
    let letter = &kept[0];
    assert_eq!(letter["from"], "ops@example.com");
    assert_eq!(letter["to"], serde_json::json!(["first@example.com", "second@example.com"]));
    assert_eq!(letter["subject"], message().subject.as_str());
    assert_eq!(letter["auto"], "auto-generated");
    assert_eq!(letter["id"], format!("<{}@example.com>", message().id));
    assert!(same_lines(letter, &message().text), "{letter}");
    assert_eq!(kept[1], *letter, "the same message is the same letter");
}

#[tokio::test]
async fn a_subject_cannot_add_a_header_nor_a_recipient() {
    let Some(server) = MailServer::start(&[]) else { return };
    let evil = Message { subject: "hello\r\nBcc: spy@example.com\r\n\r\nboo".into(), ..message() };
    send(&plain(&server), &evil).await.unwrap();
    let kept = server.kept();
    assert_eq!(kept[0]["to"], serde_json::json!(["first@example.com"]));
    assert!(kept[0]["subject"].as_str().unwrap().contains("Bcc: spy@example.com"), "it stays inside the subject");
    assert!(same_lines(&kept[0], &message().text), "{}", kept[0]);
}

#[tokio::test]
async fn starttls_with_an_own_root_and_a_password_is_encrypted_and_logged_in() {
    let Some(server) = MailServer::start(&["starttls", "auth"]) else { return };
    let to = letter_to(&server, server.settings(SmtpSecurity::Starttls), &["first@example.com"]);
    send(&login(to.clone(), "pw\n"), &message()).await.unwrap();
    let kept = server.kept();
    assert_eq!((&kept[0]["tls"], &kept[0]["auth"]), (&true.into(), &true.into()));

    let error = send(&login(to.clone(), "wr0ng-pw"), &message()).await.unwrap_err();
    assert!(!error.retry && error.reason.contains("535") && error.reason.contains("smtp.password"), "{error:?}");
    assert!(!error.reason.contains("wr0ng-pw"), "{error:?}");

    let error = send(&to, &message()).await.unwrap_err();
    assert!(!error.retry && error.reason.contains("530"), "no login where one is wanted: {error:?}");

    let mut unencrypted = to;
    unencrypted.smtp = Some(server.settings(SmtpSecurity::None));
    let error = send(&unencrypted, &message()).await.unwrap_err();
    assert!(!error.retry && error.reason.contains("530"), "{error:?}");
    assert_eq!(server.kept().len(), 1);
}

#[tokio::test]
async fn implicit_tls_with_an_own_root_delivers() {
    let Some(server) = MailServer::start(&["tls"]) else { return };
    let to = letter_to(&server, server.settings(SmtpSecurity::Tls), &["first@example.com"]);
    send(&to, &message()).await.unwrap();
    assert_eq!(server.kept().len(), 1);
}

#[tokio::test]
async fn a_certificate_that_is_not_trusted_gets_no_letter() {
    for (mode, security) in [("starttls", SmtpSecurity::Starttls), ("tls", SmtpSecurity::Tls)] {
        let Some(server) = MailServer::start(&[mode]) else { return };
        let mut settings = server.settings(security);
        settings.ca_file = None;
        let error = send(&letter_to(&server, settings, &["first@example.com"]), &message()).await.unwrap_err();
        assert!(error.retry && error.reason.contains("certificate"), "{mode}: {error:?}");
        // Trusted root, another name than the certificate's.
        let mut settings = server.settings(security);
        settings.host = "127.0.0.1".into();
        let error = send(&letter_to(&server, settings, &["first@example.com"]), &message()).await.unwrap_err();
        assert!(error.reason.contains("certificate"), "{mode}: {error:?}");
        assert_eq!(server.kept().len(), 0, "{mode}");
    }
}

#[tokio::test]
async fn a_server_without_starttls_gets_no_letter_in_clear_text() {
    let Some(server) = MailServer::start(&[]) else { return };
    let mut settings = server.settings(SmtpSecurity::Starttls);
    settings.ca_file = None;
    let error = send(&letter_to(&server, settings, &["first@example.com"]), &message()).await.unwrap_err();
    assert!(error.reason.contains("smtp.security"), "{error:?}");
    assert_eq!(server.kept().len(), 0);
}

#[tokio::test]
async fn the_servers_code_says_whether_to_try_again() {
    for (mode, retry, said) in [("later", true, "451"), ("reject", false, "550")] {
        let Some(server) = MailServer::start(&[mode]) else { return };
        let error = send(&plain(&server), &message()).await.unwrap_err();
        assert_eq!(error.retry, retry, "{mode}: {error:?}");
        assert!(error.reason.contains(said) && error.reason.contains(&server.port.to_string()), "{error:?}");
    }
}

#[tokio::test]
async fn one_wrong_address_does_not_keep_the_others_from_being_told() {
    let Some(server) = MailServer::start(&["choosy"]) else { return };
    let people = ["gone@example.com", "first@example.com", "second@example.com"];
    let to = letter_to(&server, server.settings(SmtpSecurity::None), &people);
    let receipt = send(&to, &message()).await.unwrap();
    assert!(receipt.contains("2 of 3") && receipt.contains("gone@example.com"), "{receipt}");
    let told: Vec<_> = server.kept().iter().map(|letter| letter["to"][0].clone()).collect();
    assert_eq!(told, ["first@example.com", "second@example.com"]);
    let to = letter_to(&server, server.settings(SmtpSecurity::None), &["gone@example.com", "gone2@example.com"]);
    let error = send(&to, &message()).await.unwrap_err();
    assert!(!error.retry && error.reason.contains("everybody"), "{error:?}");
}

#[tokio::test]
async fn a_server_that_hangs_or_is_not_there_is_worth_another_try() {
    let Some(server) = MailServer::start(&["hang"]) else { return };
    let error = send_briefly(plain(&server)).await;
    assert!(error.reason.contains(&format!("localhost:{}", server.port)), "{error:?}");
    let mut nobody = plain(&server);
    drop(server);
    nobody.folder = std::env::temp_dir();
    let started = Instant::now();
    let error = send(&nobody, &message()).await.unwrap_err();
    assert!(error.retry && error.reason.contains("could not be reached"), "{error:?}");
    assert!(started.elapsed().as_secs() < 10);
}

#[tokio::test]
async fn what_the_site_file_lacks_is_said() {
    let folder = Folder::new();
    let mut to = to(&folder, Outlet::Smtp { to: vec!["nonsense".into()] });
    let error = send(&to, &message()).await.unwrap_err();
    assert!(!error.retry && error.reason.contains("no mail server"), "{error:?}");
    to.smtp = Some(SmtpServer {
        host: "localhost".into(),
        port: 1,
        from: "ops@example.com".into(),
        security: SmtpSecurity::Tls,
        user: None,
        password: None,
        ca_file: Some("none.pem".into()),
    });
    let error = send(&to, &message()).await.unwrap_err();
    assert!(!error.retry && error.reason.contains("none.pem"), "{error:?}");
    if let Some(smtp) = &mut to.smtp {
        (smtp.security, smtp.ca_file) = (SmtpSecurity::None, None);
    }
    let error = send(&to, &message()).await.unwrap_err();
    assert!(!error.retry && error.reason.contains("`nonsense` is not a mail address"), "{error:?}");
}
