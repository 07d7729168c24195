//! Frames: how parts rest. One frame holds the parts of neighbouring records that expire on one date.
//!
//! ```text
//! value     = 1 format=1 · 1 dictionary · 4 count · sealed( zstd( Frame ) )
//! sealed    = AES-256-GCM under the date's seal key, place = format || O || date u32 || first u64 || count u32 || dictionary
//! ```
//!
//! `count` is the number of consecutive positions the frame spans, from the `first` of its storage key. A part that was
//! erased leaves its bare hash; what it came with has salts of its own then, and no seed, from which its salt would follow.

use std::cell::RefCell;

use prost::Message;

use super::date::Date;
use super::header::Link;
use super::part::{self, PartHash, PartId, PartKey, Salt};
use super::seal::{self, Key};
use super::stored::{Frame, FramePart, FrameSource};

/// Format of the value.
pub const FORMAT: u8 = 1;

/// A frame is closed once its parts reach this many bytes; one record may exceed it.
pub const TARGET_BYTES: usize = 16 * 1024;

/// Nothing that Akta writes decompresses to more than this.
const PLAIN_BYTES_MAX: usize = 4 * 1024 * 1024;

const CLEAR: usize = 6;
const ZSTD_LEVEL: i32 = 1;

/// Gathers the parts of one frame: of new records, or of neighbouring frames that become one.
#[derive(Debug)]
pub struct Builder {
    first: u64,
    last: u64,
    sources: Vec<FrameSource>,
    bytes: usize,
}

impl Builder {
    /// A frame that begins at position `first`, with a fresh random seed.
    pub fn new(first: u64, seed: [u8; 32]) -> Self {
        let source = FrameSource { seed: seed.to_vec(), parts: Vec::new() };
        Self { first, last: first, sources: vec![source], bytes: 0 }
    }

    /// The frame stored for (`origin`, `date`, `first`), to be joined with its neighbours. It keeps its sources, each
    /// with its seed or its salts, so that every commitment to its parts stays true.
    pub fn reopen(key: &Key, origin: &Link, date: Date, first: u64, value: &[u8]) -> Result<Self, FrameError> {
        let (count, sources) = unseal(key, origin, date, first, value)?;
        let more = count.checked_sub(1).ok_or(FrameError::Form)?;
        let last = first.checked_add(u64::from(more)).ok_or(FrameError::Form)?;
        let bytes = sources.iter().flat_map(|source| &source.parts).map(|part| counted(&part.content)).sum();
        Ok(Self { first, last, sources, bytes })
    }

    /// Adds a part of record `seq` to a new frame and commits to it. Records and parts come in ascending order.
    pub fn add(&mut self, seq: u64, key: PartKey, content: Vec<u8>) -> PartHash {
        self.last = seq;
        self.bytes += counted(&content);
        let source = self.sources.last_mut().expect("a new frame has a source");
        let seed = source.seed.as_slice().try_into().expect("a new frame has a seed of 32 bytes");
        let hash = part::part_hash(&part::salt(seed, seq, key), key, &content);
        source.parts.push(FramePart {
            offset: u32::try_from(seq - self.first).expect("a frame is closed long before 2^32 records"),
            part: key.id as u32,
            index: u32::from(key.index),
            content,
            ..FramePart::default()
        });
        hash
    }

    /// Erases parts: of each its bare hash stays, and with them the seed of their source goes. Whether there were any.
    pub fn erase(&mut self, mut gone: impl FnMut(u64, PartKey) -> bool) -> Result<bool, FrameError> {
        let mut any = false;
        for source in &mut self.sources {
            let mut pieces = pieces(source, self.first)?;
            let mut own = false;
            for (piece, part) in pieces.iter_mut().zip(&source.parts) {
                let Piece::Open(open) = piece else { continue };
                if gone(open.seq, open.key) {
                    own = true;
                    self.bytes = self.bytes - counted(&part.content) + counted(&[]);
                    let hash = part::part_hash(&open.salt, open.key, &open.content);
                    *piece = Piece::Bare(BarePart { seq: open.seq, key: open.key, hash });
                }
            }
            if own {
                any = true;
                source.seed.clear();
                for (part, piece) in source.parts.iter_mut().zip(pieces) {
                    match piece {
                        Piece::Open(open) => part.salt = open.salt.to_vec(),
                        Piece::Bare(bare) => {
                            (part.content, part.salt, part.erased_hash) = (Vec::new(), Vec::new(), bare.hash.to_vec());
                        }
                    }
                }
            }
        }
        Ok(any)
    }

    /// Takes in the sources of `next`, which lies behind it; gives it back where one of the two is full, or together
    /// they would span 2^32 positions.
    pub fn join(&mut self, next: Self) -> Result<(), Self> {
        assert!(self.last < next.first, "frames are joined in ascending order");
        let shift = next.first - self.first;
        if self.is_full() || next.is_full() || next.last - self.first >= u64::from(u32::MAX) {
            return Err(next);
        }
        let shift = u32::try_from(shift).expect("is within the span");
        for mut source in next.sources {
            source.parts.iter_mut().for_each(|part| part.offset += shift);
            self.sources.push(source);
        }
        self.last = next.last;
        self.bytes += next.bytes;
        Ok(())
    }

    /// Whether the next record should begin another frame.
    pub fn is_full(&self) -> bool {
        self.bytes >= TARGET_BYTES
    }

    /// The position of the newest record in it.
    pub fn last(&self) -> u64 {
        self.last
    }

    /// The position that it begins at.
    pub fn first(&self) -> u64 {
        self.first
    }

    /// The number of positions it spans, and its plaintext before compression.
    pub fn pack(self) -> (u32, Vec<u8>) {
        let count = u32::try_from(self.last - self.first + 1).expect("a frame is closed long before 2^32 records");
        (count, Frame { sources: self.sources }.encode_to_vec())
    }

    /// Packs, compresses and seals it.
    pub fn seal(self, key: &Key, nonce: [u8; 12], origin: &Link, date: Date) -> Vec<u8> {
        let first = self.first;
        let (count, plain) = self.pack();
        let place = place(origin, date, first, count, dictionary::SHIPPED);
        let sealed = key.seal(nonce, &place, &dictionary::compress(&plain));
        let mut value = Vec::with_capacity(CLEAR + sealed.len());
        value.extend([FORMAT, dictionary::SHIPPED]);
        value.extend(count.to_be_bytes());
        value.extend(sealed);
        value
    }
}

/// A part taken out of a frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenPart {
    /// Position of its record.
    pub seq: u64,
    /// Which part.
    pub key: PartKey,
    /// Its salt.
    pub salt: Salt,
    /// The committed bytes.
    pub content: Vec<u8>,
}

/// A part that was erased.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BarePart {
    /// Position of its record.
    pub seq: u64,
    /// Which part.
    pub key: PartKey,
    /// Its hash.
    pub hash: PartHash,
}

/// What a frame holds, each in the order of (record, key).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Opened {
    /// What can be read.
    pub open: Vec<OpenPart>,
    /// What was erased.
    pub bare: Vec<BarePart>,
}

enum Piece {
    Open(OpenPart),
    Bare(BarePart),
}

/// Why a stored value is not the frame of its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// Unknown format or dictionary.
    #[error("format {0} or dictionary {1} is not known")]
    Format(u8, u8),
    /// Too short to be a frame.
    #[error("it is cut short")]
    Short,
    /// The seal does not open: a changed byte, another place, another key.
    #[error("it does not open under the key of that date")]
    Seal,
    /// It opens, but does not hold what a frame holds.
    #[error("it opens, but is not well-formed")]
    Form,
}

/// Number of positions that a stored frame spans, without opening it.
pub fn count(value: &[u8]) -> Result<u32, FrameError> {
    let clear = value.first_chunk::<CLEAR>().ok_or(FrameError::Short)?;
    if clear[0] != FORMAT || clear[1] != dictionary::SHIPPED {
        return Err(FrameError::Format(clear[0], clear[1]));
    }
    if value.len() < CLEAR + seal::OVERHEAD {
        return Err(FrameError::Short);
    }
    Ok(u32::from_be_bytes([clear[2], clear[3], clear[4], clear[5]]))
}

/// Opens the frame stored for (`origin`, `date`, `first`).
pub fn open(key: &Key, origin: &Link, date: Date, first: u64, value: &[u8]) -> Result<Opened, FrameError> {
    let (_, sources) = unseal(key, origin, date, first, value)?;
    let mut parts = Opened::default();
    for source in &sources {
        for piece in pieces(source, first)? {
            match piece {
                Piece::Open(open) => parts.open.push(open),
                Piece::Bare(bare) => parts.bare.push(bare),
            }
        }
    }
    Ok(parts)
}

/// The parts of a source, in their order.
fn pieces(source: &FrameSource, first: u64) -> Result<Vec<Piece>, FrameError> {
    let seed: Option<[u8; 32]> = source.seed.as_slice().try_into().ok();
    let piece = |part: &FramePart| {
        let id = PartId::from_number(part.part).ok_or(FrameError::Form)?;
        let index = u16::try_from(part.index).map_err(|_| FrameError::Form)?;
        let key = PartKey { id, index };
        let seq = first.checked_add(u64::from(part.offset)).ok_or(FrameError::Form)?;
        if !part.erased_hash.is_empty() {
            let hash = part.erased_hash.as_slice().try_into().map_err(|_| FrameError::Form)?;
            let bare = source.seed.is_empty() && part.content.is_empty() && part.salt.is_empty();
            return if bare { Ok(Piece::Bare(BarePart { seq, key, hash })) } else { Err(FrameError::Form) };
        }
        let salt = match seed {
            Some(seed) => part::salt(&seed, seq, key),
            None => part.salt.as_slice().try_into().map_err(|_| FrameError::Form)?,
        };
        Ok(Piece::Open(OpenPart { seq, key, salt, content: part.content.clone() }))
    };
    source.parts.iter().map(piece).collect()
}

/// The number of positions it spans, and its sources; no part lies outside of the span.
fn unseal(
    key: &Key,
    origin: &Link,
    date: Date,
    first: u64,
    value: &[u8],
) -> Result<(u32, Vec<FrameSource>), FrameError> {
    let count = count(value)?;
    let place = place(origin, date, first, count, value[1]);
    let packed = key.open(&place, &value[CLEAR..]).ok_or(FrameError::Seal)?;
    let plain = dictionary::decompress(&packed, PLAIN_BYTES_MAX).ok_or(FrameError::Form)?;
    let Frame { sources } = Frame::decode(plain.as_slice()).map_err(|_| FrameError::Form)?;
    let within = sources.iter().flat_map(|source| &source.parts).all(|part| part.offset < count);
    if within { Ok((count, sources)) } else { Err(FrameError::Form) }
}

/// What a part adds to the bytes by which a frame is full.
fn counted(content: &[u8]) -> usize {
    content.len() + 8
}

fn place(origin: &Link, date: Date, first: u64, count: u32, dictionary: u8) -> Vec<u8> {
    let mut place = Vec::with_capacity(50);
    place.push(FORMAT);
    place.extend(origin.0);
    place.extend(date.days().to_be_bytes());
    place.extend(first.to_be_bytes());
    place.extend(count.to_be_bytes());
    place.push(dictionary);
    place
}

/// zstd with the dictionary that ships with Akta: small frames shrink as well as large ones.
mod dictionary {
    use std::sync::LazyLock;

    use zstd::bulk::{Compressor, Decompressor};
    use zstd::dict::{DecoderDictionary, EncoderDictionary};

    use super::{RefCell, ZSTD_LEVEL};

    /// Number of the shipped dictionary; a frame names the one it was packed with.
    pub(super) const SHIPPED: u8 = 1;

    /// Made by `make dictionary` (`examples/frame_samples.rs`) from synthetic frames; never holds real data.
    const BYTES: &[u8] = include_bytes!("dictionary-1.zstd");

    static ENCODER: LazyLock<EncoderDictionary<'static>> = LazyLock::new(|| EncoderDictionary::copy(BYTES, ZSTD_LEVEL));
    static DECODER: LazyLock<DecoderDictionary<'static>> = LazyLock::new(|| DecoderDictionary::copy(BYTES));

    thread_local! {
        static COMPRESSOR: RefCell<Compressor<'static>> = RefCell::new(
            Compressor::with_prepared_dictionary(&ENCODER).expect("the shipped dictionary loads"));
        static DECOMPRESSOR: RefCell<Decompressor<'static>> = RefCell::new(
            Decompressor::with_prepared_dictionary(&DECODER).expect("the shipped dictionary loads"));
    }

    pub(super) fn compress(plain: &[u8]) -> Vec<u8> {
        COMPRESSOR.with_borrow_mut(|zstd| zstd.compress(plain)).expect("zstd compresses into a buffer of its own bound")
    }

    pub(super) fn decompress(packed: &[u8], max: usize) -> Option<Vec<u8>> {
        DECOMPRESSOR.with_borrow_mut(|zstd| zstd.decompress(packed, max)).ok()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ORIGIN: Link = Link([3; 32]);

    fn key() -> Key {
        Key::new([5; 32])
    }

    proptest! {
        #[test]
        fn frames_round_trip_and_open_only_in_their_place(
            first in 0..u64::MAX / 2,
            contents in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..100), 1..20),
            at in any::<prop::sample::Index>(),
            bit in 0..8u8,
        ) {
            let mut builder = Builder::new(first, [7; 32]);
            let part = PartKey::first(PartId::Core);
            let mut hashes = Vec::new();
            for (seq, content) in (first..).zip(&contents) {
                hashes.push(builder.add(seq, part, content.clone()));
            }
            let date = Date::from_days(20_000);
            let value = builder.seal(&key(), [9; 12], &ORIGIN, date);
            let parts = open(&key(), &ORIGIN, date, first, &value).expect("own frame").open;
            prop_assert_eq!(parts.iter().map(|part| part.content.clone()).collect::<Vec<_>>(), contents);
            for (part, hash) in parts.iter().zip(hashes) {
                prop_assert_eq!(part::part_hash(&part.salt, part.key, &part.content), hash);
            }
            prop_assert_eq!(open(&key(), &ORIGIN, date, first + 1, &value), Err(FrameError::Seal));
            prop_assert_eq!(open(&key(), &ORIGIN, date.plus_days(1), first, &value), Err(FrameError::Seal));
            prop_assert_eq!(open(&key(), &Link([4; 32]), date, first, &value), Err(FrameError::Seal));
            let mut flipped = value.clone();
            let at = at.index(flipped.len());
            flipped[at] ^= 1 << bit;
            prop_assert!(open(&key(), &ORIGIN, date, first, &flipped).is_err());
        }

        /// Whatever the bounds of the frames and the gaps between them, one of all sources opens to the same parts.
        #[test]
        fn joined_frames_hold_the_parts_and_salts_of_each(
            first in 0..u64::MAX / 2,
            frames in prop::collection::vec((prop::collection::vec(1..2_000_usize, 1..5), 1..9_u64), 1..9),
        ) {
            let (date, part) = (Date::from_days(20_000), PartKey::first(PartId::Core));
            let (mut seq, mut expected, mut rows) = (first, Vec::new(), Vec::new());
            for (number, (contents, gap)) in (0_u8..).zip(&frames) {
                let mut builder = Builder::new(seq, [number; 32]);
                let row = seq;
                for length in contents {
                    builder.add(seq, part, vec![number; *length]);
                    seq += gap;
                }
                let value = builder.seal(&key(), [number; 12], &ORIGIN, date);
                expected.push(open(&key(), &ORIGIN, date, row, &value).expect("own frame").open);
                rows.push(Builder::reopen(&key(), &ORIGIN, date, row, &value).expect("own frame"));
            }
            let mut merged: Vec<Builder> = Vec::new();
            for next in rows {
                match merged.last_mut() {
                    Some(open) => if let Err(next) = open.join(next) { merged.push(next) },
                    None => merged.push(next),
                }
            }
            prop_assert!(merged.windows(2).all(|pair| pair[0].is_full() || pair[1].is_full()));
            let mut found = Vec::new();
            for builder in merged {
                let (row, last) = (builder.first(), builder.last());
                let value = builder.seal(&key(), [99; 12], &ORIGIN, date);
                prop_assert_eq!(u64::from(count(&value).expect("own frame")), last - row + 1);
                found.extend(open(&key(), &ORIGIN, date, row, &value).expect("own frame").open);
            }
            prop_assert_eq!(found, expected.concat());
        }

        /// Whichever parts are erased, in however many turns, before and after frames are joined: what is left opens as it was,
        /// of the rest the hash stands, and no seed that gives its salt.
        #[test]
        fn erased_parts_leave_their_hashes(
            turns in prop::collection::vec((0..6_u64, 0..6_u8), 1..9),
            join in any::<bool>(),
        ) {
            let date = Date::from_days(20_000);
            let keys = PartId::ALL.map(PartKey::first);
            let frames = [0_u64, 3].map(|first| {
                let mut builder = Builder::new(first, [u8::try_from(first).expect("small"); 32]);
                for seq in first..first + 3 {
                    for key in keys {
                        builder.add(seq, key, format!("secret-{seq}-{}", key.id).into_bytes());
                    }
                }
                builder.seal(&key(), [9; 12], &ORIGIN, date)
            });
            let reopened = |first, value: &[u8]| Builder::reopen(&key(), &ORIGIN, date, first, value).expect("own frame");
            let opened = |first, value: &[u8]| open(&key(), &ORIGIN, date, first, value).expect("own frame");
            let all: Vec<OpenPart> = [0, 1].iter().flat_map(|at| opened(*at as u64 * 3, &frames[*at]).open).collect();
            let mut builders = frames.iter().zip([0, 3]).map(|(value, first)| reopened(first, value)).collect::<Vec<_>>();
            if join {
                let next = builders.pop().expect("two");
                prop_assert!(builders[0].join(next).is_ok());
            }
            let gone = |part: (u64, PartKey)| turns.iter().any(|(seq, id)| (*seq, *id) == (part.0, part.1.id as u8));
            for (seq, id) in &turns {
                for builder in &mut builders {
                    builder.erase(|of, key| (of, key.id as u8) == (*seq, *id)).expect("erases");
                }
            }
            let mut left = Opened::default();
            for builder in builders {
                let first = builder.first();
                let full: usize = builder.sources.iter().flat_map(|of| &of.parts).map(|part| counted(&part.content)).sum();
                prop_assert_eq!(builder.bytes, full);
                let value = builder.seal(&key(), [8; 12], &ORIGIN, date);
                prop_assert_eq!(reopened(first, &value).erase(|_, _| false), Ok(false));
                let parts = opened(first, &value);
                left.open.extend(parts.open);
                left.bare.extend(parts.bare);
                let (_, sources) = unseal(&key(), &ORIGIN, date, first, &value).expect("own frame");
                let bare = |source: &FrameSource| source.parts.iter().any(|part| !part.erased_hash.is_empty());
                prop_assert!(sources.iter().all(|source| source.seed.is_empty() == bare(source)));
            }
            let (bare, open): (Vec<_>, Vec<_>) = all.into_iter().partition(|part| gone((part.seq, part.key)));
            let hash = |part: &OpenPart| part::part_hash(&part.salt, part.key, &part.content);
            prop_assert_eq!(left.open, open);
            let hashed = bare.iter().map(|part| BarePart { seq: part.seq, key: part.key, hash: hash(part) });
            prop_assert_eq!(left.bare, hashed.collect::<Vec<_>>());
        }

        #[test]
        fn other_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(open(&key(), &ORIGIN, Date::from_days(1), 0, &bytes).is_err());
        }
    }
    #[test]
    fn frames_too_far_apart_stay_apart() {
        let near = |first| Builder::new(first, [1; 32]);
        assert!(near(5).join(near(5 + u64::from(u32::MAX) - 1)).is_ok());
        assert!(near(5).join(near(5 + u64::from(u32::MAX))).is_err());
    }
}
