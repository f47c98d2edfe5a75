//! What the processes of a command may use, with real commands that want more.

use crate::kit::Site;

/// A step that is bounded so; the process has a bound of its own that steps may replace.
fn bounded(limits: &str, script: &str) -> (Site, crate::kit::Output) {
    let site = Site::new();
    site.process(
        "bounded",
        &format!(
            "limits: {{ open_files: 40 }}\nsteps:\n  - id: want\n    limits: {limits}\n    run: |\n      {script}\nverify:\n  - {{ command: cat out.txt, expect: stdout != \"\" }}\n"
        ),
    );
    let run = site.json(&["run", "bounded"]);
    (site, run)
}

/// It failed, and not at its start.
fn stopped(limits: &str, script: &str) -> Site {
    let (site, run) = bounded(limits, &format!("echo begun > out.txt; {script}"));
    assert_eq!((run.code, &run.json["executed"]), (1, &"failed".into()), "{limits}: {run:?}");
    assert_eq!(site.read("out.txt"), "begun\n", "{limits}: {run:?}");
    site
}

#[test]
fn a_command_sees_the_bounds_of_its_step_and_else_those_of_its_process() {
    let (site, run) =
        bounded("{ memory: 512MiB, processes: 99, cpu_time: 7s, file_size: 1MiB }", "cat /proc/self/limits > out.txt");
    assert_eq!(run.code, 0, "{run:?}");
    let seen = site.read("out.txt");
    let of = |name: &str| {
        let line = seen.lines().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("no {name} in {seen}"));
        line[name.len()..].split_whitespace().take(2).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(of("Max open files"), "40 40", "of the process");
    assert_eq!(of("Max address space"), "536870912 536870912");
    assert_eq!(of("Max processes"), "99 99");
    assert_eq!(of("Max cpu time"), "7 7");
    assert_eq!(of("Max file size"), "1048576 1048576");
}

#[test]
fn a_command_that_wants_more_than_it_may_is_not_done() {
    // All of it is kept in memory before the last byte is written.
    stopped("{ memory: 64MiB }", "head -c 300000000 /dev/zero | tail -c 300000000 | wc -c | grep -qx 300000000");
    stopped("{ cpu_time: 1s }", "while :; do :; done");
    stopped("{ open_files: 20 }", "echo x | tee $(seq -f many.%g 30) > /dev/null");
    let site = stopped("{ file_size: 1MiB }", "head -c 3000000 /dev/zero > big");
    assert_eq!(std::fs::metadata(site.path("big")).unwrap().len(), 1_048_576, "no byte more");
}
