//! Counts of verdicts by cell and damage, as docs/acceptance.md shows them.

use std::collections::BTreeMap;

use super::cells::{CELLS, Damage};
use super::judge::Verdict;

/// Counts of one table.
#[derive(Debug, Default)]
pub(crate) struct Table(BTreeMap<(&'static str, Damage), BTreeMap<Verdict, u32>>);

impl Table {
    pub(crate) fn add(&mut self, cell: &'static str, damage: Damage, verdict: Verdict) {
        *self.0.entry((cell, damage)).or_default().entry(verdict).or_default() += 1;
    }

    /// Cases in it.
    pub(crate) fn cases(&self) -> u32 {
        self.0.values().flat_map(BTreeMap::values).sum()
    }

    /// Fewest cases of any cell.
    pub(crate) fn fewest(&self) -> u32 {
        self.0.values().map(|counts| counts.values().sum()).min().unwrap_or_default()
    }

    /// Cases with that verdict.
    pub(crate) fn of(&self, verdict: Verdict) -> u32 {
        self.0.values().filter_map(|counts| counts.get(&verdict)).sum()
    }

    /// As Markdown: a number and a letter for each verdict of a cell.
    pub(crate) fn shown(&self) -> String {
        let mut text = String::from("| cell |");
        Damage::ALL.iter().for_each(|damage| text.push_str(&format!(" {} |", damage.name())));
        text.push_str(&format!("\n|---|{}\n", "---|".repeat(Damage::ALL.len())));
        for cell in CELLS {
            text.push_str(&format!("| {} |", cell.name()));
            for damage in Damage::ALL {
                let counts = self.0.get(&(cell.name(), damage));
                let counts =
                    counts.into_iter().flatten().map(|(verdict, count)| format!("{count} {}", verdict.letter()));
                text.push_str(&format!(" {} |", counts.collect::<Vec<_>>().join(" · ")));
            }
            text.push('\n');
        }
        text
    }
}

impl Verdict {
    /// Its letter in a table.
    fn letter(self) -> &'static str {
        match self {
            Self::Named => "N",
            Self::Rebuilt => "R",
            Self::Harmless => "h",
            Self::Guard => "G",
            Self::Keys => "k",
            Self::Silent => "s",
        }
    }
}
