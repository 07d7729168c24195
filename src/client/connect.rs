//! How a client reaches a node: plainly, over a Unix socket, or with TLS.

use std::error::Error;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use hyper_util::rt::TokioIo;
use tokio::io::AsyncBufReadExt;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::version::TLS13;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};
use tonic::Status;
use tonic::codegen::http::Uri;
use tonic::transport::{Channel, Endpoint};
use tower::service_fn;

/// To reach the node, handshake included.
const CONNECT: Duration = Duration::from_secs(20);

/// For the server's first words; one that waits for the client's is not wrong.
const GREETING: Duration = Duration::from_secs(2);

/// Why a client cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// Not an address.
    #[error("\"{0}\" is not an address: give HOST:PORT, https://HOST:PORT or unix:PATH")]
    Address(String),
    /// A bad certificate or key. Does not show what is in it.
    #[error("TLS: {0}")]
    Tls(String),
    /// `https://` without somebody to trust.
    #[error("{0} needs an authority to judge the server's certificate by: give --ca FILE (AKTA_CA)")]
    NoAuthority(String),
    /// A token that cannot be sent. It is not shown.
    #[error("the token has characters that no token has: give it as its issuer gave it")]
    Token,
    /// Nobody there, or not let in.
    #[error("connect to {address}: {}; is akta running there?", Reasons(error))]
    Connect {
        /// Where.
        address: String,
        /// What.
        error: tonic::transport::Error,
    },
}

/// An error with what it comes from: tonic says "transport error" and has the reason inside.
struct Reasons<'a>(&'a dyn Error);

impl fmt::Display for Reasons<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&with_sources(self.0.to_string(), self.0))
    }
}

/// What a failed call comes to, in words: the server's own, or why it could not be asked.
pub fn reason(status: &Status) -> String {
    with_sources(status.message().to_owned(), status)
}

fn with_sources(mut said: String, error: &dyn Error) -> String {
    let mut source = error.source();
    while let Some(error) = source {
        let says = error.to_string();
        // Wrappers often repeat what they wrap.
        if !said.contains(&says) {
            said = format!("{said}: {says}");
        }
        source = error.source();
    }
    said
}

/// Whom a client trusts and what it shows: TLS 1.3 only.
#[derive(Debug, Clone)]
pub struct Tls(Arc<ClientConfig>);

impl Tls {
    /// Trusts servers whose certificate an authority in `ca` gave out; shows a certificate, and those between it and
    /// its authority, with its private key. All PEM.
    ///
    /// # Errors
    ///
    /// What of it cannot be read, or that the key is another's.
    pub fn new(ca: &[u8], identity: Option<(&[u8], &[u8])>) -> Result<Self, ConnectError> {
        let bad = |what: String| ConnectError::Tls(what);
        let mut roots = RootCertStore::empty();
        for authority in certificates(ca, "the authority")? {
            roots.add(authority).map_err(|error| bad(format!("the authority is none: {error}")))?;
        }
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(&[&TLS13])
            .map_err(|error| bad(error.to_string()))?
            .with_root_certificates(roots);
        let mut config = match identity {
            Some((chain, key)) => {
                let chain = certificates(chain, "the certificate")?;
                let key = PrivateKeyDer::from_pem_slice(key)
                    .map_err(|_| bad("there is no private key in the key's file, as PEM".to_owned()))?;
                let config = builder.with_client_auth_cert(chain, key);
                config.map_err(|error| bad(format!("the key is not that of the certificate: {error}")))?
            }
            None => builder.with_no_client_auth(),
        };
        config.alpn_protocols = vec![b"h2".to_vec()];
        Ok(Self(Arc::new(config)))
    }
}

fn certificates(pem: &[u8], whose: &str) -> Result<Vec<CertificateDer<'static>>, ConnectError> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match found {
        Ok(found) if !found.is_empty() => Ok(found),
        Ok(_) | Err(_) => Err(ConnectError::Tls(format!("there is no certificate in the file of {whose}, as PEM"))),
    }
}

/// Opens a channel to `unix:PATH`, `http://HOST:PORT`, `https://HOST:PORT` or `HOST:PORT`, which has TLS if there is
/// something to trust by.
pub(super) async fn channel(address: &str, tls: Option<&Tls>) -> Result<Channel, ConnectError> {
    let uri = match address.strip_prefix("unix:") {
        Some(path) => format!("unix://{path}"),
        None if address.contains("://") => address.to_owned(),
        None if tls.is_some() => format!("https://{address}"),
        None => format!("http://{address}"),
    };
    let endpoint = Endpoint::from_shared(uri).map_err(|_| ConnectError::Address(address.to_owned()))?;
    let endpoint = endpoint.initial_stream_window_size(1 << 20).initial_connection_window_size(4 << 20);
    let endpoint = endpoint.tcp_nodelay(true).connect_timeout(CONNECT);
    let connected = match (endpoint.uri().scheme_str(), tls) {
        (Some("https"), None) => return Err(ConnectError::NoAuthority(address.to_owned())),
        (Some("https"), Some(tls)) => {
            let connector = TlsConnector::from(tls.0.clone());
            endpoint.connect_with_connector(service_fn(move |uri| secured(connector.clone(), uri))).await
        }
        _ => endpoint.connect().await,
    };
    connected.map_err(|error| ConnectError::Connect { address: address.to_owned(), error })
}

async fn secured(connector: TlsConnector, uri: Uri) -> io::Result<TokioIo<tokio_rustls::client::TlsStream<TcpStream>>> {
    let host = uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']').to_owned();
    let name = ServerName::try_from(host.clone())
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidInput, format!("\"{host}\" is not the name of a server")))?;
    let stream = TcpStream::connect((host, uri.port_u16().unwrap_or(443))).await?;
    stream.set_nodelay(true)?;
    let mut stream = connector.connect(name, stream).await?;
    // A server judges a client's certificate when the client's side of the handshake is over. Its first words tell: they
    // are its settings, or why it refuses. To go on at once would lose that among the errors of a call.
    match tokio::time::timeout(GREETING, stream.fill_buf()).await {
        Ok(Ok([])) => Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the server closed the connection")),
        Ok(Err(error)) => Err(error),
        Ok(Ok(_)) | Err(_) => Ok(TokioIo::new(stream)),
    }
}
