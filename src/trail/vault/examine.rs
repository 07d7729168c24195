//! What is stored in the vault, judged on its own.

use super::{Of, Vault, domain_of, identity_of, keys, open_row, row_name};
use crate::model::identity::Pseudonym;

impl Vault {
    /// That a pseudonym leads to an identity, and commits to it; else what is wrong. Where the id is gone with the contact data,
    /// that it leads to a row of its own is all that can be said.
    pub fn check(&self, of: Of<'_>, pseudonym: &Pseudonym) -> Result<(), Unled> {
        let halves = self.led(of, pseudonym).map_err(|error| Unled::Wrong(error.to_string()))?;
        let (account, contact) = halves.ok_or(Unled::Missing)?;
        let identity = identity_of(&account, &contact);
        let masked = account.masked && identity.id.is_empty();
        let salt = <[u8; 32]>::try_from(account.salt.as_slice());
        let committed = salt.map(|salt| Pseudonym::of(&salt, of.controller, &identity));
        if account.pseudonym == pseudonym.0 && (masked || committed.ok() == Some(*pseudonym)) {
            return if masked { Err(Unled::Masked) } else { Ok(()) };
        }
        let what = "somebody in it leads to an identity that the pseudonym does not commit to";
        Err(Unled::Wrong(what.to_owned()))
    }

    /// A stored row on its own: the key of the pseudonym row that must lead to it, or what is wrong with it. `None` if it
    /// does not open under that controller's key.
    pub(in crate::trail) fn examine(
        &self,
        of: Of<'_>,
        key: &[u8],
        value: &[u8],
    ) -> Option<Result<[u8; 32], &'static str>> {
        let (bucket, hash) = keys::row_of(key)?;
        let (place, halves) = open_row(of, &self.keyring.bucket_keys(bucket)?, key, value)?;
        let (account, contact) = &halves;
        let identity = identity_of(account, contact);
        let gone = identity.id.is_empty();
        let own =
            domain_of(account).filter(|domain| gone || self.bucket(&super::name(of, &identity, *domain).0) == bucket);
        if own.is_none() || row_name(of, &place.key, &halves) != Some(hash) {
            return Some(Err("is not in the place of the identity in it"));
        }
        let salt = <[u8; 32]>::try_from(account.salt.as_slice()).ok();
        let committed = salt.map(|salt| Pseudonym::of(&salt, of.controller, &identity));
        let pseudonym = Pseudonym::from_slice(&account.pseudonym);
        match pseudonym.filter(|own| (gone && account.masked) || committed == Some(*own)) {
            Some(pseudonym) => Some(Ok(self.pseudonym_key(&pseudonym.0))),
            None => Some(Err("holds an identity that its pseudonym does not commit to")),
        }
    }
}

/// Why somebody in a record does not lead back to an identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unled {
    /// To nobody.
    Missing,
    /// To somebody whose id is gone with their contact data.
    Masked,
    /// What is there is not what was written, in words.
    Wrong(String),
}
