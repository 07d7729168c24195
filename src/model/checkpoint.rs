//! Checkpoints (c2sp.org/tlog-checkpoint): the signed statement "the tree of this origin has this size and root".
//!
//! ```text
//! <origin>\n<size, decimal>\n<root, base64>\n        then the signatures of a note
//! ```

use super::note::{Note, NoteError};
use super::tree::Hash;
use super::vkey::{Scheme, Signer, Vkey, is_key_name};

/// Size and root of the tree of a log. Trustworthy if it comes from [`Checkpoint::open`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// Which log; also the name of the key that signs.
    pub origin: String,
    /// Number of leaves.
    pub size: u64,
    /// Root over them.
    pub root: Hash,
}

/// Why a checkpoint is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    /// The note around it, or its signatures.
    #[error(transparent)]
    Note(#[from] NoteError),
    /// The first line is not a key name, or not the one of the key at hand.
    #[error("the origin is not the name of the key that signs")]
    Origin,
    /// The second line.
    #[error("the size is not a decimal number of 64 bits without leading zeros")]
    Size,
    /// The third line.
    #[error("the root is not the base64 of 32 bytes")]
    Root,
    /// Lines after the third must not be empty.
    #[error("the checkpoint is not a sequence of lines that are not empty")]
    Lines,
    /// The key at hand signs cosignatures.
    #[error("a witness's key was given where the log's is needed")]
    Witness,
}

impl Checkpoint {
    /// The text that is signed.
    pub fn text(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.size, self.root)
    }

    /// The checkpoint of that text.
    ///
    /// Lines after the third are passed over: another log may have put them there, its signature covers them, and
    /// they say nothing of the tree. The origin must be a key name, although other logs may call themselves otherwise:
    /// [`Checkpoint::open`] takes it for one.
    pub fn parse(text: &str) -> Result<Self, CheckpointError> {
        let mut lines = text.strip_suffix('\n').ok_or(CheckpointError::Lines)?.split('\n');
        let mut line = || lines.next().filter(|line| !line.is_empty()).ok_or(CheckpointError::Lines);
        let (origin, size, root) = (line()?, line()?, line()?);
        if !is_key_name(origin) {
            return Err(CheckpointError::Origin);
        }
        let size = decimal(size).ok_or(CheckpointError::Size)?;
        let root = Hash::parse(root).ok_or(CheckpointError::Root)?;
        if lines.any(str::is_empty) {
            return Err(CheckpointError::Lines);
        }
        Ok(Self { origin: origin.to_owned(), size, root })
    }

    /// The note in which the log signs it. Refused if the signer has another name: it would never open.
    pub fn sign(&self, signer: &Signer) -> Result<String, CheckpointError> {
        if self.origin != signer.vkey().name() {
            return Err(CheckpointError::Origin);
        }
        Ok(Note::sign(&self.text(), signer)?.to_string())
    }

    /// The checkpoint in a note that the log signed with that key. Who else signed does not matter here.
    pub fn open(note: &[u8], log: &Vkey) -> Result<Self, CheckpointError> {
        Self::of(&Note::parse(note)?, log)
    }

    /// As [`Checkpoint::open`], from a note already taken apart.
    pub fn of(note: &Note, log: &Vkey) -> Result<Self, CheckpointError> {
        if log.scheme() != Scheme::Note {
            return Err(CheckpointError::Witness);
        }
        note.verify(std::slice::from_ref(log))?;
        let checkpoint = Self::parse(note.text())?;
        if checkpoint.origin == log.name() { Ok(checkpoint) } else { Err(CheckpointError::Origin) }
    }
}

/// A number as these formats write it: ASCII digits, no sign, no leading zero.
pub(super) fn decimal(text: &str) -> Option<u64> {
    text.parse().ok().filter(|number: &u64| number.to_string() == text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use signed_note::{StandardVerifier, VerifierList};

    use super::super::tree::EMPTY_ROOT;
    use super::super::vkey::tests::witness;
    use super::*;

    const ORIGIN: &str = "akta.example/school-12/w1";

    fn signer() -> Signer {
        Signer::from_seed(ORIGIN, &[1; 32]).expect("an origin is a key name")
    }

    #[test]
    fn only_the_logs_own_key_opens() {
        let checkpoint = Checkpoint { origin: ORIGIN.to_owned(), size: 0, root: EMPTY_ROOT };
        let note = checkpoint.sign(&signer()).expect("its own name");
        let open = |note: &str, vkey: &Vkey| Checkpoint::open(note.as_bytes(), vkey);
        assert_eq!(open(&note, signer().vkey()), Ok(checkpoint.clone()));

        // Another key of the same name, and a key of another name that signed the same text.
        let namesake = Signer::from_seed(ORIGIN, &[2; 32]).expect("a name");
        assert_eq!(open(&note, namesake.vkey()), Err(NoteError::Unknown.into()));
        let other = Signer::from_seed("akta.example/school-13/w1", &[1; 32]).expect("a name");
        assert_eq!(checkpoint.sign(&other), Err(CheckpointError::Origin));
        let signed = Note::sign(&checkpoint.text(), &other).expect("a text").to_string();
        assert_eq!(open(&signed, other.vkey()), Err(CheckpointError::Origin));

        // A witness beside the log changes nothing; a witness alone does not speak for it.
        let (vkey, line) = witness(ORIGIN, &[1; 32], 1, &checkpoint.text());
        assert_eq!(open(&format!("{note}{line}"), signer().vkey()), Ok(checkpoint.clone()));
        assert_eq!(open(&format!("{}\n{line}", checkpoint.text()), &vkey), Err(CheckpointError::Witness));

        let extended = Note::sign(&format!("{}more\n", checkpoint.text()), &signer()).expect("a text").to_string();
        assert_eq!(open(&extended, signer().vkey()), Ok(checkpoint.clone()));
        assert_eq!(
            open(&extended.replace("more", "less"), signer().vkey()),
            Err(NoteError::False { name: ORIGIN.to_owned(), id: signer().vkey().id() }.into())
        );
    }

    #[test]
    fn malformed_checkpoints_are_refused_by_name() {
        let root = EMPTY_ROOT.to_string();
        for (text, error) in [
            (String::new(), CheckpointError::Lines),
            ("\n".to_owned(), CheckpointError::Lines),
            (format!("{ORIGIN}\n"), CheckpointError::Lines),
            (format!("{ORIGIN}\n1\n"), CheckpointError::Lines),
            (format!("{ORIGIN}\n1\n{root}"), CheckpointError::Lines),
            (format!("\n1\n{root}\n"), CheckpointError::Lines),
            (format!("{ORIGIN}\n1\n{root}\n\n"), CheckpointError::Lines),
            (format!("{ORIGIN}\n1\n{root}\na\n\nb\n"), CheckpointError::Lines),
            (format!("a b\n1\n{root}\n"), CheckpointError::Origin),
            (format!("a+b\n1\n{root}\n"), CheckpointError::Origin),
            (format!("{ORIGIN}\n01\n{root}\n"), CheckpointError::Size),
            (format!("{ORIGIN}\n00\n{root}\n"), CheckpointError::Size),
            (format!("{ORIGIN}\n+1\n{root}\n"), CheckpointError::Size),
            (format!("{ORIGIN}\n-1\n{root}\n"), CheckpointError::Size),
            (format!("{ORIGIN}\n 1\n{root}\n"), CheckpointError::Size),
            (format!("{ORIGIN}\n1.0\n{root}\n"), CheckpointError::Size),
            (format!("{ORIGIN}\n18446744073709551616\n{root}\n"), CheckpointError::Size),
            (format!("{ORIGIN}\n1\n{root}=\n"), CheckpointError::Root),
            (format!("{ORIGIN}\n1\nAAAA\n"), CheckpointError::Root),
            (format!("{ORIGIN}\n1\n{}\n", root.replace("FU=", "FV=")), CheckpointError::Root),
        ] {
            assert_eq!(Checkpoint::parse(&text), Err(error), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn another_implementation_opens_ours_and_we_open_theirs(size in any::<u64>(), root in any::<[u8; 32]>()) {
            let checkpoint = Checkpoint { origin: ORIGIN.to_owned(), size, root: Hash(root) };
            let note = checkpoint.sign(&signer()).expect("its own name");
            prop_assert_eq!(Checkpoint::open(note.as_bytes(), signer().vkey()), Ok(checkpoint.clone()));

            let verifier = StandardVerifier::new(&signer().vkey().to_string()).expect("a vkey");
            let parsed = signed_note::Note::from_bytes(note.as_bytes()).expect("a note");
            prop_assert!(parsed.verify(&VerifierList::new(vec![Box::new(verifier)])).is_ok());
            let theirs = tlog_tiles::Checkpoint::from_bytes(parsed.text()).expect("a checkpoint");
            prop_assert_eq!((theirs.origin(), theirs.size(), theirs.hash().0), (ORIGIN, size, root));

            let made = tlog_tiles::Checkpoint::new(ORIGIN, size, tlog_tiles::Hash(root), "").expect("a checkpoint");
            prop_assert_eq!(made.to_bytes(), checkpoint.text().into_bytes());
            let made = String::from_utf8(made.to_bytes()).expect("text");
            prop_assert_eq!(Checkpoint::parse(&made), Ok(checkpoint));
        }

        #[test]
        fn any_text_is_judged_without_panic(
            text in "(\\PC{0,20}\n?){0,5}|[a-z]{1,3}\n[0-9+]{0,20}\n[A-Za-z0-9+/]{43}=\n([a-z]{0,2}\n){0,2}",
        ) {
            if let Ok(checkpoint) = Checkpoint::parse(&text) {
                prop_assert!(text.starts_with(&checkpoint.text()));
            }
        }
    }
}
