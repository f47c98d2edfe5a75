//! The process of the design page gives exactly this model, with one word about its drill.

use seaworthy_model::{
    process::{
        Action, Backoff, Bound, Check, Command, Drill, Line, Look, Occasion, PeopleDrill, Process, RestoreDrill, Rung,
        Schedule, Step, Tell, Tier, Watch, When,
    },
    site::{Outlet, Route, StoreKind, Team},
    time::Span,
};
use seaworthy_spec::Severity;

use crate::{BACKUP, with};

fn sh(script: &str) -> Command {
    Command { line: Line::Shell { script: script.into(), shell: vec!["sh".into(), "-c".into()] } }
}

fn step(id: &str, script: &str) -> Step {
    Step::new(id, Action::Run(sh(script)))
}

fn check(id: &str, look: Look, expect: Option<&str>) -> Check {
    Check {
        id: id.into(),
        look,
        expect: expect.map(str::to_owned),
        proves: !id.starts_with("artifact") && id != "duration",
        of: None,
        timeout: Span::seconds(300),
    }
}

fn steps() -> Vec<Step> {
    vec![
        Step {
            timeout: Some(Span::seconds(1_800)),
            makes: vec!["orders.dump".into()],
            ..step("dump", r#"pg_dump --format=custom --file="$WORKDIR/orders.dump""#)
        },
        Step { needs: vec!["dump".into()], ..step("ship", r#"restic backup "$WORKDIR/orders.dump" --json"#) },
    ]
}

fn checks() -> Vec<Check> {
    let artifact = Some("orders.dump".to_owned());
    let duration = Look::Duration { at_least: Some(Bound::OfUsual(20.0)), at_most: Some(Bound::OfUsual(300.0)) };
    vec![
        check(
            "artifact orders.dump",
            Look::Artifact { name: "orders.dump".into() },
            Some("size > 1MiB && size > 0.6 * usual.size && age < 1h"),
        ),
        check(
            "command 1",
            Look::Command { command: sh(r#"pg_restore --file=/dev/null "$ARTIFACT""#), artifact: artifact.clone() },
            Some("exit == 0"),
        ),
        check(
            "command 2",
            Look::Command { command: sh(r#"pg_restore --list "$ARTIFACT""#), artifact },
            Some(r#"stdout.contains("TABLE DATA public orders")"#),
        ),
        check("duration", duration, None),
    ]
}

fn drill() -> Drill {
    let sql =
        Look::Sql { query: "select count(*) from orders".into(), url: "postgresql:///$SCRATCH".into(), artifact: None };
    Drill {
        restore: Some(RestoreDrill {
            every: Some(Span::seconds(7 * 86_400)),
            recovery_time: Some(Span::seconds(900)),
            steps: vec![step("step-1", r#"createdb "$SCRATCH" && pg_restore --dbname="$SCRATCH" "$ARTIFACT""#)],
            verify: vec![check("sql 1", sql, Some("value >= 0.99 * usual.value"))],
            after: vec![step("after-1", r#"dropdb "$SCRATCH""#)],
        }),
        people: Some(PeopleDrill {
            every: Span::seconds(90 * 86_400),
            by: "someone-else".into(),
            follow: "procedures/restore-orders.md".into(),
        }),
    }
}

fn backup() -> Process {
    let env =
        [("PGHOST", "db1"), ("PGUSER", "backup"), ("PGDATABASE", "orders"), ("RESTIC_REPOSITORY", "sftp:vault:orders")];
    Process {
        name: "backup-orders".into(),
        about: Some("Nightly logical backup of the orders database, kept where nobody here can delete it.".into()),
        service: Some("shop".into()),
        team: Some("data".into()),
        tier: Tier::A,
        schedule: Some(Schedule::new(When::Cron("0 1 * * *".into()), "Europe/Berlin")),
        env: env.map(|(name, value)| (name.into(), value.into())).into(),
        secrets: vec!["PGPASSWORD".into(), "RESTIC_PASSWORD".into()],
        steps: steps(),
        verify: checks(),
        heal: vec![
            Rung::Retry { times: 2, backoff: Backoff { shortest: Span::seconds(60), longest: Span::seconds(600) } },
            Rung::Run { command: sh("./free-space.sh"), timeout: None },
            Rung::Tell { route: "data-oncall".into() },
        ],
        watch: Some(Watch { start_within: Some(Span::seconds(600)), finish_within: Some(Span::seconds(3_600)) }),
        tell: Some(Tell {
            when: vec![Occasion::Failed, Occasion::Missed, Occasion::Unverified, Occasion::Unknown],
            route: "data-oncall".into(),
            procedure: Some("procedures/backup-orders-failed.md".into()),
        }),
        drill: Some(drill()),
        ..Process::named("")
    }
}

#[test]
fn the_process_of_the_design_page_gives_exactly_its_model() {
    let read = with(&[("ops/backup-orders.yaml", BACKUP)]);
    let codes: Vec<_> = read.diagnostics.iter().map(|d| (d.severity, d.code)).collect();
    assert_eq!(codes, [(Severity::Warning, "only-usual")], "its drill has nothing to learn from");
    assert_eq!(read.processes, [("ops/backup-orders.yaml".to_owned(), backup())]);
}

#[test]
fn the_site_of_the_design_page_is_read() {
    let site = with(&[]).site.expect("the site file has no error");
    let people = ["first@example.com", "second@example.com"].map(str::to_owned).to_vec();
    assert_eq!((site.name.as_str(), site.store), ("acme", StoreKind::Sqlite));
    assert_eq!(site.teams, [("data".to_owned(), Team { people })].into());
    let outlets = vec![Outlet::Smtp { to: vec!["oncall@example.com".into()] }];
    assert_eq!(site.routes, [("data-oncall".to_owned(), Route { outlets })].into());
}
