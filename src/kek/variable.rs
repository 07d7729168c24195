//! A key in a variable of the environment.

use zeroize::Zeroizing;

use super::{KekError, Provider, decode};
use crate::trail::keyring::Kek;

/// What `AKTA_KEK` held when the process started: 32 bytes as base64. It cannot change while the process runs, and who may look into
/// the process may read it; a file is better.
pub struct Variable(pub Zeroizing<String>);

impl Provider for Variable {
    fn kek(&self) -> Result<Kek, KekError> {
        decode(&self.0)
    }
}
