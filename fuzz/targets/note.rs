//! Signed notes and checkpoints: what parses prints the same; only what was signed is taken, and only from its signer.

use akta::model::checkpoint::{Checkpoint, CheckpointError};
use akta::model::note::{Note, NoteError};
use akta::model::vkey::{Signer, is_key_name};

use super::input::Input;

/// A note, and as a text to sign.
pub(crate) fn check(bytes: &[u8]) {
    let signer = Signer::from_seed("akta.dev/school-12/w0", &[1; 32]).unwrap();
    let known = std::slice::from_ref(signer.vkey());
    if let Ok(note) = Note::parse(bytes) {
        assert_eq!(note.to_string().as_bytes(), bytes);
        assert!(note.text().ends_with('\n') && bytes.starts_with(note.text().as_bytes()));
        // A good signature is of this key over this text: Ed25519 has one for each.
        if note.verify(known).is_ok() {
            let line = Note::sign(note.text(), &signer).unwrap().to_string();
            assert!(super::said::contains(bytes, &line.as_bytes()[note.text().len() + 1..]));
        }
    }
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    checkpoint(text);
    let Ok(note) = Note::sign(text, &signer) else {
        assert!(!text.ends_with('\n') || text.chars().any(|c| c < ' ' && c != '\n'));
        return;
    };
    let signed = note.to_string();
    let parsed = Note::parse(signed.as_bytes());
    assert_eq!(parsed.as_ref(), Ok(&note));
    assert_eq!((note.text(), note.verify(known).unwrap().len()), (text, 1));
    let other = Signer::from_seed("akta.dev/school-12/w0", &[2; 32]).unwrap();
    assert_eq!(note.verify(std::slice::from_ref(other.vkey())), Err(NoteError::Unknown));
    let altered = Input(bytes).altered(signed.as_bytes());
    assert!(Note::parse(&altered).is_err() || Note::parse(&altered).unwrap().verify(known).is_err());
}

/// The text of a checkpoint, signed by the log that it names.
fn checkpoint(text: &str) {
    let Ok(checkpoint) = Checkpoint::parse(text) else { return };
    assert!(text.starts_with(&checkpoint.text()) && is_key_name(&checkpoint.origin));
    assert_eq!(Checkpoint::parse(&checkpoint.text()).as_ref(), Ok(&checkpoint));
    let log = Signer::from_seed(&checkpoint.origin, &[1; 32]).unwrap();
    match checkpoint.sign(&log) {
        Ok(note) => {
            assert_eq!(Checkpoint::open(note.as_bytes(), log.vkey()).as_ref(), Ok(&checkpoint));
            let forger = Signer::from_seed(&checkpoint.origin, &[2; 32]).unwrap();
            assert_eq!(Checkpoint::open(note.as_bytes(), forger.vkey()), Err(NoteError::Unknown.into()));
        }
        Err(error) => assert_eq!(error, NoteError::Text.into(), "a name may hold what no note can"),
    }
    let other = Signer::from_seed("elsewhere", &[1; 32]).unwrap();
    assert!(checkpoint.origin == "elsewhere" || checkpoint.sign(&other) == Err(CheckpointError::Origin));
}
