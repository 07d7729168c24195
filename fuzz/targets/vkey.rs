//! Keys of notes: what parses prints the same, and is a key under which something can be signed.

use akta::model::vkey::{Signer, Vkey, VkeyError, is_key_name};

/// A key, and a name of one.
pub(crate) fn check(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(vkey) = text.parse::<Vkey>() {
        assert_eq!(vkey.to_string(), text);
        assert!(is_key_name(vkey.name()));
    }
    match Signer::from_seed(text, &[1; 32]) {
        Ok(signer) => {
            let vkey = signer.vkey();
            assert_eq!(vkey.name(), text);
            assert_eq!(vkey.to_string().parse().as_ref(), Ok(vkey));
            assert_eq!(format!("{signer:?}"), format!("Signer({vkey})"));
        }
        Err(error) => assert!(error == VkeyError::Name && !is_key_name(text)),
    }
}
