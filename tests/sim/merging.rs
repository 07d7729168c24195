//! Merging small rows: what was recorded reads the same before and after, whatever the bounds, also after a crash.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use akta::cli::bench::events::Events;
use akta::cli::bench::ids::Ids;
use akta::grpc::convert;
use akta::model::date::Date;
use akta::model::facts::Facts;
use akta::model::query::{Cursor, Filter, Order};
use akta::model::record::Record;
use akta::model::stored::Action;
use akta::store::faults::{Call, Fault};
use akta::store::keys::{self, POSTING_PREFIX};
use akta::store::memory::Disk;
use akta::store::rocks::RocksStore;
use akta::store::{Batch, Database, Family, Store};
use akta::trail::base::Base;
use akta::trail::merge::{self, Pass};
use akta::trail::reader::{ReadError, Reader};
use akta::trail::search;
use akta::trail::submission::Submission;
use akta::trail::trails::Info;
use akta::trail::verify::{TrailReport, verify};

use super::Sim;
use super::crashes::is_fault;
use super::invariant::DurableFirst;
use super::story::{Report, same, submission};
use super::world::{Device, Open, World};

impl Sim {
    /// Merges the rows of one trail up to some position, in slices of some size.
    pub(crate) fn merge(&mut self, node: &mut Open) -> bool {
        let Some(info) = self.trail(node) else { return true };
        let to = self.dice.roll(info.size() + 1);
        let rows = 2 + self.dice.pick(30);
        match pass(&node.base, &info, to, rows) {
            Ok(replaced) => {
                self.counts.merged += replaced as u64;
                true
            }
            Err(error) => {
                self.counts.checked.holds(DurableFirst, is_fault(&error.to_string()), || error.to_string());
                self.crash("a merge failed")
            }
        }
    }

    /// Records `groups` groups, most of a single event, each indexed on its own; days pass in between.
    fn record_groups(&mut self, node: &mut Open, groups: u32) {
        for _ in 0..groups {
            let count = if self.dice.roll(4) == 0 { 1 + self.dice.roll(8) } else { 1 };
            let group: Vec<Report> = (0..count).map(|_| self.event()).map(|(who, known)| (who, vec![known])).collect();
            let step = node.writer.step(group.iter().map(submission).collect());
            step.publish();
            for ((controller, mut events), result) in group.into_iter().zip(step.results) {
                let mut known = events.remove(0);
                known.receipt = Some(result.unwrap().remove(0).receipt);
                self.model.entry(controller).or_default().push(known);
            }
            node.indexer.absorb(step.entries).unwrap();
            node.indexer.flush().unwrap();
            if self.dice.roll(6) == 0 {
                let time = Duration::from_secs(self.dice.roll(2 * 86_400));
                self.wait(time);
            }
        }
    }
}

/// One pass as the threads do it; the number of rows that gave way.
fn pass(base: &Base, info: &Arc<Info>, to: u64, rows: usize) -> Result<usize, ReadError> {
    let Some(mut pass) = Pass::begin(base, info.clone(), to)? else { return Ok(0) };
    let mut removed = 0;
    let mut write = |store: &dyn Store, batch: Batch, synced: bool| {
        removed += batch
            .clone()
            .into_changes()
            .iter()
            .filter(|change| matches!(change, akta::store::Change::Remove(..)))
            .count();
        match (batch.is_empty(), synced) {
            (true, _) => Ok(()),
            (false, true) => store.commit(batch),
            (false, false) => store.derive(batch),
        }
    };
    let mut done = false;
    while !done {
        let mut batch = Batch::default();
        done = pass.slice(base, rows, &mut batch)?;
        write(base.db.as_ref(), batch, true)?;
    }
    let mut postings = pass.postings();
    let mut done = false;
    while !done {
        let mut batch = Batch::default();
        done = postings.slice(base, rows, &mut batch)?;
        write(base.index.as_ref(), batch, false)?;
    }
    Ok(removed)
}

/// Merges everything with these bounds, without remembering it; fails if no slice gets on.
fn merge_between(base: &Base, info: &Info, from: u64, to: u64, rows: usize) -> Result<(), ReadError> {
    let mut dates = BTreeSet::new();
    let mut at = Some(from);
    let mut turns = 0;
    let mut turn = || {
        turns += 1;
        assert!(turns < 10_000, "slices get on");
    };
    while let Some(from) = at {
        turn();
        let mut batch = Batch::default();
        at = merge::headers(base, info, from..to, rows, &mut dates, &mut batch)?.next;
        base.db.commit(batch)?;
    }
    for date in dates {
        let mut at = Some(from);
        while let Some(from) = at {
            turn();
            let mut batch = Batch::default();
            at = merge::frames(base, info, date, from..to, rows, &mut batch)?.next;
            base.db.commit(batch)?;
        }
        let (mut key, mut more) = (None, true);
        while more {
            turn();
            let mut batch = Batch::default();
            key = merge::postings(base, info, date, to, key.as_deref(), rows, &mut batch)?.next;
            base.index.derive(batch)?;
            more = key.is_some();
        }
    }
    Ok(())
}

/// Everything that can be read: records, what the one judge says, what searches find.
fn seen(world: &World, node: &Open) -> (Vec<Record>, Vec<TrailReport>, Vec<Vec<u64>>) {
    let (mut records, mut found) = (Vec::new(), Vec::new());
    for info in world.trails(node) {
        let mut reader = Reader::new(&node.base, &info, node.base.today(&info.zone));
        records.extend((0..info.size()).map(|seq| reader.record(seq).unwrap()));
        for (action, ip) in [(Some(Action::Read), None), (Some(Action::Login), Some(1)), (None, Some(2))] {
            let actions = action.into_iter().map(|action| action as i32).collect();
            let ip = ip.map(|ip| vec![192, 0, 2, ip]);
            let filter = Filter { facts: Facts { ip, actions, ..Facts::default() }, ..Filter::default() };
            let start = Cursor { size: info.size(), next: 0, question: [0; 8] };
            let page = search::search(&node.base, &info, &filter, Order::OldestFirst, start, 10_000).unwrap();
            found.push(page.records.iter().map(|record| record.header.seq).collect());
        }
    }
    let report = verify(&node.base, |_, _, _| {});
    assert_eq!(report.findings, []);
    // The node's own trail grows with every opening.
    let trails = report.trails.into_iter().filter(|trail| !trail.origin.contains("/node/")).collect();
    (records, trails, found)
}

fn rows(disk: &Disk, family: Family) -> Vec<(Vec<u8>, Vec<u8>)> {
    // The node's own trail, number 0, is left alone here.
    let own = |key: &[u8]| family == Family::Header && key.starts_with(&[0; 4]);
    let rows = disk.rows().into_iter().filter(|row| row.0 == family && !own(&row.1));
    rows.map(|(_, key, value)| (key, value)).collect()
}

fn begin(seed: u64, groups: u32) -> (Sim, Open) {
    let mut sim = Sim::new(seed, false, None);
    sim.calm = true;
    let mut node = sim.open().unwrap();
    sim.record_groups(&mut node, groups);
    (sim, node)
}

#[test]
fn whatever_the_bounds_everything_reads_the_same() {
    for seed in 0..30 {
        let (mut sim, mut node) = begin(seed, 80);
        let before = seen(&sim.world, &node);
        for _ in 0..6 {
            for info in sim.world.trails(&node) {
                let to = sim.dice.roll(info.size() + 1);
                let from = sim.dice.roll(to + 1);
                merge_between(&node.base, &info, from, to, 2 + sim.dice.pick(40)).unwrap();
            }
            assert_eq!(seen(&sim.world, &node), before, "seed {seed}");
        }
        // What comes behind merged rows goes on from them; the first receipts are still the answer.
        sim.record_groups(&mut node, 20);
        for info in sim.world.trails(&node) {
            pass(&node.base, &info, info.size(), 50).unwrap();
        }
        let first = sim.model.iter().find(|(_, known)| !known.is_empty()).map(|(who, known)| (who, known[0].clone()));
        let (who, known) = first.unwrap();
        let again = node.writer.step(vec![submission(&(who.clone(), vec![known.clone()]))]).results.remove(0).unwrap();
        assert!(same(&again[0].receipt, &known.receipt.unwrap()));
        drop(node);
        sim.crash("end");
        let node = sim.open().unwrap();
        sim.check_all(&node);
    }
}

#[test]
fn rows_become_as_few_as_can_be_and_stay_so() {
    for seed in 0..10 {
        let (sim, node) = begin(seed, 70);
        let before = rows(&sim.world.db, Family::Header).len();
        let infos = sim.world.trails(&node);
        for info in &infos {
            // Two passes, as of two hours: the second fills up the rows of the first.
            pass(&node.base, info, info.size() / 2, 1_000).unwrap();
            pass(&node.base, info, info.size(), 1_000).unwrap();
            assert!(Pass::begin(&node.base, info.clone(), info.size()).unwrap().is_none(), "nothing is left");
        }
        let full: u64 = infos.iter().map(|info| info.size().div_ceil(64)).sum();
        assert_eq!(rows(&sim.world.db, Family::Header).len() as u64, full, "seed {seed}: of {before}");
        // All that is readable of one trail on one date is far below 16 KiB here, but for the commonest.
        let mut frames = BTreeSet::new();
        for (key, value) in rows(&sim.world.db, Family::Part) {
            let (date, large) = (keys::date_of(&key).unwrap(), value.len() > 2_000);
            let past = date <= infos[0].zone.date(sim.world.now);
            assert!(frames.insert(key[..10].to_vec()) || large || past, "seed {seed}: two small frames of {date}");
        }
        let postings = rows(&sim.world.index, Family::Posting);
        let live = |key: &[u8]| keys::date_of(key).unwrap() > infos[0].zone.date(sim.world.now);
        let terms: BTreeSet<_> =
            postings.iter().filter(|row| live(&row.0)).map(|(key, _)| &key[..POSTING_PREFIX]).collect();
        assert_eq!(postings.iter().filter(|row| live(&row.0)).count(), terms.len(), "a row for every term");

        let bytes = (sim.world.db.rows(), sim.world.index.rows());
        for info in &infos {
            merge_between(&node.base, info, 0, info.size(), 1_000).unwrap();
        }
        assert!((sim.world.db.rows(), sim.world.index.rows()) == bytes, "seed {seed}: a second time changes nothing");
    }
}

#[test]
fn a_crash_in_between_leaves_one_or_the_other() {
    for seed in 0..20 {
        for fault in [Fault::Lost, Fault::AppliedThenFailed] {
            let (mut sim, mut node) = begin(seed, 40);
            // Else the next start would do it.
            assert!(sim.expire(&mut node));
            let before = seen(&sim.world, &node);
            let after = sim.dice.roll(4);
            let (device, call) =
                if sim.dice.one_in(4) { (Device::Index, Call::Derive) } else { (Device::Db, Call::Commit) };
            sim.world.faults(device, |faults| faults.plan(call, after, fault));
            let struck =
                sim.world.trails(&node).iter().any(|info| {
                    pass(&node.base, info, info.size(), 7).is_err_and(|e| e.to_string().contains("planned"))
                });
            assert!(struck, "the fault strikes");
            drop(node);
            sim.crash("amid a merge");
            let node = sim.open().unwrap();
            assert_eq!(seen(&sim.world, &node), before, "seed {seed}, {fault:?}");
            for info in sim.world.trails(&node) {
                pass(&node.base, &info, info.size(), 7).unwrap();
            }
            assert_eq!(seen(&sim.world, &node), before, "seed {seed}, {fault:?}");
        }
    }
}

#[test]
fn damage_is_named_and_not_merged() {
    // One in which a group begins at record 5, with a frame of its own beside others of its date.
    let begins = |sim: &Sim, family| {
        let rows = rows(&sim.world.db, family);
        let row = rows.iter().rfind(|(key, _)| key.ends_with(&[0, 5]));
        row.is_some_and(|row| {
            rows.iter().filter(|other| other.0[..other.0.len() - 8] == row.0[..row.0.len() - 8]).count() > 1
        })
    };
    let mut begun = (0..100).map(|seed| begin(seed, 40));
    let (sim, node) = begun.find(|(sim, _)| begins(sim, Family::Header) && begins(sim, Family::Part)).unwrap();
    let info = sim.world.trails(&node).remove(0);
    let flip = |family, pick: fn(&[u8]) -> usize| {
        let row = rows(&sim.world.db, family).into_iter().rfind(|(key, _)| key.ends_with(&[0, 5])).unwrap();
        let mut value = row.1.clone();
        value[pick(&row.1)] ^= 1;
        let mut batch = Batch::default();
        batch.put(family, row.0.clone(), value);
        node.base.db.commit(batch).unwrap();
        row
    };
    let mend = |family, (key, value): (Vec<u8>, Vec<u8>)| {
        let mut batch = Batch::default();
        batch.put(family, key, value);
        node.base.db.commit(batch).unwrap();
    };
    // The last byte of a run is of a commitment: it decodes, but the row behind carries another link.
    let row = flip(Family::Header, |value| value.len() - 1);
    for info in sim.world.trails(&node) {
        let mut batch = Batch::default();
        let damaged = keys::trail_seq(info.number, 0)[..4] == row.0[..4];
        match merge::headers(&node.base, &info, 0..info.size(), 1_000, &mut BTreeSet::new(), &mut batch) {
            Err(ReadError::DataLoss { origin, seq, .. }) => {
                assert!(damaged && batch.is_empty());
                assert_eq!(origin, info.origin.as_str());
                assert!((5..15).contains(&seq), "the record behind the damaged row, not {seq}");
            }
            other => assert!(!damaged && other.is_ok(), "{other:?}"),
        }
    }
    mend(Family::Header, row);
    let row = flip(Family::Part, |value| value.len() / 2);
    let date = keys::date_of(&row.0).unwrap();
    let info =
        sim.world.trails(&node).into_iter().find(|info| info.number.to_be_bytes() == row.0[6..10]).unwrap_or(info);
    let mut batch = Batch::default();
    let error = merge::frames(&node.base, &info, date, 0..info.size(), 1_000, &mut batch).unwrap_err();
    assert!(matches!(error, ReadError::DataLoss { seq: 5, .. }), "{error}");
    assert!(batch.is_empty());
    mend(Family::Part, row);
    // What is past its date is left alone, also where it is damaged.
    sim.world.clock.set(sim.world.now.plus(Duration::from_secs(4_000 * 86_400)));
    let nothing = merge::frames(&node.base, &info, Date::from_days(date.days()), 0..info.size(), 1_000, &mut batch);
    assert_eq!(nothing.unwrap().replaced, 0);
    assert!(batch.is_empty());
}

/// `cargo test --release --test sim -- --ignored --nocapture bytes_per_event` prints what docs/operations.md may say.
#[test]
#[ignore = "prints figures, holds nothing that could fail"]
fn bytes_per_event() {
    const EVENTS: usize = 20_000;
    let (sim, mut node) = begin(1, 0);
    let (mut events, mut ids) = (Events::new(1), Ids::fresh(1));
    for _ in 0..EVENTS {
        let mut event = events.draw();
        event.event_id = String::from_utf8_lossy(&ids.draw()).into_owned();
        let (controller, event) = convert::event(Some(event)).unwrap();
        let step = node.writer.step(vec![Submission { controller, events: vec![event], may_open: true }]);
        step.publish();
        assert!(step.results[0].is_ok());
        node.indexer.absorb(step.entries).unwrap();
        node.indexer.flush().unwrap();
    }
    let print = |when: &str| {
        for (database, disk) in [(Database::Db, &sim.world.db), (Database::Index, &sim.world.index)] {
            let folder = tempfile::tempdir().unwrap();
            let store = RocksStore::open(folder.path(), database).unwrap();
            let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
            for rows in disk.rows().chunks(10_000) {
                let mut batch = Batch::default();
                for (family, key, value) in rows {
                    *counts.entry(family.name()).or_default() += 1;
                    batch.put(*family, key.clone(), value.clone());
                }
                store.derive(batch).unwrap();
            }
            store.compact().unwrap();
            drop(store);
            let files = std::fs::read_dir(folder.path().join(database.folder())).unwrap().map(Result::unwrap);
            let tables = files.filter(|file| file.path().extension().is_some_and(|end| end == "sst"));
            let bytes: u64 = tables.map(|file| file.metadata().unwrap().len()).sum();
            println!("{when} {database:?}: {} bytes per event, rows {counts:?}", bytes / EVENTS as u64);
        }
    };
    print("before");
    let begun = std::time::Instant::now();
    for info in sim.world.trails(&node) {
        pass(&node.base, &info, info.size(), 1_000).unwrap();
    }
    println!("merged in {:?}", begun.elapsed());
    print("after ");
}
