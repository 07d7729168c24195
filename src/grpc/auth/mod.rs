//! Who calls, and whether they may: the [`door`] that every call passes. What it refuses is recorded by way of
//! [`denials`].
//!
//! People and jobs come with a bearer token of an OpenID provider, pods with a Kubernetes service-account token, which
//! is one too; workloads with the certificate of their connection.
//!
//! [`token`] takes a token and answers with [`Claims`](claims::Claims) or a [`Refused`](refused::Refused). It knows
//! the [`issuer`]s that are trusted, each with its [`keys`], which [`refresh`] reads anew from their [`source`].
//! How fast a caller may go, and how much it may have under way: [`pace`], by the arithmetic of [`rates`].
//!
//! Nothing here waits for a disk or a network but the refreshing thread.

pub mod algorithm;
pub mod binding;
pub mod claims;
pub mod denials;
pub mod door;
pub mod issuer;
pub mod jwks;
pub mod keys;
pub mod pace;
pub mod rates;
pub mod refresh;
pub mod refused;
pub mod source;
pub mod token;

mod met;
#[cfg(test)]
pub(crate) mod minted;
mod signature;
#[cfg(test)]
mod tests;
