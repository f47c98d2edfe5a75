//! `sign RUN STEP` and `approve RUN STEP`: a person answers for a step that waits for them.
//!
//! Who that is, the system says. It must not judge the answer: core does.

use seaworthy_model::{
    entry::Via,
    port::{Answer, Ask as Wish, Requests as _},
    process::hex,
};
use seaworthy_runtime::seal;
use sha2::{Digest as _, Sha256};

use super::{Ask, site};
use crate::{
    socket::{self, Answered, Asked},
    trouble::{Trouble, code},
    wire,
};

#[derive(Debug, clap::Args)]
pub struct SignArgs {
    /// Id of the run, or the start of it
    pub run: String,
    /// Id of the step
    pub step: String,
    /// What was done or seen, or an address
    #[arg(long, value_name = "TEXT")]
    pub evidence: Option<String>,
    /// A file whose SHA-256 is the evidence
    #[arg(long, value_name = "PATH", conflicts_with = "evidence")]
    pub evidence_file: Option<std::path::PathBuf>,
    /// It was not done, and why
    #[arg(long, value_name = "WHY", conflicts_with_all = ["evidence", "evidence_file"])]
    pub no: Option<String>,
}

#[derive(Debug, clap::Args)]
pub struct ApproveArgs {
    /// Id of the run, or the start of it
    pub run: String,
    /// Id of the step
    pub step: String,
    /// Say no, and why
    #[arg(long, value_name = "WHY")]
    pub no: Option<String>,
}

/// Carries out `sign`.
pub async fn sign(ask: &Ask, args: SignArgs) -> Result<u8, Trouble> {
    let evidence = match (args.evidence_file, args.evidence) {
        (Some(path), _) => {
            let bytes = std::fs::read(&path)
                .map_err(|e| Trouble::start(format!("the evidence {} cannot be read ({e})", path.display())))?;
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            format!("{name} {}", hex(&Sha256::digest(&bytes)))
        }
        (None, text) => text.unwrap_or_default(),
    };
    answer(ask, &args.run, args.step, args.no, evidence).await
}

/// Carries out `approve`.
pub async fn approve(ask: &Ask, args: ApproveArgs) -> Result<u8, Trouble> {
    answer(ask, &args.run, args.step, args.no, String::new()).await
}

async fn answer(ask: &Ask, run: &str, step: String, no: Option<String>, evidence: String) -> Result<u8, Trouble> {
    let reading = site::open(ask)?;
    let run = reading.find(run).await?;
    let (yes, evidence) = (no.is_none(), no.unwrap_or(evidence));
    let asked = Asked::Sign { run: run.to_string(), step: step.clone(), yes, evidence: evidence.clone() };
    let said = match socket::ask(&reading.place, &asked).await? {
        Some(Answered::Done { detail }) => Ok(detail),
        Some(Answered::Refused { reason }) => Err(reason),
        Some(Answered::Started { .. }) => Err("the server answered something else".to_owned()),
        None => {
            let house = wire::open(&reading.place).await?;
            let actor = house.os_actor(rustix::process::geteuid()).await?;
            let said = house.desk.ask(Wish::Sign { run, step: step.clone(), yes, evidence }, actor, Via::Cli).await;
            let sealed = seal::seal(&house.ports).await;
            house.close();
            sealed?;
            match said? {
                Answer::Done { detail } => Ok(detail),
                Answer::Refused { reason } | Answer::TooMany { reason } => Err(reason),
                Answer::Started { .. } => Err("it was answered otherwise".to_owned()),
            }
        }
    };
    let detail = said.map_err(|reason| Trouble { code: code::REFUSED, ..Trouble::start(reason) })?;
    ask.out.line(&detail);
    ask.out.object(&serde_json::json!({ "v": 1, "run_id": run.to_string(), "step": step, "yes": yes }));
    Ok(code::VERIFIED)
}
