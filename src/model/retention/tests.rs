//! The shipped table: what the design says, what keys allow, what a bad one is refused for; and choices on it.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::choice::{Choice, Wanted};
use super::in_force::{Retention, number, version};
use super::table::Table;
use super::words::{compare, may_outlive};
use crate::model::check::Checker;
use crate::model::date::{Date, Lifetime, Rounding, Timestamp, Zone};
use crate::model::policy::{Class, KEY_HORIZON_DAYS, Kept, Lifetimes};

const SHIPPED: &str = include_str!("default-1.toml");

/// Lifetimes of each class as the design has them: core, net, session, detail.
#[rustfmt::skip]
const DESIGN: [(Class, &str, [Option<&str>; 4]); 8] = [
    (Class::Session, "12 months to 24 months", [Some("24 months"), Some("24 months"), Some("7 days"), Some("7 days")]),
    (Class::Security, "12 months to 24 months", [Some("24 months"), Some("24 months"), Some("7 days"), Some("24 months")]),
    (Class::Access, "6 months to 24 months", [Some("24 months"), Some("24 months"), Some("7 days"), Some("24 months")]),
    (Class::Register, "-", [Some("5 years after the school year"), Some("24 months"), Some("7 days"), Some("5 years after the school year")]),
    (Class::Disclosure, "24 months to 72 months", [Some("24 months"), Some("24 months"), Some("7 days"), Some("24 months")]),
    (Class::Evidence, "1 month to 72 months", [Some("72 months"), None, None, None]),
    (Class::Accounting, "-", [Some("5 years after the fiscal year"), Some("24 months"), Some("7 days"), Some("5 years after the fiscal year")]),
    (Class::LogAccess, "24 months to 72 months", [Some("24 months"), Some("24 months"), Some("7 days"), Some("24 months")]),
];

#[test]
fn the_table_is_that_of_the_design() {
    let table = Table::shipped();
    assert_eq!(table.classes().map(|(class, _)| class).collect::<Vec<_>>(), DESIGN.map(|row| row.0));
    for (class, bounds, lifetimes) in DESIGN {
        let rules = table.rules(class).unwrap();
        let found = Kept::ALL.map(|kept| rules.parts.get(kept).map(|rule| rule.lifetime.to_string()));
        assert_eq!(found, lifetimes.map(|text| text.map(str::to_owned)), "{class:?}");
        let core = rules.parts.core.bounds;
        let shown = core.map_or("-".to_owned(), |core| format!("{} to {}", core.at_least, core.at_most));
        assert_eq!(shown, bounds, "{class:?}");
        for (kept, rule) in rules.parts.each() {
            // What is a legal minimum is never cut short, what is a limit never passed.
            let minimum = matches!(rule.lifetime, Lifetime::YearsFromEndOf { .. });
            assert_eq!(rule.rounding == Rounding::NeverEarlier, minimum, "{class:?} {kept:?}");
            let longest = match kept {
                Kept::Core | Kept::Detail => continue,
                Kept::Net => Lifetime::Months(24),
                Kept::Session => Lifetime::Days(7),
            };
            assert_eq!(compare(rule.longest(), longest), Some(std::cmp::Ordering::Equal), "{class:?} {kept:?}");
        }
    }
    assert_eq!(table.rules(Class::Ledger), None);
}

#[test]
fn keys_are_made_past_the_longest_lifetime_that_can_be_chosen() {
    let zone = Zone::default();
    for day in ["2024-01-01", "2024-02-29", "2024-09-01", "2027-01-01", "2027-12-31"] {
        let start = Timestamp::parse(day).unwrap();
        let horizon = Date::of_utc(start).plus_days(KEY_HORIZON_DAYS);
        for (class, rules) in Table::shipped().classes() {
            for (kept, rule) in rules.parts.each() {
                let end = rule.longest().end_rounded(zone.day(start), rule.rounding);
                assert!(end <= horizon, "{class:?} {kept:?} from {day}: {end}, keys until {horizon}");
            }
        }
    }
}

#[test]
fn a_table_that_is_not_good_is_refused_by_its_place() {
    assert_eq!(Table::parse(SHIPPED).as_ref(), Ok(Table::shipped()));
    let rows = [
        ("version = \"default-1\"", "version = 1", "invalid type"),
        ("rounding = \"never-later\"", "rounding = \"up\"", "SESSION: core.rounding: must be"),
        ("rounding = \"never-later\"", "rounding = \"never-later\"\nbounds = 7", "unknown field"),
        ("name = \"SESSION\"", "name = \"SESSIONS\"", "SESSIONS: is no class"),
        ("name = \"SESSION\"", "name = \"LEDGER\"", "LEDGER: is no class"),
        ("name = \"SESSION\"", "name = \"ACCESS\"", "ACCESS: is there twice"),
        ("at_least = \"12 months\"", "", "SESSION: core.at_least: stands with at_most"),
        ("at_least = \"12 months\"", "at_least = \"25 months\"", "SESSION: core.at_least: the lifetime is not within"),
        ("at_least = \"12 months\"", "at_least = \"12 days\"", "SESSION: core.at_least: the lifetime is not within"),
        ("lifetime = \"24 months\"", "lifetime = \"24\"", "SESSION: core.lifetime: must be such as"),
        ("lifetime = \"24 months\"", "lifetime = \"12 months\"", "SESSION: net: outlives the core"),
        (
            "public_body_at_least = \"24 months\"",
            "public_body_at_least = \"36 months\"",
            "SECURITY: core.public_body_at_least: the lifetime is not within",
        ),
    ];
    for (good, bad, says) in rows {
        let refused = Table::parse(&SHIPPED.replacen(good, bad, 1)).unwrap_err();
        assert!(refused.contains(says), "{bad}: {refused}");
    }
    let without = SHIPPED.split_once("[[class]]\nname = \"LOG_ACCESS\"").unwrap().0;
    assert_eq!(Table::parse(without).unwrap_err(), "LogAccess: is missing");
}

/// The README's table has every class that lives longer, or may, and no other; the last row is that of notices.
#[test]
fn the_readme_names_all_that_lives_longer_than_24_months() {
    let page = include_str!("../../../README.md");
    let (_, section) = page.split_once("## What lives longer than 24 months, and why\n").unwrap();
    let rows = section.split("\n## ").next().unwrap().lines().filter(|line| line.starts_with("| "));
    let mut told: Vec<&str> = rows.skip(1).map(|row| row.split('|').nth(2).unwrap().trim()).collect();
    let limit = Lifetime::Months(24);
    let mut longer: Vec<String> = Vec::new();
    for (_, rules) in Table::shipped().classes() {
        for (kept, rule) in rules.parts.each().filter(|(_, rule)| may_outlive(rule.longest(), limit)) {
            let shown = match may_outlive(rule.lifetime, limit) {
                true => rule.lifetime.to_string(),
                false => format!("up to {}", rule.longest()),
            };
            match kept {
                Kept::Core => longer.push(shown),
                // Told with its core.
                Kept::Detail => assert_eq!(longer.last(), Some(&shown)),
                Kept::Net | Kept::Session => panic!("{kept:?} lives {shown}"),
            }
        }
    }
    longer.push("life of the trail".to_owned());
    told.sort_unstable();
    longer.sort_unstable();
    assert_eq!(told, longer);
}

/// The page for others has the same lifetimes and bounds.
#[test]
fn the_format_page_has_the_table() {
    let page = include_str!("../../../docs/format.md");
    let (_, section) = page.split_once("Policy `default-1`, and in brackets").unwrap();
    let rows: Vec<&str> = section.lines().filter(|line| line.starts_with("| ")).take(9).collect();
    let count = |lifetime: Lifetime| lifetime.to_string().split(' ').next().unwrap().to_owned();
    for (class, rules) in Table::shipped().classes() {
        let name = format!("{} {}", class as u8, class.name());
        let row = rows.iter().find(|row| row.split('|').nth(1).unwrap().split(',').any(|told| told.trim() == name));
        let cells: Vec<&str> = row.unwrap_or_else(|| panic!("no {name}")).split('|').skip(2).map(str::trim).collect();
        for (kept, cell) in Kept::ALL.into_iter().zip(cells) {
            let shown = match rules.parts.get(kept) {
                None => "not kept".to_owned(),
                Some(rule) => match rule.bounds {
                    Some(bounds) => {
                        format!("{} ({} to {})", rule.lifetime, count(bounds.at_least), count(bounds.at_most))
                    }
                    None if kept == Kept::Detail => "as core".to_owned(),
                    None => rule.lifetime.to_string().replace(" after the", " from the end of the"),
                },
            };
            assert_eq!(cell, shown, "{name} {kept:?}");
        }
    }
}

#[test]
fn lifetimes_are_read_as_they_are_shown() {
    for text in
        ["1 day", "7 days", "1 month", "24 months", "1 year after the school year", "5 years after the fiscal year"]
    {
        assert_eq!(text.parse::<Lifetime>().unwrap().to_string(), text);
    }
    for text in
        ["", "24", "24months", "0 days", "07 days", "+7 days", "-7 days", "70000 days", "2 years", "5 years after"]
    {
        assert!(text.parse::<Lifetime>().is_err(), "{text}");
    }
    let rows = [("7 days", "1 month", false), ("28 days", "1 month", false), ("29 days", "1 month", true)];
    for (one, other, outlives) in rows {
        assert_eq!(may_outlive(one.parse().unwrap(), other.parse().unwrap()), outlives, "{one}, {other}");
    }
}

#[test]
fn versions_count_choices() {
    let table = Table::shipped();
    for (count, name) in
        [(0, "default-1"), (1, "default-1+1"), (17, "default-1+17"), (u32::MAX, "default-1+4294967295")]
    {
        assert_eq!(version(table, count), name);
        assert_eq!(number(name), Some(count));
    }
    for name in
        ["", "default", "default-1+", "default-1+0", "default-1+01", "default-1+-1", "default-2", "default-1 +1"]
    {
        assert_eq!(number(name), None, "{name}");
    }
}

/// Any lifetimes for any classes, within what a file may say.
fn wanted() -> impl Strategy<Value = BTreeMap<Class, Wanted>> {
    let lifetime = || {
        proptest::option::of(prop_oneof![(1_u16..100).prop_map(Lifetime::Months), (1_u16..10).prop_map(Lifetime::Days)])
    };
    let each = |lifetimes: [Option<Lifetime>; 4]| Kept::ALL.into_iter().zip(lifetimes);
    let parts = [lifetime(), lifetime(), lifetime(), lifetime()];
    let parts = parts.prop_map(move |all| each(all).filter_map(|(kept, one)| Some((kept, one?))).collect::<Wanted>());
    proptest::collection::btree_map((0..9_usize).prop_map(|class| Class::ALL[class]), parts, 0..4)
}

proptest! {
    /// Whatever is wanted: what is let through is within the bounds, and its dates are those of the table or no later than
    /// its longest.
    #[test]
    fn what_passes_is_within_the_bounds(wanted in wanted(), public_body: bool, nanos in 1_600_000_000_i64..2_000_000_000) {
        let (table, mut checker) = (Table::shipped(), Checker::default());
        let choice = Choice::of(&wanted, table, |class, kept| format!("{class:?}.{kept:?}"), &mut checker);
        if checker.finish(()).is_ok() && choice.check(table, public_body).is_ok() {
            let retention = Retention::chosen(1, choice.clone());
            let (at, zone) = (Timestamp::from_parts(nanos, 0).unwrap(), Zone::default());
            for (class, rules) in table.classes() {
                let (dates, shipped) = (retention.dates(class, at, &zone).unwrap(), Retention::default().dates(class, at, &zone).unwrap());
                prop_assert_eq!(dates == shipped || choice.get(class).is_some(), true);
                for (kept, rule) in rules.parts.each() {
                    let (date, longest) = (*dates.get(kept).unwrap(), rule.longest().end_rounded(zone.day(at), rule.rounding));
                    prop_assert!(date <= longest && date <= dates.core, "{:?} {:?}: {} {}", class, kept, date, longest);
                    if let Some(bounds) = rule.bounds {
                        let least = if public_body { rule.public_body.unwrap_or(bounds.at_least) } else { bounds.at_least };
                        prop_assert!(date >= least.end_rounded(zone.day(at), rule.rounding));
                    } else {
                        prop_assert_eq!(Some(&date), shipped.get(kept));
                    }
                }
            }
        }
    }

    /// Without its core nobody could read what is left of an event.
    #[test]
    fn no_part_outlives_its_core(months in 6_u16..24, net in 6_u16..24) {
        let lifetimes = Lifetimes {
            core: Lifetime::Months(months),
            net: Some(Lifetime::Months(net)),
            session: Some(Lifetime::Days(3)),
            detail: Some(Lifetime::Months(months)),
        };
        let choice = Choice::new([(Class::Access, lifetimes)]);
        prop_assert_eq!(choice.check(Table::shipped(), false).is_ok(), net <= months);
    }
}
