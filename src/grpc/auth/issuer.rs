//! Issuers whose tokens are taken.

use std::sync::Arc;

use super::algorithm::Algorithm;
use super::keys;
use super::source::{JwksFile, JwksUrl, Source};
use crate::model::permission::{self, issuer::Keys};

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

impl Issuer {
    /// The one that a policy trusts.
    ///
    /// # Errors
    ///
    /// What keeps its address from being asked.
    pub fn trusted(by: &permission::issuer::Issuer) -> Result<Self, String> {
        let source: Box<dyn Source> = match &by.keys {
            Keys::File(path) => Box::new(JwksFile(path.clone())),
            Keys::Url(url) => Box::new(JwksUrl::new(url, None, None)?),
        };
        let algorithms = by.algorithms.iter().map(|algorithm| algorithm.word().parse());
        let algorithms = algorithms.collect::<Result<_, String>>()?;
        Ok(Self { url: by.url.clone(), audience: by.audience.clone(), algorithms, source })
    }
}

/// An issuer with the keys it had when they were read last.
pub(super) struct Known {
    pub(super) issuer: Issuer,
    pub(super) keys: Arc<keys::Keys>,
}
