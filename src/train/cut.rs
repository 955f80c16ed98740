//! A gradient's parts for several members of a team: the same cut on every one of them, and as even as parts allow.

/// Gives parts of these costs to `size` members, the dearest first and each to whoever has least so far: the parts of each, in
/// increasing order. Of those that cost the same each member gets some that follow one another, whose coordinates mostly do as well.
pub(super) fn evenly(costs: &[f64], size: usize) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = (0..costs.len()).collect();
    order.sort_by(|&a, &b| costs[b].total_cmp(&costs[a]));
    let mut sums = vec![0.0; size];
    let mut shares = vec![Vec::new(); size];
    for alike in order.chunk_by(|&a, &b| costs[a] == costs[b]) {
        let mut members: Vec<usize> = alike
            .iter()
            .map(|&part| {
                // Of those with equally little the first.
                let least = (0..size).min_by(|&a, &b| f64::total_cmp(&sums[a], &sums[b])).unwrap_or(0);
                sums[least] += costs[part];
                least
            })
            .collect();
        members.sort_unstable();
        members.iter().zip(alike).for_each(|(&member, &part)| shares[member].push(part));
    }
    shares.iter_mut().for_each(|parts| parts.sort_unstable());
    shares
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dear_and_cheap_parts_are_shared_evenly_and_every_part_once() {
        // Two layers of 13 vectors, the first three times as dear.
        let costs: Vec<f64> = (0..26).map(|part| if part < 13 { 3.0 } else { 1.0 }).collect();
        for size in [1, 2, 3, 4, 26, 40] {
            let shares = evenly(&costs, size);
            let mut parts: Vec<usize> = shares.concat();
            parts.sort_unstable();
            assert_eq!(parts, (0..26).collect::<Vec<_>>());
            let cost = |share: &Vec<usize>| share.iter().map(|&part| costs[part]).sum::<f64>();
            let most = shares.iter().map(cost).fold(0.0, f64::max);
            assert!(most <= (52.0 / size as f64 + 1.0).max(3.0), "{size}: {most}");
            // Of each layer one run of parts.
            let n_runs = |share: &Vec<usize>| share.chunk_by(|a, b| a + 1 == *b).count();
            assert!(shares.iter().all(|share| n_runs(share) <= 2), "{size}: {shares:?}");
        }
    }
}
