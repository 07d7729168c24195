//! The table that is shipped: for each class and part the lifetime, its bounds, its rounding, its legal source.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::LazyLock;

use super::form;
use super::words::{compare, may_outlive};
use crate::model::date::{Lifetime, Rounding};
use crate::model::policy::{Class, Kept, Lifetimes, PerPart, VERSION};

/// The rules of every class of events. Notices (class LEDGER) are not in it: their cores live as long as their trail.
#[derive(Debug, PartialEq, Eq)]
pub struct Table {
    version: String,
    classes: BTreeMap<Class, ClassRules>,
}

/// The rules of a class.
#[derive(Debug, PartialEq, Eq)]
pub struct ClassRules {
    /// What is in it, and by which law or policy it lives so long.
    pub source: String,
    /// Of each part.
    pub parts: PerPart<Rule>,
}

/// How long a part lives, and how long it may.
#[derive(Debug, PartialEq, Eq)]
pub struct Rule {
    /// If nothing is chosen.
    pub lifetime: Lifetime,
    /// Between what can be chosen; `None`: nothing, it is fixed by law.
    pub bounds: Option<Bounds>,
    /// The least for a public authority or body.
    pub public_body: Option<Lifetime>,
    /// Of a day that a month does not have.
    pub rounding: Rounding,
}

/// Limits that both may be chosen, counted in the same unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// The shortest.
    pub at_least: Lifetime,
    /// The longest.
    pub at_most: Lifetime,
}

impl Rule {
    /// The longest that can be chosen.
    pub fn longest(&self) -> Lifetime {
        self.bounds.map_or(self.lifetime, |bounds| bounds.at_most)
    }
}

static SHIPPED: LazyLock<Table> = LazyLock::new(|| {
    let table = Table::parse(include_str!("default-1.toml")).expect("the shipped table is good, as tests hold");
    assert!(table.version == VERSION, "the shipped table is of the version that records name");
    table
});

impl Table {
    /// The one that is shipped, read once.
    pub fn shipped() -> &'static Self {
        &SHIPPED
    }

    /// Its version.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The rules of a class; `None` of notices.
    pub fn rules(&self, class: Class) -> Option<&ClassRules> {
        self.classes.get(&class)
    }

    /// Every class, by number.
    pub fn classes(&self) -> impl Iterator<Item = (Class, &ClassRules)> {
        self.classes.iter().map(|(class, rules)| (*class, rules))
    }

    /// How long each part of a class lives if nothing is chosen; `None` of notices.
    pub fn lifetimes(&self, class: Class) -> Option<Lifetimes> {
        self.rules(class).map(|rules| rules.parts.map(|_, rule| rule.lifetime))
    }

    /// Reads a table.
    ///
    /// # Errors
    ///
    /// What is wrong with it: a key, a word, a limit; a class that is missing or there twice.
    pub fn parse(text: &str) -> Result<Self, String> {
        let form: form::Table = toml::from_str(text).map_err(|error| error.to_string())?;
        let mut classes = BTreeMap::new();
        for table in form.class {
            let name = table.name.clone();
            let class = Class::named(&name).filter(|class| *class != Class::Ledger);
            let class = class.ok_or_else(|| format!("{name}: is no class of events"))?;
            let rules = rules(table).map_err(|what| format!("{name}: {what}"))?;
            if classes.insert(class, rules).is_some() {
                return Err(format!("{name}: is there twice"));
            }
        }
        let missing = Class::ALL.into_iter().find(|class| *class != Class::Ledger && !classes.contains_key(class));
        match missing {
            Some(class) => Err(format!("{class:?}: is missing")),
            None => Ok(Self { version: form.version, classes }),
        }
    }
}

fn rules(table: form::Class) -> Result<ClassRules, String> {
    if table.source.is_empty() {
        return Err("source: is empty".to_owned());
    }
    let optional = |kept: Kept, part: Option<form::Part>| part.map(|part| rule(kept, &part)).transpose();
    let parts = PerPart {
        core: rule(Kept::Core, &table.core)?,
        net: optional(Kept::Net, table.net)?,
        session: optional(Kept::Session, table.session)?,
        detail: optional(Kept::Detail, table.detail)?,
    };
    // What is left of an event without its core could not be read by anybody.
    let outlives = parts.each().find(|(_, rule)| may_outlive(rule.lifetime, parts.core.lifetime));
    if let Some((kept, _)) = outlives {
        return Err(format!("{}: outlives the core", kept.word()));
    }
    Ok(ClassRules { source: table.source, parts })
}

fn rule(kept: Kept, part: &form::Part) -> Result<Rule, String> {
    let failed = |key: &str, what: &dyn std::fmt::Display| format!("{}.{key}: {what}", kept.word());
    let read = |key: &str, text: &str| text.parse::<Lifetime>().map_err(|error| failed(key, &error));
    let lifetime = read("lifetime", &part.lifetime)?;
    let within = |key: &str, at_least: Lifetime, at_most: Lifetime| {
        let good = |short, long| matches!(compare(short, long), Some(Ordering::Less | Ordering::Equal));
        if good(at_least, lifetime) && good(lifetime, at_most) {
            return Ok(());
        }
        Err(failed(key, &"the lifetime is not within it, or is counted in another unit"))
    };
    let bounds = match (&part.at_least, &part.at_most) {
        (None, None) => None,
        (Some(at_least), Some(at_most)) => {
            let bounds = Bounds { at_least: read("at_least", at_least)?, at_most: read("at_most", at_most)? };
            within("at_least", bounds.at_least, bounds.at_most)?;
            Some(bounds)
        }
        _ => return Err(failed("at_least", &"stands with at_most, or neither does")),
    };
    let public_body = part.public_body_at_least.as_deref();
    let public_body = public_body.map(|text| read("public_body_at_least", text)).transpose()?;
    if let Some(least) = public_body {
        within("public_body_at_least", least, lifetime)?;
    }
    let rounding = Rounding::ALL.into_iter().find(|rounding| rounding.word() == part.rounding);
    let rounding = rounding.ok_or_else(|| failed("rounding", &"must be never-later or never-earlier"))?;
    Ok(Rule { lifetime, bounds, public_body, rounding })
}
