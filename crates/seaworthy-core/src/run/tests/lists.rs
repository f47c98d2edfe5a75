//! Steps that are done for each element of a list: one failing beside others, lists that earlier steps hand on, what a
//! retry, a resume and a rerun repeat.

use expect_test::{Expect, expect};
use seaworthy_model::{
    event::Event,
    id::RunId,
    input::Form,
    matrix::{Matrix, Over},
    process::{Backoff, Effect, Process, Rung, Step},
    run::{Kind, Outcome},
    time::{At, Span},
};

use super::{
    super::{Plan, State, makes, rerun, resume},
    together::{after, play_on, process},
};

fn these(values: &[&str]) -> Over {
    Over::These(values.iter().map(|value| (*value).into()).collect())
}

fn over(step: Step, over: Over) -> Step {
    Step { matrix: Some(Matrix { over, parallel: None, stop: false }), ..step }
}

/// `list` hands on names, `dump` is done for each, `join` needs all of them.
fn dumps() -> Process {
    let list = Step { outputs: [("names".to_owned(), Form::List)].into(), ..after("list", &[]) };
    let of = Over::Output { step: "list".into(), name: "names".into() };
    let dump = Step { makes: vec!["{element}.dump".into()], ..over(after("dump", &["list"]), of) };
    process(vec![list, Step { makes: vec![], ..dump }, after("join", &["dump"])])
}

fn story(process: &Process, acts: &[(&str, u64, Outcome)], names: &str, expected: Expect) -> State {
    let (trace, state) = play_on(process, acts, None, &[("list", names)]);
    expected.assert_eq(&trace);
    state
}

#[test]
fn each_element_is_a_step_of_its_own_and_what_needs_the_step_waits_for_all() {
    story(
        &dumps(),
        &[("dump[a]", 5, Outcome::Done)],
        r#"names=["a", "b/c"]"#,
        expect![[r#"
        0s list starts
        1s   list Done
        1s dump for 2 elements: a, b/c
        1s dump[a] starts
        1s dump[b-c~2] starts
        2s   dump[b-c~2] Done
        6s   dump[a] Done
        6s join starts
        7s   join Done
        7s END executed ok after 7s: there is no verification
    "#]],
    );
}

#[test]
fn one_that_fails_does_not_stop_the_others_unless_the_file_says_so() {
    let failing = [("dump[1]", 1, Outcome::NotDone), ("dump[2]", 3, Outcome::Done)];
    let mut steps = vec![over(after("dump", &[]), these(&["1", "2", "3"])), after("other", &[])];
    if let Some(list) = &mut steps[0].matrix {
        list.parallel = Some(2);
    }
    let process = Process { parallel: Some(3), ..process(steps.clone()) };
    story(
        &process,
        &failing,
        "",
        expect![[r#"
        0s dump for 3 elements: 1, 2, 3
        0s dump[1] starts
        0s dump[2] starts
        0s other starts
        1s   dump[1] NotDone
        1s dump[3] starts
        1s   other Done
        2s   dump[3] Done
        3s   dump[2] Done
        3s END executed failed after 3s: step dump[1]: exit 1
    "#]],
    );
    if let Some(list) = &mut steps[0].matrix {
        list.stop = true;
    }
    story(
        &Process { steps, ..process },
        &failing,
        "",
        expect![[r#"
        0s dump for 3 elements: 1, 2, 3
        0s dump[1] starts
        0s dump[2] starts
        0s other starts
        1s   dump[1] NotDone
        1s   other Done
        3s   dump[2] Done
        3s END executed failed after 3s: step dump[1]: exit 1
    "#]],
    );
}

#[test]
fn in_a_list_of_steps_without_needs_the_elements_are_side_by_side_and_the_rest_in_order() {
    let steps = vec![after("first", &[]), over(after("each", &[]), these(&["x", "y"])), after("last", &[])];
    story(
        &process(steps),
        &[],
        "",
        expect![[r#"
        0s first starts
        1s   first Done
        1s each for 2 elements: x, y
        1s each[x] starts
        1s each[y] starts
        2s   each[x] Done
        2s   each[y] Done
        2s last starts
        3s   last Done
        3s END executed ok after 3s: there is no verification
    "#]],
    );
}

#[test]
fn an_empty_list_is_done_and_said_so_and_a_bad_one_fails_the_step_by_name() {
    story(
        &dumps(),
        &[],
        "names=",
        expect![[r#"
        0s list starts
        1s   list Done
        1s dump for no element: there is nothing to do
        1s join starts
        2s   join Done
        2s END executed ok after 2s: there is no verification
    "#]],
    );
    story(
        &dumps(),
        &[],
        "names=a,b,a",
        expect![[r#"
        0s list starts
        1s   list Done
        1s   dump NotDone for which elements it is to be done cannot be said: its list has `a` twice
        1s END executed failed after 1s: step dump: for which elements it is to be done cannot be said: its list has `a` twice
    "#]],
    );
    story(
        &dumps(),
        &[],
        "names=[1, 2]",
        expect![[r#"
        0s list starts
        1s   list Done
        1s   list refused: its outputs are not as declared: `names`: it begins like a JSON list and is none of texts (invalid type: integer `1`, expected a string at line 1 column 2)
        1s END executed failed after 1s: step list: its outputs are not as declared: `names`: it begins like a JSON list and is none of texts (invalid type: integer `1`, expected a string at line 1 column 2)
    "#]],
    );
    let many: Vec<String> = (0..300).map(|n| n.to_string()).collect();
    story(
        &dumps(),
        &[],
        &format!("names={}", many.join(",")),
        expect![[r#"
        0s list starts
        1s   list Done
        1s   dump NotDone for which elements it is to be done cannot be said: its list has 300 elements, 256 are the limit
        1s END executed failed after 1s: step dump: for which elements it is to be done cannot be said: its list has 300 elements, 256 are the limit
    "#]],
    );
}

#[test]
fn a_retry_repeats_the_elements_that_failed_and_a_new_list_is_asked_for_when_its_step_is_repeated() {
    let backoff = Backoff { shortest: Span::seconds(60), longest: Span::seconds(60) };
    let ladder = vec![Rung::Retry { times: 1, backoff }];
    let failing = [("dump[b]", 1, Outcome::NotDone), ("dump[c]", 1, Outcome::NotDone)];
    story(
        &Process { heal: ladder.clone(), ..dumps() },
        &failing,
        "names=a,b,c",
        expect![[r#"
        0s list starts
        1s   list Done
        1s dump for 3 elements: a, b, c
        1s dump[a] starts
        1s dump[b] starts
        1s dump[c] starts
        2s   dump[a] Done
        2s   dump[b] NotDone
        2s   dump[c] NotDone
        32s dump[b] starts
        32s dump[c] starts
        33s   dump[b] NotDone
        33s   dump[c] NotDone
        33s END executed failed after 33s: step dump[b]: exit 1; failed as well: dump[c]
    "#]],
    );

    let process = dumps();
    let (_, mut state) = play_on(&process, &[], None, &[("list", "names=a,b")]);
    let again = Plan::of(&process, Kind::Run).unwrap().grown(&state).from_steps(&["list"]);
    assert_eq!(again, ["list", "dump", "dump[a]", "dump[b]", "join"]);
    state.apply(At(9), &Event::HealStarted { rung: 0, what: "retry".into(), again });
    assert!(state.expanded.is_empty(), "the list is asked for anew");
}

#[test]
fn what_goes_on_or_is_done_once_more_repeats_what_was_not_done() {
    let process = dumps();
    let plan = Plan::of(&process, Kind::Run).unwrap();
    let failing = [("dump[b]", 1, Outcome::NotDone)];
    let (_, state) = play_on(&process, &failing, None, &[("list", "names=a,b,c")]);
    let run = RunId::new(At(1), &[1; 10]);
    let Event::RunResumed { again, look } = resume(run, &plan, &state).unwrap() else { panic!("no resume") };
    assert_eq!((again, look), (vec!["dump[b]".to_owned()], vec![]));

    let taken = |new: &Plan, state: &State, from: &str| -> Vec<String> {
        let all = rerun(run, &plan, new, state, from).unwrap();
        let word = |event: Event| match event {
            Event::StepTaken { step, .. } => step,
            Event::StepExpanded(list) => format!("{} {}", list.step, list.words()),
            other => panic!("{other:?}"),
        };
        all.into_iter().map(|(event, _)| word(event)).collect()
    };
    let kept = ["dump for 3 elements: a, b, c", "list", "dump[a]", "dump[c]"];
    assert_eq!(taken(&plan, &state, "dump"), kept, "what was done is taken over");
    assert_eq!(taken(&plan, &state, "dump[b]"), kept);
    assert_eq!(taken(&plan, &state, "dump[a]"), ["dump for 3 elements: a, b, c", "list", "dump[c]"]);
    assert!(taken(&plan, &state, "list").is_empty());

    let mut other = dumps();
    other.steps[1].env.insert("LEVEL".into(), "9".into());
    let other = Plan::of(&other, Kind::Run).unwrap();
    assert_eq!(taken(&other, &state, "dump"), ["list"], "defined otherwise: for all of them, by a list that is new");
    let (_, whole) = play_on(&process, &[], None, &[("list", "names=a,b,c")]);
    assert_eq!(taken(&plan, &whole, "dump"), ["list"], "all were done: all are done once more");
}

#[test]
fn a_step_that_must_happen_once_is_not_repeated_for_an_element_that_may_have_happened() {
    let once = Step { effect: Effect::Once, ..over(after("pay", &[]), these(&["x", "y"])) };
    let process = process(vec![once]);
    let plan = Plan::of(&process, Kind::Run).unwrap();
    let (trace, state) = play_on(&process, &[("pay[x]", 1, Outcome::Unknown), ("pay[y]", 1, Outcome::Done)], None, &[]);
    assert!(trace.contains("nobody knows whether step pay[x] happened"), "{trace}");
    let refused = rerun(RunId::new(At(1), &[1; 10]), &plan, &plan, &state, "pay").unwrap_err();
    assert!(refused.contains("step pay[x] must happen once"), "{refused}");
}

#[test]
fn a_step_that_must_happen_once_is_not_repeated_beside_the_one_that_is_asked_for() {
    let once = Step { effect: Effect::Once, ..after("charge", &[]) };
    let process = process(vec![after("a", &[]), once, after("b", &["a"])]);
    let plan = Plan::of(&process, Kind::Run).unwrap();
    let (_, state) = play_on(&process, &[("charge", 1, Outcome::NotDone)], None, &[]);
    let refused = rerun(RunId::new(At(1), &[1; 10]), &plan, &plan, &state, "b").unwrap_err();
    assert!(refused.contains("step charge must happen once"), "{refused}");
}

#[test]
fn artifacts_of_a_list_in_the_file_are_known_before_the_run() {
    let dump = Step { makes: vec!["{element}/all.dump".into()], ..over(after("dump", &[]), these(&["a", "b c"])) };
    assert_eq!(makes(&dump), ["a/all.dump", "b-c~2/all.dump"]);
}
