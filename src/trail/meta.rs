//! What the store knows of itself, read strictly: the family `meta`.
//!
//! Everything else is found by these few rows, and no hash covers them. So what can be known about them is asked for
//! before anything is opened: names, lengths, that trails are numbered without a gap and are of this store. A row that
//! is not as it must be is named, and nothing is opened.

use std::collections::{BTreeMap, BTreeSet};

use prost::Message;

use super::base::OpenError;
use super::expiry::zones::{self, Marks};
use crate::env::{Entropy, random};
use crate::model::date::Zone;
use crate::model::origin::{Controller, Origin};
use crate::model::stored::TrailMeta;
use crate::store::{Database, Error, Family, Scan, Store, keys};

/// Version of the format that is written (docs/format.md).
pub const FORMAT: u32 = 3;
/// The oldest that is read, and made that of [`FORMAT`] once it is written to.
pub const OLDEST: u32 = 1;

/// The newest keyring generation that a batch was written under; `None` before the first.
pub fn generation(db: &dyn Store) -> Result<Option<u64>, Error> {
    let row = db.get(Family::Meta, keys::META_GENERATION)?;
    row.map(|bytes| Ok(u64::from_be_bytes(fixed(keys::META_GENERATION, &bytes)?))).transpose()
}

/// What a store that was written to knows of itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Meta {
    /// Version of its format: [`OLDEST`] to [`FORMAT`].
    pub format: u32,
    /// Last part of every origin of this store.
    pub writer: String,
    /// The newest keyring generation that a batch was written under; 0 before the first.
    pub generation: u64,
    /// Trails, by controller.
    pub trails: Vec<TrailMeta>,
    /// How far each time zone's dates are expired.
    pub expired: BTreeMap<String, Marks>,
}

impl Meta {
    /// Reads what `db/` knows of itself; `None` where nothing was ever written.
    ///
    /// # Errors
    /// Another format, or a row that is not as it must be.
    pub fn read(db: &dyn Store) -> Result<Option<Self>, OpenError> {
        let Some(format) = db.get(Family::Meta, keys::META_FORMAT)? else {
            return if is_empty(db)? { Ok(None) } else { Err(missing(keys::META_FORMAT).into()) };
        };
        let format = match u32::from_be_bytes(fixed(keys::META_FORMAT, &format)?) {
            known @ OLDEST..=FORMAT => known,
            other => return Err(OpenError::Format(other)),
        };
        let writer = db.get(Family::Meta, keys::META_WRITER)?.ok_or_else(|| missing(keys::META_WRITER))?;
        let writer = writer_name(&writer).ok_or_else(|| bad(keys::META_WRITER, "is not w and 8 hex digits"))?;
        let trails = descriptions(db)?;
        let generation = match generation(db)? {
            Some(generation) => generation,
            None if trails.is_empty() => 0,
            None => return Err(missing(keys::META_GENERATION).into()),
        };
        let meta = Self { format, writer, generation, trails, expired: Marks::read(db)? };
        meta.check_trails()?;
        Ok(Some(meta))
    }

    /// Those that go on are of this store; all are numbered without a gap, and no controller has the key of another.
    fn check_trails(&self) -> Result<(), Error> {
        let mut numbers = BTreeSet::new();
        let mut slots: BTreeMap<u32, &str> = BTreeMap::new();
        for trail in &self.trails {
            let [_, controller, writer] = names(&trail.origin);
            let name = [keys::META_TRAIL, controller.as_bytes()].concat();
            if !trail.frozen && writer != self.writer {
                return Err(bad(&name, &format!("is of another store than the row \"writer\": {}", self.writer)));
            }
            if !numbers.insert(trail.number) {
                return Err(bad(&name, "has the number of another trail"));
            }
            if *slots.entry(trail.controller_slot).or_insert(controller) != controller {
                return Err(bad(&name, "has the key of another controller"));
            }
        }
        match (0..).zip(&numbers).find(|(expected, number)| expected != *number) {
            Some((expected, _)) => {
                let what = format!(
                    "no row \"trail/...\" or \"frozen/...\" has the number {expected}, though trails are numbered without gap"
                );
                Err(Error::Corrupt(format!("meta: {what}")))
            }
            None => Ok(()),
        }
    }
}

/// The descriptions of all trails: those that others follow, then the last of each controller, both by controller.
pub fn descriptions(db: &dyn Store) -> Result<Vec<TrailMeta>, Error> {
    let rows = db
        .scan(Scan::prefix(Family::Meta, keys::META_FROZEN))
        .chain(db.scan(Scan::prefix(Family::Meta, keys::META_TRAIL)));
    rows.map(|row| row.and_then(|(key, value)| describe(&key, &value))).collect()
}

/// The descriptions of a controller's trails that others follow, oldest first.
pub fn past(db: &dyn Store, controller: &Controller) -> Result<Vec<TrailMeta>, Error> {
    let rows = db.scan(Scan::prefix(Family::Meta, &keys::frozen_of(controller)));
    rows.map(|row| row.and_then(|(key, value)| describe(&key, &value))).collect()
}

/// The descriptions of the last trail of each controller, by name, of those whose names come after that one.
pub fn descriptions_after<'a>(
    db: &'a dyn Store,
    after: Option<&Controller>,
) -> impl Iterator<Item = Result<TrailMeta, Error>> + 'a {
    let mut scan = Scan::prefix(Family::Meta, keys::META_TRAIL);
    if let Some(after) = after {
        scan.from = [&keys::trail_meta(after)[..], &[0]].concat();
    }
    db.scan(scan).map(|row| {
        let (key, value) = row?;
        describe(&key, &value)
    })
}

/// The description of a controller's last trail; `None` if it has none.
pub fn description(db: &dyn Store, controller: &Controller) -> Result<Option<TrailMeta>, Error> {
    let key = keys::trail_meta(controller);
    db.get(Family::Meta, &key)?.map(|value| describe(&key, &value)).transpose()
}

/// How far the rows of a trail are merged.
pub fn merged(db: &dyn Store, controller: &Controller) -> Result<u64, Error> {
    let merged = db.get(Family::Meta, &keys::merged(controller))?;
    // What is no number is merged again: nothing that is read depends on it.
    Ok(merged.and_then(|bytes| bytes.try_into().ok()).map_or(0, u64::from_be_bytes))
}

/// Controllers that are closed, by name, and how far that has come.
pub fn closed(db: &dyn Store) -> Result<Vec<(Controller, u8)>, Error> {
    let mut closed = Vec::new();
    for row in db.scan(Scan::prefix(Family::Meta, keys::META_CLOSED)) {
        let (key, value) = row?;
        let name = key.strip_prefix(keys::META_CLOSED).and_then(|name| std::str::from_utf8(name).ok());
        let of = name.and_then(Controller::new).ok_or_else(|| bad(&key, "names no controller"))?;
        match *value {
            [state @ (0 | 1)] => closed.push((of, state)),
            _ => return Err(bad(&key, "is not 0 or 1")),
        }
    }
    Ok(closed)
}

/// Rows beside those that opening depends on, as far as they are not as they must be; `sizes` are those of the trails.
pub(super) fn odd_rows(db: &dyn Store, sizes: impl Fn(&Controller) -> Option<u64>) -> Result<Vec<String>, Error> {
    let strange = zones::strange(&Marks::read(db)?, &descriptions(db)?);
    let what = "is of a zone that no trail has";
    let mut odd: Vec<String> = strange.iter().map(|zone| named(&keys::expired(zone), what)).collect();
    for row in db.scan(Scan::all(Family::Meta)) {
        let (key, value) = row?;
        if [keys::META_FORMAT, keys::META_WRITER, keys::META_GENERATION].contains(&&*key)
            || key[..] == *keys::META_RESTORED
            || [keys::META_TRAIL, keys::META_FROZEN, keys::META_EXPIRED, keys::META_RECLAIMED, keys::META_CLOSED]
                .iter()
                .any(|name| key.starts_with(name))
        {
            continue;
        }
        let merged = key.strip_prefix(keys::META_MERGED).map(|name| {
            let controller = std::str::from_utf8(name).ok().and_then(Controller::new);
            controller.and_then(|controller| sizes(&controller)).ok_or("is of a controller that has no trail")
        });
        match (merged, <[u8; 8]>::try_from(&*value)) {
            (None, _) => odd.push(named(&key, "has no name that Akta gives")),
            (Some(Err(what)), _) => odd.push(named(&key, what)),
            (Some(Ok(_)), Err(_)) => odd.push(named(&key, "is not 8 bytes")),
            (Some(Ok(size)), Ok(bytes)) if u64::from_be_bytes(bytes) > size => {
                odd.push(named(&key, "says more records than the trail has"));
            }
            (Some(Ok(_)), Ok(_)) => {}
        }
    }
    Ok(odd)
}

fn describe(key: &[u8], value: &[u8]) -> Result<TrailMeta, Error> {
    let meta = TrailMeta::decode(value).map_err(|_| bad(key, "is not well-formed"))?;
    let what = match Origin::parse(&meta.origin) {
        None => "names no origin",
        Some(origin) if key_of(key, &meta, &origin.controller()) != key => "is of another controller's trail",
        Some(_) if Zone::named(&meta.zone).is_none() => "names a time zone that is not known",
        Some(_) if meta.encode_to_vec() != value => "is not encoded as Akta does",
        Some(_) => return Ok(meta),
    };
    Err(bad(key, what))
}

/// Under which key a trail of that controller stands: the last of them, which may be frozen as those before it are, or one of
/// these.
fn key_of(key: &[u8], trail: &TrailMeta, of: &Controller) -> Vec<u8> {
    let past = key.starts_with(keys::META_FROZEN) && trail.frozen;
    if past { keys::frozen_meta(of, trail.number) } else { keys::trail_meta(of) }
}

/// The parts of an origin that was parsed before.
fn names(origin: &str) -> [&str; 3] {
    let mut names = origin.split('/');
    std::array::from_fn(|_| names.next().unwrap_or_default())
}

/// A new name of a store: the last part of its origins.
pub(super) fn writer_of(entropy: &dyn Entropy) -> String {
    format!("w{:08x}", u32::from_be_bytes(random(entropy)))
}

fn writer_name(bytes: &[u8]) -> Option<String> {
    let digits = bytes.strip_prefix(b"w").filter(|digits| digits.len() == 8)?;
    let hex = digits.iter().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'));
    hex.then(|| String::from_utf8_lossy(bytes).into_owned())
}

fn is_empty(db: &dyn Store) -> Result<bool, Error> {
    for family in Database::Db.families() {
        if db.first(Scan::all(*family))?.is_some() {
            return Ok(false);
        }
    }
    Ok(true)
}

fn fixed<const N: usize>(name: &[u8], bytes: &[u8]) -> Result<[u8; N], Error> {
    bytes.try_into().map_err(|_| bad(name, &format!("is not {N} bytes")))
}

fn missing(name: &[u8]) -> Error {
    Error::Corrupt(named(name, "is missing, though the store was written to"))
}

fn bad(name: &[u8], what: &str) -> Error {
    Error::Corrupt(named(name, what))
}

fn named(name: &[u8], what: &str) -> String {
    format!("meta: the row \"{}\" {what}", name.escape_ascii())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Batch;
    use crate::store::memory::Disk;

    fn trail(number: u32, controller: &str) -> TrailMeta {
        TrailMeta {
            number,
            origin: format!("akta.test/{controller}/w00000001"),
            zone: "Europe/Warsaw".to_owned(),
            controller_slot: number,
            zone_number: 0,
            frozen: false,
        }
    }

    type Rows = Vec<(Vec<u8>, Vec<u8>)>;

    fn good() -> Rows {
        vec![
            (keys::META_FORMAT.into(), FORMAT.to_be_bytes().into()),
            (keys::META_WRITER.into(), b"w00000001".into()),
            (keys::META_GENERATION.into(), 2u64.to_be_bytes().into()),
            (b"trail/a".into(), trail(0, "a").encode_to_vec()),
            (b"trail/b".into(), trail(1, "b").encode_to_vec()),
        ]
    }

    fn read(rows: Rows) -> Result<Option<Meta>, String> {
        let disk = Disk::new();
        let mut batch = Batch::default();
        for (key, value) in rows {
            batch.put(Family::Meta, key, value);
        }
        disk.open().commit(batch).expect("commits");
        Meta::read(&disk.open()).map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_not_as_it_must_be_is_named() {
        assert_eq!(read(Vec::new()), Ok(None), "nothing was ever written");
        let meta = read(good()).expect("reads").expect("is there");
        assert_eq!((meta.writer.as_str(), meta.generation, meta.trails.len()), ("w00000001", 2, 2));

        let put = |at: usize, value: &[u8]| {
            let mut rows = good();
            rows[at].1 = value.to_vec();
            rows
        };
        let of = |number: u32, change: fn(&mut TrailMeta)| {
            let mut meta = trail(number, "b");
            change(&mut meta);
            put(4, &meta.encode_to_vec())
        };
        let with = |name: &str, value: &[u8]| [good(), vec![(name.as_bytes().into(), value.into())]].concat();
        let without = |at: usize| {
            let mut rows = good();
            rows.remove(at);
            rows
        };
        let needless = [trail(1, "b").encode_to_vec(), vec![0x58, 1]].concat();
        for (rows, says) in [
            (without(0), "\"format\" is missing"),
            (put(0, &[0; 3]), "\"format\" is not 4 bytes"),
            (put(0, &[0, 0, 1, 0]), "has format 256"),
            (without(1), "\"writer\" is missing"),
            (put(1, b"w0000000g"), "\"writer\" is not w and 8 hex digits"),
            (put(1, b"w00000002"), "\"trail/a\" is of another store"),
            (without(2), "\"keyring generation\" is missing"),
            (put(2, &[0; 9]), "\"keyring generation\" is not 8 bytes"),
            (without(3), "has the number 0"),
            (put(4, b"\xff"), "\"trail/b\" is not well-formed"),
            (put(4, &needless), "\"trail/b\" is not encoded as Akta does"),
            (put(4, &trail(1, "c").encode_to_vec()), "\"trail/b\" is of another controller's trail"),
            (of(0, |_| ()), "\"trail/b\" has the number of another trail"),
            (of(1, |meta| meta.controller_slot = 0), "\"trail/b\" has the key of another controller"),
            (of(1, |meta| meta.zone = "Europe/Wars".into()), "\"trail/b\" names a time zone"),
            (of(1, |meta| meta.origin = "b".into()), "\"trail/b\" names no origin"),
            (with("expired/Europe/Warsaw", &[0; 7]), "\"expired/Europe/Warsaw\" is not 8 bytes"),
            (with("expired/Europe/Warsaw", &[0; 8]), "\"expired/Europe/Warsaw\" says that less was begun"),
            (with("expired/Europe/Warsaw", &[0, 0, 0, 2, 0, 0, 0, 1]), "says that less was begun"),
            (with("expired/Europe/Wars", &[0, 0, 0, 1, 0, 0, 0, 1]), "\"expired/Europe/Wars\" names a time zone"),
            (with("expired/europe/warsaw", &[0, 0, 0, 1, 0, 0, 0, 1]), "names a time zone that is not known"),
            (with("reclaimed/Europe/Warsaw", &[0; 3]), "\"reclaimed/Europe/Warsaw\" is not 4 bytes"),
            (
                with("reclaimed/Europe/Warsaw", &[0, 0, 0, 1]),
                "says that more is reclaimed than the row \"expired/Europe/Warsaw\" says is expired",
            ),
            (of(u32::MAX, |_| ()), "has the number 1"),
        ] {
            let why = read(rows).expect_err(says);
            assert!(why.contains(says), "{why}, not {says}");
        }
    }
}
