//! What a removal tells is heard as it was meant, and nothing else is.

use proptest::prelude::*;

use super::*;
use crate::model::part::PartId;

fn core(told: &Told) -> NoticeCore {
    NoticeCore { kind: Some(told.says.clone()), ..NoticeCore::default() }
}

fn slices(told: &Told) -> Vec<(u16, DetailPart)> {
    (0..).zip(told.slices.clone()).collect()
}

fn decided() -> Decided {
    Decided { by: "anna".to_owned(), ground: "ticket 4711".to_owned() }
}

fn now() -> Timestamp {
    Timestamp::parse("2026-11-22T08:00:00Z").expect("a time")
}

proptest! {
    #[test]
    fn what_is_told_is_heard(
        who in prop::collection::btree_map(0..4_usize, any::<[u8; 32]>(), 1..4),
        bits in prop::collection::btree_map(0..5_000_u64, 1..8_u8, 0..300),
        id in any::<RemovalId>(),
    ) {
        let people: People = who.iter().map(|(at, bytes)| (DOMAINS[*at].1, Pseudonym(*bytes))).collect();
        let zone = Zone::default();
        let at = At { time: now(), zone: &zone };
        let mask_on = zone.date(now()).plus_days(30);
        let all = [
            (deactivated(&id, mask_on, &decided(), at), People::new()),
            (masked(&id, &people, at), people.clone()),
            (masked(&id, &People::new(), at), People::new()),
            (restricted(&id, &decided(), at), People::new()),
        ];
        for (told, people) in all {
            prop_assert_eq!(hear(&core(&told), &slices(&told)), Ok(Heard { people, list: Vec::new() }));
            prop_assert_eq!(super::id(&told.says), Some(&id[..]));
            prop_assert!(date_is_good(&told.says, told.date, at) && !date_is_good(&told.says, told.date.plus_days(1), at));
        }
        let told = lifted(&id, &decided(), at);
        prop_assert_eq!(hear(&core(&told), &slices(&told)), Ok(Heard::default()));
        let list: Vec<(Gone, u32)> =
            bits.iter().map(|(seq, bits)| (Gone::of(*seq, bits << 3).expect("good"), 1 + (*seq % 3) as u32)).collect();
        let classes: Vec<ErasedClass> = (1..4)
            .map(|retention_class| ErasedClass { retention_class, records: 500, ..ErasedClass::default() })
            .collect();
        let latest = zone.date(now()).plus_days(2_000);
        let origin = Origin::parse("akta.test/school-1/w1").expect("an origin");
        let before = [(origin.clone(), list.clone())];
        let before = if list.is_empty() { &[][..] } else { &before[..] };
        let of = Erased {
            id: &id,
            ground: ErasureGround::Objection,
            classes: &classes,
            holds: &[],
            people: &people,
            list: &list,
            before,
            latest,
        };
        let told = erased(&of, &decided(), at);
        prop_assert_eq!(told.len(), 1 + before.len());
        prop_assert_eq!(told[0].date, latest);
        let gone: Vec<Gone> = list.iter().map(|(gone, _)| *gone).collect();
        prop_assert_eq!(hear(&core(&told[0]), &slices(&told[0])), Ok(Heard { people, list: gone.clone() }));
        for told in &told[1..] {
            let heard = hear(&core(told), &slices(told));
            prop_assert_eq!(heard, Ok(Heard { people: People::new(), list: gone.clone() }));
            let Says::IdentityErased(says) = &told.says else { panic!("another kind") };
            prop_assert!(says.origin == origin.as_str() && says.classes.iter().all(|class| class.records == 0));
        }
        let Says::IdentityErased(says) = &told[0].says else { panic!("another kind") };
        prop_assert_eq!(says.classes.iter().map(|class| class.stripped).sum::<u64>(), list.len() as u64);
        let parts = gone.iter().map(|gone| gone.parts().count() as u64).sum::<u64>();
        prop_assert_eq!(says.classes.iter().map(|class| class.parts).sum::<u64>(), parts);
    }
}

#[test]
fn a_long_list_takes_several_notices_that_count_each_record_once() {
    let zone = Zone::default();
    let at = At { time: now(), zone: &zone };
    let count = LISTED_MAX as u64 + 7;
    let list: Vec<(Gone, u32)> =
        (0..count).map(|seq| (Gone::of(seq * 1_000, PartId::Net.bit()).expect("good"), 3)).collect();
    let people = vec![(Domain::Access, Pseudonym([7; 32]))];
    let classes = [ErasedClass { retention_class: 3, records: count + 5, ..ErasedClass::default() }];
    let (id, latest) = ([9; 16], Date::from_days(1));
    let ground = ErasureGround::Unlawful;
    let of =
        Erased { id: &id, ground, classes: &classes, holds: &[], people: &people, list: &list, before: &[], latest };
    let told = erased(&of, &decided(), at);
    let heard: Vec<Heard> = told.iter().map(|told| hear(&core(told), &slices(told)).expect("hears")).collect();
    assert_eq!(heard.iter().map(|heard| heard.list.len()).collect::<Vec<_>>(), [LISTED_MAX, 7]);
    assert_eq!(heard.iter().map(|heard| heard.people.len()).collect::<Vec<_>>(), [1, 0]);
    let classes = told.iter().map(|told| match &told.says {
        Says::IdentityErased(says) => (says.classes[0].records, says.classes[0].stripped),
        _ => (0, 0),
    });
    assert_eq!(classes.collect::<Vec<_>>(), [(count + 5, LISTED_MAX as u64), (0, 7)]);
    let bytes = |told: &Told| told.slices.iter().map(prost::Message::encoded_len).sum::<usize>();
    assert!(told.iter().all(|told| bytes(told) < 3 << 20), "what is read of a frame is at most 4 MiB");
}

#[test]
fn slices_that_nobody_writes_are_refused() {
    let zone = Zone::default();
    let at = At { time: now(), zone: &zone };
    let people = vec![(Domain::Access, Pseudonym([7; 32]))];
    let told = masked(&[1; 16], &people, at);
    let good = slices(&told);
    let changed = |change: fn(&mut Vec<(u16, DetailPart)>)| {
        let mut slices = good.clone();
        change(&mut slices);
        hear(&core(&told), &slices)
    };
    assert!(changed(|_| ()).is_ok());
    for bad in [
        changed(|slices| slices.clear()),
        changed(|slices| slices[0].1.attributes.clear()),
        changed(|slices| slices[1].1.attributes.clear()),
        changed(|slices| slices[1].1.attributes[0].value.truncate(62)),
        changed(|slices| slices[1].1.attributes[0].key = "school".to_owned()),
        changed(|slices| slices[1].1.resource_id = "card".to_owned()),
        changed(|slices| slices[1].0 = 2),
        changed(|slices| slices.push((2, DetailPart::default()))),
    ] {
        assert!(bad.is_err());
    }
}
