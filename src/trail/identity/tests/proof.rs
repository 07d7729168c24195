//! What is removed without a notice is tampering, named by its record; so is a notice that says what is not so.

use super::*;
use crate::model::frame::Builder;
use crate::model::notice::Told;
use crate::model::removal::list::Gone;
use crate::model::removal::told as notice;
use crate::model::seal::Use;
use crate::model::stored::{ErasedClass, ErasureKept, IdentityMasked};
use crate::store::{Batch, Scan, Store, keys};

/// Erases parts of a record as the job would, with no notice.
fn strip(rig: &Rig, seq: u64, id: PartId) {
    let info = rig.info_of();
    let date = rig.record_at(seq).header.group_of(id).unwrap().date;
    let at = |seq| keys::part(date, info.zone_number, info.number, seq);
    let (key, value) = rig.base.db.first(Scan::back(Family::Part, &at(0), &at(seq))).unwrap().unwrap();
    let first = keys::seq_of(&key).unwrap();
    let seal = info.date_key(&rig.base.keyring, Use::Seal, date).unwrap();
    let mut builder = Builder::reopen(&seal, &info.link, date, first, &value).unwrap();
    assert!(builder.erase(|of, key| of == seq && key.id == id).unwrap());
    let mut batch = Batch::default();
    batch.put(Family::Part, key, builder.seal(&seal, [7; 12], &info.link, date));
    rig.base.db.commit(batch).unwrap();
}

/// Takes a row away from the vault.
fn lose(rig: &Rig, who: &str) {
    let info = rig.info_of();
    let known = rig.base.vault.known(everybody::of(&info), &person(who)).unwrap().unwrap();
    let bucket = rig.base.vault.bucket_of(everybody::of(&info), &person(who));
    let mut batch = Batch::default();
    for row in rig.disks.vault.open().scan(Scan::prefix(Family::Row, &bucket.to_be_bytes())) {
        let (key, value) = row.unwrap();
        let own = rig.base.vault.examine(everybody::of(&info), &key, &value).is_some();
        if own {
            batch.remove(Family::Row, key);
        }
    }
    assert!(known.pseudonyms.len() <= 2);
    rig.base.vault.commit_batch(batch, &known.all()).unwrap();
}

fn at(info: &Info) -> notice::At<'_> {
    notice::At { time: now(), zone: &info.zone }
}

/// A notice that erases these parts of records of class 3, counted so.
fn forged(rig: &Rig, list: &[(u64, PartId)], parts: u64) -> Told {
    let info = rig.info_of();
    let list: Vec<(Gone, u32)> = list.iter().map(|(seq, id)| (Gone::of(*seq, id.bit()).unwrap(), 3)).collect();
    let classes =
        [ErasedClass { retention_class: 3, records: 9, kept: ErasureKept::Held.into(), ..ErasedClass::default() }];
    let date = list.iter().flat_map(|(gone, _)| rig.record_at(gone.seq).header.groups).map(|group| group.date).max();
    let of = notice::Erased {
        id: &[7; 16],
        ground: ErasureGround::Unlawful,
        classes: &classes,
        holds: &[[9; 16]],
        people: &Vec::new(),
        before: &[],
        list: &list,
        latest: date.unwrap(),
    };
    let mut told = notice::erased(&of, &decided("anna"), at(&info)).remove(0);
    if let Says::IdentityErased(says) = &mut told.says {
        says.classes[0].parts = parts;
    }
    told
}

#[test]
fn what_is_gone_without_a_notice_is_named() {
    let asked = |rig: &mut Rig| {
        assert!(rig.agree(7, "staff:t-1"));
        rig.change(&school(1), used(7, false), "anna").unwrap();
    };
    // What is done to a good folder, and what is said of it; "" if nothing.
    type Harm = Box<dyn Fn(&mut Rig)>;
    let rows: Vec<(&str, Harm, &str)> = vec![
        ("a bare hash", Box::new(|rig: &mut Rig| strip(rig, 4, PartId::Net)), "its net is gone, but no notice lists"),
        ("a core", Box::new(|rig: &mut Rig| strip(rig, 4, PartId::Core)), "its core is gone, but no notice lists"),
        ("a row of the vault", Box::new(|rig: &mut Rig| lose(rig, "staff:t-2")), "no notice lists them as erased"),
        (
            "listed, and gone",
            Box::new(move |rig: &mut Rig| {
                asked(rig);
                let told = forged(rig, &[(4, PartId::Net), (5, PartId::Detail)], 2);
                rig.forge(&school(1), told);
                strip(rig, 4, PartId::Net);
                strip(rig, 5, PartId::Detail);
            }),
            "",
        ),
        (
            "one more than is listed",
            Box::new(move |rig: &mut Rig| {
                asked(rig);
                let told = forged(rig, &[(4, PartId::Net)], 1);
                rig.forge(&school(1), told);
                strip(rig, 4, PartId::Net);
                strip(rig, 5, PartId::Net);
            }),
            "its net is gone, but no notice lists",
        ),
        (
            "listed, and there",
            Box::new(move |rig: &mut Rig| {
                asked(rig);
                let told = forged(rig, &[(4, PartId::Net)], 1);
                rig.forge(&school(1), told);
            }),
            "its net is listed as erased, but is there",
        ),
        (
            "counted wrong",
            Box::new(move |rig: &mut Rig| {
                asked(rig);
                let told = forged(rig, &[(4, PartId::Net)], 2);
                rig.forge(&school(1), told);
                strip(rig, 4, PartId::Net);
            }),
            "it counts other parts than it lists",
        ),
        (
            "by no request",
            Box::new(|rig: &mut Rig| {
                let told = forged(rig, &[(4, PartId::Net)], 1);
                rig.forge(&school(1), told);
                strip(rig, 4, PartId::Net);
            }),
            "it is not by a request for an erasure",
        ),
        (
            "before it was recorded",
            Box::new(move |rig: &mut Rig| {
                asked(rig);
                let told = forged(rig, &[(4, PartId::Net)], 1);
                rig.forge(&school(1), told);
                strip(rig, 4, PartId::Net);
                let later = rig.report(80, &[STORY[5]])[0];
                strip(rig, later, PartId::Net);
            }),
            "its net is gone, but no notice lists",
        ),
        (
            "masked out of nothing",
            Box::new(|rig: &mut Rig| {
                let info = rig.info_of();
                let known = rig.base.vault.known(everybody::of(&info), &person("staff:t-2")).unwrap().unwrap();
                let told = notice::masked(&[5; 16], &known.pseudonyms, at(&info));
                assert!(matches!(told.says, Says::IdentityMasked(IdentityMasked { .. })));
                rig.forge(&school(1), told);
            }),
            "it masks somebody whom no notice before it deactivates",
        ),
    ];
    for (what, harm, says) in rows {
        let mut rig = told_story();
        harm(&mut rig);
        let found = rig.findings();
        match says {
            "" => assert!(found.iter().all(|found| found.contains("the index")), "{what}: {found:?}"),
            says => assert!(found.iter().any(|found| found.contains(says)), "{what}: {found:?}"),
        }
    }
}
