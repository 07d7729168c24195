//! Issuers whose tokens are taken.

use std::sync::Arc;

use super::algorithm::Algorithm;
use super::keys::Keys;
use super::source::Source;

/// An issuer and what its tokens must be.
pub struct Issuer {
    /// Its name in tokens (`iss`), compared byte by byte.
    pub url: String,
    /// Who the tokens must be for (`aud`, or one of them).
    pub audience: String,
    /// Algorithms that its tokens may have; the key that a token names must fit as well.
    pub algorithms: Vec<Algorithm>,
    /// Where its key set (JWKS, RFC 7517) is read.
    pub source: Box<dyn Source>,
}

/// An issuer with the keys it had when they were read last.
pub(super) struct Known {
    pub(super) issuer: Issuer,
    pub(super) keys: Arc<Keys>,
}
