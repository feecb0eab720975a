use super::config::{self, ServerPorts};
use super::host::Host;
use super::servers::Store;
use crate::lab::LabError;
use crate::lab::private_file::write_private;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// A host with a part of the data, and the files it has it in.
#[derive(Clone, Debug)]
pub(in crate::lab) struct Node {
    pub(in crate::lab) host: Host,
    pub(super) ports: ServerPorts,
    pub(super) directory: PathBuf,
    pub(super) acl: PathBuf,
}

impl Node {
    /// Where it writes a snapshot of its data.
    pub(super) fn snapshot(&self) -> PathBuf {
        self.directory.join("dump.rdb")
    }

    /// Forgets what it persisted.
    pub(super) fn wipe(&self) -> io::Result<()> {
        let ignore_missing = |result: io::Result<()>| match result {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        };
        ignore_missing(fs::remove_file(self.snapshot()))?;
        ignore_missing(fs::remove_dir_all(self.directory.join("appendonlydir")))
    }

    /// Has it start from this snapshot.
    pub(super) fn place(&self, snapshot: &Path) -> io::Result<()> {
        self.wipe()?;
        fs::copy(snapshot, self.snapshot()).map(drop)
    }
}

impl Store {
    /// Writes a node's configuration anew, as a replica of another or as a primary: sentinels may have rewritten it.
    pub(super) fn configure(
        &self,
        node: &Node,
        follows: Option<u16>,
        plan: &crate::plan::LabStore,
    ) -> Result<(), LabError> {
        let ports = ServerPorts { follows, ..node.ports };
        let text = config::server(ports, plan, &node.directory, &node.acl, &self.certificates, &self.passwords);
        write_private(&node.directory.join("redis.conf"), &text).map(drop)
    }
}
