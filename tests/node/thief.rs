//! A thief has the data folder and not the KEK: nothing of what was planted can be had from it, in whatever form.
#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};
use std::process::Command;

use akta::client::{Bearer, Client, Tls};
use akta::grpc::api::{
    AnswerApprovalRequest, AskApprovalRequest, DeclareIncidentRequest, EndGrantRequest, EventFilter, GrantRequest,
    Holder, Identity, RecordedEvent, SearchEventsRequest, TokenHolder, holder,
};
use akta::model::stored::{Action, Deed, Purpose};
use akta::store::Family;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tonic::Code;

use super::binary::{akta, shown};
use super::clear::{ADDRESS_V6, ADDRESSES_V4, TEXTS, allowed, gathered, planted_event};
use super::issued::{Issued, Wish};
use super::scanner::{
    Found, Place, Planted, assert_all_found, assert_found, assert_none, compact, every_form, scan_files, scan_raw,
};
use super::scanner::{look, scan_rows};
use super::secure::Secure;
use super::support::{Events, run, seconds_from_now};
use super::two_schools::{ISSUER, everything, minted};

/// Who calls, by their tokens; what a caller asks for that is not there.
const ASKING: [&str; 6] = [ZOFIA, OSKAR, WATCHER, STRANGER, FORGER, NOWHERE];
const ZOFIA: &str = "planted-zofia-3c1f";
const OSKAR: &str = "planted.oskar@szkola.example";
const WATCHER: &str = "planted-watcher-c3d4";
/// Nobody gave them a role.
const STRANGER: &str = "planted-stranger-4a7b";
/// Whose token another issuer signed.
const FORGER: &str = "planted-forger-5e21";
/// A controller that is none.
const NOWHERE: &str = "planted-school-77d0";

/// Who, why and about whom, in what schools decide: slices of notices. Whoever adds such a call adds its texts here.
const DECIDED: [&str; 7] = [
    "planted-grant-ground: contract section 9-71ce",
    "planted-incident-ground: passwords on a page-83ab",
    "planted-end-ground: no longer needed-64d0",
    "planted-approval-ground: request by letter-2b9e",
    "planted-objection-ground: unknown sender-90fa",
    "pupil:planted-asked-about-17cc",
    HEAD,
];
/// Agrees, or objects.
const HEAD: &str = "planted-head-8e40";

/// Texts of a field that the policy gives to the reporter, or that do not arrive.
const ABSENT: [&str; 3] = ["session-planted-token-e1f7", "service-planted", "nobody-planted-asked-for"];

/// Two schools and their vendor, with TLS, certificates, tokens and a policy.
struct Schools {
    node: Secure,
    folder: PathBuf,
}

impl Schools {
    fn start(folder: PathBuf) -> Self {
        everything(&folder).unwrap();
        let config = folder.join("akta.toml");
        let text = std::fs::read_to_string(&config).unwrap();
        std::fs::write(&config, text.replace("127.0.0.1:7426", "127.0.0.1:0")).unwrap();
        let policy = folder.join("policy.toml");
        let text = std::fs::read_to_string(&policy).unwrap();
        std::fs::write(&policy, text + &more_policy()).unwrap();
        let mut command = akta();
        command.arg("serve").arg("--config").arg(config);
        Self { node: Secure::of(command, 1), folder }
    }

    fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.folder.join(name)).unwrap()
    }

    async fn connect(&self, identity: Option<(&[u8], &[u8])>, token: Option<&str>) -> Client {
        let tls = Tls::new(&self.read("ca.crt"), identity).unwrap();
        let channel = Client::channel(self.node.address("api"), Some(&tls)).await.unwrap();
        Client::of(channel, token.map(|token| Bearer::new(token).unwrap()).unwrap_or_default())
    }

    async fn gradebook(&self) -> Client {
        let (certificate, key) = (self.read("gradebook.crt"), self.read("gradebook.key"));
        self.connect(Some((&certificate, &key)), None).await
    }

    async fn person(&self, subject: &str, groups: &[&str]) -> Client {
        self.connect(None, Some(&minted(&self.folder, subject, groups).unwrap())).await
    }

    /// Plants in every field of events of both schools, in questions, in names of callers, in refusals; what was shown.
    async fn act(&self) -> (Vec<RecordedEvent>, usize) {
        let mut gradebook = self.gradebook().await;
        let mut events = Events::of(21);
        let mut recorded = 0;
        for school in ["school-1", "school-2"] {
            for address in ADDRESSES_V4.into_iter().chain([ADDRESS_V6]) {
                for action in [Action::Read, Action::Disclose, Action::Update, Action::Erase] {
                    let mut event = planted_event(&mut events, address, action);
                    school.clone_into(&mut event.controller);
                    "gradebook".clone_into(&mut event.source.as_mut().unwrap().service);
                    gradebook.record(event).await.unwrap();
                    recorded += 1;
                }
            }
        }
        let mut rows = Vec::new();
        for (who, school) in [(ZOFIA, "school-1"), (OSKAR, "school-2")] {
            let mut contact = self.person(who, &[]).await;
            for filter in filters() {
                rows.extend(contact.search_all(question(school, filter)).await.unwrap());
            }
            // Now what was asked is in the trail, too.
            rows.extend(contact.search_all(question(school, EventFilter::default())).await.unwrap());
        }
        self.decided().await;
        // By a grant of the first school, by an incident at the second.
        let mut watcher = self.person(WATCHER, &["security"]).await;
        for school in ["school-1", "school-2"] {
            assert!(!watcher.search_all(question(school, EventFilter::default())).await.unwrap().is_empty());
        }
        self.refused().await;
        (rows, recorded)
    }

    /// Refusals: by policy, for a controller that is none, of a token that does not hold, of nobody.
    async fn refused(&self) {
        let forged = Issued::new().token(FORGER, Wish { issuer: ISSUER, ..Wish::default() });
        for (mut client, controller, code) in [
            (self.person(STRANGER, &[]).await, "school-1", Code::PermissionDenied),
            (self.person(ZOFIA, &[]).await, "school-2", Code::PermissionDenied),
            (self.person(ZOFIA, &[]).await, NOWHERE, Code::PermissionDenied),
            (self.connect(None, Some(&forged)).await, "school-1", Code::Unauthenticated),
            (self.connect(None, None).await, "school-1", Code::Unauthenticated),
        ] {
            let filter = filters().remove(1);
            let refused = client.search_all(question(controller, filter)).await.unwrap_err();
            assert_eq!(refused.code(), code, "{controller}: {refused}");
        }
    }

    /// What the schools decide, in words of [`DECIDED`].
    async fn decided(&self) {
        let [granted, declared, ended, asked, objected, about, _] = DECIDED.map(str::to_owned);
        let (until, school) = (Some(seconds_from_now(3_600)), "school-1".to_owned());
        let mut zofia = self.person(ZOFIA, &[]).await;
        let watcher = TokenHolder { issuer: ISSUER.to_owned(), name: WATCHER.to_owned() };
        let grant = GrantRequest {
            controller: school.clone(),
            holder: Some(Holder { holder: Some(holder::Holder::Subject(watcher)) }),
            permissions: vec!["search".to_owned(), "export".to_owned()],
            ground: granted,
            until,
            ..GrantRequest::default()
        };
        for ends in [true, false] {
            let id = zofia.controllers.grant(grant.clone()).await.unwrap().into_inner().id;
            if ends {
                let end = EndGrantRequest { controller: school.clone(), id, ground: ended.clone() };
                zofia.controllers.end_grant(end).await.unwrap();
            }
        }
        let ask = AskApprovalRequest {
            controller: school.clone(),
            deed: Deed::Erasure.into(),
            concerning: about,
            ground: asked,
            ..AskApprovalRequest::default()
        };
        let approval = zofia.controllers.ask_approval(ask).await.unwrap().into_inner();
        let answer = AnswerApprovalRequest { controller: school, id: approval.id, agrees: false, ground: objected };
        self.person(HEAD, &[]).await.controllers.answer_approval(answer).await.unwrap();
        let incident = DeclareIncidentRequest {
            controllers: vec!["school-2".to_owned()],
            ground: declared,
            until,
            ..DeclareIncidentRequest::default()
        };
        self.person(OSKAR, &[]).await.controllers.declare_incident(incident).await.unwrap();
    }

    /// Keys and tokens of everybody: they belong to the configuration, never to the data.
    fn secrets(&self) -> Vec<Planted> {
        let mut planted = Vec::new();
        let mut add = |what: String, bytes: Vec<u8>| planted.push(Planted { what, bytes });
        let kek = String::from_utf8(self.read("kek")).unwrap();
        add("KEK, as it is".into(), STANDARD.decode(kek.trim()).unwrap());
        add("KEK, base64".into(), kek.trim().as_bytes().to_vec());
        add("key of the issuer".into(), self.read("issuer.key"));
        for name in ["server.key", "gradebook.key"] {
            let pem = String::from_utf8(self.read(name)).unwrap();
            let lines: Vec<&str> = pem.lines().filter(|line| !line.starts_with("-----")).collect();
            add(format!("{name}, a line"), lines[1].as_bytes().to_vec());
            add(format!("{name}, as it is"), STANDARD.decode(lines.concat()).unwrap());
        }
        for token in ["anna", "security"] {
            let token = String::from_utf8(self.read(&format!("tokens/{token}"))).unwrap();
            add("a token".into(), token.rsplit('.').next().unwrap().as_bytes().to_vec());
        }
        planted
    }
}

/// Two contacts and a head, all with planted names.
fn more_policy() -> String {
    let person = |who: &str, school: &str, role: &str| {
        format!(
            "\n[[person]]\nissuer = \"{ISSUER}\"\nsubject = \"{who}\"\ncontrollers = [\"{school}\"]\nroles = [\"{role}\"]\nstaff = \"controller\"\n"
        )
    };
    [person(ZOFIA, "school-1", "contact"), person(OSKAR, "school-2", "contact"), person(HEAD, "school-1", "approver")]
        .concat()
}

fn question(controller: &str, filter: EventFilter) -> SearchEventsRequest {
    SearchEventsRequest {
        controller: controller.to_owned(),
        purpose: Purpose::SupportTicket.into(),
        purpose_text: "TICKET-planted-2".to_owned(),
        page_size: 1_000,
        filter: Some(filter),
        ..SearchEventsRequest::default()
    }
}

/// Everything, and by everybody and every address that is planted.
fn filters() -> Vec<EventFilter> {
    let mut filters = vec![EventFilter::default()];
    for (namespace, id) in [
        ("staff", "t-4711-planted"),
        ("staff", "anna.idplanted@szkola.example"),
        ("pupil", "p-planted-204"),
        ("pupil", "nobody-planted-asked-for"),
    ] {
        let who = Some(Identity::new(namespace, id));
        filters.push(EventFilter { subject: who.clone(), ..EventFilter::default() });
        filters.push(EventFilter { actor: who, ..EventFilter::default() });
    }
    let address = |address: &str| EventFilter { ip: address.to_owned(), ..EventFilter::default() };
    filters.extend(ADDRESSES_V4.into_iter().chain([ADDRESS_V6]).map(address));
    filters
}

/// As for a folder that nobody stole; RocksDB's own rows besides.
fn harmless(found: &Found) -> bool {
    let event_id = found.what == "event id (bytes)";
    allowed(found) || matches!(&found.place, Place::Raw("index", family) if event_id && family == "event_id")
}

#[test]
fn a_thief_without_the_kek_has_nothing() {
    let place = tempfile::tempdir().unwrap();
    let schools = Schools::start(place.path().join("two-schools"));
    let (rows, recorded) = run(schools.act());
    let mut planted = gathered(&rows, recorded, &ABSENT);
    let texts = TEXTS.iter().chain(&ASKING).chain(&DECIDED);
    planted.extend(texts.flat_map(|text| every_form(text)));
    planted.extend(schools.secrets());
    let Schools { node, folder } = schools;
    node.stop();

    let stolen = place.path().join("stolen");
    std::fs::create_dir(&stolen).unwrap();
    let copied = Command::new("cp").arg("-r").arg(folder.join("data")).arg(&stolen).status().unwrap();
    assert!(copied.success());
    std::fs::remove_file(stolen.join("data/guard")).unwrap();
    assert_none("in the files as they were stolen", scan_files(&stolen, &planted), harmless);
    commands(&stolen, &planted);

    // The same scan finds what is there, in any form.
    let marker = Planted { what: "marker".into(), bytes: b"clear-marker-5c0f83de".to_vec() };
    assert_found(&stolen, Family::Posting, &marker);
    let forms = every_form("clear.marker-5c0f83de@thief.example");
    assert_all_found(&stolen, Family::Part, &forms);
    planted.push(marker);
    planted.extend(forms);
    compact(&stolen);
    assert_none("in the files, unpacked", scan_files(&stolen, &planted), harmless);
    assert_none("in the rows", scan_rows(&stolen, &planted), harmless);
    assert_none("in the rows, past Akta", scan_raw(&stolen, &planted), harmless);
    println!("{} values looked for", planted.len());
}

/// What Akta's own commands tell somebody without the KEK.
fn commands(stolen: &Path, planted: &[Planted]) {
    let data = stolen.join("data");
    let wrong = stolen.join("wrong");
    std::fs::write(&wrong, STANDARD.encode([7; 32])).unwrap();
    for (arguments, code) in [
        (&["verify"][..], 0),
        (&["verify", "--dev"], 3),
        (&["verify", "--kek-file", "wrong"], 3),
        (&["keys", "--dev"], 3),
        (&["keys", "--kek-file", "wrong"], 3),
        (&["keys", "rotate-signing", "--kek-file", "wrong"], 3),
    ] {
        let mut command = akta();
        command.current_dir(stolen).args(arguments).arg(&data);
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {}", shown(&output));
        let said = look(shown(&output).as_bytes(), planted);
        assert_eq!(said, Vec::<String>::new(), "{arguments:?}");
    }
    std::fs::remove_file(wrong).unwrap();
}
