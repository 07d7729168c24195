//! Key-encryption keys from outside: the text of a file or variable, and what a KMS answers. 32 bytes as base64, or a
//! refusal that shows nothing of them.

use akta::kek::Provider;
use akta::kek::kms::answered;
use akta::kek::variable::Variable;
use akta::model::seal::Key;
use akta::trail::keyring::Kek;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::input::Input;

/// First byte: 0, a text; 1, a good answer of a KMS; else one that refuses.
pub(crate) fn check(bytes: &[u8]) {
    let mut input = Input(bytes);
    let kind = input.byte() % 3;
    let rest = input.0;
    match kind {
        0 => text(rest),
        1 => answer(rest),
        _ => {
            let why = answered(400, rest).expect_err("it refuses");
            let name = why.strip_prefix("the KMS refuses to decrypt it: ").unwrap();
            assert!(
                name == "status 400" || (name.len() <= 64 && name.bytes().all(|byte| byte.is_ascii_alphanumeric()))
            );
        }
    }
    // What is a key is taken, however it is brought.
    let bytes: [u8; 32] = Input(rest).array();
    let encoded = STANDARD.encode(bytes);
    let body = format!(r#"{{"KeyId": "k", "Plaintext": "{encoded}"}}"#);
    let key = Kek::new(Key::new(bytes));
    assert!(answered(200, body.as_bytes()).unwrap() == key);
    assert!(Variable(Zeroizing::new(format!(" {encoded}\n"))).kek().unwrap() == key);
}

fn text(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    match Variable(Zeroizing::new(text.to_owned())).kek() {
        Ok(kek) => {
            let bytes: [u8; 32] = STANDARD.decode(text.trim()).unwrap().try_into().unwrap();
            assert!(kek == Kek::new(Key::new(bytes)));
        }
        Err(error) => {
            let said = error.to_string();
            assert!(text.len() < 12 || !said.contains(text), "a key is shown");
            let same = Variable(Zeroizing::new("short".to_owned())).kek().expect_err("is none");
            assert_eq!(said, same.to_string(), "it is told the same, whatever it was");
        }
    }
}

fn answer(body: &[u8]) {
    match answered(200, body) {
        Ok(kek) => {
            let value: serde_json::Value = serde_json::from_slice(body).unwrap();
            let bytes: [u8; 32] = STANDARD.decode(value["Plaintext"].as_str().unwrap()).unwrap().try_into().unwrap();
            assert!(kek == Kek::new(Key::new(bytes)));
        }
        Err(why) => assert_eq!(why, "what the KMS decrypts it to is no key of 32 bytes"),
    }
}
