//! Timers with their services.

use expect_test::expect;

use super::{imports, loads, shown};

#[test]
fn a_timer_and_its_service_become_one_process() {
    let import = imports(
        "systemd",
        &[
            (
                "/etc/systemd/system/backup@orders.timer",
                "[Unit]\nDescription=Backup of %i\n[Timer]\nOnCalendar=Mon..Fri 02:30 Europe/Paris\n\
                 OnCalendar=Sun 04:00\nPersistent=true\nRandomizedDelaySec=5m\n[Install]\nWantedBy=timers.target\n",
            ),
            (
                "/etc/systemd/system/backup@orders.service",
                "[Unit]\nDescription=Backup of %i\n[Service]\nType=oneshot\nUser=postgres\nWorkingDirectory=/srv/my data\n\
                 Environment=\"KEEP=3\" PGPASSWORD=hunter2 'MSG=a b'\nExecStartPre=-/usr/bin/mkdir \\\n  -p /backup/%i\n\
                 ExecStart=/usr/bin/pg_dump -Fc -f \"/backup/%i ${KEEP}\" $EXTRA 100%%\n\
                 ExecStartPost=+/usr/bin/chown root '/backup/%i'\nTimeoutStartSec=1h 30min\nProtectSystem=full\n\
                 EnvironmentFile=-/etc/default/backup\n",
            ),
            ("/etc/systemd/system/backup@orders.service.d/nice.conf", "[Service]\nNice=19\nUser=backup\n"),
        ],
    );
    loads(&import);
    expect![[r##"
        # from /etc/systemd/system/backup@orders.timer and backup@orders.service
        # OnCalendar=: a schedule has one time zone; write a second process for it
        # RandomizedDelaySec=: it is `jitter`: the delay is another for each process and the same for ever, a day at most
        # WantedBy=: a process is in force when its file is there; there is nothing to enable
        # the value of PGPASSWORD: its value is not written into a process file; say under `secrets:` of seaworthy.yaml where PGPASSWORD comes from
        # User=: the step goes through `runuser -u backup`, which only root may do: run the server as root, or as backup and leave it out
        # ProtectSystem=: a step has no sandbox; go through `systemd-run` to keep it
        # EnvironmentFile=: write the variables under `env:` or `secrets:`
        # Nice=: write `nice` or `ionice` into the command
        process: backup-orders
        about: Backup of orders
        schedule:
          calendar: Mon..Fri 02:30
          timezone: Europe/Paris
          jitter: 5m
          missed: latest
        env:
          KEEP: 3
          MSG: a b
        secrets: [PGPASSWORD]
        steps:
          - id: step-1
            run: |
              cd '/srv/my data' || exit
              /usr/bin/mkdir -p /backup/orders || :
            shell: [runuser, "-u", backup, "--", /bin/sh, "-c"]
            timeout: 90m
          - id: step-2
            run: |
              cd '/srv/my data' || exit
              /usr/bin/pg_dump -Fc -f "/backup/orders ${KEEP}" $EXTRA 100%
            shell: [runuser, "-u", backup, "--", /bin/sh, "-c"]
            needs: [step-1]
            timeout: 90m
          - id: step-3
            run: |
              cd '/srv/my data' || exit
              /usr/bin/chown root /backup/orders
            needs: [step-2]
            timeout: 90m
        /etc/systemd/system/backup@orders.timer:5: not carried over: OnCalendar=: a schedule has one time zone; write a second process for it
        /etc/systemd/system/backup@orders.timer:7: changed: RandomizedDelaySec=: it is `jitter`: the delay is another for each process and the same for ever, a day at most
        /etc/systemd/system/backup@orders.timer:9: not carried over: WantedBy=: a process is in force when its file is there; there is nothing to enable
        /etc/systemd/system/backup@orders.service:7: not carried over: the value of PGPASSWORD: its value is not written into a process file; say under `secrets:` of seaworthy.yaml where PGPASSWORD comes from
        /etc/systemd/system/backup@orders.service.d/nice.conf:3: changed: User=: the step goes through `runuser -u backup`, which only root may do: run the server as root, or as backup and leave it out
        /etc/systemd/system/backup@orders.service:13: not carried over: ProtectSystem=: a step has no sandbox; go through `systemd-run` to keep it
        /etc/systemd/system/backup@orders.service:14: not carried over: EnvironmentFile=: write the variables under `env:` or `secrets:`
        /etc/systemd/system/backup@orders.service.d/nice.conf:2: not carried over: Nice=: write `nice` or `ionice` into the command
    "##]].assert_eq(&shown(&import));
    assert!(!format!("{import:?}").contains("hunter2"));
}

#[test]
fn what_a_timer_says_beyond_cron_is_named() {
    let import = imports(
        "systemd",
        &[
            ("a.timer", "[Timer]\nOnBootSec=15min\nOnUnitActiveSec=1d\n"),
            ("a.service", "[Service]\nExecStart=systemd-tmpfiles --clean\n"),
            ("b.timer", "[Timer]\nOnCalendar=Mon *-*-1..7 02:00\nUnit=c.service\n"),
            ("c.service", "[Service]\nExecStart=/bin/c\nExecStart=\nExecStart=/bin/d 'x y'\n"),
            ("d.timer", "[Timer]\nOnCalendar=daily\n"),
            ("e.service", "[Service]\nExecStart=/bin/e\n"),
            ("f@.timer", "[Timer]\nOnCalendar=daily\n"),
            ("g.timer", "OnCalendar=daily\n[Timer]\nrubbish\n"),
            ("g.service", "[Service]\nType=oneshot\n"),
            ("h.socket", "[Socket]\n"),
        ],
    );
    assert!(import.is_broken());
    loads(&import);
    expect![[r##"
        # from a.timer and a.service
        # OnUnitActiveSec=: here an interval is counted from an anchor, not from the last run
        # OnBootSec=: nothing is started when the host, systemd or the timer starts
        process: a
        schedule:
          every: 1d
          missed: skip
        steps:
          - run: [systemd-tmpfiles, "--clean"]
        ---
        # from b.timer and c.service
        process: b
        schedule:
          calendar: Mon *-*-1..7 02:00
          timezone: Europe/Berlin
          missed: skip
        steps:
          - run: [/bin/d, x y]
        g.timer:1: broken: this line: it is neither a `[Section]` nor a `Key=value` in one
        g.timer:3: broken: this line: it is neither a `[Section]` nor a `Key=value` in one
        h.socket:1: broken: this file: a unit file ends with .timer or .service, and a drop-in with .conf in NAME.timer.d
        a.timer:3: changed: OnUnitActiveSec=: here an interval is counted from an anchor, not from the last run
        a.timer:2: not carried over: OnBootSec=: nothing is started when the host, systemd or the timer starts
        d.timer:1: broken: d.timer: its service `d.service` is not among these files, so nobody knows what is done
        f@.timer:1: not carried over: f@.timer: a template is one timer for each of its instances; import the instances, such as those that `systemctl list-timers` shows
        g.service:1: broken: g.service: it has no ExecStart, so there is nothing to do
        e.service:1: not carried over: e.service: no timer among these files starts it, so nobody knows when it is due
    "##]].assert_eq(&shown(&import));
}
