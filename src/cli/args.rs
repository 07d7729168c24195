//! Arguments that several commands share.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use tonic::transport::Channel;
use zeroize::Zeroizing;

use super::Failure;
use super::words::Word;
use crate::client::{Bearer, Client, Tls};
use crate::config;
use crate::env::{Clock, ClockAhead, SystemClock};
use crate::grpc::api;
use crate::kek::Place;
use crate::model::date::{Date, Timestamp};
use crate::model::origin::Origin;
use crate::model::stored;
use crate::trail::keyring::Kek;

/// That a command which opens a data folder was given one: without these files a new store would be made there.
pub fn is_data(folder: &Path) -> Result<(), Failure> {
    match folder.join("keyring").is_file() && folder.join("db").is_dir() {
        true => Ok(()),
        false => Err(Failure(format!("{} is not a data folder: it has no keyring or no db", folder.display()))),
    }
}

/// Where the server is, whom to trust, what to show.
#[derive(Debug, Args)]
pub struct Server {
    /// Address of the server: HOST:PORT, https://HOST:PORT or unix:PATH
    #[arg(long = "server", env = "AKTA_SERVER", default_value = "127.0.0.1:7425", value_name = "ADDRESS")]
    pub address: String,
    /// Whom to trust, what to show.
    #[command(flatten)]
    pub credentials: Credentials,
}

/// Whom to trust, what to show.
#[derive(Debug, Args)]
pub struct Credentials {
    /// Authorities (PEM) by which the server's certificate is judged; with them, HOST:PORT means https
    #[arg(long, env = "AKTA_CA", value_name = "FILE")]
    pub ca: Option<PathBuf>,
    /// Certificate (PEM) to show to the server
    #[arg(long, env = "AKTA_CERT", value_name = "FILE", requires = "key", requires = "ca")]
    pub cert: Option<PathBuf>,
    /// Private key (PEM) of that certificate
    #[arg(long, env = "AKTA_CERT_KEY", value_name = "FILE", requires = "cert")]
    pub key: Option<PathBuf>,
    /// File with a bearer token to show with each call: a person's from their login, a pod's service-account token
    #[arg(long, env = "AKTA_TOKEN_FILE", value_name = "FILE")]
    pub token_file: Option<PathBuf>,
}

impl Credentials {
    /// What TLS needs, if anything was given.
    fn tls(&self) -> Result<Option<Tls>, Failure> {
        let read = |path: &PathBuf| {
            let bytes = std::fs::read(path).map(Zeroizing::new);
            bytes.map_err(|error| Failure(format!("{}: {error}", path.display())))
        };
        let Some(ca) = self.ca.as_ref().map(read).transpose()? else { return Ok(None) };
        let [cert, key] = [self.cert.as_ref(), self.key.as_ref()].map(|path| path.map(read).transpose());
        let (cert, key) = (cert?, key?);
        let identity = cert.as_ref().zip(key.as_ref()).map(|(cert, key)| (cert.as_slice(), key.as_slice()));
        Ok(Some(Tls::new(&ca, identity)?))
    }

    /// The token to show, if one was given.
    fn bearer(&self) -> Result<Bearer, Failure> {
        let Some(path) = &self.token_file else { return Ok(Bearer::default()) };
        let token = std::fs::read_to_string(path).map(Zeroizing::new);
        let token = token.map_err(|error| match path.to_string_lossy().split('.').count() {
            // The token in the place of its file's name must not be shown as a name.
            3 if path.to_string_lossy().starts_with("ey") => {
                Failure("--token-file is a token itself: give the name of a file that holds it".to_owned())
            }
            _ => Failure(format!("{}: {error}", path.display())),
        })?;
        Ok(Bearer::new(&token)?)
    }

    /// Connects to that address.
    pub async fn connect(&self, address: &str) -> Result<Client, Failure> {
        Ok(Client::of(Client::channel(address, self.tls()?.as_ref()).await?, self.bearer()?))
    }
}

impl Server {
    /// The token to show, if one was given.
    pub fn bearer(&self) -> Result<Bearer, Failure> {
        self.credentials.bearer()
    }

    /// Opens a channel.
    pub async fn channel(&self) -> Result<Channel, Failure> {
        Ok(Client::channel(&self.address, self.credentials.tls()?.as_ref()).await?)
    }

    /// Connects.
    pub async fn connect(&self) -> Result<Client, Failure> {
        self.credentials.connect(&self.address).await
    }
}

/// Where the server is and whose trail is meant.
#[derive(Debug, Args)]
pub struct Target {
    /// Where the server is.
    #[command(flatten)]
    pub server: Server,
    /// Controller (school, organisation) whose trail is meant
    #[arg(long, env = "AKTA_CONTROLLER", value_name = "NAME")]
    pub controller: String,
}

impl Target {
    /// Connects.
    pub async fn connect(&self) -> Result<Client, Failure> {
        self.server.connect().await
    }
}

/// Why somebody asks.
#[derive(Debug, Args)]
pub struct Ground {
    /// Why you ask; it is recorded with your question. For example security, subject-rights, support-ticket
    #[arg(long, value_name = "PURPOSE")]
    pub purpose: Purpose,
    /// Reference of the request or ticket; needed with support-ticket and other
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub purpose_text: String,
}

/// Do what it says without asking first.
#[derive(Debug, Args)]
pub struct Confirm {
    /// Do not ask first; on anything but a terminal it is never asked
    #[arg(long)]
    yes: bool,
}

impl Confirm {
    /// Whether somebody is asked: on a terminal.
    pub fn asks(&self) -> bool {
        !self.yes && std::io::stdin().is_terminal()
    }

    /// Whether it is to be done: on a terminal, somebody is asked.
    pub fn wants(&self, what: &str) -> Result<bool, Failure> {
        let input = std::io::stdin();
        if !self.asks() {
            return Ok(true);
        }
        eprint!("{what}\nGo on? [y/N] ");
        let mut answer = String::new();
        std::io::BufRead::read_line(&mut input.lock(), &mut answer)?;
        let wants = ["y", "yes"].contains(&answer.trim().to_lowercase().as_str());
        if !wants {
            eprintln!("nothing was done");
        }
        Ok(wants)
    }
}

/// The operator's key.
#[derive(Debug, Args)]
pub struct KekArgs {
    /// Use the public key of --dev: for trying out, protects nothing
    #[arg(long)]
    pub dev: bool,
    /// File with the key-encryption key, 32 bytes as base64 (or the key itself in AKTA_KEK)
    #[arg(long, env = "AKTA_KEK_FILE", value_name = "FILE")]
    pub kek_file: Option<PathBuf>,
    /// Instead: file with the key as AWS KMS encrypted it, base64; region and credentials as AWS's own tools take them
    #[arg(long, env = "AKTA_KEK_KMS_FILE", value_name = "FILE")]
    pub kek_kms_file: Option<PathBuf>,
}

impl KekArgs {
    /// The key, if one is given at all.
    pub fn at_hand(&self) -> Result<Option<Kek>, Failure> {
        let place = self.place(None);
        Ok(if place.is_given() { Some(place.provider()?.kek()?) } else { None })
    }

    /// The key.
    pub fn kek(&self) -> Result<Kek, Failure> {
        Ok(self.place(None).provider()?.kek()?)
    }

    /// Where the key comes from. Files of the configuration count where no flag or variable names one.
    pub fn place(&self, config: Option<&config::File>) -> Place {
        let mut place = Place {
            dev: self.dev,
            file: self.kek_file.clone(),
            kms_file: self.kek_kms_file.clone(),
            variable: std::env::var("AKTA_KEK").ok().map(Zeroizing::new),
        };
        if let (None, None, Some(config)) = (&place.file, &place.kms_file, config) {
            place.file = config.kek_file.clone();
            place.kms_file = config.kek_kms_file.clone();
        }
        place
    }
}

/// What time it is, for trying out.
#[derive(Debug, Args)]
pub struct Ahead {
    /// With --dev: the clock runs so many days ahead, to see on a copy what a later day brings; what expires by it is
    /// gone
    #[arg(long, value_name = "N", requires = "dev", value_parser = clap::value_parser!(u32).range(1..=3_660))]
    days_ahead: Option<u32>,
}

impl Ahead {
    /// The clock.
    pub fn clock(&self) -> Arc<dyn Clock> {
        match self.days_ahead {
            None => Arc::new(SystemClock),
            Some(days) => Arc::new(ClockAhead(Duration::from_secs(u64::from(days) * 86_400))),
        }
    }

    /// How many days it is ahead, if it is.
    pub fn days(&self) -> Option<u32> {
        self.days_ahead
    }
}

/// The key that the keyring was sealed under before.
#[derive(Debug, Args)]
pub struct OldKekArgs {
    /// File with the key-encryption key that the keyring was sealed under before (or the key itself in AKTA_OLD_KEK)
    #[arg(long, env = "AKTA_OLD_KEK_FILE", value_name = "FILE")]
    pub old_kek_file: Option<PathBuf>,
    /// Instead: file with that key as AWS KMS encrypted it
    #[arg(long, env = "AKTA_OLD_KEK_KMS_FILE", value_name = "FILE")]
    pub old_kek_kms_file: Option<PathBuf>,
}

impl OldKekArgs {
    /// The key, if one is given.
    pub fn at_hand(&self) -> Result<Option<Kek>, Failure> {
        let place = Place {
            dev: false,
            file: self.old_kek_file.clone(),
            kms_file: self.old_kek_kms_file.clone(),
            variable: std::env::var("AKTA_OLD_KEK").ok().map(Zeroizing::new),
        };
        Ok(if place.is_given() { Some(place.provider()?.kek()?) } else { None })
    }
}

/// A purpose by its word.
pub type Purpose = Word<stored::Purpose>;

/// An action by its word.
pub type Action = Word<stored::Action>;

/// An identity as `NAMESPACE:ID`.
#[derive(Debug, Clone)]
pub struct Who(pub api::Identity);

impl FromStr for Who {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            Some((namespace, id)) if !namespace.is_empty() && !id.is_empty() => {
                Ok(Self(api::Identity::new(namespace, id)))
            }
            _ => Err("must be NAMESPACE:ID, for example pupil:p-204".to_owned()),
        }
    }
}

/// A record as `ORIGIN:SEQ`.
#[derive(Debug, Clone)]
pub struct Reference(pub api::RecordReference);

impl FromStr for Reference {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = text.rsplit_once(':').and_then(|(origin, seq)| Some((Origin::parse(origin)?, seq.parse().ok()?)));
        found.map(|(origin, seq)| Self(api::RecordReference { origin: origin.to_string(), seq })).ok_or_else(|| {
            "must be ORIGIN:SEQ as in a receipt, for example akta.example/school-12/w0a1b2c3d:17".to_owned()
        })
    }
}

/// A point in time: RFC 3339, or a date (midnight UTC).
#[derive(Debug, Clone, Copy)]
pub struct Time(pub Timestamp);

impl FromStr for Time {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Timestamp::parse(text)
            .map(Self)
            .ok_or_else(|| "must be a time like 2026-11-22T10:00:00Z or a date like 2026-11-22".to_owned())
    }
}

/// A day, in whichever zone it is meant.
#[derive(Debug, Clone, Copy)]
pub struct Day(pub Date);

impl FromStr for Day {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Date::parse(text).map(Self).ok_or_else(|| "must be a day like 2026-11-22".to_owned())
    }
}

impl Time {
    /// As the API says it.
    pub fn wire(self) -> prost_types::Timestamp {
        crate::grpc::time::wire(self.0)
    }
}
