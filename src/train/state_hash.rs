//! A fast hash of numbers that have to be the same on every member of a team: of weights, once an iteration.
//!
//! It tells accidents apart, not attacks: eight sums in a row, each multiplied by an odd number after every word (as FNV does,
//! Fowler, Noll and Vo, 1991, a word in place of a byte) and folded, then mixed by the finaliser of MurmurHash3 (Appleby, 2011).
//! Neither an odd multiplier nor the fold loses anything: numbers of which one differs never give the same hash.

const MULTIPLIER: u64 = 0x9e37_79b9_7f4a_7c15;
const LANES: usize = 8;

/// The hash of `words`, whose order counts, and of the bits of `numbers`.
pub(super) fn state_hash(words: impl IntoIterator<Item = u64>, numbers: &[f64]) -> u64 {
    let mut lanes: [u64; LANES] = std::array::from_fn(|lane| lane as u64);
    let add = |lane: &mut u64, word: u64| {
        let product = (*lane ^ word).wrapping_mul(MULTIPLIER);
        *lane = product ^ (product >> 32);
    };
    let (whole, rest) = numbers.as_chunks::<LANES>();
    for chunk in whole {
        lanes.iter_mut().zip(chunk).for_each(|(lane, number)| add(lane, number.to_bits()));
    }
    rest.iter().for_each(|number| add(&mut lanes[0], number.to_bits()));
    words.into_iter().for_each(|word| add(&mut lanes[0], word));
    lanes.into_iter().fold(numbers.len() as u64, |hash, lane| mixed(hash.rotate_left(5) ^ mixed(lane)))
}

fn mixed(mut hash: u64) -> u64 {
    hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash = (hash ^ (hash >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    hash ^ (hash >> 33)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_bit_of_any_number_changes_the_hash_and_so_does_their_order() {
        let numbers: Vec<f64> = (0..37).map(|i| f64::from(i).sin()).collect();
        let mut seen = std::collections::BTreeSet::from([state_hash([1, 2], &numbers)]);
        for i in 0..numbers.len() {
            for bit in 0..64 {
                let mut changed = numbers.clone();
                changed[i] = f64::from_bits(changed[i].to_bits() ^ 1 << bit);
                assert!(seen.insert(state_hash([1, 2], &changed)), "number {i}, bit {bit}");
            }
        }
        let mut swapped = numbers.clone();
        swapped.swap(3, 4);
        swapped.swap(0, 8);
        assert!(seen.insert(state_hash([1, 2], &swapped)));
        assert!(seen.insert(state_hash([2, 1], &numbers)) && seen.insert(state_hash([1, 2], &numbers[1..])));
        assert_eq!(state_hash([1, 2], &numbers), state_hash(vec![1, 2], &numbers.clone()));
    }
}
