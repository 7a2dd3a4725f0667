//! Hashes that are the same in every run and on every platform, so that estimates are too.

use arrow::datatypes::i256;
use twox_hash::XxHash3_64;

/// A value of fixed size: ordered as the column's values are.
pub(super) trait Key: Copy + Ord {
    /// Returns 64 well mixed bits.
    fn hash(self) -> u64;
}

impl Key for u64 {
    /// # Source
    /// The finaliser of `SplitMix64`, <https://prng.di.unimi.it/splitmix64.c>; no two keys collide.
    fn hash(self) -> u64 {
        let mixed = self.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

impl Key for i128 {
    fn hash(self) -> u64 {
        hash_bytes(&self.to_le_bytes())
    }
}

impl Key for i256 {
    fn hash(self) -> u64 {
        hash_bytes(&self.to_le_bytes())
    }
}

/// Returns 64 well mixed bits of bytes.
pub(super) fn hash_bytes(bytes: &[u8]) -> u64 {
    XxHash3_64::oneshot(bytes)
}
