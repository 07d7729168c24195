//! TLS 1.3 of the server: certificates in, what a handshake needs out.
//!
//! One provider (ring), handed to every builder: there is no default of the process to depend on. No sessions are
//! resumed: a resumed one would not be asked for its certificate again, which may have ended since.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio_rustls::rustls::client::danger::HandshakeSignatureValid;
use tokio_rustls::rustls::crypto::{CryptoProvider, ring};
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer, UnixTime};
use tokio_rustls::rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use tokio_rustls::rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use tokio_rustls::rustls::sign::{CertifiedKey, SingleCertAndKey};
use tokio_rustls::rustls::time_provider::TimeProvider;
use tokio_rustls::rustls::version::TLS13;
use tokio_rustls::rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, RootCertStore, ServerConfig, SignatureScheme,
};
use zeroize::Zeroizing;

use super::Now;
use super::peer::Leaf;
use crate::model::date::Timestamp;

/// Files of TLS, all PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Files {
    /// The server's certificate, and those between it and its authority.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
    /// Authorities whose client certificates are taken.
    pub client_ca: Option<PathBuf>,
    /// Their lists of revoked certificates.
    pub crl: Option<PathBuf>,
}

/// What a listener wants of its clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientCertificate {
    /// Not asked for one.
    None,
    /// Asked; one that is shown must be good. Without one, or without a SPIFFE id in it, there is no workload.
    Optional,
    /// No connection without a good one that names a workload.
    Required,
}

impl fmt::Display for ClientCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "none",
            Self::Optional => "optional",
            Self::Required => "required",
        })
    }
}

/// Why files of TLS cannot be used; says which one. Never shows what is in them.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("tls: {path}: {error}")]
    Read {
        /// Which.
        path: String,
        /// What.
        error: std::io::Error,
    },
    /// It is not what it should be.
    #[error("tls: {path}: {what}")]
    Content {
        /// Which.
        path: String,
        /// What is wrong.
        what: String,
    },
}

/// The bytes of [`Files`] at one moment.
pub(super) struct Bytes {
    certificate: Vec<u8>,
    key: Zeroizing<Vec<u8>>,
    client_ca: Option<Vec<u8>>,
    crl: Option<Vec<u8>>,
}

impl Bytes {
    /// Reads the files.
    pub(super) fn read(files: &Files) -> Result<Self, TlsError> {
        let read = |path: &Path| {
            std::fs::read(path).map_err(|error| TlsError::Read { path: path.display().to_string(), error })
        };
        Ok(Self {
            certificate: read(&files.certificate)?,
            key: Zeroizing::new(read(&files.key)?),
            client_ca: files.client_ca.as_deref().map(read).transpose()?,
            crl: files.crl.as_deref().map(read).transpose()?,
        })
    }

    /// A digest by which a change is seen.
    pub(super) fn digest(&self) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new();
        let absent = Vec::new();
        let [ca, crl] = [&self.client_ca, &self.crl].map(|bytes| bytes.as_ref().unwrap_or(&absent));
        for bytes in [&self.certificate, &*self.key, ca, crl] {
            hasher.update(&(bytes.len() as u64).to_be_bytes()).update(bytes);
        }
        hasher.finalize().into()
    }
}

/// What handshakes need, made of the files of one moment.
pub struct Loaded {
    /// Without client certificates.
    none: Arc<ServerConfig>,
    /// With them, where there are authorities: who judges, a configuration that asks, one that insists.
    clients: Option<Clients>,
    /// The last second of the server's own certificate.
    pub not_after: Timestamp,
}

struct Clients {
    verifier: Arc<dyn ClientCertVerifier>,
    optional: Arc<ServerConfig>,
    required: Arc<ServerConfig>,
}

impl fmt::Debug for Loaded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Loaded").field("not_after", &self.not_after).finish_non_exhaustive()
    }
}

impl Loaded {
    /// Reads the files and makes of them what handshakes need.
    ///
    /// # Errors
    ///
    /// The first file that cannot be used, and why.
    pub fn read(files: &Files, now: &Now) -> Result<Self, TlsError> {
        Self::of(files, &Bytes::read(files)?, now)
    }

    /// The same of bytes that were read; `files` gives their names.
    pub(super) fn of(files: &Files, bytes: &Bytes, now: &Now) -> Result<Self, TlsError> {
        let bad = |path: &Path, what: String| TlsError::Content { path: path.display().to_string(), what };
        let provider = Arc::new(ring::default_provider());
        let chain = certificates(&bytes.certificate).map_err(|what| bad(&files.certificate, what))?;
        let own = chain.first().and_then(Leaf::read);
        let own = own.ok_or_else(|| bad(&files.certificate, "its first certificate cannot be read".to_owned()))?;
        let key = PrivateKeyDer::from_pem_slice(&bytes.key)
            .map_err(|_| bad(&files.key, "there is no private key in it, as PEM".to_owned()))?;
        let certified = CertifiedKey::from_der(chain, key, &provider)
            .map_err(|error| bad(&files.key, format!("is not the key of {}: {error}", files.certificate.display())))?;
        let certified = Arc::new(certified);
        let config = |verifier| {
            config(&provider, now, &certified, verifier).map_err(|error| bad(&files.certificate, error.to_string()))
        };
        let clients = match (&files.client_ca, &bytes.client_ca) {
            (Some(path), Some(pem)) => {
                let mut roots = RootCertStore::empty();
                for authority in certificates(pem).map_err(|what| bad(path, what))? {
                    roots.add(authority).map_err(|error| bad(path, format!("is not an authority: {error}")))?;
                }
                let crls = revoked(bytes.crl.as_deref().unwrap_or_default());
                let crls = crls.map_err(|what| bad(files.crl.as_deref().unwrap_or(path), what))?;
                let roots = Arc::new(roots);
                let judge = |builder: &dyn Fn() -> tokio_rustls::rustls::server::ClientCertVerifierBuilder| {
                    builder().build().map_err(|error| bad(path, error.to_string()))
                };
                let builder = || {
                    WebPkiClientVerifier::builder_with_provider(roots.clone(), provider.clone())
                        .with_crls(crls.iter().cloned())
                        .only_check_end_entity_revocation()
                };
                let verifier = judge(&builder)?;
                let lenient = judge(&|| builder().allow_unauthenticated())?;
                let strict = Arc::new(Workloads(verifier.clone()));
                Some(Clients { verifier, optional: config(Some(lenient))?, required: config(Some(strict))? })
            }
            _ => None,
        };
        Ok(Self { none: config(None)?, clients, not_after: own.not_after })
    }

    /// What a listener shakes hands with. Without authorities no certificate can be judged, so none is asked for:
    /// settings see to it that there are some.
    pub(super) fn config(&self, wanted: ClientCertificate) -> Arc<ServerConfig> {
        let with = |pick: fn(&Clients) -> &Arc<ServerConfig>| self.clients.as_ref().map_or(&self.none, pick).clone();
        match wanted {
            ClientCertificate::None => self.none.clone(),
            ClientCertificate::Optional => with(|clients| &clients.optional),
            ClientCertificate::Required => with(|clients| &clients.required),
        }
    }

    /// Whether a connection that showed this chain would still be taken.
    pub(super) fn takes(&self, chain: &[CertificateDer<'static>], now: Timestamp) -> bool {
        let (Some(clients), Some((leaf, between))) = (&self.clients, chain.split_first()) else { return false };
        clients.verifier.verify_client_cert(leaf, between, unix(now)).is_ok()
    }
}

fn config(
    provider: &Arc<CryptoProvider>,
    now: &Now,
    certified: &Arc<CertifiedKey>,
    verifier: Option<Arc<dyn ClientCertVerifier>>,
) -> Result<Arc<ServerConfig>, Error> {
    let time = Arc::new(Clock(now.clone()));
    let builder = ServerConfig::builder_with_details(provider.clone(), time).with_protocol_versions(&[&TLS13])?;
    let builder = match verifier {
        Some(verifier) => builder.with_client_cert_verifier(verifier),
        None => builder.with_no_client_auth(),
    };
    let mut config = builder.with_cert_resolver(Arc::new(SingleCertAndKey::from(certified.clone())));
    config.alpn_protocols = vec![b"h2".to_vec()];
    config.send_tls13_tickets = 0;
    config.session_storage = Arc::new(NoServerSessionStorage {});
    Ok(Arc::new(config))
}

fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let found = found.map_err(|_| "cannot be read as PEM".to_owned())?;
    if found.is_empty() { Err("there is no certificate in it, as PEM".to_owned()) } else { Ok(found) }
}

fn revoked(pem: &[u8]) -> Result<Vec<CertificateRevocationListDer<'static>>, String> {
    let found: Result<Vec<_>, _> = CertificateRevocationListDer::pem_slice_iter(pem).collect();
    let found = found.map_err(|_| "cannot be read as PEM".to_owned())?;
    if found.is_empty() && !pem.is_empty() {
        Err("there is no revocation list in it, as PEM".to_owned())
    } else {
        Ok(found)
    }
}

fn unix(now: Timestamp) -> UnixTime {
    UnixTime::since_unix_epoch(Duration::from_secs(u64::try_from(now.parts().0).unwrap_or_default()))
}

/// The server's clock, as rustls asks for it.
struct Clock(Now);

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}

impl TimeProvider for Clock {
    fn current_time(&self) -> Option<UnixTime> {
        Some(unix((self.0)()))
    }
}

/// Takes a certificate that the inner verifier takes if it also names a workload.
#[derive(Debug)]
struct Workloads(Arc<dyn ClientCertVerifier>);

impl ClientCertVerifier for Workloads {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.0.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        leaf: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let verified = self.0.verify_client_cert(leaf, between, now)?;
        let workload = Leaf::read(leaf).and_then(|leaf| leaf.spiffe);
        workload.map(|_| verified).ok_or(Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }
}
