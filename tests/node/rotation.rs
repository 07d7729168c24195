//! The key-encryption key from a file, from a KMS, and rotated: offline, at start, while serving.
#![allow(clippy::unwrap_used)]

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, ChildStdin, Command, Output, Stdio};

use serde_json::Value;

use super::binary::{akta, shown};
use super::skip::skip;

/// A node with real keys, on a folder that holds its data, its configuration and files of keys.
pub(crate) struct Serving {
    child: Child,
    log: BufReader<ChildStderr>,
    /// Where it listens.
    pub(crate) address: String,
}

impl Serving {
    pub(crate) fn start(folder: &Path, flags: &[&str], variables: &[(&str, &str)]) -> Self {
        let config = folder.join("akta.toml");
        std::fs::write(
            &config,
            "authority = \"akta.example\"\ncontrollers = [\"school-12\"]\nopen_to_everybody = true\n",
        )
        .unwrap();
        let mut command = akta();
        command
            .current_dir(folder)
            .args(["serve", "--data", "data", "--listen", "127.0.0.1:0", "--config"])
            .arg(config);
        command.args(flags).envs(variables.iter().copied());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let log = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim_end().strip_prefix("listening api ").unwrap_or_default().to_owned();
        let mut serving = Self { child, log, address };
        assert!(!serving.address.is_empty(), "{line:?}: {}", serving.until("\u{0}"));
        serving
    }

    pub(crate) fn signal(&self, name: &str) {
        let process = self.child.id().to_string();
        let told = Command::new("sh").args(["-c", "kill -\"$0\" \"$1\"", name, &process]).status().unwrap();
        assert!(told.success());
    }

    /// The log up to the line that holds `text`.
    pub(crate) fn until(&mut self, text: &str) -> String {
        let mut read = String::new();
        while !read.contains(text) && self.log.read_line(&mut read).unwrap() > 0 {}
        read
    }

    pub(crate) fn stop(mut self) {
        self.signal("TERM");
        // Its log must not fill up the pipe.
        self.until("\u{0}");
        assert!(self.child.wait().unwrap().success());
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A scratch folder with keys in it, by name.
pub(crate) struct Place(tempfile::TempDir);

impl Place {
    pub(crate) fn new(keys: &[&str]) -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        keys.iter().for_each(|name| place.new_key(name));
        place
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn new_key(&self, name: &str) {
        let output = akta().args(["keys", "new-kek"]).output().unwrap();
        std::fs::write(self.path().join(name), output.stdout).unwrap();
    }

    pub(crate) fn run(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Output {
        akta().current_dir(self.path()).args(arguments).envs(variables.iter().copied()).output().unwrap()
    }

    pub(crate) fn rotate(&self, new: &str, old: &str) -> Output {
        self.run(&["keys", "rotate-kek", "data", "--kek-file", new, "--old-kek-file", old], &[])
    }

    /// Whether the keyring opens under that key.
    fn opens(&self, key: &str) -> bool {
        let output = self.run(&["keys", "data", "--kek-file", key], &[]);
        assert!(
            output.status.success() || shown(&output).contains("does not open under this key"),
            "{}",
            shown(&output)
        );
        output.status.success()
    }

    pub(crate) fn copy_keyring(&self, to: &str) -> PathBuf {
        let folder = self.path().join(to);
        std::fs::create_dir(&folder).unwrap();
        std::fs::copy(self.path().join("data/keyring"), folder.join("keyring")).unwrap();
        folder
    }
}

#[test]
fn a_kek_is_rotated_offline() {
    let place = Place::new(&["first", "second", "third"]);
    Serving::start(place.path(), &["--kek-file", "first"], &[]).stop();
    let before = place.copy_keyring("before");
    for (new, old, why) in [
        ("second", "third", "does not open under this key"),
        ("first", "first", "are the same"),
        ("second", "nowhere", "kek_file nowhere"),
    ] {
        let refused = place.rotate(new, old);
        assert!(refused.status.code() == Some(3) && shown(&refused).contains(why), "{}", shown(&refused));
    }
    assert!(place.opens("first"));
    for said in ["is sealed under the new key", "was sealed under the new key already"] {
        let rotated = place.rotate("second", "first");
        assert!(rotated.status.success() && shown(&rotated).contains(said), "{}", shown(&rotated));
        assert!(place.opens("second") && !place.opens("first"));
    }
    let verified = place.run(&["verify", "data", "--kek-file", "second"], &[]);
    assert!(verified.status.success(), "{}", shown(&verified));

    let serving = Serving::start(place.path(), &["--kek-file", "second"], &[]);
    let refused = place.rotate("third", "second");
    assert!(shown(&refused).contains("in use by another akta"), "{}", shown(&refused));
    serving.stop();
    // Why the old key is to be destroyed.
    let old = place.run(&["keys", before.to_str().unwrap(), "--kek-file", "first"], &[]);
    assert!(old.status.success(), "{}", shown(&old));
    let nowhere =
        place.run(&["keys", "rotate-kek", "before/none", "--kek-file", "second", "--old-kek-file", "first"], &[]);
    assert!(shown(&nowhere).contains("it has no keyring"), "{}", shown(&nowhere));
}

#[test]
fn a_kek_is_rotated_at_start() {
    let place = Place::new(&["first", "second"]);
    let both = ["--kek-file", "second", "--old-kek-file", "first"];
    // Also where there is nothing to rotate yet.
    Serving::start(place.path(), &["--kek-file", "first", "--old-kek-file", "second"], &[]).stop();
    for said in ["sealed under the new key-encryption key: destroy the old one", "though it opens nothing"] {
        let mut serving = Serving::start(place.path(), &both, &[]);
        serving.until(said);
        serving.stop();
        assert!(place.opens("second") && !place.opens("first"));
    }
}

#[test]
fn a_kek_is_rotated_while_serving() {
    let place = Place::new(&["kek", "first", "second"]);
    let put = |from: &str| std::fs::copy(place.path().join(from), place.path().join("kek")).unwrap();
    put("first");
    let mut serving = Serving::start(place.path(), &["--kek-file", "kek"], &[]);
    let told = |serving: &mut Serving, said: &str| {
        serving.signal("HUP");
        let log = serving.until(said);
        assert!(log.contains(said), "{log}");
    };
    told(&mut serving, "is the same as before");
    put("second");
    told(&mut serving, "the keyring is sealed under the new key-encryption key");
    assert!(place.opens("second") && !place.opens("first"));
    std::fs::write(place.path().join("kek"), "half a key").unwrap();
    told(&mut serving, "the key-encryption key stays the same");
    assert!(place.opens("second"));
    serving.stop();
    put("second");
    Serving::start(place.path(), &["--kek-file", "kek"], &[]).stop();
    let verified = place.run(&["verify", "data", "--kek-file", "kek"], &[]);
    assert!(verified.status.success(), "{}", shown(&verified));
}

/// A KMS that is not ours, with two keys.
struct Kms {
    child: Child,
    _until: ChildStdin,
    endpoint: String,
    keys: Vec<[String; 2]>,
}

const SECRET: &str = "zq-secret-7731";

impl Kms {
    fn start(python: &std::ffi::OsStr) -> Self {
        let mut command = Command::new(python);
        command.env("PYTHONDONTWRITEBYTECODE", "1").arg("tests/clients/kms.py").args([
            "AKID7731",
            SECRET,
            "eu-central-1",
        ]);
        command.current_dir(env!("CARGO_MANIFEST_DIR")).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let told: Value = serde_json::from_str(&line).unwrap();
        let keys = serde_json::from_value(told["keys"].clone()).unwrap();
        let endpoint = format!("http://127.0.0.1:{}", told["port"]);
        Self { _until: child.stdin.take().unwrap(), child, endpoint, keys }
    }
}

impl Drop for Kms {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_kms_decrypts_the_kek() {
    let Some(python) = std::env::var_os("AKTA_PYTHON") else {
        return skip("a_kms_decrypts_the_kek", "AKTA_PYTHON does not name a Python with moto");
    };
    let kms = Kms::start(&python);
    let place = Place::new(&["new"]);
    for (number, [encrypted, plain]) in kms.keys.iter().enumerate() {
        std::fs::write(place.path().join(format!("kms-{number}")), format!("{encrypted}\n")).unwrap();
        std::fs::write(place.path().join(format!("plain-{number}")), plain).unwrap();
    }
    std::fs::write(place.path().join("kms-bad"), "AAAA").unwrap();
    let variables = |secret: &'static str| {
        [
            ("AWS_ENDPOINT_URL_KMS", kms.endpoint.as_str()),
            ("AWS_REGION", "eu-central-1"),
            ("AWS_ACCESS_KEY_ID", "AKID7731"),
            ("AWS_SECRET_ACCESS_KEY", secret),
            ("AWS_SESSION_TOKEN", ""),
        ]
    };
    let good = variables(SECRET);
    Serving::start(place.path(), &["--kek-kms-file", "kms-0"], &good).stop();
    assert!(place.opens("plain-0"), "it is the key that the KMS decrypts to");
    for (file, secret, why) in [
        ("kms-0", SECRET, None),
        ("kms-1", SECRET, Some("does not open under this key")),
        ("kms-0", "another secret", Some("InvalidSignatureException")),
        ("kms-bad", SECRET, Some("the KMS refuses to decrypt it: ")),
        ("nowhere", SECRET, Some("kek_kms_file nowhere")),
    ] {
        let output = place.run(&["keys", "data", "--kek-kms-file", file], &variables(secret));
        let code = if why.is_some() { 3 } else { 0 };
        assert!(
            output.status.code() == Some(code) && shown(&output).contains(why.unwrap_or_default()),
            "{}",
            shown(&output)
        );
        assert!(!shown(&output).contains(secret) && kms.keys.iter().flatten().all(|key| !shown(&output).contains(key)));
    }
    // From the KMS to a file and back to another key of the KMS.
    for (new, old) in [
        (["--kek-file", "new"], ["--old-kek-kms-file", "kms-0"]),
        (["--kek-kms-file", "kms-1"], ["--old-kek-file", "new"]),
    ] {
        let rotated = place.run(&[&["keys", "rotate-kek", "data"][..], &new, &old].concat(), &good);
        assert!(rotated.status.success(), "{}", shown(&rotated));
    }
    assert!(place.opens("plain-1") && !place.opens("plain-0") && !place.opens("new"));
}
