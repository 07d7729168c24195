//! Certificates of clients, as a handshake hands them on: read or not, and a workload only where there is exactly one
//! URI, a SPIFFE id with a path.

use akta::grpc::transport::peer::Leaf;
use akta::model::spiffe::SpiffeId;
use tokio_rustls::rustls::pki_types::CertificateDer;

/// A certificate, DER. Its signature is not looked at here: the chain is verified before.
pub(crate) fn check(bytes: &[u8]) {
    let leaf = Leaf::read(&CertificateDer::from(bytes));
    let Some(leaf) = leaf else { return };
    assert_eq!(Leaf::read(&CertificateDer::from(bytes)).as_ref(), Some(&leaf));
    if let Some(id) = &leaf.spiffe {
        assert!(id.is_workload() && SpiffeId::parse(id.as_str()).as_ref() == Ok(id));
        assert!(super::said::contains(bytes, id.as_str().as_bytes()), "the name stands in the certificate");
    }
    // What follows it makes it another, or none.
    let longer = [bytes, &[0]].concat();
    assert!(Leaf::read(&CertificateDer::from(longer.as_slice())).is_none());
    assert!(Leaf::read(&CertificateDer::from(&bytes[..bytes.len() - 1])).is_none());
}
