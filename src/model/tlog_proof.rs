//! Proofs for the drawer (c2sp.org/tlog-proof): all that shows a record's place in a trail, checked without the node.
//!
//! ```text
//! c2sp.org/tlog-proof@v1
//! extra <base64>                    only if there is something; nothing signs it
//! index <position, decimal>
//! <hash, base64>                    none to 64, from the leaf's sibling up to a child of the root
//! <blank line>
//! <checkpoint, as signed>
//! ```

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::checkpoint::{Checkpoint, CheckpointError, decimal};
use super::note::{self, Note, NoteError};
use super::proof::{ProofError, verify_inclusion};
use super::tree::Hash;
use super::vkey::Vkey;

/// Largest proof that is read, in bytes: a note, and as much besides.
pub const MAX_BYTES: usize = 2 * note::MAX_BYTES;
/// Most hashes that lead from a leaf to a root.
pub const MAX_HASHES: usize = 64;

const FIRST: &str = "c2sp.org/tlog-proof@v1";

/// The place of a leaf under a checkpoint. Nothing of it is true before [`TlogProof::verify`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlogProof {
    /// What the application adds; not covered by any signature.
    pub extra: Vec<u8>,
    /// Position of the leaf.
    pub index: u64,
    /// From the leaf's sibling up to a child of the root.
    pub hashes: Vec<Hash>,
    /// The checkpoint, signed by the log and perhaps by witnesses.
    pub checkpoint: Note,
}

/// Why a proof is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TlogProofError {
    /// Longer than [`MAX_BYTES`].
    #[error("the proof is {0} bytes, the limit is {MAX_BYTES}")]
    TooLong(usize),
    /// Not text, another first line, or no blank line.
    #[error("the proof does not begin with {FIRST} or does not go on as that asks")]
    Form,
    /// The line `extra`.
    #[error("extra is not base64, or empty: leave the line out")]
    Extra,
    /// The line `index`.
    #[error("index is not a decimal number of 64 bits without leading zeros")]
    Index,
    /// A hash, counted from 1; or one too many.
    #[error("hash {0} is not the base64 of 32 bytes, or beyond the {MAX_HASHES} there can be")]
    Hash(usize),
    /// The checkpoint, or its signatures.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The way from the leaf to the root.
    #[error(transparent)]
    Inclusion(#[from] ProofError),
}

impl TlogProof {
    /// The proof of those bytes.
    pub fn parse(bytes: &[u8]) -> Result<Self, TlogProofError> {
        if bytes.len() > MAX_BYTES {
            return Err(TlogProofError::TooLong(bytes.len()));
        }
        let text = std::str::from_utf8(bytes).map_err(|_| TlogProofError::Form)?;
        let (head, checkpoint) = text.split_once("\n\n").ok_or(TlogProofError::Form)?;
        let mut lines = head.split('\n');
        if lines.next() != Some(FIRST) {
            return Err(TlogProofError::Form);
        }
        let mut line = lines.next().ok_or(TlogProofError::Index)?;
        let mut extra = Vec::new();
        if let Some(base64) = line.strip_prefix("extra ") {
            extra = STANDARD.decode(base64).ok().filter(|extra| !extra.is_empty()).ok_or(TlogProofError::Extra)?;
            line = lines.next().ok_or(TlogProofError::Index)?;
        }
        let index = line.strip_prefix("index ").and_then(decimal).ok_or(TlogProofError::Index)?;
        let hashes = (1..)
            .zip(lines)
            .map(|(number, line)| {
                Hash::parse(line).filter(|_| number <= MAX_HASHES).ok_or(TlogProofError::Hash(number))
            })
            .collect::<Result<_, _>>()?;
        let checkpoint = Note::parse(checkpoint.as_bytes()).map_err(CheckpointError::from)?;
        Ok(Self { extra, index, hashes, checkpoint })
    }

    /// Checks that `leaf` is at [`TlogProof::index`] of the tree that the log signed; the checkpoint that says so.
    /// For witnesses ask [`Note::verify`] of the checkpoint.
    pub fn verify(&self, leaf: &Hash, log: &Vkey) -> Result<Checkpoint, TlogProofError> {
        let checkpoint = Checkpoint::of(&self.checkpoint, log)?;
        verify_inclusion(leaf, self.index, checkpoint.size, &checkpoint.root, &self.hashes)?;
        Ok(checkpoint)
    }
}

impl From<NoteError> for TlogProofError {
    fn from(error: NoteError) -> Self {
        Self::Checkpoint(error.into())
    }
}

impl fmt::Display for TlogProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{FIRST}")?;
        if !self.extra.is_empty() {
            writeln!(f, "extra {}", STANDARD.encode(&self.extra))?;
        }
        writeln!(f, "index {}", self.index)?;
        for hash in &self.hashes {
            writeln!(f, "{hash}")?;
        }
        write!(f, "\n{}", self.checkpoint)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::proof::verify_consistency;
    use super::super::tiles::tests::Plain;
    use super::super::tiles::{consistency_proof, inclusion_proof, root};
    use super::super::tree::tests::leaves;
    use super::super::vkey::Signer;
    use super::super::vkey::tests::witness;
    use super::*;

    // The worked example: entries event-0 ... event-4, seeds 32 times 1 (log) and 32 times 2 (witness).
    const LOG: &str = "audit.example.com/shop+ca519976+AYqI4910CfGV/VLbLTy6XXLKZwm/HZQSG/N0iAG0D29c";
    const WITNESS: &str = "witness.example.com/w1+745fb5e8+BIE5dw6ofRdfVqNUZsNMfszLjYqRtO43ol32D1uPybOU";
    const PROOF: &str = "c2sp.org/tlog-proof@v1\n\
        index 2\n\
        Xz5pjPk3YirKfGvyc+8hdgkuwzwWLcyuOd+HAWJdGJ8=\n\
        P9HVoFmrFxo0X5kSyDwt2LeTO06VDmdJvIPbsfQ8y94=\n\
        rjI5dK4fR82yRuuDuHBjZtQ8ZK0Pr0gMeerLnPSn6Kc=\n\
        \n\
        audit.example.com/shop\n\
        5\n\
        C3TUMA55gFbNSHKLT7AenxWtPgp5UPvFiXT/Z1MnHSQ=\n\
        \n\
        \u{2014} audit.example.com/shop ylGZdhxMRXklr0kLOtv/EdrVfQ6sEEEhd0WX/cqFQNr/3o3r+NKICWfmULcufBhJbx4PtvlW9QLjG17IjmBn\
        P6m6Qg0=\n\
        \u{2014} witness.example.com/w1 dF+16AAAAABlU/EAsfB1mJApC7nOTaWVJ+uSbb8zM8WugwmUyp3m2TWOsJeR+6L65OwB2g9pACv2j/8F5gCf\
        t+xbfXUsFTaJt7+nAw==\n";

    #[test]
    fn the_worked_example_comes_out_byte_for_byte() {
        let leaves = leaves(5);
        let hex = blake3::Hash::from_bytes(leaves[0].0).to_hex();
        assert_eq!(hex.as_str(), "6734db3b19b64dc83703f9a1f4aee7697dfb292fb4e0827cc63f8a351b1b3609");
        let tiles = Plain::new(leaves.clone());
        let log = Signer::from_seed("audit.example.com/shop", &[1; 32]).expect("a name");
        assert_eq!(log.vkey().to_string(), LOG);

        let whole = root(&tiles, 5).expect("tiles");
        let checkpoint = Checkpoint { origin: log.vkey().name().to_owned(), size: 5, root: whole };
        let (vkey, line) = witness("witness.example.com/w1", &[2; 32], 1_700_000_000, &checkpoint.text());
        assert_eq!(vkey.to_string(), WITNESS);
        let note = checkpoint.sign(&log).expect("its own name") + &line;
        let proof = TlogProof {
            extra: Vec::new(),
            index: 2,
            hashes: inclusion_proof(&tiles, 2, 5).expect("in the tree"),
            checkpoint: Note::parse(note.as_bytes()).expect("a note"),
        };
        assert_eq!(proof.to_string(), PROOF);

        let read = TlogProof::parse(PROOF.as_bytes()).expect("a proof");
        assert_eq!(read, proof);
        assert_eq!(read.verify(&leaves[2], log.vkey()), Ok(checkpoint));
        let known = [LOG.parse().expect("a vkey"), vkey];
        let times: Vec<_> = read.checkpoint.verify(&known).expect("both signed").iter().map(|key| key.time).collect();
        assert_eq!(times, [None, Some(1_700_000_000)]);

        // From 3 to 5.
        let before = root(&tiles, 3).expect("tiles");
        assert_eq!(before.to_string(), "2y7/5k02NSvNTCYL3g4RODEMn3e4nUxXV4ZS+bGFtjA=");
        let between = consistency_proof(&tiles, 3, 5).expect("within the tree");
        let first = Hash::parse("T7cNqgptqvfpPys3xeXfczRmMP2KUZltUPHY7v8nlCY=").expect("a hash");
        assert_eq!(between, [vec![first], proof.hashes].concat());
        assert_eq!(verify_consistency(3, &before, 5, &whole, &between), Ok(()));
    }

    #[test]
    fn what_was_altered_is_refused_by_name() {
        let leaves = leaves(5);
        let log: Vkey = LOG.parse().expect("a vkey");
        let verified = |text: &str| TlogProof::parse(text.as_bytes())?.verify(&leaves[2], &log);
        let extra = |extra: &str| PROOF.replace("index", &format!("{extra}index"));
        assert!(verified(PROOF).is_ok());
        // Nothing signs it.
        assert!(verified(&extra("extra AAAA\n")).is_ok());

        let hash = "Xz5pjPk3YirKfGvyc+8hdgkuwzwWLcyuOd+HAWJdGJ8=";
        let long = "x".repeat(MAX_BYTES + 1);
        let signature = NoteError::False { name: log.name().to_owned(), id: log.id() };
        for (text, error) in [
            ("", TlogProofError::Form),
            (&long, TlogProofError::TooLong(long.len())),
            (&PROOF.replace("@v1", "@v2"), TlogProofError::Form),
            (&format!("\n{PROOF}"), TlogProofError::Form),
            (&PROOF.replace('\n', "\r\n"), TlogProofError::Form),
            ("c2sp.org/tlog-proof@v1\n\n", TlogProofError::Index),
            (&extra("extra \n"), TlogProofError::Extra),
            (&extra("extra AAA\n"), TlogProofError::Extra),
            (&extra("extra AAAA\nextra AAAA\n"), TlogProofError::Index),
            (&extra("Extra AAAA\n"), TlogProofError::Index),
            (&PROOF.replace("index 2\n", ""), TlogProofError::Index),
            (&PROOF.replace("index 2", "index 02"), TlogProofError::Index),
            (&PROOF.replace("index 2", "index +2"), TlogProofError::Index),
            (&PROOF.replace("index 2", "index 2 "), TlogProofError::Index),
            (&PROOF.replace("index 2", "index 2\nindex 2"), TlogProofError::Hash(1)),
            (&PROOF.replace(hash, "AAAA"), TlogProofError::Hash(1)),
            (&PROOF.replace(hash, &[hash; 63].join("\n")), TlogProofError::Hash(65)),
            (&PROOF.replace(hash, &[hash; 62].join("\n")), ProofError::Length(64).into()),
            (&PROOF.replace(&format!("{hash}\n"), ""), ProofError::Length(2).into()),
            (&PROOF.replace(hash, &hash.replace('X', "Y")), ProofError::Root.into()),
            (&PROOF.replace("index 2", "index 3"), ProofError::Root.into()),
            (&PROOF.replace("index 2", "index 5"), ProofError::Index { index: 5, size: 5 }.into()),
            (&PROOF.replace("\n5\n", "\n6\n"), signature.clone().into()),
            (&PROOF.replace("C3TU", "C3TV"), signature.clone().into()),
            (&PROOF.replace("ylGZdhxM", "ylGZdhxN"), signature.clone().into()),
            (&PROOF.replace("\n\naudit", "\n\n\naudit"), signature.into()),
            (&PROOF.replace("=\n\n\u{2014}", "=\n\u{2014}"), NoteError::Unsigned.into()),
        ] {
            assert_eq!(verified(text), Err(error), "{}", &text[..text.len().min(2_000)]);
        }
        let proof = TlogProof::parse(PROOF.as_bytes()).expect("a proof");
        assert_eq!(proof.verify(&leaves[3], &log), Err(ProofError::Root.into()));
    }

    proptest! {
        #[test]
        fn proofs_round_trip_whatever_they_carry(
            extra in prop::collection::vec(any::<u8>(), 0..100),
            index in any::<u64>(),
            hashes in prop::collection::vec(any::<[u8; 32]>(), 0..=MAX_HASHES),
        ) {
            let checkpoint = TlogProof::parse(PROOF.as_bytes()).expect("a proof").checkpoint;
            let proof = TlogProof { extra, index, hashes: hashes.into_iter().map(Hash).collect(), checkpoint };
            prop_assert_eq!(TlogProof::parse(proof.to_string().as_bytes()), Ok(proof));
        }

        #[test]
        fn any_bytes_are_judged_without_panic_and_what_parses_prints_the_same(
            bytes in prop::collection::vec(any::<u8>(), 0..200),
            at in any::<prop::sample::Index>(),
            bit in 0..8u8,
        ) {
            prop_assert!(TlogProof::parse(&bytes).is_err());
            let mut bytes = PROOF.as_bytes().to_vec();
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
            if let Ok(proof) = TlogProof::parse(&bytes) {
                prop_assert_eq!(proof.to_string().into_bytes(), bytes);
                let log = LOG.parse().expect("a vkey");
                // Only the witness's line may have suffered: the log's own word holds without it.
                let witness = PROOF.rfind('\u{2014}').expect("two signatures");
                prop_assert_eq!(proof.verify(&leaves(5)[2], &log).is_ok(), at >= witness);
            }
        }
    }
}
