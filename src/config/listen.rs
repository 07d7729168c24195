//! `listen`, `[tls]` and `[limits]` of the configuration: which ways lead in.

use std::fmt;
use std::path::PathBuf;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, MapAccess, Visitor};

use super::{File, Size};
use crate::grpc::auth::rates::Rate;
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
    /// Most events a second of one caller.
    pub caller_events: Option<u64>,
    /// Most bytes of messages a second of one caller.
    pub caller_bytes: Option<Size>,
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
    let rate = Rate { events: file.limits.caller_events, bytes: file.limits.caller_bytes.map(|size| size.0) };
    for (name, rate) in [("caller_events", rate.events), ("caller_bytes", rate.bytes)] {
        if rate == Some(0) {
            wrong.push(format!("limits.{name} is 0: nobody could call"));
        }
    }
    let tls = tls.map(|tls| Files {
        certificate: tls.certificate.clone(),
        key: tls.key.clone(),
        client_ca: tls.client_ca.clone(),
        crl: tls.crl.clone(),
    });
    if wrong.is_empty() { Ok(Ways { listeners, tls, connections, rate }) } else { Err(wrong) }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::config::EXAMPLE;

    const TLS: &str = "[tls]\ncertificate = \"c\"\nkey = \"k\"\n";
    const MUTUAL: &str = "[tls]\ncertificate = \"c\"\nkey = \"k\"\nclient_ca = \"a\"\n";

    fn of(text: &str) -> Result<Ways, Vec<String>> {
        ways(None, &File::parse(text).expect("is TOML of known keys"))
    }

    fn table(role: &str, lines: &str) -> String {
        format!("[listen.{role}]\n{lines}\n")
    }

    /// Each listener as the settings show it.
    #[test]
    fn what_is_not_said_follows_from_what_is() {
        let far = "address = \"192.0.2.1:1\"";
        let rows: [(String, &[&str]); 10] = [
            (String::new(), &["127.0.0.1:7425, plaintext"]),
            ("listen = \"[::1]:9\"".into(), &["[::1]:9, plaintext"]),
            ("listen = \"unix:/s\"".into(), &["unix:/s, mode 0660"]),
            (format!("listen = \"0.0.0.0:1\"\n{TLS}"), &["0.0.0.0:1, TLS, client certificate none"]),
            (format!("listen = \"0.0.0.0:1\"\n{MUTUAL}"), &["0.0.0.0:1, TLS, client certificate required"]),
            (format!("listen = \"unix:/s\"\n{MUTUAL}"), &["unix:/s, mode 0660"]),
            (
                MUTUAL.to_owned()
                    + &table("history", &format!("{far}\nclient_certificate = \"optional\""))
                    + &table("ingest", "address = \"unix:/s\"\nmode = \"0600\"\ngroup = \"akta\"")
                    + &table("ops", "address = \"127.0.0.1:2\"\ntls = false"),
                &[
                    "unix:/s, mode 0600, group akta",
                    "192.0.2.1:1, TLS, client certificate optional",
                    "127.0.0.1:2, plaintext",
                ],
            ),
            (
                format!("{MUTUAL}client_certificate = \"optional\"\n") + &table("api", far),
                &["192.0.2.1:1, TLS, client certificate optional"],
            ),
            (table("api", &format!("{far}\nplaintext_off_loopback = true")), &["192.0.2.1:1, PLAINTEXT OFF LOOPBACK"]),
            (
                TLS.to_owned() + &table("api", &format!("{far}\ntls = false\nplaintext_off_loopback = true")),
                &["192.0.2.1:1, PLAINTEXT OFF LOOPBACK"],
            ),
        ];
        for (text, expected) in rows {
            let ways = of(&text).unwrap_or_else(|wrong| panic!("{text}: {wrong:?}"));
            let listeners: Vec<_> = ways.listeners.iter().map(ToString::to_string).collect();
            assert_eq!(listeners, expected, "{text}");
        }
        let ways = of("[limits]\nconnections = 10\n[listen.ops]\naddress = \"127.0.0.1:1\"\nconnections = 3");
        let ways = ways.expect("is good");
        assert_eq!((ways.connections, ways.listeners[0].connections), (10, 3));
        let file = File::parse(&table("api", far)).expect("is good");
        let given = ways_of_flag(&file);
        assert_eq!(given, "127.0.0.1:5, plaintext", "a flag goes before the file's listeners");
    }

    fn ways_of_flag(file: &File) -> String {
        let flag = Listen::Tcp(([127, 0, 0, 1], 5).into());
        ways(Some(&flag), file).expect("is good").listeners[0].to_string()
    }

    #[test]
    fn what_does_not_fit_together_is_refused_with_the_remedy() {
        let near = "address = \"127.0.0.1:1\"";
        let unix = "address = \"unix:/s\"";
        let rows = [
            ("listen = \"here\"".to_owned(), "\"here\" is neither ADDRESS:PORT nor unix:PATH"),
            ("[listen]".to_owned(), "listen has no table"),
            (table("ops", "address = \"here\""), "listen.ops: \"here\" is neither"),
            (table("ops", "address = \"0.0.0.0:1\""), "listen.ops: refused to listen in plaintext"),
            (TLS.to_owned() + &table("ops", "address = \"0.0.0.0:1\"\ntls = false"), "refused to listen in plaintext"),
            (table("ops", &format!("{near}\ntls = true")), "tls = true needs [tls]"),
            (TLS.to_owned() + &table("ops", &format!("{unix}\ntls = true")), "a Unix socket has no TLS"),
            (table("ops", &format!("{near}\nclient_certificate = \"none\"")), "client_certificate needs TLS"),
            (
                TLS.to_owned() + &table("ops", &format!("{near}\nclient_certificate = \"required\"")),
                "listen.ops: client_certificate needs tls.client_ca",
            ),
            (format!("{TLS}client_certificate = \"optional\""), "tls.client_certificate needs tls.client_ca"),
            (format!("{TLS}crl = \"r\""), "tls.crl needs tls.client_ca"),
            (
                TLS.to_owned() + &table("ops", &format!("{near}\nplaintext_off_loopback = true")),
                "say tls = false as well",
            ),
            (table("ops", &format!("{near}\nmode = \"0600\"")), "mode and group are for Unix sockets"),
            (table("ops", &format!("{unix}\nmode = \"rw\"")), "such as \"0660\""),
            (table("ops", &format!("{unix}\nmode = \"7777\"")), "such as \"0660\""),
            (table("ops", &format!("{near}\nconnections = 0")), "listen.ops: connections is 0"),
            ("[limits]\nconnections = 0".to_owned(), "limits.connections is 0"),
            ("[limits]\ncaller_events = 0".to_owned(), "limits.caller_events is 0"),
            ("[limits]\ncaller_bytes = \"0 MiB\"".to_owned(), "limits.caller_bytes is 0"),
        ];
        for (text, why) in rows {
            let wrong = of(&text).expect_err(&text);
            assert!(wrong.len() == 1 && wrong[0].contains(why), "{text}: {wrong:?}");
        }
        for (text, why) in [
            ("listen = 7", "expected \"ADDRESS:PORT\", \"unix:PATH\" or tables such as [listen.ingest]"),
            ("[listen.ingst]\naddress = \"a\"", "unknown field `ingst`"),
            ("[listen.ingest]\nadress = \"a\"", "unknown field `adress`"),
            ("[listen.ingest]\ntls = true", "missing field `address`"),
            ("[tls]\ncert = \"c\"", "unknown field `cert`"),
            ("[tls]\nkey = \"k\"", "missing field `certificate`"),
        ] {
            let error = File::parse(text).expect_err(text).to_string();
            assert!(error.contains(why), "{text}: {error}");
        }
    }

    /// What the example has as comments is good too.
    #[test]
    fn the_example_s_tables_are_good() {
        let is_key = |text: &str| text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        let is_code = |text: &str| text.starts_with('[') || text.split_once(" = ").is_some_and(|(key, _)| is_key(key));
        let tables = EXAMPLE.lines().map(|line| line.strip_prefix("# ").filter(|text| is_code(text)).unwrap_or(line));
        let text = tables.filter(|line| !line.starts_with("listen = ")).collect::<Vec<_>>().join("\n");
        let ways = of(&text).unwrap_or_else(|wrong| panic!("{wrong:?}"));
        assert_eq!(ways.listeners.len(), 3);
        assert!(ways.tls.is_some_and(|tls| tls.crl.is_some()));
    }
}
