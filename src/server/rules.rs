//! The policy in force: the file it is in, read again when that changes.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use crate::config::{ConfigError, policy};
use crate::grpc::auth::door::Rules;
use crate::grpc::auth::issuer::Issuer as Trusted;
use crate::grpc::auth::token::Tokens;
use crate::grpc::transport::Now;
use crate::model::permission::issuer::Issuer;
use crate::model::permission::policy::Policy;

/// What checks tokens, where issuers are trusted.
type Checks = Option<Arc<Tokens>>;

/// A policy file, and what was read of it last.
pub(super) struct PolicyFile {
    path: PathBuf,
    now: Now,
    last: Mutex<Last>,
}

struct Last {
    written: Policy,
    tokens: Checks,
    /// What was wrong with it last, so that it is said once.
    wrong: Option<String>,
}

impl PolicyFile {
    /// Reads it for the first time: the file, and the rules to begin with.
    ///
    /// # Errors
    ///
    /// It is not sound, or the keys of an issuer cannot be asked for.
    pub(super) fn read(path: PathBuf, now: Now) -> Result<(Self, Rules), ConfigError> {
        let written = policy::read(&path)?;
        let tokens = tokens(written.issuers(), &now)?;
        let rules = rules(&written, tokens.clone());
        Ok((Self { path, now, last: Mutex::new(Last { written, tokens, wrong: None }) }, rules))
    }

    /// The rules, if they are others than before. What is not sound is logged, and the last ones stay in force.
    pub(super) fn read_again(&self) -> Option<Rules> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        match self.changed(&last) {
            Ok(None) => {
                last.wrong = None;
                None
            }
            Ok(Some((written, tokens))) => {
                let rules = rules(&written, tokens.clone());
                *last = Last { written, tokens, wrong: None };
                Some(rules)
            }
            Err(ConfigError(why)) => {
                if last.wrong.as_ref() != Some(&why) {
                    tracing::error!("{why}; what was in force stays");
                    last.wrong = Some(why);
                }
                None
            }
        }
    }

    fn changed(&self, last: &Last) -> Result<Option<(Policy, Checks)>, ConfigError> {
        let written = policy::read(&self.path)?;
        if written == last.written {
            return Ok(None);
        }
        let tokens = if written.issuers() == last.written.issuers() {
            last.tokens.clone()
        } else {
            tokens(written.issuers(), &self.now)?
        };
        Ok(Some((written, tokens)))
    }
}

fn rules(written: &Policy, tokens: Checks) -> Rules {
    Rules { policy: written.clone(), tokens }
}

fn tokens(issuers: &[Issuer], now: &Now) -> Result<Checks, ConfigError> {
    if issuers.is_empty() {
        return Ok(None);
    }
    let trusted = issuers.iter().map(|issuer| {
        Trusted::trusted(issuer).map_err(|why| ConfigError(format!("policy: keys of {}: {why}", issuer.url)))
    });
    let started = Tokens::start(trusted.collect::<Result<_, _>>()?, now.clone());
    let started =
        started.map_err(|error| ConfigError(format!("policy: no thread to read keys of issuers: {error}")))?;
    Ok(Some(Arc::new(started)))
}
