//! The verbs: one file each, listed here.
//!
//! A verb reads the command line, asks a server or opens the site itself, and prints. It must not decide.

mod again;
mod backup;
mod cancel;
mod check;
mod completions;
mod confirm;
mod copy;
mod demo;
mod difference;
mod drill;
mod exec;
mod follow;
mod import;
pub mod init;
mod journal;
mod logs;
mod made_up;
mod openapi;
mod owner_link;
mod pause;
mod ping;
mod plan;
mod planned;
mod restore;
mod resume;
mod retain;
mod rows;
mod run;
mod runs;
mod schema;
mod show;
mod sign;
mod site;
mod status;
mod story;
mod token;
mod up;
mod watch;

use std::path::PathBuf;

use clap::{Parser, Subcommand};

use crate::{out::Out, place::Place, trouble::Trouble};

/// Runs the operations of a cloud service and proves them.
#[derive(Debug, Parser)]
#[command(name = "seaworthy", version, about, max_term_width = 100)]
pub struct Cli {
    /// Folder of the site, or one below it
    #[arg(short = 'C', long = "site", global = true, value_name = "DIR", default_value = ".")]
    pub site: PathBuf,
    /// Where the journal and the runs are kept [default: .seaworthy beside seaworthy.yaml]
    #[arg(long, global = true, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// One JSON object on the last line of standard output
    #[arg(long, global = true)]
    pub json: bool,
    /// What our own log says: error, warn, info, debug
    #[arg(long, global = true, value_name = "LEVEL", env = "SEAWORTHY_LOG")]
    pub log: Option<String>,
    /// Our own log as JSON lines
    #[arg(long, global = true)]
    pub log_json: bool,
    #[command(subcommand)]
    pub verb: Verb,
}

#[derive(Debug, Subcommand)]
pub enum Verb {
    /// A live site in a temporary folder: real backups, a drill, one that lies, one that heals
    Demo(demo::Args),
    /// Write a first site here: a complete process to start from
    Init(init::Args),
    /// Turn crontabs, timers and exports of other tools into process files
    Import(import::Args),
    /// Read all files; print what is wrong and which facets are missing
    Check(check::Args),
    /// The next ten fire times of every process, and what would change
    Plan(plan::Args),
    /// Agree to a change of the files that takes something away and therefore waits
    Confirm(confirm::Args),
    /// Run everything: schedules, runs, drills, messages, watcher and pages
    Up(up::Args),
    /// Only the watcher: reads the journal, never asks the server
    Watch(watch::Args),
    /// Run a process now, follow it, and exit with its verdict
    Run(run::Args),
    /// Put in front of a command that something else starts: it runs as it would, and what came of it is kept
    Exec(exec::Args),
    /// Keys by which something outside may say how it goes, as with Healthchecks
    Ping(ping::Args),
    /// A new one-time link by which the first owner of this site sets an account up
    OwnerLink(owner_link::Args),
    /// Start nothing of a process by itself for a while, with a reason and an end
    Pause(pause::Args),
    /// End a pause before its time, or go on with a run that ended failed, unknown or cancelled
    Resume(resume::Args),
    /// Rehearse the restore of a process's newest verified artifact
    Drill(drill::Args),
    /// Stop a run that goes on in the server
    Cancel(cancel::Args),
    /// Sign for a step that a person does
    Sign(sign::SignArgs),
    /// Agree to what another person asked for
    Approve(sign::ApproveArgs),
    /// Do a step of an ended run and all that follows it once more, as a new run
    Rerun(again::RerunArgs),
    /// The runs of the past, newest first
    Runs(runs::Args),
    /// One run in full
    Show(show::Args),
    /// The output of a run's commands
    Logs(logs::Args),
    /// In one sentence: is everything proven?
    Status(status::Args),
    /// Read or verify the journal
    Journal(journal::Args),
    /// Verify the history, its hash tree and its checkpoints
    Audit(journal::AuditArgs),
    /// The JSON Schema of process files, for editors
    Schema(schema::Args),
    /// Copy this site's own state while it runs
    Backup(backup::Args),
    /// Put a copy of a site's own state back
    Restore(restore::Args),
    /// Drop what is old and not needed; --dry-run says what would go and why the rest stays
    Retain(retain::Args),
    /// Tokens for programs that speak for you through the API
    Token(token::Args),
    /// The OpenAPI document of the API
    Openapi(openapi::Args),
    /// Shell completions
    Completions(completions::Args),
    /// Hold commands so that they outlive the server; started by whoever needs it
    #[command(hide = true)]
    Keeper(crate::role::keeper::Args),
    /// Carry out a step that is no command; started by the keeper
    #[command(hide = true)]
    Act,
    /// What the steps of the demo call
    #[command(hide = true)]
    DemoTool(demo::ToolArgs),
}

/// What every verb is given.
pub struct Ask {
    pub out: Out,
    site: PathBuf,
    data: Option<PathBuf>,
    pub log: Option<String>,
    pub log_json: bool,
}

impl Ask {
    /// The site that this verb is about.
    pub fn place(&self) -> Result<Place, Trouble> {
        Place::find(&self.site, self.data.as_deref())
    }

    /// The folder named with `-C`, whether it holds a site or not.
    pub fn folder(&self) -> &std::path::Path {
        &self.site
    }
}

/// Carries out the verb; returns the exit code.
///
/// # Errors
/// A sentence with an exit code.
pub async fn run(cli: Cli) -> Result<u8, Trouble> {
    let ask = Ask { out: Out::new(cli.json), site: cli.site, data: cli.data, log: cli.log, log_json: cli.log_json };
    let loud = matches!(cli.verb, Verb::Up(_) | Verb::Watch(_));
    crate::role::log::start(ask.log.as_deref(), ask.log_json, loud)?;
    match cli.verb {
        Verb::Demo(args) => demo::run(&ask, args).await,
        Verb::Init(args) => init::run(&ask, args),
        Verb::Import(args) => import::run(&ask, args),
        Verb::Check(args) => check::run(&ask, args),
        Verb::OwnerLink(args) => owner_link::run(&ask, args).await,
        Verb::Pause(args) => pause::run(&ask, args).await,
        Verb::Resume(args) => resume::run(&ask, args).await,
        Verb::Plan(args) => plan::run(&ask, args).await,
        Verb::Confirm(args) => confirm::run(&ask, args).await,
        Verb::Up(args) => up::run(&ask, args).await,
        Verb::Watch(args) => watch::run(&ask, args).await,
        Verb::Run(args) => run::run(&ask, args).await,
        Verb::Exec(args) => exec::run(&ask, args).await,
        Verb::Ping(args) => ping::run(&ask, args).await,
        Verb::Drill(args) => drill::run(&ask, args).await,
        Verb::Cancel(args) => cancel::run(&ask, args).await,
        Verb::Sign(args) => sign::sign(&ask, args).await,
        Verb::Approve(args) => sign::approve(&ask, args).await,
        Verb::Rerun(args) => again::rerun(&ask, args).await,
        Verb::Runs(args) => runs::run(&ask, args).await,
        Verb::Show(args) => show::run(&ask, args).await,
        Verb::Logs(args) => logs::run(&ask, args).await,
        Verb::Status(args) => status::run(&ask, args).await,
        Verb::Journal(args) => journal::run(&ask, args).await,
        Verb::Audit(args) => journal::audit(&ask, args).await,
        Verb::Schema(args) => schema::run(&ask, args),
        Verb::Backup(args) => backup::run(&ask, args).await,
        Verb::Restore(args) => restore::run(&ask, args).await,
        Verb::Retain(args) => retain::run(&ask, args).await,
        Verb::Token(args) => token::run(&ask, args).await,
        Verb::Openapi(args) => openapi::run(&ask, args),
        Verb::Completions(args) => completions::run(args),
        // Has no runtime; `main` starts it.
        Verb::Keeper(_) | Verb::Act => Ok(crate::trouble::code::NOT_STARTED),
        Verb::DemoTool(args) => demo::tool(args),
    }
}
