//! Golden bytes of what is hashed: commitments of parts, headers, links, runs.
#![allow(clippy::unwrap_used)]

use std::time::Duration;

use akta::model::date::{Date, Timestamp, Zone};
use akta::model::header::{Group, Header, Kind, Link};
use akta::model::notice::{self, Told};
use akta::model::origin::Origin;
use akta::model::part::{self, PartId, PartKey};
use akta::model::permission::Permission;
use akta::model::permission::change::{Change, Decided};
use akta::model::permission::grants::{GRANT_MAX, Span};
use akta::model::permission::holder::Holder;
use akta::model::permission::told::tell;
use akta::model::policy::Class;
use akta::model::run;
use prost::Message;

use super::sheet::Sheet;

/// The trail of the page's worked example.
pub(crate) const ORIGIN: &str = "akta.dev/school-12/w0a1b2c3d";

/// 2026-11-22T10:00:00Z, when it was opened.
pub(crate) const OPENED: i64 = 1_795_341_600_000_000_000;

pub(crate) fn origin() -> Origin {
    Origin::parse(ORIGIN).unwrap()
}

#[test]
fn commitments_are_golden() {
    let key = PartKey { id: PartId::Subject, index: 258 };
    let salt = part::salt(&[7; 32], 0x0102_0304_0506_0708, key);
    let hash = part::part_hash(&salt, key, b"content");
    let core = PartKey::first(PartId::Core);
    let mut sheet = Sheet::new("commitments");
    sheet.about(
        "The page's worked example: seed 32 x 07, seq 0102030405060708, part 2, index 258, content \"content\".",
    );
    sheet.bytes("salt", salt);
    sheet.bytes("akta v1 part", hash);
    sheet.about("The group of the core with part hash 32 x 09, and that part.");
    sheet.bytes("akta v1 group", part::group_hash([(core, [9; 32]), (key, hash)]));
    sheet.about("Each part id with index 0 under that seed: its salt, then the hash of no bytes.");
    for id in PartId::ALL {
        let key = PartKey::first(id);
        let salt = part::salt(&[7; 32], 1, key);
        sheet.bytes(&format!("{id} salt"), salt);
        sheet.bytes(&format!("{id} hash"), part::part_hash(&salt, key, b""));
    }
    sheet.about("A notice's group: its core under a salt of 32 zero bytes.");
    sheet.bytes("notice group", notice::commitment(&opening_core()));
    sheet.about("The slices of a grant under that seed, as seq 2: who and why, to whom; each hash, and their group.");
    let told = granted();
    let mut slices = Vec::new();
    for (index, slice) in (0..).zip(&told.slices) {
        let key = PartKey { id: PartId::Detail, index };
        let (salt, bytes) = (part::salt(&[7; 32], 2, key), slice.encode_to_vec());
        let hash = part::part_hash(&salt, key, &bytes);
        sheet.bytes(&format!("slice {index}"), bytes);
        sheet.bytes(&format!("slice {index} hash"), hash);
        slices.push((key, hash));
    }
    sheet.bytes("slices group", part::group_hash(slices));
    sheet.check();
}

/// The core of the opening notice of the worked example.
fn opening_core() -> Vec<u8> {
    let zone = Zone::named("Europe/Warsaw").unwrap();
    let contents = notice::contents(notice::opening(&origin(), &zone, ""), None, Timestamp::from_nanos(OPENED));
    contents.notice.unwrap().encode_to_vec()
}

/// A grant: what its notice says, and what its slices do.
fn granted() -> Told {
    let now = Timestamp::from_nanos(OPENED);
    let holder = Holder::parse("group security of https://login.vendor.example").unwrap();
    let span = Span::new(now, now.plus(Duration::from_secs(30 * 86_400)), GRANT_MAX).unwrap();
    let id = "91919191-9191-9191-9191-919191919191".into();
    let change = Change::Grant { id, holder, permissions: [Permission::Search].into(), span };
    let decided = Decided { by: "anna".to_owned(), ground: "contract of 20 August".to_owned() };
    tell(&change, &decided, now, &Zone::named("Europe/Warsaw").unwrap()).unwrap()
}

/// The notice of that grant after the chain: core, and slices under the seed of the worked example.
fn granted_header(chain: &[Header]) -> Header {
    let (told, before) = (granted(), chain.last().unwrap());
    let (date, seq) = (told.date, before.seq + 1);
    let at = Some(notice::Before { ordinal: 0, seq: 0 });
    let mut parts = notice::contents(told, at, Timestamp::from_nanos(OPENED)).parts().into_iter();
    let mut header = notice::header(&parts.next().unwrap().1, seq, Timestamp::from_nanos(OPENED), before.link());
    let slices = parts.map(|(key, bytes)| (key, part::part_hash(&part::salt(&[7; 32], seq, key), key, &bytes)));
    let commitment = part::group_hash(slices);
    header.groups.push(Group { date, bitmap: PartId::Detail.bit(), commitment });
    header.check().unwrap();
    header
}

/// A chain: the opening notice, then an event for each number of groups and some classes.
pub(crate) fn chain() -> Vec<Header> {
    let time = Timestamp::from_nanos(OPENED);
    let mut chain = vec![notice::header(&opening_core(), 0, time, Link::of_origin(&origin()))];
    for (count, class) in (1..=6u8).zip([
        Class::Access,
        Class::Session,
        Class::Register,
        Class::Evidence,
        Class::LogAccess,
        Class::Accounting,
    ]) {
        let before = chain.last().unwrap();
        let groups = (0..count).map(|at| Group {
            date: Date::from_days(21_510 + u32::from(at) * 100),
            // The last one has all that is left.
            bitmap: if at + 1 == count { 0b11_1111 & !((1 << at) - 1) } else { 1 << at },
            commitment: [0x40 + at; 32],
        });
        let header = Header {
            kind: Kind::Event,
            class,
            seq: before.seq + 1,
            day: before.day,
            previous: before.link(),
            groups: groups.collect(),
        };
        header.check().unwrap();
        chain.push(header);
    }
    chain
}

#[test]
fn headers_are_golden() {
    let chain = chain();
    let mut sheet = Sheet::new("headers");
    sheet.about("O of the trail akta.dev/school-12/w0a1b2c3d.");
    sheet.bytes("akta v1 trail origin", Link::of_origin(&origin()).0);
    sheet.about("The opening notice, then an event for each number of groups, each with its link.");
    for header in &chain {
        let name = match header.kind {
            Kind::Notice => "notice".to_owned(),
            Kind::Event => format!("event of {} groups", header.groups.len()),
        };
        let bytes = header.encode();
        assert_eq!(Header::decode(&bytes).as_ref(), Ok(header));
        sheet.bytes(&format!("{name}: header"), &bytes);
        sheet.bytes(&format!("{name}: link"), header.link().0);
    }
    sheet.about("The link of the last one, by its context.");
    sheet.bytes("akta v1 record link", chain.last().unwrap().link().0);
    sheet.about("One row of all, and one of the last.");
    for (name, run) in [("run of 7", &chain[..]), ("run of 1", &chain[6..])] {
        let bytes = run::encode(run);
        let read: Vec<_> = run::decode(run[0].seq, &bytes).unwrap().into_iter().map(|linked| linked.header).collect();
        assert_eq!(read, run);
        sheet.bytes(name, bytes);
    }
    sheet.about("A notice with slices after them, and its run.");
    let granted = granted_header(&chain);
    assert_eq!(Header::decode(&granted.encode()).as_ref(), Ok(&granted));
    sheet.bytes("notice with slices: header", granted.encode());
    sheet.bytes("notice with slices: link", granted.link().0);
    sheet.bytes("notice with slices: run", run::encode(std::slice::from_ref(&granted)));
    sheet.check();
}
