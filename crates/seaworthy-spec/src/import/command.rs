//! Commands of other tools as steps: as another user, in another folder, with words quoted for a shell.
//!
//! This module must not know any tool.

/// A word that `sh` reads as this very text.
pub fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+=:,@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}

/// The program and first arguments that hand a script to a shell as this user. Needs a server that runs as root.
pub fn as_user(user: &str, shell: &str) -> Vec<String> {
    ["runuser", "-u", user, "--", shell, "-c"].map(str::to_owned).to_vec()
}

/// Why a step of another user needs something.
pub fn user_needs(user: &str) -> String {
    format!(
        "the step goes through `runuser -u {user}`, which only root may do: run the server as root, or as {user} and leave it out"
    )
}
