//! CronJob manifests of Kubernetes as processes that start a job of them, wait for its end and keep its output.
//!
//! The pod stays where it is described; what moves is when it starts and who looks at the result. Several documents and
//! lists are read; a document that is broken leaves the others. This module must not know other tools.

use super::{
    Around, Code, Draft, Schedule, Step, command,
    crontab::fires,
    draft::{Gathered, Notes},
    fields::Fields,
};
use crate::{
    Severity, Source,
    source::Report,
    tree::{self, Node},
};

pub(super) fn read(sources: &[Source], around: &Around, gathered: &mut Gathered) {
    for source in sources {
        for (text, line) in documents(&source.text) {
            // Lines keep their numbers.
            let text = "\n".repeat(line) + &text;
            let mut report = Report::new(&source.file, &text);
            let found = tree::parse(&text, &mut report);
            let broken = report.finish().into_iter().find(|problem| problem.severity == Severity::Error);
            if let Some(problem) = broken {
                let reason = format!("{}; {}", problem.message, problem.help);
                gathered.broken(Code::Syntax, &source.file, problem.line, "this document", reason);
                continue;
            }
            for document in found.iter().filter(|document| !document.is_nothing()) {
                object(&source.file, document, around, gathered);
            }
        }
    }
}

/// The texts between lines of `---`, each with the number of lines before it.
fn documents(text: &str) -> Vec<(String, usize)> {
    let mut all = vec![(String::new(), 0)];
    for (at, line) in text.lines().enumerate() {
        if line.trim_end() == "---" || line.starts_with("--- ") {
            all.push((String::new(), at + 1));
        } else if let Some((open, _)) = all.last_mut() {
            open.push_str(line);
            open.push('\n');
        }
    }
    all.retain(|(text, _)| !text.trim().is_empty());
    all
}

fn object(file: &str, node: &Node, around: &Around, gathered: &mut Gathered) {
    let line = node.place.start.line;
    let kind = node.get("kind").and_then(Node::text).unwrap_or_default();
    let version = node.get("apiVersion").and_then(Node::text).unwrap_or_default();
    match (kind, version) {
        ("List" | "CronJobList", _) => {
            for item in node.get("items").map(Node::items).unwrap_or_default() {
                object(file, item, around, gathered);
            }
        }
        ("CronJob", "batch/v1" | "batch/v1beta1") => cron_job(file, node, around, gathered),
        ("CronJob", other) => {
            let reason = format!("its version `{other}` is not known; batch/v1 is");
            gathered.broken(Code::WrongVersion, file, node.key_place("apiVersion").start.line, "apiVersion", reason);
        }
        ("", _) => {
            gathered.broken(Code::WrongKind, file, line, "this document", "it has no `kind`, so it is no manifest")
        }
        (other, _) => gathered.not_carried(Code::WrongKind, file, line, other, "only CronJobs have a schedule"),
    }
}

fn cron_job(file: &str, node: &Node, around: &Around, gathered: &mut Gathered) {
    let name =
        node.get("metadata").and_then(|meta| meta.get("name")).and_then(Node::text).unwrap_or_default().to_owned();
    let line = node.place.start.line;
    let (Some(spec), false) = (node.get("spec"), name.is_empty()) else {
        return gathered.broken(Code::Field, file, line, "this CronJob", "it lacks `metadata.name` or `spec`");
    };
    let fields = Fields::of(file, spec);
    let mut notes = Notes::default();
    let namespace = node.get("metadata").and_then(|meta| meta.get("namespace")).and_then(Node::text);
    let mut draft = Draft { name: name.clone(), file: file.to_owned(), line, ..Draft::default() };
    draft.remarks.push(format!("from {file}:{line}"));
    draft.remarks.push("set `suspend: true` on the CronJob, or it runs twice: from there and from here".to_owned());
    draft.about =
        Some(format!("The CronJob {name}{}.", namespace.map(|space| format!(" in {space}")).unwrap_or_default()));
    if let Some((when, zone)) = schedule(&fields, around) {
        match fires(&when, &zone) {
            Ok(()) if fields.yes("suspend") => {
                notes.changed(
                    Code::Field,
                    fields.at("suspend"),
                    "suspend",
                    "it is suspended, so the file has no schedule",
                );
            }
            Ok(()) => {
                let overlap = match fields.text("concurrencyPolicy") {
                    Some("Forbid") => None,
                    Some("Replace") => Some("replace"),
                    _ => Some("allow"),
                };
                let timezone = Some(zone).filter(|zone| zone != "UTC");
                let within = fields.seconds("startingDeadlineSeconds");
                draft.schedule = Some(Schedule { key: "cron", when, timezone, within, overlap, ..Schedule::default() });
            }
            Err(reason) => notes.not_carried(Code::Schedule, fields.at("schedule"), "schedule", reason),
        }
    } else {
        notes.not_carried(Code::Schedule, fields.here(), "schedule", "there is none");
    }
    let job = spec.get("jobTemplate").and_then(|template| template.get("spec"));
    let mut step = Step { script: script(&name, namespace), ..Step::default() };
    if let Some(job) = job {
        let job = Fields::of(file, job);
        step.timeout = job.seconds("activeDeadlineSeconds");
        containers(&job, &mut draft);
        job.known(&[
            "template",
            "backoffLimit",
            "ttlSecondsAfterFinished",
            "completions",
            "parallelism",
            "completionMode",
            "suspend",
        ]);
        job.rest("jobTemplate.spec.", &mut notes, &|_| Some("it stays with the job that is started"));
    }
    draft.steps.push(step);
    fields.known(&["jobTemplate", "concurrencyPolicy", "startingDeadlineSeconds", "suspend", "timeZone"]);
    fields.rest("spec.", &mut notes, &|key| match key {
        "successfulJobsHistoryLimit" | "failedJobsHistoryLimit" => {
            Some("jobs that are started from here are not removed by the CronJob: set `ttlSecondsAfterFinished`")
        }
        _ => None,
    });
    let taken = gathered.draft(draft);
    gathered.noted(notes, taken);
}

/// The cron text and its zone; a zone may stand in front of the text, as old manifests have it.
fn schedule(fields: &Fields<'_>, around: &Around) -> Option<(String, String)> {
    let text = fields.text("schedule")?;
    let named = fields.text("timeZone").map(str::to_owned);
    let prefixed = text.strip_prefix("CRON_TZ=").or(text.strip_prefix("TZ="));
    let (zone, text) = match prefixed.and_then(|rest| rest.split_once(' ')) {
        Some((zone, rest)) => (Some(zone.to_owned()), rest.trim().to_owned()),
        None => (None, text.to_owned()),
    };
    Some((text, named.or(zone).unwrap_or_else(|| around.timezone.clone())))
}

/// What runs in the pod, for who reads the file: images and programs, never arguments.
fn containers(job: &Fields<'_>, draft: &mut Draft) {
    let pod = job.get("template").and_then(|template| template.get("spec"));
    for container in pod.and_then(|pod| pod.get("containers")).map(Node::items).unwrap_or_default() {
        let image = container.get("image").and_then(Node::text).unwrap_or("an image");
        let program = container.get("command").map(Node::items).unwrap_or_default().first().and_then(Node::text);
        let runs = program.map(|program| format!(", which runs {program}")).unwrap_or_default();
        draft.remarks.push(format!("its container is {image}{runs}; to run that from here, write it as a step"));
    }
}

fn script(name: &str, namespace: Option<&str>) -> String {
    let space = namespace.map(|space| format!(" --namespace={}", command::quoted(space))).unwrap_or_default();
    let name = command::quoted(name);
    format!(
        "set -e\n\
         job={name}-$(date +%s)\n\
         kubectl create job{space} --from=cronjob/{name} \"$job\"\n\
         end=\n\
         while [ -z \"$end\" ]; do\n\
         \x20 sleep 5\n\
         \x20 types=$(kubectl get job{space} \"$job\" -o 'jsonpath={{.status.conditions[?(@.status==\"True\")].type}}')\n\
         \x20 case \"$types\" in *Complete*) end=0 ;; *Failed*) end=1 ;; esac\n\
         done\n\
         kubectl logs{space} --all-containers \"job/$job\" || :\n\
         exit \"$end\"\n"
    )
}
