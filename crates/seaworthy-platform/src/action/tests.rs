//! What every kind does, and what all of them share.

use std::collections::BTreeMap;

use seaworthy_model::{
    deed::{Deed, Request, Statements},
    time::Span,
};

use super::{Given, KINDS, Trouble, carry, expand::*};
use crate::provider::tests::World;

/// One deed of each kind.
fn each() -> Vec<Deed> {
    let request = Request {
        method: "POST".into(),
        url: "http://127.0.0.1/$X".into(),
        headers: BTreeMap::new(),
        body: None,
        status: vec![],
        redirects: 0,
    };
    let (url, statements) = ("sqlite:x.db".into(), vec!["select 1".into()]);
    let statements = Statements { url, statements, params: vec![], alone: false };
    vec![Deed::Http(request), Deed::Sql(statements)]
}

#[test]
fn every_deed_that_is_no_command_is_taken_by_exactly_one_kind() {
    for deed in each() {
        assert_eq!(KINDS.iter().filter(|kind| kind.takes(&deed)).count(), 1, "{deed:?}");
    }
    assert_eq!(each().len(), KINDS.len(), "a kind without a deed here is not tested");
}

#[test]
fn names_become_values_and_a_hole_is_refused_by_name() {
    let value = |name: &str| match name {
        "PW" => Some("a@b:c/d e\n".to_owned()),
        "HOST" => Some("db1:5433".to_owned()),
        _ => None,
    };
    for (text, filled) in [
        ("postgresql://u:$PW@$HOST/${HOST}x", "postgresql://u:a%40b%3Ac%2Fd%20e@db1:5433/db1:5433x"),
        ("Bearer $PW", "Bearer a@b:c/d e"),
        ("{\"cost\":\"$5\",\"a\":\"$\"}", "{\"cost\":\"$5\",\"a\":\"$\"}"),
        ("http://x/?price=$5", "http://x/?price=$5"),
    ] {
        assert_eq!(expand(text, &value).unwrap(), filled, "{text}");
    }
    assert!(expand("https://x/$HOSTX", &value).unwrap_err().contains("$HOSTX"));
    assert_eq!(shown("postgresql://u:pw@h/d"), "postgresql://u:***@h/d");
}

#[test]
fn what_was_done_is_done_although_what_it_hands_on_cannot_be_written() {
    let world = World::new();
    let url = format!("sqlite:{}", world.folder.join("x.db").display());
    let given = |statement: &str| Given {
        deed: Deed::Sql(Statements {
            url: url.clone(),
            statements: vec![statement.into()],
            params: vec![],
            alone: false,
        }),
        limit: Span::seconds(60),
        outputs: vec!["rows".into()],
        folder: world.folder.clone(),
    };
    rusqlite::Connection::open(world.folder.join("x.db")).unwrap();
    let nowhere = world.folder.join("not-there/outputs");
    assert_eq!(carry(&given("create table charges (n)"), Some(nowhere.as_os_str())), Ok(()));
    let again = carry(&given("create table charges (n)"), None);
    assert!(matches!(&again, Err(Trouble::NotDone(why)) if why.contains("already exists")), "{again:?}");
}
