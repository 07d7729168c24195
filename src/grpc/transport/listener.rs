//! Listeners as they are asked for: what they serve, where, and how they are secured.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

use super::limits;
use super::tls::ClientCertificate;

/// Where a listener listens: `ADDRESS:PORT` or `unix:PATH`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Listen {
    /// TCP; port 0 takes a free one.
    Tcp(SocketAddr),
    /// A Unix socket.
    Unix(PathBuf),
}

impl FromStr for Listen {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(path) = text.strip_prefix("unix:") {
            return Ok(Self::Unix(path.into()));
        }
        text.parse().map(Self::Tcp).map_err(|_| format!("\"{text}\" is neither ADDRESS:PORT nor unix:PATH"))
    }
}

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => write!(f, "{address}"),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// What a listener serves; its name in the configuration and in the ready line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Everything: the one listener of `--dev`, and of a node that only its own machine reaches.
    Api,
    /// Reports of events.
    Ingest,
    /// Reading and stewardship.
    History,
    /// Health.
    Ops,
}

impl Role {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::Ingest => "ingest",
            Self::History => "history",
            Self::Ops => "ops",
        }
    }

    /// Whether a listener of this role serves what belongs to `part`.
    pub fn serves(self, part: Self) -> bool {
        self == Self::Api || self == part
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Who may open a Unix socket, besides root and the user that the server runs as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    /// Permission bits.
    pub mode: u32,
    /// Group that owns it: a number, or a name in `/etc/group`; the server's own unless set.
    pub group: Option<String>,
}

impl Default for Access {
    /// 0660: the server's user and group.
    fn default() -> Self {
        Self { mode: 0o660, group: None }
    }
}

/// A listener.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listener {
    /// What it serves.
    pub role: Role,
    /// Where.
    pub listen: Listen,
    /// TLS, and what it wants of its clients; `None` is plaintext.
    pub tls: Option<ClientCertificate>,
    /// Plaintext is meant, also where others can listen in.
    pub plaintext_off_loopback: bool,
    /// Of a Unix socket.
    pub access: Access,
    /// Most connections at once.
    pub connections: usize,
}

/// Plaintext beyond this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "listen.{role}: refused to listen in plaintext on {address}, where others can read along and pretend: give [tls] \
     with certificate and key, or listen on loopback or a Unix socket; if something in front encrypts, say \
     plaintext_off_loopback = true in [listen.{role}]"
)]
pub struct Plaintext {
    /// Which listener.
    pub role: Role,
    /// Where it was to listen.
    pub address: SocketAddr,
}

impl Listener {
    /// A plaintext listener with everything else as it is unless set.
    pub fn plain(role: Role, listen: Listen) -> Self {
        let connections = limits::connections(role);
        Self { role, listen, tls: None, plaintext_off_loopback: false, access: Access::default(), connections }
    }

    /// Refuses plaintext where others can read along, unless that is meant.
    ///
    /// # Errors
    ///
    /// Where it would listen, with the remedy.
    pub fn check(&self) -> Result<(), Plaintext> {
        match self.listen {
            Listen::Tcp(address)
                if self.tls.is_none() && !self.plaintext_off_loopback && !address.ip().is_loopback() =>
            {
                Err(Plaintext { role: self.role, address })
            }
            Listen::Tcp(_) | Listen::Unix(_) => Ok(()),
        }
    }
}

/// As the ready line and the settings show it.
impl fmt::Display for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.listen)?;
        match (&self.listen, self.tls) {
            (_, Some(wanted)) => write!(f, ", TLS, client certificate {wanted}"),
            (Listen::Tcp(address), None) if address.ip().is_loopback() => f.write_str(", plaintext"),
            (Listen::Tcp(_), None) => f.write_str(", PLAINTEXT OFF LOOPBACK"),
            (Listen::Unix(_), None) => {
                let group = self.access.group.as_deref().map(|group| format!(", group {group}")).unwrap_or_default();
                write!(f, ", mode {:04o}{group}", self.access.mode)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plaintext_stays_on_the_machine_unless_it_is_meant() {
        let of = |listen: &str| Listener::plain(Role::Api, listen.parse().expect("is an address"));
        let meant = |listener| Listener { plaintext_off_loopback: true, ..listener };
        let tls = |listener| Listener { tls: Some(ClientCertificate::None), ..listener };
        let rows = [
            (of("127.0.0.1:7425"), true),
            (of("127.9.9.9:7425"), true),
            (of("[::1]:7425"), true),
            (of("unix:/run/akta.sock"), true),
            (of("0.0.0.0:7425"), false),
            (of("[::]:7425"), false),
            (of("192.0.2.1:7425"), false),
            // Mapped addresses are not loopback by the standard library: refused rather than guessed.
            (of("[::ffff:127.0.0.1]:7425"), false),
            (meant(of("0.0.0.0:7425")), true),
            (tls(of("0.0.0.0:7425")), true),
        ];
        for (listener, good) in rows {
            let checked = listener.check();
            assert_eq!(checked.is_ok(), good, "{listener}");
            if let Err(why) = checked {
                assert!(why.to_string().contains("plaintext_off_loopback = true in [listen.api]"), "{why}");
            }
        }
    }
}
