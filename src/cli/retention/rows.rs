//! Lifetimes of the wire as rows and as JSON.

use serde_json::{Value, json};

use crate::cli::text;
use crate::cli::words::Vocabulary;
use crate::grpc::api::{RetentionDifference, RetentionLifetime, retention_lifetime};
use crate::model::date::Lifetime;

/// A lifetime in words; `-` where there is none.
pub(super) fn lifetime(of: Option<&RetentionLifetime>) -> String {
    of.and_then(read).map_or_else(|| "-".to_owned(), |lifetime| lifetime.to_string())
}

/// A lifetime that this version can count.
pub(super) fn read(of: &RetentionLifetime) -> Option<Lifetime> {
    use retention_lifetime::Length;
    Some(match of.length.as_ref()? {
        Length::Days(days) => Lifetime::Days(u16::try_from(*days).ok()?),
        Length::Months(months) => Lifetime::Months(u16::try_from(*months).ok()?),
        Length::YearsAfter(after) => {
            let last_month = i8::try_from(after.last_month).ok()?;
            Lifetime::YearsFromEndOf { last_month, years: u16::try_from(after.years).ok()? }
        }
    })
}

/// What changes, as a table.
pub(super) fn table(changes: &[RetentionDifference]) -> String {
    let row = |change: &RetentionDifference| {
        let of = (text::class(change.retention_class), change.part().word());
        vec![of.0, of.1, lifetime(change.before.as_ref()), lifetime(change.after.as_ref())]
    };
    text::table(&["CLASS", "PART", "IN FORCE", "THEN"], &changes.iter().map(row).collect::<Vec<_>>())
}

/// What changes, as JSON.
pub(super) fn objects(changes: &[RetentionDifference]) -> Value {
    let object = |change: &RetentionDifference| {
        json!({"class": text::class(change.retention_class), "part": change.part().word(),
            "before": lifetime(change.before.as_ref()), "after": lifetime(change.after.as_ref())})
    };
    changes.iter().map(object).collect()
}
