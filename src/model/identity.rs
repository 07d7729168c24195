//! Identities, and the pseudonyms that stand for them in records.

use super::origin::Controller;
use super::policy::Class;

/// A person or account in the application's own id space.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Identity {
    /// Id space, a name.
    pub namespace: String,
    /// Id in it, 1 to 128 bytes.
    pub id: String,
    /// Name as shown, or empty.
    pub display_name: String,
    /// E-mail address, or empty.
    pub email: String,
}

impl Identity {
    /// The identity `id` of `namespace`, without contact data.
    pub fn new(namespace: &str, id: &str) -> Self {
        Self { namespace: namespace.to_owned(), id: id.to_owned(), ..Self::default() }
    }

    /// An e-mail-shaped id is contact data: it is forgotten with the contact half of the vault row.
    pub fn id_is_contact(&self) -> bool {
        self.id.split_once('@').is_some_and(|(user, host)| !user.is_empty() && host.contains('.'))
    }
}

/// Keeps apart what may be erased from what may not: the same person has one pseudonym in each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Domain {
    /// Everything that no law forces to be kept.
    Access = 1,
    /// School register.
    Register = 2,
    /// Evidential minimum.
    Evidence = 3,
    /// Accounting.
    Accounting = 4,
}

impl Domain {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Access, Self::Register, Self::Evidence, Self::Accounting];

    /// The domain that records of a class belong to.
    pub fn of(class: Class) -> Self {
        match class {
            Class::Register => Self::Register,
            Class::Evidence => Self::Evidence,
            Class::Accounting => Self::Accounting,
            Class::Session | Class::Security | Class::Access | Class::Disclosure | Class::LogAccess | Class::Ledger => {
                Self::Access
            }
        }
    }
}

/// 32 bytes that stand for an identity in records, and commit to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Pseudonym(pub [u8; 32]);

impl Pseudonym {
    /// The pseudonym that `salt` gives an identity:
    /// `derive_key("akta v1 pseudonym", salt || len u16 || controller || len u16 || namespace || len u16 || id)`.
    pub fn of(salt: &[u8; 32], controller: &Controller, identity: &Identity) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key("akta v1 pseudonym");
        hasher.update(salt);
        for text in [controller.as_str(), &identity.namespace, &identity.id] {
            hasher.update(&length(text)).update(text.as_bytes());
        }
        Self(*hasher.finalize().as_bytes())
    }

    /// From stored bytes; `None` if they are not 32.
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }
}

/// `len u16 || text` for each of the texts that name an identity within a node: input of the vault's hashes.
pub fn identity_bytes(controller: &Controller, namespace: &str, id: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(6 + controller.as_str().len() + namespace.len() + id.len());
    for text in [controller.as_str(), namespace, id] {
        bytes.extend(length(text));
        bytes.extend(text.as_bytes());
    }
    bytes
}

fn length(text: &str) -> [u8; 2] {
    u16::try_from(text.len()).expect("names and ids are checked to be short").to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pseudonym_commits_to_every_piece() {
        let school = Controller::new("school-12").expect("name");
        let other = Controller::new("school-13").expect("name");
        let base = Pseudonym::of(&[1; 32], &school, &Identity::new("staff", "t1"));
        assert_eq!(base, Pseudonym::of(&[1; 32], &school, &Identity::new("staff", "t1")));
        for changed in [
            Pseudonym::of(&[2; 32], &school, &Identity::new("staff", "t1")),
            Pseudonym::of(&[1; 32], &other, &Identity::new("staff", "t1")),
            Pseudonym::of(&[1; 32], &school, &Identity::new("pupil", "t1")),
            Pseudonym::of(&[1; 32], &school, &Identity::new("staff", "t2")),
            // Lengths keep the pieces apart.
            Pseudonym::of(&[1; 32], &school, &Identity::new("stafft", "1")),
        ] {
            assert_ne!(base, changed);
        }
    }

    #[test]
    fn e_mail_shaped_ids_are_contact_data() {
        for (id, contact) in [("t1", false), ("anna@szkola.pl", true), ("@handle", false), ("a@b", false)] {
            assert_eq!(Identity::new("staff", id).id_is_contact(), contact, "{id}");
        }
    }
}
