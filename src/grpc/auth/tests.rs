//! Tokens of every kind through one check, with keys made here.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, Ordering};
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::binding::Binding;
use super::claims::{Claims, LEEWAY};
use super::issuer::Issuer;
use super::keys::{GAP, KEEP};
use super::minted::{Signer, base64url, jwks, token};
use super::refresh;
use super::refused::Refused;
use super::source::Source;
use super::token::{TOKEN_BYTES_MAX, Tokens};
use crate::grpc::transport::Now;
use crate::model::date::Timestamp;

const URL: &str = "https://login.example";
const NOW: i64 = 1_800_000_000;

/// A source that says what it is told to, and counts.
#[derive(Clone, Default)]
struct Told {
    set: Arc<Mutex<Vec<u8>>>,
    down: Arc<AtomicBool>,
    asked: Arc<AtomicU32>,
}

impl Source for Told {
    fn read(&self) -> Result<Vec<u8>, String> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        if self.down.load(Ordering::SeqCst) { Err("is down".to_owned()) } else { Ok(self.set.lock().unwrap().clone()) }
    }

    fn rhythm(&self) -> Duration {
        Duration::from_secs(300)
    }
}

struct World {
    tokens: Arc<Tokens>,
    heard: Receiver<()>,
    seen: Vec<refresh::Seen>,
    told: Told,
    seconds: Arc<AtomicI64>,
    now: Now,
}

impl World {
    fn new(signers: &[&Signer]) -> Self {
        let told = Told::default();
        *told.set.lock().unwrap() = jwks(signers);
        let seconds = Arc::new(AtomicI64::new(NOW));
        let clock = seconds.clone();
        let now: Now = Arc::new(move || Timestamp::from_parts(clock.load(Ordering::SeqCst), 0).expect("is in range"));
        let issuer = |url: &str, algorithms: &[&str]| Issuer {
            url: url.to_owned(),
            audience: "akta".to_owned(),
            algorithms: algorithms.iter().map(|name| name.parse().unwrap()).collect(),
            source: Box::new(told.clone()),
        };
        let issuers = vec![issuer(URL, &["ES256", "RS256", "EdDSA"]), issuer("https://es.example", &["ES256"])];
        let (tokens, heard) = Tokens::idle(issuers, now.clone());
        let mut world = Self { tokens: Arc::new(tokens), heard, seen: vec![None; 2], told, seconds, now };
        world.turn();
        world
    }

    fn turn(&mut self) {
        refresh::turn(&self.tokens.issuers, &mut self.seen, &self.now);
    }

    fn wait(&self, time: Duration) {
        self.seconds.fetch_add(i64::try_from(time.as_secs()).unwrap(), Ordering::SeqCst);
    }

    fn verify(&self, token: &str) -> Result<Claims, Refused> {
        self.verify_on(token, None)
    }

    fn verify_on(&self, token: &str, certificate: Option<&Binding>) -> Result<Claims, Refused> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(self.tokens.verify(token, certificate))
    }
}

fn claims() -> Value {
    json!({"iss": URL, "aud": "akta", "sub": "anna", "exp": NOW + 600, "nbf": NOW - 5, "iat": NOW - 5, "groups": ["dpo-school-1"]})
}

fn with(changes: Value) -> Value {
    let mut claims = claims();
    for (name, value) in changes.as_object().unwrap() {
        match value {
            Value::Null => claims.as_object_mut().unwrap().remove(name),
            value => claims.as_object_mut().unwrap().insert(name.clone(), value.clone()),
        };
    }
    claims
}

#[test]
fn good_tokens_of_every_kind_of_key_are_taken() {
    let signers = [Signer::es256("e"), Signer::rs256("r"), Signer::eddsa("d")];
    let world = World::new(&signers.iter().collect::<Vec<_>>());
    let want = Claims {
        issuer: URL.to_owned(),
        subject: "anna".to_owned(),
        groups: vec!["dpo-school-1".to_owned()],
        expires_at: Timestamp::from_parts(NOW + 600, 0).unwrap(),
    };
    for signer in &signers {
        let token = signer.token(&claims());
        assert_eq!(world.verify(&token), Ok(want.clone()), "{}", signer.algorithm());
        assert_eq!(world.verify(&token), Ok(want.clone()), "once more, out of memory");
    }
}

/// As a Kubernetes API server writes it.
#[test]
fn a_service_account_is_a_subject() {
    let signer = Signer::rs256("r");
    let world = World::new(&[&signer]);
    let pod = json!({"namespace": "schools", "serviceaccount": {"name": "gradebook", "uid": "0198c3b2"}});
    let subject = "system:serviceaccount:schools:gradebook";
    let token = signer.token(&with(json!({"aud": ["akta"], "sub": subject, "kubernetes.io": pod, "groups": null})));
    let claims = world.verify(&token).unwrap();
    assert_eq!((claims.subject.as_str(), claims.groups.len()), (subject, 0));
}

#[test]
fn claims_are_held_to_issuer_audience_hour_and_shape() {
    let signer = Signer::es256("e");
    let leeway = i64::try_from(LEEWAY.as_secs()).unwrap();
    let rows = [
        (json!({"exp": NOW - leeway}), Err(Refused::Expired)),
        (json!({"exp": NOW - leeway + 1}), Ok(())),
        (json!({"exp": 0}), Err(Refused::Expired)),
        (json!({"exp": -1}), Err(Refused::Malformed)),
        (json!({"exp": 1e300}), Ok(())),
        (json!({"exp": 1e300, "aud": null}), Err(Refused::Audience)),
        (json!({"exp": 1e15}), Ok(())),
        (json!({"exp": NOW as f64 + 0.5}), Ok(())),
        (json!({"exp": (NOW + 600).to_string()}), Err(Refused::Malformed)),
        (json!({"exp": null}), Err(Refused::Malformed)),
        (json!({"nbf": NOW + leeway + 1}), Err(Refused::NotYet)),
        (json!({"nbf": NOW + leeway}), Ok(())),
        (json!({"nbf": null}), Ok(())),
        (json!({"nbf": "soon"}), Err(Refused::Malformed)),
        (json!({"aud": "other"}), Err(Refused::Audience)),
        (json!({"aud": ["other", "akta"]}), Ok(())),
        (json!({"aud": ["other"]}), Err(Refused::Audience)),
        (json!({"aud": []}), Err(Refused::Audience)),
        (json!({"aud": "AKTA"}), Err(Refused::Audience)),
        (json!({"aud": null}), Err(Refused::Audience)),
        (json!({"aud": 7}), Err(Refused::Audience)),
        (json!({"iss": "https://elsewhere.example"}), Err(Refused::Issuer)),
        (json!({"iss": format!("{URL}/")}), Err(Refused::Issuer)),
        (json!({"iss": [URL]}), Err(Refused::Malformed)),
        (json!({"iss": null}), Err(Refused::Malformed)),
        (json!({"sub": ""}), Err(Refused::Subject)),
        (json!({"sub": "a\nb"}), Err(Refused::Subject)),
        (json!({"sub": "x".repeat(513)}), Err(Refused::Subject)),
        (json!({"sub": 7}), Err(Refused::Malformed)),
        (json!({"sub": null}), Err(Refused::Malformed)),
        (json!({"groups": {"a": 1}}), Err(Refused::Malformed)),
        (json!({"groups": [7]}), Err(Refused::Malformed)),
        (json!({"cnf": "x"}), Err(Refused::Malformed)),
    ];
    for (changes, want) in rows {
        // A world each: what was met is not taken for another.
        let world = World::new(&[&signer]);
        assert_eq!(world.verify(&signer.token(&with(changes.clone()))).map(|_| ()), want, "{changes}");
    }
}

#[test]
fn groups_that_cannot_be_shown_give_no_rights() {
    let signer = Signer::es256("e");
    let world = World::new(&[&signer]);
    for (groups, want) in [
        (json!("one"), vec!["one"]),
        (json!(["a", "b\u{7}", "", "x".repeat(600), "c"]), vec!["a", "c"]),
        (json!(null), vec![]),
    ] {
        assert_eq!(world.verify(&signer.token(&with(json!({"groups": groups})))).unwrap().groups, want);
    }
}

/// What somebody without the private key can put together.
#[test]
fn forged_tokens_are_refused() {
    let (signer, rsa, other) = (Signer::es256("e"), Signer::rs256("r"), Signer::es256("e"));
    let world = World::new(&[&signer, &rsa]);
    let good = signer.token(&claims());
    let parts: Vec<_> = good.split('.').collect();
    let richer = base64url(with(json!({"sub": "root"})).to_string());
    let header = |changes: Value| {
        let mut header = signer.header();
        for (name, value) in changes.as_object().unwrap() {
            header[name] = value.clone();
        }
        header
    };
    let hmac = |key: &[u8], message: &[u8]| {
        let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, key);
        ring::hmac::sign(&key, message).as_ref().to_vec()
    };
    let signed = |header: &Value| token(header, &claims(), |message| signer.sign(message));
    let mut flipped = good.clone().into_bytes();
    let last = flipped.len() - 10;
    flipped[last] = if flipped[last] == b'A' { b'B' } else { b'A' };
    let rows = [
        ("another key", other.token(&claims()), Refused::Signature),
        ("tampered payload", format!("{}.{richer}.{}", parts[0], parts[2]), Refused::Signature),
        ("tampered signature", String::from_utf8(flipped).unwrap(), Refused::Signature),
        ("no signature", format!("{}.{}.", parts[0], parts[1]), Refused::Signature),
        ("two parts", format!("{}.{}", parts[0], parts[1]), Refused::Malformed),
        ("four parts", format!("{good}.x"), Refused::Malformed),
        ("none", token(&header(json!({"alg": "none"})), &claims(), |_| Vec::new()), Refused::Malformed),
        ("None", token(&header(json!({"alg": "NONE"})), &claims(), |_| Vec::new()), Refused::Malformed),
        ("no algorithm", signed(&json!({"kid": "e"})), Refused::Malformed),
        (
            "HMAC with the public point",
            token(&header(json!({"alg": "HS256"})), &claims(), |message| hmac(&signer.public(), message)),
            Refused::Algorithm,
        ),
        (
            "HMAC with the public modulus",
            token(&json!({"alg": "HS256", "kid": "r"}), &claims(), |message| hmac(&rsa.public(), message)),
            Refused::Algorithm,
        ),
        ("an algorithm not on the list", signed(&header(json!({"alg": "ES384"}))), Refused::Algorithm),
        ("the key of another algorithm", signed(&header(json!({"alg": "RS256"}))), Refused::UnknownKey),
        ("an unknown key", signed(&header(json!({"kid": "nobody's"}))), Refused::UnknownKey),
        (
            "its own key in the header",
            token(&header(json!({"jwk": other.jwk()})), &claims(), |m| other.sign(m)),
            Refused::Signature,
        ),
        ("more than a signature", signed(&header(json!({"crit": ["exp"]}))), Refused::Header),
        ("compressed", signed(&header(json!({"zip": "DEF"}))), Refused::Header),
        (
            "a signature as DER",
            token(&signer.header(), &claims(), |_| [&[0x30, 0x44][..], &[2; 68]].concat()),
            Refused::Signature,
        ),
        ("padding", format!("{good}="), Refused::Malformed),
        ("garbage", "\u{0}\u{feff}zażółć".to_owned(), Refused::Malformed),
        ("nothing", String::new(), Refused::Malformed),
        ("long", "x".repeat(TOKEN_BYTES_MAX + 1), Refused::TooLong),
        ("long and good", signer.token(&with(json!({"x": "x".repeat(TOKEN_BYTES_MAX)}))), Refused::TooLong),
        ("deep", format!("{}.{}.x", parts[0], base64url("[".repeat(9_000))), Refused::Malformed),
    ];
    for (what, token, want) in rows {
        let refused = world.verify(&token).expect_err(what);
        assert_eq!(refused, want, "{what}");
        assert!(!token.split('.').any(|part| part.len() > 8 && refused.to_string().contains(part)), "{what} is echoed");
    }
    assert!(world.verify(&good).is_ok());
}

#[test]
fn each_issuer_has_its_own_list_of_algorithms() {
    let (signer, rsa) = (Signer::es256("e"), Signer::rs256("r"));
    let world = World::new(&[&signer, &rsa]);
    let claims = with(json!({"iss": "https://es.example"}));
    assert!(world.verify(&signer.token(&claims)).is_ok());
    assert_eq!(world.verify(&rsa.token(&claims)), Err(Refused::Algorithm));
}

#[test]
fn a_bound_token_needs_its_certificate() {
    let signer = Signer::es256("e");
    let world = World::new(&[&signer]);
    let certificate = b"a certificate";
    let sha256 = |bytes: &[u8]| ring::digest::digest(&ring::digest::SHA256, bytes);
    let binding = |bytes: &[u8]| Binding::to(sha256(bytes).as_ref().try_into().expect("32 bytes"));
    let mine = binding(certificate);
    let hash = base64url(sha256(certificate));
    let bound = |cnf: Value| signer.token(&with(json!({ "cnf": cnf })));
    let good = bound(json!({"x5t#S256": hash}));
    let certificates = [(None, false), (Some(binding(b"another")), false), (Some(mine), true)];
    for (certificate, want) in certificates.into_iter().chain(certificates) {
        let held = world.verify_on(&good, certificate.as_ref());
        assert_eq!(held.map(|_| ()), if want { Ok(()) } else { Err(Refused::Bound) });
    }
    for other in [json!({"jkt": hash}), json!({}), json!({"x5t#S256": "AA"}), json!({"x5t#S256": hash, "jkt": hash})] {
        assert_eq!(world.verify_on(&bound(other.clone()), Some(&mine)), Err(Refused::Bound), "{other}");
    }
    assert!(world.verify_on(&signer.token(&claims()), Some(&mine)).is_ok(), "an unbound one is as good as before");
}

#[test]
fn what_was_met_ends_with_its_hour_and_with_its_key() {
    let (old, new) = (Signer::es256("old"), Signer::es256("new"));
    let mut world = World::new(&[&old]);
    let token = old.token(&claims());
    assert!(world.verify(&token).is_ok());
    world.wait(Duration::from_secs(629));
    assert!(world.verify(&token).is_ok());
    world.wait(Duration::from_secs(1));
    assert_eq!(world.verify(&token), Err(Refused::Expired));

    let long = old.token(&with(json!({"exp": NOW + 1_000_000})));
    assert!(world.verify(&long).is_ok());
    *world.told.set.lock().unwrap() = jwks(&[&new]);
    world.turn();
    assert_eq!(world.verify(&long), Err(Refused::UnknownKey), "the key was withdrawn");
    *world.told.set.lock().unwrap() = br#"{"keys": []}"#.to_vec();
    world.wait(Duration::from_secs(300));
    world.turn();
    assert_eq!(world.verify(&new.token(&claims())), Err(Refused::UnknownKey), "so were all");
}

#[test]
fn keys_stay_while_the_source_is_down_but_not_for_ever() {
    let signer = Signer::es256("e");
    let mut world = World::new(&[&signer]);
    let token = signer.token(&with(json!({"exp": NOW + 1_000_000})));
    world.told.down.store(true, Ordering::SeqCst);
    world.wait(KEEP - Duration::from_secs(1));
    world.turn();
    assert!(world.verify(&token).is_ok());
    world.wait(Duration::from_secs(1));
    // Asked a moment ago: no call waits for it.
    world.turn();
    assert_eq!(world.verify(&token), Err(Refused::NoKeys));
    world.told.down.store(false, Ordering::SeqCst);
    world.wait(Duration::from_secs(60));
    world.turn();
    assert!(world.verify(&token).is_ok());
    *world.told.set.lock().unwrap() = b"<html>".to_vec();
    world.wait(Duration::from_secs(300));
    world.turn();
    assert!(world.verify(&token).is_ok(), "what is no key set changes nothing");
}

#[test]
fn made_up_key_ids_do_not_lead_to_the_issuer() {
    let signer = Signer::es256("e");
    let mut world = World::new(&[&signer]);
    let asked = |world: &World| world.told.asked.load(Ordering::SeqCst);
    let before = asked(&world);
    for _ in 0..100 {
        assert_eq!(world.verify(&Signer::es256("made-up").token(&claims())), Err(Refused::UnknownKey));
        world.turn();
    }
    assert_eq!(asked(&world), before);
    world.wait(GAP);
    world.turn();
    assert_eq!(asked(&world), before + 1, "one of the two issuers was asked for");
    assert!(world.heard.try_recv().is_err(), "and nobody woke the thread before");
}

/// A key that is new at the issuer is there for the first call that needs it.
#[test]
fn a_new_key_is_read_while_the_call_waits() {
    let (old, new) = (Signer::es256("old"), Signer::es256("new"));
    let mut world = World::new(&[&old]);
    world.wait(GAP);
    *world.told.set.lock().unwrap() = jwks(&[&old, &new]);
    let (tokens, token) = (world.tokens.clone(), new.token(&claims()));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let verified = runtime.block_on(async {
        let call = tokio::spawn(async move { tokens.verify(&token, None).await });
        tokio::task::yield_now().await;
        world.heard.try_recv().expect("the thread is woken");
        world.turn();
        call.await.unwrap()
    });
    assert_eq!(verified.map(|claims| claims.subject), Ok("anna".to_owned()));
}

#[test]
fn the_thread_reads_and_ends() {
    let signer = Signer::es256("e");
    let told = Told::default();
    *told.set.lock().unwrap() = jwks(&[&signer]);
    let algorithms = vec!["ES256".parse().unwrap()];
    let issuer = Issuer { url: URL.into(), audience: "akta".into(), algorithms, source: Box::new(told.clone()) };
    let now = Arc::new(|| Timestamp::from_parts(NOW, 0).unwrap());
    let tokens = Tokens::start(vec![issuer], now).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    assert!(runtime.block_on(tokens.verify(&signer.token(&claims()), None)).is_ok());
    drop(tokens);
    // The thread holds the last copy of the source, and lets it go.
    while Arc::strong_count(&told.asked) > 1 {
        std::thread::yield_now();
    }
}

#[test]
fn few_tokens_are_remembered() {
    let signer = Signer::eddsa("d");
    let world = World::new(&[&signer]);
    for number in 0..1_100 {
        let exp = if number < 500 { NOW - 10 } else { NOW + 600 };
        assert!(world.verify(&signer.token(&with(json!({"sub": format!("p-{number}"), "exp": exp})))).is_ok());
    }
    assert!((500..=1_024).contains(&world.tokens.lately.len()), "{}", world.tokens.lately.len());
}

proptest! {
    /// Whatever comes is refused without a panic.
    #[test]
    fn no_bytes_break_it(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        static WORLD: std::sync::LazyLock<Mutex<World>> = std::sync::LazyLock::new(|| Mutex::new(World::new(&[])));
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let json = bytes.iter().map(|byte| char::from(byte & 0x7f)).collect::<String>();
        let world = WORLD.lock().unwrap();
        for token in [text, format!("{}.{}.AA", base64url(&json), base64url(&bytes))] {
            prop_assert!(world.verify(&token).is_err());
        }
    }
}
