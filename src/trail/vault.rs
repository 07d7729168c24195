//! The vault: the only place that leads pseudonyms back to people.
//!
//! ```text
//! bucket    = first 12 bits of keyed_hash(lasting bucket key, identity)
//! row hash  = keyed_hash(bucket's row key, identity || domain u8)
//! row       = 1 format=1 · 2 length of account · sealed account · sealed contact (may be empty)
//! pseudonym = keyed_hash(lasting pseudonym key, pseudonym)  ->  2 bucket · 32 row hash
//! identity  = len u16 || controller || len u16 || namespace || len u16 || id
//! ```
//!
//! Every row is sealed under its bucket's key, so a fresh bucket key closes every old copy of a row.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use prost::Message;

use super::keyring::Keyring;
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
}

/// New and changed rows of one group, not yet durable. What it draws is known to it alone until committed.
#[derive(Default)]
pub struct Draft {
    batch: Batch,
    drawn: HashMap<Name, (Person, Halves)>,
}

type Halves = (VaultAccount, VaultContact);

struct Place {
    bucket: u16,
    hash: [u8; 32],
    bucket_key: Key,
}

impl Vault {
    /// The vault in that store.
    pub fn new(store: Arc<dyn Store>, keyring: Arc<Keyring>) -> Self {
        Self { store, keyring, met: Mutex::default() }
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
                let (account, contact) = first_sight(of, identity, domain, random(entropy));
                let leads = [&place.bucket.to_be_bytes()[..], &place.hash].concat();
                draft.batch.put(Family::Pseudonym, self.pseudonym_key(&account.pseudonym), leads);
                (account, contact)
            }
            (Some(_), Some(halves)) => changed(halves, identity),
            (Some(_), None) => changed(self.row(of, &place)?.ok_or_else(|| damaged(&place))?, identity),
        };
        draft.put(name, &place, of, halves, entropy)
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
        Ok(())
    }

    /// Who a pseudonym stands for; `None` if it no longer leads to anybody.
    pub fn identity(&self, of: Of<'_>, pseudonym: &Pseudonym) -> Result<Option<Identity>, Error> {
        let Some(leads) = self.store.get(Family::Pseudonym, &self.pseudonym_key(&pseudonym.0))? else {
            return Ok(None);
        };
        let Some((bucket, hash)) = leads.split_first_chunk::<2>() else { return Ok(None) };
        let bucket = u16::from_be_bytes(*bucket);
        let Some(bucket_key) = self.keyring.bucket_key(bucket) else { return Ok(None) };
        let Ok(hash) = hash.try_into() else { return Ok(None) };
        let Some((account, contact)) = self.row(of, &Place { bucket, hash, bucket_key })? else { return Ok(None) };
        let id = if account.id.is_empty() { contact.id } else { account.id };
        Ok((!id.is_empty()).then_some(Identity {
            namespace: account.namespace,
            id,
            display_name: contact.display_name,
            email: contact.email,
        }))
    }

    /// That a pseudonym leads to an identity, and commits to it; else what is wrong.
    pub fn check(&self, of: Of<'_>, pseudonym: &Pseudonym) -> Result<(), String> {
        let missing = || "somebody in it cannot be led back: the vault lacks a row, or holds another".to_owned();
        let leads = self.store.get(Family::Pseudonym, &self.pseudonym_key(&pseudonym.0)).map_err(|e| e.to_string())?;
        let (bucket, hash) = leads.as_deref().and_then(<[u8]>::split_first_chunk::<2>).ok_or_else(missing)?;
        let bucket = u16::from_be_bytes(*bucket);
        let place = self.keyring.bucket_key(bucket).zip(hash.try_into().ok());
        let (bucket_key, hash) = place.ok_or_else(missing)?;
        let row = self.row(of, &Place { bucket, hash, bucket_key }).map_err(|error| error.to_string())?;
        let (account, contact) = row.ok_or_else(missing)?;
        let id = if account.id.is_empty() { &contact.id } else { &account.id };
        let identity = Identity::new(&account.namespace, id);
        let salt = <[u8; 32]>::try_from(account.salt.as_slice());
        let committed = salt.map(|salt| Pseudonym::of(&salt, of.controller, &identity));
        if committed.ok() == Some(*pseudonym) && account.pseudonym == pseudonym.0 {
            return Ok(());
        }
        Err("somebody in it leads to an identity that the pseudonym does not commit to".to_owned())
    }

    /// Where rows and pseudonyms are stored, for whoever looks at all of them.
    pub(super) fn store(&self) -> &dyn Store {
        self.store.as_ref()
    }

    /// A stored row on its own: the key of the pseudonym row that must lead to it, or what is wrong with it. `None` if it
    /// does not open under that controller's key.
    pub(super) fn examine(&self, of: Of<'_>, key: &[u8], value: &[u8]) -> Option<Result<[u8; 32], &'static str>> {
        let (bucket, hash) = key.split_first_chunk::<2>()?;
        let bucket = u16::from_be_bytes(*bucket);
        let place = Place { bucket, hash: hash.try_into().ok()?, bucket_key: self.keyring.bucket_key(bucket)? };
        let (account, contact) = decode(of, &place, value)?;
        let id = if account.id.is_empty() { &contact.id } else { &account.id };
        let identity = Identity::new(&account.namespace, id);
        let domain = Domain::ALL.into_iter().find(|domain| *domain as u32 == account.domain);
        let named = domain.and_then(|domain| self.place(&name(of, &identity, domain)).ok());
        if named.is_none_or(|named| (named.bucket, named.hash) != (place.bucket, place.hash)) {
            return Some(Err("is not in the place of the identity in it"));
        }
        let salt = <[u8; 32]>::try_from(account.salt.as_slice()).ok();
        let pseudonym = salt.map(|salt| Pseudonym::of(&salt, of.controller, &identity));
        match pseudonym.filter(|pseudonym| account.pseudonym == pseudonym.0) {
            Some(pseudonym) => Some(Ok(self.pseudonym_key(&pseudonym.0))),
            None => Some(Err("holds an identity that its pseudonym does not commit to")),
        }
    }

    fn person(&self, of: Of<'_>, name: &Name) -> Result<Option<Person>, Error> {
        if let Some(person) = self.met().find(name) {
            return Ok(Some(person));
        }
        let place = self.place(name)?;
        let Some((account, contact)) = self.row(of, &place)? else { return Ok(None) };
        let person = person(&account, &contact).ok_or_else(|| damaged(&place))?;
        self.met().add(name.clone(), person.clone());
        Ok(Some(person))
    }

    fn row(&self, of: Of<'_>, place: &Place) -> Result<Option<Halves>, Error> {
        let Some(value) = self.store.get(Family::Row, &keys::row(place.bucket, &place.hash))? else { return Ok(None) };
        decode(of, place, &value).map(Some).ok_or_else(|| damaged(place))
    }

    fn place(&self, (identity, domain): &Name) -> Result<Place, Error> {
        let chosen = Key::derive("akta v1 vault bucket", &[self.keyring.lasting_key().bytes()]).hash(identity);
        let bucket = u16::from_be_bytes([chosen[0], chosen[1]]) >> 4;
        let bucket_key = self
            .keyring
            .bucket_key(bucket)
            .ok_or_else(|| Error::Corrupt(format!("the keyring has no key for vault bucket {bucket}")))?;
        let mut input = identity.clone();
        input.push(*domain as u8);
        let hash = Key::derive("akta v1 vault row", &[bucket_key.bytes()]).hash(&input);
        Ok(Place { bucket, hash, bucket_key })
    }

    fn pseudonym_key(&self, pseudonym: &[u8]) -> [u8; 32] {
        Key::derive("akta v1 vault pseudonym", &[self.keyring.lasting_key().bytes()]).hash(pseudonym)
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
        let person = person(&account, &contact).ok_or_else(|| damaged(place))?;
        let key = row_key(of, place);
        let sealed_account = key.seal(random(entropy), &half(place, 0), &account.encode_to_vec());
        let sealed_contact = if contact == VaultContact::default() {
            Vec::new()
        } else {
            key.seal(random(entropy), &half(place, 1), &contact.encode_to_vec())
        };
        let length = u16::try_from(sealed_account.len()).expect("an account half is a few hundred bytes");
        let value = [&[FORMAT][..], &length.to_be_bytes(), &sealed_account, &sealed_contact].concat();
        self.batch.put(Family::Row, keys::row(place.bucket, &place.hash), value);
        let pseudonym = person.pseudonym;
        self.drawn.insert(name, (person, (account, contact)));
        Ok(pseudonym)
    }
}

/// What is kept of somebody seen for the first time.
fn first_sight(of: Of<'_>, identity: &Identity, domain: Domain, salt: [u8; 32]) -> Halves {
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
    };
    let contact =
        VaultContact { display_name: identity.display_name.clone(), email: identity.email.clone(), id: contact_id };
    (account, contact)
}

/// What is kept of somebody after new contact data were reported.
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
    Pseudonym::from_slice(&account.pseudonym).map(|pseudonym| Person::new(pseudonym, contact))
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
    let key = row_key(of, place);
    let account = VaultAccount::decode(key.open(&half(place, 0), account)?.as_slice()).ok()?;
    let contact = match contact {
        [] => VaultContact::default(),
        sealed => VaultContact::decode(key.open(&half(place, 1), sealed)?.as_slice()).ok()?,
    };
    Some((account, contact))
}

fn row_key(of: Of<'_>, place: &Place) -> Key {
    Key::derive("akta v1 vault key", &[place.bucket_key.bytes(), of.key.bytes()])
}

/// Binds a half to its row: format, which half, bucket, row hash.
fn half(place: &Place, half: u8) -> Vec<u8> {
    [&[FORMAT, half][..], &place.bucket.to_be_bytes(), &place.hash].concat()
}

fn name(of: Of<'_>, identity: &Identity, domain: Domain) -> Name {
    (identity_bytes(of.controller, &identity.namespace, &identity.id), domain)
}

fn damaged(place: &Place) -> Error {
    Error::Corrupt(format!("a vault row of bucket {} does not open", place.bucket))
}

#[cfg(test)]
mod tests {
    use super::super::keyring::Kek;
    use super::*;
    use crate::env::SeededEntropy;
    use crate::store::files::MemoryFiles;
    use crate::store::memory::Disk;

    #[test]
    fn people_are_found_again_by_identity_and_by_pseudonym() {
        let disk = Disk::new();
        let entropy = SeededEntropy::new(1);
        let keyring = Keyring::open(Arc::new(MemoryFiles::new()), Kek::dev(), &entropy, 0).expect("keyring");
        let keyring = Arc::new(keyring);
        let open = || Vault::new(Arc::new(disk.open()), keyring.clone());
        let controller = Controller::new("school-12").expect("name");
        let key = Key::new([1; 32]);
        let of = Of { controller: &controller, key: &key };
        let mut teacher = Identity::new("staff", "t-1");
        let by_mail = Identity::new("guardian", "anna@example.org");

        let vault = open();
        let mut draft = Draft::default();
        let first = vault.draw(&mut draft, of, &teacher, Domain::Access, &entropy).expect("draws");
        assert_eq!(vault.draw(&mut draft, of, &teacher, Domain::Access, &entropy), Ok(first), "same in one group");
        assert_ne!(vault.draw(&mut draft, of, &teacher, Domain::Register, &entropy), Ok(first), "domains differ");
        let mail = vault.draw(&mut draft, of, &by_mail, Domain::Access, &entropy).expect("draws");
        assert_eq!(vault.find(of, &teacher, Domain::Access), Ok(None), "a draft is not yet there");
        vault.commit(draft).expect("commits");

        // Named again in the same group, first with a name, then with an address: both stay.
        let vault = open();
        let mut draft = Draft::default();
        let parent = Identity::new("guardian", "g-7");
        let named = Identity { display_name: "Jan Lis".into(), ..parent.clone() };
        let reached = Identity { email: "jan@example.org".into(), ..parent.clone() };
        for seen in [&parent, &named, &reached] {
            vault.draw(&mut draft, of, seen, Domain::Access, &entropy).expect("draws");
        }
        vault.commit(draft).expect("commits");
        let found = vault.find(of, &parent, Domain::Access).expect("reads").expect("is there");
        let whole = Identity { display_name: named.display_name, email: reached.email, ..parent };
        assert_eq!(open().identity(of, &found), Ok(Some(whole)));

        let vault = open();
        assert_eq!(vault.find(of, &teacher, Domain::Access), Ok(Some(first)));
        assert_eq!(vault.identity(of, &first), Ok(Some(teacher.clone())));
        assert_eq!(vault.identity(of, &mail), Ok(Some(by_mail)));
        assert_eq!(vault.find(of, &Identity::new("staff", "t-2"), Domain::Access), Ok(None), "a look-up draws none");

        teacher.display_name = "Anna Nowak".into();
        let mut draft = Draft::default();
        assert_eq!(vault.draw(&mut draft, of, &teacher, Domain::Access, &entropy), Ok(first), "same person");
        vault.commit(draft).expect("commits");
        assert_eq!(open().identity(of, &first), Ok(Some(teacher)));
        for (family, key, value) in disk.rows() {
            assert!(if family == Family::Row { is_row(&key, &value) } else { is_pseudonym_row(&key, &value) });
            for clear in [&b"t-1"[..], b"anna", b"Nowak", b"staff", b"school"] {
                assert!(!key.windows(clear.len()).chain(value.windows(clear.len())).any(|window| window == clear));
            }
        }
    }

    #[test]
    fn a_row_has_two_halves_that_may_be_sealed() {
        let value = [&[FORMAT, 0, 40][..], &[1; 40], &[2; 30]].concat();
        let whole = |end: &usize| is_row(&[0; 34], &value[..*end]);
        assert_eq!((0..=value.len()).filter(whole).collect::<Vec<_>>(), [43, 71, 72, 73], "only in the contact half");
        let wrong = [[2, 0, 40], [FORMAT, 0, 27]].map(|clear| [&clear[..], &value[3..]].concat());
        assert!(wrong.iter().all(|value| !is_row(&[0; 34], value)) && !is_row(&[0; 33], &value));
        let leads = [(32, 34, true), (31, 34, false), (32, 33, false), (33, 35, false)];
        assert!(leads.iter().all(|(key, value, good)| is_pseudonym_row(&vec![0; *key], &vec![0; *value]) == *good));
    }
}
