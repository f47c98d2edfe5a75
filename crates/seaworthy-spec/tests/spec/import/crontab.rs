//! crontab(5): what cron does with a line is what the process does.

use expect_test::expect;
use seaworthy_model::process::{Action, Line};
use seaworthy_spec::{Source, import::yaml};

use super::{import, loads, shown};

#[test]
fn the_crontab_of_debian_becomes_processes_of_its_users() {
    let import = import("crontab", "/etc/crontab", include_str!("debian.crontab"));
    loads(&import);
    expect![[r#"
        # from /etc/crontab:18
        process: run-parts
        schedule:
          cron: 17 * * * *
          timezone: Europe/Berlin
          missed: skip
        env:
          PATH: /usr/local/sbin:/usr/local/bin:/sbin:/bin:/usr/sbin:/usr/bin
        steps:
          - run: |
              cd / && run-parts --report /etc/cron.hourly
        ---
        # from /etc/crontab:19
        process: run-parts-bd1b
        schedule:
          cron: 25 6 * * *
          timezone: Europe/Berlin
          missed: skip
        env:
          PATH: /usr/local/sbin:/usr/local/bin:/sbin:/bin:/usr/sbin:/usr/bin
        steps:
          - run: |
              cd
              test -x /usr/sbin/anacron || { cd / && run-parts --report /etc/cron.daily; }
        ---
        # from /etc/crontab:20
        process: run-parts-7b2d
        schedule:
          cron: 47 6 * * 7
          timezone: Europe/Berlin
          missed: skip
        env:
          PATH: /usr/local/sbin:/usr/local/bin:/sbin:/bin:/usr/sbin:/usr/bin
        steps:
          - run: |
              cd
              test -x /usr/sbin/anacron || { cd / && run-parts --report /etc/cron.weekly; }
        ---
        # from /etc/crontab:21
        process: run-parts-aa62
        schedule:
          cron: 52 6 1 * *
          timezone: Europe/Berlin
          missed: skip
        env:
          PATH: /usr/local/sbin:/usr/local/bin:/sbin:/bin:/usr/sbin:/usr/bin
        steps:
          - run: |
              cd
              test -x /usr/sbin/anacron || { cd / && run-parts --report /etc/cron.monthly; }
    "#]]
    .assert_eq(&shown(&import));
}

#[test]
fn the_lines_of_a_person_keep_shell_environment_zone_and_input() {
    let import = import(
        "crontab",
        "crontab -l",
        "SHELL=/bin/bash\nMAILTO=\"ops@example.com\"\nPATH=/usr/local/bin:/usr/bin:/bin\nPGPASSWORD = hunter2\n\n\
         # nightly\n0 1 * * *   pg_dump orders > /backup/orders.sql # all of it\n\
         CRON_TZ=America/New_York\n@daily cd /srv/app && ./report.sh 'a: b'\n\
         */15 8-18 * * mon-fri mail -s hello%Hello,%100\\% done%\n@reboot /usr/local/bin/agent --token=abc\n",
    );
    loads(&import);
    expect![[r##"
        # from crontab -l:7
        # MAILTO was ops@example.com: name a route for it under `tell:`
        # the value of PGPASSWORD: its value is not written into a process file; say under `secrets:` of seaworthy.yaml where PGPASSWORD comes from
        process: pg_dump
        schedule:
          cron: 0 1 * * *
          timezone: Europe/Berlin
          missed: skip
        env:
          PATH: /usr/local/bin:/usr/bin:/bin
        secrets: [PGPASSWORD]
        steps:
          - run: |
              cd
              pg_dump orders > /backup/orders.sql # all of it
            shell: [/bin/bash, "-c"]
        ---
        # from crontab -l:9
        # MAILTO was ops@example.com: name a route for it under `tell:`
        # the value of PGPASSWORD: its value is not written into a process file; say under `secrets:` of seaworthy.yaml where PGPASSWORD comes from
        process: report
        schedule:
          cron: "@daily"
          timezone: America/New_York
          missed: skip
        env:
          PATH: /usr/local/bin:/usr/bin:/bin
        secrets: [PGPASSWORD]
        steps:
          - run: |
              cd /srv/app && ./report.sh 'a: b'
            shell: [/bin/bash, "-c"]
        ---
        # from crontab -l:10
        # MAILTO was ops@example.com: name a route for it under `tell:`
        # the value of PGPASSWORD: its value is not written into a process file; say under `secrets:` of seaworthy.yaml where PGPASSWORD comes from
        process: mail
        schedule:
          cron: "*/15 8-18 * * mon-fri"
          timezone: America/New_York
          missed: skip
        env:
          PATH: /usr/local/bin:/usr/bin:/bin
        secrets: [PGPASSWORD]
        steps:
          - run: |
              cd
              {
              mail -s hello
              } <<'END_OF_INPUT'
              Hello,
              100% done

              END_OF_INPUT
            shell: [/bin/bash, "-c"]
        crontab -l:2: not carried over: MAILTO: add a route to seaworthy.yaml, such as `routes: { mail: { smtp: ops@example.com } }`, and `tell: { route: mail }` to the processes
        crontab -l:4: not carried over: the value of PGPASSWORD: its value is not written into a process file; say under `secrets:` of seaworthy.yaml where PGPASSWORD comes from
        crontab -l:11: not carried over: `@reboot agent`: nothing is started when the host starts; a systemd unit is the place for it
    "##]].assert_eq(&shown(&import));
    let all = format!("{import:?}{}", import.drafts.iter().map(yaml).collect::<String>());
    assert!(!all.contains("hunter2") && !all.contains("abc"), "{all}");
}

#[test]
fn a_half_broken_crontab_is_named_line_by_line_and_the_good_rest_is_there() {
    let import = import(
        "crontab",
        "crontab -l",
        "0 1 * * * /bin/good one\n61 * * * * /bin/never\n0 0 30 2 * /bin/february\n* * *\nhello world\n\
         <html>\nCRON_TZ=Europe/Berlim\n0 2 * * * /bin/unclear\nCRON_TZ=UTC\n0 3 * * * /bin/good two\n0 4 * * *\n",
    );
    assert!(import.is_broken());
    loads(&import);
    expect![[r#"
        # from crontab -l:1
        process: good
        schedule:
          cron: 0 1 * * *
          timezone: Europe/Berlin
          missed: skip
        steps:
          - run: |
              cd
              /bin/good one
        ---
        # from crontab -l:10
        process: good-da90
        schedule:
          cron: 0 3 * * *
          missed: skip
        steps:
          - run: |
              cd
              /bin/good two
        crontab -l:2: broken: `61 * * * * …`: `61` is not a valid minute; write a number from 0 to 59
        crontab -l:3: broken: `0 0 30 2 * …`: `0 0 30 2 *` never fires in Europe/Berlin; no such day and time comes within 50 years; write a day that its month has, such as `L` (in a calendar `~01`) for the last one
        crontab -l:4: broken: the line `* …`: it is neither `NAME=value` nor five fields and a command
        crontab -l:5: broken: the line `hello …`: it is neither `NAME=value` nor five fields and a command
        crontab -l:6: broken: the line `<html> …`: it is neither `NAME=value` nor five fields and a command
        crontab -l:7: broken: CRON_TZ: `Europe/Berlim` is not a time zone; the lines below it are left out
        crontab -l:8: broken: `0 2 * * * …`: nobody knows its time zone: see CRON_TZ in line 7
        crontab -l:11: broken: `0 4 * * * …`: the line lacks a command
    "#]].assert_eq(&shown(&import));
}

#[test]
fn a_job_does_in_a_shell_what_it_did_in_cron() {
    let import = import("crontab", "crontab -l", "0 1 * * * cat - && echo 50\\%%one%two \\% three%\n");
    let site = Source { file: "seaworthy.yaml".into(), text: "site: test\n".into() };
    let ops = Source { file: "ops/cat.yaml".into(), text: yaml(&import.drafts[0]) };
    let read = seaworthy_spec::read(&site, &[ops], &|_| false);
    let Action::Run(command) = &read.processes[0].1.steps[0].action else { panic!("it is a command") };
    let Line::Shell { script, .. } = &command.line else { panic!("it is a script") };
    assert_eq!(script, "cd\n{\ncat - && echo 50%\n} <<'END_OF_INPUT'\none\ntwo % three\n\nEND_OF_INPUT\n");
}

#[test]
fn names_are_unique_and_stay_when_lines_are_added() {
    let before = import("crontab", "crontab -l", "0 1 * * * backup a\n0 2 * * * backup b\n");
    let after = import("crontab", "crontab -l", "0 1 * * * backup a\n0 5 * * * backup c\n0 2 * * * backup b\n");
    let names = |import: &seaworthy_spec::import::Import| {
        import.drafts.iter().map(|draft| draft.name.clone()).collect::<Vec<_>>()
    };
    assert_eq!(names(&before)[0], "backup");
    assert_eq!(names(&before)[1], names(&after)[2]);
    assert_eq!(names(&after).len(), 3);
}

#[test]
fn any_text_comes_to_an_end() {
    for text in
        ["%", "* * * * * %", "@", "=", "* * * * * \u{1b}[31m\u{0}", "\"=\"", "0 0 * * * '", "CRON_TZ=", "\r\n\r"]
    {
        loads(&import("crontab", "x", text));
        loads(&import("crontab", "/etc/cron.d/x", text));
    }
}
