//! People: named and looked for, and as they and their erasure are shown.

use std::collections::BTreeSet;

use super::super::api::{self, ErasureOutcome, IdentityDomain};
use super::{change_receipt, identity};
use crate::grpc::api::find_identities_request::Wanted as Wire;
use crate::model::check::Checker;
use crate::model::date::Date;
use crate::model::identity::{Domain, Identity};
use crate::model::stored::{ErasureGround, ErasureKept};
use crate::trail::identity::{ASKED_CHARS_MIN, Erasure, Fate, Found, Kept, Person, Wanted, What};

/// Longest name and e-mail address that is kept of anybody, in bytes.
const NAME_BYTES_MAX: usize = 128;
const EMAIL_BYTES_MAX: usize = 254;

/// Whom a decision is about: what they are called and reached by makes no difference.
pub fn person(given: Option<api::Identity>, checker: &mut Checker) -> Option<Identity> {
    let Some(given) = given else {
        checker.refuse("identity", "is required: say who, by namespace and id");
        return None;
    };
    let who = checker.within("identity", |checker| identity(given, checker));
    Some(Identity::new(&who.namespace, &who.id))
}

/// Whom somebody looks for.
pub fn wanted(given: Option<Wire>, checker: &mut Checker) -> Option<Wanted> {
    match given {
        None => {
            checker.refuse("wanted", "is required: give exactly one of identity, display_name, email");
            None
        }
        Some(Wire::Identity(given)) => person(Some(given), checker).map(Wanted::Exact),
        Some(Wire::DisplayName(text)) => Some(Wanted::Name(part_of("display_name", text, NAME_BYTES_MAX, checker))),
        Some(Wire::Email(text)) => Some(Wanted::Email(part_of("email", text, EMAIL_BYTES_MAX, checker))),
    }
}

/// A few letters would find everybody.
fn part_of(field: &str, text: String, max: usize, checker: &mut Checker) -> String {
    let text = text.trim().to_owned();
    if text.chars().count() < ASKED_CHARS_MIN {
        checker.refuse(field, format!("must be at least {ASKED_CHARS_MIN} characters: give more of it"));
    }
    checker.text(field, text, max)
}

/// Why somebody is erased, as the law has it.
pub fn ground_code(number: i32, checker: &mut Checker) -> Option<ErasureGround> {
    let known = ErasureGround::try_from(number).ok().filter(|ground| *ground != ErasureGround::Unspecified);
    if known.is_none() {
        let why = "is required: CONTRACT_ENDED, CONSENT_WITHDRAWN, OBJECTION, UNLAWFUL, LEGAL_DUTY or CHILD_CONSENT";
        checker.refuse("ground_code", why);
    }
    known
}

/// Who was found.
pub fn found(found: Found, today: Date) -> api::FindIdentitiesResponse {
    let people = found.people.into_iter().map(shown).collect();
    api::FindIdentitiesResponse { people, more: found.more, today: today.to_string() }
}

fn shown(person: Person) -> api::Person {
    let Person { identity: Identity { namespace, id, display_name, email }, domains, standing } = person;
    let day = |day: Option<Date>| day.map(|day| day.to_string()).unwrap_or_default();
    api::Person {
        identity: Some(api::Identity { namespace, id, display_name, email, pseudonym: Vec::new() }),
        domains: domains.into_iter().map(|domain| self::domain(domain).into()).collect(),
        deactivated_on: day(standing.deactivated_on),
        mask_on: day(standing.mask_on),
        masked: standing.masked,
        restricted: standing.restricted,
    }
}

fn domain(domain: Domain) -> IdentityDomain {
    match domain {
        Domain::Access => IdentityDomain::Access,
        Domain::Register => IdentityDomain::Register,
        Domain::Evidence => IdentityDomain::Evidence,
        Domain::Accounting => IdentityDomain::Accounting,
    }
}

/// What an erasure did, or would do.
pub fn erased(erasure: Erasure) -> api::EraseIdentityResponse {
    let kept = erasure.fates.iter().filter_map(|fate| match &fate.what {
        What::Refused(Kept::Held(holds)) => Some(holds),
        What::Erased | What::Pseudonymised | What::Refused(_) => None,
    });
    let holds: BTreeSet<_> = kept.flatten().copied().collect();
    api::EraseIdentityResponse {
        fates: erasure.fates.iter().map(fate).collect(),
        holds: holds.into_iter().map(|id| uuid::Uuid::from_bytes(id).to_string()).collect(),
        receipt: erasure.receipt.as_ref().map(change_receipt),
    }
}

fn fate(fate: &Fate) -> api::ErasureFate {
    let (outcome, kept) = match &fate.what {
        What::Erased => (ErasureOutcome::Erased, ErasureKept::Unspecified),
        What::Pseudonymised => (ErasureOutcome::Pseudonymised, ErasureKept::Unspecified),
        What::Refused(kept) => (ErasureOutcome::Refused, self::kept(kept)),
    };
    api::ErasureFate {
        retention_class: fate.class.word().into(),
        outcome: outcome.into(),
        kept: kept.into(),
        records: fate.records,
        parts: fate.parts,
    }
}

fn kept(kept: &Kept) -> ErasureKept {
    match kept {
        Kept::Held(_) => ErasureKept::Held,
        Kept::Register => ErasureKept::Register,
        Kept::Evidence => ErasureKept::Evidence,
        Kept::Accounting => ErasureKept::Accounting,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::policy::Class;
    use crate::trail::identity::PersonStanding;

    fn refusals(check: impl FnOnce(&mut Checker)) -> String {
        let mut checker = Checker::default();
        check(&mut checker);
        let violations = checker.finish(()).err().unwrap_or_default();
        violations.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
    }

    #[test]
    fn refusals_name_the_field() {
        let named = |namespace: &str, id: &str| Some(api::Identity::new(namespace, id));
        for (given, says) in [
            (named("staff", "t-17"), ""),
            (None, "identity: is required"),
            (named("", "t-17"), "identity.namespace: must be"),
            (named("Staff", "t-17"), "identity.namespace: must be"),
            (named("staff", ""), "identity.id: is required"),
            (named("staff", &"x".repeat(129)), "identity.id: is 129 bytes, the limit is 128"),
            (named("staff", "t\u{202e}17"), "identity.id: has characters that are not seen"),
        ] {
            let said = refusals(|checker| drop(person(given.clone(), checker)));
            assert!(said.starts_with(says) && said.is_empty() == says.is_empty(), "{said}, not {says}");
        }
        for (given, says) in [
            (None, "wanted: is required"),
            (Some(Wire::DisplayName("Ewa".to_owned())), ""),
            (Some(Wire::DisplayName("żół".to_owned())), ""),
            (Some(Wire::DisplayName("ż".to_owned())), "display_name: must be at least 3 characters"),
            (Some(Wire::DisplayName("  a  ".to_owned())), "display_name: must be at least 3 characters"),
            (Some(Wire::DisplayName("x".repeat(129))), "display_name: is 129 bytes, the limit is 128"),
            (Some(Wire::Email(String::new())), "email: must be at least 3 characters"),
            (Some(Wire::Email("x".repeat(255))), "email: is 255 bytes, the limit is 254"),
            (Some(Wire::Email("a\n@b.pl".to_owned())), "email: has control characters"),
            (Some(Wire::Identity(api::Identity::default())), "identity.namespace: must be"),
        ] {
            let said = refusals(|checker| drop(wanted(given.clone(), checker)));
            assert!(said.starts_with(says) && said.is_empty() == says.is_empty(), "{said}, not {says}");
        }
        for (number, good) in [(0, false), (1, true), (6, true), (7, false), (-1, false)] {
            let said = refusals(|checker| _ = ground_code(number, checker));
            assert_eq!(said.is_empty(), good, "{number}");
        }
    }

    #[test]
    fn whoever_is_looked_for_by_id_is_nobody_by_another_name() {
        let mut checker = Checker::default();
        let given = api::Identity { display_name: "Ewa Lis".into(), ..api::Identity::new("staff", "t-17") };
        assert_eq!(
            wanted(Some(Wire::Identity(given)), &mut checker),
            Some(Wanted::Exact(Identity::new("staff", "t-17")))
        );
    }

    #[test]
    fn people_are_shown_as_they_stand() {
        let day = |text| Date::parse(text);
        let identity = Identity { display_name: "Ewa Lis".into(), ..Identity::new("staff", "t-17") };
        let standing =
            PersonStanding { deactivated_on: day("2026-11-22"), mask_on: day("2026-12-22"), ..Default::default() };
        let person = Person { identity, domains: vec![Domain::Access, Domain::Register], standing };
        let shown = found(Found { people: vec![person], more: true }, day("2026-11-30").expect("a day"));
        assert_eq!((shown.more, shown.today.as_str()), (true, "2026-11-30"));
        let one = &shown.people[0];
        assert_eq!(
            one.identity.as_ref().map(|who| (who.id.as_str(), who.display_name.as_str())),
            Some(("t-17", "Ewa Lis"))
        );
        assert_eq!((one.deactivated_on.as_str(), one.mask_on.as_str()), ("2026-11-22", "2026-12-22"));
        assert_eq!(one.domains().collect::<Vec<_>>(), [IdentityDomain::Access, IdentityDomain::Register]);
        assert!(!one.masked && !one.restricted);
    }

    #[test]
    fn an_erasure_tells_each_fate_and_each_hold_once() {
        let fate = |class, what| Fate { class, what, records: 3, parts: 2 };
        let erasure = Erasure {
            fates: vec![
                fate(Class::Access, What::Erased),
                fate(Class::Access, What::Pseudonymised),
                fate(Class::Access, What::Refused(Kept::Held(vec![[7; 16], [5; 16]]))),
                fate(Class::Register, What::Refused(Kept::Register)),
                fate(Class::Security, What::Refused(Kept::Held(vec![[7; 16]]))),
            ],
            receipt: None,
        };
        let told = erased(erasure);
        let fates: Vec<_> = told.fates.iter().map(|fate| (fate.outcome(), fate.kept())).collect();
        use ErasureOutcome as O;
        assert_eq!(
            fates,
            [
                (O::Erased, ErasureKept::Unspecified),
                (O::Pseudonymised, ErasureKept::Unspecified),
                (O::Refused, ErasureKept::Held),
                (O::Refused, ErasureKept::Register),
                (O::Refused, ErasureKept::Held),
            ]
        );
        let hold = |byte| uuid::Uuid::from_bytes([byte; 16]).to_string();
        assert_eq!((told.holds, told.receipt), (vec![hold(5), hold(7)], None));
    }
}
