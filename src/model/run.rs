//! A run: neighbouring headers packed into one stored row.
//!
//! ```text
//! 1 format=1 · 32 link before the first · 1 count (1..64) · count x ( 1 kind · 2 class · 4 day · 1 n · n x 37 )
//! ```
//!
//! Version, seq and previous link follow from the row's key and the headers before, so they are not stored; a
//! changed byte changes every link after it.

use super::date::Date;
use super::header::{self, GROUP_BYTES, Group, Header, HeaderError, Kind, Link};

/// Most headers in one run.
pub const HEADERS_MAX: usize = 64;

const FORMAT: u8 = 1;
const PREFIX: usize = 34;
const HEADER_FIXED: usize = 8;

/// A header and its link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Linked {
    /// The header.
    pub header: Header,
    /// Its link.
    pub link: Link,
}

/// Why a stored row is not a run of headers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RunError {
    /// Unknown format.
    #[error("header row has format {0}, known is 1")]
    Format(u8),
    /// Cut short, or bytes left over, or a bad count.
    #[error("header row has a wrong length")]
    Length,
    /// One header breaks a rule.
    #[error("header {seq}: {error}")]
    Header {
        /// Its position.
        seq: u64,
        /// The rule.
        error: HeaderError,
    },
}

/// Packs headers that follow each other into one row.
pub fn encode(headers: &[Header]) -> Vec<u8> {
    assert!((1..=HEADERS_MAX).contains(&headers.len()), "a run has 1 to 64 headers");
    let mut bytes = vec![FORMAT];
    bytes.extend(headers[0].previous.0);
    bytes.push(u8::try_from(headers.len()).expect("at most 64"));
    for header in headers {
        let whole = header.encode();
        bytes.extend(&whole[1..4]);
        bytes.extend(&whole[12..16]);
        bytes.extend(&whole[48..]);
    }
    bytes
}

/// Number of headers in a stored row, without unpacking it; `None` if it is too short to say.
pub fn count(bytes: &[u8]) -> Option<u64> {
    bytes.get(PREFIX - 1).map(|count| u64::from(*count))
}

/// Unpacks the row whose first header has position `first`.
pub fn decode(first: u64, bytes: &[u8]) -> Result<Vec<Linked>, RunError> {
    let (prefix, mut rest) = bytes.split_first_chunk::<PREFIX>().ok_or(RunError::Length)?;
    if prefix[0] != FORMAT {
        return Err(RunError::Format(prefix[0]));
    }
    let count = usize::from(prefix[33]);
    if !(1..=HEADERS_MAX).contains(&count) {
        return Err(RunError::Length);
    }
    let mut previous = Link(prefix[1..33].try_into().map_err(|_| RunError::Length)?);
    let mut run = Vec::with_capacity(count);
    for offset in 0..count as u64 {
        let seq = first.checked_add(offset).ok_or(RunError::Length)?;
        let (fixed, after) = rest.split_first_chunk::<HEADER_FIXED>().ok_or(RunError::Length)?;
        let groups = usize::from(fixed[7]);
        let (packed, after) = after.split_at_checked(groups * GROUP_BYTES).ok_or(RunError::Length)?;
        rest = after;
        let header = unpack(seq, previous, fixed, packed).map_err(|error| RunError::Header { seq, error })?;
        let link = header.link();
        previous = link;
        run.push(Linked { header, link });
    }
    if rest.is_empty() { Ok(run) } else { Err(RunError::Length) }
}

fn unpack(seq: u64, previous: Link, fixed: &[u8; HEADER_FIXED], groups: &[u8]) -> Result<Header, HeaderError> {
    let count = fixed[7];
    if !(1..=6).contains(&count) {
        return Err(HeaderError::GroupCount(count));
    }
    let header = Header {
        kind: match fixed[0] {
            0 => Kind::Event,
            1 => Kind::Notice,
            other => return Err(HeaderError::Kind(other)),
        },
        class: header::class(u16::from_be_bytes([fixed[1], fixed[2]]))?,
        seq,
        day: Date::from_days(u32::from_be_bytes([fixed[3], fixed[4], fixed[5], fixed[6]])),
        previous,
        groups: groups.chunks_exact(GROUP_BYTES).map(Group::from_bytes).collect(),
    };
    header.check()?;
    Ok(header)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_run() -> impl Strategy<Value = Vec<Header>> {
        let headers = prop::collection::vec(header::tests::any_header(), 1..=HEADERS_MAX);
        (headers, 0..u64::MAX / 2).prop_map(|(mut headers, first)| {
            for i in 0..headers.len() {
                headers[i].seq = first + i as u64;
                if i > 0 {
                    headers[i].previous = headers[i - 1].link();
                }
            }
            headers
        })
    }

    proptest! {
        #[test]
        fn runs_round_trip(headers in any_run()) {
            let run = decode(headers[0].seq, &encode(&headers)).expect("own bytes");
            prop_assert!(run.iter().all(|linked| linked.link == linked.header.link()));
            prop_assert_eq!(run.into_iter().map(|linked| linked.header).collect::<Vec<_>>(), headers);
        }

        #[test]
        fn other_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), first in any::<u64>()) {
            let _ = decode(first, &bytes);
        }

        #[test]
        fn a_flipped_bit_changes_the_last_link(headers in any_run(), at in any::<prop::sample::Index>(), bit in 0..8u8) {
            let good = decode(headers[0].seq, &encode(&headers)).expect("own bytes");
            let mut bytes = encode(&headers);
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
            if let Ok(bad) = decode(headers[0].seq, &bytes) {
                prop_assert_ne!(bad.last().map(|linked| linked.link), good.last().map(|linked| linked.link));
            }
        }
    }
}
