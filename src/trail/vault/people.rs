//! People as the vault knows them: looked up, or looked for.

use std::collections::BTreeMap;

use super::{Halves, Of, Vault, identity_of, keys, name, open_row};
use crate::model::identity::{Domain, Identity, Pseudonym};
use crate::model::stored::VaultAccount;
use crate::store::{Error, Family, Scan};

/// Somebody: all rows of one identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// With name and e-mail address, as far as any domain knows them.
    pub identity: Identity,
    /// Their pseudonyms, ascending by domain; one or more.
    pub pseudonyms: Vec<(Domain, Pseudonym)>,
    /// What is kept of them in the first domain.
    pub account: VaultAccount,
}

impl Known {
    fn of(rows: Vec<(Domain, Halves)>) -> Option<Self> {
        let ((_, (account, contact)), rest) = rows.split_first()?;
        let mut identity = identity_of(account, contact);
        for (_, (_, contact)) in rest {
            for (whole, more) in
                [(&mut identity.display_name, &contact.display_name), (&mut identity.email, &contact.email)]
            {
                if whole.is_empty() {
                    whole.clone_from(more);
                }
            }
        }
        let pseudonym =
            |(domain, (account, _)): &(Domain, Halves)| Some((*domain, Pseudonym::from_slice(&account.pseudonym)?));
        let pseudonyms = rows.iter().map(pseudonym).collect::<Option<Vec<_>>>()?;
        Some(Self { identity, pseudonyms, account: account.clone() })
    }

    /// Their pseudonym in a domain.
    pub fn pseudonym(&self, domain: Domain) -> Option<Pseudonym> {
        self.pseudonyms.iter().find(|(own, _)| *own == domain).map(|(_, pseudonym)| *pseudonym)
    }

    /// All of them.
    pub fn all(&self) -> Vec<Pseudonym> {
        self.pseudonyms.iter().map(|(_, pseudonym)| *pseudonym).collect()
    }
}

impl Vault {
    /// Somebody by namespace and id; `None` if they have no row.
    pub fn known(&self, of: Of<'_>, identity: &Identity) -> Result<Option<Known>, Error> {
        let mut rows = Vec::new();
        for domain in Domain::ALL {
            rows.extend(self.row(of, &name(of, identity, domain))?.map(|halves| (domain, halves)));
        }
        Ok(Known::of(rows))
    }

    /// The bucket of somebody's rows.
    pub(in crate::trail) fn bucket_of(&self, of: Of<'_>, identity: &Identity) -> u16 {
        self.bucket(&name(of, identity, Domain::Access).0)
    }

    /// Everybody of one controller whose name, address and id a question is told, and who are wanted; at most `limit`, and
    /// whether there are more. Looks at every row of the vault: nothing there tells a name.
    pub fn look_for(
        &self,
        of: Of<'_>,
        limit: usize,
        wanted: impl Fn(&Identity) -> bool,
    ) -> Result<(Vec<Known>, bool), Error> {
        let mut found = Vec::new();
        let mut bucket: BTreeMap<(String, String), Vec<(Domain, Halves)>> = BTreeMap::new();
        let mut at = None;
        let mut end = |bucket: &mut BTreeMap<(String, String), Vec<(Domain, Halves)>>| {
            for (_, mut rows) in std::mem::take(bucket) {
                rows.sort_by_key(|(domain, _)| *domain);
                found.extend(Known::of(rows).filter(|known| wanted(&known.identity)));
            }
            found.len() > limit
        };
        for row in self.store.scan(Scan::all(Family::Row)) {
            let (key, value) = row?;
            let Some((number, _)) = keys::row_of(&key) else { continue };
            if at != Some(number) {
                at = Some(number);
                if end(&mut bucket) {
                    break;
                }
            }
            let Some(keys) = self.keyring.bucket_keys(number) else { continue };
            // Others' rows do not open.
            let Some((_, halves)) = open_row(of, &keys, &key, &value) else { continue };
            let identity = identity_of(&halves.0, &halves.1);
            let domain = super::domain_of(&halves.0).filter(|_| !identity.id.is_empty());
            let Some(domain) = domain else { continue };
            bucket.entry((identity.namespace, identity.id)).or_default().push((domain, halves));
        }
        end(&mut bucket);
        let more = found.len() > limit;
        found.truncate(limit);
        Ok((found, more))
    }
}
