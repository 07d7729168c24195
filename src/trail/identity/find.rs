//! Finding people, by id or by what they are called.

use super::super::base::Base;
use super::super::reader::ReadError;
use super::super::trails::Info;
use super::super::vault::Known;
use super::everybody::of;
use super::{FOUND_MAX, Found, Person, PersonStanding, Wanted};
use crate::model::date::Date;
use crate::model::identity::Identity;

impl Wanted {
    /// Which field was asked by; never its value.
    pub(super) fn shape(&self) -> &'static str {
        match self {
            Self::Exact(_) => "identity",
            Self::Name(_) => "display_name",
            Self::Email(_) => "email",
        }
    }

    fn is(&self, identity: &Identity) -> bool {
        let has = |text: &str, part: &str| text.to_lowercase().contains(&part.to_lowercase());
        match self {
            Self::Exact(exact) => (&exact.namespace, &exact.id) == (&identity.namespace, &identity.id),
            Self::Name(name) => has(&identity.display_name, name),
            Self::Email(email) => has(&identity.email, email) || (identity.id_is_contact() && has(&identity.id, email)),
        }
    }
}

/// People of one controller who are wanted.
pub(super) fn find(base: &Base, info: &Info, wanted: &Wanted) -> Result<Found, ReadError> {
    let (known, more) = match wanted {
        Wanted::Exact(identity) => (base.vault.known(of(info), identity)?.into_iter().collect(), false),
        Wanted::Name(_) | Wanted::Email(_) => {
            base.vault.look_for(of(info), FOUND_MAX, |identity| wanted.is(identity))?
        }
    };
    let people = known.into_iter().map(|known| person(base, info, known)).collect();
    Ok(Found { people, more })
}

fn person(base: &Base, info: &Info, known: Known) -> Person {
    let account = &known.account;
    let day = |days: u32| (days > 0).then(|| Date::from_days(days));
    let hidden = base.vault.hidden().of(&info.controller);
    let standing = PersonStanding {
        deactivated_on: day(account.deactivated_on),
        mask_on: day(account.mask_on),
        masked: account.masked,
        restricted: known.pseudonyms.iter().any(|(_, pseudonym)| hidden.contains(pseudonym)),
    };
    let domains = known.pseudonyms.iter().map(|(domain, _)| *domain).collect();
    Person { identity: known.identity, domains, standing }
}
