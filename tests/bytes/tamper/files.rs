//! Damage to files, done past RocksDB: a bad disk, a clumsy hand, somebody who has only a shell.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};

use akta::cli::random::Random;
use akta::store::Database;

use super::cells::{Damage, Kind};
use super::damage::Struck;
use super::folder::Original;
use super::marks::Mark;

/// Damages a file of that kind, in that database or any.
pub(crate) fn strike(
    original: &Original,
    (database, kind): (Option<Database>, Kind),
    damage: Damage,
    random: &mut Random,
    folder: &Path,
) -> Struck {
    let database = match kind {
        Kind::EmptyLog => Database::Index,
        _ => database.unwrap_or(Database::ALL[random.index(3)]),
    };
    let found = find(folder, database, kind);
    let path = found[random.index(found.len())].clone();
    let name = path.file_name().unwrap().to_str().unwrap().to_owned();
    let bytes = fs::read(&path).unwrap();
    let mut what = format!("{}/{name} of {} bytes", database.folder(), bytes.len());
    let mut marks = marks(database, kind, &name);
    let mut beyond = false;
    match damage {
        Damage::FlipKey => {
            let other = other_name(&path, &name, random);
            what += &format!(", now {}", other.display());
            fs::rename(&path, other).unwrap();
        }
        Damage::FlipValue => {
            let mut bytes = bytes;
            if bytes.is_empty() {
                bytes.push(0);
            }
            let at = random.index(bytes.len());
            bytes[at] ^= 1 << random.index(8);
            what += &format!(", byte {at}");
            put(&path, bytes);
        }
        Damage::Truncate => {
            let kept = random.index(bytes.len().max(1));
            what += &format!(", cut to {kept}");
            put(&path, &bytes[..kept]);
        }
        Damage::Delete => fs::remove_file(&path).unwrap(),
        Damage::Duplicate => put(&copy_name(&path, &name, random), bytes),
        Damage::Swap => {
            if let Some((other, its)) = swap(folder, database, kind, &path, bytes, random) {
                beyond = other != database;
                marks.extend(its);
            }
        }
        Damage::RollBack => {
            let old = older(original, database, kind, &name, &bytes, random);
            what += &format!(", now {} bytes", old.len());
            put(&path, old);
        }
    }
    Struck { what, marks, beyond }
}

/// Puts a new file in the place of one that may be linked to the original.
fn put(path: &Path, bytes: impl AsRef<[u8]>) {
    let _ = fs::remove_file(path);
    fs::write(path, bytes).unwrap();
}

fn marks(database: Database, kind: Kind, name: &str) -> Vec<Mark> {
    let mut marks = vec![Mark::word(name), Mark::word(format!("{}/ ", database.folder()))];
    match kind {
        // What RocksDB leaves out without a word must be missed by record.
        Kind::Table | Kind::Log | Kind::Manifest => {
            marks.extend([Mark::SomeRecord, Mark::word("is missing")]);
            if database == Database::Vault {
                marks.extend(["vault row", "the hold"].map(Mark::word));
            }
        }
        _ => {}
    }
    marks
}

/// The files of a kind.
fn find(folder: &Path, database: Database, kind: Kind) -> Vec<PathBuf> {
    let found = may_find(folder, database, kind);
    assert!(!found.is_empty(), "{} has a file of kind {kind:?} in {database:?}", folder.display());
    found
}

fn may_find(folder: &Path, database: Database, kind: Kind) -> Vec<PathBuf> {
    let store = folder.join(database.folder());
    let numbered = |ends: &str, begins: &str, empty: bool| -> Vec<PathBuf> {
        let mut found: Vec<PathBuf> = fs::read_dir(&store)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| {
                let name = path.file_name().unwrap().to_str().unwrap();
                name.ends_with(ends) && name.starts_with(begins) && (path.metadata().unwrap().len() == 0) == empty
            })
            .collect();
        found.sort();
        found
    };
    match kind {
        Kind::Table => numbered(".sst", "", false),
        Kind::Log => numbered(".log", "", false),
        Kind::EmptyLog => numbered(".log", "", true),
        Kind::Manifest => {
            let current = fs::read_to_string(store.join("CURRENT")).unwrap();
            vec![store.join(current.trim_end())]
        }
        Kind::Current => vec![store.join("CURRENT")],
        Kind::Keyring => vec![folder.join("keyring")],
        Kind::Guard => vec![folder.join("guard")],
        Kind::Lock => vec![folder.join("LOCK")],
        Kind::StoreLock => vec![store.join("LOCK")],
        Kind::Chatter => vec![store.join("LOG")],
        Kind::OldChatter => numbered("", "LOG.old.", false),
        Kind::Options => numbered("", "OPTIONS-", false),
        Kind::Identity => vec![store.join("IDENTITY")],
    }
}

/// The same name, but for one letter or digit.
fn other_name(path: &Path, name: &str, random: &mut Random) -> PathBuf {
    loop {
        let mut other = name.as_bytes().to_vec();
        let at = random.index(other.len());
        other[at] ^= 1 << random.index(5);
        let good = other.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(byte));
        let target = path.with_file_name(String::from_utf8(other).unwrap_or_default());
        if good && !target.exists() {
            return target;
        }
    }
}

/// A name that RocksDB could have given to the next file of the kind, or that a person gives to a copy.
fn copy_name(path: &Path, name: &str, random: &mut Random) -> PathBuf {
    let digits: String = name.chars().filter(char::is_ascii_digit).collect();
    let named = match digits.parse::<u64>() {
        Ok(number) if digits.len() == 6 => name.replace(&digits, &format!("{:06}", number + 1 + random.below(90))),
        _ => format!("{name}.copy"),
    };
    let target = path.with_file_name(named);
    if target.exists() { path.with_file_name(format!("{name}.copy")) } else { target }
}

/// The contents of two files of a kind change places; of the one keyring its slots, of the one guard two lines. Which
/// database the other one is of, and how it may be named.
fn swap(
    folder: &Path,
    database: Database,
    kind: Kind,
    path: &Path,
    bytes: Vec<u8>,
    random: &mut Random,
) -> Option<(Database, Vec<Mark>)> {
    match kind {
        Kind::Keyring => {
            let (a, b) = bytes.split_at(bytes.len() / 2);
            put(path, [b, a].concat());
            return None;
        }
        Kind::Guard => {
            let mut lines: Vec<&[u8]> = bytes.split_inclusive(|byte| *byte == b'\n').collect();
            let (a, b) = (1 + random.index(lines.len() - 1), 1 + random.index(lines.len() - 1));
            lines.swap(a, b);
            put(path, lines.concat());
            return None;
        }
        Kind::Lock | Kind::EmptyLog => return None,
        _ => {}
    }
    let here = find(folder, database, kind).into_iter();
    let there = Database::ALL
        .into_iter()
        .filter(|other| *other != database && (kind != Kind::Log || *other != Database::Index));
    let there = there.flat_map(|other| find(folder, other, kind));
    let others: Vec<PathBuf> = here.chain(there).filter(|other| other != path).collect();
    let other = &others[random.index(others.len())];
    put(path, fs::read(other).unwrap());
    put(other, bytes);
    let its = Database::ALL.into_iter().find(|database| other.starts_with(folder.join(database.folder())))?;
    Some((its, marks(its, kind, other.file_name()?.to_str()?)))
}

/// What the file, or the one of its kind, held before.
fn older(original: &Original, database: Database, kind: Kind, name: &str, now: &[u8], random: &mut Random) -> Vec<u8> {
    let mut before = Vec::new();
    for state in &original.before {
        let found = may_find(&state.path, database, kind);
        let same = found.iter().filter(|path| path.file_name().unwrap().to_str() == Some(name));
        let chosen: Vec<&PathBuf> = if same.clone().next().is_some() { same.collect() } else { found.iter().collect() };
        before.extend(chosen.into_iter().map(|path| fs::read(path).unwrap()).filter(|bytes| bytes != now));
    }
    if before.is_empty() {
        return now.to_vec();
    }
    before.swap_remove(random.index(before.len()))
}
