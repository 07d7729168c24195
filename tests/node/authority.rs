//! An authority of the tests, and the certificates that it gives out, good and bad.
#![allow(clippy::unwrap_used)]

use std::net::{IpAddr, Ipv4Addr};

use akta::client::Tls;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, DnType, IsCa, Issuer, KeyIdMethod, KeyPair,
    KeyUsagePurpose, RevokedCertParams, SanType, SerialNumber,
};
use time::{Duration, OffsetDateTime};

/// An authority.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    /// Its certificate.
    pub(crate) pem: String,
}

/// A certificate with its key.
#[derive(Clone)]
pub(crate) struct Identity {
    pub(crate) certificate: String,
    pub(crate) key: String,
    serial: u64,
}

/// What a certificate is to say.
pub(crate) struct Wish<'a> {
    /// Alternative names that are URIs.
    pub(crate) uris: &'a [&'a str],
    /// Alternative names that are DNS names.
    pub(crate) dns: &'a [&'a str],
    /// Seconds from now to its first and last moment.
    pub(crate) valid: (i64, i64),
}

impl Default for Wish<'_> {
    fn default() -> Self {
        Self { uris: &[], dns: &[], valid: (-3_600, 86_400) }
    }
}

impl Authority {
    pub(crate) fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        Self { issuer: Issuer::new(params, key), pem }
    }

    /// A certificate as it is wished for.
    pub(crate) fn give(&self, wish: &Wish<'_>) -> Identity {
        self.sign(wish, Vec::new())
    }

    /// A workload's.
    pub(crate) fn workload(&self, uri: &str) -> Identity {
        self.give(&Wish { uris: &[uri], ..Wish::default() })
    }

    /// A server's, for 127.0.0.1.
    pub(crate) fn server(&self) -> Identity {
        self.sign(&Wish::default(), vec![SanType::IpAddress(IpAddr::V4(Ipv4Addr::LOCALHOST))])
    }

    fn sign(&self, wish: &Wish<'_>, mut names: Vec<SanType>) -> Identity {
        names.extend(wish.uris.iter().map(|uri| SanType::URI((*uri).try_into().unwrap())));
        names.extend(wish.dns.iter().map(|name| SanType::DnsName((*name).try_into().unwrap())));
        let key = KeyPair::generate().unwrap();
        let serial = u64::from(u32::from_be_bytes(key.public_key_raw()[1..5].try_into().unwrap())) + 1;
        let now = OffsetDateTime::now_utc();
        let mut params = CertificateParams::default();
        params.subject_alt_names = names;
        params.serial_number = Some(SerialNumber::from(serial));
        params.not_before = now + Duration::seconds(wish.valid.0);
        params.not_after = now + Duration::seconds(wish.valid.1);
        let certificate = params.signed_by(&key, &self.issuer).unwrap().pem();
        Identity { certificate, key: key.serialize_pem(), serial }
    }

    /// The list of what it revoked.
    pub(crate) fn revoked(&self, revoked: &[&Identity]) -> String {
        let now = OffsetDateTime::now_utc();
        let row = |identity: &&Identity| RevokedCertParams {
            serial_number: SerialNumber::from(identity.serial),
            revocation_time: now,
            reason_code: None,
            invalidity_date: None,
        };
        let list = CertificateRevocationListParams {
            this_update: now,
            next_update: now + Duration::days(1),
            crl_number: SerialNumber::from(1),
            issuing_distribution_point: None,
            revoked_certs: revoked.iter().map(row).collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        list.signed_by(&self.issuer).unwrap().pem().unwrap()
    }

    /// A client that trusts this authority, and shows a certificate, or none.
    pub(crate) fn client(&self, identity: Option<&Identity>) -> Tls {
        let identity = identity.map(|identity| (identity.certificate.as_bytes(), identity.key.as_bytes()));
        Tls::new(self.pem.as_bytes(), identity).unwrap()
    }
}
