//! Tokens met lately, by their hash, so that a signature is checked once and not at each call.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use super::claims::Checked;
use crate::model::date::Timestamp;

/// Most tokens that are remembered; each with at most a token's size of claims.
const TOKENS_MAX: usize = 1_024;

/// What is known of a token whose signature held.
#[derive(Debug, Clone)]
pub(super) struct Met {
    pub(super) checked: Checked,
    /// Position of its issuer.
    pub(super) issuer: usize,
    /// Number of the key set that it held under: with another set it is checked anew.
    pub(super) keys: u64,
}

/// Tokens by BLAKE3 hash. Of the token itself nothing is kept.
#[derive(Default)]
pub(super) struct Lately(Mutex<HashMap<[u8; 32], Met>>);

impl Lately {
    pub(super) fn get(&self, token: &[u8; 32]) -> Option<Met> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(token).cloned()
    }

    pub(super) fn put(&self, token: [u8; 32], met: Met, now: Timestamp) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= TOKENS_MAX {
            all.retain(|_, met| met.checked.claims.expires_at > now);
        }
        // All of them in use: rather check some again than choose.
        if all.len() >= TOKENS_MAX {
            all.clear();
        }
        all.insert(token, met);
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}
