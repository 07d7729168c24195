//! The example of two schools: an authority and certificates, an issuer and tokens, a KEK, configuration and policy.
#![allow(clippy::unwrap_used)]

use std::fs::OpenOptions;
use std::io::{Error, Result, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::authority::Authority;
use super::issued::{Issued, Wish};

/// As the policy of the example names them.
pub(crate) const ISSUER: &str = "https://login.vendor.example";
const GRADEBOOK: &str = "spiffe://vendor.example/gradebook";
const POLICY: &str = include_str!("../../examples/two-schools/policy.toml");
/// Seconds that the tokens last: a month.
const LASTS: i64 = 30 * 86_400;
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
pub(crate) fn minted(folder: &Path, subject: &str, groups: &[&str]) -> Result<String> {
    let issuer = Issued::with_key(&std::fs::read(folder.join("issuer.key"))?);
    Ok(issuer.token(subject, Wish { issuer: ISSUER, groups, lasts: LASTS, ..Wish::default() }))
}

/// All of it, in a new folder.
pub(crate) fn everything(folder: &Path) -> Result<()> {
    std::fs::create_dir(folder)?;
    let folder = folder.canonicalize()?;
    std::fs::create_dir(folder.join("tokens"))?;
    let write = |name: &str, bytes: &[u8]| -> Result<PathBuf> {
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
        let token = issuer.token(subject, Wish { issuer: ISSUER, groups, lasts: LASTS, ..Wish::default() });
        write(&format!("tokens/{name}"), token.as_bytes())?;
    }
    let mut kek = [0; 32];
    getrandom::fill(&mut kek).map_err(|error| Error::other(error.to_string()))?;
    write("kek", STANDARD.encode(kek).as_bytes())?;
    write("policy.toml", POLICY.as_bytes())?;
    let at = |name: &str| folder.join(name).display().to_string();
    let config = format!(
        "data = {:?}\nauthority = \"akta.vendor.example\"\ncontrollers = [\"school-1\", \"school-2\"]\npolicy = \"policy.toml\"\n\
         kek_file = {:?}\n\n[tls]\ncertificate = {:?}\nkey = {:?}\nclient_ca = {:?}\nclient_certificate = \"optional\"\n\n\
         [listen.api]\naddress = \"127.0.0.1:7426\"\n",
        at("data"),
        at("kek"),
        at("server.crt"),
        at("server.key"),
        at("ca.crt")
    );
    write("akta.toml", config.as_bytes())?;
    println!("made {}: what to do with it stands in examples/two-schools/README.md", folder.display());
    Ok(())
}
