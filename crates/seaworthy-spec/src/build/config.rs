//! Where the site's files are, into the model.
//!
//! This module must not know git, only which texts could be taken for something else by it.

use seaworthy_model::{site::Branch, time::Span};

use crate::{scalar, shape::Kind, source::Report, tree::Node};

use super::{span, text};

/// How often a branch is asked if the file does not say, and most often.
pub const EVERY: Span = Span::seconds(60);
pub const EVERY_MIN: Span = Span::seconds(1);
/// Largest repository if the file does not say.
pub const BYTES_MAX: u64 = 512 << 20;
/// Longest name of a branch.
const NAME_BYTES_MAX: usize = 200;

/// The branch of a document; `None` if it cannot be used, which was told.
pub fn branch(document: &Node, report: &mut Report<'_>) -> Option<Branch> {
    let node = document.get("config")?;
    let url = text(node, "git")?;
    if let Some(value) = node.get("git") {
        address(value, &url, report);
    }
    let name = text(node, "branch").unwrap_or_else(|| "main".to_owned());
    if let Some(value) = node.get("branch").filter(|_| !is_branch(&name)) {
        let help = "write it as `git branch` shows it, such as `main`";
        report.error("bad-branch", value.place, "this is not the name of a branch", help);
    }
    let folder = text(node, "folder").filter(|folder| folder != ".").unwrap_or_default();
    if let Some(value) = node.get("folder").filter(|_| !folder.is_empty())
        && let Err(wrong) = scalar::check(&Kind::Path, folder.trim_end_matches('/'))
    {
        report.error("wrong-value", value.place, wrong.message, wrong.help);
    }
    let every = span(node, "every").unwrap_or(EVERY);
    if let Some(value) = node.get("every").filter(|_| every < EVERY_MIN) {
        report.error("wrong-value", value.place, "this is more often than a branch is asked", "write `1s` or longer");
    }
    let bytes_max = text(node, "at_most").and_then(|size| scalar::size(&size).ok()).unwrap_or(BYTES_MAX);
    Some(Branch { url, branch: name, folder: folder.trim_end_matches('/').to_owned(), every, bytes_max })
}

fn address(value: &Node, url: &str, report: &mut Report<'_>) {
    let scheme = url.split_once("://").map(|(scheme, _)| scheme);
    if !matches!(scheme, None | Some("https" | "ssh" | "file")) || url.starts_with('-') || url.contains("::") {
        let help = "write https://…, ssh://…, user@host:path, or the path of a repository on this host";
        report.error("bad-url", value.place, "a repository is not read over this", help);
    }
    let path = scheme.is_none() && url.starts_with(['/', '.']);
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let login = rest.split('/').next().and_then(|host| host.rsplit_once('@')).filter(|_| !path);
    // Over https a login alone is often a token, and so is what stands behind a question mark.
    let token = scheme == Some("https") && url.contains('?');
    if token || login.is_some_and(|(login, _)| login.contains(':') || scheme == Some("https")) {
        report.hide(value.place);
        let help = "leave out what stands before `@` and behind `?`; git asks its credential helper, or ssh uses a key";
        let message = "this address holds a password or a token, which others could read";
        report.error("literal-secret", value.place, message, help);
    }
}

/// As `git check-ref-format --branch` allows, somewhat stricter.
fn is_branch(name: &str) -> bool {
    let good = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '/' | '+');
    let part =
        |part: &str| !part.is_empty() && !part.starts_with('.') && !part.ends_with('.') && !part.ends_with(".lock");
    !name.starts_with('-')
        && name.len() <= NAME_BYTES_MAX
        && name.chars().all(good)
        && !name.contains("..")
        && name.split('/').all(part)
}
