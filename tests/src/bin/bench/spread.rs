//! A figure over the rounds: its median, and how far it strayed.

use serde::Serialize;

/// Median, least and greatest of the rounds.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Spread {
    /// Half of the rounds were below.
    pub(crate) median: f64,
    /// The least.
    pub(crate) min: f64,
    /// The greatest.
    pub(crate) max: f64,
}

impl Spread {
    /// Of one value per round; `None` if there are none.
    pub(crate) fn of(rounds: &[f64]) -> Option<Self> {
        let mut sorted = rounds.to_vec();
        sorted.sort_by(f64::total_cmp);
        let (min, max) = (*sorted.first()?, *sorted.last()?);
        let upper = sorted.len() / 2;
        let lower = upper - usize::from(sorted.len().is_multiple_of(2));
        Some(Self { median: f64::midpoint(*sorted.get(lower)?, *sorted.get(upper)?), min, max })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_median_lies_in_the_middle() {
        for (rounds, median) in [(&[3.0][..], 3.0), (&[9.0, 1.0], 5.0), (&[9.0, 1.0, 2.0], 2.0)] {
            let spread = Spread::of(rounds).unwrap();
            assert_eq!((spread.median, spread.min <= spread.max), (median, true));
        }
        assert!(Spread::of(&[]).is_none());
    }
}
