//! Exports of other schedulers and monitors, in the shapes that their documentation has.

use expect_test::{Expect, expect};

use super::{import, loads, shown};

fn check(tool: &str, file: &str, text: &str, expected: Expect) {
    let found = import(tool, file, text);
    loads(&found);
    expected.assert_eq(&shown(&found));
    assert!(!format!("{found:?}").contains("hunter2"), "no secret of an export goes further");
}

#[test]
fn cron_jobs_of_kubernetes() {
    check(
        "kubernetes",
        "cronjobs.yaml",
        include_str!("cronjobs.yaml"),
        expect![[r##"
        # from cronjobs.yaml:6
        # set `suspend: true` on the CronJob, or it runs twice: from there and from here
        # its container is busybox:1.28, which runs /bin/sh; to run that from here, write it as a step
        # jobTemplate.spec.podFailurePolicy: it stays with the job that is started
        # spec.successfulJobsHistoryLimit: jobs that are started from here are not removed by the CronJob: set `ttlSecondsAfterFinished`
        process: hello
        about: The CronJob hello in prod.
        schedule:
          cron: 30 2 * * *
          timezone: Europe/Berlin
          within: 10m
        steps:
          - run: |
              set -e
              job=hello-$(date +%s)
              kubectl create job --namespace=prod --from=cronjob/hello "$job"
              end=
              while [ -z "$end" ]; do
                sleep 5
                types=$(kubectl get job --namespace=prod "$job" -o 'jsonpath={.status.conditions[?(@.status=="True")].type}')
                case "$types" in *Complete*) end=0 ;; *Failed*) end=1 ;; esac
              done
              kubectl logs --namespace=prod --all-containers "job/$job" || :
              exit "$end"
            timeout: 2h
        ---
        # from cronjobs.yaml:43
        # set `suspend: true` on the CronJob, or it runs twice: from there and from here
        # suspend: it is suspended, so the file has no schedule
        process: hourly
        about: The CronJob hourly.
        steps:
          - run: |
              set -e
              job=hourly-$(date +%s)
              kubectl create job --from=cronjob/hourly "$job"
              end=
              while [ -z "$end" ]; do
                sleep 5
                types=$(kubectl get job "$job" -o 'jsonpath={.status.conditions[?(@.status=="True")].type}')
                case "$types" in *Complete*) end=0 ;; *Failed*) end=1 ;; esac
              done
              kubectl logs --all-containers "job/$job" || :
              exit "$end"
        ---
        # from cronjobs.yaml:47
        # set `suspend: true` on the CronJob, or it runs twice: from there and from here
        process: often
        about: The CronJob often.
        schedule:
          cron: "*/5 * * * *"
          timezone: Europe/Berlin
          overlap: allow
        steps:
          - run: |
              set -e
              job=often-$(date +%s)
              kubectl create job --from=cronjob/often "$job"
              end=
              while [ -z "$end" ]; do
                sleep 5
                types=$(kubectl get job "$job" -o 'jsonpath={.status.conditions[?(@.status=="True")].type}')
                case "$types" in *Complete*) end=0 ;; *Failed*) end=1 ;; esac
              done
              kubectl logs --all-containers "job/$job" || :
              exit "$end"
        cronjobs.yaml:2: not carried over: ConfigMap: only CronJobs have a schedule
        cronjobs.yaml:21: not carried over: jobTemplate.spec.podFailurePolicy: it stays with the job that is started
        cronjobs.yaml:16: not carried over: spec.successfulJobsHistoryLimit: jobs that are started from here are not removed by the CronJob: set `ttlSecondsAfterFinished`
        cronjobs.yaml:33: broken: this document: this is not YAML: while parsing a flow mapping, did not find expected ',' or '}'; close every bracket and brace; quote a text that begins with one
        cronjobs.yaml:35: broken: apiVersion: its version `batch/v2alpha1` is not known; batch/v1 is
        cronjobs.yaml:46: changed: suspend: it is suspended, so the file has no schedule
    "##]],
    );
}

#[test]
fn checks_of_healthchecks() {
    check(
        "healthchecks",
        "checks.json",
        include_str!("healthchecks.json"),
        expect![[r##"
            # from checks.json:3
            # its address changes: make a key with `seaworthy ping new`
            # timeout: here an interval is counted from an anchor, not from the last ping: it may start anywhere in it, so it is missed when the next one and the grace are over
            # grace: it is `watch.start_within`, and `finish_within` too: how long it may run is told apart from how late it may start
            # success_kw: a ping says how it went by its address; what is true is looked at by `verify:`
            # failure_kw: a ping says how it went by its address; what is true is looked at by `verify:`
            # filter_subject: a ping says how it went by its address; what is true is looked at by `verify:`
            # ping_url: an address is a key, and a new one is made here: `seaworthy ping new`
            # channels: say who is told with `tell:`
            process: filesystem-backup
            about: "Filesystem Backup. Runs incremental backup every hour Tags: backup fs."
            pinged: true
            schedule:
              every: 1h
            watch:
              start_within: 70m
              finish_within: 10m
            ---
            # from checks.json:24
            # its address changes: make a key with `seaworthy ping new`
            # status: paused: it is expected again: take its schedule out to pause it
            # grace: it is `watch.start_within`, and `finish_within` too: how long it may run is told apart from how late it may start
            process: database-backup
            about: Database Backup.
            pinged: true
            schedule:
              cron: 15 5 * * *
              timezone: Europe/Riga
            watch:
              start_within: 20m
              finish_within: 20m
            ---
            # from checks.json:35
            # its address changes: make a key with `seaworthy ping new`
            # schedule: `61` is not a valid minute; write a number from 0 to 59
            # grace: it is `watch.start_within`, and `finish_within` too: how long it may run is told apart from how late it may start
            process: odd
            about: odd.
            pinged: true
            watch:
              start_within: 1m
              finish_within: 1m
            checks.json:22: changed: timeout: here an interval is counted from an anchor, not from the last ping: it may start anywhere in it, so it is missed when the next one and the grace are over
            checks.json:8: changed: grace: it is `watch.start_within`, and `finish_within` too: how long it may run is told apart from how late it may start
            checks.json:15: not carried over: success_kw: a ping says how it went by its address; what is true is looked at by `verify:`
            checks.json:16: not carried over: failure_kw: a ping says how it went by its address; what is true is looked at by `verify:`
            checks.json:17: not carried over: filter_subject: a ping says how it went by its address; what is true is looked at by `verify:`
            checks.json:19: not carried over: ping_url: an address is a key, and a new one is made here: `seaworthy ping new`
            checks.json:21: not carried over: channels: say who is told with `tell:`
            checks.json:29: changed: status: paused: it is expected again: take its schedule out to pause it
            checks.json:28: changed: grace: it is `watch.start_within`, and `finish_within` too: how long it may run is told apart from how late it may start
            checks.json:35: not carried over: schedule: `61` is not a valid minute; write a number from 0 to 59
            checks.json:35: changed: grace: it is `watch.start_within`, and `finish_within` too: how long it may run is told apart from how late it may start
        "##]],
    );
}

#[test]
fn monitors_of_uptime_kuma() {
    check(
        "uptime-kuma",
        "backup.json",
        include_str!("kuma.json"),
        expect![[r##"
        # from backup.json:5
        # url: a status alone proves no data: the check also wants a body; write what must be in it
        # ignoreTls: a certificate is always checked
        # expiryNotification: take the pack `certificate`: seaworthy init --pack certificate
        # notificationIDList: say who is told with `tell:`
        # basic_auth_user: it may hold a secret: write `headers:` with $NAME, and the secret under `secrets:`
        # basic_auth_pass: it may hold a secret: write `headers:` with $NAME, and the secret under `secrets:`
        process: shop-front-page
        about: Shop / Front page
        schedule:
          every: 1m
          missed: skip
        verify:
          - http: https://shop.example.com/
            expect: ((status >= 200 && status <= 299) || status == 301) && body.size() > 0
            timeout: 48s
        heal:
          - retry: { times: 2, backoff: 30s }
        ---
        # from backup.json:12
        # active: it was paused, so the file has no schedule
        process: search
        about: search
        verify:
          - http: https://shop.example.com/search?q=aé😀
            expect: status == 200 && body.contains("say \"hi\"")
        ---
        # from backup.json:17
        # its address changes: make a key with `seaworthy ping new`
        process: nightly
        about: nightly
        pinged: true
        schedule:
          every: 25h
          missed: skip
        watch:
          start_within: 25h
        backup.json:3: not carried over: notificationList: write routes into seaworthy.yaml, and `tell:` into the processes
        backup.json:6: changed: url: a status alone proves no data: the check also wants a body; write what must be in it
        backup.json:8: not carried over: ignoreTls: a certificate is always checked
        backup.json:8: not carried over: expiryNotification: take the pack `certificate`: seaworthy init --pack certificate
        backup.json:9: not carried over: notificationIDList: say who is told with `tell:`
        backup.json:10: not carried over: basic_auth_user: it may hold a secret: write `headers:` with $NAME, and the secret under `secrets:`
        backup.json:10: not carried over: basic_auth_pass: it may hold a secret: write `headers:` with $NAME, and the secret under `secrets:`
        backup.json:14: changed: active: it was paused, so the file has no schedule
        backup.json:18: not carried over: monitor `db` of type port: only monitors of type http, keyword and push have a counterpart
    "##]],
    );
}

#[test]
fn events_of_cronicle() {
    check(
        "cronicle",
        "export.txt",
        include_str!("cronicle.txt"),
        expect![[r##"
            # from export.txt:12
            # params.annotate: output is kept as it is
            # chain: a process does not start another yet; write both as steps of one
            # notify_fail: say who is told with `tell:` and a route
            process: nightly-orders
            about: Nightly orders
            schedule:
              cron: 30 2 * * *
              timezone: Europe/Berlin
              missed: all
            steps:
              - run: |
                  #!/bin/bash

                  pg_dump orders > /backup/orders.sql
                shell: [/bin/bash, "-c"]
                timeout: 1h
            heal:
              - retry: { times: 2, backoff: 30s }
            ---
            # from export.txt:12
            # plugin urlplug: a request is a check here: it looks, and its answer is the verdict
            # params.headers: it may hold a secret: write `headers:` or `body:` with $NAME, and the secret under `secrets:`
            process: health
            about: Health
            schedule:
              cron: 0,15,30,45 * * * *
              missed: skip
              overlap: allow
            verify:
              - http: https://shop.example.com/health
                expect: status >= 200 && status <= 399 && body.contains("ok")
                timeout: 30s
            ---
            # from export.txt:12
            # plugin report: a plugin reads a job as JSON from standard input, which is empty here; its parameters are in `env`
            # the value of DB_PASSWORD: its value is not written into a process file; say under `secrets:` of seaworthy.yaml where DB_PASSWORD comes from
            # enabled: it was switched off, so the file has no schedule
            process: weekly-report
            about: Weekly report
            env:
              FORMAT: pdf
            secrets: [DB_PASSWORD]
            steps:
              - run: /opt/report.py
            export.txt:6: not carried over: users: people and keys are not taken over; `teams:` of seaworthy.yaml names people
            export.txt:8: not carried over: global/users/0: it has no counterpart: commands run on this host
            export.txt:13: not carried over: global/server_groups/0: it has no counterpart: commands run on this host
            export.txt:14: not carried over: global/api_keys: people and keys are not taken over; `teams:` of seaworthy.yaml names people
            export.txt:15: broken: this line: it is not `KEY - JSON`
            export.txt:12: not carried over: params.annotate: output is kept as it is
            export.txt:12: not carried over: chain: a process does not start another yet; write both as steps of one
            export.txt:12: not carried over: notify_fail: say who is told with `tell:` and a route
            export.txt:12: changed: plugin urlplug: a request is a check here: it looks, and its answer is the verdict
            export.txt:12: not carried over: params.headers: it may hold a secret: write `headers:` or `body:` with $NAME, and the secret under `secrets:`
            export.txt:12: changed: plugin report: a plugin reads a job as JSON from standard input, which is empty here; its parameters are in `env`
            export.txt:12: not carried over: the value of DB_PASSWORD: its value is not written into a process file; say under `secrets:` of seaworthy.yaml where DB_PASSWORD comes from
            export.txt:12: changed: enabled: it was switched off, so the file has no schedule
            export.txt:12: broken: event `On demand`: its plugin `gone` is not in this export, so nobody knows what is done
        "##]],
    );
}

#[test]
fn jobs_of_rundeck() {
    check(
        "rundeck",
        "jobs.yaml",
        include_str!("rundeck.yaml"),
        expect![[r##"
        # from jobs.yaml:1
        # a command: it names options or nodes of Rundeck: write inputs, or variables, in their place before it is used
        # a command of kind jobref: a step of this kind has no counterpart; in its place stands one that fails: write it before it is used
        # the option table: write it under `inputs:`, and use it as a variable in the commands
        # the option password: it is a secret: name it under `secrets:`, and in seaworthy.yaml where it comes from
        # nodefilters: commands run on this host only
        # notification: say who is told with `tell:` and a route
        process: db-nightly-backup-orders
        about: Dumps the orders.
        timeout: 390m
        schedule:
          cron: 30 2 * * 1-5
          timezone: Europe/Berlin
          missed: skip
          overlap: allow
        steps:
          - id: step-1
            run: |
              pg_dump -t ${option.table} orders
          - id: step-2
            run: |
              set -- one two
              #!/bin/bash
              echo "$1"
            shell: [/bin/bash, "-c"]
            needs: [step-1]
          - id: step-3
            run: |
              print(1)
            shell: [python3, "-c"]
            needs: [step-2]
          - id: step-4
            run: |
              echo 'the step of kind jobref at this place was not carried over' >&2
              exit 1
            needs: [step-3]
        heal:
          - retry: { times: 2, backoff: 1m }
        ---
        # from jobs.yaml:34
        # sequence.keepgoing: after a failed step no further one starts here; write `|| :` behind a command that may fail
        process: weekly
        about: weekly
        schedule:
          cron: 1 5 * * FRI,MON
          timezone: Europe/Berlin
          missed: skip
        steps:
          - id: step-1
            run: |
              /opt/weekly.sh --all
        ---
        # from jobs.yaml:41
        # schedule: it counts seconds, and a schedule here counts minutes
        process: never
        about: never
        steps:
          - id: step-1
            run: |
              true
        jobs.yaml:25: changed: a command: it names options or nodes of Rundeck: write inputs, or variables, in their place before it is used
        jobs.yaml:33: not carried over: a command of kind jobref: a step of this kind has no counterpart; in its place stands one that fails: write it before it is used
        jobs.yaml:17: not carried over: the option table: write it under `inputs:`, and use it as a variable in the commands
        jobs.yaml:18: not carried over: the option password: it is a secret: name it under `secrets:`, and in seaworthy.yaml where it comes from
        jobs.yaml:19: not carried over: nodefilters: commands run on this host only
        jobs.yaml:20: not carried over: notification: say who is told with `tell:` and a route
        jobs.yaml:36: changed: sequence.keepgoing: after a failed step no further one starts here; write `|| :` behind a command that may fail
        jobs.yaml:43: not carried over: schedule: it counts seconds, and a schedule here counts minutes
        jobs.yaml:44: broken: this entry: it has no `name` and `sequence`, so it is no job
    "##]],
    );
}
