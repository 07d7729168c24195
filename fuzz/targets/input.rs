//! An input as a source of choices: numbers are taken from its front, zeros once it is used up.

/// What is left of an input.
pub(crate) struct Input<'a>(pub(crate) &'a [u8]);

impl<'a> Input<'a> {
    /// The next bytes.
    pub(crate) fn array<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        let taken = self.take(N);
        bytes[..taken.len()].copy_from_slice(taken);
        bytes
    }

    /// The next byte.
    pub(crate) fn byte(&mut self) -> u8 {
        self.array::<1>()[0]
    }

    /// The next number.
    pub(crate) fn number(&mut self) -> u64 {
        u64::from_be_bytes(self.array())
    }

    /// The next bytes, as many of `count` as there are.
    pub(crate) fn take(&mut self, count: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(count.min(self.0.len()));
        self.0 = rest;
        taken
    }

    /// A place among `count` of them, which are not none.
    pub(crate) fn place(&mut self, count: usize) -> usize {
        usize::try_from(self.number() % count as u64).unwrap()
    }

    /// The same bytes with one bit of theirs turned.
    pub(crate) fn altered(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut altered = bytes.to_vec();
        let at = self.place(bytes.len());
        altered[at] ^= 1 << (self.byte() % 8);
        altered
    }
}
