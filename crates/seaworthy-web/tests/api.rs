//! The API as a program gets it: problems, what is declared and what is not, tags, pages, and entries while they come.

mod fixture;

use std::sync::{Arc, atomic::Ordering};

use fixture::{Answer, Server, scene, serve, world::World};
use seaworthy_model::{
    entry::Stream,
    event::Event,
    id::RunId,
    port::{Answer as Said, Ask},
};
use serde_json::{Value, json};

fn world() -> (Arc<World>, RunId) {
    let world = World::new();
    world.define(scene::process("backup-orders"));
    let run = scene::lying(&world, "backup-orders", 240);
    (world, run)
}

fn body(answer: &Answer) -> Value {
    serde_json::from_str(&answer.body).unwrap_or_else(|e| panic!("{e}: {}", answer.body))
}

async fn post(server: &Server, path: &str, more: &[(&str, &str)], text: &str) -> Answer {
    let mut headers = vec![("Authorization", "Bearer owner"), ("Content-Type", "application/json")];
    headers.retain(|(name, _)| !more.iter().any(|(other, _)| other == name));
    headers.extend_from_slice(more);
    server.post_body(path, &headers, text).await
}

/// Everything that is wrong with a value as this schema says it.
fn wrong(schema: &Value, value: &Value, root: &Value, at: &str) -> Vec<String> {
    if let Some(name) = schema["$ref"].as_str() {
        let name = name.rsplit('/').next().unwrap_or_default();
        return wrong(&root["components"]["schemas"][name], value, root, at);
    }
    if let Some(any) = schema["anyOf"].as_array() {
        let fits = any.iter().any(|one| wrong(one, value, root, at).is_empty());
        return if fits { vec![] } else { vec![format!("{at}: {value} is none of {any:?}")] };
    }
    let is = match schema["type"].as_str() {
        None => true,
        Some("object") => value.is_object(),
        Some("array") => value.is_array(),
        Some("string") => value.is_string(),
        Some("integer") => value.is_u64(),
        Some("number") => value.is_number(),
        Some("boolean") => value.is_boolean(),
        Some("null") => value.is_null(),
        Some(other) => panic!("the document says `{other}`"),
    };
    let mut all = if is { vec![] } else { vec![format!("{at}: {value} is not {}", schema["type"])] };
    if let Some(words) = schema["enum"].as_array().filter(|words| !words.contains(value)) {
        all.push(format!("{at}: {value} is none of {words:?}"));
    }
    if let (Some(known), Some(given)) = (schema["properties"].as_object(), value.as_object()) {
        for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            if !given.contains_key(name) {
                all.push(format!("{at}/{name} is missing"));
            }
        }
        for (name, value) in given {
            match known.get(name) {
                Some(schema) => all.extend(wrong(schema, value, root, &format!("{at}/{name}"))),
                None if schema["additionalProperties"] == false => all.push(format!("{at}/{name} is not declared")),
                None => {}
            }
        }
    }
    if let (Some(items), Some(given)) = (schema.get("items"), value.as_array()) {
        all.extend(given.iter().enumerate().flat_map(|(n, one)| wrong(items, one, root, &format!("{at}/{n}"))));
    }
    all
}

#[tokio::test]
async fn every_answer_looks_as_the_document_says() {
    let (world, run) = world();
    let server = serve(&world).await;
    let document = seaworthy_web::openapi();
    let mut looked = 0;
    for (path, item) in document["paths"].as_object().expect("the document has paths") {
        let Some(operation) = item.get("get") else { continue };
        let content = &operation["responses"]["200"]["content"];
        let Some(schema) = content.get("application/json").map(|json| &json["schema"]) else { continue };
        let path = path.replace("{name}", "backup-orders").replace("{id}", &run.to_string());
        let answer = server.get(&format!("/api/v1{path}")).await;
        if let Some((_, status)) = [("/tokens", 503), ("/me/sessions", 409)].iter().find(|(known, _)| *known == path) {
            assert_eq!(answer.status, *status, "this world keeps no tokens and no sessions");
            continue;
        }
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        assert_eq!(wrong(schema, &body(&answer), &document, &path), Vec::<String>::new());
        looked += 1;
    }
    assert!(looked >= 12, "only {looked} operations were looked at");
}

#[tokio::test]
async fn what_cannot_be_done_is_a_problem_that_says_what_to_do() {
    let (world, run) = world();
    let server = serve(&world).await;
    world.claimed.store(true, Ordering::Relaxed);
    let viewer = [("Authorization", "Bearer viewer")];
    let answer = post(&server, &format!("/api/v1/runs/{run}/cancel"), &viewer, "").await;
    let said = body(&answer);
    assert_eq!(answer.header("content-type"), Some("application/problem+json"));
    assert_eq!((answer.status, &said["status"]), (403, &json!(403)));
    assert_eq!((&said["missing"], &said["why"]), (&json!("cancel"), &json!("no_role")));
    assert!(said["detail"].as_str().is_some_and(|text| text.contains("`cancel` is missing")), "{said}");
    let problem = &seaworthy_web::openapi()["components"]["schemas"]["Problem"];
    assert_eq!(wrong(problem, &said, &Value::Null, ""), Vec::<String>::new());
    let answer = server.get("/api/v1/overview").await;
    assert_eq!((answer.status, answer.header("www-authenticate")), (401, Some("Bearer realm=\"seaworthy\"")));
}

#[tokio::test]
async fn what_is_not_declared_is_refused_before_anything_is_done() {
    let (world, run) = world();
    let server = serve(&world).await;
    let pause = "/api/v1/processes/backup-orders/pause";
    let large = format!("{{\"reason\":\"{}\",\"for\":\"1h\"}}", "x".repeat(70_000));
    for (path, headers, text, status) in [
        (pause, vec![], "{\"reason\":\"x\"}", 400),
        (pause, vec![], "{\"reason\":\"x\",\"for\":\"1h\",\"more\":1}", 400),
        (pause, vec![], "{\"reason\":\"x\\u0000\",\"for\":\"1h\"}", 400),
        (pause, vec![], "{\"reason\":[],\"for\":\"1h\"}", 400),
        (pause, vec![], "[]", 400),
        (pause, vec![], "{", 400),
        (pause, vec![], "", 400),
        (pause, vec![("Content-Type", "text/plain")], "{}", 415),
        (pause, vec![], &large, 413),
        ("/api/v1/processes/backup-orders/run?x=1", vec![], "{}", 400),
        (pause, vec![("If-Match", "\"nothing\"")], "{\"reason\":\"x\",\"for\":\"1h\"}", 412),
        (pause, vec![("Idempotency-Key", "ä")], "{\"reason\":\"x\",\"for\":\"1h\"}", 400),
    ] {
        let answer = post(&server, path, &headers, text).await;
        assert_eq!(answer.status, status, "{path} {headers:?} {text:.60}: {}", answer.body);
        assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{path}");
    }
    for path in ["/api/v1/runs?limit=0", "/api/v1/runs?limit=x", "/api/v1/runs?nope=1", "/api/v1/runs?before=run_1"] {
        assert_eq!(server.get(path).await.status, 400, "{path}");
    }
    assert_eq!(server.get(&format!("/api/v1/runs/{run}/output/dump/x")).await.status, 404);
    assert!(world.inner.lock().expect("nobody panics while holding it").asked.is_empty(), "the desk was asked");
}

#[tokio::test]
async fn what_is_asked_for_reaches_the_desk_in_the_callers_name() {
    let (world, run) = world();
    let server = serve(&world).await;
    let digest = world.digest_of("backup-orders");
    world.inner.lock().expect("nobody panics while holding it").answer = Some(Said::Started { run, digest });
    let tag = server.get("/api/v1/processes/backup-orders").await.header("etag").map(str::to_owned);
    let tag = tag.expect("what is read has a tag");
    let matching = [("If-Match", tag.as_str())];
    let answer = post(&server, "/api/v1/processes/backup-orders/run", &matching, "{\"inputs\":{\"size\":\"3\"}}").await;
    assert_eq!((answer.status, &body(&answer)["run_id"]), (202, &json!(run)));
    let inputs = [("size".to_owned(), "3".to_owned())].into();
    let asked = world.inner.lock().expect("nobody panics while holding it").asked.clone();
    assert_eq!(asked, [Ask::Run { process: "backup-orders".into(), inputs }]);
}

#[tokio::test]
async fn what_has_not_changed_is_not_sent_again_and_budgets_are_told() {
    let (world, run) = world();
    let server = serve(&world).await;
    let path = format!("/api/v1/runs/{run}");
    let first = server.get(&path).await;
    let tag = first.header("etag").expect("what is read has a tag").to_owned();
    assert!(first.header("ratelimit").is_some_and(|left| left.contains("r=599;")), "{}", first.head);
    assert_eq!(first.header("ratelimit-policy"), Some("\"requests\";q=600;w=60"));
    let again = server.ask("GET", &path, &[("If-None-Match", &tag)]).await;
    assert_eq!((again.status, again.body.as_str()), (304, ""));
    world.record(&Stream::run(run), fixture::NOW, &Event::CancelRequested { reason: "x".into() });
    assert_eq!(server.ask("GET", &path, &[("If-None-Match", &tag)]).await.status, 200);
}

#[tokio::test]
async fn entries_come_in_order_and_go_on_where_a_reader_left_off() {
    let (world, _) = world();
    let server = serve(&world).await;
    let seen =
        server.events("/api/v1/entries/stream?from=0", &[], |text| text.matches("event: entry").count() >= 3).await;
    for n in 0..3 {
        assert!(seen.contains(&format!("id: {n}\n")), "{seen}");
    }
    let later =
        server.events("/api/v1/entries/stream", &[("Last-Event-ID", "1")], |text| text.contains("event: entry"));
    let later = later.await;
    assert!(later.contains("id: 2\n") && !later.contains("id: 1\n"), "{later}");
    let page = body(&server.get("/api/v1/entries?from=1&limit=2").await);
    let positions: Vec<u64> =
        page["entries"].as_array().into_iter().flatten().filter_map(|entry| entry["position"].as_u64()).collect();
    assert_eq!((positions, &page["next"]), (vec![1, 2], &json!(3)));
}

#[tokio::test]
async fn the_document_has_a_right_for_every_operation_and_no_name_twice() {
    let document = seaworthy_web::openapi();
    let mut names = std::collections::BTreeSet::new();
    for (path, item) in document["paths"].as_object().expect("the document has paths") {
        for (method, operation) in item.as_object().expect("a path has operations") {
            let name = operation["operationId"].as_str().expect("an operation has a name");
            assert!(names.insert(name.to_owned()), "{name} twice");
            let right = &operation["x-right"];
            assert!(right["action"].is_string() || right["session"].is_string(), "{method} {path} needs no right");
            assert!(operation["summary"].as_str().is_some_and(|text| text.ends_with('.')), "{method} {path}");
        }
    }
    assert!(names.len() >= 30, "{names:?}");
}
