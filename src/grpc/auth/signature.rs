//! Checks signatures with ring, the crypto library that TLS uses too: the one behind `jsonwebtoken`.

use jsonwebtoken::crypto::{CryptoProvider, JwtVerifier, KeyUtils};
use jsonwebtoken::errors::{Error, ErrorKind};
use jsonwebtoken::signature::{self, Verifier};
use jsonwebtoken::{Algorithm, DecodingKey, DecodingKeyKind};
use ring::signature as check;

/// Makes ring the library that `jsonwebtoken` checks with. As often as one likes: it is one for the whole process.
pub(super) fn install() {
    // An error means that it is there already: nothing else installs one.
    let _ = RING.install_default();
}

static RING: CryptoProvider = CryptoProvider {
    // Akta takes tokens and never makes one.
    signer_factory: |_, _| Err(ErrorKind::UnsupportedAlgorithm.into()),
    verifier_factory: |algorithm, key| {
        // A key of another kind is refused here, whatever its bytes would mean to the algorithm.
        if key.family() != algorithm.family() || rule(*algorithm).is_none() {
            return Err(Error::from(ErrorKind::InvalidAlgorithm));
        }
        Ok(Box::new(Ring { algorithm: *algorithm, key: key.clone() }))
    },
    // For making keys and thumbprints, which nobody does here.
    key_utils: KeyUtils::new_unimplemented(),
};

struct Ring {
    algorithm: Algorithm,
    key: DecodingKey,
}

enum Rule {
    Point(&'static dyn check::VerificationAlgorithm),
    Rsa(&'static check::RsaParameters),
}

/// RSA keys below 2,048 bits are refused by all of these.
fn rule(algorithm: Algorithm) -> Option<Rule> {
    Some(match algorithm {
        Algorithm::ES256 => Rule::Point(&check::ECDSA_P256_SHA256_FIXED),
        Algorithm::ES384 => Rule::Point(&check::ECDSA_P384_SHA384_FIXED),
        Algorithm::EdDSA => Rule::Point(&check::ED25519),
        Algorithm::RS256 => Rule::Rsa(&check::RSA_PKCS1_2048_8192_SHA256),
        Algorithm::RS384 => Rule::Rsa(&check::RSA_PKCS1_2048_8192_SHA384),
        Algorithm::RS512 => Rule::Rsa(&check::RSA_PKCS1_2048_8192_SHA512),
        Algorithm::PS256 => Rule::Rsa(&check::RSA_PSS_2048_8192_SHA256),
        Algorithm::PS384 => Rule::Rsa(&check::RSA_PSS_2048_8192_SHA384),
        Algorithm::PS512 => Rule::Rsa(&check::RSA_PSS_2048_8192_SHA512),
        // HMAC, and what a later version of the library may know.
        _ => return None,
    })
}

impl Verifier<Vec<u8>> for Ring {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> Result<(), signature::Error> {
        let good = match (rule(self.algorithm), self.key.kind()) {
            (Some(Rule::Point(algorithm)), DecodingKeyKind::SecretOrDer(point)) => {
                check::UnparsedPublicKey::new(algorithm, point).verify(message, signature)
            }
            (Some(Rule::Rsa(rule)), DecodingKeyKind::RsaModulusExponent { n, e }) => {
                check::RsaPublicKeyComponents { n: without_zeros(n), e: without_zeros(e) }
                    .verify(rule, message, signature)
            }
            _ => return Err(signature::Error::new()),
        };
        good.map_err(|_| signature::Error::new())
    }
}

impl JwtVerifier for Ring {
    fn algorithm(&self) -> Algorithm {
        self.algorithm
    }
}

/// Some issuers write numbers with a zero byte before, as for a sign; ring takes them without only.
fn without_zeros(number: &[u8]) -> &[u8] {
    let start = number.iter().position(|byte| *byte != 0).unwrap_or(number.len());
    &number[start..]
}
