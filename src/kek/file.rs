//! A key in a file: a mounted secret.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::{KekError, Provider, TEXT_BYTES_MAX, decode};
use crate::trail::keyring::Kek;

/// A file with 32 bytes as base64. Read anew each time, so that one that was changed counts.
#[derive(Debug, Clone)]
pub struct KekFile(pub PathBuf);

impl Provider for KekFile {
    fn kek(&self) -> Result<Kek, KekError> {
        decode(&text(&self.0, "kek_file")?)
    }
}

/// What stands in the small file that the setting `name` gives; erased from memory afterwards.
pub(super) fn text(path: &Path, name: &str) -> Result<Zeroizing<String>, KekError> {
    let failed = |what: &dyn std::fmt::Display| match path.to_str().map(decode) {
        // The key in the place of its file's name must not be shown as a name.
        Some(Ok(_)) => KekError(format!("{name} is a key itself: give the name of a file that holds it")),
        _ => KekError(format!("{name} {}: {what}", path.display())),
    };
    // Never grows while it is read: growing would leave copies behind.
    let mut bytes = Zeroizing::new(vec![0; TEXT_BYTES_MAX + 1]);
    let mut file = File::open(path).map_err(|error| failed(&error))?;
    let mut length = 0;
    loop {
        match file.read(&mut bytes[length..]).map_err(|error| failed(&error))? {
            0 => break,
            read => length += read,
        }
    }
    if length > TEXT_BYTES_MAX {
        return Err(failed(&"is too long for a key"));
    }
    let text = std::str::from_utf8(&bytes[..length]).map_err(|_| failed(&"is no text"))?;
    Ok(Zeroizing::new(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_each_time_and_its_faults_are_named_without_it() {
        use base64::Engine;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kek");
        let file = KekFile(path.clone());
        assert!(file.kek().unwrap_err().to_string().contains("kek_file"), "is missing");
        let encode = |byte| base64::engine::general_purpose::STANDARD.encode([byte; 32]);
        for byte in [1, 2] {
            std::fs::write(&path, format!("{}\n", encode(byte))).unwrap();
            assert!(file.kek().unwrap() == Kek::new(crate::model::seal::Key::new([byte; 32])));
        }
        let key = KekFile(encode(3).into()).kek().unwrap_err().to_string();
        assert!(key.contains("is a key itself") && !key.contains(&encode(3)), "{key}");
        for bad in [b"\xff\xfe".to_vec(), vec![b'A'; 5_000], b"c2VjcmV0".to_vec()] {
            std::fs::write(&path, &bad).unwrap();
            let error = file.kek().unwrap_err().to_string();
            assert!(!error.contains("c2VjcmV0") && !error.contains("AAAA"), "{error}");
        }
    }
}
