//! RocksDB: the only home of the crate `rocksdb`, of its options and of the choice when to sync.
//!
//! `db/` and `vault/` have a write-ahead log that is synced with every batch. `index/` has none: it is flushed
//! whole (atomic flush over its families), so after a crash it stands as of its last flush and is caught up.

use std::path::{Path, PathBuf};

use rocksdb::checkpoint::Checkpoint;
use rocksdb::{
    BlockBasedOptions, BottommostLevelCompaction, Cache, ColumnFamily, ColumnFamilyDescriptor, CompactOptions, DB,
    DBCompressionType, DBRawIterator, DBRecoveryMode, ErrorKind, Options, ReadOptions, SliceTransform, WriteBatch,
    WriteOptions,
};

use super::keys::POSTING_PREFIX;
use super::{Batch, Change, Database, Error, Family, Memory, Row, Rows, Scan, Store};

/// Blocks kept in memory, for all families of a database together.
const CACHE_BYTES: usize = 32 << 20;

/// In `index/`: it was found damaged while it was open, so the next start begins it anew.
const DAMAGED: &str = "DAMAGED";

/// A database on disk.
pub struct RocksStore {
    db: DB,
    database: Database,
    /// Families that an earlier Akta did not make, in a database that is not to be written.
    missing: Vec<Family>,
    /// Where damage is noted, if it is to be.
    note: Option<PathBuf>,
}

impl RocksStore {
    /// Opens `database` within the data folder, creating what is missing.
    pub fn open(data: &Path, database: Database) -> Result<Self, Error> {
        let path = data.join(database.folder());
        let mut options = options(database);
        options.create_if_missing(true);
        options.create_missing_column_families(true);
        let db = DB::open_cf_descriptors(&options, &path, descriptors(database));
        let db = db.map_err(|cause| opening(database, cause))?;
        Ok(Self { db, database, missing: Vec::new(), note: (database == Database::Index).then(|| path.join(DAMAGED)) })
    }

    /// As [`Self::open`], of the index: fails if damage was noted in it, or is in what every start needs of it.
    pub fn open_index(data: &Path) -> Result<Self, Error> {
        if data.join(Database::Index.folder()).join(DAMAGED).exists() {
            return Err(Error::Corrupt("damage was found in the index while it was in use".to_owned()));
        }
        let store = Self::open(data, Database::Index)?;
        store.scan(Scan::all(Family::Indexed)).try_for_each(|row| row.map(drop))?;
        Ok(store)
    }

    /// Opens `database` without writing a byte; fails if there is none.
    pub fn open_read_only(data: &Path, database: Database) -> Result<Self, Error> {
        let path = data.join(database.folder());
        let mut options = options(database);
        // Every file is opened now: a server beside may remove it from the folder while this one still reads it.
        options.set_max_open_files(-1);
        let made = DB::list_cf(&options, &path).map_err(|cause| opening(database, cause))?;
        let is_missing = |family: &Family| !made.iter().any(|name| name == family.name());
        let missing: Vec<Family> = database.families().iter().copied().filter(is_missing).collect();
        let mut there = descriptors(database);
        there.retain(|family| made.iter().any(|name| name == family.name()));
        let db = DB::open_cf_descriptors_read_only(&options, &path, there, false);
        let db = db.map_err(|cause| opening(database, cause))?;
        Ok(Self { db, database, missing, note: None })
    }

    /// Compacts every family whole, so that only live rows are in its files.
    pub fn compact(&self) -> Result<(), Error> {
        self.flush()?;
        for family in self.database.families() {
            self.db.compact_range_cf(self.family(*family)?, None::<&[u8]>, None::<&[u8]>);
        }
        Ok(())
    }

    /// Names of the files that rows rest in, without the folder. What else of their kind lies beside them RocksDB has
    /// yet to take away: no row is read from there.
    pub fn files(&self) -> Result<Vec<String>, Error> {
        let files = self.db.live_files().map_err(|cause| self.error(cause))?;
        Ok(files.into_iter().map(|file| file.name.trim_start_matches('/').to_owned()).collect())
    }

    fn family(&self, family: Family) -> Result<&ColumnFamily, Error> {
        let name = family.name();
        self.db.cf_handle(name).ok_or_else(|| Error::Failed(format!("{:?} has no family {name}", self.database)))
    }

    /// An error of RocksDB in the words of the ring. A damaged index is noted, since it may be begun anew.
    fn error(&self, cause: rocksdb::Error) -> Error {
        let error = error(cause);
        if let (Error::Corrupt(_), Some(note)) = (&error, &self.note)
            && !note.exists()
        {
            tracing::error!(%error, "index/ is damaged: restart akta, then it is built anew from db/");
            // If not even that can be written, the operator has the line above.
            let _ = std::fs::write(note, "");
        }
        error
    }

    fn rows(&self, scan: Scan, keep: bool) -> Rows<'_> {
        if self.missing.contains(&scan.family) {
            return Box::new(std::iter::empty());
        }
        let family = match self.family(scan.family) {
            Ok(family) => family,
            Err(error) => return Box::new(std::iter::once(Err(error))),
        };
        let mut options = ReadOptions::default();
        // Where a posting scan stays within one term, the prefix filter may skip files; other scans cross prefixes.
        let term = scan.from.get(..POSTING_PREFIX).filter(|_| scan.family == Family::Posting);
        let one_term = term.is_some_and(|term| scan.to == super::successor(term));
        options.set_total_order_seek(!one_term);
        // Blocks of what is looked at once would push out those that are looked at again.
        options.fill_cache(keep);
        options.set_prefix_same_as_start(one_term);
        options.set_iterate_lower_bound(scan.from.clone());
        if let Some(to) = &scan.to {
            options.set_iterate_upper_bound(to.clone());
        }
        let mut iterator = self.db.raw_iterator_cf_opt(family, options);
        match (scan.descending, &scan.to) {
            (false, _) => iterator.seek(&scan.from),
            (true, Some(to)) => iterator.seek_for_prev(to),
            (true, None) => iterator.seek_to_last(),
        }
        Box::new(Iter { store: self, iterator, descending: scan.descending, ended: false })
    }

    fn write(&self, batch: Batch, options: &WriteOptions) -> Result<(), Error> {
        let mut writes = WriteBatch::default();
        for change in batch.into_changes() {
            match change {
                Change::Put(family, key, value) => writes.put_cf(self.family(family)?, key, value),
                Change::Remove(family, key) => writes.delete_cf(self.family(family)?, key),
                Change::RemoveRange(family, from, to) => writes.delete_range_cf(self.family(family)?, from, to),
            }
        }
        self.db.write_opt(writes, options).map_err(|cause| self.error(cause))
    }
}

impl Store for RocksStore {
    fn memory(&self) -> Memory {
        let of = |family: Family, name: &str| {
            let family = self.family(family).ok();
            family.and_then(|family| self.db.property_int_value_cf(family, name).ok().flatten()).unwrap_or_default()
        };
        let families = self.database.families();
        let sum = |name: &str| families.iter().map(|family| of(*family, name)).sum();
        Memory {
            // One cache for all families.
            cache: of(families[0], "rocksdb.block-cache-usage"),
            tables: sum("rocksdb.estimate-table-readers-mem"),
            buffers: sum("rocksdb.cur-size-all-mem-tables"),
        }
    }

    fn checkpoint(&self, folder: &Path) -> Result<(), Error> {
        // Flushes first, so that it is whole without a log, also where there is none.
        self.flush()?;
        let made = Checkpoint::new(&self.db).and_then(|checkpoint| checkpoint.create_checkpoint(folder));
        made.map_err(|cause| self.error(cause))
    }

    fn commit(&self, batch: Batch) -> Result<(), Error> {
        let mut options = WriteOptions::default();
        options.set_sync(true);
        self.write(batch, &options)
    }

    fn derive(&self, batch: Batch) -> Result<(), Error> {
        let mut options = WriteOptions::default();
        options.disable_wal(self.database == Database::Index);
        self.write(batch, &options)
    }

    fn get(&self, family: Family, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        if self.missing.contains(&family) {
            return Ok(None);
        }
        self.db.get_cf(self.family(family)?, key).map_err(|cause| self.error(cause))
    }

    fn scan(&self, scan: Scan) -> Rows<'_> {
        self.rows(scan, true)
    }

    fn peek(&self, scan: Scan) -> Result<Option<Row>, Error> {
        self.rows(scan, false).next().transpose()
    }

    fn drop_files(&self, family: Family, from: &[u8], to: &[u8]) -> Result<(), Error> {
        // A file may hold the mark that an older row in another file is removed: hence what the trait says.
        self.db.delete_file_in_range_cf(self.family(family)?, from, to).map_err(|cause| self.error(cause))
    }

    fn rewrite(&self, family: Family, from: &[u8], to: &[u8]) -> Result<(), Error> {
        // Out of memory into files, so that no log has them any more: RocksDB drops logs of which all is in files.
        self.flush()?;
        let mut options = CompactOptions::default();
        // Beside the compactions that writers depend on, never instead of them.
        options.set_exclusive_manual_compaction(false);
        // The lowest level too: it is where old rows rest.
        options.set_bottommost_level_compaction(BottommostLevelCompaction::Force);
        self.db.compact_range_cf_opt(self.family(family)?, Some(from), Some(to), &options);
        Ok(())
    }

    fn reclaim(&self, family: Family, from: &[u8], to: &[u8]) -> Result<(), Error> {
        self.rewrite(family, from, to)?;
        // A compaction tells nobody that it failed.
        let within = |key: &Option<Vec<u8>>| key.as_deref().is_some_and(|key| from <= key && key < to);
        let files = self.db.live_files().map_err(|cause| self.error(cause))?;
        let mut own = files.iter().filter(|file| file.column_family_name == family.name());
        match own.find(|file| within(&file.start_key) && within(&file.end_key)) {
            Some(file) => Err(Error::Failed(format!("{} still holds removed rows alone", file.name))),
            None => Ok(()),
        }
    }

    fn flush(&self) -> Result<(), Error> {
        let families = self.database.families().iter().map(|f| self.family(*f)).collect::<Result<Vec<_>, _>>()?;
        let mut options = rocksdb::FlushOptions::default();
        options.set_wait(true);
        self.db.flush_cfs_opt(&families, &options).map_err(|cause| self.error(cause))
    }
}

struct Iter<'a> {
    store: &'a RocksStore,
    iterator: DBRawIterator<'a>,
    descending: bool,
    ended: bool,
}

impl Iterator for Iter<'_> {
    type Item = Result<Row, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let Some((key, value)) = self.iterator.item() else {
            self.ended = true;
            // An iterator that met a damaged block is merely not valid: the reason stands in its status.
            return self.iterator.status().err().map(|cause| Err(self.store.error(cause)));
        };
        let row = (key.into(), value.into());
        if self.descending {
            self.iterator.prev();
        } else {
            self.iterator.next();
        }
        Some(Ok(row))
    }
}

fn options(database: Database) -> Options {
    let mut options = Options::default();
    options.set_keep_log_file_num(2);
    options.set_max_open_files(512);
    options.set_bytes_per_sync(1 << 20);
    match database {
        Database::Db | Database::Vault => {
            options.set_wal_recovery_mode(DBRecoveryMode::PointInTime);
            options.set_track_and_verify_wals_in_manifest(true);
            options.set_max_total_wal_size(128 << 20);
        }
        Database::Index => options.set_atomic_flush(true),
    }
    options
}

fn descriptors(database: Database) -> Vec<ColumnFamilyDescriptor> {
    // RocksDB insists on its own family "default"; Akta keeps nothing there.
    let default = ColumnFamilyDescriptor::new("default", Options::default());
    let cache = Cache::new_lru_cache(CACHE_BYTES);
    let own = database.families().iter().map(|f| ColumnFamilyDescriptor::new(f.name(), family_options(*f, &cache)));
    std::iter::once(default).chain(own).collect()
}

fn family_options(family: Family, cache: &Cache) -> Options {
    let mut options = Options::default();
    let mut table = BlockBasedOptions::default();
    table.set_bloom_filter(10.0, false);
    table.set_format_version(5);
    table.set_block_cache(cache);
    match family {
        // Hashes and sealed bytes do not compress.
        Family::Header
        | Family::Part
        | Family::Tree
        | Family::Row
        | Family::Pseudonym
        | Family::Held
        | Family::Removal
        | Family::EventId => {
            options.set_compression_type(DBCompressionType::None);
            table.set_block_size(32 << 10);
            if family == Family::EventId {
                // Every event asks for an id that is not there: two filters say so without a search.
                options.set_memtable_whole_key_filtering(true);
                options.set_memtable_prefix_bloom_ratio(0.02);
            }
        }
        Family::Posting => {
            options.set_compression_type(DBCompressionType::Zstd);
            options.set_prefix_extractor(SliceTransform::create_fixed_prefix(POSTING_PREFIX));
            options.set_memtable_prefix_bloom_ratio(0.05);
            options.set_write_buffer_size(16 << 20);
            table.set_whole_key_filtering(false);
        }
        Family::Notice | Family::Meta | Family::Counter | Family::Indexed => {
            options.set_compression_type(DBCompressionType::Lz4)
        }
    }
    options.set_block_based_table_factory(&table);
    options
}

/// Why a database does not open. RocksDB does not always say which one, or which file.
fn opening(database: Database, cause: rocksdb::Error) -> Error {
    let named = |why: String| format!("{}/ cannot be opened: {why}", database.folder());
    match error(cause) {
        Error::Corrupt(why) => Error::Corrupt(named(why)),
        Error::Failed(why) => Error::Failed(named(why)),
        Error::Locked(why) => Error::Locked(why),
    }
}

fn error(error: rocksdb::Error) -> Error {
    let text = error.to_string();
    match error.kind() {
        ErrorKind::Corruption => Error::Corrupt(text),
        ErrorKind::IOError if text.contains("lock hold by") || text.contains("/LOCK") => Error::Locked(text),
        _ => Error::Failed(text),
    }
}

#[cfg(test)]
mod tests {
    use super::super::memory::Disk;
    use super::*;

    /// The twin and RocksDB answer the same.
    #[test]
    fn twins_agree() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let rocks = RocksStore::open(folder.path(), Database::Db).expect("opens");
        let memory = Disk::new().open();
        let stores: [&dyn Store; 2] = [&rocks, &memory];
        for store in stores {
            let mut batch = Batch::default();
            for key in [[0u8, 1], [0, 2], [1, 0], [1, 255], [2, 0]] {
                batch.put(Family::Part, key, key);
            }
            batch.put(Family::Header, [1u8, 1], "other family");
            store.commit(batch).expect("commits");
            let mut batch = Batch::default();
            batch.remove(Family::Part, [0u8, 2]);
            store.commit(batch).expect("commits");
        }
        let scans = [
            Scan::all(Family::Part),
            Scan::prefix(Family::Part, &[1]),
            Scan::prefix(Family::Part, &[0]),
            Scan::prefix(Family::Part, &[9]),
            Scan::back(Family::Part, &[0], &[1, 7]),
            Scan::back(Family::Part, &[1, 0], &[1, 255]),
            Scan::back(Family::Part, &[3], &[3, 1]),
            Scan { descending: true, ..Scan::all(Family::Part) },
            // The end is exclusive also where a row stands there.
            Scan { to: Some(vec![1, 0]), descending: true, ..Scan::all(Family::Part) },
        ];
        for scan in scans {
            let [a, b] = stores.map(|store| store.scan(scan.clone()).collect::<Vec<_>>());
            assert_eq!(a, b, "{scan:?}");
        }
        assert_eq!(rocks.get(Family::Part, &[0, 2]), Ok(None));
        assert_eq!(rocks.get(Family::Part, &[1, 0]), Ok(Some(vec![1, 0])));
    }

    /// What is removed is in no file any more, and what stays is, in files of its own and beside it.
    #[test]
    fn reclaimed_bytes_are_gone() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let store = RocksStore::open(folder.path(), Database::Db).expect("opens");
        let key = |date: u8, seq: u32| [&[0, 0, 0, date, 0, 0, 0, 0, 0, 0][..], &[0; 4], &seq.to_be_bytes()].concat();
        let value =
            |date: u8, seq: u32| format!("{}-value-{seq:06}-", ["gone", "kept"][usize::from(date > 5)]).repeat(9);
        let count = |word: &str| -> usize {
            let files =
                std::fs::read_dir(folder.path().join("db")).expect("reads").map(|file| file.expect("reads").path());
            let bytes = files.map(|file| std::fs::read(file).unwrap_or_default());
            bytes.map(|bytes| bytes.windows(word.len()).filter(|window| *window == word.as_bytes()).count()).sum()
        };
        for round in 0..6_u32 {
            let mut batch = Batch::default();
            for seq in 0..200 {
                // Rows are written over, and removed alone, too.
                for date in 1..9 {
                    batch.put(Family::Part, key(date, seq), value(date, seq + round));
                }
                batch.remove(Family::Part, key(2, seq / 2));
            }
            store.commit(batch).expect("commits");
            match round {
                1 | 3 => store.flush().expect("flushes"),
                2 => store.compact().expect("compacts"),
                _ => {}
            }
        }
        assert!(count("gone-value-") > 1_000 && count("kept-value-") > 1_000);
        let (from, to) = (Vec::new(), key(6, 0)[..4].to_vec());
        for _ in 0..2 {
            store.drop_files(Family::Part, &from, &to).expect("drops");
            let mut batch = Batch::default();
            batch.remove_range(Family::Part, from.clone(), to.clone());
            store.commit(batch).expect("commits");
            assert_eq!(store.scan(Scan::all(Family::Part)).count(), 600);
            store.reclaim(Family::Part, &from, &to).expect("reclaims");
        }
        assert_eq!(store.scan(Scan::all(Family::Part)).count(), 600);
        drop(store);
        let store = RocksStore::open(folder.path(), Database::Db).expect("opens");
        assert_eq!(store.scan(Scan::all(Family::Part)).count(), 600);
        drop(store);
        assert_eq!((count("gone-value-"), count("kept-value-") >= 600 * 9), (0, true));
    }

    /// A scan of postings may begin within one term and go on to the next ones.
    #[test]
    fn twins_agree_on_postings() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let rocks = RocksStore::open(folder.path(), Database::Index).expect("opens");
        let memory = Disk::new().open();
        let stores: [&dyn Store; 2] = [&rocks, &memory];
        let key = |term: u8, seq: u8| [&[1; POSTING_PREFIX - 1][..], &[term], &[0; 7], &[seq]].concat();
        for store in stores {
            let mut batch = Batch::default();
            for (term, seq) in [(1, 1), (1, 2), (2, 1), (3, 1)] {
                batch.put(Family::Posting, key(term, seq), [seq]);
            }
            store.derive(batch).expect("writes");
            store.flush().expect("flushes");
        }
        let date = Scan::prefix(Family::Posting, &[1; 10]);
        let scans = [
            (Scan { from: key(1, 2), ..date.clone() }, 3),
            (Scan { from: key(2, 0)[..POSTING_PREFIX].to_vec(), ..date }, 2),
            (Scan::prefix(Family::Posting, &key(1, 0)[..POSTING_PREFIX]), 2),
        ];
        for (scan, count) in scans {
            let [a, b] = stores.map(|store| store.scan(scan.clone()).collect::<Vec<_>>());
            assert_eq!(a, b, "{scan:?}");
            assert_eq!(a.len(), count, "{scan:?}");
        }
    }
}
