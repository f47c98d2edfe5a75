//! Who may do what: deny by default, limits to services and tiers, tokens, robots, and what a refusal says.

use seaworthy_core::access::{Policy, Refusal, Target, Why, decide, differences};
use seaworthy_model::{
    access::{Action, Actions, BUILT_IN, Grant, Rights},
    id::{ActorId, TokenId},
    process::Tier,
    site::{Site, StoreKind, Team},
    time::At,
    who::{Door, Login, Scope, Through, Who},
};

const NOW: At = At(1_000);

fn site() -> Site {
    let roles = [("restarter".to_owned(), [Action::See, Action::Run].into_iter().collect())].into();
    let limited = |role: &str, services: &[&str], tiers: &[Tier]| Grant {
        role: role.into(),
        services: services.iter().map(|s| (*s).to_owned()).collect(),
        tiers: tiers.to_vec(),
    };
    let people = [
        ("ann@example.com".to_owned(), vec![Grant::of("owner")]),
        (
            "bob@example.com".to_owned(),
            vec![limited("operator", &["shop"], &[]), limited("restarter", &[], &[Tier::C])],
        ),
        ("eve@example.com".to_owned(), vec![Grant::of("viewer")]),
    ];
    Site {
        name: "acme".into(),
        store: StoreKind::Sqlite,
        public_url: None,
        teams: [("data".to_owned(), Team { people: vec!["dan@example.com".into()] })].into(),
        routes: Default::default(),
        smtp: None,
        secrets: Default::default(),
        blackouts: vec![],
        retention: None,
        rights: Rights { roles, people: people.into(), teams: [("data".to_owned(), vec![Grant::of("author")])].into() },
    }
}

fn who(name: &str) -> Who {
    let login = Some(Login { how: "passkey".into(), at: At(0), fresh_until: At(2_000) });
    Who { name: name.into(), door: Door::Login, login, ..Who::nobody(ActorId::new(At(0), &[1; 10])) }
}

fn token(name: &str, robot: bool, may: &[Action], services: &[&str]) -> Who {
    let services = services.iter().map(|s| (*s).to_owned()).collect();
    let scope = Scope { may: may.iter().copied().collect(), services };
    let through =
        Through { token: TokenId::new(At(0), &[2; 10]), label: "ci".into(), robot, scope, expires: At(5_000) };
    Who { door: Door::Token, login: None, through: Some(through), ..who(name) }
}

fn process<'a>(name: &'a str, service: &'a str, tier: Tier) -> Target<'a> {
    Target::Process { name, service: Some(service), tier }
}

fn may(who: &Who, action: Action, target: Target<'_>) -> Result<(), Why> {
    decide(&Policy::of(&site()), who, action, target, NOW).map_err(|refusal| refusal.why)
}

fn refusal(who: &Who, action: Action, target: Target<'_>) -> Refusal {
    *decide(&Policy::of(&site()), who, action, target, NOW).expect_err("it is to be refused")
}

#[test]
fn what_nothing_allows_is_refused() {
    for action in Action::ALL {
        for target in [Target::Site, Target::AnyProcess, process("p", "shop", Tier::A)] {
            assert_eq!(may(&who("mallory@example.com"), *action, target), Err(Why::NoRole), "{}", action.word());
            assert_eq!(may(&who(""), *action, target), Err(Why::NoRole), "{}", action.word());
            let nobody = Who::nobody(ActorId::new(At(0), &[1; 10]));
            assert_eq!(may(&nobody, *action, target), Err(Why::NotSignedIn), "{}", action.word());
        }
    }
}

#[test]
fn each_built_in_role_allows_exactly_its_actions() {
    for role in BUILT_IN {
        let someone = Who { grants: vec![Grant::of(role)], ..who("new@example.com") };
        let allowed = Policy::default().role(role);
        for action in Action::ALL {
            let said = decide(&Policy::default(), &someone, *action, Target::Site, NOW).is_ok();
            assert_eq!(said, allowed.has(*action), "{role} {}", action.word());
        }
    }
}

#[test]
fn a_role_holds_for_its_services_and_tiers_alone() {
    let bob = who("bob@example.com");
    assert_eq!(may(&bob, Action::Cancel, process("p", "shop", Tier::A)), Ok(()));
    assert_eq!(may(&bob, Action::Cancel, process("p", "mail", Tier::A)), Err(Why::NoRole));
    assert_eq!(may(&bob, Action::Run, process("p", "mail", Tier::C)), Ok(()), "by the other role");
    assert_eq!(may(&bob, Action::Run, process("p", "mail", Tier::B)), Err(Why::NoRole));
    assert_eq!(may(&bob, Action::See, Target::AnyProcess), Ok(()));
    assert_eq!(may(&bob, Action::Reload, Target::Site), Err(Why::NoRole), "of the site he has nothing");
    assert_eq!(may(&bob, Action::Run, Target::Process { name: "p", service: None, tier: Tier::A }), Err(Why::NoRole));
    assert_eq!(may(&who("dan@example.com"), Action::Run, process("p", "mail", Tier::A)), Ok(()), "by his team");
}

#[test]
fn who_changes_rights_signed_in_a_moment_ago() {
    let ann = who("ann@example.com");
    assert_eq!(may(&ann, Action::Invite, Target::Site), Ok(()));
    let long_ago = Login { how: "passkey".into(), at: At(0), fresh_until: NOW };
    let ann = Who { login: Some(long_ago), ..ann };
    assert_eq!(may(&ann, Action::Invite, Target::Site), Err(Why::NotFresh));
    assert_eq!(may(&ann, Action::Run, Target::Site), Ok(()));
}

#[test]
fn a_token_is_never_more_than_its_owner_nor_than_its_scope() {
    let every: Vec<Action> = Action::ALL.to_vec();
    for action in Action::ALL {
        for target in [Target::Site, process("p", "shop", Tier::A), process("p", "mail", Tier::B)] {
            for name in ["ann@example.com", "bob@example.com", "eve@example.com", "gone@example.com"] {
                let (robot, person) = (token(name, true, &every, &[]), token(name, false, &every, &[]));
                let owner = may(&who(name), *action, target);
                for through in [&robot, &person] {
                    assert!(owner.is_ok() || may(through, *action, target).is_err(), "{name} {}", action.word());
                }
                assert!(may(&robot, *action, target).is_err() || !action.is_personal(), "{}", action.word());
                assert!(may(&person, *action, target).is_err() || !action.is_about_people(), "{}", action.word());
            }
        }
    }
    let ci = token("ann@example.com", true, &[Action::Run], &["shop"]);
    assert_eq!(may(&ci, Action::Run, process("p", "shop", Tier::A)), Ok(()));
    assert_eq!(may(&ci, Action::Run, process("p", "mail", Tier::A)), Err(Why::NotInScope));
    assert_eq!(may(&ci, Action::Cancel, process("p", "shop", Tier::A)), Err(Why::NotInScope));
    assert_eq!(may(&ci, Action::Approve, process("p", "shop", Tier::A)), Err(Why::NotAPerson));
    let late = decide(&Policy::of(&site()), &ci, Action::Run, process("p", "shop", Tier::A), At(5_000));
    assert_eq!(late.map_err(|refusal| refusal.why), Err(Why::Expired));
}

#[test]
fn before_there_is_an_owner_nothing_is_made_that_would_outlive_it() {
    let visitor = Who::unclaimed(ActorId::new(At(0), &[1; 10]));
    assert_eq!(may(&visitor, Action::Run, process("p", "shop", Tier::A)), Ok(()));
    for action in [Action::Token, Action::Robot, Action::Grant, Action::Invite] {
        assert_eq!(may(&visitor, action, Target::Site), Err(Why::NobodyInCharge), "{}", action.word());
    }
}

#[test]
fn a_refusal_names_the_right_and_who_could_give_it() {
    let said = refusal(&who("eve@example.com"), Action::Cancel, process("backup-orders", "shop", Tier::A)).to_string();
    for part in ["you may not stop a run", "`backup-orders`, service shop, tier A", "`cancel`", "ann@example.com could"]
    {
        assert!(said.contains(part), "{said}");
    }
    let nobody = Who::nobody(ActorId::new(At(0), &[1; 10]));
    let said = refusal(&nobody, Action::Run, Target::Site).to_string();
    assert!(said.contains("sign in first") && !said.contains('@'), "strangers learn no names: {said}");
}

#[test]
fn what_a_new_file_gives_and_takes_is_told() {
    let (old, mut new) = (site(), site());
    new.rights.people.insert("eve@example.com".into(), vec![Grant::of("viewer"), Grant::of("restarter")]);
    new.rights.people.remove("bob@example.com");
    new.rights.people.insert("max@example.com".into(), vec![Grant { tiers: vec![Tier::C], ..Grant::of("viewer") }]);
    let all = differences(&Policy::of(&old), &Policy::of(&new));
    let texts: Vec<String> = all.iter().map(|one| format!("{} {}", one.weaker, one.text)).collect();
    assert_eq!(texts[0], "true eve@example.com may now: run");
    assert_eq!(texts[1], "true max@example.com may now (tiers C): see, output, token");
    assert!(texts[2].starts_with("false bob@example.com may no longer (services shop): see, output,"), "{texts:?}");
    assert_eq!(texts[3], "false bob@example.com may no longer (tiers C): see, run");
    assert_eq!(differences(&Policy::of(&new), &Policy::of(&new)).len(), 0);
    let mut role = site();
    role.rights.roles.insert("restarter".into(), Actions::all());
    let wider = differences(&Policy::of(&old), &Policy::of(&role));
    assert!(wider.iter().any(|one| one.weaker && one.text.starts_with("bob@example.com may now (tiers C): output")));
}

#[test]
fn a_role_that_gives_more_is_told_although_the_file_gives_it_to_nobody() {
    let (old, mut new) = (site(), site());
    new.rights.people.remove("bob@example.com");
    new.rights.roles.insert("restarter".into(), [Action::See, Action::Run, Action::Grant].into_iter().collect());
    let all = differences(&Policy::of(&old), &Policy::of(&new));
    assert!(all.iter().any(|one| one.weaker && one.text == "role `restarter` gives now: grant"), "{all:?}");
}

#[test]
fn nobody_hands_on_more_than_they_have_but_who_may_give_roles() {
    let policy = Policy::of(&site());
    let beyond = |by: &str, name: &str, role: &str| policy.beyond(&who(by), name, &[Grant::of(role)]).words().join(" ");
    assert_eq!(beyond("eve@example.com", "new", "viewer"), "");
    assert_eq!(beyond("eve@example.com", "new", "restarter"), "run");
    assert!(beyond("eve@example.com", "ann@example.com", "viewer").contains("grant"), "the file gives by the name");
    assert!(beyond("bob@example.com", "new", "viewer").contains("see"), "his rights reach some services alone");
    assert_eq!(beyond("ann@example.com", "new", "owner"), "");
}

#[test]
fn a_process_that_comes_into_anothers_reach_is_opened_to_them() {
    let policy = Policy::of(&site());
    let (bank, shop) = (process("a", "bank", Tier::A), process("a", "shop", Tier::A));
    assert_eq!(policy.opened(bank, shop), 1, "bob is an operator of the shop");
    assert_eq!(policy.opened(bank, process("a", "bank", Tier::C)), 1, "and restarts what is of tier C");
    assert_eq!(policy.opened(shop, process("a", "shop", Tier::C)), 0, "he may all that here already");
    assert_eq!(policy.opened(shop, bank), 0);
}
