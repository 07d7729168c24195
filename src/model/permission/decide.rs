//! The decision: may this caller do that for this controller, now?
//!
//! It is taken from the rules alone. Whether there is such a controller is not asked, so a foreign one and one that does
//! not exist are refused alike, by the same steps.

use std::fmt;
use std::sync::Arc;

use super::acts::Acts;
use super::grants::{Act, Grant};
use super::policy::{Entry, Policy, Staff};
use super::role::Role;
use super::{Permission, Reach};
use crate::model::caller::Caller;
use crate::model::date::Timestamp;
use crate::model::origin::Controller;

/// Whether a caller may, and why. The why is for the operator's log and for the record of a denial, never for the
/// caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Yes.
    Permitted(Permitted),
    /// No.
    Denied(Denial),
}

/// By what somebody may.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Permitted {
    /// The node runs with `--dev`.
    Dev,
    /// By an entry of the policy alone.
    Entry(Basis),
    /// By an entry, and a grant of the controller.
    Grant(Basis, Lease),
    /// By an entry, and an incident: without names.
    Incident(Basis, Lease),
}

/// The entry that gives a role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Basis {
    /// What the entry is called.
    pub entry: Arc<str>,
    /// On whose side it says the caller works.
    pub staff: Staff,
    /// The role by which they may.
    pub role: Role,
}

/// What opened the records, and until when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// The id of the grant or incident.
    pub id: Arc<str>,
    /// The first instant at which it is over.
    pub until: Timestamp,
}

/// Why somebody may not; the later, the nearer they came.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Denial {
    /// They stand in no entry.
    Stranger,
    /// They stand in one, but for other controllers.
    Controller,
    /// They stand in one for this controller, but no role of theirs may do that.
    Role,
    /// Only the controller's own staff may.
    OwnStaffOnly,
    /// The vendor's staff may by a grant, and there is none that holds.
    NoGrant {
        /// The last one that held or will hold, if any was ever given.
        other: Option<Arc<str>>,
    },
}

/// Decides. `acts` are those of the controller; of one without a trail there are none.
pub fn decide(
    policy: &Policy,
    acts: &Acts,
    caller: &Caller,
    permission: Permission,
    controller: &Controller,
    now: Timestamp,
) -> Decision {
    if caller.is_dev() {
        return Decision::Permitted(Permitted::Dev);
    }
    let lease = |basis: Basis, security: Option<Basis>| {
        let theirs = |grant: &&Grant| grant.permissions().contains(&permission) && caller.is(grant.holder());
        let given = || acts.grants().iter().filter(theirs).map(Grant::act);
        if let Some(lease) = longest(given().filter(|act| act.span.covers(now))) {
            return Ok(Permitted::Grant(basis, lease));
        }
        match (security, incident(acts, now)) {
            (Some(basis), Some(lease)) => Ok(Permitted::Incident(basis, lease)),
            _ => Err(Denial::NoGrant { other: longest(given()).map(|lease| lease.id) }),
        }
    };
    let mut best: Option<Permitted> = None;
    let mut nearest = Denial::Stranger;
    for entry in policy.of(caller) {
        let found = match judge(entry, permission, controller) {
            Ok(Need::Nothing(basis)) => Ok(Permitted::Entry(basis)),
            Ok(Need::Lease(basis, security)) => lease(basis, security),
            Err(denial) => Err(denial),
        };
        match found {
            Ok(permitted) if best.as_ref().is_none_or(|best| best.rank() < permitted.rank()) => best = Some(permitted),
            Ok(_) => {}
            Err(denial) => nearest = nearest.max(denial),
        }
    }
    best.map_or(Decision::Denied(nearest), Decision::Permitted)
}

/// The services that a caller reports for: each names itself as the source of its events.
pub fn services<'a>(
    policy: &'a Policy,
    caller: &'a Caller,
    controller: &'a Controller,
) -> impl Iterator<Item = &'a str> {
    policy.of(caller).filter(|entry| entry.scope().covers(controller)).filter_map(Entry::service)
}

/// What an entry still needs for its holder to be let in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Need {
    /// Nothing.
    Nothing(Basis),
    /// A grant; or an incident, if the second role is there, by that one.
    Lease(Basis, Option<Basis>),
}

/// What an entry gives by itself. The controller is looked at first, so that of a foreign one nothing else is learnt.
pub(super) fn judge(entry: &Entry, permission: Permission, controller: &Controller) -> Result<Need, Denial> {
    if !entry.scope().covers(controller) {
        return Err(Denial::Controller);
    }
    let basis = |role| Basis { entry: entry.name().clone(), staff: entry.staff(), role };
    let role = entry.role_for(permission).ok_or(Denial::Role)?;
    match (entry.staff(), permission.reach()) {
        (Staff::Controller, _) | (Staff::Processor, Reach::Blind) => Ok(Need::Nothing(basis(role))),
        // What belongs to no controller is the vendor's own.
        (Staff::Processor, Reach::Content) if controller.is_node() => Ok(Need::Nothing(basis(role))),
        (Staff::Processor, Reach::Content) => {
            // Incidents let security search, and nobody do anything else.
            let security = permission == Permission::Search && entry.roles().contains(&Role::Security);
            Ok(Need::Lease(basis(role), security.then(|| basis(Role::Security))))
        }
        (Staff::Processor, Reach::Own) => Err(Denial::OwnStaffOnly),
    }
}

/// The incident that holds longest.
pub(super) fn incident(acts: &Acts, now: Timestamp) -> Option<Lease> {
    longest(acts.incidents().iter().map(|incident| &incident.act).filter(|act| act.span.covers(now)))
}

fn longest<'a>(acts: impl Iterator<Item = &'a Act>) -> Option<Lease> {
    let last = acts.max_by_key(|act| act.span.until())?;
    Some(Lease { id: last.id.clone(), until: last.span.until() })
}

impl Decision {
    /// By what they may, if they may.
    ///
    /// # Errors
    ///
    /// Why they may not.
    pub fn permitted(self) -> Result<Permitted, Denial> {
        match self {
            Self::Permitted(permitted) => Ok(permitted),
            Self::Denied(denial) => Err(denial),
        }
    }
}

impl Permitted {
    /// The entry and role by which they may; none with `--dev`.
    pub fn basis(&self) -> Option<&Basis> {
        match self {
            Self::Dev => None,
            Self::Entry(basis) | Self::Grant(basis, _) | Self::Incident(basis, _) => Some(basis),
        }
    }

    /// The grant or incident by which they may, if it takes one. Who goes on after its end must ask again.
    pub fn lease(&self) -> Option<&Lease> {
        match self {
            Self::Dev | Self::Entry(_) => None,
            Self::Grant(_, lease) | Self::Incident(_, lease) => Some(lease),
        }
    }

    /// Whether pseudonyms must not be led back to people in what is shown.
    pub fn withholds_names(&self) -> bool {
        matches!(self, Self::Incident(..))
    }

    /// The higher, the more it gives: first whether it shows names, then how long it lasts.
    fn rank(&self) -> (bool, Timestamp) {
        let until = self.lease().map_or(Timestamp::from_nanos(i64::MAX), |lease| lease.until);
        (!self.withholds_names(), until)
    }
}

impl Denial {
    /// One word for it, for records and logs.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Stranger => "stranger",
            Self::Controller => "controller",
            Self::Role => "role",
            Self::OwnStaffOnly => "own-staff-only",
            Self::NoGrant { .. } => "no-grant",
        }
    }
}

impl fmt::Display for Denial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stranger => f.write_str("the policy has no entry for this caller"),
            Self::Controller => f.write_str("the policy has no entry for this caller and controller"),
            Self::Role => f.write_str("no role of this caller gives it"),
            Self::OwnStaffOnly => f.write_str("only the controller's own staff may"),
            Self::NoGrant { other: None } => f.write_str("the controller has given no grant for it"),
            Self::NoGrant { other: Some(id) } => write!(f, "the grant {id} does not hold now"),
        }
    }
}
