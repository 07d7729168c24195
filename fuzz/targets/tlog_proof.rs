//! Proofs for the drawer: what parses prints the same, and holds only under a checkpoint of the root it leads to.

use akta::model::checkpoint::Checkpoint;
use akta::model::note::Note;
use akta::model::tlog_proof::{MAX_HASHES, TlogProof};
use akta::model::tree::Hash;
use akta::model::vkey::Signer;

use super::proof::root_of;

/// The text of a proof.
pub(crate) fn check(bytes: &[u8]) {
    let Ok(proof) = TlogProof::parse(bytes) else { return };
    assert_eq!(proof.to_string().as_bytes(), bytes);
    assert!(proof.hashes.len() <= MAX_HASHES);
    let log = Signer::from_seed("akta.dev/school-12/w0", &[1; 32]).unwrap();
    let leaf = Hash([3; 32]);
    if let Ok(checkpoint) = proof.verify(&leaf, log.vkey()) {
        assert_eq!(root_of(&leaf, proof.index, checkpoint.size, &proof.hashes), Some(checkpoint.root));
    }
    // Under a checkpoint of ours: of every size that its index and length fit, it holds for the root it leads to.
    for size in sizes(&proof) {
        let root = root_of(&leaf, proof.index, size, &proof.hashes);
        let signed = |root| {
            let note = Checkpoint { origin: log.vkey().name().to_owned(), size, root }.sign(&log).unwrap();
            TlogProof { checkpoint: Note::parse(note.as_bytes()).unwrap(), ..proof.clone() }
        };
        assert!(signed(Hash([4; 32])).verify(&leaf, log.vkey()).is_err());
        let Some(root) = root else { continue };
        assert_eq!(signed(root).verify(&leaf, log.vkey()).unwrap().root, root);
        assert!(signed(root).verify(&Hash([5; 32]), log.vkey()).is_err());
    }
}

/// Some sizes at which a tree may have such a path: around the index, and around the powers of two.
fn sizes(proof: &TlogProof) -> impl Iterator<Item = u64> {
    let (index, hashes) = (proof.index, proof.hashes.len() as u32);
    let full = 1u64.checked_shl(hashes).unwrap_or(u64::MAX);
    [index.saturating_add(1), index.saturating_add(2), full, full.saturating_sub(1), u64::MAX].into_iter()
}
