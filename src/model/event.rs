//! An event: what an application reports, checked.
//!
//! An [`Event`] already has the shape of the parts that it will become; what only the trail knows (recorded time,
//! pseudonyms, policy) is filled in when it is recorded. The only way to one is [`Fields::check`]; what depends on whose
//! event it is comes after it, in [`rules`](super::rules).

use std::collections::HashSet;
use std::sync::LazyLock;

use blake3::Hasher;
use prost::Message;

use super::check::{Checker, Violation};
use super::country::{COUNTRY, Country};
use super::date::Timestamp;
use super::identity::Identity;
use super::policy::{self, Class};
use super::stored::{Action, ActorKind, Core, DetailPart, NetPart, Purpose, RetentionClass, SourceAssurance, Warning};

/// Most subjects one event may list.
pub const SUBJECTS_MAX: usize = 1_000;

/// Largest event with at most [`MANY_SUBJECTS`] subjects, in encoded bytes.
pub const EVENT_BYTES_MAX: usize = 64 * 1024;

/// Largest event with more subjects than that, in encoded bytes.
pub const LARGE_EVENT_BYTES_MAX: usize = 512 * 1024;

/// Up to here the smaller limit holds.
pub const MANY_SUBJECTS: usize = 100;

/// A listed subject.
#[derive(Debug, Clone, PartialEq)]
pub struct Subject {
    /// Who.
    pub identity: Identity,
    /// Number of a `ChildFlag`.
    pub child: i32,
}

/// A session as reported; only a keyed hash of `id` is ever stored.
#[derive(Clone, PartialEq, Default)]
pub struct Session {
    /// Session id or token, at most 4,096 bytes.
    pub id: Vec<u8>,
    /// Number of an `AuthMethod`.
    pub auth_method: i32,
    /// A second factor was used.
    pub mfa: bool,
}

impl std::fmt::Debug for Session {
    /// The id may be a token: its length is all that is printed.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Session({} bytes)", self.id.len())
    }
}

/// The fields of an event, each checked on its own, not yet together.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Fields {
    /// What happened. `occurred_at` is 0 where not given; `recorded_at`, `policy_version` are not yet set.
    pub core: Core,
    /// Whether `occurred_at` was given.
    pub occurred_at_given: bool,
    /// Who acted.
    pub actor: Option<Identity>,
    /// Whom the actor stands in for.
    pub on_behalf_of: Option<Identity>,
    /// Whose data.
    pub subjects: Vec<Subject>,
    /// Where from.
    pub net: Option<NetPart>,
    /// Session.
    pub session: Option<Session>,
    /// Details.
    pub detail: Option<DetailPart>,
    /// Retention class asked for.
    pub choice: RetentionClass,
}

/// A checked event. It is handed from thread to thread, so its fields, which are many, stay where they are.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    fields: Box<Fields>,
    request: [u8; 32],
    refused: Vec<Violation>,
}

impl std::ops::Deref for Event {
    type Target = Fields;

    fn deref(&self) -> &Fields {
        &self.fields
    }
}

impl Event {
    /// Its retention class.
    pub fn class(&self) -> Class {
        Class::of(self.core.action, self.core.outcome, self.choice)
    }

    /// Hash of the request after cutting and before defaults: a retry of the same event has the same.
    pub fn request(&self) -> &[u8; 32] {
        &self.request
    }

    /// Its fields.
    pub fn into_fields(self) -> Fields {
        *self.fields
    }

    /// The same event with what only its trail could fix: the time, where none was given, the version of the policy that
    /// gives its dates, and warnings.
    pub fn planned(
        self,
        occurred_at: Timestamp,
        policy_version: &str,
        warnings: impl IntoIterator<Item = Warning>,
    ) -> Self {
        let mut event = self;
        event.fields.core.occurred_at = occurred_at.nanos();
        policy_version.clone_into(&mut event.fields.core.policy_version);
        event.fields.core.warnings.extend(warnings.into_iter().map(|warning| warning as i32));
        event
    }

    /// Whether it is reported as an import, long after it happened.
    pub fn is_import(&self) -> bool {
        self.core.source_assurance == SourceAssurance::Import as i32
    }

    /// The same event from a reporter who stands for these services: the source that it names must be one of them. If it
    /// names none, it is the first.
    ///
    /// # Errors
    ///
    /// It names another one, or there is none.
    pub fn reported_by(mut self, services: &[&str]) -> Result<Self, Violation> {
        let named = &mut self.fields.core.source_service;
        match services.first() {
            Some(first) if named.is_empty() => (*first).clone_into(named),
            Some(_) if services.contains(&named.as_str()) => {}
            Some(_) | None => {
                return Err(Violation {
                    field: "source.service".to_owned(),
                    description: "is not a service that this caller reports for: name that one, or leave it out"
                        .to_owned(),
                });
            }
        }
        Ok(self)
    }

    /// Why its controller does not want it recorded; empty if it may be. A repetition of what is recorded already is answered
    /// all the same: only whoever knows what is recorded can act on it.
    pub fn refused(&self) -> &[Violation] {
        &self.refused
    }

    /// The same event, refused for that.
    #[cfg(feature = "server")]
    pub(super) fn refused_for(self, refused: Vec<Violation>) -> Self {
        Self { refused, ..self }
    }

    /// Its fields, for the rules of its controller. What was asked stays the same, so a retry is the same event whatever
    /// they say by then.
    #[cfg(feature = "server")]
    pub(super) fn ruled(&mut self) -> &mut Fields {
        &mut self.fields
    }

    /// An event that Akta itself records: a read of the trail, a refusal. `fields` come from it, not from a client.
    pub fn own(mut fields: Fields) -> Self {
        Self { request: fields.hash(), fields: Box::new(fields), refused: Vec::new() }
    }
}

impl Fields {
    /// Checks what concerns several fields, completes what may be left out, and gives the event; or all that is
    /// wrong, added to what `checker` already holds.
    pub fn check(mut self, mut checker: Checker) -> Result<Event, Vec<Violation>> {
        let request = self.hash();
        self.check_required(&mut checker);
        self.check_subjects(&mut checker);
        self.check_purpose(&mut checker);
        self.check_disclosure(&mut checker);
        self.check_choice(&mut checker);
        checker.finish(())?;
        Ok(Event { fields: Box::new(self), request, refused: Vec::new() })
    }

    /// Length-prefixed pieces under one hash. What was warned of is not part of what was asked.
    fn hash(&mut self) -> [u8; 32] {
        let warnings = std::mem::take(&mut self.core.warnings);
        let mut pieces = Pieces(Vec::with_capacity(1_024));
        pieces.message(Some(&self.core));
        self.core.warnings = warnings;
        pieces.add(&[u8::from(self.occurred_at_given)]);
        let people = [&self.actor, &self.on_behalf_of].into_iter().map(|who| (who.as_ref(), 0));
        let subjects = self.subjects.iter().map(|subject| (Some(&subject.identity), subject.child));
        for (who, child) in people.chain(subjects) {
            let texts = who.map(|who| [&who.namespace, &who.id, &who.display_name, &who.email]);
            texts.iter().flatten().for_each(|text| pieces.add(text.as_bytes()));
            pieces.add(&child.to_be_bytes());
        }
        pieces.message(self.net.as_ref());
        let (id, auth_method, mfa) = self
            .session
            .as_ref()
            .map_or((&[][..], 0, false), |session| (&session.id, session.auth_method, session.mfa));
        pieces.add(id);
        pieces.add(&auth_method.to_be_bytes());
        pieces.add(&[u8::from(mfa)]);
        pieces.message(self.detail.as_ref());
        pieces.add(&(self.choice as i32).to_be_bytes());
        pieces.hash()
    }

    /// What was done; unspecified if this version does not know it.
    pub(super) fn action(&self) -> Action {
        Action::try_from(self.core.action).unwrap_or(Action::Unspecified)
    }

    fn personal(&self) -> bool {
        self.core.subject_count > 0
    }

    pub(super) fn warn(&mut self, warning: Warning) {
        self.core.warnings.push(warning as i32);
    }

    fn check_required(&mut self, checker: &mut Checker) {
        if self.core.action == 0 {
            checker.refuse("action", "is required: say what was done");
        }
        if matches!(self.action(), Action::LogQuery | Action::LogExport | Action::LogAdmin) {
            checker
                .refuse("action", "LOG_ actions are recorded by Akta itself: report your own reads as READ or SEARCH");
        }
        if self.core.outcome == 0 {
            checker.refuse("outcome", "is required: say how it ended; UNKNOWN if you do not know");
        }
        if self.core.actor_kind == 0 {
            checker
                .refuse("actor.kind", "is required: HUMAN, SERVICE, SYSTEM, SUBJECT, GUARDIAN, SUPPORT or ANONYMOUS");
        }
        if self.actor.is_none() && self.on_behalf_of.is_some() {
            checker.refuse("actor.identity", "is required with on_behalf_of: say who stood in");
        } else if self.actor.is_none() && self.core.actor_kind != ActorKind::Anonymous as i32 {
            checker.refuse("actor.identity", "is required: say who acted, or use kind ANONYMOUS");
        }
    }

    fn check_subjects(&mut self, checker: &mut Checker) {
        let listed = self.subjects.len();
        let mut seen = HashSet::new();
        // One subject, as most events have, cannot be listed twice.
        for (index, subject) in self.subjects.iter().enumerate().filter(|_| listed > 1) {
            if !seen.insert((&subject.identity.namespace, &subject.identity.id)) {
                checker.refuse(&format!("subjects[{index}]"), "is listed twice: list each subject once");
            }
        }
        let listed_count = u32::try_from(listed).unwrap_or(u32::MAX);
        if self.core.subject_count == 0 {
            self.core.subject_count = listed_count;
        } else if self.core.subject_count < listed_count {
            checker.refuse(
                "subject_count",
                format!("is less than the {listed} subjects listed: count them all, or leave it out"),
            );
        } else if self.core.subject_count > listed_count {
            self.warn(Warning::SubjectsNotListed);
        }
        if self.personal() && self.core.categories.is_empty() {
            checker.refuse("categories", "is required for personal data: name at least one kind of data");
        }
    }

    fn check_purpose(&mut self, checker: &mut Checker) {
        if self.core.purpose == 0 && self.personal() {
            if self.action() == Action::Read {
                self.core.purpose = policy::DEFAULT_READ_PURPOSE as i32;
                self.warn(Warning::PurposeDefaulted);
            } else {
                checker.refuse("purpose", "is required for personal data: say why; only a READ may leave it out");
            }
        }
        check_purpose_text(self.core.purpose, &self.core.purpose_text, checker);
    }

    fn check_disclosure(&mut self, checker: &mut Checker) {
        if !self.core.recipient_country.is_empty() && Country::new(&self.core.recipient_country).is_none() {
            checker.refuse("disclosure.country", COUNTRY);
        }
        if self.action() == Action::Disclose {
            if self.core.recipient.is_empty() {
                checker.refuse("disclosure.recipient", "is required with DISCLOSE: name who received the data");
            }
            if self.core.legal_basis == 0 {
                checker.refuse("legal_basis", "is required with DISCLOSE: name the ground under GDPR art. 6(1)");
            }
        }
    }

    fn check_choice(&mut self, checker: &mut Checker) {
        use Action as A;
        match self.choice {
            RetentionClass::Unspecified => {}
            RetentionClass::Register => {
                if !matches!(self.action(), A::Create | A::Update | A::Rectify | A::Delete | A::Link | A::Unlink) {
                    checker.refuse(
                        "retention_class",
                        "REGISTER is for changes of a register: CREATE, UPDATE, RECTIFY, DELETE, LINK, UNLINK",
                    );
                }
            }
            RetentionClass::Accounting => {
                if self.core.purpose != Purpose::Billing as i32 {
                    checker.refuse("retention_class", "ACCOUNTING needs purpose BILLING");
                }
            }
            _ => checker.refuse("retention_class", "only REGISTER and ACCOUNTING can be chosen: leave it out"),
        }
    }
}

/// Length-prefixed pieces of a request.
struct Pieces(Vec<u8>);

impl Pieces {
    fn add(&mut self, bytes: &[u8]) {
        self.0.extend((bytes.len() as u64).to_be_bytes());
        self.0.extend(bytes);
    }

    /// The bytes of a message; none of one that was not given.
    fn message(&mut self, message: Option<&impl Message>) {
        let at = self.0.len();
        self.0.extend([0; 8]);
        if let Some(message) = message {
            message.encode(&mut self.0).expect("a vector has room");
        }
        let length = self.0.len() - at - 8;
        self.0[at..at + 8].copy_from_slice(&(length as u64).to_be_bytes());
    }

    fn hash(&self) -> [u8; 32] {
        static BASE: LazyLock<Hasher> = LazyLock::new(|| Hasher::new_derive_key("akta v1 request"));
        *BASE.clone().update(&self.0).finalize().as_bytes()
    }
}

/// SUPPORT_TICKET and OTHER say more in `purpose_text`.
pub fn check_purpose_text(purpose: i32, text: &str, checker: &mut Checker) {
    if text.is_empty() {
        if purpose == Purpose::SupportTicket as i32 {
            checker.refuse("purpose_text", "is required with SUPPORT_TICKET: give the ticket number, never its text");
        }
        if purpose == Purpose::Other as i32 {
            checker.refuse("purpose_text", "is required with OTHER: name the purpose in at most 64 bytes");
        }
    }
}
