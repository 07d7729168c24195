//! Trims of one trail together with the notices that they restate.

use super::*;
use crate::model::notice::Before;
use crate::model::trimming::restated::{Restated, Unfit};

const NOTICES: [u64; 4] = [0, 100, 300, 511];

/// Made-up bytes of a core, one for each position.
fn core(seq: u64) -> Vec<u8> {
    format!("what notice {seq} says").into_bytes()
}

/// A trail whose notices commit to their cores, and what trims it step by step.
fn two_steps() -> [Trimmed; 2] {
    let mut headers = chained(&past(600));
    let mut previous = origin();
    for header in &mut headers {
        if NOTICES.contains(&header.seq) {
            let commitment = crate::model::notice::commitment(&core(header.seq));
            header.kind = Kind::Notice;
            header.groups = vec![Group { date: Date::NEVER, bitmap: PartId::Core.bit(), commitment }];
        }
        header.previous = previous;
        previous = header.link();
    }
    let one = chosen(&headers[..256], facts(256 + 100)).trimmed().expect("a step").clone();
    let mut tree = Frontier::default();
    headers[..256].iter().for_each(|header| tree.append(tree::leaf_hash(&header.encode()), |_, _, _| ()));
    let mut next = Choice::new(tree, one.link, facts(600));
    headers[256..].iter().take_while(|header| next.take(header)).for_each(drop);
    [one, next.trimmed().expect("another").clone()]
}

fn facts(size: u64) -> Facts {
    Facts { below: seen(size), ..super::facts() }
}

fn restated() -> Restated {
    let mut restated = Restated::default();
    for (seq, trimmed) in [610, 700].into_iter().zip(two_steps()) {
        restated.trim(seq, trimmed, Some(PAST)).expect("one goes on from the other");
    }
    restated
}

#[test]
fn every_trimmed_notice_is_bound_and_the_last_is_known() {
    let mut restated = restated();
    assert_eq!(restated.first(), 512);
    let befores = [0].into_iter().chain(NOTICES);
    for ((ordinal, seq), before) in (0..).zip(NOTICES).zip(befores) {
        assert_eq!(restated.finish(), Err(Unfit::Lost));
        assert_eq!(restated.core(seq, &core(seq), ordinal, before), Ok(()), "{seq}");
    }
    assert_eq!(restated.finish(), Ok(Some(Before { ordinal: 3, seq: 511 })));
    assert_eq!(Restated::default().finish(), Ok(None));
}

#[test]
fn trims_that_do_not_go_on_from_each_other_are_refused() {
    let later = PAST.plus_days(1);
    type Change = fn(&mut Trimmed);
    let rows: [(&str, Change, u64, Option<Date>, Unfit); 7] = [
        ("gap", |t| t.start = 0, 700, Some(PAST), Unfit::Gap { start: 0, first: 256 }),
        ("before the other", |_| (), 610, Some(PAST), Unfit::Place(610)),
        ("dates back", |t| t.through = DAY, 700, Some(PAST), Unfit::Place(700)),
        ("a checkpoint of later", |t| t.below.size = 701, 700, Some(PAST), Unfit::Place(700)),
        ("nothing destroyed", |_| (), 700, None, Unfit::NotPast(PAST)),
        ("not yet destroyed", |t| t.through = PAST.plus_days(1), 700, Some(PAST), Unfit::NotPast(later)),
        ("destroyed too early", |_| (), 700, Some(DAY), Unfit::NotPast(PAST)),
    ];
    for (name, change, seq, expired, unfit) in rows {
        let [one, mut two] = two_steps();
        change(&mut two);
        let mut restated = Restated::default();
        restated.trim(610, one, Some(PAST)).expect("the first");
        assert_eq!(restated.trim(seq, two, expired), Err(unfit), "{name}");
    }
}

#[test]
fn an_altered_or_missing_notice_is_found() {
    type Row = (&'static str, u64, Vec<u8>, u64, u64, Unfit);
    let rows: [Row; 6] = [
        ("altered", 100, core(101), 1, 0, Unfit::Altered),
        ("an event", 101, core(101), 1, 0, Unfit::NotRestated),
        ("kept", 512, core(512), 1, 0, Unfit::NotRestated),
        ("one left out", 300, core(300), 2, 100, Unfit::Order),
        ("says it is another", 100, core(100), 2, 0, Unfit::Order),
        ("points elsewhere", 100, core(100), 1, 99, Unfit::Order),
    ];
    for (name, seq, core_bytes, ordinal, before, unfit) in rows {
        let mut restated = restated();
        restated.core(0, &core(0), 0, 0).expect("the opening");
        assert_eq!(restated.core(seq, &core_bytes, ordinal, before), Err(unfit), "{name}");
    }
}
