//! Verification beside a writer that goes on: what is guarded meanwhile is no finding, and the guard is read once.
#![allow(clippy::unwrap_used)]

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use akta::model::date::Timestamp;
use akta::model::origin::Controller;
use akta::store::disk::Disk;
use akta::store::files::{Files, Folder};
use akta::trail::base::Base;
use akta::trail::keyring::Kek;
use akta::trail::verify::verify;

use crate::events::Drawn;
use crate::node::{Node, settings, world};

/// Files that count how often they are read.
struct Counted(Arc<dyn Files>, AtomicU64);

impl Files for Counted {
    fn read(&self, name: &str) -> io::Result<Option<Vec<u8>>> {
        self.1.fetch_add(1, Ordering::Relaxed);
        self.0.read(name)
    }

    fn create(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.0.create(name, bytes)
    }

    fn overwrite(&self, name: &str, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.0.overwrite(name, offset, bytes)
    }

    fn append(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.0.append(name, bytes)
    }
}

#[test]
fn a_guard_that_goes_on_is_no_finding_and_is_read_once() {
    let folder = tempfile::tempdir().unwrap();
    let now = Timestamp::parse("2026-09-01T09:00:00Z").unwrap();
    let mut drawn = Drawn::new(3);
    let mut node = Node::open(folder.path(), now, 3, "Europe/Warsaw").unwrap();
    let schools: Vec<Controller> = (0..12).map(|n| Controller::new(&format!("school-{n}")).unwrap()).collect();
    let mut report = |node: &mut Node| {
        node.record(schools.iter().map(|school| drawn.submission(school, node.now)).collect());
        node.pass(Duration::from_secs(60));
        node.settle();
        node.guard();
    };
    report(&mut node);
    let mut disk = Disk::open_read_only(folder.path(), None).unwrap();
    report(&mut node);

    let counted = Arc::new(Counted(disk.guard.clone(), AtomicU64::new(0)));
    disk.guard = counted.clone();
    let looked = |disk: Disk| {
        let base = Base::open_read_only(disk, Some(Kek::dev()), settings("UTC"), world(node.now, 4).0).unwrap();
        verify(&base, |_, _, _| {})
    };
    let report = looked(disk.clone());
    assert_eq!((report.findings, report.unguarded), (Vec::new(), false));
    assert_eq!(report.trails.len(), 13);
    assert_eq!(counted.1.load(Ordering::Relaxed), 2, "once to open it, once for all trails");
    // As it is by now it is ahead of what was opened: that must be told.
    disk.guard = Arc::new(Folder::new(folder.path()));
    assert_eq!(looked(disk).findings.len(), 12, "all but the node's own trail went on");
}
