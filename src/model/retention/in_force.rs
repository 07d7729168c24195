//! What holds for a controller: the table, and what it chose, each choice a version of its own.

use super::choice::Choice;
use super::table::Table;
use crate::model::date::{Lifetime, Rounding, Timestamp, Zone};
use crate::model::policy::{Class, Dates, Lifetimes};

/// The policy in force for one controller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retention {
    table: &'static Table,
    number: u32,
    choice: Choice,
    version: String,
}

impl Default for Retention {
    fn default() -> Self {
        Self::chosen(0, Choice::default())
    }
}

impl Retention {
    /// After the choice of that number; 0 before the first.
    pub fn chosen(number: u32, choice: Choice) -> Self {
        let table = Table::shipped();
        Self { table, number, choice, version: version(table, number) }
    }

    /// The table that it stands on.
    pub fn table(&self) -> &'static Table {
        self.table
    }

    /// How many choices the controller made.
    pub fn number(&self) -> u32 {
        self.number
    }

    /// The last of them.
    pub fn choice(&self) -> &Choice {
        &self.choice
    }

    /// As records name it: the table's version, and `+` the number of the choice if there was one.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// How long each part of a class lives; `None` of notices.
    pub fn lifetimes(&self, class: Class) -> Option<Lifetimes> {
        self.choice.get(class).copied().or_else(|| self.table.lifetimes(class))
    }

    /// The dates of an event of `class` that happened at `occurred_at`, in the trail's zone; `None` of notices.
    pub fn dates(&self, class: Class, occurred_at: Timestamp, zone: &Zone) -> Option<Dates> {
        let rules = &self.table.rules(class)?.parts;
        let day = zone.day(occurred_at);
        let end = |kept, lifetime: &Lifetime| {
            // What is chosen has the parts of its class.
            let rounding = rules.get(kept).map_or(Rounding::NeverLater, |rule| rule.rounding);
            lifetime.end_rounded(day, rounding)
        };
        Some(self.lifetimes(class)?.map(end))
    }
}

/// The version after that many choices.
pub fn version(table: &Table, number: u32) -> String {
    match number {
        0 => table.version().to_owned(),
        _ => format!("{}+{number}", table.version()),
    }
}

/// Which choice a version names; `None` if it is not of the shipped table, or not as Akta writes it.
pub fn number(name: &str) -> Option<u32> {
    let table = Table::shipped();
    let number = match name.strip_prefix(table.version())? {
        "" => 0,
        rest => rest.strip_prefix('+')?.parse().ok()?,
    };
    (version(table, number) == name).then_some(number)
}
