//! The comparison bites: every planted disagreement is seen.
#![allow(clippy::unwrap_used)]

use akta::store::Family;

use super::opinion::{Difference, Opinion, Trail};
use super::python::{Stranger, python};
use super::{both, judge};
use crate::skip::skip;
use crate::tamper::ORIGINAL;
use crate::tamper::cells::{self, Damage};
use crate::tamper::damage::strike;

/// One thing that an opinion says otherwise.
type Plant = fn(&mut Opinion);

const PLANTS: [(&str, Plant); 15] = [
    ("a finding", |it| it.found = true),
    ("keys", |it| it.opened = false),
    ("guard", |it| it.guarded = false),
    ("a trail is gone", |it| drop(it.trails.pop_first())),
    ("another trail", |it| drop(it.trails.insert("a/b/c".to_owned(), Trail::default()))),
    ("size", |it| first(it).size += 1),
    ("root", |it| first(it).root.replace_range(..1, "-")),
    ("head", |it| first(it).head.replace_range(..1, "-")),
    ("events", |it| first(it).events += 1),
    ("notices", |it| first(it).notices -= 1),
    ("intact", |it| first(it).intact -= 1),
    ("expired", |it| first(it).expired += 1),
    ("sealed", |it| first(it).sealed += 1),
    ("people", |it| first(it).people += 1),
    ("postings", |it| first(it).postings += 1),
];

fn first(opinion: &mut Opinion) -> &mut Trail {
    opinion.trails.values_mut().next().unwrap()
}

#[test]
fn a_planted_disagreement_is_seen() {
    if python().is_none() {
        return skip(
            "a_planted_disagreement_is_seen",
            "AKTA_PYTHON does not name a Python with what the verifier needs",
        );
    }
    let mut stranger = Stranger::start();
    let (whole, now) = (&ORIGINAL.whole.path, ORIGINAL.now);
    let (akta, other) = both(&mut stranger, whole, now, true, None);
    assert_eq!((akta.agrees(&other), akta.found, akta.trails.len()), (Ok(()), false, 5));
    for (what, plant) in PLANTS {
        let mut planted = other.clone();
        plant(&mut planted);
        assert!(akta.agrees(&planted).is_err(), "{what}");
    }

    // The other way round: the two look at different folders.
    let fourth = &ORIGINAL.before.last().unwrap().path;
    let earlier = Opinion::of_stranger(&stranger.folder(fourth, now, true, None));
    assert_eq!(akta.agrees(&earlier).map_err(|(how, _)| how), Err(Difference::Sight), "it had fewer records then");
    let copy = ORIGINAL.copy("planted");
    let header = cells::CELLS.iter().find(|cell| cell.name() == "db/header").unwrap();
    strike(&ORIGINAL, *header, Damage::FlipValue, 1, &copy);
    let (hurt, same) = both(&mut stranger, &copy, now, true, None);
    assert_eq!((hurt.agrees(&same), hurt.found), (Ok(()), true));
    assert_eq!(akta.agrees(&same).map_err(|(how, _)| how), Err(Difference::OnlyStranger));
    assert_eq!(hurt.agrees(&other).map_err(|(how, _)| how), Err(Difference::OnlyAkta));
    let mut elsewhere = same.clone();
    elsewhere.records = same.records.iter().map(|(origin, seq)| (origin.clone(), seq + 1_000)).collect();
    assert_eq!(hurt.agrees(&elsewhere).map_err(|(how, _)| how), Err(Difference::OtherRecord));
    let mut failed = same;
    failed.words = vec!["this verifier failed: of itself".to_owned()];
    assert_eq!(hurt.agrees(&failed).map_err(|(how, _)| how), Err(Difference::Defect));

    // Nothing is a folder: both refuse it, and neither fails.
    let nothing = tempfile::tempdir().unwrap();
    let (none, neither) = both(&mut stranger, nothing.path(), now, true, None);
    assert_eq!((none.agrees(&neither), none.found, neither.found), (Ok(()), true, true));
    let _ = judge::report(&Err(String::new()), now, true, None).unwrap_err();
    assert!(!ORIGINAL.whole.rows[&Family::Header].is_empty());
}
