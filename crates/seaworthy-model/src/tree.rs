//! The hash tree of RFC 6962 over all entries: roots, inclusion and consistency proofs.
//!
//! Pure; this module must not know what a leaf means. Test vectors: RFC 6962 reference tree.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest as _, Sha256};

/// A SHA-256 digest.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hash(pub [u8; 32]);

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&crate::process::hex(&self.0))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Hash {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Hash {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = String::deserialize(d)?;
        Hash::parse(&text).ok_or_else(|| serde::de::Error::custom("not 64 hex digits"))
    }
}

impl Hash {
    /// Reads 64 hex digits.
    pub fn parse(text: &str) -> Option<Hash> {
        let digits = text.as_bytes();
        if digits.len() != 64 || !text.is_ascii() {
            return None;
        }
        let mut out = [0u8; 32];
        for (byte, pair) in out.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
        }
        Some(Hash(out))
    }
}

/// Hash of a leaf: `H(0x00 || data)`.
pub fn leaf(data: &[u8]) -> Hash {
    Hash(Sha256::new().chain_update([0u8]).chain_update(data).finalize().into())
}

/// Hash of an inner node: `H(0x01 || left || right)`.
pub fn node(left: &Hash, right: &Hash) -> Hash {
    Hash(Sha256::new().chain_update([1u8]).chain_update(left.0).chain_update(right.0).finalize().into())
}

/// Root of the empty tree: `H("")`.
pub fn empty() -> Hash {
    Hash(Sha256::digest([]).into())
}

/// A tree that grows, kept as the roots of its complete subtrees, largest first (one per set bit of `size`).
/// 64 hashes at most, whatever the size.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Frontier {
    pub size: u64,
    pub peaks: Vec<Hash>,
}

impl Frontier {
    /// Adds one leaf hash.
    pub fn push(&mut self, leaf: Hash) {
        let mut carry = leaf;
        let mut bits = self.size;
        while bits & 1 == 1 {
            let Some(left) = self.peaks.pop() else { break };
            carry = node(&left, &carry);
            bits >>= 1;
        }
        self.peaks.push(carry);
        self.size += 1;
    }

    /// The tree head of RFC 6962 for the present size.
    pub fn root(&self) -> Hash {
        let mut peaks = self.peaks.iter().rev();
        let Some(last) = peaks.next() else { return empty() };
        peaks.fold(*last, |right, left| node(left, &right))
    }
}

/// Root over all leaves, by the recursive definition. For tests and small trees.
pub fn root(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => empty(),
        [one] => *one,
        many => {
            let (left, right) = many.split_at(split(many.len()));
            node(&root(left), &root(right))
        }
    }
}

/// Largest power of two smaller than `n`, for `n` of 2 or more.
fn split(n: usize) -> usize {
    n.next_power_of_two() / 2
}

/// The audit path of leaf `index` in the tree over `leaves` (RFC 6962, 2.1.1).
pub fn inclusion(leaves: &[Hash], index: usize) -> Vec<Hash> {
    if leaves.len() <= 1 || index >= leaves.len() {
        return Vec::new();
    }
    let (left, right) = leaves.split_at(split(leaves.len()));
    let (mut path, sibling) = if index < left.len() {
        (inclusion(left, index), root(right))
    } else {
        (inclusion(right, index - left.len()), root(left))
    };
    path.push(sibling);
    path
}

/// Whether `path` proves that `leaf` is at `index` of the tree of `size` with this `root` (RFC 9162, 2.1.3.2).
pub fn included(leaf: Hash, index: u64, size: u64, path: &[Hash], root: Hash) -> bool {
    if index >= size {
        return false;
    }
    let (mut fn_, mut sn, mut hash) = (index, size - 1, leaf);
    for sibling in path {
        if sn == 0 {
            return false;
        }
        if fn_ & 1 == 1 || fn_ == sn {
            hash = node(sibling, &hash);
            while fn_ & 1 == 0 && fn_ != 0 {
                fn_ >>= 1;
                sn >>= 1;
            }
        } else {
            hash = node(&hash, sibling);
        }
        fn_ >>= 1;
        sn >>= 1;
    }
    sn == 0 && hash == root
}

/// The proof that the tree over the first `old` leaves is a prefix of the tree over all (RFC 6962, 2.1.2).
pub fn consistency(leaves: &[Hash], old: usize) -> Vec<Hash> {
    fn sub(leaves: &[Hash], old: usize, whole: bool) -> Vec<Hash> {
        if old == leaves.len() {
            return if whole { Vec::new() } else { vec![root(leaves)] };
        }
        let k = split(leaves.len());
        let (left, right) = leaves.split_at(k);
        let (mut path, other) =
            if old <= k { (sub(left, old, whole), root(right)) } else { (sub(right, old - k, false), root(left)) };
        path.push(other);
        path
    }
    if old == 0 || old > leaves.len() { Vec::new() } else { sub(leaves, old, true) }
}

/// Whether `path` proves that the tree `(old, old_root)` is a prefix of `(new, new_root)` (RFC 9162, 2.1.4.2).
pub fn consistent(old: u64, old_root: Hash, new: u64, new_root: Hash, path: &[Hash]) -> bool {
    if old > new {
        return false;
    }
    if old == new {
        return old_root == new_root && path.is_empty();
    }
    if old == 0 {
        return path.is_empty() && old_root == empty();
    }
    let mut path = path.to_vec();
    if old.is_power_of_two() {
        path.insert(0, old_root);
    }
    let (mut fn_, mut sn) = (old - 1, new - 1);
    while fn_ & 1 == 1 {
        fn_ >>= 1;
        sn >>= 1;
    }
    let mut rest = path.iter();
    let Some(first) = rest.next() else { return false };
    let (mut fr, mut sr) = (*first, *first);
    for c in rest {
        if sn == 0 {
            return false;
        }
        if fn_ & 1 == 1 || fn_ == sn {
            fr = node(c, &fr);
            sr = node(c, &sr);
            while fn_ & 1 == 0 && fn_ != 0 {
                fn_ >>= 1;
                sn >>= 1;
            }
        } else {
            sr = node(&sr, c);
        }
        fn_ >>= 1;
        sn >>= 1;
    }
    fr == old_root && sr == new_root && sn == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Inputs of the reference tree of the Certificate Transparency project.
    const INPUTS: [&str; 8] =
        ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"];
    const ROOTS: [&str; 8] = [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ];

    fn leaves() -> Vec<Hash> {
        INPUTS
            .iter()
            .map(|text| {
                let bytes: Vec<u8> =
                    (0..text.len() / 2).map(|i| u8::from_str_radix(&text[2 * i..2 * i + 2], 16).unwrap()).collect();
                leaf(&bytes)
            })
            .collect()
    }

    #[test]
    fn roots_equal_the_published_vectors() {
        let mut frontier = Frontier::default();
        assert_eq!(frontier.root(), empty());
        for (i, hash) in leaves().into_iter().enumerate() {
            frontier.push(hash);
            assert_eq!(frontier.root().to_string(), ROOTS[i]);
            assert_eq!(root(&leaves()[..=i]).to_string(), ROOTS[i]);
        }
    }

    #[test]
    fn every_leaf_of_every_size_is_proven_and_a_wrong_one_refused() {
        let all: Vec<Hash> = (0..40u8).map(|i| leaf(&[i])).collect();
        for size in 1..=all.len() {
            let head = root(&all[..size]);
            for index in 0..size {
                let path = inclusion(&all[..size], index);
                assert!(included(all[index], index as u64, size as u64, &path, head));
                assert!(!included(all[(index + 1) % 40], index as u64, size as u64, &path, head));
                if size > 1 {
                    assert!(!included(all[index], (index as u64 + 1) % size as u64, size as u64, &path, head));
                }
            }
        }
    }

    #[test]
    fn every_prefix_is_proven_and_another_history_refused() {
        let all: Vec<Hash> = (0..40u8).map(|i| leaf(&[i])).collect();
        let mut other = all.clone();
        other[0] = leaf(b"rewritten");
        for new in 1..=all.len() {
            for old in 1..=new {
                let path = consistency(&all[..new], old);
                assert!(consistent(old as u64, root(&all[..old]), new as u64, root(&all[..new]), &path), "{old} {new}");
                assert!(
                    !consistent(old as u64, root(&other[..old]), new as u64, root(&all[..new]), &path),
                    "{old} {new}"
                );
            }
        }
    }
}
