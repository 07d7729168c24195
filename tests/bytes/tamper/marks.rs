//! What a finding must name to be about the place that was damaged.
#![allow(clippy::unwrap_used)]

use std::fmt::Write;
use std::ops::RangeInclusive;

use akta::model::notice::Says;
use akta::model::stored::{NoticeCore, TrailMeta};
use akta::store::{Family, keys};
use prost::Message;

use super::folder::Original;

/// One way to name the place.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Mark {
    /// A record of a trail.
    Records(String, RangeInclusive<u64>),
    /// Words in what is said.
    Word(String),
    /// Rows are lost, which may be any: some record is named.
    SomeRecord,
}

/// What was said of a folder.
#[derive(Debug, Clone)]
pub(crate) struct Said {
    pub(crate) origin: String,
    pub(crate) seq: Option<u64>,
    pub(crate) what: String,
}

impl Mark {
    pub(crate) fn word(word: impl Into<String>) -> Self {
        Self::Word(word.into())
    }

    pub(crate) fn fits(&self, said: &Said) -> bool {
        match self {
            Self::Records(origin, seqs) => *origin == said.origin && said.seq.is_some_and(|seq| seqs.contains(&seq)),
            Self::Word(word) => said.what.contains(word) || said.origin.contains(word),
            Self::SomeRecord => said.seq.is_some(),
        }
    }
}

/// How a row may be named.
pub(crate) fn of_row(original: &Original, family: Family, key: &[u8], value: &[u8]) -> Vec<Mark> {
    let number = |at: usize| key.get(at..at + 4).map(|bytes| u32::from_be_bytes(bytes.try_into().unwrap()));
    let seq = keys::seq_of(key).unwrap_or_default();
    let records = |trail: Option<u32>, first: u64, last: u64| match trail.and_then(|trail| original.trails.get(&trail))
    {
        Some((origin, ..)) => Mark::Records(origin.clone(), first..=last),
        None => Mark::word(format!("the family {}", family.name())),
    };
    match family {
        // A header that changed within its row shows at the row's end.
        Family::Header => {
            let count = value.get(33).map_or(0, |count| u64::from(*count));
            let size = number(0).and_then(|trail| original.trails.get(&trail)).map_or(0, |(_, size, _)| *size);
            // One far behind the end makes the trail longer: the first that is missing is named.
            vec![records(number(0), seq.min(size), seq.saturating_add(count))]
        }
        Family::Part => {
            let count = value.get(2..6).map_or(1, |bytes| u32::from_be_bytes(bytes.try_into().unwrap()));
            let zone = key.get(4..6).map(|bytes| u16::from_be_bytes(bytes.try_into().unwrap()));
            let stray = zone
                .zip(number(6))
                .is_none_or(|(zone, trail)| original.zones.get(&trail).is_none_or(|number| *number != zone));
            let count = count.clamp(1, 1_000);
            let place = if stray {
                Mark::word("the family part")
            } else {
                records(number(6), seq, seq.saturating_add(u64::from(count) - 1))
            };
            vec![place]
        }
        Family::Notice => {
            let expired = NoticeCore::decode(value).is_ok_and(|core| matches!(core.kind, Some(Says::Expired(_))));
            // Where nothing tells of it, what is expired is missing.
            let missing = expired.then(|| Mark::word("its frame of"));
            [records(number(0), seq, seq)].into_iter().chain(missing).collect()
        }
        Family::Tree => {
            let level = key.get(4).copied().unwrap_or_default();
            let end = (seq.saturating_add(1)).checked_shl(8 * u32::from(level)).unwrap_or(u64::MAX);
            vec![
                records(number(0), end.saturating_sub(1), end.saturating_sub(1)),
                Mark::word(format!("subtree {seq} of level {level}")),
            ]
        }
        Family::Meta => {
            let name = key.escape_ascii().to_string();
            let controller = name.split_once('/').map(|(_, controller)| Mark::word(format!("/{controller}/")));
            let trail = TrailMeta::decode(value).ok().filter(|_| name.starts_with("trail/"));
            let number = trail.iter().flat_map(|trail| {
                [
                    Mark::word(format!("has the number {}", trail.number)),
                    Mark::word(format!("of a trail {} ", trail.number)),
                ]
            });
            controller.into_iter().chain([Mark::word(format!("\"{name}\""))]).chain(number).collect()
        }
        Family::Row => vec![Mark::word(format!("vault row {}", hex(&key[..8])))],
        Family::Pseudonym => {
            let led_to = Mark::word(format!("vault row {}", hex(&value[..value.len().min(8)])));
            let whole = value.len() == 34;
            [Mark::word(format!("pseudonym row {}", hex(&key[..8])))]
                .into_iter()
                .chain(whole.then_some(led_to))
                .collect()
        }
        Family::Held => vec![Mark::word("hold"), Mark::word("the family held")],
        Family::Removal => vec![Mark::word("removal")],
        Family::Posting => vec![Mark::word("posting"), Mark::word("by one of its terms")],
        Family::EventId => vec![Mark::word("event id"), Mark::word("the family event_id")],
        Family::Counter => vec![Mark::word("counts"), Mark::word("counter")],
        Family::Indexed => vec![Mark::word("the index"), Mark::word("the family indexed")],
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
