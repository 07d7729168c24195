//! Trails of made-up headers, trimmed step by step: nothing that is not past goes, and what the notices say agrees.

mod restated;

use proptest::prelude::*;

use super::choice::{Choice, Facts, Stop};
use super::reach::Reach;
use super::told::{Seen, Trimmed, Untrue};
use super::{RESTATED_MAX, STEP};
use crate::model::date::Date;
use crate::model::header::{Group, Header, Kind, Link};
use crate::model::part::PartId;
use crate::model::policy::Class;
use crate::model::tiles::tests::Plain;
use crate::model::tiles::{self, Tiles, TilesError};
use crate::model::tree::{self, Frontier, Hash};

const DAY: Date = Date::from_days(20_000);
const PAST: Date = Date::from_days(20_400);

/// What one record is: a notice or an event, and when its last part expires; `None`: a notice without slices.
type Record = (Kind, Option<Date>);

const EVENT: Record = (Kind::Event, Some(PAST));
const NOTICE: Record = (Kind::Notice, None);

fn origin() -> Link {
    Link([9; 32])
}

/// Headers of these records, linked, from position 0.
fn chained(records: &[Record]) -> Vec<Header> {
    let mut previous = origin();
    let headers = (0..).zip(records).map(|(seq, (kind, date))| {
        let group = |date, id: PartId| Group { date, bitmap: id.bit(), commitment: [seq as u8; 32] };
        let groups = match (kind, *date) {
            (Kind::Event, date) => vec![group(date.expect("events expire"), PartId::Core)],
            (Kind::Notice, None) => vec![group(Date::NEVER, PartId::Core)],
            (Kind::Notice, Some(date)) => vec![group(Date::NEVER, PartId::Core), group(date, PartId::Detail)],
        };
        let class = if *kind == Kind::Notice { Class::Ledger } else { Class::Access };
        let header = Header { kind: *kind, class, seq, day: DAY, previous, groups };
        previous = header.link();
        header
    });
    headers.collect()
}

/// A trail that begins with its opening, of `count` records in all.
fn past(count: usize) -> Vec<Record> {
    let mut records = vec![EVENT; count];
    records[0] = NOTICE;
    records
}

fn seen(size: u64) -> Seen {
    Seen { size, root: Hash([5; 32]) }
}

fn facts() -> Facts {
    Facts { through: PAST, in_use: None, below: seen(u64::MAX) }
}

fn chosen(headers: &[Header], facts: Facts) -> Choice {
    let mut choice = Choice::new(Frontier::default(), origin(), facts);
    for header in headers {
        choice.take(header);
    }
    choice
}

#[test]
fn the_first_record_that_has_to_stay_says_why_and_whole_steps_before_it_go() {
    let later = PAST.plus_days(1);
    let with = |at: usize, record: Record| {
        let mut records = past(600);
        records[at] = record;
        records
    };
    type Row = (&'static str, Vec<Record>, Facts, u64, Option<(u64, Stop)>);
    let rows: [Row; 9] = [
        ("all is past", past(600), facts(), 512, None),
        ("exactly a step", past(256), facts(), 256, None),
        ("less than a step", past(255), facts(), 0, None),
        ("an event lives", with(511, (Kind::Event, Some(later))), facts(), 256, Some((511, Stop::Dated(later)))),
        ("a slice lives", with(256, (Kind::Notice, Some(later))), facts(), 256, Some((256, Stop::Dated(later)))),
        ("a slice is past", with(256, (Kind::Notice, Some(PAST))), facts(), 512, None),
        ("held", past(600), Facts { in_use: Some(255), ..facts() }, 0, Some((255, Stop::InUse))),
        ("held beyond", past(600), Facts { in_use: Some(512), ..facts() }, 512, Some((512, Stop::InUse))),
        ("seen", past(600), Facts { below: seen(511), ..facts() }, 256, Some((511, Stop::Beyond(511)))),
    ];
    for (name, records, facts, first, stop) in rows {
        let headers = chained(&records);
        let choice = chosen(&headers, facts);
        assert_eq!(choice.trimmed().map_or(0, |trimmed| trimmed.first), first, "{name}");
        assert_eq!(choice.stop(), stop, "{name}");
        if let Some(trimmed) = choice.trimmed() {
            assert_eq!(trimmed.link, headers[first as usize - 1].link(), "{name}");
        }
    }
}

#[test]
fn what_is_damaged_stays() {
    let good = chained(&past(600));
    let mut class = good.clone();
    class[300].class = Class::Security;
    let mut missing = good.clone();
    missing.remove(300);
    for (name, headers, at) in [("class", class, 301), ("missing", missing, 300)] {
        assert_eq!(chosen(&headers, facts()).stop(), Some((at, Stop::Unlinked)), "{name}");
    }
}

#[test]
fn a_trail_of_notices_alone_goes_in_steps_that_a_notice_can_tell() {
    let headers = chained(&vec![NOTICE; 1_300]);
    let choice = chosen(&headers, facts());
    assert_eq!(choice.stop(), Some((RESTATED_MAX as u64, Stop::Full)));
    let mut trimmed = choice.trimmed().expect("a step").clone();
    assert_eq!((trimmed.start, trimmed.first, trimmed.restated.len()), (0, 512, RESTATED_MAX));

    // The next step goes on from what the notice before says, and from the tree.
    let mut tree = Frontier::default();
    headers[..512].iter().for_each(|header| tree.append(tree::leaf_hash(&header.encode()), |_, _, _| ()));
    assert_eq!(tree.root(), trimmed.root);
    let mut next = Choice::new(tree, trimmed.link, facts());
    headers[512..].iter().take_while(|header| next.take(header)).for_each(drop);
    trimmed = next.trimmed().expect("a step").clone();
    assert_eq!((trimmed.start, trimmed.first), (512, 1_024));
    assert_eq!(trimmed.header(600), Some(&headers[600]));
    assert_eq!(trimmed.header(511), None);
}

#[test]
fn a_notice_that_cannot_be_true_is_refused() {
    let mut records = past(600);
    (records[255], records[300], records[400]) = (NOTICE, (Kind::Notice, Some(PAST)), NOTICE);
    let headers = chained(&records);
    // The range ends with a notice, so that the link is one that a restated header gives.
    let good = chosen(&headers[..256], facts()).trimmed().expect("a step").clone();
    assert_eq!(Trimmed::read(&good.told()), Ok(good.clone()));
    let longer = chosen(&headers, facts()).trimmed().expect("two steps").clone();

    type Change = fn(&mut Trimmed);
    let rows: [(&str, &Trimmed, Change, Untrue); 12] = [
        ("nothing", &good, |t| t.first = 0, Untrue::Step { start: 0, first: 0 }),
        ("within a step", &good, |t| t.first = 255, Untrue::Step { start: 0, first: 255 }),
        ("begun within", &longer, |t| t.start = 1, Untrue::Step { start: 1, first: 512 }),
        ("unseen", &good, |t| t.below.size = 255, Untrue::Beyond { first: 256, size: 255 }),
        ("two roots", &good, |t| t.below.size = 256, Untrue::Roots(256)),
        ("no opening", &good, |t| _ = t.restated.remove(0), Untrue::Restated(0)),
        ("twice", &longer, |t| t.restated.insert(1, t.restated[0].clone()), Untrue::Restated(1)),
        ("out of order", &longer, |t| t.restated.swap(1, 2), Untrue::Restated(2)),
        ("beyond", &longer, |t| t.first = 256, Untrue::Restated(2)),
        ("an event", &longer, |t| t.restated[1].kind = Kind::Event, Untrue::Restated(1)),
        ("another class", &good, |t| t.restated[1].class = Class::Access, Untrue::Restated(1)),
        (
            "not past",
            &longer,
            |t| t.through = Date::from_days(t.through.days() - 1),
            Untrue::TooMuch { seq: 300, date: PAST },
        ),
    ];
    for (name, from, change, untrue) in rows {
        let mut trimmed = from.clone();
        change(&mut trimmed);
        assert_eq!(Trimmed::read(&trimmed.told()), Err(untrue), "{name}");
    }

    let mut told = good.told();
    told.root.pop();
    assert_eq!(Trimmed::read(&told), Err(Untrue::Form("root")));
    told = good.told();
    told.notices[1].pop();
    assert_eq!(Trimmed::read(&told), Err(Untrue::Restated(1)));
    told.notices = vec![Vec::new(); RESTATED_MAX + 1];
    assert_eq!(Trimmed::read(&told), Err(Untrue::TooMany(RESTATED_MAX + 1)));
}

/// A tree of which the leaves before `first` are gone.
struct Trailing {
    plain: Plain,
    first: u64,
}

impl Tiles for Trailing {
    type Error = &'static str;

    fn tile(&self, level: u8, index: u64, width: usize) -> Result<Vec<Hash>, &'static str> {
        match level == 0 && 256 * index < self.first {
            true => Err("trimmed"),
            false => Ok(self.plain.tile(level, index, width).expect("never fails")),
        }
    }
}

fn record() -> impl Strategy<Value = Record> {
    let date = (0..3u32).prop_map(|after| PAST.plus_days(after));
    // Most are past, so that there is something to trim.
    prop_oneof![
        2_000 => Just(EVENT),
        20 => Just(NOTICE),
        20 => Just((Kind::Notice, Some(PAST))),
        1 => (prop_oneof![Just(Kind::Event), Just(Kind::Notice)], date.prop_map(Some)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn no_more_goes_than_may_and_no_less(
        mut records in prop::collection::vec(record(), 1..1_200),
        in_use in prop::option::of(0..1_500u64),
        size in 0..1_500u64,
    ) {
        records[0] = NOTICE;
        let facts = Facts { in_use, below: seen(size), ..facts() };
        let headers = chained(&records);
        let choice = chosen(&headers, facts);

        let goes = |(seq, (_, date)): &(u64, &Record)| {
            date.is_none_or(|date| date <= PAST) && in_use.is_none_or(|first| *seq < first) && *seq < size
        };
        let may = (0..).zip(&records).take_while(goes).count() as u64;
        let first = choice.trimmed().map_or(0, |trimmed| trimmed.first);
        prop_assert_eq!(first, may - may % STEP);
        prop_assert_eq!(choice.stop().map_or(records.len() as u64, |(seq, _)| seq), may);
        let Some(trimmed) = choice.trimmed() else { return Ok(()) };
        prop_assert_eq!(Trimmed::read(&trimmed.told()), Ok(trimmed.clone()));
        let notices = headers[..first as usize].iter().filter(|header| header.kind == Kind::Notice);
        prop_assert!(notices.eq(&trimmed.restated));
        let leaves: Vec<_> = headers[..first as usize].iter().map(|header| tree::leaf_hash(&header.encode())).collect();
        prop_assert_eq!(tiles::root(&Plain::new(leaves), first), Ok(trimmed.root));
    }

    #[test]
    fn exactly_what_is_in_reach_is_proved_as_before(
        steps in 0..4u64,
        more in 1..700u64,
        picks in any::<[prop::sample::Index; 3]>(),
        aligned in any::<[bool; 2]>(),
    ) {
        let first = steps * STEP;
        let count = first + more;
        let leaves = crate::model::tree::tests::leaves(count as usize);
        let whole = Plain::new(leaves.clone());
        let trailing = Trailing { plain: Plain::new(leaves), first };
        let reach = Reach { first };

        let seq = picks[0].index(count as usize) as u64;
        let size = seq + 1 + picks[1].index((count - seq) as usize) as u64;
        if reach.record(seq) {
            let before = tiles::inclusion_proof(&whole, seq, size).expect("whole");
            prop_assert_eq!(tiles::inclusion_proof(&trailing, seq, size), Ok(before));
        }

        let [old, new] = [0, 1].map(|at: usize| {
            let size = picks[at + 1].index(count as usize) as u64 + 1;
            if aligned[at] { (size - size % STEP).max(1) } else { size }
        });
        let (old, new) = (old.min(new), old.max(new));
        prop_assert_eq!(tiles::root(&trailing, old).is_ok(), reach.size(old));
        let proof = tiles::consistency_proof(&trailing, old, new);
        match old == new || reach.size(old) && reach.size(new) {
            true => prop_assert_eq!(proof, Ok(tiles::consistency_proof(&whole, old, new).expect("whole"))),
            false => prop_assert_eq!(proof, Err(TilesError::Tile("trimmed"))),
        }
    }
}
