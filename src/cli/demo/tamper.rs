//! Three attacks on a stopped node's data folder, from blunt to skilled.

use std::fs;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use prost::Message;

use super::cast::SCHOOL;
use super::questions::Marked;
use crate::cli::text::count;
use crate::cli::{Failure, text};
use crate::model::header::Header;
use crate::model::origin::Controller;
use crate::model::part::PartId;
use crate::model::policy::Class;
use crate::model::run;
use crate::model::stored::TrailMeta;
use crate::store::keys::{self, Trail};
use crate::store::rocks::RocksStore;
use crate::store::{Batch, Database, Family, Row, Scan, Store};

/// Does its damage and says what it did.
pub type Attack = fn(&Path, Marked) -> Result<String, Failure>;

/// All of them.
pub const ATTACKS: [Attack; 3] = [flip_on_disk, reword_header, flip_in_frame];

const ODD: &str = "the data folder is not as this version writes it";

/// A byte on disk changes under RocksDB: a bad disk, a clumsy hand.
fn flip_on_disk(data: &Path, _: Marked) -> Result<String, Failure> {
    // Opening brings the write-ahead log into memory, flushing puts it into sorted files.
    RocksStore::open(data, Database::Db)?.flush()?;
    let mut files: Vec<(u64, PathBuf)> = Vec::new();
    for entry in fs::read_dir(data.join(Database::Db.folder()))? {
        let entry = entry?;
        if entry.path().extension().is_some_and(|extension| extension == "sst") {
            files.push((entry.metadata()?.len(), entry.path()));
        }
    }
    let (bytes, path) = files.into_iter().max().ok_or(ODD)?;
    let file = fs::File::options().read(true).write(true).open(&path)?;
    let mut byte = [0];
    file.read_exact_at(&mut byte, bytes / 2)?;
    file.write_all_at(&[byte[0] ^ 1], bytes / 2)?;
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    Ok(format!("One bit flipped on disk: db/{name}, byte {} of {}.", text::number(bytes / 2), text::number(bytes)))
}

/// The clerk's friend runs the database: with RocksDB's own means he files the denied access among ordinary ones.
fn reword_header(data: &Path, marked: Marked) -> Result<String, Failure> {
    let store = RocksStore::open(data, Database::Db)?;
    let ((key, value), mut headers) = header_row(&store, trail(&store)?, marked.denied)?;
    let header = headers.iter_mut().find(|header| header.seq == marked.denied).ok_or(ODD)?;
    let before = header.class;
    header.class = Class::Access;
    let forged = run::encode(&headers);
    let changed = forged.iter().zip(&value).filter(|(new, old)| new != old).count();
    let mut batch = Batch::default();
    batch.put(Family::Header, key, forged);
    store.commit(batch)?;
    Ok(format!(
        "{} rewritten through RocksDB: record {}, the refusal, filed as {:?} instead of {before:?}.",
        count(changed, "byte"),
        marked.denied,
        Class::Access
    ))
}

/// And he spoils the sealed parts of the emergency access.
fn flip_in_frame(data: &Path, marked: Marked) -> Result<String, Failure> {
    let store = RocksStore::open(data, Database::Db)?;
    let trail = trail(&store)?;
    let (_, headers) = header_row(&store, trail, marked.broken)?;
    let header = headers.iter().find(|header| header.seq == marked.broken).ok_or(ODD)?;
    let date = header.groups.iter().find(|group| group.has(PartId::Core)).ok_or(ODD)?.date;
    let mut frame = None;
    for row in store.scan(Scan::prefix(Family::Part, &date.days().to_be_bytes())) {
        let (key, value) = row?;
        if key[6..10] == trail.to_be_bytes() && keys::seq_of(&key) <= Some(marked.broken) {
            frame = Some((key, value));
        }
    }
    let (key, mut value) = frame.ok_or(ODD)?;
    let middle = value.len() / 2;
    value[middle] ^= 1;
    let mut batch = Batch::default();
    batch.put(Family::Part, key, value);
    store.commit(batch)?;
    Ok(format!(
        "One bit rewritten through RocksDB: the sealed parts of record {}, the access past the rules.",
        marked.broken
    ))
}

fn trail(store: &RocksStore) -> Result<Trail, Failure> {
    let controller = Controller::new(SCHOOL).ok_or(ODD)?;
    let meta = store.get(Family::Meta, &keys::trail_meta(&controller))?.ok_or(ODD)?;
    Ok(TrailMeta::decode(meta.as_slice())?.number)
}

/// The row that holds the header of a record, and all headers in it.
fn header_row(store: &RocksStore, trail: Trail, seq: u64) -> Result<(Row, Vec<Header>), Failure> {
    let scan = Scan::back(Family::Header, &keys::trail_seq(trail, 0), &keys::trail_seq(trail, seq));
    let (key, value) = store.first(scan)?.ok_or(ODD)?;
    let first = keys::seq_of(&key).ok_or(ODD)?;
    let headers = run::decode(first, &value)?.into_iter().map(|linked| linked.header).collect();
    Ok(((key, value), headers))
}
