//! `listen`, `[tls]` and `[limits]` of the configuration: which ways lead in.

use std::fmt;
use std::path::PathBuf;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, MapAccess, Visitor};

use super::File;
use crate::grpc::transport::listener::{Access, Listen, Listener, Role};
use crate::grpc::transport::tls::{ClientCertificate, Files};
use crate::grpc::transport::{Ways, limits};

/// Where to listen, as the file has it.
#[derive(Debug, Clone)]
pub enum ListenFile {
    /// `listen = "ADDRESS"`: one listener for everything.
    One(String),
    /// `[listen.ROLE]`: one for each.
    Each(Box<Each>),
}

/// The tables `[listen.ROLE]`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Each {
    /// Everything.
    pub api: Option<Table>,
    /// Reports of events.
    pub ingest: Option<Table>,
    /// Reading and stewardship.
    pub history: Option<Table>,
    /// Health.
    pub ops: Option<Table>,
}

/// One of them.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    /// `ADDRESS:PORT` or `unix:PATH`.
    pub address: String,
    /// TLS or not; unless set, TCP has it where there is `[tls]`.
    pub tls: Option<bool>,
    /// Instead of that in `[tls]`.
    pub client_certificate: Option<Wanted>,
    /// Plaintext is meant, though others may read along.
    #[serde(default)]
    pub plaintext_off_loopback: bool,
    /// Permission bits of a Unix socket, in octal: `"0660"`.
    pub mode: Option<String>,
    /// Its group.
    pub group: Option<String>,
    /// Most connections at once.
    pub connections: Option<usize>,
}

/// `client_certificate`.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Wanted {
    /// Not asked for.
    None,
    /// Asked for.
    Optional,
    /// Insisted on.
    Required,
}

/// `[tls]`: PEM files.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsFile {
    /// The server's certificate, and those between it and its authority.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
    /// Authorities of clients.
    pub client_ca: Option<PathBuf>,
    /// What they revoked.
    pub crl: Option<PathBuf>,
    /// Whether clients need a certificate; unless set, they do where there is `client_ca`.
    pub client_certificate: Option<Wanted>,
}

/// `[limits]`.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Most connections at once, of all listeners.
    pub connections: Option<usize>,
}

impl<'de> Deserialize<'de> for ListenFile {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // By hand, for an untagged enum would not say which key of a table is unknown.
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = ListenFile;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("\"ADDRESS:PORT\", \"unix:PATH\" or tables such as [listen.ingest]")
            }

            fn visit_str<E>(self, text: &str) -> Result<ListenFile, E> {
                Ok(ListenFile::One(text.to_owned()))
            }

            fn visit_map<M: MapAccess<'de>>(self, map: M) -> Result<ListenFile, M::Error> {
                let each = Each::deserialize(MapAccessDeserializer::new(map))?;
                Ok(ListenFile::Each(Box::new(each)))
            }
        }
        deserializer.deserialize_any(Either)
    }
}

impl Each {
    /// The tables that are there.
    pub fn tables(&self) -> impl Iterator<Item = (Role, &Table)> {
        let all = [
            (Role::Api, &self.api),
            (Role::Ingest, &self.ingest),
            (Role::History, &self.history),
            (Role::Ops, &self.ops),
        ];
        all.into_iter().filter_map(|(role, table)| Some((role, table.as_ref()?)))
    }
}

/// The ways in that a configuration asks for; `given` is what a flag or a variable says, which goes before the file's
/// `listen`. Whether plaintext stays on the machine is checked too; files are not read.
///
/// # Errors
///
/// All that is wrong, each with its remedy.
pub fn ways(given: Option<&Listen>, file: &File) -> Result<Ways, Vec<String>> {
    let mut wrong = Vec::new();
    let tls = file.tls.as_ref();
    if let Some(tls) = tls {
        check_tls(tls, &mut wrong);
    }
    let listeners = match (given, &file.listen) {
        (Some(listen), _) => vec![one(listen.clone(), tls)],
        (None, Some(ListenFile::One(text))) => match text.parse() {
            Ok(listen) => vec![one(listen, tls)],
            Err(why) => {
                wrong.push(format!("listen: {why}"));
                Vec::new()
            }
        },
        (None, Some(ListenFile::Each(each))) => {
            let found: Vec<_> =
                each.tables().filter_map(|(role, table)| listener(role, table, tls, &mut wrong)).collect();
            if each.tables().next().is_none() {
                wrong.push("listen has no table: give [listen.ingest], [listen.history] or [listen.api]".to_owned());
            }
            found
        }
        (None, None) => vec![one(super::default_listen(), tls)],
    };
    wrong.extend(listeners.iter().filter_map(|listener| listener.check().err()).map(|why| why.to_string()));
    let connections = file.limits.connections.unwrap_or(limits::CONNECTIONS);
    if connections == 0 {
        wrong.push("limits.connections is 0: nobody could call".to_owned());
    }
    let tls = tls.map(|tls| Files {
        certificate: tls.certificate.clone(),
        key: tls.key.clone(),
        client_ca: tls.client_ca.clone(),
        crl: tls.crl.clone(),
    });
    if wrong.is_empty() { Ok(Ways { listeners, tls, connections }) } else { Err(wrong) }
}

fn check_tls(tls: &TlsFile, wrong: &mut Vec<String>) {
    if tls.client_ca.is_none() {
        if matches!(tls.client_certificate, Some(Wanted::Optional | Wanted::Required)) {
            wrong.push("tls.client_certificate needs tls.client_ca: without authorities none can be judged".to_owned());
        }
        if tls.crl.is_some() {
            wrong.push("tls.crl needs tls.client_ca: it names certificates that those authorities revoked".to_owned());
        }
    }
}

/// One listener for everything.
fn one(listen: Listen, tls: Option<&TlsFile>) -> Listener {
    let tls = tls.filter(|_| matches!(listen, Listen::Tcp(_))).map(|tls| wanted(None, tls));
    Listener { tls, ..Listener::plain(Role::Api, listen) }
}

fn listener(role: Role, table: &Table, tls: Option<&TlsFile>, wrong: &mut Vec<String>) -> Option<Listener> {
    let before = wrong.len();
    let mut bad = |why: &str| wrong.push(format!("listen.{role}: {why}"));
    let listen: Listen = match table.address.parse() {
        Ok(listen) => listen,
        Err(why) => {
            bad(&why);
            return None;
        }
    };
    let unix = matches!(listen, Listen::Unix(_));
    let secured = match (table.tls, tls) {
        (Some(true), None) => {
            bad("tls = true needs [tls] with certificate and key");
            None
        }
        (Some(true), Some(_)) if unix => {
            bad("a Unix socket has no TLS: the kernel vouches for both ends; remove tls = true");
            None
        }
        (Some(false), _) | (_, None) => None,
        (Some(true) | None, Some(tls)) => (!unix).then(|| wanted(table.client_certificate, tls)),
    };
    if secured.is_none() && table.client_certificate.is_some() {
        bad("client_certificate needs TLS, which this listener does not have");
    }
    if tls.is_some_and(|tls| tls.client_ca.is_none())
        && matches!(table.client_certificate, Some(Wanted::Optional | Wanted::Required))
    {
        bad("client_certificate needs tls.client_ca: without authorities none can be judged");
    }
    if secured.is_some() && table.plaintext_off_loopback {
        bad("plaintext_off_loopback = true, but it has TLS: remove it, or say tls = false as well");
    }
    if !unix && (table.mode.is_some() || table.group.is_some()) {
        bad("mode and group are for Unix sockets, and this is none");
    }
    let mode = table.mode.as_deref().map_or(Some(Access::default().mode), octal);
    if mode.is_none() {
        bad("mode must be permission bits in octal, such as \"0660\"");
    }
    let connections = table.connections.unwrap_or(limits::connections(role));
    if connections == 0 {
        bad("connections is 0: nobody could call");
    }
    let access = Access { mode: mode.unwrap_or_default(), group: table.group.clone() };
    let plaintext_off_loopback = table.plaintext_off_loopback;
    (wrong.len() == before).then_some(Listener {
        role,
        listen,
        tls: secured,
        plaintext_off_loopback,
        access,
        connections,
    })
}

fn wanted(own: Option<Wanted>, tls: &TlsFile) -> ClientCertificate {
    match own.or(tls.client_certificate) {
        Some(Wanted::None) => ClientCertificate::None,
        Some(Wanted::Optional) => ClientCertificate::Optional,
        Some(Wanted::Required) => ClientCertificate::Required,
        None if tls.client_ca.is_some() => ClientCertificate::Required,
        None => ClientCertificate::None,
    }
}

fn octal(text: &str) -> Option<u32> {
    u32::from_str_radix(text, 8).ok().filter(|mode| *mode <= 0o777 && !text.starts_with('+'))
}
