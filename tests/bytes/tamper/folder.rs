//! The folder that is damaged: rich, made once, with the states that it was in before.
//!
//! Four sessions: the first is closed, its session parts are expired and reclaimed by now; in the second a trail in another zone
//! comes; the third is cut off; in the fourth, which is never closed, the logs hold what no file has, and a day passes at whose end
//! something is past and not yet expired. Of what expired holds have kept their part. Small rows were merged, the first school has more than 512 records, people got other names, the keyring has several generations.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use akta::model::date::{Date, Timestamp, Zone};
use akta::model::origin::Controller;
use akta::store::disk::Disk;
use akta::store::rocks::RocksStore;
use akta::store::{Database, Family, Scan, Store, keys};

use super::seen::Seen;
use crate::decided::{all_kinds, holds};
use crate::events::{Drawn, report};
use crate::node::{Node, copy, trails};

const DAY: Duration = Duration::from_secs(24 * 3_600);
/// Zone of the schools; the trails that come later have others.
const ZONE: &str = "Europe/Warsaw";

/// Rows of a family.
pub(crate) type Rows = BTreeMap<Vec<u8>, Vec<u8>>;

/// A state of the folder: a copy of it, and its rows.
pub(crate) struct State {
    pub(crate) path: PathBuf,
    pub(crate) rows: BTreeMap<Family, Rows>,
}

/// The folder, whole, and as it was before.
pub(crate) struct Original {
    pub(crate) root: tempfile::TempDir,
    /// As it is: cut off while it was open.
    pub(crate) whole: State,
    /// As it was, oldest first: within the first session, before rows were merged; closed after it; cut off in the third
    /// and in the fourth one.
    pub(crate) before: Vec<State>,
    /// When it is looked at.
    pub(crate) now: Timestamp,
    /// What can be read of it.
    pub(crate) seen: Seen,
    /// Origin, number of records and zone by the trail's number.
    pub(crate) trails: BTreeMap<u32, (String, u64, Zone)>,
    /// Number of the zone by the trail's number.
    pub(crate) zones: BTreeMap<u32, u16>,
}

impl Original {
    /// Makes it; the same seed makes the same records.
    pub(crate) fn make(seed: u64) -> Self {
        let root = tempfile::tempdir().unwrap();
        let live = root.path().join("live");
        std::fs::create_dir(&live).unwrap();
        // As the server leaves it.
        std::fs::write(live.join("LOCK"), "").unwrap();
        let keep = |name: &str| State::keep(&live, root.path().join(name));
        let schools = ["school-12", "school-7"].map(|name| Controller::new(name).unwrap());
        let mut drawn = Drawn::new(seed);
        let now = Timestamp::parse("2026-09-01T09:00:00Z").unwrap();

        let mut node = Node::open(&live, now, seed, ZONE).unwrap();
        node.record(vec![drawn.import(&schools[0], node.now, 5)]);
        report(&mut node, &mut drawn, &schools, 30);
        all_kinds(&mut node, &schools[0], 100);
        holds(&mut node, &schools[0], 200);
        report(&mut node, &mut drawn, &schools, 30);
        let small = keep("small");
        for school in &schools {
            let info = node.trail(school);
            node.merge(&info, info.size() * 3 / 4);
        }
        let now = node.now;
        node.close();
        let first = keep("first");

        drawn.term = 1;
        let mut node = Node::open(&live, now.plus(10 * DAY), seed + 1, ZONE).unwrap();
        assert_eq!(node.reclaim(), 1, "the start has expired what lived for a week");
        report(&mut node, &mut drawn, &schools, 160);
        let now = node.now;
        node.close();
        let mut node = Node::open(&live, now.plus(DAY / 24), seed + 2, "America/New_York").unwrap();
        let exchange = Controller::new("exchange").unwrap();
        report(&mut node, &mut drawn, &[schools[0].clone(), exchange.clone()], 30);
        for school in &schools {
            let info = node.trail(school);
            node.merge(&info, info.size() * 2 / 3);
        }
        node.settle();
        node.guard();
        let third = keep("third");
        let now = node.now;
        node.close();

        drawn.term = 2;
        let mut node = Node::open(&live, now.plus(DAY), seed + 3, "Asia/Tokyo").unwrap();
        let sister = Controller::new("sister-school").unwrap();
        let everybody = [schools[0].clone(), schools[1].clone(), exchange, sister];
        report(&mut node, &mut drawn, &everybody, 40);
        node.record(vec![drawn.import(&schools[0], node.now, 1)]);
        let info = node.trail(&schools[0]);
        node.merge(&info, info.size() - 30);
        node.disk.db.flush().unwrap();
        node.disk.vault.flush().unwrap();
        report(&mut node, &mut drawn, &everybody, 20);
        node.settle();
        node.guard();
        node.pass(2 * DAY);
        let fourth = keep("fourth");
        report(&mut node, &mut drawn, &everybody, 30);
        node.settle();
        node.guard();
        let whole = keep("whole");
        let seen = Seen::of(&node.base);
        let infos = trails(&node.base).unwrap();
        let trails = infos.iter().map(|info| (info.number, (info.origin.to_string(), info.size(), info.zone.clone())));
        let trails = trails.collect();
        let zones = infos.iter().map(|info| (info.number, info.zone_number)).collect();
        let before = vec![small, first, third, fourth];
        let original = Self { root, whole, before, now: node.now, seen, trails, zones };
        assert!(original.trails.values().any(|(_, size, _)| *size > 512), "rows of the tree exist");
        for name in [keys::META_EXPIRED, keys::META_RECLAIMED] {
            assert!(original.whole.rows[&Family::Meta].keys().any(|key| key.starts_with(name)));
        }
        original
    }

    /// A copy of the folder, to be damaged.
    pub(crate) fn copy(&self, name: &str) -> PathBuf {
        let path = self.root.path().join(name);
        copy(&self.whole.path, &path);
        path
    }

    /// Today in the zone of a trail.
    pub(crate) fn today(&self, trail: u32) -> Date {
        self.trails[&trail].2.date(self.now)
    }
}

impl State {
    /// Keeps a copy of the folder as it is at the moment, as after a sudden end.
    fn keep(live: &Path, path: PathBuf) -> Self {
        copy(live, &path);
        remove_what_nothing_names(&path);
        let disk = Disk::open_read_only(&path, None).unwrap();
        let mut rows = BTreeMap::new();
        for (store, families) in [
            (&disk.db, Database::Db.families()),
            (&disk.vault, Database::Vault.families()),
            (&disk.index, Database::Index.families()),
        ] {
            rows.extend(families.iter().map(|family| (*family, all(store, *family))));
        }
        Self { path, rows }
    }
}

/// A store that is copied while it is open may have files that RocksDB has merged into others and not yet taken away:
/// whatever is done to them, nothing is lost.
fn remove_what_nothing_names(folder: &Path) {
    for database in Database::ALL {
        let named = RocksStore::open_read_only(folder, database).unwrap().files().unwrap();
        for entry in std::fs::read_dir(folder.join(database.folder())).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy();
            if name.ends_with(".sst") && !named.iter().any(|known| *known == name) {
                std::fs::remove_file(&path).unwrap();
            }
        }
    }
}

fn all(store: &Arc<dyn Store>, family: Family) -> Rows {
    store
        .scan(Scan::all(family))
        .map(|row| row.map(|(key, value)| (key.into(), value.into())))
        .collect::<Result<_, _>>()
        .unwrap()
}
