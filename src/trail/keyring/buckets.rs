//! Keys of vault buckets: one each, replaced by a fresh one when somebody in the bucket is removed, so that no old copy of a row
//! of it opens any more. In between both are there: rows are sealed under the one or the other.

use zeroize::Zeroize;

use super::{Error, Keyring, add_keys, nth};
use crate::env::Entropy;
use crate::model::seal::Key;
use crate::model::stored::BucketKey;

/// The keys that rows of one bucket may be sealed under.
#[derive(Debug, Clone)]
pub struct BucketKeys {
    /// In force.
    pub now: Key,
    /// About to take its place.
    pub fresh: Option<Key>,
}

impl BucketKeys {
    /// One after the other.
    pub fn each(&self) -> impl Iterator<Item = &Key> {
        std::iter::once(&self.now).chain(&self.fresh)
    }

    /// Whether these are the same.
    pub fn same(&self, other: &Self) -> bool {
        self.each().map(Key::bytes).eq(other.each().map(Key::bytes))
    }
}

impl Keyring {
    /// Keys of a vault bucket; `None` if it has none.
    pub fn bucket_keys(&self, bucket: u16) -> Option<BucketKeys> {
        let secrets = self.secrets();
        let now = nth(&secrets.keyring.bucket_keys, usize::from(bucket))?;
        let fresh = secrets.keyring.fresh_buckets.iter().find(|fresh| fresh.bucket == u32::from(bucket));
        Some(BucketKeys { now, fresh: fresh.and_then(|fresh| Key::from_slice(&fresh.key)) })
    }

    /// Buckets that have a fresh key, ascending.
    pub fn fresh_buckets(&self) -> Vec<u16> {
        let secrets = self.secrets();
        let mut buckets: Vec<u16> =
            secrets.keyring.fresh_buckets.iter().filter_map(|fresh| u16::try_from(fresh.bucket).ok()).collect();
        buckets.sort_unstable();
        buckets
    }

    /// Makes fresh keys for these buckets, each named once; durable when it answers. One that is there already stays.
    pub(in crate::trail) fn add_fresh(&self, buckets: &[u16], entropy: &dyn Entropy) -> Result<(), Error> {
        let have = self.fresh_buckets();
        let missing: Vec<u16> = buckets.iter().copied().filter(|bucket| !have.contains(bucket)).collect();
        if missing.is_empty() {
            return Ok(());
        }
        self.renew(entropy, |next| {
            for bucket in missing {
                let mut key = Vec::new();
                add_keys(&mut key, 1, entropy);
                next.fresh_buckets.push(BucketKey { bucket: bucket.into(), key });
            }
        })
    }

    /// The fresh keys of these buckets take the place of those in force, which are in neither slot when it answers. Buckets
    /// without a fresh key stay as they are.
    pub(in crate::trail) fn change_buckets(&self, buckets: &[u16], entropy: &dyn Entropy) -> Result<(), Error> {
        self.end_fresh(buckets, entropy, |keys, fresh| {
            let at = 32 * fresh.bucket as usize;
            if let Some(place) = keys.get_mut(at..at + 32).filter(|_| fresh.key.len() == 32) {
                place.copy_from_slice(&fresh.key);
            }
        })
    }

    /// Fresh keys that nothing is sealed under go.
    pub(in crate::trail) fn drop_fresh(&self, buckets: &[u16], entropy: &dyn Entropy) -> Result<(), Error> {
        self.end_fresh(buckets, entropy, |_, _| ())
    }

    fn end_fresh(
        &self,
        buckets: &[u16],
        entropy: &dyn Entropy,
        end: impl Fn(&mut [u8], &BucketKey),
    ) -> Result<(), Error> {
        let ends = |fresh: &BucketKey| buckets.iter().any(|bucket| fresh.bucket == u32::from(*bucket));
        if !self.secrets().keyring.fresh_buckets.iter().any(ends) {
            return Ok(());
        }
        self.renew(entropy, |next| {
            let keys = &mut next.bucket_keys;
            next.fresh_buckets.retain_mut(|fresh| {
                let stays = !ends(fresh);
                if !stays {
                    end(keys, fresh);
                    fresh.key.zeroize();
                }
                stays
            });
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::slots::{FILE, SLOT_BYTES, newest};
    use super::super::{BUCKETS, Kek};
    use super::*;
    use crate::env::SeededEntropy;
    use crate::store::faults::{Call, Fault, Faults};
    use crate::store::files::{Files, MemoryFiles};

    fn open(files: &MemoryFiles) -> Keyring {
        Keyring::open(Arc::new(files.clone()), Kek::dev(), &SeededEntropy::new(1), 0).expect("opens")
    }

    fn now(keyring: &Keyring, bucket: u16) -> [u8; 32] {
        *keyring.bucket_keys(bucket).expect("has a key").now.bytes()
    }

    #[test]
    fn a_fresh_key_takes_the_place_of_one_and_of_no_other() {
        let files = MemoryFiles::new();
        let (keyring, entropy) = (open(&files), SeededEntropy::new(9));
        let old: Vec<[u8; 32]> = (0..BUCKETS).map(|bucket| now(&keyring, bucket)).collect();
        keyring.add_fresh(&[7, BUCKETS - 1, 9], &entropy).expect("writes");
        keyring.add_fresh(&[9, 7], &entropy).expect("are there");
        assert_eq!((keyring.generation(), open(&files).fresh_buckets()), (2, vec![7, 9, BUCKETS - 1]));
        let fresh = |bucket| keyring.bucket_keys(bucket).and_then(|keys| keys.fresh).map(|key| *key.bytes());
        let (seven, nine) = (fresh(7).expect("was made"), fresh(9).expect("was made"));
        assert_eq!((now(&keyring, 7), fresh(8), seven == nine), (old[7], None, false));
        keyring.drop_fresh(&[9, 8], &entropy).expect("writes");
        keyring.change_buckets(&[7, 9, 3], &entropy).expect("writes");
        keyring.change_buckets(&[7], &entropy).expect("is so");
        let again = open(&files);
        assert_eq!((again.generation(), again.fresh_buckets()), (4, vec![BUCKETS - 1]));
        for (bucket, old) in (0..).zip(old) {
            assert_eq!(now(&again, bucket), if bucket == 7 { seven } else { old }, "bucket {bucket}");
        }
    }

    /// Wherever a write is torn, a bucket has its old key, both, or the fresh one; and once it is changed no slot has the old
    /// one.
    #[test]
    fn no_slot_keeps_what_was_changed() {
        for write in 0..4 {
            for bytes in [0, 17, 40, 5_000, SLOT_BYTES - 1] {
                let files = MemoryFiles::new();
                let (keyring, entropy) = (open(&files), SeededEntropy::new(9));
                let old = now(&keyring, 7);
                files.faults(|faults| faults.plan(Call::Overwrite, write, Fault::Torn(bytes)));
                let done = keyring.add_fresh(&[7], &entropy).and_then(|()| keyring.change_buckets(&[7], &entropy));
                done.expect_err("a write is torn");
                files.crash();
                files.faults(Faults::forget);
                let again = open(&files);
                assert!(now(&again, 7) == old || again.fresh_buckets().is_empty());
                again.add_fresh(&[7], &entropy).expect("writes");
                again.change_buckets(&[7], &entropy).expect("writes");
                let file = files.read(FILE).expect("reads").expect("is there");
                for slot in file.chunks(SLOT_BYTES) {
                    let keys = newest(slot, &Kek::dev(), 0).expect("is whole").keyring.bucket_keys.clone();
                    assert!(keys.chunks(32).all(|key| key != old), "write {write} torn at {bytes}");
                }
            }
        }
    }
}
