//! Retention: choices in; what is in force, and what changes, out.

use std::collections::BTreeMap;

use super::super::api::{
    RetentionClassInfo, RetentionDifference, RetentionLifetime, RetentionPart, RetentionPartInfo, RetentionRounding,
    YearsAfter, retention_lifetime as wire,
};
use crate::model::check::Checker;
use crate::model::date::{Lifetime, Rounding};
use crate::model::policy::{Class, Kept, Lifetimes};
use crate::model::retention::choice::{Choice, Wanted};
use crate::model::retention::in_force::Retention;
use crate::model::retention::table::{Bounds, ClassRules, Table};
use crate::model::stored::{ChosenLifetime, ChosenLifetimes, chosen_lifetime};

/// What a controller chooses, as far as it can be taken; its bounds are not checked.
pub fn choices(given: Vec<ChosenLifetimes>, checker: &mut Checker) -> Choice {
    let (mut wanted, mut places) = (BTreeMap::new(), BTreeMap::new());
    // No more than there are classes: each stands once.
    for (place, given) in given.into_iter().enumerate() {
        if place >= Class::ALL.len() {
            checker.refuse("choices", "has more entries than there are classes: give each class once");
            break;
        }
        let class = u8::try_from(given.retention_class).ok().and_then(Class::from_number);
        checker.within(format!("choices[{place}]"), |checker| {
            let Some(class) = class else {
                checker.refuse("retention_class", "is none that this version knows: list the classes");
                return;
            };
            let given = Kept::ALL.into_iter().zip([given.core, given.net, given.session, given.detail]);
            let read = |(kept, given): (Kept, Option<_>)| Some((kept, lifetime(kept, given?, checker)?));
            let lifetimes: Wanted = given.filter_map(read).collect();
            places.insert(class, place);
            if wanted.insert(class, lifetimes).is_some() {
                checker.refuse("retention_class", "is there twice: give each class once");
            }
        });
    }
    let name = |class, kept: Kept| {
        let place = places.get(&class).copied().unwrap_or_default();
        format!("choices[{place}].{}", kept.word())
    };
    Choice::of(&wanted, Table::shipped(), name, checker)
}

fn lifetime(kept: Kept, given: ChosenLifetime, checker: &mut Checker) -> Option<Lifetime> {
    let number = |number: u32| u16::try_from(number).ok().filter(|number| *number > 0);
    let read = match given.length {
        Some(chosen_lifetime::Length::Days(days)) => number(days).map(Lifetime::Days),
        Some(chosen_lifetime::Length::Months(months)) => number(months).map(Lifetime::Months),
        None => None,
    };
    if read.is_none() {
        checker.refuse(kept.word(), "must be 1 to 65,535 days or months: give one, or leave the part out");
    }
    read
}

/// Every class as it is in force.
pub fn classes(retention: &Retention, public_body: bool) -> Vec<RetentionClassInfo> {
    let info = |(class, rules): (Class, &ClassRules)| {
        let lifetimes = retention.lifetimes(class).expect("the table has rules of it");
        let parts = rules.parts.each().map(|(kept, rule)| {
            let least = |bounds: Bounds| rule.public_body.filter(|_| public_body).unwrap_or(bounds.at_least);
            RetentionPartInfo {
                part: part(kept).into(),
                lifetime: lifetimes.get(kept).copied().map(retention_lifetime),
                shipped: Some(retention_lifetime(rule.lifetime)),
                at_least: rule.bounds.map(|bounds| retention_lifetime(least(bounds))),
                at_most: rule.bounds.map(|bounds| retention_lifetime(bounds.at_most)),
                rounding: rounding(rule.rounding).into(),
            }
        });
        RetentionClassInfo {
            retention_class: class.word().into(),
            source: rules.source.clone(),
            chosen: retention.choice().get(class).is_some(),
            parts: parts.collect(),
        }
    };
    retention.table().classes().map(info).collect()
}

/// What is not the same before and after.
pub fn differences(before: &Retention, after: &Retention) -> Vec<RetentionDifference> {
    let of_class = |(class, _)| {
        let (old, new) = (before.lifetimes(class), after.lifetimes(class));
        Kept::ALL.into_iter().filter_map(move |kept| {
            let lifetime = |of: Option<Lifetimes>| of.and_then(|of| of.get(kept).copied());
            let (before, after) = (lifetime(old), lifetime(new));
            (before != after).then(|| RetentionDifference {
                retention_class: class.word().into(),
                part: part(kept).into(),
                before: before.map(retention_lifetime),
                after: after.map(retention_lifetime),
            })
        })
    };
    after.table().classes().flat_map(of_class).collect()
}

fn part(kept: Kept) -> RetentionPart {
    match kept {
        Kept::Core => RetentionPart::Core,
        Kept::Net => RetentionPart::Net,
        Kept::Session => RetentionPart::Session,
        Kept::Detail => RetentionPart::Detail,
    }
}

fn rounding(rounding: Rounding) -> RetentionRounding {
    match rounding {
        Rounding::NeverLater => RetentionRounding::NeverLater,
        Rounding::NeverEarlier => RetentionRounding::NeverEarlier,
    }
}

/// A lifetime.
pub fn retention_lifetime(lifetime: Lifetime) -> RetentionLifetime {
    use wire::Length;
    let length = match lifetime {
        Lifetime::Days(days) => Length::Days(days.into()),
        Lifetime::Months(months) => Length::Months(months.into()),
        Lifetime::YearsFromEndOf { last_month, years } => {
            Length::YearsAfter(YearsAfter { years: years.into(), last_month: u32::from(last_month.unsigned_abs()) })
        }
    };
    RetentionLifetime { length: Some(length) }
}
