//! A bucket sealed anew: under a fresh key every row of it gets another name, so every pseudonym leads elsewhere, and what is
//! removed is in no copy that opens any more.

use super::{Halves, Of, Place, Vault, damaged, encode, keys, open_row, row_name, seal_key};
use crate::env::{Entropy, random};
use crate::model::identity::Pseudonym;
use crate::model::origin::Controller;
use crate::model::removal::RemovalId;
use crate::model::removal::row::Place as RemovalPlace;
use crate::model::seal::Key;
use crate::model::stored::{Removal, VaultAccount, VaultContact};
use crate::store::{Batch, Error, Family, Scan};

/// What becomes of a row.
pub(in crate::trail) enum Row {
    /// It stays.
    Stays,
    /// Its contact half goes, and with it an id of that form.
    Masked,
    /// It goes.
    Goes,
}

/// A removal and where it stands.
pub(in crate::trail) type Removing = (RemovalPlace, Removal);

/// What is written when a bucket is sealed anew, or some of its rows are.
pub(in crate::trail) struct Reseal<'a> {
    vault: &'a Vault,
    /// Every controller of the node: whose a row is, its key does not tell.
    controllers: &'a [Of<'a>],
    entropy: &'a dyn Entropy,
    batch: Batch,
    /// Keys of the rows of pseudonyms that go.
    pub(in crate::trail) gone: Vec<[u8; 32]>,
}

impl<'a> Reseal<'a> {
    pub(in crate::trail) fn new(vault: &'a Vault, controllers: &'a [Of<'a>], entropy: &'a dyn Entropy) -> Self {
        Self { vault, controllers, entropy, batch: Batch::default(), gone: Vec::new() }
    }

    /// What it has come to.
    pub(in crate::trail) fn into_batch(self) -> Batch {
        self.batch
    }

    /// Seals all rows of a bucket under its fresh key. `fate` hears of each whose it is.
    ///
    /// # Errors
    ///
    /// A row opens under no key: then nobody knows whose it is, and none may be left behind. Or the disk fails.
    pub(in crate::trail) fn rows(
        &mut self,
        bucket: u16,
        fresh: &Key,
        mut fate: impl FnMut(&Controller, &Pseudonym) -> Row,
    ) -> Result<(), Error> {
        let keys = self.vault.keys(bucket)?;
        let all = Scan::prefix(Family::Row, &bucket.to_be_bytes());
        let to = all.to.clone().ok_or_else(|| damaged(bucket))?;
        self.batch.remove_range(Family::Row, all.from.clone(), to);
        let mut last = 0;
        for row in self.vault.store.scan(all) {
            let (key, value) = row?;
            let turns = (0..self.controllers.len()).map(|turn| (last + turn) % self.controllers.len());
            let opened = turns.into_iter().find_map(|at| {
                let (_, halves) = open_row(self.controllers[at], &keys, &key, &value)?;
                Some((at, halves))
            });
            let (at, (mut account, mut contact)) = opened.ok_or_else(|| damaged(bucket))?;
            last = at;
            let of = self.controllers[at];
            let pseudonym = Pseudonym::from_slice(&account.pseudonym).ok_or_else(|| damaged(bucket))?;
            let leads = self.vault.pseudonym_key(&pseudonym.0);
            match fate(of.controller, &pseudonym) {
                Row::Goes => {
                    self.batch.remove(Family::Pseudonym, leads);
                    self.gone.push(leads);
                    continue;
                }
                Row::Masked => {
                    contact = VaultContact::default();
                    account.masked = true;
                    // With it the id could be guessed from the pseudonym.
                    if account.id.is_empty() {
                        account.salt.clear();
                    }
                }
                Row::Stays => {}
            }
            let place = place(of, bucket, fresh, (account, contact))?;
            self.batch.put(Family::Pseudonym, leads, place.0.leads());
            self.put(of, place);
        }
        Ok(())
    }

    /// Marks rows of somebody in place, under the key that they are under.
    pub(in crate::trail) fn mark(
        &mut self,
        of: Of<'_>,
        bucket: u16,
        people: &[Pseudonym],
        mark: impl Fn(&mut VaultAccount),
    ) -> Result<(), Error> {
        for pseudonym in people {
            let Some((mut account, contact)) = self.vault.led(of, pseudonym)? else { continue };
            mark(&mut account);
            let key = self.vault.keys(bucket)?.now;
            let place = place(of, bucket, &key, (account, contact))?;
            self.put(of, place);
        }
        Ok(())
    }

    fn put(&mut self, of: Of<'_>, (place, (account, contact)): (Place, Halves)) {
        let value = encode(of, &place, &account, &contact, self.entropy);
        self.batch.put(Family::Row, place.leads(), value);
    }

    /// Seals the removals of a bucket under its fresh key; `change` says what becomes of each, `None`: it goes.
    pub(in crate::trail) fn removals(
        &mut self,
        bucket: u16,
        fresh: &Key,
        of: impl Fn(u32) -> Option<Of<'a>>,
        mut change: impl FnMut(&RemovalPlace, Removal) -> Option<Removal>,
    ) -> Result<(), Error> {
        for row in self.vault.removals(&bucket.to_be_bytes(), &of)? {
            let (place, removal) = row?;
            let of = of(place.trail).ok_or_else(|| damaged(bucket))?;
            match change(&place, removal) {
                Some(removal) => self.removal(of, &place, fresh, &removal),
                None => self.end(&place),
            }
        }
        Ok(())
    }

    /// Puts a removal, under that key of its bucket.
    pub(in crate::trail) fn removal(&mut self, of: Of<'_>, place: &RemovalPlace, key: &Key, removal: &Removal) {
        let value = place.seal(&seal_key(of, key), random(self.entropy), removal);
        self.batch.put(Family::Removal, keys::removal(place.bucket, place.trail, &place.id), value);
    }

    /// A removal is over.
    pub(in crate::trail) fn end(&mut self, place: &RemovalPlace) {
        self.batch.remove(Family::Removal, keys::removal(place.bucket, place.trail, &place.id));
    }
}

/// Where a row stands under a key.
fn place(of: Of<'_>, bucket: u16, key: &Key, halves: Halves) -> Result<(Place, Halves), Error> {
    let hash = row_name(of, key, &halves).ok_or_else(|| damaged(bucket))?;
    Ok((Place { bucket, hash, key: key.clone() }, halves))
}

impl Vault {
    /// The key in force of a bucket.
    pub(in crate::trail) fn bucket_key(&self, bucket: u16) -> Result<Key, Error> {
        Ok(self.keys(bucket)?.now)
    }

    /// The removals whose key begins so, opened; those of trails that are not known do not open.
    pub(in crate::trail) fn removals<'a>(
        &self,
        prefix: &[u8],
        of: &impl Fn(u32) -> Option<Of<'a>>,
    ) -> Result<Vec<Result<Removing, Error>>, Error> {
        let mut found = Vec::new();
        for row in self.store.scan(Scan::prefix(Family::Removal, prefix)) {
            let (key, value) = row?;
            let opened = keys::removal_of(&key).and_then(|(bucket, trail, id)| {
                let place = RemovalPlace { bucket, trail, id };
                Some((place, self.open_removal(of(trail)?, &place, &value)?))
            });
            let bad = || Error::Corrupt("a removal in the vault does not open".to_owned());
            found.push(opened.ok_or_else(bad));
        }
        Ok(found)
    }

    /// One removal.
    pub(in crate::trail) fn removal(
        &self,
        of: Of<'_>,
        (bucket, trail, id): (u16, u32, RemovalId),
    ) -> Result<Option<Removal>, Error> {
        let Some(value) = self.store.get(Family::Removal, &keys::removal(bucket, trail, &id))? else { return Ok(None) };
        let place = RemovalPlace { bucket, trail, id };
        let bad = || Error::Corrupt("a removal in the vault does not open".to_owned());
        self.open_removal(of, &place, &value).map(Some).ok_or_else(bad)
    }

    /// What stands at a place, if it is that controller's, and the key of its bucket that it is under.
    pub(in crate::trail) fn removal_under(
        &self,
        of: Of<'_>,
        place: &RemovalPlace,
        value: &[u8],
    ) -> Option<(Key, Removal)> {
        let keys = self.keyring.bucket_keys(place.bucket)?;
        keys.each().find_map(|key| Some((key.clone(), place.open(&seal_key(of, key), value)?)))
    }

    fn open_removal(&self, of: Of<'_>, place: &RemovalPlace, value: &[u8]) -> Option<Removal> {
        self.keyring.bucket_keys(place.bucket)?.each().find_map(|key| place.open(&seal_key(of, key), value))
    }

    /// That every row of a bucket opens.
    ///
    /// # Errors
    ///
    /// One does not: then the bucket cannot be sealed anew. Or the disk fails.
    pub(in crate::trail) fn readable(&self, bucket: u16, controllers: &[Of<'_>]) -> Result<(), Error> {
        let keys = self.keys(bucket)?;
        for row in self.store.scan(Scan::prefix(Family::Row, &bucket.to_be_bytes())) {
            let (key, value) = row?;
            if !controllers.iter().any(|of| open_row(*of, &keys, &key, &value).is_some()) {
                return Err(damaged(bucket));
            }
        }
        Ok(())
    }

    /// Whether anything in a bucket is sealed under that key.
    pub(in crate::trail) fn is_under(
        &self,
        bucket: u16,
        key: &Key,
        controllers: &[Of<'_>],
        of: impl Fn(u32) -> Option<Key>,
    ) -> Result<bool, Error> {
        let only = super::BucketKeys { now: key.clone(), fresh: None };
        for row in self.store.scan(Scan::prefix(Family::Removal, &bucket.to_be_bytes())) {
            let (name, value) = row?;
            let place = keys::removal_of(&name).map(|(bucket, trail, id)| RemovalPlace { bucket, trail, id });
            let controller = place.and_then(|place| Some((place, of(place.trail)?)));
            if controller.is_some_and(|(place, own)| {
                let key = Key::derive("akta v1 vault key", &[key.bytes(), own.bytes()]);
                place.open(&key, &value).is_some()
            }) {
                return Ok(true);
            }
        }
        for row in self.store.scan(Scan::prefix(Family::Row, &bucket.to_be_bytes())) {
            let (name, value) = row?;
            if controllers.iter().any(|of| open_row(*of, &only, &name, &value).is_some()) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Writes what a bucket has come to, then forgets whoever is not as they were.
    pub(in crate::trail) fn commit_batch(&self, batch: Batch, changed: &[Pseudonym]) -> Result<(), Error> {
        if !batch.is_empty() {
            self.store.commit(batch)?;
        }
        self.met().forget(changed);
        Ok(())
    }

    /// Whose records are left out of searches.
    pub fn hidden(&self) -> &super::Hidden {
        &self.hidden
    }
}
