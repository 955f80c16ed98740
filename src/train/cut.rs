//! A gradient's parts for several members of a team: the same cut on every one of them, and as even as parts allow.

/// Gives parts of these costs to `size` members, the dearest first and each to whoever has least so far: the parts of each, in
/// increasing order.
pub(super) fn evenly(costs: &[f64], size: usize) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = (0..costs.len()).collect();
    order.sort_by(|&a, &b| costs[b].total_cmp(&costs[a]));
    let mut shares = vec![(0.0, Vec::new()); size];
    for part in order {
        // Of those with equally little the first.
        let least = (0..size).min_by(|&a, &b| f64::total_cmp(&shares[a].0, &shares[b].0)).unwrap_or(0);
        shares[least].0 += costs[part];
        shares[least].1.push(part);
    }
    let sorted = |(_, mut parts): (f64, Vec<usize>)| {
        parts.sort_unstable();
        parts
    };
    shares.into_iter().map(sorted).collect()
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
        }
    }
}
