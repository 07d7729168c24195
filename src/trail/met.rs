//! People met lately: what recording another event of somebody needs to know of them, without a look at the vault.

use std::collections::HashMap;

use crate::model::identity::{Domain, Identity, Pseudonym};
use crate::model::stored::VaultContact;

/// People kept; about 150 bytes each.
const KEEP: usize = 200_000;

/// What names a vault row: controller, namespace and id as the vault's hashes take them, and the domain.
pub(super) type Name = (Vec<u8>, Domain);

/// What is kept of somebody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Person {
    /// Stands for them.
    pub(super) pseudonym: Pseudonym,
    display_name: Box<str>,
    email: Box<str>,
    deactivated: bool,
}

impl Person {
    /// Somebody with those contact data.
    pub(super) fn new(pseudonym: Pseudonym, contact: &VaultContact, deactivated: bool) -> Self {
        let (display_name, email) = (contact.display_name.as_str().into(), contact.email.as_str().into());
        Self { pseudonym, display_name, email, deactivated }
    }

    /// Whether what was reported of them is new. Of who is deactivated nothing is.
    pub(super) fn is_news(&self, identity: &Identity) -> bool {
        if self.deactivated {
            return false;
        }
        (!identity.display_name.is_empty() && *identity.display_name != *self.display_name)
            || (!identity.email.is_empty() && *identity.email != *self.email)
    }
}

/// People met lately: who was met in neither of the last two halves is forgotten.
#[derive(Debug, Default)]
pub(super) struct Met {
    young: HashMap<Name, Person>,
    old: HashMap<Name, Person>,
    /// How often somebody was forgotten: what was read before may be of them.
    forgotten: u64,
}

impl Met {
    /// Somebody, if met lately.
    pub(super) fn find(&mut self, name: &Name) -> Option<Person> {
        if let Some(person) = self.young.get(name) {
            return Some(person.clone());
        }
        let (name, person) = self.old.remove_entry(name)?;
        self.add(name, person.clone());
        Some(person)
    }

    /// Somebody was met, or changed.
    pub(super) fn add(&mut self, name: Name, person: Person) {
        if self.young.len() >= KEEP / 2 {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(name, person);
    }

    /// Somebody was read from the vault when it was so often that somebody had been forgotten.
    pub(super) fn add_read(&mut self, forgotten: u64, name: Name, person: Person) {
        if forgotten == self.forgotten {
            self.add(name, person);
        }
    }

    /// How often somebody was forgotten.
    pub(super) fn forgotten(&self) -> u64 {
        self.forgotten
    }

    /// Forgets everybody, also whoever is just being read.
    pub(super) fn clear(&mut self) {
        *self = Self { forgotten: self.forgotten + 1, ..Self::default() };
    }

    /// Forgets whoever has one of these pseudonyms, also if they are just being read.
    pub(super) fn forget(&mut self, gone: &[Pseudonym]) {
        self.forgotten += 1;
        for people in [&mut self.young, &mut self.old] {
            people.retain(|_, person| !gone.contains(&person.pseudonym));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_met_again_stays_and_the_rest_is_forgotten() {
        let name = |n: usize| (n.to_be_bytes().to_vec(), Domain::Access);
        let person = Person::new(Pseudonym([1; 32]), &VaultContact::default(), false);
        let mut met = Met::default();
        for n in 0..3 * KEEP {
            met.add(name(n), person.clone());
            assert!(met.find(&name(0)).is_some(), "met all the time");
        }
        assert!(met.find(&name(1)).is_none() && met.find(&name(3 * KEEP - 1)).is_some());
        assert!(met.young.len() + met.old.len() <= KEEP);
        met.forget(&[Pseudonym([1; 32])]);
        assert!((0..3 * KEEP).all(|n| met.find(&name(n)).is_none()));
        for (read_at, stays) in [(0, false), (1, true)] {
            met.add_read(read_at, name(7), person.clone());
            assert_eq!(met.find(&name(7)).is_some(), stays, "what was read before is not taken");
        }
    }

    #[test]
    fn what_was_not_reported_is_no_news() {
        let contact = VaultContact { display_name: "Anna".into(), email: "a@b.pl".into(), ..Default::default() };
        let told_of = |deactivated: bool, name: &str, email: &str| {
            let person = Person::new(Pseudonym([1; 32]), &contact, deactivated);
            let (display_name, email) = (name.to_owned(), email.to_owned());
            person.is_news(&Identity { display_name, email, ..Identity::default() })
        };
        let told = |name: &str, email: &str| told_of(false, name, email);
        let news = [told("", ""), told("Anna", ""), told("", "a@b.pl"), told("Ewa", ""), told("Anna", "e@b.pl")];
        assert_eq!(news, [false, false, false, true, true]);
        assert!(!told_of(true, "Ewa", "e@b.pl"), "of who is deactivated nothing is taken in");
    }
}
