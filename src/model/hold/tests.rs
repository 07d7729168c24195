//! Holds: what they cover and keep, against a plain reading; what is stored is what was meant.
#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::row::{Kept, Place};
use super::*;
use crate::model::date::Timestamp;
use crate::model::facts::Facts;
use crate::model::frame::{OpenPart, Opened};
use crate::model::header::{Group, Header, Kind, Link};
use crate::model::identity::{Identity, Pseudonym};
use crate::model::origin::Origin;
use crate::model::part;
use crate::model::policy::Class;
use crate::model::seal::Key;
use crate::model::stored::{ActorPart, Core, DetailPart};

fn hold(selection: Selection, parts: Parts) -> Hold {
    let text = str::to_owned;
    Hold { kind: HoldKind::Case, owner: text("legal"), ground: text("ticket 4711"), by: text("anna"), selection, parts }
}

fn person(number: u8) -> Identity {
    Identity::new("pupil", &format!("p-{number}"))
}

/// The pseudonyms of a person: of one that nobody has seen, none.
fn lead(who: &Identity) -> Result<Vec<Pseudonym>, ()> {
    let number: u8 = who.id.trim_start_matches("p-").parse().unwrap();
    Ok(if number < 4 { vec![Pseudonym([number; 32]), Pseudonym([100 + number; 32])] } else { Vec::new() })
}

fn contents(actor: u8, subjects: &[u8], action: i32, resource: &str) -> Contents {
    let pseudonym = |number: &u8| vec![*number; 32];
    Contents {
        core: Some(Core { action, ..Core::default() }),
        actor: Some(ActorPart { pseudonym: pseudonym(&actor), on_behalf_of: Vec::new() }),
        subjects: subjects.iter().map(|who| SubjectPart { pseudonym: pseudonym(who), child: 0 }).collect(),
        detail: Some(DetailPart { resource_id: resource.to_owned(), ..DetailPart::default() }),
        ..Contents::default()
    }
}

fn header(groups: Vec<Group>) -> Header {
    let previous = Link([0; 32]);
    Header { kind: Kind::Event, class: Class::Access, seq: 7, day: Date::from_days(20_000), previous, groups }
}

/// Every field set.
fn whole() -> Selection {
    let (numbers, texts) = (vec![1, 7], vec!["a".to_owned(), "b".to_owned()]);
    let (at, text) = (Some(Timestamp::from_nanos(1_795_348_800_000_000_001)), Some("x".to_owned()));
    Selection {
        subject: Some(person(1)),
        actor: Some(person(2)),
        on_behalf_of: Some(person(3)),
        resource_id: text.clone(),
        facts: Facts {
            event_id: Some([7; 16]),
            since: at,
            until: at,
            recorded_since: at,
            recorded_until: at,
            actions: numbers.clone(),
            event_names: texts.clone(),
            outcomes: numbers.clone(),
            break_glass: Some(false),
            operation_id: text.clone(),
            corrects: Some((Origin::parse("akta.dev/school-12/w1").unwrap(), 7)),
            corrections: Some(true),
            purposes: numbers.clone(),
            purpose_text: text.clone(),
            legal_bases: numbers.clone(),
            special_legal_bases: numbers.clone(),
            policy_ids: texts.clone(),
            decision_id: text.clone(),
            categories: numbers.clone(),
            special_categories: numbers.clone(),
            resource_types: texts.clone(),
            min_record_count: Some(7),
            retention_classes: numbers.clone(),
            min_subject_count: Some(8),
            children: Some(true),
            child_flags: numbers.clone(),
            actor_kinds: numbers.clone(),
            roles: texts.clone(),
            org_units: texts.clone(),
            ip: Some(vec![192, 0, 2, 1]),
            channels: numbers.clone(),
            source_services: texts.clone(),
            source_instances: texts.clone(),
            assurances: numbers.clone(),
            recipient: text,
            recipient_countries: texts,
            warnings: numbers,
        },
    }
}

#[test]
fn a_selection_is_stored_told_and_limited() {
    let whole = whole();
    assert_eq!(Selection::load(whole.store()).as_ref(), Some(&whole));
    let names = whole.names();
    let mut told: Vec<String> = names.iter().map(ToString::to_string).collect();
    told.sort_unstable();
    let attributes = whole.attributes();
    assert_eq!(attributes.iter().map(|said| said.key.clone()).collect::<Vec<_>>(), told, "each once, ascending");
    let said = |key: &str| attributes.iter().find(|said| said.key == key).map(|said| said.value.clone()).unwrap();
    assert_eq!((said("subject"), said("ip"), said("actions")), ("pupil:p-1".into(), "192.0.2.1".into(), "1, 7".into()));
    assert_eq!((said("corrects"), said("children")), ("akta.dev/school-12/w1:7".into(), "true".into()));
    assert!(!whole.is_too_long());
    assert_eq!(Selection::load(Selection::default().store()), None, "everything is no selection");
    let broken = |change: fn(&mut stored::HoldSelection)| {
        let mut stored = whole.store();
        change(&mut stored);
        Selection::load(stored)
    };
    assert_eq!(broken(|stored| stored.ip = vec![1; 5]), None);
    assert_eq!(broken(|stored| stored.event_id = vec![1; 15]), None);
    assert_eq!(broken(|stored| stored.corrects_origin = "nowhere".into()), None);
    let long = Facts { event_names: vec!["n".repeat(64); 64], ..Facts::default() };
    assert!(Selection { facts: long, ..Selection::default() }.is_too_long());
}

#[test]
fn a_review_is_at_most_six_months_ahead_and_is_announced() {
    let zone = Zone::default();
    let rows = [
        ("2026-11-22T10:00:00Z", "2027-05-22"),
        // 23:30 UTC is already the next day in Warsaw.
        ("2026-11-22T23:30:00Z", "2027-05-23"),
        ("2027-08-31T10:00:00Z", "2028-02-29"),
        ("2027-03-01T10:00:00Z", "2027-09-01"),
    ];
    for (now, last) in rows {
        let now = Timestamp::parse(now).unwrap();
        let review = last_review(now, &zone);
        assert_eq!(review.to_string(), last);
        assert!(review.days() - zone.date(now).days() <= REVIEW_DAYS_MAX);
    }
    let on = Date::from_days(20_100);
    let stands = |day| Review::of(on, Date::from_days(day));
    assert_eq!(
        [20_085, 20_086, 20_100, 20_101].map(stands),
        [Review::Later, Review::Due, Review::Due, Review::Overdue]
    );
}

proptest! {
    /// A cover agrees with a plain reading of what was selected, and keeps the parts that were named.
    #[test]
    fn covers_what_a_plain_filter_finds(
        actor in 0..6u8,
        subjects in prop::collection::vec(0..6u8, 0..4),
        action in 1..4i32,
        resource in "[ab]",
        by_subject in prop::option::of(0..6u8),
        by_actor in prop::option::of(0..6u8),
        by_actions in prop::collection::vec(1..4i32, 0..3),
        by_resource in prop::option::of("[ab]"),
        bits in 1..64u8,
    ) {
        let facts = Facts { actions: by_actions.clone(), ..Facts::default() };
        let selection = Selection {
            subject: by_subject.map(person),
            actor: by_actor.map(person),
            resource_id: by_resource.clone(),
            facts,
            ..Selection::default()
        };
        let parts = Parts::of(PartId::ALL.into_iter().filter(|id| bits & id.bit() != 0)).unwrap();
        let hold = hold(selection, parts);
        let cover = Cover::new(&hold, hold.selection.filter(lead).unwrap());
        let contents = contents(actor, &subjects, action, &resource);
        // Who is 4 or more has never been seen.
        let seen = |who: u8| who < 4;
        let plain = by_subject.is_none_or(|who| seen(who) && subjects.contains(&who))
            && by_actor.is_none_or(|who| seen(who) && actor == who)
            && (by_actions.is_empty() || by_actions.contains(&action))
            && by_resource.is_none_or(|id| id == resource);
        prop_assert_eq!(cover.covers(&header(Vec::new()), &contents), plain);
        prop_assert!(!cover.covers(&header(Vec::new()), &Contents::default()) || hold.selection.names().is_empty());
        for (key, content) in contents.parts() {
            let own = key.id != PartId::Subject || by_subject.is_none_or(|who| seen(who) && content[2..34] == [who; 32]);
            prop_assert_eq!(cover.keeps(key, &content), bits & key.id.bit() != 0 && own, "{:?}", key);
        }
    }

    /// What is kept, with the bare hashes of the rest, gives the commitment; with anything changed it does not.
    #[test]
    fn what_is_kept_fits_its_header(count in 1..20u16, mask in any::<u32>(), at in any::<prop::sample::Index>()) {
        let part = |index: u16| OpenPart {
            seq: 7,
            key: PartKey { id: PartId::Subject, index },
            salt: [index as u8; 32],
            content: vec![index as u8; 5],
        };
        let parts: Vec<OpenPart> = (0..count).map(part).collect();
        let hashes = parts.iter().map(|part| (part.key, part::part_hash(&part.salt, part.key, &part.content)));
        let group = Group { date: Date::from_days(21_000), bitmap: 4, commitment: part::group_hash(hashes) };
        let open = Opened { open: parts.clone(), bare: Vec::new() };
        let kept = Kept::of(open, |part| mask & (1 << part.key.index) != 0);
        prop_assert!(kept.fits(&group));
        let (key, id, origin) = (Key::new([1; 32]), [9; 16], Link([3; 32]));
        let place = Place { origin: &origin, hold: &id, seq: 7, date: group.date };
        let value = kept.seal(&key, [2; 12], &place);
        prop_assert_eq!(Kept::open(&key, &place, &value), Some(kept.clone()));
        prop_assert_eq!(Kept::open(&key, &Place { seq: 8, ..place }, &value), None);
        prop_assert_eq!(Kept::open(&Key::new([2; 32]), &place, &value), None);
        let mut changed = kept.clone();
        if changed.parts.is_empty() {
            let other = at.index(changed.others.len());
            changed.others[other].1[0] ^= 1;
        } else {
            let other = at.index(changed.parts.len());
            changed.parts[other].content[0] ^= 1;
        }
        prop_assert!(!changed.fits(&group));
        let mut short = kept;
        if short.parts.pop().is_none() { short.others.pop(); }
        prop_assert!(!short.fits(&group));
        let other = Group { commitment: [0; 32], ..group };
        prop_assert!(!Kept::default().fits(&other));
    }
}

#[test]
fn a_hold_is_stored_as_it_was_meant() {
    let hold = hold(whole(), Parts::of([PartId::Core, PartId::Actor]).unwrap());
    assert_eq!(Hold::decode(&hold.encode()).as_ref(), Some(&hold));
    let broken = |change: fn(&mut stored::Hold)| {
        let mut stored = stored::Hold::decode(hold.encode().as_slice()).unwrap();
        change(&mut stored);
        Hold::decode(&stored.encode_to_vec())
    };
    assert_eq!(broken(|stored| stored.kind = 0), None);
    assert_eq!(broken(|stored| stored.kind = 9), None);
    assert_eq!(broken(|stored| stored.parts.clear()), None);
    assert_eq!(broken(|stored| stored.parts.push(9)), None);
    assert_eq!(broken(|stored| stored.selection = None), None);
    assert_eq!((Parts::of([]), Parts::ALL.ids().count()), (None, 6));
}
