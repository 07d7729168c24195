//! Certificates that change while the server runs: read again when asked, and every few seconds.

use std::sync::{Arc, Mutex, PoisonError, RwLock};

use super::Now;
use super::tls::{Bytes, Files, Loaded, TlsError};

/// The files of TLS and what was last made of them.
pub struct Material {
    files: Files,
    now: Now,
    current: RwLock<Arc<Loaded>>,
    /// Digest of what was last tried, good or bad, so that a bad file is told of once.
    tried: Mutex<Option<[u8; 32]>>,
}

/// What came of reading the files again.
#[derive(Debug)]
pub enum Reread {
    /// They are as they were.
    Same,
    /// They changed and are in force for new connections.
    Taken(Arc<Loaded>),
    /// They changed and cannot be used: what was in force stays.
    Kept(TlsError),
}

impl Material {
    /// Reads the files for the first time.
    ///
    /// # Errors
    ///
    /// The first file that cannot be used, and why.
    pub fn read(files: Files, now: Now) -> Result<Self, TlsError> {
        let bytes = Bytes::read(&files)?;
        let loaded = Loaded::of(&files, &bytes, &now)?;
        let (current, tried) = (RwLock::new(Arc::new(loaded)), Mutex::new(Some(bytes.digest())));
        Ok(Self { files, now, current, tried })
    }

    /// What is in force.
    pub fn current(&self) -> Arc<Loaded> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Reads the files again; blocks. Files are replaced one by one, so a certificate may meet the key before it: that
    /// is told of, and over with the next reading.
    pub fn read_again(&self) -> Reread {
        // Held throughout, so that two readings cannot put an older state over a newer one.
        let mut tried = self.tried.lock().unwrap_or_else(PoisonError::into_inner);
        let bytes = match Bytes::read(&self.files) {
            Ok(bytes) => bytes,
            // Told of once, too: until the files can be read, nothing else is known of them.
            Err(_) if tried.is_none() => return Reread::Same,
            Err(error) => {
                *tried = None;
                return Reread::Kept(error);
            }
        };
        let digest = Some(bytes.digest());
        if *tried == digest {
            return Reread::Same;
        }
        *tried = digest;
        match Loaded::of(&self.files, &bytes, &self.now) {
            Ok(loaded) => {
                let loaded = Arc::new(loaded);
                *self.current.write().unwrap_or_else(PoisonError::into_inner) = loaded.clone();
                Reread::Taken(loaded)
            }
            Err(error) => Reread::Kept(error),
        }
    }
}
