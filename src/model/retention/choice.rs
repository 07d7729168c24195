//! What a controller chooses: for some classes, lifetimes other than the table's.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use super::form;
use super::table::{Rule, Table};
use super::words::{NoLifetime, compare, may_outlive};
use crate::model::check::{Checker, Violation};
use crate::model::date::Lifetime;
use crate::model::policy::{Class, Kept, Lifetimes, PerPart};

/// Lifetimes of the classes for which others than the table's were chosen: of each, of all its parts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Choice(BTreeMap<Class, Lifetimes>);

/// What is wanted of one class: what is not given lives as the table says, but no longer than its core.
pub type Wanted = BTreeMap<Kept, Lifetime>;

impl Choice {
    /// These lifetimes; [`Choice::check`] says whether they may be.
    pub fn new(classes: impl IntoIterator<Item = (Class, Lifetimes)>) -> Self {
        Self(classes.into_iter().collect())
    }

    /// Takes what is wanted. A class of which nothing differs from the table is not chosen.
    ///
    /// # Errors
    ///
    /// A class has no such part. `name` says how a field is called.
    pub fn of(
        wanted: &BTreeMap<Class, Wanted>,
        table: &Table,
        name: impl Fn(Class, Kept) -> String,
        checker: &mut Checker,
    ) -> Self {
        let mut classes = BTreeMap::new();
        for (class, wanted) in wanted {
            let Some(rules) = table.rules(*class) else {
                checker.refuse(
                    &name(*class, Kept::Core),
                    "is of notices, which live as long as their trail: leave it out",
                );
                continue;
            };
            for kept in Kept::ALL.into_iter().filter(|kept| rules.parts.get(*kept).is_none()) {
                if wanted.contains_key(&kept) {
                    checker.refuse(&name(*class, kept), "is not kept in this class: leave it out");
                }
            }
            let core = wanted.get(&Kept::Core).copied().unwrap_or(rules.parts.core.lifetime);
            let lifetimes = rules.parts.map(|kept, rule| match wanted.get(&kept) {
                Some(lifetime) => *lifetime,
                // Counted in the same unit as the core, or far shorter.
                None if may_outlive(rule.lifetime, core) => core,
                None => rule.lifetime,
            });
            if Some(lifetimes) != table.lifetimes(*class) {
                classes.insert(*class, lifetimes);
            }
        }
        Self(classes)
    }

    /// Reads a file's choices.
    ///
    /// # Errors
    ///
    /// No choice can be taken from it; what is wrong is told to the checker, field by field.
    pub fn read(file: &form::Wanted, table: &Table, checker: &mut Checker) -> Self {
        let mut wanted = BTreeMap::new();
        for (name, parts) in file {
            let class = Class::named(&name.to_uppercase().replace('-', "_"));
            let Some(class) = class.filter(|_| *name == name.to_lowercase()) else {
                let known: Vec<String> = table.classes().map(|(class, _)| field(class)).collect();
                checker.refuse("class", format!("a table is named after no class: name one of {}", known.join(", ")));
                continue;
            };
            let texts = [&parts.core, &parts.net, &parts.session, &parts.detail];
            let mut lifetimes = Wanted::new();
            for (kept, text) in Kept::ALL.into_iter().zip(texts).filter_map(|(kept, text)| Some((kept, text.as_ref()?)))
            {
                match text.parse() {
                    Ok(lifetime) => _ = lifetimes.insert(kept, lifetime),
                    Err(error @ NoLifetime) => checker.refuse(&path(class, kept), error.to_string()),
                }
            }
            if wanted.insert(class, lifetimes).is_some() {
                checker.refuse(&field(class), "is there twice: keep one of the tables");
            }
        }
        Self::of(&wanted, table, path, checker)
    }

    /// The lifetimes that were chosen for a class.
    pub fn get(&self, class: Class) -> Option<&Lifetimes> {
        self.0.get(&class)
    }

    /// All that was chosen, by class.
    pub fn classes(&self) -> impl Iterator<Item = (Class, &Lifetimes)> {
        self.0.iter().map(|(class, lifetimes)| (*class, lifetimes))
    }

    /// Whether nothing was chosen.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether it may be, for a public authority or body or another.
    ///
    /// # Errors
    ///
    /// Everything that is beyond the bounds of the table: class and part, limit and legal source.
    pub fn check(&self, table: &Table, public_body: bool) -> Result<(), Vec<Violation>> {
        let mut checker = Checker::default();
        for (class, lifetimes) in self.classes() {
            let Some(rules) = table.rules(class) else {
                checker.refuse(&field(class), "is of notices, which live as long as their trail: leave it out");
                continue;
            };
            if Some(*lifetimes) == table.lifetimes(class) {
                checker.refuse(&field(class), "is what the policy says anyway: leave it out");
            }
            let (chosen, mut core_is_bad): (PerPart<Lifetime>, _) = (*lifetimes, false);
            for kept in Kept::ALL {
                let good = match (rules.parts.get(kept), chosen.get(kept)) {
                    (None, None) => Ok(()),
                    (None, Some(_)) => Err("is not kept in this class: leave it out".to_owned()),
                    (Some(_), None) => Err("is missing: every part that the class keeps has a lifetime".to_owned()),
                    (Some(rule), Some(lifetime)) => within(rule, *lifetime, public_body, &rules.source)
                        .and_then(|()| no_longer_than_core(*lifetime, chosen.core)),
                };
                if let Err(why) = good {
                    // What lives as long as a core that may not is not told again.
                    if kept == Kept::Core || !core_is_bad || chosen.get(kept) != Some(&chosen.core) {
                        checker.refuse(&path(class, kept), why);
                    }
                    core_is_bad |= kept == Kept::Core;
                }
            }
        }
        checker.finish(())
    }
}

fn within(rule: &Rule, lifetime: Lifetime, public_body: bool, source: &str) -> Result<(), String> {
    let Some(bounds) = rule.bounds else {
        let fixed = lifetime == rule.lifetime;
        return if fixed {
            Ok(())
        } else {
            Err(format!("is fixed at {} by law, leave it out. {source}", rule.lifetime))
        };
    };
    let least = rule.public_body.filter(|_| public_body).unwrap_or(bounds.at_least);
    let order = (compare(lifetime, least), compare(lifetime, bounds.at_most));
    if matches!(order, (Some(Ordering::Greater | Ordering::Equal), Some(Ordering::Less | Ordering::Equal))) {
        return Ok(());
    }
    let whose = if least == bounds.at_least { "" } else { " for a public body" };
    Err(format!("may be {least} to {}{whose}, counted so: choose one of these. {source}", bounds.at_most))
}

fn no_longer_than_core(lifetime: Lifetime, core: Lifetime) -> Result<(), String> {
    if may_outlive(lifetime, core) {
        return Err(format!("may not outlive the core, {core}: without it nobody could read it; choose less"));
    }
    Ok(())
}

/// The class as files write it.
pub fn field(class: Class) -> String {
    class.name().to_lowercase().replace('_', "-")
}

/// A part of a class as files write it.
pub fn path(class: Class, kept: Kept) -> String {
    format!("{}.{}", field(class), kept.word())
}
