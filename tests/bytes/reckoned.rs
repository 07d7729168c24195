//! Dates against a plain calculation by Python's datetime and zoneinfo: random classes, choices within their bounds,
//! zones and times; leap days, ends of months and years, changes of the clock, a day that was skipped.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::io::Write;
use std::process::{Command, Stdio};

use akta::cli::random::Random;
use akta::model::check::Checker;
use akta::model::date::{Lifetime, Timestamp, Zone};
use akta::model::policy::{Class, Kept};
use akta::model::retention::choice::{Choice, Wanted};
use akta::model::retention::in_force::Retention;
use akta::model::retention::table::Table;
use serde_json::{Value, json};

use crate::skip::skip;
use crate::stranger::python::python;

const ROWS: usize = 4_000;

const ZONES: [&str; 12] = [
    "Europe/Warsaw",
    "UTC",
    "America/Los_Angeles",
    "America/St_Johns",
    "America/Sao_Paulo",
    "Asia/Kathmandu",
    "Asia/Tehran",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Pacific/Chatham",
    "Pacific/Kiritimati",
    "America/New_York",
];

/// Around these something happens: leap day, ends of months, years and school years, changes of the clock in Europe, America
/// and on Lord Howe; and the day that Samoa skipped, 2011-12-30, with days from which a lifetime ends on it.
const MOMENTS: [&str; 16] = [
    "2024-02-29T12:00:00Z",
    "2028-02-29T00:00:00Z",
    "2023-02-28T23:59:59Z",
    "2025-01-31T12:00:00Z",
    "2025-08-31T22:00:00Z",
    "2025-09-01T00:00:00Z",
    "2025-12-31T23:00:00Z",
    "2026-01-01T00:00:00Z",
    "2026-03-29T01:00:00Z",
    "2026-10-25T01:00:00Z",
    "2026-11-01T09:00:00Z",
    "2026-04-04T15:00:00Z",
    "2026-10-03T15:30:00Z",
    "2011-12-30T10:00:00Z",
    "2009-12-30T12:00:00Z",
    "2011-12-23T12:00:00Z",
];

/// A time: any of 35 years, or within two days of a moment, to the second or on it.
fn time(random: &mut Random) -> Timestamp {
    let any = Timestamp::parse("1995-01-01").unwrap().nanos() + random.below(35 * 365 * 86_400) as i64 * 1_000_000_000;
    let around = |random: &mut Random| {
        let moment = Timestamp::parse(MOMENTS[random.index(MOMENTS.len())]).unwrap().nanos();
        let steps = random.below(97) as i64 - 48;
        moment + steps * 3_600_000_000_000 - random.below(2) as i64
    };
    Timestamp::from_nanos(if random.index(3) == 0 { any } else { around(random) })
}

/// Lifetimes within the bounds of each class, for some of them.
pub(crate) fn choice(random: &mut Random) -> Choice {
    let mut wanted = BTreeMap::new();
    for (class, rules) in Table::shipped().classes() {
        if random.index(2) == 0 {
            continue;
        }
        let mut drawn = |kept: Kept| {
            let bounds = rules.parts.get(kept)?.bounds?;
            let within =
                |least: u16, most: u16, random: &mut Random| least + random.small(u32::from(most - least) + 1) as u16;
            match (bounds.at_least, bounds.at_most) {
                (Lifetime::Months(least), Lifetime::Months(most)) => {
                    Some(Lifetime::Months(within(least, most, random)))
                }
                (Lifetime::Days(least), Lifetime::Days(most)) => Some(Lifetime::Days(within(least, most, random))),
                _ => None,
            }
        };
        let core = drawn(Kept::Core);
        // No longer than the core.
        let shorter = |drawn: Option<Lifetime>| match (drawn, core) {
            (Some(Lifetime::Months(months)), Some(Lifetime::Months(core))) => Some(Lifetime::Months(months.min(core))),
            (drawn, _) => drawn,
        };
        let [net, session, detail] = [Kept::Net, Kept::Session, Kept::Detail].map(|kept| shorter(drawn(kept)));
        let all = Kept::ALL.into_iter().zip([core, net, session, detail]);
        wanted.insert(class, all.filter_map(|(kept, lifetime)| Some((kept, lifetime?))).collect::<Wanted>());
    }
    let mut checker = Checker::default();
    let choice = Choice::of(&wanted, Table::shipped(), |class, kept| format!("{class:?}.{kept:?}"), &mut checker);
    checker.finish(()).unwrap();
    choice.check(Table::shipped(), false).unwrap_or_else(|bad| panic!("{wanted:?}: {bad:?}"));
    choice
}

fn chosen(choice: &Choice) -> Value {
    let shown = |lifetime: &Lifetime| match lifetime {
        Lifetime::Days(days) => json!(["days", days]),
        Lifetime::Months(months) => json!(["months", months]),
        Lifetime::YearsFromEndOf { last_month, years } => json!([last_month, years]),
    };
    let classes = choice.classes().map(|(class, lifetimes)| {
        let parts: Vec<Value> = Kept::ALL.map(|kept| lifetimes.get(kept).map_or(Value::Null, shown)).into();
        ((class as u8).to_string(), Value::from(parts))
    });
    Value::Object(classes.collect())
}

#[test]
fn every_date_is_that_of_a_plain_calculation() {
    let Some(python) = python() else {
        return skip(
            "every_date_is_that_of_a_plain_calculation",
            "AKTA_PYTHON does not name a Python with what the verifier needs",
        );
    };
    let mut random = Random::new(41);
    let (mut questions, mut expected) = (String::new(), Vec::new());
    let mut met = BTreeMap::<(Class, bool), usize>::new();
    for _ in 0..ROWS {
        let (zone, at, choice) = (ZONES[random.index(ZONES.len())], time(&mut random), choice(&mut random));
        let class = Class::ALL[random.index(8)];
        questions += &json!({"zone": zone, "occurred_at": at.nanos(), "class": class as u8, "chosen": chosen(&choice)})
            .to_string();
        questions.push('\n');
        *met.entry((class, choice.get(class).is_some())).or_default() += 1;
        let dates = Retention::chosen(1, choice).dates(class, at, &Zone::named(zone).unwrap()).unwrap();
        expected.push(Kept::ALL.map(|kept| dates.get(kept).map(|date| date.days())));
    }
    let mut command = Command::new(python);
    command.args(["-m", "verifier.reckon"]).current_dir(env!("CARGO_MANIFEST_DIR"));
    command.env("PYTHONPATH", "tests").env("PYTHONDONTWRITEBYTECODE", "1");
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("Python starts");
    let mut input = child.stdin.take().unwrap();
    let asked = questions.clone();
    let writing = std::thread::spawn(move || input.write_all(asked.as_bytes()));
    let output = child.wait_with_output().unwrap();
    writing.join().unwrap().unwrap();
    assert!(output.status.success());
    let answers: Vec<[Option<u32>; 4]> =
        String::from_utf8(output.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(answers.len(), ROWS);
    for ((question, expected), answer) in questions.lines().zip(&expected).zip(&answers) {
        assert_eq!(expected, answer, "{question}");
    }
    // Every class without a choice, and every one that has bounds with one.
    assert_eq!(met.len(), 8 + 6, "{met:?}");
    assert!(met.values().all(|count| *count > 50), "{met:?}");
}
