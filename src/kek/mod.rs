//! Where the key-encryption key comes from: providers behind one trait.
//!
//! | provider | gives | for |
//! |---|---|---|
//! | [`mod@file`] | 32 bytes as base64 | a mounted secret, such as one of Kubernetes or of a cloud's vault through its CSI driver |
//! | [`variable`] | the same, in `AKTA_KEK` | trying out, and where nothing can be mounted |
//! | [`kms`] | 32 bytes that a KMS decrypts | where the key must not rest beside the node, and each use is to be seen there |
//! | [`Dev`] | the public key of `--dev` | trying out, without protection |

pub mod aws;
pub mod file;
pub mod kms;
pub mod variable;

use std::path::PathBuf;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use crate::env::SystemClock;
use crate::model::seal::Key;
use crate::trail::keyring::Kek;

/// Longest text that a key is read from, in bytes; base64 of 32 takes 44.
const TEXT_BYTES_MAX: usize = 1_024;

const REMEDY: &str = "make one with: akta keys new-kek > kek, keep it apart from the data, and give it as kek_file, \
                      AKTA_KEK_FILE or AKTA_KEK; or use --dev to try Akta out";

/// Why there is no key-encryption key; says what to do, and nothing of what was given.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct KekError(pub String);

/// Gives the key-encryption key.
pub trait Provider: Send + Sync {
    /// The key as it is now: asked again, a rotated one may come. May wait for a disk or a network.
    fn kek(&self) -> Result<Kek, KekError>;

    /// Whether all is there that can be looked at without asking another machine.
    fn check(&self) -> Result<(), KekError> {
        self.kek().map(drop)
    }
}

/// The public key of `--dev`.
#[derive(Debug, Clone, Copy)]
pub struct Dev;

impl Provider for Dev {
    fn kek(&self) -> Result<Kek, KekError> {
        Ok(Kek::dev())
    }
}

/// What flags, variables and configuration say of the key. Holds a secret, so it does not print.
#[derive(Default)]
pub struct Place {
    /// `--dev`: goes before all others.
    pub dev: bool,
    /// A file with the key.
    pub file: Option<PathBuf>,
    /// A file with what a KMS decrypts to the key.
    pub kms_file: Option<PathBuf>,
    /// The key itself, from `AKTA_KEK`. Files go before it.
    pub variable: Option<Zeroizing<String>>,
}

impl Place {
    /// Whether any is given.
    pub fn is_given(&self) -> bool {
        self.dev || self.file.is_some() || self.kms_file.is_some() || self.variable.is_some()
    }

    /// The provider that is meant.
    pub fn provider(self) -> Result<Arc<dyn Provider>, KekError> {
        match self {
            Self { dev: true, .. } => Ok(Arc::new(Dev)),
            Self { file: Some(_), kms_file: Some(_), .. } => {
                Err(KekError("there are two key-encryption keys, kek_file and kek_kms_file: take one out".to_owned()))
            }
            Self { file: Some(path), .. } => Ok(Arc::new(file::KekFile(path))),
            Self { kms_file: Some(path), .. } => {
                Ok(Arc::new(kms::Kms::new(path, aws::Aws::of_process(), Arc::new(SystemClock))))
            }
            Self { variable: Some(text), .. } => Ok(Arc::new(variable::Variable(text))),
            Self { .. } => Err(KekError(format!("there is no key-encryption key: {REMEDY}"))),
        }
    }
}

/// The key in a text: 32 bytes as base64.
fn decode(text: &str) -> Result<Kek, KekError> {
    // Room for more, so that what is too long is refused as such and leaves no copies behind.
    let mut bytes = Zeroizing::new([0; TEXT_BYTES_MAX]);
    let length = STANDARD.decode_slice(text.trim(), bytes.as_mut_slice()).ok();
    let key = length.and_then(|length| Key::from_slice(&bytes[..length]));
    key.map(Kek::new).ok_or_else(|| KekError(format!("the key-encryption key is not 32 bytes as base64: {REMEDY}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(text: Option<&str>) -> Result<Kek, KekError> {
        let variable = text.map(|text| Zeroizing::new(text.to_owned()));
        Place { variable, ..Place::default() }.provider().and_then(|provider| provider.kek())
    }

    #[test]
    fn a_kek_is_32_bytes_of_base64() {
        let good = STANDARD.encode([7; 32]);
        assert!(given(Some(&format!("{good}\n"))).unwrap() == Kek::new(Key::new([7; 32])));
        let long = good.repeat(30);
        for bad in [None, Some(""), Some("short"), Some(&good[..40]), Some(&long), Some("żółć")] {
            let error = given(bad).expect_err("is refused").to_string();
            assert!(error.contains("akta keys new-kek"), "names the remedy: {error}");
        }
        let shown = format!("{:?}", given(Some(&good)).unwrap());
        assert!(!shown.contains("7, 7") && !shown.contains(&good), "{shown}");
    }

    #[test]
    fn one_place_counts() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("kek");
        std::fs::write(&file, STANDARD.encode([1; 32])).unwrap();
        let variable = || Some(Zeroizing::new(STANDARD.encode([2; 32])));
        let place = |dev, file: Option<&PathBuf>, kms: Option<&PathBuf>| Place {
            dev,
            file: file.cloned(),
            kms_file: kms.cloned(),
            variable: variable(),
        };
        let is = |place: Place, kek: Kek| place.provider().unwrap().kek().unwrap() == kek;
        assert!(is(place(true, Some(&file), Some(&file)), Kek::dev()));
        assert!(is(place(false, Some(&file), None), Kek::new(Key::new([1; 32]))));
        assert!(is(place(false, None, None), Kek::new(Key::new([2; 32]))));
        assert!(place(false, Some(&file), Some(&file)).provider().is_err());
        assert!(!Place::default().is_given() && place(false, None, None).is_given());
    }
}
