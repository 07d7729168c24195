//! A node in this process with two schools, their people and the vendor's, each with a token; the clock is the test's.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;
use std::time::Duration;

use akta::config::{File, policy};
use akta::env::{Clock, ManualClock, SystemClock, SystemEntropy};
use akta::grpc::api::controller_service_server::ControllerService;
use akta::grpc::api::history_service_server::HistoryService;
use akta::grpc::api::ingest_service_server::IngestService;
use akta::grpc::api::{
    DeclareIncidentRequest, GrantRequest, Holder, ListNoticesRequest, Notice, OpenControllerRequest,
    RecordEventRequest, RecordedEvent, SearchEventsRequest, TokenHolder, holder,
};
use akta::grpc::auth::door::{Door, Rules};
use akta::grpc::auth::issuer::Issuer;
use akta::grpc::auth::token::Tokens;
use akta::grpc::controller::Controllers;
use akta::grpc::history::History;
use akta::grpc::ingest::Ingest;
use akta::grpc::time::wire;
use akta::grpc::transport::Peer;
use akta::model::date::Timestamp;
use akta::model::stored::{Purpose, notice_core};
use akta::store::disk::Disk;
use akta::store::space::Reserve;
use akta::trail::base::{Base, World};
use akta::trail::keyring::Kek;
use akta::trail::node::Node;
use akta::trail::threads::Threads;
use tonic::{Code, Request, Response, Status};

use super::issued::{ISSUER, Issued, Wish};
use super::support::{Events, data};

pub(crate) const ONE: &str = "school-1";
pub(crate) const TWO: &str = "school-2";
pub(crate) const DAY: u64 = 86_400;
/// The user id of the service that reports for both schools; and of one that is the first school's contact.
const GRADEBOOK: u32 = 2_001;
pub(crate) const ROBOT: &str = "uid:2002";
/// Subject, controllers, role, side.
const PEOPLE: [(&str, &str, &str, &str); 9] = [
    ("anna", "\"school-1\"", "contact", "controller"),
    ("head", "\"school-1\"", "approver", "controller"),
    ("dorota", "\"school-2\"", "contact", "controller"),
    ("ola", "\"school-2\"", "approver", "controller"),
    ("piotr", "\"*\"", "steward", "processor"),
    ("ewa", "\"*\"", "security", "processor"),
    ("jan", "\"*\"", "security", "processor"),
    ("adam", "\"*\"", "approver", "processor"),
    ("marek", "\"*\"", "operator", "processor"),
];

/// The node.
pub(crate) struct Office {
    pub(crate) controllers: Controllers,
    pub(crate) history: History,
    ingest: Ingest,
    threads: Option<Threads>,
    clock: Arc<ManualClock>,
    issuer: Issued,
    source: u32,
    _folder: tempfile::TempDir,
}

impl Office {
    /// With both schools open, and a record in each.
    pub(crate) async fn open() -> Self {
        let mut office = Self::empty();
        for of in [ONE, TWO] {
            let request = OpenControllerRequest { controller: of.to_owned(), ..Default::default() };
            office.controllers.open_controller(office.by("piotr", request)).await.unwrap();
            office.report(of).await;
        }
        office
    }

    /// Without a controller.
    pub(crate) fn empty() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let issuer = Issued::new();
        std::fs::write(folder.path().join("jwks.json"), issuer.key_set()).unwrap();
        let mut text = format!(
            "[[issuer]]\nurl = \"{ISSUER}\"\naudience = \"akta\"\njwks_file = \"jwks.json\"\nalgorithms = [\"ES256\"]\n\
             [[workload]]\nuid = {GRADEBOOK}\nservice = \"register\"\ncontrollers = [\"{ONE}\", \"{TWO}\"]\nroles = [\"ingest\"]\n\
             [[workload]]\nuid = 2002\ncontrollers = [\"{ONE}\"]\nroles = [\"contact\", \"approver\"]\nstaff = \"controller\"\n"
        );
        for (subject, controllers, role, staff) in PEOPLE {
            text += &format!(
                "[[person]]\nissuer = \"{ISSUER}\"\nsubject = \"{subject}\"\ncontrollers = [{controllers}]\nroles = [\"{role}\"]\nstaff = \"{staff}\"\n"
            );
        }
        let policy = policy::parse(&text, folder.path()).unwrap();
        let issuers = policy.issuers().iter().map(|issuer| Issuer::trusted(issuer).unwrap()).collect();
        // Tokens last longer than any test; their keys are read by the real time.
        let tokens = Arc::new(Tokens::start(issuers, Arc::new(|| SystemClock.now())).unwrap());
        std::fs::create_dir_all(data(folder.path())).unwrap();
        let clock = Arc::new(ManualClock::new(SystemClock.now()));
        let (node, threads) = start(folder.path(), clock.clone());
        let door = Arc::new(Door::kept(node.clone(), Rules { policy, tokens: Some(tokens) }));
        Self {
            controllers: Controllers { node: node.clone(), door: door.clone(), region: None },
            history: History { node: node.clone(), door: door.clone() },
            ingest: Ingest { node, door, recipients: Arc::default() },
            threads: Some(threads),
            clock,
            issuer,
            source: 7_000,
            _folder: folder,
        }
    }

    /// A request by somebody: by token; `uid:N` by a socket.
    pub(crate) fn by<T>(&self, who: &str, request: T) -> Request<T> {
        let mut request = Request::new(request);
        match who.strip_prefix("uid:") {
            Some(uid) => {
                request.extensions_mut().insert(Peer::Unix { uid: uid.parse().unwrap(), gid: 0, pid: None });
            }
            None => {
                let lasts = 400 * i64::try_from(DAY).unwrap();
                let token = self.issuer.token(who, Wish { lasts, ..Wish::default() });
                request.metadata_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
            }
        }
        request
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// So many seconds from now.
    pub(crate) fn ahead(&self, seconds: u64) -> Option<prost_types::Timestamp> {
        Some(wire(self.now().plus(Duration::from_secs(seconds))))
    }

    /// Time passes.
    pub(crate) fn pass(&self, seconds: u64) {
        self.clock.set(self.now().plus(Duration::from_secs(seconds)));
    }

    /// The gradebook reports that a teacher read a pupil's marks.
    pub(crate) async fn report(&mut self, of: &str) {
        self.source += 1;
        let mut event = Events::of(self.source).read();
        event.controller = of.to_owned();
        let request = RecordEventRequest { event: Some(event) };
        self.ingest.record_event(self.by(&format!("uid:{GRADEBOOK}"), request)).await.unwrap();
    }

    /// What somebody finds in a school.
    pub(crate) async fn search(&self, who: &str, of: &str) -> Result<Vec<RecordedEvent>, Status> {
        self.search_with(who, SearchEventsRequest { controller: of.to_owned(), ..Default::default() }).await
    }

    pub(crate) async fn search_with(
        &self,
        who: &str,
        mut request: SearchEventsRequest,
    ) -> Result<Vec<RecordedEvent>, Status> {
        request.purpose = Purpose::IncidentInvestigation.into();
        Ok(self.history.search_events(self.by(who, request)).await?.into_inner().events)
    }

    /// The attributes of the newest read on record in a school's trail, by the call's name.
    pub(crate) async fn last_read(&self, of: &str, call: &str) -> Vec<(String, String)> {
        let contact = if of == ONE { "anna" } else { "dorota" };
        let events = self.search(contact, of).await.unwrap();
        let newest = events.into_iter().filter_map(|row| row.event).find(|event| event.event_name == call);
        newest.unwrap_or_else(|| panic!("{of} has no record of {call}")).attributes.into_iter().collect()
    }

    /// The notices of a school with their slices, as its contact reads them.
    pub(crate) async fn notices(&self, of: &str) -> Vec<Notice> {
        let contact = if of == ONE { "anna" } else { "dorota" };
        let (controller, purpose) = (of.to_owned(), Purpose::Security.into());
        let request = ListNoticesRequest { controller, purpose, ..Default::default() };
        self.history.list_notices(self.by(contact, request)).await.unwrap().into_inner().notices
    }

    /// Their kinds, the opening left out.
    pub(crate) async fn kinds(&self, of: &str) -> Vec<&'static str> {
        self.notices(of).await.iter().skip(1).map(|notice| kind(notice)).collect()
    }

    /// Somebody declares an incident; its id.
    pub(crate) async fn declare(&self, who: &str, of: &[&str], seconds: u64) -> Result<(String, u32), Status> {
        let request = DeclareIncidentRequest {
            controllers: of.iter().map(|of| (*of).to_owned()).collect(),
            ground: "ticket 4711".to_owned(),
            until: self.ahead(seconds),
            ..Default::default()
        };
        let answer = self.controllers.declare_incident(self.by(who, request)).await?.into_inner();
        Ok((answer.id, answer.controllers))
    }

    /// Somebody grants; the id.
    pub(crate) async fn grant(&self, who: &str, request: GrantRequest) -> Result<String, Status> {
        Ok(self.controllers.grant(self.by(who, request)).await?.into_inner().id)
    }

    /// A good grant of a school to somebody.
    pub(crate) fn granting(&self, of: &str, to: &str, permissions: &[&str]) -> GrantRequest {
        GrantRequest {
            controller: of.to_owned(),
            holder: Some(subject(to)),
            permissions: permissions.iter().map(|word| (*word).to_owned()).collect(),
            ground: "contract 9".to_owned(),
            until: self.ahead(30 * DAY),
            ..Default::default()
        }
    }
}

impl Drop for Office {
    fn drop(&mut self) {
        self.controllers.node.close();
        if let Some(threads) = self.threads.take() {
            threads.join();
        }
    }
}

fn start(folder: &std::path::Path, clock: Arc<ManualClock>) -> (Arc<Node>, Threads) {
    let world = World { clock, entropy: Arc::new(SystemEntropy) };
    let disk = Disk::open(&data(folder), None).unwrap();
    let reserve = Reserve::new(disk.space.clone(), None);
    let mut settings = File::default().settings(true).unwrap();
    settings.open_controllers = false;
    let base = Base::open(disk, Kek::dev(), settings, world).unwrap();
    let (node, threads) = Node::start(Arc::new(base), reserve).unwrap();
    (Arc::new(node), threads)
}

/// Somebody by the subject of their token.
pub(crate) fn subject(name: &str) -> Holder {
    let of = TokenHolder { issuer: ISSUER.to_owned(), name: name.to_owned() };
    Holder { holder: Some(holder::Holder::Subject(of)) }
}

/// The name that somebody is recorded under.
pub(crate) fn name(who: &str) -> String {
    if who.starts_with("uid:") { who.to_owned() } else { format!("{ISSUER}#{who}") }
}

/// What a notice is about.
pub(crate) fn kind(notice: &Notice) -> &'static str {
    use notice_core::Kind;
    match notice.notice.as_ref().unwrap().kind.as_ref().unwrap() {
        Kind::Opened(_) => "opened",
        Kind::KeyringOpened(_) => "keyring opened",
        Kind::ControllerSet(_) => "set",
        Kind::LoneApprovalSet(_) => "lone approval",
        Kind::Granted(_) => "granted",
        Kind::IncidentDeclared(_) => "incident",
        Kind::ActEnded(_) => "ended",
        Kind::ApprovalAsked(_) => "asked",
        Kind::ApprovalAnswered(_) => "answered",
        Kind::ApprovalUsed(_) => "used",
        Kind::RetentionChosen(_) => "retention",
        Kind::SigningKeyRotated(_) => "signing key rotated",
        Kind::KekRotated(_) => "KEK rotated",
        Kind::HoldPlaced(_) => "hold placed",
        Kind::HoldReviewed(_) => "hold reviewed",
        Kind::HoldReleased(_) => "hold released",
        Kind::Expired(_) => "expired",
        Kind::IdentityDeactivated(_) => "identity deactivated",
        Kind::IdentityMasked(_) => "identity masked",
        Kind::IdentityErased(_) => "identity erased",
        Kind::IdentityRestricted(_) => "identity restricted",
        Kind::RestrictionLifted(_) => "restriction lifted",
        Kind::ControllerClosed(_) => "controller closed",
        Kind::TrailRestored(_) => "trail restored",
    }
}

/// Whether an answer was as expected: code and phrase of a refusal, or none.
pub(crate) fn judged<T: std::fmt::Debug>(about: &str, answer: Result<T, Status>, expected: Option<(Code, &str)>) {
    match (answer, expected) {
        (Ok(_), None) => {}
        (Err(status), Some((code, phrase))) => {
            assert!(status.code() == code && status.message().contains(phrase), "{about}: {status:?}");
        }
        (answer, expected) => panic!("{about}: {answer:?}, expected {expected:?}"),
    }
}

/// The message alone.
pub(crate) fn inner<T>(answer: Result<Response<T>, Status>) -> Result<T, Status> {
    answer.map(Response::into_inner)
}
