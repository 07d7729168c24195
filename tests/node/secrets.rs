//! Keys and tokens are shown by nothing: no Debug, no error, no line of a log at whatever level.
#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::process::Output;
use std::sync::Arc;

use akta::client::{Bearer, Client, Tls};
use akta::env::{ManualClock, SeededEntropy};
use akta::kek::aws::Aws;
use akta::kek::file::KekFile;
use akta::kek::kms::Kms;
use akta::kek::variable::Variable;
use akta::kek::{Place, Provider};
use akta::model::date::{Date, Timestamp, Zone};
use akta::model::origin::Origin;
use akta::model::seal::{Key, LastingKeys, Use, date_key};
use akta::model::vkey::Signer;
use akta::store::files::{Files, MemoryFiles};
use akta::trail::keyring::{self, Kek, Keyring};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::{ZeroizeOnDrop, Zeroizing};

use super::binary::{akta, shown};
use super::scanner::{Planted, coded, look};
use super::schools::School;
use super::secure::Secure;
use super::support::{Events, run};
use super::two_schools::{everything, minted};

/// A key's bytes in all forms in which they may be shown: as they are, hex, base64, and as Rust prints a list.
fn secret(what: &str, bytes: &[u8]) -> Vec<Planted> {
    let named = |form: &str, bytes: Vec<u8>| Planted { what: format!("{what}, {form}"), bytes };
    let list = format!("{:?}", &bytes[..bytes.len().min(32)]);
    let mut planted = vec![
        named("as it is", bytes.to_vec()),
        named("a list", list.trim_matches(['[', ']']).as_bytes().to_vec()),
        named(
            "a list in lines",
            format!("{:#?}", &bytes[..8]).trim_matches(['[', ']', '\n', ' ', ',']).as_bytes().to_vec(),
        ),
    ];
    planted.extend(coded(bytes).into_iter().map(|(form, text)| named(form, text.into_bytes())));
    planted
}

fn assert_hidden(said: &str, planted: &[Planted]) {
    assert_eq!(look(said.as_bytes(), planted), Vec::<String>::new(), "{said}");
}

fn erased<T: ZeroizeOnDrop>() {}

#[test]
fn what_holds_a_key_prints_none() {
    erased::<Key>();
    erased::<Kek>();
    erased::<Signer>();
    erased::<Zeroizing<[u8; 32]>>();

    let bytes: [u8; 32] = std::array::from_fn(|at| 131 + 3 * at as u8);
    let other: [u8; 32] = std::array::from_fn(|at| 200 - 5 * at as u8);
    let (key, kek) = (Key::new(bytes), Kek::new(Key::new(bytes)));
    let mut planted = secret("KEK", &bytes);
    planted.extend(secret("another key", &other));
    planted.extend(secret("AWS's secret", b"zq-aws-secret-7731"));
    planted.extend(secret("AWS's session", b"zq-aws-session-7731"));

    let files = MemoryFiles::new();
    let ring = Keyring::open(Arc::new(files.clone()), kek.clone(), &SeededEntropy::new(3), 0).unwrap();
    let day = Date::from_days(20_000);
    ring.ensure(&Zone::default(), day, 0, &SeededEntropy::new(4)).unwrap();
    let origin = Origin::parse("akta.test/school-12/w0a1b2c3d").unwrap();
    let held = [
        ("lasting key", ring.lasting_key()),
        ("date key", ring.date_key(0, day).unwrap()),
        ("controller key", ring.controller_key(0).unwrap()),
        ("bucket key", ring.bucket_keys(0).unwrap().now),
    ];
    held.iter().for_each(|(what, key)| planted.extend(secret(what, key.bytes())));
    let link = akta::model::header::Link::of_origin(&origin);
    let derived = date_key(Use::Seal, &held[2].1, &held[1].1, &link);
    planted.extend(secret("seal key", derived.bytes()));
    // The control: what is looked for is found where it is.
    assert!(!look(format!("{:?}", key.bytes()).as_bytes(), &planted).is_empty());
    assert!(!look(format!("{:#?}", key.bytes()).as_bytes(), &planted).is_empty());
    assert!(!look(STANDARD.encode(other).as_bytes(), &planted).is_empty());

    let aws = Aws::of(|name| match name {
        "AWS_REGION" => Some("eu-central-1".to_owned()),
        "AWS_SECRET_ACCESS_KEY" => Some("zq-aws-secret-7731".to_owned()),
        "AWS_SESSION_TOKEN" => Some("zq-aws-session-7731".to_owned()),
        _ => None,
    });
    let clock = Arc::new(ManualClock::new(Timestamp::from_nanos(0)));
    let kms = Kms::new("nowhere".into(), aws.clone(), clock);
    let bearer = Bearer::new(&STANDARD.encode(other)).unwrap();
    let answer = akta::https::Answer { status: 403, body: Zeroizing::new(bytes.to_vec()) };
    let signer = ring.signer(&origin).unwrap();
    for said in [
        format!("{key:?} {key:#?} {kek:?} {kek:#?} {derived:?}"),
        format!("{:?} {:#?}", LastingKeys::of(&key), LastingKeys::of(&key)),
        format!("{signer:?} {:?} {:?} {held:?}", signer.vkey(), ring.inventory()),
        format!("{aws:?} {aws:#?} {kms:?} {kms:#?} {bearer:?} {answer:?} {answer:#?}"),
    ] {
        assert_hidden(&said, &planted);
    }
    assert_errors(&files, &kek, &planted, &(STANDARD.encode(bytes), STANDARD.encode(other)), &kms);
}

/// Each way of failing with a key at hand.
fn assert_errors(files: &MemoryFiles, kek: &Kek, planted: &[Planted], texts: &(String, String), kms: &Kms) {
    let shared: Arc<dyn Files> = Arc::new(files.clone());
    let open = |kek: Kek, used| Keyring::open_read_only(shared.clone(), kek, used).map(|_| ()).unwrap_err();
    let wrong = || Kek::new(Key::new([9; 32]));
    let rotated = keyring::rotate(&shared, &wrong(), &Kek::new(Key::new([8; 32])), &SeededEntropy::new(1)).unwrap_err();
    for error in [open(wrong(), 1), open(kek.clone(), 99), open(Kek::dev(), 1), rotated] {
        assert_hidden(&format!("{error} {error:?} {error:#?}"), planted);
    }
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let (one, other) = texts;
    let both = file("both", format!("{one}\n{other}").as_bytes());
    let cut = file("cut", &one.as_bytes()[..40]);
    let binary = file("binary", &STANDARD.decode(one).unwrap());
    let variable = |text: &str| Variable(Zeroizing::new(text.to_owned()));
    let place = Place { file: Some(both.clone()), kms_file: Some(both.clone()), ..Place::default() };
    let errors = [
        KekFile(both).kek().unwrap_err(),
        KekFile(cut).kek().unwrap_err(),
        KekFile(binary).kek().unwrap_err(),
        // The key where its file's name should be.
        KekFile(one.into()).kek().unwrap_err(),
        variable(&format!("{one}{other}")).kek().unwrap_err(),
        variable(&one[..43]).kek().unwrap_err(),
        kms.kek().unwrap_err(),
        place.provider().map(|_| ()).unwrap_err(),
    ];
    for error in errors {
        assert_hidden(&format!("{error} {error:?}"), planted);
        assert!(!format!("{error:?}").contains(&one[..16]), "{error}");
    }
}

/// What a pair of files of the example holds, as it may be shown.
fn of_pem(name: &str, folder: &Path) -> Vec<Planted> {
    let pem = std::fs::read_to_string(folder.join(name)).unwrap();
    let lines: Vec<&str> = pem.lines().filter(|line| !line.starts_with("-----")).collect();
    let der = STANDARD.decode(lines.concat()).unwrap();
    // The secret number is within: 32 bytes from 36 on, in PKCS #8 of P-256.
    let mut planted = secret(name, &der[36..68]);
    planted.push(Planted { what: format!("{name}, a line"), bytes: lines[1].as_bytes().to_vec() });
    planted
}

/// A server that logs all that it can, with a KEK, a token, its own and a client's key; asked well and badly, told to read
/// everything again, and its KEK spoilt; and the commands of a client.
#[test]
fn a_log_at_the_finest_level_shows_no_secret() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("two-schools");
    everything(&folder).unwrap();
    let config = folder.join("akta.toml");
    let text = std::fs::read_to_string(&config).unwrap().replace("127.0.0.1:7426", "127.0.0.1:0");
    std::fs::write(&config, text).unwrap();
    let kek = STANDARD.decode(std::fs::read_to_string(folder.join("kek")).unwrap().trim()).unwrap();
    let mut planted = secret("KEK", &kek);
    for name in ["server.key", "gradebook.key"] {
        planted.extend(of_pem(name, &folder));
    }
    let anna = std::fs::read_to_string(folder.join("tokens/anna")).unwrap();
    // Good, of nobody, and spoilt at its end.
    let tokens =
        [anna.clone(), minted(&folder, "planted-nobody", &[]).unwrap(), format!("{}AA", &anna[..anna.len() - 2])];
    for token in &tokens {
        let signature = token.rsplit('.').next().unwrap();
        planted.push(Planted { what: "the signature of a token".into(), bytes: signature.as_bytes()[..40].to_vec() });
        planted.push(Planted { what: "a token".into(), bytes: token.as_bytes()[..60].to_vec() });
    }

    let mut command = akta();
    command.arg("serve").arg("--config").arg(&config).env("AKTA_LOG", "trace");
    let school = School { node: Secure::of(command, 1), folder: folder.clone() };
    run(async {
        school.report("school-1", 1).await.unwrap();
        school.report("school-3", 2).await.unwrap_err();
        for token in &tokens {
            let tls = Tls::new(&std::fs::read(folder.join("ca.crt")).unwrap(), None).unwrap();
            let channel = Client::channel(school.node.address("api"), Some(&tls)).await.unwrap();
            let mut client = Client::of(channel, Bearer::new(token).unwrap());
            let mut question = super::support::everything();
            "school-1".clone_into(&mut question.controller);
            let _ = client.search_all(question).await;
            let mut event = Events::of(3).read();
            "school-1".clone_into(&mut event.controller);
            client.record(event).await.unwrap_err();
        }
    });
    let mut said = vec![school.node.logged("read")];
    std::fs::write(folder.join("kek"), format!("{}{}", STANDARD.encode(&kek), STANDARD.encode(&kek))).unwrap();
    std::fs::copy(folder.join("gradebook.key"), folder.join("server.crt")).unwrap();
    school.node.hang_up();
    said.push(school.node.logged("the key-encryption key stays the same"));
    said.extend(school.node.stop());
    assert!(said.iter().any(|line| line.contains("TRACE")), "the level does not count: {} lines", said.len());
    let said = said.join("\n");
    // What is found is told without the log, which is long.
    assert_eq!(look(said.as_bytes(), &planted), Vec::<String>::new());
    for output in commands(&folder, &tokens[0], &STANDARD.encode(&kek)) {
        assert_hidden(&shown(&output), &planted);
    }
}

/// Commands that are given secrets in wrong places, at the finest level.
fn commands(folder: &Path, token: &str, kek: &str) -> Vec<Output> {
    let config = folder.join("bad.toml");
    std::fs::write(&config, format!("data = \"data\"\nkek = \"{kek}\"\n")).unwrap();
    let certificates = folder.join("tls.toml");
    let key = folder.join("gradebook.key").display().to_string();
    std::fs::write(
        &certificates,
        format!("data = \"data\"\nauthority = \"a\"\nopen_to_everybody = true\n[tls]\ncertificate = {key:?}\nkey = {key:?}\n[listen.api]\naddress = \"127.0.0.1:0\"\n"),
    )
    .unwrap();
    let search = ["search", "--purpose", "security", "--controller", "school-1", "--server", "https://127.0.0.1:1"];
    let with = |arguments: &[&str]| {
        let mut command = akta();
        command.current_dir(folder).args(arguments).env("AKTA_LOG", "trace").env("AKTA_KEK", kek);
        let output = command.output().unwrap();
        assert!(!output.status.success(), "{}", shown(&output));
        output
    };
    vec![
        with(&["serve", "--config", "bad.toml"]),
        with(&["serve", "--config", "tls.toml"]),
        with(&["serve", "--config", "tls.toml", "--kek-file", kek]),
        with(&["keys", "data", "--kek-file", kek]),
        with(&["verify", "data", "--kek-file", kek]),
        with(&["keys", "data", "--kek-file", "gradebook.key"]),
        with(&["keys", "rotate-kek", "data", "--kek-file", "gradebook.key", "--old-kek-file", kek]),
        with(&[&search[..], &["--ca", "ca.crt", "--token-file", token]].concat()),
        with(&[&search[..], &["--ca", "gradebook.key"]].concat()),
        with(&[&search[..], &["--ca", "ca.crt", "--cert", "gradebook.key", "--key", "gradebook.crt"]].concat()),
        with(&[&search[..], &["--ca", "ca.crt", "--token-file", "gradebook.key"]].concat()),
    ]
}
