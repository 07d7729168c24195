//! The vault: the only place that leads pseudonyms back to people.
//!
//! ```text
//! bucket    = first 12 bits of keyed_hash(lasting bucket key, identity)
//! row hash  = keyed_hash(bucket's row key, identity || domain u8), where the id is gone: (…, pseudonym || domain u8)
//! row       = 1 format=1 · 2 length of account · sealed account · sealed contact (may be empty)
//! pseudonym = keyed_hash(lasting pseudonym key, pseudonym)  ->  2 bucket · 32 row hash
//! identity  = len u16 || controller || len u16 || namespace || len u16 || id
//! ```
//!
//! Every row is sealed under its bucket's key, so a fresh bucket key closes every old copy of a row. While a bucket goes over
//! to one, its rows are under the one or the other: whoever looks tries both.

mod examine;
mod hidden;
mod people;
mod reseal;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use prost::Message;

pub use self::examine::Unled;
pub use self::hidden::Hidden;
pub use self::people::Known;
pub(super) use self::reseal::{Reseal, Row};
use super::keyring::{BucketKeys, Keyring};
use super::met::{Met, Name, Person};
use crate::env::{Entropy, random};
use crate::model::identity::{Domain, Identity, Pseudonym, identity_bytes};
use crate::model::origin::Controller;
use crate::model::seal::{self, Key};
use crate::model::stored::{VaultAccount, VaultContact};
use crate::store::{Batch, Error, Family, Store, keys};

const FORMAT: u8 = 1;
/// Bytes of a row's key: bucket and row hash. What a pseudonym leads to is such a key.
const ROW_KEY: usize = 2 + 32;

/// A controller and its key.
#[derive(Debug, Clone, Copy)]
pub struct Of<'a> {
    /// The controller.
    pub controller: &'a Controller,
    /// Its key.
    pub key: &'a Key,
}

/// The vault.
pub struct Vault {
    store: Arc<dyn Store>,
    keyring: Arc<Keyring>,
    met: Mutex<Met>,
    hidden: Hidden,
}

/// New and changed rows of one group, not yet durable. What it draws is known to it alone until committed.
#[derive(Default)]
pub struct Draft {
    batch: Batch,
    drawn: HashMap<Name, (Person, Halves)>,
    /// Other pseudonyms of people whose records are left out of searches.
    hidden: Vec<(Controller, Pseudonym)>,
}

type Halves = (VaultAccount, VaultContact);

/// Where a row stands.
struct Place {
    bucket: u16,
    hash: [u8; 32],
    /// The bucket's key that names and seals it.
    key: Key,
}

impl Place {
    /// What its pseudonym leads to: the row's key.
    fn leads(&self) -> [u8; ROW_KEY] {
        keys::row(self.bucket, &self.hash)
    }
}

impl Vault {
    /// The vault in that store.
    pub fn new(store: Arc<dyn Store>, keyring: Arc<Keyring>) -> Self {
        Self { store, keyring, met: Mutex::default(), hidden: Hidden::default() }
    }

    /// The pseudonym of an identity, if it has one. Draws none.
    pub fn find(&self, of: Of<'_>, identity: &Identity, domain: Domain) -> Result<Option<Pseudonym>, Error> {
        let name = name(of, identity, domain);
        Ok(self.person(of, &name)?.map(|person| person.pseudonym))
    }

    /// The pseudonym of an identity; drawn into `draft` at first sight. New contact data replace the old.
    pub fn draw(
        &self,
        draft: &mut Draft,
        of: Of<'_>,
        identity: &Identity,
        domain: Domain,
        entropy: &dyn Entropy,
    ) -> Result<Pseudonym, Error> {
        let name = name(of, identity, domain);
        let person = match draft.drawn.get(&name) {
            Some((person, _)) => Some(person.clone()),
            None => self.person(of, &name)?,
        };
        if let Some(person) = person.as_ref().filter(|person| !person.is_news(identity)) {
            return Ok(person.pseudonym);
        }
        let place = self.place(&name)?;
        let drawn = draft.drawn.remove(&name).map(|(_, halves)| halves);
        let halves = match (person, drawn) {
            (None, _) => {
                let elsewhere = self.elsewhere(draft, of, identity, domain)?;
                let (account, contact) = first_sight(of, identity, domain, random(entropy), &elsewhere);
                draft.batch.put(Family::Pseudonym, self.pseudonym_key(&account.pseudonym), place.leads());
                if elsewhere.iter().any(|account| self.hidden.hides(of.controller, &account.pseudonym)) {
                    draft
                        .hidden
                        .extend(Pseudonym::from_slice(&account.pseudonym).map(|own| (of.controller.clone(), own)));
                }
                (account, contact)
            }
            (Some(_), Some(halves)) => changed(halves, identity),
            (Some(_), None) => changed(self.row(of, &name)?.ok_or_else(|| damaged(place.bucket))?, identity),
        };
        draft.put(name, &place, of, halves, entropy)
    }

    /// What is kept of somebody in other domains: what was decided about them holds in a new one, too.
    fn elsewhere(
        &self,
        draft: &Draft,
        of: Of<'_>,
        identity: &Identity,
        domain: Domain,
    ) -> Result<Vec<VaultAccount>, Error> {
        let mut accounts = Vec::new();
        for other in Domain::ALL.into_iter().filter(|other| *other != domain) {
            let name = name(of, identity, other);
            match draft.drawn.get(&name) {
                Some((_, (account, _))) => accounts.push(account.clone()),
                None => accounts.extend(self.row(of, &name)?.map(|(account, _)| account)),
            }
        }
        Ok(accounts)
    }

    /// Makes a draft durable; only then may a record use its pseudonyms.
    pub fn commit(&self, draft: Draft) -> Result<(), Error> {
        if draft.batch.is_empty() {
            return Ok(());
        }
        self.store.commit(draft.batch)?;
        let mut met = self.met();
        for (name, (person, _)) in draft.drawn {
            met.add(name, person);
        }
        self.hidden.add(draft.hidden);
        Ok(())
    }

    /// Who a pseudonym stands for; `None` if it no longer leads to anybody.
    pub fn identity(&self, of: Of<'_>, pseudonym: &Pseudonym) -> Result<Option<Identity>, Error> {
        let Some((account, contact)) = self.led(of, pseudonym)? else { return Ok(None) };
        let identity = identity_of(&account, &contact);
        Ok((!identity.id.is_empty()).then_some(identity))
    }

    /// What a pseudonym leads to.
    fn led(&self, of: Of<'_>, pseudonym: &Pseudonym) -> Result<Option<Halves>, Error> {
        let key = self.pseudonym_key(&pseudonym.0);
        let mut leads = self.store.get(Family::Pseudonym, &key)?;
        loop {
            let Some((bucket, hash)) = leads.as_deref().and_then(keys::row_of) else { return Ok(None) };
            let Some(keys) = self.keyring.bucket_keys(bucket) else { return Ok(None) };
            let row = keys::row(bucket, &hash);
            let value = self.store.get(Family::Row, &row)?;
            let opened = value.as_deref().and_then(|value| open_row(of, &keys, &row, value));
            if opened.is_some() {
                return Ok(opened.map(|(_, halves)| halves));
            }
            // Its bucket may have been sealed anew meanwhile.
            let again = self.store.get(Family::Pseudonym, &key)?;
            if again == leads && self.has_keys(bucket, &keys) {
                return if value.is_some() { Err(damaged(bucket)) } else { Ok(None) };
            }
            leads = again;
        }
    }

    /// Where rows and pseudonyms are stored, for whoever looks at all of them.
    pub(super) fn store(&self) -> &dyn Store {
        self.store.as_ref()
    }

    fn person(&self, of: Of<'_>, name: &Name) -> Result<Option<Person>, Error> {
        let forgotten = {
            let mut met = self.met();
            if let Some(person) = met.find(name) {
                return Ok(Some(person));
            }
            met.forgotten()
        };
        let Some((account, contact)) = self.row(of, name)? else { return Ok(None) };
        let person = person(&account, &contact).ok_or_else(|| damaged(self.bucket(&name.0)))?;
        self.met().add_read(forgotten, name.clone(), person.clone());
        Ok(Some(person))
    }

    /// The row of somebody, wherever in its bucket it stands now.
    fn row(&self, of: Of<'_>, name: &Name) -> Result<Option<Halves>, Error> {
        let bucket = self.bucket(&name.0);
        loop {
            let keys = self.keys(bucket)?;
            for key in keys.each() {
                let place = Place { bucket, hash: named(key, &name.0, name.1), key: key.clone() };
                let row = keys::row(bucket, &place.hash);
                let Some(value) = self.store.get(Family::Row, &row)? else { continue };
                match decode(of, &place, &value) {
                    Some(halves) => return Ok(Some(halves)),
                    None if self.has_keys(bucket, &keys) => return Err(damaged(bucket)),
                    None => {}
                }
            }
            if self.has_keys(bucket, &keys) {
                return Ok(None);
            }
        }
    }

    /// Where the row of somebody is to stand.
    fn place(&self, (identity, domain): &Name) -> Result<Place, Error> {
        let bucket = self.bucket(identity);
        let key = self.keys(bucket)?.now;
        Ok(Place { bucket, hash: named(&key, identity, *domain), key })
    }

    /// The bucket of an identity.
    fn bucket(&self, identity: &[u8]) -> u16 {
        let chosen = Key::derive("akta v1 vault bucket", &[self.keyring.lasting_key().bytes()]).hash(identity);
        u16::from_be_bytes([chosen[0], chosen[1]]) >> 4
    }

    fn keys(&self, bucket: u16) -> Result<BucketKeys, Error> {
        let none = || Error::Corrupt(format!("the keyring has no key for vault bucket {bucket}"));
        self.keyring.bucket_keys(bucket).ok_or_else(none)
    }

    /// Whether these are its keys still.
    fn has_keys(&self, bucket: u16, keys: &BucketKeys) -> bool {
        self.keyring.bucket_keys(bucket).is_none_or(|now| now.same(keys))
    }

    fn pseudonym_key(&self, pseudonym: &[u8]) -> [u8; 32] {
        Key::derive("akta v1 vault pseudonym", &[self.keyring.lasting_key().bytes()]).hash(pseudonym)
    }

    /// Forgets whoever was met lately: a controller's people are gone.
    pub(super) fn forget_met(&self) {
        self.met().clear();
    }

    fn met(&self) -> MutexGuard<'_, Met> {
        self.met.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Draft {
    /// Seals a row as it now is; a later one of the same name in this draft replaces it.
    fn put(
        &mut self,
        name: Name,
        place: &Place,
        of: Of<'_>,
        (account, contact): Halves,
        entropy: &dyn Entropy,
    ) -> Result<Pseudonym, Error> {
        let person = person(&account, &contact).ok_or_else(|| damaged(place.bucket))?;
        let value = encode(of, place, &account, &contact, entropy);
        self.batch.put(Family::Row, place.leads(), value);
        let pseudonym = person.pseudonym;
        self.drawn.insert(name, (person, (account, contact)));
        Ok(pseudonym)
    }
}

/// What is kept of somebody seen for the first time in a domain.
fn first_sight(of: Of<'_>, identity: &Identity, domain: Domain, salt: [u8; 32], elsewhere: &[VaultAccount]) -> Halves {
    let pseudonym = Pseudonym::of(&salt, of.controller, identity);
    let (id, contact_id) = match identity.id_is_contact() {
        true => (String::new(), identity.id.clone()),
        false => (identity.id.clone(), String::new()),
    };
    let account = VaultAccount {
        salt: salt.to_vec(),
        namespace: identity.namespace.clone(),
        id,
        domain: domain as u32,
        controller: of.controller.to_string(),
        pseudonym: pseudonym.0.to_vec(),
        ..VaultAccount::default()
    };
    let contact = VaultContact { id: contact_id, ..VaultContact::default() };
    match elsewhere.iter().find(|account| account.deactivated_on > 0) {
        Some(VaultAccount { deactivated_on, mask_on, masked, .. }) => {
            let (deactivated_on, mask_on, masked) = (*deactivated_on, *mask_on, *masked);
            (VaultAccount { deactivated_on, mask_on, masked, ..account }, contact)
        }
        None => changed((account, contact), identity),
    }
}

/// What is kept of somebody after new contact data were reported; of who is deactivated none are taken in.
fn changed((account, mut contact): Halves, identity: &Identity) -> Halves {
    if !identity.display_name.is_empty() {
        contact.display_name.clone_from(&identity.display_name);
    }
    if !identity.email.is_empty() {
        contact.email.clone_from(&identity.email);
    }
    (account, contact)
}

fn person(account: &VaultAccount, contact: &VaultContact) -> Option<Person> {
    let deactivated = account.deactivated_on > 0;
    Pseudonym::from_slice(&account.pseudonym).map(|pseudonym| Person::new(pseudonym, contact, deactivated))
}

/// Whether a row of the family row has the form of one, as far as that shows without keys.
pub(super) fn is_row(key: &[u8], value: &[u8]) -> bool {
    key.len() == ROW_KEY && split(value).is_some()
}

/// Whether a row of the family pseudonym has the form of one.
pub(super) fn is_pseudonym_row(key: &[u8], value: &[u8]) -> bool {
    key.len() == 32 && value.len() == ROW_KEY
}

/// The two sealed halves of a row; the second is empty if there are no contact data.
fn split(value: &[u8]) -> Option<(&[u8], &[u8])> {
    let (clear, rest) = value.split_first_chunk::<3>()?;
    (clear[0] == FORMAT).then_some(())?;
    let (account, contact) = rest.split_at_checked(usize::from(u16::from_be_bytes([clear[1], clear[2]])))?;
    let sealed = |half: &[u8]| half.len() >= seal::OVERHEAD;
    (sealed(account) && (contact.is_empty() || sealed(contact))).then_some((account, contact))
}

fn decode(of: Of<'_>, place: &Place, value: &[u8]) -> Option<Halves> {
    let (account, contact) = split(value)?;
    let key = seal_key(of, &place.key);
    let account = VaultAccount::decode(key.open(&half(place, 0), account)?.as_slice()).ok()?;
    let contact = match contact {
        [] => VaultContact::default(),
        sealed => VaultContact::decode(key.open(&half(place, 1), sealed)?.as_slice()).ok()?,
    };
    Some((account, contact))
}

fn encode(of: Of<'_>, place: &Place, account: &VaultAccount, contact: &VaultContact, entropy: &dyn Entropy) -> Vec<u8> {
    let key = seal_key(of, &place.key);
    let sealed_account = key.seal(random(entropy), &half(place, 0), &account.encode_to_vec());
    let sealed_contact = if *contact == VaultContact::default() {
        Vec::new()
    } else {
        key.seal(random(entropy), &half(place, 1), &contact.encode_to_vec())
    };
    let length = u16::try_from(sealed_account.len()).expect("an account half is a few hundred bytes");
    [&[FORMAT][..], &length.to_be_bytes(), &sealed_account, &sealed_contact].concat()
}

/// Opens a stored row under whichever key of its bucket it is under.
fn open_row(of: Of<'_>, keys: &BucketKeys, row: &[u8], value: &[u8]) -> Option<(Place, Halves)> {
    let (bucket, hash) = keys::row_of(row)?;
    keys.each().find_map(|key| {
        let place = Place { bucket, hash, key: key.clone() };
        let halves = decode(of, &place, value)?;
        Some((place, halves))
    })
}

/// The name of a row within its bucket: by whom it is about, as long as that is known, else by the pseudonym.
fn row_name(of: Of<'_>, key: &Key, (account, contact): &Halves) -> Option<[u8; 32]> {
    let domain = domain_of(account)?;
    let identity = identity_of(account, contact);
    Some(match identity.id.is_empty() {
        true => named(key, &account.pseudonym, domain),
        false => named(key, &name(of, &identity, domain).0, domain),
    })
}

fn named(key: &Key, who: &[u8], domain: Domain) -> [u8; 32] {
    let input = [who, &[domain as u8]].concat();
    Key::derive("akta v1 vault row", &[key.bytes()]).hash(&input)
}

fn domain_of(account: &VaultAccount) -> Option<Domain> {
    Domain::ALL.into_iter().find(|domain| *domain as u32 == account.domain)
}

/// Who a row is about; without an id where that is gone.
fn identity_of(account: &VaultAccount, contact: &VaultContact) -> Identity {
    let id = if account.id.is_empty() { &contact.id } else { &account.id };
    Identity {
        namespace: account.namespace.clone(),
        id: id.clone(),
        display_name: contact.display_name.clone(),
        email: contact.email.clone(),
    }
}

/// What seals the rows of a controller in a bucket.
fn seal_key(of: Of<'_>, bucket_key: &Key) -> Key {
    Key::derive("akta v1 vault key", &[bucket_key.bytes(), of.key.bytes()])
}

/// Binds a half to its row: format, which half, bucket, row hash.
fn half(place: &Place, half: u8) -> Vec<u8> {
    [&[FORMAT, half][..], &place.bucket.to_be_bytes(), &place.hash].concat()
}

fn name(of: Of<'_>, identity: &Identity, domain: Domain) -> Name {
    (identity_bytes(of.controller, &identity.namespace, &identity.id), domain)
}

fn damaged(bucket: u16) -> Error {
    Error::Corrupt(format!("a vault row of bucket {bucket} does not open"))
}
