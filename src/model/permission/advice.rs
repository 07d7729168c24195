//! Advice: what a policy allows all the same, but somebody should look at.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use super::Permission;
use super::policy::{Entry, Policy, Staff};
use super::role::Role;
use crate::model::origin::Controller;

/// Something to look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Advice {
    /// Nobody has the role.
    NobodyIs(Role),
    /// No contact of its own staff.
    NoContact(Controller),
    /// The configuration does not name it.
    UnknownController(Controller),
    /// It names somebody who destroys what they themselves decide to keep or not, for that controller.
    PurgesAndSets {
        /// The one entry or the first of them.
        entry: Arc<str>,
        /// For whom.
        controller: Controller,
    },
}

/// What is worth a look in this policy. `controllers` are those that the node may open.
pub fn advice(policy: &Policy, controllers: &BTreeSet<Controller>) -> Vec<Advice> {
    let mut advice = Vec::new();
    let has = |role| policy.entries().iter().any(|entry| entry.roles().contains(&role));
    advice.extend(Role::ALL.into_iter().filter(|role| !has(*role)).map(Advice::NobodyIs));
    advice.extend(controllers.iter().filter(|of| !has_contact(policy, of)).cloned().map(Advice::NoContact));
    let named: BTreeSet<&Controller> = policy.entries().iter().flat_map(|entry| entry.scope().named()).collect();
    let known = |of: &Controller| controllers.contains(of) || of.is_node();
    advice.extend(named.into_iter().filter(|of| !known(of)).cloned().map(Advice::UnknownController));
    advice.extend(both(policy, controllers));
    advice
}

fn has_contact(policy: &Policy, controller: &Controller) -> bool {
    policy.entries().iter().any(|entry| {
        entry.staff() == Staff::Controller && entry.roles().contains(&Role::Contact) && entry.scope().covers(controller)
    })
}

/// Holders with both permissions. A person who has them by two groups is not seen here.
fn both(policy: &Policy, controllers: &BTreeSet<Controller>) -> impl Iterator<Item = Advice> {
    let gives =
        |entry: &Entry, permission, of: &Controller| entry.scope().covers(of) && entry.role_for(permission).is_some();
    policy.entries().iter().filter_map(move |entry| {
        let sets = |of: &Controller| {
            let theirs = policy.entries().iter().filter(|other| other.holder() == entry.holder());
            theirs.into_iter().any(|other| gives(other, Permission::Retention, of))
        };
        let of = controllers.iter().find(|of| gives(entry, Permission::Purge, of) && sets(of))?;
        Some(Advice::PurgesAndSets { entry: entry.name().clone(), controller: of.clone() })
    })
}

impl fmt::Display for Advice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NobodyIs(role) => write!(f, "nobody has the role {role}"),
            Self::NoContact(of) => {
                write!(f, "{of} has no contact of its own staff: nobody answers people, erases or grants")
            }
            Self::UnknownController(of) => {
                write!(f, "{of} is not among the controllers of the configuration: misspelt, or not opened yet?")
            }
            Self::PurgesAndSets { entry, controller } => {
                write!(f, "{entry}: may both purge and set retention for {controller}: better two people")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::holder::Holder;
    use super::super::issuer::{Algorithm, Issuer, Keys};
    use super::super::scope::Scope;
    use super::*;

    const ISSUER: &str = "https://login.example";

    fn subject(name: &str) -> Holder {
        Holder::Subject { issuer: ISSUER.to_owned(), subject: name.to_owned() }
    }

    fn entry(who: &str, staff: Staff, controllers: &[&str], roles: &[Role]) -> Entry {
        let scope = Scope::parse(controllers.iter().copied()).expect("a scope");
        let service = roles.contains(&Role::Ingest).then(|| "gradebook".to_owned());
        let roles = roles.iter().copied().collect();
        Entry::new(who, subject(who), staff, scope, roles, service).expect("goes together")
    }

    #[test]
    fn what_was_forgotten_is_named() {
        let issuer = Issuer {
            url: ISSUER.to_owned(),
            audience: "akta".to_owned(),
            keys: Keys::File("jwks.json".into()),
            algorithms: vec![Algorithm::Es256],
        };
        let sound = [
            entry("gradebook", Staff::Processor, &["*"], &[Role::Ingest]),
            entry("anna", Staff::Controller, &["school-1", "school-2"], &[Role::Contact, Role::Approver]),
            entry("jan", Staff::Processor, &["*"], &[Role::Auditor, Role::Security, Role::Operator]),
            entry("piotr", Staff::Processor, &["*"], &[Role::Steward]),
        ];
        let controllers: BTreeSet<Controller> =
            ["school-1", "school-2"].into_iter().filter_map(Controller::new).collect();
        type Row = (Vec<Entry>, &'static [&'static str]);
        let with = |more: Entry| sound.iter().cloned().chain([more]).collect::<Vec<_>>();
        let rows: [Row; 5] = [
            (sound.to_vec(), &[]),
            (sound[..3].to_vec(), &["nobody has the role steward"]),
            (
                vec![sound[0].clone(), sound[2].clone(), sound[3].clone()],
                &[
                    "nobody has the role contact",
                    "nobody has the role approver",
                    "school-1 has no contact of its own staff",
                    "school-2 has no contact of its own staff",
                ],
            ),
            (
                with(entry("ewa", Staff::Controller, &["school-9"], &[Role::Auditor])),
                &["school-9 is not among the controllers of the configuration"],
            ),
            (
                with(entry("piotr", Staff::Processor, &["school-2", "node"], &[Role::Operator])),
                &["piotr: may both purge and set retention for school-2"],
            ),
        ];
        for (entries, wanted) in rows {
            let policy = Policy::new(entries, vec![issuer.clone()], None).expect("every issuer is known");
            let found = advice(&policy, &controllers);
            let found: Vec<String> = found.iter().map(ToString::to_string).collect();
            assert_eq!(found.len(), wanted.len(), "{found:?}: {wanted:?}");
            for (found, wanted) in found.iter().zip(wanted) {
                assert!(found.starts_with(wanted), "{found}: {wanted}");
            }
        }
    }
}
