//! Every call of every service, by every role, for its own controller, another's and one that does not exist, and by
//! those who do not prove who they are. The calls come from the descriptors: a new one without a row fails.
#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};

use akta::client::{Client, Tls};
use akta::grpc::api::stream_events_response::Outcome as Answered;
use akta::grpc::api::{self, DeclareIncidentRequest, RecordEventRequest, StreamEventsResponse};
use akta::model::permission::role::Role;
use akta::model::stored::Outcome;
use prost::Message;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::{Code, Request, Status};

use super::authority::{Authority, Identity, Wish as Certificate};
use super::binary::{akta, shown};
use super::calls::{
    APPROVAL, GRANT, HOLD, INCIDENT, LIST, ROWS, WHOLE, approval, event, grant, hold, incident, may, search,
};
use super::issued::{ISSUER, Issued, Wish};
use super::raw::Bytes;
use super::secure::{Files, STUCK, Secure};
use super::support::run;

const OWN: &str = "school-1";
const OTHER: &str = "school-2";
const UNKNOWN: &str = "school-9";
const REPORTER: &str = "spiffe://schools.example/register";
/// Reports for both schools, so that both have a trail.
const SEED: &str = "spiffe://schools.example/seed";

#[test]
fn every_call_has_a_row() {
    let files = prost_types::FileDescriptorSet::decode(api::DESCRIPTORS).unwrap().file;
    let services = files.iter().filter(|file| file.package() == "akta.v1").flat_map(|file| &file.service);
    let calls: BTreeSet<String> = services
        .flat_map(|service| service.method.iter().map(|call| format!("{}/{}", service.name(), call.name())))
        .collect();
    let rows: BTreeSet<String> = ROWS.iter().map(|row| row.0.to_owned()).collect();
    assert_eq!(rows, calls, "a call without a row, or a row without a call");
}

#[test]
fn every_call_by_every_role_for_every_controller() {
    let world = World::new();
    run(async {
        world.seed().await;
        let mut denied = BTreeSet::new();
        let mut told = BTreeMap::<(&str, Role), BTreeSet<String>>::new();
        for (role, of) in Role::ALL.into_iter().flat_map(|role| [OWN, OTHER, UNKNOWN].map(|of| (role, of))) {
            // Each for one controller, so that no caller is refused more kinds of things than are told apart of one.
            let (tls, token) = world.caller(role, of);
            for (call, need, request) in ROWS {
                let answer = world.ask(&tls, token.as_deref(), call, request(of)).await;
                // Nobody here has a role for the whole node.
                let may = may(role, need) && (of == OWN || call == LIST) && call != WHOLE;
                let about = format!("{role}, {call}, {of}: {answer:?}");
                let name = world.name(role, of);
                match answer {
                    Ok(()) => assert!(may, "{about}"),
                    Err(status) => {
                        assert!(!may && status.code() == Code::PermissionDenied, "{about}");
                        told.entry((call, role)).or_default().insert(status.message().to_owned());
                        let of = if call == LIST || call == WHOLE { UNKNOWN } else { of };
                        denied.insert((of, call.split('/').next_back().unwrap().to_owned(), name));
                    }
                }
            }
        }
        // Another's and one that does not exist are not told apart, whoever asks.
        assert!(told.values().all(|texts| texts.len() == 1), "{told:#?}");
        for (of, trail) in [(OWN, OWN), (OTHER, OTHER), (UNKNOWN, "node")] {
            let expected: BTreeSet<_> =
                denied.iter().filter(|row| row.0 == of).map(|(_, call, who)| (call.clone(), who.clone())).collect();
            assert!(expected.len() >= 30, "{} denials for {of}", expected.len());
            world.finds(trail, &expected).await;
        }
    });
}

#[test]
fn nobody_comes_without_proof() {
    let world = World::new();
    let good = Wish::default();
    let tokens: [(&str, Option<String>); 7] = [
        ("no identity", None),
        ("expired", Some(world.issuer.token("contact", Wish { lasts: -120, ..good }))),
        ("wrong audience", Some(world.issuer.token("contact", Wish { audience: "somebody", ..good }))),
        ("alg none", Some(world.issuer.token("contact", Wish { algorithm: "none", ..good }))),
        ("alg HS256", Some(world.issuer.token("contact", Wish { algorithm: "HS256", ..good }))),
        ("wrong key", Some(Issued::new().token("contact", good))),
        ("no token", Some("e30.e30.e30".to_owned())),
    ];
    let valid = (-7_200, -60);
    let expired = world.authority.give(&Certificate { uris: &[REPORTER], valid, ..Certificate::default() });
    let stranger = Authority::new("theirs").workload(REPORTER);
    let revoked = world.authority.workload(REPORTER);
    run(async {
        world.seed().await;
        let plain = world.authority.client(None);
        for (who, token) in &tokens {
            for (call, _, request) in ROWS {
                let answer = world.ask(&plain, token.as_deref(), call, request(OWN)).await;
                assert_eq!(answer.expect_err(who).code(), Code::Unauthenticated, "{who}, {call}");
            }
        }
        // Good until it is revoked, then not even a connection that stands goes on.
        let tls = world.authority.client(Some(&revoked));
        for (call, need, request) in ROWS {
            let answer = world.ask(&tls, None, call, request(OWN)).await;
            assert_eq!(answer.is_ok(), may(Role::Ingest, need), "{call}: {answer:?}");
        }
        world.files.write("ca.crl", &world.authority.revoked(&[&revoked]));
        world.node.hang_up();
        world.node.logged("the changed files are in force");
        for (who, identity) in [("expired", &expired), ("another authority", &stranger), ("revoked", &revoked)] {
            let tls = world.authority.client(Some(identity));
            for (call, _, request) in ROWS {
                assert!(world.ask(&tls, None, call, request(OWN)).await.is_err(), "{who}, {call}");
            }
        }
        let unknown = ROWS.map(|row| (row.0.split('/').next_back().unwrap().to_owned(), String::new()));
        world.finds("node", &unknown.into()).await;
    });
}

#[test]
fn a_source_is_its_reporters_own() {
    let world = World::new();
    run(async {
        let tls = world.authority.client(Some(&world.authority.workload(REPORTER)));
        for (source, good) in [("register", true), ("", true), ("payments", false)] {
            let mut event = event(OWN);
            event.source.get_or_insert_default().service = source.to_owned();
            let request = RecordEventRequest { event: Some(event) }.encode_to_vec();
            let answer = world.ask(&tls, None, ROWS[0].0, request).await;
            assert_eq!(answer.is_ok(), good, "{source}: {answer:?}");
            if let Err(status) = answer {
                assert!(status.code() == Code::InvalidArgument && status.message().contains("source.service"));
            }
        }
        world.finds(OWN, &[("RecordEvent".to_owned(), REPORTER.to_owned())].into()).await;
    });
}

#[test]
fn a_changed_policy_holds_for_the_next_call() {
    let world = World::new();
    run(async {
        world.seed().await;
        let (tls, token) = world.caller(Role::Auditor, OWN);
        let (call, _, request) = ROWS[3];
        world.ask(&tls, token.as_deref(), call, request(OWN)).await.unwrap();
        for (policy, log, code) in [
            (
                world.policy.replace("subject = \"auditor\"", "subject = \"somebody\""),
                "policy: the changed file",
                Some(Code::PermissionDenied),
            ),
            ("roles = 7".to_owned(), "what was in force stays", Some(Code::PermissionDenied)),
            (world.policy.clone(), "policy: the changed file", None),
        ] {
            world.files.write("policy.toml", &policy);
            world.node.hang_up();
            world.node.logged(log);
            let answer = world.ask(&tls, token.as_deref(), call, request(OWN)).await;
            assert_eq!(answer.err().map(|status| status.code()), code, "{log}");
        }
    });
}

#[test]
fn the_command_line_shows_a_token() {
    let world = World::new();
    run(world.seed());
    for (role, good) in [(Role::Auditor, true), (Role::Operator, false)] {
        world.files.write("token", &world.issuer.token(&role.to_string(), Wish::default()));
        let at = |name: &str| world.folder.path().join(name);
        let output = akta()
            .args(["search", "--controller", OWN, "--purpose", "security", "--json", "--server"])
            .arg(format!("https://{}", world.node.address("api")))
            .arg("--ca")
            .arg(at("ca.crt"))
            .arg("--token-file")
            .arg(at("token"))
            .output()
            .unwrap();
        assert_eq!(output.status.success(), good, "{role}: {}", shown(&output));
        assert_eq!(shown(&output).contains("you may not read its trail"), !good, "{role}: {}", shown(&output));
    }
}

/// A node with a policy that gives each role to somebody.
struct World {
    node: Secure,
    files: Files,
    authority: Authority,
    reporters: BTreeMap<String, Identity>,
    issuer: Issued,
    policy: String,
    folder: tempfile::TempDir,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (authority, issuer) = (Authority::new("ours"), Issued::new());
        let files = Files::new(folder.path(), &authority.server(), &authority);
        let reporters = [OWN, OTHER, UNKNOWN].map(reporter);
        let mut policy = format!(
            "[[issuer]]\nurl = \"{ISSUER}\"\naudience = \"akta\"\njwks_file = \"jwks.json\"\nalgorithms = [\"ES256\"]\n\
             [[workload]]\nspiffe = \"{SEED}\"\nservice = \"register\"\ncontrollers = [\"{OWN}\", \"{OTHER}\"]\nroles = [\"ingest\"]\n\
             [[person]]\nissuer = \"{ISSUER}\"\nsubject = \"everywhere\"\ncontrollers = [\"*\"]\nroles = [\"auditor\"]\nstaff = \"processor\"\n",
        );
        for reporter in &reporters {
            policy += &format!(
                "[[workload]]\nspiffe = \"{reporter}\"\nservice = \"register\"\ncontrollers = [\"{OWN}\"]\nroles = [\"ingest\"]\n"
            );
        }
        let asked = [OWN, OTHER, UNKNOWN].into_iter().flat_map(|of| Role::ALL.map(|role| (role, of)));
        for (role, of) in asked.filter(|(role, _)| *role != Role::Ingest) {
            let who = subject(role, of);
            policy += &format!(
                "[[person]]\nissuer = \"{ISSUER}\"\nsubject = \"{who}\"\ncontrollers = [\"{OWN}\"]\nroles = [\"{role}\"]\nstaff = \"controller\"\n"
            );
        }
        // Somebody of each side who reads what was denied.
        policy += &format!(
            "[[person]]\nissuer = \"{ISSUER}\"\nsubject = \"other\"\ncontrollers = [\"{OTHER}\"]\nroles = [\"auditor\"]\nstaff = \"controller\"\n"
        );
        files.write("jwks.json", &issuer.key_set());
        files.write("policy.toml", &policy);
        let config = format!(
            "policy = \"policy.toml\"\n{}client_certificate = \"optional\"\n[listen.api]\naddress = \"127.0.0.1:0\"\n",
            files.table()
        );
        let node = Secure::start(folder.path(), &config, 1);
        let reporters = reporters.map(|reporter| (reporter.clone(), authority.workload(&reporter))).into();
        Self { node, files, authority, reporters, issuer, policy, folder }
    }

    /// Somebody with that role in the first school, who asks about `of`: a workload who reports, a person with a token
    /// else.
    fn caller(&self, role: Role, of: &str) -> (Tls, Option<String>) {
        match role {
            Role::Ingest => (self.authority.client(Some(&self.reporters[&reporter(of)])), None),
            _ => (self.authority.client(None), Some(self.issuer.token(&subject(role, of), Wish::default()))),
        }
    }

    /// The name that they are recorded under.
    fn name(&self, role: Role, of: &str) -> String {
        match role {
            Role::Ingest => reporter(of),
            _ => format!("{ISSUER}#{}", subject(role, of)),
        }
    }

    /// A record in each school's trail; a grant, an incident and a request in the first one's.
    async fn seed(&self) {
        let tls = self.authority.client(Some(&self.authority.workload(SEED)));
        for of in [OWN, OTHER] {
            self.ask(&tls, None, ROWS[0].0, ROWS[0].2(of)).await.unwrap();
        }
        let (tls, token) = self.caller(Role::Contact, OWN);
        let declared = DeclareIncidentRequest { id: INCIDENT.to_owned(), ..incident(OWN) };
        for (call, request) in [
            ("ControllerService/Grant", grant(OWN, GRANT).encode_to_vec()),
            ("ControllerService/DeclareIncident", declared.encode_to_vec()),
            ("ControllerService/AskApproval", approval(OWN, APPROVAL).encode_to_vec()),
            ("RetentionService/PlaceHold", hold(OWN, HOLD).encode_to_vec()),
        ] {
            self.ask(&tls, token.as_deref(), call, request).await.unwrap();
        }
    }

    /// Makes a call; whether it was answered. A stream's refusal counts as the call's.
    async fn ask(&self, tls: &Tls, token: Option<&str>, call: &str, request: Vec<u8>) -> Result<(), Status> {
        let lost = |error: &dyn ToString| Status::new(Code::Aborted, error.to_string());
        let channel = Client::channel(self.node.address("api"), Some(tls)).await.map_err(|error| lost(&error))?;
        let mut grpc = tonic::client::Grpc::new(channel);
        grpc.ready().await.map_err(|error| lost(&error))?;
        let path = PathAndQuery::try_from(format!("/akta.v1.{call}")).unwrap();
        let mut request = Request::new(tokio_stream::once(request));
        if let Some(token) = token {
            request.metadata_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
        }
        let answer =
            tokio::time::timeout(STUCK, grpc.streaming(request, path, Bytes)).await.expect("it answers in time");
        let mut messages = answer?.into_inner();
        while let Some(message) = messages.message().await? {
            if call.ends_with("StreamEvents") {
                let answer = StreamEventsResponse::decode(message.as_slice()).unwrap();
                if let Some(Answered::Refusal(refusal)) = answer.outcome {
                    return Err(Status::new(Code::from(refusal.code.cast_signed()), refusal.message));
                }
            }
        }
        Ok(())
    }

    /// Waits until a trail holds a record of each of these denials: call, and who was denied; nobody, if not known.
    async fn finds(&self, trail: &str, expected: &BTreeSet<(String, String)>) {
        let subject = match trail {
            OWN => "auditor",
            OTHER => "other",
            _ => "everywhere",
        };
        let token = self.issuer.token(subject, Wish::default());
        let channel = Client::channel(self.node.address("api"), Some(&self.authority.client(None))).await.unwrap();
        let mut history = api::history_service_client::HistoryServiceClient::new(channel);
        let begun = std::time::Instant::now();
        loop {
            let mut request = search(trail);
            request.filter = Some(api::EventFilter { outcomes: vec![Outcome::Denied.into()], ..Default::default() });
            let mut request = Request::new(request);
            request.metadata_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
            let events = history.search_events(request).await.unwrap().into_inner().events;
            let found: BTreeSet<_> = events
                .into_iter()
                .filter_map(|recorded| recorded.event)
                .map(|event| {
                    let who = event.actor.and_then(|actor| actor.identity).map(|who| who.id).unwrap_or_default();
                    (event.event_name, who)
                })
                .collect();
            if expected.is_subset(&found) {
                return;
            }
            let missing: Vec<_> = expected.difference(&found).collect();
            assert!(begun.elapsed() < STUCK, "{trail} lacks {missing:?}");
        }
    }
}

/// The workload of the first school that asks about `of`.
fn reporter(of: &str) -> String {
    if of == OWN { REPORTER.to_owned() } else { format!("{REPORTER}/about-{of}") }
}

/// The person of the first school that asks about `of`.
fn subject(role: Role, of: &str) -> String {
    if of == OWN { role.to_string() } else { format!("{role}-about-{of}") }
}
