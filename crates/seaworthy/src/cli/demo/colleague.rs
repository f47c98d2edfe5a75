//! The demo's colleague in a hurry: takes the check that proves the orders out of their backup's file.
//!
//! Must not know what becomes of it. Nothing of it comes into force before a person confirms it.

use std::path::Path;

use crate::trouble::Trouble;

/// The process whose file is edited.
pub const PROCESS: &str = "backup-orders";

/// The check that goes: it alone counts the orders.
const CHECK: &str = "  - sql: select count(*) from orders\n    url: sqlite:$ARTIFACT\n    expect: value >= 2000\n";

/// Edits the file in the site's folder. Doing it twice changes nothing more.
///
/// # Errors
/// A sentence: the file cannot be read or written.
pub fn edit(folder: &Path) -> Result<(), Trouble> {
    let file = folder.join(format!("ops/{PROCESS}.yaml"));
    let trouble = |e: std::io::Error| Trouble::start(format!("{} cannot be edited ({e})", file.display()));
    let text = std::fs::read_to_string(&file).map_err(trouble)?;
    std::fs::write(&file, text.replacen(CHECK, "", 1)).map_err(trouble)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_that_goes_is_in_the_file() {
        assert!(include_str!("site/ops/backup-orders.yaml").contains(CHECK));
    }
}
