//! The page of a run: what it says of drills, healing and unknown ends.

mod fixture;

use fixture::{NOW, scene, serve, story::Teller, world::World};
use seaworthy_model::{
    event::Event,
    id::RunId,
    matrix::{Element, Expanded, Matrix, Over},
    port::{Answer, Ask},
    process::{Action, Step},
    run::{Executed, Kind, Verified},
    time::At,
};

#[tokio::test]
async fn an_unknown_end_that_was_looked_at_is_told_before_anything_was_repeated() {
    let world = World::new();
    world.define(scene::process("pay-invoices"));
    let mut teller = Teller::begin(&world, "pay-invoices", Kind::Run, NOW);
    teller.start("pay", 1);
    teller.tell(Event::StepSettled { step: "pay".into(), happened: Some(true), reason: "`sql 1` held".into() });
    let run = teller.end(Executed::Unknown, Verified::Yes, "");
    let server = serve(&world).await;
    let body = server.get(&format!("/runs/{run}")).await.body;
    for wanted in ["looked whether pay happened", "it had happened", "<code>sql 1</code> held", "no end yet"] {
        assert!(body.contains(wanted), "`{wanted}` is not on the page");
    }
}

#[tokio::test]
async fn a_command_of_the_ladder_is_drawn_on_the_track_of_healing() {
    let world = World::new();
    world.define(scene::process("p"));
    let mut teller = Teller::begin(&world, "p", Kind::Run, NOW);
    teller.step("dump", 1, 5, 0, "", "");
    teller.step("heal.1", 1, 5, 0, "", "");
    let run = teller.end(Executed::Ok, Verified::No, "");
    let server = serve(&world).await;
    let body = server.get(&format!("/runs/{run}")).await.body;
    let place = |text: &str| body.find(text).unwrap_or_else(|| panic!("`{text}` is not on the page"));
    let (act, heal) = (place(">act</text>"), place(">heal</text>"));
    assert!((act..heal).contains(&place("<title>dump, attempt 1")));
    assert!(place("<title>heal.1, attempt 1") > heal);
}

#[tokio::test]
async fn a_drill_over_its_objective_is_not_shown_as_if_all_were_well() {
    let world = World::new();
    world.define(scene::process("backup-orders"));
    let run = scene::drill(&world, "backup-orders", 3_000, 1_000, true);
    let server = serve(&world).await;
    let page = server.get("/processes/backup-orders").await.body;
    for wanted in ["16m 41s, over the objective of 15m", "over the objective</td>", "class=\"v-warn bar\""] {
        assert!(page.contains(wanted), "`{wanted}` is not on the page");
    }
    assert!(server.get(&format!("/runs/{run}")).await.body.contains("16m 41s, objective 15m"));
}

#[tokio::test]
async fn elements_of_a_list_stand_together_and_a_run_is_begun_once_more_at_one_by_a_form() {
    let world = scene::night();
    let over = Over::These(vec!["a".into(), "b".into()]);
    let mut process = scene::process("dumps");
    process.steps = vec![
        Step { matrix: Some(Matrix { over, parallel: None, stop: false }), ..Step::new("dump", Action::Noop) },
        Step::new("ship", Action::Noop),
    ];
    world.define(process);
    let mut told = Teller::begin(&world, "dumps", Kind::Run, At(NOW.0 - 60_000_000_000));
    let element = |value: &str| Element { id: format!("dump[{value}]"), value: value.into() };
    told.tell(Event::StepExpanded(Expanded { step: "dump".into(), elements: vec![element("a"), element("b")] }));
    told.step("dump[a]", 1, 1, 0, "", "");
    told.step("dump[b]", 1, 1, 3, "", "no such database");
    let old = told.end(Executed::Failed, Verified::No, "step dump[b]: exit 3");
    let fresh = RunId::new(NOW, &[3; 10]);
    let server = serve(&world).await;
    let page = server.get(&format!("/runs/{old}")).await.body;
    for wanted in [
        "<h3>dump <span class=\"dim\">2 elements: 1 done, 1 not done</span></h3>",
        "for 2 elements: a, b",
        &format!("action=\"/runs/{old}/rerun\""),
        "<option selected>dump</option><option>dump[b]</option><option>ship</option>",
    ] {
        assert!(page.contains(wanted), "`{wanted}` is not on the page");
    }
    world.inner.lock().unwrap().answer = Some(Answer::Started { run: fresh, digest: "d".into() });
    let answer = server.post_form(&format!("/runs/{old}/rerun"), "from=dump%5Bb%5D").await;
    assert_eq!((answer.status, answer.header("location")), (303, Some(format!("/runs/{fresh}").as_str())));
    assert_eq!(world.inner.lock().unwrap().asked, [Ask::Rerun { run: old, from: "dump[b]".to_owned() }]);
}
