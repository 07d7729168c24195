//! Where an issuer's key set is read: a file, or an address.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

use zeroize::Zeroizing;

use super::jwks::JWKS_BYTES_MAX;
use super::token::TOKEN_BYTES_MAX;
use crate::https::Https;

/// A place that gives a key set.
pub trait Source: Send + Sync {
    /// Its bytes, which may be more than are taken. Waits for a disk or a network. The error says what is wrong, for the log.
    fn read(&self) -> Result<Vec<u8>, String>;

    /// How often it is read.
    fn rhythm(&self) -> Duration;
}

/// A file, for example out of a mounted secret or configuration map: read every 10 s, so that a changed one counts
/// soon, however it was put there.
#[derive(Debug, Clone)]
pub struct JwksFile(pub PathBuf);

impl Source for JwksFile {
    fn read(&self) -> Result<Vec<u8>, String> {
        read_file(&self.0, JWKS_BYTES_MAX)
    }

    fn rhythm(&self) -> Duration {
        Duration::from_secs(10)
    }
}

/// An address: `jwks_uri` of an OpenID provider, or `/openid/v1/jwks` of a Kubernetes API server. Read every 5 minutes.
pub struct JwksUrl {
    client: Https,
    url: String,
    /// File with a bearer token to show: an API server asks for one unless it is told otherwise.
    token_file: Option<PathBuf>,
}

impl JwksUrl {
    /// That address, checked with the certificates in `ca_file`, or the system's.
    pub fn new(url: &str, ca_file: Option<&Path>, token_file: Option<PathBuf>) -> Result<Self, String> {
        let client = Https::new(ca_file)?;
        Https::check(url)?;
        Ok(Self { client, url: url.to_owned(), token_file })
    }
}

impl Source for JwksUrl {
    fn read(&self) -> Result<Vec<u8>, String> {
        let token = self.token_file.as_deref().map(|path| read_file(path, TOKEN_BYTES_MAX)).transpose()?;
        let token = token.map(Zeroizing::new);
        let text = token.as_ref().map(|token| std::str::from_utf8(token)).transpose();
        let text = text.map_err(|_| "the token file is no text".to_owned())?;
        self.client.get(&self.url, text.map(str::trim), JWKS_BYTES_MAX)
    }

    fn rhythm(&self) -> Duration {
        Duration::from_secs(300)
    }
}

/// One byte more than `most` is enough to see that it is too large.
fn read_file(path: &Path, most: usize) -> Result<Vec<u8>, String> {
    let failed = |error| format!("{}: {error}", path.display());
    // Never grows while it is read: growing would leave copies of a token behind. Room for all of it, or for a little
    // more than may be.
    let size = path.metadata().map_err(failed)?.len();
    let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or(most).min(most) + 64);
    File::open(path).map_err(failed)?.take(most as u64 + 1).read_to_end(&mut bytes).map_err(failed)?;
    Ok(bytes)
}
