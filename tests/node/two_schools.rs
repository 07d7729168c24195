//! The example of two schools: an authority and certificates, an issuer and tokens, a KEK, configuration and policy; and
//! what the schools have decided, by calls.
#![allow(clippy::unwrap_used)]

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use akta::client::{Bearer, Client, Tls};
use akta::config::{File, Listen, listen};
use akta::grpc::api::{
    ControllerProfile, GrantRequest, Holder, OpenControllerRequest, SetLoneApprovalRequest, TokenHolder, holder,
};
use akta::kek::Place;
use akta::model::recipient::Places;
use akta::server::{Options, Server};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::authority::Authority;
use super::issued::{Issued, Wish};

/// What could not be made.
pub(crate) type Made<T> = Result<T, Box<dyn std::error::Error>>;

/// As the policy of the example names them.
pub(crate) const ISSUER: &str = "https://login.vendor.example";
const GRADEBOOK: &str = "spiffe://vendor.example/gradebook";
const POLICY: &str = include_str!("../../examples/two-schools/policy.toml");
/// Seconds that the tokens last: a month.
const LASTS: i64 = 30 * 86_400;
/// Seconds that the grant lasts: a year.
const GRANTED: i64 = 365 * 86_400;
/// Who gets a token: file, subject, group.
const PEOPLE: [(&str, &str, &[&str]); 6] = [
    ("anna", "anna", &[]),
    ("dorota", "dorota", &["dpo-school-2"]),
    ("headmaster-1", "headmaster-1", &[]),
    ("piotr", "piotr", &[]),
    ("platform", "marek", &["platform"]),
    ("security", "ewa", &["security"]),
];

/// One more token of the issuer in that folder.
pub(crate) fn minted(folder: &Path, subject: &str, groups: &[&str]) -> Made<String> {
    let issuer = Issued::with_key(&std::fs::read(folder.join("issuer.key"))?);
    Ok(issuer.token(subject, Wish { issuer: ISSUER, groups, lasts: LASTS, ..Wish::default() }))
}

/// All of it, in a new folder: files first, then a node in it for as long as the schools decide.
pub(crate) fn everything(folder: &Path) -> Made<()> {
    std::fs::create_dir(folder)?;
    let folder = folder.canonicalize()?;
    files(&folder)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(decided(&folder))?;
    println!("made {}: what to do with it stands in examples/two-schools/README.md", folder.display());
    Ok(())
}

fn files(folder: &Path) -> Made<()> {
    std::fs::create_dir(folder.join("tokens"))?;
    let write = |name: &str, bytes: &[u8]| -> std::io::Result<PathBuf> {
        let path = folder.join(name);
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?.write_all(bytes)?;
        Ok(path)
    };
    let authority = Authority::new("Two schools");
    let (server, gradebook) = (authority.server(), authority.workload(GRADEBOOK));
    write("ca.crt", authority.pem.as_bytes())?;
    for (name, identity) in [("server", server), ("gradebook", gradebook)] {
        write(&format!("{name}.crt"), identity.certificate.as_bytes())?;
        write(&format!("{name}.key"), identity.key.as_bytes())?;
    }
    let key = Issued::key();
    let issuer = Issued::with_key(&key);
    write("issuer.key", &key)?;
    write("jwks.json", issuer.key_set().as_bytes())?;
    for (name, subject, groups) in PEOPLE {
        write(&format!("tokens/{name}"), minted(folder, subject, groups)?.as_bytes())?;
    }
    let mut kek = [0; 32];
    getrandom::fill(&mut kek).map_err(|error| error.to_string())?;
    write("kek", STANDARD.encode(kek).as_bytes())?;
    write("policy.toml", POLICY.as_bytes())?;
    let at = |name: &str| folder.join(name).display().to_string();
    let config = format!(
        "data = {:?}\nauthority = \"akta.vendor.example\"\npolicy = \"policy.toml\"\nkek_file = {:?}\n\n\
         [tls]\ncertificate = {:?}\nkey = {:?}\nclient_ca = {:?}\nclient_certificate = \"optional\"\n\n\
         [listen.api]\naddress = \"127.0.0.1:7426\"\n",
        at("data"),
        at("kek"),
        at("server.crt"),
        at("server.key"),
        at("ca.crt")
    );
    write("akta.toml", config.as_bytes())?;
    Ok(())
}

/// The steward opens both schools, each school's contact decides for her own: a grant, and who may approve alone.
async fn decided(folder: &Path) -> Made<()> {
    let file = File::read(&folder.join("akta.toml"))?;
    let free: Listen = "127.0.0.1:0".parse()?;
    let place = Place { dev: false, file: file.kek_file.clone(), kms_file: None, variable: None };
    let server = Server::start(Options {
        copies: None,
        data: folder.join("data"),
        guard: None,
        listen: listen::ways(Some(&free), &file).map_err(|wrong| wrong.join("; "))?,
        kek: place.provider()?.kek()?,
        settings: file.settings(false)?,
        access: file.access(false)?,
        places: Places { region: file.region()?, recipients: file.recipients()?.into() },
        dev: false,
        clock: std::sync::Arc::new(akta::env::SystemClock),
    })
    .await?;
    let tls = Tls::new(&std::fs::read(folder.join("ca.crt"))?, None)?;
    let channel = Client::channel(&format!("https://{}", server.address()), Some(&tls)).await?;
    let by = |who: &str| -> Made<Client> {
        let token = std::fs::read_to_string(folder.join("tokens").join(who))?;
        Ok(Client::of(channel.clone(), Bearer::new(&token)?))
    };
    for school in ["school-1", "school-2"] {
        let profile = ControllerProfile { public_body: true, register_keeper: true, ..ControllerProfile::default() };
        let request = OpenControllerRequest {
            controller: school.to_owned(),
            zone: "Europe/Warsaw".to_owned(),
            profile: Some(profile),
        };
        by("piotr")?.controllers.open_controller(request).await?;
    }
    let security = TokenHolder { issuer: ISSUER.to_owned(), name: "security".to_owned() };
    let until = jiff::Timestamp::now().as_second() + GRANTED;
    let grant = GrantRequest {
        controller: "school-1".to_owned(),
        holder: Some(Holder { holder: Some(holder::Holder::Group(security)) }),
        permissions: vec!["search".to_owned(), "notices".to_owned()],
        ground: "contract of 2026-08-20, section 9: help with suspected misuse".to_owned(),
        until: Some(prost_types::Timestamp { seconds: until, nanos: 0 }),
        ..GrantRequest::default()
    };
    by("anna")?.controllers.grant(grant).await?;
    // The second school is small: its contact decides alone, and waits 48 hours.
    let request = SetLoneApprovalRequest { controller: "school-2".to_owned(), allowed: true };
    by("dorota")?.controllers.set_lone_approval(request).await?;
    drop(channel);
    if server.stop().await { Ok(()) } else { Err("the node did not stop in time".into()) }
}
