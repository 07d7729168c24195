//! Questions: what to find, in which order, from where on.

use super::facts::Facts;
use super::header::Header;
use super::identity::Pseudonym;
use super::record::Contents;

/// What an event must satisfy; every field that is set must hold.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Filter {
    /// Whose data: one of these pseudonyms of one person. `Some(empty)` matches nothing.
    pub subject: Option<Vec<Pseudonym>>,
    /// Who acted: one of these pseudonyms of one person. `Some(empty)` matches nothing.
    pub actor: Option<Vec<Pseudonym>>,
    /// In whose name somebody acted: one of these pseudonyms of one person. `Some(empty)` matches nothing.
    pub on_behalf_of: Option<Vec<Pseudonym>>,
    /// All else.
    pub facts: Facts,
}

impl Filter {
    /// Whether an event satisfies it. What has expired satisfies nothing, nor does a notice.
    pub fn matches(&self, header: &Header, contents: &Contents) -> bool {
        is_among(&self.subject, contents.subjects.iter().map(|subject| &subject.pseudonym))
            && is_among(&self.actor, contents.actor.iter().map(|actor| &actor.pseudonym))
            && is_among(&self.on_behalf_of, contents.actor.iter().map(|actor| &actor.on_behalf_of))
            && self.facts.hold(header, contents)
    }
}

/// Whether the person asked for, if anybody is, is one of those.
fn is_among<'a>(wanted: &Option<Vec<Pseudonym>>, people: impl IntoIterator<Item = &'a Vec<u8>>) -> bool {
    let Some(wanted) = wanted else { return true };
    people.into_iter().any(|bytes| wanted.iter().any(|pseudonym| pseudonym.0 == **bytes))
}

/// What rows hold, and whether there are rows for what no filter finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Include {
    /// What opens the parts of each record.
    pub openings: bool,
    /// Also notices, and records whose core is past its date: every position has a row.
    pub notices: bool,
    /// Also records of people whose records are restricted.
    pub restricted: bool,
}

/// Order of rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// By position, descending.
    #[default]
    NewestFirst,
    /// By position, ascending.
    OldestFirst,
}

/// Where the next page goes on: `1 version || 8 size || 8 next || 8 question`, as hex. Clients get it sealed, as a
/// [`PageToken`](super::page_token::PageToken).
///
/// The size fixes what a search covers, so rows that arrive meanwhile shift nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    /// Number of records the search covers.
    pub size: u64,
    /// Position to go on at, inclusive.
    pub next: u64,
    /// First bytes of a hash of the question, so that a cursor is not used with another.
    pub question: [u8; 8],
}

impl Cursor {
    const VERSION: u8 = 1;

    /// As text for the client.
    pub fn encode(&self) -> String {
        let mut bytes = vec![Self::VERSION];
        bytes.extend(self.size.to_be_bytes());
        bytes.extend(self.next.to_be_bytes());
        bytes.extend(self.question);
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// From the client's text, if it goes on with that question in a trail of `size` records.
    pub fn resume(text: &str, question: [u8; 8], size: u64) -> Option<Self> {
        Self::decode(text).filter(|cursor| cursor.question == question && cursor.size <= size)
    }

    /// From the client's text, to the letter; `None` if it is none of ours.
    pub fn decode(text: &str) -> Option<Self> {
        if text.len() != 50 || !text.is_ascii() {
            return None;
        }
        let bytes: Vec<u8> =
            (0..25).map(|i| u8::from_str_radix(&text[2 * i..2 * i + 2], 16).ok()).collect::<Option<_>>()?;
        let (version, rest) = bytes.split_first()?;
        (*version == Self::VERSION).then_some(())?;
        let (size, rest) = rest.split_first_chunk()?;
        let (next, question) = rest.split_first_chunk()?;
        let cursor = Self {
            size: u64::from_be_bytes(*size),
            next: u64::from_be_bytes(*next),
            question: question.try_into().ok()?,
        };
        // Capitals, and a plus for a leading zero, read as the same number.
        (cursor.encode() == text).then_some(cursor)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_token_has_one_spelling() {
        let token = Cursor { size: 0xab, next: 7, question: [0xcd; 8] }.encode();
        assert!(Cursor::decode(&token).is_some());
        for other in [token.replace("cd", "CD"), token.replace("07", "+7"), format!("{token} ")] {
            assert_eq!(Cursor::decode(&other), None, "{other}");
        }
    }

    proptest! {
        #[test]
        fn cursors_round_trip(size in any::<u64>(), next in any::<u64>(), question in any::<[u8; 8]>()) {
            let cursor = Cursor { size, next, question };
            prop_assert_eq!(Cursor::decode(&cursor.encode()), Some(cursor));
        }

        #[test]
        fn other_text_is_refused(text in ".{0,60}") {
            prop_assert!(Cursor::decode(&text).is_none_or(|cursor| cursor.encode() == text));
        }
    }
}
