use rand::{RngExt as _, SeedableRng};
use rand_pcg::Pcg64Mcg;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Which instances an action is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstanceChoice {
    pub pick: Pick,
    /// Only of this zone.
    pub zone: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Pick {
    Id(String),
    Oldest,
    Newest,
    /// One of them, the same for the same seed and instances.
    Random {
        seed: u64,
    },
    All,
}

impl InstanceChoice {
    /// The chosen among `instances` (id and zone), which are in order of launch.
    pub fn of<'a>(&self, instances: impl IntoIterator<Item = (&'a str, &'a str)>) -> Vec<&'a str> {
        let in_zone = |zone: &str| self.zone.as_deref().is_none_or(|wanted| wanted == zone);
        let there: Vec<&str> = instances.into_iter().filter(|(_, zone)| in_zone(zone)).map(|(id, _)| id).collect();
        let one = |id: Option<&&'a str>| id.copied().into_iter().collect();
        match &self.pick {
            Pick::Id(wanted) => one(there.iter().find(|id| **id == wanted)),
            Pick::Oldest => one(there.first()),
            Pick::Newest => one(there.last()),
            Pick::Random { .. } if there.is_empty() => Vec::new(),
            Pick::Random { seed } => {
                vec![there[Pcg64Mcg::seed_from_u64(*seed).random_range(0..there.len())]]
            }
            Pick::All => there,
        }
    }
}

impl fmt::Display for InstanceChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.pick {
            Pick::Id(id) => f.write_str(id)?,
            Pick::Oldest => f.write_str("the oldest instance")?,
            Pick::Newest => f.write_str("the newest instance")?,
            Pick::Random { .. } => f.write_str("an instance at random")?,
            Pick::All => f.write_str("all instances")?,
        }
        match &self.zone {
            Some(zone) => write!(f, " in {zone}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FLEET: [(&str, &str); 4] = [("i-1", "a"), ("i-2", "b"), ("i-3", "a"), ("i-4", "b")];

    fn chosen(pick: Pick, zone: Option<&str>) -> Vec<&'static str> {
        InstanceChoice { pick, zone: zone.map(str::to_owned) }.of(FLEET)
    }

    #[test]
    fn instances_are_chosen_by_age_id_and_zone() {
        for (pick, zone, expected) in [
            (Pick::Oldest, None, vec!["i-1"]),
            (Pick::Oldest, Some("b"), vec!["i-2"]),
            (Pick::Newest, Some("a"), vec!["i-3"]),
            (Pick::Id("i-3".into()), None, vec!["i-3"]),
            (Pick::Id("i-3".into()), Some("b"), vec![]),
            (Pick::All, Some("b"), vec!["i-2", "i-4"]),
            (Pick::Random { seed: 7 }, Some("c"), vec![]),
        ] {
            assert_eq!(chosen(pick.clone(), zone), expected, "{pick:?} {zone:?}");
        }
    }

    #[test]
    fn a_seed_draws_the_same_and_seeds_draw_all() {
        let mut drawn: Vec<&str> = (0..64).flat_map(|seed| chosen(Pick::Random { seed }, None)).collect();
        assert_eq!(chosen(Pick::Random { seed: 0 }, None), [drawn[0]]);
        drawn.sort_unstable();
        drawn.dedup();
        assert_eq!(drawn, ["i-1", "i-2", "i-3", "i-4"]);
    }
}
