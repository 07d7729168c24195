//! What a connection proves of its other end.

use std::net::{IpAddr, SocketAddr};

use sha2::{Digest, Sha256};
use tokio_rustls::rustls::pki_types::CertificateDer;
use x509_cert::Certificate;
use x509_cert::der::Decode;
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;

use crate::model::date::Timestamp;
use crate::model::spiffe::SpiffeId;

/// The other end of a connection. Stands in the extensions of every request; says who calls, not what he may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Peer {
    /// Plaintext: an address proves nothing.
    Plain(SocketAddr),
    /// TLS.
    Tls {
        /// Where it comes from.
        address: SocketAddr,
        /// The workload that its certificate names; `None` without a certificate, or if it names none.
        spiffe: Option<SpiffeId>,
        /// SHA-256 of its certificate, DER; what a token may be bound to (RFC 8705).
        certificate: Option<[u8; 32]>,
    },
    /// A Unix socket; the kernel vouches for it.
    Unix {
        /// User that connected.
        uid: u32,
        /// Its group.
        gid: u32,
        /// Its process, if the kernel tells; may be gone, and the number another's.
        pid: Option<i32>,
    },
}

impl Peer {
    /// Where it comes from; none over a Unix socket.
    pub fn ip(&self) -> Option<IpAddr> {
        match self {
            Self::Plain(address) | Self::Tls { address, .. } => Some(address.ip()),
            Self::Unix { .. } => None,
        }
    }

    /// SHA-256 of the certificate that it has shown and proved.
    pub fn certificate(&self) -> Option<[u8; 32]> {
        match self {
            Self::Tls { certificate, .. } => *certificate,
            Self::Plain(_) | Self::Unix { .. } => None,
        }
    }
}

/// What a client's certificate says, once its chain was verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leaf {
    /// The workload; `None` unless it has exactly one URI as alternative name, and that is a workload's SPIFFE id
    /// (X509-SVID, sections 2 and 5.2).
    pub spiffe: Option<SpiffeId>,
    /// Its SHA-256.
    pub hash: [u8; 32],
    /// The last second at which it is valid.
    pub not_after: Timestamp,
}

impl Leaf {
    /// Reads a certificate; `None` if it cannot be read.
    pub fn read(der: &CertificateDer<'_>) -> Option<Self> {
        let certificate = Certificate::from_der(der).ok()?;
        let signed = certificate.tbs_certificate();
        let seconds = signed.validity().not_after.to_unix_duration().as_secs();
        let not_after =
            Timestamp::from_parts(i64::try_from(seconds).ok()?, 0).unwrap_or(Timestamp::from_nanos(i64::MAX));
        let names = signed.get_extension::<SubjectAltName>().ok()?.map(|(_, names)| names.0).unwrap_or_default();
        let mut uris = names.iter().filter_map(|name| match name {
            GeneralName::UniformResourceIdentifier(uri) => Some(uri.as_str()),
            _ => None,
        });
        let spiffe = match (uris.next(), uris.next()) {
            (Some(only), None) => SpiffeId::parse(only).ok().filter(SpiffeId::is_workload),
            _ => None,
        };
        Some(Self { spiffe, hash: Sha256::digest(der).into(), not_after })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{CertificateParams, KeyPair, SanType};

    fn uri(text: &str) -> SanType {
        SanType::URI(text.try_into().expect("is ASCII"))
    }

    #[test]
    fn exactly_one_spiffe_id_names_a_workload() {
        const ID: &str = "spiffe://schools.example/gradebook";
        let dns = SanType::DnsName("gradebook.example".try_into().expect("is ASCII"));
        let rows = [
            (vec![], None),
            (vec![dns.clone()], None),
            (vec![uri(ID)], Some(ID)),
            (vec![dns.clone(), uri(ID), dns], Some(ID)),
            (vec![uri(ID), uri(ID)], None),
            (vec![uri(ID), uri("https://schools.example/")], None),
            (vec![uri("https://schools.example/"), uri(ID)], None),
            (vec![uri("https://schools.example/gradebook")], None),
            (vec![uri("spiffe://schools.example")], None),
            (vec![uri("spiffe://schools.example/a/../b")], None),
            (vec![uri("")], None),
        ];
        for (names, expected) in rows {
            let mut params = CertificateParams::default();
            params.subject_alt_names.clone_from(&names);
            params.not_after = rcgen::date_time_ymd(2031, 2, 3);
            let key = KeyPair::generate().expect("makes a key");
            let certificate = params.self_signed(&key).expect("is signed");
            let leaf = Leaf::read(certificate.der()).expect("is a certificate");
            assert_eq!(leaf.spiffe.as_ref().map(SpiffeId::as_str), expected, "{names:?}");
            assert_eq!(Some(leaf.not_after), Timestamp::parse("2031-02-03"));
            // Whatever is cut off, it is an error and no panic.
            let whole = certificate.der().as_ref();
            for length in 0..whole.len() {
                assert_eq!(Leaf::read(&CertificateDer::from(&whole[..length])), None, "{length} bytes");
            }
        }
    }
}
