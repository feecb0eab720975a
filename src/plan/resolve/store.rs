use super::context::Context;
use crate::plan::{LabStore, Persistence, Reads, StoreKind};
use crate::profile::{At, LabStoreFile, PersistenceFile, ReadsFile, StoreKindFile};
use std::time::Duration;

/// Longer than any two places on Earth are apart, and short enough for a sentinel not to take the link for dead.
const LONGEST_LINK: Duration = Duration::from_millis(500);
/// After a failover a sentinel waits for up to a second before it connects to the new primary (`SENTINEL_PING_PERIOD`), and
/// counts that as silence. With just that second two of sixteen runs saw a second failover (four runs at a time, two cores).
const SENTINELS_CONNECT_WITHIN: Duration = Duration::from_millis(1500);

impl Context<'_> {
    pub fn lab_store(&mut self, file: Option<&At<LabStoreFile>>) -> LabStore {
        let default = LabStore::default();
        let Some(file) = file else { return default };
        let kind = match file.kind.as_ref().map(|kind| kind.value) {
            Some(StoreKindFile::Single) => StoreKind::Single,
            Some(StoreKindFile::Cluster) => StoreKind::Cluster,
            Some(StoreKindFile::Dynamodb) => StoreKind::Dynamodb,
            Some(StoreKindFile::Sentinel) | None => StoreKind::Sentinel,
        };
        if let (StoreKind::Dynamodb, Some(written), false) = (kind, &file.kind, cfg!(feature = "aws")) {
            let help = "build it with `--features aws`, or take `kind = \"sentinel\"`";
            self.error(&written.span, "this rushhour was built without DynamoDB", help);
        }
        self.keys_of_the_store(file, kind);
        if let Some(long) = file.link_delay.as_ref().filter(|delay| delay.0 > LONGEST_LINK) {
            self.error(&long.span, "no two zones are that far apart", "`500ms` at most");
        }
        if let Some(short) = file.down_after.as_ref().filter(|after| after.0 < SENTINELS_CONNECT_WITHIN)
            && kind == StoreKind::Sentinel
        {
            let message = "sentinels would fail over again after a failover: they connect anew once a second";
            self.error(&short.span, message, "`1500ms` at least");
        }
        LabStore {
            kind,
            down_after: self.above_zero(&file.down_after, default.down_after.as_secs_f64()),
            min_replicas_to_write: self.replicas(file.min_replicas_to_write.as_ref(), kind),
            persistence: match file.persistence.as_ref().map(|persistence| persistence.value) {
                Some(PersistenceFile::Snapshot) => Persistence::Snapshot,
                Some(PersistenceFile::AppendOnly) => Persistence::AppendOnly,
                Some(PersistenceFile::None) => Persistence::None,
                None => default.persistence,
            },
            link_delay: file.link_delay.as_ref().map_or(default.link_delay, |delay| delay.0),
            wait_for_replicas: self.replicas(file.wait_for_replicas.as_ref(), kind),
            reads: match file.reads.as_ref().map(|reads| reads.value) {
                Some(ReadsFile::Eventual) => Reads::Eventual,
                Some(ReadsFile::Consistent) | None => Reads::Consistent,
            },
        }
    }

    /// Each kind has keys of its own.
    fn keys_of_the_store(&mut self, file: &LabStoreFile, kind: StoreKind) {
        let replicated = [
            file.down_after.as_ref().map(|v| (&v.span, "down_after")),
            file.min_replicas_to_write.as_ref().map(|v| (&v.span, "min_replicas_to_write")),
            file.link_delay.as_ref().map(|v| (&v.span, "link_delay")),
            file.wait_for_replicas.as_ref().map(|v| (&v.span, "wait_for_replicas")),
        ];
        let help = "leave it out, or write `kind = \"sentinel\"` or `kind = \"cluster\"`";
        for (span, key) in replicated.into_iter().flatten() {
            match kind {
                StoreKind::Sentinel | StoreKind::Cluster => {}
                StoreKind::Single => self.error(span, format!("a single server has no replicas for `{key}`"), help),
                StoreKind::Dynamodb => {
                    self.error(span, format!("DynamoDB replicates by itself: `{key}` is for Redis"), help);
                }
            }
        }
        if let (Some(reads), false) = (&file.reads, kind == StoreKind::Dynamodb) {
            let help = "leave it out, or write `kind = \"dynamodb\"`";
            self.error(&reads.span, "Redis is read from its primary: `reads` is for DynamoDB", help);
        }
        if let (Some(persistence), true) = (&file.persistence, kind == StoreKind::Dynamodb) {
            self.error(&persistence.span, "DynamoDB persists by itself: `persistence` is for Redis", help);
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
