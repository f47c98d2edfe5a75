//! The table of a site file that says where the site's files are: in a branch of a git repository.
//!
//! This module must not know git.

use super::{Kind, Shape, may, must};

pub static CONFIG: Shape = Shape::new(
    "config",
    "where the site's files are",
    &[must("config", Kind::Object(&BRANCH), "The branch that holds seaworthy.yaml and ops/.")],
);

static BRANCH: Shape = Shape::new(
    "branch",
    "a branch",
    &[
        must("git", Kind::Text, "URL of the repository: https://, ssh://, user@host:path, or a path on this host."),
        may("branch", Kind::Text, "Default main."),
        may("folder", Kind::Text, "Folder in the repository that holds seaworthy.yaml. Default its root."),
        may("every", Kind::Span, "How often it is asked for new commits. Default 1m."),
        may("at_most", Kind::Size, "Largest size of the repository's history, and of its files. Default 512MiB."),
    ],
);
