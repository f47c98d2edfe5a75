//! The site file: places of secrets, routes, mail; and that no secret is shown.

use expect_test::expect;
use seaworthy_model::{
    process::{Command, Line},
    site::{Outlet, SecretPlace, SmtpSecurity, SmtpServer, StoreKind},
};
use seaworthy_spec::{Diagnostic, Severity, read};

use crate::{BACKUP, rendered, site_problems, source};

const FULL: &str = "\
site: acme
store: { postgres: { env: DATABASE_URL } }
public_url: https://ops.example.com/sea/
teams: { data: { people: one@example.com } }
routes:
  night:
    smtp: [a@example.com, b@example.com]
    webhook: https://example.com/hook
    secret: HOOK_KEY
    command: [notify, --urgent]
smtp: { host: mail.example.com, from: sea@example.com, security: tls, user: sea, password: mail_password, ca_file: /etc/ca.pem }
secrets:
  mail_password: { file: /run/secrets/mail }
  PGPASSWORD: { command: pass show db }
";

#[test]
fn everything_of_a_site_is_read() {
    let read = read(&source("seaworthy.yaml", FULL), &[], &|_| false);
    expect![[r#"
        warning[not-built]: a store on PostgreSQL is not built yet: nothing will start
          --> seaworthy.yaml:2:20
          |
        2 | store: { postgres: { env: DATABASE_URL } }
          |                    ^^^^^^^^^^^^^^^^^^^^^^ help: write `store: sqlite`
        finding[one-person]: team `data` has one person: nobody takes over
          --> seaworthy.yaml:4:10
          |
        4 | teams: { data: { people: one@example.com } }
          |          ^^^^ help: add a second person
    "#]]
    .assert_eq(&rendered(&read, &[Severity::Error, Severity::Warning, Severity::Finding]));
    let site = read.site.expect("there is no error");
    assert_eq!(site.store, StoreKind::Postgres(SecretPlace::Env("DATABASE_URL".into())));
    assert_eq!(site.public_url.as_deref(), Some("https://ops.example.com/sea"));
    let kinds: Vec<&str> = site.routes["night"].outlets.iter().map(Outlet::kind).collect();
    assert_eq!(kinds, ["smtp", "webhook", "command"]);
    let line = Line::Shell { script: "pass show db".into(), shell: vec!["sh".into(), "-c".into()] };
    assert_eq!(site.secrets["PGPASSWORD"], SecretPlace::Command(Command { line }));
    let smtp = SmtpServer {
        host: "mail.example.com".into(),
        port: 465,
        from: "sea@example.com".into(),
        security: SmtpSecurity::Tls,
        user: Some("sea".into()),
        password: Some("mail_password".into()),
        ca_file: Some("/etc/ca.pem".into()),
    };
    assert_eq!(site.smtp, Some(smtp));
}

#[test]
fn a_literal_secret_is_refused_and_never_shown() {
    let texts = [
        "site: a\nsecrets: { A: hunter2, B: { file: x, evn: y } }\n",
        "site: a\nsecrets:\n  A: { value: hunter2 }\n",
        "site: a\nsecrets:\n  A: |\n    hunter2\n    hunter2\n",
        "site: a\nsecrets: { A: { env: hunter2-x } }\n",
        "site: a\nstore: postgres://app:hunter2@db/x\n",
        "site: a\nstore: { postgres: 'postgres://app:hunter2@db/x' }\n",
        "site: a\nsmtp: { host: h, from: a@b, user: u, password: hunter2 }\n",
        "site: a\nsmtp: { host: h, from: a@b, user: u, password: 'hunter2!' }\n",
        "site: a\nroutes: { r: { webhook: 'https://x', secret: hunter2 } }\n",
    ];
    let shown: String = texts.iter().map(|text| site_problems(text)).collect();
    assert!(!shown.contains("hunter2"), "{shown}");
    expect![[r#"
        error[literal-secret]: a secret must not be written into a file
          --> seaworthy.yaml:2:15
          |
        2 | secrets: { A: •••••••, B: { file: x, evn: • } }
          |               ^^^^^^^ help: say where it comes from: {env: NAME}, {file: PATH} or {command: CMD}
        error[unknown-key]: unknown key `evn` in the place of a secret
          --> seaworthy.yaml:2:38
          |
        2 | secrets: { A: •••••••, B: { file: x, evn: • } }
          |                                      ^^^ help: known here: file
        error[unknown-key]: unknown key `value` in the place of a secret
          --> seaworthy.yaml:3:8
          |
        3 |   A: { value: ••••••• }
          |        ^^^^^ help: known here: env, file, command
        error[missing-key]: the place of a secret says nothing of what it is
          --> seaworthy.yaml:3:8
          |
        3 |   A: { value: ••••••• }
          |        ^^^^^ help: add one of: env, file, command
        error[literal-secret]: a secret must not be written into a file
          --> seaworthy.yaml:4:5
          |
        4 |     •••••••
          |     ^^^^^^^ help: say where it comes from: {env: NAME}, {file: PATH} or {command: CMD}
        error[literal-secret]: a secret must not be written into a file
          --> seaworthy.yaml:2:22
          |
        2 | secrets: { A: { env: ••••••••• } }
          |                      ^^^^^^^^^ help: write the name of a secret, and say under `secrets:` where it comes from: env, file or command
        error[literal-secret]: a secret must not be written into a file
          --> seaworthy.yaml:2:8
          |
        2 | store: •••••••••••••••••••••••••••
          |        ^^^^^^^^^^^^^^^^^^^^^^^^^^^ help: say where it comes from: {env: NAME}, {file: PATH} or {command: CMD}
        error[literal-secret]: a secret must not be written into a file
          --> seaworthy.yaml:2:20
          |
        2 | store: { postgres: ••••••••••••••••••••••••••••• }
          |                    ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ help: say where it comes from: {env: NAME}, {file: PATH} or {command: CMD}
        warning[not-built]: a store on PostgreSQL is not built yet: nothing will start
          --> seaworthy.yaml:2:20
          |
        2 | store: { postgres: ••••••••••••••••••••••••••••• }
          |                    ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ help: write `store: sqlite`
        error[literal-secret]: a secret must not be written into a file
          --> seaworthy.yaml:2:48
          |
        2 | smtp: { host: h, from: a@b, user: u, password: ••••••• }
          |                                                ^^^^^^^ help: write the name of a secret, and say under `secrets:` where it comes from: env, file or command
        error[literal-secret]: a secret must not be written into a file
          --> seaworthy.yaml:2:48
          |
        2 | smtp: { host: h, from: a@b, user: u, password: •••••••••• }
          |                                                ^^^^^^^^^^^ help: write the name of a secret, and say under `secrets:` where it comes from: env, file or command
        error[literal-secret]: a secret must not be written into a file
          --> seaworthy.yaml:2:46
          |
        2 | routes: { r: { webhook: 'https://x', secret: ••••••• } }
          |                                              ^^^^^^^ help: write the name of a secret, and say under `secrets:` where it comes from: env, file or command
    "#]].assert_eq(&shown);
}

#[test]
fn wrong_routes_are_told() {
    let text = "\
site: a
routes:
  empty: {}
  a: { smtp: nobody }
  b: { smpt: a@example.com }
  c: { slack: '#ops' }
  d: { webhook: example.com }
  e: { command: [], secret: X }
  f: a@example.com
public_url: ops.example.com
store: mysql
teams: [a]
";
    expect![[r#"
        error[missing-key]: a route says nothing
          --> seaworthy.yaml:3:10
          |
        3 |   empty: {}
          |          ^^ help: add one of: smtp, webhook, command
        error[no-mail-server]: this route sends mail, but the site names no mail server
          --> seaworthy.yaml:4:3
          |
        4 |   a: { smtp: nobody }
          |   ^ help: add `smtp:` with host, port and from
        error[bad-address]: `nobody` is not a mail address
          --> seaworthy.yaml:4:14
          |
        4 |   a: { smtp: nobody }
          |              ^^^^^^ help: write one as `name@example.com`, several as a list
        error[unknown-key]: unknown key `smpt` in a route
          --> seaworthy.yaml:5:8
          |
        5 |   b: { smpt: a@example.com }
          |        ^^^^ help: write `smtp`
        error[not-built]: `slack` is not known to this version in a route
          --> seaworthy.yaml:6:8
          |
        6 |   c: { slack: '#ops' }
          |        ^^^^^ help: known here: smtp, webhook, secret, command
        error[bad-url]: this is not a URL of HTTP
          --> seaworthy.yaml:7:17
          |
        7 |   d: { webhook: example.com }
          |                 ^^^^^^^^^^^ help: begin it with http:// or https://
        error[wrong-type]: the list is empty
          --> seaworthy.yaml:8:17
          |
        8 |   e: { command: [], secret: X }
          |                 ^^ help: add an item, or leave the key out
        error[unused-key]: `secret` signs a webhook, and this route has none
          --> seaworthy.yaml:8:21
          |
        8 |   e: { command: [], secret: X }
          |                     ^^^^^^ help: add `webhook:`, or leave `secret` out
        error[wrong-type]: here is a text, but a mapping (a route) is wanted
          --> seaworthy.yaml:9:6
          |
        9 |   f: a@example.com
          |      ^^^^^^^^^^^^^ help: keys known here: smtp, webhook, secret, command
        error[bad-url]: this is not the address of a site
           --> seaworthy.yaml:10:13
           |
        10 | public_url: ops.example.com
           |             ^^^^^^^^^^^^^^^ help: write it as `https://example.com/base`
        error[wrong-value]: `mysql` is not known here
           --> seaworthy.yaml:11:8
           |
        11 | store: mysql
           |        ^^^^^ help: known here: sqlite; or `postgres:`
        error[wrong-type]: here is a list, but a mapping is wanted
           --> seaworthy.yaml:12:8
           |
        12 | teams: [a]
           |        ^^^ help: write names and values: `NAME: value`
    "#]]
    .assert_eq(&site_problems(text));
}

#[test]
fn a_broken_site_file_does_not_hide_its_names() {
    let errors = |all: &[Diagnostic]| all.iter().filter(|d| d.severity == Severity::Error).count();
    let site = "site: acme\nstoer: x\nteams: { data: { people: [a@example.com, b@example.com] } }\nroutes: { data-oncall: { command: cat } }\n";
    let ops = [source("ops/it.yaml", BACKUP)];
    let known = read(&source("seaworthy.yaml", site), &ops, &|_| true);
    assert_eq!((known.site.is_some(), known.processes.len(), errors(&known.diagnostics)), (false, 1, 1));
    let mistyped = read(&source("seaworthy.yaml", "site: acme\nteems: {}\nroute: {}\n"), &ops, &|_| true);
    assert_eq!((mistyped.site.is_some(), mistyped.processes.len(), errors(&mistyped.diagnostics)), (false, 1, 2));
    let unreadable = read(&source("seaworthy.yaml", "site: [acme\n"), &ops, &|_| true);
    assert_eq!((unreadable.site.is_some(), unreadable.processes.len(), errors(&unreadable.diagnostics)), (false, 1, 1));
}

#[test]
fn a_process_does_not_belong_into_the_site_file() {
    expect![[r#"
        error[wrong-file]: a process does not belong into the site file
          --> seaworthy.yaml:3:1
          |
        3 | process: b
          | ^^^^^^^ help: write it into a file under ops/
        error[duplicate-name]: a site has one document
          --> seaworthy.yaml:5:1
          |
        5 | site: c
          | ^^^^ help: keep one of them
    "#]]
    .assert_eq(&site_problems("site: a\n---\nprocess: b\n---\nsite: c\n"));
}

#[test]
fn rights_are_read_with_their_limits() {
    use seaworthy_model::{
        access::{Action, Grant},
        process::Tier,
    };
    let text = "site: acme\nroles:\n  restarter: [see, run]\npeople:\n  ann@example.com: { roles: owner }\n  bob@example.com:\n    roles:\n      - viewer\n      - { role: restarter, services: shop, tiers: [B, C] }\n  os:root@Host1: { roles: owner }\nteams:\n  data: { people: [a@example.com, b@example.com], roles: [author] }\n";
    assert_eq!(site_problems(text), "");
    let site = read(&source("seaworthy.yaml", text), &[], &|_| true).site.unwrap();
    assert_eq!(site.rights.roles["restarter"], [Action::See, Action::Run].into_iter().collect());
    let limited = Grant { role: "restarter".into(), services: vec!["shop".into()], tiers: vec![Tier::B, Tier::C] };
    assert_eq!(site.rights.people["bob@example.com"], [Grant::of("viewer"), limited]);
    assert_eq!(site.rights.teams["data"], [Grant::of("author")]);
}

#[test]
fn rights_that_cannot_be_meant_are_told_at_their_place() {
    for (text, line, part) in [
        ("roles:\n  owner: [see]", 3, "`owner` is built in"),
        ("roles:\n  r: [sea]", 3, "see"),
        ("people:\n  ann@example.com: { roles: ower }", 3, "there is no role"),
        ("people:\n  ann@example.com: { roles: { role: nobody } }", 3, "there is no role"),
        ("people:\n  Ann@example.com: { roles: owner }", 3, "is not the name of a person"),
        ("people:\n  \"аnn@example.com\": { roles: owner }", 3, "is not the name of a person"),
        ("people:\n  \"<b>@example.com\": { roles: owner }", 3, "is not the name of a person"),
        ("people:\n  \"a\\u202en@example.com\": { roles: owner }", 3, "is not the name of a person"),
        ("people:\n  ann: { roles: owner }", 3, "is not the name of a person"),
        ("teams:\n  t: { people: [a@b.c, d@b.c], roles: [{ role: viewer, tiers: D }] }", 3, "A, B, C"),
    ] {
        let said = site_problems(&format!("site: x\n{text}\n"));
        assert!(said.contains(part) && said.contains(&format!("seaworthy.yaml:{line}:")), "{text}\n{said}");
    }
}
