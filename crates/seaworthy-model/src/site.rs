//! The site: people, teams, routes, secrets' places, and what is loaded at the moment.
//!
//! This module must not know files' syntax nor how a message is sent.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::{
    access::Rights,
    change::{Held, Subject},
    process::{Command, Facet, Process, hex},
    retain::SiteRetention,
    schedule::Blackout,
    time::{At, Span},
};

/// One installation and its configuration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Site {
    pub name: String,
    pub store: StoreKind,
    /// What messages link to, without a trailing slash; may contain a base path.
    pub public_url: Option<String>,
    pub teams: BTreeMap<String, Team>,
    pub routes: BTreeMap<String, Route>,
    pub smtp: Option<SmtpServer>,
    pub secrets: BTreeMap<String, SecretPlace>,
    /// For every process.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub blackouts: Vec<Blackout>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retention: Option<SiteRetention>,
    /// Who may do what.
    #[serde(default, skip_serializing_if = "Rights::is_empty")]
    pub rights: Rights,
}

impl Site {
    /// SHA-256 in hex over all of it. A new field has to be left out of the text while nobody says anything for it, or
    /// an upgrade of the program would look like a change of the settings.
    pub fn digest(&self) -> String {
        hex(&Sha256::digest(
            serde_json::to_string(self).expect("settings have only string keys and finite numbers").as_bytes(),
        ))
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StoreKind {
    Sqlite,
    /// URL, or the place of one.
    Postgres(SecretPlace),
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Team {
    pub people: Vec<String>,
}

/// A named way to reach somebody. Every outlet of a route is tried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    pub outlets: Vec<Outlet>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outlet {
    Smtp {
        to: Vec<String>,
    },
    /// `secret` names a secret that signs the body (HMAC-SHA256, header `Seaworthy-Signature`).
    Webhook {
        url: String,
        secret: Option<String>,
    },
    /// Plain text on standard input, path of a JSON file in `SEAWORTHY_MESSAGE`.
    Command {
        command: Command,
    },
}

impl Outlet {
    /// The key that the site file uses.
    pub fn kind(&self) -> &'static str {
        match self {
            Outlet::Smtp { .. } => "smtp",
            Outlet::Webhook { .. } => "webhook",
            Outlet::Command { .. } => "command",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SmtpServer {
    pub host: String,
    pub port: u16,
    pub from: String,
    pub security: SmtpSecurity,
    pub user: Option<String>,
    /// Name of a secret.
    pub password: Option<String>,
    /// PEM file with further trusted roots, relative to the site's folder.
    pub ca_file: Option<String>,
}

/// Where the site's files are, if not beside the file that says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Branch {
    /// URL or path; holds no password.
    pub url: String,
    pub branch: String,
    /// Folder that holds `seaworthy.yaml`; empty for the root of the repository.
    pub folder: String,
    /// Between two looks for new commits.
    pub every: Span,
    /// Largest history, and largest set of files.
    pub bytes_max: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SmtpSecurity {
    None,
    Starttls,
    Tls,
}

/// Where a secret comes from. Without one: the environment variable of the same name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SecretPlace {
    Env(String),
    File(String),
    Command(Command),
}

/// A definition in force, with the file it came from.
#[derive(Debug, Clone, PartialEq)]
pub struct Pinned {
    pub process: Process,
    pub digest: String,
    /// Relative to the site's folder.
    pub file: String,
    pub missing: Vec<Facet>,
    /// When the file on disk is broken now and this last good version stays in force: the first problem.
    pub broken: Option<String>,
}

/// Everything loaded at one moment. A reload replaces the whole.
#[derive(Debug, Clone)]
pub struct Loaded {
    pub site: Site,
    /// The folder of `seaworthy.yaml`; commands run here.
    pub folder: PathBuf,
    /// By name, sorted.
    pub processes: BTreeMap<String, Arc<Pinned>>,
    /// Files that are broken and have no good version yet: file and first problem.
    pub broken: BTreeMap<String, String>,
    /// Changes of the files that wait for a person; what they would replace stays in force.
    pub held: Vec<Held>,
    pub at: At,
}

impl Loaded {
    /// A change of the settings waits, and those that it would replace are not known any more: neither may be used.
    pub fn settings_lost(&self) -> Option<&Held> {
        self.held.iter().find(|held| held.subject == Subject::Settings && held.from != self.site.digest())
    }
}
