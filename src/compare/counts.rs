use super::{Difference, Finding, Kind, Unit};
use crate::session::SessionFindings;
use statrs::distribution::{DiscreteCDF as _, Hypergeometric};

/// Sessions with a definite loss. One where there was none before is a regression, whatever the chances: it was seen.
pub(super) fn sessions(base: &SessionFindings, new: &SessionFindings) -> Vec<Difference> {
    let (a, b) = (&base.sessions, &new.sessions);
    let counts = [
        ("asked to log in again", a.asked_to_log_in_again, b.asked_to_log_in_again),
        ("answered as another user", a.wrong_user, b.wrong_user),
        ("with state lost", a.state_lost, b.state_lost),
        ("with state duplicated", a.duplicated, b.duplicated),
    ];
    let told = counts.into_iter().filter(|(_, before, now)| before + now > 0);
    told.map(|(what, before, now)| Difference {
        base: Some(before as f64),
        new: Some(now as f64),
        p_value: Some(fisher(before, a.logged_in.max(before), now, b.logged_in.max(now))),
        finding: if before == 0 { Finding::Regression } else { Finding::Unchanged },
        ..Difference::new(Kind::Sessions, format!("sessions {what}"), Unit::Count)
    })
    .collect()
}

/// Fisher's exact test of two shares, two-sided as twice the smaller tail.
fn fisher(lost_base: u64, of_base: u64, lost_new: u64, of_new: u64) -> f64 {
    let Ok(chance) = Hypergeometric::new(of_base + of_new, lost_base + lost_new, of_new) else { return 1.0 };
    let at_most = chance.cdf(lost_new);
    let at_least = if lost_new == 0 { 1.0 } else { chance.sf(lost_new - 1) };
    (2.0 * at_most.min(at_least)).min(1.0)
}

#[cfg(test)]
mod tests {
    use super::fisher;

    #[test]
    fn two_shares_are_told_apart_when_they_are_apart() {
        // Twice the sum over i from 12 to 15 of C(15, i)·C(185, 100 − i) / C(200, 100), in whole numbers.
        assert!((fisher(3, 100, 12, 100) - 0.028_671_314_973).abs() < 1e-9, "{}", fisher(3, 100, 12, 100));
        assert_eq!(fisher(5, 100, 5, 100), 1.0);
        assert_eq!(fisher(0, 0, 0, 0), 1.0);
        assert!(fisher(40, 100, 0, 100) < 1e-9);
    }
}
