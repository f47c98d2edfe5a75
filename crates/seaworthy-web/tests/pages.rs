//! Pages as a person gets them: over a real socket, without script.

mod fixture;

use std::sync::{Arc, atomic::Ordering};

use fixture::{NOW, scene, serve, serve_at, story::Teller, world::World};
use seaworthy_model::{
    id::RunId,
    port::{Answer, Ask},
    process::Process,
    run::{Executed, Kind, Verdict, Verified},
};

/// Shapes and classes that are green.
const GREEN: [&str; 4] = ["\"#s-verified\"", "\"#s-healed\"", "v-verified", "v-healed"];

fn assert_not_green(body: &str, page: &str) {
    for mark in GREEN {
        assert!(!body.contains(mark), "{page} shows {mark}");
    }
}

fn assert_has(body: &str, wanted: &[&str]) {
    for text in wanted {
        let main = body.split("<main").nth(1).unwrap_or(body);
        assert!(body.contains(text), "`{text}` is not in:\n{main}");
    }
}

#[tokio::test]
async fn the_lying_backup_is_green_nowhere() {
    let world = World::new();
    world.define(scene::process("lying-backup"));
    let run = scene::lying(&world, "lying-backup", 240);
    let server = serve(&world).await;
    for page in ["/", "/processes", "/processes/lying-backup", &format!("/runs/{run}")] {
        let answer = server.get(page).await;
        assert_eq!(answer.status, 200, "{page}");
        assert_not_green(&answer.body, page);
        assert_has(&answer.body, &["v-no", "not verified"]);
    }
    let page = server.get(&format!("/runs/{run}")).await.body;
    assert_has(
        &page,
        &["Executed, not verified", "size &gt; 1 MiB", "size 0 B", "procedures/lying-backup-failed.md", "v-skipped"],
    );
    assert_has(
        &server.get("/").await.body,
        &["The only process is not verified", "was executed and not verified", "size 0 B"],
    );
}

#[tokio::test]
async fn the_other_ends_of_a_run_are_not_green_either() {
    let ends = [
        (Executed::Ok, Verified::Unproven, "Executed, unproven"),
        (Executed::Ok, Verified::Unknown, "verification could not say"),
        (Executed::Unknown, Verified::Unknown, "Unknown how it ended"),
        (Executed::Cancelled, Verified::No, "Cancelled"),
        (Executed::Failed, Verified::Yes, "Failed"),
    ];
    for (executed, verified, words) in ends {
        let world = World::new();
        world.define(Process { verify: vec![], ..scene::process("p") });
        let mut teller = Teller::begin(&world, "p", Kind::Run, NOW);
        teller.step("dump", 1, 1, 0, "", "");
        let run = teller.end(executed, verified, "");
        let server = serve(&world).await;
        let page = server.get(&format!("/runs/{run}")).await.body;
        assert_has(&page, &[words]);
        assert_not_green(&page, words);
        assert_not_green(&server.get("/").await.body, words);
    }
}

#[tokio::test]
async fn a_verified_run_is_green_and_says_so() {
    let world = World::new();
    world.define(scene::process("backup-orders"));
    let run = scene::good(&world, "backup-orders", 7_200, 96);
    let server = serve(&world).await;
    let overview = server.get("/").await.body;
    assert_has(
        &overview,
        &[
            "The only process is verified. Last proof:",
            "v-verified",
            "id=\"todo\" aria-labelledby=\"todo-head\" hidden",
        ],
    );
    assert_has(
        &server.get(&format!("/runs/{run}")).await.body,
        &["Done and verified", "2 of 2 checks held", "96.0 MiB"],
    );
}

#[tokio::test]
async fn the_overview_names_the_worst_thing_first_and_is_complete_without_script() {
    let server = serve(&scene::night()).await;
    let body = server.get("/").await.body;
    assert_has(
        &body,
        &[
            "6 of 11 processes are not verified, 2 more need a look; <a href=\"/processes/lying-backup\">",
            "ops/broken.yaml",
            "missed",
        ],
    );
    assert_has(
        &body,
        &["12.0 MiB", "follow", "procedures/backup-orders-failed.md", "restore drill not verified", "as of <time"],
    );
    let place = |name: &str| body.find(&format!("id=\"row-{name}\"")).unwrap_or_else(|| panic!("no row {name}"));
    // Failing (oldest proof first), unknown, signalled or with a failed drill, unproven, verified.
    let order = [
        "lying-backup",
        "restart-web",
        "backup-orders",
        "sync-dns",
        "cert-renew",
        "backup-mail",
        "nightly-report",
        "prune-sessions",
    ];
    assert!(order.windows(2).all(|two| place(two[0]) < place(two[1])), "{order:?} is not the order");
    assert!(!body.contains("<script>") && !body.contains("style=") && !body.contains("onclick"), "something is inline");
}

#[tokio::test]
async fn a_process_leads_with_the_last_proof_that_it_can_be_restored() {
    let world = World::new();
    world.define(scene::process("backup-orders"));
    scene::good(&world, "backup-orders", 90_000, 96);
    scene::drill(&world, "backup-orders", 3 * 86_400 + 655, 654, true);
    scene::lying(&world, "backup-orders", 240);
    let server = serve(&world).await;
    let body = server.get("/processes/backup-orders").await.body;
    let proof = body.find("Last proven restorable").unwrap_or_else(|| panic!("no proof in {body}"));
    assert!(proof < body.find("Last run").unwrap_or(0), "the last run comes before the proof");
    assert_has(
        &body,
        &["3 d ago", "10m 55s against an objective of 15m", "Europe/Berlin (+01:00)", "ops/backup-orders.yaml"],
    );
    world.define(Process { drill: None, ..scene::process("never") });
    assert_has(
        &server.get("/processes/never").await.body,
        &["Never proven restorable: there is no restore drill.", "<b>missing</b>"],
    );
}

#[tokio::test]
async fn a_hostile_name_or_output_stays_text() {
    let evil = "a\"><script>alert(1)</script>&'/../x";
    let world = World::new();
    world.define(Process { about: Some(evil.into()), ..scene::process(evil) });
    let mut teller = Teller::begin(&world, evil, Kind::Run, NOW);
    teller.step(evil, 1, 1, 1, "<img src=x onerror=alert(1)>", "</pre><script>alert(2)</script>");
    teller.made(evil, evil, 5);
    teller.check(evil, 0, Verdict::No, "`<script>`", evil);
    let run = teller.end(Executed::Ok, Verified::No, evil);
    world.change(|loaded| {
        loaded.broken.insert(evil.into(), evil.into());
    });
    let server = serve(&world).await;
    let process = "/processes/a%22%3E%3Cscript%3Ealert%281%29%3C%2Fscript%3E%26%27%2F..%2Fx";
    let query = "/processes?q=%22%3E%3Cscript%3Ealert(1)";
    for page in ["/", "/processes", query, process, &format!("/runs/{run}"), "/nope/<script>alert(1)</script>"] {
        let answer = server.get(page).await;
        for bad in ["<script>alert", "<img", "\"><script"] {
            assert!(!answer.body.contains(bad), "{page} holds {bad}");
        }
    }
    assert_eq!(server.get(process).await.status, 200);
    let raw = server.get(&format!("/runs/{run}/output/{}/1?stream=err", &process[11..])).await;
    assert_eq!((raw.status, raw.body.as_str()), (200, "</pre><script>alert(2)</script>"));
    assert_eq!(raw.header("content-type"), Some("text/plain; charset=utf-8"));
}

#[tokio::test]
async fn every_answer_carries_the_policy_and_a_foreign_host_is_refused() {
    let server = serve(&scene::night()).await;
    for page in ["/", "/help", "/nope", "/healthz", "/api/v1/overview"] {
        let answer = server.get(page).await;
        let policy = answer.header("content-security-policy").unwrap_or_default();
        assert!(policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self';"), "{page}: {policy}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{page}");
        assert_eq!(answer.header("referrer-policy"), Some("no-referrer"), "{page}");
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{page}");
    }
    assert_eq!(server.ask("GET", "/", &[("Host", "evil.example")]).await.status, 421);
    assert_eq!(server.ask("GET", "/metrics", &[("Host", "evil.example:80")]).await.status, 421);
    // The name of the site is answered, but until there is an owner nobody is let in by it.
    assert_eq!(server.ask("GET", "/", &[("Host", "ops.example.com")]).await.status, 303);
    assert_eq!(server.ask("GET", "/sign-in", &[("Host", "ops.example.com")]).await.status, 200);
}

#[tokio::test]
async fn head_unknown_addresses_and_wrong_methods_are_answered_properly() {
    let server = serve(&scene::night()).await;
    let head = server.ask("HEAD", "/", &[]).await;
    assert_eq!((head.status, head.body.as_str()), (200, ""));
    for page in
        ["/nope", "/processes/nope", "/runs/nope", "/runs/run_00000000000070000000000000000000", "/assets/x.js-1"]
    {
        assert_eq!(server.get(page).await.status, 404, "{page}");
    }
    assert_has(&server.get("/processes/nope").await.body, &["no process is called <code>nope</code>"]);
    assert_has(&server.get("/api/v1/nope").await.body, &["\"status\":404"]);
    let origin = format!("http://{}", server.address);
    let post = server.ask("POST", "/", &[("Origin", &origin)]).await;
    assert_eq!((post.status, post.header("allow")), (405, Some("GET,HEAD")));
    assert_eq!(server.ask("DELETE", "/runs/x", &[("Origin", &origin)]).await.status, 405);
    assert_eq!(server.get("/processes/backup-orders/run").await.status, 405);
}

#[tokio::test]
async fn a_button_asks_and_leads_to_the_run() {
    let world = scene::night();
    let run = RunId::new(NOW, &[3; 10]);
    let server = serve_at(&world, "/ops").await;
    let ours = [("Sec-Fetch-Site", "same-origin"), ("Origin", "null")];
    let foreign = [("Sec-Fetch-Site", "cross-site")];
    world.inner.lock().unwrap().answer = Some(Answer::Started { run, digest: "d".into() });
    assert_eq!(server.ask("POST", "/processes/backup-orders/run", &foreign).await.status, 403);
    assert!(world.inner.lock().unwrap().asked.is_empty(), "a foreign form was carried out");
    let answer = server.ask("POST", "/ops/processes/backup-orders/drill", &ours).await;
    assert_eq!((answer.status, answer.header("location")), (303, Some(format!("/ops/runs/{run}").as_str())));
    world.inner.lock().unwrap().answer = Some(Answer::Refused { reason: "there is no verified artifact yet".into() });
    let refused = server.ask("POST", "/processes/backup-orders/run", &ours).await;
    assert_eq!(refused.status, 409);
    assert_has(&refused.body, &["there is no verified artifact yet"]);
    let asked = world.inner.lock().unwrap().asked.clone();
    let name = || "backup-orders".to_owned();
    assert_eq!(asked, [Ask::Drill { process: name() }, Ask::Run { process: name(), inputs: Default::default() }]);
}

#[tokio::test]
async fn a_live_run_shows_its_backlog_and_what_it_does_without_script() {
    let world = World::new();
    for name in ["import-crm", "rotate-keys"] {
        world.define(scene::process(name));
    }
    let (live, healing) = scene::going_on(&world);
    let server = serve(&world).await;
    let body = server.get(&format!("/runs/{live}")).await.body;
    assert_has(
        &body,
        &["Running", "step dump, attempt 1", "read accounts page 30 of 212", "class=\"err\">warning: 3 rows"],
    );
    assert_has(&body, &[&format!("action=\"/runs/{live}/cancel\""), "raw text"]);
    assert!(!body.contains('\u{1b}'), "an escape sequence reached the page");
    assert_has(
        &server.get(&format!("/runs/{healing}")).await.body,
        &["Not verified yet, healing", "status 503", "<b>verify</b>", "<b>heal</b>", "retry 1 of 2"],
    );
}

#[tokio::test]
async fn an_empty_site_says_what_to_paste_on_this_machine() {
    let server = serve(&World::new()).await;
    assert_has(
        &server.get("/").await.body,
        &[
            "No process yet.",
            "Begin on db1",
            "cd /srv/acme",
            "seaworthy init --look",
            "seaworthy check",
            "process: backup-notes",
        ],
    );
    assert_eq!(server.get("/processes").await.status, 200);
}

#[tokio::test]
async fn a_store_that_cannot_be_reached_is_said_and_passes() {
    let world = scene::night();
    let server = serve(&world).await;
    world.inner.lock().unwrap().down = true;
    let answer = server.get("/").await;
    assert_eq!(answer.status, 503);
    assert_has(&answer.body, &["the journal cannot be reached"]);
    assert_eq!(server.get("/api/v1/overview").await.status, 503);
    world.inner.lock().unwrap().down = false;
    assert_eq!(server.get("/").await.status, 200);
}

#[tokio::test]
async fn assets_are_kept_for_ever_under_the_hash_of_their_content() {
    let server = serve(&World::new()).await;
    let page = server.get("/").await.body;
    let css = page.split("href=\"").find_map(|part| part.split('"').next().filter(|p| p.contains(".css-")));
    let css = css.unwrap_or_else(|| panic!("no style in {page}"));
    let answer = server.get(css).await;
    assert_eq!((answer.status, answer.header("cache-control")), (200, Some("public, max-age=31536000, immutable")));
    let tag = answer.header("etag").unwrap_or_default().to_owned();
    let again = server.ask("GET", css, &[("If-None-Match", &tag)]).await;
    assert_eq!((again.status, again.body.as_str()), (304, ""));
}

#[tokio::test]
async fn a_process_is_read_once_and_then_follows_the_journal() {
    let world: Arc<World> = scene::night();
    let server = serve(&world).await;
    server.get("/").await;
    let reads = world.process_reads.load(Ordering::Relaxed);
    assert_eq!(reads, 11);
    scene::good(&world, "backup-orders", 5, 95);
    let body = server.get("/").await.body;
    assert_eq!(world.process_reads.load(Ordering::Relaxed), reads, "the processes were read again");
    // 18 of the 20 runs of the strip are verified now: 90 + day % 9 for the days 3 to 19, and 95; their middle is 95.
    assert_has(&body, &["5 of 11 processes are not verified", "95.0 MiB / 95.0 MiB"]);
}

#[tokio::test]
async fn the_same_things_are_json() {
    let world = scene::night();
    let run = scene::shrunk(&world, "backup-orders", 400);
    let server = serve(&world).await;
    let json = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
    let overview = json(&server.get("/api/v1/overview").await.body);
    assert_eq!((&overview["processes"], &overview["not_verified"]), (&11.into(), &6.into()));
    let runs = json(&server.get("/api/v1/runs?process=backup-orders&limit=2&kind=run").await.body);
    assert_eq!(runs["runs"].as_array().map(Vec::len), Some(2));
    assert_eq!((&runs["runs"][0]["executed"], &runs["runs"][0]["verified"]), (&"ok".into(), &"no".into()));
    let one = json(&server.get(&format!("/api/v1/runs/{run}")).await.body);
    assert_eq!((&one["verifications"][2]["outcome"], &one["steps"][1]["attempt"]), (&"skipped".into(), &2.into()));
    let process = json(&server.get("/api/v1/processes/backup-orders").await.body);
    assert_eq!(process["definition"]["name"], "backup-orders");
    assert_eq!(json(&server.get("/api/v1/processes").await.body)["processes"].as_array().map(Vec::len), Some(11));
    assert_eq!(server.get("/healthz").await.body, "ok\n");
    assert_eq!(server.get("/readyz").await.status, 200);
    assert_eq!(server.get("/metrics").await.body, "seaworthy_up 1\n");
}

#[tokio::test]
async fn an_overview_of_many_processes_shows_the_worst_and_stays_small() {
    let world = scene::fleet(300);
    let server = serve(&world).await;
    let body = server.get("/").await.body;
    assert_has(&body, &["3 of 300 processes are not verified", "260 more processes</a>, none of them worse"]);
    assert_eq!(body.matches("<tr id=\"row-").count(), 40);
    assert_eq!(world.process_reads.load(Ordering::Relaxed), 300);
    assert!(body.len() < 100 * 1024, "{} bytes", body.len());
    let second = server.get("/processes?page=1").await.body;
    assert_has(&second, &["rel=\"prev\"", "300 in all"]);
    assert_has(&server.get("/processes?q=orders-0042").await.body, &["1 of 300", "backup-orders-0042"]);
}

#[tokio::test]
async fn what_the_watcher_keeps_is_shown_and_an_entry_of_a_newer_program_is_named() {
    let (main, watcher) = (World::new(), scene::night());
    main.define(scene::process("cert-renew"));
    let run = scene::good(&main, "cert-renew", 90, 3);
    main.inner.lock().unwrap().entries[3].header.kind = "moon_landed".into();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server =
        fixture::serve_on(listener, seaworthy_web::Web { watch_views: Some(watcher), ..fixture::web(&main, "") });
    let wanted =
        ["The only process is verified and needs a look: <a href=\"/processes/cert-renew\">", ": missed <time"];
    assert_has(&server.get("/").await.body, &wanted);
    let page = server.get(&format!("/runs/{run}")).await;
    assert_eq!(page.status, 200);
    assert_has(&page.body, &["entry of type <code>moon_landed</code> version 1"]);
}

#[tokio::test]
async fn pages_work_below_a_base_path_whether_or_not_the_proxy_strips_it() {
    let server = serve_at(&scene::night(), "/ops").await;
    for page in ["/", "/processes", "/processes/backup-orders", "/api/v1/overview", "/healthz"] {
        for address in [page.to_owned(), format!("/ops{page}")] {
            assert_eq!(server.get(&address).await.status, 200, "{address}");
        }
    }
    assert_eq!(server.get("/ops").await.status, 200);
    let body = server.get("/ops/processes/backup-orders").await.body;
    for attribute in ["href=\"/", "action=\"/", "src=\"/", "data-live=\"/"] {
        let links: Vec<&str> = body.split(attribute).skip(1).collect();
        assert!(!links.is_empty(), "no {attribute}");
        for link in links {
            assert!(link.starts_with("ops/"), "`{}` leaves the base path", &link[..40]);
        }
    }
}
