/// p-values adjusted for how many there are (S. Holm, *Scandinavian Journal of Statistics* 6, 1979): where each is held
/// against 1 − confidence, that is the chance of any false alarm among them.
pub(super) fn adjusted(p_values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_by(|a, b| p_values[*a].total_cmp(&p_values[*b]));
    let mut adjusted = vec![0.0; p_values.len()];
    let mut greatest: f64 = 0.0;
    for (rank, index) in order.into_iter().enumerate() {
        let of = (p_values.len() - rank) as f64;
        greatest = greatest.max((of * p_values[index]).min(1.0));
        adjusted[index] = greatest;
    }
    adjusted
}

#[cfg(test)]
mod tests {
    use super::adjusted;

    #[test]
    fn the_smallest_pays_for_all_and_none_comes_before_a_smaller_one() {
        // R: p.adjust(c(0.01, 0.04, 0.03, 0.005), "holm")
        let found = adjusted(&[0.01, 0.04, 0.03, 0.005]);
        let expected = [0.03, 0.06, 0.06, 0.02];
        assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-12), "{found:?}");
        assert_eq!(adjusted(&[0.7, 0.9]), [1.0, 1.0]);
        assert!(adjusted(&[]).is_empty());
    }
}
