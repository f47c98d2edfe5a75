//! Steps that are no command of the host: a request, statements. One more is one file here and two lines below.
//!
//! Each is carried out by a small program of ours (`seaworthy act`) that the keeper holds like any command, so that it
//! outlives the server, its output is kept and masked, and it can be stopped. This program alone knows whether what it
//! asked for may have happened although no answer came; its exit code says so. Must not know why anything is done nor
//! whether it achieved anything, and shares nothing with the probes, which look at the same things.

mod expand;
mod http;
mod sql;
#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, ffi::OsStr, path::PathBuf, process::ExitCode};

use seaworthy_model::{
    deed::Deed,
    port::{Fut, Order},
    time::Span,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The word by which our program is asked to be this.
pub const WORD: &str = "act";
/// The variable that holds what is to be done: names of secrets, never secrets.
const GIVEN: &str = "SEAWORTHY_DEED";
/// The exit code that means: asked for, and no answer came.
pub(crate) const UNKNOWN_EXIT: i32 = 75;
/// How much longer than its limit the program may take to say so itself before it is ended.
pub(crate) const SAYING: Span = Span::seconds(10);
/// The limit where none is given.
const LIMIT_DEFAULT: Span = Span::seconds(3600);

/// Every kind. A deed is carried out by the first that takes it.
const KINDS: [&dyn Kind; 2] = [&http::Http, &sql::Sql];

/// Carries out deeds of one kind.
trait Kind: Sync {
    /// Whether this kind carries it out.
    fn takes(&self, deed: &Deed) -> bool;
    /// Carries it out once, within the limit. What it answers goes to standard output, remarks to standard error.
    fn carry<'a>(&'a self, given: &'a Given) -> Fut<'a, Came>;
}

/// What came of it: values that can be handed on, or why not.
type Came = Result<BTreeMap<String, Value>, Trouble>;

/// A sentence each: what was tried on what, and what to do next.
#[derive(Debug, PartialEq)]
enum Trouble {
    /// It did not happen, or it was answered that it did not.
    NotDone(String),
    /// It was asked for, and nobody knows whether it happened.
    Unknown(String),
}

/// What the program is given.
#[derive(Debug, Serialize, Deserialize)]
struct Given {
    deed: Deed,
    limit: Span,
    /// Names of the values that are handed on, if any.
    outputs: Vec<String>,
    folder: PathBuf,
}

/// How our program carries this order out: its words, and a variable. `None`: it is a command.
pub(crate) fn program(order: &Order) -> Option<(&'static str, (String, String))> {
    if order.deed.command().is_some() {
        return None;
    }
    let limit = order.timeout.unwrap_or(LIMIT_DEFAULT);
    let given = Given { deed: order.deed.clone(), limit, outputs: order.outputs.clone(), folder: order.folder.clone() };
    let text = serde_json::to_string(&given).expect("a deed has only string keys");
    Some((WORD, (GIVEN.to_owned(), text)))
}

/// Is the program: carries out what the environment says, once.
pub fn run() -> ExitCode {
    let came = match given() {
        Ok(given) => carry(&given, std::env::var_os("OUTPUTS").as_deref()),
        Err(trouble) => Err(Trouble::NotDone(trouble)),
    };
    let (code, text) = match came {
        Ok(()) => return ExitCode::SUCCESS,
        Err(Trouble::NotDone(text)) => (1, text),
        Err(Trouble::Unknown(text)) => (UNKNOWN_EXIT, text),
    };
    say(&text);
    ExitCode::from(u8::try_from(code).unwrap_or(1))
}

fn given() -> Result<Given, String> {
    let text = std::env::var(GIVEN).map_err(|_| "this program carries out steps, and was given none".to_owned())?;
    serde_json::from_str(&text).map_err(|error| format!("what is to be done cannot be read: {error}"))
}

/// What is done is done, also if what it hands on cannot be written to its `file`: who reads that says what is missing.
fn carry(given: &Given, file: Option<&OsStr>) -> Result<(), Trouble> {
    let kind = KINDS.into_iter().find(|kind| kind.takes(&given.deed));
    let kind = kind.ok_or_else(|| Trouble::NotDone("no kind of step of this version does that".into()))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Trouble::NotDone(format!("the system gave no threads ({error})")))?;
    let values = runtime.block_on(kind.carry(given))?;
    // What still blocks is of no use to anybody any more.
    runtime.shutdown_background();
    if let Err(text) = hand_on(given, file, values) {
        say(&text);
    }
    Ok(())
}

/// Writes those values that the step declares to its file; that one is missing is told by who reads it.
fn hand_on(given: &Given, file: Option<&OsStr>, values: BTreeMap<String, Value>) -> Result<(), String> {
    let Some(file) = file.filter(|_| !given.outputs.is_empty()) else { return Ok(()) };
    let declared: BTreeMap<_, _> = values.into_iter().filter(|(name, _)| given.outputs.contains(name)).collect();
    let text = serde_json::to_string(&declared).expect("values with string keys");
    std::fs::write(file, text)
        .map_err(|error| format!("it was done, but what it hands on could not be written ({error})"))
}

/// A line on standard error. Nobody may read it any more.
fn say(text: &str) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stderr(), "{text}");
}
