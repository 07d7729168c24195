//! What a store knows of itself, which no hash covers: rows that fit together, or a refusal that names the row.

use akta::store::memory::Disk;
use akta::store::{Batch, Family, Store, keys};
use akta::trail::meta::{FORMAT, Meta};

use super::input::Input;

const NAMES: [&str; 4] = ["a", "school-12", "node", "zq-marker-7731"];

/// Rows one after the other: which, how long, its bytes. The format is the known one unless a row says otherwise.
pub(crate) fn check(bytes: &[u8]) {
    let mut input = Input(bytes);
    let mut batch = Batch::default();
    batch.put(Family::Meta, keys::META_FORMAT, FORMAT.to_be_bytes());
    for _ in 0..20 {
        if input.0.is_empty() {
            break;
        }
        let (kind, length) = (input.byte(), input.byte());
        let value = input.take(length.into());
        let key = match kind % 6 {
            0 => keys::META_FORMAT.to_vec(),
            1 => keys::META_WRITER.to_vec(),
            2 => keys::META_GENERATION.to_vec(),
            _ => [keys::META_TRAIL, NAMES[usize::from(kind / 6) % NAMES.len()].as_bytes()].concat(),
        };
        batch.put(Family::Meta, key, value);
    }
    let disk = Disk::new();
    disk.open().commit(batch).unwrap();
    match Meta::read(&disk.open()) {
        Ok(meta) => {
            let meta = meta.unwrap();
            assert!(meta.writer.len() == 9 && meta.writer.starts_with('w'));
            let mut numbers: Vec<u32> = meta.trails.iter().map(|trail| trail.number).collect();
            numbers.sort_unstable();
            assert!(numbers.iter().copied().eq(0..numbers.len() as u32), "{numbers:?}");
            assert!(meta.trails.iter().all(|trail| trail.origin.ends_with(&meta.writer)));
            assert_eq!(Meta::read(&disk.open()).unwrap(), Some(meta));
        }
        Err(error) => {
            let said = error.to_string();
            assert!(said.contains("meta") && said.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{said}");
        }
    }
}
