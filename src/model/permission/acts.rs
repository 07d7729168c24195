//! Acts: what a controller's trail says of who may, and how long records live. Folded from its notices, one change after the other.

use std::sync::Arc;
use std::time::Duration;

use super::approval::{Deed, LoneApprover, REQUEST_STANDS, Request, Standing, Voice};
use super::change::{ActId, Change, Decided};
use super::grants::{Act, GRANT_MAX, GROUND_BYTES_MAX, Grant, INCIDENT_MAX, Incident, Span};
use super::holding::HoldActs;
use crate::model::check::Violation;
use crate::model::closing::Closing;
use crate::model::date::{Date, Timestamp};
use crate::model::profile::Profile;
use crate::model::retention::choice::Choice;
use crate::model::retention::in_force::Retention;

/// Most grants of one controller that are not over.
pub const GRANTS_MAX: usize = 200;
/// Most incidents at once.
pub const INCIDENTS_MAX: usize = 20;
/// Most requests of one controller that are not settled.
pub const REQUESTS_MAX: usize = 200;
/// Most people who agree to one request, and most who object.
pub const VOICES_MAX: usize = 16;
/// Most grants, incidents and requests of one controller within a year, over or not.
pub const KEPT_MAX: usize = 5_000;
/// Longest text of what a request concerns, in bytes.
pub const CONCERNING_BYTES_MAX: usize = 256;
/// What is over for so long leaves the lists; the notices stay.
pub const SHOWN: Duration = Duration::from_secs(366 * 86_400);

/// What a controller has decided, as far as it matters now.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Acts {
    profile: Profile,
    retention: Arc<Retention>,
    lone: LoneApprover,
    grants: Vec<Grant>,
    incidents: Vec<Incident>,
    requests: Vec<Request>,
    holds: HoldActs,
    closed: Option<Timestamp>,
}

/// Why a change is not made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// A field is not as it should be.
    #[error("{field}: {why}")]
    Field {
        /// Which.
        field: &'static str,
        /// What is wrong, the limit, the remedy.
        why: String,
    },
    /// There is no such act, or it is over.
    #[error("there is no such {0}, or it is over: list them")]
    Unknown(&'static str),
    /// Nobody is known by that name: never seen, or erased.
    #[error("nobody of this namespace and id is known: find them first")]
    Nobody,
    /// The id is taken by another act.
    #[error("the id is taken by something else: leave it out, or give a new UUID")]
    Taken,
    /// It is so already: the same change again.
    #[error("it is so already")]
    Already,
    /// There are too many of them.
    #[error("there are {limit} {what} that are not over: end some first")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// How many there may be.
        limit: usize,
    },
    /// Where the request stands, it cannot be done.
    #[error("the request cannot be used or answered: {}", .0.word())]
    Stands(Standing),
    /// Whoever asked cannot agree.
    #[error("whoever asked cannot agree to it: another must")]
    OwnVoice,
    /// Somebody else asked for it.
    #[error("only who asked for it may use it")]
    NotTheirs,
    /// These holds would be destroyed with all else.
    #[error("it has holds that are not released, release them first: {}", .0.join(", "))]
    Held(Vec<ActId>),
    /// Events were recorded after what was handed out, which would be destroyed unseen.
    #[error(
        "{0} events were recorded after the export: nothing may report any more; then export again, and give that one"
    )]
    Unexported(u64),
    /// The controller has come to its end.
    #[error("this controller was closed on {0}: nothing more is decided about it")]
    Closed(Date),
}

impl Refusal {
    pub(super) fn field(field: &'static str, why: impl Into<String>) -> Self {
        Self::Field { field, why: why.into() }
    }
}

impl Acts {
    /// What kind of controller it is.
    pub fn profile(&self) -> &Profile {
        &self.profile
    }

    /// How long records live.
    pub fn retention(&self) -> &Arc<Retention> {
        &self.retention
    }

    /// The change as it is made next: a choice of lifetimes without a number gets its own.
    #[must_use]
    pub fn numbered(&self, change: Change) -> Change {
        match change {
            Change::Retention { number: 0, choice } => {
                Change::Retention { number: self.retention.number().saturating_add(1), choice }
            }
            other => other,
        }
    }

    /// Who may approve alone.
    pub fn lone(&self) -> LoneApprover {
        self.lone
    }

    /// Grants, oldest first; also those to come, and those over for less than a year.
    pub fn grants(&self) -> &[Grant] {
        &self.grants
    }

    /// Incidents, oldest first, likewise.
    pub fn incidents(&self) -> &[Incident] {
        &self.incidents
    }

    /// Requests, oldest first; those that lapsed or were used for less than a year.
    pub fn requests(&self) -> &[Request] {
        &self.requests
    }

    /// Holds; those released for less than a year.
    pub fn holds(&self) -> &HoldActs {
        &self.holds
    }

    /// When the controller was closed; `None`: it is open.
    pub fn closed(&self) -> Option<Timestamp> {
        self.closed
    }

    /// The request with that id.
    pub fn request(&self, id: &str) -> Option<&Request> {
        self.requests.iter().find(|request| *request.id == *id)
    }

    /// Whether a change can be made at `now` by somebody of that name. Nothing of it is recorded before.
    ///
    /// # Errors
    ///
    /// Why not; [`Refusal::Already`] if nothing would change.
    pub fn check(&self, change: &Change, decided: &Decided, now: Timestamp) -> Result<(), Refusal> {
        let Decided { by, ground } = decided;
        if let Some(at) = self.closed {
            let again = matches!(change, Change::Close(_));
            return Err(if again { Refusal::Already } else { Refusal::Closed(Date::of_utc(at)) });
        }
        ground_is_good(change, ground)?;
        if matches!(
            change,
            Change::Grant { .. } | Change::Incident { .. } | Change::Ask { .. } | Change::PlaceHold { .. }
        ) {
            self.has_room(change)?;
        }
        match change {
            Change::Profile(profile) if *profile == self.profile => Err(Refusal::Already),
            Change::Profile(profile) => {
                profile.clone().checked().map_err(|bad| Refusal::field("profile", in_words(&bad)))?;
                let kept = self.retention.choice().check(self.retention.table(), profile.public_body);
                kept.map_err(|bad| {
                    let why = format!("it chose shorter lifetimes than that, set others first: {}", in_words(&bad));
                    Refusal::field("profile.public_body", why)
                })
            }
            Change::Retention { number, choice } => self.chosen(*number, choice),
            Change::LoneApproval(allowed) if *allowed == (self.lone != LoneApprover::Refused) => Err(Refusal::Already),
            Change::LoneApproval(_) => Ok(()),
            Change::Grant { id, holder, permissions, span } => {
                let act = Act { id: id.clone(), ground: ground.clone(), by: by.clone(), span: *span };
                span_is_good(span, GRANT_MAX, "366 days", now)?;
                let grant = Grant::new(act, holder.clone(), permissions.clone())
                    .map_err(|bad| Refusal::field("permissions", bad.description))?;
                if let Some(found) = self.grants.iter().find(|known| known.act().id == *id) {
                    return Err(if *found == grant { Refusal::Already } else { Refusal::Taken });
                }
                self.is_new(id)?;
                few("grants", self.grants.iter().filter(|grant| !grant.act().span.is_over(now)).count(), GRANTS_MAX)
            }
            Change::Incident { id, span } => {
                span_is_good(span, INCIDENT_MAX, "7 days", now)?;
                let incident =
                    Incident { act: Act { id: id.clone(), ground: ground.clone(), by: by.clone(), span: *span } };
                if let Some(found) = self.incidents.iter().find(|known| known.act.id == *id) {
                    return Err(if *found == incident { Refusal::Already } else { Refusal::Taken });
                }
                self.is_new(id)?;
                let live = self.incidents.iter().filter(|incident| !incident.act.span.is_over(now)).count();
                few("incidents", live, INCIDENTS_MAX)
            }
            Change::End(id) => match self.spans().find(|(known, _)| *known == id) {
                None => Err(Refusal::Unknown("grant or incident")),
                Some((_, span)) if span.is_over(now) => Err(Refusal::Already),
                Some(_) => Ok(()),
            },
            Change::Ask { id, deed, concerning, staff } => {
                if concerning.is_empty() || concerning.len() > CONCERNING_BYTES_MAX {
                    let why = format!("is required: give 1 to {CONCERNING_BYTES_MAX} bytes");
                    return Err(Refusal::field("concerning", why));
                }
                if let Some(found) = self.request(id) {
                    let same = (found.deed, &found.concerning, &found.ground, &found.asked.name, found.staff)
                        == (*deed, concerning, ground, by, *staff);
                    return Err(if same { Refusal::Already } else { Refusal::Taken });
                }
                self.is_new(id)?;
                let open = self.requests.iter().filter(|request| request.is_open(now)).count();
                few("requests", open, REQUESTS_MAX)
            }
            Change::Answer { id, agrees } => {
                let request = self.request(id).ok_or(Refusal::Unknown("request"))?;
                // Whoever asked may take it back, but not agree to it.
                if *agrees && request.asked.name == *by {
                    return Err(Refusal::OwnVoice);
                }
                let said = if *agrees { &request.agreed } else { &request.objected };
                if said.iter().any(|voice| voice.name == *by) {
                    return Err(Refusal::Already);
                }
                match request.standing(self.lone, now) {
                    standing @ (Standing::Refused | Standing::Lapsed | Standing::Used) => {
                        Err(Refusal::Stands(standing))
                    }
                    Standing::Agreed | Standing::AgreedAlone | Standing::Waits(_) | Standing::NeedsAnother => {
                        few("answers to this request", said.len(), VOICES_MAX)
                    }
                }
            }
            Change::Use { id, alone } => {
                let request = self.request(id).ok_or(Refusal::Unknown("request"))?;
                if request.asked.name != *by {
                    return Err(Refusal::NotTheirs);
                }
                match (request.standing(self.lone, now), alone) {
                    (Standing::Agreed, false) | (Standing::AgreedAlone, true) => Ok(()),
                    (standing, _) => Err(Refusal::Stands(standing)),
                }
            }
            Change::PlaceHold { id, .. } => self.is_new(id).and_then(|()| self.holds.check(change, now)),
            Change::ReviewHold { .. } | Change::ReleaseHold(_) => self.holds.check(change, now),
            Change::Close(closing) => self.may_end(closing),
        }
    }

    /// Takes a change that was recorded at `at`. What does not follow from what was before is passed over: the trail is
    /// judged elsewhere.
    pub fn apply(&mut self, change: Change, decided: Decided, at: Timestamp) {
        let Decided { by, ground } = decided;
        self.forget(at);
        match change {
            Change::Profile(profile) => self.profile = profile,
            Change::Retention { number, choice } => {
                // Beyond the bounds there might be no key for its dates.
                if choice.check(self.retention.table(), false).is_ok() {
                    let number = if number == 0 { self.retention.number().saturating_add(1) } else { number };
                    self.retention = Arc::new(Retention::chosen(number, choice));
                }
            }
            Change::LoneApproval(allowed) => {
                self.lone = if allowed { LoneApprover::Since(at) } else { LoneApprover::Refused };
            }
            Change::Grant { id, holder, permissions, span } => {
                self.grants.extend(Grant::new(Act { id, ground, by, span }, holder, permissions));
            }
            Change::Incident { id, span } => self.incidents.push(Incident { act: Act { id, ground, by, span } }),
            Change::End(id) => {
                self.grants.iter_mut().filter(|grant| grant.act().id == id).for_each(|grant| grant.end(at));
                let incidents = self.incidents.iter_mut().filter(|incident| incident.act.id == id);
                incidents.for_each(|incident| incident.act.span = incident.act.span.ended(at));
            }
            Change::Ask { id, deed, concerning, staff } => self.requests.push(Request {
                id,
                deed,
                concerning,
                ground,
                asked: Voice { name: by, at },
                staff,
                agreed: Vec::new(),
                objected: Vec::new(),
                used: None,
            }),
            Change::Answer { id, agrees } => {
                if let Some(request) = self.requests.iter_mut().find(|request| request.id == id) {
                    let said = if agrees { &mut request.agreed } else { &mut request.objected };
                    said.push(Voice { name: by, at });
                }
            }
            Change::Use { id, .. } => {
                let request = self.requests.iter_mut().find(|request| request.id == id);
                request.into_iter().for_each(|request| request.used = Some(at));
            }
            Change::PlaceHold { .. } | Change::ReviewHold { .. } | Change::ReleaseHold(_) => {
                self.holds.apply(&change, at);
            }
            // Whoever was let in is not any more; what it was told of people and reasons nobody can read.
            Change::Close(_) => {
                let Self { profile, retention, lone, .. } = std::mem::take(self);
                *self = Self { profile, retention, lone, closed: Some(at), ..Self::default() };
            }
        }
    }

    /// What nobody may do alone, and not while anything must be kept.
    fn may_end(&self, closing: &Closing) -> Result<(), Refusal> {
        let held: Vec<ActId> = self.holds.standing().map(|hold| hold.id.clone()).collect();
        if !held.is_empty() {
            return Err(Refusal::Held(held));
        }
        let Some(id) = &closing.request else { return Ok(()) };
        let used = self.request(id).is_some_and(|request| request.deed == Deed::Erasure && request.used.is_some());
        if used { Ok(()) } else { Err(Refusal::Unknown("request for an erasure that is used by this")) }
    }

    /// The same at `now`, without what is over for a year by then: what is checked against it, and its ids, are as after
    /// a restart.
    #[must_use]
    pub fn as_of(mut self, now: Timestamp) -> Self {
        self.forget(now);
        self
    }

    /// Lets go of what is over for a year.
    fn forget(&mut self, now: Timestamp) {
        let old = now.minus(SHOWN);
        self.grants.retain(|grant| !grant.act().span.is_over(old));
        self.incidents.retain(|incident| !incident.act.span.is_over(old));
        self.requests.retain(|request| request.asked.at.plus(REQUEST_STANDS) > old);
        self.holds.forget(old);
    }

    /// What is over is kept for a year: that must not grow without bound either. What is there is answered as before.
    fn has_room(&self, change: &Change) -> Result<(), Refusal> {
        let kept = self.grants.len() + self.incidents.len() + self.requests.len() + self.holds.all().len();
        let known = match change {
            Change::Grant { id, .. }
            | Change::Incident { id, .. }
            | Change::Ask { id, .. }
            | Change::PlaceHold { id, .. } => self.is_new(id).is_err(),
            _ => true,
        };
        if kept < KEPT_MAX || known {
            return Ok(());
        }
        let what = "grants, incidents, requests and holds of the last year";
        Err(Refusal::TooMany { what, limit: KEPT_MAX })
    }

    /// Whether these lifetimes may be chosen.
    fn chosen(&self, number: u32, choice: &Choice) -> Result<(), Refusal> {
        if choice == self.retention.choice() {
            return Err(Refusal::Already);
        }
        if number != 0 && self.retention.number().checked_add(1) != Some(number) {
            return Err(Refusal::field("policy_version", "is not that of the choice after the one in force"));
        }
        let checked = choice.check(self.retention.table(), self.profile.public_body);
        checked.map_err(|bad| Refusal::field("choices", in_words(&bad)))
    }

    fn is_new(&self, id: &ActId) -> Result<(), Refusal> {
        let taken =
            self.spans().any(|(known, _)| known == id) || self.request(id).is_some() || self.holds.find(id).is_some();
        if taken { Err(Refusal::Taken) } else { Ok(()) }
    }

    fn spans(&self) -> impl Iterator<Item = (&ActId, &Span)> {
        let grants = self.grants.iter().map(Grant::act);
        grants.chain(self.incidents.iter().map(|incident| &incident.act)).map(|act| (&act.id, &act.span))
    }
}

fn ground_is_good(change: &Change, ground: &str) -> Result<(), Refusal> {
    let needed = match change {
        Change::Retention { .. }
        | Change::Grant { .. }
        | Change::Incident { .. }
        | Change::End(_)
        | Change::Ask { .. }
        | Change::PlaceHold { .. }
        | Change::ReviewHold { .. }
        | Change::ReleaseHold(_)
        | Change::Close(_) => true,
        Change::Profile(_) | Change::LoneApproval(_) | Change::Answer { .. } | Change::Use { .. } => false,
    };
    if ground.len() > GROUND_BYTES_MAX || (needed && ground.is_empty()) {
        return Err(Refusal::field("ground", format!("is required: give 1 to {GROUND_BYTES_MAX} bytes")));
    }
    Ok(())
}

fn span_is_good(span: &Span, longest: Duration, words: &str, now: Timestamp) -> Result<(), Refusal> {
    if Span::new(span.from(), span.until(), longest).is_none() {
        return Err(Refusal::field("until", format!("must be after from, and at most {words} later")));
    }
    if span.is_over(now) {
        return Err(Refusal::field("until", "is past: give a time to come"));
    }
    if span.from() > now.plus(longest) {
        return Err(Refusal::field("from", format!("is more than {words} ahead: give it nearer the time")));
    }
    Ok(())
}

fn in_words(bad: &[Violation]) -> String {
    bad.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

fn few(what: &'static str, count: usize, limit: usize) -> Result<(), Refusal> {
    if count < limit { Ok(()) } else { Err(Refusal::TooMany { what, limit }) }
}
