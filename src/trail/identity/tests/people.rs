//! People who are deactivated, masked, restricted, and found.

use super::*;

#[test]
fn names_and_addresses_go_on_their_day_and_none_comes_meanwhile() {
    let by_mail = "guardian:jan@example.org";
    let mail = Access { actor: "guardian:jan@example.org", subjects: &["pupil:p-1"], ..READ };
    let mut rig = told_story();
    rig.report(50, &[mail]);
    let info = rig.info_of();
    let today = Zone::default().date(now());
    let name = |rig: &Rig, who: &str| rig.found(&Wanted::Exact(person(who))).people.first().map(|p| p.identity.clone());
    assert_eq!(name(&rig, "staff:t-1").unwrap().display_name, "Name of staff:t-1");
    // Days that are refused, and that are taken.
    let day = |rig: &mut Rig, who: &str, mask_on: Option<u32>| {
        rig.deactivate(who, mask_on.map(|days| today.plus_days(days))).map(|(noted, day)| (noted.receipt, day))
    };
    assert!(matches!(day(&mut rig, "staff:t-1", Some(91)), Err(ChangeError::Refused { .. })));
    assert!(matches!(
        rig.deactivate("staff:t-1", Some(Date::from_days(today.days() - 1))),
        Err(ChangeError::Refused { .. })
    ));
    assert!(matches!(day(&mut rig, "staff:t-77", None), Err(ChangeError::Refused { .. })));
    let first = day(&mut rig, "staff:t-1", None).unwrap();
    assert_eq!(first.1, today.plus_days(MASK_DAYS));
    assert_eq!(day(&mut rig, "staff:t-1", None).unwrap(), first, "the same again");
    assert!(matches!(day(&mut rig, "staff:t-1", Some(40)), Err(ChangeError::Refused { .. })), "later");
    let earlier = day(&mut rig, "staff:t-1", Some(10)).unwrap();
    assert!(earlier.1 == today.plus_days(10) && earlier.0 != first.0);
    day(&mut rig, by_mail, Some(10)).unwrap();
    let standing = rig.standing_of("staff:t-1").unwrap();
    assert_eq!(
        (standing.deactivated_on, standing.mask_on, standing.masked),
        (Some(today), Some(today.plus_days(10)), false)
    );
    assert_eq!(name(&rig, "staff:t-1").unwrap().display_name, "Name of staff:t-1", "until the day");
    // In a domain of its own too, and in events to come, nothing is taken in.
    rig.report(60, &[Access { actor: "staff:t-1", subjects: &["pupil:p-1"], action: Action::ConsentGiven, ..READ }]);
    let known = rig.base.vault.known(everybody::of(&info), &person("staff:t-1")).unwrap().unwrap();
    assert_eq!(known.pseudonyms.len(), 3);

    // A day before nothing goes, on the day all of it does, by the hour or at a start.
    rig.at(now().plus(DAY * 9)).writer.mask_due().unwrap();
    assert!(!rig.standing_of("staff:t-1").unwrap().masked);
    let mut rig = rig.restart(now().plus(DAY * 10));
    let standing = rig.standing_of("staff:t-1").unwrap();
    assert!(standing.masked && standing.mask_on == Some(today.plus_days(10)));
    assert_eq!(name(&rig, "staff:t-1").unwrap(), person("staff:t-1"));
    assert_eq!(name(&rig, by_mail), None, "an id of that form is gone, too");
    rig.finish_removals();
    assert_eq!(rig.findings(), [""; 0]);
    let mail_record = rig.record_at(11);
    assert_eq!(rig.led(&mail_record.contents.actor.unwrap().pseudonym), None);
    let again = day(&mut rig, "staff:t-1", None).unwrap();
    assert_eq!(again.1, today.plus_days(10));
    rig.report(70, &[STORY[0], mail]);
    assert_eq!(name(&rig, "staff:t-1").unwrap(), person("staff:t-1"), "no name is taken in");
    assert!(name(&rig, by_mail).is_some(), "whoever comes back by mail is somebody new");
    // At once.
    day(&mut rig, "staff:t-2", Some(10)).unwrap();
    assert!(rig.standing_of("staff:t-2").unwrap().masked);
    rig.finish_removals();
    assert_eq!(rig.findings(), [""; 0]);
    // Masked, she can be erased.
    assert!(rig.agree(7, "staff:t-1"));
    rig.erase(7, "staff:t-1").unwrap();
    rig.finish_removals();
    assert_eq!(rig.findings(), [""; 0]);
    let rig = rig.restart(now().plus(DAY * 11));
    let everybody = everybody::Everybody::of(&rig.base).unwrap();
    let left = everybody.removals(&rig.base, &[]).unwrap();
    assert!(
        left.iter().all(|(_, removal)| everybody::Kind::of(removal) == everybody::Kind::Done),
        "nothing is left to be done"
    );
}

#[test]
fn whoever_is_restricted_is_left_out_unless_asked_for() {
    let mut rig = told_story();
    let all: Vec<u64> = (2..11).collect();
    let hers = [2, 3, 4, 5, 6, 7, 8, 10];
    let everything = Filter::default();
    let with = Include { restricted: true, ..Include::default() };
    let events = |rig: &mut Rig, include| {
        rig.matching(&everything, include).into_iter().filter(|seq| (2..11).contains(seq)).collect::<Vec<_>>()
    };
    let first = rig.restrict("staff:t-1", true).unwrap();
    assert!(first.receipt.is_some());
    assert_eq!(rig.restrict("staff:t-1", true).unwrap(), first, "the same again");
    assert!(rig.standing_of("staff:t-1").unwrap().restricted);
    for start in 0..2 {
        let seen = events(&mut rig, Include::default());
        assert_eq!(seen, all.iter().copied().filter(|seq| !hers.contains(seq)).collect::<Vec<_>>(), "start {start}");
        assert_eq!(events(&mut rig, with), all);
        assert_eq!(rig.about("pupil:p-1", Include::default()), [] as [u64; 0]);
        // Every position has a row, which says nothing.
        let notices = Include { notices: true, ..Include::default() };
        assert_eq!(events(&mut rig, notices).len(), all.len());
        assert_eq!(rig.findings(), [""; 0]);
        rig = rig.restart(now().plus(HOUR));
    }
    // In another domain she is restricted, too.
    let consent = Access { subjects: &["pupil:p-1"], action: Action::ConsentGiven, ..READ };
    let seq = rig.report(60, &[consent])[0];
    assert!(!rig.matching(&everything, Include::default()).contains(&seq));
    rig = rig.restart(now().plus(HOUR));
    assert!(!rig.matching(&everything, Include::default()).contains(&seq));
    assert!(rig.restrict("staff:t-1", false).unwrap().receipt.is_some());
    assert_eq!(rig.restrict("staff:t-1", false).unwrap().receipt, None, "it is so already");
    assert_eq!(events(&mut rig, Include::default()), all);
    rig = rig.restart(now().plus(HOUR));
    assert_eq!(events(&mut rig, Include::default()), all);
    assert_eq!(rig.findings(), [""; 0]);
    // Restricted again and masked: an id goes, the restriction stays; and with an erasure it goes.
    let by_mail = "guardian:jan@example.org";
    let seq = rig.report(70, &[Access { actor: "guardian:jan@example.org", subjects: &["pupil:p-2"], ..READ }])[0];
    rig.restrict(by_mail, true).unwrap();
    rig.deactivate(by_mail, Some(Zone::default().date(rig.base.now()))).unwrap();
    rig.restrict("staff:t-1", true).unwrap();
    assert!(rig.agree(7, "staff:t-1"));
    rig.erase(7, "staff:t-1").unwrap();
    rig.finish_removals();
    rig = rig.restart(now().plus(HOUR));
    assert!(!rig.matching(&everything, Include::default()).contains(&seq));
    let seen = events(&mut rig, Include::default());
    // The register's entry is hers still, and left out still, until that is lifted.
    assert_eq!(seen, all.iter().copied().filter(|seq| *seq != 8).collect::<Vec<_>>());
    assert!(rig.restrict("staff:t-1", false).unwrap().receipt.is_some());
    assert_eq!(events(&mut rig, Include::default()), all);
    assert_eq!(rig.findings(), [""; 0]);
}

#[test]
fn people_are_found_by_what_they_are_called() {
    let mut rig = told_story();
    rig.report(50, &[Access { actor: "guardian:jan@example.org", subjects: &["pupil:p-1"], ..READ }]);
    let who = |wanted: Wanted| -> Vec<String> {
        let found = rig.found(&wanted);
        assert!(!found.more);
        let mut ids: Vec<String> = found.people.iter().map(|person| person.identity.id.clone()).collect();
        ids.sort();
        ids
    };
    let name = |text: &str| Wanted::Name(text.to_owned());
    assert_eq!(who(name("staff:t")), ["t-1", "t-2"]);
    assert_eq!(who(name("NAME OF PUPIL")), ["p-1", "p-2"]);
    assert_eq!(who(name("nobody")), [] as [&str; 0]);
    assert_eq!(who(Wanted::Email("EXAMPLE.org".to_owned())), ["jan@example.org"]);
    assert_eq!(who(Wanted::Exact(person("staff:t-1"))), ["t-1"]);
    assert_eq!(who(Wanted::Exact(person("pupil:t-1"))), [] as [&str; 0]);
    // Of another school nobody is found.
    let other = rig.base.trail(&school(2)).unwrap().unwrap();
    let found = find::find(&rig.base, &other, &name("staff:t-2")).unwrap();
    assert_eq!(found.people, []);
}
