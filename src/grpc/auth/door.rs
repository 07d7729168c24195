//! The door: who calls, and whether they may. Every call of every service passes here before it touches a trail.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant};

use prost::Message;
use tokio::sync::OwnedSemaphorePermit;
use tokio::task::JoinSet;
use tonic::{Code, Request, Status};

use super::binding::Binding;
use super::claims::LEEWAY;
use super::denials::Denials;
use super::pace::{ASK_AGAIN, Allowance, Pace, Seat, Verification};
use super::rates::{QUESTION, Rate};
use super::refused::Refused;
use super::token::Tokens;
use crate::grpc::status::Refusal;
use crate::grpc::transport::Peer;
use crate::model::caller::{Caller, Credential};
use crate::model::check::Violation;
use crate::model::event::Event;
use crate::model::origin::Controller;
use crate::model::permission::Permission;
use crate::model::permission::decide::{Decision, Permitted, decide, services};
use crate::model::permission::policy::{Entry, Policy};
use crate::model::permission::scope::Scope;
use crate::trail::denial::{Denied, Who};
use crate::trail::node::Node;

/// The metadata that carries a bearer token (RFC 6750, section 2.1).
const AUTHORIZATION: &str = "authorization";

/// Who may what, as it stands now.
pub struct Rules {
    /// Who has which role.
    pub policy: Policy,
    /// Checks tokens of the issuers that the policy trusts; none where it trusts none.
    pub tokens: Option<Arc<Tokens>>,
}

/// The door of a node.
pub struct Door {
    node: Arc<Node>,
    /// None where everybody may do everything.
    rules: Option<RwLock<Arc<Rules>>>,
    denials: Denials,
    pace: Pace,
    /// Refusals that are being recorded.
    recording: Mutex<JoinSet<()>>,
}

/// Why somebody may not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Forbidden {
    /// Not permitted, or no such controller: not told apart.
    NotPermitted,
    /// What proved who calls has ended since the call began.
    Ended,
}

impl Door {
    /// The door of a node that everybody may use for everything: with `--dev`, or where the configuration says so.
    pub fn open(node: Arc<Node>) -> Self {
        Self::new(node, None, Rate::default())
    }

    /// The door of a node with rules.
    pub fn kept(node: Arc<Node>, rules: Rules) -> Self {
        let rules = Some(RwLock::new(Arc::new(rules)));
        Self::new(node, rules, Rate::DEFAULT)
    }

    fn new(node: Arc<Node>, rules: Option<RwLock<Arc<Rules>>>, rate: Rate) -> Self {
        let pace = Pace::new(rate, rules.is_some());
        Self { node, rules, denials: Denials::default(), pace, recording: Mutex::default() }
    }

    /// The same, with that rate for each caller; what is not set in it stays.
    #[must_use]
    pub fn with_rate(mut self, rate: Rate) -> Self {
        let apart = self.rules.is_some();
        self.pace = Pace::new(rate.or(if apart { Rate::DEFAULT } else { Rate::default() }), apart);
        self
    }

    /// Takes other rules: they hold for the next call, and for the next event of a stream.
    pub fn take(&self, rules: Rules) {
        if let Some(held) = &self.rules {
            *held.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(rules);
        }
    }

    /// Who calls: whoever a bearer token names, else the workload of the client certificate, else the user at the other
    /// end of the Unix socket.
    ///
    /// # Errors
    ///
    /// UNAUTHENTICATED: nobody of these, or a token that does not hold. It is recorded in the node's own trail.
    /// UNAVAILABLE: the keys of the token's issuer cannot be read.
    pub async fn caller<T>(&self, request: &Request<T>, call: &'static str) -> Result<Caller, Status> {
        let Some(rules) = self.rules() else { return Ok(Caller::dev()) };
        let peer = request.extensions().get::<Peer>();
        match credential(&rules, request, peer).await {
            Ok(caller) => Ok(caller),
            Err(Unknown::NoKeys) => Err(Status::new(Code::Unavailable, Refused::NoKeys.to_string())),
            Err(Unknown::Unproved(why)) => {
                let who = Who::Unknown { ip: peer.and_then(Peer::ip).map(bytes).unwrap_or_default() };
                self.denied(Denied { who, call, permission: None, controller: None, why: why.clone() });
                let remedy = "present a client certificate with a SPIFFE id, or a bearer token";
                Err(Status::new(Code::Unauthenticated, format!("it is not known who calls: {why}; {remedy}")))
            }
        }
    }

    /// Who reports so many events at once, if not faster than it may.
    ///
    /// # Errors
    ///
    /// As [`Self::caller`]; UNAVAILABLE with RetryInfo: too fast.
    pub async fn reporter<T: Message>(
        &self,
        request: &Request<T>,
        call: &'static str,
        events: usize,
    ) -> Result<Caller, Status> {
        let caller = self.caller(request, call).await?;
        let taken = self.use_rate(&caller, events as u64, request.get_ref().encoded_len());
        taken.map_err(|wait| {
            self.held_back("report");
            Refusal::held_back(wait).status()
        })?;
        Ok(caller)
    }

    /// Who asks, if neither too much at once nor faster than it may; and its question's place.
    ///
    /// # Errors
    ///
    /// As [`Self::caller`]; RESOURCE_EXHAUSTED with RetryInfo: too much.
    pub async fn asker<T: Message>(&self, request: &Request<T>, call: &'static str) -> Result<(Caller, Seat), Status> {
        let caller = self.caller(request, call).await?;
        let too_much = |wait| {
            self.held_back("question");
            Refusal::asked_too_much(wait).status()
        };
        let taken = self.use_rate(&caller, QUESTION, request.get_ref().encoded_len());
        let allowance = taken.map_err(too_much)?;
        let seat = self.pace.seat(&allowance).ok_or_else(|| too_much(ASK_AGAIN))?;
        Ok((caller, seat))
    }

    /// Has an answer of so many bytes counted against the rate of who asked.
    pub fn answered(&self, caller: &Caller, bytes: usize) {
        let _ = self.pace.owe(&self.pace.of(caller.name()), 0, bytes, self.node.base().now());
    }

    /// What a verification needs, for as long as its thread runs.
    ///
    /// # Errors
    ///
    /// RESOURCE_EXHAUSTED with RetryInfo: too many are under way.
    pub fn verification(&self, caller: &Caller) -> Result<Verification, Status> {
        self.pace.verification(&self.pace.of(caller.name())).ok_or_else(|| {
            self.held_back("verification");
            Refusal::verifies_too_much(ASK_AGAIN).status()
        })
    }

    /// The allowance of who opens a stream, and its place.
    ///
    /// # Errors
    ///
    /// UNAVAILABLE with RetryInfo: there are too many.
    pub fn stream(&self, caller: &Caller) -> Result<(Arc<Allowance>, OwnedSemaphorePermit), Status> {
        let allowance = self.pace.of(caller.name());
        let place = allowance.stream().ok_or_else(|| {
            self.held_back("stream");
            Refusal::held_back(ASK_AGAIN).status()
        })?;
        Ok((allowance, place))
    }

    /// How long a stream must not be read on after so many events of so many bytes.
    pub fn slow_down(&self, allowance: &Allowance, events: usize, bytes: usize) -> Option<Duration> {
        let wait = self.pace.owe(allowance, events as u64, bytes, self.node.base().now());
        (!wait.is_zero()).then(|| {
            self.held_back("stream");
            wait
        })
    }

    fn use_rate(&self, caller: &Caller, events: u64, bytes: usize) -> Result<Arc<Allowance>, Duration> {
        let allowance = self.pace.of(caller.name());
        self.pace.take(&allowance, events, bytes, self.node.base().now()).map(|()| allowance)
    }

    fn held_back(&self, kind: &'static str) {
        self.node.base().metrics.held_back(kind);
    }

    /// Whether a caller may do that for a controller, and by what.
    ///
    /// # Errors
    ///
    /// Not; which is recorded. Whether there is such a controller makes no difference, and no step here looks.
    pub fn permit(
        &self,
        caller: &Caller,
        permission: Permission,
        controller: &Controller,
        call: &'static str,
    ) -> Result<Permitted, Forbidden> {
        let Some(rules) = self.rules() else { return Ok(Permitted::Dev) };
        self.permit_by(&rules, caller, permission, controller, call)
    }

    /// Whether a caller may do one of these for a controller: the first of them that they may, and by what.
    ///
    /// # Errors
    ///
    /// None of them; that the first is not permitted is recorded.
    pub fn permit_any(
        &self,
        caller: &Caller,
        needs: [Permission; 2],
        controller: &Controller,
        call: &'static str,
    ) -> Result<(Permission, Permitted), Forbidden> {
        let [first, second] = needs;
        if let Some(by) = self.by(caller, second, controller) {
            return Ok(self.by(caller, first, controller).map_or((second, by), |by| (first, by)));
        }
        self.permit(caller, first, controller, call).map(|by| (first, by))
    }

    /// By what a caller may do that for a controller, if they may. Nothing is recorded: it is for choosing among what
    /// they may.
    pub fn by(&self, caller: &Caller, permission: Permission, controller: &Controller) -> Option<Permitted> {
        let Some(rules) = self.rules() else { return Some(Permitted::Dev) };
        let now = self.node.base().now();
        if caller.has_ended(now) {
            return None;
        }
        decide(&rules.policy, &self.node.acts(controller), caller, permission, controller, now).permitted().ok()
    }

    /// The controllers for which the policy gives a caller that permission, or would with a grant; by the policy alone,
    /// whichever of them there are.
    ///
    /// # Errors
    ///
    /// None, which is recorded in the node's own trail.
    pub fn scope(&self, caller: &Caller, permission: Permission, call: &'static str) -> Result<Scope, Forbidden> {
        let Some(rules) = self.rules() else { return Ok(Scope::All) };
        let ended = caller.has_ended(self.node.base().now());
        let scopes = || rules.policy.of(caller).filter(|entry| entry.role_for(permission).is_some()).map(Entry::scope);
        let named: BTreeSet<Controller> = scopes().flat_map(Scope::named).cloned().collect();
        let all = scopes().any(|scope| *scope == Scope::All);
        if ended || !all && named.is_empty() {
            let who = Who::Known { name: caller.name().to_owned(), kind: caller.kind() };
            let (why, forbidden) =
                if ended { ("expired", Forbidden::Ended) } else { ("role", Forbidden::NotPermitted) };
            self.denied(Denied { who, call, permission: Some(permission), controller: None, why: why.to_owned() });
            return Err(forbidden);
        }
        Ok(if all { Scope::All } else { Scope::Named(named) })
    }

    /// Records that somebody who passed the door was refused all the same, and says so.
    pub fn refuse(
        &self,
        caller: &Caller,
        permission: Permission,
        controller: &Controller,
        call: &'static str,
        why: &'static str,
    ) -> Forbidden {
        self.refused(caller, permission, controller, call, why);
        Forbidden::NotPermitted
    }

    fn permit_by(
        &self,
        rules: &Rules,
        caller: &Caller,
        permission: Permission,
        controller: &Controller,
        call: &'static str,
    ) -> Result<Permitted, Forbidden> {
        let now = self.node.base().now();
        if caller.has_ended(now) {
            self.refused(caller, permission, controller, call, "expired");
            return Err(Forbidden::Ended);
        }
        match decide(&rules.policy, &self.node.acts(controller), caller, permission, controller, now) {
            Decision::Permitted(by) => Ok(by),
            Decision::Denied(why) => {
                self.refused(caller, permission, controller, call, why.word());
                Err(Forbidden::NotPermitted)
            }
        }
    }

    /// An event as its reporter may report it: whose controller it is, whether it may be an import, and which service
    /// it comes from.
    ///
    /// # Errors
    ///
    /// The reporter may not, which is recorded; or the event names the service of another.
    pub fn report(
        &self,
        caller: &Caller,
        controller: &Controller,
        event: Event,
        call: &'static str,
    ) -> Result<Event, Unreported> {
        let Some(rules) = self.rules() else { return Ok(event) };
        let permission = if event.is_import() { Permission::Import } else { Permission::Record };
        self.permit_by(&rules, caller, permission, controller, call)?;
        if permission == Permission::Import {
            // What is imported happened elsewhere.
            return Ok(event);
        }
        let services: Vec<&str> = services(&rules.policy, caller, controller).collect();
        event.reported_by(&services).map_err(|violation| {
            self.refused(caller, permission, controller, call, "source");
            Unreported::Source(violation)
        })
    }

    /// Records what was counted. To be called about once a second.
    pub fn turn(&self) {
        self.pace.turn(self.node.base().now());
        for (denied, count) in self.denials.due(Instant::now()) {
            self.record(denied, count);
        }
    }

    /// Records what was counted and not yet recorded, and waits for what is being recorded: at the end.
    pub async fn close(&self) {
        loop {
            for (denied, count) in self.denials.rest() {
                self.record(denied, count);
            }
            let mut recording = std::mem::take(&mut *self.recording());
            if recording.is_empty() {
                return;
            }
            while recording.join_next().await.is_some() {}
        }
    }

    fn rules(&self) -> Option<Arc<Rules>> {
        let held = self.rules.as_ref()?;
        Some(held.read().unwrap_or_else(PoisonError::into_inner).clone())
    }

    fn recording(&self) -> MutexGuard<'_, JoinSet<()>> {
        self.recording.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Somebody who is known may not.
    fn refused(
        &self,
        caller: &Caller,
        permission: Permission,
        controller: &Controller,
        call: &'static str,
        why: &'static str,
    ) {
        let who = Who::Known { name: caller.name().to_owned(), kind: caller.kind() };
        let (permission, controller) = (Some(permission), Some(controller.clone()));
        self.denied(Denied { who, call, permission, controller, why: why.to_owned() });
    }

    fn denied(&self, denied: Denied) {
        let known = matches!(denied.who, Who::Known { .. });
        self.node.base().metrics.denied(if known { "forbidden" } else { "unproved" });
        if let Some(denied) = self.denials.note(denied, Instant::now()) {
            self.record(denied, 1);
        }
    }

    /// Not waited for: how long that takes would tell whether there is such a controller.
    fn record(&self, denied: Denied, count: u64) {
        let controller = denied.controller.as_ref().map(Controller::as_str);
        let permission = denied.permission.map(Permission::word);
        // Who it was stands in the trail, for as long as it may.
        tracing::warn!(call = denied.call, permission, controller, why = denied.why, count, "refused");
        let node = self.node.clone();
        let mut recording = self.recording();
        while recording.try_join_next().is_some() {}
        recording.spawn(async move {
            if let Err(error) = node.record_denial(denied, count).await {
                tracing::error!(%error, "a refusal could not be recorded");
            }
        });
    }
}

/// Why an event is not taken from its reporter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unreported {
    /// They may not report for that controller.
    Forbidden(Forbidden),
    /// It names a source that is another's.
    Source(Violation),
}

impl From<Forbidden> for Unreported {
    fn from(why: Forbidden) -> Self {
        Self::Forbidden(why)
    }
}

/// Why it is not known who calls.
enum Unknown {
    /// Nothing was proved. Says nothing of what was shown.
    Unproved(String),
    /// The keys of the token's issuer are not at hand: it may be good.
    NoKeys,
}

impl From<&str> for Unknown {
    fn from(why: &str) -> Self {
        Self::Unproved(why.to_owned())
    }
}

async fn credential<T>(rules: &Rules, request: &Request<T>, peer: Option<&Peer>) -> Result<Caller, Unknown> {
    let mut values = request.metadata().get_all(AUTHORIZATION).iter();
    match (values.next(), values.next()) {
        (Some(_), Some(_)) => return Err("there is more than one token".into()),
        (Some(value), None) => {
            let token = value.to_str().ok().and_then(bearer).ok_or("authorization is not \"Bearer TOKEN\"")?;
            let tokens = rules.tokens.as_ref().ok_or("no issuer of tokens is trusted here")?;
            let certificate = peer.and_then(Peer::certificate).map(Binding::to);
            return match tokens.verify(token, certificate.as_ref()).await {
                Ok(claims) => {
                    let until = claims.expires_at.plus(LEEWAY);
                    Ok(Caller::until(Credential::Person(claims.into()), until))
                }
                Err(Refused::NoKeys) => Err(Unknown::NoKeys),
                Err(refused) => Err(Unknown::Unproved(refused.to_string())),
            };
        }
        (None, _) => {}
    }
    match peer {
        Some(Peer::Tls { spiffe: Some(id), .. }) => Ok(Caller::new(Credential::Workload(id.clone()))),
        Some(Peer::Tls { certificate: None, .. }) => Err("it showed neither a certificate nor a token".into()),
        Some(Peer::Tls { spiffe: None, .. }) => Err("its certificate names no workload".into()),
        Some(Peer::Unix { uid, .. }) => Ok(Caller::new(Credential::Socket { uid: *uid })),
        Some(Peer::Plain(_)) | None => Err("a plaintext connection proves nothing".into()),
    }
}

/// The token of a header value `Bearer TOKEN`; the scheme in any case (RFC 9110, section 11.1).
fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim_start_matches(' '))
}

fn bytes(ip: IpAddr) -> Vec<u8> {
    match ip.to_canonical() {
        IpAddr::V4(ip) => ip.octets().to_vec(),
        // The network: within it, one host has as many addresses as it likes.
        IpAddr::V6(ip) => [&ip.octets()[..8], &[0; 8]].concat(),
    }
}
