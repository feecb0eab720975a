use siphasher::sip::SipHasher24;
use std::hash::Hasher;

/// Keyed fingerprints (SipHash-2-4 under a key that lives only as long as the run), so that a value that may
/// be secret can be compared with itself on disk without being there.
#[derive(Clone, Copy)]
pub struct Fingerprinter {
    keyed: SipHasher24,
}

impl Fingerprinter {
    pub fn new(key: &[u8; 16]) -> Fingerprinter {
        Fingerprinter { keyed: SipHasher24::new_with_key(key) }
    }

    pub fn of(&self, value: &[u8]) -> i64 {
        let mut hasher = self.keyed;
        hasher.write(value);
        hasher.finish() as i64
    }
}
