//! The policy: who has which role for whom.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::Permission;
use super::holder::Holder;
use super::issuer::Issuer;
use super::role::Role;
use super::scope::Scope;
use crate::model::caller::Caller;
use crate::model::check::Violation;
use crate::model::origin::Controller;

/// On whose side somebody works (GDPR art. 4(7), 4(8)).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Staff {
    /// The controller's: the school's own people.
    Controller,
    /// The processor's: the vendor's, who see a school's records by its grant only.
    Processor,
}

impl Staff {
    /// As the policy file writes it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Controller => "controller",
            Self::Processor => "processor",
        }
    }
}

/// Who has which roles for which controllers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    name: Arc<str>,
    holder: Holder,
    staff: Staff,
    scope: Scope,
    roles: BTreeSet<Role>,
    service: Option<String>,
}

impl Entry {
    /// The entry that is called `name` where somebody must find it, for example "person, line 31".
    ///
    /// # Errors
    ///
    /// What does not go together: no role; somebody of a controller's staff for all controllers or for the node; the
    /// role ingest without the name of its service, or a service without it.
    pub fn new(
        name: &str,
        holder: Holder,
        staff: Staff,
        scope: Scope,
        roles: BTreeSet<Role>,
        service: Option<String>,
    ) -> Result<Self, Violation> {
        let refuse = |field: &str, why: &str| Err(Violation { field: field.to_owned(), description: why.to_owned() });
        if roles.is_empty() {
            return refuse("roles", "is empty: give at least one role, or leave the entry out");
        }
        if staff == Staff::Controller && (scope == Scope::All || scope.covers(&Controller::node())) {
            return refuse(
                "staff",
                "is \"controller\", so controllers must name those it works for: neither \"*\" nor \"node\"",
            );
        }
        match (&service, roles.contains(&Role::Ingest)) {
            (None, true) => refuse("service", "is required with the role ingest: the source that its events must name"),
            (Some(_), false) => refuse("service", "goes with the role ingest only: leave it out"),
            (Some(_), true) | (None, false) => Ok(Self { name: name.into(), holder, staff, scope, roles, service }),
        }
    }

    /// What it is called where somebody must find it.
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// Whom it is for.
    pub fn holder(&self) -> &Holder {
        &self.holder
    }

    /// On whose side they work.
    pub fn staff(&self) -> Staff {
        self.staff
    }

    /// For which controllers.
    pub fn scope(&self) -> &Scope {
        &self.scope
    }

    /// What they are to them; never empty.
    pub fn roles(&self) -> &BTreeSet<Role> {
        &self.roles
    }

    /// The source that events of this reporter must name.
    pub fn service(&self) -> Option<&str> {
        self.service.as_deref()
    }

    /// The first of its roles that may that.
    pub fn role_for(&self, permission: Permission) -> Option<Role> {
        self.roles.iter().copied().find(|role| role.may(permission))
    }
}

/// Who has which role for whom, and whose tokens say who they are. What no entry gives, nobody may.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Policy {
    entries: Vec<Entry>,
    by_holder: BTreeMap<Holder, Vec<usize>>,
    issuers: Vec<Issuer>,
    contact_title: Option<String>,
}

impl Policy {
    /// The policy of these entries.
    ///
    /// # Errors
    ///
    /// The name of the first entry whose issuer is not among `issuers`: nobody could ever be that one.
    pub fn new(entries: Vec<Entry>, issuers: Vec<Issuer>, contact_title: Option<String>) -> Result<Self, Arc<str>> {
        let unknown =
            |entry: &&Entry| entry.holder.issuer().is_some_and(|url| !issuers.iter().any(|issuer| issuer.url == url));
        if let Some(entry) = entries.iter().find(unknown) {
            return Err(entry.name.clone());
        }
        let mut by_holder: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for (place, entry) in entries.iter().enumerate() {
            by_holder.entry(entry.holder.clone()).or_default().push(place);
        }
        Ok(Self { entries, by_holder, issuers, contact_title })
    }

    /// All entries, in the order of the file.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Whose tokens are taken.
    pub fn issuers(&self) -> &[Issuer] {
        &self.issuers
    }

    /// What controllers call their data-protection contact.
    pub fn contact_title(&self) -> &str {
        self.contact_title.as_deref().unwrap_or("data-protection contact")
    }

    /// The entries that a caller stands in.
    pub fn of<'a>(&'a self, caller: &'a Caller) -> impl Iterator<Item = &'a Entry> {
        let places = caller.holders().iter().filter_map(|holder| self.by_holder.get(holder)).flatten();
        places.filter_map(|place| self.entries.get(*place))
    }
}
