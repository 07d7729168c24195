//! Somebody leaves a school, from outside: found, masked on a day, restricted, erased by two; what others are told stays the same,
//! and every proof holds.
#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};
use std::process::Output;

use akta::client::{Bearer, Client};
use akta::env::{Clock, SystemClock};
use akta::grpc::api::{
    Actor, ControllerProfile, DeactivateIdentityRequest, EraseIdentityRequest, Event, FindIdentitiesRequest,
    GetEventRequest, Identity, LiftRestrictionRequest, RestrictIdentityRequest, Session, SetControllerRequest, Subject,
    find_identities_request, get_event_request,
};
use akta::model::date::{Date, Zone};
use akta::model::stored::{Action, ErasureGround, Purpose, RetentionClass};
use serde_json::Value;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use super::binary::{akta, shown};
use super::neighbours::{Neighbours, SCHOOLS, with};
use super::skip::skip;
use super::stranger::finds_nothing;
use super::support::{Events, data, run};

const SCHOOL: &str = SCHOOLS[0];
const NAME: &str = "Małgorzata Zięba";
const EMAIL: &str = "m.zieba@szkola.example";
/// A request for approval that nobody made.
const UNKNOWN: &str = "0198c3b2-0000-7cc3-98c4-dc0c0c073999";

/// Who, a command of theirs, its exit status, and words of what it prints. Each follows from those before it. LATER is in 60 days,
/// LATE in 91, SOON in 20; REQUEST is an approval that is asked for, OTHER one for somebody else.
type Row = (&'static str, &'static str, i32, &'static [&'static str]);

#[rustfmt::skip]
const FOUND: &[Row] = &[
    ("auditor", "identity find staff:t-17 --purpose subject-rights", 0, &["staff:t-17", NAME, EMAIL, "access register"]),
    ("auditor", "identity find --name ZIĘBA --purpose subject-rights --json", 0, &["\"id\":\"t-17\"", "\"masked\":false", "\"restricted\":false"]),
    ("auditor", "identity find --email zieba@ --purpose subject-rights", 0, &["staff:t-17"]),
    ("auditor", "identity find --email nobody@ --purpose subject-rights", 1, &["WHO"]),
    ("auditor", "identity find staff:t-99 --purpose subject-rights", 1, &[]),
    ("auditor", "identity find --name Zi --purpose subject-rights", 3, &["display_name: must be at least 3 characters"]),
    ("auditor", "identity find --name Zięba", 2, &["--purpose"]),
    ("auditor", "identity find staff:t-17 --name Zięba --purpose subject-rights", 2, &["cannot be used with"]),
    ("auditor", "search --purpose security --action log-query --json --all", 0, &["FindIdentities", "display_name"]),
];

#[rustfmt::skip]
const STANDING: &[Row] = &[
    ("auditor", "identity deactivate staff:t-17 --ground left", 3, &["you may not decide that"]),
    ("contact", "identity deactivate staff:t-17 --ground left --on LATE", 3, &["mask_on", "90 days ahead"]),
    ("contact", "identity deactivate staff:t-17 --ground left --on 2020-01-01", 3, &["mask_on", "is past"]),
    ("contact", "identity deactivate staff:t-17 --on SOON", 2, &["--ground"]),
    ("contact", "identity deactivate staff:t-99 --ground left", 3, &["nobody of this namespace and id"]),
    ("contact", "identity deactivate staff:t-17 --ground left --on LATER", 0, &["go on LATER", ": notice "]),
    ("contact", "identity deactivate staff:t-17 --ground left --on LATER", 0, &["go on LATER", ": notice "]),
    ("contact", "identity deactivate staff:t-17 --ground left", 0, &["go on LATER", ": notice "]),
    ("contact", "identity deactivate staff:t-17 --ground left --on SOON", 0, &["go on SOON", ": notice "]),
    ("contact", "identity deactivate staff:t-17 --ground left --on LATER", 3, &["mask_on", "give an earlier day"]),
    ("auditor", "identity find staff:t-17 --purpose subject-rights", 0, &[NAME, "on SOON, day 0 of 20"]),
    // Today is at once, and an id that is an address goes with it.
    ("auditor", "identity find guardian:g.lis@dom.example --purpose subject-rights", 0, &["Grażyna Lis"]),
    ("contact", "identity deactivate guardian:g.lis@dom.example --ground asked --on TODAY", 0, &["go on TODAY", ": notice "]),
    ("auditor", "identity find guardian:g.lis@dom.example --purpose subject-rights", 1, &[]),
    ("auditor", "identity find --name Grażyna --purpose subject-rights", 1, &[]),
    ("auditor", "identity restrict staff:t-17 --ground contested", 3, &["you may not decide that"]),
    ("contact", "identity restrict staff:t-17 --ground contested", 0, &["are restricted: notice "]),
    ("contact", "identity restrict staff:t-17 --ground contested --json", 0, &["\"restricted\":true", "\"changed\":true"]),
    ("auditor", "identity find staff:t-17 --purpose subject-rights --json", 0, &["\"restricted\":true"]),
    ("auditor", "search --purpose security --actor staff:t-17", 0, &["0 events", "restricted and left out"]),
    ("auditor", "search --purpose security --actor staff:t-17 --include-restricted", 3, &["no such controller, or you may not"]),
    ("contact", "search --purpose security --actor staff:t-17 --include-restricted", 0, &["4 events"]),
];

#[rustfmt::skip]
const LIFTED: &[Row] = &[
    ("contact", "identity lift staff:t-17 --ground settled", 0, &["are not restricted: notice "]),
    ("contact", "identity lift staff:t-17 --ground settled", 0, &["it was so already"]),
    ("auditor", "search --purpose security --actor staff:t-17", 0, &["4 events"]),
    ("auditor", "identity erase staff:t-17 --dry-run", 3, &["you may not decide that"]),
    ("contact", "identity erase staff:t-17 --dry-run", 0,
        &["SESSION", "erased", "ACCESS", "pseudonymised", "REGISTER", "refused", "art. 17(3)(b)", "nothing was erased"]),
    ("contact", "identity erase staff:t-99 --dry-run", 3, &["nobody of this namespace and id"]),
    ("contact", "identity erase staff:t-17 --ground letter", 2, &["--approval"]),
];

#[rustfmt::skip]
const ERASED: &[Row] = &[
    ("contact", "identity erase staff:t-17 --ground-code contract-ended --ground letter --approval REQUEST", 3, &["needs another"]),
    ("head", "approval agree REQUEST", 0, &[]),
    ("contact", "identity erase staff:t-17 --ground-code contract-ended --ground letter --approval 7", 3, &["approval_id: must be a UUID"]),
    ("contact", "identity erase staff:t-17 --ground-code because --ground letter --approval REQUEST", 2, &["contract-ended", "child-consent"]),
    ("contact", "identity erase staff:t-17 --ground-code contract-ended --ground letter --approval UNKNOWN", 3, &["there is no such request"]),
    ("contact", "identity erase staff:t-17 --ground-code contract-ended --ground letter --approval OTHER", 3, &["there is no such request"]),
    ("contact", "identity erase staff:t-21 --ground-code contract-ended --ground letter --approval REQUEST", 3, &["there is no such request"]),
    ("head", "identity erase staff:t-17 --ground-code contract-ended --ground letter --approval REQUEST", 3, &["only who asked for it"]),
    ("contact", "identity erase staff:t-17 --ground-code contract-ended --ground letter --approval REQUEST", 0,
        &["SESSION", "erased", "REGISTER", "refused", "is erased: notice "]),
    ("contact", "identity erase staff:t-17 --ground-code contract-ended --ground letter --approval REQUEST --json", 0,
        &["\"outcome\":\"pseudonymised\"", "\"kept\":\"register\"", "\"notice\":{"]),
    // As the law has it, who made entries of the register can still be found as that.
    ("auditor", "identity find staff:t-17 --purpose subject-rights --json", 0, &["\"domains\":[\"register\"]"]),
    ("head", "approval agree OTHER", 0, &[]),
    ("contact", "identity erase staff:t-21 --ground-code objection --ground letter --approval OTHER", 0, &["is erased: notice "]),
    ("auditor", "identity find staff:t-21 --purpose subject-rights", 1, &[]),
    // Whoever was erased and whoever never was are not told apart.
    ("contact", "identity erase staff:t-21 --dry-run", 3, &["nobody of this namespace and id is known: find them first"]),
    ("contact", "identity restrict staff:t-21 --ground x", 3, &["nobody of this namespace and id is known: find them first"]),
    ("contact", "identity restrict staff:t-88 --ground x", 3, &["nobody of this namespace and id is known: find them first"]),
    ("auditor", "search --purpose security --actor staff:t-17 --action login", 0, &["0 events"]),
    ("contact", "notices", 0, &["identity deactivated", "identity restricted", "restriction lifted", "identity erased", "contract-ended"]),
    ("contact", "notices --purpose subject-rights", 0, &["letter"]),
];

/// The school's node, with the people who ask it.
struct World {
    inner: Neighbours,
    other: String,
    request: String,
}

fn today() -> Date {
    Zone::default().date(SystemClock.now())
}

impl World {
    fn path(&self, name: &str) -> PathBuf {
        self.inner.folder.path().join(name)
    }

    fn command(&self, who: &str, words: &str) -> Output {
        std::fs::write(self.path("token"), self.inner.token(who, 0)).unwrap();
        let server = format!("https://{}", self.inner.address());
        let mut command = akta();
        command.args(words.split(' ')).args(["--controller", SCHOOL, "--server", &server]);
        command.arg("--ca").arg(self.path("ca.crt")).arg("--token-file").arg(self.path("token")).output().unwrap()
    }

    fn put(&self, text: &str) -> String {
        let day = |days| today().plus_days(days).to_string();
        let days = [("LATER", day(60)), ("LATE", day(91)), ("SOON", day(20)), ("TODAY", day(0))];
        let ids = [("REQUEST", self.request.clone()), ("OTHER", self.other.clone()), ("UNKNOWN", UNKNOWN.to_owned())];
        days.into_iter().chain(ids).fold(text.to_owned(), |text, (word, put)| text.replace(word, &put))
    }

    /// Takes the commands one by one.
    fn ordered(&self, rows: &[Row]) {
        for (who, words, status, phrases) in rows {
            let words = self.put(words);
            let output = self.command(who, &words);
            let told = shown(&output);
            assert_eq!(output.status.code(), Some(*status), "{who}: {words}: {told}");
            for phrase in *phrases {
                assert!(told.contains(&self.put(phrase)), "{who}: {words}: no {:?} in {told}", self.put(phrase));
            }
        }
    }

    /// What a command prints, one object a line.
    fn objects(&self, who: &str, words: &str) -> Vec<Value> {
        let output = self.command(who, words);
        assert!(output.status.success(), "{words}: {}", shown(&output));
        String::from_utf8(output.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    fn asked(&self, about: &str) -> String {
        let words = format!("approval ask erasure --concerning {about} --ground letter --json");
        self.objects("contact", &words)[0]["id"].as_str().unwrap().to_owned()
    }

    async fn client(&self, who: &str) -> Client {
        let tls = self.inner.authority.client(None);
        let channel = Client::channel(self.inner.address(), Some(&tls)).await.unwrap();
        Client::of(channel, Bearer::new(&self.inner.token(who, 0)).unwrap())
    }

    /// What the child's guardians are told, by pseudonyms: it must stay as it is, whoever is forgotten.
    fn report(&self) -> Vec<Value> {
        let words = "search --purpose subject-rights --subject pupil:p-204 --oldest-first --json";
        let mut rows = self.objects("auditor", words);
        rows.iter_mut().for_each(|row| {
            let nameless = |who: &mut Value| *who = who["pseudonym"].take();
            nameless(&mut row["actor"]);
            row["subjects"].as_array_mut().unwrap().iter_mut().for_each(nameless);
        });
        rows
    }

    fn export(&self, name: &str) -> Vec<Value> {
        let words = format!("export --purpose subject-rights -o {}", self.path(name).display());
        let output = self.command("contact", &words);
        assert!(output.status.success(), "{}", shown(&output));
        let text = std::fs::read_to_string(self.path(name)).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

fn teacher() -> Identity {
    Identity { display_name: NAME.to_owned(), email: EMAIL.to_owned(), ..Identity::new("staff", "t-17") }
}

fn by(who: Identity, event: Event) -> Event {
    let actor = event.actor.clone().unwrap();
    Event { controller: SCHOOL.to_owned(), actor: Some(Actor { identity: Some(who), ..actor }), ..event }
}

fn about(mut event: Event, people: &[Identity]) -> Event {
    let subject = |who: &Identity| Subject { identity: Some(who.clone()), ..Subject::default() };
    event.subjects = people.iter().map(subject).collect();
    event
}

/// A day on which the teacher acts alone and about others, is acted upon alone and among others, and somebody else reads.
fn day() -> Vec<Event> {
    let mut events = Events::of(61);
    let child = || Identity::new("pupil", "p-204");
    let office = || Identity::new("staff", "s-3");
    let guardian =
        Identity { display_name: "Grażyna Lis".to_owned(), ..Identity::new("guardian", "g.lis@dom.example") };
    let mut login = Event { resource: None, categories: Vec::new(), ..by(teacher(), about(events.read(), &[])) };
    (login.action, login.purpose) = (Action::Login.into(), 0);
    login.session = Some(Session { id: vec![7; 16], ..Session::default() });
    let mut entered = by(teacher(), about(events.read(), &[child()]));
    (entered.action, entered.retention_class) = (Action::Update.into(), RetentionClass::Register.into());
    vec![
        by(teacher(), about(events.read(), &[child()])),
        login,
        by(teacher(), about(events.read(), &[Identity::new("staff", "t-17")])),
        entered,
        by(office(), about(events.read(), &[Identity::new("staff", "t-17")])),
        by(office(), about(events.read(), &[Identity::new("staff", "t-17"), child()])),
        by(Identity::new("staff", "t-21"), about(events.read(), &[child()])),
        by(guardian, about(events.read(), &[Identity::new("pupil", "p-205")])),
    ]
}

async fn opened() -> World {
    let world = World { inner: Neighbours::new(""), other: String::new(), request: String::new() };
    let mut client = world.inner.reports(0).await;
    let day = day();
    // The trail is there from the first event on; then the school says that it keeps a register.
    client.record(day[0].clone()).await.unwrap();
    let profile = Some(ControllerProfile { register_keeper: true, ..ControllerProfile::default() });
    let set = SetControllerRequest { controller: SCHOOL.to_owned(), profile };
    world.client("head").await.controllers.set_controller(set).await.unwrap();
    client.record_all(day[1..].to_vec()).await.unwrap();
    world
}

/// By position, so that a restriction is seen there, too.
async fn got(world: &World, who: &str, include_restricted: bool) -> Result<(), Status> {
    let (controller, purpose) = (SCHOOL.to_owned(), Purpose::Security.into());
    let key = Some(get_event_request::Key::Seq(1));
    let request = GetEventRequest { controller, purpose, key, include_restricted, ..GetEventRequest::default() };
    world.client(who).await.history.get_event(request).await.map(drop)
}

#[test]
fn somebody_leaves_and_every_proof_stays() {
    let mut world = run(opened());
    world.ordered(FOUND);
    world.ordered(STANDING);
    run(async {
        assert_eq!(got(&world, "auditor", false).await.unwrap_err().code(), Code::NotFound);
        assert_eq!(got(&world, "auditor", true).await.unwrap_err().code(), Code::PermissionDenied);
        got(&world, "contact", true).await.unwrap();
    });
    world.ordered(LIFTED);
    let (report, export) = (world.report(), world.export("before.jsonl"));
    assert_eq!(report.len(), 4);
    (world.request, world.other) = (world.asked("staff:t-17"), world.asked("staff:t-21"));
    world.ordered(ERASED);
    assert_eq!(world.report(), report, "of what the child's guardians are told nothing changes but names");
    let notices = world.objects("contact", "notices --json");
    let notice = |kind: &str| notices.iter().filter(|notice| notice["notice"] == kind).count();
    assert_eq!(
        ["identity_deactivated", "identity_erased", "approval_used", "identity_restricted", "identity_masked"]
            .map(notice),
        [3, 2, 2, 1, 1],
        "{notices:?}"
    );
    assert!(!notices.iter().any(|notice| notice.to_string().contains("t-17")), "in clear nobody is named");

    // Whoever comes back is another person.
    let mut again = Events::of(62);
    run(async {
        let event = by(teacher(), about(again.read(), &[Identity::new("pupil", "p-204")]));
        world.inner.reports(0).await.record(event).await.unwrap();
    });
    let found = world.objects("auditor", "search --purpose security --actor staff:t-17 --class access --json");
    assert!(found.len() == 1 && found[0]["actor"]["pseudonym"] != report[0]["actor"], "{found:?}");
    let after = world.export("after.jsonl");
    let World { inner, .. } = world;
    let Neighbours { node, folder, .. } = inner;
    node.stop();
    proved(folder.path(), &export, &after);
}

/// The export made before verifies as it did, and leads to what there is now.
fn proved(folder: &Path, before: &[Value], after: &[Value]) {
    let records =
        |export: &[Value]| -> Vec<Value> { export.iter().filter(|row| !row["header"].is_null()).cloned().collect() };
    for (then, now) in records(before).iter().zip(records(after)) {
        assert_eq!([&then["header"], &then["link"]], [&now["header"], &now["link"]]);
    }
    let states = |export: &[Value], seq: usize| -> Vec<(String, String)> {
        let word = |part: &Value, field: &str| part[field].as_str().unwrap().to_owned();
        let parts = records(export)[seq]["parts"].as_array().unwrap().clone();
        parts.iter().map(|part| (word(part, "part"), word(part, "verdict"))).collect()
    };
    // The opening, the first event, the school's profile: the login stands at 3.
    let intact = |states: &[(String, String)]| states.iter().all(|(_, verdict)| verdict == "INTACT");
    assert!(intact(&states(before, 3)), "{:?}", states(before, 3));
    let login = states(after, 3);
    for (part, verdict) in &login {
        let erased = ["NET", "SESSION", "DETAIL"].contains(&part.as_str());
        assert_eq!(verdict, if erased { "ERASED" } else { "INTACT" }, "{login:?}");
    }
    assert!(login.iter().any(|(_, verdict)| verdict == "ERASED"), "{login:?}");
    assert!(intact(&states(after, 1)), "what is about a child, too, stays whole: {:?}", states(after, 1));
    let note = &before.iter().find(|row| !row["checkpoint"].is_null()).unwrap()["checkpoint"];
    std::fs::write(folder.join("note"), note["note"].as_str().unwrap()).unwrap();
    let mut verify = akta();
    verify.arg("verify").arg(data(folder)).args([
        "--dev",
        "--json",
        "--vkey",
        note["verification_key"].as_str().unwrap(),
    ]);
    let output = verify.arg("--checkpoint").arg(folder.join("note")).output().unwrap();
    assert!(output.status.success(), "akta verify: {}", shown(&output));
    judged_by_others(folder);
}

/// Whoever has never seen Akta's sources finds nothing either in both exports.
fn judged_by_others(folder: &Path) {
    let Some(python) = std::env::var_os("AKTA_PYTHON") else {
        let why = "AKTA_PYTHON does not name a Python with the verifier's packages";
        return skip("somebody_leaves_and_every_proof_stays", why);
    };
    let at = |name: &str| folder.join(name).into_os_string();
    for (words, path) in [(&["export"][..], at("before.jsonl")), (&["export"], at("after.jsonl"))] {
        finds_nothing(&python, words, Path::new(&path));
    }
}

/// A bad request and what must come of it: path of the field, a phrase of its description.
type Bad<T> = (fn(&mut T), &'static str, &'static str);

fn long() -> String {
    "x".repeat(300)
}

#[rustfmt::skip]
const BAD_ERASURES: &[Bad<EraseIdentityRequest>] = &[
    (|asked| asked.controller = "School".into(), "controller", "must be 1 to 63"),
    (|asked| asked.controller = "node".into(), "controller", "is reserved"),
    (|asked| asked.identity = None, "identity", "is required: say who"),
    (|asked| asked.identity = Some(Identity::new("Staff", "t-17")), "identity.namespace", "must be 1 to 63"),
    (|asked| asked.identity = Some(Identity::new("staff", long())), "identity.id", "the limit is 128"),
    (|asked| asked.ground_code = 0, "ground_code", "is required: CONTRACT_ENDED"),
    (|asked| asked.ground_code = 99, "ground_code", "is required: CONTRACT_ENDED"),
    (|asked| asked.ground = String::new(), "ground", "is required: give 1 to 256 bytes"),
    (|asked| asked.ground = long(), "ground", "the limit is 256"),
    (|asked| asked.ground = "a\u{7}".into(), "ground", "has control characters"),
    (|asked| asked.approval_id = String::new(), "approval_id", "must be a UUID"),
    (|asked| (asked.dry_run, asked.identity) = (true, None), "identity", "is required"),
];

#[rustfmt::skip]
const BAD_DEACTIVATIONS: &[Bad<DeactivateIdentityRequest>] = &[
    (|asked| asked.identity = None, "identity", "is required"),
    (|asked| asked.ground = String::new(), "ground", "is required"),
    (|asked| asked.mask_on = "soon".into(), "mask_on", "YYYY-MM-DD"),
    (|asked| asked.mask_on = "2026-02-30".into(), "mask_on", "YYYY-MM-DD"),
    (|asked| asked.mask_on = "1970-01-02".into(), "mask_on", "is past"),
    (|asked| asked.mask_on = "2199-12-31".into(), "mask_on", "90 days"),
];

#[rustfmt::skip]
const BAD_QUESTIONS: &[Bad<FindIdentitiesRequest>] = &[
    (|asked| asked.purpose = 0, "purpose", "is required"),
    (|asked| asked.purpose = 4_711, "purpose", "is not a purpose"),
    (|asked| asked.wanted = None, "wanted", "exactly one of"),
    (|asked| asked.wanted = Some(find_identities_request::Wanted::DisplayName("ab".into())), "display_name", "at least 3 characters"),
    (|asked| asked.wanted = Some(find_identities_request::Wanted::Email(long())), "email", "the limit is 254"),
    (|asked| asked.wanted = Some(find_identities_request::Wanted::Identity(Identity::new("staff", ""))), "identity.id", "is required"),
    (|asked| asked.controller = "node".into(), "controller", "is reserved"),
];

fn refused(status: Status, field: &str, phrase: &str) {
    let details = status.get_error_details();
    let violations = details.bad_request().map(|bad| bad.field_violations.as_slice()).unwrap_or_default();
    let named = violations.iter().any(|bad| bad.field == field && bad.description.contains(phrase));
    assert!(status.code() == Code::InvalidArgument && named, "{field}, {phrase}: {status:?}");
}

#[test]
fn bad_requests_are_told_what_is_wrong() {
    run(async {
        let world = opened().await;
        let mut identities = world.client("contact").await.identities;
        let of = || (SCHOOL.to_owned(), Some(Identity::new("staff", "t-17")), "letter".to_owned());
        for (change, field, phrase) in BAD_ERASURES {
            let ((controller, identity, ground), ground_code) = (of(), ErasureGround::Objection.into());
            let approval_id = UNKNOWN.to_owned();
            let mut asked =
                EraseIdentityRequest { controller, identity, ground_code, ground, approval_id, dry_run: false };
            change(&mut asked);
            refused(identities.erase_identity(asked).await.unwrap_err(), field, phrase);
        }
        for (change, field, phrase) in BAD_DEACTIVATIONS {
            let (controller, identity, ground) = of();
            let mut asked = DeactivateIdentityRequest { controller, identity, ground, mask_on: String::new() };
            change(&mut asked);
            refused(identities.deactivate_identity(asked).await.unwrap_err(), field, phrase);
        }
        for (change, field, phrase) in BAD_QUESTIONS {
            let wanted = Some(find_identities_request::Wanted::DisplayName("Zięba".into()));
            let (controller, purpose) = (SCHOOL.to_owned(), Purpose::SubjectRights.into());
            let mut asked = FindIdentitiesRequest { controller, purpose, wanted, ..Default::default() };
            change(&mut asked);
            refused(identities.find_identities(asked).await.unwrap_err(), field, phrase);
        }
        let (controller, identity, _) = of();
        let asked = RestrictIdentityRequest { controller, identity, ground: String::new() };
        refused(identities.restrict_identity(asked).await.unwrap_err(), "ground", "is required");
        let (controller, _, ground) = of();
        let asked = LiftRestrictionRequest { controller, identity: None, ground };
        refused(identities.lift_restriction(asked).await.unwrap_err(), "identity", "is required");
        // Nothing of it was done.
        let found = FindIdentitiesRequest {
            controller: SCHOOL.to_owned(),
            purpose: Purpose::SubjectRights.into(),
            wanted: Some(find_identities_request::Wanted::Email(EMAIL.to_uppercase())),
            ..Default::default()
        };
        let request = with(found, &world.inner.token("auditor", 0));
        let people =
            world.client("auditor").await.identities.find_identities(request).await.unwrap().into_inner().people;
        let [person] = people.as_slice() else { panic!("{people:?}") };
        assert!(!person.restricted && !person.masked && person.deactivated_on.is_empty(), "{person:?}");
    });
}
