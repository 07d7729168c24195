//! The question the other way round: who may do that for a controller?

use super::Permission;
use super::acts::Acts;
use super::decide::{Basis, Lease, Need, incident, judge};
use super::holder::{Holder, Meeting};
use super::policy::{Entry, Policy};
use crate::model::date::Timestamp;
use crate::model::origin::Controller;

/// Somebody who may.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Whom the entry is for.
    pub who: Holder,
    /// Only those of them who are this one, too: the entry names a group and the grant a person, or the other way round.
    pub who_also_is: Option<Holder>,
    /// The entry and role.
    pub basis: Basis,
    /// What else it takes.
    pub through: Through,
}

/// What it takes beside the entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Through {
    /// Nothing.
    Entry,
    /// A grant.
    Grant(Lease),
    /// An incident: without names.
    Incident(Lease),
}

/// Who may, and who could if the controller let them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct WhoCan {
    /// Those who may, in the order of the entries.
    pub answers: Vec<Answer>,
    /// Entries that need a grant and have none now.
    pub ungranted: Vec<Basis>,
}

/// Who may do that for that controller, now, by the policy and what the controller decided. As in a decision, whether
/// there is such a controller is not asked.
pub fn who_can(
    policy: &Policy,
    acts: &Acts,
    permission: Permission,
    controller: &Controller,
    now: Timestamp,
) -> WhoCan {
    let mut found = WhoCan::default();
    for entry in policy.entries() {
        let answer = |who_also_is, basis, through| Answer { who: entry.holder().clone(), who_also_is, basis, through };
        match judge(entry, permission, controller) {
            Err(_) => {}
            Ok(Need::Nothing(basis)) => found.answers.push(answer(None, basis, Through::Entry)),
            Ok(Need::Lease(basis, security)) => {
                let before = found.answers.len();
                for (also, lease) in granted(entry, acts, permission, now) {
                    found.answers.push(answer(also, basis.clone(), Through::Grant(lease)));
                }
                // Whoever has a grant needs no incident; others of the same group may.
                let certain = found.answers[before..].iter().any(|answer| answer.who_also_is.is_none());
                if let (Some(security), Some(lease), false) = (security, incident(acts, now), certain) {
                    found.answers.push(answer(None, security, Through::Incident(lease)));
                }
                if found.answers.len() == before {
                    found.ungranted.push(basis);
                }
            }
        }
    }
    found
}

fn granted(
    entry: &Entry,
    acts: &Acts,
    permission: Permission,
    now: Timestamp,
) -> impl Iterator<Item = (Option<Holder>, Lease)> {
    let live = acts
        .grants()
        .iter()
        .filter(move |grant| grant.permissions().contains(&permission) && grant.act().span.covers(now));
    live.filter_map(|grant| {
        let lease = Lease { id: grant.act().id.clone(), until: grant.act().span.until() };
        match entry.holder().meets(grant.holder()) {
            Meeting::Same => Some((None, lease)),
            Meeting::Perhaps => Some((Some(grant.holder().clone()), lease)),
            Meeting::Never => None,
        }
    })
}
