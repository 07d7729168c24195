//! Nothing is left of what is expired: no row, no byte in any file, no key; and of a copy of the records that was made before,
//! no key that is still held opens any of it.
#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::time::Duration;

use akta::grpc::convert;
use akta::model::date::{Date, Timestamp};
use akta::model::frame;
use akta::model::identity::Pseudonym;
use akta::model::origin::Controller;
use akta::model::seal::{Use, date_key};
use akta::model::stored::Action;
use akta::model::term::Term;
use akta::store::disk::Disk;
use akta::store::{Database, Family, Scan, keys};
use akta::trail::base::Base;
use akta::trail::keyring::Kek;
use akta::trail::reader::Reader;
use akta::trail::submission::Submission;
use akta::trail::verify::verify;

use crate::decided::all_kinds;
use crate::events::{Drawn, report};
use crate::node::{Node, copy, settings, trails, world};

const DAY: Duration = Duration::from_secs(86_400);
/// What is looked for must be no chance: so many bytes of it.
const NEEDLE: usize = 16;

/// Values that stand in one part each, and nowhere else.
const PLANTED: [&str; 9] = [
    "planted-in-core-event-name",
    "planted-in-core-resource-type",
    "planted-in-net-user-agent",
    "planted-in-net-forwarded",
    "planted-in-session-id",
    "planted-in-detail-resource-id",
    "planted-in-detail-attribute",
    "planted-in-detail-reason",
    "planted-in-detail-field",
];

/// An event with every part, and a value in each.
fn planted(drawn: &mut Drawn, of: &Controller, now: Timestamp) -> Submission {
    let mut message = drawn.message(of, now);
    while message.subjects.is_empty() || message.action != Action::Read as i32 || message.retention_class != 0 {
        message = drawn.message(of, now);
    }
    message.event_name = PLANTED[0].to_owned();
    let resource = message.resource.get_or_insert_default();
    (resource.r#type, resource.id) = (PLANTED[1].to_owned(), PLANTED[5].to_owned());
    resource.fields = vec![PLANTED[8].to_owned()];
    let network = message.network.get_or_insert_default();
    network.ip = "198.51.100.77".to_owned();
    network.user_agent = PLANTED[2].as_bytes().to_vec();
    network.forwarded_for = PLANTED[3].as_bytes().to_vec();
    message.session.get_or_insert_default().id = PLANTED[4].as_bytes().to_vec();
    message.attributes = BTreeMap::from([("class".to_owned(), PLANTED[6].to_owned())]);
    message.outcome_reason = PLANTED[7].to_owned();
    let event = convert::event(Some(message)).unwrap_or_else(|bad| panic!("{bad:?}")).1;
    Submission { controller: of.clone(), events: vec![event], may_open: true }
}

#[test]
fn nothing_is_left_of_what_is_expired() {
    let root = tempfile::tempdir().unwrap();
    let (live, old) = (root.path().join("live"), root.path().join("old"));
    std::fs::create_dir(&live).unwrap();
    let schools = ["school-12", "school-7"].map(|name| Controller::new(name).unwrap());
    let mut drawn = Drawn::new(4);
    let begun = Timestamp::parse("2026-09-01T09:00:00Z").unwrap();
    let mut node = Node::open(&live, begun, 4, "Europe/Warsaw").unwrap();
    for group in 0..40 {
        let school = &schools[group % 2];
        let now = node.now;
        node.record(vec![planted(&mut drawn, school, now)]);
        report(&mut node, &mut drawn, &schools, 3);
        // Logs and files, merged and not.
        if group % 13 == 12 {
            node.disk.db.flush().unwrap();
            node.disk.index.flush().unwrap();
            let info = node.trail(school);
            node.merge(&info, info.size() / 2);
        }
    }
    all_kinds(&mut node, &schools[0], 100);
    node.settle();
    node.guard();
    copy(&live, &old);
    let before = Before::of(&node.base);

    // A week on, what lives for a week; two years on, most of the rest; what is recorded meanwhile stays.
    let mut through = Vec::new();
    for days in [8, 740] {
        let to = begun.plus(DAY * days);
        node.pass(Duration::from_nanos(u64::try_from(to.nanos() - node.now.nanos()).unwrap()));
        report(&mut node, &mut drawn, &schools, 5);
        let today = node.base.today(&node.base.settings.zone);
        let done = node.expire(Some(today));
        assert_eq!((done.zones.len(), done.zones[0].through, done.zones[0].trails), (1, today, 2));
        node.reclaim();
        node.guard();
        through.push(today);
        let left = before.frames.keys().filter(|(date, ..)| *date > today).count();
        assert!(left > 0 && left < before.frames.len(), "some goes, some stays");
        assert_eq!(verify(&node.base, |_, _, _| ()).findings, []);
        rows(&node, today);
        assert_eq!(left_while_open(&live, &before, today), None);
    }
    // Also the logs of a clean end, and what a start makes of it.
    let last = *through.last().unwrap();
    let now = node.now;
    node.close();
    assert_eq!(left(&live, &before, last, false), None);
    let node = Node::open(&live, now, 5, "Europe/Warsaw").unwrap();
    assert_eq!(verify(&node.base, |_, _, _| ()).findings, []);
    node.close();
    assert_eq!(left(&live, &before, last, true), None);

    nothing_opens(&live, &old, now, last);
}

/// What stood in the folder before, sealed.
struct Before {
    /// Values of frames, by date and key.
    frames: BTreeMap<(Date, Vec<u8>), Vec<u8>>,
    /// Keys of postings, by date.
    postings: Vec<(Date, Vec<u8>)>,
    /// The slots of the keyring as they were.
    dates: Vec<(Date, [u8; 32])>,
}

impl Before {
    fn of(base: &Base) -> Self {
        let all = |store: &dyn akta::store::Store, family| -> Vec<(Date, Vec<u8>, Vec<u8>)> {
            let rows = store.scan(Scan::all(family)).map(Result::unwrap);
            rows.map(|(key, value)| (keys::date_of(&key).unwrap(), key.into(), value.into())).collect()
        };
        let frames: BTreeMap<_, _> =
            all(base.db.as_ref(), Family::Part).into_iter().map(|(date, key, value)| ((date, key), value)).collect();
        let dates: std::collections::BTreeSet<Date> = frames.keys().map(|(date, _)| *date).collect();
        let dates = dates.into_iter().map(|date| (date, *base.keyring.date_key(0, date).unwrap().bytes())).collect();
        let postings =
            all(base.index.as_ref(), Family::Posting).into_iter().map(|(date, key, _)| (date, key)).collect();
        Self { frames, postings, dates }
    }

    /// What must be in no file: pieces of every frame, the terms of every posting, and the keys, of dates up to that.
    fn needles(&self, through: Date) -> HashMap<[u8; 8], Vec<(String, Vec<u8>)>> {
        let mut needles: HashMap<[u8; 8], Vec<(String, Vec<u8>)>> = HashMap::new();
        let mut add = |what: String, bytes: &[u8]| {
            let needle = bytes[..NEEDLE.min(bytes.len())].to_vec();
            needles.entry(*needle.first_chunk().unwrap()).or_default().push((what, needle));
        };
        for ((date, _), value) in self.frames.iter().filter(|((date, _), _)| *date <= through) {
            // From the nonce on, and from the middle.
            add(format!("a frame of {date}"), &value[6..]);
            add(format!("a frame of {date}"), &value[value.len() / 2..]);
        }
        for (date, key) in self.postings.iter().filter(|(date, _)| *date <= through) {
            add(format!("a term of {date}"), &key[11..27]);
        }
        for (date, key) in self.dates.iter().filter(|(date, _)| *date <= through) {
            add(format!("the key of {date}"), key);
        }
        PLANTED.iter().for_each(|value| add((*value).to_owned(), value.as_bytes()));
        needles
    }
}

/// What is left of it in any file below a folder. The list of a database's files (MANIFEST) names the first and last key of
/// each that it had, terms too, until the next start writes it anew: looked at only where one did.
fn left(folder: &Path, before: &Before, through: Date, started: bool) -> Option<String> {
    let needles = before.needles(through);
    let mut count = 0;
    for entry in walk(folder) {
        let bytes = std::fs::read(&entry).unwrap();
        let list = entry.file_name().is_some_and(|name| name.to_string_lossy().starts_with("MANIFEST-"));
        count += 1;
        for (at, window) in bytes.windows(8).enumerate() {
            let Some(found) = needles.get(window) else { continue };
            let named = |what: &str| !started && list && what.starts_with("a term");
            let found = found.iter().find(|(what, needle)| bytes[at..].starts_with(needle) && !named(what));
            if let Some((what, _)) = found {
                return Some(format!("{} has {what:?} at {at}, after {through}", entry.display()));
            }
        }
    }
    assert!(count > 10, "there are files");
    None
}

/// While it is open, RocksDB takes its old files away a moment later: on a copy that stood still.
fn left_while_open(live: &Path, before: &Before, through: Date) -> Option<String> {
    let still = live.parent().unwrap().join("still");
    let mut found = None;
    for _ in 0..50 {
        copy(live, &still);
        found = left(&still, before, through, false);
        std::fs::remove_dir_all(&still).unwrap();
        if found.is_none() {
            break;
        }
    }
    found
}

fn walk(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { walk(&path) } else { vec![path] }).collect()
}

/// Through raw handles: no key of a date that is gone, in any family that has dates.
fn rows(node: &Node, through: Date) {
    for (store, database) in [(&node.disk.db, Database::Db), (&node.disk.index, Database::Index)] {
        for family in database.families() {
            let mut rows = 0;
            for row in store.scan(Scan::all(*family)) {
                let (key, _) = row.unwrap();
                rows += 1;
                let date = match family {
                    Family::Part | Family::Posting => keys::date_of(&key),
                    Family::Counter => keys::counted(&key).map(|(date, _)| date).filter(|date| *date != Date::NEVER),
                    _ => None,
                };
                assert!(date.is_none_or(|date| date > through), "{family:?} has {date:?}");
            }
            // Subtrees are whole from 256 records on.
            assert!(rows > 0 || *family == Family::Tree, "{family:?}");
        }
    }
}

/// Every key that is held today, tried on every frame and every term of the old copy: what is expired stays shut.
fn nothing_opens(live: &Path, old: &Path, now: Timestamp, through: Date) {
    let open = |folder: &Path| {
        Base::open_read_only(
            Disk::open_read_only(folder, None).unwrap(),
            Some(Kek::dev()),
            settings("UTC"),
            world(now, 9).0,
        )
        .unwrap()
    };
    let (today, then) = (open(live), open(old));
    let held: Vec<_> = (0..20_000)
        .map(|days| Date::from_days(begins() + days))
        .filter_map(|date| Some((date, today.keyring.date_key(0, date)?)))
        .collect();
    assert!(held.len() > 2_000 && held.iter().all(|(date, _)| *date > through));
    let (mut shut, mut opened) = (0, 0);
    for info in trails(&then).unwrap() {
        let people: Vec<Pseudonym> = {
            let mut reader = Reader::new(&then, &info, Date::NEVER);
            let records = (0..info.size()).map(|seq| reader.record(seq).unwrap());
            records
                .flat_map(|record| record.contents.subjects)
                .filter_map(|subject| Pseudonym::from_slice(&subject.pseudonym))
                .collect()
        };
        for row in then.db.scan(Scan::all(Family::Part)) {
            let (key, value) = row.unwrap();
            let (date, first) = (keys::date_of(&key).unwrap(), keys::seq_of(&key).unwrap());
            if !key.starts_with(&keys::dated(date, info.zone_number, info.number)) {
                continue;
            }
            let opens = |of: Date, key: &akta::model::seal::Key| {
                let seal = date_key(Use::Seal, &info.key, key, &info.link);
                frame::open(&seal, &info.link, of, first, &value).is_ok()
            };
            if date <= through {
                assert!(!held.iter().any(|(_, key)| opens(date, key)), "a frame of {date} opens");
                shut += 1;
            } else {
                assert!(opens(date, &today.keyring.date_key(0, date).unwrap()), "a frame of {date} does not open");
                opened += 1;
            }
        }
        let known: std::collections::BTreeSet<[u8; 16]> = then
            .index
            .scan(Scan::all(Family::Posting))
            .map(|row| row.unwrap().0)
            .filter(|key| keys::dated_of(key).is_some_and(|(date, _, trail)| date <= through && trail == info.number))
            .map(|key| <[u8; 16]>::try_from(&key[11..27]).unwrap())
            .collect();
        assert!(info.controller.is_node() || !known.is_empty());
        for (_, key) in &held {
            let index = date_key(Use::Index, &info.key, key, &info.link);
            for person in people.iter().take(5) {
                for term in [Term::Subject(*person), Term::Actor(*person)] {
                    assert!(!known.contains(&term.keyed(index.bytes())), "a term is known again");
                }
            }
        }
    }
    assert!(shut > 20 && opened > 5, "{shut} shut, {opened} opened");
}

fn begins() -> u32 {
    Date::of_utc(Timestamp::parse("2026-08-01").unwrap()).days()
}
