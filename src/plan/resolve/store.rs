use super::context::Context;
use crate::plan::{LabStore, Persistence, StoreKind};
use crate::profile::{At, LabStoreFile, PersistenceFile, StoreKindFile};
use std::time::Duration;

/// Longer than any two places on Earth are apart, and short enough for a sentinel not to take the link for dead.
const LONGEST_LINK: Duration = Duration::from_millis(500);

impl Context<'_> {
    pub fn lab_store(&mut self, file: Option<&At<LabStoreFile>>) -> LabStore {
        let default = LabStore::default();
        let Some(file) = file else { return default };
        let kind = match file.kind {
            Some(StoreKindFile::Single) => StoreKind::Single,
            Some(StoreKindFile::Cluster) => StoreKind::Cluster,
            Some(StoreKindFile::Sentinel) | None => StoreKind::Sentinel,
        };
        if kind == StoreKind::Single {
            let help = "leave it out, or write `kind = \"sentinel\"` or `kind = \"cluster\"`";
            let replicated = [
                file.down_after.as_ref().map(|v| (&v.span, "down_after")),
                file.min_replicas_to_write.as_ref().map(|v| (&v.span, "min_replicas_to_write")),
                file.link_delay.as_ref().map(|v| (&v.span, "link_delay")),
                file.wait_for_replicas.as_ref().map(|v| (&v.span, "wait_for_replicas")),
            ];
            for (span, key) in replicated.into_iter().flatten() {
                self.error(span, format!("a single server has no replicas for `{key}`"), help);
            }
        }
        if let Some(long) = file.link_delay.as_ref().filter(|delay| delay.0 > LONGEST_LINK) {
            self.error(&long.span, "no two zones are that far apart", "`500ms` at most");
        }
        LabStore {
            kind,
            down_after: self.above_zero(&file.down_after, default.down_after.as_secs_f64()),
            min_replicas_to_write: self.replicas(file.min_replicas_to_write.as_ref(), kind),
            persistence: match file.persistence {
                Some(PersistenceFile::Snapshot) => Persistence::Snapshot,
                Some(PersistenceFile::AppendOnly) => Persistence::AppendOnly,
                Some(PersistenceFile::None) => Persistence::None,
                None => default.persistence,
            },
            link_delay: file.link_delay.as_ref().map_or(default.link_delay, |delay| delay.0),
            wait_for_replicas: self.replicas(file.wait_for_replicas.as_ref(), kind),
        }
    }

    fn replicas(&mut self, written: Option<&At<u32>>, kind: StoreKind) -> u32 {
        let Some(written) = written else { return 0 };
        // That a single server has none is told where the key is refused.
        if written.value > kind.replicas() && kind != StoreKind::Single {
            let message = format!("{} replicas are more than a primary has", written.value);
            self.error(&written.span, message, format!("0 to {}", kind.replicas()));
        }
        written.value
    }
}
