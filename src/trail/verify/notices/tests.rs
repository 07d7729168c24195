//! Notices that Akta never writes, and what verification says of each.
#![allow(clippy::unwrap_used)]

use super::super::super::rig::*;
use super::*;
use crate::model::date::Lifetime;
use crate::model::notice::Told;
use crate::model::origin::Controller;
use crate::model::permission::policy::Staff;
use crate::model::permission::told::tell;
use crate::model::policy::{Class, Lifetimes};
use crate::model::profile::Profile;
use crate::model::retention::choice::Choice;
use crate::model::stored::{ApprovalAnswered, ApprovalUsed, DetailPart};

/// What is recorded in good order, then a notice that nothing checked: what is found, with all keys and once all slices
/// are past.
fn forged(before: &[(Change, &str)], change: Change, by: &str, alter: fn(&mut Told)) -> [Vec<String>; 2] {
    let mut rig = Rig::new();
    let of = school(1);
    rig.open(&of, None, Profile::default()).unwrap();
    for (change, by) in before {
        rig.change(&of, change.clone(), by).unwrap();
    }
    rig.at(now().plus(HOUR));
    let zone = rig.base.settings.zone.clone();
    let mut told = tell(&change, &decided(by), now().plus(HOUR), &zone).unwrap();
    alter(&mut told);
    rig.forge(&of, told);
    let found = rig.findings();
    let mut later = rig.restart(now().plus(DAY * 2_000));
    let today = later.base.today(&zone);
    later.expire(Some(today)).unwrap();
    [found, later.findings()]
}

/// A choice that nothing checked, after another if it is the second.
fn chosen(number: u32, class: Class, [core, net, session, detail]: [Option<Lifetime>; 4]) -> Change {
    let core = core.expect("every class keeps a core");
    Change::Retention { number, choice: Choice::new([(class, Lifetimes { core, net, session, detail })]) }
}

fn access(core: u16, net: u16, session: u16) -> [Option<Lifetime>; 4] {
    [
        Some(Lifetime::Months(core)),
        Some(Lifetime::Months(net)),
        Some(Lifetime::Days(session)),
        Some(Lifetime::Months(core)),
    ]
}

/// What is beyond the bounds of the policy of its time shows without keys, for good.
#[test]
fn a_notice_that_allows_more_than_the_policy_is_tampering() {
    let year = (chosen(1, Class::Access, access(12, 12, 7)), "stefan");
    let public = (Change::Profile(public_body()), "stefan");
    let evidence = |months| [Some(Lifetime::Months(months)), None, None, None];
    let register =
        [Some(Lifetime::Months(60)), Some(Lifetime::Months(24)), Some(Lifetime::Days(7)), Some(Lifetime::Months(60))];
    let mut without = access(12, 12, 7);
    without[1] = None;
    let mut days = access(12, 12, 7);
    days[0] = Some(Lifetime::Days(300));
    type Row<'a> = (Vec<(Change, &'a str)>, Change, &'a str);
    let rows: Vec<Row<'_>> = vec![
        (vec![], chosen(1, Class::Access, access(25, 24, 7)), "access.core: may be 6 months to 24 months"),
        (vec![], chosen(1, Class::Access, access(5, 5, 7)), "access.core: may be 6 months to 24 months"),
        (vec![], chosen(1, Class::Access, access(24, 24, 8)), "access.session: may be 1 day to 7 days"),
        (vec![], chosen(1, Class::Access, access(12, 13, 7)), "access.net: may not outlive the core"),
        (vec![], chosen(1, Class::Access, without), "access.net: is missing"),
        (vec![], chosen(1, Class::Access, days), "access.core: may be 6 months to 24 months"),
        (vec![], chosen(1, Class::Access, access(24, 24, 7)), "access: is what the policy says anyway"),
        (vec![], chosen(1, Class::Disclosure, access(73, 24, 7)), "disclosure.core: may be 24 months to 72 months"),
        (vec![], chosen(1, Class::Disclosure, access(72, 25, 7)), "disclosure.net: may be 12 months to 24 months"),
        (vec![], chosen(1, Class::LogAccess, access(12, 12, 7)), "log-access.core: may be 24 months to 72 months"),
        (vec![], chosen(1, Class::Evidence, evidence(73)), "evidence.core: may be 1 month to 72 months"),
        (vec![], chosen(1, Class::Evidence, access(60, 24, 7)), "evidence.net: is not kept"),
        (vec![], chosen(1, Class::Register, register), "register.core: is fixed at 5 years after the school year"),
        (vec![], chosen(1, Class::Ledger, evidence(12)), "ledger: is of notices"),
        (vec![], chosen(2, Class::Access, access(12, 12, 7)), "policy_version"),
        (vec![], Change::Retention { number: 1, choice: Choice::default() }, "it is so already"),
        (vec![year.clone()], chosen(1, Class::Access, access(18, 18, 7)), "policy_version"),
        (vec![year.clone()], chosen(2, Class::Access, access(12, 12, 7)), "it is so already"),
        (vec![public], chosen(1, Class::Access, access(12, 12, 7)), "24 months to 24 months for a public body"),
        (vec![year], Change::Profile(public_body()), "profile.public_body: it chose shorter lifetimes"),
    ];
    for (before, change, says) in rows {
        let [found, later] = forged(&before, change.clone(), "stefan", |_| ());
        for found in [found, later] {
            assert!(found.len() == 1 && found[0].contains(says), "{change:?}: {found:?}");
        }
    }
}

/// A choice that is good goes through, and one more; so does the way back.
#[test]
fn choices_follow_each_other() {
    let first = (chosen(0, Class::Access, access(12, 6, 3)), "stefan");
    let [found, later] =
        forged(std::slice::from_ref(&first), chosen(2, Class::Disclosure, access(72, 24, 7)), "anna", |_| ());
    assert_eq!([found, later], [[""; 0], [""; 0]]);
    let [found, later] = forged(&[first], Change::Retention { number: 2, choice: Choice::default() }, "anna", |_| ());
    assert_eq!([found, later], [[""; 0], [""; 0]]);
}

#[test]
fn what_does_not_follow_is_tampering() {
    use Staff::{Controller as Own, Processor};
    let asked = [(ask(1, Own), "anna")];
    let agreed = [(ask(1, Own), "anna"), (answer(1, true), "jan")];
    let done = [(ask(1, Own), "anna"), (answer(1, true), "jan"), (used(1, false), "anna")];
    let objected = [(ask(1, Own), "anna"), (answer(1, false), "jan")];
    let ended = [(grant(1, now(), 9), "anna"), (Change::End(id(1)), "anna")];
    let granted = [(grant(1, now(), 9), "anna")];
    let lone = [(ask(1, Processor), "piotr")];
    // Whether it shows once the slices are past, too.
    type Row<'a> = (&'a [(Change, &'a str)], Change, &'a str, &'a str, bool);
    let rows: Vec<Row<'_>> = vec![
        (&[], Change::End(id(1)), "anna", "no such grant or incident", true),
        (&ended, Change::End(id(1)), "anna", "it is so already", true),
        (&granted, grant(1, now(), 9), "anna", "it is so already", true),
        (&granted, ask(1, Own), "anna", "the id is taken", true),
        (&[], answer(1, true), "jan", "no such request", true),
        (&asked, used(1, false), "anna", "needs another", true),
        (&asked, used(1, true), "anna", "needs another", true),
        (&lone, used(1, true), "piotr", "needs another", true),
        (&done, used(1, false), "anna", "used", true),
        (&done, answer(1, false), "ewa", "used", true),
        (&objected, answer(1, true), "ewa", "refused", true),
        (&agreed, answer(1, true), "jan", "it is so already", false),
        (&agreed, answer(1, true), "anna", "whoever asked cannot agree", false),
        (&agreed, used(1, false), "jan", "only who asked", false),
        (&[], Change::LoneApproval(false), "anna", "it is so already", true),
        (&[], Change::Profile(Profile::default()), "anna", "it is so already", true),
    ];
    for (before, change, by, says, lasting) in rows {
        let [found, later] = forged(before, change.clone(), by, |_| ());
        assert!(found.len() == 1 && found[0].contains(says), "{change:?} by {by}: {found:?}");
        assert_eq!(later.is_empty(), !lasting, "{change:?} by {by}: {later:?}");
    }
}

#[test]
fn a_notice_has_the_parts_of_its_kind() {
    type Row = (Change, fn(&mut Told), &'static str, bool);
    let rows: Vec<Row> = vec![
        (Change::LoneApproval(true), |told| told.date = told.date.plus_days(1), "its slices have the date", true),
        (grant(1, now(), 9), |told| told.date = told.date.plus_days(2), "its slices have the date", true),
        (Change::LoneApproval(true), |told| told.slices.clear(), "its parts are not those", true),
        (Change::LoneApproval(true), |told| told.slices.push(told.slices[0].clone()), "its slices are not", false),
        (grant(1, now(), 9), |told| told.slices.truncate(1), "its slices are not", false),
        (grant(1, now(), 9), |told| told.slices.swap(0, 1), "slice", false),
        (Change::LoneApproval(true), |told| told.slices[0].resource_id = "x".into(), "its slice 0", false),
        (Change::LoneApproval(true), |told| told.slices[0].attributes.swap(0, 1), "its slice 0", false),
        (Change::LoneApproval(true), |told| told.slices[0] = DetailPart::default(), "its slice 0", false),
        (grant(1, now(), 9), |told| told.slices[1].attributes[0].value = "anna".into(), "no holder", false),
        (
            grant(1, now(), 9),
            |told| {
                told.slices[0].attributes.pop();
            },
            "ground",
            false,
        ),
        (
            grant(1, now(), 9),
            |told| {
                if let Kind::Granted(of) = &mut told.says {
                    of.permissions.reverse();
                }
            },
            "permissions",
            true,
        ),
        (
            grant(1, now(), 9),
            |told| {
                if let Kind::Granted(of) = &mut told.says {
                    of.permissions.clear();
                }
            },
            "permissions",
            true,
        ),
        (
            grant(1, now(), 9),
            |told| {
                if let Kind::Granted(of) = &mut told.says {
                    of.from = of.until;
                }
            },
            "no time",
            true,
        ),
        (
            grant(1, now(), 9),
            |told| {
                if let Kind::Granted(of) = &mut told.says {
                    of.id.pop();
                }
            },
            "16 bytes",
            true,
        ),
        (
            ask(1, Staff::Controller),
            |told| {
                if let Kind::ApprovalAsked(of) = &mut told.says {
                    of.deed = 4;
                }
            },
            "not known",
            true,
        ),
        (
            Change::Profile(public_body()),
            |told| {
                if let Kind::ControllerSet(of) = &mut told.says {
                    of.group_only_sources.reverse();
                }
            },
            "ascend",
            true,
        ),
        (
            chosen(1, Class::Access, access(12, 12, 7)),
            |told| {
                if let Kind::RetentionChosen(of) = &mut told.says {
                    of.policy_version = "default-2+1".into();
                }
            },
            "a policy that is not known",
            true,
        ),
        (
            chosen(1, Class::Access, access(12, 12, 7)),
            |told| {
                if let Kind::RetentionChosen(of) = &mut told.says {
                    of.classes.push(of.classes[0]);
                }
            },
            "do not ascend",
            true,
        ),
        (
            chosen(1, Class::Access, access(12, 12, 7)),
            |told| {
                if let Kind::RetentionChosen(of) = &mut told.says {
                    of.classes[0].net.as_mut().unwrap().length = None;
                }
            },
            "not as Akta writes it",
            true,
        ),
        (
            ask(1, Staff::Controller),
            |told| told.says = Kind::ApprovalAnswered(ApprovalAnswered { id: vec![1; 16], agrees: true }),
            "slice",
            true,
        ),
        (
            ask(1, Staff::Controller),
            |told| told.says = Kind::ApprovalUsed(ApprovalUsed { id: vec![1; 16], alone: true }),
            "slice",
            true,
        ),
    ];
    for (place, (change, alter, says, lasting)) in rows.into_iter().enumerate() {
        let [found, later] = forged(&[], change.clone(), "anna", alter);
        assert!(found.len() == 1 && found[0].contains(says), "{place}, {change:?}: {found:?}");
        assert_eq!(later.is_empty(), !lasting, "{place}, {change:?}: {later:?}");
    }
}

/// The day of an end that is to come depends on rules that may change; one that is over does not.
#[test]
fn a_date_to_come_may_be_a_day_off() {
    let [found, later] = forged(&[], grant(1, now(), 9), "anna", |told| told.date = told.date.plus_days(1));
    assert_eq!([found, later], [[""; 0], [""; 0]]);
}

#[test]
fn a_node_decides_nothing_about_itself() {
    let mut rig = Rig::new();
    let told = tell(&Change::LoneApproval(true), &decided("anna"), now(), &rig.base.settings.zone).unwrap();
    rig.forge(&Controller::node(), told);
    let found = rig.findings();
    assert!(found.len() == 1 && found[0].contains("in the node's own trail"), "{found:?}");
}
