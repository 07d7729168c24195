//! Who is let in, by which way, to what.
#![allow(clippy::unwrap_used)]

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

use akta::client::{Client, Tls};
use akta::grpc::api::{GetCheckpointRequest, RecordEventsRequest, SearchEventsRequest};
use tonic::{Code, Status};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

use super::authority::{Authority, Identity, Wish};
use super::binary::{akta, shown};
use super::secure::{Files, STUCK, Secure, let_in, serve};
use super::support::{Events, SCHOOL, run};

const GRADEBOOK: &str = "spiffe://schools.example/gradebook";

/// Listeners that want a certificate, would like one, and do not ask.
const LISTENERS: &str = "
[listen.ingest]
address = \"127.0.0.1:0\"
[listen.history]
address = \"127.0.0.1:0\"
client_certificate = \"optional\"
[listen.ops]
address = \"127.0.0.1:0\"
client_certificate = \"none\"
";

#[test]
fn a_certificate_decides_who_is_let_in() {
    let folder = tempfile::tempdir().unwrap();
    let (ours, theirs) = (Authority::new("ours"), Authority::new("theirs"));
    let files = Files::new(folder.path(), &ours.server(), &ours);
    let revoked = ours.workload("spiffe://schools.example/revoked");
    files.write("ca.crl", &ours.revoked(&[&revoked]));
    let node = Secure::start(folder.path(), &(files.table() + LISTENERS), 3);

    let uris = |uris: &[&str]| ours.give(&Wish { uris, ..Wish::default() });
    let valid = |valid| ours.give(&Wish { uris: &[GRADEBOOK], valid, ..Wish::default() });
    let both = ours.give(&Wish { uris: &[GRADEBOOK], dns: &["gradebook.example"], ..Wish::default() });
    let stranger = theirs.workload(GRADEBOOK);
    // Who knocks; whether ingest, history and ops let it in.
    let rows: [(&str, Option<Identity>, [bool; 3]); 12] = [
        ("a workload", Some(uris(&[GRADEBOOK])), [true, true, true]),
        ("a workload with a DNS name", Some(both), [true, true, true]),
        ("nobody", None, [false, true, true]),
        ("another authority", Some(stranger), [false, false, true]),
        ("expired", Some(valid((-7_200, -60))), [false, false, true]),
        ("not valid yet", Some(valid((3_600, 7_200))), [false, false, true]),
        ("revoked", Some(revoked), [false, false, true]),
        ("two URIs", Some(uris(&[GRADEBOOK, "spiffe://schools.example/portal"])), [false, true, true]),
        ("two URIs, one SPIFFE", Some(uris(&[GRADEBOOK, "https://schools.example/"])), [false, true, true]),
        ("a URI, no SPIFFE id", Some(uris(&["https://schools.example/gradebook"])), [false, true, true]),
        ("a trust domain", Some(uris(&["spiffe://schools.example"])), [false, true, true]),
        ("no name at all", Some(uris(&[])), [false, true, true]),
    ];
    run(async {
        for (who, identity, expected) in rows {
            let tls = ours.client(identity.as_ref());
            for (listener, good) in ["ingest", "history", "ops"].into_iter().zip(expected) {
                let came = tokio::time::timeout(STUCK, let_in(node.address(listener), Some(&tls))).await.unwrap();
                assert_eq!(came.is_ok(), good, "{who} at {listener}: {came:?}");
            }
        }
        // Neither end takes the other for what it is not.
        let plain = tokio::time::timeout(STUCK, let_in(node.address("ops"), None)).await.unwrap();
        assert!(plain.is_err(), "plaintext where TLS is spoken");
        let wrong = theirs.client(None);
        let unknown = let_in(node.address("ops"), Some(&wrong)).await.expect_err("a server of another authority");
        assert!(unknown.contains("UnknownIssuer"), "{unknown}");
    });
}

#[test]
fn a_listener_serves_its_part_only() {
    let folder = tempfile::tempdir().unwrap();
    let config = "[listen]
        ingest.address = \"127.0.0.1:0\"
        history.address = \"127.0.0.1:0\"
        ops.address = \"127.0.0.1:0\"
        api.address = \"127.0.0.1:0\"";
    let node = Secure::start(folder.path(), config, 4);
    let there = |answer: Result<(), Status>| !answer.is_err_and(|status| status.code() == Code::Unimplemented);
    let rows = [
        ("ingest", [true, false, false, false]),
        ("history", [false, true, true, false]),
        ("ops", [false, false, false, true]),
        ("api", [true, true, true, true]),
    ];
    run(async {
        for (listener, expected) in rows {
            let channel = Client::channel(node.address(listener), None).await.unwrap();
            let mut client = Client::over(channel.clone());
            let mut health = HealthClient::new(channel);
            let found = [
                client.ingest.record_events(RecordEventsRequest::default()).await.map(drop),
                client.history.search_events(SearchEventsRequest::default()).await.map(drop),
                client.evidence.get_checkpoint(GetCheckpointRequest::default()).await.map(drop),
                health.check(HealthCheckRequest::default()).await.map(drop),
            ];
            assert_eq!(found.map(there), expected, "{listener}");
        }
    });
}

/// A ClientHello of TLS 1.2: no extension says that more is understood.
fn hello_of_tls_1_2() -> Vec<u8> {
    let suites = [0xc0, 0x2b, 0xc0, 0x2f];
    // Groups x25519 and P-256; signatures by ECDSA and RSA-PSS with SHA-256.
    let extensions = [0, 10, 0, 6, 0, 4, 0, 29, 0, 23, 0, 13, 0, 6, 0, 4, 4, 3, 8, 4];
    let mut hello = vec![3, 3];
    hello.extend([7; 32]);
    hello.extend([0, 0, suites.len() as u8]);
    hello.extend(suites);
    hello.extend([1, 0, 0, extensions.len() as u8]);
    hello.extend(extensions);
    let mut record = vec![22, 3, 1, 0, hello.len() as u8 + 4, 1, 0, 0, hello.len() as u8];
    record.extend(hello);
    record
}

#[test]
fn older_tls_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let ours = Authority::new("ours");
    let files = Files::new(folder.path(), &ours.server(), &ours);
    let node = Secure::start(folder.path(), &(files.table() + LISTENERS), 3);
    let mut socket = TcpStream::connect(node.address("ops")).unwrap();
    socket.set_read_timeout(Some(STUCK)).unwrap();
    socket.write_all(&hello_of_tls_1_2()).unwrap();
    let mut answer = Vec::new();
    // The server closes after it.
    let _ = socket.read_to_end(&mut answer);
    assert_eq!(answer, [21, 3, 3, 0, 2, 2, 70], "a fatal alert: protocol_version");
}

#[test]
fn plaintext_off_loopback_has_to_be_meant() {
    let table = |more: &str| format!("[listen.ingest]\naddress = \"0.0.0.0:0\"\n{more}");
    let remedy = "plaintext_off_loopback = true in [listen.ingest]";
    let rows = [
        ("listen = \"0.0.0.0:0\"".to_owned(), "plaintext_off_loopback = true in [listen.api]"),
        (table(""), remedy),
        (table("plaintext_off_loopback = false"), remedy),
        (table("tls = true"), "tls = true needs [tls]"),
        (table("client_certificate = \"required\""), "client_certificate needs TLS"),
        (table("plaintext = true"), "line 3: unknown field `plaintext`"),
    ];
    for (config, why) in rows {
        let folder = tempfile::tempdir().unwrap();
        let output = serve(folder.path(), &config).output().unwrap();
        assert_eq!(output.status.code(), Some(3), "{config}\n{}", shown(&output));
        assert!(shown(&output).contains(why), "{config}\n{}", shown(&output));
        // Said before anything is done.
        assert!(!folder.path().join("data").exists(), "{config}");
        let check = akta().args(["config", "check", "--dev", "--config"]).arg(folder.path().join("akta.toml")).output();
        let check = check.unwrap();
        assert!(check.status.code() == Some(1) && shown(&check).contains(why), "{config}\n{}", shown(&check));
    }
    let folder = tempfile::tempdir().unwrap();
    let node = Secure::start(folder.path(), &table("plaintext_off_loopback = true"), 1);
    assert!(node.address("ingest").starts_with("0.0.0.0:"));
}

#[test]
fn a_socket_is_for_those_it_is_meant_for() {
    // What the table says; mode, and group if another than the node's own.
    let rows =
        [("", 0o660, None), ("mode = \"0600\"", 0o600, None), ("mode = \"0666\"\ngroup = \"7\"", 0o666, Some(7))];
    // Giving a file to any group needs rights that only root has.
    let root = std::fs::metadata("/proc/self").unwrap().uid() == 0;
    for (more, mode, group) in rows.into_iter().filter(|(_, _, group)| root || group.is_none()) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("socket");
        // What a crash left behind is no obstacle.
        drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
        let table = format!("[listen.api]\naddress = \"unix:{}\"\n{more}", path.display());
        let node = Secure::start(folder.path(), &table, 1);
        let found = std::fs::metadata(&path).unwrap();
        assert_eq!(found.permissions().mode() & 0o777, mode, "{more}");
        let own = std::fs::metadata("/proc/self").unwrap().gid();
        assert_eq!(found.gid(), group.unwrap_or(own), "{more}");
        run(async { let_in(node.address("api"), None).await.unwrap() });
        // Another node does not take it from this one.
        let other = tempfile::tempdir().unwrap();
        let output = serve(other.path(), &table).output().unwrap();
        assert!(shown(&output).contains("address in use") || shown(&output).contains("Address"), "{}", shown(&output));
        run(async { let_in(node.address("api"), None).await.unwrap() });
    }
}

#[test]
fn the_command_line_speaks_tls() {
    let folder = tempfile::tempdir().unwrap();
    let (ours, theirs) = (Authority::new("ours"), Authority::new("theirs"));
    let files = Files::new(folder.path(), &ours.server(), &ours);
    let gradebook = ours.workload(GRADEBOOK);
    files.write("me.crt", &gradebook.certificate);
    files.write("me.key", &gradebook.key);
    files.write("theirs.crt", &theirs.pem);
    let config = format!("listen = \"127.0.0.1:0\"\n{}", files.table());
    let node = Secure::start(folder.path(), &config, 1);
    let address = node.address("api").to_owned();
    let trust: Tls = ours.client(Some(&gradebook));
    run(async {
        let mut client = Client::connect_with(&address, Some(&trust)).await.unwrap();
        client.record(Events::of(1).read()).await.unwrap();
    });
    let https = format!("https://{address}");
    let [ca, cert, key, wrong] = ["ca.crt", "me.crt", "me.key", "theirs.crt"].map(|name| folder.path().join(name));
    let (ca, cert, key, wrong) = (ca.as_os_str(), cert.as_os_str(), key.as_os_str(), wrong.as_os_str());
    // The address, the variables, the exit status, what is said.
    let rows = [
        (&https, vec![("AKTA_CA", ca), ("AKTA_CERT", cert), ("AKTA_CERT_KEY", key)], 0, "marks.show"),
        (&address, vec![("AKTA_CA", ca), ("AKTA_CERT", cert), ("AKTA_CERT_KEY", key)], 0, "marks.show"),
        (&https, vec![], 3, "give --ca FILE (AKTA_CA)"),
        (&https, vec![("AKTA_CA", ca)], 3, "CertificateRequired"),
        (&https, vec![("AKTA_CA", wrong)], 3, "UnknownIssuer"),
        (&https, vec![("AKTA_CA", ca), ("AKTA_CERT", cert)], 2, "--key <FILE>"),
        (&https, vec![("AKTA_CA", key)], 3, "there is no certificate in the file of the authority"),
        (
            &https,
            vec![("AKTA_CA", ca), ("AKTA_CERT", wrong), ("AKTA_CERT_KEY", key)],
            3,
            "is not that of the certificate",
        ),
        (&address, vec![], 3, "akta: "),
    ];
    for (server, variables, status, holds) in rows {
        let mut search = akta();
        search.args(["search", "--server", server, "--controller", SCHOOL, "--purpose", "security", "--json"]);
        let output = search.envs(variables.iter().copied()).output().unwrap();
        let told = shown(&output);
        assert_eq!(output.status.code(), Some(status), "{variables:?}: {told}");
        assert!(told.contains(holds), "{variables:?}: {told}");
        assert!(!told.contains("PRIVATE KEY"), "{told}");
    }
    let mut status = akta();
    status.args(["status", "--server", &https]).arg("--ca").arg(ca).arg("--cert").arg(cert).arg("--key").arg(key);
    let output = status.output().unwrap();
    assert!(output.status.success(), "{}", shown(&output));
}
