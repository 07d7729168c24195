//! Public test vectors, read from the folder of test data: what others say that a verifier must accept and refuse.

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write;
    use std::path::{Path, PathBuf};

    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use serde_json::Value;

    use crate::model::checkpoint::Checkpoint;
    use crate::model::proof::{verify_consistency, verify_inclusion};
    use crate::model::tiles::tests::Plain;
    use crate::model::tiles::{consistency_proof, inclusion_proof, root};
    use crate::model::tree::{Frontier, Hash, leaf_hash};
    use crate::model::vkey::Vkey;

    /// What `path` is in the folder of vectors; without it the test is noted as skipped.
    fn vectors(test: &str, path: &str) -> Option<PathBuf> {
        let default = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data");
        let data = std::env::var_os("AKTA_TEST_DATA").map_or_else(default, PathBuf::from);
        let found = data.join("vectors").join(path);
        if found.exists() {
            return Some(found);
        }
        let line = format!("SKIPPED {test}: AKTA_TEST_DATA holds no vectors/{path}\n");
        print!("{line}");
        if let Some(list) = std::env::var_os("AKTA_SKIPS") {
            let mut list = fs::OpenOptions::new().create(true).append(true).open(list).expect("the list of skips");
            // One write: tests beside this one append as well.
            list.write_all(line.as_bytes()).expect("the list of skips");
        }
        None
    }

    /// A hash of a vector; `None` for those that are not 32 bytes, which no proof of ours can hold.
    fn hash(value: &Value) -> Option<Hash> {
        Hash::from_slice(&STANDARD.decode(value.as_str().expect("base64")).expect("base64"))
    }

    fn proof(value: &Value) -> Option<Vec<Hash>> {
        value.as_array().map_or(Some(Vec::new()), |hashes| hashes.iter().map(hash).collect())
    }

    fn inclusion_holds(row: &Value) -> Option<bool> {
        let number = |name: &str| row[name].as_u64().expect("a number");
        let (leaf, root, proof) = (hash(&row["leafHash"])?, hash(&row["root"])?, proof(&row["proof"])?);
        Some(verify_inclusion(&leaf, number("leafIdx"), number("treeSize"), &root, &proof).is_ok())
    }

    fn consistency_holds(row: &Value) -> Option<bool> {
        let number = |name: &str| row[name].as_u64().expect("a number");
        let (old, new, proof) = (hash(&row["root1"])?, hash(&row["root2"])?, proof(&row["proof"])?);
        Some(verify_consistency(number("size1"), &old, number("size2"), &new, &proof).is_ok())
    }

    #[test]
    fn merkle_proofs_are_judged_as_their_authors_say() {
        let Some(file) = vectors("merkle_proofs_are_judged_as_their_authors_say", "merkle-proofs.json") else { return };
        let all: Value = serde_json::from_slice(&fs::read(file).expect("readable")).expect("JSON");
        // Accepted, refused, and refused since a hash is not 32 bytes.
        let judged = |kind: &str, holds: fn(&Value) -> Option<bool>| {
            let (mut accepted, mut refused, mut unheld) = (0, 0, 0);
            for row in all[kind].as_array().expect("rows") {
                let name = row["name"].as_str().expect("a name");
                // Two equal roots of 12 bytes: we know only hashes of 32.
                let ours = name == "consistency/additional/sizes-are-equal-one-and-proof-is-empty.json";
                let good = !row["wantErr"].as_bool().expect("a verdict") && !ours;
                match holds(row) {
                    Some(true) => accepted += 1,
                    Some(false) => refused += 1,
                    None => unheld += 1,
                }
                assert_eq!(holds(row).unwrap_or(false), good, "{name}");
            }
            println!("{kind}: {accepted} accepted, {refused} refused, {unheld} with hashes that are not 32 bytes");
            (accepted, refused, unheld)
        };
        assert_eq!(judged("inclusion", inclusion_holds), (4, 39, 16));
        assert_eq!(judged("consistency", consistency_holds), (4, 50, 23));
    }

    #[test]
    fn the_log_of_tessera_is_ours_byte_for_byte() {
        let Some(folder) = vectors("the_log_of_tessera_is_ours_byte_for_byte", "tessera-log") else { return };
        let read = |path: String| fs::read(folder.join(&path)).unwrap_or_else(|error| panic!("{path}: {error}"));
        let vkey: Vkey =
            "example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx".parse().expect("a vkey");

        let mut roots = Vec::new();
        let mut leaves = Vec::new();
        for size in 0..=15usize {
            let checkpoint = Checkpoint::open(&read(format!("checkpoint.{size}")), &vkey).expect("signed");
            assert_eq!((checkpoint.origin.as_str(), checkpoint.size), ("example.com/log/testdata", size as u64));
            if size > 0 {
                leaves =
                    entries(&read(format!("tile/entries/000.p/{size}"))).iter().map(|entry| leaf_hash(entry)).collect();
                let tile: Vec<u8> = leaves.iter().flat_map(|leaf| leaf.0).collect();
                assert_eq!(tile, read(format!("tile/0/000.p/{size}")));
            }
            assert_eq!(leaves.len(), size);
            let mut frontier = Frontier::default();
            leaves.iter().for_each(|leaf| frontier.append(*leaf, |_, _, _| ()));
            assert_eq!(frontier.root(), checkpoint.root);
            assert_eq!(root(&Plain::new(leaves.clone()), size as u64), Ok(checkpoint.root));
            roots.push(checkpoint.root);
        }
        assert_eq!(read("checkpoint".to_owned()), read("checkpoint.15".to_owned()));
        assert_eq!(roots[5].to_string(), "gy5gl3aksFyiCO95a/1vLXz88A3dRq+0l9Sxte8ZqZQ=");
        assert_eq!(roots[15].to_string(), "rKbDipCvhuX1GZ7g5BBe8sA6BbJ7ja/1nk427v383cs=");

        let tiles = Plain::new(leaves.clone());
        let texts = |hashes: &[Hash]| hashes.iter().map(Hash::to_string).collect::<Vec<_>>();
        let included = inclusion_proof(&tiles, 4, 15).expect("in the tree");
        let expected = [
            "yiM+eia4w1wsk/Ukx7kF56IQVkDW3MWUaUz/VtJu+yU=",
            "nk9gCR+floFqznAPtqjjcnnV64dge2jQB95D5t164Hg=",
            "zY1lN35vrXYAPixXSd59LsU29xUJtuW4o2dNNg5Y2Co=",
            "5jLpqTgjsBDSEX6SgZiRnbTMdTuRd8bQ5tSsAOxe0Ks=",
        ];
        assert_eq!(texts(&included), expected);
        assert_eq!(verify_inclusion(&leaves[4], 4, 15, &roots[15], &included), Ok(()));
        let extended = consistency_proof(&tiles, 5, 15).expect("within the tree");
        assert_eq!(texts(&extended[..1]), ["zMKa4OAqd7D0V4wawXST15z0JiEEkprIBPkfxOesWvA="]);
        assert_eq!(texts(&extended[1..]), expected);
        for old in 1..=15 {
            let proof = consistency_proof(&tiles, old, 15).expect("within the tree");
            assert_eq!(verify_consistency(old, &roots[old as usize], 15, &roots[15], &proof), Ok(()));
        }
    }

    /// The entries of a bundle of tlog-tiles: `length u16 || entry`, over and over.
    fn entries(mut bundle: &[u8]) -> Vec<Vec<u8>> {
        let mut entries = Vec::new();
        while let Some((length, rest)) = bundle.split_first_chunk::<2>() {
            let (entry, rest) = rest.split_at(usize::from(u16::from_be_bytes(*length)));
            entries.push(entry.to_vec());
            bundle = rest;
        }
        entries
    }
}
