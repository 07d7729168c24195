//! Who calls, by bearer token: people and jobs with a token of an OpenID provider, pods with a Kubernetes
//! service-account token, which is one too.
//!
//! [`token`] takes a token and answers with [`Claims`](claims::Claims) or a [`Refused`](refused::Refused). It knows
//! the [`issuer`]s that are trusted, each with its [`keys`], which [`refresh`] reads anew from their [`source`].
//! Nothing here waits for a disk or a network but the refreshing thread.

pub mod algorithm;
pub mod binding;
pub mod claims;
pub mod issuer;
pub mod jwks;
pub mod keys;
pub mod refresh;
pub mod refused;
pub mod shown;
pub mod source;
pub mod token;

mod met;
#[cfg(test)]
pub(crate) mod minted;
mod signature;
#[cfg(test)]
mod tests;
