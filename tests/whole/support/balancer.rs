use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// A HAProxy of one configuration, ended when it is dropped.
pub struct Balancer {
    child: Child,
    pub address: SocketAddr,
}

impl Balancer {
    /// Starts HAProxy with `config`, in which `@ADDRESS@` stands for where it listens; its files are in `folder`.
    pub fn start(folder: &Path, config: &str) -> Balancer {
        let address = super::free_address();
        let file = folder.join("haproxy.cfg");
        std::fs::write(&file, config.replace("@ADDRESS@", &address.to_string())).unwrap();
        let mut command = Command::new("haproxy");
        command.args(["-db", "-f"]).arg(file).stdout(Stdio::null());
        // Debian keeps it where only root's PATH leads.
        command.env("PATH", format!("{}:/usr/sbin", std::env::var("PATH").unwrap_or_default()));
        let balancer = Balancer { child: command.spawn().unwrap(), address };
        super::until("HAProxy listens", || TcpStream::connect(address).is_ok());
        balancer
    }
}

impl Drop for Balancer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
