//! Frames: what opens lies where its key says and seals again to the same; what is altered or moved does not open.
//!
//! The first byte says what the rest is: a whole row; what its seal holds; or what lies under the compression too.

use akta::model::date::Date;
use akta::model::frame::{self, Builder, FORMAT, FrameError, Opened};
use akta::model::header::Link;
use akta::model::part;
use akta::model::seal::Key;

use super::input::Input;

const ORIGIN: Link = Link([5; 32]);
const DATE: Date = Date::from_days(20_900);
const DICTIONARY: u8 = 1;

/// Kind, first position, number of positions, bytes.
pub(crate) fn check(bytes: &[u8]) {
    let mut input = Input(bytes);
    let key = Key::new([6; 32]);
    let kind = input.byte() % 3;
    let (first, count) = (input.number(), u32::from_be_bytes(input.array()));
    let row = match kind {
        0 => {
            // Nobody seals a row by chance.
            assert!(frame::open(&key, &ORIGIN, DATE, first, input.0).is_err());
            assert!(Builder::reopen(&key, &ORIGIN, DATE, first, input.0).is_err());
            return;
        }
        1 => sealed(&key, first, count, input.0),
        _ => sealed(&key, first, count, &packed(input.0)),
    };
    assert_eq!(frame::count(&row), Ok(count));
    let opened = frame::open(&key, &ORIGIN, DATE, first, &row);
    assert!(!matches!(opened, Err(FrameError::Seal | FrameError::Short | FrameError::Format(..))), "{opened:?}");
    let Ok(parts) = opened else { return };
    let seqs = parts.open.iter().map(|part| part.seq).chain(parts.bare.iter().map(|part| part.seq));
    assert!(seqs.into_iter().all(|seq| seq - first < u64::from(count)));
    again(&key, first, count, &parts, &row);
    let altered = Input(&parts.open.first().map_or([1; 32], |part| part.salt)).altered(&row);
    assert!(frame::open(&key, &ORIGIN, DATE, first, &altered).is_err(), "altered");
    for (key, origin, date, first) in [
        (&Key::new([7; 32]), ORIGIN, DATE, first),
        (&key, Link([4; 32]), DATE, first),
        (&key, ORIGIN, DATE.plus_days(1), first),
        (&key, ORIGIN, DATE, first ^ 1),
    ] {
        assert_eq!(frame::open(key, &origin, date, first, &row), Err(FrameError::Seal), "moved");
    }
}

/// Opened to be joined with a neighbour, it keeps its parts; so does the frame of both.
fn again(key: &Key, first: u64, count: u32, parts: &Opened, row: &[u8]) {
    let reopen = || Builder::reopen(key, &ORIGIN, DATE, first, row);
    if count == 0 || first.checked_add(u64::from(count) - 1).is_none() {
        assert_eq!(reopen().err(), Some(FrameError::Form), "spans no positions");
        return;
    }
    let frame = reopen().unwrap();
    assert_eq!((frame.first(), frame.last()), (first, first + (u64::from(count) - 1)));
    let next = first.checked_add(u64::from(count));
    let again = frame.seal(key, [8; 12], &ORIGIN, DATE);
    assert_eq!(frame::open(key, &ORIGIN, DATE, first, &again).as_ref(), Ok(parts));
    erased(key, first, parts, reopen().unwrap());
    let Opened { open: parts, .. } = parts;
    // The same parts under salts of their own, as the next frame.
    let Some(next) = next.filter(|next| next.checked_add(u64::from(count)).is_some()) else { return };
    if !parts.is_sorted_by(|a, b| (a.seq, a.key) < (b.seq, b.key)) {
        return;
    }
    let mut neighbour = Builder::new(next, [2; 32]);
    for part in parts {
        neighbour.add(part.seq - first + next, part.key, part.content.clone());
    }
    let mut joined = reopen().unwrap();
    match joined.join(neighbour) {
        Ok(()) => {
            let row = joined.seal(key, [8; 12], &ORIGIN, DATE);
            let both = frame::open(key, &ORIGIN, DATE, first, &row).unwrap().open;
            assert_eq!(both[..parts.len()], *parts);
            let moved = both[parts.len()..].iter().map(|part| (part.seq - next, part.key, &part.content));
            assert!(moved.eq(parts.iter().map(|part| (part.seq - first, part.key, &part.content))));
        }
        Err(next) => assert!(joined.is_full() || next.is_full() || next.last() - first >= u64::from(u32::MAX)),
    }
}

/// With every second part erased, the others open as before, and of the rest the hashes stand.
fn erased(key: &Key, first: u64, parts: &Opened, mut frame: Builder) {
    let goes = |seq: u64| seq % 2 == 1;
    frame.erase(|seq, _| goes(seq)).unwrap();
    let row = frame.seal(key, [8; 12], &ORIGIN, DATE);
    let left = frame::open(key, &ORIGIN, DATE, first, &row).unwrap();
    assert!(left.open.iter().eq(parts.open.iter().filter(|part| !goes(part.seq))));
    assert_eq!(left.open.len() + left.bare.len(), parts.open.len() + parts.bare.len());
    for part in parts.open.iter().filter(|part| goes(part.seq)) {
        let hash = part::part_hash(&part.salt, part.key, &part.content);
        assert!(left.bare.iter().any(|bare| (bare.seq, bare.key, bare.hash) == (part.seq, part.key, hash)));
    }
}

/// A row as docs/format.md has it.
fn sealed(key: &Key, first: u64, count: u32, packed: &[u8]) -> Vec<u8> {
    let place = [
        &[FORMAT][..],
        &ORIGIN.0,
        &DATE.days().to_be_bytes(),
        &first.to_be_bytes(),
        &count.to_be_bytes(),
        &[DICTIONARY],
    ];
    let sealed = key.seal([8; 12], &place.concat(), packed);
    [&[FORMAT, DICTIONARY], &count.to_be_bytes()[..], &sealed].concat()
}

/// A frame of zstd that holds the bytes as they are (RFC 8878): one segment of raw blocks.
fn packed(plain: &[u8]) -> Vec<u8> {
    const BLOCK: usize = 100_000;
    let mut packed = vec![0x28, 0xb5, 0x2f, 0xfd, 0xa0];
    packed.extend(u32::try_from(plain.len()).unwrap().to_le_bytes());
    let blocks = plain.len().div_ceil(BLOCK).max(1);
    for number in 0..blocks {
        let block = &plain[number * BLOCK..plain.len().min((number + 1) * BLOCK)];
        let header = (block.len() as u32) << 3 | u32::from(number + 1 == blocks);
        packed.extend(&header.to_le_bytes()[..3]);
        packed.extend(block);
    }
    packed
}
