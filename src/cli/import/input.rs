//! The log that is imported: read twice, first for its digest, then line by line.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use crate::cli::Failure;
use crate::cli::text::hex;
use crate::env::{SystemEntropy, random};

/// An opened log.
#[derive(Debug)]
pub struct Input {
    file: File,
}

impl Input {
    /// The log of that name, or standard input if it is `-`. What cannot be read twice is copied to an unnamed file
    /// first.
    pub fn open(path: &Path) -> Result<Self, Failure> {
        let failed = |error: io::Error| Failure(format!("open {}: {error}", path.display()));
        if path == Path::new("-") {
            return Ok(Self { file: copied(io::stdin().lock()).map_err(failed)? });
        }
        let file = File::open(path).map_err(failed)?;
        let metadata = file.metadata().map_err(failed)?;
        if metadata.is_dir() {
            return Err(Failure(format!("open {}: is a folder: give a file", path.display())));
        }
        Ok(Self { file: if metadata.is_file() { file } else { copied(file).map_err(failed)? } })
    }

    /// From its beginning on. Only one at a time: they share a position.
    fn start_over(&self) -> io::Result<BufReader<&File>> {
        (&self.file).rewind()?;
        Ok(BufReader::with_capacity(1 << 16, &self.file))
    }

    /// BLAKE3 of the whole.
    pub(super) fn digest(&self) -> io::Result<[u8; 32]> {
        let mut hasher = blake3::Hasher::new();
        hasher.update_reader(self.start_over()?)?;
        Ok(*hasher.finalize().as_bytes())
    }

    /// Hands every line to `take` with its number from 1, until that says no. A line of more than `max` bytes comes as
    /// a reason, and is never in memory as a whole.
    pub(super) fn each_line(
        &self,
        max: u64,
        mut take: impl FnMut(u64, Result<&[u8], String>) -> bool,
    ) -> io::Result<()> {
        let mut reader = self.start_over()?;
        let mut line = Vec::new();
        for number in 1.. {
            line.clear();
            let read = reader.by_ref().take(max + 1).read_until(b'\n', &mut line)?;
            if read == 0 {
                break;
            }
            let whole = line.ends_with(b"\n") || (read as u64) <= max;
            if !whole {
                reader.skip_until(b'\n')?;
            }
            let text = line.strip_suffix(b"\n").unwrap_or(&line);
            let text = text.strip_suffix(b"\r").unwrap_or(text);
            let taken = if whole { Ok(text) } else { Err(format!("the line is longer than {max} bytes: shorten it")) };
            if !take(number, taken) {
                break;
            }
        }
        Ok(())
    }
}

/// Everything that a source gives, in a file of its owner that has no name and is gone with the process.
fn copied(mut from: impl Read) -> io::Result<File> {
    let name = format!("akta-import-{}", hex(&random::<16>(&SystemEntropy)));
    let path = std::env::temp_dir().join(name);
    let mut file = File::options().read(true).write(true).create_new(true).mode(0o600).open(&path)?;
    std::fs::remove_file(&path)?;
    io::copy(&mut from, &mut file)?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &[u8], max: u64) -> Vec<Result<Vec<u8>, String>> {
        let input = Input { file: copied(text).expect("is copied") };
        assert_eq!(input.digest().expect("reads"), *blake3::hash(text).as_bytes());
        let mut lines = Vec::new();
        let take = |number, line: Result<&[u8], String>| {
            lines.push(line.map(<[u8]>::to_vec));
            assert_eq!(number, lines.len() as u64);
            true
        };
        input.each_line(max, take).expect("reads");
        lines
    }

    #[test]
    fn lines_end_as_lines_do_and_long_ones_are_refused() {
        let good = |text: &[u8]| Ok(text.to_vec());
        assert_eq!(lines(b"", 4), []);
        assert_eq!(lines(b"abcd\r\n\nab", 5), [good(b"abcd"), good(b""), good(b"ab")]);
        let long = || Err("the line is longer than 4 bytes: shorten it".to_owned());
        assert_eq!(lines(b"abcd\nabcde\nabcdefghijk\nabcd", 4), [good(b"abcd"), long(), long(), good(b"abcd")]);
        assert_eq!(lines(b"abcde", 4), [long()]);
    }
}
