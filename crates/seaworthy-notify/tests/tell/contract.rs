//! What every notifier promises, one by one for all in the list.

use std::collections::BTreeSet;

use seaworthy_model::{
    process::{Command, Line},
    site::Outlet,
};

use crate::kit::{Folder, message, to};

#[tokio::test]
async fn every_kind_of_outlet_has_its_notifier_and_no_other_takes_it() {
    let folder = Folder::new();
    let line = Line::Args(vec!["true".into()]);
    let outlets = [
        Outlet::Smtp { to: vec!["first@example.com".into()] },
        Outlet::Webhook { url: "http://127.0.0.1:1/".into(), secret: None },
        Outlet::Command { command: Command { line } },
    ];
    let kinds: BTreeSet<_> = outlets.iter().map(Outlet::kind).collect();
    let all = seaworthy_notify::all();
    assert_eq!(all.iter().map(|notifier| notifier.kind()).collect::<BTreeSet<_>>(), kinds);
    assert_eq!(all.len(), kinds.len());
    for outlet in outlets {
        for notifier in all.iter().filter(|notifier| notifier.kind() != outlet.kind()) {
            let error = notifier.send(&to(&folder, outlet.clone()), &message()).await.unwrap_err();
            assert!(!error.retry, "{} took an outlet of {}", notifier.kind(), outlet.kind());
        }
    }
}
