//! What a run of a process, or its drill, consists of.
//!
//! This module must not know whether anything has happened yet.

use std::collections::{BTreeMap, BTreeSet};

use seaworthy_model::{
    process::{Check, Effect, Look, Process, Rung, Step},
    run::Kind,
};

/// A run and a drill are the same machine with different parts.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    pub kind: Kind,
    pub process: String,
    /// In an order in which every step comes after those it needs.
    pub steps: Vec<Step>,
    pub verify: Vec<Check>,
    pub heal: Vec<Rung>,
    /// Clean-up, run even after failure. Ids are prefixed with `after.`.
    pub after: Vec<Step>,
    pub env: BTreeMap<String, String>,
    pub secrets: Vec<String>,
}

impl Plan {
    /// The plan of a process; `None` for a drill of a process that has none.
    pub fn of(process: &Process, kind: Kind) -> Option<Plan> {
        let (steps, verify, heal, after) = match kind {
            Kind::Run => (&process.steps, &process.verify, process.heal.clone(), Vec::new()),
            Kind::Drill => {
                let drill = process.drill.as_ref()?.restore.as_ref()?;
                let after = drill.after.iter().map(|s| Step { id: format!("after.{}", s.id), ..s.clone() }).collect();
                (&drill.steps, &drill.verify, Vec::new(), after)
            }
        };
        Some(Plan {
            kind,
            process: process.name.clone(),
            steps: in_order(steps),
            verify: verify.clone(),
            heal,
            after,
            env: process.env.clone(),
            secrets: process.secrets.clone(),
        })
    }

    /// The step that makes an artifact.
    pub fn maker(&self, artifact: &str) -> Option<&Step> {
        self.steps.iter().find(|step| step.makes.iter().any(|name| name == artifact))
    }

    /// A step and every step that needs it, directly or not, in plan order.
    pub fn from_step(&self, id: &str) -> Vec<String> {
        let mut found = BTreeSet::from([id.to_owned()]);
        for step in &self.steps {
            if step.needs.iter().any(|need| found.contains(need)) {
                found.insert(step.id.clone());
            }
        }
        self.steps.iter().map(|s| s.id.clone()).filter(|id| found.contains(id)).collect()
    }

    /// Whether any step must not be repeated blindly.
    pub fn is_once(&self, id: &str) -> bool {
        self.steps.iter().any(|s| s.id == id && s.effect == Effect::Once)
    }

    /// The artifact a check looks at.
    pub fn artifact_of(check: &Check) -> Option<&str> {
        match &check.look {
            Look::Artifact { name } => Some(name),
            Look::Command { artifact, .. } | Look::Sql { artifact, .. } => artifact.as_deref(),
            Look::Http { .. } | Look::Duration { .. } => None,
        }
    }
}

/// Stable topological order: file order wherever `needs` leaves the choice. Spec has refused cycles; should one
/// come through all the same, the steps of it keep file order at the end rather than being lost.
fn in_order(steps: &[Step]) -> Vec<Step> {
    let mut left: Vec<&Step> = steps.iter().collect();
    let mut out: Vec<Step> = Vec::with_capacity(steps.len());
    let mut done = BTreeSet::new();
    while !left.is_empty() {
        let ready = left.iter().position(|s| s.needs.iter().all(|n| done.contains(n.as_str()))).unwrap_or(0);
        let step = left.remove(ready);
        done.insert(step.id.as_str());
        out.push(step.clone());
    }
    out
}
