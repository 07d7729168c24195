//! A key that a KMS decrypts: AWS's, or one that speaks like it.
//!
//! The file holds the key as the KMS encrypted it (`aws kms generate-data-key-without-plaintext`), as base64. It is
//! worth nothing without the KMS, which asks who wants it and notes each use. Asked once at a start, so the KMS may be
//! down while the node runs.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use zeroize::Zeroizing;

use super::aws::{Aws, Headers};
use super::{KekError, Provider, file};
use crate::env::Clock;
use crate::https::Https;
use crate::model::seal::Key;
use crate::trail::keyring::Kek;

/// Most bytes of an answer: a data key and names, or why not.
const ANSWER_BYTES_MAX: usize = 16 * 1024;

/// A data key that a KMS decrypts.
pub struct Kms {
    path: PathBuf,
    aws: Aws,
    clock: Arc<dyn Clock>,
}

/// What `Decrypt` answers, as far as it is needed.
#[derive(Deserialize)]
struct Decrypted {
    #[serde(rename = "Plaintext")]
    plaintext: Zeroizing<String>,
}

/// Why it does not.
#[derive(Deserialize)]
struct Denied {
    #[serde(rename = "__type")]
    kind: String,
}

impl Kms {
    /// The key in that file, decrypted as that environment says.
    pub fn new(path: PathBuf, aws: Aws, clock: Arc<dyn Clock>) -> Self {
        Self { path, aws, clock }
    }

    /// The encrypted key, checked to be base64, as base64.
    fn ciphertext(&self) -> Result<String, KekError> {
        let text = file::text(&self.path, "kek_kms_file")?;
        let bytes = STANDARD.decode(text.trim()).ok().filter(|bytes| !bytes.is_empty());
        let failed = || KekError(format!("kek_kms_file {}: is not base64 of an encrypted key", self.path.display()));
        bytes.map(|bytes| STANDARD.encode(bytes)).ok_or_else(failed)
    }
}

impl Provider for Kms {
    fn kek(&self) -> Result<Kek, KekError> {
        let failed = |what: String| KekError(format!("kek_kms_file {}: {what}", self.path.display()));
        let body = serde_json::json!({ "CiphertextBlob": self.ciphertext()? }).to_string();
        let url = self.aws.endpoint()?;
        let header = |name: &str, value: &str| (name.to_owned(), Zeroizing::new(value.to_owned()));
        let mut headers: Headers =
            vec![header("content-type", "application/x-amz-json-1.1"), header("x-amz-target", "TrentService.Decrypt")];
        self.aws.sign(&url, &mut headers, body.as_bytes(), self.clock.now())?;
        let client = Https::new(None).map_err(failed)?;
        let answer = client.post(&url, &headers, body.as_bytes(), ANSWER_BYTES_MAX).map_err(failed)?;
        answered(answer.status, &answer.body).map_err(failed)
    }

    fn check(&self) -> Result<(), KekError> {
        self.ciphertext()?;
        self.aws.check()
    }
}

impl fmt::Debug for Kms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kms").field("path", &self.path).field("aws", &self.aws).finish_non_exhaustive()
    }
}

/// The key in the answer of a KMS.
///
/// # Errors
///
/// It refuses, or answers with something else. Of the answer only the name of a refusal is told.
pub fn answered(status: u16, body: &[u8]) -> Result<Kek, String> {
    if status != 200 {
        return Err(format!("the KMS refuses to decrypt it: {}", said(body, status)));
    }
    decode(body).ok_or_else(|| "what the KMS decrypts it to is no key of 32 bytes".to_owned())
}

fn decode(body: &[u8]) -> Option<Kek> {
    let Decrypted { plaintext } = serde_json::from_slice(body).ok()?;
    let mut bytes = Zeroizing::new([0; ANSWER_BYTES_MAX]);
    let length = STANDARD.decode_slice(plaintext.as_bytes(), bytes.as_mut_slice()).ok()?;
    Key::from_slice(&bytes[..length]).map(Kek::new)
}

/// The name of a refusal, such as `AccessDeniedException`, or its status. Nothing else of the answer is shown.
fn said(body: &[u8], status: u16) -> String {
    let kind = serde_json::from_slice(body).ok().map(|Denied { kind }| kind);
    let name = kind.as_deref().and_then(|kind| kind.rsplit('#').next()).unwrap_or_default();
    let good = (1..=64).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if good { name.to_owned() } else { format!("status {status}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env::ManualClock;
    use crate::model::date::Timestamp;

    fn aws(changes: &[(&'static str, &'static str)]) -> Aws {
        let mut all = vec![
            ("AWS_REGION", "eu-central-1"),
            ("AWS_ACCESS_KEY_ID", "AKID"),
            ("AWS_SECRET_ACCESS_KEY", "zq-secret-7731"),
            ("AWS_SESSION_TOKEN", "zq-session-7731"),
        ];
        for change in changes {
            all.retain(|(name, _)| *name != change.0);
            all.push(*change);
        }
        Aws::of(|name| all.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()))
    }

    fn kms(path: &std::path::Path, changes: &[(&'static str, &'static str)]) -> Kms {
        Kms::new(path.to_owned(), aws(changes), Arc::new(ManualClock::new(Timestamp::from_nanos(0))))
    }

    #[test]
    fn answers_are_taken_as_a_key_or_named() {
        let good = STANDARD.encode([7; 32]);
        assert!(
            decode(format!(r#"{{"KeyId": "k", "Plaintext": "{good}"}}"#).as_bytes())
                == Some(Kek::new(Key::new([7; 32])))
        );
        for bad in ["", "{}", r#"{"Plaintext": "AAAA"}"#, r#"{"Plaintext": 7}"#, r#"{"Plaintext": "?"}"#] {
            assert!(decode(bad.as_bytes()).is_none(), "{bad}");
        }
        for (body, want) in [
            (r#"{"__type": "AccessDeniedException", "message": "x"}"#, "AccessDeniedException"),
            (r#"{"__type": "com.amazonaws.kms#NotFoundException"}"#, "NotFoundException"),
            (r#"{"__type": "a\u001b[31m"}"#, "status 400"),
            ("<html>", "status 400"),
        ] {
            assert_eq!(said(body.as_bytes(), 400), want);
        }
    }

    #[test]
    fn what_is_missing_is_said_before_anything_is_asked() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kek.kms");
        assert!(kms(&path, &[]).check().unwrap_err().to_string().contains("kek_kms_file"));
        std::fs::write(&path, "not base64").unwrap();
        assert!(kms(&path, &[]).check().unwrap_err().to_string().contains("base64 of an encrypted key"));
        std::fs::write(&path, format!("{}\n", STANDARD.encode([9; 180]))).unwrap();
        assert_eq!(kms(&path, &[]).check(), Ok(()));
        for (name, value, want) in [
            ("AWS_REGION", "", "AWS_REGION is not set"),
            ("AWS_REGION", "evil.example/", "AWS_REGION is no region"),
            ("AWS_ACCESS_KEY_ID", "", "AWS_ACCESS_KEY_ID"),
            ("AWS_SECRET_ACCESS_KEY", "", "AWS_SECRET_ACCESS_KEY"),
        ] {
            let error = kms(&path, &[(name, value)]).check().unwrap_err().to_string();
            assert!(error.contains(want), "{error}");
        }
        let far = kms(&path, &[("AWS_ENDPOINT_URL", "http://kms.example")]).kek().unwrap_err().to_string();
        assert!(far.contains("neither HTTPS nor on this machine"), "{far}");
        assert!(!format!("{:?}", kms(&path, &[])).contains("7731"));
    }

    #[test]
    fn requests_are_signed_for_region_and_service() {
        let mut headers = vec![("content-type".to_owned(), Zeroizing::new("a".to_owned()))];
        let url = aws(&[]).endpoint().unwrap();
        assert_eq!(url, "https://kms.eu-central-1.amazonaws.com/");
        aws(&[]).sign(&url, &mut headers, b"{}", Timestamp::from_nanos(1_440_938_160_000_000_000)).unwrap();
        let header =
            |name: &str| headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).unwrap().1.as_str();
        let scope = "AWS4-HMAC-SHA256 Credential=AKID/20150830/eu-central-1/kms/aws4_request, SignedHeaders=content-type;host;x-amz-date";
        assert!(header("authorization").starts_with(scope), "{}", header("authorization"));
        assert_eq!(header("x-amz-date"), "20150830T123600Z");
        assert_eq!(header("x-amz-security-token"), "zq-session-7731");
        assert!(headers.iter().all(|(_, value)| !value.contains("zq-secret")));
    }
}
