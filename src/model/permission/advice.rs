//! Advice: what a policy allows all the same, but somebody should look at.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use super::Permission;
use super::decide::{Need, judge};
use super::grants::{Act, Grants};
use super::holder::{Holder, Meeting};
use super::policy::{Entry, Policy, Staff};
use super::role::Role;
use crate::model::date::Timestamp;
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
    /// The grant is over.
    GrantOver(Arc<str>, Timestamp),
    /// The incident is over.
    IncidentOver(Arc<str>, Timestamp),
    /// No entry gives its holder anything that the grant would open.
    GrantForNothing(Arc<str>),
    /// No entry that may grant for that controller names who gave it.
    GrantByStranger(Arc<str>),
}

/// What is worth a look in these rules. `controllers` are those that the node may open.
pub fn advice(policy: &Policy, grants: &Grants, controllers: &BTreeSet<Controller>, now: Timestamp) -> Vec<Advice> {
    let mut advice = Vec::new();
    let has = |role| policy.entries().iter().any(|entry| entry.roles().contains(&role));
    advice.extend(Role::ALL.into_iter().filter(|role| !has(*role)).map(Advice::NobodyIs));
    advice.extend(controllers.iter().filter(|of| !has_contact(policy, of)).cloned().map(Advice::NoContact));
    let scopes = policy.entries().iter().map(|entry| entry.scope());
    let scopes = scopes.chain(grants.incidents.iter().map(|incident| &incident.scope));
    let named = scopes.flat_map(|scope| scope.named()).chain(grants.grants.iter().map(|grant| grant.controller()));
    let named: BTreeSet<&Controller> = named.collect();
    let known = |of: &Controller| controllers.contains(of) || of.is_node();
    advice.extend(named.into_iter().filter(|of| !known(of)).cloned().map(Advice::UnknownController));
    advice.extend(both(policy, controllers));
    for grant in &grants.grants {
        let Act { id, by, span, .. } = grant.act();
        if span.is_over(now) {
            advice.push(Advice::GrantOver(id.clone(), span.until()));
            continue;
        }
        let opened = policy.entries().iter().filter(|entry| entry.holder().meets(grant.holder()) != Meeting::Never);
        let mut needs = opened.flat_map(|entry| {
            grant.permissions().iter().map(|permission| judge(entry, *permission, grant.controller()))
        });
        if !needs.any(|need| matches!(need, Ok(Need::Lease(..)))) {
            advice.push(Advice::GrantForNothing(id.clone()));
        }
        let mut givers =
            policy.entries().iter().filter(|entry| judge(entry, Permission::Grant, grant.controller()).is_ok());
        if !givers.any(|entry| may_be_called(entry.holder(), by)) {
            advice.push(Advice::GrantByStranger(id.clone()));
        }
    }
    let over = grants.incidents.iter().filter(|incident| incident.act.span.is_over(now));
    advice.extend(over.map(|over| Advice::IncidentOver(over.act.id.clone(), over.act.span.until())));
    advice
}

fn has_contact(policy: &Policy, controller: &Controller) -> bool {
    policy.entries().iter().any(|entry| {
        entry.staff() == Staff::Controller && entry.roles().contains(&Role::Contact) && entry.scope().covers(controller)
    })
}

/// Whether somebody of that name, as a person or a record writes it, may be this holder; of a group nobody can tell.
fn may_be_called(holder: &Holder, name: &str) -> bool {
    match holder {
        Holder::Group { .. } => true,
        Holder::Subject { subject, .. } if subject == name => true,
        Holder::Subject { .. } | Holder::Workload(_) | Holder::Socket(_) => holder.to_string() == name,
    }
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
            Self::GrantOver(id, at) => write!(f, "the grant {id} ended at {at}: take it out, or have it given anew"),
            Self::IncidentOver(id, at) => write!(f, "the incident {id} ended at {at}: take it out"),
            Self::GrantForNothing(id) => {
                write!(f, "the grant {id} opens nothing: no entry gives its holder a role for that at this controller")
            }
            Self::GrantByStranger(id) => {
                write!(f, "the grant {id} names a giver who may not grant for that controller")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::grants::{GRANT_MAX, Grant, INCIDENT_MAX, Incident, Span};
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

    fn act(id: &str, by: &str, until: i64, longest: std::time::Duration) -> Act {
        let at = |seconds: i64| Timestamp::from_nanos(seconds * 1_000_000_000);
        let span = Span::new(at(0), at(until), longest).expect("a span");
        Act { id: id.into(), ground: "ticket 7".to_owned(), by: by.to_owned(), span }
    }

    fn grant(id: &str, by: &str, of: &str, who: &str, until: i64) -> Grant {
        let permissions = BTreeSet::from([Permission::Search]);
        let of = Controller::new(of).expect("a name");
        Grant::new(act(id, by, until, GRANT_MAX), of, subject(who), permissions).expect("can be granted")
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
        let (good, now) = (grant("good", "anna", "school-1", "jan", 20), Timestamp::from_nanos(10_000_000_000));
        let over = Incident { act: act("past", "piotr", 10, INCIDENT_MAX), scope: Scope::All };
        type Row = (Vec<Entry>, Vec<Grant>, Vec<Incident>, &'static [&'static str]);
        let with = |more: Entry| sound.iter().cloned().chain([more]).collect::<Vec<_>>();
        let rows: [Row; 9] = [
            (sound.to_vec(), vec![good.clone()], vec![], &[]),
            (sound[..3].to_vec(), vec![], vec![], &["nobody has the role steward"]),
            (
                vec![sound[0].clone(), sound[2].clone(), sound[3].clone()],
                vec![],
                vec![],
                &[
                    "nobody has the role contact",
                    "nobody has the role approver",
                    "school-1 has no contact of its own staff",
                    "school-2 has no contact of its own staff",
                ],
            ),
            (
                with(entry("ewa", Staff::Controller, &["school-9"], &[Role::Auditor])),
                vec![],
                vec![],
                &["school-9 is not among the controllers of the configuration"],
            ),
            (
                with(entry("piotr", Staff::Processor, &["school-2", "node"], &[Role::Operator])),
                vec![],
                vec![],
                &["piotr: may both purge and set retention for school-2"],
            ),
            (
                sound.to_vec(),
                vec![grant("old", "anna", "school-1", "jan", 10)],
                vec![over],
                &["the grant old ended at 1970-01-01T00:00:10.000Z", "the incident past ended at 1970-01-01T00:00:10"],
            ),
            (
                sound.to_vec(),
                vec![grant("idle", "anna", "school-1", "piotr", 20), grant("for-none", "anna", "school-1", "ola", 20)],
                vec![],
                &["the grant idle opens nothing", "the grant for-none opens nothing"],
            ),
            (
                sound.to_vec(),
                vec![grant("self", "jan", "school-1", "jan", 20)],
                vec![],
                &["the grant self names a giver who may not grant"],
            ),
            (sound.to_vec(), vec![grant("full", &format!("{ISSUER}#anna"), "school-2", "jan", 20)], vec![], &[]),
        ];
        for (entries, grants, incidents, wanted) in rows {
            let policy = Policy::new(entries, vec![issuer.clone()], None).expect("every issuer is known");
            let found = advice(&policy, &Grants { grants, incidents }, &controllers, now);
            let found: Vec<String> = found.iter().map(ToString::to_string).collect();
            assert_eq!(found.len(), wanted.len(), "{found:?}: {wanted:?}");
            for (found, wanted) in found.iter().zip(wanted) {
                assert!(found.starts_with(wanted), "{found}: {wanted}");
            }
        }
    }
}
