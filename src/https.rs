//! The door to other machines: small questions over HTTPS, asked from threads that may wait.
//!
//! What holds for all of them: TLS by rustls with ring, certificates checked against the system's authorities or a
//! given file's; no redirect is followed; 10 s in all; an answer is read up to a bound. Plain HTTP goes to this
//! machine only, for agents beside and for tests. Proxies are those that the environment names (`HTTPS_PROXY`,
//! `NO_PROXY`), and never for this machine.

use std::fmt;
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ureq::http::Uri;
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};
use ureq::{Agent, Body, http};
use zeroize::Zeroizing;

/// How long a question may take in all: names, connection, answer.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Most bytes of an answer's headers.
const HEADER_BYTES_MAX: usize = 32 * 1024;

/// Asks.
#[derive(Clone)]
pub struct Https {
    /// With a proxy, if there is one.
    far: Agent,
    /// For this machine.
    near: Agent,
}

/// An answer that is not 200. It does not print what came with it.
pub struct Answer {
    /// Status of HTTP.
    pub status: u16,
    /// What came with it, which may hold secrets.
    pub body: Zeroizing<Vec<u8>>,
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer").field("status", &self.status).finish_non_exhaustive()
    }
}

impl Https {
    /// Trusts the authorities in `ca_file` (PEM), or the system's (which `SSL_CERT_FILE` may name).
    pub fn new(ca_file: Option<&Path>) -> Result<Self, String> {
        let roots = match ca_file {
            Some(path) => in_file(path)?,
            // Those that cannot be read are missing, and what they vouch for fails with a reason.
            None => rustls_native_certs::load_native_certs().certs.iter().map(|der| owned(der)).collect(),
        };
        let tls = TlsConfig::builder()
            .root_certs(RootCerts::Specific(Arc::new(roots)))
            .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .build();
        let config = || {
            Agent::config_builder()
                .tls_config(tls.clone())
                .timeout_global(Some(TIMEOUT))
                .max_redirects(0)
                .max_response_header_size(HEADER_BYTES_MAX)
                .http_status_as_error(false)
                .user_agent("akta")
                .max_idle_connections(1)
        };
        let near = config().proxy(None).build();
        Ok(Self { far: config().build().into(), near: near.into() })
    }

    /// Whether an address may be asked at all: HTTPS, or HTTP on this machine.
    pub fn check(url: &str) -> Result<(), String> {
        parse(url).map(|_| ())
    }

    /// What is at an address, at most `most` bytes; `bearer` is shown to it. The error is for the log.
    pub fn get(&self, url: &str, bearer: Option<&str>, most: usize) -> Result<Vec<u8>, String> {
        let (uri, near) = parse(url)?;
        let mut request = self.agent(near).get(uri);
        if let Some(bearer) = bearer {
            let header = Zeroizing::new(format!("Bearer {bearer}"));
            request = request.header(http::header::AUTHORIZATION, secret(&header)?);
        }
        let answer = request.call().map_err(|error| said(url, &error))?;
        match read(answer, most).map_err(|error| said(url, &error))? {
            Answer { status: 200, body } => Ok(body.to_vec()),
            Answer { status, .. } => Err(format!("{url} answers with status {status}")),
        }
    }

    /// What an address answers to a message. Headers are never shown in errors.
    pub fn post(
        &self,
        url: &str,
        headers: &[(String, Zeroizing<String>)],
        body: &[u8],
        most: usize,
    ) -> Result<Answer, String> {
        let (uri, near) = parse(url)?;
        let mut request = self.agent(near).post(uri);
        for (name, value) in headers {
            request = request.header(name, secret(value)?);
        }
        let answer = request.send(body).map_err(|error| said(url, &error))?;
        read(answer, most).map_err(|error| said(url, &error))
    }

    fn agent(&self, near: bool) -> &Agent {
        if near { &self.near } else { &self.far }
    }
}

fn parse(url: &str) -> Result<(Uri, bool), String> {
    let uri: Uri = url.parse().map_err(|_| format!("\"{}\" is no address", url.escape_debug()))?;
    let host = uri.host().unwrap_or_default();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let near = host == "localhost" || bare.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
    match uri.scheme_str() {
        // Names and passwords in an address end in logs.
        _ if uri.authority().is_some_and(|authority| authority.as_str().contains('@')) => {
            Err("an address must not hold a user name".to_owned())
        }
        Some("https") if !host.is_empty() => Ok((uri, near)),
        Some("http") if near => Ok((uri, near)),
        _ => Err(format!("{} is neither HTTPS nor on this machine", uri)),
    }
}

fn secret(value: &str) -> Result<http::HeaderValue, String> {
    let mut value =
        http::HeaderValue::from_str(value).map_err(|_| "a header has bytes that it must not have".to_owned())?;
    value.set_sensitive(true);
    Ok(value)
}

fn read(mut answer: http::Response<Body>, most: usize) -> Result<Answer, ureq::Error> {
    let status = answer.status().as_u16();
    let body = answer.body_mut().with_config().limit(most as u64).read_to_vec()?;
    Ok(Answer { status, body: Zeroizing::new(body) })
}

fn said(url: &str, error: &ureq::Error) -> String {
    format!("{url}: {error}")
}

fn in_file(path: &Path) -> Result<Vec<Certificate<'static>>, String> {
    let failed = |error: &dyn std::fmt::Display| format!("certificates in {}: {error}", path.display());
    let pem = std::fs::read(path).map_err(|error| failed(&error))?;
    let items = parse_pem(&pem).collect::<Result<Vec<_>, _>>().map_err(|error| failed(&error))?;
    let roots: Vec<_> = items
        .into_iter()
        .filter_map(|item| match item {
            PemItem::Certificate(certificate) => Some(certificate),
            _ => None,
        })
        .collect();
    if roots.is_empty() { Err(failed(&"there is none")) } else { Ok(roots) }
}

fn owned(der: &[u8]) -> Certificate<'static> {
    Certificate::from_der(der).to_owned()
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader, Read, Write};
    use std::net::TcpListener;
    use std::thread::JoinHandle;

    use super::*;

    #[test]
    fn plain_http_goes_to_this_machine_only() {
        for good in ["https://login.example/keys", "http://127.0.0.1:9/x", "http://[::1]/", "http://localhost:80/a?b"] {
            assert!(Https::check(good).is_ok(), "{good}");
        }
        for bad in [
            "http://login.example/keys",
            "http://localhost.example/",
            "http://10.0.0.1/",
            "ftp://a.example/",
            "/keys",
            "",
            "https://",
            "file:///etc/passwd",
            "https://u:p@a.example/",
            "http://127.0.0.1@a.example/",
        ] {
            let error = Https::check(bad).expect_err(bad);
            assert!(!error.contains("u:p"), "{error}");
        }
    }

    /// Gives one answer on any stream, and what it was asked.
    fn answer(mut stream: impl Read + Write, answer: &str) -> String {
        let mut lines = BufReader::new(&mut stream).lines().map_while(Result::ok).take_while(|line| !line.is_empty());
        let asked = lines.by_ref().collect::<Vec<_>>().join("\n");
        let _ = stream.write_all(answer.as_bytes());
        asked
    }

    fn served(text: &str) -> (String, JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (port, text) = (listener.local_addr().unwrap().port(), text.to_owned());
        (
            format!("http://127.0.0.1:{port}/keys"),
            std::thread::spawn(move || answer(listener.accept().unwrap().0, &text)),
        )
    }

    #[test]
    fn answers_are_bounded_and_only_200_counts() {
        let client = Https::new(None).unwrap();
        for (text, want) in [
            ("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nkeys", Ok("keys")),
            ("HTTP/1.1 200 OK\r\n\r\nkeys to the end", Err("limit")),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n123456789\r\n0\r\n\r\n", Err("limit")),
            ("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:9/\r\nContent-Length: 0\r\n\r\n", Err("status 302")),
            ("HTTP/1.1 500 No\r\nContent-Length: 6\r\n\r\nsecret", Err("status 500")),
            ("SSH-2.0-x\r\n", Err("127.0.0.1")),
            ("", Err("127.0.0.1")),
        ] {
            let (url, asked) = served(text);
            let got = client.get(&url, Some("t0ken"), 8);
            match want {
                Ok(want) => assert_eq!(got, Ok(want.as_bytes().to_vec())),
                Err(why) => {
                    let error = got.expect_err(text);
                    assert!(error.contains(why) && !error.contains("t0ken") && !error.contains("secret"), "{error}");
                }
            }
            assert!(asked.join().unwrap().to_lowercase().contains("authorization: bearer t0ken"));
        }
        assert!(client.get("http://127.0.0.1:1/", Some("a\nb"), 8).is_err_and(|error| !error.contains('\n')));
    }

    #[test]
    fn certificates_are_checked_against_the_given_file() {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let ca = folder.path().join("ca.pem");
        std::fs::write(&ca, made.cert.pem()).unwrap();
        let key = rustls::pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
        let config = rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let serving = std::thread::spawn(move || {
            for _ in 0..3 {
                let session = rustls::ServerConnection::new(Arc::new(config.clone())).unwrap();
                let stream = rustls::StreamOwned::new(session, listener.accept().unwrap().0);
                answer(stream, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nkeys");
            }
        });
        let ours = Https::new(Some(&ca)).unwrap();
        let url = format!("https://localhost:{port}/");
        assert_eq!(ours.get(&url, None, 8), Ok(b"keys".to_vec()));
        for (client, url) in [(&Https::new(None).unwrap(), url), (&ours, format!("https://127.0.0.1:{port}/"))] {
            let error = client.get(&url, None, 8).expect_err("nobody vouches for it");
            assert!(error.contains("certificate"), "{error}");
        }
        serving.join().unwrap();
        std::fs::write(&ca, "nothing").unwrap();
        assert!(Https::new(Some(&ca)).is_err_and(|error| error.contains("there is none")));
    }
}
