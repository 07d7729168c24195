//! Makes all that the example of two schools needs to run here: an authority and certificates, an issuer and tokens, a KEK,
//! configuration and policy; then starts the node in it once, opens both schools and has each decide what it decides.
//! For trying out: who makes keys in one place holds all of them.
//!
//! ```text
//! cargo run --example two_schools -- FOLDER                       make everything in a new folder
//! cargo run --example two_schools -- FOLDER token SUBJECT [GROUP]  one more token, on standard output
//! ```

#[allow(dead_code)]
#[path = "../tests/node/authority.rs"]
mod authority;
#[allow(dead_code)]
#[path = "../tests/node/issued.rs"]
mod issued;
#[path = "../tests/node/two_schools.rs"]
mod two_schools;

use std::path::Path;

use two_schools::{Made, everything, minted};

fn main() -> Made<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [folder] => everything(Path::new(folder)),
        [folder, "token", subject] => minted(Path::new(folder), subject, &[]).map(|token| println!("{token}")),
        [folder, "token", subject, group] => {
            minted(Path::new(folder), subject, &[group]).map(|token| println!("{token}"))
        }
        _ => Err("give FOLDER, or FOLDER token SUBJECT [GROUP]".into()),
    }
}
