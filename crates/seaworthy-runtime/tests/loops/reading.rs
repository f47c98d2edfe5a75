//! Files of a site come into force.

use seaworthy_runtime::reload::{self, FileSet, Files};
use seaworthy_spec::{PROCESSES_MAX, Source};

use crate::kit::{START, World};

#[tokio::test]
async fn a_site_of_as_many_processes_as_there_may_be_comes_into_force() {
    struct Given(FileSet);
    impl Files for Given {
        fn read(&self) -> Result<FileSet, String> {
            Ok(self.0.clone())
        }
        fn stamp(&self) -> u64 {
            0
        }
        fn exists(&self, _file: &str) -> bool {
            true
        }
    }
    let source = |file: String, text: String| Source { file, text };
    let one = |n| source(format!("ops/p{n}.yaml"), format!("process: p{n}\nsteps:\n  - {{ run: 'true' }}\n"));
    let files = FileSet {
        folder: "/site".into(),
        site: source("seaworthy.yaml".into(), "site: test\n".into()),
        ops: (0..PROCESSES_MAX).map(one).collect(),
        unreadable: vec![],
        left_out: vec![],
        held: vec![],
    };
    let world = World::new("", &[]);
    let mut outcome = reload::read(&Given(files), None, START).unwrap();
    outcome.settings = Some(vec![]);
    reload::record(&world.ports, &outcome).await.unwrap();
    assert_eq!(world.archive.definitions().await.unwrap().len(), PROCESSES_MAX);
    assert_eq!(world.ports.journal.frontier().await.unwrap().size, PROCESSES_MAX as u64 + 1);
}
