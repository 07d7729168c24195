//! Certificates that change, end or are revoked while a node serves.
#![allow(clippy::unwrap_used)]

use super::authority::{Authority, Wish};
use super::secure::{Files, Open, STUCK, Secure, let_in};
use super::support::run;

const GRADEBOOK: &str = "spiffe://schools.example/gradebook";
const PORTAL: &str = "spiffe://schools.example/portal";
const IN_FORCE: &str = "the changed files are in force";

fn config(files: &Files) -> String {
    format!("{}[listen.ingest]\naddress = \"127.0.0.1:0\"\n", files.table())
}

#[test]
fn who_is_revoked_is_cut_off_and_others_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let (ours, theirs) = (Authority::new("ours"), Authority::new("theirs"));
    let files = Files::new(folder.path(), &ours.server(), &ours);
    let both = |lists: [String; 2]| lists.concat();
    files.write("ca.crt", &both([ours.pem.clone(), theirs.pem.clone()]));
    files.write("ca.crl", &both([ours.revoked(&[]), theirs.revoked(&[])]));
    let node = Secure::start(folder.path(), &config(&files), 1);
    let address = node.address("ingest");
    let (gradebook, portal, stranger) = (ours.workload(GRADEBOOK), ours.workload(PORTAL), theirs.workload(PORTAL));
    let clients = [&gradebook, &portal, &stranger].map(|identity| ours.client(Some(identity)));
    run(async {
        let mut streams = Vec::new();
        for (client, source) in clients.iter().zip(1..) {
            streams.push(Open::on(address, Some(client), source).await);
        }
        // What changes, and who is let in after it: gradebook, portal, the other authority's.
        let rows: [(&dyn Fn(), [bool; 3]); 2] = [
            (&|| files.write("ca.crl", &both([ours.revoked(&[&portal]), theirs.revoked(&[])])), [true, false, true]),
            (&|| files.write("ca.crt", &ours.pem), [true, false, false]),
        ];
        let mut before = [true; 3];
        for (change, expected) in rows {
            change();
            node.hang_up();
            node.logged(IN_FORCE);
            for (number, stream) in streams.iter_mut().enumerate() {
                match (before[number], expected[number]) {
                    (true, false) => stream.ends().await,
                    (_, true) => stream.works().await,
                    (false, false) => {}
                }
                let again = tokio::time::timeout(STUCK, let_in(address, Some(&clients[number]))).await.unwrap();
                assert_eq!(again.is_ok(), expected[number], "{number}: {again:?}");
            }
            before = expected;
        }
    });
}

#[test]
fn a_new_server_certificate_is_seen_by_new_connections() {
    let folder = tempfile::tempdir().unwrap();
    let (old, new) = (Authority::new("old"), Authority::new("new"));
    let files = Files::new(folder.path(), &old.server(), &old);
    let node = Secure::start(folder.path(), &config(&files), 1);
    let address = node.address("ingest");
    let gradebook = old.workload(GRADEBOOK);
    let (trusts_old, trusts_new) = (old.client(Some(&gradebook)), new.client(Some(&gradebook)));
    run(async {
        let mut stream = Open::on(address, Some(&trusts_old), 1).await;
        assert!(let_in(address, Some(&trusts_new)).await.is_err());
        // Nobody tells it to look.
        files.server(&new.server());
        node.logged(IN_FORCE);
        let_in(address, Some(&trusts_new)).await.unwrap();
        assert!(let_in(address, Some(&trusts_old)).await.is_err());
        stream.works().await;
    });
}

#[test]
fn a_bad_file_changes_nothing_and_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let ours = Authority::new("ours");
    let server = ours.server();
    let files = Files::new(folder.path(), &server, &ours);
    let node = Secure::start(folder.path(), &config(&files), 1);
    let client = ours.client(Some(&ours.workload(GRADEBOOK)));
    let good = [("tls.crt", server.certificate.clone()), ("tls.key", server.key.clone()), ("ca.crt", ours.pem.clone())];
    let good = |name: &str| good.iter().find(|(file, _)| *file == name).unwrap().1.clone();
    let another = ours.server();
    // The file, what it becomes, what the log says of it.
    let rows = [
        ("tls.key", "c2VjcmV0".to_owned(), "there is no private key in it"),
        ("tls.key", another.key, "is not the key of"),
        ("tls.crt", another.certificate, "is not the key of"),
        ("tls.crt", String::new(), "there is no certificate in it"),
        ("ca.crt", "-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----\n".to_owned(), "cannot be read as PEM"),
    ];
    run(async {
        for (name, text, why) in rows {
            files.write(name, &text);
            node.hang_up();
            let line = node.logged("what was in force stays");
            assert!(line.contains(why) && line.contains("tls: "), "{line}");
            assert!(!line.contains("c2VjcmV0"), "{line}");
            let_in(node.address("ingest"), Some(&client)).await.unwrap();
            files.write(name, &good(name));
            node.hang_up();
            node.logged(IN_FORCE);
        }
    });
}

#[test]
fn a_connection_does_not_outlive_its_certificate() {
    let folder = tempfile::tempdir().unwrap();
    let ours = Authority::new("ours");
    let files = Files::new(folder.path(), &ours.server(), &ours);
    let node = Secure::start(folder.path(), &config(&files), 1);
    let address = node.address("ingest");
    let brief = ours.give(&Wish { uris: &[GRADEBOOK], valid: (-60, 5), ..Wish::default() });
    let (brief, lasting) = (ours.client(Some(&brief)), ours.client(Some(&ours.workload(GRADEBOOK))));
    run(async {
        let mut goes = Open::on(address, Some(&brief), 1).await;
        let mut stays = Open::on(address, Some(&lasting), 2).await;
        goes.ends().await;
        assert!(node.logged("connection closed").contains("its certificate has ended"));
        assert!(let_in(address, Some(&brief)).await.is_err());
        stays.works().await;
    });
}
