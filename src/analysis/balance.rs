use super::BalanceFigures;
use std::collections::BTreeMap;

/// Jain's fairness index (Σx)²/(n·Σx²) (R. Jain et al., DEC-TR-301, 1984): 1 when all are equal, 1/n when one has all.
pub(super) fn jain(shares: &[f64]) -> f64 {
    let squares: f64 = shares.iter().map(|x| x * x).sum();
    if squares == 0.0 {
        return 1.0;
    }
    let sum: f64 = shares.iter().sum();
    sum * sum / (shares.len() as f64 * squares)
}

/// Standard deviation over mean; 0 of nothing.
fn variation(shares: &[f64]) -> f64 {
    let n = shares.len() as f64;
    let mean = shares.iter().sum::<f64>() / n;
    if shares.is_empty() || mean == 0.0 {
        return 0.0;
    }
    (shares.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / n).sqrt() / mean
}

/// From the mean rate of each instance while it served, with its zone.
pub(super) fn balance(rates: &[(f64, Option<String>)]) -> BalanceFigures {
    let instances: Vec<f64> = rates.iter().map(|(rate, _)| *rate).collect();
    let mut zones: BTreeMap<&str, f64> = BTreeMap::new();
    for (rate, zone) in rates {
        if let Some(zone) = zone {
            *zones.entry(zone).or_default() += rate;
        }
    }
    let zones: Vec<f64> = zones.into_values().collect();
    BalanceFigures {
        instances_jain: jain(&instances),
        instances_cv: variation(&instances),
        zones_jain: jain(&zones),
        zones_cv: variation(&zones),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indices_of_known_shares() {
        assert_eq!((jain(&[1.0, 1.0, 1.0]), variation(&[5.0, 5.0])), (1.0, 0.0));
        assert_eq!((jain(&[4.0, 0.0, 0.0, 0.0]), variation(&[1.0, 3.0])), (0.25, 0.5));
        assert_eq!((jain(&[]), variation(&[])), (1.0, 0.0));
        let rates = [(10.0, Some("a".to_owned())), (10.0, Some("a".to_owned())), (20.0, Some("b".to_owned()))];
        assert_eq!(balance(&rates).zones_jain, 1.0);
    }
}
