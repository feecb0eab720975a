use super::{free_address, until};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};

/// A redis-server, or a sentinel, ended when it is dropped.
pub struct Redis {
    child: Child,
    pub address: SocketAddr,
    pub folder: tempfile::TempDir,
}

impl Redis {
    /// With lines of configuration besides where it listens.
    pub fn start(config: &str, arguments: &[&str]) -> Redis {
        let folder = tempfile::tempdir().unwrap();
        let address = free_address();
        let file = folder.path().join("redis.conf");
        let text = format!("bind {}\nport {}\ndir {}\n{config}", address.ip(), address.port(), folder.path().display());
        std::fs::write(&file, text).unwrap();
        let mut command = Command::new("redis-server");
        let child = command.arg(file).args(arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        until("Redis listens", || TcpStream::connect(address).is_ok());
        Redis { child, address, folder }
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
